"""What the venue does of its own: halts, a new tick, self-match and reduce-only policies."""

from __future__ import annotations

from decimal import Decimal

import pytest
from scripted_market import MS, SECOND, Outside
from venue_driver import USER, Driver

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.gateway import Lattice
from hummingbot_extensions.sim.venue import VenueParams
from hummingbot_extensions.sim.venue_values import (
    NewOrder,
    OrderKind,
    OrderStatus,
    PrintUpdate,
    Reason,
    ReduceOnlyRule,
    Refusal,
    SelfMatch,
    Terminal,
)
from tests.support.fifo_market import START_NS

BTC_USD = "BTC-USD"
IOC = TimeInForce.IOC


def refusals(drive: Driver) -> list[Reason]:
    return [event.refusal.reason for event in drive.events if isinstance(event, Terminal) and event.refusal]


# Halt


def test_halted_market_stands_still() -> None:
    """Nothing fills or prints while halted; afterwards the market goes on where it stood, late by the halt."""
    drive = Driver([Outside(2 * SECOND, Side.SELL, None, 1_000, IOC)])
    order = drive.place("buy", "0.1", "99999.99")
    drive.to(1.0)
    drive.venue.halt(BTC_USD)
    assert drive.venue.is_halted(BTC_USD)
    drive.to(11.0)
    assert drive.status(order) is OrderStatus.OPEN
    assert not [event for event in drive.events if isinstance(event, PrintUpdate)]
    drive.venue.resume(BTC_USD)
    drive.to(11.9)
    assert drive.status(order) is OrderStatus.OPEN
    drive.to(12.0)
    assert drive.status(order) is OrderStatus.FILLED
    assert drive.account.trades[0].ts_ns == START_NS + 12 * SECOND
    drive.place("buy", "0.1", None, "ioc")
    assert drive.account.trades[-1].ts_ns == START_NS + 12 * SECOND


def test_halt_refuses_orders_and_lets_cancels_through() -> None:
    """At the gateway and on the way: refused by name. A resting order can be taken back."""
    drive = Driver()
    order = drive.place("buy", "0.1", "99990")
    assert not isinstance(drive.submit("buy", "0.1", "99990"), Refusal)
    drive.venue.halt(BTC_USD)
    drive.to(0.05)
    assert refusals(drive) == [Reason.HALTED]
    refused = drive.submit("buy", "0.1", "99990")
    assert isinstance(refused, Refusal) and refused.reason is Reason.HALTED
    assert drive.cancel(order).refusal is None
    drive.venue.resume(BTC_USD)
    drive.place("buy", "0.1", "99990")


def test_resume_without_halt_changes_nothing() -> None:
    """Resuming a market that trades does not shift its time."""
    drive = Driver([Outside(SECOND, Side.SELL, None, 1_000, IOC)])
    drive.to(0.525)
    drive.venue.resume(BTC_USD)
    drive.to(2.0)
    (printed,) = [event for event in drive.events if isinstance(event, PrintUpdate)]
    assert printed.ts_ns == START_NS + SECOND


# Tick


def test_coarser_tick() -> None:
    """From 0.01 to 0.1: orders between the new steps go, new ones there are refused, those on them stay."""
    drive = Driver()
    on, off = drive.place("buy", "0.1", "99990.10"), drive.place("buy", "0.1", "99990.15")
    assert not isinstance(drive.submit("buy", "0.1", "99990.15"), Refusal)
    drive.venue.set_tick(BTC_USD, 1)
    drive.to(0.05)
    assert (drive.status(on), drive.status(off)) == (OrderStatus.OPEN, OrderStatus.CANCELED)
    assert refusals(drive) == [Reason.PRICE_TICK]
    refused = drive.submit("buy", "0.1", "99990.15")
    assert isinstance(refused, Refusal) and refused.message == "price: not follow price tick 0.1"
    assert drive.venue.lattice(BTC_USD) == Lattice(1, 4)
    order = drive.place("buy", "0.1", "99990.2")
    assert drive.venue.order_view(USER, drive.account.orders[order]).price == Decimal("99990.20")
    drive.venue.set_tick(BTC_USD, 2)
    drive.place("buy", "0.1", "99990.15")


