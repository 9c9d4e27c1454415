"""Makes pip install again what an interrupted run left half installed.

pip takes a package for installed as soon as its metadata is there. This drops the metadata of every package of the
environment whose files are missing or not as long as its own list says. Run with the environment's Python.
"""

from __future__ import annotations

import csv
import shutil
import sysconfig
from collections import Counter
from pathlib import Path


def listed_files(metadata: Path) -> dict[Path, int] | None:
    """Every file that the package lists, with its size (-1: not told); None when the list itself is not there."""
    record = metadata / "RECORD"
    if not (metadata / "INSTALLER").is_file() or not record.is_file():
        return None
    with record.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.reader(lines) if not row[0].endswith(".pyc")]  # Python makes those anew
    return {metadata.parent / name: int(size or -1) for name, _digest, size in rows}


def broken(site: Path) -> list[Path]:
    """Metadata folders of the packages in ``site`` that are not whole.

    A file that two packages list (some carry a stray ``tests`` folder) has the size of whichever came last: not judged.
    """
    packages = {metadata: listed_files(metadata) for metadata in sorted(site.glob("*.dist-info"))}
    claims = Counter(path for files in packages.values() if files is not None for path in files)
    return [
        metadata
        for metadata, files in packages.items()
        if files is None
        or any(
            not path.is_file() or size not in (-1, path.stat().st_size)
            for path, size in files.items()
            if claims[path] == 1
        )
    ]


def main() -> None:
    """Forget every broken package and say which."""
    for metadata in broken(Path(sysconfig.get_path("purelib"))):
        print(f"setup: {metadata.name.removesuffix('.dist-info')} was half installed, again")
        shutil.rmtree(metadata)


if __name__ == "__main__":
    main()
