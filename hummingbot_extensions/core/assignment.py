"""Which order serves which layer: one order, one layer, as many as possible, then as near as possible."""

from __future__ import annotations

from collections.abc import Sequence

from hummingbot_extensions.core.ladder import Ladder
from hummingbot_extensions.core.view import OrderState, OwnOrder
from hummingbot_extensions.kernels import quotes as kernels


def assigned(orders: Sequence[tuple[OwnOrder, int, int]], ladder: Ladder) -> dict[str, int]:
    """Position in the ladder that each order serves, by client id; orders that serve none are left out.

    ``orders`` come with their prices in ticks and what is left of them in lots. Those that rest are assigned before
    those on their way. Orders for points serve the layer for points and no others do.
    """
    taken: dict[str, int] = {}
    layers, points = range(len(ladder) - ladder.has_points), range(len(ladder) - ladder.has_points, len(ladder))
    for state in (OrderState.LIVE, OrderState.PLACING):
        some = [each for each in orders if each[0].state is state]
        if points and some:
            _assign(taken, [each for each in some if each[0].is_points], ladder, points)
            some = [each for each in some if not each[0].is_points]
        if some and len(taken) < len(ladder):
            _assign(taken, some, ladder, layers)
    return taken


def _assign(
    taken: dict[str, int], orders: Sequence[tuple[OwnOrder, int, int]], ladder: Ladder, free: Sequence[int]
) -> None:
    """Add to ``taken`` what ``orders`` serve among the positions ``free`` that are not taken."""
    columns: tuple[Sequence[int], ...] = (
        ladder.ticks, ladder.near_ticks, ladder.far_ticks, ladder.min_lots, ladder.lots
    )  # fmt: skip
    if taken or len(free) < len(ladder):
        free = sorted(set(free) - set(taken.values()))
        columns = tuple([column[index] for index in free] for column in columns)
    found = kernels.match(
        ladder.side.sign, [ticks for _, ticks, _ in orders], [lots for _, _, lots in orders], *columns
    )
    for (order, _, _), index in zip(orders, found, strict=True):
        if index >= 0:
            taken[order.client_order_id] = free[index]


def ticks_and_lots(orders: Sequence[OwnOrder], ladder: Ladder) -> list[tuple[int, int]]:
    """(price in ticks, what is left in lots) of each order, the nearest where a changed lattice left it off."""
    tick, step = float(ladder.tick), float(ladder.step)
    return [(round(float(order.price) / tick), round(float(order.size) / step)) for order in orders]
