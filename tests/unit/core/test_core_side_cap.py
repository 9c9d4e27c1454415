"""What a side's orders may be worth together: the deepest layers go first, and nothing under the minimum rests."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from core_builders import NOW, RULES, account, cancels, decided, order, params, places, view

from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState

D = Decimal
SPACED = {"mode": "geometric", "start_offset_bps": 5.0, "layer_count": 3, "first_spacing_bps": 2.0,
          "spacing_multiplier": 1.5, "cancel_distance_bps": 2.0, "requote_tolerance_bps": 0.5}
"""Three orders of 0.002 a side, worth about 200 each."""


def capped(cap: str | None, **changes: object) -> QuoteParams:
    made = params(**SPACED, side_notional_cap_quote=None if cap is None else D(cap), **changes)
    assert made.problems() == []
    return made


@pytest.mark.parametrize(("cap", "sizes"), [
    ("700", ["0.002", "0.002", "0.002"]),
    ("500", ["0.002", "0.002", "0.0009"]),
    ("405", ["0.002", "0.002"]),
    ("300", ["0.002", "0.0009"]),
    ("30", ["0.0002"]),
])  # fmt: skip
def test_the_deepest_layers_are_cut_first(cap: str, sizes: list[str]) -> None:
    """The last one shrinks, and goes when the venue takes no so small order."""
    decision = decided(config=capped(cap))
    for side in Side:
        placed = [place.quote for place in places(decision, side)]
        assert [quote.size for quote in placed] == [D(size) for size in sizes]
        assert sum(quote.size * quote.price for quote in placed) <= D(cap)


def test_under_the_venues_minimum_the_side_says_so() -> None:
    decision = decided(config=capped("9"))
    assert decision.actions == () and decision.bid_silence is decision.ask_silence is Silence.BELOW_MINIMUM


def test_a_rest_under_the_venues_least_value_is_left_out() -> None:
    """405 leaves 3 after two orders, 412 leaves 10 less the half percent that is kept spare: both are too small."""
    coarse = view(rules=replace(RULES, step=D("0.00001"), min_size=D("0.00001")))
    assert len(places(decided(coarse, config=capped("412")), Side.BUY)) == 2
    assert len(places(decided(coarse, config=capped("415")), Side.BUY)) == 3


def test_no_cap_and_a_high_one_decide_alike() -> None:
    """N16: what has room is not touched."""
    assert decided(config=capped(None)).actions == decided(config=capped("1e6")).actions


def test_what_is_being_cancelled_and_what_is_unknown_still_counts() -> None:
    """With 400 of 405 not gone yet nothing fits; the other side does not care."""
    lost = [order(Side.BUY, price, state=state, cancel_sent_ns=NOW)
            for price, state in (("99980.00", OrderState.CANCELLING), ("99970.00", OrderState.CANCELLING))]
    decision = decided(held=account(*lost), config=capped("405"))
    assert places(decision, Side.BUY) == [] and decision.bid_silence is Silence.CANCEL_FIRST
    assert len(places(decision, Side.SELL)) == 2


def test_a_lowered_cap_takes_the_deepest_away() -> None:
    """Nothing is placed beside them, and the nearest stay."""
    held = account(*(order(Side.BUY, price, f"b{price}") for price in ("99950.00", "99930.00", "99900.00")))
    decision = decided(held=held, config=capped("405"))
    assert [cancel.client_order_id for cancel in cancels(decision, Side.BUY)] == ["b99900.00"]
    assert places(decision, Side.BUY) == []


def test_what_only_reduces_is_not_held() -> None:
    """Beyond the soft limit the way out is as large as without a cap."""
    held = account(position="0.015")
    assert decided(held=held, config=capped("100")).ladders == decided(held=held, config=capped(None)).ladders
