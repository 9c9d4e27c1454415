"""Trading over real sockets: a scripted client places, is filled, cancels and is refused."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest
from scripted_client import SESSION, order_body, served
from scripted_market import MS, Outside

from hummingbot_extensions.core.types import Side, TimeInForce

IOC = TimeInForce.IOC
pytestmark = pytest.mark.asyncio


async def test_place_fill_cancel() -> None:
    """The whole line: a quote rests, is filled in two steps, a second is cancelled, REST agrees with the streams."""
    script = [Outside(40 * MS, Side.SELL, None, 4, IOC), Outside(80 * MS, Side.SELL, None, 6, IOC)]
    async with served(script, manual=True) as client:
        status, ack = await client.order(
            "buy", "0.0010", "99999.99", cl_ord_id="quote-1", headers={"x-session-id": SESSION}
        )
        assert status == 200 and ack["code"] == 0
        await client.step(30)
        (frame,) = await client.stream.until(lambda socket: socket.of("order"))
        assert (frame["status"], frame["cl_ord_id"], frame["fill_qty"]) == ("open", "quote-1", "0")
        assert client.api.answers(ack["request_id"]) == [
            {"code": 0, "message": "success", "request_id": ack["request_id"]}
        ]
        await client.step(20)
        await client.step(40)
        await client.stream.until(lambda socket: len(socket.of("order")) == 3)
        assert [(row["status"], row["fill_qty"]) for row in client.stream.of("order")[1:]] == [
            ("open", "0.0004"),
            ("filled", "0.0010"),
        ]
        assert [row["qty"] for row in client.stream.of("trade")] == ["0.0004", "0.0006"]
        assert [row["qty"] for row in client.stream.of("position")] == ["0.0004", "0.0010"]
        trades = await client.ok("/api/query_trades?symbol=BTC-USD")
        fees = [Decimal(row["fee_qty"]) for row in trades["result"]]
        assert fees == [Decimal("0.0059999994"), Decimal("0.0039999996")]
        assert (await client.ok("/api/query_order?cl_ord_id=quote-1"))["status"] == "filled"

        await client.order("sell", "0.0010", "100001.00", cl_ord_id="quote-2", reduce_only=True)
        await client.step(10)
        assert [row["cl_ord_id"] for row in (await client.ok("/api/query_open_orders"))["result"]] == ["quote-2"]
        assert (await client.post("/api/cancel_order", {"cl_ord_id": "quote-2"}))[0] == 200
        await client.step(10)
        assert (await client.ok("/api/query_open_orders"))["result"] == []
        assert (await client.ok("/api/query_order?cl_ord_id=quote-2"))["status"] == "canceled"
        assert await client.post("/api/cancel_order", {"cl_ord_id": "quote-2"}) == (
            404,
            {"code": 404, "message": "order not found"},
        )


async def test_alo_rejection_flow() -> None:
    """A crossing post-only order: ACK over REST, rejection on ws-api, nothing on the account stream, 404 on query."""
    async with served(manual=True) as client:
        status, ack = await client.order(
            "buy", "0.001", "100000.05", cl_ord_id="cross", headers={"x-session-id": SESSION}
        )
        assert status == 200
        await client.step(5)
        await client.api.until(lambda socket: socket.answers(ack["request_id"]))
        assert client.api.answers(ack["request_id"]) == [
            {"code": 400, "message": "alo order rejected", "request_id": ack["request_id"]}
        ]
        assert await client.get("/api/query_order?cl_ord_id=cross") == (
            404,
            {"code": 404, "message": "order not found"},
        )
        assert not client.stream.of("order") and not client.stream.of("balance")
        state = await client.control("state")
        assert state["counters"]["order_rejections"] == {"post_only_crossed": 1}


async def test_ws_api_two_frames() -> None:
    """order:new and order:cancel answer accepted, then the terminal frame; a second cancel is refused late."""
    async with served() as client:
        frames = await client.api_outcome("order:new", order_body("buy", "0.001", "99990", cl_ord_id="w"), "new")
        assert frames == [
            {"code": 0, "status": "accepted", "request_id": "new"},
            {"code": 0, "message": "success", "request_id": "new"},
        ]
        crossing = await client.api_outcome("order:new", order_body("buy", "0.001", "100001"), "cross")
        assert crossing[1] == {"code": 400, "message": "alo order rejected", "request_id": "cross"}
        order_id = client.stream.of("order")[0]["id"]
        assert (await client.api_outcome("order:cancel", {"order_id": order_id}, "gone"))[1]["message"] == "success"
        late = await client.api_outcome("order:cancel", {"cl_ord_id": "w"}, "late")
        assert late[1] == {"code": 400, "message": "order already closed", "request_id": "late"}
        unknown = await client.api_outcome("order:cancel", {"order_id": 7}, "unknown")
        assert unknown[1]["message"] == "order not found"


async def test_ws_api_single_frame_mode() -> None:
    """In the form of early 2026 only the terminal frame comes."""
    async with served(two_frames=False) as client:
        await client.api_send("order:new", order_body("buy", "0.001", "99990"), "new")
        await client.api.until(lambda socket: socket.answers("new"))
        assert client.api.answers("new") == [{"code": 0, "message": "success", "request_id": "new"}]


async def test_ws_api_gateway_refusal_is_one_frame() -> None:
    """What the gateway refuses (margin, signature, bad member) gets one frame and no accepted."""
    async with served(balance=Decimal(10)) as client:
        await client.api_send("order:new", order_body("buy", "1", "99990"), "poor")
        await client.api_send("order:new", order_body("buy", "1", "99990"), "unsigned", sign=False)
        await client.api_send("order:new", {"symbol": "BTC-USD"}, "bad")
        await client.api.send({"session_id": SESSION, "request_id": "odd", "method": "order:amend", "params": "{}"})
        await client.api.send("nonsense")
        await client.api.until(lambda socket: socket.frames[-1] == {"code": 400, "message": "invalid request payload"})
        assert client.api.answers("poor") == [{"code": 400, "message": "balance not enough", "request_id": "poor"}]
        assert client.api.answers("unsigned")[0]["code"] == 400
        assert client.api.answers("bad")[0]["message"].startswith("side: ")
        assert client.api.answers("odd")[0]["code"] == 400


async def test_ws_api_needs_login_and_signature() -> None:
    """Commands before login are unauthorized; params altered after signing are refused."""
    async with served() as client:
        text = json.dumps(order_body("buy", "0.001", "99990"))
        header = client.signed(text)
        altered = text.replace("0.001", "0.002")
        frame = {"session_id": SESSION, "method": "order:new", "header": header}
        await client.api.send(frame | {"request_id": "altered", "params": altered})
        await client.api.until(lambda socket: socket.answers("altered"))
        assert client.api.answers("altered") == [
            {"code": 403, "message": "invalid body signature", "request_id": "altered"}
        ]
        async with client.http.ws_connect("/ws-api/v1") as stranger:
            await stranger.send_json(frame | {"request_id": "early", "params": text})
            assert (await stranger.receive_json(timeout=5))["code"] == 401
        assert client.handle.exchange.counters.bad_signatures == 1


async def test_batch_cancel() -> None:
    """cancel_orders takes ids or client ids, cancels what rests, ends in one success frame, and twice is harmless."""
    async with served() as client:
        for number in range(3):
            await client.order("buy", "0.001", f"9999{number}", cl_ord_id=f"b{number}")
        await client.stream.until(lambda socket: len(socket.of("order")) == 3)
        ids = [row["id"] for row in client.stream.of("order")]
        assert (await client.post("/api/cancel_orders", {"order_id_list": ids[:2]}))[0] == 200
        for _ in range(2):
            status, ack = await client.post(
                "/api/cancel_orders", {"cl_ord_id_list": ["b0", "b1", "b2", "nobody"]}, **{"x-session-id": SESSION}
            )
            assert status == 200
            await client.api.until(lambda socket, ack=ack: socket.answers(ack["request_id"]))
            assert [frame["code"] for frame in client.api.answers(ack["request_id"])] == [0]
        assert (await client.ok("/api/query_open_orders"))["total"] == 0
        assert [row["status"] for row in client.stream.of("order")].count("canceled") == 3


async def test_private_channels_have_no_snapshot() -> None:
    """A second connection sees nothing of what already exists, only what changes."""
    async with served() as client:
        await client.order("buy", "0.001", "99990", cl_ord_id="old")
        await client.stream.until(lambda socket: socket.of("order"))
        first = client.stream
        await client.connect()
        await client.order("buy", "0.001", "99991", cl_ord_id="new")
        await client.stream.until(lambda socket: socket.of("order"))
        assert [row["cl_ord_id"] for row in client.stream.of("order")] == ["new"]
        await first.close()


async def test_accounts_are_apart() -> None:
    """Another account sees none of demo's frames or rows and cannot cancel its orders."""
    async with served() as client:
        identity = client.handle.exchange.identity
        other = identity.demo(client.handle.exchange.wall_s(), 60)
        await client.order("buy", "0.001", "99990", cl_ord_id="mine")
        order = (await client.stream.until(lambda socket: socket.of("order")))[0]
        assert other.user == order["user"]
        stranger = client.handle.exchange.venue.open_account("bsc_0xstranger", Decimal(1))
        assert client.handle.exchange.venue.find_order(stranger.user, order["id"], None) is None
        assert client.handle.exchange.venue.find_order(stranger.user, None, "mine") is None


