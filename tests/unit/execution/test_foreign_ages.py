"""How old a foreign connector's book, mark and account stream are taken to be."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow

from hummingbot_extensions.execution.foreign.watch import AccountWatch, BookWatch, ChangeStamp, PriceWatch


def test_a_change_is_dated_from_the_look_before() -> None:
    """An age is never less than the truth; what was there at the first look has none."""
    stamp = ChangeStamp()
    stamp.look("a", 100)
    assert stamp.received_ns is None
    assert not stamp.look("a", 200)
    assert stamp.received_ns is None
    assert stamp.look("b", 300)
    assert stamp.received_ns == 200
    stamp.look("b", 9_000)
    assert stamp.received_ns == 200
    stamp.look(None, 10_000)
    assert stamp.received_ns is None
    stamp.look("b", 11_000)
    assert stamp.received_ns == 10_000


def rows(*pairs: tuple[str, str]) -> Any:
    return [OrderBookRow(float(price), float(size), 0) for price, size in pairs]


def test_a_book_counts_once_its_age_is_known() -> None:
    """Best levels come out as the venue wrote them; a new number makes the book young, an old one leaves it ageing."""
    watch, tick = BookWatch(), Decimal("0.1")
    shown = OrderBook()
    shown.apply_snapshot(rows(("2999.9", "1"), ("2999.8", "1")), rows(("3000.1", "1")), 1)
    assert watch.look(shown, 100)
    assert watch.state(tick) is None
    shown.apply_diffs(rows(("2990.0", "3")), [], 2)
    assert not watch.look(shown, 200)
    state = watch.state(tick)
    assert state is not None
    assert (state.bid, state.ask, state.grid, state.received_mono_ns) == (
        Decimal("2999.9"), Decimal("3000.1"), tick, 100)
    assert state.bids == (
        (Decimal("2999.9"), Decimal(1)), (Decimal("2999.8"), Decimal(1)), (Decimal("2990.0"), Decimal(3)))
    assert state.asks == ((Decimal("3000.1"), Decimal(1)),)
    watch.look(shown, 300)
    assert watch.state(tick) == state
    shown.apply_diffs(rows(("2999.9", "0")), [], 3)
    assert watch.look(shown, 400)
    assert watch.state(tick).bid == Decimal("2999.8")  # type: ignore[union-attr]
    watch.look(None, 500)
    assert watch.state(tick) is None


def test_a_book_whose_number_stands_still_is_young_only_when_its_prices_move() -> None:
    """Some connectors number every frame alike."""
    watch, shown = BookWatch(), OrderBook()
    watch.look(shown, 100)
    shown.apply_snapshot(rows(("10", "1")), rows(("11", "1")), 0)
    watch.look(shown, 200)
    shown.apply_snapshot(rows(("10", "2")), rows(("11", "1")), 0)
    watch.look(shown, 300)
    assert watch.state(Decimal(1)).received_mono_ns == 100  # type: ignore[union-attr]
    shown.apply_snapshot(rows(("9", "2")), rows(("11", "1")), 0)
    watch.look(shown, 400)
    assert watch.state(Decimal(1)).received_mono_ns == 300  # type: ignore[union-attr]


def info(mark: str, index: str = "1", rate: str = "0") -> Any:
    return SimpleNamespace(
        mark_price=Decimal(mark), index_price=Decimal(index), rate=Decimal(rate), next_funding_utc_timestamp=1)


def test_a_mark_is_young_when_any_part_of_its_message_moved() -> None:
    """A repeated mark with another index came in a message; one that stands wholly still grows old."""
    watch, told = PriceWatch(), info("3000")
    watch.look(None, 50)
    watch.look(told, 100)
    assert watch.state().received_mono_ns == 50  # type: ignore[union-attr]
    watch.look(told, 200)
    assert watch.state().received_mono_ns == 50  # type: ignore[union-attr]
    told.index_price = Decimal("1.5")
    assert not watch.look(told, 300)
    assert watch.state().received_mono_ns == 200  # type: ignore[union-attr]
    told.mark_price = Decimal("3001")
    assert watch.look(told, 400)


@pytest.mark.parametrize("nothing", ["0", "-1", "NaN", "Infinity"])
def test_a_mark_that_is_no_price_is_missing(nothing: str) -> None:
    """Connectors fill in such values for what they do not know; none of them is quoted around."""
    watch = PriceWatch()
    watch.look(None, 1)
    watch.look(info(nothing, nothing), 2)
    state = watch.state()
    assert state is not None and state.mark is None and state.index is None


def test_the_account_is_heard_of_by_frames_and_by_answers_while_connected() -> None:
    """An answer counts from when it was asked for; a stream that is gone has no age, whatever was answered before."""
    watch = AccountWatch()
    assert watch.age_ms(0) is None
    watch.look(0.0, 0)
    watch.answered(0)
    assert watch.age_ms(1_000_000) is None
    watch.look(1000.0, 2_000_000)
    assert watch.age_ms(3_000_000) == 3.0
    watch.look(1000.0, 12_000_000)
    assert watch.age_ms(12_000_000) == 12.0
    watch.answered(10_000_000)
    assert watch.age_ms(12_000_000) == 2.0
    # A wall clock that was set back is a new frame all the same.
    watch.look(900.0, 13_000_000)
    assert watch.age_ms(14_000_000) == 2.0
    watch.look(0.0, 15_000_000)
    assert watch.age_ms(15_000_000) is None
