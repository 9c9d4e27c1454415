"""How much the mid moves: its range, which pauses and widens quotes, and its sigma, which scales tolerances.

Exact, not sampled: highest and lowest mid of the window are kept as monotonic queues, in which every entry is the
extreme of all that came after it. Their first entry is the extreme of the window, and the first entry of a shorter
span is the extreme of that span. Only mids that were handed in count, so hand in one with every decision.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from operator import truediv

from hummingbot_extensions.core.frozen import quick
from hummingbot_extensions.core.spec import param


@dataclass(frozen=True, slots=True)
class VolatilityParams:
    """Limits on the range of the mid, in bps of its lowest value over ``volatility_window_s``. Off by default.

    ``volatility_on`` switches pause and widening, ``sigma_on`` the samples that ``sigma_bps`` needs, ``tolerance_on``
    the scale of the re-quote tolerance. ``problems`` lists every rule that is broken.
    """

    volatility_on: bool = param(
        False, "Pause both sides while the mid moves much, and widen before: on or off.", "volatility"
    )
    volatility_window_s: float = param(
        5.0, "The range of the mid, highest over lowest, is taken over this time, seconds.", "volatility", gt=0, le=600
    )
    volatility_pause_bps: float = param(
        6.0, "Range above which both sides are pulled, bps.", "volatility", gt=0, le=10_000
    )
    volatility_resume_frac: float = param(
        0.5,
        "Fraction of volatility_pause_bps that the range over volatility_calm_s may have when the pause ends.",
        "volatility",
        gt=0,
        lt=1,
    )
    volatility_calm_s: float = param(
        2.0, "The pause ends by the range over this time, seconds.", "volatility", gt=0, le=600
    )
    volatility_widen_from_frac: float = param(
        0.7, "Fraction of volatility_pause_bps from which new quotes stand farther.", "volatility", ge=0, lt=1
    )
    volatility_widen_bps: float = param(
        1.5, "How much farther new quotes stand right under the pause, bps.", "volatility", ge=0, le=500
    )
    sigma_on: bool = param(
        False, "Measure sigma, which mode adaptive and avellaneda, shift and tolerance use: on or off.", "volatility"
    )
    sigma_window_s: float = param(5.0, "Sigma is taken over this time, seconds.", "volatility", gt=0, le=600)
    sigma_sample_ms: float = param(
        250.0,
        "Sigma is that of steps of this length, ms; 0 takes every mid as a step.",
        "volatility",
        ge=0,
        le=60_000,
    )
    tolerance_on: bool = param(
        False, "The re-quote tolerance grows with sigma: on or off; needs sigma_on.", "volatility"
    )
    tolerance_from_bps: float = param(
        0.3, "Sigma up to which the tolerance is as configured, bps.", "volatility", ge=0, le=500
    )
    tolerance_full_bps: float = param(
        1.5, "Sigma from which the tolerance is at its widest, bps.", "volatility", gt=0, le=500
    )
    tolerance_most_scale: float = param(
        2.0, "Widest tolerance, as a factor of the configured one.", "volatility", ge=1, le=10
    )

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule; empty when all hold."""
        rules = (
            (
                0 < self.volatility_window_s <= 600,
                "volatility_window_s",
                f"{self.volatility_window_s:g} is not between 0 and 600 seconds. Set it to 5",
            ),
            (
                0 < self.volatility_pause_bps < math.inf,
                "volatility_pause_bps",
                f"{self.volatility_pause_bps:g} is no limit above 0. Set it to 6, or turn the pause off",
            ),
            (
                0 < self.volatility_resume_frac < 1,
                "volatility_resume_frac",
                f"{self.volatility_resume_frac:g} is not between 0 and 1, so the pause would never end, or end where "
                "it begins. Set it to 0.5",
            ),
            (
                0 < self.volatility_calm_s <= self.volatility_window_s,
                "volatility_calm_s",
                f"{self.volatility_calm_s:g} is not above 0 and at most volatility_window_s "
                f"{self.volatility_window_s:g}. Lower it",
            ),
            (
                0 <= self.volatility_widen_from_frac < 1,
                "volatility_widen_from_frac",
                f"{self.volatility_widen_from_frac:g} is not below 1, where the pause begins. Lower it",
            ),
            (
                0 <= self.volatility_widen_bps < math.inf,
                "volatility_widen_bps",
                f"{self.volatility_widen_bps:g} is not 0 or more; quotes never come nearer for volatility. Raise it",
            ),
            (
                0 < self.sigma_window_s <= 600,
                "sigma_window_s",
                f"{self.sigma_window_s:g} is not between 0 and 600 seconds. Set it to 5",
            ),
            (
                0 <= self.sigma_sample_ms * 2 <= self.sigma_window_s * 1e3,
                "sigma_sample_ms",
                f"{self.sigma_sample_ms:g} leaves fewer than two steps in sigma_window_s {self.sigma_window_s:g}. "
                "Lower it",
            ),
            (
                self.sigma_on or not self.tolerance_on,
                "tolerance_on",
                "the tolerance follows sigma, which is off. Set sigma_on, or turn the tolerance off",
            ),
            (
                0 <= self.tolerance_from_bps < self.tolerance_full_bps < math.inf,
                "tolerance_from_bps",
                f"{self.tolerance_from_bps:g} is not below tolerance_full_bps {self.tolerance_full_bps:g}. Lower it",
            ),
            (
                1 <= self.tolerance_most_scale <= 10,
                "tolerance_most_scale",
                f"{self.tolerance_most_scale:g} is not between 1 and 10. Set it to 2",
            ),
        )
        return [(field, text) for holds, field, text in rules if not holds]


