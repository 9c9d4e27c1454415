"""Skew terms by hand, with the signs that the traps got wrong: long lowers both quotes, or leaves them."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest

from hummingbot_extensions.core.skew import (
    SkewInputs,
    SkewParams,
    Terms,
    adding_size_frac,
    clamped_distance,
    inventory_share,
    momentum_level,
    pressure_bps,
    spacing_scale,
    terms,
    too_far_bps,
    too_near_bps,
)
from hummingbot_extensions.core.types import Side

OFF = SkewParams()
LINEAR = SkewParams(skew_linear_on=True)
SHIFT = SkewParams(skew_shift_on=True)
PRESSURE = SkewParams(skew_pressure_on=True)
FUNDING = SkewParams(skew_funding_on=True)
MOMENTUM = SkewParams(skew_momentum_on=True)
IMBALANCE = SkewParams(skew_imbalance_on=True)
FLOW = SkewParams(skew_flow_on=True)
HALF = 0.525
"""Inventory half-way between the dead band of 0.05 and the limit."""


def given(inventory: float = 0.0, **signals: float | None) -> SkewInputs:
    return replace(SkewInputs(inventory, None, None, None, None), **signals)


def both(inputs: SkewInputs, params: SkewParams) -> tuple[dict[str, float], dict[str, float]]:
    """Terms of bid and ask."""
    return dict(terms(Side.BUY, inputs, params)), dict(terms(Side.SELL, inputs, params))


def near(**expected: float) -> dict[str, object]:
    return {name: pytest.approx(bps) for name, bps in expected.items()}


def test_e3_long_pushes_the_bid_and_pulls_the_ask() -> None:
    """Half of 6 bps farther, half of 4.5 bps nearer; short mirrors it; the limit is the most."""
    assert both(given(HALF), LINEAR) == (near(push=3.0), near(pull=-2.25))
    assert both(given(-HALF), LINEAR) == (near(pull=-2.25), near(push=3.0))
    assert both(given(1.0), LINEAR) == (near(push=6.0), near(pull=-4.5))
    assert both(given(7.0), LINEAR) == both(given(1.0), LINEAR)


def test_t12_t24_long_lowers_both_quotes() -> None:
    """The shift is 20 bps of the mark at the limit: the bid stands farther, the ask nearer; short mirrors it."""
    assert both(given(HALF), SHIFT) == (near(shift=10.0), near(shift=-10.0))
    assert both(given(-1.0), SHIFT) == (near(shift=-20.0), near(shift=20.0))


def test_the_shift_grows_with_sigma_within_its_bound() -> None:
    """E23: a gain of 1 doubles it at 1.5 bps and no further; unknown sigma leaves it as it is."""
    volatile = replace(SHIFT, shift_sigma_gain=1.0)
    sizes = [both(given(HALF, sigma_bps=sigma), volatile)[0]["shift"]
             for sigma in (None, math.nan, 0.0, 0.75, 1.5, math.inf)]
    assert sizes == pytest.approx([10.0, 10.0, 10.0, 15.0, 20.0, 20.0])
    assert both(given(HALF, sigma_bps=1.5), SHIFT)[0] == near(shift=10.0)


@pytest.mark.parametrize("inventory", [-0.05, -0.04, 0.0, 0.04, 0.05])
def test_e5_inside_the_dead_band_inventory_moves_nothing(inventory: float) -> None:
    """No term of inventory, and signals are whole."""
    everything = SkewParams(**{field.name: True for field in fields(SkewParams) if field.name.endswith("_on")})
    signals = {"drift_frac": 0.002, "imbalance_frac": 0.5, "flow_frac": -0.5, "funding_rate_frac": 0.001}
    assert both(given(inventory, **signals), everything) == both(given(0.0, **signals), everything)
    assert both(given(inventory), everything) == ({}, {})
    assert adding_size_frac(inventory, everything) == 1.0


@pytest.mark.parametrize(("inventory", "bps"), [
    (0.0, 0.0), (0.4, 0.0), (0.43, 3.0 * 0.05**2.5), (0.55, 3.0 * 0.25**2.5), (0.7, 3.0 * 0.5**2.5),
    (0.85, 3.0 * 0.75**2.5), (1.0, 3.0), (2.0, 3.0),
])
def test_e13_pressure_curve(inventory: float, bps: float) -> None:
    """Nothing to 0.4, then strength x excess^2.5 of 6 bps; it widens the adding side and leaves the other."""
    assert pressure_bps(inventory, PRESSURE) == pressure_bps(-inventory, PRESSURE) == pytest.approx(bps)
    expected = near(pressure=bps) if bps else {}
    assert both(given(inventory), PRESSURE) == (expected, {})
    assert both(given(-inventory), PRESSURE) == ({}, expected)


def test_e7_positive_funding_while_long_shifts_both_quotes_down() -> None:
    """1 bps paid at half the share moves them half a bps; a short position pays negative funding and goes up."""
    assert both(given(HALF, funding_rate_frac=1e-4), FUNDING) == (near(funding=0.5), near(funding=-0.5))
    assert both(given(-HALF, funding_rate_frac=-1e-4), FUNDING) == (near(funding=-0.5), near(funding=0.5))


@pytest.mark.parametrize(("inventory", "rate"), [
    (HALF, -1e-4), (-HALF, 1e-4), (HALF, 0.0), (0.0, 1e-4), (HALF, None), (HALF, math.nan),
])
def test_e7_funding_that_the_position_receives_moves_nothing(inventory: float, rate: float | None) -> None:
    """It would raise the quotes of a long position; neither does a rate that is missing."""
    assert both(given(inventory, funding_rate_frac=rate), FUNDING) == ({}, {})


def test_e7_funding_is_bounded() -> None:
    """3 bps at the limit, whatever the rate."""
    for rate in (0.01, math.inf):
        assert both(given(1.0, funding_rate_frac=rate), FUNDING) == (near(funding=3.0), near(funding=-3.0))


@pytest.mark.parametrize(("drift", "level"), [
    (None, 0.0), (math.nan, 0.0), (0.0, 0.0), (0.0006, 0.0), (-0.0006, 0.0), (0.0009, 0.5), (-0.0009, -0.5),
    (0.0012, 1.0), (-0.01, -1.0), (math.inf, 1.0),
])
def test_e10_momentum_curve_for_tilt_spread_and_spacing(drift: float | None, level: float) -> None:
    """From the threshold of 0.0006 to twice that: quotes follow the drift, the spread and the spacing open."""
    assert momentum_level(drift, MOMENTUM) == pytest.approx(level)
    bid, ask = both(given(drift_frac=drift), MOMENTUM)
    if level:
        assert bid == near(momentum=-2.0 * level, momentum_spread=abs(level))
        assert ask == near(momentum=2.0 * level, momentum_spread=abs(level))
    else:
        assert (bid, ask) == ({}, {})
    assert spacing_scale(drift, MOMENTUM) == pytest.approx(1.0 + 0.25 * abs(level))
    assert spacing_scale(drift, OFF) == 1.0


@pytest.mark.parametrize(("params", "field", "name"), [
    (IMBALANCE, "imbalance_frac", "imbalance"), (FLOW, "flow_frac", "flow"),
])
def test_e11_e23_both_quotes_follow_imbalance_and_flow(params: SkewParams, field: str, name: str) -> None:
    """Buyers raise both by half of 1 bps, sellers lower both; bounded; missing gives no term."""
    assert both(given(**{field: 0.5}), params) == (near(**{name: -0.5}), near(**{name: 0.5}))
    assert both(given(**{field: -0.5}), params) == (near(**{name: 0.5}), near(**{name: -0.5}))
    assert both(given(**{field: 9.0}), params) == (near(**{name: -1.0}), near(**{name: 1.0}))
    for missing in (None, math.nan, 0.0):
        assert both(given(**{field: missing}), params) == ({}, {})


@pytest.mark.parametrize(("inventory", "kept"), [(0.05, 1.0), (0.055, 0.9), (0.075, 0.5), (0.1, 0.0), (1.0, 0.0)])
def test_a_signal_against_the_position_fades_beyond_the_dead_band(inventory: float, kept: float) -> None:
    """A rising price raises no quote of a long position from 0.1 on, yet still raises both of a short one."""
    rising = {"drift_frac": 0.0012}
    bid, ask = both(given(inventory, **rising), MOMENTUM)
    assert bid.get("momentum", 0.0) == pytest.approx(-2.0 * kept) and bid["momentum_spread"] == 1.0
    assert ask.get("momentum", 0.0) == pytest.approx(2.0 * kept)
    assert ask.get("momentum_spread", 0.0) == pytest.approx(kept)
    bid, ask = both(given(-inventory, **rising), MOMENTUM)
    assert bid["momentum"] == -2.0 and ask == {"momentum": 2.0, "momentum_spread": 1.0}
    assert bid.get("momentum_spread", 0.0) == pytest.approx(kept)


def test_e6_only_the_adding_side_shrinks() -> None:
    """1 - 0.6 of the share, the same long and short; off keeps the size. The figure is for the adding side alone."""
    sizes = SkewParams(skew_size_on=True)
    assert [adding_size_frac(inventory, sizes) for inventory in (0.0, HALF, -HALF, 1.0, -3.0)] == pytest.approx(
        [1.0, 0.7, 0.7, 0.4, 0.4])
    assert adding_size_frac(1.0, OFF) == 1.0


def test_n16_off_gives_no_term_whatever_comes_in() -> None:
    """And no terms leave any distance as it is, also one that no clamp would allow."""
    inputs = SkewInputs(1.0, 0.01, 0.01, 1.0, 1.0, 9.0)
    assert both(inputs, OFF) == ({}, {})
    assert clamped_distance(9.4, (), OFF, 9.5) == (9.4, 0.0)
    assert clamped_distance(0.5, (), OFF, 9.5) == (0.5, 0.0)


def test_terms_add_up() -> None:
    """Every term stands beside the others under its own name, in the order of explanation."""
    everything = SkewParams(**{field.name: True for field in fields(SkewParams) if field.name.endswith("_on")})
    inputs = SkewInputs(HALF, 1e-4, -0.0012, -1.0, -1.0)
    assert [name for name, _ in terms(Side.BUY, inputs, everything)] == [
        "push", "shift", "funding", "pressure", "momentum", "momentum_spread", "imbalance", "flow"]
    assert [name for name, _ in terms(Side.SELL, inputs, everything)] == [
        "pull", "shift", "funding", "momentum", "imbalance", "flow"]


@pytest.mark.parametrize("inventory", [math.nan, float("-nan")])
def test_inventory_that_is_not_a_number_is_refused(inventory: float) -> None:
    """Never a quote from it."""
    for params in (OFF, LINEAR):
        with pytest.raises(ValueError, match="not a number"):
            terms(Side.BUY, given(inventory), params)
    with pytest.raises(ValueError, match="not a number"):
        adding_size_frac(inventory, SkewParams(skew_size_on=True))
    assert inventory_share(math.inf, OFF) == inventory_share(-math.inf, OFF) == 1.0


@pytest.mark.parametrize(("base", "found", "far", "distance", "clamp"), [
    (6.0, (("push", 3.0),), 9.5, 8.0, -1.0),
    (6.0, (("push", 1.0),), 9.5, 7.0, 0.0),
    (6.0, (("push", 6.0),), math.inf, 12.0, 0.0),
    (6.0, (("pull", -4.5),), 9.5, 1.5, 0.0),
    (6.0, (("pull", -4.5), ("shift", -20.0)), 9.5, 1.5, 20.0),
    (9.0, (("push", 3.0),), 9.5, 9.0, -3.0),
    (9.0, (("pull", -3.0),), 9.5, 6.0, 0.0),
    (1.0, (("pull", -0.5),), 9.5, 1.0, 0.5),
    (1.0, (("push", 2.0),), 9.5, 3.0, 0.0),
])
def test_e17_t2_distance_stays_between_least_and_band_less_room(
    base: float, found: Terms, far: float, distance: float, clamp: float
) -> None:
    """1.5 to 8 bps in a band of 10 less 0.5 less 1.5; what was cut off is told; a base beyond stays where it is."""
    assert clamped_distance(base, found, OFF, far) == (pytest.approx(distance), pytest.approx(clamp))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.44, 0.45, 0.7, 1.0])
def test_t1_t2_seed_000s_distances_follow_the_skew(share: float) -> None:
    """7 bps, cancel under 5, replace beyond 10, pull 4.5, push 6: a fresh quote is never too near nor too far."""
    seed = replace(LINEAR, skew_dead_frac=0.0, least_distance_bps=1.0)
    for side in Side:
        skewed, _ = clamped_distance(7.0, terms(side, given(share), seed), seed, 10.0)
        assert too_near_bps(5.0, skewed, 7.0) < skewed < too_far_bps(10.0, skewed, 7.0, 10.0) <= 10.0
    assert too_near_bps(5.0, 2.5, 7.0) == pytest.approx(5.0 * 2.5 / 7.0)
    assert too_near_bps(5.0, 9.0, 7.0) == 5.0
    assert too_far_bps(10.0, 2.5, 7.0, 10.0) == 5.5
    assert too_far_bps(10.0, 8.5, 7.0, 10.0) == 10.0


def test_defaults_are_off_and_break_no_rule() -> None:
    """Every switch of the parameters, by its name."""
    switches = [field.name for field in fields(SkewParams) if field.name.endswith("_on")]
    assert len(switches) == 9 and not any(getattr(OFF, name) for name in switches)
    assert OFF.problems() == []


@pytest.mark.parametrize(("field", "bad"), [
    ("skew_dead_frac", 1.0), ("skew_dead_frac", -0.1), ("signal_fade_frac", 0.0), ("signal_fade_frac", math.nan),
    ("least_distance_bps", -1.0), ("requote_room_bps", math.nan), ("skew_push_bps", -6.0), ("skew_pull_bps", math.inf),
    ("skew_coeff_frac", -0.002), ("shift_sigma_gain", -1.0), ("shift_sigma_full_bps", 0.0),
    ("pressure_threshold_frac", 1.0), ("pressure_strength", -0.5), ("pressure_exponent", 0.5),
    ("pressure_scale_bps", -1.0), ("funding_gain", -1.0), ("funding_most_bps", -1.0),
    ("momentum_threshold_frac", 0.0012), ("momentum_tilt_bps", -2.0), ("momentum_spread_bps", -1.0),
    ("momentum_spacing_frac", -0.1), ("imbalance_tilt_bps", math.nan), ("flow_tilt_bps", -1.0), ("size_skew_frac", 1.1),
])
def test_a_broken_rule_names_its_field_and_a_fix(field: str, bad: float) -> None:
    """T12, T24: a sign turned round in the configuration is refused, not quoted."""
    problems = dict(replace(OFF, **{field: bad}).problems())
    assert list(problems) == [field]
    assert any(word in problems[field] for word in ("Set", "Lower", "Raise"))
