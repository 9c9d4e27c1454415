"""The gate before an order is sent, case by case: what it refuses and under which name, and what it never holds up."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from decimal import Context, localcontext
from pathlib import Path
from typing import Any

import pytest
from core_builders import RULES, SECOND, D, account, decided, order, params, places, view
from gate_builders import (
    BUY,
    EVERYTHING_ON,
    INFINITY,
    NAN,
    NO_OTHERS,
    SELL,
    TODAY,
    limits,
    quote,
    resting,
)  # fmt: skip

import hummingbot_extensions.core as core
from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.gate import check, check_all
from hummingbot_extensions.core.gate_exposure import Exposure, SideLoad, market_totals
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import (
    AccountTotals,
    GateReason,
    GateState,
    MarginView,
    Verdict,
    after_fill,
    after_placed,
    combined,
    utc_day,
)
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import MarketStanding, Side
from hummingbot_extensions.core.view import AccountView, MarketView, OrderState


def verdict(
    wanted: Quote | None = None, held: AccountView | None = None, state: GateState | None = None,
    others: AccountTotals | None = None, margin: MarginView | None = None, market: MarketView | None = None,
    **changes: Any,
) -> Verdict:
    return check(wanted or quote(), market or view(), held or account(), limits(**changes),
                 state or GateState(TODAY), TODAY, others, margin)  # fmt: skip


# --- the position cap ---


@pytest.mark.parametrize("state", list(OrderState))
@pytest.mark.parametrize("side", list(Side))
def test_position_resting_and_new_orders_together_stay_under_the_cap(side: Side, state: OrderState) -> None:
    """I5: 0.15 resting + 0.07 held + 0.02 new is over 0.21, whatever is known of the resting orders; 0.12 is not."""
    held = D("0.07") * side.sign
    over = verdict(quote(side), account(*resting(side, "0.10", "0.05", state=state), position=str(held)))
    assert (over.allowed, over.reason) == (False, GateReason.POSITION_CAP)
    assert "0.24" in over.text and "0.21" in over.text
    edge = account(*resting(side, "0.10", "0.02", state=state), position=str(held))
    assert verdict(quote(side), edge) == Verdict(True)
    assert verdict(quote(side, size="0.0201"), edge).reason is GateReason.POSITION_CAP


def test_the_worse_of_venue_and_fills_counts() -> None:
    """While a position frame is on its way, either may be true."""
    held = replace(account(position="0.19"), position_by_fills=D("0.20"))
    assert verdict(quote(size="0.01"), held).allowed
    assert verdict(quote(size="0.0101"), held).reason is GateReason.POSITION_CAP
    short = replace(account(position="-0.20"), position_by_fills=D("-0.19"))
    assert verdict(quote(SELL, size="0.0101"), short).reason is GateReason.POSITION_CAP
    assert verdict(quote(BUY, size="0.19", is_reduce_only=True), short).allowed
    assert verdict(quote(BUY, size="0.1901", is_reduce_only=True), short).reason is GateReason.REDUCES_TOO_MUCH


def test_plain_orders_never_live_on_a_position_that_reduce_only_orders_may_close_first() -> None:
    """Long 0.2: sells of 0.21 are the most, for a reduce-only order may take the position away before they fill."""
    held = account(*resting(SELL, "0.15"), position="0.2")
    assert verdict(quote(SELL, size="0.06"), held).allowed
    assert verdict(quote(SELL, size="0.0601"), held).reason is GateReason.POSITION_CAP
    # An order that says reduce-only although it would add, as it does once the position has turned, counts in full.
    turned = account(*resting(BUY, "0.05", is_reduce_only=True), position="0.15")
    assert verdict(quote(BUY, size="0.01"), turned).allowed
    assert verdict(quote(BUY, size="0.0101"), turned).reason is GateReason.POSITION_CAP


def test_orders_are_counted_by_side_and_kind_with_their_value() -> None:
    """Plain and reduce-only sizes apart, value and number together, nothing for free margin."""
    held = account(*resting(BUY, "0.01", "0.02"), *resting(SELL, "0.03", is_reduce_only=True), *resting(SELL, "0.04"))
    assert Exposure.of(held) == Exposure(
        SideLoad(D("0.03"), D(0), D("2998.00")), SideLoad(D("0.04"), D("0.03"), D("7004.20")), 4, 1, D(0), True)


# --- what every order must be ---


@pytest.mark.parametrize(("wanted", "reason"), [
    (quote(price=NAN), GateReason.MALFORMED), (quote(price=D("sNaN")), GateReason.MALFORMED),
    (quote(price=INFINITY), GateReason.MALFORMED), (quote(size=-INFINITY), GateReason.MALFORMED),
    (quote(size=NAN), GateReason.MALFORMED), (quote(price=99940.0), GateReason.MALFORMED),
    (quote(size=None), GateReason.MALFORMED), (quote(is_reduce_only=None), GateReason.MALFORMED),
    (replace(quote(), side="buy"), GateReason.MALFORMED),  # type: ignore[arg-type]
    (quote(price="0"), GateReason.NOT_POSITIVE), (quote(price="-99940"), GateReason.NOT_POSITIVE),
    (quote(size="0"), GateReason.NOT_POSITIVE), (quote(size="-0.02"), GateReason.NOT_POSITIVE),
    (quote(price="99940.001"), GateReason.OFF_TICK), (quote(price="1E+999"), GateReason.OFF_TICK),
    (quote(size="0.00011"), GateReason.OFF_STEP), (quote(size="0.02" + 40 * "0" + "1"), GateReason.OFF_STEP),
    (quote(BUY, "85000.00"), None), (quote(BUY, "84999.99"), GateReason.PRICE_DEVIATION),
    (quote(SELL, "115000.00"), None), (quote(SELL, "115000.01"), GateReason.PRICE_DEVIATION),
    (quote(BUY, "115000.01"), GateReason.PRICE_DEVIATION),
    (quote(BUY, "100000.00"), None), (quote(BUY, "100000.01"), GateReason.CROSSES),
    (quote(SELL, "100000.00"), None), (quote(SELL, "99999.99"), GateReason.CROSSES),
])
@pytest.mark.parametrize("position", ["0", "0.1", "-0.1"])
def test_no_order_passes_that_is_not_sane(wanted: Quote, reason: GateReason | None, position: str) -> None:
    """I8, E16: each fault has its name, for plain and for reducing orders alike; the last sane value passes."""
    held = account(position=position)
    assert verdict(wanted, held).reason is reason
    if position != "0" and reason not in (None, GateReason.MALFORMED):
        assert verdict(replace(wanted, is_reduce_only=True), held).reason is reason


@pytest.mark.parametrize(("market", "reason"), [
    ({"mark": None}, GateReason.NO_MARK), ({"mark": D(0)}, GateReason.NO_MARK), ({"mark": NAN}, GateReason.NO_MARK),
    ({"bid": None}, GateReason.NO_BOOK), ({"ask": None}, GateReason.NO_BOOK), ({"ask": INFINITY}, GateReason.NO_BOOK),
    ({"bid": NAN}, GateReason.NO_BOOK), ({"bid": D(0)}, GateReason.NO_BOOK), ({"grid": D(0)}, GateReason.NO_BOOK),
    ({"bid": D("100000.02")}, GateReason.CROSSED_BOOK), ({"bid": D("100000.01")}, None),
    ({"standing": MarketStanding.HALTED}, GateReason.MARKET_NOT_TRADING),
    ({"standing": MarketStanding.UNKNOWN}, GateReason.MARKET_NOT_TRADING),
    ({"rules": replace(RULES, tick=D(0))}, GateReason.RULES_UNREADABLE),
    ({"rules": replace(RULES, step=NAN)}, GateReason.RULES_UNREADABLE),
    ({"rules": replace(RULES, step=D(0))}, GateReason.RULES_UNREADABLE),
    ({"rules": replace(RULES, min_size=D("0.0201"))}, GateReason.MIN_SIZE),
    ({"rules": replace(RULES, min_size=D("0.02"))}, None),
    ({"rules": replace(RULES, min_size=NAN)}, GateReason.NOT_A_NUMBER),
    ({"rules": replace(RULES, max_size=D("0.0199"))}, GateReason.VENUE_MAX_SIZE),
    ({"rules": replace(RULES, max_size=D("0.02"))}, None),
    ({"rules": replace(RULES, min_notional=D("1998.81"))}, GateReason.MIN_NOTIONAL),
    ({"rules": replace(RULES, min_notional=D("1998.80"))}, None),
])
@pytest.mark.parametrize("is_reduce_only", [False, True])
def test_without_a_price_or_lattice_to_hold_it_against_no_order_passes(
    market: dict[str, Any], reason: GateReason | None, is_reduce_only: bool
) -> None:
    """What makes a price sane has to be there, for reducing orders too."""
    held = account(position="-0.1" if is_reduce_only else "0")
    assert verdict(quote(is_reduce_only=is_reduce_only), held, market=view(**market)).reason is reason


def test_a_book_shown_on_a_coarse_grid_hides_bids_up_to_a_step_above() -> None:
    """E16: shown 99,990 on a grid of 10 the best bid may be 99,999.99, so an ask at 99,999 could take."""
    coarse = view(bid=D("99990"), ask=D("100000"), grid=D("10"))
    assert verdict(quote(SELL, "99999.99"), market=coarse).reason is GateReason.CROSSES
    assert verdict(quote(SELL, "100000.00"), market=coarse).allowed
    assert verdict(quote(BUY, "99999.99"), market=coarse).allowed
    assert verdict(quote(BUY, "100000.00"), market=coarse).reason is GateReason.CROSSES


@pytest.mark.parametrize(("field", "value"), [
    ("position_cap_base", NAN), ("position_cap_base", INFINITY), ("position_cap_base", D(0)),
    ("max_price_deviation_frac", D(0)), ("max_price_deviation_frac", D(1)), ("max_price_deviation_frac", INFINITY),
])
def test_a_limit_that_always_holds_has_to_be_a_number(field: str, value: Any) -> None:
    """An unreadable cap is no cap."""
    assert verdict(**{field: value}).reason is GateReason.LIMITS_UNREADABLE


OPTIONAL = [
    "max_order_size_base", "max_open_orders", "max_open_orders_account", "max_net_quote", "max_net_account_quote",
    "max_resting_quote", "max_side_resting_quote", "min_available_quote", "liquidation_distance_stop_frac",
    "margin_ratio_stop", "daily_orders", "daily_turnover_quote", "daily_added_base",
]


@pytest.mark.parametrize("field", OPTIONAL)
def test_an_optional_limit_that_is_not_a_number_refuses_what_adds(field: str) -> None:
    """NaN compares with nothing: an order that adds is refused by name, one that reduces needs no such limit."""
    held, near = account(position="0.1"), MarginView(D("50000"), D(5))
    assert verdict(quote(), held, None, NO_OTHERS, near, **{field: NAN}).reason is GateReason.NOT_A_NUMBER
    if "open_orders" not in field:
        assert verdict(quote(SELL, is_reduce_only=True), held, None, NO_OTHERS, near, **{field: NAN}).allowed


# --- fail closed ---


SAFE = MarginView(D("50000"), D(10))


@pytest.mark.parametrize(("changes", "reason"), [
    ({}, None),
    ({"market": view(is_connector_ready=False)}, GateReason.CONNECTOR_NOT_READY),
    ({"market": view(private_age_ms=None)}, GateReason.ACCOUNT_STREAM_DOWN),
    ({"market": view(private_age_ms=float("nan"))}, GateReason.ACCOUNT_STREAM_DOWN),
    ({"held": account(position="0.03", hold=Silence.STARTUP_CHECK)}, GateReason.START_NOT_DONE),
    ({"held": account(order(SELL, "100100", size=NAN), position="0.03")}, GateReason.ORDERS_UNREADABLE),
    ({"held": account(order(SELL, "100100", size=D("-1")), position="0.03")}, GateReason.ORDERS_UNREADABLE),
    ({"held": account(replace(order(SELL, "1"), price=NAN), position="0.03")}, GateReason.ORDERS_UNREADABLE),
    ({"held": account(position="0.03", available_quote=None)}, GateReason.BALANCE_UNKNOWN),
    ({"held": account(position="0.03", available_quote=INFINITY)}, GateReason.BALANCE_UNKNOWN),
    ({"held": account(position="0.03", leverage=0)}, GateReason.BALANCE_UNKNOWN),
    ({"held": account(position="0.03", leverage=-1)}, GateReason.BALANCE_UNKNOWN),
    ({"others": None}, GateReason.ACCOUNT_TOTALS_UNKNOWN),
    ({"others": AccountTotals(0, NAN, D(0))}, GateReason.ACCOUNT_TOTALS_UNKNOWN),
    ({"others": AccountTotals(0, D(0), -INFINITY)}, GateReason.ACCOUNT_TOTALS_UNKNOWN),
    ({"others": AccountTotals(-1, D(0), D(0))}, GateReason.ACCOUNT_TOTALS_UNKNOWN),
    ({"margin": None}, GateReason.MARGIN_UNKNOWN),
    ({"margin": replace(SAFE, liquidation_price=None)}, GateReason.MARGIN_UNKNOWN),
    ({"margin": replace(SAFE, liquidation_price=D(-1))}, GateReason.MARGIN_UNKNOWN),
    ({"margin": replace(SAFE, margin_ratio=None)}, GateReason.MARGIN_UNKNOWN),
    ({"margin": replace(SAFE, margin_ratio=NAN)}, GateReason.MARGIN_UNKNOWN),
    ({"state": GateState(TODAY, -1)}, GateReason.COUNTERS_UNREADABLE),
    ({"state": GateState(TODAY, 0, NAN)}, GateReason.COUNTERS_UNREADABLE),
    ({"state": GateState(TODAY, 0, D(0), -INFINITY)}, GateReason.COUNTERS_UNREADABLE),
])
def test_what_a_limit_has_to_know_and_cannot_refuses_adding_never_reducing(
    changes: dict[str, Any], reason: GateReason | None
) -> None:
    """T14: silence is not consent. With every limit on, each missing input has its name; reducing goes on."""
    given: dict[str, Any] = {"held": account(position="0.03"), "others": NO_OTHERS, "margin": SAFE, **changes}
    assert verdict(quote(), **given, **EVERYTHING_ON).reason is reason
    assert verdict(quote(SELL, is_reduce_only=True), **given, **EVERYTHING_ON).allowed


@pytest.mark.parametrize(("field", "reason"), [
    ("max_open_orders_account", GateReason.ACCOUNT_TOTALS_UNKNOWN),
    ("max_net_account_quote", GateReason.ACCOUNT_TOTALS_UNKNOWN), ("min_available_quote", GateReason.BALANCE_UNKNOWN),
    ("liquidation_distance_stop_frac", GateReason.MARGIN_UNKNOWN), ("margin_ratio_stop", GateReason.MARGIN_UNKNOWN),
    ("daily_orders", GateReason.COUNTERS_UNREADABLE), ("daily_turnover_quote", GateReason.COUNTERS_UNREADABLE),
    ("daily_added_base", GateReason.COUNTERS_UNREADABLE), ("max_net_quote", None), ("max_resting_quote", None),
    ("max_side_resting_quote", None), ("max_open_orders", None), ("max_order_size_base", None),
])
def test_each_limit_alone_asks_for_what_it_has_to_know(field: str, reason: GateReason | None) -> None:
    """With everything unknown each limit is refused for its own figure, and one that needs none is not."""
    held = account(position="0.03", available_quote=None)
    found = verdict(held=held, state=GateState(TODAY, -1), **{field: EVERYTHING_ON[field]})
    assert found.reason is reason


@pytest.mark.parametrize("held", [
    account(position=None), replace(account(), position=NAN), replace(account(), position_by_fills=INFINITY)])
def test_without_a_position_nothing_passes(held: AccountView) -> None:
    """An order cannot be known to reduce a position that is not known."""
    for is_reduce_only in (False, True):
        assert verdict(quote(is_reduce_only=is_reduce_only), held).reason is GateReason.POSITION_UNKNOWN


def test_limits_that_are_off_ask_for_nothing() -> None:
    """N16: with the cap alone, balance, totals, margin and counters may be unknown, and size is held by the cap."""
    held = account(available_quote=None, leverage=0)
    assert verdict(quote(size="0.21"), held, GateState(TODAY, 10**9, NAN, NAN)) == Verdict(True)


def test_the_gate_does_not_depend_on_the_precision_that_others_have_set() -> None:
    """A process whose decimal context keeps 3 digits decides the same."""
    held = account(*resting(BUY, "0.1051"), position="0.1048")
    with localcontext(Context(prec=3)):
        assert verdict(quote(size="0.0002"), held).reason is GateReason.POSITION_CAP
        assert verdict(quote(price="99940.01"), account()).allowed


# --- single limits ---


@pytest.mark.parametrize(("wanted", "held", "changes", "reason"), [
    pytest.param(quote(size="0.06"), account(), {"max_order_size_base": "0.06"}, None, id="F10-edge"),
    pytest.param(quote(size="0.0601"), account(), {"max_order_size_base": "0.06"}, GateReason.MAX_ORDER_SIZE, id="F10"),
    pytest.param(quote(), account(*resting(BUY, *["0.001"] * 19)), {"max_open_orders": 20}, None, id="I9-20th"),
    pytest.param(quote(), account(*resting(SELL, *["0.001"] * 20)), {"max_open_orders": 20},
                 GateReason.MAX_OPEN_ORDERS, id="I9-21st"),
    pytest.param(quote(size="0.02"), account(position="0.08"), {"max_net_quote": "10000"}, None, id="I10-edge"),
    pytest.param(quote(size="0.0201"), account(position="0.08"), {"max_net_quote": "10000"}, GateReason.MAX_NET,
                 id="I10"),
    pytest.param(quote(size="0.01"), account(*resting(SELL, "0.01")), {"max_resting_quote": "2000"}, None,
                 id="F12-edge"),
    pytest.param(quote(size="0.0101"), account(*resting(SELL, "0.01")), {"max_resting_quote": "2000"},
                 GateReason.MAX_RESTING, id="F12"),
    pytest.param(quote(size="0.01"), account(*resting(SELL, "0.09"), *resting(BUY, "0.01")),
                 {"max_side_resting_quote": "1998.80"}, None, id="F15-edge"),
    pytest.param(quote(size="0.01"), account(*resting(BUY, "0.0101")), {"max_side_resting_quote": "1998.80"},
                 GateReason.MAX_SIDE_RESTING, id="F15"),
    pytest.param(quote(size="0.02"), account(available_quote=D("2048.80")), {"min_available_quote": "50"}, None,
                 id="I11-edge"),
    pytest.param(quote(size="0.02"), account(available_quote=D("2048.79")), {"min_available_quote": "50"},
                 GateReason.MIN_AVAILABLE, id="I11"),
    pytest.param(quote(size="0.02"), account(available_quote=D("49.99"), leverage=100), {"min_available_quote": "50"},
                 GateReason.MIN_AVAILABLE, id="I11-under-the-floor"),
    pytest.param(quote(size="0.2"), account(available_quote=D("19988")), {"min_available_quote": "0"}, None,
                 id="T26-margin"),
    pytest.param(quote(size="0.2"), account(available_quote=D("19987.99")), {"min_available_quote": "0"},
                 GateReason.MIN_AVAILABLE, id="T26-no-margin"),
])
def test_each_limit_passes_at_its_edge_and_refuses_beyond_it(
    wanted: Quote, held: AccountView, changes: dict[str, Any], reason: GateReason | None
) -> None:
    """The order that just fits passes; the next step is refused under the limit's name."""
    assert verdict(wanted, held, **changes).reason is reason
    if reason is not None:
        assert verdict(wanted, held).allowed


