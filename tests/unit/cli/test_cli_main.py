"""How ``hbx`` answers as a whole: version, help, failures as one line or as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hummingbot_extensions import HUMMINGBOT_VERSION, __version__

Hbx = Callable[..., Any]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """``hbx`` in a process of its own, as a user runs it."""
    command = [sys.executable, "-m", "hummingbot_extensions.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_version_names_both_sides(hbx: Hbx) -> None:
    """``--version`` says ours and the Hummingbot it is made for."""
    result = hbx("--version")
    assert result.exit_code == 0
    assert __version__ in result.output and HUMMINGBOT_VERSION in result.output


def test_no_words_print_the_help(hbx: Hbx) -> None:
    """Called alone, every command is listed."""
    output = hbx().output
    assert all(name in output for name in ("init", "install", "uninstall", "start", "doctor", "emulate", "demo"))


def test_a_failure_is_one_line_with_its_fix(tmp_path: Path) -> None:
    """On standard error, without a traceback, with hbot's exit code."""
    done = run("install", "--root", str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("hbx: ") and "Fix: " in done.stderr


def test_a_failure_is_json_when_asked(tmp_path: Path) -> None:
    """Cause, fix and code as one object on standard output."""
    done = run("install", "--root", str(tmp_path), "--json")
    answer = json.loads(done.stdout)
    assert answer["code"] == done.returncode == 2
    assert str(tmp_path) in answer["error"] and answer["fix"]


def test_the_command_line_starts_without_hummingbot(tmp_path: Path) -> None:
    """The emulator's users need no Hummingbot: the command line imports none, and a workspace is refused by name."""
    code = (
        "import sys; sys.modules['hummingbot'] = None; import importlib.metadata as m; "
        "hide = lambda name: (_ for _ in ()).throw(m.PackageNotFoundError(name)); m.files = m.version = hide; "
        "from hummingbot_extensions.cli import main; main.main()"
    )
    command = [sys.executable, "-c", code, "init", str(tmp_path / "ws")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2, done.stderr
    assert "Hummingbot is not installed" in done.stderr
    assert not (tmp_path / "ws").exists()
