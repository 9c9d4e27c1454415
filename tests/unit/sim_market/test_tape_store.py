"""Tapes of our own: what was written is what is read, and what was not is said to be missing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hummingbot_extensions.sim.generator import generated_tape
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.tape import Tape, TapeMarket
from hummingbot_extensions.sim.tape_convert import convert_standx
from hummingbot_extensions.sim.tape_files import HOUR_NS, TapeUnreadable, load_standx_parquet
from hummingbot_extensions.sim.tape_files import recorded_feed_delay as parquet_feed_delay
from hummingbot_extensions.sim.tape_folder import (
    first_day,
    first_stamp_ns,
    gaps_of,
    holes,
    load_tape,
    recorded_feed_delay,
    recorded_gaps,
)
from hummingbot_extensions.sim.tape_rows import BookRow, GapRow, PriceRow, Row, TradeRow, Why, rows_of, units
from hummingbot_extensions.sim.tape_store import TapeHeader, TapeNotWritten, TapeWriter, read_tape_file, tape_hours
from hummingbot_extensions.sim.venue import Venue, VenueParams
from tests.support.tapes import BTC, START_NS, recorded_tapes, write_hour

pytest.importorskip("pyarrow")
HEADER = TapeHeader("standx", "BTC-USD", 2, 4)
MINUTE_NS = 60_000_000_000
MS = 1_000_000

stamps = st.integers(0, 2**63 - 1)
number = st.one_of(st.integers(1, 200), st.integers(1, 2**63 - 1))
ladder = st.lists(st.tuples(number, number), max_size=4).map(tuple)
price = st.one_of(st.none(), st.decimals(allow_nan=False, allow_infinity=False, places=3), st.just(Decimal("1E+3")))
book = st.builds(BookRow, stamps, stamps, ladder, ladder)
prices = st.builds(PriceRow, stamps, stamps, price, price, price, price, price)
trade = st.builds(TradeRow, stamps, stamps, number, number, st.sampled_from([None, True, False]))
gap = st.builds(GapRow, stamps, st.sampled_from(list(Why)), stamps, st.one_of(st.none(), stamps))


def within_an_hour(row: Row) -> Row:
    """The row, received within one hour, so that one file takes them all."""
    return replace(row, local_ts_ns=START_NS + row.local_ts_ns % HOUR_NS)


rows = st.lists(st.one_of(book, prices, trade, gap).map(within_an_hour), min_size=1, max_size=12)


def written(folder: Path, batches: list[list[Row]]) -> Path:
    """One closed file with these batches."""
    writer = TapeWriter(folder, HEADER)
    for batch in batches:
        for row in batch:
            writer.add(row)
        writer.flush()
    writer.close()
    (path,) = writer.files
    return path


def read(path: Path) -> list[Row]:
    return [row for batch in read_tape_file(path).batches for row in rows_of(batch)]


def texts(found: list[Row]) -> list[str]:
    """Rows with their decimals digit for digit, which equality of numbers would not ask for."""
    return [repr(row) for row in found]


@settings(deadline=None)
@given(st.lists(rows, min_size=1, max_size=3))
def test_what_was_written_is_read_back(batches: list[list[Row]]) -> None:
    """Every row of every kind, in order, over any number of batches: stamps, ticks, lots and digits."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), batches)
        assert read(path) == [row for batch in batches for row in batch]
        file = read_tape_file(path)
        assert not file.is_torn and file.header is not None and file.header.symbol == "BTC-USD"


def test_digits_stay_as_on_the_wire(tmp_path: Path) -> None:
    """Trailing zeros and decimals beyond the tick are kept; a book's price has exactly the declared decimals."""
    row = PriceRow(START_NS, START_NS, Decimal("90566.0050"), Decimal("90566.10"))
    assert texts(read(written(tmp_path, [[row]]))) == texts([row])
    assert units(Decimal("93869.50"), 2) == 9_386_950 and units(Decimal("0.0001"), 4) == 1
    for text in ("93869.505", "NaN", "Infinity"):
        with pytest.raises(ValueError):
            units(Decimal(text), 2)


def assert_cut_is_torn(before: list[list[Row]], last: list[Row], cuts: Callable[[int, int], Iterable[int]]) -> None:
    """At each cut of the last batch: the batches before it whole, nothing invented, and the tail is a torn gap."""
    with tempfile.TemporaryDirectory() as folder:
        start = written(Path(folder) / "start", before).stat().st_size - 8
        path = written(Path(folder) / "whole", [*before, last])
        data = path.read_bytes()
        kept = [row for batch in before for row in batch]
        for cut in cuts(start, len(data)):
            path.write_bytes(data[:cut])
            found = read_tape_file(path)
            is_whole = cut >= len(data) - 8
            assert [row for batch in found.batches for row in rows_of(batch)] == (kept + last if is_whole else kept)
            assert found.is_torn
            assert GapRow(0, Why.TORN, found.last_stamp_ns or 0, None) in gaps_of([found])


