"""Breaker levels: from what went wrong lately to how much a market maker may still do, and the way back.

Pure: stamps are monotonic nanoseconds and arguments. What happened is in ``Health``, which the shell counts; what was
made of it is in ``BreakerState``, which one decision hands to the next, so that a logged decision can be run again.

Every level but ``stop`` ends by itself. None flaps: a pause has a cooldown that doubles when it trips again soon, the
degraded level a least stay, safe mode a least stay and three checks, and what led to a trip never counts twice.
Post-only refusals are normal for a maker and count nowhere here: the side's own reject back-off answers them.
A dead man's switch, which a venue would fire on its own, does not exist at StandX; where one does, a pause leaves it
armed, since a pause only stops what would be sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter

from hummingbot_extensions.core.breaker_state import BreakerState, Cause, Health, Level, Trip
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.view import AccountView, MarketView, OwnOrder

SECOND_NS = 1_000_000_000
_HAS_RESTED = attrgetter("has_rested")
THROTTLE_WINDOW_S = 10.0
"""The venue's 429 answers are counted over this time."""
ACK_WINDOW_S = 60.0
SLOW_ACKS = 3
"""So many acknowledgements in a row have to be slow: one lost order is not a slow venue."""
MIN_REQUESTS, KEPT_MIN_REQUESTS = 10, 4
"""Fewer requests in a minute than this say nothing about the rate of errors; while degraded there are fewer."""
DEGRADED_HOLD_S = 60.0
TRIP_MEMORY_S = 600.0
"""A trip within this time after the end of the last one doubles the cooldown."""
MAX_DOUBLINGS = 3
SAFE_HOLD_S = 5.0
SAFE_CHECKS = 3
SAFE_CHECK_INTERVAL_S = 0.25
"""Together half a second, so that an outage that led here costs little more than itself."""
STOP_WINDOW_S = 3600.0
KEPT_ERRORS_FRAC, KEPT_LATENCY_FRAC = 0.5, 0.8
"""Parts of their thresholds under which errors and latency must fall before the degraded level ends."""
DEGRADED_FACTOR = 4
MIN_DEGRADED_DWELL_MS = 5000.0
MIN_DEGRADED_THROTTLE_MS = 2000.0


def after_check(
    state: BreakerState, view: MarketView, account: AccountView, params: QuoteParams, is_shocked: bool = False
) -> BreakerState:
    """State after one look at the health of the line, with the level that holds from now on.

    ``is_shocked`` says that a shock has just been confirmed (``core.shock``).
    """
    now_ns, health = view.now_ns, account.health
    if not is_shocked and _is_calm(state, health, account.orders, params):
        return state
    before = state
    state = _after_rejects(state, now_ns, health, params)
    state = _after_latency(state, now_ns, health, account.orders, params)
    state = _after_throttles(state, now_ns, health, params)
    is_line_up = _is_line_up(view, params)
    state = _after_failures(state, now_ns, health, is_verified(view, account, params), is_line_up, params)
    state = _after_noise(state, now_ns, health, account.orders, params)
    state = _after_stop(state, before, now_ns, is_line_up, is_shocked, params)
    level, cause = _level(state, now_ns, params)
    if (level, cause) == (state.level, state.cause):
        return state
    return replace(state, level=level, cause=cause)


