"""Frames taken apart into level changes and put together again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.kernels.levels import LevelBook
from hummingbot_extensions.sim.generator import generated_tape
from hummingbot_extensions.sim.level_changes import level_changes
from hummingbot_extensions.sim.tape import Tape
from hummingbot_extensions.sim.tape_files import load_standx_parquet
from tests.support.tapes import BTC, START_NS, Frame, recorded_tapes, tape_of

MINUTE_NS = 60_000_000_000


def assert_rebuilt(tape: Tape) -> None:
    """After the changes of each frame the book is that frame, both sides, to the lot."""
    changes, book = level_changes(tape), LevelBook()
    for frame in range(len(tape.frame_ts_ns)):
        changes.apply(book, frame, frame + 1)
        for sign, side in ((1, tape.bids), (-1, tape.asks)):
            ticks, lots = book.top_arrays(sign, 50)
            expected_ticks, expected_lots = side.at(frame)
            np.testing.assert_array_equal(ticks, expected_ticks)
            np.testing.assert_array_equal(lots, expected_lots)


def test_changes_are_the_difference_of_frames() -> None:
    """One level resized, one gone, one come: three changes, what goes first."""
    tape = tape_of([([(100, 5), (90, 6)], [(110, 7)]), ([(100, 4), (80, 1)], [(110, 7)])])
    changes = level_changes(tape)
    second = slice(int(changes.offsets[1]), int(changes.offsets[2]))
    rows = list(zip(changes.signs[second], changes.ticks[second], changes.lots[second], strict=True))
    assert rows[0] == (1, 90, 0) and sorted(rows[1:]) == [(1, 80, 1), (1, 100, 4)]
    assert len(changes) == 6


LEVELS = st.dictionaries(st.integers(1, 12), st.integers(1, 3), max_size=6)


@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=1, max_size=8))
def test_any_frames_come_back(books) -> None:
    """Levels that vanish and return, empty sides, frames that repeat: each frame is rebuilt."""
    frames: list[Frame] = [(sorted(bids.items(), reverse=True), sorted(asks.items())) for bids, asks in books]
    assert_rebuilt(tape_of(frames))


def test_generated_minutes_come_back() -> None:
    """Five minutes of our own market."""
    assert_rebuilt(generated_tape(BTC, 8, START_NS, 5 * MINUTE_NS, 9_300_000))


@pytest.mark.tape
def test_recorded_minutes_come_back() -> None:
    """Ten minutes of the recording give their top twenty back in every frame."""
    pytest.importorskip("pyarrow")
    tape = load_standx_parquet(recorded_tapes(), "BTC-USD", BTC, START_NS, START_NS + 10 * MINUTE_NS).tape
    assert_rebuilt(tape)
