"""What the venue last said about one of our keys: a refusal is announced once, asked about again ever more seldom, and
its end is announced once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.errors import Misconfigured


class KeyWatch:
    """One key's standing. ``on_change(problem)`` is called with the first refusal, and with None when it is over.

    Keys of a running bot do not mend themselves, so while one is refused almost nothing goes out: ``gate`` lets one
    caller through at growing intervals, to find out whether the venue has changed its mind.
    """

    def __init__(
        self,
        on_change: Callable[[Misconfigured | None], None],
        retry_min_s: float,
        retry_max_s: float,
        mono_s: Callable[[], float] = lambda: time.monotonic(),
    ) -> None:
        self._on_change = on_change
        self._backoff = Backoff(retry_min_s, retry_max_s)
        self._mono_s = mono_s
        self._retry_at_s = 0.0
        self.problem: Misconfigured | None = None
        """Why the key is refused; None while it is not."""
        self._is_announced = False

    @property
    def retry_in_s(self) -> float:
        """Seconds until ``gate`` lets somebody try again; 0 while the key is not refused."""
        return 0.0 if self.problem is None else max(0.0, self._retry_at_s - self._mono_s())

    def gate(self) -> None:
        """Raise the known problem unless it is time to try again; the caller let through is the only one."""
        if self.problem is None:
            return
        if self.retry_in_s > 0:
            raise self.problem.with_traceback(None)
        self._retry_at_s = self._mono_s() + self._backoff.next_s()

    def refused(self, problem: Misconfigured) -> None:
        """The key was refused, by the venue or by our own look at it."""
        self.suspected(problem)
        self.confirmed()

    def suspected(self, problem: Misconfigured) -> None:
        """The key was refused, but it may not be the key's fault: nothing goes out, and nothing is announced yet."""
        if self.problem is None:
            self._retry_at_s = self._mono_s() + self._backoff.next_s()
        self.problem = problem

    def confirmed(self) -> None:
        """What was suspected is so; nothing when it has been cleared meanwhile."""
        if self.problem is not None and not self._is_announced:
            self._is_announced = True
            self._on_change(self.problem)

    def accepted(self) -> None:
        """The venue took the key."""
        if self.problem is None:
            return
        self.problem = None
        self._backoff.reset()
        if self._is_announced:
            self._is_announced = False
            self._on_change(None)
