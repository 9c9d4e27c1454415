"""Points for resting orders: price x size x time, weighted by the distance from the mark, once an order has rested."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import fsum

from hummingbot_extensions.core.maker_hours import SECOND_NS
from hummingbot_extensions.core.programs import PointsBand, PointsRules
from hummingbot_extensions.core.uptime import QuoteInterval, is_in_band, mark_range

DAY_S = 86_400


def rests(quotes: Iterable[QuoteInterval]) -> list[list[QuoteInterval]]:
    """The orders that the intervals belong to, each as its unbroken pieces in time order.

    Intervals of one order that touch are one rest: a partial fill does not begin it anew. A hole in the record does,
    because nobody saw the order in between. An interval without an order id is an order of its own.
    """
    found: list[list[QuoteInterval]] = []
    last: dict[int | str, list[QuoteInterval]] = {}
    for quote in sorted(quotes, key=lambda quote: (quote.start_ns, quote.end_ns)):
        if quote.end_ns <= quote.start_ns:
            continue
        before = None if quote.order_id is None else last.get(quote.order_id)
        if before is not None and before[-1].end_ns == quote.start_ns:
            before.append(quote)
            continue
        rest = [quote]
        found.append(rest)
        if quote.order_id is not None:
            last[quote.order_id] = rest
    return found


def band_points(
    quotes: Iterable[QuoteInterval],
    marks: Sequence[tuple[int, float]],
    alive: Sequence[tuple[int, int]],
    start_ns: int,
    end_ns: int,
    rules: PointsRules,
) -> tuple[float, ...] | None:
    """Points earned over [start, end) in each band of the rules; None when a term of the rules is not known.

    Arguments as of ``uptime.in_band``.

    An order counts from its first instant once it has rested longer than the dwell, filled or not, on one side or on
    two; one that rested exactly as long does not. While the mark moves, the order is in the band of that moment, and an
    order on the edge of a band is in the nearer one. Time in which the feed was dead earns nothing.
    """
    if rules.dwell_s is None or rules.points_per_usd_day is None or rules.bands is None:
        return None
    dwell_ns = rules.dwell_s * SECOND_NS
    earned: list[list[float]] = [[] for _ in rules.bands]
    for rest in rests(quotes):
        if rest[-1].end_ns - rest[0].start_ns <= dwell_ns:
            continue
        for quote in rest:
            for band, weighted in _weighted_ns(quote, marks, alive, start_ns, end_ns, rules.bands).items():
                earned[band].append(weighted)
    return tuple(fsum(band) * rules.points_per_usd_day / (DAY_S * SECOND_NS) for band in earned)


def _weighted_ns(
    quote: QuoteInterval,
    marks: Sequence[tuple[int, float]],
    alive: Sequence[tuple[int, int]],
    start_ns: int,
    end_ns: int,
    bands: Sequence[PointsBand],
) -> dict[int, float]:
    """Notional x nanoseconds x share of one interval, in each band that it was in."""
    low_ns, high_ns = max(quote.start_ns, start_ns), min(quote.end_ns, end_ns)
    first, last = mark_range(marks, low_ns, high_ns)
    known_ns: dict[int, int] = {}
    for at in range(first, last if low_ns < high_ns else first):
        band = _band(quote.price, marks[at][1], bands)
        if band is not None:
            until_ns = marks[at + 1][0] if at + 1 < last else high_ns
            known_ns[band] = known_ns.get(band, 0) + _known_ns(alive, max(marks[at][0], low_ns), until_ns)
    notional = quote.price * quote.size
    return {band: notional * bands[band].share_frac * spent_ns for band, spent_ns in known_ns.items()}


def _band(price: float, mark: float, bands: Sequence[PointsBand]) -> int | None:
    return next((at for at, band in enumerate(bands) if is_in_band(price, mark, band.to_bps)), None)


def _known_ns(alive: Sequence[tuple[int, int]], low_ns: int, high_ns: int) -> int:
    """Time of [low, high) inside the disjoint ascending spans."""
    known_ns = 0
    for at in range(bisect_right(alive, low_ns, key=lambda span: span[1]), len(alive)):
        if alive[at][0] >= high_ns:
            break
        known_ns += max(0, min(alive[at][1], high_ns) - max(alive[at][0], low_ns))
    return known_ns
