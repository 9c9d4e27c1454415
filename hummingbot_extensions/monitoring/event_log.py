"""The one event log: JSON lines written by a thread of their own, so that no disk ever holds up a quote.

The schema is documented in docs/event-log.md; ``SCHEMA`` is its version.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from hummingbot_extensions.core.canonical import to_plain

SCHEMA = 1
_END = object()


class EventLog:
    """Appends one JSON object a line to ``path``; rotates at ``max_bytes``, keeping ``backups`` older files.

    ``write`` never blocks and never raises for the disk's sake: when the queue is full or the disk refuses, the event
    is dropped and counted, and the count is written as soon as writing works again.
    """

    def __init__(self, path: Path, max_bytes: int = 50_000_000, backups: int = 20, queue_size: int = 10_000) -> None:
        self.path = path
        self.dropped = 0
        self._max_bytes = max_bytes
        self._backups = backups
        self._lines: queue.Queue[Any] = queue.Queue(maxsize=queue_size)
        self._reported_dropped = 0
        self._is_failing = False
        self._is_closed = False
        self._file: TextIO | None = None
        self._thread = threading.Thread(target=self._run, name="hbx-event-log", daemon=True)
        self._thread.start()

    def write(self, kind: str, **fields: Any) -> None:
        """Queue one event. Values are frozen values, numbers, strings or None; no secret may be among them."""
        if self._is_closed:
            return
        event = {"v": SCHEMA, "t_ns": time.time_ns(), "kind": kind}
        event.update((name, to_plain(value)) for name, value in fields.items())
        try:
            self._lines.put_nowait(json.dumps(event, separators=(",", ":"), allow_nan=False))
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued and end the thread; what a dead disk still holds up after ``timeout_s`` is lost."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._lines.put(_END, timeout=timeout_s)
        except queue.Full:
            self.dropped += self._lines.qsize()
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            if line is _END:
                break
            self._append(line)
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._note_failure(error)

    def _append(self, line: str) -> None:
        try:
            file = self._opened()
            if self.dropped > self._reported_dropped:
                lost = {"v": SCHEMA, "t_ns": time.time_ns(), "kind": "dropped", "total": self.dropped}
                file.write(json.dumps(lost, separators=(",", ":")) + "\n")
            file.write(line + "\n")
            file.flush()
            self._reported_dropped = self.dropped
            if self._is_failing:
                self._is_failing = False
                logging.getLogger(__name__).info("event log recovered path=%s dropped=%d", self.path, self.dropped)
        except OSError as error:
            self.dropped += 1
            self._note_failure(error)

    def _opened(self) -> TextIO:
        if self._file is not None and self._file.tell() >= self._max_bytes:
            self._file.close()
            self._file = None
            self._rotate()
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
            if self._is_failing:
                self._file.write("\n")  # ends the line that the failure may have cut short
        return self._file

    def _rotate(self) -> None:
        for number in range(self._backups - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number + 1}"))
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))

    def _note_failure(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            logging.getLogger(__name__).error(
                "event log cannot be written path=%s error=%s; trading goes on, events are counted as dropped",
                self.path, error)
        self._file = None
