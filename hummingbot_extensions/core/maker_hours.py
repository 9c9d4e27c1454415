"""Maker Hours: what an hour with size on both sides earns, from the venue's samples or from the exact time."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, fsum

from hummingbot_extensions.core.programs import CountedBy, HourTier, MakerHoursRules, ProgramMarket
from hummingbot_extensions.core.uptime import DepthStep

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
GREY = "grey"


@dataclass(frozen=True, slots=True)
class HourScore:
    """One market's hour of UTC. Figures that need an unknown term of the program are None.

    ``unknown_ns`` is the time of the hour in which nothing is known, because the feed was dead or the record had not
    begun; it earns nothing. ``ahead_ns`` is what of the hour is still to come.
    """

    hour_ns: int
    known_ns: int
    unknown_ns: int
    ahead_ns: int
    two_sided_ns: int
    eligible_base_s: float | None
    """Base units x seconds that rested on the smaller side, at most the cap."""
    reached_base: tuple[float, ...] | None
    """Size held as long as each tier asks for, in the order of the rules, by the rules' way of counting."""
    maker_hours: float | None
    exact_maker_hours: float | None
    """The same from the exact time: what the luck of the samples does not touch."""
    tier: str | None
    """Tier that paid; None when nothing did or when it is not known."""

    @property
    def is_whole(self) -> bool:
        """Whether the hour is over."""
        return self.ahead_ns == 0


def hour_of(utc_ns: int) -> int:
    """Start of the hour of UTC, in nanoseconds."""
    return utc_ns - utc_ns % HOUR_NS


