"""A book with exact price-time priority: integer ticks and lots, no clock, no accounts, no randomness."""

from __future__ import annotations

from dataclasses import dataclass

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.kernels import fifo


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
KINDS = {TimeInForce.GTC: fifo.GTC, TimeInForce.IOC: fifo.IOC, TimeInForce.ALO: fifo.ALO}


class FifoBook:
    """Limit (GTC), IOC, post-only (ALO) and market orders in strict price-time priority.

    Order ids are the caller's, unique over the life of the book. Single calls and whole batches reach the same engine,
    compiled where it can be.
    """

    __slots__ = ("_engine",)

    def __init__(self) -> None:
        self._engine = fifo.new_engine()

    @property
    def version(self) -> int:
        """Grows with every change of a level."""
        return int(self._engine.version)

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Execution:
        """Match, then rest what a GTC or ALO order has left; ``price_ticks`` None is a market order and never rests.

        ValueError for a size below one lot, an id that rests already, or a post-only market order.
        """
        fifo.checked_order(price_ticks, size_lots)
        if price_ticks is None and tif is TimeInForce.ALO:
            raise ValueError("a post-only order needs a price")
        kind, price = (fifo.MARKET, 0) if price_ticks is None else (KINDS[tif], price_ticks)
        outcome, rows = self._engine.step(kind, order_id, _sign(side), price, size_lots)
        if outcome >= 0:
            return Execution(tuple([Match(*row[1:]) for row in rows]), outcome)
        if outcome == fifo.WOULD_CROSS:
            return NOT_PLACED
        raise ValueError(f"order {order_id} rests already")

    def run(self, commands: fifo.Commands) -> tuple[fifo.Int64Array, fifo.Matches]:
        """Many orders and cancels in one call: (outcome of each, matches); see ``kernels.fifo.run``."""
        return fifo.run(self._engine, commands)

    def cancel(self, order_id: int) -> int | None:
        """Lots that were left of a resting order, now gone; None when no such order rests."""
        left, _ = self._engine.step(fifo.CANCEL, order_id, 1, 0, 0)
        return None if left == fifo.NOT_RESTING else int(left)

    def resting(self, order_id: int) -> tuple[Side, int, int] | None:
        """(side, price_ticks, lots left) of a resting order, or None."""
        entry = self._engine.resting(order_id)
        return None if entry is None else (Side.BUY if entry[0] > 0 else Side.SELL, entry[1], entry[2])

    def ahead_lots(self, order_id: int) -> int:
        """Lots in front of a resting order at its own price. KeyError when it does not rest."""
        return int(self._engine.ahead_lots(order_id))

    def best_ticks(self, side: Side) -> int | None:
        """Best price of the orders of ``side``, None when there are none."""
        best: int | None = self._engine.best_ticks(_sign(side))
        return best

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        """At most ``depth`` levels as (price_ticks, lots), best first."""
        found: list[tuple[int, int]] = self._engine.levels(_sign(side), depth)
        return found

    def shown(self, side: Side, grid_ticks: int, depth: int) -> tuple[fifo.Int64Array, fifo.Int64Array]:
        """(ticks, lots) of at most ``depth`` levels truncated down to ``grid_ticks`` and merged, best first."""
        return fifo.shown(self._engine, _sign(side), grid_ticks, depth)

    def total_lots(self, side: Side) -> int:
        """All lots resting on ``side``."""
        return sum(lots for _, lots in self.levels(side, len(self._engine)))

    def invariants(self) -> None:
        """Raise AssertionError when totals, order index, sorting or the spread are inconsistent."""
        seen = 0
        for side in Side:
            sign, last_key = _sign(side), None
            for price, total_lots, queue in self._engine.queues(sign):
                if last_key is not None and sign * price >= last_key:
                    raise AssertionError(f"{side}: {price} is not behind the level before")
                last_key = sign * price
                lots = [left for _, left in queue]
                if not lots or total_lots != sum(lots) or min(lots) <= 0:
                    raise AssertionError(f"{side} {price}: total {total_lots} of {queue}")
                for order_id, left in queue:
                    if self._engine.resting(order_id) != (sign, price, left):
                        raise AssertionError(f"order {order_id} at {side} {price} is indexed elsewhere")
                seen += len(queue)
        if seen != len(self._engine):
            raise AssertionError(f"{len(self._engine)} orders indexed, {seen} in levels")
        bid, ask = self.best_ticks(Side.BUY), self.best_ticks(Side.SELL)
        if bid is not None and ask is not None and bid >= ask:
            raise AssertionError(f"crossed: bid {bid}, ask {ask}")


def _sign(side: Side) -> int:
    return 1 if side is Side.BUY else -1
