"""The venue of the comparison: the emulator on a market that steps, the same way for every bot.

Agents' markets move seldom and fill quotes; here the mid steps by two bps every 1.6 to 2.4 s and comes nowhere near a
quote, so that every sample is a re-quote. The steps are off every round second, to which loops of one second would
otherwise stay in one phase for a whole run.

python -m tests.bench.compare.venue READY_FILE CREDENTIALS_FILE
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from hummingbot_extensions.cli.emulator_process import EmulatorProcess
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.markets import SPECS
from hummingbot_extensions.emulator.serve import serve
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.market import BookChanged, Fill, MarketEvent, Placement
from hummingbot_extensions.sim.matching import FifoBook

SYMBOL = "BTC-USD"
LATENCY_MS = 50.0
"""From acceptance to execution of an order, of a cancel, and of every frame to its receiver."""
START_NS = 1_767_657_600_000_000_000
MID_TICKS = 10_000_000
STEP_BPS = 2
WALK_BPS = 4
BEAT_NS = 250_000_000
STEP_S = (1.6, 2.4)
LEVELS, LEVEL_TICKS, LEVEL_LOTS = 20, 100, 10_000


class SteppingMarket:
    """A deep book around a mid that steps to and fro, shown anew four times a second."""

    def __init__(self, seed: int) -> None:
        self.spec = SPECS[SYMBOL][0]
        self.now_ns = START_NS
        self._draw = Random(seed)
        self._book = FifoBook()
        self._away_bps = 0
        self._others: list[int] = []
        self._next_id = -1
        self._next_beat_ns = START_NS + BEAT_NS
        self._next_step_ns = START_NS + self._pause_ns()
        self._stand()

    def _pause_ns(self) -> int:
        return int(self._draw.uniform(*STEP_S) * 1e9)

    @property
    def _mid_ticks(self) -> int:
        return MID_TICKS + MID_TICKS * self._away_bps // 10_000

    def _stand(self) -> None:
        """Everybody else's orders around the mid, after those around the former one are gone."""
        for order_id in self._others:
            self._book.cancel(order_id)
        self._others = []
        for level in range(LEVELS):
            for side in Side:
                price = self._mid_ticks - side.sign * LEVEL_TICKS * (level + 1)
                self._book.place(self._next_id, side, price, LEVEL_LOTS, TimeInForce.GTC)
                self._others.append(self._next_id)
                self._next_id -= 1

    def advance(self, to_ns: int) -> list[MarketEvent]:
        events: list[MarketEvent] = []
        while (at_ns := min(self._next_beat_ns, self._next_step_ns)) <= to_ns:
            if at_ns == self._next_step_ns:
                self._next_step_ns += self._pause_ns()
                ways = [way for way in (-STEP_BPS, STEP_BPS) if abs(self._away_bps + way) <= WALK_BPS]
                self._away_bps += self._draw.choice(ways)
                self._stand()
            if at_ns == self._next_beat_ns:
                self._next_beat_ns += BEAT_NS
            events.append(BookChanged(at_ns))
        self.now_ns = to_ns
        return events

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Placement:
        execution = self._book.place(order_id, side, price_ticks, size_lots, tif)
        fills = tuple(Fill(self.now_ns, order_id, match.price_ticks, match.size_lots, False)
                      for match in execution.matches)
        return Placement(fills, execution.resting_lots, execution.would_cross)

    def cancel(self, order_id: int) -> int | None:
        return self._book.cancel(order_id)

    def book(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return self._book.levels(Side.BUY, depth), self._book.levels(Side.SELL, depth)

    def touch(self) -> tuple[int | None, int | None]:
        return self._book.best_ticks(Side.BUY), self._book.best_ticks(Side.SELL)

    def last_ticks(self) -> int | None:
        return None

    def index(self) -> float | None:
        return self._mid_ticks / 100

    @property
    def is_over(self) -> bool:
        return False


@contextmanager
def running_venue(root: Path) -> Iterator[EmulatorProcess]:
    """The venue in a process of its own on a free port, ended with the block."""
    ready, keys = root / "venue.json", root / "venue-keys.json"
    with (root / "venue.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(ready), str(keys)], cwd=Path(__file__).parents[3],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0)
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the venue did not start: {(root / 'venue.log').read_text()[-300:]}")
            time.sleep(0.1)
        told = json.loads(ready.read_text())
        yield EmulatorProcess(told["url"], told["user"], json.loads(keys.read_text()))
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def main() -> None:
    ready, keys = map(Path, sys.argv[1:])
    config = EmulatorConfig(
        markets={SYMBOL: SteppingMarket(seed=1)}, mark_rules={SYMBOL: MarkRule.MID}, order_delay_ms=LATENCY_MS,
        cancel_delay_ms=LATENCY_MS, feed_delay_ms=LATENCY_MS)
    asyncio.run(serve(config, keys, ready))


if __name__ == "__main__":
    main()
