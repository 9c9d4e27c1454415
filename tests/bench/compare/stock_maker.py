"""Two quotes around the mid on Hummingbot's stock base: its refresh, its position executors, its loops.

``tolerance_bps`` none leaves the stock rule alone, which replaces quotes by their age (``executor_refresh_time``).
With a number, quotes that are off by more are stopped in the hook that the base names for it, so that the stock way
answers prices too. Copied into a workspace.
"""

from __future__ import annotations

from decimal import Decimal

from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.controllers import market_making_controller_base as base
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig
from hummingbot.strategy_v2.models.executor_actions import ExecutorAction, StopExecutorAction


class StockMakerConfig(base.MarketMakingControllerConfigBase):  # type: ignore[misc]
    """The base's fields, all at their defaults unless the file says otherwise."""

    controller_name: str = "stock_maker"
    tolerance_bps: float | None = None


class StockMaker(base.MarketMakingControllerBase):  # type: ignore[misc]
    """What every simple market maker on the base is."""

    def get_executor_config(self, level_id: str, price: Decimal, amount: Decimal) -> PositionExecutorConfig:
        return PositionExecutorConfig(
            timestamp=self.market_data_provider.time(), level_id=level_id, connector_name=self.config.connector_name,
            trading_pair=self.config.trading_pair, entry_price=price, amount=amount, leverage=self.config.leverage,
            side=self.get_trade_type_from_level_id(level_id), triple_barrier_config=self.config.triple_barrier_config)

    def executors_to_early_stop(self) -> list[ExecutorAction]:
        if self.config.tolerance_bps is None:
            return []
        mid = Decimal(self.processed_data["reference_price"])
        off = [one for one in self.executors_info
               if one.is_active and not one.is_trading and self._off_bps(one, mid) > self.config.tolerance_bps]
        return [StopExecutorAction(controller_id=self.config.id, executor_id=one.id) for one in off]

    def _off_bps(self, executor: object, mid: Decimal) -> float:
        config = executor.config  # type: ignore[attr-defined]
        is_buy = config.side is TradeType.BUY
        spread = (self.config.buy_spreads if is_buy else self.config.sell_spreads)[0]
        away = float(1 - config.entry_price / mid) * (1 if is_buy else -1)
        return abs(away - float(spread)) * 1e4
