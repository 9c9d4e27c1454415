"""The split of the result, worked by hand: nothing counted twice, nothing invented, the parts sum to the whole."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from core_builders import D

from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.attribution import Attribution, PnlSplit, of_unsplit
from hummingbot_extensions.core.ledger import Ledger, LedgerFill
from hummingbot_extensions.core.types import Side

S = 1_000_000_000


def fill(
    side: str, price: str, size: str, mark: str | None, fee: str | None = "0", is_exit: bool = False, number: int = 1
) -> LedgerFill:
    return LedgerFill(
        str(number), Side(side), D(price), D(size), None if fee is None else D(fee), True, number * S,
        None if mark is None else D(mark), is_exit)


def booked(*fills: LedgerFill) -> AccountBook:
    book = AccountBook(0)
    for number, one in enumerate(fills):
        book = book.after(replace(one, trade_id=str(number)), 0, True)
    return book


def parts(split: PnlSplit) -> list[Decimal | None]:
    return [split.spread_quote, split.inventory_quote, split.exit_cost_quote, split.fees_quote, split.rebates_quote,
            split.funding_quote, split.net_quote]


def recomposed(split: PnlSplit) -> Decimal:
    """The net as the sum of its parts."""
    spread, inventory, exit_cost, fees, rebates, funding, _ = parts(split)
    assert spread is not None and inventory is not None and exit_cost is not None
    assert fees is not None and rebates is not None and funding is not None
    return spread + inventory - exit_cost - fees + rebates + funding + split.adjustments_quote


def test_t30_bought_at_99_with_the_mark_at_100_shows_one_and_not_two() -> None:
    """T30: the edge is spread; the position counts from the mark of its fill, not from its entry price."""
    split = booked(fill("buy", "99", "1", "100")).split(D("100"))
    assert parts(split) == [1, 0, 0, 0, 0, 0, 1]
    assert split.net_complete and recomposed(split) == split.net_quote


@pytest.mark.parametrize(("side", "price", "spread", "inventory"), [
    ("buy", "99.5", "1.0", "6"), ("buy", "100.5", "-1.0", "6"), ("sell", "100.5", "1.0", "-6"),
    ("sell", "99.5", "-1.0", "-6"),
])
def test_each_side_earns_its_distance_and_then_what_the_mark_moves(
    side: str, price: str, spread: str, inventory: str
) -> None:
    """Two traded half a unit from a mark of 100 that goes to 103."""
    split = booked(fill(side, price, "2", "100")).split(D("103"))
    assert (split.spread_quote, split.inventory_quote) == (D(spread), D(inventory))
    assert recomposed(split) == split.net_quote == D(spread) + D(inventory)


def test_a_round_trip_with_fee_rebate_funding_and_exit_by_hand() -> None:
    """Buy 2 at 99 (mark 100), sell 1 at 102 (mark 101), flatten 1 at 97 (mark 98): worked step by step.

    Spread 2 x 1 + 1 x 1 = 3; inventory 2 x 1 + 1 x (-3) = -1; exit cost 1 x 1 = 1; fee 0.05, rebate 0.02, funding -0.1.
    Cash: -198 + 102 + 97 = 1 before them.
    """
    book = booked(
        fill("buy", "99", "2", "100", fee="-0.02", number=1), fill("sell", "102", "1", "101", number=2),
        fill("sell", "97", "1", "98", fee="0.05", is_exit=True, number=3)).funded(9 * S, D("-0.1"))
    split = book.split(None)
    assert parts(split) == [3, -1, 1, D("0.05"), D("0.02"), D("-0.1"), D("0.87")]
    assert split.trading_quote == 1 and split.net_complete and recomposed(split) == split.net_quote
    assert book.split(D("5000")) == split, "a flat account needs no mark"


def test_adjustments_of_the_venue_are_part_of_the_net_and_deposits_are_not() -> None:
    """Forfeited collateral is a loss; money brought in is none."""
    ledger = Ledger().deposited(D("1000")).adjusted(D("-3"))
    split = Attribution().split(ledger, None)
    assert (split.adjustments_quote, split.net_quote) == (-3, -3) and recomposed(split) == -3


def test_a_fill_without_a_mark_leaves_the_split_unknown_and_the_net_known() -> None:
    """Its gain is in the result, but nobody can say how much of it was spread: None, never 0."""
    book = booked(fill("buy", "99", "1", "100", number=1), fill("buy", "97", "1", None, number=2))
    split = book.split(D("101"))
    assert (split.spread_quote, split.inventory_quote, split.exit_cost_quote) == (None, None, 0)
    assert (split.trading_quote, split.net_quote, split.unmarked_fills) == (6, 6, 1)
    assert not split.net_complete
    assert booked(fill("sell", "97", "1", None, is_exit=True)).split(D("97")).exit_cost_quote is None


def test_fills_before_the_first_mark_are_valued_at_it() -> None:
    """Bought 2 and sold 1 in the dark, then one with a mark of 10: all that is certain is the sum."""
    book = booked(fill("buy", "8", "2", None, number=1), fill("sell", "9", "1", None, number=2))
    assert book.split(D("10")).trading_quote == 3 and book.split(None).trading_quote is None
    book = book.after(fill("sell", "11", "1", "10", number=9), 0, True)
    assert book.attribution.spread_quote == 1 and book.attribution.unmarked_quote == 3
    assert book.split(None).net_quote == book.split(None).trading_quote == 4


def test_a_missing_fee_makes_fees_rebates_and_net_unknown_until_it_comes() -> None:
    """L10, N13: it may be either a fee or a rebate; a later figure goes where its sign says."""
    book = booked(fill("buy", "99", "1", "100", fee=None))
    split = book.split(D("100"))
    assert (split.fees_quote, split.rebates_quote, split.net_quote) == (None, None, None)
    assert split.spread_quote == 1 and split.trading_quote == 1 and not split.net_complete
    told = book.with_fee("0", D("-0.01")).split(D("100"))
    assert (told.fees_quote, told.rebates_quote, told.net_quote) == (0, D("0.01"), D("1.01")) and told.net_complete


def test_without_a_mark_now_an_open_position_has_no_inventory_and_no_net() -> None:
    """The spread of what filled is known all the same."""
    split = booked(fill("buy", "99", "1", "100")).split(None)
    assert (split.spread_quote, split.inventory_quote, split.trading_quote, split.net_quote) == (1, None, None, None)
    assert not split.net_complete


def test_a_late_fill_counts_from_its_own_time() -> None:
    """Told after a later one: its spread is against the mark of its own time, the move since is inventory."""
    book = booked(fill("buy", "104", "1", "105", number=2), fill("buy", "99", "1", "100", number=1))
    split = book.split(D("107"))
    assert (split.spread_quote, split.inventory_quote, split.net_quote) == (2, 9, 11)


def test_an_adopted_position_has_no_spread_and_its_taking_back_leaves_none() -> None:
    """Taken over at 100; at 103 the fill that it stood for is told, at a price of 99 while the mark was 100."""
    book = AccountBook(0).adopted(D("2"), D("100"), 5 * S)
    assert parts(book.split(D("103"))) == [0, 6, 0, 0, 0, 0, 6]
    book = book.after(fill("buy", "99", "2", "100", number=4), 0, True)
    assert book.adoptions == () and parts(book.split(D("103"))) == [2, 6, 0, 0, 0, 0, 8]


def test_a_record_without_a_split_goes_on_with_one() -> None:
    """What its fills gained stays one sum; without fills it was inventory of an adopted position."""
    old = booked(fill("buy", "99", "2", "100", number=1), fill("sell", "103", "1", "101", number=2))
    book = replace(old, attribution=of_unsplit(old.ledger)).after(fill("sell", "112", "1", "110", number=7), 0, True)
    assert book.split(None).net_quote == 17 and book.attribution.spread_quote == 2
    assert book.split(None).spread_quote is None and book.split(None).trading_quote == 17
    adopted = AccountBook(0).adopted(D("2"), D("100"), 5 * S)
    again = replace(adopted, attribution=of_unsplit(adopted.ledger)).split(D("103"))
    assert parts(again) == [0, 6, 0, 0, 0, 0, 6] and again.net_complete
