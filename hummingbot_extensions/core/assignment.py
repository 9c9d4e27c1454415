"""Which order serves which layer: one order, one layer, as many as possible, then as near as possible."""

from __future__ import annotations

from collections.abc import Sequence

from hummingbot_extensions.core.ladder import Ladder
from hummingbot_extensions.core.view import OrderState, OwnOrder
from hummingbot_extensions.kernels import quotes as kernels


def assigned(orders: Sequence[tuple[OwnOrder, int]], ladder: Ladder) -> dict[str, int]:
    """Position in the ladder that each order serves, by client id; orders that serve none are left out.

    ``orders`` come with their prices in ticks. Those that rest are assigned before those on their way.
    """
    taken: dict[str, int] = {}
    for state in (OrderState.LIVE, OrderState.PLACING):
        some = [pair for pair in orders if pair[0].state is state]
        if some and len(taken) < len(ladder):
            _assign(taken, some, ladder)
    return taken


def _assign(taken: dict[str, int], orders: Sequence[tuple[OwnOrder, int]], ladder: Ladder) -> None:
    """Add to ``taken`` what ``orders`` serve among the positions that are free."""
    free = sorted(set(range(len(ladder))) - set(taken.values())) if taken else range(len(ladder))
    columns = (ladder.ticks, ladder.near_ticks, ladder.far_ticks, ladder.min_lots, ladder.lots)
    if taken:
        columns = tuple([column[index] for index in free] for column in columns)  # type: ignore[assignment]
    found = kernels.match(
        ladder.side.sign, [at for _, at in orders], [lots_of(order, ladder) for order, _ in orders], *columns
    )
    for (order, _), index in zip(orders, found, strict=True):
        if index >= 0:
            taken[order.client_order_id] = free[index]


def ticks_of(order: OwnOrder, ladder: Ladder) -> int:
    """Price of an order in ticks, the nearest where a changed tick left it off the lattice."""
    return round(float(order.price) / float(ladder.tick))


def lots_of(order: OwnOrder, ladder: Ladder) -> int:
    """What is left of an order in lots."""
    return round(float(order.size) / float(ladder.step))
