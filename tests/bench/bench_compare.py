"""Our quoting beside Hummingbot's stock base, on one emulator in one run, and both beside the bars of the design.

``python -m tests.bench.bench_compare`` takes under six minutes; ``--quick`` about one, with all bots at once: it shows
that everything is measured, and its times mean nothing. docs/benchmarks.md says what each line is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from hummingbot_extensions.cli.bot_process import CONNECTOR
from hummingbot_extensions.cli.emulator_process import EmulatorProcess
from hummingbot_extensions.core.canonical import from_plain
from hummingbot_extensions.core.decide import DecisionInputs
from hummingbot_extensions.monitoring.run_log import newest_log
from tests.bench.compare.bots import PAIR, Bot, Rule, Way
from tests.bench.compare.event_rows import event_rows, frame_bursts
from tests.bench.compare.figures import HEAD, Figures, rows
from tests.bench.compare.venue import LATENCY_MS, STEP_BPS, STEP_S, running_venue
from tests.bench.compare.venue_records import requotes
from tests.bench.machine import busy_warning, cpu_s, machine, memory_mb

DEADLINE_S = 345
MOST_DECISIONS = 500
RULE = Rule()
LAYERS = 18
TWO_SIDED_TIMEOUT_S = 60.0
FIRST_SAMPLE_S = 40.0
"""How much longer a window may last when its market stood still."""
SETTLE_S = 5.0
RELOAD_S = 14.0
"""Hummingbot reads controller files again every ten seconds."""
OURS = {
    "mode": "simple", "anchor": "mid", "half_spread_bps": RULE.half_spread_bps,
    "requote_tolerance_bps": RULE.tolerance_bps, "order_size_base": RULE.order_size_base, "skew_linear_on": False,
    "volatility_on": False, "min_dwell_ms": 0, "side_throttle_ms": 0, "cancel_budget_per_min": 600,
}
TIGHT = {"resume_limit_base": 0.002, "soft_limit_base": 0.003, "hard_stop_base": 0.0037, "net_max_base": 0.0075}
"""Caps under which one order of a side fits and two do not."""
STOCK = {
    "controller_name": "stock_maker", "controller_type": "market_making", "leverage": 1, "position_mode": "ONEWAY",
    "buy_spreads": [RULE.half_spread_bps / 1e4], "sell_spreads": [RULE.half_spread_bps / 1e4],
    "buy_amounts_pct": None, "sell_amounts_pct": None, "total_amount_quote": 375,
}
MARKET = {"connector_name": CONNECTOR, "trading_pair": PAIR}
WAYS = {
    "ours": Way("ours", "script_ours", OURS, answers_prices=True),
    "layered": Way("layered", "script_ours", {
        **OURS, "layer_count": LAYERS, "order_size_base": RULE.order_size_base / 4}),
    "stock": Way("stock", "script_stock", {**STOCK, "tolerance_bps": RULE.tolerance_bps}, MARKET, answers_prices=True),
    "fastest": Way("fastest", "script_stock", {**STOCK, "tolerance_bps": RULE.tolerance_bps},
                   {**MARKET, "beat_s": 0.1}, tick_s=0.1, answers_prices=True),
    "shipped": Way("shipped", "script_stock", STOCK, MARKET),
    "bare": Way("bare", "script_stock", None, MARKET),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds of each bot's window, and of ours under the tight caps; ``at_once`` runs all bots beside each other."""

    windows_s: dict[str, float]
    tight_s: float
    at_once: bool


FULL = Plan({"ours": 55.0, "stock": 40.0, "fastest": 20.0, "shipped": 12.0, "bare": 12.0, "layered": 15.0}, 15.0, False)
QUICK = Plan({"ours": 8.0, "stock": 12.0, "bare": 8.0}, 4.0, True)


