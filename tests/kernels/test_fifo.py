"""The book in price-time priority: both twins against each other, batch against single calls, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hummingbot_extensions.kernels import _fifo_py, fifo

if fifo.IS_COMPILED:
    from hummingbot_extensions.kernels import _fifo

needs_compiled = pytest.mark.skipif(
    not fifo.IS_COMPILED, reason="kernels._fifo is not built (setup.py build_ext --inplace) or HBX_PURE_PYTHON=1"
)
Row = tuple[int, int, int, int, int]
ROW = st.tuples(
    st.sampled_from([fifo.CANCEL, fifo.CANCEL, fifo.GTC, fifo.GTC, fifo.GTC, fifo.IOC, fifo.ALO, fifo.MARKET]),
    st.one_of(st.integers(-12, 12), st.sampled_from([-(2**63), 2**63 - 1])),
    st.sampled_from([1, -1]),
    st.one_of(st.integers(-4, 4), st.sampled_from([-(2**60) + 1, 2**60 - 1])),
    st.one_of(st.integers(1, 9), st.just(2**40 - 1)),
)


def commands(rows: list[Row]) -> fifo.Commands:
    table = np.array(rows, np.int64).reshape(-1, 5)
    return fifo.Commands(*(table[:, column] for column in range(5)))


def state(engine) -> tuple[object, ...]:
    """Everything that an engine shows of itself."""
    out = np.full(3, 7, np.int64), np.full(3, 7, np.int64)
    views = [engine.version, len(engine)]
    for sign in (1, -1):
        views += [engine.queues(sign), engine.best_ticks(sign), engine.levels(sign, 2), engine.levels(sign, -1)]
        views += [engine.shown(sign, 3, *out), out[0].tolist(), out[1].tolist()]
        for _, _, queue in engine.queues(sign):
            views += [(engine.resting(order_id), engine.ahead_lots(order_id)) for order_id, _ in queue]
    return tuple(views)


def ran(engine, rows: list[Row]) -> tuple[object, ...]:
    outcomes, matches = fifo.run(engine, commands(rows))
    columns = (matches.commands, matches.maker_ids, matches.prices_ticks, matches.lots, matches.makers_left)
    return (outcomes.tobytes(), *(column.tobytes() for column in columns), state(engine))


def test_compiled_twin_is_loaded_where_it_is_required() -> None:
    """With HBX_REQUIRE_COMPILED=1 a silent fall back to the pure twin is a failure."""
    if os.environ.get("HBX_REQUIRE_COMPILED") == "1":
        assert fifo.IS_COMPILED, "HBX_REQUIRE_COMPILED=1, but the pure twin was loaded"
    else:
        assert fifo._impl is (_fifo if fifo.IS_COMPILED else _fifo_py)


def test_pure_twin_can_be_forced() -> None:
    """HBX_PURE_PYTHON=1 gives the twins whether or not the extensions are built."""
    code = "from hummingbot_extensions.kernels import fifo, levels; print(fifo.IS_COMPILED, levels.IS_COMPILED)"
    environment = {**os.environ, "HBX_PURE_PYTHON": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.returncode) == (["False", "False"], 0)


@needs_compiled
@settings(max_examples=300)
@given(st.lists(st.lists(ROW, max_size=60), max_size=4))
def test_twins_are_equal(batches: list[list[Row]]) -> None:
    """Same outcomes, same matches and the same state after every batch, ids used twice and unknown ones included."""
    pure, compiled = _fifo_py.Engine(), _fifo.Engine()
    for rows in batches:
        assert ran(pure, rows) == ran(compiled, rows)


@needs_compiled
@pytest.mark.parametrize("seed", range(3))
def test_twins_are_equal_over_a_long_life(seed: int) -> None:
    """20,000 random commands over some hundred prices: pools and the index of ids grow, shrink and are reused."""
    rng = np.random.default_rng(seed)
    count = 20_000
    kinds = rng.choice(5, count, p=[0.42, 0.35, 0.02, 0.2, 0.01])
    ids = rng.integers(0, 3_000, count) * (2**40 if seed == 2 else 1)
    prices = 1_000 + rng.integers(-90, 90, count) - 60 * rng.choice([1, -1], count)
    table = fifo.Commands(kinds, ids, rng.choice([1, -1], count), prices, rng.integers(1, 50, count))
    pure, compiled = _fifo_py.Engine(), _fifo.Engine()
    results = [fifo.run(engine, table) for engine in (pure, compiled)]
    assert results[0][0].tobytes() == results[1][0].tobytes()
    assert len(results[0][1]) == len(results[1][1]) > 1_000
    assert results[0][1].makers_left.tobytes() == results[1][1].makers_left.tobytes()
    assert state(pure) == state(compiled)


@given(st.lists(ROW, max_size=40))
def test_a_batch_does_what_single_commands_do(rows: list[Row]) -> None:
    """One call or many: the same outcomes, matches and book."""
    whole, single = fifo.new_engine(), fifo.new_engine()
    outcomes, matches = fifo.run(whole, commands(rows))
    found = [single.step(*row) for row in rows]
    assert outcomes.tolist() == [outcome for outcome, _ in found]
    assert matches.commands.tolist() == [i for i, (_, met) in enumerate(found) for _ in met]
    assert matches.maker_ids.tolist() == [row[1] for _, met in found for row in met]
    assert state(whole) == state(single)


def test_batches_longer_than_a_chunk_count_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch is cut inside has no influence, and the matches name commands of the whole batch."""
    rows = [(fifo.GTC, i, (1, -1)[i % 2], 100, 2) for i in range(40)]
    whole = fifo.run(fifo.new_engine(), commands(rows))
    monkeypatch.setattr(fifo, "CHUNK", 7)
    cut = fifo.run(fifo.new_engine(), commands(rows))
    assert whole[1].commands.tolist() == cut[1].commands.tolist() == list(range(1, 40, 2))
    assert whole[0].tolist() == cut[0].tolist()


