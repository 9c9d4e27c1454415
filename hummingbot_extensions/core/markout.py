"""What a fill was worth a while later: its price against the mark 1, 5, 30 and 300 s after it.

Fed with marks as they come; bounded in memory. All times are Unix nanoseconds of the venue. A hole in the feed is not a
mark that stood still: what cannot be known is None, never 0.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from math import fsum

from hummingbot_extensions.core.types import BookState, PriceState, Side

HORIZONS_S = (1, 5, 30, 300)
MAX_GAP_NS = 2_000_000_000
"""A longer gap between two marks is a hole in the feed."""
MAX_MARKS = 4_096
MAX_PENDING = 8_192
ROLLING_FILLS = 200
STALE_MARK_NS = 15_000_000_000
_REFERENCE_STEP = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class Markout:
    """What one fill had gained after ``horizon_s``, bps of its price, positive in our favour; before fees.

    ``mark`` and ``bps`` are None when nobody knows where the mark stood.
    """

    trade_id: str
    side: Side
    horizon_s: int
    mark: Decimal | None
    bps: float | None


@dataclass(frozen=True, slots=True)
class MeanMarkout:
    """Mean over the last fills at one horizon, each counting once; None while none of them is known."""

    horizon_s: int
    mean_bps: float | None
    fills: int
    """Fills that the mean is taken over."""
    unknown: int
    """Fills among the last that are left out because the feed had a hole."""


def markout_bps(side: Side, price: Decimal, mark: Decimal) -> float:
    """Gain of a fill at ``price`` when the mark is ``mark``, bps of the price, positive in our favour.

    >>> markout_bps(Side.BUY, Decimal(100), Decimal("100.05")), markout_bps(Side.SELL, Decimal(100), Decimal("100.05"))
    (5.0, -5.0)
    """
    return float((mark - price) / price * 10_000) * side.sign


class MarkSeries:
    """The marks of the last minutes. Stamps that do not rise are ignored: a frame that was overtaken tells nothing."""

    def __init__(self, max_gap_ns: int = MAX_GAP_NS, max_marks: int = MAX_MARKS) -> None:
        self._max_gap_ns = max_gap_ns
        self._max_marks = max_marks
        self._times_ns: list[int] = []
        self._marks: list[Decimal] = []

    def note(self, ts_ns: int, mark: Decimal) -> bool:
        """Take in a mark; False when it is not newer than the last."""
        if self._times_ns and ts_ns <= self._times_ns[-1]:
            return False
        self._times_ns.append(ts_ns)
        self._marks.append(mark)
        if len(self._times_ns) > 2 * self._max_marks:
            del self._times_ns[: -self._max_marks]
            del self._marks[: -self._max_marks]
        return True

    def __len__(self) -> int:
        return len(self._times_ns)

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the last mark, None before the first."""
        return self._times_ns[-1] if self._times_ns else None

    def at(self, ts_ns: int) -> Decimal | None:
        """The mark in force at an instant; None in a hole, before the first mark, and too long after the last."""
        place = bisect_right(self._times_ns, ts_ns)
        if place == 0:
            return None
        until_ns = self._times_ns[place] if place < len(self._times_ns) else ts_ns
        is_hole = until_ns - self._times_ns[place - 1] > self._max_gap_ns
        return None if is_hole else self._marks[place - 1]


@dataclass(frozen=True, slots=True)
class _Due:
    trade_id: str
    side: Side
    price: Decimal
    ts_ns: int
    horizon_s: int


