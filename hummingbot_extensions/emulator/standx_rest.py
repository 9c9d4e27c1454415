"""REST of StandX, protocol section 3: requests in, JSON out. Every host of the venue is served here by path."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from aiohttp import web

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.candles import RESOLUTIONS_S, Candle
from hummingbot_extensions.emulator.exchange import MS, Exchange, ReplyTo
from hummingbot_extensions.emulator.identity import MAX_EXPIRES_S, Chain, Client
from hummingbot_extensions.emulator.maker_uptime import maker_uptime
from hummingbot_extensions.emulator.request_signing import SignatureRefused, check_signature
from hummingbot_extensions.emulator.signatures import BadToken, is_request_key
from hummingbot_extensions.sim.account import Account, Order
from hummingbot_extensions.sim.venue_values import OrderStatus, Refusal

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
        return _too_many(exchange)
    fault = exchange.faults.take_http(request.path)
    if fault is not None and not fault.is_after:
        return error_response(fault.status, "fault before acceptance")
    try:
        response = await handler(request)
    except ApiError as error:
        response = error_response(error.status, str(error))
    except wire.BadRequest as error:
        response = error_response(400, str(error))
    except SignatureRefused as error:
        exchange.counters.bad_signatures += 1
        response = error_response(error.status, str(error))
    except BadToken as error:
        exchange.counters.bad_tokens += 1
        response = error_response(401, str(error))
    except web.HTTPException as error:
        response = error_response(error.status, error.reason)
    if response.status == 429:
        exchange.counters.too_many_requests += 1
    return response if fault is None else error_response(fault.status, "fault after acceptance")


def _too_many(exchange: Exchange) -> web.Response:
    exchange.counters.too_many_requests += 1
    return error_response(429, "too many requests")


# Reading requests


def _client(request: web.Request) -> Client:
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


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        raise wire.BadRequest("body: not JSON") from None
    if not isinstance(body, dict):
        raise wire.BadRequest("body: must be a JSON object")
    return body


async def _signed(request: web.Request) -> tuple[Client, str, dict[str, Any]]:
    """(client, request id, body) of a trading request whose signature holds over its raw bytes."""
    client = _client(request)
    raw = await request.read()
    request_id = check_signature(request.app[EXCHANGE], client, request.headers, raw)
    return client, request_id, _object(raw)


def _ack(request_id: str, refusal: Refusal | None = None) -> web.Response:
    if refusal is not None:
        return error_response(refusal.code, refusal.message)
    return web.json_response({"code": 0, "message": "success", "request_id": request_id})


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise wire.BadRequest(f"{name}: must be an integer")
    return int(text)


def _required(query: Mapping[str, str], name: str) -> int:
    value = _number(query, name)
    if value is None:
        raise wire.BadRequest(f"{name}: required")
    return value


def _limit(query: Mapping[str, str], default: int, most: int) -> int:
    value = _number(query, "limit")
    if value is None:
        return default
    if not 1 <= value <= most:
        raise wire.BadRequest(f"limit: must be 1 to {most}")
    return value


def _symbol(request: web.Request, is_required: bool = True) -> str | None:
    symbol = request.query.get("symbol")
    if symbol is None:
        if is_required:
            raise wire.BadRequest("symbol: required")
        return None
    if symbol not in request.app[EXCHANGE].venue.specs:
        raise wire.BadRequest(f"symbol: unknown symbol {symbol}")
    return symbol


def _named_symbol(request: web.Request) -> str:
    symbol = _symbol(request)
    assert symbol is not None
    return symbol


def _account(request: web.Request, client: Client) -> Account:
    return request.app[EXCHANGE].venue.accounts[client.user]


def _window(request: web.Request) -> tuple[int, int]:
    """Venue times of the query's ``start`` and ``end``, both inclusive; unbounded where absent."""
    offset_ns, query = request.app[EXCHANGE].offset_ns, request.query
    start = wire.parse_iso(query["start"], "start") - offset_ns if "start" in query else -(2**63)
    end = wire.parse_iso(query["end"], "end") - offset_ns if "end" in query else 2**63
    return start, end


# Trading


async def new_order(request: web.Request) -> web.Response:
    client, request_id, body = await _signed(request)
    reply = ReplyTo(client.user, request.headers.get("x-session-id"), request_id)
    try:
        order = wire.new_order(body)
    except wire.BadRequest:
        request.app[EXCHANGE].counters.order_rejections["bad_request"] += 1
        raise
    return _ack(request_id, request.app[EXCHANGE].submit(client, order, reply))


