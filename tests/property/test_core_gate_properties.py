"""What the gate keeps whatever the pricer does: nothing illegal passes, no fill breaks a cap, reducing goes on.

The conditions are worked out here anew, in fractions, from the rules alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from core_builders import D, account, view
from gate_builders import BUY, EVERYTHING_ON, NO_OTHERS, SELL, TODAY, limits, quote
from hypothesis import assume, given
from hypothesis import strategies as st

from hummingbot_extensions.core.gate import check, check_all
from hummingbot_extensions.core.gate_exposure import Exposure
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_resting import problems_now
from hummingbot_extensions.core.gate_state import AccountTotals, GateState, MarginView, after_fill, after_placed
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import MarketStanding, Side
from hummingbot_extensions.core.view import AccountView, MarketRules, MarketView, OrderState, OwnOrder

F = Fraction
ODD = [D("NaN"), D("sNaN"), D("Infinity"), D("-Infinity"), D("-0"), D(0), D("1E+400"), D("1E-400"), D("-1"),
       D("0.1" + 50 * "0" + "1")]  # fmt: skip


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(D(low), D(high), allow_nan=False, allow_infinity=False, places=places)


near = decimals("99900", "100100", 2)
maybe_odd_price = st.one_of(near, decimals("84000", "116000", 2), near, st.sampled_from([None, *ODD]))
sizes = decimals("0.0001", "0.03", 4)
mad_prices = st.one_of(near, near, decimals("84900", "85100", 2), decimals("114900", "115100", 2),
                       st.decimals(), st.sampled_from(ODD), decimals("99900", "100100", 5))  # fmt: skip
mad_sizes = st.one_of(sizes, sizes, decimals("0", "1", 4), st.decimals(), st.sampled_from(ODD), decimals("0", "0.1", 6))
mad_quotes = st.builds(quote, st.sampled_from(Side), mad_prices, mad_sizes, st.booleans())
rules = st.builds(
    MarketRules, tick=st.sampled_from([D("0.01"), D("0.5"), D("0.0003"), D("7"), D(0), D("NaN")]),
    step=st.sampled_from([D("0.0001"), D("0.003"), D("1")]), min_size=st.sampled_from([D(0), D("0.0001"), D("0.01")]),
    max_size=st.sampled_from([None, D("0.02"), D("1000")]), min_notional=st.sampled_from([D(0), D("10"), D("1000")]))
sane_rules = st.builds(view).map(lambda market: market.rules)
sound_views = st.builds(
    lambda bid, spread, grid, mark: view(bid=bid, ask=bid + spread, grid=grid, mark=mark),
    near, decimals("0", "30", 2), st.sampled_from([D("0.01"), D("10")]), near)
mad_views = st.builds(
    view, bid=maybe_odd_price, ask=maybe_odd_price, grid=st.sampled_from([D("0.01"), D("10"), D(0), D("NaN")]),
    mark=maybe_odd_price, rules=rules | sane_rules, is_connector_ready=st.booleans(),
    private_age_ms=st.sampled_from([None, 10.0, float("nan")]), standing=st.sampled_from(MarketStanding))
positions = st.one_of(decimals("-0.25", "0.25", 4), st.sampled_from([None, *ODD]))
orders = st.builds(
    lambda n, side, price, size, state, is_reduce_only, cancel: OwnOrder(
        f"o{n}", side, price, size, state, is_reduce_only, 0, cancel_sent_ns=cancel),
    st.integers(0, 10**9), st.sampled_from(Side), near, decimals("0.0001", "0.08", 4), st.sampled_from(OrderState),
    st.booleans(), st.none() | st.just(1))
order_lists = st.lists(orders, max_size=6, unique_by=lambda order: order.client_order_id).map(tuple)
mad_orders = st.lists(orders | st.builds(
    replace, orders, size=st.sampled_from(ODD), price=st.sampled_from(ODD)), max_size=5).map(tuple)  # fmt: skip
mad_accounts = st.builds(
    lambda position, by_fills, available, leverage, held, hold: replace(
        account(*held, available_quote=available, leverage=leverage, hold=hold),
        position=position, position_by_fills=by_fills),
    positions, positions, st.sampled_from([None, D(10_000), *ODD]), st.sampled_from([1, 10, 0, -1]), mad_orders,
    st.none() | st.just(Silence.STARTUP_CHECK))
mad_totals = st.none() | st.builds(
    AccountTotals, st.integers(-1, 50), st.sampled_from([D(1000), *ODD]), st.sampled_from([D(1000), *ODD]))
mad_margins = st.none() | st.builds(
    MarginView, st.sampled_from([None, D(90_000), *ODD]), st.sampled_from([None, D(2), *ODD]))
mad_states = st.builds(GateState, st.integers(TODAY - 1, TODAY + 1), st.integers(-1, 2000),
                       st.sampled_from([D(1000), *ODD]), st.sampled_from([D(1), *ODD]))  # fmt: skip
some_limits = st.sets(st.sampled_from(sorted(EVERYTHING_ON))).map(
    lambda names: limits(**{name: EVERYTHING_ON[name] for name in names}))
mad_limits = some_limits | st.builds(
    lambda name, value: limits(**{name: value}), st.sampled_from(["position_cap_base", *EVERYTHING_ON]),
    st.sampled_from(ODD))  # fmt: skip


SANE = {
    "quote": st.builds(quote, st.sampled_from(Side), st.none() | near, sizes, st.booleans()),
    "view": sound_views,
    "account": st.builds(
        lambda held, position, known: replace(account(*held, position=str(position)), position_by_fills=known),
        order_lists, decimals("-0.15", "0.15", 4), st.none() | decimals("-0.15", "0.15", 4)),
    "params": some_limits,
    "state": st.just(GateState(TODAY)),
    "others": st.just(AccountTotals(1, D(1000), D(1000))),
    "margin": st.just(MarginView(D(0), D(5))),
}
MAD = {
    "quote": mad_quotes, "view": mad_views, "account": mad_accounts, "params": mad_limits, "state": mad_states,
    "others": mad_totals, "margin": mad_margins,
}


@st.composite
def partly_mad(draw: st.DrawFn) -> dict[str, Any]:
    """All that a check takes, sane but for some of it: with everything mad nothing would ever pass."""
    mad = draw(st.sets(st.sampled_from(sorted(MAD)), max_size=2) | st.sets(st.sampled_from(sorted(MAD))))
    return {name: draw(MAD[name] if name in mad else SANE[name]) for name in MAD}


def exact(value: Decimal | None) -> Fraction:
    assert value is not None and value.is_finite()
    return F(value)


def is_legal(wanted: Quote, market: MarketView, params: GateParams) -> bool:
    """Whether the venue takes the order as a maker's and its price is near the mark; raises on what is no number."""
    price, size, own = exact(wanted.price), exact(wanted.size), market.rules
    bid, ask, mark = exact(market.bid), exact(market.ask), exact(market.mark)
    is_on_lattice = price % exact(own.tick) == 0 and size % exact(own.step) == 0
    is_large_enough = size >= exact(own.min_size) and price * size >= exact(own.min_notional)
    is_small_enough = own.max_size is None or size <= exact(own.max_size)
    # Worst true touch behind a truncated book: the ask as shown, the bid a tick under the next grid line.
    highest_bid = bid + max(exact(market.grid), exact(own.tick)) - exact(own.tick)
    is_passive = price < ask if wanted.side is BUY else price > highest_bid
    is_near = abs(price - mark) <= exact(params.max_price_deviation_frac) * mark
    return price > 0 and size > 0 and is_on_lattice and is_large_enough and is_small_enough and is_passive and is_near


