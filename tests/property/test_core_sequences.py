"""Decision sequences against a venue that answers late, wrongly or never: limits hold and quoting comes back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from core_builders import SECOND
from core_venue import World, variant
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import distance_bps
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState

D = Decimal
CONFIGS = (
    variant(),
    variant(order_size_base=D("0.009"), soft_limit_base=D("0.01"), hard_stop_base=D("0.012"), net_max_base=D("0.03")),
    variant(order_size_base=D("0.011"), resume_limit_base=D("0.0005"), soft_limit_base=D("0.001"),
            hard_stop_base=D("0.012"), net_max_base=D("0.024")),
    variant(min_dwell_ms=0.0, side_throttle_ms=0.0, cancel_budget_per_min=1),
    variant(side_throttle_ms=20_000.0, cancel_retry_ms=500.0, hard_stop_cooldown_s=0.0),
    variant(layer_count=3, first_spacing_bps=0.5, skew_linear_on=True, volatility_on=True, cancel_distance_bps=4.0,
            volatility_pause_bps=9.0, coalesce_ms=250.0),
    variant(mode="geometric", start_offset_bps=5.0, layer_count=6, first_spacing_bps=2.0, order_size_base=D("0.004"),
            adding_cut_frac=0.6, skew_size_on=True, queue_position_limit=2, skew_shift_on=True, min_dwell_ms=0.0),
    variant(layer_count=4, first_spacing_bps=0.5, order_size_base=D("0.004"), side_notional_cap_quote=D(1300)),
    variant(mode="geometric", start_offset_bps=5.0, layer_count=3, side_notional_cap_quote=D(405), min_dwell_ms=0.0),
    variant(points_distance_bps=25.0, points_size_frac=1.5, skew_linear_on=True),
    variant(points_distance_bps=12.0, points_tolerance_bps=1.0, layer_count=3, first_spacing_bps=0.5, min_dwell_ms=0.0,
            points_dwell_ms=8000.0, cancel_budget_per_min=4, volatility_on=True, volatility_pause_bps=9.0),
    variant(order_distance_bps=8.9, rebalance_distance_bps=9.0, cancel_distance_bps=8.5, band_margin_bps=1.0),
)

which = st.integers(0, 7)
events = st.one_of(
    st.tuples(st.just("decide")),
    st.tuples(st.just("move"), st.floats(-12.0, 12.0, allow_nan=False), st.integers(1, 4000)),
    st.tuples(st.just("drift"), st.floats(-12.0, 12.0, allow_nan=False)),
    st.tuples(st.just("settle")),
    st.tuples(st.just("accept"), which),
    st.tuples(st.just("reject"), which),
    st.tuples(st.just("lose"), which),
    st.tuples(st.just("fill"), which, st.integers(0, 3)),
    st.tuples(st.just("tell_fills")),
    st.tuples(st.just("tell_position")),
    st.tuples(st.just("cancel_at_venue"), which),
    st.tuples(st.just("confirm"), which),
    st.tuples(st.just("trouble"), st.sampled_from(["book", "connector", "basis", "none"])),
)
schedules = st.lists(events, min_size=5, max_size=60)
worlds = st.builds(
    World, st.sampled_from(CONFIGS), st.sampled_from(["0", "0.0004", "-0.0095", "0.011", "-0.012", "0.0119"]),
    st.sampled_from(["0.01", "1", "10"]), st.sampled_from(["10000", "1500", "300"]))


def run(world: World, schedule: list[tuple[object, ...]]) -> None:
    """Every event, a decision after each one that the bot would be woken by."""
    for name, *arguments in schedule:
        if name == "trouble":
            world.book_age_ms = 60_000.0 if arguments[0] == "book" else 10.0
            world.is_ready = arguments[0] != "connector"
            world.basis_bps = 20.0 if arguments[0] == "basis" else 0.0
        else:
            getattr(world, str(name))(*arguments)
        if name != "decide":
            world.check()
        if name in ("move", "drift", "settle", "accept", "reject", "lose", "tell_fills", "confirm", "trouble"):
            world.decide()


@given(worlds, schedules)
def test_no_subset_of_fills_passes_the_cap_and_cancels_keep_to_their_budget(world: World, schedule: list) -> None:
    """``World.check`` after every event: cap over any fills, budget, dwell, lattice, never crossing, two a side."""
    run(world, schedule)


def has_come_back(world: World) -> bool:
    """Whether every side that the tiers allow shows every layer inside the band, and nothing is left over."""
    position = world.position
    assert world.decision is not None
    wanted = {ladder.side: len(ladder) for ladder in world.decision.ladders}
    restricted = abs(position) >= world.params.soft_limit_base or world.state.hard_stop_since_ns is not None
    for side in Side:
        live = [order for order in world.orders.values() if order.side is side]
        is_adding = position == 0 or (position > 0) == (side is Side.BUY)
        if restricted and is_adding:
            if live:
                return False
            continue
        mark = float(world.mid)
        if not live or len(live) != wanted[side] or any(order.state is not OrderState.LIVE for order in live):
            return False
        most = world.params.band_bps if world.params.pricing.mode == "uptime" else 100.0
        if not all(0 < distance_bps(side, float(order.price), mark) <= (100.0 if order.is_points else most)
                   for order in live):  # fmt: skip
            return False
    return True


@given(worlds, schedules)
def test_quoting_comes_back_when_the_trouble_is_over(world: World, schedule: list) -> None:
    """Whatever happened before: with healthy input and a venue that answers, both sides rest in band within 100 s.

    A budget of one cancel a minute needs a minute for each order that has to go.
    """
    run(world, schedule)
    world.book_age_ms, world.is_ready, world.margin = 10.0, True, D("10000")
    world.basis_bps = 0.0
    # The average of the basis forgets slowly; that is not what is waited for.
    world.state = replace(world.state, basis_frac=None, basis_frame_ns=None)
    for _ in range(100 if world.params.cancel_budget_per_min > 1 else 400):
        world.settle()
        world.now_ns += SECOND
        world.decide()
    world.settle()
    assert has_come_back(world), (world.orders, world.decision, world.position)
    before = dict(world.orders)
    for _ in range(20):
        world.now_ns += SECOND
        assert world.decide().actions == (), "a quote at rest is left alone"
        world.settle()
    assert world.orders == before


stays = st.tuples(
    st.sampled_from(["flat", "under", "resume", "soft", "near", "hard", "over"]), st.sampled_from([1, -1]),
    st.integers(1, 4), st.sampled_from([1, 300, 700, 1000, 1100, 5000, 31_000]))  # fmt: skip
"""Where the position stands, how many looks at it, and milliseconds between two: most paths get into a stop and out."""


@given(st.sampled_from(CONFIGS), st.lists(stays, max_size=16))
def test_a_hard_stop_never_flaps(config: QuoteParams, path: list[tuple[str, int, int, int]]) -> None:
    """Once entered it lasts for its cooldown at least, and three checks a second apart were under the resume limit."""
    world = World(config)
    lot = D("0.0001")
    sizes = {
        "flat": D(0), "under": config.resume_limit_base - lot, "resume": config.resume_limit_base,
        "soft": config.soft_limit_base, "near": config.hard_stop_base - lot, "hard": config.hard_stop_base,
        "over": config.hard_stop_base + lot,
    }  # fmt: skip
    timeline: list[tuple[int, Decimal, bool]] = []
    looks = [(sizes[where] * sign, elapsed_ms) for where, sign, count, elapsed_ms in path for _ in range(count)]
    for position, elapsed_ms in looks:
        world.position = world.told_position = world.by_fills = position
        world.orders.clear()
        world.now_ns += elapsed_ms * 1_000_000
        world.decide()
        timeline.append((world.now_ns, abs(world.position), world.state.hard_stop_since_ns is not None))
    entered: int | None = None
    under_since: int | None = None
    for (_, _, before), (at, size, after) in zip([(0, D(0), False), *timeline], timeline, strict=False):
        if size >= config.hard_stop_base:
            assert after
        if after and not before:
            assert size >= config.hard_stop_base
            entered = at
        under_since = (under_since if under_since is not None else at) if size < config.resume_limit_base else None
        if before and not after:
            assert entered is not None and at - entered >= config.hard_stop_cooldown_s * 1e9
            assert under_since is not None and at - under_since >= 2 * SECOND


@pytest.mark.parametrize("config", CONFIGS)
def test_a_runaway_market_is_followed_within_the_budget(config: QuoteParams) -> None:
    """A steady drift of 1 bps a second for two minutes: never more than two orders a side, never over budget."""
    world = World(config)
    for _ in range(120):
        world.move(1.0, 1000)
        world.decide()
        world.settle()
    assert world.decision is not None
    assert world.decision.bid_silence in (None, Silence.THROTTLED, Silence.CANCEL_FIRST, Silence.SOFT_LIMIT)


@pytest.mark.parametrize("lost", [OrderState.CANCELLING, OrderState.UNKNOWN])
@pytest.mark.parametrize("config", CONFIGS)
def test_i13_a_venue_that_never_confirms_does_not_add_exposure(config: QuoteParams, lost: OrderState) -> None:
    """I13, G19: orders whose cancel or placement is never answered keep their room, which ``World.check`` proves."""
    world = World(config, margin="1000000")
    for turn in range(200):
        world.move(-5.0 if turn % 2 else 5.0, 1000)
        world.decide()
        if lost is OrderState.UNKNOWN and turn % 3 == 0:
            world.lose(turn)
        world.accept(0)
    assert any(order.state is OrderState.CANCELLING for order in world.orders.values())
