"""The feed's traits as switches of the generator: holes, delay, locked books, prints that share a millisecond."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hummingbot_extensions.sim.generator import (
    CLEAN_FEED,
    Feed,
    FeedTraits,
    generated_feed,
    generated_tape,
    recorded_traits,
)
from hummingbot_extensions.sim.latency import ConstantLatency
from hummingbot_extensions.sim.statistics import BTC_USD, START_NS, START_PRICE_TICKS, feed_figures

SECOND_NS = 1_000_000_000
SPAN_NS = 900 * SECOND_NS


def feed(traits: FeedTraits, seed: int = 6) -> Feed:
    return generated_feed(BTC_USD, seed, START_NS, SPAN_NS, START_PRICE_TICKS, traits=traits)


def test_a_clean_feed_is_the_generated_tape() -> None:
    """No holes, received at venue time, and the same bytes as the short way."""
    one, other = feed(CLEAN_FEED), generated_tape(BTC_USD, 6, START_NS, SPAN_NS, START_PRICE_TICKS)
    np.testing.assert_array_equal(one.tape.bids.ticks, other.bids.ticks)
    np.testing.assert_array_equal(one.tape.trade_ticks, other.trade_ticks)
    assert one.frame_received_ns is one.tape.frame_ts_ns
    assert np.diff(one.tape.frame_ts_ns).max() < 3 * SECOND_NS


def test_recorded_traits_match_the_feed_they_describe() -> None:
    """Holes of 6.7 s every 36 s, 18 % of the time, no print in them; 384 ms late at the median; about half locked."""
    found = feed(recorded_traits(6))
    figures = feed_figures(found)
    assert figures["hole_s_p50"] == pytest.approx(6.7, rel=0.1)
    assert figures["hole_every_s"] == pytest.approx(36.2, rel=0.1)
    assert figures["hole_frac"] == pytest.approx(0.18, rel=0.15)
    assert figures["delay_ms_p50"] == pytest.approx(384, rel=0.15)
    stamps = found.tape.frame_ts_ns
    after = np.minimum(np.searchsorted(stamps, found.tape.trade_ts_ns), len(stamps) - 1)
    in_hole = (stamps[after] - stamps[np.maximum(after - 1, 0)] > 5 * SECOND_NS) & (after > 0)
    # Only in the beats before a hole's first missing frame and its last one could a print still be heard.
    assert in_hole.mean() < 0.02
    assert 0.3 < (found.tape.bids.best() == found.tape.asks.best()).mean() < 0.6


def test_holes_take_away_and_change_nothing_else() -> None:
    """Every frame and print left is one of the clean feed, in order; equal seeds cut equal holes."""
    clean, holed, again = feed(CLEAN_FEED), feed(FeedTraits(hole_every_s=36.2)), feed(FeedTraits(hole_every_s=36.2))
    assert set(holed.tape.frame_ts_ns.tolist()) < set(clean.tape.frame_ts_ns.tolist())
    assert len(holed.tape.trade_ts_ns) < len(clean.tape.trade_ts_ns)
    np.testing.assert_array_equal(holed.tape.frame_ts_ns, again.tape.frame_ts_ns)
    kept = np.searchsorted(clean.tape.frame_ts_ns, holed.tape.frame_ts_ns)
    for at, row in list(enumerate(kept.tolist()))[::97]:
        for side in ("bids", "asks"):
            for one, other in zip(getattr(holed.tape, side).at(at), getattr(clean.tape, side).at(row), strict=True):
                np.testing.assert_array_equal(one, other)


def test_delay_moves_receipts_only() -> None:
    """A constant delay shifts every receipt by itself and leaves venue time alone."""
    late = feed(FeedTraits(delay=ConstantLatency(SECOND_NS)))
    np.testing.assert_array_equal(late.frame_received_ns, late.tape.frame_ts_ns + SECOND_NS)
    np.testing.assert_array_equal(late.trade_received_ns, late.tape.trade_ts_ns + SECOND_NS)


def test_an_exact_book_is_never_locked() -> None:
    """With the truncation switched off, bid and ask are the true ones, a tick apart at least."""
    tape = feed(FeedTraits(is_locked=False)).tape
    assert (tape.bids.best() < tape.asks.best()).all()
    assert (tape.bids.ticks % 10 != 0).any()


def test_bursts_can_be_switched_off() -> None:
    """With them many prints share a millisecond; without, only what one taker meets does."""
    burst = feed(CLEAN_FEED).tape.trade_ts_ns
    alone = feed(FeedTraits(has_bursts=False)).tape.trade_ts_ns
    assert np.unique(burst, return_counts=True)[1].max() > 15
    assert len(alone) < 0.8 * len(burst)
    assert np.unique(alone, return_counts=True)[1].mean() < 0.8 * np.unique(burst, return_counts=True)[1].mean()


def test_holes_that_leave_no_feed_are_refused() -> None:
    """Longer than half of their period, or of no length."""
    for hole_s in (0.0, 20.0):
        with pytest.raises(ValueError, match="do not fit"):
            replace(recorded_traits(1), hole_s=hole_s)
