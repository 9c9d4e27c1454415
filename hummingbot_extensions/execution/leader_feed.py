"""Another market's mid and its age, from whatever connector Hummingbot has for it, with or without keys."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hummingbot_extensions.connector.owned_tasks import OwnedTasks
from hummingbot_extensions.execution.foreign.watch import BookWatch

BEAT_S = 0.02
"""The book is looked at so often, since Hummingbot's tell nobody; an age is at most so much too old."""
RETRY_S = 30.0
ANY_TICK = Decimal(0)


class LeaderFeed:
    """Watches the leader's book while it runs, and asks for it where no connector of the bot has it.

    A connector that the bot trades on is used as it is; for any other Hummingbot makes one that reads public data
    alone, so that a leader that is down keeps nothing of the bot from being ready.
    """

    def __init__(self, provider: Any, connector_name: str, trading_pair: str) -> None:
        """``provider`` is the controller's market data provider."""
        self.name = f"{connector_name} {trading_pair}"
        self._provider = provider
        self._connector_name = connector_name
        self._pair = trading_pair
        self._tasks = OwnedTasks(f"leader {self.name}")
        self._running: list[asyncio.Task[Any]] = []
        self._watch = BookWatch()
        self._connector: Any = None

    def start(self, on_change: Callable[[], None]) -> None:
        """Watch from now on; ``on_change`` is called when the best prices have changed."""
        if self._running:
            return
        self._watch = BookWatch()
        self._running = [
            self._tasks.spawn(self._look(on_change), "look"), self._tasks.spawn(self._subscribe(), "subscribe")]

    def stop(self) -> None:
        for task in self._running:
            task.cancel()
        self._running = []
        self._connector = None

    def read(self, now_ns: int) -> tuple[float | None, float | None]:
        """(mid, age in ms) at monotonic ``now_ns``; None, None while no whole and uncrossed book of known age is there.
        """
        book = self._watch.state(ANY_TICK)
        if book is None or book.bid is None or book.ask is None or book.bid > book.ask:
            return None, None
        return (float(book.bid) + float(book.ask)) / 2.0, (now_ns - book.received_mono_ns) / 1e6

    def _book(self) -> Any | None:
        """The leader's order book, None where there is none yet."""
        return None if self._connector is None else self._connector.order_books.get(self._pair)

    async def _look(self, on_change: Callable[[], None]) -> None:
        while True:
            try:
                if self._watch.look(self._book(), time.monotonic_ns()):
                    on_change()
            except Exception:
                # A connector of somebody else's may raise anything; the leader is absent then, and quoting goes on.
                self._watch.look(None, time.monotonic_ns())
                logging.getLogger(__name__).debug("leader cannot be read %s", self.name, exc_info=True)
            await asyncio.sleep(BEAT_S)

    async def _subscribe(self) -> None:
        """Have Hummingbot follow the market, again and again until it does."""
        has_failed = False
        while True:
            try:
                self._connector = self._provider.get_connector_with_fallback(self._connector_name)
                if self._book() is None:
                    await self._provider.initialize_order_book(self._connector_name, self._pair)
                if self._book() is not None:
                    logging.getLogger(__name__).info("leader followed %s", self.name)
                    return
                cause = "Hummingbot has no book of it"
            except Exception as error:
                cause = f"{type(error).__name__}: {error}"
            if not has_failed:
                has_failed = True
                logging.getLogger(__name__).warning(
                    "leader cannot be followed %s cause=%s: quoting goes on without it, trying again every %g s",
                    self.name, cause, RETRY_S)
            await asyncio.sleep(RETRY_S)
