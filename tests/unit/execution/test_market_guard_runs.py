"""Market guards in the whole bot on the emulator, in warp time: what the venue sees, and the way back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core.breaker_state import Cause, Level
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.emulator import exchange as exchange_module
from tests.support import lively_market, warp
from tests.support.lively_market import LivelyMarket
from tests.support.running import until
from tests.unit.execution import trading as trading_module
from tests.unit.execution.trading import FAST, Trading, arm_fault, clear_faults, trading, venue

SHOCK: dict[str, Any] = {**FAST, "shock_on": True, "volatility_on": False}
A_TENTH_TICKS = 1_100_000


@pytest.fixture(autouse=True)
def living(monkeypatch: pytest.MonkeyPatch) -> None:
    """A market whose feed lives while its price stands still, and which may move far."""

    def calm(lots: int) -> LivelyMarket:
        market = LivelyMarket(seed=1)
        market.is_calm = True
        return market

    monkeypatch.setattr(trading_module, "DrivenMarket", calm)
    monkeypatch.setattr(trading_module, "BeatingMarket", calm)
    monkeypatch.setattr(lively_market, "MAX_AWAY_TICKS", 5_000_000)
    # The venue's beat between due events; its 10 ms would make most of the work of an idle minute.
    monkeypatch.setattr(exchange_module, "PACE_S", 0.05)


def level_of(line: Trading) -> Level:
    assert line.quoter.decision is not None
    return line.quoter.decision.state.breaker.level


def silences(line: Trading) -> set[Silence | None]:
    decision = line.quoter.decision
    assert decision is not None
    return {decision.bid_silence, decision.ask_silence}


async def both_rest(line: Trading) -> None:
    await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, 120.0, line.describe)


POSITION: dict[str, Any] = {"execution": "position", "stop_loss_bps": 4000, "time_limit_s": 36_000}


@pytest.mark.parametrize(("is_seen", "settings"), [(True, {}), (False, {}), (True, POSITION)])
def test_a_gap_of_a_tenth_stops_the_bot_until_a_person_clears_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_seen: bool,
    settings: dict[str, Any],
) -> None:
    """K3: no quote is placed after the frame that shows it, also when it happened in a feed that was silent; neither
    calm nor a crash ends the stop, ``breaker_release`` does.
    """

    async def scenario() -> None:
        async with venue() as on:
            async with trading(tmp_path, monkeypatch, on=on, **SHOCK, **settings) as line:
                await both_rest(line)
                if not is_seen:
                    await arm_fault(line.bench, name="silence", channel="depth_book")
                    await arm_fault(line.bench, name="silence", channel="price")
                    await asyncio.sleep(20.0)
                on[1].jump(-A_TENTH_TICKS)
                await asyncio.sleep(0.5)
                placed = line.quoter.placed_count
                await clear_faults(line.bench)
                await until(lambda: level_of(line) is Level.STOP, 60.0, line.describe)
                await until(lambda: not line.venue_orders(), 10.0, line.describe)
                assert line.quoter.placed_count == placed, "a quote was placed after the move"
                assert line.quoter.decision.state.breaker.cause is Cause.SHOCK
                assert "breaker stop (shock)" in "\n".join(line.controller.to_format_status())
                assert any("cause=shock" in record.getMessage() and "breaker_release" in record.getMessage()
                           for record in caplog.records if record.levelname == "ERROR")
                assert await line.controller.desk._writer.flush()
                line.is_crashed = True
            async with trading(tmp_path, monkeypatch, on=on, **SHOCK, **settings) as line:
                await until(lambda: level_of(line) is Level.STOP, 60.0, line.describe)
                await asyncio.sleep(120.0)
                assert line.quoter.placed_count == 0 and silences(line) == {Silence.BREAKER_STOP}
                assert line.controller.get_custom_info()["breaker"] == "stop (shock)"
                line.reload(breaker_release=1)
                await both_rest(line)
                await line.stop()
                assert [(row["level"], row["cause"]) for row in line.events("breaker")][:1] == [("stop", "shock")]

    warp.run(scenario())


@pytest.mark.parametrize("bps", [1500, -5000])
def test_a_mark_that_is_wrong_alone_pulls_the_quotes_and_needs_no_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bps: int
) -> None:
    """K3, the other direction: for half a minute each mark is insane; nothing rests, then it quotes again."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **SHOCK) as line:
            await line.quoted()
            await arm_fault(line.bench, name="mark_jump", bps=bps)
            await until(lambda: not line.venue_orders(), 10.0, line.describe)
            ends = time.monotonic() + 30.0
            while time.monotonic() < ends:
                assert level_of(line) is Level.NORMAL and line.quoter.decision.state.shock.is_suspected
                assert not line.venue_orders()
                await asyncio.sleep(0.5)
            await clear_faults(line.bench)
            await both_rest(line)
            assert not line.quoter.decision.state.shock.is_suspected

    warp.run(scenario())


