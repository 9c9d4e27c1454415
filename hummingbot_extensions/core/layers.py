"""Layers of one side: where they stand, how large each is, and how many of them are shown.

Layers count from 0, nearest to the market first. Distances are the same on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import ceil, floor, inf

from hummingbot_extensions.core.gate_params import MAX_ORDER_SIZE_TEXT
from hummingbot_extensions.core.spec import param
from hummingbot_extensions.core.view import MarketRules

MAX_LAYERS = 64
MAX_SPACING_MULTIPLIER = 10.0
FLOAT_SLACK = 1e-9
"""What a float may miss an integer by and still be meant as it."""


class SizeBy(StrEnum):
    """What the size of the first layer is given as; the others follow from it."""

    BASE = "base"
    NOTIONAL = "notional"
    EQUITY = "equity"


class SmallLayers(StrEnum):
    """What becomes of a layer under the venue's minimum: left out, or put together with its neighbours."""

    DROP = "drop"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class LayerParams:
    """Distances in bps, fractions bare; one layer of the plain order size unless said otherwise.

    The gap behind layer n is ``first_spacing_bps`` x ``spacing_multiplier`` ^ n, at most ``max_spacing_bps`` (None: no
    cap, which is spacing by a ratio alone). The first layer stands where the pricer puts it. Layer n has the first
    one's size x ``size_decay`` ^ n.
    """

    layer_count: int = param(
        1, "Orders on each side, as a count.", "layers", "Orders on each side: ", ge=1, le=MAX_LAYERS
    )
    first_spacing_bps: float = param(1.2, "Gap between the first and the second layer, bps.", "layers", gt=0, le=500)
    spacing_multiplier: float = param(
        1.15, "Each gap is so many times the one before it, as a factor.", "layers", gt=1, le=MAX_SPACING_MULTIPLIER
    )
    max_spacing_bps: float | None = param(None, "Largest gap, bps; left out: no cap.", "layers", gt=0, le=500)
    size_by: SizeBy = param(
        SizeBy.BASE,
        "What sets the size of the first layer: base (order_size_base), notional (layer_notional_quote) or equity "
        "(layer_equity_frac).",
        "layers",
    )
    layer_notional_quote: Decimal | None = param(
        None, "Value of the first layer with size_by notional, quote units.", "layers", gt=0
    )
    layer_equity_frac: Decimal | None = param(
        None,
        "Value of the first layer with size_by equity, as a fraction of the account's equity; 0.02 is 2 %.",
        "layers",
        gt=0,
        le=10,
    )
    size_decay: Decimal = param(
        Decimal(1),
        "Each layer has so much of the size of the one before it, as a factor; 1: equal sizes.",
        "layers",
        gt=0,
        le=1,
    )
    small_layers: SmallLayers = param(
        SmallLayers.DROP,
        "Layers smaller than the venue takes: drop (left out) or merge (put together into fewer orders).",
        "layers",
    )
    max_order_size_base: Decimal | None = param(None, MAX_ORDER_SIZE_TEXT, "limits", gt=0)
    adding_cut_frac: float = param(
        0.0,
        "Fraction of its layers that the adding side gives up at the soft limit; 0: none.",
        "layers",
        ge=0,
        le=1,
    )
    side_notional_cap_quote: Decimal | None = param(
        None,
        "Most that the orders of one side are worth together, quote units: the deepest layers go first; left out: no "
        "cap.",
        "layers",
        gt=0,
    )
    shrink_from_bps: float | None = param(
        None, "Range of the mid above which sizes shrink, bps; left out: never.", "layers", ge=0, le=10_000
    )
    shrink_until_bps: float | None = param(
        None, "Range of the mid at which sizes are at their smallest, bps.", "layers", gt=0, le=10_000
    )
    shrink_to_frac: float = param(0.5, "Fraction of the size that is left at shrink_until_bps.", "layers", gt=0, le=1)

    low_balance_quote: Decimal | None = param(
        None,
        "Under this equity of the account quotes are wider and smaller, quote units; left out: never.",
        "layers",
        gt=0,
    )
    low_balance_widen_bps: float = param(
        2.0, "New quotes stand so much farther away while the balance is low, bps.", "layers", ge=0, le=500
    )
    low_balance_size_frac: float = param(
        0.5, "Fraction of the size that is left while the balance is low.", "layers", gt=0, le=1
    )

    def problems(self, order_size_base: Decimal | None = None) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule; empty when all hold.

        ``order_size_base`` is the first layer's size where sizes are given in base.
        """
        shrinks = self.shrink_from_bps is not None or self.shrink_until_bps is not None
        rules: list[tuple[bool, str, str]] = [
            (
                1 <= self.layer_count <= MAX_LAYERS,
                "layer_count",
                f"{self.layer_count} is not between 1 and {MAX_LAYERS}. Set it to 1 for a single quote a side",
            ),
            (
                0 < self.first_spacing_bps < inf,
                "first_spacing_bps",
                f"{self.first_spacing_bps:g} is not above 0, so layers would stand on each other. Raise it",
            ),
            (
                1 < self.spacing_multiplier <= MAX_SPACING_MULTIPLIER,
                "spacing_multiplier",
                f"{self.spacing_multiplier:g} is not above 1 and at most {MAX_SPACING_MULTIPLIER:g}, "
                "so layers would not spread out or fly apart. Set it between, for example to 1.15",
            ),
            (
                self.max_spacing_bps is None or self.first_spacing_bps <= self.max_spacing_bps < inf,
                "max_spacing_bps",
                f"{self.max_spacing_bps} is below first_spacing_bps {self.first_spacing_bps:g}. "
                "Raise it, or leave it out for no cap",
            ),
            (
                _is_positive(self.size_decay) and self.size_decay <= 1,
                "size_decay",
                f"{self.size_decay} is not above 0 and at most 1. Set it to 1 for equal sizes",
            ),
            (
                self.size_by is not SizeBy.NOTIONAL or _is_positive(self.layer_notional_quote),
                "layer_notional_quote",
                f"{self.layer_notional_quote} is not above 0, but size_by is notional. Set it",
            ),
            (
                self.size_by is not SizeBy.EQUITY or _is_positive(self.layer_equity_frac),
                "layer_equity_frac",
                f"{self.layer_equity_frac} is not above 0, but size_by is equity. Set it",
            ),
            (
                self.max_order_size_base is None or _is_positive(self.max_order_size_base),
                "max_order_size_base",
                f"{self.max_order_size_base} is not above 0. Raise it, or leave it out for no limit",
            ),
            (
                self.size_by is not SizeBy.BASE
                or self.max_order_size_base is None
                or not _is_positive(self.max_order_size_base)
                or order_size_base is None
                or order_size_base <= self.max_order_size_base,
                "max_order_size_base",
                f"{self.max_order_size_base} is below the order size {order_size_base}. Lower the size or raise it",
            ),
            (
                0 <= self.adding_cut_frac <= 1,
                "adding_cut_frac",
                f"{self.adding_cut_frac:g} is not between 0 and 1. Set it to 0 to keep all layers",
            ),
            (
                self.side_notional_cap_quote is None or _is_positive(self.side_notional_cap_quote),
                "side_notional_cap_quote",
                f"{self.side_notional_cap_quote} is not above 0. Raise it, or leave it out for no cap",
            ),
            (
                not shrinks
                or (
                    self.shrink_from_bps is not None
                    and self.shrink_until_bps is not None
                    and 0 <= self.shrink_from_bps < self.shrink_until_bps < inf
                ),
                "shrink_until_bps",
                f"{self.shrink_until_bps} is not above shrink_from_bps {self.shrink_from_bps}. Set both, or neither",
            ),
            (
                self.low_balance_quote is None or _is_positive(self.low_balance_quote),
                "low_balance_quote",
                f"{self.low_balance_quote} is not above 0. Raise it, or leave it out for no such profile",
            ),
            (
                0 <= self.low_balance_widen_bps < inf,
                "low_balance_widen_bps",
                f"{self.low_balance_widen_bps:g} is below 0, so quotes would come nearer. Raise it",
            ),
            (
                0 < self.low_balance_size_frac <= 1,
                "low_balance_size_frac",
                f"{self.low_balance_size_frac:g} is not above 0 and at most 1. Raise or lower it",
            ),
            (
                0 < self.shrink_to_frac <= 1,
                "shrink_to_frac",
                f"{self.shrink_to_frac:g} is not above 0 and at most 1. Raise or lower it",
            ),
        ]
        found = [(field, text) for holds, field, text in rules if not holds]
        if not found and (deepest := geometry(self).behind_bps[-1]) >= 1e4:
            text = f"the last of {self.layer_count} stands {deepest:g} bps behind the first, where a bid has no price"
            found.append(("layer_count", f"{text}. Ask for fewer, or cap the spacing"))
        return found


def _is_positive(value: Decimal | None) -> bool:
    return value is not None and value.is_finite() and value > 0


@dataclass(frozen=True, slots=True)
class Geometry:
    """What the parameters alone say about the layers; worth keeping, it changes with them only."""

    behind_bps: tuple[float, ...]
    """Distance of each layer from the first one, 0 for itself."""
    weights: tuple[Decimal, ...]
    """Size of each layer as a share of the first one's."""


