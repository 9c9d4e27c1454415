"""Hours of market to run on: recorded ones, with their holes or spliced, and generated ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from hummingbot_extensions.sim.generator import generated_feed, recorded_traits
from hummingbot_extensions.sim.order_log import MAX_GAP_NS
from hummingbot_extensions.sim.statistics import BTC_USD, NS_PER_S, START_NS, START_PRICE_TICKS
from hummingbot_extensions.sim.tape import BoolArray, Int64Array, Tape
from hummingbot_extensions.sim.tape_files import load_standx_parquet

SYMBOL = BTC_USD.symbol
HOUR_NS = 3_600 * NS_PER_S
BEAT_NS = 250_000_000
"""Beat of the shown book: what a hole is spliced to."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of market under the name that tables use."""

    name: str
    tape: Tape


def recorded_hours(folder: Path, wanted: tuple[str, ...] = ()) -> list[Hour]:
    """Recorded hours in the folder as they came, all or those of the ``wanted`` names (``00``); empty without data."""
    found = []
    for path in sorted(folder.glob(f"orderbook_{SYMBOL}_*.parquet")):
        match = re.fullmatch(rf"orderbook_{SYMBOL}_(\d{{4}}-\d\d-\d\d)_(\d\d)\.parquet", path.name)
        if match is None or (wanted and match[2] not in wanted):
            continue
        at = datetime.fromisoformat(f"{match[1]}T{match[2]}:00:00").replace(tzinfo=UTC)
        start_ns = int(at.timestamp()) * NS_PER_S
        found.append(Hour(match[2], load_standx_parquet(folder, SYMBOL, BTC_USD, start_ns, start_ns + HOUR_NS).tape))
    return found


def generated_hours(seeds: range, has_holes: bool = False) -> list[Hour]:
    """One hour of the synthetic market for each seed, as a collector with or without holes would have it."""
    hours = []
    for seed in seeds:
        if has_holes:
            feed = generated_feed(BTC_USD, seed, START_NS, HOUR_NS, START_PRICE_TICKS, traits=recorded_traits(seed))
        else:
            feed = generated_feed(BTC_USD, seed, START_NS, HOUR_NS, START_PRICE_TICKS)
        hours.append(Hour(f"s{seed}", feed.tape))
    return hours


def spliced(tape: Tape) -> Tape:
    """The tape with every gap over two seconds between two frames cut to one beat; prints inside a gap are dropped.

    What the price did during a hole then happens within one beat, which is harder than the market was.
    """
    gaps = np.diff(tape.frame_ts_ns)
    is_hole = gaps > MAX_GAP_NS
    begins, ends = tape.frame_ts_ns[:-1][is_hole], tape.frame_ts_ns[1:][is_hole]
    cut_ns = np.concatenate([np.zeros(1, np.int64), np.cumsum(ends - begins - BEAT_NS)])

    def moved(stamps: Int64Array) -> tuple[Int64Array, BoolArray]:
        """New stamps, and which of them lay outside every hole; a hole's own last instant does."""
        hole = np.searchsorted(ends, stamps, side="right")
        begin = np.append(begins, np.iinfo(np.int64).max)[hole]
        return stamps - cut_ns[hole], stamps <= begin

    frames, _ = moved(tape.frame_ts_ns)
    trades, is_heard = moved(tape.trade_ts_ns)
    marks, is_stated = moved(tape.mark_ts_ns)
    return Tape(
        tape.symbol,
        frames,
        tape.bids,
        tape.asks,
        trades[is_heard],
        tape.trade_ticks[is_heard],
        tape.trade_lots[is_heard],
        tape.trade_is_buy[is_heard],
        marks[is_stated],
        tape.marks[is_stated],
    )
