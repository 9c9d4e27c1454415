"""The loop whose time leaps: what its tests stand on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tests.support import warp

HOUR_S = 3600.0


async def an_hour() -> float:
    began_s = time.monotonic()
    await asyncio.sleep(HOUR_S)
    return time.monotonic() - began_s


def test_an_hour_passes_at_once_on_every_clock() -> None:
    real_s = time.perf_counter()
    assert abs(warp.run(an_hour()) - HOUR_S) < 0.01
    assert time.perf_counter() - real_s < HOUR_S / 10


def test_a_clock_that_code_kept_during_one_run_follows_the_next() -> None:
    """A credit bucket whose module was first imported during a run stood still for ever after (second boot hung)."""
    kept: list[Callable[[], float]] = []

    async def keep() -> None:
        kept.append(time.monotonic)

    async def passed() -> float:
        began_s = kept[0]()
        await asyncio.sleep(HOUR_S)
        return kept[0]() - began_s

    warp.run(keep())
    assert abs(warp.run(passed()) - HOUR_S) < 0.01
    assert abs(kept[0]() - time.monotonic()) < HOUR_S / 10


def test_runs_that_begin_at_a_stated_time_show_equal_clocks() -> None:
    async def clocks() -> tuple[int, int]:
        await asyncio.sleep(1.5)
        return time.time_ns(), time.monotonic_ns()

    start_ns = 1_800_000_000 * 10**9
    assert warp.run(clocks(), start_ns) == warp.run(clocks(), start_ns)


def test_code_that_waits_turn_by_turn_gets_there() -> None:
    """A credit bucket that lacked a millionth of a credit asked again in the same instant, for ever."""

    async def turns() -> int:
        began_ns, count = time.monotonic_ns(), 0
        while time.monotonic_ns() == began_ns and count < 1_000:
            await asyncio.sleep(0)
            count += 1
        return count

    assert warp.run(turns()) < 1_000
