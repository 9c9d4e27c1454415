"""The way back from a hard stop as a taker: cases worked by hand, one reason for each time nothing is sent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from core_builders import NOW, RULES, SECOND, account, order, view

from hummingbot_extensions.core.exits import (
    ExitHold,
    ExitParams,
    HardStopRecovery,
    Slice,
    bounded_slice,
    excess,
    maker_share,
    next_slice,
)
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import MarketStanding, Side
from hummingbot_extensions.core.view import AccountView, MarketView, OrderState

D = Decimal
SINCE = NOW - 61 * SECOND
PARAMS = ExitParams(
    resume_limit_base=D("0.006"), slice_base=D("0.005"), recovery=HardStopRecovery.MAKER_THEN_TAKER,
    taker_after_s=60.0, slippage_bps=20.0,
)  # fmt: skip


def wanted(
    held: AccountView | None = None, market: MarketView | None = None, since: int | None = SINCE, **changes: Any
) -> Slice | ExitHold:
    return next_slice(market or view(), held or account(position="0.0200"), since, replace(PARAMS, **changes))


def test_a_long_is_sold_in_slices_down_to_the_bound() -> None:
    """0.0200 long, resume 0.006: a slice of 0.005, no cheaper than 20 bps under a mark of 100,000."""
    assert wanted() == Slice(Side.SELL, D("0.0050"), D("99800.00"))


def test_a_short_is_bought_back_up_to_the_bound() -> None:
    assert wanted(account(position="-0.0200")) == Slice(Side.BUY, D("0.0050"), D("100200.00"))


def test_the_last_slice_leads_just_under_the_resume_limit() -> None:
    """0.0080 held: 0.0021 leave 0.0059, which is under 0.006; 0.0020 would not be."""
    assert wanted(account(position="0.0080")) == Slice(Side.SELL, D("0.0021"), D("99800.00"))


def test_a_limit_price_off_the_tick_is_rounded_to_the_safe_side() -> None:
    """A mark of 99,999.37: 99,799.371 becomes 99,799.38 for a sell, 100,199.369 becomes 100,199.36 for a buy."""
    odd = view(mark=D("99999.37"))
    sold, bought = wanted(market=odd), wanted(account(position="-0.0200"), odd)
    assert isinstance(sold, Slice) and sold.limit_price == D("99799.38")
    assert isinstance(bought, Slice) and bought.limit_price == D("100199.36")


def test_less_than_the_smallest_order_is_wanted() -> None:
    """0.0060 held, 0.0001 too much, but 10 quote units are the least: the smallest order that is enough is sent."""
    assert wanted(account(position="0.0060")) == Slice(Side.SELL, D("0.0002"), D("99800.00"))


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        (ExitHold.NOT_STOPPED, {"since": None}),
        (ExitHold.NO_TAKER, {"recovery": HardStopRecovery.MAKER}),
        (ExitHold.NO_TAKER, {"recovery": HardStopRecovery.WAIT}),
        (ExitHold.MAKER_FIRST, {"since": NOW - 59 * SECOND}),
        (ExitHold.UNDER_RESUME, {"held": account(position="0.0059")}),
        (ExitHold.UNDER_RESUME, {"held": account(position="0")}),
        (ExitHold.POSITION_UNKNOWN, {"held": account(position=None)}),
        (ExitHold.POSITION_UNKNOWN, {"held": account(position="0.0200", position_by_fills=None)}),
        (ExitHold.POSITION_UNKNOWN, {"held": account(position="0.0200", hold=Silence.STARTUP_CHECK)}),
        (ExitHold.UNSETTLED, {"held": account(position="0.0200", position_by_fills=D("-0.0001"))}),
        (ExitHold.UNSETTLED, {"held": account(position="0.0200", position_by_fills=D("0"))}),
        (ExitHold.BELOW_MINIMUM, {"slice_base": D("0.0001")}),
        (ExitHold.NOT_READY, {"market": view(is_connector_ready=False)}),
        (ExitHold.NOT_READY, {"market": view(standing=MarketStanding.HALTED)}),
        (ExitHold.NOT_READY, {"market": view(private_age_ms=None)}),
        (ExitHold.NOT_READY, {"market": view(private_age_ms=30_001.0)}),
        (ExitHold.STALE, {"market": view(book_age_ms=2001.0)}),
        (ExitHold.STALE, {"market": view(book_age_ms=None)}),
        (ExitHold.STALE, {"market": view(price_age_ms=10_001.0)}),
        (ExitHold.STALE, {"market": view(price_age_ms=None)}),
        (ExitHold.STALE, {"market": view(mark=None)}),
        (ExitHold.STALE, {"market": view(bid=None)}),
        (ExitHold.STALE, {"market": view(ask=None)}),
        (ExitHold.STALE, {"market": view(mark=D("NaN"))}),
        (ExitHold.STALE, {"market": view(mark=D("0"))}),
        (ExitHold.CONTRADICTION, {"market": view(bid=D("100000.02"))}),
        (ExitHold.CONTRADICTION, {"market": view(mark=D("100600.00"))}),
        (ExitHold.CONTRADICTION, {"market": view(mark=D("99400.00"))}),
    ],
)
def test_nothing_is_sent_and_one_reason_says_why(reason: ExitHold, changes: dict[str, Any]) -> None:
    assert wanted(**changes) is reason


def test_the_smaller_of_two_positions_decides() -> None:
    """A fill is on its way: only what both tellers know of is reduced, and no more than that."""
    held = account(position="0.0200", position_by_fills=D("0.0070"))
    assert wanted(held) == Slice(Side.SELL, D("0.0011"), D("99800.00"))
    assert wanted(account(position="0.0200", position_by_fills=D("0.0059"))) is ExitHold.UNDER_RESUME


def test_resting_reducing_orders_are_left_their_part() -> None:
    """A quote that reduces 0.0170 of 0.0200 may fill at any time: only the other 0.0030 are for slices."""
    quote = order(Side.SELL, "100060.00", size=D("0.0170"), is_reduce_only=True)
    assert wanted(account(quote, position="0.0200")) == Slice(Side.SELL, D("0.0030"), D("99800.00"))
    whole = replace(quote, size=D("0.0200"), state=OrderState.CANCELLING)
    assert wanted(account(whole, position="0.0200")) is ExitHold.RESERVED


def test_a_market_beyond_the_bound_is_not_chased() -> None:
    """The best bid 25 bps under the mark: nothing could trade, so nothing is sent; shown a step lower it might."""
    assert wanted(market=view(bid=D("99750.00"), ask=D("100100.00"))) is ExitHold.OUT_OF_BOUND
    assert wanted(market=view(bid=D("99799.99"), ask=D("100100.00"))) is ExitHold.OUT_OF_BOUND
    assert isinstance(wanted(market=view(bid=D("99799.90"), ask=D("100100.00"), grid=D("1"))), Slice)
    short = account(position="-0.0200")
    assert wanted(short, view(bid=D("99900.00"), ask=D("100200.01"))) is ExitHold.OUT_OF_BOUND
    assert isinstance(wanted(short, view(bid=D("99900.00"), ask=D("100200.00"))), Slice)


def test_an_order_of_ours_is_not_traded_with() -> None:
    """The adding bid's cancel is not confirmed: a sell through it would be a trade with ourselves."""
    bid = order(Side.BUY, "99940.00", state=OrderState.CANCELLING)
    assert wanted(account(bid, position="0.0200")) is ExitHold.OWN_ORDER_AHEAD
    far = order(Side.BUY, "99799.99", state=OrderState.UNKNOWN)
    assert isinstance(wanted(account(far, position="0.0200")), Slice)


