"""A pricer of your own: lean towards the microprice, and stand back for a while on the side that was just filled."""

from __future__ import annotations

from hummingbot_extensions.core.pricing import Gap, NoPrice, PriceInputs, PricingParams, SidePrice
from hummingbot_extensions.core.types import Side


def leaning(side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """``distance_bps`` from mark, less or more by ``lean_frac`` of where the microprice points, wider after a fill."""
    if inputs.micro is None:
        return NoPrice(Gap.PRICER_DECLINED, "no microprice")
    lean_bps = params.own("lean_frac", 0.5) * (inputs.micro / inputs.mark - 1.0) * 1e4
    price = SidePrice.of(("distance", params.own("distance_bps", 6.0)), ("lean", -side.sign * lean_bps))
    if inputs.last_fill_side is side and inputs.inventory_base * side.sign > 0:
        price = price.plus("after_fill", params.own("after_fill_bps", 2.0))
    return price
