"""Time in band: the exact integral over an order log, live, in replay and in the emulator alike."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum, nan


@dataclass(frozen=True, slots=True)
class QuoteInterval:
    """One resting order over the time it rested with this size. Times are venue nanoseconds, half open [start, end).

    Intervals of one ``order_id`` that touch are one rest; without an id each interval is an order of its own.
    ``is_cancelled``: it ended because its owner asked for it.
    """

    is_bid: bool
    price: float
    size: float
    start_ns: int
    end_ns: int
    order_id: int | str | None = None
    is_cancelled: bool = False


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
    return in_band_of(band_depth(quotes, marks, alive, start_ns, end_ns, band_bps), start_ns, end_ns)


@dataclass(frozen=True, slots=True)
class DepthStep:
    """Size resting inside the band on each side, in base units, constant over [start_ns, end_ns).

    ``is_known`` is False where the feed was dead: the sizes are then what the log says, and earn nothing.
    """

    start_ns: int
    end_ns: int
    bid_base: float
    ask_base: float
    is_known: bool


def band_depth(
    quotes: Iterable[QuoteInterval],
    marks: Sequence[tuple[int, float]],
    alive: Sequence[tuple[int, int]],
    start_ns: int,
    end_ns: int,
    band_bps: float = 10.0,
) -> list[DepthStep]:
    """Size inside the band as steps that cover [start, end) without a gap; arguments as of ``in_band``.

    Every figure of time or size in band is a fold over these. Sizes that rest together are added with one rounding, so
    that an order given in pieces, or in another sequence, gives the same bits.

    >>> band_depth([QuoteInterval(True, 99.95, 2.0, 2, 9)], [(0, 100.0)], [(0, 5)], 0, 5)[1]
    DepthStep(start_ns=2, end_ns=5, bid_base=2.0, ask_base=0.0, is_known=True)
    """
    rests = [quote for quote in quotes if quote.size > 0 and quote.start_ns < quote.end_ns]
    edges = [(max(quote.start_ns, start_ns), _START, at) for at, quote in enumerate(rests) if quote.end_ns > start_ns]
    edges += [(quote.end_ns, _END, at) for at, quote in enumerate(rests) if start_ns < quote.end_ns]
    first, last = mark_range(marks, start_ns, end_ns)
    edges += [(max(marks[at][0], start_ns), _MARK, at) for at in range(first, last)]
    for lo, hi in alive:
        if lo < end_ns and hi > max(lo, start_ns):
            edges += [(max(lo, start_ns), _ALIVE, 1), (hi, _ALIVE, -1)]
    edges.sort()
    steps: list[DepthStep] = []
    resting: set[int] = set()
    mark, depth, is_alive, is_stale = nan, (0.0, 0.0), 0, False
    before = start_ns
    for at_ns, kind, which in edges:
        if at_ns >= end_ns:
            break
        if at_ns > before:
            depth = _depth(rests, resting, mark, band_bps) if is_stale else depth
            is_stale = False
            _add_step(steps, DepthStep(before, at_ns, *depth, is_alive > 0))
            before = at_ns
        if kind == _ALIVE:
            is_alive += which
            continue
        is_stale = True
        if kind == _MARK:
            mark = marks[which][1]
        elif kind == _START:
            resting.add(which)
        else:
            resting.discard(which)
    if end_ns > before:
        depth = _depth(rests, resting, mark, band_bps) if is_stale else depth
        _add_step(steps, DepthStep(before, end_ns, *depth, is_alive > 0))
    return steps


def in_band_of(steps: Iterable[DepthStep], start_ns: int, end_ns: int) -> InBand:
    """Time with any size in band, from the steps of ``band_depth`` over [start, end)."""
    totals = [0, 0, 0, 0]
    for step in steps:
        if not step.is_known:
            continue
        elapsed = step.end_ns - step.start_ns
        totals[0] += elapsed if step.bid_base else 0
        totals[1] += elapsed if step.ask_base else 0
        totals[2] += elapsed if step.bid_base and step.ask_base else 0
        totals[3] += elapsed
    return InBand(totals[0], totals[1], totals[2], totals[3], max(0, end_ns - start_ns))


_START, _END, _MARK, _ALIVE = range(4)


def _depth(
    rests: Sequence[QuoteInterval], resting: Iterable[int], mark: float, band_bps: float
) -> tuple[float, float]:
    inside = [rests[at] for at in resting if is_in_band(rests[at].price, mark, band_bps)]
    bids = fsum(quote.size for quote in inside if quote.is_bid)
    return bids, fsum(quote.size for quote in inside if not quote.is_bid)


def _add_step(steps: list[DepthStep], step: DepthStep) -> None:
    if steps:
        last = steps[-1]
        if (last.bid_base, last.ask_base, last.is_known) == (step.bid_base, step.ask_base, step.is_known):
            steps[-1] = DepthStep(last.start_ns, step.end_ns, step.bid_base, step.ask_base, step.is_known)
            return
    steps.append(step)


def mark_range(marks: Sequence[tuple[int, float]], start_ns: int, end_ns: int) -> tuple[int, int]:
    """Positions [first, last) of the marks that matter in [start, end), the one that stood at its start included.

    >>> mark_range([(0, 100.0), (5, 101.0), (9, 102.0)], 6, 9)
    (1, 2)
    """
    first = max(0, bisect_right(marks, start_ns, key=lambda mark: mark[0]) - 1)
    return first, max(first, bisect_left(marks, end_ns, key=lambda mark: mark[0]))


def is_in_band(price: float, mark: float, band_bps: float) -> bool:
    """Whether ``price`` is at most ``band_bps`` from ``mark``; a mark that is NaN, zero or negative is no mark."""
    return mark > 0 and abs(price / mark - 1.0) * 1e4 <= band_bps + 1e-9


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
