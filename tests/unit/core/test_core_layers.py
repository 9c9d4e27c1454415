"""Layers: distances and sizes of the seeds worked by hand, minima and maxima, and how many layers are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core_builders import RULES, D

from hummingbot_extensions.core.layers import (
    MAX_LAYERS,
    LayerParams,
    LayerSizes,
    SizeBy,
    SmallLayers,
    adding_layers,
    first_size_base,
    geometry,
    shrunk_frac,
    sizes_base,
    spacings_bps,
)
from hummingbot_extensions.core.rounding import round_size_down

SEED_002 = LayerParams(layer_count=18, first_spacing_bps=1.2, spacing_multiplier=1.15, max_spacing_bps=25.0)
SEED_004 = LayerParams(layer_count=24, first_spacing_bps=2.0, spacing_multiplier=1.2, size_decay=D("0.9"))
ETH_RULES = replace(RULES, step=D("0.001"), min_size=D("0.001"))


def sized(
    params: LayerParams, first: str, mark: float = 3_000.0, nearest_bps: float = 6.0, frac: float = 1.0, **rules: Any
) -> LayerSizes:
    """Sizes of the layers of a side whose first stands ``nearest_bps`` from the mark."""
    shape = geometry(params)
    distances = [nearest_bps + bps for bps in shape.behind_bps]
    return sizes_base(params, shape.weights, distances, D(first), mark, replace(ETH_RULES, **rules), frac)


# ---- parameters


def test_layers_are_off_by_default() -> None:
    """One layer of the plain size, nothing cut, nothing shrunk, no cap: what there was without layers."""
    params = LayerParams()
    assert params.problems(D("0.002")) == []
    assert geometry(params).behind_bps == (0.0,)
    assert geometry(params).weights == (D(1),)
    assert first_size_base(params, D("0.002"), D(3_000)) == D("0.002")
    assert shrunk_frac(params, None) == 1.0
    assert (params.adding_cut_frac, params.side_notional_cap_quote, params.max_order_size_base) == (0.0, None, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"layer_count": 0}, "layer_count"),
        ({"layer_count": MAX_LAYERS + 1}, "layer_count"),
        ({"layer_count": 60, "spacing_multiplier": 1.2}, "layer_count"),
        ({"first_spacing_bps": 0.0}, "first_spacing_bps"),
        ({"first_spacing_bps": -1.0}, "first_spacing_bps"),
        ({"first_spacing_bps": float("nan")}, "first_spacing_bps"),
        ({"first_spacing_bps": float("inf")}, "first_spacing_bps"),
        ({"spacing_multiplier": 1.0}, "spacing_multiplier"),
        ({"spacing_multiplier": float("nan")}, "spacing_multiplier"),
        ({"spacing_multiplier": 1e200, "layer_count": 64}, "spacing_multiplier"),
        ({"max_spacing_bps": 1.19}, "max_spacing_bps"),
        ({"max_spacing_bps": float("nan")}, "max_spacing_bps"),
        ({"size_decay": D(0)}, "size_decay"),
        ({"size_decay": D("1.01")}, "size_decay"),
        ({"size_decay": D("NaN")}, "size_decay"),
        ({"size_by": SizeBy.NOTIONAL}, "layer_notional_quote"),
        ({"size_by": SizeBy.NOTIONAL, "layer_notional_quote": D(0)}, "layer_notional_quote"),
        ({"size_by": SizeBy.EQUITY}, "layer_equity_frac"),
        ({"size_by": SizeBy.EQUITY, "layer_equity_frac": D("-0.1")}, "layer_equity_frac"),
        ({"max_order_size_base": D("0.0699")}, "max_order_size_base"),
        ({"max_order_size_base": D("0")}, "max_order_size_base"),
        ({"max_order_size_base": D("NaN")}, "max_order_size_base"),
        ({"adding_cut_frac": -0.1}, "adding_cut_frac"),
        ({"adding_cut_frac": 1.1}, "adding_cut_frac"),
        ({"side_notional_cap_quote": D(0)}, "side_notional_cap_quote"),
        ({"shrink_from_bps": 3.0}, "shrink_until_bps"),
        ({"shrink_until_bps": 3.0}, "shrink_until_bps"),
        ({"shrink_from_bps": 3.0, "shrink_until_bps": 3.0}, "shrink_until_bps"),
        ({"shrink_from_bps": -1.0, "shrink_until_bps": 3.0}, "shrink_until_bps"),
        ({"shrink_to_frac": 0.0}, "shrink_to_frac"),
        ({"shrink_to_frac": 1.5}, "shrink_to_frac"),
    ],
)
def test_a_broken_rule_names_its_field_and_a_fix(changes: dict[str, Any], field: str) -> None:
    """Only that field, with what is wrong and what to do."""
    problems = LayerParams(**changes).problems(D("0.07"))
    assert [name for name, _ in problems] == [field]
    assert any(word in problems[0][1] for word in ("Lower", "lower", "Raise", "Set", "Ask"))


@pytest.mark.parametrize(
    "changes",
    [
        {"layer_count": MAX_LAYERS, "max_spacing_bps": 25.0},
        {"max_spacing_bps": 1.2},
        {"size_decay": D(1)},
        {"max_order_size_base": D("0.07")},
        {"max_order_size_base": D("0.06"), "size_by": SizeBy.NOTIONAL, "layer_notional_quote": D(50)},
        {"adding_cut_frac": 1.0},
        {"shrink_from_bps": 0.0, "shrink_until_bps": 3.0, "shrink_to_frac": 1.0},
    ],
)
def test_the_edge_of_a_rule_is_allowed(changes: dict[str, Any]) -> None:
    """Equality where the rule says at most."""
    assert LayerParams(**changes).problems(D("0.07")) == []


# ---- distances


def test_the_last_of_eighteen_layers_stands_at_79_29() -> None:
    """Seed 002's numbers: 1.2, 2.4, 3.78 and so on to 79.29."""
    distances = [1.2 + bps for bps in geometry(SEED_002).behind_bps]
    assert [round(bps, 3) for bps in distances[:4]] == [1.2, 2.4, 3.78, 5.367]
    assert (len(distances), round(distances[-1], 2)) == (18, 79.29)


