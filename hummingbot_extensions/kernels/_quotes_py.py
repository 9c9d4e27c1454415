"""Loops over the layers of one side, in plain Python. This is the contract; ``_quotes.pyx`` is its compiled twin.

Unlike the other kernels these take lists: a side has some twenty layers, and a numpy array costs more than its loop.
They check what comes in themselves, because in the compiled twin that is nearly free.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, inf
from operator import index

MAX_LAYERS = 256
"""Most layers, and most orders, that one call takes."""
LIMIT = 2**53
"""Ticks and lots lie below it: there a float holds every integer."""
SNAP_TICKS = 1e-6
"""A price so near to the lattice is on it: it went through floats. The same as ``core.pricing`` holds."""
PAIR_WEIGHT = 2 * MAX_LAYERS * MAX_LAYERS
"""One tick of difference outweighs the indices of all pairs together."""
MAX_DIFFERENCE = 2**33
"""Differences count up to it, so that no sum overflows 64 bits."""
DROPPED = 2**60
"""Cost of an order that is not kept: above the total of every assignment."""


def _bounded(name: str, value: int) -> int:
    """An integer as it is; TypeError for another type, ValueError for one too large."""
    found = index(value)
    if not -LIMIT < found < LIMIT:
        raise ValueError(f"{name} must lie within {LIMIT} of zero")
    return found


def _ints(name: str, values: Sequence[int]) -> list[int]:
    if len(values) > MAX_LAYERS:
        raise ValueError(f"{len(values)} {name}, at most {MAX_LAYERS}")
    return [_bounded(name, value) for value in values]


def _lots(name: str, values: Sequence[int]) -> list[int]:
    found = _ints(name, values)
    for value in found:
        if value <= 0:
            raise ValueError(f"{name} must be positive")
    return found


def _distances(values: Sequence[float]) -> list[float]:
    if len(values) > MAX_LAYERS:
        raise ValueError(f"{len(values)} distances, at most {MAX_LAYERS}")
    return [float(value) for value in values]


def _check_market(mark: float, tick: float, sign: int) -> None:
    if not 0.0 < mark < inf:
        raise ValueError(f"mark must be positive and finite, got {mark}")
    if not 0.0 < tick < inf:
        raise ValueError(f"tick must be positive and finite, got {tick}")
    _check_sign(sign)


def _check_sign(sign: int) -> None:
    if sign not in (1, -1):
        raise ValueError(f"sign must be +1 for bids or -1 for asks, got {sign}")


def _tick_at(steps: float, is_down: bool) -> int:
    if not -LIMIT < steps < LIMIT:
        raise ValueError("a distance leads to no price")
    nearest = round(steps)
    if abs(steps - nearest) <= SNAP_TICKS:
        return nearest
    return floor(steps) if is_down else ceil(steps)


def price_ticks(mark: float, tick: float, sign: int, distances_bps: Sequence[float], is_passive: bool) -> list[int]:
    """Tick of each distance from the mark: bids down and asks up when passive, else the other way."""
    mark, tick = float(mark), float(tick)
    _check_market(mark, tick, sign)
    is_down = (sign > 0) == is_passive
    return [_tick_at(mark * (1.0 - sign * bps / 1e4) / tick, is_down) for bps in _distances(distances_bps)]


def ladder_ticks(
    mark: float,
    tick: float,
    sign: int,
    distances_bps: Sequence[float],
    lots: Sequence[int],
    bound_tick: int | None,
    min_tick: int,
    max_lots: int | None,
) -> tuple[list[int], list[int], list[int]]:
    """(ticks, lots, first layer of each) of a side, nearest first, every tick once."""
    sizes, distances = _lots("lots", lots), _distances(distances_bps)
    if len(sizes) != len(distances):
        raise ValueError(f"{len(distances)} distances and {len(sizes)} lots")
    most = None if max_lots is None else _bounded("max_lots", max_lots)
    if most is not None and most <= 0:
        raise ValueError("max_lots must be positive")
    bound = None if bound_tick is None else _bounded("bound_tick", bound_tick)
    lowest = _bounded("min_tick", min_tick)
    ticks = price_ticks(mark, tick, sign, distances, True)
    out_ticks: list[int] = []
    out_lots: list[int] = []
    out_layers: list[int] = []
    for layer, (at, size) in enumerate(zip(ticks, sizes, strict=True)):
        if layer and not distances[layer - 1] <= distances[layer]:
            raise ValueError("distances must not come nearer from layer to layer")
        if bound is not None and (at - bound) * sign > 0:
            at = bound
        if at < lowest:
            continue
        if out_ticks and out_ticks[-1] == at:
            out_lots[-1] += size
        else:
            out_ticks.append(at)
            out_lots.append(size)
            out_layers.append(layer)
        if most is not None and out_lots[-1] > most:
            out_lots[-1] = most
    return out_ticks, out_lots, out_layers


def side_ladder(
    mark: float,
    tick: float,
    sign: int,
    stand_bps: tuple[float, float, float, float],
    most_bps: float | None,
    offsets_bps: Sequence[float],
    lots: Sequence[int],
    bound_tick: int | None,
    max_lots: int | None,
    least_lots: int,
    least_value: int,
) -> tuple[list[int], list[int], list[int], list[int], list[int], int]:
    """(ticks, lots, first layer of each, nearest and farthest tick of an order that serves it, risk tick) of a side."""
    distance, near_bps, far_bps, risk_bps = (float(value) for value in stand_bps)
    offsets = _distances(offsets_bps)
    least, value = _bounded("least_lots", least_lots), _bounded("least_value", least_value)
    distances = [distance + offset for offset in offsets]
    ticks, sizes, layers = ladder_ticks(mark, tick, sign, distances, lots, bound_tick, 1, max_lots)
    (risk,) = price_ticks(mark, tick, sign, [risk_bps], True)
    last = None
    if most_bps is not None:
        (last,) = price_ticks(mark, tick, sign, [most_bps], False)
        if ticks and (ticks[0] - last) * sign < 0 and distances[0] <= most_bps:
            if bound_tick is None or (bound_tick - last) * sign >= 0:
                ticks[0] = last
    kept = [
        at for at in range(len(ticks))
        if (last is None or (ticks[at] - last) * sign >= 0) and sizes[at] >= least and sizes[at] * ticks[at] >= value
    ]  # fmt: skip
    near = price_ticks(mark, tick, sign, [near_bps + offsets[layers[at]] for at in kept], True)
    far = price_ticks(mark, tick, sign, [far_bps + offsets[layers[at]] for at in kept], False)
    for place, at in enumerate(kept):
        if last is not None and (far[place] - last) * sign < 0:
            far[place] = last
        if (ticks[at] - far[place]) * sign < 0:
            far[place] = ticks[at] if last is None else last
    return [ticks[at] for at in kept], [sizes[at] for at in kept], [layers[at] for at in kept], near, far, risk


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
    """Quote of each order, -1 where it is not kept. See ``kernels.quotes.match`` for what is best.

    Orders enter one by one by the shortest augmenting path, with potentials that keep every reduced cost at 0 or above.
    A path ends at a free quote, or at an order of the path that is given up for ``DROPPED``.
    """
    _check_sign(sign)
    ticks, lots = _ints("orders", order_ticks), _ints("order_lots", order_lots)
    wanted, near, far = _ints("quotes", quote_ticks), _ints("near_ticks", near_ticks), _ints("far_ticks", far_ticks)
    least, most = _ints("min_lots", min_lots), _ints("max_lots", max_lots)
    orders, quotes = len(ticks), len(wanted)
    if len(lots) != orders or not len(near) == len(far) == len(least) == len(most) == quotes:
        raise ValueError("orders, or quotes, of unequal lengths")
    order_potential, quote_potential = [0] * orders, [0] * quotes
    owner = [-1] * quotes
    for entering in range(orders):
        cost, way, is_done = [2 * DROPPED] * quotes, [-1] * quotes, [False] * quotes
        order, through, paid = entering, -1, 0
        exit_cost, exit_through = 2 * DROPPED, -1
        while True:
            leaving = paid + DROPPED - order_potential[order]
            if leaving < exit_cost:
                exit_cost, exit_through = leaving, through
            total, end = exit_cost, -1
            for quote in range(quotes):
                if is_done[quote]:
                    continue
                if (
                    (near[quote] - ticks[order]) * sign >= 0
                    and (ticks[order] - far[quote]) * sign >= 0
                    and least[quote] <= lots[order] <= most[quote]
                ):
                    difference = min(abs(ticks[order] - wanted[quote]), MAX_DIFFERENCE)
                    reached = paid + difference * PAIR_WEIGHT + order + quote
                    reached -= order_potential[order] + quote_potential[quote]
                    if reached < cost[quote]:
                        cost[quote], way[quote] = reached, through
                if cost[quote] < total:
                    total, end = cost[quote], quote
            if end < 0 or owner[end] < 0:
                break
            is_done[end] = True
            order, through, paid = owner[end], end, cost[end]
        order_potential[entering] += total
        for quote in range(quotes):
            if is_done[quote]:
                order_potential[owner[quote]] += total - cost[quote]
                quote_potential[quote] -= total - cost[quote]
        quote = exit_through if end < 0 else end
        while quote >= 0:
            before = way[quote]
            owner[quote] = entering if before < 0 else owner[before]
            quote = before
    found = [-1] * orders
    for quote in range(quotes):
        if owner[quote] >= 0:
            found[owner[quote]] = quote
    return found


def room_prefix(lots: Sequence[int], cap_lots: int) -> int:
    """How many of the first layers fit under the cap together."""
    total, cap = 0, _bounded("cap_lots", cap_lots)
    for count, size in enumerate(_lots("lots", lots)):
        total += size
        if total > cap:
            return count
    return len(lots)
