"""Shims for Hummingbot, and the marker of everything in this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from hummingbot_extensions.emulator import exchange
from tests.support import connectors, hummingbot_shims

hummingbot_shims.install()
connectors.register("standx_perpetual")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.hummingbot)


@pytest.fixture
def slow_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that let hours pass: between due events the venue looks twenty times a second instead of a hundred."""
    monkeypatch.setattr(exchange, "PACE_S", 0.05)
