"""Scoring of records by hand: unknown time, hours of UTC, size x time, dwell over changes, flicker, the month."""

from __future__ import annotations

from dataclasses import replace
from math import fsum

import pytest
from program_builders import BTC, MARK, MONTH_NS, POINTS, UPTIME, ask, bid, record, rule_file, rules

from hummingbot_extensions.core.maker_hours import (
    HOUR_NS,
    SECOND_NS,
    HourScore,
    hour_of,
    reached_by_samples,
    sample_moments_ns,
    sampled_base,
)
from hummingbot_extensions.core.maker_month import month_outlook, month_span, tier_distances
from hummingbot_extensions.core.points import rests
from hummingbot_extensions.core.program_file import program_rules
from hummingbot_extensions.core.program_score import program_score
from hummingbot_extensions.core.uptime import DepthStep, QuoteInterval

MINUTE_NS = 60 * SECOND_NS
SPAN = (MONTH_NS, MONTH_NS + HOUR_NS)
BOTH = [bid(*SPAN), ask(*SPAN)]


def at(minutes: float) -> int:
    return MONTH_NS + round(minutes * MINUTE_NS)


def test_l1_l2_l12_times_and_sizes_by_hand() -> None:
    """Bid 1 BTC for 30 min, ask 0.5 from minute 10 to 50, mark away from 20 to 25: every integral by hand."""
    quotes = [bid(at(0), at(30), 1.0), ask(at(10), at(50), 0.5)]
    marks = [(at(0), MARK), (at(20), MARK * 1.002), (at(25), MARK)]
    score = program_score(rules(UPTIME), record(quotes, marks=marks))
    assert score.in_band is not None
    minutes = [ns / MINUTE_NS for ns in (score.in_band.bid_ns, score.in_band.ask_ns, score.in_band.two_sided_ns)]
    assert minutes == [25.0, 35.0, 15.0]
    assert (score.bid_base_s, score.ask_base_s, score.eligible_base_s) == (1500.0, 1050.0, 450.0)
    assert score.hours[0].two_sided_ns == 15 * MINUTE_NS


def test_l2_a_planted_gap_shows_where_orders_merely_exist() -> None:
    """Orders that exist 98.8 % of the hour but stand in the band for 45.8 % of it score 45.8 %."""
    away_ns = at(60 * 0.458)
    quotes = [bid(at(0), at(60 * 0.988)), ask(at(0), at(60 * 0.988))]
    score = program_score(rules(UPTIME), record(quotes, marks=[(at(0), MARK), (away_ns, MARK * 1.01)]))
    assert score.in_band is not None and score.in_band.strict_frac == pytest.approx(0.458, abs=1e-9)
    assert score.maker_hours == 0.0


def test_l7_dead_feed_is_shown_apart_and_not_earned() -> None:
    """18 % of the hour dead: 82 % strict, 100 % of the time alive, and no sample in the dead time counts."""
    alive = [(at(0), at(20)), (at(30.8), at(60))]
    score = program_score(rules(UPTIME), record(BOTH, alive=alive))
    assert score.in_band is not None and score.in_band.strict_frac == pytest.approx(0.82)
    assert score.in_band.two_sided_frac == 1.0
    assert score.unknown_ns == score.hours[0].unknown_ns == round(10.8 * MINUTE_NS)
    assert score.eligible_base_s == pytest.approx(2.0 * 3600 * 0.82)
    assert score.maker_hours == 1.0
    dead = program_score(rules(UPTIME), record(BOTH, alive=[(at(0), at(40))]))
    assert dead.maker_hours == 0.5 and dead.hours[0].unknown_ns == 20 * MINUTE_NS


def test_l7_dead_time_takes_from_points() -> None:
    """An order that rests an hour over a feed that was dead for half of it earns half."""
    whole = program_score(rules(POINTS), record([bid(*SPAN)])).points
    half = program_score(rules(POINTS), record([bid(*SPAN)], alive=[(at(10), at(25)), (at(40), at(55))])).points
    assert whole is not None and half == pytest.approx(whole / 2)


