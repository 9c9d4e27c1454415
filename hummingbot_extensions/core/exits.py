"""The way back from a hard stop: after the maker's time, bounded slices that take liquidity within a slippage bound.

A slice never passes the position through zero, whichever of its two tellers is right and whatever of our other
reducing orders fills as well; it never trades farther from the mark than the bound. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum

from hummingbot_extensions.core.rounding import round_passive, round_size_down
from hummingbot_extensions.core.types import MarketStanding, Side
from hummingbot_extensions.core.view import AccountView, MarketRules, MarketView, OwnOrder


class HardStopRecovery(StrEnum):
    """Way back after a hard stop: reduce as a maker, as a maker and later as a taker, or wait for a person."""

    MAKER = "maker"
    MAKER_THEN_TAKER = "maker_then_taker"
    WAIT = "wait"


class ExitHold(StrEnum):
    """Why no slice is sent now."""

    NOT_STOPPED = "not_stopped"
    """No hard stop is in force."""
    NO_TAKER = "no_taker"
    """The recovery that was chosen never takes."""
    DISARMED = "disarmed"
    """The bot sends no orders."""
    MAKER_FIRST = "maker_first"
    """The maker's time is not over."""
    LEVEL = "level"
    """The breaker level lets nothing be placed."""
    IN_FLIGHT = "in_flight"
    """The slice before may still fill."""
    PACED = "paced"
    """The pause after a slice, or after one that was refused."""
    NOT_READY = "not_ready"
    """Connector, private stream or market standing are not fit for an order."""
    STALE = "stale"
    """Book or mark are missing or too old."""
    CONTRADICTION = "contradiction"
    """The book is crossed, or mark and mid are too far apart."""
    POSITION_UNKNOWN = "position_unknown"
    UNSETTLED = "unsettled"
    """Venue and own fills tell of opposite positions, or one of them of none."""
    UNDER_RESUME = "under_resume"
    """The position is small enough; what is left of the hard stop is its cooldown and its checks."""
    OWN_ORDER_AHEAD = "own_order_ahead"
    """An order of ours on the other side might be what the slice would trade with."""
    RESERVED = "reserved"
    """Our resting reducing orders could take the whole position, so that nothing is left for a slice."""
    BELOW_MINIMUM = "below_minimum"
    """The smallest order of the venue is larger than the slice, or than what may be reduced."""
    OUT_OF_BOUND = "out_of_bound"
    """The best price lies beyond the slippage bound."""


