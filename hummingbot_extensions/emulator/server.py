"""An emulator from its config to its port and back: markets, venue, exchange, aiohttp application, loopback site."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from aiohttp import web

from hummingbot_extensions.emulator import (
    control,
    standx_http,
    standx_public,
    standx_rest,
)
from hummingbot_extensions.emulator.clock import ManualClock, PacedClock
from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.emulator.exchange import MS, Exchange
from hummingbot_extensions.emulator.faults import BadFault, FaultBoard
from hummingbot_extensions.emulator.faults.market_data import TappedMarket
from hummingbot_extensions.emulator.faults.values import Whom
from hummingbot_extensions.emulator.identity import Credentials
from hummingbot_extensions.emulator.markets import build_markets
from hummingbot_extensions.emulator.session import Session
from hummingbot_extensions.emulator.standx_http import EXCHANGE
from hummingbot_extensions.emulator.standx_ws import ApiSession, StreamSession
from hummingbot_extensions.emulator.state import keep_state, read_state, restore_rest, restored_venue, write_state
from hummingbot_extensions.sim.journal import JournaledMarket
from hummingbot_extensions.sim.venue import Venue, VenueParams

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
DEMO = "demo"
TAPE_STEP_NS = 10 * MS
"""Frames of a tape come at odd times; a finer step hands each on without delay."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A serving emulator: where it is, and what a client needs to trade on it."""

    url: str
    port: int
    credentials: Credentials
    """Web token and request key of the account ``demo``."""
    exchange: Exchange

    @property
    def accounts(self) -> Mapping[str, Credentials]:
        return {DEMO: self.credentials}


def build_exchange(config: EmulatorConfig) -> Exchange:
    """Venue with its markets behind a clock, as saved if there is a state. Needs a running event loop."""
    chosen = build_markets(config)
    saved = read_state(config.state, config) if config.state is not None else None
    start_ns = next(iter(chosen.markets.values())).now_ns if saved is None else int(saved.venue["now_ns"])
    if saved is not None:
        offset_ns = saved.offset_after(time.time_ns(), config.speed, config.manual)
    else:
        offset_ns = 0 if config.manual else (time.time_ns() - start_ns) // MS * MS
    params = replace(config.venue or VenueParams(), clock_offset_ns=offset_ns)
    if chosen.shows_every_frame:
        params = replace(params, book_every_ns=0, step_ns=TAPE_STEP_NS)
    faults = FaultBoard(config.seed)
    sources = chosen.markets
    if config.state is not None:
        sources = {symbol: JournaledMarket(market) for symbol, market in sources.items()}
    markets = {symbol: TappedMarket(market, symbol, faults) for symbol, market in sources.items()}
    if saved is None or config.state is None:
        venue = Venue(markets, params, chosen.mark_rules)
    else:
        venue = restored_venue(config.state, saved, markets, params, chosen.mark_rules)
        if config.speed == 1.0 and not config.manual:
            start_ns = max(start_ns, time.time_ns() - offset_ns)
    clock = ManualClock(start_ns) if config.manual else PacedClock(start_ns, config.speed)
    exchange = Exchange(config, venue, clock, offset_ns, faults)
    if chosen.feed_delay is not None:
        exchange.delays = replace(exchange.delays, feed=chosen.feed_delay)
    if saved is not None and config.state is not None:
        restore_rest(exchange, config.state, saved)
    return exchange


def build_app(exchange: Exchange) -> web.Application:
    """The application that serves every host of the venue by path, and the control API."""
    app = web.Application(middlewares=[standx_http.gate])
    app[EXCHANGE] = exchange
    app.add_routes(standx_rest.ROUTES)
    app.add_routes(standx_public.ROUTES)
    app.add_routes(control.ROUTES)
    app.router.add_get("/ws-stream/v1", _stream)
    app.router.add_get("/ws-api/v1", _api)
    return app


async def _stream(request: web.Request) -> web.StreamResponse:
    return await _serve_socket(request, StreamSession)


async def _api(request: web.Request) -> web.StreamResponse:
    return await _serve_socket(request, ApiSession)


async def _serve_socket(request: web.Request, session_type: type[Session]) -> web.StreamResponse:
    exchange = request.app[EXCHANGE]
    refused = exchange.faults.take("socket_refused", exchange.venue.now_ns, Whom(socket=session_type.kind))
    if refused is not None:
        return standx_http.error_response(refused.whole("status"), "service unavailable")
    if not exchange.limits.open_socket(time.monotonic()):
        return standx_http.error_response(429, "too many requests")
    try:
        return await session_type(exchange).run(request)
    finally:
        exchange.limits.close_socket()


@asynccontextmanager
async def run_emulator(config: EmulatorConfig) -> AsyncIterator[Handle]:
    """Serve on loopback inside this event loop until the block ends; CannotServe when the port is taken."""
    exchange = build_exchange(config)
    credentials = exchange.identity.demo(exchange.wall_s(), config.token_lifetime_s)
    exchange.aliases[DEMO] = credentials.user
    exchange.open_account(credentials.user)
    for fault in config.faults:
        try:
            exchange.arm(fault)
        except BadFault as error:
            raise CannotServe(f"--fault {fault.get('name')}: {error}") from None
    runner = web.AppRunner(build_app(exchange), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    pacer: asyncio.Task[None] | None = None
    keeper: asyncio.Task[None] | None = None
    try:
        try:
            await web.TCPSite(runner, HOST, config.port).start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            text = f"port {config.port} is in use: choose another with --port, or --port 0 for any free one"
            raise CannotServe(text) from None
        port = int(runner.addresses[0][1])
        pacer = asyncio.create_task(exchange.pace())
        pacer.add_done_callback(_report_pacer)
        if config.state is not None:
            write_state(exchange, config.state)
            keeper = asyncio.create_task(keep_state(exchange, config.state))
        yield Handle(f"http://{HOST}:{port}", port, credentials, exchange)
    finally:
        for session in exchange.sessions():
            await session.close()
        await runner.cleanup()
        if pacer is not None:
            pacer.cancel()
            with suppress(asyncio.CancelledError):
                await pacer
        if keeper is not None and config.state is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
            write_state(exchange, config.state)


def _report_pacer(pacer: asyncio.Task[None]) -> None:
    """Say at once that venue time has stopped; the error itself is raised when the emulator ends."""
    if not pacer.cancelled() and pacer.exception() is not None:
        logger.error("venue time stopped", exc_info=pacer.exception())
