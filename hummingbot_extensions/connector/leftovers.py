"""Orders with our owner tag that nobody in this process looks after: left by a run before this one, or lost to it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.types import Side


@dataclass(frozen=True, slots=True)
class LeftoverOrder:
    """An order of ours that may still fill and that no executor owns: exposure until it is gone.

    ``price`` is None for a market order; ``remaining`` is what may still fill, base units.
    """

    client_order_id: str
    trading_pair: str
    side: Side
    price: Decimal | None
    remaining: Decimal
    is_reduce_only: bool


@dataclass(frozen=True, slots=True)
class VenueWord:
    """What the venue answered when it was asked for our open orders."""

    open: tuple[LeftoverOrder, ...]
    unseen: tuple[str, ...]
    """Client ids asked for that it does not know: never there, or too young to be shown."""


class GoneOrders:
    """Client ids that the venue itself called final, newest last and bounded: its lists show them for seconds more."""

    def __init__(self, max_ids: int = 5_000) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._max_ids = max_ids

    def add(self, client_order_id: str) -> None:
        self._ids[client_order_id] = None
        self._ids.move_to_end(client_order_id)
        while len(self._ids) > self._max_ids:
            self._ids.popitem(last=False)

    def __contains__(self, client_order_id: str) -> bool:
        return client_order_id in self._ids
