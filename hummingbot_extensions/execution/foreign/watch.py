"""Ages of what a foreign connector shows. It keeps no receipt times, so it is looked at on a short beat.

What has changed since the last look came in some time after that look, which is the stamp it gets: an age is never
less than the truth, and at most one beat more. What was there at the first look has no known age, and counts as absent
until it changes. All stamps are monotonic nanoseconds.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import Any

from hummingbot_extensions.core.types import BookState, PriceState

LEVELS = 20
"""So many levels of a side are kept: quoting looks no deeper."""


class ChangeStamp:
    """When a value last changed, as far as looking at it tells."""

    def __init__(self) -> None:
        self.received_ns: int | None = None
        """Stamp of the newest change, None while none was seen."""
        self._looked_ns: int | None = None
        self._value: Any = None

    def look(self, value: Any, now_ns: int) -> bool:
        """Take in what is seen now; whether it has changed. None means that there is nothing, and forgets the stamp."""
        before_ns, self._looked_ns = self._looked_ns, now_ns
        has_changed = bool(value != self._value)
        self._value = value
        if value is None:
            self.received_ns = None
        elif has_changed and before_ns is not None:
            self.received_ns = before_ns
        return has_changed


Levels = tuple[tuple[Decimal, Decimal], ...]
"""Price and size in base units, best first."""


class BookWatch:
    """Best levels of one Hummingbot order book."""

    def __init__(self) -> None:
        self._changes = ChangeStamp()
        self._touch: tuple[Decimal | None, Decimal | None] = (None, None)
        self._bids: Levels = ()
        self._asks: Levels = ()

    def look(self, book: Any | None, now_ns: int) -> bool:
        """Look at a book, None where there is none yet; whether its best prices have changed."""
        if book is None:
            self._changes.look(None, now_ns)
            return False
        touch = (_best(book.bid_entries()), _best(book.ask_entries()))
        # A book that is made anew begins to count anew; the touch is for connectors whose numbers stand still.
        if self._changes.look((id(book), book.snapshot_uid, book.last_diff_uid, touch), now_ns):
            self._bids, self._asks = _levels(book.bid_entries()), _levels(book.ask_entries())
        before, self._touch = self._touch, touch
        return touch != before

    def state(self, tick: Decimal) -> BookState | None:
        """Best levels with their stamp; None while their age is not known."""
        if self._changes.received_ns is None:
            return None
        bid, ask = self._touch
        return BookState(bid, ask, tick, None, self._changes.received_ns, self._bids, self._asks)


class PriceWatch:
    """Mark and index of one market as Hummingbot's funding information has them."""

    def __init__(self) -> None:
        self._changes = ChangeStamp()
        self._mark: Decimal | None = None
        self._index: Decimal | None = None

    def look(self, info: Any | None, now_ns: int) -> bool:
        """Look at the funding information, None where there is none yet; whether the mark has changed."""
        if info is None:
            self._changes.look(None, now_ns)
            return False
        before = self._mark
        self._mark, self._index = _price(info.mark_price), _price(info.index_price)
        # Any part that moves shows that a message came in, also one that repeats the mark.
        self._changes.look(
            (id(info), self._mark, self._index, info.rate, info.next_funding_utc_timestamp), now_ns)
        return self._mark != before

    def state(self) -> PriceState | None:
        """Prices with their stamp; None while their age is not known."""
        if self._changes.received_ns is None:
            return None
        return PriceState(self._mark, self._index, None, None, None, None, self._changes.received_ns)


class AccountWatch:
    """How long ago the account was last heard of: by a frame of its stream, or by an answer when the stream is quiet.

    A stream without orders shows life at its heartbeat alone, every ten to thirty seconds or never. An answered
    question about the account proves as much as a frame, but only while the stream is connected.
    """

    def __init__(self) -> None:
        self._frames = ChangeStamp()
        self._answered_ns: int | None = None
        self._is_connected = False

    def look(self, stamp_s: float, now_ns: int) -> None:
        """Look at Hummingbot's stamp of the newest frame, which is 0 while the stream is not connected."""
        self._is_connected = stamp_s > 0
        self._frames.look(stamp_s if self._is_connected else None, now_ns)
        if not self._is_connected:
            self._answered_ns = None

    def answered(self, asked_ns: int) -> None:
        """The venue has answered a question about the account that was asked at ``asked_ns``."""
        if self._is_connected:
            self._answered_ns = asked_ns

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    def age_ms(self, now_ns: int) -> float | None:
        """Milliseconds since the last sign of life; None while the stream is not connected or has shown none."""
        signs = [sign for sign in (self._frames.received_ns, self._answered_ns) if sign is not None]
        return (now_ns - max(signs)) / 1e6 if signs else None


def _levels(entries: Any) -> Levels:
    rows = ((_price(Decimal(repr(float(row.price)))), _price(Decimal(repr(float(row.amount)))))
            for row in islice(entries, LEVELS))
    return tuple((price, size) for price, size in rows if price is not None and size is not None)


def _best(entries: Any) -> Decimal | None:
    row = next(entries, None)
    return None if row is None else _price(Decimal(repr(float(row.price))))


def _price(value: Any) -> Decimal | None:
    """``value`` as a price, None when it is none: some connectors fill in 0, -1 or NaN for what they do not know."""
    if value is None:
        return None
    price = Decimal(value)
    return price if price.is_finite() and price > 0 else None
