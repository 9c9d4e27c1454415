"""Parameters of one decision, frozen: the pure counterpart of the controller's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.breaker_state import Level
from hummingbot_extensions.core.drift import DriftParams
from hummingbot_extensions.core.exits import ExitParams, HardStopRecovery
from hummingbot_extensions.core.layers import LayerParams, SizeBy, geometry
from hummingbot_extensions.core.leader import LeaderParams
from hummingbot_extensions.core.market_guard import MarketGuardParams
from hummingbot_extensions.core.pricing import Anchor, Mode, PricingParams
from hummingbot_extensions.core.shock import ShockParams
from hummingbot_extensions.core.skew import SkewParams
from hummingbot_extensions.core.spec import param, section
from hummingbot_extensions.core.volatility import VolatilityParams


@dataclass(frozen=True, slots=True)
class QuoteParams:
    """Distances in bps of the mark, sizes in base units, times in milliseconds or seconds as their names say.

    Holds: cancel < order distance < rebalance <= band - margin, and resume < soft limit < hard stop
    <= worst_case_frac x net_max. ``problems`` lists every rule that is broken.
    """

    order_size_base: Decimal = param(
        Decimal("0.002"), "Size of each quote, base units.", "quote", "Size of each quote in base units: ", gt=0
    )
    cancel_distance_bps: float = param(
        2.0, "A quote nearer to mark than this is cancelled at once, bps.", "quote", ge=0, le=500
    )
    rebalance_distance_bps: float = param(
        9.0, "A quote farther from mark than this is replaced, bps.", "quote", gt=0, le=500
    )
    band_bps: float = param(10.0, "Half-width of the paying band around mark, bps.", "quote", gt=0, le=500)
    band_margin_bps: float = param(0.5, "Quotes stay this far inside the band's edge, bps.", "quote", ge=0, le=100)
    resume_limit_base: Decimal = param(
        Decimal("0.006"), "A hard stop ends under this absolute position, base units.", "position", gt=0
    )
    soft_limit_base: Decimal = param(
        Decimal("0.01"),
        "From this absolute position on only the reducing side is quoted, base units.",
        "position",
        "Soft position limit in base units: ",
        gt=0,
    )
    hard_stop_base: Decimal = param(
        Decimal("0.02"),
        "At this absolute position everything is cancelled, base units.",
        "position",
        "Hard stop in base units: ",
        gt=0,
    )
    net_max_base: Decimal = param(
        Decimal("0.05"), "Absolute position cap, base units.", "position", "Absolute position cap in base units: ", gt=0
    )
    worst_case_frac: Decimal = param(
        Decimal("0.5"),
        "Part of the cap that all orders together may reach if every one filled.",
        "position",
        gt=0,
        le=1,
    )
    hard_stop_cooldown_s: float = param(
        30.0, "A hard stop lasts at least this long, seconds.", "position", ge=0, le=86_400
    )
    hard_stop_recovery: HardStopRecovery = param(
        HardStopRecovery.MAKER,
        "After a hard stop: maker (reduce-only quotes), maker_then_taker (later bounded slices), wait (for a person).",
        "position",
    )
    stale_book_ms: float = param(2000.0, "Quotes are pulled when the book is older, ms.", "feed", gt=0, le=60_000)
    stale_mark_ms: float = param(10_000.0, "Quotes are pulled when the mark is older, ms.", "feed", gt=0, le=120_000)
    stale_private_ms: float = param(
        30_000.0, "Quotes are pulled when the account stream showed no life for longer, ms.", "feed", gt=0, le=300_000
    )
    max_mark_mid_divergence_bps: float = param(
        50.0, "Quotes are pulled when mark and mid are farther apart, bps.", "feed", gt=0, le=1000
    )
    min_dwell_ms: float = param(
        3000.0, "A quote is not replaced younger than this, risk apart, ms.", "execution", ge=0, le=60_000
    )
    side_throttle_ms: float = param(
        500.0, "Least time between two placements on a side, ms.", "execution", ge=0, le=60_000
    )
    cancel_retry_ms: float = param(
        3000.0, "An unanswered cancel is sent again after this, ms.", "execution", ge=500, le=60_000
    )
    cancel_budget_per_min: int = param(10, "Most cancels a minute that are not for risk.", "execution", ge=1, le=600)
    basis_halflife_s: float = param(
        15.0, "Half-life of the average mark-to-mid basis, seconds.", "quote", gt=0, le=3600
    )
    breaker_level: Level = param(
        Level.NORMAL,
        "Level held by hand: normal, degraded, pause, cancel_only or stop; breakers may be stricter.",
        "breakers",
    )
    breaker_release: int = param(0, "Change this number to end a stop that the breakers have set.", "breakers", ge=0)
    reject_limit: int = param(
        5,
        "So many rejections within reject_window_s pause quoting; post-only ones do not count.",
        "breakers",
        ge=2,
        le=50,
    )
    reject_window_s: float = param(300.0, "Rejections are counted over this time, seconds.", "breakers", gt=0, le=3600)
    reject_cooldown_s: float = param(
        60.0, "First pause after too many rejections, seconds; doubles up to eightfold.", "breakers", ge=5, le=3600
    )
    latency_degraded_ms: float = param(
        1200.0, "Three orders in a row acknowledged later than this: fewer requests, ms.", "breakers", gt=0, le=60_000
    )
    latency_pause_ms: float = param(
        2000.0,
        "Three orders in a row acknowledged later than this: quotes are pulled, ms.",
        "breakers",
        gt=0,
        le=60_000,
    )
    throttle_limit: int = param(3, "So many 429 answers within 10 s pull the quotes.", "breakers", ge=1, le=50)
    venue_cooldown_s: float = param(
        30.0, "First pause after slow answers or 429, seconds; doubles up to eightfold.", "breakers", ge=5, le=3600
    )
    error_degraded_frac: float = param(
        0.15, "Part of a minute's requests that must fail for fewer to be sent.", "breakers", gt=0, le=1
    )
    failure_limit: int = param(
        3,
        "So many failures in a row (unknown orders, unanswered cancels, foreign positions) lead to safe mode.",
        "breakers",
        ge=2,
        le=50,
    )
    stop_after_trips: int = param(
        6,
        "So many pauses for rejections or failures within an hour stop quoting until a person looks.",
        "breakers",
        ge=2,
        le=100,
    )

    requote_tolerance_bps: float = param(
        1.0, "In modes without a band an order is replaced once it is this far from where it should stand, bps.",
        "quote", gt=0, le=100,
    )  # fmt: skip
    exit_taker_after_s: float = param(
        60.0, "With maker_then_taker: slices that take are sent once a hard stop has lasted this long, seconds.",
        "position", ge=0, le=86_400,
    )  # fmt: skip
    exit_slice_base: Decimal | None = param(
        None, "Largest size of such a slice, base units; left out: order_size_base.", "position", gt=0
    )
    exit_slippage_bps: float = param(
        20.0, "No slice trades farther from mark than this, bps.", "position", gt=0, le=500
    )
    exit_order_wait_s: float = param(
        2.0, "A slice that still rests after this is cancelled, seconds.", "position", gt=0, le=60
    )
    exit_pause_s: float = param(1.0, "Least time between two slices, seconds.", "position", ge=0, le=600)
    maker_fee_bps: Decimal | None = param(
        None, "Maker fee that quotes and the ledger reckon with, bps, negative for a rebate; left out: the venue's.",
        "quote", ge=-100, le=100,
    )  # fmt: skip
    taker_fee_bps: Decimal | None = param(
        None, "Taker fee that the ledger reckons with, bps; left out: the venue's.", "quote", ge=-100, le=100
    )
    queue_position_limit: int = param(
        0, "An order within so many best book levels is cancelled and stands behind them; 0 is off.", "quote",
        ge=0, le=20,
    )  # fmt: skip
    max_live_age_s: float | None = param(
        None, "An order that has rested this long is replaced, seconds; left out: never.", "execution", ge=5, le=86_400
    )
    coalesce_ms: float = param(
        0.0, "What is outdated is replaced this long after it was first seen, all at once, ms; 0: at once.",
        "execution", ge=0, le=5000,
    )  # fmt: skip
    cadence_ms: float = param(
        250.0, "Quotes are looked at anew at least so often; book, order and fill events do so at once, ms.",
        "execution", ge=50, le=1000,
    )  # fmt: skip
    min_turn_interval_ms: float = param(
        0.0, "Least time from one decision to the next: events in between are answered together, ms; 0: at once.",
        "execution", ge=0, le=500,
    )  # fmt: skip
    pricing: PricingParams = section(PricingParams)
    layers: LayerParams = section(LayerParams)
    skew: SkewParams = section(SkewParams)
    volatility: VolatilityParams = section(VolatilityParams)
    drift: DriftParams = section(DriftParams)
    leader: LeaderParams = section(LeaderParams)
    shock: ShockParams = section(ShockParams)
    market_guard: MarketGuardParams = section(MarketGuardParams)

    @property
    def order_distance_bps(self) -> float:
        return self.pricing.order_distance_bps

    @property
    def needs_leader(self) -> bool:
        """Whether a price may depend on another venue's."""
        return self.skew.skew_leader_on or self.pricing.anchor is Anchor.EXTERNAL

    @property
    def worst_case_cap_base(self) -> Decimal:
        """Largest absolute position that may result if every resting and planned order filled."""
        return self.worst_case_frac * self.net_max_base

    @property
    def needs_equity(self) -> bool:
        """Whether a decision depends on the account's equity."""
        return self.layers.size_by is SizeBy.EQUITY or self.layers.low_balance_quote is not None

    def exit_params(self) -> ExitParams:
        """What the way back from a hard stop goes by."""
        return ExitParams(
            self.resume_limit_base, self.exit_slice_base or self.order_size_base, self.hard_stop_recovery,
            self.exit_taker_after_s, self.exit_slippage_bps, self.exit_order_wait_s, self.exit_pause_s,
            self.stale_book_ms, self.stale_mark_ms, self.stale_private_ms, self.max_mark_mid_divergence_bps,
        )  # fmt: skip

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule between fields; empty when all hold."""
        far = self.band_bps - self.band_margin_bps
        cap = self.worst_case_cap_base
        is_banded = self.pricing.mode == Mode.UPTIME
        rules = (
            (
                not is_banded or self.cancel_distance_bps < self.order_distance_bps,
                "cancel_distance_bps",
                f"{self.cancel_distance_bps:g} is not below order_distance_bps {self.order_distance_bps:g}, "
                "so every new quote would be cancelled at once. Lower it or quote farther away (trap T1)",
            ),
            (
                not is_banded or self.order_distance_bps < self.rebalance_distance_bps,
                "rebalance_distance_bps",
                f"{self.rebalance_distance_bps:g} is not above order_distance_bps {self.order_distance_bps:g}, "
                "so every new quote would be replaced at once. Raise it or quote nearer (trap T2)",
            ),
            (
                not is_banded or self.rebalance_distance_bps <= far,
                "rebalance_distance_bps",
                f"{self.rebalance_distance_bps:g} lies beyond band_bps - band_margin_bps = {far:g}, "
                f"so quotes would rest outside the paying band. Set it to {far:g} or less (trap T2)",
            ),
            (
                self.resume_limit_base < self.soft_limit_base,
                "resume_limit_base",
                f"{self.resume_limit_base} is not below soft_limit_base {self.soft_limit_base}. Lower it (trap T3)",
            ),
            (
                self.soft_limit_base < self.hard_stop_base,
                "hard_stop_base",
                f"{self.hard_stop_base} is not above soft_limit_base {self.soft_limit_base}, "
                "so the reduce-only tier could never be reached. Raise it (trap T3)",
            ),
            (
                self.hard_stop_base <= cap,
                "hard_stop_base",
                f"{self.hard_stop_base} is above worst_case_frac x net_max_base = {cap}, "
                "so the hard stop could never be reached. Lower it or raise net_max_base (trap T32)",
            ),
            (
                self.order_size_base < self.hard_stop_base,
                "order_size_base",
                f"{self.order_size_base} is not below hard_stop_base {self.hard_stop_base}, "
                "so one fill would trip the hard stop. Lower it or raise hard_stop_base (trap T4)",
            ),
            (
                self.latency_degraded_ms < self.latency_pause_ms,
                "latency_degraded_ms",
                f"{self.latency_degraded_ms:g} is not below latency_pause_ms {self.latency_pause_ms:g}, "
                "so quoting would pause before it slows down. Lower it",
            ),
        )
        own = [(field, text) for holds, field, text in rules if not holds]
        own += self._cadence_problems()
        own += self._points_problems()
        return [
            *own, *self.pricing.problems(), *self.layers.problems(self.order_size_base), *self.skew.problems(),
            *self.volatility.problems(), *self.drift.problems(), *self.leader.problems(),
        ]  # fmt: skip

    def _cadence_problems(self) -> list[tuple[str, str]]:
        """A silent feed is noticed by the beat: late by less than the age that is allowed."""
        limit_ms, name = min(
            (self.stale_book_ms, "stale_book_ms"), (self.stale_mark_ms, "stale_mark_ms"),
            (self.stale_private_ms, "stale_private_ms"),
        )  # fmt: skip
        slowest_ms = self.cadence_ms + self.min_turn_interval_ms
        if slowest_ms <= limit_ms:
            return []
        text = (
            f"{self.cadence_ms:g} and min_turn_interval_ms {self.min_turn_interval_ms:g} are more than {name} "
            f"{limit_ms:g} together, so a feed that is too old would be noticed at twice that age or later. Lower them"
        )
        return [("cadence_ms", text)]

    def _points_problems(self) -> list[tuple[str, str]]:
        """The layer for points has to stand behind those of the modes, so that neither serves the other's band."""
        pricing = self.pricing
        points = pricing.points_distance_bps
        if points is None or self.layers.problems(self.order_size_base):
            return []
        if not pricing.points_tolerance_bps < points:
            return [(
                "points_tolerance_bps",
                f"{pricing.points_tolerance_bps:g} is not below points_distance_bps {points:g}. Lower it",
            )]  # fmt: skip
        for mode in (pricing.mode, pricing.volatile_mode):
            base = None if mode is None else pricing.base_distance_bps(mode)
            if base is None:
                continue
            deepest, what = base + geometry(self.layers).behind_bps[-1], f"mode {mode}'s last layer"
            if mode == Mode.UPTIME:
                deepest, what = self.band_bps - self.band_margin_bps, "band_bps - band_margin_bps"
            if points <= deepest:
                return [(
                    "points_distance_bps",
                    f"{points:g} is not beyond {what}, {deepest:g}: an order there would serve the mode. Raise it, or "
                    "use layer_count for more orders inside",
                )]  # fmt: skip
        return []
