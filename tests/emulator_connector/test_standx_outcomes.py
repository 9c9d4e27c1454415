"""Orders of the StandX connector whose answers contradict each other, lie, or come when all is over."""

from __future__ import annotations

import asyncio
import logging
import random
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.in_flight_order import OrderState

from hummingbot_extensions.connector.errors import PostOnlyRejected
from hummingbot_extensions.core.types import OrderOutcome, Side, TimeInForce
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import PAIR, Bench, bench, near_price, until


def _hit(b: Bench, lots: int = 100) -> None:
    b.market.outside(Side.SELL, MID_TICKS - 5, lots, TimeInForce.IOC)


def test_a_rejected_order_that_fills_is_booked_once() -> None:
    """A22: the venue calls an order rejected that is there, and it fills: one fill, everywhere."""

    async def scenario() -> None:
        async with bench() as b:
            fills: list[Any] = []
            b.connector.add_fill_listener(PAIR, fills.append)
            b.handle.exchange.arm({"name": "terminal_false_rejection", "count": 1})
            b.handle.exchange.arm({"name": "frame_delay", "channel": "order", "ms": 50})
            order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal("-0.005")))
            await until(lambda: order_id in b.open_ids)
            _hit(b)
            await asyncio.sleep(40)
            assert [(fill.client_order_id, fill.size) for fill in fills] == [(order_id, Decimal("0.0100"))]
            assert len(b.watched.fills) == 1 and b.account()["fills"] == 1
            assert b.connector.account_positions[PAIR].amount == Decimal("0.01")

    warp.run(scenario())


@pytest.mark.parametrize("order_frame_ms", [0, 200])
def test_a_rejected_order_that_rests_is_cancelled_at_once(order_frame_ms: int) -> None:
    """A22: it rests although it was called rejected: cancelled within a second; unless the account had shown it before,
    then the rejection is not believed.
    """

    async def scenario() -> None:
        async with bench() as b:
            await asyncio.sleep(2)
            b.handle.exchange.arm({"name": "terminal_false_rejection", "count": 1})
            b.handle.exchange.arm({"name": "frame_delay", "channel": "order", "ms": order_frame_ms})
            order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
            await until(lambda: order_id in b.open_ids)
            await asyncio.sleep(1)
            if b.watched.failures:
                assert order_id not in b.open_ids
            assert b.watched.failures or not order_frame_ms
            await asyncio.sleep(30)
            assert not b.connector.leftover_orders(PAIR) and not b.connector.has_unknown_orders
            assert (order_id in b.open_ids) == (order_id in b.connector.in_flight_orders)

    warp.run(scenario())


def test_a_success_that_was_none_ends(caplog: pytest.LogCaptureFixture) -> None:
    """The venue calls a rejected order a success: after the time in which a 404 may lie it ends as failed, quietly."""

    async def scenario() -> None:
        async with bench() as b:
            b.handle.exchange.arm({"name": "terminal_false_success", "count": 1})
            order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(-3)))
            await asyncio.sleep(CONSTANTS.NOT_FOUND_BELIEVED_AFTER_S - 1)
            assert order_id in b.connector.in_flight_orders
            await until(lambda: b.watched.failures, 10.0)
            await asyncio.sleep(30)
            assert b.connector.order_outcome(order_id) is OrderOutcome.REJECTED
            assert not b.connector.in_flight_orders and not b.connector.has_unknown_orders

    with caplog.at_level(logging.WARNING):
        warp.run(scenario())
    assert not [record for record in caplog.records if "contradicted" in record.getMessage()]


@pytest.mark.parametrize("late_ms", [25_000, 60_000])
def test_an_order_that_arrives_after_it_was_given_up_is_found_and_cancelled(late_ms: int) -> None:
    """Its 404 was believed; when it appears after all, Hummingbot may have forgotten it: cancelled within a second."""

    async def scenario() -> None:
        async with bench() as b:
            b.handle.exchange.arm({"name": "terminal_missing"})
            b.handle.exchange.arm({"name": "order_late", "ms": late_ms})
            order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
            await until(lambda: b.watched.failures, 30.0)
            b.handle.exchange.faults.disarm(None, None)
            shown = b.handle.exchange.venue.accounts[b.user].orders
            await until(lambda: any(order.shown_ns is not None for order in shown.values()), 90.0)
            await until(lambda: order_id not in b.open_ids, 1.0, "cancelled")
            await asyncio.sleep(20)
            assert not b.open_ids and not b.connector.leftover_orders(PAIR)

    warp.run(scenario())


def test_an_accepted_cancel_frees_nothing() -> None:
    """A21: between the accepted frame and the final one the order is in flight and may fill; its fill is booked."""

    async def scenario() -> None:
        async with bench(cancel_delay_ms=2_000.0) as b:
            order_id = await b.rest("buy", "0.01", "-0.005")
            b.connector.cancel(PAIR, order_id)
            await until(lambda: b.order(order_id).is_pending_cancel_confirmation)
            assert order_id in b.connector.in_flight_orders and not b.watched.cancels
            _hit(b)
            await until(lambda: b.watched.fills)
            await until(lambda: b.order(order_id).current_state is OrderState.FILLED)
            await asyncio.sleep(15)
            assert not b.watched.cancels and len(b.watched.fills) == 1

    warp.run(scenario())


