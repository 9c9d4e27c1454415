"""The book fed by level changes: both twins, cases by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.kernels import _levels_py, levels
from hummingbot_extensions.kernels.levels import LevelBook

if levels.IS_COMPILED:
    from hummingbot_extensions.kernels import _levels

needs_compiled = pytest.mark.skipif(
    not levels.IS_COMPILED, reason="kernels._levels is not built (setup.py build_ext --inplace) or HBX_PURE_PYTHON=1"
)
PRICE = st.one_of(st.integers(-9, 9), st.sampled_from([-(2**60) + 1, 2**60 - 1]))
CHANGE = st.tuples(st.sampled_from([1, -1]), PRICE, st.integers(0, 3))


def columns(changes: list[tuple[int, int, int]]) -> list[np.ndarray]:
    table = np.array(changes, np.int64).reshape(-1, 3)
    return [np.ascontiguousarray(table[:, column]) for column in range(3)]


@needs_compiled
@given(st.lists(st.lists(CHANGE, max_size=80), max_size=4), st.integers(0, 8))
def test_twins_are_equal(batches: list[list[tuple[int, int, int]]], room: int) -> None:
    """Same levels, same counts, and nothing written beyond them, after every batch."""
    twins = _levels_py.Levels(), _levels.Levels()
    for batch in batches:
        seen = []
        for twin in twins:
            twin.apply(*columns(batch))
            for sign in (1, -1):
                ticks, lots = np.full(room, 7, np.int64), np.full(room, 7, np.int64)
                seen.append((twin.count(sign), twin.top(sign, ticks, lots), ticks.tobytes(), lots.tobytes()))
        assert seen[:2] == seen[2:]


@given(st.lists(CHANGE, max_size=80))
def test_the_last_word_on_a_price_counts(changes: list[tuple[int, int, int]]) -> None:
    """The book is a map from side and price to the lots last stated, without zeros, sorted best first."""
    book = LevelBook()
    book.apply(*columns(changes))
    held = {(sign, price): lots for sign, price, lots in changes}
    for sign in (1, -1):
        expected = sorted(((p, q) for (s, p), q in held.items() if s == sign and q), reverse=sign > 0)
        assert book.top(sign, 200) == expected and book.count(sign) == len(expected)
        assert book.top(sign, 2) == expected[:2]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (([0], [1], [1]), ValueError),
        (([1], [1], [-1]), ValueError),
        (([1], [2**60], [1]), ValueError),
        (([1], [1], []), ValueError),
        (([1], [0.5], [1]), TypeError),
    ],
)
def test_bad_changes_never_reach_the_unchecked_loop(changes, error) -> None:
    """Signs, sizes, prices, lengths and types are refused before anything is changed."""
    book = LevelBook()
    book.apply([1], [5], [6])
    with pytest.raises(error):
        book.apply(*changes)
    assert book.top(1, 9) == [(5, 6)]


def test_bad_questions_are_refused() -> None:
    """There are two sides and no negative depth."""
    with pytest.raises(ValueError, match="sign"):
        LevelBook().count(0)
    with pytest.raises(ValueError, match="depth"):
        LevelBook().top(1, -1)
