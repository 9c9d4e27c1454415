"""What install puts into a root, and that uninstall takes out exactly that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions import bundle
from hummingbot_extensions.cli import placing
from hummingbot_extensions.cli.output import ExitCode, Failure
from tests.support.trees import tree

Hbx = Callable[..., Any]
CONNECTOR = "hummingbot/connector/derivative/standx_perpetual/standx_perpetual_utils.py"


@pytest.fixture
def own_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of three files that a test may change, in place of the real one."""
    top = tmp_path / "bundle"
    for name, content in {
        "connectors/venue_perpetual/venue_perpetual_utils.py": "version = 1\n",
        "controllers/generic/maker.py": "version = 1\n",
        "scripts/run.py": "version = 1\n",
        "conf/controllers/preset.yml": "version: 1\n",
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(content)
    monkeypatch.setattr(bundle, "folder", lambda name: top / name)
    return top


@pytest.mark.parametrize("how", ["--copy", "--link"])
def test_uninstall_leaves_the_tree_as_it_was(root: Path, hbx: Hbx, how: str) -> None:
    """After install and uninstall every file, link and folder is what it was before."""
    before = tree(root)
    assert hbx("install", "--root", root, how).exit_code == 0
    assert (root / CONNECTOR).is_symlink() == (how == "--link")
    assert (root / "scripts" / "v2_with_controllers.py").is_file()
    assert not (root / "conf" / "controllers" / "standx_btc_uptime.yml").is_symlink()
    assert hbx("uninstall", "--root", root).exit_code == 0
    assert tree(root) == before


def test_bytecode_of_our_files_goes_with_them(root: Path, hbx: Hbx) -> None:
    """Python's compiled copies of our files go too, those of other files stay."""
    before = tree(root)
    hbx("install", "--root", root)
    cache = (root / CONNECTOR).parent / "__pycache__"
    cache.mkdir()
    (cache / "standx_perpetual_utils.cpython-312.pyc").write_bytes(b"code")
    hbx("uninstall", "--root", root)
    assert tree(root) == before


def test_a_dry_run_writes_nothing(root: Path, hbx: Hbx) -> None:
    """``--dry-run`` names the files and leaves the tree alone, for install and for uninstall."""
    before = tree(root)
    assert "would place" in hbx("install", "--root", root, "--dry-run").output
    assert tree(root) == before
    hbx("install", "--root", root)
    installed = tree(root)
    assert "would remove" in hbx("uninstall", "--root", root, "--dry-run").output
    assert tree(root) == installed


def test_files_that_were_there_are_never_overwritten(root: Path, own_bundle: Path) -> None:
    """A file of the user's that bears the name of one of ours is kept and named, by install and by uninstall."""
    (root / "scripts" / "run.py").write_text("mine\n")
    assert placing.place(root, False, False).kept == ["scripts/run.py"]
    placing.remove(root, False)
    assert (root / "scripts" / "run.py").read_text() == "mine\n"


def test_an_edited_file_survives_uninstall(root: Path, hbx: Hbx, own_bundle: Path) -> None:
    """Uninstall keeps an edited file, says so and exits with 1; everything else goes."""
    placing.place(root, False, False)
    preset = root / "conf" / "controllers" / "preset.yml"
    preset.write_text("version: 1\nmine: true\n")
    result = hbx("uninstall", "--root", root)
    assert result.exit_code == ExitCode.ERROR
    assert "conf/controllers/preset.yml" in result.output
    assert preset.read_text() == "version: 1\nmine: true\n"
    assert not (root / "scripts" / "run.py").exists()


def test_a_newer_bundle_renews_what_nobody_edited(root: Path, own_bundle: Path) -> None:
    """Installing again renews our files, puts new versions beside edited ones and drops files we no longer have."""
    before = tree(root)
    placing.place(root, False, False)
    (root / "scripts" / "run.py").write_text("version = 'mine'\n")
    for name in ("connectors/venue_perpetual/venue_perpetual_utils.py", "scripts/run.py"):
        (own_bundle / name).write_text("version = 2\n")
    (own_bundle / "controllers" / "generic" / "maker.py").unlink()
    outcome = placing.place(root, False, False)
    connector = "hummingbot/connector/derivative/venue_perpetual/venue_perpetual_utils.py"
    assert outcome.placed == [connector]
    assert outcome.new_beside == outcome.kept == ["scripts/run.py"]
    assert outcome.removed == ["controllers/generic/maker.py"]
    assert (root / connector).read_text() == "version = 2\n"
    assert (root / "scripts" / "run.py").read_text() == "version = 'mine'\n"
    assert (root / "scripts" / "run.py.new").read_text() == "version = 2\n"
    assert not (root / "controllers" / "generic" / "maker.py").exists()
    (root / "scripts" / "run.py").write_text("version = 2\n")  # the user took the new version over
    assert placing.place(root, False, False).kept == []
    assert not (root / "scripts" / "run.py.new").exists()
    assert placing.remove(root, False).kept == []
    assert tree(root) == before


def test_placing_again_changes_nothing(root: Path, own_bundle: Path) -> None:
    """A second placing of the same bundle finds nothing to do."""
    placing.place(root, False, False)
    once = tree(root)
    outcome = placing.place(root, False, False)
    assert (outcome.placed, outcome.kept, outcome.removed) == ([], [], [])
    assert tree(root) == once


@pytest.mark.parametrize("survivors", [0, 1, 2, 3])
def test_an_interrupted_placing_is_completed_or_taken_out(
    root: Path, own_bundle: Path, monkeypatch: pytest.MonkeyPatch, survivors: int
) -> None:
    """Cut short after any number of files, the next install completes it and the next uninstall takes all of it out."""
    before = tree(root)
    for finish in ("install", "uninstall"):
        put, done = placing._put, []

        def dying(source: Path, target: Path, is_link: bool, put: Any = put, done: list[Path] = done) -> None:
            if len(done) == survivors:
                raise KeyboardInterrupt
            put(source, target, is_link)
            done.append(target)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(placing, "_put", dying)
            placing.place(root, False, False)
        if finish == "install":
            assert placing.place(root, False, False).kept == []
            assert placing.place(root, False, False).placed == []
        assert placing.remove(root, False).kept == []
        assert tree(root) == before


def test_an_interrupted_renewal_is_not_taken_for_an_edit(
    root: Path, own_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that a cut-short renewal left at the old version are ours, and are renewed by the next one."""
    placing.place(root, False, False)
    (own_bundle / "scripts" / "run.py").write_text("version = 2\n")

    def dying(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(placing, "_put", dying)
        placing.place(root, False, False)
    outcome = placing.place(root, False, False)
    assert (outcome.placed, outcome.kept) == (["scripts/run.py"], [])
    assert (root / "scripts" / "run.py").read_text() == "version = 2\n"


def test_a_root_without_hummingbot_is_refused(tmp_path: Path, hbx: Hbx) -> None:
    """The message names the folder that is asked for; nothing is written."""
    failure = hbx("install", "--root", tmp_path).exception
    assert isinstance(failure, Failure)
    assert failure.code == ExitCode.NOT_FOUND
    assert "hummingbot/" in failure.fix
    assert not list(tmp_path.iterdir())


def test_an_unsupported_hummingbot_is_refused(root: Path, hbx: Hbx) -> None:
    """A release that we are not tested with is named together with the tested ones; nothing is written."""
    (root / "hummingbot" / "VERSION").write_text("dev-1.0.0\n")
    before = tree(root)
    failure = hbx("install", "--root", root).exception
    assert isinstance(failure, Failure)
    assert failure.code == ExitCode.CONFIG_ERROR
    assert "dev-1.0.0" in failure.what and "20260922" in failure.fix
    assert tree(root) == before


def test_uninstall_of_nothing_says_so(root: Path, hbx: Hbx) -> None:
    """A root without our manifest is not touched."""
    failure = hbx("uninstall", "--root", root).exception
    assert isinstance(failure, Failure) and failure.code == ExitCode.NOT_FOUND


def test_a_damaged_manifest_is_refused(root: Path, hbx: Hbx) -> None:
    """Nothing is deleted on the word of a manifest that cannot be read."""
    hbx("install", "--root", root)
    (root / placing.MANIFEST).write_text('{"files":')
    failure = hbx("uninstall", "--root", root).exception
    assert isinstance(failure, Failure) and failure.code == ExitCode.CONFIG_ERROR
    assert (root / CONNECTOR).is_file()
