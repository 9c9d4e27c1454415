"""The market maker on Hummingbot's own binance_perpetual, whose addresses lead to a server on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hummingbot.connector.derivative.binance_perpetual import binance_perpetual_constants as constants
from hummingbot.connector.derivative.binance_perpetual.binance_perpetual_derivative import BinancePerpetualDerivative
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory

from tests.contract.foreign.binance_server import KEY, PAIR, SECRET, BinanceServer, binance_server
from tests.contract.foreign.bot import Bot, bot
from tests.contract.foreign.small_venue import SmallVenue
from tests.support import warp
from tests.support.running import until


async def end_sockets() -> None:
    """End what the connector's book source leaves running when it is stopped."""
    left = [task for task in asyncio.all_tasks() if "_process_websocket_messages" in repr(task.get_coro())]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@asynccontextmanager
async def binance_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *faults: tuple[str, bool], is_hedged: bool = False
) -> AsyncIterator[tuple[Bot, BinanceServer]]:
    venue = SmallVenue()
    async with binance_server(venue) as (server, address):
        server.faults, server.is_hedged = list(faults), is_hedged
        monkeypatch.setattr(constants, "PERPETUAL_BASE_URL", f"http://{address}/fapi/")
        monkeypatch.setattr(constants, "PERPETUAL_WS_URL", f"ws://{address}/")
        await ConnectionsFactory().close()
        connector = BinancePerpetualDerivative(
            binance_perpetual_api_key=KEY, binance_perpetual_api_secret=SECRET, trading_pairs=[PAIR])
        try:
            async with bot(tmp_path, monkeypatch, connector, venue, PAIR) as line:
                yield line, server
        finally:
            await end_sockets()
            # Hummingbot keeps one HTTP session per process, which belongs to this test's event loop.
            await ConnectionsFactory().close()
        assert server.refused_signatures == 0


def test_it_quotes_follows_fills_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Post-only orders a side of ETH-USDC; fills reach position and ledger; the quotes follow the market; a stop that
    the venue confirms leaves none.
    """

    async def life() -> None:
        async with binance_bot(tmp_path, monkeypatch) as (line, server):
            await line.quoted()
            venue = line.venue
            assert {post["timeInForce"] for post in server.posts} == {"GTX"}
            assert not any("reduceOnly" in post for post in server.posts)
            trade = venue.fill("BUY", "0.04", time.time())
            await until(lambda: line.quoter.ledger.position == Decimal("0.04"), 10.0, line.describe)
            assert line.quoter.position == Decimal("0.04")
            assert line.quoter.ledger.fees_quote == trade.fee
            venue.move("9.00")
            await until(lambda: len(venue.resting) == 2 and line.sides == {"BUY", "SELL"} and all(
                abs(order.price / venue.mark - 1) < Decimal("0.001") for order in venue.resting), 20.0, line.describe)
            venue.fill("SELL", "0.1", time.time())
            await until(lambda: line.quoter.ledger.position == Decimal("-0.06"), 10.0, line.describe)
            await line.quoted()
            await line.strategy.on_stop()
            assert venue.resting == []

    warp.run(life())


def test_an_order_whose_reply_was_lost_is_never_doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection breaks after Binance took the order: it is found, cancelled, and its side quoted once more."""

    async def life() -> None:
        async with binance_bot(tmp_path, monkeypatch, ("drop", True)) as (line, server):
            await until(lambda: line.connector.leftover_orders(PAIR), 20.0, line.describe)
            suspect = line.connector.leftover_orders(PAIR)[0]
            side = suspect.side.name
            assert [o.client_id for o in line.venue.resting if o.side == side] == [suspect.client_order_id]
            await until(lambda: line.venue.orders[suspect.client_order_id].state == "CANCELED", 20.0, line.describe)
            await line.quoted()

    warp.run(life())


def test_a_503_is_an_order_that_may_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hummingbot calls it created under the id UNKNOWN: unknown here until Binance has shown it, or said it never was.
    """

    async def life() -> None:
        faults = ("overloaded", True), ("overloaded", False)
        async with binance_bot(tmp_path, monkeypatch, *faults) as (line, server):
            await until(lambda: len(server.posts) >= 2, 20.0, line.describe)
            taken, never = (post["newClientOrderId"] for post in server.posts[:2])
            await until(lambda: line.connector.order_outcome(taken).value == "accepted", 20.0, line.describe)
            assert line.connector.order_outcome(never).value in ("unknown", "pending")
            side = server.posts[1]["side"]
            assert [order for order in line.venue.orders.values() if order.side == side] == []
            await until(lambda: line.sides == {"BUY", "SELL"}, 120.0, line.describe)

    warp.run(life())


def test_a_post_only_refusal_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Binance's -5022 is a maker's daily bread: counted as a refusal, not towards the breakers."""

    async def life() -> None:
        async with binance_bot(tmp_path, monkeypatch) as (line, server):
            await line.quoted()
            from hummingbot.core.data_type.common import OrderType, PositionAction

            order_id = line.connector.buy(
                PAIR, Decimal("0.1"), OrderType.LIMIT_MAKER, line.venue.ask, position_action=PositionAction.OPEN)
            await until(lambda: line.connector.rejection_reason(order_id), 10.0)
            assert line.connector.rejection_kind(order_id).__name__ == "PostOnlyRejected"
            assert line.connector.order_outcome(order_id).value == "rejected"
            assert line.connector.leftover_orders(PAIR) == []

    warp.run(life())