def sample_moments_ns(seed: object, symbol: str, hour_ns: int, every_s: float) -> list[int]:
    """Moments of UTC at which an hour is recorded: one at random in each span of ``every_s``. Same seed, same moments.

    When the venue looks is not published; nothing that a quoter does moves these.
    """
    draw = random.Random(f"{seed} {symbol} {hour_ns}")
    every_ns = round(every_s * SECOND_NS)
    return [hour_ns + at * every_ns + draw.randrange(every_ns) for at in range(HOUR_NS // every_ns)]


def sampled_base(steps: Sequence[DepthStep], moments_ns: Sequence[int], cap_base: float) -> list[float]:
    """Smaller side at each moment, at most the cap; 0 where the feed was dead or nothing is recorded."""
    return [_smaller(step, cap_base) if step is not None else 0.0 for step in _at(steps, moments_ns)]


def reached_by_samples(samples: Sequence[float], share_frac: float) -> float:
    """Largest size that at least ``share_frac`` of the samples held: the ceil(share x n)-th largest; 0 without samples.

    >>> reached_by_samples([2.0] * 14 + [0.0] * 6, 0.7), reached_by_samples([2.0] * 13 + [0.0] * 7, 0.7)
    (2.0, 0.0)
    """
    if not samples:
        return 0.0
    rank = max(1, ceil(round(share_frac * len(samples), 9)))
    return sorted(samples, reverse=True)[rank - 1]


def reached_by_time(steps: Sequence[DepthStep], minutes: float, cap_base: float) -> float:
    """Largest size, at most the cap, that rested on both sides for ``minutes`` in all of the known time."""
    wanted_ns = round(minutes * 60 * SECOND_NS)
    held_ns = 0
    sizes = [(_smaller(step, cap_base), step.end_ns - step.start_ns) for step in steps]
    for size, span_ns in sorted(sizes, reverse=True):
        held_ns += span_ns
        if held_ns >= wanted_ns:
            return size
    return 0.0


def paid_hours(
    reached_base: Sequence[float], tiers: Sequence[HourTier], market: ProgramMarket, max_per_hour: float | None
) -> tuple[float | None, str | None]:
    """Maker Hours of an hour and the tier that pays them: the best of the tiers. None when a term is not known.

    Sizes are cut at the cap here too, so that a published table may be put in as it stands.
    """
    if market.cap_base is None or market.divisor_base is None or max_per_hour is None:
        return None, None
    best, name = 0.0, None
    for size, tier in zip(reached_base, tiers, strict=True):
        paid = min(min(size, market.cap_base) / market.divisor_base * tier.multiplier, max_per_hour)
        if paid > best:
            best, name = paid, tier.name
    return best, name


def colour_of(maker_hours: float | None, rules: MakerHoursRules) -> str | None:
    """How the venue's page shows the hour; None when its Maker Hours are not known."""
    if maker_hours is None:
        return None
    return next((colour.name for colour in rules.colours if maker_hours > colour.above_hours), GREY)


def wire_tier_of(maker_hours: float, rules: MakerHoursRules) -> str:
    """The word that the venue's API writes for the hour, empty for one that earned nothing."""
    return next((colour.wire_tier for colour in rules.colours if maker_hours > colour.above_hours), "")


def hour_scores(
    steps: Sequence[DepthStep], rules: MakerHoursRules, symbol: str, utc_offset_ns: int = 0, seed: object = 0
) -> list[HourScore]:
    """Score of every hour of UTC that the steps touch, in order.

    ``steps`` cover the record without a gap, as ``band_depth`` gives them for the program's band; ``utc_offset_ns`` is
    added to their times to get UTC. ``seed`` draws the sample moments. A market that the rules do not list has unknown
    terms.
    """
    if not steps:
        return []
    start_ns, end_ns = steps[0].start_ns + utc_offset_ns, steps[-1].end_ns + utc_offset_ns
    market = rules.markets.get(symbol, ProgramMarket(None, None))
    starts = [step.start_ns + utc_offset_ns for step in steps]
    scores = []
    for hour_ns in range(hour_of(start_ns), end_ns, HOUR_NS):
        first = max(0, bisect_right(starts, hour_ns) - 1)
        last = bisect_right(starts, hour_ns + HOUR_NS - 1)
        cut = [_clipped(step, utc_offset_ns, hour_ns, hour_ns + HOUR_NS) for step in steps[first:last]]
        scores.append(_hour(cut, rules, market, symbol, hour_ns, max(0, hour_ns + HOUR_NS - end_ns), seed))
    return scores


def _hour(
    steps: Sequence[DepthStep],
    rules: MakerHoursRules,
    market: ProgramMarket,
    symbol: str,
    hour_ns: int,
    ahead_ns: int,
    seed: object,
) -> HourScore:
    known = [step for step in steps if step.is_known]
    known_ns = sum(step.end_ns - step.start_ns for step in known)
    cap = market.cap_base
    reached, paid, tier, exact = None, None, None, None
    if cap is not None and rules.tiers is not None:
        by_time = tuple(reached_by_time(known, wanted.minutes, cap) for wanted in rules.tiers)
        if rules.counted_by is CountedBy.MINUTES:
            reached = by_time
        elif rules.counted_by is CountedBy.SAMPLES and rules.sample_every_s is not None:
            samples = sampled_base(known, sample_moments_ns(seed, symbol, hour_ns, rules.sample_every_s), cap)
            reached = tuple(reached_by_samples(samples, wanted.share_frac) for wanted in rules.tiers)
        if reached is not None and not rules.further_terms:
            exact, _ = paid_hours(by_time, rules.tiers, market, rules.max_per_hour)
            paid, tier = paid_hours(reached, rules.tiers, market, rules.max_per_hour)
    return HourScore(
        hour_ns=hour_ns,
        known_ns=known_ns,
        unknown_ns=HOUR_NS - ahead_ns - known_ns,
        ahead_ns=ahead_ns,
        two_sided_ns=sum(step.end_ns - step.start_ns for step in known if step.bid_base and step.ask_base),
        eligible_base_s=None if cap is None else eligible_base_s(known, cap),
        reached_base=reached,
        maker_hours=paid,
        exact_maker_hours=exact,
        tier=tier,
    )


def eligible_base_s(steps: Sequence[DepthStep], cap_base: float) -> float:
    """Base units x seconds of the smaller side, at most the cap, over the known time: eligible depth x time."""
    return fsum(_smaller(step, cap_base) * (step.end_ns - step.start_ns) for step in steps) / SECOND_NS


def _smaller(step: DepthStep, cap_base: float) -> float:
    return min(step.bid_base, step.ask_base, cap_base) if step.is_known else 0.0


def _at(steps: Sequence[DepthStep], moments_ns: Sequence[int]) -> list[DepthStep | None]:
    """The step that holds at each moment; None where there is none."""
    starts = [step.start_ns for step in steps]
    found: list[DepthStep | None] = []
    for moment in moments_ns:
        at = bisect_right(starts, moment) - 1
        found.append(steps[at] if at >= 0 and moment < steps[at].end_ns else None)
    return found


def _clipped(step: DepthStep, offset_ns: int, low_ns: int, high_ns: int) -> DepthStep:
    start_ns, end_ns = max(step.start_ns + offset_ns, low_ns), min(step.end_ns + offset_ns, high_ns)
    return DepthStep(start_ns, end_ns, step.bid_base, step.ask_base, step.is_known)
