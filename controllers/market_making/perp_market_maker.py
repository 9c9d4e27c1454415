"""Market maker for perpetuals: quotes in layers on both sides, post-only, for programs that pay for time in a band
around the mark, for rebates or for the spread.
"""

from __future__ import annotations

import logging
import time
from decimal import Decimal
from typing import Any

from hummingbot.strategy_v2.controllers import controller_base
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction

from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.startup import StartupParams
from hummingbot_extensions.execution import config as market_maker
from hummingbot_extensions.execution import (
    desk,
    findings,
    market_view,
    position_quoter,
    position_simulation,
    quoter,
)
from hummingbot_extensions.execution.position_mode import Barriers


class PerpMarketMakerConfig(market_maker.MarketMakerConfig):  # type: ignore[misc]
    """Configuration of one market; docs/parameters.md lists every field."""

    controller_name: str = "perp_market_maker"
    controller_type: str = "market_making"


class PerpMarketMaker(controller_base.ControllerBase):
    """Hands the config to a desk, which quotes on events; Hummingbot's own one-second loop has nothing to decide."""

    def __init__(self, config: PerpMarketMakerConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.config: PerpMarketMakerConfig = config
        is_position = config.execution is market_maker.Execution.POSITION
        self._simulation = position_simulation.begun(config, self.market_data_provider) if is_position else None
        if self._simulation is None:
            self.desk = desk.Desk(self, position_quoter.PositionQuoter if is_position else quoter.Quoter)
        self._given = set(config.model_fields_set)
        self._said: set[str] = set()
        self._judged: PerpMarketMakerConfig | None = None

    def params(self) -> QuoteParams:
        return self.desk.params_of(self.config)

    def startup_params(self) -> StartupParams:
        return self.config.startup_params()

    def gate_params(self) -> GateParams:
        return self.desk.gate_params_of(self.config)

    def barriers(self) -> Barriers:
        return self.config.barriers()

    def create_level(self, action: CreateExecutorAction) -> None:
        self.actions_queue.put_nowait([action])

    def start(self) -> None:
        super().start()
        written = self.config.model_dump(mode="json")
        logging.getLogger(__name__).info("config in force %s", " ".join(f"{key}={written[key]}" for key in written))
        self._warn(findings.warnings(self.params()))
        self.desk.start()

    def stop(self) -> None:
        self.desk.stop()
        super().stop()

    def update_config(self, new_config: PerpMarketMakerConfig) -> None:
        """Take over what may change live. A file that lost a line is refused: its default must not replace a limit."""
        gone = self._given - new_config.model_fields_set
        if gone:
            raise ValueError(f"{', '.join(sorted(gone))}: gone from the file, put the line back")
        before = self.config
        super().update_config(new_config)
        self.desk.fixed_differ(self.config, new_config)
        self._given = set(new_config.model_fields_set)
        self.desk.config_changed(before, self.config)
        self._warn(findings.warnings(self.params()))

    def _warn(self, found: list[findings.Warned]) -> None:
        """Say what a configuration costs, each thing once."""
        for text in (str(each) for each in found):
            if text not in self._said:
                self._said.add(text)
                logging.getLogger(__name__).warning("config %s controller=%s", text, self.config.id)

    async def update_processed_data(self) -> None:
        """Hold each configuration once against the market; views for decisions are taken at each decision."""
        config = self.config
        if self._judged == config:
            return
        connector = self.market_data_provider.connectors.get(config.connector_name)
        if connector is None:
            return  # Hummingbot's backtester has none
        view = market_view.market_view(connector, config.trading_pair, time.monotonic_ns())
        if view is None or view.mark is None or not view.is_connector_ready:
            return
        self._judged = config
        free = connector.get_available_balance(connector.get_buy_collateral_token(config.trading_pair))
        self._warn(findings.market_findings(
            self.params(), self.gate_params(), config.leverage, view.mark, view.rules, free,
            connector.account_figures(config.trading_pair).equity_quote))

    def determine_executor_actions(self) -> list[ExecutorAction]:
        """Nothing live, where events drive; on a candle of Hummingbot's backtester what position mode would do."""
        if self._simulation is None:
            return []
        config = self.config
        return self._simulation.determine_actions(
            config.params(), config.gate_params(), config.barriers(), self.market_data_provider, self.executors_info,
            Decimal(config.total_amount_quote))

    def to_format_status(self) -> list[str]:
        return self.desk.status_lines()

    def net_pnl_quote(self) -> float | None:
        """Result in quote units, which drawdown limits are held against; None while it is not known."""
        return self.desk.net_pnl_quote()

    def get_custom_info(self) -> dict[str, Any]:
        return self.desk.custom_info()
