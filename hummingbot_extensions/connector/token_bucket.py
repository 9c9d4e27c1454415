"""A credit bucket with two lanes: cancels never wait behind placements. One per account serves a whole process."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import deque
from collections.abc import Callable

_ROUNDING = 1e-6
_LEAST_WAIT_S = 0.001


class TokenBucket:
    """Credits that refill at ``refill_per_s`` up to ``capacity``. O(1) per request, unlike a window of past requests.

    ``clock`` gives monotonic seconds and is an argument so that tests can move it; None is ``time.monotonic``.
    """

    def __init__(self, capacity: float, refill_per_s: float, clock: Callable[[], float] | None = None) -> None:
        if capacity <= 0 or refill_per_s <= 0:
            raise ValueError("capacity and refill_per_s must be positive")
        self._capacity = capacity
        self._refill_per_s = refill_per_s
        self._clock = clock or (lambda: time.monotonic())
        self._credits = capacity
        self._updated_s = self._clock()
        self._closed_until_s = self._updated_s
        self._urgent: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._normal: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Requests that wait for credits."""
        return sum(not waiter.done() for lane in (self._urgent, self._normal) for _, waiter in lane)

    async def acquire(self, cost: float, is_urgent: bool = False) -> None:
        """Wait until ``cost`` credits are there and take them; urgent waiters go first, each lane in order."""
        if cost > self._capacity:
            raise ValueError(f"cost {cost} exceeds the capacity {self._capacity}")
        self._refill()
        ahead = self._urgent if is_urgent else self._urgent or self._normal
        if not ahead and self._missing(cost) <= 0 and self._updated_s >= self._closed_until_s:
            self._credits -= cost
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane = self._urgent if is_urgent else self._normal
        lane.append((cost, waiter))
        self._arm()
        await waiter

    def penalise(self, wait_s: float) -> None:
        """The venue says too many: nothing leaves for ``wait_s``, then the bucket fills from empty, cancels first."""
        self._refill()
        self._credits = 0.0
        self._closed_until_s = max(self._closed_until_s, self._updated_s + wait_s)
        if self._urgent or self._normal:
            self._arm()

    def _refill(self) -> None:
        now_s = self._clock()
        if now_s < self._updated_s:
            # Another clock: what was counted on the old one says nothing.
            self._credits, self._updated_s, self._closed_until_s = self._capacity, now_s, now_s
        since_s = max(self._updated_s, self._closed_until_s)
        self._credits = min(self._capacity, self._credits + max(0.0, now_s - since_s) * self._refill_per_s)
        self._updated_s = now_s

    def _missing(self, cost: float) -> float:
        """Credits that are short; at most 0 when the request can be paid."""
        return cost - self._credits - _ROUNDING

    def _serve(self) -> None:
        self._timer = None
        self._refill()
        for lane in (self._urgent, self._normal):
            while lane:
                cost, waiter = lane[0]
                if waiter.done():
                    lane.popleft()
                    continue
                if self._missing(cost) > 0 or self._updated_s < self._closed_until_s:
                    self._arm()
                    return
                lane.popleft()
                self._credits -= cost
                waiter.set_result(None)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        lane = self._urgent or self._normal
        missing = max(0.0, self._missing(lane[0][0]))
        wait_s = max(0.0, self._closed_until_s - self._updated_s) + missing / self._refill_per_s
        # A wait below what a clock can tell would come back at once, for ever.
        self._timer = asyncio.get_running_loop().call_later(max(_LEAST_WAIT_S, wait_s), self._serve)


_shared: dict[tuple[str, str], weakref.ref[TokenBucket]] = {}


def shared_bucket(kind: str, who: str, make: Callable[[], TokenBucket]) -> TokenBucket:
    """The bucket of ``who`` (an account, an address) in this process: made once, kept while anybody holds it."""
    known = _shared.get((kind, who))
    bucket = known() if known is not None else None
    if bucket is None:
        bucket = make()
        _shared[(kind, who)] = weakref.ref(bucket)
    return bucket
