"""From the receipt of a book or price frame to the decision on it, at each cadence and with an interval between turns.

One bot after the other as `hbot start` runs it, in a process of its own, against one emulator on a moving market.
Printed, not judged: ``python -m tests.bench.bench_cadence``.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hummingbot_extensions.cli.bot_process import BotProcess
from hummingbot_extensions.cli.emulator_process import EmulatorProcess, running_emulator
from tests.bench.single_bot import OUR_PACE, OURS, events, row, running

SETTINGS = (
    {"cadence_ms": 100}, {"cadence_ms": 250}, {"cadence_ms": 500}, {"cadence_ms": 1000},
    {"cadence_ms": 250, "min_turn_interval_ms": 100},
)  # fmt: skip
RESTLESS = {"mode": "simple", "half_spread_bps": 6.0, "requote_tolerance_bps": 0.01, "anchor": "mid"}
"""With these nearly every move of the mid replaces an order, and what does something is logged."""
SPARE_MS = 10.0
"""Bar of the p99 over ``min_turn_interval_ms``: what the loop may be busy with when a frame comes in."""
SECONDS = 30.0


def waits_ms(root: Path, venue: EmulatorProcess, settings: dict[str, Any], seconds: float) -> list[float]:
    """Age of the newest frame at the start of every logged decision that a frame led to, milliseconds."""
    bot = BotProcess(root, venue.url, OURS)
    bot.prepare(venue.credentials, **RESTLESS, **OUR_PACE, **settings)
    with running(bot, venue):
        time.sleep(seconds)
    views = [(row["woken_by"], row["inputs"]["view"]) for row in events(bot.root) if row["kind"] == "decision"]
    ages = [[view[name] for name in ("book_age_ms", "price_age_ms") if view[name] is not None]
            for woken_by, view in views if "frame" in woken_by]
    return [min(each) for each in ages if each]


def lines(seconds: float = SECONDS) -> Iterator[str]:
    """A line for each setting, with its bar."""
    root = Path(tempfile.mkdtemp(prefix="hbx-bench-"))
    try:
        with running_emulator(root, None, None, seed=1) as venue:
            for number, settings in enumerate(SETTINGS):
                waits = waits_ms(root / f"bot{number}", venue, settings, seconds)
                bar = settings.get("min_turn_interval_ms", 0) + SPARE_MS
                what = " ".join(f"{name} {value}" for name, value in settings.items())
                yield f"{what:<45}{row(waits)}   bar p99 {bar:g} ms"
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    print("frame received -> decision begins", flush=True)
    for line in lines():
        print(line, flush=True)
