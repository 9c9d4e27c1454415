"""One bot of ours against a venue, and samples as a line: what benches of a single bot share."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

from hummingbot_extensions.cli.bot_process import BotProcess
from hummingbot_extensions.cli.emulator_process import EmulatorProcess
from hummingbot_extensions.monitoring.run_log import newest_log

OURS = "ours"
DISTANCES = {"order_distance_bps": 6.0, "cancel_distance_bps": 5.8, "rebalance_distance_bps": 6.2}
"""So tight that nearly every move of the mark replaces an order."""
OUR_PACE = {"min_dwell_ms": 0.0, "side_throttle_ms": 0.0, "cancel_budget_per_min": 600}


@contextmanager
def running(bot: BotProcess, venue: EmulatorProcess) -> Iterator[None]:
    """The bot, from its first two-sided quote on; stopped with the block."""
    bot.start()
    try:
        deadline = time.monotonic() + 60
        while {order["side"] for order in venue.get(f"accounts/{venue.user}")["open_orders"]} != {"buy", "sell"}:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no two-sided quote within 60 s; read {bot.root}/logs")
            time.sleep(0.2)
        yield
    finally:
        bot.stop()


def events(workspace: Path) -> list[dict[str, Any]]:
    path = newest_log(workspace, OURS)
    if path is None:
        raise FileNotFoundError(f"no event log under {workspace}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def row(samples_ms: list[float]) -> str:
    """Count, percentiles and maximum, in milliseconds."""
    if len(samples_ms) < 2:
        return f"  n {len(samples_ms)}: too few to say"
    cuts = quantiles(samples_ms, n=100, method="inclusive")
    return (f"  n {len(samples_ms):5}  p50 {cuts[49]:8.2f}  p90 {cuts[89]:8.2f}  p99 {cuts[98]:8.2f}"
            f"  max {max(samples_ms):8.2f} ms")
