"""``hbx doctor``: is this machine and workspace fit to run; every row that is not ok names its fix."""

from __future__ import annotations

import http.client
import importlib.metadata
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hummingbot_extensions import HUMMINGBOT_VERSION, __version__
from hummingbot_extensions.cli.bot_process import ADDRESS_VARIABLE
from hummingbot_extensions.cli.doctor_row import Row
from hummingbot_extensions.cli.doctor_settings import settings_rows
from hummingbot_extensions.cli.hummingbot_root import SUPPORTED, version_of
from hummingbot_extensions.cli.output import ExitCode, Failure, show
from hummingbot_extensions.cli.placing import Manifest
from hummingbot_extensions.cli.workspace import checked_yaml, found_workspace
from hummingbot_extensions.kernels import fifo, ladder, levels

EMULATOR_PORT = 8710
OUR_CONNECTORS = ("standx_perpetual", "standx_perpetual_emulator")
LOW_DISK_BYTES = 1_000_000_000
CLOCK_SKEW_WARN_S = 2.0
CLOCK_SKEW_FAIL_S = 10.0


def doctor(
    workspace: Annotated[
        Path | None, typer.Option("--workspace", help="Default: the current folder or one above it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check Python, versions, kernels, workspace, connectors, settings, ports, clock and disk."""
    rows = [_python(), _hummingbot(), _kernels(), _port(), _clock()]
    try:
        root = found_workspace(workspace)
    except Failure as failure:
        rows.append(Row("workspace", "fail" if workspace else "warn", failure.what, failure.fix))
    else:
        rows += _workspace_rows(root)
    worst = "fail" if any(row.state == "fail" for row in rows) else "ok"
    width = max(len(row.check) for row in rows)
    show(
        {"bundle": __version__, "result": worst, "rows": [asdict(row) for row in rows]},
        [
            f"{row.state:4}  {row.check:{width}}  {row.finding}" + (f"  Fix: {row.fix}" if row.fix else "")
            for row in rows
        ],
        as_json,
    )
    if worst == "fail":
        raise typer.Exit(ExitCode.ERROR)


def _python() -> Row:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] == (3, 12):
        return Row("python", "ok", version)
    return Row("python", "fail", f"{version}, Hummingbot needs 3.12", "run `make test` with HBX_PYTHON=python3.12")


def _hummingbot() -> Row:
    try:
        found = importlib.metadata.version("hummingbot")
    except importlib.metadata.PackageNotFoundError:
        return Row("hummingbot", "fail", "not installed", f"pip install hummingbot=={HUMMINGBOT_VERSION}")
    if found == HUMMINGBOT_VERSION:
        return Row("hummingbot", "ok", found)
    return Row(
        "hummingbot",
        "fail",
        f"{found}, tested is {HUMMINGBOT_VERSION}",
        f"pip install hummingbot=={HUMMINGBOT_VERSION}",
    )


def _kernels() -> Row:
    if all(kernel.IS_COMPILED for kernel in (fifo, ladder, levels)):
        return Row("kernels", "ok", "compiled")
    return Row(
        "kernels", "warn", "pure Python: correct, slower", "install a C compiler and reinstall, unset HBX_PURE_PYTHON"
    )


def _port() -> Row:
    name = f"port {EMULATOR_PORT}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", EMULATOR_PORT))
        except OSError:
            if _emulator_time(f"http://127.0.0.1:{EMULATOR_PORT}") is not None:
                return Row(name, "ok", "an emulator answers")
            return Row(
                name,
                "warn",
                "taken by something else",
                f"hbx emulate standx --port 0, and set {ADDRESS_VARIABLE} to what it prints",
            )
    return Row(name, "ok", "free")


def _clock() -> Row:
    """Wall clock against the emulator's when one runs; there is nobody else to ask without a network."""
    started, wall = time.monotonic(), time.time()
    time.sleep(0.05)
    drift = abs((time.time() - wall) - (time.monotonic() - started))
    if drift > 0.02:
        return Row(
            "clock", "fail", f"wall clock jumps: {drift * 1e3:.0f} ms within 50 ms", "let NTP settle before trading"
        )
    address = os.environ.get(ADDRESS_VARIABLE, f"http://127.0.0.1:{EMULATOR_PORT}")
    theirs = _emulator_time(address)
    if theirs is None:
        return Row(
            "clock", "warn", "steady, but not compared: no emulator answers", "check that NTP runs (`timedatectl`)"
        )
    skew = abs(theirs - time.time())
    if skew > CLOCK_SKEW_WARN_S:
        state = "fail" if skew > CLOCK_SKEW_FAIL_S else "warn"
        return Row("clock", state, f"{skew:.1f} s away from the venue's", "let NTP set this machine's clock")
    return Row("clock", "ok", f"{skew:.2f} s away from the emulator's")


