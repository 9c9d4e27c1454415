"""One WebSocket of the emulator: outbox, writer, heartbeat. What a frame means is the business of ``standx_ws``.

Every outbound text frame passes the outbox, which holds it for the configured delay and keeps the order; faults may
lose, change, repeat or delay it on its way in, and silence loses it on its way out.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from aiohttp import WSMsgType, web

from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.emulator.faults.frames import Outgoing, shaped
from hummingbot_extensions.emulator.faults.values import Whom
from hummingbot_extensions.emulator.identity import Client

PONG_TIMEOUT = {"code": 408, "message": "disconnecting due to not receive Pong within 5 minute period"}
MAX_WAITING_FRAMES = 20_000
SECOND_NS = 1_000_000_000
CLOSE_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class CloseWith:
    """Stands in the queue where the connection is to be closed, behind the frames before it."""

    code: int
    reason: bytes = b""


class Session:
    """One connection. Subclasses say what a text frame means."""

    kind: ClassVar[str]
    """``stream`` or ``api``, the name by which faults choose."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.socket = web.WebSocketResponse(autoping=False, max_msg_size=1 << 20, timeout=CLOSE_TIMEOUT_S)
        self.client: Client | None = None
        self._held: list[tuple[int, int, Outgoing]] = []
        self._queued = 0
        self._kept: Outgoing | None = None
        self._last_due_ns = 0
        self._opened_ns = 0
        self._is_closing = False
        self._unwritten = 0
        self._written = asyncio.Event()
        self._written.set()
        self._transport: asyncio.BaseTransport | None = None
        self._ready: asyncio.Queue[str | CloseWith] = asyncio.Queue()
        self._last_pong_s = time.monotonic()

    async def run(self, request: web.Request) -> web.WebSocketResponse:
        """Serve the connection until either side ends it."""
        self._transport = request.transport
        await self.socket.prepare(request)
        self._opened_ns = self.exchange.venue.now_ns
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

    def whom(self, channel: str, symbol: str | None = None) -> Whom:
        """This connection as faults see it when it carries a frame of ``channel``."""
        account = self.client.user if self.client is not None else None
        return Whom(account=account, socket=self.kind, channel=channel, symbol=symbol)

    # Frames

    def send(self, frame: Any, ts_ns: int | None = None, channel: str = "error", extra_ns: int = 0) -> None:
        """Send one frame about something that happened at ``ts_ns``, now if None."""
        self.send_text(Outgoing(wire.compact(frame), channel, None, extra_ns), ts_ns)

    def send_text(self, frame: Outgoing, ts_ns: int | None = None) -> None:
        faults, now_ns = self.exchange.faults, self.exchange.venue.now_ns
        since_ns = now_ns if ts_ns is None else ts_ns
        self._last_due_ns = max(self._last_due_ns, since_ns + self.exchange.delays.feed.delay_ns(since_ns))
        whom = self.whom(frame.channel, frame.symbol)
        for made in shaped(faults, now_ns, whom, frame):
            if self._kept is None and faults.take("frame_reorder", now_ns, whom) is not None:
                self._kept = made
                continue
            self._hold(made)
            if self._kept is not None:
                overtaken, self._kept = self._kept, None
                self._hold(replace(overtaken, extra_ns=max(overtaken.extra_ns, made.extra_ns)))

    def _hold(self, frame: Outgoing) -> None:
        self._queued += 1
        heapq.heappush(self._held, (self._last_due_ns + frame.extra_ns, self._queued, frame))

    def flush(self, now_ns: int) -> None:
        """Pass on every frame whose delay is over; silence loses it instead. Closes a connection that is too old."""
        faults = self.exchange.faults
        while self._held and self._held[0][0] <= now_ns:
            _, _, frame = heapq.heappop(self._held)
            if self.socket.closed or faults.take("silence", now_ns, self.whom(frame.channel, frame.symbol)) is not None:
                continue
            self._unwritten += 1
            self._written.clear()
            self._ready.put_nowait(frame.text)
        if now_ns - self._opened_ns >= self.exchange.config.max_connection_s * SECOND_NS:
            self.close_with(1000, b"connection is 24 h old")

    def next_due_ns(self) -> int | None:
        return self._held[0][0] if self._held else None

    async def drained(self) -> None:
        """Wait until every frame that is due has been written, or the socket is gone."""
        if not self.socket.closed:
            await self._written.wait()

    # Ends

    async def close(self) -> None:
        await self.socket.close()

    def close_with(self, code: int, reason: bytes = b"") -> None:
        """Close behind what is already on its way."""
        if not self._is_closing:
            self._is_closing = True
            self._ready.put_nowait(CloseWith(code, reason))

    def drop(self) -> None:
        """Cut the connection without a word, as a broken network does."""
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    async def _write(self) -> None:
        try:
            while True:
                text = await self._ready.get()
                if isinstance(text, CloseWith):
                    await self.socket.close(code=text.code, message=text.reason)
                    return
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
        """Ping every 10 s of wall time; close after five minutes without a pong."""
        config = self.exchange.config
        while True:
            await asyncio.sleep(config.ping_every_s)
            if time.monotonic() - self._last_pong_s > config.pong_timeout_s:
                await self.socket.send_str(wire.compact(PONG_TIMEOUT))
                await self.socket.close()
                return
            try:
                await self.socket.ping()
            except ConnectionResetError:
                return
