"""Own fills of the StandX connector: each told once, whatever happens to the frames, and read back after a restart."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import OrderType, PositionAction

from hummingbot_extensions.core.types import Side, TimeInForce
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import PAIR, Bench, bench, connector_for, running, until


def _listen(b: Bench) -> tuple[list[Any], list[Any]]:
    fills: list[Any] = []
    fees: list[Any] = []
    b.connector.add_fill_listener(PAIR, fills.append)
    b.connector.add_fee_listener(PAIR, fees.append)
    return fills, fees


def _theirs(b: Bench) -> dict[str, tuple[Decimal, Decimal]]:
    """The venue's own record: trade id -> (size, fee)."""
    account = b.handle.exchange.venue.accounts[b.user]
    return {str(trade.id): (trade.size, trade.fee) for trade in account.trades}


def _hit(b: Bench, lots: int = 100) -> None:
    b.market.outside(Side.SELL, MID_TICKS - 5, lots, TimeInForce.IOC)


FAULTS: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "duplicates": [{"name": "trade_duplicate"}],
    "zero sizes": [{"name": "trade_zero_qty"}],
    "before the order": [{"name": "trade_before_order"}],
    "after the order": [{"name": "trade_after_order", "ms": 3_000}],
    "reordered": [{"name": "frame_reorder", "channel": "trade"}],
    "lost": [{"name": "frame_drop", "channel": "trade"}],
    "all private frames lost": [{"name": "frame_drop", "socket": "stream"}],
    "lost and listed late": [{"name": "frame_drop", "channel": "trade"}, {"name": "trades_lag", "ms": 5_000}],
    "damaged": [{"name": "frame_corrupt", "channel": "trade", "how": "nan"}],
    "split": [{"name": "trade_split"}],
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fill_is_told_once(name: str) -> None:
    """H2, H14: whatever happens to trade frames, listeners and Hummingbot hear of each trade id once, with the venue's
    own fee in the end.
    """

    async def scenario() -> None:
        async with bench() as b:
            fills, fees = _listen(b)
            for fault in FAULTS[name]:
                b.handle.exchange.arm(fault)
            ids = [await b.rest("buy", "0.05", "-0.005") for _ in range(3)]
            for _ in range(3):
                _hit(b, 300)
                await asyncio.sleep(0.2)
            theirs = await until(lambda: (t := _theirs(b)) and sum(size for size, _ in t.values()) and t)
            await until(lambda: len({fill.trade_id for fill in fills}) == len(_theirs(b)), 40.0, "all told")
            b.handle.exchange.faults.disarm(None, None)
            await asyncio.sleep(20)
            theirs = _theirs(b)
            assert sorted(fill.trade_id for fill in fills) == sorted(theirs)
            assert {fill.trade_id: fill.size for fill in fills} == {key: size for key, (size, _) in theirs.items()}
            exact = {fill.trade_id: fill.fee for fill in (*fills, *fees) if fill.is_fee_exact}
            assert exact == {key: fee for key, (_, fee) in theirs.items()}
            assert len(fees) == len({fill.trade_id for fill in fees})
            assert all(fill.is_maker for fill in fills)
            assert sorted(event.exchange_trade_id for event in b.watched.fills) == sorted(theirs)
            assert {event.order_id for event in b.watched.fills} <= set(ids)

    warp.run(scenario())


def test_a_fill_of_an_order_that_hummingbot_has_forgotten_is_told() -> None:
    """A fill that comes 40 s after its order ended is no longer dropped: the listener has it, once."""

    async def scenario() -> None:
        async with bench() as b:
            fills, _ = _listen(b)
            order_id = await b.rest("buy", "0.05", "-0.005")
            b.handle.exchange.arm({"name": "frame_drop", "channel": "trade"})
            b.handle.exchange.arm({"name": "trades_lag", "ms": 60_000})
            _hit(b)
            await until(lambda: _theirs(b))
            b.connector.cancel(PAIR, order_id)
            # Hummingbot is told that it is over although the fill is missing, and forgets it 30 s later.
            order = b.order(order_id)
            await until(lambda: order_id not in b.open_ids)
            b.connector._order_tracker.stop_tracking_order(order_id)
            b.connector._order_tracker._cached_orders.clear()
            await asyncio.sleep(90)
            assert b.order(order_id) is None and order is not None
            assert [(fill.client_order_id, fill.size) for fill in fills] == [(order_id, Decimal("0.0100"))]

    warp.run(scenario())


def test_own_fills_since_reads_every_page_and_leaves_strangers_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """H2, H10: another process of the account finds our fills by tag, all pages, without what it knows; a manual
    trade is not ours.
    """
    monkeypatch.setattr(CONSTANTS, "PAGE_LIMIT", 7)

    async def scenario() -> None:
        async with bench() as b:
            for _ in range(20):
                done = len(b.watched.fills)
                b.place("buy", "0.001", None, OrderType.MARKET)
                await until(lambda done=done: len(b.watched.fills) > done)
            ours = [event.exchange_trade_id for event in b.watched.fills]
            stranger = connector_for(b.handle.credentials)
            stranger._owner_tag = "hxother-"
            async with running(stranger) as other:
                other.connector.buy(
                    PAIR, Decimal("0.002"), OrderType.MARKET, Decimal("NaN"), position_action=PositionAction.OPEN
                )
                await until(lambda: other.fills)
            async with running(connector_for(b.handle.credentials)) as second:
                found = await second.connector.own_fills_since(PAIR, 0.0)
                assert [fill.trade_id for fill in found] == ours
                assert all(fill.is_fee_exact and fill.is_maker is False for fill in found)
                assert {fill.trade_id: (fill.size, fill.fee) for fill in found}.items() <= _theirs(b).items()
                rest = await second.connector.own_fills_since(PAIR, 0.0, frozenset(ours[:15]))
                assert [fill.trade_id for fill in rest] == ours[15:]
                moment_s = found[10].exchange_ts_ns / 1e9
                late = await second.connector.own_fills_since(PAIR, moment_s)
                assert {fill.trade_id for fill in late} == {
                    fill.trade_id for fill in found if fill.exchange_ts_ns >= found[10].exchange_ts_ns // 1000 * 1000
                }

    warp.run(scenario())


def test_fills_of_an_outage_come_once_with_their_times() -> None:
    """H10, H11: fills during a minute without the private stream, and a second drop in the middle of the reading:
    each is told once, with the time at which it happened.
    """

    async def scenario() -> None:
        async with bench() as b:
            fills, _ = _listen(b)
            [await b.rest("buy", "0.05", "-0.005") for _ in range(2)]
            b.handle.exchange.arm({"name": "socket_refused"})
            b.handle.exchange.arm({"name": "socket_drop", "socket": "stream"})
            for _ in range(6):
                _hit(b)
                await asyncio.sleep(10)
            b.handle.exchange.faults.disarm("socket_refused", None)
            await until(lambda: b.handle.exchange.streams, 30.0)
            b.handle.exchange.arm({"name": "socket_drop", "socket": "stream"})
            await asyncio.sleep(40)
            theirs = {str(t.id): t.ts_ns for t in b.handle.exchange.venue.accounts[b.user].trades}
            offset_ns = b.handle.exchange.offset_ns
            assert len(theirs) >= 6
            assert sorted(fill.trade_id for fill in fills) == sorted(theirs)
            assert all(abs(fill.exchange_ts_ns - offset_ns - theirs[fill.trade_id]) < 2_000_000 for fill in fills)

    warp.run(scenario())