def test_a_file_cut_at_any_byte_of_its_last_batch_keeps_the_ones_before() -> None:
    """Every single offset, with a row of each kind in both batches."""
    def one_of_each(at_ns: int) -> list[Row]:
        return [
            BookRow(at_ns, at_ns + 5, ((9_386_950, 7), (9_386_940, 2)), ((9_386_960, 9),)),
            PriceRow(at_ns, at_ns + 5, Decimal("93869.50"), None, Decimal("93869.5")),
            TradeRow(at_ns, at_ns + 5, 9_386_950, 3, False), GapRow(at_ns + 5, Why.DISCONNECTED, at_ns, at_ns + 4)]
    assert_cut_is_torn([one_of_each(START_NS)], one_of_each(START_NS + MS), range)


@settings(max_examples=25, deadline=None)
@given(st.lists(rows, min_size=1, max_size=2), rows, st.lists(st.floats(0, 1, exclude_max=True), max_size=12))
def test_any_batch_cut_anywhere_is_torn(before: list[list[Row]], last: list[Row], at: list[float]) -> None:
    """Any rows, cut at offsets drawn from the whole last batch."""
    assert_cut_is_torn(before, last, lambda low, high: [low + int(share * (high - low)) for share in at])


def test_a_file_cut_in_its_header_or_decayed_gives_nothing_wrong(tmp_path: Path) -> None:
    """Any cut of the header, zeros instead of the tail, and any single changed byte: whole batches or none of them."""
    first = [TradeRow(START_NS, START_NS + 1, 9_386_950, 3, True)]
    second = [BookRow(START_NS + 2, START_NS + 3, ((9_386_950, 7),), ((9_386_960, 9),))]
    path = written(tmp_path, [first, second])
    data = path.read_bytes()
    allowed = ([], first, first + second)
    for cut in range(0, len(data), 11):
        for tail in (b"\0" * (len(data) - cut), b"\0" * 200, b"\xff" * 8):
            if data[:cut] + tail == data:
                continue
            path.write_bytes(data[:cut] + tail)
            found = read_tape_file(path)
            assert found.is_torn
            assert [row for batch in found.batches for row in rows_of(batch)] in allowed
    body = len(written(tmp_path / "empty", [first]).read_bytes()) // 2
    for at in range(body, len(data), 11):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:])
        assert read(path) in allowed


def test_a_killed_recorder_leaves_what_it_flushed(tmp_path: Path) -> None:
    """SIGKILL in the middle of recording: every flushed row is there, the tail is a gap, and a new start another."""
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from hummingbot_extensions.sim.tape_rows import TradeRow\n"
        "from hummingbot_extensions.sim.tape_store import TapeHeader, TapeWriter\n"
        f"writer = TapeWriter(Path(sys.argv[1]), TapeHeader('standx', 'BTC-USD', 2, 4), batch_rows=10)\n"
        f"for n in range(10**9):\n"
        f"    writer.add(TradeRow({START_NS} + n, {START_NS} + n, 1 + n, 1))\n"
        "    if n == 95:\n        print('there', flush=True)\n        sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdin is not None
    assert child.stdout.readline().strip() == "there"
    child.send_signal(signal.SIGKILL)
    child.wait(240)
    child.stdout.close()
    child.stdin.close()
    later = START_NS + MINUTE_NS
    again = TapeWriter(tmp_path, HEADER)
    again.add(TradeRow(later, later, 5, 1))
    again.close()
    paths = [path for _, path in tape_hours(tmp_path, "BTC-USD")]
    assert [path.name[-10:] for path in paths] == ["000.arrows", "001.arrows"]
    assert read(paths[0]) == [TradeRow(START_NS + n, START_NS + n, 1 + n, 1) for n in range(90)]
    assert recorded_gaps(tmp_path, "BTC-USD") == (GapRow(later, Why.TORN, START_NS + 89, later),)


