"""What one side wants to show, in ticks and lots, nearest layer first; quotes are made of it where one is needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hummingbot_extensions.core.frozen import quick
from hummingbot_extensions.core.quote import POINTS_LAYER, PriceBreakdown, Quote
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import MarketRules
from hummingbot_extensions.kernels import quotes as kernels

NO_DANGER_BPS = -10_000.0
"""Risk distance of modes that mean to stand at the market."""


def least_kept(lots: int) -> int:
    """An order that partial fills left under this size, half of the wanted one rounded up, is replaced."""
    return (lots + 1) // 2


@quick
@dataclass(frozen=True, slots=True)
class Stand:
    """Where the first layer of a side stands, in bps of the mark, and between which distances an order may stay.

    Nearer than ``risk_bps`` an order is a danger, nearer than ``near_bps`` or beyond ``far_bps`` it is replaced.
    ``most_bps`` is the distance at which an order no longer earns, None where no band pays. ``terms`` sum to
    ``distance_bps``.
    """

    terms: tuple[tuple[str, float], ...]
    distance_bps: float
    risk_bps: float
    near_bps: float
    far_bps: float
    most_bps: float | None


@quick
@dataclass(frozen=True, slots=True)
class Ladder:
    """Layers of one side. Prices in ticks, sizes in lots of the market's step, unsigned.

    An order may serve layer i while its price lies from ``near_ticks[i]`` to ``far_ticks[i]``, both included, and its
    size from ``min_lots[i]`` to ``lots[i]``. A price nearer to the market than ``risk_tick`` is a danger.
    """

    side: Side
    mark: float
    tick: Decimal
    step: Decimal
    is_reduce_only: bool
    stand: Stand
    layers: tuple[int, ...]
    """Which layer each is, counted from the market outwards; what the venue's minimum left out is skipped."""
    offsets_bps: tuple[float, ...]
    """How far behind the first each stands; of the layer for points, which is the last one, its distance from the
    mark."""
    ticks: tuple[int, ...]
    lots: tuple[int, ...]
    min_lots: tuple[int, ...]
    near_ticks: tuple[int, ...]
    far_ticks: tuple[int, ...]
    risk_tick: int

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def has_points(self) -> bool:
        """Whether the last layer is the one for points."""
        return bool(self.layers) and self.layers[-1] == POINTS_LAYER

    @property
    def largest_size(self) -> Decimal:
        """Size of the largest layer of the mode, base units."""
        return max(self.lots[: len(self.lots) - self.has_points], default=0) * self.step

    def price(self, index: int) -> Decimal:
        return self.ticks[index] * self.tick

    def size(self, index: int) -> Decimal:
        return self.lots[index] * self.step

    def quote(self, index: int) -> Quote:
        """The order that layer ``index`` asks for, with every term of its price."""
        price = self.price(index)
        away = (1.0 - float(price) / self.mark) * 1e4 * self.side.sign
        terms = self.stand.terms
        intended = self.stand.distance_bps
        if self.layers[index] == POINTS_LAYER:
            intended = self.offsets_bps[index]
            terms = (("points_distance", intended),)
        elif self.offsets_bps[index]:
            terms = (*terms, ("layer", self.offsets_bps[index]))
            intended += self.offsets_bps[index]
        (free,) = kernels.price_ticks(self.mark, float(self.tick), self.side.sign, [intended])
        rounded = (1.0 - float(free * self.tick) / self.mark) * 1e4 * self.side.sign
        terms = (*terms, ("rounding", rounded - intended))
        if free != self.ticks[index]:
            terms = (*terms, ("clamp", away - rounded))
        return Quote(
            self.side, price, self.size(index), self.is_reduce_only, PriceBreakdown(self.mark, terms),
            self.layers[index],
        )  # fmt: skip

    def quotes(self) -> tuple[Quote, ...]:
        return tuple(self.quote(index) for index in range(len(self.ticks)))

    def within(self, room_base: Decimal, rules: MarketRules) -> Ladder:
        """The ladder cut to what may fill together, nearest first: the deepest layers shrink and vanish first.

        ``room_base`` is what may be added before the cap. A reduce-only ladder is left as it is. The layer for points
        stands only where room is left to replace any other layer's order before that one is cancelled.
        """
        room, total = max(0, int(room_base / self.step)), sum(self.lots)
        if self.has_points and total + int(self.largest_size / self.step) > room:
            return self._cut(len(self) - 1, 0, rules).within(room_base, rules)
        if self.is_reduce_only or total <= room:
            return self
        count = kernels.room_prefix(self.lots, room)
        return self._cut(count, room - sum(self.lots[:count]), rules)

    def worth_at_most(self, cap_quote: Decimal, rules: MarketRules) -> Ladder:
        """The ladder cut to what is worth ``cap_quote`` together, in the same way: the deepest layers go first."""
        if self.is_reduce_only:
            return self
        # In ticks times lots.
        left = int(cap_quote / (self.tick * self.step))
        worth = [ticks * lots for ticks, lots in zip(self.ticks, self.lots, strict=True)]
        if self.has_points and sum(worth) + max(worth[:-1]) > left:
            return self._cut(len(self) - 1, 0, rules).worth_at_most(cap_quote, rules)
        for count, (ticks, lots) in enumerate(zip(self.ticks, self.lots, strict=True)):
            if ticks * lots > left:
                return self._cut(count, left // ticks, rules)
            left -= ticks * lots
        return self

    def _cut(self, count: int, left: int, rules: MarketRules) -> Ladder:
        """The first ``count`` layers, and of the next one ``left`` lots unless the venue takes no so small order."""
        lots = list(self.lots[:count])
        size = left * self.step
        if left > 0 and size >= rules.min_size and size * self.price(count) >= rules.min_notional:
            lots.append(left)
        count = len(lots)
        return replace(
            self, layers=self.layers[:count], offsets_bps=self.offsets_bps[:count], ticks=self.ticks[:count],
            lots=tuple(lots), min_lots=tuple(min(*pair) for pair in zip(self.min_lots, lots, strict=False)),
            near_ticks=self.near_ticks[:count], far_ticks=self.far_ticks[:count],
        )  # fmt: skip
