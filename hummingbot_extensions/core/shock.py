"""A price move so large that a person has to look: suspected by the mid or the mark, confirmed by both.

A suspicion pulls the quotes with the decision that sees it and ends by itself once both prices are back. A confirmed
shock is handed to the breakers, whose stop lasts until a person ends it. One price alone, however wrong and for however
long, never confirms: the other one contradicts it, and then nothing has happened to the market that quoting would
resume in. Reference prices stand still while there is a suspicion, so that a mark which follows slowly still confirms.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

from hummingbot_extensions.core.spec import param
from hummingbot_extensions.core.view import MarketView

CONFIRMING_PART = 0.5
"""The other price confirms once it has moved this part of ``shock_frac`` the same way: marks lag behind books."""
ROUNDING_FRAC = 1e-9
"""A move of exactly ``shock_frac`` counts, whatever the last bit of a quotient says."""


@dataclass(frozen=True, slots=True)
class ShockParams:
    """``shock_frac`` is a plain fraction of the price, the window in seconds. Off by default."""

    shock_on: bool = param(
        False, "Stop until a person looks when the price moves by shock_frac: on or off.", "guards"
    )
    shock_frac: float = param(
        0.1,
        "A move of mid and mark by this fraction within shock_window_s stops; of one alone it pulls the quotes.",
        "guards", ge=0.001, le=0.9,
    )  # fmt: skip
    shock_window_s: float = param(
        60.0, "The move is taken over this time, and over any gap in the feed, seconds.", "guards", gt=0, le=3600
    )


@dataclass(frozen=True, slots=True)
class Extremes:
    """Highest and lowest price of the window as monotonic queues, oldest first; the last entry is the newest price.

    ``*_ns`` say until when a price stood: over a gap it is the one before the gap.
    """

    high_ns: tuple[int, ...] = ()
    highs: tuple[float, ...] = ()
    low_ns: tuple[int, ...] = ()
    lows: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ShockState:
    """References of mid and mark, and how far each was from its own when it was last seen, signed fractions."""

    mid: Extremes = Extremes()
    mark: Extremes = Extremes()
    mid_moved_frac: float = 0.0
    mark_moved_frac: float = 0.0
    is_suspected: bool = False
    """Whether nothing may be quoted until both prices are back or a person has looked."""


UNSHAKEN = ShockState()


def after_view(state: ShockState, view: MarketView, params: ShockParams) -> tuple[ShockState, bool]:
    """State after one more view, and whether a shock has just been confirmed; then the references begin anew here.

    A price that is old stands where it stood. One-sided and crossed books teach nothing and end nothing.
    """
    if not params.shock_on:
        return UNSHAKEN, False
    mid, mark = _mid(view), _mark(view)
    if mid is None and mark is None:
        return state, False
    mids, mid_frac = _looked(state.mid, state.mid_moved_frac, mid, view.now_ns, state.is_suspected, params)
    marks, mark_frac = _looked(state.mark, state.mark_moved_frac, mark, view.now_ns, state.is_suspected, params)
    least = params.shock_frac - ROUNDING_FRAC
    if max(abs(mid_frac), abs(mark_frac)) < least:
        if state.is_suspected:
            mids, marks = _at(state.mid, mid, view.now_ns, params), _at(state.mark, mark, view.now_ns, params)
        return ShockState(mids, marks, mid_frac, mark_frac), False
    if mid_frac * mark_frac > 0.0 and min(abs(mid_frac), abs(mark_frac)) >= CONFIRMING_PART * least:
        return ShockState(_at(Extremes(), mid, view.now_ns, params), _at(Extremes(), mark, view.now_ns, params)), True
    return replace(state, mid_moved_frac=mid_frac, mark_moved_frac=mark_frac, is_suspected=True), False


def _looked(
    known: Extremes, moved_frac: float, price: float | None, now_ns: int, is_suspected: bool, params: ShockParams
) -> tuple[Extremes, float]:
    """References with ``price`` in them, and how far it stands from the farther end of them; under a suspicion they
    are the ones from before it.
    """
    if price is None:
        return known, moved_frac
    after = known if is_suspected and known.highs else _at(known, price, now_ns, params)
    rise, fall = price / after.lows[0] - 1.0, price / after.highs[0] - 1.0
    return after, rise if rise >= -fall else fall


def _at(known: Extremes, price: float | None, now_ns: int, params: ShockParams) -> Extremes:
    """``known`` with one more price at ``now_ns``, older than the window forgotten."""
    if price is None:
        return known
    oldest_ns = now_ns - int(params.shock_window_s * 1e9)
    return Extremes(
        *_queue(known.high_ns, known.highs, now_ns, price, oldest_ns, 1),
        *_queue(known.low_ns, known.lows, now_ns, price, oldest_ns, -1),
    )


def _queue(
    until_ns: tuple[int, ...], prices: tuple[float, ...], now_ns: int, price: float, oldest_ns: int, sign: int
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Queue of one extreme after ``price``. What stood last stood until now, so a gap does not age it."""
    until_ns = until_ns[:-1] + (now_ns,) if until_ns else until_ns
    last = len(prices)
    while last and prices[last - 1] * sign <= price * sign:
        last -= 1
    first = bisect_left(until_ns, oldest_ns, 0, last)
    return until_ns[first:last] + (now_ns,), prices[first:last] + (price,)


def _mid(view: MarketView) -> float | None:
    """Mid of a book that is worth believing: two-sided, not crossed."""
    bid, ask = view.bid, view.ask
    if bid is None or ask is None or bid <= 0 or bid > ask:
        return None
    return view.mid


def _mark(view: MarketView) -> float | None:
    return float(view.mark) if view.mark is not None and view.mark > 0 else None
