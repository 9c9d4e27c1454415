"""Facts about a folder that holds, or should hold, Hummingbot."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from hummingbot_extensions import HUMMINGBOT_VERSION
from hummingbot_extensions.cli.output import ExitCode, Failure

SUPPORTED = {"dev-2.18.0"}
"""What ``hummingbot/VERSION`` says in the releases we are tested with."""


def installed_package() -> Path:
    """Folder of the installed Hummingbot, found without importing it."""
    try:
        files = importlib.metadata.files("hummingbot")
    except importlib.metadata.PackageNotFoundError:
        files = None
    for file in files or ():
        if file.as_posix() == "hummingbot/__init__.py":
            return Path(str(file.locate())).resolve().parent
    raise Failure(
        "Hummingbot is not installed beside hbx",
        f"run `make test` or `pip install hummingbot=={HUMMINGBOT_VERSION}`",
        ExitCode.NOT_FOUND,
    )


def version_of(package: Path) -> str:
    """Content of ``VERSION`` in a Hummingbot package, empty when there is none."""
    path = package / "VERSION"
    return path.read_text().strip() if path.is_file() else ""


def checked_root(root: Path) -> Path:
    """``root`` as an absolute path, once it is known to hold a Hummingbot that we are tested with."""
    root = root.expanduser().resolve()
    if not root.is_dir():
        raise Failure(f"--root: no folder {root}", "name the folder that contains hummingbot/", ExitCode.NOT_FOUND)
    package = root / "hummingbot"
    if not (package / "connector" / "derivative").is_dir():
        raise Failure(
            f"--root: {root} holds no Hummingbot",
            "name the folder that contains hummingbot/connector/derivative",
            ExitCode.NOT_FOUND,
        )
    check_version(package, f"--root: {root} holds")
    return root


def check_version(package: Path, where: str) -> None:
    """Refuse a Hummingbot that we are not tested with; ``where`` begins the sentence."""
    version = version_of(package)
    if version not in SUPPORTED:
        raise Failure(
            f"{where} Hummingbot {version or 'of unknown version'}, tested are {', '.join(sorted(SUPPORTED))}",
            f"use hummingbot=={HUMMINGBOT_VERSION}, or a newer release of this bundle",
            ExitCode.CONFIG_ERROR,
        )
