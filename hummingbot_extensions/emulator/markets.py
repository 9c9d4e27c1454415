"""The markets that an emulator runs on: synthetic agents, a recorded tape, or ready ones from the config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.market import MarketSource


@dataclass(frozen=True, slots=True)
class Markets:
    """Markets by symbol, how their marks are made, and whether each of their frames is shown (a tape) or a beat."""

    markets: Mapping[str, MarketSource]
    mark_rules: Mapping[str, MarkRule]
    shows_every_frame: bool


def build_markets(config: EmulatorConfig) -> Markets:
    """Markets as the config asks for them."""
    if config.markets is not None:
        return Markets(config.markets, config.mark_rules or {}, config.show_every_frame)
    raise CannotServe(f"market {config.market!r} is not available: pass ready markets in the config")
