"""``hbx demo``: the whole line on this machine and without keys: emulator, workspace, Hummingbot, panel, report."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from hummingbot_extensions import bundle
from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.monitoring import console
from hummingbot_extensions.monitoring.run_log import RunLog, RunSummary, newest_log

CONNECTOR = "standx_perpetual_emulator"
PRESET = "standx_btc_uptime.yml"
CONTROLLER_ID = "demo"
ADDRESS_VARIABLE = "HBX_STANDX_EMULATOR_URL"
TAPE_DELAY_MS = 400.0
SYNTHETIC_DELAY_MS = 50.0
FIRST_QUOTE_TIMEOUT_S = 90.0
PLAIN_LINE_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Report:
    """How a demo ended. Fractions in [0, 1], money in DUSD; ``problems`` is empty when everything is as it should be."""

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
    tape: Annotated[Path | None, typer.Option(help="Folder with recorded data; without it the market is synthetic.")] = None,
    at: Annotated[str | None, typer.Option(help="Where in the tape to begin: HH:MM of its first day, or an ISO time.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market.")] = 1,
    workspace: Annotated[Path | None, typer.Option(help="Folder for the workspace, made anew; default: a fresh one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and nothing else.")] = False,
) -> None:
    """Run the market maker in a real Hummingbot against the embedded StandX emulator, then stop and check the end."""
    if minutes <= 0:
        raise Failure("--minutes must be above 0", "give the minutes to quote, e.g. --minutes 3", ExitCode.CONFIG_ERROR)
    if tape is not None and not tape.is_dir():
        raise Failure(f"--tape: no folder {tape}", "name a folder with orderbook_*.parquet files", ExitCode.NOT_FOUND)
    root = _fresh_workspace(workspace)
    say = (lambda text: None) if as_json else (lambda text: print(text, flush=True))
    signal.signal(signal.SIGTERM, _interrupt)
    with _emulator(root, tape, at, seed) as venue:
        say(f"emulator   {venue.url}   {'tape ' + str(tape) if tape else f'synthetic market, seed {seed}'}")
        bot = _Bot(root, venue.url)
        bot.prepare(venue.credentials)
        say(f"workspace  {root}")
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


@dataclass(frozen=True, slots=True)
class _Venue:
    """A running emulator, seen through its control API."""

    url: str
    user: str
    credentials: dict[str, str]

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_control/{path}", timeout=10) as answer:
            return json.load(answer)  # type: ignore[no-any-return]

    def picture(self, started: float, total_s: float, since_ms: float, bot: RunSummary) -> console.Picture:
        state = self.get("state")
        return console.Picture(
            time.monotonic() - started, total_s, self.get(f"accounts/{self.user}"),
            self.get(f"accounts/{self.user}/score?since_ms={since_ms:.0f}"), next(iter(state["markets"].values())), bot)


class _Bot:
    """The bot process, driven through Hummingbot's own command line."""

    def __init__(self, root: Path, url: str) -> None:
        self._root = root
        self._environment = {
            **os.environ, ADDRESS_VARIABLE: url, "HBOT_PASSWORD": secrets.token_urlsafe(24), "PYTHONUNBUFFERED": "1"}
        self._log: RunLog | None = None
        self._is_started = False

    def prepare(self, credentials: dict[str, str]) -> None:
        """Workspace, keys in Hummingbot's encrypted store, and the preset pointed at the emulator."""
        _run([sys.executable, "-m", "hummingbot_extensions.cli.main", "init", str(self._root)], self._environment)
        keys = {f"{CONNECTOR}_{name}": value for name, value in credentials.items()}
        self._hbot("connect", CONNECTOR, "--keys-stdin", stdin=json.dumps(keys))
        preset = yaml.safe_load((bundle.folder("conf") / "controllers" / PRESET).read_text())
        preset.update(id=CONTROLLER_ID, connector_name=CONNECTOR)
        (self._root / "conf" / "controllers" / f"{CONTROLLER_ID}.yml").write_text(yaml.safe_dump(preset, sort_keys=False))

    def start(self) -> None:
        self._is_started = True
        self._hbot("start", "--controller", f"{CONTROLLER_ID}.yml", timeout_s=150)

    def stop(self) -> None:
        self._hbot("stop", "--timeout", "60", timeout_s=90)
        self._is_started = False

    def stop_if_running(self) -> None:
        """Last resort after an error: a bot must not outlive its demo."""
        if self._is_started:
            self.stop()

    def summary(self) -> RunSummary:
        if self._log is None:
            path = newest_log(self._root, CONTROLLER_ID)
            if path is None:
                return RunSummary()
            self._log = RunLog(path)
        return self._log.catch_up()

    def is_alive(self) -> bool:
        pid_file = self._root / "data" / "bot" / "bot.pid"
        try:
            os.kill(int(pid_file.read_text()), 0)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return False
        return True

    def _hbot(self, *words: str, stdin: str | None = None, timeout_s: float = 90.0) -> None:
        _run([sys.executable, "-m", "hummingbot.cli.main", *words], self._environment, self._root, stdin, timeout_s)


