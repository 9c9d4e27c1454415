"""`execution: position` in Hummingbot's own backtester and live on the emulator, under a controller of a few lines."""

from __future__ import annotations

import asyncio
import importlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import pytest
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.controllers import controller_base
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType
from pydantic import PrivateAttr

from hummingbot_extensions.core import spec
from hummingbot_extensions.core.breaker_state import Level
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.execution.contained.position import ContainedPositionExecutor
from hummingbot_extensions.execution.position_mode import Barriers, PositionMode, PositionSettings
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import DOMAIN, PAIR, until
from tests.unit.execution.trading import FAST, Trading, arm_fault, clear_faults, trading, venue

D = Decimal
CONTROLLER = "position_mode"
BARRIERS = Barriers(stop_loss_bps=50.0, take_profit_bps=10.0, time_limit_s=3600)
START_S, HOURS = 1_767_664_800, 6


class SmallConfig(controller_base.ControllerConfigBase):
    """What Hummingbot and its backtester ask of a config; the rest is handed over as it is."""

    controller_name: str = "small"
    controller_type: str = "market_making"
    connector_name: str = DOMAIN
    trading_pair: str = PAIR
    total_amount_quote: Decimal = D(10_000)
    sends_orders: bool = True
    _params: QuoteParams | None = PrivateAttr(default=None)
    _barriers: Barriers = PrivateAttr(default=BARRIERS)