def test_a_silent_spell_leaves_no_warnings_behind(caplog: pytest.LogCaptureFixture) -> None:
    """Orders are cancelled while no answer comes; the account shows them gone: no warning about them comes later."""

    async def scenario() -> None:
        async with bench() as b:
            ids = [await b.rest("buy", "0.01", str(5 + number)) for number in range(2)]
            b.handle.exchange.arm({"name": "silence", "socket": "api", "seconds": 20})
            for order_id in ids:
                b.connector.cancel(PAIR, order_id)
            await until(lambda: len(b.watched.cancels) == 2, 8.0)
            caplog.clear()
            await asyncio.sleep(40)

    with caplog.at_level(logging.WARNING):
        warp.run(scenario())
    said = [record.getMessage() for record in caplog.records]
    assert not [text for text in said if "Failed to cancel" in text or "outcome unknown" in text], said


def test_lost_orders_leave_no_record_open() -> None:
    """Leak: an order that Hummingbot calls lost is closed in our book too, and unknown no more."""

    async def scenario() -> None:
        async with bench() as b:
            order_id = await b.rest()
            order = b.connector._order_tracker.active_orders[order_id]
            b.handle.exchange.arm({"name": "query_order_404", "ms": 600_000})
            b.handle.exchange.venue.accounts[b.user].orders.pop(order.exchange_order_id, None)
            for _ in range(4):
                await b.connector._order_tracker.process_order_not_found(order_id)
            assert order_id in b.connector._order_tracker.lost_orders
            await until(lambda: order_id not in b.open_ids, 15.0)
            b.handle.exchange.faults.disarm(None, None)
            await asyncio.sleep(60)
            assert order_id not in b.connector._order_tracker.lost_orders
            assert b.connector._outcomes.record(order_id).is_terminal
            assert not b.connector.has_unknown_orders

    warp.run(scenario())


_LEGAL = {
    OrderState.PENDING_CREATE: set(OrderState),
    OrderState.OPEN: set(OrderState) - {OrderState.PENDING_CREATE},
    OrderState.PARTIALLY_FILLED: set(OrderState) - {OrderState.PENDING_CREATE, OrderState.OPEN},
    OrderState.PENDING_CANCEL: set(OrderState) - {OrderState.PENDING_CREATE},
    OrderState.CANCELED: {OrderState.CANCELED},
    OrderState.FILLED: {OrderState.FILLED},
    OrderState.FAILED: {OrderState.FAILED, OrderState.OPEN},  # revived: called rejected, and rests
}


@pytest.mark.parametrize("seed", range(8))
def test_no_order_of_events_makes_an_illegal_transition(seed: int) -> None:
    """G12: true frames of an order's life, replayed in any order and number: no final state is ever left (but for a
    rejected order that rests), fills add up once, and the end is the venue's.
    """

    async def scenario() -> None:
        rng = random.Random(seed)
        async with bench() as b:
            frames: list[tuple[str, Any]] = []
            send = b.handle.exchange._send_private

            def kept(rows: list[tuple[str, str, Any]], ts_ns: int) -> None:
                frames.extend((channel, data) for _, channel, data in rows if channel in ("order", "trade"))
                send(rows, ts_ns)

            b.handle.exchange._send_private = kept
            order_id = await b.rest("buy", "0.05", "-0.005")
            order = b.order(order_id)
            states = [order.current_state]
            for step in range(3):
                if step < 2:
                    _hit(b, 100)
                elif rng.random() < 0.5:
                    b.connector.cancel(PAIR, order_id)
                else:
                    _hit(b, 300)
                await asyncio.sleep(rng.choice((0.0, 0.05)))
                for _ in range(12):
                    channel, data = rng.choice(frames)
                    b.connector._user_stream_tracker.user_stream.put_nowait({"channel": channel, "data": data})
                    await asyncio.sleep(0)
                    states.append(order.current_state)
            await asyncio.sleep(5)
            states.append(order.current_state)
            for before, after in zip(states, states[1:], strict=False):
                assert after in _LEGAL[before], (seed, before, after)
            venue = next(o for o in b.handle.exchange.venue.accounts[b.user].orders.values())
            assert order.current_state.name == {"canceled": "CANCELED", "filled": "FILLED"}[venue.status.value]
            assert sum(fill.amount for fill in b.watched.fills) == sum(
                trade.size for trade in b.handle.exchange.venue.accounts[b.user].trades
            )

    warp.run(scenario())


def test_a_revived_order_is_exposure_until_its_late_cancel_is_through() -> None:
    """Seed 783 of the chaos machine: the failure, still on its way into Hummingbot, dropped the revived order again, so
    that three orders of one side stood at the venue and one was counted.
    """

    async def scenario() -> None:
        async with bench() as b:
            b.handle.exchange.arm({"name": "terminal_missing"})
            b.handle.exchange.arm({"name": "frame_drop", "channel": "order"})
            b.handle.exchange.arm({"name": "cancel_late", "ms": 5_000, "count": 1})
            order_id = b.place("sell", "0.01", near_price(b.connector, "sell", Decimal(5)))
            await until(lambda: order_id in b.open_ids)
            row = await b.connector._query_order(order_id)
            b.handle.exchange.faults.disarm("frame_drop")
            # A poll may have shown the order already; here the refusal is the first word on it.
            record = b.connector._outcomes.record(order_id)
            record.is_seen, record.outcome = False, OrderOutcome.PENDING
            # Both in one turn of the loop, as two sockets may bring them.
            b.connector._on_refused(order_id, PostOnlyRejected(400, "alo order rejected"))
            await b.connector._apply_order_row(row, is_from_stream=True)
            await until(lambda: b.watched.failures, what="called rejected")
            while order_id in b.open_ids:
                left = b.connector.leftover_orders(PAIR)
                assert [one.client_order_id for one in left] == [order_id] and left[0].remaining == Decimal("0.01")
                await asyncio.sleep(0.05)
            await until(lambda: not b.connector.leftover_orders(PAIR), 5.0, "gone")

    warp.run(scenario())
