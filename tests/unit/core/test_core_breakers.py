"""Breaker levels, case by case: what trips each, what each stops, and how each ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core_builders import (
    ASK_KEPT,
    BID_KEPT,
    NOW,
    SECOND,
    account,
    cancels,
    decided,
    inputs,
    order,
    params,
    places,
    view,
)

from hummingbot_extensions.core.breaker_state import Ack, BreakerState, Cause, Health, Level
from hummingbot_extensions.core.breakers import DEGRADED_HOLD_S, slow_ack_ms, softened
from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.decide import DecisionInputs, decide, has_changed
from hummingbot_extensions.core.decision import Decision, DecisionState
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, OrderState


def at(seconds: float, health: Health = Health(), state: DecisionState | None = None,  # noqa: B008  frozen
       held: AccountView | None = None, **changes: Any) -> Decision:  # fmt: skip
    """The decision ``seconds`` after NOW, with everything fresh."""
    now_ns = NOW + int(seconds * SECOND)
    seen = replace(held or account(), health=health)
    return decided(view(now_ns=now_ns, price_frame_ns=now_ns), seen, params(**changes), state)


def stamps(*seconds: float) -> tuple[int, ...]:
    return tuple(NOW + int(s * SECOND) for s in seconds)


def breaker(decision: Decision) -> tuple[Level, Cause]:
    return decision.state.breaker.level, decision.state.breaker.cause


def acks(ms: float, *seconds: float) -> tuple[Ack, ...]:
    return tuple(Ack(stamp, ms) for stamp in stamps(*seconds))


@pytest.mark.parametrize(("when", "level"), [
    ((0, 10, 20, 30), Level.NORMAL), ((0, 10, 20, 30, 40), Level.PAUSE), ((0, 60, 120, 180, 299), Level.PAUSE),
    ((0, 75, 150, 225, 301), Level.NORMAL),
])
def test_five_rejections_within_300_s_pause_and_four_do_not(when: tuple[float, ...], level: Level) -> None:
    """Both sides fall silent under the breaker's own reason; what rests is cancelled for risk."""
    decision = at(when[-1], Health(rejects_ns=stamps(*when)), held=account(BID_KEPT, ASK_KEPT))
    assert decision.state.breaker.level is level
    if level is Level.PAUSE:
        assert breaker(decision) == (Level.PAUSE, Cause.REJECTS)
        assert {decision.bid_silence, decision.ask_silence} == {Silence.BREAKER_PAUSE}
        assert {c.client_order_id for c in cancels(decision)} == {BID_KEPT.client_order_id, ASK_KEPT.client_order_id}
        assert all(c.is_risk for c in cancels(decision))
    else:
        assert not cancels(decision)


def test_a_pause_ends_after_its_cooldown_gently_and_the_same_rejections_do_not_count_again() -> None:
    """60 s paused, then degraded for a minute, then normal; the five stamps are still inside the 300 s."""
    health = Health(rejects_ns=stamps(0, 1, 2, 3, 4))
    paused = at(4, health)
    assert breaker(at(63.9, health, paused.state))[0] is Level.PAUSE
    back = at(64, health, paused.state)
    assert breaker(back) == (Level.DEGRADED, Cause.RECOVERING)
    assert len(places(back)) == 2
    assert breaker(at(64 + DEGRADED_HOLD_S, health, back.state)) == (Level.NORMAL, Cause.NONE)


def test_a_breaker_that_trips_again_soon_pauses_twice_as_long_up_to_eightfold() -> None:
    """60, 120, 240, 480, 480 s; ten minutes after the end of the last pause it is 60 again."""
    state, now, lengths = DecisionState(), 0.0, []
    for _ in range(5):
        tripped = at(now, Health(rejects_ns=stamps(*([now] * 5))), state, stop_after_trips=100)
        trip = tripped.state.breaker.rejects
        assert trip is not None
        lengths.append((trip.until_ns - trip.since_ns) / SECOND)
        state, now = tripped.state, (trip.until_ns - NOW) / SECOND + 1
    assert lengths == [60, 120, 240, 480, 480]
    calm = now + 600
    late = at(calm, Health(rejects_ns=stamps(*([calm] * 5))), state, stop_after_trips=100).state.breaker.rejects
    assert late is not None and late.until_ns - late.since_ns == 60 * SECOND