def test_the_largest_gap_of_the_seed_is_11_2_and_not_near_its_cap() -> None:
    """T22: the seed says that its last layers are near the cap of 25; the largest gap is 11.23."""
    gaps = spacings_bps(SEED_002)
    assert (len(gaps), round(max(gaps), 2)) == (17, 11.23)
    assert gaps == spacings_bps(replace(SEED_002, max_spacing_bps=None))


def test_a_cap_that_is_reached_ends_the_growth() -> None:
    """1.2, 1.38, 1.587, then 1.6 for the rest."""
    gaps = spacings_bps(replace(SEED_002, layer_count=7, max_spacing_bps=1.6))
    assert [round(gap, 4) for gap in gaps] == [1.2, 1.38, 1.587, 1.6, 1.6, 1.6]


def test_a_ratio_alone_makes_each_gap_the_first_times_a_power() -> None:
    """Seed 004: gap n is the first x 1.20^n."""
    gaps = spacings_bps(SEED_004)
    assert gaps == tuple(2.0 * 1.2**n for n in range(23))
    assert geometry(SEED_004).behind_bps[3] == pytest.approx(2.0 + 2.4 + 2.88, abs=1e-12)


# ---- sizes


def test_uniform_layers_are_all_equal() -> None:
    """36 orders of 0.007; a side of 18 has 0.126."""
    found = sized(SEED_002, "0.007")
    assert found.sizes_base == (D("0.007"),) * 18
    assert (found.total_base, found.asked_base) == (D("0.126"), D("0.126"))
    assert (found.layers, found.valid, found.asked) == (tuple(range(18)), 18, 18)


