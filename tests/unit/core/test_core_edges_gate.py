"""The gate where only a wrong line of code would show: at a bound, with something missing, with prices below one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core_builders import RULES, D, account, order, view
from gate_builders import BUY, INFINITY, NAN, NO_OTHERS, SELL, TODAY, limits, quote, resting

from hummingbot_extensions.core.gate import check, check_all
from hummingbot_extensions.core.gate_exposure import Exposure, market_totals
from hummingbot_extensions.core.gate_params import plan_problems
from hummingbot_extensions.core.gate_resting import problems_now
from hummingbot_extensions.core.gate_state import (
    AccountTotals,
    Breach,
    GateReason,
    GateState,
    MarginView,
    after_placed,
    combined,
    utc_day,
)
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


def told(held: AccountView, margin: MarginView | None = None, others: AccountTotals | None = NO_OTHERS, **changes: Any,
         ) -> list[tuple[str, GateReason, str]]:  # fmt: skip
    found = problems_now(view(), held, limits(**changes), GateState(TODAY), TODAY, others, margin)
    return [(breach.client_order_id, breach.reason, breach.text) for breach in found]


@pytest.mark.parametrize(("position", "liquidation", "left"), [("0.02", "85000", "buy"), ("-0.02", "115000", "sell")])
def test_resting_orders_that_add_go_as_liquidation_draws_near(position: str, liquidation: str, left: str) -> None:
    """Half the way from 20 % to 10 %: 0.105 of 0.21 is left, 0.02 held and 0.09 resting are too much by one order."""
    on = {"liquidation_distance_stop_frac": "0.1", "liquidation_distance_shrink_frac": "0.2"}
    ((name, reason, text),) = told(account(*LADDER, position=position), MarginView(D(liquidation), None), **on)
    assert (name, reason) == (f"{left}2", GateReason.LIQUIDATION_NEAR)
    assert f"{left} to 0.11 at worst, over the 0.105" in text


def test_a_breach_of_the_cap_tells_the_side_and_its_figures() -> None:
    """Bids and asks alike; who reads it must know which position is meant."""
    texts = [text for _, _, text in told(account(*LADDER), position_cap_base="0.08")]
    assert texts == [f"{side} to 0.09 at worst, over position_cap_base 0.08" for side in ("buy", "sell")]


def test_orders_that_close_are_counted_with_those_of_other_markets() -> None:
    """Plain bids that only close a short: no exposure, but two of them beside 39 elsewhere are more than 40."""
    held = account(*resting(BUY, "0.01", "0.01"), position="-0.05")
    on: dict[str, Any] = {"max_open_orders_account": 40}
    assert told(held, others=AccountTotals(38, D(0), D(0)), **on) == []
    ((name, reason, _),) = told(held, others=AccountTotals(39, D(0), D(0)), **on)
    assert (name, reason) == ("buy1", GateReason.MAX_OPEN_ORDERS_ACCOUNT)


def test_limits_that_cannot_be_compared_say_what_was_wrong() -> None:
    """The kind of the error stands in the text of every order that goes for it."""
    found = told(account(*LADDER), position_cap_base=NAN)
    assert len(found) == 6 and {text for _, _, text in found} == {"limits cannot be compared: InvalidOperation"}


# --- both sides alike, and several orders in one turn ---


@pytest.mark.parametrize("side", [BUY, SELL])
def test_reduce_only_orders_of_either_side_share_the_position(side: Any) -> None:
    """0.05 to close with 0.02 on its way: 0.03 more, not 0.0301."""
    held = account(*resting(side, "0.02", is_reduce_only=True), position=str(D("-0.05") * side.sign))
    for size, reason in (("0.03", None), ("0.0301", GateReason.REDUCES_TOO_MUCH)):
        found = check(quote(side, size=size, is_reduce_only=True), view(), held, limits(), GateState(TODAY), TODAY)
        assert found.reason is reason


@pytest.mark.parametrize("side", [BUY, SELL])
def test_what_rests_uses_up_what_can_be_closed_without_margin(side: Any) -> None:
    """0.1 to close and 0.1 resting: 0.01 more at 100,000 opens and needs 1,000; with nothing resting it needs none."""
    position = str(D("-0.1") * side.sign)
    for orders, free, reason in (
        (resting(side, "0.1"), "1000", None), (resting(side, "0.1"), "999", GateReason.MIN_AVAILABLE),
        (resting(side.opposite, "0.1"), "0", None),
    ):
        held = account(*orders, position=position, available_quote=D(free))
        on = limits(position_cap_base="1", min_available_quote="0")
        assert check(quote(side, "100000.00", "0.01"), view(), held, on, GateState(TODAY), TODAY).reason is reason


@pytest.mark.parametrize("side", [BUY, SELL])
def test_margin_of_one_turn_is_taken_on_the_side_that_opens(side: Any) -> None:
    """0.1 to close: the first 0.06 takes no margin, the next 0.05 takes that of 0.01, a reduce-only one takes none."""
    held, nearer = account(position=str(D("-0.1") * side.sign)), "100000.00"
    first = Exposure().after(quote(side, nearer, "0.06"), held)
    second = first.after(quote(side, nearer, "0.05"), held)
    assert (first.margin_taken_quote, second.margin_taken_quote) == (0, 1000)
    assert second.after(quote(side, nearer, "0.05", is_reduce_only=True), held).margin_taken_quote == 1000
    assert second.after(quote(side.opposite, nearer, "0.01"), held).margin_taken_quote == 2000
    unknown = Exposure().after(quote(side, nearer, "0.06"), account(position=None))
    assert unknown.margin_taken_quote == 6000, "without a position nothing is known to close"


def test_the_orders_of_one_turn_are_judged_with_other_markets_and_margin() -> None:
    """Every order of the turn, by the same totals and the same margin figures as one alone."""
    two = [quote(BUY, "99940.00", "0.02"), quote(BUY, "99930.00", "0.02")]
    held = account(position="0.02")

    def reasons(others: AccountTotals | None, margin: MarginView | None, **on: Any) -> list[GateReason | None]:
        verdicts = check_all(two, view(), held, limits(**on), GateState(TODAY), TODAY, others, margin)
        return [verdict.reason for verdict in verdicts]

    elsewhere = AccountTotals(3, D("5000"), D(0))
    assert reasons(elsewhere, None, max_net_account_quote="11000") == [None, None]
    assert reasons(elsewhere, None, max_net_account_quote="10999") == [None, GateReason.MAX_NET_ACCOUNT]
    assert reasons(None, MarginView(None, D("2")), margin_ratio_stop="1.5") == [None, None]
    assert reasons(None, MarginView(None, D("1.5")), margin_ratio_stop="1.5") == [GateReason.MARGIN_RATIO_LOW] * 2


def test_a_reduction_before_it_does_not_make_an_unreadable_order_readable() -> None:
    """What reduces passes beside an order of ours that nobody can read; what adds in the same turn does not."""
    held = account(order(SELL, "100100", size=NAN), position="0.05")
    turn = [quote(SELL, size="0.01", is_reduce_only=True), quote(BUY, size="0.01")]
    verdicts = check_all(turn, view(), held, limits(), GateState(TODAY), TODAY)
    assert [verdict.reason for verdict in verdicts] == [None, GateReason.ORDERS_UNREADABLE]


def test_a_plain_order_that_closes_is_counted_with_those_of_other_markets() -> None:
    """No exposure, but one order more than the account may have."""
    held = account(position="0.05")
    for elsewhere, reason in ((39, None), (40, GateReason.MAX_OPEN_ORDERS_ACCOUNT)):
        found = check(quote(SELL, size="0.05"), view(), held, limits(max_open_orders_account=40), GateState(TODAY),
                      TODAY, AccountTotals(elsewhere, D(0), D(0)))  # fmt: skip
        assert found.reason is reason


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_refusal_for_the_cap_tells_the_direction(side: Any) -> None:
    """An adding order, one over what is left near liquidation, and a plain closing order over a lowered cap."""
    held, sign = account(position=str(D("0.02") * side.sign)), side.sign
    over = check(quote(side, size="0.2"), view(), held, limits(), GateState(TODAY), TODAY)
    assert over.text == f"{side} to 0.22 at worst, over position_cap_base 0.21"
    near = MarginView(D(100_000) - sign * D(9_000), None)
    shrunk = check(quote(side), view(), held, limits(**LIQUIDATION), GateState(TODAY), TODAY, None, near)
    assert shrunk.reason is GateReason.LIQUIDATION_NEAR and f": {side} to 0.04 at worst" in shrunk.text
    held = account(position=str(D("-0.02") * sign))
    closing = check(quote(side, size="0.02"), view(), held, limits(position_cap_base="0.01"), GateState(TODAY), TODAY)
    assert closing.text == f"{side} to 0.02 at worst, over position_cap_base 0.01"

# --- the day ---


def test_an_order_that_is_sent_leaves_what_the_day_has_traded() -> None:
    """Turnover and added position stay used up, whatever is placed after; only the count goes on."""
    used = GateState(TODAY, 4, D("5000"), D("0.03"))
    assert after_placed(used, TODAY) == GateState(TODAY, 5, D("5000"), D("0.03"))
    assert used.on(TODAY - 1) == GateState(TODAY - 1, 4, D("5000"), D("0.03")), "nor does a clock that was set back"
    assert used.on(TODAY + 1) == GateState(TODAY + 1) and used.on(TODAY) == used


def test_counters_that_cannot_be_true_are_named_one_by_one() -> None:
    """Below zero or no number at all; the refusal lists them all."""
    broken = GateState(TODAY, -1, D("-2"), D("-3"))
    names = ["orders -1", "turnover_quote -2", "added_base -3"]
    assert broken.problems() == [f"{name} is not a number from 0 on" for name in names]
    refused = check(quote(), view(), account(), limits(daily_orders=9), broken, TODAY)
    assert refused.text == "; ".join(broken.problems())
    for odd in (NAN, INFINITY):
        assert len(GateState(TODAY, 0, odd, odd).problems()) == 2
    assert GateState(TODAY).problems() == []


@pytest.mark.parametrize("market", [view(ask=D("0")), view(bid=None), view(ask=None), view(bid=D("0"), ask=D("0"))])
def test_half_a_book_is_no_book(market: MarketView) -> None:
    """A side that is empty or shown as 0 is one nobody knows."""
    assert check(quote(), market, account(), limits(), GateState(TODAY), TODAY).reason is GateReason.NO_BOOK


# --- liquidation ---


LIQUIDATION = {"liquidation_distance_stop_frac": "0.1"}


@pytest.mark.parametrize("position", ["0.02", "-0.02"])
@pytest.mark.parametrize(("liquidation", "reason"), [
    (NAN, GateReason.MARGIN_UNKNOWN), (INFINITY, GateReason.MARGIN_UNKNOWN), (D("-1"), GateReason.MARGIN_UNKNOWN),
    (D("0"), None),
])  # fmt: skip
def test_a_liquidation_price_is_a_number_or_zero_for_none(
    position: str, liquidation: Any, reason: GateReason | None
) -> None:
    """0 says that no price liquidates it, long or short; what is no number is not known."""
    side = BUY if position == "0.02" else SELL
    found = check(quote(side), view(), account(position=position), limits(**LIQUIDATION), GateState(TODAY), TODAY,
                  None, MarginView(liquidation, None))  # fmt: skip
    assert found.reason is reason


def test_a_coin_worth_less_than_one_is_liquidated_at_less_than_one() -> None:
    """A long at 0.5 that is liquidated at 0.46 is 8 % away: nothing is added from 10 % on."""
    rules = replace(RULES, tick=D("0.001"), step=D("1"), min_size=D("1"), min_notional=D("1"))
    cheap = view(bid=D("0.499"), ask=D("0.501"), mark=D("0.500"), grid=D("0.001"), rules=rules)
    for price, reason in (("0.46", GateReason.LIQUIDATION_NEAR), ("0.44", None)):
        found = check(quote(BUY, "0.498", "20"), cheap, account(position="10"),
                      limits(position_cap_base="40", **LIQUIDATION), GateState(), 0, None, MarginView(D(price), None))
        assert found.reason is reason


def test_a_turnover_that_is_used_up_to_the_last_unit_is_not_passed() -> None:
    """0.02 at 99,940 beside 8,001.20 traded: 10,000 together, which is the limit."""
    on = limits(daily_turnover_quote="10000")
    for traded, reason in (("8001.20", None), ("8001.21", GateReason.DAILY_TURNOVER)):
        assert check(quote(), view(), account(), on, GateState(TODAY, 0, D(traded)), TODAY).reason is reason


@pytest.mark.parametrize(("given", "text"), [
    ({"market": view(is_connector_ready=False)}, "the connector is not ready"),
    ({"market": view(private_age_ms=None)}, "the account stream is not connected"),
    ({"held": account(order(SELL, "100100", size=NAN))}, "one of our own orders has no readable price or size"),
    ({"held": account(position=None, position_by_fills=D("0.5"))}, "position None, by our fills 0.5"),
    ({"held": account(*resting(BUY, "0.001")), "max_open_orders_account": 4},
     "5 orders, over max_open_orders_account 4"),
])  # fmt: skip
def test_a_refusal_says_what_was_found(given: dict[str, Any], text: str) -> None:
    """The line that the log and the status show."""
    on = {"market": view(), "held": account(), **given}
    market, held, others = on.pop("market"), on.pop("held"), AccountTotals(3, D(0), D(0))
    assert check(quote(), market, held, limits(**on), GateState(TODAY), TODAY, others).text == text


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


# --- what is known of the account ---


def test_without_fills_of_our_own_the_venues_position_counts() -> None:
    """Nobody has counted fills yet: the venue's word is all there is, for the cap as for what can be closed."""
    held = account(position="0.2", position_by_fills=None)
    for wanted, reason in (
        (quote(BUY, size="0.01"), None), (quote(BUY, size="0.0101"), GateReason.POSITION_CAP),
        (quote(SELL, size="0.2", is_reduce_only=True), None),
        (quote(SELL, size="0.2001", is_reduce_only=True), GateReason.REDUCES_TOO_MUCH),
    ):
        assert check(wanted, view(), held, limits(), GateState(TODAY), TODAY).reason is reason


@pytest.mark.parametrize("changes", [{"size": D("0")}, {"price": D("0")}, {"price": D("-1")}, {"size": NAN}])
def test_an_order_of_ours_of_nothing_or_for_nothing_cannot_be_read(changes: dict[str, Any]) -> None:
    """What the venue tells of it cannot be true, so nothing is added beside it."""
    held = account(replace(order(BUY, "99900"), **changes))
    assert check(quote(), view(), held, limits(), GateState(TODAY), TODAY).reason is GateReason.ORDERS_UNREADABLE
