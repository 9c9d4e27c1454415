"""What carries out the actions of one side: the quoter speaks to this, be it an executor or a dry run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

from hummingbot_extensions.core.decision import Cancel
from hummingbot_extensions.core.quote import POINTS_LAYER, Quote
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState, OwnOrder


class Level(Protocol):
    """One quoted level."""

    side: Side
    layer: int

    @property
    def takes_orders(self) -> bool:
        """Whether it takes new orders; a level that winds down only cancels."""

    def place(self, quote: Quote) -> str: ...

    def cancel(self, action: Cancel) -> None: ...

    def owns(self, client_order_id: str) -> bool: ...

    def open_orders(self) -> Iterable[OwnOrder]: ...

    def uncancelled(self) -> list[str]:
        """Ids of orders that may rest and of which no cancel was asked, from memory alone: it cannot fail."""


class Account(Protocol):
    """Who keeps count of what became of orders."""

    def on_cancel_sent(self, order_id: str, side: Side, reason: str, is_risk: bool) -> None: ...

    def on_ended(self, order_id: str, quote: Quote, how: str, reason: str | None) -> None: ...


class DryLevel:
    """All layers of one side, sending nothing: a disarmed bot's orders, resting at once, never filled, cancelled at
    once.
    """

    layer = 0

    def __init__(self, side: Side, account: Account) -> None:
        self.side = side
        self._account = account
        self._quotes: dict[str, Quote] = {}
        self._orders: dict[str, OwnOrder] = {}
        self._next = 1

    @property
    def takes_orders(self) -> bool:
        return True

    def place(self, quote: Quote) -> str:
        order_id = f"dry-{self.side}-{self._next}"
        self._next += 1
        self._quotes[order_id] = quote
        self._orders[order_id] = OwnOrder(
            order_id, self.side, quote.price, quote.size, OrderState.LIVE, quote.is_reduce_only, time.monotonic_ns(),
            is_points=quote.layer == POINTS_LAYER)
        return order_id

    def cancel(self, action: Cancel) -> None:
        self._account.on_cancel_sent(action.client_order_id, self.side, action.reason, action.is_risk)
        self._end(action.client_order_id)

    def end(self) -> None:
        """The bot stops: what it would show is gone."""
        for order_id in list(self._orders):
            self._end(order_id)

    def _end(self, order_id: str) -> None:
        del self._orders[order_id]
        self._account.on_ended(order_id, self._quotes.pop(order_id), "canceled", None)

    def owns(self, client_order_id: str) -> bool:
        return client_order_id in self._orders

    def open_orders(self) -> Iterable[OwnOrder]:
        return list(self._orders.values())

    def uncancelled(self) -> list[str]:
        return list(self._orders)
