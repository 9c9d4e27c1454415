"""The venue's own Maker Hours of an account: sampled at one random second of each minute, as the program describes."""

from __future__ import annotations

import random
from typing import Any

from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.sim.maker_hours import MakerHour, maker_hour
from hummingbot_extensions.sim.order_log import qualifying_size

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
BAND_BPS = 10.0
CAPS = {"BTC-USD": 2.0, "ETH-USD": 60.0}
"""Size that counts per side, in base units. Other markets are not in the program as published."""


def maker_uptime(exchange: Exchange, user: str) -> dict[str, Any]:
    """Answer of /api/maker/uptime: one row per hour begun since the emulator started, hours of all markets added up."""
    venue, offset_ns = exchange.venue, exchange.offset_ns
    first = (venue.start_ns + offset_ns) // HOUR_NS
    last = (venue.now_ns + offset_ns) // HOUR_NS
    rows, total = [], 0.0
    for hour in range(first, last + 1):
        scores = [_hour_score(exchange, user, symbol, hour) for symbol in venue.specs if symbol in CAPS]
        eligible = sum(score.maker_hours for score in scores)
        total += eligible
        rows.append(
            {
                "hour": wire.iso(hour * HOUR_NS, 0),
                "tier": "tier_a" if eligible > 0.5 else "tier_b" if eligible > 0 else "",
                "eligible_hour": eligible,
                "x70": max((score.x70 for score in scores), default=0.0),
                "x50": max((score.x50 for score in scores), default=0.0),
            }
        )
    return {"hours": rows, "total_eligible_hours": total}


def _hour_score(exchange: Exchange, user: str, symbol: str, hour: int) -> MakerHour:
    venue, spec = exchange.venue, exchange.venue.specs[symbol]
    log, marks = venue.accounts[user].log, venue.marks(symbol)
    units = (10.0**-spec.price_decimals, 10.0**-spec.size_decimals)
    draw = random.Random(f"{exchange.config.seed} {symbol} {hour}")
    samples = []
    for minute in range(60):
        at_ns = hour * HOUR_NS + (minute * 60 + draw.randrange(60)) * SECOND_NS - exchange.offset_ns
        is_known = venue.start_ns <= at_ns <= venue.now_ns
        samples.append(qualifying_size(log, marks, symbol, at_ns, BAND_BPS, *units) if is_known else 0.0)
    return maker_hour(samples, CAPS[symbol])
