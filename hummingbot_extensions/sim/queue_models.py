"""How far the queue in front of our order has moved, when only the shown size and the prints are known.

A model is a set of pure functions over ``QueuePlace``; the market says what happened, the model says what that means
for the lots ahead. ``QUEUE_MODELS`` names them; ``sim.known_truth`` measures each against exact queues.

The probability models follow the estimator of E. Rigtorp ("Estimating order queue position", 2013) in the forms that
hftbacktest made the field's usual ones: when a level shrinks by more than what traded there, the rest was cancelled,
and a share of it stood ahead of us that depends on how the level is split by our place. Only the expected share is
taken, so that equal input gives equal fills.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import floor, log1p
from typing import Protocol


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Place of one resting order among the others' lots at its level.

    ``shown_lots`` is what the last frame showed there (0 when it showed nothing), ``traded_lots`` what printed at our
    price since that frame, ``has_been_shown`` whether any frame of this order's life showed the level. ``advance_lots``
    in [0, 1) is what a model has moved us forward beyond whole lots.
    """

    ahead_lots: int
    shown_lots: int
    traded_lots: int
    has_been_shown: bool
    advance_lots: float = 0.0


class QueueModel(Protocol):
    """What placement, frames and prints do to the lots ahead."""

    @property
    def name(self) -> str:
        """How reports call it."""

    def at_placement(self, shown_lots: int | None, background_lots: int) -> QueuePlace:
        """Place of a new order; ``shown_lots`` is None where the book shows no such level."""

    def on_frame(self, place: QueuePlace, shown_lots: int | None) -> QueuePlace:
        """Place after a frame that shows ``shown_lots`` of others at the level, None where it shows no such level.

        0 instead of None: the level was shown before and is empty now, rather than out of sight behind the last one.
        """

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


class _ProbabilityQueue:
    """What the two probability models share; ``_weight`` says how likely a cancel is per lots of a part of the queue.

    - placed on a shown level, or where nothing is shown: as with ``RiskAverseQueue``;
    - a print at our price eats the lots ahead, the rest of it reaches us;
    - a frame on which the level shrank by more than has traded there since the frame before: of the ``n`` lots
      cancelled, ``n x weight(ahead) / (weight(ahead) + weight(behind))`` were ahead, but no fewer than those that
      cannot have been behind;
    - never more is ahead than the level shows; a level out of sight moves nothing.
    """

    __slots__ = ()

    def _weight(self, lots: float) -> float:
        raise NotImplementedError

    def at_placement(self, shown_lots: int | None, background_lots: int) -> QueuePlace:
        return RISK_AVERSE.at_placement(shown_lots, background_lots)

    def on_print(self, place: QueuePlace, print_lots: int) -> tuple[QueuePlace, int]:
        return RISK_AVERSE.on_print(place, print_lots)

    def on_frame(self, place: QueuePlace, shown_lots: int | None) -> QueuePlace:
        if shown_lots is None:
            return replace(place, traded_lots=0) if place.traded_lots else place
        if not place.has_been_shown:
            return RISK_AVERSE.on_frame(place, shown_lots)
        ahead = float(place.ahead_lots) - place.advance_lots
        cancelled = place.shown_lots - place.traded_lots - shown_lots
        if cancelled > 0 and ahead > 0:
            behind = max(0.0, place.shown_lots - place.traded_lots - ahead)
            ahead_weight = self._weight(ahead)
            share = ahead_weight / (ahead_weight + self._weight(behind))
            ahead -= max(cancelled * share, cancelled - behind)
        ahead = max(0.0, min(ahead, float(shown_lots)))
        # Whole lots are what a print eats: round up, against us, and remember what is gained beyond them.
        whole = -floor(-ahead)
        return QueuePlace(whole, shown_lots, 0, has_been_shown=True, advance_lots=whole - ahead)


@dataclass(frozen=True, slots=True)
class PowerQueue(_ProbabilityQueue):
    """Cancels fall on the parts of the queue by their sizes to a power; 1 is evenly over all lots.

    The larger the exponent, the more the larger part loses: near the front, cancels are then nearly all behind.
    """

    exponent: float = 2.0
    name: str = "power"

    def __post_init__(self) -> None:
        if not 0.0 < self.exponent <= 10.0:
            raise ValueError(f"exponent must lie in (0, 10], got {self.exponent}")

    def _weight(self, lots: float) -> float:
        return float(lots**self.exponent)


@dataclass(frozen=True, slots=True)
class LogQueue(_ProbabilityQueue):
    """Cancels fall on the parts of the queue by the logarithm of their sizes: hardly by size at all."""

    name: str = "log"

    def _weight(self, lots: float) -> float:
        return log1p(lots)


RISK_AVERSE: QueueModel = RiskAverseQueue()
QUEUE_MODELS: Mapping[str, QueueModel] = {model.name: model for model in (RISK_AVERSE, PowerQueue(), LogQueue())}


def queue_model(name: str) -> QueueModel:
    """The model of that name; ValueError names those there are."""
    if name not in QUEUE_MODELS:
        raise ValueError(f"queue model {name!r} is none of {', '.join(QUEUE_MODELS)}")
    return QUEUE_MODELS[name]
