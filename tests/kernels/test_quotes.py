"""Layer kernels: cases by hand, brute force on all small assignments, both twins equal, the compiled one in use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.rounding import round_passive
from hummingbot_extensions.kernels import _quotes_py, quotes

if quotes.IS_COMPILED:
    from hummingbot_extensions.kernels import _quotes

TWINS = [_quotes_py, _quotes] if quotes.IS_COMPILED else [_quotes_py]
needs_compiled = pytest.mark.skipif(
    not quotes.IS_COMPILED, reason="kernels._quotes is not built (setup.py build_ext --inplace) or HBX_PURE_PYTHON=1"
)
FLOATS = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(2**60), 2**60)
INTS = st.integers(-9, 9) | st.integers(-(2**70), 2**70)
SIGNS = st.sampled_from([1, -1])


def outcome(call: Callable[..., object], *arguments: object) -> object:
    """What the call gives, to the bit and the type, or what it raises."""
    try:
        return repr(call(*arguments))
    except (ValueError, TypeError) as error:
        return type(error), str(error)


def test_compiled_twin_is_loaded_where_it_is_required() -> None:
    """With HBX_REQUIRE_COMPILED=1 a silent fall back to the pure twin is a failure."""
    if os.environ.get("HBX_REQUIRE_COMPILED") == "1":
        assert quotes.IS_COMPILED, "HBX_REQUIRE_COMPILED=1, but the pure twin was loaded"
    else:
        assert quotes._impl is (_quotes if quotes.IS_COMPILED else _quotes_py)


def test_pure_twin_can_be_forced() -> None:
    """HBX_PURE_PYTHON=1 gives the twin whether or not the extension is built, with the same answer."""
    code = "from hummingbot_extensions.kernels import quotes; print(quotes.IS_COMPILED, quotes.room_prefix([5, 4], 8))"
    environment = {**os.environ, "HBX_PURE_PYTHON": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("False 1", 0)


# ---- ladders


@given(
    st.floats(0.01, 1e6), st.sampled_from([0.01, 0.1, 0.5, 1.0, 1e-5]), SIGNS,
    st.tuples(*[st.floats(-50.0, 200.0)] * 4), st.none() | st.floats(0.0, 100.0),
    st.lists(st.floats(0.0, 80.0), max_size=20).map(sorted), st.data(),
)
def test_a_side_of_layers_is_the_same_in_both_twins(mark, tick, sign, stand, most, offsets, data) -> None:
    """To the bit, errors included."""
    lots = data.draw(st.lists(st.integers(0, 50), min_size=len(offsets), max_size=len(offsets)))
    at = int(mark / tick)
    bound = data.draw(st.none() | st.integers(max(0, at - 5000), at + 5000))
    rest = (data.draw(st.none() | st.integers(1, 60)), data.draw(st.integers(0, 9)), data.draw(st.integers(0, 10**6)))
    found = [outcome(twin.side_ladder, mark, tick, sign, stand, most, offsets, lots, bound, *rest) for twin in TWINS]
    assert found[0] == found[-1]


@given(SIGNS, st.floats(2.0, 9.0), st.floats(0.0, 3.0), st.integers(9_000, 11_000), st.integers(1, 12))
def test_a_side_of_layers_never_crosses_nor_leaves_the_band(sign, distance, spacing, bound, count) -> None:
    """No tick beyond the bound, none farther than 9.5 bps, near and far around every tick, each tick once."""
    stand = (distance, distance - 2.0, min(distance + 3.0, 9.5), distance - 2.0)
    offsets = [spacing * layer for layer in range(count)]
    ticks, lots, layers, near, far, _ = quotes.side_ladder(100.0, 0.01, sign, stand, 9.5, offsets, [5] * count, bound)
    (last,) = quotes.price_ticks(100.0, 0.01, sign, [9.5], False)
    assert all((bound - at) * sign >= 0 and (at - last) * sign >= 0 for at in ticks)
    assert len(set(ticks)) == len(ticks) == len(lots) == len(layers) == len(near) == len(far)
    assert all((at - most) * sign >= 0 for at, most in zip(ticks, far, strict=True))


@pytest.mark.parametrize(
    ("sign", "distances", "bound", "expected"),
    [
        (1, [], None, ([], [], [])),
        (1, [6.05, 8.0], None, ([9993, 9992], [1, 2], [0, 1])),
        (-1, [6.05, 8.0], None, ([10007, 10008], [1, 2], [0, 1])),
        (1, [6.05, 8.0], 10_000, ([9993, 9992], [1, 2], [0, 1])),
        (1, [6.0, 8.0], 9990, ([9990], [3], [0])),
        (-1, [6.0, 8.0], 10_007, ([10_007, 10_008], [1, 2], [0, 1])),
        (-1, [-3.0, -1.0, 2.0, 2.5, 3.5], 10_002, ([10_002, 10_003, 10_004], [6, 4, 5], [0, 3, 4])),
        (1, [-3.0, -1.0, 2.0, 2.5, 3.5], 9_998, ([9_998, 9_997, 9_996], [6, 4, 5], [0, 3, 4])),
        (1, [6.2, 6.4, 6.6], None, ([9993], [6], [0])),
    ],
)
def test_layers_are_rounded_away_held_at_the_bound_and_merged(sign, distances, bound, expected) -> None:
    """Bids go down, asks up; layers that would cross, or share a tick, are one order with the lots of all (T33)."""
    lots = [1, 2, 3, 4, 5][: len(distances)]
    for twin in TWINS:
        assert twin.ladder_ticks(100.0, 0.01, sign, distances, lots, bound, 1, None) == expected


def test_layers_through_the_anchor_are_merged_not_stacked() -> None:
    """The four reducing layers that T33's skew pushes to or through the mid at r = 1 are one ask at the touch."""
    shifted = [bps - 6.0 for bps in (1.2, 2.4, 3.78, 5.367, 7.192)]
    for twin in TWINS:
        assert twin.ladder_ticks(10_000.0, 0.01, -1, shifted, [7] * 5, 1_000_001, 1, None) == (
            [1_000_001, 1_000_120],
            [28, 7],
            [0, 4],
        )


