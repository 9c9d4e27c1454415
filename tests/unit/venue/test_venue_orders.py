"""What the venue does with an order: resting, filling, refusing, cancelling."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from scripted_market import SECOND, Outside
from venue_driver import USER, Driver

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.venue_values import (
    BalanceUpdate,
    FillUpdate,
    NewOrder,
    OrderKind,
    OrderStatus,
    PositionUpdate,
    Reason,
    Refusal,
    Terminal,
)
from tests.support.fifo_market import BTC

IOC = TimeInForce.IOC


def test_post_only_rests_and_fills_as_maker() -> None:
    """A post-only bid inside the spread rests, then fills at its own price for the maker fee, to the last digit."""
    drive = Driver([Outside(SECOND, Side.SELL, None, 5_000, IOC)])
    order_id = drive.place("buy", "0.5", "99999.96")
    assert drive.status(order_id) is OrderStatus.OPEN
    drive.to(1.0)
    (trade,) = drive.account.trades
    assert (trade.price, trade.size, trade.is_maker) == (Decimal("99999.96"), Decimal("0.5000"), True)
    assert trade.fee == Decimal("4.9999980000")
    assert drive.account.balance == Decimal(10000) - Decimal("4.999998")
    assert drive.status(order_id) is OrderStatus.FILLED
    assert drive.position == Decimal("0.5")


def test_events_of_a_fill() -> None:
    """Each fill tells order, trade, position and balance, with the state right after that fill."""
    drive = Driver([Outside(SECOND, Side.SELL, None, 2_000, IOC)])
    drive.place("buy", "0.5", "99999.96")
    events = drive.to(1.0)
    kinds = [type(event).__name__ for event in events if not type(event).__name__.startswith(("Book", "Print", "Pri"))]
    assert kinds == ["OrderUpdate", "FillUpdate", "PositionUpdate", "BalanceUpdate"]
    order = drive.updates(drive.account.trades[0].order_id)[-1].order
    assert (order.status, order.filled, order.fill_avg_price) == (
        OrderStatus.OPEN,
        Decimal("0.2000"),
        Decimal("99999.96"),
    )


def test_crossing_post_only_is_rejected_unseen() -> None:
    """A post-only order that would cross ends with the venue's rejection and no word to the account."""
    drive = Driver()
    order_id = drive.place("buy", "0.5", "100000.05")
    terminal = next(event for event in drive.events if isinstance(event, Terminal))
    assert terminal.refusal == Refusal(Reason.POST_ONLY_CROSSED, "alo order rejected", 400)
    assert drive.account.orders[order_id].shown_ns is None
    assert not drive.updates(order_id)
    assert not [event for event in drive.events if isinstance(event, BalanceUpdate | PositionUpdate | FillUpdate)]


def test_taker_pays_taker_fee_over_levels() -> None:
    """A market order walks the book, one fill a level, each at the taker fee."""
    drive = Driver(balance="100000")
    order_id = drive.place("buy", "1.5", None, "ioc")
    prices = [trade.price for trade in drive.account.trades]
    assert prices == [Decimal("100000.05"), Decimal("100000.15")]
    assert drive.account.fees_paid == (Decimal("100000.05") + Decimal("100000.15") / 2) * Decimal("0.0004")
    assert drive.status(order_id) is OrderStatus.FILLED
    assert drive.venue.position(USER, "BTC-USD").entry_value == Decimal("150000.1250")


def test_ioc_that_meets_nothing_is_cancelled() -> None:
    """An IOC away from the market succeeds as a command and ends canceled without a fill."""
    drive = Driver()
    order_id = drive.place("buy", "0.1", "99000", "ioc")
    assert [update.order.status for update in drive.updates(order_id)] == [OrderStatus.CANCELED]
    assert next(event for event in drive.events if isinstance(event, Terminal)).refusal is None


