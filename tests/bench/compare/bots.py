"""Bots of the comparison: each a process of its own with Hummingbot's engine, the same connector and the same probe."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from eth_account import Account

from hummingbot_extensions.cli.bot_process import CONNECTOR, BotProcess
from hummingbot_extensions.cli.emulator_process import EmulatorProcess
from tests.bench.compare.probe_names import RULE_VARIABLE, SAMPLES, STOPS_FLAG

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PAIR = "BTC-DUSD"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 40.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What both ways do: quotes so far from the mid, replaced when so far off; ``order_size_base`` a quote."""

    half_spread_bps: float = 10.0
    tolerance_bps: float = 1.0
    order_size_base: float = 0.002

    def as_json(self) -> str:
        return json.dumps({"half_spread_bps": self.half_spread_bps, "tolerance_bps": self.tolerance_bps,
                           "connector": CONNECTOR, "pair": PAIR})


@dataclass(frozen=True, slots=True)
class Way:
    """One way of quoting: which script runs, the controller's file (none is bare Hummingbot), the script's beat."""

    name: str
    script: str
    controller: dict[str, Any] | None = None
    script_fields: dict[str, Any] = field(default_factory=dict)
    tick_s: float | None = None
    """The clock's tick; None leaves Hummingbot's second."""
    answers_prices: bool = False
    """Whether one quote a side follows the rule, so that every price that leaves it has to be answered."""


class Bot(BotProcess):
    """A bot whose engine is our own child, so that its memory is its own and nothing of it is left behind."""

    def __init__(self, root: Path, venue: EmulatorProcess, way: Way, rule: Rule) -> None:
        super().__init__(root, venue.url, way.name)
        self.way = way
        self._rule = rule
        self._environment |= {
            RULE_VARIABLE: rule.as_json(),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._wallet = "0x" + secrets.token_hex(32)

    @property
    def user(self) -> str:
        """Its account at the emulator."""
        return f"bsc_{Account.from_key(self._wallet).address}"

    def make_ready(self) -> None:
        """Workspace with a wallet of its own, so that no bot trades on what another left."""
        wallet = {"login": "evm_wallet", "secret": self._wallet, "request_key": ""}
        self.prepare(wallet)
        preset = self.root / "conf" / "controllers" / f"{self.way.name}.yml"
        if self.way.controller is None:
            preset.unlink()
        else:
            own = {} if self.way.script == "script_stock" else yaml.safe_load(preset.read_text())
            own.update(id=self.way.name, connector_name=CONNECTOR, trading_pair=PAIR, **self.way.controller)
            preset.write_text(yaml.safe_dump(own, sort_keys=False))
        shutil.copy(HERE / "probe.py", self.root / "bench_probe.py")
        shutil.copy(HERE / "probe_names.py", self.root / "probe_names.py")
        shutil.copy(HERE / f"{self.way.script}.py", self.root / "scripts")
        shutil.copy(HERE / "stock_maker.py", self.root / "controllers" / "market_making")
        controllers = [] if self.way.controller is None else [preset.name]
        script = {"script_file_name": f"{self.way.script}.py", "controllers_config": controllers,
                  **self.way.script_fields}
        (self.root / "conf" / "scripts" / "bench.yml").write_text(yaml.safe_dump(script))
        if self.way.tick_s is not None:
            client = self.root / "conf" / "conf_client.yml"
            client.write_text(yaml.safe_dump({**yaml.safe_load(client.read_text()), "tick_size": self.way.tick_s}))

    def change(self, **settings: Any) -> None:
        """Write other values into the controller's file, which the running bot reloads."""
        path = self.root / "conf" / "controllers" / f"{self.way.name}.yml"
        draft = path.with_suffix(".draft")
        draft.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **settings}, sort_keys=False))
        draft.replace(path)

    def stop_executors(self, is_on: bool) -> None:
        """Have the probe stop one executor after the other, or no more."""
        flag = self.root / STOPS_FLAG
        if is_on:
            flag.touch()
        else:
            flag.unlink(missing_ok=True)

    def start(self) -> None:
        with (self.root / "engine.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hummingbot.cli.engine", "--name", "bench", "--script-config", "bench.yml"],
                cwd=self.root, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                process_group=0)

    def wait_until_frames(self) -> None:
        """Wait until the bot sees the market."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not any(row["kind"] == "second" and row["frames"] for row in self.rows()):
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.way.name}: no market frame within {START_TIMEOUT_S:g} s")
            time.sleep(0.3)

    def check(self) -> None:
        """Raise RuntimeError with its last words when the engine has ended."""
        if self._process is None or self._process.poll() is not None:
            logs = [*(self.root / "logs").glob("*.log"), self.root / "engine.log"]
            last = [line for log in logs if log.exists() for line in log.read_text().splitlines()[-8:]]
            raise RuntimeError(f"{self.way.name}: the bot ended: {' | '.join(last)}")

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.way.name} was not started")
        return self._process.pid

    def ask_to_stop(self) -> None:
        """Begin the stop; ``stop`` waits for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Wait for the stop; what hangs is killed with everything it started."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    def rows(self) -> list[dict[str, Any]]:
        """Everything the probe has written so far."""
        path = self.root / SAMPLES
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]
