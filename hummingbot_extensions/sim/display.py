"""The book as a venue shows it: coarser than it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hummingbot_extensions.kernels.ladder import aggregate_down
from hummingbot_extensions.sim.tape import Ladders, Tape


def displayed(levels: Sequence[tuple[int, int]], grid_ticks: int, depth: int) -> list[tuple[int, int]]:
    """At most ``depth`` levels truncated down to multiples of ``grid_ticks`` and merged, best first.

    Both sides are truncated downwards, so that a shown bid may equal the shown ask.

    >>> displayed([(109, 1), (103, 2), (99, 4)], 10, 5)
    [(100, 3), (90, 4)]
    """
    if not levels:
        return []
    ticks, lots = aggregate_down([t for t, _ in levels], [q for _, q in levels], grid_ticks, depth)
    return list(zip(ticks.tolist(), lots.tolist(), strict=True))


def shown_grid_ticks(tape: Tape) -> int:
    """Largest power of ten of ticks on which every shown price lies: the display grid of the tape's days."""
    return ladders_grid_ticks(tape.bids, tape.asks)


def ladders_grid_ticks(bids: Ladders, asks: Ladders) -> int:
    """``shown_grid_ticks`` of two sides; 1 where nothing is shown."""
    common = int(np.gcd.reduce(np.concatenate([bids.ticks, asks.ticks, np.zeros(1, np.int64)])))
    grid = 1
    while common and common % (grid * 10) == 0:
        grid *= 10
    return grid
