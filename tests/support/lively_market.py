"""A market that lives by itself: its book shifts by seed every quarter second, its makers come back after a trade.

Unlike ``DrivenMarket`` it always has something new to show, so that a feed which shows nothing new is dead.
"""

from __future__ import annotations

from random import Random

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import BookChanged, MarketEvent
from tests.support.driven_market import MID_TICKS, DrivenMarket

BEAT_NS = 250_000_000
HALF_SPREAD_TICKS = 50
LEVEL_TICKS = 250
LEVELS = 14
LEVEL_LOTS = 300
WALK_TICKS = 300
"""Standard deviation of one beat, 0.3 bps."""
MAX_AWAY_TICKS = 300_000
"""The walk turns back 3 % from where it began, far inside the venue's price cap."""


class LivelyMarket(DrivenMarket):
    """Makers around a walking middle. ``is_calm`` stops the walk; frames go on."""

    def __init__(self, seed: int) -> None:
        super().__init__(levels=0)
        self._random = Random(f"market {seed}")
        self.mid_ticks = MID_TICKS
        self.is_calm = False
        self._beat_ns = self.now_ns
        self._makers: list[int] = []
        self._flip = 0
        self._requote(0)

    def advance(self, to_ns: int) -> list[MarketEvent]:
        if to_ns - self._beat_ns >= BEAT_NS:
            self._beat_ns = to_ns
            step = 0 if self.is_calm else round(self._random.gauss(0, WALK_TICKS))
            if abs(self.mid_ticks + step - MID_TICKS) > MAX_AWAY_TICKS:
                step = -step
            self.now_ns = to_ns
            self._requote(step)
            self._pending.append(BookChanged(to_ns))
        return super().advance(to_ns)

    def jump(self, by_ticks: int) -> None:
        """The market moves at its next beat, through whatever rests in the way."""
        if abs(self.mid_ticks + by_ticks - MID_TICKS) > MAX_AWAY_TICKS:
            by_ticks = -by_ticks
        self._requote(by_ticks)
        self._pending.append(BookChanged(self.now_ns))

    def hit(self, side: Side, lots: int, price_ticks: int) -> None:
        """Somebody trades through the book of ``side`` down to ``price_ticks``, and ``lots`` more there."""
        before = sum(size for price, size in self.book(500)[0 if side is Side.BUY else 1]
                     if (price - price_ticks) * side.sign > 0)  # fmt: skip
        self.outside(side.opposite, price_ticks, before + lots, TimeInForce.IOC)

    def _requote(self, step: int) -> None:
        for order_id in self._makers:
            self._book.cancel(order_id)
        self._makers.clear()
        self.mid_ticks += step
        self._index = self.mid_ticks / 100
        # One lot more or less at the far end: a calm market's frames differ from each other too.
        self._flip ^= 1
        sides = (Side.BUY, Side.SELL) if step < 0 else (Side.SELL, Side.BUY)
        for level in range(LEVELS):
            for side in sides:
                price = self.mid_ticks - side.sign * (HALF_SPREAD_TICKS + LEVEL_TICKS * level)
                order_id = self._take_id()
                lots = LEVEL_LOTS + (self._flip if level == LEVELS - 1 else 0)
                if not self._match(self.now_ns, order_id, side, price, lots, TimeInForce.GTC).would_cross:
                    self._makers.append(order_id)
