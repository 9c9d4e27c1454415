"""What is made of a connector that is not of this bundle: failures, ages, fills, outcomes, and what is refused."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, PositionSide, TradeType
from hummingbot.core.data_type.in_flight_order import TradeUpdate
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase, TradeFeeSchema
from hummingbot.core.rate_oracle.rate_oracle import RateOracle

from controllers.market_making import perp_market_maker
from hummingbot_extensions.compat import UpstreamChanged
from hummingbot_extensions.connector.errors import (
    Misconfigured,
    NotFound,
    PostOnlyRejected,
    Rejected,
    RuleBroken,
    Throttled,
    Transient,
)
from hummingbot_extensions.core.types import MarketStanding, OrderOutcome, Side
from hummingbot_extensions.core.view import OrderState
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.desk import Desk
from hummingbot_extensions.execution.foreign import fitting
from hummingbot_extensions.execution.foreign.failures import Verdict, failure
from hummingbot_extensions.execution.foreign.fills import FillMemory, fee_quote, own_fill
from hummingbot_extensions.execution.foreign.watch import AccountWatch, BookWatch, ChangeStamp, PriceWatch
from tests.contract.foreign.small_venue import SmallVenue
from tests.contract.foreign.stub_perpetual import PAIR, StubPerpetualDerivative
from tests.support import warp
from tests.support.running import until

HTTP = "Error executing request POST http://venue/order. HTTP status is {}. Error: {}"


# --- failures ---


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


# --- ages ---


def test_a_change_is_dated_from_the_look_before() -> None:
    """An age is never less than the truth; what was there at the first look has none."""
    stamp = ChangeStamp()
    stamp.look("a", 100)
    assert stamp.received_ns is None
    assert not stamp.look("a", 200)
    assert stamp.received_ns is None
    assert stamp.look("b", 300)
    assert stamp.received_ns == 200
    stamp.look("b", 9_000)
    assert stamp.received_ns == 200
    stamp.look(None, 10_000)
    assert stamp.received_ns is None
    stamp.look("b", 11_000)
    assert stamp.received_ns == 10_000


def rows(*pairs: tuple[str, str]) -> Any:
    return [OrderBookRow(float(price), float(size), 0) for price, size in pairs]


def test_a_book_counts_once_its_age_is_known() -> None:
    """Best levels come out as the venue wrote them; a new number makes the book young, an old one leaves it ageing."""
    watch, tick = BookWatch(), Decimal("0.1")
    shown = OrderBook()
    shown.apply_snapshot(rows(("2999.9", "1"), ("2999.8", "1")), rows(("3000.1", "1")), 1)
    assert watch.look(shown, 100)
    assert watch.state(tick) is None
    shown.apply_diffs(rows(("2990.0", "3")), [], 2)
    assert not watch.look(shown, 200)
    state = watch.state(tick)
    assert state is not None
    assert (state.bid, state.ask, state.grid, state.received_mono_ns) == (
        Decimal("2999.9"), Decimal("3000.1"), tick, 100)
    assert state.bids == (
        (Decimal("2999.9"), Decimal(1)), (Decimal("2999.8"), Decimal(1)), (Decimal("2990.0"), Decimal(3)))
    assert state.asks == ((Decimal("3000.1"), Decimal(1)),)
    watch.look(shown, 300)
    assert watch.state(tick) == state
    shown.apply_diffs(rows(("2999.9", "0")), [], 3)
    assert watch.look(shown, 400)
    assert watch.state(tick).bid == Decimal("2999.8")  # type: ignore[union-attr]
    watch.look(None, 500)
    assert watch.state(tick) is None


def test_a_book_whose_number_stands_still_is_young_only_when_its_prices_move() -> None:
    """Some connectors number every frame alike."""
    watch, shown = BookWatch(), OrderBook()
    watch.look(shown, 100)
    shown.apply_snapshot(rows(("10", "1")), rows(("11", "1")), 0)
    watch.look(shown, 200)
    shown.apply_snapshot(rows(("10", "2")), rows(("11", "1")), 0)
    watch.look(shown, 300)
    assert watch.state(Decimal(1)).received_mono_ns == 100  # type: ignore[union-attr]
    shown.apply_snapshot(rows(("9", "2")), rows(("11", "1")), 0)
    watch.look(shown, 400)
    assert watch.state(Decimal(1)).received_mono_ns == 300  # type: ignore[union-attr]


def info(mark: str, index: str = "1", rate: str = "0") -> Any:
    return SimpleNamespace(
        mark_price=Decimal(mark), index_price=Decimal(index), rate=Decimal(rate), next_funding_utc_timestamp=1)


def test_a_mark_is_young_when_any_part_of_its_message_moved() -> None:
    """A repeated mark with another index came in a message; one that stands wholly still grows old."""
    watch, told = PriceWatch(), info("3000")
    watch.look(None, 50)
    watch.look(told, 100)
    assert watch.state().received_mono_ns == 50  # type: ignore[union-attr]
    watch.look(told, 200)
    assert watch.state().received_mono_ns == 50  # type: ignore[union-attr]
    told.index_price = Decimal("1.5")
    assert not watch.look(told, 300)
    assert watch.state().received_mono_ns == 200  # type: ignore[union-attr]
    told.mark_price = Decimal("3001")
    assert watch.look(told, 400)


@pytest.mark.parametrize("nothing", ["0", "-1", "NaN", "Infinity"])
def test_a_mark_that_is_no_price_is_missing(nothing: str) -> None:
    """Connectors fill in such values for what they do not know; none of them is quoted around."""
    watch = PriceWatch()
    watch.look(None, 1)
    watch.look(info(nothing, nothing), 2)
    state = watch.state()
    assert state is not None and state.mark is None and state.index is None


def test_the_account_is_heard_of_by_frames_and_by_answers_while_connected() -> None:
    """An answer counts from when it was asked for; a stream that is gone has no age, whatever was answered before."""
    watch = AccountWatch()
    assert watch.age_ms(0) is None
    watch.look(0.0, 0)
    watch.answered(0)
    assert watch.age_ms(1_000_000) is None
    watch.look(1000.0, 2_000_000)
    assert watch.age_ms(3_000_000) == 3.0
    watch.look(1000.0, 12_000_000)
    assert watch.age_ms(12_000_000) == 12.0
    watch.answered(10_000_000)
    assert watch.age_ms(12_000_000) == 2.0
    # A wall clock that was set back is a new frame all the same.
    watch.look(900.0, 13_000_000)
    assert watch.age_ms(14_000_000) == 2.0
    watch.look(0.0, 15_000_000)
    assert watch.age_ms(15_000_000) is None


# --- fills ---


def fee(percent: str = "0", *flat: tuple[str, str]) -> TradeFeeBase:
    return TradeFeeBase.new_perpetual_fee(
        TradeFeeSchema(), PositionAction.OPEN, Decimal(percent),
        flat_fees=[TokenAmount(token, Decimal(amount)) for token, amount in flat])


def test_a_fee_is_exact_only_where_the_venue_named_it_in_quote() -> None:
    """A share is an estimate, another token is converted, and without a rate the fee is unknown, never 0."""
    price, size = Decimal(3000), Decimal("0.1")
    assert fee_quote(fee("0", ("USDC", "0.06")), PAIR, price, size, "USDC") == (Decimal("0.06"), True)
    assert fee_quote(fee("0", ("USDC", "-0.01")), PAIR, price, size, "USDC") == (Decimal("-0.01"), True)
    assert fee_quote(fee("0.0002"), PAIR, price, size, "USDC") == (Decimal("0.06"), False)
    assert fee_quote(fee("0", ("ETH", "0.00002")), PAIR, price, size, "USDC") == (Decimal("0.06"), False)
    RateOracle.get_instance()._prices.pop("BNB-USDC", None)
    assert fee_quote(fee("0", ("BNB", "0.001")), PAIR, price, size, "USDC") == (None, False)
    assert fee_quote(fee(), PAIR, price, size, "USDC") == (Decimal(0), False)


def told(trade_id: str = "7", order_id: str = "a", kind: OrderType = OrderType.LIMIT_MAKER) -> Any:
    return SimpleNamespace(
        trading_pair=PAIR, trade_fee=fee("0", ("USDC", "0.06")), price=Decimal(3000), amount=Decimal("0.1"),
        order_type=kind, exchange_trade_id=trade_id, order_id=order_id, exchange_order_id=11,
        trade_type=TradeType.SELL)


def order_with(stamp_s: float, is_taker: bool = True) -> Any:
    update = TradeUpdate(
        "7", "a", "11", PAIR, stamp_s, Decimal(3000), Decimal("0.1"), Decimal(300), fee(), is_taker)
    return SimpleNamespace(order_fills={"7": update})


def test_a_fill_has_the_venues_stamp_and_side() -> None:
    """The event's own stamp is Hummingbot's clock; the venue's stands with the order."""
    fill = own_fill(told(), order_with(1_700_000_000.25), 1_700_000_001.0)
    assert (fill.side, fill.price, fill.size, fill.fee) == (
        Side.SELL, Decimal(3000), Decimal("0.1"), Decimal("0.06"))
    assert fill.exchange_ts_ns == 1_700_000_000_250_000_000
    assert fill.is_maker is True
    assert own_fill(told(), None, 1_700_000_001.0).exchange_ts_ns is None