def test_a_price_that_doubles_halves_the_contracts_of_a_net_limit() -> None:
    """I10: 10,000 net is 0.1 at 100,000 and 0.05 at 200,000."""
    doubled = view(bid=D("199999.99"), ask=D("200000.01"), mark=D("200000.00"))
    assert verdict(quote(size="0.1"), max_net_quote="10000").allowed
    assert verdict(quote(price="199940.00", size="0.05"), market=doubled, max_net_quote="10000").allowed
    over = verdict(quote(price="199940.00", size="0.0501"), market=doubled, max_net_quote="10000")
    assert over.reason is GateReason.MAX_NET


def test_both_net_limits_hold_and_a_short_elsewhere_makes_no_room() -> None:
    """T16: one limit per market, one over all. Another market short 8,000 leaves room for 10,000 long, not 18,000."""
    both = {"max_net_quote": "9000", "max_net_account_quote": "10000"}
    short, long = AccountTotals(3, D(0), D(8000)), AccountTotals(3, D(8000), D(0))
    assert verdict(quote(size="0.09"), others=short, **both).allowed
    assert verdict(quote(size="0.0901"), others=short, **both).reason is GateReason.MAX_NET
    assert verdict(quote(size="0.02"), others=long, **both).allowed
    assert verdict(quote(size="0.0201"), others=long, **both).reason is GateReason.MAX_NET_ACCOUNT
    assert verdict(quote(SELL, size="0.02"), others=short, **both).allowed
    assert verdict(quote(SELL, size="0.0201"), others=short, **both).reason is GateReason.MAX_NET_ACCOUNT


