"""Reconciliation where only a wrong line of code would show: reasons, bounds and counts, on a mark of 100,000."""

from __future__ import annotations

from typing import Any

import pytest
from core_builders import NOW, SECOND, D, account, cancels, decided, order, params, places

from hummingbot_extensions.core.decision import Decision, DecisionState, Place, Signals
from hummingbot_extensions.core.money import MoneyState
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quote import PriceBreakdown, Quote
from hummingbot_extensions.core.reconcile import after_placing
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OwnOrder, SideHistory

BUY, SELL = Side.BUY, Side.SELL
THREE = params(
    mode="geometric", start_offset_bps=5.0, layer_count=3, first_spacing_bps=2.0, spacing_multiplier=1.5,
    cancel_distance_bps=2.0, requote_tolerance_bps=0.5)  # fmt: skip
"""Layers 50, 70 and 100 from the mark; an order may stand 5 from its place."""
POINTS = params(points_distance_bps=25.0)
"""One layer 60 from the mark and the order for points at 250."""


def at(side: Side, away: str, order_id: str | None = None, **changes: Any) -> OwnOrder:
    """An order ``away`` from the mark on its side."""
    return order(side, f"{D(100_000) - side.sign * D(away):.2f}", order_id, **changes)


def reasons(decision: Decision) -> list[tuple[str, str]]:
    return [(cancel.client_order_id, str(cancel.reason)) for cancel in cancels(decision)]


def beside_all(config: QuoteParams, wanted: tuple[str, ...], extra: OwnOrder) -> list[tuple[str, str]]:
    """Reasons of the cancels when every layer has its young order and ``extra`` rests too."""
    kept = [at(side, away, f"{side}{away}", placed_ns=NOW - 5 * SECOND) for side in (BUY, SELL) for away in wanted]
    return reasons(decided(held=account(*kept, extra), config=config))


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(("away", "size", "reason"), [
    ("105.00", "0.002", "replaced"), ("105.01", "0.002", "too_far"), ("99.00", "0.002", "replaced"),
    ("51.00", "0.001", "replaced"), ("51.00", "0.0009", "size_changed"), ("51.00", "0.0021", "size_changed"),
    ("60.00", "0.002", "replaced"),
])  # fmt: skip
def test_the_reason_of_a_cancel_is_why_the_nearest_layer_does_not_want_it(
    side: Side, away: str, size: str, reason: str
) -> None:
    """Beyond the deepest layer's reach it is too far, else its size is wrong, else another order serves the layer."""
    assert beside_all(THREE, ("50", "70", "100"), at(side, away, "x", size=D(size))) == [("x", reason)]


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("away", ["50.00", "70.00", "100.00"])
def test_an_order_that_stood_its_time_goes_as_aged_whichever_layer_it_serves(side: Side, away: str) -> None:
    """A minute old where thirty seconds are the most; its replacement rests already."""
    config = params(
        mode="geometric", start_offset_bps=5.0, layer_count=3, first_spacing_bps=2.0, spacing_multiplier=1.5,
        cancel_distance_bps=2.0, requote_tolerance_bps=0.5, max_live_age_s=30.0)  # fmt: skip
    assert beside_all(config, ("50", "70", "100"), at(side, away, "x")) == [("x", "aged")]


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(("away", "is_points", "reason"), [
    ("100.00", False, "too_far"), ("200.00", False, "too_far"), ("61.00", False, "replaced"),
    ("255.00", True, "replaced"), ("400.00", True, "too_far"),
])  # fmt: skip
def test_an_order_of_the_mode_is_too_far_where_one_for_points_is_not(
    side: Side, away: str, is_points: bool, reason: str
) -> None:
    """Each is held against the layers of its own kind."""
    kept = [at(each, gap, f"{each}{gap}", is_points=gap == "250") for each in (BUY, SELL) for gap in ("60", "250")]
    extra = at(side, away, "x", is_points=is_points)
    assert reasons(decided(held=account(*kept, extra), config=POINTS)) == [("x", reason)]


@pytest.mark.parametrize(("budget", "used", "goes"), [(10, 4, True), (10, 5, False), (11, 4, True), (11, 5, False)])
def test_orders_for_points_may_use_half_of_the_cancel_budget(budget: int, used: int, goes: bool) -> None:
    """Of 10 or 11 a minute 5: the rest is left to the orders that earn time in band."""
    config = params(points_distance_bps=25.0, cancel_budget_per_min=budget)
    kept = [at(each, gap, f"{each}{gap}", is_points=gap == "250") for each in (BUY, SELL) for gap in ("60", "250")]
    state = DecisionState(cancels_ns=(NOW - SECOND,) * used)
    held = account(*kept, at(BUY, "255.00", "x", is_points=True))
    assert (reasons(decided(held=held, config=config, state=state)) == [("x", "replaced")]) is goes


