"""Speed of the kernels that a decision calls, compiled beside pure in one run. Run as a script; prints figures.

python -m tests.bench.bench_kernels
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from types import ModuleType
from typing import Any

from hummingbot_extensions.core.layers import LayerParams, SmallLayers, geometry, sizes_base
from hummingbot_extensions.core.view import MarketRules
from hummingbot_extensions.kernels import _quotes_py, quotes

LAYERS = 18
SIDE_BAR_US = 8.0
MARK, TICK = 93_771.43, 0.01
FIRST_BPS = 6.0


def best_us(work: Callable[[], object]) -> float:
    """CPU microseconds of one call in the fastest of nine rounds of 20 ms: a shared machine disturbs the others."""
    calls, spent_s = 1, 0.0
    while spent_s < 0.02:
        calls *= 2
        spent_s = _cpu_s(work, calls)
    return min(_cpu_s(work, calls) for _ in range(9)) / calls * 1e6


def _cpu_s(work: Callable[[], object], calls: int) -> float:
    begun = time.process_time()
    for _ in range(calls):
        work()
    return time.process_time() - begun


class OneSide:
    """A side of layers as a decision meets it: what it wants, and the orders from when the mark was elsewhere."""

    def __init__(self, moved_bps: float) -> None:
        behind = geometry(LayerParams(layer_count=LAYERS, max_spacing_bps=25.0)).behind_bps
        self.distances = [FIRST_BPS + bps for bps in behind]
        self.lots = [70] * LAYERS
        self.bound = round(MARK / TICK) - 100
        self.order_ticks, self.order_lots, _ = quotes.ladder_ticks(
            MARK * (1 + moved_bps / 1e4), TICK, 1, self.distances, self.lots
        )
        self.least = [35] * LAYERS
        self.near = quotes.price_ticks(MARK, TICK, 1, [bps - 2.0 for bps in self.distances])
        self.far = quotes.price_ticks(MARK, TICK, 1, [bps + 3.0 for bps in self.distances], False)
        self.quote_ticks = self.ladder(quotes._impl)[0]

    def ladder(self, kernel: ModuleType) -> Any:
        return kernel.ladder_ticks(MARK, TICK, 1, self.distances, self.lots, self.bound, 1, None)

    def match(self, kernel: ModuleType) -> Any:
        return kernel.match(
            1, self.order_ticks, self.order_lots, self.quote_ticks, self.near, self.far, self.least, self.lots
        )

    def whole(self, kernel: ModuleType) -> None:
        self.ladder(kernel)
        self.match(kernel)

    def edges(self, kernel: ModuleType) -> None:
        kernel.price_ticks(MARK, TICK, 1, self.distances, True)
        kernel.price_ticks(MARK, TICK, 1, self.distances, False)

    def room(self, kernel: ModuleType) -> Any:
        return kernel.room_prefix(self.lots, 900)


def crowd(kernel: ModuleType) -> Any:
    """The worst case: every order may serve every quote, and all of them want the same ones."""
    orders, wanted = list(range(9_000, 9_000 - LAYERS, -1)), list(range(8_990, 8_990 - LAYERS, -1))
    size = [70] * LAYERS
    return kernel.match(1, orders, size, wanted, [10_000] * LAYERS, [1] * LAYERS, size, size)


def line(what: str, work: Callable[[ModuleType], object], bar_us: float | None = None) -> bool:
    """Print microseconds of one call, compiled and pure, their ratio and the bar; whether the bar is met."""
    compiled, pure = best_us(partial(work, quotes._impl)), best_us(partial(work, _quotes_py))
    is_met = bar_us is None or compiled <= bar_us
    bar = "" if bar_us is None else f"   bar {bar_us:g} us {'met' if is_met else 'MISSED'}"
    print(f"{what:56}{compiled:8.2f} us   pure {pure:8.1f} us   ratio {pure / compiled:6.1f}{bar}")
    return is_met


def sizing() -> None:
    """Geometry and sizes: plain Python, kept by the caller while parameters and mark are the same."""
    params = LayerParams(
        layer_count=24, spacing_multiplier=1.2, size_decay=Decimal("0.9"), small_layers=SmallLayers.MERGE)
    rules = MarketRules(Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), None, Decimal(10))
    shape = geometry(params)
    distances = [FIRST_BPS + bps for bps in shape.behind_bps]
    first = Decimal("0.009")
    print(f"{'geometry of 24 layers':56}{best_us(lambda: geometry(params)):8.2f} us")
    spent_us = best_us(lambda: sizes_base(params, shape.weights, distances, first, 3_000.0, rules))
    print(f"{'sizes of 24 layers, 16 of them merged':56}{spent_us:8.2f} us")


def main() -> int:
    """Print everything; 1 when the bar is missed or the kernel is not compiled."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    machine = f"{platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"
    print(machine + "; CPU time, best of nine")
    if not quotes.IS_COMPILED:
        print("the kernel is not compiled here: python setup.py build_ext --inplace", file=sys.stderr)
        return 1
    still, moved = OneSide(0.3), OneSide(-2.0)
    line(f"ladder of {LAYERS} layers", still.ladder)
    line(f"match {LAYERS} orders, mark 0.3 bps away", still.match)
    line(f"match {LAYERS} orders, mark 2 bps away", moved.match)
    line(f"match {LAYERS} orders, each fits each quote", crowd)
    line(f"nearest and farthest ticks of {LAYERS} layers", still.edges)
    line(f"room for {LAYERS} layers", still.room)
    is_met = line(f"a side of {LAYERS}: ladder and match", still.whole, SIDE_BAR_US)
    is_met &= line(f"a side of {LAYERS}: ladder and match, moved market", moved.whole, SIDE_BAR_US)
    sizing()
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
