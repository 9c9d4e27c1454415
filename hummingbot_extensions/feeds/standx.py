"""Public StandX frames as frozen values: full books, stated prices and public trades.

Parsed once here for connector, recorder and paper alike. A frame that must not reach a strategy (crossed, one side
empty, not finite, malformed) becomes a ``SkippedFrame`` with its reason, so that callers count it and go on.
Wire facts: depth_book frames are complete books, levels unsorted, best bid may equal best ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from hummingbot_extensions.core.types import BookState, PriceState, Side

Level = tuple[Decimal, Decimal]
"""(price, size), both positive and finite."""


class SkipReason(StrEnum):
    """Why a public frame was not used."""

    MALFORMED = "malformed"
    NOT_FINITE = "not_finite"
    EMPTY_SIDE = "empty_side"
    CROSSED = "crossed"
    OTHER_CHANNEL = "other_channel"


@dataclass(frozen=True, slots=True)
class BookFrame:
    """A complete shown book, best levels first. ``state`` carries the best prices and the stamps."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    state: BookState

    @property
    def is_locked(self) -> bool:
        """True when best bid equals best ask, as half of all frames do because of the display grid."""
        return self.bids[0][0] == self.asks[0][0]


@dataclass(frozen=True, slots=True)
class PriceFrame:
    """Prices that the venue states for a symbol, with the exact touch."""

    symbol: str
    state: PriceState


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """One print. ``taker_side`` is None when the venue did not say."""

    symbol: str
    price: Decimal
    size: Decimal
    taker_side: Side | None
    exchange_ts_ns: int | None


@dataclass(frozen=True, slots=True)
class TradesFrame:
    """The prints of one public_trade frame, in wire order."""

    symbol: str
    trades: tuple[PublicTrade, ...]


@dataclass(frozen=True, slots=True)
class SkippedFrame:
    """A frame that is not used, and why."""

    reason: SkipReason
    symbol: str | None = None


PublicFrame = BookFrame | PriceFrame | TradesFrame | SkippedFrame


