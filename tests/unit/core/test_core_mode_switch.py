"""Which mode prices: entered and left at different bounds, never two switches within the least stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.mode_switch import ModeState, Reached, after, side_allowed
from hummingbot_extensions.core.pricing import PricingParams
from hummingbot_extensions.core.types import Side

SECOND = 1_000_000_000
BOTH = PricingParams(
    pinning_enter_frac=0.5, pinning_leave_frac=0.3, volatile_mode="adaptive", volatile_enter_bps=6.0,
    volatile_leave_bps=3.0, mode_min_stay_s=10.0)


def walk(steps: list[tuple[float, float, float | None]], params: PricingParams = BOTH) -> list[str]:
    """Mode after each (second, inventory, range)."""
    state, modes = ModeState(), []
    for second, inventory, range_bps in steps:
        state = after(state, int(second * SECOND), inventory, range_bps, params)
        modes.append(state.mode(params))
    return modes


def test_inventory_enters_at_its_upper_and_leaves_under_its_lower_bound() -> None:
    """D7, D10: long or short alike; at the lower bound itself it stays."""
    for sign in (1, -1):
        steps = [(0, sign * 0.49, 0.0), (1, sign * 0.5, 0.0), (20, sign * 0.4, 0.0), (40, sign * 0.3, 0.0),
                 (60, sign * 0.29, 0.0)]  # fmt: skip
        assert walk(steps) == ["uptime", "pinning", "pinning", "pinning", "uptime"]


def test_volatility_enters_and_leaves_likewise() -> None:
    """D10: from 6 bps on, until under 3."""
    steps = [(0, 0.0, 5.9), (1, 0.0, 6.0), (20, 0.0, 3.0), (40, 0.0, 2.9), (60, 0.0, 5.9)]
    assert walk(steps) == ["uptime", "adaptive", "adaptive", "uptime", "uptime"]


def test_an_unknown_range_changes_nothing() -> None:
    """A hole in the feed neither enters the volatile mode nor ends it."""
    assert walk([(0, 0.0, None), (20, 0.0, 7.0), (40, 0.0, None), (60, 0.0, 1.0)]) == [
        "uptime", "adaptive", "adaptive", "uptime"]


def test_inventory_goes_before_volatility() -> None:
    """Pinned in a wild market it stays pinned, and comes out of it into the volatile mode."""
    assert walk([(0, 0.0, 7.0), (20, 0.6, 7.0), (40, 0.4, 9.0), (60, 0.2, 7.0)]) == [
        "adaptive", "pinning", "pinning", "adaptive"]
    assert walk([(0, 0.6, 1.0), (20, 0.2, 5.0)]) == ["pinning", "uptime"]


def test_two_switches_are_the_least_stay_apart() -> None:
    """D10: an inventory that swings over both bounds every second switches once in ten."""
    steps = [(second, 0.6 if second % 2 == 0 else 0.0, 0.0) for second in range(60)]
    modes = walk(steps)
    switches = [i for i in range(1, 60) if modes[i] != modes[i - 1]]
    assert modes[0] == "pinning" and switches == [11, 22, 33, 44, 55]


@pytest.mark.parametrize(("second", "mode"), [(9.999, "pinning"), (10.0, "uptime")])
def test_the_stay_ends_on_time(second: float, mode: str) -> None:
    """At ten seconds exactly the switch is allowed; a clock that stands still allows none."""
    assert walk([(0, 0.6, 0.0), (second, 0.0, 0.0)])[-1] == mode
    assert walk([(5, 0.6, 0.0), (5, 0.0, 0.0)])[-1] == "pinning"


def test_off_nothing_is_ever_switched() -> None:
    """N16: the very same state comes back, whatever the market does."""
    state = ModeState()
    for inventory, range_bps in ((1.0, 100.0), (-1.0, None), (0.0, 0.0)):
        assert after(state, SECOND, inventory, range_bps, PricingParams()) is state
    assert state.mode(PricingParams(mode="rebate")) == "rebate"


def test_a_switch_turned_off_is_left_at_once() -> None:
    """N5: a reload that turns pinning or the volatile mode off does not wait for the least stay."""
    pinned = after(ModeState(), 0, 0.6, 0.0, BOTH)
    assert pinned.reached is Reached.INVENTORY
    assert after(pinned, 1, 0.6, 0.0, PricingParams()) == ModeState(Reached.CONFIGURED, 1)
    wild = after(ModeState(), 0, 0.0, 7.0, BOTH)
    off = replace(BOTH, volatile_mode=None)
    assert wild.mode(off) == "uptime"
    assert after(wild, 1, 0.0, 7.0, off) == ModeState(Reached.CONFIGURED, 1)


def test_a_state_can_be_recorded() -> None:
    """DEC-12: it is part of the decision's state."""
    for state in (ModeState(), ModeState(Reached.VOLATILITY, 12)):
        assert from_plain(ModeState, to_plain(state)) == state


@pytest.mark.parametrize(("inventory", "buy", "sell"), [
    (0.0, True, True), (0.002, False, True), (-0.002, True, False), (0.0009, True, True), (0.001, False, True),
    (-0.0009, True, True), (-0.001, True, False),
])
def test_ping_pong_quotes_the_closing_side_until_flat(inventory: float, buy: bool, sell: bool) -> None:
    """D19: less than the least order of 0.001 counts as flat, because nothing could close it."""
    params = PricingParams(ping_pong=True)
    assert side_allowed(Side.BUY, inventory, 0.001, params) is buy
    assert side_allowed(Side.SELL, inventory, 0.001, params) is sell
    assert all(side_allowed(side, inventory, 0.001, PricingParams()) for side in Side)


def test_flat_is_flat_where_no_least_size_is_known() -> None:
    """D19: at a least size of 0 only an exact zero is flat, and both sides quote then."""
    params = PricingParams(ping_pong=True)
    assert all(side_allowed(side, 0.0, 0.0, params) for side in Side)
    assert not side_allowed(Side.BUY, 1e-9, 0.0, params)


def test_scripted_fills_alternate() -> None:
    """D19: with fills of one size, each opening fill is followed by the closing one of the other side."""
    params, position, fills = PricingParams(ping_pong=True), 0.0, []
    for wish in (Side.BUY, Side.BUY, Side.SELL, Side.SELL, Side.SELL, Side.BUY, Side.SELL, Side.BUY):
        if side_allowed(wish, position, 0.001, params):
            fills.append(wish.value)
            position += wish.sign * 0.002
    assert fills == ["buy", "sell", "sell", "buy", "sell", "buy"]