def spacings_bps(params: LayerParams) -> tuple[float, ...]:
    """Gap behind each layer but the last.

    >>> [round(gap, 3) for gap in spacings_bps(LayerParams(layer_count=4, spacing_multiplier=1.2, max_spacing_bps=1.5))]
    [1.2, 1.44, 1.5]
    """
    cap = inf if params.max_spacing_bps is None else params.max_spacing_bps
    return tuple(
        min(params.first_spacing_bps * params.spacing_multiplier**layer, cap) for layer in range(params.layer_count - 1)
    )


def geometry(params: LayerParams) -> Geometry:
    """Distances and relative sizes of the layers; the same parameters always give the same."""
    behind, weights = [0.0], [Decimal(1)]
    for gap in spacings_bps(params):
        behind.append(behind[-1] + gap)
        weights.append(weights[-1] * params.size_decay)
    return Geometry(tuple(behind), tuple(weights))


@dataclass(frozen=True, slots=True)
class LayerSizes:
    """Sizes of the layers that can be placed, nearest first, in lots of ``step_base``.

    ``layers`` names the layer at whose distance each stands. ``valid`` of ``asked`` layers are large enough on their
    own; the rest were put together or left out.
    """

    layers: tuple[int, ...]
    lots: tuple[int, ...]
    step_base: Decimal
    valid: int
    asked: int
    asked_base: Decimal
    """Size of all layers asked for, before rounding and before any shrinking."""

    @property
    def sizes_base(self) -> tuple[Decimal, ...]:
        return tuple(lots * self.step_base for lots in self.lots)

    @property
    def total_base(self) -> Decimal:
        return sum(self.lots) * self.step_base


