"""Delays: what goes in comes out, and asking twice changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hummingbot_extensions.sim.latency import (
    BAR_DELAYS,
    NS_PER_MS,
    RECORDED_QUANTILES_MS,
    ConstantLatency,
    RecordedLatency,
    SampledLatency,
    arrivals_ns,
    recorded_like,
    recorded_stream_like,
)
from hummingbot_extensions.sim.tape_files import TapeUnreadable, recorded_feed_delay
from tests.support.tapes import START_NS, recorded_tapes

BEAT_NS = 250 * NS_PER_MS


def test_constant_is_constant_and_bars_are_400_ms() -> None:
    """Whenever and however often; a negative one is refused."""
    assert {ConstantLatency(7).delay_ns(at, n) for at in (0, 5) for n in (0, 9)} == {7}
    assert {m.delay_ns(START_NS) for m in (BAR_DELAYS.feed, BAR_DELAYS.order, BAR_DELAYS.cancel)} == {400 * NS_PER_MS}
    with pytest.raises(ValueError, match="negative"):
        ConstantLatency(-1)


def test_sampled_delays_have_the_quantiles_asked_for() -> None:
    """384, 573 and 1540 ms at p50, p90 and p99 within 3 % over 40,000 moments, never beyond the ends."""
    model = recorded_like(seed=5)
    delays_ms = np.array([model.delay_ns(START_NS + i * BEAT_NS) for i in range(40_000)]) / NS_PER_MS
    np.testing.assert_allclose(np.quantile(delays_ms, [0.5, 0.9, 0.99]), [384.0, 573.0, 1540.0], rtol=0.03)
    assert 190.0 <= delays_ms.min() < 200.0 and 5_000.0 < delays_ms.max() <= 12_900.0


def test_a_stream_arrives_with_the_recorded_quantiles() -> None:
    """The same three within 10 % over ten hours of frames, although no frame may overtake the one before."""
    sent = np.arange(144_000, dtype=np.int64) * BEAT_NS + START_NS
    late_ms = (arrivals_ns(sent, recorded_stream_like(2)) - sent) / NS_PER_MS
    np.testing.assert_allclose(np.quantile(late_ms, [0.5, 0.9, 0.99]), [384.0, 573.0, 1540.0], rtol=0.1)


def test_sampled_delays_depend_on_seed_moment_and_number_alone() -> None:
    """The same question has the same answer in any order; each of the three changes it; a hold keeps it."""
    model = recorded_like(1)
    asked = [(START_NS + i, n) for i in range(20) for n in range(2)]
    answers = [model.delay_ns(*question) for question in asked]
    assert answers == [model.delay_ns(*question) for question in asked[::-1]][::-1]
    assert len(set(answers)) == len(asked)
    assert recorded_like(2).delay_ns(START_NS) != answers[0]
    held = replace(recorded_like(1), hold_ns=1_000)
    assert len({held.delay_ns(1_000 * 7 + i, i) for i in range(1_000)}) == 1


@pytest.mark.parametrize(
    "points",
    [
        ((0.0, 1.0),),
        ((0.1, 1.0), (1.0, 2.0)),
        ((0.0, 1.0), (0.9, 2.0)),
        ((0.0, 0.0), (1.0, 2.0)),
        ((0.0, 1.0), (0.5, 3.0), (1.0, 2.0)),
        ((0.0, 1.0), (0.5, 2.0), (0.5, 3.0), (1.0, 4.0)),
        ((0.0, 1.0), (1.0, float("inf"))),
    ],
)
def test_quantiles_that_are_none_are_refused(points) -> None:
    """Ends missing, not rising, zero, infinite."""
    with pytest.raises(ValueError):
        SampledLatency(points, 1)


def test_quantiles_are_met_exactly() -> None:
    """At the probabilities named, the delays named; log-linear between."""
    model = recorded_like(1)
    for probability, ms in RECORDED_QUANTILES_MS:
        assert model.quantile_ns(probability) == pytest.approx(ms * NS_PER_MS, abs=1)
    assert SampledLatency(((0.0, 1.0), (1.0, 100.0)), 1).quantile_ns(0.5) == 10 * NS_PER_MS


def test_recorded_delay_is_that_of_the_last_message_sent() -> None:
    """Never one that was still to come, except before the first."""
    model = RecordedLatency(np.array([10, 20, 20, 30]), np.array([1, 2, 3, 4]))
    assert [model.delay_ns(at) for at in (0, 10, 19, 20, 29, 30, 99)] == [1, 1, 1, 3, 3, 4, 4]
    for sent, delays in (([], []), ([1], [1, 2]), ([2, 1], [1, 1]), ([1], [-1])):
        with pytest.raises(ValueError):
            RecordedLatency(np.array(sent, np.int64), np.array(delays, np.int64))


def test_a_stream_never_overtakes_itself() -> None:
    """Messages arrive in the order they set out, none before its own delay."""
    sent = np.arange(2_000, dtype=np.int64) * BEAT_NS + START_NS
    model = recorded_stream_like(3)
    arrived = arrivals_ns(sent, model)
    alone = sent + np.array([model.delay_ns(at, n) for n, at in enumerate(sent.tolist())])
    assert (np.diff(arrived) >= 0).all() and (arrived >= alone).all()
    assert np.quantile((arrived - sent) / NS_PER_MS, 0.5) == pytest.approx(384, rel=0.1)


@pytest.mark.tape
def test_delays_of_a_recorded_hour_come_out_as_recorded() -> None:
    """Each frame's own receipt, and the quantiles that a direct look at the columns gives."""
    pq = pytest.importorskip("pyarrow.parquet")
    folder = recorded_tapes()
    path = sorted(folder.glob("orderbook_BTC-USD_*.parquet"))[0]
    hour = f"{path.stem[-13:-3]}T{path.stem[-2:]}"
    start_ns = int(np.datetime64(hour, "ns").astype(np.int64))
    model = recorded_feed_delay(folder, "BTC-USD", start_ns, start_ns + 3_600 * 10**9)
    table = pq.read_table(path, columns=["timestamp", "received_at"])
    sent, received = (np.asarray(table.column(i).cast("int64")) for i in (0, 1))
    inside = sent >= start_ns
    first = dict(zip(sent[inside][::-1], (received - sent)[inside][::-1], strict=True))
    assert len(model.sent_ns) >= len(first) > 1_000
    assert all(model.delay_ns(int(at)) <= max(late, 0) for at, late in list(first.items())[:500])
    assert np.median(model.delays_ns) == pytest.approx(np.median(list(first.values())), rel=0.01)


def test_a_window_without_frames_is_refused(tmp_path: Path) -> None:
    """One line with the fix, as when loading the tape."""
    with pytest.raises(TapeUnreadable, match="name a folder"):
        recorded_feed_delay(tmp_path, "BTC-USD")
