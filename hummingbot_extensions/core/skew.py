"""How far inventory and signals move a quote from its base distance, term by term.

Terms are in bps away from the mark: positive stands farther on the quote's own side, so lower for a bid and higher for
an ask. One rule binds them all: more inventory never raises a quote. Inventory terms lower both quotes of a long
position or leave them; a signal that would raise a quote of a long position, or lower one of a short position, fades
as soon as the position leaves the dead band.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hummingbot_extensions.core.frozen import quick
from hummingbot_extensions.core.spec import param
from hummingbot_extensions.core.types import Side

Terms = tuple[tuple[str, float], ...]
"""(name, bps away from the mark), in the order in which they are explained."""


@dataclass(frozen=True, slots=True)
class SkewParams:
    """Strengths in bps of the mark, all switched off. ``problems`` lists every rule that is broken.

    Inventory terms work on the share of the way from ``skew_dead_frac`` to the limit: 0 in the dead band, 1 at the
    limit.
    """

    skew_dead_frac: float = param(
        0.05,
        "Inventory, as a fraction of the soft limit, up to which no inventory term moves a quote.",
        "skew",
        ge=0,
        lt=1,
    )
    least_distance_bps: float = param(
        1.5, "No skew brings a quote nearer to mark than this, bps.", "skew", ge=0, le=500
    )
    requote_room_bps: float = param(
        1.5,
        "Room that skew leaves to the band's far end, so that a pushed quote can drift before it is replaced, bps.",
        "skew",
        ge=0,
        le=100,
    )
    signal_fade_frac: float = param(
        0.05,
        "Inventory beyond the dead band, as a fraction of the soft limit, over which a signal against the position "
        "fades to nothing.",
        "skew",
        gt=0,
        le=1,
    )

    skew_linear_on: bool = param(
        False, "Inventory pushes the adding side away and pulls the reducing side nearer: on or off.", "skew"
    )
    skew_push_bps: float = param(
        6.0, "Linear skew: how much farther the adding side stands at the soft limit, bps.", "skew", ge=0, le=500
    )
    skew_pull_bps: float = param(
        4.5, "Linear skew: how much nearer the reducing side stands at the soft limit, bps.", "skew", ge=0, le=500
    )

    skew_shift_on: bool = param(False, "Inventory moves both quotes against the position: on or off.", "skew")
    skew_coeff_frac: float = param(
        0.002,
        "Shift: fraction of mark by which both quotes move at the soft limit; 0.002 is 20 bps.",
        "skew",
        ge=0,
        le=0.05,
    )
    shift_sigma_gain: float = param(
        0.0,
        "Shift: how much larger it is at shift_sigma_full_bps, as a factor less one; 1 doubles it.",
        "skew",
        ge=0,
        le=10,
    )
    shift_sigma_full_bps: float = param(
        1.5, "Shift: sigma from which shift_sigma_gain counts in full, bps.", "skew", gt=0, le=500
    )

    skew_pressure_on: bool = param(
        False, "Inventory beyond a threshold pushes the adding side away: on or off.", "skew"
    )
    pressure_threshold_frac: float = param(
        0.4, "Pressure: inventory, as a fraction of the soft limit, from which it builds.", "skew", ge=0, lt=1
    )
    pressure_strength: float = param(
        0.5,
        "Pressure: part of pressure_scale_bps that it reaches at the soft limit, as a factor.",
        "skew",
        ge=0,
        le=100,
    )
    pressure_exponent: float = param(
        2.5, "Pressure: exponent of the excess; above 1 it builds late, no unit.", "skew", ge=1, le=10
    )
    pressure_scale_bps: float = param(
        6.0, "Pressure: distance that a strength of 1 stands for, bps.", "skew", ge=0, le=500
    )

    skew_funding_on: bool = param(
        False, "Funding that the position pays moves both quotes against it: on or off.", "skew"
    )
    funding_gain: float = param(
        1.0, "Funding: bps of shift at the soft limit for each bps of the rate that is paid.", "skew", ge=0, le=100
    )
    funding_most_bps: float = param(3.0, "Funding: largest shift, bps.", "skew", ge=0, le=500)

    skew_momentum_on: bool = param(False, "A moving mid tilts and widens both quotes: on or off.", "skew")
    momentum_threshold_frac: float = param(
        0.0006,
        "Momentum: drift of the mid from its average, as a fraction of it, from which it counts.",
        "skew",
        ge=0,
        lt=0.01,
    )
    momentum_full_frac: float = param(
        0.0012, "Momentum: drift, as a fraction, from which tilt, spread and spacing are whole.", "skew", gt=0, le=0.01
    )
    momentum_tilt_bps: float = param(
        2.0, "Momentum: how far both quotes move with the drift, bps.", "skew", ge=0, le=500
    )
    momentum_spread_bps: float = param(1.0, "Momentum: how much farther both quotes stand, bps.", "skew", ge=0, le=500)
    momentum_spacing_frac: float = param(
        0.25, "Momentum: how much farther apart layers stand, as a fraction of their spacing.", "skew", ge=0, le=10
    )

    skew_imbalance_on: bool = param(
        False, "Sizes at the best bid and ask tilt both quotes towards the thinner side: on or off.", "skew"
    )
    imbalance_tilt_bps: float = param(
        1.0, "Imbalance: how far both quotes move when one side is empty, bps.", "skew", ge=0, le=500
    )

    skew_flow_on: bool = param(False, "What takers buy and sell tilts both quotes with them: on or off.", "skew")
    flow_tilt_bps: float = param(
        1.0, "Flow: how far both quotes move when takers only buy or only sell, bps.", "skew", ge=0, le=500
    )

    skew_leader_on: bool = param(
        False, "Another venue's price that moved ahead of ours moves both quotes after it: on or off.", "skew"
    )
    leader_gain: float = param(
        0.5, "Leader: part of the lead beyond leader_dead_bps that the quotes follow, as a factor.", "skew", ge=0, le=1
    )
    leader_dead_bps: float = param(
        1.0, "Leader: lead up to which it moves nothing, bps.", "skew", ge=0, le=100
    )
    leader_most_bps: float = param(3.0, "Leader: farthest that it moves the quotes, bps.", "skew", ge=0, le=500)

    skew_size_on: bool = param(False, "Inventory makes orders of the adding side smaller: on or off.", "skew")
    size_skew_frac: float = param(
        0.6, "Size skew: fraction of its size that the adding side loses at the soft limit.", "skew", ge=0, le=1
    )

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule; empty when all hold."""
        amounts = (
            "least_distance_bps", "requote_room_bps", "skew_push_bps", "skew_pull_bps", "skew_coeff_frac",
            "shift_sigma_gain", "pressure_strength", "pressure_scale_bps", "funding_gain", "funding_most_bps",
            "momentum_tilt_bps", "momentum_spread_bps", "momentum_spacing_frac", "imbalance_tilt_bps", "flow_tilt_bps",
            "leader_gain", "leader_dead_bps", "leader_most_bps",
        )  # fmt: skip
        found = [
            (name, f"{getattr(self, name):g} is not 0 or more; its sign is given by the rule. Raise it to 0")
            for name in amounts
            if not 0 <= getattr(self, name) < math.inf
        ]
        rules = (
            (
                0 <= self.skew_dead_frac < 1,
                "skew_dead_frac",
                f"{self.skew_dead_frac:g} is not below 1, so inventory would never count. Set it to 0.05",
            ),
            (
                0 < self.signal_fade_frac <= 1,
                "signal_fade_frac",
                f"{self.signal_fade_frac:g} is not above 0, so a quote would jump where a position leaves the dead "
                "band. Set it to 0.05",
            ),
            (
                0 < self.shift_sigma_full_bps < math.inf,
                "shift_sigma_full_bps",
                f"{self.shift_sigma_full_bps:g} is not above 0. Set it to 1.5",
            ),
            (
                0 <= self.pressure_threshold_frac < 1,
                "pressure_threshold_frac",
                f"{self.pressure_threshold_frac:g} is not below 1, so pressure would never build. Set it to 0.4",
            ),
            (
                1 <= self.pressure_exponent <= 10,
                "pressure_exponent",
                f"{self.pressure_exponent:g} is not between 1 and 10. Set it to 2.5",
            ),
            (
                0 <= self.momentum_threshold_frac < self.momentum_full_frac < math.inf,
                "momentum_threshold_frac",
                f"{self.momentum_threshold_frac:g} is not below momentum_full_frac {self.momentum_full_frac:g}. "
                "Lower it",
            ),
            (
                0 <= self.size_skew_frac <= 1,
                "size_skew_frac",
                f"{self.size_skew_frac:g} is not between 0 and 1. Set it to 0.6",
            ),
        )
        return found + [(field, text) for holds, field, text in rules if not holds]


