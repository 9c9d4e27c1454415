"""How often a quoter decides: on its beat, at once on events, and no oftener than a slow machine can bear."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from trading import FAST, Trading, arm_fault, trading, until

from hummingbot_extensions.core.decide import decide
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.execution import quoter as quoter_module
from tests.support import warp

pytestmark = pytest.mark.hummingbot


def decisions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, Any]]:
    """(monotonic seconds, decision) of everything that is decided from here on."""
    found: list[tuple[float, Any]] = []

    def noted(inputs: Any) -> Any:
        decision = decide(inputs)
        found.append((time.monotonic(), decision))
        return decision

    monkeypatch.setattr(quoter_module, "decide", noted)
    return found


@pytest.mark.parametrize("cadence_ms", [100, 250, 500, 1000])
def test_g24_a_dead_feed_is_noticed_within_a_beat(
    cadence_ms: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any event the beat alone decides, at its cadence; quotes go no later than a beat after the limit."""

    async def run() -> tuple[float, int]:
        async with trading(tmp_path, monkeypatch, stale_book_ms=1500, cadence_ms=cadence_ms, **FAST) as line:
            await line.quoted()
            found = decisions(monkeypatch)
            await arm_fault(line.bench, name="silence")
            await until(lambda: found and found[-1][1].bid_silence is Silence.STALE_BOOK, 10.0, line.describe)
            book = line.connector.book_state("BTC-DUSD")
            noticed_ms = (time.monotonic_ns() - book.received_mono_ns) / 1e6
            await until(lambda: not line.venue_orders(), 5.0, line.describe)
            await asyncio.sleep(1.0)
            found.clear()
            await asyncio.sleep(10.0)
            return noticed_ms, len(found)

    noticed_ms, beats = warp.run(run())
    assert 1500 <= noticed_ms <= 1500 + cadence_ms + 20
    # A stream that is opened anew is an event too.
    assert 10_000 / cadence_ms - 2 <= beats <= 10_000 / cadence_ms + 6


def test_g24_events_do_not_wait_for_the_beat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the slowest beat a wake-up is decided on in the same turn of the loop."""

    async def run() -> float:
        async with trading(tmp_path, monkeypatch, cadence_ms=1000, **FAST) as line:
            await line.quoted()
            found = decisions(monkeypatch)
            line.quoter.wake("frame")
            woken_s = time.monotonic()
            await asyncio.sleep(0)
            return found[-1][0] - woken_s

    assert warp.run(run()) < 0.001


def test_g24_wake_ups_within_the_interval_are_answered_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wake-up every 10 ms for two seconds: a decision each 200 ms, none of them forgotten, the first one at once."""

    async def run() -> tuple[float, list[float], float]:
        async with trading(tmp_path, monkeypatch, min_turn_interval_ms=200, cadence_ms=1000, **FAST) as line:
            await line.quoted()
            found = decisions(monkeypatch)
            await until(lambda: time.monotonic() - line.quoter.last_turn_ns / 1e9 > 0.2, 5.0)
            first_s = time.monotonic()
            for _ in range(200):
                line.quoter.wake("frame")
                await asyncio.sleep(0.01)
            last_s = time.monotonic()
            await asyncio.sleep(0.21)
            return first_s, [at for at, _ in found], last_s

    first_s, at_s, last_s = warp.run(run())
    after = [at for at in at_s if at >= first_s]
    assert after[0] - first_s < 0.001
    gaps = [later - earlier for earlier, later in zip(at_s, at_s[1:], strict=False)]
    assert min(gaps) >= 0.199 and 10 <= len(after) <= 12
    assert after[-1] >= last_s - 0.01


def test_a_reload_changes_the_beat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a second to 100 ms, without a restart."""

    async def quiet(line: Trading, found: list[tuple[float, Any]]) -> int:
        found.clear()
        await asyncio.sleep(5.0)
        return len(found)

    async def run() -> tuple[int, int]:
        async with trading(tmp_path, monkeypatch, cadence_ms=1000, **FAST) as line:
            await line.quoted()
            found = decisions(monkeypatch)
            await arm_fault(line.bench, name="silence")
            await until(lambda: not line.venue_orders(), 10.0, line.describe)
            slow = await quiet(line, found)
            line.reload(cadence_ms=100)
            await asyncio.sleep(3.0)
            return slow, await quiet(line, found)

    slow, fast = warp.run(run())
    assert slow <= 7 and fast >= 45
