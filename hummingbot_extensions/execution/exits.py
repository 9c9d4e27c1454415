"""Carries out the way back from a hard stop: slice after slice, each by an executor of its own, counted until it ends.

What is sent when is said by ``core.exits.next_slice``; here is who sends it and what became of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.strategy_v2.executors.order_executor.data_types import ExecutionStrategy
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction
from hummingbot.strategy_v2.models.executors import TrackedOrder
from pydantic import PrivateAttr

from hummingbot_extensions.core.exits import ExitHold, ExitParams, Slice, next_slice
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketView, OrderState, OwnOrder
from hummingbot_extensions.execution import arming
from hummingbot_extensions.execution.contained.accountable import Sent
from hummingbot_extensions.execution.contained.order import ContainedOrderConfig, ContainedOrderExecutor
from hummingbot_extensions.monitoring.event_log import EventLog

EXECUTOR_WAIT_NS = 2_000_000_000
"""An executor that Hummingbot was asked for and that has not come by then is asked for again."""
FIRST_REFUSED_PAUSE_S = 1.0
MAX_REFUSED_PAUSE_S = 30.0
MAX_REFUSED_DOUBLINGS = 5
QUIET = frozenset({ExitHold.NOT_STOPPED, ExitHold.NO_TAKER, ExitHold.IN_FLIGHT, ExitHold.PACED})
"""Reasons that need no row: nothing is to be reduced, or a slice is on its way."""


class ExitHost(Protocol):
    """The controller as the exits see it."""

    config: Any

    def create_level(self, action: CreateExecutorAction) -> None: ...


class ExitConfig(ContainedOrderConfig):
    """Config of one slice's executor. The exits ride along unserialised; databases see a plain order executor."""

    _exits: Exits | None = PrivateAttr(default=None)

    def bind(self, exits: Exits) -> ExitConfig:
        self._exits = exits
        return self

    @property
    def exits(self) -> Exits:
        if self._exits is None:
            raise RuntimeError("an ExitConfig without its exits cannot be executed")
        return self._exits


class ExitExecutor(ContainedOrderExecutor):
    """Sends the one slice that it is given, cancels what has not traded in time, and ends as a position hold."""

    def __init__(self, strategy: Any, config: ExitConfig, update_interval: float = 1.0, max_retries: int = 10) -> None:
        super().__init__(strategy, config, update_interval, max_retries)
        self._exits = config.exits
        self._wait_ns = 0
        self.slice: Slice | None = None
        self.reason: str | None = None
        """Why the slice was refused."""

    async def on_start(self) -> None:
        """Report for duty: the slice is decided when it can be sent, from prices of that moment."""
        self._exits.attach(self)

    async def validate_sufficient_balance(self) -> None:
        """A reducing order frees margin."""

    def send(self, wanted: Slice, wait_s: float) -> str:
        """Send ``wanted`` as a reduce-only limit order that crosses; returns its client order id."""
        self.slice, self._wait_ns = wanted, int(wait_s * 1e9)
        order_id = self.place_order(
            connector_name=self.config.connector_name,
            trading_pair=self.config.trading_pair,
            order_type=OrderType.LIMIT,
            side=TradeType.BUY if wanted.side is Side.BUY else TradeType.SELL,
            amount=wanted.size,
            position_action=PositionAction.CLOSE,
            price=wanted.limit_price,
        )
        self._order = TrackedOrder(order_id=order_id)
        self._note(self._order, is_closing=False)
        return str(order_id)

    @property
    def sent(self) -> Sent | None:
        """The one order, None before it was sent."""
        return next(iter(self._sent.values()), None)

    def control_order(self) -> None:
        """Nothing is placed here; what rests too long is cancelled."""
        sent = self.sent
        if sent is not None and time.monotonic_ns() - sent.sent_ns >= self._wait_ns:
            self.early_stop()

    def _finish(self) -> None:
        super()._finish()
        self._exits.detach(self)

    def force_stop_with_position_hold(self) -> None:
        """Hummingbot's deadline has passed: keep what filled. An order that may still rest stays counted."""
        super().force_stop_with_position_hold()
        if not self.open_sent:
            self._exits.detach(self)

    def unregister_events(self) -> None:
        """Stop listening, but not while the order may still fill: a forced stop does not wait for the venue."""
        if not self.open_sent:
            super().unregister_events()

    def _dropped(self, sent: Sent | None, is_refused: bool) -> None:
        """It ended without filling in full: another slice is for the next decision."""
        if sent is None:
            return
        if is_refused:
            connector = self.connectors[self.config.connector_name]
            self.reason = connector.rejection_reason(sent.tracked.order_id) or "refused"
        self._ended()

    def process_order_completed_event(self, _: int, market: Any, event: Any) -> None:
        if self._take_end(event.order_id) is not None:
            self._ended()

    def _ended(self) -> None:
        if self.status == RunnableStatus.TERMINATED:
            self.unregister_events()
            self._exits.detach(self)
        else:
            self.early_stop()


