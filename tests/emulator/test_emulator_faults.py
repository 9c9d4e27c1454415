"""Every fault of the catalogue breaks the naive client, which comes through the same scenario unharmed without it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from datetime import datetime
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from naive_client import NaiveClient
from scripted_client import Wired, served
from scripted_market import MS, Outside, ScriptedMarket, quiet_book

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.emulator.faults.catalogue import BY_NAME, CATALOGUE

SCRIPT = [
    *quiet_book(half_spread=50),
    Outside(2_100 * MS, Side.BUY, 9_999_980, 5_000),  # the touch moves up
    Outside(3_010 * MS, Side.SELL, None, 10, TimeInForce.IOC),  # fills order A
    Outside(6_200 * MS, Side.BUY, 10_000_000, 3_000),  # the touch of the end
]
END_MS = 9_500
LIVES = 3

FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"name": "http_status", "status": 502, "when": "after", "endpoint": "/api/new_order"}, "double"),
    ({"name": "http_status", "status": 429, "count": 4, "endpoint": "/api/new_order"}, "missing"),
    ({"name": "http_status", "status": 500, "endpoint": "/api/cancel_order"}, "orphan"),
    ({"name": "http_timeout", "when": "after", "hold_s": 2, "endpoint": "/api/new_order"}, "double"),
    ({"name": "http_timeout", "when": "before", "hold_s": 2, "endpoint": "/api/cancel_order"}, "orphan"),
    ({"name": "http_reset", "when": "after", "endpoint": "/api/new_order"}, "double"),
    ({"name": "http_reset", "when": "before", "endpoint": "/api/cancel_order"}, "orphan"),
    ({"name": "http_slow_body", "hold_s": 2, "endpoint": "/api/new_order"}, "double"),
    ({"name": "http_not_json", "endpoint": "/api/new_order"}, "double"),
    ({"name": "http_short_body", "endpoint": "/api/new_order"}, "double"),
    ({"name": "socket_refused", "socket": "api"}, "crash"),
    ({"name": "socket_drop", "socket": "stream", "after_s": 2}, "position"),
    ({"name": "socket_close", "code": 1012, "socket": "stream", "after_s": 2}, "position"),
    ({"name": "silence", "socket": "stream", "after_s": 2, "seconds": 2}, "position"),
    ({"name": "silence", "socket": "api"}, "orphan"),
    ({"name": "frame_drop", "channel": "trade"}, "position"),
    ({"name": "frame_delay", "channel": "depth_book", "ms": 60_000}, "stale"),
    ({"name": "frame_duplicate", "channel": "trade"}, "position"),
    ({"name": "frame_reorder", "channel": "order"}, "crash"),
    ({"name": "frame_truncate", "channel": "price"}, "crash"),
    ({"name": "frame_corrupt", "how": "garbage", "channel": "order", "after_s": 1}, "crash"),
    ({"name": "frame_corrupt", "how": "null_data", "channel": "depth_book"}, "crash"),
    ({"name": "frame_corrupt", "how": "nan", "channel": "price"}, "stale"),
    ({"name": "frame_corrupt", "how": "member_gone", "channel": "terminal"}, "crash"),
    ({"name": "frame_numbers", "channel": "depth_book"}, "crash"),
    ({"name": "frame_unknown", "channel": "price"}, "crash"),
    ({"name": "seq_jump", "by": 7, "channel": "order"}, "crash"),
    ({"name": "accepted_missing"}, "crash"),
    ({"name": "accepted_late", "ms": 2_000}, "crash"),
    ({"name": "terminal_missing"}, "orphan"),
    ({"name": "terminal_late", "ms": 60_000}, "orphan"),
    ({"name": "terminal_duplicate"}, "crash"),
    ({"name": "terminal_false_rejection"}, "orphan"),
    ({"name": "terminal_false_success"}, "ghost"),
    ({"name": "terminal_unknown_request"}, "crash"),
    ({"name": "order_rejected"}, "ghost"),
    ({"name": "order_lost"}, "ghost"),
    ({"name": "order_late", "ms": 60_000}, "ghost"),
    ({"name": "cancel_ignored"}, "orphan"),
    ({"name": "cancel_ignored", "terminal": "none"}, "orphan"),
    ({"name": "cancel_late", "ms": 60_000}, "orphan"),
    ({"name": "balance_after_cancel"}, "missing"),
    ({"name": "query_order_404"}, "double"),
    ({"name": "open_orders_stale"}, "adopted"),
    ({"name": "trades_lag"}, "history"),
    ({"name": "trade_duplicate"}, "position"),
    ({"name": "trade_zero_qty"}, "fills"),
    ({"name": "trade_split"}, "unique"),
    ({"name": "trade_before_order"}, "position"),
    ({"name": "trade_after_order", "ms": 700}, "hedge"),
    ({"name": "position_wrong"}, "told_position"),
    ({"name": "position_late", "ms": 60_000}, "told_position"),
    ({"name": "position_flat_rows"}, "flat"),
    ({"name": "book_locked"}, "crash"),
    ({"name": "book_crossed"}, "stale"),
    ({"name": "book_one_sided", "missing": "bid"}, "crash"),
    ({"name": "book_empty"}, "crash"),
    ({"name": "book_frozen"}, "stale"),
    ({"name": "book_unsorted"}, "stale"),
    ({"name": "mark_jump", "bps": -150}, "stale"),
    ({"name": "mark_null"}, "crash"),
    ({"name": "trading_halt"}, "missing"),
    ({"name": "trading_halt", "after_s": 2.5, "seconds": 1}, "hedge"),
    ({"name": "tick_change", "price_tick_decimals": 1, "after_s": 1}, "hedge"),
    ({"name": "token_revoked", "after_s": 3.5}, "orphan"),
    ({"name": "token_short"}, "token"),
    ({"name": "login_refused"}, "crash"),
    ({"name": "clock_offset", "ms": 45_000}, "missing"),
    ({"name": "clock_offset", "ms": -20_000}, "clock"),
    ({"name": "time_jump", "by_s": 5, "after_s": 1}, "clock"),
]


async def steps(client: Wired, naive: NaiveClient, ms: float) -> None:
    """Let venue time pass and the naive client hear all of it."""
    await client.step(ms)
    counters = client.handle.exchange.counters
    deadline = time.monotonic() + 10
    while naive.received < counters.frames_sent and not any(reader.done() for reader in naive.readers):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.0005)


async def scenario(client: Wired, naive: NaiveClient) -> None:
    """Ten seconds of a bot's life, each order by one of its habits."""
    await naive.login()
    await naive.connect()
    await heard(client, "ws-api auth:login", 1)
    await steps(client, naive, 500)
    await naive.place("B", "buy", "0.0020", "99990.00")
    await steps(client, naive, 100)
    await naive.check("B", "buy", "0.0020", "99990.00")
    await naive.place_api("A", "buy", "0.0010", "99999.99")
    await naive.place_api("C", "buy", "0.0020", "99980.00")
    await naive.place_api("G", "buy", "0.0010", "100010.00")  # post-only and crossing: rejected
    await heard(client, "ws-api order:new", 3)
    await naive.place("D", "buy", "0.0020", "99970.00")
    await naive.place("E", "buy", "0.0020", "99960.00")
    await steps(client, naive, 1_900)
    await steps(client, naive, 600)  # t = 3.1: A has been filled
    naive.hedged = naive.position
    await steps(client, naive, 900)
    await naive.cancel_api("D")
    await heard(client, "ws-api order:cancel", 1)
    await naive.cancel("E")
    await naive.place("F", "buy", "0.0020", "99950.00")
    await naive.place("H", "buy", "0.0030", "100020.00", "ioc")  # takes
    await steps(client, naive, 1_000)
    await naive.look_around()
    await steps(client, naive, 1_500)
    if naive.position > 0:
        await naive.place("Z", "sell", f"{naive.position:.4f}", "99000.00", "ioc")
    await steps(client, naive, END_MS - 6_500)
    await naive.look_for_position()


