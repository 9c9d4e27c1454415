"""Recorded hours come back as what was recorded; rows that are no book are left out and counted."""

from __future__ import annotations

import builtins
import math
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.emulator.markets import build_markets
from hummingbot_extensions.sim.generator import generated_tape
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.tape import Tape, TapeMarket
from hummingbot_extensions.sim.tape_files import TapeUnreadable, first_stamp_ns, load_standx_parquet
from tests.support.tapes import BEAT_NS, BTC, START_NS, Frame, recorded_tapes, tape_of, write_hour

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

CALM: Frame = ([(10_000, 300), (9_990, 200)], [(10_020, 300), (10_030, 200)])
MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS


def assert_same(one: Tape, other: Tape) -> None:
    """Equal in every array but the taker side, which files do not carry."""
    for name in ("frame_ts_ns", "trade_ts_ns", "trade_ticks", "trade_lots"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for side in ("bids", "asks"):
        for name in ("offsets", "ticks", "lots"):
            found, wanted = (getattr(getattr(tape, side), name) for tape in (one, other))
            np.testing.assert_array_equal(found, wanted, err_msg=f"{side}.{name}")


def nonzero(dropped: Any) -> dict[str, int]:
    return {reason: count for reason, count in asdict(dropped).items() if count}


def test_generated_tape_survives_the_files(tmp_path: Path) -> None:
    """Two minutes of our own market, every row written twice as the recording does, are read back to the lot."""
    tape = generated_tape(BTC, 3, START_NS, 2 * MINUTE_NS, 9_300_000)
    write_hour(tmp_path, tape, "2026-01-06_02", repeat_rows=True)
    loaded = load_standx_parquet(tmp_path, "BTC-USD", BTC)
    assert_same(loaded.tape, tape)
    assert nonzero(loaded.dropped) == {"repeated": len(tape.frame_ts_ns)}
    assert len(tape.trade_ts_ns) > 20


def test_window_is_half_open_and_reads_only_its_hours(tmp_path: Path) -> None:
    """Frames and prints of [start, end); a broken file of a far hour is not even opened."""
    write_hour(tmp_path, tape_of([CALM] * 8, [(i + 0.5, 10_000 + i, 1) for i in range(8)]), "2026-01-06_02")
    (tmp_path / "orderbook_BTC-USD_2026-01-06_09.parquet").write_bytes(b"broken")
    start_ns, end_ns = START_NS + 2 * BEAT_NS, START_NS + 5 * BEAT_NS
    tape = load_standx_parquet(tmp_path, "BTC-USD", BTC, start_ns, end_ns).tape
    assert tape.frame_ts_ns.tolist() == [start_ns, start_ns + BEAT_NS, start_ns + 2 * BEAT_NS]
    assert tape.trade_ticks.tolist() == [10_002, 10_003, 10_004]
    with pytest.raises(TapeUnreadable, match="_09.parquet cannot be read"):
        load_standx_parquet(tmp_path, "BTC-USD", BTC)


def test_frame_received_in_the_next_hour_is_found(tmp_path: Path) -> None:
    """A stamp of 02:00 in the file of 03 belongs to a window that ends at 02:01."""
    write_hour(tmp_path, tape_of([CALM]), "2026-01-06_03")
    assert len(load_standx_parquet(tmp_path, "BTC-USD", BTC, START_NS, START_NS + MINUTE_NS).tape.frame_ts_ns) == 1


def test_hours_are_joined_and_the_hole_between_stays(tmp_path: Path) -> None:
    """Two files with an hour missing between them give one tape with that hole."""
    late = tape_of([CALM] * 2)
    later = Tape(
        late.symbol, late.frame_ts_ns + 2 * HOUR_NS, late.bids, late.asks,
        late.trade_ts_ns, late.trade_ticks, late.trade_lots, late.trade_is_buy,
    )  # fmt: skip
    write_hour(tmp_path, late, "2026-01-06_02")
    write_hour(tmp_path, later, "2026-01-06_04")
    stamps = load_standx_parquet(tmp_path, "BTC-USD", BTC).tape.frame_ts_ns
    assert np.diff(stamps).tolist() == [BEAT_NS, 2 * HOUR_NS - BEAT_NS, BEAT_NS]


GOOD = ([100.0, 99.9], [0.03, 0.02], [100.2, 100.3], [0.03, 0.02], True)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (([100.0, 99.9], [0.03, 0.02], [100.2, 100.3], [0.03, 0.02], False), "invalid"),
        (([100.0, 99.9], [0.03, 0.02], [100.2, 100.3], [0.03, 0.02], None), "invalid"),
        (([100.0, math.nan], [0.03, 0.02], [100.2, 100.3], [0.03, 0.02], True), "bad_values"),
        (([100.0, None], [0.03, 0.02], [100.2, 100.3], [0.03, 0.02], True), "bad_values"),
        (([100.0, 99.9], [0.03, math.inf], [100.2, 100.3], [0.03, 0.02], True), "bad_values"),
        (([100.0, 99.9], [0.03, 0.0], [100.2, 100.3], [0.03, 0.02], True), "bad_values"),
        (([100.0, 99.9], [0.03, 0.02], [100.2, -100.3], [0.03, 0.02], True), "bad_values"),
        (([100.005, 99.9], [0.03, 0.02], [100.2, 100.3], [0.03, 0.02], True), "bad_values"),
        (([100.0, 99.9], [0.03], [100.2, 100.3], [0.03, 0.02], True), "bad_values"),
        ((None, None, None, None, True), "bad_values"),
        (([99.9, 100.0], [0.03, 0.02], [100.2, 100.3], [0.03, 0.02], True), "unsorted"),
        (([100.0, 99.9], [0.03, 0.02], [100.2, 100.2], [0.03, 0.02], True), "unsorted"),
        (([100.3, 99.9], [0.03, 0.02], [100.2, 100.3], [0.03, 0.02], True), "crossed"),
    ],
)
def test_rows_that_are_no_book_are_counted_and_left_out(tmp_path: Path, row: tuple[Any, ...], reason: str) -> None:
    """One bad row between two good ones is dropped for its reason, and the good ones keep their levels."""
    write_rows(tmp_path, [(0, GOOD), (1, row), (2, GOOD)])
    loaded = load_standx_parquet(tmp_path, "BTC-USD", BTC)
    assert nonzero(loaded.dropped) == {reason: 1}
    assert loaded.tape.frame_ts_ns.tolist() == [START_NS, START_NS + 2 * BEAT_NS]
    for frame in (0, 1):
        assert [side.tolist() for side in loaded.tape.bids.at(frame)] == [[10_000, 9_990], [300, 200]]
        assert [side.tolist() for side in loaded.tape.asks.at(frame)] == [[10_020, 10_030], [300, 200]]


