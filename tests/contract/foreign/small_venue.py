"""A venue just large enough for one market: orders rest until a test fills them, and every change is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

TICK, STEP = Decimal("0.01"), Decimal("0.001")


class Refused(Exception):
    """The venue's word that an order was not taken."""


@dataclass
class VenueOrder:
    """One order as the venue has it."""

    client_id: str
    order_id: int
    side: str
    price: Decimal
    size: Decimal
    is_reduce_only: bool
    is_post_only: bool = True
    filled: Decimal = Decimal(0)
    state: str = "NEW"

    @property
    def is_open(self) -> bool:
        return self.state in ("NEW", "PARTIALLY_FILLED")


@dataclass(frozen=True)
class VenueTrade:
    """One fill; the fee is in the quote token, positive paid."""

    trade_id: int
    order: VenueOrder
    price: Decimal
    size: Decimal
    fee: Decimal
    at_s: float


class SmallVenue:
    """One account on one market. ``tell`` is called with every order that changed, and its trade if there was one."""

    def __init__(self, bid: str = "2999.90", ask: str = "3000.10") -> None:
        self.bid, self.ask = Decimal(bid), Decimal(ask)
        self.mark = (self.bid + self.ask) / 2
        self.position = Decimal(0)
        self.balance = Decimal(100_000)
        self.orders: dict[str, VenueOrder] = {}
        self.trades: list[VenueTrade] = []
        self.tell: Callable[[VenueOrder, VenueTrade | None], None] = lambda order, trade: None

    @property
    def resting(self) -> list[VenueOrder]:
        return [order for order in self.orders.values() if order.is_open]

    def move(self, by: str) -> None:
        """Move book and mark."""
        self.bid, self.ask, self.mark = (price + Decimal(by) for price in (self.bid, self.ask, self.mark))

    def place(
        self, client_id: str, side: str, price: Decimal, size: Decimal, is_post_only: bool, is_reduce_only: bool
    ) -> VenueOrder:
        crosses = price >= self.ask if side == "BUY" else price <= self.bid
        if client_id in self.orders:
            raise Refused("duplicate client id")
        if is_post_only and crosses:
            raise Refused("post only")
        if price % TICK or size % STEP:
            raise Refused("off the lattice")
        order = VenueOrder(
            client_id, 1000 + len(self.orders), side, price, size, is_reduce_only, is_post_only)
        self.orders[client_id] = order
        self.tell(order, None)
        return order

    def cancel(self, client_id: str) -> VenueOrder:
        order = self.orders.get(client_id)
        if order is None or not order.is_open:
            raise Refused("unknown order")
        order.state = "CANCELED"
        self.tell(order, None)
        return order

    def fill(self, side: str, size: str, at_s: float) -> VenueTrade:
        """Somebody trades ``size`` of our one order on ``side``."""
        order = next(order for order in self.resting if order.side == side)
        amount = min(Decimal(size), order.size - order.filled)
        order.filled += amount
        order.state = "FILLED" if order.filled == order.size else "PARTIALLY_FILLED"
        self.position += amount if side == "BUY" else -amount
        trade = VenueTrade(
            len(self.trades) + 1, order, order.price, amount, order.price * amount * Decimal("0.0002"), at_s)
        self.trades.append(trade)
        self.tell(order, trade)
        return trade
