"""A market that lives by itself: its book breathes, its price steps, and now and then it trades with us."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hummingbot_extensions.core.types import Side, TimeInForce
from tests.support.driven_market import MID_TICKS, DrivenMarket

BEAT_S = 0.25
LEVELS, LEVEL_LOTS, HALF_SPREAD_TICKS, STEP_TICKS = 30, 100, 5, 10
CLIPS_LOTS = (5, 20, 20)
"""Of 20 lots a quote: a quarter of it, or all."""


class LivingMarket(DrivenMarket):
    """A driven market whose own orders can move together."""

    def __init__(self) -> None:
        super().__init__(levels=0)
        self.mid_ticks = MID_TICKS
        self._standing: deque[int] = deque()
        self._pulse: int | None = None
        self.stand()

    def stand(self) -> None:
        """All orders of others anew around the mid; what crosses one of ours trades with it."""
        while self._standing:
            self.outside_cancel(self._standing.popleft())
        for level in range(LEVELS):
            for side in Side:
                price = self.mid_ticks - side.sign * (HALF_SPREAD_TICKS + STEP_TICKS * level)
                self._standing.append(self.outside(side, price, LEVEL_LOTS))

    def move(self, bps: float) -> None:
        """Shift mid and index; a step of the tick lattice of others."""
        self.mid_ticks += round(self.mid_ticks * bps / 10_000 / STEP_TICKS) * STEP_TICKS
        self._index = self.mid_ticks / 100
        self.stand()

    def breathe(self) -> None:
        """A far order comes or goes, so that a new book is shown."""
        if self._pulse is None:
            self._pulse = self.outside(Side.BUY, self.mid_ticks - 100_000, 1)
        else:
            self.outside_cancel(self._pulse)
            self._pulse = None

    def hit(self, side: Side, price: Decimal, lots: int) -> None:
        """Somebody trades ``lots`` at ``price``, through all before it; the book returns."""
        ticks = int(price * 100)
        ahead = sum(size for level, size in self.book(200)[0 if side is Side.BUY else 1]
                    if (level - ticks) * side.sign > 0)
        self.outside(side.opposite, ticks, ahead + lots, TimeInForce.IOC)
        self.stand()


@dataclass(slots=True)
class Temper:
    """How lively the market is, per second."""

    hits_per_s: float = 0.15
    moves_per_s: float = 0.2
    one_sided: Side | None = None
    """Only quotes of this side are traded with: the position runs to its limits."""


async def live(market: LivingMarket, quotes: Callable[[], list[dict[str, Any]]], temper: Temper, seed: int) -> None:
    """Until cancelled. ``quotes``: the orders of the bot that rest at the venue."""
    rng = random.Random(seed)
    while True:
        await asyncio.sleep(BEAT_S)
        market.breathe()
        if rng.random() < temper.moves_per_s * BEAT_S:
            # Back towards where it began, so that hours of it stay in the price band.
            pull = (MID_TICKS - market.mid_ticks) / MID_TICKS * 10_000 / 20
            market.move(rng.uniform(-5, 5) + pull)
        if rng.random() < temper.hits_per_s * BEAT_S:
            resting = [row for row in quotes() if temper.one_sided in (None, Side(row["side"]))]
            if resting:
                row = rng.choice(resting)
                market.hit(Side(row["side"]), Decimal(row["price"]), rng.choice(CLIPS_LOTS))
