"""Waiting times between attempts to reconnect."""

from __future__ import annotations

import random


class Backoff:
    """Doubles from ``min_s`` to ``max_s``; each wait is drawn between half and all of that, so that clients spread
    out.
    """

    def __init__(self, min_s: float, max_s: float, rng: random.Random | None = None) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._next_s = min_s
        self._rng = rng or random.Random()

    def next_s(self) -> float:
        """Seconds to wait before the next attempt."""
        base_s = self._next_s
        self._next_s = min(self._max_s, base_s * 2)
        return base_s * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """The attempt succeeded: start from the shortest wait again."""
        self._next_s = self._min_s
