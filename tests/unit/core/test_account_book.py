"""The account book and what is derived from it: every fill once, fees corrected, funding with its sign, hand-worked."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from core_builders import D
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core import account_book
from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.activity import fill_rate, maker_ratio, mean_holding_s, turnover_quote
from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.ledger import Ledger, LedgerFill
from hummingbot_extensions.core.types import Side

S = 1_000_000_000
MAKER = True


def fill(trade_id: str, side: str, price: str, size: str, at_s: int | None = 1, fee: str | None = "0",
         is_maker: bool | None = MAKER) -> LedgerFill:  # fmt: skip
    return LedgerFill(
        trade_id, Side(side), D(price), D(size), None if fee is None else D(fee), is_maker,
        None if at_s is None else at_s * S)


def test_a_fill_told_twice_is_booked_once_and_two_equal_ones_are_two() -> None:
    """By stream and by history, in any order: the trade id decides, not what the fill looks like."""
    book = AccountBook(0).after(fill("1", "buy", "100", "2"), 0, True)
    assert book.after(fill("1", "buy", "100", "2"), 0, True) is book
    book = book.after(fill("2", "buy", "100", "2"), 0, True)
    assert (book.ledger.position, book.ledger.fills, book.final_ids) == (D("4"), 2, {"1", "2"})


def test_a_missing_fee_ends_with_its_correction_and_an_estimate_is_replaced_once() -> None:
    """Net profit is unknown only until the fee comes; the venue's own figure replaces an estimate and then stays."""
    book = AccountBook(0).after(fill("1", "buy", "100", "1", fee=None), 0, False)
    book = book.after(fill("2", "sell", "101", "1", fee="0.02"), 0, False)
    assert book.ledger.net_pnl_quote(None) is None and book.ledger.fees_quote is None
    book = book.with_fee("1", D("0.01"))
    assert book.ledger.net_pnl_quote(None) == D("0.97")
    book = book.after(fill("2", "sell", "101", "1", fee="-0.005"), 0, True)
    assert book.ledger.net_pnl_quote(None) == D("0.995") and book.final_ids == {"1", "2"}
    assert book.with_fee("2", D("9")) is book and book.with_fee("unknown", D("9")) is book
    assert book.after(fill("2", "sell", "101", "1", fee=None), 0, False) is book


@pytest.mark.parametrize(("position", "amount", "net"), [("buy", "-0.4", "-0.4"), ("sell", "0.4", "0.4")])
def test_funding_is_income_when_received_and_cost_when_paid(position: str, amount: str, net: str) -> None:
    """A long pays at a positive rate, a short receives; each payment once, whoever tells it again."""
    book = AccountBook(0).after(fill("1", position, "100", "1"), 0, True).funded(3600 * S, D(amount))
    assert book.funded(3600 * S, D(amount)) is book
    assert book.ledger.net_pnl_quote(D("100")) == D(net) and book.ledger.funding_quote == D(amount)
    assert book.funded(7200 * S, D(amount)).ledger.funding_quote == 2 * D(amount)


def test_a_payment_is_known_by_its_id_whatever_becomes_of_the_clock() -> None:
    """Restamped two minutes later it stays one payment; the next one counts although its time is earlier."""
    book = AccountBook(5 * S).funded(3600 * S, D("-0.01"), 7)
    assert book.funded(3720 * S, D("-0.01"), 7) is book and book.funded(3720 * S, D("-0.01"), 6) is book
    assert book.funded(3599 * S, D("-0.02"), 8).ledger.funding_quote == D("-0.03")


def test_a_payment_from_before_the_account_is_not_taken() -> None:
    """The first one is judged by its time; payments without an id all are, also after one that had an id."""
    book = AccountBook(3600 * S)
    assert book.funded(3600 * S, D(1), 7) is book and book.funded(1 * S, D(1)) is book
    book = book.funded(3601 * S, D(1), 7).funded(7201 * S, D(1))
    assert (book.funding_id, book.funding_ns) == (None, 7201 * S)
    assert book.funded(7201 * S, D(1), 8) is book


