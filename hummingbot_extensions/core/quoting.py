"""Desired quotes: a price at a distance from the mark, held inside the band, never crossing, on the lattice."""

from __future__ import annotations

from decimal import Decimal

from hummingbot_extensions.core.decision import PriceBreakdown, Quote, Silence
from hummingbot_extensions.core.params import HardStopRecovery, QuoteParams
from hummingbot_extensions.core.risk import is_adding
from hummingbot_extensions.core.rounding import round_passive, round_size_down
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import MarketView


def distance_bps(side: Side, price: float, mark: float) -> float:
    """Distance of an order from the mark in bps, positive on its own side of it.

    >>> round(distance_bps(Side.BUY, 99.93, 100.0), 6), round(distance_bps(Side.SELL, 99.93, 100.0), 6)
    (7.0, -7.0)
    """
    return (1.0 - price / mark) * 1e4 * side.sign


def passive_bound(side: Side, view: MarketView) -> Decimal | None:
    """Best price that cannot take: a bid a tick under the shown ask, an ask a whole grid step above the shown bid.

    Both sides of the book are shown truncated down, so the true ask is never below the shown one, while the true bid
    may stand almost a step above. None while the opposite side is empty.
    """
    if side is Side.BUY:
        return None if view.ask is None else view.ask - view.rules.tick
    return None if view.bid is None else view.bid + max(view.grid, view.rules.tick)


def uptime_quote(
    side: Side, size: Decimal, is_reduce_only: bool, mark: float, view: MarketView, params: QuoteParams
) -> Quote | Silence:
    """Quote at ``order_distance_bps`` from the mark, or the reason why there can be none inside the band."""
    rules = view.rules
    is_bid = side is Side.BUY
    ideal = mark * (1.0 - side.sign * params.order_distance_bps / 1e4)
    price = Decimal(repr(ideal))
    bound = passive_bound(side, view)
    if bound is not None:
        price = min(price, bound) if is_bid else max(price, bound)
    clamped = float(price)
    price = round_passive(price, rules.tick, is_bid)
    away = distance_bps(side, float(price), mark)
    if away > params.band_bps - params.band_margin_bps or price <= 0:
        return Silence.OUT_OF_BAND
    size = round_size_down(size if rules.max_size is None else min(size, rules.max_size), rules.step)
    if size < rules.min_size or size <= 0 or size * price < rules.min_notional:
        return Silence.BELOW_MINIMUM
    clamp = distance_bps(side, clamped, mark) - params.order_distance_bps
    rounding = away - params.order_distance_bps - clamp
    return Quote(side, price, size, is_reduce_only, PriceBreakdown(mark, params.order_distance_bps, clamp, rounding))


def desired_quote(
    side: Side, position: Decimal, is_hard_stopped: bool, mark: float, view: MarketView, params: QuoteParams
) -> Quote | Silence:
    """What ``side`` should show given the position tiers: both sides, reduce only, or nothing.

    From the soft limit on, and through a hard stop, only the reducing side is quoted, marked reduce-only and no larger
    than the position. A hard stop with recovery ``wait`` quotes nothing.
    """
    size = params.order_size_base
    is_restricted = is_hard_stopped or abs(position) >= params.soft_limit_base
    if not is_restricted:
        return uptime_quote(side, size, False, mark, view, params)
    if is_adding(side, position):
        return Silence.HARD_STOP if is_hard_stopped else Silence.SOFT_LIMIT
    if is_hard_stopped and params.hard_stop_recovery is HardStopRecovery.WAIT:
        return Silence.HARD_STOP
    return uptime_quote(side, min(size, abs(position)), True, mark, view, params)
