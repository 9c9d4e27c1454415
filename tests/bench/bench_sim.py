"""Speed of the simulator's hot loops, compiled beside pure in one run. Run as a script; prints figures.

python tests/bench/bench_sim.py
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.kernels import _fifo_py, _ladder_py, _levels_py, fifo, ladder, levels
from hummingbot_extensions.kernels.levels import LevelBook
from hummingbot_extensions.sim.generator import generated_tape
from hummingbot_extensions.sim.known_truth import known_flow
from hummingbot_extensions.sim.level_changes import level_changes
from hummingbot_extensions.sim.matching import FifoBook
from hummingbot_extensions.sim.statistics import BTC_USD, NS_PER_S, START_NS, START_PRICE_TICKS

MARKET_S = 1_800
ORDERS_BAR_M = 1.0
CHANGES_BAR_M = 10.0


def best_s(work: Callable[[], object], rounds: int = 3) -> float:
    """CPU seconds of the fastest of some rounds: a shared machine disturbs the others, and wall time more."""
    spent = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def line(what: str, count: int, compiled_s: float, pure_s: float, bar_m: float | None = None) -> bool:
    """Print millions a second, compiled and pure, their ratio and the bar; whether the bar is met."""
    compiled, pure = count / compiled_s / 1e6, count / pure_s / 1e6
    met = bar_m is None or compiled >= bar_m
    bar = "" if bar_m is None else f"   bar {bar_m:g} M/s {'met' if met else 'MISSED'}"
    print(f"{what:52}{compiled:8.2f} M/s   pure {pure:6.2f} M/s   ratio {compiled / pure:5.1f}{bar}")
    return met


def crowded_flow(count: int, seed: int = 1) -> fifo.Commands:
    """Orders and cancels around one price over some two hundred levels, eight of ten resting, one in fifty taking."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(5, count, p=[0.45, 0.05, 0.02, 0.46, 0.02])
    signs = rng.choice(np.array([1, -1]), count)
    ids = np.arange(count)
    ids[kinds == fifo.CANCEL] -= rng.integers(1, 4_000, int((kinds == fifo.CANCEL).sum()))
    prices = 1_000_000 - signs * rng.integers(-1, 100, count)
    return fifo.Commands(kinds, ids, signs, prices, rng.integers(1, 500, count))


def orders() -> bool:
    """The FIFO market fed with the flow of a synthetic market, and with a crowded one."""
    flow = known_flow(BTC_USD, 1, START_PRICE_TICKS, MARKET_S * NS_PER_S).commands
    met = True
    for what, commands in (("agents' own flow", flow), ("crowded flow", crowded_flow(300_000))):
        compiled_s = best_s(lambda c=commands: fifo.run(fifo.new_engine(), c))
        pure_s = best_s(lambda c=commands: fifo.run(_fifo_py.Engine(), c))
        met &= line(f"orders, FIFO market, {what} ({len(commands):,})", len(commands), compiled_s, pure_s, ORDERS_BAR_M)
    return met


def single_calls(count: int = 50_000) -> None:
    """The same book through ``place`` and ``cancel`` one by one, with values for results."""
    rng = Random(1)
    plan = [(n, (Side.BUY, Side.SELL)[rng.random() < 0.5], rng.randint(0, 99)) for n in range(count)]

    def work(engine: object) -> None:
        book = FifoBook()
        book._engine = engine
        for order_id, side, behind in plan:
            book.place(order_id, side, 1_000_000 - side.sign * (1 + behind), 10, TimeInForce.ALO)
            book.cancel(order_id - 500)

    compiled_s, pure_s = best_s(lambda: work(fifo.new_engine())), best_s(lambda: work(_fifo_py.Engine()))
    line("orders, FIFO market, one Python call each", 2 * count, compiled_s, pure_s)


def changes() -> bool:
    """Level changes of a generated tape applied to a book, the frame at the end checked."""
    tape = generated_tape(BTC_USD, 1, START_NS, MARKET_S * NS_PER_S, START_PRICE_TICKS)
    found = level_changes(tape)
    spent = []
    for twin in (None, _levels_py.Levels):
        made: list[LevelBook] = []

        def work(twin: type | None = twin, made: list[LevelBook] = made) -> None:
            book = LevelBook()
            if twin is not None:
                book._levels = twin()
            found.apply(book, 0, len(tape.frame_ts_ns))
            made.append(book)

        spent.append(best_s(work))
        last = [side.tolist() for side in tape.bids.at(len(tape.frame_ts_ns) - 1)]
        if [side.tolist() for side in made[-1].top_arrays(1, 20)] != last:
            raise AssertionError("the book that was built is not the last frame")
    return line(f"level changes of a tape ({len(found):,})", len(found), spent[0], spent[1], CHANGES_BAR_M)


def truncation() -> None:
    """Four hundred exact levels brought to the display grid."""
    ticks = np.arange(9_377_000, 9_373_000, -10) - 3
    lots = np.full(len(ticks), 7, np.int64)
    out = np.empty(400, np.int64), np.empty(400, np.int64)
    compiled_s = best_s(lambda: [ladder.aggregate_down(ticks, lots, 100) for _ in range(200)])
    pure_s = best_s(lambda: [_ladder_py.aggregate_down(ticks, lots, 100, *out) for _ in range(5)])
    line("levels truncated to the display grid", 200 * len(ticks), compiled_s, pure_s * 40)


def market() -> None:
    """The whole synthetic market with its frames, agents included."""
    begun = time.process_time()
    tape = generated_tape(BTC_USD, 1, START_NS, MARKET_S * NS_PER_S, START_PRICE_TICKS)
    spent_s = time.process_time() - begun
    events = len(tape.frame_ts_ns) + len(tape.trade_ts_ns)
    print(
        f"{'synthetic market with agents and frames':52}{MARKET_S / spent_s:8.0f} times real time, "
        f"{events / spent_s:,.0f} events/s"
    )


def machine() -> str:
    """Processor, cores, load and Python of this run."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [row.split(":")[1].strip() for row in info.read_text().splitlines() if row.startswith("model name")]
        model = names[0] if names else model
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


def main() -> int:
    """Print everything; 1 when a bar is missed or a kernel is not compiled."""
    print(machine() + "; CPU time, best of three")
    if not (fifo.IS_COMPILED and levels.IS_COMPILED and ladder.IS_COMPILED):
        print("a kernel is not compiled here: python setup.py build_ext --inplace", file=sys.stderr)
        return 1
    met = orders()
    single_calls()
    met &= changes()
    truncation()
    market()
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