@pytest.mark.parametrize("stamp_s", [float("nan"), 0.0, -5.0, 1_700_000_000_250.0])
def test_a_stamp_in_another_unit_is_no_stamp(stamp_s: float) -> None:
    """Milliseconds for seconds would book a fill in the far future."""
    assert own_fill(told(), order_with(stamp_s), 1_700_000_001.0).exchange_ts_ns is None


def test_maker_or_taker_is_known_where_somebody_says_so() -> None:
    """Post-only is maker; else only a connector that says "not a taker", since Hummingbot's default is taker."""
    assert own_fill(told(kind=OrderType.LIMIT), order_with(1.0), 2.0).is_maker is None
    assert own_fill(told(kind=OrderType.LIMIT), order_with(1.0, is_taker=False), 2.0).is_maker is True


def test_two_orders_with_one_trade_number_are_two_fills() -> None:
    """A trade with oneself bears one number on both sides; the same fill told twice is one."""
    memory = FillMemory(max_fills=3)
    first = own_fill(told("7", "a"), None, 2.0)
    assert memory.added(first) == first
    assert memory.added(first) is None
    second = memory.added(own_fill(told("7", "b"), None, 2.0))
    assert second is not None and second.trade_id == "b:7"
    assert memory.added(own_fill(told("7", "b"), None, 2.0)) is None
    assert [fill.client_order_id for fill in memory.since(PAIR, 0.0)] == ["a", "b"]
    assert memory.since("BTC-USDC", 0.0) == []
    stamped = own_fill(told("8"), order_with(1.0), 2.0)
    assert stamped.exchange_ts_ns is None  # the order has no fill of that number
    late = own_fill(told("7", "c"), order_with(5.0), 6.0)
    assert memory.added(late) is not None
    assert len(memory.since(PAIR, 5.5)) == 2


