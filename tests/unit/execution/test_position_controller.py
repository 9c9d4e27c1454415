"""`execution: position` by the shipped controller and file: in Hummingbot's backtester, and live on the emulator."""

from __future__ import annotations

import asyncio
import importlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import TradeType
from pydantic import ValidationError

from controllers.market_making.perp_market_maker import PerpMarketMakerConfig
from tests.support import warp
from tests.support.running import DOMAIN, PAIR, until
from tests.unit.execution.test_position_mode import HOURS, START_S, candles
from tests.unit.execution.trading import FAST, PRESET, trading

D = Decimal
BARRIERS = {"execution": "position", "stop_loss_bps": 30, "take_profit_bps": 12, "time_limit_s": 3600}


def config(**changes: Any) -> PerpMarketMakerConfig:
    content = {**yaml.safe_load(PRESET.read_text()), "connector_name": DOMAIN, **BARRIERS, **changes}
    return PerpMarketMakerConfig(**content)


def test_barriers_are_asked_for_in_this_mode_alone() -> None:
    """A position that nothing closes is refused; in the other mode barriers do not matter."""
    with pytest.raises(ValidationError, match="stop_loss_bps"):
        config(stop_loss_bps=None, time_limit_s=None)
    assert config(execution="quote", stop_loss_bps=None, time_limit_s=None).execution == "quote"


def test_d20_hummingbots_backtester_runs_the_shipped_controller() -> None:
    """The unmodified engine, our file: both sides filled at the decision's prices, and a result in quote units."""

    async def whole() -> dict[str, Any]:
        engine = importlib.import_module(
            "hummingbot.strategy_v2.backtesting.backtesting_engine_base"
        ).BacktestingEngineBase()
        provider = engine.backtesting_data_provider
        provider.candles_feeds[f"{DOMAIN}_{PAIR}_1m"] = candles(7)
        provider.trading_rules[DOMAIN] = {
            PAIR: TradingRule(
                PAIR,
                min_order_size=D("0.0001"),
                min_price_increment=D("0.01"),
                min_base_amount_increment=D("0.0001"),
                min_notional_size=D("10"),
            )
        }
        found: dict[str, Any] = await engine.run_backtesting(
            config(volatility_on=False), START_S, START_S + HOURS * 3600, "1m", trade_cost=0.0001
        )
        return found

    found = asyncio.run(whole())
    filled = [one for one in found["executors"] if one.filled_amount_quote > 0]
    assert {one.config.side for one in filled} == {TradeType.BUY, TradeType.SELL} and len(filled) > 5
    assert found["results"]["net_pnl_quote"] != 0


def test_live_it_rests_through_position_executors_and_stops_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides rest through executors of Hummingbot's type; a stop leaves none at the venue."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST, **BARRIERS) as line:
            await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, 60.0, "quotes")
            assert line.controller.net_pnl_quote() == 0
            kinds = {info.type for info in line.controller.executors_info}
            assert kinds == {"position_executor"}
            assert "quoting" in line.controller.to_format_status()[0]
            assert line.controller.get_custom_info()["mode"] == "quoting"
            await line.strategy.on_stop()
            await until(lambda: not line.venue_orders(), 30.0, "no order")

    warp.run(scenario())
