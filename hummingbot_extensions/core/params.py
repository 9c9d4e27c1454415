"""Parameters of one decision, frozen: the pure counterpart of the controller's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hummingbot_extensions.core.breaker_state import Level


class HardStopRecovery(StrEnum):
    """Way back after a hard stop: reduce as a maker, or wait for a person."""

    MAKER = "maker"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class QuoteParams:
    """Distances in bps of the mark, sizes in base units, times in milliseconds or seconds as their names say.

    Holds: cancel < order distance < rebalance <= band - margin, and resume < soft limit < hard stop
    <= worst_case_frac x net_max. ``problems`` lists every rule that is broken.
    """

    order_distance_bps: float
    cancel_distance_bps: float
    rebalance_distance_bps: float
    band_bps: float
    band_margin_bps: float
    order_size_base: Decimal
    resume_limit_base: Decimal
    soft_limit_base: Decimal
    hard_stop_base: Decimal
    net_max_base: Decimal
    worst_case_frac: Decimal
    hard_stop_cooldown_s: float
    hard_stop_recovery: HardStopRecovery
    stale_book_ms: float
    stale_mark_ms: float
    stale_private_ms: float
    max_mark_mid_divergence_bps: float
    min_dwell_ms: float
    side_throttle_ms: float
    cancel_retry_ms: float
    cancel_budget_per_min: int
    basis_halflife_s: float
    breaker_level: Level = Level.NORMAL
    breaker_release: int = 0
    reject_limit: int = 5
    reject_window_s: float = 300.0
    reject_cooldown_s: float = 60.0
    latency_degraded_ms: float = 1200.0
    latency_pause_ms: float = 2000.0
    throttle_limit: int = 3
    venue_cooldown_s: float = 30.0
    error_degraded_frac: float = 0.15
    failure_limit: int = 3
    stop_after_trips: int = 6

    @property
    def worst_case_cap_base(self) -> Decimal:
        """Largest absolute position that may result if every resting and planned order filled."""
        return self.worst_case_frac * self.net_max_base

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule between fields; empty when all hold."""
        far = self.band_bps - self.band_margin_bps
        cap = self.worst_case_cap_base
        rules = (
            (
                self.cancel_distance_bps < self.order_distance_bps,
                "cancel_distance_bps",
                f"{self.cancel_distance_bps:g} is not below order_distance_bps {self.order_distance_bps:g}, "
                "so every new quote would be cancelled at once. Lower it or quote farther away",
            ),
            (
                self.order_distance_bps < self.rebalance_distance_bps,
                "rebalance_distance_bps",
                f"{self.rebalance_distance_bps:g} is not above order_distance_bps {self.order_distance_bps:g}, "
                "so every new quote would be replaced at once. Raise it or quote nearer",
            ),
            (
                self.rebalance_distance_bps <= far,
                "rebalance_distance_bps",
                f"{self.rebalance_distance_bps:g} lies beyond band_bps - band_margin_bps = {far:g}, "
                f"so quotes would rest outside the paying band. Set it to {far:g} or less",
            ),
            (
                self.resume_limit_base < self.soft_limit_base,
                "resume_limit_base",
                f"{self.resume_limit_base} is not below soft_limit_base {self.soft_limit_base}. Lower it",
            ),
            (
                self.soft_limit_base < self.hard_stop_base,
                "hard_stop_base",
                f"{self.hard_stop_base} is not above soft_limit_base {self.soft_limit_base}, "
                "so the reduce-only tier could never be reached. Raise it",
            ),
            (
                self.hard_stop_base <= cap,
                "hard_stop_base",
                f"{self.hard_stop_base} is above worst_case_frac x net_max_base = {cap}, "
                "so the hard stop could never be reached. Lower it or raise net_max_base",
            ),
            (
                self.order_size_base < self.hard_stop_base,
                "order_size_base",
                f"{self.order_size_base} is not below hard_stop_base {self.hard_stop_base}, "
                "so one fill would trip the hard stop. Lower it or raise hard_stop_base",
            ),
            (
                self.latency_degraded_ms < self.latency_pause_ms,
                "latency_degraded_ms",
                f"{self.latency_degraded_ms:g} is not below latency_pause_ms {self.latency_pause_ms:g}, "
                "so quoting would pause before it slows down. Lower it",
            ),
        )
        return [(field, text) for holds, field, text in rules if not holds]
