"""A folder with a recorded market, in our own format or as StandX Parquet hours, read alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hummingbot_extensions.sim.display import ladders_grid_ticks
from hummingbot_extensions.sim.latency import RecordedLatency
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.tape import Int64Array, Ladders, Tape, inferred_buys
from hummingbot_extensions.sim.tape_files import (
    Dropped,
    LoadedTape,
    TapeUnreadable,
    feed_delay_of,
    in_window,
    is_needed,
    load_standx_parquet,
    no_frame,
    no_hour,
    standx_hours,
    usable_frames,
)
from hummingbot_extensions.sim.tape_files import first_stamp_ns as parquet_first_stamp_ns
from hummingbot_extensions.sim.tape_files import recorded_feed_delay as parquet_feed_delay
from hummingbot_extensions.sim.tape_rows import BOOK, BUY_TAKER, GAP, TRADE, UNKNOWN_TAKER, Columns, GapRow, rows_of
from hummingbot_extensions.sim.tape_store import TapeFile, read_tape_file, seams, tape_hours

HOLE_NS = 2_000_000_000
"""Time between two frames above which the feed was dead, for every figure of time in band."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of several files, one after the other, of one kind."""

    exchange_ts_ns: Int64Array
    local_ts_ns: Int64Array
    bids: Ladders
    asks: Ladders
    price_ticks: Int64Array
    size_lots: Int64Array
    taker: Int64Array


def is_own(directory: Path | str, symbol: str | None = None) -> bool:
    """Whether the folder holds tapes of our own format."""
    return bool(tape_hours(Path(directory), symbol))


def load_tape(
    directory: Path | str, symbol: str, spec: MarketSpec, start_ns: int | None = None, end_ns: int | None = None
) -> LoadedTape:
    """Frames of ``symbol`` stamped in [start, end) and the prints from the first of them on; TapeUnreadable says why
    there is none. The taker of a print is the recorded one, and read from the book where none was recorded.
    """
    if not is_own(directory, symbol):
        return load_standx_parquet(directory, symbol, spec, start_ns, end_ns)
    files = _files(Path(directory), symbol, start_ns, end_ns)
    books, prints = _rows(files, spec, BOOK), _rows(files, spec, TRADE)
    ts_ns, none = books.exchange_ts_ns, np.zeros(len(books.exchange_ts_ns), np.bool_)
    rows, dropped = usable_frames(ts_ns, books.bids, books.asks, none, none, in_window(ts_ns, start_ns, end_ns))
    if not len(rows):
        for file in files:
            if file.header is None:
                raise TapeUnreadable(f"{file.path} is damaged from its first bytes on; take it out of the folder")
        raise no_frame(symbol, start_ns, end_ns)
    frame_ts_ns, bids, asks = ts_ns[rows], books.bids.selected(rows), books.asks.selected(rows)
    order = np.flatnonzero(in_window(prints.exchange_ts_ns, int(frame_ts_ns[0]), end_ns))
    order = order[np.argsort(prints.exchange_ts_ns[order], kind="stable")]
    trade_ts_ns, ticks = prints.exchange_ts_ns[order], prints.price_ticks[order]
    grid = ladders_grid_ticks(bids, asks)
    inferred = inferred_buys(frame_ts_ns, bids.best(), trade_ts_ns, ticks, asks.best(), grid)
    taker = prints.taker[order]
    is_buy = np.where(taker == UNKNOWN_TAKER, inferred, taker == BUY_TAKER)
    tape = Tape(
        symbol, frame_ts_ns, bids, asks, trade_ts_ns, ticks, prints.size_lots[order], is_buy, *_marks(files, end_ns))
    return LoadedTape(tape, Dropped(**dropped))


def _marks(files: Sequence[TapeFile], end_ns: int | None) -> tuple[Int64Array, npt.NDArray[np.float64]]:
    """(stamps, marks) that the venue stated before ``end_ns``, in order of their stamps."""
    found = [
        (stamp_ns, float(text))
        for file in files
        for batch in file.batches
        for stamp_ns, text in zip(batch.integers["exchange_ts_ns"].tolist(), batch.texts["mark"], strict=True)
        if text and (end_ns is None or stamp_ns < end_ns)
    ]
    found.sort(key=lambda mark: mark[0])
    return np.array([stamp_ns for stamp_ns, _ in found], np.int64), np.array([mark for _, mark in found], np.float64)


def recorded_feed_delay(
    directory: Path | str, symbol: str, start_ns: int | None = None, end_ns: int | None = None
) -> RecordedLatency:
    """Received minus venue time of the frames stamped in [start, end), each stamp's first receipt; never negative."""
    if not is_own(directory, symbol):
        return parquet_feed_delay(directory, symbol, start_ns, end_ns)
    files = _files(Path(directory), symbol, start_ns, end_ns)
    books = _rows(files, None, BOOK)
    return feed_delay_of(symbol, books.exchange_ts_ns, books.local_ts_ns, start_ns, end_ns)


