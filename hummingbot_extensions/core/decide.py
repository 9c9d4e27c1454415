"""The one decision function: market view, account and state in; quotes, actions, reasons and the next state out.

Pure: no clock, no I/O, no logging. The controller, replay, tests and ``hbx explain`` call this and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hummingbot_extensions.core import anchors, breakers, market_guard, money, outlook, shock
from hummingbot_extensions.core.breaker_state import Level
from hummingbot_extensions.core.decision import Action, Decision, DecisionState, Place
from hummingbot_extensions.core.ladder import Ladder
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import NoPrice
from hummingbot_extensions.core.quoting import side_ladder
from hummingbot_extensions.core.reconcile import after_placing, reconcile_side
from hummingbot_extensions.core.risk import after_hard_stop_check
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import MarketStanding, Side
from hummingbot_extensions.core.view import AccountView, MarketView

HELD = {
    Level.PAUSE: Silence.BREAKER_PAUSE,
    Level.CANCEL_ONLY: Silence.BREAKER_CANCEL_ONLY,
    Level.STOP: Silence.BREAKER_STOP,
}
"""Silence of both sides at the breaker levels that quote nothing."""


_STANDING_SILENCE = {
    MarketStanding.HALTED: Silence.HALTED,
    MarketStanding.RULES_CHANGING: Silence.RULES_CHANGING,
    MarketStanding.UNKNOWN: Silence.STANDING_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class DecisionInputs:
    """Everything a decision depends on; the same inputs give the same decision, to the byte."""

    view: MarketView
    account: AccountView
    params: QuoteParams
    state: DecisionState


def decide(inputs: DecisionInputs) -> Decision:
    """Quotes wanted now and the actions that lead there.

    Refuses rather than guesses: with stale, missing or contradictory input both sides are silent under one reason and
    what rests is cancelled. Cancels come before places, so that a venue that works in order frees margin first.
    """
    view, account, params = inputs.view, inputs.account, inputs.params
    state = inputs.state
    shaken, is_shocked = shock.after_view(state.shock, view, params.shock)
    basis_frac, basis_frame_ns = state.basis_frac, state.basis_frame_ns
    if not shaken.is_suspected:
        basis_frac, basis_frame_ns = _basis(state, view, params)
    breaker = breakers.after_check(state.breaker, view, account, params, is_shocked)
    params = breakers.softened(params, breaker.level)
    mark = anchors.mark_estimate(view, basis_frac)
    refusal = _refusal(view, account, params, mark) or HELD.get(breaker.level)
    if refusal is None and shaken.is_suspected:
        refusal = Silence.SHOCK
    position = account.tier_position
    signals, guard, seen = state.signals, market_guard.unseen(state.guard), None
    if refusal is None and position is not None and mark is not None:
        signals = outlook.after_frame(signals, view, position, params)
        if params.needs_equity or signals.money.is_low:
            signals = replace(signals, money=money.after(signals.money, view.now_ns, account.equity_quote, params))
            state = replace(state, signals=signals)
        if account.adding_frac < 1:
            params = replace(params, worst_case_frac=params.worst_case_frac * account.adding_frac)
        state = after_hard_stop_check(state, position, view.now_ns, params)
        guard = market_guard.after_view(state.guard, view, params.market_guard)
        if signals.volatility.is_paused:
            refusal = Silence.VOLATILITY
        elif guard.pulls(params.market_guard):
            refusal = guard.cause
        else:
            is_stopped = state.hard_stop_since_ns is not None
            seen = outlook.outlook(mark, position, is_stopped, view, account, signals, guard, params)

    ladders: list[Ladder] = []
    actions: list[Action] = []
    silences: dict[Side, Silence | None] = {}
    details = {Side.BUY: "", Side.SELL: ""}
    for side in (Side.BUY, Side.SELL):
        wanted = side_ladder(side, seen, view, params) if seen is not None else refusal or Silence.NO_MARK
        if isinstance(wanted, Ladder):
            ladders.append(wanted)
        elif isinstance(wanted, NoPrice):
            details[side], wanted = wanted.text, Silence.NO_PRICE
        plan = reconcile_side(side, wanted, view, account, params, state)
        state = plan.state
        if plan.actions:
            account = after_placing(account, plan.actions)
            actions.extend(plan.actions)
        silences[side] = plan.silence
    actions.sort(key=_cancels_first)
    bid_silence, ask_silence = silences[Side.BUY], silences[Side.SELL]
    state = replace(
        state, basis_frac=basis_frac, basis_frame_ns=basis_frame_ns, breaker=breaker, signals=signals, shock=shaken,
        guard=guard, bid_silence=bid_silence, ask_silence=ask_silence,
    )  # fmt: skip
    return Decision(
        mark, tuple(ladders), tuple(actions), bid_silence, ask_silence, state, details[Side.BUY], details[Side.SELL])


def has_changed(before: DecisionState, decision: Decision) -> bool:
    """Whether a decision did something worth recording: an action, another breaker level, reason for silence or state
    of the market guard.
    """
    after = decision.state
    return bool(decision.actions) or (
        decision.bid_silence, decision.ask_silence, after.breaker.level, after.guard.cause
    ) != (before.bid_silence, before.ask_silence, before.breaker.level, before.guard.cause)  # fmt: skip


def _cancels_first(action: Action) -> bool:
    return isinstance(action, Place)


def _is_crossed(view: MarketView) -> bool:
    """Whether the best bid stands above the best ask; a locked book is what truncation makes of a narrow one."""
    return view.bid is not None and view.ask is not None and view.bid > view.ask


def _basis(state: DecisionState, view: MarketView, params: QuoteParams) -> tuple[float | None, int | None]:
    """The basis moved by a mark that has not been counted yet, and the frame of the newest mark that was.

    Stale, one-sided and crossed books teach nothing, nor does a mark so far from the mid that it is refused: one such
    frame would put the estimate off for several half-lives after the mark has come back.
    """
    known = state.basis_frac, state.basis_frame_ns
    frame, mid, mark = view.price_frame_ns, view.mid, view.mark
    if frame is None or mark is None or mid is None or mark <= 0 or mid <= 0:
        return known
    if state.basis_frame_ns is not None and frame <= state.basis_frame_ns:
        return known
    if view.book_age_ms is None or view.book_age_ms > params.stale_book_ms or _is_crossed(view):
        return known
    if anchors.divergence_bps(view) > params.max_mark_mid_divergence_bps:
        return known
    elapsed_s = (frame - state.basis_frame_ns) / 1e9 if state.basis_frame_ns is not None else 0.0
    basis = anchors.basis_after(state.basis_frac, float(mark), mid, elapsed_s, params.basis_halflife_s)
    return basis, frame


def _refusal(view: MarketView, account: AccountView, params: QuoteParams, mark: float | None) -> Silence | None:
    """The one reason why nothing may be quoted at all, in the order in which a person would look for it."""
    if not view.is_connector_ready:
        return Silence.CONNECTOR_NOT_READY
    if view.private_age_ms is None or view.private_age_ms > params.stale_private_ms:
        return Silence.STALE_PRIVATE_STREAM
    if account.position is None:
        return Silence.POSITION_UNKNOWN
    if account.hold is not None:
        return account.hold
    if view.standing is not MarketStanding.TRADING:
        return _STANDING_SILENCE[view.standing]
    if view.book_age_ms is None or view.book_age_ms > params.stale_book_ms:
        return Silence.STALE_BOOK
    if view.bid is None or view.ask is None or view.bid <= 0 or view.ask <= 0:
        return Silence.EMPTY_BOOK
    if _is_crossed(view):
        return Silence.CROSSED_BOOK
    if mark is None or mark <= 0:
        return Silence.NO_MARK
    if view.price_age_ms is None or view.price_age_ms > params.stale_mark_ms:
        return Silence.STALE_MARK
    if anchors.divergence_bps(view) > params.max_mark_mid_divergence_bps:
        return Silence.MARK_MID_DIVERGENCE
    return None
