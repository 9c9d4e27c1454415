"""Prices and sizes of desired quotes, worked by hand on a mark of 100,000: one bps is 10.00."""

from __future__ import annotations

from decimal import Decimal

import pytest
from core_builders import RULES, D, outlook, params, view

from hummingbot_extensions.core.anchors import basis_after, divergence_bps, mark_estimate
from hummingbot_extensions.core.exits import HardStopRecovery
from hummingbot_extensions.core.pricing import distance_bps
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.quoting import passive_bound, side_ladder
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import MarketRules, MarketView


def quoted(side: Side, market: MarketView | None = None, mark: float = 100_000.0, size: str = "0.002",
           **changes: object) -> Quote | Silence:
    config = params(order_size_base=D(size), **changes)
    result = side_ladder(side, outlook(mark), market or view(), config)
    return result if isinstance(result, Silence) else result.quote(0)


@pytest.mark.parametrize(("side", "distance", "price"), [
    (Side.BUY, 6.0, "99940.00"), (Side.SELL, 6.0, "100060.00"),
    (Side.BUY, 1.0, "99990.00"), (Side.SELL, 9.25, "100092.50"),
])
def test_quotes_stand_exactly_at_the_distance(side: Side, distance: float, price: str) -> None:
    """E2, D1: exactly plus or minus the distance from the mark."""
    quote = quoted(side, order_distance_bps=distance)
    assert isinstance(quote, Quote) and quote.price == D(price) and quote.size == D("0.002")
    assert quote.breakdown.term("clamp") == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("tick", "bid", "ask"), [
    ("0.01", "99946.66", "100066.68"), ("0.5", "99946.5", "100067"), ("5", "99945", "100070"), ("7", "99946", "100072"),
])
def test_quotes_are_rounded_away_from_the_market(tick: str, bid: str, ask: str) -> None:
    """E15: at a mark of 100,006.67 the ideals are 99,946.665998 and 100,066.674002; bids go down, asks go up."""
    rules = MarketRules(D(tick), D("0.0001"), D("0.0001"), None, D("10"))
    prices = []
    for side in Side:
        quote = quoted(side, view(rules=rules), mark=100_006.67)
        assert isinstance(quote, Quote)
        assert quote.breakdown.term("rounding") >= -1e-9
        prices.append(quote.price)
    assert prices == [D(bid), D(ask)]


@pytest.mark.parametrize(("bid", "ask", "grid", "bid_bound", "ask_bound"), [
    ("99999.99", "100000.01", "0.01", "100000.00", "100000.00"),
    ("99999", "100000", "1", "99999.99", "100000"),
    ("100000", "100000", "1", "99999.99", "100001"),
    ("99990", "100000", "10", "99999.99", "100000"),
])
def test_bounds_hold_for_every_book_that_truncation_can_hide(
    bid: str, ask: str, grid: str, bid_bound: str, ask_bound: str
) -> None:
    """E16: both sides are shown truncated down, so a bid stays a tick under the ask, an ask a step above the bid."""
    market = view(bid=D(bid), ask=D(ask), grid=D(grid))
    assert (passive_bound(Side.BUY, market), passive_bound(Side.SELL, market)) == (D(bid_bound), D(ask_bound))
    true_bid = market.bid + market.grid - RULES.tick  # type: ignore[operator]
    assert passive_bound(Side.SELL, market) > true_bid  # type: ignore[operator]


def test_a_quote_that_would_cross_is_clamped_to_the_passive_bound() -> None:
    """Mark 8 bps above the book: the bid at 6 would take, and stands a tick under the ask instead, 8 bps away."""
    quote = quoted(Side.BUY, view(bid=D("99919.99"), ask=D("99920.01")))
    assert isinstance(quote, Quote)
    assert quote.price == D("99920.00")
    terms = quote.breakdown
    assert terms.term("clamp") == pytest.approx(2.0) and terms.term("rounding") == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("away", "is_quoted"), [(9.4, True), (9.49, True), (9.51, False), (12.0, False)])
def test_a_clamp_past_the_band_silences_the_side(away: float, is_quoted: bool) -> None:
    """Band 10 less margin 0.5: a book 9.51 bps under the mark leaves no room for a bid that earns."""
    ask = (D("100000") * (1 - D(repr(away)) / 10_000) + D("0.01")).quantize(D("0.01"))
    result = quoted(Side.BUY, view(bid=ask - D("0.02"), ask=ask))
    assert isinstance(result, Quote) if is_quoted else result is Silence.OUT_OF_BAND


@pytest.mark.parametrize(("size", "expected"), [
    ("0.00299", "0.0029"), ("0.0001", "0.0001"), ("0.00009", None), ("0", None), ("9", "0.05"),
])
def test_sizes_go_down_to_the_step_and_obey_the_limits(size: str, expected: str | None) -> None:
    """Step 0.0001, minimum 0.0001, maximum 0.05."""
    rules = MarketRules(D("0.01"), D("0.0001"), D("0.0001"), D("0.05"), D("1"))
    result = quoted(Side.BUY, view(rules=rules), size=size)
    assert (result.size if isinstance(result, Quote) else None) == (D(expected) if expected else None)
    assert isinstance(result, Quote) or result is Silence.BELOW_MINIMUM