def test_orders_are_counted_per_market_and_per_account() -> None:
    """I9: the 21st order of one market is refused, another market's first passes; together they stop at 25."""
    full, both = account(*resting(BUY, *["0.001"] * 20)), {"max_open_orders": 20, "max_open_orders_account": 25}
    assert verdict(quote(), full, others=NO_OTHERS, **both).reason is GateReason.MAX_OPEN_ORDERS
    totals = market_totals(view(), full)
    assert totals is not None and totals.open_orders == 20
    four, five = account(*resting(BUY, *["0.001"] * 4)), account(*resting(BUY, *["0.001"] * 5))
    assert verdict(quote(), four, others=totals, **both).allowed
    assert verdict(quote(), five, others=totals, **both).reason is GateReason.MAX_OPEN_ORDERS_ACCOUNT


def test_totals_hold_the_worst_case_of_each_market() -> None:
    """Long 0.05 with 0.02 bid and 0.03 offered may become 7,000 long or 3,000 short; unknown parts leave nothing."""
    held = account(*resting(BUY, "0.02"), *resting(SELL, "0.03"), position="0.05")
    one = market_totals(view(), held)
    assert one == AccountTotals(2, D(7000), D(3000))
    assert combined((one, AccountTotals(1, D(1), D(2)))) == AccountTotals(3, D(7001), D(3002))
    assert combined((one, None)) is None and combined(()) == NO_OTHERS
    for market, broken in (
        (view(mark=None), held), (view(mark=NAN), held), (view(mark=D(0)), held), (view(), account(position=None)),
        (view(), account(order(BUY, "99000", size=NAN))),
    ):
        assert market_totals(market, broken) is None


