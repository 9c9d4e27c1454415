"""A month of Maker Hours: what is earned, what it may become, and how far the fee tiers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import fsum

from hummingbot_extensions.core.maker_hours import HOUR_NS, SECOND_NS, HourScore
from hummingbot_extensions.core.programs import ProgramRules

RECENT_HOURS = 24
"""Whole hours whose mean is carried forward: a day, so that quiet and busy hours are in it."""


@dataclass(frozen=True, slots=True)
class TierDistance:
    """How far one fee tier is. The threshold itself does not qualify."""

    name: str
    above_hours: float
    is_earned: bool
    """The hours earned by now are above the threshold."""
    missing_hours: float
    """Threshold less earned, at least 0; the hours still to come must bring more than this."""
    needed_per_hour: float | None
    """Maker Hours that each hour left must beat; None when no hour is left. Above the program's maximum: out of reach.
    """
    is_projected: bool | None
    """The projection is above the threshold; None without one."""


@dataclass(frozen=True, slots=True)
class MonthOutlook:
    """One calendar month of UTC. None is a figure that needs something nobody knows."""

    month_hours: int
    """Hours of the month: 672 to 744."""
    scored_hours: int
    """Hours with a score, the running one included."""
    unscored_hours: int
    """Hours of the month that are over and that nobody scored: not earned, and shown apart."""
    hours_left: int
    """Hours of the month that have not begun."""
    earned_hours: float | None
    projected_hours: float | None
    """Earned, plus for each hour that has not begun the mean of the last whole scored hours, size included."""
    tiers: tuple[TierDistance, ...] | None


def month_span(utc_ns: int) -> tuple[int, int]:
    """[start, end) in nanoseconds of the calendar month of UTC that holds this instant.

    >>> start_ns, end_ns = month_span(1_769_904_000 * SECOND_NS)
    >>> (end_ns - start_ns) // HOUR_NS
    672
    """
    start = datetime.fromtimestamp(utc_ns // SECOND_NS, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return int(start.timestamp()) * SECOND_NS, int(end.timestamp()) * SECOND_NS


def month_outlook(rules: ProgramRules, hours: Mapping[str, Sequence[HourScore]], now_utc_ns: int) -> MonthOutlook:
    """Where the month of ``now_utc_ns`` stands, from the scored hours of each market.

    Only scored hours go in: a share of time in band says nothing about Maker Hours without the size behind it, so there
    is no way to hand one over. With several markets the sum is None unless the program says that they add up.
    """
    start_ns, end_ns = month_span(now_utc_ns)
    begun = min((now_utc_ns - start_ns) // HOUR_NS + 1, (end_ns - start_ns) // HOUR_NS)
    of_month = {
        symbol: [score for score in scores if start_ns <= score.hour_ns < end_ns] for symbol, scores in hours.items()
    }
    per_hour = _summed(rules, {symbol: scores for symbol, scores in of_month.items() if scores})
    scored = {score.hour_ns for scores in of_month.values() for score in scores}
    month_hours = (end_ns - start_ns) // HOUR_NS
    left = month_hours - begun
    earned = None if per_hour is None else fsum(per_hour.values())
    pace = None
    if per_hour is not None:
        running = {score.hour_ns for scores in of_month.values() for score in scores if not score.is_whole}
        whole = [at for at in sorted(per_hour) if at not in running][-RECENT_HOURS:]
        pace = fsum(per_hour[at] for at in whole) / len(whole) if whole else None
    projected = None if earned is None or pace is None else fsum((earned, pace * left))
    return MonthOutlook(
        month_hours=month_hours,
        scored_hours=len(scored),
        unscored_hours=begun - len(scored),
        hours_left=left,
        earned_hours=earned,
        projected_hours=projected,
        tiers=tier_distances(rules, earned, projected, left),
    )


def tier_distances(
    rules: ProgramRules, earned_hours: float | None, projected_hours: float | None, hours_left: int
) -> tuple[TierDistance, ...] | None:
    """Distance of each fee tier; None when the program's tiers, or the hours earned, are not known.

    A month of exactly the threshold does not reach it: 720 hours of 0.5 are 360, and MM1 asks for more.
    """
    if rules.fee_tiers is None or earned_hours is None:
        return None
    found = []
    for tier in rules.fee_tiers:
        missing = max(0.0, tier.above_hours - earned_hours)
        found.append(TierDistance(
            tier.name,
            tier.above_hours,
            earned_hours > tier.above_hours,
            missing,
            missing / hours_left if hours_left else None,
            None if projected_hours is None else projected_hours > tier.above_hours,
        ))
    return tuple(found)


def _summed(rules: ProgramRules, hours: Mapping[str, Sequence[HourScore]]) -> dict[int, float] | None:
    """Maker Hours of each hour over all markets; None when one is unknown or the markets may not add up."""
    if not hours or (len(hours) > 1 and (rules.maker_hours is None or not rules.maker_hours.symbols_add_up)):
        return None
    total: dict[int, float] = {}
    for scores in hours.values():
        for score in scores:
            if score.maker_hours is None:
                return None
            total[score.hour_ns] = total.get(score.hour_ns, 0.0) + score.maker_hours
    return total
