"""Own fills and their fees from Hummingbot's fill events."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import OrderType, TradeType

from hummingbot_extensions.connector.own_fills import OwnFill
from hummingbot_extensions.core.types import Side

LATEST_S = 86_400.0
"""A fill stamped farther ahead of the venue's clock than this is stamped in another unit than seconds."""
MAX_FILLS = 50_000


def own_fill(event: Any, order: Any | None, now_s: float) -> OwnFill:
    """Fill told by Hummingbot's event; ``order`` is the one it belongs to, where the venue's stamp stands.

    The fee is exact only where the venue named an amount in the quote token. ``now_s`` is the venue's clock.
    """
    quote = event.trading_pair.split("-")[1]
    fee, is_exact = fee_quote(event.trade_fee, event.trading_pair, event.price, event.amount, quote)
    update = order.order_fills.get(event.exchange_trade_id) if order is not None else None
    # Hummingbot's default says taker of every fill whose connector does not say.
    is_maker = event.order_type is OrderType.LIMIT_MAKER or (update is not None and not update.is_taker)
    return OwnFill(
        trade_id=str(event.exchange_trade_id),
        client_order_id=event.order_id,
        exchange_order_id=str(event.exchange_order_id),
        trading_pair=event.trading_pair,
        side=Side.BUY if event.trade_type is TradeType.BUY else Side.SELL,
        price=Decimal(event.price),
        size=Decimal(event.amount),
        fee=fee,
        is_fee_exact=is_exact,
        is_maker=True if is_maker else None,
        exchange_ts_ns=_stamp_ns(update.fill_timestamp if update is not None else None, now_s),
    )


def fee_quote(fee: Any, trading_pair: str, price: Decimal, size: Decimal, quote: str) -> tuple[Decimal | None, bool]:
    """Fee in quote units, positive paid, and whether it is the venue's own figure; None when a rate is missing."""
    if fee.percent == 0 and all(flat.token == quote for flat in fee.flat_fees):
        amount = sum((Decimal(flat.amount) for flat in fee.flat_fees), Decimal(0))
        # No fee at all is what a connector says that has not been told one.
        return amount, bool(fee.flat_fees)
    try:
        amount = Decimal(
            fee.fee_amount_in_token(trading_pair=trading_pair, price=price, order_amount=size, token=quote))
    except Exception:
        # Hummingbot's rate oracle raises what it likes; a fee that cannot be converted is not known.
        return None, False
    return (amount, False) if amount.is_finite() else (None, False)


def _stamp_ns(stamp_s: Any, now_s: float) -> int | None:
    if stamp_s is None or not math.isfinite(stamp_s) or not 0 < stamp_s < now_s + LATEST_S:
        return None
    # A float of seconds holds microseconds, not nanoseconds.
    return int(round(stamp_s * 1e6) * 1000)


class FillMemory:
    """Fills told in this process, oldest first and bounded, each under an id that no other order's fill bears.

    A venue may number trades per order, and gives both sides of a trade with oneself one number.
    """

    def __init__(self, max_fills: int = MAX_FILLS) -> None:
        self._fills: OrderedDict[str, OwnFill] = OrderedDict()
        self._max_fills = max_fills

    def added(self, fill: OwnFill) -> OwnFill | None:
        """``fill`` as kept, with its order's id before its number when another order has had that; None when told
        before.
        """
        known = self._fills.get(fill.trade_id)
        if known is not None and known.client_order_id != fill.client_order_id:
            fill = replace(fill, trade_id=f"{fill.client_order_id}:{fill.trade_id}")
        if fill.trade_id in self._fills:
            return None
        self._fills[fill.trade_id] = fill
        while len(self._fills) > self._max_fills:
            self._fills.popitem(last=False)
        return fill

    def since(self, trading_pair: str, since_s: float) -> list[OwnFill]:
        """Fills of a pair from that Unix second on; one without a stamp always counts as later."""
        return [
            fill for fill in self._fills.values()
            if fill.trading_pair == trading_pair
            and (fill.exchange_ts_ns is None or fill.exchange_ts_ns >= since_s * 1e9)]
