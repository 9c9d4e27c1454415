"""Tasks that somebody owns: no fire-and-forget, nothing left behind on stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

_logger = logging.getLogger(__name__)


class OwnedTasks:
    """A set of running tasks. A task that fails is logged; ``stop`` cancels and awaits every one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a task under this owner."""
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self._name}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    @property
    def count(self) -> int:
        """Number of tasks that have not ended."""
        return len(self._tasks)

    async def stop(self) -> None:
        """Cancel all tasks and wait for their end, except the calling one.

        A task may start others while it ends (a socket that closes has its commands looked after): those end too.
        """
        current = asyncio.current_task()
        while tasks := [task for task in self._tasks if task is not current and not task.done()]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _logger.error("task failed name=%s", task.get_name(), exc_info=task.exception())


class Debounced:
    """One refresh in flight at a time: requests within ``delay_s`` share one run, a request during a run causes one
    more.
    """

    def __init__(self, refresh: Callable[[], Awaitable[None]], delay_s: float, tasks: OwnedTasks, name: str) -> None:
        self._refresh = refresh
        self._delay_s = delay_s
        self._tasks = tasks
        self._name = name
        self._is_wanted = False
        self._task: asyncio.Task[Any] | None = None

    def request(self) -> None:
        """Ask for a refresh soon."""
        self._is_wanted = True
        if self.is_idle:
            self._task = self._tasks.spawn(self._run(), self._name)

    @property
    def is_idle(self) -> bool:
        """True while nothing runs and nothing is asked for."""
        return self._task is None or self._task.done()

    async def _run(self) -> None:
        while self._is_wanted:
            await asyncio.sleep(self._delay_s)
            self._is_wanted = False
            await self._refresh()


async def any_set(events: Iterable[asyncio.Event], timeout_s: float) -> bool:
    """True once one of ``events`` is set, False when none was within ``timeout_s``."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for wait in waits:
            wait.cancel()
