"""Ladder kernels: the cases by hand, both twins against each other, and that the compiled one is the one in use."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.kernels import _ladder_py, ladder

if ladder.IS_COMPILED:
    from hummingbot_extensions.kernels import _ladder

needs_compiled = pytest.mark.skipif(
    not ladder.IS_COMPILED, reason="kernels._ladder is not built (setup.py build_ext --inplace) or HBX_PURE_PYTHON=1"
)
INT64 = st.integers(-(2**40), 2**40)


def vector(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


def test_compiled_twin_is_loaded_where_it_is_required() -> None:
    """With HBX_REQUIRE_COMPILED=1 a silent fall back to the pure twin is a failure."""
    if os.environ.get("HBX_REQUIRE_COMPILED") == "1":
        assert ladder.IS_COMPILED, "HBX_REQUIRE_COMPILED=1, but the pure twin was loaded"
    else:
        assert ladder._impl is (_ladder if ladder.IS_COMPILED else _ladder_py)


def test_pure_twin_can_be_forced() -> None:
    """HBX_PURE_PYTHON=1 gives the twin whether or not the extension is built, with the same answer."""
    code = (
        "from hummingbot_extensions.kernels import ladder; "
        "print(ladder.IS_COMPILED, ladder.aggregate_down([109, 103, 99], [1, 2, 4], 10)[1].tolist())"
    )
    environment = {**os.environ, "HBX_PURE_PYTHON": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("False [3, 4]", 0)


@pytest.mark.parametrize(
    ("ticks", "lots", "grid", "depth", "expected"),
    [
        ([], [], 10, None, []),
        ([109, 103, 99], [1, 2, 4], 10, None, [(100, 3), (90, 4)]),
        ([101, 109, 110], [1, 2, 4], 10, None, [(100, 3), (110, 4)]),
        ([109, 103, 99], [1, 2, 4], 1, None, [(109, 1), (103, 2), (99, 4)]),
        ([109, 103, 99, 95], [1, 2, 4, 8], 10, 1, [(100, 3)]),
        ([109], [1], 10, 0, []),
        ([9, -1, -10, -11], [1, 2, 4, 8], 10, None, [(0, 1), (-10, 6), (-20, 8)]),
    ],
)
def test_levels_are_truncated_down_and_merged(ticks, lots, grid, depth, expected) -> None:
    """Both sides go down, buckets are complete even when the depth cuts the side off, below zero down is down too."""
    found = ladder.aggregate_down(ticks, lots, grid, depth)
    assert list(zip(*(side.tolist() for side in found), strict=True)) == expected


def test_missing_levels_are_minus_one() -> None:
    """A level of no lots is told from no level."""
    assert ladder.shown_lots([100, 90, 80], [3, 0, 5], [80, 85, 90]).tolist() == [5, -1, 0]
    assert ladder.shown_lots([], [], [80]).tolist() == [-1]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([1], [1, 2], 10), ValueError),
        (([[1]], [1], 10), ValueError),
        (([1.5], [1], 10), TypeError),
        (([1], [1], 0), ValueError),
        (([1], [1], 10, -1), ValueError),
    ],
)
def test_bad_arrays_never_reach_the_unchecked_loops(arguments, error) -> None:
    """Lengths, shapes, types and the grid are refused by the wrapper."""
    with pytest.raises(error):
        ladder.aggregate_down(*arguments)


def test_shown_lots_refuses_unequal_lengths() -> None:
    """A level without a size is refused."""
    with pytest.raises(ValueError, match="2 ticks and 1 lots"):
        ladder.shown_lots([1, 2], [1], [1])


def test_strided_arrays_are_taken() -> None:
    """A column of a table is not contiguous and still gives the right answer."""
    table = np.array([[109, 1], [103, 2], [99, 4]])
    assert ladder.aggregate_down(table[:, 0], table[:, 1], 10)[1].tolist() == [3, 4]


@needs_compiled
@given(levels=st.lists(st.tuples(INT64, INT64)), grid=st.integers(1, 2**20), room=st.integers(0, 12), up=st.booleans())
def test_aggregate_down_twins_are_equal(levels, grid, room, up) -> None:
    """Same count, same buckets, same untouched rest of the output."""
    levels.sort(reverse=not up)
    ticks, lots = vector([t for t, _ in levels]), vector([q for _, q in levels])
    results = []
    for twin in (_ladder_py, _ladder):
        out_ticks, out_lots = np.full(room, 7, np.int64), np.full(room, 7, np.int64)
        count = twin.aggregate_down(ticks, lots, grid, out_ticks, out_lots)
        results.append((count, out_ticks.tobytes(), out_lots.tobytes()))
    assert results[0] == results[1]


@needs_compiled
@given(levels=st.dictionaries(st.integers(-20, 20), INT64), wanted=st.lists(st.integers(-25, 25)))
def test_shown_lots_twins_are_equal(levels, wanted) -> None:
    """Same answer for prices shown, not shown and asked twice."""
    results = []
    for twin in (_ladder_py, _ladder):
        out = np.full(len(wanted), 7, np.int64)
        twin.shown_lots(vector(list(levels)), vector(list(levels.values())), vector(wanted), out)
        results.append(out.tobytes())
    assert results[0] == results[1]


@given(levels=st.lists(st.tuples(st.integers(0, 500), st.integers(1, 9)), max_size=40), grid=st.integers(1, 50))
def test_no_lot_is_lost(levels, grid) -> None:
    """Buckets hold all lots, lie on the grid, and each is one step or more from the next."""
    levels.sort()
    ticks, lots = ladder.aggregate_down([t for t, _ in levels], [q for _, q in levels], grid)
    assert lots.sum() == sum(q for _, q in levels)
    assert not (ticks % grid).any()
    assert (np.diff(ticks) >= grid).all()