@pytest.mark.parametrize(("ms", "count", "level"), [
    (2000.0, 3, Level.PAUSE), (2000.0, 2, Level.NORMAL), (1999.0, 3, Level.DEGRADED), (1200.0, 3, Level.DEGRADED),
    (1199.0, 3, Level.NORMAL),
])
def test_three_slow_acknowledgements_in_a_row_slow_down_or_pause(ms: float, count: int, level: Level) -> None:
    """2 s pauses, 1.2 s degrades; two are not enough."""
    decision = at(10, Health(acks=acks(ms, *range(count))))
    assert decision.state.breaker.level is level


def test_one_quick_acknowledgement_among_the_last_three_says_that_the_venue_is_not_slow() -> None:
    """One lost order among good ones must not pull the quotes; acks older than a minute are forgotten."""
    slow = acks(5000, 0, 1, 3)
    assert slow_ack_ms(Health(acks=(*slow, Ack(stamps(4)[0], 80.0))), (), NOW + 5 * SECOND) == 80.0
    assert slow_ack_ms(Health(acks=slow), (), NOW + 64 * SECOND) is None


def test_orders_still_waiting_for_an_acknowledgement_count_with_their_age() -> None:
    """Three orders without a word for 2 s pause before any answer has come; one that has just left says nothing."""
    waiting = [order(Side.BUY, "99940.00", f"w{n}", placed_ns=NOW, state=OrderState.PLACING, has_rested=False)
               for n in range(3)]
    assert at(1.9, held=account(*waiting)).state.breaker.level is not Level.PAUSE
    assert breaker(at(2.0, held=account(*waiting))) == (Level.PAUSE, Cause.LATENCY)
    quick = Health(acks=acks(50, 0, 1, 2))
    fresh = order(Side.BUY, "99940.00", placed_ns=stamps(3)[0], state=OrderState.PLACING, has_rested=False)
    assert slow_ack_ms(quick, [fresh], NOW + 3 * SECOND) == 50.0


def test_a_burst_of_429_pauses_and_goes_on_as_long_as_they_come() -> None:
    """Three within 10 s; each further one puts the end off to 30 s after it; then it resumes by itself."""
    first = at(2, Health(throttles_ns=stamps(0, 1, 2)))
    assert breaker(first) == (Level.PAUSE, Cause.THROTTLED)
    more = Health(throttles_ns=stamps(0, 1, 2, 20))
    later = at(20, more, first.state)
    assert breaker(at(49.9, more, later.state))[0] is Level.PAUSE
    assert breaker(at(50, more, later.state)) == (Level.DEGRADED, Cause.RECOVERING)


def test_a_single_429_makes_quoting_gentler_for_a_minute() -> None:
    """One answer of too many requests is a hint, not an accident."""
    one = Health(throttles_ns=stamps(0))
    first = at(1, one)
    assert breaker(first) == (Level.DEGRADED, Cause.THROTTLED)
    assert breaker(at(61.1, one, first.state))[0] is Level.NORMAL


@pytest.mark.parametrize(("errors", "requests", "level"), [
    (2, 10, Level.DEGRADED), (1, 10, Level.NORMAL), (9, 9, Level.NORMAL), (30, 100, Level.DEGRADED),
])
def test_errors_degrade_only_with_enough_requests_to_say_so(errors: int, requests: int, level: Level) -> None:
    """15 % of at least ten requests in a minute."""
    assert at(0, Health(requests=requests, errors=errors)).state.breaker.level is level


def test_degraded_stays_until_errors_have_halved() -> None:
    """Entered at 15 %, kept at 8 % and by one of the few requests then sent, left a minute after they fell under."""
    entered = at(0, Health(requests=100, errors=15))
    kept = at(50, Health(requests=100, errors=8), entered.state)
    kept = at(59, Health(requests=4, errors=1), kept.state)
    assert breaker(at(100, Health(requests=100, errors=7), kept.state))[0] is Level.DEGRADED
    assert breaker(at(119.1, Health(requests=3, errors=3), kept.state))[0] is Level.NORMAL


