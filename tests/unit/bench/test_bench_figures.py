"""The arithmetic of the comparison with Hummingbot's stock base: empty sides, bursts, bars, and the stepping market."""

from __future__ import annotations

from typing import Any

import pytest

from hummingbot_extensions.core.types import Side, TimeInForce
from tests.bench.compare.event_rows import frame_bursts
from tests.bench.compare.figures import Figures, Row, percentile, rows
from tests.bench.compare.venue import BEAT_NS, MID_TICKS, START_NS, WALK_BPS, SteppingMarket
from tests.bench.compare.venue_records import requotes


def resting(side: str, start_ms: float, end_ms: float | None, is_cancelled: bool = False) -> dict[str, Any]:
    return {"side": side, "start_ms": start_ms, "end_ms": end_ms, "is_cancelled": is_cancelled}


@pytest.mark.parametrize(
    ("after", "empty_ms"),
    [
        (resting("buy", 1_900.0, None), 0.0),
        (resting("buy", 2_000.0, None), 0.0),
        (resting("buy", 2_150.0, 9_000.0), 150.0),
        (resting("sell", 1_900.0, None), 3_000.0),
    ],
)
def test_a_side_is_empty_from_the_cancel_to_the_next_order_of_that_side(
    after: dict[str, Any], empty_ms: float
) -> None:
    """An order placed before the cancel leaves no gap; what never came counts as empty until the record was taken."""
    rows_ = [resting("buy", 1_000.0, 2_000.0, is_cancelled=True), after]
    found = requotes(rows_, 0.0, 4_000.0, 5_000.0)
    assert [one.empty_ms for one in found if one.ended_ms == 2_000.0] == [empty_ms]


def test_fills_and_cancels_outside_the_window_are_no_requotes() -> None:
    """A fill empties a side too, but nobody re-quoted; cancels count from the window's start, which is in it."""
    rows_ = [
        resting("buy", 0.0, 500.0, is_cancelled=False), resting("buy", 600.0, 1_000.0, is_cancelled=True),
        resting("buy", 1_000.0, 2_000.0, is_cancelled=True), resting("buy", 2_000.0, None),
    ]
    assert [one.ended_ms for one in requotes(rows_, 1_000.0, 2_000.0, 3_000.0)] == [1_000.0]


def test_a_burst_is_what_one_decision_sent() -> None:
    """Orders that no frame led to have no delay and are left out, a burst without any as well."""

    def order(event: str, order_id: str, ms: float | None = None) -> dict[str, Any]:
        return {"kind": "order", "event": event, "client_order_id": order_id, "frame_to_wire_ms": ms}

    log = [
        order("placed", "before"), {"kind": "decision"}, order("placed", "a"), order("placed", "b"),
        order("live", "b", 3.0), order("live", "a", 2.0), {"kind": "decision"}, order("placed", "c"),
        order("live", "c", None), {"kind": "decision"}, order("placed", "d"), order("placed", "e"),
        order("live", "d", 1.0), order("live", "e", None),
    ]
    assert frame_bursts(log) == [[2.0, 3.0], [1.0]]


def test_percentiles_lie_between_samples() -> None:
    """One sample is all of its percentiles; none is an error rather than a zero."""
    assert percentile([7.0], 99) == 7.0
    assert percentile([1.0, 2.0, 3.0], 50) == 2.0
    assert percentile([0.0, 100.0], 99) == pytest.approx(99.0)
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 50)


def figures(**given: Any) -> Figures:
    return Figures("ours", **{
        "order_ms": [2.0], "cancel_ms": [2.0], "stop_ms": [250.0], "empty_ms": [0.0], "tight_empty_ms": [110.0],
        "lags_ms": [1.0], "longest_ours_ms": 20.0, "memory_mb": 300.0, "cpu_frac": 0.3, **given})


@pytest.mark.parametrize(
    ("given", "missed"),
    [
        ({}, set()),
        ({"order_ms": [3.1]}, {"book frame -> first order on the socket, 1 level"}),
        ({"order_ms": [2.0] * 60 + [11.0] * 2}, {"book frame -> first order on the socket, 1 level"}),
        ({"stop_ms": [250.5]}, {"executor stop -> slot free"}),
        ({"empty_ms": [0.0, 0.1]}, {"side empty over a re-quote, two orders fit"}),
        ({"tight_empty_ms": [110.5]}, {"side empty over a re-quote, cap for one order"}),
        ({"memory_mb": 300.5}, {"memory over bare Hummingbot"}),
        ({"cpu_frac": 0.31}, {"CPU over bare Hummingbot"}),
        ({"longest_ours_ms": 20.5}, {"longest callback of ours"}),
        ({"stop_ms": []}, {"executor stop -> slot free"}),
    ],
)
def test_each_bar_is_missed_by_its_own_line_alone(given: dict[str, Any], missed: set[str]) -> None:
    """At the bar is held; beyond it, or without samples, is not."""
    bare = Figures("bare", memory_mb=200.0, cpu_frac=0.1)
    table = rows(figures(**given), figures(), None, bare, None, 50.0)
    assert {row.what for row in table if row.verdict in ("MISSED", "NO SAMPLES")} == missed


def test_a_ratio_needs_both_sides() -> None:
    """How many times longer stock takes; nothing where either has no sample or ours is zero."""
    assert "50.0 x" in Row("what", [2.0], [100.0], None, "ms").line()
    assert " x" not in Row("what", [0.0], [100.0], None, "ms").line()
    assert " x" not in Row("what", [2.0], [], None, "ms").line()


def test_the_market_steps_shows_itself_and_reaches_no_quote() -> None:
    """Four frames a second, a step every two or so, never farther than its walk, and orders at 10 bps never trade."""
    market = SteppingMarket(1)
    market.place(1, Side.BUY, MID_TICKS - 10_000, 20, TimeInForce.ALO)
    market.place(2, Side.SELL, MID_TICKS + 10_000, 20, TimeInForce.ALO)
    mids = []
    for frame in range(1, 241):
        events = market.advance(START_NS + frame * BEAT_NS)
        assert len(events) in (1, 2)
        bid, ask = market.touch()
        assert bid is not None
        assert ask is not None
        mids.append((bid + ask) // 2)
    steps = [abs(after - before) for before, after in zip(mids, mids[1:], strict=False) if after != before]
    assert set(steps) == {2_000}
    assert 24 <= len(steps) <= 38
    assert max(abs(mid - MID_TICKS) for mid in mids) <= WALK_BPS * 1_000
    assert (market.cancel(1), market.cancel(2)) == (20, 20)


def test_the_market_is_the_same_however_its_time_is_cut() -> None:
    """Every bot meets the same steps."""
    one, other = SteppingMarket(1), SteppingMarket(1)
    one.advance(START_NS + 60 * 1_000_000_000)
    for second in range(1, 61):
        other.advance(START_NS + second * 1_000_000_000)
    assert one.touch() == other.touch()
    assert one.book(5) == other.book(5)