def test_coarser_size() -> None:
    """The size lattice changes likewise."""
    drive = Driver()
    drive.venue.set_tick(BTC_USD, 2, 3)
    refused = drive.submit("buy", "0.0015", "99990")
    assert isinstance(refused, Refusal) and refused.message == "qty: not follow qty tick 0.001"
    drive.place("buy", "0.002", "99990")


@pytest.mark.parametrize("decimals", [(3, 4), (2, 5), (-1, 4)])
def test_finer_than_the_market_is_impossible(decimals: tuple[int, int]) -> None:
    """A lattice that the market's own units cannot express is an error, and nothing changes."""
    drive = Driver()
    with pytest.raises(ValueError, match="can take 0 to 2 price and 0 to 4 size decimals"):
        drive.venue.set_tick(BTC_USD, *decimals)
    assert drive.venue.lattice(BTC_USD) == Lattice(2, 4)


# Self-match


def own_bid(policy: SelfMatch) -> tuple[Driver, int]:
    drive = Driver(balance="100000", params=VenueParams(self_match=policy))
    return drive, drive.place("buy", "0.5", "99999.99")


def test_self_match_cancels_the_resting_order() -> None:
    """The own bid goes, the incoming sell trades with the outside bid behind it."""
    drive, bid = own_bid(SelfMatch.CANCEL_RESTING)
    drive.place("sell", "0.5", None, "ioc")
    assert drive.status(bid) is OrderStatus.CANCELED
    assert [trade.price for trade in drive.account.trades] == [Decimal("99999.95")]


def test_self_match_refuses_the_incoming_order() -> None:
    """The incoming sell is refused when its limit reaches the own bid, and passes when it does not."""
    drive, bid = own_bid(SelfMatch.CANCEL_INCOMING)
    drive.submit("sell", "0.5", "99999.99", "gtc")
    drive.to(0.05)
    assert refusals(drive) == [Reason.SELF_MATCH]
    assert drive.status(bid) is OrderStatus.OPEN
    drive.place("sell", "0.5", "100000", "gtc")
    assert not drive.account.trades


@pytest.mark.parametrize("policy", SelfMatch)
def test_self_match_concerns_one_account_only(policy: SelfMatch) -> None:
    """Two accounts trade with each other under every policy."""
    drive, bid = own_bid(policy)
    other = drive.venue.open_account("bsc_0xother", Decimal(10_000))
    sell = NewOrder(BTC_USD, Side.SELL, OrderKind.LIMIT, Decimal("0.5"), Decimal("99999.99"), IOC, False)
    drive.venue.submit("bsc_0xother", sell, 0)
    drive.to(0.05)
    assert drive.status(bid) is OrderStatus.FILLED
    assert [trade.size for trade in other.trades] == [Decimal("0.5")]


# Reduce-only


def test_reduce_only_is_clipped_where_that_is_the_rule() -> None:
    """0.8 against a position of 1.0 with 0.6 pending becomes 0.4; with nothing left it is refused."""
    drive = Driver(balance="100000", params=VenueParams(reduce_only=ReduceOnlyRule.CLIP))
    drive.place("buy", "1.0", None, "ioc")
    drive.place("sell", "0.6", "100010", reduce_only=True)
    clipped = drive.place("sell", "0.8", "100011", reduce_only=True)
    assert drive.venue.order_view(USER, drive.account.orders[clipped]).size == Decimal("0.4")
    refused = drive.submit("sell", "0.1", "100012", reduce_only=True)
    assert isinstance(refused, Refusal) and refused.reason is Reason.REDUCE_ONLY


def test_clipped_again_when_executed() -> None:
    """A position that shrinks while the order is on its way cuts it a second time; it never flips the position."""
    drive = Driver(balance="100000", params=VenueParams(reduce_only=ReduceOnlyRule.CLIP))
    drive.place("buy", "1.0", None, "ioc")
    assert not isinstance(drive.submit("sell", "0.7", None, "ioc"), Refusal)
    assert not isinstance(drive.submit("sell", "1.0", None, "ioc", reduce_only=True), Refusal)
    drive.to(50 * MS / 1e9)
    assert drive.position == 0
    assert [trade.size for trade in drive.account.trades][-1] == Decimal("0.3000")
