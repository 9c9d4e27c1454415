"""Every conversion between venue decimals, integer ticks and lots, and floats."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal


def round_passive(price: Decimal, tick: Decimal, is_bid: bool) -> Decimal:
    """Nearest price on the tick lattice that is no closer to the market: bids down, asks up.

    >>> round_passive(Decimal("100.017"), Decimal("0.01"), is_bid=True)
    Decimal('100.01')
    >>> round_passive(Decimal("100.011"), Decimal("0.01"), is_bid=False)
    Decimal('100.02')
    """
    steps = (price / tick).to_integral_value(ROUND_FLOOR if is_bid else ROUND_CEILING)
    return steps * tick


def round_size_down(size: Decimal, step: Decimal) -> Decimal:
    """Largest multiple of ``step`` that is not above ``size``.

    >>> round_size_down(Decimal("0.01239"), Decimal("0.0001"))
    Decimal('0.0123')
    """
    return (size / step).to_integral_value(ROUND_FLOOR) * step


def to_units(value: Decimal, decimals: int) -> int:
    """Exact count of 10**-decimals steps in ``value``; ValueError when it does not lie on the lattice.

    >>> to_units(Decimal("93771.40"), 2)
    9377140
    """
    scaled = value.scaleb(decimals)
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise ValueError(f"{value} is not a multiple of 10^-{decimals}")
    return int(scaled)


def from_units(units: int, decimals: int) -> Decimal:
    """Decimal of ``units`` steps of 10**-decimals, written with exactly ``decimals`` places.

    >>> from_units(9377140, 2)
    Decimal('93771.40')
    """
    return Decimal(units).scaleb(-decimals)


def bps_between(price: float, reference: float) -> float:
    """Signed distance of ``price`` from ``reference`` in basis points of the reference, positive above it.

    >>> round(bps_between(100.1, 100.0), 6)
    10.0
    """
    return (price / reference - 1.0) * 1e4
