"""Which tracked orders need a query of their own, decided from one list of open orders.

The list only raises suspicion: venues show cancelled orders in it for seconds and leave new ones out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TrackedOrder:
    """One order as we believe it to be; ``filled_base`` is the sum of the fills that we have seen."""

    client_order_id: str
    filled_base: Decimal
    is_cancel_pending: bool


def suspects(tracked: Iterable[TrackedOrder], listed_filled_base: Mapping[str, Decimal]) -> list[str]:
    """Client ids whose own status must be asked for: not listed, listed with other fills, or waiting for a cancel.

    ``listed_filled_base`` maps the client ids in the venue's list to their cumulative filled size.

    >>> quiet = TrackedOrder("a", Decimal(0), False)
    >>> suspects([quiet, TrackedOrder("b", Decimal(0), False)], {"a": Decimal(0)})
    ['b']
    """
    return [
        order.client_order_id
        for order in tracked
        if order.client_order_id not in listed_filled_base
        or listed_filled_base[order.client_order_id] != order.filled_base
        or order.is_cancel_pending
    ]
