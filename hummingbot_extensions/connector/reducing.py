"""How much a reduce-only order may ask for: no more than the position that is certain, less what waits to reduce it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal

from hummingbot_extensions.core.types import Side


def reducible(bounds: tuple[Decimal, Decimal], side: Side, pending: Iterable[Decimal], step: Decimal) -> Decimal:
    """Largest size on ``step`` that an order of ``side`` may have so that, with all of ``pending`` (what other
    reduce-only orders of that side may still fill) filled as well, no position between ``bounds`` (signed) is passed
    through zero. 0 when nothing is left.

    >>> reducible((Decimal("0.5"), Decimal("0.8")), Side.SELL, [Decimal("0.12")], Decimal("0.05"))
    Decimal('0.35')
    """
    low, high = bounds
    certain = low if side is Side.SELL else -high
    left = certain - sum(pending, Decimal(0))
    return max(Decimal(0), (left / step).to_integral_value(ROUND_FLOOR) * step)
