"""Sizes that follow the account's equity, and the wider and smaller profile while it is low."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from core_builders import BID_KEPT, NOW, SECOND, account, cancels, decided, params, places, view

from hummingbot_extensions.core import money
from hummingbot_extensions.core.decision import CancelReason, Decision, DecisionState, Signals
from hummingbot_extensions.core.layers import SizeBy
from hummingbot_extensions.core.money import MIN_STAY_S, MoneyState
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side

D = Decimal
BY_EQUITY = params(size_by=SizeBy.EQUITY, layer_equity_frac=D("0.02"), layer_count=3, first_spacing_bps=0.5)
LOW = params(low_balance_quote=D(1000), low_balance_widen_bps=2.0, low_balance_size_frac=0.5)


def held(equity: str | None, **changes: object):
    return account(equity_quote=None if equity is None else D(equity), **changes)


def sizes(decision: Decision, side: Side = Side.BUY) -> list[Decimal]:
    return [place.quote.size for place in places(decision, side)]


def test_f9_equity_doubles_and_sizes_double() -> None:
    """2 % of 10,000 at 100,000 is 0.002 a layer; after rounding to the step."""
    assert sizes(decided(held=held("10000"), config=BY_EQUITY)) == [D("0.002")] * 3
    assert sizes(decided(held=held("20000", available_quote=D(20_000)), config=BY_EQUITY)) == [D("0.004")] * 3
    assert sizes(decided(held=held("10499"), config=BY_EQUITY)) == [D("0.0020")] * 3


def test_f9_what_rests_is_replaced_when_the_equity_has_grown() -> None:
    """Half of the size would serve a layer that partial fills have left so; equity that has doubled replaces it."""
    first = decided(held=held("10000"), config=BY_EQUITY)
    resting = [replace(BID_KEPT, client_order_id=f"o{index}", side=place.quote.side, price=place.quote.price,
                       size=place.quote.size) for index, place in enumerate(places(first))]
    grown = decided(view(now_ns=NOW + SECOND), held("20000", orders=tuple(resting), available_quote=D(20_000)),
                    BY_EQUITY, first.state)
    assert sizes(grown) == sizes(grown, Side.SELL) == [D("0.004")] * 3


def test_f9_without_an_equity_nothing_is_quoted_and_the_reason_says_so() -> None:
    decision = decided(held=held(None), config=BY_EQUITY)
    assert decision.actions == () and decision.bid_silence is decision.ask_silence is Silence.EQUITY_UNKNOWN


def test_f9_an_equity_that_is_lost_leaves_the_way_out() -> None:
    """What was known sizes the reducing side; what adds goes."""
    state = decided(held=held("10000"), config=BY_EQUITY).state
    decision = decided(held=held(None, position="0.003"), config=BY_EQUITY, state=state)
    assert decision.bid_silence is Silence.EQUITY_UNKNOWN
    (ask,) = decision.ladders
    assert ask.side is Side.SELL and ask.is_reduce_only and sum(ask.lots) * ask.step == D("0.003")


def test_f9_an_equity_of_nothing_quotes_nothing() -> None:
    decision = decided(held=held("-5"), config=BY_EQUITY)
    assert decision.actions == () and decision.bid_silence is Silence.BELOW_MINIMUM


def test_f9_small_moves_of_the_equity_cost_no_cancels() -> None:
    """Four per cent up and down for a hundred decisions: what rests stays; six per cent less replaces it."""
    decision = decided(held=held("10000"), config=BY_EQUITY)
    resting = [replace(BID_KEPT, client_order_id=f"o{index}", side=place.quote.side, price=place.quote.price,
                       size=place.quote.size) for index, place in enumerate(places(decision))]
    state, actions = decision.state, []
    for turn in range(100):
        market = view(now_ns=NOW + (turn + 1) * SECOND)
        found = decided(market, held(("9600", "10400")[turn % 2], orders=tuple(resting)), BY_EQUITY, state)
        state, actions = found.state, [*actions, *found.actions]
    assert actions == []
    less = decided(view(now_ns=NOW + 200 * SECOND), held("9000", orders=tuple(resting)), BY_EQUITY, state)
    assert sizes(less) == [D("0.0018")] * 3


def profile(path: list[tuple[float, str | None]]) -> list[bool]:
    """Whether the balance is low after each look: seconds and equity."""
    state, found = MoneyState(), []
    for at_s, equity in path:
        state = money.after(state, NOW + int(at_s * SECOND), None if equity is None else D(equity), LOW)
        found.append(state.is_low)
    return found


def test_f16_a_drop_is_low_at_once_and_over_only_with_a_margin_and_after_a_while() -> None:
    assert profile([(0, "1000"), (1, "999.99")]) == [False, True]
    assert profile([(0, "900"), (1, "1100"), (MIN_STAY_S, "1049"), (MIN_STAY_S, "1050")]) == [True, True, True, False]
    assert profile([(0, None), (1, "900"), (2, None), (60, None), (61, "2000")]) == [False, True, True, True, False]


def test_f16_a_balance_that_sways_at_the_threshold_does_not_flap() -> None:
    found = profile([(at, "980" if at % 2 else "1020") for at in range(300)])
    assert sum(1 for one, other in zip(found, found[1:], strict=False) if one is not other) == 1


def test_f16_quotes_are_wider_and_smaller_and_the_price_says_so() -> None:
    normal, low = decided(held=held("1500"), config=LOW), decided(held=held("500"), config=LOW)
    assert sizes(normal) == [D("0.002")] and sizes(low) == [D("0.001")]
    near, far = places(normal, Side.BUY)[0].quote, places(low, Side.BUY)[0].quote
    assert far.price == near.price - 20 and ("low_balance", 2.0) in far.breakdown.terms


def test_f16_the_band_is_not_left() -> None:
    """Two bps inside a band with half a bps of room are half a bps."""
    config = params(low_balance_quote=D(1000), order_distance_bps=8.5, rebalance_distance_bps=9.0)
    (quote,) = [place.quote for place in places(decided(held=held("500"), config=config), Side.BUY)]
    assert quote.price == D("99905")


@pytest.mark.parametrize(("was_low", "equity"), [(False, "500"), (True, "2000")])
def test_f16_what_rests_is_replaced_when_the_profile_changes(was_low: bool, equity: str) -> None:
    """Either way, without risk: the replacement comes first, and goes with the budget."""
    before = DecisionState(signals=Signals(money=MoneyState(None, was_low)))
    old = replace(BID_KEPT, size=D("0.001") if was_low else D("0.002"))
    decision = decided(held=held(equity, orders=(old,)), config=LOW, state=before)
    assert sizes(decision) == [D("0.002") if was_low else D("0.001")] and cancels(decision, Side.BUY) == []
    new = replace(old, client_order_id="new", price=places(decision, Side.BUY)[0].quote.price, placed_ns=NOW,
                  size=sizes(decision)[0])
    after = decided(held=held(equity, orders=(old, new)), config=LOW, state=decision.state)
    assert [(c.client_order_id, c.is_risk) for c in cancels(after, Side.BUY)] == [(old.client_order_id, False)]
    assert cancels(after, Side.BUY)[0].reason in (CancelReason.REPLACED, CancelReason.SIZE_CHANGED)


def test_f16_switched_off_while_low_goes_back() -> None:
    low = decided(held=held("500"), config=LOW)
    off = decided(held=held("500"), config=params(), state=low.state)
    assert not off.state.signals.money.is_low


def test_off_decides_as_before() -> None:
    """N16: with neither on the equity is not looked at."""
    assert decided(held=held("1")) == decided(held=held(None))
