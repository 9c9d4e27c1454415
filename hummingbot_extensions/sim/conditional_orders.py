"""Take-profit and stop-loss orders: made from an order's ``tp_price`` and ``sl_price``, triggered by the mark. Pure.

Documented: they come into being once the order is filled, trigger on the mark alone (long: SL at or below, TP at or
above; short: the mirror), reduce only, and send a closing order to the book whose fill is not guaranteed.

Choices where nothing is documented:
- They are made when their parent ends with a fill, for what it filled, cut to what is left to reduce; none for nothing.
- The closing order is a market order; what the book does not give is cancelled, not tried again.
- The two of one parent exclude each other: the first to trigger cancels the other. They count once as pending.
- They live as long as there is a position to close, are cut to it when they trigger, and lock no money before.
"""

from __future__ import annotations

from hummingbot_extensions.core.types import TimeInForce
from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.account import Account, Order
from hummingbot_extensions.sim.gateway import made_client_id
from hummingbot_extensions.sim.venue_values import OrderKind, OrderSource, OrderStatus


def attached_orders(account: Account, parent: Order, first_id: int, now_ns: int) -> list[Order]:
    """The untriggered orders that ``parent``, now over, leaves behind; their ids count up from ``first_id``."""
    side = parent.side.opposite
    lots = min(parent.filled_lots, account.reducible_lots(parent.symbol, side))
    wanted = [(OrderSource.TAKE_PROFIT, parent.tp_ticks), (OrderSource.STOP_LOSS, parent.sl_ticks)]
    if lots <= 0:
        return []
    triggers = [(source, ticks) for source, ticks in wanted if ticks is not None]
    return [
        Order(
            id=first_id + number,
            symbol=parent.symbol,
            client_id=made_client_id(first_id + number),
            side=side,
            kind=OrderKind.MARKET,
            tif=TimeInForce.IOC,
            price_ticks=ticks,
            size_lots=lots,
            reduce_only=True,
            leverage=parent.leverage,
            margin=margin.ZERO,
            position_id=parent.position_id,
            created_ns=now_ns,
            updated_ns=now_ns,
            status=OrderStatus.UNTRIGGERED,
            shown_ns=now_ns,
            source=source,
            trigger_ticks=ticks,
            parent_id=parent.id,
        )
        for number, (source, ticks) in enumerate(triggers)
    ]


def is_triggered(order: Order, mark_ticks: int) -> bool:
    """Whether the mark has reached an untriggered order's price from the side where it waited."""
    if order.status is not OrderStatus.UNTRIGGERED or order.trigger_ticks is None:
        return False
    beyond = (mark_ticks - order.trigger_ticks) * order.side.opposite.sign
    return beyond >= 0 if order.source is OrderSource.TAKE_PROFIT else beyond <= 0


def siblings(account: Account, order: Order) -> list[Order]:
    """Live orders that share this one's parent."""
    return [
        other for other in account.live.values() if order.parent_id == other.parent_id != 0 and other.id != order.id
    ]


def is_excess(account: Account, order: Order) -> bool:
    """Whether the position no longer covers a resting reduce-only or an untriggered order."""
    if order.status is OrderStatus.UNTRIGGERED:
        return account.position_lots(order.symbol) * order.side.sign >= 0
    is_resting = order.reduce_only and order.status is OrderStatus.OPEN
    return is_resting and order.left_lots > account.reducible_lots(order.symbol, order.side, order.id)
