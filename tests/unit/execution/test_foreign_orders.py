"""What is known of an order on a foreign connector: the venue's word, a doubt that counts as exposure, its end."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode

from hummingbot_extensions.connector.errors import (
    Misconfigured,
    NotFound,
    PostOnlyRejected,
    Rejected,
    RuleBroken,
    Throttled,
    Transient,
)
from hummingbot_extensions.core.types import MarketStanding, OrderOutcome
from hummingbot_extensions.core.view import OrderState
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.foreign.failures import Verdict, failure
from tests.contract.foreign.stub_perpetual import PAIR
from tests.support import warp
from tests.support.running import until
from tests.unit.execution.test_foreign_fitting import fitted

HTTP = "Error executing request POST http://venue/order. HTTP status is {}. Error: {}"


@pytest.mark.parametrize(
    ("name", "error_type", "message", "verdict", "kind"),
    [
        ("x", None, None, Verdict.REFUSED, Rejected),
        ("x", "OSError", HTTP.format(400, '{"code":-2019,"msg":"Margin is insufficient."}'), Verdict.REFUSED, Rejected),
        ("binance_perpetual", "OSError", HTTP.format(400, '{"code":-5022,"msg":"m"}'), Verdict.REFUSED,
         PostOnlyRejected),
        ("x", "OSError", HTTP.format(400, '{"code":-5022,"msg":"m"}'), Verdict.REFUSED, Rejected),
        ("x", "OSError", HTTP.format(429, "slow down"), Verdict.REFUSED, Throttled),
        ("x", "OSError", HTTP.format(418, "banned"), Verdict.REFUSED, Throttled),
        ("x", "OSError", HTTP.format(401, "key"), Verdict.REFUSED, Misconfigured),
        ("x", "OSError", HTTP.format(403, "key"), Verdict.REFUSED, Misconfigured),
        ("x", "OSError", HTTP.format(408, "late"), Verdict.UNKNOWN, NotFound),
        ("x", "OSError", HTTP.format(500, "oops"), Verdict.UNKNOWN, NotFound),
        ("x", "OSError", HTTP.format(503, "oops"), Verdict.UNKNOWN, NotFound),
        ("x", "OSError", "Error submitting order 1: no margin", Verdict.ANSWERED, Rejected),
        ("x", "ValueError", "Order amount 1 is lower than minimum", Verdict.ANSWERED, Rejected),
        ("x", "TimeoutError", "", Verdict.UNKNOWN, NotFound),
        ("x", "ServerDisconnectedError", "Server disconnected", Verdict.UNKNOWN, NotFound),
        ("x", "ClientConnectorError", HTTP.format(400, "quoted in a network error"), Verdict.UNKNOWN, NotFound),
        ("x", "KeyError", "'orderId'", Verdict.UNKNOWN, NotFound),
        ("x", "JSONDecodeError", "Expecting value", Verdict.UNKNOWN, NotFound),
    ])
def test_only_the_venues_word_makes_an_order_refused(
    name: str, error_type: str | None, message: str | None, verdict: Verdict, kind: type[Exception]
) -> None:
    """A 4xx or a failed state is the venue's word; whatever leaves a doubt is not."""
    said = failure(name, error_type, message)
    assert (said.verdict, said.kind) == (verdict, kind)
    assert said.reason


def bought(connector: Any, price: str = "2990.00", size: str = "0.1") -> str:
    return str(connector.buy(
        PAIR, Decimal(size), OrderType.LIMIT_MAKER, Decimal(price), position_action=PositionAction.OPEN))


async def pass_s(seconds: float) -> None:
    end = time.monotonic() + seconds
    await until(lambda: time.monotonic() >= end, seconds + 5)


def test_an_order_goes_from_pending_to_accepted_and_stays_known_when_it_has_ended() -> None:
    """The words that a level and a closing order rely on."""

    async def life() -> None:
        connector, venue = await fitted()
        order_id = bought(connector)
        assert connector.order_outcome(order_id) is OrderOutcome.PENDING
        await until(lambda: connector.order_outcome(order_id) is OrderOutcome.ACCEPTED)
        assert connector.leftover_orders(PAIR) == []
        listener = asyncio.create_task(connector._user_stream_event_listener())
        connector._user_stream_tracker._user_stream = connector.account.frames
        connector.cancel(PAIR, order_id)
        await until(lambda: order_id not in connector.in_flight_orders)
        assert connector.order_outcome(order_id) is OrderOutcome.ACCEPTED
        listener.cancel()

    warp.run(life())


def test_an_id_that_nobody_tracks_becomes_unknown() -> None:
    """It may rest for all that is known."""

    async def life() -> None:
        connector, _venue = await fitted()
        assert connector.order_outcome("never") is OrderOutcome.PENDING
        await pass_s(6)
        assert connector.order_outcome("never") is OrderOutcome.UNKNOWN

    warp.run(life())


