"""Markouts by hand: in time, signed by side, unknown in a hole, bounded however much comes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from core_builders import D

from hummingbot_extensions.core import markout
from hummingbot_extensions.core.markout import CarriedMark, Markout, Markouts, MarkSeries, markout_bps
from hummingbot_extensions.core.types import BookState, PriceState, Side

S = 1_000_000_000
BUY, SELL = Side.BUY, Side.SELL


def fed(markouts: Markouts, marks: dict[float, str]) -> list[Markout]:
    """What the markouts tell while they are fed with marks by second."""
    return [one for at_s, mark in marks.items() for one in markouts.mark(int(at_s * S), D(mark))]


def steady(first: int, last: int, mark: str = "100") -> dict[float, str]:
    return {float(second): mark for second in range(first, last + 1)}


def told(markouts: list[Markout]) -> list[tuple[str, int, float | None]]:
    return [(one.trade_id, one.horizon_s, None if one.bps is None else round(one.bps, 6)) for one in markouts]


@pytest.mark.parametrize(("side", "mark", "bps"), [
    (BUY, "100.1", 10.0), (BUY, "99.9", -10.0), (SELL, "99.9", 10.0), (SELL, "100.1", -10.0), (BUY, "100", 0.0)])
def test_a_gain_is_positive_on_both_sides(side: Side, mark: str, bps: float) -> None:
    """A price that moves our way after a fill is a gain, in bps of the fill's price."""
    assert markout_bps(side, D("100"), D(mark)) == pytest.approx(bps)


def test_each_horizon_is_told_once_with_the_mark_in_force_then() -> None:
    """The mark at the due time is the last one at or before it, not the one that comes after."""
    markouts = Markouts()
    assert fed(markouts, steady(0, 10)) == []
    assert markouts.fill("a", BUY, D("100"), 10 * S) == []
    got = fed(markouts, {10.5: "100.1", 11.2: "500", 12.0: "100.2", 13.0: "100.2", 14.5: "100.3", 15.0: "100.4"})
    assert told(got) == [("a", 1, 10.0), ("a", 5, 40.0)]
    assert told(fed(markouts, steady(16, 320, "99"))) == [("a", 30, -100.0), ("a", 300, -100.0)]
    assert markouts.pending == 0


def test_a_hole_over_the_horizon_is_unknown_and_one_elsewhere_is_not() -> None:
    """Two seconds without a frame are a hole; a mark after it says nothing about the time inside."""
    markouts = Markouts()
    fed(markouts, {9.5: "100", 10.0: "100"})
    markouts.fill("a", SELL, D("100"), 10 * S)
    got = fed(markouts, {10.5: "100", 12.6: "99", 14.0: "99", 15.5: "98", 16.0: "98"})
    assert told(got) == [("a", 1, None), ("a", 5, 100.0)]
    assert got[0].mark is None and got[1].mark == 99
    assert markouts.means()[0] == markout.MeanMarkout(1, None, 0, 1)


def test_a_fill_that_comes_late_is_told_at_once_and_one_from_before_all_marks_as_unknown() -> None:
    """The marks of the last minutes are kept for fills that the stream lost."""
    markouts = Markouts()
    fed(markouts, {**steady(0, 60), 61.0: "101"})
    assert told(markouts.fill("late", BUY, D("100"), 25 * S)) == [("late", 1, 0.0), ("late", 5, 0.0), ("late", 30, 0.0)]
    assert told(markouts.fill("old", BUY, D("100"), -400 * S)) == [("old", h, None) for h in (1, 5, 30, 300)]
    assert markouts.pending == 1


def test_what_is_given_up_is_unknown_in_the_order_in_which_it_was_due() -> None:
    """A run that ends leaves no markout untold."""
    markouts = Markouts()
    fed(markouts, steady(0, 10))
    markouts.fill("a", BUY, D("100"), 10 * S)
    markouts.fill("b", BUY, D("100"), 8 * S)
    due = [(key, horizon, None) for key, horizon in (("a", 1), ("b", 5), ("a", 5), ("b", 30), ("a", 30), ("b", 300),
                                                    ("a", 300))]  # fmt: skip
    assert told(markouts.given_up()) == due and markouts.given_up() == []


