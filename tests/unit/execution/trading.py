"""One market maker as Hummingbot runs it: script, controller, orchestrator, recorder and connector, on the emulator."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import hummingbot
import pytest
import yaml
from hummingbot.client import settings
from hummingbot.client.config.client_config_map import ClientConfigMap, MarketDataCollectionConfigMap
from hummingbot.client.config.config_helpers import ClientConfigAdapter
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.core.clock import Clock, ClockMode
from hummingbot.core.rate_oracle.rate_oracle import RateOracle
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from hummingbot.model.sql_connection_manager import SQLConnectionManager, SQLConnectionType
from hummingbot.strategy_v2.models.base import RunnableStatus

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.exchange import ReplyTo
from hummingbot_extensions.emulator.identity import Client
from hummingbot_extensions.emulator.server import Handle, run_emulator
from hummingbot_extensions.execution.quote_executor import QuoteExecutor
from hummingbot_extensions.execution.quoter import Quoter
from hummingbot_extensions.sim.market import BookChanged, MarketEvent
from hummingbot_extensions.sim.venue_values import NewOrder, OrderKind
from scripts import v2_perp_market_making as script
from tests.support.driven_market import MID_TICKS, DrivenMarket
from tests.support.running import DOMAIN, PAIR, SYMBOL, Bench, bench, connector_for, emulator_url, running, until

PRESET = Path(__file__).resolve().parents[3] / "conf" / "controllers" / "standx_btc_uptime.yml"
CONTROLLER = "mm"
FAST = {"min_dwell_ms": 0, "side_throttle_ms": 0, "cancel_budget_per_min": 600}
"""Settings that let a test re-quote as fast as the venue answers."""
LEVEL_LOTS = 100
BEAT_NS = 250_000_000
RELOAD_S = 1.0
"""How often a bot reads its file again; ten times as often would make most of the work of a quiet hour."""


@dataclass
class Trading:
    """A running market maker and the venue that it quotes on."""

    bench: Bench
    strategy: Any
    conf: Path
    log_folder: Path
    threads_before: frozenset[threading.Thread]
    is_crashed: bool = False
    """Set to leave the block as a killed process does: nothing is cancelled, stored or flushed any more."""

    @property
    def controller(self) -> Any:
        return self.strategy.controllers[CONTROLLER]

    @property
    def quoter(self) -> Quoter:
        return self.controller.desk._quoter  # type: ignore[no-any-return]

    @property
    def connector(self) -> Any:
        return self.bench.connector

    @property
    def executors(self) -> list[QuoteExecutor]:
        """Every executor the orchestrator knows, oldest first."""
        return list(self.strategy.executor_orchestrator.active_executors.get(CONTROLLER, []))

    def level(self, side: Side) -> QuoteExecutor:
        """The level of ``side`` that takes orders."""
        return next(e for e in self.executors if e.side is side and e.is_active)

    def venue_orders(self, side: Side | None = None) -> list[dict[str, Any]]:
        return [row for row in self.bench.account()["open_orders"] if side is None or row["side"] == side]

    async def quoted(self) -> None:
        """Wait until one order a side rests, at the venue and in the bot."""
        await until(lambda: {row["side"] for row in self.venue_orders()} == {"buy", "sell"}, 15.0, self.describe)
        await until(lambda: {o.side for o in self.quoter.open_orders() if o.state == "live"} == set(Side), 5.0)

    def describe(self) -> str:
        decision = self.quoter.decision if self.quoter else None
        silences = (decision.bid_silence, decision.ask_silence) if decision else None
        return f"venue {self.venue_orders()} bot {self.quoter.open_orders()} silences {silences}"

    def reload(self, **changes: Any) -> None:
        """Change the controller's file; the running bot reads it at its next reload."""
        content = yaml.safe_load((self.conf / f"{CONTROLLER}.yml").read_text())
        write_controller(self.conf, {**content, **changes})

    async def switch_off(self) -> None:
        """Stop the controller by its kill switch; its levels wind down."""
        self.reload(manual_kill_switch=True)
        await until(lambda: self.controller.status is RunnableStatus.TERMINATED, 5.0, "the kill switch")

    async def switch_on(self) -> None:
        self.reload(manual_kill_switch=False)
        await until(lambda: self.controller.status is RunnableStatus.RUNNING, 5.0, "the kill switch released")

    def hit(self, side: Side, lots: int) -> None:
        """Somebody trades ``lots`` of our best order on ``side``, through all before it; the book returns."""
        best = max(self.venue_orders(side), key=lambda row: Decimal(row["price"]) * side.sign)
        ticks = int(Decimal(best["price"]) * 100)
        market = self.bench.market
        before = sum(size for price, size in market.book(200)[0 if side is Side.BUY else 1]
                     if (price - ticks) * side.sign > 0)
        market.outside(side.opposite, ticks, before + lots, TimeInForce.IOC)
        for level in range(30):
            market.outside(side, MID_TICKS - side.sign * (5 + 10 * level), LEVEL_LOTS)

    def by_hand(self, side: str, size: str, price: str | None = None) -> None:
        """The account's owner places an order without us: no client id of ours; at market unless it has a price."""
        exchange = self.bench.handle.exchange
        client = Client(self.bench.user, "")
        refusal = exchange.submit(
            client,
            NewOrder(SYMBOL, Side(side), OrderKind.MARKET if price is None else OrderKind.LIMIT, Decimal(size),
                     None if price is None else Decimal(price), TimeInForce.IOC if price is None else TimeInForce.GTC,
                     reduce_only=False),
            ReplyTo(client.user, None, "by-hand"))
        assert refusal is None, refusal

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Rows of the event logs of this run, oldest first; complete once the bot has stopped."""
        rows = [json.loads(line) for path in sorted(self.log_folder.glob("*.jsonl")) for line in
                path.read_text().splitlines()]
        return [row for row in rows if kind is None or row["kind"] == kind]

    async def stop(self) -> None:
        """Stop as Hummingbot does, and wait for the log to be closed."""
        await self.strategy.on_stop()
        await until(lambda: not self.log_threads, 5.0, "the log thread to end")

    @property
    def log_threads(self) -> frozenset[threading.Thread]:
        """Threads of event logs that this run started and that are still alive."""
        return event_log_threads() - self.threads_before


def event_log_threads() -> frozenset[threading.Thread]:
    return frozenset(thread for thread in threading.enumerate() if thread.name == "hbx-event-log")


async def arm_fault(b: Bench, **fault: Any) -> None:
    """Switch a fault of the emulator's catalogue on through its control API."""
    url = f"{b.handle.url}/_control/faults"
    async with aiohttp.ClientSession() as session, session.post(url, json=fault) as answer:
        assert answer.status == 200, await answer.text()


