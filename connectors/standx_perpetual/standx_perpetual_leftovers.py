"""Own orders that nobody in this process owns: cancelled, followed until the venue calls them final, fills booked.

They were left by a run that was killed (Hummingbot restores those that it had stored, after its clock has started, and
cancels none), were sent just before and appear later, or were called rejected and rest all the same. Orders without our
owner tag are never touched. Until the start-up sweep is done the connector is not ready.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder

from hummingbot_extensions.connector.errors import Misconfigured, NotFound
from hummingbot_extensions.connector.leftovers import GoneOrders, LeftoverOrder
from hummingbot_extensions.core.types import Side

from . import standx_perpetual_constants as CONSTANTS
from .standx_perpetual_fills import FILL_MARGIN_S, RECOVERABLE, StandxFills
from .standx_perpetual_parse import OrderRow, rows_of

SETTLE_EVERY_S = 1.0
"""How often the list of open orders is read while the start-up sweep runs."""
RECENT_LIFE_S = 600.0
"""With an own order this young at the venue, another run may have sent one just before it died: the sweep then lasts
NOT_FOUND_BELIEVED_AFTER_S at least. Without, the first clean list is enough.
"""
FILLS_AWAITED_S = 30.0
"""How long the fills of a leftover that has ended are asked for before the connector goes on without them."""
UNSETTLED_SAID_AFTER_S = 30.0

_running: weakref.WeakSet[StandxLeftovers] = weakref.WeakSet()
"""Connectors of this process whose network is up: what one of them tracks is no leftover to another."""


class StandxLeftovers(StandxFills):
    """The part of the connector that clears away what nobody owns."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._leftovers: dict[str, LeftoverOrder] = {}
        self._leftover_listed_s: dict[str, float] = {}
        self._leftover_unbooked: set[str] = set()
        self._gone = GoneOrders()
        self._disowned: dict[str, InFlightOrder] = {}
        self._is_settled = False
        self._settling: asyncio.Task[Any] | None = None
        super().__init__(*args, **kwargs)

    # --- what the strategy side asks ---------------------------------------------------------------------------------

    def leftover_orders(self, trading_pair: str) -> tuple[LeftoverOrder, ...]:
        """Own orders of a pair that may still fill and that no executor owns: they count as exposure until gone.

        Those of earlier runs that are being cleared away, and those of this run that the venue first called rejected.
        """
        found = {key: left for key, left in self._leftovers.items() if left.trading_pair == trading_pair}
        for client_order_id, order in self._disowned_open().items():
            if order.trading_pair == trading_pair:
                found[client_order_id] = _leftover_of_order(order)
        return tuple(found[key] for key in sorted(found))

    @property
    def own_leftovers_settled(self) -> bool:
        """True once the start-up sweep has found every order of earlier runs final; False again when Hummingbot
        restores orders afterwards.
        """
        return self._is_settled

    @property
    def status_dict(self) -> dict[str, bool]:
        """As upstream, with an entry that keeps the connector from being ready before the start-up sweep is done."""
        status = dict(super().status_dict)
        if self.is_trading_required:
            status["own_leftovers_settled"] = self._is_settled
        return status

    def _reducing_elsewhere(self, trading_pair: str, side: Side, but_for: str) -> list[LeftoverOrder]:
        active = self._order_tracker.active_orders.items()
        tracked = {key: _leftover_of_order(order) for key, order in active if not order.is_done}
        return [
            left
            for key, left in {**self._leftovers, **tracked}.items()
            if key != but_for and left.trading_pair == trading_pair and left.side is side and left.is_reduce_only
        ]

    # --- life --------------------------------------------------------------------------------------------------------

    async def start_network(self) -> None:
        await super().start_network()
        if self.is_trading_required:
            _running.add(self)
            self._settle_soon()
            if self._leftovers:
                # Found before the network was stopped: nobody follows them any more.
                self._leftover_listed_s.update(dict.fromkeys(self._leftovers, time.monotonic()))
                self._tasks.spawn(self._clear_away(list(self._leftovers)), "clear-away")

    async def stop_network(self) -> None:
        _running.discard(self)
        await super().stop_network()

    def restore_tracking_states(self, saved_states: dict[str, Any]) -> None:
        """Take back orders that Hummingbot had stored, and have them cancelled: no executor of this run owns them.

        Called after the clock has started, but before the first tick that follows. Orders without our tag (of a copied
        workspace) stay with whoever sent them.
        """
        ours = {key: state for key, state in saved_states.items() if key.startswith(self.owner_tag)}
        if len(ours) < len(saved_states):
            foreign = ", ".join(sorted(saved_states.keys() - ours.keys()))
            self.logger().warning(f"stored orders without our tag {self.owner_tag} left alone ids={foreign}")
        super().restore_tracking_states(ours)
        restored = [key for key in ours if key in self._order_tracker.active_orders]
        for client_order_id in restored:
            self._disown(self._order_tracker.active_orders[client_order_id])
            self._outcomes.record(client_order_id).restored_mono_ns = time.monotonic_ns()
            self._outcomes.mark_unknown(client_order_id, "of an earlier run")
        if restored:
            self.logger().warning(f"orders of an earlier run restored, clearing them away n={len(restored)}")
            self._is_settled = False
            if self in _running:
                self._settle_soon()

    def _settle_soon(self) -> None:
        if self._settling is None or self._settling.done():
            self._settling = self._tasks.spawn(self._settle(), "leftovers")

    def _disown(self, order: InFlightOrder) -> None:
        """An order that no executor owns: it is to be cancelled, and is exposure until it is."""
        self._disowned[order.client_order_id] = order
        self._outcomes.record(order.client_order_id).is_cancel_wanted = True

    def _disowned_open(self) -> Mapping[str, InFlightOrder]:
        """Those that may still fill. One that Hummingbot has dropped meanwhile stays until its end is known."""
        active = self._order_tracker.active_orders
        records = ((key, order, self._outcomes.get(key)) for key, order in self._disowned.items())
        self._disowned = {
            key: order
            for key, order, record in records
            if key in active or (record is not None and not record.is_terminal)
        }
        return self._disowned

    # --- the start-up sweep ------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """List, cancel and follow until nothing of an earlier run is left, and long enough for what appears late."""
        began_s = time.monotonic()
        lasts_s: float | None = None
        asked: set[str] = set()
        is_said = False
        while True:
            age_s = time.monotonic() - began_s
            try:
                if lasts_s is None:
                    has_life = bool(self._disowned_open()) or await self._has_recent_life()
                    lasts_s = CONSTANTS.NOT_FOUND_BELIEVED_AFTER_S if has_life else 0.0
                self._note_listed(await self._fetch_open_orders())
                restored = [key for key in self._disowned_open() if key not in asked]
                asked.update(restored)
                if restored:
                    await self.cancel_many(restored)
            except RECOVERABLE as problem:
                self.logger().debug(f"open orders not fetched cause={problem}")
                # Refused keys have been announced at ERROR by their watch.
                is_said = is_said or isinstance(problem, Misconfigured)
            else:
                if age_s >= lasts_s and not (self._leftovers or self._leftover_unbooked or self._disowned_open()):
                    self._is_settled = True
            if self._is_settled and age_s >= CONSTANTS.NOT_FOUND_BELIEVED_AFTER_S:
                return
            if not self._is_settled and age_s > UNSETTLED_SAID_AFTER_S and not is_said:
                is_said = True
                left = ", ".join(sorted({*self._leftovers, *self._disowned_open()})) or "open orders not readable"
                self.logger().error(f"own orders of an earlier run not verified gone, not ready: {left}")
            await asyncio.sleep(SETTLE_EVERY_S)

    async def _has_recent_life(self) -> bool:
        """Whether an order of ours, in any state, is younger than RECENT_LIFE_S at the venue."""
        start = datetime.fromtimestamp(self._venue_time_s() - RECENT_LIFE_S, UTC)
        params = {"start": start.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "limit": CONSTANTS.PAGE_LIMIT}
        try:
            rows, _ = rows_of(await self._private(CONSTANTS.QUERY_ORDERS_PATH, params=params))
        except NotFound:
            return False
        is_cut_off = len(rows) >= CONSTANTS.PAGE_LIMIT
        return is_cut_off or any(str(row.get("cl_ord_id") or "").startswith(self.owner_tag) for row in rows)

    # --- one by one --------------------------------------------------------------------------------------------------

    def _note_listed(self, listed: Mapping[str, OrderRow]) -> None:
        """Start clearing away what the venue lists as open with our tag and nobody owns. Lists may be stale: each
        order's own query decides.
        """
        now_s = time.monotonic()
        fresh = []
        for client_order_id, row in listed.items():
            if client_order_id in self._leftovers:
                self._leftover_listed_s[client_order_id] = now_s
            elif self._is_orphan(client_order_id):
                trading_pair = self._pair_or_none(row.symbol)
                if trading_pair is None:
                    continue
                self._leftovers[client_order_id] = _leftover_of_row(row, trading_pair)
                self._leftover_listed_s[client_order_id] = now_s
                fresh.append(client_order_id)
        if fresh:
            self.logger().warning(f"own orders that nobody owns found, cancelling them ids={', '.join(sorted(fresh))}")
            self._tasks.spawn(self._clear_away(fresh), "clear-away")

    def _is_orphan(self, client_order_id: str) -> bool:
        if not client_order_id.startswith(self.owner_tag) or client_order_id in self._gone:
            return False
        done = self._order_tracker.fetch_cached_order(client_order_id)
        if done is not None and done.completely_filled_event.is_set():
            return False
        return not any(
            client_order_id in connector._order_tracker.all_updatable_orders
            for connector in {self, *_running}
            if connector.domain == self.domain
        )

    async def _clear_away(self, client_order_ids: list[str]) -> None:
        try:
            await self._cancel_batch(client_order_ids)
        except RECOVERABLE as problem:
            self.logger().debug(f"leftovers not cancelled yet cause={problem}")
        await asyncio.gather(*(self._follow_leftover(key) for key in client_order_ids))

    async def _follow_leftover(self, client_order_id: str) -> None:
        """Ask and cancel again until the venue calls the order final, or neither knows nor lists it any more."""
        wait_s = CONSTANTS.ORDER_FRAME_GRACE_S / 2
        while True:
            await asyncio.sleep(wait_s)
            wait_s = min(5.0, wait_s * 2)
            if client_order_id not in self._leftovers:
                return
            if client_order_id in self._order_tracker.active_orders:
                # Restored meanwhile: the tracked order's own resolver takes over.
                self._drop_leftover(client_order_id)
                return
            try:
                row = await self._query_order(client_order_id)
            except NotFound:
                unlisted_s = time.monotonic() - self._leftover_listed_s[client_order_id]
                if unlisted_s >= CONSTANTS.NOT_FOUND_BELIEVED_AFTER_S:
                    self.logger().warning(f"leftover order is not known to the venue any more id={client_order_id}")
                    self._drop_leftover(client_order_id)
                    return
            except RECOVERABLE as problem:
                self.logger().debug(f"leftover not queried id={client_order_id} cause={problem}")
            else:
                if row.status.is_final:
                    await self._end_leftover(row)
                    return
                await self._cancel_leftover_again(row)

    async def _cancel_leftover_again(self, row: OrderRow) -> None:
        known = self._leftovers.get(row.client_order_id)
        if known is not None:
            self._leftovers[row.client_order_id] = _leftover_of_row(row, known.trading_pair)
        try:
            await self._cancel_batch([row.client_order_id])
        except RECOVERABLE as problem:
            self.logger().debug(f"leftover not cancelled id={row.client_order_id} cause={problem}")

    async def _end_leftover(self, row: OrderRow) -> None:
        """The order is final: no exposure any more. Its fills are booked before the sweep counts as done."""
        client_order_id = row.client_order_id
        trading_pair = self._leftovers[client_order_id].trading_pair
        self._leftover_unbooked.add(client_order_id)
        self._note_final(row)
        self._drop_leftover(client_order_id)
        self.logger().info(
            f"leftover order gone id={client_order_id} status={row.status.value} filled={row.filled_size}"
        )
        try:
            await self._book_leftover_fills(row, trading_pair)
        finally:
            self._leftover_unbooked.discard(client_order_id)

    async def _book_leftover_fills(self, row: OrderRow, trading_pair: str) -> None:
        deadline_s = time.monotonic() + FILLS_AWAITED_S
        since_s = row.created_ts_ns / 1e9 - FILL_MARGIN_S if row.created_ts_ns is not None else 0.0
        wait_s = 0.25
        booked = Decimal(0)
        while row.filled_size > 0:
            try:
                fills = await self._query_fills(trading_pair, since_s)
            except RECOVERABLE as problem:
                self.logger().debug(f"fills not fetched id={row.client_order_id} cause={problem}")
            else:
                mine = [fill for fill in fills if fill.order_id == row.order_id]
                for fill in mine:
                    self._apply_fill(fill)
                booked = sum((fill.size for fill in mine), Decimal(0))
            if booked >= row.filled_size:
                return
            if time.monotonic() > deadline_s:
                self.logger().error(
                    f"fills of a leftover order are missing id={row.client_order_id} filled={row.filled_size} "
                    f"listed={booked}"
                )
                return
            await asyncio.sleep(wait_s)
            wait_s = min(5.0, wait_s * 2)

    def _drop_leftover(self, client_order_id: str) -> None:
        self._leftovers.pop(client_order_id, None)
        self._leftover_listed_s.pop(client_order_id, None)

    def _note_final(self, row: OrderRow) -> None:
        """The venue's own word that an order of ours has ended: stale lists are not believed about it any more."""
        if row.client_order_id.startswith(self.owner_tag):
            self._learn_owner(row)
            self._gone.add(row.client_order_id)

    async def _fetch_open_orders(self) -> dict[str, OrderRow]:
        raise NotImplementedError


def _leftover_of_row(row: OrderRow, trading_pair: str) -> LeftoverOrder:
    return LeftoverOrder(row.client_order_id, trading_pair, row.side, row.price, row.remaining, row.reduce_only)


def _leftover_of_order(order: InFlightOrder) -> LeftoverOrder:
    return LeftoverOrder(
        client_order_id=order.client_order_id,
        trading_pair=order.trading_pair,
        side=Side.BUY if order.trade_type is TradeType.BUY else Side.SELL,
        price=None if order.order_type is OrderType.MARKET else order.price,
        remaining=max(Decimal(0), order.amount - order.executed_amount_base),
        is_reduce_only=order.position is PositionAction.CLOSE,
    )
