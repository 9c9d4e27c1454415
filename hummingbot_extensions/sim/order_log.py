"""What a venue remembers for scoring: resting intervals, mark changes, and when its feed was alive. All append-only."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

MAX_GAP_NS = 2_000_000_000
"""A feed frame older than this makes time unknown."""


@dataclass(slots=True)
class RestingRow:
    """One order over the time it rested with one size; ``end_ns`` is None while it still does."""

    order_id: int
    symbol: str
    is_bid: bool
    price_ticks: int
    size_lots: int
    start_ns: int
    end_ns: int | None = None


@dataclass(slots=True)
class OrderLog:
    """Every resting interval of one account's own orders, a new row at each change of size."""

    rows: list[RestingRow] = field(default_factory=list)
    placed: int = 0
    cancel_times_ns: list[int] = field(default_factory=list)
    """Times at which an order of ours was removed on our own request."""
    _open: dict[int, RestingRow] = field(default_factory=dict)

    def rested(self, order_id: int, symbol: str, is_bid: bool, price_ticks: int, size_lots: int, now_ns: int) -> None:
        """Begin an interval, closing the order's former one: also used for a change of size."""
        self.left(order_id, now_ns)
        row = RestingRow(order_id, symbol, is_bid, price_ticks, size_lots, now_ns)
        self._open[order_id] = row
        self.rows.append(row)

    def reopen(self) -> None:
        """Find the intervals that still run among the rows, after these were put back from a saved state."""
        self._open = {row.order_id: row for row in self.rows if row.end_ns is None}

    def left(self, order_id: int, now_ns: int) -> None:
        """Close the order's interval, if it has one."""
        row = self._open.pop(order_id, None)
        if row is not None:
            row.end_ns = now_ns

    def cancels(self, start_ns: int, end_ns: int) -> int:
        """Own cancels in [start, end)."""
        return bisect_left(self.cancel_times_ns, end_ns) - bisect_left(self.cancel_times_ns, start_ns)


@dataclass(slots=True)
class MarkLog:
    """Mark prices as change points, in ticks."""

    times_ns: list[int] = field(default_factory=list)
    ticks: list[int] = field(default_factory=list)

    def add(self, at_ns: int, mark_ticks: int) -> bool:
        """Note a mark; False when it is no change. A second mark at the same instant replaces the first."""
        if self.ticks and self.ticks[-1] == mark_ticks:
            return False
        if self.times_ns and at_ns <= self.times_ns[-1]:
            self.ticks[-1] = mark_ticks
            return True
        self.times_ns.append(at_ns)
        self.ticks.append(mark_ticks)
        return True

    def between(self, start_ns: int, end_ns: int, price_unit: float) -> list[tuple[int, float]]:
        """(time, price) steps that matter in [start, end), beginning with the one that stood at ``start_ns``."""
        first = max(0, bisect_right(self.times_ns, start_ns) - 1)
        last = bisect_left(self.times_ns, end_ns)
        return [(self.times_ns[i], self.ticks[i] * price_unit) for i in range(first, last)]


@dataclass(slots=True)
class AliveLog:
    """Feed frames folded into runs without a gap above two seconds: what ``core.uptime.alive_spans`` makes of them."""

    runs: list[list[int]] = field(default_factory=list)
    """[first frame, last frame] of each run, ascending."""

    def frame(self, at_ns: int) -> None:
        if self.runs and at_ns - self.runs[-1][1] <= MAX_GAP_NS:
            self.runs[-1][1] = max(at_ns, self.runs[-1][1])
        else:
            self.runs.append([at_ns, at_ns])

    def spans(self, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
        """Spans of [start, end) in which the last frame is at most two seconds old."""
        found: list[tuple[int, int]] = []
        for position, (first, last) in enumerate(self.runs):
            if position == len(self.runs) - 1 and end_ns - last <= MAX_GAP_NS:
                last = max(last, end_ns)
            low, high = max(first, start_ns), min(last, end_ns)
            if high > low:
                found.append((low, high))
        return found
