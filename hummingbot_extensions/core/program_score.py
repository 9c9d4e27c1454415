"""One market's record scored by a program's rules: the one function behind the emulator, the bot and replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from hummingbot_extensions.core.flicker import FlickerScore, flicker
from hummingbot_extensions.core.maker_hours import HourScore, eligible_base_s, hour_scores
from hummingbot_extensions.core.points import band_points
from hummingbot_extensions.core.programs import MakerHoursRules, ProgramMarket, ProgramRules
from hummingbot_extensions.core.uptime import DepthStep, InBand, QuoteInterval, band_depth, in_band_of


@dataclass(frozen=True, slots=True)
class MarketRecord:
    """Everything that scoring looks at in one market over [start, end). Times are the recorder's nanoseconds.

    ``quotes`` may begin before and end after the span, so that an order's whole rest is known. ``marks`` are (time,
    price) steps in time order, the one that stood at the start included. ``alive`` are disjoint ascending spans in
    which the feed was alive; all other time is unknown and earns nothing.
    """

    symbol: str
    quotes: Sequence[QuoteInterval]
    marks: Sequence[tuple[int, float]]
    alive: Sequence[tuple[int, int]]
    start_ns: int
    end_ns: int
    utc_offset_ns: int = 0
    """Added to a time of the record to get UTC."""


@dataclass(frozen=True, slots=True)
class ProgramScore:
    """What a record earns by one edition of one program. None: needs something that nobody knows, see ``unknown``."""

    program: str
    symbol: str
    in_band: InBand | None
    """Time with size inside the program's band, per side and on both."""
    unknown_ns: int
    """Time of the span in which the feed was dead; not earned by any figure here."""
    bid_base_s: float | None
    """Size x time inside the band on the bid, in base units x seconds, uncapped; ``ask_base_s`` likewise."""
    ask_base_s: float | None
    eligible_base_s: float | None
    """The same of the smaller side, at most the cap: eligible depth x time."""
    hours: tuple[HourScore, ...]
    maker_hours: float | None
    exact_maker_hours: float | None
    points: float | None
    band_points: tuple[float, ...] | None
    """Points of each band, nearest first; they add up to ``points``."""
    flicker: FlickerScore | None
    unknown: tuple[str, ...]
    """Fields of the rule file whose null keeps a figure here from being known, in its spelling."""


def program_score(rules: ProgramRules, record: MarketRecord, seed: object = 0) -> ProgramScore:
    """Score of a record; ``seed`` draws the sample moments. Same arguments, same score."""
    hours_rules = rules.maker_hours
    span = (record.start_ns, record.end_ns)
    steps = _steps(rules, record)
    hours: tuple[HourScore, ...] = ()
    cap = None
    if hours_rules is not None:
        cap = hours_rules.markets.get(record.symbol, ProgramMarket(None, None)).cap_base
        hours = tuple(hour_scores(steps or (), hours_rules, record.symbol, record.utc_offset_ns, seed))
    alive_ns = sum(max(0, min(high, span[1]) - max(low, span[0])) for low, high in record.alive)
    earned = None
    if rules.points is not None and rules.reference is not None:
        earned = band_points(record.quotes, record.marks, record.alive, *span, rules.points)
    return ProgramScore(
        program=rules.name,
        symbol=record.symbol,
        in_band=None if steps is None else in_band_of(steps, *span),
        unknown_ns=max(0, span[1] - span[0]) - alive_ns,
        bid_base_s=None if steps is None else _base_s(steps, is_bid=True),
        ask_base_s=None if steps is None else _base_s(steps, is_bid=False),
        eligible_base_s=None if steps is None or cap is None else eligible_base_s(steps, cap),
        hours=hours,
        maker_hours=_total([hour.maker_hours for hour in hours]),
        exact_maker_hours=_total([hour.exact_maker_hours for hour in hours]),
        points=None if earned is None else fsum(earned),
        band_points=earned,
        flicker=None if rules.flicker is None else flicker(record.quotes, *span, rules.flicker),
        unknown=unknown_terms(rules, record.symbol),
    )


def unknown_terms(rules: ProgramRules, symbol: str) -> tuple[str, ...]:
    """Dotted names of the fields that are null and would be needed to score this market."""
    found = [] if rules.reference is not None else ["reference"]
    if rules.maker_hours is not None:
        found += [f"maker_hours.{name}" for name in _unknown_hours_terms(rules.maker_hours, symbol)]
    if rules.points is not None:
        terms = {
            "dwell_s": rules.points.dwell_s,
            "points_per_usd_day": rules.points.points_per_usd_day,
            "bands": rules.points.bands,
        }
        found += [f"points.{name}" for name, value in terms.items() if value is None]
    if rules.flicker is not None and rules.flicker.short_life_s is None:
        found.append("flicker.short_life_s")
    return tuple(found)


def _unknown_hours_terms(rules: MakerHoursRules, symbol: str) -> list[str]:
    market = rules.markets.get(symbol)
    terms: dict[str, object] = {"band_bps": rules.band_bps, f"markets.{symbol}": market}
    if market is not None:
        terms |= {f"markets.{symbol}.cap_base": market.cap_base, f"markets.{symbol}.divisor_base": market.divisor_base}
    terms |= {"counted_by": rules.counted_by, "tiers": rules.tiers, "max_per_hour": rules.max_per_hour}
    if rules.counted_by != "minutes":
        terms["sample_every_s"] = rules.sample_every_s
    return [name for name, value in terms.items() if value is None] + [
        f"further_terms.{name}" for name in rules.further_terms
    ]


def _steps(rules: ProgramRules, record: MarketRecord) -> list[DepthStep] | None:
    """Depth inside the band of Maker Hours; None when the program has none or its band is not known."""
    if rules.maker_hours is None or rules.maker_hours.band_bps is None or rules.reference is None:
        return None
    return band_depth(
        record.quotes, record.marks, record.alive, record.start_ns, record.end_ns, rules.maker_hours.band_bps
    )


def _base_s(steps: Sequence[DepthStep], is_bid: bool) -> float:
    sizes = ((step.bid_base if is_bid else step.ask_base, step) for step in steps if step.is_known)
    return fsum(size * (step.end_ns - step.start_ns) for size, step in sizes) / 1e9


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) if values and len(known) == len(values) else None
