"""The modes, by hand on a mark of 100 where a tick of 0.01 is one bps, and how an own pricer gets in."""

from __future__ import annotations

import doctest
import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core import pricers
from hummingbot_extensions.core.pricers import TRIAL_INPUTS, Misconfigured, load_problems, loaded_pricer, price
from hummingbot_extensions.core.pricers.joining import best_of_others
from hummingbot_extensions.core.pricing import (
    Anchor,
    Gap,
    Mode,
    NoPrice,
    OwnParam,
    PriceInputs,
    PricingParams,
    SidePrice,
    lattice_price,
)
from hummingbot_extensions.core.types import Side

D = Decimal
ROOT = Path(__file__).resolve().parents[3]
SAMPLE = "tests.support.own_pricer:leaning"


def quoted(mode: str, side: Side, inputs: PriceInputs = TRIAL_INPUTS, **changes: Any) -> str:
    """Price on the lattice as text."""
    said = price(mode, side, inputs, PricingParams(mode=mode, **changes))
    assert isinstance(said, SidePrice), said
    return f"{lattice_price(side, said.distance_bps, inputs.mark, D("0.01")):.2f}"


def pair(mode: str, inputs: PriceInputs = TRIAL_INPUTS, **changes: Any) -> tuple[str, str]:
    return quoted(mode, Side.BUY, inputs, **changes), quoted(mode, Side.SELL, inputs, **changes)


@pytest.mark.parametrize(("mode", "changes", "inputs", "expected"), [
    ("uptime", {}, {}, ("99.94", "100.06")),
    ("uptime", {"order_distance_bps": 7.0}, {"mark": 200.0}, ("199.86", "200.14")),
    ("simple", {}, {}, ("99.90", "100.10")),
    ("simple", {"anchor": Anchor.MID}, {"mid": 100.02}, ("99.91", "100.13")),  # 99.91998, 100.12002
    ("geometric", {}, {}, ("99.96", "100.04")),
    ("geometric", {"start_offset_bps": 4.0}, {"mark": 3000.0}, ("2998.80", "3001.20")),  # seed 002's 1.2 of 3,000
    ("adaptive", {}, {"sigma_bps": 0.0}, ("99.90", "100.10")),
    ("adaptive", {}, {"sigma_bps": 5.0}, ("99.85", "100.15")),
    ("adaptive", {"half_spread_bps": 8.0, "adaptive_per_sigma_bps": 0.5}, {"sigma_bps": 3.0}, ("99.80", "100.20")),
])
def test_a_spread_around_the_anchor(
    mode: str, changes: dict[str, Any], inputs: dict[str, Any], expected: tuple[str, str]
) -> None:
    """D1, D3, D4, D6, E2, T24: anchor -+ the half-spread, both sides alike, rounded outwards."""
    assert pair(mode, replace(TRIAL_INPUTS, **inputs), **changes) == expected


def test_adaptive_names_what_volatility_adds() -> None:
    """E21: 10 bps x (1 + 0.1 x 5) is 10 and 5 more."""
    said = price("adaptive", Side.BUY, replace(TRIAL_INPUTS, sigma_bps=5.0), PricingParams())
    assert said == SidePrice(15.0, (("half_spread", 10.0), ("volatility", 5.0)))


@pytest.mark.parametrize("mode", ["adaptive", "avellaneda"])
@pytest.mark.parametrize("sigma", [None, float("nan"), -1.0])
def test_unknown_volatility_is_no_price(mode: str, sigma: float | None) -> None:
    """Not known is not calm."""
    said = price(mode, Side.SELL, replace(TRIAL_INPUTS, sigma_bps=sigma), PricingParams())
    assert said == NoPrice(Gap.VOLATILITY_UNKNOWN)


AVELLANEDA: dict[str, Any] = {
    "avellaneda_half_spread_bps": 8.0, "avellaneda_inventory_bps": 6.0, "avellaneda_per_sigma": 0.5,
    "avellaneda_per_funding": 3.0,
}


