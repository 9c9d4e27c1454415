"""A stop that waits for a person outlives the process, and so do the trips that lead to one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.breaker_state import Cause, LastingStop, Level
from hummingbot_extensions.core.breakers import STOP_WINDOW_S
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import snapshot, state_file
from hummingbot_extensions.execution.snapshot import Scope, Snapshot
from tests.support import warp
from tests.support.running import until
from tests.unit.execution.trading import CONTROLLER, FAST, Trading, arm_fault, clear_faults, trading, venue

STOPPING: dict[str, Any] = {**FAST, "stop_after_trips": 2, "reject_cooldown_s": 5}
SCOPE = Scope(CONTROLLER, "standx_perpetual_emulator", "BTC-DUSD")


def lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: Callable[..., Any]) -> None:
    """Run ``scenario`` with a maker of bots that follow each other in one workspace, on one venue."""

    async def whole() -> None:
        async with venue() as on:
            await scenario(lambda **settings: trading(tmp_path, monkeypatch, on=on, **{**STOPPING, **settings}))

    warp.run(whole())


async def at_level(line: Trading, level: Level) -> None:
    await until(lambda: line.quoter.decision is not None and line.quoter.decision.state.breaker.level is level, 300.0,
                line.describe)


async def both_rest(line: Trading) -> None:
    await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, 120.0, line.describe)


async def refused(line: Trading) -> None:
    """Both quotes fill, and the venue refuses every new one."""
    await both_rest(line)
    await arm_fault(line.bench, name="order_rejected", count=1000)
    for side in Side:
        line.hit(side, 20)


async def stopped_by_rejections(line: Trading) -> None:
    """Let the venue refuse everything until the breakers stop; what led to it is over then."""
    await refused(line)
    await at_level(line, Level.STOP)
    await clear_faults(line.bench)
    assert await line.controller.desk._writer.flush()


@pytest.mark.parametrize("is_crashed", [True, False])
def test_a_stop_of_the_breakers_is_not_ended_by_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_crashed: bool
) -> None:
    """Killed and started by a supervisor, or stopped and started: nothing is placed until ``breaker_release``."""

    async def scenario(life: Any) -> None:
        async with life() as line:
            await stopped_by_rejections(line)
            line.is_crashed = is_crashed
        caplog.clear()
        async with life() as line:
            await at_level(line, Level.STOP)
            await asyncio.sleep(600.0)
            assert line.quoter.decision.bid_silence is Silence.BREAKER_STOP and line.quoter.placed_count == 0
            assert any("level=stop" in record.getMessage() for record in caplog.records
                       if record.levelno == logging.ERROR)
            # The kill switch makes a new quoter, not a new account of what went wrong.
            await line.switch_off()
            await line.switch_on()
            await asyncio.sleep(60.0)
            assert line.quoter.placed_count == 0
            line.reload(breaker_release=1)
            await both_rest(line)

    lives(tmp_path, monkeypatch, scenario)


def test_a_release_between_two_lives_is_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who changes the number while the bot is off finds it quoting after the start, and at the next one."""

    async def scenario(life: Any) -> None:
        async with life() as line:
            await stopped_by_rejections(line)
            line.is_crashed = True
        for _ in range(2):
            async with life(breaker_release=7) as line:
                await both_rest(line)
                assert await line.controller.desk._writer.flush()
                line.is_crashed = True

    lives(tmp_path, monkeypatch, scenario)


def test_trips_of_earlier_lives_count_towards_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot that crashes after every pause stops at the same trip as one that does not."""

    async def scenario(life: Any) -> None:
        async with life(reject_cooldown_s=600) as line:
            await refused(line)
            await at_level(line, Level.PAUSE)
            assert await line.controller.desk._writer.flush()
            line.is_crashed = True
        async with life(reject_cooldown_s=600) as line:
            await at_level(line, Level.STOP)
            await clear_faults(line.bench)

    lives(tmp_path, monkeypatch, scenario)


def snapshot_with(stop: LastingStop) -> Snapshot:
    return Snapshot(SCOPE, "hbx", "0" * 16, time.time_ns(), AccountBook(began_ns=1), None, "", stop)


def test_a_state_from_before_stops_lasted_is_read_as_one_without(tmp_path: Path) -> None:
    """Version 1 had everything else."""
    content = snapshot.content_of(snapshot_with(LastingStop(5, 6, (7,))))
    assert isinstance(content, dict)
    del content["stop"], content["is_closing"]
    path = tmp_path / "controller-mm.json"
    state_file.write(path, state_file.encoded(content, 1))
    kept = snapshot.loaded(path, SCOPE)
    assert kept is not None and kept.stop == LastingStop() and kept.book.began_ns == 1


def test_trips_of_before_a_reboot_are_as_old_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Monotonic time begins anew with the machine: stamps before it are negative and still within the hour."""
    from hummingbot_extensions.core.breakers import _recent

    unix_ns = 1_700_000_000 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: unix_ns)
    monkeypatch.setattr(time, "monotonic_ns", lambda: 60 * 10**9)
    old = LastingStop(unix_ns - 900 * 10**9, 3, (unix_ns - 900 * 10**9, unix_ns + 5 * 10**9))
    breaker = snapshot.resumed_state(snapshot_with(old)).breaker
    assert (breaker.stop_since_ns, breaker.stop_release, breaker.serious_ns) == (
        -840 * 10**9, 3, (-840 * 10**9, 60 * 10**9))
    assert len(_recent(breaker.serious_ns, 60 * 10**9, STOP_WINDOW_S)) == 2
    assert snapshot.wall_stop(breaker.lasting) == LastingStop(
        unix_ns - 900 * 10**9, 3, (unix_ns - 900 * 10**9, unix_ns))


def test_a_stop_of_before_shocks_were_known_is_one_by_trips(tmp_path: Path) -> None:
    """Version 3 kept no cause, and goes on waiting for a person."""
    content = snapshot.content_of(snapshot_with(LastingStop(5, 6, (7,), Cause.SHOCK)))
    assert isinstance(content, dict) and isinstance(content["stop"], dict)
    path = tmp_path / "controller-mm.json"
    state_file.write(path, state_file.encoded(content, snapshot.VERSION))
    kept = snapshot.loaded(path, SCOPE)
    assert kept is not None and kept.stop == LastingStop(5, 6, (7,), Cause.SHOCK)
    del content["stop"]["stop_cause"]
    state_file.write(path, state_file.encoded(content, 3))
    kept = snapshot.loaded(path, SCOPE)
    assert kept is not None and kept.stop == LastingStop(5, 6, (7,), Cause.TRIPS)
