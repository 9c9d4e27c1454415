"""What went wrong lately on the way to the venue, counted from what became of our orders, and the word on a new level.

The counts are plain inputs of the decision (``core.breakers``); nothing here decides, and times are arguments.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hummingbot_extensions.connector.errors import Misconfigured, NotFound, PostOnlyRejected, Transient
from hummingbot_extensions.core.breaker_state import Ack, BreakerState, Cause, Health, Level
from hummingbot_extensions.core.decision import CancelReason
from hummingbot_extensions.core.money import MoneyState
from hummingbot_extensions.core.view import OrderState, OwnOrder
from hummingbot_extensions.monitoring.event_log import EventLog

LOW_BALANCE, NORMAL = "low_balance", "normal"
"""Profiles of quotes: wider and smaller, or as configured."""
KEPT = 50
"""Stamps kept of each kind: at least the largest limit that a config may set."""
KEPT_ACKS = 10
REQUESTS_WINDOW_NS = 60_000_000_000
MISMATCH_WINDOW_NS = 300_000_000_000
MAX_REQUESTS = 2000


class HealthLog:
    """Counts by event; one per quoter. Times are monotonic nanoseconds, never falling."""

    def __init__(self) -> None:
        self._placed_ns: dict[str, int] = {}
        self._unknown: set[str] = set()
        self._rejects: deque[int] = deque(maxlen=KEPT)
        self._throttles: deque[int] = deque(maxlen=KEPT)
        self._failures: deque[int] = deque(maxlen=KEPT)
        self._mismatches: deque[int] = deque(maxlen=KEPT)
        self._acks: deque[Ack] = deque(maxlen=KEPT_ACKS)
        self._requests: deque[tuple[int, bool]] = deque(maxlen=MAX_REQUESTS)
        self._throttled_count: int | None = None

    # --- events ---

    def on_order(self, event: str, order_id: str, now_ns: int, refused_as: type[Exception] | None = None) -> None:
        """An order was ``placed``, is ``live``, or has ended (``filled``, ``canceled``, ``rejected``)."""
        if event == "placed":
            self._placed_ns[order_id] = now_ns
            return
        placed_ns = self._placed_ns.pop(order_id, None)
        if event == "rejected":
            self._rejected(order_id, now_ns, refused_as)
        else:
            self._worked(now_ns)
            if placed_ns is not None and event in ("live", "filled"):
                self._acks.append(Ack(placed_ns, (now_ns - placed_ns) / 1e6))
        if event != "live":
            self._unknown.discard(order_id)

    def on_cancel_sent(self, reason: str, now_ns: int) -> None:
        """A cancel left; one that is a retry says that the one before went unanswered."""
        if reason == CancelReason.RETRY:
            self._failed(now_ns)

    def on_position_mismatch(self, now_ns: int) -> None:
        """The venue's position stayed another than our fills make."""
        self._mismatches.append(now_ns)

    # --- the view ---

    def health(self, now_ns: int, orders: Iterable[OwnOrder], throttled_count: int) -> Health:
        """Counts as of now. ``orders`` are looked through for outcomes that have become unknown since."""
        for order in orders:
            if order.state is OrderState.UNKNOWN and order.client_order_id not in self._unknown:
                self._unknown.add(order.client_order_id)
                self._failed(now_ns)
        new = throttled_count - self._throttled_count if self._throttled_count is not None else 0
        self._throttled_count = throttled_count
        for _ in range(min(new, KEPT)):
            self._throttles.append(now_ns)
            self._requests.append((now_ns, True))
        while self._requests and now_ns - self._requests[0][0] > REQUESTS_WINDOW_NS:
            self._requests.popleft()
        while self._mismatches and now_ns - self._mismatches[0] > MISMATCH_WINDOW_NS:
            self._mismatches.popleft()
        return Health(
            rejects_ns=tuple(self._rejects),
            throttles_ns=tuple(self._throttles),
            failures_ns=tuple(sorted((*self._failures, *self._mismatches))),
            acks=tuple(self._acks),
            requests=len(self._requests),
            errors=sum(1 for _, is_error in self._requests if is_error),
        )

    # --- counting ---

    def _worked(self, now_ns: int) -> None:
        """A request did what it should: the row of failures ends. It says nothing about positions."""
        self._failures.clear()
        self._requests.append((now_ns, False))

    def _failed(self, now_ns: int) -> None:
        self._failures.append(now_ns)
        self._requests.append((now_ns, True))

    def _rejected(self, order_id: str, now_ns: int, kind: type[Exception] | None) -> None:
        """Sort a refusal: post-only is a maker's daily bread, a 429 and refused keys have ways of their own."""
        if kind is not None and issubclass(kind, PostOnlyRejected):
            self._worked(now_ns)
        elif kind is not None and issubclass(kind, NotFound):
            # Never arrived. Counted when its outcome became unknown, unless no decision saw it in between.
            if order_id not in self._unknown:
                self._failed(now_ns)
        elif kind is not None and issubclass(kind, (Transient, Misconfigured)):
            self._requests.append((now_ns, True))
        else:
            self._rejects.append(now_ns)
            self._requests.append((now_ns, True))


def announce(
    log: EventLog, controller_id: str, before: BreakerState, after: BreakerState, health: Health
) -> None:
    """Say and record a new level, once, with its cause; silence while it stays."""
    if before.level is after.level:
        return
    log.write(
        "breaker", level=after.level, cause=after.cause, was=before.level, rejects=len(health.rejects_ns),
        throttles=len(health.throttles_ns), failures=len(health.failures_ns), requests=health.requests,
        errors=health.errors, slowest_ack_ms=max((ack.ms for ack in health.acks), default=None))
    logger = logging.getLogger(__name__)
    words: tuple[Any, ...] = (controller_id, after.level, after.cause, before.level)
    if after.level is Level.STOP and after.cause in (Cause.TRIPS, Cause.SHOCK):
        logger.error(
            "breaker controller=%s level=%s cause=%s was=%s: nothing is placed until breaker_release is changed in "
            "the controller's file; a restart does not end it", *words)
    elif after.level.rank > before.level.rank:
        logger.warning("breaker controller=%s level=%s cause=%s was=%s", *words)
    else:
        logger.info("breaker controller=%s level=%s cause=%s was=%s", *words)


def announce_profile(
    log: EventLog, controller_id: str, before: MoneyState, after: MoneyState, equity_quote: Decimal | None
) -> None:
    """Say and record that the balance is low, or no longer."""
    if after.is_low is before.is_low:
        return
    profile = LOW_BALANCE if after.is_low else NORMAL
    log.write("profile", profile=profile, equity_quote=equity_quote)
    level = logging.WARNING if after.is_low else logging.INFO
    logging.getLogger(__name__).log(
        level, "profile controller=%s profile=%s equity=%s", controller_id, profile, equity_quote)