@pytest.mark.parametrize(("inventory", "sigma", "funding", "expected"), [
    (0.0, 0.0, 0.0, ("99.92", "100.08")),
    (0.0, 4.0, 0.0, ("99.90", "100.10")),
    (0.0, 4.0, 0.0003, ("99.87", "100.13")),  # 3 x 3 bps / 3
    (0.0, 4.0, -0.0001, ("99.91", "100.09")),
    (0.5, 4.0, 0.0, ("99.87", "100.07")),
    (1.0, 0.0, 0.0, ("99.86", "100.02")),
    (-1.0, 0.0, 0.0, ("99.98", "100.14")),
    (0.0, 0.0, -0.01, ("100.00", "100.00")),  # as narrow as it gets
])
def test_avellaneda_matches_the_closed_form(
    inventory: float, sigma: float, funding: float, expected: tuple[str, str]
) -> None:
    """D5: reservation = anchor - 6 x inventory, half-spread = 8 + 0.5 x sigma + 3 x funding / 3, in bps."""
    inputs = replace(
        TRIAL_INPUTS, inventory_frac=inventory, sigma_bps=sigma, funding_rate_frac=funding, touch_bid=99.0,
        touch_ask=101.0)
    assert pair("avellaneda", inputs, **AVELLANEDA) == expected


def test_t12_long_lowers_both_quotes() -> None:
    """T12: the seed's fair = mid + inventory x k raised them."""
    flat, long, short = (
        [float(text) for text in pair("avellaneda", replace(TRIAL_INPUTS, inventory_frac=frac))]
        for frac in (0.0, 0.5, -0.5)
    )
    assert long[0] < flat[0] < short[0] and long[1] < flat[1] < short[1]


def test_avellaneda_needs_only_what_it_weighs() -> None:
    """A coefficient of 0 asks for no input; another one does not go without."""
    blind = replace(TRIAL_INPUTS, sigma_bps=None, funding_rate_frac=None)
    assert price("avellaneda", Side.BUY, blind, PricingParams()) == NoPrice(Gap.VOLATILITY_UNKNOWN)
    seen = replace(blind, sigma_bps=0.0)
    assert isinstance(price("avellaneda", Side.BUY, seen, PricingParams()), SidePrice)
    weighed = PricingParams(avellaneda_per_funding=1.0)
    assert price("avellaneda", Side.BUY, seen, weighed) == NoPrice(Gap.FUNDING_UNKNOWN)
    fixed = PricingParams(avellaneda_per_sigma=0.0, avellaneda_inventory_bps=0.0)
    assert isinstance(price("avellaneda", Side.BUY, blind, fixed), SidePrice)


WIDE = replace(TRIAL_INPUTS, touch_bid=99.95, touch_ask=100.05, others_bid=99.95, others_ask=100.05)


