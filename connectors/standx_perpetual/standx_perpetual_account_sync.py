"""Own orders, fills, positions and balances: from the private stream, and from REST after each (re)connect and poll.

Fills count once, by trade id, whichever way they come. A final order state waits for its fills.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate
from hummingbot.core.web_assistant.connections.data_types import RESTMethod

from hummingbot_extensions import compat
from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.bulk_poll import TrackedOrder, suspects
from hummingbot_extensions.connector.errors import ConnectorError, Misconfigured, NotFound, Rejected, Transient
from hummingbot_extensions.connector.outcomes import OrderRecord
from hummingbot_extensions.connector.owned_tasks import Debounced
from hummingbot_extensions.core.types import OrderOutcome

from . import standx_perpetual_constants as CONSTANTS
from .standx_perpetual_auth import Session
from .standx_perpetual_fills import RECOVERABLE
from .standx_perpetual_parse import (
    BalanceRow,
    OrderRow,
    OrderStatus,
    parse_balances,
    parse_fill,
    parse_order,
    parse_position,
    parse_wallet_frame,
    rows_of,
)
from .standx_perpetual_positions import StandxPositions

_QUERIES_AT_ONCE = 5
_TURNS_UNTIL_FAILED = 100
"""A failure that was handed to Hummingbot's tracker is there a few turns of the loop later."""


