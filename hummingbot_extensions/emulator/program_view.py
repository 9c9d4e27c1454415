"""Program scores of an account as JSON, for the control API."""

from __future__ import annotations

from typing import Any

from hummingbot_extensions.core.maker_hours import SECOND_NS, HourScore, colour_of
from hummingbot_extensions.core.maker_month import MonthOutlook, month_outlook
from hummingbot_extensions.core.program_score import ProgramScore, program_score
from hummingbot_extensions.core.programs import Cadence, ProgramRules
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.sim.program_record import market_record


def program_scores(exchange: Exchange, user: str, symbol: str, since_ns: int | None) -> dict[str, Any]:
    """What one market earned under each program of the config since ``since_ns`` of venue time, by program name.

    Null is a figure that needs something unknown; ``unknown`` names it. The work grows with the span: a day takes
    seconds, in which the emulator answers nobody else.
    """
    venue, offset_ns = exchange.venue, exchange.offset_ns
    start_ns = venue.start_ns if since_ns is None else max(since_ns, venue.start_ns)
    record = market_record(venue, user, symbol, start_ns, max(start_ns, venue.now_ns), offset_ns)
    return {
        rules.name: _score_json(rules, program_score(rules, record, exchange.config.seed), venue.now_ns + offset_ns)
        for rules in exchange.config.programs
    }


def _score_json(rules: ProgramRules, score: ProgramScore, now_utc_ns: int) -> dict[str, Any]:
    flicker = score.flicker
    in_band = score.in_band
    is_monthly = rules.cadence is Cadence.MONTH and bool(score.hours)
    return {
        "symbol": score.symbol,
        "two_sided_frac": None if in_band is None else in_band.two_sided_frac,
        "strict_frac": None if in_band is None else in_band.strict_frac,
        "unknown_s": score.unknown_ns / SECOND_NS,
        "bid_base_s": score.bid_base_s,
        "ask_base_s": score.ask_base_s,
        "eligible_base_s": score.eligible_base_s,
        "maker_hours": score.maker_hours,
        "exact_maker_hours": score.exact_maker_hours,
        "points": score.points,
        "points_by_band": _by_band(rules, score),
        "flicker": None if flicker is None else {
            "score": flicker.score,
            "orders": flicker.orders,
            "short_cancels": flicker.short_cancels,
            "short_cancels_per_hour": flicker.short_cancels_per_hour,
        },
        "hours": [_hour_json(rules, hour) for hour in score.hours],
        "month": _month_json(month_outlook(rules, {score.symbol: score.hours}, now_utc_ns)) if is_monthly else None,
        "unknown": list(score.unknown),
    }


def _by_band(rules: ProgramRules, score: ProgramScore) -> dict[str, float] | None:
    """Points of each band, by its farther edge in bps."""
    if score.band_points is None or rules.points is None or rules.points.bands is None:
        return None
    return {f"{band.to_bps:g}": earned for band, earned in zip(rules.points.bands, score.band_points, strict=True)}


def _hour_json(rules: ProgramRules, hour: HourScore) -> dict[str, Any]:
    hours_rules = rules.maker_hours
    names = [tier.name for tier in hours_rules.tiers or ()] if hours_rules is not None else []
    return {
        "hour": wire.iso(hour.hour_ns, 0),
        "maker_hours": hour.maker_hours,
        "exact_maker_hours": hour.exact_maker_hours,
        "tier": hour.tier,
        "colour": None if hours_rules is None else colour_of(hour.maker_hours, hours_rules),
        "reached_base": None if hour.reached_base is None else dict(zip(names, hour.reached_base, strict=True)),
        "two_sided_s": hour.two_sided_ns / SECOND_NS,
        "eligible_base_s": hour.eligible_base_s,
        "known_s": hour.known_ns / SECOND_NS,
        "unknown_s": hour.unknown_ns / SECOND_NS,
        "ahead_s": hour.ahead_ns / SECOND_NS,
    }


def _month_json(month: MonthOutlook) -> dict[str, Any]:
    names = ("month_hours", "scored_hours", "unscored_hours", "hours_left", "earned_hours", "projected_hours")
    tiers = None
    if month.tiers is not None:
        fields = ("above_hours", "is_earned", "missing_hours", "needed_per_hour", "is_projected")
        tiers = {tier.name: {name: getattr(tier, name) for name in fields} for tier in month.tiers}
    return {name: getattr(month, name) for name in names} | {"tiers": tiers}