@pytest.mark.parametrize(("inputs", "changes", "expected"), [
    (WIDE, {}, ("99.95", "100.05")),
    (WIDE, {"rebate_improve_ticks": 2}, ("99.97", "100.03")),
    (WIDE, {"rebate_improve_ticks": 9}, ("100.04", "99.96")),  # each a tick clear of the other side
    (replace(WIDE, touch_bid=99.99, touch_ask=100.0, others_bid=99.99, others_ask=100.0), {}, ("99.99", "100.00")),
    (replace(WIDE, touch_bid=99.99, touch_ask=100.0, others_bid=99.99, others_ask=100.0),
     {"rebate_improve_ticks": 1}, ("99.99", "100.00")),
    (replace(WIDE, touch_bid=100.0, touch_ask=100.0, others_bid=100.0, others_ask=100.0), {}, ("99.99", "100.01")),
    (replace(WIDE, mark=99.9), {}, ("99.95", "100.05")),  # the mark outside the touch
])
def test_rebate_joins_and_never_crosses(
    inputs: PriceInputs, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    """D2, E16: at the best price or ticks in front of it, a tick clear of the other side, also in a locked book."""
    assert pair("rebate", inputs, **changes) == expected


def test_rebate_joins_others_and_not_itself() -> None:
    """Our bid of 99.98 is the best one: with others at 99.95 it goes back to them, or stays the one tick in front."""
    ours_first = replace(WIDE, touch_bid=99.98)
    assert quoted("rebate", Side.BUY, ours_first) == "99.95"
    one_in_front = replace(WIDE, touch_bid=99.96)
    assert quoted("rebate", Side.BUY, one_in_front, rebate_improve_ticks=1) == "99.96"


@pytest.mark.parametrize("inputs", [
    replace(WIDE, others_bid=None, others_ask=None),  # alone at the best price
    replace(WIDE, others_bid=float("nan"), others_ask=0.0),
    replace(WIDE, touch_bid=None, touch_ask=None),  # no touch to keep clear of
    replace(WIDE, touch_bid=float("nan"), touch_ask=float("nan")),
])
def test_rebate_stands_off(inputs: PriceInputs) -> None:
    """D2: alone at the best price, or with the touch unknown, at the stated distance from the mark."""
    assert pair("rebate", inputs, rebate_standoff_bps=8.0) == ("99.92", "100.08")


def test_standing_off_does_not_cross_either() -> None:
    """A mark far above the book does not carry the bid through the ask."""
    inputs = replace(WIDE, mark=101.0, others_bid=None)
    assert quoted("rebate", Side.BUY, inputs) == "100.04"


@pytest.mark.parametrize(("inventory", "expected"), [
    (0.6, ("99.94", "100.05")), (-0.6, ("99.95", "100.06")), (0.0, ("99.94", "100.06")),
])
def test_pinning_gets_rid_of_the_position_and_keeps_the_other_side(
    inventory: float, expected: tuple[str, str]
) -> None:
    """D7: the reducing side joins the best price, the other one stands at the stated width and not farther."""
    assert pair("pinning", replace(WIDE, inventory_base=inventory)) == expected


LEVELS = [(D("99.98"), D(3)), (D("99.97"), D(1)), (D("99.90"), D(5))]


@pytest.mark.parametrize(("own", "touch", "best"), [
    ([], D("99.98"), "99.98"),
    ([(D("99.98"), D(1))], D("99.98"), "99.98"),  # others stand there too
    ([(D("99.98"), D(3))], D("99.98"), "99.97"),  # alone: the level behind
    ([(D("99.98"), D(2)), (D("99.98"), D(1)), (D("99.97"), D(1))], D("99.98"), "99.90"),
    ([(D("99.98"), D(3)), (D("99.97"), D(9)), (D("99.90"), D(5))], D("99.98"), None),
    ([], None, "99.98"),
])
def test_the_best_of_others_leaves_our_own_orders_out(
    own: list[tuple[Decimal, Decimal]], touch: Decimal | None, best: str | None
) -> None:
    """A level that holds no more than our own size holds nobody else."""
    found = best_of_others(Side.BUY, LEVELS, own, D("0.01"), D("0.01"), touch)
    assert found == (None if best is None else D(best))


def test_a_coarse_book_is_read_with_care() -> None:
    """Shown truncated down to 0.1: the exact touch unless it is ours, else the edge farther from the market."""
    bids = [(D("99.9"), D(3)), (D("99.8"), D(1))]
    asks = [(D("100.0"), D(3)), (D("100.1"), D(1))]
    grid, tick = D("0.1"), D("0.01")
    assert best_of_others(Side.BUY, bids, [(D("99.93"), D(1))], grid, tick, D("99.96")) == D("99.96")
    assert best_of_others(Side.BUY, bids, [(D("99.96"), D(1))], grid, tick, D("99.96")) == D("99.9")
    assert best_of_others(Side.BUY, bids, [(D("99.96"), D(3))], grid, tick, D("99.96")) == D("99.8")
    assert best_of_others(Side.SELL, asks, [], grid, tick, D("100.04")) == D("100.04")
    assert best_of_others(Side.SELL, asks, [(D("100.04"), D(1))], grid, tick, D("100.04")) == D("100.09")
    assert best_of_others(Side.SELL, asks, [(D("100.04"), D(3))], grid, tick, D("100.04")) == D("100.19")


def test_every_mode_has_its_pricer() -> None:
    """The registry and the enum name the same modes, and no pricer can be added to it while running."""
    assert set(pricers.PRICERS) == {mode.value for mode in Mode}
    assert all(loaded_pricer(mode) is pricers.PRICERS[mode] for mode in Mode)
    with pytest.raises(TypeError):
        pricers.PRICERS["mine"] = pricers.spreads.uptime  # type: ignore[index]


@pytest.mark.parametrize("module", ["joining", "spreads"])
def test_examples_of_the_pricers_hold(module: str) -> None:
    """Doctests of the modules inside the package."""
    assert doctest.testmod(importlib.import_module(f"{pricers.__name__}.{module}")).failed == 0


def test_the_sample_is_loaded_by_its_path() -> None:
    """D18: an own pricer prices like any other, with the numbers that the configuration gives it."""
    inputs = replace(TRIAL_INPUTS, micro=100.02)  # 2 bps above the mark, half of it leant on
    assert pair(SAMPLE, inputs) == ("99.95", "100.07")
    assert pair(SAMPLE, inputs, own_params=(OwnParam("distance_bps", 9.0), OwnParam("lean_frac", 0.0))) == (
        "99.91", "100.09")
    filled = replace(TRIAL_INPUTS, last_fill_side=Side.BUY, inventory_base=0.01)
    assert pair(SAMPLE, filled) == ("99.92", "100.06")
    assert price(SAMPLE, Side.BUY, replace(inputs, micro=None), PricingParams()) == NoPrice(
        Gap.PRICER_DECLINED, "no microprice")
    assert load_problems(PricingParams(mode=SAMPLE)) == []


def test_the_sample_is_short_and_stands_in_the_document() -> None:
    """D18: under a hundred lines, and what docs/own-pricer.md shows is the file that these tests load."""
    source = (ROOT / "tests/support/own_pricer.py").read_text(encoding="utf-8")
    text = (ROOT / "docs/own-pricer.md").read_text(encoding="utf-8")
    assert len(source.splitlines()) < 100
    assert re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)[0] == source


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file ``planted_pricer.py`` on the path, forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    loaded_pricer.cache_clear()
    yield tmp_path / "planted_pricer.py"
    sys.modules.pop("planted_pricer", None)
    loaded_pricer.cache_clear()


