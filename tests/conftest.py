"""Which folders need the real Hummingbot: their tests are marked, and ``-m "not hummingbot"`` never imports them."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
NEED_HUMMINGBOT = (
    "chaos", "contract", "e2e", "emulator_connector", "faults", "unit/connector", "unit/execution", "unit/standx",
)  # fmt: skip


def _needs_hummingbot(path: Path) -> bool:
    return any(path.is_relative_to(TESTS / folder) for folder in NEED_HUMMINGBOT)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave those folders out before anything in them is imported."""
    if "not hummingbot" in config.getoption("markexpr") and _needs_hummingbot(collection_path):
        return True
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in those folders."""
    for item in items:
        if _needs_hummingbot(item.path):
            item.add_marker("hummingbot")
