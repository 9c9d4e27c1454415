"""What git carries: nothing of one machine, no index of anybody, and the folders that Hummingbot loads."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from hummingbot_extensions import bundle

REPO = Path(__file__).resolve().parents[3]
PRIVATE = {
    "a home folder": re.compile(rb"/(?:root|home/(?!hummingbot\b)[a-z]|Users/[A-Za-z])"),
    "a build machine's folder": re.compile(rb"/wor[k]/(?:main|shared)"),
    "a package index": re.compile(
        rb"(?i)(?:--(?:extra-)?index-ur[l]|PIP_INDEX_UR[L]|files\.pythonhoste[d]\.org|pyp[i]\.org/simple|/simple/?\s)"),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
LOADED_BY_HUMMINGBOT = ("connectors", "controllers", "scripts", "conf")


def tracked() -> list[Path]:
    """Every file that git carries, or that a commit of everything would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, timeout=240, check=False)
    if done.returncode:
        pytest.skip("not a git checkout, so nothing is tracked")
    return [path for name in done.stdout.decode().split("\0") if name and (path := REPO / name).is_file()]


def findings(path: Path, content: bytes) -> list[str]:
    """What stands in a file that should not."""
    return [
        f"{what}: {found[0]!r} in {path}"
        for what, pattern in PRIVATE.items()
        if (found := pattern.search(content)) is not None
    ]


def test_no_file_names_a_machine_or_an_index() -> None:
    """No path of the machine it was written on, no index host and no private key is committed."""
    found = [text for path in tracked() if path != Path(__file__) for text in findings(path, path.read_bytes())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "planted",
    [b"cd /roo" + b"t/x", b"/home/anna/bot", b"/Users/Anna", b"pip install --index-ur" + b"l https://x",
     b"/wor" + b"k/main/a",
     b"-----BEGIN EC PRIVATE KEY-----"],
)
def test_a_planted_one_is_found(planted: bytes) -> None:
    """Each kind is recognised."""
    assert len(findings(Path("planted"), b"# text\n" + planted + b"\n")) == 1


def test_the_documented_places_are_allowed() -> None:
    """The Docker image's own folder and the project page of a package are no secrets."""
    assert findings(Path("x"), b"/home/hummingbot/conf and https://pyp" + b"i.org/project/hummingbot/") == []


def test_the_top_level_is_what_hummingbot_loads() -> None:
    """The four folders are at the top under Hummingbot's names, and the package finds them there."""
    names = {path.relative_to(REPO).parts[0] for path in tracked()}
    assert names >= {*LOADED_BY_HUMMINGBOT, "hummingbot_extensions", "tests", "docs", "setup.py", "pyproject.toml"}
    assert bundle.FOLDERS == LOADED_BY_HUMMINGBOT
    assert all(bundle.folder(name) == REPO / name for name in LOADED_BY_HUMMINGBOT)
    assert (REPO / "controllers" / "__init__.py").is_file(), "Hummingbot imports controllers as a package"


def test_connectors_bear_the_names_that_hummingbot_looks_for() -> None:
    """``NAME/NAME_utils.py`` makes a connector known, ``NAME_derivative.py`` with the class of that name runs it."""
    folders = [path for path in (REPO / "connectors").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert folders
    for folder in folders:
        assert folder.name.endswith("_perpetual")
        name = "".join(part.capitalize() for part in f"{folder.name}_derivative".split("_"))
        assert {"__init__.py", f"{folder.name}_utils.py"} <= {path.name for path in folder.iterdir()}
        assert f"class {name}(" in (folder / f"{folder.name}_derivative.py").read_text()