def first_size_base(
    params: LayerParams, order_size_base: Decimal, price: Decimal, equity_quote: Decimal | None = None
) -> Decimal | None:
    """Size of the first layer before rounding; None where it needs an equity that is not known or not positive."""
    if params.size_by is SizeBy.NOTIONAL:
        return None if params.layer_notional_quote is None else params.layer_notional_quote / price
    if params.size_by is SizeBy.EQUITY:
        if params.layer_equity_frac is None or equity_quote is None or not _is_positive(equity_quote):
            return None
        return equity_quote * params.layer_equity_frac / price
    return order_size_base


def shrunk_frac(params: LayerParams, volatility_bps: float | None) -> float:
    """Share of the size that is left at this volatility, in [``shrink_to_frac``, 1]; the least while it is unknown."""
    low, high = params.shrink_from_bps, params.shrink_until_bps
    if low is None or high is None:
        return 1.0
    if volatility_bps is None or not volatility_bps < high:
        return params.shrink_to_frac
    return 1.0 - (1.0 - params.shrink_to_frac) * max(0.0, volatility_bps - low) / (high - low)


def sizes_base(
    params: LayerParams,
    weights: Sequence[Decimal],
    distances_bps: Sequence[float],
    first_base: Decimal,
    mark: float,
    rules: MarketRules,
    size_frac: float = 1.0,
) -> LayerSizes:
    """Sizes of the layers at ``distances_bps`` from the mark, with the venue's minima and every maximum kept.

    ``first_base`` is the first layer's size, ``weights`` the others' shares of it (``Geometry``). A notional is taken
    at the bid's price, the lower of the two sides, so that both sides have the same sizes. ``size_frac`` shrinks the
    layers, but none that has the minimum to less than that.

    Merging keeps the total: what the small layers had, and what rounding took off the others, stands as few orders,
    each at the nearest of the layers put together; a rest under the minimum joins the order before it. Less than a step
    of the total is lost, and what no order may take because of a maximum.
    """
    step = rules.step
    frac = None if size_frac == 1.0 else Decimal(repr(size_frac))
    lot_quote, min_notional = mark * float(step), float(rules.min_notional)
    min_lots = max(1, ceil(rules.min_size / step))
    limits = [size for size in (rules.max_size, params.max_order_size_base) if size is not None]
    cap = int(min(limits) / step) if limits else None
    wanted: list[Decimal] = []
    least: list[int] = []
    placed: list[int] = []
    for weight, bps in zip(weights, distances_bps, strict=True):
        lot_notional = lot_quote * (1.0 - bps / 1e4)
        if not lot_notional > 0.0:
            break
        minimum = max(min_lots, ceil(min_notional / lot_notional - FLOAT_SLACK))
        size = first_base * weight
        lots = int(size / step)
        # Sizes fall and minima rise with the depth: behind the first layer that is too small all are.
        is_valid = len(placed) == len(wanted) and lots >= minimum and (cap is None or cap >= minimum)
        if frac is not None:
            size = max(size * frac, minimum * step) if is_valid else size * frac
            lots = int(size / step)
        if is_valid:
            placed.append(lots if cap is None else min(lots, cap))
        wanted.append(size)
        least.append(minimum)
    valid = len(placed)
    layers = list(range(valid))
    if valid < len(wanted) and params.small_layers is SmallLayers.MERGE:
        _merge(wanted, step, least, cap, layers, placed)
    asked_base = first_base * sum(weights, Decimal(0))
    return LayerSizes(tuple(layers), tuple(placed), step, valid, len(weights), asked_base)


