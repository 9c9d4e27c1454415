"""The bundle in a copy of the real Hummingbot: discovered while it is there, and gone without a trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from hummingbot_extensions.cli.hummingbot_root import installed_package
from hummingbot_extensions.cli.init import copy_package
from hummingbot_extensions.cli.workspace import checked_controller
from tests.support.trees import tree

CONNECTORS = {"standx_perpetual", "standx_perpetual_emulator"}


def hbx(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """``hbx`` as a user runs it."""
    command = [sys.executable, "-m", "hummingbot_extensions.cli.main", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def ask(root: Path, code: str) -> str:
    """What the Hummingbot of ``root`` prints, run as its own command line is: with the root as current folder."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def connectors_of(root: Path) -> set[str]:
    """Names of every connector that the Hummingbot of ``root`` finds."""
    code = (
        "import json; from hummingbot.client.settings import AllConnectorSettings as A; "
        "print(json.dumps(sorted(A.get_connector_settings())))"
    )
    return set(json.loads(ask(root, code)))


@pytest.fixture
def real_root(tmp_path: Path) -> Path:
    """A root with the whole installed Hummingbot and a script of its own, as a source checkout has."""
    root = tmp_path / "checkout"
    (root / "scripts").mkdir(parents=True)
    (root / "scripts" / "own.py").write_text("mine = True\n")
    copy_package(installed_package(), root / "hummingbot")
    return root


def is_bytecode_of(path: str, before: dict[str, str]) -> bool:
    """Whether ``path`` is Python's own cache of a module that was there before: running Hummingbot writes those."""
    folder, _cache, name = path.partition("/__pycache__")
    return folder in before and (not name or f"{folder}{name.split('.')[0]}.py" in before)


