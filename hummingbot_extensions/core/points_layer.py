"""The layer for a program's points: one more quote a side, behind those of the mode, by rules of its own."""

from __future__ import annotations

from dataclasses import replace

from hummingbot_extensions.core.ladder import Ladder, least_kept
from hummingbot_extensions.core.pricing import PricingParams
from hummingbot_extensions.core.quote import POINTS_LAYER
from hummingbot_extensions.kernels import quotes as kernels


def with_points(
    ladder: Ladder, params: PricingParams, first_lots: int, least_lots: int, most_lots: int | None, least_value: int
) -> Ladder:  # fmt: skip
    """``ladder`` with the layer for points behind its last one; as it is where the venue would not take that order.

    It stands ``points_distance_bps`` from the mark, whatever skew and volatility do to the others, on the lattice and
    at least a tick behind the last layer, so that it crosses no more than that one. ``first_lots`` is the size of the
    mode's first layer, ``least_value`` in ticks times lots.
    """
    distance, room = params.points_distance_bps, params.points_tolerance_bps
    if distance is None or not len(ladder):
        return ladder
    sign, tick = ladder.side.sign, float(ladder.tick)
    # Towards the market a price counts up on both sides.
    (near, wanted) = (at * sign for at in kernels.price_ticks(ladder.mark, tick, sign, [distance - room, distance]))
    (far,) = (at * sign for at in kernels.price_ticks(ladder.mark, tick, sign, [distance + room], False))
    at = min(wanted, ladder.ticks[-1] * sign - 1)
    lots = int(first_lots * params.points_size_frac)
    if most_lots is not None:
        lots = min(lots, most_lots)
    if at * sign <= 0 or lots < least_lots or lots * at * sign < least_value:
        return ladder
    return replace(
        ladder, layers=(*ladder.layers, POINTS_LAYER), offsets_bps=(*ladder.offsets_bps, distance),
        ticks=(*ladder.ticks, at * sign), lots=(*ladder.lots, lots),
        min_lots=(*ladder.min_lots, least_kept(lots)),
        near_ticks=(*ladder.near_ticks, max(near, at) * sign), far_ticks=(*ladder.far_ticks, min(far, at) * sign),
    )  # fmt: skip
