"""Decision sequences of ladders: whatever fills, is lost or comes late, layers together keep the cap and the budget.

I13 with layers: placements in flight, cancels that nobody confirms and replacements beside what they replace all count.
"""

from __future__ import annotations

from decimal import Decimal

from core_builders import account, decided, view
from core_venue import World, variant
from hypothesis import assume, event, given
from hypothesis import strategies as st

from hummingbot_extensions.core.decision import Place
from hummingbot_extensions.core.layers import SmallLayers
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState

D = Decimal
WIDE = {"mode": "geometric", "start_offset_bps": 4.0, "first_spacing_bps": 2.0}
LADDERS = (
    variant(**WIDE, layer_count=3),
    # Beside what rests there is room for one replacement at a time.
    variant(**WIDE, layer_count=3, order_size_base=D("0.0075"), min_dwell_ms=0.0, side_throttle_ms=0.0),
    # All layers of a side fill the cap: a replacement waits for the cancel of what it replaces.
    variant(**WIDE, layer_count=5, order_size_base=D("0.005"), min_dwell_ms=0.0),
    # More than the cap bears: the deepest never rest.
    variant(**WIDE, layer_count=8, order_size_base=D("0.006"), size_decay=D("0.9"), cancel_budget_per_min=3),
    variant(layer_count=4, first_spacing_bps=0.5, skew_linear_on=True, skew_size_on=True, adding_cut_frac=0.6,
            order_size_base=D("0.004"), coalesce_ms=400.0),
    variant(**WIDE, layer_count=4, order_size_base=D("0.0004"), small_layers=SmallLayers.MERGE, size_decay=D("0.7"),
            max_live_age_s=5.0, min_dwell_ms=0.0, cancel_budget_per_min=600),
    variant(**WIDE, layer_count=4, order_size_base=D("0.009"), resume_limit_base=D("0.002"),
            soft_limit_base=D("0.004"), hard_stop_base=D("0.012"), net_max_base=D("0.024"), skew_shift_on=True,
            skew_coeff_frac=0.0004, volatility_on=True, volatility_pause_bps=12.0, hard_stop_cooldown_s=1.0),
)  # fmt: skip
which = st.integers(0, 30)
events = st.one_of(
    st.tuples(st.just("move"), st.integers(-12, 12), st.sampled_from([1, 300, 1500, 4000])),
    st.tuples(st.just("drift"), st.integers(-12, 12)),
    st.tuples(st.just("accept"), which),
    st.tuples(st.just("lose"), which),
    st.tuples(st.just("reject"), which),
    st.tuples(st.just("sweep"), st.sampled_from(Side), st.integers(1, 6), st.integers(0, 3)),
    st.tuples(st.just("fill"), which, st.integers(0, 3)),
    st.tuples(st.sampled_from(["settle", "tell_fills", "tell_position", "decide"])),
    st.tuples(st.sampled_from(["cancel_at_venue", "confirm"]), which),
)  # fmt: skip
WAKING = {"move", "drift", "settle", "accept", "lose", "reject", "tell_fills", "confirm"}


class Ladders(World):
    """A world in which a move may take several layers at once."""

    def sweep(self, side: Side, count: int, part: int) -> None:
        """The ``count`` nearest open orders of a side fill, the last of them in part."""
        for turn in range(count):
            places = [at for at, order in enumerate(o for o in self.orders.values() if o.is_open)]
            mine = [order for order in self.orders.values() if order.is_open]
            fitting = [at for at in places if mine[at].side is side]
            if not fitting:
                return
            best = max(fitting, key=lambda at: mine[at].price * side.sign)
            self.fill(best, part if turn == count - 1 else 3)


def run(world: Ladders, schedule: list[tuple[object, ...]]) -> None:
    world.decide()
    for name, *arguments in schedule:
        getattr(world, str(name))(*(float(a) if name in ("move", "drift") and at == 0 else a
                                    for at, a in enumerate(arguments)))
        if name != "decide":
            world.check()
        if name in WAKING:
            world.decide()


worlds = st.builds(
    Ladders, st.sampled_from(LADDERS), st.sampled_from(["0", "0.003", "-0.0095", "0.0119", "-0.012"]),
    st.sampled_from(["0.01", "10"]), st.sampled_from(["10000", "10000", "1200"]))


@given(worlds, st.lists(events, min_size=5, max_size=30), st.permutations(range(12)))
def test_layers_keep_the_cap_whatever_subset_fills(world: Ladders, schedule: list, order: list[int]) -> None:
    """``World.check`` after every event, then every open order of one side fills in any order and nobody is told."""
    run(world, schedule)
    event(f"{sum(o.is_open for o in world.orders.values())} open")
    event(f"{sum(o.state is OrderState.CANCELLING for o in world.orders.values())} cancels under way")
    cap = max(world.params.worst_case_cap_base, abs(world.position))
    side = Side.BUY if order[0] % 2 else Side.SELL
    plain = [o for o in world.orders.values() if o.is_open and o.side is side and not o.is_reduce_only]
    for at in order:
        if at < len(plain):
            world.position += plain[at].left * side.sign
            assert world.position * side.sign <= cap


@given(worlds, st.lists(events, min_size=3, max_size=15))
def test_layers_come_back_when_everything_arrives(world: Ladders, schedule: list) -> None:
    """After any trouble, with a venue that answers: no side that may quote stays empty, and no order is left over."""
    run(world, schedule)
    world.margin = D(1_000_000)
    for _ in range(30 if world.params.cancel_budget_per_min >= 10 else 70):
        world.settle()
        world.now_ns += 3_000_000_000
        world.decide()
    world.settle()
    assert world.decision is not None
    for side in Side:
        live = [order for order in world.orders.values() if order.side is side]
        wanted = [ladder for ladder in world.decision.ladders if ladder.side is side]
        if wanted and world.decision.silence(side) is None:
            assert live and all(order.state is OrderState.LIVE for order in world.orders.values())
            # What has rested for max_live_age_s stays beside its replacement until that one rests.
            if world.params.max_live_age_s is None:
                assert len(live) <= len(wanted[0])
        elif not wanted:
            assert not live


shapes = st.sampled_from(LADDERS)


@given(shapes, st.integers(1, 260), st.sampled_from([1, -1]))
def test_risk_never_shrinks_the_reducing_side(config: QuoteParams, lots: int, direction: int) -> None:
    """The side that reduces wants all its layers at their full sizes; once only reducing is allowed, all of the
    position or all of its layers, whichever is less.
    """
    position = D(lots) / 10_000
    assume(position < config.hard_stop_base)
    held = decided(view(), account(position=str(position * direction), available_quote=D(10**6)), config)
    flat = decided(view(), account(available_quote=D(10**6)), config)
    side = Side.SELL if direction > 0 else Side.BUY
    full = sum((quote.size for quote in flat.quotes if quote.side is side), D(0))
    shown = sum((quote.size for quote in held.quotes if quote.side is side), D(0))
    if position < config.soft_limit_base:
        assert shown == full
        placed = sum((a.quote.size for a in held.actions if isinstance(a, Place) and a.quote.side is side), D(0))
        cap = config.worst_case_cap_base
        assert placed == full or placed + config.order_size_base > cap + position
    else:
        least = max(view().rules.min_size, D("0.0002"))
        assert shown <= min(full, position) and shown > min(full, position) - least
