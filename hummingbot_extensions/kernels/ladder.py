"""Book ladder kernels: the checked entry, and the only importer of the compiled loops and their pure twin.

``HBX_PURE_PYTHON=1`` forces the twin; without a compiled extension the twin serves as well, only slower.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hummingbot_extensions.kernels import _ladder_py
from hummingbot_extensions.kernels.arrays import Int64Array, checked
from hummingbot_extensions.kernels.loading import loaded

_impl, IS_COMPILED = loaded("hummingbot_extensions.kernels._ladder", _ladder_py)


def aggregate_down(
    ticks: npt.ArrayLike, lots: npt.ArrayLike, grid: int, depth: int | None = None
) -> tuple[Int64Array, Int64Array]:
    """(ticks, lots) of a side's levels truncated down to multiples of ``grid`` and merged, at most ``depth`` of them.

    Levels must be sorted best first; the result is in the same order, every bucket complete.
    >>> [x.tolist() for x in aggregate_down([109, 103, 99], [1, 2, 4], 10)]
    [[100, 90], [3, 4]]
    """
    ticks, lots = checked("ticks", ticks), checked("lots", lots)
    if len(ticks) != len(lots):
        raise ValueError(f"{len(ticks)} ticks and {len(lots)} lots")
    if grid <= 0:
        raise ValueError(f"grid must be positive, got {grid}")
    if depth is not None and depth < 0:
        raise ValueError(f"depth must not be negative, got {depth}")
    room = len(ticks) if depth is None else min(depth, len(ticks))
    out_ticks, out_lots = np.empty(room, np.int64), np.empty(room, np.int64)
    count = _impl.aggregate_down(ticks, lots, grid, out_ticks, out_lots)
    return out_ticks[:count], out_lots[:count]


def shown_lots(ticks: npt.ArrayLike, lots: npt.ArrayLike, wanted: npt.ArrayLike) -> Int64Array:
    """Lots of each wanted level, -1 where the book has no level of that price.

    >>> shown_lots([100, 90], [3, 4], [90, 95]).tolist()
    [4, -1]
    """
    ticks, lots, wanted = checked("ticks", ticks), checked("lots", lots), checked("wanted", wanted)
    if len(ticks) != len(lots):
        raise ValueError(f"{len(ticks)} ticks and {len(lots)} lots")
    out = np.empty(len(wanted), np.int64)
    _impl.shown_lots(ticks, lots, wanted, out)
    return out
