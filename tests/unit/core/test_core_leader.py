"""The leader's price: its basis is learnt and taken off, what is left moves both quotes its way, within bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_builders import ASK_KEPT, BID_KEPT, NOW, SECOND, account, decided, order, params, view

from hummingbot_extensions.core.canonical import digest
from hummingbot_extensions.core.decision import Decision, DecisionState
from hummingbot_extensions.core.leader import LeaderParams, LeaderState, after_sample, external_price
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import Anchor
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.skew import SkewParams, leader_bps
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import MarketView

FOLLOWING = params(skew_leader_on=True)
ANCHORED = params(mode="simple", anchor=Anchor.EXTERNAL, half_spread_bps=6.0)


def led(leader: float | None, age_ms: float | None = 5.0, at_s: float = 0.0, **changes: object) -> MarketView:
    return view(leader=leader, leader_age_ms=age_ms, now_ns=NOW + int(at_s * SECOND), **changes)


def learnt(config: QuoteParams, leader: float) -> DecisionState:
    """State after one look at a leader that stands there."""
    return decided(led(leader), config=config).state


def distances(decision: Decision) -> tuple[float, float]:
    """Distance of bid and ask from the mark, bps."""
    bid, ask = prices(decision)
    return (100_000 - bid) / 10, (ask - 100_000) / 10


def prices(decision: Decision) -> tuple[float, float]:
    bid, ask = (next(float(quote.price) for quote in decision.quotes if quote.side is side) for side in Side)
    return bid, ask


def test_e12_a_static_basis_of_14_bps_moves_nothing() -> None:
    """A leader that always stands 14 bps below gives no term, at once and after an hour of looks."""
    state = DecisionState()
    for at_s in range(0, 3600, 60):
        decision = decided(led(100_000 * (1 - 14e-4), at_s=at_s, price_frame_ns=NOW), config=FOLLOWING, state=state)
        assert decision.ladders and not any(q.breakdown.term("leader") for q in decision.quotes)
        state = decision.state
    assert distances(decided(led(99_860.0), config=FOLLOWING, state=state)) == (6.0, 6.0)


def test_e12_a_basis_that_jumps_does_not_latch() -> None:
    """14 bps from one look to the next: the term comes, bounded, and is gone after a few half-lives."""
    state = learnt(FOLLOWING, 100_000.0)
    seen = []
    for at_s in range(1, 421):
        decision = decided(led(99_860.0, at_s=at_s), config=FOLLOWING, state=state)
        state = decision.state
        seen.append(decision.ladders[0].stand.terms)
    terms = [dict(each).get("leader", 0.0) for each in seen]
    assert terms[0] == 3.0 and all(0.0 <= each <= 3.0 for each in terms)
    assert all(later <= earlier for earlier, later in zip(terms, terms[1:], strict=False))
    # 14 bps are 0.9 after four half-lives: within the dead zone.
    assert terms[200] > 0 and terms[240] == 0.0


def test_e12_a_leader_that_rises_raises_both_quotes() -> None:
    """5 bps ahead, 1 of them dead, half of the rest: 2 bps up; down likewise; never more than the bound."""
    state = learnt(FOLLOWING, 80_000.0)
    assert distances(decided(led(80_040.0, at_s=0.0), config=FOLLOWING, state=state)) == (4.0, 8.0)
    assert distances(decided(led(79_960.0, at_s=0.0), config=FOLLOWING, state=state)) == (8.0, 4.0)
    assert distances(decided(led(80_800.0, at_s=0.0), config=FOLLOWING, state=state)) == (3.0, 8.0)


def test_t12_a_long_position_is_not_led_up() -> None:
    """Inventory has the last word: beyond the fade a rising leader raises no quote of a long position."""
    state = learnt(FOLLOWING, 80_000.0)
    decision = decided(led(80_040.0), account(position="0.005"), FOLLOWING, state)
    assert distances(decision)[0] >= 6.0 and distances(decision)[1] <= 6.0 + 1e-9


@pytest.mark.parametrize(("leader", "age_ms"), [
    (None, None), (80_040.0, None), (80_040.0, 2001.0), (float("nan"), 5.0), (0.0, 5.0), (-1.0, 5.0),
    (float("inf"), 5.0),
])
def test_a_leader_that_is_stale_or_no_price_gives_no_term(leader: float | None, age_ms: float | None) -> None:
    state = learnt(FOLLOWING, 80_000.0)
    decision = decided(led(leader, age_ms), config=FOLLOWING, state=state)
    assert distances(decision) == (6.0, 6.0) and decision.state.signals.leader == state.signals.leader


def test_anchor_external_is_the_leader_less_its_basis() -> None:
    """Learnt at 80,000 for 100,000: 80,040 means 100,050, and both quotes stand 6 bps of that away."""
    state = learnt(ANCHORED, 80_000.0)
    decision = decided(led(80_040.0), config=ANCHORED, state=state)
    bid, ask = prices(decision)
    assert bid == pytest.approx(100_050 * (1 - 6e-4), abs=0.02) and ask == pytest.approx(100_050 * (1 + 6e-4), abs=0.02)


@pytest.mark.parametrize("age_ms", [None, 2001.0])
def test_anchor_external_is_silent_while_the_leader_is_stale(age_ms: float | None) -> None:
    """What rests is pulled, under a reason; it quotes again with the next fresh price."""
    state = learnt(ANCHORED, 80_000.0)
    held = account(BID_KEPT, ASK_KEPT)
    decision = decided(led(80_000.0, age_ms), held, ANCHORED, state)
    assert decision.bid_silence is Silence.NO_PRICE and len(decision.actions) == 2
    assert decided(led(80_000.0, at_s=1.0), config=ANCHORED, state=decision.state).bid_silence is None


def test_n16_off_is_the_decision_without_it() -> None:
    """A leader that is seen and not asked for changes nothing and teaches nothing."""
    off = params(leader_gain=1.0, leader_most_bps=50.0, leader_dead_bps=0.0)
    assert digest(decided(led(80_000.0), config=off)) == digest(decided())


def test_a_whole_half_life_without_the_leader_begins_anew() -> None:
    """What it did meanwhile is nobody's lead."""
    config = LeaderParams(leader_basis_halflife_s=10.0)
    state = after_sample(LeaderState(), 0, 100.0, 100.0, 1.0, config)
    early = after_sample(state, 10 * SECOND, 100.0, 110.0, 1.0, config)
    late = after_sample(state, 10 * SECOND + 1, 100.0, 110.0, 1.0, config)
    assert external_price(early, 110.0, 1.0, config) == pytest.approx(110.0 * (1 + (100 / 110 - 1) / 2))
    assert external_price(late, 110.0, 1.0, config) == pytest.approx(100.0)


