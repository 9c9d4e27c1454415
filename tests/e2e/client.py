"""Runs Hummingbot's interactive client in a pseudo-terminal, as a person at a keyboard would.

The PyPI package ships ``hummingbot_quickstart.py`` without what it imports from the source checkout (``path_util``,
``bin.hummingbot``) and from ptpython (a debug console that is off). Run as a program, this file puts in what the script
uses of them, a listener that starts the configured strategy once the screen is up, and runs the script unchanged.
"""

from __future__ import annotations

import os
import pty
import runpy
import select
import signal
import subprocess
import sys
import sysconfig
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUICKSTART = Path(sysconfig.get_path("scripts")) / "hummingbot_quickstart.py"


class Terminal:
    """A program on a terminal of its own; ``screen`` is everything it has drawn."""

    def __init__(self, command: list[str], cwd: Path, environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.screen = b""
        self.process = subprocess.Popen(
            command, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={**environment, "TERM": "xterm", "COLUMNS": "200", "LINES": "60", "PROMPT_TOOLKIT_NO_CPR": "1"})
        os.close(theirs)

    def wait(self, condition: Callable[[], Any], timeout_s: float, what: str) -> None:
        """Read the screen until ``condition()`` holds: a program whose terminal nobody reads stands still."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"not within {timeout_s} s: {what}; the screen ends {self.screen[-3000:]!r}")
            self._read()

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\r")

    def ended(self, timeout_s: float) -> int | None:
        """Exit code of the program once it has ended by itself, None when it has not within the time."""
        deadline = time.monotonic() + timeout_s
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read()
        return self.process.poll()

    def _read(self) -> None:
        if select.select([self._ours], [], [], 0.2)[0]:
            try:
                self.screen += os.read(self._ours, 65_536)
            except OSError:  # the program closed its side
                time.sleep(0.1)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        os.close(self._ours)


def command(*words: str) -> list[str]:
    """The client, started through this file with the workspace as current folder."""
    return [sys.executable, __file__, *words]


def main() -> None:
    """Run Hummingbot's own quickstart script with the modules it lacks."""
    sys.path.insert(0, os.getcwd())
    from hummingbot.core.event.event_listener import EventListener

    class StartWhenShown(EventListener):  # type: ignore[misc]
        def __init__(self, application: Any, is_script: bool, script_config: str | None, is_quickstart: bool) -> None:
            super().__init__()
            self._application, self._config, self._is_quickstart = application, script_config, is_quickstart

        def __call__(self, _event: Any) -> None:
            if self._config is not None:
                level = self._application.client_config_map.log_level
                self._application.start(level, v2_conf=self._config, is_quickstart=self._is_quickstart)

    stand_in = types.ModuleType("bin.hummingbot")
    stand_in.UIStartListener = StartWhenShown  # type: ignore[attr-defined]
    stand_in.detect_available_port = lambda start: start  # type: ignore[attr-defined]
    console = types.ModuleType("hummingbot.core.management.console")
    console.start_management_console = None  # type: ignore[attr-defined]
    for module in (types.ModuleType("path_util"), types.ModuleType("bin"), stand_in, console):
        sys.modules[module.__name__] = module
    sys.argv = [str(QUICKSTART), *sys.argv[1:]]
    runpy.run_path(str(QUICKSTART), run_name="__main__")


if __name__ == "__main__":
    main()
