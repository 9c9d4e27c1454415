"""The event log: nothing a disk does reaches the caller, and nothing written is lost without being counted."""

from __future__ import annotations

import errno
import gc
import io
import json
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.monitoring import event_log
from hummingbot_extensions.monitoring.event_log import EventLog
from hummingbot_extensions.monitoring.run_log import RunLog


def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Wait for a condition; AssertionError when it does not come."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "condition did not come"
        time.sleep(0.002)


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def log_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "hbx-event-log"]


class Disk:
    """Stands between the log and its file: refuses opens or writes, cuts lines short, or hangs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refuses_open = False
        self.refuses_write = False
        self.cut_after: int | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()
        opened, disk = Path.open, self

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                disk.reached.set()
                disk.gate.wait(10.0)
                if disk.refuses_write:
                    if disk.cut_after is not None:
                        cut, disk.cut_after = disk.cut_after, None
                        return super().write(bytes(data)[:cut]) or 0  # as a disk does that is nearly full
                    raise OSError(errno.ENOSPC, "No space left on device")
                written = super().write(data)
                assert written is not None
                return written

        def open_path(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if mode != "ab":
                return opened(path, mode, *args, **kwargs)
            if disk.refuses_open:
                raise OSError(errno.ENOSPC, "No space left on device")
            return Raw(str(path), "ab")

        monkeypatch.setattr(Path, "open", open_path)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_events_arrive_in_order_with_schema_time_and_plain_values(tmp_path: Path) -> None:
    """Every line is one object: version, wall time, kind, and values in their plain form."""
    log = EventLog(tmp_path / "deep" / "run.jsonl")
    log.write("fill", side=Side.BUY, price=Decimal("1.20"), fee=None)
    log.write("stopped")
    log.close()
    first, second = events(log.path)
    assert (first["v"], first["kind"], first["side"], first["price"], first["fee"]) == (1, "fill", "buy", "1.20", None)
    assert second["kind"] == "stopped" and second["t_ns"] >= first["t_ns"]


def test_held_events_keep_their_order_and_times_and_are_made_into_text_at_the_release(tmp_path: Path) -> None:
    """Nothing is written and no function asked before the release; then all in order, before what comes later."""
    asked = []
    log = EventLog(tmp_path / "run.jsonl")
    log.hold()
    log.write("first", value=lambda: asked.append(1) or "late")
    log.write("second")
    held_until_ns = time.time_ns()
    assert asked == []
    log.release()
    log.write("third")
    log.release()
    log.close()
    written = events(log.path)
    assert [event["kind"] for event in written] == ["first", "second", "third"]
    assert written[0]["value"] == "late"
    assert written[1]["t_ns"] <= held_until_ns <= written[2]["t_ns"]


def test_a_log_that_is_closed_while_it_holds_writes_what_it_held(tmp_path: Path) -> None:
    """A bot that ends in the middle of a turn loses no event."""
    log = EventLog(tmp_path / "run.jsonl")
    log.hold()
    log.write("last")
    log.close()
    assert [event["kind"] for event in events(log.path)] == ["last"]


def test_a_full_queue_drops_counts_and_reports_once_there_is_room(tmp_path: Path, disk: Disk) -> None:
    """With the disk hanging, what does not fit the queue is dropped at once; the file says how many afterwards."""
    disk.gate.clear()
    log = EventLog(tmp_path / "run.jsonl", queue_size=3)
    log.write("n", n=0)
    assert disk.reached.wait(5.0)
    before = time.monotonic()
    for number in range(1, 11):
        log.write("n", n=number)
    assert time.monotonic() - before < 0.5
    assert log.dropped == 7
    disk.gate.set()
    log.close()
    written = events(log.path)
    assert [e["n"] for e in written if e["kind"] == "n"] == [0, 1, 2, 3]
    assert [e["total"] for e in written if e["kind"] == "dropped"] == [7]


@pytest.mark.parametrize("how", ["open", "write", "cut"])
def test_a_disk_that_fails_never_reaches_the_caller_and_recovers(tmp_path: Path, disk: Disk, how: str) -> None:
    """ENOSPC on open or write, cut in mid-line or not: events are counted as dropped, later ones are written."""
    log = EventLog(tmp_path / "run.jsonl")
    log.write("n", n=0)
    until(lambda: log.path.exists() and events(log.path))
    disk.refuses_write = how != "open"
    disk.cut_after = 9 if how == "cut" else None
    if how == "open":
        disk.refuses_open = True
        log._max_bytes = 1  # the next line rotates, so that the file has to be opened again
    for number in range(1, 6):
        log.write("n", n=number)
    until(lambda: log.dropped == 5)
    disk.refuses_open = disk.refuses_write = False
    log._max_bytes = 10**9
    log.write("n", n=6)
    log.close()
    whole = []
    for file in sorted(tmp_path.iterdir()):
        for line in file.read_text().splitlines():
            try:
                whole.append(json.loads(line))
            except json.JSONDecodeError:
                assert how == "cut" or line == ""
    assert sorted(e["n"] for e in whole if e["kind"] == "n") == [0, 6]
    assert [e["total"] for e in whole if e["kind"] == "dropped"] == [5]


def test_a_failing_disk_leaves_no_file_open(tmp_path: Path, disk: Disk) -> None:
    """Each refused write closes its file: no descriptor is left to the garbage collector."""
    log = EventLog(tmp_path / "run.jsonl")
    disk.refuses_write = True
    for number in range(20):
        log.write("n", n=number)
    until(lambda: log.dropped == 20)
    log.close()
    gc.collect()  # an unclosed file would warn here, and warnings are errors


def test_losses_at_the_end_are_written_at_close(tmp_path: Path, disk: Disk) -> None:
    """When the last events were lost and the disk works again at close, the file still says so."""
    log = EventLog(tmp_path / "run.jsonl")
    disk.refuses_write = True
    log.write("n", n=0)
    until(lambda: log.dropped == 1)
    disk.refuses_write = False
    log.close()
    assert [e["total"] for e in events(log.path)] == [1]


@pytest.mark.parametrize("backups", [1, 3, 50])
def test_rotation_keeps_every_line_up_to_its_backups(tmp_path: Path, backups: int) -> None:
    """Files .1 (newest) to .N (oldest) hold the lines in order; only what is older than the last one is gone."""
    log = EventLog(tmp_path / "run.jsonl", max_bytes=300, backups=backups)
    for number in range(40):
        log.write("n", n=number)
    log.close()
    kept: list[int] = []
    for number in range(backups, 0, -1):
        file = tmp_path / f"run.jsonl.{number}"
        if file.exists():
            kept += [event["n"] for event in events(file)]
    kept += [event["n"] for event in events(log.path)]
    assert kept == list(range(40 - len(kept), 40))
    assert len(list(tmp_path.iterdir())) <= backups + 1
    assert log.dropped == 0
    if backups == 50:
        assert len(kept) == 40


@pytest.mark.parametrize("every", [1, 7, 40])
def test_a_summary_follows_the_log_over_its_rotations(tmp_path: Path, every: int) -> None:
    """Each line counts once, however many files have come since the last look; before the first there is nothing."""
    path = tmp_path / "run.jsonl"
    follower = RunLog(path)
    assert follower.catch_up().orders == {}
    log, written = EventLog(path, max_bytes=300, backups=50), 0
    for number in range(1, 41):
        log.write("order", event="placed", n=number)
        if number % every == 0:
            written = number
            until(lambda written=written: follower.catch_up().orders["placed"] == written)  # type: ignore[misc]
    log.close()
    assert len(list(tmp_path.iterdir())) > 5
    assert follower.catch_up().unsettled_orders == 40 and follower.summary.unreadable_lines == 0


def test_close_is_idempotent_ends_the_thread_and_later_writes_are_ignored(tmp_path: Path) -> None:
    """No thread of the log outlives its close; nothing written afterwards is queued for nobody."""
    before = len(log_threads())
    log = EventLog(tmp_path / "run.jsonl")
    log.write("n", n=0)
    log.close()
    log.close()
    log.write("n", n=1)
    assert len(log_threads()) == before
    assert [event["n"] for event in events(log.path)] == [0]


def test_a_close_that_could_not_wait_still_ends_the_thread(tmp_path: Path, disk: Disk) -> None:
    """A disk that hangs over a full queue ends close in time; once it moves, all is written and the thread ends."""
    before = len(log_threads())
    disk.gate.clear()
    log = EventLog(tmp_path / "run.jsonl", queue_size=2)
    log.write("n", n=0)
    assert disk.reached.wait(5.0)
    log.write("n", n=1)
    log.write("n", n=2)
    log.close(timeout_s=0.05)
    disk.gate.set()
    until(lambda: len(log_threads()) == before)
    assert [event["n"] for event in events(log.path) if event["kind"] == "n"] == [0, 1, 2]


def test_drops_on_both_sides_are_all_counted(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller drops while the writer fails: the sum is exact, as each side counts its own."""
    disk.refuses_write = True
    log = EventLog(tmp_path / "run.jsonl", queue_size=1)
    for number in range(500):
        log.write("n", n=number)
    until(lambda: log.dropped == 500)
    log.close()
    assert log.dropped == 500


def test_a_value_without_a_plain_form_is_a_bug_of_the_caller_and_raises_there(tmp_path: Path) -> None:
    """NaN or a foreign object never reaches the file; the log goes on."""
    log = EventLog(tmp_path / "run.jsonl")
    with pytest.raises(ValueError, match="no JSON form"):
        log.write("n", n=float("nan"))
    with pytest.raises(TypeError, match="no plain form"):
        log.write("n", n=object())
    log.write("n", n=1)
    log.close()
    assert [event["n"] for event in events(log.path)] == [1]
    assert event_log.SCHEMA == 1
