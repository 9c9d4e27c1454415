"""An emulator as a process of its own: serves until a signal, and tells others where it is by files."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.emulator.server import DEMO, Handle, run_emulator


async def serve(
    config: EmulatorConfig,
    credentials_file: Path | None = None,
    ready_file: Path | None = None,
    on_ready: Callable[[Handle], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. Files are in place before ``on_ready`` is called; CannotServe if that fails."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with run_emulator(config) as handle:
            if credentials_file is not None:
                write_private(credentials_file, json.dumps(handle.credentials.as_json()) + "\n")
            if ready_file is not None:
                write_private(ready_file, json.dumps(ready_note(handle)) + "\n")
            if on_ready is not None:
                on_ready(handle)
            await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def ready_note(handle: Handle) -> dict[str, str | int]:
    """What a script needs to find the emulator."""
    return {"url": handle.url, "port": handle.port, "pid": os.getpid(), "user": DEMO}


def write_private(path: Path, text: str) -> None:
    """Put ``text`` at ``path`` at once and readable by the owner alone; CannotServe names the path on failure."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError as error:
        raise CannotServe(f"cannot write {path}: {error.strerror}; choose a folder that exists and is yours") from None