def test_a_full_disk_loses_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    """A file that may grow no further: the batch is refused, the rest reads back, recording goes on behind a gap."""
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from hummingbot_extensions.sim.tape_rows import TradeRow\n"
        "from hummingbot_extensions.sim.tape_store import TapeHeader, TapeNotWritten, TapeWriter\n"
        "folder = Path(sys.argv[1])\n"
        "writer = TapeWriter(folder, TapeHeader('standx', 'BTC-USD', 2, 4), batch_rows=10)\n"
        "hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "refused = 0\n"
        "for n in range(60):\n"
        "    if n == 25:\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (writer.files[0].stat().st_size + 700, hard))\n"
        "    if n == 45:\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))\n"
        "    try:\n"
        f"        writer.add(TradeRow({START_NS} + n, {START_NS} + n, 1 + n, 1))\n"
        "    except TapeNotWritten:\n"
        "        refused += 1\n"
        "writer.close()\n"
        "print(refused)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 2
    ((_, path),) = tape_hours(tmp_path, "BTC-USD")
    found = read(path)
    assert [row.price_ticks for row in found if isinstance(row, TradeRow)] == [*range(1, 21), *range(41, 61)]
    lost = [row for row in found if isinstance(row, GapRow)]
    assert lost == [GapRow(START_NS + 39, Why.WRITE_FAILED, START_NS + 19, START_NS + 39)]
    assert recorded_gaps(tmp_path, "BTC-USD") == tuple(lost) and not read_tape_file(path).is_torn


