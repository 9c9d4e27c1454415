"""Signed flow of a market's public trades, as Hummingbot's order book tells of them."""

from __future__ import annotations

import time
from typing import Any

from hummingbot.core.data_type.common import TradeType
from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import OrderBookEvent, OrderBookTradeEvent

from hummingbot_extensions.core.drift import DriftParams, FlowState, after_trade, flow_frac
from hummingbot_extensions.core.types import Side


class Flow:
    """Listens to the trades of one market while it runs. Parameters of the newest decision count."""

    def __init__(self, connector: Any, trading_pair: str) -> None:
        self._connector = connector
        self._pair = trading_pair
        self._state = FlowState()
        self._params = DriftParams()
        self._forwarder = SourceInfoEventForwarder(self._on_trade)
        self._book: Any = None

    def start(self) -> None:
        """The book is looked for at each reading: Hummingbot makes it later, and anew after a lost feed."""
        self._state = FlowState()

    def stop(self) -> None:
        self._listen_to(None)

    def frac(self, now_ns: int, params: DriftParams) -> float | None:
        """Net flow over all flow, -1 (takers only sold) to 1 (only bought); None before the first trade."""
        self._params = params
        self._listen_to(self._connector.order_books.get(self._pair))
        return flow_frac(self._state, now_ns, params)

    def _listen_to(self, book: Any) -> None:
        if book is self._book:
            return
        if self._book is not None:
            self._book.remove_listener(OrderBookEvent.TradeEvent, self._forwarder)
        self._book = book
        if book is not None:
            book.add_listener(OrderBookEvent.TradeEvent, self._forwarder)

    def _on_trade(self, _tag: int, _book: Any, event: OrderBookTradeEvent) -> None:
        side = Side.BUY if event.type is TradeType.BUY else Side.SELL
        self._state = after_trade(
            self._state, time.monotonic_ns(), side, float(event.price) * float(event.amount), self._params)
