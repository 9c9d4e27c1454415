"""Hummingbot's machinery imported before a test does, in the one place that expects its warnings."""

import tests.support.whole_bot  # noqa: F401
