"""What both scripts share: apply leverage and mode, obey the kill switch, stop at a drawdown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import MarketDict
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction
from pydantic import Field

DRAWDOWN = "Stop when PnL has fallen this far from its peak, quote units; leave empty for no limit."


class ControllersScriptConfig(StrategyV2ConfigBase):  # type: ignore[misc]
    """Names the controller files to run, and two drawdown limits in quote units."""

    candles_config: list[Any] = Field(default=[], description="Candles of the script itself; controllers bring theirs.")
    markets: dict[str, Any] = Field(default={}, description="Markets beside those of the controllers.")
    max_global_drawdown_quote: Decimal | None = Field(
        None, gt=0, description=DRAWDOWN, json_schema_extra={"prompt": DRAWDOWN, "prompt_on_new": False})
    max_controller_drawdown_quote: Decimal | None = Field(
        None, gt=0, description=DRAWDOWN, json_schema_extra={"prompt": DRAWDOWN, "prompt_on_new": False})

    def update_markets(self, markets: MarketDict) -> MarketDict:
        for connector, pairs in self.markets.items():
            for pair in pairs:
                markets = markets.add_or_update(connector, pair)
        return markets


class ControllersScript(StrategyV2Base):  # type: ignore[misc]
    """Runs controllers. PnL of a controller is its own net figure when it states one, else Hummingbot's gross one."""

    performance_report_interval = 1

    def __init__(self, connectors: dict[str, Any], config: ControllersScriptConfig) -> None:
        super().__init__(connectors, config)
        self.config = config
        self._peak_quote: dict[str, Decimal] = {}
        self._drawn_down: set[str] = set()
        self._reported_at = 0.0
        self._refused: dict[str, str] = {}
        """What is wrong with each controller file that was last refused, so that it is said once."""

    def add_controller(self, config: Any) -> None:
        """Add a controller, unless another one trades the same market: each would count only its own orders."""
        market = (getattr(config, "connector_name", None), getattr(config, "trading_pair", None))
        for other in self.controllers.values() if None not in market else ():
            if (getattr(other.config, "connector_name", None), getattr(other.config, "trading_pair", None)) == market:
                self.logger().error(
                    f"controller {config.id} refused: {other.config.id} trades {market[1]} on {market[0]} already and "
                    "limits hold for each alone. Keep one file per market")
                return
        super().add_controller(config)

    def update_controllers_configs(self) -> None:
        """Reload every controller file by itself: one that is refused changes nothing, and holds up no other.

        Only controllers that were there at the start are reloaded; a new id would start a second bot beside the one
        that no file speaks for any more.
        """
        if self._last_config_update_ts + self.config_update_interval >= self.current_timestamp:
            return
        self._last_config_update_ts = self.current_timestamp
        for name in self.config.controllers_config:
            try:
                config = self.config.model_copy(update={"controllers_config": [name]}).load_controller_configs()[0]
                if config.id not in self.controllers:
                    known = ", ".join(self.controllers) or "none"
                    raise ValueError(
                        f"id: {config.id} was not running at the start (running: {known}); restart to use it")
                self.controllers[config.id].update_config(config)
            except Exception as error:  # whatever is wrong with a file, the running config stays in force
                text = " ".join(str(error).split())
                if self._refused.get(name) != text:
                    self._refused[name] = text
                    self.logger().warning(f"{name} refused, the running config stays: {text}")
            else:
                if self._refused.pop(name, None) is not None:
                    self.logger().info(f"{name} accepted again")

    def balance_warning(self, market_trading_pair_tuples: Any) -> list[str]:
        """None: Hummingbot's check asks for the coin itself, which a perpetual does not need."""
        return []

    def apply_initial_setting(self) -> None:
        """Set leverage and position mode of every perpetual that a controller names."""
        for controller in self.controllers.values():
            config = controller.config.model_dump()
            connector = config.get("connector_name")
            if connector is None or not self.is_perpetual(connector):
                continue
            if "position_mode" in config:
                self.connectors[connector].set_position_mode(config["position_mode"])
            if "leverage" in config and "trading_pair" in config:
                self.connectors[connector].set_leverage(
                    trading_pair=config["trading_pair"], leverage=config["leverage"])

    def on_tick(self) -> None:
        # Limits first: whatever goes wrong in the rest of a tick must not keep them from being looked at.
        if not self._is_stop_triggered:
            self._obey_kill_switches()
            self._check_drawdowns()
        super().on_tick()
        if not self._is_stop_triggered:
            self._report()

    def create_actions_proposal(self) -> list[CreateExecutorAction]:
        return []

    def stop_actions_proposal(self) -> list[StopExecutorAction]:
        return []

    def _obey_kill_switches(self) -> None:
        for controller_id, controller in self.controllers.items():
            is_running = controller.status == RunnableStatus.RUNNING
            if controller.config.manual_kill_switch and is_running:
                self.logger().info(f"kill switch controller={controller_id}")
                self._stop_controller(controller_id)
            elif not controller.config.manual_kill_switch and not is_running and controller_id not in self._drawn_down:
                self.logger().info(f"kill switch released controller={controller_id}")
                controller.start()

    def _check_drawdowns(self) -> None:
        limit = self.config.max_controller_drawdown_quote
        if limit is not None:
            for controller_id, controller in self.controllers.items():
                if controller.status == RunnableStatus.RUNNING and self._has_fallen(
                        controller_id, self._pnl_quote(controller_id), limit):
                    self.logger().warning(
                        f"drawdown limit reached controller={controller_id} limit={limit}: stopping it")
                    self._drawn_down.add(controller_id)
                    self._stop_controller(controller_id)
        limit = self.config.max_global_drawdown_quote
        if limit is not None:
            total = sum((self._pnl_quote(controller_id) for controller_id in self.controllers), Decimal(0))
            if self._has_fallen("", total, limit):
                self.logger().warning(f"global drawdown limit reached limit={limit}: stopping every controller")
                for controller_id in self.controllers:
                    self._drawn_down.add(controller_id)
                    self._stop_controller(controller_id)

    def _stop_controller(self, controller_id: str) -> None:
        self.controllers[controller_id].stop()
        for executor in self.get_executors_by_controller(controller_id):
            if executor.is_active:
                self.executor_orchestrator.execute_action(StopExecutorAction(
                    controller_id=controller_id, executor_id=executor.id, keep_position=True))

    def _pnl_quote(self, controller_id: str) -> Decimal:
        net = self.controllers[controller_id].get_custom_info().get("net_pnl_quote")
        if net is not None:
            return Decimal(str(net))
        report = self.get_performance_report(controller_id)
        return Decimal(0) if not report else Decimal(report.global_pnl_quote)

    def _has_fallen(self, key: str, pnl_quote: Decimal, limit_quote: Decimal) -> bool:
        peak = max(self._peak_quote.get(key, pnl_quote), pnl_quote)
        self._peak_quote[key] = peak
        return peak - pnl_quote > limit_quote

    def _report(self) -> None:
        """Publish performance and custom info once a second when a broker is connected."""
        if self._pub is None or self.current_timestamp - self._reported_at < self.performance_report_interval:
            return
        self._reported_at = self.current_timestamp
        reports = {}
        for controller_id, controller in self.controllers.items():
            report = self.get_performance_report(controller_id)
            reports[controller_id] = {
                "performance": report.dict() if report else {}, "custom_info": controller.get_custom_info()}
        self._pub(reports)
