"""What a tape holds, row by row, and the columns in which a batch of rows is stored. The format is docs/tape-format.md.

Prices of the book and of trades are integers on the lattice that the file's header declares; the prices of a price
frame are the decimals of the wire, digit for digit. No value passes through a float.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]
Int8Array = npt.NDArray[np.int8]
Level = tuple[int, int]
LIMIT = 2**63
BOOK, PRICE, TRADE, GAP = 1, 2, 3, 4
UNKNOWN_TAKER, BUY_TAKER, SELL_TAKER = 0, 1, 2
OPEN_END = -1
PRICES = ("mark", "index", "last", "bid", "ask")
LADDERS = ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
INTEGERS = ("exchange_ts_ns", "local_ts_ns", "price_ticks", "size_lots", "end_ns")


class Why(StrEnum):
    """What made a gap. A reader adds the last two by itself."""

    HOLE = "hole"
    """The source shows no frame for more than two seconds."""
    DISCONNECTED = "disconnected"
    OVERRUN = "overrun"
    """More came in than could be written down."""
    WRITE_FAILED = "write_failed"
    TORN = "torn"
    """The file ends without its end mark: the recorder was killed, or the disk took no more."""
    STOPPED = "stopped"
    """The recorder was started anew."""


@dataclass(frozen=True, slots=True)
class BookRow:
    """A whole book as shown, best first, in (ticks, lots). Stamps are nanoseconds of UTC."""

    exchange_ts_ns: int
    local_ts_ns: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class PriceRow:
    """Prices that the venue states; None where the frame named none."""

    exchange_ts_ns: int
    local_ts_ns: int
    mark: Decimal | None = None
    index: Decimal | None = None
    last: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One public print; ``is_buy`` is whether the taker bought, None when the source does not say."""

    exchange_ts_ns: int
    local_ts_ns: int
    price_ticks: int
    size_lots: int
    is_buy: bool | None = None


@dataclass(frozen=True, slots=True)
class GapRow:
    """Between these stamps of the exchange something is missing. ``end_ns`` None: nothing later is known."""

    local_ts_ns: int
    why: Why
    start_ns: int
    end_ns: int | None


