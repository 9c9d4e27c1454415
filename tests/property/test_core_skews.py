"""What skews and estimators keep for every parameter and every path: long never raises a quote, a pause never flaps."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from hummingbot_extensions.core.drift import (
    MOST_DRIFT_FRAC,
    DriftParams,
    FlowState,
    MomentumState,
    after_trade,
    flow_frac,
    imbalance_frac,
    microprice,
)
from hummingbot_extensions.core.drift import after_mid as drift_after_mid
from hummingbot_extensions.core.skew import (
    SkewInputs,
    SkewParams,
    adding_size_frac,
    clamped_distance,
    momentum_level,
    pressure_bps,
    spacing_scale,
    terms,
    too_far_bps,
    too_near_bps,
)
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.volatility import (
    NOTHING_SEEN,
    VolatilityParams,
    after_mid,
    range_bps,
    sigma_bps,
    tolerance_scale,
    widening_bps,
)

SMALL = 1e-9
MS = 1_000_000


def amount(most: float) -> st.SearchStrategy[float]:
    return st.floats(0.0, most, allow_subnormal=False)


SWITCHES = {field.name: st.booleans() for field in fields(SkewParams) if field.name.endswith("_on")}
THRESHOLDS = amount(0.002)
PARAMS = st.builds(
    SkewParams, **SWITCHES, skew_dead_frac=amount(0.5), least_distance_bps=amount(5.0), requote_room_bps=amount(3.0),
    signal_fade_frac=st.floats(0.01, 0.5), skew_push_bps=amount(20.0), skew_pull_bps=amount(20.0),
    skew_coeff_frac=amount(0.01), shift_sigma_gain=amount(3.0), shift_sigma_full_bps=st.floats(0.1, 5.0),
    pressure_threshold_frac=amount(0.9), pressure_strength=amount(3.0), pressure_exponent=st.floats(1.0, 6.0),
    pressure_scale_bps=amount(20.0), funding_gain=amount(5.0), funding_most_bps=amount(10.0),
    momentum_threshold_frac=THRESHOLDS, momentum_full_frac=st.floats(0.0021, 0.01), momentum_tilt_bps=amount(10.0),
    momentum_spread_bps=amount(10.0), momentum_spacing_frac=amount(1.0), imbalance_tilt_bps=amount(10.0),
    flow_tilt_bps=amount(10.0), size_skew_frac=amount(1.0), leader_gain=amount(1.0), leader_dead_bps=amount(5.0),
    leader_most_bps=amount(10.0),
)  # fmt: skip
EVERYTHING = SkewParams(**dict.fromkeys(SWITCHES, True))
INVENTORY = st.floats(-1.5, 1.5)
SIGNALS = st.builds(
    SkewInputs, inventory_frac=st.just(0.0), funding_rate_frac=st.none() | st.floats(-0.01, 0.01),
    drift_frac=st.none() | st.floats(-0.02, 0.02), imbalance_frac=st.none() | st.floats(-1.0, 1.0),
    flow_frac=st.none() | st.floats(-1.0, 1.0), sigma_bps=st.none() | amount(10.0),
    leader_frac=st.none() | st.floats(-0.02, 0.02),
)  # fmt: skip


def total(side: Side, inventory: float, signals: SkewInputs, params: SkewParams) -> float:
    return math.fsum(bps for _, bps in terms(side, replace(signals, inventory_frac=inventory), params))


def up(side: Side, bps: float) -> float:
    """Movement of the price, up positive, that terms away from the mark stand for."""
    return -bps * side.sign


@given(PARAMS, SIGNALS, INVENTORY, INVENTORY, st.floats(0.1, 20.0), st.floats(1.0, 30.0) | st.just(math.inf))
def test_t12_more_inventory_never_raises_a_quote(
    params: SkewParams, signals: SkewInputs, one: float, other: float, base: float, far: float
) -> None:
    """Every combination of terms, every signal, both sides, with and without the clamp; so long is never above flat."""
    less, more = sorted((one, other))
    for side in Side:
        assert up(side, total(side, more, signals, params)) <= up(side, total(side, less, signals, params)) + SMALL
        stands = []
        for inventory in (less, more):
            found = terms(side, replace(signals, inventory_frac=inventory), params)
            stands.append(up(side, clamped_distance(base, found, params, far)[0]))
        assert stands[1] <= stands[0] + SMALL


@given(PARAMS, SIGNALS, st.floats(0.0, 1.5))
def test_t12_no_term_raises_a_quote_of_a_long_position(params: SkewParams, signals: SkewInputs, beyond: float) -> None:
    """From the end of the fade on, whatever the signals say; and none lowers a quote of a short position."""
    inventory = params.skew_dead_frac + params.signal_fade_frac + 1e-12 + beyond
    for direction in (1, -1):
        held = replace(signals, inventory_frac=direction * inventory)
        for side in Side:
            assert all(up(side, bps) * direction <= 0.0 for _, bps in terms(side, held, params))


@given(PARAMS, SIGNALS, INVENTORY)
def test_both_directions_are_mirror_images(params: SkewParams, signals: SkewInputs, inventory: float) -> None:
    """Turn inventory and every signal round, and bid and ask change places."""
    def turned(value: float | None) -> float | None:
        return None if value is None else -value

    held = replace(signals, inventory_frac=inventory)
    other = SkewInputs(-inventory, turned(signals.funding_rate_frac), turned(signals.drift_frac),
                       turned(signals.imbalance_frac), turned(signals.flow_frac), signals.sigma_bps,
                       turned(signals.leader_frac))
    for side in Side:
        assert terms(side, held, params) == terms(side.opposite, other, params)


@given(PARAMS, SIGNALS, INVENTORY)
def test_terms_are_bounded_by_their_strengths(params: SkewParams, signals: SkewInputs, inventory: float) -> None:
    """Each by its own, and no name twice."""
    most = {
        "push": params.skew_push_bps, "pull": params.skew_pull_bps, "pressure":
        params.pressure_strength * params.pressure_scale_bps,
        "shift": params.skew_coeff_frac * 1e4 * (1.0 + params.shift_sigma_gain), "funding": params.funding_most_bps,
        "momentum": params.momentum_tilt_bps, "momentum_spread": params.momentum_spread_bps,
        "imbalance": params.imbalance_tilt_bps, "flow": params.flow_tilt_bps,
        "leader": params.leader_most_bps,
    }  # fmt: skip
    for side in Side:
        found = terms(side, replace(signals, inventory_frac=inventory), params)
        assert len(dict(found)) == len(found)
        for name, bps in found:
            assert abs(bps) <= most[name] + SMALL


@given(PARAMS, SIGNALS, INVENTORY, INVENTORY)
@example(EVERYTHING, SkewInputs(0.0, 0.001, 0.01, 1.0, 1.0), 0.05, 0.0500001)
@example(EVERYTHING, SkewInputs(0.0, 0.001, 0.01, 1.0, 1.0), 0.1, 0.1000001)
@example(EVERYTHING, SkewInputs(0.0, 0.001, 0.01, 1.0, 1.0), 0.4, 0.4000001)
@example(EVERYTHING, SkewInputs(0.0, 0.001, 0.01, 1.0, 1.0), -1e-9, 1e-9)
def test_terms_are_continuous_in_the_inventory(
    params: SkewParams, signals: SkewInputs, one: float, other: float
) -> None:
    """No jump anywhere: a quote moves by no more than its steepest slope times the way, clamped or not."""
    shift = params.skew_coeff_frac * 1e4 * (1.0 + params.shift_sigma_gain)
    slope = (
        (max(params.skew_push_bps, params.skew_pull_bps) + shift + params.funding_most_bps)
        / (1.0 - params.skew_dead_frac)
        + params.pressure_strength * params.pressure_scale_bps * params.pressure_exponent
        / (1.0 - params.pressure_threshold_frac)
        + (params.momentum_tilt_bps + params.momentum_spread_bps + params.imbalance_tilt_bps + params.flow_tilt_bps
           + params.leader_most_bps)
        / params.signal_fade_frac
    )
    for side in Side:
        before, after = total(side, one, signals, params), total(side, other, signals, params)
        most = slope * abs(other - one) + SMALL
        assert abs(after - before) <= most
        clamped = [clamped_distance(6.0, (("x", bps),), params, 9.5)[0] for bps in (before, after)]
        assert abs(clamped[1] - clamped[0]) <= most


@given(PARAMS, SIGNALS, INVENTORY, st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_terms_are_continuous_in_the_drift(
    params: SkewParams, signals: SkewInputs, inventory: float, one: float, other: float
) -> None:
    """The same for momentum, whose ramp is the steepest of the signals; the rest are linear."""
    slope = (params.momentum_tilt_bps + params.momentum_spread_bps) / (
        params.momentum_full_frac - params.momentum_threshold_frac)
    for side in Side:
        before, after = (total(side, inventory, replace(signals, drift_frac=drift), params) for drift in (one, other))
        assert abs(after - before) <= slope * abs(other - one) + SMALL


@given(PARAMS, SIGNALS, st.floats(-1.0, 1.0))
def test_e5_a_wiggle_inside_the_dead_band_changes_nothing(
    params: SkewParams, signals: SkewInputs, share: float
) -> None:
    """To the last bit, with every signal there is. Pressure is kept out of it by a threshold that is not lower."""
    params = replace(params, pressure_threshold_frac=max(params.pressure_threshold_frac, params.skew_dead_frac))
    inside = replace(signals, inventory_frac=share * params.skew_dead_frac)
    for side in Side:
        assert terms(side, inside, params) == terms(side, signals, params)
    assert adding_size_frac(inside.inventory_frac, params) == 1.0


@given(PARAMS, SIGNALS, INVENTORY)
def test_n16_each_switch_takes_away_its_own_terms_and_no_others(
    params: SkewParams, signals: SkewInputs, inventory: float
) -> None:
    """All off leaves none; one off leaves the rest as they were, to the last bit."""
    names = {
        "skew_linear_on": {"push", "pull"}, "skew_shift_on": {"shift"}, "skew_pressure_on": {"pressure"},
        "skew_funding_on": {"funding"}, "skew_momentum_on": {"momentum", "momentum_spread"},
        "skew_imbalance_on": {"imbalance"}, "skew_flow_on": {"flow"}, "skew_leader_on": {"leader"},
        "skew_size_on": set(),
    }  # fmt: skip
    assert set(names) == set(SWITCHES)
    held = replace(signals, inventory_frac=inventory)
    for side in Side:
        found = terms(side, held, params)
        assert terms(side, held, replace(params, **dict.fromkeys(SWITCHES, False))) == ()
        for switch, own in names.items():
            without = terms(side, held, replace(params, **{switch: False}))
            assert without == tuple(term for term in found if term[0] not in own)


@given(PARAMS, st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.sampled_from([1, -1]))
def test_e4_e6_pressure_and_sizes_are_monotone(params: SkewParams, one: float, other: float, sign: int) -> None:
    """More of a position, more pressure and a smaller adding order, within their bounds."""
    less, more = sorted((one, other))
    assert 0.0 <= pressure_bps(sign * less, params) <= pressure_bps(sign * more, params) + SMALL
    sizes = adding_size_frac(sign * less, params), adding_size_frac(sign * more, params)
    assert 1.0 >= sizes[0] >= sizes[1] >= 0.0


@given(PARAMS, st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_e10_momentum_is_monotone_and_bounded(params: SkewParams, one: float, other: float) -> None:
    """The level rises with the drift and has its sign; the spacing never shrinks."""
    less, more = sorted((one, other))
    assert -1.0 <= momentum_level(less, params) <= momentum_level(more, params) <= 1.0
    assert momentum_level(more, params) * more >= 0.0
    assert 1.0 <= spacing_scale(more, params) <= 1.0 + params.momentum_spacing_frac


@given(PARAMS, SIGNALS, INVENTORY, st.floats(0.1, 20.0), st.floats(0.0, 15.0))
def test_t2_e17_a_clamped_quote_stays_within_its_bounds(
    params: SkewParams, signals: SkewInputs, inventory: float, base: float, beyond: float
) -> None:
    """A base inside the band never leaves it, nor comes nearer than allowed; base, terms and clamp add up."""
    far = base + beyond
    for side in Side:
        found = terms(side, replace(signals, inventory_frac=inventory), params)
        distance, clamp = clamped_distance(base, found, params, far)
        assert min(base, params.least_distance_bps) <= distance <= max(base, far - params.requote_room_bps) <= far
        assert abs(base + math.fsum(bps for _, bps in found) + clamp - distance) <= SMALL


@given(PARAMS, SIGNALS, INVENTORY, st.floats(0.5, 9.0), st.data())
def test_t1_a_fresh_quote_is_never_too_near_nor_too_far(
    params: SkewParams, signals: SkewInputs, inventory: float, base: float, data: st.DataObject
) -> None:
    """With any cancel distance below and any rebalance distance above the base."""
    params = replace(params, least_distance_bps=max(0.1, params.least_distance_bps), requote_room_bps=0.5)
    cancel = base * data.draw(st.floats(0.0, 0.99))
    far = 9.5
    rebalance = base + (far - base) * data.draw(st.floats(0.01, 1.0))
    for side in Side:
        found = terms(side, replace(signals, inventory_frac=inventory), params)
        distance, _ = clamped_distance(base, found, params, far)
        assert too_near_bps(cancel, distance, base) < distance < too_far_bps(rebalance, distance, base, far) <= far


HOLES = st.sampled_from([False] * 9 + [True])
STEPS = st.lists(st.tuples(st.integers(1, 1200), st.integers(-60, 60), HOLES), max_size=60)
QUIET = st.lists(st.tuples(st.integers(50, 500), st.integers(-4, 4), st.just(False)), max_size=40)
PATHS = st.lists(STEPS | QUIET, min_size=1, max_size=4).map(lambda parts: [step for part in parts for step in part])
"""Steps of a mid: (milliseconds since the last one, ticks of 0.1 bps, whether a hole came before)."""
LIMITS = st.builds(
    VolatilityParams, volatility_on=st.just(True), sigma_on=st.booleans(), volatility_window_s=st.floats(2.0, 6.0),
    volatility_pause_bps=st.floats(1.0, 10.0), volatility_resume_frac=st.floats(0.1, 0.9),
    volatility_calm_s=st.floats(0.3, 2.0),
)  # fmt: skip


def mids_of(path: list[tuple[int, int, bool]]) -> list[tuple[int, float, bool]]:
    """(ns, mid, is after a hole) of every step; a hole adds four seconds."""
    now_ns, mid, found = 0, 100_000.0, []
    for wait_ms, ticks, is_hole in path:
        now_ns += (wait_ms + 4000 * is_hole) * MS
        mid *= 1.0 + ticks * 1e-5
        found.append((now_ns, mid, is_hole))
    return found


def spread_bps(mids: list[float]) -> float:
    return (max(mids) / min(mids) - 1.0) * 1e4


@given(LIMITS, PATHS)
def test_k1_k2_pause_and_range_equal_the_rule_on_the_whole_path(
    params: VolatilityParams, path: list[tuple[int, int, bool]]
) -> None:
    """The queues against a plain list of everything since the window began."""
    window_ns, calm_ns = int(params.volatility_window_s * 1e9), int(params.volatility_calm_s * 1e9)
    state, kept, paused_ns = NOTHING_SEEN, [], None
    for now_ns, mid, is_hole in mids_of(path):
        state = after_mid(state, now_ns, mid, is_hole, params)
        if is_hole:
            kept, paused_ns = [], None if paused_ns is None else now_ns
        kept = [(ns, each) for ns, each in kept if ns >= now_ns - window_ns] + [(now_ns, mid)]
        calm = [(ns, each) for ns, each in kept if ns >= now_ns - calm_ns]
        if paused_ns is None:
            if spread_bps([each for _, each in kept]) > params.volatility_pause_bps:
                paused_ns = now_ns
        elif (now_ns - paused_ns >= calm_ns and spread_bps([each for _, each in calm])
              <= params.volatility_resume_frac * params.volatility_pause_bps):
            kept, paused_ns = calm, None
        assert state.paused_ns == paused_ns
        assert range_bps(state) == spread_bps([each for _, each in kept])
        assert len(state.high_ns) <= len(kept) and len(state.low_ns) <= len(kept)


@given(LIMITS, PATHS)
def test_k2_a_pause_never_flaps(params: VolatilityParams, path: list[tuple[int, int, bool]]) -> None:
    """It lasts its calm seconds, and another takes movement after it: what calm leaves of the limit, and more."""
    state, since_end = NOTHING_SEEN, []
    calm_bps = params.volatility_resume_frac * params.volatility_pause_bps
    for now_ns, mid, is_hole in mids_of(path):
        before = state
        state = after_mid(state, now_ns, mid, is_hole, params)
        if since_end:
            since_end.append(mid)
        if state.is_paused and not before.is_paused and since_end:
            most = (1.0 + spread_bps(since_end) / 1e4) * (1.0 + calm_bps / 1e4)
            assert most >= 1.0 + params.volatility_pause_bps / 1e4 - 1e-12
        if before.paused_ns is not None and not state.is_paused:
            assert now_ns - before.paused_ns >= int(params.volatility_calm_s * 1e9)
            since_end = [mid]


@given(LIMITS, PATHS)
def test_k1_every_pause_ends_by_itself(params: VolatilityParams, path: list[tuple[int, int, bool]]) -> None:
    """A mid that stands still ends it once the calm seconds are over, and it stays ended."""
    state = NOTHING_SEEN
    found = mids_of(path) or [(0, 100_000.0, False)]
    for now_ns, mid, is_hole in found:
        state = after_mid(state, now_ns, mid, is_hole, params)
    now_ns, mid, _ = found[-1]
    flags = []
    for _ in range(30):
        now_ns += 250 * MS
        state = after_mid(state, now_ns, mid, False, params)
        flags.append(state.is_paused)
    calm_beats = math.ceil(params.volatility_calm_s / 0.25) + 1
    assert not any(flags[calm_beats + 1:])


@given(LIMITS, PATHS)
def test_e9_widening_is_monotone_in_the_range_and_bounded(
    params: VolatilityParams, path: list[tuple[int, int, bool]]
) -> None:
    """Whoever moved more stands farther, from 0 to the most."""
    state, seen = NOTHING_SEEN, []
    for now_ns, mid, is_hole in mids_of(path):
        state = after_mid(state, now_ns, mid, is_hole, params)
        seen.append((range_bps(state), widening_bps(state, params)))
    seen.sort()
    assert [wider for _, wider in seen] == sorted(wider for _, wider in seen)
    assert all(0.0 <= wider <= params.volatility_widen_bps for _, wider in seen)


@given(PATHS, st.floats(1.0, 8.0), st.sampled_from([0.0, 100.0, 250.0, 400.0]))
def test_e22_sigma_equals_numpy_on_the_same_window(
    path: list[tuple[int, int, bool]], window_s: float, sample_ms: float
) -> None:
    """First mid of every step since the window or the hole, whichever is later."""
    params = VolatilityParams(sigma_on=True, sigma_window_s=window_s, sigma_sample_ms=sample_ms)
    state, samples = NOTHING_SEEN, []
    for now_ns, mid, is_hole in mids_of(path):
        state = after_mid(state, now_ns, mid, is_hole, params)
        step = int(sample_ms * MS)
        if is_hole:
            samples = []
        if not samples or step == 0 or now_ns // step > samples[-1][0] // step:
            samples = [each for each in samples if each[0] >= now_ns - int(window_s * 1e9)] + [(now_ns, mid)]
        sigma = sigma_bps(state)
        if len(samples) < 3:
            assert sigma is None
        else:
            expected = float(np.std(np.diff(np.log([each for _, each in samples])))) * 1e4
            assert sigma is not None and math.isclose(sigma, expected, rel_tol=1e-9, abs_tol=1e-10)


@given(amount(20.0), amount(20.0))
def test_g25_tolerance_is_monotone_and_bounded(one: float, other: float) -> None:
    """More sigma, more tolerance, from 1 to the most."""
    params = VolatilityParams(sigma_on=True, tolerance_on=True)
    less, more = sorted((one, other))
    assert 1.0 <= tolerance_scale(less, params) <= tolerance_scale(more, params) <= params.tolerance_most_scale


@given(PATHS)
def test_e10_drift_is_bounded_and_lies_between_the_mids(path: list[tuple[int, int, bool]]) -> None:
    """The average stays within the mids since the last hole, so the drift has the sign of the last mid against it."""
    state, since = MomentumState(), []
    for now_ns, mid, is_hole in mids_of(path):
        state = drift_after_mid(state, now_ns, mid, is_hole, DriftParams())
        since = [mid] if is_hole else [*since, mid]
        assert min(since) * (1 - 1e-12) <= state.average_mid <= max(since) * (1 + 1e-12)
        assert state.drift_frac is not None and abs(state.drift_frac) <= MOST_DRIFT_FRAC
        assert state.drift_frac * (mid - state.average_mid) >= 0.0


SIZES = st.none() | st.floats(0.0, 1e9, allow_subnormal=False)


@given(st.floats(1.0, 1e6), st.floats(0.0, 0.1), SIZES, SIZES)
def test_e11_microprice_lies_in_the_spread_on_the_side_of_the_imbalance(
    bid: float, width: float, bid_size: float | None, ask_size: float | None
) -> None:
    """Both are missing together; more on the bid moves the price to the ask; swapped sizes mirror it."""
    ask = bid * (1.0 + width)
    share, price = imbalance_frac(bid_size, ask_size), microprice(bid, ask, bid_size, ask_size)
    assert (share is None) == (price is None)
    if share is not None and price is not None:
        swapped = microprice(bid, ask, ask_size, bid_size)
        assert swapped is not None
        assert -1.0 <= share <= 1.0 and bid <= price <= ask
        assert (price - (bid + ask) / 2) * share >= -SMALL * ask
        assert math.isclose(price + swapped, bid + ask, rel_tol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from(list(Side)), st.floats(1e-6, 1e7)), min_size=1))
def test_e23_flow_is_bounded_and_one_more_trade_moves_it_its_own_way(trades: list[tuple[int, Side, float]]) -> None:
    """Within -1 and 1 at every moment; a buy never lowers it, a sale never raises it."""
    state, now_ns = FlowState(), 0
    for wait_ms, side, notional in trades:
        now_ns += wait_ms * MS
        before = flow_frac(state, now_ns, DriftParams()) or 0.0
        state = after_trade(state, now_ns, side, notional, DriftParams())
        after = flow_frac(state, now_ns, DriftParams())
        assert after is not None and -1.0 <= after <= 1.0
        assert (after - before) * side.sign >= -SMALL
