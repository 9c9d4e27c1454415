"""One decision over any finite or missing input: it never raises or crosses, and its record decides the same again."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from core_builders import NOW, SECOND, account, decided, params, places, view
from hypothesis import assume, given
from hypothesis import strategies as st

from hummingbot_extensions.core.canonical import digest, from_plain, to_plain
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import Decision, DecisionState, Place
from hummingbot_extensions.core.exits import HardStopRecovery
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.rounding import from_units, round_passive, round_size_down, to_units
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketRules, MarketView, OrderState, OwnOrder, SideHistory

D = Decimal


def decimals(low: str, high: str, places_shown: int = 4) -> st.SearchStrategy[Decimal]:
    return st.decimals(D(low), D(high), allow_nan=False, allow_infinity=False, places=places_shown)


any_price = st.one_of(decimals("-10", "200000"), st.sampled_from([D(0), D("1E-8"), D("99999.99"), D("1E+12")]))
near = decimals("99900", "100100", 2)
price = st.one_of(st.none(), any_price, near, near)
age = st.one_of(st.none(), st.floats(-1e9, 1e12), st.floats(0, 100))
stamp = st.integers(-10**18, 10**18) | st.integers(NOW - 100 * SECOND, NOW)
position = st.one_of(st.none(), decimals("-0.05", "0.05"), decimals("-1000", "1000"))
rules = st.builds(
    MarketRules, tick=st.sampled_from([D("0.01"), D("0.5"), D("0.0003"), D("10"), D("1000")]),
    step=st.sampled_from([D("0.0001"), D("0.003"), D("1")]), min_size=st.sampled_from([D(0), D("0.0001"), D("5")]),
    max_size=st.sampled_from([None, D("0.001"), D("1000")]), min_notional=st.sampled_from([D(0), D("10"), D("1000")]))
views = st.builds(
    MarketView, now_ns=stamp, bid=price, ask=price, grid=st.sampled_from([D("0.01"), D("1"), D("10")]), mark=price,
    price_frame_ns=st.none() | stamp, book_age_ms=age, price_age_ms=age, private_age_ms=age,
    is_connector_ready=st.booleans() | st.just(True), rules=rules)
orders = st.builds(
    OwnOrder, client_order_id=st.uuids().map(str), side=st.sampled_from(Side), price=near | any_price.filter(bool),
    size=decimals("0.0001", "0.03"), state=st.sampled_from(OrderState), is_reduce_only=st.booleans(), placed_ns=stamp,
    has_rested=st.booleans(), cancel_sent_ns=st.none() | stamp, is_risk_cancel=st.booleans())
histories = st.builds(SideHistory, rejects_in_row=st.integers(0, 10**6), last_reject_ns=stamp)
accounts = st.builds(
    AccountView, position=position, position_by_fills=position, available_quote=st.none() | decimals("-1000", "100000"),
    leverage=st.integers(1, 10), orders=st.lists(orders, max_size=5).map(tuple), bid_history=histories,
    ask_history=histories)
states = st.builds(
    DecisionState, basis_frac=st.none() | st.floats(-0.01, 0.01), basis_frame_ns=st.none() | stamp,
    hard_stop_since_ns=st.none() | stamp, resume_checks=st.integers(0, 5), resume_checked_ns=st.none() | stamp,
    bids_placed_ns=st.tuples(st.none() | stamp), asks_placed_ns=st.tuples(st.none() | stamp),
    cancels_ns=st.lists(stamp, max_size=12).map(sorted).map(tuple), bid_silence=st.none() | st.sampled_from(Silence),
    ask_silence=st.none() | st.sampled_from(Silence))
configs = st.sampled_from([
    params(), params(hard_stop_recovery=HardStopRecovery.WAIT), params(order_size_base=D("0.019")),
    params(cancel_budget_per_min=1, min_dwell_ms=0.0, side_throttle_ms=0.0)])
any_inputs = st.builds(DecisionInputs, views, accounts, configs, states)
fresh_views = st.builds(
    lambda bid, spread, grid, basis: view(
        bid=round_passive(bid, grid, True), ask=round_passive(bid + spread, grid, True), grid=grid,
        mark=(bid * (1 + basis / 10_000)).quantize(D("0.01"))),
    near, decimals("0.01", "30", 2), st.sampled_from([D("0.01"), D("1"), D("10")]), decimals("-12", "12", 1))
fresh_inputs = st.builds(DecisionInputs, fresh_views, accounts, configs, states)


@given(any_inputs | fresh_inputs)
def test_a_decision_never_raises_and_its_record_decides_the_same(inputs: DecisionInputs) -> None:
    """Any finite or missing input gives a decision; both survive JSON, and the inputs decide the same again."""
    decision = decide(inputs)
    decoded = from_plain(DecisionInputs, json.loads(json.dumps(to_plain(inputs), allow_nan=False)))
    assert decoded == inputs
    assert digest(decide(decoded)) == digest(decision) == digest(decide(inputs))
    assert from_plain(Decision, json.loads(json.dumps(to_plain(decision), allow_nan=False))) == decision


@given(any_inputs | fresh_inputs)
def test_what_is_placed_is_on_the_lattice_in_the_band_and_does_not_cross(inputs: DecisionInputs) -> None:
    """Of every place: tick, step, minimum, maximum, band, and no price at which a truncated book could match."""
    market, config, decision = inputs.view, inputs.params, decide(inputs)
    rules = market.rules
    for place in places(decision):
        quote = place.quote
        assert quote.price > 0 and quote.price % rules.tick == 0
        assert quote.size % rules.step == 0 and quote.size >= rules.min_size and quote.size > 0
        assert quote.size * quote.price >= rules.min_notional
        assert rules.max_size is None or quote.size <= rules.max_size
        assert quote.size <= config.order_size_base
        assert market.bid is not None and market.ask is not None and decision.mark_estimate is not None
        if quote.side is Side.BUY:
            assert quote.price < market.ask
        else:
            assert quote.price >= market.bid + market.grid
        away = (1.0 - float(quote.price) / decision.mark_estimate) * 1e4 * quote.side.sign
        assert config.order_distance_bps - 1e-6 <= away <= config.band_bps - config.band_margin_bps + 1e-9


@given(any_inputs | fresh_inputs)
def test_a_decision_is_well_formed(inputs: DecisionInputs) -> None:
    """Cancels come first and name an open order once; at most one place a side; a side with nothing has a reason."""
    decision = decide(inputs)
    kinds = [isinstance(action, Place) for action in decision.actions]
    assert kinds == sorted(kinds)
    named = [action.client_order_id for action in decision.actions if not isinstance(action, Place)]
    assert len(named) == len(set(named))
    assert set(named) <= {order.client_order_id for order in inputs.account.orders}
    for side in Side:
        assert len(places(decision, side)) <= 1
        shows = any(order.side is side and order.state in (OrderState.LIVE, OrderState.PLACING)
                    for order in inputs.account.orders) or places(decision, side)
        assert shows or decision.silence(side) is not None
        assert not (places(decision, side) and decision.silence(side) is not None)


@given(fresh_inputs)
def test_a_placement_never_takes_the_worst_case_past_the_cap(inputs: DecisionInputs) -> None:
    """Whatever the position and the orders: what is added fits under the cap with everything that may still fill."""
    cap = inputs.params.worst_case_cap_base
    for place in places(decide(inputs)):
        quote = place.quote
        others = sum((order.size for order in inputs.account.orders if order.side is quote.side), D(0))
        if quote.is_reduce_only:
            assert inputs.account.position is not None
            assert others + quote.size <= abs(inputs.account.position)
        else:
            assert inputs.account.worst_position(quote.side) * quote.side.sign + others + quote.size <= cap


@given(decimals("0", "0.03"), decimals("0", "0.03"), configs)
def test_the_adding_side_never_grows_with_the_position(one: Decimal, other: Decimal, config: QuoteParams) -> None:
    """The longer, the smaller the bid; the same mirrored for shorts and asks."""
    low, high = sorted((one, other))

    def size(held: Decimal, side: Side) -> Decimal:
        signed = str(held * side.sign)
        return sum((p.quote.size for p in places(decided(held=account(position=signed), config=config), side)), D(0))

    for side in Side:
        assert size(high, side) <= size(low, side)


@given(fresh_views, decimals("0.0001", "0.02"))
def test_long_and_short_mirror_each_other(market: MarketView, held: Decimal) -> None:
    """Swapping the sign of the position swaps which side is silent and the sizes, never the prices of a side."""
    long = decided(market, account(position=str(held)))
    short = decided(market, account(position=str(-held)))
    for quote in long.quotes:
        twins = [other for other in short.quotes if other.side is quote.side]
        assert all(other.price == quote.price for other in twins)
    assume(all(quote is not None for quote in long.quotes))
    if long.bid_silence in (Silence.SOFT_LIMIT, Silence.HARD_STOP):
        assert short.ask_silence is long.bid_silence


@given(st.decimals(D("0.0001"), D("1000000"), allow_nan=False, allow_infinity=False, places=6),
       st.sampled_from(["0.01", "0.5", "0.25", "0.0003", "7", "1000"]))
def test_passive_rounding_moves_away_from_the_market_by_less_than_a_tick(value: Decimal, tick_text: str) -> None:
    """E15: bids down, asks up, on the lattice, and a rounded price stays where it is."""
    tick = D(tick_text)
    bid, ask = round_passive(value, tick, True), round_passive(value, tick, False)
    assert bid <= value <= ask and value - bid < tick and ask - value < tick
    assert bid % tick == 0 and ask % tick == 0
    assert round_passive(bid, tick, True) == bid == round_passive(bid, tick, False)
    assert round_size_down(value, tick) == bid


@given(st.integers(-10**15, 10**15), st.integers(0, 12))
def test_units_go_there_and_back(units: int, places_shown: int) -> None:
    """Ticks and lots convert exactly in both directions."""
    assert to_units(from_units(units, places_shown), places_shown) == units


@given(st.decimals(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_values_survive_the_record_exactly(number: Decimal, real: float) -> None:
    """Decimals keep their digits and exponent, floats their bits."""
    market = replace(view(), bid=number, book_age_ms=real)
    again = from_plain(MarketView, json.loads(json.dumps(to_plain(market))))
    assert str(again.bid) == str(number) and again.book_age_ms == real and digest(again) == digest(market)
