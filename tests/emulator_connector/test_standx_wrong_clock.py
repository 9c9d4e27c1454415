"""Fills and positions of the StandX connector on a machine whose wall clock is wrong: the venue's times count."""

from __future__ import annotations

import asyncio
import logging
import time
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.core.data_type.common import OrderType
from hummingbot.core.data_type.in_flight_order import OrderState

from hummingbot_extensions.core.types import Side, TimeInForce
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import PAIR, Bench, bench, until

pytestmark = pytest.mark.usefixtures("slow_beat")

OFF_S = [3600.0, -3600.0]
"""How far the local clock is ahead."""


async def _fills_without_frames(b: Bench) -> None:
    """Two orders fill a quarter hour apart, no trade frame comes: each fill is told once and within a poll."""
    fills: list[Any] = []
    b.connector.add_fill_listener(PAIR, fills.append)
    b.handle.exchange.arm({"name": "frame_drop", "channel": "trade"})
    for count in (1, 2):
        order_id = await b.rest("buy", "0.01", "-0.005")
        await asyncio.sleep(900 * (count - 1))
        b.market.outside(Side.SELL, MID_TICKS - 5, 100, TimeInForce.IOC)
        await until(lambda count=count: len(fills) == count, 20.0, "told")
        assert (fills[-1].client_order_id, fills[-1].size) == (order_id, Decimal("0.01"))
        await until(lambda order_id=order_id: order_id not in b.connector.in_flight_orders, 10.0, "ended")
    await asyncio.sleep(60)
    assert len(fills) == len(b.watched.fills) == 2 and not b.watched.failures
    assert b.connector.account_positions[PAIR].amount == Decimal("0.02")


@pytest.mark.parametrize("ahead_s", OFF_S)
def test_missed_fills_are_read_whatever_the_local_clock_says(ahead_s: float) -> None:
    """H2: a machine that starts an hour fast or slow finds by REST what the stream did not tell."""

    async def scenario() -> None:
        async with bench(faults=[{"name": "clock_offset", "ms": -ahead_s * 1000}]) as b:
            await _fills_without_frames(b)

    warp.run(scenario())


@pytest.mark.parametrize("ahead_s", OFF_S)
def test_missed_fills_are_read_when_the_local_clock_is_set(ahead_s: float) -> None:
    """H2: the wall clock jumps while orders rest; what was read before and when orders were sent stays known."""

    async def scenario() -> None:
        async with bench() as b:
            clock, wall_s = warp.clock(), time.time()
            began = clock.monotonic()
            b.handle.exchange.wall_s = lambda: wall_s + clock.monotonic() - began
            clock.jump_wall(ahead_s)
            await _fills_without_frames(b)

    warp.run(scenario())


@pytest.mark.parametrize("ahead_s", OFF_S)
def test_own_fills_are_no_strangers_trades_when_the_clock_is_off(
    ahead_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    """H4: which fills the first list of positions held already is told by the venue's times, not by ours."""

    async def scenario() -> None:
        async with bench(faults=[{"name": "clock_offset", "ms": -ahead_s * 1000}]) as b:
            for number in range(1, 6):
                b.place("buy", "0.01", None, OrderType.MARKET)
                await until(lambda number=number: len(b.watched.fills) == number)
                await asyncio.sleep(12)
                assert not b.connector.is_position_in_doubt(PAIR)

    with caplog.at_level(logging.WARNING):
        warp.run(scenario())
    assert not [record for record in caplog.records if "somebody else" in record.getMessage()]


def test_a_restored_order_that_is_gone_is_believed_although_the_clock_was_set_back() -> None:
    """G9: an order that an earlier run stored an hour ahead of the present clock, and that the venue does not know,
    keeps the connector from being ready for seconds, not for that hour.
    """

    async def scenario() -> None:
        async with bench() as b:
            key = f"{b.connector.owner_tag}gone"
            b.connector.restore_tracking_states({
                key: {
                    "client_order_id": key, "exchange_order_id": None, "trading_pair": PAIR,
                    "order_type": "LIMIT_MAKER", "trade_type": "BUY", "price": "99950", "amount": "0.01",
                    "executed_amount_base": "0", "executed_amount_quote": "0", "last_state": str(OrderState.OPEN.value),
                    "leverage": "1", "position": "OPEN", "creation_timestamp": time.time() + 3600,
                    "last_update_timestamp": time.time() + 3600, "order_fills": {},
                }
            })  # fmt: skip
            assert not b.connector.ready and key in b.connector.in_flight_orders
            await until(lambda: b.connector.ready, 30.0, lambda: str(b.connector.status_dict))
            assert not b.connector.in_flight_orders and not b.connector.has_unknown_orders

    warp.run(scenario())
