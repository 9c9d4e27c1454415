"""Breakers in the whole bot on the emulator, in warp time: what trips them, what the venue sees, and the way back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core.breaker_state import Cause, Level
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator import exchange as exchange_module
from tests.support import warp
from tests.support.lively_market import LivelyMarket
from tests.support.running import until
from tests.unit.execution import trading as trading_module
from tests.unit.execution.trading import FAST, Trading, arm_fault, clear_faults, trading


@pytest.fixture(autouse=True)
def living(monkeypatch: pytest.MonkeyPatch) -> None:
    """A market whose feed lives while its price stands still."""

    def calm(lots: int) -> LivelyMarket:
        market = LivelyMarket(seed=1)
        market.is_calm = True
        return market

    monkeypatch.setattr(trading_module, "DrivenMarket", calm)
    # The venue's beat between due events; its 10 ms would make most of the work of an idle minute.
    monkeypatch.setattr(exchange_module, "PACE_S", 0.05)


@asynccontextmanager
async def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> AsyncIterator[Trading]:
    """The whole bot; its file is read once a second, since minutes pass here and reading is most of the work."""
    async with trading(tmp_path, monkeypatch, **settings) as line:
        line.strategy.config_update_interval = 1.0
        yield line


def level(line: Trading) -> Level:
    assert line.quoter.decision is not None
    return line.quoter.decision.state.breaker.level


def cause(line: Trading) -> Cause:
    assert line.quoter.decision is not None
    return line.quoter.decision.state.breaker.cause


async def at_level(line: Trading, wanted: Level, timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while level(line) is not wanted:
        assert time.monotonic() < deadline, f"{wanted}; is {level(line)} for {cause(line)}, {line.describe()}"
        await asyncio.sleep(0.1)


def placed_orders(line: Trading) -> int:
    """Orders that the bot has sent so far."""
    return line.quoter.placed_count


@asynccontextmanager
async def moving(line: Trading, ticks: int = 5000, every_s: float = 2.0) -> AsyncIterator[None]:
    """A market that goes to and fro by 5 bps (500 ticks are half of one), so that quotes have to follow it."""
    market = line.bench.market
    assert isinstance(market, LivelyMarket)

    async def move() -> None:
        while True:
            for sign in (1, -1, -1, 1):
                market.jump(sign * ticks)
                await asyncio.sleep(every_s)

    task = asyncio.create_task(move())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def hit_both(line: Trading) -> None:
    """Both quotes fill completely, so that two new ones have to be placed; the position ends where it was."""
    for side in Side:
        line.hit(side, 20)


async def quoted_within(line: Trading, timeout_s: float) -> None:
    await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, timeout_s, line.describe)


def rows(line: Trading) -> list[tuple[str, str]]:
    return [(row["level"], row["cause"]) for row in line.events("breaker")]


def test_five_rejections_pause_and_four_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """K14: four refused orders leave quoting on, the fifth pulls everything; it comes back by itself after a minute."""

    async def scenario() -> None:
        async with bot(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            await arm_fault(line.bench, name="order_rejected", count=4)
            hit_both(line)
            await until(lambda: line.quoter.reject_count == 4, 60.0, line.describe)
            await line.quoted()
            assert level(line) is Level.NORMAL or cause(line) is Cause.ERRORS
            await arm_fault(line.bench, name="order_rejected", count=1)
            hit_both(line)
            await at_level(line, Level.PAUSE)
            assert cause(line) is Cause.REJECTS and line.quoter.reject_count == 5
            paused_at = time.monotonic()
            await until(lambda: not line.venue_orders(), 5.0, line.describe)
            assert "breaker pause (rejects)" in "\n".join(line.controller.to_format_status())
            assert line.controller.get_custom_info()["breaker"] == "pause (rejects)"
            sent = placed_orders(line)
            await asyncio.sleep(50)
            assert placed_orders(line) == sent and not line.venue_orders()
            await line.quoted()
            assert 59 <= time.monotonic() - paused_at <= 75
            await at_level(line, Level.NORMAL)
            await line.stop()
            assert ("pause", "rejects") in rows(line) and rows(line)[-1] == ("normal", "none")

    warp.run(scenario())


def test_a_burst_of_post_only_refusals_does_not_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty in a row are a maker's daily bread: the side's back-off answers them, the breaker stays where it is."""

    async def scenario() -> None:
        async with bot(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            await arm_fault(line.bench, name="order_rejected", count=20, message="alo order rejected")
            hit_both(line)
            began = time.monotonic()
            await until(lambda: line.quoter.reject_count == 20, 600.0, line.describe)
            assert time.monotonic() - began > 60, "the back-off paced them"
            await quoted_within(line, 60.0)
            assert level(line) is Level.NORMAL
            await line.stop()
            assert rows(line) == []

    warp.run(scenario())


def test_429_and_slow_answers_pull_the_quotes_and_quoting_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K13: with 2 s on every answer, and apart from that with a burst of 429, nothing rests until it is over."""

    async def scenario() -> None:
        async with bot(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            async with moving(line):
                await arm_fault(line.bench, name="frame_delay", ms=2000, channel="order")
                await arm_fault(line.bench, name="terminal_late", ms=2000)
                await at_level(line, Level.PAUSE)
                assert cause(line) is Cause.LATENCY
                await until(lambda: not line.venue_orders(), 10.0, line.describe)
                await clear_faults(line.bench)
                await quoted_within(line, 120.0)
                await at_level(line, Level.NORMAL, 200.0)
            await arm_fault(line.bench, name="http_status", status=429, seconds=40)
            await at_level(line, Level.PAUSE)
            assert cause(line) is Cause.THROTTLED
            await until(lambda: not line.venue_orders(), 10.0, line.describe)
            await quoted_within(line, 200.0)
            await at_level(line, Level.NORMAL, 200.0)

    warp.run(scenario())


def test_safe_mode_after_lost_orders_ends_when_everything_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G10: orders that the venue loses lead to safe mode; nothing is sent in it; it ends with what was lost settled."""

    async def scenario() -> None:
        async with bot(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            await arm_fault(line.bench, name="order_lost", count=1000)
            hit_both(line)
            await at_level(line, Level.CANCEL_ONLY)
            assert cause(line) is Cause.FAILURES
            sent, entered = placed_orders(line), time.monotonic()
            assert "breaker cancel_only (failures)" in "\n".join(line.controller.to_format_status())
            await clear_faults(line.bench)
            await until(lambda: level(line) is not Level.CANCEL_ONLY, 60.0, line.describe)
            assert time.monotonic() - entered > 4.5 and placed_orders(line) <= sent + 2
            await quoted_within(line, 60.0)
            assert not line.connector.has_unknown_orders

    warp.run(scenario())


def test_cancels_that_nobody_answers_lead_to_safe_mode_and_go_on_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G10: an order that cannot be cancelled is asked about for as long as it rests; then quoting resumes."""

    async def scenario() -> None:
        async with bot(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            await arm_fault(line.bench, name="cancel_ignored", count=100_000, terminal="none")
            line.reload(breaker_level="pause")
            await at_level(line, Level.CANCEL_ONLY)
            line.reload(breaker_level="normal")
            await asyncio.sleep(60)
            assert level(line) is Level.CANCEL_ONLY and len(line.venue_orders()) == 2
            await clear_faults(line.bench)
            await at_level(line, Level.DEGRADED)
            assert cause(line) in (Cause.ERRORS, Cause.RECOVERING)
            await line.quoted()

    warp.run(scenario())


def test_each_level_is_reached_by_hand_seen_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """K15: pause, cancel_only and stop show in status and log, send no order, and end with the setting."""

    async def scenario() -> None:
        async with bot(tmp_path, monkeypatch, **FAST) as line:
            for name in ("pause", "cancel_only", "stop"):
                await line.quoted()
                line.reload(breaker_level=name)
                await at_level(line, Level(name))
                await until(lambda: not line.venue_orders(), 5.0, line.describe)
                sent = placed_orders(line)
                await asyncio.sleep(30)
                assert placed_orders(line) == sent and not line.venue_orders()
                assert line.controller.get_custom_info()["breaker"] == f"{name} (by_hand)"
                assert line.controller.get_custom_info()["bid"]["silence"] == f"breaker_{name}"
                line.reload(breaker_level="normal")
            await line.quoted()
            await line.stop()
            assert rows(line) == [row for name in ("pause", "cancel_only", "stop")
                                  for row in ((name, "by_hand"), ("normal", "none"))]  # fmt: skip

    warp.run(scenario())


def test_a_stop_needs_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pauses with stop_after_trips 2 stop for good; an hour later nothing rests; the release brings it back."""

    async def scenario() -> None:
        settings: dict[str, Any] = {**FAST, "stop_after_trips": 2, "reject_cooldown_s": 5}
        async with bot(tmp_path, monkeypatch, **settings) as line:
            await line.quoted()
            await arm_fault(line.bench, name="order_rejected", count=1000)
            hit_both(line)
            await at_level(line, Level.STOP, 300.0)
            await clear_faults(line.bench)
            await until(lambda: not line.venue_orders(), 10.0, line.describe)
            sent = placed_orders(line)
            await asyncio.sleep(300)
            assert level(line) is Level.STOP and placed_orders(line) == sent
            line.reload(breaker_release=1)
            await quoted_within(line, 60.0)

    warp.run(scenario())


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_noise_mode_sends_less_while_errors_last_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """K12: with 30 % of the requests failing the request rate falls well below the calm one; after them it returns."""
    minutes = 1.0

    async def rate(line: Trading) -> float:
        counters = line.bench.handle.exchange.counters.requests
        before = Counter(counters)
        await asyncio.sleep(minutes * 60)
        now = Counter(counters) - before
        return sum(count for name, count in now.items() if name.startswith("ws-api order:")) / minutes

    async def scenario() -> None:
        # Rejections as errors; the pause that five of them bring is put out of reach, so that the mode is seen alone.
        settings: dict[str, Any] = {
            **FAST, "min_dwell_ms": 2000, "cancel_distance_bps": 1.0, "rebalance_distance_bps": 7.0, "reject_limit": 50,
            "reject_window_s": 20}
        async with bot(tmp_path, monkeypatch, **settings) as line:
            await line.quoted()
            # 3 bps: quotes get too far, which may wait, and none too near, which may not.
            async with moving(line, ticks=3000):
                calm = await rate(line)
                assert level(line) is Level.NORMAL
                await arm_fault(line.bench, name="order_rejected", count=1_000_000, probability=0.3)
                await at_level(line, Level.DEGRADED)
                await asyncio.sleep(30)
                noisy = await rate(line)
                assert level(line) is Level.DEGRADED and cause(line) is Cause.ERRORS
                await clear_faults(line.bench)
                await at_level(line, Level.NORMAL, 300.0)
                after = await rate(line)
            print(f"requests a minute: calm {calm:.1f}, 30 % errors {noisy:.1f}, after {after:.1f}")
            assert noisy < calm * 0.7 and after > calm * 0.9

    warp.run(scenario())


def test_a_manual_trade_is_announced_and_taken_over_without_a_breaker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G22: one trade by hand is a row of its own, counts in the limits, and quoting goes on."""

    async def scenario() -> None:
        async with bot(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            line.by_hand("buy", "0.0120")
            await until(lambda: line.quoter.position == Decimal("0.012"), 10.0, line.describe)
            await asyncio.sleep(20)
            assert level(line) is Level.NORMAL
            # Above the soft limit of 0.01: the buying side is silent, the selling side reduces.
            assert [row["side"] for row in line.venue_orders()] == ["sell"]
            await line.stop()
            assert len(line.events("position_adjusted")) == 1

    warp.run(scenario())