@given(partly_mad())
def test_a_mad_pricer_on_mad_input_gets_nothing_illegal_through(given_all: dict[str, Any]) -> None:
    """Any quote, any view, any account, any limits: no exception; a refusal has a reason and a text; what passes is
    legal, the position is known, and what does not merely reduce stays under the cap.
    """
    wanted, market, held, params, state, others, margin = (given_all[name] for name in MAD)
    verdict = check(wanted, market, held, params, state, TODAY, others, margin)
    assert verdict.allowed is (verdict.reason is None) is (not verdict.text)
    problems_now(market, held, params, state, TODAY, others, margin)
    if not verdict.allowed:
        return
    assert market.standing is MarketStanding.TRADING and is_legal(wanted, market, params)
    known = [exact(p) for p in (held.position, held.position_by_fills) if p is not None]
    assert held.position is not None
    side, size = wanted.side, exact(wanted.size)
    same = [o for o in held.orders if o.side is side and o.size.is_finite() and o.size > 0 and o.price.is_finite()
            and o.price > 0]  # fmt: skip
    closes = max(F(0), min(-p * side.sign for p in known))
    if wanted.is_reduce_only:
        assert size + sum(exact(o.size) for o in same if o.is_reduce_only) <= closes
        return
    plain = size + sum(exact(o.size) for o in same if not o.is_reduce_only)
    assert all(p * side.sign + plain <= exact(params.position_cap_base) for p in known)
    if plain + sum(exact(o.size) for o in same if o.is_reduce_only) <= closes:
        return
    assert market.is_connector_ready and market.private_age_ms == 10.0 and held.hold is None
    assert all(o.size.is_finite() and o.size > 0 for o in held.orders)


