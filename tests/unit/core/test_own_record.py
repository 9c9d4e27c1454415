"""The record that a bot keeps of itself scores like a record of everything, and stays small."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hummingbot_extensions.core.maker_hours import HOUR_NS, SECOND_NS
from hummingbot_extensions.core.own_record import OwnRecord, Resting, band_edges_bps
from hummingbot_extensions.core.program_score import MarketRecord, program_score
from hummingbot_extensions.core.programs import ProgramRules
from hummingbot_extensions.core.standing import FOLD_AFTER_NS, Standings
from hummingbot_extensions.core.uptime import QuoteInterval, alive_spans
from hummingbot_extensions.execution.program_files import load_program

RULES: list[ProgramRules] = [
    load_program(name) for name in ("standx_uptime_2026-01", "standx_points_2026-01", "standx_sip5a")]
UPTIME, POINTS, _ = RULES
HOUR_START_NS = 1_767_664_800 * SECOND_NS
SYMBOL = "BTC-USD"


def random_run(seed: int, beats: int, beat_ns: int = SECOND_NS, feed: OwnRecord | Standings | None = None,
               start_ns: int = HOUR_START_NS) -> MarketRecord:  # fmt: skip
    """A run of orders that come, shrink and go while the mark walks, told to ``feed`` and kept whole besides."""
    draw = random.Random(seed)
    mark = 100_000.0
    marks: list[tuple[int, float]] = []
    frames: list[int] = []
    quotes: list[QuoteInterval] = []
    resting: dict[str, tuple[Resting, int]] = {}
    number = 0

    def close(at_ns: int, order_id: str, is_cancelled: bool) -> None:
        order, since_ns = resting.pop(order_id)
        if at_ns > since_ns:
            quotes.append(QuoteInterval(
                order.is_bid, order.price, order.size, since_ns, at_ns, order_id, is_cancelled))

    now_ns = start_ns
    for _ in range(beats):
        now_ns += beat_ns if draw.random() > 0.02 else 5 * beat_ns
        mark *= 1 + draw.gauss(0, 2e-4)
        known = mark if draw.random() > 0.02 else None
        if draw.random() > 0.05:
            frames.append(now_ns)
            if feed is not None:
                feed.frame(now_ns)
        for order_id in list(resting):
            if draw.random() < 0.05:
                is_cancelled = draw.random() < 0.7
                close(now_ns, order_id, is_cancelled)
                if feed is not None:
                    feed.ended(now_ns, order_id, is_cancelled)
            elif draw.random() < 0.05 and resting[order_id][0].size > 0.2:
                order = resting[order_id][0]
                close(now_ns, order_id, False)
                resting[order_id] = (replace(order, size=order.size - 0.1), now_ns)
        while len(resting) < 4 and draw.random() < 0.5:
            number += 1
            is_bid = draw.random() < 0.5
            price = mark * (1 + (-1 if is_bid else 1) * draw.uniform(1, 40) / 1e4)
            resting[f"o{number}"] = (Resting(f"o{number}", is_bid, price, draw.choice([0.5, 1.0, 3.0])), now_ns)
        marks.append((now_ns, float("nan") if known is None else known))
        if feed is not None:
            feed.state(now_ns, known, [order for order, _since in resting.values()])
    for order_id in list(resting):
        close(now_ns, order_id, False)
    return MarketRecord(SYMBOL, quotes, marks, alive_spans(frames, start_ns, now_ns), start_ns, now_ns)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_thin_record_scores_like_the_whole_one(seed: int) -> None:
    """Every figure of every packaged program is the same bit for bit, from a fraction of the marks."""
    record = OwnRecord(SYMBOL, HOUR_START_NS, 0, band_edges_bps(RULES))
    whole = random_run(seed, 300, feed=record)
    thin = record.record(HOUR_START_NS, whole.end_ns, whole.end_ns)
    for rules in RULES:
        wanted, found = program_score(rules, whole), program_score(rules, thin)
        assert replace(found, points=None) == replace(wanted, points=None)
        assert found.points == pytest.approx(wanted.points, rel=1e-12) if wanted.points else not found.points
    assert len(thin.marks) <= len(whole.marks)


def test_steady_quotes_need_hardly_a_mark() -> None:
    """An hour of 14,400 marks that never put a quote over an edge is kept as one."""
    record = OwnRecord(SYMBOL, HOUR_START_NS, 0, band_edges_bps(RULES))
    orders = [Resting("b", True, 99_950.0, 1.0), Resting("a", False, 100_050.0, 1.0)]
    for beat in range(14_400):
        record.frame(HOUR_START_NS + beat * SECOND_NS // 4)
        record.state(HOUR_START_NS + beat * SECOND_NS // 4, 100_000.0 + beat % 40, orders)
    assert record.kept <= 5


def test_an_edge_is_inside_as_in_the_score() -> None:
    """A mark that puts an order exactly on the band's edge is in, and one step further out."""
    record = OwnRecord(SYMBOL, 0, 0, [10.0])
    order = [Resting("b", True, 99_900.0, 1.0), Resting("a", False, 100_000.0, 1.0)]
    record.frame(0)
    record.state(0, 100_000.0, order)
    record.state(SECOND_NS, 100_000.01, order)
    record.frame(2 * SECOND_NS)
    found = program_score(UPTIME, record.record(0, 2 * SECOND_NS, 2 * SECOND_NS))
    assert found.in_band is not None and found.in_band.bid_ns == SECOND_NS


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), shift_s=st.integers(0, 3600))
def test_folded_hours_equal_hours_scored_at_the_end(seed: int, shift_s: int) -> None:
    """Four hours with orders over every hour's end: each folded hour and the sum of points are those of the whole."""
    start_ns = HOUR_START_NS + shift_s * SECOND_NS
    standings = Standings(RULES, SYMBOL, start_ns, 0)
    whole = random_run(seed, 500, 30 * SECOND_NS // 10 * 8, standings, start_ns)
    uptime, points, _sip5a = standings.standings(whole.end_ns)
    wanted = program_score(UPTIME, whole, 1)
    folded = standings._folded[UPTIME.name].hours
    assert list(wanted.hours[: len(folded)]) == folded
    assert len(wanted.hours) - len(folded) <= 2
    assert uptime.hour == wanted.hours[-1]
    assert uptime.month is not None and uptime.month.earned_hours == pytest.approx(wanted.maker_hours)
    assert points.points == pytest.approx(program_score(POINTS, whole).points, rel=1e-9)


def test_an_order_that_comes_late_in_the_hour_earns_its_first_seconds() -> None:
    """Placed two seconds before the hour ends and left for a minute: its points begin with its first instant."""
    standings = Standings([POINTS], SYMBOL, HOUR_START_NS, 0)
    end_ns = HOUR_START_NS + HOUR_NS
    order = [Resting("b", True, 99_950.0, 1.0)]
    for beat in range(-2, 121):
        now_ns = end_ns + beat * SECOND_NS
        standings.frame(now_ns)
        standings.state(now_ns, 100_000.0, order)
    (found,) = standings.standings(end_ns + 120 * SECOND_NS)
    assert found.points == pytest.approx(99_950.0 * 122 / 86_400)
    assert found.hour_points == pytest.approx(99_950.0 * 120 / 86_400)


def test_memory_is_that_of_one_hour() -> None:
    """After two days of steady re-quoting and partial fills no more is held than after two hours."""
    standings = Standings(RULES, SYMBOL, HOUR_START_NS, 0)
    held = []
    for beat in range(48 * 360):
        now_ns = HOUR_START_NS + beat * 10 * SECOND_NS
        standings.frame(now_ns)
        # One order stays for good and shrinks; the other is re-quoted every minute.
        standings.state(now_ns, 100_000.0 + beat % 7, [
            Resting("stays", True, 99_950.0, 1.0 - beat * 1e-5), Resting(f"a{beat // 6}", False, 100_050.0, 1.0)])
        if beat % 360 == 359:
            held.append(standings.kept)
    assert max(held[3:]) <= max(held[:3]) + 10
    assert FOLD_AFTER_NS < HOUR_NS


def test_a_dead_feed_and_an_unknown_mark_earn_nothing() -> None:
    """Ten quoted minutes of which two lack the feed and one the mark: seven in band, two of them unknown."""
    record = OwnRecord(SYMBOL, 0, 0, band_edges_bps(RULES))
    orders = [Resting("b", True, 99_950.0, 2.0), Resting("a", False, 100_050.0, 2.0)]
    for second in range(601):
        now_ns = second * SECOND_NS
        if not 120 < second < 240:
            record.frame(now_ns)
        record.state(now_ns, None if 300 <= second < 360 else 100_000.0, orders)
    score = program_score(UPTIME, record.record(0, 600 * SECOND_NS, 600 * SECOND_NS))
    assert score.in_band is not None
    assert score.in_band.two_sided_ns == 420 * SECOND_NS and score.unknown_ns == 120 * SECOND_NS
    assert score.eligible_base_s == pytest.approx(840.0)


def test_what_is_pulled_earns_nothing_and_its_cancels_still_count() -> None:
    """From the pull on no time is earned; the cancels that follow are short cycles; a new decision earns again."""
    standings = Standings([UPTIME], SYMBOL, HOUR_START_NS, 0)
    orders = [Resting("b", True, 99_950.0, 2.0), Resting("a", False, 100_050.0, 2.0)]

    def at(second: float) -> int:
        return HOUR_START_NS + round(second * SECOND_NS)

    for beat in range(20):
        standings.frame(at(beat / 2))
        if beat in (0, 1):
            standings.state(at(beat / 2), 100_000.0, orders)
        if beat == 2:
            standings.pulled(at(1))
            standings.pulled(at(1))
            standings.ended(at(1.2), "b", True)
            standings.ended(at(1.2), "a", True)
        if beat >= 16:
            standings.state(at(beat / 2), 100_000.0, [replace(order, order_id=order.order_id * 2) for order in orders])
    (found,) = standings.standings(at(9.5))
    assert found.hour is not None and found.hour.two_sided_ns == round(2.5 * SECOND_NS)
    assert found.flicker is not None and (found.flicker.orders, found.flicker.short_cancels) == (4, 2)
