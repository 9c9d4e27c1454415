"""Hummingbot's strategy machinery imported before a test does: it warns about its own models."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Pydantic deprecations in Hummingbot's own config classes, raised once, at their import.
    warnings.simplefilter("ignore", DeprecationWarning)
    import hummingbot.strategy.strategy_v2_base  # noqa: F401