def test_a_disk_that_takes_no_header_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused from the first byte: no torn file stays behind, and the first rows are a gap once it works again."""
    writer = TapeWriter(tmp_path, HEADER)
    writer.add(TradeRow(START_NS, START_NS, 1, 1))
    with monkeypatch.context() as patch:
        def refuse(fd: int, data: object) -> int:
            raise OSError(28, "No space left on device")
        patch.setattr(os, "write", refuse)
        with pytest.raises(TapeNotWritten, match="1 rows of BTC-USD are lost: No space"):
            writer.flush()
    assert not list(tmp_path.iterdir())
    writer.add(TradeRow(START_NS + 5, START_NS + 5, 2, 1))
    writer.close()
    (path,) = writer.files
    assert read(path) == [
        GapRow(START_NS, Why.WRITE_FAILED, START_NS, START_NS), TradeRow(START_NS + 5, START_NS + 5, 2, 1)]


def test_hours_are_files_and_a_stop_is_a_gap(tmp_path: Path) -> None:
    """One file for each hour of receipt without a seam; a recorder that ends and starts again leaves one."""
    writer = TapeWriter(tmp_path, HEADER)
    for hour in range(3):
        at_ns = START_NS + hour * HOUR_NS
        writer.add(TradeRow(at_ns - 5 * MS, at_ns + 1, 7, 1))
    writer.add(TradeRow(START_NS, START_NS + HOUR_NS, 8, 1))  # received with a clock that went back
    writer.close()
    names = [path.name for _, path in tape_hours(tmp_path, "BTC-USD")]
    assert names == [f"tape_BTC-USD_2026-01-06_0{hour}_000.arrows" for hour in (2, 3, 4)]
    assert recorded_gaps(tmp_path, "BTC-USD") == ()
    later = START_NS + 2 * HOUR_NS + MINUTE_NS
    again = TapeWriter(tmp_path, HEADER)
    again.add(TradeRow(later, later, 9, 1))
    again.close()
    (stop,) = recorded_gaps(tmp_path, "BTC-USD")
    assert stop == GapRow(later, Why.STOPPED, START_NS + 2 * HOUR_NS - 5 * MS, later)


@pytest.mark.parametrize("row", [
    BookRow(START_NS, START_NS, ((0, 1),), ()), BookRow(START_NS, START_NS, ((1, 2**63),), ()),
    TradeRow(START_NS, START_NS, 1, 0), TradeRow(-1, START_NS, 1, 1), TradeRow(START_NS, 2**63, 1, 1),
    PriceRow(START_NS, START_NS, Decimal("NaN")), GapRow(START_NS, Why.HOLE, -1, None),
])  # fmt: skip
def test_rows_that_no_file_can_hold_are_refused(tmp_path: Path, row: Row) -> None:
    """Sizes of zero, numbers beyond 64 bits, stamps before 1970, prices that are none."""
    with pytest.raises(ValueError):
        TapeWriter(tmp_path, HEADER).add(row)


def test_other_streams_and_later_schemas_are_refused_with_the_fix(tmp_path: Path) -> None:
    """An Arrow stream of somebody else, and a tape of a version to come."""
    import pyarrow as pa

    for metadata, fix in (({"a": "b"}, "name a tape of hbx"), ({"hbx_tape": "2"}, "update hummingbot-extensions")):
        path = tmp_path / "tape_BTC-USD_2026-01-06_02_000.arrows"
        with pa.ipc.new_stream(path, pa.schema([("a", pa.int64())], metadata=metadata)):
            pass
        with pytest.raises(TapeUnreadable, match=fix):
            load_tape(tmp_path, "BTC-USD", BTC)


def assert_same(one: Tape, other: Tape) -> None:
    """Equal in every array, the taker's side included."""
    for name in ("frame_ts_ns", "trade_ts_ns", "trade_ticks", "trade_lots", "trade_is_buy"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for side in ("bids", "asks"):
        for name in ("offsets", "ticks", "lots"):
            found, wanted = (getattr(getattr(tape, side), name) for tape in (one, other))
            np.testing.assert_array_equal(found, wanted, err_msg=f"{side}.{name}")


def recorded(folder: Path, tape: Tape, delay_ns: int = 300 * MS, has_taker: bool = True) -> None:
    """The tape as a recorder would write it, everything received ``delay_ns`` after its stamp."""
    found: list[Row] = []
    for at, stamp in enumerate(tape.frame_ts_ns.tolist()):
        sides = (tuple(zip(*(column.tolist() for column in side.at(at)), strict=True)) for side in (
            tape.bids, tape.asks))
        found.append(BookRow(stamp, stamp + delay_ns, *sides))
    takers = tape.trade_is_buy.tolist() if has_taker else [None] * len(tape.trade_ts_ns)
    found += [TradeRow(stamp, stamp + delay_ns, ticks, lots, is_buy) for stamp, ticks, lots, is_buy in zip(
        tape.trade_ts_ns.tolist(), tape.trade_ticks.tolist(), tape.trade_lots.tolist(), takers, strict=True)]
    writer = TapeWriter(folder, HEADER, batch_rows=100)
    for row in sorted(found, key=lambda row: row.local_ts_ns):
        writer.add(row)
    writer.close()


def test_a_recorded_market_comes_back_over_two_hours(tmp_path: Path) -> None:
    """Generated frames and prints, takers included, across an hour's end; a window reads what it asks for."""
    start_ns = START_NS + HOUR_NS - MINUTE_NS
    tape = generated_tape(BTC, 3, start_ns, 2 * MINUTE_NS, 9_300_000)
    recorded(tmp_path, tape)
    assert len(tape_hours(tmp_path, "BTC-USD")) == 2
    loaded = load_tape(tmp_path, "BTC-USD", BTC).tape
    keep = tape.trade_ts_ns >= tape.frame_ts_ns[0]
    assert_same(loaded, replace(tape, **{name: getattr(tape, name)[keep] for name in (
        "trade_ts_ns", "trade_ticks", "trade_lots", "trade_is_buy")}))
    assert first_stamp_ns(tmp_path, "BTC-USD") == tape.frame_ts_ns[0] and first_day(tmp_path, "BTC-USD") == "2026-01-06"
    cut = load_tape(tmp_path, "BTC-USD", BTC, start_ns + MINUTE_NS // 2, start_ns + MINUTE_NS).tape
    inside = (tape.frame_ts_ns >= start_ns + MINUTE_NS // 2) & (tape.frame_ts_ns < start_ns + MINUTE_NS)
    np.testing.assert_array_equal(cut.frame_ts_ns, tape.frame_ts_ns[inside])
    delays = recorded_feed_delay(tmp_path, "BTC-USD")
    assert set(delays.delays_ns.tolist()) == {300 * MS} and len(delays.sent_ns) == len(np.unique(tape.frame_ts_ns))
    with pytest.raises(TapeUnreadable, match="no recorded hour of BTC-USD holds"):
        load_tape(tmp_path, "BTC-USD", BTC, START_NS + 9 * HOUR_NS)


def test_a_coarser_lattice_is_scaled_and_a_finer_one_refused(tmp_path: Path) -> None:
    """A tape of one decimal gives tenfold ticks; one with more decimals than the market cannot be played."""
    row = BookRow(START_NS, START_NS, ((1_000, 3),), ((1_001, 4),))
    for name, price_decimals in (("coarse", 1), ("fine", 3)):
        writer = TapeWriter(tmp_path / name, replace(HEADER, price_decimals=price_decimals))
        writer.add(row)
        writer.close()
    tape = load_tape(tmp_path / "coarse", "BTC-USD", BTC).tape
    assert [side.tolist() for side in tape.bids.at(0)] == [[10_000], [3]]
    with pytest.raises(TapeUnreadable, match="3 decimals of price"):
        load_tape(tmp_path / "fine", "BTC-USD", BTC)


def test_a_recorded_mark_is_the_mark(tmp_path: Path) -> None:
    """From its stamp on the venue's own mark stands, on the tick; before the first it is the mid."""
    writer = TapeWriter(tmp_path, HEADER)
    for beat in range(8):
        at_ns = START_NS + beat * 250 * MS
        writer.add(BookRow(at_ns, at_ns + MS, ((10_000 + beat, 5),), ((10_010 + beat, 5),)))
        if beat in (3, 5):
            writer.add(PriceRow(at_ns + MS, at_ns + 2 * MS, Decimal(f"10{beat}.0050"), Decimal("99")))
    writer.close()
    tape = load_tape(tmp_path, "BTC-USD", BTC).tape
    venue = Venue({"BTC-USD": TapeMarket(tape, BTC)}, VenueParams(), {"BTC-USD": MarkRule.MID})
    marks = []
    for beat in range(8):
        venue.advance(START_NS + beat * 250 * MS + 200 * MS)
        marks.append(venue.mark_ticks("BTC-USD"))
    assert marks[:3] == [10_005, 10_006, 10_007] and marks[4:6] == [10_300, 10_300] and marks[6:] == [10_500, 10_500]
    empty = tmp_path / "damaged"
    empty.mkdir()
    (empty / "tape_BTC-USD_2026-01-06_02_000.arrows").write_bytes(b"not a tape")
    with pytest.raises(TapeUnreadable, match="damaged from its first bytes"):
        load_tape(empty, "BTC-USD", BTC)


def test_conversion_of_a_recording_changes_nothing(tmp_path: Path) -> None:
    """Two Parquet hours with a hole between them: the same tape, takers inferred alike, the hole marked."""
    tapes = [generated_tape(BTC, seed, START_NS + (seed - 1) * 2 * HOUR_NS + MINUTE_NS, MINUTE_NS, 9_300_000)
             for seed in (1, 2)]
    for tape, hour in zip(tapes, ("02", "04"), strict=True):
        write_hour(tmp_path, tape, f"2026-01-06_{hour}", repeat_rows=True)
    done = convert_standx(tmp_path, tmp_path / "own", "BTC-USD", BTC)
    assert_same(load_tape(tmp_path / "own", "BTC-USD", BTC).tape, load_standx_parquet(tmp_path, "BTC-USD", BTC).tape)
    found = recorded_gaps(tmp_path / "own", "BTC-USD")
    frames = load_tape(tmp_path / "own", "BTC-USD", BTC).tape.frame_ts_ns
    assert [(row.start_ns, row.end_ns) for row in found] == holes(frames) and done.holes == len(found) >= 1
    assert done.dropped.repeated == done.frames == len(frames)
    with pytest.raises(TapeUnreadable, match="name an empty folder"):
        convert_standx(tmp_path, tmp_path / "own", "BTC-USD", BTC)


@pytest.mark.tape
def test_the_real_tape_survives_conversion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five recorded hours: the identical sequence of books, prints and delays, every hole flagged; sizes printed."""
    folder = recorded_tapes()
    done = convert_standx(folder, tmp_path, "BTC-USD", BTC)
    theirs, ours = load_standx_parquet(folder, "BTC-USD", BTC).tape, load_tape(tmp_path, "BTC-USD", BTC).tape
    assert_same(ours, theirs)
    delays = [parquet_feed_delay(folder, "BTC-USD"), recorded_feed_delay(tmp_path, "BTC-USD")]
    for name in ("sent_ns", "delays_ns"):
        np.testing.assert_array_equal(*(getattr(found, name) for found in delays), err_msg=name)
    gaps = [(row.start_ns, row.end_ns) for row in recorded_gaps(tmp_path, "BTC-USD")]
    assert gaps == holes(theirs.frame_ts_ns)
    hour = next(path for path in done.files if "_02_" in path.name)
    header = read_tape_file(hour).header
    assert header is not None
    with capsys.disabled():
        quantiles = np.quantile(delays[1].delays_ns / MS, [0.5, 0.9, 0.99])
        print(
            f"\n  {done.frames} frames, {done.trades} trades, {len(gaps)} holes: {done.bytes} bytes, source "
            f"{done.source_bytes}, {done.source_bytes / done.bytes:.2f} times smaller; hour 02 {hour.stat().st_size} "
            f"of {header.source_bytes}; delays p50 p90 p99 {' '.join(f'{ms:.0f}' for ms in quantiles)} ms")