def first_stamp_ns(directory: Path | str, symbol: str) -> int:
    """Earliest frame stamp of the first recorded hour that has one; TapeUnreadable when there is none."""
    if not is_own(directory, symbol):
        return parquet_first_stamp_ns(directory, symbol)
    for _, path in tape_hours(Path(directory), symbol):
        stamps = _rows([read_tape_file(path)], None, BOOK).exchange_ts_ns
        if len(stamps):
            return int(stamps.min())
    raise no_frame(symbol, None, None)


def first_day(directory: Path | str, symbol: str) -> str:
    """Day (UTC) of the first recorded hour, as YYYY-MM-DD; TapeUnreadable when there is none."""
    folder = Path(directory)
    hours = tape_hours(folder, symbol) or standx_hours(folder, symbol)
    return datetime.fromtimestamp(hours[0][0] // 1_000_000_000, UTC).strftime("%Y-%m-%d")


def recorded_gaps(directory: Path | str, symbol: str) -> tuple[GapRow, ...]:
    """Everything that a tape of our own says to be missing: its gap rows, torn files, stops; by their start."""
    files = [read_tape_file(path) for _, path in tape_hours(Path(directory), symbol)]
    return gaps_of(files)


def gaps_of(files: Sequence[TapeFile]) -> tuple[GapRow, ...]:
    """Gap rows of these files, and the seams between them."""
    marked = [
        row
        for file in files
        for batch in file.batches
        if (batch.kind == GAP).any()
        for row in rows_of(batch)
        if isinstance(row, GapRow)
    ]
    return tuple(sorted([*marked, *seams(files)], key=lambda gap: (gap.start_ns, str(gap.why))))


def holes(stamps_ns: Int64Array, max_gap_ns: int = HOLE_NS) -> list[tuple[int, int]]:
    """Spans between two frames that lie farther apart than this.

    >>> holes(np.array([0, 1_000_000_000, 4_000_000_000]))
    [(1000000000, 4000000000)]
    """
    return [(left, right) for left, right in pairwise(stamps_ns.tolist()) if right - left > max_gap_ns]


def _files(folder: Path, symbol: str, start_ns: int | None, end_ns: int | None) -> list[TapeFile]:
    hours = tape_hours(folder, symbol)
    paths = [path for hour_ns, path in hours if is_needed(hour_ns, start_ns, end_ns)]
    if not paths:
        raise no_hour(symbol, [hour_ns for hour_ns, _ in hours], start_ns, end_ns)
    return [read_tape_file(path) for path in paths]


def _rows(files: Sequence[TapeFile], spec: MarketSpec | None, kind: int) -> _Rows:
    """Rows of one kind, in the order of their receipt, on the lattice of ``spec``."""
    parts = [
        (batch, np.flatnonzero(batch.kind == kind), _factors(file, spec)) for file in files for batch in file.batches]

    def whole(name: str, unit: int | None = None) -> Int64Array:
        found = [batch.integers[name][rows] * (1 if unit is None else by[unit]) for batch, rows, by in parts]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def side(name: str) -> Ladders:
        none = np.zeros(0, np.int64)
        cut = [(_ladders(batch, name).selected(rows), by) for batch, rows, by in parts]
        counts = np.concatenate([none, *(np.diff(part.offsets) for part, _ in cut)])
        return Ladders(
            np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]),
            np.concatenate([none, *(part.ticks * by[0] for part, by in cut)]),
            np.concatenate([none, *(part.lots * by[1] for part, by in cut)]),
        )

    takers = [batch.taker[rows].astype(np.int64) for batch, rows, _ in parts]
    return _Rows(
        whole("exchange_ts_ns"), whole("local_ts_ns"), side("bid"), side("ask"), whole("price_ticks", 0),
        whole("size_lots", 1), np.concatenate([np.zeros(0, np.int64), *takers]))


def _ladders(batch: Columns, name: str) -> Ladders:
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(batch.counts[f"{name}_ticks"], dtype=np.int64)])
    return Ladders(offsets, batch.ladders[f"{name}_ticks"], batch.ladders[f"{name}_lots"])


def _factors(file: TapeFile, spec: MarketSpec | None) -> tuple[int, int]:
    """What ticks and lots of a file are multiplied by to be those of ``spec``."""
    if spec is None or file.header is None:
        return 1, 1
    wanted = (spec.price_decimals, spec.size_decimals)
    found = (file.header.price_decimals, file.header.size_decimals)
    if found[0] > wanted[0] or found[1] > wanted[1]:
        raise TapeUnreadable(
            f"{file.path} has {found[0]} decimals of price and {found[1]} of size, the market {wanted[0]} and "
            f"{wanted[1]}; record it with the market's own")
    return 10 ** (wanted[0] - found[0]), 10 ** (wanted[1] - found[1])
