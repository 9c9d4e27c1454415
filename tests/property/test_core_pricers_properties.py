"""What holds for every pricer whatever the market: signs, no crossing, terms that add up, no bad number let through."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import fsum, isfinite
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.breakeven import breakeven_price, with_breakeven
from hummingbot_extensions.core.mode_switch import ModeState, Reached, after, side_allowed
from hummingbot_extensions.core.pricers import PRICERS, TRIAL_INPUTS, price
from hummingbot_extensions.core.pricing import (
    FARTHEST_BPS,
    NEAREST_BPS,
    Anchor,
    NoPrice,
    PriceInputs,
    PricingParams,
    SidePrice,
    checked_price,
    clear_of_touch,
    distance_bps,
    lattice_price,
    least_distance_bps,
    with_floor,
)
from hummingbot_extensions.core.types import Side

D = Decimal
SUM_TOLERANCE_BPS = 0.0
"""The terms of a price sum to its distance by ``math.fsum``, to the bit."""
FLOAT_BPS = 1e-8
"""Most that a clamp may miss its bound by: a price in floats is good for about 1e-12 of itself."""
SIDES = st.sampled_from(list(Side))
MODES = st.sampled_from(sorted(PRICERS))
TICKS = st.sampled_from([D("0.01"), D("0.1"), D("0.5"), D("0.0001")])


@st.composite
def markets(draw: st.DrawFn) -> tuple[PriceInputs, Decimal]:
    """A market with its tick: mark within 40 bps of the touch, everything known or not, book locked or not."""
    tick = draw(TICKS)
    bid = draw(st.integers(2_000, 20_000_000))
    spread = draw(st.integers(0, 50))
    near = bid * (1.0 + draw(st.floats(-0.004, 0.004)))
    maybe = st.one_of(st.none(), st.floats(-0.004, 0.004).map(lambda frac: bid * float(tick) * (1.0 + frac)))
    behind = st.one_of(st.none(), st.integers(0, 30))
    bid_behind, ask_behind = draw(behind), draw(behind)
    has_touch = draw(st.booleans())
    return PriceInputs(
        mark=near * float(tick), mid=draw(maybe),
        touch_bid=float(bid * tick) if has_touch else None,
        touch_ask=float((bid + spread) * tick) if has_touch else None,
        micro=draw(maybe), external=draw(maybe),
        inventory_frac=draw(st.floats(-1, 1)), inventory_base=draw(st.floats(-10, 10)), entry_price=draw(maybe),
        sigma_bps=draw(st.one_of(st.none(), st.floats(0, 50))), range_bps=draw(st.one_of(st.none(), st.floats(0, 100))),
        funding_rate_frac=draw(st.one_of(st.none(), st.floats(-0.001, 0.001))),
        maker_fee_frac=draw(st.floats(-0.0005, 0.001)), tick=float(tick),
        last_fill_side=draw(st.one_of(st.none(), SIDES)),
        others_bid=None if bid_behind is None else float((bid - bid_behind) * tick),
        others_ask=None if ask_behind is None else float((bid + spread + ask_behind) * tick),
    ), tick  # fmt: skip


PARAMS = st.builds(
    PricingParams,
    anchor=st.sampled_from(list(Anchor)), order_distance_bps=st.floats(0.1, 30), rebate_improve_ticks=st.integers(0, 5),
    rebate_standoff_bps=st.floats(0.1, 50), half_spread_bps=st.floats(0.1, 50),
    adaptive_per_sigma_bps=st.floats(0, 0.3),
    avellaneda_half_spread_bps=st.floats(0.1, 50), avellaneda_inventory_bps=st.floats(0, 20),
    avellaneda_per_sigma=st.floats(0, 3), avellaneda_per_funding=st.floats(0, 3), start_offset_bps=st.floats(0.1, 50),
    min_distance_bps=st.one_of(st.none(), st.floats(0, 10)), fee_buffer_bps=st.one_of(st.none(), st.floats(0, 5)),
    pinning_width_bps=st.floats(0.1, 50),
)  # fmt: skip


@given(MODES, SIDES, markets(), PARAMS, st.floats(5, 20))
def test_terms_sum_to_the_distance_to_the_bit(
    mode: str, side: Side, market: tuple[PriceInputs, Decimal], params: PricingParams, farthest: float
) -> None:
    """E21: of every pricer, and after floor, breakeven and clip; each is one more term or none."""
    inputs, _ = market
    said = price(mode, side, inputs, params)
    if isinstance(said, NoPrice):
        return
    for step in (
        lambda p: with_floor(p, inputs, params), lambda p: with_breakeven(side, p, inputs, farthest, False),
        lambda p: clear_of_touch(side, p, inputs),
    ):  # fmt: skip
        later = step(said)
        assert later is said or len(later.terms) == len(said.terms) + 1
        said = later
        assert abs(fsum(bps for _, bps in said.terms) - said.distance_bps) <= SUM_TOLERANCE_BPS


@given(markets(), PARAMS, st.floats(-1, 1), st.floats(-1, 1))
def test_longer_never_raises_a_quote(
    market: tuple[PriceInputs, Decimal], params: PricingParams, one: float, other: float
) -> None:
    """T12, D5: of two inventories the longer one has both quotes no higher, and lower where its weight is not 0."""
    inputs = replace(market[0], sigma_bps=2.0, funding_rate_frac=0.0001)
    for side in Side:
        prices = []
        for frac in sorted((one, other)):
            said = price("avellaneda", side, replace(inputs, inventory_frac=frac), replace(params, anchor=Anchor.MARK))
            assert isinstance(said, SidePrice)
            prices.append(inputs.mark * (1.0 - side.sign * said.distance_bps / 1e4))
        assert prices[1] <= prices[0]
        if abs(one - other) * params.avellaneda_inventory_bps > 1e-6:
            assert prices[1] < prices[0]


@given(st.sampled_from(["rebate", "pinning"]), SIDES, markets(), PARAMS)
def test_joining_never_crosses(
    mode: str, side: Side, market: tuple[PriceInputs, Decimal], params: PricingParams
) -> None:
    """D2, E16: on the lattice, every quote is a tick or more away from the other side's best, locked books included."""
    inputs, tick = market
    said = price(mode, side, inputs, params)
    opposite = inputs.touch(side.opposite)
    if isinstance(said, NoPrice) or opposite is None:
        return
    quote = lattice_price(side, said.distance_bps, inputs.mark, tick)
    best = (D(repr(opposite)) / tick).to_integral_value() * tick
    assert quote <= best - tick if side is Side.BUY else quote >= best + tick


