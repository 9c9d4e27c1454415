"""How far the queue in front of our order has moved, when only the shown size and the prints are known.

A model is a set of pure functions over ``QueuePlace``; the market says what happened, the model says what that means
for the lots ahead. New models (probability of a cancel being ahead, say) need no change in the market.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Place of one resting order among the others' lots at its level.

    ``shown_lots`` is what the last frame showed there (0 when it showed nothing), ``traded_lots`` what printed at our
    price since that frame, ``has_been_shown`` whether any frame of this order's life showed the level.
    """

    ahead_lots: int
    shown_lots: int
    traded_lots: int
    has_been_shown: bool


class QueueModel(Protocol):
    """What placement, frames and prints do to the lots ahead."""

    @property
    def name(self) -> str:
        """How reports call it."""

    def at_placement(self, shown_lots: int | None, background_lots: int) -> QueuePlace:
        """Place of a new order; ``shown_lots`` is None where the book shows no such level."""

    def on_frame(self, place: QueuePlace, shown_lots: int | None) -> QueuePlace:
        """Place after a frame that shows ``shown_lots`` of others at the level, None for no such level."""

    def on_print(self, place: QueuePlace, print_lots: int) -> tuple[QueuePlace, int]:
        """(place, lots that reach our order) after ``print_lots`` traded at exactly our price."""


@dataclass(frozen=True, slots=True)
class RiskAverseQueue:
    """Only prints at our price bring us forward; no cancel of another ever does.

    - placed on a shown level: everything shown there is ahead;
    - placed where nothing is shown: the background depth, a guess, is ahead; the first frame that does show the level
      replaces the guess by everything it shows;
    - a print of ``n`` lots at our price first eats the lots ahead, what is left of it reaches us.
    """

    name: str = "risk_averse"

    def at_placement(self, shown_lots: int | None, background_lots: int) -> QueuePlace:
        if shown_lots is None:
            return QueuePlace(background_lots, 0, 0, has_been_shown=False)
        return QueuePlace(shown_lots, shown_lots, 0, has_been_shown=True)

    def on_frame(self, place: QueuePlace, shown_lots: int | None) -> QueuePlace:
        if shown_lots is not None and not place.has_been_shown:
            return QueuePlace(shown_lots, shown_lots, 0, has_been_shown=True)
        if place.traded_lots == 0 and place.shown_lots == (shown_lots or 0):
            return place
        return replace(place, shown_lots=shown_lots or 0, traded_lots=0)

    def on_print(self, place: QueuePlace, print_lots: int) -> tuple[QueuePlace, int]:
        eaten = min(place.ahead_lots, print_lots)
        moved = replace(place, ahead_lots=place.ahead_lots - eaten, traded_lots=place.traded_lots + print_lots)
        return moved, print_lots - eaten
