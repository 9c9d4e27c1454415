"""Recorded StandX hours (Parquet) as a ``Tape``: read only what the window needs, drop what is not a book, count it.

Files are named ``orderbook_SYMBOL_YYYY-MM-DD_HH.parquet`` and ``trades_...``, cut by the hour (UTC) in which the
collector received the rows; a frame may carry a stamp of the hour before its file's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hummingbot_extensions.sim.display import ladders_grid_ticks
from hummingbot_extensions.sim.latency import RecordedLatency
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.tape import BoolArray, Int64Array, Ladders, Tape, inferred_buys

HOUR_NS = 3_600_000_000_000
BOOK_COLUMNS = ["timestamp", "bid_prices", "bid_quantities", "ask_prices", "ask_quantities", "is_valid"]
TRADE_COLUMNS = ["timestamp", "price", "quantity"]
LATTICE_TOLERANCE = 1e-3
"""How far, in ticks or lots, a recorded float may lie off the lattice."""

FloatArray = npt.NDArray[np.float64]


class TapeUnreadable(Exception):
    """A tape cannot be loaded; the text is one line with the fix."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows left out while loading, each counted under the first reason that held.

    ``repeated`` frames equal the row before in stamp and content; ``invalid`` ones are flagged so by the recording;
    ``bad_values`` are not finite, not positive, off the lattice, or of unequal lengths; ``unsorted`` ladders do not
    worsen from level to level; ``crossed`` have a bid above the ask; ``late`` are stamped before an earlier row.
    """

    repeated: int = 0
    invalid: int = 0
    bad_values: int = 0
    unsorted: int = 0
    crossed: int = 0
    late: int = 0
    bad_prints: int = 0


@dataclass(frozen=True, slots=True)
class LoadedTape:
    """A tape and what was left out of it."""

    tape: Tape
    dropped: Dropped


@dataclass(frozen=True, slots=True, eq=False)
class _RaggedSide:
    counts: Int64Array
    prices: FloatArray
    sizes: FloatArray
    is_matched: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Books and prints of recorded hours, each kind in the order of its rows' stamps, with when each was received."""

    symbol: str
    frame_ts_ns: Int64Array
    frame_received_ns: Int64Array
    bids: Ladders
    asks: Ladders
    trade_ts_ns: Int64Array
    trade_received_ns: Int64Array
    trade_ticks: Int64Array
    trade_lots: Int64Array
    dropped: Dropped


def standx_recording(
    directory: Path | str, symbol: str, spec: MarketSpec, start_ns: int | None = None, end_ns: int | None = None
) -> Recording:
    """Frames and prints of ``symbol`` stamped in [start, end). TapeUnreadable when pyarrow, the folder, the symbol's
    files or every hour of the window are missing.
    """
    hours = standx_hours(Path(directory), symbol)
    wanted = [path for hour_ns, path in hours if is_needed(hour_ns, start_ns, end_ns)]
    if not wanted:
        raise no_hour(symbol, [hour_ns for hour_ns, _ in hours], start_ns, end_ns)
    books = [_read(path, [*BOOK_COLUMNS, "received_at"], optional="received_at") for path in wanted]
    paths = [trades_path(path) for path in wanted]
    trades = [_read(path, [*TRADE_COLUMNS, "received_at"], optional="received_at") for path in paths if path.is_file()]
    frame_ts_ns, bids, asks, rows, dropped = _frames(books, spec, start_ns, end_ns)
    received_ns = np.concatenate([_received(table) for table in books])[rows]
    trade_ts_ns, trade_received_ns, ticks, lots, bad_prints = _trades(trades, spec, start_ns, end_ns)
    return Recording(
        symbol, frame_ts_ns, received_ns, bids, asks, trade_ts_ns, trade_received_ns, ticks, lots,
        Dropped(**dropped, bad_prints=bad_prints))


def load_standx_parquet(
    directory: Path | str, symbol: str, spec: MarketSpec, start_ns: int | None = None, end_ns: int | None = None
) -> LoadedTape:
    """Frames of ``symbol`` stamped in [start, end) and the prints from the first of them on.

    TapeUnreadable when pyarrow, the folder, the symbol's files or every frame of the window are missing.
    """
    found = standx_recording(directory, symbol, spec, start_ns, end_ns)
    if not len(found.frame_ts_ns):
        raise no_frame(symbol, start_ns, end_ns)
    grid = ladders_grid_ticks(found.bids, found.asks)
    rows = np.flatnonzero(found.trade_ts_ns >= found.frame_ts_ns[0])
    trade_ts_ns, ticks, lots = found.trade_ts_ns[rows], found.trade_ticks[rows], found.trade_lots[rows]
    is_buy = inferred_buys(found.frame_ts_ns, found.bids.best(), trade_ts_ns, ticks, found.asks.best(), grid)
    tape = Tape(symbol, found.frame_ts_ns, found.bids, found.asks, trade_ts_ns, ticks, lots, is_buy)
    return LoadedTape(tape, found.dropped)


