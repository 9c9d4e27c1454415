"""Faults of Hummingbot's executors: each is shown on the stock class on the emulator, and is absent from ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.strategy_v2.executors.order_executor.data_types import ExecutionStrategy, OrderExecutorConfig
from hummingbot.strategy_v2.executors.order_executor.order_executor import OrderExecutor
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig, TripleBarrierConfig
from hummingbot.strategy_v2.executors.position_executor.position_executor import PositionExecutor
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction
from hummingbot.strategy_v2.models.executors import CloseType

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.contained.order import ContainedOrderConfig, ContainedOrderExecutor
from hummingbot_extensions.execution.contained.position import ContainedPositionConfig, ContainedPositionExecutor
from tests.support import warp
from tests.support.running import DOMAIN, PAIR, until
from tests.unit.execution.trading import CONTROLLER, Trading, arm_fault, trading

D = Decimal
SIZE = D("0.0100")
LATENCY_S = 0.005
"""Of the emulator, one way; an answer takes a frame of its own on top."""


@dataclass
class Found:
    """What a scenario came to."""

    close_type: CloseType | None
    position: Decimal
    """At the venue."""
    by_fills: Decimal
    """In the ledger."""
    held: Decimal
    """Net size of Hummingbot's position hold."""
    orders: int
    """Orders that rest."""
    seconds: float = 0.0


class Scene:
    """A bot that quotes nothing and the executors that a test gives to its orchestrator."""

    def __init__(self, line: Trading, is_ours: bool) -> None:
        self.line = line
        self.is_ours = is_ours

    def create(self, config: Any) -> Any:
        orchestrator = self.line.strategy.executor_orchestrator
        orchestrator.execute_action(CreateExecutorAction(controller_id=CONTROLLER, executor_config=config))
        return orchestrator.active_executors[CONTROLLER][-1]

    def position(self, side: TradeType = TradeType.BUY, price: str | None = None, **barriers: Any) -> Any:
        """An executor that enters with 0.0100 six bps away from mid."""
        kind = ContainedPositionConfig if self.is_ours else PositionExecutorConfig
        executor = self.create(kind(
            timestamp=time.time(), connector_name=DOMAIN, trading_pair=PAIR, side=side, amount=SIZE,
            entry_price=D(price or ("99940" if side is TradeType.BUY else "100060")),
            triple_barrier_config=TripleBarrierConfig(open_order_type=OrderType.LIMIT_MAKER, **barriers)))
        assert type(executor) is (ContainedPositionExecutor if self.is_ours else PositionExecutor)
        return executor

    def order(self) -> Any:
        kind = ContainedOrderConfig if self.is_ours else OrderExecutorConfig
        executor = self.create(kind(
            timestamp=time.time(), connector_name=DOMAIN, trading_pair=PAIR, side=TradeType.BUY, amount=SIZE,
            price=D("99940"), position_action=PositionAction.OPEN, execution_strategy=ExecutionStrategy.LIMIT_MAKER))
        assert type(executor) is (ContainedOrderExecutor if self.is_ours else OrderExecutor)
        return executor

    def stop(self, executor: Any, keep_position: bool = False) -> None:
        self.line.strategy.executor_orchestrator.execute_action(StopExecutorAction(
            controller_id=CONTROLLER, executor_id=executor.config.id, keep_position=keep_position))

    async def resting(self, side: Side = Side.BUY) -> None:
        await until(lambda: self.line.venue_orders(side), 30.0, "an order at the venue")

    async def known(self, executor: Any) -> None:
        """Until Hummingbot has heard of the order too, which the stock class needs for a cancel."""
        await until(lambda: executor._open_order.order is not None and executor._open_order.order.is_open, 30.0)

    async def filled(self, side: Side, lots: int, position: str) -> None:
        """Somebody trades ``lots`` of our order on ``side``; everybody has heard of it afterwards."""
        await self.resting(side)
        self.line.hit(side, lots)
        await self.at(position)

    async def at(self, position: str) -> None:
        quoter = self.line.quoter
        await until(lambda: quoter.position == D(position) == quoter.ledger.position, 60.0, self.line.describe)

    async def ended(self, executor: Any, within_s: float = 120.0) -> Found:
        """Wait for its end, and a moment more for everything to settle."""
        began = time.monotonic()
        await until(lambda: executor.status == RunnableStatus.TERMINATED, within_s, self.line.describe)
        took = time.monotonic() - began
        await asyncio.sleep(3.0)
        return self.found(executor, took)

    def found(self, executor: Any, took: float = 0.0) -> Found:
        orchestrator = self.line.strategy.executor_orchestrator
        orchestrator._update_positions_from_done_executors()
        holds = orchestrator.positions_held[CONTROLLER]
        assert self.line.quoter.position is not None
        return Found(
            executor.close_type, self.line.quoter.position, self.line.quoter.ledger.position,
            sum((hold.net_amount_base for hold in holds), D(0)), len(self.line.venue_orders()), took)


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a scenario on a bot that quotes nothing, in leaping time; False for the stock class, True for ours."""

    def run(is_ours: bool, scenario: Callable[[Scene], Awaitable[Any]], **emulator: Any) -> Any:
        async def whole() -> Any:
            folder = tmp_path / str(is_ours)
            folder.mkdir()
            async with trading(folder, monkeypatch, breaker_level="pause", emulator=emulator) as line:
                await until(lambda: line.quoter.start_up.hold is None, 30.0, "the start")
                return await scenario(Scene(line, is_ours))

        return warp.run(whole())

    return run


# --- a partial fill ---


def test_a_partial_fill_is_closed_and_not_forgotten(play: Callable[..., Any]) -> None:
    """0.0040 of 0.0100 fill, then a stop: stock says that nothing was ever bought, and the account stays long."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.position()
        await scene.filled(Side.BUY, 40, "0.0040")
        scene.stop(executor)
        return await scene.ended(executor)

    stock = play(False, scenario)
    assert (stock.close_type, stock.position, stock.held) == (CloseType.EARLY_STOP, D("0.0040"), 0)
    ours = play(True, scenario)
    assert (ours.close_type, ours.position, ours.by_fills, ours.held) == (CloseType.EARLY_STOP, 0, 0, 0)
    assert ours.orders == 0


