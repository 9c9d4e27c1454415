"""The way back from a hard stop on the emulator: in slices, inside the bound, never through zero, under the limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType

from hummingbot_extensions.core.exits import ExitHold, ExitParams, HardStopRecovery, Slice
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.core.view import AccountView, MarketRules, MarketView
from hummingbot_extensions.execution import bookkeeping
from hummingbot_extensions.execution.exits import ExitExecutor, Exits
from hummingbot_extensions.monitoring.event_log import EventLog
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import SYMBOL, until
from tests.unit.execution.trading import FAST, Trading, arm_fault, clear_faults, trading, venue

D = Decimal
SETTINGS: dict[str, Any] = {
    "hard_stop_recovery": "maker_then_taker", "exit_taker_after_s": 10.0, "exit_slice_base": 0.005,
    "exit_slippage_bps": 2.0, **FAST,
}  # fmt: skip
"""Slices begin later than the connector doubts a position that somebody else made."""
RESUME, SLICE = D("0.006"), D("0.005")


class Way:
    """A hard-stopped bot, its exits, and every position that the venue has reported on the way."""

    def __init__(self, line: Trading) -> None:
        self.line = line
        self.exits = line.quoter.exits
        self.positions: list[Decimal] = []
        self.sent: dict[str, tuple[Slice, Decimal]] = {}
        """Slice and mark by client id."""
        self.began = len(line.bench.watched.fills)

    @property
    def fills(self) -> list[Any]:
        """Of slices since the hard stop; quotes reduce beside them."""
        return [fill for fill in self.line.bench.watched.fills[self.began:] if fill.order_id in self.sent]

    def describe(self) -> str:
        return f"hold {self.exits.hold} positions {self.positions[-8:]} {self.line.describe()}"

    async def under_resume(self) -> None:
        """Until the way is over, and the venue, the ledger and the last decision agree on it."""
        await until(lambda: self.exits.hold in (ExitHold.UNDER_RESUME, ExitHold.NOT_STOPPED), 300.0, self.describe)
        await until(lambda: self.line.quoter.position == self.line.quoter.ledger.position == self.positions[-1],
                    60.0, self.describe)

    async def maker_rests(self) -> None:
        """Wait until the reducing quote rests: a fault for the next orders is then for slices alone."""
        await until(lambda: [row for row in self.line.venue_orders() if row["reduce_only"]], 60.0, self.describe)

    async def held_by(self, reason: ExitHold) -> None:
        await until(lambda: self.exits.hold is reason, 120.0, self.describe)

    def executors(self) -> list[ExitExecutor]:
        return [executor for executor in self.line.executors if isinstance(executor, ExitExecutor)]

    def check(self, sign: int = 1) -> None:
        """What must hold of every slice: small enough, inside the bound of its mark, reducing; the ledger is equal."""
        assert self.fills
        for fill in self.fills:
            wanted, mark = self.sent[fill.order_id]
            assert fill.trade_type.name == ("SELL" if sign > 0 else "BUY")
            assert D(fill.amount) <= wanted.size <= SLICE
            assert (D(fill.price) - wanted.limit_price) * sign >= 0
            assert (wanted.limit_price / mark - 1) * 10_000 * sign >= -2
        sizes = [position * sign for position in self.positions]
        assert sizes == sorted(sizes, reverse=True) and min(sizes) >= 0
        assert 0 < sizes[-1] < RESUME
        assert self.line.quoter.position == self.line.quoter.ledger.position == self.positions[-1]


@asynccontextmanager
async def stopped_hard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str = "buy", **settings: Any
) -> AsyncIterator[Way]:
    """A bot in a hard stop at 0.0300 that it has just learned of."""
    monkeypatch.setattr(bookkeeping, "POSITION_SETTLE_NS", 300_000_000)
    async with venue() as on, trading(tmp_path, monkeypatch, on=on, **{**SETTINGS, **settings}) as line:
        await line.quoted()
        way, quoter = Way(line), line.quoter
        watch(way, monkeypatch)
        line.by_hand(side, "0.0300")
        await until(lambda: quoter.hard_stop_since_ns is not None and quoter.ledger.position == quoter.position,
                    60.0, line.describe)
        way.positions.clear()
        way.began = len(line.bench.watched.fills)
        yield way


def watch(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the position at each decision, and every slice with its mark."""
    quoter = way.line.quoter
    decide, row = quoter._decide_and_act, way.exits._row

    def decided() -> None:
        decide()
        position = quoter.position
        if position is not None and quoter.hard_stop_since_ns is not None and position not in way.positions[-1:]:
            way.positions.append(position)

    def noted(event: str, order_id: str, wanted: Slice, mark: Decimal | None, *more: Any) -> None:
        if mark is not None:
            way.sent[order_id] = (wanted, mark)
        row(event, order_id, wanted, mark, *more)

    monkeypatch.setattr(quoter, "_decide_and_act", decided)
    monkeypatch.setattr(way.exits, "_row", noted)


