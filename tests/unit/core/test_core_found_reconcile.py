"""Faults of reconciliation that blocked a side, spent cancels or stopped deciding; each test failed before its fix."""

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

from hummingbot_extensions.core.decision import CancelReason, DecisionState
from hummingbot_extensions.core.reconcile import reject_backoff_ms
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState, SideHistory


def test_two_orders_left_behind_do_not_block_their_side_for_ever() -> None:
    """When the market ran away from an order and from its replacement, one of them goes so that a new one can come."""
    far, farther = order(Side.BUY, "99850.00"), order(Side.BUY, "99800.00")
    first = decided(held=account(far, farther, ASK_KEPT))
    assert [(c.client_order_id, c.reason, c.is_risk) for c in cancels(first)] == [
        (farther.client_order_id, CancelReason.TOO_FAR, False)]
    assert [p.quote.price for p in places(first)] == [D("99940.00")]


def test_two_orders_left_behind_respect_dwell_and_budget() -> None:
    """Making room on a blocked side is no risk: neither a young order nor an empty budget is overruled."""
    far, farther = order(Side.BUY, "99850.00"), order(Side.BUY, "99800.00", placed_ns=NOW - SECOND)
    assert cancels(decided(held=account(far, farther, ASK_KEPT))) == []
    old = replace(farther, placed_ns=NOW - 4 * SECOND)
    spent = DecisionState(cancels_ns=(NOW - SECOND,) * 10)
    assert cancels(decided(held=account(far, old, ASK_KEPT), state=spent)) == []


def test_margin_for_one_order_only_still_requotes() -> None:
    """An order too far away is cancelled first when free margin does not carry both it and its replacement."""
    far = order(Side.BUY, "99850.00")
    decision = decided(held=account(far, ASK_KEPT, available_quote=D("50")))
    assert [(c.client_order_id, c.reason) for c in cancels(decision)] == [(far.client_order_id, CancelReason.TOO_FAR)]
    assert places(decision) == []
    assert len(decision.state.cancels_ns) == 1


def test_a_quote_clamped_beyond_the_rebalance_distance_is_kept() -> None:
    """A bid that may not stand nearer than 9.3 bps because of the ask is not replaced by itself for ever."""
    market = view(bid=D("99906.99"), ask=D("99907.01"))  # mark 9.3 bps above the whole book
    known = DecisionState(basis_frac=100000.0 / 99907.0 - 1.0, basis_frame_ns=NOW)
    first = decided(market, account(ASK_KEPT), state=known)
    (placed,) = places(first, Side.BUY)
    assert placed.quote.price == D("99907.00")
    rests = order(Side.BUY, "99907.00")
    assert decided(market, account(rests, ASK_KEPT), state=replace(first.state, bids_placed_ns=())).actions == ()


@pytest.mark.parametrize("count", [7, 64, 1025, 10**6])
def test_backoff_is_finite_after_any_number_of_rejections(count: int) -> None:
    """A venue that refuses all night does not end in an overflow."""
    assert reject_backoff_ms(count) == 30_000.0


def test_t8_throttle_is_refunded_on_a_definite_rejection() -> None:
    """T8: after a rejection only the back-off counts, not the rest of the side's throttle."""
    config = params(side_throttle_ms=10_000.0)
    placed = DecisionState(bids_placed_ns=(NOW - SECOND,))
    rejected = SideHistory(1, NOW - 600_000_000)
    assert places(decided(held=account(ASK_KEPT), config=config, state=placed)) == []
    decision = decided(held=account(ASK_KEPT, bid_history=rejected), config=config, state=placed)
    assert [p.quote.side for p in places(decision)] == [Side.BUY]
    before = SideHistory(1, NOW - 2 * SECOND)
    kept = decided(held=account(ASK_KEPT, bid_history=before), config=config, state=placed)
    assert (places(kept), kept.bid_silence) == ([], Silence.THROTTLED)


def test_an_unknown_order_beside_a_good_one_does_not_eat_the_cancel_budget() -> None:
    """Retries of a cancel are not counted, whatever the order's state: they ask for nothing new."""
    lost = order(Side.BUY, "99930.00", state=OrderState.UNKNOWN, cancel_sent_ns=NOW - 4 * SECOND)
    decision = decided(held=account(BID_KEPT, lost, ASK_KEPT))
    assert [(c.client_order_id, c.reason) for c in cancels(decision)] == [(lost.client_order_id, CancelReason.RETRY)]
    assert decision.state.cancels_ns == ()