def _merge(
    wanted: Sequence[Decimal],
    step: Decimal,
    least: Sequence[int],
    cap: int | None,
    layers: list[int],
    placed: list[int],
) -> None:
    """Add to ``layers`` and their ``placed`` lots, which are the valid ones, what the layers behind them amount to."""
    start = len(layers)
    pool = sum((size % step for size in wanted[:start]), Decimal(0))
    for layer in range(start, len(wanted)):
        pool += wanted[layer]
        lots = int(pool / step) if cap is None else min(int(pool / step), cap)
        if lots >= least[start]:
            layers.append(start)
            placed.append(lots)
            pool -= lots * step
            start = layer + 1
    rest = int(pool / step)
    for at in reversed(range(len(placed))):
        more = rest if cap is None else min(rest, cap - placed[at])
        placed[at] += more
        rest -= more


def adding_layers(count: int, inventory_frac: float, cut_frac: float) -> int:
    """Layers that the side which adds to the position keeps; the side that reduces it keeps all.

    ``inventory_frac`` is the position over its limit, of either sign; beyond 1 counts as 1. At 1 ``cut_frac`` of
    the layers is gone, but never the first.
    >>> adding_layers(18, 0.5, 0.6), adding_layers(18, -1.0, 0.6), adding_layers(1, 1.0, 0.6)
    (12, 7, 1)
    """
    if not abs(inventory_frac) < inf:
        raise ValueError(f"inventory_frac must be finite, got {inventory_frac}")
    kept = floor(count * (1.0 - cut_frac * min(1.0, abs(inventory_frac))) + FLOAT_SLACK)
    return min(count, max(1, kept))
