"""Loops over the orders of one side, in plain Python. This is the contract; ``_orders.pyx`` is its compiled twin.

They take lists of Python values, and check what comes in themselves, because in the compiled twin that is nearly free.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import inf

LIMIT = 2**53
"""Ticks and lots lie below it: there a float holds every integer."""


def _count(name: str, value: Decimal, unit: float) -> int:
    """How many units are nearest to a value, the even number where two are."""
    units = float(value) / unit
    if not -LIMIT < units < LIMIT:
        raise ValueError(f"{name} must lie within {LIMIT} units of zero")
    return round(units)


def ranked(
    sign: int, prices: Sequence[Decimal], sizes: Sequence[Decimal], placed_ns: Sequence[int], tick: float, step: float
) -> tuple[list[int], list[int], list[int]]:
    """(index of each order, its price in ticks, its size in lots), nearest to the market first."""
    tick, step = float(tick), float(step)
    if sign not in (1, -1):
        raise ValueError(f"sign must be +1 for bids or -1 for asks, got {sign}")
    if not len(prices) == len(sizes) == len(placed_ns):
        raise ValueError("prices, sizes and times of unequal lengths")
    if not (0.0 < tick < inf and 0.0 < step < inf):
        raise ValueError(f"tick and step must be positive and finite, got {tick} and {step}")
    rows = []
    for at in range(len(prices)):
        ticks = _count("prices", prices[at], tick)
        rows.append((-ticks * sign, placed_ns[at], at, ticks, _count("sizes", sizes[at], step)))
    rows.sort()
    return [row[2] for row in rows], [row[3] for row in rows], [row[4] for row in rows]
