"""One emulator and one connected workspace for the whole folder: a bot takes eight seconds to start, seven to stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.line import MARK, Emulator, Workspace, made_workspace, own_processes, processes_of, running_emulator


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, str]]:
    """Environment of every process of this run; none is left at the end."""
    with own_processes() as variables:
        yield variables


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Emulator]:
    """A StandX with a synthetic market."""
    with running_emulator(tmp_path_factory.mktemp("emulator"), environment) as running:
        yield running
    assert not processes_of(environment[MARK]), "a process outlived its test"


@pytest.fixture(scope="session")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, emulator: Emulator, environment: dict[str, str]
) -> Workspace:
    """A workspace that holds the emulator's keys."""
    made = made_workspace(tmp_path_factory.mktemp("e2e") / "workspace", emulator, environment)
    done = made.connect(emulator.keys)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture
def free_workspace(workspace: Workspace, emulator: Emulator) -> Iterator[Workspace]:
    """The workspace with the preset's settings and without a bot, before and after the test."""
    workspace.write_controller()
    assert workspace.bot_pid is None and not emulator.sides()
    with workspace.stopped_at_the_end():
        yield workspace


@pytest.fixture(scope="session")
def spare(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator, environment: dict[str, str]) -> Workspace:
    """A second workspace, for keys that are wrong."""
    return made_workspace(tmp_path_factory.mktemp("spare") / "workspace", emulator, environment)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is given the time that a bot needs."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.timeout(480))
