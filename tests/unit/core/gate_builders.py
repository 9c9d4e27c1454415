"""Values that the gate's tests start from, on those of ``core_builders``: a cap of 0.21 and nothing else on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core_builders import D, order

from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import AccountTotals
from hummingbot_extensions.core.quote import PriceBreakdown, Quote
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OwnOrder

BUY, SELL = Side.BUY, Side.SELL
TODAY = 20_000
CAP = D("0.21")
NAN, INFINITY = D("NaN"), D("Infinity")
NO_OTHERS = AccountTotals(0, D(0), D(0))
EVERYTHING_ON = {
    "max_order_size_base": "0.06", "max_open_orders": 20, "max_open_orders_account": 40, "max_net_quote": "20000",
    "max_net_account_quote": "40000", "max_resting_quote": "30000", "max_side_resting_quote": "20000",
    "min_available_quote": "50", "liquidation_distance_stop_frac": "0.1", "liquidation_distance_shrink_frac": "0.2",
    "margin_ratio_stop": "1.5", "margin_ratio_shrink": "3", "daily_orders": 1000, "daily_turnover_quote": "1000000",
    "daily_added_base": "5",
}
"""Every optional limit, none in the way of an order of 0.02."""


def quote(side: Side = BUY, price: Any = None, size: Any = "0.02", is_reduce_only: Any = False) -> Quote:
    """A quote 60 from the mark of 100,000 unless another price is given."""
    price = ("99940.00" if side is BUY else "100060.00") if price is None else price
    return Quote(
        side, D(price) if isinstance(price, str) else price, D(size) if isinstance(size, str) else size,
        is_reduce_only, PriceBreakdown(100_000.0, (("order_distance", 6.0),)), 0)


def limits(**changes: Any) -> GateParams:
    return replace(GateParams(CAP), **{name: D(v) if isinstance(v, str) else v for name, v in changes.items()})


def resting(side: Side, *sizes: str, **changes: Any) -> tuple[OwnOrder, ...]:
    """Orders of these sizes, each 10 farther from the mark than the one before."""
    return tuple(
        order(side, str(100_000 - side.sign * (60 + 10 * n)), f"{side}{n}", size=D(size), **changes)
        for n, size in enumerate(sizes))
