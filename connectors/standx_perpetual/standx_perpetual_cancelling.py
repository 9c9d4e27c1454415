"""Cancelling: one by one over the order socket, several that are due at once with one request. A venue that accepts a
cancel has not cancelled: each order is followed until it is gone.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from hummingbot.core.data_type.cancellation_result import CancellationResult
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState
from hummingbot.core.web_assistant.connections.data_types import RESTMethod

from hummingbot_extensions.connector.errors import Misconfigured, NotFound, Rejected, Transient, Unknown
from hummingbot_extensions.connector.owned_tasks import any_set

from . import standx_perpetual_constants as CONSTANTS
from .standx_perpetual_order_entry import CommandKind
from .standx_perpetual_order_flow import StandxOrderFlow

BATCH_FROM = 3
"""So many cancels that are due at once go with one request. The venue has no batch placement."""
CANCELS_PER_REQUEST = 100
"""Orders in one batch cancel; the venue's own limit is not published."""


class StandxCancelling(StandxOrderFlow):
    """The part of the connector that takes orders back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._cancels_due: dict[str, InFlightOrder] = {}
        super().__init__(*args, **kwargs)

    async def _execute_order_cancel(self, order: InFlightOrder) -> str | None:
        """Ask for a cancel; the client id when the venue took the request, which is not yet a cancel."""
        client_order_id = order.client_order_id
        self._outcomes.record(client_order_id).is_cancel_wanted = True
        if await self._went_with_others(order):
            return client_order_id
        try:
            is_taken = await self._place_cancel(client_order_id, order)
        except asyncio.CancelledError:
            raise
        except NotFound:
            self.logger().info(f"Failed to cancel order {client_order_id} (order not found), looking for fills")
            await self._on_not_listed(order)
        except (Unknown, Transient) as problem:
            if self._outcomes.record(client_order_id).is_terminal:
                self.logger().debug(f"cancel of an order that has ended id={client_order_id} cause={problem}")
                return client_order_id
            self.logger().warning(f"Failed to cancel order {client_order_id} ({problem}), asking the venue")
        except Misconfigured as problem:
            # Announced at ERROR with the orders that may rest; a line for each attempt would only bury that.
            self.logger().debug(f"Failed to cancel order {client_order_id} ({problem}), asking the venue")
        except Exception:  # noqa: BLE001  Hummingbot calls this fire-and-forget
            self.logger().exception(f"Failed to cancel order {client_order_id}")
        else:
            if is_taken:
                self._push(order, OrderState.PENDING_CANCEL)
                return str(client_order_id)
            self.logger().info(f"Failed to cancel order {client_order_id} (refused), asking the venue")
        self._resolve_soon(client_order_id, 0.0)
        return None

    async def _went_with_others(self, order: InFlightOrder) -> bool:
        """True when this cancel was sent with others that are due in the same turn of the loop."""
        client_order_id = order.client_order_id
        self._cancels_due[client_order_id] = order
        await asyncio.sleep(0)
        if client_order_id not in self._cancels_due:
            return True
        if len(self._cancels_due) < BATCH_FROM:
            del self._cancels_due[client_order_id]
            return False
        due, self._cancels_due = list(self._cancels_due), {}
        try:
            await self.cancel_many(due)
        except (Unknown, Transient, Rejected) as problem:
            self.logger().warning(f"Failed to cancel {len(due)} orders at once ({problem}), asking the venue")
        except Misconfigured as problem:
            self.logger().debug(f"Failed to cancel {len(due)} orders at once ({problem}), asking the venue")
        return True

    async def cancel_all(self, timeout_seconds: float) -> list[CancellationResult]:
        """Cancel every order that is in flight, many with one request; an order counts as cancelled once it has ended
        (filled orders as well), within the time given.
        """
        wanted = [order.client_order_id for order in self.in_flight_orders.values() if not order.is_done]
        if len(wanted) < BATCH_FROM:
            return list(await super().cancel_all(timeout_seconds))
        deadline_s = time.monotonic() + timeout_seconds
        try:
            await self.cancel_many(wanted)
        except (Unknown, Transient, Rejected, Misconfigured) as problem:
            self.logger().warning(f"Failed to cancel {len(wanted)} orders at once ({problem}), asking the venue")
        for client_order_id in wanted:
            await any_set((self._outcomes.record(client_order_id).ended,), max(0.0, deadline_s - time.monotonic()))
        return [CancellationResult(key, self._outcomes.record(key).is_terminal) for key in wanted]

    async def _place_cancel(self, order_id: str, tracked_order: InFlightOrder) -> bool:
        """Send a cancel by client id (sample tests/wire/standx/rest_cancel_order.json); True when it was accepted."""
        command = await self._submit(CommandKind.CANCEL, order_id, {"cl_ord_id": order_id})
        if not command.is_over_ws:
            self._resolve_soon(order_id, CONSTANTS.ORDER_FRAME_GRACE_S)
            return True
        record = self._outcomes.record(order_id)
        if not await any_set((command.answered, record.ended), CONSTANTS.ORDER_DEADLINE_S):
            raise Unknown(f"no answer to a cancel within {CONSTANTS.ORDER_DEADLINE_S:g} s")
        if record.is_terminal:
            return True
        if not command.replies:
            raise Unknown("the order entry socket dropped before the answer to a cancel")
        is_taken = command.replies[0].is_success
        if is_taken:
            # A final answer that never comes must not leave the order pending: look after it in any case.
            self._resolve_soon(order_id, CONSTANTS.ORDER_FRAME_GRACE_S * 2)
        return is_taken

    async def cancel_many(self, client_order_ids: list[str]) -> None:
        """Cancel several orders with one request (sample tests/wire/standx/rest_cancel_orders.json).

        The reply has no result per order: each is followed until the venue shows it gone.
        """
        wanted = [client_order_id for client_order_id in client_order_ids if self._tracked(client_order_id) is not None]
        if not wanted:
            return
        for client_order_id in wanted:
            self._outcomes.record(client_order_id).is_cancel_wanted = True
        try:
            await self._cancel_batch(wanted)
        finally:
            for client_order_id in wanted:
                order = self._tracked(client_order_id)
                if order is not None:
                    self._push(order, OrderState.PENDING_CANCEL)
                self._resolve_soon(client_order_id, CONSTANTS.ORDER_FRAME_GRACE_S)

    async def _cancel_batch(self, client_order_ids: list[str]) -> None:
        for start in range(0, len(client_order_ids), CANCELS_PER_REQUEST):
            await self._bucket.acquire(CONSTANTS.CREDITS_PER_REQUEST, is_urgent=True)
            await self._private(
                CONSTANTS.CANCEL_ORDERS_PATH, method=RESTMethod.POST, is_paid=True,
                body={"cl_ord_id_list": client_order_ids[start : start + CANCELS_PER_REQUEST]},
            )  # fmt: skip
