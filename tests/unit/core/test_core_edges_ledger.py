"""Corners of the ledger, its book and its split that only a wrong line of code would show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_builders import D

from hummingbot_extensions.core import account_book
from hummingbot_extensions.core.account_book import AccountBook, Adoption, BookedFill
from hummingbot_extensions.core.attribution import Attribution, of_unsplit
from hummingbot_extensions.core.ledger import Account, Entry, Ledger, LedgerFill, LedgerSpan
from hummingbot_extensions.core.types import Side

S = 1_000_000_000


def fill(trade_id: str, side: Side, size: str, at_s: float | None, fee: str | None = "0") -> LedgerFill:
    """A maker fill at 100."""
    paid, at_ns = None if fee is None else D(fee), None if at_s is None else int(at_s * S)
    return LedgerFill(trade_id, side, D("100"), D(size), paid, True, at_ns)


def test_a_span_holds_what_came_after_its_start_and_nothing_from_before() -> None:
    """An account that has seen everything once sees other amounts of it: the span has these alone."""
    start = (
        Ledger()
        .after(LedgerFill("1", Side.BUY, D("100"), D("2"), D("0.3"), True))
        .after(LedgerFill("2", Side.SELL, D("107"), D("1"), D("-0.2"), False))
        .after(LedgerFill("3", Side.BUY, D("100"), D("1"), D("0"), None))
        .funded(D("5"))
    )
    assert start.realized_quote == 7
    end = (
        start.after(LedgerFill("4", Side.SELL, D("111"), D("1"), D("0.04"), True))
        .after(LedgerFill("5", Side.SELL, D("90"), D("0.5"), D("-0.01"), False))
        .after(LedgerFill("6", Side.BUY, D("80"), D("0.25"), D("0"), None))
        .funded(D("-2"))
    )
    assert end.since(start) == LedgerSpan(
        realized_quote=D("6"), fees_quote=D("0.03"), rebates_quote=D("0.01"), funding_quote=D("-2"), fills=3,
        maker_volume_quote=D("111"), taker_volume_quote=D("45"), unknown_volume_quote=D("20"))


def test_a_fee_that_is_missing_leaves_a_spans_fees_unknown_whenever_it_traded() -> None:
    """Before the span or in it: fees and rebates are None until it comes, the rest is known."""
    unpaid = Ledger().after(LedgerFill("1", Side.BUY, D("100"), D("2"), None, True))
    paid = LedgerFill("2", Side.SELL, D("101"), D("1"), D("0.1"), True)
    for span in (unpaid.since(Ledger()), unpaid.after(paid).since(unpaid)):
        assert (span.fees_quote, span.rebates_quote, span.fills) == (None, None, 1)
    told = unpaid.fee_corrected(None, D("0.2"))
    assert told.after(paid).since(told).fees_quote == D("0.1")


def test_a_record_without_a_split_says_how_many_fills_it_cannot_split() -> None:
    """Each of them may have been an exit: neither spread nor exit cost is known, whatever is told later."""
    ledger = Ledger()
    for number, side in enumerate((Side.BUY, Side.SELL, Side.SELL)):
        ledger = ledger.after(LedgerFill(str(number), side, D("100"), D("1"), D("0"), True))
    split = of_unsplit(ledger).split(ledger, D("90"))
    assert (split.unmarked_fills, split.spread_quote, split.exit_cost_quote) == (3, None, None)
    assert (split.trading_quote, split.net_quote, split.net_complete) == (10, 10, False)


def test_the_first_mark_leaves_nothing_to_be_valued_later() -> None:
    """What was filled in the dark is valued at it once."""
    dark = Attribution().after(fill("1", Side.BUY, "2", 1), D(0))
    assert dark.unmarked_base == 2
    assert dark.valued(D("110"), D("2")) == replace(
        dark, mark=D("110"), unmarked_quote=D("20"), unmarked_base=D("0"))


def test_an_adopted_position_is_held_from_its_adoption_on() -> None:
    """2 taken over at 10 s and sold at 30 s: 40 base seconds; 50 once the fill of 5 s is told."""
    book = AccountBook(0).adopted(D("2"), D("100"), 10 * S).after(fill("1", Side.SELL, "2", 30), 0, True)
    assert book.ledger.held_base_s == 40
    known = AccountBook(0).adopted(D("2"), D("100"), 10 * S).after(fill("1", Side.BUY, "2", 5), 0, True)
    assert known.after(fill("2", Side.SELL, "2", 30), 0, True).ledger.held_base_s == 50


def test_a_fill_takes_back_only_what_was_adopted_in_its_direction() -> None:
    """A buy of 2 and a sale of 1 were adopted; the sale is told: the buy that stands before it stays adopted."""
    bought, sold = Adoption(5 * S, D("2"), D("100")), Adoption(6 * S, D("-1"), D("101"))
    book = AccountBook(0).adopted(bought.change, bought.mark, bought.ts_ns)
    book = book.adopted(sold.change, sold.mark, sold.ts_ns)
    book = book.after(fill("1", Side.SELL, "1", 1), 0, True)
    assert (book.adoptions, book.ledger.position) == ((bought,), 1)


def test_a_fill_takes_back_no_more_than_its_size() -> None:
    """Of 3 and 1 adopted a fill of 1 leaves 2 and 1, the next one of 2 leaves the last, and a fill of 4 is 3 new."""
    book = AccountBook(0).adopted(D("3"), D("100"), 5 * S).adopted(D("1"), D("101"), 6 * S)
    book = book.after(fill("1", Side.BUY, "1", 1), 0, True)
    assert book.adoptions == (Adoption(5 * S, D("2"), D("100")), Adoption(6 * S, D("1"), D("101")))
    book = book.after(fill("2", Side.BUY, "2", 2), 0, True)
    assert (book.adoptions, book.ledger.position) == ((Adoption(6 * S, D("1"), D("101")),), 4)
    book = book.after(fill("3", Side.BUY, "4", 3), 0, True)
    assert (book.adoptions, book.ledger.position) == ((), 7)


@pytest.mark.parametrize(("at_s", "adoptions", "position"), [(7, 0, "1"), (7.000000512, 1, "2")])
def test_a_fill_from_after_an_adoption_is_new_but_for_two_clocks(at_s: float, adoptions: int, position: str) -> None:
    """Adopted at 5 s by our clock: a fill that the venue stamps up to two seconds later may be what was adopted."""
    book = AccountBook(0).adopted(D("1"), D("100"), 5 * S).after(fill("1", Side.BUY, "1", at_s), 0, True)
    assert (len(book.adoptions), book.ledger.position) == (adoptions, D(position))


def test_an_estimate_may_change_and_a_fee_that_is_confirmed_is_final() -> None:
    """Told again with another estimate, the same estimate, the same figure as final, and at last another one."""
    book = AccountBook(0).after(fill("1", Side.BUY, "1", 1, fee="0.02"), 0, False)
    other = book.after(fill("1", Side.BUY, "1", 1, fee="0.03"), 0, False)
    assert (other.ledger.fees_quote, other.final_ids) == (D("0.03"), frozenset())
    assert other.after(fill("1", Side.BUY, "1", 1, fee="0.03"), 0, False) is other
    final = other.after(fill("1", Side.BUY, "1", 1, fee="0.03"), 0, True)
    assert (final.ledger.fees_quote, final.final_ids) == (D("0.03"), {"1"})
    assert final.after(fill("1", Side.BUY, "1", 1, fee="0.09"), 0, True) is final


def test_fills_of_the_last_hour_are_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few have to be: one that is an hour old to the nanosecond still is, one that is older is not."""
    monkeypatch.setattr(account_book, "REMEMBERED_LEAST", 1)
    book = AccountBook(0)
    for number, at_s in enumerate((0.5, 1, 1800, 3601)):
        book = book.after(fill(str(number), Side.BUY, "1", at_s), 0, True)
    assert [one.trade_id for one in book.booked] == ["1", "2", "3"]
    assert book.forgotten_ns == S // 2


