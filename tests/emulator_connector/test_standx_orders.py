"""Orders of the StandX connector against the emulator over real sockets."""

from __future__ import annotations

import logging
import random
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.standx_perpetual.standx_perpetual_order_entry import CommandKind
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.event.events import MarketEvent

from hummingbot_extensions.core.types import OrderOutcome, Side
from hummingbot_extensions.emulator.faults import HttpFault
from tests.support.driven_market import MID_TICKS
from tests.support.running import PAIR, SYMBOL, bench, connector_for, near_price, running, until

pytestmark = pytest.mark.asyncio


async def test_order_reaches_the_venue_as_asked() -> None:
    """A1: the venue holds the order with the very price and size strings, post-only, under our client id; all signed
    right.
    """
    async with bench() as b:
        price = near_price(b.connector, "sell", Decimal(7))
        order_id = b.place("sell", "0.0123", price)
        await until(lambda: order_id in b.open_ids)
        row = b.account()["open_orders"][0]
        assert (row["price"], row["qty"], row["side"], row["time_in_force"]) == (str(price), "0.0123", "sell", "alo")
        assert (row["order_type"], row["reduce_only"], row["symbol"]) == ("limit", False, SYMBOL)
        assert order_id.startswith(b.connector.owner_tag)
        await until(lambda: b.watched.created)
        assert b.watched.created[0].exchange_order_id == str(row["id"])
        assert b.connector.order_outcome(order_id) is OrderOutcome.ACCEPTED
        assert b.connector.last_order_wire_ns(order_id) > 0
        assert b.handle.exchange.counters.bad_signatures == 0


async def test_every_order_type_maps_to_its_time_in_force() -> None:
    """LIMIT rests as gtc, MARKET takes as ioc without a price, CLOSE is reduce-only."""
    async with bench() as b:
        b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(20)), OrderType.LIMIT)
        await until(lambda: b.account()["open_orders"])
        assert b.account()["open_orders"][0]["time_in_force"] == "gtc"
        b.place("buy", "0.02", None, OrderType.MARKET)
        await until(lambda: b.watched.events(MarketEvent.BuyOrderCompleted))
        closing = b.place("sell", "0.02", near_price(b.connector, "sell", Decimal(9)), action=PositionAction.CLOSE)
        await until(lambda: closing in b.open_ids)
        rows = {row["cl_ord_id"]: row for row in b.account()["open_orders"]}
        assert rows[closing]["reduce_only"] is True


async def test_cancel_all_empties_the_book_and_may_be_repeated() -> None:
    """A2: after cancel_all nothing rests and every order ended cancelled; a second call does nothing."""
    async with bench() as b:
        ids = [await b.rest("buy", bps=str(5 + i)) for i in range(3)] + [await b.rest("sell")]
        results = await b.connector.cancel_all(5)
        assert {result.order_id for result in results if result.success} == set(ids)
        await until(lambda: not b.open_ids)
        await until(lambda: len(b.watched.cancels) == 4)
        assert await b.connector.cancel_all(5) == []
        assert len(b.watched.cancels) == 4


async def test_cancel_many_uses_one_request() -> None:
    """A2: a batch cancel removes all named orders with one request and each is confirmed on its own."""
    async with bench() as b:
        ids = [await b.rest("buy", bps=str(5 + i)) for i in range(4)]
        kept = await b.rest("sell")
        await b.connector.cancel_many(ids)
        await until(lambda: {event.order_id for event in b.watched.cancels} == set(ids))
        assert b.open_ids == {kept}
        assert b.handle.exchange.counters.requests["POST /api/cancel_orders"] == 1


