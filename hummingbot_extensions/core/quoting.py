"""Where each layer of a side stands, between which distances an order serves it, and how large it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from hummingbot_extensions.core import layers, pricers, skew
from hummingbot_extensions.core.breakeven import with_breakeven
from hummingbot_extensions.core.exits import HardStopRecovery, maker_share
from hummingbot_extensions.core.frozen import quick
from hummingbot_extensions.core.ladder import NO_DANGER_BPS, Ladder, Stand, least_kept
from hummingbot_extensions.core.layers import LayerParams, SizeBy
from hummingbot_extensions.core.mode_switch import side_allowed
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.points_layer import with_points
from hummingbot_extensions.core.pricing import (
    ANCHOR_TERM,
    JOINING_MODES,
    Mode,
    NoPrice,
    PriceInputs,
    SidePrice,
    least_distance_bps,
    with_floor,
)
from hummingbot_extensions.core.risk import is_adding
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.skew import SkewInputs
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import MarketRules, MarketView
from hummingbot_extensions.kernels import quotes as kernels

CAP_USED_FRAC = Decimal("0.995")
"""Layers are wanted up to this part of a side's cap: orders that serve them stand up to half a percent dearer."""


@quick
@dataclass(frozen=True, slots=True)
class Outlook:
    """What quotes depend on beside the view and the parameters, for one decision.

    ``position`` is signed, long positive, in base units; ``widening_bps`` moves every new quote away from the mark;
    ``tolerance_scale`` and ``spacing_scale`` are factors of 1 or more.
    """

    mark: float
    position: Decimal
    is_hard_stopped: bool
    mode: str
    prices: PriceInputs
    skew: SkewInputs
    widening_bps: float = 0.0
    tolerance_scale: float = 1.0
    spacing_scale: float = 1.0
    guard_bps: float = 0.0
    """How much farther every quote stands, resting ones too, because the book is wide or thin."""
    equity_quote: Decimal | None = None
    """What sizes by equity are made of."""
    is_balance_low: bool = False
    adding_frac: Decimal = Decimal(1)
    adding_reason: Silence | None = None
    """Part of its size that the adding side may have, and why it is not all."""


def nearest_price(side: Side, stand: Stand, view: MarketView) -> Decimal | None:
    """Best price that ``side`` may ask for: passive, and behind the book levels that count as near."""
    bound, behind = passive_bound(side, view), behind_queue(side, stand, view)
    if bound is None or behind is None:
        return bound
    return min(bound, behind) if side is Side.BUY else max(bound, behind)


def behind_queue(side: Side, stand: Stand, view: MarketView) -> Decimal | None:
    """Best price behind the book levels that count as near; None while none does, or the mode joins the best price.

    Both sides of the book are shown truncated down: an ask up to one grid step above the last near level is in it.
    """
    if stand.risk_bps <= NO_DANGER_BPS:
        return None
    if side is Side.BUY:
        return None if view.bid_queue is None else view.bid_queue - view.rules.tick
    return None if view.ask_queue is None else view.ask_queue + max(view.grid, view.rules.tick)


def passive_bound(side: Side, view: MarketView) -> Decimal | None:
    """Best price that cannot take: a bid a tick under the shown ask, an ask a whole grid step above the shown bid.

    Both sides of the book are shown truncated down, so the true ask is never below the shown one, while the true bid
    may stand almost a step above. None while the opposite side is empty.
    """
    if side is Side.BUY:
        return None if view.ask is None else view.ask - view.rules.tick
    return None if view.bid is None else view.bid + max(view.grid, view.rules.tick)


