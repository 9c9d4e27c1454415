"""What holds for the layers of any side: order, minima, totals, caps, and that volatility only shrinks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import inf

from core_builders import RULES
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.layers import (
    LayerParams,
    LayerSizes,
    SmallLayers,
    adding_layers,
    geometry,
    shrunk_frac,
    sizes_base,
    spacings_bps,
)
from hummingbot_extensions.core.rounding import round_size_down
from hummingbot_extensions.core.view import MarketRules

DECAYS = st.decimals("0.3", "1", places=2)
SPACED = st.builds(
    LayerParams,
    layer_count=st.integers(1, 30),
    first_spacing_bps=st.floats(0.01, 20),
    spacing_multiplier=st.floats(1.001, 1.3),
    max_spacing_bps=st.just(30.0),
    size_decay=DECAYS,
)
PARAMS = st.builds(
    replace,
    SPACED,
    small_layers=st.sampled_from(SmallLayers),
    max_order_size_base=st.none() | st.decimals("0.001", "9", places=3),
)
VENUES = st.builds(
    MarketRules,
    tick=st.just(Decimal("0.01")),
    step=st.sampled_from([Decimal(step) for step in ("0.0001", "0.001", "0.01", "0.003", "1")]),
    min_size=st.decimals("0", "0.5", places=4),
    max_size=st.none() | st.decimals("0.01", "5", places=2),
    min_notional=st.decimals("0", "500", places=1),
)
FIRST = st.decimals("0.0005", "20", places=4)
MARKS = st.floats(1.0, 100_000.0)


def sized(params: LayerParams, rules: MarketRules, first: Decimal, mark: float, frac: float = 1.0) -> LayerSizes:
    shape = geometry(params)
    return sizes_base(params, shape.weights, [6.0 + bps for bps in shape.behind_bps], first, mark, rules, frac)


@given(params=SPACED, first_bps=st.floats(0.1, 50))
def test_distances_grow_and_so_do_gaps_up_to_the_cap(params: LayerParams, first_bps: float) -> None:
    """One distance a layer, each farther; gaps never shrink, and none passes the cap."""
    assert params.problems() == []
    distances = [first_bps + bps for bps in geometry(params).behind_bps]
    gaps = spacings_bps(params)
    assert (len(distances), distances[0]) == (params.layer_count, first_bps)
    assert all(near < far for near, far in zip(distances, distances[1:], strict=False))
    assert list(gaps) == sorted(gaps)
    assert max(gaps, default=0.0) <= (params.max_spacing_bps or inf)


@given(params=PARAMS, rules=VENUES, first=FIRST, mark=MARKS, frac=st.floats(0.01, 1))
def test_every_order_can_be_placed(
    params: LayerParams, rules: MarketRules, first: Decimal, mark: float, frac: float
) -> None:
    """On the step, not under the least size or notional at its own bid price, not over a maximum, layers in order."""
    found = sized(params, rules, first, mark, frac)
    distances = [6.0 + bps for bps in geometry(params).behind_bps]
    assert list(found.layers) == sorted(set(found.layers))
    assert found.asked == params.layer_count
    assert 0 <= found.valid <= len(found.layers) <= found.asked
    for layer, size in zip(found.layers, found.sizes_base, strict=True):
        assert size == round_size_down(size, rules.step) > 0
        assert size >= rules.min_size
        worth = float(size) * mark * (1.0 - distances[layer] / 1e4)
        assert worth >= float(rules.min_notional) * (1 - 1e-8)
        assert rules.max_size is None or size <= rules.max_size
        assert params.max_order_size_base is None or size <= params.max_order_size_base


@given(params=SPACED, rules=VENUES, first=FIRST, mark=MARKS)
def test_merging_loses_less_than_a_step(params: LayerParams, rules: MarketRules, first: Decimal, mark: float) -> None:
    """Where a layer is too small and one can be placed at all, the total is what was asked for, rounded once."""
    rules = replace(rules, max_size=None)
    merged = sized(replace(params, small_layers=SmallLayers.MERGE), rules, first, mark)
    dropped = sized(replace(params, small_layers=SmallLayers.DROP), rules, first, mark)
    assert merged.valid == dropped.valid == len(dropped.layers)
    assert merged.layers[: merged.valid] == dropped.layers
    assert dropped.total_base <= merged.total_base <= merged.asked_base
    if merged.valid == merged.asked:
        assert merged == dropped
    elif merged.layers:
        assert merged.asked_base - merged.total_base < rules.step
    else:
        least = max(rules.min_size, rules.step, rules.min_notional / Decimal(repr(mark * (1.0 - 6.0 / 1e4))))
        assert merged.asked_base < least + rules.step


@given(params=PARAMS, rules=VENUES, first=FIRST, mark=MARKS, one=st.floats(0.01, 1), other=st.floats(0.01, 1))
def test_more_volatility_never_makes_a_layer_larger(
    params: LayerParams, rules: MarketRules, first: Decimal, mark: float, one: float, other: float
) -> None:
    """Each layer that stands on its own stays, and is no larger; merged ones are no larger together (F17)."""
    calm, wild = (sized(params, rules, first, mark, frac) for frac in (max(one, other), min(one, other)))
    assert calm.valid == wild.valid
    if params.small_layers is SmallLayers.DROP:
        assert all(small <= large for small, large in zip(wild.lots, calm.lots, strict=True))
    elif params.max_order_size_base is None and rules.max_size is None:
        assert wild.total_base <= calm.total_base


@given(low=st.floats(0, 10), span=st.floats(0.1, 10), least=st.floats(0.01, 1), a=st.floats(0, 30), b=st.floats(0, 30))
def test_the_share_of_the_size_falls_with_volatility(low: float, span: float, least: float, a: float, b: float) -> None:
    """Between the least and the whole, and monotone."""
    params = LayerParams(shrink_from_bps=low, shrink_until_bps=low + span, shrink_to_frac=least)
    calm, wild = shrunk_frac(params, min(a, b)), shrunk_frac(params, max(a, b))
    assert least - 1e-12 <= wild <= calm <= 1.0


@given(count=st.integers(1, 64), one=st.floats(-2, 2), other=st.floats(-2, 2), cut=st.floats(0, 1))
def test_more_inventory_never_shows_more_adding_layers(count: int, one: float, other: float, cut: float) -> None:
    """At least one, at most all, fewer with more inventory of either sign."""
    less, more = (adding_layers(count, size, cut) for size in sorted((one, other), key=abs))
    assert 1 <= more <= less <= count


@given(params=PARAMS, first=FIRST, mark=MARKS)
def test_the_same_input_gives_the_same_sizes(params: LayerParams, first: Decimal, mark: float) -> None:
    """Nothing is kept between calls."""
    assert sized(params, RULES, first, mark) == sized(params, RULES, first, mark)
