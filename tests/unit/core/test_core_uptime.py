"""Time in band against an integrator that looks at every single instant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.uptime import BandMeter, QuoteInterval, alive_spans, in_band

END = 60


def bid(start: int, end: int, price: float = 99.95, size: float = 1.0) -> QuoteInterval:
    return QuoteInterval(True, price, size, start, end)


def ask(start: int, end: int, price: float = 100.05, size: float = 1.0) -> QuoteInterval:
    return QuoteInterval(False, price, size, start, end)


@pytest.mark.parametrize(
    ("quotes", "expected"),
    [
        ([bid(0, 10), ask(0, 10)], (10, 10, 10)),
        ([bid(0, 10), ask(5, 20)], (10, 15, 5)),
        ([bid(0, 10), bid(5, 20)], (20, 0, 0)),
        ([bid(0, 10), bid(10, 20), ask(0, 20)], (20, 20, 20)),
        ([bid(0, 10), bid(11, 20), ask(0, 20)], (19, 20, 19)),
        ([bid(-5, 5), ask(55, 99)], (5, 5, 0)),
        ([bid(10, 10), bid(12, 11)], (0, 0, 0)),
        ([bid(0, 10, size=0.0)], (0, 0, 0)),
        ([bid(0, 10, price=99.9), ask(0, 10, price=100.1)], (10, 10, 10)),
        ([bid(0, 10, price=99.8999), ask(0, 10, price=100.1001)], (0, 0, 0)),
        ([bid(0, 10, price=100.05)], (10, 0, 0)),
    ],
)
def test_l1_l2_time_in_band_by_hand(quotes: list[QuoteInterval], expected: tuple[int, int, int]) -> None:
    """Mark 100, band 10 bps: half-open intervals, union per side, edge included, both sides at once apart."""
    result = in_band(quotes, [(0, 100.0)], [(0, END)], 0, END)
    assert (result.bid_ns, result.ask_ns, result.two_sided_ns) == expected
    assert (result.alive_ns, result.span_ns) == (END, END)


def test_nothing_is_in_band_before_the_first_mark_and_a_mark_holds_until_the_next() -> None:
    """First mark at 5, away from 20 to 30, back after."""
    result = in_band([bid(0, END)], [(5, 100.0), (20, 101.0), (30, 100.0)], [(0, END)], 0, END)
    assert result.bid_ns == 15 + 30


def test_l7_dead_feed_is_not_earned() -> None:
    """L7: 18 % of dead feed leaves a perfect quoter at 82 % strict, 100 % of the time alive."""
    result = in_band([bid(0, 100), ask(0, 100)], [(0, 100.0)], [(0, 41), (59, 100)], 0, 100)
    assert result.strict_frac == pytest.approx(0.82) and result.two_sided_frac == pytest.approx(1.0)


def test_an_empty_window_has_no_fraction() -> None:
    """Nothing measured is None, not 0."""
    result = in_band([], [], [], 5, 5)
    assert result.two_sided_frac is None and result.strict_frac is None


@pytest.mark.parametrize(
    ("frames", "span", "expected"),
    [
        ([], (0, 10), []),
        ([0, 3, 6, 9], (0, 10), [(0, 10)]),
        ([0, 3, 7, 10], (0, 10), [(0, 3), (7, 10)]),
        ([2, 4], (0, 10), [(2, 4)]),
        ([2, 4, 8], (0, 10), [(2, 4), (8, 10)]),
        ([0, 1, 2], (0, 5), [(0, 5)]),
        ([0, 1, 2], (0, 6), [(0, 2)]),
        ([4, 2, 0, 2], (1, 3), [(1, 3)]),
        ([-2, 1, 20], (0, 10), [(0, 1)]),
    ],
)
def test_alive_spans_by_hand(frames: list[int], span: tuple[int, int], expected: list[tuple[int, int]]) -> None:
    """Gap 3: a gap of exactly 3 is alive, one of 4 is dead from its first to its last instant, as is a dead end."""
    assert alive_spans(frames, *span, max_gap_ns=3) == expected


times = st.integers(-5, END + 5)
intervals = st.builds(
    QuoteInterval,
    st.booleans(),
    st.sampled_from([99.85, 99.9, 99.95, 100.0, 100.05, 100.1, 100.15]),
    st.sampled_from([0.0, 1.0]),
    times,
    times,
)
mark_lists = st.lists(st.tuples(times, st.sampled_from([99.9, 100.0, 100.1])), max_size=8).map(sorted)
frame_lists = st.lists(times, max_size=25)


def brute_force(quotes: list[QuoteInterval], marks: list[tuple[int, float]], frames: list[int]) -> tuple[int, ...]:
    """Bid, ask, both and alive, one instant after the other, by the words of the definition alone."""
    totals = [0, 0, 0, 0]
    for at in range(END):
        earlier = [frame for frame in frames if frame <= at]
        later = [frame for frame in frames if frame > at]
        if not earlier or (min(later) if later else END) - max(earlier) > 3:
            continue
        totals[3] += 1
        known = [price for stamp, price in marks if stamp <= at]
        sides = {True: False, False: False}
        for quote in quotes:
            if known and quote.size > 0 and quote.start_ns <= at < quote.end_ns:
                sides[quote.is_bid] |= abs(quote.price - known[-1]) <= known[-1] * 10.0 / 1e4 + 1e-9
        totals[0] += sides[True]
        totals[1] += sides[False]
        totals[2] += sides[True] and sides[False]
    return tuple(totals)


@given(st.lists(intervals, max_size=8), mark_lists, frame_lists)
def test_l1_the_integral_equals_looking_at_every_instant(
    quotes: list[QuoteInterval], marks: list[tuple[int, float]], frames: list[int]
) -> None:
    """L1: equal to the nanosecond on any history of quotes, marks and frames."""
    result = in_band(quotes, marks, alive_spans(frames, 0, END, max_gap_ns=3), 0, END)
    assert (result.bid_ns, result.ask_ns, result.two_sided_ns, result.alive_ns) == brute_force(quotes, marks, frames)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.booleans(), st.booleans()), max_size=25),
    st.lists(st.integers(0, 200), max_size=5),
)
def test_the_running_meter_equals_the_integral(steps: list[tuple[int, bool, bool, bool]], looks: list[int]) -> None:
    """Folding frames and states one by one gives what ``in_band`` gives over the whole, however often looked at."""
    meter, at = BandMeter(0, max_gap_ns=5), 0
    quotes: list[QuoteInterval] = []
    frames: list[int] = []
    has_bid = has_ask = False
    for elapsed, wants_bid, wants_ask, is_frame in [*steps, (3, False, False, False)]:
        for look in looks:
            if at <= look < at + elapsed:
                meter.total(look)
        quotes.extend([bid(at, at + elapsed)] * has_bid + [ask(at, at + elapsed)] * has_ask)
        at += elapsed
        if is_frame:
            meter.frame(at)
            frames.append(at)
        meter.state(at, wants_bid, wants_ask)
        has_bid, has_ask = wants_bid, wants_ask
    expected = in_band(quotes, [(0, 100.0)], alive_spans(frames, 0, at, max_gap_ns=5), 0, at)
    first, second = meter.total(at), meter.total(at)
    assert first == second == expected


def test_l7_the_first_seconds_of_a_dead_gap_are_not_credited() -> None:
    """A gap over the limit earns nothing from its first instant, although the quotes rested when it began."""
    meter = BandMeter(0)
    meter.frame(0)
    meter.state(0, True, True)
    meter.frame(1_000_000_000)
    assert meter.total(2_500_000_000).two_sided_ns == 2_500_000_000
    meter.frame(4_000_000_000)
    assert meter.total(4_000_000_000).two_sided_ns == 1_000_000_000
