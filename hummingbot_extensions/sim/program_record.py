"""What program scoring looks at, from the venue's own log of one account in one market."""

from __future__ import annotations

from hummingbot_extensions.core.program_score import MarketRecord
from hummingbot_extensions.core.uptime import QuoteInterval
from hummingbot_extensions.sim.account import Account
from hummingbot_extensions.sim.order_log import RestingRow
from hummingbot_extensions.sim.venue import Venue
from hummingbot_extensions.sim.venue_values import OrderStatus


def market_record(
    venue: Venue, user: str, symbol: str, start_ns: int, end_ns: int, utc_offset_ns: int = 0
) -> MarketRecord:
    """Everything that rested over [start, end) of venue time, with marks and the time in which the market was alive.

    Holes of a recorded tape are time in which nobody knows the mark, so they are dead here too, and earn nothing.
    ``utc_offset_ns`` is added to venue time to get UTC.
    """
    account, spec = venue.accounts[user], venue.specs[symbol]
    price_unit, size_unit = 10.0**-spec.price_decimals, 10.0**-spec.size_decimals
    own_cancels_ns = set(account.log.cancel_times_ns)
    quotes = [
        QuoteInterval(
            row.is_bid,
            row.price_ticks * price_unit,
            row.size_lots * size_unit,
            row.start_ns,
            venue.now_ns if row.end_ns is None else row.end_ns,
            row.order_id,
            row.end_ns in own_cancels_ns and was_cancelled(account, row),
        )
        for row in account.log.rows
        if row.symbol == symbol and row.start_ns < end_ns and (row.end_ns is None or row.end_ns > start_ns)
    ]
    return MarketRecord(
        symbol,
        quotes,
        venue.marks(symbol).between(start_ns, end_ns, price_unit),
        venue.alive(symbol).spans(start_ns, end_ns),
        start_ns,
        end_ns,
        utc_offset_ns,
    )


def was_cancelled(account: Account, row: RestingRow) -> bool:
    """Whether this interval is the order's last and ended by a cancel."""
    order = account.orders[row.order_id]
    return order.status is OrderStatus.CANCELED and order.closed_ns == row.end_ns