@quick
@dataclass(frozen=True, slots=True)
class VolatilityState:
    """Extremes and samples of the windows, oldest first; stamps are monotonic nanoseconds.

    Highs fall and lows rise from the first entry to the last, which is the newest mid in both.
    """

    high_ns: tuple[int, ...] = ()
    high_mids: tuple[float, ...] = ()
    low_ns: tuple[int, ...] = ()
    low_mids: tuple[float, ...] = ()
    sample_ns: tuple[int, ...] = ()
    sample_mids: tuple[float, ...] = ()
    paused_ns: int | None = None
    """Since when the pause lasts without a hole in the feed; None while there is none."""

    @property
    def is_paused(self) -> bool:
        return self.paused_ns is not None


NOTHING_SEEN = VolatilityState()


def after_mid(
    state: VolatilityState, now_ns: int, mid: float, is_after_gap: bool, params: VolatilityParams
) -> VolatilityState:
    """State after one more mid; ``is_after_gap`` says that no book was seen for too long before it.

    A hole starts both windows anew: what the price did meanwhile is not volatility. A pause outlives the hole and ends
    like any other. A pause begins with a range above the limit. It ends once the mid ranged over no more than
    ``volatility_resume_frac`` of the limit in the last ``volatility_calm_s`` of it; the window then starts with those
    seconds, so that the move which began the pause cannot begin another. A mid that is not a positive number, or older
    than the last one, teaches nothing.
    """
    if not params.volatility_on and not params.sigma_on:
        return NOTHING_SEEN
    if not 0.0 < mid < math.inf:
        return state
    sample_ns, sample_mids = state.sample_ns, state.sample_mids
    if not params.sigma_on:
        sample_ns, sample_mids = (), ()
    elif is_after_gap:
        sample_ns, sample_mids = (now_ns,), (mid,)
    elif _is_due(sample_ns, now_ns, params):
        first = bisect_left(sample_ns, now_ns - int(params.sigma_window_s * 1e9))
        sample_ns, sample_mids = sample_ns[first:] + (now_ns,), sample_mids[first:] + (mid,)
    if not params.volatility_on:
        return VolatilityState(sample_ns=sample_ns, sample_mids=sample_mids)
    high_ns, high_mids, low_ns, low_mids = state.high_ns, state.high_mids, state.low_ns, state.low_mids
    paused_ns = state.paused_ns
    if is_after_gap or not high_ns:
        paused_ns = now_ns if paused_ns is not None else None
        one_ns, one_mid = (now_ns,), (mid,)
        return VolatilityState(one_ns, one_mid, one_ns, one_mid, sample_ns, sample_mids, paused_ns)
    if now_ns < high_ns[-1]:
        return state

    start_ns = now_ns - int(params.volatility_window_s * 1e9)
    high_ns, high_mids = _pushed(high_ns, high_mids, start_ns, now_ns, mid, 1)
    low_ns, low_mids = _pushed(low_ns, low_mids, start_ns, now_ns, mid, -1)
    if paused_ns is None:
        if (high_mids[0] / low_mids[0] - 1.0) * 1e4 > params.volatility_pause_bps:
            paused_ns = now_ns
    else:
        calm_ns = now_ns - int(params.volatility_calm_s * 1e9)
        high, low = bisect_left(high_ns, calm_ns), bisect_left(low_ns, calm_ns)
        limit_bps = params.volatility_resume_frac * params.volatility_pause_bps
        if paused_ns <= calm_ns and (high_mids[high] / low_mids[low] - 1.0) * 1e4 <= limit_bps:
            paused_ns = None
            high_ns, high_mids, low_ns, low_mids = high_ns[high:], high_mids[high:], low_ns[low:], low_mids[low:]
    return VolatilityState(high_ns, high_mids, low_ns, low_mids, sample_ns, sample_mids, paused_ns)


