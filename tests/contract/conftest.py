"""Shims and registration that Hummingbot's contract suite needs."""

from __future__ import annotations

from tests.support import connectors, hummingbot_shims

hummingbot_shims.install()
connectors.register("standx_perpetual")
