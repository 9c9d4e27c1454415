"""What one decision says: the quotes wanted, what to do about them, and one reason for each silent side."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hummingbot_extensions.core.breaker_state import BreakerState
from hummingbot_extensions.core.types import Side


class Silence(StrEnum):
    """Why a side is not quoted. A silent side has exactly one of these."""

    CONNECTOR_NOT_READY = "connector_not_ready"
    STALE_PRIVATE_STREAM = "stale_private_stream"
    POSITION_UNKNOWN = "position_unknown"
    STARTUP_CHECK = "startup_check"
    """Fills that were missed and the venue's position are being read."""
    STARTUP_FLATTEN = "startup_flatten"
    STARTUP_REFUSED = "startup_refused"
    """The position differs from our record, and the start-up policy leaves that to a person."""
    HALTED = "halted"
    RULES_CHANGING = "rules_changing"
    STANDING_UNKNOWN = "standing_unknown"
    """The venue does not say whether the market trades."""
    STALE_BOOK = "stale_book"
    EMPTY_BOOK = "empty_book"
    CROSSED_BOOK = "crossed_book"
    NO_MARK = "no_mark"
    STALE_MARK = "stale_mark"
    MARK_MID_DIVERGENCE = "mark_mid_divergence"
    BREAKER_PAUSE = "breaker_pause"
    BREAKER_CANCEL_ONLY = "breaker_cancel_only"
    BREAKER_STOP = "breaker_stop"
    HARD_STOP = "hard_stop"
    SOFT_LIMIT = "soft_limit"
    WORST_CASE = "worst_case"
    MARGIN = "margin"
    BELOW_MINIMUM = "below_minimum"
    OUT_OF_BAND = "out_of_band"
    NO_EXECUTOR = "no_executor"
    """Hummingbot has not created the level's executor yet."""
    UNKNOWN_ORDER = "unknown_order"
    REJECT_BACKOFF = "reject_backoff"
    THROTTLED = "throttled"
    CANCEL_FIRST = "cancel_first"
    """The old order has to go before a new one fits under the cap or the position."""


class CancelReason(StrEnum):
    """Why an order is cancelled; silences cancel under their own name."""

    TOO_NEAR = "too_near"
    TOO_FAR = "too_far"
    SIZE_CHANGED = "size_changed"
    NOT_REDUCING = "not_reducing"
    OVER_CAP = "over_cap"
    REPLACED = "replaced"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class PriceBreakdown:
    """Terms of a quote's price in bps of the mark, away from it positive: distance + clamp + rounding = the whole."""

    mark: float
    distance_bps: float
    clamp_bps: float
    rounding_bps: float


@dataclass(frozen=True, slots=True)
class Quote:
    """One order we want to rest; prices on the tick, sizes on the step, unsigned."""

    side: Side
    price: Decimal
    size: Decimal
    is_reduce_only: bool
    breakdown: PriceBreakdown


@dataclass(frozen=True, slots=True)
class Place:
    quote: Quote


@dataclass(frozen=True, slots=True)
class Cancel:
    """``is_risk`` cancels may overdraw the cancel budget and are counted apart."""

    client_order_id: str
    side: Side
    reason: str
    is_risk: bool


Action = Place | Cancel


@dataclass(frozen=True, slots=True)
class DecisionState:
    """What a decision hands to the next one. Times are monotonic nanoseconds."""

    basis_frac: float | None = None
    """Slow average of mark / mid - 1, which turns the fast book into an estimate of the slow mark."""
    basis_frame_ns: int | None = None
    hard_stop_since_ns: int | None = None
    resume_checks: int = 0
    resume_checked_ns: int | None = None
    bid_placed_ns: int | None = None
    ask_placed_ns: int | None = None
    cancels_ns: tuple[int, ...] = ()
    """Non-risk cancels of the last minute, oldest first."""
    bid_silence: Silence | None = None
    ask_silence: Silence | None = None
    breaker: BreakerState = BreakerState()

    def placed_ns(self, side: Side) -> int | None:
        return self.bid_placed_ns if side is Side.BUY else self.ask_placed_ns


@dataclass(frozen=True, slots=True)
class Decision:
    """Quotes wanted, actions in the order in which they are to be carried out, and the next state.

    ``mark_estimate`` is the mark as it should stand now, from the book and the basis; None while it cannot be known.
    """

    mark_estimate: float | None
    quotes: tuple[Quote, ...]
    actions: tuple[Action, ...]
    bid_silence: Silence | None
    ask_silence: Silence | None
    state: DecisionState

    def silence(self, side: Side) -> Silence | None:
        return self.bid_silence if side is Side.BUY else self.ask_silence
