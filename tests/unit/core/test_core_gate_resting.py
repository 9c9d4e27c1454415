"""Limits that were lowered, that fit no plan, or that contradict each other: what has to go, and what has to change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core_builders import D, account, view
from gate_builders import BUY, EVERYTHING_ON, INFINITY, NAN, NO_OTHERS, SELL, TODAY, limits, resting

from hummingbot_extensions.core.gate_params import plan_problems
from hummingbot_extensions.core.gate_resting import problems_now
from hummingbot_extensions.core.gate_state import AccountTotals, GateReason, GateState, MarginView
from hummingbot_extensions.core.view import AccountView, MarketView, OrderState

# --- what rests ---


def named(held: AccountView, state: GateState | None = None, others: AccountTotals | None = NO_OTHERS,
          margin: MarginView | None = None, market: MarketView | None = None, **changes: Any,
          ) -> list[tuple[str, GateReason]]:  # fmt: skip
    found = problems_now(
        market or view(), held, limits(**changes), state or GateState(TODAY), TODAY, others, margin)
    return [(breach.client_order_id, breach.reason) for breach in found]


LADDER = (*resting(BUY, "0.03", "0.03", "0.03"), *resting(SELL, "0.03", "0.03", "0.03"))


@pytest.mark.parametrize(("changes", "expected"), [
    ({}, []),
    ({"position_cap_base": "0.09"}, []),
    ({"position_cap_base": "0.08"}, [("buy2", GateReason.POSITION_CAP), ("sell2", GateReason.POSITION_CAP)]),
    ({"max_net_quote": "7000"}, [("buy2", GateReason.MAX_NET), ("sell2", GateReason.MAX_NET)]),
    ({"max_net_account_quote": "7000"}, [("buy2", GateReason.MAX_NET_ACCOUNT), ("sell2", GateReason.MAX_NET_ACCOUNT)]),
    ({"max_side_resting_quote": "7000"},
     [("buy2", GateReason.MAX_SIDE_RESTING), ("sell2", GateReason.MAX_SIDE_RESTING)]),
    ({"max_resting_quote": "17000"}, [("sell2", GateReason.MAX_RESTING)]),
    ({"max_open_orders": 4}, [("buy2", GateReason.MAX_OPEN_ORDERS), ("sell2", GateReason.MAX_OPEN_ORDERS)]),
    ({"max_open_orders_account": 5}, [("sell2", GateReason.MAX_OPEN_ORDERS_ACCOUNT)]),
    ({"max_order_size_base": "0.03"}, []),
    ({"max_order_size_base": "0.0299"}, [(o.client_order_id, GateReason.MAX_ORDER_SIZE) for o in LADDER]),
    ({"max_price_deviation_frac": "0.0007"},
     [("buy2", GateReason.PRICE_DEVIATION), ("sell2", GateReason.PRICE_DEVIATION)]),
    ({"daily_turnover_quote": "17000"}, [("sell2", GateReason.DAILY_TURNOVER)]),
    ({"daily_added_base": "0.17"}, [("sell2", GateReason.DAILY_ADDED)]),
    ({"daily_orders": 1}, []),
    ({"min_available_quote": "1E+9"}, []),
])
def test_a_limit_that_was_lowered_names_the_orders_that_have_to_go(
    changes: dict[str, Any], expected: list[tuple[str, GateReason]]
) -> None:
    """I16: the farthest from the mark go, as few as will do; what was sent today and money that rests are no reason."""
    assert sorted(named(account(*LADDER), GateState(TODAY, 100), **changes)) == sorted(expected)


def test_a_falling_margin_pulls_what_adds() -> None:
    """I12: cap 0.21 with half left is 0.105: of 0.02 held and 0.09 bid one goes; at the stop every order that adds."""
    held = account(*LADDER, position="0.02")
    on = {"margin_ratio_stop": "1.5", "margin_ratio_shrink": "3"}
    assert named(held, margin=MarginView(None, D("2.25")), **on) == [("buy2", GateReason.MARGIN_RATIO_LOW)]
    assert len(named(held, margin=MarginView(None, D("1.5")), **on)) == 6
    small = account(*LADDER, position="0.06")
    assert sorted(name for name, _ in named(small, margin=MarginView(None, D("1.5")), **on)) == [
        "buy0", "buy1", "buy2", "sell2"]  # fmt: skip
    assert named(held, margin=None, **on) == []


def test_what_goes_already_counts_and_what_reduces_stays() -> None:
    """A cancel under way is not asked for twice, its order still fills; reduce-only orders are never named."""
    going = replace(LADDER[0], state=OrderState.CANCELLING)
    lost = replace(LADDER[1], state=OrderState.UNKNOWN, cancel_sent_ns=1)
    assert named(account(going, lost, LADDER[2]), position_cap_base="0.08") == [("buy2", GateReason.POSITION_CAP)]
    unsure = replace(LADDER[1], state=OrderState.UNKNOWN)
    assert named(account(going, unsure, LADDER[2]), position_cap_base="0.05") == [
        ("buy1", GateReason.POSITION_CAP), ("buy2", GateReason.POSITION_CAP)]  # fmt: skip
    reducing = resting(SELL, "0.06", is_reduce_only=True)
    assert named(account(*reducing, position="0.06"), position_cap_base="0.01", max_order_size_base="0.01") == []
    big = account(*resting(SELL, "0.06"), position="0.06")
    assert named(big, max_order_size_base="0.01", max_net_quote="1") == []


def test_what_is_not_known_pulls_nothing_and_what_cannot_be_read_everything() -> None:
    """Pulling quotes on missing input is the decision's part; but a limit that is not a number holds nothing."""
    held, tight = account(*LADDER), {"max_net_quote": "7000"}
    assert named(held, market=view(mark=None), **tight) == [] == named(held, market=view(mark=NAN), **tight)
    assert named(replace(held, position=None), position_cap_base="0.01") == []
    assert named(held, others=None, max_net_account_quote="7000", max_open_orders_account=1) == []
    assert named(held, others=AccountTotals(0, NAN, D(0)), max_net_account_quote="7000") == []
    assert len(named(account(*LADDER, *resting(SELL, "0.01", is_reduce_only=True)), position_cap_base=NAN)) == 6
    broken = account(*LADDER, replace(LADDER[0], client_order_id="odd", size=NAN))
    assert named(broken) == [("odd", GateReason.ORDERS_UNREADABLE)]


