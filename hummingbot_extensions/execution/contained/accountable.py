"""What our executors on top of Hummingbot's share: every order known by its id from the moment it is sent.

It counts until the venue has ended it; what filled is never forgotten, whatever became of the order afterwards. A stop
acts at once and goes on with each event instead of sleeping. Which fault of the stock classes each of them takes away,
tests/unit/execution/test_contained_executors.py shows on the stock class first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hummingbot.strategy_v2.models.executors import TrackedOrder

LOOP_S = 0.1
"""Beat of the executors' own loops, on which barriers are looked at; orders and stops go on with each event."""
CANCEL_RETRY_NS = 2_000_000_000
REFUSED_PAUSE_NS = 1_000_000_000
"""Least time between an order that was refused and the next one."""


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


class Accountable:
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

    # --- the loop and order events; those of other executors on the same connector are not ours ---

    def _advance(self) -> None:
        """Whatever can be done now; called on each beat, and at events of own orders that change what can be."""
        raise NotImplementedError

    def _dropped(self, sent: Sent, is_refused: bool) -> None:
        """An order ended without filling in full; what it traded stays counted."""
        raise NotImplementedError

    async def control_task(self) -> None:
        self._advance()

    async def control_shutdown_process(self) -> None:
        self._advance()

    def process_order_created_event(self, _: int, market: Any, event: Any) -> None:
        self._take_note(event.order_id)

    def process_order_canceled_event(self, _: int, market: Any, event: Any) -> None:
        sent = self._take_end(event.order_id, is_dropped=True)
        if sent is not None:
            self._dropped(sent, is_refused=False)

    def process_order_failed_event(self, _: int, market: Any, event: Any) -> None:
        sent = self._take_end(event.order_id, is_refused=True)
        if sent is not None:
            self._dropped(sent, is_refused=True)
