"""Plain values that cross rooms: prices as the venue stated them, ages in milliseconds, sides and time in force."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Side of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL: the direction in which a fill moves the position."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class TimeInForce(StrEnum):
    """How long an order may live: rest, take and vanish, or rest without ever taking (post-only)."""

    GTC = "gtc"
    IOC = "ioc"
    ALO = "alo"


class OrderOutcome(StrEnum):
    """What is known about an order we sent. UNKNOWN counts as exposure until the venue has answered a query."""

    PENDING = "pending"
    """Sent, no word yet, still inside its deadline."""
    ACCEPTED = "accepted"
    """Known to the venue (resting, filled or cancelled since)."""
    REJECTED = "rejected"
    """Refused on the venue's own word."""
    UNKNOWN = "unknown"
    """Deadline passed, socket dropped or answer unreadable: may rest at the venue."""


class MarketStanding(StrEnum):
    """Whether a market takes orders now, and by rules that we know."""

    TRADING = "trading"
    HALTED = "halted"
    """The venue says that nothing is traded; what rests stays."""
    RULES_CHANGING = "rules_changing"
    """Tick or step has changed, and orders from before may still rest."""
    UNKNOWN = "unknown"
    """The venue no longer lists the market, or has not been asked with success for too long."""


@dataclass(frozen=True, slots=True)
class PriceState:
    """Latest prices that a venue states beside its book. Missing members are None, never 0.

    ``touch_bid`` and ``touch_ask`` are the exact best prices at full tick precision; the shown book may be coarser.
    ``received_mono_ns`` is ``time.monotonic_ns()`` at receipt, ``exchange_ts_ns`` the venue's wall-clock stamp.
    """

    mark: Decimal | None
    index: Decimal | None
    last: Decimal | None
    touch_bid: Decimal | None
    touch_ask: Decimal | None
    exchange_ts_ns: int | None
    received_mono_ns: int


@dataclass(frozen=True, slots=True)
class BookState:
    """The book as shown, with the stamps of the frame it came in.

    ``grid`` is the display step: a shown price may lie up to one step below the true one on either side.
    ``received_mono_ns`` is ``time.monotonic_ns()`` at receipt. ``bids`` and ``asks`` are (price, size in base units),
    best first.
    """

    bid: Decimal | None
    ask: Decimal | None
    grid: Decimal
    exchange_ts_ns: int | None
    received_mono_ns: int
    bids: tuple[tuple[Decimal, Decimal], ...] = ()
    asks: tuple[tuple[Decimal, Decimal], ...] = ()