def _pushed(
    stamps_ns: tuple[int, ...], mids: tuple[float, ...], start_ns: int, now_ns: int, mid: float, sign: int
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Queue of extremes (``sign`` 1 for highs, -1 for lows) since ``start_ns``, with one more mid at its end."""
    first, last = 0, len(stamps_ns)
    while first < last and stamps_ns[first] < start_ns:
        first += 1
    while last > first and (mid - mids[last - 1]) * sign >= 0.0:
        last -= 1
    return stamps_ns[first:last] + (now_ns,), mids[first:last] + (mid,)


def _is_due(sample_ns: tuple[int, ...], now_ns: int, params: VolatilityParams) -> bool:
    """Whether another sample belongs in: the first of its step, on a lattice that frames cannot drift away from."""
    if not sample_ns:
        return True
    step_ns = int(params.sigma_sample_ms * 1e6)
    return now_ns > sample_ns[-1] if step_ns == 0 else now_ns // step_ns > sample_ns[-1] // step_ns


def range_bps(state: VolatilityState) -> float | None:
    """Highest mid of the window over its lowest, less one, in bps; None before the first mid.

    >>> seen = after_mid(NOTHING_SEEN, 0, 100.0, False, VolatilityParams(volatility_on=True))
    >>> round(range_bps(after_mid(seen, 1, 100.05, False, VolatilityParams(volatility_on=True))), 6)
    5.0
    """
    if not state.high_mids:
        return None
    return (state.high_mids[0] / state.low_mids[0] - 1.0) * 1e4


def widening_bps(state: VolatilityState, params: VolatilityParams) -> float:
    """How much farther a new quote stands: 0 to a part of the pause limit, then linear to the limit, then flat."""
    moved_bps = range_bps(state)
    if not params.volatility_on or moved_bps is None:
        return 0.0
    from_bps = params.volatility_widen_from_frac * params.volatility_pause_bps
    return params.volatility_widen_bps * _ramp(moved_bps, from_bps, params.volatility_pause_bps)


def sigma_bps(state: VolatilityState) -> float | None:
    """Standard deviation of the log returns between the samples of the window, in bps of one step.

    Over all of them (numpy's default), not an estimate from some. None with fewer than two returns. Costs about 0.1 us
    a sample.
    """
    mids = state.sample_mids
    count = len(mids) - 1
    if count < 2:
        return None
    returns = list(map(math.log, map(truediv, mids[1:], mids)))
    mean = sum(returns) / count
    return math.sqrt(sum([(each - mean) ** 2 for each in returns]) / count) * 1e4


def tolerance_scale(sigma: float | None, params: VolatilityParams) -> float:
    """Factor on the re-quote tolerance, 1 to ``tolerance_most_scale``: the more volatile, the wider. 1 while off.

    ``sigma`` in bps as ``sigma_bps`` gives it; None counts as calm. The least distance of a quote is not the
    tolerance's to change.
    """
    if not params.tolerance_on or sigma is None:
        return 1.0
    share = _ramp(sigma, params.tolerance_from_bps, params.tolerance_full_bps)
    return 1.0 + (params.tolerance_most_scale - 1.0) * share


def _ramp(value: float, start: float, end: float) -> float:
    """0 up to ``start``, 1 from ``end`` on, linear between."""
    return min(1.0, max(0.0, (value - start) / (end - start)))
