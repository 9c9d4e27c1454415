"""The two WebSockets of StandX, protocol section 4: ws-stream (market and account data) and ws-api (order entry).

Every outbound text frame passes the connection's outbox, which holds it for the configured delay and keeps the order.
Choices where the protocol is silent: candles come on the price beat; a subscription to depth_book or price is answered
at once with the latest frame; an unknown channel is an invalid payload and an unknown symbol is refused by name; of
several ws-api sockets with one session id the latest login receives what REST orders cause.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from hummingbot_extensions.emulator import standx_requests as requests
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.candles import RESOLUTIONS_S
from hummingbot_extensions.emulator.exchange import MS, Exchange, ReplyTo
from hummingbot_extensions.emulator.identity import Client
from hummingbot_extensions.emulator.request_signing import (
    SignatureRefused,
    check_signature,
)
from hummingbot_extensions.emulator.signatures import BadToken
from hummingbot_extensions.emulator.standx_requests import BadRequest

PUBLIC = ("price", "depth_book", "public_trade")
PRIVATE = ("order", "position", "balance", "trade")
INVALID_PAYLOAD = {"code": 400, "message": "invalid request payload"}
PONG_TIMEOUT = {"code": 408, "message": "disconnecting due to not receive Pong within 5 minute period"}
MAX_WAITING_FRAMES = 20_000


class Session:
    """One WebSocket: outbox, writer, heartbeat. Subclasses say what a text frame means."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.socket = web.WebSocketResponse(autoping=False, max_msg_size=1 << 20)
        self.client: Client | None = None
        self._held: deque[tuple[int, str]] = deque()
        self._last_due_ns = 0
        self._unwritten = 0
        self._written = asyncio.Event()
        self._written.set()
        self._transport: asyncio.BaseTransport | None = None
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._last_pong_s = time.monotonic()

    async def run(self, request: web.Request) -> web.WebSocketResponse:
        """Serve the connection until either side ends it."""
        self._transport = request.transport
        await self.socket.prepare(request)
        self.opened()
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._beat())]
        try:
            async for message in self.socket:
                if message.type is WSMsgType.TEXT:
                    self.exchange.catch_up()
                    self.received(message.data)
                    self.exchange.flush()
                elif message.type is WSMsgType.PING:
                    await self.socket.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    self._last_pong_s = time.monotonic()
        finally:
            self.closed()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._written.set()
        return self.socket

    def opened(self) -> None:
        raise NotImplementedError

    def closed(self) -> None:
        raise NotImplementedError

    def received(self, text: str) -> None:
        raise NotImplementedError

    def send(self, frame: Any, ts_ns: int | None = None) -> None:
        """Send one frame about something that happened at ``ts_ns``, now if None."""
        self.send_text(wire.compact(frame), ts_ns)

    def send_text(self, text: str, ts_ns: int | None = None) -> None:
        since_ns = self.exchange.venue.now_ns if ts_ns is None else ts_ns
        self._last_due_ns = max(self._last_due_ns, since_ns + int(self.exchange.config.feed_delay_ms * MS))
        self._held.append((self._last_due_ns, text))

    def flush(self, now_ns: int) -> None:
        """Pass on every frame whose delay is over; silence loses it instead."""
        silent = now_ns < self.exchange.faults.silent_until_ns
        while self._held and self._held[0][0] <= now_ns:
            _, text = self._held.popleft()
            if not silent and not self.socket.closed:
                self._unwritten += 1
                self._written.clear()
                self._ready.put_nowait(text)

    def next_due_ns(self) -> int | None:
        return self._held[0][0] if self._held else None

    async def drained(self) -> None:
        """Wait until every frame that is due has been written, or the socket is gone."""
        if not self.socket.closed:
            await self._written.wait()

    async def close(self) -> None:
        await self.socket.close()

    def drop(self) -> None:
        """Cut the connection without a word, as a broken network does."""
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    async def _write(self) -> None:
        try:
            while True:
                text = await self._ready.get()
                if self._ready.qsize() > MAX_WAITING_FRAMES:
                    await self.socket.close(code=1008, message=b"slow consumer")
                    return
                await self.socket.send_str(text)
                self.exchange.counters.frames_sent += 1
                self._unwritten -= 1
                if not self._unwritten:
                    self._written.set()
        except ConnectionResetError:
            return  # the reader sees the end of the connection and ends the session
        finally:
            self._written.set()

    async def _beat(self) -> None:
        """Ping every 10 s; close after five minutes without a pong or at the age limit."""
        config = self.exchange.config
        opened_s = time.monotonic()
        while True:
            left_s = config.max_connection_s + opened_s - time.monotonic()
            await asyncio.sleep(min(config.ping_every_s, max(0.0, left_s)))
            now_s = time.monotonic()
            if now_s - self._last_pong_s > config.pong_timeout_s:
                await self.socket.send_str(wire.compact(PONG_TIMEOUT))
                await self.socket.close()
                return
            if now_s - opened_s >= config.max_connection_s:
                await self.socket.close()
                return
            try:
                await self.socket.ping()
            except ConnectionResetError:
                return


