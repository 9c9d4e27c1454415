"""docs/traps.md against the tests: every trap of the bundle's list has one, and what is named there is collected."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "traps.md"
TRAPS = 38
ROW = re.compile(r"^\| (T\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$")
NEED_HUMMINGBOT = ("tests/unit/execution", "tests/unit/connector", "tests/emulator_connector", "tests/e2e")


def rows() -> dict[str, list[str]]:
    """Node ids by trap, in the order of the page."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        row = ROW.match(line)
        if row is not None:
            assert row[1] not in found, f"{row[1]} stands twice"
            found[row[1]] = re.findall(r"`([^`]+)`", row[4])
    return found


def test_all_traps_have_a_row_and_a_test() -> None:
    """In their order, and no test is named without its file."""
    found = rows()
    assert list(found) == [f"T{number}" for number in range(1, TRAPS + 1)]
    for trap, named in found.items():
        assert named, f"{trap} has no test"
        for node in named:
            assert re.fullmatch(r"tests/[\w/]+\.py::test_\w+(\[[^\]]+\])?", node), f"{trap}: {node}"


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_every_test_that_is_named_is_collected() -> None:
    """A test that was renamed, or left out of the run, is no answer to its trap."""
    nodes = sorted({node for named in rows().values() for node in named})
    if importlib.util.find_spec("hummingbot") is None:
        nodes = [node for node in nodes if not node.startswith(NEED_HUMMINGBOT)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *nodes], cwd=ROOT, capture_output=True, text=True,
        timeout=400, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    collected = done.stdout.splitlines()
    for node in nodes:
        assert any(line == node or line.startswith(f"{node}[") for line in collected), f"{node} is not collected"
