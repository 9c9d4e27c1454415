"""Time in band: the exact integral over an order log, live, in replay and in the emulator alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QuoteInterval:
    """One resting order over the time it rested with this size. Times are venue nanoseconds, half open [start, end)."""

    is_bid: bool
    price: float
    size: float
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class InBand:
    """Nanoseconds of ``alive_ns`` in which qualifying size rested inside the band; ``span_ns`` is the whole window.

    ``two_sided_frac`` is over the time the feed was alive; ``strict_frac`` counts unknown time as not earned.
    Both are None over an empty window.
    """

    bid_ns: int
    ask_ns: int
    two_sided_ns: int
    alive_ns: int
    span_ns: int

    @property
    def two_sided_frac(self) -> float | None:
        return self.two_sided_ns / self.alive_ns if self.alive_ns else None

    @property
    def strict_frac(self) -> float | None:
        return self.two_sided_ns / self.span_ns if self.span_ns else None


def alive_spans(
    frame_times_ns: Sequence[int], start_ns: int, end_ns: int, max_gap_ns: int = 2_000_000_000
) -> list[tuple[int, int]]:
    """Spans of [start, end) in which the last feed frame is at most ``max_gap_ns`` old; the rest is unknown time.

    A gap longer than ``max_gap_ns`` between two frames is dead from its first to its last instant.

    >>> alive_spans([0, 1, 2, 9, 10], 0, 11, max_gap_ns=3)
    [(0, 2), (9, 11)]
    """
    spans: list[tuple[int, int]] = []
    times = sorted(frame_times_ns)
    for position, left in enumerate(times):
        right = times[position + 1] if position + 1 < len(times) else end_ns
        lo, hi = max(left, start_ns), min(right, end_ns)
        if right - left > max_gap_ns or hi <= lo:
            continue
        if spans and spans[-1][1] == lo:
            spans[-1] = (spans[-1][0], hi)
        else:
            spans.append((lo, hi))
    return spans


def in_band(
    quotes: Iterable[QuoteInterval],
    marks: Sequence[tuple[int, float]],
    alive: Sequence[tuple[int, int]],
    start_ns: int,
    end_ns: int,
    band_bps: float = 10.0,
) -> InBand:
    """Exact time with size inside ``band_bps`` of the mark, per side and on both at once, over [start, end).

    ``marks`` are (time, price) steps in time order; before the first mark nothing is in band. An order exactly on the
    band's edge counts. ``alive`` are disjoint ascending spans; time outside them earns nothing.
    """
    edges: list[tuple[int, int, int]] = []
    for quote in quotes:
        for lo, hi in _spans_in_band(quote, marks, band_bps, start_ns, end_ns):
            side = 0 if quote.is_bid else 1
            edges.append((lo, side, 1))
            edges.append((hi, side, -1))
    alive_ns = 0
    for lo, hi in alive:
        lo, hi = max(lo, start_ns), min(hi, end_ns)
        if hi > lo:
            alive_ns += hi - lo
            edges.append((lo, 2, 1))
            edges.append((hi, 2, -1))
    edges.sort()
    depth = [0, 0, 0]
    totals = [0, 0, 0]
    before = start_ns
    for at, which, change in edges:
        if depth[2]:
            elapsed = at - before
            totals[0] += elapsed if depth[0] else 0
            totals[1] += elapsed if depth[1] else 0
            totals[2] += elapsed if depth[0] and depth[1] else 0
        depth[which] += change
        before = at
    return InBand(totals[0], totals[1], totals[2], alive_ns, max(0, end_ns - start_ns))


def _spans_in_band(
    quote: QuoteInterval, marks: Sequence[tuple[int, float]], band_bps: float, start_ns: int, end_ns: int
) -> list[tuple[int, int]]:
    if quote.size <= 0:
        return []
    spans: list[tuple[int, int]] = []
    first, last = max(quote.start_ns, start_ns), min(quote.end_ns, end_ns)
    for position in range(_first_mark_at_or_before(marks, first), len(marks)):
        at, mark = marks[position]
        if at >= last:
            break
        lo = max(at, first)
        hi = min(marks[position + 1][0] if position + 1 < len(marks) else last, last)
        if hi <= lo or not _is_in_band(quote.price, mark, band_bps):
            continue
        if spans and spans[-1][1] == lo:
            spans[-1] = (spans[-1][0], hi)
        else:
            spans.append((lo, hi))
    return spans


def _is_in_band(price: float, mark: float, band_bps: float) -> bool:
    """Whether ``price`` is at most ``band_bps`` from ``mark``; a mark that is NaN, zero or negative is no mark."""
    return mark > 0 and abs(price / mark - 1.0) * 1e4 <= band_bps + 1e-9


def _first_mark_at_or_before(marks: Sequence[tuple[int, float]], at_ns: int) -> int:
    lo, hi = 0, len(marks)
    while lo < hi:
        middle = (lo + hi) // 2
        if marks[middle][0] <= at_ns:
            lo = middle + 1
        else:
            hi = middle
    return max(0, lo - 1)


class BandMeter:
    """Running time in band for a live bot: the same integral as ``in_band`` over ``alive_spans``, folded as it happens.

    Time since the last feed frame is pending: it counts once the next frame comes within ``max_gap_ns``, and is
    unknown, from its first instant, when that one comes later. Calls are in time order.
    """

    def __init__(self, start_ns: int, max_gap_ns: int = 2_000_000_000) -> None:
        self._start_ns = start_ns
        self._max_gap_ns = max_gap_ns
        self._at_ns = start_ns
        self._frame_ns: int | None = None
        self._has_bid = False
        self._has_ask = False
        self._known = [0, 0, 0, 0]
        self._pending = [0, 0, 0, 0]

    def frame(self, at_ns: int) -> None:
        """A feed frame came in."""
        self._fold(at_ns)
        if self._frame_ns is not None and at_ns - self._frame_ns <= self._max_gap_ns:
            self._known = [known + pending for known, pending in zip(self._known, self._pending, strict=True)]
        self._pending = [0, 0, 0, 0]
        self._frame_ns = at_ns

    def state(self, at_ns: int, has_bid: bool, has_ask: bool) -> None:
        """From ``at_ns`` on each side has, or lacks, qualifying size inside the band."""
        self._fold(at_ns)
        self._has_bid, self._has_ask = has_bid, has_ask

    def total(self, now_ns: int) -> InBand:
        """Figures from the start up to ``now_ns``; pending time counts while the feed may still be alive."""
        self._fold(now_ns)
        is_alive = self._frame_ns is not None and now_ns - self._frame_ns <= self._max_gap_ns
        bid, ask, both, alive = (
            known + (pending if is_alive else 0) for known, pending in zip(self._known, self._pending, strict=True)
        )
        return InBand(bid, ask, both, alive, now_ns - self._start_ns)

    def _fold(self, now_ns: int) -> None:
        elapsed = now_ns - self._at_ns
        if elapsed <= 0:
            return
        self._at_ns = now_ns
        if self._frame_ns is None:
            return
        self._pending[0] += elapsed if self._has_bid else 0
        self._pending[1] += elapsed if self._has_ask else 0
        self._pending[2] += elapsed if self._has_bid and self._has_ask else 0
        self._pending[3] += elapsed