@given(mad_quotes, sound_views, order_lists, decimals("-0.2", "0.2", 4), some_limits)
def test_counting_once_a_turn_decides_as_counting_every_time(
    wanted: Quote, market: MarketView, own: tuple[OwnOrder, ...], position: Decimal, params: GateParams
) -> None:
    """An exposure that was carried over orders of the same turn gives the verdict that counting them anew gives.

    Free margin is left out: the account's figure holds the margin of orders it was read with, not of those sent since.
    """
    params = replace(params, min_available_quote=None)
    held, carried = account(position=str(position)), Exposure()
    for order in own:
        sent = quote(order.side, order.price, order.size, order.is_reduce_only)
        carried = carried.after(sent, held)
    counted = account(*own, position=str(position))
    state, margin = GateState(TODAY), MarginView(D(50_000), D(5))
    assert replace(carried, margin_taken_quote=D(0)) == Exposure.of(counted)
    assert check(wanted, market, held, params, state, TODAY, NO_OTHERS, margin, carried) == check(
        wanted, market, counted, params, state, TODAY, NO_OTHERS, margin)


@dataclass
class Desk:
    """An account whose every order passed the gate: fills, cancels and frames that come late, in any order."""

    params: GateParams
    honours_reduce_only: bool
    is_frame_first: bool = False
    """Whether the venue's frame knows of a fill before our own record does, instead of after it."""
    position: Decimal = D(0)
    reported: Decimal = D(0)
    """What the slower of the two said last; the other knows the truth."""
    orders: dict[str, OwnOrder] = field(default_factory=dict)
    state: GateState = GateState(TODAY)
    market: MarketView = field(default_factory=view)
    passed: int = 0

    @property
    def account(self) -> AccountView:
        held = account(*self.orders.values(), available_quote=D(10**6))
        late, known = self.reported, self.position
        venue, by_fills = (known, late) if self.is_frame_first else (late, known)
        return replace(held, position=venue, position_by_fills=by_fills)

    def send(self, wanted: list[Quote]) -> None:
        verdicts = check_all(wanted, self.market, self.account, self.params, self.state, TODAY, NO_OTHERS)
        for one, verdict in zip(wanted, verdicts, strict=True):
            if verdict.allowed:
                self.passed += 1
                self.state = after_placed(self.state, TODAY)
                self.orders[f"o{self.passed}"] = OwnOrder(
                    f"o{self.passed}", one.side, one.price, one.size, OrderState.PLACING, one.is_reduce_only, 0)

    def fill(self, order: OwnOrder, part: Decimal) -> None:
        size = order.size if part >= 1 else (order.size * part).quantize(D("0.0001"))
        if order.is_reduce_only and self.honours_reduce_only:
            size = min(size, max(D(0), -order.side.sign * self.position))
        self.state = after_fill(self.state, order.side, order.price, size, self.position, TODAY)
        self.position += order.side.sign * size
        if size == order.size or order.is_reduce_only:
            del self.orders[order.client_order_id]
        elif size:
            self.orders[order.client_order_id] = replace(order, size=order.size - size, state=OrderState.UNKNOWN)

    def worst(self, side: Side) -> Fraction:
        """Farthest the position gets in a direction when the venue lets reduce-only orders close first, or ignores the
        flag, and then every plain order fills.
        """
        own = [order for order in self.orders.values() if order.side is side]
        reducing = sum((exact(o.size) for o in own if o.is_reduce_only), F(0))
        plain = sum((exact(o.size) for o in own if not o.is_reduce_only), F(0))
        held = exact(self.position) * side.sign
        honoured = held + min(reducing, max(F(0), -held))
        return max(held, honoured, held if self.honours_reduce_only else held + reducing) + plain


