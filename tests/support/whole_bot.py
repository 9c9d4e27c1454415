"""The whole bot and its venue in one process on the warp loop: booted in a blink, watched at every moment, no pytest.

``run_whole_bot(scenario)`` boots script, controller, orchestrator, recorder and connector on an emulator whose market
lives, hands a ``WholeBot`` to the scenario, stops everything, and returns what was broken.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.support import hummingbot_shims, warp

hummingbot_shims.install()
with warnings.catch_warnings():
    # Pydantic deprecations in Hummingbot's own config classes, raised once, at their import.
    warnings.simplefilter("ignore", DeprecationWarning)
    import hummingbot.strategy.strategy_v2_base  # noqa: F401

import pytest  # noqa: E402
import yaml  # noqa: E402
from hummingbot.core.clock import Clock  # noqa: E402

from controllers.market_making.perp_market_maker import PerpMarketMakerConfig  # noqa: E402
from hummingbot_extensions.core.types import Side, TimeInForce  # noqa: E402
from hummingbot_extensions.emulator import exchange as exchange_module  # noqa: E402
from hummingbot_extensions.emulator.faults import acts  # noqa: E402
from hummingbot_extensions.sim.venue_values import Accepted, CancelOrders, NewOrder, OrderKind  # noqa: E402
from tests.support import running as running_module  # noqa: E402
from tests.support.lively_market import LivelyMarket  # noqa: E402
from tests.support.running import SYMBOL  # noqa: E402
from tests.support.venue_truth import ErrorLines, Violation, Watch  # noqa: E402
from tests.unit.execution import trading as trading_module  # noqa: E402

START_NS = 1_800_000_300 * 10**9
"""Five minutes after a full hour, so that a short run meets no funding."""
WALLET = {"standx_perpetual_login": "evm_wallet", "standx_perpetual_secret": "0x" + "11" * 32,
          "standx_perpetual_request_key": ""}  # fmt: skip
PACE_S = 0.05
"""Beat of the venue between due events; the product's 10 ms would make most of the work of an idle minute."""
TICK_S = 1.0
"""Hummingbot's own default."""
DELAY_MS = 40.0
SETTLE_S = 90.0
STEADY_CHECKS = 3
TASK_SLACK = 8
TASKS_END_S = 5.0

Scenario = Callable[["WholeBot"], Awaitable[None]]


