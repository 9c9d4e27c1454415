"""The ledger, fill by fill, worked by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from core_builders import D
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.ledger import Account, Entry, FeeOverride, Ledger, LedgerFill, fee_entry
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


def entries_of(fills: list[LedgerFill]) -> list[Entry]:
    """Every entry that booking the fills makes."""
    ledger, entries = Ledger(), []
    for fill in fills:
        entries.append(ledger.trade_entry(fill.size * fill.side.sign, fill.price))
        entries += [] if fill.fee_quote is None else [fee_entry(fill.fee_quote)]
        ledger = ledger.after(fill)
    return entries


def test_q7_a_closing_sale_by_hand() -> None:
    """2 bought for 200, 1.5 sold for 165, fee 0.1: cash, inventory at cost, profit and fee, each in its account."""
    buy = LedgerFill("1", Side.BUY, D("100"), D("2"), D(0), True)
    sell = LedgerFill("2", Side.SELL, D("110"), D("1.5"), D("0.1"), False)
    ledger = Ledger().deposited(D("1000")).after(buy).after(sell)
    assert ledger.balances == {
        Account.CASH: D("964.9"), Account.INVENTORY: D("50"), Account.REALIZED: D("-15"), Account.FEES: D("0.1"),
        Account.REBATES: 0, Account.FUNDING: 0, Account.DEPOSITS: D("-1000"), Account.ADJUSTMENTS: 0}
    assert ledger.wallet_quote == D("1014.9") and ledger.unrealized_quote(D("120")) == 10
    assert sum(ledger.balances.values()) == 0
    assert [entry.imbalance_quote for entry in entries_of([buy, sell])] == [0, 0, 0, 0]


@pytest.mark.parametrize(("fee", "fees", "rebates", "wallet"), [
    ("0.3", "0.3", "0", "-0.3"), ("-0.3", "0", "0.3", "0.3"), ("0", "0", "0", "0"),
])
def test_l10_a_fee_costs_and_a_rebate_earns(fee: str, fees: str, rebates: str, wallet: str) -> None:
    """T11, L10: paid is positive and lowers the wallet, -1 bps is a rebate that raises it; each on its own account."""
    ledger = Ledger().after(LedgerFill("1", Side.SELL, D("3000"), D("1"), D(fee), True))
    assert ledger.balances[Account.FEES] == D(fees) and ledger.rebates_quote == D(rebates)
    assert ledger.wallet_quote == D(wallet) and ledger.fees_quote == D(fee)
    span = ledger.since(Ledger())
    assert (span.fees_quote, span.rebates_quote) == (D(fee), D(rebates))


def test_a_corrected_fee_leaves_no_trace_of_the_estimate() -> None:
    """An estimated fee that turns out to be a rebate: the fee account is empty again."""
    ledger = Ledger().after(LedgerFill("1", Side.BUY, D("100"), D("1"), D("0.04"), True))
    ledger = ledger.fee_corrected(D("0.04"), D("-0.01"))
    assert ledger.balances[Account.FEES] == 0 and ledger.balances[Account.REBATES] == D("-0.01")
    assert ledger.fees_quote == D("-0.01") and sum(ledger.balances.values()) == 0


MISSING = None


@pytest.mark.parametrize(("maker", "taker", "is_maker", "venue", "fee"), [
    (None, None, True, "0.7", "0.7"),
    (None, None, None, "-0.7", "-0.7"),
    (None, None, True, MISSING, MISSING),
    ("-1", None, True, "0.7", "-0.5"),
    ("-1", None, False, "0.7", "0.7"),
    ("-1", "4", False, MISSING, "2"),
    ("0", "4", True, "0.7", "0"),
    ("-1", "4", None, "0.7", MISSING),
    ("2", "2", None, "0.7", "1"),
    ("-1", None, None, "0.7", MISSING),
])
def test_n13_null_takes_the_venues_fee_and_a_number_wins(
    maker: str | None, taker: str | None, is_maker: bool | None, venue: str | None, fee: str | None
) -> None:
    """On a value of 5000; a role that nobody stated leaves the fee unknown where it decides."""
    override = FeeOverride(*(None if rate is None else D(rate) for rate in (maker, taker)))
    got = override.fee_quote(D("5000"), is_maker, None if venue is None else D(venue))
    assert got == (None if fee is None else D(fee))


def test_t25_a_round_trip_is_judged_net_of_both_fees() -> None:
    """T25: bought at 95145.20 on one venue and sold at 95125.80 on the other loses 19.40, and the fees come on top."""
    legs = [("buy", "95145.20", "4"), ("sell", "95125.80", "3")]
    ledger = Ledger()
    for number, (side, price, fee_bps) in enumerate(legs):
        fee = FeeOverride(taker_bps=D(fee_bps)).fee_quote(D(price), False, None)
        ledger = ledger.after(LedgerFill(str(number), Side(side), D(price), D(1), fee, False))
    assert ledger.realized_quote == D("-19.40")
    net = ledger.net_pnl_quote(None)
    assert net is not None and net == D("-19.40") - D("38.05808") - D("28.53774")


def test_thirds_lose_nothing() -> None:
    """A position closed in parts that do not divide evenly leaves cash and profit exact, and no cost behind."""
    ledger = fold(("buy", "100", "1"), ("buy", "100.01", "2"), ("sell", "101", "1"), ("sell", "99", "1"))
    assert ledger.cost_quote == D("100.006666666666667") and sum(ledger.balances.values()) == 0
    ledger = ledger.after(LedgerFill("9", Side.SELL, D("100"), D("1"), D("0"), True))
    assert (ledger.cost_quote, ledger.realized_quote, ledger.wallet_quote) == (0, D("-0.02"), D("-0.02"))


@pytest.mark.parametrize("size", ["1e-9", "1e14", "0"])
def test_sizes_beyond_all_measure_are_booked_and_not_refused(size: str) -> None:
    """A venue's own trade is in the account whatever it looks like; one of nothing changes nothing."""
    ledger = fold(("buy", "100000", size), ("sell", "100001", "3"))
    assert ledger.position == D(size) - 3 and ledger.fills == 2
