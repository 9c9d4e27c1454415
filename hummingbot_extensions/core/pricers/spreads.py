"""Pricers that stand a spread of their own away from an anchor, bid and ask alike but for the inventory's part."""

from __future__ import annotations

from hummingbot_extensions.core.pricing import Gap, NoPrice, PriceInputs, PricingParams, SidePrice, from_anchor
from hummingbot_extensions.core.types import Side


def uptime(side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """``order_distance_bps`` from the anchor, which for a program that measures from the mark is the mark."""
    return from_anchor(side, inputs, params.anchor, ("order_distance", params.order_distance_bps))


def simple(side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """``half_spread_bps`` from the anchor: 10 on a mid of 100 give 99.90 and 100.10."""
    return from_anchor(side, inputs, params.anchor, ("half_spread", params.half_spread_bps))


def adaptive(side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """``half_spread_bps`` x (1 + ``adaptive_per_sigma_bps`` x sigma) from the anchor; none while sigma is unknown."""
    if inputs.sigma_bps is None or not inputs.sigma_bps >= 0:
        return NoPrice(Gap.VOLATILITY_UNKNOWN)
    base = params.half_spread_bps
    widening = base * params.adaptive_per_sigma_bps * inputs.sigma_bps
    return from_anchor(side, inputs, params.anchor, ("half_spread", base), ("volatility", widening))


def avellaneda(side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """A half-spread from the reservation price, which lies below the anchor when long and above it when short.

    reservation = anchor - inventory_coeff x inventory; half-spread = base + volatility_coeff x sigma + funding_coeff x
    funding / 3, all in bps of the anchor, after Avellaneda and Stoikov (2008) in linear form. Funding is signed: one
    that shorts pay narrows, at most until nothing is left of the half-spread. A coefficient of 0 needs no input.
    """
    base = params.avellaneda_half_spread_bps
    volatility = funding = 0.0
    if params.avellaneda_per_sigma != 0:
        if inputs.sigma_bps is None or not inputs.sigma_bps >= 0:
            return NoPrice(Gap.VOLATILITY_UNKNOWN)
        volatility = params.avellaneda_per_sigma * inputs.sigma_bps
    if params.avellaneda_per_funding != 0:
        if inputs.funding_rate_frac is None:
            return NoPrice(Gap.FUNDING_UNKNOWN)
        funding = max(params.avellaneda_per_funding * inputs.funding_rate_frac * 1e4 / 3.0, -(base + volatility))
    inventory = side.sign * params.avellaneda_inventory_bps * inputs.inventory_frac
    return from_anchor(
        side, inputs, params.anchor,
        ("half_spread", base), ("volatility", volatility), ("funding", funding), ("inventory", inventory),
    )  # fmt: skip


def geometric(side: Side, inputs: PriceInputs, params: PricingParams) -> SidePrice | NoPrice:
    """First layer of a grid, ``start_offset_bps`` from the anchor; the layers behind it are ``core.layers``."""
    return from_anchor(side, inputs, params.anchor, ("start_offset", params.start_offset_bps))
