"""The StandX connector at the venue's rate limits: nothing refused in steady state, cancels first, one bucket."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

import pytest
from hummingbot.connector.derivative.standx_perpetual.standx_perpetual_requests import CANCEL_WAIT_P99_S
from hummingbot.core.data_type.common import OrderType, PositionAction

from hummingbot_extensions.core.types import OrderOutcome
from tests.support import warp
from tests.support.driven_market import DrivenMarket
from tests.support.running import PAIR, bench, connector_for, near_price, running, until


def test_two_connectors_of_one_account_meet_no_refusal() -> None:
    """A28, X20: two connectors that place and cancel as fast as they can for 20 s share one bucket: zero 429."""

    async def scenario() -> None:
        async with (
            bench(DrivenMarket(max_open_orders=1000), rate_limits=True, max_new_sockets_per_minute=100) as b,
            running(connector_for(b.handle.credentials)) as second,
        ):
            assert b.connector._bucket is second.connector._bucket
            # Two starts in one virtual second are 51 requests, one more than an IP may make; a boot takes longer.
            await asyncio.sleep(2)
            before = b.handle.exchange.counters.too_many_requests
            deadline_s = time.monotonic() + 20
            while time.monotonic() < deadline_s:
                for connector in (b.connector, second.connector):
                    if connector._bucket.waiting < 40:
                        order_id = connector.buy(
                            PAIR, Decimal("0.001"), OrderType.LIMIT_MAKER, near_price(connector, "buy", Decimal(9)),
                            position_action=PositionAction.OPEN,
                        )  # fmt: skip
                        connector.cancel(PAIR, order_id)
                await asyncio.sleep(0.05)
            sent = sum(b.handle.exchange.counters.requests.values())
            assert sent > 300
            assert b.handle.exchange.counters.too_many_requests == before

    warp.run(scenario())


def test_cancels_go_first_in_a_storm(capsys: pytest.CaptureFixture[str]) -> None:
    """A29: with 200 placements queued, single cancels wait for their credits no longer than CANCEL_WAIT_P99_S."""

    async def scenario() -> list[float]:
        async with bench(DrivenMarket(max_open_orders=1000), rate_limits=True) as b:
            resting = [await b.rest("buy", "0.001", str(5 + number)) for number in range(20)]
            await asyncio.sleep(2)
            for number in range(200):
                b.place("sell", "0.001", near_price(b.connector, "sell", Decimal(5 + number)))
            await asyncio.sleep(0)
            waits = []
            acquire = b.connector._bucket.acquire

            async def timed(cost: float, is_urgent: bool = False) -> None:
                began_s = time.monotonic()
                await acquire(cost, is_urgent)
                if is_urgent:
                    waits.append(time.monotonic() - began_s)

            b.connector._bucket.acquire = timed
            assert await until(lambda: b.connector._bucket.waiting > 150)
            for order_id in resting:
                b.connector.cancel(PAIR, order_id)
                await asyncio.sleep(0.06)
            assert b.connector._bucket.waiting > 100
            await until(lambda: not set(resting) & b.open_ids, 5.0)
            assert b.handle.exchange.counters.too_many_requests == 0
            return waits

    waits = sorted(warp.run(scenario()))
    p99 = waits[min(len(waits) - 1, int(0.99 * len(waits)))]
    with capsys.disabled():
        p50 = waits[len(waits) // 2]
        print(f"\ncancel wait under 200 queued placements: n={len(waits)} p50={p50:.3f} p99={p99:.3f} s")
    assert len(waits) >= 20 and p99 <= CANCEL_WAIT_P99_S


@pytest.mark.parametrize("way", ["cancel_all", "one by one"])
def test_many_cancels_take_two_requests_at_most(way: str) -> None:
    """G17: 36 cancels that are due at once go with at most two requests."""

    async def scenario() -> None:
        async with bench(DrivenMarket(max_open_orders=1000)) as b:
            ids = [
                b.place("buy", "0.001", near_price(b.connector, "buy", Decimal(5 + number))) for number in range(36)
            ]
            await until(lambda: set(ids) == b.open_ids)
            before = dict(b.handle.exchange.counters.requests)
            if way == "cancel_all":
                results = await b.connector.cancel_all(10.0)
                assert {result.order_id for result in results if result.success} == set(ids)
            else:
                for order_id in ids:
                    b.connector.cancel(PAIR, order_id)
            await until(lambda: len(b.watched.cancels) == 36)
            requests = b.handle.exchange.counters.requests
            names = [name for name in requests if "cancel" in name]
            assert sum(requests[name] - before.get(name, 0) for name in names) <= 2, dict(requests)
            assert not b.open_ids

    warp.run(scenario())


@pytest.mark.parametrize("path", ["/api/cancel_orders", "/api/query_open_orders"])
def test_a_429_is_waited_out_and_nothing_is_lost(path: str) -> None:
    """A28: a 429 all the same: the request is made again after the penalty, and takes effect once."""

    async def scenario() -> None:
        async with bench() as b:
            ids = [await b.rest("buy", "0.001", str(5 + number)) for number in range(3)]
            b.handle.exchange.arm({"name": "http_status", "status": 429, "endpoint": path, "count": 2})
            began_s = time.monotonic()
            await b.connector.cancel_many(ids)
            await b.connector._update_order_status()
            assert time.monotonic() - began_s >= 2.0
            await until(lambda: len(b.watched.cancels) == 3)
            assert not b.open_ids

    warp.run(scenario())


@pytest.mark.parametrize("fault", ["http_timeout", "http_reset", "http_status"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_no_failure_of_a_request_makes_a_second_order(fault: str, when: str) -> None:
    """A26: whatever becomes of the answer to a placement, the venue has one order or none, and the bot knows which."""

    async def scenario() -> None:
        async with bench() as b:
            b.handle.exchange.arm({"name": "socket_refused"})
            b.handle.exchange.arm({"name": "socket_drop", "socket": "api"})
            await until(lambda: not b.connector._order_entry.is_usable)
            b.handle.exchange.arm({"name": fault, "when": when, "endpoint": "/api/new_order"})
            order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
            await asyncio.sleep(2)
            b.handle.exchange.faults.disarm("socket_refused", None)
            await asyncio.sleep(40)
            placed = b.account()["orders_placed"]
            assert placed == (1 if when == "after" else 0)
            assert b.open_ids == ({order_id} if placed else set())
            expected = OrderOutcome.ACCEPTED if placed else OrderOutcome.REJECTED
            assert b.connector.order_outcome(order_id) is expected
            assert not b.connector.has_unknown_orders
            assert b.handle.exchange.counters.requests["POST /api/new_order"] == 1

    warp.run(scenario())
