"""Traps of features.md whose seeds computed wrongly, each in the numbers of its seed, against the decision of today."""

from __future__ import annotations

import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "core"))
from core_builders import NOW, SECOND, account, decided, order, params, places, view  # noqa: E402

from hummingbot_extensions.core.canonical import to_plain  # noqa: E402
from hummingbot_extensions.core.decision import Cancel, Decision, DecisionState  # noqa: E402
from hummingbot_extensions.core.params import QuoteParams  # noqa: E402
from hummingbot_extensions.core.silence import Silence  # noqa: E402
from hummingbot_extensions.core.types import Side  # noqa: E402

D = Decimal
NOT_OURS = {"momentum_spread_bps", "guard_spread_bps"}
"""Spreads that are not between our two quotes: how much farther both stand, and that of the others' book."""
ROUND7 = {
    "mode": "geometric", "start_offset_bps": 4.0, "layer_count": 18, "order_size_base": D("0.007"),
    "net_max_base": D("0.30"), "resume_limit_base": D("0.06"), "soft_limit_base": D("0.1495"),
    "hard_stop_base": D("0.15"),
}  # fmt: skip
"""Seed 002's 18 layers of 0.007 under a cap of 0.30, of which half may be reached."""


def at_3000(**changes: object) -> object:
    return view(bid=D("2999.99"), ask=D("3000.01"), mark=D("3000.00"), **changes)


def sizes(decision: Decision, side: Side) -> list[Decimal]:
    return [place.quote.size for place in places(decision, side)]


@pytest.mark.parametrize(("held", "adding"), [
    ("0.1400", ["0.007"]), ("0.1440", ["0.006"]), ("0.1494", []), ("0.14995", []),
])  # fmt: skip
@pytest.mark.parametrize("direction", [1, -1])
def test_t17_the_adding_side_is_cut_until_it_fits_and_empty_where_nothing_does(
    held: str, adding: list[str], direction: int
) -> None:
    """The seed gave up after five tries and sent 7 layers that reach 0.189 of 0.15."""
    config = params(**{**ROUND7, "soft_limit_base": D("0.14999")})
    decision = decided(at_3000(), account(position=str(D(held) * direction)), config)
    add = Side.BUY if direction > 0 else Side.SELL
    assert sizes(decision, add) == [D(size) for size in adding]
    assert D(held) + sum(sizes(decision, add)) <= config.worst_case_cap_base
    if not adding:
        assert decision.silence(add) is Silence.WORST_CASE


@pytest.mark.parametrize("held", ["0", "0.05", "0.14", "0.1494"])
@pytest.mark.parametrize("direction", [1, -1])
def test_t18_the_reducing_side_keeps_all_its_layers(held: str, direction: int) -> None:
    """The seed cut 18 reducing layers to 9 when the adding ones did not fit. Here all that shrinks is on."""
    config = params(**ROUND7, adding_cut_frac=0.6, skew_size_on=True, size_skew_frac=1.0)
    decision = decided(at_3000(), account(position=str(D(held) * direction)), config)
    reduce = Side.SELL if direction > 0 else Side.BUY
    assert sizes(decision, reduce) == [D("0.007")] * 18


