"""One side's synthetic makers: which order should stand where, and which of them move now."""

from __future__ import annotations

from math import exp
from random import Random

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.sim.agents import AgentParams

GONE = 0
"""Order id of a slot whose order was eaten or not placed yet; agents' ids are negative."""


class MakerSide:
    """Slots of one side: the order that each holds, its price, and the distance from the touch that it wants."""

    __slots__ = ("side", "ids", "prices", "offsets", "_params", "_rng", "_bps_ticks", "_lots_per_base")

    def __init__(self, side: Side, params: AgentParams, rng: Random, bps_ticks: float, lots_per_base: float) -> None:
        count = params.touch_orders + params.ladder_orders + params.deep_orders
        self.side = side
        self.ids = [GONE] * count
        self.prices = [0] * count
        self._params = params
        self._rng = rng
        self._bps_ticks = bps_ticks
        self._lots_per_base = lots_per_base * params.size_factor
        self.offsets = [self.drawn_offset(slot) for slot in range(count)]

    def drawn_offset(self, slot: int) -> int:
        """Ticks behind the touch for an order of this slot."""
        params = self._params
        slot -= params.touch_orders
        if slot < 0:
            return 0
        reach_bps = params.ladder_orders * params.ladder_spacing_bps
        if slot < params.ladder_orders:
            distance_bps = reach_bps * self._rng.random()
        else:
            deep = slot - params.ladder_orders
            distance_bps = reach_bps + params.deep_spacing_bps * (deep + self._rng.random())
        return round(distance_bps * self._bps_ticks)

    def drawn_lots(self, slot: int, depth: float) -> int:
        """Size of a new order of this slot, at least one lot."""
        params = self._params
        base = params.order_median_base * exp(params.order_log_sd * self._rng.gauss(0.0, 1.0))
        base = min(base, params.order_max_base)
        if slot < params.touch_orders:
            base *= params.touch_size_factor
        elif slot >= params.touch_orders + params.ladder_orders:
            base *= params.deep_size_factor
        return max(1, round(base * depth * self._lots_per_base))

    def misplaced(self, best_ticks: int) -> list[int]:
        """Slots whose order is missing, in front of the touch, or too far from its distance, nearest first."""
        sign, tolerance = self.side.sign, self._params.tolerance_frac
        front = sign * best_ticks
        ids, offsets, prices = self.ids, self.offsets, self.prices
        slots = []
        for slot in range(len(ids)):
            behind = front - sign * prices[slot]
            wanted = offsets[slot]
            if ids[slot] == GONE or behind < 0 or abs(behind - wanted) > tolerance * wanted:
                slots.append(slot)
        return slots

    def price_ticks(self, slot: int, best_ticks: int) -> int:
        """Where the slot's order belongs behind ``best_ticks``; never below one tick."""
        return max(1, best_ticks - self.side.sign * self.offsets[slot])
