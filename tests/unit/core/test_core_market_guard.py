"""K6: in a book that others have left wide or thin quotes stand farther or are pulled, and come back after calm."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from core_builders import ASK_KEPT, BID_KEPT, NOW, SECOND, D, account, cancels, decided, params, places, view

from hummingbot_extensions.core.decision import CancelReason, Decision, DecisionState
from hummingbot_extensions.core.market_guard import AT_EASE, GuardAction, GuardState
from hummingbot_extensions.core.others import others_depth_quote
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.view import MarketView, OthersBook

WIDEN: dict[str, Any] = {"guard_action": "widen", "guard_depth_quote": D(2000), "guard_widen_bps": 2.5}
PULL: dict[str, Any] = {**WIDEN, "guard_action": "pull"}


def market(after_s: float = 0.0, spread_bps: float = 1.0, depth: int = 50_000, **changes: Any) -> MarketView:
    """Others ``spread_bps`` apart around 100,000 with ``depth`` on each side."""
    half = D(repr(spread_bps)) * 5
    now_ns = NOW + round(after_s * SECOND)
    book = OthersBook(D(100_000) - half, D(100_000) + half, D(depth), D(depth))
    return replace(view(now_ns=now_ns, price_frame_ns=now_ns), **{"others_book": book, **changes})


WIDE = {"spread_bps": 5.001}
BAD: list[tuple[dict[str, Any], Silence]] = [
    (WIDE, Silence.WIDE_SPREAD),
    ({"depth": 1999}, Silence.THIN_BOOK),
    ({"others_book": None}, Silence.THIN_BOOK),
    ({"others_book": OthersBook(D(99_999), D(100_001), D(1999), D(50_000))}, Silence.THIN_BOOK),
    ({"others_book": OthersBook(D(99_999), D(100_001), D(50_000), D(1999))}, Silence.THIN_BOOK),
]


def at(state: DecisionState, config: dict[str, Any], *orders: Any, **seen: Any) -> Decision:
    return decided(market(**seen), account(*orders), typed(config), state)


def typed(changes: dict[str, Any]) -> Any:
    return params(**{**changes, "guard_action": GuardAction(changes["guard_action"])})


@pytest.mark.parametrize(("seen", "reason"), BAD)
def test_pull_takes_everything_back_with_the_decision_that_sees_it(seen: dict[str, Any], reason: Silence) -> None:
    """Both quotes, for risk, under the reason; nothing is placed."""
    pulled = at(DecisionState(), PULL, BID_KEPT, ASK_KEPT, **seen)
    assert (pulled.bid_silence, pulled.ask_silence) == (reason, reason) and pulled.state.guard.cause is reason
    assert {each.client_order_id for each in cancels(pulled)} == {
        BID_KEPT.client_order_id, ASK_KEPT.client_order_id}
    assert all(each.is_risk for each in cancels(pulled)) and not places(pulled)


@pytest.mark.parametrize("book", [OthersBook(None, D(100_001)), OthersBook(D(99_999), None), OthersBook(None, None)])
def test_a_side_on_which_nobody_else_stands_is_thin(book: OthersBook) -> None:
    """Whatever the book shows there is ours alone; also where no depth is asked for."""
    alone = market(others_book=book)
    pulled = decided(alone, account(BID_KEPT, ASK_KEPT), typed({**PULL, "guard_depth_quote": D(0)}))
    assert pulled.bid_silence is Silence.THIN_BOOK


def test_at_the_limits_the_book_is_normal() -> None:
    """A spread of exactly five bps and a depth of exactly the limit change nothing."""
    same = at(DecisionState(), PULL, BID_KEPT, ASK_KEPT, spread_bps=5.0, depth=2000)
    assert not same.actions and same.state.guard == AT_EASE


def test_zero_asks_for_no_depth() -> None:
    """The default looks at the spread alone."""
    config = {**PULL, "guard_depth_quote": D(0)}
    assert not at(DecisionState(), config, BID_KEPT, ASK_KEPT, depth=0).actions


def test_off_is_off() -> None:
    """Neither a wide nor an empty book of others leaves a trace."""
    config = {**PULL, "guard_action": "off"}
    for seen in ({"spread_bps": 500.0}, {"depth": 0}):
        same = at(DecisionState(), config, BID_KEPT, ASK_KEPT, **seen)
        assert not same.actions and same.state.guard is AT_EASE


def test_widen_moves_what_rests_and_what_is_new_by_the_same_distance() -> None:
    """From 6 bps to 8.5: the resting quotes are too near now, new ones stand 8.5 bps from the mark."""
    wide = at(DecisionState(), WIDEN, BID_KEPT, ASK_KEPT, **WIDE)
    assert {each.reason for each in cancels(wide)} == {CancelReason.TOO_NEAR}
    assert [ladder.stand.distance_bps for ladder in wide.ladders] == [8.5, 8.5]
    assert all(("guard", 2.5) in ladder.stand.terms for ladder in wide.ladders)
    placed = at(wide.state, WIDEN, **WIDE, after_s=1.0)
    assert [each.quote.price for each in places(placed)] == [Decimal("99915.00"), Decimal("100085.00")]
    assert placed.bid_silence is None


def test_widen_does_not_leave_the_band_and_does_not_cancel_its_own_quotes_for_it() -> None:
    """20 bps farther end at the band less its margin, and rest there."""
    config = {**WIDEN, "guard_widen_bps": 20.0}
    wide = at(DecisionState(), config, **WIDE)
    assert [ladder.stand.distance_bps for ladder in wide.ladders] == [9.5, 9.5]
    kept = (replace(BID_KEPT, price=D("99905.00")), replace(ASK_KEPT, price=D("100095.00")))
    assert not at(wide.state, config, *kept, **WIDE, after_s=1.0).actions


def test_widen_outside_a_band_moves_what_rests_as_well() -> None:
    """Mode simple at 5 bps: a quote at 5 is too near while quotes stand at 7.5."""
    config = {**WIDEN, "mode": "simple", "half_spread_bps": 5.0}
    near = (replace(BID_KEPT, price=D("99950.00")), replace(ASK_KEPT, price=D("100050.00")))
    assert not at(DecisionState(), config, *near).actions
    assert len(cancels(at(DecisionState(), config, *near, **WIDE))) == 2


@pytest.mark.parametrize("config", [WIDEN, PULL])
def test_it_ends_after_the_whole_of_the_calm_time(config: dict[str, Any]) -> None:
    """4.9 s of a normal book are not enough, 5.0 are; a bad or a missing book in between begins the count anew."""
    state = at(DecisionState(), config, **WIDE).state
    for after_s, seen in ((1.0, {}), (5.9, {}), (5.95, WIDE), (6.0, {}), (10.9, {}), (10.95, {"book_age_ms": 5000.0}),
                          (11.0, {}), (15.9, {})):  # fmt: skip
        state = at(state, config, **seen, after_s=after_s).state
        assert state.guard.cause is Silence.WIDE_SPREAD
    ended = at(state, config, after_s=16.0)
    assert ended.state.guard == AT_EASE and ended.bid_silence is not Silence.WIDE_SPREAD
    assert len(places(ended)) == 2 * (config is PULL), "nothing else holds them back"
    assert [ladder.stand.distance_bps for ladder in ended.ladders] == [6.0, 6.0]


def test_quotes_widened_beyond_where_they_may_rest_come_back_at_the_end() -> None:
    """At 9.5 bps they are beyond ``rebalance_distance_bps``: replaced, without a side standing empty."""
    config = {**WIDEN, "guard_widen_bps": 3.5}
    far = (replace(BID_KEPT, price=D("99905.00")), replace(ASK_KEPT, price=D("100095.00")))
    waiting = DecisionState(guard=GuardState(Silence.WIDE_SPREAD, NOW - 5 * SECOND + 1))
    assert not at(waiting, config, *far).actions
    back = at(replace(waiting, guard=GuardState(Silence.WIDE_SPREAD, NOW - 5 * SECOND)), config, *far)
    assert len(places(back)) == 2 and not cancels(back)


LEVELS = ((D("100.0"), D(3)), (D("99.9"), D(5)), (D("99.0"), D(100)))


@pytest.mark.parametrize(("own", "within_bps", "expected"), [
    ((), 20.0, "799.5"),
    ((), 5.0, "300.0"),
    ((), 200.0, "10699.5"),
    (((D("100.04"), D(3)),), 20.0, "499.5"),
    (((D("100.04"), D(1)), (D("100.0"), D(1))), 20.0, "599.5"),
    (((D("99.95"), D(50)),), 20.0, "300.0"),
    (((D("98.0"), D(50)),), 20.0, "799.5"),
])  # fmt: skip
def test_depth_is_what_others_hold_near_their_mid(own: Any, within_bps: float, expected: str) -> None:
    """Ours are taken off the level that they are shown in, never more than stands there."""
    assert others_depth_quote(LEVELS, own, D("0.1"), D("100.05"), within_bps) == D(expected)