def test_a_partial_fill_that_is_to_be_kept_is_held(play: Callable[..., Any]) -> None:
    async def scenario(scene: Scene) -> Found:
        executor = scene.position()
        await scene.filled(Side.BUY, 40, "0.0040")
        scene.stop(executor, keep_position=True)
        return await scene.ended(executor)

    stock = play(False, scenario)
    assert (stock.close_type, stock.position, stock.held) == (CloseType.EARLY_STOP, D("0.0040"), 0)
    ours = play(True, scenario)
    assert (ours.close_type, ours.held) == (CloseType.POSITION_HOLD, D("0.0040"))
    assert ours.position == ours.by_fills == D("0.0040") and ours.orders == 0


def test_a_partial_fill_has_its_barriers(play: Callable[..., Any]) -> None:
    """The take profit is reached on the 0.0040 that filled: stock does not look until the whole entry has filled."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.position(take_profit=D("0.0002"))
        await scene.filled(Side.BUY, 40, "0.0040")
        await asyncio.sleep(20.0)
        return scene.found(executor)

    stock = play(False, scenario)
    assert (stock.close_type, stock.position, stock.orders) == (None, D("0.0040"), 1)
    ours = play(True, scenario)
    assert (ours.close_type, ours.position, ours.by_fills, ours.orders) == (CloseType.TAKE_PROFIT, 0, 0, 0)


def test_a_take_profit_that_filled_in_part_is_counted(play: Callable[..., Any]) -> None:
    """Long 0.0100, 0.0040 of the take profit fill, then a stop: stock sells 0.0100 more and turns the account short."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.position(take_profit=D("0.0012"), take_profit_order_type=OrderType.LIMIT)
        await scene.filled(Side.BUY, 100, "0.0100")
        await scene.filled(Side.SELL, 40, "0.0060")
        scene.stop(executor)
        return await scene.ended(executor)

    assert play(False, scenario).position == D("-0.0040")
    ours = play(True, scenario)
    assert (ours.close_type, ours.position, ours.by_fills, ours.orders) == (CloseType.EARLY_STOP, 0, 0, 0)


