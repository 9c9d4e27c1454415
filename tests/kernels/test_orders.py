"""Order kernel: cases by hand, the rule it stands for, both twins equal, the compiled one in use."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.kernels import _orders_py, orders

if orders.IS_COMPILED:
    from hummingbot_extensions.kernels import _orders

TWINS = [_orders_py, _orders] if orders.IS_COMPILED else [_orders_py]
needs_compiled = pytest.mark.skipif(
    not orders.IS_COMPILED, reason="kernels._orders is not built (setup.py build_ext --inplace) or HBX_PURE_PYTHON=1"
)
D = Decimal
SIGNS = st.sampled_from([1, -1])
PRICES = st.decimals("0.01", "200000", places=2)
SIZES = st.decimals("0.0001", "99", places=4)
TIMES = st.integers(-5, 5) | st.integers(-(2**70), 2**70)
ABSURD = st.decimals(allow_nan=True, allow_infinity=True) | st.integers(-(2**70), 2**70) | st.floats()


def outcome(call: Callable[..., object], *arguments: object) -> object:
    """What the call gives, to the bit and the type, or what it raises."""
    try:
        return repr(call(*arguments))
    except (ValueError, TypeError, OverflowError) as error:
        return type(error), str(error)


def test_compiled_twin_is_loaded_where_it_is_required() -> None:
    """With HBX_REQUIRE_COMPILED=1 a silent fall back to the pure twin is a failure."""
    if os.environ.get("HBX_REQUIRE_COMPILED") == "1":
        assert orders.IS_COMPILED, "HBX_REQUIRE_COMPILED=1, but the pure twin was loaded"
    else:
        assert orders._impl is (_orders if orders.IS_COMPILED else _orders_py)


@pytest.mark.parametrize("twin", TWINS)
def test_the_nearest_comes_first_and_of_one_price_the_oldest(twin: Any) -> None:
    """Bids from the highest down, asks from the lowest up; the last word has the place in the list."""
    prices, sizes = [D("99.98"), D("99.99"), D("99.98"), D("99.98")], [D(1), D(2), D(3), D(4)]
    assert twin.ranked(1, prices, sizes, [5, 9, 4, 5], 0.01, 0.5) == (
        [1, 2, 0, 3], [9999, 9998, 9998, 9998], [4, 6, 2, 8])
    assert twin.ranked(-1, prices, sizes, [5, 9, 4, 5], 0.01, 0.5) == (
        [2, 0, 3, 1], [9998, 9998, 9998, 9999], [6, 2, 8, 4])
    assert twin.ranked(1, [], [], [], 0.01, 0.5) == ([], [], [])


@pytest.mark.parametrize("twin", TWINS)
def test_an_order_off_the_lattice_counts_as_the_nearest_even_place(twin: Any) -> None:
    assert twin.ranked(1, [D("10.5"), D("9.5"), D("8.51")], [D(1)] * 3, [0] * 3, 1.0, 1.0)[1] == [10, 10, 9]


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, [], [], [], 0.01, 0.1), "sign must be"),
        ((1, [D(1)], [], [1], 0.01, 0.1), "unequal lengths"),
        ((1, [D(1)], [D(1)], [1], 0.0, 0.1), "tick and step"),
        ((1, [D(1)], [D(1)], [1], 0.1, float("nan")), "tick and step"),
        ((1, [D("1e16")], [D(1)], [1], 1.0, 1.0), "prices must lie within"),
        ((1, [D(1)], [D("NaN")], [1], 1.0, 1.0), "sizes must lie within"),
    ],
)
def test_what_cannot_be_is_refused(twin: Any, arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        twin.ranked(*arguments)


@given(sign=SIGNS, rows=st.lists(st.tuples(PRICES, SIZES, TIMES), max_size=20))
def test_ranks_are_those_of_a_sort_by_price_and_time(sign: int, rows: list[tuple[Decimal, Decimal, int]]) -> None:
    """On the lattice ticks and lots are exact."""
    prices, sizes, times = [[row[column] for row in rows] for column in range(3)]
    at, ticks, lots = orders.ranked(sign, prices, sizes, times, 0.01, 0.0001)
    assert at == sorted(range(len(rows)), key=lambda index: (-prices[index] * sign, times[index]))
    assert [D(each) / 100 for each in ticks] == [prices[index] for index in at]
    assert [D(each) / 10_000 for each in lots] == [sizes[index] for index in at]


@needs_compiled
@given(
    sign=st.sampled_from([1, -1, 0]), rows=st.lists(st.tuples(PRICES | ABSURD, SIZES | ABSURD, TIMES), max_size=9),
    extra=st.integers(0, 1), tick=st.sampled_from([0.01, 0.5, 1e-8, 0.0, 3]), step=st.sampled_from([0.0001, 1.0, -1.0]),
)
def test_twins_are_equal(sign, rows, extra, tick, step) -> None:
    """Same ranks to the bit, same error with the same words, over sane and absurd input."""
    prices, sizes, times = [[row[column] for row in rows] for column in range(3)]
    arguments = (sign, prices, sizes, times + [0] * extra, tick, step)
    assert outcome(_orders_py.ranked, *arguments) == outcome(_orders.ranked, *arguments)