def side_ladder(side: Side, outlook: Outlook, view: MarketView, params: QuoteParams) -> Ladder | NoPrice | Silence:
    """What ``side`` should show given the position tiers: all layers, reduce only, or nothing.

    From the soft limit on, through a hard stop, and while nothing may be added, only the reducing side is quoted,
    marked reduce-only and together no larger than the position. A hard stop with recovery ``wait`` quotes nothing.
    NoPrice is the pricer's own word.
    """
    position = outlook.position
    is_at_limit = outlook.is_hard_stopped or abs(position) >= params.soft_limit_base
    is_restricted = is_at_limit or not outlook.adding_frac
    adds = is_adding(side, position)
    if is_restricted:
        if adds and not is_at_limit:
            return outlook.adding_reason or Silence.MARGIN
        if adds:
            return Silence.HARD_STOP if outlook.is_hard_stopped else Silence.SOFT_LIMIT
        if outlook.is_hard_stopped and params.hard_stop_recovery is HardStopRecovery.WAIT:
            return Silence.HARD_STOP
    elif params.pricing.ping_pong and not side_allowed(
        side, float(position), float(view.rules.min_size), params.pricing
    ):
        return Silence.PING_PONG
    stand = first_stand(side, outlook, is_restricted, params)
    if isinstance(stand, NoPrice):
        return stand
    reducible = None
    if is_restricted:
        step = view.rules.step
        share = maker_share(position, step, params.exit_params()) if outlook.is_hard_stopped else abs(position)
        reducible = int(share / step)
    return _ladder(side, stand, outlook, adds, reducible, view, params)


def first_stand(side: Side, outlook: Outlook, is_loss_rule: bool, params: QuoteParams) -> Stand | NoPrice:
    """The first layer: the mode's price, moved by skew within its bounds, farther while volatile, never under a floor.

    In mode ``uptime`` nothing leaves the paying band. The distances at which an order is too near or too far follow the
    intended distance, so that skew never cancels its own quotes.
    """
    priced = pricers.price(outlook.mode, side, outlook.prices, params.pricing)
    if isinstance(priced, NoPrice):
        return priced
    is_banded = outlook.mode == Mode.UPTIME
    most = params.band_bps - params.band_margin_bps if is_banded else None
    base, price = priced.distance_bps, priced
    moved = skew.terms(side, outlook.skew, params.skew)
    if moved:
        _, clamp = skew.clamped_distance(base, moved, params.skew, math.inf if most is None else most)
        price = SidePrice.of(*price.terms, *moved, *((("skew_clamp", clamp),) if clamp else ()))
    skewed = price.distance_bps
    if outlook.widening_bps:
        price = price.plus("volatility", outlook.widening_bps)
    if outlook.guard_bps:
        price = price.plus("guard", outlook.guard_bps)
    if outlook.is_balance_low and params.layers.low_balance_widen_bps:
        price = price.plus("low_balance", params.layers.low_balance_widen_bps)
    if params.pricing.breakeven:
        price = with_breakeven(side, price, outlook.prices, most, is_loss_rule)
    price = with_floor(price, outlook.prices, params.pricing)
    if most is not None and price.distance_bps > most >= base:
        price = price.plus("band", most - price.distance_bps)
    # An anchor off the mark is no part of what is configured: it must not cancel the quote that it has brought nearer.
    own = base
    if len(priced.terms) > 1:
        own -= math.fsum([bps for name, bps in priced.terms if name == ANCHOR_TERM])
    return _stand(price, skewed, own, most, outlook, params)


def _stand(
    price: SidePrice, skewed: float, base: float, most: float | None, outlook: Outlook, params: QuoteParams
) -> Stand:
    intended = price.distance_bps
    floor = least_distance_bps(outlook.prices, params.pricing)
    # Half of what the band leaves of the guard's widening: what rests has to move, and not at every tick.
    guarded = skewed + min(outlook.guard_bps, max(0.0, intended - skewed)) / 2.0 if outlook.guard_bps else 0.0
    if most is not None:
        risk = max(skew.too_near_bps(params.cancel_distance_bps, skewed, base), guarded)
        near = risk if floor is None else max(risk, min(floor, intended))
        far = skew.too_far_bps(params.rebalance_distance_bps, intended, base, most)
        return Stand(price.terms, intended, risk, near, far, most)
    tolerance = params.requote_tolerance_bps * outlook.tolerance_scale
    risk = NO_DANGER_BPS
    if outlook.mode not in JOINING_MODES and base > 0:
        risk = skew.too_near_bps(params.cancel_distance_bps, max(skewed, 0.0), base)
        risk = max(risk, guarded)
    near = max(intended - tolerance, risk, NO_DANGER_BPS if floor is None else floor)
    return Stand(price.terms, intended, risk, near, intended + tolerance, None)


