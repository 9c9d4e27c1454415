"""The document's worked examples of Maker Hours and points, to the digit, by parts and through the whole scoring."""

from __future__ import annotations

from math import fsum
from typing import Any

import pytest
from program_builders import BTC, EXAMPLES, MONTH_NS, POINTS, UPTIME, ask, bid, record, rules, slots

from hummingbot_extensions.core.maker_hours import (
    HOUR_NS,
    SECOND_NS,
    colour_of,
    paid_hours,
    reached_by_samples,
    wire_tier_of,
)
from hummingbot_extensions.core.maker_month import tier_distances
from hummingbot_extensions.core.program_score import program_score
from hummingbot_extensions.core.programs import MakerHoursRules
from hummingbot_extensions.core.uptime import QuoteInterval

HOURS = EXAMPLES["maker_hours"]
EDGE_CASES = [  # samples of 20 with 2 BTC, Maker Hours, tier
    (20, 1.0, "boosted"), (14, 1.0, "boosted"), (13, 0.5, "standard"), (10, 0.5, "standard"), (9, 0.0, None),
    (0, 0.0, None),
]


def january() -> MakerHoursRules:
    found = rules(UPTIME, sample_every_s=180).maker_hours
    assert found is not None and found.tiers is not None
    return found


def symbol_of(case: dict[str, Any]) -> str:
    return {2: BTC, 60: "ETH-USD"}[case["cap_per_side"]]


@pytest.mark.parametrize("case", HOURS, ids=lambda case: str(case["name"]))
def test_worked_hours_by_parts(case: dict[str, Any]) -> None:
    """X70, X50, what each tier pays and the Maker Hours of every published list are the published figures."""
    hours = january()
    market = hours.markets[symbol_of(case)]
    assert market.cap_base == case["cap_per_side"]
    samples = [min(size, market.cap_base) for size in case["samples_min_of_two_sides"]]
    reached = [reached_by_samples(samples, tier.share_frac) for tier in hours.tiers or ()]
    assert reached == [case["x70"], case["x50"]]
    for size, tier, name in zip(reached, hours.tiers or (), ("boosted", "standard"), strict=True):
        assert paid_hours([size], [tier], market, hours.max_per_hour)[0] == case[name]
    assert paid_hours(reached, hours.tiers or (), market, hours.max_per_hour)[0] == case["maker_hours"]


@pytest.mark.parametrize("case", HOURS, ids=lambda case: str(case["name"]))
@pytest.mark.parametrize("seed", [0, 7])
def test_worked_hours_through_the_whole_scoring(case: dict[str, Any], seed: int) -> None:
    """Orders that stand with the published sizes score the published hour, wherever in their slot they are sampled."""
    quotes = slots(case["samples_min_of_two_sides"])
    score = program_score(rules(UPTIME, sample_every_s=180), record(quotes, symbol=symbol_of(case)), seed)
    (hour,) = score.hours
    assert hour.reached_base == (case["x70"], case["x50"])
    assert hour.maker_hours == hour.exact_maker_hours == score.maker_hours == case["maker_hours"]
    assert score.unknown == ()


@pytest.mark.parametrize(("held", "hours", "tier"), EDGE_CASES)
@pytest.mark.parametrize("counted_by", ["samples", "minutes"])
def test_l3_edges_of_the_tiers(held: int, hours: float, tier: str | None, counted_by: str) -> None:
    """14 of 20 samples, or 42 minutes, pay in full; 13 and 10 of 20 pay half; 9 of 20, or 27 minutes, pay nothing."""
    edition = rules(UPTIME, sample_every_s=180, counted_by=counted_by)
    (hour,) = program_score(edition, record(slots([2.0] * held + [0.0] * (20 - held)))).hours
    assert (hour.maker_hours, hour.tier) == (hours, tier)


@pytest.mark.parametrize(("held_s", "hours"), [(2520, 1.0), (2519, 0.5), (1800, 0.5), (1799, 0.0)])
def test_l3_edges_by_the_second(held_s: int, hours: float) -> None:
    """Where the file says minutes, 42:00 pay in full, 41:59 half, 30:00 half, 29:59 nothing, in pieces or at once."""
    edition = rules(UPTIME, counted_by="minutes")
    whole = (MONTH_NS, MONTH_NS + held_s * SECOND_NS)
    middle = MONTH_NS + 600 * SECOND_NS
    pieces = [(MONTH_NS, middle), (middle + 300 * SECOND_NS, whole[1] + 300 * SECOND_NS)]
    for spans in ([whole], pieces):
        quotes = [make(*span) for span in spans for make in (bid, ask)]
        assert program_score(edition, record(quotes)).maker_hours == hours


@pytest.mark.parametrize("case", EXAMPLES["published_table_check"], ids=lambda case: str(case["user"]))
def test_published_table(case: dict[str, Any]) -> None:
    """Jack, Alice, Bob and Jimmy earn what the venue printed; Jack's 2.2 is cut at the cap."""
    hours = january()
    paid, _ = paid_hours([case["x70"], case["x50"]], hours.tiers or (), hours.markets[BTC], hours.max_per_hour)
    assert paid == case["published"] == case["recomputed"]


