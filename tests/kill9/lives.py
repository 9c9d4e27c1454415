"""Workspaces, the process that makes bots, and one bot's life as its killer sees it. Knows nothing of Hummingbot."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hummingbot_extensions.cli.bot_process import ADDRESS_VARIABLE, BotProcess
from hummingbot_extensions.emulator.identity import Identity
from tests.support.lockstep import START_NS, LeadingLoop

NAME = "k9"
SEED = 1
"""Of the emulator: one key store serves every case."""
REPOSITORY = Path(__file__).resolve().parents[2]
FAST = {"min_dwell_ms": 0, "side_throttle_ms": 0, "cancel_budget_per_min": 600}


@dataclass(slots=True)
class Nest:
    """A workspace, and the process in it that forks bots."""

    root: Path
    process: subprocess.Popen[bytes]
    requests: socket.socket

    def settings(self, **changes: Any) -> None:
        """The controller's file: the preset's settings with ``changes`` over them."""
        path = self.root / "conf" / "controllers" / f"{NAME}.yml"
        before = yaml.safe_load((self.root / "preset.yml").read_text())
        draft = path.with_suffix(".draft")
        draft.write_text(yaml.safe_dump({**before, **changes}, sort_keys=False))
        draft.replace(path)

    def clean(self) -> None:
        """Forget every former life: databases, snapshots, logs."""
        for name in ("data", "logs"):
            shutil.rmtree(self.root / name)
            (self.root / name).mkdir()

    def answer(self) -> dict[str, Any]:
        """Next line of the process."""
        line = bytearray()
        while not line.endswith(b"\n"):
            piece = self.requests.recv(1)
            if not piece:
                raise RuntimeError(f"the process that makes bots has ended: see {self.root}/zygote.log")
            line += piece
        return json.loads(line)  # type: ignore[no-any-return]


@contextmanager
def nest(folder: Path, keys: dict[str, str] | None = None) -> Iterator[Nest]:
    """A workspace in ``folder`` with ``keys`` (None: the emulator's own), and its process; both end with the block."""
    root = folder / "workspace"
    bot = BotProcess(root, "http://127.0.0.1:1", NAME)
    bot.prepare(keys or Identity(SEED).demo(START_NS / 1e9, 30 * 86_400).as_json(), **FAST)
    shutil.copy(root / "conf" / "controllers" / f"{NAME}.yml", root / "preset.yml")
    script = {"script_file_name": "v2_perp_market_making.py", "controllers_config": [f"{NAME}.yml"]}
    (root / "conf" / "scripts" / f"{NAME}.yml").write_text(yaml.safe_dump(script))
    mine, theirs = socket.socketpair()
    with (root / "zygote.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill9.zygote", str(theirs.fileno())], cwd=root, stdout=log, stderr=log,
            env={**bot._environment, "PYTHONPATH": str(REPOSITORY), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    theirs.close()
    try:
        found = Nest(root, process, mine)
        mine.settimeout(180)
        found.answer()
        yield found
    finally:
        mine.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(slots=True)
class Life:
    """One bot, from its fork to its end."""

    nest: Nest
    pid: int
    number: int
    hits: Path
    code: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether the process has ended; ``code`` is its exit code then, negative for a signal."""
        if self.code is None and not _loop().has_follower:
            self.code = self.nest.answer()["ended"]
        return self.code is not None

    def send(self, number: signal.Signals) -> None:
        if not self.is_over:
            os.kill(self.pid, number)

    async def over(self, timeout_s: float) -> int:
        """Exit code, waited for; TimeoutError after ``timeout_s`` seconds of the venue's clock."""
        deadline = time.monotonic() + timeout_s
        while not self.is_over:
            if time.monotonic() > deadline:
                raise TimeoutError(f"life {self.number} has not ended within {timeout_s:g} s")
            await asyncio.sleep(0.02)
        assert self.code is not None
        return self.code

    @property
    def passed(self) -> Counter[str]:
        """How often it passed each point; empty for one that somebody else killed."""
        return Counter(json.loads(self.hits.read_text())) if self.hits.exists() else Counter()


def begin(
    nest: Nest, number: int, url: str, kill: dict[str, Any] | None = None, plug: str | None = None, **arguments: Any
) -> Life:
    """Start a bot that follows this loop's clock, with its death planned by ``kill``: point and hit.

    ``plug`` names a function (``module:name``) that is called in the bot before its engine, with its loop and
    ``arguments``.
    """
    mine, theirs = socket.socketpair()
    hits = nest.root / "logs" / f"hits_{number}.json"
    request = {
        "kill": kill, "name": NAME, "script": f"{NAME}.yml", "environment": {ADDRESS_VARIABLE: url},
        "output": str(nest.root / "logs" / f"life_{number}.out"), "hits": str(hits),
        "plug": plug, "plug_arguments": arguments,
    }  # fmt: skip
    socket.send_fds(nest.requests, [json.dumps(request).encode()], [theirs.fileno()])
    theirs.close()
    life = Life(nest, nest.answer()["pid"], number, hits)
    _loop().lead(mine, life.pid)
    return life


def _loop() -> LeadingLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeadingLoop)
    return loop