Row = BookRow | PriceRow | TradeRow | GapRow


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A batch of rows: each column as long as the batch, ladders flat with ``*_counts`` values a row."""

    kind: Int8Array
    taker: Int8Array
    integers: dict[str, Int64Array]
    """``exchange_ts_ns local_ts_ns price_ticks size_lots end_ns``; 0 where a row has no such value."""
    counts: dict[str, Int64Array]
    """Levels of each row by ladder column; ticks and lots of a side have the same."""
    ladders: dict[str, Int64Array]
    texts: dict[str, list[str]]
    """``mark index last bid ask why``; empty where a row has no such value."""

    def __len__(self) -> int:
        return len(self.kind)

    def checksum(self) -> int:
        """CRC-32 over every value, which the batch carries: what a torn or decayed page would change."""
        crc = zlib.crc32(self.kind.tobytes() + self.taker.tobytes())
        for arrays in (self.integers, self.counts, self.ladders):
            for values in arrays.values():
                crc = zlib.crc32(values.tobytes(), crc)
        for texts in self.texts.values():
            crc = zlib.crc32("\n".join(texts).encode(), crc)
        return crc


def checked(row: Row) -> Row:
    """The row, when a file can hold it; ValueError names what it cannot."""
    stamps = [row.local_ts_ns]
    numbers: list[int] = []
    if isinstance(row, GapRow):
        stamps += [row.start_ns] if row.end_ns is None else [row.start_ns, row.end_ns]
    else:
        stamps.append(row.exchange_ts_ns)
    if isinstance(row, BookRow):
        numbers = [value for level in (*row.bids, *row.asks) for value in level]
    elif isinstance(row, TradeRow):
        numbers = [row.price_ticks, row.size_lots]
    elif isinstance(row, PriceRow):
        for name in PRICES:
            price = getattr(row, name)
            if price is not None and not price.is_finite():
                raise ValueError(f"{name} must be a finite decimal, got {price}")
    if any(not 0 <= stamp < LIMIT for stamp in stamps):
        raise ValueError(f"a stamp must lie in [0, 2^63) ns, got {stamps}")
    if any(not 0 < number < LIMIT for number in numbers):
        raise ValueError("prices and sizes must be positive numbers of ticks and lots below 2^63")
    return row


def units(value: Decimal, decimals: int) -> int:
    """``value`` in units of 10^-decimals; ValueError when it lies between two of them or is not finite.

    >>> units(Decimal("93869.50"), 2)
    9386950
    """
    try:
        scaled = value.scaleb(decimals)
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"{value} is no finite number") from None
    if whole != scaled:
        raise ValueError(f"{value} has more than {decimals} decimals")
    return whole


def columns_of(rows: Sequence[Row]) -> Columns:
    """The rows as columns."""
    kinds = {BookRow: BOOK, PriceRow: PRICE, TradeRow: TRADE, GapRow: GAP}
    sides = {"bid": [_side(row, "bids") for row in rows], "ask": [_side(row, "asks") for row in rows]}
    counts, ladders = {}, {}
    for name in LADDERS:
        side, of = name.split("_")
        at = 0 if of == "ticks" else 1
        counts[name] = np.array([len(levels) for levels in sides[side]], np.int64)
        ladders[name] = np.array([level[at] for levels in sides[side] for level in levels], np.int64)
    takers = {None: UNKNOWN_TAKER, True: BUY_TAKER, False: SELL_TAKER}
    integers = [
        (row.start_ns, row.local_ts_ns, 0, 0, OPEN_END if row.end_ns is None else row.end_ns)
        if isinstance(row, GapRow)
        else (row.exchange_ts_ns, row.local_ts_ns, row.price_ticks, row.size_lots, 0)
        if isinstance(row, TradeRow)
        else (row.exchange_ts_ns, row.local_ts_ns, 0, 0, 0)
        for row in rows
    ]
    table = np.array(integers, np.int64).reshape(len(rows), len(INTEGERS))
    return Columns(
        kind=np.array([kinds[type(row)] for row in rows], np.int8),
        taker=np.array([takers[row.is_buy] if isinstance(row, TradeRow) else 0 for row in rows], np.int8),
        integers={name: np.ascontiguousarray(table[:, at]) for at, name in enumerate(INTEGERS)},
        counts=counts,
        ladders=ladders,
        texts={name: [_text(row, name) for row in rows] for name in PRICES}
        | {"why": [str(row.why) if isinstance(row, GapRow) else "" for row in rows]},
    )


def _side(row: Row, name: str) -> tuple[Level, ...]:
    return getattr(row, name) if isinstance(row, BookRow) else ()


def _text(row: Row, name: str) -> str:
    price = getattr(row, name) if isinstance(row, PriceRow) else None
    return "" if price is None else format(price, "f")


def rows_of(columns: Columns) -> list[Row]:
    """The rows that ``columns_of`` was given."""
    rows: list[Row] = []
    levels = {}
    for side in ("bid", "ask"):
        ticks, lots = columns.ladders[f"{side}_ticks"].tolist(), columns.ladders[f"{side}_lots"].tolist()
        stops = np.cumsum(columns.counts[f"{side}_ticks"]).tolist()
        levels[side] = (list(zip(ticks, lots, strict=True)), stops)
    whole = {name: values.tolist() for name, values in columns.integers.items()}
    for at, kind in enumerate(columns.kind.tolist()):
        exchange, local = whole["exchange_ts_ns"][at], whole["local_ts_ns"][at]
        if kind == BOOK:
            rows.append(BookRow(exchange, local, *(
                tuple(flat[stops[at - 1] if at else 0 : stops[at]]) for flat, stops in levels.values())))
        elif kind == PRICE:
            texts = (columns.texts[name][at] for name in PRICES)
            rows.append(PriceRow(exchange, local, *(Decimal(text) if text else None for text in texts)))
        elif kind == TRADE:
            is_buy = {UNKNOWN_TAKER: None, BUY_TAKER: True, SELL_TAKER: False}[int(columns.taker[at])]
            rows.append(TradeRow(exchange, local, whole["price_ticks"][at], whole["size_lots"][at], is_buy))
        else:
            end_ns = whole["end_ns"][at]
            why = Why(columns.texts["why"][at])
            rows.append(GapRow(local, why, exchange, None if end_ns == OPEN_END else end_ns))
    return rows


def batch_of(columns: Columns) -> Any:
    """The columns as an Arrow record batch."""
    import pyarrow as pa

    arrays: dict[str, Any] = {"kind": pa.array(columns.kind), "taker": pa.array(columns.taker)}
    arrays |= {name: pa.array(values) for name, values in columns.integers.items()}
    for name, values in columns.ladders.items():
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(columns.counts[name])]).astype(np.int32)
        arrays[name] = pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))
    arrays |= {name: pa.array(values, pa.string()) for name, values in columns.texts.items()}
    return pa.record_batch(arrays)


def columns_from(batch: Any) -> Columns:
    """What ``batch_of`` was given; ValueError, or an error of Arrow's, for a batch that it cannot have made."""
    batch.validate(full=True)
    if any(column.null_count for column in (*batch.columns, *(batch.column(name).values for name in LADDERS))):
        raise ValueError("a value is missing")

    def numbers(name: str, kind: type) -> Any:
        return np.asarray(batch.column(name).to_numpy(zero_copy_only=False), dtype=kind)

    counts, ladders = {}, {}
    for name in LADDERS:
        column = batch.column(name)
        counts[name] = np.asarray(column.value_lengths().to_numpy(zero_copy_only=False), dtype=np.int64)
        ladders[name] = np.asarray(column.flatten().to_numpy(zero_copy_only=False), dtype=np.int64)
    return Columns(
        kind=numbers("kind", np.int8),
        taker=numbers("taker", np.int8),
        integers={name: numbers(name, np.int64) for name in INTEGERS},
        counts=counts,
        ladders=ladders,
        texts={name: batch.column(name).to_pylist() for name in (*PRICES, "why")},
    )
