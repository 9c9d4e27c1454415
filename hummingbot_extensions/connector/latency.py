"""How late frames come: exchange stamp against receipt, by channel, corrected by the venue's clock."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

KEPT = 512


class Leg(StrEnum):
    """What a delay belongs to."""

    BOOK = "book"
    PRICE = "price"
    TRADE = "trade"
    ORDER = "order"
    FILL = "fill"


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Delays of the last frames in milliseconds, nearest rank."""

    count: int
    """Frames ever measured; the quantiles are of the last 512."""
    last_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    worst_ms: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Delays by leg, None where nothing was measured, and how far they may all be off together."""

    book: Quantiles | None
    price: Quantiles | None
    trade: Quantiles | None
    order: Quantiles | None
    fill: Quantiles | None
    uncertainty_ms: float | None
    """Half the round trip of the clock estimate; None while there is none, and then nothing is measured."""


class LatencyBook:
    """The last delays of each leg. Noting one is an append; the sorting is done for whoever asks."""

    def __init__(self) -> None:
        self._delays_ms: dict[Leg, deque[float]] = {leg: deque(maxlen=KEPT) for leg in Leg}
        self._counts = dict.fromkeys(Leg, 0)

    def note(self, leg: Leg, delay_ns: int) -> None:
        self._delays_ms[leg].append(delay_ns / 1e6)
        self._counts[leg] += 1

    def clear(self) -> None:
        """Forget everything: the clock that it was measured by has jumped."""
        for delays in self._delays_ms.values():
            delays.clear()

    def latency(self, uncertainty_ms: float | None) -> Latency:
        return Latency(**{leg.value: self._quantiles(leg) for leg in Leg}, uncertainty_ms=uncertainty_ms)

    def _quantiles(self, leg: Leg) -> Quantiles | None:
        delays = self._delays_ms[leg]
        if not delays:
            return None
        ordered = sorted(delays)

        def rank(share: float) -> float:
            return ordered[max(1, math.ceil(share * len(ordered))) - 1]

        return Quantiles(self._counts[leg], delays[-1], rank(0.5), rank(0.9), rank(0.99), ordered[-1])
