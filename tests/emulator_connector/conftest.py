"""Shims for Hummingbot, and the marker of everything in this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import connectors, hummingbot_shims

hummingbot_shims.install()
connectors.register("standx_perpetual")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.hummingbot)