# --- fitting ---


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    warp.run(coroutine)


def controller_on(connector: Any) -> Any:
    config = perp_market_maker.PerpMarketMakerConfig(id="x", connector_name="stub_perpetual", trading_pair=PAIR)
    return SimpleNamespace(
        config=config, market_data_provider=SimpleNamespace(connectors={"stub_perpetual": connector}))


def test_a_connector_is_fitted_once_and_what_is_weaker_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """One warning names everything; a second controller on the same connector adds none."""

    async def life() -> None:
        connector = StubPerpetualDerivative(SmallVenue())
        assert len(market_view.missing_members(connector)) == len(market_view.REQUIRED)
        with caplog.at_level(logging.WARNING):
            Desk(controller_on(connector))
            Desk(controller_on(connector))
        assert market_view.missing_members(connector) == []
        said = [record.getMessage() for record in caplog.records if "not of this bundle" in record.getMessage()]
        assert len(said) == 1
        assert all(what in said[0] for what, _ in fitting.WEAKER)

    run(life())


def test_a_balance_that_is_not_followed_live_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """Hummingbot then takes resting orders off the margin, and sizes shrink for no reason that the venue knows."""

    async def life() -> None:
        connector = StubPerpetualDerivative(SmallVenue())
        assert fitting.NO_LIVE_BALANCE not in fitting.weaker(connector)
        connector.real_time_balance_update = False
        with caplog.at_level(logging.WARNING):
            fitting.fit(connector, market_view.REQUIRED)
        assert any(fitting.NO_LIVE_BALANCE[1] in record.getMessage() for record in caplog.records)

    run(life())


def test_connectors_that_endanger_the_account_are_refused() -> None:
    """No post-only orders, no one-way mode, or no perpetual at all: the controller does not start, and says why."""

    async def life() -> None:
        for changes, words in (
            ({"order_types": [OrderType.LIMIT, OrderType.MARKET]}, "LIMIT_MAKER"),
            ({"position_modes": [PositionMode.HEDGE]}, "one-way"),
        ):
            connector = StubPerpetualDerivative(SmallVenue())
            for name, value in changes.items():
                setattr(connector, name, value)
            with pytest.raises(ValueError, match=words):
                Desk(controller_on(connector))
            assert market_view.missing_members(connector)
        with pytest.raises(ValueError, match="PerpetualDerivativePyBase"):
            Desk(controller_on(SimpleNamespace(name="spot")))

    run(life())


def test_a_connector_of_ours_that_lacks_something_is_not_patched() -> None:
    """Half of the members mean a broken installation, which weaker ones must not hide."""
    half = SimpleNamespace(**dict.fromkeys(market_view.REQUIRED[1:]))
    with pytest.raises(ValueError, match=f"it lacks {market_view.REQUIRED[0]}"):
        Desk(controller_on(half))


