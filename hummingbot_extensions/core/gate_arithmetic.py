"""Arithmetic of the gate: exact, and where a number is too long for that, rounded against us."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal

UP = Context(prec=60, rounding=ROUND_CEILING, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
"""For what must not come out too small. Whatever the process has set for others does not matter here."""
DOWN = UP.copy()
"""For what must not come out too large."""
DOWN.rounding = ROUND_FLOOR
ZERO = Decimal(0)
ONE = Decimal(1)


def is_amount(value: object) -> bool:
    """Whether ``value`` is a finite decimal."""
    return isinstance(value, Decimal) and value.is_finite()


def apart(one: Decimal, other: Decimal) -> Decimal:
    """Distance of two numbers.

    >>> apart(Decimal("99.5"), Decimal("100")), apart(Decimal("100"), Decimal("99.5"))
    (Decimal('0.5'), Decimal('0.5'))
    """
    return UP.subtract(max(one, other), min(one, other))
