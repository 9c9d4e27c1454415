"""`execution: position`: its barriers, and Hummingbot's own backtester under a controller of a few lines."""

from __future__ import annotations

import asyncio
import importlib
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pandas
import pytest
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.controllers import controller_base
from pydantic import PrivateAttr

from hummingbot_extensions.core import spec
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution.position_mode import Barriers
from hummingbot_extensions.execution.position_simulation import PositionSimulation
from tests.support.running import DOMAIN, PAIR
from tests.unit.execution.trading import FAST

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
    _params: QuoteParams | None = PrivateAttr(default=None)
    _gate: GateParams | None = PrivateAttr(default=None)
    _barriers: Barriers = PrivateAttr(default=BARRIERS)


class SmallController(controller_base.ControllerBase):
    def __init__(self, config: SmallConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.simulation = PositionSimulation(config.id, config.connector_name, config.trading_pair, 1)

    async def update_processed_data(self) -> None:
        """Nothing to prepare."""

    def determine_executor_actions(self) -> list[Any]:
        return self.simulation.determine_actions(
            self.config._params, self.config._gate, self.config._barriers, self.market_data_provider,
            self.executors_info, self.config.total_amount_quote)


def quote_params(**changes: Any) -> QuoteParams:
    """The plain defaults, every option off."""
    return spec.replaced(QuoteParams(), **{**FAST, **changes})


def small(barriers: Barriers = BARRIERS, gate: dict[str, Any] | None = None, **changes: Any) -> SmallConfig:
    config = SmallConfig(id=CONTROLLER)
    config._params, config._barriers = quote_params(**changes), barriers
    config._gate = GateParams(position_cap_base=config._params.net_max_base, **(gate or {}))
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


async def backtest(
    seed: int = 7, barriers: Barriers = BARRIERS, gate: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """A run of Hummingbot's unmodified engine; its candles and rules are given to it, so that it asks nobody."""
    engine_module = importlib.import_module("hummingbot.strategy_v2.backtesting.backtesting_engine_base")
    engine = engine_module.BacktestingEngineBase()
    provider = engine.backtesting_data_provider
    provider.candles_feeds[f"{DOMAIN}_{PAIR}_1m"] = candles(seed)
    provider.trading_rules[DOMAIN] = {PAIR: TradingRule(
        PAIR, min_order_size=D("0.0001"), min_price_increment=D("0.01"), min_base_amount_increment=D("0.0001"),
        min_notional_size=D("10"))}
    found: dict[str, Any] = await engine.run_backtesting(
        small(barriers, gate, **changes), START_S, START_S + HOURS * 3600, "1m", trade_cost=0.0001)
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
    real = PositionSimulation._actions

    def watched(self: PositionSimulation, *given: Any) -> list[Any]:
        held = Counter(entry.side for entry in self._entries.values() if entry.position > 0)
        for side in Side:
            most[side] = max(most[side], held[side])
            worst.append(sum((e.position + e.left for e in self._entries.values() if e.side is side), D(0)))
        return real(self, *given)

    monkeypatch.setattr(PositionSimulation, "_actions", watched)
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


def test_the_gate_judges_entries_of_a_backtest() -> None:
    """Refused by size there is no executor at all; a spent budget of the day leaves what a position reduces."""
    assert asyncio.run(backtest(gate={"max_order_size_base": D("0.001")}))["executors"] == []
    free = asyncio.run(backtest(seed=1))["executors"]
    bound = asyncio.run(backtest(seed=1, gate={"daily_orders": 2}))["executors"]

    def reduces(entry: Any, executors: list[Any]) -> bool:
        return any(
            one.config.side is not entry.config.side and one.filled_amount_quote > 0
            and one.timestamp < entry.timestamp <= one.close_timestamp for one in executors)  # fmt: skip

    later = [one for one in bound if one.timestamp > START_S]
    assert 2 < len(bound) < len(free) and later
    assert all(reduces(one, bound) for one in later)
    assert not all(reduces(one, free) for one in free if one.timestamp > START_S)
