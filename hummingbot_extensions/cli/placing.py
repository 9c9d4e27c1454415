"""Places the four folders into a Hummingbot root and takes out exactly what was placed.

A manifest in the root records every file and folder made. What was there before is never overwritten, what was edited
since is never deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hummingbot_extensions import __version__, bundle
from hummingbot_extensions.cli.output import ExitCode, Failure

MANIFEST = ".hbx-manifest.json"
CONNECTORS_AT = Path("hummingbot") / "connector" / "derivative"


@dataclass(slots=True)
class Manifest:
    """What was placed, by path relative to the root: files with their SHA-256 (links with their target), new folders."""

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path) -> Manifest | None:
        """Manifest of ``root``, None when nothing is installed there."""
        path = root / MANIFEST
        if not path.exists():
            return None
        try:
            plain = json.loads(path.read_text())
            return cls(dict(plain["files"]), dict(plain["links"]), list(plain["folders"]))
        except (ValueError, KeyError, TypeError):
            raise Failure(
                f"{path} is damaged", "restore it from a backup, or remove our files by hand", ExitCode.CONFIG_ERROR
            ) from None

    def write(self, root: Path) -> None:
        text = json.dumps({"version": __version__, "files": self.files, "links": self.links, "folders": self.folders},
                          indent=1, sort_keys=True)
        draft = root / f"{MANIFEST}.new"
        draft.write_text(text + "\n")
        os.replace(draft, root / MANIFEST)


@dataclass(slots=True)
class Outcome:
    """What a placing did, as paths relative to the root."""

    placed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """There before, of someone else or edited: left as they were."""
    new_beside: list[str] = field(default_factory=list)
    """Edited files whose new version was put beside them as ``.new``."""
    removed: list[str] = field(default_factory=list)


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bundle_files() -> Iterator[tuple[Path, Path]]:
    """(source, target relative to the root) of every file of the bundle."""
    for name in bundle.FOLDERS:
        top = bundle.folder(name)
        at = CONNECTORS_AT if name == "connectors" else Path(name)
        for source in sorted(top.rglob("*")):
            hidden = any(part.startswith(".") or part == "__pycache__" for part in source.relative_to(top).parts)
            if source.is_file() and not hidden and source.suffix != ".pyc":
                yield source, at / source.relative_to(top)


def place(root: Path, link: bool, dry_run: bool, renew: bool = False) -> Outcome:
    """Put the bundle into ``root``. ``conf`` is always copied, since users edit it; ``link`` links the rest.

    ``renew`` replaces what an earlier placing made and nobody edited. An interrupted placing is completed by the next:
    the manifest is written before a file is.
    """
    outcome = Outcome()
    manifest = Manifest.read(root) or Manifest()
    for source, relative in bundle_files():
        target, key = root / relative, str(relative)
        is_link = link and relative.parts[0] != "conf"
        if target.is_symlink() or target.exists():
            ours = _is_ours(manifest, target, key)
            if ours and renew:
                if dry_run:
                    outcome.placed.append(key)
                    continue
                target.unlink()
            elif key in manifest.files and renew:
                if checksum(source) != manifest.files[key]:
                    outcome.new_beside.append(key)
                    if not dry_run:
                        shutil.copyfile(source, target.with_name(target.name + ".new"))
                outcome.kept.append(key)
                continue
            else:
                if not ours:
                    outcome.kept.append(key)
                continue
        outcome.placed.append(key)
        if dry_run:
            continue
        _make_folders(root, relative.parent, manifest)
        if is_link:
            manifest.files.pop(key, None)
            manifest.links[key] = str(source)
        else:
            manifest.links.pop(key, None)
            manifest.files[key] = checksum(source)
        manifest.write(root)
        if is_link:
            target.symlink_to(source)
        else:
            shutil.copyfile(source, target)
    return outcome


def remove(root: Path, dry_run: bool) -> Outcome:
    """Take out what ``place`` put into ``root``; edited files stay and are named."""
    manifest = Manifest.read(root)
    if manifest is None:
        raise Failure(f"nothing of ours is installed in {root}", "name the root that `hbx install` was given",
                      ExitCode.NOT_FOUND)
    outcome = Outcome()
    for key in [*manifest.files, *manifest.links]:
        target = root / key
        if not (target.exists() or target.is_symlink()):
            continue
        if not _is_ours(manifest, target, key):
            outcome.kept.append(key)
            continue
        outcome.removed.append(key)
        if not dry_run:
            target.unlink()
            _remove_bytecode(target)
    if dry_run:
        return outcome
    for folder in sorted(manifest.folders, key=len, reverse=True):
        path = root / folder
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    (root / MANIFEST).unlink()
    return outcome


def _is_ours(manifest: Manifest, target: Path, key: str) -> bool:
    """Whether ``target`` is as we placed it, not edited and not somebody else's."""
    if target.is_symlink():
        return manifest.links.get(key) == os.readlink(target)
    return key in manifest.files and target.is_file() and checksum(target) == manifest.files[key]


def _make_folders(root: Path, relative: Path, manifest: Manifest) -> None:
    for parent in [*reversed(relative.parents), relative]:
        folder = root / parent
        if not folder.exists():
            folder.mkdir()
            manifest.folders.append(str(parent))


def _remove_bytecode(source: Path) -> None:
    """Python's compiled copies of a file we removed, and their folder once it is empty."""
    cache = source.parent / "__pycache__"
    if source.suffix != ".py" or not cache.is_dir():
        return
    for compiled in cache.glob(f"{source.stem}.*.pyc"):
        compiled.unlink()
    if not any(cache.iterdir()):
        cache.rmdir()