GUARD: dict[str, Any] = {**FAST, "volatility_on": False, "guard_spread_bps": 15.0}


def distances_bps(line: Trading) -> list[float]:
    """How far our orders at the venue stand from the middle of others, which is the mark of this market."""
    mid = line.bench.market.mid_ticks / 100
    return [abs(float(row["price"]) / mid - 1) * 1e4 for row in line.venue_orders()]


def test_a_book_that_is_ours_alone_is_pulled_and_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """K6: others stand 20 bps apart, our quotes 12: the shown book would pass, that of others does not. Nothing rests
    until they are back and five seconds have passed.
    """

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **GUARD, guard_action="pull") as line:
            await line.quoted()
            monkeypatch.setattr(lively_market, "HALF_SPREAD_TICKS", 10_000)
            await until(lambda: not line.venue_orders(), 5.0, line.describe)
            assert silences(line) == {Silence.WIDE_SPREAD}
            placed = line.quoter.placed_count
            await asyncio.sleep(30.0)
            assert line.quoter.placed_count == placed and not line.venue_orders()
            assert "guard wide_spread" in "\n".join(line.controller.to_format_status())
            assert line.controller.get_custom_info()["guard"] == "wide_spread"
            monkeypatch.setattr(lively_market, "HALF_SPREAD_TICKS", 50)
            back = time.monotonic()
            await both_rest(line)
            assert 5.0 <= time.monotonic() - back <= 7.0
            assert line.controller.get_custom_info()["guard"] is None
            await line.stop()
            causes = [row["inputs"]["state"]["guard"]["cause"] for row in line.events("decision")]
            assert "wide_spread" in causes and causes[0] is None

    warp.run(scenario())


def test_a_thin_book_widens_the_quotes_and_a_full_one_brings_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K6: with a hundredth of the depth no quote rests nearer than 7.75 bps, on both sides; afterwards at 6 again."""

    async def scenario() -> None:
        config = {**GUARD, "guard_depth_quote": 2000, "guard_depth_bps": 3.0, "guard_widen_bps": 3.5}
        async with trading(tmp_path, monkeypatch, **config, guard_action="widen") as line:
            await line.quoted()
            assert all(5.5 <= away <= 6.5 for away in distances_bps(line))
            monkeypatch.setattr(lively_market, "LEVEL_LOTS", 3)
            await until(lambda: len(distances_bps(line)) == 2 and min(distances_bps(line)) > 9.0, 10.0, line.describe)
            ends = time.monotonic() + 20.0
            while time.monotonic() < ends:
                assert len(line.venue_orders()) == 2 and min(distances_bps(line)) > 7.75
                await asyncio.sleep(0.5)
            assert line.controller.get_custom_info()["guard"] == "thin_book" and silences(line) == {None}
            monkeypatch.setattr(lively_market, "LEVEL_LOTS", 300)
            await until(lambda: len(distances_bps(line)) == 2 and max(distances_bps(line)) < 6.5, 15.0, line.describe)
            assert line.controller.get_custom_info()["guard"] is None

    warp.run(scenario())


@pytest.mark.parametrize("fault", ["book_one_sided", "book_empty"])
def test_a_book_without_a_side_is_refused_as_without_the_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Nothing rests while it lasts and both sides return; the guard, which had no book to look at, did not begin."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **GUARD, guard_action="pull") as line:
            await line.quoted()
            await arm_fault(line.bench, name=fault)
            await until(lambda: not line.venue_orders(), 10.0, line.describe)
            assert None not in silences(line)
            await asyncio.sleep(5.0)
            assert line.quoter.decision.state.guard.cause is None
            await clear_faults(line.bench)
            await both_rest(line)

    warp.run(scenario())