async def heard(client: Wired, what: str, count: int) -> None:
    deadline = time.monotonic() + 10
    while client.handle.exchange.counters.requests[what] < count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.0005)


def broken(exchange: Exchange, naive: NaiveClient, began_ns: int) -> set[str]:
    """In what the naive client's beliefs differ from the venue's books."""
    found = set()
    if naive.crash is not None:
        found.add("crash")
    account = exchange.venue.accounts.get(f"solana_{naive.address}")
    if account is None:
        return found | {"missing"}
    lots = account.position_lots("BTC-USD")
    live = {order.client_id for order in account.live.values() if order.status == "open"}
    wanted = {"B", "C", "F"}
    truth = shown_truth(exchange)
    naive.mark = float("nan") if naive.mark is None else naive.mark
    checks = {
        "position": round(naive.position * 10_000) != lots,
        "told_position": round(naive.told_position * 10_000) != lots,
        "unique": round(sum(map(abs, naive.unique.values())) * 10_000) != sum(t.size * 10_000 for t in account.trades),
        "fills": naive.fills != len(account.trades),
        "hedge": getattr(naive, "hedged", None) != 0.001,
        "orphan": bool(live - set(naive.working)),
        "ghost": bool(set(naive.working) - live),
        "adopted": bool({"D", "E"} & set(naive.adopted)) and not {"D", "E"} & live,
        "double": len({name[0] for name in account.by_client_id}) < len(account.by_client_id),
        "missing": not all(any(name.startswith(letter) for name in live) for letter in wanted),
        "history": naive.history != sum(1 for trade in account.trades if trade.ts_ns < began_ns + 5_100 * MS),
        "flat": naive.rows != bool(lots),
        "stale": (naive.bid, naive.ask) != truth[:2] or not abs(naive.mark - truth[2]) < truth[2] * 1e-4,
        "token": naive.expires - token_expiry(naive.token) > 60,
        "clock": naive.venue_time is not None and abs(seconds_of(naive.venue_time) - began_ns / 1e9 - 9.0) > 1.0,
    }
    return found | {name for name, is_broken in checks.items() if is_broken}


