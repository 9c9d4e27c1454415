"""What our fills made of the account: position, average entry, realised profit and fees, folded one fill at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hummingbot_extensions.core.types import Side


@dataclass(frozen=True, slots=True)
class LedgerFill:
    """One of our fills. ``fee_quote`` is positive when paid, negative for a rebate, None when not known yet."""

    trade_id: str
    side: Side
    price: Decimal
    size: Decimal
    fee_quote: Decimal | None
    is_maker: bool | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Running account of one market. ``position`` is signed, long positive; money in quote units.

    ``fees_quote`` turns None for good once a fill came without its fee: a missing fee is not a fee of zero.

    >>> buy = LedgerFill("1", Side.BUY, Decimal("99"), Decimal("1"), Decimal("0.01"), True)
    >>> Ledger().after(buy).net_pnl_quote(Decimal("100"))
    Decimal('0.99')
    """

    position: Decimal = Decimal(0)
    entry_price: Decimal = Decimal(0)
    realized_quote: Decimal = Decimal(0)
    """Profit of closed size before fees."""
    fees_quote: Decimal | None = Decimal(0)
    fills: int = 0
    maker_volume_quote: Decimal = Decimal(0)
    taker_volume_quote: Decimal = Decimal(0)

    def after(self, fill: LedgerFill) -> Ledger:
        """Ledger with one more fill; average entry price, profit realised on the part that reduces."""
        signed = fill.size * fill.side.sign
        position, entry, realized = self.position, self.entry_price, self.realized_quote
        if position == 0 or (position > 0) == (signed > 0):
            entry = (entry * abs(position) + fill.price * fill.size) / (abs(position) + fill.size)
        else:
            closed = min(fill.size, abs(position))
            direction = 1 if position > 0 else -1
            realized += (fill.price - entry) * closed * direction
            if fill.size > abs(position):
                entry = fill.price
            elif fill.size == abs(position):
                entry = Decimal(0)
        fees = None if self.fees_quote is None or fill.fee_quote is None else self.fees_quote + fill.fee_quote
        value = fill.price * fill.size
        return replace(
            self,
            position=position + signed,
            entry_price=entry,
            realized_quote=realized,
            fees_quote=fees,
            fills=self.fills + 1,
            maker_volume_quote=self.maker_volume_quote + (value if fill.is_maker else 0),
            taker_volume_quote=self.taker_volume_quote + (0 if fill.is_maker else value),
        )

    def unrealized_quote(self, mark: Decimal) -> Decimal:
        """Profit of the open position at ``mark``, before the cost of leaving it."""
        return (mark - self.entry_price) * self.position

    def net_pnl_quote(self, mark: Decimal | None) -> Decimal | None:
        """Realised plus unrealised minus fees; None while the mark or a fee is missing. Funding is not in it yet."""
        if self.fees_quote is None:
            return None
        if self.position == 0:
            return self.realized_quote - self.fees_quote
        if mark is None:
            return None
        return self.realized_quote + self.unrealized_quote(mark) - self.fees_quote
