"""``hbx trades``: the trade log of a run, made from its event log."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from hummingbot_extensions.cli.output import ExitCode, Failure, show
from hummingbot_extensions.cli.workspace import found_workspace
from hummingbot_extensions.monitoring.event_log import parts
from hummingbot_extensions.monitoring.trade_log import TradeLog, events_of, file_name, lines_of

POLL_S = 0.5


def trades(
    run: Annotated[
        str | None,
        typer.Argument(help="Controller id, event log or the beginning of its name; without it the newest start."),
    ] = None,
    workspace: Annotated[Path | None, typer.Option(help="Workspace; default is the one you stand in.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the run ends, as lines come.")] = False,
    detailed: Annotated[
        bool, typer.Option("--detailed", help="Also what the strategy thought: quotes, silences, updates, markouts.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write logs/mm_trades_....log instead of printing.")] = False,
    every: Annotated[bool, typer.Option("--all", help="With --write: one file for every start there was.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --write: only say which files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as one JSON object.")] = False,
) -> None:
    """Print or write the trade log of a run: placements, cancels with their reason, fills, stops."""
    if every and not write or follow and (write or as_json):
        raise Failure(
            "--all goes with --write; --follow prints, and goes with neither --write nor --json",
            "leave one of them out",
        )
    where = found_workspace(workspace)
    logs = _all_logs(where) if every else [_found_log(where, run)]
    if not write:
        lines = _lines(logs[0], detailed, follow)
        if as_json:
            show({"events": str(logs[0]), "lines": list(lines)}, [], as_json)
            return
        for line in lines:
            print(line, flush=follow)
        return
    files = [where / "logs" / file_name(log, log.parent.name) for log in logs]
    if not dry_run:
        for log, file in zip(logs, files, strict=True):
            _write(file, _lines(log, detailed, False))
    verb = "would write" if dry_run else "wrote"
    show({"files": [str(file) for file in files]}, [f"{verb} {file}" for file in files], as_json)


def _all_logs(workspace: Path) -> list[Path]:
    """Event logs of every start in a workspace, oldest first."""
    logs = sorted((workspace / "logs" / "events").glob("*/*.jsonl"), key=lambda path: path.name)
    if not logs:
        raise Failure(
            f"no event log in {workspace / 'logs' / 'events'}", "start a bot first, or name a workspace that had one",
            ExitCode.NOT_FOUND)  # fmt: skip
    return logs


def _found_log(workspace: Path, run: str | None) -> Path:
    """The event log that ``run`` names; the newest where several do."""
    if run is not None and Path(run).is_file():
        return Path(run)
    logs = _all_logs(workspace)
    named = [log for log in logs if run is None or run == log.parent.name or log.name.startswith(run)]
    if not named:
        ids = ", ".join(sorted({log.parent.name for log in logs}))
        raise Failure(f"no run {run} in {workspace}", f"name a controller that ran: {ids}", ExitCode.NOT_FOUND)
    return named[-1]


def _lines(log: Path, is_detailed: bool, is_following: bool) -> Iterator[str]:
    """Lines of the run's whole event log, rotated files first; ``is_following`` goes on until it says it stopped."""
    trade_log = TradeLog(is_detailed)
    for part in parts(log)[:-1]:
        yield from lines_of(events_of(part.read_bytes()), trade_log)
    file = log.open("rb")
    try:
        while True:
            is_last = _is_rotated(log, file)
            whole, is_ended = _whole_lines(file, is_torn_too=not is_following or is_last)
            yield from lines_of(events_of(whole), trade_log)
            if is_ended or not is_following:
                return
            if is_last and log.exists():
                file.close()
                file = log.open("rb")
            else:
                time.sleep(POLL_S)
    finally:
        file.close()


def _is_rotated(log: Path, file: BinaryIO) -> bool:
    """Whether what is being read has been renamed, so that nothing more will be written to it."""
    try:
        return log.stat().st_ino != os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return True


def _whole_lines(file: BinaryIO, is_torn_too: bool) -> tuple[bytes, bool]:
    """What has been written since the last reading, to the end of a line, and whether the run has ended with it."""
    data = file.read()
    if not is_torn_too:
        cut = data.rfind(b"\n") + 1
        file.seek(cut - len(data), os.SEEK_CUR)
        data = data[:cut]
    return data, any(event["kind"] == "stopped" for event in events_of(data))


def _write(path: Path, lines: Iterator[str]) -> None:
    """Replace ``path`` by the lines, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    draft.replace(path)