@pytest.mark.parametrize(("position", "changes", "silence"), [
    ("0", {"available_quote": D("211.8728")}, None),
    ("0", {"available_quote": D("211.8727")}, Silence.MARGIN),
    ("0.002", {"available_quote": D("211.8727")}, Silence.MARGIN),
    ("0.002", {"available_quote": D("211.8728")}, None),
    ("0", {"available_quote": D("0"), "leverage": 400}, Silence.MARGIN),
    ("0", {"available_quote": D("0.53"), "leverage": 400}, None),
    ("-0.002", {"available_quote": None}, None),
    ("-0.001", {"available_quote": D("105.9364")}, None),
    ("-0.001", {"available_quote": D("105.9363")}, Silence.MARGIN),
])  # fmt: skip
def test_a_bid_takes_the_margin_of_what_it_opens_to_the_last_unit(
    position: str, changes: dict[str, Any], silence: Silence | None
) -> None:
    """0.002 at 99,940 and 6 % to spare: 211.8728 from flat or long, half of it when half closes a short, else none."""
    assert decided(held=account(position=position, **changes)).bid_silence is silence


@pytest.mark.parametrize(("placed_ns", "is_replaced"), [(NOW - 9 * SECOND, True), (NOW - 8 * SECOND, False)])
def test_orders_of_a_profile_that_was_left_are_replaced(placed_ns: int, is_replaced: bool) -> None:
    """Placed before the switch they are of the old profile, placed at it of the new one."""
    kept = [at(side, "60", f"{side}60", placed_ns=placed_ns) for side in (BUY, SELL)]
    state = DecisionState(signals=Signals(money=MoneyState(switched_ns=NOW - 8 * SECOND)))
    decision = decided(held=account(*kept), state=state)
    assert [place.quote.side for place in places(decision)] == ([BUY, SELL] if is_replaced else [])
    assert cancels(decision) == []


@pytest.mark.parametrize(("side", "field"), [(BUY, "can_place_bid"), (SELL, "can_place_ask")])
def test_a_side_without_an_executor_says_so_and_places_nothing(side: Side, field: str) -> None:
    """The other side is placed as ever, and the state keeps what was known."""
    state = DecisionState(cancels_ns=(NOW - SECOND,))
    decision = decided(held=account(**{field: False}), state=state)
    assert [place.quote.side for place in places(decision)] == [side.opposite]
    silences = (decision.bid_silence, decision.ask_silence)
    assert silences == ((Silence.NO_EXECUTOR, None) if side is BUY else (None, Silence.NO_EXECUTOR))
    assert decision.state.cancels_ns == state.cancels_ns


@pytest.mark.parametrize(("rejects", "reject_ns", "is_placed"), [
    (1, NOW - SECOND, True), (1, NOW - SECOND - 1, False), (0, NOW - SECOND // 2, False),
])  # fmt: skip
def test_only_a_rejection_of_the_placement_itself_gives_the_throttle_back(
    rejects: int, reject_ns: int, is_placed: bool
) -> None:
    """Placed a second ago where ten are the least: refused then or later counts, one accepted since does not."""
    config = params(side_throttle_ms=10_000.0)
    held = account(bid_history=SideHistory(rejects, reject_ns))
    decision = decided(held=held, config=config, state=DecisionState(bids_placed_ns=(NOW - SECOND,)))
    assert bool(places(decision, BUY)) is is_placed
    assert decision.bid_silence is (None if is_placed else Silence.THROTTLED)


def test_layers_behind_one_that_is_throttled_are_placed_all_the_same() -> None:
    """The first layer has just been placed and is gone; the second and third do not wait for it."""
    decision = decided(config=THREE, state=DecisionState(bids_placed_ns=(NOW,)))
    assert [f"{place.quote.price:.2f}" for place in places(decision, BUY)] == ["99930.00", "99900.00"]


@pytest.mark.parametrize(("side", "position", "is_reduce_only", "left"), [
    (BUY, "0", False, "788"), (BUY, "-0.001", False, "894"), (BUY, "-0.002", False, "1000"),
    (BUY, "0.001", False, "788"), (SELL, "0.001", False, "894"), (SELL, "-0.001", False, "788"),
    (SELL, "0.001", True, "1000"), (BUY, None, False, "788"),
])  # fmt: skip
def test_what_is_placed_takes_the_margin_of_what_it_opens(
    side: Side, position: str | None, is_reduce_only: bool, left: str
) -> None:
    """0.002 at 100,000 with 6 % to spare of 1,000: 212, half of it where half only closes, none where all does."""
    quote = Quote(side, D("100000"), D("0.002"), is_reduce_only, PriceBreakdown(100_000.0, ()), 0)
    held = account(position=position, available_quote=D("1000"))
    assert after_placing(held, (Place(quote),)).available_quote == D(left)
    unknown = account(position=position, available_quote=None)
    assert after_placing(unknown, (Place(quote),)) is unknown