def recorded_feed_delay(
    directory: Path | str, symbol: str, start_ns: int | None = None, end_ns: int | None = None
) -> RecordedLatency:
    """Received minus venue time of the frames stamped in [start, end), each stamp's first receipt.

    A frame received before its own stamp (the collector's clock was behind) counts as not delayed. TapeUnreadable as
    in ``load_standx_parquet``.
    """
    paths = [path for hour_ns, path in standx_hours(Path(directory), symbol) if is_needed(hour_ns, start_ns, end_ns)]
    tables = [_read(path, ["timestamp", "received_at"]) for path in paths]
    empty = np.zeros(0, np.int64)
    sent_ns = np.concatenate([empty, *(_stamps(table) for table in tables)])
    received_ns = np.concatenate([empty, *(_stamps(table, "received_at") for table in tables)])
    return feed_delay_of(symbol, sent_ns, received_ns, start_ns, end_ns)


def feed_delay_of(
    symbol: str, sent_ns: Int64Array, received_ns: Int64Array, start_ns: int | None, end_ns: int | None
) -> RecordedLatency:
    """Delay of each stamp in [start, end) from its first receipt; TapeUnreadable when there is none."""
    inside = in_window(sent_ns, start_ns, end_ns)
    sent_ns, received_ns = sent_ns[inside], received_ns[inside]
    if not len(sent_ns):
        raise no_frame(symbol, start_ns, end_ns)
    order = np.lexsort((received_ns, sent_ns))
    sent_ns, received_ns = sent_ns[order], received_ns[order]
    first = np.concatenate([np.ones(1, np.bool_), sent_ns[1:] != sent_ns[:-1]])
    return RecordedLatency(sent_ns[first], np.maximum(received_ns[first] - sent_ns[first], 0))


def first_stamp_ns(directory: Path | str, symbol: str) -> int:
    """Earliest frame stamp of the first recorded hour; TapeUnreadable when there is none."""
    _, path = standx_hours(Path(directory), symbol)[0]
    stamps = _stamps(_read(path, BOOK_COLUMNS[:1]))
    if not len(stamps):
        raise TapeUnreadable(f"{path} is empty; remove it")
    return int(stamps.min())


def _read(path: Path, columns: list[str], optional: str | None = None) -> Any:
    """Columns of a file; ``optional`` is left out where the file lacks it."""
    try:
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("pyarrow"):
            raise
        raise TapeUnreadable("tapes need pyarrow: pip install 'hummingbot-extensions[tape]'") from None
    try:
        if optional is not None and optional not in parquet.read_schema(path).names:
            columns = [name for name in columns if name != optional]
        return parquet.read_table(path, columns=columns)
    except (OSError, ValueError) as error:  # pyarrow's own errors are these; a missing column is one
        raise TapeUnreadable(f"{path} cannot be read: {str(error).splitlines()[0]}; record that hour again") from error


def standx_hours(folder: Path, symbol: str) -> list[tuple[int, Path]]:
    """(hour of receipt in nanoseconds, book file) of a folder, in order; TapeUnreadable when there is none."""
    pattern = re.compile(rf"orderbook_{re.escape(symbol)}_(\d{{4}}-\d\d-\d\d)_(\d\d)\.parquet")
    found = []
    for path in folder.glob("orderbook_*.parquet"):
        match = pattern.fullmatch(path.name)
        if match is not None:
            at = datetime.fromisoformat(f"{match[1]}T{match[2]}:00:00+00:00")
            found.append((int(at.timestamp()) * 1_000_000_000, path))
    if not found:
        raise TapeUnreadable(f"{folder} holds no orderbook_{symbol}_DATE_HOUR.parquet; name a folder of recorded data")
    return sorted(found)


def is_needed(hour_ns: int, start_ns: int | None, end_ns: int | None) -> bool:
    """Whether a file of rows received in this hour can hold a stamp of the window; rows come up to an hour late."""
    if start_ns is not None and hour_ns + HOUR_NS <= start_ns:
        return False
    return end_ns is None or hour_ns <= end_ns + HOUR_NS


