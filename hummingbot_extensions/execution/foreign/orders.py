"""What became of every order sent through a foreign connector, and which may still fill though nobody looks after it.

Hummingbot calls an order failed when a request failed, whatever that says of the order. Here an order that the venue
has not spoken about is a suspect: it counts as exposure, is cancelled, and is asked for until the venue's word is in.
Stamps are monotonic nanoseconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from hummingbot.core.data_type.common import PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import OrderState
from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import MarketEvent

from hummingbot_extensions.connector.errors import (
    ConnectorError,
    Misconfigured,
    NotFound,
    Rejected,
    RuleBroken,
    Throttled,
)
from hummingbot_extensions.connector.leftovers import LeftoverOrder
from hummingbot_extensions.core.types import OrderOutcome, Side
from hummingbot_extensions.execution.foreign import upstream
from hummingbot_extensions.execution.foreign.failures import Failure, Verdict, failure

PENDING_NS = 5_000_000_000
"""An order without a word for longer than this has an unknown outcome."""
ABSENT_NS = 10_000_000_000
"""The venue's "not found" is believed this long after an order was sent: it may have been on its way before."""
ANSWERS = 3
"""So many answers that do not show it close an order whose placing was answered, where "not found" cannot be read."""
ASK_S = 5.0
SAY_NS = 60_000_000_000
MAX_RECORDS = 5_000
PLACEHOLDER_ID = "UNKNOWN"
"""Exchange id that connectors give an order whose placing was answered by a 503."""
FINAL = frozenset({OrderState.CANCELED, OrderState.FILLED, OrderState.FAILED})


class Seen(Enum):
    """What asking the venue about one order came to."""

    OPEN = "open"
    ENDED = "ended"
    ABSENT = "absent"
    ANSWERED = "answered"
    """An error in a reply that says neither: the venue is there, and has not shown the order."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class SuspectOrder(LeftoverOrder):
    """A leftover of which nobody knows whether it rests: nothing is placed on its side."""


@dataclass(slots=True)
class _Record:
    """One order id that was heard of. ``end`` is its outcome once it has ended, on the venue's word."""

    heard_ns: int
    is_placed_here: bool = False
    is_placing: bool = False
    """The request has not ended: it may reach the venue yet."""
    is_confirmed: bool = False
    failure: Failure | None = None
    end: OrderOutcome | None = None


@dataclass(slots=True)
class _Suspect:
    order: Any
    since_ns: int
    is_answered: bool
    answers: int = 0
    is_said: bool = False


