"""The venue's clock as estimated from round trips, on our monotonic clock: a local clock that is set changes nothing.

Nothing here reads a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

WINDOW = 9
"""Round trips of which the median is taken."""
JUMP_NS = 500_000_000
"""A difference from the estimate that no drift explains, uncertainties apart."""
_TREND_LENGTH = 240


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One question for the time: ``venue_ns`` was stated somewhere between the two local stamps. Wall and monotonic
    nanoseconds.
    """

    sent_mono_ns: int
    received_mono_ns: int
    venue_ns: int
    wall_ns: int
    """Local wall clock at receipt."""

    @property
    def offset_ns(self) -> int:
        """Venue wall time minus our monotonic time, if both ways took equally long."""
        return self.venue_ns - (self.sent_mono_ns + self.received_mono_ns) // 2

    @property
    def uncertainty_ns(self) -> int:
        """Half the round trip: the offset cannot be wrong by more."""
        return (self.received_mono_ns - self.sent_mono_ns) // 2


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What is known of the venue's clock. ``local_offset_ms`` is venue minus local wall clock, positive when ours is
    slow.
    """

    local_offset_ms: float
    uncertainty_ms: float
    drift_ppm: float | None
    """Change of the venue's clock against our monotonic one; None until a minute has been seen."""
    jumps: int
    """How often the venue's clock has leapt."""


class VenueClock:
    """Median of the last round trips. Several in a row that agree on another time than the estimate are a jump."""

    def __init__(self) -> None:
        self._trips: deque[RoundTrip] = deque(maxlen=WINDOW)
        self._trend: deque[tuple[int, int]] = deque(maxlen=_TREND_LENGTH)
        self._offset_ns: int | None = None
        self.jumps = 0
        self.jumped_mono_ns: int | None = None
        """When the last jump was found."""

    @property
    def is_known(self) -> bool:
        return self._offset_ns is not None

    def venue_ns(self, mono_ns: int) -> int | None:
        """Venue wall time at a monotonic instant; None before the first round trip."""
        return None if self._offset_ns is None else mono_ns + self._offset_ns

    def note(self, trips: Sequence[RoundTrip]) -> int | None:
        """Take over round trips made in a row; how far the venue's clock has jumped in ns, None when it has not.

        A single deviating answer changes nothing: it takes two that agree with each other more than with the estimate.
        """
        if not trips:
            return None
        jump_ns = self._jump_ns(trips)
        if jump_ns is not None:
            self.jumps += 1
            self.jumped_mono_ns = trips[-1].received_mono_ns
            self._trips.clear()
            self._trend.clear()
        self._trips.extend(trip for trip in trips if jump_ns is not None or not self.deviates(trip))
        if self._trips:
            self._offset_ns = round(median(trip.offset_ns for trip in self._trips))
            self._trend.append((trips[-1].received_mono_ns, self._offset_ns))
        return jump_ns

    def deviates(self, trip: RoundTrip) -> bool:
        """Whether an answer is farther from the estimate than its uncertainty and drift allow."""
        if self._offset_ns is None:
            return False
        return abs(trip.offset_ns - self._offset_ns) > JUMP_NS + trip.uncertainty_ns

    def reading(self) -> ClockReading | None:
        """The estimate as of the last round trip; None before the first."""
        if not self._trips or self._offset_ns is None:
            return None
        last = self._trips[-1]
        return ClockReading(
            local_offset_ms=(last.received_mono_ns + self._offset_ns - last.wall_ns) / 1e6,
            uncertainty_ms=median(trip.uncertainty_ns for trip in self._trips) / 1e6,
            drift_ppm=self._drift_ppm(),
            jumps=self.jumps,
        )

    def _jump_ns(self, trips: Sequence[RoundTrip]) -> int | None:
        away = [trip for trip in trips if self.deviates(trip)]
        if self._offset_ns is None or len(away) < 2 or len(away) < len(trips):
            return None
        middle = round(median(trip.offset_ns for trip in away))
        if any(abs(trip.offset_ns - middle) > JUMP_NS + trip.uncertainty_ns for trip in away):
            return None
        return middle - self._offset_ns

    def _drift_ppm(self) -> float | None:
        if not self._trend:
            return None
        (first_ns, first_offset), (last_ns, last_offset) = self._trend[0], self._trend[-1]
        span_ns = last_ns - first_ns
        return (last_offset - first_offset) / span_ns * 1e6 if span_ns >= 60 * 10**9 else None