def test_degraded_sends_less_and_never_less_than_a_gentle_pace() -> None:
    """Four times the waits, a quarter of the budget; fast settings are brought to 5 s and 2 s."""
    usual = softened(params(), Level.DEGRADED)
    assert (usual.min_dwell_ms, usual.side_throttle_ms, usual.cancel_budget_per_min) == (12_000.0, 2000.0, 2)
    fast = softened(params(min_dwell_ms=0.0, side_throttle_ms=0.0, cancel_budget_per_min=1), Level.DEGRADED)
    assert (fast.min_dwell_ms, fast.side_throttle_ms, fast.cancel_budget_per_min) == (5000.0, 2000.0, 1)
    assert softened(params(), Level.NORMAL) == params()


def test_degraded_does_not_hold_up_a_cancel_for_risk() -> None:
    """A quote that has come too near is cancelled at once, though it is a second old and the budget is spent."""
    near = order(Side.BUY, "99990.00", placed_ns=NOW - SECOND)
    spent = DecisionState(cancels_ns=(NOW,) * 20)
    decision = at(0, Health(requests=100, errors=50), spent, account(near))
    assert decision.state.breaker.level is Level.DEGRADED
    assert [c.client_order_id for c in cancels(decision)] == [near.client_order_id]


def test_safe_mode_after_three_failures_ends_only_when_everything_is_verified() -> None:
    """Nothing is placed while an order is of unknown outcome or positions differ; then three checks."""
    failures = Health(failures_ns=stamps(0, 1, 2))
    lost = order(Side.BUY, "99940.00", state=OrderState.UNKNOWN)
    safe = at(2, failures, held=account(lost))
    assert breaker(safe) == (Level.CANCEL_ONLY, Cause.FAILURES)
    assert not places(safe) and {safe.bid_silence, safe.ask_silence} == {Silence.BREAKER_CANCEL_ONLY}
    assert breaker(at(1000, failures, safe.state, account(lost)))[0] is Level.CANCEL_ONLY
    differing = account(position="0.001", position_by_fills=params().order_size_base)
    held = at(1001, failures, safe.state, differing)
    assert held.state.breaker.level is Level.CANCEL_ONLY and held.state.breaker.safe_checks == 0
    state = held.state
    for second in (1002.0, 1002.2, 1002.5):
        state = at(second, failures, state).state
        assert state.breaker.level is Level.CANCEL_ONLY
    left = at(1003, failures, state)
    assert breaker(left) == (Level.DEGRADED, Cause.RECOVERING) and len(places(left)) == 2
    assert breaker(at(1003 + DEGRADED_HOLD_S, failures, left.state))[0] is Level.NORMAL


def test_a_failed_check_starts_the_count_anew() -> None:
    """Two good checks, one with an order, and three are needed again."""
    failures = Health(failures_ns=stamps(0, 0, 0))
    state = at(0, failures).state
    for second, held in ((10, account()), (11, account()), (12, account(BID_KEPT)), (13, account()), (14, account())):
        state = at(second, failures, state, held).state
        assert state.breaker.level is Level.CANCEL_ONLY
    assert at(15, failures, state).state.breaker.level is Level.DEGRADED


def test_two_failures_are_no_row() -> None:
    """Three are needed."""
    assert at(2, Health(failures_ns=stamps(0, 1))).state.breaker.level is Level.NORMAL


def test_six_serious_trips_in_an_hour_stop_until_a_person_changes_the_number() -> None:
    """The stop outlasts any calm; `breaker_release` ends it, and the next six are needed for another."""
    state, now = DecisionState(), 0.0
    for trip in range(6):
        decision = at(now, Health(rejects_ns=stamps(*([now] * 5))), state)
        assert decision.state.breaker.level is (Level.STOP if trip == 5 else Level.PAUSE)
        state, now = decision.state, now + 500
    assert (decision.bid_silence, decision.ask_silence) == (Silence.BREAKER_STOP, Silence.BREAKER_STOP)
    calm = at(1_000_000, state=state)
    assert breaker(calm) == (Level.STOP, Cause.TRIPS) and not places(calm)
    released = at(1_000_001, state=calm.state, breaker_release=1)
    assert breaker(released) == (Level.NORMAL, Cause.NONE) and len(places(released)) == 2
    assert breaker(at(1_000_002, state=released.state, breaker_release=1))[0] is Level.NORMAL