async def cancel_order(request: web.Request) -> web.Response:
    client, request_id, body = await _signed(request)
    exchange, cancel = request.app[EXCHANGE], wire.cancel_order(body)
    order_id = cancel.order_ids[0] if cancel.order_ids else None
    client_id = cancel.client_ids[0] if cancel.client_ids else None
    order = exchange.venue.find_order(client.user, order_id, client_id)
    if order is None or not order.is_live:
        raise ApiError(404, "order not found")
    exchange.cancel(client, cancel, ReplyTo(client.user, request.headers.get("x-session-id"), request_id))
    return _ack(request_id)


async def cancel_orders(request: web.Request) -> web.Response:
    client, request_id, body = await _signed(request)
    reply = ReplyTo(client.user, request.headers.get("x-session-id"), request_id)
    request.app[EXCHANGE].cancel(client, wire.cancel_orders(body), reply)
    return _ack(request_id)


async def change_leverage(request: web.Request) -> web.Response:
    client, request_id, body = await _signed(request)
    leverage = wire.integer(body, "leverage")
    return _ack(request_id, request.app[EXCHANGE].venue.set_leverage(client.user, str(body.get("symbol")), leverage))


async def change_margin_mode(request: web.Request) -> web.Response:
    client, request_id, body = await _signed(request)
    mode = body.get("margin_mode")
    if mode not in ("cross", "isolated"):
        raise wire.BadRequest("margin_mode: must be one of cross, isolated")
    return _ack(request_id, request.app[EXCHANGE].venue.set_margin_mode(client.user, str(body.get("symbol")), mode))


# Own data


async def query_order(request: web.Request) -> web.Response:
    client = _client(request)
    exchange, query = request.app[EXCHANGE], request.query
    order_id = _number(query, "order_id")
    if order_id is None and not query.get("cl_ord_id"):
        raise wire.BadRequest("order_id: order_id or cl_ord_id is required")
    order = exchange.venue.find_order(client.user, order_id, query.get("cl_ord_id"))
    lag_ns = int(exchange.config.query_order_lag_ms * MS)
    if order is None or order.shown_ns is None or exchange.venue.now_ns < order.shown_ns + lag_ns:
        raise ApiError(404, "order not found")
    return web.json_response(_order_object(exchange, client, order))


def _order_object(exchange: Exchange, client: Client, order: Order) -> wire.Wire:
    view = exchange.venue.order_view(client.user, order)
    return wire.order_object(view, exchange.venue.specs[order.symbol], exchange.offset_ns)


def _newest_first(rows: Sequence[Any], last_id: int | None, limit: int) -> list[Any]:
    """The page of ``rows`` (ascending by id) that ends before ``last_id``."""
    return [row for row in reversed(rows) if last_id is None or row.id < last_id][:limit]


async def query_orders(request: web.Request) -> web.Response:
    client = _client(request)
    exchange, query = request.app[EXCHANGE], request.query
    symbol, (start, end) = _symbol(request, False), _window(request)
    rows = [
        order
        for order in _account(request, client).orders.values()
        if order.shown_ns is not None
        and start <= order.created_ns <= end
        and symbol in (None, order.symbol)
        and query.get("status", order.status) == order.status
        and query.get("order_type", order.kind) == order.kind
    ]
    return _order_page(exchange, client, query, rows, 100, 500)


async def query_open_orders(request: web.Request) -> web.Response:
    client = _client(request)
    exchange = request.app[EXCHANGE]
    symbol = _symbol(request, False)
    account, now_ns = _account(request, client), exchange.venue.now_ns
    rows = [order for order in account.live.values() if order.status is OrderStatus.OPEN]
    stale_ns = int(exchange.config.stale_open_orders_ms * MS)
    if stale_ns:
        rows += [
            order
            for order in account.orders.values()
            if order.status is OrderStatus.CANCELED and order.closed_ns is not None and now_ns < order.closed_ns + stale_ns
        ]
        rows.sort(key=lambda order: order.id)
    rows = [order for order in rows if symbol in (None, order.symbol)]
    return _order_page(exchange, client, request.query, rows, 500, 1200, shown_status="open")


