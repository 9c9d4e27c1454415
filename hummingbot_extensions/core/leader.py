"""Another venue's price, made comparable with ours: what it says beyond the distance at which it always stands."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hummingbot_extensions.core.spec import param


@dataclass(frozen=True, slots=True)
class LeaderParams:
    """How the leader is listened to. ``problems`` lists every rule that is broken."""

    leader_basis_halflife_s: float = param(
        60.0, "Leader: half-life of the average distance between its mid and ours, which is taken off, seconds.",
        "leader", gt=0, le=86_400,
    )  # fmt: skip
    stale_leader_ms: float = param(
        2000.0, "Leader: an older price of it counts as none, ms.", "leader", gt=0, le=60_000
    )

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule; empty when all hold."""
        halflife_ms = self.leader_basis_halflife_s * 1e3
        if halflife_ms >= self.stale_leader_ms:
            return []
        text = (
            f"{self.leader_basis_halflife_s:g} s is less than stale_leader_ms {self.stale_leader_ms:g}, so a move "
            "would be forgotten while its price still counts. Raise it"
        )
        return [("leader_basis_halflife_s", text)]


@dataclass(frozen=True, slots=True)
class LeaderState:
    """``basis_frac`` is the average of our mid over the leader's, less one; ``sample_ns`` the newest one's stamp."""

    sample_ns: int | None = None
    basis_frac: float = 0.0


def after_sample(
    state: LeaderState, now_ns: int, mid: float, leader: float | None, age_ms: float | None, params: LeaderParams
) -> LeaderState:
    """State after one more look at both mids; the first, and one after a whole half-life without, begins anew.

    The average depends on the time that passed, not on the number of calls. A leader that is stale or no positive
    number teaches nothing, and neither does such a mid.

    >>> after_sample(LeaderState(), 0, 100.0, 80.0, 5.0, LeaderParams()).basis_frac
    0.25
    """
    if leader is None or not (0.0 < leader < math.inf and 0.0 < mid < math.inf) or not is_fresh(age_ms, params):
        return state
    sample = mid / leader - 1.0
    if state.sample_ns is None:
        return LeaderState(now_ns, sample)
    if now_ns < state.sample_ns:
        return state
    half_lives = (now_ns - state.sample_ns) / (params.leader_basis_halflife_s * 1e9)
    if half_lives > 1.0:
        return LeaderState(now_ns, sample)
    keep = math.exp2(-half_lives)
    return LeaderState(now_ns, state.basis_frac * keep + sample * (1.0 - keep))


def is_fresh(age_ms: float | None, params: LeaderParams) -> bool:
    """Whether a price of this age counts."""
    return age_ms is not None and age_ms <= params.stale_leader_ms


def external_price(
    state: LeaderState, leader: float | None, age_ms: float | None, params: LeaderParams
) -> float | None:
    """Where our mid would stand if it had followed the leader already; None while the leader is stale or unknown.

    >>> external_price(LeaderState(0, 0.25), 84.0, 5.0, LeaderParams())
    105.0
    """
    if leader is None or not 0.0 < leader < math.inf or state.sample_ns is None or not is_fresh(age_ms, params):
        return None
    return leader * (1.0 + state.basis_frac)