def test_merged_layers_keep_to_the_largest_order() -> None:
    """What a merged order may not take is left out, and a single layer above it is cut."""
    for twin in TWINS:
        assert twin.ladder_ticks(100.0, 0.01, 1, [0.0, 0.5, 5.0], [5, 4, 9], 9_990, 1, 8) == ([9_990], [8], [0])
        assert twin.ladder_ticks(100.0, 0.01, 1, [0.0, 5.0], [9, 8], None, 1, 8)[1] == [8, 8]


def test_bids_without_a_price_are_left_out() -> None:
    """A bid below the lowest tick is dropped, never raised to it."""
    for twin in TWINS:
        found = twin.ladder_ticks(0.05, 0.01, 1, [0.0, 2_000.0, 8_000.0, 9_000.0, 11_000.0], [1] * 5, None, 1, None)
        assert found == ([5, 4, 1], [1, 1, 1], [0, 1, 2])


def test_a_price_that_went_through_floats_stays_on_its_tick() -> None:
    """Joining the best bid by its distance gives that bid and not the tick behind it."""
    mark, price = 100_000.0, 99_940.01
    away_bps = (1.0 - price / mark) * 1e4
    for twin in TWINS:
        assert twin.price_ticks(mark, 0.01, 1, [away_bps], True) == [9_994_001]
        assert twin.price_ticks(mark, 0.01, -1, [-away_bps], True) == [9_994_001]


def test_price_ticks_enclose_what_is_allowed() -> None:
    """Passive ticks are at least so far away, the others at most so far."""
    for twin in TWINS:
        assert twin.price_ticks(100.0, 0.01, 1, [7.55, 7.0], True) == [9992, 9993]
        assert twin.price_ticks(100.0, 0.01, 1, [7.55, 7.0], False) == [9993, 9993]
        assert twin.price_ticks(100.0, 0.01, -1, [7.55, 7.0], True) == [10_008, 10_007]
        assert twin.price_ticks(100.0, 0.01, -1, [7.55, 7.0], False) == [10_007, 10_007]


BAD_LADDERS = [
    (100.0, 0.01, 1, [1.0], [], None, 1, None),
    (100.0, 0.01, 1, [1.0, 0.5], [1, 1], None, 1, None),
    (100.0, 0.01, 1, [1.0, float("nan")], [1, 1], None, 1, None),
    (100.0, 0.01, 1, [float("inf")], [1], None, 1, None),
    (float("nan"), 0.01, 1, [1.0], [1], None, 1, None),
    (0.0, 0.01, 1, [1.0], [1], None, 1, None),
    (float("inf"), 0.01, 1, [1.0], [1], None, 1, None),
    (100.0, 0.0, 1, [1.0], [1], None, 1, None),
    (100.0, float("nan"), 1, [1.0], [1], None, 1, None),
    (100.0, 0.01, 0, [1.0], [1], None, 1, None),
    (100.0, 0.01, 1, [1.0], [0], None, 1, None),
    (100.0, 0.01, 1, [1.0], [2**53], None, 1, None),
    (100.0, 0.01, 1, [1.0], [1], 2**53, 1, None),
    (100.0, 0.01, 1, [1.0], [1], None, 2**64, None),
    (100.0, 0.01, 1, [1.0], [1], None, 1, 0),
    (1e300, 0.01, 1, [1.0], [1], None, 1, None),
    (100.0, 0.01, 1, [float(n) for n in range(257)], [1] * 257, None, 1, None),
]


