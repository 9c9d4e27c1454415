"""Endpoints and rules beside plain trading: isolated margin, TP/SL, wallets, points, ticks, time, and what is shown."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import aiohttp
import pytest
from scripted_client import Wired, served
from scripted_market import MS, SECOND, Outside, ScriptedMarket, quiet_book

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.venue import VenueParams

IOC = TimeInForce.IOC


async def row_of(client: Wired, name: str) -> dict[str, str]:
    return await client.ok(f"/api/query_order?cl_ord_id={name}")


async def test_isolated_margin_moves() -> None:
    """An isolated position holds its own margin, takes more and gives it back; cross ones have none to move."""
    async with served(rate_limits=False) as client:
        add = {"symbol": "BTC-USD", "amount_in": "500.0"}
        assert (await client.post("/api/transfer_margin", add))[0] == 400
        mode = {"symbol": "BTC-USD", "margin_mode": "isolated"}
        assert (await client.post("/api/change_margin_mode", mode))[0] == 200
        await client.order("buy", "0.1", None, "ioc")
        await client.stream.until(lambda socket: socket.of("position"))
        (before,) = await client.ok("/api/query_positions")
        assert (await client.post("/api/transfer_margin", add))[0] == 200
        (after,) = await client.ok("/api/query_positions")
        assert after["margin_mode"] == "isolated"
        assert Decimal(after["holding_margin"]) - Decimal(before["holding_margin"]) == 500
        assert Decimal(after["liq_price"]) < Decimal(before["liq_price"])
        assert Decimal((await client.ok("/api/query_balance"))["isolated_balance"]) > 500
        assert (await client.post("/api/transfer_margin", add | {"amount_in": "-400.0"}))[0] == 200
        for bad in ("-999999", "0", 5, "x"):
            assert (await client.post("/api/transfer_margin", add | {"amount_in": bad}))[0] == 400


async def test_take_profit_and_stop_loss() -> None:
    """A filled order leaves untriggered closers in the list of open orders; the mark fires one and ends the other."""
    script = [Outside(2_000 * MS, Side.SELL, 9_989_000, 5_000), Outside(2_100 * MS, Side.SELL, None, 400_000, IOC)]
    async with served(script, manual=True, rate_limits=False) as client:
        status, body = await client.order(
            "buy", "0.1", None, "ioc", cl_ord_id="entry", tp_price="101000.00", sl_price="99999.00"
        )
        assert status == 200, body
        await client.step(500)
        rows = (await client.ok("/api/query_open_orders"))["result"]
        assert [(row["status"], row["reduce_only"], row["side"]) for row in rows] == [("untriggered", True, "sell")] * 2
        assert {row["payload"]["trigger_price"] for row in rows} == {"101000.00", "99999.00"}
        assert (await row_of(client, "entry"))["payload"] is None
        assert (await client.order("buy", "0.1", "99000.00", sl_price="99500.00"))[0] == 400
        await client.step(200_000)
        states = {row["source"]: row["status"] for row in (await client.ok("/api/query_orders"))["result"]}
        assert states.keys() == {"user", "take_profit", "stop_loss"}


async def test_cash_wallet() -> None:
    """Money moves between wallets as far as there is any; only DUSD; a withdrawal is refused by name."""
    async with served(rate_limits=False) as client:
        for path, amount, status in (
            ("transfer_to_perps", "1000.5", 400),
            ("transfer_to_perps", "1000", 200),
            ("transfer_to_spot", "101000.1", 400),
            ("transfer_to_spot", "101000", 200),
            ("transfer_to_spot", "-5", 400),
        ):
            assert (await client.post(f"/api/{path}", {"amount": amount, "token": "DUSD"}))[0] == status, (path, amount)
        assert (await client.ok("/api/query_balance"))["equity"] == "0"
        status, body = await client.post("/api/transfer_to_perps", {"amount": "1", "token": "USDT"})
        assert (status, body["message"]) == (400, "token: must be DUSD")
        status, body = await client.post("/api/withdraw", {"amount": "1", "chain": "BSC", "token": "DUSD"})
        assert status == 400 and body["message"].startswith("withdraw: ")


async def test_campaign_points() -> None:
    """Points are integers in millionths: a hundred per DUSD of fees, and one per dollar that rests a day."""
    market = ScriptedMarket(quiet_book(), heartbeat_ns=SECOND)
    async with served(scripted=market, manual=True, rate_limits=False) as client:
        await client.order("buy", "0.1000", None, "ioc")
        await client.step(1_000)
        await client.order("buy", "0.1000", "99990.00")
        await client.step(60_000)
        traded = await client.ok("/v1/offchain/trading-campaign/points")
        made = await client.ok("/v1/offchain/maker-campaign/points")
        total = await client.ok("/v1/offchain/perps-campaign/points")
        fees = Decimal((await client.control("accounts/demo"))["fees_paid"])
        assert Decimal(traded["trading_point"]) == fees * 100 * 1_000_000
        assert int(made["maker_point"]) / 1e6 == pytest.approx(0.1 * 99_990 * 60 / 86_400, rel=0.01)
        both = int(traded["trading_point"]) + int(made["maker_point"])
        assert int(total["total_point"]) == pytest.approx(both, abs=1)
        assert (await client.http.get("/v1/offchain/maker-campaign/points")).status == 401


async def test_candles_of_single_prints() -> None:
    """Resolution 1T gives one candle per print."""
    script = [Outside(n * 100 * MS, Side.SELL, None, 10 + n, IOC) for n in range(1, 4)]
    async with served(script, manual=True) as client:
        await client.step(1_000)
        path = "/api/kline/history?symbol=BTC-USD&from=1767664800&to=1767664803&resolution=1T"
        candles = await client.ok(path)
        assert candles["s"] == "ok" and candles["v"] == [0.0011, 0.0012, 0.0013]
        assert (await client.ok(f"{path}&countback=2"))["v"] == [0.0012, 0.0013]


async def test_connection_ends_after_a_day_of_venue_time() -> None:
    """The venue closes a connection 24 hours old, with a close frame, whatever the wall clock says."""
    slow = VenueParams(30 * SECOND, 30 * SECOND, price_every_ns=30 * SECOND, premium_every_ns=30 * SECOND)
    async with served(manual=True, venue=slow) as client:
        await client.handle.exchange.step((86_400 - 1) * SECOND)
        assert not client.stream.socket.closed
        await client.step(1_000)
        await client.stream.ended()
        await client.api.ended()
        assert client.stream.socket.close_code == 1000


async def test_tick_change_over_the_wire() -> None:
    """After the change symbol info states the new tick, off-tick orders are gone and new ones are refused."""
    async with served(manual=True, rate_limits=False) as client:
        await client.order("buy", "0.001", "99990.01", cl_ord_id="off")
        await client.order("buy", "0.001", "99990.10", cl_ord_id="on")
        await client.step(100)
        await client.control("faults", {"name": "tick_change", "price_tick_decimals": 1})
        await client.step(100)
        (info,) = await client.ok("/api/query_symbol_info?symbol=BTC-USD")
        assert (info["price_tick_decimals"], info["depth_ticks"]) == (1, "0.1")
        assert [(await row_of(client, name))["status"] for name in ("off", "on")] == ["canceled", "open"]
        status, body = await client.order("buy", "0.001", "99990.01")
        assert status == 400 and "price tick" in body["message"]
        for body in ({"price_tick_decimals": 3}, {"symbol": "NO-USD"}):
            async with client.http.post("/_control/faults", json={"name": "tick_change"} | body) as answer:
                assert answer.status == 400


async def test_halt_over_the_wire() -> None:
    """During a halt symbol info says so and orders are refused; it ends by itself."""
    async with served(manual=True, rate_limits=False) as client:
        await client.control("faults", {"name": "trading_halt", "seconds": 2})
        (info,) = await client.ok("/api/query_symbol_info?symbol=BTC-USD")
        assert info["status"] == "halted"
        assert (await client.order("buy", "0.001", "99990"))[0] == 400
        await client.step(2_250)
        (info,) = await client.ok("/api/query_symbol_info?symbol=BTC-USD")
        assert info["status"] == "trading"
        assert (await client.order("buy", "0.001", "99990"))[0] == 200


async def test_speed_and_overview() -> None:
    """Speed changes at once and keeps time continuous; the page and its JSON show accounts, orders and books."""
    async with served(rate_limits=False) as client:
        before = await client.control("state")
        await client.control("speed", {"speed": 200})
        await client.order("buy", "0.001", "99990", cl_ord_id="shown & known")
        await asyncio.sleep(0.1)
        assert (await client.control("state"))["venue_ms"] >= before["venue_ms"] + 20_000
        await client.control("speed", {"speed": 1})
        seen = await client.control("overview")
        assert seen["speed"] == 1.0
        assert seen["accounts"]["demo"]["open_orders"][0]["cl_ord_id"] == "shown & known"
        assert seen["books"]["BTC-USD"]["bids"][0] == ["99999.95", "1.0000"]
        async with client.http.get("/") as page:
            text = await page.text()
        assert "shown &amp; known" in text and "99999.95" in text
        async with client.http.post("/_control/speed", json={"speed": 0}) as answer:
            assert answer.status == 400
    async with served(manual=True, wired=False) as client, client.http.post("/_control/speed", json={"speed": 2}) as no:
        assert no.status == 409


async def test_refused_sockets_are_told() -> None:
    """While new sockets are refused their upgrade is answered with the status."""
    async with served(wired=False) as client:
        await client.control("faults", {"name": "socket_refused", "status": 502, "count": 1})
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.http.ws_connect("/ws-stream/v1")
        assert refused.value.status == 502
        async with client.http.ws_connect("/ws-stream/v1") as socket:
            assert not socket.closed