class _Skip(Exception):
    def __init__(self, reason: SkipReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


_MAX_EXPONENT = 40


def parse_time_ns(value: object) -> int | None:
    """Nanoseconds since the epoch from an ISO text (up to nanoseconds) or a number in s, ms, us or ns; None if
    unreadable.

    The unit of a number is told by its size, which is unambiguous between the years 2001 and 2286.

    >>> parse_time_ns("2025-08-11T07:23:50.923602474Z"), parse_time_ns(1767664805028)
    (1754897030923602474, 1767664805028000000)
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        if not abs(value) < 10**19:
            return None
        number = int(value)
        for limit, scale in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3)):
            if number < limit:
                return number * scale
        return number
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.isdigit():
        return parse_time_ns(int(text))
    head, dot, tail = text.partition(".")
    fraction, zone = "", tail
    if dot:
        count = len(tail) - len(tail.lstrip("0123456789"))
        fraction, zone = tail[:count], tail[count:]
    try:
        moment = datetime.fromisoformat(head + (zone or "")) if dot else datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9 + int((fraction + "0" * 9)[:9])


def decimal_or_none(value: object) -> Decimal | None:
    """Finite Decimal from a JSON string or number, None for null, text that is no number, NaN, infinities and what no
    market states: an exponent of millions would keep the event loop busy for minutes.

    >>> decimal_or_none("0.10"), decimal_or_none("1e400000000")
    (Decimal('0.10'), None)
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _MAX_EXPONENT else None


def parse_frame(data: object, received_mono_ns: int) -> PublicFrame:
    """The public frame in ``data`` (decoded JSON); ``received_mono_ns`` is ``time.monotonic_ns()`` at receipt."""
    if not isinstance(data, dict):
        return SkippedFrame(SkipReason.MALFORMED)
    channel, body = data.get("channel"), data.get("data")
    symbol = _symbol(data, body)
    try:
        if channel == "depth_book":
            return parse_book(body, symbol, received_mono_ns)
        if channel == "price":
            return parse_price(body, symbol, received_mono_ns)
        if channel == "public_trade":
            return _parse_trades(body, symbol)
    except _Skip as skip:
        return SkippedFrame(skip.reason, symbol)
    except (ValueError, TypeError, LookupError, InvalidOperation):
        return SkippedFrame(SkipReason.MALFORMED, symbol)
    return SkippedFrame(SkipReason.OTHER_CHANNEL, symbol)


def parse_book(body: object, symbol: str | None, received_mono_ns: int) -> PublicFrame:
    """Book from the body of a depth_book frame or of a query_depth_book reply."""
    if not isinstance(body, dict) or not symbol:
        return SkippedFrame(SkipReason.MALFORMED, symbol)
    try:
        bids, bid_places = _levels(body.get("bids"))
        asks, ask_places = _levels(body.get("asks"))
        if not bids or not asks:
            raise _Skip(SkipReason.EMPTY_SIDE)
        bids.sort(key=lambda level: level[0], reverse=True)
        asks.sort(key=lambda level: level[0])
        if bids[0][0] > asks[0][0]:
            raise _Skip(SkipReason.CROSSED)
    except _Skip as skip:
        return SkippedFrame(skip.reason, symbol)
    except (ValueError, TypeError, LookupError, InvalidOperation):
        return SkippedFrame(SkipReason.MALFORMED, symbol)
    state = BookState(
        bid=bids[0][0],
        ask=asks[0][0],
        grid=Decimal(1).scaleb(-max(bid_places, ask_places)),
        exchange_ts_ns=parse_time_ns(body.get("time")),
        received_mono_ns=received_mono_ns,
        bids=tuple(bids),
        asks=tuple(asks),
    )
    return BookFrame(symbol, state.bids, state.asks, state)


def parse_price(body: object, symbol: str | None, received_mono_ns: int) -> PublicFrame:
    """Prices from a price frame, a query_symbol_price reply or a query_symbol_market reply (they share the members)."""
    if not isinstance(body, dict) or not symbol:
        return SkippedFrame(SkipReason.MALFORMED, symbol)
    spread = body.get("spread")
    if isinstance(spread, list) and len(spread) == 2:
        touch_bid, touch_ask = decimal_or_none(spread[0]), decimal_or_none(spread[1])
    else:
        touch_bid, touch_ask = decimal_or_none(body.get("spread_bid")), decimal_or_none(body.get("spread_ask"))
    if touch_bid is not None and touch_ask is not None and touch_bid > touch_ask:
        return SkippedFrame(SkipReason.CROSSED, symbol)
    stated = {name: decimal_or_none(body.get(name)) for name in ("mark_price", "index_price", "last_price")}
    if any(value is not None and value <= 0 for value in (*stated.values(), touch_bid, touch_ask)):
        return SkippedFrame(SkipReason.NOT_FINITE, symbol)
    if all(value is None for value in (*stated.values(), touch_bid, touch_ask)):
        return SkippedFrame(SkipReason.MALFORMED, symbol)
    state = PriceState(
        mark=stated["mark_price"],
        index=stated["index_price"],
        last=stated["last_price"],
        touch_bid=touch_bid,
        touch_ask=touch_ask,
        exchange_ts_ns=parse_time_ns(body.get("time")),
        received_mono_ns=received_mono_ns,
    )
    return PriceFrame(symbol, state)


def _parse_trades(body: object, symbol: str | None) -> PublicFrame:
    rows = body if isinstance(body, list) else [body]
    trades = tuple(_parse_trade(row, symbol) for row in rows)
    if not trades:
        raise _Skip(SkipReason.MALFORMED)
    return TradesFrame(trades[0].symbol, trades)


def _parse_trade(row: object, symbol: str | None) -> PublicTrade:
    if not isinstance(row, dict):
        raise _Skip(SkipReason.MALFORMED)
    name = row.get("symbol") or symbol
    price, size = decimal_or_none(row.get("price")), decimal_or_none(row.get("qty"))
    if not name or price is None or size is None or price <= 0 or size <= 0:
        raise _Skip(SkipReason.MALFORMED)
    return PublicTrade(str(name), price, size, _taker_side(row), parse_time_ns(row.get("time")))


def _taker_side(row: dict[str, Any]) -> Side | None:
    if row.get("side") in ("buy", "sell"):
        return Side(row["side"])
    if isinstance(row.get("is_buyer_taker"), bool):
        return Side.BUY if row["is_buyer_taker"] else Side.SELL
    return None


def _levels(rows: object) -> tuple[list[Level], int]:
    """Levels of one side in wire order, zero sizes dropped, and the most decimal places seen in a price."""
    if not isinstance(rows, list):
        raise _Skip(SkipReason.MALFORMED)
    levels: list[Level] = []
    places = 0
    for row in rows:
        price, size = Decimal(str(row[0])), Decimal(str(row[1]))
        if not price.is_finite() or not size.is_finite() or price <= 0 or size < 0:
            raise _Skip(SkipReason.NOT_FINITE)
        if size > 0:
            levels.append((price, size))
            exponent = price.as_tuple().exponent
            places = max(places, -int(exponent))
    return levels, places


def _symbol(data: dict[str, Any], body: object) -> str | None:
    value = data.get("symbol")
    if not value and isinstance(body, dict):
        value = body.get("symbol")
    return str(value) if value else None
