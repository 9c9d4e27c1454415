"""``hbx demo``: the whole line on this machine and without keys: emulator, workspace, Hummingbot, panel, report."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hummingbot_extensions.cli.bot_process import BotProcess
from hummingbot_extensions.cli.emulator_process import EmulatorProcess, running_emulator
from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.monitoring import console
from hummingbot_extensions.monitoring.run_log import RunSummary

CONTROLLER_ID = "demo"
FIRST_QUOTE_TIMEOUT_S = 90.0
PLAIN_LINE_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Report:
    """How a demo ended. Fractions in [0, 1], money in DUSD; ``problems`` is empty when all is as it should be."""

    market: str
    minutes: float
    two_sided_frac: float | None
    strict_frac: float | None
    alive_s: float
    seconds_to_first_quote: float
    cancels_per_min: float
    risk_cancels_per_min: float
    venue_cancels_per_min: float | None
    fills: int
    position: str
    bot_position: str | None
    net_pnl: str
    fees_paid: str
    orders_placed: int
    orders_rejected: int
    rejected_signatures: int
    open_orders_at_end: int
    unsettled_orders_at_end: int
    problems: list[str]


def demo(
    minutes: Annotated[float, typer.Option(help="Minutes of quoting, counted from the first two-sided quote.")] = 3.0,
    tape: Annotated[
        Path | None, typer.Option(help="Folder with recorded data; without it the market is synthetic.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Where in the tape to begin: HH:MM of its first day, or an ISO time.")
    ] = None,
    recorded_delays: Annotated[
        bool, typer.Option("--recorded-delays", help="Delay frames as the tape's own were, instead of 400 ms.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market.")] = 1,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder for the workspace, made anew; default: a fresh one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and nothing else.")] = False,
) -> None:
    """Run the market maker in a real Hummingbot against the embedded StandX emulator, then stop and check the end."""
    if minutes <= 0:
        raise Failure("--minutes must be above 0", "give the minutes to quote, e.g. --minutes 3", ExitCode.CONFIG_ERROR)
    if tape is not None and not tape.is_dir():
        raise Failure(f"--tape: no folder {tape}", "name a folder with recorded data", ExitCode.NOT_FOUND)
    if recorded_delays and tape is None:
        raise Failure("--recorded-delays needs a tape", "add --tape FOLDER", ExitCode.CONFIG_ERROR)
    root = _fresh_workspace(workspace)
    say = (lambda text: None) if as_json else (lambda text: print(text, flush=True))
    signal.signal(signal.SIGTERM, _interrupt)
    with running_emulator(root, tape, at, seed, recorded_delays) as venue:
        say(f"emulator   {venue.url}   {'tape ' + str(tape) if tape else f'synthetic market, seed {seed}'}")
        bot = BotProcess(root / "workspace", venue.url, CONTROLLER_ID)
        bot.prepare(venue.credentials)
        say(f"workspace  {bot.root}")
        bot.start()
        say("bot        started by hbot")
        try:
            report = _watch(venue, bot, minutes, str(tape) if tape else f"synthetic seed {seed}", say, not as_json)
        finally:
            bot.stop_if_running()
    (root / "report.json").write_text(json.dumps(asdict(report), indent=2) + "\n")
    print(json.dumps(asdict(report)) if as_json else "\n".join(_report_lines(report, root)))
    if report.problems:
        raise typer.Exit(ExitCode.ERROR)


def _picture(
    venue: EmulatorProcess, started: float, total_s: float, since_ms: float, bot: RunSummary
) -> console.Picture:
    state = venue.get("state")
    return console.Picture(
        time.monotonic() - started,
        total_s,
        venue.get(f"accounts/{venue.user}"),
        venue.get(f"accounts/{venue.user}/score?since_ms={since_ms:.0f}"),
        next(iter(state["markets"].values())),
        bot,
    )


def _watch(venue: EmulatorProcess, bot: BotProcess, minutes: float, market: str, say: Any, shows: bool) -> Report:
    """Wait for the first two-sided quote, show the panel for ``minutes``, stop, hold the bot's end to the venue's."""
    began = time.monotonic()
    while {order["side"] for order in venue.get(f"accounts/{venue.user}")["open_orders"]} != {"buy", "sell"}:
        if time.monotonic() - began > FIRST_QUOTE_TIMEOUT_S:
            raise Failure(
                f"no two-sided quote within {FIRST_QUOTE_TIMEOUT_S:.0f} s",
                f"read logs/ under {bot.root}",
                ExitCode.TIMEOUT,
            )
        time.sleep(0.2)
    first_quote_s = time.monotonic() - began
    say(f"two-sided  after {first_quote_s:.1f} s")
    since_ms = venue.get("state")["venue_ms"]
    began_bot = bot.summary()
    cancels_before, risk_before = began_bot.cancels, began_bot.risk_cancels
    started = time.monotonic()
    picture = _picture(venue, started, minutes * 60, since_ms, bot.summary())
    with _screen(shows) as show:
        while time.monotonic() - started < minutes * 60:
            try:
                picture = _picture(venue, started, minutes * 60, since_ms, bot.summary())
                show(picture)
                time.sleep(1.0)
            except KeyboardInterrupt:
                break
            if not bot.is_alive():
                raise Failure("the bot ended by itself", f"read logs/ under {bot.root}")
    picture = _picture(venue, started, minutes * 60, since_ms, bot.summary())
    # Counted before the stop, whose own cancels are no part of quoting.
    cancels, risk = picture.bot.cancels - cancels_before, picture.bot.risk_cancels - risk_before
    say("stopping   cancelling what rests")
    bot.stop()
    return _report(venue, bot.summary(), picture, market, first_quote_s, cancels, risk)


def _report(
    venue: EmulatorProcess,
    bot: RunSummary,
    last: console.Picture,
    market: str,
    first_quote_s: float,
    cancels: int,
    risk_cancels: int,
) -> Report:
    """Figures of the run, and every way in which its end is not as it should be."""
    account, state = venue.get(f"accounts/{venue.user}"), venue.get("state")
    position = next((row["qty"] for row in account["positions"]), "0")
    bot_position = bot.stopped["position"] if bot.stopped is not None else None
    minutes = last.elapsed_s / 60.0
    problems = []
    if account["open_orders"]:
        problems.append(f"{len(account['open_orders'])} orders still rest at the venue")
    if bot_position is None or float(bot_position) != float(position):
        problems.append(f"position at the venue is {position}, in the bot {bot_position}")
    if bot.unsettled_orders:
        problems.append(f"{bot.unsettled_orders} orders whose ending the bot never learnt")
    if state["counters"]["rejected_signatures"]:
        problems.append(f"{state['counters']['rejected_signatures']} signatures rejected")
    return Report(
        market=market,
        minutes=round(minutes, 2),
        two_sided_frac=last.score["two_sided_frac"],
        strict_frac=last.score["strict_frac"],
        alive_s=round(last.score["alive_s"], 1),
        seconds_to_first_quote=round(first_quote_s, 1),
        cancels_per_min=round(cancels / minutes, 2),
        risk_cancels_per_min=round(risk_cancels / minutes, 2),
        venue_cancels_per_min=last.score["cancels_per_minute"],
        fills=account["fills"],
        position=position,
        bot_position=bot_position,
        net_pnl=account["net_pnl"],
        fees_paid=account["fees_paid"],
        orders_placed=bot.orders["placed"],
        orders_rejected=bot.orders["rejected"],
        rejected_signatures=state["counters"]["rejected_signatures"],
        open_orders_at_end=len(account["open_orders"]),
        unsettled_orders_at_end=bot.unsettled_orders,
        problems=problems,
    )


def _report_lines(report: Report, root: Path) -> list[str]:
    return [
        "",
        f"market               {report.market}, {report.minutes:.1f} minutes",
        (
            f"two-sided in band    {console.percent(report.two_sided_frac)} of live feed, "
            f"{console.percent(report.strict_frac)} strict   (10 bps of mark, from the venue's order log)"
        ),
        f"first quote after    {report.seconds_to_first_quote:.1f} s",
        f"cancels a minute     {report.cancels_per_min:.1f}, and {report.risk_cancels_per_min:.1f} for risk",
        (
            f"orders               {report.orders_placed} placed, {report.orders_rejected} rejected, "
            f"{report.rejected_signatures} signatures rejected"
        ),
        (
            f"fills                {report.fills}, fees {console.money(report.fees_paid)}, "
            f"net PnL {console.money(report.net_pnl)} DUSD"
        ),
        f"position             venue {report.position}, bot {report.bot_position}",
        f"left at the venue    {report.open_orders_at_end} orders; {report.unsettled_orders_at_end} of unknown outcome",
        f"logs and report      {root}",
        *(f"PROBLEM              {problem}" for problem in report.problems),
        "A simulated market is not a forecast: figures here say that the line works, not that it earns.",
    ]


@contextmanager
def _screen(shows: bool) -> Iterator[Any]:
    """A live panel on a terminal, a line now and then in a pipe, nothing when not shown."""
    if not shows:
        yield lambda picture: None
        return
    if not sys.stdout.isatty():
        last = [-PLAIN_LINE_EVERY_S]

        def print_line(picture: console.Picture) -> None:
            if picture.elapsed_s - last[0] >= PLAIN_LINE_EVERY_S:
                last[0] = picture.elapsed_s
                print(console.line(picture), flush=True)

        yield print_line
        return
    from rich.live import Live
    from rich.panel import Panel
    from rich.text import Text

    with Live(refresh_per_second=4) as live:
        yield lambda picture: live.update(Panel(Text("\n".join(console.panel(picture))), title="hbx demo"))


def _fresh_workspace(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="hbx-demo-"))
    folder = folder.resolve()
    marker = folder / "emulator.json"
    if folder.exists() and any(folder.iterdir()):
        if not marker.exists():
            raise Failure(
                f"--workspace: {folder} is not empty and was not made by a demo",
                "name an empty or a new folder",
                ExitCode.CONFIG_ERROR,
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
