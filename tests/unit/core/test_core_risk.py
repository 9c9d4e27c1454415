"""Limits: worst case, room, and the life of a hard stop, second by second."""

from __future__ import annotations

import pytest
from core_builders import NOW, SECOND, D, account, decided, order, params, view

from hummingbot_extensions.core.decision import DecisionState
from hummingbot_extensions.core.risk import after_hard_stop_check, is_adding, room, worst_case
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState


@pytest.mark.parametrize(("side", "position", "adds"), [
    (Side.BUY, "0", True), (Side.SELL, "0", True), (Side.BUY, "0.1", True), (Side.SELL, "0.1", False),
    (Side.BUY, "-0.1", False), (Side.SELL, "-0.1", True),
])
def test_adding_is_away_from_zero(side: Side, position: str, adds: bool) -> None:
    """Both sides add to a flat position."""
    assert is_adding(side, D(position)) is adds


@pytest.mark.parametrize("state", list(OrderState))
def test_i13_every_order_that_may_fill_counts_in_full(state: OrderState) -> None:
    """I13: placing, live, cancelling and unknown orders all count; those of the other side do not."""
    orders = [order(Side.BUY, "99940", state=state, size=D("0.003")), order(Side.SELL, "100060", size=D("9"))]
    assert worst_case(Side.BUY, D("0.01"), orders) == D("0.013")
    assert worst_case(Side.SELL, D("-0.01"), []) == D("0.01")
    assert room(Side.BUY, D("0.01"), orders, D("0.025")) == D("0.012")


def test_room_is_never_negative() -> None:
    """A position past the cap leaves nothing to add, and everything to reduce."""
    assert room(Side.BUY, D("0.03"), [], D("0.025")) == 0
    assert room(Side.SELL, D("0.03"), [], D("0.025")) == D("0.055")


def test_i5_a_quote_that_would_pass_the_cap_with_what_rests_is_not_sent() -> None:
    """I5: position 0.07 and 0.15 on its way under a cap of 0.21: 0.02 more is refused before it is sent."""
    config = params(order_size_base=D("0.02"), soft_limit_base=D("0.1"), hard_stop_base=D("0.2"),
                    net_max_base=D("0.21"), worst_case_frac=D("1"))
    pending = order(Side.BUY, "99000", size=D("0.15"), state=OrderState.CANCELLING, cancel_sent_ns=NOW - SECOND)
    decision = decided(held=account(pending, position="0.07", available_quote=D("1000000")), config=config)
    assert decision.bid_silence is Silence.CANCEL_FIRST
    assert [a.quote.side for a in decision.actions] == [Side.SELL]  # type: ignore[union-attr]


def timeline(path: list[tuple[float, str]], **changes: object) -> list[bool]:
    """Whether the hard stop holds after a check at each (seconds, position)."""
    state, config, result = DecisionState(), params(**changes), []
    for at, position in path:
        state = after_hard_stop_check(state, D(position), NOW + int(at * SECOND), config)
        result.append(state.hard_stop_since_ns is not None)
    return result


@pytest.mark.parametrize(("path", "expected"), [
    ([(0, "0.0199"), (1, "-0.0199")], [False, False]),
    ([(0, "0.02"), (1, "-0.02")], [True, True]),
    ([(0, "0.02"), (10, "0.005"), (11, "0.005"), (12, "0.005"), (29.9, "0.005"), (31, "0.005")],
     [True, True, True, True, True, False]),
    ([(0, "0.02"), (31, "0.005"), (32, "0.005"), (33, "0.005")], [True, True, True, False]),
    ([(0, "0.02"), (31, "0.005"), (31.5, "0.005"), (31.9, "0.005"), (32, "0.005"), (33, "0.005")],
     [True, True, True, True, True, False]),
    ([(0, "0.02"), (31, "0.005"), (32, "0.006"), (33, "0.005"), (34, "0.005"), (35, "0.005")],
     [True, True, True, True, True, False]),
    ([(0, "0.02"), (31, "0.005"), (32, "0.02"), (33, "0.005"), (34, "0.005"), (35, "0.005")],
     [True, True, True, True, True, False]),
    ([(0, "0.02"), (100, "0.01"), (1000, "0.0061"), (10_000, "0.006")], [True] * 4),
])
def test_i3_hard_stop_timeline(path: list[tuple[float, str]], expected: list[bool]) -> None:
    """I3: in at 0.02, out after 30 s and three checks in a row under 0.006, each a second after the last."""
    assert timeline(path) == expected


def test_i3_a_position_that_oscillates_around_the_hard_limit_does_not_flap() -> None:
    """Up and down across the limit every second for two minutes: one hard stop, never left."""
    path = [(float(at), "0.0201" if at % 2 else "0.0199") for at in range(120)]
    assert timeline(path)[1:] == [True] * 119


def test_t5_a_hard_stop_has_a_way_back() -> None:
    """T5, I4: stopped long, the ask is quoted reduce-only until the position is back under the resume limit."""
    decision = decided(held=account(position="0.02"))
    assert decision.bid_silence is Silence.HARD_STOP and decision.ask_silence is None
    (quote,) = decision.quotes
    assert quote.side is Side.SELL and quote.is_reduce_only and quote.size == D("0.002")
    assert decision.state.hard_stop_since_ns == NOW


def test_the_larger_of_two_positions_trips_the_hard_stop() -> None:
    """While a position frame is on its way, limits take the worse of the venue's word and our fills."""
    for pair in (("0.02", "0.001"), ("0.001", "-0.02")):
        held = account(position=pair[0], position_by_fills=D(pair[1]))
        assert decided(held=held).state.hard_stop_since_ns == NOW


def test_stale_input_does_not_end_a_hard_stop() -> None:
    """No check is made on a position that may be old."""
    state = DecisionState(hard_stop_since_ns=NOW - 100 * SECOND, resume_checks=2, resume_checked_ns=NOW - 2 * SECOND)
    assert decided(view(book_age_ms=None), account(position="0"), state=state).state.hard_stop_since_ns is not None
    assert decided(view(), account(position="0"), state=state).state.hard_stop_since_ns is None