def test_a_record_that_begins_late_leaves_the_rest_of_the_hour_unknown() -> None:
    """A restart at minute 31: the hour before is unknown, 29 perfect minutes are below the 30, and nothing is paid."""
    score = program_score(rules(UPTIME), record(BOTH, start_ns=at(31), alive=[(at(31), at(60))]))
    (hour,) = score.hours
    assert (hour.hour_ns, hour.known_ns, hour.unknown_ns, hour.ahead_ns) == (
        MONTH_NS, 29 * MINUTE_NS, 31 * MINUTE_NS, 0)
    assert score.unknown_ns == 0
    assert hour.maker_hours == 0.0 and hour.is_whole


def test_the_running_hour_earns_what_its_samples_secured() -> None:
    """What is still to come is neither known nor unknown; 43 perfect minutes hold 42 of 60 samples."""
    score = program_score(rules(UPTIME), record(BOTH, end_ns=at(43), alive=[(at(0), at(43))]))
    (hour,) = score.hours
    assert (hour.unknown_ns, hour.ahead_ns, hour.is_whole) == (0, 17 * MINUTE_NS, False)
    assert hour.maker_hours == 1.0
    early = program_score(rules(UPTIME), record(BOTH, end_ns=at(20), alive=[(at(0), at(20))]))
    assert early.maker_hours == 0.0


