"""Small tapes written by hand, a market on them, and the way to the recorded ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator.markets import SPECS
from hummingbot_extensions.sim.market import MarketEvent, Placement
from hummingbot_extensions.sim.tape import Ladders, Tape, TapeMarket, inferred_buys

BTC = replace(SPECS["BTC-USD"][0], display_grid_ticks=10)
"""Shown in steps of 0.1, as in the recording."""
START_NS = 1_767_664_800_000_000_000
"""2026-01-06T02:00:00Z."""
MS = 1_000_000
BEAT_NS = 250 * MS

Level = tuple[int, int]
Frame = tuple[Sequence[Level], Sequence[Level]]


def ladders(sides: Sequence[Sequence[Level]]) -> Ladders:
    """One side of the frames from (ticks, lots) levels, best first."""
    counts = [len(levels) for levels in sides]
    flat = [level for levels in sides for level in levels]
    return Ladders(
        np.array([0, *np.cumsum(counts)], np.int64),
        np.array([ticks for ticks, _ in flat], np.int64),
        np.array([lots for _, lots in flat], np.int64),
    )


def tape_of(frames: Sequence[Frame], prints: Sequence[tuple[float, int, int]] = (), beat_ns: int = BEAT_NS) -> Tape:
    """Frames a beat apart from START_NS on; prints as (beats after the start, ticks, lots)."""
    frame_ts_ns = np.array([START_NS + i * beat_ns for i in range(len(frames))], np.int64)
    bids, asks = ladders([bid for bid, _ in frames]), ladders([ask for _, ask in frames])
    trade_ts_ns = np.array([START_NS + round(at * beat_ns) for at, _, _ in prints], np.int64)
    trade_ticks = np.array([ticks for _, ticks, _ in prints], np.int64)
    trade_lots = np.array([lots for _, _, lots in prints], np.int64)
    is_buy = inferred_buys(frame_ts_ns, bids.best(), trade_ts_ns, trade_ticks)
    return Tape("BTC-USD", frame_ts_ns, bids, asks, trade_ts_ns, trade_ticks, trade_lots, is_buy)


class Trader:
    """A market on a tape, with orders numbered from 1 and everything that it reported."""

    def __init__(self, tape: Tape, background_lots: int = 50) -> None:
        self.market = TapeMarket(tape, BTC, background_lots)
        self.events: list[MarketEvent] = []
        self._next_id = 0

    def place(
        self, side: Side, ticks: int | None, lots: int, tif: TimeInForce = TimeInForce.ALO
    ) -> tuple[int, Placement]:
        self._next_id += 1
        return self._next_id, self.market.place(self._next_id, side, ticks, lots, tif)

    def rest(self, side: Side, ticks: int, lots: int) -> int:
        """Id of an order that must come to rest whole."""
        order_id, placement = self.place(side, ticks, lots)
        assert placement == Placement((), lots), placement
        return order_id

    def run(self, beats: float) -> list[MarketEvent]:
        """Everything up to ``beats`` after the start."""
        events = self.market.advance(START_NS + round(beats * BEAT_NS))
        self.events += events
        return events


def recorded_tapes() -> Path:
    """Folder of the recorded StandX hours; the calling test is skipped where there is none."""
    named = os.environ.get("HBX_TAPE_DIR")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data" / "standx"
    if not any(folder.glob("orderbook_*.parquet")):
        pytest.skip("no recorded data: set HBX_TAPE_DIR to a folder with orderbook_*.parquet")
    return folder


def write_hour(folder: Path, tape: Tape, day_hour: str, repeat_rows: bool = False) -> None:
    """Write a tape as the two files of one recorded hour (``2026-01-06_02``), in the recording's columns and types."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = np.repeat(np.arange(len(tape.frame_ts_ns)), 2 if repeat_rows else 1)
    stamp = pa.timestamp("ns", tz="UTC")
    columns = {"timestamp": pa.array(tape.frame_ts_ns[rows], stamp)}
    for name, side in (("bid", tape.bids), ("ask", tape.asks)):
        columns[f"{name}_prices"] = pa.array([(side.at(row)[0] / 100).tolist() for row in rows], pa.list_(pa.float64()))
        columns[f"{name}_quantities"] = pa.array(
            [(side.at(row)[1] / 10_000).tolist() for row in rows], pa.list_(pa.float64())
        )
    columns["is_valid"] = pa.array([True] * len(rows))
    parquet.write_table(pa.table(columns), folder / f"orderbook_{tape.symbol}_{day_hour}.parquet")
    prints = {
        "timestamp": pa.array(tape.trade_ts_ns, stamp),
        "price": pa.array(tape.trade_ticks / 100),
        "quantity": pa.array(tape.trade_lots / 10_000),
    }
    parquet.write_table(pa.table(prints), folder / f"trades_{tape.symbol}_{day_hour}.parquet")
