"""Binance's USD-M futures protocol as far as Hummingbot's connector speaks it, on loopback, over ``SmallVenue``.

Shapes of replies and frames are those of Binance's documents (developers.binance.com, USDS-margined futures).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from tests.contract.foreign.small_venue import STEP, TICK, Refused, SmallVenue, VenueOrder, VenueTrade

SYMBOL, PAIR = "ETHUSDC", "ETH-USDC"
KEY, SECRET = "key", "secret"  # noqa: S105  known to nobody but this server
BEAT_S = 0.1
POST_ONLY = {
    "code": -5022,
    "msg": "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not "
    "be recorded in the order history"}
NO_ORDER = {"code": -2013, "msg": "Order does not exist."}
UNKNOWN_ORDER = {"code": -2011, "msg": "Unknown order sent."}
OVERLOADED = {"code": -1000, "msg": "Unknown error, please check your request or try again later."}


class BinanceServer:
    """``faults`` befall the next placements: "drop" ends the connection, "overloaded" answers 503; with each, whether
    the order was taken all the same.
    """

    def __init__(self, venue: SmallVenue) -> None:
        self.venue = venue
        self.faults: list[tuple[str, bool]] = []
        self.is_hedged = False
        self.refused_signatures = 0
        self.posts: list[dict[str, str]] = []
        self._private: set[web.WebSocketResponse] = set()
        self._update_id = 1
        self._frames: asyncio.Queue[tuple[VenueOrder, str, VenueTrade | None, Decimal]] = asyncio.Queue()
        venue.tell = self._told

    def app(self) -> web.Application:
        app = web.Application()
        for path, content in {
            "v1/ping": dict, "v1/time": lambda: {"serverTime": int(time.time() * 1000)},
            "v1/exchangeInfo": self._exchange_info, "v1/premiumIndex": self._premium_index, "v1/depth": self._depth,
            "v1/ticker/24hr": lambda: {"symbol": SYMBOL, "lastPrice": str(self.venue.mark)},
        }.items():
            app.router.add_get(f"/fapi/{path}", self._public(content))
        for path, content in {
            "v1/positionSide/dual": lambda: {"dualSidePosition": self.is_hedged}, "v2/account": self._account,
            "v2/positionRisk": self._positions, "v1/income": list, "v1/userTrades": self._user_trades,
        }.items():
            app.router.add_get(f"/fapi/{path}", self._signed(content))
        app.router.add_post("/fapi/v1/leverage", self._signed(lambda: {"symbol": SYMBOL, "leverage": 1}))
        app.router.add_post("/fapi/v1/listenKey", self._public(lambda: {"listenKey": "listen"}))
        app.router.add_post("/fapi/v1/order", self._place)
        app.router.add_get("/fapi/v1/order", self._status)
        app.router.add_delete("/fapi/v1/order", self._cancel)
        app.router.add_get("/public/stream", self._public_stream)
        app.router.add_get("/market/stream", self._market_stream)
        app.router.add_get("/private/ws", self._private_stream)
        return app

    # --- REST ---

    @staticmethod
    def _public(content: Any) -> Any:
        async def answer(_: web.Request) -> web.Response:
            return web.json_response(content())

        return answer

    def _signed(self, content: Any) -> Any:
        async def answer(request: web.Request) -> web.Response:
            await self._arguments(request)
            return web.json_response(content())

        return answer

    async def _arguments(self, request: web.Request) -> dict[str, str]:
        """Arguments of a signed request; 401 when the signature does not hold."""
        text = await request.text() if request.method == "POST" else request.query_string
        arguments = dict(parse_qsl(text))
        signed = urlencode({key: value for key, value in arguments.items() if key != "signature"})
        proof = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if request.headers.get("X-MBX-APIKEY") != KEY or arguments.get("signature") != proof:
            self.refused_signatures += 1
            raise web.HTTPUnauthorized(text='{"code":-1022,"msg":"Signature for this request is not valid."}')
        return arguments

    async def _place(self, request: web.Request) -> web.StreamResponse:
        arguments = await self._arguments(request)
        self.posts.append(arguments)
        kind, is_taken = self.faults.pop(0) if self.faults else ("", True)
        if is_taken:
            try:
                order = self.venue.place(
                    arguments["newClientOrderId"], arguments["side"], Decimal(arguments["price"]),
                    Decimal(arguments["quantity"]), arguments["timeInForce"] == "GTX",
                    arguments.get("reduceOnly") == "true")
            except Refused:
                return web.json_response(POST_ONLY, status=400)
        if kind == "overloaded":
            return web.json_response(OVERLOADED, status=503)
        if kind == "drop":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return web.json_response(self._order(order))

    async def _status(self, request: web.Request) -> web.Response:
        order = self.venue.orders.get((await self._arguments(request))["origClientOrderId"])
        return web.json_response(NO_ORDER, status=400) if order is None else web.json_response(self._order(order))

    async def _cancel(self, request: web.Request) -> web.Response:
        try:
            order = self.venue.cancel((await self._arguments(request))["origClientOrderId"])
        except Refused:
            return web.json_response(UNKNOWN_ORDER, status=400)
        return web.json_response(self._order(order))

    @staticmethod
    def _order(order: VenueOrder) -> dict[str, Any]:
        return {
            "symbol": SYMBOL, "clientOrderId": order.client_id, "orderId": order.order_id, "status": order.state,
            "side": order.side, "price": str(order.price), "origQty": str(order.size),
            "executedQty": str(order.filled), "updateTime": int(time.time() * 1000)}

    @staticmethod
    def _exchange_info() -> dict[str, Any]:
        return {"symbols": [{
            "symbol": SYMBOL, "pair": SYMBOL, "contractType": "PERPETUAL", "status": "TRADING", "baseAsset": "ETH",
            "quoteAsset": "USDC", "marginAsset": "USDC", "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": str(TICK)},
                {"filterType": "LOT_SIZE", "minQty": str(STEP), "stepSize": str(STEP)},
                {"filterType": "MIN_NOTIONAL", "notional": "20"}]}]}

    def _premium_index(self) -> dict[str, Any]:
        return {
            "symbol": SYMBOL, "markPrice": str(self.venue.mark), "indexPrice": str(self.venue.mark),
            "lastFundingRate": "0.0001", "nextFundingTime": int((time.time() + 3600) * 1000)}

    def _depth(self) -> dict[str, Any]:
        return {"lastUpdateId": self._update_id, "bids": [[str(self.venue.bid), "5"]],
                "asks": [[str(self.venue.ask), "5"]]}

    def _account(self) -> dict[str, Any]:
        balance = str(self.venue.balance)
        return {"assets": [{"asset": "USDC", "walletBalance": balance, "availableBalance": balance}]}

    def _positions(self) -> list[dict[str, Any]]:
        return [{
            "symbol": SYMBOL, "positionSide": "BOTH", "positionAmt": str(self.venue.position), "leverage": "1",
            "entryPrice": str(self.venue.mark), "unRealizedProfit": "0"}]

    def _user_trades(self) -> list[dict[str, Any]]:
        return [{
            "symbol": SYMBOL, "id": trade.trade_id, "orderId": trade.order.order_id, "side": trade.order.side,
            "price": str(trade.price), "qty": str(trade.size), "quoteQty": str(trade.price * trade.size),
            "commission": str(trade.fee), "commissionAsset": "USDC", "time": int(trade.at_s * 1000),
            "positionSide": "BOTH", "maker": True} for trade in self.venue.trades]

    # --- streams ---

    async def _opened(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    async def _public_stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = await self._opened(request)
        shown: tuple[Decimal, Decimal] | None = None
        while not socket.closed:
            before, self._update_id = self._update_id, self._update_id + 1
            bid, ask = self.venue.bid, self.venue.ask
            gone = shown if shown is not None and shown != (bid, ask) else None
            shown = (bid, ask)
            await self._send(socket, {"stream": f"{SYMBOL.lower()}@depth", "data": {
                "e": "depthUpdate", "s": SYMBOL, "U": before + 1, "u": self._update_id, "pu": before,
                "b": [*([[str(gone[0]), "0"]] if gone else []), [str(bid), "5"]],
                "a": [*([[str(gone[1]), "0"]] if gone else []), [str(ask), "5"]]}})
            await asyncio.sleep(BEAT_S)
        return socket

    async def _market_stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = await self._opened(request)
        while not socket.closed:
            # The index moves a little from frame to frame.
            index = self.venue.mark + Decimal(self._update_id) / 10**6
            await self._send(socket, {"stream": f"{SYMBOL.lower()}@markPrice", "data": {
                "e": "markPriceUpdate", "s": SYMBOL, "p": str(self.venue.mark), "i": str(index), "r": "0.0001",
                "T": int((time.time() + 3600) * 1000)}})
            await asyncio.sleep(3.0)
        return socket

    @staticmethod
    async def _send(socket: web.WebSocketResponse, frame: dict[str, Any]) -> None:
        try:
            await socket.send_json(frame)
        except ConnectionError:
            await socket.close()

    async def _private_stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = await self._opened(request)
        self._private.add(socket)
        async for _ in socket:
            pass
        self._private.discard(socket)
        return socket

    def _told(self, order: VenueOrder, trade: VenueTrade | None) -> None:
        self._frames.put_nowait((order, order.state, trade, self.venue.position))

    async def pump(self) -> None:
        """Send what happened to the account, until cancelled."""
        while True:
            order, state, trade, position = await self._frames.get()
            now_ms = int(time.time() * 1000)
            update = {
                "s": SYMBOL, "c": order.client_id, "S": order.side, "X": state, "x": "TRADE" if trade else state,
                "i": order.order_id, "q": str(order.size), "p": str(order.price), "z": str(order.filled), "ps": "BOTH",
                "t": trade.trade_id if trade else 0, "T": now_ms, "l": str(trade.size) if trade else "0",
                "L": str(trade.price) if trade else "0"}
            if trade is not None:
                update |= {"n": str(trade.fee), "N": "USDC", "T": int(trade.at_s * 1000)}
            frames: list[dict[str, Any]] = [{"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": now_ms, "o": update}]
            if trade is not None:
                frames.append({"e": "ACCOUNT_UPDATE", "E": now_ms, "T": now_ms, "a": {"m": "ORDER", "B": [], "P": [{
                    "s": SYMBOL, "pa": str(position), "ep": str(order.price), "up": "0", "ps": "BOTH"}]}})
            for socket in list(self._private):
                for frame in frames:
                    await self._send(socket, frame)


@asynccontextmanager
async def binance_server(venue: SmallVenue) -> AsyncIterator[tuple[BinanceServer, str]]:
    """The server and its address, ``host:port``."""
    server = BinanceServer(venue)
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pump = asyncio.create_task(server.pump())
    try:
        host, port = runner.addresses[0][:2]
        yield server, f"{host}:{port}"
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        await runner.cleanup()
