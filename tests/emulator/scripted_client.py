"""A client of the emulator over real sockets, with its own signing: it shares no code with emulator or connector."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from scripted_market import Outside, ScriptedMarket, quiet_book

from hummingbot_extensions.core.program_file import program_rules
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.server import Handle, run_emulator

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CONF = Path(__file__).resolve().parents[2] / "conf" / "programs"
PROGRAMS = [
    program_rules(yaml.safe_load((CONF / f"{name}.yml").read_text(encoding="utf-8")))
    for name in ("standx_uptime_2026-01", "standx_points_2026-01", "standx_sip5a")
]
SESSION = "c4b8b0b2-7f0e-4a53-9d6b-2f7a1f0c9f10"


def seed_of(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + BASE58.index(character)
    return number.to_bytes(32, "big")


class Client:
    """One account's view of a served emulator."""

    def __init__(self, handle: Handle, http: aiohttp.ClientSession, token: str, seed: bytes) -> None:
        self.handle = handle
        self.http = http
        self.token = token
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def signed(self, body: str, **headers: str) -> dict[str, str]:
        request_id, stamp = str(uuid.uuid4()), str(int(time.time() * 1000))
        signature = self._key.sign(f"v1,{request_id},{stamp},{body}".encode())
        return {
            "x-request-sign-version": "v1",
            "x-request-id": request_id,
            "x-request-timestamp": stamp,
            "x-request-signature": base64.b64encode(signature).decode(),
        } | headers

    async def get(self, path: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} | self.signed("")
        async with self.http.get(path, headers=headers) as answer:
            return answer.status, await answer.json()

    async def ok(self, path: str) -> Any:
        status, body = await self.get(path)
        assert status == 200, (path, status, body)
        return body

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        raw = json.dumps(body)
        own = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | self.signed(raw)
        async with self.http.post(path, data=raw, headers=own | headers) as answer:
            return answer.status, await answer.json()

    async def order(self, side: str, qty: str, price: str | None, tif: str = "alo", **more: Any) -> tuple[int, Any]:
        headers = more.pop("headers", {})
        return await self.post("/api/new_order", order_body(side, qty, price, tif, **more), **headers)

    async def control(self, path: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        async with self.http.request(method, f"/_control/{path}", json=body) as answer:
            assert answer.status == 200, (path, answer.status, await answer.text())
            return await answer.json()

    async def step(self, ms: float) -> None:
        await self.control("step", {"ms": ms})


def order_body(side: str, qty: str, price: str | None, tif: str = "alo", **more: Any) -> dict[str, Any]:
    body = {"symbol": "BTC-USD", "side": side, "order_type": "market" if price is None else "limit", "qty": qty}
    if price is not None:
        body["price"] = price
    return body | {"time_in_force": tif, "reduce_only": False} | more


class Socket:
    """A WebSocket whose frames are read in the background, so that a test can wait for the one it means."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.texts: list[str] = []
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.texts.append(message.data)
                self._news.set()
        self._news.set()

    @property
    def frames(self) -> list[Any]:
        return [json.loads(text) for text in self.texts]

    def of(self, channel: str) -> list[Any]:
        return [frame["data"] for frame in self.frames if frame.get("channel") == channel]

    def answers(self, request_id: str) -> list[Any]:
        return [frame for frame in self.frames if frame.get("request_id") == request_id]

    async def until(self, found: Callable[[Socket], Any], timeout_s: float = 5.0) -> Any:
        """First truthy ``found(self)``; TimeoutError shows what came instead."""
        deadline = time.monotonic() + timeout_s
        while not (value := found(self)):
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"not seen in {self.texts[-5:]}")
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), left_s)
            except TimeoutError:
                continue
        return value

    async def send(self, frame: Any) -> None:
        await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def ended(self, timeout_s: float = 5.0) -> None:
        await asyncio.wait_for(asyncio.shield(self._reader), timeout_s)

    async def close(self) -> None:
        await self.socket.close()
        await self._reader


class Wired(Client):
    """A client with both sockets open: logged in on ws-api, account channels and public channels on ws-stream."""

    stream: Socket
    api: Socket

    async def connect(self, channels: Sequence[str] = ("order", "trade", "position", "balance")) -> None:
        self.stream = Socket(await self.http.ws_connect("/ws-stream/v1"))
        self.api = Socket(await self.http.ws_connect("/ws-api/v1"))
        streams = [{"channel": channel} for channel in channels]
        await self.stream.send({"auth": {"token": self.token, "streams": streams}})
        await self.api_send("auth:login", {"token": self.token}, "login")
        await self.stream.until(lambda socket: socket.of("auth"))
        await self.api.until(lambda socket: socket.answers("login"))

    async def api_send(self, method: str, params: Any, request_id: str, sign: bool = True) -> None:
        text = json.dumps(params)
        frame = {"session_id": SESSION, "request_id": request_id, "method": method, "params": text}
        if sign and method != "auth:login":
            header = self.signed(text)
            del header["x-request-sign-version"]
            frame["header"] = header
        await self.api.send(frame)

    async def api_outcome(self, method: str, params: Any, request_id: str) -> list[Any]:
        """Both frames of a command."""
        await self.api_send(method, params, request_id)
        return await self.api.until(lambda socket: len(found := socket.answers(request_id)) >= 2 and found)

    async def subscribe(self, channel: str, symbol: str = "BTC-USD") -> None:
        await self.stream.send({"subscribe": {"channel": channel, "symbol": symbol}})


@asynccontextmanager
async def served(script: Sequence[Outside] = (), wired: bool = True, **config: Any) -> AsyncIterator[Wired]:
    """An emulator over a quiet scripted book, and a client of its account demo. Orders run without delay by default."""
    market = config.pop("scripted", None) or ScriptedMarket([*quiet_book(), *script])
    options = {"order_delay_ms": 0.0, "cancel_delay_ms": 0.0, "balance": Decimal(100_000)} | config
    async with (
        run_emulator(EmulatorConfig(markets={"BTC-USD": market}, **({"programs": PROGRAMS} | options))) as handle,
        aiohttp.ClientSession(handle.url) as http,
    ):
        client = Wired(handle, http, handle.credentials.secret, seed_of(handle.credentials.request_key))
        if wired:
            await client.connect()
        try:
            yield client
        finally:
            if wired:
                await client.stream.close()
                await client.api.close()
        handle.exchange.venue.invariants()