def _frames(
    tables: Sequence[Any], spec: MarketSpec, start_ns: int | None, end_ns: int | None
) -> tuple[Int64Array, Ladders, Ladders, Int64Array, dict[str, int]]:
    """(stamps, bids, asks) of the frames that are books, which rows they are, and what was left out."""
    ts_ns = np.concatenate([_stamps(table) for table in tables])
    bids, asks = _side(tables, "bid"), _side(tables, "ask")
    flagged = np.concatenate([_bools(table, "is_valid") for table in tables])
    bid_ticks, bid_lots, bid_bad = _on_lattice(bids, spec)
    ask_ticks, ask_lots, ask_bad = _on_lattice(asks, spec)
    bid, ask = Ladders(_offsets(bids.counts), bid_ticks, bid_lots), Ladders(_offsets(asks.counts), ask_ticks, ask_lots)
    rows, dropped = usable_frames(ts_ns, bid, ask, bid_bad | ask_bad, ~flagged, in_window(ts_ns, start_ns, end_ns))
    return ts_ns[rows], bid.selected(rows), ask.selected(rows), rows, dropped


def usable_frames(
    ts_ns: Int64Array, bid: Ladders, ask: Ladders, is_bad: BoolArray, is_invalid: BoolArray, inside: BoolArray
) -> tuple[Int64Array, dict[str, int]]:
    """Rows inside the window that are books in order of their stamps, and how many were left out for which reason."""
    best_bid, best_ask = bid.best(), ask.best()
    is_empty = (best_bid < 0) & (best_ask < 0)
    reasons: dict[str, BoolArray] = {
        "repeated": _repeats(ts_ns, bid) & _repeats(ts_ns, ask),
        "invalid": is_invalid,
        "bad_values": is_bad | is_empty,
        "unsorted": _is_unsorted(bid, -1) | _is_unsorted(ask, 1),
        "crossed": (best_bid >= 0) & (best_ask >= 0) & (best_bid > best_ask),
    }
    keep = np.ones(len(ts_ns), np.bool_)
    dropped = {}
    for reason, mask in reasons.items():
        dropped[reason] = int(np.count_nonzero(mask & keep & inside))
        keep &= ~mask
    late = np.zeros(len(ts_ns), np.bool_)
    kept = np.flatnonzero(keep)
    late[kept] = ts_ns[kept] < np.maximum.accumulate(ts_ns[kept]) if len(kept) else False
    dropped["late"] = int(np.count_nonzero(late & inside))
    return np.flatnonzero(keep & ~late & inside), dropped


def _side(tables: Sequence[Any], side: str) -> _RaggedSide:
    counts: list[Int64Array] = []
    prices: list[FloatArray] = []
    sizes: list[FloatArray] = []
    matched: list[BoolArray] = []
    for table in tables:
        price_counts, price_values = _ragged(table, f"{side}_prices")
        size_counts, size_values = _ragged(table, f"{side}_quantities")
        is_matched = price_counts == size_counts
        # A row of unequal lengths is dropped later; until then it must not shift the others.
        prices.append(price_values[np.repeat(is_matched, price_counts)])
        sizes.append(size_values[np.repeat(is_matched, size_counts)])
        counts.append(np.where(is_matched, price_counts, 0))
        matched.append(is_matched)
    return _RaggedSide(np.concatenate(counts), np.concatenate(prices), np.concatenate(sizes), np.concatenate(matched))


def _ragged(table: Any, name: str) -> tuple[Int64Array, FloatArray]:
    """(length of each row's list, all values in a row); a null list counts as empty, a null value is NaN."""
    column = table.column(name).combine_chunks()
    chunks = column.chunks if hasattr(column, "chunks") else [column]
    counts: list[Int64Array] = [np.zeros(0, np.int64)]
    values: list[FloatArray] = [np.zeros(0, np.float64)]
    for chunk in chunks:
        lengths = chunk.value_lengths().fill_null(0)
        counts.append(np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int64))
        values.append(np.asarray(chunk.flatten().to_numpy(zero_copy_only=False), dtype=np.float64))
    return np.concatenate(counts), np.concatenate(values)


def _received(table: Any) -> Int64Array:
    """When each row came in; its own stamp where the recording does not say."""
    return _stamps(table, "received_at" if "received_at" in table.column_names else "timestamp")


def trades_path(book_path: Path) -> Path:
    """File of the prints of an hour, which need not exist."""
    return book_path.with_name("trades" + book_path.name.removeprefix("orderbook"))


def no_hour(symbol: str, hours_ns: Sequence[int], start_ns: int | None, end_ns: int | None) -> TapeUnreadable:
    first, last = _iso(hours_ns[0]), _iso(hours_ns[-1] + HOUR_NS)
    return TapeUnreadable(
        f"no recorded hour of {symbol} holds {_window(start_ns, end_ns)}; there is {first} to {last}")


def no_frame(symbol: str, start_ns: int | None, end_ns: int | None) -> TapeUnreadable:
    return TapeUnreadable(f"no usable frame of {symbol} lies in {_window(start_ns, end_ns)}; choose another start")


