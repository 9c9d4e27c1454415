"""Hourly funding payments: what each position pays or receives, and who stands on the other side."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.account import Account
from hummingbot_extensions.sim.house import House
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.venue_values import FundingRow

HOUR_NS = 3_600_000_000_000


def funding_payment(position: Decimal, mark: Decimal, rate: Decimal) -> Decimal:
    """What the holder receives at nine decimals, negative paid: at a positive rate longs pay shorts.

    >>> funding_payment(Decimal("0.5"), Decimal(70000), Decimal("0.0000125"))
    Decimal('-0.437500000')
    >>> funding_payment(Decimal("-0.16"), Decimal("59.5475"), Decimal("0.0000125"))
    Decimal('0.000119095')
    """
    return (-position * mark * rate).quantize(margin.MONEY_STEP)


def settle(
    accounts: Iterable[Account],
    house: House,
    spec: MarketSpec,
    mark: Decimal,
    rate: Decimal,
    first_id: int,
    ts_ns: int,
) -> list[FundingRow]:
    """Pay the hour's funding of one market to all accounts and the vault; the house takes the other side.

    Rows carry ids that count up from ``first_id``.
    """
    rows: list[FundingRow] = []
    for account in (*accounts, house.vault):
        lots = account.position_lots(spec.symbol)
        if not lots:
            continue
        amount = funding_payment(from_units(lots, spec.size_decimals), mark, rate)
        row = FundingRow(first_id + len(rows), account.user, spec.symbol, amount, rate, ts_ns)
        account.pay_funding(row)
        house.funding -= amount
        rows.append(row)
    return rows
