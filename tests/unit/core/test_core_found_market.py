"""Faults in reading the market that misled or broke a decision; each test failed before its fix."""

from __future__ import annotations

import pytest
from core_builders import (
    ASK_KEPT,
    BID_KEPT,
    NOW,
    SECOND,
    D,
    account,
    cancels,
    decided,
    places,
    view,
)

from hummingbot_extensions.core.decision import DecisionState
from hummingbot_extensions.core.silence import Silence


@pytest.mark.parametrize(("bid", "ask"), [("0", "0"), ("0", "100000.01"), ("-1", "1"), ("-2", "-1")])
def test_a_book_with_prices_of_zero_or_less_is_empty(bid: str, ask: str) -> None:
    """Zero prices are no prices: no division by the mid, no quote."""
    decision = decided(view(bid=D(bid), ask=D(ask)), account(BID_KEPT, ASK_KEPT))
    assert (decision.bid_silence, decision.ask_silence) == (Silence.EMPTY_BOOK, Silence.EMPTY_BOOK)
    assert len(cancels(decision)) == 2 and places(decision) == []


@pytest.mark.parametrize("mark", ["0", "-100000"])
def test_a_mark_of_zero_or_less_is_no_mark(mark: str) -> None:
    """A known basis does not turn a mark of zero into a price."""
    known = DecisionState(basis_frac=0.0, basis_frame_ns=NOW - SECOND)
    assert decided(view(mark=D(mark)), state=known).bid_silence is Silence.NO_MARK


def test_a_wild_mark_does_not_teach_the_basis() -> None:
    """One frame with a mark 1 % away is refused and leaves the estimate of the mark where it was."""
    calm = DecisionState(basis_frac=0.0, basis_frame_ns=NOW - 3 * SECOND)
    wild = decided(view(mark=D("101000")), state=calm)
    assert wild.bid_silence is Silence.MARK_MID_DIVERGENCE
    assert wild.state.basis_frac == 0.0
    back = decided(view(price_frame_ns=NOW + 3 * SECOND, now_ns=NOW + 3 * SECOND), state=wild.state)
    assert back.mark_estimate == pytest.approx(100000.0)


def test_an_older_price_frame_does_not_move_the_basis() -> None:
    """A frame stamped before the last one would be weighted backwards, and far enough back it overflowed."""
    state = DecisionState(basis_frac=0.0001, basis_frame_ns=NOW)
    assert decided(view(price_frame_ns=NOW - 10**6 * SECOND), state=state).state.basis_frac == 0.0001
