"""What the bot says that it earned is what the venue's own log earns under the same rules."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from trading import FAST, Trading, trading, until

from hummingbot_extensions import bundle
from hummingbot_extensions.core.programs import ProgramRules
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.uptime import band_depth
from hummingbot_extensions.emulator.program_view import program_scores
from hummingbot_extensions.execution import program_files
from hummingbot_extensions.sim.program_record import market_record
from tests.support import warp

pytestmark = pytest.mark.hummingbot
PROGRAMS = bundle.folder("conf") / "programs"
FRAME_S = 0.25
MINUTES = 5
START_NS = 1_767_665_400_000_000_000
"""Ten past two (UTC): no hour ends within the run."""


def own_editions(folder: Path) -> list[ProgramRules]:
    """The packaged programs in a folder of ours, and two more that pay what they do not: a band of 8 bps with a tier
    of half a minute, and sixty times the points after a dwell of 20 s.
    """
    (folder / "programs").mkdir(parents=True)
    for path in PROGRAMS.glob("*.yml"):
        (folder / "programs" / path.name).write_text(path.read_text())
    near = yaml.safe_load((PROGRAMS / "standx_uptime_2026-01.yml").read_text()) | {"program": "near"}
    near["maker_hours"] |= {"band_bps": 8, "sample_every_s": 1}
    near["maker_hours"]["markets"] = {"BTC-USD": {"cap_base": 0.002, "divisor_base": 0.004}}
    near["maker_hours"]["tiers"] = [{"name": "minute", "share_frac": 0.01, "minutes": 0.5, "multiplier": 1.0}]
    (folder / "programs" / "near.yml").write_text(yaml.safe_dump(near))
    generous = yaml.safe_load((PROGRAMS / "standx_points_2026-01.yml").read_text()) | {"program": "generous"}
    generous["points"] |= {"points_per_usd_day": 60, "dwell_s": 20}
    generous["flicker"] = {"short_life_s": 600}
    (folder / "programs" / "generous.yml").write_text(yaml.safe_dump(generous))
    (folder / "programs" / "broken.yml").write_text("schema: 1\nprogram: broken\n")
    return [program_files.load_program(str(folder / "programs" / f"{name}.yml")) for name in (
        "standx_uptime_2026-01", "standx_points_2026-01", "standx_sip5a", "near", "generous")]


async def eventful(line: Trading) -> None:
    """The index goes up and down in steps of half a bp, and a part of a quote is hit now and then; in the middle the
    market is dead for six seconds.
    """
    for beat in range(MINUTES * 240):
        line.bench.market._index = 100_000.0 + 5.0 * abs((beat // 5) % 60 - 30)
        line.bench.market.outside(Side.BUY, 9_000_000 + beat % 50, 1)
        if beat % 200 == 100:
            line.hit(Side.BUY if beat % 400 == 100 else Side.SELL, 5)
        await asyncio.sleep(FRAME_S)
        if beat == MINUTES * 120:
            await asyncio.sleep(6.0)


@dataclass(frozen=True, slots=True)
class Figures:
    """One run by the bot's and by the venue's own record, by program name."""

    own: dict[str, dict[str, Any]]
    venue: dict[str, dict[str, Any]]
    screen: str
    slack_s: dict[str, float]
    """A frame for every change of what rests in the program's band, at the venue."""


async def both_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Figures:
    rules = own_editions(tmp_path / "bundle")
    monkeypatch.setattr(bundle, "folder", lambda name: tmp_path / "bundle")
    async with trading(tmp_path, monkeypatch, emulator={"programs": rules}, **FAST) as line:
        await line.quoted()
        await eventful(line)
        await until(lambda: len(line.venue_orders()) == 2, 5.0, line.describe)
        await asyncio.sleep(1.0)
        exchange = line.bench.handle.exchange
        venue, own = exchange.venue, line.controller.desk.status().programs
        scores = program_scores(exchange, line.bench.user, "BTC-USD", None)
        record = market_record(venue, line.bench.user, "BTC-USD", venue.start_ns, venue.now_ns)
        slack_s = {}
        for program in rules:
            band = program.maker_hours.band_bps if program.maker_hours is not None else 10.0
            steps = band_depth(record.quotes, record.marks, record.alive, record.start_ns, record.end_ns, band or 10.0)
            slack_s[program.name] = FRAME_S * len(steps)
        return Figures(own, scores, "\n".join(line.controller.to_format_status()), slack_s)


def test_bot_and_venue_agree_and_a_swapped_rule_file_changes_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time and size in band agree within a frame at each change, points likewise, samples and flicker exactly; what is
    unknown to one is unknown to the other; an edition with other figures gives both others.
    """
    found = warp.run(both_figures(tmp_path, monkeypatch), START_NS)
    own, venue = found.own, found.venue
    assert set(own) == set(venue) and "broken" not in own
    for name, row in own.items():
        theirs, slack_s = venue[name], found.slack_s[name]
        print(f"{name}: slack {slack_s:.1f} s\n  bot   {row}\n  venue {theirs}")
        assert row["unknown"] == theirs["unknown"]
        assert row["short_cancels"] == theirs["flicker"]["short_cancels"]
        assert row["flicker"] == pytest.approx(theirs["flicker"]["score"], abs=1e-4)
        if theirs["hours"]:
            hour = theirs["hours"][-1]
            assert 30 < hour["two_sided_s"] < MINUTES * 60 and hour["unknown_s"] > 604
            assert row["two_sided_s"] == pytest.approx(hour["two_sided_s"], abs=slack_s)
            assert row["unknown_s"] == pytest.approx(hour["unknown_s"], abs=2 * FRAME_S)
            for figure in ("maker_hours", "exact_maker_hours"):
                assert row[figure] == (None if hour[figure] is None else pytest.approx(hour[figure], abs=1e-4))
            assert (row["eligible_base_s"] is None) == (hour["eligible_base_s"] is None)
            if hour["eligible_base_s"] is not None:
                assert row["eligible_base_s"] == pytest.approx(hour["eligible_base_s"], abs=0.002 * slack_s)
        if theirs["points"] is not None:
            usd, per_day = 2 * 0.002 * 100_000, 60 if name == "generous" else 1
            assert theirs["points"] > 0
            assert row["points"] == pytest.approx(theirs["points"], abs=usd * slack_s * per_day / 86_400)
    published, near = own["standx_uptime_2026-01"], own["near"]
    assert near["maker_hours"] == 0.5 and published["maker_hours"] == 0.0
    assert published["two_sided_s"] > near["two_sided_s"] + 20
    assert own["standx_sip5a"]["maker_hours"] is None and len(own["standx_sip5a"]["unknown"]) > 5
    assert own["generous"]["points"] > 40 * own["standx_points_2026-01"]["points"]
    assert own["generous"]["short_cancels"] > own["standx_points_2026-01"]["short_cancels"]
    assert "Maker Hours 0.5 exact, 0.5 sampled" in found.screen and "Maker Hours unknown exact" in found.screen
