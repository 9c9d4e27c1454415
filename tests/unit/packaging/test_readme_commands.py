"""Every command that the README shows exists: make targets, hbx commands with their options, hbot commands."""

from __future__ import annotations

import functools
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[3]
HBOT_COMMANDS = {"connect": {"--keys-stdin"}, "status": set(), "stop": {"--timeout"},
                 "start": {"--controller", "--v2-script"}, "balance": set()}
"""hbot's commands and options as read in Hummingbot 20260922; the e2e tests run them."""
PROGRAMS = {"cd", "export", "sed", "git", "curl", "docker"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A command of the README with the line it begins on."""

    line: int
    words: tuple[str, ...]


def commands(text: str) -> list[Shown]:
    """Every command of the ``bash`` blocks; a line that ends in a backslash goes on, and a pipe separates two."""
    found = []
    block = False
    pending, began = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            block = not block and line.strip() == "```bash"
            continue
        if not block or not line.strip() or line.lstrip().startswith("#"):
            continue
        began = began if pending else number
        pending += line.removesuffix("\\")
        if line.endswith("\\"):
            continue
        lexer = shlex.shlex(pending, posix=True, punctuation_chars="|;&>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, "|"]:
            if set(word) <= set("|;&"):
                found += [Shown(began, tuple(words))] if words else []
                words = []
            else:
                words.append(word)
        pending = ""
    return found


README = commands((REPO / "README.md").read_text())


@functools.cache
def hbx_help(*words: str) -> str:
    """``--help`` of an hbx command; it must exist."""
    command = [sys.executable, "-m", "hummingbot_extensions.cli.main", *words, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, f"hbx {' '.join(words)}: {done.stderr}"
    return done.stdout


def problem_with(words: tuple[str, ...]) -> str | None:
    """Why a command cannot be run as shown; None when it can."""
    program = Path(words[0]).name
    if program == "make":
        return make_problem(words[1:])
    if program == "hbx":
        return hbx_problem(words[1:])
    if words[1:3] == ("-m", "hummingbot.cli.main"):
        options = HBOT_COMMANDS.get(words[3])
        unknown = {word for word in words[4:] if word.startswith("--")} - (options or set())
        if options is None:
            return f"hbot has no {words[3]}"
        return f"hbot {words[3]} has no {unknown}" if unknown else None
    return None if program in PROGRAMS else f"{program} is not a program that this test knows"


def make_problem(words: tuple[str, ...]) -> str | None:
    """A target that make does not know, or a variable that the Makefile does not take."""
    makefile = (REPO / "Makefile").read_text()
    for word in words:
        name, equals, _value = word.partition("=")
        if equals and not re.search(rf"^{name} \?=", makefile, re.MULTILINE):
            return f"the Makefile takes no {name}"
    done = subprocess.run(["make", "-n", *words], cwd=REPO, capture_output=True, text=True, timeout=240, check=False)
    return None if done.returncode == 0 else done.stderr.strip()


def hbx_problem(words: tuple[str, ...]) -> str | None:
    """A command or an option that ``--help`` does not list."""
    depth = 2 if words[0] == "emulate" else 1
    try:
        text = hbx_help(*words[:depth])
    except AssertionError as error:
        return str(error)
    unknown = [word for word in words[depth:] if word.startswith("--") and f"{word} " not in text.replace(",", " ")]
    return f"hbx {' '.join(words[:depth])} has no {unknown}" if unknown else None


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
@pytest.mark.parametrize("shown", README, ids=lambda shown: f"line {shown.line}: {Path(shown.words[0]).name}")
def test_a_shown_command_exists(shown: Shown) -> None:
    """Program, command and every option are there."""
    assert problem_with(shown.words) is None


def test_the_commands_are_really_found() -> None:
    """The reading of the README itself: it sees the demo, the tests, hbx and hbot."""
    programs = {Path(shown.words[0]).name for shown in README}
    assert {"make", "hbx", "python"} <= programs and len(README) >= 12


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
@pytest.mark.parametrize(
    "line",
    [
        "make demmo",
        "make demo MINUTS=3",
        ".venv/bin/hbx innit x",
        ".venv/bin/hbx init x --frefresh",
        ".venv/bin/hbx emulate standx --porrt 1",
        "python -m hummingbot.cli.main strat",
        "python -m hummingbot.cli.main stop --tim 3",
        "frobnicate",
    ],
)
def test_a_command_that_is_not_there_is_found(line: str) -> None:
    """Each kind of slip is noticed."""
    [shown] = commands(f"```bash\n{line}\n```\n")
    assert problem_with(shown.words) is not None


@pytest.mark.parametrize("words", re.findall(r"`hbx ([a-z][^`]*)`", (REPO / "README.md").read_text()))
def test_a_mentioned_hbx_command_exists(words: str) -> None:
    """The same for what stands in a sentence or a table."""
    assert hbx_problem(tuple(shlex.split(words))) is None


def test_every_local_link_leads_somewhere() -> None:
    """Files that the README points to are there."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (REPO / "README.md").read_text())
    assert links and all((REPO / link).exists() for link in links)
