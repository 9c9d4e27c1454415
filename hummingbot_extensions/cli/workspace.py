"""Finding a workspace and checking the files that a start would read, before Hummingbot reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.cli.placing import MANIFEST


def found_workspace(given: Path | None) -> Path:
    """The workspace named, else the current folder or the nearest one above it."""
    start = (given or Path.cwd()).expanduser().resolve()
    for folder in (start, *(start.parents if given is None else ())):
        if (folder / MANIFEST).is_file() and (folder / "hummingbot").is_dir():
            return folder
    raise Failure(
        f"{start} is no workspace" if given else f"no workspace at or above {start}",
        f"make one with `hbx init {given or 'FOLDER'}`, or name one with --workspace",
        ExitCode.NOT_FOUND,
    )


def config_file(workspace: Path, kind: str, name: str) -> Path:
    """Path of a file in ``conf/controllers`` or ``conf/scripts``; the ending .yml may be left out."""
    folder = workspace / "conf" / kind
    name = Path(name).name  # hbot knows these files by name alone; a path to one is as good
    for candidate in (folder / name, folder / f"{name}.yml"):
        if candidate.is_file():
            return candidate
    present = ", ".join(sorted(path.name for path in folder.glob("*.yml"))) or "none"
    raise Failure(f"no file {name} in {folder}", f"name one that is there: {present}", ExitCode.NOT_FOUND)


def checked_yaml(path: Path) -> dict[str, Any]:
    """Content of a settings file; a half-written one is refused with file and line."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise Failure(f"{path}{where}: {problem}", "mend that line", ExitCode.CONFIG_ERROR) from None
    except UnicodeDecodeError:
        raise Failure(f"{path} is not text in UTF-8", "save it as UTF-8", ExitCode.CONFIG_ERROR) from None
    if not isinstance(content, dict):
        raise Failure(
            f"{path} holds no settings", "write `field: value` lines, or copy the preset anew", ExitCode.CONFIG_ERROR
        )
    return content


def checked_controller(path: Path) -> dict[str, Any]:
    """Content of a controller file with the members that a loader needs; Hummingbot's spot paper trading is refused."""
    content = checked_yaml(path)
    for name in ("id", "controller_name", "controller_type"):
        if not content.get(name):
            raise Failure(f"{path}: {name} is missing", f"add `{name}:` as in the preset", ExitCode.CONFIG_ERROR)
    connector = str(content.get("connector_name", ""))
    if connector.endswith("_paper_trade"):
        venue = connector.removesuffix("_paper_trade")
        raise Failure(
            f"{path}: connector_name {connector} is Hummingbot's spot paper trading, which cannot hold a perpetual",
            f"use {venue}_emulator with `hbx emulate`",
            ExitCode.CONFIG_ERROR,
        )
    return content


def checked_script(workspace: Path, path: Path) -> dict[str, Any]:
    """Content of a script's settings, its script and every controller file it names."""
    content = checked_yaml(path)
    script = content.get("script_file_name")
    if not script:
        raise Failure(f"{path}: script_file_name is missing", "add the script's file name", ExitCode.CONFIG_ERROR)
    if not (workspace / "scripts" / str(script)).is_file():
        raise Failure(
            f"{path}: script_file_name {script} is not in {workspace / 'scripts'}",
            "name a script that is there",
            ExitCode.NOT_FOUND,
        )
    for name in content.get("controllers_config") or []:
        checked_controller(config_file(workspace, "controllers", str(name)))
    return content
