"""StandX Parquet hours to tapes of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.tape import Int64Array, Ladders
from hummingbot_extensions.sim.tape_files import (
    Dropped,
    Recording,
    TapeUnreadable,
    standx_hours,
    standx_recording,
    trades_path,
)
from hummingbot_extensions.sim.tape_folder import HOLE_NS
from hummingbot_extensions.sim.tape_rows import BookRow, GapRow, Level, Row, TradeRow, Why
from hummingbot_extensions.sim.tape_store import TapeHeader, TapeWriter, tape_hours


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written, and the source's rows that are no book or no print."""

    files: tuple[Path, ...]
    frames: int
    trades: int
    holes: int
    source_bytes: int
    bytes: int
    dropped: Dropped


def convert_standx(source: Path, folder: Path, symbol: str, spec: MarketSpec) -> Converted:
    """Write every usable frame and print of the source in order of receipt, each hole between frames marked.

    One hour is in memory at a time. TapeUnreadable when there is nothing to read, or when the folder holds tapes of
    this market already.
    """
    hours = standx_hours(source, symbol)
    if tape_hours(folder, symbol):
        raise TapeUnreadable(f"{folder} holds tapes of {symbol} already; name an empty folder")
    writer = TapeWriter(folder, TapeHeader(
        "standx", symbol, spec.price_decimals, spec.size_decimals, source="standx parquet"))
    dropped = Dropped()
    frames = trades = gaps = 0
    before_ns: int | None = None
    starts = [hour_ns for hour_ns, _ in hours]
    for hour_ns, path in hours:
        writer.source_bytes[hour_ns] = sum(part.stat().st_size for part in (path, trades_path(path)) if part.is_file())
    source_bytes = sum(writer.source_bytes.values())
    for at, start_ns in enumerate(starts):
        # Cut by stamp, so that a frame is read once: what an hour's file holds of the hour before belongs to that.
        end_ns = starts[at + 1] if at + 1 < len(starts) else None
        found = standx_recording(source, symbol, spec, start_ns if at else None, end_ns)
        for row in _merged(found):
            if isinstance(row, BookRow):
                if before_ns is not None and row.exchange_ts_ns - before_ns > HOLE_NS:
                    writer.add(GapRow(row.local_ts_ns, Why.HOLE, before_ns, row.exchange_ts_ns))
                    gaps += 1
                before_ns = row.exchange_ts_ns
            writer.add(row)
        frames += len(found.frame_ts_ns)
        trades += len(found.trade_ts_ns)
        dropped = replace(dropped, **{
            item.name: getattr(dropped, item.name) + getattr(found.dropped, item.name) for item in fields(Dropped)})
    writer.close()
    written = sum(path.stat().st_size for path in writer.files)
    return Converted(tuple(writer.files), frames, trades, gaps, source_bytes, written, dropped)


def _merged(found: Recording) -> Iterator[Row]:
    """Frames and prints in order of receipt, each kind in its own order even where the collector's clock went back."""
    arrived = [_arrived(found.frame_received_ns), _arrived(found.trade_received_ns)]
    kinds = np.concatenate([np.zeros(len(arrived[0]), np.int64), np.ones(len(arrived[1]), np.int64)])
    at = np.concatenate([np.arange(len(arrived[0])), np.arange(len(arrived[1]))])
    order = np.argsort(np.concatenate(arrived), kind="stable")
    stamps = (found.frame_ts_ns.tolist(), found.trade_ts_ns.tolist())
    received = (found.frame_received_ns.tolist(), found.trade_received_ns.tolist())
    for kind, row in zip(kinds[order].tolist(), at[order].tolist(), strict=True):
        stamp_ns, local_ns = stamps[kind][row], received[kind][row]
        if kind:
            yield TradeRow(stamp_ns, local_ns, int(found.trade_ticks[row]), int(found.trade_lots[row]))
        else:
            yield BookRow(stamp_ns, local_ns, _levels(found.bids, row), _levels(found.asks, row))


def _arrived(received_ns: Int64Array) -> Int64Array:
    return np.asarray(np.maximum.accumulate(received_ns), dtype=np.int64)


def _levels(side: Ladders, frame: int) -> tuple[Level, ...]:
    ticks, lots = side.at(frame)
    return tuple(zip(ticks.tolist(), lots.tolist(), strict=True))
