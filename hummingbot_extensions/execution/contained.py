"""Hummingbot's position and order executors without the faults that were reproduced on them.

Every order is known by its id from the moment it is sent and counts until the venue has ended it; what filled is never
forgotten, whatever became of the order afterwards. A stop acts at once and goes on with each event instead of sleeping.
Closing orders are reduce-only. Which fault each of them takes away, tests/unit/execution/test_contained_executors.py
shows on the stock class first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import OrderType, PositionAction, PriceType, TradeType
from hummingbot.strategy_v2.executors.order_executor.data_types import OrderExecutorConfig
from hummingbot.strategy_v2.executors.order_executor.order_executor import OrderExecutor
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig
from hummingbot.strategy_v2.executors.position_executor.position_executor import PositionExecutor
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType, TrackedOrder
from pydantic import PrivateAttr

from hummingbot_extensions.execution import market_view

LOOP_S = 0.1
"""Beat of the executors' own loops, on which barriers are looked at; orders and stops go on with each event."""
CANCEL_RETRY_NS = 2_000_000_000
REFUSED_PAUSE_NS = 1_000_000_000
"""Least time between an order that was refused and the next one."""
NETTED_AFTER_NS = 2_000_000_000
"""How long the venue's position must be smaller than what is to be closed before it counts as netted away: position
frames trail behind fills.
"""


class ContainedPositionConfig(PositionExecutorConfig):
    """A stock position config, in every report and database too, that our executor carries out."""

    _may_rest: Callable[[], bool] | None = PrivateAttr(default=None)

    def bind(self, may_rest: Callable[[], bool]) -> ContainedPositionConfig:
        """Let the entry rest only while ``may_rest`` says so: Hummingbot's controllers freeze when a feed dies."""
        self._may_rest = may_rest
        return self

    @property
    def may_rest(self) -> bool:
        return self._may_rest is None or self._may_rest()


class ContainedOrderConfig(OrderExecutorConfig):
    """A stock order config, in every report and database too, that our executor carries out."""


@dataclass(slots=True)
class Sent:
    """One order of an executor and what has become of it."""

    tracked: TrackedOrder
    is_closing: bool
    sent_ns: int
    is_ended: bool = False
    cancel_sent_ns: int | None = None

    @property
    def executed_base(self) -> Decimal:
        return Decimal(self.tracked.executed_amount_base)

    @property
    def executed_quote(self) -> Decimal:
        return Decimal(self.tracked.executed_amount_quote)


class _Accountable:
    """What both executors share: their orders by id, cancels that are repeated, refusals that are paced."""

    config: Any
    connectors: Any
    get_in_flight_order: Any

    _sent: dict[str, Sent]
    _refused_ns: int | None

    def _begin(self) -> None:
        self._sent = {}
        self._refused_ns = None

    @property
    def open_sent(self) -> list[Sent]:
        """Orders that may still fill, oldest first."""
        return [sent for sent in self._sent.values() if not sent.is_ended]

    @property
    def is_paced(self) -> bool:
        return self._refused_ns is not None and time.monotonic_ns() - self._refused_ns < REFUSED_PAUSE_NS

    def traded(self, is_closing: bool) -> tuple[Decimal, Decimal]:
        """Base and quote that all opening, or all closing, orders have traded, however they ended."""
        those = [sent for sent in self._sent.values() if sent.is_closing is is_closing]
        return (
            sum((sent.executed_base for sent in those), Decimal(0)),
            sum((sent.executed_quote for sent in those), Decimal(0)),
        )

    def get_cum_fees_quote(self) -> Decimal:
        return sum((Decimal(sent.tracked.cum_fees_quote) for sent in self._sent.values()), Decimal(0))

    def _note(self, tracked: TrackedOrder, is_closing: bool) -> None:
        self._sent[tracked.order_id] = Sent(tracked, is_closing, time.monotonic_ns())

    def _ask_cancel(self, sent: Sent) -> None:
        """Cancel, unless that was asked lately; by id, so that no confirmation of its birth has to be waited for."""
        now_ns = time.monotonic_ns()
        if sent.is_ended or (sent.cancel_sent_ns is not None and now_ns - sent.cancel_sent_ns < CANCEL_RETRY_NS):
            return
        sent.cancel_sent_ns = now_ns
        # Not by the strategy: Hummingbot's drops every further cancel of an order for 60 s without a word.
        self.connectors[self.config.connector_name].cancel(self.config.trading_pair, sent.tracked.order_id)

    def _take_note(self, order_id: str) -> Sent | None:
        """Keep Hummingbot's record of an order of ours, which counts its fills; None for an order of somebody else."""
        sent = self._sent.get(order_id)
        if sent is not None:
            found = self.get_in_flight_order(self.config.connector_name, order_id)
            if found is not None:
                sent.tracked.order = found
        return sent

    def _take_end(self, order_id: str, is_refused: bool = False, is_dropped: bool = False) -> Sent | None:
        """The same for an order that has ended; None when it is not ours or had ended before.

        ``is_dropped``: cancelled; by somebody else, it is not asked for again before the pause either.
        """
        sent = self._take_note(order_id)
        if sent is None or sent.is_ended:
            return None
        sent.is_ended = True
        if is_refused or (is_dropped and sent.cancel_sent_ns is None):
            self._refused_ns = time.monotonic_ns()
        return sent

    def _filled_orders(self) -> list[dict[str, Any]]:
        """Every order that traded at all, in Hummingbot's own form."""
        return [sent.tracked.order.to_json() for sent in self._sent.values() if sent.executed_base > 0]

    def _collect_held_position_orders(self) -> list[dict[str, Any]]:
        return self._filled_orders()

    def _cancel_outstanding_orders(self) -> None:
        for sent in self.open_sent:
            sent.cancel_sent_ns = None
            self._ask_cancel(sent)


