"""The wheel and the archive: what they carry, what they claim, and that they install where no compiler is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from hummingbot_extensions import __version__

REPO = Path(__file__).resolve().parents[3]
FOLDERS = ("connectors", "controllers", "scripts", "conf")
SOURCES = (
    *FOLDERS,
    "hummingbot_extensions",
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
)


def checkout(at: Path) -> Path:
    """A copy of what a build reads, with leftovers that must not get into it."""
    for name in SOURCES:
        source = REPO / name
        if source.is_dir():
            shutil.copytree(source, at / name, ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__", "_bundle"))
        else:
            at.mkdir(exist_ok=True)
            shutil.copyfile(source, at / name)
    stale = at / "build" / "lib" / "hummingbot_extensions"
    stale.mkdir(parents=True)
    (stale / "gone_long_ago.py").write_text("old = True\n")
    (at / "connectors" / "__pycache__").mkdir()
    (at / "connectors" / "__pycache__" / "x.cpython-312.pyc").write_bytes(b"code")
    return at


def build(what: str, tree: Path, out: Path, **environment: str) -> Path:
    """Build ``wheel`` or ``sdist`` through the standard hooks, with the tools of this environment, offline."""
    out.mkdir(exist_ok=True)
    code = f"import sys, setuptools.build_meta as b; print(b.build_{what}(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)],
        cwd=tree,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out / done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built without kernels."""
    at = tmp_path_factory.mktemp("pure")
    return build("wheel", checkout(at / "tree"), at / "dist", HBX_PURE_PYTHON="1")


def bundled() -> set[str]:
    """Every file of the four folders as git would see it."""
    return {
        path.relative_to(REPO).as_posix()
        for folder in FOLDERS
        for path in (REPO / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.name.startswith(".")
    }


def test_the_wheel_claims_one_name(wheel: Path) -> None:
    """Beside its metadata the wheel has one top-level folder, so that it can collide with nobody's scripts."""
    names = zipfile.ZipFile(wheel).namelist()
    metadata = f"hummingbot_extensions-{__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"hummingbot_extensions", metadata}
    assert zipfile.ZipFile(wheel).read(f"{metadata}/top_level.txt") == b"hummingbot_extensions\n"


def test_the_wheel_carries_the_four_folders(wheel: Path) -> None:
    """What Hummingbot loads is in the wheel byte for byte, without caches; nothing an earlier build left is."""
    archive = zipfile.ZipFile(wheel)
    top = "hummingbot_extensions/_bundle/"
    assert {name.removeprefix(top) for name in archive.namelist() if name.startswith(top)} == bundled()
    for name in bundled():
        assert archive.read(top + name) == (REPO / name).read_bytes()
    assert not [name for name in archive.namelist() if name.endswith((".pyc", ".c")) or "gone_long_ago" in name]


def test_the_archive_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """A source archive carries all that a build needs: the wheel made from it has the same files."""
    archive = build("sdist", checkout(tmp_path / "tree"), tmp_path / "dist", HBX_PURE_PYTHON="1")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    tree = tmp_path / "unpacked" / archive.name.removesuffix(".tar.gz")
    again = build("wheel", tree, tmp_path / "again", HBX_PURE_PYTHON="1")

    def content(path: Path) -> dict[str, int]:
        return {
            item.filename: item.CRC for item in zipfile.ZipFile(path).infolist() if "dist-info" not in item.filename
        }

    assert content(again) == content(wheel)


def test_a_pure_install_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Unpacked from the wheel alone, the command line works, finds its bundle and says that its kernels are pure."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        "import hummingbot_extensions as h; from hummingbot_extensions import bundle; "
        "from hummingbot_extensions.kernels import ladder; "
        "print(h.__file__, bundle.folder('connectors'), ladder.IS_COMPILED, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    module, folder, is_compiled = done.stdout.split()
    assert Path(module).is_relative_to(site)
    assert Path(folder) == site / "hummingbot_extensions" / "_bundle" / "connectors"
    assert is_compiled == "False"


@pytest.mark.slow
@pytest.mark.skipif(not sorted((REPO / "hummingbot_extensions" / "kernels").glob("_*.pyx")), reason="no kernels yet")
def test_a_build_without_a_compiler_goes_through(tmp_path: Path) -> None:
    """Where the compiler is missing the wheel is made all the same, without compiled kernels."""
    path = build("wheel", checkout(tmp_path / "tree"), tmp_path / "dist", CC="no-such-compiler", CXX="no-such-compiler")
    names = zipfile.ZipFile(path).namelist()
    assert not [name for name in names if name.endswith(".so")]
    assert [name for name in names if name.endswith("_py.py")]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(os.environ.get("CC", "cc")) is None, reason="no C compiler here")
@pytest.mark.parametrize("debug", ["", "1"])
def test_kernels_are_compiled_as_asked(tmp_path: Path, debug: str) -> None:
    """A kernel that reads past its array returns in a release build and raises in a debug build."""
    tree = checkout(tmp_path / "tree")
    kernels = tree / "hummingbot_extensions" / "kernels"
    for path in kernels.glob("_*.pyx"):
        path.unlink()
    (kernels / "_planted.pyx").write_text(
        "# cython: language_level=3, boundscheck=False, wraparound=False\n"
        "def past_the_end(const double[::1] px):\n"
        "    cdef double found = px[px.shape[0]]\n"
        "    return True\n"
    )
    path = build("wheel", tree, tmp_path / "dist", HBX_DEBUG=debug)
    site = tmp_path / "site"
    zipfile.ZipFile(path).extractall(site)
    code = (
        "import array; from hummingbot_extensions.kernels import _planted; "
        "print(_planted.past_the_end(memoryview(array.array('d', [1.0, 2.0]))[:1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ("IndexError" in done.stderr) == bool(debug), done.stderr
    assert (done.returncode == 0) == (not debug)