def test_the_venues_largest_order_bounds_a_slice() -> None:
    small = view(rules=replace(RULES, max_size=D("0.0012")))
    assert wanted(market=small) == Slice(Side.SELL, D("0.0012"), D("99800.00"))


def test_a_limit_of_zero_means_flat() -> None:
    """The start-up's closing uses the same slices: all of it, dust off the step left behind."""
    assert excess(D("0.02005"), D(0), D("0.0001")) == D("0.0200")
    assert excess(D("-0.0059"), D("0.006"), D("0.0001")) == 0


def test_a_slice_that_no_price_fits_is_refused() -> None:
    """A bound of 100 % under a mark of one tick leaves no price to sell at."""
    assert bounded_slice(Side.SELL, D(1), D(1), D("0.01"), RULES, 10_000.0) is ExitHold.OUT_OF_BOUND


def test_quotes_leave_the_taker_its_part() -> None:
    """0.0200 held, under 0.006 wanted: quotes may ask for 0.0059; without a taker to come, for all of it."""
    assert maker_share(D("-0.0200"), D("0.0001"), PARAMS) == D("0.0059")
    assert maker_share(D("0.0200"), D("0.0001"), replace(PARAMS, recovery=HardStopRecovery.MAKER)) == D("0.0200")
    assert maker_share(D("0.0040"), D("0.0001"), PARAMS) == D("0.0040")


def test_parameters_that_could_never_reduce_are_named() -> None:
    """Off by default; each broken value is named with its fix."""
    assert ExitParams(D("0.006"), D("0.005")).recovery is HardStopRecovery.MAKER
    assert PARAMS.problems() == []
    broken = replace(PARAMS, slice_base=D(0), resume_limit_base=D(-1), slippage_bps=0.0, taker_after_s=-1.0)
    assert [field for field, _ in broken.problems()] == [
        "slice_base", "resume_limit_base", "slippage_bps", "taker_after_s"]
