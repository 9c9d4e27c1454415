"""Funding at the hour: the published worked numbers through a whole venue, and where the money goes."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from scripted_market import SECOND
from steered import Steered
from venue_driver import USER

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.sim.venue import VenueParams
from hummingbot_extensions.sim.venue_values import BalanceUpdate

BUY, SELL = Side.BUY, Side.SELL
CASES = json.loads((Path(__file__).parents[2] / "wire" / "standx" / "mm_uptime_examples.json").read_text())["funding"]
HOUR_NS = 3600 * SECOND
SOON = VenueParams(clock_offset_ns=HOUR_NS - 60 * SECOND)
"""The hour is full 60 s after the start."""


def at_70000(premium: float, params: VenueParams = SOON) -> Steered:
    """A deep market whose executable prices stand off the index of 70000 by this premium."""
    bid = Decimal(70_000) * (1 + Decimal(str(premium))) if premium > 0 else Decimal(69_900)
    ask = Decimal(70_000) * (1 + Decimal(str(premium))) if premium < 0 else bid + 200
    bid = min(bid, ask - 100)
    levels = [(BUY, str(bid), 100_000), (SELL, str(ask), 100_000)]
    return Steered(levels, "20000", 70_000.0, params)


@pytest.mark.parametrize("case", CASES)
def test_published_funding_payments(case: dict[str, float]) -> None:
    """0.5 BTC at 70000: a premium held all hour settles at the published rate, long and short in opposite sense."""
    drive = at_70000(case["avg_premium"])
    short = drive.stranger("20000", "sell", "0.5")
    drive.place("buy", "0.5", None, "ioc")
    drive.to(59.9)
    assert not drive.account.funding
    drive.to(60.1)
    (paid,), (received,) = drive.account.funding, short.funding
    assert paid.rate == Decimal(str(case["funding_rate"]))
    assert paid.amount == -Decimal(str(case["payment_long_0_5_btc_at_70000"]))
    assert received.amount == -paid.amount
    assert (received.id, paid.id) == (paid.id + 1, paid.id)
    assert drive.venue.house.funding == 0
    drive.to(120.0)
    assert len(drive.account.funding) == 1


def test_house_stands_on_the_other_side() -> None:
    """What an account pays against the outside market stands in the house's books, and the account is told."""
    drive = at_70000(0.0006)
    drive.place("buy", "0.5", None, "ioc")
    events = drive.to(60.1)
    assert drive.venue.house.funding == Decimal("3.5")
    told = [event for event in events if isinstance(event, BalanceUpdate)]
    assert [event.balance.cross_balance for event in told] == [drive.account.balance]


def test_isolated_margin_pays() -> None:
    """Funding of an isolated position comes out of its own margin."""
    drive = at_70000(0.0006)
    drive.venue.set_margin_mode(USER, "BTC-USD", "isolated")
    drive.place("buy", "0.5", None, "ioc")
    wallet, held = drive.account.balance, drive.account.positions["BTC-USD"].margin
    drive.to(60.1)
    assert drive.account.balance == wallet
    assert drive.account.positions["BTC-USD"].margin == held - Decimal("3.5")


def test_funding_can_liquidate() -> None:
    """A position that funding leaves below maintenance is closed at the next beat."""
    drive = at_70000(0.0006)
    drive.venue.set_margin_mode(USER, "BTC-USD", "isolated")
    drive.venue.set_leverage(USER, "BTC-USD", 40)
    drive.place("buy", "0.5", None, "ioc")
    view = drive.venue.position(USER, "BTC-USD")
    spare = view.holding_margin + view.upnl - view.maint_margin
    drive.account.move_margin("BTC-USD", Decimal(3) - spare)
    drive.to(59.9)
    assert drive.position == Decimal("0.5")
    drive.to(60.1)
    assert drive.position == 0


def test_premium_is_averaged_over_the_hour() -> None:
    """Sampled every 5 s: six samples at 12 bp and six at 0 settle as 6 bp would, at 1 bp."""
    drive = at_70000(0.0012, VenueParams(clock_offset_ns=HOUR_NS - 62 * SECOND))
    drive.place("buy", "0.5", None, "ioc")
    drive.to(30.0)
    # From here on the index meets the bid: no premium.
    drive.source.price = 70_084.0
    drive.to(62.1)
    (row,) = drive.account.funding
    assert row.rate == Decimal("0.00010000")
    assert row.amount == -(Decimal("0.5") * Decimal("70084") * Decimal("0.0001"))