class ContainedPositionExecutor(_Accountable, PositionExecutor):  # type: ignore[misc]
    """Triple barriers on whatever part of the entry has filled; its closing orders can only reduce.

    A part that fills of other executors have netted away at the venue cannot be closed any more. It ends as a position
    hold, in which Hummingbot nets the same fills.
    """

    def __init__(
        self, strategy: Any, config: PositionExecutorConfig, update_interval: float = 1.0, max_retries: int = 10
    ) -> None:
        self._begin()
        self._take_base = Decimal(0)
        self._short_since_ns: int | None = None
        super().__init__(strategy, config, LOOP_S, max_retries)

    # --- amounts ---

    @property
    def open_filled_amount(self) -> Decimal:
        return self.traded(is_closing=False)[0]

    @property
    def close_filled_amount(self) -> Decimal:
        return self.traded(is_closing=True)[0]

    @property
    def close_filled_amount_quote(self) -> Decimal:
        return self.traded(is_closing=True)[1]

    @property
    def close_position_action(self) -> PositionAction:
        """Always reduce-only: a close that comes too late must not open the other side."""
        return PositionAction.CLOSE

    @property
    def entry_price(self) -> Decimal:
        """Average of what filled; before that the price asked for, not through the touch for a post-only entry."""
        base, quote = self.traded(is_closing=False)
        if base > 0:
            return quote / base
        price = Decimal(self.config.entry_price)
        if self.config.triple_barrier_config.open_order_type is not OrderType.LIMIT_MAKER:
            return price
        is_buy = self.config.side is TradeType.BUY
        touch = self._finite_price(PriceType.BestBid if is_buy else PriceType.BestAsk)
        if touch is None:
            return price
        return min(price, touch) if is_buy else max(price, touch)

    @property
    def close_price(self) -> Decimal:
        """Price at which the whole is closed: what was closed at its own price, the rest at the market's."""
        opened = self.open_filled_amount
        closed, quote = self.traded(is_closing=True)
        market = self.current_market_price
        rest = opened - closed
        if rest <= 0 or not market.is_finite():
            return quote / closed if closed > 0 else self.entry_price
        return (quote + rest * market) / opened

    @property
    def entry_left(self) -> Decimal:
        """What of the entry may still fill, unsigned."""
        if self._open_order is None:
            return Decimal(self.config.amount) if self.status == RunnableStatus.RUNNING else Decimal(0)
        opening = [sent for sent in self.open_sent if not sent.is_closing]
        return sum((Decimal(self.config.amount) - sent.executed_base for sent in opening), Decimal(0))

    def get_custom_info(self) -> dict[str, Any]:
        """Stock, with what may still fill of the entry and what is open of the position, unsigned base units."""
        return {
            **super().get_custom_info(),
            "entry_left_base": self.entry_left,
            "position_base": self.amount_to_close,
        }

    def _finite_price(self, kind: PriceType) -> Decimal | None:
        price = Decimal(self.get_price(self.config.connector_name, self.config.trading_pair, kind))
        return price if price.is_finite() and price > 0 else None

    def _room(self) -> Decimal:
        """How much of the venue's position lies on this executor's side, unsigned: no close can reduce more."""
        connector = self.connectors[self.config.connector_name]
        position = market_view.venue_position(connector, self.config.trading_pair)
        return max(Decimal(0), position if self.config.side is TradeType.BUY else -position)

    # --- the loop ---

    async def control_task(self) -> None:
        self._advance()

    async def control_shutdown_process(self) -> None:
        self._advance()

    def _advance(self) -> None:
        """Whatever can be done now; called on each beat and at each event of an own order."""
        if self.status == RunnableStatus.RUNNING:
            self.control_open_order()
            self.control_barriers()
        elif self.status == RunnableStatus.SHUTTING_DOWN:
            self._wind_down()

    def control_open_order(self) -> None:
        """Stock, but an entry that filled in part is not asked for again, and a refused one not before its pause.

        An entry that may not rest now is taken back; the position that it has made keeps its barriers.
        """
        if not getattr(self.config, "may_rest", True):
            self.cancel_open_order()
        elif self.open_filled_amount == 0 and (self._open_order is not None or not self.is_paced):
            super().control_open_order()

    def place_open_order(self) -> None:
        super().place_open_order()
        self._note(self._open_order, is_closing=False)

    def control_barriers(self) -> None:
        """Barriers hold from the first fill that the venue would let us close."""
        rules = self.trading_rules
        touch = self._finite_price(PriceType.BestBid if self.config.side is TradeType.BUY else PriceType.BestAsk)
        is_closable = (
            self.open_filled_amount >= rules.min_order_size and self.open_filled_amount_quote >= rules.min_notional_size
        )
        if is_closable and touch is not None:
            for control in (self.control_stop_loss, self.control_trailing_stop, self.control_take_profit):
                control()
                if self.status != RunnableStatus.RUNNING:
                    return
        self.control_time_limit()

    def control_take_profit(self) -> None:
        """A resting take profit covers all that has filled; one that more fills have outgrown makes room for a new."""
        barriers = self.config.triple_barrier_config
        if not barriers.take_profit or not barriers.take_profit_order_type.is_limit_type():
            super().control_take_profit()
            return
        resting = self._take_profit_limit_order
        is_near = self._is_within_activation_bounds(
            self.take_profit_price, self.close_order_side, barriers.take_profit_order_type
        )
        if resting is not None:
            if not is_near or self.amount_to_close + resting.executed_amount_base > self._take_base:
                self.cancel_take_profit()
        elif is_near and not self.is_paced and self.amount_to_close <= self._room():
            self.place_take_profit_limit_order()

    def place_take_profit_limit_order(self) -> None:
        self._take_base = self.amount_to_close
        super().place_take_profit_limit_order()
        self._note(self._take_profit_limit_order, is_closing=True)

    def cancel_open_order(self) -> None:
        if self._open_order is not None:
            self._ask_cancel(self._sent[self._open_order.order_id])

    def cancel_take_profit(self) -> None:
        if self._take_profit_limit_order is not None:
            self._ask_cancel(self._sent[self._take_profit_limit_order.order_id])

    # --- the end ---

    def early_stop(self, keep_position: bool | None = False) -> None:
        """Cancel at once, close or keep what filled, end on the venue's word. A stop under way goes on as it is."""
        if self.status in (RunnableStatus.TERMINATED, RunnableStatus.SHUTTING_DOWN):
            return
        self._shut_down(CloseType.POSITION_HOLD if keep_position else CloseType.EARLY_STOP)

    def place_close_order_and_cancel_open_orders(self, close_type: CloseType, price: Decimal = Decimal("NaN")) -> None:
        """A barrier was met."""
        self._shut_down(close_type)

    def _shut_down(self, close_type: CloseType) -> None:
        self.close_type = close_type
        self.close_timestamp = self._strategy.current_timestamp
        self._status = RunnableStatus.SHUTTING_DOWN
        self._wind_down()

    def _wind_down(self) -> None:
        """Cancel what rests, then close what filled, then end; each step waits for the venue's word on the last."""
        for sent in self.open_sent:
            if self._close_order is None or sent.tracked is not self._close_order:
                self._ask_cancel(sent)
        if self.open_sent:
            return
        left, least = self.amount_to_close, self.trading_rules.min_order_size
        if self.close_type is CloseType.POSITION_HOLD or left < least:
            self._finish()
            return
        room = self._room()
        if room < left:
            now_ns = time.monotonic_ns()
            self._short_since_ns = self._short_since_ns if self._short_since_ns is not None else now_ns
            if now_ns - self._short_since_ns < NETTED_AFTER_NS:
                return
        if min(left, room) < least:
            self._finish()
        elif not self.is_paced:
            self._short_since_ns = None
            self._close_order = TrackedOrder(
                order_id=self.place_order(
                    connector_name=self.config.connector_name,
                    trading_pair=self.config.trading_pair,
                    order_type=OrderType.MARKET,
                    amount=min(left, room),
                    side=self.close_order_side,
                    position_action=self.close_position_action,
                )
            )
            self._note(self._close_order, is_closing=True)

    def _finish(self) -> None:
        """End; what filled and was not closed goes to the position hold with every order that had a part in it."""
        if self.amount_to_close != 0:
            self.close_type = CloseType.POSITION_HOLD
            self._held_position_orders = self._filled_orders()
        elif self.close_type is CloseType.POSITION_HOLD:
            self.close_type = CloseType.EARLY_STOP
        self.stop()

    def evaluate_max_retries(self) -> None:
        """Too many refusals end it, but what filled is held and not forgotten."""
        if self._current_retries <= self._max_retries or self.status == RunnableStatus.TERMINATED:
            return
        self._shut_down(CloseType.POSITION_HOLD if self.open_filled_amount > 0 else CloseType.FAILED)

    # --- order events; those of other executors on the same connector are not ours ---

    def process_order_created_event(self, _: int, market: Any, event: Any) -> None:
        self._take_note(event.order_id)

    def process_order_filled_event(self, _: int, market: Any, event: Any) -> None:
        if self._take_note(event.order_id) is not None:
            self._advance()

    def process_order_completed_event(self, _: int, market: Any, event: Any) -> None:
        sent = self._take_end(event.order_id)
        if sent is None:
            return
        if sent.tracked is self._take_profit_limit_order:
            self._close_order = self._take_profit_limit_order
            if self.status == RunnableStatus.RUNNING:
                self._shut_down(CloseType.TAKE_PROFIT)
        self._advance()

    def process_order_canceled_event(self, _: int, market: Any, event: Any) -> None:
        self._dropped(self._take_end(event.order_id, is_dropped=True), is_refused=False)

    def process_order_failed_event(self, _: int, market: Any, event: Any) -> None:
        self._dropped(self._take_end(event.order_id, is_refused=True), is_refused=True)

    def _dropped(self, sent: Sent | None, is_refused: bool) -> None:
        """An order ended without filling in full; what it traded stays counted."""
        if sent is None:
            return
        self._failed_orders.append(sent.tracked)
        if sent.tracked is self._take_profit_limit_order:
            self._take_profit_limit_order = None
        else:
            self._current_retries += is_refused
        if sent.tracked is self._close_order:
            self._close_order = None
        if sent.tracked is self._open_order and sent.executed_base == 0:
            self._open_order = None
        self._advance()


class ContainedOrderExecutor(_Accountable, OrderExecutor):  # type: ignore[misc]
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

    async def control_task(self) -> None:
        self._advance()

    async def control_shutdown_process(self) -> None:
        self._advance()

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

    def process_order_created_event(self, _: int, market: Any, event: Any) -> None:
        self._take_note(event.order_id)

    def process_order_filled_event(self, _: int, market: Any, event: Any) -> None:
        self._take_note(event.order_id)

    def process_order_completed_event(self, _: int, market: Any, event: Any) -> None:
        if self._take_end(event.order_id) is not None:
            self.early_stop()

    def process_order_canceled_event(self, _: int, market: Any, event: Any) -> None:
        self._dropped(self._take_end(event.order_id, is_dropped=True), is_refused=False)

    def process_order_failed_event(self, _: int, market: Any, event: Any) -> None:
        self._dropped(self._take_end(event.order_id, is_refused=True), is_refused=True)

    def _dropped(self, sent: Sent | None, is_refused: bool) -> None:
        if sent is None:
            return
        self._current_retries += is_refused
        if sent.tracked is self._order:
            self._order = None
        if self.status == RunnableStatus.SHUTTING_DOWN:
            self._wind_down()
