"""Shims for Hummingbot, and its strategy machinery imported before a test does: it warns about its own models."""

from __future__ import annotations

import warnings

import pytest

from hummingbot_extensions.emulator import exchange
from tests.support import hummingbot_shims

hummingbot_shims.install()
with warnings.catch_warnings():
    # Pydantic deprecations in Hummingbot's own config classes, raised once, at their import.
    warnings.simplefilter("ignore", DeprecationWarning)
    import hummingbot.strategy.strategy_v2_base  # noqa: F401


@pytest.fixture(autouse=True)
def slow_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between due events the venue need not look a hundred times a second: it is most of the work of an idle minute."""
    monkeypatch.setattr(exchange, "PACE_S", 0.05)