# --- reducing ---


def test_what_only_reduces_passes_every_limit_on_exposure() -> None:
    """I11, I18: no money, no budget, near liquidation, nets and values full: a reduce-only order passes, and so does a
    plain one that closes no more than is held; one step more adds and is refused.
    """
    held = account(position="0.1", available_quote=D(0))
    full: dict[str, Any] = {
        "state": GateState(TODAY, 1000, D(1_000_000), D(5)), "others": AccountTotals(39, D(40_000), D(40_000)),
        "margin": MarginView(D("99999"), D("1.01")), **EVERYTHING_ON}
    for is_reduce_only in (True, False):
        assert verdict(quote(SELL, size="0.1", is_reduce_only=is_reduce_only), held, **full) == Verdict(True)
    assert verdict(quote(SELL, size="0.1001"), held, **full).reason is GateReason.MAX_ORDER_SIZE
    assert verdict(quote(SELL, size="0.06"), account(*resting(SELL, "0.05"), position="0.1"), **full).reason is not None
    beside = account(*resting(SELL, "0.03", is_reduce_only=True), position="0.05")
    full["others"] = AccountTotals(38, D(40_000), D(40_000))
    assert verdict(quote(SELL, size="0.02"), beside, **full).allowed
    assert verdict(quote(SELL, size="0.0201"), beside, **full).reason is GateReason.LIQUIDATION_NEAR
    assert verdict(quote(BUY, size="0.0001"), held, **full).reason is not None


