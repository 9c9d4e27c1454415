"""What the emulator costs: order round trips over loopback, and the venue's own steps. Run as a script; prints figures.

python tests/bench/bench_emulator.py
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).parents[1] / "emulator"))

from scripted_client import order_body, served
from scripted_market import MS, SECOND, START_NS, Outside, ScriptedMarket, quiet_book

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.venue import Venue

ROUNDS = 300
TAKERS = [Outside(t * 100 * MS, (Side.BUY, Side.SELL)[t % 2], None, 1, TimeInForce.IOC) for t in range(1, 6_000)]


def line(what: str, samples_s: list[float]) -> str:
    worst = quantiles(samples_s, n=100)[98]
    return f"{what:<46} p50 {median(samples_s) * 1e3:7.2f} ms   p99 {worst * 1e3:7.2f} ms   n {len(samples_s)}"


async def round_trips() -> None:
    """Place and cancel over REST (ACK) and over ws-api (terminal frame), with no configured delay."""
    rest: list[float] = []
    api: list[float] = []
    async with served(rate_limits=False, balance=Decimal(10_000_000)) as client:
        for number in range(ROUNDS):
            began = time.perf_counter()
            await client.order("buy", "0.001", "99990", cl_ord_id=f"r{number}")
            rest.append(time.perf_counter() - began)
            await client.post("/api/cancel_order", {"cl_ord_id": f"r{number}"})
        for number in range(ROUNDS):
            began = time.perf_counter()
            await client.api_outcome(
                "order:new", order_body("buy", "0.001", "99990", cl_ord_id=f"w{number}"), f"n{number}"
            )
            api.append(time.perf_counter() - began)
            await client.api_outcome("order:cancel", {"cl_ord_id": f"w{number}"}, f"c{number}")
            client.api.texts.clear()
            client.stream.texts.clear()
    print(line("REST new_order, request to ACK", rest))
    print(line("ws-api order:new, send to terminal frame", api))


def venue_minutes(minutes: int = 10) -> None:
    """Venue time per wall second with ten prints a second, a mark every 50 ms and a book every 250 ms."""
    venue = Venue({"BTC-USD": ScriptedMarket([*quiet_book(lots=1_000_000), *TAKERS])})
    began = time.perf_counter()
    events = venue.advance(START_NS + minutes * 60 * SECOND)
    spent_s = time.perf_counter() - began
    print(
        f"venue: {minutes * 60 / spent_s:,.0f} venue s per s, {len(events):,} events in {spent_s:.2f} s"
    )


async def idle_cost(seconds: float = 5.0) -> None:
    """CPU of serving both sockets with all channels at speed 1."""
    async with served(TAKERS) as client:
        for channel in ("price", "depth_book", "public_trade"):
            await client.subscribe(channel)
        before = time.process_time()
        await asyncio.sleep(seconds)
        used = (time.process_time() - before) / seconds
    print(f"serving at speed 1, client included: {used:.1%} of a core, {json.dumps(len(client.stream.texts))} frames")


if __name__ == "__main__":
    asyncio.run(round_trips())
    venue_minutes()
    asyncio.run(idle_cost())
