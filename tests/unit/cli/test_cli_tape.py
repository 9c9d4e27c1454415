"""``hbx tape``: what it converts and what it says of a tape."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.cli.emulator_process import tape_start
from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.sim.generator import generated_tape
from hummingbot_extensions.sim.tape_store import tape_hours
from tests.support.tapes import BTC, START_NS, write_hour

pytest.importorskip("pyarrow")
MINUTE_NS = 60_000_000_000
Hbx = Callable[..., Any]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A recorded hour with two minutes of a generated market, every frame written twice."""
    folder = tmp_path / "source"
    folder.mkdir()
    write_hour(folder, generated_tape(BTC, 5, START_NS, 2 * MINUTE_NS, 9_300_000), "2026-01-06_02", repeat_rows=True)
    return folder


def test_convert_and_info_tell_the_same(tmp_path: Path, source: Path, hbx: Hbx) -> None:
    """Frames, trades, holes, sizes and what was left out, as JSON and in words."""
    done = hbx("tape", "convert", source, tmp_path / "own", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    (row,) = json.loads(hbx("tape", "info", tmp_path / "own", "--json").output)
    assert (row["symbol"], row["venue"], row["price_decimals"], row["size_decimals"]) == ("BTC-USD", "standx", 2, 4)
    for name in ("frames", "trades", "bytes", "source_bytes"):
        assert row[name] == told[name] > 0, name
    assert told["dropped"]["repeated"] == told["frames"]
    assert row["gaps"].get("hole", {"count": 0})["count"] == told["holes"]
    assert row["source_bytes"] == sum(path.stat().st_size for path in source.iterdir())
    assert row["times_smaller"] == pytest.approx(row["source_bytes"] / row["bytes"], abs=1e-3)
    assert row["first"] == "2026-01-06T02:00:00.000Z" and row["torn_files"] == []
    words = hbx("tape", "info", tmp_path / "own").output
    assert f"{row['frames']} frames" in words and f"{row['times_smaller']} times smaller" in words


def test_info_names_a_torn_file(tmp_path: Path, source: Path, hbx: Hbx) -> None:
    """A file that lost its end is named, with a gap whose end nobody knows."""
    hbx("tape", "convert", source, tmp_path / "own")
    ((_, path),) = tape_hours(tmp_path / "own")
    path.write_bytes(path.read_bytes()[:-5])
    (row,) = json.loads(hbx("tape", "info", path, "--json").output)
    assert row["torn_files"] == [path.name] and row["gaps"]["torn"] == {"count": 1, "seconds": None, "longest_s": None}
    assert "gaps torn: 1, an unknown time" in hbx("tape", "info", path).output


@pytest.mark.parametrize(("words", "code", "fix"), [
    (("info", "NOWHERE"), ExitCode.NOT_FOUND, "name a tape folder"),
    (("info", "EMPTY"), ExitCode.NOT_FOUND, "hbx tape convert"),
    (("convert", "EMPTY", "OUT"), ExitCode.NOT_FOUND, "name a folder of recorded data"),
    (("convert", "SOURCE", "OUT", "--symbol", "XXX"), ExitCode.CONFIG_ERROR, "BTC-USD"),
])  # fmt: skip
def test_mistakes_are_answered_with_the_fix(
    tmp_path: Path, source: Path, hbx: Hbx, words: tuple[str, ...], code: ExitCode, fix: str
) -> None:
    """Hummingbot's own exit codes, and what to do."""
    (tmp_path / "empty").mkdir()
    places = {"NOWHERE": tmp_path / "no", "EMPTY": tmp_path / "empty", "OUT": tmp_path / "out", "SOURCE": source}
    done = hbx("tape", *(places.get(word, word) for word in words))
    assert isinstance(done.exception, Failure) and done.exception.code == code
    assert fix in done.exception.fix


def test_a_second_conversion_does_not_mix_tapes(tmp_path: Path, source: Path, hbx: Hbx) -> None:
    """A folder that holds this market already is left as it is."""
    hbx("tape", "convert", source, tmp_path / "own")
    before = {path: path.read_bytes() for path in (tmp_path / "own").iterdir()}
    again = hbx("tape", "convert", source, tmp_path / "own")
    assert isinstance(again.exception, Failure) and "empty folder" in again.exception.fix
    assert {path: path.read_bytes() for path in (tmp_path / "own").iterdir()} == before


def test_a_demo_begins_on_the_first_day_of_either_format(tmp_path: Path, source: Path, hbx: Hbx) -> None:
    """HH:MM is of the tape's first day; a folder without a tape is refused."""
    hbx("tape", "convert", source, tmp_path / "own")
    assert tape_start(source, "2:05") == tape_start(tmp_path / "own", "2:05") == "2026-01-06T02:05:00"
    with pytest.raises(Failure, match="orderbook_BTC-USD"):
        tape_start(tmp_path, "2:05")


def test_recorded_delays_need_a_tape(hbx: Hbx) -> None:
    """The demo and the emulator say so before anything starts."""
    done = hbx("demo", "--recorded-delays")
    assert isinstance(done.exception, Failure) and done.exception.fix == "add --tape FOLDER"
    done = hbx("emulate", "standx", "--port", "0", "--recorded-delays")
    assert done.exit_code == 1 and "--recorded-delays needs --market FOLDER" in done.output
