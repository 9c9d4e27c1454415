"""What the three sockets of one connector share: how one is read, turns at connecting and being replaced, times."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

from hummingbot.core.web_assistant.ws_assistant import WSAssistant

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.reconnect import ReconnectTurns
from hummingbot_extensions.connector.stream_life import LifeTimes, Link, StreamLife

from . import standx_perpetual_constants as CONSTANTS

L = TypeVar("L", bound=Link)


def reconnect_backoff() -> Backoff:
    """Waits between attempts to connect."""
    return Backoff(CONSTANTS.WS_RECONNECT_MIN_S, CONSTANTS.WS_RECONNECT_MAX_S)


class SocketLink:
    """One open socket whose frames are passed on. What silence on it means is for its kind to say."""

    def __init__(self, ws: WSAssistant, on_frame: Callable[[Self, Any], None]) -> None:
        self.ws = ws
        self.last_frame_ns = time.monotonic_ns()
        """Receipt of the last frame of data, pings and pongs apart."""
        self._on_frame = on_frame

    async def read(self) -> None:
        async for response in self.ws.iter_messages():
            self.last_frame_ns = time.monotonic_ns()
            self._on_frame(self, response.data)
        raise ConnectionError("closed")

    @property
    def is_drained(self) -> bool:
        return True

    async def close(self) -> None:
        await self.ws.disconnect()


class Sockets:
    """Makes the lives of a connector's streams."""

    def __init__(self) -> None:
        self.turns = ReconnectTurns(reconnect_backoff())
        self._rotation = asyncio.Lock()

    def life(
        self,
        name: str,
        open_link: Callable[[], Awaitable[L]],
        on_up: Callable[[L, bool], Awaitable[None]],
        on_down: Callable[[], None],
        rotate_after_s: float,
        logger: logging.Logger,
        hold_s: Callable[[], float] = lambda: 0.0,
    ) -> StreamLife[L]:
        """A stream that is not running yet."""
        times = LifeTimes(
            rotate_after=rotate_after_s,
            rotate_jitter=CONSTANTS.WS_ROTATE_JITTER_S,
            overlap=CONSTANTS.WS_OVERLAP_S,
            max_overlap=CONSTANTS.ORDER_DEADLINE_S,
            proven=CONSTANTS.WS_PROVEN_S,
        )
        return StreamLife(
            name, open_link, on_up, on_down, times, reconnect_backoff, self.turns, self._rotation, logger, hold_s
        )
