"""The estimate of the venue's clock and the quantiles of delays, on worked numbers."""

from __future__ import annotations

from hummingbot_extensions.connector.latency import LatencyBook, Leg
from hummingbot_extensions.connector.venue_clock import RoundTrip, VenueClock

MS = 1_000_000
S = 1000 * MS
OFFSET = 1_700_000_000 * S


def trip(at_s: float, error_ms: float = 0.0, rtt_ms: float = 20.0, offset: int = OFFSET) -> RoundTrip:
    """A round trip that ends at ``at_s``; the venue looked at its clock ``error_ms`` later than half-way."""
    received = int(at_s * S)
    sent = received - int(rtt_ms * MS)
    return RoundTrip(sent, received, (sent + received) // 2 + offset + int(error_ms * MS), received + OFFSET)


def test_the_median_ignores_one_slow_answer() -> None:
    """One answer that lay in a queue for 300 ms moves the estimate by nothing."""
    clock = VenueClock()
    assert clock.venue_ns(0) is None and clock.reading() is None
    clock.note([trip(1), trip(2), trip(3)])
    clock.note([trip(4, error_ms=150, rtt_ms=320)])
    assert clock.venue_ns(10 * S) == OFFSET + 10 * S
    reading = clock.reading()
    assert reading.local_offset_ms == 0 and reading.uncertainty_ms == 10 and reading.drift_ppm is None


def test_a_jump_needs_two_answers_that_agree() -> None:
    """One wild answer is dropped; two that agree are a jump, and how far it went is returned."""
    clock = VenueClock()
    clock.note([trip(1), trip(2), trip(3)])
    wild = trip(4, error_ms=30_000)
    assert clock.deviates(wild) and clock.note([wild]) is None and clock.venue_ns(0) == OFFSET
    assert clock.note([trip(5, 30_000), trip(6, -90_000)]) is None and clock.venue_ns(0) == OFFSET
    assert clock.note([trip(7, 30_000), trip(8, 30_000)]) == 30 * S
    assert clock.venue_ns(0) == OFFSET + 30 * S and clock.jumps == 1
    assert clock.reading().local_offset_ms == 30_000


def test_drift_is_followed_and_stated() -> None:
    """A venue clock that gains 100 ppm is followed within a millisecond or two, and the drift is stated."""
    clock = VenueClock()
    for at_s in range(15, 3600, 15):
        assert clock.note([trip(at_s, offset=OFFSET + at_s * S // 10_000)]) is None
    assert abs(clock.venue_ns(3600 * S) - (OFFSET + 3600 * S + 360 * MS)) < 8 * MS
    assert abs(clock.reading().drift_ppm - 100) < 2 and clock.jumps == 0


def test_quantiles_by_nearest_rank() -> None:
    """Of 1 to 100 ms the median is 50, the 90th 90, the 99th 99; only the last 512 count."""
    book = LatencyBook()
    for delay in range(1, 101):
        book.note(Leg.BOOK, delay * MS)
    latency = book.latency(None)
    assert latency.fill is None and latency.uncertainty_ms is None
    shown = latency.book
    assert (shown.p50_ms, shown.p90_ms, shown.p99_ms, shown.worst_ms, shown.last_ms) == (50, 90, 99, 100, 100)
    for _ in range(512):
        book.note(Leg.BOOK, 7 * MS)
    shown = book.latency(None).book
    assert (shown.count, shown.worst_ms, shown.p50_ms) == (612, 7, 7)
