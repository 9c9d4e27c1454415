"""Hummingbot's own strategy base with nothing added but the benchmark's probe; copied into a workspace.

Without controllers it is bare Hummingbot. ``beat_s`` speeds up what a script and a controller may speed up: how often
controllers and executors look; the clock's own tick stands in the client's configuration.
"""

from __future__ import annotations

import os
from typing import Any

import bench_probe  # beside it in the workspace
from hummingbot.core.data_type.common import MarketDict
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase


class BenchStockConfig(StrategyV2ConfigBase):  # type: ignore[misc]
    """Market of the bare bot, and the beat."""

    script_file_name: str = os.path.basename(__file__)
    connector_name: str = ""
    trading_pair: str = ""
    beat_s: float | None = None

    def update_markets(self, markets: MarketDict) -> MarketDict:
        return markets.add_or_update(self.connector_name, self.trading_pair)


class BenchStock(StrategyV2Base):  # type: ignore[misc]
    """Runs the controllers of its config on Hummingbot's own loops."""

    def start(self, clock: Any, timestamp: float) -> None:
        self._probe = bench_probe.Probe(self)
        if self.config.beat_s is not None:
            self.executor_orchestrator.executors_update_interval = self.config.beat_s
            for controller in self.controllers.values():
                controller.update_interval = self.config.beat_s
        super().start(clock, timestamp)

    def apply_initial_setting(self) -> None:
        for controller in self.controllers.values():
            connector = self.connectors[controller.config.connector_name]
            connector.set_position_mode(controller.config.position_mode)
            connector.set_leverage(controller.config.trading_pair, controller.config.leverage)

    def on_tick(self) -> None:
        super().on_tick()
        self._probe.tick()