def test_a_429_counts_as_throttled_and_leaves_no_exposure() -> None:
    """The venue's word: it was not taken."""

    async def life() -> None:
        connector, _venue = await fitted()
        connector.faults = [(OSError(HTTP.format(429, "slow")), False)]
        order_id = bought(connector)
        await until(lambda: connector.order_outcome(order_id) is OrderOutcome.REJECTED)
        assert connector.throttled_count == 1
        assert connector.rejection_kind(order_id) is Throttled
        assert "slow" in connector.rejection_reason(order_id)
        assert connector.leftover_orders(PAIR) == []

    warp.run(life())


def test_a_placement_that_broke_off_before_hummingbot_tracked_it_fails() -> None:
    """No event would come of itself, and its level would wait for ever."""

    async def life() -> None:
        connector, venue = await fitted()
        connector._trading_rules.clear()
        order_id = bought(connector)
        await until(lambda: connector.order_outcome(order_id) is OrderOutcome.REJECTED)
        assert connector.rejection_kind(order_id) is RuleBroken
        assert venue.orders == {}

    warp.run(life())


async def tended(connector: Any, seconds: float) -> None:
    """Let the adapter ask, as it does while a quoter listens, for that long."""
    remove = connector.add_book_listener(PAIR, lambda: None)
    await pass_s(seconds)
    remove()


def test_a_refusal_in_words_is_believed_once_the_venue_does_not_know_the_order() -> None:
    """A connector that reads a reply and raises its own text: exposure for ten seconds, then gone."""

    async def life() -> None:
        connector, _venue = await fitted()
        connector.faults = [(OSError("Error submitting order: no margin"), False)]
        order_id = bought(connector)
        await until(lambda: connector.leftover_orders(PAIR))
        assert connector.order_outcome(order_id) is OrderOutcome.UNKNOWN
        assert connector.rejection_kind(order_id) is Rejected
        await tended(connector, 6)
        assert connector.leftover_orders(PAIR)
        await tended(connector, 8)
        assert connector.leftover_orders(PAIR) == []
        assert connector.tracking_states == {}
        assert connector.order_outcome(order_id) is OrderOutcome.REJECTED

    warp.run(life())


@pytest.mark.parametrize(("fault", "is_let_go"), [
    (OSError("Error submitting order: no margin"), True), (TimeoutError(), False)])
def test_where_not_found_cannot_be_read_only_an_answered_placement_is_let_go(
    fault: Exception, is_let_go: bool
) -> None:
    """Three answers that do not show the order close a refusal in words, and never a placement without an answer."""

    async def life() -> None:
        connector, _venue = await fitted()
        connector._is_order_not_found_during_status_update_error = lambda status_update_exception: False

        async def no_such_order(tracked_order: Any) -> Any:
            raise OSError("51603 no such order")

        connector._request_order_status = no_such_order
        connector.faults = [(fault, False)]
        bought(connector)
        await until(lambda: connector.leftover_orders(PAIR))
        await tended(connector, 40)
        assert (connector.leftover_orders(PAIR) == []) is is_let_go

    warp.run(life())


def test_a_placement_under_way_is_not_taken_for_one_that_never_was() -> None:
    """Hummingbot's queue or a hung socket may bring it to the venue yet, whatever the venue says before."""

    async def life() -> None:
        connector, venue = await fitted()
        gate = asyncio.Event()
        place = connector._place_order

        async def late(*arguments: Any, **named: Any) -> Any:
            await gate.wait()
            return await place(*arguments, **named)

        connector._place_order = late
        order_id = bought(connector)
        await asyncio.sleep(0.1)
        for _ in range(5):
            await connector._order_tracker.process_order_not_found(order_id)
        assert connector.rejection_kind(order_id) is NotFound
        await tended(connector, 30)
        held = market_view.leftovers(connector, PAIR, time.monotonic_ns())
        assert [(o.size, o.state) for o in held] == [(Decimal("0.1"), OrderState.UNKNOWN)]
        with pytest.raises(Transient):
            await connector.own_orders_at_venue(())
        gate.set()
        await tended(connector, 10)
        assert [order.state for order in venue.orders.values()] == ["CANCELED"]
        assert connector.leftover_orders(PAIR) == []

    warp.run(life())


