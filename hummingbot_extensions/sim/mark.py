"""Mark price and funding of a perpetual market, as the venue publishes its rules; windows are parameters.

The venue does not publish its window lengths or impact notional; the defaults here are ours. A taped market uses the
recorded mark, or its mid where none was recorded (``MarkRule.MID``); its premium is then zero.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class MarkRule(StrEnum):
    """How a market's mark is made."""

    MEDIAN = "median"
    """Median of three: index with funding accrued, index plus average basis, last trade."""
    MID = "mid"
    """The mid, a stand-in where no index exists. A market that gives its own mid as index knows it better than the
    touch, which our orders move."""


@dataclass(slots=True)
class MarkModel:
    """Mark in ticks from index, touch and last trade. Holds the window of mid - index that the second leg averages."""

    rule: MarkRule
    window_ns: int = 60_000_000_000
    sample_ns: int = 1_000_000_000
    _basis: deque[tuple[int, float]] = field(default_factory=deque)
    _mean_basis: float = 0.0

    def mark_ticks(
        self,
        now_ns: int,
        touch: tuple[int | None, int | None],
        last_ticks: int | None,
        index_ticks: float | None,
        funding_frac: float,
        hour_left_frac: float,
    ) -> int | None:
        """Mark now, to the tick; None when nothing says a price. ``hour_left_frac`` is time to funding over 1 h."""
        bid, ask = touch
        mid = (bid + ask) / 2 if bid is not None and ask is not None else None
        if self.rule is MarkRule.MID:
            mid = index_ticks if index_ticks is not None else mid
            return round(mid) if mid is not None else None
        if index_ticks is None:
            return round(mid) if mid is not None else last_ticks
        self._sample(now_ns, mid, index_ticks)
        legs = (
            index_ticks * (1 + funding_frac * hour_left_frac),
            index_ticks + self._mean_basis,
            index_ticks if last_ticks is None else float(last_ticks),
        )
        return round(sorted(legs)[1])

    def _sample(self, now_ns: int, mid: float | None, index_ticks: float) -> None:
        if mid is None or (self._basis and now_ns - self._basis[-1][0] < self.sample_ns):
            return
        self._basis.append((now_ns, mid - index_ticks))
        while self._basis[0][0] <= now_ns - self.window_ns:
            self._basis.popleft()
        self._mean_basis = sum(basis for _, basis in self._basis) / len(self._basis)

    def to_plain(self) -> list[list[float]]:
        """The window's samples, as JSON holds them."""
        return [[at_ns, basis] for at_ns, basis in self._basis]

    def restore(self, plain: list[list[float]]) -> None:
        """Take over the window that ``to_plain`` gave."""
        self._basis = deque((int(at_ns), basis) for at_ns, basis in plain)
        self._mean_basis = sum(basis for _, basis in self._basis) / len(self._basis) if self._basis else 0.0


@dataclass(slots=True)
class FundingModel:
    """Hourly funding rate from the premium of impact prices over the index, sampled and averaged over the hour."""

    interest_frac: float = 0.0000125
    clamp_frac: float = 0.0005
    cap_frac: float = 0.04
    impact_notional: float = 10_000.0
    _premium_sum: float = 0.0
    _premium_count: int = 0

    def sample(self, premium_frac: float) -> None:
        self._premium_sum += premium_frac
        self._premium_count += 1

    def rate(self) -> Decimal:
        """Rate per hour that would be settled now, at eight decimals; positive: longs pay shorts."""
        premium = self._premium_sum / self._premium_count if self._premium_count else 0.0
        return Decimal(repr(funding_rate(premium, self.interest_frac, self.clamp_frac, self.cap_frac))).quantize(
            Decimal("0.00000001")
        )

    def settle(self) -> Decimal:
        """The hour's rate; the next hour starts without samples."""
        rate = self.rate()
        self._premium_sum, self._premium_count = 0.0, 0
        return rate

    def to_plain(self) -> list[float]:
        """The running hour's samples, summed and counted."""
        return [self._premium_sum, self._premium_count]

    def restore(self, plain: list[float]) -> None:
        """Take over the running hour that ``to_plain`` gave."""
        self._premium_sum, self._premium_count = plain[0], int(plain[1])


def funding_rate(premium: float, interest: float, clamp: float, cap: float) -> float:
    """Premium pulled towards the interest rate by at most ``clamp``, bounded by ``cap``; fractions per hour.

    >>> round(funding_rate(0.0006, 0.0000125, 0.0005, 0.04), 9)
    0.0001
    >>> funding_rate(0.0004, 0.0000125, 0.0005, 0.04)
    1.25e-05
    """
    pulled = premium + min(max(interest - premium, -clamp), clamp)
    return min(max(round(pulled, 12), -cap), cap)


def impact_price(
    levels: Sequence[tuple[int, int]], notional: float, price_unit: float, size_unit: float
) -> float | None:
    """Average price in ticks of taking ``notional`` from ``levels`` (best first); None when they hold less."""
    left, cost, size = notional, 0.0, 0.0
    for price_ticks, lots in levels:
        value = price_ticks * price_unit * lots * size_unit
        taken = min(value, left) / (price_ticks * price_unit)
        cost += taken * price_ticks
        size += taken
        left -= value
        if left <= 0:
            return cost / size
    return None


def premium_frac(impact_bid: float | None, impact_ask: float | None, index: float) -> float:
    """How far the executable prices stand off the index, as a fraction of it; a side too thin counts as no premium."""
    above = max(0.0, impact_bid - index) if impact_bid is not None else 0.0
    below = max(0.0, index - impact_ask) if impact_ask is not None else 0.0
    return (above - below) / index
