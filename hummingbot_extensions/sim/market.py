"""What every simulated market offers, synthetic or taped: time moves forward, orders rest, fills come out.

Prices are integer ticks of ``10**-price_decimals``, sizes integer lots of ``10**-size_decimals``, times venue
nanoseconds. A market knows orders, not accounts: margin, fees and ownership live in ``sim.venue``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from hummingbot_extensions.core.types import Side, TimeInForce


@dataclass(frozen=True, slots=True)
class MarketSpec:
    """A market's lattice, limits and fees, as its venue states them. Fees are fractions, positive = paid by us."""

    symbol: str
    base: str
    price_decimals: int
    size_decimals: int
    display_grid_ticks: int
    """Step of the shown book in ticks; shown prices are truncated down to it on both sides."""
    min_size_lots: int
    max_size_lots: int
    max_position_lots: int
    max_open_orders: int
    maker_fee: Decimal
    taker_fee: Decimal
    max_leverage: int
    default_leverage: int
    price_cap_frac: Decimal
    price_floor_frac: Decimal


@dataclass(frozen=True, slots=True)
class BookChanged:
    """The book changed (or the tape delivered a frame, changed or not) at ``ts_ns``."""

    ts_ns: int


@dataclass(frozen=True, slots=True)
class Print:
    """One public trade."""

    ts_ns: int
    price_ticks: int
    size_lots: int
    is_buyer_taker: bool


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill of an order that was given to ``place``."""

    ts_ns: int
    order_id: int
    price_ticks: int
    size_lots: int
    is_maker: bool


MarketEvent = BookChanged | Print | Fill


@dataclass(frozen=True, slots=True)
class Placement:
    """Result of ``place``: fills taken at once, lots left resting, and whether a post-only order would have crossed.

    ``resting_lots`` is 0 for IOC and market orders; what they did not fill is gone.
    """

    fills: tuple[Fill, ...]
    resting_lots: int
    would_cross: bool = False


class MarketSource(Protocol):
    """A market that can be advanced and traded against. Same seed or tape and same calls: same results, to the bit."""

    spec: MarketSpec
    now_ns: int

    def advance(self, to_ns: int) -> list[MarketEvent]:
        """Everything that happened in (now, to], in time order; afterwards ``now_ns == to_ns``. Ends never raise."""

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Placement:
        """Give an order to the market at ``now_ns``. ``price_ticks`` None is a market order (IOC). Ids are unique."""

    def cancel(self, order_id: int) -> int | None:
        """Remove a resting order; lots that were left, or None when it does not rest (filled, cancelled, never was)."""

    def book(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(bids, asks) as (price_ticks, size_lots), best first, own orders included, at most ``depth`` a side."""

    def touch(self) -> tuple[int | None, int | None]:
        """Exact best (bid, ask) in ticks, None for an empty side."""

    def last_ticks(self) -> int | None:
        """Price of the last print, None before the first."""

    def index(self) -> float | None:
        """Index price of the underlying in quote units; a tape has none and gives its mid."""

    @property
    def is_over(self) -> bool:
        """True once a tape has no more frames; a synthetic market never ends."""
