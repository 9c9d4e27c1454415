"""The README's walk-through of a bot against the emulator, run word for word by a shell."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil

from tests.e2e.line import until

REPO = Path(__file__).resolve().parents[2]
README = (REPO / "README.md").read_text()
PORT = "8710"


def blocks(heading: str) -> list[str]:
    """The ``bash`` blocks of a section."""
    section = README.split(f"\n### {heading}\n")[1].split("\n### ")[0]
    return re.findall(r"```bash\n(.*?)```", section, re.DOTALL)


def shell(folder: Path, environment: dict[str, str], script: str) -> str:
    """Output of a script whose every line, and every part of a pipe, must end with 0."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def account(port: str) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_control/accounts/demo", timeout=5) as answer:
        return json.load(answer)  # type: ignore[no-any-return]


def sides(port: str) -> set[str]:
    return {order["side"] for order in account(port)["open_orders"]}  # type: ignore[attr-defined]


def serves(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def test_the_walk_through_works_as_written(tmp_path: Path, environment: dict[str, str]) -> None:
    """A workspace, a venue, keys, a bot that quotes, its status and its end; only the port is a free one."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    port = free_port()
    [made], [venue, bot] = blocks("1. A workspace")[:1], blocks("2. Against the emulator")
    before, status, after = re.split(r"^(?=.* status\n)|(?<= status\n)", bot, flags=re.MULTILINE)
    setting_out = "".join(line for line in bot.splitlines(keepends=True) if line.startswith(("cd ", "export ")))
    assert PORT in venue and PORT in bot and "hbx start" in before and "stop" in after
    environment = {name: value for name, value in environment.items() if not name.startswith(("HBOT_", "HBX_STANDX"))}
    environment["PYTHONPATH"] = str(REPO)

    def run(script: str) -> str:
        return shell(tmp_path, environment, script.replace(PORT, port))

    assert "workspace" in run(made)
    emulator = subprocess.Popen(
        ["bash", "-c", "exec " + venue.replace(PORT, port)], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: serves(port) or emulator.poll() is not None, 180, "the emulator")
        run(before)
        until(lambda: sides(port) == {"buy", "sell"}, 180, "a quote on both sides")
        assert "state: running" in run(setting_out + status)
        run(setting_out + after)
        assert account(port)["open_orders"] == []
        assert not (tmp_path / "my-bot" / "data" / "bot" / "bot.pid").exists()
    finally:
        pid_file = tmp_path / "my-bot" / "data" / "bot" / "bot.pid"
        if pid_file.exists():
            psutil.Process(int(pid_file.read_text())).kill()
        emulator.send_signal(signal.SIGTERM)
        _output, errors = emulator.communicate(timeout=60)
    assert (emulator.returncode, errors) == (0, "")
