"""The reducing quote not worse than what the position cost, fees of both fills included."""

from __future__ import annotations

from hummingbot_extensions.core.pricing import PriceInputs, SidePrice, distance_bps
from hummingbot_extensions.core.types import Side


def breakeven_price(side: Side, entry_price: float, maker_fee_frac: float) -> float:
    """Price at which ``side`` closes a position entered at ``entry_price`` for nothing after both maker fees.

    A sale brings p x (1 - fee) against a cost of entry x (1 + fee), a purchase the other way round. A rebate, which is
    a negative fee, lets the price lie through the entry by as much as it pays.

    >>> round(breakeven_price(Side.SELL, 100.0, 0.0001), 4), round(breakeven_price(Side.BUY, 100.0, 0.0001), 4)
    (100.02, 99.98)
    """
    cost = (1.0 + maker_fee_frac) / (1.0 - maker_fee_frac)
    return entry_price * cost if side is Side.SELL else entry_price / cost


def with_breakeven(
    side: Side, price: SidePrice, inputs: PriceInputs, farthest_bps: float | None, is_loss_rule: bool
) -> SidePrice:
    """The price, moved away by the term ``breakeven`` where closing at it would lose.

    Only the reducing side moves. Off while ``is_loss_rule`` (a limit, stop or exit wants the position gone), where
    the price would have to stand beyond ``farthest_bps`` (the band's far edge, None for no band), and while the entry
    price is not known: a reducing quote is never given up for it.
    """
    if is_loss_rule or inputs.inventory_base * side.sign >= 0:
        return price
    entry = inputs.entry_price
    if entry is None or not entry > 0 or not -1.0 < inputs.maker_fee_frac < 1.0:
        return price
    least = distance_bps(side, breakeven_price(side, entry, inputs.maker_fee_frac), inputs.mark)
    if price.distance_bps >= least or (farthest_bps is not None and least > farthest_bps):
        return price
    return price.plus("breakeven", least - price.distance_bps)
