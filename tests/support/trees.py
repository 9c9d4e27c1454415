"""What a folder holds, so that two states of it can be compared."""

from __future__ import annotations

import hashlib
from pathlib import Path


def tree(root: Path) -> dict[str, str]:
    """Content of every file, target of every link and presence of every folder below ``root``."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            content = f"link to {path.readlink()}"
        else:
            content = "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        found[path.relative_to(root).as_posix()] = content
    return found
