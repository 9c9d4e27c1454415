"""Which order serves which layer: one order, one layer, as many as possible, then as near as possible."""

from __future__ import annotations

from collections.abc import Sequence

from hummingbot_extensions.core.ladder import Ladder
from hummingbot_extensions.core.view import OrderState, OwnOrder
from hummingbot_extensions.kernels import quotes as kernels


def assigned(orders: Sequence[OwnOrder], ladder: Ladder) -> dict[str, int]:
    """Position in the ladder that each order serves, by client id; orders that serve none are left out.

    Orders that rest are assigned before those on their way.
    """
    taken: dict[str, int] = {}
    for state in (OrderState.LIVE, OrderState.PLACING):
        some = [order for order in orders if order.state is state]
        free = [index for index in range(len(ladder)) if index not in taken.values()] if taken else None
        if some and free != []:
            _assign(taken, some, ladder, free)
    return taken


def _assign(taken: dict[str, int], orders: Sequence[OwnOrder], ladder: Ladder, free: Sequence[int] | None) -> None:
    """Add to ``taken`` what ``orders`` serve among the positions ``free``; None: all of them."""

    def those(values: Sequence[int]) -> list[int]:
        return list(values) if free is None else [values[index] for index in free]

    found = kernels.match(
        ladder.side.sign,
        [ticks_of(order, ladder) for order in orders],
        [lots_of(order, ladder) for order in orders],
        those(ladder.ticks), those(ladder.near_ticks), those(ladder.far_ticks), those(ladder.min_lots),
        those(ladder.lots),
    )  # fmt: skip
    for order, index in zip(orders, found, strict=True):
        if index >= 0:
            taken[order.client_order_id] = index if free is None else free[index]


def ticks_of(order: OwnOrder, ladder: Ladder) -> int:
    """Price of an order in ticks, the nearest where a changed tick left it off the lattice."""
    return round(float(order.price) / float(ladder.tick))


def lots_of(order: OwnOrder, ladder: Ladder) -> int:
    """What is left of an order in lots."""
    return round(float(order.size) / float(ladder.step))
