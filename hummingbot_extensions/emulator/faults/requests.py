"""Faults of HTTP requests: around the handler of every venue endpoint, and at the upgrade of a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from hummingbot_extensions.emulator.faults.board import FaultBoard
from hummingbot_extensions.emulator.faults.values import Armed, Whom

NAMES = ("http_status", "http_timeout", "http_reset", "http_slow_body", "http_not_json", "http_short_body")
PAGE = "<html><head><title>{status}</title></head><body><h1>{status}</h1>nginx</body></html>"
PIECES = 8

Answer = Callable[[], Awaitable[web.StreamResponse]]


async def around(
    board: FaultBoard, now_ns: int, whom: Whom, request: web.Request, answer: Answer
) -> web.StreamResponse:
    """The answer of ``answer``, or what the faults armed for this request make of it."""
    met = {name: armed for name in NAMES if (armed := board.take(name, now_ns, whom)) is not None}
    if not met:
        return await answer()
    for name, armed in met.items():
        if name in ("http_status", "http_timeout", "http_reset") and armed.text("when") == "before":
            return await _instead(name, armed, request, "before")
    response = await answer()
    for name, armed in met.items():
        if name in ("http_status", "http_timeout", "http_reset"):
            return await _instead(name, armed, request, "after")
    return await _bad_body(met, request, response)


async def _instead(name: str, armed: Armed, request: web.Request, when: str) -> web.StreamResponse:
    """An error, silence, or the end of the connection in the place of an answer."""
    if name == "http_status":
        status = armed.whole("status")
        text = "too many requests" if status == 429 else f"fault {when} acceptance"
        return web.json_response({"code": status, "message": text}, status=status)
    if name == "http_timeout":
        await asyncio.sleep(armed.number("hold_s"))
    return _cut(request)


async def _bad_body(met: dict[str, Armed], request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The answer with a body that is a page, breaks off, or takes its time."""
    if "http_not_json" in met:
        status = met["http_not_json"].whole("status")
        return web.Response(text=PAGE.format(status=status), status=status, content_type="text/html")
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    out = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    out.content_length = len(body)
    await out.prepare(request)
    if "http_short_body" in met:
        await out.write(body[: len(body) // 2])
        _cut(request)
        return out
    pause_s = met["http_slow_body"].number("hold_s") / PIECES
    size = max(1, -(-len(body) // PIECES))
    for start in range(0, len(body), size):
        await asyncio.sleep(pause_s)
        await out.write(body[start : start + size])
    await out.write_eof()
    return out


def _cut(request: web.Request) -> web.Response:
    """End the connection as a broken network does; what is returned reaches nobody."""
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
    return web.Response(status=500)
