"""Whether three tellers of one position agree: its own frames, the venue's list, and the sum of our fills.

A position is what somebody else made of it (before we came, or by hand) plus our own fills since. When a frame and the
fills contradict each other for longer than frames take to arrive, the list decides. Nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

ZERO = Decimal(0)


class Verdict(Enum):
    """What a reading of the venue's list says about what was believed before."""

    AGREED = "agreed"
    FRAME_WRONG = "frame_wrong"
    """The frames had said something else, or nothing: now corrected."""
    UNEXPLAINED = "unexplained"
    """The list is not the base plus our fills: a fill is missing, or somebody else has traded."""


@dataclass(slots=True)
class PositionWatch:
    """One market's position, signed, long positive, base units. ``others`` is the part that is not our fills; None
    before the list was read for the first time.
    """

    shown: Decimal = ZERO
    own: Decimal = ZERO
    others: Decimal | None = None
    is_shown_wrong: bool = False
    unexplained_since_s: float | None = None
    _candidate: Decimal | None = None

    @property
    def expected(self) -> Decimal | None:
        """What the list must show if nobody else trades; None before it was read."""
        return None if self.others is None else self.others + self.own

    @property
    def is_consistent(self) -> bool:
        """True while the last word on the position is what our fills make of it."""
        return self.expected == self.shown

    @property
    def bounds(self) -> tuple[Decimal, Decimal]:
        """The position lies between these as far as known: equal when all agree."""
        expected = self.expected
        if expected is None:
            return self.shown, self.shown
        return min(self.shown, expected), max(self.shown, expected)

    def on_frame(self, size: Decimal) -> None:
        self.shown = size

    def on_fill(self, signed_size: Decimal) -> None:
        self.own += signed_size

    def on_list(self, size: Decimal) -> Verdict:
        """The venue's list decides what is shown. The first reading sets the base."""
        before, self.shown = self.shown, size
        if self.others is None:
            self.others = size - self.own
            return Verdict.AGREED
        if self.expected != size:
            return Verdict.UNEXPLAINED
        self._candidate = self.unexplained_since_s = None
        return Verdict.AGREED if before == size else Verdict.FRAME_WRONG

    def unexplained(self, now_s: float, settle_s: float) -> Decimal | None:
        """Call after UNEXPLAINED, once missing fills have been asked for: how much somebody else has traded, when the
        same difference has stood for ``settle_s``; it is part of the base from then on. None before.
        """
        if self.others is None or self.is_consistent:
            self._candidate = self.unexplained_since_s = None
            return None
        others = self.shown - self.own
        if others != self._candidate or self.unexplained_since_s is None:
            self._candidate, self.unexplained_since_s = others, now_s
            return None
        if now_s - self.unexplained_since_s < settle_s:
            return None
        difference, self.others = others - self.others, others
        self._candidate = self.unexplained_since_s = None
        return difference