async def test_restarted_client_lists_its_orders_over_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A3: a new process with the same tag lists exactly the orders that rest, although they need several pages."""
    monkeypatch.setattr(CONSTANTS, "OPEN_ORDERS_LIMIT", 3)
    monkeypatch.setattr(CONSTANTS, "PAGE_LIMIT", 3)
    async with bench() as b:
        ids = {await b.rest("buy", bps=str(5 + i)) for i in range(8)}
        async with running(connector_for(b.handle.credentials)) as again:
            await until(lambda: set(again.connector.own_open_order_ids()) == ids, what="all pages")
            assert not again.connector.in_flight_orders


async def test_status_query_beats_a_stale_list() -> None:
    """A4: with cancelled orders listed as open for 15 s, the order still ends within a second and stays ended."""
    async with bench(stale_open_orders_ms=15_000.0) as b:
        order_id = await b.rest()
        b.connector.cancel(PAIR, order_id)
        await until(lambda: b.watched.cancels, 1.0, "cancel confirmed")
        await b.connector._update_order_status()
        assert b.order(order_id).is_cancelled
        assert order_id not in b.connector.in_flight_orders
        assert order_id not in b.connector.own_open_order_ids()


async def test_rules_keep_bad_orders_from_the_wire() -> None:
    """A8: 300 random orders, many of them bad: the venue never refuses one for tick, step, size or price."""
    rng = random.Random(20260821)
    async with bench() as b:
        outcomes = {}
        for _ in range(300):
            side = rng.choice(("buy", "sell"))
            bps = Decimal(rng.choice((5, 20, 400, 2900, 2999, 3100, 9000))) * (
                1 if side == "buy" else rng.choice((1, -1))
            )
            price = near_price(b.connector, side, bps) + Decimal(rng.randrange(100)) / 10_000
            size = Decimal(rng.choice(("0.00001", "0.0001", "0.00019", "0.0003", "99.9", "100", "100.0001", "250")))
            outcomes[b.place(side, str(size), price, OrderType.LIMIT)] = (side, size, price)
        await until(lambda: all(b.connector.order_outcome(x) is not OrderOutcome.PENDING for x in outcomes), 20.0)
        refused = dict(b.handle.exchange.counters.order_rejections)
        assert set(refused) <= {"balance"}, (refused, "seed 20260821")
        local = {b.connector.rejection_reason(x) for x in outcomes} - {None}
        assert any("price band" in reason for reason in local)
        assert any("maximum order size" in reason for reason in local)
        assert any("minimum order size" in reason for reason in local)


async def test_open_order_limit_is_kept_before_sending() -> None:
    """A8: the order above the market's maximum of open orders is not sent, and the reason names the rule."""
    from tests.support.driven_market import DrivenMarket

    async with bench(DrivenMarket(max_open_orders=2)) as b:
        await b.rest("buy", bps="5")
        await b.rest("buy", bps="6")
        third = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(7)))
        await until(lambda: b.watched.failures)
        assert "maximum open orders" in b.connector.rejection_reason(third)
        assert b.handle.exchange.counters.order_rejections == {}


async def test_post_only_refusal_is_an_event_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """A13: one failure event typed PostOnlyRejected, one INFO line, nothing at WARNING or above."""
    async with bench() as b:
        with caplog.at_level(logging.INFO):
            caplog.clear()
            order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(-3)))
            await until(lambda: b.watched.failures)
        assert [event.error_type for event in b.watched.failures] == ["PostOnlyRejected"]
        assert b.connector.order_outcome(order_id) is OrderOutcome.REJECTED
        assert b.connector.rejection_reason(order_id) == "alo order rejected"
        lines = [record for record in caplog.records if "post-only rejected" in record.getMessage()]
        assert [record.levelname for record in lines] == ["INFO"]
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert not b.connector.has_unknown_orders


async def test_other_refusals_carry_the_venues_words() -> None:
    """A refusal by the matching side ends the order as failed with the venue's text."""
    async with bench() as b:
        b.handle.exchange.faults.reject_next = 1
        b.handle.exchange.faults.reject_message = "balance not enough"
        order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await until(lambda: b.watched.failures)
        assert b.connector.rejection_reason(order_id) == "balance not enough"
        assert b.watched.failures[0].error_type == "Rejected"


async def test_market_exit_fills_or_returns_at_once() -> None:
    """A14: a market close fills at the touch; on a side without orders it ends cancelled, unfilled, position
    unchanged.
    """
    async with bench() as b:
        b.place("buy", "0.05", None, OrderType.MARKET)
        await until(lambda: b.connector.account_positions)
        b.place("sell", "0.05", None, OrderType.MARKET, PositionAction.CLOSE)
        await until(lambda: len(b.watched.fills) == 2 and not b.connector.account_positions, what="flat")
        assert [fill.amount for fill in b.watched.fills] == [Decimal("0.05")] * 2
        assert b.account()["positions"][0]["qty"] in ("0", "0.0000")


async def test_unfillable_market_order_ends_cancelled() -> None:
    """A14: nothing on the other side: the order comes back cancelled, with no fill."""
    async with bench() as b:
        b.market.outside(Side.BUY, None, 10_000_000)
        await until(lambda: b.market.touch()[1] is None)
        order_id = b.place("buy", "0.01", None, OrderType.MARKET)
        await until(lambda: b.order(order_id) is not None and b.order(order_id).is_done)
        assert not b.watched.fills
        assert b.order(order_id).is_cancelled or b.order(order_id).is_failure


