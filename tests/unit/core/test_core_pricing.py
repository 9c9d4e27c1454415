"""Anchors, floors, clamps and the check on what a pricer says, by hand on a mark of 100: a tick of 0.01 is one bps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from decimal import Decimal
from math import fsum, inf, nan
from typing import Any

import pytest

from hummingbot_extensions.core.anchors import basis_after
from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.pricers import TRIAL_INPUTS, spreads
from hummingbot_extensions.core.pricing import (
    FARTHEST_BPS,
    JOINING_MODES,
    NEAREST_BPS,
    Anchor,
    Gap,
    Mode,
    NoPrice,
    OwnParam,
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
TICK = D("0.01")
MARKET = replace(
    TRIAL_INPUTS, mid=100.05, micro=100.03, external=100.2, touch_bid=99.99, touch_ask=100.11, others_bid=99.98,
    others_ask=100.12)


def at(bps: float) -> SidePrice:
    return SidePrice.of(("order_distance", bps))


def quote(side: Side, inputs: PriceInputs = MARKET, **changes: Any) -> Decimal:
    """Price of a simple quote on the lattice."""
    price = spreads.simple(side, inputs, PricingParams(**changes))
    assert isinstance(price, SidePrice)
    return lattice_price(side, price.distance_bps, inputs.mark, TICK)


@pytest.mark.parametrize(("anchor", "bid", "ask"), [
    (Anchor.MARK, "99.90", "100.10"),
    (Anchor.MID, "99.94", "100.16"),  # 99.94995, 100.15005
    (Anchor.BEST, "99.88", "100.23"),  # 99.88002, 100.22012
    (Anchor.MICRO, "99.92", "100.14"),  # 99.92997, 100.13003
    (Anchor.EXTERNAL, "100.09", "100.31"),  # 100.09980, 100.30020
])
def test_each_anchor_quotes_its_hand_calculation(anchor: Anchor, bid: str, ask: str) -> None:
    """E1: anchor x (1 -+ 10 bps), bids rounded down, asks up; best is the best of others on the quote's own side."""
    assert (quote(Side.BUY, anchor=anchor), quote(Side.SELL, anchor=anchor)) == (D(bid), D(ask))


def test_the_anchor_is_a_term_of_its_own() -> None:
    """A mid 5 bps above the mark brings the bid 5 bps nearer to it, less the part that the spread itself moves."""
    price = spreads.simple(Side.BUY, MARKET, PricingParams(anchor=Anchor.MID))
    assert isinstance(price, SidePrice)
    assert [name for name, _ in price.terms] == ["half_spread", "anchor"]
    assert price.terms[0][1] == 10.0
    assert price.terms[1][1] == pytest.approx(-4.995)


@pytest.mark.parametrize("anchor", [Anchor.MID, Anchor.BEST, Anchor.MICRO, Anchor.EXTERNAL])
@pytest.mark.parametrize("value", [None, nan, 0.0, -1.0])
def test_an_unknown_anchor_is_no_price(anchor: Anchor, value: float | None) -> None:
    """The mark never stands in for an anchor that is not there."""
    inputs = replace(MARKET, mid=value, micro=value, external=value, others_bid=value, others_ask=value)
    for side in Side:
        said = spreads.uptime(side, inputs, PricingParams(anchor=anchor))
        assert said == NoPrice(Gap.ANCHOR_UNKNOWN, anchor.value)


def test_t10_uptime_measures_from_the_mark() -> None:
    """T10: a mid 2.5 bps beside the mark moves no uptime quote; the seed's anchor would have moved both by 2.5 bps."""
    params = PricingParams()
    moved = replace(TRIAL_INPUTS, mid=100.025, touch_bid=100.02, touch_ask=100.03)
    for side in Side:
        assert spreads.uptime(side, moved, params) == spreads.uptime(side, TRIAL_INPUTS, params) == at(6.0)
    seed = replace(params, anchor=Anchor.MID)
    away = [price.distance_bps for side in Side if isinstance(price := spreads.uptime(side, moved, seed), SidePrice)]
    assert away == pytest.approx([3.5, 8.5], abs=0.01)


