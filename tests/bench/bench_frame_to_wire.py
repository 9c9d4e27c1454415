"""From a market frame to the first byte of an order, and of a cancel, on the socket, inside a real Hummingbot process.

Beside both stands Hummingbot's stock way, on the same market.

python -m tests.bench.bench_frame_to_wire
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import yaml

from hummingbot_extensions.cli.bot_process import CONNECTOR, BotProcess
from hummingbot_extensions.cli.emulator_process import EmulatorProcess, running_emulator
from hummingbot_extensions.core.canonical import from_plain
from hummingbot_extensions.core.decide import DecisionInputs
from hummingbot_extensions.monitoring.run_log import newest_log

BAR_P50_MS = 10.0
CANCEL_BAR_MS = 10.0
OURS, STOCK = "ours", "stock"
DISTANCES = {"order_distance_bps": 6.0, "cancel_distance_bps": 5.8, "rebalance_distance_bps": 6.2}
"""So tight that nearly every move of the mark replaces an order."""
OUR_PACE = {"min_dwell_ms": 0.0, "side_throttle_ms": 0.0, "cancel_budget_per_min": 600}
STOCK_SOURCE = Path(__file__).with_name("stock_requoter.py")


@dataclass(frozen=True, slots=True)
class FrameToWire:
    """Samples in milliseconds: ours from frame to socket, stock's from the jump to the answering order's socket."""

    ours_ms: list[float]
    stock_ms: list[float]
    our_cancels_ms: list[float]
    """From the frame that made a cancel due to the cancel's first byte; the stock way's from its own first frame."""
    stock_cancels_ms: list[float]
    decisions: list[DecisionInputs]
    """Inputs that the bot decided on and logged."""
    seconds: float


def measured(seconds: float = 40.0) -> FrameToWire:
    """Run our market maker and then the stock-style one, ``seconds`` each, against one emulator."""
    root = Path(tempfile.mkdtemp(prefix="hbx-bench-"))
    try:
        with running_emulator(root, None, None, seed=1) as venue:
            ours = BotProcess(root / OURS, venue.url, OURS)
            ours.prepare(venue.credentials, **DISTANCES, **OUR_PACE)
            with running(ours, venue):
                time.sleep(seconds)
            rows = events(ours.root)
            stock = _stock_samples(root, venue, seconds)
        latencies = [row["frame_to_wire_ms"] for row in rows
                     if row["kind"] == "order" and row["event"] == "live" and row["frame_to_wire_ms"] is not None]
        decisions = [from_plain(DecisionInputs, row["inputs"]) for row in rows if row["kind"] == "decision"]
        cancels = [row["frame_to_wire_ms"] for row in rows
                   if row["kind"] == "order" and row["event"] == "canceled" and row["frame_to_wire_ms"] is not None]
        stock_ms, stock_cancels_ms = ([row[name] for row in stock if name in row]
                                      for name in ("jump_to_wire_ms", "jump_to_cancel_ms"))
        return FrameToWire(latencies, stock_ms, cancels, stock_cancels_ms, decisions, seconds)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _stock_samples(root: Path, venue: EmulatorProcess, seconds: float) -> list[dict[str, float]]:
    """The stock-style controller after our bot has stopped; same script, connector, account and market."""
    samples = root / "stock.jsonl"
    bot = BotProcess(root / STOCK, venue.url, STOCK)
    bot.prepare(venue.credentials)
    shutil.copy(STOCK_SOURCE, bot.root / "controllers" / "market_making" / STOCK_SOURCE.name)
    config = {"id": STOCK, "controller_name": STOCK_SOURCE.stem, "controller_type": "market_making",
              "connector_name": CONNECTOR, "samples_path": str(samples), **DISTANCES}
    (bot.root / "conf" / "controllers" / f"{STOCK}.yml").write_text(yaml.safe_dump(config))
    with running(bot, venue):
        time.sleep(seconds)
    lines = samples.read_text().splitlines() if samples.exists() else []
    return [json.loads(line) for line in lines]


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


def lines(found: FrameToWire) -> list[str]:
    """The table of both ways and their ratio."""
    rows = [
        f"{'frame received -> first order byte (ours)':<50}{row(found.ours_ms)}   bar p50 {BAR_P50_MS:g} ms",
        f"{'price jump -> first order byte (stock stop+create)':<50}{row(found.stock_ms)}",
        f"{'frame received -> first cancel byte (ours)':<50}{row(found.our_cancels_ms)}   bar {CANCEL_BAR_MS:g} ms",
        f"{'price jump -> first cancel byte (stock stop)':<50}{row(found.stock_cancels_ms)}",
    ]
    if found.ours_ms and found.stock_ms:
        rows.append(f"{'stock / ours, p50':<50}{median(found.stock_ms) / median(found.ours_ms):9.0f} x")
        rows.append("  ours from the frame that an order was decided on; stock from the first frame that put its "
                    "quote out, since its loop does not see frames")
    return rows


def row(samples_ms: list[float]) -> str:
    """Count, percentiles and maximum, in milliseconds."""
    if len(samples_ms) < 2:
        return f"  n {len(samples_ms)}: too few to say"
    cuts = quantiles(samples_ms, n=100, method="inclusive")
    return (f"  n {len(samples_ms):5}  p50 {cuts[49]:8.2f}  p90 {cuts[89]:8.2f}  p99 {cuts[98]:8.2f}"
            f"  max {max(samples_ms):8.2f} ms")


if __name__ == "__main__":
    print("\n".join(lines(measured())))