# --- limits against each other, and against a plan ---


@pytest.mark.parametrize(("changes", "fields"), [
    ({}, []), (EVERYTHING_ON, []), ({"min_available_quote": "0"}, []),
    ({"position_cap_base": NAN}, ["position_cap_base"]), ({"position_cap_base": "0"}, ["position_cap_base"]),
    ({"daily_orders": 0}, ["daily_orders"]), ({"max_net_quote": INFINITY}, ["max_net_quote"]),
    ({"min_available_quote": "-1"}, ["min_available_quote"]), ({"min_available_quote": NAN}, ["min_available_quote"]),
    ({"max_price_deviation_frac": "1"}, ["max_price_deviation_frac"]),
    ({"max_order_size_base": "0.22"}, ["max_order_size_base"]), ({"max_order_size_base": "0.21"}, []),
    ({"max_open_orders": 3, "max_open_orders_account": 2}, ["max_open_orders"]),
    ({"max_net_quote": "3", "max_net_account_quote": "2"}, ["max_net_quote"]),
    ({"max_side_resting_quote": "3", "max_resting_quote": "2"}, ["max_side_resting_quote"]),
    ({"liquidation_distance_shrink_frac": "0.2"}, ["liquidation_distance_shrink_frac"]),
    ({"liquidation_distance_shrink_frac": "0.1", "liquidation_distance_stop_frac": "0.1"},
     ["liquidation_distance_shrink_frac"]),
    ({"liquidation_distance_stop_frac": "1"}, ["liquidation_distance_stop_frac"]),
    ({"margin_ratio_shrink": "2"}, ["margin_ratio_shrink"]),
    ({"margin_ratio_shrink": "2", "margin_ratio_stop": "2"}, ["margin_ratio_shrink"]),
    ({"margin_ratio_stop": "1"}, ["margin_ratio_stop"]),
])
def test_limits_that_could_never_be_reached_or_read_are_named(changes: dict[str, Any], fields: list[str]) -> None:
    """Each broken rule names its field and a fix; equality stands where it says at most."""
    problems = limits(**changes).problems()
    assert [field for field, _ in problems] == fields
    assert all(any(word in text for word in ("Lower", "Raise", "Set", "raise")) for _, text in problems)


def test_a_ladder_that_its_own_limit_does_not_bear_is_named() -> None:
    """T21: 36 orders of 0.007 at 3,000 are worth 756, the total limit says 180; a limit of 756 bears them."""
    sizes = [D("0.007")] * 18
    for limit, fields in (("180", ["max_resting_quote"]), ("756", [])):
        found = plan_problems(limits(max_resting_quote=limit), sizes, sizes, D(3000), D(190), 10)
        assert [field for field, _ in found] == fields
        assert all("756" in text for _, text in found)


def test_an_order_that_the_account_cannot_pay_is_named() -> None:
    """T26: 2 BTC at 95,000 need 190,000 at leverage 1; with 10,000 free that is said before the first order."""
    wide = limits(position_cap_base="10")
    found = plan_problems(wide, [D(2)], [D(2)], D(95_000), D(10_000), 1)
    assert [field for field, _ in found] == ["min_available_quote"] and "190000" in found[0][1]
    assert plan_problems(wide, [D(2)], [D(2)], D(95_000), D(190_000), 1) == []
    assert plan_problems(wide, [D(2)], [D(2)], D(95_000), None, 1) == []
    floor = replace(wide, min_available_quote=D(1))
    assert [field for field, _ in plan_problems(floor, [D(2)], [], D(95_000), D(190_000), 1)] == ["min_available_quote"]


@pytest.mark.parametrize(("field", "bears", "refuses"), [
    ("position_cap_base", "0.03", "0.0299"), ("max_order_size_base", "0.02", "0.0199"), ("max_open_orders", 4, 3),
    ("max_open_orders_account", 4, 3), ("max_net_quote", "3000", "2999"), ("max_net_account_quote", "3000", "2999"),
    ("max_resting_quote", "5000", "4999"), ("max_side_resting_quote", "3000", "2999"), ("daily_orders", 4, 3),
    ("daily_turnover_quote", "5000", "4999"), ("daily_added_base", "0.05", "0.0499"),
])
def test_each_limit_is_held_against_a_plan(field: str, bears: Any, refuses: Any) -> None:
    """Bids of 0.02 and 0.01, asks of 0.01 and 0.01, at 100,000."""
    buys, sells = [D("0.02"), D("0.01")], [D("0.01"), D("0.01")]
    assert plan_problems(limits(**{field: bears}), buys, sells, D(100_000), None, 1) == []
    found = plan_problems(limits(**{field: refuses}), buys, sells, D(100_000), None, 1)
    assert [name for name, _ in found] == [field]
    assert plan_problems(limits(**{field: bears}), [], [], D(100_000), None, 1) == []
