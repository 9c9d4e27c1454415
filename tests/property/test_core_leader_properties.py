"""What the leader may do to quotes whatever it says: a constant basis nothing, a move so many bps and no more."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.leader import LeaderParams, LeaderState, after_sample, external_price
from hummingbot_extensions.core.skew import SkewInputs, SkewParams, terms
from hummingbot_extensions.core.types import Side

SECOND_NS = 1_000_000_000
FIXED = LeaderParams(leader_basis_halflife_s=30.0)
MIDS = st.floats(0.001, 1e6)
BASES = st.floats(-0.05, 0.05)
SKEWS = st.builds(
    SkewParams, skew_leader_on=st.just(True), leader_gain=st.floats(0.0, 1.0), leader_dead_bps=st.floats(0.0, 10.0),
    leader_most_bps=st.floats(0.0, 50.0),
)


def lead_bps(state: LeaderState, mid: float, leader: float) -> float:
    price = external_price(state, leader, 1.0, FIXED)
    assert price is not None
    return (price / mid - 1.0) * 1e4


@given(MIDS, BASES, BASES, st.lists(st.floats(0.05, 25.0), min_size=1, max_size=60))
def test_a_constant_basis_is_gone_after_a_few_half_lives(
    mid: float, before: float, basis: float, waits_s: list[float]
) -> None:
    """Whatever stood there before, and however often it is looked at: the lead halves with each half-life."""
    state = after_sample(LeaderState(), 0, mid, mid * (1.0 + before), 1.0, FIXED)
    leader = mid * (1.0 + basis)
    first = abs(lead_bps(state, mid, leader))
    now_ns = 0
    for wait_s in waits_s:
        now_ns += int(wait_s * SECOND_NS)
        state = after_sample(state, now_ns, mid, leader, 1.0, FIXED)
        allowed = first * math.exp2(-now_ns / SECOND_NS / FIXED.leader_basis_halflife_s)
        assert abs(lead_bps(state, mid, leader)) <= allowed * (1 + 1e-6) + 1e-6


@given(MIDS, BASES, st.floats(-0.05, 0.05), SKEWS)
def test_a_move_of_the_leader_moves_both_quotes_its_way_and_no_farther_than_the_bound(
    mid: float, basis: float, move: float, skew: SkewParams
) -> None:
    """From flat: up raises bid and ask by the same, down lowers them, by at most gain x lead and the bound."""
    leader = mid * (1.0 + basis)
    state = after_sample(LeaderState(), 0, mid, leader, 1.0, FIXED)
    lead = lead_bps(state, mid, leader * (1.0 + move))
    shifts = []
    for side in Side:
        inputs = SkewInputs(0.0, None, None, None, None, leader_frac=lead / 1e4)
        found = dict(terms(side, inputs, skew))
        assert set(found) <= {"leader"}
        shifts.append(-found.get("leader", 0.0) * side.sign)
    assert shifts[0] == shifts[1]
    assert shifts[0] * lead >= 0.0
    assert abs(shifts[0]) <= min(skew.leader_most_bps, skew.leader_gain * abs(lead)) + 1e-9
