"""The venue's clock and the delays of frames, as the connector measures them, in time that leaps."""

from __future__ import annotations

import asyncio
import logging
import time
from decimal import Decimal

import pytest

from hummingbot_extensions.core.types import Side, TimeInForce
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import PAIR, Bench, bench, near_price, until


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def traded(b: Bench, count: int, every_s: float = 0.25) -> int:
    """Place ``count`` orders a moment apart and cancel each, with the book moving; how many were refused."""
    before = b.handle.exchange.counters.bad_signatures
    for _ in range(count):
        b.market.outside(Side.BUY, MID_TICKS - 205, 1)
        order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await asyncio.sleep(every_s / 2)
        if order_id in b.connector.in_flight_orders:
            b.connector.cancel(PAIR, order_id)
        await asyncio.sleep(every_s / 2)
    return b.handle.exchange.counters.bad_signatures - before


@pytest.mark.parametrize("offset_s", [31.0, -31.0, 3600.0])
def test_a_venue_clock_that_leaps_costs_a_second_of_orders(offset_s: float, caplog: pytest.LogCaptureFixture) -> None:
    """A32: one WARNING; signatures follow within 1 s, so that of 60 orders at 4 a second at most 4 are refused, and
    the key is blamed for none of it; a leap back is one line more.
    """

    async def scenario() -> None:
        async with bench() as b:
            assert await traded(b, 10) == 0
            with caplog.at_level(logging.INFO):
                b.handle.exchange.arm({"name": "clock_offset", "ms": offset_s * 1000})
                refused = await traded(b, 60)
                assert await traded(b, 20) == 0, "still refused after 15 s"
                assert refused <= 4 and b.connector._auth.problem is None
                reading = b.connector.clock_reading()
                assert abs(reading.local_offset_ms - offset_s * 1000) < 5 and reading.jumps == 1
                said = [line for line in warnings_of(caplog) if "clock" in line or "key" in line]
                assert len(said) == 1 and "clocks differ" in said[0], said
                b.handle.exchange.faults.disarm("clock_offset")
                refused_back = await traded(b, 60)
                assert refused_back <= 4 and await traded(b, 20) == 0
                assert len([line for line in warnings_of(caplog) if "clock" in line or "key" in line]) == 1
            assert not b.connector._auth.problem and b.connector.ready
            await until(lambda: not b.open_ids, 20.0, "all cancelled")
            age_ms = (time.monotonic_ns() - b.connector.price_state(PAIR).received_mono_ns) / 1e6
            assert age_ms < 4_000, "prices of the leapt clock are taken"
            print(f"\nclock leaps by {offset_s} s: requests refused {refused}, and {refused_back} on the way back")

    warp.run(scenario())


@pytest.mark.parametrize("by_s", [3600.0, -3600.0])
def test_a_local_clock_that_is_set_changes_nothing_but_a_line(by_s: float, caplog: pytest.LogCaptureFixture) -> None:
    """A32: the wall jumps by an hour: no request is refused, no age changes, one WARNING says so."""

    async def scenario() -> None:
        async with bench() as b:
            # The venue has its own wall clock.
            clock, wall_s = warp.clock(), time.time()
            began = clock.monotonic()
            b.handle.exchange.wall_s = lambda: wall_s + clock.monotonic() - began
            assert await traded(b, 4) == 0
            with caplog.at_level(logging.WARNING):
                clock.jump_wall(by_s)
                assert await traded(b, 100) == 0
                assert b.connector.ready and b.connector.private_stream_age_ms() < 6_100
                said = [line for line in warnings_of(caplog) if "clock" in line]
                assert len(said) == 1 and f"venue_minus_local_s={-by_s:.1f}" in said[0], said
            assert abs(b.connector.clock_reading().local_offset_ms + by_s * 1000) < 5

    warp.run(scenario())


def test_a_slow_local_clock_signs_from_the_first_request(caplog: pytest.LogCaptureFixture) -> None:
    """A machine two minutes slow starts, says so once, and not one request of it is refused."""

    async def scenario() -> None:
        with caplog.at_level(logging.WARNING):
            async with bench(faults=[{"name": "clock_offset", "ms": 120_000}]) as b:
                assert await traded(b, 8) == 0 and b.handle.exchange.counters.bad_signatures == 0
        assert len([line for line in warnings_of(caplog) if "clocks differ" in line]) == 1

    warp.run(scenario())


@pytest.mark.parametrize("delay_ms", [0.0, 80.0, 700.0])
def test_latency_is_the_injected_delay(delay_ms: float) -> None:
    """A31: each leg's median and worst delay is what was added to its frames within 5 ms, the venue's clock off."""

    async def scenario() -> None:
        faults = [{"name": "clock_offset", "ms": 12_345}]
        if delay_ms:
            faults.append({"name": "frame_delay", "ms": delay_ms})
        async with bench(faults=faults) as b:
            for number in range(20):
                b.market.outside(Side.BUY, MID_TICKS - 205, 1)
                b.place("buy", "0.01", Decimal("99999.96"))
                await asyncio.sleep(1.0 + delay_ms / 1000)
                b.market.outside(Side.SELL, MID_TICKS - 4, 100, TimeInForce.IOC)
                await asyncio.sleep(0.3)
                assert number < 40
            await until(lambda: len(b.watched.fills) == 20, 10.0, "fills")
            latency = b.connector.latency()
            for leg in (latency.book, latency.price, latency.trade, latency.order, latency.fill):
                assert leg is not None and leg.count >= 8
                assert abs(leg.p50_ms - delay_ms) <= 5 and abs(leg.worst_ms - delay_ms) <= 5, latency
            assert latency.uncertainty_ms < 5

    warp.run(scenario())