async def test_order_delay_and_feed_delay() -> None:
    """With delays an order executes that long after its acceptance, and each frame leaves that long after its event."""
    async with served(
        manual=True, order_delay_ms=400.0, cancel_delay_ms=300.0, feed_delay_ms=200.0, wired=False
    ) as client:
        task = asyncio.create_task(client.connect())
        while not task.done():
            await client.step(50)
        await task
        await client.order("buy", "0.001", "99990", cl_ord_id="late")
        assert (await client.get("/api/query_order?cl_ord_id=late"))[0] == 404
        await client.step(399)
        assert (await client.get("/api/query_order?cl_ord_id=late"))[0] == 404
        await client.step(1)
        assert (await client.get("/api/query_order?cl_ord_id=late"))[0] == 200
        await client.step(199)
        assert not client.stream.of("order")
        await client.step(1)
        await client.stream.until(lambda socket: socket.of("order"))
        await client.post("/api/cancel_order", {"cl_ord_id": "late"})
        await client.step(299)
        assert (await client.ok("/api/query_order?cl_ord_id=late"))["status"] == "open"
        await client.step(1)
        assert (await client.ok("/api/query_order?cl_ord_id=late"))["status"] == "canceled"
        await client.stream.close()
        await client.api.close()


async def test_reduce_only_over_the_wire() -> None:
    """Reduce-only without a position is refused at once with the field's name; with one it closes to qty 0."""
    async with served() as client:
        status, body = await client.order("sell", "0.01", None, "ioc", reduce_only=True)
        assert status == 400 and body["message"].startswith("reduce_only: ")
        await client.order("buy", "0.01", None, "ioc")
        await client.stream.until(lambda socket: socket.of("position"))
        assert (await client.order("sell", "0.01", None, "gtc", reduce_only=True))[0] == 200
        closed = await client.stream.until(lambda socket: len(socket.of("position")) == 2 and socket.of("position")[1])
        assert (closed["qty"], closed["status"]) == ("0", "closed")
        assert await client.ok("/api/query_positions") == []


