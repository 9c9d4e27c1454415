"""Placing, cancelling and settling orders with three-valued outcomes.

A command's reply only says that it was queued; the venue's word is a terminal frame, an order frame or a status query.
Until then the order stays pending and counts as exposure. A resolver asks by client order id until the word is in.
Nothing that may have been sent is ever sent again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hummingbot.connector.constants import s_decimal_NaN
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate
from hummingbot.core.web_assistant.connections.data_types import RESTMethod

from hummingbot_extensions.connector.errors import (
    ConnectorError,
    Misconfigured,
    NotFound,
    PostOnlyRejected,
    Rejected,
    RuleBroken,
    Transient,
    Unknown,
    Withdrawn,
)
from hummingbot_extensions.connector.leftovers import LeftoverOrder
from hummingbot_extensions.connector.outcomes import OrderRecord, OutcomeBook
from hummingbot_extensions.connector.owned_tasks import OwnedTasks
from hummingbot_extensions.connector.reducing import reducible
from hummingbot_extensions.core.types import OrderOutcome, Side, TimeInForce

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_web_utils as web
from .standx_perpetual_order_entry import Command, CommandKind, OrderEntryStream
from .standx_perpetual_parse import CommandReply, OrderRow, SymbolInfo, order_payload, parse_order, refusal
from .standx_perpetual_requests import StandxRequests

_REST_PATH = {CommandKind.PLACE: CONSTANTS.NEW_ORDER_PATH, CommandKind.CANCEL: CONSTANTS.CANCEL_ORDER_PATH}
_TIME_IN_FORCE = {
    OrderType.LIMIT: TimeInForce.GTC,
    OrderType.LIMIT_MAKER: TimeInForce.ALO,
    OrderType.MARKET: TimeInForce.IOC,
}


class StandxOrderFlow(StandxRequests):
    """The part of the connector that speaks about orders; the derivative supplies the attributes declared here."""

    _outcomes: OutcomeBook
    _tasks: OwnedTasks
    _symbols: dict[str, SymbolInfo]
    _order_entry: OrderEntryStream
    _resolvers: dict[str, asyncio.Task[Any]]

    # --- what the strategy side asks ---------------------------------------------------------------------------------

    def order_outcome(self, client_order_id: str) -> OrderOutcome:
        """What the venue is known to have done with an order; UNKNOWN for ids that we never heard of."""
        record = self._outcomes.get(client_order_id)
        if record is None:
            order = self._order_tracker.fetch_order(client_order_id=client_order_id)
            if order is not None and order.exchange_order_id is not None:
                return OrderOutcome.ACCEPTED
            return OrderOutcome.UNKNOWN
        return record.outcome

    @property
    def has_unknown_orders(self) -> bool:
        """True while an order of ours may rest at the venue without us knowing."""
        return self._outcomes.has_unknown

    def rejection_reason(self, client_order_id: str) -> str | None:
        """The venue's (or our own rules') words for refusing an order; None when it was not refused."""
        record = self._outcomes.get(client_order_id)
        return record.reason if record is not None and record.outcome is OrderOutcome.REJECTED else None

    def last_order_wire_ns(self, client_order_id: str) -> int | None:
        """``time.monotonic_ns()`` when the order was handed to the socket; None before."""
        record = self._outcomes.get(client_order_id)
        return record.wire_mono_ns if record is not None else None

    def last_cancel_wire_ns(self, client_order_id: str) -> int | None:
        """``time.monotonic_ns()`` when the order's first cancel was handed to the socket; None before."""
        record = self._outcomes.get(client_order_id)
        return record.cancel_wire_mono_ns if record is not None else None

    def rejection_kind(self, client_order_id: str) -> type[Exception] | None:
        """Error type of an order's refusal (``hummingbot_extensions.connector.errors``); None when not refused."""
        record = self._outcomes.get(client_order_id)
        return record.refused_as if record is not None and record.outcome is OrderOutcome.REJECTED else None

    # --- placing -----------------------------------------------------------------------------------------------------

    def buy(self, trading_pair: str, amount: Decimal, order_type: OrderType = OrderType.LIMIT,
            price: Decimal = s_decimal_NaN, **kwargs: Any) -> str:  # fmt: skip
        """Place a buy order; its outcome is PENDING from this moment."""
        order_id = super().buy(trading_pair, amount, order_type, price, **kwargs)
        self._outcomes.record(order_id)
        return str(order_id)

    def sell(self, trading_pair: str, amount: Decimal, order_type: OrderType = OrderType.LIMIT,
             price: Decimal = s_decimal_NaN, **kwargs: Any) -> str:  # fmt: skip
        """Place a sell order; its outcome is PENDING from this moment."""
        order_id = super().sell(trading_pair, amount, order_type, price, **kwargs)
        self._outcomes.record(order_id)
        return str(order_id)

    async def _place_order_and_process_update(self, order: InFlightOrder, **kwargs: Any) -> str | None:
        """Hummingbot's own version would turn "no id yet" into the id "None" and undo news that came first."""
        try:
            exchange_order_id, _ = await self._place_order(
                order_id=order.client_order_id, trading_pair=order.trading_pair, amount=order.amount,
                trade_type=order.trade_type, order_type=order.order_type, price=order.price, **kwargs,
            )  # fmt: skip
        except Unknown as unknown:
            self._on_unknown(order, unknown.cause)
            return None
        except Withdrawn as withdrawn:
            self.logger().info(f"order cancelled before it was sent id={order.client_order_id}")
            self._outcomes.mark_rejected(order.client_order_id, str(withdrawn))
            self._push(order, OrderState.CANCELED)
            return None
        except ConnectorError:
            raise
        except Exception as problem:
            if self._outcomes.record(order.client_order_id).sent_mono_ns is None:
                raise
            self.logger().exception(f"order may have been sent id={order.client_order_id}")
            self._on_unknown(order, type(problem).__name__)
            return None
        return exchange_order_id

    async def _place_order(
        self, order_id: str, trading_pair: str, amount: Decimal, trade_type: TradeType, order_type: OrderType,
        price: Decimal, position_action: PositionAction = PositionAction.NIL, **kwargs: Any,
    ) -> tuple[str | None, float]:  # fmt: skip
        """Send an order and wait for the venue's word (https://docs.standx.com, sample
        tests/wire/standx/rest_new_order.json).

        No reply carries the exchange id: it comes by the order frame or by query_order, so the first member may be
        None. Raises RuleBroken, Withdrawn, Transient or Misconfigured when nothing was sent, Rejected on the venue's
        word, Unknown otherwise.
        """
        if self._auth.problem is not None:
            raise self._auth.problem.with_traceback(None)
        side = Side.BUY if trade_type is TradeType.BUY else Side.SELL
        limit = None if order_type is OrderType.MARKET else price
        is_reducing = position_action is PositionAction.CLOSE
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)

        def body() -> Mapping[str, Any]:
            # At the last moment: the position may shrink while the order waits for its turn.
            size = self._clipped(order_id, trading_pair, side, amount) if is_reducing else amount
            self._check_rules(order_id, trading_pair, side, size, limit, is_reducing)
            return order_payload(symbol, side, size, limit, _TIME_IN_FORCE[order_type], is_reducing, order_id)

        body()
        record = self._outcomes.record(order_id)
        record.is_taker = self._would_take(trading_pair, side, limit, order_type)
        record.is_placing = True
        try:
            await self._submit(CommandKind.PLACE, order_id, body)
        finally:
            record.is_placing = False
        await self._venue_word(record)
        order = self._order_tracker.fetch_order(client_order_id=order_id)
        return (order.exchange_order_id if order is not None else None), self.current_timestamp

    async def _venue_word(self, record: OrderRecord) -> None:
        try:
            await asyncio.wait_for(record.known.wait(), CONSTANTS.ORDER_DEADLINE_S)
        except TimeoutError:
            raise Unknown(f"no final word within {CONSTANTS.ORDER_DEADLINE_S:g} s") from None

    def _check_rules(
        self, order_id: str, trading_pair: str, side: Side, size: Decimal, price: Decimal | None, is_reducing: bool
    ) -> None:
        """RuleBroken, naming the rule, for an order that the venue must refuse. Nothing has been sent yet."""
        rule, info = self._trading_rules[trading_pair], self._symbols.get(trading_pair)
        if not size.is_finite() or size <= 0 or size % rule.min_base_amount_increment:
            raise RuleBroken("size step", f"{size} is not a positive multiple of {rule.min_base_amount_increment}")
        if size > rule.max_order_size:
            raise RuleBroken("maximum order size", f"{size} is above {rule.max_order_size} on {trading_pair}")
        if price is not None:
            if not price.is_finite() or price <= 0 or price % rule.min_price_increment:
                raise RuleBroken("price tick", f"{price} is not a positive multiple of {rule.min_price_increment}")
            self._check_price_band(trading_pair, price, info)
        if info is None:
            return
        if info.max_open_orders is not None:
            others = sum(
                1 for order in self.in_flight_orders.values()
                if order.trading_pair == trading_pair and not order.is_done and order.client_order_id != order_id
            )  # fmt: skip
            if others >= info.max_open_orders:
                raise RuleBroken(
                    "maximum open orders", f"{others} of {info.max_open_orders} are open on {trading_pair}"
                )
        if info.max_position is not None and not is_reducing:
            position = self.account_positions.get(trading_pair)
            after = abs((position.amount if position is not None else Decimal(0)) + side.sign * size)
            if after > info.max_position:
                raise RuleBroken("maximum position", f"{after} would be above {info.max_position} on {trading_pair}")

    def _clipped(self, order_id: str, trading_pair: str, side: Side, size: Decimal) -> Decimal:
        """``size``, or as much of it as the position leaves to reduce; RuleBroken when nothing is left.

        The venue refuses a larger one. The position that counts is the smaller one while its tellers disagree.
        """
        bounds = self._position_bounds_or_none(trading_pair)
        if bounds is None:
            return size
        rule = self._trading_rules[trading_pair]
        pending = [left.remaining for left in self._reducing_elsewhere(trading_pair, side, order_id)]
        left = reducible(bounds, side, pending, rule.min_base_amount_increment)
        if left < rule.min_order_size:
            raise RuleBroken(
                "reduce only", f"nothing left to reduce on {trading_pair}: position {bounds[0]}, pending {sum(pending)}"
            )
        order = self._order_tracker.fetch_tracked_order(order_id)
        if order is not None:
            # Either way: what was clipped at a first look may go out in full.
            order.amount = min(size, left)
        if left >= size:
            return size
        self.logger().info(f"reduce-only order clipped id={order_id} from={size} to={left} position={bounds[0]}")
        return left

    def _position_bounds_or_none(self, trading_pair: str) -> tuple[Decimal, Decimal] | None:
        """For the part that knows the position; None while it has not been read."""
        raise NotImplementedError

    def _reducing_elsewhere(self, trading_pair: str, side: Side, but_for: str) -> list[LeftoverOrder]:
        """For the part that knows which other reduce-only orders of a side may still fill."""
        raise NotImplementedError

    def _check_price_band(self, trading_pair: str, price: Decimal, info: SymbolInfo | None) -> None:
        state = self.price_state(trading_pair)
        mark = state.mark if state is not None else None
        if info is None or mark is None:
            return
        # Which side the cap and the floor bind is not published: both are kept on both sides.
        if info.price_cap_frac is not None and price > mark * (1 + info.price_cap_frac):
            raise RuleBroken("price band", f"{price} is above mark {mark} by more than {info.price_cap_frac}")
        if info.price_floor_frac is not None and price < mark * (1 - info.price_floor_frac):
            raise RuleBroken("price band", f"{price} is below mark {mark} by more than {info.price_floor_frac}")

    def _would_take(self, trading_pair: str, side: Side, price: Decimal | None, order_type: OrderType) -> bool:
        if order_type is OrderType.LIMIT_MAKER:
            return False
        if price is None:
            return True
        prices, book = self.price_state(trading_pair), self.book_state(trading_pair)
        touch = (
            (prices and prices.touch_ask) or (book and book.ask)
            if side is Side.BUY
            else (prices and prices.touch_bid) or (book and book.bid)
        )
        return touch is not None and (price >= touch if side is Side.BUY else price <= touch)

    # --- the two ways to the venue -----------------------------------------------------------------------------------

    async def _submit(
        self, kind: CommandKind, client_order_id: str, payload: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    ) -> Command:
        """Hand a command over by ws-api, or by REST when that socket is down before anything was written. A payload
        that is a function is asked when its turn has come.
        """
        record = self._outcomes.record(client_order_id)
        is_place = kind is CommandKind.PLACE

        def on_wire(mono_ns: int) -> None:
            if is_place:
                if record.is_cancel_wanted or record.is_terminal:
                    raise Withdrawn("cancelled before it was sent")
                record.sent_mono_ns = record.wire_mono_ns = mono_ns
            elif record.cancel_wire_mono_ns is None:
                record.cancel_wire_mono_ns = mono_ns

        await self._bucket.acquire(CONSTANTS.CREDITS_PER_REQUEST, is_urgent=not is_place)
        body = payload() if callable(payload) else payload
        if self._order_entry.is_usable:
            try:
                return await self._order_entry.send(kind, client_order_id, body, on_wire)
            except Transient:
                self.logger().debug(f"order entry socket closed before sending id={client_order_id}, using REST")
        reply = await self._private(
            _REST_PATH[kind], method=RESTMethod.POST, body=body, is_paid=True, on_wire=on_wire,
            headers={"x-session-id": self._auth.rest_session_id},
        )  # fmt: skip
        request_id = str(reply.get("request_id") or "") if isinstance(reply, dict) else ""
        command = self._order_entry.adopt(kind, client_order_id, request_id)
        if is_place:
            # The final word goes to a ws-api socket that is down now: the account stream or a query has to bring it.
            self._resolve_soon(client_order_id, CONSTANTS.ORDER_FRAME_GRACE_S)
        return command

    # --- answers -----------------------------------------------------------------------------------------------------

    def _on_command_reply(self, command: Command, reply: CommandReply) -> None:
        if reply.code == 429:
            web.count_throttled(self._web_assistants_factory)
        if not reply.is_final:
            return
        if command.kind is CommandKind.PLACE:
            outcome = self._outcomes.record(command.client_order_id).outcome
            if reply.is_success:
                self._outcomes.mark_accepted(command.client_order_id)
                self._resolve_soon(command.client_order_id, CONSTANTS.ORDER_FRAME_GRACE_S)
            elif outcome is OrderOutcome.ACCEPTED:
                # Two final words that contradict each other: the account has to say.
                self.logger().debug(f"refusal after success id={command.client_order_id} reason={reply.message}")
                self._resolve_soon(command.client_order_id, 0.0)
            elif web.is_servers_trouble(reply.code):
                order = self._tracked(command.client_order_id)
                if order is not None:
                    self._on_unknown(order, f"code {reply.code} on the order entry socket")
            else:
                self._on_refused(command.client_order_id, refusal(reply.code, reply.message))
        else:
            if not reply.is_success:
                self._auth.explained(refusal(reply.code, reply.message))
            # Success announces an order frame with the last fills; a refusal means filled, gone or not there yet.
            self._resolve_soon(command.client_order_id, CONSTANTS.ORDER_FRAME_GRACE_S if reply.is_success else 0.0)

    def _on_command_lost(self, command: Command) -> None:
        order = self._tracked(command.client_order_id)
        if order is None:
            return
        if command.kind is CommandKind.PLACE:
            self._on_unknown(order, "the order entry socket dropped before the final word")
        else:
            self._resolve_soon(command.client_order_id, 0.0)

    def _on_refused(self, client_order_id: str, error: Rejected) -> None:
        """The venue refused an order. A post-only refusal is an event of its own at INFO, not an error."""
        order = self._tracked(client_order_id)
        record = self._outcomes.record(client_order_id)
        if order is None or record.is_terminal:
            return
        if record.is_seen:
            self.logger().warning(f"refusal contradicted by the account id={client_order_id} reason={error.text}")
            return
        explained = self._auth.explained(error)
        if isinstance(explained, Misconfigured):
            self.logger().debug(f"order not taken id={client_order_id} cause={explained}")
        elif isinstance(error, PostOnlyRejected):
            self.logger().info(f"post-only rejected id={client_order_id} pair={order.trading_pair} price={order.price}")
        else:
            self.logger().warning(f"order rejected id={client_order_id} code={error.code} reason={error.text}")
        self._update_order_after_failure(client_order_id, order.trading_pair, exception=explained)

    def _on_unknown(self, order: InFlightOrder, cause: str) -> None:
        client_order_id = order.client_order_id
        if self._outcomes.mark_unknown(client_order_id, cause):
            self.logger().warning(f"order outcome unknown id={client_order_id} cause={cause}, asking the venue")
        self._resolve_soon(client_order_id, 0.0)

    def _on_order_failure(self, order_id: str, trading_pair: str, amount: Decimal, trade_type: TradeType,
                          order_type: OrderType, price: Decimal | None, exception: Exception,
                          **kwargs: Any) -> None:  # fmt: skip
        """As upstream, but refused keys have been announced once and not again with a traceback for each order."""
        if isinstance(exception, Misconfigured):
            self.logger().debug(f"order not sent id={order_id} cause={exception}")
            self._update_order_after_failure(order_id, trading_pair, exception)
            return
        super()._on_order_failure(order_id, trading_pair, amount, trade_type, order_type, price, exception, **kwargs)

    def _update_order_after_failure(self, order_id: str, trading_pair: str, exception: Exception | None = None) -> None:
        """Every way into FAILED ends here: note why, and tell Hummingbot once."""
        record = self._outcomes.record(order_id)
        reason = exception.text if isinstance(exception, Rejected) else str(exception)
        self._outcomes.mark_rejected(order_id, reason)
        record.refused_as = type(exception) if exception is not None else None
        if order_id not in self._order_tracker.lost_orders:
            if record.is_terminal:
                return
            record.is_terminal = True
        super()._update_order_after_failure(order_id, trading_pair, exception)

    # --- the resolver ------------------------------------------------------------------------------------------------

    def _resolve_soon(self, client_order_id: str, delay_s: float) -> None:
        """Start asking the venue about an order, unless somebody does already."""
        running = self._resolvers.get(client_order_id)
        if running is not None and not running.done():
            return
        task = self._tasks.spawn(self._resolve(client_order_id, delay_s), f"resolve-{client_order_id}")
        self._resolvers[client_order_id] = task
        task.add_done_callback(lambda done: self._forget_resolver(client_order_id, done))

    def _forget_resolver(self, client_order_id: str, task: asyncio.Task[Any]) -> None:
        if self._resolvers.get(client_order_id) is task:
            del self._resolvers[client_order_id]

    async def _resolve(self, client_order_id: str, delay_s: float) -> None:
        """Query until the venue's word is in, and with a cancel wanted until the order is gone."""
        await asyncio.sleep(delay_s)
        wait_s = 0.25
        while self._is_unsettled(client_order_id):
            order = self._tracked(client_order_id)
            if order is None:
                return
            try:
                row = await self._query_order(client_order_id)
            except NotFound:
                await self._on_not_listed(order)
            except (Transient, Unknown, Misconfigured, Rejected) as problem:
                self.logger().debug(f"order query failed id={client_order_id} cause={problem}")
            else:
                await self._apply_order_row(row)
                record = self._outcomes.record(client_order_id)
                if record.is_cancel_wanted and not row.status.is_final and self._is_unsettled(client_order_id):
                    await self._cancel_again(client_order_id)
            if not self._is_unsettled(client_order_id):
                return
            await asyncio.sleep(wait_s)
            wait_s = min(5.0, wait_s * 2)

    async def _cancel_again(self, client_order_id: str) -> None:
        """The order was not there yet when its cancel came, or the cancel was lost: an order cannot be cancelled
        twice.
        """
        try:
            await self._submit(CommandKind.CANCEL, client_order_id, {"cl_ord_id": client_order_id})
        except (Transient, Unknown, Misconfigured, Rejected) as problem:
            self.logger().debug(f"repeated cancel failed id={client_order_id} cause={problem}")

    def _is_unsettled(self, client_order_id: str) -> bool:
        """True while the order's outcome is open, its exchange id is missing, or its cancel is not through."""
        record = self._outcomes.record(client_order_id)
        order = self._order_tracker.fetch_tracked_order(client_order_id)
        if order is None or record.is_terminal:
            return False
        return (
            record.outcome in (OrderOutcome.PENDING, OrderOutcome.UNKNOWN)
            or order.exchange_order_id is None
            or record.is_cancel_wanted
        )

    async def _query_order(self, client_order_id: str) -> OrderRow:
        """The venue's single truth about one order (sample tests/wire/standx/rest_query_order.json)."""
        reply = await self._private(CONSTANTS.QUERY_ORDER_PATH, params={"cl_ord_id": client_order_id})
        try:
            return parse_order(reply)
        except (KeyError, ValueError, TypeError) as problem:
            raise Transient(f"order reply cannot be read ({type(problem).__name__})") from problem

    async def _on_not_listed(self, order: InFlightOrder) -> None:
        """query_order does not know the order: the venue's word only when the order is old enough to be visible."""
        client_order_id = order.client_order_id
        if not self._is_not_found_believed(order):
            return
        if order.exchange_order_id is not None:
            await self._order_tracker.process_order_not_found(client_order_id)
            return
        self._on_refused(client_order_id, NotFound(404, "the venue does not know the order"))

    def _is_not_found_believed(self, order: InFlightOrder) -> bool:
        record = self._outcomes.record(order.client_order_id)
        if record.sent_mono_ns is not None:
            age_s = (time.monotonic_ns() - record.sent_mono_ns) / 1e9
        elif record.is_placing:
            # It waits for its turn: that the venue does not know it says nothing.
            return False
        elif order.exchange_order_id is not None and record.restored_mono_ns is None:
            return True
        else:
            created_s = order.creation_timestamp
            age_s = self.current_timestamp - created_s if created_s and created_s > 0 else 0.0
            if record.restored_mono_ns is not None:
                # The wall clock may have been set back since that order's own run.
                age_s = max(age_s, (time.monotonic_ns() - record.restored_mono_ns) / 1e9)
        return bool(age_s >= CONSTANTS.NOT_FOUND_BELIEVED_AFTER_S)

    # --- news into Hummingbot's tracker ------------------------------------------------------------------------------

    def _tracked(self, client_order_id: str) -> InFlightOrder | None:
        """An order that is active, recently finished or lost."""
        return self._order_tracker.all_fillable_orders.get(client_order_id)

    async def _apply_order_row(self, row: OrderRow) -> None:
        raise NotImplementedError

    def _push(self, order: InFlightOrder, state: OrderState, exchange_order_id: str | None = None) -> Any:
        """Tell Hummingbot about a state; later non-final news never undoes a final state. Gives the update's task."""
        record = self._outcomes.record(order.client_order_id)
        is_final = state in (OrderState.FILLED, OrderState.CANCELED, OrderState.FAILED)
        is_lost = order.client_order_id in self._order_tracker.lost_orders
        if not is_lost and (record.is_terminal or (order.is_done and not is_final)):
            return None
        if is_final:
            record.is_terminal = True
        if state is OrderState.PENDING_CANCEL and exchange_order_id is None and order.exchange_order_id is None:
            # The tracker would take this for the order's creation and leave it without a created event.
            return None
        return self._order_tracker.process_order_update(
            OrderUpdate(
                trading_pair=order.trading_pair,
                update_timestamp=self.current_timestamp,
                new_state=state,
                client_order_id=order.client_order_id,
                exchange_order_id=exchange_order_id or order.exchange_order_id,
            )
        )