def test_a_standing_basis_of_a_leader_moves_nothing() -> None:
    """E12: a leader 14 bps under our mark all the time ends as an anchor on the mark; the next move of it counts."""
    leader, basis = 99.86, None
    for _ in range(20):
        basis = basis_after(basis, 100.0, leader, 1.0, 15.0)
    assert basis is not None
    params = PricingParams(anchor=Anchor.EXTERNAL)
    calm = spreads.uptime(Side.BUY, replace(MARKET, external=leader * (1.0 + basis)), params)
    moved = spreads.uptime(Side.BUY, replace(MARKET, external=leader * 0.999 * (1.0 + basis)), params)
    assert isinstance(calm, SidePrice) and isinstance(moved, SidePrice)
    assert calm.distance_bps == pytest.approx(6.0)
    assert moved.distance_bps == pytest.approx(15.994)


@pytest.mark.parametrize(("side", "away", "price"), [
    (Side.BUY, 6.0, "99.94"), (Side.SELL, 6.0, "100.06"),
    (Side.BUY, 6.3, "99.93"), (Side.SELL, 6.3, "100.07"),
    (Side.BUY, -3.0, "100.03"), (Side.SELL, -3.0, "99.97"),
    (Side.BUY, 6.0001, "99.93"), (Side.SELL, 6.0001, "100.07"),
])
def test_prices_stand_at_the_distance_then_round_outwards(side: Side, away: float, price: str) -> None:
    """E2, E15: exactly plus or minus the distance on the lattice, else the next tick away from the market."""
    assert lattice_price(side, away, 100.0, TICK) == D(price)


def test_a_price_on_the_lattice_survives_the_way_through_bps() -> None:
    """Every tick of a dollar around a crooked mark comes back as itself, on both sides."""
    mark = 93_771.438217
    for ticks in range(9_377_000, 9_377_200):
        price = ticks * TICK
        for side in Side:
            assert lattice_price(side, distance_bps(side, float(price), mark), mark, TICK) == price


@pytest.mark.parametrize(("fee_frac", "min_bps", "buffer_bps", "least"), [
    (0.0001, None, None, None),
    (0.0001, 3.5, None, 3.5),
    (0.0001, None, 0.0, 1.0),
    (0.0001, None, 1.0, 2.0),
    (0.0001, 3.5, 1.0, 3.5),
    (0.0004, 3.5, 1.0, 5.0),
    (-0.0001, None, 0.0, -1.0),
    (-0.0001, None, 2.0, 1.0),
])
def test_the_floor_follows_fee_and_buffer(
    fee_frac: float, min_bps: float | None, buffer_bps: float | None, least: float | None
) -> None:
    """E14, T11: the fee's own sign counts, a rebate lowers the floor; the stated least distance holds besides."""
    inputs = replace(TRIAL_INPUTS, maker_fee_frac=fee_frac)
    params = PricingParams(min_distance_bps=min_bps, fee_buffer_bps=buffer_bps)
    assert least_distance_bps(inputs, params) == least
    raised = with_floor(at(0.5), inputs, params)
    assert raised.distance_bps == (0.5 if least is None else max(0.5, least))
    assert with_floor(at(50.0), inputs, params) == at(50.0)
    if raised.distance_bps != 0.5:
        assert raised.terms == (("order_distance", 0.5), ("floor", raised.distance_bps - 0.5))


@pytest.mark.parametrize("fee", ["0.0001", "0.0005", "-0.0001"])
def test_a_round_trip_at_the_floor_loses_nothing(fee: str) -> None:
    """E14, T11: bought and sold at the floor around one mark, after both fees, with prices on the lattice."""
    inputs = replace(TRIAL_INPUTS, mark=3217.37, maker_fee_frac=float(fee))
    params = PricingParams(fee_buffer_bps=0.0)
    away = with_floor(at(-5.0), inputs, params).distance_bps
    bid, ask = (lattice_price(side, away, inputs.mark, D("0.0001")) for side in Side)
    assert ask - bid - D(fee) * (ask + bid) >= 0


def test_floor_and_band_leave_a_price_alone_that_keeps_them() -> None:
    """Off, and within its bounds, the very same price comes back: nothing is recorded for a rule that did nothing."""
    price = at(6.0)
    assert with_floor(price, TRIAL_INPUTS, PricingParams()) is price
    assert with_floor(price, TRIAL_INPUTS, PricingParams(min_distance_bps=6.0)) is price
    assert clear_of_touch(Side.BUY, price, TRIAL_INPUTS) is price


@pytest.mark.parametrize(("side", "away", "price"), [
    (Side.BUY, -9.0, "100.00"), (Side.BUY, -1.0, "100.00"), (Side.BUY, 0.0, "100.00"), (Side.BUY, 1.0, "99.99"),
    (Side.SELL, -9.0, "100.00"), (Side.SELL, 0.0, "100.00"), (Side.SELL, 1.0, "100.01"),
])
def test_a_quote_keeps_a_tick_clear_of_the_other_side(side: Side, away: float, price: str) -> None:
    """E16: clipped to the opposite best price less a tick, never beyond."""
    clear = clear_of_touch(side, at(away), TRIAL_INPUTS)
    assert lattice_price(side, clear.distance_bps, 100.0, TICK) == D(price)


