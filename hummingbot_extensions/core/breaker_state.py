"""What breakers count and remember: levels with their causes, what went wrong lately, and what holds until when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much may be done, from everything to nothing."""

    NORMAL = "normal"
    DEGRADED = "degraded"
    """Noise mode: quotes stay longer, fewer requests. Cancels for risk are as fast as ever."""
    PAUSE = "pause"
    """Quotes are pulled and none is placed; an exit from a position may still be."""
    CANCEL_ONLY = "cancel_only"
    """Nothing at all is placed, exits neither, until what rests and what is held has been verified."""
    STOP = "stop"
    """As cancel_only, until a person has looked and changed ``breaker_release``; a restart does not end it."""

    @property
    def rank(self) -> int:
        return _RANK[self]

    @property
    def may_quote(self) -> bool:
        return self.rank < Level.PAUSE.rank

    @property
    def may_exit(self) -> bool:
        """Whether an order that closes a position in an emergency may be placed."""
        return self.rank < Level.CANCEL_ONLY.rank


_RANK = {level: rank for rank, level in enumerate(Level)}


class Cause(StrEnum):
    """What a level is due to."""

    NONE = "none"
    BY_HAND = "by_hand"
    RECOVERING = "recovering"
    """A breaker has just ended; quoting begins gently."""
    ERRORS = "errors"
    LATENCY = "latency"
    THROTTLED = "throttled"
    REJECTS = "rejects"
    FAILURES = "failures"
    TRIPS = "trips"
    """Rejections or failures tripped too often in an hour."""
    SHOCK = "shock"
    """Mid and mark have moved by ``shock_frac`` or more."""


@dataclass(frozen=True, slots=True)
class Ack:
    """Time from placing an order until the venue said that it rests."""

    placed_ns: int
    ms: float


@dataclass(frozen=True, slots=True)
class Health:
    """What went wrong lately; stamps oldest first. The shell keeps each list short, never shorter than its limit.

    ``failures_ns`` is the present row: orders of unknown outcome and unanswered cancels since the last one that
    worked, and position mismatches of the last minutes. ``requests`` and ``errors`` count the last minute.
    """

    rejects_ns: tuple[int, ...] = ()
    throttles_ns: tuple[int, ...] = ()
    failures_ns: tuple[int, ...] = ()
    acks: tuple[Ack, ...] = ()
    requests: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Trip:
    """One pause: when it began, when it ends, and the how manieth in a row it is."""

    since_ns: int
    until_ns: int
    count: int


@dataclass(frozen=True, slots=True)
class LastingStop:
    """What outlives the process: a stop that waits for a person, and the serious trips that count towards one.

    A supervisor that restarts a bot which stopped itself, or one that crashes, must not set it trading again. Pauses
    and safe mode do not last: a start verifies orders and position before it quotes, and what tripped them counts here.
    """

    stop_since_ns: int | None = None
    stop_release: int = 0
    """``breaker_release`` as it was when the stop began: another number ends it."""
    serious_ns: tuple[int, ...] = ()
    stop_cause: Cause = Cause.TRIPS


@dataclass(frozen=True, slots=True)
class BreakerState:
    """Present level with its cause, and what decides when it ends."""

    level: Level = Level.NORMAL
    cause: Cause = Cause.NONE
    rejects: Trip | None = None
    latency: Trip | None = None
    throttled: Trip | None = None
    degraded_until_ns: int | None = None
    degraded_cause: Cause = Cause.NONE
    safe_since_ns: int | None = None
    safe_until_ns: int | None = None
    """Safe mode lasts at least until then."""
    safe_checks: int = 0
    safe_checked_ns: int | None = None
    safe_left_ns: int | None = None
    serious_ns: tuple[int, ...] = ()
    """Trips in the last hour by rejections, and by failures on a line that was up: those speak of us, not of a slow
    venue or a lost connection.
    """
    stop_since_ns: int | None = None
    stop_release: int = 0
    stop_cause: Cause = Cause.TRIPS

    @property
    def lasting(self) -> LastingStop:
        """What a restart goes on from."""
        return LastingStop(self.stop_since_ns, self.stop_release, self.serious_ns, self.stop_cause)