def test_gtc_takes_then_rests() -> None:
    """A crossing limit order fills what it can and rests with what is left, logged with the rest only."""
    drive = Driver(balance="100000")
    order_id = drive.place("buy", "1.5", "100000.05", "gtc")
    assert drive.status(order_id) is OrderStatus.OPEN
    (row,) = drive.account.log.rows
    assert (row.order_id, row.size_lots, row.price_ticks) == (order_id, 5_000, 10_000_005)


def test_cancel_and_second_cancel() -> None:
    """A cancel of a resting order succeeds, a second one and one of an unknown order are refused by name."""
    drive = Driver()
    order_id = drive.place("buy", "0.1", "99990")
    assert drive.cancel(order_id).refusal is None
    assert drive.status(order_id) is OrderStatus.CANCELED
    second, unknown = drive.cancel(order_id).refusal, drive.cancel(1).refusal
    assert second is not None and second.message == "order already closed"
    assert unknown is not None and unknown.message == "order not found"
    assert drive.account.locked(drive.venue.specs) == 0


@pytest.mark.parametrize(
    ("side", "size", "price", "more", "reason"),
    [
        ("buy", "0.00005", "99990", {}, Reason.SIZE_TICK),
        ("buy", "100.0001", "99990", {}, Reason.SIZE_LIMITS),
        ("buy", "0.1", "99990.001", {}, Reason.PRICE_TICK),
        ("buy", "0.1", "130000.01", {}, Reason.PRICE_BAND),
        ("sell", "0.1", "69999.99", {}, Reason.PRICE_BAND),
        ("buy", "0.1", "99990", {"leverage": 11}, Reason.LEVERAGE),
        ("buy", "0.1", "99990", {"margin_mode": "isolated"}, Reason.MARGIN_MODE),
        ("buy", "0.1", "99990", {"client_id": "twice"}, Reason.DUPLICATE_CLIENT_ID),
        ("sell", "0.1", "100010", {"reduce_only": True}, Reason.REDUCE_ONLY),
        ("buy", "1.1", "99990", {}, Reason.BALANCE),
        ("buy", "99", "99990", {"balance": "10000000", "position_limit": 900_000}, Reason.POSITION_LIMIT),
    ],
)
def test_gateway_refuses(side: str, size: str, price: str, more: dict[str, object], reason: Reason) -> None:
    """Each rule of the gateway refuses its own breach, and nothing is left behind."""
    fields = dict(more)
    spec = replace(BTC, max_position_lots=fields.pop("position_limit", BTC.max_position_lots))
    drive = Driver(balance=str(fields.pop("balance", "10000")), spec=spec)
    drive.place("buy", "0.0001", "99000", client_id="twice")
    result = drive.submit(side, size, price, **fields)
    assert isinstance(result, Refusal) and result.reason is reason
    assert len(drive.account.live) == 1


def test_edges_of_the_price_band_are_allowed() -> None:
    """A buy exactly at mark x 1.3 and a sell exactly at mark x 0.7 pass the gateway."""
    drive = Driver(balance="1000000")
    assert not isinstance(drive.submit("buy", "0.1", "130000.00", "gtc"), Refusal)
    assert not isinstance(drive.submit("sell", "0.1", "70000.00", "gtc"), Refusal)


def test_open_order_limit() -> None:
    """The order beyond max_open_orders is refused, and a cancel makes room."""
    drive = Driver(spec=replace(BTC, max_open_orders=2))
    first = drive.place("buy", "0.0001", "99000")
    drive.place("buy", "0.0001", "99001")
    refused = drive.submit("buy", "0.0001", "99002")
    assert isinstance(refused, Refusal) and refused.reason is Reason.OPEN_ORDERS
    drive.cancel(first)
    assert not isinstance(drive.submit("buy", "0.0001", "99002"), Refusal)


def test_reduce_only_counts_what_is_pending() -> None:
    """Reduce-only orders together never exceed the position."""
    drive = Driver(balance="100000")
    drive.place("buy", "1.0", None, "ioc")
    drive.place("sell", "0.6", "100010", reduce_only=True)
    over = drive.submit("sell", "0.5", "100010", reduce_only=True)
    assert isinstance(over, Refusal) and over.reason is Reason.REDUCE_ONLY
    drive.place("sell", "0.4", "100010", reduce_only=True)


