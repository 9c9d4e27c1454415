"""One stream over successive sockets: reconnect after a loss, watch for silence, replace a socket before it must go.

A socket is replaced by opening its successor first: both are read for a while, so that nothing is missed, and each
frame is passed on once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.errors import ConnectorError, Misconfigured
from hummingbot_extensions.connector.frame_merge import FrameMerge
from hummingbot_extensions.connector.reconnect import ReconnectTurns

CLOSE_TIMEOUT_S = 2.0
"""How long a peer is waited for that should answer a close."""
_EXPECTED = (ConnectorError, aiohttp.ClientError, aiohttp.WebSocketError, ConnectionError, TimeoutError, RuntimeError)


class Link(Protocol):
    """One socket that is open, logged in and subscribed."""

    async def read(self) -> None:
        """Pass frames on until the socket ends."""

    def idle_cause(self, now_s: float) -> str | None:
        """Why the socket counts as dead although it is open; None while it does not. Monotonic seconds."""

    @property
    def is_drained(self) -> bool:
        """False while something is still to come that comes by no other socket."""

    async def close(self) -> None:
        """Close the socket; harmless when it is closed."""


@dataclass(frozen=True, slots=True)
class LifeTimes:
    """Seconds. A socket is replaced at ``rotate_after`` plus or minus ``rotate_jitter``."""

    rotate_after: float
    rotate_jitter: float
    overlap: float
    """How long the old socket is read beside the new one."""
    max_overlap: float
    """The same while the old one is not drained."""
    proven: float
    """A socket that lived this long may be replaced at once when it is lost."""
    check_every: float = 0.5


class StreamLife[L: Link]:
    """Keeps one stream up. ``open_link`` connects, logs in and subscribes; ``on_up`` hears of each link that takes
    over, and whether it came beside a living one; ``on_down`` of the moment from which there is none.
    """

    def __init__(
        self,
        name: str,
        open_link: Callable[[], Awaitable[L]],
        on_up: Callable[[L, bool], Awaitable[None]],
        on_down: Callable[[], None],
        times: LifeTimes,
        backoff: Callable[[], Backoff],
        turns: ReconnectTurns,
        rotation: asyncio.Lock,
        logger: logging.Logger,
        hold_s: Callable[[], float] = lambda: 0.0,
        rng: random.Random | None = None,
    ) -> None:
        self._name = name
        self._open_link = open_link
        self._on_up = on_up
        self._on_down = on_down
        self._times = times
        self._backoff = backoff()
        self._rotation_backoff = backoff
        self._turns = turns
        self._rotation = rotation
        self._logger = logger
        self._hold_s = hold_s
        self._rng = rng or random.Random()
        self._merge: FrameMerge | None = None
        self._readers: dict[L, asyncio.Task[None]] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()
        self._last_problem = ""
        self.link: L | None = None
        """The link that serves now."""
        self.rotations = 0
        """How often a link was replaced beside a living one."""

    def rotate_soon(self) -> None:
        """Replace the link beside the living one as soon as possible: its login has become old."""
        self._wanted.set()

    def is_news(self, link: L, frame: Any) -> bool:
        """Whether a frame of ``link`` is to be passed on: always, but once while two links carry the same."""
        return self._merge is None or not isinstance(frame, Mapping) or self._merge.is_news(link, frame)

    async def run(self) -> None:
        """Connect and serve; again after every loss, until cancelled."""
        wait_s = 0.0
        try:
            while True:
                born_s = None
                try:
                    link = await self._turns.attempt(self._open_link, wait_s)
                    born_s = time.monotonic()
                    await self._serve(link)
                except asyncio.CancelledError:
                    raise
                except Exception as problem:  # noqa: BLE001  whatever it is, a stream that ends for good is worse
                    self._note(problem)
                if born_s is not None and time.monotonic() - born_s >= self._times.proven:
                    self._backoff.reset()
                wait_s = max(self._backoff.next_s(), self._hold_s())
        finally:
            await self._stop()

    # --- serving -----------------------------------------------------------------------------------------------------

    async def _serve(self, link: L) -> None:
        """Read ``link`` and its successors until the last one is lost; raises what ended it."""
        self._wanted.clear()
        try:
            await self._take_over(link, is_beside=False)
            while True:
                rotate_at_s = self._rotation_time_s()
                while not await self._is_rotation_due(link, rotate_at_s):
                    pass
                link = await self._successor(link)
                if len(self._readers) == 1:
                    self._merge = None
        finally:
            lost, self.link, self._merge = self.link, None, None
            self._on_down()
            if lost is not None:
                self._retire(lost, 0.0, 0.0)

    async def _take_over(self, link: L, is_beside: bool) -> None:
        self.link = link
        reader = asyncio.get_running_loop().create_task(link.read(), name=f"{self._name}:read")
        # A stop that is itself cut short must not leave a socket's end unheard.
        reader.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._readers[link] = reader
        if self._last_problem:
            self._logger.info(f"{self._name} restored")
            self._last_problem = ""
        await self._on_up(link, is_beside)

    async def _is_rotation_due(self, link: L, rotate_at_s: float) -> bool:
        """Wait for news of ``link``, at most one checking interval; raises what ended it."""
        if not self._wanted.is_set():
            wanted = asyncio.ensure_future(self._wanted.wait())
            try:
                await asyncio.wait(
                    {self._readers[link], wanted},
                    timeout=self._times.check_every,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                wanted.cancel()
        self._check(link)
        return self._wanted.is_set() or time.monotonic() >= rotate_at_s

    def _rotation_time_s(self) -> float:
        jitter_s = self._rng.uniform(-1, 1) * self._times.rotate_jitter
        return time.monotonic() + self._times.rotate_after + jitter_s

    # --- replacing ---------------------------------------------------------------------------------------------------

    async def _successor(self, link: L) -> L:
        """A new link that serves instead of ``link``, which goes on until then; raises what ended that meanwhile."""
        backoff = self._rotation_backoff()
        while True:
            while self._rotation.locked():
                await self._live_on(link, self._times.check_every)
            async with self._rotation:
                self._wanted.clear()
                self._merge = FrameMerge()
                fresh = await self._opened_beside(link)
                if fresh is not None:
                    self.rotations += 1
                    # It may have been lost while its successor connected: what came then came by neither.
                    is_beside = not self._readers[link].done()
                    retiring = self._retire(link, self._times.overlap, self._times.max_overlap)
                    await self._take_over(fresh, is_beside)
                    await asyncio.wait({retiring, self._readers[fresh]}, return_when=asyncio.FIRST_COMPLETED)
                    return fresh
                self._merge = None
            await self._live_on(link, max(backoff.next_s(), self._hold_s()))

    async def _opened_beside(self, link: L) -> L | None:
        """A successor of the living ``link``; None when it cannot be had now."""
        try:
            return await self._open_link()
        except asyncio.CancelledError:
            raise
        except Exception as problem:  # noqa: BLE001  the living link goes on
            self._logger.info(f"{self._name} not replaced yet cause={_text(problem)}")
            return None

    async def _live_on(self, link: L, wait_s: float) -> None:
        """Wait while ``link`` serves; raises what ends it."""
        reader, deadline_s = self._readers[link], time.monotonic() + wait_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            await asyncio.wait({reader}, timeout=min(left_s, self._times.check_every))
            self._check(link)

    def _check(self, link: L) -> None:
        """Raise what ended ``link``, if anything did."""
        reader = self._readers[link]
        if reader.done():
            reader.result()
            raise ConnectionError("closed")
        cause = link.idle_cause(time.monotonic())
        if cause is not None:
            raise TimeoutError(cause)

    # --- ends --------------------------------------------------------------------------------------------------------

    def _retire(self, link: L, overlap_s: float, max_overlap_s: float) -> asyncio.Task[None]:
        """Read ``link`` a little longer, then close it. In a task: closing waits for a peer that may be gone."""
        task = asyncio.get_running_loop().create_task(
            self._end(link, overlap_s, max_overlap_s), name=f"{self._name}:retire"
        )
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        return task

    async def _end(self, link: L, overlap_s: float, max_overlap_s: float) -> None:
        reader, deadline_s = self._readers[link], time.monotonic() + max_overlap_s
        if overlap_s:
            await asyncio.wait({reader}, timeout=overlap_s)
        while not reader.done() and not link.is_drained and time.monotonic() < deadline_s:
            await asyncio.wait({reader}, timeout=self._times.check_every)
        await self._close(link)

    async def _close(self, link: L) -> None:
        reader = self._readers[link]
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        self._readers.pop(link, None)
        with suppress(TimeoutError):
            await asyncio.wait_for(link.close(), CLOSE_TIMEOUT_S)

    async def _stop(self) -> None:
        for task in (tasks := tuple(self._retiring)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(self._close(link) for link in tuple(self._readers)), return_exceptions=True)

    def _note(self, problem: Exception) -> None:
        """Say once why there is no link, and again when the cause changes."""
        text = _text(problem)
        if text == self._last_problem:
            return
        self._last_problem = text
        if not isinstance(problem, _EXPECTED):
            self._logger.error(f"{self._name} failed unexpectedly", exc_info=problem)
        # Refused keys have been announced at ERROR by their watch.
        level = logging.INFO if isinstance(problem, Misconfigured) else logging.WARNING
        self._logger.log(level, f"{self._name} down cause={text}")


def _text(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"