def softened(params: QuoteParams, level: Level) -> QuoteParams:
    """Parameters for ``level``: while degraded quotes stay longer, and fewer cancels that are not for risk leave."""
    if level is not Level.DEGRADED:
        return params
    return replace(
        params,
        min_dwell_ms=max(params.min_dwell_ms * DEGRADED_FACTOR, MIN_DEGRADED_DWELL_MS),
        side_throttle_ms=max(params.side_throttle_ms * DEGRADED_FACTOR, MIN_DEGRADED_THROTTLE_MS),
        cancel_budget_per_min=max(1, params.cancel_budget_per_min // DEGRADED_FACTOR),
    )


def _is_calm(state: BreakerState, health: Health, orders: Iterable[OwnOrder], params: QuoteParams) -> bool:
    """Whether nothing has happened and nothing is in force, so that every rule leaves the state as it is."""
    return (
        state.level is Level.NORMAL
        and state.cause is Cause.NONE
        and params.breaker_level is Level.NORMAL
        and state.rejects is None
        and state.latency is None
        and state.throttled is None
        and state.degraded_until_ns is None
        and state.safe_since_ns is None
        and state.stop_since_ns is None
        and not (health.rejects_ns or health.throttles_ns or health.failures_ns or health.errors)
        and all(map(_HAS_RESTED, orders))
        and all(ack.ms < params.latency_degraded_ms for ack in health.acks)
    )


def is_verified(view: MarketView, account: AccountView, params: QuoteParams) -> bool:
    """Whether nothing of ours rests any more and the venue's position is the one that our fills make."""
    return (
        _is_account_alive(view, params)
        and not account.orders
        and account.position is not None
        and account.position == account.position_by_fills
    )


def slow_ack_ms(health: Health, orders: Iterable[OwnOrder], now_ns: int, from_ns: int = 0) -> float | None:
    """The quickest of the last three acknowledgements of orders placed since ``from_ns``, None while there are fewer.

    An order without one counts with its age once it has waited longer than any that was acknowledged.
    """
    oldest = max(from_ns, now_ns - int(ACK_WINDOW_S * SECOND_NS))
    known = [(ack.placed_ns, ack.ms) for ack in health.acks if ack.placed_ns >= oldest]
    longest = max((ms for _, ms in known), default=0.0)
    for order in orders:
        waited = (now_ns - order.placed_ns) / 1e6
        if not order.has_rested and order.placed_ns >= oldest and waited > longest:
            known.append((order.placed_ns, waited))
    last = sorted(known)[-SLOW_ACKS:]
    return min(ms for _, ms in last) if len(last) == SLOW_ACKS else None


def _is_on(trip: Trip | None, now_ns: int) -> bool:
    return trip is not None and now_ns < trip.until_ns


def _counted_from(trip: Trip | None) -> int:
    return 0 if trip is None else trip.until_ns


def _next_trip(last: Trip | None, now_ns: int, cooldown_s: float) -> Trip:
    """A new trip: the cooldown, doubled for every trip before it that ended shortly before the next."""
    is_soon = last is not None and now_ns - last.until_ns < TRIP_MEMORY_S * SECOND_NS
    count = last.count + 1 if last is not None and is_soon else 1
    lasts_s = cooldown_s * 2 ** min(count - 1, MAX_DOUBLINGS)
    return Trip(now_ns, now_ns + int(lasts_s * SECOND_NS), count)


def _recent(stamps: Iterable[int], now_ns: int, window_s: float, from_ns: int | None = None) -> list[int]:
    """Stamps within the window and not before ``from_ns``; one of before a reboot is negative."""
    oldest = now_ns - int(window_s * SECOND_NS)
    if from_ns is not None:
        oldest = max(from_ns, oldest)
    return [at for at in stamps if at >= oldest]


def _after_rejects(state: BreakerState, now_ns: int, health: Health, params: QuoteParams) -> BreakerState:
    trip = state.rejects
    if _is_on(trip, now_ns):
        return state
    recent = _recent(health.rejects_ns, now_ns, params.reject_window_s, _counted_from(trip))
    if len(recent) < params.reject_limit:
        return state
    tripped = _next_trip(trip, now_ns, params.reject_cooldown_s)
    return _recovering(replace(state, rejects=tripped), tripped.until_ns)


def _after_latency(
    state: BreakerState, now_ns: int, health: Health, orders: Iterable[OwnOrder], params: QuoteParams
) -> BreakerState:
    trip = state.latency
    if _is_on(trip, now_ns):
        return state
    slow = slow_ack_ms(health, orders, now_ns, _counted_from(trip))
    if slow is None or slow < params.latency_pause_ms:
        return state
    tripped = _next_trip(trip, now_ns, params.venue_cooldown_s)
    return _recovering(replace(state, latency=tripped), tripped.until_ns)


def _after_throttles(state: BreakerState, now_ns: int, health: Health, params: QuoteParams) -> BreakerState:
    """A burst of 429 pauses; one that goes on while paused (polls, cancels) puts the end off."""
    trip = state.throttled
    if trip is not None and now_ns < trip.until_ns:
        quiet_ns = max(health.throttles_ns, default=0) + int(params.venue_cooldown_s * SECOND_NS)
        if quiet_ns <= trip.until_ns:
            return state
        return _recovering(replace(state, throttled=replace(trip, until_ns=quiet_ns)), quiet_ns)
    recent = _recent(health.throttles_ns, now_ns, THROTTLE_WINDOW_S, _counted_from(trip))
    if len(recent) < params.throttle_limit:
        return state
    tripped = _next_trip(trip, now_ns, params.venue_cooldown_s)
    return _recovering(replace(state, throttled=tripped), tripped.until_ns)


def _after_failures(
    state: BreakerState, now_ns: int, health: Health, is_clear: bool, is_line_up: bool, params: QuoteParams
) -> BreakerState:
    """Safe mode: entered after failures in a row, left once orders and position stood verified in three checks.

    It has a least stay where the line was up. An outage explains what went unanswered in it, and ends by itself.
    """
    if state.safe_since_ns is None:
        left_ns = state.safe_left_ns if state.safe_left_ns is not None else 0
        if sum(1 for at in health.failures_ns if at >= left_ns) < params.failure_limit:
            return state
        until_ns = now_ns + int(SAFE_HOLD_S * SECOND_NS) if is_line_up else now_ns
        return replace(state, safe_since_ns=now_ns, safe_until_ns=until_ns, safe_checks=0, safe_checked_ns=None)
    if not is_clear:
        return replace(state, safe_checks=0, safe_checked_ns=None)
    checked = state.safe_checked_ns
    if checked is not None and now_ns - checked < SAFE_CHECK_INTERVAL_S * SECOND_NS:
        return state
    state = replace(state, safe_checks=state.safe_checks + 1, safe_checked_ns=now_ns)
    if state.safe_checks < SAFE_CHECKS or (state.safe_until_ns is not None and now_ns < state.safe_until_ns):
        return state
    left = replace(
        state, safe_since_ns=None, safe_until_ns=None, safe_checks=0, safe_checked_ns=None, safe_left_ns=now_ns)
    return _recovering(left, now_ns)


def _after_noise(
    state: BreakerState, now_ns: int, health: Health, orders: Iterable[OwnOrder], params: QuoteParams
) -> BreakerState:
    """The degraded level, entered by errors, latency or a single 429, kept for a minute after the last sign of them."""
    is_on = state.degraded_until_ns is not None and now_ns < state.degraded_until_ns
    is_telling = health.requests >= (KEPT_MIN_REQUESTS if is_on else MIN_REQUESTS)
    errors = health.errors / health.requests if is_telling else 0.0
    slow = slow_ack_ms(health, orders, now_ns)
    cause = Cause.NONE
    if errors >= params.error_degraded_frac * (KEPT_ERRORS_FRAC if is_on else 1.0):
        cause = Cause.ERRORS
    elif slow is not None and slow >= params.latency_degraded_ms * (KEPT_LATENCY_FRAC if is_on else 1.0):
        cause = Cause.LATENCY
    elif _recent(health.throttles_ns, now_ns, THROTTLE_WINDOW_S):
        cause = Cause.THROTTLED
    return state if cause is Cause.NONE else _degraded(state, now_ns + int(DEGRADED_HOLD_S * SECOND_NS), cause)


def _recovering(state: BreakerState, ends_ns: int) -> BreakerState:
    """State in which quoting begins gently after a breaker that ends at ``ends_ns``."""
    return _degraded(state, ends_ns + int(DEGRADED_HOLD_S * SECOND_NS), Cause.RECOVERING)


def _degraded(state: BreakerState, until_ns: int, cause: Cause) -> BreakerState:
    """State that is degraded until ``until_ns`` at least; what lasts longest is the cause."""
    if state.degraded_until_ns is not None and state.degraded_until_ns >= until_ns:
        return state
    return replace(state, degraded_until_ns=until_ns, degraded_cause=cause)


def _is_line_up(view: MarketView, params: QuoteParams) -> bool:
    """Whether book and account stream are alive: with both, a failure is not an outage that mends itself."""
    is_book_alive = view.book_age_ms is not None and view.book_age_ms <= params.stale_book_ms
    return is_book_alive and _is_account_alive(view, params)


def _is_account_alive(view: MarketView, params: QuoteParams) -> bool:
    """Whether what the account says is heard, and not too long ago."""
    is_heard = view.private_age_ms is not None and view.private_age_ms <= params.stale_private_ms
    return view.is_connector_ready and is_heard


def _after_stop(
    state: BreakerState, before: BreakerState, now_ns: int, is_line_up: bool, is_shocked: bool, params: QuoteParams
) -> BreakerState:
    """The stop: set by a shock or by too many serious trips, ended by a person who changes ``breaker_release``."""
    if state.stop_since_ns is not None and params.breaker_release != state.stop_release:
        state = replace(state, stop_since_ns=None, serious_ns=())
    if is_shocked and state.stop_since_ns is None:
        state = _stopped(state, now_ns, Cause.SHOCK, params)
    is_newly_rejected = state.rejects is not before.rejects
    is_newly_safe = before.safe_since_ns is None and state.safe_since_ns is not None and is_line_up
    if not (is_newly_rejected or is_newly_safe):
        return state
    new = [now_ns] * (is_newly_rejected + is_newly_safe)
    state = replace(state, serious_ns=(*_recent(state.serious_ns, now_ns, STOP_WINDOW_S), *new))
    if state.stop_since_ns is None and len(state.serious_ns) >= params.stop_after_trips:
        state = _stopped(state, now_ns, Cause.TRIPS, params)
    return state


def _stopped(state: BreakerState, now_ns: int, cause: Cause, params: QuoteParams) -> BreakerState:
    return replace(state, stop_since_ns=now_ns, stop_release=params.breaker_release, stop_cause=cause)


def _level(state: BreakerState, now_ns: int, params: QuoteParams) -> tuple[Level, Cause]:
    """The strictest level that holds now, with the cause; a level set by hand wins only where it is stricter."""
    holding = [
        (Level.STOP, state.stop_cause, state.stop_since_ns is not None),
        (Level.CANCEL_ONLY, Cause.FAILURES, state.safe_since_ns is not None),
        (Level.PAUSE, Cause.REJECTS, _is_on(state.rejects, now_ns)),
        (Level.PAUSE, Cause.THROTTLED, _is_on(state.throttled, now_ns)),
        (Level.PAUSE, Cause.LATENCY, _is_on(state.latency, now_ns)),
        (Level.DEGRADED, state.degraded_cause,
         state.degraded_until_ns is not None and now_ns < state.degraded_until_ns),
    ]  # fmt: skip
    level, cause = next(((level, cause) for level, cause, holds in holding if holds), (Level.NORMAL, Cause.NONE))
    by_hand = params.breaker_level
    return (by_hand, Cause.BY_HAND) if by_hand.rank > level.rank else (level, cause)
