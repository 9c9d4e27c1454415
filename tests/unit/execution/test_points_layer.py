"""The order for points on a whole bot: beside the mode's own at the venue, and scored in a band of its own."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from trading import Trading, trading, until

from hummingbot_extensions import bundle
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator.program_view import program_scores
from hummingbot_extensions.execution import program_files
from hummingbot_extensions.sim.program_record import market_record
from tests.support import warp

pytestmark = pytest.mark.hummingbot
START_NS = 1_767_665_400_000_000_000
"""Ten past two (UTC): no hour ends within the run."""
POINTS = {"points_distance_bps": 25.0, "points_size_frac": 1.5, "cancel_budget_per_min": 600, "basis_halflife_s": 1.0}
MINUTES = 3


async def wander(line: Trading) -> None:
    """The index goes up and down by 10 bps, a quarter bp a second, so that both kinds of orders are replaced."""
    for beat in range(MINUTES * 240):
        line.bench.market._index = 100_000.0 + 2.5 * abs(beat // 4 % 80 - 40)
        line.bench.market.outside(Side.BUY, 9_000_000 + beat % 50, 1)
        await asyncio.sleep(0.25)


def rests(line: Trading) -> list[tuple[float, float]]:
    """(seconds rested, size) of every order that the bot has given up, by the venue's own log."""
    venue = line.bench.handle.exchange.venue
    record = market_record(venue, line.bench.user, "BTC-USD", venue.start_ns, venue.now_ns)
    return [((quote.end_ns - quote.start_ns) / 1e9, quote.size) for quote in record.quotes if quote.is_cancelled]


def test_d9_bot_and_venue_score_the_two_bands_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four orders rest, two of each kind; Maker Hours come of the near ones, points of either band; the bot's figures
    are the venue's; no order for points was given up before its dwell.
    """
    files = sorted((bundle.folder("conf") / "programs").glob("*.yml"))
    rules = [program_files.load_program(str(path)) for path in files]

    async def run() -> tuple[dict[str, Any], dict[str, Any], str, list[tuple[float, float]]]:
        async with trading(tmp_path, monkeypatch, emulator={"programs": rules}, **POINTS) as line:
            await until(lambda: len(line.venue_orders()) == 4, 15.0, line.describe)
            sizes = sorted((row["side"], Decimal(row["qty"])) for row in line.venue_orders())
            assert [size for _, size in sizes] == [Decimal("0.002"), Decimal("0.003")] * 2
            names = {executor.config.level_id for executor in line.executors}
            assert names == {"buy_0", "buy_points", "sell_0", "sell_points"}
            await wander(line)
            await asyncio.sleep(1.0)
            exchange = line.bench.handle.exchange
            own = line.controller.desk.status().programs
            scores = program_scores(exchange, line.bench.user, "BTC-USD", None)
            screen = "\n".join(line.controller.to_format_status())
            return own, scores, screen, rests(line)

    own, venue, screen, ended = warp.run(run(), START_NS)
    mine, theirs = own["standx_points_2026-01"], venue["standx_points_2026-01"]
    print(mine, theirs["points_by_band"], sep="\n")
    assert set(mine["points_by_band"]) == set(theirs["points_by_band"]) == {"10", "30", "100"}
    for band, points in theirs["points_by_band"].items():
        assert mine["points_by_band"][band] == pytest.approx(points, rel=0.01, abs=0.002)
    # 300 of value a side at half a point against 200 at a whole one.
    assert theirs["points_by_band"]["30"] == pytest.approx(0.75 * theirs["points_by_band"]["10"], rel=0.1)
    assert theirs["points"] == pytest.approx(sum(theirs["points_by_band"].values()))
    hours, hours_venue = own["standx_uptime_2026-01"], venue["standx_uptime_2026-01"]["hours"][-1]
    assert hours["two_sided_s"] == pytest.approx(hours_venue["two_sided_s"], abs=5.0) and hours["two_sided_s"] > 150
    assert "to 30 bps" in screen
    far, near = ([rested for rested, size in ended if size == each] for each in (0.003, 0.002))
    assert len(far) >= 4 and min(far) >= 4.9
    assert len(near) >= 4
