"""Every touch of names inside Hummingbot's connectors that it does not promise to keep, through ``compat.require``."""

from __future__ import annotations

from typing import Any, Protocol

from hummingbot.core.data_type.common import OrderType
from hummingbot.core.event.events import MarketEvent, MarketOrderFailureEvent

from hummingbot_extensions.compat import require

NEEDED = (
    "_order_tracker", "_create_order", "_user_stream_tracker", "_time_synchronizer", "_update_order_after_failure",
    "_request_order_status", "_all_trade_updates_for_order", "_execute_order_cancel", "_update_positions",
    "_is_order_not_found_during_status_update_error",
)


def check(connector: Any) -> None:
    """UpstreamChanged, naming the member, when a connector lacks one that is used here."""
    for name in NEEDED:
        require(connector, name)
    for name in ("_lost_orders", "_cached_orders", "_order_not_found_records"):
        require(connector._order_tracker, name)


def active_orders(connector: Any) -> dict[str, Any]:
    """Orders that Hummingbot takes for open, by client id."""
    return dict(require(connector, "_order_tracker").active_orders)


def lost_orders(connector: Any) -> dict[str, Any]:
    """Orders that Hummingbot has given up on without the venue's word, by client id."""
    return dict(require(connector, "_order_tracker").lost_orders)


def fillable_orders(connector: Any) -> dict[str, Any]:
    """Every order whose fills Hummingbot would still take, by client id."""
    return dict(require(connector, "_order_tracker").all_fillable_orders)


def fetch_order(connector: Any, client_order_id: str) -> Any | None:
    """Order that Hummingbot tracks, remembers or has lost; None when it knows it no more."""
    return require(connector, "_order_tracker").all_fillable_orders.get(client_order_id)


def is_being_lost(connector: Any, client_order_id: str) -> bool:
    """Whether Hummingbot gives up on an order now: asked for too often without an answer, no word of the venue."""
    tracker = require(connector, "_order_tracker")
    return bool(require(tracker, "_order_not_found_records").get(client_order_id, 0) > tracker.lost_order_count_limit)


def hold(connector: Any, order: Any) -> None:
    """Have Hummingbot treat an ended order as lost: cancelled and asked for every 5 s, its fills taken, kept on disk.

    It must not be remembered as ended beside that, or news of it would go there.
    """
    tracker = require(connector, "_order_tracker")
    require(tracker, "_cached_orders").pop(order.client_order_id, None)
    require(tracker, "_lost_orders")[order.client_order_id] = order


def end_unknown(connector: Any, order: Any) -> None:
    """Tell Hummingbot that the venue does not know an order that it takes for open: it fails."""
    require(connector, "_update_order_after_failure")(
        order_id=order.client_order_id, trading_pair=order.trading_pair,
        exception=LookupError("the venue does not know it"))


def fail_unsent(connector: Any, client_order_id: str, error: Exception) -> None:
    """Send Hummingbot's failure event for an order that it never began to track: nobody else will."""
    connector.trigger_event(MarketEvent.OrderFailure, MarketOrderFailureEvent(
        connector.current_timestamp, client_order_id, OrderType.LIMIT, type(error).__name__, str(error)))


def let_go(connector: Any, client_order_id: str) -> None:
    """The venue has spoken about a lost order: Hummingbot need not look for it any more."""
    require(require(connector, "_order_tracker"), "_lost_orders").pop(client_order_id, None)


async def order_update(connector: Any, order: Any) -> Any:
    """The venue's word on one order, asked now. Raises whatever the connector raises."""
    return await require(connector, "_request_order_status")(tracked_order=order)


def is_not_found(connector: Any, error: Exception) -> bool:
    """Whether an error of ``order_update`` is the venue's word that it does not know the order."""
    return bool(require(connector, "_is_order_not_found_during_status_update_error")(status_update_exception=error))


async def trade_updates(connector: Any, order: Any) -> list[Any]:
    """Fills of one order as the venue lists them, asked now. Raises whatever the connector raises."""
    return list(await require(connector, "_all_trade_updates_for_order")(order=order))


def take_order_update(connector: Any, update: Any) -> None:
    """Give Hummingbot the venue's word on an order, as if it had asked itself."""
    require(connector, "_order_tracker").process_order_update(update)


def take_trade_update(connector: Any, update: Any) -> None:
    """Give Hummingbot a fill; one that it knows changes nothing."""
    require(connector, "_order_tracker").process_trade_update(update)


async def cancel(connector: Any, order: Any) -> None:
    """Ask the venue to cancel an order, tracked or lost. Hummingbot logs what goes wrong."""
    await require(connector, "_execute_order_cancel")(order=order)


async def refresh_positions(connector: Any) -> None:
    """Read the account's positions from the venue. Raises whatever the connector raises."""
    await require(connector, "_update_positions")()


def user_stream_stamp(connector: Any) -> float:
    """Wall-clock seconds of the newest frame of the account stream; 0 while it is not connected."""
    return float(require(connector, "_user_stream_tracker").last_recv_time or 0.0)


def venue_time_s(connector: Any) -> float:
    """Unix seconds by the venue's clock as far as Hummingbot has asked for it, else by the local one."""
    return float(require(connector, "_time_synchronizer").time())


class OrderNews(Protocol):
    """Who is told what happens to orders between Hummingbot's events. None of it may raise."""

    def on_placing(self, client_order_id: str) -> None:
        """A placement begins: from here on the order may reach the venue."""

    def on_tracked(self, client_order_id: str) -> None:
        """Hummingbot begins to track an order."""

    def on_failed(self, client_order_id: str, error: Exception | None) -> None:
        """An order failed; its event goes out next."""

    def on_placed(self, client_order_id: str, error: Exception | None) -> None:
        """A placement has ended, whatever came of it: the order will not be sent any more."""


def watch_orders(connector: Any, news: OrderNews) -> None:
    """Be told of what happens to orders beside Hummingbot's events."""
    start, fail = require(connector, "start_tracking_order"), require(connector, "_update_order_after_failure")
    create = require(connector, "_create_order")

    def started(order_id: str, *arguments: Any, **named: Any) -> Any:
        news.on_tracked(order_id)
        return start(order_id, *arguments, **named)

    def failed(order_id: str, trading_pair: str, exception: Exception | None = None) -> Any:
        news.on_failed(order_id, exception)
        return fail(order_id=order_id, trading_pair=trading_pair, exception=exception)

    async def created(trade_type: Any, order_id: str, *arguments: Any, **named: Any) -> Any:
        problem: Exception | None = None
        news.on_placing(order_id)
        try:
            return await create(trade_type, order_id, *arguments, **named)
        except Exception as error:
            problem = error
            raise
        finally:
            news.on_placed(order_id, problem)

    connector._create_order = created
    connector.start_tracking_order = started
    connector._update_order_after_failure = failed
