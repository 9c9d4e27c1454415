"""Several layers a side: what is placed, kept, replaced and dropped, on a mark of 100,000 where one bps is 10.00."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from core_builders import NOW, SECOND, D, account, cancels, decided, order, params, places, view

from hummingbot_extensions.core.decision import CancelReason, Decision, DecisionState
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, OrderState, OwnOrder

SPACED = {"mode": "geometric", "start_offset_bps": 5.0, "layer_count": 3, "first_spacing_bps": 2.0,
          "spacing_multiplier": 1.5, "cancel_distance_bps": 2.0, "requote_tolerance_bps": 0.5}
THREE = params(**SPACED)
"""Layers at 5, 7 and 10 bps: 99,950, 99,930 and 99,900 for bids."""


def bids(decision: Decision) -> list[str]:
    return [f"{place.quote.price:.2f}" for place in places(decision, Side.BUY)]


def resting(*prices: str, **changes: object) -> list[OwnOrder]:
    return [order(Side.BUY, price, f"b{price}", **changes) for price in prices]


def asks() -> list[OwnOrder]:
    return [order(Side.SELL, price) for price in ("100050.00", "100070.00", "100100.00")]


def ids(decision: Decision) -> list[tuple[str, str, bool]]:
    return [(c.client_order_id, str(c.reason), c.is_risk) for c in cancels(decision, Side.BUY)]


def test_f1_all_layers_are_placed_at_once_nearest_first() -> None:
    """Each on its own distance, with its layer and the terms of its price."""
    decision = decided(config=THREE)
    assert bids(decision) == ["99950.00", "99930.00", "99900.00"]
    assert [place.quote.layer for place in places(decision, Side.SELL)] == [0, 1, 2]
    quote = places(decision, Side.BUY)[2].quote
    assert [name for name, _ in quote.breakdown.terms] == ["start_offset", "layer", "rounding"]
    assert quote.breakdown.distance_bps == pytest.approx(10.0)


def test_e21_the_terms_of_every_layer_sum_to_its_distance() -> None:
    """Whatever moved the price: base, skew, clamp, layer, rounding."""
    config = params(**SPACED, skew_linear_on=True, skew_push_bps=3.0)
    market = view(ask=D("99940.01"), bid=D("99939.99"), mark=D("99940.00"))
    decision = decided(market, account(position="0.004"), config)
    for quote in decision.quotes:
        away = (1.0 - float(quote.price) / quote.breakdown.mark) * 1e4 * quote.side.sign
        assert quote.breakdown.distance_bps == pytest.approx(away, abs=1e-9)


def test_what_serves_its_layer_stays() -> None:
    """Within half a bps of their places nothing is touched."""
    held = account(*resting("99951.00", "99929.00", "99904.00"), *asks())
    assert decided(held=held, config=THREE).actions == ()


def test_a_missing_layer_alone_is_filled() -> None:
    held = account(*resting("99950.00", "99900.00"), *asks())
    decision = decided(held=held, config=THREE)
    assert bids(decision) == ["99930.00"] and cancels(decision) == []


def test_f14_a_shift_replaces_before_it_cancels_and_leaves_no_layer_empty() -> None:
    """All three stand 2 bps too far: three replacements, then the old ones go as those rest."""
    old = resting("99930.00", "99910.00", "99880.00")
    first = decided(held=account(*old, *asks()), config=THREE)
    # The second layer's order may serve no other layer: 99,930 is the second's place, so one order only is missing.
    assert bids(first) == ["99950.00", "99900.00"] and cancels(first) == []
    new = [order(Side.BUY, price, f"n{price}", state=OrderState.PLACING, placed_ns=NOW) for price in bids(first)]
    second = decided(held=account(*old, *new, *asks()), config=THREE, state=first.state)
    assert second.actions == ()
    live = [replace(each, state=OrderState.LIVE) for each in new]
    third = decided(held=account(*old, *live, *asks()), config=THREE, state=second.state)
    assert {name for name, _, _ in ids(third)} == {"b99910.00", "b99880.00"}
    assert not any(is_risk for _, _, is_risk in ids(third))


def test_f14_one_of_two_replacements_that_rests_frees_one_old_order_only() -> None:
    """The layer whose replacement is on its way keeps an old order."""
    old = resting("99860.00", "99850.00", "99840.00")
    coming = {"state": OrderState.PLACING, "placed_ns": NOW}
    new = [order(Side.BUY, "99950.00", "n0"), order(Side.BUY, "99930.00", "n1", **coming),
           order(Side.BUY, "99900.00", "n2", **coming)]
    decision = decided(held=account(*old, *new, *asks()), config=THREE)
    assert [name for name, _, _ in ids(decision)] == ["b99840.00"] and bids(decision) == []


def test_the_deepest_layers_go_where_not_all_fit_under_the_cap() -> None:
    """Cap 0.025, long 0.0205: one of 0.002 and half of one fit beside it."""
    config = params(**SPACED, soft_limit_base=D("0.022"), hard_stop_base=D("0.024"))
    decision = decided(held=account(position="0.0215"), config=config)
    assert [(f"{p.quote.price:.2f}", p.quote.size) for p in places(decision, Side.BUY)] == [
        ("99950.00", D("0.0020")), ("99930.00", D("0.0015"))]
    assert len(places(decision, Side.SELL)) == 3


def test_i6_orders_beyond_the_cap_are_cancelled_deepest_first() -> None:
    """A position that grew leaves room for one: the nearest stays, and nothing is placed."""
    config = params(**SPACED, soft_limit_base=D("0.0235"), hard_stop_base=D("0.024"))
    held = account(*resting("99950.00", "99930.00", "99900.00"), position="0.0229")
    decision = decided(held=held, config=config)
    assert sorted(ids(decision)) == [("b99900.00", "over_cap", True), ("b99930.00", "over_cap", True)]
    assert bids(decision) == []


def test_f6_the_adding_side_gives_up_layers_and_the_reducing_side_none() -> None:
    """At half the soft limit 0.6 x 0.5 of six layers go: four and six."""
    config = params(**{**SPACED, "layer_count": 6, "spacing_multiplier": 1.1}, adding_cut_frac=0.6,
                    order_size_base=D("0.001"))
    decision = decided(held=account(position="0.005"), config=config)
    assert (len(places(decision, Side.BUY)), len(places(decision, Side.SELL))) == (4, 6)


def test_a_reducing_side_never_asks_for_more_than_the_position() -> None:
    """From the soft limit on: 0.002, 0.002 and what is left of 0.0105 is more than three layers; of 0.0115 too."""
    config = params(**SPACED, order_size_base=D("0.005"))
    decision = decided(held=account(position="0.0115"), config=config)
    assert [p.quote.size for p in places(decision, Side.SELL)] == [D("0.005"), D("0.005"), D("0.0015")]
    assert all(p.quote.is_reduce_only for p in places(decision, Side.SELL))
    assert places(decision, Side.BUY) == [] and decision.bid_silence is Silence.SOFT_LIMIT


def test_f13_margin_for_two_layers_places_two() -> None:
    """0.002 at 99,950 takes 211.9: 430 carry two bids; the asks, decided after, find nothing left."""
    decision = decided(held=account(available_quote=D("430")), config=THREE)
    assert bids(decision) == ["99950.00", "99930.00"]
    assert decision.ask_silence is Silence.MARGIN


@pytest.mark.parametrize(("free", "resting_ids", "placed"), [
    ("0", (), ["99950.00"]), ("0", ("99950.00",), []), ("211", (), ["99950.00"]),
    ("212", (), ["99950.00", "99930.00"]), ("212", ("99950.00",), ["99930.00"]),
])  # fmt: skip
def test_f13_a_short_is_closed_once_without_margin(free: str, resting_ids: tuple[str, ...], placed: list[str]) -> None:
    """Short 0.002: one bid of 0.002 closes it and needs none; one more beside it opens, and needs 211.8."""
    held = account(*resting(*resting_ids), position="-0.002", available_quote=D(free))
    assert bids(decided(held=held, config=THREE)) == placed


def test_an_unknown_order_holds_one_layer_and_no_more() -> None:
    held = account(*resting("99950.00", state=OrderState.UNKNOWN), *asks())
    assert bids(decided(held=held, config=THREE)) == ["99930.00", "99900.00"]


def test_two_layers_on_one_tick_become_one_order() -> None:
    """T33: a book that leaves no room for the first two layers gets one order of both sizes, not two on one price."""
    market = view(bid=D("99929.99"), ask=D("99930.01"))
    state = DecisionState(basis_frac=100000.0 / 99930.0 - 1.0, basis_frame_ns=NOW)
    decision = decided(market, config=THREE, state=state)
    assert [(f"{p.quote.price:.2f}", p.quote.size) for p in places(decision, Side.BUY)] == [
        ("99930.00", D("0.0040")), ("99900.00", D("0.0020"))]


@pytest.mark.parametrize(("price", "is_cancelled"), [("99959.99", False), ("99960.00", True), ("99964.00", True)])
def test_e18_an_order_among_the_first_levels_goes_and_is_placed_behind_them(price: str, is_cancelled: bool) -> None:
    """Third level at 99,960: an order from there on is a risk; the new one stands a tick behind or deeper."""
    config = params(queue_position_limit=3, cancel_distance_bps=1.0, order_distance_bps=3.0)
    market = view(bid_queue=D("99960.00"), ask_queue=D("100040.00"))
    held = account(order(Side.BUY, price, "b", size=D("0.002")), order(Side.SELL, "100060.00"))
    decision = decided(market, held, config)
    assert [(c.client_order_id, str(c.reason), c.is_risk) for c in cancels(decision, Side.BUY)] == (
        [("b", "queue_position", True)] if is_cancelled else [])
    assert bids(decision) == (["99959.99"] if is_cancelled else [])


def test_e18_asks_count_the_grid_step_above_the_last_near_level() -> None:
    """Shown levels are truncated down: with a grid of 1.00 an ask of 100,040.50 is in the level 100,040."""
    config = params(queue_position_limit=3, cancel_distance_bps=1.0, order_distance_bps=3.0)
    market = view(grid=D("1"), bid_queue=D("99960"), ask_queue=D("100040"))
    inside, behind = order(Side.SELL, "100040.50", "in"), order(Side.SELL, "100041.00", "out")
    rests = order(Side.BUY, "99950.00")
    assert [c.client_order_id for c in cancels(decided(market, account(inside, rests), config), Side.SELL)] == ["in"]
    assert cancels(decided(market, account(behind, rests), config), Side.SELL) == []


def test_g16_an_aged_order_is_replaced_without_a_gap() -> None:
    """Sixty seconds: placed anew beside it, and cancelled when that one rests."""
    config = params(max_live_age_s=60.0)
    old, ask = order(Side.BUY, "99940.00", "old"), order(Side.SELL, "100060.00", placed_ns=NOW)
    first = decided(held=account(old, ask), config=config)
    assert bids(first) == ["99940.00"] and cancels(first) == []
    new = order(Side.BUY, "99940.00", "new", placed_ns=NOW)
    second = decided(held=account(old, new, ask), config=config, state=first.state)
    assert ids(second) == [("old", CancelReason.AGED, False)]
    young = replace(old, placed_ns=NOW - 59 * SECOND)
    assert decided(held=account(young, ask), config=config).actions == ()


def waited(held: AccountView, config: QuoteParams, steps_ms: list[int]) -> list[Decision]:
    """Decisions on one account at these times."""
    state, found = DecisionState(), []
    for at_ms in steps_ms:
        decision = decided(view(now_ns=NOW + at_ms * 1_000_000), held, config, state)
        state = decision.state
        found.append(decision)
    return found


def test_g5_ten_triggers_within_the_window_are_one_replacement() -> None:
    """400 ms: what is outdated waits for the end of the window, whatever wakes the bot in between; a hole does not."""
    config = params(coalesce_ms=400.0)
    held = account(order(Side.BUY, "99850.00", "old"), order(Side.SELL, "100060.00"))
    decisions = waited(held, config, [0, 40, 80, 120, 160, 200, 240, 280, 320, 399, 400])
    assert [len(decision.actions) for decision in decisions] == [0] * 10 + [1]
    assert bids(decisions[-1]) == ["99940.00"]
    assert bids(decided(held=account(order(Side.SELL, "100060.00")), config=config)) == ["99940.00"]
    near = account(order(Side.BUY, "99990.00", "near"), order(Side.SELL, "100060.00"))
    assert ids(decided(held=near, config=config)) == [("near", "too_near", True)]


@pytest.mark.parametrize("size", ["0.0015", "0.0025"])
def test_the_reduced_layers_of_a_long_position_are_the_same_at_any_size(size: str) -> None:
    """E3 with layers: long moves every bid away and every ask nearer, and all by the same."""
    config = params(**{**SPACED, "order_size_base": Decimal(size)}, skew_linear_on=True)
    flat, long = decided(config=config), decided(held=account(position="0.005"), config=config)
    for side in Side:
        moved = [b.quote.price - a.quote.price for a, b in zip(places(flat, side), places(long, side), strict=True)]
        assert all(each < 0 for each in moved) and max(moved) - min(moved) <= D("0.02")


def test_a_layer_of_which_size_skew_leaves_no_lot_is_left_out() -> None:
    """Half way to the soft limit the adding side keeps 0.7: of one lot nothing, of two lots one."""
    cheap = replace(view().rules, min_notional=D(0))
    config = params(**SPACED, skew_size_on=True, skew_dead_frac=0.0, order_size_base=D("0.0002"), size_decay=D("0.5"))
    decision = decided(view(rules=cheap), account(position="0.005"), config)
    assert [place.quote.size for place in places(decision, Side.BUY)] == [D("0.0001")]
    assert [place.quote.size for place in places(decision, Side.SELL)] == [D("0.0002"), D("0.0001")]
    bare = decided(view(rules=cheap), account(position="0.005"), params(skew_size_on=True, order_size_base=D("0.0001")))
    assert bare.bid_silence is Silence.BELOW_MINIMUM and len(places(bare, Side.SELL)) == 1