async def test_dead_order_socket_falls_back_to_rest_without_a_double() -> None:
    """A20: with the order socket gone before sending, the order goes by REST; the venue has it once, and knows the
    session.
    """
    async with bench() as b:
        b.connector._order_entry.connected.clear()  # as after a loss, before the reconnect
        order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await until(lambda: b.watched.created)
        assert b.handle.exchange.counters.requests["POST /api/new_order"] == 1
        rows = [row for row in b.account()["open_orders"] if row["cl_ord_id"] == order_id]
        assert len(rows) == 1 and b.account()["orders_placed"] == 1


async def test_order_into_a_dying_socket_is_never_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A20: bytes went into a socket that the venue had dropped: unknown, no second copy by REST; later orders use
    the new socket.
    """
    monkeypatch.setattr(CONSTANTS, "NOT_FOUND_BELIEVED_AFTER_S", 1.0)
    async with bench() as b:
        socket = b.connector._order_entry.life.link.ws
        write = socket.send

        async def dying(request: Any) -> None:
            # At the moment of the write: cut earlier, the loss may be noticed first and the order go another way.
            for session in list(b.handle.exchange.api_sockets):
                session.drop()
            await write(request)

        monkeypatch.setattr(socket, "send", dying)
        lost = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await until(lambda: b.connector.order_outcome(lost) is OrderOutcome.UNKNOWN)
        await until(lambda: b.connector._order_entry.is_usable)
        second = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(6)))
        await until(lambda: second in b.open_ids)
        await until(lambda: b.connector.order_outcome(lost) is OrderOutcome.REJECTED)
        assert b.open_ids == {second}
        assert b.handle.exchange.counters.requests.get("POST /api/new_order", 0) == 0
        assert b.account()["orders_placed"] == 1


async def test_same_client_id_twice_is_one_order() -> None:
    """A27: a place replayed with the same client id leaves one order at the venue and one created event."""
    async with bench() as b:
        order_id = await b.rest()
        row = b.account()["open_orders"][0]
        body = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "qty": row["qty"], "price": row["price"],
                "time_in_force": "alo", "reduce_only": False, "cl_ord_id": order_id}  # fmt: skip
        command = await b.connector._submit(CommandKind.PLACE, order_id, body)
        await until(lambda: command.is_final)
        assert len(b.account()["open_orders"]) == 1
        assert b.connector.order_outcome(order_id) is OrderOutcome.ACCEPTED
        assert order_id in b.connector.in_flight_orders and not b.watched.failures
        assert len(b.watched.created) == 1


async def test_one_frame_mode_works_as_well() -> None:
    """Before mid-2026 the venue sent the final frame only: place, refuse and cancel work the same."""
    async with bench(two_frames=False) as b:
        order_id = await b.rest()
        b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(-3)))
        await until(lambda: b.watched.failures)
        b.connector.cancel(PAIR, order_id)
        await until(lambda: b.watched.cancels)
        assert not b.open_ids


async def test_late_and_repeated_answers_are_harmless() -> None:
    """Answers to forgotten or settled requests change nothing and raise nothing."""
    async with bench() as b:
        order_id = await b.rest()
        entry = b.connector._order_entry
        command = next(c for c in entry._commands.values() if c.client_order_id == order_id)
        for session in b.handle.exchange.api_sockets:
            for code, text, request_id in (
                (0, "success", command.request_id), (400, "alo order rejected", command.request_id),
                (0, "success", "11111111-1111-4111-8111-111111111111"),
            ):  # fmt: skip
                await session.socket.send_json({"code": code, "message": text, "request_id": request_id})
        await until(lambda: len(command.replies) >= 3)
        assert b.connector.order_outcome(order_id) is OrderOutcome.ACCEPTED
        assert order_id in b.connector.in_flight_orders and not b.watched.failures
        assert entry.is_usable


async def test_timeout_after_acceptance_stays_unknown_until_asked() -> None:
    """DEC-8: the venue takes the order and the reply is a 502: never failed, exposed as unknown, then found by its
    id.
    """
    async with bench(query_order_lag_ms=1500.0) as b:
        b.connector._order_entry.connected.clear()  # as after a loss, before the reconnect
        for session in list(b.handle.exchange.streams):
            session.drop()
        b.handle.exchange.faults.http = HttpFault(502, 1, "/api/new_order", is_after=True)
        b.handle.exchange.faults.silent_until_ns = b.handle.exchange.venue.now_ns + 2_000_000_000
        # The list of open orders, read after the reconnect, could find the order before its answer is here.
        unread = {"name": "http_status", "status": 502, "endpoint": CONSTANTS.QUERY_OPEN_ORDERS_PATH, "count": 1_000}
        b.handle.exchange.arm(unread)
        order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await until(lambda: b.connector.order_outcome(order_id) is OrderOutcome.UNKNOWN, what="unknown")
        assert b.connector.has_unknown_orders
        assert order_id in b.connector.in_flight_orders and b.order(order_id).is_pending_create
        await until(lambda: b.connector.order_outcome(order_id) is OrderOutcome.ACCEPTED, what="accepted")
        await until(lambda: b.watched.created)
        assert not b.watched.failures and not b.connector.has_unknown_orders
        assert b.account()["orders_placed"] == 1


async def test_missing_final_word_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """No frame at all after sending: unknown at the deadline, settled by the query, one order at the venue."""
    monkeypatch.setattr(CONSTANTS, "ORDER_DEADLINE_S", 0.2)
    async with bench(query_order_lag_ms=800.0) as b:
        b.connector._status_polling_task.cancel()  # its list of open orders could find the order first
        await until(lambda: b.connector._bootstrap.is_idle, what="bootstrap done")
        b.handle.exchange.faults.silent_until_ns = b.handle.exchange.venue.now_ns + 60_000_000_000
        order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await until(lambda: b.connector.order_outcome(order_id) is OrderOutcome.UNKNOWN)
        await until(lambda: b.watched.created, what="created from the query")
        assert b.connector.order_outcome(order_id) is OrderOutcome.ACCEPTED
        assert b.account()["orders_placed"] == 1 and not b.watched.failures


async def test_order_that_never_arrived_fails_only_after_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue's 404 is believed only when the order is old enough to be visible; then it ends as failed, with the
    reason.
    """
    monkeypatch.setattr(CONSTANTS, "NOT_FOUND_BELIEVED_AFTER_S", 1.0)
    async with bench() as b:
        b.connector._order_entry.connected.clear()  # as after a loss, before the reconnect
        b.handle.exchange.faults.http = HttpFault(502, 1, "/api/new_order", is_after=False)
        order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await until(lambda: b.connector.order_outcome(order_id) is OrderOutcome.UNKNOWN)
        assert not b.watched.failures
        await until(lambda: b.watched.failures)
        assert b.watched.failures[0].error_type == "NotFound"
        assert b.account()["orders_placed"] == 0 and not b.connector.has_unknown_orders


