"""A market that remembers what was asked of it, so that an equal fresh one can be brought to the same state.

Markets are deterministic: same seed or tape and same calls give the same results, however ``advance`` is sliced. So the
calls of ``place`` and ``cancel`` with their times are the whole of its state, queues and random numbers included.
Bringing it back costs the time of running the market again. A wrapper that alters fills belongs outside of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import MarketEvent, MarketSource, MarketSpec, Placement

Call = list[int | str | None]


class JournalMismatch(ValueError):
    """The market is not the one that the journal was kept of."""


class JournaledMarket:
    """``MarketSource`` around another, with a journal. Give it a market nothing has been asked of yet."""

    def __init__(self, source: MarketSource) -> None:
        self._source = source
        self._calls: list[Call] = []
        self._start_ns = source.now_ns

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    @property
    def spec(self) -> MarketSpec:
        return self._source.spec

    @spec.setter
    def spec(self, spec: MarketSpec) -> None:
        self._source.spec = spec

    @property
    def now_ns(self) -> int:
        return self._source.now_ns

    @now_ns.setter
    def now_ns(self, now_ns: int) -> None:
        self._source.now_ns = now_ns

    @property
    def is_over(self) -> bool:
        return self._source.is_over

    def advance(self, to_ns: int) -> list[MarketEvent]:
        return self._source.advance(to_ns)

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Placement:
        self._calls.append([self.now_ns, order_id, str(side), price_ticks, size_lots, str(tif)])
        return self._source.place(order_id, side, price_ticks, size_lots, tif)

    def cancel(self, order_id: int) -> int | None:
        self._calls.append([self.now_ns, order_id])
        return self._source.cancel(order_id)

    def book(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return self._source.book(depth)

    def touch(self) -> tuple[int | None, int | None]:
        return self._source.touch()

    def last_ticks(self) -> int | None:
        return self._source.last_ticks()

    def index(self) -> float | None:
        return self._source.index()

    # Journal

    def to_plain(self) -> dict[str, Any]:
        """The journal, and what the market looks like now, to recognise it by."""
        return {
            "start_ns": self._start_ns,
            "now_ns": self.now_ns,
            "calls": [list(call) for call in self._calls],
            "seen": self._seen(),
        }

    def restore(self, plain: dict[str, Any]) -> None:
        """Run this fresh market through the journal; JournalMismatch when it does not end where the saved one stood.

        After a mismatch the market has been used up: make another.
        """
        if self._calls or self.now_ns != self._start_ns or plain["start_ns"] != self._start_ns:
            raise JournalMismatch("a journal needs a fresh market that starts where the saved one did")
        for call in plain["calls"]:
            self._repeat(call)
        self.advance(plain["now_ns"])
        if self._seen() != plain["seen"]:
            raise JournalMismatch("the market is another one: its prices differ from those saved")

    def _repeat(self, call: Sequence[Any]) -> None:
        self.advance(call[0])
        if len(call) == 2:
            self.cancel(call[1])
        else:
            order_id, side, price_ticks, size_lots, tif = call[1:]
            self.place(order_id, Side(side), price_ticks, size_lots, TimeInForce(tif))

    def _seen(self) -> list[Any]:
        return [list(self.touch()), self.last_ticks(), self.index()]