def _ladder(
    side: Side, stand: Stand, outlook: Outlook, adds: bool, reducible: int | None, view: MarketView, params: QuoteParams
) -> Ladder | Silence:
    """All layers behind ``stand``, never crossing, on the lattice, of sizes that the venue takes."""
    rules, sign, mark = view.rules, side.sign, outlook.mark
    which, lots, behind = shape(
        params, rules, mark, outlook.prices.range_bps, outlook.equity_quote, outlook.is_balance_low)
    count = len(which)
    if adds and reducible is None and outlook.skew.inventory_frac:
        count = min(count, layers.adding_layers(count, outlook.skew.inventory_frac, params.layers.adding_cut_frac))
        kept = skew.adding_size_frac(outlook.skew.inventory_frac, params.skew)
        if kept < 1.0:
            which, lots = _smaller(which, lots, kept)
            count = min(count, len(which))
    if adds and reducible is None and outlook.adding_frac < 1:
        which, lots = _smaller(which, lots, float(outlook.adding_frac))
    if reducible is not None:
        lots = _cut(lots, reducible)
    count = min(count, len(lots))
    if not count:
        return _why_no_size(outlook, adds, reducible, params)
    offsets = [behind[layer] * outlook.spacing_scale for layer in which[:count]]
    limits = venue_limits(rules)
    bound = nearest_price(side, stand, view)
    stand_bps = stand.distance_bps, stand.near_bps, stand.far_bps, stand.risk_bps
    ticks, sizes, first, near, far, risk = kernels.side_ladder(
        mark, limits.tick, sign, stand_bps, stand.most_bps, offsets, list(lots[:count]),
        None if bound is None else _bound_tick(bound, rules.tick, sign), limits.most_lots, limits.least_lots,
        limits.least_value,
    )  # fmt: skip
    if not ticks:
        why = _why_empty(side, stand, outlook.mark, bound, limits)
        return why if why is not Silence.BELOW_MINIMUM else _why_no_size(outlook, adds, reducible, params)
    ladder = Ladder(
        side, mark, rules.tick, rules.step, reducible is not None, stand, tuple([which[each] for each in first]),
        tuple([offsets[each] for each in first]), tuple(ticks), tuple(sizes),
        tuple([least_kept(each) for each in sizes]), tuple(near), tuple(far), risk,
    )  # fmt: skip
    if params.pricing.points_distance_bps is not None and reducible is None:
        ladder = with_points(
            ladder, params.pricing, lots[0], limits.least_lots, limits.most_lots, limits.least_value
        )  # fmt: skip
    if params.layers.side_notional_cap_quote is not None:
        ladder = ladder.worth_at_most(params.layers.side_notional_cap_quote * CAP_USED_FRAC, rules)
    return ladder if len(ladder) else Silence.BELOW_MINIMUM


def _why_no_size(outlook: Outlook, adds: bool, reducible: int | None, params: QuoteParams) -> Silence:
    """What has left no order as large as the venue asks."""
    if params.layers.size_by is SizeBy.EQUITY and outlook.equity_quote is None:
        return Silence.EQUITY_UNKNOWN
    if adds and reducible is None and outlook.adding_reason is not None:
        return outlook.adding_reason
    return Silence.BELOW_MINIMUM


