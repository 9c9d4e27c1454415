"""Which folders need the real Hummingbot: their tests are marked, and ``-m "not hummingbot"`` never imports them.

Also in which folders async tests run on a loop whose time leaps, and how Hypothesis works in all: its profile is
HBX_HYPOTHESIS_PROFILE, ``dev`` for a run by hand, ``steady`` for `make check` and `make test`, ``proof`` and
``mutation`` for `make proof`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

TESTS = Path(__file__).resolve().parent
NEED_HUMMINGBOT = (
    "chaos", "contract", "e2e", "emulator_connector", "faults", "unit/connector", "unit/execution", "unit/standx",
)  # fmt: skip
WARPED = ("emulator", "emulator_connector", "unit/execution", "wire")
"""Where async tests run on the warp loop, which bot and venue share: no deadline passes because a machine is busy."""

# No deadline: how long an example takes is the machine's matter.
settings.register_profile(
    "dev", max_examples=200, deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
# The same examples until the code changes: a change is judged by what it did, and luck is for runs by hand and proofs.
settings.register_profile("steady", parent=settings.get_profile("dev"), derandomize=True, database=None)
settings.register_profile("proof", parent=settings.get_profile("dev"), max_examples=10_000)
# For thousands of runs that need only know whether a test fails: the same examples each time, and no smallest one.
settings.register_profile(
    "mutation", parent=settings.get_profile("dev"), max_examples=60, derandomize=True, database=None,
    phases=[Phase.explicit, Phase.generate])  # fmt: skip
settings.load_profile(os.environ.get("HBX_HYPOTHESIS_PROFILE", "dev"))


def _is_within(path: Path, folders: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(TESTS / folder) for folder in folders)


def pytest_configure(config: pytest.Config) -> None:
    """Know our markers."""
    config.addinivalue_line("markers", "real_clock: needs real time, although async tests of its folder leap")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The one loop on which an async test runs."""
    if not _is_within(item.path, WARPED) or item.get_closest_marker("real_clock") is not None:
        return {"real": asyncio.new_event_loop}
    from tests.support.warp_loop import WarpTestLoop

    return {"warp": WarpTestLoop}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave those folders out before anything in them is imported."""
    if "not hummingbot" in config.getoption("markexpr") and _is_within(collection_path, NEED_HUMMINGBOT):
        return True
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in those folders."""
    for item in items:
        if _is_within(item.path, NEED_HUMMINGBOT):
            item.add_marker("hummingbot")
