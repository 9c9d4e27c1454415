"""Range, pause, widening and sigma of the mid, worked by hand: 100,000 is the base, so one bps is 10.00."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.volatility import (
    NOTHING_SEEN,
    VolatilityParams,
    VolatilityState,
    after_mid,
    range_bps,
    sigma_bps,
    tolerance_scale,
    widening_bps,
)

MS = 1_000_000
START = 1_000_000 * MS
ON = VolatilityParams(volatility_on=True)
SIGMA = VolatilityParams(sigma_on=True)


def seen(
    *mids: tuple[int, float], params: VolatilityParams = ON, state: VolatilityState = NOTHING_SEEN, gap_at: int = -1
) -> VolatilityState:
    """State after (milliseconds, bps above 100,000) of each mid; the one at ``gap_at`` ms comes after a hole."""
    for at_ms, bps in mids:
        state = after_mid(state, START + at_ms * MS, 100_000.0 + 10.0 * bps, at_ms == gap_at, params)
    return state


def held(state: VolatilityState, from_ms: int, to_ms: int, bps: float, params: VolatilityParams = ON) -> list[bool]:
    """Whether each beat of 250 ms was paused while the mid stood still."""
    flags = []
    for at_ms in range(from_ms, to_ms + 1, 250):
        state = seen((at_ms, bps), params=params, state=state)
        flags.append(state.is_paused)
    return flags


def test_range_is_of_the_last_five_seconds() -> None:
    """The edge of the window still counts, a millisecond later it does not."""
    mids = ((0, 0.0), (1000, 5.0), (4000, 3.0), (5000, 4.0))
    assert range_bps(seen(*mids)) == pytest.approx(5.0)
    assert range_bps(seen(*mids, (5001, 4.0))) == pytest.approx(2.0, abs=1e-2)
    assert range_bps(seen(*mids, (6001, 4.0))) == pytest.approx(1.0, abs=1e-2)
    assert range_bps(NOTHING_SEEN) is None


def test_an_extreme_older_than_the_window_is_gone_after_a_long_silence() -> None:
    """Nothing was handed in for eleven seconds: only the newest mid is left."""
    assert range_bps(seen((0, 0.0), (1000, 5.0), (12_000, 20.0))) == 0.0


def test_k1_pause_begins_above_the_limit_only() -> None:
    """6 bps in five seconds is allowed, a tick more is not, in either direction."""
    assert not seen((0, 0.0), (1000, 6.0)).is_paused
    assert seen((0, 0.0), (1000, 6.001)).is_paused
    assert seen((0, 0.0), (1000, -6.001)).is_paused
    assert not seen((0, 0.0), (5001, 6.001)).is_paused


def test_exactly_the_limit_is_allowed_and_exactly_calm_is_calm() -> None:
    """On mids whose ranges floats hold exactly: 1.5 over 1 is 5,000 bps, 1.25 over 1 is 2,500."""
    params = replace(ON, volatility_pause_bps=5000.0)

    def on(*mids: tuple[int, float]) -> bool:
        state = NOTHING_SEEN
        for at_ms, mid in mids:
            state = after_mid(state, START + at_ms * MS, mid, False, params)
        return state.is_paused

    assert not on((0, 1.0), (250, 1.5))
    swing = ((0, 0.5), (250, 1.0), (1000, 1.25))
    assert on(*swing)
    assert not on(*swing, (2250, 1.0))


def test_a_price_that_stands_takes_no_room() -> None:
    """An hour of one mid leaves one entry in each queue."""
    state = seen(*[(at_ms, 1.0) for at_ms in range(0, 3_600_000, 1000)])
    assert (len(state.high_ns), len(state.low_ns)) == (1, 1)


def test_k1_pause_ends_by_itself_once_two_seconds_were_calm() -> None:
    """A jump of 8 bps at 1,000 ms: the beats up to 2,999 ms are paused, 3,000 ms is not, long before it left 5 s."""
    jumped = seen((0, 0.0), (1000, 8.0))
    assert jumped.paused_ns == START + 1000 * MS
    flags = held(jumped, 1250, 4000, 8.0)
    assert flags == [True] * 7 + [False] * 5


def test_a_pause_goes_on_while_the_last_two_seconds_are_not_calm() -> None:
    """3 bps in two seconds is calm, more is not; the swing counts from its last extreme."""
    jumped = seen((0, 0.0), (1000, 8.0), (2000, 11.1))
    assert seen((3000, 8.05), state=jumped).is_paused
    assert not seen((3500, 8.2), (4001, 8.2), state=jumped).is_paused
    assert seen((3500, 8.0), (4000, 8.0), state=jumped).is_paused


def test_k2_a_pause_of_a_slow_move_lasts_its_calm_seconds_too() -> None:
    """The limit is passed by a tick after two quiet seconds: it does not end with the next beat."""
    slow = seen((0, 0.0), (1000, 5.9), (2000, 5.9), (3000, 5.9), (4000, 6.1))
    assert slow.is_paused
    assert held(slow, 4250, 6250, 6.1) == [True] * 7 + [False] * 2


def test_k2_the_move_that_began_a_pause_cannot_begin_another() -> None:
    """Resumed at 3,000 ms with the jump still inside five seconds: only movement after it counts."""
    state = seen((0, 0.0), (1000, 8.0), (2000, 8.0), (3000, 8.0))
    assert not state.is_paused
    assert range_bps(state) == 0.0
    assert not seen((3250, 13.9), state=state).is_paused
    assert seen((3250, 14.1), state=state).is_paused


def test_e22_a_hole_is_not_volatility() -> None:
    """The same jump pauses without a hole, and neither pauses nor widens nor makes a sigma after one."""
    both = replace(ON, sigma_on=True)
    before = [(ms, 0.0) for ms in range(0, 2000, 250)]
    through, after = (seen(*before, (2000, 30.0), (2250, 30.0), (2500, 30.0), params=both, gap_at=gap)
                      for gap in (-1, 2000))
    assert through.is_paused and sigma_bps(through) > 1.0  # type: ignore[operator]
    assert not after.is_paused and widening_bps(after, both) == 0.0
    assert range_bps(after) == 0.0 and sigma_bps(after) == 0.0


def test_a_pause_outlives_a_hole_until_calm_was_seen() -> None:
    """What happened in the hole is not known: two calm seconds after it are asked for, counted from its end."""
    jumped = seen((0, 0.0), (1000, 8.0))
    after = seen((9000, 8.0), state=jumped, gap_at=9000)
    assert after.is_paused and range_bps(after) == 0.0
    assert held(after, 9250, 11_000, 8.0) == [True] * 7 + [False]


@pytest.mark.parametrize(("moved_bps", "widening"), [
    (0.0, 0.0), (3.0, 0.0), (4.2, 0.0), (4.65, 0.375), (5.1, 0.75), (5.55, 1.125), (6.0, 1.5), (9.0, 1.5),
])
def test_e9_widening_is_linear_from_70_percent_of_the_limit(moved_bps: float, widening: float) -> None:
    """1.5 bps at the limit of 6, none up to 4.2, and never more."""
    state = seen((0, 0.0), (250, moved_bps))
    assert widening_bps(state, ON) == pytest.approx(widening, abs=1e-9)
    assert widening_bps(state, replace(ON, volatility_on=False)) == 0.0


@pytest.mark.parametrize("mid", [0.0, -1.0, math.nan, math.inf, -math.inf])
def test_a_mid_that_is_no_price_teaches_nothing(mid: float) -> None:
    """Neither the range nor the samples, nor a hole flagged with it."""
    both = replace(ON, sigma_on=True)
    state = seen((0, 0.0), (250, 1.0), params=both)
    for is_after_gap in (False, True):
        assert after_mid(state, START + 500 * MS, mid, is_after_gap, both) is state


def test_a_mid_older_than_the_last_teaches_nothing() -> None:
    """Frames out of order cannot put the queues out of order."""
    both = replace(ON, sigma_on=True)
    state = seen((0, 0.0), (1000, 1.0), params=both)
    assert seen((999, 9.0), state=state, params=both) is state
    again = seen((1000, 2.0), state=state)
    assert again.high_mids == (100_020.0,)


def test_n16_off_keeps_no_state_and_forgets_a_pause() -> None:
    """Switched off while running, nothing of it is left."""
    paused = seen((0, 0.0), (1000, 8.0))
    assert after_mid(paused, START + 2000 * MS, 100_000.0, False, VolatilityParams()) == VolatilityState()
    only_sigma = seen((2000, 0.0), state=paused, params=SIGMA)
    assert not only_sigma.is_paused and range_bps(only_sigma) is None and len(only_sigma.sample_mids) == 1


def test_e22_sigma_equals_numpy_on_the_window_that_is_configured() -> None:
    """Every mid of the last two seconds, none of before, as log returns."""
    params = replace(SIGMA, sigma_window_s=2.0, sigma_sample_ms=0.0)
    mids = [100_000.0 + 7.0 * math.sin(0.9 * step) for step in range(30)]
    state = NOTHING_SEEN
    for step, mid in enumerate(mids):
        state = after_mid(state, START + step * 250 * MS, mid, False, params)
    window = mids[-9:]
    assert state.sample_mids == tuple(window)
    assert sigma_bps(state) == pytest.approx(float(np.std(np.diff(np.log(window)))) * 1e4, rel=1e-9)


def test_sigma_needs_two_returns() -> None:
    """With fewer it is missing, not 0."""
    assert sigma_bps(NOTHING_SEEN) is None
    assert sigma_bps(seen((0, 0.0), (250, 1.0), params=SIGMA)) is None
    assert sigma_bps(seen((0, 0.0), (250, 1.0), (500, 2.0), params=SIGMA)) == pytest.approx(0.0, abs=1e-3)
    assert sigma_bps(seen((0, 0.0), (250, 1.0), (500, 0.0), params=SIGMA)) == pytest.approx(1.0, abs=1e-3)


def test_samples_are_at_most_one_a_step_and_do_not_drift() -> None:
    """Wake-ups in between add none; frames that come a little early still count, each in its own step."""
    quick = seen(*[(ms, ms / 1000) for ms in range(0, 1000, 10)], params=SIGMA)
    assert [(ns - START) // MS for ns in quick.sample_ns] == [0, 250, 500, 750]
    jittered = seen((10, 0.0), (255, 0.0), (501, 0.0), (999, 0.0), (1000, 0.0), params=SIGMA)
    assert len(jittered.sample_ns) == 5


@pytest.mark.parametrize(("sigma", "scale"), [
    (None, 1.0), (0.0, 1.0), (0.3, 1.0), (0.9, 1.5), (1.5, 2.0), (50.0, 2.0), (math.inf, 2.0),
])
def test_g25_tolerance_widens_with_sigma_within_bounds(sigma: float | None, scale: float) -> None:
    """As configured up to 0.3 bps a step, doubled from 1.5 on; off or unknown changes nothing."""
    params = VolatilityParams(sigma_on=True, tolerance_on=True)
    assert tolerance_scale(sigma, params) == pytest.approx(scale)
    assert tolerance_scale(sigma, VolatilityParams()) == 1.0


def test_state_goes_through_json_unchanged() -> None:
    """It stands in the event log, where every decision can be run again."""
    state = seen((0, 0.0), (250, 5.0), (500, 1.0), (750, 8.0), params=replace(ON, sigma_on=True))
    assert state.is_paused and len(state.low_ns) == 3
    assert from_plain(VolatilityState, to_plain(state)) == state


def test_defaults_are_off_and_break_no_rule() -> None:
    """Also with everything on."""
    assert not (VolatilityParams().volatility_on or VolatilityParams().sigma_on or VolatilityParams().tolerance_on)
    assert VolatilityParams().problems() == []
    assert VolatilityParams(volatility_on=True, sigma_on=True, tolerance_on=True).problems() == []


@pytest.mark.parametrize(("changes", "field"), [
    ({"volatility_window_s": 0.0}, "volatility_window_s"),
    ({"volatility_window_s": math.nan}, "volatility_window_s"),
    ({"volatility_pause_bps": 0.0}, "volatility_pause_bps"),
    ({"volatility_pause_bps": math.inf}, "volatility_pause_bps"),
    ({"volatility_resume_frac": 0.0}, "volatility_resume_frac"),
    ({"volatility_resume_frac": 1.0}, "volatility_resume_frac"),
    ({"volatility_calm_s": 0.0}, "volatility_calm_s"),
    ({"volatility_calm_s": 5.1}, "volatility_calm_s"),
    ({"volatility_widen_from_frac": 1.0}, "volatility_widen_from_frac"),
    ({"volatility_widen_bps": -0.1}, "volatility_widen_bps"),
    ({"sigma_window_s": 601.0}, "sigma_window_s"),
    ({"sigma_sample_ms": 2501.0}, "sigma_sample_ms"),
    ({"sigma_sample_ms": -1.0}, "sigma_sample_ms"),
    ({"tolerance_on": True}, "tolerance_on"),
    ({"tolerance_from_bps": 1.5}, "tolerance_from_bps"),
    ({"tolerance_most_scale": 0.9}, "tolerance_most_scale"),
])
def test_a_broken_rule_names_its_field_and_a_fix(changes: dict[str, object], field: str) -> None:
    """Each with what to do; a window of no length cannot hold the calm seconds either."""
    problems = dict(replace(VolatilityParams(), **changes).problems())  # type: ignore[arg-type]
    assert next(iter(problems)) == field
    assert any(word in problems[field] for word in ("Set", "Lower", "Raise"))