def test_rounding_of_valid_layers_is_not_gathered_anywhere() -> None:
    """Sizes that all suffice stay equal after step rounding, merging or not."""
    for small in SmallLayers:
        found = sized(replace(SEED_002, small_layers=small), "0.0075")
        assert found.sizes_base == (D("0.007"),) * 18


def test_eight_of_the_seeds_24_layers_are_valid() -> None:
    """T27: 0.009 x 0.9^n in steps of 0.001 with 10 of least notional at 3,000: the ninth is worth 9."""
    found = sized(SEED_004, "0.009")
    assert (found.valid, found.asked) == (8, 24)
    assert found.lots == (9, 8, 7, 6, 5, 5, 4, 4)
    assert found.layers == tuple(range(8))


def test_merging_keeps_the_total_to_a_step() -> None:
    """The layers behind the eighth stand as few orders, each at the nearest of those put together."""
    found = sized(replace(SEED_004, small_layers=SmallLayers.MERGE), "0.009")
    assert (found.valid, found.asked) == (8, 24)
    assert found.lots[:8] == (9, 8, 7, 6, 5, 5, 4, 4)
    assert found.layers[8:] == (8, 9, 11, 13, 15, 18)
    assert found.total_base == round_size_down(found.asked_base, D("0.001")) == D("0.082")
    distances = [6.0 + bps for bps in geometry(SEED_004).behind_bps]
    for layer, size in zip(found.layers, found.sizes_base, strict=True):
        assert float(size) * 3_000.0 * (1 - distances[layer] / 1e4) >= 10.0


def test_layers_that_are_all_too_small_merge_from_the_first_on() -> None:
    """Four of 2 lots where 4 are the least: two orders, the first where the first layer stands."""
    params = replace(SEED_002, layer_count=5, small_layers=SmallLayers.MERGE)
    found = sized(params, "0.002")
    assert (found.layers, found.lots, found.valid) == ((0, 2), (4, 6), 0)
    assert sized(replace(params, small_layers=SmallLayers.DROP), "0.002").layers == ()


def test_layers_that_together_are_too_small_are_left_out() -> None:
    """Nothing is invented: three lots in all where four are the least."""
    found = sized(replace(SEED_002, layer_count=3, small_layers=SmallLayers.MERGE), "0.001")
    assert (found.layers, found.lots, found.valid, found.asked) == ((), (), 0, 3)
    assert found.total_base == 0


def test_the_least_notional_is_taken_at_the_layers_own_bid_price() -> None:
    """10 at a mark of 100 and 6 bps below it is 9.994: one lot more is needed."""
    params = LayerParams()
    assert sized(params, "0.100", mark=100.0, nearest_bps=0.0).valid == 1
    assert sized(params, "0.100", mark=100.0).valid == 0
    assert sized(params, "0.101", mark=100.0).valid == 1


def test_the_least_size_is_met_in_whole_steps() -> None:
    """A least size that is no multiple of the step asks for the next one."""
    assert sized(LayerParams(), "0.0050", min_size=D("0.0045")).lots == (5,)
    assert sized(LayerParams(), "0.0049", min_size=D("0.0045")).lots == ()


def test_a_largest_order_cuts_layers_and_merged_ones() -> None:
    """The venue's maximum and our own, whichever is less; what merging cannot place spreads to the layers before."""
    assert sized(replace(SEED_002, layer_count=2), "0.009", max_size=D("0.0065")).lots == (6, 6)
    capped = replace(SEED_002, layer_count=2, max_order_size_base=D("0.005"))
    assert sized(capped, "0.009", max_size=D(1)).lots == (5, 5)
    merging = replace(SEED_002, layer_count=5, small_layers=SmallLayers.MERGE, max_order_size_base=D("0.005"))
    assert (sized(merging, "0.002").layers, sized(merging, "0.002").lots) == ((0, 2), (5, 5))


def test_a_maximum_under_the_minimum_leaves_nothing() -> None:
    """No order can be both."""
    for small in SmallLayers:
        assert sized(replace(SEED_002, small_layers=small), "0.007", max_size=D("0.003")).layers == ()


