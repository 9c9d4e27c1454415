"""Margin arithmetic of a perpetual venue: pure Decimal formulas that reproduce the venue's published figures.

All money is in the settlement asset. ``position`` is signed, long positive; ``mmr_frac`` is the maintenance margin
rate. Sources and worked figures: the protocol document of StandX, section 6.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

MONEY_STEP = Decimal("0.000000001")
"""Amounts that the venue reserves are rounded up at nine decimals."""

EXACT_STEP = Decimal("1e-15")
"""Shares of an amount are cut at fifteen decimals: their sums stay exact up to ten trillion, so no money is lost."""

LOCK_FACTOR = Decimal("1.05")
"""Safety factor on the fee part of an order lock."""

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class MarginTier:
    """Maintenance margin rate for positions worth at most ``up_to_value``; None for the last tier."""

    up_to_value: Decimal | None
    rate: Decimal


def tier_of(value: Decimal, tiers: Sequence[MarginTier]) -> int:
    """Index of the tier that a position of this value stands in; the last one takes what exceeds them all.

    >>> tiers = (MarginTier(Decimal(1000000), Decimal("0.01")), MarginTier(None, Decimal("0.025")))
    >>> tier_of(Decimal(1000000), tiers), tier_of(Decimal(1000001), tiers)
    (0, 1)
    """
    for index, tier in enumerate(tiers):
        if tier.up_to_value is None or value <= tier.up_to_value:
            return index
    return len(tiers) - 1


def share(amount: Decimal, part: int, whole: int) -> Decimal:
    """``amount`` x ``part`` / ``whole`` at fifteen decimals; all of it, to the last digit, when the part is the whole.

    >>> share(Decimal(10), 1, 3)
    Decimal('3.333333333333333')
    """
    return amount if part == whole else (amount * part / whole).quantize(EXACT_STEP)


def round_up_money(amount: Decimal) -> Decimal:
    """``amount`` rounded up at nine decimals.

    >>> round_up_money(Decimal("121245.20") / 15)
    Decimal('8083.013333334')
    """
    return amount.quantize(MONEY_STEP, ROUND_CEILING)


def initial_margin(entry_value: Decimal, leverage: int) -> Decimal:
    """Margin that a position of this entry value needs at this leverage.

    >>> initial_margin(Decimal("114433.68240"), 10)
    Decimal('11443.368240000')
    """
    return round_up_money(entry_value / leverage)


def maintenance_rate(max_leverage: int) -> Decimal:
    """Maintenance margin rate assumed from the highest leverage, 0.5 / max_leverage: the true tiers are unpublished.

    >>> maintenance_rate(40)
    Decimal('0.0125')
    """
    return Decimal("0.5") / max_leverage


def maintenance_margin(position: Decimal, mark: Decimal, mmr_frac: Decimal) -> Decimal:
    """Margin below which the position may be liquidated.

    >>> maintenance_margin(Decimal("0.940"), Decimal("121715.05"), Decimal("0.025"))
    Decimal('2860.30367500')
    """
    return abs(position) * mark * mmr_frac


def unrealized_pnl(position: Decimal, entry_value: Decimal, mark: Decimal) -> Decimal:
    """Profit of closing at ``mark`` before fees; ``entry_value`` is unsigned.

    >>> unrealized_pnl(Decimal("0.940"), Decimal("114433.68240"), Decimal("121715.05"))
    Decimal('-21.53540')
    """
    return position * mark - entry_value if position >= 0 else position * mark + entry_value


def margin_ratio(margin: Decimal, upnl: Decimal, maint_margin: Decimal) -> Decimal | None:
    """Margin after unrealised PnL over maintenance margin; below 1 liquidates. None without a position.

    >>> margin_ratio(Decimal("11443.3682400"), Decimal("-21.53540"), Decimal("2860.30367500"))
    Decimal('3.993223845366698695025800014')
    """
    return (margin + upnl) / maint_margin if maint_margin else None


def _price_where_margin_is(
    position: Decimal, entry_value: Decimal, margin: Decimal, share_of_value: Decimal, price_decimals: int
) -> Decimal | None:
    size = abs(position)
    if not size:
        return None
    entry = entry_value / size
    if position > 0:
        price = (entry - margin / size) / (1 - share_of_value)
    else:
        price = (entry + margin / size) / (1 + share_of_value)
    return price.quantize(Decimal(1).scaleb(-price_decimals), ROUND_HALF_EVEN) if price > 0 else None


def liquidation_price(
    position: Decimal, entry_value: Decimal, margin: Decimal, mmr_frac: Decimal, price_decimals: int
) -> Decimal | None:
    """Mark at which ``margin`` plus unrealised PnL equals maintenance margin; None when no positive price does.

    For a cross position pass as ``margin`` the whole equity that stands behind it, without its own unrealised PnL.

    >>> liquidation_price(Decimal("0.940"), Decimal("114433.68240"), Decimal("11443.3682400"), Decimal("0.025"), 2)
    Decimal('112373.50')
    """
    return _price_where_margin_is(position, entry_value, margin, mmr_frac, price_decimals)


def bankruptcy_price(
    position: Decimal, entry_value: Decimal, margin: Decimal, taker_fee: Decimal, price_decimals: int
) -> Decimal | None:
    """Price at which closing as taker leaves nothing of ``margin``; None when no positive price does.

    >>> bankruptcy_price(Decimal("0.940"), Decimal("114433.68240"), Decimal("11443.3682400"), Decimal("0.0004"), 2)
    Decimal('109608.01')
    """
    return _price_where_margin_is(position, entry_value, margin, taker_fee, price_decimals)


def order_lock(opening_value: Decimal, value: Decimal, leverage: int, taker_fee: Decimal) -> Decimal:
    """Amount locked for the rest of an order: margin of the part that opens, and 1.05 taker fees on all of it.

    A sell of 0.060 at 121900 that only closes, then a buy of 0.0010 at 77000 that opens at leverage 10:

    >>> order_lock(Decimal(0), Decimal("7314.00"), 10, Decimal("0.0004"))
    Decimal('3.071880000')
    >>> order_lock(Decimal("77.00"), Decimal("77.00"), 10, Decimal("0.0004"))
    Decimal('7.732340000')
    """
    return round_up_money(opening_value / leverage) + round_up_money(value * taker_fee * LOCK_FACTOR)
