"""A market that a test drives while it runs: price-time priority, and orders of others given at any moment."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from decimal import Decimal

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import BookChanged, Fill, MarketEvent, MarketSpec, Placement, Print
from hummingbot_extensions.sim.matching import FifoBook

BTC = MarketSpec(
    symbol="BTC-USD", base="BTC", price_decimals=2, size_decimals=4, display_grid_ticks=10, min_size_lots=1,
    max_size_lots=1_000_000, max_position_lots=10_000_000, max_open_orders=100, maker_fee=Decimal("0.0001"),
    taker_fee=Decimal("0.0004"), max_leverage=40, default_leverage=10, price_cap_frac=Decimal("0.3"),
    price_floor_frac=Decimal("0.3"),
)  # fmt: skip
START_NS = 1_767_664_800_000_000_000
MID_TICKS = 10_000_000


class DrivenMarket:
    """Starts with ``levels`` a side around 100,000.00; ``outside`` adds an order of somebody else at the next
    instant.
    """

    def __init__(self, levels: int = 30, lots: int = 10_000, half_spread_ticks: int = 5, **spec: object) -> None:
        self.spec = replace(BTC, **spec)  # type: ignore[arg-type]
        self.now_ns = START_NS
        self._index = float(MID_TICKS) / 100
        self._book = FifoBook()
        self._ours: set[int] = set()
        self._orders: deque[tuple[int, Side, int | None, int, TimeInForce]] = deque()
        self._cancels: deque[int] = deque()
        self._events: list[MarketEvent] = []
        self._last: int | None = None
        self._next_id = -1
        for level in range(levels):
            for side in Side:
                price = MID_TICKS - side.sign * (half_spread_ticks + 10 * level)
                self._book.place(self._take_id(), side, price, lots, TimeInForce.GTC)

    def outside(self, side: Side, price_ticks: int | None, lots: int, tif: TimeInForce = TimeInForce.GTC) -> int:
        """Somebody else's order at the next instant; its id for ``outside_cancel``."""
        order_id = self._take_id()
        self._orders.append((order_id, side, price_ticks, lots, tif))
        return order_id

    def outside_cancel(self, order_id: int) -> None:
        """Somebody else's cancel at the next instant."""
        self._cancels.append(order_id)

    def _take_id(self) -> int:
        self._next_id -= 1
        return self._next_id

    def advance(self, to_ns: int) -> list[MarketEvent]:
        self.now_ns = to_ns
        while self._cancels:
            self._book.cancel(self._cancels.popleft())
            self._events.append(BookChanged(to_ns))
        while self._orders:
            self._match(*self._orders.popleft())
            self._events.append(BookChanged(to_ns))
        events, self._events = self._events, []
        return events

    def _match(self, order_id: int, side: Side, price_ticks: int | None, lots: int, tif: TimeInForce) -> Placement:
        execution = self._book.place(order_id, side, price_ticks, lots, tif)
        fills = []
        for match in execution.matches:
            self._last = match.price_ticks
            self._events.append(Print(self.now_ns, match.price_ticks, match.size_lots, side is Side.BUY))
            if match.maker_id in self._ours:
                self._events.append(Fill(self.now_ns, match.maker_id, match.price_ticks, match.size_lots, True))
            fills.append(Fill(self.now_ns, order_id, match.price_ticks, match.size_lots, False))
        return Placement(tuple(fills), execution.resting_lots, execution.would_cross)

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Placement:
        self._ours.add(order_id)
        placement = self._match(order_id, side, price_ticks, size_lots, tif)
        if not placement.would_cross:
            self._events.append(BookChanged(self.now_ns))
        return placement

    def cancel(self, order_id: int) -> int | None:
        left = self._book.cancel(order_id)
        if left is not None:
            self._events.append(BookChanged(self.now_ns))
        return left

    def book(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return self._book.levels(Side.BUY, depth), self._book.levels(Side.SELL, depth)

    def touch(self) -> tuple[int | None, int | None]:
        return self._book.best_ticks(Side.BUY), self._book.best_ticks(Side.SELL)

    def last_ticks(self) -> int | None:
        return self._last

    def index(self) -> float | None:
        return self._index

    @property
    def is_over(self) -> bool:
        return False
