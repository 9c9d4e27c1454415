"""Private REST of StandX, protocol sections 3.1 and 3.2: trading requests and own data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from hummingbot_extensions.emulator import standx_requests as requests
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.exchange import Exchange, ReplyTo
from hummingbot_extensions.emulator.faults.values import Whom
from hummingbot_extensions.emulator.identity import Client
from hummingbot_extensions.emulator.maker_uptime import hours_program, maker_points, maker_uptime
from hummingbot_extensions.emulator.request_signing import (
    check_signature,
)
from hummingbot_extensions.emulator.standx_http import (
    EXCHANGE,
    ApiError,
    account_of,
    acknowledgement,
    client_of,
    limit,
    named_symbol,
    number,
    signed,
    symbol_of,
    window,
)
from hummingbot_extensions.emulator.standx_requests import BadRequest
from hummingbot_extensions.sim.account import Order
from hummingbot_extensions.sim.venue_values import OrderStatus

POINTS_PER_FEE = 100.0

# Trading


async def new_order(request: web.Request) -> web.Response:
    client, request_id, body = await signed(request)
    reply = ReplyTo(client.user, request.headers.get("x-session-id"), request_id)
    try:
        order = requests.new_order(body)
    except BadRequest:
        request.app[EXCHANGE].counters.order_rejections["bad_request"] += 1
        raise
    return acknowledgement(request_id, request.app[EXCHANGE].submit(client, order, reply))


async def cancel_order(request: web.Request) -> web.Response:
    client, request_id, body = await signed(request)
    exchange, cancel = request.app[EXCHANGE], requests.cancel_order(body)
    order_id = cancel.order_ids[0] if cancel.order_ids else None
    client_id = cancel.client_ids[0] if cancel.client_ids else None
    order = exchange.venue.find_order(client.user, order_id, client_id)
    if order is None or not order.is_live:
        raise ApiError(404, "order not found")
    exchange.cancel(client, cancel, ReplyTo(client.user, request.headers.get("x-session-id"), request_id))
    return acknowledgement(request_id)


async def cancel_orders(request: web.Request) -> web.Response:
    client, request_id, body = await signed(request)
    reply = ReplyTo(client.user, request.headers.get("x-session-id"), request_id)
    request.app[EXCHANGE].cancel(client, requests.cancel_orders(body), reply)
    return acknowledgement(request_id)


async def change_leverage(request: web.Request) -> web.Response:
    client, request_id, body = await signed(request)
    leverage = requests.integer(body, "leverage")
    return acknowledgement(
        request_id, request.app[EXCHANGE].venue.set_leverage(client.user, str(body.get("symbol")), leverage)
    )


async def change_margin_mode(request: web.Request) -> web.Response:
    client, request_id, body = await signed(request)
    mode = body.get("margin_mode")
    if mode not in ("cross", "isolated"):
        raise BadRequest("margin_mode: must be one of cross, isolated")
    return acknowledgement(
        request_id, request.app[EXCHANGE].venue.set_margin_mode(client.user, str(body.get("symbol")), mode)
    )


async def transfer_margin(request: web.Request) -> web.Response:
    client, request_id, body = await signed(request)
    exchange, symbol = request.app[EXCHANGE], str(body.get("symbol"))
    refusal = exchange.venue.transfer_margin(client.user, symbol, requests.signed_amount(body, "amount_in"))
    return acknowledgement(request_id, refusal)


async def transfer_to_perps(request: web.Request) -> web.Response:
    return await _transfer(request, 1)


async def transfer_to_spot(request: web.Request) -> web.Response:
    return await _transfer(request, -1)


async def _transfer(request: web.Request, sign: int) -> web.Response:
    client, request_id, body = await signed(request)
    if body.get("token") != wire.ASSET:
        raise BadRequest(f"token: must be {wire.ASSET}")
    return acknowledgement(
        request_id, request.app[EXCHANGE].move_cash(client.user, sign * requests.amount(body, "amount"))
    )


async def withdraw(request: web.Request) -> web.Response:
    """Refused: there is no chain behind an emulator to pay out to."""
    await signed(request)
    raise ApiError(400, "withdraw: not offered by this emulator")


# Own data


async def query_order(request: web.Request) -> web.Response:
    client = client_of(request)
    exchange, query = request.app[EXCHANGE], request.query
    order_id = number(query, "order_id")
    if order_id is None and not query.get("cl_ord_id"):
        raise BadRequest("order_id: order_id or cl_ord_id is required")
    order = exchange.venue.find_order(client.user, order_id, query.get("cl_ord_id"))
    lag_ns = _lag_ns(exchange, client, "query_order_404", exchange.config.query_order_lag_ms)
    if order is None or order.shown_ns is None or exchange.venue.now_ns < order.shown_ns + lag_ns:
        raise ApiError(404, "order not found")
    return web.json_response(_order_object(exchange, client, order))


def _lag_ns(exchange: Exchange, client: Client, fault: str, base_ms: float = 0.0) -> int:
    """By how much an answer trails behind for this account."""
    return exchange.faults.lag_ns(fault, base_ms, exchange.venue.now_ns, Whom(account=client.user))


def _order_object(exchange: Exchange, client: Client, order: Order) -> wire.Wire:
    view = exchange.venue.order_view(client.user, order)
    return wire.order_object(view, exchange.venue.specs[order.symbol], exchange.offset_ns)


def _newest_first(rows: Sequence[Any], last_id: int | None, limit: int) -> list[Any]:
    """The page of ``rows`` (ascending by id) that ends before ``last_id``."""
    return [row for row in reversed(rows) if last_id is None or row.id < last_id][:limit]


async def query_orders(request: web.Request) -> web.Response:
    client = client_of(request)
    exchange, query = request.app[EXCHANGE], request.query
    symbol, (start, end) = symbol_of(request, False), window(request)
    rows = [
        order
        for order in account_of(request, client).orders.values()
        if order.shown_ns is not None
        and start <= order.created_ns <= end
        and symbol in (None, order.symbol)
        and query.get("status", order.status) == order.status
        and query.get("order_type", order.kind) == order.kind
    ]
    return _order_page(exchange, client, query, rows, 100, 500)


async def query_open_orders(request: web.Request) -> web.Response:
    client = client_of(request)
    exchange = request.app[EXCHANGE]
    symbol = symbol_of(request, False)
    account, now_ns = account_of(request, client), exchange.venue.now_ns
    rows = [order for order in account.live.values() if order.shown_ns is not None]
    stale_ns = _lag_ns(exchange, client, "open_orders_stale", exchange.config.stale_open_orders_ms)
    if stale_ns:
        rows += [
            order
            for order in account.orders.values()
            if order.status is OrderStatus.CANCELED
            and order.closed_ns is not None
            and now_ns < order.closed_ns + stale_ns
        ]
        rows.sort(key=lambda order: order.id)
    rows = [order for order in rows if symbol in (None, order.symbol)]
    return _order_page(exchange, client, request.query, rows, 500, 1200, is_open_list=True)


def _order_page(
    exchange: Exchange,
    client: Client,
    query: Mapping[str, str],
    rows: list[Order],
    default: int,
    most: int,
    is_open_list: bool = False,
) -> web.Response:
    shown = _newest_first(rows, number(query, "last_id"), limit(query, default, most))
    objects = [_order_object(exchange, client, order) for order in shown]
    if is_open_list:
        objects = [row | {"status": "open"} if row["status"] == "canceled" else row for row in objects]
    return web.json_response(wire.page(objects, len(rows)))


async def query_trades(request: web.Request) -> web.Response:
    client = client_of(request)
    exchange = request.app[EXCHANGE]
    query, symbol, (start, end) = request.query, symbol_of(request, False), window(request)
    end = min(end, exchange.venue.now_ns - _lag_ns(exchange, client, "trades_lag"))
    rows = [
        trade
        for trade in account_of(request, client).trades
        if start <= trade.ts_ns <= end
        and symbol in (None, trade.symbol)
        and query.get("side", trade.side) == trade.side
    ]
    shown = _newest_first(rows, number(query, "last_id"), limit(query, 100, 500))
    offset_ns = request.app[EXCHANGE].offset_ns
    return web.json_response(wire.page([wire.trade_object(trade, offset_ns) for trade in shown], len(rows)))


async def query_positions(request: web.Request) -> web.Response:
    client = client_of(request)
    exchange, symbol = request.app[EXCHANGE], symbol_of(request, False)
    armed = exchange.faults.active("position_flat_rows", exchange.venue.now_ns, Whom(account=client.user))
    shows_flat = exchange.config.flat_position_rows or armed is not None
    rows = [
        wire.position_object(exchange.venue.position(client.user, name), exchange.venue.specs[name], exchange.offset_ns)
        for name, position in account_of(request, client).positions.items()
        if symbol in (None, name) and (position.lots or (shows_flat and position.updated_ns))
    ]
    return web.json_response(rows)


async def query_position_config(request: web.Request) -> web.Response:
    client, symbol = client_of(request), named_symbol(request)
    spec, account = request.app[EXCHANGE].venue.specs[symbol], account_of(request, client)
    return web.json_response(
        {
            "symbol": symbol,
            "leverage": str(account.leverage[symbol]),
            "max_leverage": str(spec.max_leverage),
            "def_leverage": str(spec.default_leverage),
            "margin_mode": str(account.margin_mode[symbol]),
        }
    )


async def query_balance(request: web.Request) -> web.Response:
    client = client_of(request)
    account, exchange = account_of(request, client), request.app[EXCHANGE]
    was_never_funded = not account.start_balance and exchange.cash[client.user] == exchange.config.cash
    if was_never_funded and not account.trades:
        raise ApiError(404, "user balance not found")
    return web.json_response(wire.balance_object(exchange.venue.balance(client.user)))


async def query_funding_history(request: web.Request) -> web.Response:
    client = client_of(request)
    symbol, (start, end) = symbol_of(request, False), window(request)
    rows = [
        row for row in account_of(request, client).funding if start <= row.ts_ns <= end and symbol in (None, row.symbol)
    ]
    shown = _newest_first(rows, number(request.query, "last_id"), limit(request.query, 100, 500))
    return web.json_response([wire.funding_object(row, request.app[EXCHANGE].offset_ns) for row in shown])


async def query_maker_uptime(request: web.Request) -> web.Response:
    client = client_of(request)
    exchange = request.app[EXCHANGE]
    check_signature(exchange, client, request.headers, b"")
    rules = hours_program(exchange)
    if rules is None:
        raise ApiError(404, "no maker program is configured")
    return web.json_response(maker_uptime(exchange, client.user, rules))


async def trading_points(request: web.Request) -> web.Response:
    """Points of trading by the early rule: a hundred for each DUSD of fees."""
    client = client_of(request)
    fees = request.app[EXCHANGE].venue.accounts[client.user].fees_paid
    return web.json_response({"trading_point": _micro(max(0.0, float(fees)) * POINTS_PER_FEE)})


async def maker_points_of(request: web.Request) -> web.Response:
    """Points of resting orders; null where no program says how they are counted."""
    client = client_of(request)
    points = maker_points(request.app[EXCHANGE], client.user)
    return web.json_response({"maker_point": None if points is None else _micro(points)})


async def perps_points(request: web.Request) -> web.Response:
    """Sum of both, null while either is unknown; the amount that points are paid in stays 0."""
    client = client_of(request)
    exchange = request.app[EXCHANGE]
    traded = max(0.0, float(exchange.venue.accounts[client.user].fees_paid)) * POINTS_PER_FEE
    made = maker_points(exchange, client.user)
    total = None if made is None else _micro(traded + made)
    return web.json_response({"total_point": total, "total_amount": "0"})


def _micro(points: float) -> str:
    """Points as clients divide them by a million."""
    return str(round(points * 1_000_000))


ROUTES: list[web.RouteDef] = [
    web.post("/api/new_order", new_order),
    web.post("/api/cancel_order", cancel_order),
    web.post("/api/cancel_orders", cancel_orders),
    web.post("/api/change_leverage", change_leverage),
    web.post("/api/change_margin_mode", change_margin_mode),
    web.post("/api/transfer_margin", transfer_margin),
    web.post("/api/transfer_to_perps", transfer_to_perps),
    web.post("/api/transfer_to_spot", transfer_to_spot),
    web.post("/api/withdraw", withdraw),
    web.get("/api/query_order", query_order),
    web.get("/api/query_orders", query_orders),
    web.get("/api/query_open_orders", query_open_orders),
    web.get("/api/query_trades", query_trades),
    web.get("/api/query_positions", query_positions),
    web.get("/api/query_position_config", query_position_config),
    web.get("/api/query_balance", query_balance),
    web.get("/api/query_funding_history", query_funding_history),
    web.get("/api/maker/uptime", query_maker_uptime),
    web.get("/v1/offchain/trading-campaign/points", trading_points),
    web.get("/v1/offchain/maker-campaign/points", maker_points_of),
    web.get("/v1/offchain/perps-campaign/points", perps_points),
]
