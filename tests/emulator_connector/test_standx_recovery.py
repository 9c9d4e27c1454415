"""What the StandX connector says of the account while it is read anew: nothing is whole before all of it is."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS

from hummingbot_extensions.core.types import Side, TimeInForce
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import PAIR, Bench, bench, until


def _hit(b: Bench, lots: int = 100) -> None:
    b.market.outside(Side.SELL, MID_TICKS - 5, lots, TimeInForce.IOC)


def _position(b: Bench) -> Decimal:
    known = b.connector.account_positions.get(PAIR)
    return known.amount if known is not None else Decimal(0)


@pytest.mark.parametrize("path", [CONSTANTS.QUERY_OPEN_ORDERS_PATH, CONSTANTS.QUERY_TRADES_PATH])
def test_an_account_whose_orders_were_not_read_does_not_count_as_read(path: str) -> None:
    """H10: after a login the account is whole only once orders and fills have been read, however long they fail."""

    async def scenario() -> None:
        async with bench() as b:
            await b.rest("buy", "0.05", "-0.005")
            b.handle.exchange.arm({"name": "http_status", "status": 502, "endpoint": path, "count": 1_000})
            logins = b.connector._user_stream_tracker.data_source.life
            before = logins.link
            b.handle.exchange.arm({"name": "socket_drop", "socket": "stream"})
            await until(lambda: logins.link not in (None, before), 10.0, "logged in again")
            for _ in range(200):
                await asyncio.sleep(0.1)
                assert b.connector.private_stream_age_ms() is None
            b.handle.exchange.faults.disarm("http_status", None)
            await until(lambda: b.connector.private_stream_age_ms() is not None, 10.0, "read")

    warp.run(scenario())


def test_a_second_drop_during_the_reading_leaves_the_account_unread() -> None:
    """H11: what was read before a second drop says nothing of what happened in it: the account does not count as read
    with a position from before.
    """

    async def scenario() -> None:
        async with bench() as b:
            order_id = await b.rest("buy", "0.05", "-0.005")
            life = b.connector._user_stream_tracker.data_source.life
            slow = {"name": "http_slow_body", "hold_s": 6, "count": 1_000}
            b.handle.exchange.arm({**slow, "endpoint": CONSTANTS.QUERY_OPEN_ORDERS_PATH})
            before = life.link
            b.handle.exchange.arm({"name": "socket_drop", "socket": "stream"})
            first = await until(lambda: life.link not in (None, before) and life.link, 10.0, "logged in again")
            # Positions have been read, orders are being read: now the stream goes again, and an order fills.
            await asyncio.sleep(1.0)
            b.handle.exchange.arm({"name": "socket_drop", "socket": "stream"})
            _hit(b)
            await until(lambda: b.account()["positions"], what="filled")
            await until(lambda: life.link not in (None, first), 10.0, "logged in for the third time")
            b.handle.exchange.arm({**slow, "endpoint": CONSTANTS.QUERY_POSITIONS_PATH})
            for _ in range(300):
                await asyncio.sleep(0.1)
                if b.connector.private_stream_age_ms() is not None:
                    assert _position(b) == Decimal("0.01")
            b.handle.exchange.faults.disarm("http_slow_body", None)
            await until(lambda: b.connector.private_stream_age_ms() is not None, 20.0, "read")
            assert order_id in b.open_ids

    warp.run(scenario())