@given(SIDES, markets(), PARAMS)
def test_rebate_stands_exactly_at_the_best_of_others(
    side: Side, market: tuple[PriceInputs, Decimal], params: PricingParams
) -> None:
    """D2: joined to the tick, wherever that does not cross; the way through bps loses no tick."""
    inputs, tick = market
    others, opposite = inputs.others(side), inputs.touch(side.opposite)
    if others is None or opposite is None or (opposite - others) * side.sign < 0.5 * float(tick):
        return
    said = price("rebate", side, inputs, replace(params, rebate_improve_ticks=0))
    assert isinstance(said, SidePrice)
    quote = lattice_price(side, said.distance_bps, inputs.mark, tick)
    assert quote == (D(repr(others)) / tick).to_integral_value() * tick


WILD = st.floats(allow_nan=True, allow_infinity=True)
MAYBE_WILD = st.one_of(st.none(), WILD)
WILD_INPUTS = st.builds(
    PriceInputs, mark=WILD, mid=MAYBE_WILD, touch_bid=MAYBE_WILD, touch_ask=MAYBE_WILD, micro=MAYBE_WILD,
    external=MAYBE_WILD, inventory_frac=WILD, inventory_base=WILD, entry_price=MAYBE_WILD, sigma_bps=MAYBE_WILD,
    range_bps=MAYBE_WILD, funding_rate_frac=MAYBE_WILD, maker_fee_frac=WILD, tick=WILD,
    last_fill_side=st.one_of(st.none(), SIDES), others_bid=MAYBE_WILD, others_ask=MAYBE_WILD,
)  # fmt: skip


