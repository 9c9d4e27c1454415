"""A StandX connector running under Hummingbot's clock against the emulator on a loopback socket."""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hummingbot.core.clock import Clock, ClockMode
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.data_type.order_book_tracker import OrderBookTracker
from hummingbot.core.event.event_logger import EventLogger
from hummingbot.core.event.events import MarketEvent
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator import control
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.server import Handle, run_emulator
from tests.support import connectors
from tests.support.driven_market import MID_TICKS, DrivenMarket

connectors.register("standx_perpetual")
PAIR, SYMBOL = "BTC-DUSD", "BTC-USD"
DOMAIN = "standx_perpetual_emulator"
URL_ENV = "HBX_STANDX_EMULATOR_URL"
EVENTS = (
    MarketEvent.BuyOrderCreated, MarketEvent.SellOrderCreated, MarketEvent.OrderFilled, MarketEvent.OrderCancelled,
    MarketEvent.OrderFailure, MarketEvent.BuyOrderCompleted, MarketEvent.SellOrderCompleted,
    MarketEvent.FundingPaymentCompleted,
)  # fmt: skip


def derivative_class() -> Any:
    name = "hummingbot.connector.derivative.standx_perpetual.standx_perpetual_derivative"
    return importlib.import_module(name).StandxPerpetualDerivative


def connector_for(credentials: Any, **changes: Any) -> Any:
    """A connector of the emulator's domain with the web-token login of ``credentials``, not started."""
    arguments: dict[str, Any] = {
        "standx_perpetual_login": "web_token",
        "standx_perpetual_secret": credentials.secret if credentials else "",
        "standx_perpetual_request_key": credentials.request_key if credentials else "",
        "trading_pairs": [PAIR],
        "domain": DOMAIN,
    }
    return derivative_class()(**{**arguments, **changes})


@asynccontextmanager
async def emulator_url(url: str) -> AsyncIterator[None]:
    """The environment variable that names the emulator, for the time of the block; Hummingbot's sessions end with
    it.
    """
    before = os.environ.get(URL_ENV)
    os.environ[URL_ENV] = url
    await ConnectionsFactory().close()
    try:
        yield
    finally:
        # Hummingbot keeps one HTTP session per process, which belongs to this test's event loop.
        await ConnectionsFactory().close()
        if before is None:
            del os.environ[URL_ENV]
        else:
            os.environ[URL_ENV] = before


