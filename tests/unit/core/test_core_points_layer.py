"""The order for points beside those of the mode: where it stands, what it leaves to them, how long it rests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_builders import (
    ASK_KEPT,
    BID_KEPT,
    NOW,
    RULES,
    SECOND,
    D,
    account,
    cancels,
    decided,
    order,
    params,
    places,
    view,
)

from hummingbot_extensions.core.canonical import digest
from hummingbot_extensions.core.decision import Decision, DecisionState
from hummingbot_extensions.core.layers import MAX_LAYERS
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quote import POINTS_LAYER
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState, OwnOrder

POINTS = params(points_distance_bps=25.0)
"""On a mark of 100,000: uptime at 99,940 and 100,060, points at 99,750 and 100,250, each from 21 to 29 bps."""
BID_POINTS = order(Side.BUY, "99750.00", "bp", is_points=True)
ASK_POINTS = order(Side.SELL, "100250.00", "ap", is_points=True)


def prices(decision: Decision, side: Side) -> list[str]:
    return [f"{place.quote.price:.2f}" for place in places(decision, side)]


def ids(decision: Decision) -> list[str]:
    return [cancel.client_order_id for cancel in cancels(decision)]


def test_d9_one_more_quote_a_side_stands_at_its_own_distance() -> None:
    """Uptime at 6 bps, points at 25, under a number of its own and with its own term."""
    decision = decided(config=POINTS)
    assert prices(decision, Side.BUY) == ["99940.00", "99750.00"]
    assert prices(decision, Side.SELL) == ["100060.00", "100250.00"]
    quote = places(decision, Side.BUY)[1].quote
    assert quote.layer == POINTS_LAYER == MAX_LAYERS
    assert quote.breakdown.term("points_distance") == 25.0
    assert quote.breakdown.distance_bps == pytest.approx(25.0)
    assert decision.state.bid_points_placed_ns == decision.state.ask_points_placed_ns == NOW


def test_n16_off_is_the_decision_without_it() -> None:
    """Its other parameters do nothing while no distance is given."""
    off = params(points_tolerance_bps=1.0, points_size_frac=9.0, points_dwell_ms=60_000.0)
    assert digest(decided(config=off)) == digest(decided())


def test_its_size_is_its_own() -> None:
    sizes = [p.quote.size for p in places(decided(config=params(points_distance_bps=25.0, points_size_frac=2.5)))]
    assert sizes == [D("0.002"), D("0.005"), D("0.002"), D("0.005")]


def test_skew_and_volatility_move_the_mode_and_leave_it_in_its_band() -> None:
    """Half the soft limit long: the adding bid stands farther, the order for points where it was."""
    skewed = params(points_distance_bps=25.0, skew_linear_on=True)
    bids = prices(decided(held=account(position="0.005"), config=skewed), Side.BUY)
    assert float(bids[0]) < 99_940 and bids[1] == "99750.00"


def test_it_stays_behind_every_layer_and_never_crosses() -> None:
    """A mark far above the book: asks are held behind the best bid, the one for points at least a tick behind them."""
    market = view(bid=D("99599.99"), ask=D("99600.01"), mark=D("100000.00"))
    bids = places(decided(market, config=params(points_distance_bps=25.0, mode="simple")), Side.BUY)
    assert [place.quote.price for place in bids] == [D("99600.00"), D("99599.99")]
    asks = places(decided(view(bid=D("100399.99"), ask=D("100400.01")), config=params(
        points_distance_bps=25.0, mode="simple")), Side.SELL)
    assert asks[0].quote.price > D("100399.99") and asks[1].quote.price > asks[0].quote.price


def test_it_is_reconciled_by_its_own_tolerance() -> None:
    """From 21 to 29 bps it stays; farther, the new one is placed before the old is cancelled."""
    kept = account(BID_KEPT, ASK_KEPT, replace(BID_POINTS, price=D("99790.00")), ASK_POINTS)
    assert decided(held=kept, config=POINTS).actions == ()
    far = replace(BID_POINTS, price=D("99700.00"))
    held = account(BID_KEPT, ASK_KEPT, far, ASK_POINTS)
    first = decided(held=held, config=POINTS)
    assert prices(first, Side.BUY) == ["99750.00"] and ids(first) == []
    both = account(BID_KEPT, ASK_KEPT, far, replace(BID_POINTS, client_order_id="new"), ASK_POINTS)
    assert ids(decided(held=both, config=POINTS)) == ["bp"]


@pytest.mark.parametrize(("age_s", "replaces"), [(4.9, False), (5.0, True)])
def test_it_rests_as_long_as_its_dwell_asks(age_s: float, replaces: bool) -> None:
    """Three seconds are enough for the mode's order and not for this one: the program counts from the arrival on."""
    far = replace(BID_POINTS, price=D("99700.00"), placed_ns=NOW - int(age_s * SECOND))
    decision = decided(held=account(BID_KEPT, ASK_KEPT, far, ASK_POINTS), config=POINTS)
    assert bool(decision.actions) is replaces
    uptime = order(Side.BUY, "99900.00", placed_ns=NOW - 3 * SECOND)
    assert prices(decided(held=account(uptime, ASK_KEPT, BID_POINTS, ASK_POINTS), config=POINTS), Side.BUY) == [
        "99940.00"]


