"""Keys: listed, tested and refused by name; balances in dollars without another network; no secret on disk."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from hummingbot_extensions.emulator.identity import Identity
from tests.e2e.line import CONNECTOR, Emulator, Workspace


def expired(keys: dict[str, str]) -> dict[str, str]:
    """Keys whose token the venue itself once gave, and which ended a minute ago."""
    return {**keys, "secret": Identity(1).demo(time.time() - 120.0, 60).secret}


def forms_of(keys: dict[str, str], password: str) -> dict[str, bytes]:
    """Every text that would give a secret away: whole, the token's signed parts, and their usual encodings."""
    token, request_key = keys["secret"], keys["request_key"]
    _header, claims, signature = token.split(".")
    plain = {"token": token, "claims": claims, "signature": signature, "request key": request_key, "password": password}
    forms = {name: text.encode() for name, text in plain.items()}
    for name, text in plain.items():
        forms[f"{name} in base64"] = base64.b64encode(text.encode()).rstrip(b"=")
        forms[f"{name} in hex"] = text.encode().hex().encode()
    return forms


def leaks(forms: dict[str, bytes], files: Iterable[Path]) -> list[str]:
    """Which secret stands in which file."""
    return [f"{name} in {path}" for path in files for name, text in forms.items() if text in path.read_bytes()]


def files_below(root: Path) -> list[Path]:
    """Every file but Hummingbot's own code, which nobody writes to; our connectors in it are looked at."""
    own = root / "hummingbot" / "connector" / "derivative"
    return [
        path for path in root.rglob("*")
        if path.is_file() and (not path.is_relative_to(root / "hummingbot") or path.is_relative_to(own))]


def test_the_connectors_are_listed_and_the_keys_confirmed(workspace: Workspace) -> None:
    """``hbot connect`` knows both connectors, names three fields of ours, and the stored keys work."""
    listing = workspace.hbot("connect", "--all")
    assert "| standx_perpetual " in listing and f"| {CONNECTOR} " in listing
    fields = workspace.hbot("connect", CONNECTOR, "--fields")
    assert all(f"{CONNECTOR}_{name}" in fields for name in ("login", "secret", "request_key"))
    row = next(line for line in workspace.hbot("connect").splitlines() if line.startswith(f"| {CONNECTOR}"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [CONNECTOR, "yes", "yes", ""]


LOOPBACK_ONLY = """
import runpy, sys
def watch(event, details):
    if event not in ("socket.getaddrinfo", "socket.connect"):
        return
    host = details[0] if event == "socket.getaddrinfo" else details[1]
    host = host[0] if isinstance(host, tuple) else host
    if host not in ("127.0.0.1", "localhost", "::1"):
        print("ASKED", host, file=sys.stderr)
        raise PermissionError(f"no network for {host}")
sys.addaudithook(watch)
sys.argv = ["hbot", *sys.argv[1:]]
runpy.run_module("hummingbot.cli.main", run_name="__main__")
"""


def test_balances_are_valued_in_dollars_without_another_network(workspace: Workspace, emulator: Emulator) -> None:
    """The total is the account's equity in USD, and no host but this machine is resolved or connected to for it."""
    done = workspace.run([sys.executable, "-c", LOOPBACK_ONLY, "balance", "--json"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["net_value_total"] == pytest.approx(float(emulator.account()["equity"]))
    assert "ASKED" not in done.stderr


def test_another_host_is_noticed(workspace: Workspace) -> None:
    """The watch itself fails on a price source beyond this machine, so that the test above means something."""
    probe = LOOPBACK_ONLY.split("runpy.run_module")[0] + "import socket; socket.create_connection(('192.0.2.1', 9))"
    done = workspace.run([sys.executable, "-c", probe])
    assert done.returncode == 1 and "ASKED 192.0.2.1" in done.stderr


def test_stored_keys_are_not_overwritten_unasked(workspace: Workspace, emulator: Emulator) -> None:
    """A second ``hbot connect`` ends with 4 and the keys that work stay."""
    store = workspace.root / "conf" / "connectors" / f"{CONNECTOR}.yml"
    before = store.read_bytes()
    done = workspace.connect(expired(emulator.keys))
    assert done.returncode == 4 and "already exist" in done.stderr
    assert store.read_bytes() == before


@pytest.mark.parametrize(
    ("fault", "field", "told"),
    [
        ({"secret": "not-a-token"}, "secret", "JWT"),
        ("expired", "secret", "expired"),
        ({"request_key": "0OIl"}, "request_key", "base58"),
        ({"login": "paper_key"}, "login", "web_token"),
    ],
)
def test_a_wrong_key_is_named_with_its_fix(
    spare: Workspace, emulator: Emulator, fault: dict[str, str] | str, field: str, told: str
) -> None:
    """``hbot connect`` refuses before it stores: one line with the field and the fix, never the value; ends with 4."""
    keys = expired(emulator.keys) if fault == "expired" else {**emulator.keys, **fault}  # type: ignore[dict-item]
    placed = emulator.account()["orders_placed"]
    store = spare.root / "conf" / "connectors" / f"{CONNECTOR}.yml"
    before = store.read_bytes() if store.exists() else None
    done = spare.connect(keys, "--replace")
    said = done.stdout + done.stderr
    assert done.returncode == 4, said
    assert f"{CONNECTOR}_{field}: " in done.stderr and told in done.stderr, said
    assert len(done.stderr.strip().splitlines()) == 1, said
    assert "Traceback" not in said and keys["secret"] not in said and keys["request_key"] not in said
    assert (store.read_bytes() if store.exists() else None) == before
    assert emulator.account()["orders_placed"] == placed


def test_no_secret_is_on_disk_after_a_run_at_debug(free_workspace: Workspace, emulator: Emulator) -> None:
    """With every logger at DEBUG, a run leaves token, request key and password in no file and in no output."""
    forms = forms_of(emulator.keys, free_workspace.environment["HBOT_PASSWORD"])
    free_workspace.hbot("start", "--v2-script", "by_script.yml")
    emulator.wait_for_quotes()
    free_workspace.hbot("status", "--json")
    free_workspace.hbot("stop", "--timeout", "150")
    assert " - DEBUG - " in free_workspace.log_text(), "the run was not at DEBUG, so it proves nothing"
    files = files_below(free_workspace.root)
    names = {path.relative_to(free_workspace.root).parts[0] for path in files}
    assert {"conf", "data", "logs"} <= names
    assert any(path.suffix == ".jsonl" for path in files) and any(path.suffix == ".sqlite" for path in files)
    assert leaks(forms, [*files, emulator.log]) == []
    said = "".join(free_workspace.said).encode()
    assert [name for name, text in forms.items() if text in said] == []


def test_a_planted_secret_is_found(tmp_path: Path, emulator: Emulator) -> None:
    """The search itself finds each secret, alone in a long file."""
    for name, text in forms_of(emulator.keys, "canary-password").items():
        path = tmp_path / "run.log"
        path.write_bytes(b"x" * 100_000 + text + b"y" * 100)
        assert any(found.startswith(name) for found in leaks(forms_of(emulator.keys, "canary-password"), [path]))