def test_a_suspect_stays_with_hummingbot_and_on_disk() -> None:
    """Hummingbot goes on cancelling it, takes its fills and stores it for a restart, also after it would have dropped
    it without the venue's word.
    """

    async def life() -> None:
        connector, _venue = await fitted()
        connector.faults = [(TimeoutError(), True)]
        order_id = bought(connector)
        await until(lambda: order_id in connector.tracking_states)
        await until(lambda: order_id not in connector.in_flight_orders)
        await asyncio.sleep(0)
        assert order_id in connector.tracking_states
        assert connector._order_tracker.fetch_cached_order(order_id) is None
        connector.is_silent = True
        # A cancel that finds no exchange id in time ends so.
        await connector._order_tracker.process_order_not_found(order_id)
        assert order_id not in connector.tracking_states
        await tended(connector, 1)
        assert order_id in connector.tracking_states
        stored = connector.tracking_states
        later, venue = await fitted()
        venue.orders = connector.venue.orders
        later.restore_tracking_states(stored)
        assert [left.remaining for left in later.leftover_orders(PAIR)] == [Decimal("0.1")]
        await tended(later, 10)
        assert later.leftover_orders(PAIR) == [] and venue.resting == []
        # The venue has spoken: nobody need look for it any more.
        assert later.tracking_states == {}

    warp.run(life())


def test_what_a_suspect_traded_is_booked_before_it_is_let_go() -> None:
    """Its placement was not answered and the stream told nothing: the query that finds it ended brings its fills."""

    async def life() -> None:
        connector, venue = await fitted()
        heard: list[Any] = []
        connector.add_fill_listener(PAIR, heard.append)
        connector.faults = [(TimeoutError(), True)]
        venue.tell = lambda order, trade: None
        order_id = bought(connector)
        await until(lambda: connector.leftover_orders(PAIR))
        venue.fill("BUY", "0.1", time.time())
        await tended(connector, 5)
        assert [(fill.client_order_id, fill.size) for fill in heard] == [(order_id, Decimal("0.1"))]
        assert connector.leftover_orders(PAIR) == []
        assert connector.order_outcome(order_id) is OrderOutcome.ACCEPTED

    warp.run(life())


def test_an_answer_that_cannot_be_had_is_no_answer() -> None:
    """Neither a stop nor a reading of fills may take silence for the venue's word."""

    async def life() -> None:
        connector, venue = await fitted()
        order_id = bought(connector)
        await until(lambda: connector.order_outcome(order_id) is OrderOutcome.ACCEPTED)
        word = await connector.own_orders_at_venue((order_id, "other"))
        assert [(o.client_order_id, o.remaining) for o in word.open] == [(order_id, Decimal("0.1"))]
        assert word.unseen == ("other",)
        assert connector.own_open_order_ids() == [order_id]
        connector.is_silent = True
        with pytest.raises(Transient):
            await connector.own_orders_at_venue((order_id,))

        async def none_today(order: Any) -> Any:
            raise ConnectionError("no answer")

        connector._all_trade_updates_for_order = none_today
        with pytest.raises(Transient):
            await connector.own_fills_since(PAIR, 0.0, ())
        connector.is_silent = False
        await connector.cancel_at_venue([order_id])
        assert venue.resting == []

    warp.run(life())


def test_missed_fills_are_asked_for_and_told_once() -> None:
    """A fill that the stream lost comes by REST with its own stamp and fee, and is not told again."""

    async def life() -> None:
        connector, venue = await fitted()
        heard: list[Any] = []
        connector.add_fill_listener(PAIR, heard.append)
        order_id = bought(connector)
        await until(lambda: connector.order_outcome(order_id) is OrderOutcome.ACCEPTED)
        trade = venue.fill("BUY", "0.04", time.time())
        missed = await connector.own_fills_since(PAIR, 0.0, ())
        assert [(f.trade_id, f.size, f.fee, f.is_fee_exact) for f in missed] == [
            ("1", Decimal("0.04"), trade.fee, True)]
        assert heard == missed
        assert await connector.own_fills_since(PAIR, 0.0, {"1"}) == []
        assert len(await connector.own_fills_since(PAIR, 0.0, ())) == 1
        assert len(heard) == 1

    warp.run(life())


def test_the_market_stands_unknown_without_rules_or_with_two_positions() -> None:
    """A pair that the rules list no more may be halted; a hedged account has no one position."""

    async def life() -> None:
        connector, _venue = await fitted()
        assert connector.market_standing(PAIR) is MarketStanding.TRADING
        assert connector.market_standing("BTC-USDC") is MarketStanding.UNKNOWN
        connector._perpetual_trading.set_position_mode(PositionMode.HEDGE)
        assert connector.market_standing(PAIR) is MarketStanding.UNKNOWN

    warp.run(life())


def test_looking_ends_with_the_last_listener() -> None:
    """Nothing goes on asking the venue for a market that nobody quotes."""

    async def life() -> None:
        connector, _venue = await fitted()
        before = len(asyncio.all_tasks())
        removes = [connector.add_book_listener(PAIR, lambda: None) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) > before
        removes[0]()
        removes[0]()
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) > before
        removes[1]()
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) == before

    warp.run(life())