@pytest.mark.parametrize("touch", [None, nan, 0.0])
def test_an_unknown_touch_clips_nothing(touch: float | None) -> None:
    """Without the other side's best there is nothing to keep clear of."""
    inputs = replace(TRIAL_INPUTS, touch_bid=touch, touch_ask=touch)
    assert clear_of_touch(Side.BUY, at(-9.0), inputs) == clear_of_touch(Side.SELL, at(-9.0), inputs) == at(-9.0)


def raising(error: BaseException) -> Callable[..., Any]:
    def pricer(*_: object) -> Any:
        raise error
    return pricer


def saying(answer: object) -> Callable[..., Any]:
    return lambda *_: answer


def price_of(distance: object, *terms: object) -> Any:
    return SidePrice(distance, terms)  # type: ignore[arg-type]


@pytest.mark.parametrize(("pricer", "reason"), [
    (raising(ValueError("no")), Gap.PRICER_FAILED),
    (raising(SystemExit(1)), Gap.PRICER_FAILED),
    (raising(GeneratorExit()), Gap.PRICER_FAILED),
    (raising(RecursionError()), Gap.PRICER_FAILED),
    (saying(None), Gap.BAD_PRICE),
    (saying(6.0), Gap.BAD_PRICE),
    (saying((6.0, ())), Gap.BAD_PRICE),
    (saying(SidePrice), Gap.BAD_PRICE),
    (saying(price_of(0.0)), Gap.BAD_PRICE),
    (saying(SidePrice(6.0, [("a", 6.0)])), Gap.BAD_PRICE),  # type: ignore[arg-type]
    (saying(price_of(17.0, *[("a", 1.0)] * 17)), Gap.BAD_PRICE),
    (saying(price_of(nan, ("a", nan))), Gap.BAD_PRICE),
    (saying(price_of(nan, ("a", 6.0))), Gap.BAD_PRICE),
    (saying(price_of(inf, ("a", inf))), Gap.BAD_PRICE),
    (saying(price_of(0.0, ("a", inf), ("b", -inf))), Gap.BAD_PRICE),
    (saying(price_of(6.0, ("a", 6.0), ("b", nan))), Gap.BAD_PRICE),
    (saying(price_of(FARTHEST_BPS + 1e-6, ("a", FARTHEST_BPS + 1e-6))), Gap.BAD_PRICE),
    (saying(price_of(NEAREST_BPS - 1e-6, ("a", NEAREST_BPS - 1e-6))), Gap.BAD_PRICE),
    (saying(price_of(6.0, ("a", 5.0))), Gap.BAD_PRICE),
    (saying(price_of(6.0, ("a", 6.0 - 2e-9))), Gap.BAD_PRICE),
    (saying(price_of(6.0, (7, 6.0))), Gap.BAD_PRICE),
    (saying(price_of(6.0, ("a", "6"))), Gap.BAD_PRICE),
    (saying(price_of(1.0, ("a", True))), Gap.BAD_PRICE),
    (saying(price_of("6", ("a", 6.0))), Gap.PRICER_FAILED),
    (saying(price_of(6.0, ("a", 1e308), ("b", 1e308))), Gap.PRICER_FAILED),
    (saying(price_of(6.0, "a")), Gap.PRICER_FAILED),
    (saying(NoPrice("no idea")), Gap.BAD_PRICE),  # type: ignore[arg-type]
    (saying(NoPrice(Gap.PRICER_DECLINED, 7)), Gap.BAD_PRICE),  # type: ignore[arg-type]
])
def test_a_mad_pricer_gives_no_price(pricer: Any, reason: Gap) -> None:
    """D18: whatever an own pricer raises or returns, it is a missing price with a reason."""
    said = checked_price(pricer, Side.BUY, TRIAL_INPUTS, PricingParams())
    assert isinstance(said, NoPrice) and said.reason is reason


