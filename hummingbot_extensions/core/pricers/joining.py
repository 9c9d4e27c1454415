"""Pricers that join the best price of others: both sides for rebates, the reducing side to get rid of a position."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeGuard

from hummingbot_extensions.core.pricing import (
    NoPrice,
    PriceInputs,
    PricingParams,
    SidePrice,
    clear_of_touch,
    distance_bps,
)
from hummingbot_extensions.core.rounding import round_passive
from hummingbot_extensions.core.types import Side


def rebate(side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """At the best price of others, or ``rebate_improve_ticks`` in front of it, a tick clear of the other side's best.

    Where nobody else is known to stand on the side, or the other side's best is unknown, the quote stands
    ``rebate_standoff_bps`` from the mark: alone at the best price it would be the first that a move takes, and in front
    of its own order it would chase itself.
    """
    others = inputs.others(side)
    if not _is_known(others) or not _is_known(inputs.touch(side.opposite)):
        return clear_of_touch(side, SidePrice.of(("standoff", params.rebate_standoff_bps)), inputs)
    price = SidePrice.of(("best", distance_bps(side, others, inputs.mark)))
    if params.rebate_improve_ticks:
        price = price.plus("improve", -params.rebate_improve_ticks * inputs.tick / inputs.mark * 1e4)
    return clear_of_touch(side, price, inputs)


def pinning(side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """The reducing side at the best price of others, the adding one ``pinning_width_bps`` from the mark.

    The adding side stays: without it the spread shown would be as wide as the farthest layer.
    """
    if inputs.inventory_base * side.sign < 0:
        return rebate(side, inputs, params)
    return clear_of_touch(side, SidePrice.of(("pinning_width", params.pinning_width_bps)), inputs)


def best_of_others(
    side: Side,
    levels: Iterable[tuple[Decimal, Decimal]],
    own: Iterable[tuple[Decimal, Decimal]],
    grid: Decimal,
    tick: Decimal,
    touch: Decimal | None,
) -> Decimal | None:
    """Best price of ``side`` at which somebody else stands; None where the shown levels hold nobody else.

    ``levels`` are (price, size) as shown, best first, on a ``grid`` that truncates both sides down; ``own`` are price
    and size of our orders there. ``touch`` is the exact best price, which is the answer unless it is ours. Behind it
    only the level is known: a bid joins its lower edge, an ask its upper one.
    """
    mine: dict[Decimal, Decimal] = {}
    prices = set()
    for price, size in own:
        shown = round_passive(price, grid, is_bid=True)
        mine[shown] = mine.get(shown, Decimal(0)) + size
        prices.add(price)
    for place, (price, size) in enumerate(levels):
        if size > mine.get(price, Decimal(0)):
            if place == 0 and touch is not None and touch not in prices:
                return touch
            return price if side is Side.BUY else price + max(grid, tick) - tick
    return None


def _is_known(price: float | None) -> TypeGuard[float]:
    return price is not None and price > 0
