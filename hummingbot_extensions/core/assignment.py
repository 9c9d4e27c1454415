"""Which order serves which layer: one order, one layer, as many as possible, then as near as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from hummingbot_extensions.core.ladder import Ladder
from hummingbot_extensions.core.view import OrderState, OwnOrder
from hummingbot_extensions.kernels import orders as order_kernels
from hummingbot_extensions.kernels import quotes as kernels

_ID, _STATE, _IS_POINTS = attrgetter("client_order_id"), attrgetter("state"), attrgetter("is_points")
_PRICE, _SIZE, _PLACED_NS = attrgetter("price"), attrgetter("size"), attrgetter("placed_ns")


@dataclass(frozen=True, slots=True)
class Ranked:
    """Orders of one side, nearest to the market first, with price in ticks and what is left of each in lots."""

    orders: list[OwnOrder]
    ticks: list[int]
    lots: list[int]

    def only(self, places: Sequence[int]) -> Ranked:
        """Those at the places given."""
        return Ranked(
            [self.orders[at] for at in places], [self.ticks[at] for at in places], [self.lots[at] for at in places])


def ranked(orders: Sequence[OwnOrder], ladder: Ladder) -> Ranked:
    """``orders`` of the ladder's side on its lattice; of one price the oldest first."""
    at, ticks, lots = order_kernels.ranked(
        ladder.side.sign, list(map(_PRICE, orders)), list(map(_SIZE, orders)), list(map(_PLACED_NS, orders)),
        float(ladder.tick), float(ladder.step),
    )  # fmt: skip
    return Ranked([orders[each] for each in at], ticks, lots)


def assigned(found: Ranked, ladder: Ladder) -> dict[str, int]:
    """Position in the ladder that each order serves, by client id; orders that serve none are left out.

    Those that rest are assigned before those on their way. Orders for points serve the layer for points and no others
    do.
    """
    taken: dict[str, int] = {}
    every = len(ladder.ticks)
    own = every - ladder.has_points
    layers, points = range(own), range(own, every)
    states = list(map(_STATE, found.orders))
    for state in (OrderState.LIVE, OrderState.PLACING):
        count = states.count(state)
        if not count:
            continue
        some = found if count == len(states) else found.only([at for at, each in enumerate(states) if each is state])
        if points:
            for_points = list(map(_IS_POINTS, some.orders))
            _assign(taken, some.only([at for at, is_for in enumerate(for_points) if is_for]), ladder, points)
            some = some.only([at for at, is_for in enumerate(for_points) if not is_for])
        if some.orders and len(taken) < every:
            _assign(taken, some, ladder, layers)
    return taken


def _assign(taken: dict[str, int], some: Ranked, ladder: Ladder, free: Sequence[int]) -> None:
    """Add to ``taken`` what ``some`` orders serve among the positions ``free`` that are not taken."""
    columns: tuple[Sequence[int], ...] = (
        ladder.ticks, ladder.near_ticks, ladder.far_ticks, ladder.min_lots, ladder.lots
    )  # fmt: skip
    if taken or len(free) < len(ladder.ticks):
        free = sorted(set(free) - set(taken.values()))
        columns = tuple([column[index] for index in free] for column in columns)
    found = kernels.match(ladder.side.sign, some.ticks, some.lots, *columns)
    taken.update({name: free[at] for name, at in zip(map(_ID, some.orders), found, strict=True) if at >= 0})
