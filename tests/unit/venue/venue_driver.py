"""Short ways to drive a venue over a scripted market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from scripted_market import Outside, ScriptedMarket, quiet_book

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.account import Account
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.venue import DEFAULT_PARAMS, Venue, VenueParams
from hummingbot_extensions.sim.venue_values import (
    Accepted,
    CancelOrders,
    NewOrder,
    OrderKind,
    OrderStatus,
    OrderUpdate,
    Refusal,
    Terminal,
    VenueEvent,
)
from tests.support.fifo_market import START_NS

USER = "bsc_0xabc"


class Driver:
    """One venue, one account, time in seconds after the start."""

    def __init__(
        self,
        script: Sequence[Outside] = (),
        balance: str = "10000",
        book: Sequence[Outside] | None = None,
        params: VenueParams = DEFAULT_PARAMS,
        mark_rules: Mapping[str, MarkRule] | None = None,
        **market: Any,
    ) -> None:
        self.source = self.make_source([*(quiet_book() if book is None else book), *script], **market)
        self.venue = Venue({"BTC-USD": self.source}, params, mark_rules)
        self.account: Account = self.venue.open_account(USER, Decimal(balance))
        self.events: list[VenueEvent] = []

    @staticmethod
    def make_source(script: Sequence[Outside], **market: Any) -> ScriptedMarket:
        return ScriptedMarket(script, **market)

    def to(self, seconds: float) -> list[VenueEvent]:
        """Advance to ``seconds`` after the start; the new events."""
        events = self.venue.advance(START_NS + round(seconds * 1e9))
        self.venue.invariants()
        self.events += events
        return events

    def submit(self, side: str, size: str, price: str | None, tif: str = "alo", **more: Any) -> Accepted | Refusal:
        kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
        limit = None if price is None else Decimal(price)
        fields: dict[str, Any] = {"reduce_only": False} | more
        order = NewOrder("BTC-USD", Side(side), kind, Decimal(size), limit, TimeInForce(tif), **fields)
        return self.venue.submit(USER, order, 0, "tag")

    def place(self, side: str, size: str, price: str | None, tif: str = "alo", **more: Any) -> int:
        """Submit and execute now; the order id."""
        result = self.submit(side, size, price, tif, **more)
        assert isinstance(result, Accepted), result
        self.events += self.venue.advance(self.venue.now_ns)
        return result.order_id

    def cancel(self, order_id: int) -> Terminal:
        self.venue.cancel(USER, CancelOrders((order_id,)), 0, "tag")
        events = self.venue.advance(self.venue.now_ns)
        self.events += events
        return next(event for event in events if isinstance(event, Terminal))

    def status(self, order_id: int) -> OrderStatus:
        return self.account.orders[order_id].status

    @property
    def position(self) -> Decimal:
        return self.venue.position(USER, "BTC-USD").size

    def updates(self, order_id: int) -> list[OrderUpdate]:
        return [event for event in self.events if isinstance(event, OrderUpdate) and event.order.id == order_id]