async def test_cancel_of_a_filled_order_finds_the_fill() -> None:
    """Cancel meets fill: the order ends filled with its fill, although the stream says nothing."""
    async with bench() as b:
        order_id = await b.rest("buy", "0.01", "0")
        b.handle.exchange.faults.silent_until_ns = b.handle.exchange.venue.now_ns + 1_500_000_000
        for session in list(b.handle.exchange.streams):
            session.drop()
        b.market.outside(Side.SELL, MID_TICKS - 1000, 2_000_000)
        await until(lambda: order_id not in b.open_ids)
        b.connector.cancel(PAIR, order_id)
        await until(lambda: b.watched.events(MarketEvent.BuyOrderCompleted))
        assert [fill.amount for fill in b.watched.fills] == [Decimal("0.01")]
        assert not b.watched.cancels


async def test_cancel_sent_at_once_after_the_place_still_wins() -> None:
    """A cancel that overtakes its order is repeated until the order is gone."""
    async with bench(order_delay_ms=300.0) as b:
        order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await until(lambda: b.connector.last_order_wire_ns(order_id))
        b.connector.cancel(PAIR, order_id)
        await until(lambda: b.order(order_id).is_done, what="gone")
        await until(lambda: not b.open_ids)
        assert b.order(order_id).is_cancelled


async def test_accepted_cancel_is_not_a_cancel() -> None:
    """Until the final word the order stays in flight, pending cancel."""
    async with bench(cancel_delay_ms=400.0) as b:
        order_id = await b.rest()
        b.connector.cancel(PAIR, order_id)
        await until(lambda: b.order(order_id).is_pending_cancel_confirmation)
        assert order_id in b.connector.in_flight_orders and not b.watched.cancels
        await until(lambda: b.watched.cancels)


async def test_leverage_is_set_at_the_venue() -> None:
    """change_leverage reaches the venue and Hummingbot's own figure follows; a refusal leaves it."""
    async with bench() as b:
        b.connector.set_leverage(PAIR, 3)
        await until(lambda: b.connector.get_leverage(PAIR) == 3)
        b.connector.set_leverage(PAIR, 4000)
        # A refused change is asked for again now and then.
        await until(lambda: b.handle.exchange.counters.requests["POST /api/change_leverage"] >= 2)
        assert b.connector.get_leverage(PAIR) == 3
