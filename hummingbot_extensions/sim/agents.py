"""Figures of the synthetic agents, in one place. Distances are bps of the price, sizes base units, times seconds.

Set so that a generated market looks like the recorded StandX BTC-USD market of January 2026; the command
``python -m hummingbot_extensions.sim.statistics`` prints what comes out beside what was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgentParams:
    """What the agents do. Every field feeds a draw, none is a measured outcome."""

    step_ns: int = 125_000_000
    """Agents look at the market once a step; takers arrive at any millisecond between."""
    frame_ns: int = 250_000_000
    """Beat of the frames; a multiple of ``step_ns``."""

    # The latent value that makers follow: clustered volatility, a drift that lasts seconds, rare large steps.
    value_sigma_bps: float = 0.20
    """Standard deviation of one second at ordinary volatility, large steps apart."""
    volatility_log_sd: float = 0.54
    volatility_tau_s: float = 42.0
    drift_bps_per_s: float = 0.096
    """Standard deviation of the value's drift at ordinary volatility: why moves grow faster than the root of time."""
    drift_tau_s: float = 6.2
    jump_per_s: float = 0.005
    jump_bps: float = 4.05
    """Standard deviation of a large step at ordinary volatility."""

    # Makers: a touch that stays put until the value has left it, and a ladder behind.
    stickiness_bps: float = 0.60
    gap_per_s: float = 0.30
    """Rate at which a one-tick spread opens."""
    gap_close_per_s: float = 0.30
    gap_median_bps: float = 0.081
    gap_log_sd: float = 1.43
    touch_orders: int = 2
    ladder_orders: int = 34
    ladder_spacing_bps: float = 0.155
    deep_orders: int = 12
    deep_spacing_bps: float = 3.0
    order_median_base: float = 0.0945
    order_log_sd: float = 1.4
    order_max_base: float = 3.0
    touch_size_factor: float = 1.0
    deep_size_factor: float = 12.0
    depth_log_sd_up: float = 0.18
    depth_log_sd_down: float = 1.35
    depth_tau_s: float = 60.0
    refresh_per_s: float = 8.0
    """Orders that are withdrawn and placed anew for no reason of price."""
    tolerance_frac: float = 0.35
    """An order is moved once its distance from the touch is off by more than this share of the one it wants."""

    # Takers: groups that share a millisecond, mostly of one.
    taker_groups_per_s: float = 0.77
    taker_burst_exponent: float = 1.7
    taker_burst_max: int = 36
    """Takers of one millisecond; each may meet several makers, which gives the recording's 58 prints at one time."""
    taker_median_base: float = 0.00085
    taker_log_sd: float = 2.12
    taker_max_base: float = 2.0
    taker_informed_frac: float = 0.35
    """Share of groups that trade towards the value, when it stands away from the touch."""
    taker_volatility_exponent: float = 0.7

    # Arbitrage: eats orders (ours; makers withdraw in time) that the value has passed.
    arbitrage_edge_bps: float = 0.9
    """Taken only when this far on the wrong side; above ``stickiness_bps``, or makers that stay put would be eaten."""
    arbitrage_per_s: float = 4.0
    arbitrage_median_base: float = 0.2

    size_factor: float = 1.0
    """Scales every size: about 100,000 over the price suits other markets."""

    def __post_init__(self) -> None:
        if self.step_ns <= 0 or self.frame_ns <= 0 or self.frame_ns % self.step_ns:
            raise ValueError(f"frame_ns {self.frame_ns} must be a positive multiple of step_ns {self.step_ns}")
        if self.arbitrage_edge_bps <= self.stickiness_bps:
            raise ValueError(f"arbitrage_edge_bps {self.arbitrage_edge_bps} must exceed {self.stickiness_bps}")
        if self.step_ns % 1_000_000:
            raise ValueError(f"step_ns {self.step_ns} must be whole milliseconds")


DEFAULT_AGENTS = AgentParams()