def is_sane(said: Any) -> bool:
    """No price, or a finite one in bounds whose named terms sum to it."""
    if isinstance(said, NoPrice):
        return True
    return (
        isinstance(said, SidePrice) and NEAREST_BPS <= said.distance_bps <= FARTHEST_BPS
        and all(type(name) is str and type(bps) is float and isfinite(bps) for name, bps in said.terms)
        and fsum(bps for _, bps in said.terms) == said.distance_bps
    )  # fmt: skip


@given(MODES, SIDES, st.one_of(WILD_INPUTS, WILD_INPUTS.map(lambda i: replace(i, mark=100.0, tick=0.01))), PARAMS)
def test_wild_inputs_give_no_bad_number(mode: str, side: Side, inputs: PriceInputs, params: PricingParams) -> None:
    """nan, infinity, zero and nonsense anywhere: a sane price or none, and nothing raised."""
    assert is_sane(price(mode, side, inputs, params))


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), WILD, st.text(max_size=3), st.lists(st.integers(), max_size=2))


@given(st.one_of(
    JUNK,
    st.builds(SidePrice, JUNK, JUNK),
    st.builds(SidePrice, WILD, st.lists(st.tuples(st.text(max_size=3), WILD), max_size=20).map(tuple)),
    st.builds(SidePrice, JUNK, st.lists(st.tuples(JUNK, JUNK), max_size=3).map(tuple)),
    st.builds(NoPrice, JUNK, JUNK),
    st.lists(st.tuples(st.text(max_size=3), st.floats(-200, 1200)), min_size=1, max_size=4).map(
        lambda terms: SidePrice(sum(bps for _, bps in terms), tuple(terms))),
))  # fmt: skip
def test_whatever_a_pricer_returns_is_checked(said: Any) -> None:
    """D18: what leaves is a sane price, or no price with a reason."""
    checked = checked_price(lambda *_: said, Side.BUY, TRIAL_INPUTS, PricingParams())
    assert is_sane(checked)


@given(SIDES, st.floats(-50, 50), markets(), PARAMS)
def test_no_quote_is_nearer_than_the_floor(
    side: Side, away: float, market: tuple[PriceInputs, Decimal], params: PricingParams
) -> None:
    """E14, T31: after the floor, and not moved where it was farther already."""
    inputs, _ = market
    least = least_distance_bps(inputs, params)
    said = with_floor(SidePrice.of(("distance", away)), inputs, params)
    assert said.distance_bps >= (away if least is None else max(away, least)) - FLOAT_BPS
    assert said.distance_bps <= max(away, away if least is None else least) + FLOAT_BPS


@given(markets(), st.floats(0, 3))
def test_a_round_trip_at_the_floor_earns_its_fees(market: tuple[PriceInputs, Decimal], buffer: float) -> None:
    """E14: bought and sold at the floor around one mark, on the lattice; never a loss, at either sign of the fee."""
    inputs, tick = market
    params = PricingParams(fee_buffer_bps=buffer)
    away = with_floor(SidePrice.of(("distance", -50.0)), inputs, params).distance_bps
    bid, ask = (lattice_price(side, away, inputs.mark, tick) for side in Side)
    net = ask - bid - D(inputs.maker_fee_frac) * (ask + bid)
    assert net >= -D("1e-9") * ask


@given(SIDES, st.floats(-20, 40), markets(), st.one_of(st.none(), st.floats(1, 60)))
def test_a_reducing_quote_closes_at_no_loss_or_stays(
    side: Side, away: float, market: tuple[PriceInputs, Decimal], farthest: float | None
) -> None:
    """E8: moved only away from the mark, only on the reducing side, to breakeven, and not beyond the band."""
    inputs, _ = market
    before = SidePrice.of(("distance", away))
    said = with_breakeven(side, before, inputs, farthest, False)
    is_reducing = inputs.inventory_base * side.sign < 0
    if not is_reducing or inputs.entry_price is None:
        assert said is before
        return
    least = distance_bps(side, breakeven_price(side, inputs.entry_price, inputs.maker_fee_frac), inputs.mark)
    if farthest is not None and least > farthest:
        assert said is before
    else:
        assert abs(said.distance_bps - max(away, least)) <= FLOAT_BPS