@pytest.mark.parametrize("how", ["--copy", "--link"])
def test_install_and_uninstall_leave_the_real_tree_identical(real_root: Path, how: str) -> None:
    """Hummingbot finds our connectors between the two, and after them every byte is what it was."""
    without = connectors_of(real_root)
    before = tree(real_root)
    assert hbx("install", "--root", real_root, how).returncode == 0
    assert connectors_of(real_root) - without == CONNECTORS
    done = hbx("uninstall", "--root", real_root)
    assert done.returncode == 0, done.stderr
    after = tree(real_root)
    assert {path: after.get(path) for path in before} == before
    assert not [path for path in after if path not in before and not is_bytecode_of(path, before)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new workspace."""
    root = tmp_path_factory.mktemp("made") / "ws"
    done = hbx("init", root)
    assert done.returncode == 0, done.stderr
    return root


def test_a_workspace_is_a_hummingbot_of_its_own(workspace: Path) -> None:
    """Its root and its settings are the workspace's, and our connectors are among the ones it finds."""
    assert ask(workspace, "import hummingbot; print(hummingbot.root_path())") == str(workspace)
    assert connectors_of(workspace) >= CONNECTORS
    ours = workspace / "hummingbot" / "__init__.py"
    assert ours.stat().st_nlink > 1 or ours.stat().st_dev != installed_package().stat().st_dev


def test_hummingbot_takes_the_client_settings(workspace: Path) -> None:
    """Read by the command that reads nothing else: no volume is reported, every dollar is a dollar, rates are ours."""
    done = subprocess.run(
        [sys.executable, "-m", "hummingbot.cli.main", "config", "rate_oracle_source.name"],
        cwd=workspace,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "value: standx_perpetual\n" in done.stdout
    saved = yaml.safe_load((workspace / "conf" / "conf_client.yml").read_text())
    assert not saved["anonymized_metrics_mode"]
    assert set(saved["global_token"]["usd_equivalent_tokens"]) >= {"USD", "USDT", "USDC", "DUSD"}


def test_what_users_edit_is_no_link(workspace: Path) -> None:
    """Settings, scripts and controllers are files of the workspace alone: editing one changes no other workspace."""
    for folder in ("conf", "scripts", "controllers"):
        files = [path for path in (workspace / folder).rglob("*") if path.is_file()]
        assert files
        assert all(path.stat().st_nlink == 1 and not path.is_symlink() for path in files)


def test_a_refresh_keeps_what_was_edited(tmp_path: Path) -> None:
    """A stale package copy and an unedited file are renewed; edits and the user's own connector stay."""
    root = tmp_path / "ws"
    assert hbx("init", root).returncode == 0
    preset = sorted((root / "conf" / "controllers").glob("*.yml"))[0]
    preset.write_text(preset.read_text() + "# mine\n")
    client = (root / "conf" / "conf_client.yml").read_text()
    (root / "hummingbot" / "VERSION").unlink()
    (root / "hummingbot" / "VERSION").write_text("old")
    own = root / "hummingbot" / "connector" / "derivative" / "own_perpetual"
    own.mkdir()
    (own / "__init__.py").write_text("mine = True\n")
    done = hbx("init", root, "--refresh", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kept"] == [preset.relative_to(root).as_posix()]
    assert preset.read_text().endswith("# mine\n")
    assert (root / "conf" / "conf_client.yml").read_text() == client
    assert (root / "hummingbot" / "VERSION").read_text() == (installed_package() / "VERSION").read_text()
    assert (own / "__init__.py").read_text() == "mine = True\n"
    assert connectors_of(root) >= CONNECTORS


def interrupted(at: str) -> str:
    """Code that runs ``hbx init`` and dies when the function named is reached."""
    return (
        "import os, sys\n"
        "from hummingbot_extensions.cli import init, placing, main\n"
        f"owner = {at.split('.')[0]}\n"
        f"setattr(owner, {at.split('.')[1]!r}, lambda *_, **__: os._exit(9))\n"
        "main.main()\n"
    )


@pytest.mark.parametrize("at", ["init.copy_package", "init._write_client_config", "init.place", "placing._put"])
def test_an_interrupted_init_is_repaired_by_what_it_says(tmp_path: Path, at: str) -> None:
    """Killed at any stage, the same command or the one its message names ends with a sound workspace."""
    root = tmp_path / "ws"
    done = subprocess.run([sys.executable, "-c", interrupted(at), "init", str(root)], timeout=180, check=False)
    assert done.returncode == 9
    again = hbx("init", root)
    if again.returncode:
        assert "--refresh" in again.stderr
        assert hbx("init", root, "--refresh").returncode == 0
    assert connectors_of(root) >= CONNECTORS
    assert (root / "conf" / "conf_client.yml").is_file()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """A folder with something in it is never turned into a workspace."""
    (tmp_path / "thesis.txt").write_text("mine")
    done = hbx("init", tmp_path)
    assert done.returncode == 4
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_dry_run_of_init_writes_nothing(tmp_path: Path) -> None:
    """``--dry-run`` says what it would place."""
    done = hbx("init", tmp_path / "ws", "--dry-run")
    assert done.returncode == 0
    assert "would place" in done.stdout
    assert not (tmp_path / "ws").exists()


@pytest.fixture
def start(workspace: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``hbx start`` in the workspace, with a password."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hummingbot_extensions.cli.main", "start", *words]
        return subprocess.run(
            command,
            cwd=workspace,
            env={**os.environ, "HBOT_PASSWORD": "pw"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def test_a_half_written_file_is_one_line(
    workspace: Path, start: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """File, line and fix, exit code 4, and no bot."""
    (workspace / "conf" / "controllers" / "half.yml").write_text("id: half\ncontroller_name: [a,\n")
    done = start("half.yml")
    assert done.returncode == 4
    assert "half.yml, line 3" in done.stderr and done.stderr.count("\n") == 1
    assert not (workspace / "data" / "bot" / "bot.pid").exists()


def test_hbots_own_refusal_comes_through(
    workspace: Path, start: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A controller that Hummingbot cannot load ends with hbot's message and hbot's exit code."""
    (workspace / "conf" / "controllers" / "ghost.yml").write_text(
        "id: ghost\ncontroller_name: ghost\ncontroller_type: market_making\n"
    )
    done = start("ghost.yml")
    assert done.returncode == 4
    assert "ghost" in done.stdout + done.stderr


def test_hbot_creates_a_controller_file_that_starts_checks(workspace: Path) -> None:
    """``hbot create`` writes our controller's defaults, and the file is one that ``hbx start`` and hbot take."""
    done = subprocess.run(
        [sys.executable, "-m", "hummingbot.cli.main", "create", "perp_market_maker", "--name", "made.yml"],
        cwd=workspace,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = checked_controller(workspace / "conf" / "controllers" / "made.yml")
    assert made["hard_stop_recovery"] == "maker" and made["armed"] is False
    code = (
        "from hummingbot.cli.strategy_configs import config_path, validate_controller; "
        "print(validate_controller(config_path('controller', 'made.yml'))[0].controller_name)"
    )
    assert ask(workspace, code) == "perp_market_maker"
