"""Momentum, imbalance, microprice and trade flow, worked by hand, and on tapes with a planted truth."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.drift import (
    MOST_DRIFT_FRAC,
    DriftParams,
    FlowState,
    MomentumState,
    after_mid,
    after_trade,
    flow_frac,
    imbalance_frac,
    microprice,
)
from hummingbot_extensions.core.types import Side

MS = 1_000_000
SECOND = 1_000 * MS
P = DriftParams()
BAD = [0.0, -1.0, math.nan, math.inf]


def momentum(*mids: tuple[int, float], state: MomentumState | None = None) -> MomentumState:
    state = state or MomentumState()
    for at_ms, mid in mids:
        state = after_mid(state, at_ms * MS, mid, False, P)
    return state


def test_e10_average_takes_eight_percent_of_the_new_mid_each_half_second() -> None:
    """100, then 101 for two beats: 100.08, 100.1536; the drift is what the mid stands above that."""
    state = momentum((0, 100.0), (500, 101.0))
    assert state.average_mid == pytest.approx(100.08)
    assert state.drift_frac == pytest.approx(101.0 / 100.08 - 1.0)
    assert momentum((1000, 101.0), state=state).average_mid == pytest.approx(100.1536)


def test_e10_drift_follows_the_price_and_fades() -> None:
    """Positive in a rise, negative in a fall, 0 at first and after the price has stood for a minute."""
    assert MomentumState().drift_frac is None
    assert momentum((0, 100.0)).drift_frac == 0.0
    rising = momentum(*[(step * 500, 100.0 * 1.0001**step) for step in range(100)])
    falling = momentum(*[(step * 500, 100.0 / 1.0001**step) for step in range(100)])
    assert rising.drift_frac == pytest.approx(0.00115, rel=0.02)
    assert falling.drift_frac == pytest.approx(-0.00115, rel=0.02)
    assert momentum((200_000, rising.average_mid * 1.001), state=rising).drift_frac == pytest.approx(0.0, abs=1e-6)


def test_average_depends_on_time_and_not_on_how_often_it_is_asked() -> None:
    """One call after a second is worth a hundred calls within it."""
    once = momentum((0, 100.0), (1000, 101.0))
    often = momentum((0, 100.0), *[(at_ms, 101.0) for at_ms in range(10, 1001, 10)])
    assert often.average_mid == pytest.approx(once.average_mid, rel=1e-12)


def test_drift_is_bounded() -> None:
    """A doubled price reads as the bound, and a halved one as its negative."""
    assert momentum((0, 100.0), (500, 200.0)).drift_frac == MOST_DRIFT_FRAC
    assert momentum((0, 100.0), (500, 50.0)).drift_frac == -MOST_DRIFT_FRAC


def test_a_hole_starts_the_average_anew() -> None:
    """What happened in the hole is no drift."""
    state = after_mid(momentum((0, 100.0)), 9 * SECOND, 105.0, True, P)
    assert state == MomentumState(9 * SECOND, 105.0, 0.0)


@pytest.mark.parametrize("mid", BAD)
def test_a_mid_that_is_no_price_moves_no_average(mid: float) -> None:
    """Nor does an old one."""
    state = momentum((0, 100.0), (500, 101.0))
    assert after_mid(state, SECOND, mid, False, P) is state
    assert after_mid(state, SECOND, mid, True, P) is state
    assert after_mid(state, 499 * MS, 110.0, False, P) is state


@pytest.mark.parametrize(("bid_size", "ask_size", "share"), [
    (1.0, 1.0, 0.0), (3.0, 1.0, 0.5), (1.0, 3.0, -0.5), (2.0, 0.0, 1.0), (0.0, 2.0, -1.0),
    (None, 1.0, None), (1.0, None, None), (None, None, None), (0.0, 0.0, None), (-1.0, 3.0, None), (3.0, -1.0, None),
    (math.nan, 1.0, None), (1.0, math.nan, None), (math.inf, 1.0, None), (math.inf, math.inf, None),
])
def test_e11_imbalance(bid_size: float | None, ask_size: float | None, share: float | None) -> None:
    """Positive with more on the bid; missing or bad sizes give none, never 0."""
    assert imbalance_frac(bid_size, ask_size) == share


@pytest.mark.parametrize(("bid", "ask", "bid_size", "ask_size", "price"), [
    (100.0, 102.0, 1.0, 1.0, 101.0), (100.0, 102.0, 3.0, 1.0, 101.5), (100.0, 102.0, 1.0, 3.0, 100.5),
    (100.0, 102.0, 1.0, 0.0, 102.0), (100.0, 102.0, 0.0, 1.0, 100.0), (100.0, 100.0, 3.0, 1.0, 100.0),
    (100.0, 102.0, None, 1.0, None), (102.0, 100.0, 1.0, 1.0, None), (0.0, 102.0, 1.0, 1.0, None),
    (math.nan, 102.0, 1.0, 1.0, None), (100.0, math.nan, 1.0, 1.0, None), (100.0, math.inf, 1.0, 1.0, None),
])
def test_e11_microprice(
    bid: float, ask: float, bid_size: float | None, ask_size: float | None, price: float | None
) -> None:
    """Each best price weighted by the size on the other side: 100 x 1/4 + 102 x 3/4 with three times as much bid."""
    assert microprice(bid, ask, bid_size, ask_size) == price


def test_e11_imbalance_and_microprice_foretell_a_planted_tape() -> None:
    """Next moves go up with the bid's share of the sizes: both figures find it, and find nothing when shuffled."""
    rng = random.Random(11)
    shares, leans, moves = [], [], []
    bid = 1000
    for _ in range(5000):
        bid_size, ask_size = rng.expovariate(1.0), rng.expovariate(1.0)
        move = 1 if rng.random() < bid_size / (bid_size + ask_size) else -1
        share, micro = imbalance_frac(bid_size, ask_size), microprice(bid, bid + 2, bid_size, ask_size)
        assert share is not None and micro is not None
        shares.append(share)
        leans.append(micro - (bid + 1))
        moves.append(move)
        bid += move
    shuffled = moves[:]
    rng.shuffle(shuffled)
    for signal in (shares, leans):
        assert np.corrcoef(signal, moves)[0, 1] > 0.5
        assert abs(np.corrcoef(signal, shuffled)[0, 1]) < 0.05


