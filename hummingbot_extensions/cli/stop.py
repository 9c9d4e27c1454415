"""``hbx stop``: stop a bot through Hummingbot's own command line, and say whether its venue holds nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hummingbot_extensions.cli.output import ExitCode, Failure, show
from hummingbot_extensions.cli.workspace import found_workspace
from hummingbot_extensions.execution import state_file

NOTE = state_file.FOLDER / state_file.MAY_REST
"""The bot takes it away once its venue has said that nothing rests."""
UNVERIFIED = "a stop was asked for and has not been verified"


def stop(
    workspace: Annotated[
        Path | None, typer.Option("--workspace", help="Default: the current folder or one above it.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for the end.", min=1)] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Stop the bot: 0 only when the venue has said that none of its orders rests, else the list of what may."""
    root = found_workspace(workspace)
    note = root / NOTE
    # Only a verified stop takes this away: a bot that dies half-way must not look like one that ended clean.
    _write_if_none(note)
    command = [sys.executable, "-m", "hummingbot.cli.main", "stop", "--timeout", f"{timeout:g}"]
    done = subprocess.run(command, cwd=root, check=False, text=True, capture_output=True)
    if done.returncode in (ExitCode.NOT_FOUND, ExitCode.NOT_RUNNING):
        _take_back(note)
    if done.returncode != 0:
        print((done.stdout + done.stderr).strip(), file=sys.stderr)
        raise typer.Exit(done.returncode)
    if note.exists():
        raise Failure(
            f"the bot has ended, and orders of it may still rest at the venue: {_listed(note)}",
            "look there and cancel them, or start the bot again, which cancels what it left",
        )
    show({"stopped": True, "verified": True}, ["stopped; the venue holds no order of this bot"], as_json)


def _write_if_none(note: Path) -> None:
    if not note.exists():
        content = {"at": datetime.now(UTC).isoformat(), "why": UNVERIFIED, "unanswered": [], "may_rest": []}
        state_file.write(note, json.dumps(content).encode() + b"\n")


def _take_back(note: Path) -> None:
    """Nothing was stopped, so nothing is unverified; a list that an earlier stop left stays."""
    if _content(note).get("why") == UNVERIFIED:
        note.unlink()


def _listed(note: Path) -> str:
    """The orders of the note in words."""
    content = _content(note)
    orders = [
        f"{order['client_order_id']} {order['side']} {order['size']} @ {order['price']}"
        if order.get("size") is not None
        else str(order["client_order_id"])
        for order in content.get("may_rest", [])
    ]
    silent = [f"{name} did not answer" for name in content.get("unanswered", [])]
    return "; ".join(orders + silent) or str(content.get("why") or f"see {note}")


def _content(note: Path) -> dict[str, Any]:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
