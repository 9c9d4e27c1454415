"""What our fills made of the account, in double entry: position, profit, fees, funding, folded one event at a time.

Every event moves money between accounts, debit positive, and what it moves sums to zero; so do the balances. A buy
turns cash into inventory at cost, a closing trade turns inventory back into cash and the difference into realised
profit. Cash and inventory together are what the venue calls the wallet balance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from enum import StrEnum

from hummingbot_extensions.core.types import Side

COST_STEP = Decimal("1e-15")
"""The cost of a part of a position is cut at fifteen decimals, so that sums of it stay exact."""
_WIDE = Context(prec=60)
_ZERO = Decimal(0)
_BPS = Decimal("0.0001")


class Account(StrEnum):
    """Accounts of the ledger. Income stands on the credit side: its balance is negative."""

    CASH = "cash"
    INVENTORY = "inventory"
    """The position at cost; negative while short."""
    REALIZED = "realized"
    FEES = "fees"
    REBATES = "rebates"
    FUNDING = "funding"
    DEPOSITS = "deposits"
    ADJUSTMENTS = "adjustments"
    """What the venue gave or took for no fill, fee or funding payment, such as forfeited collateral."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one event moves, in quote units by account, debit positive; the amounts sum to zero."""

    amounts: tuple[tuple[Account, Decimal], ...]

    @property
    def imbalance_quote(self) -> Decimal:
        """Sum of the amounts: 0 for a sound entry."""
        return sum((amount for _, amount in self.amounts), _ZERO)

    @property
    def reversed(self) -> Entry:
        """The entry that takes this one back."""
        return Entry(tuple((account, -amount) for account, amount in self.amounts))


def fee_entry(fee_quote: Decimal) -> Entry:
    """A fee, positive paid; a negative one is a rebate and goes to an account of its own.

    >>> [(account.value, str(amount)) for account, amount in fee_entry(Decimal("-2")).amounts]
    [('rebates', '-2'), ('cash', '2')]
    """
    return Entry(((Account.FEES if fee_quote >= 0 else Account.REBATES, fee_quote), (Account.CASH, -fee_quote)))


def income_entry(source: Account, amount_quote: Decimal) -> Entry:
    """Money that came from ``source`` (funding, deposits, adjustments); negative when it went there."""
    return Entry(((Account.CASH, amount_quote), (source, -amount_quote)))


@dataclass(frozen=True, slots=True)
class FeeOverride:
    """Rates that win over the venue's own fees, in bps of the value: positive paid, negative a rebate.

    None leaves the fee to the venue, which is what a ledger needs that must equal the venue's books.

    >>> FeeOverride(maker_bps=Decimal("-1")).fee_quote(Decimal("5000"), True, Decimal("0.5"))
    Decimal('-0.5000')
    >>> FeeOverride().fee_quote(Decimal("5000"), True, Decimal("0.5"))
    Decimal('0.5')
    """

    maker_bps: Decimal | None = None
    taker_bps: Decimal | None = None

    def fee_quote(self, value_quote: Decimal, is_maker: bool | None, venue_fee_quote: Decimal | None) -> Decimal | None:
        """Fee of a fill; None when it is not known, also when nobody says which of two different rates holds."""
        if is_maker is None and self.maker_bps != self.taker_bps:
            return None
        rate_bps = self.taker_bps if is_maker is False else self.maker_bps
        return venue_fee_quote if rate_bps is None else value_quote * rate_bps * _BPS


VENUE_FEES = FeeOverride()
"""No rate of our own: every fee is the venue's."""


@dataclass(frozen=True, slots=True)
class LedgerFill:
    """One of our fills. ``fee_quote`` is positive when paid, negative for a rebate, None when not known yet.

    ``exchange_ts_ns`` is the venue's time of the trade in Unix nanoseconds, None when it is not stated.
    ``mark`` is the mark when it traded, None when it was not known. ``is_exit``: its order was sent to get rid of a
    position, whatever that costs.
    """

    trade_id: str
    side: Side
    price: Decimal
    size: Decimal
    fee_quote: Decimal | None
    is_maker: bool | None
    exchange_ts_ns: int | None = None
    mark: Decimal | None = None
    is_exit: bool = False


