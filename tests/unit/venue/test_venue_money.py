"""Margin, locks, funding and mark: the venue's money arithmetic, against the published samples."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_market import Outside, quiet_book
from venue_driver import USER, Driver

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.mark import FundingModel, MarkModel, MarkRule, impact_price, premium_frac
from hummingbot_extensions.sim.venue import HOUR_NS, VenueParams
from hummingbot_extensions.sim.venue_values import BalanceView, Refusal
from tests.support.fifo_market import BTC, START_NS

SAMPLES = Path(__file__).parents[2] / "wire" / "standx"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def test_position_sample_to_the_last_digit() -> None:
    """Every derived figure of the published position follows from quantity, entry, mark, leverage and rates."""
    row = sample("rest_query_positions")["open_long"]["body"][0]
    size, entry_value, mark = Decimal(row["qty"]), Decimal(row["entry_value"]), Decimal(row["mark_price"])
    holding, mmr = Decimal(row["holding_margin"]), Decimal("0.025")
    upnl = margin.unrealized_pnl(size, entry_value, mark)
    maint = margin.maintenance_margin(size, mark, mmr)
    assert str(size * mark) == row["position_value"]
    assert margin.initial_margin(entry_value, int(row["leverage"])) == Decimal(row["initial_margin"])
    assert str(upnl) == row["upnl"]
    assert str(maint) == row["maint_margin"]
    assert str(margin.margin_ratio(holding, upnl, maint)) == row["mmr"]
    assert str(margin.liquidation_price(size, entry_value, holding, mmr, 2)) == row["liq_price"]
    assert str(margin.bankruptcy_price(size, entry_value, holding, Decimal("0.0004"), 2)) == row["bankruptcy_price"]


def test_balance_sample() -> None:
    """What is available follows from the sample's own parts, to its three decimals."""
    body = sample("rest_query_balance")["response"]["body"]
    view = BalanceView(
        "u",
        Decimal(body["cross_balance"]),
        Decimal(body["cross_margin"]),
        Decimal(body["cross_upnl"]),
        Decimal(body["locked"]),
        Decimal(0),
        0,
        0,
    )
    assert str(view.available.quantize(Decimal("0.001"))) == body["cross_available"]


def test_margin_of_the_order_sample_is_rounded_up() -> None:
    """1 BTC at 121245.20 and leverage 15 needs 8083.013333334, the ninth decimal rounded up."""
    order = sample("ws_stream_order")["docs_filled_market"]["data"]
    value = Decimal(order["price"]) * Decimal(order["qty"])
    assert str(margin.round_up_money(value / int(order["leverage"]))) == order["margin"]


def test_lock_of_an_opening_order() -> None:
    """The sample's bid of 0.0010 at 77000 with leverage 10 locks 7.73234 and needs 7.7 of margin."""
    drive = Driver(book=quiet_book(7_700_500), index=77_005.0)
    order_id = drive.place("buy", "0.0010", "77000.00")
    view = drive.updates(order_id)[0].order
    expected = sample("ws_stream_order")["open"]["data"]
    assert str(view.avail_locked) == expected["avail_locked"]
    assert str(view.margin) == expected["margin"]
    assert drive.venue.balance(USER).available == Decimal(10000) - Decimal("7.73234")


def test_lock_of_a_closing_order_is_its_fee() -> None:
    """An order that only closes locks 1.05 taker fees and no margin; what exceeds the position opens."""
    drive = Driver(balance="100000")
    drive.place("buy", "0.5", None, "ioc")
    closing = drive.place("sell", "0.5", "100010.00")
    assert drive.updates(closing)[0].order.avail_locked == Decimal(50005) * Decimal("0.0004") * Decimal("1.05")
    assert drive.updates(closing)[0].order.margin == 0
    opening = drive.place("sell", "0.1", "100010.00")
    assert drive.updates(opening)[0].order.margin == Decimal("1000.1")


def test_pending_orders_hold_their_lock() -> None:
    """An accepted order that has not reached the market yet already uses up what it will lock."""
    drive = Driver()
    assert not isinstance(drive.submit("buy", "0.6", "99990"), Refusal)
    refused = drive.submit("buy", "0.6", "99990")
    assert isinstance(refused, Refusal) and refused.message == "balance not enough"


