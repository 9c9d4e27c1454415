"""The reducing quote never closes a position at a loss, unless something more important wants it closed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import nan

import pytest

from hummingbot_extensions.core.breakeven import breakeven_price, with_breakeven
from hummingbot_extensions.core.pricers import TRIAL_INPUTS
from hummingbot_extensions.core.pricing import PriceInputs, SidePrice, lattice_price
from hummingbot_extensions.core.types import Side

AT_SIX = SidePrice.of(("order_distance", 6.0))


def held(inventory: float, entry: float | None, fee: float = 0.0001) -> PriceInputs:
    return replace(TRIAL_INPUTS, inventory_base=inventory, entry_price=entry, maker_fee_frac=fee)


def closing(side: Side, inputs: PriceInputs, farthest: float | None = None, is_loss_rule: bool = False) -> float:
    return with_breakeven(side, AT_SIX, inputs, farthest, is_loss_rule).distance_bps


@pytest.mark.parametrize(("inventory", "side", "entry", "fee", "price"), [
    (1.0, Side.SELL, 100.10, 0.0001, "100.13"),  # 100.10 x 1.0001 / 0.9999 = 100.12002
    (1.0, Side.SELL, 100.10, 0.0, "100.10"),
    (1.0, Side.SELL, 100.10, -0.0001, "100.08"),  # 100.07998
    (1.0, Side.SELL, 99.90, 0.0001, "100.06"),  # in profit: stays at 6 bps
    (-1.0, Side.BUY, 99.90, 0.0001, "99.88"),  # 99.88002
    (-1.0, Side.BUY, 99.90, -0.0001, "99.91"),  # 99.91998
    (-1.0, Side.BUY, 100.10, 0.0001, "99.94"),
])
def test_the_reducing_quote_stands_at_entry_net_of_fees(
    inventory: float, side: Side, entry: float, fee: float, price: str
) -> None:
    """E8, T11: never through the entry with both fees counted, the fee with its own sign; a profit is not touched."""
    assert lattice_price(side, closing(side, held(inventory, entry, fee)), 100.0, Decimal("0.01")) == Decimal(price)


def test_closing_at_breakeven_costs_nothing() -> None:
    """A sale at that price brings what the purchase cost with its fee; the other way round for a short."""
    fee = 0.0004
    sold, bought = breakeven_price(Side.SELL, 3000.0, fee), breakeven_price(Side.BUY, 3000.0, fee)
    assert sold * (1 - fee) == pytest.approx(3000.0 * (1 + fee), rel=1e-14)
    assert bought * (1 + fee) == pytest.approx(3000.0 * (1 - fee), rel=1e-14)


def test_it_is_one_named_term() -> None:
    """E21: long from 100.10 without a fee, the ask is moved from 6 to 10 bps."""
    price = with_breakeven(Side.SELL, AT_SIX, held(1.0, 100.10, 0.0), None, False)
    assert price.terms == (("order_distance", 6.0), ("breakeven", pytest.approx(4.0)))


@pytest.mark.parametrize(("side", "inputs", "farthest", "is_loss_rule"), [
    (Side.BUY, held(1.0, 100.10), None, False),  # the adding side
    (Side.SELL, held(-1.0, 99.90), None, False),
    (Side.SELL, held(0.0, 100.10), None, False),  # flat
    (Side.BUY, held(0.0, 99.90), None, False),
    (Side.SELL, held(1.0, 100.10), None, True),  # a loss rule wants the position gone
    (Side.SELL, held(1.0, 100.10), 9.5, False),  # 12 bps do not fit into the band
    (Side.SELL, held(1.0, None), None, False),
    (Side.SELL, held(1.0, nan), None, False),
    (Side.SELL, held(1.0, 0.0), None, False),
    (Side.SELL, held(1.0, 100.10, 1.0), None, False),  # no such fee
    (Side.SELL, held(1.0, 100.10, nan), None, False),
])
def test_it_is_off_when_something_else_needs_the_quote(
    side: Side, inputs: PriceInputs, farthest: float | None, is_loss_rule: bool
) -> None:
    """E8: the very same price comes back for the other side, under a loss rule, out of the band, without an entry."""
    assert with_breakeven(side, AT_SIX, inputs, farthest, is_loss_rule) is AT_SIX


def test_the_far_edge_of_the_band_still_counts() -> None:
    """A price that fits into the band by a hair is taken."""
    assert closing(Side.SELL, held(1.0, 100.10, 0.0), farthest=10.001) == pytest.approx(10.0)
    assert closing(Side.SELL, held(1.0, 100.10, 0.0), farthest=9.999) == 6.0