def _watch(venue: _Venue, bot: _Bot, minutes: float, market: str, say: Any, shows: bool) -> Report:
    """Wait for the first two-sided quote, show the panel for ``minutes``, stop, and hold the bot's end to the venue's."""
    began = time.monotonic()
    while {order["side"] for order in venue.get(f"accounts/{venue.user}")["open_orders"]} != {"buy", "sell"}:
        if time.monotonic() - began > FIRST_QUOTE_TIMEOUT_S:
            raise Failure(
                f"no two-sided quote within {FIRST_QUOTE_TIMEOUT_S:.0f} s", f"read logs/ under {bot._root}", ExitCode.TIMEOUT)
        time.sleep(0.2)
    first_quote_s = time.monotonic() - began
    say(f"two-sided  after {first_quote_s:.1f} s")
    since_ms = venue.get("state")["venue_ms"]
    began_bot = bot.summary()
    cancels_before, risk_before = began_bot.cancels, began_bot.risk_cancels
    started = time.monotonic()
    picture = venue.picture(started, minutes * 60, since_ms, bot.summary())
    with _screen(shows) as show:
        while time.monotonic() - started < minutes * 60:
            try:
                picture = venue.picture(started, minutes * 60, since_ms, bot.summary())
                show(picture)
                time.sleep(1.0)
            except KeyboardInterrupt:
                break
            if not bot.is_alive():
                raise Failure("the bot ended by itself", f"read logs/ under {bot._root}")
    picture = venue.picture(started, minutes * 60, since_ms, bot.summary())
    say("stopping   cancelling what rests")
    bot.stop()
    return _report(venue, bot.summary(), picture, market, first_quote_s, cancels_before, risk_before)


def _report(
    venue: _Venue, bot: RunSummary, last: console.Picture, market: str, first_quote_s: float, cancels_before: int,
    risk_before: int,
) -> Report:
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
        market=market, minutes=round(minutes, 2), two_sided_frac=last.score["two_sided_frac"],
        strict_frac=last.score["strict_frac"], alive_s=round(last.score["alive_s"], 1),
        seconds_to_first_quote=round(first_quote_s, 1),
        cancels_per_min=round((last.bot.cancels - cancels_before) / minutes, 2),
        risk_cancels_per_min=round((last.bot.risk_cancels - risk_before) / minutes, 2),
        venue_cancels_per_min=last.score["cancels_per_minute"], fills=account["fills"], position=position,
        bot_position=bot_position, net_pnl=account["net_pnl"], fees_paid=account["fees_paid"],
        orders_placed=bot.orders["placed"], orders_rejected=bot.orders["rejected"],
        rejected_signatures=state["counters"]["rejected_signatures"], open_orders_at_end=len(account["open_orders"]),
        unsettled_orders_at_end=bot.unsettled_orders, problems=problems)