@quick
@dataclass(frozen=True, slots=True)
class SkewInputs:
    """What the terms depend on; a signal that is None, or not a number, gives no term."""

    inventory_frac: float
    """Position over its limit, long positive; beyond the limit counts as at the limit."""
    funding_rate_frac: float | None
    """Rate of one funding interval; positive is paid by long positions."""
    drift_frac: float | None
    imbalance_frac: float | None
    flow_frac: float | None
    sigma_bps: float | None = None
    leader_frac: float | None = None
    """Another venue's price, its basis against ours removed, over our mid, less one; positive while it is ahead."""


def inventory_share(inventory_frac: float, params: SkewParams) -> float:
    """Unsigned share of the way from the dead band to the limit, 0 to 1; ValueError when it is not a number.

    >>> inventory_share(-0.625, SkewParams(skew_dead_frac=0.25))
    0.5
    """
    if inventory_frac != inventory_frac:
        raise ValueError("inventory_frac is not a number")
    size, dead = abs(inventory_frac), params.skew_dead_frac
    if size > 1.0:
        size = 1.0
    return (size - dead) / (1.0 - dead) if size > dead else 0.0


def terms(side: Side, inputs: SkewInputs, params: SkewParams) -> Terms:
    """Named terms of a quote on ``side`` in bps away from the mark; none while everything is off or nothing moves it.

    The sum is not clamped: ``clamped_distance`` does that. ValueError when the inventory is not a number.
    """
    inventory = inputs.inventory_frac
    share = inventory_share(inventory, params)
    # Which way inventory moves this side: farther where a fill would add, nearer where it would reduce.
    away = (inventory > 0.0) - (inventory < 0.0) if side is Side.BUY else (inventory < 0.0) - (inventory > 0.0)
    found: list[tuple[str, float]] = []
    if share > 0.0:
        if params.skew_linear_on:
            push, pull = params.skew_push_bps * share, -params.skew_pull_bps * share
            found.append(("push", push) if away > 0 else ("pull", pull))
        if params.skew_shift_on:
            found.append(("shift", away * share * _shift_bps(inputs.sigma_bps, params)))
        if params.skew_funding_on:
            paid = _number(inputs.funding_rate_frac) * (1.0 if inventory > 0.0 else -1.0)
            if paid > 0.0:
                most = min(params.funding_most_bps, params.funding_gain * paid * 1e4)
                found.append(("funding", away * share * most))
    if params.skew_pressure_on and away > 0:
        pressure = pressure_bps(inventory, params)
        if pressure > 0.0:
            found.append(("pressure", pressure))
    if params.skew_momentum_on or params.skew_imbalance_on or params.skew_flow_on or params.skew_leader_on:
        _add_signals(found, 1.0 if side is Side.BUY else -1.0, away, inputs, params)
    return tuple(found)