@pytest.mark.parametrize(("position", "others", "size", "reason"), [
    ("0.05", (), "0.05", None), ("0.05", (), "0.0501", GateReason.REDUCES_TOO_MUCH),
    ("0.05", ("0.02",), "0.03", None), ("0.05", ("0.02",), "0.0301", GateReason.REDUCES_TOO_MUCH),
    ("0", (), "0.02", GateReason.NOT_REDUCING), ("-0.05", (), "0.02", GateReason.NOT_REDUCING),
])
def test_reduce_only_orders_together_are_never_more_than_the_position(
    position: str, others: tuple[str, ...], size: str, reason: GateReason | None
) -> None:
    """The venue's own rule: a position less the other reduce-only orders on its side."""
    held = account(*resting(SELL, *others, is_reduce_only=True), position=position)
    assert verdict(quote(SELL, size=size, is_reduce_only=True), held).reason is reason


def test_reducing_goes_on_when_orders_that_add_fill_the_count_but_is_counted_too() -> None:
    """I9: 20 orders that add do not keep a reduce-only order back; 20 reduce-only orders do, or a flood could pass."""
    adding = account(*resting(BUY, *["0.001"] * 20), position="0.1")
    wanted = quote(SELL, size="0.01", is_reduce_only=True)
    assert verdict(wanted, adding, max_open_orders=20).allowed
    edge = account(*resting(SELL, *["0.001"] * 19, is_reduce_only=True), *resting(BUY, "0.001"), position="0.1")
    assert verdict(wanted, edge, max_open_orders=20).allowed
    reducing = account(*resting(SELL, *["0.001"] * 20, is_reduce_only=True), position="0.1")
    assert verdict(wanted, reducing, max_open_orders=20).reason is GateReason.MAX_OPEN_ORDERS
    assert verdict(wanted, reducing, max_open_orders_account=20).reason is GateReason.MAX_OPEN_ORDERS
    assert verdict(wanted, reducing, max_open_orders=20, max_open_orders_account=40).reason is not None
    assert verdict(quote(SELL, size="0.01"), adding, max_open_orders=20).reason is GateReason.MAX_OPEN_ORDERS


