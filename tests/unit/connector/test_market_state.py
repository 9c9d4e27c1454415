"""Which price counts when stamps go backwards: the newer one on the wire, once nothing older can still be under way."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hummingbot_extensions.connector.market_state import LATEST_FRAME_NS, MarketState
from hummingbot_extensions.core.types import PriceState

PAIR = "BTC-DUSD"
SECOND = 1_000_000_000


def price(mark: str, stamp_s: float | None, received_s: float) -> PriceState:
    stamp = None if stamp_s is None else int(stamp_s * SECOND)
    return PriceState(Decimal(mark), None, None, None, None, stamp, int(received_s * SECOND))


@pytest.mark.parametrize(("later_s", "taken"), [(0.5, "100"), (7.9, "100"), (8.1, "101"), (60.0, "101")])
def test_a_stamp_from_a_clock_that_leapt_ahead_holds_later_prices_back_for_seconds(later_s: float, taken: str) -> None:
    """The first price says 120 s ahead; the next ones tell the right time and are later frames, not reordered ones."""
    market = MarketState()
    market.on_price(PAIR, price("100", 1120.0, 10.0))
    market.on_price(PAIR, price("101", 1000.0 + later_s, 10.0 + later_s))
    known = market.price(PAIR)
    assert known is not None and known.mark == Decimal(taken)


def test_a_frame_that_was_overtaken_is_ignored() -> None:
    """An older stamp within the time in which frames can be late; one without a stamp counts."""
    market = MarketState()
    market.on_price(PAIR, price("100", 1000.0, 10.0))
    market.on_price(PAIR, price("99", 999.0, 10.1))
    assert market.price(PAIR) == price("100", 1000.0, 10.0)
    market.on_price(PAIR, price("98", None, 10.2))
    assert market.price(PAIR) == price("98", None, 10.2)


def test_late_frames_are_believed_before_quotes_are_pulled_for_them() -> None:
    """The preset pulls quotes when the mark is ten seconds old."""
    assert LATEST_FRAME_NS < 10 * SECOND
