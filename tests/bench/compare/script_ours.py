"""Our script with the benchmark's probe in it; copied into a workspace."""

from __future__ import annotations

import os
from typing import Any

import bench_probe  # beside it in the workspace

from hummingbot_extensions.execution import controllers_script


class BenchOursConfig(controllers_script.ControllersScriptConfig):
    """As our own."""

    script_file_name: str = os.path.basename(__file__)


class BenchOurs(controllers_script.ControllersScript):
    """Our script, watched."""

    def start(self, clock: Any, timestamp: float) -> None:
        self._probe = bench_probe.Probe(self)
        super().start(clock, timestamp)

    def on_tick(self) -> None:
        super().on_tick()
        self._probe.tick()