# --- margin ---


@pytest.mark.parametrize("position", ["0.02", "-0.02"])
@pytest.mark.parametrize(("away", "room"), [("0.2", "0.21"), ("0.15", "0.105"), ("0.11", "0.021"), ("0.1", None)])
def test_the_cap_shrinks_with_the_distance_to_liquidation(position: str, away: str, room: str | None) -> None:
    """I12: all of the cap at 20 %, half at 15 %, a tenth at 11 %, and from 10 % on nothing is added."""
    side = BUY if position == "0.02" else SELL
    margin = MarginView(D(100_000) * (1 - side.sign * D(away)), None)
    on = {"liquidation_distance_stop_frac": "0.1", "liquidation_distance_shrink_frac": "0.2"}
    held = account(position=position)
    if room is not None:
        assert verdict(quote(side, size=str(D(room) - D("0.02"))), held, margin=margin, **on).allowed
    size = str(D(room or "0.02") - D("0.02") + D("0.0002"))
    over = verdict(quote(side, size=size), held, margin=margin, **on)
    assert over.reason is (GateReason.POSITION_CAP if away == "0.2" else GateReason.LIQUIDATION_NEAR)
    assert verdict(quote(side.opposite, is_reduce_only=True), held, margin=margin, **on).allowed


@pytest.mark.parametrize(("ratio", "reason"), [
    ("3", None), ("2.26", None), ("2.24", GateReason.MARGIN_RATIO_LOW), ("1.5", GateReason.MARGIN_RATIO_LOW),
    ("1", GateReason.MARGIN_RATIO_LOW), ("-1", GateReason.MARGIN_RATIO_LOW),
])
def test_the_cap_shrinks_with_the_margin_ratio(ratio: str, reason: GateReason | None) -> None:
    """I12: half the cap, 0.105, at 2.25 between 1.5 and 3; nothing from 1.5 down, long before 1, where they liquidate.
    """
    on = {"margin_ratio_stop": "1.5", "margin_ratio_shrink": "3"}
    held, margin = account(position="0.1"), MarginView(None, D(ratio))
    assert verdict(quote(size="0.005"), held, margin=margin, **on).reason is reason