def _report_lines(report: Report, root: Path) -> list[str]:
    return [
        "",
        f"market               {report.market}, {report.minutes:.1f} minutes",
        f"two-sided in band    {console.percent(report.two_sided_frac)} of live feed, "
        f"{console.percent(report.strict_frac)} strict   (10 bps of mark, from the venue's order log)",
        f"first quote after    {report.seconds_to_first_quote:.1f} s",
        f"cancels a minute     {report.cancels_per_min:.1f}, and {report.risk_cancels_per_min:.1f} for risk",
        f"orders               {report.orders_placed} placed, {report.orders_rejected} rejected, "
        f"{report.rejected_signatures} signatures rejected",
        f"fills                {report.fills}, fees {console.money(report.fees_paid)}, net PnL {console.money(report.net_pnl)} DUSD",
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


@contextmanager
def _emulator(root: Path, tape: Path | None, at: str | None, seed: int) -> Iterator[_Venue]:
    """An emulator process of our own on a free port, ended with the block."""
    ready, keys = root / "emulator.json", root / "emulator-keys.json"
    delay = TAPE_DELAY_MS if tape is not None else SYNTHETIC_DELAY_MS
    command = [
        sys.executable, "-m", "hummingbot_extensions.cli.main", "emulate", "standx", "--port", "0", "--seed", str(seed),
        "--ready-file", str(ready), "--credentials-file", str(keys),
        "--feed-delay-ms", str(delay), "--order-delay-ms", str(delay), "--cancel-delay-ms", str(delay),
    ]
    if tape is not None:
        command += ["--market", str(tape)]
        if at is not None:
            command += ["--tape-start", _tape_start(tape, at)]
    with (root / "emulator.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                words = (root / "emulator.log").read_text().strip().splitlines()
                raise Failure(f"the emulator did not start: {words[-1] if words else 'no output'}", f"read {root}/emulator.log")
            time.sleep(0.1)
        told, credentials = json.loads(ready.read_text()), json.loads(keys.read_text())
        keys.unlink()  # from here on the keys are in Hummingbot's encrypted store alone
        yield _Venue(told["url"], told["user"], credentials)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _tape_start(tape: Path, at: str) -> str:
    """ISO time for ``at``, which may be HH:MM of the tape's first day."""
    if not re.fullmatch(r"\d{1,2}:\d{2}", at):
        return at
    days = sorted(found.group(1) for path in tape.glob("orderbook_*.parquet")
                  if (found := re.search(r"_(\d{4}-\d{2}-\d{2})_\d{2}\.parquet$", path.name)))
    if not days:
        raise Failure(f"--tape: {tape} holds no orderbook_*.parquet files", "name a folder of recorded data", ExitCode.NOT_FOUND)
    return f"{days[0]}T{at.zfill(5)}:00"


def _fresh_workspace(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="hbx-demo-"))
    folder = folder.resolve()
    marker = folder / "emulator.json"
    if folder.exists() and any(folder.iterdir()):
        if not marker.exists():
            raise Failure(
                f"--workspace: {folder} is not empty and was not made by a demo", "name an empty or a new folder",
                ExitCode.CONFIG_ERROR)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _run(
    command: list[str], environment: dict[str, str], cwd: Path | None = None, stdin: str | None = None,
    timeout_s: float = 90.0,
) -> None:
    """Run a command; its last lines become the error when it fails. Keys go through standard input and are never shown."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, input=stdin if stdin is not None else "", text=True, capture_output=True,
            timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"`{_shown(command)}` took longer than {timeout_s:.0f} s", "look at the logs of the workspace",
                      ExitCode.TIMEOUT) from None
    if done.returncode != 0:
        tail = " | ".join((done.stdout + done.stderr).strip().splitlines()[-6:])
        raise Failure(f"`{_shown(command)}` ended with {done.returncode}: {tail}", "look at the logs of the workspace")


def _shown(command: list[str]) -> str:
    return " ".join(command[2:6])
