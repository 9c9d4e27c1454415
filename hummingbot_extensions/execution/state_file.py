"""A small state on disk that is whole at every instant: written beside, synced, renamed; checked when it is read.

One JSON object: ``format``, ``version``, ``sha256`` over the canonical text of ``content``, and ``content``.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FORMAT = "hbx-state"


class Damaged(Exception):
    """The file is not what was written; it holds nothing that may be relied on."""


class NewerVersion(Exception):
    """The file was written by a newer version of this bundle."""

    def __init__(self, version: int) -> None:
        super().__init__(f"state version {version}")
        self.version = version


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