def _order_page(
    exchange: Exchange,
    client: Client,
    query: Mapping[str, str],
    rows: list[Order],
    default: int,
    most: int,
    shown_status: str | None = None,
) -> web.Response:
    shown = _newest_first(rows, _number(query, "last_id"), _limit(query, default, most))
    objects = [_order_object(exchange, client, order) for order in shown]
    if shown_status is not None:
        objects = [row | {"status": shown_status} for row in objects]
    return web.json_response(wire.page(objects, len(rows)))


async def query_trades(request: web.Request) -> web.Response:
    client = _client(request)
    query, symbol, (start, end) = request.query, _symbol(request, False), _window(request)
    rows = [
        trade
        for trade in _account(request, client).trades
        if start <= trade.ts_ns <= end
        and symbol in (None, trade.symbol)
        and query.get("side", trade.side) == trade.side
    ]
    shown = _newest_first(rows, _number(query, "last_id"), _limit(query, 100, 500))
    offset_ns = request.app[EXCHANGE].offset_ns
    return web.json_response(wire.page([wire.trade_object(trade, offset_ns) for trade in shown], len(rows)))


async def query_positions(request: web.Request) -> web.Response:
    client = _client(request)
    exchange, symbol = request.app[EXCHANGE], _symbol(request, False)
    rows = [
        wire.position_object(exchange.venue.position(client.user, name), exchange.venue.specs[name], exchange.offset_ns)
        for name, position in _account(request, client).positions.items()
        if symbol in (None, name) and (position.lots or (exchange.config.flat_position_rows and position.updated_ns))
    ]
    return web.json_response(rows)


async def query_position_config(request: web.Request) -> web.Response:
    client, symbol = _client(request), _named_symbol(request)
    spec = request.app[EXCHANGE].venue.specs[symbol]
    return web.json_response(
        {
            "symbol": symbol,
            "leverage": str(_account(request, client).leverage[symbol]),
            "max_leverage": str(spec.max_leverage),
            "def_leverage": str(spec.default_leverage),
            "margin_mode": "cross",
        }
    )


async def query_balance(request: web.Request) -> web.Response:
    client = _client(request)
    if not _account(request, client).start_balance:
        raise ApiError(404, "user balance not found")
    return web.json_response(wire.balance_object(request.app[EXCHANGE].venue.balance(client.user)))


async def query_funding_history(request: web.Request) -> web.Response:
    client = _client(request)
    symbol, (start, end) = _symbol(request, False), _window(request)
    rows = [
        row
        for row in _account(request, client).funding
        if start <= row.ts_ns <= end and symbol in (None, row.symbol)
    ]
    shown = _newest_first(rows, _number(request.query, "last_id"), _limit(request.query, 100, 500))
    return web.json_response([wire.funding_object(row, request.app[EXCHANGE].offset_ns) for row in shown])


async def query_maker_uptime(request: web.Request) -> web.Response:
    client = _client(request)
    exchange = request.app[EXCHANGE]
    check_signature(exchange, client, request.headers, b"")
    return web.json_response(maker_uptime(exchange, client.user))


# Public data


async def query_symbol_info(request: web.Request) -> web.Response:
    symbol = _symbol(request, False)
    specs = request.app[EXCHANGE].venue.specs
    return web.json_response([wire.symbol_info(spec) for name, spec in specs.items() if symbol in (None, name)])


def _day_figures(exchange: Exchange, symbol: str) -> dict[str, float]:
    """24 h figures from the prints so far, as JSON numbers; zeros before the first print."""
    spec = exchange.venue.specs[symbol]
    price, size = 10.0**-spec.price_decimals, 10.0**-spec.size_decimals
    day = exchange.tapes[symbol].day(exchange.venue.now_ns) or Candle(0, 0, 0, 0, 0, 0, 0)
    return {
        "volume_24h": day.volume * size,
        "volume_quote_24h": day.turnover * price * size,
        "high_price_24h": day.high * price,
        "low_price_24h": day.low * price,
        "open_price_24h": day.open * price,
        "close": day.close * price,
    }


def _open_interest(exchange: Exchange, symbol: str) -> int:
    """Lots held by accounts, one side counted; the simulated market's own agents have no accounts."""
    return sum(abs(account.position_lots(symbol)) for account in exchange.venue.accounts.values())


