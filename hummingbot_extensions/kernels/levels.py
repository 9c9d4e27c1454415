"""A book of levels fed by changes: the checked entry, and the only importer of the compiled book and its pure twin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hummingbot_extensions.kernels import _levels_py
from hummingbot_extensions.kernels.arrays import Int64Array, checked
from hummingbot_extensions.kernels.loading import loaded

_impl, IS_COMPILED = loaded("hummingbot_extensions.kernels._levels", _levels_py)
TICKS_LIMIT = 2**60


class LevelBook:
    """Lots by price, fed with absolute sizes as venues send them: (side, price, lots now there), 0 for gone."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels = _impl.Levels()

    def apply(self, signs: npt.ArrayLike, ticks: npt.ArrayLike, lots: npt.ArrayLike) -> None:
        """Set levels in the order given; ``signs`` is +1 for bids, -1 for asks.

        ValueError, before anything is changed, for other signs, negative lots or unequal lengths.
        >>> book = LevelBook()
        >>> book.apply([1, 1, -1, 1], [100, 90, 110, 100], [5, 6, 7, 0])
        >>> book.top(1, 5)
        [(90, 6)]
        """
        signs, ticks, lots = checked("signs", signs), checked("ticks", ticks), checked("lots", lots)
        if not len(signs) == len(ticks) == len(lots):
            raise ValueError(f"{len(signs)} signs, {len(ticks)} ticks and {len(lots)} lots")
        if not len(signs):
            return
        if np.any(np.abs(signs) != 1):
            raise ValueError("signs must be +1 for bids and -1 for asks")
        if lots.min() < 0:
            raise ValueError("lots must not be negative")
        if ticks.min() <= -TICKS_LIMIT or ticks.max() >= TICKS_LIMIT:
            raise ValueError(f"ticks must lie within {TICKS_LIMIT} of zero")
        self._levels.apply(signs, ticks, lots)

    def count(self, sign: int) -> int:
        """Number of levels of the side."""
        return int(self._levels.count(_side(sign)))

    def top(self, sign: int, depth: int) -> list[tuple[int, int]]:
        """At most ``depth`` levels of the side as (ticks, lots), best first."""
        ticks, lots = self.top_arrays(sign, depth)
        return list(zip(ticks.tolist(), lots.tolist(), strict=True))

    def top_arrays(self, sign: int, depth: int) -> tuple[Int64Array, Int64Array]:
        """(ticks, lots) of at most ``depth`` levels of the side, best first."""
        if depth < 0:
            raise ValueError(f"depth must not be negative, got {depth}")
        room = min(depth, self.count(sign))
        ticks, lots = np.empty(room, np.int64), np.empty(room, np.int64)
        self._levels.top(sign, ticks, lots)
        return ticks, lots


def _side(sign: int) -> int:
    if sign not in (1, -1):
        raise ValueError(f"sign must be +1 for bids or -1 for asks, got {sign}")
    return sign
