"""The set-up script: which Python it takes, what it says without one, how it repairs what was cut short."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPO = Path(__file__).resolve().parents[3]


def sandbox(tmp_path: Path, python: str) -> tuple[Path, dict[str, str]]:
    """A copy of what the set-up reads, and an environment in which ``python`` is the only Python there is."""
    top = tmp_path / "checkout"
    for name in (
        "tools/setup.sh",
        "requirements.lock",
        "requirements-hummingbot.lock",
        "pyproject.toml",
        "setup.py",
        "hummingbot_extensions/kernels",
    ):
        source, target = REPO / name, top / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
        else:
            shutil.copyfile(source, target)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "cat", "cksum", "rm", "mkdir", "ls", "head"):
        (programs / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    (programs / "python3").write_text(python)
    (programs / "python3").chmod(0o755)
    return top, {"PATH": str(programs), "HOME": str(tmp_path)}


def set_up(top: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The script's end, run as make runs it."""
    return subprocess.run(
        ["sh", "tools/setup.sh"], cwd=top, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def has_common_python() -> bool:
    """Whether a Python 3.12 stands where the script looks for it besides PATH and the home folder."""
    return any(Path(folder, "python3.12").exists() for folder in ("/usr/local/bin", "/opt/homebrew/bin"))


@pytest.mark.skipif(has_common_python(), reason="a Python 3.12 in a common place cannot be hidden from the script")
@pytest.mark.parametrize("python", ["#!/bin/sh\nexit 127\n", "#!/bin/sh\necho shim >&2; exit 1\n"])
def test_without_python_312_it_says_how_to_get_one(tmp_path: Path, python: str) -> None:
    """A name on PATH that does not run, as version managers leave it, does not count; the message names four ways."""
    done = set_up(*sandbox(tmp_path, python))
    assert done.returncode == 2
    assert all(way in done.stderr for way in ("3.12", "apt-get", "pyenv", "uv python install", "HBX_PYTHON="))
    assert not (tmp_path / "checkout" / ".venv").exists()


def test_a_foreign_environment_is_not_deleted(tmp_path: Path) -> None:
    """A .venv that this script did not make, and cannot use, is named and left alone."""
    top, environment = sandbox(tmp_path, f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (top / ".venv").mkdir()
    (top / ".venv" / "mine").write_text("precious")
    done = set_up(top, environment)
    assert done.returncode == 2
    assert "Remove it" in done.stderr
    assert (top / ".venv" / "mine").read_text() == "precious"


def test_a_finished_set_up_ends_at_once(tmp_path: Path) -> None:
    """With the stamp of the same inputs nothing is run but the check itself; other inputs make it run again."""
    top, environment = sandbox(tmp_path, "#!/bin/sh\nexit 127\n")
    python = top / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    inputs = [
        *(
            top / name
            for name in (
                "requirements.lock",
                "requirements-hummingbot.lock",
                "pyproject.toml",
                "setup.py",
                "tools/setup.sh",
            )
        ),
        *sorted((top / "hummingbot_extensions" / "kernels").glob("*.pyx")),
    ]
    text = b"".join(path.read_bytes() for path in inputs)
    checksum = subprocess.run(["cksum"], input=text, capture_output=True, check=True).stdout.decode().strip()
    (top / ".venv" / "hbx-setup-done").write_text(f"{checksum} {top}\n")
    done = set_up(top, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (top / "setup.py").write_text("changed")
    assert set_up(top, environment).returncode != 0 or has_common_python()


@pytest.fixture
def forget_broken() -> ModuleType:
    """The repair tool as a module."""
    spec = importlib.util.spec_from_file_location("forget_broken", REPO / "tools" / "forget_broken.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def installed(site: Path, name: str, files: dict[str, str]) -> Path:
    """A package as pip leaves it: its files, and metadata that lists them with their sizes."""
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "INSTALLER").write_text("pip\n")
    for path, content in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(content)
    lines = [f"{path},sha256=x,{len(content)}" for path, content in files.items()]
    (metadata / "RECORD").write_text("\n".join([*lines, f"{metadata.name}/RECORD,,", f"{name}/a.pyc,,"]) + "\n")
    return metadata


@pytest.mark.parametrize("fault", ["missing", "short", "no list", "no installer"])
def test_a_half_installed_package_is_forgotten(tmp_path: Path, forget_broken: ModuleType, fault: str) -> None:
    """Exactly the package whose files or metadata were cut short is named; its neighbours are left alone."""
    site = tmp_path / "site"
    installed(site, "whole", {"whole/__init__.py": "x = 1\n", "tests/shared.py": "1\n"})
    installed(site, "other", {"other/__init__.py": "x = 1\n", "tests/shared.py": "another size\n"})
    metadata = installed(site, "half", {"half/__init__.py": "x = 1\n", "half/data.py": "y = 2\n"})
    assert forget_broken.broken(site) == []
    if fault == "missing":
        (site / "half" / "data.py").unlink()
    elif fault == "short":
        (site / "half" / "data.py").write_text("y")
    else:
        (metadata / ("RECORD" if fault == "no list" else "INSTALLER")).unlink()
    assert forget_broken.broken(site) == [metadata]


def test_ci_calls_the_readmes_test_command(tmp_path: Path) -> None:
    """``.ci/run`` runs ``make test`` at the top of the checkout and fails when it fails."""
    top = tmp_path / "checkout"
    (top / ".ci").mkdir(parents=True)
    shutil.copy(REPO / ".ci" / "run", top / ".ci" / "run")
    for recipe, code in (("@touch ran", 0), ("@exit 3", 2)):
        (top / "Makefile").write_text(f"test:\n\t{recipe}\n")
        done = subprocess.run([top / ".ci" / "run"], cwd=tmp_path, env=os.environ, capture_output=True, check=False)
        assert done.returncode == code
    assert (top / "ran").exists()
