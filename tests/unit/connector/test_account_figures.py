"""Account figures by age and by position: what is too old, unread, or of another position is not known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hummingbot_extensions.connector.account_figures import AccountFigureBook
from hummingbot_extensions.core.gate_state import MarginView
from hummingbot_extensions.core.margin import AccountFigures, PositionFigures

D = Decimal
ROW = PositionFigures(D("0.5"), D(100), False, D(100), D(1), D(10), D(0), D(10), D(81))
KNOWN = MarginView(D(81), D(10))


def book(**positions: PositionFigures) -> AccountFigureBook:
    made = AccountFigureBook(45.0)
    made.note_balance(D(1000), D(1000), 0.0)
    made.note_positions(positions, frozenset(), 0.0)
    return made


def test_fresh_figures_of_the_position_that_is_held_are_known() -> None:
    assert book(BTC=ROW).figures("BTC", D("0.5"), D(100), 45.0) == AccountFigures(D(1000), KNOWN)
    assert book().figures("BTC", D(0), D(100), 1.0) == AccountFigures(D(1000), MarginView())


@pytest.mark.parametrize(("position", "at_s"), [("0.6", 1.0), ("0", 1.0), ("0.5", 46.0)])
def test_another_position_or_an_old_list_is_not_known(position: str, at_s: float) -> None:
    found = book(BTC=ROW).figures("BTC", D(position), D(100), at_s)
    assert found.margin == MarginView() and (found.equity_quote is None) is (at_s > 45.0)
    assert not book(BTC=ROW).is_of("BTC", D("0.6"))


def test_before_anything_was_read_nothing_is_known() -> None:
    assert AccountFigureBook(45.0).figures("BTC", D(0), D(100), 0.0) == AccountFigures()


def test_a_row_that_makes_no_sense_leaves_margin_unknown_and_the_equity_known() -> None:
    """It may be of any market: a cross position that cannot be read could be the one in danger."""
    made = book(BTC=ROW)
    made.note_positions({"BTC": ROW}, frozenset({"ETH"}), 0.0)
    assert made.figures("BTC", D("0.5"), D(100), 1.0) == AccountFigures(D(1000), MarginView())