# --- what a close may do ---


def test_a_close_never_opens_the_other_side(play: Callable[..., Any]) -> None:
    """The position was closed by hand meanwhile: stock's close is not reduce-only and opens a short of its size."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.position()
        await scene.filled(Side.BUY, 100, "0.0100")
        scene.line.by_hand("sell", "0.0100")
        await until(lambda: scene.line.quoter.position == 0, 60.0, "closed by hand")
        scene.stop(executor)
        return await scene.ended(executor)

    assert play(False, scenario).position == D("-0.0100")
    ours = play(True, scenario)
    # Hummingbot is told of the fill that it could not undo; the account is what the venue says, and flat.
    assert (ours.close_type, ours.position, ours.held) == (CloseType.POSITION_HOLD, 0, D("0.0100"))


def test_half_closed_by_hand_only_the_rest_is_closed(play: Callable[..., Any]) -> None:
    async def scenario(scene: Scene) -> Found:
        executor = scene.position()
        await scene.filled(Side.BUY, 100, "0.0100")
        scene.line.by_hand("sell", "0.0070")
        await until(lambda: scene.line.quoter.position == D("0.0030"), 60.0, "closed by hand")
        scene.stop(executor)
        return await scene.ended(executor)

    assert play(False, scenario).position == D("-0.0070")
    ours = play(True, scenario)
    assert (ours.close_type, ours.position, ours.held) == (CloseType.POSITION_HOLD, 0, D("0.0070"))


def test_two_sides_that_netted_each_other_end_without_an_order(play: Callable[..., Any]) -> None:
    """A long and a short of 0.0100 have filled, the account is flat: nothing is traded, the hold nets the two."""

    async def scenario(scene: Scene) -> Found:
        long, short = scene.position(), scene.position(TradeType.SELL)
        await scene.filled(Side.BUY, 100, "0.0100")
        await scene.filled(Side.SELL, 100, "0")
        fills = scene.line.quoter.ledger.fills
        scene.stop(long)
        scene.stop(short)
        await scene.ended(long)
        found = await scene.ended(short)
        assert scene.line.quoter.ledger.fills == fills
        return found

    ours = play(True, scenario)
    assert (ours.close_type, ours.position, ours.by_fills, ours.held) == (CloseType.POSITION_HOLD, 0, 0, 0)


def test_closes_that_are_refused_end_in_a_hold(play: Callable[..., Any]) -> None:
    """The venue refuses every close: stock gives up with the position open and says FAILED, ours hands it over."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.position()
        await scene.filled(Side.BUY, 100, "0.0100")
        await arm_fault(scene.line.bench, name="order_rejected", count=1000)
        scene.stop(executor)
        return await scene.ended(executor, 300.0)

    stock = play(False, scenario)
    assert (stock.close_type, stock.position, stock.held) == (CloseType.FAILED, D("0.0100"), 0)
    ours = play(True, scenario)
    assert (ours.close_type, ours.position, ours.held) == (CloseType.POSITION_HOLD, D("0.0100"), D("0.0100"))


# --- time ---


def test_a_stop_frees_the_slot_within_the_venues_latency(play: Callable[..., Any]) -> None:
    """Nothing filled: stock sleeps five seconds after its cancel, ours ends with the venue's word."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.position()
        await scene.resting()
        await scene.known(executor)
        scene.stop(executor)
        return await scene.ended(executor)

    assert play(False, scenario).seconds > 5.0
    ours = play(True, scenario)
    assert ours.seconds < LATENCY_S + 0.2 and (ours.close_type, ours.orders) == (CloseType.EARLY_STOP, 0)


def test_the_close_follows_the_cancel_of_the_take_profit_at_once(play: Callable[..., Any]) -> None:
    """A stop with a resting take profit: stock sells seconds later, whatever the market does meanwhile."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.position(take_profit=D("0.0012"), take_profit_order_type=OrderType.LIMIT)
        await scene.filled(Side.BUY, 100, "0.0100")
        await scene.resting(Side.SELL)
        await until(lambda: executor._take_profit_limit_order.order is not None, 30.0)
        began = time.monotonic()
        scene.stop(executor)
        await until(lambda: scene.line.quoter.position == 0, 60.0, scene.line.describe)
        took = time.monotonic() - began
        found = await scene.ended(executor)
        found.seconds = took
        return found

    assert play(False, scenario).seconds > 5.0
    ours = play(True, scenario)
    assert ours.seconds < 2 * LATENCY_S + 0.2
    assert (ours.close_type, ours.position, ours.by_fills, ours.orders) == (CloseType.EARLY_STOP, 0, 0, 0)