def _add_signals(
    found: list[tuple[str, float]], sign: float, away: int, inputs: SkewInputs, params: SkewParams
) -> None:
    """Append the terms of the signals; one that works against the position is scaled down."""
    beyond = abs(inputs.inventory_frac) - params.skew_dead_frac
    against = 1.0 if beyond <= 0.0 else max(0.0, 1.0 - beyond / params.signal_fade_frac)
    pulls = []
    if params.skew_momentum_on:
        level = momentum_level(inputs.drift_frac, params)
        pulls.append(("momentum", -sign * level * params.momentum_tilt_bps))
        pulls.append(("momentum_spread", abs(level) * params.momentum_spread_bps))
    if params.skew_imbalance_on:
        pulls.append(("imbalance", -sign * _signal(inputs.imbalance_frac) * params.imbalance_tilt_bps))
    if params.skew_flow_on:
        pulls.append(("flow", -sign * _signal(inputs.flow_frac) * params.flow_tilt_bps))
    if params.skew_leader_on:
        pulls.append(("leader", -sign * leader_bps(inputs.leader_frac, params)))
    for name, bps in pulls:
        kept = bps * against if bps * away < 0.0 else bps
        if kept != 0.0:
            found.append((name, kept))


def leader_bps(leader_frac: float | None, params: SkewParams) -> float:
    """How far both quotes follow the leader, up positive: 0 in the dead zone, then linear, at most so many bps.

    >>> leader_bps(0.01, SkewParams()), leader_bps(-0.01, SkewParams()), leader_bps(None, SkewParams())
    (3.0, -3.0, 0.0)
    """
    lead = _number(leader_frac) * 1e4
    beyond = min(params.leader_most_bps, params.leader_gain * max(0.0, abs(lead) - params.leader_dead_bps))
    return math.copysign(beyond, lead) if beyond else 0.0


