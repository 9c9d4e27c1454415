"""What scoring needs to know of our own orders, gathered as it happens, and no more of it than the figures need."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

from hummingbot_extensions.core.program_score import MarketRecord
from hummingbot_extensions.core.programs import ProgramRules
from hummingbot_extensions.core.uptime import QuoteInterval


@dataclass(frozen=True, slots=True)
class Resting:
    """One order of ours that the venue has said to rest. ``size`` is what is left of it, in base units."""

    order_id: str
    is_bid: bool
    price: float
    size: float


@dataclass(slots=True)
class _Open:
    order: Resting
    since_ns: int


class OwnRecord:
    """A ``MarketRecord`` that grows. Calls come in time order; times are the recorder's nanoseconds.

    A mark is kept only when it puts some resting order on the other side of a band's edge: scoring asks for nothing
    else of it, so that the figures are those of every mark, from a few marks an hour instead of thousands.
    """

    def __init__(
        self,
        symbol: str,
        start_ns: int,
        utc_offset_ns: int,
        edges_bps: Iterable[float],
        max_gap_ns: int = 2_000_000_000,
    ) -> None:
        """``edges_bps`` are the edges of every band that the record will be scored by."""
        self.symbol = symbol
        self.start_ns = start_ns
        self.utc_offset_ns = utc_offset_ns
        self._edges = sorted({edge + 1e-9 for edge in edges_bps})  # as ``uptime.is_in_band`` compares
        self._max_gap_ns = max_gap_ns
        self._open: dict[str, _Open] = {}
        self._closed: list[QuoteInterval] = []
        self._marks: list[tuple[int, float]] = []
        self._runs: list[list[int]] = []
        """[first frame, last frame] of each run without a gap above the largest."""

    def frame(self, at_ns: int) -> None:
        """A feed frame came in."""
        if self._runs and at_ns - self._runs[-1][1] <= self._max_gap_ns:
            self._runs[-1][1] = max(at_ns, self._runs[-1][1])
        else:
            self._runs.append([at_ns, at_ns])

    def state(self, at_ns: int, mark: float | None, resting: Iterable[Resting]) -> None:
        """From ``at_ns`` on these orders rest and the mark stands here; None is a mark that nobody knows."""
        seen = {order.order_id: order for order in resting}
        for order_id in [order_id for order_id in self._open if order_id not in seen]:
            self.ended(at_ns, order_id, is_cancelled=False)
        for order_id, order in seen.items():
            known = self._open.get(order_id)
            if known is not None and known.order == order:
                continue
            if known is not None:
                self._close(at_ns, known, is_cancelled=False)
            self._open[order_id] = _Open(order, at_ns)
        price = nan if mark is None else mark
        before = self._marks[-1][1] if self._marks else nan
        if any(self._zone(order.price, price) != self._zone(order.price, before) for order in seen.values()):
            self._marks.append((at_ns, price))

    def pulled(self, at_ns: int) -> None:
        """Nothing is earned from here on, whatever still rests until it is cancelled."""
        if self._marks and self._marks[-1][1] > 0:
            self._marks.append((at_ns, nan))

    def ended(self, at_ns: int, order_id: str, is_cancelled: bool) -> None:
        """An order rests no longer; ``is_cancelled`` when it ended because we asked. Nothing for one not known."""
        known = self._open.pop(order_id, None)
        if known is not None:
            self._close(at_ns, known, is_cancelled)

    def record(self, start_ns: int, end_ns: int, now_ns: int) -> MarketRecord:
        """The span [start, end), which may end before ``now_ns``: the rest of an order beyond its end is known then."""
        quotes = [*self._closed, *(_interval(known, now_ns, is_cancelled=False) for known in self._open.values())]
        return MarketRecord(
            self.symbol, [quote for quote in quotes if quote.start_ns < end_ns], list(self._marks),
            self._alive(start_ns, end_ns, now_ns), start_ns, end_ns, self.utc_offset_ns)

    def forget(self, before_ns: int) -> None:
        """Let go of what no span from ``before_ns`` on asks for; an order's first instant stays, for its dwell."""
        touching = set(self._open) | {quote.order_id for quote in self._closed if quote.end_ns > before_ns}
        kept: list[QuoteInterval] = []
        earlier: dict[int | str | None, int] = {}
        for quote in self._closed:
            if quote.order_id not in touching:
                continue
            if quote.end_ns > before_ns:
                kept.append(quote)
                continue
            # Sizes before the span earn nothing in it: the touching pieces of one rest become one.
            at = earlier.get(quote.order_id)
            if at is not None and kept[at].end_ns == quote.start_ns:
                kept[at] = QuoteInterval(
                    quote.is_bid, quote.price, quote.size, kept[at].start_ns, quote.end_ns, quote.order_id,
                    quote.is_cancelled)
            else:
                earlier[quote.order_id] = len(kept)
                kept.append(quote)
        self._closed = kept
        first = max(0, bisect_left(self._marks, before_ns, key=lambda mark: mark[0]) - 1)
        self._marks = self._marks[first:]
        self._runs = [run for run in self._runs[:-1] if run[1] > before_ns] + self._runs[-1:]

    @property
    def kept(self) -> int:
        """Values held now: what bounds its memory and the work of a score."""
        return len(self._closed) + len(self._open) + len(self._marks) + len(self._runs)

    def _zone(self, price: float, mark: float) -> int:
        """Number of edges that the price lies beyond; all of them where there is no mark."""
        return bisect_left(self._edges, abs(price / mark - 1.0) * 1e4) if mark > 0 else len(self._edges)

    def _close(self, at_ns: int, known: _Open, is_cancelled: bool) -> None:
        if at_ns > known.since_ns:
            self._closed.append(_interval(known, at_ns, is_cancelled))

    def _alive(self, start_ns: int, end_ns: int, now_ns: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for first, last in self._runs:
            if last == self._runs[-1][1] and now_ns - last <= self._max_gap_ns:
                last = now_ns
            low, high = max(first, start_ns), min(last, end_ns)
            if high > low:
                found.append((low, high))
        return found


def _interval(known: _Open, end_ns: int, is_cancelled: bool) -> QuoteInterval:
    order = known.order
    return QuoteInterval(
        order.is_bid, order.price, order.size, known.since_ns, end_ns, order.order_id, is_cancelled)


def band_edges_bps(rules: Iterable[ProgramRules]) -> set[float]:
    """Edges of every band of these programs."""
    edges = set()
    for program in rules:
        if program.maker_hours is not None and program.maker_hours.band_bps is not None:
            edges.add(program.maker_hours.band_bps)
        if program.points is not None:
            edges.update(band.to_bps for band in program.points.bands or ())
    return edges
