"""What ``hbx start`` checks before Hummingbot is asked, and the words it then hands over."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.cli import preflight
from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.cli.placing import MANIFEST, Manifest

Hbx = Callable[..., Any]
CONTROLLER = "id: maker\ncontroller_name: perp_market_maker\ncontroller_type: market_making\nconnector_name: {}\n"


@pytest.fixture
def workspace(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a controller file, a script and its settings; the key store's password is known."""
    Manifest().write(root)
    for name, content in {
        "conf/controllers/maker.yml": CONTROLLER.format("standx_perpetual_emulator"),
        "conf/scripts/run.yml": "script_file_name: mine.py\ncontrollers_config: [maker.yml]\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    monkeypatch.setenv("HBOT_PASSWORD", "pw")
    return root


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Path]]:
    """Commands that would have been run, with their folder; each ends with code 3."""
    seen: list[tuple[list[str], Path]] = []

    def run(command: list[str], cwd: Path, **_: Any) -> subprocess.CompletedProcess[bytes]:
        seen.append((command[1:], cwd))
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(preflight, "check", lambda *_: preflight.Answer(None, []))
    monkeypatch.setattr(subprocess, "run", run)
    return seen


@pytest.mark.parametrize(
    ("words", "handed"),
    [
        (["maker.yml"], ["start", "--controller", "maker.yml"]),
        (["maker"], ["start", "--controller", "maker.yml"]),
        (["conf/controllers/maker.yml"], ["start", "--controller", "maker.yml"]),
        (["run.yml"], ["start", "--v2-script", "run.yml"]),
        (["--script", "mine.py", "--conf", "run.yml"], ["start", "--v2-script", "run.yml"]),
        (["--script", "mine", "--conf", "run"], ["start", "--v2-script", "run.yml"]),
        (["--conf", "run.yml", "--json"], ["start", "--v2-script", "run.yml", "--json"]),
    ],
)
def test_every_way_to_start_becomes_hbots_own(
    workspace: Path, handed_over: list[Any], hbx: Hbx, words: list[str], handed: list[str]
) -> None:
    """The type is always named to hbot, it runs in the workspace, and its exit code is ours."""
    result = hbx("start", *words, "--workspace", workspace)
    assert handed_over == [(["-m", "hummingbot.cli.main", *handed], workspace)]
    assert result.exit_code == 3


def test_a_controller_starts_again_beside_its_loader(workspace: Path, handed_over: list[Any], hbx: Hbx) -> None:
    """The loader that a first start leaves in conf/scripts under the same name does not stop the second."""
    (workspace / "conf" / "scripts" / "maker.yml").write_text("script_file_name: mine.py\n")
    hbx("start", "maker.yml", "--workspace", workspace)
    assert handed_over[0][0][2:] == ["start", "--controller", "maker.yml"]