def flow(*trades: tuple[int, Side, float]) -> FlowState:
    state = FlowState()
    for at_ms, side, notional in trades:
        state = after_trade(state, at_ms * MS, side, notional, P)
    return state


def test_e23_flow_halves_with_its_half_life() -> None:
    """80,000 bought, five seconds later 40,000 are left; 10,000 sold then leave 30,000 of 50,000."""
    state = flow((0, Side.BUY, 80_000.0))
    assert flow_frac(state, 0, P) == 1.0
    state = flow((0, Side.BUY, 80_000.0), (5000, Side.SELL, 10_000.0))
    assert (state.net_quote, state.gross_quote) == (pytest.approx(30_000.0), pytest.approx(50_000.0))
    assert flow_frac(state, 5 * SECOND, P) == pytest.approx(0.6)


def test_e23_a_small_trade_and_an_old_one_mean_little() -> None:
    """5,000 of the 50,000 that count in full are a tenth; ten half-lives later there is nothing to speak of."""
    state = flow((0, Side.SELL, 5000.0))
    assert flow_frac(state, 0, P) == pytest.approx(-0.1)
    assert flow_frac(state, 50 * SECOND, P) == pytest.approx(0.0, abs=1e-3)
    assert flow_frac(FlowState(), 0, P) is None


def test_e23_planted_one_sided_flow_has_its_sign_and_stays_bounded() -> None:
    """Nine in ten trades of one side read as about 0.8 of that side, and never pass 1."""
    rng = random.Random(23)
    for side in Side:
        state, seen = FlowState(), []
        for step in range(2000):
            taker = side if rng.random() < 0.9 else side.opposite
            state = after_trade(state, step * 100 * MS, taker, rng.expovariate(1e-4), P)
            share = flow_frac(state, step * 100 * MS, P)
            assert share is not None and -1.0 <= share <= 1.0
            seen.append(share * side.sign)
        assert np.mean(seen[200:]) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("notional", BAD)
def test_a_bad_or_late_trade_changes_nothing(notional: float) -> None:
    """The flow is what it was; asked for a moment before the last trade it does not grow."""
    state = flow((1000, Side.BUY, 20_000.0))
    assert after_trade(state, 2 * SECOND, Side.BUY, notional, P) is state
    assert after_trade(state, 999 * MS, Side.BUY, 1000.0, P) is state
    assert flow_frac(state, 0, P) == flow_frac(state, SECOND, P)


def test_states_go_through_json_unchanged() -> None:
    """They stand in the event log, where every decision can be run again."""
    for state in (MomentumState(), momentum((0, 100.0), (500, 101.0)), FlowState(), flow((0, Side.BUY, 1.5))):
        assert from_plain(type(state), to_plain(state)) == state


@pytest.mark.parametrize(("changes", "field"), [
    ({"momentum_alpha": 0.0}, "momentum_alpha"), ({"momentum_alpha": 1.0}, "momentum_alpha"),
    ({"momentum_beat_ms": 0.0}, "momentum_beat_ms"), ({"flow_halflife_s": math.nan}, "flow_halflife_s"),
    ({"flow_full_quote": 0.0}, "flow_full_quote"), ({"flow_full_quote": math.inf}, "flow_full_quote"),
])
def test_a_broken_rule_names_its_field_and_a_fix(changes: dict[str, float], field: str) -> None:
    """One rule at a time; the defaults break none."""
    assert P.problems() == []
    problems = dict(DriftParams(**changes).problems())
    assert list(problems) == [field] and "Set" in problems[field]
