"""The venue's own books: fees, the other side of funding, the vault, and what the rest of the market paid and holds.

Every amount that leaves an account arrives here and the other way round, so that all money adds up to what was
deposited, to the last digit: see ``check``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.sim.account import ZERO, Account, Position
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.venue_values import MarginMode

VAULT = "cv_vault"


@dataclass(slots=True)
class House:
    """Counterparty of all accounts. Amounts are what the house received, negative when it paid."""

    vault: Account
    """Takes over what liquidations could not sell, and receives forfeited collateral. Starts empty, without limit."""
    deposits: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    """Funding received from accounts and the vault: what the rest of the market, on the other side, is owed."""
    outside_cash: Decimal = ZERO
    """What the rest of the market received for sold lots less what it paid for bought ones."""
    outside_lots: dict[str, int] = field(default_factory=dict)
    """Signed lots that the rest of the market gained from the accounts."""

    def filled(self, spec: MarketSpec, side: Side, price_ticks: int, lots: int, fee: Decimal) -> None:
        """An account traded with the market."""
        price, size = from_units(price_ticks, spec.price_decimals), from_units(lots, spec.size_decimals)
        self.outside_cash += side.sign * price * size
        self.outside_lots[spec.symbol] = self.outside_lots.get(spec.symbol, 0) - side.sign * lots
        self.fees += fee

    def took_over(self, spec: MarketSpec, side: Side, price_ticks: int, lots: int, fee: Decimal, ts_ns: int) -> None:
        """The vault stood against an account's closing order of ``side``."""
        self.vault.move_position(spec, side.opposite, from_units(price_ticks, spec.price_decimals), lots, ts_ns)
        self.fees += fee

    def check(self, accounts: Iterable[Account]) -> None:
        """Raise AssertionError unless money and lots are conserved over accounts, vault, house and outside world."""
        everyone = [*accounts, self.vault]
        held = sum((account.total_balance for account in everyone), ZERO)
        at_cost, lots = ZERO, dict(self.outside_lots)
        for account in everyone:
            for symbol, position in account.positions.items():
                at_cost += position.entry_value if position.lots > 0 else -position.entry_value
                lots[symbol] = lots.get(symbol, 0) + position.lots
        total = held + self.fees + self.funding + self.outside_cash - at_cost
        if total != self.deposits:
            raise AssertionError(f"deposits of {self.deposits} have become {total}")
        if any(lots.values()):
            raise AssertionError(f"positions do not cancel out: {lots}")


def new_house(specs: Iterable[MarketSpec], now_ns: int) -> House:
    """Books of a venue that just opened."""
    vault = Account(VAULT, ZERO, now_ns, ZERO)
    for spec in specs:
        vault.positions[spec.symbol] = Position(0, spec.symbol)
        vault.leverage[spec.symbol] = 1
        vault.margin_mode[spec.symbol] = MarginMode.CROSS
    return House(vault)
