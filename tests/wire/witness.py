"""A small, careful StandX client, written from the client's side of the protocol document alone.

It is a reducer and a transport. ``Ledger`` takes frames and rows in any order, as often as they come, and always ends
at the same books; ``Witness`` talks, and asks again whenever a connection may have swallowed a word. It shares no code
with connector or emulator.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
OVER = ("filled", "canceled", "rejected")
Row = dict[str, Any]


@dataclass
class Ledger:
    """Orders by client id, fills by trade id, latest market. Nothing is ever counted twice."""

    orders: dict[str, Row] = field(default_factory=dict)
    fills: dict[int, Row] = field(default_factory=dict)
    mark: Decimal | None = None
    touch: tuple[Decimal, Decimal] | None = None
    book_frames: int = 0
    price_frames: int = 0

    def order(self, row: Row) -> None:
        """Take the newer of two words on an order: over beats open, more filled beats less."""
        known = self.orders.get(row["cl_ord_id"])
        if known is None or self._rank(row) >= self._rank(known):
            self.orders[row["cl_ord_id"]] = row

    @staticmethod
    def _rank(row: Row) -> tuple[bool, Decimal]:
        return row["status"] in OVER, Decimal(row.get("fill_qty") or "0")

    def fill(self, row: Row) -> None:
        """A fill counts once, by its id; a row with its fee replaces a frame without."""
        if row["id"] not in self.fills or "fee_qty" in row:
            self.fills[row["id"]] = row

    def price(self, data: Row) -> None:
        self.price_frames += 1
        if data["mark_price"] is not None:
            self.mark = Decimal(data["mark_price"])
        if None not in data["spread"]:
            self.touch = Decimal(data["spread"][0]), Decimal(data["spread"][1])

    def book(self, data: Row) -> None:
        bids = [Decimal(price) for price, _ in data["bids"]]
        asks = [Decimal(price) for price, _ in data["asks"]]
        assert max(bids) <= min(asks), "a shown book may be locked, never crossed"
        self.book_frames += 1

    def position(self) -> Decimal:
        return sum((Decimal(f["qty"]) * (1 if f["side"] == "buy" else -1) for f in self.fills.values()), Decimal(0))

    def open_orders(self) -> set[str]:
        return {name for name, row in self.orders.items() if row["status"] not in OVER}


@dataclass
class Line:
    """One WebSocket with its reader; ``over`` once the other side is gone."""

    socket: aiohttp.ClientWebSocketResponse
    reader: asyncio.Task[None]

    @property
    def over(self) -> bool:
        return self.reader.done()

    async def close(self) -> None:
        await self.socket.close()
        await self.reader


class Witness:
    """The client. Money is in Decimal, ids are the venue's, silence means unknown."""

    def __init__(self, http: aiohttp.ClientSession, token: str, seed_base58: str, symbol: str) -> None:
        number = 0
        for character in seed_base58:
            number = number * 58 + BASE58.index(character)
        self._key = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32))
        self._http = http
        self._token = token
        self._symbol = symbol
        self._session_id = str(uuid.uuid4())
        self._answers: dict[str, asyncio.Queue[Row]] = {}
        self._lines: dict[str, Line] = {}
        self.ledger = Ledger()
        self.unknown: set[str] = set()
        """Client ids whose last command has no final word yet."""
        self.rejected: dict[str, str] = {}
        self.reconnects = {"market": 0, "account": 0, "orders": 0}

    # Lines

    async def connect(self) -> None:
        for name in ("market", "account", "orders"):
            await self._open(name)
        await self.bootstrap()

    async def close(self) -> None:
        for line in self._lines.values():
            await line.close()

    async def mend(self) -> None:
        """Open again what has ended; afterwards ask for everything that may have been missed."""
        ended = [name for name, line in self._lines.items() if line.over]
        for name in ended:
            await self._lines[name].close()
            self.reconnects[name] += 1
            await self._open(name)
        if set(ended) - {"market"}:
            await self.bootstrap()

    async def _open(self, name: str) -> None:
        path = "/ws-api/v1" if name == "orders" else "/ws-stream/v1"
        socket = await self._http.ws_connect(path, heartbeat=None)
        hear = self._hear_answer if name == "orders" else self._hear_stream
        self._lines[name] = Line(socket, asyncio.create_task(self._read(socket, hear)))
        if name == "orders":
            await self._command("auth:login", {"token": self._token}, None)
        elif name == "market":
            for channel in ("price", "depth_book"):
                await socket.send_json({"subscribe": {"channel": channel, "symbol": self._symbol}})
        else:
            streams = [{"channel": "order"}, {"channel": "trade"}]
            await socket.send_json({"auth": {"token": self._token, "streams": streams}})

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, hear: Callable[[Row], None]) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                hear(json.loads(message.data))

    def _hear_stream(self, frame: Row) -> None:
        ledger = self.ledger
        hear: dict[str, Callable[[Row], None]] = {
            "order": ledger.order,
            "trade": ledger.fill,
            "price": ledger.price,
            "depth_book": ledger.book,
        }
        if frame.get("channel") == "auth":
            assert frame["data"]["code"] in (0, 200)
        elif frame.get("channel") in hear:
            hear[frame["channel"]](frame["data"])

    def _hear_answer(self, frame: Row) -> None:
        waiting = self._answers.get(frame.get("request_id", ""))
        if waiting is not None:
            waiting.put_nowait(frame)

    # Words

    def _signed(self, body: str) -> dict[str, str]:
        request_id, stamp = str(uuid.uuid4()), str(int(time.time() * 1000))
        signature = self._key.sign(f"v1,{request_id},{stamp},{body}".encode())
        return {
            "x-request-sign-version": "v1",
            "x-request-id": request_id,
            "x-request-timestamp": stamp,
            "x-request-signature": base64.b64encode(signature).decode(),
        }

    async def _command(self, method: str, params: Row, client_id: str | None) -> str:
        """Send a command and wait until it is accepted or refused; its request id, empty if the line ended."""
        request_id, text = str(uuid.uuid4()), json.dumps(params)
        frame = {"session_id": self._session_id, "request_id": request_id, "method": method, "params": text}
        if client_id is not None:
            frame["header"] = self._signed(text)
            self.unknown.add(client_id)
        self._answers[request_id] = asyncio.Queue()
        try:
            await self._lines["orders"].socket.send_json(frame)
        except ConnectionError:
            return ""
        first = await self._answer(request_id)
        if first is None:
            return ""
        if first.get("status") != "accepted":
            self._settled(client_id, first)
        return request_id

    async def _answer(self, request_id: str) -> Row | None:
        """Next frame for this request; None when the line ended without one."""
        line, waiting = self._lines["orders"], self._answers[request_id]
        get = asyncio.ensure_future(waiting.get())
        await asyncio.wait({get, line.reader}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        if get.done():
            return get.result()
        get.cancel()
        assert line.over, "no answer on a line that is up"
        return None

    def _settled(self, client_id: str | None, frame: Row) -> None:
        if client_id is None:
            assert frame["code"] in (0, 200), frame
            return
        self.unknown.discard(client_id)
        if frame["code"] != 0:
            self.rejected[client_id] = frame["message"]

    async def place(self, client_id: str, side: str, qty: str, price: str, tif: str = "alo") -> str:
        body = {"symbol": self._symbol, "side": side, "order_type": "limit", "qty": qty, "price": price}
        more = {"time_in_force": tif, "reduce_only": False, "cl_ord_id": client_id}
        return await self._command("order:new", body | more, client_id)

    async def cancel(self, client_id: str) -> str:
        return await self._command("order:cancel", {"cl_ord_id": client_id}, client_id)

    async def final_words(self, requests: dict[str, str]) -> None:
        """Wait for the terminal frames of ``requests`` (request id by client id); a line that ends leaves unknowns."""
        for client_id, request_id in requests.items():
            if request_id and client_id in self.unknown:
                frame = await self._answer(request_id)
                if frame is not None:
                    self._settled(client_id, frame)
            self._answers.pop(request_id, None)

    # Questions

    async def get(self, path: str, **query: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._http.get(f"/api/{path}", params=query, headers=headers) as reply:
            return reply.status, await reply.json()

    async def bootstrap(self) -> None:
        """Open orders and fills by REST: nothing is replayed on the streams."""
        status, page = await self.get("query_open_orders", symbol=self._symbol)
        assert status == 200
        for row in page["result"]:
            self.ledger.order(row)
        listed = {row["cl_ord_id"] for row in page["result"]}
        for client_id in (self.ledger.open_orders() | self.unknown) - listed:
            await self.ask(client_id)
        await self.read_fills()

    async def ask(self, client_id: str) -> None:
        """What the venue says about one order; not found means that it never came to be."""
        status, row = await self.get("query_order", cl_ord_id=client_id)
        if status == 200:
            self.ledger.order(row)
        else:
            assert status == 404 and client_id not in self.ledger.orders, (status, client_id)
        self.unknown.discard(client_id)

    async def read_fills(self) -> None:
        """Every fill with its fee, newest page first, back to the last known with a fee."""
        fills = self.ledger.fills
        await self._pages("query_trades", self.ledger.fill, lambda row: "fee_qty" in fills.get(row["id"], {}))

    async def funding(self) -> Decimal:
        rows: list[Row] = []
        await self._pages("query_funding_history", rows.append, lambda row: False)
        return sum((Decimal(row["qty"]) for row in rows), Decimal(0))

    async def _pages(self, path: str, take: Callable[[Row], None], is_known: Callable[[Row], bool]) -> None:
        last: dict[str, Any] = {}
        while True:
            status, answer = await self.get(path, symbol=self._symbol, limit=500, **last)
            assert status == 200
            rows = answer["result"] if isinstance(answer, dict) else answer
            fresh = [row for row in rows if not is_known(row)]
            for row in fresh:
                take(row)
            if len(fresh) < 500:
                return
            last = {"last_id": rows[-1]["id"]}