fitting = st.builds(quote, st.sampled_from(Side), st.none(), decimals("0.0002", "0.1", 4), st.booleans())
steps = st.one_of(
    st.tuples(st.just("send"), st.lists(fitting, min_size=1, max_size=4)),
    st.tuples(st.just("send"), st.lists(fitting | mad_quotes, min_size=1, max_size=4)),
    st.tuples(st.just("fill"), st.tuples(st.integers(0, 50), st.just(D(1)))),
    st.tuples(st.just("fill"), st.tuples(st.integers(0, 50), decimals("0", "1.5", 1))),
    st.tuples(st.sampled_from(["cancel", "cancelling"]), st.integers(0, 50)),
    st.tuples(st.just("frame"), st.none()),
)  # fmt: skip


def run(desk: Desk, step: tuple[str, Any]) -> None:
    kind, what = step
    live = list(desk.orders.values())
    if kind == "send":
        desk.send(what)
    elif kind == "frame":
        desk.reported = desk.position
    elif live and kind == "fill":
        desk.fill(live[what[0] % len(live)], what[1])
    elif live and kind == "cancel":
        del desk.orders[live[what % len(live)].client_order_id]
    elif live:
        order = live[what % len(live)]
        desk.orders[order.client_order_id] = replace(order, state=OrderState.CANCELLING)


@given(st.lists(steps, min_size=8, max_size=25), st.booleans(), st.booleans(), st.sampled_from(["0.21", "0.06"]))
def test_whatever_passes_and_whatever_fills_the_cap_holds(
    script: list[tuple[str, Any]], honours: bool, is_frame_first: bool, cap: str
) -> None:
    """I5, I17: mad orders, part fills in any order, late frames, cancels that lose the race: neither the position nor
    what it may come to is ever over the cap, whether or not the venue keeps reduce-only orders to their word.
    """
    desk = Desk(limits(position_cap_base=cap), honours, is_frame_first)
    for step in script:
        run(desk, step)
        assert abs(exact(desk.position)) <= exact(D(cap))
        assert all(desk.worst(side) <= exact(D(cap)) for side in Side)
    for order in list(desk.orders.values()):
        desk.fill(order, D(1))
        assert abs(exact(desk.position)) <= exact(D(cap))


plain_steps = st.one_of(
    st.tuples(st.just("send"), st.lists(
        st.builds(quote, st.sampled_from(Side), st.none(), decimals("0.0002", "0.05", 4), st.just(False)),
        min_size=1, max_size=4)),
    st.tuples(st.just("fill"), st.tuples(st.integers(0, 50), decimals("0", "1.5", 1))),
    st.tuples(st.just("cancel"), st.integers(0, 50)), st.tuples(st.just("frame"), st.none()),
)  # fmt: skip


@given(st.lists(plain_steps, min_size=2, max_size=25))
def test_no_budget_or_value_limit_is_ever_passed_by_orders_that_add(script: list[tuple[str, Any]]) -> None:
    """F12, F15, I10, I18: with mark where it is, whatever fills of what passed: what was opened stays within the day's
    budget, the position within the net limit, orders that could open within count and values.
    """
    params = limits(max_open_orders=5, max_net_quote="8000", max_resting_quote="9000", max_side_resting_quote="6000",
                    daily_added_base="0.15", max_order_size_base="0.04")  # fmt: skip
    desk = Desk(params, True)
    for step in script:
        before = set(desk.orders)
        held = exact(desk.position)
        run(desk, step)
        assert exact(desk.state.added_base) <= F(15, 100)
        assert abs(exact(desk.position)) * 100_000 <= 8000
        assert len(desk.orders) <= 5
        for order in desk.orders.values():
            if order.client_order_id in before or held * order.side.sign < 0:
                continue
            own = [o for o in desk.orders.values() if o.side is order.side]
            assert order.size <= D("0.04")
            assert sum(exact(o.size * o.price) for o in own) <= 6000
            assert desk.worst(order.side) * 100_000 <= 8000


