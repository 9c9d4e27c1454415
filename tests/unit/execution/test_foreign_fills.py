"""Fills of a foreign connector: fee, stamp, maker or taker, and what tells two of them apart."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import TradeUpdate
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase, TradeFeeSchema
from hummingbot.core.rate_oracle.rate_oracle import RateOracle

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution.foreign.fills import FillMemory, fee_quote, own_fill
from tests.contract.foreign.stub_perpetual import PAIR


def fee(percent: str = "0", *flat: tuple[str, str]) -> TradeFeeBase:
    return TradeFeeBase.new_perpetual_fee(
        TradeFeeSchema(), PositionAction.OPEN, Decimal(percent),
        flat_fees=[TokenAmount(token, Decimal(amount)) for token, amount in flat])


def test_a_fee_is_exact_only_where_the_venue_named_it_in_quote() -> None:
    """A share is an estimate, another token is converted, and without a rate the fee is unknown, never 0."""
    price, size = Decimal(3000), Decimal("0.1")
    assert fee_quote(fee("0", ("USDC", "0.06")), PAIR, price, size, "USDC") == (Decimal("0.06"), True)
    assert fee_quote(fee("0", ("USDC", "-0.01")), PAIR, price, size, "USDC") == (Decimal("-0.01"), True)
    assert fee_quote(fee("0.0002"), PAIR, price, size, "USDC") == (Decimal("0.06"), False)
    assert fee_quote(fee("0", ("ETH", "0.00002")), PAIR, price, size, "USDC") == (Decimal("0.06"), False)
    RateOracle.get_instance()._prices.pop("BNB-USDC", None)
    assert fee_quote(fee("0", ("BNB", "0.001")), PAIR, price, size, "USDC") == (None, False)
    assert fee_quote(fee(), PAIR, price, size, "USDC") == (Decimal(0), False)


def told(trade_id: str = "7", order_id: str = "a", kind: OrderType = OrderType.LIMIT_MAKER) -> Any:
    return SimpleNamespace(
        trading_pair=PAIR, trade_fee=fee("0", ("USDC", "0.06")), price=Decimal(3000), amount=Decimal("0.1"),
        order_type=kind, exchange_trade_id=trade_id, order_id=order_id, exchange_order_id=11,
        trade_type=TradeType.SELL)


def order_with(stamp_s: float, is_taker: bool = True) -> Any:
    update = TradeUpdate(
        "7", "a", "11", PAIR, stamp_s, Decimal(3000), Decimal("0.1"), Decimal(300), fee(), is_taker)
    return SimpleNamespace(order_fills={"7": update})


def test_a_fill_has_the_venues_stamp_and_side() -> None:
    """The event's own stamp is Hummingbot's clock; the venue's stands with the order."""
    fill = own_fill(told(), order_with(1_700_000_000.25), 1_700_000_001.0)
    assert (fill.side, fill.price, fill.size, fill.fee) == (
        Side.SELL, Decimal(3000), Decimal("0.1"), Decimal("0.06"))
    assert fill.exchange_ts_ns == 1_700_000_000_250_000_000
    assert fill.is_maker is True
    assert own_fill(told(), None, 1_700_000_001.0).exchange_ts_ns is None


@pytest.mark.parametrize("stamp_s", [float("nan"), 0.0, -5.0, 1_700_000_000_250.0])
def test_a_stamp_in_another_unit_is_no_stamp(stamp_s: float) -> None:
    """Milliseconds for seconds would book a fill in the far future."""
    assert own_fill(told(), order_with(stamp_s), 1_700_000_001.0).exchange_ts_ns is None


def test_maker_or_taker_is_known_where_somebody_says_so() -> None:
    """Post-only is maker; else only a connector that says "not a taker", since Hummingbot's default is taker."""
    assert own_fill(told(kind=OrderType.LIMIT), order_with(1.0), 2.0).is_maker is None
    assert own_fill(told(kind=OrderType.LIMIT), order_with(1.0, is_taker=False), 2.0).is_maker is True


def test_two_orders_with_one_trade_number_are_two_fills() -> None:
    """A trade with oneself bears one number on both sides; the same fill told twice is one."""
    memory = FillMemory(max_fills=3)
    first = own_fill(told("7", "a"), None, 2.0)
    assert memory.added(first) == first
    assert memory.added(first) is None
    second = memory.added(own_fill(told("7", "b"), None, 2.0))
    assert second is not None and second.trade_id == "b:7"
    assert memory.added(own_fill(told("7", "b"), None, 2.0)) is None
    assert [fill.client_order_id for fill in memory.since(PAIR, 0.0)] == ["a", "b"]
    assert memory.since("BTC-USDC", 0.0) == []
    stamped = own_fill(told("8"), order_with(1.0), 2.0)
    assert stamped.exchange_ts_ns is None  # the order has no fill of that number
    late = own_fill(told("7", "c"), order_with(5.0), 6.0)
    assert memory.added(late) is not None
    assert len(memory.since(PAIR, 5.5)) == 2