def test_reduce_only_is_withdrawn_when_the_position_shrinks() -> None:
    """When another order closes the position, resting reduce-only orders are cancelled at the next step."""
    drive = Driver(balance="100000")
    drive.place("buy", "1.0", None, "ioc")
    guarded = drive.place("sell", "1.0", "100010", reduce_only=True)
    drive.place("sell", "1.0", None, "ioc")
    drive.to(0.05)
    assert drive.status(guarded) is OrderStatus.CANCELED
    assert drive.position == 0
    assert not drive.account.log.cancel_times_ns


def test_reduce_only_is_checked_again_when_executed() -> None:
    """A reduce-only order whose position is gone when its turn comes is rejected, never flips."""
    drive = Driver(balance="100000")
    drive.place("buy", "1.0", None, "ioc")
    assert not isinstance(drive.submit("sell", "1.0", None, "ioc"), Refusal)
    assert not isinstance(drive.submit("sell", "1.0", None, "ioc", reduce_only=True), Refusal)
    drive.to(0.05)
    assert drive.position == 0
    assert [event.refusal.reason for event in drive.events if isinstance(event, Terminal) and event.refusal] == [
        Reason.REDUCE_ONLY
    ]


def test_flip_realises_only_the_closed_part() -> None:
    """Selling 1.5 against a long of 1.0 realises on 1.0 and opens a short of 0.5 at the new price."""
    drive = Driver(balance="100000")
    drive.place("buy", "1.0", "100000.05", "gtc")
    drive.place("sell", "1.5", None, "ioc")
    position = drive.venue.position(USER, "BTC-USD")
    assert position.size == Decimal("-0.5")
    assert position.entry_price == Decimal("99999.85")
    assert drive.account.realized_pnl == Decimal("-0.10")


def test_self_trade_costs_two_fees_and_moves_nothing() -> None:
    """No self-trade prevention: an account that meets itself pays both fees and keeps its position."""
    drive = Driver(balance="100000")
    drive.place("buy", "0.5", "99999.99")
    drive.place("sell", "0.5", "99999.99", "ioc")
    drive.to(0.05)
    assert drive.position == 0
    assert sorted(trade.is_maker for trade in drive.account.trades) == [False, True]
    assert drive.account.fees_paid == Decimal("49999.995") * Decimal("0.0005")


def test_two_accounts_match_in_fifo() -> None:
    """Orders of two accounts at one price fill in the order they arrived."""
    drive = Driver([Outside(SECOND, Side.SELL, None, 3_000, IOC)])
    other = drive.venue.open_account("bsc_0xother", Decimal(10_000))
    drive.place("buy", "0.2", "99999.99")
    request = drive.account.orders[next(iter(drive.account.orders))]
    late = NewOrder("BTC-USD", Side.BUY, OrderKind.LIMIT, Decimal("0.2"), Decimal("99999.99"), TimeInForce.ALO, False)
    drive.venue.submit("bsc_0xother", late, 0)
    drive.to(1.0)
    assert request.status is OrderStatus.FILLED
    assert [trade.size for trade in other.trades] == [Decimal("0.1000")]


def test_pnl_of_a_day() -> None:
    """A realised loss counts for 24 hours, and not at the end of them."""
    drive = Driver(balance="100000")
    drive.place("buy", "1.0", None, "ioc")
    drive.place("sell", "1.0", None, "ioc")
    assert drive.venue.balance(USER).pnl_24h == Decimal("-0.10")
    day_ns, at_ns = 86_400 * SECOND, drive.account.trades[-1].ts_ns
    assert drive.account.pnl_24h(at_ns + day_ns - 1) == Decimal("-0.10")
    assert drive.account.pnl_24h(at_ns + day_ns) == 0