def test_of_two_fills_at_the_edge_of_memory_the_known_one_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both traded in the same nanosecond and one was forgotten: it is refused, the other can still get its fee."""
    monkeypatch.setattr(account_book, "REMEMBERED_MOST", 1)
    gone, kept = fill("1", Side.BUY, "1", 9), fill("2", Side.BUY, "1", 9, fee=None)
    book = AccountBook(0).after(gone, 0, True).after(kept, 0, False)
    assert book.forgotten_ns == 9 * S
    assert book.is_refused(gone, 0) and not book.is_refused(kept, 0)
    assert book.after(gone, 0, True) is book
    assert book.after(replace(kept, fee_quote=D("0.1")), 0, True).ledger.fees_quote == D("0.1")


def test_a_fill_without_a_time_stands_at_the_time_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """For its place among the others, and for whether it is too old to be told from one that was forgotten."""
    monkeypatch.setattr(account_book, "REMEMBERED_MOST", 1)
    book = AccountBook(0).after(fill("1", Side.BUY, "1", 5), 0, True)
    untimed = fill("2", Side.BUY, "1", None)
    later = book.after(untimed, 7 * S, True)
    assert later.booked == (BookedFill("2", 7 * S, D("0"), True),)
    another = replace(untimed, trade_id="3")
    assert later.is_refused(another, 5 * S) and later.after(another, 5 * S, True) is later
    assert not later.is_refused(another, 6 * S)


def test_a_ledger_that_lost_a_missing_fee_is_named() -> None:
    """A fee that has not come yet is a question that the ledger must not have forgotten."""
    book = AccountBook(0).after(fill("1", Side.BUY, "1", 1, fee=None), 0, False)
    told = replace(book, ledger=replace(book.ledger, missing_fees=0))
    assert told.problems() == ["the ledger misses fewer fees than its fills"]


def test_trading_nothing_moves_nothing() -> None:
    """Of a long, a short and a flat account alike."""
    for position in ("2", "-2", "0"):
        entry = Ledger().adopted(D(position), D("100"), 0).trade_entry(D("0"), D("90"))
        assert [amount for _, amount in entry.amounts] == [0, 0, 0]


def test_a_position_of_one_is_closed_like_any_other() -> None:
    """1 held for 10 s by each side: 20 base seconds over 2 that were closed, and nothing stands open."""
    ledger = Ledger()
    for number, (side, at_s) in enumerate(((Side.BUY, 0), (Side.SELL, 10), (Side.SELL, 20), (Side.BUY, 30))):
        ledger = ledger.after(fill(str(number), side, "1", at_s))
    assert (ledger.closed_base, ledger.held_base_s, ledger.opened_ns, ledger.position) == (2, 20, 0, 0)


@pytest.mark.parametrize(("price", "size"), [("0.00000003", "0.00000003"), ("1234567.89012345", "9876543.21098765")])
def test_a_position_that_is_closed_whole_leaves_no_cost_behind(price: str, size: str) -> None:
    """However many decimals its value has: 0.00000003 of 0.00000003 cost 9e-16, less than a cost is kept to."""
    bought = LedgerFill("1", Side.BUY, D(price), D(size), D("0"), True)
    ledger = Ledger().after(bought).after(replace(bought, trade_id="2", side=Side.SELL))
    assert (ledger.cost_quote, ledger.realized_quote, ledger.cash_quote) == (0, 0, 0)


def test_a_part_of_a_huge_position_is_closed_at_its_cost() -> None:
    """A coin of many zeros: 9e13 of 1e14 bought at 100,000, a cost of more digits than decimals usually have."""
    ledger = Ledger().after(LedgerFill("1", Side.BUY, D("100000"), D("1e14"), D("0"), True))
    ledger = ledger.after(LedgerFill("2", Side.SELL, D("100001"), D("9e13"), D("0"), True))
    assert (ledger.realized_quote, ledger.cost_quote, ledger.position) == (D("9e13"), D("1e18"), D("1e13"))


def test_an_exit_in_the_dark_leaves_the_exit_cost_unknown_for_ever() -> None:
    """Also in an account that was kept without a split before: the two unknowns do not cancel out."""
    ledger = Ledger().after(fill("1", Side.BUY, "1", 1))
    dark = replace(fill("2", Side.SELL, "1", 2), is_exit=True)
    split = of_unsplit(ledger).after(dark, ledger.position).split(ledger.after(dark), D("100"))
    assert (split.exit_cost_quote, split.unmarked_fills) == (None, 2)


def test_a_fill_whose_mark_is_missing_is_valued_at_the_last_one_known() -> None:
    """Its gain is a sum without a source, and nothing is left to be valued."""
    known = Attribution().after(replace(fill("1", Side.BUY, "1", 1), mark=D("100")), D("0"))
    after = known.after(fill("2", Side.BUY, "2", 2), D("1"))
    assert after == replace(known, unmarked_fills=1)
    assert known.valued(D("103"), D("1")).after(fill("3", Side.SELL, "1", 3), D("1")).unmarked_quote == -3


def test_amounts_of_one_account_in_one_entry_add_up() -> None:
    """An entry may name an account twice, as a fee and its taking back do."""
    entry = Entry(((Account.CASH, D("-3")), (Account.FEES, D("1")), (Account.FEES, D("2"))))
    posted = Ledger().posted(entry)
    assert (posted.cash_quote, posted.fees_quote, sum(posted.balances.values())) == (-3, 3, 0)


@pytest.mark.parametrize(("trades", "opened_s", "held"), [
    ([("1", 0), ("0.5", 10)], "3.333333333333333333333333333", "0"),
    ([("-0.5", 0), ("-0.5", 10)], "5", "0"),
    ([("0.5", 0), ("-0.2", 10)], "0", "2.0"),
    ([("0.5", 0), ("-0.5", 10), ("0.5", 30)], "30", "5.0"),
    ([("0.5", 4), ("-0.5", 10)], "0", "3.0"),
    ([("0.5", 4), ("-0.7", 10)], "10", "3.0"),
    ([("-2", 4), ("2", 10)], "0", "12"),
])  # fmt: skip
def test_opening_time_and_holding_of_positions_smaller_than_one(
    trades: list[tuple[str, int]], opened_s: str, held: str
) -> None:
    """Averaged while it grows, kept while it shrinks, 0 once it is closed, that of the flip once it has turned."""
    ledger = Ledger()
    for number, (signed, at_s) in enumerate(trades):
        side = Side.BUY if D(signed) > 0 else Side.SELL
        ledger = ledger.after(fill(str(number), side, str(abs(D(signed))), at_s))
    assert abs(ledger.opened_ns - D(opened_s) * S) < 1
    assert ledger.held_base_s == D(held)


def test_while_nothing_is_forgotten_no_fill_comes_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly as many as must be remembered, and one more: a fill of before them all is booked."""
    monkeypatch.setattr(account_book, "REMEMBERED_LEAST", 1)
    book = AccountBook(0)
    for number, at_s in enumerate((20, 10, 5)):
        book = book.after(fill(str(number), Side.BUY, "1", at_s), 0, True)
    assert (len(book.booked), book.forgotten_ns, book.ledger.fills) == (3, -1, 3)