def test_partial_fill_shrinks_the_lock() -> None:
    """The lock of a partly filled order is that of its rest."""
    drive = Driver([Outside(1_000_000_000, Side.SELL, None, 4_000, TimeInForce.IOC)])
    order_id = drive.place("buy", "0.5", "99999.99")
    drive.to(1.0)
    rest = Decimal("99999.99") * Decimal("0.1")
    expected = margin.round_up_money(rest / 10) + margin.round_up_money(rest * Decimal("0.00042"))
    assert drive.updates(order_id)[-1].order.avail_locked == expected


def test_leverage_change_needs_margin() -> None:
    """Lower leverage is refused when the position could not carry it, and nothing changes then."""
    drive = Driver()
    drive.place("buy", "0.5", None, "ioc")
    assert drive.venue.set_leverage(USER, "BTC-USD", 40) is None
    refused = drive.venue.set_leverage(USER, "BTC-USD", 1)
    assert refused is not None and refused.message == "balance not enough"
    assert drive.account.leverage["BTC-USD"] == 40
    assert drive.venue.set_leverage(USER, "BTC-USD", 41) is not None


def test_funding_is_paid_on_the_hour() -> None:
    """At the hour of the shown clock a long pays notional x rate, once, and the books still add up."""
    params = VenueParams(clock_offset_ns=HOUR_NS - 1_000_000_000)
    drive = Driver(params=params, balance="100000")
    drive.place("buy", "0.5", None, "ioc")
    drive.to(0.9)
    assert not drive.account.funding
    drive.to(2.0)
    (row,) = drive.account.funding
    assert row.ts_ns == START_NS + 1_000_000_000
    assert row.amount == Decimal("-0.625000000")
    drive.venue.invariants()


@pytest.mark.parametrize("case", sample("mm_uptime_examples")["funding"])
def test_funding_rate_samples(case: dict[str, float]) -> None:
    """The published rule turns each sample premium into its rate and payment."""
    model = FundingModel()
    model.sample(case["avg_premium"])
    rate = model.settle()
    assert float(rate) == pytest.approx(case["funding_rate"])
    assert float(rate) * 0.5 * 70_000 == pytest.approx(case["payment_long_0_5_btc_at_70000"])


def test_impact_and_premium() -> None:
    """Impact prices average over what the notional takes; the premium is what stands beyond the index."""
    levels = [(10_000, 10), (9_900, 10)]
    assert impact_price(levels, 1_500.0, 0.01, 1.0) == pytest.approx(9_966.44, abs=0.01)
    assert impact_price(levels, 1e9, 0.01, 1.0) is None
    assert premium_frac(101.0, 102.0, 100.0) == pytest.approx(0.01)
    assert premium_frac(98.0, 99.0, 100.0) == pytest.approx(-0.01)
    assert premium_frac(None, 101.0, 100.0) == 0.0


def test_mark_is_the_median_of_three() -> None:
    """Index with funding, index plus average basis, last trade: the middle one, whichever it is."""
    model = MarkModel(MarkRule.MEDIAN)
    assert model.mark_ticks(0, (9_990, 10_030), 10_400, 10_000.0, 0.0, 0.5) == 10_010
    assert model.mark_ticks(1, (9_990, 10_030), 10_005, 10_000.0, 0.0, 0.5) == 10_005
    assert model.mark_ticks(2, (9_990, 10_030), 9_000, 10_000.0, 0.0, 0.5) == 10_000
    assert MarkModel(MarkRule.MID).mark_ticks(0, (9_990, 10_030), 9_000, 10_002.2, 0.0, 0.5) == 10_002


@given(st.integers(1, 10_000_000), st.integers(1, 1_000_000), st.integers(1, 40), st.booleans())
def test_liquidation_price_leaves_maintenance(price: int, lots: int, leverage: int, is_long: bool) -> None:
    """At the liquidation price, margin plus unrealised PnL is the maintenance margin, within rounding."""
    size = Decimal(lots).scaleb(-BTC.size_decimals) * (1 if is_long else -1)
    entry_value = Decimal(price).scaleb(-2) * abs(size)
    held, mmr = margin.initial_margin(entry_value, leverage), Decimal("0.0125")
    found = margin.liquidation_price(size, entry_value, held, mmr, 12)
    if found is None:
        return
    left = held + margin.unrealized_pnl(size, entry_value, found)
    assert abs(left - margin.maintenance_margin(size, found, mmr)) < Decimal("1e-6")