@pytest.mark.parametrize("arguments", BAD_LADDERS)
def test_bad_ladders_are_refused_by_both(arguments) -> None:
    """What cannot be is a ValueError before any loop runs on it."""
    for twin in TWINS:
        with pytest.raises(ValueError):
            twin.ladder_ticks(*arguments)


def test_numbers_of_another_type_are_refused() -> None:
    """A size in base units given for lots does not pass as an integer."""
    for twin in TWINS:
        with pytest.raises(TypeError):
            twin.ladder_ticks(100.0, 0.01, 1, [1.0], [0.5], None, 1, None)
        with pytest.raises(TypeError):
            twin.room_prefix([Decimal(1)], 1)


@given(
    mark=st.decimals("0.01", "200000", places=4, allow_nan=False),
    tick=st.sampled_from([Decimal(tick) for tick in ("0.0001", "0.01", "0.05", "0.1", "0.25", "1", "5", "0.003")]),
    sign=SIGNS,
    bps=st.floats(-500, 5_000),
)
def test_bids_go_down_and_asks_up_on_every_tick_size(mark, tick, sign, bps) -> None:
    """The exact decimal rounding, but for prices within a millionth of a tick of the lattice, which are on it (E15)."""
    price = Decimal(repr(float(mark) * (1.0 - sign * bps / 1e4)))
    steps = price / tick
    off = abs(steps - steps.to_integral_value())
    (found,) = quotes.price_ticks(float(mark), float(tick), sign, [bps])
    if off < Decimal("0.9e-6"):
        assert found == steps.to_integral_value()
    elif off > Decimal("1.1e-6"):
        assert found * tick == round_passive(price, tick, is_bid=sign > 0)
        assert (steps - found) * sign > 0


@given(
    sign=SIGNS,
    distances=st.lists(st.floats(-50, 300), max_size=30).map(sorted),
    bound=st.none() | st.integers(9_000, 11_000),
    data=st.data(),
)
def test_a_ladder_neither_takes_nor_stacks_nor_loses(sign, distances, bound, data) -> None:
    """Every tick once and farther than the one before, none beyond the bound, all lots there, layers in order."""
    lots = data.draw(st.lists(st.integers(1, 99), min_size=len(distances), max_size=len(distances)))
    ticks, sizes, layers = quotes.ladder_ticks(100.0, 0.01, sign, distances, lots, bound)
    assert all(sign * (one - other) > 0 for one, other in zip(ticks, ticks[1:], strict=False))
    assert bound is None or all(sign * (tick - bound) <= 0 for tick in ticks)
    assert sum(sizes) == sum(lots)
    assert layers == sorted(set(layers))
    plain = quotes.price_ticks(100.0, 0.01, sign, distances)
    for tick, layer in zip(ticks, layers, strict=True):
        assert tick == (plain[layer] if bound is None else sign * min(sign * plain[layer], sign * bound))


# ---- matching


def best(sign, orders, wanted) -> tuple[int, int, int]:
    """(kept, total difference, sum of indices) of the best assignment, by trying all of them."""
    found = (0, 0, 0)
    slots = [*range(len(wanted)), *[-1] * len(orders)]
    for chosen in set(permutations(slots, len(orders))):
        kept = [(order, quote) for order, quote in enumerate(chosen) if quote >= 0]
        if all(serves(sign, orders[order], wanted[quote]) for order, quote in kept):
            found = max(found, score(orders, wanted, kept))
    return found


def serves(sign, order, quote) -> bool:
    (price, lots), (_, near, far, least, most) = order, quote
    return sign * far <= sign * price <= sign * near and least <= lots <= most


def score(orders, wanted, kept) -> tuple[int, int, int]:
    """Larger is better: most orders, then least difference, then least indices."""
    difference = sum(abs(orders[order][0] - wanted[quote][0]) for order, quote in kept)
    return len(kept), -difference, -sum(order + quote for order, quote in kept)


def matched(twin, sign, orders, wanted) -> list[int]:
    columns = [[quote[at] for quote in wanted] for at in range(5)]
    return twin.match(sign, [tick for tick, _ in orders], [lots for _, lots in orders], *columns)


