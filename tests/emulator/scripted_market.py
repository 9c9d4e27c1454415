"""A market whose every order is written down beforehand: the test double behind venue and emulator tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import BookChanged, Fill, MarketEvent, MarketSpec, Placement, Print
from hummingbot_extensions.sim.matching import FifoBook

BTC = MarketSpec(
    symbol="BTC-USD",
    base="BTC",
    price_decimals=2,
    size_decimals=4,
    display_grid_ticks=10,
    min_size_lots=1,
    max_size_lots=1_000_000,
    max_position_lots=10_000_000,
    max_open_orders=100,
    maker_fee=Decimal("0.0001"),
    taker_fee=Decimal("0.0004"),
    max_leverage=40,
    default_leverage=10,
    price_cap_frac=Decimal("0.3"),
    price_floor_frac=Decimal("0.3"),
)
START_NS = 1_767_664_800_000_000_000
"""2026-01-06T02:00:00Z."""
MS = 1_000_000
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Outside:
    """An order of the rest of the world at ``at_ns`` after the start; ``cancels`` names the index of one to remove."""

    at_ns: int
    side: Side
    price_ticks: int | None
    size_lots: int
    tif: TimeInForce = TimeInForce.GTC
    cancels: int | None = None


def quiet_book(
    mid_ticks: int = 10_000_000, half_spread: int = 5, levels: int = 30, lots: int = 10_000
) -> list[Outside]:
    """A symmetric book at the start: ``levels`` a side, ten ticks apart."""
    book = []
    for level in range(levels):
        book.append(Outside(0, Side.BUY, mid_ticks - half_spread - 10 * level, lots))
        book.append(Outside(0, Side.SELL, mid_ticks + half_spread + 10 * level, lots))
    return book


class ScriptedMarket:
    """Price-time priority over the script and the orders given to ``place``; the index is constant."""

    def __init__(
        self,
        script: Sequence[Outside],
        spec: MarketSpec = BTC,
        index: float | None = 100_000.0,
        start_ns: int = START_NS,
        heartbeat_ns: int | None = None,
    ) -> None:
        """``heartbeat_ns`` reports a book frame that often even when nothing changed, as a tape does."""
        self.spec = spec
        self.now_ns = start_ns
        self._start_ns = start_ns
        self._index = index
        self._heartbeat_ns = heartbeat_ns
        self._book = FifoBook()
        self._last: int | None = None
        self._ours: set[int] = set()
        self._pending: list[MarketEvent] = []
        numbered = [(start_ns + order.at_ns, -1 - number, order) for number, order in enumerate(script)]
        self._script = sorted(numbered, key=lambda entry: (entry[0], -entry[1]))
        self._done = 0
        self._run_script(start_ns)
        self._pending.clear()

    def advance(self, to_ns: int) -> list[MarketEvent]:
        beat = self._heartbeat_ns
        if beat is not None:
            at_ns = self._start_ns + ((self.now_ns - self._start_ns) // beat + 1) * beat
            while at_ns <= to_ns:
                self._run_script(at_ns)
                self._pending.append(BookChanged(at_ns))
                at_ns += beat
        self._run_script(to_ns)
        self.now_ns = to_ns
        events, self._pending = self._pending, []
        return events

    def _run_script(self, to_ns: int) -> None:
        while self._done < len(self._script) and self._script[self._done][0] <= to_ns:
            at_ns, order_id, order = self._script[self._done]
            self._done += 1
            if order.cancels is not None:
                self._book.cancel(-1 - order.cancels)
            else:
                self._match(at_ns, order_id, order.side, order.price_ticks, order.size_lots, order.tif)
            if self._heartbeat_ns is None:
                self._pending.append(BookChanged(at_ns))

    def _match(
        self, at_ns: int, order_id: int, side: Side, price_ticks: int | None, lots: int, tif: TimeInForce
    ) -> Placement:
        execution = self._book.place(order_id, side, price_ticks, lots, tif)
        fills = []
        for match in execution.matches:
            self._last = match.price_ticks
            self._pending.append(Print(at_ns, match.price_ticks, match.size_lots, side is Side.BUY))
            if match.maker_id in self._ours:
                self._pending.append(Fill(at_ns, match.maker_id, match.price_ticks, match.size_lots, True))
            fills.append(Fill(at_ns, order_id, match.price_ticks, match.size_lots, False))
        return Placement(tuple(fills), execution.resting_lots, execution.would_cross)

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Placement:
        self._ours.add(order_id)
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