def test_a_layer_without_a_price_is_left_out() -> None:
    """A bid 100 % below the mark does not exist."""
    found = sizes_base(LayerParams(), [D(1)] * 3, [6.0, 9_000.0, 10_000.0], D("0.1"), 3_000.0, ETH_RULES)
    assert (found.layers, found.valid, found.asked) == ((0, 1), 2, 3)


def test_fifty_dollars_at_two_thousand_are_0_025() -> None:
    """F8."""
    params = LayerParams(size_by=SizeBy.NOTIONAL, layer_notional_quote=D(50))
    assert first_size_base(params, D(9), D(2_000)) == D("0.025")


def test_sizes_follow_the_equity() -> None:
    """F9: twice the equity, twice the sizes; unknown, empty or negative equity gives none."""
    params = LayerParams(layer_count=3, size_by=SizeBy.EQUITY, layer_equity_frac=D("0.02"))
    once, twice = (first_size_base(params, D(9), D(3_000), D(equity)) for equity in (1_500, 3_000))
    assert (once, twice) == (D("0.01"), D("0.02"))
    assert sized(params, str(twice)).lots == tuple(2 * lots for lots in sized(params, str(once)).lots)
    for equity in (None, D(0), D(-5), D("NaN")):
        assert first_size_base(params, D(9), D(3_000), equity) is None


def test_a_size_that_was_not_given_is_none() -> None:
    """Parameters that their own check refuses make no size."""
    for size_by in (SizeBy.NOTIONAL, SizeBy.EQUITY):
        assert first_size_base(LayerParams(size_by=size_by), D(9), D(3_000), D(1_000)) is None


@pytest.mark.parametrize(
    ("volatility_bps", "frac"),
    [(0.0, 1.0), (2.0, 1.0), (3.0, 0.85), (4.0, 0.7), (6.0, 0.4), (60.0, 0.4), (None, 0.4), (float("nan"), 0.4)],
)
def test_sizes_shrink_linearly_with_volatility(volatility_bps: float | None, frac: float) -> None:
    """Whole up to 2 bps, 0.4 from 6 on; while it is not known, the least."""
    params = LayerParams(shrink_from_bps=2.0, shrink_until_bps=6.0, shrink_to_frac=0.4)
    assert shrunk_frac(params, volatility_bps) == pytest.approx(frac)


def test_shrinking_stops_at_the_venues_minimum() -> None:
    """F17: 9, 8, 7, 6 lots at a tenth are 4 each, the least; a layer that was too small before stays so."""
    found = sized(replace(SEED_004, layer_count=10), "0.009", frac=0.1)
    assert found.lots == (4,) * 8
    assert sized(replace(SEED_004, layer_count=4), "0.009", frac=0.7).lots == (6, 5, 5, 4)


# ---- how many layers


@pytest.mark.parametrize(
    ("inventory", "kept"),
    [(0.0, 18), (0.05, 17), (0.25, 15), (-0.25, 15), (0.5, 12), (1.0, 7), (-1.0, 7), (3.0, 7)],
)
def test_the_adding_side_gives_up_layers_with_inventory(inventory: float, kept: int) -> None:
    """F6: floor(18 x (1 - 0.6 r)); long half of the limit leaves 12."""
    assert adding_layers(18, inventory, 0.6) == kept


def test_one_layer_is_always_left_and_none_is_made() -> None:
    """At the limit too; and off means all, whatever the inventory."""
    assert (adding_layers(1, 1.0, 0.6), adding_layers(2, 1.0, 1.0), adding_layers(0, 0.5, 0.6)) == (1, 1, 0)
    assert adding_layers(18, 1.0, 0.0) == 18
    assert adding_layers(10, 0.5, 0.6) == 7, "10 x 0.7 is 7, whatever floats make of it"


def test_an_inventory_that_is_no_number_is_refused() -> None:
    """It never becomes a number of layers."""
    for inventory in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="inventory_frac"):
            adding_layers(18, inventory, 0.6)