@dataclass(frozen=True, slots=True)
class LedgerSpan:
    """What a stretch of time added to a ledger; fees and rebates are None while a fee of the ledger is missing."""

    realized_quote: Decimal
    fees_quote: Decimal | None
    """Fees less rebates, positive paid."""
    rebates_quote: Decimal | None
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
    cost_quote: Decimal = Decimal(0)
    """What the position cost, signed as the position."""
    cash_quote: Decimal = Decimal(0)
    """Money in hand if the position had been paid for in full; with ``cost_quote`` it is the wallet."""
    realized_quote: Decimal = Decimal(0)
    """Profit of closed size before fees."""
    fees_paid_quote: Decimal = Decimal(0)
    """Sum of the fees that are known, less rebates; negative when rebates exceed them."""
    rebates_quote: Decimal = Decimal(0)
    """Rebates received, positive, of the fees that are known."""
    missing_fees: int = 0
    """Fills whose fee has not come yet."""
    funding_quote: Decimal = Decimal(0)
    """Funding payments, positive received."""
    deposits_quote: Decimal = Decimal(0)
    """Money brought in less money taken out; no profit."""
    adjustments_quote: Decimal = Decimal(0)
    """What the venue gave (positive) or took for no fill, fee or funding payment."""
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
        """Fees less rebates over all fills, positive paid; None while one is missing."""
        return None if self.missing_fees else self.fees_paid_quote

    @property
    def entry_price(self) -> Decimal:
        """Average price at which the position was entered; 0 while flat."""
        return self.cost_quote / self.position if self.position else _ZERO

    @property
    def wallet_quote(self) -> Decimal:
        """Wallet balance: deposits, realised profit, funding and adjustments less fees, of what is booked."""
        return self.cash_quote + self.cost_quote

    @property
    def balances(self) -> Mapping[Account, Decimal]:
        """Balance by account, debit positive; they sum to zero."""
        return {
            Account.CASH: self.cash_quote,
            Account.INVENTORY: self.cost_quote,
            Account.REALIZED: -self.realized_quote,
            Account.FEES: self.fees_paid_quote + self.rebates_quote,
            Account.REBATES: -self.rebates_quote,
            Account.FUNDING: -self.funding_quote,
            Account.DEPOSITS: -self.deposits_quote,
            Account.ADJUSTMENTS: -self.adjustments_quote,
        }

    def trade_entry(self, signed: Decimal, price: Decimal) -> Entry:
        """What trading ``signed`` base units (bought positive) at ``price`` moves, from this position on.

        What reduces the position takes its share of the cost along and realises the difference; the rest is new cost.
        """
        closed = _ZERO
        if self.position * signed < 0:
            closed = min(abs(signed), abs(self.position)).copy_sign(signed)
        left_at_cost = _share(self.cost_quote, abs(closed), abs(self.position)) if closed else _ZERO
        realized = -closed * price - left_at_cost
        return Entry((
            (Account.CASH, -signed * price),
            (Account.INVENTORY, (signed - closed) * price - left_at_cost),
            (Account.REALIZED, -realized),
        ))

    def posted(self, entry: Entry) -> Ledger:
        """Ledger with the amounts of an entry added to its balances."""
        moved = dict.fromkeys(Account, _ZERO)
        for account, amount in entry.amounts:
            moved[account] += amount
        return replace(
            self,
            cash_quote=self.cash_quote + moved[Account.CASH],
            cost_quote=self.cost_quote + moved[Account.INVENTORY],
            realized_quote=self.realized_quote - moved[Account.REALIZED],
            fees_paid_quote=self.fees_paid_quote + moved[Account.FEES] + moved[Account.REBATES],
            rebates_quote=self.rebates_quote - moved[Account.REBATES],
            funding_quote=self.funding_quote - moved[Account.FUNDING],
            deposits_quote=self.deposits_quote - moved[Account.DEPOSITS],
            adjustments_quote=self.adjustments_quote - moved[Account.ADJUSTMENTS],
        )

    def after(self, fill: LedgerFill) -> Ledger:
        """Ledger with one more fill; average entry price, profit realised on the part that reduces."""
        moved = self._moved(fill.size * fill.side.sign, fill.price, fill.exchange_ts_ns)
        value = fill.price * fill.size
        if fill.fee_quote is not None:
            moved = moved.posted(fee_entry(fill.fee_quote))
        return replace(
            moved,
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
        return self.posted(income_entry(Account.FUNDING, amount_quote))

    def deposited(self, amount_quote: Decimal) -> Ledger:
        """Ledger with money brought in, negative taken out; it is no profit."""
        return self.posted(income_entry(Account.DEPOSITS, amount_quote))

    def adjusted(self, amount_quote: Decimal) -> Ledger:
        """Ledger with what the venue gave, negative took, for no fill, fee or funding payment; it is profit or loss."""
        return self.posted(income_entry(Account.ADJUSTMENTS, amount_quote))

    def fee_corrected(self, before_quote: Decimal | None, fee_quote: Decimal) -> Ledger:
        """Ledger in which the fee of one booked fill is ``fee_quote`` instead of ``before_quote`` (None: missing)."""
        cleared = self if before_quote is None else self.posted(fee_entry(before_quote).reversed)
        corrected = cleared.posted(fee_entry(fee_quote))
        return replace(corrected, missing_fees=self.missing_fees - (before_quote is None))

    def since(self, start: Ledger) -> LedgerSpan:
        """What has been added since the ledger stood at ``start``."""
        is_missing = bool(self.missing_fees)
        return LedgerSpan(
            realized_quote=self.realized_quote - start.realized_quote,
            fees_quote=None if is_missing else self.fees_paid_quote - start.fees_paid_quote,
            rebates_quote=None if is_missing else self.rebates_quote - start.rebates_quote,
            funding_quote=self.funding_quote - start.funding_quote,
            fills=self.fills - start.fills,
            maker_volume_quote=self.maker_volume_quote - start.maker_volume_quote,
            taker_volume_quote=self.taker_volume_quote - start.taker_volume_quote,
            unknown_volume_quote=self.unknown_volume_quote - start.unknown_volume_quote,
        )

    def unrealized_quote(self, mark: Decimal) -> Decimal:
        """Profit of the open position at ``mark``, before the cost of leaving it."""
        return self.position * mark - self.cost_quote

    def net_pnl_quote(self, mark: Decimal | None) -> Decimal | None:
        """Realised plus unrealised plus funding and adjustments minus fees; None while the mark or a fee is missing."""
        if self.fees_quote is None:
            return None
        settled = self.realized_quote + self.funding_quote + self.adjustments_quote - self.fees_quote
        if self.position == 0:
            return settled
        return None if mark is None else settled + self.unrealized_quote(mark)

    def _moved(self, signed: Decimal, price: Decimal, ts_ns: int | None) -> Ledger:
        """Balances and holding time after ``signed`` changed hands at ``price``."""
        position, opened, closed_base, held = self.position, self.opened_ns, self.closed_base, self.held_base_s
        size, now = abs(signed), Decimal(ts_ns or 0)
        if size == 0:
            return self
        if ts_ns is None:
            held = None
        if position == 0 or (position > 0) == (signed > 0):
            opened = (opened * abs(position) + now * size) / (abs(position) + size)
        else:
            closed = min(size, abs(position))
            closed_base += closed
            if held is not None:
                held += closed * (now - opened) / 1_000_000_000
            if size >= abs(position):
                opened = now if size > abs(position) else _ZERO
        posted = self.posted(self.trade_entry(signed, price))
        return replace(
            posted, position=position + signed, opened_ns=opened, closed_base=closed_base, held_base_s=held)


def _share(cost: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Cost of ``part`` of a position of ``whole``; all of it, to the last digit, when the part is the whole.

    >>> _share(Decimal(-10), Decimal(1), Decimal(3))
    Decimal('-3.333333333333333')
    """
    return cost if part == whole else (cost * part / whole).quantize(COST_STEP, context=_WIDE)