def _emulator_time(address: str) -> float | None:
    try:
        with urllib.request.urlopen(f"{address}/v1/region", timeout=2) as answer:
            return float(json.load(answer)["systemTime"]) / 1e3
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None


def _workspace_rows(root: Path) -> Iterator[Row]:
    yield Row("workspace", "ok", str(root))
    yield _package_copy(root)
    yield _connectors(root)
    yield _keys(root)
    yield _client_config(root)
    yield from _settings(root)
    yield _disk(root)


def _package_copy(root: Path) -> Row:
    manifest = Manifest.read(root)
    release = manifest.hummingbot if manifest else ""
    if not release:  # a root that was there before us: only its own word says what it is
        found = version_of(root / "hummingbot")
        if found in SUPPORTED:
            return Row("its Hummingbot", "ok", found)
        return Row(
            "its Hummingbot",
            "fail",
            f"{found or 'unknown'}, tested is {', '.join(sorted(SUPPORTED))}",
            f"use hummingbot=={HUMMINGBOT_VERSION}",
        )
    try:
        installed = importlib.metadata.version("hummingbot")
    except importlib.metadata.PackageNotFoundError:
        return Row(
            "its Hummingbot",
            "warn",
            f"{release}, not compared: none is installed beside hbx",
            f"pip install hummingbot=={HUMMINGBOT_VERSION}",
        )
    if release == installed:
        return Row("its Hummingbot", "ok", f"copy of {release}")
    return Row("its Hummingbot", "fail", f"copy of {release}, installed is {installed}", f"hbx init {root} --refresh")


def _connectors(root: Path) -> Row:
    """Ask the workspace's own Hummingbot, in a process of its own, which connectors it finds."""
    code = (
        "import json; from hummingbot.client.settings import AllConnectorSettings as A; "
        "print(json.dumps(sorted(A.get_connector_settings())))"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return Row("connectors", "fail", "Hummingbot did not list them within 120 s", f"hbx init {root} --refresh")
    try:
        found = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return Row("connectors", "fail", f"Hummingbot cannot list them: {last}", f"hbx init {root} --refresh")
    missing = [name for name in OUR_CONNECTORS if name not in found]
    if missing:
        return Row("connectors", "fail", f"not discovered: {', '.join(missing)}", f"hbx init {root} --refresh")
    return Row("connectors", "ok", ", ".join(OUR_CONNECTORS))


def _keys(root: Path) -> Row:
    if not (root / "conf" / ".password_verification").exists():
        return Row(
            "key store", "warn", "no key store yet", "hbot connect standx_perpetual (or standx_perpetual_emulator)"
        )
    stored = sorted(path.stem for path in (root / "conf" / "connectors").glob("*.yml"))
    ours = [name for name in stored if name in OUR_CONNECTORS]
    if not ours:
        return Row("key store", "warn", "holds no keys of our connectors", "hbot connect standx_perpetual")
    return Row("key store", "ok", ", ".join(ours))


def _client_config(root: Path) -> Row:
    path = root / "conf" / "conf_client.yml"
    try:
        content = checked_yaml(path)
    except (Failure, OSError) as error:
        return Row("client settings", "fail", str(error), f"hbx init {root} --refresh")
    paper = (content.get("paper_trade") or {}).get("paper_trade_exchanges") or []
    wrong = [name for name in paper if str(name).removesuffix("_paper_trade") in OUR_CONNECTORS]
    if wrong:
        return Row(
            "client settings",
            "fail",
            f"paper_trade_exchanges names {', '.join(wrong)}: spot paper trading only",
            "remove it, and use standx_perpetual_emulator",
        )
    if content.get("anonymized_metrics_mode"):
        return Row(
            "client settings",
            "warn",
            "Hummingbot reports traded volume",
            "anonymized_metrics_mode: {} in conf_client.yml",
        )
    return Row("client settings", "ok", "conf_client.yml")


def _settings(root: Path) -> Iterator[Row]:
    controllers = sorted((root / "conf" / "controllers").glob("*.yml"))
    readable = []
    for path in [*controllers, *sorted((root / "conf" / "scripts").glob("*.yml"))]:
        try:
            checked_yaml(path)
        except Failure as failure:
            yield Row(path.name, "fail", failure.what, failure.fix)
        else:
            readable.append(path)
    yield from settings_rows(root, [path.name for path in readable if path in controllers])


def _disk(root: Path) -> Row:
    free = shutil.disk_usage(root).free
    try:
        _write_probe(root / "data")
    except OSError as error:
        return Row("disk", "fail", f"cannot write in {root}: {error.strerror}", "free space, or make the folder yours")
    if free < LOW_DISK_BYTES:
        return Row("disk", "warn", f"{free / 1e9:.1f} GB free", "free some; logs and the trade database grow")
    return Row("disk", "ok", f"{free / 1e9:.1f} GB free")


def _write_probe(folder: Path) -> None:
    probe = folder / ".hbx-write-probe"
    probe.write_bytes(b"x" * 65_536)
    probe.unlink()
