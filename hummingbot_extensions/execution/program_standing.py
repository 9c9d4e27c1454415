"""The bot's own score in the reward programs of its venue: which programs, and how the status shows them."""

from __future__ import annotations

import time
from typing import Any

from hummingbot_extensions.core.maker_hours import SECOND_NS
from hummingbot_extensions.core.standing import ProgramStanding, Standings
from hummingbot_extensions.execution.program_files import programs_of


def standings_for(connector_name: str, trading_pair: str) -> Standings | None:
    """Standings of one market from now on, in monotonic time; None where the venue has no program."""
    rules = programs_of(connector_name)
    if not rules:
        return None
    now_ns = time.monotonic_ns()
    return Standings(rules, program_symbol(trading_pair), now_ns, time.time_ns() - now_ns)


def program_symbol(trading_pair: str) -> str:
    """Symbol by which rule files name the market of a pair.

    >>> program_symbol("BTC-DUSD")
    'BTC-USD'
    """
    return f"{trading_pair.split('-')[0]}-USD"


def standing_info(standing: ProgramStanding) -> dict[str, Any]:
    """Figures of one program as plain values, of the parts that it has. None is a figure that needs something unknown.
    """
    hour, flicker, month = standing.hour, standing.flicker, standing.month
    info: dict[str, Any] = {}
    if hour is not None:
        info |= {
            "maker_hours": _rounded(hour.maker_hours, 4),
            "exact_maker_hours": _rounded(hour.exact_maker_hours, 4),
            "two_sided_s": round(hour.two_sided_ns / SECOND_NS, 1),
            "unknown_s": round(hour.unknown_ns / SECOND_NS, 1),
            "eligible_base_s": _rounded(hour.eligible_base_s, 6),
        }
    if month is not None:
        info |= {
            "month_earned_hours": _rounded(month.earned_hours, 4),
            "month_projected_hours": _rounded(month.projected_hours, 2),
        }
    if standing.has_points:
        info |= {"points": _rounded(standing.points, 6), "hour_points": _rounded(standing.hour_points, 6)}
        info["points_by_band"] = None if standing.band_points is None else {
            f"{to_bps:g}": round(earned, 6) for to_bps, earned in standing.band_points.items()}
    if flicker is not None:
        info |= {"flicker": _rounded(flicker.score, 4), "short_cancels": flicker.short_cancels}
    return info | {"unknown": list(standing.unknown)}


def short_info(row: dict[str, Any]) -> dict[str, Any]:
    """The part of ``standing_info`` that Hummingbot's performance message carries every second, which must be small."""
    return {name: row[name] for name in ("maker_hours", "exact_maker_hours", "points", "flicker") if name in row}


def standing_lines(info: dict[str, dict[str, Any]]) -> list[str]:
    """Programs for Hummingbot's ``status`` screen, from ``standing_info`` by name."""
    lines = []
    for name, row in info.items():
        parts = []
        if "maker_hours" in row:
            parts.append(
                f"this hour's Maker Hours {_text(row['exact_maker_hours'])} exact, {_text(row['maker_hours'])} sampled")
            parts.append(f"both sides in band {row['two_sided_s']:.0f} s, unknown {row['unknown_s']:.0f} s")
        if "month_earned_hours" in row:
            parts.append(
                f"month {_text(row['month_earned_hours'])} by this run, heading for "
                f"{_text(row['month_projected_hours'])}")
        if "points" in row:
            bands = row["points_by_band"] or {}
            split = ", ".join(f"{_text(earned)} to {to_bps} bps" for to_bps, earned in bands.items())
            parts.append(
                f"points {_text(row['hour_points'])} this hour, {_text(row['points'])} this run"
                + (f" ({split})" if split else ""))
        if "flicker" in row:
            parts.append(f"flicker {_text(row['flicker'])}")
        if row["unknown"]:
            parts.append(f"{len(row['unknown'])} terms nobody knows")
        lines.append(f"    {name}  {'; '.join(parts)}")
    return lines


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
