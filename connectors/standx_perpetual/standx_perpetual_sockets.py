"""What the three sockets of one connector share: turns at connecting, turns at being replaced, and their times."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.reconnect import ReconnectTurns
from hummingbot_extensions.connector.stream_life import LifeTimes, Link, StreamLife

from . import standx_perpetual_constants as CONSTANTS

L = TypeVar("L", bound=Link)


def reconnect_backoff() -> Backoff:
    """Waits between attempts to connect."""
    return Backoff(CONSTANTS.WS_RECONNECT_MIN_S, CONSTANTS.WS_RECONNECT_MAX_S)


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
