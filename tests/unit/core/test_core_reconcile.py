"""From orders and a wanted quote to actions: each rule on the default bid, wanted at 99,940.00, 6 bps from the mark."""

from __future__ import annotations

from dataclasses import replace

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
    order,
    params,
    places,
    view,
)

from hummingbot_extensions.core.decision import CancelReason, Decision, DecisionState
from hummingbot_extensions.core.exits import HardStopRecovery
from hummingbot_extensions.core.reconcile import reject_backoff_ms
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState, OwnOrder, SideHistory

MS = 1_000_000


def bid(price: str, order_id: str = "b", **changes: object) -> OwnOrder:
    return order(Side.BUY, price, order_id, **changes)


def summary(decision: Decision) -> list[tuple[str, str, bool] | str]:
    """Bid side only: (order, reason, is_risk) for a cancel, the price for a place."""
    shown: list[tuple[str, str, bool] | str] = [
        (c.client_order_id, str(c.reason), c.is_risk) for c in cancels(decision, Side.BUY)]
    return shown + [f"{p.quote.price:.2f}" for p in places(decision, Side.BUY)]


@pytest.mark.parametrize(("price", "expected"), [
    ("99940.00", []),
    ("99979.99", []),
    ("99980.01", [("b", "too_near", True), "99940.00"]),
    ("100005.00", [("b", "too_near", True), "99940.00"]),
    ("99910.01", []),
    ("99909.99", ["99940.00"]),
    ("99000.00", ["99940.00"]),
])
def test_g1_g2_an_order_stays_between_cancel_and_rebalance_distance(price: str, expected: list[object]) -> None:
    """2 and 9 bps: nearer is a risk and goes at once; farther is replaced first and cancelled later."""
    decision = decided(held=account(bid(price), ASK_KEPT))
    assert summary(decision) == expected
    assert decision.bid_silence is None and cancels(decision, Side.SELL) == []


def test_g2_g21_a_drift_replaces_once_and_cancels_when_the_new_one_is_live() -> None:
    """Place; wait while the new order is on its way; cancel the old one when it rests; then nothing."""
    old = bid("99850.00", "old")
    first = decided(held=account(old, ASK_KEPT))
    assert summary(first) == ["99940.00"]
    new = bid("99940.00", "new", state=OrderState.PLACING, placed_ns=NOW)
    second = decided(held=account(old, new, ASK_KEPT), state=first.state)
    assert second.actions == ()
    live = replace(new, state=OrderState.LIVE)
    third = decided(held=account(old, live, ASK_KEPT), state=second.state)
    assert summary(third) == [("old", "too_far", False)]
    gone = replace(old, state=OrderState.CANCELLING, cancel_sent_ns=NOW)
    assert decided(held=account(gone, live, ASK_KEPT), state=third.state).actions == ()
    assert decided(held=account(live, ASK_KEPT), state=third.state).actions == ()


def test_g19_what_does_not_fit_beside_the_old_order_waits_for_its_cancel() -> None:
    """Cap 0.025, position 0.009, 0.015 far away: the replacement would pass the cap until the old order is gone."""
    config = params(order_size_base=D("0.015"))
    old = bid("99850.00", "old", size=D("0.015"))
    held = account(old, position="0.009")
    first = decided(held=held, config=config)
    assert summary(first) == [("old", "too_far", False)]
    cancelling = replace(old, state=OrderState.CANCELLING, cancel_sent_ns=NOW)
    second = decided(held=account(cancelling, position="0.009"), config=config, state=first.state)
    assert summary(second) == [] and second.bid_silence is Silence.CANCEL_FIRST
    third = decided(held=account(position="0.009"), config=config, state=second.state)
    assert summary(third) == ["99940.00"]


def test_a_quote_is_cut_to_the_room_that_is_left() -> None:
    """Cap 0.025 and position 0.009 leave 0.016 of the 0.019 wanted; none of it is an order of 0 at the cap."""
    config = params(order_size_base=D("0.019"))
    (placed,) = places(decided(held=account(position="0.009"), config=config), Side.BUY)
    assert placed.quote.size == D("0.016")
    full = params(order_size_base=D("0.019"), soft_limit_base=D("0.0249"), hard_stop_base=D("0.025"))
    held = account(position="0.009", position_by_fills=D("0.0248"))
    decision = decided(held=replace(held, position=D("0.02495"), position_by_fills=D("0.01")), config=replace(
        full, soft_limit_base=D("0.02499")))
    assert places(decision, Side.BUY) == [] and decision.bid_silence is Silence.WORST_CASE


@pytest.mark.parametrize(("size", "expected"), [
    ("0.002", []), ("0.001", []), ("0.0009", ["99940.00"]), ("0.0021", ["99940.00"]),
])
def test_size_changes_replace_an_order(size: str, expected: list[object]) -> None:
    """Less than half of the wanted size after fills, or more than it after a reload: replaced without a gap."""
    assert summary(decided(held=account(bid("99940.00", size=D(size)), ASK_KEPT))) == expected


