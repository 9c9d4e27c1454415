"""Where the four folders that Hummingbot loads are: inside an installed wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

FOLDERS = ("connectors", "controllers", "scripts", "conf")


def folder(name: str) -> Path:
    """Path of ``connectors``, ``controllers``, ``scripts`` or ``conf``; FileNotFoundError when neither place has it."""
    if name not in FOLDERS:
        raise ValueError(f"{name!r} is not one of {', '.join(FOLDERS)}")
    package = Path(__file__).resolve().parent
    for candidate in (package / "_bundle" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the bundle has no folder {name!r}: install hummingbot-extensions again")
