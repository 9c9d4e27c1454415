"""A market that a test drives while it runs: price-time priority, and orders of others given at any moment."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import BookChanged, MarketEvent
from tests.support.fifo_market import BTC, START_NS, FifoMarket

MID_TICKS = 10_000_000


class DrivenMarket(FifoMarket):
    """Starts with ``levels`` a side around 100,000.00; ``outside`` adds an order of somebody else at the next
    instant.
    """

    def __init__(self, levels: int = 30, lots: int = 10_000, half_spread_ticks: int = 5, **spec: object) -> None:
        super().__init__(replace(BTC, **spec), START_NS, MID_TICKS / 100)  # type: ignore[arg-type]
        self._orders: deque[tuple[int, Side, int | None, int, TimeInForce]] = deque()
        self._cancels: deque[int] = deque()
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
            self._pending.append(BookChanged(to_ns))
        while self._orders:
            self._match(to_ns, *self._orders.popleft())
            self._pending.append(BookChanged(to_ns))
        return self._taken()
