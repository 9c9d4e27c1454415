"""Whether a connector that is not of this bundle may be quoted, what it then lacks, and how it gets the members."""

from __future__ import annotations

import logging
from typing import Any

from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.core.data_type.common import OrderType, PositionMode

from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.layers import SizeBy
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.execution.foreign.adapter import ForeignConnector

WEAKER = (
    ("order outcomes", "Hummingbot calls a request that got no answer a failed order. Such an order counts as resting, "
     "is cancelled and asked for one by one; until the venue has spoken nothing is placed on its side"),
    ("leftovers", "after a crash only orders that Hummingbot had stored are found and cancelled; look at the venue"),
    ("own fills", "fills are read again only for orders that Hummingbot still knows; others show as a position that "
     "startup_policy decides about"),
    ("fees", "exact only where the connector states them in the quote token, estimated elsewhere"),
    ("book and mark", "looked at every 20 ms, their age counts from the look before; a mark that stands still goes "
     "stale after stale_mark_ms"),
    ("account stream", "read from Hummingbot's own stamp; when it is quiet the position is asked for instead"),
    ("market standing", "a halt or new rules are seen when Hummingbot reads the rules again, every 30 minutes"),
    ("venue clock", "Hummingbot's, which some connectors never set"),
    ("latency", "frame-to-wire times are not measured"),
    ("post-only refusals", "count as rejections where the venue's code for them is not known"),
    ("reduce-only", "holds as far as the connector sends it; else a late closing order may open one of its size"),
)
"""What is missing or weaker than on a connector of ours, with what it means. Quoting is safe without."""
NO_LIVE_BALANCE = (
    "free margin", "the connector does not follow it live, so Hummingbot takes the full worth of resting orders off it")


def dangers(connector: Any) -> list[str]:
    """Why a connector must not be quoted, each with its reason; empty when it may be."""
    if not isinstance(connector, PerpetualDerivativePyBase):
        return ["it is not built on Hummingbot's PerpetualDerivativePyBase, so orders and positions cannot be followed"]
    found = []
    if OrderType.LIMIT_MAKER not in connector.supported_order_types():
        found.append("it has no post-only orders (LIMIT_MAKER): a quote could take liquidity")
    if PositionMode.ONEWAY not in connector.supported_position_modes():
        found.append("it has no one-way position mode: limits and reduce-only orders rely on one net position")
    return found


def weaker(connector: Any) -> tuple[tuple[str, str], ...]:
    """What is missing or weaker on this connector, with what it means."""
    return WEAKER if connector.real_time_balance_update else (*WEAKER, NO_LIVE_BALANCE)


def is_fitted(connector: Any) -> bool:
    """Whether ``fit`` has given the connector its members."""
    return isinstance(getattr(getattr(connector, "account_figures", None), "__self__", None), ForeignConnector)


def unmet(params: QuoteParams, gate: GateParams) -> list[tuple[str, str]]:
    """(field, what is wrong and the fix) for every setting that asks for figures which Hummingbot does not tell."""
    equity = "needs the account's equity, which Hummingbot does not tell for this connector"
    margin = "needs the distance to liquidation, which Hummingbot does not tell for this connector. Leave it out"
    rules = (
        (params.layers.size_by is not SizeBy.EQUITY, "size_by", f"equity {equity}. Set it to base or notional"),
        (params.layers.low_balance_quote is None, "low_balance_quote", f"{equity}. Leave it out"),
        (gate.liquidation_distance_stop_frac is None, "liquidation_distance_stop_frac",
         f"{margin}; min_available_quote works"),
        (gate.margin_ratio_stop is None, "margin_ratio_stop", f"{margin}; min_available_quote works"),
    )
    return [(field, text) for holds, field, text in rules if not holds]


def fit(connector: Any, members: tuple[str, ...]) -> None:
    """Give ``connector`` the ``members`` and what a verified stop asks for, and say once what is weaker.

    Raises UpstreamChanged when Hummingbot's connector lacks what they are made of.
    """
    foreign = ForeignConnector(connector)
    for name in (*members, "own_orders_at_venue", "cancel_at_venue", "own_open_order_ids"):
        setattr(connector, name, getattr(foreign, name))
    logging.getLogger(__name__).warning(
        "connector %s is not of this bundle. Missing or weaker: %s. See docs/any-connector.md", connector.name,
        "; ".join(f"{what} ({meaning})" for what, meaning in weaker(connector)))