def play(scenario: Callable[[], Any]) -> None:
    warp.run(scenario())


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_the_position_returns_in_slices_and_quoting_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str, sign: int
) -> None:
    """0.0300 too much: after the maker's time five slices lead under 0.0060, never through zero; it quotes again."""

    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch, side) as way:
            await way.held_by(ExitHold.MAKER_FIRST)
            assert not way.fills
            await way.under_resume()
            way.check(sign)
            assert way.positions[-1] == sign * D("0.0059")
            assert [D(fill.amount) for fill in way.fills] == [D("0.005")] * 4 + [D("0.0041")]
            assert way.exits.is_idle and way.exits.open_orders(0) == []
            await until(lambda: {row["side"] for row in way.line.venue_orders()} == {"buy", "sell"}, 90.0, way.describe)
            await until(lambda: all(one.status is RunnableStatus.TERMINATED for one in way.executors()), what="ends")
            await way.line.stop()
            rows = [row for row in way.line.events("exit") if row["event"] == "filled"]
            assert [row["filled_base"] for row in rows] == [row["size"] for row in rows] and len(rows) == 5
            stored = [row for row in MarketsRecorder.get_instance().get_all_executors()
                      if row.custom_info["level_id"] == "exit"]
            held = [row for row in stored if row.close_type is CloseType.POSITION_HOLD]
            assert len(held) == 5 and {row.type for row in held} == {"order_executor"}

    play(scenario)


@pytest.mark.parametrize("recovery", ["maker", "wait"])
def test_without_the_choice_of_a_taker_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recovery: str
) -> None:
    """N16: off is as if the code were not there."""

    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch, hard_stop_recovery=recovery) as way:
            await asyncio.sleep(60.0)
            assert way.exits.hold is ExitHold.NO_TAKER and not way.fills and not way.executors()
            assert way.line.quoter.position == D("0.0300")

    play(scenario)


def test_a_market_beyond_the_bound_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bids stand 15 bps and more under the mark: nothing is sold. They come back near it: sold to them."""

    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch) as way:
            market = way.line.bench.market
            market.outside(Side.SELL, MID_TICKS - 30_000, 100_000, TimeInForce.IOC)
            market.outside(Side.BUY, MID_TICKS - 30_000, 10_000)
            await way.held_by(ExitHold.OUT_OF_BOUND)
            await asyncio.sleep(30.0)
            assert not way.fills and way.line.quoter.position == D("0.0300")
            market.outside(Side.BUY, MID_TICKS - 5, 10_000)
            await way.under_resume()
            way.check()
            assert {D(fill.price) for fill in way.fills} == {D("99999.95")}
            await way.line.stop()
            assert [row["reason"] for row in way.line.events("exit_hold")].count("out_of_bound") == 1

    play(scenario)


def test_what_does_not_trade_in_time_is_cancelled_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only 0.0030 are bid inside the bound: the rest of the slice is cancelled after its time, and no other is sent."""

    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch) as way:
            market = way.line.bench.market
            market.outside(Side.SELL, MID_TICKS - 30_000, 100_000, TimeInForce.IOC)
            market.outside(Side.BUY, MID_TICKS - 5, 30)
            market.outside(Side.BUY, MID_TICKS - 30_000, 10_000)
            await until(lambda: way.line.quoter.position == D("0.0270"), 60.0, way.describe)
            assert not way.exits.is_idle
            (left,) = way.exits.open_orders(7)
            assert (left.size, left.side, left.is_reduce_only) == (D("0.0020"), Side.SELL, True)
            await until(lambda: way.exits.is_idle, 10.0, way.describe)
            assert left.client_order_id not in way.line.bench.open_ids
            await way.held_by(ExitHold.OUT_OF_BOUND)
            for _ in range(9):
                market.outside(Side.BUY, MID_TICKS - 5, 30)
                await asyncio.sleep(4.0)
            await way.under_resume()
            way.check()

    play(scenario)


def test_refused_slices_are_paced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four refusals in a row take 1, 2 and 4 seconds more each; then the way goes on as if nothing had been."""

    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch, reject_limit=50) as way:
            await way.maker_rests()
            await arm_fault(way.line.bench, name="order_rejected", count=4)
            await way.under_resume()
            assert way.exits.refused_count == 4
            way.check()
            await way.line.stop()
            rows = way.line.events("exit")
            refused = [row for row in rows if row["event"] == "rejected"]
            assert {row["reason"] for row in refused} == {"rejected by fault"}
            sent = [row["t_ns"] for row in rows if row["event"] == "placed"][:5]
            gaps = [(after - before) / 1e9 for before, after in zip(sent, sent[1:], strict=False)]
            assert [round(gap) for gap in gaps] == [1, 2, 4, 8]

    play(scenario)


def test_a_slice_of_unknown_fate_counts_until_the_venue_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue takes a slice and is not heard of again: no other is sent, and it is exposure all the while."""

    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch) as way:
            await way.maker_rests()
            await arm_fault(way.line.bench, name="order_late", ms=8000, count=1)
            await until(lambda: way.exits.sent_count == 1, 60.0, way.describe)
            await asyncio.sleep(6.0)
            assert way.exits.sent_count == 1 and way.exits.hold is ExitHold.IN_FLIGHT
            assert [order.size for order in way.exits.open_orders(0)] == [D("0.0050")]
            await clear_faults(way.line.bench)
            await way.under_resume()
            way.check()

    play(scenario)