def test_latency_and_429_never_lead_to_a_stop() -> None:
    """They speak of the venue, which mends itself; a night of them must not need a person in the morning."""
    state, now = DecisionState(), 0.0
    for _ in range(20):
        decision = at(now, Health(throttles_ns=stamps(now, now, now), acks=acks(9000, now, now, now)), state)
        assert decision.state.breaker.level is Level.PAUSE
        state, now = decision.state, now + 300
    assert at(now + 1000, state=state).state.breaker.level is Level.NORMAL


@pytest.mark.parametrize(("level", "places_orders"), [
    (Level.DEGRADED, True), (Level.PAUSE, False), (Level.CANCEL_ONLY, False), (Level.STOP, False),
])
def test_every_level_can_be_set_by_hand_and_ends_with_the_setting(level: Level, places_orders: bool) -> None:
    """Its cause says so; a breaker that is stricter wins."""
    decision = at(0, held=account(BID_KEPT), breaker_level=level)
    assert breaker(decision) == (level, Cause.BY_HAND)
    assert bool(places(decision)) is places_orders and bool(cancels(decision)) is not places_orders
    assert breaker(at(1, state=decision.state)) == (Level.NORMAL, Cause.NONE)
    if level is not Level.STOP:
        failing = at(0, Health(failures_ns=stamps(0, 0, 0)), breaker_level=level)
        assert failing.state.breaker.level is Level.CANCEL_ONLY


def test_what_each_level_allows() -> None:
    """Quoting up to degraded; an exit from a position up to pause; below that nothing is placed."""
    assert [level.may_quote for level in Level] == [True, True, False, False, False]
    assert [level.may_exit for level in Level] == [True, True, True, False, False]


def test_a_cancel_that_is_under_way_is_not_sent_twice_by_a_pause() -> None:
    """It is repeated after the retry time, as always."""
    going = replace(BID_KEPT, state=OrderState.CANCELLING, cancel_sent_ns=NOW)
    health = Health(rejects_ns=stamps(0, 0, 0, 0, 0))
    assert not cancels(at(0, health, held=account(going)))
    assert len(cancels(at(3, health, held=account(going)))) == 1


def test_a_new_level_is_recorded_and_runs_again_from_the_record() -> None:
    """A change of level alone makes the decision worth a row, and the row gives the same decision."""
    seen = replace(account(BID_KEPT, ASK_KEPT), health=Health(requests=100, errors=50, acks=acks(10.5, 0)))
    given = inputs(held=seen, state=DecisionState(breaker=BreakerState(serious_ns=stamps(-5))))
    decision = decide(given)
    assert not decision.actions and has_changed(given.state, decision)
    assert decide(from_plain(DecisionInputs, to_plain(given))) == decision


def dead_line(seconds: float, state: DecisionState | None = None, failures: int = 3) -> Decision:
    """The decision in an outage: no book for ten seconds, and ``failures`` unanswered cancels in it."""
    now_ns = NOW + int(seconds * SECOND)
    health = Health(failures_ns=stamps(*(seconds - 1 - n for n in range(failures))))
    seen = replace(account(), health=health)
    return decided(view(now_ns=now_ns, price_frame_ns=now_ns, book_age_ms=10_000.0), seen, params(), state)


def test_an_outage_leads_to_safe_mode_without_a_least_stay_and_never_to_a_stop() -> None:
    """Ten outages in an hour, each with unanswered cancels: quoted again within a second of every one."""
    state: DecisionState | None = None
    for number in range(10):
        since = 300.0 * number
        state = dead_line(since + 10, state).state
        assert state.breaker.level is Level.CANCEL_ONLY
        for step in range(4):
            state = at(since + 10.1 + step * 0.3, state=state).state
        assert state.breaker.level.may_quote and state.breaker.stop_since_ns is None


def test_failures_on_a_living_line_keep_their_least_stay_and_count_for_a_stop() -> None:
    """The same failures with book and account stream alive are ours: five seconds at least, six times stop."""
    state: DecisionState | None = None
    for number in range(params().stop_after_trips):
        since = 300.0 * number + 10
        state = at(since, Health(failures_ns=stamps(since - 3, since - 2, since - 1)), state).state
        for step in range(4):
            state = at(since + 0.1 + step * 0.3, state=state).state
        assert not state.breaker.level.may_quote
        for step in range(4):
            state = at(since + 6 + step * 0.3, state=state).state
    assert state is not None and state.breaker.level is Level.STOP
