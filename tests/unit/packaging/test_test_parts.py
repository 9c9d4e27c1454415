"""``tools/test.sh`` and ``tools/check.sh`` on a tree with tests of its own: second chances and exit codes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = (
    "chaos/test_chaos", "faults/test_faults", "kill9/test_kill9", "soak/test_soak", "e2e/test_e2e",
    "e2e/test_e2e_start_routes", "e2e/test_e2e_stop", "e2e/test_e2e_client", "emulator/test_emulator",
    "emulator_connector/test_emulator_connector", "wire/test_wire", "contract/test_contract", "others/test_others",
)  # fmt: skip
PARTS = 5
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
    """A checkout of our scripts, with one test that passes in every file."""
    (tmp_path / "tools").mkdir()
    for name in ("test.sh", "check.sh", "parts.sh", "failed_tests.py"):
        shutil.copy2(ROOT / "tools" / name, tmp_path / "tools" / name)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    for file in FILES:
        write(tmp_path, file, PASSES)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    program(tmp_path, "python", f"""\
        case "$2" in ruff|mypy) echo "$2"; test ! -e "$2-fails"; exit;; esac
        exec "{sys.executable}" "$@\"""")
    program(tmp_path, "cython-lint", "echo cython-lint; test ! -e cython-lint-fails")
    return tmp_path


def program(tree: Path, name: str, script: str) -> None:
    path = tree / ".venv" / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def write(tree: Path, file: str, *tests: str) -> None:
    path = tree / "tests" / f"{file}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "\n".join(tests))


def ran(tree: Path, script: str = "test.sh") -> tuple[int, str]:
    done = subprocess.run(
        ["sh", f"tools/{script}"], cwd=tree, capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p pytest_timeout"})
    return done.returncode, done.stdout + done.stderr


def test_a_run_without_failures_passes_quietly(tree: Path) -> None:
    """Exit code 0, every part shown, nothing repeated."""
    code, said = ran(tree)
    assert code == 0, said
    assert LOUD not in said and said.count(" passed in ") == PARTS


def test_what_fails_beside_others_and_passes_alone_passes_loudly(tree: Path) -> None:
    """Three of each part: exit code 0, each named at the end, the first failure's output above."""
    files = ("others/test_others", "wire/test_wire", "e2e/test_e2e", "e2e/test_e2e_stop")
    for file in files:
        name = file.rpartition("_")[2]
        write(tree, file, PASSES, *(FLAKY.format(name=f"{name}{number}") for number in range(3)))
    code, said = ran(tree)
    assert code == 0, said
    first, loud = said[: said.index(LOUD)], said[said.index(LOUD) :]
    for file in files:
        for name in (f"{file.rpartition('_')[2]}{number}" for number in range(3)):
            assert f"first try of {name}" in first
            assert f"!!!! tests/{file}.py::test_{name}\n" in loud
    assert said.count("\n3 passed") == len(files)


@pytest.mark.parametrize(
    ("file", "tests", "told"),
    [
        ("e2e/test_e2e", [FAILS.format(name="always")], "e2e(1)"),
        ("others/test_others", [FLAKY.format(name="once"), FAILS.format(name="always")], "rest(1)"),
        ("others/test_others", [FLAKY.format(name=f"flaky{number}") for number in range(4)], "rest(1)"),
        ("wire/test_wire", [FAILS.format(name="always")], "venue(1)"),
        ("kill9/test_kill9", [FLAKY.format(name="once")], "warped(1)"),
        ("others/test_others", ["import a_module_that_is_not_there\n"], "rest(2)"),
        ("e2e/test_e2e_stop", ["import os\ndef test_dies():\n    os._exit(1)\n"], "bots(1)"),
    ],
    ids=["always", "one of two", "four", "of the venue", "in leaping time", "not collected", "dead"],
)
def test_everything_else_fails_the_run(tree: Path, file: str, tests: list[str], told: str) -> None:
    """A test that fails alone too, four at once, one in deterministic time, one that cannot be read, a dead process."""
    write(tree, file, PASSES, *tests)
    code, said = ran(tree)
    assert code == 1 and f"failed (exit code): {told}\n" in said, said


def test_a_part_without_tests_fails_the_run(tree: Path) -> None:
    """Nothing collected is not nothing wrong."""
    (tree / "tests" / "e2e" / "test_e2e.py").unlink()
    code, said = ran(tree)
    assert code == 1 and "failed (exit code): e2e(5)\n" in said, said


QUICK = HEAD.replace("mark.slow", "mark.skipif(False, reason='')")


@pytest.mark.parametrize(
    ("lint", "file", "told"),
    [
        ("", "", ""),
        ("ruff", "", "lints(1)"),
        ("mypy", "", "lints(1)"),
        ("cython-lint", "", "lints(1)"),
        ("", "property/test_property", "one(1)"),
        ("", "others/test_others", "two(1)"),
    ],
)
def test_a_check_passes_only_when_every_lint_and_both_halves_do(tree: Path, lint: str, file: str, told: str) -> None:
    """No second chance for anything here; the lints after one that failed are not asked."""
    for folder in ("property", "kernels", "others"):
        path = tree / "tests" / folder / f"test_{folder}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(QUICK + PASSES)
    if lint:
        (tree / f"{lint}-fails").touch()
    if file:
        (tree / "tests" / f"{file}.py").write_text(QUICK + FLAKY.format(name="once"))
    code, said = ran(tree, "check.sh")
    if told:
        assert code == 1 and f"failed (exit code): {told}\n" in said, said
    else:
        assert code == 0 and said.count(" passed") == 2 and "ruff\nmypy\ncython-lint\n" in said, said