class SmallController(controller_base.ControllerBase):
    def __init__(self, config: SmallConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.mode = PositionMode(PositionSettings(
            config.id, config.connector_name, config.trading_pair, 1, config.sends_orders))
        self.by_fills: Callable[[], Decimal | None] | None = None

    async def update_processed_data(self) -> None:
        """Nothing to prepare."""

    def determine_executor_actions(self) -> list[Any]:
        return self.mode.determine_actions(
            self.config._params, self.config._barriers, self.market_data_provider, self.executors_info,
            self.config.total_amount_quote, self.by_fills)


def quote_params(**changes: Any) -> QuoteParams:
    """The plain defaults, every option off."""
    params: QuoteParams = spec.replaced(QuoteParams(), **{**FAST, **changes})
    return params


def small(barriers: Barriers = BARRIERS, sends_orders: bool = True, **changes: Any) -> SmallConfig:
    config = SmallConfig(id=CONTROLLER, sends_orders=sends_orders)
    config._params, config._barriers = quote_params(**changes), barriers
    return config


# --- parameters ---


def test_barriers_that_cannot_work_are_named() -> None:
    assert BARRIERS.problems() == []
    assert [field for field, _ in Barriers(take_profit_bps=10.0).problems()] == ["stop_loss_bps"]
    wrong = Barriers(stop_loss_bps=-1.0, time_limit_s=0, trailing_delta_bps=1.0)
    assert [field for field, _ in wrong.problems()] == ["stop_loss_bps", "time_limit_s", "trailing_delta_bps"]


def test_barriers_are_handed_over_as_fractions() -> None:
    found = Barriers(50.0, 12.5, 60, 20.0, 5.0, is_take_profit_maker=False).config()
    assert (found.stop_loss, found.take_profit, found.time_limit) == (D("0.005"), D("0.00125"), 60)
    assert found.trailing_stop.activation_price == D("0.002") and found.trailing_stop.trailing_delta == D("0.0005")
    assert found.open_order_type.name == "LIMIT_MAKER" and found.take_profit_order_type.name == "MARKET"


# --- Hummingbot's backtester ---


def candles(seed: int) -> pandas.DataFrame:
    """A walk of one-minute candles around 100,000, an hour longer at both ends than the run."""
    source = random.Random(seed)
    rows, close = [], 100_000.0
    for minute in range(-600, HOURS * 60 + 61):
        before, close = close, close * (1 + source.gauss(0.0, 0.0006))
        rows.append({
            "timestamp": float(START_S + 60 * minute), "open": before, "high": max(before, close) * 1.0002,
            "low": min(before, close) * 0.9998, "close": close, "volume": 1.0, "quote_asset_volume": close,
            "n_trades": 1.0, "taker_buy_base_volume": 0.5, "taker_buy_quote_volume": close / 2,
        })  # fmt: skip
    return pandas.DataFrame(rows)


async def backtest(seed: int = 7, barriers: Barriers = BARRIERS, **changes: Any) -> dict[str, Any]:
    """A run of Hummingbot's unmodified engine; its candles and rules are given to it, so that it asks nobody."""
    engine_module = importlib.import_module("hummingbot.strategy_v2.backtesting.backtesting_engine_base")
    engine = engine_module.BacktestingEngineBase()
    provider = engine.backtesting_data_provider
    provider.candles_feeds[f"{DOMAIN}_{PAIR}_1m"] = candles(seed)
    provider.trading_rules[DOMAIN] = {PAIR: TradingRule(
        PAIR, min_order_size=D("0.0001"), min_price_increment=D("0.01"), min_base_amount_increment=D("0.0001"),
        min_notional_size=D("10"))}
    found: dict[str, Any] = await engine.run_backtesting(
        small(barriers, **changes), START_S, START_S + HOURS * 3600, "1m", trade_cost=0.0001)
    return found


def test_hummingbots_backtester_runs_it() -> None:
    """Six hours of candles: entries on both sides at the decision's own prices, closed by every barrier in reach."""
    found = asyncio.run(backtest())
    executors, closes = found["executors"], {int(row.timestamp): row.close for row in candles(7).itertuples()}
    assert len(executors) > 30
    filled = [one for one in executors if one.filled_amount_quote > 0]
    assert {one.config.side for one in filled} == {TradeType.BUY, TradeType.SELL}
    for one in executors:
        sign = 1 if one.config.side is TradeType.BUY else -1
        away = (1 - float(one.config.entry_price) / closes[int(one.config.timestamp)]) * 10_000 * sign
        assert 5.99 < away < 6.02 and one.config.entry_price % D("0.01") == 0
        assert one.config.amount == D("0.002") and type(one.config).__name__ == "ContainedPositionConfig"
        assert not one.is_active or one.close_type is None
    names = found["results"]["close_types"]
    assert {"TAKE_PROFIT", "EARLY_STOP"} <= set(names)
    assert found["results"]["total_volume"] > 0 and found["results"]["net_pnl_quote"] != 0


@pytest.mark.parametrize("layers", [1, 3])
def test_a_backtest_holds_no_more_than_a_position_a_level(monkeypatch: pytest.MonkeyPatch, layers: int) -> None:
    """While a level's executor holds a position the level is not quoted again; the worst case is never passed."""
    most: Counter[Side] = Counter()
    worst: list[Decimal] = []
    real = PositionMode._actions

    def watched(self: PositionMode, *given: Any) -> list[Any]:
        held = Counter(entry.side for entry in self._entries.values() if entry.position > 0)
        for side in Side:
            most[side] = max(most[side], held[side])
            worst.append(sum((e.position + e.left for e in self._entries.values() if e.side is side), D(0)))
        return real(self, *given)

    monkeypatch.setattr(PositionMode, "_actions", watched)
    barriers = Barriers(stop_loss_bps=500.0, time_limit_s=20 * 60)
    found = asyncio.run(backtest(seed=11, barriers=barriers, layer_count=layers))
    assert "TIME_LIMIT" in found["results"]["close_types"]
    assert {one.config.level_id for one in found["executors"]} == {
        f"{side}_{layer}" for side in Side for layer in range(layers)}
    assert most == dict.fromkeys(Side, layers)
    assert max(worst) <= quote_params().worst_case_cap_base


def test_the_same_candles_give_the_same_result() -> None:
    first, second = asyncio.run(backtest()), asyncio.run(backtest())
    assert first["results"] == second["results"]
    assert asyncio.run(backtest(order_distance_bps=8.0))["results"] != first["results"]


# --- live ---


class Live:
    """The small controller beside a market maker that quotes nothing and keeps the ledger."""

    def __init__(self, line: Trading, controller: SmallController) -> None:
        self.line = line
        self.controller = controller

    @property
    def executors(self) -> list[ContainedPositionExecutor]:
        found = self.line.strategy.executor_orchestrator.active_executors.get(CONTROLLER, [])
        assert all(type(one) is ContainedPositionExecutor for one in found)
        return list(found)

    def of(self, side: Side) -> list[ContainedPositionExecutor]:
        wanted = TradeType.BUY if side is Side.BUY else TradeType.SELL
        return [one for one in self.executors if one.config.side is wanted]

    def describe(self) -> str:
        decision = self.controller.mode.decision
        silences = (decision.bid_silence, decision.ask_silence) if decision else None
        states = [(one.config.side.name, one.status.name, one.close_type) for one in self.executors]
        return f"venue {self.line.venue_orders()} executors {states} silences {silences}"

    async def quoted(self) -> None:
        await until(
            lambda: {row["side"] for row in self.line.venue_orders()} == {"buy", "sell"}, 60.0, self.describe)

    async def at(self, position: str) -> None:
        quoter = self.line.quoter
        await until(lambda: quoter.position == D(position) == quoter.ledger.position, 60.0, self.describe)


@asynccontextmanager
async def live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, barriers: Barriers = BARRIERS, sends_orders: bool = True,
    **changes: Any,
) -> AsyncIterator[Live]:  # fmt: skip
    async with venue() as on, trading(tmp_path, monkeypatch, on=on, breaker_level="pause", **FAST) as line:
        await until(lambda: line.quoter.start_up.hold is None, 60.0, "the start")
        controller = SmallController(
            small(barriers, sends_orders, breaker_level=Level.NORMAL, **changes), line.strategy.market_data_provider,
            line.strategy.actions_queue)
        # Past the script, which refuses a second controller on a market.
        line.strategy.controllers[CONTROLLER] = controller
        controller.by_fills = lambda: line.quoter.ledger.position
        controller.start()
        yield Live(line, controller)


