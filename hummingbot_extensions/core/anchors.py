"""The price that quotes are measured from: the mark as it should stand now."""

from __future__ import annotations

import math

from hummingbot_extensions.core.rounding import bps_between
from hummingbot_extensions.core.view import MarketView


def basis_after(basis_frac: float | None, mark: float, mid: float, elapsed_s: float, halflife_s: float) -> float:
    """Average of mark / mid - 1 after one more mark, older samples fading with ``halflife_s``.

    The first sample is taken as it is.

    >>> basis_after(None, 100.01, 100.0, 3.0, 10.0) == 100.01 / 100.0 - 1.0
    True
    """
    sample = mark / mid - 1.0
    if basis_frac is None:
        return sample
    keep = math.exp2(-elapsed_s / halflife_s)
    return basis_frac * keep + sample * (1.0 - keep)


def mark_estimate(view: MarketView, basis_frac: float | None) -> float | None:
    """Mark as it should stand now: the book's mid moved by the basis, or the last mark while the book is one-sided.

    Marks arrive every few seconds and the book four times a second: a mark taken as it came is seconds old in a move.
    None before the first mark; a price of zero or less is none.
    """
    mid, mark = view.mid, view.mark
    if mark is None or mark <= 0:
        return None
    return float(mark) if mid is None or mid <= 0 or basis_frac is None else mid * (1.0 + basis_frac)


def divergence_bps(view: MarketView) -> float:
    """Absolute distance of the last mark from the mid in bps; 0 while either is missing."""
    mid, mark = view.mid, view.mark
    return 0.0 if mark is None or mid is None else abs(bps_between(float(mark), mid))
