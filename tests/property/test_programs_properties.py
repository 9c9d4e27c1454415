"""What must hold of program scores for any record: against a brute-force integrator, and under any change of it."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, fsum
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program_builders import BTC, MARK, MONTH_NS, POINTS, UPTIME, rules

from hummingbot_extensions.core.maker_hours import HOUR_NS, SECOND_NS, sample_moments_ns
from hummingbot_extensions.core.program_score import MarketRecord, ProgramScore, program_score
from hummingbot_extensions.core.uptime import QuoteInterval, in_band

UNIT_NS = 20 * SECOND_NS
"""Everything happens on this lattice, so that looking at one instant of each unit sees everything."""
UNITS = 540
"""Three hours; records begin and end anywhere in them."""
EDITION, DWELLING = rules(UPTIME), rules(POINTS)
BY_MINUTES = rules(UPTIME, counted_by="minutes")

time = st.integers(-20, UNITS + 20)
size = st.sampled_from([0.01, 0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0])
quote = st.builds(
    lambda is_bid, bps, size, start, length, order_id, is_cancelled: QuoteInterval(
        is_bid, MARK * (1 + (-bps if is_bid else bps) / 1e4), size, MONTH_NS + start * UNIT_NS,
        MONTH_NS + (start + length) * UNIT_NS, order_id, is_cancelled),
    st.booleans(), st.sampled_from([-3.0, 0.0, 4.0, 9.0, 10.0, 12.0, 29.0, 60.0, 130.0]), size, time,
    st.integers(0, 400), st.none() | st.integers(0, 3), st.booleans())
mark_steps = st.lists(st.tuples(time, st.sampled_from([0.9985, 0.9995, 1.0, 1.0004, 1.0011])), max_size=8)


@st.composite
def records(draw: st.DrawFn) -> MarketRecord:
    """Orders of both sides, a moving mark, a feed that dies and comes back, on a span of up to three hours."""
    start = draw(st.integers(0, UNITS - 1))
    end = draw(st.integers(start + 1, UNITS))
    marks = {-30: 1.0} | dict(draw(mark_steps))
    edges = sorted(set(draw(st.lists(time, max_size=6))))
    alive = list(zip(edges[::2], edges[1::2], strict=False)) if draw(st.booleans()) else [(start, end)]
    return MarketRecord(
        BTC,
        draw(st.lists(quote, max_size=8)),
        [(MONTH_NS + at * UNIT_NS, MARK * factor) for at, factor in sorted(marks.items())],
        [(MONTH_NS + low * UNIT_NS, MONTH_NS + high * UNIT_NS) for low, high in alive],
        MONTH_NS + start * UNIT_NS,
        MONTH_NS + end * UNIT_NS,
    )


class Looker:
    """The record looked at instant by instant, by the words of the rules and without a line of the scoring code."""

    def __init__(self, record: MarketRecord) -> None:
        self.record = record

    def mark(self, at_ns: int) -> float:
        return [price for since, price in self.record.marks if since <= at_ns][-1]

    def is_known(self, at_ns: int) -> bool:
        record = self.record
        return record.start_ns <= at_ns < record.end_ns and any(low <= at_ns < high for low, high in record.alive)

    def size(self, at_ns: int, is_bid: bool, band_bps: float = 10.0) -> float:
        mark = self.mark(at_ns)
        return fsum(
            quote.size for quote in self.record.quotes
            if quote.is_bid is is_bid and quote.start_ns <= at_ns < quote.end_ns
            and abs(quote.price - mark) / mark <= band_bps / 1e4 + 1e-12)

    def smaller(self, at_ns: int) -> float:
        return min(self.size(at_ns, True), self.size(at_ns, False), 2.0) if self.is_known(at_ns) else 0.0

    def instants(self) -> list[int]:
        return [at for at in range(self.record.start_ns, self.record.end_ns, UNIT_NS) if self.is_known(at)]


@given(records())
def test_a_brute_force_integrator_agrees(record: MarketRecord) -> None:
    """Times, sizes x time, unknown time and the hours by minutes equal what looking at every instant gives."""
    look, score = Looker(record), program_score(BY_MINUTES, record)
    seen = look.instants()
    in_band_now = {at: (look.size(at, True), look.size(at, False)) for at in seen}
    assert score.in_band is not None and score.eligible_base_s is not None
    assert score.in_band.alive_ns == len(seen) * UNIT_NS
    assert score.unknown_ns == record.end_ns - record.start_ns - len(seen) * UNIT_NS
    assert score.in_band.bid_ns == sum(UNIT_NS for bid, _ in in_band_now.values() if bid)
    assert score.in_band.ask_ns == sum(UNIT_NS for _, ask in in_band_now.values() if ask)
    assert score.in_band.two_sided_ns == sum(UNIT_NS for bid, ask in in_band_now.values() if bid and ask)
    assert score.bid_base_s == pytest.approx(20 * fsum(bid for bid, _ in in_band_now.values()))
    assert score.ask_base_s == pytest.approx(20 * fsum(ask for _, ask in in_band_now.values()))
    assert score.eligible_base_s == pytest.approx(20 * fsum(look.smaller(at) for at in seen))
    for hour in score.hours:
        held = [look.smaller(hour.hour_ns + unit * UNIT_NS) for unit in range(180)]
        x42, x30 = sorted(held, reverse=True)[125], sorted(held, reverse=True)[89]
        assert hour.maker_hours == pytest.approx(max(x42 / 2, x30 / 2 * 0.5))
        assert hour.exact_maker_hours == hour.maker_hours


@given(records(), st.integers(0, 99))
def test_the_samples_are_what_is_seen_at_their_moments(record: MarketRecord, seed: int) -> None:
    """X70 and X50 of each hour are the 42nd and 30th largest of the sixty sizes seen at the moments of the seed."""
    look = Looker(record)
    for hour in program_score(EDITION, record, seed).hours:
        seen = sorted((look.smaller(at) for at in sample_moments_ns(seed, BTC, hour.hour_ns, 60)), reverse=True)
        assert hour.reached_base == (seen[ceil(0.7 * 60) - 1], seen[29])


@given(records())
def test_points_by_brute_force(record: MarketRecord) -> None:
    """Points equal the sum over instants of price x size x the share of the band, for orders that rested over 3 s."""
    look, expected = Looker(record), []
    for order in record.quotes:
        for at in range(order.start_ns, order.end_ns, UNIT_NS):
            bps = abs(order.price / look.mark(at) - 1) * 1e4
            share = 1.0 if bps <= 10 + 1e-6 else 0.5 if bps <= 30 + 1e-6 else 0.1 if bps <= 100 + 1e-6 else 0.0
            expected.append(order.price * order.size * share * 20 / 86_400 * look.is_known(at))
    assert program_score(DWELLING, record).points == pytest.approx(fsum(expected))


def everything(record: MarketRecord, seed: int = 0) -> list[float | None]:
    """Every figure that a record earns."""
    score, dwelling = program_score(EDITION, record, seed), program_score(DWELLING, record)
    assert score.in_band is not None
    hours = [value for hour in score.hours for value in (
        hour.maker_hours, hour.exact_maker_hours, hour.eligible_base_s, *(hour.reached_base or ()))]
    return [score.in_band.bid_ns, score.in_band.ask_ns, score.in_band.two_sided_ns, score.bid_base_s, score.ask_base_s,
            score.eligible_base_s, score.maker_hours, score.exact_maker_hours, dwelling.points, *hours]


def assert_not_above(low: list[float | None], high: list[float | None]) -> None:
    for left, right in zip(low, high, strict=True):
        assert left is not None and right is not None and left <= right * (1 + 1e-12) + 1e-9


@given(records())
def test_never_above_the_cap(record: MarketRecord) -> None:
    """No hour pays above 1, no size counts above the cap, no time above the span."""
    score: ProgramScore = program_score(EDITION, record)
    span_s = (record.end_ns - record.start_ns) / SECOND_NS
    assert score.eligible_base_s is not None and score.eligible_base_s <= 2.0 * span_s * (1 + 1e-12)
    for hour in score.hours:
        assert hour.maker_hours is not None and 0 <= hour.maker_hours <= 1
        assert hour.exact_maker_hours is not None and 0 <= hour.exact_maker_hours <= 1
        assert hour.reached_base is not None and all(0 <= value <= 2.0 for value in hour.reached_base)
        assert hour.known_ns + hour.unknown_ns + hour.ahead_ns == HOUR_NS and hour.unknown_ns >= 0


@given(records(), quote, st.integers(0, 7), st.floats(1, 5))
def test_more_size_or_another_order_never_earns_less(
    record: MarketRecord, more: QuoteInterval, which: int, factor: float
) -> None:
    """A larger order, or one more order, lowers no figure."""
    before = everything(record)
    assert_not_above(before, everything(replace(record, quotes=[*record.quotes, replace(more, order_id=None)])))
    larger = [replace(order, size=order.size * (factor if number == which else 1))
              for number, order in enumerate(record.quotes)]
    assert_not_above(before, everything(replace(record, quotes=larger)))


@given(records(), st.integers(0, 7), st.integers(0, 200), st.integers(0, 200))
def test_longer_rest_never_earns_less(record: MarketRecord, which: int, sooner: int, later: int) -> None:
    """An order that begins sooner and ends later lowers no figure."""
    alone = [replace(order, order_id=None) for order in record.quotes]
    longer = [
        replace(order, start_ns=order.start_ns - sooner * UNIT_NS, end_ns=order.end_ns + later * UNIT_NS)
        if number == which and order.end_ns > order.start_ns else order for number, order in enumerate(alone)]
    assert_not_above(everything(replace(record, quotes=alone)), everything(replace(record, quotes=longer)))


@given(records(), time, st.integers(0, 200))
def test_unknown_time_never_raises_a_figure(record: MarketRecord, start: int, length: int) -> None:
    """A dead feed over any stretch lowers figures or leaves them, and shows as unknown time."""
    low, high = MONTH_NS + start * UNIT_NS, MONTH_NS + (start + length) * UNIT_NS
    alive = [piece for a, b in record.alive for piece in ((a, min(b, low)), (max(a, high), b)) if piece[0] < piece[1]]
    dead = replace(record, alive=alive)
    assert_not_above(everything(dead), everything(record))
    assert program_score(EDITION, dead).unknown_ns >= program_score(EDITION, record).unknown_ns


@given(records(), st.integers(1, 399), st.randoms(use_true_random=False))
def test_splitting_and_shuffling_change_no_bit(record: MarketRecord, cut: int, random: Random) -> None:
    """Orders given in touching pieces and in another sequence score the same bits, flicker included."""
    numbered = [replace(order, order_id=f"#{number}") for number, order in enumerate(record.quotes)]
    pieces = []
    for order in numbered:
        at = order.start_ns + cut * UNIT_NS
        if at < order.end_ns:
            pieces += [replace(order, end_ns=at, is_cancelled=False), replace(order, start_ns=at)]
        else:
            pieces.append(order)
    random.shuffle(pieces)
    whole, split = replace(record, quotes=numbered), replace(record, quotes=pieces)
    first, second = program_score(EDITION, whole), program_score(EDITION, split)
    assert first == second
    assert program_score(DWELLING, split).points == pytest.approx(program_score(DWELLING, whole).points)


@given(records())
def test_time_in_band_is_the_one_of_core_uptime(record: MarketRecord) -> None:
    """The times of a score are those that time in band gives for the same record."""
    expected = in_band(record.quotes, record.marks, record.alive, record.start_ns, record.end_ns, 10.0)
    assert program_score(EDITION, record).in_band == expected


@given(records(), st.integers(-5_000, 5_000))
def test_the_recorders_clock_does_not_matter(record: MarketRecord, shift: int) -> None:
    """The same record on another clock, with the offset to UTC that belongs to it, gives the same hours."""
    by_ns = shift * UNIT_NS + shift
    moved = MarketRecord(
        BTC,
        [replace(order, start_ns=order.start_ns + by_ns, end_ns=order.end_ns + by_ns) for order in record.quotes],
        [(at + by_ns, price) for at, price in record.marks],
        [(low + by_ns, high + by_ns) for low, high in record.alive],
        record.start_ns + by_ns,
        record.end_ns + by_ns,
        -by_ns,
    )
    assert program_score(EDITION, moved).hours == program_score(EDITION, record).hours


@given(records(), st.lists(st.tuples(st.integers(0, 100), st.integers(1, 2_999)), max_size=6))
def test_flicker_never_lowers_its_score(record: MarketRecord, cycles: list[tuple[int, int]]) -> None:
    """Each short cycle put into a record leaves the score between 0 and 1 and never lower."""
    quotes = list(record.quotes)
    before = 0.0
    for number, (at, length_ms) in enumerate(cycles):
        found = program_score(EDITION, replace(record, quotes=quotes)).flicker
        assert found is not None and 0 <= (found.score or 0.0) <= 1
        assert (found.score or 0.0) >= before
        before = found.score or 0.0
        start_ns = record.start_ns + at * 5 * SECOND_NS
        if start_ns + length_ms * 1_000_000 < record.end_ns:
            quotes.append(QuoteInterval(
                True, MARK, 1.0, start_ns, start_ns + length_ms * 1_000_000, f"wild {number}", is_cancelled=True))