@dataclass
class Result:
    """What a run showed. ``violations`` empty means that every rule held."""

    violations: list[Violation] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Log lines at ERROR, loop exceptions included."""
    fills: int = 0
    venue_s: float = 0.0
    wall_s: float = 0.0


class WholeBot:
    """A running bot with its venue, and everything that a scenario may do to the two."""

    def __init__(self, line: Any, market: LivelyMarket, watch: Watch) -> None:
        self.line = line
        self.market = market
        self.watch = watch
        self.exchange = line.bench.handle.exchange
        self.connector = line.bench.connector
        self._manual = 0

    @property
    def user(self) -> str:
        return self.watch.user

    # --- the venue ---

    def arm(self, **fault: Any) -> Any:
        """Switch a fault on, as the control API does."""
        return self.exchange.arm(fault)

    def clear(self) -> None:
        """Switch every fault off; a market that was halted goes on."""
        self.exchange.faults.disarm()
        self.exchange.catch_up()
        acts.run(self.exchange)

    def outage(self, seconds: float) -> None:
        """The network is gone: sockets cut and refused, requests reset before they arrive."""
        self.arm(name="http_reset", when="before", seconds=seconds)
        self.arm(name="socket_refused", seconds=seconds)
        self.arm(name="socket_drop")

    def hit(self, side: Side, lots: int) -> bool:
        """Somebody trades ``lots`` of our best order on ``side``; False when none rests."""
        mine = [order for order in self.watch.resting() if order.side is side]
        if not mine:
            return False
        self.market.hit(side, lots, max((o.price_ticks for o in mine), key=lambda ticks: ticks * side.sign))
        return True

    # --- another client of the same account ---

    def manual_order(self, side: Side, lots: int = 10, bps: float = 50.0) -> str:
        """Somebody rests an order by hand, far away; the bot must leave it alone."""
        self._manual += 1
        client_id = f"manual-{self._manual}"
        ticks = round(self.market.mid_ticks * (1 - side.sign * bps / 1e4))
        if self._submit(side, OrderKind.LIMIT, lots, Decimal(ticks) / 100, TimeInForce.GTC, client_id):
            self.watch.by_hand.append(client_id)
        return client_id

    def manual_cancel(self, client_id: str) -> None:
        self.watch.by_hand.remove(client_id)
        self.exchange.venue.cancel(self.user, CancelOrders(client_ids=(client_id,)), 1_000_000, None)

    def manual_trade(self, side: Side, lots: int) -> None:
        """Somebody trades at market by hand."""
        self._manual += 1
        self.watch.foreign.append((time.monotonic(), Decimal(lots) / 10_000))
        self._submit(side, OrderKind.MARKET, lots, None, TimeInForce.IOC, f"manual-{self._manual}")

    def _submit(self, side: Side, kind: OrderKind, lots: int, price: Decimal | None, tif: TimeInForce,
                client_id: str) -> bool:  # fmt: skip
        order = NewOrder(SYMBOL, side, kind, Decimal(lots) / 10_000, price, tif, False, client_id)
        return isinstance(self.exchange.venue.submit(self.user, order, 1_000_000, None), Accepted)

    # --- time ---

    async def pass_s(self, seconds: float) -> None:
        """Let time pass and look at every beat."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            await asyncio.sleep(min(0.25, left_s))
            self.watch.on_beat()

    async def trade_s(self, seconds: float, every_s: float = 4.0, lots: int = 15) -> None:
        """The same, with somebody hitting our quotes in turns."""
        until_s, side = time.monotonic() + seconds, Side.BUY
        while time.monotonic() < until_s:
            if not self.hit(side, lots):
                self.hit(side.opposite, lots)
            side = side.opposite
            await self.pass_s(min(every_s, max(0.01, until_s - time.monotonic())))

    async def quoted(self, timeout_s: float = 60.0) -> None:
        """Wait until an order rests on each side."""
        until_s = time.monotonic() + timeout_s
        while {order.side for order in self.watch.resting()} != set(Side):
            if time.monotonic() > until_s:
                self.watch.broken("quoting", f"not two-sided within {timeout_s:g} s: {self.line.quoter.decision}")
                return
            await self.pass_s(0.25)

    async def settle(self, must_quote: bool = True, timeout_s: float = SETTLE_S) -> None:
        """Let everything under way arrive in a calm market; what still differs then is a violation."""
        self.market.is_calm = True
        until_s, steady = time.monotonic() + timeout_s, 0
        while steady < STEADY_CHECKS:
            await self.pass_s(1.0)
            found = self.watch.differences(must_quote)
            steady = 0 if found else steady + 1
            if found and time.monotonic() > until_s:
                for violation in found:
                    self.watch.broken(violation.rule, violation.what, violation.what[:60])
                break
        self.market.is_calm = False


def _task_kinds() -> Counter[str]:
    """How many tasks of each kind live, those of the venue's server apart."""
    kinds = [getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks()]
    return Counter(kind for kind in kinds if not kind.startswith(("RequestHandler", "Session.")))


