"""What the account's equity decides: sizes that follow it, and a wider and smaller profile while it is low."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.layers import SizeBy
from hummingbot_extensions.core.params import QuoteParams

EQUITY_STEP_FRAC = Decimal("0.05")
"""Sizes follow the equity once it has moved by more than this from the one that they were made of: a new size costs a
cancel, and equity moves with every mark while a position is held.
"""
RETURN_FACTOR = Decimal("1.05")
"""The low profile ends at this multiple of the threshold,"""
MIN_STAY_S = 30.0
"""and two changes of the profile are at least so far apart."""


@dataclass(frozen=True, slots=True)
class MoneyState:
    """``equity_quote`` is the one that sizes are made of, None before the first. Stamps are monotonic."""

    equity_quote: Decimal | None = None
    is_low: bool = False
    low_ns: int | None = None
    """When ``is_low`` last changed."""
    switched_ns: int | None = None
    """When sizes or profile last changed: what was placed before is to be replaced."""


def after(state: MoneyState, now_ns: int, equity_quote: Decimal | None, params: QuoteParams) -> MoneyState:
    """State after one look at the equity; one that is not known changes nothing but what has been switched off."""
    is_low = _is_low(state, now_ns, equity_quote, params)
    sized = _sized(state.equity_quote, equity_quote) if params.layers.size_by is SizeBy.EQUITY else None
    if (sized, is_low) == (state.equity_quote, state.is_low):
        return state
    has_turned = is_low is not state.is_low
    is_resized = state.equity_quote is not None and sized is not None and sized != state.equity_quote
    return MoneyState(
        sized, is_low, now_ns if has_turned else state.low_ns,
        now_ns if has_turned or is_resized else state.switched_ns)


def _sized(sized: Decimal | None, equity_quote: Decimal | None) -> Decimal | None:
    if equity_quote is None or (sized is not None and abs(equity_quote - sized) <= EQUITY_STEP_FRAC * abs(sized)):
        return sized
    return equity_quote


def _is_low(state: MoneyState, now_ns: int, equity_quote: Decimal | None, params: QuoteParams) -> bool:
    low_quote = params.layers.low_balance_quote
    if low_quote is None:
        return False
    if equity_quote is None:
        return state.is_low
    if not state.is_low:
        return equity_quote < low_quote
    has_stayed = state.low_ns is None or (now_ns - state.low_ns) / 1e9 >= MIN_STAY_S
    return not (has_stayed and equity_quote >= low_quote * RETURN_FACTOR)
