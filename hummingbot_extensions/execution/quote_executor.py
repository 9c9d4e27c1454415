"""The long-lived executor of one level: it places and cancels what the quoter decided, and keeps count of every order.

Plugged in as a stock ``order_executor`` (docs/decisions/001): reports, database and shutdown of Hummingbot work on it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.strategy_v2.executors.order_executor.data_types import OrderExecutorConfig
from hummingbot.strategy_v2.executors.order_executor.order_executor import OrderExecutor
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType
from pydantic import PrivateAttr

from hummingbot_extensions.core.decision import Cancel, CancelReason
from hummingbot_extensions.core.quote import POINTS_LAYER, Quote
from hummingbot_extensions.core.types import OrderOutcome, Side
from hummingbot_extensions.core.view import OrderState, OwnOrder

if TYPE_CHECKING:
    from hummingbot_extensions.execution.quoter import Quoter

LOOP_S = 0.5
"""Beat of the executor's own loop; it only supervises a stop. Quoting is woken by events."""
SHUTDOWN_CANCEL_RETRY_NS = 2_000_000_000
LATE_FILL_NS = 60_000_000_000


class QuoteConfig(OrderExecutorConfig):
    """Config of one level. The quoter rides along unserialised; databases see a plain order executor."""

    _quoter: Quoter | None = PrivateAttr(default=None)
    _layer: int = PrivateAttr(default=0)

    def bind(self, quoter: Quoter, layer: int) -> QuoteConfig:
        self._quoter = quoter
        self._layer = layer
        return self

    @property
    def layer(self) -> int:
        return self._layer

    @property
    def quoter(self) -> Quoter:
        if self._quoter is None:
            raise RuntimeError("a QuoteConfig without its quoter cannot be executed")
        return self._quoter


@dataclass(slots=True)
class _Sent:
    """One order this executor sent and what has become of it."""

    quote: Quote
    sent_ns: int
    is_created: bool = False
    ended_ns: int | None = None
    cancel_sent_ns: int | None = None
    is_risk_cancel: bool = False

    @property
    def is_ended(self) -> bool:
        return self.ended_ns is not None