@pytest.mark.parametrize(("bids", "asks", "hours"), [
    (2.0, 0.3, 0.15), (0.3, 2.0, 0.15), (2.0, 0.0, 0.0), (3.0, 3.0, 1.0), (3.0, 2.0, 1.0), (0.01, 0.01, 0.005)])
def test_l6_the_smaller_side_counts_up_to_the_cap(bids: float, asks: float, hours: float) -> None:
    """Bid 2.0 with ask 0.3 scores 0.3 on both sides, one side alone nothing, 3 BTC what 2 BTC score."""
    span = (MONTH_NS, MONTH_NS + HOUR_NS)
    score = program_score(rules(UPTIME), record([bid(*span, bids), ask(*span, asks)]))
    assert score.maker_hours == hours
    assert score.eligible_base_s == min(bids, asks, 2.0) * 3600


def test_several_orders_of_a_side_add_up() -> None:
    """Three bids of 0.1 and one ask of 0.3 in the band are 0.3 on both sides; an order outside adds nothing."""
    span = (MONTH_NS, MONTH_NS + HOUR_NS)
    quotes = [bid(*span, 0.1), bid(*span, 0.1, 7.0), bid(*span, 0.1, 10.0), bid(*span, 5.0, 10.5), ask(*span, 0.3)]
    assert program_score(rules(UPTIME), record(quotes)).maker_hours == 0.15


@pytest.mark.parametrize(("hours", "colour", "wire_tier"), [
    (1.0, "dark_green", "tier_a"), (0.51, "dark_green", "tier_a"), (0.5, "light_green", "tier_b"),
    (0.125, "light_green", "tier_b"), (0.0, "grey", "")])
def test_colours(hours: float, colour: str, wire_tier: str) -> None:
    """Dark green is above 0.5, as the rule says (the printed table shows 0.5 dark), light green above 0, else grey."""
    assert colour_of(hours, january()) == colour
    assert wire_tier_of(hours, january()) == wire_tier


@pytest.mark.parametrize(("per_hour", "total", "reached"), [
    (0.5, 360.0, []), (0.51, 367.2, ["MM1"]), (0.7, 504.0, ["MM1"]), (0.71, 511.2, ["MM1", "MM2"]),
    (0.005, 3.6, []), (1.0, 720.0, ["MM1", "MM2"])])
def test_months_of_constant_hours(per_hour: float, total: float, reached: list[str]) -> None:
    """720 hours of 0.5 are exactly 360 and do not qualify, as 0.7 are exactly 504; 0.01 BTC earn 3.6 a month."""
    monthly = EXAMPLES["monthly"]
    edition = rules(UPTIME)
    earned = fsum([per_hour] * monthly["hours_30d"])
    assert round(earned, 9) == total
    distances = tier_distances(edition, round(earned, 9), round(earned, 9), 0)
    assert distances is not None and edition.fee_tiers is not None
    assert [tier.name for tier in distances if tier.is_earned] == reached
    assert [tier.above_hours for tier in distances] == [monthly["mm1_threshold_gt"], monthly["mm2_threshold_gt"]]
    assert [(tier.taker_fee_bps, tier.maker_fee_bps) for tier in edition.fee_tiers] == [(2.25, -0.25), (2.0, -0.5)]


@pytest.mark.parametrize("case", EXAMPLES["maker_points_2026_01_bands"], ids=lambda case: str(case["name"]))
def test_l5_worked_points(case: dict[str, Any]) -> None:
    """Every published case of points comes out as published, by an order that really rests there."""
    bps = {1.0: 5.0, 0.5: 20.0, 0.1: 60.0, 0.0: 5.0}[case["multiplier"]]
    length_ns = round(case["seconds"] * SECOND_NS)
    mark = case["price"] / (1 - bps / 1e4)
    order = QuoteInterval(True, float(case["price"]), float(case["qty"]), MONTH_NS, MONTH_NS + length_ns)
    score = program_score(
        rules(POINTS), record([order], end_ns=MONTH_NS + 2 * length_ns, marks=[(MONTH_NS, mark)]))
    assert score.points == case["points"]


@pytest.mark.parametrize(("rest_ms", "earns"), [(2_900, False), (3_000, False), (3_001, True), (3_100, True)])
@pytest.mark.parametrize(("bps", "share"), [
    (0, 1.0), (10, 1.0), (10.1, 0.5), (30, 0.5), (30.1, 0.1), (100, 0.1), (100.1, 0.0)])
def test_l5_dwell_and_bands(rest_ms: int, earns: bool, bps: float, share: float) -> None:
    """An order must rest longer than 3 s and then counts whole in its band; the edge belongs to the nearer band."""
    order = ask(MONTH_NS, MONTH_NS + rest_ms * 1_000_000, 1.0, bps)
    score = program_score(rules(POINTS), record([order]))
    expected = order.price * 1.0 * share * rest_ms / 1000 / 86_400 if earns else 0.0
    assert score.points == pytest.approx(expected, rel=1e-12, abs=0)
    assert score.maker_hours is None and score.hours == ()