@asynccontextmanager
async def whole_bot(
    folder: Path, seed: int, result: Result, keys: dict[str, str] | None = None,
    emulator: dict[str, Any] | None = None, **controller: Any,
) -> AsyncIterator[WholeBot]:
    """Boot, hand over once it quotes, stop; what leaks or is not gone afterwards is a violation."""
    market = LivelyMarket(seed)
    settings: dict[str, Any] = {"order_delay_ms": DELAY_MS, "cancel_delay_ms": DELAY_MS, "seed": seed}
    settings |= emulator or {}
    if keys is not None:
        settings["keys"] = keys
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: result.errors.append(
        f"loop: {context.get('message')} | {context.get('exception')!r}"))  # fmt: skip
    watches: list[Watch] = []
    lines: list[Any] = []

    with pytest.MonkeyPatch.context() as patch, ExitStack() as looking:

        async def look(bench: Any) -> None:
            venue, user = bench.handle.exchange, bench.user
            if keys is not None:
                user = next(name for name in venue.venue.accounts if name != user)
            preset = yaml.safe_load(trading_module.PRESET.read_text())
            params = PerpMarketMakerConfig(**{**preset, **controller}).params()
            watch = Watch(venue, user, bench.connector, lambda: lines[0].quoter, params)
            looking.enter_context(watch.looking())
            watches.append(watch)
            application = sys.modules["hummingbot.client.hummingbot_application"].HummingbotApplication
            patch.setattr(application, "main_application", lambda: SimpleNamespace(
                _mqtt=None, add_application_warning=lambda text: None, notify=lambda text: None))  # fmt: skip

        patch.setattr(trading_module, "DrivenMarket", lambda **_: market)
        patch.setattr(exchange_module, "PACE_S", PACE_S)
        for module in (trading_module, running_module):
            patch.setattr(module, "Clock", lambda mode, tick_size: Clock(mode, tick_size=TICK_S))
        async with trading_module.trading(folder, patch, emulator=settings, before_start=look, **controller) as line:
            lines.append(line)
            line.strategy.config_update_interval = 1.0
            watch = watches[0]
            bot = WholeBot(line, market, watch)
            await bot.quoted()
            before = _task_kinds()
            yield bot
            for kind, count in _task_kinds().items():
                if count > before[kind] + TASK_SLACK:
                    watch.broken("leak", f"{count} tasks {kind}, {before[kind]} at the start", kind)
            result.fills = len(watch.own_trades())
            # Stopped while the venue still runs: what rests then rests for good.
            try:
                await line.stop()
            finally:
                if left := watch.resting():
                    watch.broken("orphan", f"{[order.client_id for order in left]} rest after the stop")
                result.violations += watch.violations
    await asyncio.sleep(TASKS_END_S)
    if tasks := _others():
        result.violations.append(Violation("leak", f"tasks after the stop: {[str(t.get_coro()) for t in tasks]}"))


def _others() -> list[asyncio.Task[Any]]:
    """Tasks that nobody ended; a request that the venue's server holds on to is the venue's matter."""
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()
            and not getattr(task.get_coro(), "__qualname__", "").startswith("RequestHandler")]  # fmt: skip


def run_whole_bot(scenario: Scenario, seed: int = 1, **settings: Any) -> Result:
    """Run ``scenario`` on a fresh bot, venue and loop. Equal seeds give equal runs, as far as threads allow."""
    result, lines = Result(), ErrorLines()
    real_s = time.perf_counter()
    random.seed(seed)
    root = logging.getLogger()
    root.addHandler(lines)
    files_before = _open_files()

    async def main() -> None:
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="whole-bot-") as folder:
            async with whole_bot(Path(folder), seed, result, **settings) as bot:
                await scenario(bot)
        result.venue_s = time.monotonic() - began_s

    try:
        warp.run(main(), START_NS)
    except AssertionError as error:
        result.violations.append(Violation("stop", str(error)))
    finally:
        root.removeHandler(lines)
    result.errors += lines.lines
    if _open_files() > files_before:
        gc.collect()
    left = _open_files() - files_before
    if left > 0:
        result.violations.append(Violation("leak", f"{left} open files after the stop"))
    result.wall_s = time.perf_counter() - real_s
    return result


def _open_files() -> int:
    with suppress(OSError):
        return len(os.listdir("/proc/self/fd"))
    return 0
