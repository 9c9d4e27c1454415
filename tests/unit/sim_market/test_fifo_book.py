"""Price-time priority of the exact book, case by case."""

from __future__ import annotations

import pytest

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.matching import FifoBook, Match

BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, ALO = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.ALO


def book_of(*orders: tuple[int, Side, int, int]) -> FifoBook:
    """Book with (id, side, ticks, lots) resting in that order."""
    book = FifoBook()
    for order_id, side, ticks, lots in orders:
        assert book.place(order_id, side, ticks, lots, ALO).resting_lots == lots
    return book


@pytest.mark.parametrize("side", [BUY, SELL])
def test_better_price_then_older_order_is_met_first(side: Side) -> None:
    """A market order meets the best price, then the next; within a price the one that came first."""
    step = -side.sign
    book = book_of((1, side, 100 + step, 5), (2, side, 100, 5), (3, side, 100, 5))
    execution = book.place(9, side.opposite, None, 12, IOC)
    assert execution.matches == (Match(2, 100, 5, 0), Match(3, 100, 5, 0), Match(1, 100 + step, 2, 3))
    book.invariants()


def test_partly_met_order_keeps_its_place() -> None:
    """A younger order at the price is not met before the rest of the older one."""
    book = book_of((1, SELL, 100, 5), (2, SELL, 100, 5))
    book.place(8, BUY, 100, 2, IOC)
    assert book.ahead_lots(2) == 3
    assert book.place(9, BUY, 100, 4, IOC).matches == (Match(1, 100, 3, 0), Match(2, 100, 1, 4))


def test_limit_takes_up_to_its_price_and_rests_the_remainder() -> None:
    """Fills come at the makers' prices, the rest is the new best of its side."""
    book = book_of((1, SELL, 100, 5), (2, SELL, 102, 5))
    execution = book.place(9, BUY, 101, 8, GTC)
    assert (execution.matches, execution.resting_lots) == ((Match(1, 100, 5, 0),), 3)
    assert (book.best_ticks(BUY), book.best_ticks(SELL)) == (101, 102)


def test_ioc_and_market_leave_nothing_behind() -> None:
    """What is not met at once is gone, in an empty book too."""
    book = book_of((1, SELL, 100, 5))
    assert book.place(7, BUY, 99, 5, IOC).matches == ()
    assert book.place(8, BUY, None, 9, GTC).matched_lots == 5
    assert book.place(9, BUY, None, 9, IOC).matches == ()
    assert (book.best_ticks(BUY), book.best_ticks(SELL)) == (None, None)


@pytest.mark.parametrize(
    ("side", "ticks", "crosses"), [(BUY, 102, True), (BUY, 101, False), (SELL, 100, True), (SELL, 101, False)]
)
def test_post_only_never_takes(side: Side, ticks: int, crosses: bool) -> None:
    """At or beyond the opposite best it is refused whole and changes nothing, one tick short of it rests."""
    book = book_of((1, BUY, 100, 5), (2, SELL, 102, 5))
    version = book.version
    execution = book.place(9, side, ticks, 5, ALO)
    assert (execution.would_cross, execution.resting_lots) == (crosses, 0 if crosses else 5)
    assert (book.version == version) is crosses


def test_cancel_gives_back_what_was_left_once() -> None:
    """A partly filled order gives its remainder, afterwards and for unknown ids there is None."""
    book = book_of((1, SELL, 100, 5))
    book.place(9, BUY, 100, 2, IOC)
    assert [book.cancel(1), book.cancel(1), book.cancel(77)] == [3, None, None]
    assert book.levels(SELL, 5) == []


def test_levels_are_best_first_and_cut_at_the_depth() -> None:
    """Totals per price, at most the depth asked for; no depth, no levels."""
    book = book_of((1, BUY, 100, 5), (2, BUY, 98, 1), (3, BUY, 99, 2), (4, BUY, 99, 3))
    assert book.levels(BUY, 2) == [(100, 5), (99, 5)]
    assert book.levels(BUY, 9) == [(100, 5), (99, 5), (98, 1)]
    assert book.levels(BUY, 0) == []


def test_senseless_orders_are_refused() -> None:
    """No size, an id in use, and a post-only market order raise before anything changes."""
    book = book_of((1, BUY, 100, 5))
    for arguments in ((2, BUY, 100, 0, GTC), (1, BUY, 100, 5, GTC), (2, BUY, None, 5, ALO)):
        with pytest.raises(ValueError, match="at least one lot|rests already|needs a price"):
            book.place(*arguments)
    assert book.levels(BUY, 9) == [(100, 5)]
