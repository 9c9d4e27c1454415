"""What ``hbx init`` makes, keeps and refuses, with a small package in place of Hummingbot's."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hummingbot_extensions.cli import init
from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.cli.placing import MANIFEST
from tests.support.trees import tree

Hbx = Callable[..., Any]
PRESET = "conf/controllers/standx_btc_uptime.yml"


@pytest.fixture
def package(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in's package as the one that is installed."""
    monkeypatch.setattr(init, "installed_package", lambda: root / "hummingbot")
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "20260922")
    return root / "hummingbot"


@pytest.mark.usefixtures("package")
def test_a_workspace_has_all_that_hummingbot_wants(tmp_path: Path, hbx: Hbx) -> None:
    """Folders, package, bundle, and client settings that report no volume and take the named prices."""
    top = tmp_path / "ws"
    assert hbx("init", top, "--rates-from", "standx_perpetual_emulator").exit_code == 0
    assert all((top / name).is_dir() for name in init.FOLDERS)
    assert (top / "scripts" / "v2_with_controllers.py").is_file() and (top / PRESET).is_file()
    client = yaml.safe_load((top / "conf" / "conf_client.yml").read_text())
    assert client["anonymized_metrics_mode"] == {}
    assert client["rate_oracle_source"] == {"name": "standx_perpetual_emulator"}
    assert set(client["global_token"]["usd_equivalent_tokens"]) >= {"USD", "USDT", "USDC", "DUSD"}


def test_an_untested_hummingbot_is_refused(package: Path, tmp_path: Path, hbx: Hbx) -> None:
    """Another release than the tested ones makes no workspace and renews none; the message names both."""
    top = tmp_path / "ws"
    assert hbx("init", top).exit_code == 0
    before = tree(top)
    (package / "VERSION").unlink()
    (package / "VERSION").write_text("dev-9.9.9\n")
    for words in (["init", tmp_path / "other"], ["init", top, "--refresh"]):
        failure = hbx(*words).exception
        assert isinstance(failure, Failure) and failure.code == ExitCode.CONFIG_ERROR
        assert "dev-9.9.9" in failure.what and "20260922" in failure.fix
    assert not (tmp_path / "other").exists()
    assert tree(top) == before


@pytest.mark.usefixtures("package")
def test_a_refresh_keeps_settings_and_keys(tmp_path: Path, hbx: Hbx) -> None:
    """An edited preset and the key store survive; nothing else changes when nothing is new."""
    top = tmp_path / "ws"
    hbx("init", top)
    (top / PRESET).write_text("# mine\n")
    (top / "conf" / "connectors" / "standx_perpetual.yml").write_text("encrypted\n")
    before = tree(top)
    result = hbx("init", top, "--refresh", "--json")
    assert result.exit_code == 0 and json.loads(result.output)["kept"] == [PRESET]
    assert {name: text for name, text in tree(top).items() if name != MANIFEST} == {
        name: text for name, text in before.items() if name != MANIFEST}


@pytest.mark.usefixtures("package")
def test_what_is_there_is_never_built_over(tmp_path: Path, hbx: Hbx) -> None:
    """A full folder, a file, a workspace without ``--refresh`` and a refresh of nothing are refused by name."""
    top = tmp_path / "ws"
    hbx("init", top)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = tree(tmp_path)
    for words, code, told in [
        ([tmp_path / "full"], ExitCode.CONFIG_ERROR, "new or an empty"),
        ([tmp_path / "file"], ExitCode.CONFIG_ERROR, "new or an empty"),
        ([top], ExitCode.CONFIG_ERROR, "--refresh"),
        ([tmp_path / "none", "--refresh"], ExitCode.NOT_FOUND, "hbx init"),
    ]:
        failure = hbx("init", *words).exception
        assert isinstance(failure, Failure) and failure.code == code and told in failure.fix
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("package")
def test_a_workspace_in_use_is_not_renewed(tmp_path: Path, hbx: Hbx, monkeypatch: pytest.MonkeyPatch) -> None:
    """While its bot runs nothing is exchanged under it; a pid left by a dead one does not count."""
    top = tmp_path / "ws"
    hbx("init", top)
    (top / "data" / "bot").mkdir()
    (top / "data" / "bot" / "bot.pid").write_text("4711")
    monkeypatch.setattr(init.os, "kill", lambda *_: None)
    failure = hbx("init", top, "--refresh").exception
    assert isinstance(failure, Failure) and "hbot stop" in failure.fix

    def dead(*_: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(init.os, "kill", dead)
    assert hbx("init", top, "--refresh").exit_code == 0


@pytest.mark.usefixtures("package")
def test_a_dry_run_makes_nothing(tmp_path: Path, hbx: Hbx) -> None:
    """``--dry-run`` counts the files and leaves the folder unmade."""
    assert "would place" in hbx("init", tmp_path / "ws", "--dry-run").output
    assert not (tmp_path / "ws").exists()
