"""The whole bot and a venue for hours of their own time, a fault every minute, and samples of what the bot holds."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hummingbot_extensions.emulator import exchange as exchange_module
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.emulator.faults import acts
from hummingbot_extensions.emulator.faults.catalogue import BY_NAME
from hummingbot_extensions.emulator.server import run_emulator
from hummingbot_extensions.monitoring.run_log import RunLog
from tests.faults.fault_cases import CASES
from tests.kill9 import audit, lives
from tests.kill9.case import SYMBOL
from tests.kill9.lives import NAME, Nest
from tests.kill9.market import LivingMarket, Temper, live

WALLET = {"login": "evm_wallet", "secret": "0x" + "11" * 32, "request_key": ""}
"""A key of nobody: the bot logs in as a wallet, so that its tokens run out and are renewed."""
PACE_S = 0.25
"""Beat of the venue between due events. The product's 10 ms would be most of the work of a quiet hour."""
FAULT_EVERY_S, LONGEST_FAULT_S, SETTLE_S, STOP_S = 60.0, 40.0, 120.0, 120.0
RELEASE_AFTER_MIN = 3
NOT_HERE = {
    "time_jump": "venue time stays ahead of ours for good: a day of them would be hours",
    "tick_change": "cannot be undone: after the first the market has another tick",
}
SETTINGS = {"order_distance_bps": 3.0, "cancel_distance_bps": 1.0, "rebalance_distance_bps": 6.0}


@dataclass(slots=True)
class Soak:
    """What came of it. ``rows`` are the samples of the bot's process, ``problems`` empty when all books agree."""

    hours: float
    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    fills: int = 0
    unknown: int = 0
    problems: list[str] = field(default_factory=list)
    wall_s: float = 0.0
    releases: int = 0
    """How often a person had to release the breaker."""
    silent_minutes: int = 0
    """Minutes at whose end the bot had no order at the venue."""


async def run(nest: Nest, hours: float, seed: int, sample_s: float, say: Callable[[str], None]) -> Soak:
    """Play it in ``nest`` on the leading loop that this runs in."""
    soak, rng, began_wall = Soak(hours), random.Random(seed), _cpu_free_clock()
    nest.clean()
    nest.settings(**SETTINGS)
    samples = nest.root / "logs" / "samples.jsonl"
    market = LivingMarket()
    before, exchange_module.PACE_S = exchange_module.PACE_S, PACE_S
    try:
        async with run_emulator(EmulatorConfig(markets={SYMBOL: market}, seed=lives.SEED)) as handle:
            exchange, begun_ns = handle.exchange, handle.exchange.venue.now_ns
            bot = lives.begin(
                nest, 1, handle.url, plug="tests.soak.sampler:install", output=str(samples), every_s=sample_s)
            user = await _user(exchange, handle.credentials.user)
            account = exchange.venue.accounts[user]

            def quotes() -> list[dict[str, Any]]:
                spec = market.spec
                return [{"side": str(o.side), "price": str(o.price_ticks / 10**spec.price_decimals)}
                        for o in account.live.values() if o.shown_ns is not None]

            world = asyncio.create_task(live(market, quotes, Temper(), seed))
            until_s, hour, silent = time.monotonic() + hours * 3600, 0, 0
            while time.monotonic() < until_s and not bot.is_over:
                await _one_minute(exchange, rng, soak)
                soak.silent_minutes += not account.live
                silent = 0 if account.live else silent + 1
                if silent >= RELEASE_AFTER_MIN:
                    # So many faults trip the breaker for good: what the person does that it then waits for.
                    soak.releases, silent = soak.releases + 1, 0
                    nest.settings(**SETTINGS, breaker_release=soak.releases)
                if int((time.monotonic() - until_s) / 3600 + hours) > hour:
                    hour += 1
                    say(f"hour {hour:3d}   orders {account.log.placed}   fills {len(account.trades)}   "
                        f"faults {sum(soak.faults.values())}   wall {_cpu_free_clock() - began_wall:.0f} s")
            _clear(exchange)
            await asyncio.sleep(SETTLE_S)
            if bot.is_over:
                soak.problems.append(f"end: the bot ended by itself with {bot.code}")
            bot.send(signal.SIGTERM)
            try:
                code: int | None = await bot.over(STOP_S)
            except TimeoutError as late:
                soak.problems.append(f"end: {late}")
                bot.send(signal.SIGKILL)
                await bot.over(10.0)
                code = None
            world.cancel()
            await asyncio.gather(world, return_exceptions=True)
            settings = yaml.safe_load((nest.root / "conf" / "controllers" / f"{NAME}.yml").read_text())
            evidence = audit.Evidence(
                account, market.spec, nest.root, [begun_ns], [exchange.venue.now_ns], code, settings)
            soak.problems += audit.at_the_end(evidence)
            soak.orders, soak.fills = account.log.placed, len(account.trades)
    finally:
        exchange_module.PACE_S = before
    soak.rows = [json.loads(line) for line in samples.read_text().splitlines()] if samples.exists() else []
    logs = (nest.root / "logs" / "events" / NAME).glob("*.jsonl")
    soak.unknown = sum(RunLog(log).catch_up().unsettled_orders for log in logs)
    soak.errors = _errors(nest.root)
    soak.wall_s = _cpu_free_clock() - began_wall
    return soak


async def _user(exchange: Exchange, demo: str) -> str:
    """The wallet's account, once the bot has logged in."""
    deadline = time.monotonic() + 60.0
    while True:
        others = [user for user in exchange.venue.accounts if user != demo]
        if others:
            return others[0]
        if time.monotonic() > deadline:
            raise AssertionError("the bot has not logged in within 60 s: see its log")
        await asyncio.sleep(0.1)


async def _one_minute(exchange: Exchange, rng: random.Random, soak: Soak) -> None:
    """A minute of the venue with one fault of the catalogue in it."""
    name = rng.choice(sorted(set(CASES) & set(BY_NAME) - set(NOT_HERE)))
    case = rng.choice(CASES[name])
    hold_s = min(LONGEST_FAULT_S, case.hold_s)
    await asyncio.sleep(rng.uniform(0.0, 5.0))
    for fault in (*case.with_faults, {"name": name, **case.params}):
        exchange.arm(fault)
        soak.faults[fault["name"]] += 1
    await asyncio.sleep(hold_s)
    _clear(exchange)
    await asyncio.sleep(max(1.0, FAULT_EVERY_S - 5.0 - hold_s))


def _clear(exchange: Exchange) -> None:
    exchange.faults.disarm()
    exchange.catch_up()
    acts.run(exchange)


def _errors(root: Path) -> Counter[str]:
    """Lines at ERROR by their words, numbers and ids apart."""
    found: Counter[str] = Counter()
    for path in (root / "logs").glob("logs_*.log*"):
        for line in path.read_text().splitlines():
            if " - ERROR - " in line:
                logger, words = line.split(" - ", 4)[2], line.split(" - ERROR - ")[1]
                found[logger.rsplit(".", 1)[-1] + ": " + re.sub(r"\S*\d\S*", "#", words)[:110]] += 1
    return found


def _cpu_free_clock() -> float:
    """Real seconds, whatever loop runs."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