class ForeignOrders:
    """Keeps book beside Hummingbot's order tracker. Bounded; only ended orders are forgotten.

    ``on_throttled`` is called for each order that was refused for too many requests.
    """

    def __init__(self, connector: Any, on_throttled: Callable[[], None]) -> None:
        self._on_throttled = on_throttled
        self._connector = connector
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._suspects: dict[str, _Suspect] = {}
        ended = SourceInfoEventForwarder(self._on_ended)
        self._listeners = [
            (MarketEvent.OrderCancelled, ended), (MarketEvent.BuyOrderCompleted, ended),
            (MarketEvent.SellOrderCompleted, ended),
            (MarketEvent.OrderFailure, SourceInfoEventForwarder(self._on_failure)),
        ]
        """Kept here: Hummingbot holds its listeners weakly."""
        for event, listener in self._listeners:
            connector.add_listener(event, listener)
        upstream.watch_orders(connector, self)

    # --- what the quoter asks ---

    def outcome(self, client_order_id: str) -> OrderOutcome:
        """What is known of an order; UNKNOWN counts as exposure. An id never heard of is PENDING first: Hummingbot
        tracks an order a turn after it was asked for.
        """
        if client_order_id in self._suspects:
            return OrderOutcome.UNKNOWN
        record = self._record(client_order_id)
        order = upstream.active_orders(self._connector).get(client_order_id)
        if record.end is not None and order is None:
            return record.end
        if order is None or order.is_pending_create:
            is_young = time.monotonic_ns() - record.heard_ns < PENDING_NS
            return OrderOutcome.PENDING if is_young else OrderOutcome.UNKNOWN
        return OrderOutcome.UNKNOWN if self._is_unconfirmed(order, record) else OrderOutcome.ACCEPTED

    def rejection_reason(self, client_order_id: str) -> str | None:
        """Words of a failure, None when there were none."""
        record = self._records.get(client_order_id)
        return record.failure.reason if record is not None and record.failure is not None else None

    def rejection_kind(self, client_order_id: str) -> type[ConnectorError]:
        """What the breakers count a failure as. Asked within Hummingbot's event, perhaps before ours has come in."""
        record = self._records.get(client_order_id)
        if record is not None and record.failure is not None:
            return record.failure.kind
        return NotFound if upstream.is_being_lost(self._connector, client_order_id) else Rejected

    def leftovers(self, trading_pair: str) -> list[LeftoverOrder]:
        """Orders that may fill and that no level owns: suspects, and those of an earlier run that are being cancelled.
        """
        self._take_lost()
        suspects = [leftover(suspect.order, SuspectOrder) for suspect in self._suspects.values()]
        orders = [*suspects, *(leftover(order) for order in self._inherited())]
        return [order for order in orders if order.trading_pair == trading_pair and order.remaining > 0]

    def open_ids(self) -> list[str]:
        """Client ids of everything that may rest as far as is known without asking."""
        self._take_lost()
        return [*upstream.active_orders(self._connector), *self._suspects]

    # --- the venue's word, asked for ---

    async def tend(self) -> None:
        """Ask for suspects and orders without a word, and cancel what nobody owns. One after another, never raises."""
        self._take_lost()
        for suspect in list(self._suspects.values()):
            seen = await self.ask(suspect.order)
            if seen is Seen.OPEN:
                await self.cancel(suspect.order)
            self._judge(suspect, seen)
        for order in self._inherited():
            await self.cancel(order)
        for client_order_id, order in upstream.active_orders(self._connector).items():
            record = self._record(client_order_id)
            is_late = order.is_pending_create and time.monotonic_ns() - record.heard_ns >= PENDING_NS
            if is_late or self._is_unconfirmed(order, record):
                seen = await self.ask(order)
                record.is_confirmed = seen is Seen.OPEN or record.is_confirmed
                if seen is Seen.ABSENT and self._is_never_there(client_order_id, record.heard_ns):
                    self._note(client_order_id, Failure(Verdict.REFUSED, NotFound, "the venue does not know it"))
                    upstream.end_unknown(self._connector, order)

    async def ask(self, order: Any) -> Seen:
        """The venue's word on an order, within ``ASK_S``; Hummingbot is told of it, and of fills it had missed."""
        try:
            update = await asyncio.wait_for(upstream.order_update(self._connector, order), ASK_S)
            if order.exchange_order_id in (None, PLACEHOLDER_ID) and update.exchange_order_id:
                order.update_exchange_order_id(str(update.exchange_order_id))
            if update.new_state in FINAL:
                await self._read_fills(order)
        except Exception as error:
            if upstream.is_not_found(self._connector, error):
                return Seen.ABSENT
            said = failure(self._connector.name, type(error).__name__, str(error))
            is_reply = said.verdict is not Verdict.UNKNOWN and not issubclass(said.kind, (Throttled, Misconfigured))
            return Seen.ANSWERED if is_reply else Seen.SILENT
        upstream.take_order_update(self._connector, update)
        return Seen.ENDED if update.new_state in FINAL else Seen.OPEN

    async def cancel(self, order: Any) -> None:
        """Ask the venue to cancel; what goes wrong shows when it is asked again."""
        try:
            await asyncio.wait_for(upstream.cancel(self._connector, order), ASK_S)
        except Exception as error:
            logging.getLogger(__name__).debug("cancel not answered id=%s cause=%r", order.client_order_id, error)

    async def read_fills(self, trading_pair: str) -> None:
        """Have Hummingbot take every fill that the venue lists for orders it still knows. Raises what the connector
        raises.
        """
        for order in upstream.fillable_orders(self._connector).values():
            # Without an exchange id Hummingbot waits for one; such an order has not been shown by the venue.
            if order.trading_pair == trading_pair and order.exchange_order_id not in (None, PLACEHOLDER_ID):
                await self._read_fills(order)

    async def words(self, client_order_ids: tuple[str, ...]) -> dict[str, tuple[Any | None, Seen]]:
        """The venue's word on every order that may rest, by id; ABSENT without asking for an id that nobody tracks."""
        self._take_lost()
        orders = upstream.active_orders(self._connector)
        orders |= {key: suspect.order for key, suspect in self._suspects.items()}
        seen = await asyncio.gather(*(self.ask(order) for order in orders.values()))
        words: dict[str, tuple[Any | None, Seen]] = {
            key: (order, Seen.SILENT if one is Seen.ABSENT and self._record(key).is_placing else one)
            for (key, order), one in zip(orders.items(), seen, strict=True)}
        for key, (_order, one) in words.items():
            if key in self._suspects:
                self._judge(self._suspects[key], one)
        unheard = [key for key in client_order_ids if key not in words and self._record(key).end is None]
        return words | dict.fromkeys(unheard, (None, Seen.ABSENT))

    async def _read_fills(self, order: Any) -> None:
        if order.exchange_order_id in (None, PLACEHOLDER_ID):
            return
        for update in await asyncio.wait_for(upstream.trade_updates(self._connector, order), ASK_S):
            upstream.take_trade_update(self._connector, update)

    # --- suspects ---

    def _take_lost(self) -> None:
        """Orders that Hummingbot gave up on are suspects, also those that it restored as such."""
        for client_order_id, order in upstream.lost_orders(self._connector).items():
            if client_order_id not in self._suspects and self._record(client_order_id).end is None:
                self._suspect(order, is_answered=False)

    def _suspect(self, order: Any, is_answered: bool) -> None:
        self._suspects[order.client_order_id] = _Suspect(order, time.monotonic_ns(), is_answered)
        logging.getLogger(__name__).warning(
            "order outcome unknown id=%s side=%s price=%s size=%s: counted as resting until the venue has spoken",
            order.client_order_id, order.trade_type.name, order.price, _left(order))

    def _judge(self, suspect: _Suspect, seen: Seen) -> None:
        """Let a suspect go on the venue's word, keep it otherwise."""
        age_ns = time.monotonic_ns() - suspect.since_ns
        suspect.answers += seen is Seen.ANSWERED
        is_unseen = seen is Seen.ABSENT or (suspect.is_answered and suspect.answers >= ANSWERS)
        is_never_there = is_unseen and self._is_never_there(suspect.order.client_order_id, suspect.since_ns)
        if seen is Seen.ENDED or is_never_there:
            self._settle(suspect.order.client_order_id, OrderOutcome.REJECTED if is_never_there
                         else OrderOutcome.ACCEPTED)
            return
        upstream.hold(self._connector, suspect.order)
        if age_ns >= SAY_NS and not suspect.is_said:
            suspect.is_said = True
            logging.getLogger(__name__).error(
                "order outcome still unknown id=%s after %d s: nothing is placed on its side. Look at the venue and "
                "cancel it there", suspect.order.client_order_id, age_ns // 1_000_000_000)

    def _is_never_there(self, client_order_id: str, since_ns: int) -> bool:
        """Whether the venue's not knowing an order may be believed: nothing is on its way any more."""
        return not self._record(client_order_id).is_placing and time.monotonic_ns() - since_ns >= ABSENT_NS

    def _settle(self, client_order_id: str, end: OrderOutcome) -> None:
        self._suspects.pop(client_order_id, None)
        self._record(client_order_id).end = end
        upstream.let_go(self._connector, client_order_id)
        logging.getLogger(__name__).info("order outcome known id=%s: %s", client_order_id, end.value)

    def _inherited(self) -> list[Any]:
        """Open orders that this process did not place: Hummingbot restores those of a run that was killed."""
        return [order for key, order in upstream.active_orders(self._connector).items()
                if not self._record(key).is_placed_here]

    def _is_unconfirmed(self, order: Any, record: _Record) -> bool:
        return order.exchange_order_id == PLACEHOLDER_ID and not record.is_confirmed

    # --- news ---

    def on_placing(self, client_order_id: str) -> None:
        """A placement begins."""
        self._record(client_order_id).is_placing = True

    def on_tracked(self, client_order_id: str) -> None:
        """Hummingbot begins to track an order."""
        self._record(client_order_id).is_placed_here = True

    def on_placed(self, client_order_id: str, error: Exception | None) -> None:
        """A placement has ended. One that broke off before Hummingbot tracked the order was never sent."""
        record = self._record(client_order_id)
        record.is_placing = False
        if error is not None and not record.is_placed_here:
            self._note(client_order_id, Failure(Verdict.REFUSED, RuleBroken, f"never sent: {error!r}"))
            upstream.fail_unsent(self._connector, client_order_id, error)

    def on_failed(self, client_order_id: str, error: Exception | None) -> None:
        """An order failed, of which Hummingbot's event will tell. Said before, so that the event's readers know why."""
        if error is None:
            self._note(client_order_id, Failure(Verdict.ANSWERED, Rejected, "failed, the connector does not say why"))
        else:
            self._note(client_order_id, failure(self._connector.name, type(error).__name__, str(error)))

    def _note(self, client_order_id: str, said: Failure) -> None:
        record = self._record(client_order_id)
        if record.failure is None:
            record.failure = said
            if issubclass(said.kind, Throttled):
                self._on_throttled()

    def _on_failure(self, _tag: int, _caller: Any, event: Any) -> None:
        key = event.order_id
        if key in self._suspects:
            return
        if self._record(key).failure is None and upstream.is_being_lost(self._connector, key):
            self._note(key, Failure(Verdict.UNKNOWN, NotFound, "Hummingbot has lost sight of it"))
        self._note(key, failure(self._connector.name, event.error_type, event.error_message))
        record, order = self._record(key), upstream.fetch_order(self._connector, key)
        said = record.failure
        if record.end is not None:
            return
        if said is None or said.verdict is Verdict.REFUSED or order is None:
            record.end = OrderOutcome.REJECTED
            return
        self._suspect(order, said.verdict is Verdict.ANSWERED)
        # Hummingbot files the order as ended once this event has been told.
        asyncio.get_running_loop().call_soon(self._hold, key)

    def _hold(self, client_order_id: str) -> None:
        if client_order_id in self._suspects:
            upstream.hold(self._connector, self._suspects[client_order_id].order)

    def _on_ended(self, _tag: int, _caller: Any, event: Any) -> None:
        if event.order_id in self._suspects:
            self._settle(event.order_id, OrderOutcome.ACCEPTED)
        else:
            self._record(event.order_id).end = OrderOutcome.ACCEPTED

    def _record(self, client_order_id: str) -> _Record:
        found = self._records.get(client_order_id)
        if found is None:
            found = self._records[client_order_id] = _Record(time.monotonic_ns())
            self._forget_ended()
        return found

    def _forget_ended(self) -> None:
        while len(self._records) > MAX_RECORDS:
            ended = next((key for key, record in self._records.items() if record.end is not None), None)
            if ended is None:
                return
            del self._records[ended]


def _left(order: Any) -> Decimal:
    return Decimal(order.amount) - Decimal(order.executed_amount_base)


def leftover(order: Any, kind: type[LeftoverOrder] = LeftoverOrder) -> LeftoverOrder:
    """An order of Hummingbot's as one that may still fill."""
    price = Decimal(order.price) if order.price is not None else None
    return kind(
        order.client_order_id, order.trading_pair, Side.BUY if order.trade_type is TradeType.BUY else Side.SELL,
        price if price is not None and price.is_finite() else None, _left(order),
        order.position is PositionAction.CLOSE)

