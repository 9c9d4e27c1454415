"""Control API: determinism under manual time, scores, faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from scripted_client import order_body, served
from scripted_market import MS, SECOND, Outside, ScriptedMarket, quiet_book

from hummingbot_extensions.core.types import Side, TimeInForce

pytestmark = pytest.mark.asyncio
TAKERS = [Outside(t * 170 * MS, (Side.BUY, Side.SELL)[t % 2], None, 20 + 10 * t, TimeInForce.IOC) for t in range(1, 40)]
LATER = [replace(order, at_ns=order.at_ns + 60 * SECOND) for order in TAKERS]


async def session(seed: int) -> tuple[list[str], list[str]]:
    """All bytes on both sockets of one scripted session, which trades from its 60th second on."""
    async with served(LATER, manual=True, seed=seed, order_delay_ms=70.0, feed_delay_ms=30.0, wired=False) as client:
        exchange = client.handle.exchange
        connecting = asyncio.create_task(client.connect())
        while not connecting.done():
            await client.step(100)
        await connecting
        assert exchange.venue.now_ns < exchange.venue.start_ns + 60 * SECOND
        await client.step((exchange.venue.start_ns + 60 * SECOND - exchange.venue.now_ns) / MS)
        for channel in ("price", "depth_book", "public_trade"):
            await client.subscribe(channel)
            await passed(lambda channel=channel: exchange.streams[0].wants(channel, "BTC-USD"))
        await client.api_send("order:new", order_body("buy", "0.0100", "99999.97", cl_ord_id="1"), "r1")
        await passed(lambda: exchange.counters.requests["ws-api order:new"] == 1)
        await client.step(1_000)
        assert (await client.order("sell", "0.0100", "100000.02", cl_ord_id="2"))[0] == 200
        await client.step(4_000)
        await client.post("/api/cancel_orders", {"cl_ord_id_list": ["1", "2"]})
        await client.step(1_000)
        sent = exchange.counters.frames_sent
        await passed(lambda: len(client.stream.texts) + len(client.api.texts) == sent)
        texts = client.stream.texts, client.api.texts
        await client.stream.close()
        await client.api.close()
        return texts


async def passed(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def test_same_seed_same_bytes() -> None:
    """Two runs with the same seed and commands put the same bytes on every socket; another seed orders them anew."""
    stream, api = await session(3)
    assert (stream, api) == await session(3)
    for channel in ("price", "depth_book", "public_trade", "order", "trade", "position", "balance"):
        assert any(f'"channel":"{channel}"' in text for text in stream), channel
    other, _ = await session(4)
    assert other != stream


async def test_score_of_the_control_api() -> None:
    """The in-band figures equal the hand-worked ones: bid 4 s, ask 2 s, both 2 s, of 4.75 s alive and 5 s."""
    market = ScriptedMarket(quiet_book(), heartbeat_ns=250 * MS)
    async with served(scripted=market, manual=True) as client:
        start_ms = (await client.control("state"))["venue_ms"]
        await client.step(1_000)
        await client.order("buy", "0.01", "99950", cl_ord_id="bid")
        await client.step(1_000)
        await client.order("sell", "0.01", "100050", cl_ord_id="ask")
        await client.step(2_000)
        await client.post("/api/cancel_order", {"cl_ord_id": "ask"})
        await client.step(1_000)
        score = await client.control(f"accounts/demo/score?since_ms={start_ms}&band_bps=10")
        assert (score["bid_s"], score["ask_s"], score["two_sided_s"]) == (4.0, 2.0, 2.0)
        assert (score["alive_s"], score["span_s"]) == (4.75, 5.0)
        assert score["two_sided_frac"] == pytest.approx(2 / 4.75)
        assert score["strict_frac"] == pytest.approx(2 / 5)
        assert score["cancels_per_minute"] == pytest.approx(60 / 4.75)
        narrow = await client.control("accounts/demo/score?band_bps=4")
        assert narrow["bid_s"] == 0.0
        rows = await client.control("accounts/demo/orders")
        assert [(row["side"], row["price"], row["qty"]) for row in rows] == [
            ("buy", "99950.00", "0.0100"),
            ("sell", "100050.00", "0.0100"),
        ]
        assert rows[1]["end_ms"] - rows[1]["start_ms"] == 2_000
        assert [row["is_cancelled"] for row in rows] == [False, True]


async def test_account_of_the_control_api() -> None:
    """Money, counts and net PnL agree with what was traded."""
    async with served([Outside(50 * MS, Side.SELL, None, 100, TimeInForce.IOC)], manual=True) as client:
        await client.order("buy", "0.0100", "99999.00", cl_ord_id="away")
        await client.order("buy", "0.0100", "99999.99", cl_ord_id="near")
        await client.step(100)
        await client.post("/api/cancel_order", {"cl_ord_id": "away"})
        await client.step(100)
        account = await client.control("accounts/demo")
        assert (account["fills"], account["maker_fills"]) == (1, 1)
        assert (account["orders_placed"], account["orders_cancelled"]) == (2, 1)
        assert Decimal(account["fees_paid"]) == Decimal("0.0999999900")
        assert account["open_orders"] == []
        assert account["positions"][0]["qty"] == "0.0100"
        expected = Decimal(account["unrealized_pnl"]) - Decimal(account["fees_paid"])
        assert Decimal(account["net_pnl"]) == expected
        async with client.http.get("/_control/accounts/nobody") as answer:
            assert answer.status == 404


async def test_maker_uptime_of_a_full_hour() -> None:
    """2 BTC a side within the band for a whole hour earn one Maker Hour of tier a."""
    market = ScriptedMarket(quiet_book(), heartbeat_ns=SECOND)
    async with served(scripted=market, manual=True, balance=Decimal(10_000_000), wired=False) as client:
        await client.order("buy", "2", "99950")
        await client.order("sell", "2", "100050")
        await client.handle.exchange.step(3_600 * SECOND)
        hours = (await client.ok("/api/maker/uptime"))["hours"]
        assert hours[0] == {
            "hour": "2026-01-06T02:00:00Z",
            "tier": "tier_a",
            "eligible_hour": 1.0,
            "x70": 2.0,
            "x50": 2.0,
        }


async def test_http_fault_after_acceptance_hides_an_order() -> None:
    """A 502 after acceptance leaves the order alive and queryable; one before leaves nothing."""
    async with served() as client:
        fault = {"name": "http_status", "status": 502, "endpoint": "/api/new_order"}
        await client.control("faults", fault | {"when": "after"})
        assert (await client.order("buy", "0.001", "99990", cl_ord_id="ghost"))[0] == 502
        await client.stream.until(lambda socket: socket.of("order"))
        assert (await client.ok("/api/query_order?cl_ord_id=ghost"))["status"] == "open"
        await client.control("faults", fault | {"when": "before"})
        assert (await client.order("buy", "0.001", "99990", cl_ord_id="never"))[0] == 502
        assert (await client.get("/api/query_order?cl_ord_id=never"))[0] == 404
        assert (await client.order("buy", "0.001", "99990", cl_ord_id="fine"))[0] == 200


async def test_reject_next_and_revoke() -> None:
    """The next order is acknowledged and then refused; a revoked token opens nothing any more."""
    async with served() as client:
        await client.control("faults", {"name": "order_rejected", "count": 1, "message": "balance not enough"})
        frames = await client.api_outcome("order:new", order_body("buy", "0.001", "99990"), "r")
        assert frames[1] == {"code": 400, "message": "balance not enough", "request_id": "r"}
        assert (await client.api_outcome("order:new", order_body("buy", "0.001", "99990"), "s"))[1]["code"] == 0
        await client.control("faults", {"name": "token_revoked", "account": "demo"})
        assert (await client.get("/api/query_balance"))[0] == 401


async def test_dropped_and_silent_sockets() -> None:
    """Dropped sockets end without a close frame; under silence frames are lost and the connection stays."""
    async with served(TAKERS, manual=True) as client:
        await client.subscribe("public_trade")
        await client.step(200)
        seen = len(client.stream.of("public_trade"))
        assert seen == 1
        await client.control("faults", {"name": "silence", "seconds": 1})
        await client.step(900)
        assert len(client.stream.of("public_trade")) == seen
        await client.step(1_000)
        assert len(client.stream.of("public_trade")) > seen
        dropped = await client.control("faults", {"name": "socket_drop", "socket": "stream"})
        assert dropped["affected"] == 1
        await client.stream.ended()
        assert not client.api.socket.closed
        deadline = time.monotonic() + 5
        while (await client.control("state"))["sockets"]["stream"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


async def test_stale_lists() -> None:
    """With the switches a new order is unknown to query_order and a cancelled one still listed, for that long."""
    async with served(manual=True, query_order_lag_ms=500.0, stale_open_orders_ms=800.0) as client:
        await client.order("buy", "0.001", "99990", cl_ord_id="x")
        await client.step(499)
        assert (await client.get("/api/query_order?cl_ord_id=x"))[0] == 404
        await client.step(1)
        assert (await client.get("/api/query_order?cl_ord_id=x"))[0] == 200
        await client.post("/api/cancel_order", {"cl_ord_id": "x"})
        await client.step(700)
        (row,) = (await client.ok("/api/query_open_orders"))["result"]
        assert (row["cl_ord_id"], row["status"]) == ("x", "open")
        assert (await client.ok("/api/query_order?cl_ord_id=x"))["status"] == "canceled"
        await client.step(101)
        assert (await client.ok("/api/query_open_orders"))["result"] == []


async def test_index_and_bad_control_requests() -> None:
    """The index links the account pages; bad control requests are told what is wrong; step needs manual time."""
    async with served(wired=False) as client:
        async with client.http.get("/") as page:
            assert "/_control/accounts/demo/score" in await page.text()
        for path, body, status in (
            ("faults", {"name": "flood"}, 400),
            ("faults", {"name": "silence", "seconds": -1}, 400),
            ("step", {"ms": 5}, 409),
        ):
            async with client.http.post(f"/_control/{path}", json=body) as answer:
                assert answer.status == status, path


async def test_paced_time_runs_at_its_speed() -> None:
    """At speed 50 a venue minute passes in little more than a second of wall time, events included."""
    async with served(TAKERS, speed=50.0) as client:
        start = await client.control("state")
        began = time.monotonic()
        while (now := await client.control("state"))["venue_ms"] < start["venue_ms"] + 60_000:
            assert time.monotonic() < began + 10
            await asyncio.sleep(0.05)
        assert time.monotonic() - began >= 1.15
        assert now["behind_ms"] < 5_000
