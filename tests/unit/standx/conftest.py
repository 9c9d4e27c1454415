"""The connector under its running name, and the wire samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import connectors, hummingbot_shims

hummingbot_shims.install()
connectors.register("standx_perpetual")
WIRE = Path(__file__).resolve().parents[2] / "wire" / "standx"


@pytest.fixture
def sample() -> Callable[[str], Any]:
    """Load a wire sample by name."""
    return lambda name: json.loads((WIRE / f"{name}.json").read_text())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.hummingbot)
