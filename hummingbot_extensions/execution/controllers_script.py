"""What both scripts share: apply leverage and mode, obey the kill switch, stop at a drawdown, end verified."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from hummingbot.client import settings
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.core.clock import Clock
from hummingbot.core.data_type.common import MarketDict
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction
from pydantic import Field

from hummingbot_extensions import compat
from hummingbot_extensions.execution import script_memory, stopping
from hummingbot_extensions.execution.script_memory import Memory, Peak
from hummingbot_extensions.execution.state_writer import StateWriter

PEAK_SAVE_S = 10.0
"""A rising peak is written no oftener: the part of it that a crash loses is what rose within this time."""
DRAWDOWN = "Stop when PnL has fallen this far from its peak, quote units; leave empty for no limit."


class ControllersScriptConfig(StrategyV2ConfigBase):  # type: ignore[misc]
    """Names the controller files to run, and two drawdown limits in quote units."""

    candles_config: list[Any] = Field(default=[], description="Candles of the script itself; controllers bring theirs.")
    markets: dict[str, Any] = Field(default={}, description="Markets beside those of the controllers.")
    max_global_drawdown_quote: Decimal | None = Field(
        None, gt=0, description=DRAWDOWN, json_schema_extra={"prompt": DRAWDOWN, "prompt_on_new": False})
    max_controller_drawdown_quote: Decimal | None = Field(
        None, gt=0, description=DRAWDOWN, json_schema_extra={"prompt": DRAWDOWN, "prompt_on_new": False})

    def load_controller_configs(self) -> list[Any]:
        """Configurations of the files named, in their order; ValueError names a file that holds no fields."""
        for name in self.controllers_config:
            content = yaml.safe_load((Path(settings.CONTROLLERS_CONF_DIR_PATH) / name).read_text(encoding="utf-8"))
            if not isinstance(content, dict):
                raise ValueError(f"{name}: no fields in it. Put them back, or copy a preset of conf/controllers")
        loaded: list[Any] = super().load_controller_configs()
        return loaded

    def unreached_limit(self) -> str | None:
        """Field and fix where the limit on a controller stands behind the one on all; None while their order is right.

        Both count losses alone, from a peak: no profit ever stops anything.
        """
        one, all_together = self.max_controller_drawdown_quote, self.max_global_drawdown_quote
        if one is None or all_together is None or one < all_together:
            return None
        return (
            f"max_controller_drawdown_quote: {one} is not below max_global_drawdown_quote {all_together}, which stops "
            "every controller before one of them gets there, unless others gain. Lower it (trap T38)")

    def update_markets(self, markets: MarketDict) -> MarketDict:
        for connector, pairs in self.markets.items():
            for pair in pairs:
                markets = markets.add_or_update(connector, pair)
        return markets


class ControllersScript(StrategyV2Base):  # type: ignore[misc]
    """Runs controllers. PnL of a controller is its own net figure when it states one, else Hummingbot's gross one."""

    performance_report_interval = 1
    closed_executors_buffer = 5
    """Ended executors that Hummingbot keeps in memory and makes a report of on each tick. A full fill ends one here, so
    its default of 100 took a third of the bot's time. Older ones are in the database and in the position holds.
    """

    def __init__(self, connectors: dict[str, Any], config: ControllersScriptConfig) -> None:
        self._memory: Memory = script_memory.loaded()
        self._writer = StateWriter(script_memory.path(), script_memory.VERSION, self._memory_content)
        super().__init__(connectors, config)
        self.config = config
        self._peak_quote: dict[str, Decimal] = {}
        """Highest PnL by controller, and under "" the highest of their sum."""
        self._drawn_down: set[str] = set(self._memory.drawn_down)
        self._peaks_written_at = float("-inf")
        self._reported_at = float("-inf")
        self._reloaded_at = float("-inf")
        """These three are monotonic seconds: the wall clock may be set back by hours."""
        self._refused: dict[str, str] = {}
        """What is wrong with each controller file that was last refused, so that it is said once."""

    def initialize_controllers(self) -> None:
        """Make the controllers, before Hummingbot reads its stored positions: those of controllers with a desk lie."""
        recorder = MarketsRecorder.get_instance()
        compat.quicken_database(recorder)
        super().initialize_controllers()
        own = [controller_id for controller_id, controller in self.controllers.items() if hasattr(controller, "desk")]
        if own:
            compat.forget_positions(recorder, own)

    def start(self, clock: Clock, timestamp: float) -> None:
        """Start the controllers, but none whose kill switch is on or that a drawdown limit stopped before a restart."""
        super().start(clock, timestamp)
        unreached = self.config.unreached_limit()
        if unreached is not None:
            self.logger().warning(f"config {unreached}")
        self._obey_kill_switches()
        for controller_id in self._drawn_down & self.controllers.keys():
            if self.controllers[controller_id].status == RunnableStatus.RUNNING:
                self.logger().warning(
                    f"drawdown limit was reached before the restart controller={controller_id}: not quoting. To start "
                    "anew from here, set manual_kill_switch to true and, once it is obeyed, to false")
                self._stop_controller(controller_id)

    async def on_stop(self) -> None:
        """Stop as Hummingbot does; then ask the venues whether anything of ours rests, and keep what a start needs.

        A stop that the venue does not confirm ends the process with code 1 and a list of what may rest.
        """
        asked = self._to_ask()
        desks = [c.desk for c in self.controllers.values() if hasattr(c, "desk")]
        await asyncio.gather(*(desk.catch_up() for desk in desks), return_exceptions=True)
        try:
            await super().on_stop()
        finally:
            # Until the venue has said otherwise: whatever goes wrong from here on must not end as a clean stop.
            compat.exit_with(1)
            outcome = await stopping.verified_stop(asked)
            compat.exit_with(0 if outcome.is_verified else 1)
            stopping.announce(outcome)
            for controller in self.controllers.values():
                if hasattr(controller, "desk"):
                    await controller.desk.closed()
            if self._peak_quote or self._drawn_down:
                self._remember()
            await self._writer.flush()

    def _to_ask(self) -> list[stopping.Asked]:
        """Connectors through which an order may have left, and what was sent so lately that no list shows it."""
        asked = []
        for name, connector in self.connectors.items():
            users = [c for c in self.controllers.values() if getattr(c.config, "connector_name", name) == name]
            desks = [c.desk for c in users if hasattr(c, "desk")]
            if not stopping.can_verify(connector) or (desks and not any(desk.sends_orders for desk in desks)
                                                      and len(desks) == len(users)):
                continue
            recent = tuple(one for desk in desks for one in desk.recent_orders)
            asked.append(stopping.Asked(name, connector, recent))
        return asked

    def add_controller(self, config: Any) -> None:
        """Add a controller, unless another one has its id or its market: each would count only its own orders."""
        if config.id in self.controllers:
            self.logger().error(
                f"controller {config.id} refused: another file has the same id, and this one would take its place. "
                "Give each file an id of its own")
            return
        market = _market(config)
        for other in self.controllers.values() if None not in market else ():
            if _market(other.config) == market:
                self.logger().error(
                    f"controller {config.id} refused: {other.config.id} trades {market[1]} on {market[0]} already and "
                    "limits hold for each alone. Keep one file per market")
                return
        super().add_controller(config)

    def update_controllers_configs(self) -> None:
        """Reload every controller file by itself: one that is refused changes nothing, and holds up no other.

        Only controllers that were there at the start are reloaded; a new id would start a second bot beside the one
        that no file speaks for any more. A file speaks for one controller, of its own market: sizes and limits of one
        coin must not become those of another because two files bear one id.
        """
        now_s = time.monotonic()  # A wall clock that is set back must not keep the kill switch from being read.
        if now_s - self._reloaded_at < self.config_update_interval:
            return
        self._reloaded_at = now_s
        spoken_for: dict[str, str] = {}
        for name in self.config.controllers_config:
            try:
                config = self.config.model_copy(update={"controllers_config": [name]}).load_controller_configs()[0]
                if config.id not in self.controllers:
                    known = ", ".join(self.controllers) or "none"
                    raise ValueError(
                        f"id: {config.id} was not running at the start (running: {known}); restart to use it")
                if config.id in spoken_for:
                    raise ValueError(f"id: {config.id} is the one of {spoken_for[config.id]}; give each file its own")
                running = self.controllers[config.id].config
                if _market(config) != _market(running):
                    raise ValueError(
                        f"trading_pair: {config.id} runs {' on '.join(map(str, reversed(_market(running))))}; put id, "
                        "connector_name and trading_pair back, or restart to trade another market")
                spoken_for[config.id] = name
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
            is_off = controller.config.manual_kill_switch
            if is_off and is_running:
                self.logger().info(f"kill switch controller={controller_id}")
                self._stop_controller(controller_id)
            if is_off and controller_id in self._drawn_down:
                self._release(controller_id)
            elif not is_off and not is_running and controller_id not in self._drawn_down:
                self.logger().info(f"kill switch released controller={controller_id}")
                controller.start()

    def _release(self, controller_id: str) -> None:
        """A person has looked at a drawdown: the kill switch takes its mark away, and losses count from here."""
        self._drawn_down.discard(controller_id)
        for key in (controller_id, ""):
            self._peak_quote.pop(key, None)
        others = tuple(peak for peak in self._memory.peaks if peak.controller_id != controller_id)
        self._memory = replace(self._memory, peaks=others, global_peak_quote=None)
        self._remember()
        self.logger().info(f"drawdown released controller={controller_id}: counted from the result at the next start")

    def _check_drawdowns(self) -> None:
        pnl = {controller_id: self._pnl_quote(controller_id) for controller_id in self.controllers}
        limit = self.config.max_controller_drawdown_quote
        if limit is not None:
            for controller_id, controller in self.controllers.items():
                if controller.status == RunnableStatus.RUNNING and self._has_fallen(
                        controller_id, pnl[controller_id], limit):
                    self.logger().warning(
                        f"drawdown limit reached controller={controller_id} limit={limit}: stopping it")
                    self._drawn_down.add(controller_id)
                    self._stop_controller(controller_id)
                    self._remember()
        limit = self.config.max_global_drawdown_quote
        known = [one for one in pnl.values() if one is not None]
        if limit is not None and len(known) == len(pnl) and self._has_fallen("", sum(known, Decimal(0)), limit):
            if self._drawn_down >= self.controllers.keys():
                return
            self.logger().warning(f"global drawdown limit reached limit={limit}: stopping every controller")
            for controller_id in self.controllers:
                self._drawn_down.add(controller_id)
                self._stop_controller(controller_id)
            self._remember()

    def _stop_controller(self, controller_id: str) -> None:
        self.controllers[controller_id].stop()
        for executor in self.get_executors_by_controller(controller_id):
            if executor.is_active:
                self.executor_orchestrator.execute_action(StopExecutorAction(
                    controller_id=controller_id, executor_id=executor.id, keep_position=True))

    def _pnl_quote(self, controller_id: str) -> Decimal | None:
        """Net result as the controller states it, None while it cannot; else Hummingbot's gross one."""
        controller = self.controllers[controller_id]
        if hasattr(controller, "net_pnl_quote"):
            # Not its custom info: that scores reward programs, which a limit looked at on every tick need not pay for.
            net = controller.net_pnl_quote()
            return None if net is None else Decimal(str(net))
        report = self.get_performance_report(controller_id)
        return Decimal(0) if not report else Decimal(report.global_pnl_quote)

    def _has_fallen(self, key: str, pnl_quote: Decimal | None, limit_quote: Decimal) -> bool:
        """Whether a result lies more than the limit under its peak; an unknown one is neither a loss nor a peak."""
        if pnl_quote is None:
            return False
        before = self._peak_quote[key] if key in self._peak_quote else self._remembered_peak(key)
        peak = pnl_quote if before is None else max(before, pnl_quote)
        self._peak_quote[key] = peak
        if peak != before and time.monotonic() - self._peaks_written_at >= PEAK_SAVE_S:
            self._remember()
        return peak - pnl_quote > limit_quote

    # --- across restarts ---

    def _accounts(self) -> dict[str, int]:
        """When the account of each controller that keeps one began: a peak belongs to one account alone."""
        began = {key: controller.desk.began_ns for key, controller in self.controllers.items()
                 if hasattr(controller, "desk")}
        return {key: began_ns for key, began_ns in began.items() if began_ns is not None}

    def _remembered_peak(self, key: str) -> Decimal | None:
        """Peak from before the restart, None when there is none or it is of another account."""
        then = {peak.controller_id: peak for peak in self._memory.peaks}
        now = self._accounts()
        if key == "":
            is_same = {name: peak.began_ns for name, peak in then.items()} == now and len(now) == len(self.controllers)
            return self._memory.global_peak_quote if is_same else None
        peak = then.get(key)
        return peak.peak_quote if peak is not None and now.get(key) == peak.began_ns else None

    def _remember(self) -> None:
        self._peaks_written_at = time.monotonic()
        self._writer.request()

    def _memory_content(self) -> Any:
        return script_memory.content_of(Memory(
            tuple(Peak(key, began_ns, self._peak_quote.get(key, self._remembered_peak(key)))
                  for key, began_ns in self._accounts().items()),
            self._peak_quote.get("", self._remembered_peak("")),
            tuple(sorted(self._drawn_down))))

    def _report(self) -> None:
        """Publish performance and custom info once a second when a broker is connected."""
        now_s = time.monotonic()
        if self._pub is None or now_s - self._reported_at < self.performance_report_interval:
            return
        self._reported_at = now_s
        reports = {}
        for controller_id, controller in self.controllers.items():
            report = self.get_performance_report(controller_id)
            reports[controller_id] = {
                "performance": report.dict() if report else {}, "custom_info": controller.get_custom_info()}
        self._pub(reports)


def _market(config: Any) -> tuple[Any, Any]:
    """Connector and trading pair of a controller; None for one that has none."""
    return getattr(config, "connector_name", None), getattr(config, "trading_pair", None)
