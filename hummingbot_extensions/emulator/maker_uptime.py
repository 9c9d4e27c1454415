"""The venue's own Maker Hours and points of an account, by the rule files that the emulator was started with."""

from __future__ import annotations

from math import fsum
from typing import Any

from hummingbot_extensions.core.maker_hours import HOUR_NS, SECOND_NS, HourScore, hour_of, wire_tier_of
from hummingbot_extensions.core.program_score import program_score
from hummingbot_extensions.core.programs import ProgramRules
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.sim.program_record import market_record

X70_FRAC, X50_FRAC = 0.7, 0.5


def hours_program(exchange: Exchange) -> ProgramRules | None:
    """The first program of the config that pays Maker Hours."""
    return next((rules for rules in exchange.config.programs if rules.maker_hours is not None), None)


def maker_uptime(exchange: Exchange, user: str, rules: ProgramRules) -> dict[str, Any]:
    """Answer of /api/maker/uptime: one row per hour begun since the emulator started.

    Hours of several markets are added up, which the venue leaves open. What the rules leave unknown is null.
    """
    venue, offset_ns, hours_rules = exchange.venue, exchange.offset_ns, rules.maker_hours
    if hours_rules is None:
        raise ValueError(f"{rules.name} pays no Maker Hours")
    symbols = [symbol for symbol in venue.specs if symbol in hours_rules.markets]
    shares = [tier.share_frac for tier in hours_rules.tiers or ()]
    rows, total = [], []
    for hour_ns in range(hour_of(venue.start_ns + offset_ns), venue.now_ns + offset_ns, HOUR_NS):
        scores = [_hour_score(exchange, user, symbol, rules, hour_ns) for symbol in symbols]
        eligible = _added([score.maker_hours for score in scores])
        total.append(eligible)
        rows.append(
            {
                "hour": wire.iso(hour_ns, 0),
                "tier": "" if eligible is None else wire_tier_of(eligible, hours_rules),
                "eligible_hour": eligible,
                "x70": _reached(scores, shares, X70_FRAC),
                "x50": _reached(scores, shares, X50_FRAC),
            }
        )
    return {"hours": rows, "total_eligible_hours": _added(total)}


def maker_points(exchange: Exchange, user: str) -> float | None:
    """Maker points since the emulator started, all markets, by the first program that pays points; None without one.

    Points of a running order count from its first instant, but only once it has rested long enough.
    """
    rules = next((rules for rules in exchange.config.programs if rules.points is not None), None)
    if rules is None:
        return None
    venue = exchange.venue
    records = [market_record(venue, user, symbol, venue.start_ns, venue.now_ns) for symbol in venue.specs]
    return _added([program_score(rules, record).points for record in records])


def _hour_score(exchange: Exchange, user: str, symbol: str, rules: ProgramRules, hour_ns: int) -> HourScore:
    """One hour of one market; kept once it is over, since nothing can change it any more."""
    venue, offset_ns = exchange.venue, exchange.offset_ns
    key = (user, symbol, hour_ns)
    if key in exchange.hour_scores:
        return exchange.hour_scores[key]
    start_ns, end_ns = hour_ns - offset_ns, hour_ns + HOUR_NS - offset_ns
    record = market_record(venue, user, symbol, max(start_ns, venue.start_ns), min(end_ns, venue.now_ns), offset_ns)
    (score,) = program_score(rules, record, exchange.config.seed).hours
    if end_ns + SECOND_NS <= venue.now_ns:
        exchange.hour_scores[key] = score
    return score


def _reached(scores: list[HourScore], shares: list[float], share_frac: float) -> float | None:
    """Largest X of this share over the markets; None where the rules do not say."""
    if share_frac not in shares or any(score.reached_base is None for score in scores):
        return None
    place = shares.index(share_frac)
    return max((score.reached_base[place] for score in scores if score.reached_base is not None), default=0.0)


def _added(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) if len(known) == len(values) else None