class StandxAccountSync(StandxPositions):
    """The part of the connector that keeps the account's picture true."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._listed_own_ids: set[str] = set()
        self._bad_frames: Counter[str] = Counter()
        self._bad_channels: set[str] = set()
        self._account_check = Debounced(self._reread_account, 1.0, self._tasks, "account-check")
        super().__init__(*args, **kwargs)

    async def _reread_account(self) -> None:
        """After a private frame that could not be read: what it may have told."""
        for step in (self._update_positions, self._read_orders):
            try:
                await step()
            except RECOVERABLE as problem:
                self.logger().debug(f"account not read step={step.__name__} cause={problem}")

    _proven_session: Session | None
    """The login whose request key the venue is known to take."""
    _proof_backoff: Backoff
    _next_proof_mono_s: float
    _balance_refresh: Debounced
    _fill_check: Debounced

    # --- the private stream ------------------------------------------------------------------------------------------

    async def _user_stream_event_listener(self) -> None:
        handlers = {
            "order": self._on_order_frame,
            "trade": self._on_trade_frame,
            "position": self._on_position_frame,
            "balance": self._on_balance_frame,
        }
        async for message in self._iter_user_event_queue():
            try:
                channel, body = message["channel"], message["data"]
                handler = handlers.get(channel)
                if handler is not None:
                    for row in body if isinstance(body, list) else [body]:
                        await self._on_private_row(channel, row, handler)
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001  any bad frame, not the loop
                # A malformed frame is logged and skipped; it must not make the loop sleep or die.
                self.logger().exception("Unexpected error in user stream listener loop.")

    async def _on_private_row(
        self, channel: str, row: Mapping[str, Any], handler: Callable[[Mapping[str, Any]], Awaitable[None]]
    ) -> None:
        """Hand a row on; one that cannot be read is counted, said once in a row, and what it told is read by REST."""
        try:
            await handler(row)
        except (KeyError, ValueError, TypeError) as problem:
            self._bad_frames[channel] += 1
            if channel not in self._bad_channels:
                self._bad_channels.add(channel)
                self.logger().warning(
                    f"private frame cannot be read channel={channel} cause={type(problem).__name__}, asking by REST"
                )
            self._account_check.request()
        else:
            self._bad_channels.discard(channel)

    async def _on_order_frame(self, body: Mapping[str, Any]) -> None:
        row = parse_order(body)
        await self._apply_order_row(row, is_from_stream=True)
        if not row.status.is_final:
            self._note_listed({row.client_order_id: row})
        self._balance_refresh.request()

    async def _on_trade_frame(self, body: Mapping[str, Any]) -> None:
        self._apply_fill(parse_fill(body))
        self._balance_refresh.request()

    async def _on_position_frame(self, body: Mapping[str, Any]) -> None:
        self._on_position_row(parse_position(body), self._pair_or_none(str(body["symbol"])))
        self._balance_refresh.request()

    async def _on_balance_frame(self, body: Mapping[str, Any]) -> None:
        """The margin wallet's frame is neither equity nor free margin: only a reason to ask. Other tokens are as
        stated.
        """
        row = parse_wallet_frame(body)
        if row.asset == CONSTANTS.MARGIN_ASSET:
            self._balance_refresh.request()
        else:
            self._account_balances[row.asset] = row.total
            self._account_available_balances[row.asset] = row.available

    # --- orders ------------------------------------------------------------------------------------------------------

    async def _apply_order_row(self, row: OrderRow, is_from_stream: bool = False) -> None:
        """Take over what the venue says about one of our orders; others are left alone."""
        self._learn_owner(row)
        if row.status.is_final:
            self._note_final(row)
        order = self._tracked(row.client_order_id)
        if order is None:
            return
        record = self._note_created(row)
        if row.status is OrderStatus.REJECTED:
            self._on_refused(row.client_order_id, Rejected(400, "rejected"))
            return
        was_refused = record.outcome is OrderOutcome.REJECTED
        self._outcomes.mark_seen(row.client_order_id)
        compat.forget_not_found(self._order_tracker, row.client_order_id)
        exchange_order_id = str(row.order_id)
        if row.status is OrderStatus.UNKNOWN:
            self.logger().warning(f"order status not understood id={row.client_order_id} status={row.raw_status!r}")
            return
        if was_refused and not row.status.is_final:
            self._revive(order, exchange_order_id)
            return
        if row.status.is_final:
            await self._finish(order, row, exchange_order_id, is_from_stream)
            return
        if row.filled_size > order.executed_amount_base:
            self._fill_check.request()
        is_cancelling = order.current_state is OrderState.PENDING_CANCEL
        if is_cancelling and order.exchange_order_id is not None:
            # Somebody has to see to it that the cancel comes through, also when the network was stopped meanwhile.
            self._resolve_soon(row.client_order_id, CONSTANTS.ORDER_FRAME_GRACE_S)
            return
        # A row may be older than the fills that we know.
        has_filled = row.filled_size > 0 or order.executed_amount_base > 0
        state = OrderState.PARTIALLY_FILLED if has_filled else OrderState.OPEN
        await self._pushed(self._push(order, state, exchange_order_id))
        if record.is_cancel_wanted and order.is_open:
            self._resolve_soon(row.client_order_id, 0.0)

    def _note_created(self, row: OrderRow) -> OrderRecord:
        record = self._outcomes.record(row.client_order_id)
        if row.created_ts_ns is not None:
            record.created_ts_ns = row.created_ts_ns
        return record

    async def _finish(self, order: InFlightOrder, row: OrderRow, exchange_order_id: str, is_from_stream: bool) -> None:
        """Final state: at once when all fills are in, else after they have been fetched."""
        state = OrderState.FILLED if row.status is OrderStatus.FILLED else OrderState.CANCELED
        if row.filled_size <= order.executed_amount_base or order.completely_filled_event.is_set():
            await self._pushed(self._push(order, state, exchange_order_id))
            return
        key = f"finish-{order.client_order_id}"
        running = self._resolvers.get(key)
        if running is None or running.done():
            # The trade frame usually follows within milliseconds: give it a moment before asking by REST.
            delay_s = CONSTANTS.ORDER_FRAME_GRACE_S / 5 if is_from_stream else 0.0
            task = self._tasks.spawn(self._finish_with_fills(order, row, state, exchange_order_id, delay_s), key)
            self._resolvers[key] = task
            task.add_done_callback(lambda done: self._forget_resolver(key, done))

    async def _finish_with_fills(
        self, order: InFlightOrder, row: OrderRow, state: OrderState, exchange_order_id: str, delay_s: float
    ) -> None:
        wait_s = 0.25
        await asyncio.sleep(delay_s)
        if order.exchange_order_id is None:
            order.update_exchange_order_id(exchange_order_id)
        while row.filled_size > order.executed_amount_base and not order.completely_filled_event.is_set():
            try:
                await self._fetch_fills([order])
            except RECOVERABLE as problem:
                self.logger().debug(f"fills not fetched id={order.client_order_id} cause={problem}")
            if row.filled_size <= order.executed_amount_base:
                break
            await asyncio.sleep(wait_s)
            wait_s = min(5.0, wait_s * 2)
        self._push(order, state, exchange_order_id)

    @staticmethod
    async def _pushed(update: Any) -> None:
        if update is not None:
            # Whoever stops us while we wait must not take the news from Hummingbot.
            await asyncio.shield(update)

    def _revive(self, order: InFlightOrder, exchange_order_id: str) -> None:
        """An order that was called rejected rests after all, and nobody owns it any more: track it and cancel it."""
        self.logger().error(f"order called rejected is open id={order.client_order_id}, cancelling it")
        self._outcomes.record(order.client_order_id).is_terminal = False
        self._disown(order)
        # A resolver may be asleep between two questions: this cancel does not wait for it.
        self._tasks.spawn(self._cancel_again(order.client_order_id), f"revived-{order.client_order_id}")
        self._tasks.spawn(self._track_again(order, exchange_order_id), f"tracked-{order.client_order_id}")

    async def _track_again(self, order: InFlightOrder, exchange_order_id: str) -> None:
        """Follow a revived order to its end. Its failure may still be on the way into Hummingbot's tracker, which drops
        the order then: tracking it before that would be undone.
        """
        for _ in range(_TURNS_UNTIL_FAILED):
            if order.current_state is OrderState.FAILED:
                break
            await asyncio.sleep(0)
        if self._outcomes.record(order.client_order_id).is_terminal:
            return
        order.current_state = OrderState.OPEN
        order.update_exchange_order_id(exchange_order_id)
        self._order_tracker.start_tracking_order(order)
        self._resolve_soon(order.client_order_id, CONSTANTS.ORDER_FRAME_GRACE_S)

    # --- status by REST ----------------------------------------------------------------------------------------------

    async def _update_order_status(self) -> None:
        """Hummingbot's poll: what cannot be read now is asked for with the next."""
        try:
            await self._read_orders()
        except Misconfigured as problem:
            # Announced at ERROR when it began.
            self.logger().debug(f"orders not read cause={problem}")
        except RECOVERABLE as problem:
            self.logger().warning(f"orders not read cause={problem}")

    async def _read_orders(self) -> None:
        """One list of open orders, a query for each suspect, one query for fills; then the states.

        Raises what kept the list or the fills from being read, once everything that could be read has been applied.
        """
        tracked = list(self._order_tracker.active_orders.values())
        lost = list(self._order_tracker.lost_orders.values())
        listed = await self._fetch_open_orders()
        self._listed_own_ids = {key for key in listed if key.startswith(self.owner_tag)}
        self._note_listed(listed)
        doubtful = set(
            suspects(
                (
                    TrackedOrder(order.client_order_id, order.executed_amount_base,
                                 self._outcomes.record(order.client_order_id).is_cancel_wanted
                                 or order.is_pending_cancel_confirmation)
                    for order in tracked
                ),
                {client_order_id: row.filled_size for client_order_id, row in listed.items()},
            )
        )  # fmt: skip
        rows = await self._query_suspects([order for order in tracked if order.client_order_id in doubtful])
        rows += [listed[order.client_order_id] for order in tracked if order.client_order_id not in doubtful]
        problem = await self._fetch_what_is_missing(rows, lost)
        for row in rows:
            await self._apply_order_row(row)
        if problem is not None:
            raise problem
        believed_ns = time.monotonic_ns() - int(2 * CONSTANTS.NOT_FOUND_BELIEVED_AFTER_S * 1e9)
        self._outcomes.settle_absent(self._order_tracker.all_fillable_orders, believed_ns)

    async def _fetch_what_is_missing(self, rows: list[OrderRow], lost: list[InFlightOrder]) -> ConnectorError | None:
        """Read the fills; gives what kept them from being read."""
        wanted = list(lost)
        for row in rows:
            order = self._tracked(row.client_order_id)
            if order is not None and row.filled_size > order.executed_amount_base:
                self._note_created(row)
                if order.exchange_order_id is None:
                    order.update_exchange_order_id(str(row.order_id))
                wanted.append(order)
        try:
            await self._read_fills(wanted)
        except RECOVERABLE as problem:
            return problem
        return None

    async def _query_suspects(self, orders: list[InFlightOrder]) -> list[OrderRow]:
        gate = asyncio.Semaphore(_QUERIES_AT_ONCE)

        async def ask(order: InFlightOrder) -> OrderRow | None:
            async with gate:
                try:
                    return await self._query_order(order.client_order_id)
                except NotFound:
                    await self._on_not_listed(order)
                except RECOVERABLE as problem:
                    self.logger().warning(f"order not queried id={order.client_order_id} cause={problem}")
                return None

        answers = await asyncio.gather(*(ask(order) for order in orders))
        return [row for row in answers if row is not None]

    async def _fetch_open_orders(self) -> dict[str, OrderRow]:
        """All open orders of the account by client id (sample tests/wire/standx/rest_query_open_orders.json)."""
        try:
            reply = await self._private(CONSTANTS.QUERY_OPEN_ORDERS_PATH, params={"limit": CONSTANTS.OPEN_ORDERS_LIMIT})
        except NotFound:
            return {}
        raw, total = rows_of(reply)
        if total is not None and total > len(raw):
            raw = await self._page_open_orders()
        rows = [row for row in [await self._listed_order(one) for one in raw] if row is not None]
        return {row.client_order_id: row for row in rows if not row.status.is_final}

    async def _listed_order(self, raw: Mapping[str, Any]) -> OrderRow | None:
        """A row of the list; one of ours that cannot be read is asked for by itself and never passed over."""
        row = self._order_or_none(raw)
        client_order_id = str(raw.get("cl_ord_id") or "")
        if row is not None or not client_order_id.startswith(self.owner_tag):
            return row
        try:
            return await self._query_order(client_order_id)
        except NotFound:
            return None

    async def _page_open_orders(self) -> list[Mapping[str, Any]]:
        """The list endpoint has no paging: the query over all orders has, backwards by id."""
        found: dict[int, Mapping[str, Any]] = {}
        params: dict[str, Any] = {"status": "open", "limit": CONSTANTS.PAGE_LIMIT}
        while True:
            rows, _ = rows_of(await self._private(CONSTANTS.QUERY_ORDERS_PATH, params=params))
            try:
                fresh = {int(row["id"]): row for row in rows if int(row["id"]) not in found}
            except (KeyError, ValueError, TypeError) as problem:
                raise Transient(f"the list of orders cannot be read ({type(problem).__name__})") from problem
            found.update(fresh)
            if not fresh or len(rows) < CONSTANTS.PAGE_LIMIT:
                return list(found.values())
            params["last_id"] = min(fresh)

    async def _request_order_status(self, tracked_order: InFlightOrder) -> OrderUpdate:
        row = await self._query_order(tracked_order.client_order_id)
        state = {
            OrderStatus.FILLED: OrderState.FILLED,
            OrderStatus.CANCELED: OrderState.CANCELED,
            OrderStatus.REJECTED: OrderState.FAILED,
            OrderStatus.UNKNOWN: tracked_order.current_state,
        }.get(row.status, OrderState.PARTIALLY_FILLED if row.filled_size > 0 else OrderState.OPEN)
        return OrderUpdate(
            trading_pair=tracked_order.trading_pair,
            update_timestamp=self.current_timestamp,
            new_state=state,
            client_order_id=tracked_order.client_order_id,
            exchange_order_id=str(row.order_id),
        )

    def own_open_order_ids(self) -> tuple[str, ...]:
        """Client ids with our tag that are open as far as known: tracked ones, leftovers, and those in the venue's last
        list that it has not called final.
        """
        tracked = {key for key, order in self.in_flight_orders.items() if not order.is_done}
        listed = {key for key in self._listed_own_ids if key not in self._gone}
        return tuple(sorted(tracked | listed | self._leftovers.keys()))

    # --- balances ----------------------------------------------------------------------------------------------------

    async def _update_balances(self) -> None:
        """Equity and free cross margin (sample tests/wire/standx/rest_query_balance.json); a new account has none.

        Counts as success only when the request key is not known to be refused: this is what `hbot connect` tries.
        """
        refused = self._auth.signing_watch
        if refused.problem is not None and refused.retry_in_s > 0:
            raise refused.problem.with_traceback(None)
        asked_s = time.monotonic()
        try:
            rows = parse_balances(await self._private(CONSTANTS.QUERY_BALANCE_PATH), CONSTANTS.MARGIN_ASSET)
            totals = {row.asset: row.total for row in rows}
            available = {row.asset: row.available for row in rows}
            money = next((row for row in rows if row.asset == CONSTANTS.MARGIN_ASSET), None)
        except NotFound:
            totals = available = {CONSTANTS.MARGIN_ASSET: Decimal(0)}
            money = BalanceRow(CONSTANTS.MARGIN_ASSET, Decimal(0), Decimal(0), Decimal(0))
        except (KeyError, ValueError, TypeError) as problem:
            raise Transient(f"balance reply cannot be read ({type(problem).__name__})") from problem
        await self._prove_signature()
        for book, fresh in ((self._account_balances, totals), (self._account_available_balances, available)):
            for asset in [asset for asset in book if asset not in fresh]:
                del book[asset]
            book.update(fresh)
        if money is not None:
            self._figures.note_balance(money.total, money.cross_balance, asked_s)

    async def _prove_signature(self) -> None:
        """Misconfigured when the venue refuses our request key, found out once per login without touching anything.

        Reading needs the token alone, so a key that belongs to another token would only show with the first order. The
        cancel of an order that cannot exist is signed like any other: "not found" proves the key. Trouble of any other
        kind proves nothing and stops nobody (sample tests/wire/standx/rest_cancel_order.json).
        """
        session = await self._auth.session()
        if self._proven_session is session and self._auth.signing_watch.problem is None:
            return
        if self._auth.signing_watch.problem is not None:
            self._auth.signing_watch.gate()
        elif time.monotonic() < self._next_proof_mono_s:
            return
        try:
            await self._send_proof()
        except Misconfigured:
            raise
        except NotFound:
            self._proven_session = session
        except ConnectorError as problem:
            self._next_proof_mono_s = time.monotonic() + self._proof_backoff.next_s()
            self.logger().debug(f"request key not proven cause={problem}")
        else:
            self._proven_session = session

    async def _send_proof(self) -> None:
        for is_last in (False, True):
            try:
                await self._private(
                    CONSTANTS.CANCEL_ORDER_PATH,
                    method=RESTMethod.POST,
                    body={"cl_ord_id": f"proof-{uuid.uuid4().hex[:24]}"},
                    timeout_s=CONSTANTS.REQUEST_TIMEOUT_S / 2,
                )
                return
            except Misconfigured:
                if is_last or self._auth.token_watch.problem is not None:
                    raise
                # A signature carries a time: a local clock that is off must not be taken for a wrong key.
                await self._update_time_synchronizer()

    async def _refresh_balances_quietly(self) -> None:
        try:
            await self._update_balances()
        except RECOVERABLE as problem:
            self.logger().debug(f"balances not fetched cause={problem}")