def test_the_nearer_of_two_dangers_decides_and_a_step_without_shrinking_is_a_stop() -> None:
    """Without a shrink threshold the cap is whole until the stop."""
    stops = {"margin_ratio_stop": "1.5", "liquidation_distance_stop_frac": "0.1"}
    shrunk = {**stops, "margin_ratio_shrink": "3", "liquidation_distance_shrink_frac": "0.2"}
    near, low = GateReason.LIQUIDATION_NEAR, GateReason.MARGIN_RATIO_LOW
    for price, ratio, on, reason in (
        ("89999", "1.51", stops, None), ("90000", "1.51", stops, near), ("89999", "1.5", stops, low),
        ("85000", "1.6", shrunk, low), ("89000", "2", shrunk, near),
    ):
        found = verdict(quote(), account(position="0.1"), margin=MarginView(D(price), D(ratio)), **on)
        assert found.reason is reason


def test_a_flat_account_needs_no_margin_figures() -> None:
    """Venues state none without a position; a ratio that other positions give still counts, and so do our own fills."""
    on = {"margin_ratio_stop": "1.5", "liquidation_distance_stop_frac": "0.1"}
    assert verdict(quote(), **on).allowed
    assert verdict(quote(), margin=MarginView(None, D("1.4")), **on).reason is GateReason.MARGIN_RATIO_LOW
    filled = replace(account(), position_by_fills=D("0.01"))
    assert verdict(quote(), filled, **on).reason is GateReason.MARGIN_UNKNOWN
    nothing_liquidates = MarginView(D(0), D(9))
    assert verdict(quote(), account(position="0.1"), margin=nothing_liquidates, **on).allowed


# --- the day ---


def test_a_budget_of_orders_lasts_until_midnight_and_over_a_restart() -> None:
    """I18: the fourth order of a day of three is refused, also by a process that read the counters back; a new day
    begins at zero, and a clock set back does not.
    """
    state = GateState(TODAY)
    for _ in range(3):
        assert verdict(state=state, daily_orders=3).allowed
        state = after_placed(state, TODAY)
    restarted = from_plain(GateState, to_plain(state))
    assert restarted.problems() == []
    assert verdict(state=restarted, daily_orders=3).reason is GateReason.DAILY_ORDERS
    assert verdict(quote(SELL, is_reduce_only=True), account(position="0.1"), restarted, daily_orders=3).allowed
    for day, allowed in ((TODAY + 1, True), (TODAY - 1, False)):
        assert check(quote(), view(), account(), limits(daily_orders=3), restarted, day).allowed is allowed
    assert after_placed(restarted, TODAY + 1).orders == 1
    back = after_placed(restarted, TODAY - 1)
    assert (back.utc_day, back.orders) == (TODAY - 1, 4) and back.on(TODAY).orders == 0
    assert utc_day(TODAY * 86_400 * SECOND) == TODAY


def test_turnover_counts_fills_and_what_may_still_fill() -> None:
    """I18: 10,000 a day, 6,000 traded: with 2,998.20 resting an order of 999.40 fits, one of 1,199.28 does not."""
    state = after_fill(GateState(TODAY), SELL, D(100_000), D("0.06"), D(0), TODAY)
    held = account(*resting(BUY, "0.03"))
    assert verdict(quote(size="0.01"), held, state, daily_turnover_quote="10000").allowed
    assert verdict(quote(size="0.012"), held, state, daily_turnover_quote="10000").reason is GateReason.DAILY_TURNOVER
    spent = GateState(TODAY, turnover_quote=D(10_000))
    assert verdict(quote(size="0.0002"), state=spent, daily_turnover_quote="10000").reason is GateReason.DAILY_TURNOVER