class StreamSession(Session):
    """ws-stream: one sequence number per connection, public and private channels, no snapshots of private ones."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._seq = 0
        self._public: set[tuple[str, str]] = set()
        self._private: set[str] = set()
        self._klines: set[tuple[str, str]] = set()

    def opened(self) -> None:
        self.exchange.streams.append(self)

    def closed(self) -> None:
        self.exchange.streams.remove(self)

    def received(self, text: str) -> None:
        request = _object(text)
        if request is None or len(request) != 1:
            self.send(INVALID_PAYLOAD)
            return
        name, body = next(iter(request.items()))
        if not isinstance(body, dict):
            self.send(INVALID_PAYLOAD)
        elif name == "auth":
            self._authenticate(body)
        elif name == "subscribe":
            self._subscribe(body)
        elif name == "unsubscribe":
            self._public.discard((str(body.get("channel")), str(body.get("symbol"))))
            self._klines.discard((str(body.get("symbol")), str(body.get("interval"))))
            self._private.discard(str(body.get("channel")))
        else:
            self.send(INVALID_PAYLOAD)

    def _authenticate(self, body: dict[str, Any]) -> None:
        streams = body.get("streams", [])
        if not isinstance(body.get("token"), str) or not isinstance(streams, list):
            self.send(INVALID_PAYLOAD)
            return
        try:
            self.client = self.exchange.enter(body["token"])
        except BadToken:
            self.exchange.counters.bad_tokens += 1
            self.send_enveloped("auth", None, '{"code":401,"msg":"invalid token"}')
            return
        self.send_enveloped("auth", None, '{"code":200,"msg":"success"}')
        for stream in streams:
            if isinstance(stream, dict):
                self._subscribe(stream)
            else:
                self.send(INVALID_PAYLOAD)

    def _subscribe(self, body: dict[str, Any]) -> None:
        channel = body.get("channel")
        if channel in PRIVATE:
            if self.client is None:
                self.send({"code": 401, "message": "unauthorized"})
            else:
                self._private.add(channel)
            return
        symbol = body.get("symbol")
        if channel == "kline" and isinstance(symbol, str) and body.get("interval") in RESOLUTIONS_S:
            self._subscribe_kline(symbol, body["interval"])
            return
        if channel not in PUBLIC or not isinstance(symbol, str):
            self.send(INVALID_PAYLOAD)
            return
        if symbol not in self.exchange.venue.specs:
            self.send({"code": 400, "message": f"symbol: unknown symbol {symbol}"})
            return
        self._public.add((channel, symbol))
        latest = self._latest(channel, symbol)
        if latest is not None:
            self.send_enveloped(channel, symbol, latest)

    def _subscribe_kline(self, symbol: str, interval: str) -> None:
        if symbol not in self.exchange.venue.specs:
            self.send({"code": 400, "message": f"symbol: unknown symbol {symbol}"})
            return
        self._klines.add((symbol, interval))
        self.send_klines(symbol)

    def send_klines(self, symbol: str, ts_ns: int | None = None) -> None:
        """Send the running candle of each interval subscribed to, once there is one."""
        for named, interval in sorted(self._klines):
            if named == symbol:
                data = self.exchange.running_candle(symbol, interval)
                if data:
                    self._seq += 1
                    envelope = {"seq": self._seq, "channel": "kline", "symbol": symbol, "interval": interval}
                    self.send(envelope | {"data": data}, ts_ns)

    def _latest(self, channel: str, symbol: str) -> str | None:
        exchange = self.exchange
        if channel == "price":
            return wire.compact(exchange.public_data(exchange.venue.price_update(symbol)))
        if channel == "depth_book" and symbol in exchange.books:
            return wire.compact(exchange.public_data(exchange.books[symbol]))
        return None

    def wants(self, channel: str, symbol: str) -> bool:
        return (channel, symbol) in self._public

    def send_private(self, user: str, channel: str, data: str, ts_ns: int) -> None:
        """Send an account payload, already JSON text, if it belongs to this connection's user and subscriptions."""
        if channel in self._private and self.client is not None and self.client.user == user:
            self.send_enveloped(channel, None, data, ts_ns)

    def send_enveloped(self, channel: str, symbol: str | None, data: str, ts_ns: int | None = None) -> None:
        """Send a payload, already JSON text, under the next sequence number."""
        self._seq += 1
        named = f'"symbol":"{symbol}",' if symbol is not None else ""
        self.send_text(f'{{"seq":{self._seq},"channel":"{channel}",{named}"data":{data}}}', ts_ns)