def test_the_rolling_mean_forgets_the_oldest_and_leaves_out_the_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three fills are kept: +10, unknown, +40 after the first has gone."""
    monkeypatch.setattr(markout, "ROLLING_FILLS", 3)
    markouts = Markouts()
    assert markouts.means()[0] == markout.MeanMarkout(1, None, 0, 0)
    fed(markouts, steady(0, 2))
    markouts.fill("1", BUY, D("100"), 2 * S)
    fed(markouts, {3.0: "100.5", 4.0: "100"})
    markouts.fill("2", BUY, D("100"), 4 * S)
    fed(markouts, {4.9: "100.1", 5.5: "100"})
    markouts.fill("3", BUY, D("100"), 6 * S)
    fed(markouts, {9.0: "100", 10.0: "100"})
    assert markouts.means()[0] == markout.MeanMarkout(1, pytest.approx(30.0), 2, 1)  # type: ignore[arg-type]
    markouts.fill("4", SELL, D("100"), 10 * S)
    fed(markouts, {11.0: "99.6", 12.0: "99"})
    assert markouts.means()[0] == markout.MeanMarkout(1, pytest.approx(25.0), 2, 1)  # type: ignore[arg-type]


def test_memory_is_bounded_whatever_comes() -> None:
    """Marks and fills without end: both are kept within their bounds, and nothing is told twice or lost."""
    series = MarkSeries(max_marks=50)
    for number in range(1_000):
        assert series.note(number, D(number))
    assert len(series) <= 100 and series.at(999) == 999 and series.at(500) is None
    markouts = Markouts(max_pending=40)
    got = [one for number in range(100) for one in markouts.fill(str(number), BUY, D("100"), number)]
    assert markouts.pending == 40 and len(got) == 360 and {one.bps for one in got} == {None}
    got += markouts.given_up()
    assert len({(one.trade_id, one.horizon_s) for one in got}) == len(got) == 400


def test_a_mark_that_was_overtaken_is_ignored() -> None:
    """A stamp that does not rise changes nothing: neither what is in force nor what is due."""
    markouts = Markouts()
    fed(markouts, {1.0: "100", 2.0: "101"})
    assert markouts.mark(2 * S, D("7")) == [] == markouts.mark(S, D("7")) and markouts.mark_at(2 * S) == 101


@pytest.mark.parametrize(("at_s", "mark"), [(0.5, None), (1.0, "100"), (2.9, "100"), (3.0, "101"), (5.0, "101"),
                                            (5.1, None)])  # fmt: skip
def test_the_mark_at_an_instant(at_s: float, mark: str | None) -> None:
    """In force from its stamp on; unknown before the first and two seconds after the last."""
    markouts = Markouts()
    fed(markouts, {1.0: "100", 3.0: "101"})
    assert markouts.mark_at(int(at_s * S)) == (None if mark is None else D(mark))


def book(bid: str | None, ask: str | None) -> BookState:
    return BookState(None if bid is None else D(bid), None if ask is None else D(ask), D("0.1"), None, 0)


def price(mark: str | None, received_ns: int) -> PriceState:
    return PriceState(None if mark is None else D(mark), None, None, None, None, None, received_ns)


def test_the_mark_is_carried_on_by_the_book() -> None:
    """Between two marks the mid's relative move is added; a new mark takes over; the old one ends after 15 s."""
    carried = CarriedMark().after(price("200", 0), book("99", "101"))
    assert carried.now(book("100", "102"), S) == 202
    assert carried.after(price("200", 0), book("1", "1")) is carried, "the same frame again is no new mark"
    again = carried.after(price("210", S), book("100", "102"))
    assert again.now(book("100", "102"), 2 * S) == 210
    assert again.now(book("100", "102"), 17 * S) is None and again.now(book("100", "102"), 16 * S) == 210


@pytest.mark.parametrize("shown", [None, book(None, "101"), book("99", None), book("102", "101"), book("0", "1")])
def test_without_a_sound_book_the_mark_stands_as_it_came(shown: BookState | None) -> None:
    """One-sided, crossed and missing books move nothing, now or at the mark's frame."""
    assert CarriedMark().after(price("200", 0), book("99", "101")).now(shown, S) == 200
    assert CarriedMark().after(price("200", 0), shown).now(book("99", "101"), S) == 200


@pytest.mark.parametrize("stated", [None, "0", "-5"])
def test_no_mark_is_no_price(stated: str | None) -> None:
    """A frame without a usable mark leaves what was known, and nothing where nothing was."""
    assert CarriedMark().after(price(stated, 0), book("99", "101")).now(book("99", "101"), 1) is None
    assert CarriedMark().after(None, None).now(None, 1) is None
    known = CarriedMark().after(price("200", 0), None)
    assert known.after(price(stated, 5), None) is known
    assert Decimal(200) == known.now(None, 1)
