"""A book in price-time priority, in plain Python. This file is the contract; ``_fifo.pyx`` is its compiled twin.

Callers go through ``kernels.fifo``, which checks what comes in: kinds and signs are of the closed sets, lots of an
order that is placed lie in [1, 2**40), prices in (-2**60, 2**60). Ids are any int64. ``sign`` is +1 for bids, -1 for
asks. Where a kind does not use a column, its value is ignored.
"""

from __future__ import annotations

from bisect import bisect_left, insort

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]
MatchRow = tuple[int, int, int, int, int]
"""(index of the taking command, maker id, price in ticks, lots, lots the maker has left)."""

CANCEL, GTC, IOC, ALO, MARKET = range(5)
NOT_RESTING = -1
WOULD_CROSS = -2
ID_RESTS = -3


class _Half:
    """One side. Keys are prices times the sign: they grow towards the market, the best level is always the last."""

    __slots__ = ("keys", "queues", "totals")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.queues: dict[int, dict[int, int]] = {}
        self.totals: dict[int, int] = {}

    def drop(self, key: int) -> None:
        del self.queues[key]
        del self.totals[key]
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]


class Engine:
    """The book. ``version`` grows with every change of a level: an order that rests, a taker that matched, a cancel."""

    __slots__ = ("version", "_halves", "_resting", "_matches")

    def __init__(self) -> None:
        self.version = 0
        self._halves = {1: _Half(), -1: _Half()}
        self._resting: dict[int, tuple[int, int]] = {}
        self._matches: list[MatchRow] = []

    def __len__(self) -> int:
        """Number of resting orders."""
        return len(self._resting)

    def step(self, kind: int, order_id: int, sign: int, price_ticks: int, lots: int) -> tuple[int, list[MatchRow]]:
        """(outcome, matches) of one command; see ``run``. The command's index is 0."""
        self._matches = []
        outcome = self._command(0, kind, order_id, sign, price_ticks, lots)
        return outcome, self._matches

    def run(
        self,
        kinds: Int64Array,
        order_ids: Int64Array,
        signs: Int64Array,
        prices_ticks: Int64Array,
        lots: Int64Array,
        outcomes: Int64Array,
    ) -> int:
        """Carry out the commands in order, write their outcomes, and return the number of matches.

        Outcome of a placement: lots now resting, ``WOULD_CROSS`` for a post-only order refused whole, ``ID_RESTS``
        when such an id rests already (nothing is changed). Of a cancel: lots that were left, ``NOT_RESTING`` if none.
        """
        self._matches = []
        columns = (kinds.tolist(), order_ids.tolist(), signs.tolist(), prices_ticks.tolist(), lots.tolist())
        for i, (kind, order_id, sign, price, size) in enumerate(zip(*columns, strict=True)):
            outcomes[i] = self._command(i, kind, order_id, sign, price, size)
        return len(self._matches)

    def matches_into(self, out: npt.NDArray[np.int64]) -> None:
        """Write the matches of the last ``run``, one row each."""
        for i, row in enumerate(self._matches):
            out[i] = row

    def _command(self, index: int, kind: int, order_id: int, sign: int, price_ticks: int, lots: int) -> int:
        if kind == CANCEL:
            return self._cancel(order_id)
        if order_id in self._resting:
            return ID_RESTS
        other = self._halves[-sign]
        limit_key = -sign * price_ticks
        if other.keys and (kind == MARKET or other.keys[-1] >= limit_key):
            if kind == ALO:
                return WOULD_CROSS
            lots = self._take(other, -sign, index, kind == MARKET, limit_key, lots)
        if kind in (IOC, MARKET) or lots == 0:
            return 0
        own, key = self._halves[sign], sign * price_ticks
        queue = own.queues.get(key)
        if queue is None:
            queue = own.queues[key] = {}
            own.totals[key] = 0
            insort(own.keys, key)
        queue[order_id] = lots
        own.totals[key] += lots
        self._resting[order_id] = (sign, key)
        self.version += 1
        return lots

    def _take(self, other: _Half, other_sign: int, index: int, is_market: bool, limit_key: int, lots: int) -> int:
        """Eat ``other`` from its best level while its key reaches ``limit_key``; lots not filled."""
        while lots and other.keys and (is_market or other.keys[-1] >= limit_key):
            key = other.keys[-1]
            queue = other.queues[key]
            while lots and queue:
                maker_id, maker_lots = next(iter(queue.items()))
                size = min(lots, maker_lots)
                lots -= size
                other.totals[key] -= size
                if size == maker_lots:
                    del queue[maker_id]
                    del self._resting[maker_id]
                else:
                    queue[maker_id] = maker_lots - size
                self._matches.append((index, maker_id, other_sign * key, size, maker_lots - size))
            if not queue:
                other.drop(key)
        self.version += 1
        return lots

    def _cancel(self, order_id: int) -> int:
        entry = self._resting.pop(order_id, None)
        if entry is None:
            return NOT_RESTING
        sign, key = entry
        half = self._halves[sign]
        lots = half.queues[key].pop(order_id)
        half.totals[key] -= lots
        if not half.queues[key]:
            half.drop(key)
        self.version += 1
        return lots

    # Views

    def resting(self, order_id: int) -> tuple[int, int, int] | None:
        """(sign, price_ticks, lots left) of a resting order, or None."""
        entry = self._resting.get(order_id)
        if entry is None:
            return None
        sign, key = entry
        return sign, sign * key, self._halves[sign].queues[key][order_id]

    def ahead_lots(self, order_id: int) -> int:
        """Lots in front of a resting order at its own price. KeyError when it does not rest."""
        sign, key = self._resting[order_id]
        ahead = 0
        for other_id, lots in self._halves[sign].queues[key].items():
            if other_id == order_id:
                break
            ahead += lots
        return ahead

    def best_ticks(self, sign: int) -> int | None:
        """Best price of the side, None when it is empty."""
        keys = self._halves[sign].keys
        return sign * keys[-1] if keys else None

    def levels(self, sign: int, depth: int) -> list[tuple[int, int]]:
        """At most ``depth`` levels of the side as (price_ticks, lots), best first."""
        half = self._halves[sign]
        keys = half.keys[: -depth - 1 : -1] if depth > 0 else []
        return [(sign * key, half.totals[key]) for key in keys]

    def shown(self, sign: int, grid: int, out_ticks: Int64Array, out_lots: Int64Array) -> int:
        """Write the side's levels truncated down to multiples of ``grid`` and merged, best first; number written.

        As many as ``out_ticks`` has room for, each complete.
        """
        half = self._halves[sign]
        count, room = 0, len(out_ticks)
        for key in reversed(half.keys):
            price = sign * key
            bucket = price - price % grid
            if count and out_ticks[count - 1] == bucket:
                out_lots[count - 1] += half.totals[key]
                continue
            if count == room:
                break
            out_ticks[count] = bucket
            out_lots[count] = half.totals[key]
            count += 1
        return count

    def queues(self, sign: int) -> list[tuple[int, int, list[tuple[int, int]]]]:
        """Every level as (price_ticks, total lots, [(order id, lots), oldest first]), best first: the whole state."""
        half = self._halves[sign]
        return [(sign * key, half.totals[key], list(half.queues[key].items())) for key in reversed(half.keys)]
