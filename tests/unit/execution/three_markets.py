"""Three controllers in one bot, each on a market of its own, one account and one connector, on the emulator."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hummingbot
import pytest
import yaml
from hummingbot.client import settings
from hummingbot.client.config.client_config_map import ClientConfigMap, MarketDataCollectionConfigMap
from hummingbot.client.config.config_helpers import ClientConfigAdapter
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.core.clock import Clock, ClockMode
from hummingbot.core.rate_oracle.rate_oracle import RateOracle
from hummingbot.model.sql_connection_manager import SQLConnectionManager, SQLConnectionType
from trading import FAST, LEVEL_LOTS, PRESET, RELOAD_S, BeatingMarket, event_log_threads

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.exchange import ReplyTo
from hummingbot_extensions.emulator.identity import Client
from hummingbot_extensions.emulator.server import run_emulator
from hummingbot_extensions.execution.quoter import Quoter
from hummingbot_extensions.sim.market import MarketEvent
from hummingbot_extensions.sim.venue_values import NewOrder, OrderKind
from scripts import v2_perp_market_making as script
from tests.support.running import DOMAIN, Bench, connector_for, emulator_url, running, until

COINS = ("BTC", "ETH", "XAG")
PRICE = Decimal(100_000)
"""Of all three, so that one preset fits them."""


class QuietMarket(BeatingMarket):
    """Can be made to show nothing more, as a feed that has died."""

    is_silent = False

    def advance(self, to_ns: int) -> list[MarketEvent]:
        events = super().advance(to_ns)
        return [] if self.is_silent else events


@dataclass
class ThreeMarkets:
    """The running bot; a market goes by its coin."""

    bench: Bench
    strategy: Any
    conf: Path
    markets: dict[str, QuietMarket]

    def controller(self, coin: str) -> Any:
        return self.strategy.controllers[name(coin)]

    def quoter(self, coin: str) -> Quoter:
        return self.controller(coin).desk._quoter  # type: ignore[no-any-return]

    def orders(self, coin: str, side: Side | None = None) -> list[dict[str, Any]]:
        """What rests at the venue, by its own word."""
        return [row for row in self.bench.account()["open_orders"]
                if row["symbol"] == f"{coin}-USD" and (side is None or row["side"] == side)]

    def ids(self, coin: str) -> set[str]:
        return {row["cl_ord_id"] for row in self.orders(coin)}

    def position(self, coin: str) -> Decimal:
        rows = self.bench.account()["positions"]
        return sum((Decimal(row["qty"]) for row in rows if row["symbol"] == f"{coin}-USD"), Decimal(0))

    def reload(self, coin: str, **changes: Any) -> None:
        path = self.conf / f"{name(coin)}.yml"
        self.write(coin, yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}, sort_keys=False))

    def write(self, coin: str, text: str) -> None:
        draft = self.conf / "draft"
        draft.write_text(text)
        draft.replace(self.conf / f"{name(coin)}.yml")

    def by_hand(self, coin: str, side: Side, size: str) -> None:
        """The account's owner takes at market."""
        client = Client(self.bench.user, "")
        order = NewOrder(f"{coin}-USD", side, OrderKind.MARKET, Decimal(size), None, TimeInForce.IOC, reduce_only=False)
        refusal = self.bench.handle.exchange.submit(client, order, ReplyTo(client.user, None, f"by-hand-{coin}"))
        assert refusal is None, refusal

    async def quoted(self, but: str = "") -> None:
        """Wait until every market ``but`` one has an order a side, at the venue and in the bot."""
        coins = [coin for coin in COINS if coin != but]
        await until(
            lambda: all({row["side"] for row in self.orders(coin)} == {"buy", "sell"} for coin in coins)
            and all({o.side for o in self.quoter(coin).open_orders() if o.state == "live"} == set(Side)
                    for coin in coins),
            30.0, lambda: str([(coin, self.orders(coin)) for coin in coins]))


def name(coin: str) -> str:
    return f"mm_{coin.lower()}"


@asynccontextmanager
async def three_markets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: str = "", **controller: Any
) -> AsyncIterator[ThreeMarkets]:
    """The preset three times with ``controller`` over it, started; stopped with the block. ``off`` is switched off."""
    conf = tmp_path / "conf"
    conf.mkdir()
    preset = yaml.safe_load(PRESET.read_text())
    for coin in COINS:
        content = {**preset, **FAST, "id": name(coin), "connector_name": DOMAIN, "trading_pair": f"{coin}-DUSD",
                   "manual_kill_switch": coin == off, **controller}
        (conf / f"{name(coin)}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    monkeypatch.setattr(settings, "CONTROLLERS_CONF_DIR_PATH", conf)
    monkeypatch.setattr(hummingbot, "_prefix_path", str(tmp_path))
    application = SimpleNamespace(main_application=lambda: SimpleNamespace(_mqtt=None))
    monkeypatch.setitem(
        sys.modules, "hummingbot.client.hummingbot_application", SimpleNamespace(HummingbotApplication=application))
    monkeypatch.setattr(RateOracle.get_instance(), "_prices", {f"{coin}-DUSD": PRICE for coin in COINS})
    markets = {
        coin: QuietMarket(lots=LEVEL_LOTS, symbol=f"{coin}-USD", base=coin) for coin in COINS
    }  # fmt: skip
    config = EmulatorConfig(
        markets={market.spec.symbol: market for market in markets.values()}, order_delay_ms=5.0, cancel_delay_ms=5.0,
        rate_limits=False)
    before = event_log_threads()
    async with run_emulator(config) as handle, emulator_url(handle.url):
        connector = connector_for(handle.credentials, trading_pairs=[f"{coin}-DUSD" for coin in COINS])
        async with running(connector) as watched:
            b = Bench(handle, markets["BTC"], watched)
            client = ClientConfigAdapter(ClientConfigMap())
            sql = SQLConnectionManager(client, SQLConnectionType.TRADE_FILLS, db_path=str(tmp_path / "trades.sqlite"))
            recorder = MarketsRecorder(sql, [connector], "conf", "script", MarketDataCollectionConfigMap())
            monkeypatch.setattr(MarketsRecorder, "_shared_instance", recorder)
            recorder.start()
            wanted = script.V2PerpMarketMakingConfig(controllers_config=[f"{name(coin)}.yml" for coin in COINS])
            script.V2PerpMarketMaking.init_markets(wanted)
            strategy = script.V2PerpMarketMaking({DOMAIN: connector}, wanted)
            strategy.config_update_interval = RELOAD_S
            clock = Clock(ClockMode.REALTIME, tick_size=0.1)
            clock.add_iterator(strategy)

            async def run() -> None:
                with clock:
                    await clock.run()

            task = asyncio.create_task(run())
            try:
                line = ThreeMarkets(b, strategy, conf, markets)
                await until(lambda: strategy.ready_to_trade or task.done(), 10.0, "strategy ready")
                await line.quoted(off)
                yield line
            finally:
                await strategy.on_stop()
                task.cancel()
                ended = (await asyncio.gather(task, return_exceptions=True))[0]
                recorder.stop()
                sql._engine.dispose()
            assert isinstance(ended, asyncio.CancelledError), ended
            await until(lambda: not event_log_threads() - before, 5.0, "the log threads to end")
