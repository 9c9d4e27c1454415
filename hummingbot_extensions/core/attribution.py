"""Where the result of the fills came from: spread, inventory, exit cost, beside fees, rebates and funding.

A fill earns the distance of its price from the mark at that moment (spread; for an exit order its cost). From then on
the position earns what the mark moves (inventory). Nothing is counted twice: the sums add up to the change of equity to
the last unit, whichever marks were in force.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hummingbot_extensions.core.ledger import Ledger, LedgerFill

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class PnlSplit:
    """The result of an account by its sources, quote units; what is not known is None, never 0.

    ``net = spread + inventory - exit cost - fees + rebates + funding + adjustments``.
    """

    spread_quote: Decimal | None
    """What quotes earned against the mark when they filled; negative when they filled behind it."""
    inventory_quote: Decimal | None
    """What the mark's moves earned on the position held."""
    exit_cost_quote: Decimal | None
    """What exit orders paid against the mark, positive a cost."""
    trading_quote: Decimal | None
    """Spread and inventory less exit cost: known also when their parts are not, as long as the mark is."""
    fees_quote: Decimal | None
    """Fees paid, without rebates."""
    rebates_quote: Decimal | None
    """Rebates received, positive."""
    funding_quote: Decimal
    adjustments_quote: Decimal
    net_quote: Decimal | None
    unmarked_fills: int
    """Fills of which nobody knows where the mark stood."""
    net_complete: bool
    """Whether nothing at all is missing: every component is known, and so is the net."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Running split of the trading result. ``mark`` is the one up to which the position has been valued.

    >>> from hummingbot_extensions.core.types import Side
    >>> buy = LedgerFill("1", Side.BUY, Decimal(99), Decimal(1), Decimal(0), True, mark=Decimal(100))
    >>> split = Attribution().after(buy, Decimal(0)).split(Ledger().after(buy), Decimal(100))
    >>> str(split.spread_quote), str(split.inventory_quote), str(split.net_quote)
    ('1', '0', '1')
    """

    spread_quote: Decimal = _ZERO
    inventory_quote: Decimal = _ZERO
    exit_cost_quote: Decimal = _ZERO
    mark: Decimal | None = None
    """None before the first mark was known."""
    unmarked_fills: int = 0
    unmarked_exits: int = 0
    unmarked_quote: Decimal = _ZERO
    """What fills without a mark gained by the mark known then; which source it belongs to is not known."""
    unmarked_base: Decimal = _ZERO
    """Signed size that was filled before any mark was known, and is still to be valued."""

    def after(self, fill: LedgerFill, position: Decimal) -> Attribution:
        """Attribution with one more fill; ``position`` is the signed one before it."""
        signed = fill.size * fill.side.sign
        if fill.mark is None:
            value = _ZERO if self.mark is None else signed * self.mark
            return replace(
                self,
                unmarked_fills=self.unmarked_fills + 1,
                unmarked_exits=self.unmarked_exits + fill.is_exit,
                unmarked_quote=self.unmarked_quote + value - signed * fill.price,
                unmarked_base=self.unmarked_base + (signed if self.mark is None else _ZERO),
            )
        valued = self.valued(fill.mark, position)
        edge = signed * (fill.mark - fill.price)
        if fill.is_exit:
            return replace(valued, exit_cost_quote=valued.exit_cost_quote - edge)
        return replace(valued, spread_quote=valued.spread_quote + edge)

    def valued(self, mark: Decimal, position: Decimal) -> Attribution:
        """Attribution with the position valued at ``mark``. What changes hands at the mark itself needs no more.

        A mark of the past, of a fill that was told late, is as good: the later move counts on the position after it.
        """
        if self.mark is None:
            return replace(
                self,
                mark=mark,
                unmarked_quote=self.unmarked_quote + self.unmarked_base * mark,
                unmarked_base=_ZERO,
            )
        return replace(self, mark=mark, inventory_quote=self.inventory_quote + position * (mark - self.mark))

    def split(self, ledger: Ledger, mark: Decimal | None) -> PnlSplit:
        """The whole split at ``mark``, None when it is not known: then only a flat account has a result."""
        net = ledger.net_pnl_quote(mark)
        now: Attribution | None = self
        if mark is not None:
            now = self.valued(mark, ledger.position)
        elif ledger.position != 0:
            now = None
        is_split = self.unmarked_fills == 0
        exit_cost = self.exit_cost_quote if self.unmarked_exits == 0 else None
        has_fees = not ledger.missing_fees
        inventory = now.inventory_quote if now is not None and is_split else None
        return PnlSplit(
            spread_quote=self.spread_quote if is_split else None,
            inventory_quote=inventory,
            exit_cost_quote=exit_cost,
            trading_quote=None if now is None else now._trading_quote,
            fees_quote=ledger.fees_paid_quote + ledger.rebates_quote if has_fees else None,
            rebates_quote=ledger.rebates_quote if has_fees else None,
            funding_quote=ledger.funding_quote,
            adjustments_quote=ledger.adjustments_quote,
            net_quote=net,
            unmarked_fills=self.unmarked_fills,
            net_complete=is_split and inventory is not None and net is not None,
        )

    @property
    def _trading_quote(self) -> Decimal:
        return self.spread_quote + self.inventory_quote - self.exit_cost_quote + self.unmarked_quote


def of_unsplit(ledger: Ledger) -> Attribution:
    """Attribution of a ledger that was kept without one: what its fills gained cannot be split, what follows can.

    Without fills all of it came from adopted positions, which enter at the mark: that is inventory.
    """
    from_trades = ledger.realized_quote - ledger.cost_quote
    if not ledger.fills:
        return Attribution(inventory_quote=from_trades, mark=_ZERO)
    return Attribution(
        unmarked_fills=ledger.fills,
        unmarked_exits=ledger.fills,
        unmarked_quote=from_trades,
        unmarked_base=ledger.position,
    )
