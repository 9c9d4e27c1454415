"""How the inventory was traded: holding time, turnover, fill rate and maker ratio, derived from the ledger."""

from __future__ import annotations

from decimal import Decimal

from hummingbot_extensions.core.ledger import Ledger, LedgerSpan


def mean_holding_s(ledger: Ledger, now_ns: int | None = None) -> Decimal | None:
    """Seconds that a unit of inventory was held on average, weighted by size; None when nothing was or it is unknown.

    Closed size counts from its average opening to its closing. With ``now_ns`` (Unix nanoseconds) the open position
    counts too, as held until then. Whichever way closings are matched with openings, the weighted sum is the same.
    """
    held, size = ledger.held_base_s, ledger.closed_base
    if held is not None and now_ns is not None and ledger.position:
        held += abs(ledger.position) * (now_ns - ledger.opened_ns) / 1_000_000_000
        size += abs(ledger.position)
    return None if held is None or not size else held / size


def turnover_quote(volume: Ledger | LedgerSpan) -> Decimal:
    """Value of everything that traded, both sides."""
    return volume.maker_volume_quote + volume.taker_volume_quote + volume.unknown_volume_quote


def maker_ratio(volume: Ledger | LedgerSpan) -> Decimal | None:
    """Part of the turnover that we made, in [0, 1]; None without turnover, or while a fill's role is unknown."""
    whole = turnover_quote(volume)
    return None if not whole or volume.unknown_volume_quote else volume.maker_volume_quote / whole


def fill_rate(filled_orders: int, ended_orders: int) -> Decimal | None:
    """Part of the orders that ended which traded at all, in [0, 1]; None before the first has ended.

    >>> fill_rate(1, 4)
    Decimal('0.25')
    """
    if not 0 <= filled_orders <= ended_orders:
        raise ValueError(f"{filled_orders} filled of {ended_orders} ended orders cannot be")
    return Decimal(filled_orders) / ended_orders if ended_orders else None
