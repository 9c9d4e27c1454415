"""Distance to liquidation from the venue's own figures: stated ones, worked-out ones, and those that are missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from hummingbot_extensions.core.gate_state import MarginView
from hummingbot_extensions.core.margin import PositionFigures, margin_view
from hummingbot_extensions.sim import margin as venue

D = Decimal
SAMPLE = PositionFigures(
    size=D("0.940"), entry_price=D("121737.96"), is_cross=False, mark=D("121715.05"),
    maintenance_quote=D("2860.30367500"), margin_quote=D("11443.3682400"), upnl_quote=D("-21.53540"),
    ratio=D("3.993223845366698695025800014"), liquidation_price=D("112373.50"),
)
"""The documents' sample of query_positions."""
UNSTATED = replace(SAMPLE, ratio=None, liquidation_price=None)
MARK = SAMPLE.mark


def seen(figures: PositionFigures, mark: Decimal | None = MARK, balance: str | None = None, **others: PositionFigures):
    return margin_view("BTC", {"BTC": figures, **others}, None if balance is None else D(balance), mark)


def test_stated_figures_are_taken_as_they_are() -> None:
    assert seen(SAMPLE) == MarginView(D("112373.50"), D("3.993223845366698695025800014"))


def test_what_is_not_stated_is_worked_out_by_the_documents_formulas() -> None:
    """To the digits of the sample."""
    found = seen(UNSTATED)
    assert found.liquidation_price is not None and found.margin_ratio is not None
    assert round(found.liquidation_price, 2) == D("112373.50")
    assert round(found.margin_ratio, 12) == round(D("3.993223845366698695025800014"), 12)


@pytest.mark.parametrize("figures", [SAMPLE, UNSTATED])
@pytest.mark.parametrize("move", ["0.95", "0.99", "1.02"])
def test_the_ratio_follows_the_mark_as_the_venue_would_compute_it(figures: PositionFigures, move: str) -> None:
    """Between two lists: margin with PnL at the new mark over maintenance at the new mark."""
    mark = SAMPLE.mark * D(move)
    entry_value = SAMPLE.entry_price * SAMPLE.size
    upnl = venue.unrealized_pnl(SAMPLE.size, entry_value, mark)
    expected = venue.margin_ratio(
        SAMPLE.margin_quote, upnl, venue.maintenance_margin(SAMPLE.size, mark, D("0.025")))
    found = seen(figures, mark).margin_ratio
    assert found is not None and expected is not None and abs(found - expected) < D("1e-5")


@pytest.mark.parametrize("size", ["0.5", "-0.5"])
def test_a_cross_position_stands_on_the_wallet_less_what_others_need(size: str) -> None:
    """The venue model's own formulas, with another market's loss and maintenance taken off."""
    own = PositionFigures(D(size), D(100_000), True, D(100_000), D(625), D(5000), D(0))
    other = PositionFigures(D(2), D(3000), True, D(2900), D(72), D(600), D(-200))
    found = seen(own, D(100_000), "12000", ETH=other)
    behind = D(12_000) - 200 - 72
    liquidation = venue.liquidation_price(D(size), D(50_000), behind, D("0.0125"), 8)
    assert liquidation is not None and found.liquidation_price is not None
    assert abs(found.liquidation_price - liquidation) < D("1e-6")
    assert found.margin_ratio == behind / 625
    isolated = replace(other, is_cross=False, margin_quote=D(1))
    assert seen(own, D(100_000), "12000", ETH=isolated).margin_ratio == D(12_000) / 625


def test_the_weakest_cross_position_of_the_account_decides_the_ratio() -> None:
    """Also while the market itself is flat; an isolated one elsewhere risks only its own margin."""
    other = PositionFigures(D(2), D(3000), True, D(2900), D(72), D(600), D(-200), ratio=D("1.2"))
    assert margin_view("BTC", {"ETH": other}, D(1000), D(100_000)) == MarginView(None, D("1.2"))
    assert margin_view("BTC", {"ETH": replace(other, is_cross=False)}, D(1000), D(100_000)) == MarginView()
    assert seen(SAMPLE, ETH=other).margin_ratio == D("1.2")


def test_no_price_ends_a_long_that_the_wallet_can_bear() -> None:
    """0, which is not the same as unknown; a short always has one."""
    long = PositionFigures(D("0.01"), D(100_000), True, D(100_000), D("12.5"), D(1000), D(0))
    assert seen(long, D(100_000), "10000").liquidation_price == 0
    short = replace(long, size=D("-0.01"))
    price = seen(short, D(100_000), "10000").liquidation_price
    assert price is not None and price > 1_000_000


@pytest.mark.parametrize("lacking", [
    {"mark": None}, {"maintenance_quote": None}, {"maintenance_quote": D(0)}, {"mark": D(0)},
    {"maintenance_quote": D(10**9)}, {"margin_quote": None},
])  # fmt: skip
def test_what_is_missing_or_impossible_gives_none(lacking: dict[str, Decimal | None]) -> None:
    assert seen(replace(UNSTATED, **lacking)) == MarginView()


def test_one_unknown_cross_position_leaves_the_ratio_unknown() -> None:
    other = PositionFigures(D(2), D(3000), True)
    assert seen(SAMPLE, ETH=other).margin_ratio is None
    cross = replace(UNSTATED, is_cross=True)
    assert seen(cross, balance="1e6", ETH=other) == MarginView()
    assert seen(cross) == MarginView() and seen(SAMPLE, None).margin_ratio is None