def test_added_position_counts_what_opened_and_what_may_still_open() -> None:
    """I18: sold 0.03 from a long of 0.02, then bought 0.04: opened 0.01 and 0.03. Resting plain orders count in full,
    reduce-only ones not at all.
    """
    state = after_fill(GateState(TODAY), SELL, D(100_000), D("0.03"), D("0.02"), TODAY)
    state = after_fill(state, BUY, D(100_000), D("0.04"), D("-0.01"), TODAY)
    assert (state.added_base, state.turnover_quote) == (D("0.04"), D(7000))
    held = account(*resting(SELL, "0.02"), *resting(SELL, "0.03", is_reduce_only=True), position="0.03")
    assert verdict(quote(size="0.04"), held, state, daily_added_base="0.1").allowed
    assert verdict(quote(size="0.0401"), held, state, daily_added_base="0.1").reason is GateReason.DAILY_ADDED


# --- several orders in one turn ---


def test_the_orders_of_one_turn_are_judged_together() -> None:
    """Three of 0.08 under a cap of 0.21: two pass. Count, budget and free margin are used up the same way."""
    three = [quote(BUY, f"999{n}0.00", "0.08") for n in (4, 3, 2)]
    for changes, reason in (
        ({}, GateReason.POSITION_CAP), ({"position_cap_base": "1", "max_open_orders": 2}, GateReason.MAX_OPEN_ORDERS),
        ({"position_cap_base": "1", "daily_orders": 2}, GateReason.DAILY_ORDERS),
        ({"position_cap_base": "1", "min_available_quote": "0"}, GateReason.MIN_AVAILABLE),
    ):
        held = account(available_quote=D(20_000))
        verdicts = check_all(three, view(), held, limits(**changes), GateState(TODAY), TODAY)
        assert [v.reason for v in verdicts] == [None, None, reason]
    smaller = check_all([*three, quote(size="0.05")], view(), account(), limits(), GateState(TODAY), TODAY)
    assert [v.allowed for v in smaller] == [True, True, False, True]


def test_closing_orders_take_no_margin() -> None:
    """Long 0.1: sells take margin only for what goes beyond it, over the orders of one turn together."""
    held = account(position="0.1", available_quote=D("1000"))
    sells = [quote(SELL, "100000.00", "0.06"), quote(SELL, "100000.00", "0.05"), quote(SELL, "100000.00", "0.0001")]
    verdicts = check_all(sells, view(), held, limits(min_available_quote="0"), GateState(TODAY), TODAY)
    assert [v.reason for v in verdicts] == [None, None, GateReason.MIN_AVAILABLE]
    reducing = Exposure().after(quote(SELL, size="0.1", is_reduce_only=True), held)
    assert reducing == Exposure(sells=SideLoad(D(0), D("0.1"), D("10006")), count=1, reduce_only_count=1)


# --- independence ---


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_the_gate_shares_no_code_with_the_pricer() -> None:
    """I17: all that it imports, followed to the end, are plain values, itself and the standard library; of the values
    that the pricer made it reads members, none of the sums that the pricer's own rules are made of.
    """
    folder, prefix = Path(core.__file__).parent, "hummingbot_extensions.core"
    todo = {path.stem for path in folder.glob("gate*.py")}
    gate_modules, seen = set(todo), set[str]()
    assert len(gate_modules) > 1
    while todo:
        name = todo.pop()
        seen.add(name)
        for imported in _imported(folder / f"{name}.py"):
            if not imported.startswith("hummingbot_extensions"):
                assert imported.split(".")[0] in sys.stdlib_module_names, (name, imported)
                continue
            assert imported.startswith(prefix), (name, imported)
            module = imported.removeprefix(prefix).lstrip(".").split(".")[0]
            if module and module not in seen:
                todo.add(module)
    assert seen - gate_modules == {"types", "view", "quote", "silence", "breaker_state", "spec", "frozen"}
    for name in gate_modules:
        read = {node.attr for node in ast.walk(ast.parse((folder / f"{name}.py").read_text()))
                if isinstance(node, ast.Attribute)}  # fmt: skip
        assert not read & {"worst_position", "tier_position", "mid", "history", "can_place"}, name


@pytest.mark.parametrize("position", ["0", "0.004", "-0.004", "0.015", "-0.015", "0.03"])
def test_what_the_pricer_wants_in_good_order_passes(position: str) -> None:
    """N16: with nothing but the cap on, a decision on sound input loses no order to the gate."""
    held, config = account(position=position), params()
    wanted = [place.quote for place in places(decided(held=held, config=config))]
    assert wanted
    verdicts = check_all(wanted, view(), held, GateParams(config.worst_case_cap_base), GateState(), TODAY)
    assert all(v.allowed for v in verdicts)
