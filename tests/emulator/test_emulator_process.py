"""The emulator as a process: files, signals, exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from scripted_market import ScriptedMarket, quiet_book

from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.emulator.serve import serve, write_private
from hummingbot_extensions.emulator.server import Handle, run_emulator

ROOT = Path(__file__).parents[2]


def test_imports_neither_hummingbot_nor_connectors() -> None:
    """The emulator stands without Hummingbot and shares no code with the connector that is tested against it."""
    code = (
        "import sys, hummingbot_extensions.emulator.serve, hummingbot_extensions.cli.emulate\n"
        "bad = ('hummingbot.', 'connectors', 'hummingbot_extensions.connector', 'hummingbot_extensions.feeds')\n"
        "print([name for name in sys.modules if name == 'hummingbot' or name.startswith(bad)])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def config(**more: object) -> EmulatorConfig:
    return EmulatorConfig(markets={"BTC-USD": ScriptedMarket(quiet_book())}, **more)  # type: ignore[arg-type]


@pytest.mark.asyncio
async def test_busy_port_is_one_clear_line() -> None:
    """A taken port is refused with its number and the fix, and nothing stays behind."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=rf"^port {port} is in use: .*--port 0"):
            async with run_emulator(config(port=port)):
                pass
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.real_clock
@pytest.mark.asyncio
async def test_serve_writes_files_and_ends_on_signal(tmp_path: Path) -> None:
    """Credentials are private and complete before the ready file names the port; SIGTERM ends serve normally."""
    credentials, ready = tmp_path / "demo.json", tmp_path / "ready.json"

    def on_ready(handle: Handle) -> None:
        note = json.loads(ready.read_text())
        assert note == {"url": handle.url, "port": handle.port, "pid": os.getpid(), "user": "demo"}
        os.kill(os.getpid(), signal.SIGTERM)

    await asyncio.wait_for(serve(config(), credentials, ready, on_ready), 10)
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    told = json.loads(credentials.read_text())
    assert set(told) == {"login", "secret", "request_key"} and told["login"] == "web_token"
    assert len(asyncio.all_tasks()) == 1


def test_unwritable_file_is_named(tmp_path: Path) -> None:
    """A file that cannot be written is named with the fix."""
    with pytest.raises(CannotServe, match="cannot write .*nowhere"):
        write_private(tmp_path / "nowhere" / "x.json", "{}")


def run_cli(*arguments: str) -> subprocess.Popen[str]:
    code = "from hummingbot_extensions.cli.emulate import app; app()"
    command = [sys.executable, "-c", code, "standx", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_cli_serves_synthetic_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """The command serves a synthetic market, says so in its ready file, and exits 0 on a signal."""
    ready = tmp_path / "ready.json"
    process = run_cli("--port", "0", "--ready-file", str(ready), "--json")
    try:
        deadline = time.monotonic() + 240
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.02)
        note = json.loads(ready.read_text())
        with urllib.request.urlopen(f"{note['url']}/_control/state", timeout=240) as answer:
            assert json.load(answer)["markets"]["BTC-USD"]["mark_price"] is not None
        process.send_signal(number)
        out, err = process.communicate(timeout=240)
        assert (process.returncode, err) == (0, "")
        assert json.loads(out) == note
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--market", "no/such/tape"], 2, "no such folder"),
        (["--balance", "much"], 4, "--balance"),
        (["--balance", "-1"], 4, "--balance"),
    ],
)
def test_cli_refuses(arguments: list[str], code: int, text: str) -> None:
    """Bad options end with hbot's exit codes and one line that names the option."""
    process = run_cli(*arguments)
    _, err = process.communicate(timeout=240)
    assert process.returncode == code and text in err and err.count("\n") == 1