async def test_leverage_and_margin_mode() -> None:
    """Leverage is set and read back as a string, out of range is refused; the mode stays while an order is open."""
    async with served() as client:
        assert (await client.post("/api/change_leverage", {"symbol": "BTC-USD", "leverage": 20}))[0] == 200
        config = await client.ok("/api/query_position_config?symbol=BTC-USD")
        assert (config["leverage"], config["margin_mode"]) == ("20", "cross")
        assert (await client.post("/api/change_leverage", {"symbol": "BTC-USD", "leverage": 41}))[0] == 400
        assert (await client.post("/api/change_leverage", {"symbol": "BTC-USD", "leverage": "20"}))[0] == 400
        assert (await client.post("/api/change_margin_mode", {"symbol": "BTC-USD", "margin_mode": "cross"}))[0] == 200
        assert (await client.order("buy", "0.001", "99990"))[0] == 200
        status, body = await client.post("/api/change_margin_mode", {"symbol": "BTC-USD", "margin_mode": "isolated"})
        assert status == 400 and body["message"].startswith("margin_mode: ")


async def test_paging() -> None:
    """Lists come newest first, last_id leads backwards, and the pages together are everything once."""
    async with served(rate_limits=False) as client:
        for number in range(7):
            await client.order("buy", "0.001", f"9999{number}", cl_ord_id=f"p{number}")
        await client.stream.until(lambda socket: len(socket.of("order")) == 7)
        for path in ("query_open_orders", "query_orders"):
            seen: list[str] = []
            last = ""
            while rows := (await client.ok(f"/api/{path}?limit=3{last}"))["result"]:
                seen += [row["cl_ord_id"] for row in rows]
                last = f"&last_id={rows[-1]['id']}"
            assert seen == [f"p{number}" for number in reversed(range(7))]
        assert (await client.ok("/api/query_orders?status=filled"))["total"] == 0
        assert (await client.get("/api/query_orders?limit=501"))[0] == 400
        later = await client.ok("/api/query_orders?start=2099-01-01T00:00:00Z")
        assert later["result"] == []
