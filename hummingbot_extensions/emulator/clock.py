"""Where venue time comes from: the wall clock at some speed, or the control API alone."""

from __future__ import annotations

import time
from typing import Protocol


class VenueClock(Protocol):
    speed: float
    is_manual: bool

    def venue_ns(self) -> int:
        """Venue time that should have been reached by now."""

    def step(self, delta_ns: int) -> None:
        """Let venue time leap forward."""


class PacedClock:
    """Venue time runs from ``start_ns`` at ``speed``."""

    is_manual = False

    def __init__(self, start_ns: int, speed: float) -> None:
        self.speed = speed
        self._start_ns = start_ns
        self._began_ns = time.monotonic_ns()

    def venue_ns(self) -> int:
        return self._start_ns + int((time.monotonic_ns() - self._began_ns) * self.speed)

    def step(self, delta_ns: int) -> None:
        self._start_ns += delta_ns

    def set_speed(self, speed: float) -> None:
        """Go on from now at another speed."""
        self._start_ns, self._began_ns = self.venue_ns(), time.monotonic_ns()
        self.speed = speed


class ManualClock:
    """Venue time stands until ``step``."""

    is_manual = True
    speed = 0.0

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns

    def venue_ns(self) -> int:
        return self._now_ns

    def step(self, delta_ns: int) -> None:
        self._now_ns += delta_ns
