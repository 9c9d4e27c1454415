"""Loops over book ladders, in plain Python. This file is the contract; ``_ladder.pyx`` is its compiled twin.

All arrays are one-dimensional int64. Callers go through ``kernels.ladder``, which checks shapes and room.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]


def aggregate_down(
    ticks: Int64Array, lots: Int64Array, grid: int, out_ticks: Int64Array, out_lots: Int64Array
) -> int:
    """Write the side's levels truncated down to multiples of ``grid``, equal neighbours merged; number written.

    ``ticks`` is sorted, either way; the order is kept. At most ``len(out_ticks)`` buckets are written: the first ones,
    each complete.
    """
    count = 0
    room = len(out_ticks)
    for i in range(len(ticks)):
        price = int(ticks[i])
        bucket = price - price % grid
        if count and out_ticks[count - 1] == bucket:
            out_lots[count - 1] += lots[i]
            continue
        if count == room:
            break
        out_ticks[count] = bucket
        out_lots[count] = lots[i]
        count += 1
    return count


def shown_lots(ticks: Int64Array, lots: Int64Array, wanted: Int64Array, out: Int64Array) -> None:
    """Write into ``out[i]`` the lots of the level ``wanted[i]``, -1 where no level has that price.

    ``ticks`` holds each price once, in any order.
    """
    for i in range(len(wanted)):
        price = wanted[i]
        out[i] = -1
        for j in range(len(ticks)):
            if ticks[j] == price:
                out[i] = lots[j]
                break
