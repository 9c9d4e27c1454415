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
from hummingbot_extensions.core.ladder import NO_DANGER_BPS, Ladder, Stand
from hummingbot_extensions.core.layers import LayerParams
from hummingbot_extensions.core.mode_switch import side_allowed
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import (
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

SIZE_KEPT_FRAC = 0.5
"""An order that partial fills left under this part of the wanted size is replaced."""


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


def nearest_price(side: Side, view: MarketView, has_queue_limit: bool) -> Decimal | None:
    """Best price that ``side`` may ask for: passive, and behind the book levels that count as near."""
    bound = passive_bound(side, view)
    if not has_queue_limit or bound is None:
        return bound
    if side is Side.BUY:
        return bound if view.bid_queue is None else min(bound, view.bid_queue - view.rules.tick)
    return bound if view.ask_queue is None else max(bound, view.ask_queue + max(view.grid, view.rules.tick))


def passive_bound(side: Side, view: MarketView) -> Decimal | None:
    """Best price that cannot take: a bid a tick under the shown ask, an ask a whole grid step above the shown bid.

    Both sides of the book are shown truncated down, so the true ask is never below the shown one, while the true bid
    may stand almost a step above. None while the opposite side is empty.
    """
    if side is Side.BUY:
        return None if view.ask is None else view.ask - view.rules.tick
    return None if view.bid is None else view.bid + max(view.grid, view.rules.tick)


def side_ladder(side: Side, outlook: Outlook, view: MarketView, params: QuoteParams) -> Ladder | Silence:
    """What ``side`` should show given the position tiers: all layers, reduce only, or nothing.

    From the soft limit on, and through a hard stop, only the reducing side is quoted, marked reduce-only and together
    no larger than the position. A hard stop with recovery ``wait`` quotes nothing.
    """
    position = outlook.position
    is_restricted = outlook.is_hard_stopped or abs(position) >= params.soft_limit_base
    adds = is_adding(side, position)
    if is_restricted:
        if adds:
            return Silence.HARD_STOP if outlook.is_hard_stopped else Silence.SOFT_LIMIT
        if outlook.is_hard_stopped and params.hard_stop_recovery is HardStopRecovery.WAIT:
            return Silence.HARD_STOP
    elif params.pricing.ping_pong and not side_allowed(
        side, float(position), float(view.rules.min_size), params.pricing
    ):
        return Silence.PING_PONG
    stand = first_stand(side, outlook, is_restricted, params)
    if isinstance(stand, Silence):
        return stand
    reducible = None
    if is_restricted:
        step = view.rules.step
        share = maker_share(position, step, params.exit_params()) if outlook.is_hard_stopped else abs(position)
        reducible = int(share / step)
    return _ladder(side, stand, outlook, adds, reducible, view, params)


def first_stand(side: Side, outlook: Outlook, is_loss_rule: bool, params: QuoteParams) -> Stand | Silence:
    """The first layer: the mode's price, moved by skew within its bounds, farther while volatile, never under a floor.

    In mode ``uptime`` nothing leaves the paying band. The distances at which an order is too near or too far follow the
    intended distance, so that skew never cancels its own quotes.
    """
    priced = pricers.price(outlook.mode, side, outlook.prices, params.pricing)
    if isinstance(priced, NoPrice):
        return Silence.NO_PRICE
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
    if params.pricing.breakeven:
        price = with_breakeven(side, price, outlook.prices, most, is_loss_rule)
    price = with_floor(price, outlook.prices, params.pricing)
    if most is not None and price.distance_bps > most >= base:
        price = price.plus("band", most - price.distance_bps)
    return _stand(price, skewed, base, most, outlook, params)


def _stand(
    price: SidePrice, skewed: float, base: float, most: float | None, outlook: Outlook, params: QuoteParams
) -> Stand:
    intended = price.distance_bps
    floor = least_distance_bps(outlook.prices, params.pricing)
    if most is not None:
        near = skew.too_near_bps(params.cancel_distance_bps, skewed, base)
        far = skew.too_far_bps(params.rebalance_distance_bps, intended, base, most)
        return Stand(price.terms, intended, near, near, far, most)
    tolerance = params.requote_tolerance_bps * outlook.tolerance_scale
    risk = NO_DANGER_BPS
    if outlook.mode not in JOINING_MODES and base > 0:
        risk = skew.too_near_bps(params.cancel_distance_bps, max(skewed, 0.0), base)
    near = max(intended - tolerance, risk, NO_DANGER_BPS if floor is None else floor)
    return Stand(price.terms, intended, risk, near, intended + tolerance, None)


def _ladder(
    side: Side, stand: Stand, outlook: Outlook, adds: bool, reducible: int | None, view: MarketView, params: QuoteParams
) -> Ladder | Silence:
    """All layers behind ``stand``, never crossing, on the lattice, of sizes that the venue takes."""
    rules, sign, mark = view.rules, side.sign, outlook.mark
    which, lots, behind = shape(params, rules, mark, outlook.prices.range_bps)
    count = len(which)
    if adds and reducible is None and outlook.skew.inventory_frac:
        count = min(count, layers.adding_layers(count, outlook.skew.inventory_frac, params.layers.adding_cut_frac))
        kept = skew.adding_size_frac(outlook.skew.inventory_frac, params.skew)
        if kept < 1.0:
            lots = tuple(int(each * kept) for each in lots)
    if reducible is not None:
        lots = _cut(lots, reducible)
        count = min(count, len(lots))
    if not count:
        return Silence.BELOW_MINIMUM
    offsets = [behind[layer] * outlook.spacing_scale for layer in which[:count]]
    distances = [stand.distance_bps + offset for offset in offsets]
    bound = nearest_price(side, view, stand.risk_bps > NO_DANGER_BPS)
    tick = float(rules.tick)
    ticks, sizes, first = kernels.ladder_ticks(
        mark, tick, sign, distances, list(lots[:count]),
        None if bound is None else _bound_tick(bound, rules.tick, sign), 1, _most_lots(rules),
    )  # fmt: skip
    most = stand.most_bps
    if most is not None:
        (last,) = kernels.price_ticks(mark, tick, sign, [most], False)
        held = [index for index, each in enumerate(ticks) if (each - last) * sign >= 0]
        if len(held) < len(ticks) and not held and distances[0] <= most and _is_clear(last, bound, rules.tick, sign):
            ticks, held = [last, *ticks[1:]], [0]  # rounding alone put it outside
        ticks, sizes, first = ([values[index] for index in held] for values in (ticks, sizes, first))
    if not ticks:
        return Silence.OUT_OF_BAND
    return _checked(side, stand, mark, rules, which, offsets, ticks, sizes, first, reducible is not None)


def _checked(
    side: Side, stand: Stand, mark: float, rules: MarketRules, which: Sequence[int], offsets: Sequence[float],
    ticks: Sequence[int], sizes: Sequence[int], first: Sequence[int], is_reduce_only: bool,
) -> Ladder | Silence:  # fmt: skip
    """The ladder of the layers that are large enough, with the prices between which an order may stay."""
    least = _least_lots(rules)
    lot_quote = float(rules.step) * float(rules.tick)
    keep = [
        index for index, lots in enumerate(sizes)
        if lots >= least and (
            lots * ticks[index] * lot_quote > float(rules.min_notional) * (1 + 1e-9)
            or lots * rules.step * ticks[index] * rules.tick >= rules.min_notional)
    ]  # fmt: skip
    if not keep:
        return Silence.BELOW_MINIMUM
    sign, tick = side.sign, float(rules.tick)
    far_bps, near_bps, behind = [], [], []
    for index in keep:
        offset = offsets[first[index]]
        behind.append(offset)
        near_bps.append(stand.near_bps + offset)
        far_bps.append(stand.far_bps + offset)
    if stand.most_bps is not None:
        far_bps = [min(bps, stand.most_bps) for bps in far_bps]
    near = kernels.price_ticks(mark, tick, sign, near_bps)
    far = kernels.price_ticks(mark, tick, sign, far_bps, False)
    (risk,) = kernels.price_ticks(mark, tick, sign, [stand.risk_bps])
    shown = [ticks[index] for index in keep]
    lots = [sizes[index] for index in keep]
    if any((each - limit) * sign < 0 for each, limit in zip(shown, far, strict=True)):
        # Where the book or a coarse tick holds a quote beyond that, an order stays as long as it earns.
        last = None
        if stand.most_bps is not None:
            (last,) = kernels.price_ticks(mark, tick, sign, [stand.most_bps], False)
        far = [
            limit if (each - limit) * sign >= 0 else each if last is None else last
            for each, limit in zip(shown, far, strict=True)
        ]
    return Ladder(
        side, mark, rules.tick, rules.step, is_reduce_only, stand, tuple(which[first[index]] for index in keep),
        tuple(behind), tuple(shown), tuple(lots), tuple(max(1, math.ceil(each * SIZE_KEPT_FRAC)) for each in lots),
        tuple(near), tuple(far), risk,
    )  # fmt: skip


def shape(
    params: QuoteParams, rules: MarketRules, mark: float, range_bps: float | None
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]:
    """(layer and lots of each that the venue would take, distance of every layer behind the first), nearest first."""
    own = params.layers
    if own == ONE_LAYER:
        lots = int(params.order_size_base / rules.step)
        return ((0,), (lots,), (0.0,)) if lots > 0 else ((), (), ())
    volatility_bps = range_bps if own.shrink_from_bps is not None else None
    return *layer_lots(own, params.order_size_base, rules, _coarse(mark), volatility_bps), geometry(own).behind_bps


ONE_LAYER = LayerParams()
geometry = lru_cache(maxsize=64)(layers.geometry)


@lru_cache(maxsize=256)
def layer_lots(
    params: LayerParams, order_size_base: Decimal, rules: MarketRules, mark: float, volatility_bps: float | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(layer, lots) of every layer that the venue would take at a price near ``mark``, nearest first."""
    shape = geometry(params)
    first = layers.first_size_base(params, order_size_base, Decimal(repr(mark)))
    if first is None:
        return (), ()
    frac = layers.shrunk_frac(params, volatility_bps)
    sizes = layers.sizes_base(params, shape.weights, shape.behind_bps, first, mark, rules, frac)
    return sizes.layers, sizes.lots


def _coarse(mark: float) -> float:
    """The mark rounded down by at most one percent: sizes need not follow every tick."""
    unit = 10.0 ** (math.floor(math.log10(mark)) - 2)
    return math.floor(mark / unit) * unit


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


def _is_clear(tick_number: int, bound: Decimal | None, tick: Decimal, sign: int) -> bool:
    return bound is None or (_bound_tick(bound, tick, sign) - tick_number) * sign >= 0


def _least_lots(rules: MarketRules) -> int:
    return max(1, math.ceil(rules.min_size / rules.step))


def _most_lots(rules: MarketRules) -> int | None:
    return None if rules.max_size is None else int(rules.max_size / rules.step)