def write_rows(folder: Path, rows: list[tuple[float, tuple[Any, ...]]]) -> None:
    names = ("bid_prices", "bid_quantities", "ask_prices", "ask_quantities", "is_valid")
    columns = {"timestamp": pa.array([START_NS + round(at * BEAT_NS) for at, _ in rows], pa.timestamp("ns", tz="UTC"))}
    for index, name in enumerate(names):
        kind = pa.bool_() if name == "is_valid" else pa.list_(pa.float64())
        columns[name] = pa.array([row[index] for _, row in rows], kind)
    parquet.write_table(pa.table(columns), folder / "orderbook_BTC-USD_2026-01-06_02.parquet")


def test_late_frames_are_dropped_and_late_prints_sorted(tmp_path: Path) -> None:
    """A frame stamped before its predecessor would turn time back; a print only changes places."""
    write_hour(tmp_path, tape_of([CALM] * 4, [(1.5, 10_000, 5)]), "2026-01-06_02")
    write_rows(tmp_path, [(0, GOOD), (3, GOOD), (2, GOOD), (4, GOOD)])
    prints = {
        "timestamp": pa.array([START_NS + 3 * BEAT_NS, START_NS + BEAT_NS], pa.timestamp("ns", tz="UTC")),
        "price": [100.2, 100.0],
        "quantity": [0.0002, 0.0001],
    }
    parquet.write_table(pa.table(prints), tmp_path / "trades_BTC-USD_2026-01-06_02.parquet")
    loaded = load_standx_parquet(tmp_path, "BTC-USD", BTC)
    assert nonzero(loaded.dropped) == {"late": 1}
    assert loaded.tape.frame_ts_ns.tolist() == [START_NS + i * BEAT_NS for i in (0, 3, 4)]
    assert loaded.tape.trade_lots.tolist() == [1, 2] and loaded.tape.trade_is_buy.tolist() == [False, True]


def test_bad_prints_are_counted(tmp_path: Path) -> None:
    """NaN, zero and off-lattice prints are left out; an hour without a trades file has no prints."""
    write_hour(tmp_path, tape_of([CALM] * 2), "2026-01-06_02")
    path = tmp_path / "trades_BTC-USD_2026-01-06_02.parquet"
    prints = {
        "timestamp": pa.array([START_NS] * 4, pa.timestamp("ns", tz="UTC")),
        "price": [100.0, math.nan, 100.001, 100.0],
        "quantity": [0.0001, 0.0001, 0.0001, 0.0],
    }
    parquet.write_table(pa.table(prints), path)
    loaded = load_standx_parquet(tmp_path, "BTC-USD", BTC)
    assert nonzero(loaded.dropped) == {"bad_prints": 3} and loaded.tape.trade_lots.tolist() == [1]
    path.unlink()
    assert len(load_standx_parquet(tmp_path, "BTC-USD", BTC).tape.trade_lots) == 0