@pytest.mark.parametrize("level", ["cancel_only", "stop"])
def test_no_slice_leaves_at_a_level_that_places_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch) as way:
            way.line.reload(breaker_level=level)
            await way.held_by(ExitHold.LEVEL)
            await asyncio.sleep(20.0)
            assert not way.fills and way.exits.hold is ExitHold.LEVEL
            way.line.reload(breaker_level="normal")
            await way.under_resume()
            way.check()

    play(scenario)


def test_a_dead_feed_holds_the_slices_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is derived from a book that nobody has confirmed for two seconds."""

    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch) as way:
            await until(lambda: way.exits.sent_count == 1, 60.0, way.describe)
            await arm_fault(way.line.bench, name="silence", symbol=SYMBOL)
            await until(lambda: way.exits.hold in (ExitHold.STALE, ExitHold.NOT_READY), 60.0, way.describe)
            sent = way.exits.sent_count
            await asyncio.sleep(10.0)
            assert way.exits.sent_count == sent
            await clear_faults(way.line.bench)
            await way.under_resume()
            way.check()

    play(scenario)


def test_an_executor_that_is_not_created_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hummingbot drops the first request: the next one follows two seconds later, one executor and one slice."""

    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch) as way:
            asked: list[Any] = []
            real = way.line.controller.create_level

            def create_level(action: Any) -> None:
                asked.append(action)
                if len(asked) > 1:
                    real(action)

            monkeypatch.setattr(way.line.controller, "create_level", create_level)
            await until(lambda: way.exits.sent_count == 1, 60.0, way.describe)
            assert len(asked) == 2 and asked[1].executor_config.timestamp - asked[0].executor_config.timestamp >= 2.0
            await way.under_resume()
            way.check()

    play(scenario)


@pytest.mark.parametrize(("connector_name", "armed", "asked"), [
    ("standx_perpetual", False, 0), ("standx_perpetual", True, 1), ("standx_perpetual_emulator", False, 1)])
def test_a_disarmed_bot_asks_for_no_executor(tmp_path: Path, connector_name: str, armed: bool, asked: int) -> None:
    """Whoever drives it: hard-stopped for hours on a live venue, and nothing leaves without ``armed``."""
    now_ns = 10**13
    market = MarketView(
        now_ns=now_ns, bid=D("99999.95"), ask=D("100000.05"), grid=D("0.01"), mark=D("100000"), price_frame_ns=now_ns,
        book_age_ms=1.0, price_age_ms=1.0, private_age_ms=1.0, is_connector_ready=True,
        rules=MarketRules(D("0.01"), D("0.0001"), D("0.0001"), None, D("10")))
    account = AccountView(D("0.03"), D("0.03"), D("1000"), 1)
    actions: list[Any] = []
    host = SimpleNamespace(config=SimpleNamespace(armed=armed), create_level=actions.append)
    log = EventLog(tmp_path / "log.jsonl")
    exits = Exits("mm", connector_name, "BTC-DUSD", 1, host, log, lambda _: None, lambda _: None)
    params = ExitParams(RESUME, SLICE, HardStopRecovery.MAKER_THEN_TAKER)
    exits.drive(market, account, [], now_ns - 3600 * 10**9, True, params)
    log.close()
    assert len(actions) == asked
    assert exits.hold is (ExitHold.DISARMED if asked == 0 else None)


def test_a_stop_takes_the_slice_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot is stopped while a slice rests: it is cancelled, nothing follows, what traded is in the ledger."""

    async def scenario() -> None:
        async with stopped_hard(tmp_path, monkeypatch, exit_order_wait_s=60.0) as way:
            market = way.line.bench.market
            market.outside(Side.SELL, MID_TICKS - 30_000, 100_000, TimeInForce.IOC)
            market.outside(Side.BUY, MID_TICKS - 5, 30)
            await until(lambda: way.line.quoter.position == D("0.0270"), 60.0, way.describe)
            await way.line.stop()
            assert way.line.bench.account()["open_orders"] == [] and way.exits.is_idle
            assert way.exits.sent_count == 1 and way.line.quoter.ledger.position == D("0.0270")
            assert way.executors() == []

    play(scenario)