@given(
    sound_views, decimals("0.0002", "0.21", 4), st.sampled_from(Side), decimals("-50", "0", 2), order_lists,
    st.booleans(), st.sampled_from([None, D(0), *ODD]), mad_states, mad_totals, mad_margins, st.booleans(),
    decimals("0.0001", "1", 4),
)
def test_a_reducing_order_of_legal_price_is_never_refused_for_exposure(
    market: MarketView, size: Decimal, side: Side, deeper: Decimal, own: tuple[OwnOrder, ...], is_ready: bool,
    available: Decimal | None, state: GateState, others: AccountTotals | None, margin: MarginView | None,
    is_on_hold: bool, extra: Decimal,
) -> None:
    """Whatever else rests, whatever is used up, near or unknown: a reduce-only order within what the position leaves
    passes, with every limit but the counts on and the position far over the cap.
    """
    touch = market.ask - D("0.01") if side is BUY else (market.bid or D(0)) + max(market.grid, D("0.01"))  # type: ignore[operator]
    wanted = quote(side, touch + side.sign * deeper, size, True)
    same = sum((o.size for o in own if o.side is side and o.is_reduce_only), D(0))
    position = -side.sign * (same + size + extra)
    held = account(
        *own, position=str(position), available_quote=available, hold=Silence.STARTUP_CHECK if is_on_hold else None)
    market = replace(market, is_connector_ready=is_ready)
    params = limits(**EVERYTHING_ON, position_cap_base="0.06")
    params = replace(params, max_open_orders=None, max_open_orders_account=None)
    assume(is_legal(wanted, market, params))
    assert check(wanted, market, held, params, state, TODAY, others, margin).reason is None
    too_much = replace(wanted, size=same + size + extra + D("0.0001"))
    assert not check(too_much, market, held, params, state, TODAY, others, margin).allowed


lowered = st.builds(
    lambda names: limits(**{"position_cap_base": "1", **dict(names)}),
    st.sets(max_size=3, elements=st.sampled_from([
        ("position_cap_base", "0.05"), ("position_cap_base", "0.15"), ("max_order_size_base", "0.03"),
        ("max_open_orders", 2), ("max_open_orders_account", 4), ("max_net_quote", "6000"),
        ("max_net_account_quote", "9000"), ("max_resting_quote", "8000"), ("max_side_resting_quote", "5000"),
        ("margin_ratio_stop", "1.5"), ("daily_turnover_quote", "12000"), ("daily_added_base", "0.1"),
        ("max_price_deviation_frac", "0.0003")])))  # fmt: skip


@given(order_lists, decimals("-0.1", "0.1", 4), lowered, st.sampled_from(["1.4", "5"]))
def test_cancelling_what_is_named_leaves_only_what_fits(
    own: tuple[OwnOrder, ...], position: Decimal, params: GateParams, ratio: str
) -> None:
    """I16: named are orders that can still be cancelled and are not reduce-only, each once. Without them nothing more
    is named, and every order left could be sent again beside the others: the gate's two halves agree.
    """
    others, margin, state = AccountTotals(1, D(2000), D(2000)), MarginView(None, D(ratio)), GateState(TODAY)
    held = account(*own, position=str(position))
    breaches = problems_now(view(), held, params, state, TODAY, others, margin)
    named = [breach.client_order_id for breach in breaches]
    assert len(set(named)) == len(named)
    going = {o.client_order_id for o in own if o.state is OrderState.CANCELLING
             or o.state is OrderState.UNKNOWN and o.cancel_sent_ns is not None}  # fmt: skip
    movable = {o.client_order_id for o in own if not o.is_reduce_only} - going
    assert set(named) <= movable
    left = tuple(o for o in own if o.client_order_id not in named)
    after = account(*left, position=str(position))
    assert problems_now(view(), after, params, state, TODAY, others, margin) == ()
    for order in left:
        if order.client_order_id not in movable:
            continue
        rest = account(*(o for o in left if o is not order), position=str(position))
        # The bid may have come to stand over the ask since: where it rests is no reason, so it is asked far from there.
        price = order.price if abs(order.price - 100_000) > 60 else D("99940") if order.side is BUY else D("100060")
        again = quote(order.side, price, order.size)
        if price != order.price or not is_legal(again, view(), params):
            continue
        verdict = check(again, view(), rest, params, state, TODAY, others, margin)
        assert verdict.allowed, verdict


def test_the_properties_reach_what_they_are_about() -> None:
    """The desk lets orders pass and positions grow: a property over refusals alone would prove nothing."""
    desk = Desk(limits(), True)
    desk.send([quote(BUY, size="0.1"), quote(BUY, size="0.1"), quote(SELL, size="0.2"), quote(BUY, size="0.1")])
    assert desk.passed == 3
    for order in list(desk.orders.values())[:2]:
        desk.fill(order, D(1))
    assert desk.position == D("0.2")
    desk.reported = desk.position
    desk.send([quote(SELL, size="0.2", is_reduce_only=True), quote(SELL, size="0.0002", is_reduce_only=True)])
    assert desk.passed == 4
    for order in sorted(desk.orders.values(), key=lambda order: not order.is_reduce_only):
        desk.fill(order, D(1))
    assert desk.position == D("-0.2")
