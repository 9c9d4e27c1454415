"""Which mode prices now: the configured one, another by volatility, or pinning by inventory; and ping-pong's sides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hummingbot_extensions.core.pricing import Mode, PricingParams
from hummingbot_extensions.core.types import Side


class Reached(StrEnum):
    """What the mode was reached by."""

    CONFIGURED = "configured"
    VOLATILITY = "volatility"
    INVENTORY = "inventory"


@dataclass(frozen=True, slots=True)
class ModeState:
    """``switched_ns`` is the monotonic time of the last switch, None before the first."""

    reached: Reached = Reached.CONFIGURED
    switched_ns: int | None = None

    def mode(self, params: PricingParams) -> str:
        """Name of the pricer that prices in this state."""
        if self.reached is Reached.INVENTORY:
            return Mode.PINNING.value
        if self.reached is Reached.VOLATILITY and params.volatile_mode is not None:
            return params.volatile_mode
        return params.mode


def after(
    state: ModeState, now_ns: int, inventory_frac: float, range_bps: float | None, params: PricingParams
) -> ModeState:
    """State after one look at the signed inventory and at the range of the mid; None for a range that is not known.

    Inventory goes before volatility. Each is entered at its upper bound and left under its lower one, and two switches
    are at least ``mode_min_stay_s`` apart. An unknown range changes nothing. A switch that has been turned off is left
    at once; with both off the state stays as it is.
    """
    wanted = _wanted(state.reached, abs(inventory_frac), range_bps, params)
    if wanted is state.reached:
        return state
    is_off = (state.reached is Reached.INVENTORY and params.pinning_enter_frac is None) or (
        state.reached is Reached.VOLATILITY and params.volatile_mode is None
    )
    if not is_off and state.switched_ns is not None and now_ns - state.switched_ns < params.mode_min_stay_s * 1e9:
        return state
    return ModeState(wanted, now_ns)


def _wanted(reached: Reached, inventory_frac: float, range_bps: float | None, params: PricingParams) -> Reached:
    if params.pinning_enter_frac is not None:
        is_pinned = reached is Reached.INVENTORY
        if inventory_frac >= (params.pinning_leave_frac if is_pinned else params.pinning_enter_frac):
            return Reached.INVENTORY
    if params.volatile_mode is not None:
        is_volatile = reached is Reached.VOLATILITY
        if range_bps is None:
            return Reached.VOLATILITY if is_volatile else Reached.CONFIGURED
        if range_bps >= (params.volatile_leave_bps if is_volatile else params.volatile_enter_bps):
            return Reached.VOLATILITY
    return Reached.CONFIGURED


def side_allowed(side: Side, inventory_base: float, least_base: float, params: PricingParams) -> bool:
    """Whether ping-pong lets ``side`` quote: both while flat, then only the one that closes until flat again.

    A position smaller than ``least_base``, the least size that an order may have, is flat: no order could close it.
    Always true while ``ping_pong`` is off.
    """
    return not params.ping_pong or abs(inventory_base) < least_base or inventory_base * side.sign <= 0