def test_the_workspace_is_found_from_a_folder_inside(
    workspace: Path, handed_over: list[Any], hbx: Hbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ``--workspace`` the current folder or the nearest one above it is taken."""
    monkeypatch.chdir(workspace / "conf" / "controllers")
    hbx("start", "maker.yml")
    assert handed_over[0][1] == workspace


@pytest.mark.parametrize(
    ("name", "content", "words", "code", "told"),
    [
        ("controllers/half.yml", "id: half\ncontroller_name: [a,\n", ["half.yml"], 4, "half.yml, line 3"),
        ("controllers/empty.yml", "", ["empty.yml"], 4, "holds no settings"),
        ("controllers/list.yml", "- a\n", ["list.yml"], 4, "holds no settings"),
        ("controllers/noid.yml", "controller_name: a\ncontroller_type: b\n", ["noid.yml"], 4, "id is missing"),
        (
            "controllers/paper.yml",
            CONTROLLER.format("standx_perpetual_paper_trade"),
            ["paper.yml"],
            4,
            "spot paper trading",
        ),
        ("scripts/lost.yml", "script_file_name: lost.py\n", ["--conf", "lost.yml"], 2, "lost.py is not in"),
        ("scripts/none.yml", "a: 1\n", ["--conf", "none.yml"], 4, "script_file_name is missing"),
        (
            "scripts/deep.yml",
            "script_file_name: mine.py\ncontrollers_config: [gone.yml]\n",
            ["--conf", "deep.yml"],
            2,
            "no file gone.yml",
        ),
        ("scripts/x.yml", "", ["missing.yml"], 2, "no file missing.yml"),
        ("scripts/x.yml", "", ["--script", "mine.py"], 4, "needs its settings"),
        ("scripts/x.yml", "", ["--script", "other.py", "--conf", "run.yml"], 4, "belongs to script mine"),
        ("scripts/x.yml", "", ["maker.yml", "--conf", "run.yml"], 4, "both given"),
        ("scripts/x.yml", "", [], 4, "nothing to start"),
    ],
)
def test_what_cannot_start_is_refused_before_hummingbot(
    workspace: Path, handed_over: list[Any], hbx: Hbx, name: str, content: str, words: list[str], code: int, told: str
) -> None:
    """One line says what is wrong and where, with a fix and hbot's exit code; nothing is started."""
    (workspace / "conf" / name).write_text(content)
    failure = hbx("start", *words, "--workspace", workspace).exception
    assert isinstance(failure, Failure)
    assert told in failure.what
    assert failure.fix
    assert failure.code == code
    assert not handed_over


def test_a_folder_that_is_no_workspace_is_refused(tmp_path: Path, handed_over: list[Any], hbx: Hbx) -> None:
    """The fix names ``hbx init`` with that folder."""
    failure = hbx("start", "maker.yml", "--workspace", tmp_path).exception
    assert isinstance(failure, Failure)
    assert failure.code == ExitCode.NOT_FOUND
    assert f"hbx init {tmp_path}" in failure.fix
    assert not (tmp_path / MANIFEST).exists()


def test_without_password_and_terminal_nothing_starts(
    workspace: Path, handed_over: list[Any], hbx: Hbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password is asked for by name, before a bot is left half started."""
    monkeypatch.delenv("HBOT_PASSWORD")
    monkeypatch.delenv("CONFIG_PASSWORD", raising=False)
    failure = hbx("start", "maker.yml", "--workspace", workspace).exception
    assert isinstance(failure, Failure)
    assert (failure.code, failure.fix) == (ExitCode.CONFIG_ERROR, "set HBOT_PASSWORD")
    assert not handed_over


@pytest.mark.parametrize("words", [["maker.yml"], ["run.yml"], ["--conf", "run.yml"]])
def test_what_hummingbot_refuses_is_not_started(
    workspace: Path, handed_over: list[Any], hbx: Hbx, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Whatever the form, every controller file it brings is checked with the password, and a refusal ends the start."""
    asked: list[Any] = []

    def refuse(*question: Any) -> preflight.Answer:
        asked.append(question)
        return preflight.Answer(Failure("secret: expired", "make a new one", ExitCode.CONFIG_ERROR), [])

    monkeypatch.setattr(preflight, "check", refuse)
    failure = hbx("start", *words, "--workspace", workspace).exception
    assert isinstance(failure, Failure) and failure.what == "secret: expired"
    assert asked == [(workspace, ["maker.yml"], "pw")]
    assert not handed_over


def test_a_venue_that_does_not_answer_stops_no_start(
    workspace: Path, handed_over: list[Any], hbx: Hbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bot that is started again while its venue is away starts, and the user is told what was not checked."""
    monkeypatch.setattr(preflight, "check", lambda *_: preflight.Answer(None, ["venue: cannot connect"]))
    result = hbx("start", "maker.yml", "--workspace", workspace)
    assert handed_over and "venue: cannot connect" in result.stderr


@pytest.mark.parametrize(
    ("child", "code", "told"),
    [
        ("import sys; sys.exit('ImportError: no pandas')", 1, "no pandas"),
        ("pass", 1, "no output"),
        ("print('noise'); print('{\"what\": \"a\", \"fix\": \"b\", \"code\": 4, \"unanswered\": []}')", 4, "a"),
        ("import time; time.sleep(60)", 5, "longer than"),
    ],
)
def test_the_check_always_comes_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, child: str, code: int, told: str
) -> None:
    """A Hummingbot that cannot be imported, says nothing or hangs is a failure of its own."""
    run = subprocess.run
    monkeypatch.setattr(preflight, "TIMEOUT_S", 60.0 if code != 5 else 0.5)
    monkeypatch.setattr(
        subprocess, "run", lambda command, **how: run([command[0], "-c", child], **how))
    failure = preflight.check(tmp_path, ["maker.yml"], "pw").failure
    assert failure is not None and failure.code == code and told in failure.what
