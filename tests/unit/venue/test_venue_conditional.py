"""Take profit and stop loss: when they come into being, trigger, exclude each other, and end."""

from __future__ import annotations

from decimal import Decimal

import pytest
from steered import Steered
from venue_driver import USER

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.sim.account import Order
from hummingbot_extensions.sim.venue_values import OrderKind, OrderSource, OrderStatus, Reason, Refusal

BUY, SELL = Side.BUY, Side.SELL
LEVELS = [(BUY, "99990", 50_000), (BUY, "95000", 50_000), (SELL, "100010", 50_000), (SELL, "105000", 50_000)]


def waiting(drive: Steered) -> list[Order]:
    return [order for order in drive.account.live.values() if order.status is OrderStatus.UNTRIGGERED]


def entered(side: str, tp: str | None, sl: str | None, size: str = "0.5") -> Steered:
    drive = Steered(LEVELS, "50000")
    prices = {"tp_price": Decimal(tp) if tp else None, "sl_price": Decimal(sl) if sl else None}
    drive.place(side, size, None, "ioc", **prices)
    return drive


def test_made_when_the_order_is_filled() -> None:
    """A resting entry has no triggers yet; its fill makes two reduce-only untriggered orders that lock nothing."""
    drive = Steered(LEVELS, "50000")
    entry = drive.place("buy", "0.5", "99999", tp_price=Decimal(101_000), sl_price=Decimal(98_000))
    assert not waiting(drive)
    drive.stranger("50000", "sell", "0.5")
    drive.wait(0.05)
    profit, loss = waiting(drive)
    assert (profit.source, profit.trigger_ticks) == (OrderSource.TAKE_PROFIT, 10_100_000)
    assert (loss.source, loss.trigger_ticks) == (OrderSource.STOP_LOSS, 9_800_000)
    for order in (profit, loss):
        view = drive.venue.order_view(USER, order)
        assert (view.side, view.size, view.reduce_only, view.kind) == (SELL, Decimal("0.5"), True, OrderKind.MARKET)
        assert (view.avail_locked, view.parent_id) == (0, entry)
    assert drive.account.locked(drive.venue.specs) == 0


def test_partly_filled_entry_is_covered_when_it_ends() -> None:
    """Cancelled after 0.2 of 0.5, an entry leaves triggers for the 0.2."""
    drive = Steered(LEVELS, "50000")
    entry = drive.place("buy", "0.5", "99999", sl_price=Decimal(98_000))
    drive.stranger("50000", "sell", "0.2")
    drive.wait(0.05)
    assert not waiting(drive)
    drive.cancel(entry)
    assert [order.size_lots for order in waiting(drive)] == [2_000]


@pytest.mark.parametrize(
    ("side", "tp", "sl", "short_of", "mark", "source", "price"),
    [
        ("buy", "101000", "98000", "100999.99", "101000", OrderSource.TAKE_PROFIT, "99990"),
        ("buy", "101000", "98000", "98000.01", "98000", OrderSource.STOP_LOSS, "99990"),
        ("sell", "98000", "101000", "98000.01", "98000", OrderSource.TAKE_PROFIT, "100010"),
        ("sell", "98000", "101000", "100999.99", "101000", OrderSource.STOP_LOSS, "100010"),
    ],
)
def test_trigger_on_the_mark(
    side: str, tp: str, sl: str, short_of: str, mark: str, source: OrderSource, price: str
) -> None:
    """Long: loss at or below, profit at or above; short the mirror. It closes at the book, the other one goes."""
    drive = entered(side, tp, sl)
    both = waiting(drive)
    drive.mark(short_of)
    assert waiting(drive) == both
    drive.mark(mark)
    assert drive.position == 0
    (closing,) = [order for order in both if order.source is source]
    (other,) = [order for order in both if order.source is not source]
    assert (closing.status, other.status) == (OrderStatus.FILLED, OrderStatus.CANCELED)
    assert drive.account.trades[-1].price == Decimal(price)
    assert [update.order.status for update in drive.updates(closing.id)] == [
        OrderStatus.UNTRIGGERED,
        OrderStatus.FILLED,
    ]


def test_fill_is_not_guaranteed() -> None:
    """What the book does not give is cancelled, and the position stays."""
    drive = Steered([(SELL, "100000", 50_000), (BUY, "99000", 1_000)], "50000")
    drive.place("buy", "0.5", None, "ioc", sl_price=Decimal(98_000))
    (loss,) = waiting(drive)
    drive.mark("98000")
    assert (loss.status, drive.position) == (OrderStatus.CANCELED, Decimal("0.4"))
    assert not waiting(drive)


def test_cut_to_the_position() -> None:
    """When part of the position is closed by hand the trigger stays, and closes only what is left."""
    drive = entered("buy", None, "98000")
    (loss,) = waiting(drive)
    drive.place("sell", "0.3", None, "ioc")
    drive.wait(0.1)
    assert waiting(drive) == [loss]
    drive.mark("97000")
    assert drive.position == 0
    assert loss.size_lots == loss.filled_lots == 2_000


def test_gone_with_the_position() -> None:
    """A position closed by hand takes its triggers with it at the next step."""
    drive = entered("buy", "101000", "98000")
    both = waiting(drive)
    drive.place("sell", "0.5", None, "ioc")
    drive.wait(0.05)
    assert [order.status for order in both] == [OrderStatus.CANCELED] * 2


def test_pending_triggers_count_once_against_reduce_only() -> None:
    """A pair over 0.5 of 1.0 leaves 0.5 for other reduce-only orders, not nothing, and no more."""
    drive = entered("buy", "101000", "98000")
    drive.place("buy", "0.5", None, "ioc")
    over = drive.submit("sell", "0.5001", "100005", reduce_only=True)
    assert isinstance(over, Refusal) and over.reason is Reason.REDUCE_ONLY
    drive.place("sell", "0.5", "100005", reduce_only=True)


def test_can_be_cancelled() -> None:
    """An untriggered order is cancelled like any other, its sibling stays, and no resting order is counted."""
    drive = entered("buy", "101000", "98000")
    profit, loss = waiting(drive)
    assert drive.cancel(profit.id).refusal is None
    assert waiting(drive) == [loss]
    assert not drive.account.log.cancel_times_ns


@pytest.mark.parametrize(
    ("side", "fields", "text"),
    [
        ("buy", {"tp_price": "99000"}, "tp_price: must be above the price"),
        ("buy", {"sl_price": "100000"}, "sl_price: must be below the price"),
        ("sell", {"tp_price": "100000"}, "tp_price: must be below the price"),
        ("sell", {"sl_price": "99000"}, "sl_price: must be above the price"),
        ("buy", {"sl_price": "99000.001"}, "sl_price: not follow price tick 0.01"),
        ("sell", {"sl_price": "101000", "reduce_only": True}, "sl_price: not allowed on a reduce_only order"),
    ],
)
def test_bad_triggers_are_refused(side: str, fields: dict[str, object], text: str) -> None:
    """A trigger on the wrong side, off the tick or on a reduce-only order is refused by name."""
    drive = Steered(LEVELS, "50000")
    more = {name: Decimal(str(value)) if name != "reduce_only" else value for name, value in fields.items()}
    refused = drive.submit(side, "0.1", "100000", "gtc", **more)
    assert isinstance(refused, Refusal) and refused.message == text
