"""Three-valued outcomes of the orders we sent: known to the venue, refused on its word, or unknown.

Hummingbot's own order states have no "unknown"; this book stands beside its tracker. Nothing here reads a clock.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Container
from dataclasses import dataclass, field

from hummingbot_extensions.core.types import OrderOutcome


@dataclass(slots=True)
class OrderRecord:
    """What we know about one order. ``*_mono_ns`` are ``time.monotonic_ns()``; None means it has not happened."""

    client_order_id: str
    outcome: OrderOutcome = OrderOutcome.PENDING
    reason: str | None = None
    refused_as: type[Exception] | None = None
    """Kind of the refusal, where ``reason`` has its words."""
    sent_mono_ns: int | None = None
    wire_mono_ns: int | None = None
    cancel_wire_mono_ns: int | None = None
    """When the first cancel was handed to the socket."""
    is_taker: bool | None = None
    """Whether the order would take liquidity as far as known when it was sent."""
    is_placing: bool = False
    """It is on its way to the venue, or waits for its turn to be sent."""
    is_cancel_wanted: bool = False
    is_seen: bool = False
    """The account itself has shown the order (order frame, query, list or fill). A mere success frame has not."""
    restored_mono_ns: int | None = None
    """When the order of an earlier run was taken back from Hummingbot's store."""
    created_ts_ns: int | None = None
    """The venue's own stamp of the order's birth."""
    known: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the venue's word on the order is in, either way."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_terminal(self) -> bool:
        """A final state was handed to Hummingbot; later non-final news must not undo it."""
        return self.ended.is_set()

    @is_terminal.setter
    def is_terminal(self, is_terminal: bool) -> None:
        if is_terminal:
            self.ended.set()
        else:
            self.ended.clear()


class OutcomeBook:
    """Records by client order id, bounded: the oldest settled ones are forgotten first, unsettled ones never."""

    def __init__(self, max_records: int = 5000) -> None:
        self._records: OrderedDict[str, OrderRecord] = OrderedDict()
        self._max_records = max_records

    def record(self, client_order_id: str) -> OrderRecord:
        """The record of an order, created PENDING when it is new."""
        found = self._records.get(client_order_id)
        if found is None:
            found = self._records[client_order_id] = OrderRecord(client_order_id)
            self._forget_settled()
        return found

    def get(self, client_order_id: str) -> OrderRecord | None:
        """The record of an order, None when we never heard of it or forgot it."""
        return self._records.get(client_order_id)

    def outcome(self, client_order_id: str) -> OrderOutcome:
        """What is known; UNKNOWN for an id without a record, because such an order may rest at the venue."""
        found = self._records.get(client_order_id)
        return OrderOutcome.UNKNOWN if found is None else found.outcome

    @property
    def has_unknown(self) -> bool:
        """True while any order may rest at the venue without us knowing."""
        return any(record.outcome is OrderOutcome.UNKNOWN for record in self._records.values())

    def mark_accepted(self, client_order_id: str) -> None:
        """A success frame says that the venue took the order; the account has not shown it yet. Ignored after a
        refusal: of two words that contradict each other only the account's own decides.
        """
        record = self.record(client_order_id)
        if record.outcome is not OrderOutcome.REJECTED:
            record.outcome = OrderOutcome.ACCEPTED
        record.known.set()

    def mark_seen(self, client_order_id: str) -> None:
        """The account shows the order. Overrides a refusal: its own word is the better witness."""
        record = self.record(client_order_id)
        record.outcome = OrderOutcome.ACCEPTED
        record.is_seen = True
        record.known.set()

    def mark_rejected(self, client_order_id: str, reason: str) -> None:
        """The venue (or our own rules, before sending) refused the order; ignored once the account has shown it."""
        record = self.record(client_order_id)
        if not record.is_seen:
            record.outcome = OrderOutcome.REJECTED
            record.reason = reason
        record.known.set()

    def mark_unknown(self, client_order_id: str, cause: str) -> bool:
        """No word in time; ignored when the word has come meanwhile. True when this is news."""
        record = self.record(client_order_id)
        if record.outcome is not OrderOutcome.PENDING:
            return False
        record.outcome = OrderOutcome.UNKNOWN
        record.reason = cause
        return True

    def settle_absent(self, present: Container[str], sent_before_mono_ns: int) -> None:
        """Close the records of orders sent before that moment which Hummingbot has dropped for good (lost orders): what
        is not ``present`` is looked for by nobody, and one that still rests would be found as a leftover.
        """
        for client_order_id, record in self._records.items():
            if record.is_terminal or client_order_id in present:
                continue
            if record.sent_mono_ns is not None and record.sent_mono_ns < sent_before_mono_ns:
                if not record.is_seen:
                    record.outcome = OrderOutcome.REJECTED
                    record.reason = record.reason or "lost"
                record.is_terminal = True

    def _forget_settled(self) -> None:
        while len(self._records) > self._max_records:
            settled = next((key for key, record in self._records.items() if record.is_terminal), None)
            if settled is None:
                return
            del self._records[settled]
