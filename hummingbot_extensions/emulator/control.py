"""Control API of a running emulator, under /_control/ on the same loopback origin: watch it, score it, break it."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from aiohttp import web

from hummingbot_extensions.core.uptime import InBand
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.clock import ManualClock
from hummingbot_extensions.emulator.exchange import MS, Exchange
from hummingbot_extensions.emulator.faults import HttpFault
from hummingbot_extensions.emulator.standx_http import EXCHANGE
from hummingbot_extensions.sim.order_log import score

SECOND_NS = 1_000_000_000


def state(exchange: Exchange) -> dict[str, Any]:
    """Clock, markets, counters. ``venue_ms`` is the time that clients see, ``market_ms`` the market's or tape's own."""
    venue, counters = exchange.venue, exchange.counters
    markets = {}
    for symbol in venue.specs:
        update = venue.price_update(symbol)
        frame = wire.price_frame(update, venue.specs[symbol], exchange.offset_ns)
        names = ("mark_price", "index_price", "last_price", "spread")
        markets[symbol] = {name: frame[name] for name in names} | {"is_over": venue.market(symbol).is_over}
    return {
        "venue_ms": (venue.now_ns + exchange.offset_ns) // MS,
        "market_ms": venue.now_ns // MS,
        "start_ms": (venue.start_ns + exchange.offset_ns) // MS,
        "offset_ms": exchange.offset_ns / MS,
        "behind_ms": max(0, exchange.clock.venue_ns() - venue.now_ns) // MS,
        "speed": exchange.clock.speed,
        "manual": exchange.clock.is_manual,
        "is_over": venue.is_over,
        "markets": markets,
        "accounts": _aliases(exchange),
        "sockets": {"stream": len(exchange.streams), "api": len(exchange.api_sockets)},
        "counters": {
            "requests": dict(sorted(counters.requests.items())),
            "rejected_tokens": counters.bad_tokens,
            "rejected_signatures": counters.bad_signatures,
            "too_many_requests": counters.too_many_requests,
            "order_rejections": dict(sorted(counters.order_rejections.items())),
            "frames_sent": counters.frames_sent,
        },
        "faults": asdict(exchange.faults),
    }


def _aliases(exchange: Exchange) -> dict[str, str]:
    return exchange.aliases | {user: user for user in exchange.venue.accounts if user not in exchange.aliases.values()}


def account(exchange: Exchange, user: str) -> dict[str, Any]:
    """Money, positions, orders and counts of one account; ``net_pnl`` is the change of equity since its start."""
    venue = exchange.venue
    holder, balance = venue.accounts[user], venue.balance(user)
    positions = [
        wire.position_object(venue.position(user, symbol), venue.specs[symbol], exchange.offset_ns)
        for symbol, position in holder.positions.items()
        if position.updated_ns
    ]
    live = [venue.order_view(user, order) for order in holder.live.values() if order.shown_ns is not None]
    funding = sum((row.amount for row in holder.funding), Decimal(0))
    return {
        "user": user,
        "start_balance": wire.exact(holder.start_balance),
        "balance": wire.exact(balance.cross_balance),
        "equity": wire.exact(balance.equity),
        "available": wire.exact(balance.available),
        "realized_pnl": wire.exact(holder.realized_pnl),
        "unrealized_pnl": wire.exact(balance.cross_upnl),
        "fees_paid": wire.exact(holder.fees_paid),
        "funding": wire.exact(funding),
        "net_pnl": wire.exact(balance.equity - holder.start_balance),
        "positions": positions,
        "open_orders": [wire.order_object(view, venue.specs[view.symbol], exchange.offset_ns) for view in live],
        "fills": len(holder.trades),
        "maker_fills": sum(1 for trade in holder.trades if trade.is_maker),
        "orders_placed": holder.log.placed,
        "orders_cancelled": len(holder.log.cancel_times_ns),
    }


def account_score(exchange: Exchange, user: str, symbol: str, since_ns: int | None, band_bps: float) -> dict[str, Any]:
    """Exact time in band since ``since_ns`` of venue time (None: since the emulator began)."""
    venue, spec = exchange.venue, exchange.venue.specs[symbol]
    start_ns = venue.start_ns if since_ns is None else max(since_ns, venue.start_ns)
    log = venue.accounts[user].log
    units = (10.0**-spec.price_decimals, 10.0**-spec.size_decimals)
    found: InBand = score(
        log, venue.marks(symbol), venue.alive(symbol), symbol, start_ns, venue.now_ns, band_bps, *units
    )
    cancels = log.cancels(start_ns, venue.now_ns + 1)
    minutes = found.alive_ns / (60 * SECOND_NS)
    return {
        "symbol": symbol,
        "band_bps": band_bps,
        "since_ms": (start_ns + exchange.offset_ns) / MS,
        "until_ms": (venue.now_ns + exchange.offset_ns) / MS,
        "two_sided_frac": found.two_sided_frac,
        "strict_frac": found.strict_frac,
        "bid_s": found.bid_ns / SECOND_NS,
        "ask_s": found.ask_ns / SECOND_NS,
        "two_sided_s": found.two_sided_ns / SECOND_NS,
        "alive_s": found.alive_ns / SECOND_NS,
        "span_s": found.span_ns / SECOND_NS,
        "cancels": cancels,
        "cancels_per_minute": cancels / minutes if minutes else None,
    }


def order_log(exchange: Exchange, user: str) -> list[dict[str, Any]]:
    """Every resting interval of the account's orders; a change of size begins a new row."""
    rows = []
    for row in exchange.venue.accounts[user].log.rows:
        spec = exchange.venue.specs[row.symbol]
        end_ms = (row.end_ns + exchange.offset_ns) / MS if row.end_ns is not None else None
        rows.append(
            {
                "order_id": row.order_id,
                "symbol": row.symbol,
                "side": "buy" if row.is_bid else "sell",
                "price": wire.units(row.price_ticks, spec.price_decimals),
                "qty": wire.units(row.size_lots, spec.size_decimals),
                "start_ms": (row.start_ns + exchange.offset_ns) / MS,
                "end_ms": end_ms,
            }
        )
    return rows


