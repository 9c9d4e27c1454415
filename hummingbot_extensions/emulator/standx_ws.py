"""The two WebSockets of StandX, protocol section 4: ws-stream (market and account data) and ws-api (order entry).

Choices where the protocol is silent: candles come on the price beat; a subscription to depth_book or price is answered
at once with the latest frame; an unknown channel is an invalid payload and an unknown symbol is refused by name; of
several ws-api sockets with one session id the latest login receives what REST orders cause.
"""

from __future__ import annotations

import json
import time
from typing import Any

from hummingbot_extensions.emulator import standx_requests as requests
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.candles import RESOLUTIONS
from hummingbot_extensions.emulator.exchange import Exchange, ReplyTo
from hummingbot_extensions.emulator.faults.frames import Outgoing
from hummingbot_extensions.emulator.faults.outcomes import accepted_frame
from hummingbot_extensions.emulator.request_signing import (
    SignatureRefused,
    check_signature,
)
from hummingbot_extensions.emulator.session import Session
from hummingbot_extensions.emulator.signatures import BadToken
from hummingbot_extensions.emulator.standx_requests import BadRequest

PUBLIC = ("price", "depth_book", "public_trade")
PRIVATE = ("order", "position", "balance", "trade")
INVALID_PAYLOAD = {"code": 400, "message": "invalid request payload"}


class StreamSession(Session):
    """ws-stream: one sequence number per connection, public and private channels, no snapshots of private ones."""

    kind = "stream"

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
        if channel == "kline" and isinstance(symbol, str) and body.get("interval") in RESOLUTIONS:
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
                    seq = self._next_seq("kline")
                    envelope = {"seq": seq, "channel": "kline", "symbol": symbol, "interval": interval}
                    self.send_text(Outgoing(wire.compact(envelope | {"data": data}), "kline", symbol), ts_ns)

    def _latest(self, channel: str, symbol: str) -> str | None:
        exchange = self.exchange
        if channel == "price":
            return wire.compact(exchange.public_data(exchange.venue.price_update(symbol)))
        if channel == "depth_book" and symbol in exchange.books:
            return wire.compact(exchange.public_data(exchange.books[symbol]))
        return None

    def wants(self, channel: str, symbol: str) -> bool:
        return (channel, symbol) in self._public

    def send_private(
        self, user: str, channel: str, symbol: str | None, data: str, ts_ns: int, extra_ns: int = 0
    ) -> None:
        """Send an account payload, already JSON text, if it belongs to this connection's user and subscriptions."""
        if channel in self._private and self.client is not None and self.client.user == user:
            text = f'{{"seq":{self._next_seq(channel)},"channel":"{channel}","data":{data}}}'
            self.send_text(Outgoing(text, channel, symbol, extra_ns), ts_ns)

    def send_enveloped(self, channel: str, symbol: str | None, data: str, ts_ns: int | None = None) -> None:
        """Send a payload, already JSON text, under the next sequence number."""
        named = f'"symbol":"{symbol}",' if symbol is not None else ""
        text = f'{{"seq":{self._next_seq(channel)},"channel":"{channel}",{named}"data":{data}}}'
        self.send_text(Outgoing(text, channel, symbol), ts_ns)

    def _next_seq(self, channel: str) -> int:
        self._seq += 1
        jump = self.exchange.faults.take("seq_jump", self.exchange.venue.now_ns, self.whom(channel))
        if jump is not None:
            self._seq += jump.whole("by")
        return self._seq


class ApiSession(Session):
    """ws-api: login, order:new, order:cancel, with an accepted and a terminal frame per command."""

    kind = "api"

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
        if answer is None:
            return
        channel, late_ns = "login" if method == "auth:login" else "refusal", 0
        if answer.get("status") == "accepted":
            late = accepted_frame(self.exchange.faults, self.exchange.venue.now_ns, self.whom("accepted"))
            if late is None:
                return
            channel, late_ns = "accepted", late
        self.send(answer | {"request_id": request_id}, None, channel, late_ns)

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