async def query_market_overview(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    exchange.catch_up()
    rows: list[wire.Wire] = []
    for symbol, spec in exchange.venue.specs.items():
        day, shown = _day_figures(exchange, symbol), wire.prices(exchange.venue.price_update(symbol), spec)
        interest = from_units(_open_interest(exchange, symbol), spec.size_decimals)
        mark = exchange.venue.mark_ticks(symbol) or 0
        change = (day["close"] / day["open_price_24h"] - 1) * 100 if day["open_price_24h"] else 0.0
        rows.append(
            {
                "base": spec.base,
                "funding_rate": wire.exact(exchange.venue.funding_rate(symbol)),
                "last_price": shown["last_price"],
                "mark_price": shown["mark_price"],
                "open_interest": wire.exact(interest),
                "open_interest_notional": wire.exact(interest * from_units(mark, spec.price_decimals)),
                "open_price_24h": day["open_price_24h"],
                "price_change_pct": change,
                "quote": wire.ASSET,
                "symbol": symbol,
                "time": wire.iso(exchange.venue.now_ns + exchange.offset_ns),
                "volume_24h": str(day["volume_24h"]),
                "volume_quote_24h": str(day["volume_quote_24h"]),
            }
        )
    summary = {
        "open_interest_notional": wire.exact(sum((Decimal(row["open_interest_notional"]) for row in rows), Decimal(0))),
        "symbol_count": len(rows),
        "volume_quote_24h": str(sum(float(row["volume_quote_24h"]) for row in rows)),
    }
    return web.json_response({"summary": summary, "symbols": rows})


async def query_symbol_market(request: web.Request) -> web.Response:
    exchange, symbol = request.app[EXCHANGE], _named_symbol(request)
    exchange.catch_up()
    spec, update = exchange.venue.specs[symbol], exchange.venue.price_update(symbol)
    frame, day = wire.price_frame(update, spec, exchange.offset_ns), _day_figures(exchange, symbol)
    interest = from_units(_open_interest(exchange, symbol), spec.size_decimals)
    mark = from_units(update.mark_ticks or 0, spec.price_decimals)
    return web.json_response(
        wire.prices(update, spec)
        | {
            "ask1": frame["spread"][1],
            "bid1": frame["spread"][0],
            "funding_rate": wire.exact(exchange.venue.funding_rate(symbol)),
            "high_price_24h": day["high_price_24h"],
            "low_price_24h": day["low_price_24h"],
            "next_funding_time": wire.iso(exchange.venue.next_funding_ns() + exchange.offset_ns, 0),
            "open_interest": wire.exact(interest),
            "open_interest_notional": wire.exact(interest * mark),
            "spread": frame["spread"],
            "time": wire.iso(update.ts_ns + exchange.offset_ns),
            "volume_24h": day["volume_24h"],
            "volume_quote_24h": day["volume_quote_24h"],
        }
    )


async def query_symbol_price(request: web.Request) -> web.Response:
    exchange, symbol = request.app[EXCHANGE], _named_symbol(request)
    exchange.catch_up()
    update = exchange.venue.price_update(symbol)
    return web.json_response(wire.symbol_price(update, exchange.venue.specs[symbol], exchange.offset_ns))


async def query_depth_book(request: web.Request) -> web.Response:
    exchange, symbol = request.app[EXCHANGE], _named_symbol(request)
    exchange.catch_up()
    return web.json_response(wire.depth_book(exchange.venue.book_update(symbol), exchange.venue.specs[symbol]))


async def query_recent_trades(request: web.Request) -> web.Response:
    exchange, symbol = request.app[EXCHANGE], _named_symbol(request)
    exchange.catch_up()
    recent = list(exchange.tapes[symbol].recent)[: -_limit(request.query, 100, 500) - 1 : -1]
    spec = exchange.venue.specs[symbol]
    return web.json_response([wire.recent_trade(update, spec, exchange.offset_ns) for update in recent])


async def query_funding_rates(request: web.Request) -> web.Response:
    """Empty, as the live venue answers."""
    _named_symbol(request)
    return web.json_response([])


async def kline_time(request: web.Request) -> web.Response:
    return web.json_response(int(request.app[EXCHANGE].wall_s()))


async def kline_history(request: web.Request) -> web.Response:
    exchange, symbol, query = request.app[EXCHANGE], _named_symbol(request), request.query
    exchange.catch_up()
    resolution = query.get("resolution", "")
    if resolution not in RESOLUTIONS_S:
        raise wire.BadRequest(f"resolution: must be one of {', '.join(RESOLUTIONS_S)}")
    from_s, to_s = _required(query, "from"), _required(query, "to")
    candles = exchange.tapes[symbol].candles(from_s, to_s, resolution, _number(query, "countback"))
    spec = exchange.venue.specs[symbol]
    price, size = spec.price_decimals, spec.size_decimals
    return web.json_response(
        {
            "s": "ok" if candles else "no_data",
            "t": [candle.start_s for candle in candles],
            "o": [float(wire.units(candle.open, price)) for candle in candles],
            "h": [float(wire.units(candle.high, price)) for candle in candles],
            "l": [float(wire.units(candle.low, price)) for candle in candles],
            "c": [float(wire.units(candle.close, price)) for candle in candles],
            "v": [float(wire.units(candle.volume, size)) for candle in candles],
        }
    )


async def health(_: web.Request) -> web.Response:
    return web.Response(text="OK")


async def region(request: web.Request) -> web.Response:
    return web.json_response({"systemTime": int(request.app[EXCHANGE].wall_s() * 1000), "region": "local"})


# Login


def _chain(request: web.Request) -> Chain:
    try:
        return Chain(request.query.get("chain", ""))
    except ValueError:
        raise wire.BadRequest("chain: must be one of bsc, solana") from None


async def prepare_sign_in(request: web.Request) -> web.Response:
    exchange, chain, body = request.app[EXCHANGE], _chain(request), _object(await request.read())
    address, request_id = body.get("address"), body.get("requestId")
    if not isinstance(address, str) or not address:
        raise wire.BadRequest("address: required string")
    if not isinstance(request_id, str) or not is_request_key(request_id):
        raise wire.BadRequest("requestId: must be the base58 of a 32-byte public key")
    signed = exchange.identity.prepare_sign_in(chain, address, request_id, exchange.wall_s())
    return web.json_response({"success": True, "signedData": signed})


async def login(request: web.Request) -> web.Response:
    exchange, chain, body = request.app[EXCHANGE], _chain(request), _object(await request.read())
    signature, signed_data = body.get("signature"), body.get("signedData")
    if not isinstance(signature, str) or not isinstance(signed_data, str):
        raise wire.BadRequest("signature: signature and signedData are required strings")
    expires_s = wire.integer(body, "expiresSeconds") if "expiresSeconds" in body else 604_800
    if not 1 <= expires_s <= MAX_EXPIRES_S:
        raise wire.BadRequest(f"expiresSeconds: must be 1 to {MAX_EXPIRES_S}")
    token, address = exchange.identity.login(chain, signature, signed_data, expires_s, exchange.wall_s())
    exchange.enter(token)
    answer = {"token": token, "address": address, "alias": "emulator", "chain": str(chain), "perpsAlpha": True}
    return web.json_response(answer)


async def certs(request: web.Request) -> web.Response:
    return web.json_response(request.app[EXCHANGE].identity.certs())


ROUTES: list[web.RouteDef] = [
    web.post("/api/new_order", new_order),
    web.post("/api/cancel_order", cancel_order),
    web.post("/api/cancel_orders", cancel_orders),
    web.post("/api/change_leverage", change_leverage),
    web.post("/api/change_margin_mode", change_margin_mode),
    web.get("/api/query_order", query_order),
    web.get("/api/query_orders", query_orders),
    web.get("/api/query_open_orders", query_open_orders),
    web.get("/api/query_trades", query_trades),
    web.get("/api/query_positions", query_positions),
    web.get("/api/query_position_config", query_position_config),
    web.get("/api/query_balance", query_balance),
    web.get("/api/query_funding_history", query_funding_history),
    web.get("/api/maker/uptime", query_maker_uptime),
    web.get("/api/query_symbol_info", query_symbol_info),
    web.get("/api/query_market_overview", query_market_overview),
    web.get("/api/query_symbol_market", query_symbol_market),
    web.get("/api/query_symbol_price", query_symbol_price),
    web.get("/api/query_depth_book", query_depth_book),
    web.get("/api/query_recent_trades", query_recent_trades),
    web.get("/api/query_funding_rates", query_funding_rates),
    web.get("/api/kline/time", kline_time),
    web.get("/api/kline/history", kline_history),
    web.get("/api/health", health),
    web.get("/v1/region", region),
    web.post("/v1/offchain/prepare-signin", prepare_sign_in),
    web.post("/v1/offchain/login", login),
    web.get("/v1/offchain/certs", certs),
]
