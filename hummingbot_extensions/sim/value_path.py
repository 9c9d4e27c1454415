"""The state of the world that synthetic agents share: latent value, volatility, depth, and the width of the touch."""

from __future__ import annotations

from math import exp, sqrt
from random import Random

from hummingbot_extensions.sim.agents import AgentParams

NS_PER_S = 1e9


class ValuePath:
    """Latent value in ticks and the touch that makers agree on, one step at a time.

    The touch stays where it is until the value has left it by ``stickiness_bps``, then jumps onto the value: this is
    why most frames of the real market show the best price of the frame before.
    """

    __slots__ = (
        "_params", "_rng", "_bps_ticks", "_dt_s", "value_ticks", "touch_ticks", "_volatility_z", "_drift_z",
        "_depth_z", "gap_ticks", "gap_above",
    )  # fmt: skip

    def __init__(self, params: AgentParams, rng: Random, start_ticks: int) -> None:
        self._params = params
        self._rng = rng
        self._bps_ticks = start_ticks * 1e-4
        self._dt_s = params.step_ns / NS_PER_S
        self.value_ticks = float(start_ticks)
        self.touch_ticks = start_ticks
        self._volatility_z = rng.gauss(0.0, 1.0)
        self._drift_z = rng.gauss(0.0, 1.0)
        self._depth_z = rng.gauss(0.0, 1.0)
        self.gap_ticks = 1
        self.gap_above = True

    @property
    def volatility(self) -> float:
        """Volatility over its median."""
        return exp(self._params.volatility_log_sd * self._volatility_z)

    @property
    def depth(self) -> float:
        """Depth over its median; it falls deeper than it rises."""
        params, z = self._params, self._depth_z
        return exp(z * (params.depth_log_sd_up if z > 0 else params.depth_log_sd_down))

    @property
    def best_bid_ticks(self) -> int:
        """Where makers want the best bid; never below one tick."""
        return max(1, self.touch_ticks - (0 if self.gap_above else self.gap_ticks - 1))

    @property
    def best_ask_ticks(self) -> int:
        return self.best_bid_ticks + self.gap_ticks

    def step(self) -> None:
        params, rng, dt_s = self._params, self._rng, self._dt_s
        gauss = rng.gauss
        self._volatility_z = self._reverting(self._volatility_z, params.volatility_tau_s)
        self._depth_z = self._reverting(self._depth_z, params.depth_tau_s)
        self._drift_z = self._reverting(self._drift_z, params.drift_tau_s)
        move_bps = params.value_sigma_bps * sqrt(dt_s) * gauss(0.0, 1.0) + params.drift_bps_per_s * dt_s * self._drift_z
        if rng.random() < params.jump_per_s * dt_s:
            move_bps += params.jump_bps * gauss(0.0, 1.0)
        self.value_ticks = max(1.0, self.value_ticks * exp(1e-4 * move_bps * self.volatility))
        if abs(self.value_ticks - self.touch_ticks) > params.stickiness_bps * self._bps_ticks:
            self.touch_ticks = max(1, round(self.value_ticks))
        if self.gap_ticks == 1:
            if rng.random() < params.gap_per_s * dt_s:
                width = params.gap_median_bps * exp(params.gap_log_sd * gauss(0.0, 1.0))
                self.gap_ticks = 1 + max(1, round(width * self._bps_ticks))
                self.gap_above = rng.random() < 0.5
        elif rng.random() < params.gap_close_per_s * dt_s:
            self.gap_ticks = 1

    def _reverting(self, z: float, tau_s: float) -> float:
        """The next value of a standard normal that forgets itself over ``tau_s``."""
        decay = exp(-self._dt_s / tau_s)
        return decay * z + sqrt(1.0 - decay * decay) * self._rng.gauss(0.0, 1.0)