def _shift_bps(sigma_bps: float | None, params: SkewParams) -> float:
    """Shift of the reservation price at the limit: larger while the price is volatile, bounded."""
    volatile = min(1.0, max(0.0, _number(sigma_bps)) / params.shift_sigma_full_bps)
    return params.skew_coeff_frac * 1e4 * (1.0 + params.shift_sigma_gain * volatile)


def pressure_bps(inventory_frac: float, params: SkewParams) -> float:
    """Push on the adding side: 0 up to the threshold, then rising ever faster to strength x scale at the limit.

    scale x strength x excess^exponent, where excess is the share of the way from the threshold to the limit.

    >>> round(pressure_bps(0.7, SkewParams(pressure_exponent=2.0)), 6)
    0.75
    """
    threshold = params.pressure_threshold_frac
    excess = (min(1.0, abs(inventory_frac)) - threshold) / (1.0 - threshold)
    if excess <= 0.0:
        return 0.0
    return float(params.pressure_scale_bps * params.pressure_strength * excess**params.pressure_exponent)


def momentum_level(drift_frac: float | None, params: SkewParams) -> float:
    """How much of the momentum terms applies, -1 (falling) to 1 (rising): 0 to the threshold, then linear, then whole.

    >>> round(momentum_level(-0.0009, SkewParams()), 6)
    -0.5
    """
    drift = _number(drift_frac)
    threshold = params.momentum_threshold_frac
    excess = abs(drift) - threshold
    if excess <= 0.0:
        return 0.0
    level = min(1.0, excess / (params.momentum_full_frac - threshold))
    return level if drift > 0.0 else -level


def spacing_scale(drift_frac: float | None, params: SkewParams) -> float:
    """Factor on the spacing of layers, 1 to 1 + ``momentum_spacing_frac``; 1 while off."""
    if not params.skew_momentum_on:
        return 1.0
    return 1.0 + params.momentum_spacing_frac * abs(momentum_level(drift_frac, params))


def adding_size_frac(inventory_frac: float, params: SkewParams) -> float:
    """Part of its size that the side which adds to the position keeps, 1 down to 1 - ``size_skew_frac`` at the limit.

    The reducing side always keeps all of it. 1 while off and in the dead band.
    """
    if not params.skew_size_on:
        return 1.0
    return 1.0 - params.size_skew_frac * inventory_share(inventory_frac, params)


def clamped_distance(
    base_bps: float, found: Terms, params: SkewParams, far_bps: float = math.inf
) -> tuple[float, float]:
    """(distance, clamp) in bps from the mark: base + terms + clamp = distance.

    Terms move a quote no nearer than ``least_distance_bps`` and no farther than ``far_bps - requote_room_bps``, where
    ``far_bps`` is the band less its margin, or infinite where no band pays. A base outside of that stays where it is:
    no terms, no clamp.

    >>> clamped_distance(6.0, (("push", 6.0),), SkewParams(), 9.5)
    (8.0, -4.0)
    """
    if not found:
        return base_bps, 0.0
    wanted = base_bps
    for _, bps in found:
        wanted += bps
    least = min(base_bps, params.least_distance_bps)
    most = max(base_bps, far_bps - params.requote_room_bps)
    distance = min(most, max(least, wanted))
    return distance, distance - wanted


def too_near_bps(cancel_bps: float, skewed_bps: float, base_bps: float) -> float:
    """Distance under which an order is too near: the configured one, or less in proportion where skew pulled it.

    ``skewed_bps`` is the distance with terms and without volatility widening.
    """
    return cancel_bps * min(1.0, skewed_bps / base_bps)


def too_far_bps(rebalance_bps: float, intended_bps: float, base_bps: float, far_bps: float) -> float:
    """Distance beyond which an order is too far: as much beyond the intended one as configured beyond the base.

    Never beyond ``far_bps``, the band less its margin.
    """
    return min(intended_bps + rebalance_bps - base_bps, far_bps)


def _number(value: float | None) -> float:
    """The value itself, 0 for a missing one or one that is not a number."""
    return value if value is not None and value == value else 0.0


def _signal(value: float | None) -> float:
    number = _number(value)
    return -1.0 if number < -1.0 else 1.0 if number > 1.0 else number