def test_hours_are_those_of_utc() -> None:
    """Orders from 00:45 to 02:15 UTC in a recorder's own clock: three hours, the middle one whole, size kept apart."""
    offset_ns = 17 * MINUTE_NS + 5
    start, end = at(45) - offset_ns, at(135) - offset_ns
    score = program_score(
        rules(UPTIME), record([bid(start, end), ask(start, end)], start_ns=start, end_ns=end, utc_offset_ns=offset_ns))
    assert [hour.hour_ns for hour in score.hours] == [MONTH_NS, MONTH_NS + HOUR_NS, MONTH_NS + 2 * HOUR_NS]
    assert [hour.known_ns // MINUTE_NS for hour in score.hours] == [15, 60, 15]
    assert [hour.maker_hours for hour in score.hours] == [0.0, 1.0, 0.0]
    assert score.maker_hours == 1.0
    assert hour_of(MONTH_NS + 5 * HOUR_NS - 1) == MONTH_NS + 4 * HOUR_NS


def test_sample_moments() -> None:
    """One moment in each minute, the same for the same seed, others for another seed, hour or market."""
    moments = sample_moments_ns(1, BTC, MONTH_NS, 60)
    assert [(moment - MONTH_NS) // MINUTE_NS for moment in moments] == list(range(60))
    assert moments == sample_moments_ns(1, BTC, MONTH_NS, 60)
    others = [sample_moments_ns(2, BTC, MONTH_NS, 60), sample_moments_ns(1, "ETH-USD", MONTH_NS, 60),
              sample_moments_ns(1, BTC, MONTH_NS + HOUR_NS, 60)]
    within = {tuple(moment % HOUR_NS for moment in row) for row in [moments, *others]}
    assert len(within) == 4
    assert len({moment % MINUTE_NS for moment in moments}) == 60


def test_the_rank_is_rounded_up() -> None:
    """Of seven samples 70 % are five, not four; one sample decides alone; none at all is 0."""
    assert reached_by_samples([7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 0.7) == 3.0
    assert (reached_by_samples([5.0], 0.5), reached_by_samples([], 0.5)) == (5.0, 0.0)


def test_a_sample_at_the_end_of_a_step_is_not_in_it() -> None:
    """Intervals are half open: the last instant does not count, the first does."""
    steps = [DepthStep(10, 20, 1.0, 1.0, True), DepthStep(30, 40, 3.0, 0.5, True)]
    assert sampled_base(steps, [9, 10, 19, 20, 30, 39, 40], 2.0) == [0.0, 1.0, 1.0, 0.0, 0.5, 0.5, 0.0]


def test_samples_are_luck_and_the_exact_hours_are_not() -> None:
    """Two-sided in every other 15 s, an hour has its X50 by luck of the samples; the exact figure has no luck."""
    quotes = [make(at(k / 2), at(k / 2 + 0.25), 2.0) for k in range(120) for make in (bid, ask)]
    scores = [program_score(rules(UPTIME), record(quotes), seed) for seed in range(12)]
    assert {score.maker_hours for score in scores} == {0.0, 0.5}
    assert {score.exact_maker_hours for score in scores} == {0.5}


def test_a_market_outside_the_program_earns_nothing_known() -> None:
    """SOL-USD is not in the January program: null, with the field named."""
    score = program_score(rules(UPTIME), record(BOTH, symbol="SOL-USD"))
    assert score.maker_hours is None and score.eligible_base_s is None
    assert score.unknown == ("maker_hours.markets.SOL-USD",)
    assert score.in_band is not None and score.in_band.two_sided_frac == 1.0


def test_an_empty_record_has_no_hours() -> None:
    """A span of nothing gives no hour, no Maker Hours, no fraction."""
    score = program_score(rules(UPTIME), record([], end_ns=MONTH_NS, alive=[]))
    assert (score.hours, score.maker_hours, score.unknown_ns) == ((), None, 0)
    assert score.in_band is not None and score.in_band.strict_frac is None


def test_a_partial_fill_does_not_begin_the_dwell_anew() -> None:
    """An order of 2 s whole and 2 s half has rested 4 s; without its id, or with a hole, no piece has."""
    pieces = [bid(at(0), at(0) + 2 * SECOND_NS, 2.0, order_id=9), bid(at(0) + 2 * SECOND_NS, at(0) + 4 * SECOND_NS,
                                                                   1.0, order_id=9)]
    earned = program_score(rules(POINTS), record(pieces)).points
    assert earned == pytest.approx(pieces[0].price * (2.0 * 2 + 1.0 * 2) / 86_400)
    assert program_score(rules(POINTS), record([replace(piece, order_id=None) for piece in pieces])).points == 0.0
    holed = [pieces[0], replace(pieces[1], start_ns=pieces[1].start_ns + 1)]
    assert program_score(rules(POINTS), record(holed)).points == 0.0


def test_dwell_looks_beyond_the_span() -> None:
    """An order that began before the span and ends after it has rested long enough; only its time inside is paid."""
    order = bid(at(-1), at(2), 1.0)
    score = program_score(rules(POINTS), record([order], end_ns=at(0) + SECOND_NS, alive=[(at(0), at(1))]))
    assert score.points == pytest.approx(order.price / 86_400)


def test_points_follow_the_mark() -> None:
    """10 s at 5 bps, 10 s at 20, 10 s at 60, 10 s beyond: shares 1, 0.5, 0.1 and nothing; one side alone counts."""
    marks = [(at(0) + k * 10 * SECOND_NS, MARK * (1 + bps / 1e4)) for k, bps in enumerate((0, 15, 55, 120))]
    order = bid(at(0), at(0) + 40 * SECOND_NS, 1.0)
    score = program_score(rules(POINTS), record([order], marks=marks))
    assert score.points == pytest.approx(order.price * 10 * 1.6 / 86_400)


def test_rests_are_unbroken_orders() -> None:
    """Touching pieces of one id are one rest, in whatever sequence they come; a hole or a missing id parts them."""
    a, b, c = bid(0, 5, order_id=1), bid(5, 9, order_id=1), bid(10, 12, order_id=1)
    loose = bid(5, 6)
    assert rests([c, b, loose, a]) == [[a, b], [loose], [c]]
    assert rests([bid(4, 4, order_id=1)]) == []


CANCELLED = {"is_cancelled": True}


def test_l14_steady_quotes_score_zero_and_flicker_does_not() -> None:
    """Steady, re-quoted and filled orders score 0; each scripted flicker raises the score and the count per hour."""
    steady = [bid(at(0), at(30), order_id=1, **CANCELLED), bid(at(30), at(60), order_id=2), ask(*SPAN, order_id=3)]
    filled = [ask(at(5), at(5) + SECOND_NS, order_id=4)]
    limit = [ask(at(6), at(6) + 3 * SECOND_NS, order_id=5, **CANCELLED)]
    calm = program_score(rules(UPTIME), record(steady + filled + limit)).flicker
    assert calm is not None and (calm.score, calm.orders, calm.short_cancels) == (0.0, 5, 0)
    scores = [0.0]
    for count in range(1, 6):
        wild = [
            ask(at(10 + k), at(10 + k) + 2 * SECOND_NS + 999_999_999, order_id=100 + k, **CANCELLED)
            for k in range(count)
        ]
        found = program_score(rules(UPTIME), record(steady + filled + limit + wild)).flicker
        assert found is not None and found.score == count / (5 + count)
        assert found.short_cancels_per_hour == count
        scores.append(found.score)
    assert scores == sorted(scores) and len(set(scores)) == len(scores)


def test_flicker_sees_whole_lives_and_no_later_cancels() -> None:
    """A partial fill does not make a long life short; a cancel beyond the span is not known; no orders, no score."""
    partly = [bid(at(1), at(2), 2.0, order_id=1),
              bid(at(2), at(2) + SECOND_NS, 1.0, order_id=1, **CANCELLED)]
    beyond = [bid(at(60) - SECOND_NS, at(60) + SECOND_NS, order_id=2, **CANCELLED)]
    before = [bid(at(0) - SECOND_NS, at(0) + SECOND_NS, order_id=3, **CANCELLED)]
    for quotes, short in ((partly, 0), (beyond, 0), (before, 1)):
        found = program_score(rules(UPTIME), record(quotes)).flicker
        assert found is not None and (found.orders, found.short_cancels) == (1, short)
    nothing = program_score(rules(UPTIME), record([bid(at(-5), at(0), order_id=1, **CANCELLED)])).flicker
    assert nothing is not None and nothing.score is None


def hour(number: int, maker_hours: float | None, ahead_ns: int = 0) -> HourScore:
    known_ns = HOUR_NS - ahead_ns
    return HourScore(MONTH_NS + number * HOUR_NS, known_ns, 0, ahead_ns, 0, 0.0, None, maker_hours, None, None)


def test_l4_month_by_hand() -> None:
    """Ten hours of 0.8 and a running one of 0.1: earned 8.1, and 733 hours left at 0.8 make 594.5, above MM2."""
    hours = [hour(k, 0.8) for k in range(10)] + [hour(10, 0.1, ahead_ns=40 * MINUTE_NS)]
    outlook = month_outlook(rules(UPTIME), {BTC: hours}, MONTH_NS + 10 * HOUR_NS + 20 * MINUTE_NS)
    assert (outlook.month_hours, outlook.scored_hours, outlook.unscored_hours, outlook.hours_left) == (744, 11, 0, 733)
    assert outlook.earned_hours == pytest.approx(8.1)
    assert outlook.projected_hours == pytest.approx(8.1 + 733 * 0.8)
    assert outlook.tiers is not None
    first, second = outlook.tiers
    assert (first.missing_hours, second.missing_hours) == (pytest.approx(351.9), pytest.approx(495.9))
    assert first.needed_per_hour == pytest.approx(351.9 / 733)
    assert (first.is_earned, first.is_projected, second.is_projected) == (False, True, True)


def test_t36_the_month_needs_hours_with_size() -> None:
    """A bot in band all day with 0.01 BTC projects 3.7 hours and no tier, not 744; with no hour over: no projection."""
    day = (MONTH_NS, MONTH_NS + 24 * HOUR_NS)
    score = program_score(
        rules(UPTIME), record([bid(*day, 0.01), ask(*day, 0.01)], end_ns=day[1], alive=[day]))
    assert score.in_band is not None and score.in_band.strict_frac == 1.0
    outlook = month_outlook(rules(UPTIME), {BTC: score.hours}, day[1] - 1)
    assert outlook.projected_hours == pytest.approx(744 * 0.005)
    assert outlook.tiers is not None and not any(tier.is_projected for tier in outlook.tiers)
    running = month_outlook(rules(UPTIME), {BTC: [hour(0, 0.2, ahead_ns=1)]}, MONTH_NS + HOUR_NS - 1)
    assert running.earned_hours == 0.2 and running.projected_hours is None
    assert running.tiers is not None and running.tiers[0].is_projected is None


def test_t36_the_threshold_itself_is_no_plan() -> None:
    """Hours of 0.5 through a 30-day month project exactly 360: missing 0, and still neither earned nor projected."""
    june = 1_780_272_000 * SECOND_NS
    edition = rules(UPTIME)
    hours = [replace(hour(0, 0.5), hour_ns=june + k * HOUR_NS) for k in range(720)]
    outlook = month_outlook(edition, {BTC: hours}, june + 720 * HOUR_NS - 1)
    assert (outlook.month_hours, outlook.hours_left) == (720, 0)
    assert outlook.earned_hours == outlook.projected_hours == 360.0
    assert outlook.tiers is not None
    first = outlook.tiers[0]
    assert (first.missing_hours, first.needed_per_hour) == (0.0, None)
    assert (first.is_earned, first.is_projected) == (False, False)
    above = tier_distances(edition, 360.0000001, None, 5)
    assert above is not None and [tier.is_earned for tier in above] == [True, False]
    assert [tier.is_projected for tier in above] == [None, None]


def test_month_with_unscored_and_unknown_hours() -> None:
    """Hours nobody scored are counted apart and not earned; one unknown hour makes sum and projection null."""
    now_ns = MONTH_NS + 5 * HOUR_NS + 1
    outlook = month_outlook(rules(UPTIME), {BTC: [hour(1, 1.0), hour(4, 1.0)]}, now_ns)
    assert (outlook.earned_hours, outlook.scored_hours, outlook.unscored_hours) == (2.0, 2, 4)
    unknown = month_outlook(rules(UPTIME), {BTC: [hour(1, 1.0), hour(4, None)]}, now_ns)
    assert (unknown.earned_hours, unknown.projected_hours, unknown.tiers) == (None, None, None)
    nothing = month_outlook(rules(UPTIME), {BTC: []}, now_ns)
    assert (nothing.earned_hours, nothing.unscored_hours) == (None, 6)
    other = month_outlook(rules(UPTIME), {BTC: [hour(-1, 1.0), hour(0, 0.25)]}, now_ns)
    assert other.earned_hours == 0.25


def test_markets_add_up_only_where_the_program_says_so() -> None:
    """January leaves open whether BTC and ETH hours add up: null; where a file says true they do; one alone counts."""
    hours = {BTC: [hour(0, 0.5)], "ETH-USD": [hour(0, 1.0)]}
    now_ns = MONTH_NS + HOUR_NS
    assert month_outlook(rules(UPTIME), hours, now_ns).earned_hours is None
    assert month_outlook(rules(UPTIME, symbols_add_up=True), hours, now_ns).earned_hours == 1.5
    assert month_outlook(rules(UPTIME, symbols_add_up=False), hours, now_ns).earned_hours is None
    assert month_outlook(rules(UPTIME), {BTC: hours[BTC], "ETH-USD": []}, now_ns).earned_hours == 0.5


def test_the_projection_carries_the_last_day() -> None:
    """Only the last 24 whole hours are carried forward: an early day without size does not hold a later one down."""
    hours = [hour(k, 0.0) for k in range(24)] + [hour(k, 1.0) for k in range(24, 48)]
    outlook = month_outlook(rules(UPTIME), {BTC: hours}, MONTH_NS + 48 * HOUR_NS - 1)
    assert outlook.projected_hours == fsum([24.0, 744 - 48])


@pytest.mark.parametrize(("year_month", "start_s", "hours"), [
    ("2026-01", 1_767_225_600, 744), ("2026-02", 1_769_904_000, 672), ("2026-06", 1_780_272_000, 720),
    ("2026-12", 1_796_083_200, 744), ("2028-02", 1_832_976_000, 696)])
def test_months_of_the_calendar(year_month: str, start_s: int, hours: int) -> None:
    """First and last nanosecond of a month are in it, and its hours are the calendar's."""
    start, end = start_s * SECOND_NS, (start_s + hours * 3600) * SECOND_NS
    assert month_span(start) == month_span(end - 1) == (start, end), year_month
    assert month_span(end) != (start, end)


def test_a_paid_hour_never_exceeds_the_maximum() -> None:
    """A divisor smaller than the cap does not pay above max_per_hour."""
    file = rule_file(UPTIME)
    file["maker_hours"]["markets"]["BTC-USD"]["divisor_base"] = 0.5
    assert program_score(program_rules(file), record(BOTH)).maker_hours == 1.0


def test_an_order_on_the_edge_of_the_band_counts_as_in_time_in_band() -> None:
    """Exactly 10 bps is in, one hundredth of a cent beyond is out, as for time in band."""
    price = MARK * 0.999
    for beyond, expected in ((0.0, 1.0), (0.01, 0.0)):
        quote = QuoteInterval(True, price - beyond, 2.0, *SPAN)
        assert program_score(rules(UPTIME), record([quote, ask(*SPAN)])).maker_hours == expected
