"""``tools/test.sh`` on a tree with tests of its own: what gets a second chance, what does not, and the exit code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("chaos", "faults", "kill9", "soak", "e2e", "others")
HEAD = "import pathlib\nimport pytest\npytestmark = pytest.mark.slow\nHERE = pathlib.Path(__file__).parent\n"
PASSES = "def test_passes():\n    pass\n"
FAILS = "def test_{name}():\n    assert False, 'seen by {name}'\n"
FLAKY = """\
def test_{name}():
    seen = HERE / "{name}.seen"
    if not seen.exists():
        seen.touch()
        assert False, "first try of {name}"
"""
SETTINGS = """\
[tool.pytest.ini_options]
addopts = "--strict-markers -p no:cacheprovider"
markers = ["hummingbot", "slow"]
"""
LOUD = "!!!! failed beside others, passed alone"
pytestmark = pytest.mark.slow


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout of our scripts, with one test that passes in every folder."""
    (tmp_path / "tools").mkdir()
    for name in ("test.sh", "parts.sh", "failed_tests.py"):
        shutil.copy2(ROOT / "tools" / name, tmp_path / "tools" / name)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    for folder in FOLDERS:
        write(tmp_path, folder, PASSES)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return tmp_path


def write(tree: Path, folder: str, *tests: str) -> None:
    path = tree / "tests" / folder / f"test_{folder}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "\n".join(tests))


def ran(tree: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["sh", "tools/test.sh"], cwd=tree, capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    return done.returncode, done.stdout + done.stderr


def test_a_run_without_failures_passes_quietly(tree: Path) -> None:
    """Exit code 0, every part shown, nothing repeated."""
    code, said = ran(tree)
    assert code == 0, said
    assert LOUD not in said and said.count("passed") == 3


def test_what_fails_beside_others_and_passes_alone_passes_loudly(tree: Path) -> None:
    """Three of each part: exit code 0, each named at the end, the first failure's output above."""
    names = {folder: [f"{folder}{number}" for number in range(3)] for folder in ("others", "e2e")}
    for folder, tests in names.items():
        write(tree, folder, PASSES, *(FLAKY.format(name=name) for name in tests))
    code, said = ran(tree)
    assert code == 0, said
    first, loud = said[: said.index(LOUD)], said[said.index(LOUD) :]
    for folder, tests in names.items():
        for name in tests:
            assert f"first try of {name}" in first
            assert f"!!!! tests/{folder}/test_{folder}.py::test_{name}\n" in loud
    assert said.count("\n3 passed") == 2


@pytest.mark.parametrize(
    ("folder", "tests"),
    [
        ("e2e", [FAILS.format(name="always")]),
        ("others", [FLAKY.format(name="once"), FAILS.format(name="always")]),
        ("others", [FLAKY.format(name=f"flaky{number}") for number in range(4)]),
        ("kill9", [FLAKY.format(name="once")]),
        ("others", ["import a_module_that_is_not_there\n"]),
        ("e2e", ["import os\ndef test_dies():\n    os._exit(1)\n"]),
    ],
    ids=["always", "one of two", "four", "in leaping time", "not collected", "dead"],
)
def test_everything_else_fails_the_run(tree: Path, folder: str, tests: list[str]) -> None:
    """A test that fails alone too, four at once, one in deterministic time, one that cannot be read, a dead process."""
    write(tree, folder, PASSES, *tests)
    code, said = ran(tree)
    assert code != 0 and "failed (exit code):" in said, said


def test_a_part_without_tests_fails_the_run(tree: Path) -> None:
    """Nothing collected is not nothing wrong."""
    (tree / "tests" / "e2e" / "test_e2e.py").unlink()
    code, said = ran(tree)
    assert code != 0, said