def test_the_average_counts_time_and_not_looks() -> None:
    config = LeaderParams()
    start = after_sample(LeaderState(), 0, 100.0, 100.0, 1.0, config)
    once = after_sample(start, 8 * SECOND, 100.0, 101.0, 1.0, config)
    often = start
    for at in range(1, 9):
        often = after_sample(often, at * SECOND, 100.0, 101.0, 1.0, config)
    assert often.basis_frac == pytest.approx(once.basis_frac)
    assert after_sample(once, 7 * SECOND, 100.0, 200.0, 1.0, config) == once


def test_the_curve_of_the_term() -> None:
    """Dead up to 1 bps, then half of it, at most 3."""
    config = SkewParams()
    leads = [0.0, 0.5, 1.0, 2.0, 5.0, 7.0, 50.0]
    assert [round(leader_bps(bps / 1e4, config), 9) for bps in leads] == [0.0, 0.0, 0.0, 0.5, 2.0, 3.0, 3.0]
    assert [round(leader_bps(-bps / 1e4, config), 9) for bps in leads] == [0.0, 0.0, 0.0, -0.5, -2.0, -3.0, -3.0]


def test_a_half_life_shorter_than_the_age_that_counts_is_refused() -> None:
    found = params(leader_basis_halflife_s=1.0).problems()
    assert [field for field, _ in found] == ["leader_basis_halflife_s"]


def test_a_mid_that_is_missing_teaches_nothing() -> None:
    state = learnt(FOLLOWING, 80_000.0)
    market = replace(led(80_040.0), bid=None)
    assert decided(market, config=FOLLOWING, state=state).state.signals.leader == state.signals.leader


@pytest.mark.parametrize("leader", [80_040.0, 79_960.0])
def test_t1_a_quote_that_the_anchor_brought_near_the_mark_is_not_cancelled_for_it(leader: float) -> None:
    """5 bps ahead the bid stands 1 bps from the mark, inside cancel_distance_bps of 2, where it is meant to."""
    state = learnt(ANCHORED, 80_000.0)
    bid, ask = prices(decided(led(leader), config=ANCHORED, state=state))
    held = account(order(Side.BUY, f"{bid:.2f}"), order(Side.SELL, f"{ask:.2f}"))
    assert decided(led(leader), held, ANCHORED, state).actions == ()
