"""Records and rules for tests of program scoring."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from hummingbot_extensions.core.maker_hours import HOUR_NS, SECOND_NS
from hummingbot_extensions.core.program_file import program_rules
from hummingbot_extensions.core.program_score import MarketRecord
from hummingbot_extensions.core.programs import ProgramRules
from hummingbot_extensions.core.uptime import QuoteInterval

REPO = Path(__file__).resolve().parents[3]
EXAMPLES = json.loads((REPO / "tests/wire/standx/mm_uptime_examples.json").read_text(encoding="utf-8"))
UPTIME, POINTS, SIP5A = "standx_uptime_2026-01", "standx_points_2026-01", "standx_sip5a"
MONTH_NS = 1_767_225_600 * SECOND_NS
"""2026-01-01T00:00Z."""
MARK = 100_000.0
BTC = "BTC-USD"


def rule_file(name: str) -> Any:
    """Parsed content of a packaged rule file, to be changed freely."""
    return deepcopy(yaml.safe_load((REPO / "conf/programs" / f"{name}.yml").read_text(encoding="utf-8")))


def rules(name: str, **hours_fields: object) -> ProgramRules:
    """Rules of a packaged file, with fields of its ``maker_hours`` replaced."""
    file = rule_file(name)
    if hours_fields:
        file["maker_hours"] |= hours_fields
    return program_rules(file)


def bid(start_ns: int, end_ns: int, size: float = 2.0, bps: float = 5.0, **more: Any) -> QuoteInterval:
    return QuoteInterval(True, MARK * (1 - bps / 1e4), size, start_ns, end_ns, **more)


def ask(start_ns: int, end_ns: int, size: float = 2.0, bps: float = 5.0, **more: Any) -> QuoteInterval:
    return QuoteInterval(False, MARK * (1 + bps / 1e4), size, start_ns, end_ns, **more)


def record(
    quotes: Sequence[QuoteInterval],
    start_ns: int = MONTH_NS,
    end_ns: int = MONTH_NS + HOUR_NS,
    alive: Sequence[tuple[int, int]] | None = None,
    marks: Sequence[tuple[int, float]] | None = None,
    symbol: str = BTC,
    utc_offset_ns: int = 0,
) -> MarketRecord:
    """A record that is alive throughout, with one mark, unless said otherwise."""
    return MarketRecord(
        symbol,
        quotes,
        [(start_ns, MARK)] if marks is None else marks,
        [(start_ns, end_ns)] if alive is None else alive,
        start_ns,
        end_ns,
        utc_offset_ns,
    )


def slots(sizes: Sequence[float], start_ns: int = MONTH_NS) -> list[QuoteInterval]:
    """Both sides with one size in each of ``len(sizes)`` equal parts of an hour: whatever moment is sampled."""
    slot_ns = HOUR_NS // len(sizes)
    found = []
    for number, size in enumerate(sizes):
        span = (start_ns + number * slot_ns, start_ns + (number + 1) * slot_ns)
        found += [bid(*span, size), ask(*span, size)]
    return found
