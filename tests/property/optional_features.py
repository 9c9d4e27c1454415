"""Every parameter by what switches it off: the table behind N16, and random values from each parameter's own spec."""

from __future__ import annotations

import random
import types
import typing
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import Mode
from hummingbot_extensions.core.spec import Spec, specs
from hummingbot_extensions.core.startup import StartupParams

D = Decimal
SKEWS = (
    "skew_linear_on", "skew_shift_on", "skew_pressure_on", "skew_funding_on", "skew_momentum_on", "skew_imbalance_on",
    "skew_flow_on", "skew_leader_on", "skew_size_on",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Feature:
    """Optional behaviour: with ``off`` in force the parameters of ``about`` mean nothing, with ``on`` they do."""

    off: dict[str, Any]
    on: dict[str, Any]
    about: tuple[str, ...] = ()


FEATURES: dict[str, Feature] = {
    "rebate": Feature(
        {"mode": "uptime", "volatile_mode": None}, {"mode": "rebate"}, ("rebate_improve_ticks", "rebate_standoff_bps")),
    "spread": Feature({"mode": "uptime", "volatile_mode": None}, {"mode": "simple"}, ("half_spread_bps",)),
    "adaptive": Feature(
        {"mode": "uptime", "volatile_mode": None}, {"mode": "adaptive", "sigma_on": True}, ("adaptive_per_sigma_bps",)),
    "avellaneda": Feature(
        {"mode": "uptime", "volatile_mode": None}, {"mode": "avellaneda", "sigma_on": True},
        ("avellaneda_half_spread_bps", "avellaneda_inventory_bps", "avellaneda_per_sigma", "avellaneda_per_funding")),
    "geometric": Feature({"mode": "uptime", "volatile_mode": None}, {"mode": "geometric"}, ("start_offset_bps",)),
    "own_pricer": Feature(
        {"mode": "uptime", "volatile_mode": None}, {"mode": "tests.support.own_pricer:leaning"}, ("own_params",)),
    "no_band": Feature(
        {"mode": "uptime", "volatile_mode": None, "pinning_enter_frac": None}, {"mode": "simple"},
        ("requote_tolerance_bps",)),
    "band": Feature(
        {"mode": "simple", "volatile_mode": None}, {"mode": "uptime"},
        ("order_distance_bps", "rebalance_distance_bps", "band_margin_bps", "band_bps")),
    "anchor": Feature({"anchor": "mark"}, {"anchor": "micro"}),
    "points": Feature(
        {"points_distance_bps": None}, {"points_distance_bps": 25.0, "points_tolerance_bps": 0.5, "min_dwell_ms": 0.0,
                                        "points_dwell_ms": 0.0},
        ("points_dwell_ms", "points_size_frac", "points_tolerance_bps")),
    "floor": Feature({"min_distance_bps": None}, {"min_distance_bps": 7.0}),
    "fee_floor": Feature({"fee_buffer_bps": None}, {"fee_buffer_bps": 7.0}),
    "own_maker_fee": Feature({"maker_fee_bps": None}, {"maker_fee_bps": D(5), "fee_buffer_bps": 3.0}),
    "own_taker_fee": Feature({"taker_fee_bps": None}, {}),
    "breakeven": Feature({"breakeven": False}, {"breakeven": True}),
    "ping_pong": Feature({"ping_pong": False}, {"ping_pong": True}),
    "pinning": Feature(
        {"pinning_enter_frac": None}, {"pinning_enter_frac": 0.45, "mode_min_stay_s": 0.0},
        ("pinning_leave_frac", "pinning_width_bps", "rebate_improve_ticks", "rebate_standoff_bps")),
    "volatile_mode": Feature(
        {"volatile_mode": None}, {"volatile_mode": "simple", "volatility_on": True, "mode_min_stay_s": 0.0,
                                  "volatile_enter_bps": 2.0, "volatile_leave_bps": 1.0},
        ("volatile_enter_bps", "volatile_leave_bps")),
    "mode_switch": Feature(
        {"volatile_mode": None, "pinning_enter_frac": None}, {"pinning_enter_frac": 0.41}, ("mode_min_stay_s",)),
    "layers": Feature(
        {"layer_count": 1}, {"layer_count": 5, "order_size_base": D("0.0012"), "max_spacing_bps": 1.5},
        ("first_spacing_bps", "spacing_multiplier", "max_spacing_bps", "size_decay", "adding_cut_frac")),
    "small_layers": Feature(
        {"small_layers": "drop"}, {"small_layers": "merge", "layer_count": 6, "order_size_base": D("0.0002"),
                                   "size_decay": D("0.8")}),
    "size_by_value": Feature({"size_by": "base"}, {"size_by": "notional"}, ("layer_notional_quote",)),
    "size_by_equity": Feature(
        {"size_by": "base"}, {"size_by": "equity", "layer_equity_frac": D("0.01")}, ("layer_equity_frac",)),
    "low_balance": Feature(
        {"low_balance_quote": None}, {"low_balance_quote": D(10**9)},
        ("low_balance_widen_bps", "low_balance_size_frac")),
    "side_cap": Feature(
        {"side_notional_cap_quote": None}, {"side_notional_cap_quote": D(150), "layer_count": 3,
                                            "order_size_base": D("0.001")}),
    "largest_order": Feature({"max_order_size_base": None}, {"max_order_size_base": D("0.0011")}),
    "shrinking": Feature(
        {"shrink_from_bps": None}, {"shrink_from_bps": 0.5, "volatility_on": True, "shrink_until_bps": 3.0},
        ("shrink_until_bps", "shrink_to_frac")),
    "skew_linear": Feature(
        {"skew_linear_on": False}, {"skew_linear_on": True}, ("skew_push_bps", "skew_pull_bps")),
    "skew_shift": Feature(
        {"skew_shift_on": False}, {"skew_shift_on": True, "shift_sigma_gain": 1.0, "sigma_on": True,
                                   "skew_coeff_frac": 0.0002},
        ("skew_coeff_frac", "shift_sigma_gain", "shift_sigma_full_bps")),
    "skew_pressure": Feature(
        {"skew_pressure_on": False}, {"skew_pressure_on": True},
        ("pressure_threshold_frac", "pressure_strength", "pressure_exponent", "pressure_scale_bps")),
    "skew_funding": Feature(
        {"skew_funding_on": False}, {"skew_funding_on": True}, ("funding_gain", "funding_most_bps")),
    "skew_momentum": Feature(
        {"skew_momentum_on": False}, {"skew_momentum_on": True, "momentum_threshold_frac": 0.0, "layer_count": 3,
                                      "first_spacing_bps": 0.3, "order_size_base": D("0.001")},
        ("momentum_threshold_frac", "momentum_full_frac", "momentum_tilt_bps", "momentum_spread_bps",
         "momentum_spacing_frac", "momentum_alpha", "momentum_beat_ms")),
    "skew_imbalance": Feature(
        {"skew_imbalance_on": False}, {"skew_imbalance_on": True}, ("imbalance_tilt_bps",)),
    "skew_flow": Feature(
        {"skew_flow_on": False}, {"skew_flow_on": True}, ("flow_tilt_bps", "flow_halflife_s", "flow_full_quote")),
    "skew_leader": Feature(
        {"skew_leader_on": False}, {"skew_leader_on": True, "leader_dead_bps": 0.1, "leader_gain": 1.0},
        ("leader_gain", "leader_dead_bps", "leader_most_bps")),
    "leader": Feature(
        {"skew_leader_on": False, "anchor": "mark"}, {"skew_leader_on": True, "leader_dead_bps": 0.1},
        ("leader_basis_halflife_s", "stale_leader_ms")),
    "skew_size": Feature({"skew_size_on": False}, {"skew_size_on": True}, ("size_skew_frac",)),
    "skews": Feature(
        dict.fromkeys(SKEWS, False), {"skew_linear_on": True, "skew_imbalance_on": True, "imbalance_tilt_bps": 4.0},
        ("skew_dead_frac", "least_distance_bps", "requote_room_bps", "signal_fade_frac")),
    "volatility": Feature(
        {"volatility_on": False}, {"volatility_on": True, "volatility_pause_bps": 2.0, "volatility_calm_s": 0.5},
        ("volatility_pause_bps", "volatility_resume_frac", "volatility_calm_s", "volatility_widen_from_frac",
         "volatility_widen_bps")),
    "range": Feature(
        {"volatility_on": False, "sigma_on": False}, {"volatility_on": True}, ("volatility_window_s",)),
    "sigma": Feature(
        {"sigma_on": False}, {"sigma_on": True, "mode": "adaptive", "adaptive_per_sigma_bps": 2.0},
        ("sigma_window_s", "sigma_sample_ms")),
    "tolerance": Feature(
        {"tolerance_on": False}, {"tolerance_on": True, "sigma_on": True, "mode": "simple", "half_spread_bps": 6.0},
        ("tolerance_from_bps", "tolerance_full_bps", "tolerance_most_scale")),
    "shock": Feature(
        {"shock_on": False}, {"shock_on": True, "shock_frac": 0.001}, ("shock_frac", "shock_window_s")),
    "market_guard": Feature(
        {"guard_action": "off"}, {"guard_action": "widen", "guard_spread_bps": 1.0, "guard_depth_quote": D(100_000)},
        ("guard_spread_bps", "guard_depth_bps", "guard_depth_quote", "guard_widen_bps", "guard_resume_s")),
    "queue": Feature({"queue_position_limit": 0}, {"queue_position_limit": 3}),
    "age": Feature({"max_live_age_s": None}, {"max_live_age_s": 5.0, "min_dwell_ms": 0.0}),
    "coalescing": Feature({"coalesce_ms": 0.0}, {"coalesce_ms": 3000.0}),
    "taker_exit": Feature(
        {"hard_stop_recovery": "maker"}, {"hard_stop_recovery": "maker_then_taker", "exit_taker_after_s": 0.0},
        ("exit_taker_after_s", "exit_slice_base", "exit_slippage_bps", "exit_order_wait_s", "exit_pause_s")),
    "turn_interval": Feature({"min_turn_interval_ms": 0.0}, {}),
    "hand_level": Feature({"breaker_level": "normal"}, {"breaker_level": "pause"}),
    "flatten": Feature({"startup_policy": "adopt"}, {}, ("flatten_slippage_bps",)),
    "barriers": Feature(
        {"execution": "quote"}, {},
        ("stop_loss_bps", "take_profit_bps", "time_limit_s", "trailing_activation_bps", "trailing_delta_bps",
         "is_take_profit_maker")),
    **{name: Feature({name: None}, {}) for name in (
        "max_open_orders", "max_open_orders_account", "max_net_quote", "max_net_account_quote", "max_resting_quote",
        "max_side_resting_quote", "min_available_quote", "liquidation_distance_stop_frac",
        "liquidation_distance_shrink_frac", "margin_ratio_stop", "margin_ratio_shrink", "daily_orders",
        "daily_turnover_quote", "daily_added_base")},
}  # fmt: skip
"""What can be off. ``on`` is empty where a decision knows nothing of it: the gate, the start, the executors, or what is
refused in a file because nothing feeds it yet.
"""
ELSEWHERE = {"guard_depth_bps", "exit_order_wait_s", "exit_pause_s", "flatten_slippage_bps"}
"""Read by the shell while it acts, not by a decision or a slice."""
ALWAYS = {
    "order_size_base", "resume_limit_base", "soft_limit_base", "hard_stop_base", "net_max_base", "worst_case_frac",
    "hard_stop_cooldown_s", "stale_book_ms", "stale_mark_ms", "stale_private_ms", "max_mark_mid_divergence_bps",
    "cancel_distance_bps", "cadence_ms", "min_dwell_ms", "side_throttle_ms", "cancel_retry_ms", "cancel_budget_per_min",
    "basis_halflife_s", "breaker_release", "reject_limit", "reject_window_s", "reject_cooldown_s",
    "latency_degraded_ms", "latency_pause_ms", "throttle_limit", "venue_cooldown_s", "error_degraded_frac",
    "failure_limit", "stop_after_trips", "max_price_deviation_frac",
}
"""In force always: sizes, limits, ages and pacing that nobody can trade without."""
KINDS = (QuoteParams, StartupParams, GateParams)
"""Classes whose parameters are known without Hummingbot; tests/unit/execution adds those of position mode."""
POSITION_MODE = {"execution", *FEATURES["barriers"].about}
"""Their switch is a field that only a start reads."""


def all_specs() -> dict[str, Spec]:
    return {one.name: one for kind in KINDS for one in specs(kind)}


def decision_specs() -> dict[str, Spec]:
    return {one.name: one for one in specs(QuoteParams)}


def placed() -> dict[str, list[str]]:
    """Where the table above names each parameter."""
    found: dict[str, list[str]] = {name: ["ALWAYS"] for name in ALWAYS}
    for feature_name, feature in FEATURES.items():
        for name in (*feature.off, *feature.about):
            found.setdefault(name, []).append(feature_name)
    return found


MODES = ("uptime", "rebate", "simple", "adaptive", "avellaneda", "geometric")
assert {*MODES} | {"pinning"} >= {mode.value for mode in Mode}, "a new mode"


def random_value(one: Spec, rng: random.Random) -> Any:
    """A value that the spec's type and bounds allow, the edges often; lower than 500 where there is no upper bound."""
    kind, bounds = one.type, one.bounds
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if type(None) in options:
        if rng.random() < 0.3:
            return None
        kind = next(option for option in options if option is not type(None))
    if kind is bool:
        return rng.random() < 0.5
    if isinstance(kind, type) and issubclass(kind, Enum):
        return rng.choice([each for each in kind if each.value != "external"])
    if kind is str:
        return rng.choice(MODES)
    low, high = bounds.get("ge", bounds.get("gt", 0.0)), bounds.get("le", bounds.get("lt", 500.0))
    if kind is int:
        return rng.randint(int(low) + ("gt" in bounds), int(min(high, low + 30)))
    edges = [edge for edge, name in ((low, "ge"), (high, "le")) if name in bounds]
    inside = low + (high - low) * 10 ** rng.uniform(-4.0, 0.0) * 0.999
    value = rng.choice(edges) if edges and rng.random() < 0.2 else inside
    return D(repr(round(value, 6))) if kind is D else float(value)
