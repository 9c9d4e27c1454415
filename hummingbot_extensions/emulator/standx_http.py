"""What all REST endpoints of StandX share: limits, faults, error answers, and the reading of requests."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.emulator.faults.requests import NAMES as HTTP_FAULTS
from hummingbot_extensions.emulator.faults.requests import around
from hummingbot_extensions.emulator.faults.values import Whom
from hummingbot_extensions.emulator.identity import Client
from hummingbot_extensions.emulator.request_signing import (
    SignatureRefused,
    check_signature,
)
from hummingbot_extensions.emulator.signatures import BadToken
from hummingbot_extensions.emulator.standx_requests import BadRequest, parse_iso
from hummingbot_extensions.sim.account import Account
from hummingbot_extensions.sim.venue_values import Refusal

EXCHANGE = web.AppKey("exchange", Exchange)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiError(Exception):
    """An answer other than 200: HTTP status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def error_response(status: int, message: str) -> web.Response:
    return web.json_response({"code": status, "message": message}, status=status)


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Limits, faults and error answers around every venue endpoint; the control API passes untouched."""
    if request.path == "/" or request.path.startswith("/_control"):
        return await handler(request)
    exchange = request.app[EXCHANGE]
    exchange.counters.requests[f"{request.method} {request.path}"] += 1
    if not exchange.limits.take_ip(time.monotonic()):
        return too_many(exchange)
    if exchange.faults.any_of(*HTTP_FAULTS):
        whom = Whom(account=_account(request), endpoint=request.path)
        response = await around(
            exchange.faults, exchange.venue.now_ns, whom, request, lambda: _answered(exchange, request, handler)
        )
    else:
        response = await _answered(exchange, request, handler)
    if response.status == 429:
        exchange.counters.too_many_requests += 1
    return response


def _account(request: web.Request) -> str | None:
    """Whose token the request carries, if it is a good one; only to choose faults by."""
    exchange = request.app[EXCHANGE]
    try:
        return exchange.identity.client(request.headers.get("Authorization", "")[7:], exchange.wall_s()).user
    except BadToken:
        return None


async def _answered(exchange: Exchange, request: web.Request, handler: Handler) -> web.StreamResponse:
    """What the handler answers, with every refusal as the venue words it."""
    try:
        response = await handler(request)
    except ApiError as error:
        response = error_response(error.status, str(error))
    except BadRequest as error:
        response = error_response(400, str(error))
    except SignatureRefused as error:
        exchange.counters.bad_signatures += 1
        response = error_response(error.status, str(error))
    except BadToken as error:
        exchange.counters.bad_tokens += 1
        response = error_response(401, str(error))
    except web.HTTPException as error:
        response = error_response(error.status, error.reason)
    return response


def too_many(exchange: Exchange) -> web.Response:
    exchange.counters.too_many_requests += 1
    return error_response(429, "too many requests")


# Reading requests


def client_of(request: web.Request) -> Client:
    """Holder of the request's token, whose address pays for the request."""
    exchange = request.app[EXCHANGE]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        raise BadToken("missing bearer token")
    client = exchange.enter(token)
    if request.headers.get("x-impersonate"):
        raise ApiError(403, "x-impersonate: this account owns no vault")
    if not exchange.limits.take_address(client.user, time.monotonic()):
        raise ApiError(429, "too many requests")
    exchange.catch_up()
    return client


def json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        raise BadRequest("body: not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("body: must be a JSON object")
    return body


async def signed(request: web.Request) -> tuple[Client, str, dict[str, Any]]:
    """(client, request id, body) of a trading request whose signature holds over its raw bytes."""
    client = client_of(request)
    raw = await request.read()
    request_id = check_signature(request.app[EXCHANGE], client, request.headers, raw)
    return client, request_id, json_object(raw)


def acknowledgement(request_id: str, refusal: Refusal | None = None) -> web.Response:
    if refusal is not None:
        return error_response(refusal.code, refusal.message)
    return web.json_response({"code": 0, "message": "success", "request_id": request_id})


def number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise BadRequest(f"{name}: must be an integer")
    return int(text)


def required(query: Mapping[str, str], name: str) -> int:
    value = number(query, name)
    if value is None:
        raise BadRequest(f"{name}: required")
    return value


def limit(query: Mapping[str, str], default: int, most: int) -> int:
    value = number(query, "limit")
    if value is None:
        return default
    if not 1 <= value <= most:
        raise BadRequest(f"limit: must be 1 to {most}")
    return value


def symbol_of(request: web.Request, is_required: bool = True) -> str | None:
    symbol = request.query.get("symbol")
    if symbol is None:
        if is_required:
            raise BadRequest("symbol: required")
        return None
    if symbol not in request.app[EXCHANGE].venue.specs:
        raise BadRequest(f"symbol: unknown symbol {symbol}")
    return symbol


def named_symbol(request: web.Request) -> str:
    symbol = symbol_of(request)
    assert symbol is not None
    return symbol


def account_of(request: web.Request, client: Client) -> Account:
    return request.app[EXCHANGE].venue.accounts[client.user]


def window(request: web.Request) -> tuple[int, int]:
    """Venue times of the query's ``start`` and ``end``, both inclusive; unbounded where absent."""
    offset_ns, query = request.app[EXCHANGE].offset_ns, request.query
    start = parse_iso(query["start"], "start") - offset_ns if "start" in query else -(2**63)
    end = parse_iso(query["end"], "end") - offset_ns if "end" in query else 2**63
    return start, end