def test_a_hummingbot_without_what_is_used_is_named() -> None:
    """An upstream change breaks at the start, with the member's name."""

    async def life() -> None:
        connector = StubPerpetualDerivative(SmallVenue())
        del connector._order_tracker._lost_orders
        with pytest.raises(UpstreamChanged, match="_lost_orders"):
            fitting.fit(connector, market_view.REQUIRED)

    run(life())


def test_a_short_without_a_sign_is_short() -> None:
    """Some connectors keep the amount unsigned and the side beside it."""
    def position(side: PositionSide, amount: str) -> Any:
        return SimpleNamespace(trading_pair=PAIR, position_side=side, amount=Decimal(amount))

    for side, amount, signed in (
        (PositionSide.SHORT, "0.3", "-0.3"), (PositionSide.SHORT, "-0.3", "-0.3"),
        (PositionSide.LONG, "0.3", "0.3"), (PositionSide.BOTH, "-0.3", "-0.3"), (PositionSide.BOTH, "0.3", "0.3"),
    ):
        connector = SimpleNamespace(account_positions={"x": position(side, amount)})
        assert market_view.venue_position(connector, PAIR) == Decimal(signed)


@pytest.mark.parametrize(("stated", "largest"), [("1e56", None), ("NaN", None), ("0", None), ("500", "500")])
def test_a_market_without_a_largest_order_has_none(stated: str, largest: str | None) -> None:
    """Hummingbot fills in 1e56 where a connector states none; no size is ever counted up to that."""
    async def life() -> None:
        connector, _venue = await fitted()
        connector.trading_rules[PAIR].max_order_size = Decimal(stated)
        view = market_view.market_view(connector, PAIR, time.monotonic_ns())
        assert view is not None
        assert view.rules.max_size == (None if largest is None else Decimal(largest))

    run(life())


# --- outcomes ---


async def fitted() -> tuple[Any, SmallVenue]:
    """A stub with rules and the members, its account stream told by hand."""
    venue = SmallVenue()
    connector = StubPerpetualDerivative(venue)
    await connector._update_trading_rules()
    fitting.fit(connector, market_view.REQUIRED)
    return connector, venue


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

    run(life())


def test_an_id_that_nobody_tracks_becomes_unknown() -> None:
    """It may rest for all that is known."""

    async def life() -> None:
        connector, _venue = await fitted()
        assert connector.order_outcome("never") is OrderOutcome.PENDING
        await pass_s(6)
        assert connector.order_outcome("never") is OrderOutcome.UNKNOWN

    run(life())


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

    run(life())


def test_a_placement_that_broke_off_before_hummingbot_tracked_it_fails() -> None:
    """No event would come of itself, and its level would wait for ever."""

    async def life() -> None:
        connector, venue = await fitted()
        connector._trading_rules.clear()
        order_id = bought(connector)
        await until(lambda: connector.order_outcome(order_id) is OrderOutcome.REJECTED)
        assert connector.rejection_kind(order_id) is RuleBroken
        assert venue.orders == {}

    run(life())


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

    run(life())


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

    run(life())


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

    run(life())


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

    run(life())


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

    run(life())


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

    run(life())


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

    run(life())


def test_the_market_stands_unknown_without_rules_or_with_two_positions() -> None:
    """A pair that the rules list no more may be halted; a hedged account has no one position."""

    async def life() -> None:
        connector, _venue = await fitted()
        assert connector.market_standing(PAIR) is MarketStanding.TRADING
        assert connector.market_standing("BTC-USDC") is MarketStanding.UNKNOWN
        connector._perpetual_trading.set_position_mode(PositionMode.HEDGE)
        assert connector.market_standing(PAIR) is MarketStanding.UNKNOWN

    run(life())


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

    run(life())


@pytest.mark.parametrize(("changes", "field"), [
    ({"size_by": "equity", "layer_equity_frac": "0.02"}, "size_by"),
    ({"low_balance_quote": 100}, "low_balance_quote"),
    ({"liquidation_distance_stop_frac": "0.1"}, "liquidation_distance_stop_frac"),
    ({"margin_ratio_stop": 2}, "margin_ratio_stop"),
])  # fmt: skip
def test_what_hummingbot_does_not_tell_is_refused_at_the_start_with_the_reason(
    changes: dict[str, Any], field: str
) -> None:
    """On the first controller and on a second one of the same connector, which is fitted by then."""

    async def life() -> None:
        connector = StubPerpetualDerivative(SmallVenue())
        for _ in range(2):
            controller = controller_on(connector)
            controller.config = perp_market_maker.PerpMarketMakerConfig(
                id="x", connector_name="stub_perpetual", trading_pair=PAIR, **changes)
            with pytest.raises(ValueError, match=f"^{field}: .*which Hummingbot does not tell for this connector"):
                Desk(controller)
        Desk(controller_on(connector))

    run(life())