@pytest.mark.parametrize(("detail", "text"), [
    ("", "pricer_declined"),
    (" \r\n\t", "pricer_declined"),
    ("no microprice", "pricer_declined: no microprice"),
    ("asleep\nFILL | qty=1\x1b[31m\u2028\ud800 until  noon", "pricer_declined: asleep FILL | qty=1 [31m until noon"),
    ("x" * 120, "pricer_declined: " + "x" * 120),
    ("x" * 1_000_000, "pricer_declined: " + "x" * 119 + "…"),
])
def test_what_a_pricer_says_is_one_bounded_line(detail: str, text: str) -> None:
    """Its words go to screens and logs: nothing that breaks a line, moves a cursor or cannot be encoded."""
    said = NoPrice(Gap.PRICER_DECLINED, detail).text
    assert said == text
    said.encode()


def test_only_a_person_ends_the_bot_inside_a_pricer() -> None:
    """Ctrl-C is not swallowed."""
    with pytest.raises(KeyboardInterrupt):
        checked_price(raising(KeyboardInterrupt()), Side.BUY, TRIAL_INPUTS, PricingParams())


@pytest.mark.parametrize("distance", [NEAREST_BPS, -1.0, 0.0, 6.0, FARTHEST_BPS])
def test_a_sane_price_passes_unchanged(distance: float) -> None:
    """The bounds themselves are in; a price and a stated lack of one are passed on as they are."""
    said = at(distance)
    assert checked_price(saying(said), Side.BUY, TRIAL_INPUTS, PricingParams()) is said
    declined = NoPrice(Gap.PRICER_DECLINED, "asleep")
    assert checked_price(saying(declined), Side.BUY, TRIAL_INPUTS, PricingParams()) is declined


def test_whole_numbers_and_float_noise_are_put_right() -> None:
    """Integers become floats, and a distance within 1e-9 bps of its terms becomes their exact sum."""
    said = checked_price(saying(price_of(6, ("a", 6))), Side.BUY, TRIAL_INPUTS, PricingParams())
    assert said == SidePrice(6.0, (("a", 6.0),)) and type(said.distance_bps) is float
    terms = (("a", 0.1), ("b", 0.2), ("c", 0.3))
    noisy = checked_price(saying(SidePrice(0.1 + 0.2 + 0.3, terms)), Side.BUY, TRIAL_INPUTS, PricingParams())
    assert isinstance(noisy, SidePrice) and noisy.distance_bps == fsum((0.1, 0.2, 0.3)) != 0.1 + 0.2 + 0.3


@pytest.mark.parametrize("mark", [nan, inf, -inf, 0.0, -1.0])
def test_no_pricer_is_asked_without_a_mark(mark: float) -> None:
    """Distances are of the mark: without one nothing can be said."""
    said = checked_price(raising(AssertionError()), Side.BUY, replace(TRIAL_INPUTS, mark=mark), PricingParams())
    assert said == NoPrice(Gap.MARK_UNKNOWN)


def test_defaults_are_neutral() -> None:
    """N16: without a word in the configuration it is uptime from mark, and every optional behaviour is off."""
    params = PricingParams()
    assert (params.mode, params.anchor, params.problems()) == ("uptime", Anchor.MARK, [])
    assert params.points_distance_bps is params.min_distance_bps is params.fee_buffer_bps is None
    assert params.pinning_enter_frac is params.volatile_mode is None
    assert not params.breakeven and not params.ping_pong
    assert params.traps(4.0, 3) == []


@pytest.mark.parametrize(("changes", "field"), [
    ({"mode": "uptmie"}, "mode"),
    ({"mode": "pinning"}, "mode"),
    ({"mode": "my pricers:steady"}, "mode"),
    ({"mode": "steady:"}, "mode"),
    ({"order_distance_bps": 0.0}, "order_distance_bps"),
    ({"mode": "simple", "half_spread_bps": -1.0}, "half_spread_bps"),
    ({"mode": "adaptive", "half_spread_bps": 0.0}, "half_spread_bps"),
    ({"mode": "avellaneda", "avellaneda_half_spread_bps": 0.0}, "avellaneda_half_spread_bps"),
    ({"mode": "geometric", "start_offset_bps": 0.0}, "start_offset_bps"),
    ({"mode": "geometric", "start_offset_bps": nan}, "start_offset_bps"),
    ({"mode": "rebate", "rebate_standoff_bps": 0.0}, "rebate_standoff_bps"),
    ({"min_distance_bps": 6.1}, "min_distance_bps"),
    ({"avellaneda_inventory_bps": -0.1}, "avellaneda_inventory_bps"),
    ({"avellaneda_per_sigma": -0.1}, "avellaneda_per_sigma"),
    ({"adaptive_per_sigma_bps": -0.1}, "adaptive_per_sigma_bps"),
    ({"rebate_improve_ticks": -1}, "rebate_improve_ticks"),
    ({"pinning_enter_frac": 0.4}, "pinning_enter_frac"),
    ({"pinning_enter_frac": 1.0}, "pinning_enter_frac"),
    ({"pinning_enter_frac": 0.5, "pinning_leave_frac": 0.0}, "pinning_enter_frac"),
    ({"volatile_mode": "uptime"}, "volatile_mode"),
    ({"volatile_mode": "pinning"}, "volatile_mode"),
    ({"volatile_mode": "adaptive", "volatile_leave_bps": 6.0}, "volatile_leave_bps"),
    ({"volatile_mode": "adaptive", "volatile_leave_bps": 0.0}, "volatile_leave_bps"),
    ({"own_params": (OwnParam("a", 1.0), OwnParam("a", 2.0))}, "own_params"),
])
def test_each_broken_rule_is_named_with_its_field(changes: dict[str, Any], field: str) -> None:
    """N3, T32: one problem, under the field a person has to change, with words."""
    found = PricingParams(**changes).problems()
    assert [name for name, _ in found] == [field]
    assert len(found[0][1]) > 20