def play(scenario: Callable[[], Any]) -> None:
    warp.run(scenario())


def test_an_entry_fills_and_its_take_profit_closes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides rest 6 bps away; a filled one gets a reduce-only take profit 10 bps on and is not quoted meanwhile."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as on:
            await on.quoted()
            prices = {row["side"]: row["price"] for row in on.line.venue_orders()}
            assert prices == {"buy": "99940.00", "sell": "100060.00"}
            (bought,) = on.of(Side.BUY)
            on.line.hit(Side.BUY, 20)
            await on.at("0.0020")
            await until(lambda: len(on.line.venue_orders(Side.SELL)) == 2, 30.0, on.describe)
            assert {row["price"] for row in on.line.venue_orders(Side.SELL)} == {"100060.00", "100039.94"}
            await asyncio.sleep(10.0)
            assert not on.line.venue_orders(Side.BUY) and on.of(Side.BUY) == [bought]
            assert on.controller.mode.note == "a level of buy holds a position"
            on.line.hit(Side.SELL, 20)
            on.line.bench.market.outside(Side.BUY, MID_TICKS + 3_994, 2000, TimeInForce.IOC)
            await until(lambda: bought.close_type is CloseType.TAKE_PROFIT, 60.0, on.describe)
            await on.at("0")
            await on.quoted()
            await on.line.stop()
            assert on.line.venue_orders() == []
        rows = [row for row in MarketsRecorder.get_instance().get_all_executors() if row.controller_id == CONTROLLER]
        assert {row.type for row in rows} == {"position_executor"}
        closed = {row.id: row for row in rows}[bought.config.id]
        assert closed.close_type is CloseType.TAKE_PROFIT and closed.net_pnl_quote > 0
        assert all(row.status is RunnableStatus.TERMINATED for row in rows)

    play(scenario)


