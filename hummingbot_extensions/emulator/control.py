"""Control API of a running emulator, under /_control/ on the same loopback origin: watch it, score it, break it."""

from __future__ import annotations

import json
from math import isfinite, nan
from typing import Any

from aiohttp import web

from hummingbot_extensions.core.uptime import in_band
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.clock import ManualClock, PacedClock
from hummingbot_extensions.emulator.exchange import MS, Exchange
from hummingbot_extensions.emulator.faults import BadFault, acts
from hummingbot_extensions.emulator.faults.board import catalogue
from hummingbot_extensions.emulator.overview import account, account_names, overview, page
from hummingbot_extensions.emulator.program_view import program_scores
from hummingbot_extensions.emulator.standx_http import EXCHANGE
from hummingbot_extensions.sim.program_record import market_record, was_cancelled

SECOND_NS = 1_000_000_000
MIN_SPEED, MAX_SPEED = 0.01, 10_000.0


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
        "accounts": account_names(exchange),
        "sockets": {"stream": len(exchange.streams), "api": len(exchange.api_sockets)},
        "counters": {
            "requests": dict(sorted(counters.requests.items())),
            "rejected_tokens": counters.bad_tokens,
            "rejected_signatures": counters.bad_signatures,
            "too_many_requests": counters.too_many_requests,
            "order_rejections": dict(sorted(counters.order_rejections.items())),
            "frames_sent": counters.frames_sent,
        },
        "faults": [armed.as_json(venue.now_ns) for armed in exchange.faults.armed()],
    }


def account_score(exchange: Exchange, user: str, symbol: str, since_ns: int | None, band_bps: float) -> dict[str, Any]:
    """Exact time in band since ``since_ns`` of venue time (None: since the emulator began)."""
    venue = exchange.venue
    start_ns = venue.start_ns if since_ns is None else max(since_ns, venue.start_ns)
    record = market_record(venue, user, symbol, start_ns, venue.now_ns)
    found = in_band(record.quotes, record.marks, record.alive, start_ns, venue.now_ns, band_bps)
    cancels = venue.accounts[user].log.cancels(start_ns, venue.now_ns + 1)
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
    """Every resting interval of the account's orders; a change of size begins a new row.

    ``is_cancelled`` tells intervals that ended because the account asked for it from those that a fill ended.
    """
    rows = []
    holder = exchange.venue.accounts[user]
    own_cancels_ns = set(holder.log.cancel_times_ns)
    for row in holder.log.rows:
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
                "is_cancelled": row.end_ns in own_cancels_ns and was_cancelled(holder, row),
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


def _span(request: web.Request, exchange: Exchange) -> tuple[str, int | None]:
    """Market and start in venue time that the query names: the first market and None unless it does."""
    symbol = request.query.get("symbol", next(iter(exchange.venue.specs)))
    if symbol not in exchange.venue.specs:
        raise web.HTTPBadRequest(text=f"symbol: unknown symbol {symbol}")
    since_ms = _number(request, "since_ms")
    return symbol, None if since_ms is None else int(since_ms * MS) - exchange.offset_ns


def _number(request: web.Request, name: str) -> float | None:
    if name not in request.query:
        return None
    try:
        value = float(request.query[name])
    except ValueError:
        value = nan
    if not isfinite(value):
        raise web.HTTPBadRequest(text=f"{name}: must be a number")
    return value


async def get_score(request: web.Request) -> web.Response:
    exchange = _exchange(request)
    symbol, since_ns = _span(request, exchange)
    band_bps = _number(request, "band_bps")
    return web.json_response(
        account_score(exchange, _user(request), symbol, since_ns, 10.0 if band_bps is None else band_bps)
    )


async def get_programs(request: web.Request) -> web.Response:
    """The account's score under every program of the config."""
    exchange = _exchange(request)
    symbol, since_ns = _span(request, exchange)
    return web.json_response(program_scores(exchange, _user(request), symbol, since_ns))


async def get_orders(request: web.Request) -> web.Response:
    return web.json_response(order_log(_exchange(request), _user(request)))


async def post_step(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    if not isinstance(exchange.clock, ManualClock):
        raise web.HTTPConflict(text="step: time moves by itself; start with manual time")
    await exchange.step(int(_positive(await _body(request), "ms") * MS))
    return web.json_response({"venue_ms": (exchange.venue.now_ns + exchange.offset_ns) // MS})


async def post_speed(request: web.Request) -> web.Response:
    """Venue seconds per second from now on."""
    exchange = _exchange(request)
    if not isinstance(exchange.clock, PacedClock):
        raise web.HTTPConflict(text="speed: time stands under manual time; use step")
    speed = _positive(await _body(request), "speed")
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise web.HTTPBadRequest(text=f"speed: must be a number from {MIN_SPEED:g} to {MAX_SPEED:g}")
    exchange.clock.set_speed(speed)
    return web.json_response({"speed": speed})


async def get_faults(request: web.Request) -> web.Response:
    """The catalogue, and what is armed."""
    exchange = _exchange(request)
    exchange.faults.prune(exchange.venue.now_ns)
    active = [armed.as_json(exchange.venue.now_ns) for armed in exchange.faults.armed()]
    return web.json_response({"catalogue": catalogue(), "active": active})


async def post_faults(request: web.Request) -> web.Response:
    """Switch one fault on."""
    exchange, body = _exchange(request), await _body(request)
    try:
        armed = exchange.arm(body)
    except BadFault as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    answer = armed.as_json(exchange.venue.now_ns)
    return web.json_response(answer | {"affected": armed.memory.get("affected")})


async def delete_faults(request: web.Request) -> web.Response:
    """Switch off by ``name`` or ``id``, or everything without them."""
    exchange, query = _exchange(request), request.query
    fault_id = query.get("id")
    if fault_id is not None and not fault_id.isdecimal():
        raise web.HTTPBadRequest(text="id: must be a whole number")
    try:
        gone = exchange.faults.disarm(query.get("name"), int(fault_id) if fault_id is not None else None)
    except BadFault as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    exchange.catch_up()
    acts.run(exchange)
    return web.json_response({"disarmed": gone})


async def get_overview(request: web.Request) -> web.Response:
    """Accounts and books, as the page at / shows them."""
    return web.json_response(overview(_exchange(request)))


async def index(request: web.Request) -> web.Response:
    """Accounts and books to look at."""
    return web.Response(text=page(overview(_exchange(request))), content_type="text/html")


ROUTES: list[web.RouteDef] = [
    web.get("/", index),
    web.get("/_control/state", get_state),
    web.get("/_control/accounts/{user}", get_account),
    web.get("/_control/accounts/{user}/score", get_score),
    web.get("/_control/accounts/{user}/programs", get_programs),
    web.get("/_control/accounts/{user}/orders", get_orders),
    web.post("/_control/step", post_step),
    web.post("/_control/speed", post_speed),
    web.get("/_control/overview", get_overview),
    web.get("/_control/faults", get_faults),
    web.post("/_control/faults", post_faults),
    web.delete("/_control/faults", delete_faults),
]
