"""Price-time priority for the markets of tests: orders of others have negative ids, and ours trade with them."""

from __future__ import annotations

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
"""2026-01-06T02:00:00Z."""


class FifoMarket:
    """A market whose time and outside orders a subclass brings; ``_index`` is constant unless it moves it."""

    def __init__(self, spec: MarketSpec, start_ns: int, index: float | None) -> None:
        self.spec = spec
        self.now_ns = start_ns
        self._index = index
        self._book = FifoBook()
        self._last: int | None = None
        self._pending: list[MarketEvent] = []

    def _taken(self) -> list[MarketEvent]:
        events, self._pending = self._pending, []
        return events

    def _match(
        self, at_ns: int, order_id: int, side: Side, price_ticks: int | None, lots: int, tif: TimeInForce
    ) -> Placement:
        execution = self._book.place(order_id, side, price_ticks, lots, tif)
        fills = []
        for match in execution.matches:
            self._last = match.price_ticks
            self._pending.append(Print(at_ns, match.price_ticks, match.size_lots, side is Side.BUY))
            if match.maker_id >= 0:
                self._pending.append(Fill(at_ns, match.maker_id, match.price_ticks, match.size_lots, True))
            fills.append(Fill(at_ns, order_id, match.price_ticks, match.size_lots, False))
        return Placement(tuple(fills), execution.resting_lots, execution.would_cross)

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Placement:
        placement = self._match(self.now_ns, order_id, side, price_ticks, size_lots, tif)
        if not placement.would_cross:
            self._pending.append(BookChanged(self.now_ns))
        return placement

    def cancel(self, order_id: int) -> int | None:
        left = self._book.cancel(order_id)
        if left is not None:
            self._pending.append(BookChanged(self.now_ns))
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