@given(SIDES, st.floats(-60, 300), st.floats(1, 1e6), TICKS)
def test_the_lattice_rounds_away_from_the_market(side: Side, away: float, mark: float, tick: Decimal) -> None:
    """E15: on the tick, less than a tick from the ideal price, and no nearer to the market but for float noise."""
    quote = lattice_price(side, away, mark, tick)
    assert quote % tick == 0
    ideal = D(repr(mark * (1.0 - side.sign * away / 1e4)))
    behind = (ideal - quote) * side.sign
    assert -tick * D("1e-6") <= behind < tick


@given(SIDES, st.floats(0, 50), st.floats(0, 50), st.floats(0.1, 50), st.floats(0, 0.3))
def test_more_volatility_never_comes_nearer(
    side: Side, one: float, other: float, half_spread: float, weight: float
) -> None:
    """D4: the adaptive spread rises with volatility."""
    params = PricingParams(half_spread_bps=half_spread, adaptive_per_sigma_bps=weight)
    said = [price("adaptive", side, replace(TRIAL_INPUTS, sigma_bps=sigma), params) for sigma in sorted((one, other))]
    calm, wild = (s.distance_bps if isinstance(s, SidePrice) else -1.0 for s in said)
    assert 0 < calm <= wild


LOOKS = st.lists(
    st.tuples(st.floats(0, 20), st.floats(-1, 1), st.one_of(st.none(), st.floats(0, 12))), min_size=1, max_size=60)


@given(LOOKS, st.floats(0, 15), st.floats(0.05, 0.9), st.floats(0.01, 0.99), st.booleans(), st.booleans())
def test_modes_switch_no_more_than_bounds_and_stay_allow(
    looks: list[tuple[float, float, float | None]], stay_s: float, enter: float, leave_share: float, has_pinning: bool,
    has_volatile: bool,
) -> None:
    """D10: at most one switch a stay, each with its bound crossed; with both off none at all."""
    params = PricingParams(
        pinning_enter_frac=enter if has_pinning else None, pinning_leave_frac=enter * leave_share,
        volatile_mode="adaptive" if has_volatile else None, mode_min_stay_s=stay_s)  # fmt: skip
    state, now_ns, switches = ModeState(), 0, []
    for wait_s, inventory, range_bps in looks:
        now_ns += int(wait_s * 1e9)
        later = after(state, now_ns, inventory, range_bps, params)
        if later.reached is not state.reached:
            switches.append(now_ns)
            if later.reached is Reached.INVENTORY:
                assert has_pinning and abs(inventory) >= enter
            if state.reached is Reached.INVENTORY:
                assert abs(inventory) < params.pinning_leave_frac
            if later.reached is Reached.VOLATILITY:
                assert has_volatile and range_bps is not None and range_bps >= params.volatile_enter_bps
            if state.reached is Reached.VOLATILITY and later.reached is Reached.CONFIGURED:
                assert range_bps is not None and range_bps < params.volatile_leave_bps
        state = later
    gaps = [(b - a) / 1e9 for a, b in zip(switches, switches[1:], strict=False)]
    assert all(gap >= stay_s - 1e-9 for gap in gaps)
    assert not switches or has_pinning or has_volatile


@given(st.lists(st.tuples(SIDES, st.integers(1, 10)), max_size=60))
def test_ping_pong_never_adds_to_a_position(wishes: list[tuple[Side, int]]) -> None:
    """D19: between two flats every fill but the first is on the closing side, and one side is always quoted."""
    params, position = PricingParams(ping_pong=True), 0
    for side, size in wishes:
        allowed = [s for s in Side if side_allowed(s, position / 1000, 0.0005, params)]
        assert len(allowed) == (2 if position == 0 else 1)
        if side not in allowed:
            continue
        fill = size if position == 0 else min(size, abs(position))
        assert position == 0 or abs(position + side.sign * fill) < abs(position)
        position += side.sign * fill