def test_danger_does_not_wait_for_the_dwell() -> None:
    near = replace(BID_POINTS, price=D("99985.00"), placed_ns=NOW - SECOND)
    decision = decided(held=account(BID_KEPT, ASK_KEPT, near, ASK_POINTS), config=POINTS)
    assert ids(decision) == ["bp"]


def test_it_spends_at_most_half_of_the_cancel_budget() -> None:
    """The mode's order may still be replaced when the one for points may not."""
    state = DecisionState(cancels_ns=tuple(NOW - SECOND for _ in range(5)))
    far = replace(BID_POINTS, price=D("99700.00"))
    both = account(BID_KEPT, ASK_KEPT, far, replace(BID_POINTS, client_order_id="new"), ASK_POINTS)
    assert decided(held=both, config=POINTS, state=state).actions == ()
    old = order(Side.BUY, "99900.00")
    held = account(BID_KEPT, old, ASK_KEPT, BID_POINTS, ASK_POINTS)
    assert ids(decided(held=held, config=POINTS, state=state)) == [old.client_order_id]


@pytest.mark.parametrize(("cap", "rests"), [("0.006", True), ("0.0059", False)])
def test_under_the_cap_it_goes_first_and_leaves_room_for_a_replacement(cap: str, rests: bool) -> None:
    """Two orders of 0.002 and a third that may replace the mode's while that one rests: 0.006."""
    tight = params(
        points_distance_bps=25.0, net_max_base=D(cap) * 2, hard_stop_base=D("0.005"), soft_limit_base=D("0.004"),
        resume_limit_base=D("0.003"))
    assert prices(decided(config=tight), Side.BUY) == ["99940.00", *(["99750.00"] if rests else [])]


@pytest.mark.parametrize(("free", "count"), [("840", 2), ("1300", 4)])
def test_short_margin_goes_to_the_mode_first(free: str, count: int) -> None:
    """Each order takes 212: the order for points asks for that much for each side of the mode beside its own."""
    decision = decided(held=account(available_quote=D(free)), config=POINTS)
    layers = sorted(place.quote.layer for place in places(decision))
    assert layers[:2] == [0, 0] and len(layers) == count


def test_from_the_soft_limit_on_there_is_none() -> None:
    decision = decided(held=account(position="0.012"), config=POINTS)
    assert prices(decision, Side.BUY) == [] and prices(decision, Side.SELL) == ["100060.00"]


def test_it_counts_in_the_worst_case() -> None:
    """An unknown order for points takes its size from what may rest."""
    held = replace(BID_POINTS, state=OrderState.UNKNOWN, size=D("0.024"))
    assert prices(decided(held=account(ASK_KEPT, held, ASK_POINTS), config=POINTS), Side.BUY) == []