def test_outcomes_say_what_became_of_each_command() -> None:
    """Rests, would cross, id in use, partly filled, cancelled with what was left, and nothing to cancel."""
    rows = [
        (fifo.GTC, 1, 1, 100, 5), (fifo.ALO, 2, -1, 100, 5), (fifo.ALO, 1, 1, 99, 5), (fifo.IOC, 3, -1, 100, 2),
        (fifo.MARKET, 4, 1, 0, 9), (fifo.CANCEL, 1, 0, 0, 0), (fifo.CANCEL, 1, 0, 0, 0),
    ]  # fmt: skip
    outcomes, matches = fifo.run(fifo.new_engine(), commands(rows))
    assert outcomes.tolist() == [5, fifo.WOULD_CROSS, fifo.ID_RESTS, 0, 0, 3, fifo.NOT_RESTING]
    assert [column.tolist() for column in (matches.commands, matches.maker_ids, matches.lots)] == [[3], [1], [2]]
    assert len(matches) == 1 and matches.makers_left.tolist() == [3] and matches.prices_ticks.tolist() == [100]


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        (([9], [1], [1], [1], [1]), ValueError),
        (([-1], [1], [1], [1], [1]), ValueError),
        (([1], [1], [0], [1], [1]), ValueError),
        (([1], [1], [2], [1], [1]), ValueError),
        (([1], [1], [1], [2**60], [1]), ValueError),
        (([1], [1], [1], [1], [0]), ValueError),
        (([1], [1], [1], [1], [2**40]), ValueError),
        (([1], [1], [1], [1], []), ValueError),
        (([[1]], [1], [1], [1], [1]), ValueError),
        (([1.5], [1], [1], [1], [1]), TypeError),
        (([1], np.array([2**63], np.uint64), [1], [1], [1]), ValueError),
    ],
)
def test_bad_commands_never_reach_the_unchecked_loop(columns, error) -> None:
    """Kinds, signs, prices, lots, lengths, shapes and types are refused when the commands are made."""
    with pytest.raises(error):
        fifo.Commands(*columns)


def test_columns_that_a_command_does_not_use_are_not_judged() -> None:
    """A cancel may carry any sign, price and size, a market order any price."""
    rows = [(fifo.CANCEL, 1, 0, 2**61, -5), (fifo.MARKET, 2, 1, 2**61, 1)]
    assert fifo.run(fifo.new_engine(), commands(rows))[0].tolist() == [fifo.NOT_RESTING, 0]


def test_shown_levels_need_a_grid() -> None:
    """A grid of nothing and a negative depth are refused."""
    for grid, depth in ((0, 5), (10, -1)):
        with pytest.raises(ValueError, match="must be positive"):
            fifo.shown(fifo.new_engine(), 1, grid, depth)


def test_orders_beyond_the_range_of_the_loops_are_refused() -> None:
    """Sizes and prices that could overflow a total or a sign change."""
    for price, lots in ((1, 2**40), (2**60, 1), (-(2**60), 1)):
        with pytest.raises(ValueError):
            fifo.checked_order(price, lots)