def shown_truth(exchange: Exchange) -> tuple[float, float, float]:
    """Best shown bid and ask, and the mark, from the venue itself."""
    update = exchange.venue.book_update("BTC-USD")
    mark = exchange.venue.mark_ticks("BTC-USD")
    assert mark is not None
    return (update.bids[0][0] // 10 / 10, update.asks[0][0] // 10 / 10, mark / 100)


def token_expiry(token: str) -> float:
    return float(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==="))["exp"])


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text[:26] + "+00:00").timestamp()


async def lived(fault: dict[str, Any] | None) -> tuple[set[str], Exception | None]:
    """What is broken after the scenario, and what the client died of."""
    options: dict[str, Any] = {"shuffle_private": False, "rate_limits": False, "balance": Decimal(100_000)}
    async with served(scripted=ScriptedMarket(SCRIPT), wired=False, manual=True, **options) as client:
        exchange = client.handle.exchange
        began_ns = exchange.venue.now_ns
        if fault is not None:
            await client.control("faults", fault)
        naive = NaiveClient(client.handle.url)
        try:
            try:
                await scenario(client, naive)
            except (KeyError, RuntimeError, OSError, aiohttp.ClientError) as error:
                naive.crash = error
            return broken(exchange, naive, began_ns), naive.crash
        finally:
            await naive.stop()


async def test_naive_client_survives_an_ordinary_venue() -> None:
    """Without a fault every belief of the naive client is right: what breaks it below is the fault."""
    assert await lived(None) == (set(), None)


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=lambda value: str(value)[:60])
async def test_fault_breaks_the_naive_client(fault: dict[str, Any], expected: str) -> None:
    """The fault takes hold and the naive client ends with just that kind of wrong belief among others.

    What a client hears when is up to the machine's scheduling: on a loaded one it may get away with it now and then, so
    it lives up to three times.
    """
    found, crash = await lived(fault)
    for _ in range(LIVES - 1):
        if expected not in found:
            found, crash = await lived(fault)
    assert expected in found, repr(crash)


def test_every_fault_has_its_victim() -> None:
    """No entry of the catalogue is left without a row above; there are more than 25."""
    assert {fault["name"] for fault, _ in FAULTS} == set(BY_NAME)
    assert len(CATALOGUE) == len(BY_NAME) >= 25