def test_one_too_small_for_the_venue_is_left_out() -> None:
    small = params(points_distance_bps=25.0, points_size_frac=0.05)
    rules = replace(RULES, min_size=D("0.0002"))
    assert prices(decided(view(rules=rules), config=small), Side.BUY) == ["99940.00"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"points_distance_bps": 9.5}, "points_distance_bps"),
        ({"points_distance_bps": 3.0, "points_tolerance_bps": 3.0}, "points_tolerance_bps"),
        ({"points_distance_bps": 12.0, "mode": "simple", "layer_count": 3}, "points_distance_bps"),
    ],
)
def test_a_distance_among_the_modes_own_layers_is_refused(changes: dict[str, object], field: str) -> None:
    assert [name for name, _ in params(**changes).problems()] == [field]


def orders_of(decision: Decision) -> list[OwnOrder]:
    return [
        OwnOrder(
            f"{place.quote.side}-{place.quote.layer}", place.quote.side, place.quote.price, place.quote.size,
            OrderState.LIVE, False, NOW, is_points=place.quote.layer == POINTS_LAYER)
        for place in places(decision)
    ]


def test_what_was_placed_is_what_is_wanted() -> None:
    first = decided(config=POINTS)
    assert decided(held=account(*orders_of(first)), config=POINTS, state=first.state).actions == ()


@pytest.mark.parametrize(("cap", "rests"), [("620", True), ("600", False)])
def test_under_a_sides_cap_in_money_it_goes_first(cap: str, rests: bool) -> None:
    """Two orders worth 200 and room for a third."""
    capped = params(points_distance_bps=25.0, side_notional_cap_quote=D(cap))
    assert prices(decided(config=capped), Side.BUY) == ["99940.00", *(["99750.00"] if rests else [])]


def test_neither_kind_of_order_serves_the_others_layer() -> None:
    """A bid of the mode 25 bps away is outdated, whatever stands there; one for points at 6 bps is, too."""
    held = account(order(Side.BUY, "99750.00", "old"), BID_POINTS, ASK_KEPT, ASK_POINTS)
    assert prices(decided(held=held, config=POINTS), Side.BUY) == ["99940.00"]
    near = replace(BID_POINTS, price=D("99940.00"))
    assert prices(decided(held=account(near, ASK_KEPT, ASK_POINTS), config=POINTS), Side.BUY) == [
        "99940.00", "99750.00"]


def test_an_order_for_points_holds_no_hole_of_the_mode() -> None:
    """Unknown, or outdated and not yet of age: the mode's order is placed all the same, its old one given up."""
    unknown = replace(BID_POINTS, state=OrderState.UNKNOWN)
    assert prices(decided(held=account(unknown, ASK_KEPT, ASK_POINTS), config=POINTS), Side.BUY) == ["99940.00"]
    young = replace(BID_POINTS, price=D("99700.00"), placed_ns=NOW - SECOND)
    assert prices(decided(held=account(young, ASK_KEPT, ASK_POINTS), config=POINTS), Side.BUY) == ["99940.00"]
    old = order(Side.BUY, "99890.00", "old")
    assert ids(decided(held=account(BID_KEPT, old, young, ASK_KEPT, ASK_POINTS), config=POINTS)) == ["old"]


@pytest.mark.parametrize("config", [params(), params(points_distance_bps=25.0, net_max_base=D("0.04"))])
def test_where_there_is_no_layer_for_points_its_orders_go_at_once(config: QuoteParams) -> None:
    """Turned off, or the position leaves no room: young as they are, outside of the budget."""
    young = replace(BID_POINTS, placed_ns=NOW - SECOND, size=D("0.003"))
    position = "0.008" if config.pricing.points_distance_bps else "0"
    bid = replace(BID_KEPT, size=D("0.002"))
    tight = replace(config, worst_case_frac=D("0.34"), hard_stop_base=D("0.012"))
    held = account(bid, young, ASK_KEPT, position=position)
    found = cancels(decided(held=held, config=tight), Side.BUY)
    assert [(each.client_order_id, str(each.reason), each.is_risk) for each in found] == [
        ("bp", "points_give_way", True)]
