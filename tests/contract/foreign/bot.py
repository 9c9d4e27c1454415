"""The market maker as Hummingbot runs it, on a connector that is not of this bundle."""

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
from hummingbot.core.data_type.order_book_tracker import OrderBookTracker
from hummingbot.core.rate_oracle.rate_oracle import RateOracle
from hummingbot.model.sql_connection_manager import SQLConnectionManager, SQLConnectionType

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution.quoter import Quoter
from scripts import v2_perp_market_making as script
from tests.contract.foreign.small_venue import SmallVenue
from tests.support.running import until

PRESET = Path(__file__).resolve().parents[3] / "conf" / "controllers" / "standx_btc_uptime.yml"
CONTROLLER = "mm"
SETTINGS = {
    "armed": True, "order_size_base": 0.1, "resume_limit_base": 0.2, "soft_limit_base": 0.4, "hard_stop_base": 0.8,
    "net_max_base": 2, "min_dwell_ms": 0, "side_throttle_ms": 0, "cancel_budget_per_min": 600,
}
"""One level a side of 0.1 ETH, re-quoted as fast as the venue answers."""


@dataclass
class Bot:
    """A running market maker and the venue that it quotes on."""

    strategy: Any
    connector: Any
    venue: SmallVenue

    @property
    def quoter(self) -> Quoter:
        return self.strategy.controllers[CONTROLLER].desk.quoter  # type: ignore[no-any-return]

    def describe(self) -> str:
        decision = self.quoter.decision if self.quoter else None
        silences = (decision.bid_silence, decision.ask_silence) if decision else None
        return (f"venue {self.venue.resting} bot {self.quoter and self.quoter.open_orders()} silences {silences} "
                f"ready {self.connector.status_dict} start {self.quoter and self.quoter.start_up.note}")

    @property
    def sides(self) -> set[str]:
        return {order.side for order in self.venue.resting}

    async def quoted(self) -> None:
        """Wait until one order a side rests, at the venue and in the bot."""
        await until(lambda: self.sides == {"BUY", "SELL"} and len(self.venue.resting) == 2, 30.0, self.describe)
        await until(
            lambda: {o.side for o in self.quoter.open_orders() if o.state == "live"} == set(Side), 10.0, self.describe)


@asynccontextmanager
async def bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connector: Any, venue: SmallVenue, pair: str, **controller: Any
) -> AsyncIterator[Bot]:
    """The preset on ``connector``, started; stopped with the block if the test did not."""
    name, conf = connector.name, tmp_path / "conf"
    conf.mkdir(exist_ok=True)
    content = {**yaml.safe_load(PRESET.read_text()), "id": CONTROLLER, "connector_name": name, "trading_pair": pair,
               **SETTINGS, **controller}
    (conf / f"{CONTROLLER}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    monkeypatch.setattr(settings, "CONTROLLERS_CONF_DIR_PATH", conf)
    monkeypatch.setattr(hummingbot, "_prefix_path", str(tmp_path))
    # The terminal application is asked for its broker alone; importing it warns and takes seconds.
    application = SimpleNamespace(main_application=lambda: SimpleNamespace(_mqtt=None))
    monkeypatch.setitem(
        sys.modules, "hummingbot.client.hummingbot_application", SimpleNamespace(HummingbotApplication=application))
    monkeypatch.setattr(RateOracle.get_instance(), "_prices", {pair: Decimal(3000)})
    # Hummingbot waits a second after each initial book; the tests need not.
    monkeypatch.setattr(OrderBookTracker, "_sleep", staticmethod(lambda delay: asyncio.sleep(0)))
    client = ClientConfigAdapter(ClientConfigMap())
    sql = SQLConnectionManager(client, SQLConnectionType.TRADE_FILLS, db_path=str(tmp_path / "trades.sqlite"))
    recorder = MarketsRecorder(sql, [connector], "conf", "script", MarketDataCollectionConfigMap())
    monkeypatch.setattr(MarketsRecorder, "_shared_instance", recorder)
    recorder.start()
    config = script.V2PerpMarketMakingConfig(controllers_config=[f"{CONTROLLER}.yml"])
    script.V2PerpMarketMaking.init_markets(config)
    strategy = script.V2PerpMarketMaking({name: connector}, config)
    clock = Clock(ClockMode.REALTIME, tick_size=0.1)
    clock.add_iterator(connector)
    clock.add_iterator(strategy)
    recorder.restore_market_states("conf", connector)

    async def run() -> None:
        with clock:
            await clock.run()

    task = asyncio.create_task(run())
    try:
        await until(lambda: connector.ready or task.done(), 30.0, lambda: f"{connector.status_dict} {task}")
        yield Bot(strategy, connector, venue)
    finally:
        if not strategy._is_stop_triggered:
            await strategy.on_stop()
        task.cancel()
        ended = (await asyncio.gather(task, return_exceptions=True))[0]
        recorder.stop()
        sql._engine.dispose()
        await connector.stop_network()
    assert isinstance(ended, asyncio.CancelledError), ended