def quote_at(tick: int, near: int, far: int, least: int = 5, most: int = 9) -> tuple[int, int, int, int, int]:
    return tick, near, far, least, most


@pytest.mark.parametrize(
    ("sign", "orders", "wanted", "expected"),
    [
        (1, [], [], []),
        (1, [(99, 9)], [], [-1]),
        (1, [], [quote_at(99, 100, 98)], []),
        # T19: one order does not serve two quotes, two duplicates are not both kept; the one named first is.
        (1, [(99, 9)], [quote_at(99, 100, 97), quote_at(98, 99, 96)], [0]),
        (1, [(99, 9), (99, 9)], [quote_at(99, 100, 97)], [0, -1]),
        # The edges of the price range and of the size range belong to them, a step beyond does not.
        (1, [(100, 9)], [quote_at(99, 100, 97)], [0]),
        (1, [(101, 9)], [quote_at(99, 100, 97)], [-1]),
        (1, [(97, 5)], [quote_at(99, 100, 97)], [0]),
        (1, [(96, 5)], [quote_at(99, 100, 97)], [-1]),
        (1, [(99, 4)], [quote_at(99, 100, 97)], [-1]),
        (1, [(99, 10)], [quote_at(99, 100, 97)], [-1]),
        (-1, [(100, 9), (103, 5), (104, 5)], [quote_at(102, 101, 103)], [-1, 0, -1]),
        (-1, [(100, 9), (101, 5), (104, 5)], [quote_at(102, 101, 103)], [-1, 0, -1]),
        # A range that rounding has turned inside out holds nothing.
        (1, [(99, 9), (100, 9)], [quote_at(99, 99, 100)], [-1, -1]),
        # More kept comes before nearer: order 0 leaves the quote it stands on to order 1, which fits no other.
        (1, [(99, 9), (98, 9)], [quote_at(99, 100, 98), quote_at(96, 99, 95)], [0, 1]),
        (1, [(99, 9), (100, 9)], [quote_at(99, 100, 98), quote_at(96, 99, 95)], [1, 0]),
        # Sizes may make the best assignment cross.
        (1, [(10, 5), (9, 9)], [(10, 12, 7, 9, 9), (9, 12, 7, 5, 5)], [1, 0]),
        # Between two quotes equally far the nearest layer is served.
        (1, [(98, 9)], [quote_at(99, 100, 95), quote_at(97, 100, 95)], [0]),
        # A later, better order takes the place of an earlier one.
        (1, [(96, 9), (99, 9)], [quote_at(99, 100, 95)], [-1, 0]),
    ],
)
def test_orders_are_matched_one_to_one(sign, orders, wanted, expected) -> None:
    """Most orders kept, then least difference, then the first layers and orders."""
    for twin in TWINS:
        assert matched(twin, sign, orders, wanted) == expected


def test_a_moved_market_keeps_what_it_can() -> None:
    """Eighteen layers, the market a gap away: all but the layer that came too near serve the neighbour's quote."""
    wanted = [quote_at(tick, tick + 60, tick - 60) for tick in range(10_000, 8_200, -100)]
    orders = [(tick + 100 - 5, 9) for tick, *_ in wanted]
    for twin in TWINS:
        assert matched(twin, 1, orders, wanted) == [-1, *range(17)]


@pytest.mark.parametrize("sign", [1, -1])
def test_match_refuses_unequal_lengths_and_other_signs(sign) -> None:
    """Rows that do not belong together are refused."""
    row = [1]
    for twin in TWINS:
        for missing in range(7):
            columns = [[] if at == missing else row for at in range(7)]
            with pytest.raises(ValueError):
                twin.match(sign, *columns)
        with pytest.raises(ValueError):
            twin.match(2, *[row] * 7)
        with pytest.raises(ValueError):
            twin.match(sign, [2**53], *[row] * 6)


TICKS, LOTS = st.integers(-6, 6), st.integers(1, 4)
ORDERS = st.lists(st.tuples(TICKS, LOTS), max_size=4)
WANTED = st.lists(st.tuples(TICKS, TICKS, TICKS, LOTS, LOTS), max_size=4)


@given(sign=SIGNS, orders=ORDERS, wanted=WANTED)
def test_brute_force_agrees(sign, orders, wanted) -> None:
    """The assignment is one, allowed, and as good as the best of all (G4)."""
    found = matched(quotes, sign, orders, wanted)
    kept = [(order, quote) for order, quote in enumerate(found) if quote >= 0]
    assert len({quote for _, quote in kept}) == len(kept)
    assert all(serves(sign, orders[order], wanted[quote]) for order, quote in kept)
    assert score(orders, wanted, kept) == best(sign, orders, wanted)


