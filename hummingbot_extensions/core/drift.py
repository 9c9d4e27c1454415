"""Where the price is being pulled: momentum of the mid, imbalance of the best sizes, signed flow of trades.

Every figure is bounded, signed with up positive, and None while its input is missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hummingbot_extensions.core.spec import param
from hummingbot_extensions.core.types import Side

MOST_DRIFT_FRAC = 0.01
"""Bound of the drift either way: 100 bps off its average is more than any tilt answers to."""


@dataclass(frozen=True, slots=True)
class DriftParams:
    """How fast the averages forget. ``problems`` lists every rule that is broken."""

    momentum_alpha: float = param(
        0.08,
        "Momentum: weight of the newest mid in the average, as a fraction, for each momentum_beat_ms that passed.",
        "skew",
        gt=0,
        lt=1,
    )
    momentum_beat_ms: float = param(
        500.0, "Momentum: time for which momentum_alpha holds, ms.", "skew", gt=0, le=60_000
    )
    flow_halflife_s: float = param(5.0, "Flow: half-life of the traded volume, seconds.", "skew", gt=0, le=3600)
    flow_full_quote: float = param(
        50_000.0,
        "Flow: volume in quote units, halved each half-life, under which even one-sided flow counts only in part.",
        "skew",
        gt=0,
        le=1e12,
    )

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule; empty when all hold."""
        rules = (
            (
                0 < self.momentum_alpha < 1,
                "momentum_alpha",
                f"{self.momentum_alpha:g} is no weight between 0 and 1. Set it to 0.08",
            ),
            (
                0 < self.momentum_beat_ms < math.inf,
                "momentum_beat_ms",
                f"{self.momentum_beat_ms:g} is not above 0. Set it to 500",
            ),
            (
                0 < self.flow_halflife_s < math.inf,
                "flow_halflife_s",
                f"{self.flow_halflife_s:g} is not above 0. Set it to 5",
            ),
            (
                0 < self.flow_full_quote < math.inf,
                "flow_full_quote",
                f"{self.flow_full_quote:g} is not above 0. Set it to what the market trades in a few seconds",
            ),
        )
        return [(field, text) for holds, field, text in rules if not holds]


@dataclass(frozen=True, slots=True)
class MomentumState:
    """Average of the mid, and how far the last mid stood from it. Stamps are monotonic nanoseconds."""

    mid_ns: int | None = None
    average_mid: float = 0.0
    drift_frac: float | None = None
    """Last mid over the average, less one, within ``MOST_DRIFT_FRAC``; positive while the price rises."""


def after_mid(state: MomentumState, now_ns: int, mid: float, is_after_gap: bool, params: DriftParams) -> MomentumState:
    """State after one more mid; the first one, and one after a hole in the feed, starts the average anew.

    The average depends on the time that passed, not on the number of calls: n calls with one mid are worth one call.
    A mid that is not a positive number, or older than the last one, teaches nothing.

    >>> start = after_mid(MomentumState(), 0, 100.0, False, DriftParams())
    >>> after_mid(start, 500_000_000, 101.0, False, DriftParams()).average_mid
    100.08
    """
    if not 0.0 < mid < math.inf:
        return state
    if state.mid_ns is None or is_after_gap:
        return MomentumState(now_ns, mid, 0.0)
    if now_ns < state.mid_ns:
        return state
    beats = (now_ns - state.mid_ns) / (params.momentum_beat_ms * 1e6)
    weight = 1.0 - (1.0 - params.momentum_alpha) ** beats
    average = state.average_mid + weight * (mid - state.average_mid)
    drift = mid / average - 1.0
    return MomentumState(now_ns, average, min(MOST_DRIFT_FRAC, max(-MOST_DRIFT_FRAC, drift)))


def imbalance_frac(bid_size: float | None, ask_size: float | None) -> float | None:
    """Size at the best bid less size at the best ask, over both: 1 with nothing on the ask, -1 with nothing on the bid.

    None while a size is missing or not a number of 0 or more, or while both are 0.

    >>> imbalance_frac(3.0, 1.0)
    0.5
    """
    if bid_size is None or ask_size is None:
        return None
    whole = bid_size + ask_size
    if not (bid_size >= 0.0 and ask_size >= 0.0 and 0.0 < whole < math.inf):
        return None
    return (bid_size - ask_size) / whole


def microprice(bid: float, ask: float, bid_size: float | None, ask_size: float | None) -> float | None:
    """Mid moved towards the side that is thinner, never beyond it; None where ``imbalance_frac`` is, or on a bad book.

    >>> microprice(100.0, 102.0, 3.0, 1.0)
    101.5
    """
    share = imbalance_frac(bid_size, ask_size)
    if share is None or not 0.0 < bid <= ask < math.inf:
        return None
    return min(ask, max(bid, (bid + ask) / 2.0 + share * (ask - bid) / 2.0))


@dataclass(frozen=True, slots=True)
class FlowState:
    """Volume that takers bought less what they sold, and both together, in quote units, fading with the half-life."""

    trade_ns: int | None = None
    net_quote: float = 0.0
    gross_quote: float = 0.0


def after_trade(
    state: FlowState, now_ns: int, taker_side: Side, notional_quote: float, params: DriftParams
) -> FlowState:
    """State after one public trade of ``notional_quote``, unsigned, in which ``taker_side`` took.

    A notional that is not a positive number, or a trade older than the last one, teaches nothing.
    """
    if not 0.0 < notional_quote < math.inf:
        return state
    if state.trade_ns is None:
        return FlowState(now_ns, notional_quote * taker_side.sign, notional_quote)
    if now_ns < state.trade_ns:
        return state
    keep = _keep(state.trade_ns, now_ns, params)
    return FlowState(
        now_ns, state.net_quote * keep + notional_quote * taker_side.sign, state.gross_quote * keep + notional_quote
    )


def flow_frac(state: FlowState, now_ns: int, params: DriftParams) -> float | None:
    """Net flow over all flow, -1 (takers only sold) to 1 (only bought); None before the first trade.

    Volume short of ``flow_full_quote`` counts as if the rest had been balanced, so that one small trade means little
    and a market gone quiet means nothing.
    """
    if state.trade_ns is None:
        return None
    keep = _keep(state.trade_ns, max(now_ns, state.trade_ns), params)
    share = state.net_quote * keep / max(state.gross_quote * keep, params.flow_full_quote)
    return min(1.0, max(-1.0, share))


def _keep(before_ns: int, now_ns: int, params: DriftParams) -> float:
    return math.exp2((before_ns - now_ns) / (params.flow_halflife_s * 1e9))