@dataclass(frozen=True, slots=True)
class ExitParams:
    """Sizes in base units, times in seconds, ages in milliseconds, distances in bps of the mark.

    The default recovery never takes: without a deliberate choice no slice is ever sent.
    """

    resume_limit_base: Decimal
    """A slice is sent only while the position is not below this; 0 means: until it is flat."""
    slice_base: Decimal
    """Largest size of one slice."""
    recovery: HardStopRecovery = HardStopRecovery.MAKER
    taker_after_s: float = 60.0
    """Age of the hard stop from which slices are sent."""
    slippage_bps: float = 20.0
    """No slice trades farther from the mark than this."""
    order_wait_s: float = 2.0
    """A slice that still rests after this is cancelled: it crossed when it was sent, so the market has moved."""
    pause_s: float = 1.0
    """Least time between the end of a slice and the next one."""
    stale_book_ms: float = 2000.0
    stale_mark_ms: float = 10_000.0
    stale_private_ms: float = 30_000.0
    max_mark_mid_divergence_bps: float = 50.0

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every value that no slice could be sent with; empty when all hold."""
        rules = (
            (
                self.slice_base.is_finite() and self.slice_base > 0,
                "slice_base",
                f"{self.slice_base} is not above 0, so nothing would ever be reduced. Set the largest size of a slice",
            ),
            (
                self.resume_limit_base.is_finite() and self.resume_limit_base >= 0,
                "resume_limit_base",
                f"{self.resume_limit_base} is below 0. Set the position under which quoting resumes",
            ),
            (
                0 < self.slippage_bps <= 500,
                "slippage_bps",
                f"{self.slippage_bps:g} is not between 0 and 500. Set how far from the mark a slice may trade",
            ),
            (
                self.taker_after_s >= 0,
                "taker_after_s",
                f"{self.taker_after_s:g} is below 0. Set how long the maker alone may try",
            ),
        )
        return [(field, text) for holds, field, text in rules if not holds]


@dataclass(frozen=True, slots=True)
class Slice:
    """One reduce-only order: size unsigned on the step, limit price on the tick and inside the slippage bound."""

    side: Side
    size: Decimal
    limit_price: Decimal


def closing_side(position: Decimal) -> Side:
    """Side that brings ``position`` (signed, long positive) nearer to zero."""
    return Side.SELL if position > 0 else Side.BUY


def bounded_price(side: Side, mark: Decimal, slippage_bps: float, tick: Decimal) -> Decimal:
    """Worst price on the tick that an order of ``side`` may trade at, no farther from ``mark`` than the bound.

    >>> bounded_price(Side.SELL, Decimal("100000"), 20.0, Decimal("0.01"))
    Decimal('99800.00')
    """
    bound = Decimal(repr(slippage_bps)) / 10_000
    return round_passive(mark * (1 + side.sign * bound), tick, side is Side.BUY)


def bounded_slice(
    side: Side, wanted: Decimal, room: Decimal, mark: Decimal, rules: MarketRules, slippage_bps: float
) -> Slice | ExitHold:
    """Order that closes ``wanted``, never more than ``room`` (both unsigned, base units) nor than the venue's maximum.

    Where less is wanted than the venue's smallest order, the smallest order, if the room allows it.
    """
    price = bounded_price(side, mark, slippage_bps, rules.tick)
    if price <= 0:
        return ExitHold.OUT_OF_BOUND
    least = max(rules.min_size, rules.min_notional / price, rules.step)
    least = (least / rules.step).to_integral_value(ROUND_CEILING) * rules.step
    cap = room if rules.max_size is None else min(room, rules.max_size)
    size = round_size_down(min(max(wanted, least), cap), rules.step)
    return Slice(side, size, price) if size >= least else ExitHold.BELOW_MINIMUM


def excess(position: Decimal, resume_limit_base: Decimal, step: Decimal) -> Decimal:
    """Least size on ``step`` that brings ``position`` below the resume limit; for a limit of 0 the whole of it.

    >>> excess(Decimal("-0.0200"), Decimal("0.006"), Decimal("0.0001"))
    Decimal('0.0141')
    """
    size = abs(position)
    if resume_limit_base == 0:
        return round_size_down(size, step)
    if size < resume_limit_base:
        return Decimal(0)
    return (((size - resume_limit_base) / step).to_integral_value(ROUND_FLOOR) + 1) * step


def maker_share(position: Decimal, step: Decimal, params: ExitParams) -> Decimal:
    """How much of ``position`` all reducing quotes together may ask for while it is hard-stopped, unsigned base units.

    With a taker to come the rest must be left to it: an order that rests is counted as if it filled.
    """
    if params.recovery is not HardStopRecovery.MAKER_THEN_TAKER:
        return abs(position)
    return max(Decimal(0), abs(position) - excess(position, params.resume_limit_base, step))


def next_slice(
    view: MarketView, account: AccountView, hard_stop_since_ns: int | None, params: ExitParams
) -> Slice | ExitHold:
    """Next order of the way back, or the one reason why none is sent now.

    ``account.orders`` holds every order of ours that may still fill, slices included.
    """
    if hard_stop_since_ns is None:
        return ExitHold.NOT_STOPPED
    if params.recovery is not HardStopRecovery.MAKER_THEN_TAKER:
        return ExitHold.NO_TAKER
    if (view.now_ns - hard_stop_since_ns) / 1e9 < params.taker_after_s:
        return ExitHold.MAKER_FIRST
    mark = _fit_mark(view, params)
    if isinstance(mark, ExitHold):
        return mark
    certain = _certain_position(account)
    if isinstance(certain, ExitHold):
        return certain
    wanted = excess(certain, params.resume_limit_base, view.rules.step)
    if wanted <= 0:
        return ExitHold.UNDER_RESUME

    side = closing_side(certain)
    reserved = sum((order.size for order in account.orders if order.side is side), Decimal(0))
    room = min(abs(certain) - reserved, params.slice_base)
    if abs(certain) <= reserved:
        return ExitHold.RESERVED
    found = bounded_slice(side, min(wanted, params.slice_base), room, mark, view.rules, params.slippage_bps)
    if isinstance(found, ExitHold):
        return found
    if not _is_in_reach(found, view):
        return ExitHold.OUT_OF_BOUND
    if _meets_own(found, account.orders):
        return ExitHold.OWN_ORDER_AHEAD
    return found


def _fit_mark(view: MarketView, params: ExitParams) -> Decimal | ExitHold:
    """The mark, or why no order may be derived from this view."""
    if not view.is_connector_ready or view.standing is not MarketStanding.TRADING:
        return ExitHold.NOT_READY
    if view.private_age_ms is None or view.private_age_ms > params.stale_private_ms:
        return ExitHold.NOT_READY
    if view.book_age_ms is None or view.book_age_ms > params.stale_book_ms:
        return ExitHold.STALE
    if view.price_age_ms is None or view.price_age_ms > params.stale_mark_ms:
        return ExitHold.STALE
    if view.mark is None or view.bid is None or view.ask is None:
        return ExitHold.STALE
    if not all(price.is_finite() and price > 0 for price in (view.mark, view.bid, view.ask)):
        return ExitHold.STALE
    mid = (view.bid + view.ask) / 2
    if view.bid > view.ask or abs(view.mark / mid - 1) * 10_000 > Decimal(repr(params.max_mark_mid_divergence_bps)):
        return ExitHold.CONTRADICTION
    return view.mark


def _certain_position(account: AccountView) -> Decimal | ExitHold:
    """The smaller of the two tellers' positions, signed: so much is there whichever of them is right."""
    if account.position is None or account.position_by_fills is None or account.hold is not None:
        return ExitHold.POSITION_UNKNOWN
    if account.position * account.position_by_fills < 0:
        return ExitHold.UNSETTLED
    certain = min(account.position, account.position_by_fills, key=abs)
    if certain == 0 and account.position != account.position_by_fills:
        return ExitHold.UNSETTLED
    return certain


def _is_in_reach(wanted: Slice, view: MarketView) -> bool:
    """Whether anything may stand inside the bound. Shown prices are truncated: the true bid may lie a grid higher."""
    if view.bid is None or view.ask is None:
        return False
    if wanted.side is Side.SELL:
        return view.bid + max(view.grid, view.rules.tick) > wanted.limit_price
    return view.ask <= wanted.limit_price


def _meets_own(wanted: Slice, orders: Iterable[OwnOrder]) -> bool:
    """Whether an order of ours on the other side, perhaps being cancelled, could be traded with."""
    return any(
        order.side is not wanted.side and (order.price - wanted.limit_price) * wanted.side.sign <= 0 for order in orders
    )
