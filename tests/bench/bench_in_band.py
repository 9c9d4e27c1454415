"""Time in band of the decision function on recorded and generated hours, through the simulated venue, without sockets.

python -m tests.bench.bench_in_band --tape ../shared/data/standx

Every delay is 400 ms one way. Recorded figures are over the time the feed is alive; mark is the mid, because the tape
has none; queues are risk-averse with 0.2 BTC ahead at levels never shown. Non-risk and risk cancels are those the bot
sent a minute, retries apart. mk30 is the mean gain of a fill in bps by the mark 30 s later, before fees (maker 1 bps).
PnL is in DUSD, with fees and the position at mark; of a single day it says little. The first ten seconds of each run
are not scored.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from hummingbot_extensions.core import spec
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.sim.statistics import NS_PER_S
from tests.bench.in_band.core_bot import CoreBot
from tests.bench.in_band.line import USER, Line, tape_venue
from tests.bench.in_band.score import WARM_UP_NS, Score, scored, total
from tests.bench.in_band.seed_000 import Seed000Bot
from tests.bench.in_band.tapes import Hour, generated_hours, recorded_hours, spliced

ROOT = Path(__file__).resolve().parents[2]
PRESET = ROOT / "conf" / "controllers" / "standx_btc_uptime.yml"
HOUR_BAR_S = 30.0
FLAT_BARS = (0.985, 0.94, 2.0)
PINNED_BARS = (0.965, 0.0, 3.0)
"""Least total, least hour and most non-risk cancels a minute, as the design has them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a bot in one setting over several hours."""

    name: str
    hours: list[str]
    scores: list[Score]
    wall_s: float
    bars: tuple[float, float, float] | None = None


def preset_params(path: Path, overrides: Iterable[str] = ()) -> tuple[QuoteParams, int]:
    """Parameters and leverage of a controller file, with ``name=value`` overrides."""
    given: dict[str, Any] = yaml.safe_load(path.read_text())
    given.update(text.split("=", 1) for text in overrides)
    known = {one.name: one for one in spec.specs(QuoteParams)}
    unknown = [text for text in overrides if text.split("=", 1)[0] not in known]
    if unknown:
        raise SystemExit(f"no such parameter: {', '.join(unknown)}")
    values = {name: _typed(one.type, given[name]) for name, one in known.items() if name in given}
    params: QuoteParams = spec.replaced(QuoteParams(), **values)
    for name, text in params.problems():
        raise SystemExit(f"{name}: {text}")
    return params, int(given.get("leverage", 1))


def _typed(kind: Any, value: Any) -> Any:
    if kind is Decimal:
        return Decimal(str(value))
    if kind is bool:
        return str(value).lower() in ("true", "1", "yes", "on")
    if isinstance(kind, type) and issubclass(kind, (Enum, int, float)):
        return kind(value)
    return value


def run_core(
    hour: Hour, params: QuoteParams, leverage: int, position: Decimal = Decimal(0), has_fills: bool = True
) -> Score:
    """The decision function over one hour, beginning with ``position``; without fills it stays there."""
    venue = tape_venue(hour.tape, has_fills, leverage, position)
    bot = CoreBot(params, leverage, position, venue.balance(USER).available)
    return _score(venue, bot, hour)


def run_seed_000(hour: Hour, has_fills: bool, position: Decimal = Decimal(0)) -> Score:
    """The literal rules over one hour."""
    venue = tape_venue(hour.tape, has_fills, 10, position)
    return _score(venue, Seed000Bot(position), hour)


def _score(venue: Any, bot: Any, hour: Hour) -> Score:
    start_equity = float(venue.balance(USER).equity)
    line = Line(venue, bot)
    start_ns, end_ns = venue.now_ns + WARM_UP_NS, int(hour.tape.frame_ts_ns[-1])
    line.run(end_ns)
    venue.invariants()
    return scored(line, bot.ended, start_ns, end_ns, start_equity)


def row_of(
    name: str, hours: Sequence[Hour], run: Callable[[Hour], Score], bars: tuple[float, float, float] | None = None
) -> Row:
    began = time.perf_counter()
    scores = [run(hour) for hour in hours]
    return Row(name, [hour.name for hour in hours], scores, time.perf_counter() - began, bars)


def heading(hours: Sequence[str]) -> str:
    names = "".join(f"{name:>7}" for name in hours)
    return (f"{'':<34}{names}{'total':>8}{'worst':>7}{'strict':>8}{'cancels':>9}{'risk':>7}{'fills/h':>9}"
            f"{'mk30':>7}{'PnL/h':>8}{'s/h':>6}")


def table_line(row: Row) -> str:
    whole = total(row.scores)
    parts = "".join(f"{score.in_band:7.2%}" for score in row.scores)
    worst = min(score.in_band for score in row.scores)
    hours_run = sum(score.span_ns for score in row.scores) / (3600 * NS_PER_S)
    markout, met = whole.markout_per_fill, ""
    if row.bars is not None:
        least, least_hour, most = row.bars
        is_met = whole.in_band >= least and worst >= least_hour and whole.cancels_per_min <= most
        met = "  met" if is_met else "  MISSED"
    return (f"{row.name:<34}{parts}{whole.in_band:8.2%}{worst:7.2%}{whole.strict:8.2%}{whole.cancels_per_min:9.2f}"
            f"{whole.risk_cancels_per_min:7.2f}{whole.fills_per_hour:9.1f}"
            f"{'-' if markout is None else f'{markout:.2f}':>7}{whole.pnl_per_hour:8.2f}"
            f"{row.wall_s / hours_run:6.1f}{met}")


def loss_lines(row: Row) -> list[str]:
    """Where the lost time went, in percent of the time the feed was alive, and cancels by reason a minute."""
    whole = total(row.scores)
    losses = sorted(whole.losses_ns.items(), key=lambda item: -item[1])
    reasons = sorted(whole.cancels_by_reason.items(), key=lambda item: -item[1])
    minutes = whole.span_ns / (60 * NS_PER_S)
    return [
        f"  {row.name}: lost " + ", ".join(f"{why} {lost / whole.alive_ns:.2%}" for why, lost in losses),
        f"  {row.name}: cancels a minute " + ", ".join(f"{why} {count / minutes:.2f}" for why, count in reasons),
    ]


def print_row(row: Row, has_losses: bool) -> None:
    print(table_line(row), flush=True)
    if has_losses:
        print("\n".join(loss_lines(row)), flush=True)


def is_bar_missed(row: Row) -> bool:
    return table_line(row).endswith("MISSED")


def rows(args: argparse.Namespace) -> list[Row]:
    """Run and print everything that was asked for."""
    params, leverage = preset_params(args.preset, args.set)
    pinned = params.soft_limit_base / 2 * (-1 if args.short else 1)
    wanted = set(args.only.split(",")) if args.only else {"recorded", "seed000", "generated"}
    done: list[Row] = []

    def run(row: Row) -> None:
        print_row(row, args.losses)
        done.append(row)

    def flat(hour: Hour) -> Score:
        return run_core(hour, params, leverage)

    def held(hour: Hour) -> Score:
        return run_core(hour, params, leverage, pinned, has_fills=False)

    def loaded(hour: Hour) -> Score:
        return run_core(hour, params, leverage, 2 * pinned)

    whole = recorded_hours(args.tape, tuple(args.hours.split(",")) if args.hours else ())
    cut = [Hour(hour.name, spliced(hour.tape)) for hour in whole]
    if whole:
        print(heading([hour.name for hour in whole]))
    else:
        print(f"recorded hours skipped: no such data in {args.tape}; name a folder of orderbook_*.parquet with --tape")
        wanted &= {"generated"}
    if "recorded" in wanted or "flat" in wanted:
        run(row_of("core, flat, holes spliced", cut, flat, FLAT_BARS))
    if "recorded" in wanted or "pinned" in wanted:
        run(row_of(f"core, pinned {pinned}, spliced", cut, held, PINNED_BARS))
    if "recorded" in wanted or "loaded" in wanted:
        run(row_of("core, from soft limit, spliced", cut, loaded))
    if "recorded" in wanted or "holes" in wanted:
        run(row_of("core, flat, holes in", whole, flat))
        run(row_of(f"core, pinned {pinned}, holes in", whole, held))
    if "seed000" in wanted:
        half = Decimal("0.005")
        run(row_of("seed 000, flat, no fills, spliced", cut, lambda hour: run_seed_000(hour, False)))
        run(row_of("seed 000, pinned 0.005, spliced", cut, lambda hour: run_seed_000(hour, False, half)))
        run(row_of("seed 000, flat, fills, spliced", cut, lambda hour: run_seed_000(hour, True)))
    if "generated" in wanted and args.seeds:
        made = generated_hours(range(1, args.seeds + 1))
        print(heading([hour.name for hour in made]))
        run(row_of("core, flat, generated", made, flat, FLAT_BARS))
        run(row_of(f"core, pinned {pinned}, generated", made, held, PINNED_BARS))
        if "seed000" in wanted or not whole:
            run(row_of("seed 000, flat, no fills", made, lambda hour: run_seed_000(hour, False)))
    return done


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tape", type=Path, required=True, help="folder with recorded hours")
    parser.add_argument("--hours", default="", help="only these, as 00,14")
    parser.add_argument("--seeds", type=int, default=10, help="generated hours; 0 leaves them out")
    parser.add_argument("--only", default="", help="of recorded, flat, pinned, loaded, holes, seed000, generated")
    parser.add_argument("--preset", type=Path, default=PRESET, help="controller file with the parameters")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another parameter value")
    parser.add_argument("--short", action="store_true", help="pin the position short instead of long")
    parser.add_argument("--losses", action="store_true", help="say where the lost time went")
    args = parser.parse_args(argv)
    done = rows(args)
    slow = [row.name for row in done
            if row.wall_s / (sum(score.span_ns for score in row.scores) / (3600 * NS_PER_S)) > HOUR_BAR_S]
    if slow:
        print(f"slower than {HOUR_BAR_S:g} s an hour of tape: {', '.join(slow)}")
    missed = [row.name for row in done if is_bar_missed(row)]
    return 1 if missed or slow else 0


if __name__ == "__main__":
    sys.exit(main())
