"""When the sockets of one venue may try to connect: at once after a loss, in turn while the venue is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.errors import Transient

T = TypeVar("T")
AWAY = (aiohttp.ClientError, ConnectionError, TimeoutError, Transient)
"""What an attempt raises when the venue was not reached; anything else is its answer."""
_TRYING_CHECK_S = 0.05


class ReconnectTurns:
    """Shared by the sockets of one connector. While the venue is away they try one at a time, at growing intervals.

    The longest interval, not the number of sockets or the length of the outage, bounds both the number of attempts and
    how late the first one after the outage comes. The first socket that gets through calls the others.
    """

    def __init__(self, backoff: Backoff, mono_s: Callable[[], float] = lambda: time.monotonic()) -> None:
        self._backoff = backoff
        self._mono_s = mono_s
        self._is_trying = False
        self._next_at_s = 0.0
        self._back: asyncio.Event | None = None
        self.attempts = 0
        """How often anybody tried to connect."""

    @property
    def is_away(self) -> bool:
        """True from a failed attempt until one gets through."""
        return self._back is not None

    async def attempt(self, open_: Callable[[], Awaitable[T]], wait_s: float) -> T:
        """What ``open_`` gives, called after ``wait_s`` (less when the venue comes back) and in turn."""
        await self._pause(wait_s)
        while self.is_away and (self._is_trying or self._mono_s() < self._next_at_s):
            await self._pause(max(_TRYING_CHECK_S, self._next_at_s - self._mono_s()))
        is_scout = self.is_away
        self._is_trying = self._is_trying or is_scout
        self.attempts += 1
        try:
            opened = await open_()
        except AWAY:
            self._next_at_s = self._mono_s() + self._backoff.next_s()
            if self._back is None:
                self._back = asyncio.Event()
            raise
        else:
            self._backoff.reset()
            if self._back is not None:
                self._back.set()
                self._back = None
            return opened
        finally:
            if is_scout:
                self._is_trying = False

    async def _pause(self, wait_s: float) -> None:
        back = self._back
        if back is None:
            await asyncio.sleep(wait_s)
            return
        try:
            await asyncio.wait_for(back.wait(), wait_s)
        except TimeoutError:
            return