def test_notional_under_the_minimum_is_not_quoted() -> None:
    """0.0001 at 99,940 is 9.994 quote: refused under a minimum of 10, quoted under one of 9.99."""
    for minimum, is_quoted in (("10", False), ("9.99", True)):
        rules = MarketRules(D("0.01"), D("0.0001"), D("0.0001"), None, D(minimum))
        assert isinstance(quoted(Side.BUY, view(rules=rules), size="0.0001"), Quote) is is_quoted


def test_a_price_that_rounds_to_zero_is_no_price() -> None:
    """A tick larger than the price leaves no bid."""
    rules = MarketRules(D("1000000"), D("0.0001"), D("0.0001"), None, D("1"))
    assert quoted(Side.BUY, view(rules=rules)) is Silence.OUT_OF_BAND


@pytest.mark.parametrize(("position", "stopped", "recovery", "bid", "ask"), [
    ("0", False, "maker", ("0.0020", False), ("0.0020", False)),
    ("0.0099", False, "maker", ("0.0020", False), ("0.0020", False)),
    ("0.01", False, "maker", Silence.SOFT_LIMIT, ("0.0020", True)),
    ("-0.01", False, "maker", ("0.0020", True), Silence.SOFT_LIMIT),
    ("0.015", True, "maker", Silence.HARD_STOP, ("0.0020", True)),
    ("0.0012", True, "maker", Silence.HARD_STOP, ("0.0012", True)),
    ("-0.0012", True, "maker", ("0.0012", True), Silence.HARD_STOP),
    ("0.015", True, "wait", Silence.HARD_STOP, Silence.HARD_STOP),
    ("0", True, "maker", Silence.HARD_STOP, Silence.HARD_STOP),
])
def test_tiers_decide_what_each_side_shows(
    position: str, stopped: bool, recovery: str, bid: object, ask: object
) -> None:
    """I1, I2: both sides, then the reducing one marked reduce-only and no larger than the position, or none (wait)."""
    config = params(hard_stop_recovery=HardStopRecovery(recovery))
    for side, expected in ((Side.BUY, bid), (Side.SELL, ask)):
        result = side_ladder(side, outlook(position=position, is_hard_stopped=stopped), view(), config)
        shown = result if isinstance(result, Silence) else (str(result.size(0)), result.is_reduce_only)
        assert shown == expected


@pytest.mark.parametrize(("side", "price", "away"), [
    (Side.BUY, 99_930.0, 7.0), (Side.BUY, 100_010.0, -1.0), (Side.SELL, 100_070.0, 7.0), (Side.SELL, 99_990.0, -1.0),
])
def test_distance_is_positive_on_the_own_side_of_the_mark(side: Side, price: float, away: float) -> None:
    """A bid below and an ask above the mark are at positive distance."""
    assert distance_bps(side, price, 100_000.0) == pytest.approx(away)


@pytest.mark.parametrize(("before", "elapsed_s", "after"), [
    (None, 3.0, 4e-4), (0.0, 15.0, 2e-4), (0.0, 30.0, 3e-4), (4e-4, 99.0, 4e-4), (0.0, 0.0, 0.0),
])
def test_the_basis_moves_half_way_in_a_half_life(before: float | None, elapsed_s: float, after: float) -> None:
    """A sample of 4 bps, half-life 15 s: half of it after 15 s, three quarters after 30 s."""
    assert basis_after(before, 100_040.0, 100_000.0, elapsed_s, 15.0) == pytest.approx(after)


@pytest.mark.parametrize(("changes", "basis", "expected"), [
    ({}, 3e-4, 100_030.0), ({}, None, 100_000.0), ({"bid": None}, 3e-4, 100_000.0), ({"mark": None}, 3e-4, None),
    ({"bid": D("100099.99"), "ask": D("100100.01")}, 0.0, 100_100.0), ({"mark": D(0)}, 3e-4, None),
])
def test_the_mark_follows_the_book_by_its_basis(changes: dict[str, Decimal | None], basis: float | None,
                                                expected: float | None) -> None:
    """The old mark moved with the mid; the mark itself while the book is one-sided; None before the first."""
    estimate = mark_estimate(view(**changes), basis)
    assert estimate == (pytest.approx(expected) if expected is not None else None)


def test_divergence_is_measured_against_the_mid() -> None:
    """T10, K4: mark 3 bps from mid either way is 3; 0 while one is missing."""
    assert divergence_bps(view(mark=D("100030"))) == pytest.approx(3.0)
    assert divergence_bps(view(mark=D("99970"))) == pytest.approx(3.0)
    assert divergence_bps(view(mark=None)) == 0.0
