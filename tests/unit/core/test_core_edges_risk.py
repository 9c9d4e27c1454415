"""Hard stop and way back at the very edge of each bound: what is exactly on it still holds, or just ends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from core_builders import NOW, RULES, SECOND, account, order, params, view

from hummingbot_extensions.core.decision import DecisionState
from hummingbot_extensions.core.exits import ExitHold, ExitParams, HardStopRecovery, Slice, bounded_slice, next_slice
from hummingbot_extensions.core.risk import after_hard_stop_check
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import MarketView

D = Decimal
PARAMS = ExitParams(
    resume_limit_base=D("0.006"), slice_base=D("0.005"), recovery=HardStopRecovery.MAKER_THEN_TAKER,
    taker_after_s=60.0, slippage_bps=20.0,
)  # fmt: skip


def checked(state: DecisionState, position: str, at_s: float) -> DecisionState:
    return after_hard_stop_check(state, D(position), NOW + int(at_s * SECOND), params())


@pytest.mark.parametrize("position", ["0.02", "0.006", "-0.0199"])
def test_a_check_that_fails_leaves_nothing_of_those_before_it(position: str) -> None:
    """At the hard limit or between the limits: the next good check is a first one, however soon it comes."""
    stopped = checked(checked(DecisionState(), "0.02", 0), "0.005", 31)
    assert (stopped.resume_checks, stopped.resume_checked_ns) == (1, NOW + 31 * SECOND)
    failed = checked(stopped, position, 31.1)
    assert failed == DecisionState(hard_stop_since_ns=NOW)
    assert checked(failed, "0.005", 31.2).resume_checks == 1


def test_a_hard_stop_that_ends_leaves_no_trace() -> None:
    """The next one starts as the first did, and not with checks of the last."""
    state = checked(DecisionState(), "0.02", 0)
    for at_s in (31, 32, 33):
        state = checked(state, "0.005", at_s)
    assert state == DecisionState()


def test_the_cooldown_is_over_the_moment_it_has_passed() -> None:
    """Three good checks, the last of them thirty seconds after the stop to the nanosecond."""
    state = checked(DecisionState(), "0.02", 0)
    for at_s in (28, 29):
        state = checked(state, "0.005", at_s)
    early = after_hard_stop_check(state, D("0.005"), NOW + 30 * SECOND - 1, params(hard_stop_cooldown_s=30.0))
    assert early.hard_stop_since_ns == NOW
    assert checked(state, "0.005", 30) == DecisionState()


def sent(market: MarketView | None = None, held: str = "0.0200", since_s: int = 61, **changes: Any) -> Slice | ExitHold:
    return next_slice(market or view(), account(position=held), NOW - since_s * SECOND, replace(PARAMS, **changes))


@pytest.mark.parametrize("changes", [
    {"since_s": 60},
    {"market": view(private_age_ms=30_000.0)},
    {"market": view(book_age_ms=2000.0)},
    {"market": view(price_age_ms=10_000.0)},
    {"market": view(bid=D("100000.00"), ask=D("100000.00"))},
    {"market": view(mark=D("100500.00")), "slippage_bps": 60.0},
    {"market": view(mark=D("99500.00")), "slippage_bps": 60.0},
])  # fmt: skip
def test_what_lies_exactly_on_a_bound_is_sent(changes: dict[str, Any]) -> None:
    """Time, ages, a book without a spread and 50 bps between mark and mid: each is the last value that is allowed."""
    assert isinstance(sent(**changes), Slice)


def test_a_coin_worth_less_than_one_is_sold_too() -> None:
    """All prices below one quote unit: 5 sold at 0.499 or better under a mark of 0.5."""
    rules = replace(RULES, tick=D("0.001"), step=D("1"), min_size=D("1"), min_notional=D("1"))
    cheap = view(bid=D("0.499"), ask=D("0.501"), mark=D("0.500"), grid=D("0.001"), rules=rules)
    assert sent(cheap, "20", resume_limit_base=D("6"), slice_base=D("5")) == Slice(Side.SELL, D("5"), D("0.499"))


@pytest.mark.parametrize(("rules", "size"), [
    ({"min_size": D("0.0100"), "min_notional": D("10")}, "0.0100"),
    ({"min_size": D("0.0001"), "min_notional": D("500")}, "0.0051"),
    ({"min_size": D("0"), "min_notional": D("0"), "step": D("0.02")}, "0.02"),
])  # fmt: skip
def test_the_smallest_order_is_what_the_venues_every_rule_allows(rules: dict[str, Decimal], size: str) -> None:
    """0.0001 is wanted: the smallest size, the smallest value (500 at 99,800) or one step, whichever is largest."""
    found = bounded_slice(Side.SELL, D("0.0001"), D("1"), D("100000"), replace(RULES, **rules), 20.0)
    assert found == Slice(Side.SELL, D(size), D("99800.00"))


@pytest.mark.parametrize(("held", "side", "price", "meets"), [
    ("0.0200", Side.BUY, "99800.00", True), ("0.0200", Side.BUY, "99799.99", False),
    ("-0.0200", Side.SELL, "100200.00", True), ("-0.0200", Side.SELL, "100200.01", False),
])  # fmt: skip
def test_an_order_of_ours_right_at_the_limit_price_would_be_traded_with(
    held: str, side: Side, price: str, meets: bool
) -> None:
    """The limit price itself is a price at which the slice trades."""
    found = next_slice(view(), account(order(side, price), position=held), NOW - 61 * SECOND, PARAMS)
    assert (found is ExitHold.OWN_ORDER_AHEAD) is meets


@pytest.mark.parametrize(("changes", "named"), [
    ({"resume_limit_base": D("0")}, []),
    ({"taker_after_s": 0.0}, []),
    ({"slippage_bps": 0.5}, []),
    ({"slippage_bps": 500.0}, []),
    ({"slippage_bps": 500.5}, ["slippage_bps"]),
    ({"slice_base": D("0.00001")}, []),
    ({"slice_base": D("Infinity")}, ["slice_base"]),
    ({"resume_limit_base": D("Infinity")}, ["resume_limit_base"]),
    ({"slippage_bps": float("nan"), "taker_after_s": float("nan")}, ["slippage_bps", "taker_after_s"]),
])  # fmt: skip
def test_parameters_are_good_up_to_their_bounds_and_no_further(changes: dict[str, Any], named: list[str]) -> None:
    """Flat as the goal, no time for the maker, 500 bps: all allowed; what is no number is named."""
    assert [field for field, _ in replace(PARAMS, **changes).problems()] == named