def test_a_smaller_order_that_fills_the_room_is_kept() -> None:
    """Near the cap an order is as large as can be: that is no reason to replace it."""
    config = params(order_size_base=D("0.019"), soft_limit_base=D("0.0195"))
    held = account(bid("99940.00", size=D("0.006")), position="0.019")
    assert summary(decided(held=held, config=config)) == []


@pytest.mark.parametrize(("orders", "position", "expected"), [
    ([order(Side.SELL, "100060.00", "a")], "0.012", []),
    ([order(Side.SELL, "100060.00", "a", size=D("0.013"))], "0.012", [("a", "not_reducing", True)]),
    ([order(Side.SELL, "100060.00", "a", is_reduce_only=True)], "0.012", []),
    ([order(Side.SELL, "100060.00", "a", is_reduce_only=True)], "0", [("a", "not_reducing", True)]),
    ([order(Side.SELL, "100060.00", "a", is_reduce_only=True)], "-0.001", [("a", "not_reducing", True)]),
])
def test_reduce_only_rules(orders: list[OwnOrder], position: str, expected: list[object]) -> None:
    """From the soft limit on no ask is larger than the position; a reduce-only one goes when nothing is to reduce."""
    decision = decided(held=account(*orders, position=position))
    assert [(c.client_order_id, str(c.reason), c.is_risk) for c in cancels(decision, Side.SELL)] == expected


@pytest.mark.parametrize("recovery", list(HardStopRecovery))
def test_i2_a_hard_stop_leaves_no_plain_order(recovery: HardStopRecovery) -> None:
    """A plain ask within the position serves a quote at the soft limit; at the hard limit it goes, budget or not."""
    config = params(hard_stop_recovery=recovery)
    spent = DecisionState(cancels_ns=(NOW,) * 10)
    young = order(Side.SELL, "100060.00", "a", placed_ns=NOW)
    assert cancels(decided(held=account(young, position="0.012"), config=config, state=spent), Side.SELL) == []
    stopped = decided(held=account(young, position="0.02"), config=config, state=spent)
    assert [(c.client_order_id, c.is_risk) for c in cancels(stopped, Side.SELL)] == [("a", True)]
    assert len(stopped.state.cancels_ns) == 10
    placed = [place.quote for place in places(stopped)]
    assert all(quote.side is Side.SELL and quote.is_reduce_only for quote in placed)
    assert bool(placed) is (recovery is not HardStopRecovery.WAIT)


def test_reduce_only_orders_together_stay_within_the_position() -> None:
    """0.012 long with 0.011 resting far away: 0.002 more would sell too much, so the old order goes first."""
    far = order(Side.SELL, "100200.00", "a", size=D("0.0115"), is_reduce_only=True)
    decision = decided(held=account(far, position="0.012"))
    assert places(decision) == [] and [c.client_order_id for c in cancels(decision)] == ["a"]


def test_an_order_over_the_cap_is_a_risk() -> None:
    """A position that grew elsewhere makes what rests too much: cancelled at once, budget or not."""
    config = params(soft_limit_base=D("0.0249"), hard_stop_base=D("0.025"))
    spent = DecisionState(cancels_ns=(NOW,) * 10)
    decision = decided(held=account(replace(BID_KEPT, placed_ns=NOW), position="0.024"), config=config, state=spent)
    assert [(c.reason, c.is_risk) for c in cancels(decision, Side.BUY)] == [(CancelReason.OVER_CAP, True)]
    assert len(decision.state.cancels_ns) == 10


def test_an_unknown_order_holds_its_slot() -> None:
    """Nothing is placed beside it, whatever its distance; the side says why."""
    decision = decided(held=account(bid("99850.00", state=OrderState.UNKNOWN), ASK_KEPT))
    assert summary(decision) == [] and decision.bid_silence is Silence.UNKNOWN_ORDER
    near = decided(held=account(bid("99999.00", state=OrderState.UNKNOWN), ASK_KEPT))
    assert summary(near) == [("b", "too_near", True)] and near.bid_silence is Silence.UNKNOWN_ORDER


@pytest.mark.parametrize(("rejects", "ago_ms", "places_count"), [
    (0, 0, 1), (1, 499, 0), (1, 500, 1), (2, 999, 0), (2, 1000, 1), (4, 3999, 0), (4, 4000, 1), (50, 29_999, 0),
    (50, 30_000, 1),
])
def test_t9_rejections_back_off_exponentially(rejects: int, ago_ms: int, places_count: int) -> None:
    """T9: 0.5, 1, 2, 4 s and so on up to 30 s."""
    history = SideHistory(rejects, NOW - ago_ms * MS)
    decision = decided(held=account(ASK_KEPT, bid_history=history))
    assert len(places(decision, Side.BUY)) == places_count
    assert decision.bid_silence is (None if places_count else Silence.REJECT_BACKOFF)
    assert [reject_backoff_ms(n) for n in (1, 2, 3, 4)] == [500.0, 1000.0, 2000.0, 4000.0]


