"""Places the four folders into a Hummingbot root and takes out exactly what was placed.

A manifest in the root records every file and folder made. What was there before is never overwritten, what was edited
since is never deleted. The manifest names a file before it is written and files appear whole, so that an interrupted
placing is completed, or taken out, by the next command.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hummingbot_extensions import __version__, bundle
from hummingbot_extensions.cli.output import ExitCode, Failure

MANIFEST = ".hbx-manifest.json"
CONNECTORS_AT = Path("hummingbot") / "connector" / "derivative"


@dataclass(slots=True)
class Manifest:
    """What was placed, by path relative to the root: files with their SHA-256 (links with their target), new folders.

    While a file is being renewed its entry holds the old and the new checksum, separated by a blank.
    """

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    hummingbot: str = ""
    """Release of the Hummingbot whose copy stands in the root; empty when the root was there before us."""

    @classmethod
    def read(cls, root: Path) -> Manifest | None:
        """Manifest of ``root``, None when nothing is installed there."""
        path = root / MANIFEST
        if not path.exists():
            return None
        try:
            plain = json.loads(path.read_text())
            return cls(dict(plain["files"]), dict(plain["links"]), list(plain["folders"]), str(plain["hummingbot"]))
        except (ValueError, KeyError, TypeError):
            raise Failure(
                f"{path} is damaged", "restore it from a backup, or remove our files by hand", ExitCode.CONFIG_ERROR
            ) from None

    def write(self, root: Path) -> None:
        """Put the manifest into ``root``, whole or not at all."""
        text = json.dumps({"version": __version__, **asdict(self)}, indent=1, sort_keys=True)
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


def place(root: Path, link: bool, dry_run: bool, hummingbot: str | None = None) -> Outcome:
    """Put the bundle into ``root``, and renew what an earlier placing put there and nobody edited.

    ``conf`` is always copied, since users edit it; ``link`` links the rest. ``hummingbot`` is the release to record.
    """
    outcome = Outcome()
    manifest = Manifest.read(root) or Manifest()
    if hummingbot is not None:
        manifest.hummingbot = hummingbot
    todo: dict[Path, Path] = {}
    wanted = set()
    for source, relative in bundle_files():
        target, key = root / relative, relative.as_posix()
        is_link = link and relative.parts[0] != "conf"
        wanted.add(key)
        if target.is_symlink() or target.exists():
            if _is_current(source, target, is_link) and (key in manifest.files or key in manifest.links):
                manifest.files |= {} if is_link else {key: checksum(source)}
                continue
            if not _is_ours(manifest, target, key):
                outcome.kept.append(key)
                beside = relative.with_name(relative.name + ".new")
                is_free = not (root / beside).exists() or _is_ours(manifest, root / beside, beside.as_posix())
                if key in manifest.files and checksum(source) not in manifest.files[key].split() and is_free:
                    outcome.new_beside.append(key)
                    todo[beside] = source
                continue
        outcome.placed.append(key)
        todo[relative] = source
    stale = [key for key in [*manifest.files, *manifest.links] if key not in wanted and Path(key) not in todo]
    outcome.removed += [key for key in stale if _is_ours(manifest, root / key, key)]
    if dry_run:
        return outcome
    _record(manifest, root, todo, link)
    manifest.write(root)
    for key in outcome.removed:
        _delete(root / key)
    for relative, source in todo.items():
        _put(source, root / relative, link and relative.parts[0] != "conf")
    for key in stale:
        manifest.files.pop(key, None)
        manifest.links.pop(key, None)
    manifest.files = {key: sums.split()[-1] for key, sums in manifest.files.items()}
    manifest.write(root)
    return outcome


def _record(manifest: Manifest, root: Path, todo: dict[Path, Path], link: bool) -> None:
    """Name in the manifest what is about to be written, before it is."""
    for relative, source in todo.items():
        key = relative.as_posix()
        for parent in reversed(relative.parents):
            if not (root / parent).exists() and parent.as_posix() not in manifest.folders:
                manifest.folders.append(parent.as_posix())
        if link and relative.parts[0] != "conf":
            manifest.links[key] = str(source)
        else:
            manifest.files[key] = f"{manifest.files.get(key, '')} {checksum(source)}".strip()


def _put(source: Path, target: Path, is_link: bool) -> None:
    """Copy or link ``source`` so that ``target`` is at every moment the old one or the whole new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(target)
    draft.unlink(missing_ok=True)
    if is_link:
        draft.symlink_to(source)
    else:
        shutil.copyfile(source, draft)
    os.replace(draft, target)


def _draft(target: Path) -> Path:
    return target.with_name(f".{target.name}.hbx")


def remove(root: Path, dry_run: bool) -> Outcome:
    """Take out what ``place`` put into ``root``; edited files stay and are named."""
    manifest = Manifest.read(root)
    if manifest is None:
        raise Failure(
            f"nothing of ours is installed in {root}", "name the root that `hbx install` was given", ExitCode.NOT_FOUND
        )
    outcome = Outcome()
    for key in sorted({*manifest.files, *manifest.links}):
        target = root / key
        if not dry_run:
            _draft(target).unlink(missing_ok=True)
        if not (target.exists() or target.is_symlink()):
            continue
        if not _is_ours(manifest, target, key):
            outcome.kept.append(key)
            continue
        outcome.removed.append(key)
        if not dry_run:
            _delete(target)
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
    return key in manifest.files and target.is_file() and checksum(target) in manifest.files[key].split()


def _is_current(source: Path, target: Path, is_link: bool) -> bool:
    """Whether ``target`` already is what placing ``source`` would make it."""
    if is_link or target.is_symlink():
        return is_link and target.is_symlink() and os.readlink(target) == str(source)
    return target.is_file() and checksum(target) == checksum(source)


def _delete(target: Path) -> None:
    target.unlink()
    _remove_bytecode(target)


def _remove_bytecode(source: Path) -> None:
    """Python's compiled copies of a file we removed, and their folder once it is empty."""
    cache = source.parent / "__pycache__"
    if source.suffix != ".py" or not cache.is_dir():
        return
    for compiled in cache.glob(f"{source.stem}.*.pyc"):
        compiled.unlink()
    if not any(cache.iterdir()):
        cache.rmdir()
