"""Saving and restoring a venue: exactly over journaled markets, and with resting orders replanted over fresh ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from scripted_market import ScriptedMarket, quiet_book

from hummingbot_extensions.core.canonical import digest
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.journal import JournaledMarket, JournalMismatch
from hummingbot_extensions.sim.market import MarketSource
from hummingbot_extensions.sim.synthetic import SyntheticMarket
from hummingbot_extensions.sim.tape import Ladders, Tape, TapeMarket
from hummingbot_extensions.sim.venue import Venue
from hummingbot_extensions.sim.venue_values import CancelOrders, NewOrder, OrderKind, OrderStatus
from tests.support.fifo_market import BTC, START_NS

USER = "bsc_0xabc"
SECOND = 1_000_000_000


def tape() -> Tape:
    """Ten minutes of one wandering frame and one print a second."""
    count, draw = 600, np.random.default_rng(7)
    stamps = START_NS + np.arange(count, dtype=np.int64) * SECOND
    mids = 10_000_000 + np.cumsum(draw.integers(-4, 5, count)).astype(np.int64) * 10
    offsets = np.arange(count + 1, dtype=np.int64)
    lots = np.full(count, 5_000, np.int64)
    is_buy = draw.random(count) < 0.5
    prices = np.where(is_buy, mids + 20, mids - 20)
    return Tape(
        "BTC-USD", stamps, Ladders(offsets, mids - 20, lots), Ladders(offsets, mids + 20, lots),
        stamps + 1_000, prices, lots, is_buy,
    )  # fmt: skip


SOURCES: dict[str, Callable[[], MarketSource]] = {
    "synthetic": lambda: SyntheticMarket(BTC, 5, START_NS, 10_000_000),
    "tape": lambda: TapeMarket(tape(), BTC, background_lots=100),
}


def ordered(side: str, size: str, price: Decimal | None, tif: str = "gtc", **more: Any) -> NewOrder:
    kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
    return NewOrder("BTC-USD", Side(side), kind, Decimal(size), price, TimeInForce(tif), False, **more)


def first_half(venue: Venue) -> list[str]:
    """A minute of quoting, with a position, triggers, and commands still on their way at the end."""
    venue.open_account(USER, Decimal(50_000))
    bid, ask = venue.market("BTC-USD").touch()
    assert bid is not None and ask is not None
    digests = []
    venue.submit(USER, ordered("buy", "0.4", None, "ioc", sl_price=Decimal(ask - 200_000).scaleb(-2)), 0, "enter")
    for number in range(6):
        venue.submit(USER, ordered("buy", "0.2", Decimal(bid - 20 * number).scaleb(-2), "alo"), 30_000_000, number)
        venue.submit(USER, ordered("sell", "0.2", Decimal(ask + 20 * number).scaleb(-2), "alo"), 30_000_000, number)
        digests.append(digest(venue.advance(venue.now_ns + 10 * SECOND)))
    venue.submit(USER, ordered("buy", "0.1", Decimal(bid - 300).scaleb(-2), "alo"), SECOND, "late")
    venue.cancel(USER, CancelOrders(order_ids=(next(iter(venue.accounts[USER].live)),)), SECOND, "late cancel")
    return digests


def second_half(venue: Venue) -> list[str]:
    digests = [digest(venue.advance(venue.now_ns + 7 * SECOND)) for _ in range(6)]
    venue.submit(USER, ordered("sell", "0.3", None, "ioc"), 0, "leave")
    return [*digests, digest(venue.advance(venue.now_ns + SECOND)), digest(venue.balance(USER))]


def journaled(kind: str) -> dict[str, MarketSource]:
    return {"BTC-USD": JournaledMarket(SOURCES[kind]())}


@pytest.mark.parametrize("kind", SOURCES)
def test_restored_venue_goes_on_as_if_nothing_had_happened(kind: str) -> None:
    """Synthetic and taped: events after a restart through JSON text equal those of a venue that never stopped."""
    through, stopped = Venue(journaled(kind)), Venue(journaled(kind))
    assert first_half(through) == first_half(stopped)
    text = json.dumps(stopped.to_plain())
    restored = Venue.from_plain(json.loads(text), journaled(kind))
    assert json.dumps(restored.to_plain()) == text
    assert second_half(restored) == second_half(through)
    assert json.dumps(restored.to_plain()) == json.dumps(through.to_plain())


def test_journal_of_another_market_is_refused() -> None:
    """A different seed or a used market cannot pass for the saved one."""
    venue = Venue(journaled("synthetic"))
    first_half(venue)
    plain = venue.to_plain()
    other = {"BTC-USD": JournaledMarket(SyntheticMarket(BTC, 6, START_NS, 10_000_000))}
    with pytest.raises(JournalMismatch):
        Venue.from_plain(plain, other)
    used = journaled("synthetic")
    used["BTC-USD"].advance(START_NS + SECOND)
    with pytest.raises(JournalMismatch):
        Venue.from_plain(plain, used)


def test_fresh_market_gets_the_resting_orders() -> None:
    """Without a journal money, position and ids stay, orders rest anew, and venue time runs on over the new market."""
    venue = Venue({"BTC-USD": ScriptedMarket(quiet_book())})
    venue.open_account(USER, Decimal(50_000))
    venue.submit(USER, ordered("buy", "0.4", None, "ioc"), 0)
    venue.submit(USER, ordered("buy", "0.2", Decimal("99990")), 0)
    venue.submit(USER, ordered("buy", "0.2", Decimal("99995")), 0)
    venue.advance(START_NS + 3600 * SECOND)
    before = venue.balance(USER)
    lower = {"BTC-USD": ScriptedMarket(quiet_book(9_999_200))}
    restored = Venue.from_plain(json.loads(json.dumps(venue.to_plain())), lower)
    assert restored.now_ns == venue.now_ns
    assert restored.balance(USER).cross_balance == before.cross_balance
    account = restored.accounts[USER]
    assert [order.status for order in account.orders.values()] == [
        OrderStatus.FILLED,
        OrderStatus.OPEN,
        OrderStatus.CANCELED,
    ]
    restored.submit(USER, ordered("sell", "0.4", None, "ioc"), 0)
    restored.advance(restored.now_ns + SECOND)
    assert account.trades[-1].ts_ns == venue.now_ns
    assert account.position_lots("BTC-USD") == 0
    assert len({order.id for order in account.orders.values()}) == 4
    restored.invariants()


def test_state_must_fit() -> None:
    """Another version or other markets are refused by name."""
    plain = Venue({"BTC-USD": ScriptedMarket(quiet_book())}).to_plain()
    with pytest.raises(ValueError, match="state of version 0"):
        Venue.from_plain(plain | {"version": 0}, {"BTC-USD": ScriptedMarket(quiet_book())})
    with pytest.raises(ValueError, match="state of the markets"):
        Venue.from_plain(plain, {"ETH-USD": ScriptedMarket(quiet_book())})


def test_broken_books_are_not_restored() -> None:
    """A state whose money does not add up is refused, not traded on."""
    venue = Venue({"BTC-USD": ScriptedMarket(quiet_book())})
    venue.open_account(USER, Decimal(50_000))
    plain = venue.to_plain()
    plain["accounts"][0]["balance"] = "50000.01"
    with pytest.raises(ValueError, match="does not add up: balance 50000.01"):
        Venue.from_plain(plain, {"BTC-USD": ScriptedMarket(quiet_book())})