def test_brute_force_agrees_on_every_tiny_case() -> None:
    """Three orders and two quotes: every pattern of prices and of which order may serve which quote."""
    for prices in product(range(3), repeat=3):
        for lots in product((1, 2), repeat=3):
            for ranges in product([(1, 1), (2, 2), (1, 2)], repeat=2):
                for ends in product([(2, 0), (2, 1), (1, 0)], repeat=2):
                    orders = list(zip(prices, lots, strict=True))
                    wanted = [(1 + at, *ends[at], *ranges[at]) for at in range(2)]
                    kept = [pair for pair in enumerate(matched(quotes, 1, orders, wanted)) if pair[1] >= 0]
                    assert score(orders, wanted, kept) == best(1, orders, wanted), (orders, wanted)


# ---- room


@pytest.mark.parametrize(
    ("lots", "cap", "expected"),
    [([], 0, 0), ([5], 5, 1), ([5], 4, 0), ([5, 4, 3], 11, 2), ([5, 4, 3], 12, 3), ([5, 9, 1], 7, 1), ([5], -3, 0)],
)
def test_room_prefix_stops_at_the_first_layer_that_does_not_fit(lots, cap, expected) -> None:
    """A smaller layer behind one that does not fit is not shown either: the deepest go first."""
    for twin in TWINS:
        assert twin.room_prefix(lots, cap) == expected


# ---- both twins


@needs_compiled
@given(
    mark=FLOATS | st.floats(0.01, 1e6),
    tick=FLOATS | st.sampled_from([0.01, 0.5, 1, 1e-8]),
    sign=st.sampled_from([1, -1, 0, 3]),
    distances=st.lists(st.floats(-20, 300) | FLOATS, max_size=8)
    | st.lists(st.floats(-20, 300), max_size=40).map(sorted),
    bound=st.none() | st.integers(0, 10**7) | INTS,
    min_tick=st.integers(0, 3) | INTS,
    max_lots=st.none() | st.integers(-1, 50),
    data=st.data(),
)
def test_ladder_twins_are_equal(mark, tick, sign, distances, bound, min_tick, max_lots, data) -> None:
    """Same ladder to the bit, same error with the same words, over sane and absurd input."""
    size = st.integers(1, 40) if data.draw(st.booleans()) else INTS
    lots = data.draw(st.lists(size, min_size=len(distances), max_size=len(distances) + (not distances)))
    arguments = (mark, tick, sign, distances, lots, bound, min_tick, max_lots)
    assert outcome(_quotes_py.ladder_ticks, *arguments) == outcome(_quotes.ladder_ticks, *arguments)
    for is_passive in (True, False):
        arguments = (mark, tick, sign, distances, is_passive)
        assert outcome(_quotes_py.price_ticks, *arguments) == outcome(_quotes.price_ticks, *arguments)


@needs_compiled
@given(
    sign=st.sampled_from([1, -1, 0]),
    ticks=st.sampled_from([TICKS, st.integers(-(2**53), 2**53), INTS, st.integers(9_000, 9_400)]),
    data=st.data(),
)
def test_match_twins_are_equal(sign, ticks, data) -> None:
    """Same assignment, ties and crowds included, and the same errors."""
    lots = st.integers(1, 5)
    orders = data.draw(st.lists(st.tuples(ticks, lots), max_size=14))
    wanted = data.draw(st.lists(st.tuples(ticks, ticks, ticks, lots, lots), max_size=14))
    if data.draw(st.booleans()):
        wanted = [
            (tick, max(a, b) if sign > 0 else min(a, b), min(a, b) if sign > 0 else max(a, b), 1, 5)
            for tick, a, b, _, _ in wanted
        ]
    pure, compiled = (outcome(matched, twin, sign, orders, wanted) for twin in (_quotes_py, _quotes))
    assert pure == compiled


@needs_compiled
@given(
    lots=st.lists(st.integers(1, 9) | INTS, max_size=9) | st.lists(st.integers(1, 2**52), max_size=300),
    cap=st.integers(-1, 60) | st.integers(0, 2**53) | INTS,
)
def test_room_twins_are_equal(lots, cap) -> None:
    """Same count and the same errors, near the largest sums too."""
    assert outcome(_quotes_py.room_prefix, lots, cap) == outcome(_quotes.room_prefix, lots, cap)
