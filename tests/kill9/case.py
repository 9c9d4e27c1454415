"""One case: bots are killed where it says, the venue goes on without them, the next clears up, and all is audited."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator import control
from hummingbot_extensions.emulator import exchange as exchange_module
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.server import run_emulator
from hummingbot_extensions.sim.venue import Venue
from hummingbot_extensions.sim.venue_values import NewOrder, OrderKind
from tests.kill9 import audit, lives
from tests.kill9.lives import NAME, Life, Nest
from tests.kill9.market import LivingMarket, Temper, live
from tests.kill9.sabotage import BUGS

SYMBOL = "BTC-USD"
PACE_S = 0.05
"""Beat of the venue between due events; the product's 10 ms would be most of the work of a short life."""
LIFE_S, STOP_S, QUOTED_S, LAST_LIFE_S = 90.0, 90.0, 90.0, 25.0


@dataclass(frozen=True, slots=True)
class Kill:
    """At the ``hit``-th passage of ``point``, counted from a stop on if there is to be one."""

    point: str
    hit: int = 1
    stop_after_s: float | None = None
    """Seconds after its start at which the bot is told to stop."""

    def as_plan(self) -> dict[str, Any]:
        return {"point": self.point, "hit": self.hit, "in_stop": self.stop_after_s is not None}

    def __str__(self) -> str:
        return f"{self.point}#{self.hit}" + ("" if self.stop_after_s is None else " in a stop")


@dataclass(frozen=True, slots=True)
class Case:
    """Deaths in their order, one a life, and the world around them."""

    kills: tuple[Kill, ...]
    seed: int = 1
    dead_s: float = 5.0
    settings: dict[str, Any] = field(default_factory=dict)
    temper: Temper = field(default_factory=Temper)
    lag_ms: float = 0.0
    """The venue's query shows an order only this long after it began."""
    manual_lots: int = 0
    """Bought by hand (negative: sold) on the same account after the first death."""
    bug: str | None = None
    """Of ``sabotage``: in the last life, so that the audit can be seen to fail."""

    def __str__(self) -> str:
        bug = f" bug={self.bug}" if self.bug else ""
        return " then ".join(map(str, self.kills)) + f" seed={self.seed}{bug}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case. ``reached``: every planned death happened."""

    case: Case
    reached: bool
    problems: tuple[str, ...]
    orders: int
    fills: int
    fills_while_dead: int
    resting_at_death: int
    settle_s: float | None
    """From the start of the last life until it quoted both sides; None when it never did."""
    passed: Counter[str] = field(default_factory=Counter)

    @property
    def is_as_expected(self) -> bool:
        """Every death happened, and the audit found nothing, or the bug that was planted."""
        if not self.reached:
            return False
        if self.case.bug is None:
            return not self.problems
        return any(problem.startswith(BUGS[self.case.bug][1]) for problem in self.problems)


async def run(case: Case, nest: Nest) -> Outcome:
    """Play ``case`` in ``nest`` on the leading loop that this runs in."""
    before, exchange_module.PACE_S = exchange_module.PACE_S, PACE_S
    try:
        return await _run(case, nest)
    finally:
        exchange_module.PACE_S = before


async def _run(case: Case, nest: Nest) -> Outcome:
    nest.clean()
    nest.settings(**case.settings)
    market = LivingMarket()
    config = EmulatorConfig(markets={SYMBOL: market}, seed=lives.SEED, query_order_lag_ms=case.lag_ms)
    async with run_emulator(config) as handle:
        account = handle.exchange.venue.accounts[handle.credentials.user]

        def quotes() -> list[dict[str, Any]]:
            return control.account(handle.exchange, handle.credentials.user)["open_orders"]  # type: ignore[no-any-return]

        world = asyncio.create_task(live(market, quotes, case.temper, case.seed))
        begun: list[int] = []
        ended: list[int] = []
        reached, dead_fills, resting = True, 0, 0
        bot: Life | None = None
        try:
            for number, kill in enumerate(case.kills, 1):
                begun.append(handle.exchange.venue.now_ns)
                bot = lives.begin(nest, number, handle.url, kill.as_plan())
                reached = await _until_dead(bot, kill) and reached
                ended.append(handle.exchange.venue.now_ns)
                resting += len(quotes())
                fills = len(account.trades)
                if number == 1 and case.manual_lots:
                    _trade_by_hand(handle.exchange.venue, account.user, case.manual_lots)
                await asyncio.sleep(case.dead_s)
                dead_fills += len(account.trades) - fills
            begun.append(handle.exchange.venue.now_ns)
            bug = {"plug": "tests.kill9.sabotage:plant", "bug": case.bug} if case.bug else {}
            bot = lives.begin(nest, len(case.kills) + 1, handle.url, **bug)
            settle_s = await _until_quoted(bot, quotes, {row["cl_ord_id"] for row in quotes()})
            await asyncio.sleep(LAST_LIFE_S)
            found: Sequence[str] = ()
            if bot.is_over:
                found = (f"end: the last life ended by itself with {bot.code}",)
            bot.send(signal.SIGTERM)
            try:
                code: int | None = await bot.over(STOP_S)
            except TimeoutError as late:
                found, code = (*found, f"end: {late}"), None
            ended.append(handle.exchange.venue.now_ns)
            if hung := asyncio.get_running_loop().hung:  # type: ignore[attr-defined]
                found = (*found, f"hung: {hung} bots ran on without ever waiting, see their output")
            await asyncio.sleep(1.0)
        finally:
            if bot is not None and not bot.is_over:
                bot.send(signal.SIGKILL)
                await bot.over(10.0)
            world.cancel()
            await asyncio.gather(world, return_exceptions=True)
        settings = yaml.safe_load((nest.root / "conf" / "controllers" / f"{NAME}.yml").read_text())
        evidence = audit.Evidence(account, market.spec, nest.root, begun, ended, code, settings)
        return Outcome(
            case, reached, (*found, *audit.problems(evidence)), account.log.placed, len(account.trades), dead_fills,
            resting, settle_s, bot.passed)


def _trade_by_hand(venue: Venue, user: str, lots: int) -> None:
    side = Side.BUY if lots > 0 else Side.SELL
    order = NewOrder(
        SYMBOL, side, OrderKind.MARKET, Decimal(abs(lots)) / 10_000, None, TimeInForce.IOC, False, "by-hand")
    venue.submit(user, order, 1_000_000, None)


async def _until_dead(bot: Life, kill: Kill) -> bool:
    """Wait for the planned death; False, after killing it from outside, when it did not come."""
    if kill.stop_after_s is not None:
        with suppress(TimeoutError):
            await bot.over(kill.stop_after_s)
        bot.send(signal.SIGTERM)
    try:
        return await bot.over(LIFE_S) == -signal.SIGKILL
    except TimeoutError:
        bot.send(signal.SIGKILL)
        await bot.over(10.0)
        return False


async def _until_quoted(bot: Life, quotes: Any, old: set[str]) -> float | None:
    """Seconds until both sides are quoted by orders other than ``old``; None when that does not come."""
    began = time.monotonic()
    while time.monotonic() - began < QUOTED_S and not bot.is_over:
        if {row["side"] for row in quotes() if row["cl_ord_id"] not in old} == {"buy", "sell"}:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    return None