def test_what_cannot_be_loaded_says_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No files, another symbol, a window without data, a missing column, no pyarrow: one line each."""
    with pytest.raises(TapeUnreadable, match="name a folder of recorded data"):
        load_standx_parquet(tmp_path / "nowhere", "BTC-USD", BTC)
    write_hour(tmp_path, tape_of([CALM]), "2026-01-06_02")
    with pytest.raises(TapeUnreadable, match="orderbook_ETH-USD"):
        load_standx_parquet(tmp_path, "ETH-USD", BTC)
    with pytest.raises(TapeUnreadable, match="there is 2026-01-06T02:00:00Z to 2026-01-06T03:00:00Z"):
        load_standx_parquet(tmp_path, "BTC-USD", BTC, START_NS + 5 * HOUR_NS)
    with pytest.raises(TapeUnreadable, match="no usable frame"):
        load_standx_parquet(tmp_path, "BTC-USD", BTC, START_NS + MINUTE_NS)
    assert first_stamp_ns(tmp_path, "BTC-USD") == START_NS
    parquet.write_table(pa.table({"timestamp": [1]}), tmp_path / "trades_BTC-USD_2026-01-06_02.parquet")
    with pytest.raises(TapeUnreadable, match="price.*record that hour again"):
        load_standx_parquet(tmp_path, "BTC-USD", BTC)
    imported = builtins.__import__

    def without_pyarrow(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(name=name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    with pytest.raises(TapeUnreadable, match=r"hummingbot-extensions\[tape\]"):
        load_standx_parquet(tmp_path, "BTC-USD", BTC)


def test_emulator_serves_a_folder(tmp_path: Path) -> None:
    """A folder as the market gives the tape's window, marked by its mid, every frame shown."""
    write_hour(tmp_path, tape_of([CALM] * 400), "2026-01-06_02")
    chosen = build_markets(EmulatorConfig(market=str(tmp_path), tape_start="2026-01-06T02:00:10", tape_minutes=1.0))
    market = chosen.markets["BTC-USD"]
    assert isinstance(market, TapeMarket) and market.spec.display_grid_ticks == 10
    assert market.now_ns == START_NS + 10_000_000_000 and len(market.tape.frame_ts_ns) == 240
    assert chosen.mark_rules == {"BTC-USD": MarkRule.MID} and chosen.shows_every_frame
    whole = build_markets(EmulatorConfig(market=str(tmp_path))).markets["BTC-USD"]
    assert isinstance(whole, TapeMarket) and len(whole.tape.frame_ts_ns) == 400
    for bad in (EmulatorConfig(market=str(tmp_path), tape_start="02:00"), EmulatorConfig(market=str(tmp_path / "no"))):
        with pytest.raises(CannotServe):
            build_markets(bad)


@pytest.mark.tape
@pytest.mark.parametrize("hour", [1, 14])
def test_recorded_minutes_show_the_recorded_book(hour: int) -> None:
    """Ten minutes of the recording: every frame that the market shows equals the row of its stamp, to the lot."""
    folder = recorded_tapes()
    start = datetime(2026, 1, 6, hour, tzinfo=UTC)
    path = folder / f"orderbook_BTC-USD_2026-01-06_{hour:02d}.parquet"
    if not path.is_file():
        pytest.skip(f"the recorded data has no {path.name}")
    start_ns = int(start.timestamp()) * 1_000_000_000
    began = time.perf_counter()
    tape = load_standx_parquet(folder, "BTC-USD", BTC, start_ns, start_ns + 10 * MINUTE_NS).tape
    spent_s = time.perf_counter() - began
    table = parquet.read_table(path)
    stamps = table.column("timestamp").cast("int64").to_pylist()
    rows = table.drop_columns(["timestamp", "received_at"]).to_pylist()
    recorded = {at_ns: row for at_ns, row in zip(stamps, rows, strict=True) if at_ns < start_ns + 10 * MINUTE_NS}
    assert tape.frame_ts_ns.tolist() == sorted(recorded)
    market = TapeMarket(tape, BTC)
    for at_ns in tape.frame_ts_ns.tolist():
        market.advance(at_ns)
        row = recorded[at_ns]
        for side, levels in zip(("bid", "ask"), market.book(20), strict=True):
            prices, sizes = row[f"{side}_prices"], row[f"{side}_quantities"]
            assert levels == [(round(p * 100), round(q * 10_000)) for p, q in zip(prices, sizes, strict=True)]
    assert market.is_over and len(recorded) > 1_000
    assert spent_s < 2.0, f"loading took {spent_s:.2f} s"