def test_a_stop_of_the_bot_closes_what_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Partly filled: the stop takes the rest of the entry back, sells what was bought and stores the executor."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as on:
            await on.quoted()
            on.line.hit(Side.BUY, 8)
            await on.at("0.0008")
            await on.line.stop()
            assert on.line.venue_orders() == []
            assert on.line.connector.account_positions == {}
        rows = [row for row in MarketsRecorder.get_instance().get_all_executors() if row.controller_id == CONTROLLER]
        assert {row.close_type for row in rows} == {CloseType.EARLY_STOP} and len(rows) == 2
        (traded,) = [row for row in rows if row.filled_amount_quote > 0]
        assert traded.custom_info["position_base"] == "0.0000" and traded.net_pnl_quote != 0

    play(scenario)


def test_a_stop_loss_closes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with live(tmp_path, monkeypatch, Barriers(stop_loss_bps=20.0)) as on:
            await on.quoted()
            (bought,) = on.of(Side.BUY)
            on.line.hit(Side.BUY, 20)
            await on.at("0.0020")
            market = on.line.bench.market
            market.outside(Side.SELL, MID_TICKS - 40_000, 200_000, TimeInForce.IOC)
            market.outside(Side.BUY, MID_TICKS - 30_000, 10_000)
            await until(lambda: bought.status is RunnableStatus.TERMINATED, 30.0, on.describe)
            assert bought.close_type is CloseType.STOP_LOSS
            assert bought.amount_to_close == 0 and bought.get_net_pnl_quote() < 0

    play(scenario)


def test_entries_follow_a_change_of_distance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too far by the new parameters: the replacement is created first, then the old executor is stopped."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as on:
            await on.quoted()
            before = on.executors
            on.controller.config._params = spec.replaced(
                on.controller.config._params, order_distance_bps=4.0, rebalance_distance_bps=5.0)
            await until(lambda: sorted(row["price"] for row in on.line.venue_orders()) == ["100040.00", "99960.00"],
                        60.0, on.describe)
            assert all(one.close_type is CloseType.EARLY_STOP for one in before)
            assert on.line.quoter.ledger.fills == 0

    play(scenario)


def test_entries_are_taken_back_while_a_feed_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hummingbot asks the controller nothing then (trap 14): the executors look themselves, and rest again after."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as on:
            await on.quoted()
            executors = on.executors

            async def frozen() -> None:
                """What Hummingbot makes of a controller whose connector is not ready."""

            monkeypatch.setattr(on.controller, "control_task", frozen)
            await arm_fault(on.line.bench, name="silence")
            await until(lambda: not on.line.venue_orders(), 30.0, on.describe)
            await clear_faults(on.line.bench)
            await on.quoted()
            assert on.executors == executors and on.line.quoter.ledger.fills == 0

    play(scenario)


def test_a_disarmed_one_decides_and_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with live(tmp_path, monkeypatch, sends_orders=False) as on:
            await until(lambda: on.controller.mode.decision is not None and on.controller.mode.decision.quotes, 30.0)
            await asyncio.sleep(5.0)
            assert on.executors == [] and not on.line.venue_orders()

    play(scenario)


def test_the_tiers_hold_for_positions_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the soft limit on nothing is added, and nothing enters to reduce: that is the barriers' part."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch, soft_limit_base=D("0.0019"), resume_limit_base=D("0.0010")) as on:
            await on.quoted()
            on.line.hit(Side.BUY, 20)
            await on.at("0.0020")
            decision = on.controller.mode
            await until(lambda: decision.decision.bid_silence is Silence.SOFT_LIMIT, 30.0, on.describe)
            await asyncio.sleep(5.0)
            assert not on.line.venue_orders(Side.BUY)

    play(scenario)