@pytest.mark.parametrize("mode", ["simple", "geometric", "uptime"])
@pytest.mark.parametrize("side", Side)
def test_t31_no_tolerance_lets_an_order_rest_nearer_than_the_least_distance(mode: str, side: Side) -> None:
    """The seed's tolerance of 0.9 x 1.2 let its first layer rest 0.4 bps from the mid; the floor is 3.5."""
    config = params(
        mode=mode, half_spread_bps=4.2, start_offset_bps=4.2, order_distance_bps=4.2, cancel_distance_bps=0.0,
        rebalance_distance_bps=9.0, requote_tolerance_bps=4.0, tolerance_on=True, sigma_on=True,
        tolerance_most_scale=10.0, min_distance_bps=3.5, min_dwell_ms=0.0, side_throttle_ms=0.0,
    )  # fmt: skip

    def leaves(away_bps: str) -> bool:
        price = (100_000 - side.sign * 10 * D(away_bps)).quantize(D("0.01"))
        resting = order(side, str(price), "near")
        decision = decided(view(), account(resting), config)
        first = [a for a in decision.actions if isinstance(a, Cancel) and a.client_order_id == "near"]
        if first:
            return True
        # Its replacement comes first; once that rests, the near one goes.
        placed = places(decision, side)
        if not placed:
            return False
        new = order(side, str(placed[0].quote.price), "new", placed_ns=NOW - SECOND)
        later = decided(view(now_ns=NOW + SECOND, price_frame_ns=NOW + SECOND), account(resting, new), config,
                        decision.state)
        return any(isinstance(a, Cancel) and a.client_order_id == "near" for a in later.actions)

    assert leaves("3.45") and leaves("0.4")
    assert not leaves("3.55")


@given(
    st.sampled_from([D(1), D(10), D(1000), D("0.1")]), st.integers(-140, 140), st.integers(1, 4), st.booleans(),
    st.booleans(),
)  # fmt: skip
def test_t34_limits_are_shares_of_the_own_limit_whatever_the_coin(
    factor: Decimal, held: int, layers: int, is_pushed: bool, is_small: bool
) -> None:
    """The seed warned above 0.25 of any coin. Here a market with sizes ten times as large is quoted at the same prices,
    with the same reasons, in sizes ten times as large.
    """
    sizes_base = (
        "order_size_base", "resume_limit_base", "soft_limit_base", "hard_stop_base", "net_max_base")
    config = params(layer_count=layers, first_spacing_bps=0.5, skew_linear_on=is_pushed, skew_size_on=is_small)
    grown = params(
        layer_count=layers, first_spacing_bps=0.5, skew_linear_on=is_pushed, skew_size_on=is_small,
        **{name: getattr(config, name) * factor for name in sizes_base})
    market = view()
    rules = replace(
        market.rules, step=market.rules.step * factor, min_size=market.rules.min_size * factor,
        min_notional=market.rules.min_notional * factor)
    position = D(held) / 10_000
    one = decided(market, account(position=str(position), available_quote=D(10**6)), config)
    other = decided(
        replace(market, rules=rules), account(position=str(position * factor), available_quote=D(10**6) * factor),
        grown)
    assert (one.bid_silence, one.ask_silence) == (other.bid_silence, other.ask_silence)
    assert (one.state.hard_stop_since_ns is None) == (other.state.hard_stop_since_ns is None)
    pairs = [
        [(place.quote.side, place.quote.price, place.quote.size / by) for place in places(decision)]
        for decision, by in ((one, D(1)), (other, factor))
    ]
    assert pairs[0] == pairs[1]


def test_t13_t24_one_name_means_one_thing() -> None:
    """No alpha, beta, gamma or k without what it weighs, and no bare ``spread``: half or whole is in the name."""
    names = set()

    def collect(plain: object) -> None:
        if isinstance(plain, dict):
            for name, value in plain.items():
                names.add(name)
                collect(value)

    collect(to_plain(QuoteParams()))
    assert len(names) > 100
    assert not names & {"alpha", "beta", "gamma", "k", "spread", "spread_bps", "depth", "max_position"}
    assert {name for name in names if "spread" in name and "half" not in name} <= NOT_OURS


def test_t9_the_distance_at_which_a_quote_goes_is_one_number_everywhere() -> None:
    """The seed's table says 5 and its diagram 3: here the parameter decides, to the tick, and nothing else does."""
    for cancel_bps in (3.0, 5.0):
        config = params(cancel_distance_bps=cancel_bps)
        for away_bps, goes in ((cancel_bps - 0.01, True), (cancel_bps + 0.01, False)):
            resting = order(Side.BUY, str((D(100_000) - D(repr(away_bps)) * 10).quantize(D("0.01"))), "bid")
            found = decided(view(), account(resting), config, DecisionState())
            assert any(isinstance(a, Cancel) and a.is_risk for a in found.actions) is goes