def test_a_stop_reaches_an_order_that_is_not_acknowledged_yet(play: Callable[..., Any]) -> None:
    """The venue takes 1.3 s for the order: stock cannot cancel before its next look, five seconds later."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.position()
        await until(lambda: executor._open_order is not None, 30.0)
        scene.stop(executor)
        began = time.monotonic()
        await scene.resting()
        await until(lambda: not scene.line.venue_orders(), 60.0, "gone")
        took = time.monotonic() - began
        found = await scene.ended(executor)
        found.seconds = took
        return found

    assert play(False, scenario, order_delay_ms=1300.0).seconds > 5.0
    ours = play(True, scenario, order_delay_ms=1300.0)
    assert ours.seconds < 3.0 and (ours.close_type, ours.position, ours.orders) == (CloseType.EARLY_STOP, 0, 0)


def test_a_cancel_that_the_venue_swallows_is_repeated(play: Callable[..., Any]) -> None:
    """Hummingbot drops repeated cancels for a minute; ours go past it, and the slot is not free before the end."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.position()
        await scene.resting()
        await scene.known(executor)
        await arm_fault(scene.line.bench, name="cancel_ignored", count=3)
        scene.stop(executor)
        await asyncio.sleep(0.1)
        assert scene.line.venue_orders() and executor.status == RunnableStatus.SHUTTING_DOWN
        return await scene.ended(executor)

    ours = play(True, scenario)
    assert (ours.close_type, ours.orders) == (CloseType.EARLY_STOP, 0)


# --- the order executor ---


def test_an_order_executor_ends_with_the_venues_word(play: Callable[..., Any]) -> None:
    """Partly filled and stopped: the fill is held by both, but stock needs five seconds and more."""

    async def scenario(scene: Scene) -> Found:
        executor = scene.order()
        await scene.filled(Side.BUY, 40, "0.0040")
        scene.stop(executor, keep_position=True)
        return await scene.ended(executor)

    assert play(False, scenario).seconds > 5.0
    ours = play(True, scenario)
    assert ours.seconds < LATENCY_S + 0.2
    assert (ours.close_type, ours.held, ours.position) == (CloseType.POSITION_HOLD, D("0.0040"), D("0.0040"))
    assert ours.orders == 0


def test_an_order_executor_gives_up_after_its_refusals(play: Callable[..., Any]) -> None:
    """Each refusal is followed by a second's pause, and the end is a failure that nothing was bought for."""

    async def scenario(scene: Scene) -> Found:
        await arm_fault(scene.line.bench, name="order_rejected", count=1000)
        executor = scene.order()
        found = await scene.ended(executor)
        assert found.seconds > 9.0
        return found

    ours = play(True, scenario)
    assert (ours.close_type, ours.position, ours.held, ours.orders) == (CloseType.FAILED, 0, 0, 0)


# --- beside others ---


def test_our_executors_are_stored_as_the_stock_ones(play: Callable[..., Any]) -> None:
    """A stop of the bot closes the position; the database then holds a plain position executor that was closed."""

    async def scenario(scene: Scene) -> Any:
        executor = scene.position(stop_loss=D("0.05"))
        await scene.filled(Side.BUY, 100, "0.0100")
        await scene.line.stop()
        assert scene.line.bench.account()["open_orders"] == []
        assert market_view.venue_position(scene.line.connector, PAIR) == 0
        return [row for row in MarketsRecorder.get_instance().get_all_executors() if row.id == executor.config.id]

    (row,) = play(True, scenario)
    assert (row.type, row.close_type) == ("position_executor", CloseType.EARLY_STOP)
    assert row.filled_amount_quote > 1900 and row.net_pnl_quote != 0
