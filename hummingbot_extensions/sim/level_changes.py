"""A tape of whole frames as the changes of levels that lead from each to the next, and back again.

This is the form in which venues with incremental books send, and in which a book is kept without building it anew for
every frame: a change says how many lots a level holds now, 0 that it is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hummingbot_extensions.kernels.levels import LevelBook
from hummingbot_extensions.sim.tape import Int64Array, Ladders, Tape


@dataclass(frozen=True, slots=True, eq=False)
class LevelChanges:
    """Changes of frame ``i`` lie in [offsets[i], offsets[i + 1]); those of the first frame build it from nothing.

    ``signs`` is +1 for bids and -1 for asks. Within a frame, levels that go come before levels that stay or come.
    """

    offsets: Int64Array
    signs: Int64Array
    ticks: Int64Array
    lots: Int64Array

    def __len__(self) -> int:
        """Number of changes."""
        return len(self.signs)

    def apply(self, book: LevelBook, first: int, last: int) -> None:
        """Bring a book that stands before frame ``first`` to after frame ``last - 1``."""
        part = slice(int(self.offsets[first]), int(self.offsets[last]))
        book.apply(self.signs[part], self.ticks[part], self.lots[part])


def level_changes(tape: Tape) -> LevelChanges:
    """The changes between a tape's frames. A level that leaves the shown depth is gone, as the tape knows no more."""
    sides = [_side_changes(side) for side in (tape.bids, tape.asks)]
    frames = np.concatenate([frame for frame, _, _ in sides])
    signs = np.repeat(np.array([1, -1], np.int64), [len(frame) for frame, _, _ in sides])
    ticks, lots = np.concatenate([t for _, t, _ in sides]), np.concatenate([q for _, _, q in sides])
    order = np.lexsort((lots > 0, frames))
    offsets = np.searchsorted(frames[order], np.arange(len(tape.frame_ts_ns) + 1)).astype(np.int64)
    return LevelChanges(offsets, signs[order], ticks[order], lots[order])


def _side_changes(side: Ladders) -> tuple[Int64Array, Int64Array, Int64Array]:
    """(frame, ticks, lots) of every change of one side, by price."""
    count = len(side.offsets) - 1
    frames = np.repeat(np.arange(count), np.diff(side.offsets))
    order = np.lexsort((frames, side.ticks))
    frames, ticks, lots = frames[order], side.ticks[order], side.lots[order]
    if not len(ticks):
        return frames, ticks, lots
    continues = (ticks[1:] == ticks[:-1]) & (frames[1:] == frames[:-1] + 1)
    is_set = np.concatenate([np.ones(1, np.bool_), ~continues | (lots[1:] != lots[:-1])])
    is_gone = np.concatenate([~continues, np.ones(1, np.bool_)]) & (frames + 1 < count)
    gone = np.zeros(int(np.count_nonzero(is_gone)), np.int64)
    return (
        np.concatenate([frames[is_set], frames[is_gone] + 1]),
        np.concatenate([ticks[is_set], ticks[is_gone]]),
        np.concatenate([lots[is_set], gone]),
    )
