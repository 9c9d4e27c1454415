"""Every way to start a bot ends in quotes on both sides at the venue, and every way to stop it in none."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.e2e.line import CONNECTOR, CONTROLLER, Emulator, Workspace, hbot_command, hbx_command, until

DETACHED = {
    "hbx start FILE": (hbx_command("start", f"{CONTROLLER}.yml"), "v2_with_controllers"),
    "hbx start --script --conf": (
        hbx_command("start", "--script", "v2_perp_market_making", "--conf", "by_script.yml"), "v2_perp_market_making"),
    "hbot start --controller": (hbot_command("start", "--controller", f"{CONTROLLER}.yml"), "v2_with_controllers"),
    "hbot start --controller again": (
        hbot_command("start", "--controller", f"{CONTROLLER}.yml"), "v2_with_controllers"),
    "hbot start --v2-script": (hbot_command("start", "--v2-script", "by_script.yml"), "v2_perp_market_making"),
}
ATTACHED = {
    "hbx start --foreground": (hbx_command("start", f"{CONTROLLER}.yml", "--foreground"), signal.SIGTERM),
    "engine": (
        [sys.executable, "-m", "hummingbot.cli.engine", "--name", "by_script", "--script-config", "by_script.yml"],
        signal.SIGINT),
}


def check_ended(workspace: Workspace, emulator: Emulator) -> None:
    """Venue and bot agree that nothing is left: no order, none of unknown outcome, the same position."""
    account, summary = emulator.account(), workspace.summary()
    assert account["open_orders"] == []
    assert summary.unsettled_orders == 0
    position = next((row["qty"] for row in account["positions"]), "0")
    assert summary.stopped is not None and float(summary.stopped["position"]) == float(position)
    assert workspace.bot_pid is None


@pytest.mark.parametrize("route", DETACHED)
def test_a_detached_bot_quotes_and_stops_clean(free_workspace: Workspace, emulator: Emulator, route: str) -> None:
    """It quotes both sides, ``hbot status`` has the controller's lines, ``hbot stop`` leaves no order."""
    command, strategy = DETACHED[route]
    done = free_workspace.run(command)
    assert done.returncode == 0, done.stdout + done.stderr
    emulator.wait_for_quotes()
    seen = [""]

    def is_shown() -> bool:  # quotes can rest before the script's own first tick, which comes once a second
        seen[0] = free_workspace.hbot("status")
        return f"{CONNECTOR} BTC-DUSD  quoting" in seen[0]

    until(is_shown, 180, lambda: f"the controller's lines in the status, which says {seen[0]}")
    assert f"strategy: {strategy}" in seen[0] and "time in band" in seen[0]
    free_workspace.hbot("stop", "--timeout", "150")
    check_ended(free_workspace, emulator)


@pytest.mark.parametrize("route", ATTACHED)
def test_an_attached_bot_ends_clean_on_a_signal(free_workspace: Workspace, emulator: Emulator, route: str) -> None:
    """In the foreground it quotes until a signal, and then ends with 0 and no order."""
    command, number = ATTACHED[route]
    process = subprocess.Popen(
        command, cwd=free_workspace.root, env=free_workspace.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        emulator.wait_for_quotes()
        process.send_signal(number)
        output, _none = process.communicate(timeout=240)
        free_workspace.said.append(output)
        assert process.returncode == 0, output
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    check_ended(free_workspace, emulator)


def test_a_second_bot_is_refused_and_the_first_obeys_its_kill_switch(
    free_workspace: Workspace, emulator: Emulator
) -> None:
    """One bot per workspace; ``manual_kill_switch`` in the running controller's file cancels all, and is taken back."""
    free_workspace.hbx("start", f"{CONTROLLER}.yml")
    emulator.wait_for_quotes()
    second = free_workspace.run(hbx_command("start", f"{CONTROLLER}.yml"))
    assert second.returncode == 1 and "a bot is already running" in second.stderr
    free_workspace.write_controller(manual_kill_switch=True)
    until(lambda: not emulator.sides(), 180, "the kill switch to cancel everything")
    assert "stopped" in free_workspace.hbot("status")
    assert not emulator.sides()
    free_workspace.write_controller(manual_kill_switch=False)
    emulator.wait_for_quotes()
    free_workspace.hbot("stop", "--timeout", "150")
    check_ended(free_workspace, emulator)
