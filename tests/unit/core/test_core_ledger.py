"""The ledger, fill by fill, worked by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from core_builders import D
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.ledger import Ledger, LedgerFill
from hummingbot_extensions.core.types import Side


def fold(*fills: tuple[str, str, str], fee: str | None = "0") -> Ledger:
    """Ledger after (side, price, size) fills with the same fee each."""
    ledger = Ledger()
    for number, (side, price, size) in enumerate(fills):
        ledger = ledger.after(LedgerFill(
            str(number), Side(side), D(price), D(size), None if fee is None else D(fee), True))
    return ledger


@pytest.mark.parametrize(("fills", "position", "entry", "realized"), [
    ([("buy", "100", "2"), ("buy", "103", "1")], "3", "101", "0"),
    ([("buy", "100", "2"), ("sell", "105", "0.5")], "1.5", "100", "2.5"),
    ([("buy", "100", "2"), ("sell", "105", "2")], "0", "0", "10"),
    ([("buy", "100", "2"), ("sell", "105", "3")], "-1", "105", "10"),
    ([("sell", "100", "2"), ("buy", "95", "0.5")], "-1.5", "100", "2.5"),
    ([("sell", "100", "2"), ("buy", "105", "3")], "1", "105", "-10"),
    ([("sell", "100", "1"), ("sell", "110", "1"), ("buy", "100", "1")], "-1", "105", "5"),
    ([("buy", "100", "1"), ("sell", "90", "1"), ("buy", "80", "1")], "1", "80", "-10"),
])
def test_partial_closes_and_flips(fills: list[tuple[str, str, str]], position: str, entry: str, realized: str) -> None:
    """Average entry, profit on the part that reduces, entry of the rest at the price of the flip."""
    ledger = fold(*fills)
    assert (ledger.position, ledger.entry_price, ledger.realized_quote) == (D(position), D(entry), D(realized))


def test_t6_two_equal_partial_fills_are_two_fills() -> None:
    """T6: same order, same size, another trade id: both move the position."""
    ledger = fold(("buy", "100", "0.001"), ("buy", "100", "0.001"))
    assert (ledger.position, ledger.fills, ledger.maker_volume_quote) == (D("0.002"), 2, D("0.200"))


def test_t30_the_edge_is_counted_once() -> None:
    """T30: bought at 99, mark 100: 1.0, not spread plus inventory."""
    assert fold(("buy", "99", "1")).net_pnl_quote(D("100")) == D("1")


@pytest.mark.parametrize(("fee", "net"), [("0.05", "0.9"), ("-0.05", "1.1"), (None, None)])
def test_fees_are_subtracted_rebates_added_and_a_missing_fee_is_not_zero(fee: str | None, net: str | None) -> None:
    """T11: two fills with the same fee; None makes every later figure None."""
    ledger = fold(("buy", "99", "1"), ("sell", "100", "1"), fee=fee)
    assert ledger.net_pnl_quote(None) == (None if net is None else D(net))
    assert ledger.after(LedgerFill("x", Side.BUY, D("1"), D("1"), D("0"), True)).fees_quote == (
        None if fee is None else D(fee) * 2)


def test_an_open_position_without_a_mark_has_no_profit() -> None:
    """Missing input gives None, never 0; a flat account needs no mark."""
    assert fold(("buy", "99", "1")).net_pnl_quote(None) is None
    assert Ledger().net_pnl_quote(None) == 0


def test_volume_is_kept_apart_by_role() -> None:
    """Maker and taker volume sum to all that traded."""
    ledger = Ledger().after(LedgerFill("1", Side.BUY, D("10"), D("2"), D(0), True))
    ledger = ledger.after(LedgerFill("2", Side.SELL, D("11"), D("1"), D(0), False))
    assert (ledger.maker_volume_quote, ledger.taker_volume_quote) == (D("20"), D("11"))


prices = st.decimals(D("1"), D("1000"), allow_nan=False, places=2)
sizes = st.decimals(D("0.001"), D("5"), allow_nan=False, places=3)


@given(st.lists(st.tuples(st.sampled_from(Side), prices, sizes), max_size=30), prices)
def test_q5_profit_is_conserved(trades: list[tuple[Side, Decimal, Decimal]], mark: Decimal) -> None:
    """Realised plus unrealised is cash plus position at mark, whatever the order of fills."""
    ledger, cash = Ledger(), D(0)
    for number, (side, price, size) in enumerate(trades):
        ledger = ledger.after(LedgerFill(str(number), side, price, size, D("0.01"), True))
        cash -= price * size * side.sign
    net = ledger.net_pnl_quote(mark)
    assert net is not None
    assert abs(net - (cash + ledger.position * mark - D("0.01") * len(trades))) < D("1e-15")
    assert ledger.position == sum((size * side.sign for side, _, size in trades), D(0))
