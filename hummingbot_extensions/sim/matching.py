"""A book with exact price-time priority: integer ticks and lots, no clock, no accounts, no randomness."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

from hummingbot_extensions.core.types import Side, TimeInForce


@dataclass(frozen=True, slots=True)
class Match:
    """One resting order met by a taker, at the resting order's price. ``maker_left_lots`` is what still rests."""

    maker_id: int
    price_ticks: int
    size_lots: int
    maker_left_lots: int


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of an order: matches in the order they happened, lots now resting, post-only refusal."""

    matches: tuple[Match, ...]
    resting_lots: int
    would_cross: bool = False

    @property
    def matched_lots(self) -> int:
        return sum(match.size_lots for match in self.matches)


NOT_PLACED = Execution((), 0, would_cross=True)


class _Level:
    """Orders at one price, oldest first, with their total."""

    __slots__ = ("queue", "total_lots")

    def __init__(self) -> None:
        self.queue: dict[int, int] = {}
        self.total_lots = 0


class _HalfBook:
    """One side. Prices are kept as keys that grow towards the market, so that the best level is always the last."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, side: Side) -> None:
        self.sign = side.sign
        self.keys: list[int] = []
        self.levels: dict[int, _Level] = {}

    def add(self, order_id: int, price_ticks: int, lots: int) -> None:
        level = self.levels.get(price_ticks)
        if level is None:
            level = self.levels[price_ticks] = _Level()
            insort(self.keys, self.sign * price_ticks)
        level.queue[order_id] = lots
        level.total_lots += lots

    def remove(self, order_id: int, price_ticks: int) -> int:
        level = self.levels[price_ticks]
        lots = level.queue.pop(order_id)
        level.total_lots -= lots
        if not level.queue:
            self.drop_level(price_ticks)
        return lots

    def drop_level(self, price_ticks: int) -> None:
        del self.levels[price_ticks]
        key = self.sign * price_ticks
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]

    def best_ticks(self) -> int | None:
        return self.sign * self.keys[-1] if self.keys else None


class FifoBook:
    """Limit (GTC), IOC, post-only (ALO) and market orders in strict price-time priority.

    Order ids are the caller's, unique over the life of the book. ``version`` grows with every change of a level.
    """

    __slots__ = ("_asks", "_bids", "_resting", "version")

    def __init__(self) -> None:
        self._bids = _HalfBook(Side.BUY)
        self._asks = _HalfBook(Side.SELL)
        self._resting: dict[int, tuple[Side, int]] = {}
        self.version = 0

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Execution:
        """Match, then rest what a GTC or ALO order has left; ``price_ticks`` None is a market order and never rests.

        ValueError for a size below one lot, an id that rests already, or a post-only market order.
        """
        if size_lots <= 0:
            raise ValueError(f"size must be at least one lot, got {size_lots}")
        if order_id in self._resting:
            raise ValueError(f"order {order_id} rests already")
        if price_ticks is None and tif is TimeInForce.ALO:
            raise ValueError("a post-only order needs a price")
        own, other = (self._bids, self._asks) if side is Side.BUY else (self._asks, self._bids)
        limit_key = None if price_ticks is None else other.sign * price_ticks
        if other.keys and (limit_key is None or other.keys[-1] >= limit_key):
            if tif is TimeInForce.ALO:
                return NOT_PLACED
            matches, left_lots = self._take(other, limit_key, size_lots)
        else:
            matches, left_lots = (), size_lots
        if price_ticks is None or tif is TimeInForce.IOC or not left_lots:
            return Execution(matches, 0)
        own.add(order_id, price_ticks, left_lots)
        self._resting[order_id] = (side, price_ticks)
        self.version += 1
        return Execution(matches, left_lots)

    def _take(self, other: _HalfBook, limit_key: int | None, lots: int) -> tuple[tuple[Match, ...], int]:
        """Eat ``other`` from its best level while its key reaches ``limit_key``; (matches, lots not filled)."""
        matches = []
        while lots and other.keys and (limit_key is None or other.keys[-1] >= limit_key):
            price_ticks = other.sign * other.keys[-1]
            level = other.levels[price_ticks]
            while lots and level.queue:
                maker_id, maker_lots = next(iter(level.queue.items()))
                size = min(lots, maker_lots)
                lots -= size
                level.total_lots -= size
                if size == maker_lots:
                    del level.queue[maker_id]
                    del self._resting[maker_id]
                else:
                    level.queue[maker_id] = maker_lots - size
                matches.append(Match(maker_id, price_ticks, size, maker_lots - size))
            if not level.queue:
                other.drop_level(price_ticks)
        self.version += 1
        return tuple(matches), lots

    def cancel(self, order_id: int) -> int | None:
        """Lots that were left of a resting order, now gone; None when no such order rests."""
        entry = self._resting.pop(order_id, None)
        if entry is None:
            return None
        side, price_ticks = entry
        self.version += 1
        return (self._bids if side is Side.BUY else self._asks).remove(order_id, price_ticks)

    def resting(self, order_id: int) -> tuple[Side, int, int] | None:
        """(side, price_ticks, lots left) of a resting order, or None."""
        entry = self._resting.get(order_id)
        if entry is None:
            return None
        side, price_ticks = entry
        return side, price_ticks, self._half(side).levels[price_ticks].queue[order_id]

    def ahead_lots(self, order_id: int) -> int:
        """Lots in front of a resting order at its own price. KeyError when it does not rest."""
        side, price_ticks = self._resting[order_id]
        ahead = 0
        for other_id, lots in self._half(side).levels[price_ticks].queue.items():
            if other_id == order_id:
                break
            ahead += lots
        return ahead

    def best_ticks(self, side: Side) -> int | None:
        """Best price of the orders of ``side``, None when there are none."""
        return self._half(side).best_ticks()

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        """At most ``depth`` levels as (price_ticks, lots), best first."""
        half = self._half(side)
        keys = half.keys[: -depth - 1 : -1] if depth > 0 else []
        return [(half.sign * key, half.levels[half.sign * key].total_lots) for key in keys]

    def total_lots(self, side: Side) -> int:
        """All lots resting on ``side``."""
        return sum(level.total_lots for level in self._half(side).levels.values())

    def _half(self, side: Side) -> _HalfBook:
        return self._bids if side is Side.BUY else self._asks

    def invariants(self) -> None:
        """Raise AssertionError when totals, order index, sorting or the spread are inconsistent."""
        seen = 0
        for side, half in ((Side.BUY, self._bids), (Side.SELL, self._asks)):
            if half.keys != sorted(half.sign * price for price in half.levels):
                raise AssertionError(f"{side}: price index differs from the levels")
            for price, level in half.levels.items():
                if not level.queue or level.total_lots != sum(level.queue.values()) or min(level.queue.values()) <= 0:
                    raise AssertionError(f"{side} {price}: total {level.total_lots} of {level.queue}")
                for order_id in level.queue:
                    if self._resting.get(order_id) != (side, price):
                        raise AssertionError(f"order {order_id} at {side} {price} is indexed elsewhere")
                seen += len(level.queue)
        if seen != len(self._resting):
            raise AssertionError(f"{len(self._resting)} orders indexed, {seen} in levels")
        bid, ask = self._bids.best_ticks(), self._asks.best_ticks()
        if bid is not None and ask is not None and bid >= ask:
            raise AssertionError(f"crossed: bid {bid}, ask {ask}")
