"""What one decision says: the quotes wanted, what to do about them, and one reason for each silent side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from hummingbot_extensions.core.breaker_state import BreakerState
from hummingbot_extensions.core.drift import MomentumState
from hummingbot_extensions.core.frozen import quick
from hummingbot_extensions.core.ladder import Ladder
from hummingbot_extensions.core.leader import LeaderState
from hummingbot_extensions.core.market_guard import GuardState
from hummingbot_extensions.core.mode_switch import ModeState
from hummingbot_extensions.core.money import MoneyState
from hummingbot_extensions.core.quote import POINTS_LAYER, Quote
from hummingbot_extensions.core.shock import ShockState
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.volatility import VolatilityState


class CancelReason(StrEnum):
    """Why an order is cancelled; silences cancel under their own name."""

    TOO_NEAR = "too_near"
    TOO_FAR = "too_far"
    SIZE_CHANGED = "size_changed"
    NOT_REDUCING = "not_reducing"
    OVER_CAP = "over_cap"
    REPLACED = "replaced"
    QUEUE_POSITION = "queue_position"
    AGED = "aged"
    POINTS_GIVE_WAY = "points_give_way"
    """An order for points that nothing wants now, by a limit or the configuration: its room belongs to the mode."""
    RETRY = "retry"


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
class Signals:
    """What was learnt of the market's movement, the mode that came of it and of the inventory, and what equity says."""

    volatility: VolatilityState = VolatilityState()
    momentum: MomentumState = MomentumState()
    mode: ModeState = ModeState()
    leader: LeaderState = LeaderState()
    money: MoneyState = MoneyState()


@quick
@dataclass(frozen=True, slots=True)
class DecisionState:
    """What a decision hands to the next one. Times are monotonic nanoseconds."""

    basis_frac: float | None = None
    """Slow average of mark / mid - 1, which turns the fast book into an estimate of the slow mark."""
    basis_frame_ns: int | None = None
    hard_stop_since_ns: int | None = None
    resume_checks: int = 0
    resume_checked_ns: int | None = None
    bids_placed_ns: tuple[int | None, ...] = ()
    asks_placed_ns: tuple[int | None, ...] = ()
    """When each layer was last placed."""
    bid_points_placed_ns: int | None = None
    ask_points_placed_ns: int | None = None
    """The same of the layer for points."""
    bid_outdated_ns: int | None = None
    ask_outdated_ns: int | None = None
    """Since when each side has orders that serve no layer."""
    cancels_ns: tuple[int, ...] = ()
    """Non-risk cancels of the last minute, oldest first."""
    bid_silence: Silence | None = None
    ask_silence: Silence | None = None
    breaker: BreakerState = BreakerState()
    signals: Signals = Signals()
    shock: ShockState = ShockState()
    guard: GuardState = GuardState()

    def placed_ns(self, side: Side, layer: int) -> int | None:
        """When an order was last placed for a layer; None for never."""
        if layer == POINTS_LAYER:
            return self.bid_points_placed_ns if side is Side.BUY else self.ask_points_placed_ns
        times = self.bids_placed_ns if side is Side.BUY else self.asks_placed_ns
        return times[layer] if layer < len(times) else None

    def outdated_ns(self, side: Side) -> int | None:
        return self.bid_outdated_ns if side is Side.BUY else self.ask_outdated_ns

    def with_outdated(self, side: Side, since_ns: int | None) -> DecisionState:
        if side is Side.BUY:
            return replace(self, bid_outdated_ns=since_ns)
        return replace(self, ask_outdated_ns=since_ns)

    def with_placed(self, side: Side, layer: int, now_ns: int) -> DecisionState:
        if layer == POINTS_LAYER:
            if side is Side.BUY:
                return replace(self, bid_points_placed_ns=now_ns)
            return replace(self, ask_points_placed_ns=now_ns)
        times = list(self.bids_placed_ns if side is Side.BUY else self.asks_placed_ns)
        times.extend([None] * (layer + 1 - len(times)))
        times[layer] = now_ns
        if side is Side.BUY:
            return replace(self, bids_placed_ns=tuple(times))
        return replace(self, asks_placed_ns=tuple(times))


@quick
@dataclass(frozen=True, slots=True)
class Decision:
    """What each side wants, actions in the order in which they are to be carried out, and the next state.

    ``mark_estimate`` is the mark as it should stand now, from the book and the basis; None while it cannot be known.
    """

    mark_estimate: float | None
    ladders: tuple[Ladder, ...]
    actions: tuple[Action, ...]
    bid_silence: Silence | None
    ask_silence: Silence | None
    state: DecisionState
    bid_detail: str = ""
    ask_detail: str = ""
    """What the pricer said about a side that is silent for want of a price, one bounded line; empty for all others."""

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """Every layer that is wanted, nearest first, bids before asks."""
        return tuple(quote for ladder in self.ladders for quote in ladder.quotes())

    def silence(self, side: Side) -> Silence | None:
        return self.bid_silence if side is Side.BUY else self.ask_silence

    def detail(self, side: Side) -> str:
        return self.bid_detail if side is Side.BUY else self.ask_detail
