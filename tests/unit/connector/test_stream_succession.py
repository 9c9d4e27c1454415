"""What a stream says of a link that takes over: whether it came beside a living one."""

from __future__ import annotations

import asyncio
import logging

import pytest

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.reconnect import ReconnectTurns
from hummingbot_extensions.connector.stream_life import LifeTimes, StreamLife
from tests.support import warp

TIMES = LifeTimes(rotate_after=3600, rotate_jitter=0, overlap=1, max_overlap=5, proven=5)


class _Link:
    def __init__(self) -> None:
        self.ends = asyncio.Event()

    async def read(self) -> None:
        await self.ends.wait()
        raise ConnectionError("cut")

    def idle_cause(self, now_s: float) -> str | None:
        return None

    @property
    def is_drained(self) -> bool:
        return True

    async def close(self) -> None:
        self.ends.set()


@pytest.mark.parametrize("is_lost_meanwhile", [False, True])
def test_a_successor_of_a_link_that_was_lost_meanwhile_missed_something(is_lost_meanwhile: bool) -> None:
    """A link that dies while its successor connects leaves a hole: that one did not come beside a living one."""

    async def scenario() -> None:
        links: list[_Link] = []
        ups: list[bool] = []

        async def open_link() -> _Link:
            if links:
                await asyncio.sleep(1.0)
                if is_lost_meanwhile:
                    links[0].ends.set()
                await asyncio.sleep(1.0)
            links.append(_Link())
            return links[-1]

        async def on_up(link: _Link, is_beside: bool) -> None:
            ups.append(is_beside)

        def backoff() -> Backoff:
            return Backoff(0.1, 1.0)

        life = StreamLife(
            "test", open_link, on_up, lambda: None, TIMES, backoff, ReconnectTurns(backoff()), asyncio.Lock(),
            logging.getLogger("test"),
        )  # fmt: skip
        task = asyncio.create_task(life.run())
        await asyncio.sleep(1.0)
        life.rotate_soon()
        await asyncio.sleep(10.0)
        assert ups == [False, not is_lost_meanwhile] and life.link is links[1]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    warp.run(scenario())
