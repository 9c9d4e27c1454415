"""Writes the newest state off the event loop: one write at a time, what came meanwhile as one write after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hummingbot_extensions.execution import state_file

RETRY_S = 5.0
"""After a write that the disk refused, the newest state is tried again this much later."""


class StateWriter:
    """Keeps one state file as new as the disk allows. A disk that refuses never holds up trading.

    ``content`` gives the state as plain JSON when it is called, on the event loop; encoding and writing happen in a
    thread. A failing disk is one ERROR, its recovery one INFO.
    """

    def __init__(self, path: Path, version: int, content: Callable[[], Any]) -> None:
        self.path = path
        self._version = version
        self._content = content
        self._is_due = False
        self._is_failing = False
        self._is_closed = False
        self._running: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    @property
    def is_failing(self) -> bool:
        """Whether the newest state is not on disk because the disk refused it."""
        return self._is_failing

    def request(self) -> None:
        """The state has changed: write it soon. Needs a running event loop."""
        self._is_due = True
        if self._is_closed:
            return
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def flush(self) -> bool:
        """Write what is due now, once even on a failing disk; whether the newest state is on disk."""
        self._wake.set()
        running = self._running
        if running is not None and not running.done():
            await asyncio.gather(running, return_exceptions=True)
        self._wake.clear()
        if self._is_due:
            await self._write_once()
        return not self._is_due

    async def close(self) -> bool:
        """Write what is due and take nothing more; whether the newest state is on disk."""
        self._is_closed = True
        return await self.flush()

    async def _run(self) -> None:
        while self._is_due and not self._wake.is_set():
            await self._write_once()
            if self._is_due and self._is_failing:
                try:
                    await asyncio.wait_for(self._wake.wait(), RETRY_S)
                except TimeoutError:
                    continue

    async def _write_once(self) -> None:
        self._is_due = False
        content = self._content()
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._write, content)
        except OSError as error:
            self._is_due = True
            if not self._is_failing:
                self._is_failing = True
                logging.getLogger(__name__).error(
                    "state cannot be written path=%s error=%s; trading goes on, a restart would go on from an older "
                    "state and fetch the fills since. Make room or mend the disk", self.path, error)
            return
        if self._is_failing:
            self._is_failing = False
            logging.getLogger(__name__).info("state written again path=%s", self.path)

    def _write(self, content: Any) -> None:
        state_file.write(self.path, state_file.encoded(content, self._version))
