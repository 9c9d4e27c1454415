"""Numbers that no venue should send: a row with one is read or refused by name, at once, and breaks nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_parse as parse

from hummingbot_extensions.feeds.standx import decimal_or_none, parse_time_ns

NASTY: list[Any] = [1e999, -1e999, float("nan"), "1e999", 1e300, 10**400, "1e400000000", "-1e400000000", [], {}, None]
ORDER = {
    "id": 1, "cl_ord_id": "a", "symbol": "BTC-USD", "side": "buy", "qty": "1", "fill_qty": "0", "status": "open",
    "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "price": "1", "order_type": "limit",
}  # fmt: skip
FILL = {
    "id": 1, "order_id": 1, "symbol": "BTC-USD", "side": "buy", "price": "1", "qty": "1", "fee_qty": "0",
    "created_at": "2026-01-01T00:00:00Z",
}  # fmt: skip
MARKET = {
    "symbol": "BTC-USD", "base_asset": "BTC", "quote_asset": "DUSD", "price_tick_decimals": 2, "qty_tick_decimals": 3,
    "min_order_qty": "0.1", "max_open_orders": "1", "maker_fee": "0", "taker_fee": "0", "max_leverage": "1",
}  # fmt: skip


@pytest.mark.parametrize("value", NASTY, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize(
    ("read", "row"), [(parse.parse_order, ORDER), (parse.parse_fill, FILL), (parse.parse_symbol_info, MARKET)]
)
def test_a_nasty_number_is_refused_like_any_bad_row(read: Any, row: dict[str, Any], value: Any) -> None:
    """Every caller skips a row by KeyError, ValueError and TypeError; what is read is finite."""
    for name in row:
        try:
            found = read({**row, name: value})
        except (KeyError, ValueError, TypeError):
            continue
        for member in found.__slots__:
            number = getattr(found, member)
            assert not isinstance(number, Decimal) or number.is_finite()


def test_times_and_sizes_beyond_all_measure_are_none() -> None:
    """Neither an endless computation nor an exception of its own."""
    assert parse_time_ns(1e999) is None and parse_time_ns(float("nan")) is None and parse_time_ns("9" * 400) is None
    assert decimal_or_none("1e400000000") is None and decimal_or_none("-0.000") == 0
