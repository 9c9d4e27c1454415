"""Guard against a book that others have left: quotes stand farther or are pulled while it is wide or thin.

What counts is the book of others. Our own orders are neither depth nor a best price, so that the guard does not take a
market that is ours alone for a normal one, and does not end because we are back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.spec import param
from hummingbot_extensions.core.view import MarketView


class GuardAction(StrEnum):
    """What becomes of quotes in a wide or thin book."""

    OFF = "off"
    WIDEN = "widen"
    PULL = "pull"


@dataclass(frozen=True, slots=True)
class MarketGuardParams:
    """Distances in bps of the mid, depth in quote units a side. Off by default."""

    guard_action: GuardAction = param(
        GuardAction.OFF,
        "In a book that others have left wide or thin: off, widen (quotes stand farther), pull (none is shown).",
        "guards",
    )
    guard_spread_bps: float = param(
        5.0, "The book is wide from a spread between others above this, bps.", "guards", gt=0, le=5000
    )
    guard_depth_bps: float = param(
        5.0, "Depth of others is taken up to here from their mid, bps.", "guards", gt=0, le=1000
    )
    guard_depth_quote: Decimal = param(
        Decimal(0),
        "The book is thin while either side holds less of others than this, quote units; 0 asks for no depth.",
        "guards", ge=0,
    )  # fmt: skip
    guard_widen_bps: float = param(3.0, "With widen: how much farther quotes stand, bps.", "guards", gt=0, le=500)
    guard_resume_s: float = param(
        5.0, "The guard ends once the book was normal for this long without a break, seconds.", "guards", ge=1, le=3600
    )

    @property
    def is_on(self) -> bool:
        return self.guard_action is not GuardAction.OFF


@dataclass(frozen=True, slots=True)
class GuardState:
    """``cause`` is what was last wrong with the book, None while the guard does nothing."""

    cause: Silence | None = None
    calm_since_ns: int | None = None
    """Since when the book has been normal without a break."""

    def pulls(self, params: MarketGuardParams) -> bool:
        return self.cause is not None and params.guard_action is GuardAction.PULL

    def widening_bps(self, params: MarketGuardParams) -> float:
        """How much farther quotes stand now."""
        is_wider = self.cause is not None and params.guard_action is GuardAction.WIDEN
        return params.guard_widen_bps if is_wider else 0.0


AT_EASE = GuardState()


def after_view(state: GuardState, view: MarketView, params: MarketGuardParams) -> GuardState:
    """State after one more look at a book that is fit to be quoted on.

    Begins at once, ends once the book was normal for ``guard_resume_s``.
    """
    if not params.is_on:
        return AT_EASE
    cause = finding(view, params)
    if cause is not None:
        return GuardState(cause)
    if state.cause is None:
        return AT_EASE
    since_ns = view.now_ns if state.calm_since_ns is None else state.calm_since_ns
    return AT_EASE if view.now_ns - since_ns >= params.guard_resume_s * 1e9 else GuardState(state.cause, since_ns)


def unseen(state: GuardState) -> GuardState:
    """State after a moment in which there was no book to look at: calm has to begin anew."""
    return state if state.calm_since_ns is None else replace(state, calm_since_ns=None)


def finding(view: MarketView, params: MarketGuardParams) -> Silence | None:
    """What is wrong with the book of others now; a side that nobody else stands on is thin."""
    book = view.others_book
    if book is None or book.bid is None or book.ask is None:
        return Silence.THIN_BOOK
    if float(book.ask - book.bid) * 2e4 > params.guard_spread_bps * float(book.ask + book.bid):
        return Silence.WIDE_SPREAD
    if min(book.bid_depth_quote, book.ask_depth_quote) < params.guard_depth_quote:
        return Silence.THIN_BOOK
    return None
