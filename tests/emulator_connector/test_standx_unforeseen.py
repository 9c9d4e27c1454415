"""Answers that nobody can read and orders that are taken back before they are sent: neither is guessed at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web as server
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_web_utils as web
from hummingbot.connector.derivative.standx_perpetual.standx_perpetual_parse import rows_of
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.web_assistant.connections.data_types import RESTMethod

from hummingbot_extensions.connector.errors import Transient, Unknown
from hummingbot_extensions.core.types import OrderOutcome
from tests.support import warp
from tests.support.running import DOMAIN, PAIR, bench, emulator_url, near_price, until


@asynccontextmanager
async def _answering(status: int, body: bytes) -> AsyncIterator[None]:
    """A venue that gives one answer to everything."""

    async def answer(_: server.Request) -> server.Response:
        return server.Response(status=status, body=body, content_type="application/json", charset="utf-8")

    app = server.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = server.AppRunner(app)
    await runner.setup()
    site = server.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with emulator_url(f"http://{host}:{port}"):
            yield
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"\xff\xfe{\x80}"),
        (200, b"[" * 200_000),
        (200, b'{"code":500,"message":"internal error"}'),
        (200, b'{"code":503,"message":"busy"}'),
        (408, b'{"code":408,"message":"timeout"}'),
        (400, b"\xff\xfe"),
    ],
    ids=["not text", "too deep", "code 500", "code 503", "408", "refusal that is not text"],
)
async def test_an_answer_that_decides_nothing_leaves_a_write_unknown(status: int, body: bytes) -> None:
    """DEC-8: a body that cannot be read or that speaks of the server's own trouble does not refuse an order; a read is
    made again.
    """
    async with _answering(status, body):
        factory = web.build_api_factory()
        with pytest.raises(Unknown):
            await web.request_json(factory, CONSTANTS.NEW_ORDER_PATH, DOMAIN, method=RESTMethod.POST, body={"a": 1})
        with pytest.raises(Transient):
            await web.request_json(factory, CONSTANTS.QUERY_ORDER_PATH, DOMAIN)


@pytest.mark.parametrize("reply", ["ok", 7, {}, {"code": 0, "message": "success"}, {"result": "none"}, {"result": {}}])
def test_a_reply_without_a_list_is_not_an_empty_list(reply: Any) -> None:
    """No list says nothing: neither that no order is open nor that there is no position."""
    with pytest.raises(Transient):
        rows_of(reply)


@pytest.mark.parametrize("reply", [[], {"result": []}, {"result": None, "total": 0}])
def test_an_empty_list_is_one(reply: Any) -> None:
    """The forms in which the venue says that there is nothing."""
    assert rows_of(reply)[0] == []


def test_an_unforeseen_failure_after_sending_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A20: whatever goes wrong in our own code once an order may have left, the order is asked for, not given up."""
    real = web.request_json

    async def failing(factory: Any, path: str, *args: Any, **kwargs: Any) -> Any:
        reply = await real(factory, path, *args, **kwargs)
        if path == CONSTANTS.NEW_ORDER_PATH:
            raise LookupError("something that nobody has thought of")
        return reply

    monkeypatch.setattr(web, "request_json", failing)

    async def scenario() -> None:
        async with bench() as b:
            b.connector._order_entry.connected.clear()
            order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
            await until(lambda: b.connector.order_outcome(order_id) is OrderOutcome.ACCEPTED, 10.0, "found")
            assert order_id in b.open_ids and order_id in b.connector.in_flight_orders and not b.watched.failures

    warp.run(scenario())


def test_a_server_error_on_the_order_socket_is_no_refusal() -> None:
    """DEC-8: a final frame with a code of the 500s leaves the order unknown until the account has told."""

    async def scenario() -> None:
        async with bench() as b:
            take = b.connector._order_entry._take

            def broken(link: Any, frame: Any) -> None:
                if isinstance(frame, dict) and frame.get("request_id") and "accepted" not in frame.values():
                    frame = {**frame, "code": 500, "message": "internal error"}
                take(link, frame)

            b.connector._order_entry.life.link._on_frame = broken
            b.handle.exchange.arm({"name": "frame_drop", "channel": "order"})
            order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
            await until(lambda: b.connector.order_outcome(order_id) is OrderOutcome.ACCEPTED, 20.0, "found")
            assert order_id in b.open_ids and order_id in b.connector.in_flight_orders and not b.watched.failures

    warp.run(scenario())


@pytest.mark.parametrize("is_socket_up", [True, False])
@pytest.mark.parametrize("waits_s", [3.0, 30.0])
def test_an_order_cancelled_before_it_was_sent_is_not_sent(waits_s: float, is_socket_up: bool) -> None:
    """An order that waits for its turn and is cancelled meanwhile never reaches the venue, and ends cancelled."""

    async def scenario() -> None:
        async with bench() as b:
            if not is_socket_up:
                b.connector._order_entry.connected.clear()
            # As after a 429 with every credit spent.
            b.connector._bucket.penalise(waits_s)
            order_ids = [b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5))) for _ in range(2)]
            await asyncio.sleep(0.5)
            for order_id in order_ids:
                b.connector.cancel(PAIR, order_id)
            await asyncio.sleep(waits_s + 30)
            assert b.account()["orders_placed"] == 0 and not b.watched.created
            assert {event.order_id for event in b.watched.cancels} == set(order_ids) and not b.watched.failures
            assert not b.connector.in_flight_orders and not b.connector.has_unknown_orders

    warp.run(scenario())


def test_a_close_that_need_not_be_clipped_after_all_is_tracked_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A close that was clipped while it waited, and goes out in full because the position grew, counts in full."""

    async def scenario() -> None:
        async with bench() as b:
            b.place("buy", "0.03", None, OrderType.MARKET)
            await until(lambda: b.watched.fills and b.account()["positions"])
            await until(lambda: b.connector.position_bounds(PAIR)[0] == Decimal("0.03"))
            bounds = b.connector._position_bounds_or_none
            seen = iter([(Decimal("0.01"), Decimal("0.01"))])
            monkeypatch.setattr(b.connector, "_position_bounds_or_none", lambda pair: next(seen, None) or bounds(pair))
            price = near_price(b.connector, "sell", Decimal(5))
            order_id = b.place("sell", "0.03", price, OrderType.LIMIT_MAKER, PositionAction.CLOSE)
            await until(lambda: order_id in b.open_ids)
            (row,) = b.account()["open_orders"]
            assert Decimal(row["qty"]) == b.order(order_id).amount == Decimal("0.03")

    warp.run(scenario())
