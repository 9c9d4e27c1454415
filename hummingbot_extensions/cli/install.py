"""``hbx install`` and ``hbx uninstall``: the bundle in a Hummingbot that is already there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hummingbot_extensions.cli.hummingbot_root import checked_root
from hummingbot_extensions.cli.output import ExitCode, Failure, show
from hummingbot_extensions.cli.placing import Outcome, place, remove

Root = Annotated[Path, typer.Option("--root", help="Folder that contains hummingbot/.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done and do nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def install(
    root: Root,
    link: Annotated[
        bool, typer.Option("--link/--copy", help="Link connectors, controllers and scripts, or copy them.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Place connectors, controllers, scripts and conf into an existing Hummingbot, or renew them.

    Files that were there before, and ours that you edited, stay as they are.
    """
    outcome = place(checked_root(root), link, dry_run)
    show(asdict(outcome), outcome_lines(outcome, "would place" if dry_run else "placed", "placed"), as_json)


def uninstall(root: Root, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Remove exactly what install placed; files edited since are kept and named."""
    folder = root.expanduser().resolve()
    if not folder.is_dir():
        raise Failure(f"--root: no folder {folder}", "name the root that `hbx install` was given", ExitCode.NOT_FOUND)
    outcome = remove(folder, dry_run)
    show(asdict(outcome), outcome_lines(outcome, "would remove" if dry_run else "removed", "removed"), as_json)
    if outcome.kept:
        raise typer.Exit(ExitCode.ERROR)


def outcome_lines(outcome: Outcome, verb: str, which: str) -> list[str]:
    """Counts, then every file that was left alone and why."""
    return [
        f"{verb} {len(getattr(outcome, which))} files",
        *(f"kept {path}: it was edited or is not ours" for path in outcome.kept),
        *(f"new version beside it: {path}.new" for path in outcome.new_beside),
    ]
