"""How much may still be added as liquidation draws near, in steps that do not follow every price.

The gate holds an order to the limits at the instant it is sent. This says beforehand how much quotes may ask for, so
that they shrink in good order instead of being refused and pulled one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from hummingbot_extensions.core.gate_limits import margin_room
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import GateReason
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.view import AccountView, MarketView

ONE = Decimal(1)
STEPS = 4
"""The part of the cap that is left is counted in so many steps, rounded down."""
RETURN_FACTOR = Decimal("1.05")
"""More is allowed again only when the figures stand so far above the thresholds, for RETURN_S."""
RETURN_S = 10.0
UNKNOWN_S = 5.0
"""Figures that are missing for no longer, as after a fill, leave what rests alone; the gate refuses what adds."""
SILENCES = {
    GateReason.MARGIN_UNKNOWN: Silence.MARGIN_UNKNOWN,
    GateReason.LIQUIDATION_NEAR: Silence.LIQUIDATION_NEAR,
    GateReason.MARGIN_RATIO_LOW: Silence.MARGIN_RATIO_LOW,
}


@dataclass(frozen=True, slots=True)
class GuardState:
    """What is allowed now. Stamps are monotonic nanoseconds; ``reason`` and ``text`` are None and empty with all left.

    ``easier_since_ns``: since when the figures have allowed more. ``unknown_since_ns``: since when there are none.
    """

    left_frac: Decimal = ONE
    reason: Silence | None = None
    text: str = ""
    easier_since_ns: int | None = None
    unknown_since_ns: int | None = None


def after(state: GuardState, view: MarketView, account: AccountView, params: GateParams) -> GuardState:
    """State after one look at the account's margin: less is allowed at once, more after a while at a distance."""
    if not params.has_margin_limit:
        return GuardState()
    now_ns = view.now_ns
    found = margin_room(view.mark, account, params, account.margin)
    if found is not None and found[1] is GateReason.MARGIN_UNKNOWN:
        since_ns = state.unknown_since_ns if state.unknown_since_ns is not None else now_ns
        if (now_ns - since_ns) / 1e9 < UNKNOWN_S:
            return GuardState(state.left_frac, state.reason, state.text, None, since_ns)
        return GuardState(Decimal(0), Silence.MARGIN_UNKNOWN, found[2], None, since_ns)
    left_frac = ONE if found is None else _stepped(found[0])
    reason, text = (None, "") if found is None else (SILENCES[found[1]], found[2])
    if left_frac < state.left_frac:
        return GuardState(left_frac, reason, text)
    if state.left_frac == ONE:
        return GuardState()
    calm = margin_room(view.mark, account, params, account.margin, RETURN_FACTOR)
    easier_frac = ONE if calm is None else _stepped(calm[0])
    if easier_frac <= state.left_frac:
        return GuardState(state.left_frac, state.reason if reason is None else reason, text or state.text)
    since_ns = state.easier_since_ns if state.easier_since_ns is not None else now_ns
    if (now_ns - since_ns) / 1e9 < RETURN_S:
        return GuardState(state.left_frac, state.reason, state.text, since_ns)
    return GuardState(easier_frac, reason if easier_frac < ONE else None, text if easier_frac < ONE else "")


def _stepped(frac: Decimal) -> Decimal:
    return (frac * STEPS).to_integral_value(ROUND_FLOOR) / STEPS
