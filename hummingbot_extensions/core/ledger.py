"""What our fills made of the account: position, average entry, profit, fees, funding, folded one event at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hummingbot_extensions.core.types import Side


@dataclass(frozen=True, slots=True)
class LedgerFill:
    """One of our fills. ``fee_quote`` is positive when paid, negative for a rebate, None when not known yet.

    ``exchange_ts_ns`` is the venue's time of the trade in Unix nanoseconds, None when it is not stated.
    """

    trade_id: str
    side: Side
    price: Decimal
    size: Decimal
    fee_quote: Decimal | None
    is_maker: bool | None
    exchange_ts_ns: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerSpan:
    """What a stretch of time added to a ledger; ``fees_quote`` is None while a fee of the ledger is missing."""

    realized_quote: Decimal
    fees_quote: Decimal | None
    funding_quote: Decimal
    fills: int
    maker_volume_quote: Decimal
    taker_volume_quote: Decimal
    unknown_volume_quote: Decimal


@dataclass(frozen=True, slots=True)
class Ledger:
    """Running account of one market. ``position`` is signed, long positive; money in quote units.

    A fee that is missing makes every net figure None until it comes: a missing fee is not a fee of zero.

    >>> buy = LedgerFill("1", Side.BUY, Decimal("99"), Decimal("1"), Decimal("0.01"), True)
    >>> Ledger().after(buy).net_pnl_quote(Decimal("100"))
    Decimal('0.99')
    """

    position: Decimal = Decimal(0)
    entry_price: Decimal = Decimal(0)
    realized_quote: Decimal = Decimal(0)
    """Profit of closed size before fees."""
    fees_paid_quote: Decimal = Decimal(0)
    """Sum of the fees that are known; negative when rebates exceed them."""
    missing_fees: int = 0
    """Fills whose fee has not come yet."""
    funding_quote: Decimal = Decimal(0)
    """Funding payments, positive received."""
    fills: int = 0
    maker_volume_quote: Decimal = Decimal(0)
    taker_volume_quote: Decimal = Decimal(0)
    unknown_volume_quote: Decimal = Decimal(0)
    """Volume of fills of which nobody said whether they made or took."""
    opened_ns: Decimal = Decimal(0)
    """Average opening time of the position, weighted by size, Unix nanoseconds; 0 while flat."""
    closed_base: Decimal = Decimal(0)
    """Size that has been closed."""
    held_base_s: Decimal | None = Decimal(0)
    """Seconds that closed size was held, times size; None once a fill came without its time."""

    @property
    def fees_quote(self) -> Decimal | None:
        """Fees over all fills; None while one is missing."""
        return None if self.missing_fees else self.fees_paid_quote

    def after(self, fill: LedgerFill) -> Ledger:
        """Ledger with one more fill; average entry price, profit realised on the part that reduces."""
        moved = self._moved(fill.size * fill.side.sign, fill.price, fill.exchange_ts_ns)
        value = fill.price * fill.size
        return replace(
            moved,
            fees_paid_quote=self.fees_paid_quote + (fill.fee_quote or 0),
            missing_fees=self.missing_fees + (fill.fee_quote is None),
            fills=self.fills + 1,
            maker_volume_quote=self.maker_volume_quote + (value if fill.is_maker else 0),
            taker_volume_quote=self.taker_volume_quote + (value if fill.is_maker is False else 0),
            unknown_volume_quote=self.unknown_volume_quote + (value if fill.is_maker is None else 0),
        )

    def adopted(self, change: Decimal, mark: Decimal, ts_ns: int) -> Ledger:
        """Ledger with a signed position change that no fill of ours made, taken over at the mark.

        It is neither a fill nor volume, and costs no fee; its result counts from here on.

        >>> Ledger().adopted(Decimal("-2"), Decimal("100"), 0).net_pnl_quote(Decimal("99"))
        Decimal('2')
        """
        return self._moved(change, mark, ts_ns)

    def funded(self, amount_quote: Decimal) -> Ledger:
        """Ledger with one more funding payment, positive received."""
        return replace(self, funding_quote=self.funding_quote + amount_quote)

    def fee_corrected(self, before_quote: Decimal | None, fee_quote: Decimal) -> Ledger:
        """Ledger in which the fee of one booked fill is ``fee_quote`` instead of ``before_quote`` (None: missing)."""
        return replace(
            self,
            fees_paid_quote=self.fees_paid_quote - (before_quote or 0) + fee_quote,
            missing_fees=self.missing_fees - (before_quote is None),
        )

    def since(self, start: Ledger) -> LedgerSpan:
        """What has been added since the ledger stood at ``start``."""
        return LedgerSpan(
            realized_quote=self.realized_quote - start.realized_quote,
            fees_quote=None if self.missing_fees else self.fees_paid_quote - start.fees_paid_quote,
            funding_quote=self.funding_quote - start.funding_quote,
            fills=self.fills - start.fills,
            maker_volume_quote=self.maker_volume_quote - start.maker_volume_quote,
            taker_volume_quote=self.taker_volume_quote - start.taker_volume_quote,
            unknown_volume_quote=self.unknown_volume_quote - start.unknown_volume_quote,
        )

    def unrealized_quote(self, mark: Decimal) -> Decimal:
        """Profit of the open position at ``mark``, before the cost of leaving it."""
        return (mark - self.entry_price) * self.position

    def net_pnl_quote(self, mark: Decimal | None) -> Decimal | None:
        """Realised plus unrealised plus funding minus fees; None while the mark or a fee is missing."""
        if self.fees_quote is None:
            return None
        settled = self.realized_quote + self.funding_quote - self.fees_quote
        if self.position == 0:
            return settled
        return None if mark is None else settled + self.unrealized_quote(mark)

    def _moved(self, signed: Decimal, price: Decimal, ts_ns: int | None) -> Ledger:
        """Position, entry, realised profit and holding time after ``signed`` changed hands at ``price``."""
        position, entry, realized = self.position, self.entry_price, self.realized_quote
        opened, closed_base, held = self.opened_ns, self.closed_base, self.held_base_s
        size, now = abs(signed), Decimal(ts_ns or 0)
        if ts_ns is None:
            held = None
        if position == 0 or (position > 0) == (signed > 0):
            whole = abs(position) + size
            entry = (entry * abs(position) + price * size) / whole
            opened = (opened * abs(position) + now * size) / whole
        else:
            closed = min(size, abs(position))
            realized += (price - entry) * closed * (1 if position > 0 else -1)
            closed_base += closed
            if held is not None:
                held += closed * (now - opened) / 1_000_000_000
            if size > abs(position):
                entry, opened = price, now
            elif size == abs(position):
                entry = opened = Decimal(0)
        return replace(
            self, position=position + signed, entry_price=entry, realized_quote=realized, opened_ns=opened,
            closed_base=closed_base, held_base_s=held)
