"""An emulator in a process of its own, for commands that need one: started on a free port, ended with the block."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.sim.tape_files import TapeUnreadable
from hummingbot_extensions.sim.tape_folder import first_day

TAPE_DELAY_MS = 400.0
TAPE_SYMBOL = "BTC-USD"
SYNTHETIC_DELAY_MS = 50.0


@dataclass(frozen=True, slots=True)
class EmulatorProcess:
    """A running emulator, seen through its control API."""

    url: str
    user: str
    credentials: dict[str, str]

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_control/{path}", timeout=10) as answer:
            return json.load(answer)  # type: ignore[no-any-return]


@contextmanager
def running_emulator(
    root: Path, tape: Path | None, at: str | None, seed: int, recorded_delays: bool = False
) -> Iterator[EmulatorProcess]:
    """An emulator process of our own on a free port, ended with the block."""
    ready, keys = root / "emulator.json", root / "emulator-keys.json"
    delay = TAPE_DELAY_MS if tape is not None else SYNTHETIC_DELAY_MS
    command = [
        sys.executable,
        "-m",
        "hummingbot_extensions.cli.main",
        "emulate",
        "standx",
        "--port",
        "0",
        "--seed",
        str(seed),
        "--ready-file",
        str(ready),
        "--credentials-file",
        str(keys),
        "--feed-delay-ms",
        str(delay),
        "--order-delay-ms",
        str(delay),
        "--cancel-delay-ms",
        str(delay),
    ]
    if tape is not None:
        command += ["--market", str(tape)]
        if at is not None:
            command += ["--tape-start", tape_start(tape, at)]
        if recorded_delays:
            command += ["--recorded-delays"]
    with (root / "emulator.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                words = (root / "emulator.log").read_text().strip().splitlines()
                raise Failure(
                    f"the emulator did not start: {words[-1] if words else 'no output'}", f"read {root}/emulator.log"
                )
            time.sleep(0.1)
        told, credentials = json.loads(ready.read_text()), json.loads(keys.read_text())
        keys.unlink()  # from here on the keys are in Hummingbot's encrypted store alone
        yield EmulatorProcess(told["url"], told["user"], credentials)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def tape_start(tape: Path, at: str) -> str:
    """ISO time for ``at``, which may be HH:MM of the tape's first day."""
    if not re.fullmatch(r"\d{1,2}:\d{2}", at):
        return at
    try:
        day = first_day(tape, TAPE_SYMBOL)
    except TapeUnreadable as error:
        raise Failure(f"--tape: {error}", "name a folder of recorded data", ExitCode.NOT_FOUND) from None
    return f"{day}T{at.zfill(5)}:00"
