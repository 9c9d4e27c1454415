"""A book of levels changed one by one, in plain Python. This is the contract; ``_levels.pyx`` is its compiled twin.

Callers go through ``kernels.levels``, which checks what comes in: signs +1 (bids) or -1 (asks), prices in
(-2**60, 2**60), lots not negative.
"""

from __future__ import annotations

from bisect import bisect_left, insort

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]


class Levels:
    """Lots by price and side. Sides do not know each other: a book that is crossed stays so, as the feed said."""

    __slots__ = ("_keys", "_lots")

    def __init__(self) -> None:
        # Keys are prices times the sign: they grow towards the market, the best level is always the last.
        self._keys: dict[int, list[int]] = {1: [], -1: []}
        self._lots: dict[int, dict[int, int]] = {1: {}, -1: {}}

    def apply(self, signs: Int64Array, ticks: Int64Array, lots: Int64Array) -> None:
        """Set each level in turn to its lots; 0 removes it, and is nothing where there is none."""
        for sign, price, size in zip(signs.tolist(), ticks.tolist(), lots.tolist(), strict=True):
            keys, held, key = self._keys[sign], self._lots[sign], sign * price
            if size:
                if key not in held:
                    insort(keys, key)
                held[key] = size
            elif key in held:
                del held[key]
                if keys[-1] == key:
                    keys.pop()
                else:
                    del keys[bisect_left(keys, key)]

    def count(self, sign: int) -> int:
        """Number of levels of the side."""
        return len(self._keys[sign])

    def top(self, sign: int, out_ticks: Int64Array, out_lots: Int64Array) -> int:
        """Write the side's levels, best first, as many as there is room for; number written."""
        keys, held = self._keys[sign], self._lots[sign]
        count = min(len(out_ticks), len(keys))
        for i in range(count):
            key = keys[len(keys) - 1 - i]
            out_ticks[i] = sign * key
            out_lots[i] = held[key]
        return count