class Exits:
    """The slices of one controller. ``hold`` says why none is sent now, None while one is sent.

    ``wake`` asks for a decision soon, which is to call ``drive`` again. ``sent`` is told the id of each slice's order.
    """

    def __init__(
        self, controller_id: str, connector_name: str, trading_pair: str, leverage: int, host: ExitHost, log: EventLog,
        wake: Callable[[str], None], sent: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.hold: ExitHold | None = ExitHold.NOT_STOPPED
        self.sent_count = 0
        self.refused_count = 0
        self._controller_id = controller_id
        self._connector_name = connector_name
        self._pair = trading_pair
        self._leverage = leverage
        self._host = host
        self._log = log
        self._wake = wake
        self._note_sent = sent
        self._idle: ExitExecutor | None = None
        """One that waits for its slice."""
        self._active: list[ExitExecutor] = []
        """Those whose order may still fill."""
        self._asked_ns: int | None = None
        self._ended_ns: int | None = None
        self._refused_in_row = 0
        self._said: set[ExitHold] = set()
        self._is_running = True
        self._may_send = arming.may_send(connector_name, bool(host.config.armed))
        """Not left to the caller alone: a disarmed bot decides as an armed one does."""

    def drive(
        self, view: MarketView, account: AccountView, orders: Iterable[OwnOrder], hard_stop_since_ns: int | None,
        may_exit: bool, params: ExitParams,
    ) -> None:  # fmt: skip
        """Send the next slice if it is due. To be called at each decision, after its own actions were carried out.

        ``account`` is the one that was decided on; ``orders`` all that may still fill by now, ``open_orders`` and what
        the decision has just placed among them. ``may_exit`` is what the breaker level says of exits.
        """
        if not self._is_running:
            return
        now = replace(account, orders=tuple(orders))
        found = self._due(view, now, hard_stop_since_ns, may_exit, params)
        self.hold = found if isinstance(found, ExitHold) else None
        if isinstance(found, ExitHold):
            self._say(found)
            if self._idle is not None and found in (ExitHold.NOT_STOPPED, ExitHold.NO_TAKER, ExitHold.UNDER_RESUME):
                self._idle.early_stop()
            return
        if self._idle is not None and self._idle.is_active:
            self._send(self._idle, found, view, params)
        elif self._asked_ns is None or view.now_ns - self._asked_ns > EXECUTOR_WAIT_NS:
            self._asked_ns = view.now_ns
            self._host.create_level(self._action(found))

    def _due(
        self, view: MarketView, account: AccountView, since_ns: int | None, may_exit: bool, params: ExitParams
    ) -> Slice | ExitHold:
        if since_ns is None:
            self._refused_in_row = 0
            self._said.clear()
            return ExitHold.NOT_STOPPED
        if self._active:
            return ExitHold.IN_FLIGHT
        if not self._may_send:
            return ExitHold.DISARMED
        if not may_exit:
            return ExitHold.LEVEL
        found = next_slice(view, account, since_ns, params)
        if isinstance(found, ExitHold):
            return found
        if self._ended_ns is not None and (view.now_ns - self._ended_ns) / 1e9 < self._pause_s(params):
            return ExitHold.PACED
        return found

    def _say(self, hold: ExitHold) -> None:
        """Tell of a reason once between two slices: a book that flickers at the bound must not fill the log."""
        if hold in QUIET or hold in self._said:
            return
        self._said.add(hold)
        self._log.write("exit_hold", reason=hold)
        logging.getLogger(__name__).info("exit waits pair=%s reason=%s", self._pair, hold)

    def _pause_s(self, params: ExitParams) -> float:
        if self._refused_in_row == 0:
            return params.pause_s
        doublings = min(self._refused_in_row - 1, MAX_REFUSED_DOUBLINGS)
        return max(params.pause_s, min(MAX_REFUSED_PAUSE_S, FIRST_REFUSED_PAUSE_S * 2.0**doublings))

    def _send(self, executor: ExitExecutor, wanted: Slice, view: MarketView, params: ExitParams) -> None:
        order_id = executor.send(wanted, params.order_wait_s)
        self._idle, self._asked_ns = None, None
        self._active.append(executor)
        self._said.clear()
        self.sent_count += 1
        self._note_sent(order_id)
        self._row("placed", order_id, wanted, view.mark)
        logging.getLogger(__name__).warning(
            "exit slice sent pair=%s side=%s size=%s limit=%s mark=%s", self._pair, wanted.side, wanted.size,
            wanted.limit_price, view.mark)

    def _action(self, wanted: Slice) -> CreateExecutorAction:
        config = ExitConfig(
            timestamp=time.time(),
            connector_name=self._connector_name,
            trading_pair=self._pair,
            side=TradeType.BUY if wanted.side is Side.BUY else TradeType.SELL,
            amount=wanted.size,
            price=wanted.limit_price,
            position_action=PositionAction.CLOSE,
            execution_strategy=ExecutionStrategy.LIMIT,
            leverage=self._leverage,
            level_id="exit",
        ).bind(self)
        return CreateExecutorAction(controller_id=self._controller_id, executor_config=config)

    # --- executors ---

    def attach(self, executor: ExitExecutor) -> None:
        """An executor has started; one that nobody waits for any more is told to end."""
        if not (self._is_running and executor.is_active) or self._idle is not None:
            executor.early_stop()
            return
        self._idle = executor
        self._wake("exit")

    def detach(self, executor: ExitExecutor) -> None:
        """An executor has ended and its order cannot fill any more."""
        if executor is self._idle:
            self._idle, self._asked_ns = None, None
        if executor not in self._active:
            return
        self._active.remove(executor)
        self._ended_ns = time.monotonic_ns()
        sent, wanted = executor.sent, executor.slice
        if sent is not None and wanted is not None:
            is_refused = executor.reason is not None and sent.executed_base == 0
            self._refused_in_row = self._refused_in_row + 1 if is_refused else 0
            self.refused_count += is_refused
            how = "rejected" if is_refused else "filled" if sent.executed_base >= wanted.size else "canceled"
            self._row(how, sent.tracked.order_id, wanted, None, sent.executed_base, executor.reason)
        self._wake("exit")

    def stop(self) -> None:
        """Send nothing more. What rests is cancelled by the executors, which Hummingbot stops after the controller."""
        self._is_running = False
        if self._idle is not None:
            self._idle.early_stop()

    def start(self) -> None:
        """Go on after a stop."""
        self._is_running = True

    @property
    def is_idle(self) -> bool:
        """Whether no order of a slice can fill any more."""
        return not self._active

    def owns(self, client_order_id: str) -> bool:
        return any(
            executor.sent is not None and executor.sent.tracked.order_id == client_order_id for executor in self._active
        )

    def open_orders(self, now_ns: int) -> list[OwnOrder]:
        """Orders of slices that may still fill, for the account's view.

        They count as exposure and are nobody else's to cancel: to a decision they are being cancelled already.
        """
        orders = []
        for executor in self._active:
            sent, wanted = executor.sent, executor.slice
            if sent is None or wanted is None or sent.is_ended or sent.executed_base >= wanted.size:
                continue
            orders.append(OwnOrder(
                client_order_id=sent.tracked.order_id, side=wanted.side, price=wanted.limit_price,
                size=wanted.size - sent.executed_base, state=OrderState.CANCELLING, is_reduce_only=True,
                placed_ns=sent.sent_ns, cancel_sent_ns=now_ns, is_risk_cancel=True))
        return orders

    def _row(
        self, event: str, order_id: str, wanted: Slice, mark: Decimal | None, filled: Decimal | None = None,
        reason: str | None = None,
    ) -> None:  # fmt: skip
        self._log.write(
            "exit", event=event, client_order_id=order_id, side=wanted.side, price=wanted.limit_price,
            size=wanted.size, mark=mark, filled_base=filled, reason=reason)
