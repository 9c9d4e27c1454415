"""A market whose every order is written down beforehand: the test double behind venue and emulator tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import BookChanged, MarketEvent, MarketSpec
from tests.support.fifo_market import BTC, START_NS, FifoMarket

MS = 1_000_000
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Outside:
    """An order of the rest of the world at ``at_ns`` after the start; ``cancels`` names the index of one to remove."""

    at_ns: int
    side: Side
    price_ticks: int | None
    size_lots: int
    tif: TimeInForce = TimeInForce.GTC
    cancels: int | None = None


def quiet_book(
    mid_ticks: int = 10_000_000, half_spread: int = 5, levels: int = 30, lots: int = 10_000
) -> list[Outside]:
    """A symmetric book at the start: ``levels`` a side, ten ticks apart."""
    book = []
    for level in range(levels):
        book.append(Outside(0, Side.BUY, mid_ticks - half_spread - 10 * level, lots))
        book.append(Outside(0, Side.SELL, mid_ticks + half_spread + 10 * level, lots))
    return book


class ScriptedMarket(FifoMarket):
    """Price-time priority over the script and the orders given to ``place``; the index is constant."""

    def __init__(
        self,
        script: Sequence[Outside],
        spec: MarketSpec = BTC,
        index: float | None = 100_000.0,
        start_ns: int = START_NS,
        heartbeat_ns: int | None = None,
    ) -> None:
        """``heartbeat_ns`` reports a book frame that often even when nothing changed, as a tape does."""
        super().__init__(spec, start_ns, index)
        self._start_ns = start_ns
        self._heartbeat_ns = heartbeat_ns
        numbered = [(start_ns + order.at_ns, -1 - number, order) for number, order in enumerate(script)]
        self._script = sorted(numbered, key=lambda entry: (entry[0], -entry[1]))
        self._done = 0
        self._run_script(start_ns)
        self._pending.clear()

    def advance(self, to_ns: int) -> list[MarketEvent]:
        beat = self._heartbeat_ns
        if beat is not None:
            at_ns = self._start_ns + ((self.now_ns - self._start_ns) // beat + 1) * beat
            while at_ns <= to_ns:
                self._run_script(at_ns)
                self._pending.append(BookChanged(at_ns))
                at_ns += beat
        self._run_script(to_ns)
        self.now_ns = to_ns
        return self._taken()

    def _run_script(self, to_ns: int) -> None:
        while self._done < len(self._script) and self._script[self._done][0] <= to_ns:
            at_ns, order_id, order = self._script[self._done]
            self._done += 1
            if order.cancels is not None:
                self._book.cancel(-1 - order.cancels)
            else:
                self._match(at_ns, order_id, order.side, order.price_ticks, order.size_lots, order.tif)
            if self._heartbeat_ns is None:
                self._pending.append(BookChanged(at_ns))
