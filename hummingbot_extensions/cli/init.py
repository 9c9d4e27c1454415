"""``hbx init``: a workspace, that is a Hummingbot of its own with the bundle in it. One bot runs per workspace."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from hummingbot_extensions.cli.hummingbot_root import check_version, installed_package, version_of
from hummingbot_extensions.cli.install import outcome_lines
from hummingbot_extensions.cli.output import ExitCode, Failure, show
from hummingbot_extensions.cli.placing import CONNECTORS_AT, MANIFEST, Manifest, place

FOLDERS = ("conf/connectors", "conf/strategies", "conf/scripts", "conf/controllers", "logs", "data")
USD_TOKENS = ("USD", "USDT", "USDC", "DUSD")


def init(
    workspace: Annotated[Path, typer.Argument(help="Folder to make the workspace in.")],
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Renew Hummingbot and our files; keep what you edited.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link/--copy", help="Link our code instead of copying it (for developing it).")
    ] = False,
    rates_from: Annotated[str, typer.Option(help="Connector whose prices value balances in USD.")] = "standx_perpetual",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a workspace: a hard-linked copy of the installed Hummingbot, the bundle, and a client configuration."""
    root = workspace.expanduser().resolve()
    is_workspace = (root / MANIFEST).exists()
    if refresh and not is_workspace:
        raise Failure(f"{root} is no workspace", f"run `hbx init {workspace}` first", ExitCode.NOT_FOUND)
    if not refresh and root.exists() and (not root.is_dir() or any(root.iterdir())) and not _is_interrupted(root):
        fix = f"use `hbx init {workspace} --refresh`" if is_workspace else "name a new or an empty folder"
        raise Failure(f"{root} exists and is not empty", fix, ExitCode.CONFIG_ERROR)
    if refresh and _is_running(root):
        raise Failure(f"a bot runs in {root}", "stop it first (`hbot stop`)", ExitCode.ERROR)
    package = installed_package()
    check_version(package, "beside hbx is")
    if not dry_run:
        root.mkdir(parents=True, exist_ok=True)
        if not is_workspace:  # first of all: what an interruption leaves is then known as ours
            Manifest().write(root)
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)
        copy_package(package, root / "hummingbot")
        _write_client_config(root / "conf" / "conf_client.yml", rates_from)
    outcome = place(root, link, dry_run, importlib.metadata.version("hummingbot"))
    record = {"workspace": str(root), "hummingbot": version_of(package), **asdict(outcome)}
    show(
        record,
        [
            f"workspace {root}, Hummingbot {version_of(package)}",
            *outcome_lines(outcome, "would place" if dry_run else "placed", "placed"),
        ],
        as_json,
    )


def copy_package(source: Path, target: Path) -> None:
    """Hard-linked copy of a package, or a plain one where links are not possible; an older copy is replaced whole.

    It is built beside the target and moved into place, so that an interruption leaves the old one or none.
    Our connectors in an older copy are placed anew by the caller.
    """
    draft, old = target.with_name("hummingbot.new"), target.with_name("hummingbot.old")
    if old.exists() and not target.exists():  # an earlier run was cut short between the two moves
        old.rename(target)
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft, copy_function=_link_or_copy)
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        draft.rename(target)
        _carry_edited(old / CONNECTORS_AT.relative_to("hummingbot"), target / CONNECTORS_AT.relative_to("hummingbot"))
        shutil.rmtree(old)
    else:
        draft.rename(target)


def _carry_edited(old: Path, new: Path) -> None:
    """Keep connector folders that are not part of Hummingbot: ours, perhaps edited, and the user's own."""
    for folder in old.iterdir():
        if not (new / folder.name).exists():
            if folder.is_symlink():
                (new / folder.name).symlink_to(os.readlink(folder))
            elif folder.is_dir():
                shutil.copytree(folder, new / folder.name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _write_client_config(path: Path, rates_from: str) -> None:
    """Client settings where there are none: no volume reported, dollars of every kind at par, rates from the venue."""
    if path.exists():
        return
    settings: dict[str, Any] = {
        "anonymized_metrics_mode": {},
        "global_token": {
            "global_token_name": "USDT",
            "global_token_symbol": "$",
            "usd_equivalent_tokens": list(USD_TOKENS),
        },
        "rate_oracle_source": {"name": rates_from},
    }
    path.write_text(yaml.safe_dump(settings, sort_keys=False))


def _is_interrupted(root: Path) -> bool:
    """Whether an earlier init was cut short here, before its first file of ours was in place."""
    manifest = Manifest.read(root)
    return manifest is not None and not manifest.hummingbot and not manifest.files and not manifest.links


def _is_running(root: Path) -> bool:
    pid_file = root / "data" / "bot" / "bot.pid"
    try:
        os.kill(int(pid_file.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True
