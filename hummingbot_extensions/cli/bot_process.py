"""A bot in a process of its own, driven through Hummingbot's command line as a user would."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from hummingbot_extensions import bundle
from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.monitoring.run_log import RunLog, RunSummary, newest_log

CONNECTOR = "standx_perpetual_emulator"
PRESET = "standx_btc_uptime.yml"
ADDRESS_VARIABLE = "HBX_STANDX_EMULATOR_URL"


class BotProcess:
    """The bot process, driven through Hummingbot's own command line."""

    def __init__(self, root: Path, url: str, controller_id: str) -> None:
        self.root = root
        self._id = controller_id
        self._environment = {
            **os.environ,
            ADDRESS_VARIABLE: url,
            "HBOT_PASSWORD": secrets.token_urlsafe(24),
            "PYTHONUNBUFFERED": "1",
        }
        self._log: RunLog | None = None
        self._is_started = False

    def prepare(self, credentials: dict[str, str], **settings: Any) -> None:
        """Workspace, keys in Hummingbot's encrypted store, and the preset pointed at the emulator with ``settings``."""
        _run(
            [sys.executable, "-m", "hummingbot_extensions.cli.main", "init", str(self.root), "--rates-from", CONNECTOR],
            self._environment,
        )
        keys = {f"{CONNECTOR}_{name}": value for name, value in credentials.items()}
        self._hbot("connect", CONNECTOR, "--keys-stdin", stdin=json.dumps(keys))
        preset = yaml.safe_load((bundle.folder("conf") / "controllers" / PRESET).read_text())
        preset.update(id=self._id, connector_name=CONNECTOR, **settings)
        (self.root / "conf" / "controllers" / f"{self._id}.yml").write_text(yaml.safe_dump(preset, sort_keys=False))

    def start(self) -> None:
        self._is_started = True
        self._hbot("start", "--controller", f"{self._id}.yml", timeout_s=150)

    def stop(self) -> None:
        self._hbot("stop", "--timeout", "60", timeout_s=90)
        self._is_started = False

    def stop_if_running(self) -> None:
        """Last resort after an error: a bot must not outlive its demo."""
        if self._is_started:
            self.stop()

    def summary(self) -> RunSummary:
        if self._log is None:
            path = newest_log(self.root, self._id)
            if path is None:
                return RunSummary()
            self._log = RunLog(path)
        return self._log.catch_up()

    def is_alive(self) -> bool:
        pid_file = self.root / "data" / "bot" / "bot.pid"
        try:
            os.kill(int(pid_file.read_text()), 0)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return False
        return True

    def _hbot(self, *words: str, stdin: str | None = None, timeout_s: float = 90.0) -> None:
        _run([sys.executable, "-m", "hummingbot.cli.main", *words], self._environment, self.root, stdin, timeout_s)


def _run(
    command: list[str],
    environment: dict[str, str],
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout_s: float = 90.0,
) -> None:
    """Run a command; its last lines become the error when it fails. Keys go through standard input, never shown."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            input=stdin if stdin is not None else "",
            text=True,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failure(
            f"`{_shown(command)}` took longer than {timeout_s:.0f} s",
            "look at the logs of the workspace",
            ExitCode.TIMEOUT,
        ) from None
    if done.returncode != 0:
        tail = " | ".join((done.stdout + done.stderr).strip().splitlines()[-6:])
        raise Failure(f"`{_shown(command)}` ended with {done.returncode}: {tail}", "look at the logs of the workspace")


def _shown(command: list[str]) -> str:
    return " ".join(command[2:6])
