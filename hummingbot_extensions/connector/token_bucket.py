"""A credit bucket with two lanes: cancels never wait behind placements."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable


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
        self._urgent: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._normal: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self, cost: float, is_urgent: bool = False) -> None:
        """Wait until ``cost`` credits are there and take them; urgent waiters go first, each lane in order."""
        if cost > self._capacity:
            raise ValueError(f"cost {cost} exceeds the capacity {self._capacity}")
        self._refill()
        ahead = self._urgent if is_urgent else self._urgent or self._normal
        if not ahead and self._credits >= cost:
            self._credits -= cost
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane = self._urgent if is_urgent else self._normal
        lane.append((cost, waiter))
        self._arm()
        await waiter

    def _refill(self) -> None:
        now_s = self._clock()
        self._credits = min(self._capacity, self._credits + (now_s - self._updated_s) * self._refill_per_s)
        self._updated_s = now_s

    def _serve(self) -> None:
        self._timer = None
        self._refill()
        for lane in (self._urgent, self._normal):
            while lane:
                cost, waiter = lane[0]
                if waiter.done():
                    lane.popleft()
                    continue
                if self._credits < cost:
                    self._arm()
                    return
                lane.popleft()
                self._credits -= cost
                waiter.set_result(None)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        lane = self._urgent or self._normal
        missing = max(0.0, lane[0][0] - self._credits)
        self._timer = asyncio.get_running_loop().call_later(missing / self._refill_per_s, self._serve)