@pytest.mark.parametrize(("ago_ms", "places_count"), [(0, 0), (499, 0), (500, 1)])
def test_g6_a_side_is_throttled_apart_from_the_other(ago_ms: int, places_count: int) -> None:
    """At most one placement in half a second on one side; the other side is free."""
    decision = decided(held=account(), state=DecisionState(bids_placed_ns=(NOW - ago_ms * MS,)))
    assert (len(places(decision, Side.BUY)), len(places(decision, Side.SELL))) == (places_count, 1)
    assert decision.bid_silence is (None if places_count else Silence.THROTTLED)
    assert decision.state.asks_placed_ns == (NOW,)


@pytest.mark.parametrize(("used", "oldest_ago_s", "cancels"), [
    (9, 59.0, [("old", "too_far", False)]), (10, 59.999, []), (10, 60.0, [("old", "too_far", False)]),
])
def test_g14_the_cancel_budget_is_a_sliding_minute(used: int, oldest_ago_s: float, cancels: list[object]) -> None:
    """Ten a minute: the eleventh cancel of a replaced order waits until the first is a minute old."""
    times = tuple([NOW - int(oldest_ago_s * SECOND)] + [NOW - SECOND] * (used - 1))
    replaced = account(bid("99850.00", client_order_id="old"), bid("99940.00", client_order_id="new"), ASK_KEPT)
    assert summary(decided(held=replaced, state=DecisionState(cancels_ns=times))) == cancels


def test_g14_a_spent_budget_never_freezes_quoting() -> None:
    """The replacement of a far order is placed at once; only the cancel of the old one waits for the budget."""
    spent = DecisionState(cancels_ns=(NOW - SECOND,) * 10)
    assert summary(decided(held=account(bid("99850.00"), ASK_KEPT), state=spent)) == ["99940.00"]


def test_g14_risk_cancels_overdraw_the_budget_and_do_not_count() -> None:
    """A spent budget does not keep an order that is too near."""
    spent = DecisionState(cancels_ns=(NOW - SECOND,) * 10)
    decision = decided(held=account(bid("99990.00"), ASK_KEPT), state=spent)
    assert summary(decision) == [("b", "too_near", True), "99940.00"]
    assert decision.state.cancels_ns == spent.cancels_ns


@pytest.mark.parametrize(("age_ms", "expected"), [(2999, []), (3000, ["99940.00"])])
def test_g15_a_young_order_is_not_replaced(age_ms: int, expected: list[object]) -> None:
    """Minimum dwell 3 s, risk apart."""
    assert summary(decided(held=account(bid("99850.00", placed_ns=NOW - age_ms * MS), ASK_KEPT))) == expected
    near = decided(held=account(bid("99990.00", placed_ns=NOW - age_ms * MS), ASK_KEPT))
    assert summary(near)[0] == ("b", "too_near", True)


@pytest.mark.parametrize("state", [OrderState.CANCELLING, OrderState.UNKNOWN])
@pytest.mark.parametrize("is_silent", [True, False])
@pytest.mark.parametrize(("ago_ms", "is_retried"), [(0, False), (2999, False), (3000, True)])
def test_an_unanswered_cancel_is_sent_again_after_its_time(
    state: OrderState, is_silent: bool, ago_ms: int, is_retried: bool
) -> None:
    """Every 3 s until the venue answers, whether the side is quoted or not, and outside the budget."""
    lost = bid("99940.00", state=state, cancel_sent_ns=NOW - ago_ms * MS, is_risk_cancel=True)
    market = view(is_connector_ready=not is_silent)
    decision = decided(market, account(lost, ASK_KEPT), state=DecisionState(cancels_ns=(NOW,) * 10))
    assert [c for c in summary(decision) if isinstance(c, tuple)] == ([("b", "retry", True)] if is_retried else [])


def test_g8_never_more_than_two_orders_a_side() -> None:
    """With an old order and its replacement on the way nothing more is placed, however often it is decided."""
    old, new = bid("99850.00", "old"), bid("99840.00", "new", state=OrderState.PLACING, placed_ns=NOW - 5 * SECOND)
    state = DecisionState()
    for _ in range(1000):
        decision = decided(held=account(old, new, ASK_KEPT), state=state)
        assert summary(decision) == []
        state = decision.state


def test_t19_two_orders_for_one_quote_are_not_both_kept() -> None:
    """T19: one of two good orders goes as replaced, the nearer to the wanted price stays."""
    decision = decided(held=account(bid("99940.00", "one"), bid("99939.00", "two"), ASK_KEPT))
    assert summary(decision) == [("two", "replaced", False)]


def test_margin_counts_only_what_opens_and_unknown_margin_is_none() -> None:
    """Flat, 0.002 at 99,940 with 6 % to spare takes 211.87; short by more than 0.002 the bid opens nothing."""
    for free, silence in (("211.87", Silence.MARGIN), ("211.88", None)):
        decision = decided(held=account(ASK_KEPT, available_quote=D(free)))
        assert decision.bid_silence is silence
    assert decided(held=account(available_quote=None)).bid_silence is Silence.MARGIN
    assert decided(held=account(position="-0.002", available_quote=D(0))).bid_silence is None
    assert decided(held=account(available_quote=D("30"), leverage=10)).bid_silence is None
