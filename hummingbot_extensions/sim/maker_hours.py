"""Maker Hours of an hour from its samples: the rule of January 2026, which is the base of today's program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class MakerHour:
    """Sizes reached in 70 % and 50 % of the samples, cut at the cap, and the hours they earn (0 to 1)."""

    x70: float
    x50: float
    maker_hours: float


def maker_hour(samples: Sequence[float], cap: float) -> MakerHour:
    """Score of one hour from its samples of the smaller side; 70 % pays in full, 50 % pays half.

    >>> maker_hour([2.0] * 13 + [0.0] * 7, 2.0)
    MakerHour(x70=0.0, x50=2.0, maker_hours=0.5)
    """
    if not samples:
        return MakerHour(0.0, 0.0, 0.0)
    ranked = sorted((min(size, cap) for size in samples), reverse=True)
    x70 = ranked[ceil(round(0.7 * len(ranked), 9)) - 1]
    x50 = ranked[ceil(round(0.5 * len(ranked), 9)) - 1]
    return MakerHour(x70, x50, max(x70 / cap, x50 / cap * 0.5))
