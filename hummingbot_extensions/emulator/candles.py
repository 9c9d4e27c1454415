"""The market's prints as the public endpoints need them: recent trades, 24 h figures, candles by resolution."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from hummingbot_extensions.sim.venue_values import PrintUpdate

SECOND_NS = 1_000_000_000
DAY_S = 86_400
RESOLUTIONS_S = {
    "3S": 3,
    "1": 60,
    "5": 300,
    "15": 900,
    "60": 3600,
    "1D": DAY_S,
    "1W": 7 * DAY_S,
    "1M": 30 * DAY_S,
}
"""Candle widths in seconds; a month counts as thirty days, weeks and months begin at the epoch."""
PRINTS = "1T"
RESOLUTIONS = (PRINTS, *RESOLUTIONS_S)
"""All widths; ``1T`` is one candle per print, for as many prints as are kept."""


@dataclass(slots=True)
class Candle:
    """Prices in ticks, volume in lots, turnover in ticks x lots, over ``width`` seconds from ``start_s``."""

    start_s: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    turnover: int

    def join(self, later: Candle) -> None:
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.turnover += later.turnover


@dataclass(slots=True)
class Tape:
    """Prints of one symbol. Times are the wire's, so that candles fall on the hours a client sees."""

    offset_ns: int
    recent: deque[PrintUpdate] = field(default_factory=lambda: deque(maxlen=500))
    _seconds: list[Candle] = field(default_factory=list)

    def add(self, update: PrintUpdate) -> None:
        self.recent.append(update)
        candle = self._candle(update)
        if self._seconds and self._seconds[-1].start_s == candle.start_s:
            self._seconds[-1].join(candle)
        else:
            self._seconds.append(candle)

    def _candle(self, update: PrintUpdate) -> Candle:
        """One print as a candle."""
        start_s = (update.ts_ns + self.offset_ns) // SECOND_NS
        price, lots = update.price_ticks, update.size_lots
        return Candle(start_s, price, price, price, price, lots, price * lots)

    def day(self, now_ns: int) -> Candle | None:
        """The last 24 h as one candle; None without a print."""
        since_s = (now_ns + self.offset_ns) // SECOND_NS - DAY_S
        found = self._joined(since_s, since_s + 2 * DAY_S, 10 * DAY_S)
        if not found:
            return None
        first = found[0]
        for candle in found[1:]:
            first.join(candle)
        return first

    def candles(self, from_s: int, to_s: int, resolution: str, count_back: int | None) -> list[Candle]:
        """Candles that begin in [from_s, to_s], ascending; the last ``count_back`` of those up to ``to_s`` if given."""
        if resolution == PRINTS:
            found = [candle for candle in map(self._candle, self.recent) if candle.start_s <= to_s]
            if count_back is None:
                return [candle for candle in found if candle.start_s >= from_s]
            return found[-count_back:] if count_back else []
        width = RESOLUTIONS_S[resolution]
        if count_back is None:
            return self._joined(from_s - from_s % width, to_s + width, width, from_s, to_s)
        return self._joined(0, to_s + width, width, 0, to_s)[-count_back:] if count_back else []

    def _joined(
        self, low_s: int, high_s: int, width: int, first_s: int | None = None, last_s: int | None = None
    ) -> list[Candle]:
        found: list[Candle] = []
        first = bisect_left(self._seconds, low_s, key=lambda candle: candle.start_s)
        for second in islice(self._seconds, first, None):
            if second.start_s >= high_s:
                break
            start_s = second.start_s - second.start_s % width
            if (first_s is not None and start_s < first_s) or (last_s is not None and start_s > last_s):
                continue
            piece = Candle(start_s, second.open, second.high, second.low, second.close, second.volume, second.turnover)
            if found and found[-1].start_s == start_s:
                found[-1].join(piece)
            else:
                found.append(piece)
        return found
