"""The health log: which events count for what, and what of it the decision sees."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hummingbot_extensions.connector.errors import (
    Misconfigured,
    NotFound,
    PostOnlyRejected,
    Rejected,
    RuleBroken,
    Transient,
)
from hummingbot_extensions.core.breaker_state import Ack
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState, OwnOrder
from hummingbot_extensions.execution.health import HealthLog

S = 1_000_000_000


def order(order_id: str, state: OrderState) -> OwnOrder:
    return OwnOrder(order_id, Side.BUY, Decimal(100), Decimal(1), state, False, 0)


@pytest.mark.parametrize(("kind", "rejects", "errors", "failures"), [
    (Rejected, 1, 1, 0), (RuleBroken, 1, 1, 0), (None, 1, 1, 0), (PostOnlyRejected, 0, 0, 0), (NotFound, 0, 1, 1),
    (Transient, 0, 1, 0), (Misconfigured, 0, 1, 0),
])
def test_refusals_are_sorted_by_kind(
    kind: type[Exception] | None, rejects: int, errors: int, failures: int
) -> None:
    """Post-only is neither rejection nor error; an order that never arrived is a failure; 429 and keys are errors."""
    log = HealthLog()
    log.on_order("placed", "a", S)
    log.on_order("rejected", "a", 2 * S, kind)
    health = log.health(2 * S, (), 0)
    assert (len(health.rejects_ns), health.errors, len(health.failures_ns), health.requests) == (
        rejects, errors, failures, 1)


def test_an_acknowledgement_is_measured_from_placing_to_live() -> None:
    """Once an order; its fill later is no second one, and ten are kept."""
    log = HealthLog()
    for number in range(12):
        log.on_order("placed", f"{number}", number * S)
        log.on_order("live", f"{number}", number * S + 400_000_000)
        log.on_order("filled", f"{number}", number * S + 900_000_000)
    acks = log.health(20 * S, (), 0).acks
    assert acks == tuple(Ack(number * S, 400.0) for number in range(2, 12))


def test_an_unknown_order_is_one_failure_however_often_it_is_seen_and_however_it_ends() -> None:
    """Seen in ten decisions and then refused as never arrived: one."""
    log = HealthLog()
    log.on_order("placed", "a", 0)
    for beat in range(10):
        log.health(beat * S, [order("a", OrderState.UNKNOWN), order("b", OrderState.LIVE)], 0)
    log.on_order("rejected", "a", 11 * S, NotFound)
    assert log.health(12 * S, (), 0).failures_ns == (0,)


def test_whatever_works_ends_the_row_of_failures_but_says_nothing_about_positions() -> None:
    """A cancel confirmed, an order live: the row is over; a mismatch stays for five minutes."""
    log = HealthLog()
    log.on_cancel_sent("retry", S)
    log.on_cancel_sent("too_near", S)
    log.on_position_mismatch(2 * S)
    assert log.health(3 * S, (), 0).failures_ns == (S, 2 * S)
    log.on_order("canceled", "a", 3 * S)
    assert log.health(302 * S, (), 0).failures_ns == (2 * S,)
    assert log.health(303 * S, (), 0).failures_ns == ()


def test_429_answers_are_those_since_the_last_look_and_none_from_before_the_first() -> None:
    """A connector that was throttled before the quoter began says nothing about now."""
    log = HealthLog()
    assert log.health(S, (), 7).throttles_ns == ()
    assert log.health(2 * S, (), 9).throttles_ns == (2 * S, 2 * S)
    health = log.health(3 * S, (), 9)
    assert len(health.throttles_ns) == 2 and (health.errors, health.requests) == (2, 2)


def test_requests_and_errors_are_those_of_the_last_minute() -> None:
    """61 s later nothing of them is left; memory is bounded."""
    log = HealthLog()
    for number in range(5000):
        log.on_order("rejected", f"{number}", S, Rejected)
    health = log.health(S, (), 0)
    assert health.requests == health.errors == 2000 and len(health.rejects_ns) == 50
    assert log.health(62 * S, (), 0).requests == 0
