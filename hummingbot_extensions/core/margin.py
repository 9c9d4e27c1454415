"""How far an account is from liquidation, from what the venue said of its positions and where the mark stands now.

All money is in the settlement asset. Missing or impossible input gives None, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.gate_state import MarginView

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class PositionFigures:
    """One position as the venue listed it at ``mark``; ``size`` is signed, long positive.

    ``margin_quote`` is what stands behind an isolated position, without its unrealised PnL ``upnl_quote``. ``ratio``
    (margin with unrealised PnL over maintenance margin) and ``liquidation_price`` are the venue's own figures, None
    where it states none: they are worked out then.
    """

    size: Decimal
    entry_price: Decimal
    is_cross: bool
    mark: Decimal | None = None
    maintenance_quote: Decimal | None = None
    margin_quote: Decimal | None = None
    upnl_quote: Decimal | None = None
    ratio: Decimal | None = None
    liquidation_price: Decimal | None = None

    @property
    def rate_frac(self) -> Decimal | None:
        """Maintenance margin as a fraction of the position's value, above 0 and under 1; None where it is not known."""
        if self.mark is None or self.maintenance_quote is None or not self.mark > 0 or not self.size:
            return None
        rate = self.maintenance_quote / (abs(self.size) * self.mark)
        return rate if 0 < rate < 1 else None


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """What a venue says of the account's money; None where it does not say, or said it too long ago."""

    equity_quote: Decimal | None = None
    """Wallet with unrealised PnL."""
    margin: MarginView = MarginView()


def margin_view(
    symbol: str, positions: Mapping[str, PositionFigures], cross_balance_quote: Decimal | None, mark: Decimal | None
) -> MarginView:
    """Liquidation price of ``symbol``'s position, and the lowest margin ratio of it and of all cross positions.

    ``positions`` are all of the account. ``mark`` is where ``symbol`` stands now: its own ratio follows it, so that it
    need not be read anew with every price; the figures of the others are as old as their list.
    """
    ratios = [
        _ratio(each, name, positions, cross_balance_quote, mark if name == symbol else each.mark)
        for name, each in positions.items()
        if each.size and (each.is_cross or name == symbol)
    ]
    own = positions.get(symbol)
    price = None if own is None or not own.size else _liquidation_price(own, symbol, positions, cross_balance_quote)
    known = [ratio for ratio in ratios if ratio is not None]
    return MarginView(price, min(known) if known and len(known) == len(ratios) else None)


def _behind(
    of: PositionFigures, symbol: str, positions: Mapping[str, PositionFigures], cross_balance_quote: Decimal | None
) -> Decimal | None:
    """What a position may lose beside its own unrealised PnL: its margin, or the wallet less what others need of it."""
    if not of.is_cross:
        return of.margin_quote
    if cross_balance_quote is None:
        return None
    behind = cross_balance_quote
    for name, other in positions.items():
        if name == symbol or not other.size or not other.is_cross:
            continue
        if other.upnl_quote is None or other.maintenance_quote is None:
            return None
        behind += other.upnl_quote - other.maintenance_quote
    return behind


def _ratio(
    of: PositionFigures, symbol: str, positions: Mapping[str, PositionFigures], cross_balance_quote: Decimal | None,
    mark: Decimal | None,
) -> Decimal | None:  # fmt: skip
    """Margin ratio at ``mark``: what was stated, or worked out, moved from the mark at which it held."""
    rate = of.rate_frac
    if rate is None or of.mark is None or of.maintenance_quote is None or mark is None or not mark > 0:
        return None
    if of.ratio is not None:
        margin = of.ratio * of.maintenance_quote
    else:
        behind = _behind(of, symbol, positions, cross_balance_quote)
        if behind is None or of.upnl_quote is None:
            return None
        margin = behind + of.upnl_quote
    return (margin + of.size * (mark - of.mark)) / (abs(of.size) * mark * rate)


def _liquidation_price(
    of: PositionFigures, symbol: str, positions: Mapping[str, PositionFigures], cross_balance_quote: Decimal | None
) -> Decimal | None:
    """The stated price, else the mark at which margin equals maintenance margin with all else unmoved; 0 for none."""
    if of.liquidation_price is not None:
        return of.liquidation_price if of.liquidation_price >= 0 else None
    rate, behind = of.rate_frac, _behind(of, symbol, positions, cross_balance_quote)
    if rate is None or behind is None:
        return None
    a_unit = behind / abs(of.size)
    price = (of.entry_price - a_unit) / (ONE - rate) if of.size > 0 else (of.entry_price + a_unit) / (ONE + rate)
    if price > 0:
        return price
    # No price under 0 ends a long; a short whose margin is gone twice over is past any.
    return ZERO if of.size > 0 else None
