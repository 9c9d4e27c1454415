"""Hummingbot's order executor without the faults that were reproduced on it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hummingbot.strategy_v2.executors.order_executor.data_types import OrderExecutorConfig
from hummingbot.strategy_v2.executors.order_executor.order_executor import OrderExecutor
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType

from hummingbot_extensions.execution.contained.accountable import LOOP_S, Accountable, Sent


class ContainedOrderConfig(OrderExecutorConfig):
    """A stock order config, in every report and database too, that our executor carries out."""


class ContainedOrderExecutor(Accountable, OrderExecutor):  # type: ignore[misc]
    """One order, and after a cancel by somebody else another for the rest; every fill ends as a position hold."""

    def __init__(
        self, strategy: Any, config: OrderExecutorConfig, update_interval: float = 1.0, max_retries: int = 10
    ) -> None:
        self._begin()
        super().__init__(strategy, config, LOOP_S, max_retries)

    @property
    def executed_amount_base(self) -> Decimal:
        return self.traded(is_closing=False)[0]

    @property
    def average_executed_price(self) -> Decimal:
        base, quote = self.traded(is_closing=False)
        return quote / base if base > 0 else Decimal(0)

    def _advance(self) -> None:
        if self.status == RunnableStatus.RUNNING:
            if not self.is_paced or self.open_sent:
                self.control_order()
        elif self.status == RunnableStatus.SHUTTING_DOWN:
            self._wind_down()

    def place_open_order(self) -> None:
        super().place_open_order()
        if self._order is not None:
            self._note(self._order, is_closing=False)

    def cancel_order(self) -> None:
        for sent in self.open_sent:
            self._ask_cancel(sent)

    def early_stop(self, keep_position: bool | None = True) -> None:
        """Cancel at once and end on the venue's word; fills are kept as a position hold, as in the stock class."""
        if self.status == RunnableStatus.TERMINATED:
            return
        self._status = RunnableStatus.SHUTTING_DOWN
        self._wind_down()

    def _wind_down(self) -> None:
        self.cancel_order()
        if not self.open_sent:
            self._finish()

    def _finish(self) -> None:
        self._held_position_orders = self._filled_orders()
        if self._held_position_orders:
            self.close_type = CloseType.POSITION_HOLD
        elif self.close_type is not CloseType.FAILED:
            self.close_type = CloseType.EARLY_STOP
        self.stop()

    def evaluate_max_retries(self) -> None:
        if self._current_retries <= self._max_retries or self.status != RunnableStatus.RUNNING:
            return
        self.close_type = CloseType.FAILED
        self.early_stop()

    def process_order_filled_event(self, _: int, market: Any, event: Any) -> None:
        self._take_note(event.order_id)

    def process_order_completed_event(self, _: int, market: Any, event: Any) -> None:
        if self._take_end(event.order_id) is not None:
            self.early_stop()

    def _dropped(self, sent: Sent, is_refused: bool) -> None:
        self._current_retries += is_refused
        if sent.tracked is self._order:
            self._order = None
        if self.status == RunnableStatus.SHUTTING_DOWN:
            self._wind_down()
