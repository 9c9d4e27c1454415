"""What a controller hands its work to in `execution: position`: executors are asked for in Hummingbot's own loop.

No ledger, event log and snapshot are kept here: each position is Hummingbot's own, with its barriers and its rows.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from hummingbot.strategy_v2.models.executor_actions import ExecutorAction

from hummingbot_extensions import compat
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.execution import arming, plug
from hummingbot_extensions.execution.position_mode import PositionMode, PositionSettings


class PositionDesk:
    """One controller's position executors; it offers what a controller and the script ask of a desk."""

    def __init__(self, controller: Any) -> None:
        self._controller = controller
        config = controller.config
        is_simulated = compat.is_backtest(controller.market_data_provider)
        self.sends_orders = is_simulated or arming.may_send(config.connector_name, config.armed)
        """Whether executors are asked for at all."""
        self.recent_orders: tuple[tuple[str, int], ...] = ()
        self.began_ns: int | None = None
        self._mode = PositionMode(PositionSettings(
            config.id, config.connector_name, config.trading_pair, config.leverage, self.sends_orders))
        if not is_simulated:
            plug.install()

    def determine_actions(self) -> list[ExecutorAction]:
        """Executors to create and to stop now."""
        controller = self._controller
        config = controller.config
        equity = Decimal(config.total_amount_quote)
        return self._mode.determine_actions(
            config.params(), config.barriers(), controller.market_data_provider, controller.executors_info, equity)

    def params_of(self, config: Any) -> QuoteParams:
        params: QuoteParams = config.params()
        return params

    def start(self) -> None:
        """Hummingbot's loop asks; there is nothing to begin."""

    def stop(self) -> None:
        """Hummingbot stops the executors, which take back what rests."""

    async def catch_up(self) -> None:
        """Nothing is booked here."""

    async def closed(self) -> None:
        """Nothing is written here."""

    def fixed_differ(self, running: Any, told: Any) -> None:
        """A reload changes parameters alone; what a start fixes is Hummingbot's to compare."""

    def config_changed(self, before: Any, after: Any) -> None:
        """The next turn reads the new parameters."""

    def status_lines(self) -> list[str]:
        config, decision = self._controller.config, self._mode.decision
        silences = "" if decision is None else f"  bid {decision.bid_silence or 'quoted'}" \
            f"  ask {decision.ask_silence or 'quoted'}"
        note = f"  {self._mode.note}" if self._mode.note else ""
        return [f"  {config.connector_name} {config.trading_pair}  position executors{silences}{note}"]

    def custom_info(self) -> dict[str, Any]:
        decision = self._mode.decision
        return {
            "mode": "position", "note": self._mode.note, "wall_time": time.time(),
            "bid_silence": None if decision is None or decision.bid_silence is None else str(decision.bid_silence),
            "ask_silence": None if decision is None or decision.ask_silence is None else str(decision.ask_silence),
        }
