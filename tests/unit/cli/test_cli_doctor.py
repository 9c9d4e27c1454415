"""The rows of ``hbx doctor``, each with a fault planted."""

from __future__ import annotations

import importlib.metadata
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hummingbot_extensions.cli import doctor
from hummingbot_extensions.cli.placing import Manifest

Hbx = Callable[..., Any]


@pytest.fixture
def workspace(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound workspace whose Hummingbot is not really asked for its connectors."""
    Manifest(hummingbot="20260922").write(root)
    (root / "data").mkdir()
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "20260922")
    listed = SimpleNamespace(stdout=json.dumps(doctor.OUR_CONNECTORS), stderr="")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: listed)
    monkeypatch.setattr(doctor, "EMULATOR_PORT", free_port())
    return root


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rows(hbx: Hbx, workspace: Path, code: int) -> dict[str, dict[str, str]]:
    """The answer by check; every row that is not ok must name a fix."""
    result = hbx("doctor", "--workspace", workspace, "--json")
    assert result.exit_code == code, result.output
    found = {row["check"]: row for row in json.loads(result.output)["rows"]}
    assert all(row["fix"] for row in found.values() if row["state"] != "ok")
    return found


def test_a_sound_workspace_passes(workspace: Path, hbx: Hbx) -> None:
    """Nothing fails; what cannot be known is a warning."""
    found = rows(hbx, workspace, 0)
    assert found["its Hummingbot"]["state"] == found["connectors"]["state"] == found["disk"]["state"] == "ok"
    assert found["clock"]["state"] == "warn"


@pytest.mark.parametrize(
    ("name", "content", "check", "told"),
    [
        (
            "conf/conf_client.yml",
            "paper_trade:\n  paper_trade_exchanges: [standx_perpetual]\n",
            "client settings",
            "standx_perpetual",
        ),
        (
            "conf/conf_client.yml",
            "paper_trade:\n  paper_trade_exchanges: [standx_perpetual_paper_trade]\n",
            "client settings",
            "spot paper trading",
        ),
        ("conf/conf_client.yml", "a: [\n", "client settings", "conf_client.yml"),
        ("conf/controllers/half.yml", "a: [\n", "half.yml", "line 2"),
    ],
)
def test_a_planted_settings_fault_fails(
    workspace: Path, hbx: Hbx, name: str, content: str, check: str, told: str
) -> None:
    """The row of the file fails and names what is wrong."""
    (workspace / name).parent.mkdir(parents=True, exist_ok=True)
    (workspace / name).write_text(content)
    row = rows(hbx, workspace, 1)[check]
    assert row["state"] == "fail" and told in row["finding"]


def test_volume_reports_are_a_warning(workspace: Path, hbx: Hbx) -> None:
    """Hummingbot's reporting of traded volume is pointed at when it is on."""
    (workspace / "conf" / "conf_client.yml").write_text(
        "anonymized_metrics_mode:\n  anonymized_metrics_interval_min: 15\n"
    )
    assert rows(hbx, workspace, 0)["client settings"]["state"] == "warn"


def test_a_stale_copy_of_hummingbot_fails(workspace: Path, hbx: Hbx) -> None:
    """A workspace made from another release than the installed one names the refresh."""
    Manifest(hummingbot="20250101").write(workspace)
    row = rows(hbx, workspace, 1)["its Hummingbot"]
    assert row["state"] == "fail" and "--refresh" in row["fix"]


def test_an_unsupported_root_fails(workspace: Path, hbx: Hbx) -> None:
    """In a root that is not a copy of ours, Hummingbot's own version is held against the tested ones."""
    Manifest().write(workspace)
    assert rows(hbx, workspace, 0)["its Hummingbot"]["state"] == "ok"
    (workspace / "hummingbot" / "VERSION").write_text("dev-1.0.0")
    assert "dev-1.0.0" in rows(hbx, workspace, 1)["its Hummingbot"]["finding"]


def test_connectors_that_are_not_found_fail(workspace: Path, hbx: Hbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both an incomplete list and a Hummingbot that does not start are failures."""
    for stdout in ('["binance"]', "", "Traceback\n"):
        answer = SimpleNamespace(stdout=stdout, stderr="ImportError: no")
        monkeypatch.setattr(doctor.subprocess, "run", lambda *_, answer=answer, **__: answer)
        assert rows(hbx, workspace, 1)["connectors"]["state"] == "fail"


def test_a_folder_that_cannot_be_written_fails(workspace: Path, hbx: Hbx) -> None:
    """The write test is a real write, into data/."""
    (workspace / "data").rmdir()
    (workspace / "data").write_text("a file in the way")
    assert rows(hbx, workspace, 1)["disk"]["state"] == "fail"


def test_without_a_workspace_the_machine_is_checked(tmp_path: Path, hbx: Hbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """No workspace is a warning when none was named, and a failure when one was."""
    monkeypatch.setattr(doctor, "EMULATOR_PORT", free_port())
    monkeypatch.chdir(tmp_path)
    found = json.loads(hbx("doctor", "--json").output)["rows"]
    assert {row["check"]: row["state"] for row in found}["workspace"] == "warn"
    assert rows(hbx, tmp_path, 1)["workspace"]["state"] == "fail"


@contextmanager
def listener(answer: bytes) -> Iterator[int]:
    """A loopback server that answers every connection with the same bytes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _address = server.accept()
            except OSError:
                return
            with client:
                client.recv(4096)
                client.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"])
def test_a_port_taken_by_something_else_is_a_warning(
    workspace: Path, hbx: Hbx, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    """Whatever it speaks, doctor goes on and says how to use another port."""
    with listener(answer) as port:
        monkeypatch.setattr(doctor, "EMULATOR_PORT", port)
        found = rows(hbx, workspace, 0)
    assert {check: row["state"] for check, row in found.items() if check.startswith("port")} == {f"port {port}": "warn"}


@pytest.mark.parametrize(("skew_s", "state"), [(0.0, "ok"), (5.0, "warn"), (60.0, "fail")])
def test_the_clock_is_held_against_the_emulators(
    workspace: Path, hbx: Hbx, monkeypatch: pytest.MonkeyPatch, skew_s: float, state: str
) -> None:
    """Two seconds apart is a warning, ten a failure: signed requests would be refused."""
    monkeypatch.setattr(doctor, "_emulator_time", lambda _address: doctor.time.time() + skew_s)
    assert rows(hbx, workspace, 1 if state == "fail" else 0)["clock"]["state"] == state
