"""Limits on the position: tiers, the way back from a hard stop, and the worst case over every order that could fill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from hummingbot_extensions.core.decision import DecisionState
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OwnOrder

NOTHING = Decimal(0)
RESUME_CHECKS = 3
"""Consecutive checks under the resume limit before a hard stop ends."""
RESUME_CHECK_INTERVAL_NS = 1_000_000_000


def is_adding(side: Side, position: Decimal) -> bool:
    """Whether a fill on ``side`` moves the position away from zero; both sides add to a flat position."""
    return position == 0 or (position > 0) == (side is Side.BUY)


def worst_case(side: Side, position: Decimal, orders: Iterable[OwnOrder]) -> Decimal:
    """Signed distance of the position in the direction of ``side`` if every order on that side filled.

    Orders being cancelled or of unknown outcome count in full: until the venue says otherwise they may fill.
    """
    resting = sum([order.size for order in orders if order.side is side], NOTHING)
    return position * side.sign + resting


def room(side: Side, position: Decimal, orders: Iterable[OwnOrder], cap: Decimal) -> Decimal:
    """Largest further size that may be placed on ``side`` without the worst case passing ``cap``; never negative."""
    return max(NOTHING, cap - worst_case(side, position, orders))


def after_hard_stop_check(state: DecisionState, position: Decimal, now_ns: int, params: QuoteParams) -> DecisionState:
    """State with the hard stop entered, kept or ended.

    Entered at the hard limit. Ended only after the cooldown, once the position was under the resume limit in three
    checks at least a second apart; one check above it starts the count anew, so that a position at it cannot flap.
    """
    size = abs(position)
    if size >= params.hard_stop_base:
        since = state.hard_stop_since_ns if state.hard_stop_since_ns is not None else now_ns
        return replace(state, hard_stop_since_ns=since, resume_checks=0, resume_checked_ns=None)
    if state.hard_stop_since_ns is None:
        return state
    if size >= params.resume_limit_base:
        return replace(state, resume_checks=0, resume_checked_ns=None)
    if state.resume_checked_ns is not None and now_ns - state.resume_checked_ns < RESUME_CHECK_INTERVAL_NS:
        return state
    checks = state.resume_checks + 1
    cooled = (now_ns - state.hard_stop_since_ns) / 1e9 >= params.hard_stop_cooldown_s
    if checks >= RESUME_CHECKS and cooled:
        return replace(state, hard_stop_since_ns=None, resume_checks=0, resume_checked_ns=None)
    return replace(state, resume_checks=checks, resume_checked_ns=now_ns)