async def clear_faults(b: Bench) -> None:
    """Switch every fault off."""
    async with aiohttp.ClientSession() as session, session.delete(f"{b.handle.url}/_control/faults") as answer:
        assert answer.status == 200, await answer.text()


def write_controller(conf: Path, content: dict[str, Any]) -> None:
    draft = conf / "draft"
    draft.write_text(yaml.safe_dump(content, sort_keys=False))
    draft.replace(conf / f"{CONTROLLER}.yml")


class BeatingMarket(DrivenMarket):
    """Shows its book four times a second, changed or not: a test that waits must not be taken for a dead feed."""

    def advance(self, to_ns: int) -> list[MarketEvent]:
        events = super().advance(to_ns)
        if to_ns // BEAT_NS == self._beat:
            return events
        self._beat = to_ns // BEAT_NS
        return [*events, BookChanged(to_ns)]

    _beat = 0


@asynccontextmanager
async def venue(**emulator: Any) -> AsyncIterator[tuple[Handle, DrivenMarket]]:
    """An emulator on a driven market that outlives the bots of a test; give it to ``trading`` as ``on``."""
    market = BeatingMarket(lots=LEVEL_LOTS)
    settings = {"order_delay_ms": 5.0, "cancel_delay_ms": 5.0, "rate_limits": False, **emulator}
    async with (
        run_emulator(EmulatorConfig(markets={SYMBOL: market}, **settings)) as handle, emulator_url(handle.url),
    ):
        yield handle, market


@asynccontextmanager
async def _bench_on(on: tuple[Handle, DrivenMarket]) -> AsyncIterator[Bench]:
    handle, market = on
    await ConnectionsFactory().close()
    async with running(connector_for(handle.credentials), is_ready=False) as watched:
        yield Bench(handle, market, watched)


