"""Ladder kernels: both twins against worked cases and, bit for bit, against each other."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.kernels import _ladder_py, ladder
from hummingbot_extensions.sim.display import displayed


def compiled() -> ModuleType:
    """The compiled twin; the calling test is skipped where it was not built."""
    try:
        return importlib.import_module(ladder.COMPILED)
    except ModuleNotFoundError as error:
        if error.name != ladder.COMPILED:
            raise
        pytest.skip("the kernel is not compiled: python setup.py build_ext --inplace")


def int64(values: list[int]) -> Any:
    return np.array(values, np.int64)


@pytest.fixture(params=["pure", "compiled"])
def twin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checked entry with either twin behind it."""
    monkeypatch.setattr(ladder, "_impl", _ladder_py if request.param == "pure" else compiled())


def test_compiled_twin_is_the_one_in_use() -> None:
    """Where a compiled kernel is required, the entry has it behind it, and so have the emulator's depth frames."""
    if os.environ.get("HBX_REQUIRE_COMPILED") != "1":
        pytest.skip("set HBX_REQUIRE_COMPILED=1 to require the compiled kernel")
    assert ladder.IS_COMPILED, "no compiled ladder kernel: python setup.py build_ext --inplace"
    assert ladder._impl.__name__ == ladder.COMPILED and ladder._impl.__file__.endswith((".so", ".pyd"))


def test_depth_frames_go_through_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the emulator shows is what the loaded twin returns."""
    calls = []

    class Counting:
        @staticmethod
        def aggregate_down(*arrays: Any) -> int:
            calls.append(len(arrays))
            return _ladder_py.aggregate_down(*arrays)

    monkeypatch.setattr(ladder, "_impl", Counting)
    assert displayed([(109, 1), (103, 2), (99, 4)], 10, 5) == [(100, 3), (90, 4)] and calls == [5]


@pytest.mark.parametrize("switch", ["1", ""])
def test_pure_python_can_be_forced(switch: str) -> None:
    """HBX_PURE_PYTHON=1 loads the twin even where a compiled kernel exists; otherwise the compiled one wins."""
    if not switch:
        compiled()
    code = "from hummingbot_extensions.kernels import ladder; print(ladder.IS_COMPILED)"
    environment = os.environ | {"HBX_PURE_PYTHON": switch}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(switch != "1")


@pytest.mark.usefixtures("twin")
@pytest.mark.parametrize(
    ("ticks", "lots", "grid", "depth", "expected"),
    [
        ([], [], 10, None, ([], [])),
        ([109, 103, 99], [1, 2, 4], 10, None, ([100, 90], [3, 4])),
        ([101, 109, 110], [1, 2, 4], 10, None, ([100, 110], [3, 4])),
        ([109, 103, 99, 95, 80], [1, 2, 4, 8, 16], 10, 2, ([100, 90], [3, 12])),
        ([109, 103], [1, 2], 10, 0, ([], [])),
        ([-1, -10, -11], [1, 2, 4], 10, None, ([-10, -20], [3, 4])),
        ([7, 5], [1, 2], 1, 9, ([7, 5], [1, 2])),
    ],
)
def test_aggregation_by_hand(
    ticks: list[int], lots: list[int], grid: int, depth: int | None, expected: tuple[list[int], list[int]]
) -> None:
    """Prices truncate down on both sides, below zero too; a cut bucket list keeps complete buckets."""
    assert tuple(part.tolist() for part in ladder.aggregate_down(ticks, lots, grid, depth)) == expected


@pytest.mark.usefixtures("twin")
def test_shown_lots_by_hand() -> None:
    """Lots of each wanted level in the order asked for, -1 where the price is not shown."""
    assert ladder.shown_lots([100, 90], [3, 4], [90, 95, 100, 90]).tolist() == [4, -1, 3, 4]
    assert ladder.shown_lots([], [], [90]).tolist() == [-1]


@pytest.mark.usefixtures("twin")
def test_unchecked_input_never_reaches_the_loops() -> None:
    """Other shapes, lengths, types or limits raise in the entry."""
    with pytest.raises(ValueError, match="1 ticks and 2 lots"):
        ladder.aggregate_down([1], [1, 2], 10)
    with pytest.raises(ValueError, match="1 ticks and 0 lots"):
        ladder.shown_lots([1], [], [1])
    with pytest.raises(ValueError, match="grid"):
        ladder.aggregate_down([1], [1], 0)
    with pytest.raises(ValueError, match="depth"):
        ladder.aggregate_down([1], [1], 10, -1)
    with pytest.raises(ValueError, match="one-dimensional"):
        ladder.aggregate_down([[1]], [[1]], 10)
    with pytest.raises(TypeError, match="integers"):
        ladder.shown_lots([1.5], [1], [1])


sides = st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 10**9)), max_size=40)


@given(sides, st.integers(1, 1_000), st.integers(0, 45), st.booleans())
def test_aggregation_twins_agree(side: list[tuple[int, int]], grid: int, room: int, is_ask: bool) -> None:
    """Same count, same buckets, same sums, and untouched room behind them."""
    other = compiled()
    side = sorted(side, reverse=not is_ask)
    ticks, lots = int64([price for price, _ in side]), int64([size for _, size in side])
    results = []
    for implementation in (_ladder_py, other):
        out_ticks, out_lots = np.full(room, -7, np.int64), np.full(room, -7, np.int64)
        count = implementation.aggregate_down(ticks, lots, grid, out_ticks, out_lots)
        results.append((count, out_ticks.tobytes(), out_lots.tobytes()))
    assert results[0] == results[1]


@given(sides, st.lists(st.integers(-50, 50), max_size=20))
def test_shown_lots_twins_agree(side: list[tuple[int, int]], wanted: list[int]) -> None:
    """Same lots for levels that exist and for those that do not."""
    other = compiled()
    levels = {price % 50: size for price, size in side}
    ticks, lots = int64(list(levels)), int64(list(levels.values()))
    results = []
    for implementation in (_ladder_py, other):
        out = np.full(len(wanted), -7, np.int64)
        implementation.shown_lots(ticks, lots, int64(wanted), out)
        results.append(out.tobytes())
    assert results[0] == results[1]


@given(sides, st.integers(1, 1_000))
def test_aggregation_conserves_lots_and_order(side: list[tuple[int, int]], grid: int) -> None:
    """Without a cut no lot is lost, prices lie on the grid, at most a step below, each once and best first."""
    side = sorted(side, reverse=True)
    ticks, lots = ladder.aggregate_down([p for p, _ in side], [q for _, q in side], grid)
    assert int(lots.sum()) == sum(size for _, size in side)
    assert ticks.tolist() == sorted({price // grid * grid for price, _ in side}, reverse=True)