def _why_empty(side: Side, stand: Stand, mark: float, bound: Decimal | None, limits: VenueLimits) -> Silence:
    """Why not even the nearest layer can be shown: the book leaves no room inside the band, or it is too small."""
    if stand.most_bps is None:
        return Silence.BELOW_MINIMUM
    (last,) = kernels.price_ticks(mark, limits.tick, side.sign, [stand.most_bps], False)
    is_outside = stand.distance_bps > stand.most_bps or last <= 0
    is_shut_out = bound is not None and (bound / limits.tick_exact - last) * side.sign < 0
    return Silence.OUT_OF_BAND if is_outside or is_shut_out else Silence.BELOW_MINIMUM


@dataclass(frozen=True, slots=True)
class VenueLimits:
    """A market's rules in ticks and lots. ``least_value`` is in ticks times lots."""

    tick: float
    tick_exact: Decimal
    least_lots: int
    most_lots: int | None
    least_value: int


@lru_cache(maxsize=64)
def venue_limits(rules: MarketRules) -> VenueLimits:
    return VenueLimits(
        float(rules.tick), rules.tick, max(1, math.ceil(rules.min_size / rules.step)),
        None if rules.max_size is None else int(rules.max_size / rules.step),
        math.ceil(rules.min_notional / (rules.tick * rules.step)),
    )  # fmt: skip


Shape = tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]


def shape(
    params: QuoteParams, rules: MarketRules, mark: float, range_bps: float | None,
    equity_quote: Decimal | None = None, is_balance_low: bool = False,
) -> Shape:
    """(layer and lots of each that the venue would take, distance of every layer behind the first), nearest first."""
    own = params.layers
    if own == ONE_LAYER:
        lots = int(params.order_size_base / rules.step)
        return ((0,), (lots,), (0.0,)) if lots > 0 else ((), (), ())
    volatility_bps = range_bps if own.shrink_from_bps is not None else None
    return layered(own, params.order_size_base, rules, _coarse(mark), volatility_bps, equity_quote, is_balance_low)


ONE_LAYER = LayerParams()
geometry = lru_cache(maxsize=64)(layers.geometry)


@lru_cache(maxsize=256)
def layered(
    params: LayerParams, order_size_base: Decimal, rules: MarketRules, mark: float, volatility_bps: float | None,
    equity_quote: Decimal | None, is_balance_low: bool,
) -> Shape:
    """``shape`` of several layers at a price near ``mark``."""
    shape = geometry(params)
    first = layers.first_size_base(params, order_size_base, Decimal(repr(mark)), equity_quote)
    if first is None:
        return (), (), shape.behind_bps
    frac = layers.shrunk_frac(params, volatility_bps)
    if is_balance_low:
        frac *= params.low_balance_size_frac
    sizes = layers.sizes_base(params, shape.weights, shape.behind_bps, first, mark, rules, frac)
    return sizes.layers, sizes.lots, shape.behind_bps


def _coarse(mark: float) -> float:
    """The mark rounded down by at most one percent: sizes need not follow every tick."""
    unit = 10.0 ** (math.floor(math.log10(mark)) - 2)
    return math.floor(mark / unit) * unit


def _smaller(which: Sequence[int], lots: Sequence[int], frac: float) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Layers and their lots cut to ``frac``, without the layers of which not one lot is left."""
    left = [int(each * frac) for each in lots]
    if all(left):
        return tuple(which), tuple(left)
    some = [(layer, each) for layer, each in zip(which, left, strict=True) if each]
    return tuple([layer for layer, _ in some]), tuple([each for _, each in some])


def _cut(lots: Sequence[int], most: int) -> tuple[int, ...]:
    """The first lots that are at most ``most`` together, the last one cut to fit."""
    kept: list[int] = []
    for each in lots:
        if most <= 0:
            break
        kept.append(min(each, most))
        most -= each
    return tuple(kept)


def _bound_tick(bound: Decimal, tick: Decimal, sign: int) -> int:
    """Tick of the best price that cannot take, on the lattice and no nearer to the market."""
    return math.floor(bound / tick) if sign > 0 else math.ceil(bound / tick)
