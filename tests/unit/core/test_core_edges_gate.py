"""The gate where only a wrong line of code would show: at a bound, with something missing, with prices below one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core_builders import RULES, D, account, order, view
from gate_builders import BUY, NAN, NO_OTHERS, SELL, TODAY, limits, quote, resting

from hummingbot_extensions.core.gate import check
from hummingbot_extensions.core.gate_exposure import market_totals
from hummingbot_extensions.core.gate_params import plan_problems
from hummingbot_extensions.core.gate_resting import problems_now
from hummingbot_extensions.core.gate_state import AccountTotals, Breach, GateReason, GateState, combined, utc_day
from hummingbot_extensions.core.view import AccountView, MarketView

LADDER = (*resting(BUY, "0.03", "0.03", "0.03"), *resting(SELL, "0.03", "0.03", "0.03"))


def gone(held: AccountView, market: MarketView | None = None, **changes: Any) -> list[tuple[str, GateReason]]:
    found = problems_now(market or view(), held, limits(**changes), GateState(TODAY), TODAY, NO_OTHERS)
    return [(breach.client_order_id, breach.reason) for breach in found]


# --- totals ---


def test_the_totals_of_no_other_market_are_numbers_that_can_be_read() -> None:
    """An account with one market has others worth nothing, which is known: nothing is refused for it."""
    none = combined(())
    assert none is not None and none.is_readable and none == NO_OTHERS
    found = check(quote(), view(), account(), limits(max_net_account_quote="2000"), GateState(TODAY), TODAY, none)
    assert found.allowed


def test_a_market_of_a_coin_worth_less_than_one_has_totals() -> None:
    """20 bid at a mark of 0.5 may become 10 long."""
    rules = replace(RULES, tick=D("0.001"), step=D("1"), min_size=D("1"), min_notional=D("1"))
    cheap = view(bid=D("0.499"), ask=D("0.501"), mark=D("0.500"), grid=D("0.001"), rules=rules)
    held = account(order(BUY, "0.499", size=D("20")))
    assert market_totals(cheap, held) == AccountTotals(1, D("10"), D("0"))
    assert check(quote(BUY, "0.498", "20"), cheap, held, limits(position_cap_base="40"), GateState(), 0).allowed


def test_a_day_is_a_whole_number_all_day_long() -> None:
    """Its budget must not begin anew at every moment of it."""
    day_ns = 86_400_000_000_000
    days = {utc_day(TODAY * day_ns + part) for part in (0, 1, day_ns // 3, day_ns - 1)}
    assert days == {TODAY} and all(isinstance(day, int) for day in days)


# --- what rests ---


def test_a_breach_names_the_order_and_its_side() -> None:
    """Who cancels it must not look on the other side."""
    found = problems_now(view(), account(*LADDER), limits(position_cap_base="0.08"), GateState(TODAY), TODAY)
    assert [(type(one), one.client_order_id, one.side) for one in found] == [
        (Breach, "buy2", BUY), (Breach, "sell2", SELL)]  # fmt: skip


def test_an_order_that_has_to_go_takes_no_room_from_those_behind_it() -> None:
    """0.03, 0.09 and 0.02 under 0.06: the second one goes, the third still fits."""
    assert gone(account(*resting(BUY, "0.03", "0.09", "0.02")), position_cap_base="0.06") == [
        ("buy1", GateReason.POSITION_CAP)]  # fmt: skip


def test_a_lowered_cap_holds_without_a_mark_too() -> None:
    """Nobody knows which order is the farthest: the ones that come last go, and no others."""
    assert gone(account(*LADDER), view(mark=None), position_cap_base="0.08") == [
        ("buy2", GateReason.POSITION_CAP), ("sell2", GateReason.POSITION_CAP)]  # fmt: skip


def test_one_order_without_a_readable_price_does_not_take_the_others_along() -> None:
    """It goes alone; what can be read is judged as ever."""
    odd = replace(LADDER[0], client_order_id="odd", price=NAN)
    assert gone(account(*LADDER, odd)) == [("odd", GateReason.ORDERS_UNREADABLE)]


@pytest.mark.parametrize("side", [BUY, SELL])
def test_an_order_within_the_position_may_be_of_any_size(side: Any) -> None:
    """On the side that closes it; on the other side the same order is too large."""
    big = resting(side, "0.06")
    on = {"max_order_size_base": "0.01"}
    assert gone(account(*big, position=str(D("-0.06") * side.sign)), **on) == []
    assert gone(account(*big, position=str(D("0.06") * side.sign)), **on) == [
        (big[0].client_order_id, GateReason.MAX_ORDER_SIZE)]  # fmt: skip


# --- words ---


@pytest.mark.parametrize(("changes", "fix"), [
    ({"max_order_size_base": "0.22"}, "so it could never be reached. Lower it or raise the cap"),
    ({"max_open_orders": 3, "max_open_orders_account": 2},
     "so it could never be reached. Lower it or raise the account's"),
    ({"max_net_quote": "3", "max_net_account_quote": "2"},
     "so it could never be reached. Lower it or raise the account's"),
    ({"max_side_resting_quote": "3", "max_resting_quote": "2"},
     "so it could never be reached. Lower it or raise the total"),
    ({"liquidation_distance_shrink_frac": "0.2"},
     "there is nothing to shrink towards. Set liquidation_distance_stop_frac too"),
    ({"liquidation_distance_shrink_frac": "0.1", "liquidation_distance_stop_frac": "0.1"},
     "so the cap would never shrink. Raise it"),
    ({"liquidation_distance_stop_frac": "1"}, "so a long could never be added to. Set a fraction, 0.1 is 10 %"),
    ({"margin_ratio_shrink": "2"}, "there is nothing to shrink towards. Set margin_ratio_stop too"),
    ({"margin_ratio_shrink": "2", "margin_ratio_stop": "2"}, "so the cap would never shrink. Raise it"),
    ({"margin_ratio_stop": "1"}, "so it would come too late. Raise it"),
])  # fmt: skip
def test_a_rule_that_is_broken_says_what_follows_and_what_to_do(changes: dict[str, Any], fix: str) -> None:
    """Limits that contradict each other are refused at the start; their owner has nothing but this line."""
    ((_, text),) = limits(**changes).problems()
    assert text.endswith(fix)


@pytest.mark.parametrize(("field", "limit", "figure"), [
    ("position_cap_base", "0.0299", "0.03"), ("max_order_size_base", "0.0199", "0.02"), ("max_open_orders", 3, "4"),
    ("max_open_orders_account", 3, "4"), ("max_net_quote", "1499", "1500.00"),
    ("max_net_account_quote", "1499", "1500.00"), ("max_resting_quote", "2499", "2500.00"),
    ("max_side_resting_quote", "1499", "1500.00"), ("daily_orders", 3, "4"),
    ("daily_turnover_quote", "2499", "2500.00"), ("daily_added_base", "0.0499", "0.05"),
])  # fmt: skip
def test_a_plan_that_does_not_fit_is_told_its_own_figure(field: str, limit: Any, figure: str) -> None:
    """Bids of 0.02 and 0.01, asks of 0.01 and 0.01, at 50,000: what they come to, the limit, and what to change."""
    buys, sells = [D("0.02"), D("0.01")], [D("0.01"), D("0.01")]
    ((name, text),) = plan_problems(limits(**{field: limit}), buys, sells, D("50000"), None, 1)
    assert name == field and f" {figure}" in f" {text}" and f"over {limit}" in text
    assert text.endswith(". Lower the sizes or the number of layers, or raise the limit")


def test_margin_that_is_short_is_told_with_what_has_to_stay() -> None:
    """An order of 2,000 at leverage 4 needs 500; of 540 free 50 have to stay."""
    on = limits(position_cap_base="1", min_available_quote="50")
    ((field, text),) = plan_problems(on, [D("0.02")], [], D("100000"), D("540"), 4)
    assert field == "min_available_quote"
    assert "needs 500.00 of margin at leverage 4, 540 is free and 50 has to stay" in text
    assert plan_problems(on, [D("0.02")], [], D("100000"), D("550"), 4) == []