@pytest.mark.parametrize("changes", [
    {"mode": mode} for mode in ("rebate", "simple", "adaptive", "avellaneda", "geometric", "package.module:function")
] + [
    {"min_distance_bps": 6.0}, {"pinning_enter_frac": 0.5}, {"volatile_mode": "adaptive"},
    {"mode": "simple", "order_distance_bps": 0.0},
])
def test_good_settings_have_no_problem(changes: dict[str, Any]) -> None:
    """A parameter of a mode that does not run is not judged."""
    assert PricingParams(**changes).problems() == []


@pytest.mark.parametrize(("changes", "cancel", "queue", "trap", "field"), [
    ({"anchor": Anchor.MID}, 0.0, None, "T10", "anchor"),
    ({"mode": "rebate"}, 4.0, None, "T28", "cancel_distance_bps"),
    ({"mode": "rebate"}, 0.0, 3, "T28", "queue_position_limit"),
    ({"mode": "avellaneda", "avellaneda_inventory_bps": 10.0}, 4.0, 3, "T33", "avellaneda_inventory_bps"),
])
def test_traps_of_the_seeds_are_named(
    changes: dict[str, Any], cancel: float, queue: int | None, trap: str, field: str
) -> None:
    """T10, T28, T33: found in the configuration, each under its own name."""
    found = PricingParams(**changes).traps(cancel, queue)
    assert [(name, where) for name, where, _ in found] == [(trap, field)]


@pytest.mark.parametrize("changes", [
    {"mode": "avellaneda", "avellaneda_inventory_bps": 9.9},
    {"mode": "uptime", "avellaneda_inventory_bps": 10.0},
    {"mode": "simple", "anchor": Anchor.MID},
])
def test_what_is_no_trap_is_not_named(changes: dict[str, Any]) -> None:
    """Just under its bound, or in a mode that it does not concern."""
    assert PricingParams(**changes).traps(4.0, 3) == []


def test_t28_modes_that_join_are_told_apart() -> None:
    """T28: distance and queue rules are for modes that mean to keep away; those that join are listed."""
    assert {Mode.REBATE, Mode.PINNING} == JOINING_MODES
    assert PricingParams(mode="rebate").traps(0.0, None) == []


def test_t13_parameters_say_what_they_do() -> None:
    """T13, T24, N8: no alpha, beta, gamma or k, no bare spread, and every distance has its unit in the name."""
    names = {field.name for field in fields(PricingParams)}
    assert not any(part in {"alpha", "beta", "gamma", "k", "pct"} for name in names for part in name.split("_"))
    for name in names:
        if "spread" in name:
            assert name.endswith("half_spread_bps")
        if "distance" in name or "offset" in name or "width" in name or "standoff" in name:
            assert name.endswith("_bps")


def test_inputs_and_parameters_can_be_recorded() -> None:
    """DEC-12: both go to plain JSON and come back equal."""
    params = PricingParams(
        mode="a.b:c", anchor=Anchor.MICRO, min_distance_bps=3.5, own_params=(OwnParam("lean_frac", 0.25),))
    assert from_plain(PricingParams, to_plain(params)) == params
    inputs = replace(MARKET, last_fill_side=Side.BUY, sigma_bps=None)
    assert from_plain(PriceInputs, to_plain(inputs)) == inputs
    assert params.own("lean_frac", 1.0) == 0.25 and params.own("other", 1.0) == 1.0