# Handlers


def _exchange(request: web.Request) -> Exchange:
    exchange = request.app[EXCHANGE]
    exchange.catch_up()
    return exchange


def _user(request: web.Request) -> str:
    exchange = request.app[EXCHANGE]
    name = request.match_info["user"]
    user = exchange.aliases.get(name, name)
    if user not in exchange.venue.accounts:
        raise web.HTTPNotFound(text=f"no account {name}")
    return user


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except json.JSONDecodeError:
        raise web.HTTPBadRequest(text="body: not JSON") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="body: must be a JSON object")
    return body


def _positive(body: dict[str, Any], name: str, default: float | None = None) -> float:
    value = body.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e9:
        raise web.HTTPBadRequest(text=f"{name}: must be a positive number")
    return float(value)


async def get_state(request: web.Request) -> web.Response:
    return web.json_response(state(_exchange(request)))


async def get_account(request: web.Request) -> web.Response:
    return web.json_response(account(_exchange(request), _user(request)))


async def get_score(request: web.Request) -> web.Response:
    exchange, query = _exchange(request), request.query
    symbol = query.get("symbol", next(iter(exchange.venue.specs)))
    if symbol not in exchange.venue.specs:
        raise web.HTTPBadRequest(text=f"symbol: unknown symbol {symbol}")
    try:
        since_ns = int(float(query["since_ms"]) * MS) - exchange.offset_ns if "since_ms" in query else None
        band_bps = float(query.get("band_bps", "10"))
    except ValueError:
        raise web.HTTPBadRequest(text="since_ms, band_bps: must be numbers") from None
    return web.json_response(account_score(exchange, _user(request), symbol, since_ns, band_bps))


async def get_orders(request: web.Request) -> web.Response:
    return web.json_response(order_log(_exchange(request), _user(request)))


