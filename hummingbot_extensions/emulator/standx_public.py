"""Public REST of StandX and the wallet login, protocol sections 2.1 and 3.3. Every host is served here by path."""

from __future__ import annotations

from decimal import Decimal

from aiohttp import web

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.emulator import standx_requests as requests
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.candles import RESOLUTIONS, Candle
from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.emulator.faults.values import Whom
from hummingbot_extensions.emulator.identity import MAX_EXPIRES_S, Chain
from hummingbot_extensions.emulator.signatures import is_request_key
from hummingbot_extensions.emulator.standx_http import (
    EXCHANGE,
    ApiError,
    json_object,
    limit,
    named_symbol,
    number,
    required,
    symbol_of,
)
from hummingbot_extensions.emulator.standx_requests import BadRequest

# Public data


async def query_symbol_info(request: web.Request) -> web.Response:
    symbol = symbol_of(request, False)
    venue = request.app[EXCHANGE].venue
    return web.json_response(
        [
            wire.symbol_info(spec, venue.lattice(name), venue.is_halted(name))
            for name, spec in venue.specs.items()
            if symbol in (None, name)
        ]
    )


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
        day, shown = _day_figures(exchange, symbol), wire.prices(exchange.price(symbol), spec)
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
    exchange, symbol = request.app[EXCHANGE], named_symbol(request)
    exchange.catch_up()
    spec, update = exchange.venue.specs[symbol], exchange.price(symbol)
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
    exchange, symbol = request.app[EXCHANGE], named_symbol(request)
    exchange.catch_up()
    update = exchange.price(symbol)
    return web.json_response(wire.symbol_price(update, exchange.venue.specs[symbol], exchange.offset_ns))


async def query_depth_book(request: web.Request) -> web.Response:
    exchange, symbol = request.app[EXCHANGE], named_symbol(request)
    exchange.catch_up()
    return web.json_response(wire.depth_book(exchange.book(symbol), exchange.venue.specs[symbol]))


async def query_recent_trades(request: web.Request) -> web.Response:
    exchange, symbol = request.app[EXCHANGE], named_symbol(request)
    exchange.catch_up()
    recent = list(exchange.tapes[symbol].recent)[: -limit(request.query, 100, 500) - 1 : -1]
    spec = exchange.venue.specs[symbol]
    return web.json_response([wire.recent_trade(update, spec, exchange.offset_ns) for update in recent])


async def query_funding_rates(request: web.Request) -> web.Response:
    """Empty, as the live venue answers."""
    named_symbol(request)
    return web.json_response([])


async def kline_time(request: web.Request) -> web.Response:
    return web.json_response(int(request.app[EXCHANGE].wall_s()))


async def kline_history(request: web.Request) -> web.Response:
    exchange, symbol, query = request.app[EXCHANGE], named_symbol(request), request.query
    exchange.catch_up()
    resolution = query.get("resolution", "")
    if resolution not in RESOLUTIONS:
        raise BadRequest(f"resolution: must be one of {', '.join(RESOLUTIONS)}")
    from_s, to_s = required(query, "from"), required(query, "to")
    candles = exchange.tapes[symbol].candles(from_s, to_s, resolution, number(query, "countback"))
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
        raise BadRequest("chain: must be one of bsc, solana") from None


def _login_request(request: web.Request) -> Exchange:
    """The exchange, if no fault refuses logins."""
    exchange = request.app[EXCHANGE]
    refused = exchange.faults.take("login_refused", exchange.venue.now_ns, Whom(endpoint=request.path))
    if refused is not None:
        raise ApiError(refused.whole("status"), refused.text("message"))
    return exchange


async def prepare_sign_in(request: web.Request) -> web.Response:
    exchange, chain, body = _login_request(request), _chain(request), json_object(await request.read())
    address, request_id = body.get("address"), body.get("requestId")
    if not isinstance(address, str) or not address:
        raise BadRequest("address: required string")
    if not isinstance(request_id, str) or not is_request_key(request_id):
        raise BadRequest("requestId: must be the base58 of a 32-byte public key")
    signed = exchange.identity.prepare_sign_in(chain, address, request_id, exchange.wall_s())
    return web.json_response({"success": True, "signedData": signed})


async def login(request: web.Request) -> web.Response:
    exchange, chain, body = _login_request(request), _chain(request), json_object(await request.read())
    signature, signed_data = body.get("signature"), body.get("signedData")
    if not isinstance(signature, str) or not isinstance(signed_data, str):
        raise BadRequest("signature: signature and signedData are required strings")
    expires_s = requests.integer(body, "expiresSeconds") if "expiresSeconds" in body else 604_800
    if not 1 <= expires_s <= MAX_EXPIRES_S:
        raise BadRequest(f"expiresSeconds: must be 1 to {MAX_EXPIRES_S}")
    short = exchange.faults.take("token_short", exchange.venue.now_ns)
    expires_s = min(expires_s, short.whole("lifetime_s")) if short is not None else expires_s
    token, address = exchange.identity.login(chain, signature, signed_data, expires_s, exchange.wall_s())
    exchange.enter(token)
    answer = {"token": token, "address": address, "alias": "emulator", "chain": str(chain), "perpsAlpha": True}
    return web.json_response(answer)


async def certs(request: web.Request) -> web.Response:
    return web.json_response(request.app[EXCHANGE].identity.certs())


ROUTES: list[web.RouteDef] = [
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
