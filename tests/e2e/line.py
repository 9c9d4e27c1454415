"""The whole line as a user has it: an emulator process, a workspace, and commands run in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from hummingbot_extensions.monitoring.run_log import RunLog, RunSummary, newest_log

CONNECTOR = "standx_perpetual_emulator"
CONTROLLER = "first"
PRESET = "standx_btc_uptime.yml"
MARK = "HBX_E2E_RUN"
"""Environment variable that every process of one run carries, and its children inherit."""
QUOTE_TIMEOUT_S = 180.0
"""Time limits here are for what never comes; beside other tests a process takes several times its own time."""


def until(condition: Callable[[], Any], timeout_s: float, what: str | Callable[[], str]) -> Any:
    """Wait until ``condition()`` is true and give its value; the failure names what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what() if callable(what) else what}")
        time.sleep(0.1)
    return value


@contextmanager
def own_processes() -> Iterator[dict[str, str]]:
    """Environment for one run; every process that carries it is gone when the block ends, whatever happened in it."""
    run = uuid.uuid4().hex
    try:
        yield {**os.environ, MARK: run, "PYTHONUNBUFFERED": "1"}
    finally:
        left = processes_of(run)
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)


def processes_of(run: str) -> list[psutil.Process]:
    """Living processes of one run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == run and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running ``hbx emulate standx``."""

    url: str
    user: str
    keys: dict[str, str] = field(repr=False)
    log: Path

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_control/{path}", timeout=10) as answer:
            return json.load(answer)  # type: ignore[no-any-return]

    def account(self) -> dict[str, Any]:
        return self.get(f"accounts/{self.user}")

    def sides(self) -> set[str]:
        """Sides on which an order rests."""
        return {order["side"] for order in self.account()["open_orders"]}

    def wait_for_quotes(self) -> None:
        until(lambda: self.sides() == {"buy", "sell"}, QUOTE_TIMEOUT_S, "a quote on both sides")


@contextmanager
def running_emulator(folder: Path, environment: dict[str, str]) -> Iterator[Emulator]:
    """``hbx emulate standx`` on a free port, ended by SIGTERM, which it must answer with 0."""
    ready, keys, log = folder / "ready.json", folder / "keys.json", folder / "emulator.log"
    command = hbx_command(
        "emulate", "standx", "--port", "0", "--ready-file", str(ready), "--credentials-file", str(keys))
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True)
    try:
        until(lambda: ready.exists() or process.poll() is not None, 180, "the emulator's ready file")
        assert process.poll() is None, log.read_text()
        note = json.loads(ready.read_text())
        yield Emulator(note["url"], note["user"], json.loads(keys.read_text()), log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert code == 0, log.read_text()


def hbx_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "hummingbot_extensions.cli.main", *words]


def hbot_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "hummingbot.cli.main", *words]


@dataclass(slots=True)
class Workspace:
    """A workspace made by ``hbx init``, and everything that was said while working in it."""

    root: Path
    environment: dict[str, str] = field(repr=False)
    said: list[str] = field(default_factory=list, repr=False)

    def run(self, command: list[str], stdin: str = "", timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, input=stdin, capture_output=True, text=True,
            timeout=timeout_s, check=False)
        self.said += [done.stdout, done.stderr]
        return done

    def hbot(self, *words: str, stdin: str = "") -> str:
        """Output of an ``hbot`` command that must end with 0."""
        done = self.run(hbot_command(*words), stdin)
        assert done.returncode == 0, f"hbot {words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def hbx(self, *words: str) -> str:
        """Output of an ``hbx`` command that must end with 0."""
        done = self.run(hbx_command(*words))
        assert done.returncode == 0, f"hbx {words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def connect(self, keys: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
        """``hbot connect`` with the keys on standard input."""
        fields = {f"{CONNECTOR}_{name}": value for name, value in keys.items()}
        return self.run(hbot_command("connect", CONNECTOR, "--keys-stdin", *words), json.dumps(fields))

    def write_controller(self, **settings: Any) -> Path:
        """The preset, pointed at the emulator; ``settings`` go over it. Written at once, as a running bot reads it."""
        content = yaml.safe_load((self.root / "conf" / "controllers" / PRESET).read_text())
        content.update({"id": CONTROLLER, "connector_name": CONNECTOR, **settings})
        path = self.root / "conf" / "controllers" / f"{CONTROLLER}.yml"
        draft = path.with_suffix(".draft")
        draft.write_text(yaml.safe_dump(content, sort_keys=False))
        draft.replace(path)
        return path

    @property
    def bot_pid(self) -> int | None:
        path = self.root / "data" / "bot" / "bot.pid"
        return int(path.read_text()) if path.exists() else None

    @contextmanager
    def stopped_at_the_end(self) -> Iterator[None]:
        """No bot of this workspace outlives the block, so that the next test finds it free."""
        try:
            yield
        finally:
            pid = self.bot_pid
            if pid is not None and psutil.pid_exists(pid):
                engine = psutil.Process(pid)
                if engine.environ().get(MARK) == self.environment[MARK]:
                    engine.terminate()
                    gone, alive = psutil.wait_procs([engine], timeout=60)
                    for process in alive:
                        process.kill()

    def log_text(self) -> str:
        """All of Hummingbot's logs."""
        return "".join(path.read_text() for path in sorted((self.root / "logs").glob("logs_*.log")))

    def summary(self) -> RunSummary:
        """What the newest event log says."""
        path = newest_log(self.root, CONTROLLER)
        assert path is not None
        return RunLog(path).catch_up()


def made_workspace(root: Path, emulator: Emulator, environment: dict[str, str]) -> Workspace:
    """``hbx init`` with an emulator's prices, the controller and a script of it, every logger at DEBUG; no keys yet."""
    password = f"canary-{uuid.uuid4().hex}"
    found = Workspace(
        root, {**environment, "HBX_STANDX_EMULATOR_URL": emulator.url, "HBOT_PASSWORD": password})
    root.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        hbx_command("init", str(root), "--rates-from", CONNECTOR), env=found.environment, capture_output=True,
        text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    client = yaml.safe_load((root / "conf" / "conf_client.yml").read_text())
    (root / "conf" / "conf_client.yml").write_text(yaml.safe_dump({**client, "log_level": "DEBUG"}, sort_keys=False))
    levels = yaml.safe_load((root / "hummingbot" / "templates" / "hummingbot_logs_TEMPLATE.yml").read_text())
    for logger in [levels["root"], *levels["loggers"].values(), levels["handlers"]["file_handler"]]:
        logger["level"] = "DEBUG"
    (root / "conf" / "hummingbot_logs.yml").write_text(yaml.safe_dump(levels, sort_keys=False))
    found.write_controller()
    script = {"script_file_name": "v2_perp_market_making.py", "controllers_config": [f"{CONTROLLER}.yml"]}
    (root / "conf" / "scripts" / "by_script.yml").write_text(yaml.safe_dump(script))
    return found