def test_old_fills_are_forgotten_but_never_booked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded; a fill from before its reach is refused, and the stretch to ask for begins where it ends."""
    monkeypatch.setattr(account_book, "REMEMBERED_LEAST", 3)
    book = AccountBook(5 * S)
    for number in range(10):
        book = book.after(fill(str(number), "buy", "100", "1", at_s=number * 3600), 0, True)
    assert [one.trade_id for one in book.booked] == ["7", "8", "9"] and book.problems() == []
    assert book.complete_since_ns == 6 * 3600 * S == book.forgotten_ns
    late = fill("2", "buy", "100", "1", at_s=2 * 3600)
    assert book.is_refused(late, 0) and book.after(late, 0, True) is book
    assert book.ledger.fills == 10
    monkeypatch.setattr(account_book, "REMEMBERED_MOST", 2)
    book = book.after(fill("x", "buy", "100", "1", at_s=9 * 3600), 0, True)
    assert [one.trade_id for one in book.booked] == ["9", "x"]


def test_holding_time_of_a_partial_close_and_a_flip() -> None:
    """2 bought at 0 s and 2 at 10 s stand opened at 5 s; 1 closed at 15 s, 4 sold at 25 s flip it to 1 short.

    Closed: 1 for 10 s, 3 for 20 s, in sum 70 base seconds over 4. The short of 1 opened at 25 s.
    """
    book = AccountBook(0)
    assert mean_holding_s(book.ledger) is None
    for one in (fill("1", "buy", "100", "2", 0), fill("2", "buy", "100", "2", 10), fill("3", "sell", "100", "1", 15)):
        book = book.after(one, 0, True)
    assert mean_holding_s(book.ledger) == 10 and book.ledger.opened_ns == 5 * S
    book = book.after(fill("4", "sell", "100", "4", 25), 0, True)
    assert book.ledger.position == -1 and mean_holding_s(book.ledger) == D("17.5")
    assert mean_holding_s(book.ledger, 35 * S) == D("16")
    assert mean_holding_s(Ledger().after(fill("5", "buy", "100", "1", None))) is None


def test_turnover_maker_ratio_and_fill_rate() -> None:
    """Each equals a recount by hand; an unknown role makes the ratio unknown, nothing is counted as something else."""
    ledger = Ledger().after(fill("1", "buy", "100", "3")).after(fill("2", "sell", "100", "1", is_maker=False))
    assert turnover_quote(ledger) == 400 and maker_ratio(ledger) == D("0.75") and maker_ratio(Ledger()) is None
    unknown = ledger.after(fill("3", "sell", "50", "2", is_maker=None))
    assert turnover_quote(unknown) == 500 and maker_ratio(unknown) is None
    span = unknown.since(ledger)
    assert (span.fills, turnover_quote(span), span.fees_quote, span.realized_quote) == (1, 100, 0, -100)
    assert fill_rate(0, 0) is None and fill_rate(3, 4) == D("0.75")
    with pytest.raises(ValueError, match="5 filled of 4"):
        fill_rate(5, 4)


def test_an_adopted_position_counts_from_its_mark() -> None:
    """No fill, no volume, no fee; sold again it leaves what the price did since, and a reducing fill is not a short."""
    ledger = Ledger().adopted(D("2"), D("100"), 0)
    assert (ledger.fills, turnover_quote(ledger), ledger.net_pnl_quote(D("100"))) == (0, 0, 0)
    ledger = ledger.after(fill("1", "sell", "101", "2", fee="0.1"))
    assert ledger.position == 0 and ledger.net_pnl_quote(None) == D("1.9")


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 9), st.booleans()), max_size=12))
def test_a_fill_that_comes_after_its_adoption_takes_it_back(told: list[tuple[Side, int, bool]]) -> None:
    """Late fills, taken for somebody else's trades at first, leave the very result that fills in time leave."""
    whole = late = AccountBook(0)
    missed: list[LedgerFill] = []
    for number, (side, size, is_late) in enumerate(told, 1):
        one = fill(str(number), side.value, str(100 + number), str(size), number * 100)
        whole = whole.after(one, 0, True)
        if is_late:
            # The venue's position shows it; nobody says that it was ours.
            late = late.adopted(one.size * one.side.sign, D("90") + number, number * 100 * S + 5 * S)
            missed.append(one)
        else:
            late = late.after(one, 0, True)
    for one in missed:
        late = late.after(one, 0, True)
    assert late.ledger.position == whole.ledger.position and late.adoptions == () and late.problems() == []
    net, wanted = late.ledger.net_pnl_quote(D("100")), whole.ledger.net_pnl_quote(D("100"))
    assert net is not None and wanted is not None and abs(net - wanted) < D("1e-18")


trades = st.lists(st.tuples(
    st.sampled_from(Side), st.decimals(D("1"), D("1000"), places=2), st.decimals(D("0.001"), D("5"), places=3),
    st.none() | st.decimals(D("-1"), D("1"), places=4)), max_size=20)


@given(trades, st.data())
def test_a_book_that_was_saved_cut_off_and_caught_up_equals_one_that_never_stopped(
    told: list[tuple[Side, Decimal, Decimal, Decimal | None]], data: st.DataObject
) -> None:
    """Kept as text at any point, with any of the later fills told again: the same book, to the last unit."""
    fills = [LedgerFill(str(n), side, price, size, fee, True, n * S) for n, (side, price, size, fee) in enumerate(told)]
    whole = AccountBook(0)
    for one in fills:
        whole = whole.after(one, 0, True)
    cut = data.draw(st.integers(0, len(fills)))
    again = data.draw(st.integers(0, cut))
    book = AccountBook(0)
    for one in fills[:cut]:
        book = book.after(one, 0, True)
    book = from_plain(AccountBook, to_plain(book))
    for one in fills[again:]:
        book = book.after(one, 0, True)
    assert book == whole and book.problems() == []


def test_a_book_that_contradicts_itself_says_so() -> None:
    """The rules that a state read from disk is held against."""
    book = AccountBook(0).after(fill("1", "buy", "100", "2", 2), 0, True).after(fill("2", "buy", "1", "2", 3), 0, True)
    assert book.problems() == []
    assert replace(book, booked=tuple(reversed(book.booked))).problems() == ["booked fills are not in order of time"]
    assert replace(book, booked=(book.booked[0],) * 2).problems() == ["a trade id is booked twice"]
    assert replace(book, ledger=Ledger()).problems() == ["more fills are remembered than were booked"]