async def post_step(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    if not isinstance(exchange.clock, ManualClock):
        raise web.HTTPConflict(text="step: time moves by itself; start with manual time")
    await exchange.step(int(_positive(await _body(request), "ms") * MS))
    return web.json_response({"venue_ms": (exchange.venue.now_ns + exchange.offset_ns) // MS})


async def post_faults(request: web.Request) -> web.Response:
    """Order one fault by ``kind``; the index page lists them."""
    exchange, body = _exchange(request), await _body(request)
    kind = body.get("kind")
    if kind == "drop_sockets":
        which = body.get("which", "all")
        if which not in ("all", "stream", "api"):
            raise web.HTTPBadRequest(text="which: must be all, stream or api")
        chosen = [*exchange.streams * (which != "api"), *exchange.api_sockets * (which != "stream")]
        for session in chosen:
            session.drop()
        return web.json_response({"dropped": len(chosen)})
    if kind == "silence":
        exchange.faults.silent_until_ns = exchange.venue.now_ns + int(_positive(body, "seconds") * SECOND_NS)
    elif kind == "revoke_token":
        name = str(body.get("user", "demo"))
        exchange.identity.revoke(exchange.aliases.get(name, name))
    elif kind == "reject_next":
        exchange.faults.reject_next = int(_positive(body, "count", 1))
        exchange.faults.reject_message = str(body.get("message", exchange.faults.reject_message))
    elif kind == "http":
        status, path, when = body.get("status", 502), body.get("path"), body.get("when", "before")
        if not isinstance(status, int) or not 400 <= status <= 599 or when not in ("before", "after"):
            raise web.HTTPBadRequest(text="status: 400 to 599; when: before or after")
        if path is not None and not isinstance(path, str):
            raise web.HTTPBadRequest(text="path: must be a string")
        exchange.faults.http = HttpFault(status, int(_positive(body, "count", 1)), path, when == "after")
    elif kind == "clear":
        exchange.faults.silent_until_ns, exchange.faults.reject_next, exchange.faults.http = 0, 0, None
    else:
        kinds = "drop_sockets, silence, revoke_token, reject_next, http, clear"
        raise web.HTTPBadRequest(text=f"kind: must be one of {kinds}")
    return web.json_response(asdict(exchange.faults))


async def index(request: web.Request) -> web.Response:
    """A page that links what there is to see."""
    exchange = _exchange(request)
    accounts = "".join(
        f'<li>{name}: <a href="/_control/accounts/{name}">account</a>, '
        f'<a href="/_control/accounts/{name}/score">time in band</a>, '
        f'<a href="/_control/accounts/{name}/orders">order log</a></li>'
        for name in _aliases(exchange)
    )
    markets = "".join(
        f'<li>{symbol}: <a href="/api/query_symbol_market?symbol={symbol}">market</a>, '
        f'<a href="/api/query_depth_book?symbol={symbol}">book</a></li>'
        for symbol in exchange.venue.specs
    )
    text = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>StandX emulator</title>
<h1>StandX emulator</h1><p><a href="/_control/state">State</a></p><ul>{accounts}</ul><ul>{markets}</ul>
<p>POST /_control/step {{"ms": 250}} moves manual time. POST /_control/faults takes one of:</p><pre>
{{"kind": "drop_sockets", "which": "all|stream|api"}}
{{"kind": "silence", "seconds": 5}}
{{"kind": "revoke_token", "user": "demo"}}
{{"kind": "reject_next", "count": 1, "message": "balance not enough"}}
{{"kind": "http", "status": 502, "count": 1, "path": "/api/new_order", "when": "before|after"}}
{{"kind": "clear"}}
</pre></html>"""
    return web.Response(text=text, content_type="text/html")


ROUTES: list[web.RouteDef] = [
    web.get("/", index),
    web.get("/_control/state", get_state),
    web.get("/_control/accounts/{user}", get_account),
    web.get("/_control/accounts/{user}/score", get_score),
    web.get("/_control/accounts/{user}/orders", get_orders),
    web.post("/_control/step", post_step),
    web.post("/_control/faults", post_faults),
]
