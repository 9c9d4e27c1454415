"""A small deterministic market that moves a lot: enough for liquidations and triggers within seconds."""

from __future__ import annotations

from random import Random

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import BookChanged, MarketEvent, MarketSpec
from tests.support.fifo_market import FifoMarket

STEP_NS = 70_000_000
LEVELS, LEVEL_LOTS, GAP_TICKS = 4, 3_000, 40


class MovingMarket(FifoMarket):
    """Every 70 ms the index jumps, a ladder of outside orders is laid around it anew, and a taker comes along.

    Outside orders that meet ours trade with them. ``jump_bps`` is the largest step of the index.
    """

    def __init__(self, spec: MarketSpec, seed: int, start_ns: int, start_ticks: int, jump_bps: int = 90) -> None:
        super().__init__(spec, start_ns, None)
        self._next_ns = start_ns
        self._random = Random(f"moving {seed}")
        self._value = start_ticks
        self._jump_bps = jump_bps
        self._ladder: list[int] = []
        self._next_id = -1
        self._step(start_ns)
        self._pending.clear()

    def advance(self, to_ns: int) -> list[MarketEvent]:
        while self._next_ns <= to_ns:
            self._step(self._next_ns)
        self.now_ns = to_ns
        return self._taken()

    def _step(self, at_ns: int) -> None:
        draw = self._random
        self._next_ns = at_ns + STEP_NS
        self._value = max(1_000, self._value + self._value * draw.randint(-self._jump_bps, self._jump_bps) // 10_000)
        for order_id in self._ladder:
            self._book.cancel(order_id)
        self._ladder = []
        for level in range(LEVELS):
            for side in Side:
                price = self._value - side.sign * GAP_TICKS * (level + 1)
                if draw.random() < 0.8:
                    self._ladder.append(self._outside(at_ns, side, price, LEVEL_LOTS, TimeInForce.GTC))
        if draw.random() < 0.5:
            self._outside(at_ns, draw.choice(list(Side)), None, draw.randint(1, 4_000), TimeInForce.IOC)
        self._pending.append(BookChanged(at_ns))

    def _outside(self, at_ns: int, side: Side, price: int | None, lots: int, tif: TimeInForce) -> int:
        order_id = self._next_id
        self._next_id -= 1
        self._match(at_ns, order_id, side, price, lots, tif)
        return order_id

    def index(self) -> float | None:
        return self._value * 10.0**-self.spec.price_decimals