class ApiSession(Session):
    """ws-api: login, order:new, order:cancel, with an accepted and a terminal frame per command."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._session_ids: set[str] = set()

    def opened(self) -> None:
        self.exchange.api_sockets.append(self)

    def closed(self) -> None:
        self.exchange.api_sockets.remove(self)
        for session_id in self._session_ids:
            if self.exchange.api_sessions.get(session_id) is self:
                del self.exchange.api_sessions[session_id]

    def received(self, text: str) -> None:
        request = _object(text)
        if request is None or not isinstance(request.get("request_id"), str):
            self.send(INVALID_PAYLOAD)
            return
        request_id = request["request_id"]
        params = request.get("params")
        body = _object(params) if isinstance(params, str) else None
        method = request.get("method")
        self.exchange.counters.requests[f"ws-api {method}"] += 1
        if body is None or method not in ("auth:login", "order:new", "order:cancel"):
            self.send(INVALID_PAYLOAD | {"request_id": request_id})
            return
        assert isinstance(params, str)
        answer: wire.Wire | None
        try:
            if method == "auth:login":
                answer = self._login(request, body)
            else:
                answer = self._command(method, request, params, body)
        except BadToken:
            self.exchange.counters.bad_tokens += 1
            answer = {"code": 401, "message": "invalid token"}
        except SignatureRefused as error:
            self.exchange.counters.bad_signatures += 1
            answer = {"code": error.status, "message": str(error)}
        except BadRequest as error:
            self.exchange.counters.order_rejections["bad_request"] += 1
            answer = {"code": 400, "message": str(error)}
        if answer is not None:
            self.send(answer | {"request_id": request_id})

    def _login(self, request: dict[str, Any], body: dict[str, Any]) -> wire.Wire:
        session_id, token = request.get("session_id"), body.get("token")
        if not isinstance(session_id, str) or not isinstance(token, str):
            raise BadRequest("session_id and token are required")
        self.client = self.exchange.enter(token)
        self._session_ids.add(session_id)
        self.exchange.api_sessions[session_id] = self
        return {"code": 0, "message": "login success"}

    def _command(self, method: str, request: dict[str, Any], params: str, body: dict[str, Any]) -> wire.Wire | None:
        exchange, client = self.exchange, self.client
        if client is None:
            return {"code": 401, "message": "unauthorized"}
        if not exchange.limits.take_address(client.user, time.monotonic()):
            exchange.counters.too_many_requests += 1
            return {"code": 429, "message": "too many requests"}
        header = request.get("header")
        if not isinstance(header, dict):
            raise BadRequest("header: required object")
        check_signature(exchange, client, {"x-request-sign-version": "v1"} | header, params.encode())
        reply = ReplyTo(client.user, None, request["request_id"], self)
        if method == "order:new":
            refusal = exchange.submit(client, requests.new_order(body), reply)
            if refusal is not None:
                return {"code": refusal.code, "message": refusal.message}
        else:
            exchange.cancel(client, requests.cancel_order(body), reply)
        return {"code": 0, "status": "accepted"} if exchange.config.two_frames else None


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
