"""The one event log: JSON lines written by a thread of their own, so that no disk ever holds up a quote.

The schema is documented in docs/event-log.md; ``SCHEMA`` is its version.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
import time
from io import FileIO
from pathlib import Path
from typing import Any

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
        self._max_bytes = max_bytes
        self._backups = backups
        self._lines: queue.Queue[Any] = queue.Queue(maxsize=queue_size)
        self._refused_by_queue = 0
        self._refused_by_disk = 0
        self._reported_dropped = 0
        self._is_failing = False
        self._is_torn = False
        self._is_closed = False
        self._held: list[tuple[int, str, dict[str, Any]]] | None = None
        self._file: FileIO | None = None
        self._thread = threading.Thread(target=self._run, name="hbx-event-log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Events lost so far. Each thread counts its own, so that no count is lost between them."""
        return self._refused_by_queue + self._refused_by_disk

    def write(self, kind: str, **fields: Any) -> None:
        """Queue one event. Values are frozen values, numbers, strings or None; no secret may be among them.

        A value may be a function, which is asked for it when the event is made into text.
        """
        if self._is_closed:
            return
        if self._held is not None:
            self._held.append((time.time_ns(), kind, fields))
        else:
            self._queue(time.time_ns(), kind, fields)

    def hold(self) -> None:
        """Keep events as they are until ``release``: to make text of them takes longer than to decide."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Queue what was held, in its order and with its times; harmless when nothing is."""
        held, self._held = self._held, None
        for t_ns, kind, fields in held or ():
            self._queue(t_ns, kind, fields)

    def _queue(self, t_ns: int, kind: str, fields: dict[str, Any]) -> None:
        event = {"v": SCHEMA, "t_ns": t_ns, "kind": kind}
        event.update((name, to_plain(value() if callable(value) else value)) for name, value in fields.items())
        try:
            self._lines.put_nowait(json.dumps(event, separators=(",", ":"), allow_nan=False))
        except queue.Full:
            self._refused_by_queue += 1

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued and end the thread; a disk that holds it up longer than ``timeout_s`` is not waited for.

        The thread then ends by itself once the disk has taken or refused what is queued.
        """
        if self._is_closed:
            return
        self.release()
        self._is_closed = True
        try:
            self._lines.put(_END, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not (self._is_closed and self._lines.empty()):
            line = self._lines.get()
            if line is _END:
                break
            self._append(line)
        try:
            if self.dropped > self._reported_dropped:
                self._report_dropped(self._opened())
        except OSError as error:
            self._note_failure(error)
        self._end_file()

    def _append(self, line: str) -> None:
        try:
            file = self._opened()
            if self.dropped > self._reported_dropped:
                self._report_dropped(file)
            self._put(file, line)
        except OSError as error:
            self._refused_by_disk += 1
            self._note_failure(error)

    def _report_dropped(self, file: FileIO) -> None:
        total = self.dropped
        event = {"v": SCHEMA, "t_ns": time.time_ns(), "kind": "dropped", "total": total}
        self._put(file, json.dumps(event, separators=(",", ":")))
        self._reported_dropped = total

    def _put(self, file: FileIO, line: str) -> None:
        """Write one line, unbuffered: what a failing disk refused must not turn up later as if it had not been lost."""
        data = (("\n" if self._is_torn else "") + line + "\n").encode()
        written = 0
        while written < len(data):
            written += file.write(data[written:])
            self._is_torn = written < len(data)
        if self._is_failing:
            self._is_failing = False
            logging.getLogger(__name__).info("event log recovered path=%s dropped=%d", self.path, self.dropped)

    def _opened(self) -> FileIO:
        if self._file is not None and self._file.tell() >= self._max_bytes:
            self._end_file()
            self._rotate()
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
        return self._file

    def _rotate(self) -> None:
        for number in range(self._backups - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number + 1}"))
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._is_torn = False

    def _note_failure(self, error: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            logging.getLogger(__name__).error(
                "event log cannot be written path=%s error=%s; trading goes on, events are counted as dropped",
                self.path,
                error,
            )
        self._end_file()

    def _end_file(self) -> None:
        """Let go of the file. Nothing is buffered, so a close that fails loses nothing that is not counted."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()


def parts(path: Path) -> list[Path]:
    """The files of one run, oldest first: what was rotated away (.2, .1) before what is written to now."""
    rotated = [(int(tail), part) for part in path.parent.glob(f"{path.name}.*")
               if (tail := part.name.removeprefix(f"{path.name}.")).isdigit()]
    return [*(part for _, part in sorted(rotated, reverse=True)), *([path] if path.exists() else [])]