async def until(condition: Callable[[], Any], timeout_s: float = 60.0, what: str | Callable[[], str] = "") -> Any:
    """Wait until ``condition()`` is true and give its value; the failure names what was waited for."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what() if callable(what) else what or condition}")
        await asyncio.sleep(0.005)


async def pulse(market: DrivenMarket) -> None:
    """Somebody changes the book once a beat, so that it is shown again, until cancelled."""
    while True:
        await asyncio.sleep(0.25)
        order = market.outside(Side.BUY, MID_TICKS - 205, 10)
        await asyncio.sleep(0.25)
        market.outside_cancel(order)


class Watched:
    """A connector and the events that it fired."""

    def __init__(self, connector: Any) -> None:
        self.connector = connector
        self.log = {event: EventLogger() for event in EVENTS}
        for event, logger in self.log.items():
            connector.add_listener(event, logger)

    def events(self, *kinds: MarketEvent) -> list[Any]:
        return [event for kind in kinds for event in self.log[kind].event_log]

    @property
    def fills(self) -> list[Any]:
        return self.events(MarketEvent.OrderFilled)

    @property
    def failures(self) -> list[Any]:
        return self.events(MarketEvent.OrderFailure)

    @property
    def cancels(self) -> list[Any]:
        return self.events(MarketEvent.OrderCancelled)

    @property
    def created(self) -> list[Any]:
        return self.events(MarketEvent.BuyOrderCreated, MarketEvent.SellOrderCreated)


@asynccontextmanager
async def running(connector: Any, is_ready: bool = True, tick_s: float = 0.1) -> AsyncIterator[Watched]:
    """Run ``connector`` under a real-time clock until the block ends; everything that it started must end with it."""
    clock = Clock(ClockMode.REALTIME, tick_size=tick_s)
    watched = Watched(connector)
    clock.add_iterator(connector)

    async def run_clock() -> None:
        with clock:
            await clock.run()

    # Hummingbot waits a second after each initial book; the tests need not.
    tracker_sleep = OrderBookTracker._sleep
    OrderBookTracker._sleep = staticmethod(lambda delay: asyncio.sleep(0))
    task = asyncio.create_task(run_clock())
    try:
        if is_ready:
            await until(lambda: connector.ready, 60.0, lambda: f"ready: {connector.status_dict}")
            await until(
                lambda: connector._order_entry.is_usable or not connector.is_trading_required, what="order entry"
            )
        yield watched
    finally:
        OrderBookTracker._sleep = staticmethod(tracker_sleep)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connector.stop_network()
        await until(lambda: connector._tasks.count == 0, 30.0, "own tasks ended")


@dataclass
class Bench:
    """A running emulator on a driven market, and a connector that trades on it."""

    handle: Handle
    market: DrivenMarket
    watched: Watched

    @property
    def connector(self) -> Any:
        return self.watched.connector

    @property
    def user(self) -> str:
        return self.handle.credentials.user

    def account(self) -> dict[str, Any]:
        """The account as the emulator keeps it."""
        return control.account(self.handle.exchange, self.user)

    @property
    def open_ids(self) -> set[str]:
        """Client ids that rest at the venue."""
        return {row["cl_ord_id"] for row in self.account()["open_orders"]}

    def place(self, side: str, size: str, price: Decimal | None, order_type: OrderType = OrderType.LIMIT_MAKER,
              action: PositionAction = PositionAction.OPEN) -> str:  # fmt: skip
        """Place through Hummingbot's own entry; price None is a market order."""
        call = self.connector.buy if side == "buy" else self.connector.sell
        limit = Decimal("NaN") if price is None else price
        return str(call(PAIR, Decimal(size), order_type, limit, position_action=action))

    async def rest(self, side: str = "buy", size: str = "0.01", bps: str = "5") -> str:
        """Place a passive order and wait until Hummingbot and the venue have it."""
        order_id = self.place(side, size, near_price(self.connector, side, Decimal(bps)))
        await until(lambda: any(event.order_id == order_id for event in self.watched.created), what="created")
        await until(lambda: order_id in self.open_ids, what="resting")
        return order_id

    def order(self, order_id: str) -> Any:
        """Hummingbot's view of an order, finished ones included."""
        return self.connector._order_tracker.fetch_order(client_order_id=order_id)


@asynccontextmanager
async def bench(
    market: DrivenMarket | None = None, keys: dict[str, Any] | None = None, **config: Any
) -> AsyncIterator[Bench]:
    """Emulator and connector, started and ready; delays are short unless ``config`` says otherwise."""
    driven = market or DrivenMarket()
    settings = {"order_delay_ms": 5.0, "cancel_delay_ms": 5.0, "rate_limits": False, **config}
    async with (
        run_emulator(EmulatorConfig(markets={SYMBOL: driven}, **settings)) as handle,
        emulator_url(handle.url),
        running(connector_for(handle.credentials, **(keys or {}))) as watched,
    ):
        yield Bench(handle, driven, watched)


def near_price(connector: Any, side: str, bps: Decimal) -> Decimal:
    """A price on the tick, ``bps`` away from the touch to the passive side (negative: through it)."""
    state = connector.price_state(PAIR)
    touch = state.touch_bid if side == "buy" else state.touch_ask
    raw = touch * (1 - bps / 10_000 if side == "buy" else 1 + bps / 10_000)
    return raw.quantize(Decimal("0.01"))