class Markouts:
    """Markouts of the fills of one market, with their rolling means."""

    def __init__(self, max_gap_ns: int = MAX_GAP_NS, max_pending: int = MAX_PENDING) -> None:
        self._series = MarkSeries(max_gap_ns)
        self._max_pending = max_pending
        self._pending: list[tuple[int, int, _Due]] = []
        self._count = 0
        self._known: dict[int, deque[float | None]] = {
            horizon_s: deque(maxlen=ROLLING_FILLS) for horizon_s in HORIZONS_S}

    def mark(self, ts_ns: int, mark: Decimal) -> list[Markout]:
        """Take in a mark; the markouts that can be told since, in the order in which they came due."""
        return self._told(ts_ns) if self._series.note(ts_ns, mark) else []

    def fill(self, trade_id: str, side: Side, price: Decimal, ts_ns: int) -> list[Markout]:
        """Take in a fill, once for each trade id; the markouts of it that can be told already, when it comes late."""
        for horizon_s in HORIZONS_S:
            self._count += 1
            due = _Due(trade_id, side, price, ts_ns, horizon_s)
            heapq.heappush(self._pending, (ts_ns + horizon_s * 1_000_000_000, self._count, due))
        newest_ns = self._series.newest_ns
        told = [] if newest_ns is None else self._told(newest_ns)
        while len(self._pending) > self._max_pending:
            told.append(self._settled(heapq.heappop(self._pending)[2], None))
        return told

    def mark_at(self, ts_ns: int) -> Decimal | None:
        """The mark in force at an instant, None when it is not known."""
        return self._series.at(ts_ns)

    def given_up(self) -> list[Markout]:
        """What is still to come and never will, all unknown: the feed is being left."""
        told = [self._settled(due, None) for _, _, due in sorted(self._pending, key=lambda entry: entry[:2])]
        self._pending = []
        return told

    @property
    def pending(self) -> int:
        """Markouts that are still to come."""
        return len(self._pending)

    def means(self) -> tuple[MeanMarkout, ...]:
        """The mean at each horizon over the last ``ROLLING_FILLS`` fills that came due."""
        return tuple(self._mean(horizon_s) for horizon_s in HORIZONS_S)

    def _mean(self, horizon_s: int) -> MeanMarkout:
        known = [bps for bps in self._known[horizon_s] if bps is not None]
        unknown = len(self._known[horizon_s]) - len(known)
        return MeanMarkout(horizon_s, fsum(known) / len(known) if known else None, len(known), unknown)

    def _told(self, now_ns: int) -> list[Markout]:
        told = []
        while self._pending and self._pending[0][0] <= now_ns:
            due_ns, _, due = heapq.heappop(self._pending)
            told.append(self._settled(due, self._series.at(due_ns)))
        return told

    def _settled(self, due: _Due, mark: Decimal | None) -> Markout:
        bps = None if mark is None else markout_bps(due.side, due.price, mark)
        self._known[due.horizon_s].append(bps)
        return Markout(due.trade_id, due.side, due.horizon_s, mark, bps)


@dataclass(frozen=True, slots=True)
class CarriedMark:
    """The venue's mark, moved on by the book since the frame that it came in: marks come every few seconds only."""

    mark: Decimal | None = None
    frame_mono_ns: int | None = None
    mid: Decimal | None = None
    """The book's mid when the mark came, None while a side was empty or the book crossed."""

    def after(self, price: PriceState | None, book: BookState | None) -> CarriedMark:
        """The mark of a price frame that is new; itself while there is none."""
        if price is None or price.received_mono_ns == self.frame_mono_ns or price.mark is None or price.mark <= 0:
            return self
        return CarriedMark(price.mark, price.received_mono_ns, _mid(book))

    def now(self, book: BookState | None, now_mono_ns: int) -> Decimal | None:
        """Where the mark should stand; None before the first one and once the last is older than 15 s.

        >>> books = [BookState(Decimal(bid), Decimal(bid + 2), Decimal(1), None, 0) for bid in (99, 100)]
        >>> price = PriceState(Decimal(50), None, None, None, None, None, received_mono_ns=7)
        >>> CarriedMark().after(price, books[0]).now(books[1], 9)
        Decimal('50.50000000')
        """
        if self.mark is None or self.frame_mono_ns is None or now_mono_ns - self.frame_mono_ns > STALE_MARK_NS:
            return None
        mid = _mid(book)
        if mid is None or self.mid is None:
            return self.mark
        return (self.mark * mid / self.mid).quantize(_REFERENCE_STEP)


def _mid(book: BookState | None) -> Decimal | None:
    if book is None or book.bid is None or book.ask is None or not 0 < book.bid <= book.ask:
        return None
    return (book.bid + book.ask) / 2