class QuoteExecutor(OrderExecutor):  # type: ignore[misc]
    """Keeps its own map of client ids, since two orders of a level may rest while one replaces the other."""

    def __init__(self, strategy: Any, config: QuoteConfig, update_interval: float = 1.0, max_retries: int = 10) -> None:
        super().__init__(strategy, config, LOOP_S, max_retries)
        self.side = Side.BUY if config.side is TradeType.BUY else Side.SELL
        self.layer = config.layer
        self._quoter = config.quoter
        self._sent: dict[str, _Sent] = {}
        self._is_retiring = False
        """Whether an order of it filled completely, so that it ends once nothing of it rests."""
        self._filled_orders: dict[str, dict[str, Any]] = {}
        """Hummingbot's own form of every order that filled at all, kept because the tracker forgets after 30 s."""

    # --- the quoter's side ---

    async def on_start(self) -> None:
        """Report for duty. Free margin is checked at every decision, not once here."""
        self._quoter.attach(self)

    @property
    def takes_orders(self) -> bool:
        return self.is_active and not self._is_retiring

    def place(self, quote: Quote) -> str:
        """Send ``quote`` as a post-only order; returns its client order id."""
        self._forget_ended()
        order_id = self.place_order(
            connector_name=self.config.connector_name,
            trading_pair=self.config.trading_pair,
            order_type=OrderType.LIMIT_MAKER,
            side=self.config.side,
            amount=quote.size,
            position_action=PositionAction.CLOSE if quote.is_reduce_only else PositionAction.OPEN,
            price=quote.price,
        )
        self._sent[order_id] = _Sent(quote, time.monotonic_ns())
        return str(order_id)

    def cancel(self, action: Cancel) -> None:
        """Ask the venue to cancel one of this executor's orders; it counts as open until the venue confirms."""
        sent = self._sent[action.client_order_id]
        sent.cancel_sent_ns = time.monotonic_ns()
        sent.is_risk_cancel = action.is_risk
        self._quoter.on_cancel_sent(action.client_order_id, self.side, action.reason, action.is_risk)
        self._send_cancel(action.client_order_id)

    def owns(self, client_order_id: str) -> bool:
        return client_order_id in self._sent

    def uncancelled(self) -> list[str]:
        return [
            order_id for order_id, sent in self._sent.items() if not sent.is_ended and sent.cancel_sent_ns is None]

    def open_orders(self) -> Iterator[OwnOrder]:
        """Every order that may still fill, whatever is known about it."""
        connector = self.connectors[self.config.connector_name]
        for order_id, sent in self._sent.items():
            if sent.is_ended:
                continue
            tracked = self.get_in_flight_order(self.config.connector_name, order_id)
            filled = tracked.executed_amount_base if tracked is not None else Decimal(0)
            left = sent.quote.size - filled
            if left <= 0:
                continue
            yield OwnOrder(
                client_order_id=order_id, side=self.side, price=sent.quote.price, size=left,
                state=self._state(sent, connector.order_outcome(order_id)), is_reduce_only=sent.quote.is_reduce_only,
                placed_ns=sent.sent_ns, has_rested=sent.is_created, cancel_sent_ns=sent.cancel_sent_ns,
                is_risk_cancel=sent.is_risk_cancel, is_points=sent.quote.layer == POINTS_LAYER,
            )

    def _forget_ended(self) -> None:
        """Drop orders that ended longer ago than a late fill can arrive, so that a long run does not grow."""
        now_ns = time.monotonic_ns()
        self._sent = {order_id: sent for order_id, sent in self._sent.items()
                      if sent.ended_ns is None or now_ns - sent.ended_ns < LATE_FILL_NS}

    @property
    def has_open_orders(self) -> bool:
        return any(not sent.is_ended for sent in self._sent.values())

    @staticmethod
    def _state(sent: _Sent, outcome: OrderOutcome) -> OrderState:
        if outcome is OrderOutcome.UNKNOWN:
            return OrderState.UNKNOWN
        if sent.cancel_sent_ns is not None:
            return OrderState.CANCELLING
        return OrderState.LIVE if sent.is_created else OrderState.PLACING

    def _send_cancel(self, order_id: str) -> None:
        # Not by the strategy: Hummingbot's drops every further cancel of an order for 60 s without a word.
        self.connectors[self.config.connector_name].cancel(self.config.trading_pair, order_id)

    # --- Hummingbot's side ---

    async def validate_sufficient_balance(self) -> None:
        """Nothing to do once: margin is part of every decision."""

    async def control_task(self) -> None:
        """Supervise a stop; while running there is nothing to poll."""
        if self.status == RunnableStatus.SHUTTING_DOWN:
            self._wind_down()

    def early_stop(self, keep_position: bool = True) -> None:
        """Cancel what rests and end once the venue has confirmed; fills are kept as a position hold."""
        if self.status == RunnableStatus.TERMINATED:
            return
        self._status = RunnableStatus.SHUTTING_DOWN
        self._wind_down()

    def _wind_down(self) -> None:
        if not self.has_open_orders:
            self._finish()
            return
        now_ns = time.monotonic_ns()
        for order_id, sent in self._sent.items():
            is_due = sent.cancel_sent_ns is None or now_ns - sent.cancel_sent_ns >= SHUTDOWN_CANCEL_RETRY_NS
            if not sent.is_ended and is_due:
                reason = "level_ends" if sent.cancel_sent_ns is None else CancelReason.RETRY
                sent.cancel_sent_ns = now_ns
                self._quoter.on_cancel_sent(order_id, self.side, reason, sent.is_risk_cancel)
                self._send_cancel(order_id)

    def _finish(self) -> None:
        self._held_position_orders = self._collect_held_position_orders()
        self.close_type = CloseType.POSITION_HOLD if self._held_position_orders else CloseType.EARLY_STOP
        self.stop()
        self._quoter.detach(self)

    def force_stop_with_position_hold(self) -> None:
        """Hummingbot's deadline has passed: keep what filled. Orders that may still rest stay counted."""
        super().force_stop_with_position_hold()
        if not self.has_open_orders:
            self._quoter.detach(self)

    def unregister_events(self) -> None:
        """Stop listening, but not while an order may still fill: a forced stop does not wait for the venue."""
        if not self.has_open_orders:
            super().unregister_events()

    def _collect_held_position_orders(self) -> list[dict[str, Any]]:
        """Every order of ours that filled at all, in Hummingbot's own form."""
        return list(self._filled_orders.values())

    def _cancel_outstanding_orders(self) -> None:
        for order_id, sent in self._sent.items():
            if not sent.is_ended:
                self._send_cancel(order_id)

    # --- order events; those of other executors on the same connector are not ours ---

    def process_order_created_event(self, _: int, market: Any, event: Any) -> None:
        sent = self._sent.get(event.order_id)
        if sent is not None:
            sent.is_created = True
            self._quoter.on_created(event.order_id, sent.quote)

    def process_order_filled_event(self, _: int, market: Any, event: Any) -> None:
        if event.order_id not in self._sent:
            return
        self._quoter.on_traded(event.order_id)
        tracked = self.get_in_flight_order(self.config.connector_name, event.order_id)
        if tracked is not None:
            self._filled_orders[event.order_id] = tracked.to_json()
            # Its completion may come in a later frame: until then the level must not be given another order.
            self._is_retiring |= tracked.executed_amount_base >= self._sent[event.order_id].quote.size

    def process_order_completed_event(self, _: int, market: Any, event: Any) -> None:
        if event.order_id in self._sent:
            # A level that filled completely ends as a position hold; the quoter creates the next one at once. What
            # else it sent may serve another layer by now, and ends as the quoter decides.
            self._is_retiring = True
            self._end(event.order_id, "filled", None)

    def process_order_canceled_event(self, _: int, market: Any, event: Any) -> None:
        self._end(event.order_id, "canceled", None)

    def process_order_failed_event(self, _: int, market: Any, event: Any) -> None:
        reason = self.connectors[self.config.connector_name].rejection_reason(event.order_id)
        self._end(event.order_id, "rejected", reason or getattr(event, "error_message", None))

    def _end(self, order_id: str, how: str, reason: str | None) -> None:
        """Take note that an order has ended, unless it is not ours or has ended before."""
        sent = self._sent.get(order_id)
        if sent is None or sent.is_ended:
            return
        sent.ended_ns = time.monotonic_ns()
        self._quoter.on_ended(order_id, sent.quote, how, reason)
        if self.status == RunnableStatus.SHUTTING_DOWN:
            self._wind_down()
        elif self.status == RunnableStatus.TERMINATED and not self.has_open_orders:
            self.unregister_events()
            self._quoter.detach(self)
        elif self._is_retiring and not self.has_open_orders:
            self.early_stop()

    def evaluate_max_retries(self) -> None:
        """Rejections are paced by the decision's own back-off and never end a level."""

    # --- reports ---

    @property
    def filled_amount_quote(self) -> Decimal:
        return sum((Decimal(order["executed_amount_quote"]) for order in self._filled_orders.values()), Decimal(0))

    @property
    def executed_amount_base(self) -> Decimal:
        return sum((Decimal(order["executed_amount_base"]) for order in self._filled_orders.values()), Decimal(0))

    def get_cum_fees_quote(self) -> Decimal:
        return sum((Decimal(str(order.get("cumulative_fee_paid_quote", 0))) for order in self._filled_orders.values()),
                   Decimal(0))

    def get_custom_info(self) -> dict[str, Any]:
        """What the orchestrator, the API's archive reader and the status screen need; finite and JSON-able."""
        base = self.executed_amount_base
        average = float(self.filled_amount_quote / base) if base > 0 else 0.0
        resting = [order for order in self.open_orders() if order.state is OrderState.LIVE]
        return {
            "side": self.config.side,
            "level_id": self.config.level_id,
            "held_position_orders": self._held_position_orders,
            "current_position_average_price": average,
            "close_price": average,
            "order_ids": [order.client_order_id for order in resting],
            "order_id": resting[0].client_order_id if resting else None,
            "price": float(resting[0].price) if resting else None,
        }
