"""One order that is wanted, with the terms of its price."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.types import Side

POINTS_LAYER = 64
"""Number of the layer that stands for a program's points, behind every layer that a mode may have."""


@dataclass(frozen=True, slots=True)
class PriceBreakdown:
    """Named terms of a quote's price in bps of the mark, away from it positive; their sum is the whole distance."""

    mark: float
    terms: tuple[tuple[str, float], ...]

    @property
    def distance_bps(self) -> float:
        return math.fsum(bps for _, bps in self.terms)

    def term(self, name: str) -> float:
        """Sum of the terms of one name; 0 where there is none."""
        return math.fsum(bps for known, bps in self.terms if known == name)


@dataclass(frozen=True, slots=True)
class Quote:
    """One order we want to rest; prices on the tick, sizes on the step, unsigned.

    ``layer`` counts outwards from 0; the one for points is ``POINTS_LAYER``.
    """

    side: Side
    price: Decimal
    size: Decimal
    is_reduce_only: bool
    breakdown: PriceBreakdown
    layer: int
