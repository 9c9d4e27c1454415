"""What nearness to liquidation leaves to add: less at once, more after a while at a distance, nothing while unknown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from core_builders import ASK_KEPT, BID_KEPT, NOW, SECOND, account, cancels, decided, params, places, view

from hummingbot_extensions.core import margin_guard
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import MarginView
from hummingbot_extensions.core.margin_guard import RETURN_S, UNKNOWN_S, GuardState
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side

D = Decimal
RATIO = GateParams(D(1), margin_ratio_stop=D(2), margin_ratio_shrink=D(4))
NEAR = GateParams(D(1), liquidation_distance_stop_frac=D("0.1"), liquidation_distance_shrink_frac=D("0.2"))


def looked(
    path: list[tuple[float, str | None]], gate: GateParams = RATIO, position: str = "0.01",
    state: GuardState | None = None,
) -> list[tuple[Decimal, Silence | None]]:
    """What is left after each look: seconds and margin ratio, or liquidation price for ``NEAR``."""
    state, found = state or GuardState(), []
    for at_s, figure in path:
        value = None if figure is None else D(figure)
        margin = MarginView(value, None) if gate is NEAR else MarginView(None, value)
        held = account(position=position, margin=margin)
        state = margin_guard.after(state, view(now_ns=NOW + int(at_s * SECOND)), held, gate)
        found.append((state.left_frac, state.reason))
    return found


LOW = Silence.MARGIN_RATIO_LOW


def test_less_is_allowed_at_once_in_quarters() -> None:
    """4 to 2: all, then three, two, one quarter, then nothing; between steps nothing changes."""
    found = looked([(0, ratio) for ratio in ("5", "4", "3.9", "3.5", "3.4", "2.6", "2.01", "2", "1")])
    assert found == [
        (D(1), None), (D(1), None), (D("0.75"), LOW), (D("0.75"), LOW), (D("0.5"), LOW), (D("0.25"), LOW), (D(0), LOW),
        (D(0), LOW), (D(0), LOW)]


def test_more_is_allowed_only_after_a_while_at_a_distance() -> None:
    """At 5 % over the threshold and for ten seconds on end."""
    found = looked([(0, "2"), (1, "4.3"), (1 + RETURN_S / 2, "4.3"), (1 + RETURN_S, "4.3")])
    assert [left for left, _ in found] == [0, 0, 0, 1] and found[-1] == (D(1), None)
    broken = looked([(0, "2"), (1, "4.3"), (6, "2"), (7, "4.3"), (12, "4.3"), (17, "4.3")])
    assert [left for left, _ in broken] == [0, 0, 0, 0, 0, 1]


def test_a_figure_that_sways_at_a_threshold_does_not_flap() -> None:
    """Two minutes of 1 % to either side of each threshold change what is allowed once."""
    for threshold in ("4", "3", "2"):
        path = [(at, str(D(threshold) * D("0.99" if at % 2 else "1.01"))) for at in range(120)]
        lefts = [left for left, _ in looked(path)]
        assert sum(1 for one, other in zip(lefts, lefts[1:], strict=False) if one != other) <= 1, threshold


def test_a_stop_without_a_shrink_threshold_is_all_or_nothing() -> None:
    gate = GateParams(D(1), margin_ratio_stop=D(2))
    found = looked([(0, "2.1"), (0, "2.0"), (1, "2.09"), (60, "2.09"), (61, "2.11"), (72, "2.11")], gate)
    assert [left for left, _ in found] == [1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(("position", "price", "left"), [
    ("0.01", "85000", "0.5"), ("0.01", "90000", "0"), ("-0.01", "115000", "0.5"), ("-0.01", "109000", "0"),
    ("0.01", "0", "1"), ("0.01", "50000", "1"),
])  # fmt: skip
def test_the_distance_to_liquidation_counts_towards_it(position: str, price: str, left: str) -> None:
    ((found, reason),) = looked([(0, price)], NEAR, position)
    assert found == D(left) and (reason is Silence.LIQUIDATION_NEAR) is (found < 1)


def test_unknown_figures_keep_what_rests_for_a_moment_and_then_leave_nothing_to_add() -> None:
    """Known ones that are well begin a while of calm, as after any danger."""
    found = looked([(0, "5"), (1, None), (1 + UNKNOWN_S / 2, None), (1 + UNKNOWN_S, None), (7, "5"), (18, "5")])
    assert found == [
        (D(1), None), (D(1), None), (D(1), None), (D(0), Silence.MARGIN_UNKNOWN), (D(0), Silence.MARGIN_UNKNOWN),
        (D(1), None)]


def test_a_flat_account_and_limits_that_are_off_ask_nothing() -> None:
    assert looked([(0, None), (60, None)], position="0") == [(D(1), None)] * 2
    assert looked([(0, None), (60, None)], GateParams(D(1))) == [(D(1), None)] * 2
    low = GuardState(D(0), LOW)
    assert looked([(0, "1")], GateParams(D(1)), state=low) == [(D(1), None)]


# --- what a decision makes of it ---


def test_the_adding_side_shrinks_and_the_reducing_side_does_not() -> None:
    """At half: quotes of half the size on the side that adds, and half of the cap for both."""
    held = account(position="0.004", adding_frac=D("0.5"), adding_reason=LOW)
    decision = decided(held=held)
    assert [place.quote.size for place in places(decision, Side.BUY)] == [D("0.001")]
    assert [place.quote.size for place in places(decision, Side.SELL)] == [D("0.002")]


def test_the_cap_shrinks_with_it() -> None:
    """A cap of 0.025, a quarter left: 0.006 held and 0.00025 free, less than the venue takes."""
    held = account(position="0.0062", adding_frac=D("0.25"), adding_reason=LOW)
    decision = decided(held=held)
    assert places(decision, Side.BUY) == [] and len(places(decision, Side.SELL)) == 1


def test_at_the_stop_only_reducing_is_left() -> None:
    """What adds is cancelled for risk under the reason; what reduces is reduce-only and within the position."""
    held = account(BID_KEPT, ASK_KEPT, position="0.001", adding_frac=D(0), adding_reason=LOW)
    decision = decided(held=held)
    assert decision.bid_silence is LOW
    assert [(c.client_order_id, c.reason, c.is_risk) for c in cancels(decision, Side.BUY)] == [
        (BID_KEPT.client_order_id, LOW, True)]
    (ask,) = [ladder for ladder in decision.ladders if ladder.side is Side.SELL]
    assert ask.is_reduce_only and ask.size(0) == D("0.001")


def test_a_flat_account_at_the_stop_quotes_nothing() -> None:
    decision = decided(held=account(adding_frac=D(0), adding_reason=LOW))
    assert decision.bid_silence is decision.ask_silence is LOW and decision.actions == ()


def test_orders_too_small_to_shrink_say_why_they_are_gone() -> None:
    held = account(adding_frac=D("0.25"), adding_reason=LOW)
    decision = decided(held=held, config=params(order_size_base=D("0.0002")))
    assert decision.bid_silence is decision.ask_silence is LOW


def test_soft_limit_and_hard_stop_keep_their_names() -> None:
    held = account(position="0.015", adding_frac=D(0), adding_reason=LOW)
    assert decided(held=held).bid_silence is Silence.SOFT_LIMIT


def test_all_of_it_left_decides_as_before() -> None:
    """N16."""
    held = account(position="0.004")
    assert decided(held=held) == decided(held=replace(held, margin=MarginView(D(1), D("1.01")), equity_quote=D(1)))