def _stamps(table: Any, name: str = "timestamp") -> Int64Array:
    column = table.column(name)
    if column.null_count:
        raise TapeUnreadable(f"a recorded row has no {name}; record that hour again")
    stamps = column.to_numpy()
    return np.asarray(stamps, dtype="datetime64[ns]").astype(np.int64)


def _bools(table: Any, name: str) -> BoolArray:
    return np.asarray(table.column(name).fill_null(False).to_numpy(), dtype=np.bool_)


def _offsets(counts: Int64Array) -> Int64Array:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _on_lattice(side: _RaggedSide, spec: MarketSpec) -> tuple[Int64Array, Int64Array, BoolArray]:
    """(ticks, lots, rows with a value that is none)."""
    ticks, bad_price = _units(side.prices, spec.price_decimals)
    lots, bad_size = _units(side.sizes, spec.size_decimals)
    rows = np.repeat(np.arange(len(side.counts)), side.counts)
    bad_rows = ~side.is_matched
    bad_rows[rows[bad_price | bad_size]] = True
    return ticks, lots, bad_rows


def _units(values: FloatArray, decimals: int) -> tuple[Int64Array, BoolArray]:
    is_number = np.isfinite(values) & (values > 0) & (values < 1e12)
    scaled = np.where(is_number, values, 0.0) * 10.0**decimals
    units = np.rint(scaled)
    is_good = is_number & (np.abs(scaled - units) <= LATTICE_TOLERANCE) & (units > 0)
    return units.astype(np.int64), ~is_good


def _is_unsorted(side: Ladders, sign: int) -> BoolArray:
    """Rows whose prices do not strictly grow in the direction of ``sign`` from level to level."""
    rows = np.repeat(np.arange(len(side.offsets) - 1), np.diff(side.offsets))
    wrong = (np.diff(side.ticks) * sign <= 0) & (rows[1:] == rows[:-1])
    unsorted = np.zeros(len(side.offsets) - 1, np.bool_)
    unsorted[rows[1:][wrong]] = True
    return unsorted


def _repeats(ts_ns: Int64Array, side: Ladders) -> BoolArray:
    """Rows with the stamp and this side's ladder of the row before."""
    counts = np.diff(side.offsets)
    repeats = np.zeros(len(ts_ns), np.bool_)
    repeats[1:] = (ts_ns[1:] == ts_ns[:-1]) & (counts[1:] == counts[:-1])
    rows = np.flatnonzero(repeats)
    lengths = counts[rows]
    if not len(rows) or not lengths.sum():
        return repeats
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    here, before = np.repeat(side.offsets[rows], lengths) + within, np.repeat(side.offsets[rows - 1], lengths) + within
    differs = (side.ticks[here] != side.ticks[before]) | (side.lots[here] != side.lots[before])
    repeats[np.repeat(rows, lengths)[differs]] = False
    return repeats


def _trades(
    tables: Sequence[Any], spec: MarketSpec, start_ns: int | None, end_ns: int | None
) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array, int]:
    """(stamps, receipts, ticks, lots, rows dropped) of the prints in [start, end), in order of their stamps."""
    empty = np.zeros(0, np.int64)
    ts_ns = np.concatenate([empty, *(_stamps(table) for table in tables)])
    received_ns = np.concatenate([empty, *(_received(table) for table in tables)])
    values = {
        name: np.concatenate(
            [np.zeros(0), *(np.asarray(table.column(name).to_numpy(), dtype=np.float64) for table in tables)]
        )
        for name in ("price", "quantity")
    }
    ticks, bad_price = _units(values["price"], spec.price_decimals)
    lots, bad_size = _units(values["quantity"], spec.size_decimals)
    inside = in_window(ts_ns, start_ns, end_ns)
    bad = bad_price | bad_size
    rows = np.flatnonzero(inside & ~bad)
    rows = rows[np.argsort(ts_ns[rows], kind="stable")]
    return ts_ns[rows], received_ns[rows], ticks[rows], lots[rows], int(np.count_nonzero(inside & bad))


def in_window(ts_ns: Int64Array, start_ns: int | None, end_ns: int | None) -> BoolArray:
    """Which stamps lie in [start, end)."""
    inside = np.ones(len(ts_ns), np.bool_)
    if start_ns is not None:
        inside &= ts_ns >= start_ns
    if end_ns is not None:
        inside &= ts_ns < end_ns
    return inside


def _iso(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _window(start_ns: int | None, end_ns: int | None) -> str:
    start = "the first frame" if start_ns is None else _iso(start_ns)
    end = "the last" if end_ns is None else _iso(end_ns)
    return f"{start} to {end}"