@asynccontextmanager
async def trading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connector_name: str = DOMAIN,
    emulator: dict[str, Any] | None = None, before_start: Callable[[Bench], Awaitable[None]] | None = None,
    script_settings: dict[str, Any] | None = None, on: tuple[Handle, DrivenMarket] | None = None, **controller: Any,
) -> AsyncIterator[Trading]:
    """The preset with ``controller`` settings over it, started; stopped with the block if the test did not.

    With ``on`` the venue is the test's, and the database is the one of an earlier life in ``tmp_path``.
    """
    conf = tmp_path / "conf"
    conf.mkdir(exist_ok=True)
    preset = yaml.safe_load(PRESET.read_text())
    write_controller(conf, {**preset, "id": CONTROLLER, "connector_name": connector_name, **controller})
    monkeypatch.setattr(settings, "CONTROLLERS_CONF_DIR_PATH", conf)
    monkeypatch.setattr(hummingbot, "_prefix_path", str(tmp_path))
    # The terminal application is asked for its broker alone; importing it warns and takes seconds.
    application = SimpleNamespace(main_application=lambda: SimpleNamespace(_mqtt=None))
    monkeypatch.setitem(
        sys.modules, "hummingbot.client.hummingbot_application", SimpleNamespace(HummingbotApplication=application))
    # Fees are stated in every token of the pair; a workspace takes these rates from the venue.
    monkeypatch.setattr(RateOracle.get_instance(), "_prices", {"BTC-DUSD": Decimal(100_000)})
    tasks_before = asyncio.all_tasks()
    async with bench(DrivenMarket(lots=LEVEL_LOTS), **(emulator or {})) if on is None else _bench_on(on) as b:
        if before_start is not None:
            await before_start(b)
        client = ClientConfigAdapter(ClientConfigMap())
        sql = SQLConnectionManager(client, SQLConnectionType.TRADE_FILLS, db_path=str(tmp_path / "trades.sqlite"))
        recorder = MarketsRecorder(sql, [b.connector], "conf", "script", MarketDataCollectionConfigMap())
        monkeypatch.setattr(MarketsRecorder, "_shared_instance", recorder)
        recorder.start()
        config = script.V2PerpMarketMakingConfig(controllers_config=[f"{CONTROLLER}.yml"], **(script_settings or {}))
        script.V2PerpMarketMaking.init_markets(config)
        strategy = script.V2PerpMarketMaking({connector_name: b.connector}, config)
        strategy.config_update_interval = RELOAD_S
        line = Trading(b, strategy, conf, tmp_path / "logs" / "events" / CONTROLLER, event_log_threads())
        clock = Clock(ClockMode.REALTIME, tick_size=0.1)
        clock.add_iterator(strategy)
        recorder.restore_market_states("conf", b.connector)

        async def run() -> None:
            with clock:
                await clock.run()

        task = asyncio.create_task(run())
        try:
            # What an earlier life left is cleared away before the connector is ready.
            await until(lambda: strategy.ready_to_trade or task.done(), 5.0 if on is None else 60.0, "strategy ready")
            yield line
        finally:
            if line.is_crashed:
                await _kill(tasks_before | {asyncio.current_task()}, recorder)
            elif not strategy._is_stop_triggered:
                await strategy.on_stop()
            task.cancel()
            ended = (await asyncio.gather(task, return_exceptions=True))[0]
            recorder.stop()
            sql._engine.dispose()
        assert isinstance(ended, asyncio.CancelledError), ended
        if not line.is_crashed:
            await until(lambda: not line.log_threads, 5.0, "the log thread to end")


async def _kill(survivors: set[asyncio.Task[Any] | None], recorder: MarketsRecorder) -> None:
    """End everything of the bot at once, without a chance to tidy up; the venue lives on."""
    recorder.stop()
    bot = [task for task in asyncio.all_tasks() if task not in survivors]
    for task in bot:
        task.cancel()
    await asyncio.gather(*bot, return_exceptions=True)


__all__ = ["CONTROLLER", "DOMAIN", "FAST", "PAIR", "Trading", "trading", "until", "venue"]