class Session:
    """One bot on the emulator, from its start to its figures."""

    def __init__(self, bot: Bot, venue: EmulatorProcess) -> None:
        self.bot = bot
        self._venue = venue
        self.figures = Figures(bot.way.name)
        self._user: str | None = None

    def begin(self) -> None:
        """Start, and wait until it quotes both sides; bare Hummingbot until it sees the market."""
        self.bot.start()
        self.bot.wait_until_frames()
        if self.bot.way.controller is not None:
            self._user = self.bot.user
            deadline = time.monotonic() + TWO_SIDED_TIMEOUT_S
            while not self._is_two_sided():
                self.bot.check()
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.bot.way.name}: no two-sided quote within {TWO_SIDED_TIMEOUT_S:g} s")
                time.sleep(0.3)
        time.sleep(SETTLE_S)

    def _is_two_sided(self) -> bool:
        if self._user not in self._venue.get("state")["accounts"].values():
            return False
        resting = self._venue.get(f"accounts/{self._user}")["open_orders"]
        return {order["side"] for order in resting} == {"buy", "sell"}

    def watch(self, seconds: float) -> None:
        """The window in which everything but stops and tight caps is measured."""
        began_s, since_ms, cpu_before_s = time.time(), self._venue_ms(), cpu_s(self.bot.pid)
        clock_s = time.monotonic()
        time.sleep(seconds)
        if self.bot.way.answers_prices:
            self._wait_for("order", began_s)
            self._wait_for("cancel", began_s)
        spent_s = time.monotonic() - clock_s
        found = self.figures
        found.cpu_frac = (cpu_s(self.bot.pid) - cpu_before_s) / spent_s
        found.memory_mb = memory_mb(self.bot.pid)
        until_s, until_ms = time.time(), self._venue_ms()
        time.sleep(2.0)  # what was cancelled last is placed anew, and the probe writes once a second
        self._take(began_s, until_s)
        if self._user is not None:
            found.empty_ms = self._empty_ms(since_ms, until_ms)

    def watch_tight(self, seconds: float) -> None:
        """Stop executors one by one while Hummingbot comes to read the tight caps; then re-quotes under these."""
        self.bot.change(**TIGHT)
        self.bot.stop_executors(True)
        time.sleep(RELOAD_S)
        self.bot.stop_executors(False)
        time.sleep(3.0)
        began_s, since_ms = time.time(), self._venue_ms()
        time.sleep(seconds)
        self._wait_for("cancel", began_s)
        until_ms = self._venue_ms()
        time.sleep(2.0)
        self.figures.tight_empty_ms = self._empty_ms(since_ms, until_ms)

    def take_stops(self) -> None:
        """Stops that have ended by now, and at least one."""
        if self.bot.way.answers_prices:
            self._wait_for("stop", 0.0)
        self.figures.stop_ms = [row["ms"] for row in self.bot.rows() if row["kind"] == "stop"]

    def take_bursts(self) -> None:
        """With many layers: the first and the last order that each decision sent, from the bot's event log."""
        path = newest_log(self.bot.root, self.bot.way.name)
        bursts = frame_bursts(event_rows(path)) if path is not None else []
        self.figures.order_ms = [min(burst) for burst in bursts]
        self.figures.last_order_ms = [max(burst) for burst in bursts]

    def _wait_for(self, kind: str, since_s: float) -> None:
        """Wait until the probe has a row of ``kind`` since then, for a while; without one the table says so."""
        deadline = time.monotonic() + FIRST_SAMPLE_S
        while not any(row["kind"] == kind and row["t_s"] > since_s for row in self.bot.rows()):
            if time.monotonic() > deadline:
                return
            self.bot.check()
            time.sleep(0.5)

    def _venue_ms(self) -> float:
        return float(self._venue.get("state")["venue_ms"])

    def _empty_ms(self, since_ms: float, until_ms: float) -> list[float]:
        orders: Any = self._venue.get(f"accounts/{self._user}/orders")
        return [one.empty_ms for one in requotes(orders, since_ms, until_ms, self._venue_ms())]

    def _take(self, since_s: float, until_s: float) -> None:
        found = self.figures
        written = [row for row in self.bot.rows() if since_s < row["t_s"] <= until_s]
        found.order_ms = _first_by_frame(written)
        found.cancel_ms = [row["ms"] for row in written if row["kind"] == "cancel"]
        # The second in which the window began lies before it in part.
        seconds = [row for row in written if row["kind"] == "second"][1:]
        found.lags_ms = [lag for row in seconds for lag in row["lags_ms"]]
        frames = sum(row["frames"] for row in seconds)
        found.frames_per_s = frames / max(1, len(seconds))
        found.off_frac = sum(row["off_frames"] for row in seconds) / max(1, frames)
        found.gc_ms = max((row["gc_ms"] for row in seconds), default=0.0)
        for row in seconds:
            longest = row["longest"]
            if "any" in longest and longest["any"]["ms"] > found.longest_ms:
                one = longest["any"]
                found.longest_ms, found.longest_cpu_ms, found.longest_name = one["ms"], one["cpu_ms"], one["name"]
            if "ours" in longest and longest["ours"]["ms"] > found.longest_ours_ms:
                one = longest["ours"]
                found.longest_ours_ms, found.longest_ours_cpu_ms = one["ms"], one["cpu_ms"]
                found.longest_ours_name = one["name"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures by the name of the way, and inputs of decisions that our bot logged."""

    figures: dict[str, Figures]
    decisions: list[DecisionInputs]


def _first_by_frame(written: list[dict[str, Any]]) -> list[float]:
    """Of the orders that answer one frame, the first."""
    first: dict[int, float] = {}
    for row in written:
        if row["kind"] == "order":
            first[row["frame_ns"]] = min(row["ms"], first.get(row["frame_ns"], row["ms"]))
    return list(first.values())


def measured(plan: Plan) -> Comparison:
    """Run every bot of the plan against one emulator. Nothing that it started is left when it returns or raises."""
    root = Path(tempfile.mkdtemp(prefix="hbx-compare-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        venue = stack.enter_context(running_venue(root))
        bots = {name: Bot(root / name, venue, WAYS[name], RULE) for name in plan.windows_s}
        for bot in bots.values():
            stack.callback(bot.stop)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda bot: bot.make_ready(), bots.values()))
        sessions = {name: Session(bot, venue) for name, bot in bots.items()}
        if plan.at_once:
            _run_at_once(sessions, plan)
        else:
            _run_in_turn(sessions, plan)
        return Comparison(
            {name: session.figures for name, session in sessions.items()}, _decisions(bots["ours"].root))


def _run_at_once(sessions: dict[str, Session], plan: Plan) -> None:
    def run(name: str) -> None:
        _run_one(sessions[name], plan)

    with ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(run, sessions))


def _run_in_turn(sessions: dict[str, Session], plan: Plan) -> None:
    """One bot after the other. A bot winds down while the next one starts, and is gone before that one is measured."""
    before: Session | None = None
    for session in sessions.values():
        session.begin()
        if before is not None:
            before.bot.stop()
        _measure(session, plan)
        session.bot.ask_to_stop()
        before = session


def _run_one(session: Session, plan: Plan) -> None:
    session.begin()
    _measure(session, plan)


def _measure(session: Session, plan: Plan) -> None:
    name = session.bot.way.name
    session.watch(plan.windows_s[name])
    if name == "ours":
        session.watch_tight(plan.tight_s)
    if name == "layered":
        session.take_bursts()
    else:
        session.take_stops()


def _decisions(workspace: Path) -> list[DecisionInputs]:
    path = newest_log(workspace, "ours")
    rows = event_rows(path) if path is not None else []
    return [from_plain(DecisionInputs, row["inputs"]) for row in rows if row["kind"] == "decision"][-MOST_DECISIONS:]


def lines(comparison: Comparison) -> list[str]:
    """The table and what belongs to it."""
    found = comparison.figures
    ours, stock, bare, shipped = found["ours"], found["stock"], found["bare"], found.get("shipped")
    table = rows(ours, stock, found.get("fastest"), bare, found.get("layered"), LATENCY_MS)
    told = [
        f"venue: emulator, {LATENCY_MS:g} ms from acceptance to execution of an order and of a cancel, frames "
        f"{LATENCY_MS:g} ms late, nothing of which is subtracted below; the mid steps by {STEP_BPS} bps every "
        f"{STEP_S[0]:g} to {STEP_S[1]:g} s",
        f"both ways: {RULE.half_spread_bps:g} bps from the mid, replaced when {RULE.tolerance_bps:g} bps off, "
        f"{RULE.order_size_base:g} BTC; stock: MarketMakingControllerBase and PositionExecutor, on their one-second "
        "loops, and with every loop at 0.1 s",
        HEAD, *(row.line() for row in table),
        "frames a second: " + ", ".join(f"{one.name} {one.frames_per_s:.1f}" for one in found.values()),
        "frames at which a resting quote was off, %: " + ", ".join(
            f"{one.name} {100 * one.off_frac:.0f}" for one in found.values() if one.name not in ("bare", "layered")),
        "memory, MB: " + ", ".join(f"{one.name} {one.memory_mb:.0f}" for one in found.values()),
        "CPU, % of a core: " + ", ".join(f"{one.name} {100 * one.cpu_frac:.1f}" for one in found.values()),
        f"longest callback of ours: {ours.longest_ours_ms:.1f} ms, {ours.longest_ours_cpu_ms:.1f} ms of it CPU, in "
        f"{ours.longest_ours_name}",
        *(f"longest callback, {one.name}: {one.longest_ms:.1f} ms, {one.longest_cpu_ms:.1f} ms of it CPU, in "
          f"{one.longest_name}; longest pause for garbage {one.gc_ms:.1f} ms" for one in found.values()),
    ]
    if shipped is not None:
        told.append(
            f"shipped is stock with its defaults (executor_refresh_time 300 s, cooldown_time 15 s, no look at prices): "
            f"{len(shipped.order_ms)} quotes replaced in {FULL.windows_s['shipped']:g} s; over bare "
            f"{100 * (shipped.cpu_frac - bare.cpu_frac):.1f} % of a core and "
            f"{shipped.memory_mb - bare.memory_mb:.1f} MB")
    missed = [row.what.strip() for row in table if row.verdict not in ("", "held")]
    return [*told, f"missed: {'; '.join(missed)}" if missed else "every bar held"]


def unmeasured(comparison: Comparison, plan: Plan) -> list[str]:
    """Lines of the table in which a bot of the plan has no sample, as ``bot: what``."""
    found = comparison.figures
    table = rows(found["ours"], found["stock"], found.get("fastest"), found["bare"], found.get("layered"), 0.0)
    lacking = []
    for row in table:
        for name, samples in (("ours", row.ours), ("stock", row.stock), ("fastest", row.fastest)):
            if name in plan.windows_s and samples is not None and not samples:
                lacking.append(f"{name}: {row.what.strip()}")
    return lacking


def main(words: list[str] | None = None) -> int:
    """0 when everything was measured, whether its bar held or not; 1 when something was not."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_compare", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="all bots at once, for the shape and not for times")
    plan = QUICK if parser.parse_args(words).quick else FULL
    print(machine(), flush=True)
    return 1 if unmeasured(compared(plan), plan) else 0


def compared(plan: Plan) -> Comparison:
    """Measure, and print the table with what this machine did meanwhile."""
    began_s = time.monotonic()
    _warn()
    with ending_within(DEADLINE_S):
        comparison = measured(plan)
    print("\n".join(lines(comparison)))
    _warn()
    if lacking := unmeasured(comparison, plan):
        print("not measured: " + "; ".join(lacking))
    print(f"whole comparison {time.monotonic() - began_s:.0f} s, load now {os.getloadavg()[0]:.2f}", flush=True)
    return comparison


def _warn() -> None:
    if (warning := busy_warning()) is not None:
        print(warning, flush=True)


@contextmanager
def ending_within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after ``seconds``, and SystemExit on SIGTERM, so that bots are stopped."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"the comparison took longer than {seconds:g} s: is the machine busy?")

    def ended(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(1)

    before = signal.signal(signal.SIGALRM, late), signal.signal(signal.SIGTERM, ended)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before[0])
        signal.signal(signal.SIGTERM, before[1])


if __name__ == "__main__":
    sys.exit(main())
