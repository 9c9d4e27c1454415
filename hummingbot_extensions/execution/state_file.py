"""A small state on disk that is whole at every instant: written beside, synced, renamed; checked when it is read.

One JSON object: ``format``, ``version``, ``sha256`` over the canonical text of ``content``, and ``content``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

FORMAT = "hbx-state"
FOLDER = Path("data") / "state"
"""Where states live, below the workspace."""
MAY_REST = "may_rest.json"
"""What may rest after a stop that was not verified; a verified one leaves no such file."""

T = TypeVar("T")


class Damaged(Exception):
    """The file is not what was written; it holds nothing that may be relied on."""


class NewerVersion(Exception):
    """The file was written by a newer version of this bundle."""

    def __init__(self, version: int) -> None:
        super().__init__(f"state version {version}")
        self.version = version


class Refused(ValueError):
    """The state on disk must not be gone on from, and says what to do."""


def restored(path: Path, version: int, read: Callable[[Any], T], without: str, instead: str) -> T | None:
    """What ``read`` makes of the content at ``path``, None when there is no such file or it is damaged.

    A damaged one (``read`` raises Damaged or ValueError) is set aside and announced, with ``instead`` as what happens
    now. One of a newer version is Refused; ``without`` names what moving it away would lose.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return read(decoded(data, version))
    except NewerVersion as newer:
        raise Refused(
            f"state: {path} was written by a newer version (state {newer.version}, this one reads {version}); "
            f"install that version again, or move the file away to start without {without}") from None
    except (Damaged, ValueError) as damage:
        aside = set_aside(path)
        logging.getLogger(__name__).error(
            "state damaged path=%s cause=%s: kept as %s. %s", path, damage, aside.name, instead)
        return None


def encoded(content: Any, version: int) -> bytes:
    """Bytes of a state; ``content`` is plain JSON without NaN."""
    return json.dumps(
        {"format": FORMAT, "version": version, "sha256": _sum(content), "content": content},
        separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decoded(data: bytes, version: int) -> Any:
    """Content of a state; Damaged when it is not whole, NewerVersion when ``version`` cannot read it."""
    try:
        state = json.loads(data)
        said, content, total = state["version"], state["content"], state["sha256"]
        is_ours = state["format"] == FORMAT and isinstance(said, int)
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{type(error).__name__}: {error}") from error
    if not is_ours or _sum(content) != total:
        raise Damaged("its checksum does not fit its content" if is_ours else "it is no state of ours")
    if said > version:
        raise NewerVersion(said)
    return content


def write(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` so that a crash at any instant leaves the old or the new state, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    target = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        written = 0
        while written < len(data):
            written += os.write(target, data[written:])
        os.fsync(target)
    finally:
        os.close(target)
    os.replace(draft, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def set_aside(path: Path) -> Path:
    """Rename a damaged state so that it is neither read nor written over; returns its new name."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    os.rename(path, aside)
    return aside


def _sum(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
