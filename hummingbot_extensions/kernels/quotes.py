"""Layers of one side in ticks and lots: the typed entry, and the only importer of the compiled loops and their twin.

``HBX_PURE_PYTHON=1`` forces the twin; without a compiled extension the twin serves as well, only slower. ``sign`` is +1
for bids and -1 for asks. Sequences hold at most 256 items, nearest to the market first; lists are fastest. ValueError
for what cannot be: unequal lengths, a mark that is not a positive number, ticks or lots of 2**53 and more.
"""

from __future__ import annotations

from collections.abc import Sequence

from hummingbot_extensions.kernels import _quotes_py
from hummingbot_extensions.kernels.loading import loaded

_impl, IS_COMPILED = loaded("hummingbot_extensions.kernels._quotes", _quotes_py)


def price_ticks(
    mark: float, tick: float, sign: int, distances_bps: Sequence[float], is_passive: bool = True
) -> list[int]:
    """Tick at each distance from the mark: passive is bids down and asks up, not passive the other way.

    A price within a millionth of a tick of the lattice is on it. Passive ticks are the nearest at which an order stands
    at least so far away, the others the farthest at which it stands at most so far. They may be 0 or less.
    >>> price_ticks(100.0, 0.01, 1, [0.0, 7.55]), price_ticks(100.0, 0.01, 1, [7.55], False)
    ([10000, 9992], [9993])
    """
    found: list[int] = _impl.price_ticks(mark, tick, sign, distances_bps, is_passive)
    return found


def ladder_ticks(
    mark: float,
    tick: float,
    sign: int,
    distances_bps: Sequence[float],
    lots: Sequence[int],
    bound_tick: int | None = None,
    min_tick: int = 1,
    max_lots: int | None = None,
) -> tuple[list[int], list[int], list[int]]:
    """(ticks, lots, first layer of each) of a side, nearest first, every tick once.

    Distances must not come nearer from layer to layer, lots are positive. Each layer is rounded passively, then held at
    ``bound_tick``, the best price that cannot take. Layers that meet on one tick become one order with the lots of all,
    at most ``max_lots``; layers below ``min_tick`` are left out.
    >>> ladder_ticks(100.0, 0.01, 1, [-1.0, 1.0, 6.0], [5, 4, 3], bound_tick=9999)
    ([9999, 9994], [9, 3], [0, 2])
    """
    found: tuple[list[int], list[int], list[int]] = _impl.ladder_ticks(
        mark, tick, sign, distances_bps, lots, bound_tick, min_tick, max_lots
    )
    return found


def side_ladder(
    mark: float,
    tick: float,
    sign: int,
    stand_bps: tuple[float, float, float, float],
    most_bps: float | None,
    offsets_bps: Sequence[float],
    lots: Sequence[int],
    bound_tick: int | None = None,
    max_lots: int | None = None,
    least_lots: int = 1,
    least_value: int = 1,
) -> tuple[list[int], list[int], list[int], list[int], list[int], int]:
    """(ticks, lots, first layer of each, near ticks, far ticks, risk tick) of one side's layers, nearest first.

    ``stand_bps`` are the distance of the first layer, the nearest and the farthest distance at which an order still
    serves it, and the one nearer than which an order is a danger; layer i stands ``offsets_bps[i]`` behind the first,
    and so do its limits. Beyond ``most_bps`` nothing earns: layers there are left out, unless rounding alone put the
    first one there. So are layers of fewer than ``least_lots``, or whose lots times ticks are under ``least_value``.
    Where the bound or a coarse tick holds a layer beyond its own farthest distance, an order may stay as far as
    anything earns. Rounding, bound and merging are those of ``ladder_ticks``.
    >>> side_ladder(100.0, 0.01, 1, (6.0, 4.0, 9.0, 4.0), 9.5, [0.0, 2.0, 5.0], [5, 4, 3])
    ([9994, 9992], [5, 4], [0, 1], [9996, 9994], [9991, 9991], 9996)
    """
    found: tuple[list[int], list[int], list[int], list[int], list[int], int] = _impl.side_ladder(
        mark, tick, sign, stand_bps, most_bps, offsets_bps, lots, bound_tick, max_lots, least_lots, least_value
    )
    return found


def match(
    sign: int,
    order_ticks: Sequence[int],
    order_lots: Sequence[int],
    quote_ticks: Sequence[int],
    near_ticks: Sequence[int],
    far_ticks: Sequence[int],
    min_lots: Sequence[int],
    max_lots: Sequence[int],
) -> list[int]:
    """Quote that each order serves, -1 for an order that serves none: one order a quote, one quote an order.

    An order may serve a quote when its price lies from ``near_ticks`` to ``far_ticks``, both included, and its lots
    from ``min_lots`` to ``max_lots`` of that quote. A range whose far end is nearer than its near end holds nothing.
    Of all assignments the one with the most orders kept; of those the least sum of tick differences (each counted up
    to 2**33); of those the least sum of indices of orders and quotes, so that the nearest layers and the orders named
    first are kept.
    >>> match(1, [99, 97, 97], [5, 5, 5], [99, 98], [99, 98], [97, 96], [3, 3], [5, 5])
    [0, 1, -1]
    """
    found: list[int] = _impl.match(
        sign, order_ticks, order_lots, quote_ticks, near_ticks, far_ticks, min_lots, max_lots
    )
    return found


def room_prefix(lots: Sequence[int], cap_lots: int) -> int:
    """How many of the first layers fit under ``cap_lots`` together; the deepest go first. A negative cap fits none.

    >>> room_prefix([5, 4, 3], 9), room_prefix([5, 4, 3], 8), room_prefix([5], -1)
    (2, 1, 0)
    """
    return int(_impl.room_prefix(lots, cap_lots))
