"""How long things take on the way: frames to us, orders and cancels to the venue.

A model is a value and a delay a function of the moment: no draw depends on which delays were asked for before, so that
slicing time, or asking twice, changes nothing. Times and delays are nanoseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import exp, isfinite, log
from typing import Protocol

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]
NS_PER_MS = 1_000_000
_MASK = 2**64 - 1


class LatencyModel(Protocol):
    """One way of one kind of message."""

    def delay_ns(self, at_ns: int, number: int = 0) -> int:
        """Delay of what sets out at ``at_ns``; ``number`` tells apart what sets out at one instant. Never negative."""


@dataclass(frozen=True, slots=True)
class ConstantLatency:
    """Always the same."""

    constant_ns: int

    def __post_init__(self) -> None:
        if self.constant_ns < 0:
            raise ValueError(f"a delay must not be negative, got {self.constant_ns} ns")

    def delay_ns(self, at_ns: int, number: int = 0) -> int:
        return self.constant_ns


@dataclass(frozen=True, slots=True)
class SampledLatency:
    """Drawn from quantiles, by seed and moment.

    ``quantiles_ms`` holds (probability, milliseconds) from probability 0 to 1, both rising; between two of them the
    logarithm of the delay is linear. Delays of one stream are alike from message to message: within each ``hold_ns``
    one draw holds for all, 0 draws anew each time.
    """

    quantiles_ms: tuple[tuple[float, float], ...]
    seed: int
    hold_ns: int = 0

    def __post_init__(self) -> None:
        points = self.quantiles_ms
        if len(points) < 2 or points[0][0] != 0.0 or points[-1][0] != 1.0:
            raise ValueError("quantiles must begin at probability 0 and end at 1")
        if not all(isfinite(ms) and ms > 0 for _, ms in points):
            raise ValueError("delays of quantiles must be positive and finite")
        if any(b[0] <= a[0] or b[1] < a[1] for a, b in pairwise(points)):
            raise ValueError("quantiles must rise in probability and not fall in delay")
        if self.hold_ns < 0:
            raise ValueError(f"hold_ns must not be negative, got {self.hold_ns}")

    def delay_ns(self, at_ns: int, number: int = 0) -> int:
        moment = (at_ns // self.hold_ns, 0) if self.hold_ns else (at_ns, number)
        return self.quantile_ns(_uniform(self.seed, *moment))

    def quantile_ns(self, probability: float) -> int:
        """Delay that this share of all stays below."""
        points = self.quantiles_ms
        upper = min(bisect_right(points, probability, key=lambda point: point[0]), len(points) - 1)
        (p0, low), (p1, high) = points[upper - 1], points[upper]
        share = (probability - p0) / (p1 - p0)
        return round(exp(log(low) + share * (log(high) - log(low))) * NS_PER_MS)


@dataclass(frozen=True, slots=True, eq=False)
class RecordedLatency:
    """What a recording saw: the delay of its last message that set out by then, the first one's before that."""

    sent_ns: Int64Array
    delays_ns: Int64Array

    def __post_init__(self) -> None:
        if not len(self.sent_ns) or len(self.sent_ns) != len(self.delays_ns):
            raise ValueError(f"{len(self.sent_ns)} times and {len(self.delays_ns)} delays; at least one of each")
        if np.any(np.diff(self.sent_ns) < 0) or self.delays_ns.min() < 0:
            raise ValueError("recorded times must be sorted and delays not negative")

    def delay_ns(self, at_ns: int, number: int = 0) -> int:
        at = int(np.searchsorted(self.sent_ns, at_ns, side="right")) - 1
        return int(self.delays_ns[max(at, 0)])


@dataclass(frozen=True, slots=True)
class Delays:
    """The three ways of a trader: frames to us, orders and cancels to the venue."""

    feed: LatencyModel
    order: LatencyModel
    cancel: LatencyModel


BAR_DELAYS = Delays(*(ConstantLatency(400 * NS_PER_MS) for _ in range(3)))
"""What figures are compared under, instead of a tape's own delays."""

RECORDED_QUANTILES_MS = ((0.0, 190.0), (0.5, 384.0), (0.9, 573.0), (0.99, 1540.0), (1.0, 12_900.0))
"""Received minus venue time over 73 recorded hours of StandX; the lower end is the first percentile of five of them."""
STREAM_QUANTILES_MS = ((0.0, 190.0), (0.5, 381.0), (0.9, 440.0), (0.99, 1370.0), (1.0, 2_500.0))
"""Draws held for one second which, after each message has waited for the one before, leave the recorded p50 to p99.

Fitted; the recording's longest delay is not among them, because what follows a stall waits too.
"""
STREAM_HOLD_NS = 1_000_000_000


def recorded_like(seed: int) -> SampledLatency:
    """Delays with the recording's quantiles, each drawn anew: for single messages such as orders and cancels."""
    return SampledLatency(RECORDED_QUANTILES_MS, seed)


def recorded_stream_like(seed: int) -> SampledLatency:
    """Delays for ``arrivals_ns`` of a stream, which then arrives with the recording's median, p90 and p99."""
    return SampledLatency(STREAM_QUANTILES_MS, seed, STREAM_HOLD_NS)


def arrivals_ns(sent_ns: Int64Array, model: LatencyModel) -> Int64Array:
    """When each message of one stream arrives: late by its delay, and never before the one that set out earlier."""
    delays = [model.delay_ns(at_ns, number) for number, at_ns in enumerate(sent_ns.tolist())]
    return np.asarray(np.maximum.accumulate(sent_ns + np.array(delays, np.int64)), dtype=np.int64)


def _uniform(*words: int) -> float:
    """A number in [0, 1) that looks random and depends on the words alone (splitmix64 over each in turn)."""
    state = 0
    for word in words:
        state = (state + word + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return (state >> 11) * 2.0**-53
