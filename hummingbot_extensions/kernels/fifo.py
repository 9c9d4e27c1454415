"""Price-time priority: the checked entry, and the only importer of the compiled book and its pure twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hummingbot_extensions.kernels import _fifo_py
from hummingbot_extensions.kernels._fifo_py import ALO, CANCEL, GTC, ID_RESTS, IOC, MARKET, NOT_RESTING, WOULD_CROSS
from hummingbot_extensions.kernels.arrays import Int64Array, checked
from hummingbot_extensions.kernels.loading import loaded

__all__ = [
    "ALO", "CANCEL", "GTC", "ID_RESTS", "IOC", "IS_COMPILED", "MARKET", "NOT_RESTING", "WOULD_CROSS",
    "Commands", "Int64Array", "Matches", "checked_order", "new_engine", "run", "shown",
]  # fmt: skip

_impl, IS_COMPILED = loaded("hummingbot_extensions.kernels._fifo", _fifo_py)

TICKS_LIMIT = 2**60
LOTS_LIMIT = 2**40
"""Of one order: eight million of the largest at one price still fit a level's 64-bit total."""
CHUNK = 65_536
"""Commands handed to the loop at once, which bounds the room that it takes for matches beforehand."""


@dataclass(frozen=True, slots=True, eq=False)
class Commands:
    """Orders and cancels in the order in which they reach the book, one entry a command.

    ``kinds`` are CANCEL, GTC, IOC, ALO (post-only) and MARKET; ``signs`` +1 to buy, -1 to sell. A cancel uses the id
    alone, a market order no price; what is not used is ignored. ValueError for anything the book has no answer to.
    """

    kinds: Int64Array
    order_ids: Int64Array
    signs: Int64Array
    prices_ticks: Int64Array
    lots: Int64Array

    def __post_init__(self) -> None:
        for name in ("kinds", "order_ids", "signs", "prices_ticks", "lots"):
            object.__setattr__(self, name, checked(name, getattr(self, name)))
        count = len(self.kinds)
        lengths = [len(self.order_ids), len(self.signs), len(self.prices_ticks), len(self.lots)]
        if lengths != [count] * 4:
            raise ValueError(f"{count} kinds, but ids, signs, prices and lots number {lengths}")
        if not count:
            return
        if self.kinds.min() < CANCEL or self.kinds.max() > MARKET:
            raise ValueError("kinds must be CANCEL, GTC, IOC, ALO or MARKET")
        placed = self.kinds != CANCEL
        if np.any(np.abs(self.signs[placed]) != 1):
            raise ValueError("signs must be +1 to buy and -1 to sell")
        lots, prices = self.lots[placed], self.prices_ticks[placed & (self.kinds != MARKET)]
        if lots.size and (lots.min() < 1 or lots.max() >= LOTS_LIMIT):
            raise ValueError(f"lots must lie in [1, {LOTS_LIMIT})")
        if prices.size and (prices.min() <= -TICKS_LIMIT or prices.max() >= TICKS_LIMIT):
            raise ValueError(f"prices must lie within {TICKS_LIMIT} ticks of zero")

    def __len__(self) -> int:
        return len(self.kinds)


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What met: the taking command's index, the maker, its price, lots, and the lots that the maker has left."""

    commands: Int64Array
    maker_ids: Int64Array
    prices_ticks: Int64Array
    lots: Int64Array
    makers_left: Int64Array

    def __len__(self) -> int:
        return len(self.commands)


def new_engine() -> Any:
    """An empty book: an ``Engine`` as ``_fifo_py`` specifies it, compiled where it can be."""
    return _impl.Engine()


def checked_order(price_ticks: int | None, size_lots: int) -> None:
    """ValueError for a price or size that the loops have no room for."""
    if not 1 <= size_lots < LOTS_LIMIT:
        raise ValueError(f"size must be at least one lot and below {LOTS_LIMIT}, got {size_lots}")
    if price_ticks is not None and not -TICKS_LIMIT < price_ticks < TICKS_LIMIT:
        raise ValueError(f"price must lie within {TICKS_LIMIT} ticks of zero, got {price_ticks}")


def run(engine: Any, commands: Commands) -> tuple[Int64Array, Matches]:
    """(outcome of each command, matches in the order they happened).

    Outcome of a placement: lots now resting, WOULD_CROSS for a post-only order refused whole, ID_RESTS when such an
    id rests already. Of a cancel: lots that were left, NOT_RESTING when there was no such order.
    """
    outcomes = np.empty(len(commands), np.int64)
    parts = []
    for start in range(0, len(commands), CHUNK):
        part = slice(start, start + CHUNK)
        count = engine.run(
            commands.kinds[part], commands.order_ids[part], commands.signs[part], commands.prices_ticks[part],
            commands.lots[part], outcomes[part],
        )  # fmt: skip
        rows = np.empty((count, 5), np.int64)
        engine.matches_into(rows)
        rows[:, 0] += start
        parts.append(rows)
    found: npt.NDArray[np.int64] = np.concatenate(parts) if parts else np.empty((0, 5), np.int64)
    return outcomes, Matches(*(np.ascontiguousarray(found[:, column]) for column in range(5)))


def shown(engine: Any, sign: int, grid_ticks: int, depth: int) -> tuple[Int64Array, Int64Array]:
    """(ticks, lots) of at most ``depth`` levels of a side truncated down to the grid and merged, best first."""
    if grid_ticks <= 0 or depth < 0:
        raise ValueError(f"grid must be positive and depth not negative, got {grid_ticks} and {depth}")
    ticks, lots = np.empty(depth, np.int64), np.empty(depth, np.int64)
    count = engine.shown(sign, grid_ticks, ticks, lots)
    return ticks[:count], lots[:count]