@pytest.mark.parametrize(("source", "said"), [
    (None, "cannot be imported (ModuleNotFoundError"),
    ("def broken(:", "cannot be imported (SyntaxError"),
    ("raise SystemExit(3)", "cannot be imported (SystemExit"),
    ("other = 1", "has no mine"),
    ("mine = 7", "has to take (side, inputs, params)"),
    ("def mine(side): ...", "has to take (side, inputs, params)"),
    ("def mine(side, inputs, params, more): ...", "has to take (side, inputs, params)"),
    ("def mine(side, inputs, params): return 6.0", "gives no buy price in a calm market: bad_price (float)"),
    ("def mine(side, inputs, params): return 1 / 0", "gives no buy price in a calm market: pricer_failed (ZeroDiv"),
])
def test_a_pricer_that_cannot_be_used_is_named(own_module: Path, source: str | None, said: str) -> None:
    """D18: found when the configuration is read, with the field and what to mend; a decision gets no price from it."""
    if source is not None:
        own_module.write_text(source, encoding="utf-8")
    params = PricingParams(mode="planted_pricer:mine")
    found = load_problems(params)
    assert {field for field, _ in found} == {"mode"}
    assert said in found[0][1]
    assert isinstance(price(params.mode, Side.BUY, TRIAL_INPUTS, params), NoPrice)


def test_the_volatile_mode_is_loaded_too(own_module: Path) -> None:
    """Its problem stands under its own field."""
    own_module.write_text("def mine(side, inputs, params): return None", encoding="utf-8")
    found = load_problems(PricingParams(volatile_mode="planted_pricer:mine"))
    assert [field for field, _ in found] == ["volatile_mode", "volatile_mode"]


@pytest.mark.parametrize("name", ["uptmie", "my pricer:mine", "a..b:mine", ""])
def test_what_is_no_name_is_not_imported(name: str) -> None:
    """A misspelled mode is an error with a field, and no price in a decision."""
    with pytest.raises(Misconfigured) as caught:
        loaded_pricer(name)
    assert caught.value.field == "mode"
    assert price(name, Side.BUY, TRIAL_INPUTS, PricingParams()) == NoPrice(Gap.PRICER_MISSING)


def test_a_person_can_stop_while_a_pricer_is_imported(own_module: Path) -> None:
    """Ctrl-C is not taken for a fault of the file."""
    own_module.write_text("raise KeyboardInterrupt", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        loaded_pricer("planted_pricer:mine")
