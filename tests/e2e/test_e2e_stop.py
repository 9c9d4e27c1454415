"""A stop says by its exit code whether the venue holds nothing of ours, whatever the venue does to the cancels."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from typing import Any

import pytest

from tests.e2e.line import CONTROLLER, Emulator, Workspace, hbx_command, until

ENGINE = [sys.executable, "-m", "hummingbot.cli.engine", "--name", "by_script", "--script-config", "by_script.yml"]


def fault(emulator: Emulator, **what: Any) -> None:
    """Switch a fault of the emulator on."""
    request = urllib.request.Request(
        f"{emulator.url}/_control/faults", json.dumps(what).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


def heal(emulator: Emulator) -> None:
    urllib.request.urlopen(
        urllib.request.Request(f"{emulator.url}/_control/faults", method="DELETE"), timeout=10).close()


class Attached:
    """A bot in the foreground."""

    def __init__(self, workspace: Workspace, command: list[str]) -> None:
        self._workspace = workspace
        self._process = subprocess.Popen(
            command, cwd=workspace.root, env=workspace.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def end(self, *signals: signal.Signals) -> tuple[int, str]:
        """Send the signals, half a second apart, and wait; exit code and everything it printed."""
        for number in signals:
            self._process.send_signal(number)
            time.sleep(0.5)
        output, _none = self._process.communicate(timeout=300)
        self._workspace.said.append(output)
        return self._process.returncode, output

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@pytest.mark.parametrize(("command", "signals"), [
    (ENGINE, (signal.SIGINT, signal.SIGINT, signal.SIGINT)),
    (ENGINE, (signal.SIGTERM, signal.SIGINT)),
    (hbx_command("start", f"{CONTROLLER}.yml", "--foreground"), (signal.SIGINT, signal.SIGTERM)),
])
def test_a_second_signal_does_not_skip_the_cancels(
    free_workspace: Workspace, emulator: Emulator, command: list[str], signals: tuple[signal.Signals, ...]
) -> None:
    """Whoever loses patience gets the same clean end: 0, and nothing at the venue."""
    bot = Attached(free_workspace, command)
    try:
        emulator.wait_for_quotes()
        code, output = bot.end(*signals)
        assert code == 0, output
        assert emulator.account()["open_orders"] == []
    finally:
        bot.kill()


def test_a_stop_that_the_venue_does_not_confirm_ends_with_1_and_a_list_and_the_next_start_clears_it(
    free_workspace: Workspace, emulator: Emulator
) -> None:
    """Cancels are taken and never done: code, screen, log and file name each order; the next start cancels them."""
    bot = Attached(free_workspace, ENGINE)
    note = free_workspace.root / "data" / "state" / "may_rest.json"
    try:
        emulator.wait_for_quotes()
        fault(emulator, name="cancel_ignored", count=1_000_000)
        code, output = bot.end(signal.SIGTERM)
        resting = {row["cl_ord_id"] for row in emulator.account()["open_orders"]}
        assert code == 1 and len(resting) == 2, output
        assert {one["client_order_id"] for one in json.loads(note.read_text())["may_rest"]} == resting
        for client_order_id in resting:
            assert client_order_id in output and client_order_id in free_workspace.log_text()
        assert free_workspace.bot_pid is None
    finally:
        bot.kill()
        heal(emulator)
    again = Attached(free_workspace, ENGINE)
    try:
        until(lambda: not resting & {row["cl_ord_id"] for row in emulator.account()["open_orders"]}, 180,
              "the sweep of what was left")
        emulator.wait_for_quotes()
        code, output = again.end(signal.SIGTERM)
        assert code == 0, output
        assert emulator.account()["open_orders"] == [] and not note.exists()
    finally:
        again.kill()


def test_a_stop_waits_for_a_venue_that_fails_at_first(free_workspace: Workspace, emulator: Emulator) -> None:
    """The first cancels are answered by 502 and the first lists too: verified a little later, code 0."""
    bot = Attached(free_workspace, ENGINE)
    try:
        emulator.wait_for_quotes()
        fault(emulator, name="http_status", status=502, endpoint="/api/query_open_orders", count=3)
        fault(emulator, name="cancel_ignored", count=3)
        code, output = bot.end(signal.SIGTERM)
        assert code == 0, output
        assert emulator.account()["open_orders"] == []
    finally:
        bot.kill()
        heal(emulator)


def test_hbx_stop_tells_a_verified_end_from_one_that_is_not(free_workspace: Workspace, emulator: Emulator) -> None:
    """The exit code of ``hbx stop`` is the venue's word; ``hbot stop`` says 0 either way."""
    note = free_workspace.root / "data" / "state" / "may_rest.json"
    start, stop = hbx_command("start", f"{CONTROLLER}.yml"), hbx_command("stop", "--timeout", "180")

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=free_workspace.root, env=free_workspace.environment, text=True,
                              capture_output=True, timeout=300, check=False)

    nothing_runs = run(stop)
    assert nothing_runs.returncode in (2, 3) and not note.exists(), nothing_runs
    started = run(start)
    assert started.returncode == 0, started
    emulator.wait_for_quotes()
    fault(emulator, name="cancel_ignored", count=1_000_000)
    unverified = run(stop)
    resting = {row["cl_ord_id"] for row in emulator.account()["open_orders"]}
    heal(emulator)
    assert unverified.returncode == 1 and resting and all(key in unverified.stderr for key in resting), unverified
    assert run(start).returncode == 0
    emulator.wait_for_quotes()
    verified = run(stop)
    assert verified.returncode == 0 and not note.exists(), verified
    assert emulator.account()["open_orders"] == []
