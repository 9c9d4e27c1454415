"""One quoter per controller: woken by book, order and fill events, it decides and hands the actions to its levels.

It runs outside the controller's own loop, which Hummingbot stops whenever any connector of the bot is not ready.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from hummingbot.core.data_type.common import PositionAction, TradeType
from hummingbot.strategy_v2.executors.order_executor.data_types import ExecutionStrategy
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction

from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.breaker_state import LastingStop
from hummingbot_extensions.core.canonical import digest
from hummingbot_extensions.core.decide import DecisionInputs, decide, has_changed
from hummingbot_extensions.core.decision import Action, Cancel, CancelReason, Decision, DecisionState, Place
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import GateState
from hummingbot_extensions.core.ledger import FeeOverride, Ledger, LedgerFill
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quote import POINTS_LAYER, Quote
from hummingbot_extensions.core.startup import StartupParams
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import MarketView, OwnOrder, SideHistory
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.bookkeeping import Bookkeeper
from hummingbot_extensions.execution.exits import Exits
from hummingbot_extensions.execution.flow import Flow
from hummingbot_extensions.execution.gatekeeper import Gatekeeper
from hummingbot_extensions.execution.health import HealthLog, announce, announce_profile
from hummingbot_extensions.execution.leader_feed import LeaderFeed
from hummingbot_extensions.execution.levels import DryLevel, Level
from hummingbot_extensions.execution.presence import DECISION_FAILED, STOPPED, Presence
from hummingbot_extensions.execution.program_standing import standings_for
from hummingbot_extensions.execution.quote_executor import QuoteConfig, QuoteExecutor
from hummingbot_extensions.execution.startup import StartUp
from hummingbot_extensions.monitoring.event_log import EventLog

LEVEL_RETRY_NS = 2_000_000_000
RECENT_NS = 30_000_000_000


@dataclass(frozen=True, slots=True)
class QuoterSettings:
    """What does not change while a quoter lives."""

    controller_id: str
    connector_name: str
    trading_pair: str
    leverage: int
    sends_orders: bool
    is_continued: bool = False
    """Whether the account goes on from a record of an earlier start."""
    is_closing: bool = False
    """Whether that start was cut short while it closed a position."""


class Host(Protocol):
    """The controller as the quoter sees it."""

    def params(self) -> QuoteParams: ...

    def startup_params(self) -> StartupParams: ...

    def gate_params(self) -> GateParams: ...

    def create_level(self, action: CreateExecutorAction) -> None: ...


class Quoter:
    """Decides on every wake-up, at most once a loop turn. Orders are counted here, money by the bookkeeper.

    ``keep`` is called after everything that a restart must know.
    """

    def __init__(
        self, settings: QuoterSettings, host: Host, connector: Any, event_log: EventLog, book: AccountBook,
        state: DecisionState, gate_state: GateState, keep: Callable[[], None], leader: LeaderFeed | None = None,
    ) -> None:
        self.settings = settings
        self.books = Bookkeeper(
            connector, settings.trading_pair, event_log, book, self._on_booked, self._fees(host), self._on_fill)
        self.gate = Gatekeeper(
            settings.controller_id, settings.connector_name, host.gate_params, gate_state, event_log,
            self.books.venue_now_ns)
        self.flow = Flow(connector, settings.trading_pair)
        self.leader = leader
        self.exits = Exits(
            settings.controller_id, settings.connector_name, settings.trading_pair, settings.leverage, host, event_log,
            self._on_exit_changed, self._on_exit_sent)
        self.start_up = StartUp(
            connector, settings.trading_pair, settings.sends_orders, host.startup_params, self.books, event_log,
            lambda: self._on_booked("startup"), settings.is_continued,
            lambda: self._state.breaker.level.may_exit, self._on_closing, settings.is_closing)
        self.decision: Decision | None = None
        self.last_mark: float | None = None
        """Newest mark that was known: profit does not vanish with a feed that pauses."""
        self.presence = Presence(time.monotonic_ns(), standings_for(settings.connector_name, settings.trading_pair))
        self.health = HealthLog()
        self.last_turn_ns: int | None = None
        self.mid: float | None = None
        """Middle of the book that the last turn saw."""
        self.placed_count = 0
        self.cancel_count = 0
        self.risk_cancel_count = 0
        self.reject_count = 0
        self.ended_count = 0
        """Orders that ended after the venue had taken them."""
        self.traded_count = 0
        """Those of them that traded at all."""
        self.notes: tuple[str, ...] = ()
        """What a person should know of how quotes are carried out, beside the reasons of silent sides."""
        self._traded_ids: set[str] = set()
        self._host = host
        self._connector = connector
        self._log = event_log
        self._state = state
        self._keep = keep
        self._levels: list[Level] = []
        self._level_asked_ns: dict[tuple[Side, int], int] = {}
        self._history = {Side.BUY: SideHistory(), Side.SELL: SideHistory()}
        self._recent_ns: dict[str, int] = {}
        self._is_turn_due = False
        self._pause_s = 0.0
        """Time that has to pass from one turn to the next, ``min_turn_interval_ms`` as the last one saw it."""
        self._turned_s = float("-inf")
        """End of the last turn, by the loop's clock."""
        self._woken_by: set[str] = set()
        self._frame_ns: dict[str, int] = {}
        """Receipt of the frame that each order was decided on, for those that a frame led to."""
        self._cancel_frame_ns: dict[str, int] = {}
        """The same for cancels."""
        self._is_running = False
        self._failures = 0
        self._remove_listener: Callable[[], None] | None = None
        self._heartbeat: asyncio.Task[None] | None = None
        self._decision_count = 0
        self._closing: asyncio.Task[None] | None = None

    @staticmethod
    def _fees(host: Host) -> FeeOverride:
        """Rates that the configuration states; a reload of them counts from the next start."""
        params = host.params()
        return FeeOverride(params.maker_fee_bps, params.taker_fee_bps)

    # --- life ---

    def start(self) -> None:
        """Begin to listen and to decide. Needs a running event loop."""
        if self._is_running:
            return
        self._is_running = True
        self.books.start()
        self.exits.start()
        self.flow.start()
        if self.leader is not None:
            self.leader.start(lambda: self.wake("leader"))
        if not self.settings.sends_orders:
            self._levels = [DryLevel(Side.BUY, self), DryLevel(Side.SELL, self)]
        self._remove_listener = self._connector.add_book_listener(
            self.settings.trading_pair, lambda: self.wake("frame"))
        self._heartbeat = asyncio.get_running_loop().create_task(self._beat())
        self.wake("start")

    def stop(self) -> None:
        """Stop deciding. What rests is cancelled by the levels, which Hummingbot stops after the controller."""
        if not self._is_running:
            return
        self._is_running = False
        self.presence.rest(time.monotonic_ns(), STOPPED)
        if self._remove_listener is not None:
            self._remove_listener()
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        self.start_up.stop()
        self.exits.stop()
        self.flow.stop()
        if self.leader is not None:
            self.leader.stop()
        self.gate.stop()
        for level in self._levels:
            if isinstance(level, DryLevel):
                level.end()
        self._levels = [level for level in self._levels if not isinstance(level, DryLevel)]
        self._end_log_when_idle()

    @property
    def ledger(self) -> Ledger:
        return self.books.ledger

    @property
    def hard_stop_since_ns(self) -> int | None:
        """Monotonic stamp of the hard stop that is in force."""
        return self._state.hard_stop_since_ns

    @property
    def lasting_stop(self) -> LastingStop:
        """The breakers' stop, and what counts towards it."""
        return self._state.breaker.lasting

    @property
    def is_failing(self) -> bool:
        """Whether the last turn ended in an exception, so that nothing may rest."""
        return self._failures > 0

    @property
    def is_running(self) -> bool:
        """Whether it decides; a stopped one may still have orders that can fill."""
        return self._is_running

    @property
    def is_idle(self) -> bool:
        """Whether it is stopped and none of its orders can fill any more."""
        return not self._is_running and not self._levels and self.exits.is_idle

    def wake(self, source: str) -> None:
        """Decide soon: all wake-ups of one loop turn become one decision, with ``min_turn_interval_ms`` all those of
        that time. ``source`` says what happened.
        """
        self._woken_by.add(source)
        if self._is_running and not self._is_turn_due:
            self._is_turn_due = True
            loop = asyncio.get_running_loop()
            if self._pause_s and loop.time() < self._turned_s + self._pause_s:
                loop.call_at(self._turned_s + self._pause_s, self._turn)
            else:
                loop.call_soon(self._turn)

    async def _beat(self) -> None:
        """Wake ``cadence_ms`` after ``cadence_ms``: what only time tells, such as a silent feed, no event does."""
        while True:
            await asyncio.sleep(self._host.params().cadence_ms / 1e3)
            self.wake("beat")

    # --- one turn ---

    def _turn(self) -> None:
        self._is_turn_due = False
        if not self._is_running:
            return
        self._log.hold()
        try:
            self._decide_and_act()
            self._failures = 0
        except Exception:
            # Nothing above a callback of the event loop would see this, and a quoter that dies leaves orders resting.
            self._failures += 1
            if self._failures == 1:
                logging.getLogger(__name__).exception("decision failed controller=%s", self.settings.controller_id)
            self.presence.rest(time.monotonic_ns(), DECISION_FAILED)
            self._pull_quotes()
        # Behind the first steps of the orders that this turn placed, which take them to the socket.
        asyncio.get_running_loop().call_soon(self._log.release)
        self._turned_s = asyncio.get_running_loop().time()

    def _decide_and_act(self) -> None:
        now_ns = time.monotonic_ns()
        woken_by, self._woken_by = sorted(self._woken_by), set()
        params = self._host.params()
        self._pause_s = params.min_turn_interval_ms / 1e3
        flow_frac = self.flow.frac(now_ns, params.drift) if params.skew.skew_flow_on else None
        view = market_view.market_view(
            self._connector, self.settings.trading_pair, now_ns, params.queue_position_limit, flow_frac,
            self.leader.read(now_ns) if self.leader is not None and params.needs_leader else (None, None))
        if view is None:
            return
        self.start_up.drive(view.is_connector_ready)
        hold = self.start_up.hold
        placeable = self._placeable_sides(now_ns, view.is_connector_ready and hold is None)
        orders = [*self._level_orders(), *self.exits.open_orders(now_ns)]
        left = market_view.leftovers(self._connector, self.settings.trading_pair, now_ns)
        if params.pricing.needs_others:
            view = market_view.with_others(view, self._connector, self.settings.trading_pair, orders)
        if params.market_guard.is_on:
            depth_bps = params.market_guard.guard_depth_bps
            view = market_view.with_others_book(
                view, self._connector, self.settings.trading_pair, [*orders, *left], depth_bps)
        health = self.health.health(now_ns, orders, self._connector.throttled_count)
        account = market_view.account_view(
            self._connector, self.settings.trading_pair, self.settings.leverage,
            self._position_by_fills(now_ns) if view.is_connector_ready and hold is None else None,
            [*orders, *left], self._history, placeable, health, hold,
            self.ledger.entry_price if self.ledger.position else None, self._maker_fee_frac(params),
            params.needs_equity or self.gate.needs_figures, self.books.last_fill_side)
        account = self.gate.guarded(view, account)
        inputs = DecisionInputs(view, account, params, self._state)
        decision = decide(inputs)
        actions = self._plan(decision)
        if has_changed(self._state, replace(decision, actions=actions)):
            self._decision_count += 1
            self._log.write(
                "decision", n=self._decision_count, woken_by=woken_by, inputs=inputs, quotes=decision.quotes,
                actions=decision.actions, bid_silence=decision.bid_silence, ask_silence=decision.ask_silence,
                bid_detail=decision.bid_detail, ask_detail=decision.ask_detail,
                hash=lambda: digest(decision))
        announce(self._log, self.settings.controller_id, self._state.breaker, decision.state.breaker, health)
        announce_profile(
            self._log, self.settings.controller_id, self._state.signals.money, decision.state.signals.money,
            account.equity_quote)
        before, self._state = self._state, decision.state
        if (before.hard_stop_since_ns, before.breaker.lasting) != (
                decision.state.hard_stop_since_ns, decision.state.breaker.lasting):
            self._keep()
        self.decision = decision
        self.last_mark = decision.mark_estimate if decision.mark_estimate is not None else self.last_mark
        self.last_turn_ns, self.mid = now_ns, view.mid
        frame_ns = _newest_frame_ns(view) if "frame" in woken_by else None
        cancelled = set()
        for action in actions:
            if isinstance(action, Cancel):
                if frame_ns is not None:
                    self._cancel_frame_ns.setdefault(action.client_order_id, frame_ns)
                self._cancel(action)
                cancelled.add(action.client_order_id)
        for breach in self.gate.begin(view, account):
            if breach.client_order_id not in cancelled:
                self._cancel(breach)
        for action in actions:
            if isinstance(action, Place) and self.gate.passes(action.quote, view, account):
                self._place(action, frame_ns)
        if self.settings.sends_orders:
            self.exits.drive(
                view, account, [*self.open_orders(), *left], decision.state.hard_stop_since_ns,
                decision.state.breaker.level.may_exit, inputs.params.exit_params())
        self.presence.note(now_ns, view, decision, orders, inputs.params, self.settings.sends_orders, self.gate.refused)

    def _maker_fee_frac(self, params: QuoteParams) -> float:
        if params.maker_fee_bps is not None:
            return float(params.maker_fee_bps) / 1e4
        return market_view.maker_fee_frac(self._connector, self.settings.trading_pair)

    def _plan(self, decision: Decision) -> tuple[Action, ...]:
        """What of a decision is carried out, in its order."""
        return decision.actions

    def _level_orders(self) -> list[OwnOrder]:
        return [order for level in self._levels for order in level.open_orders()]

    def _place(self, action: Place, frame_ns: int | None) -> None:
        quote = action.quote
        # Any level of the side can carry an order; its own one is preferred, so that reports name the right layer.
        level = min((level for level in self._levels if level.side is quote.side and level.takes_orders),
                    key=lambda level: level.layer != quote.layer)
        order_id = level.place(quote)
        self.placed_count += 1
        self._note_sent(order_id)
        if frame_ns is not None:
            self._frame_ns[order_id] = frame_ns
        self._order_event("placed", order_id, quote)

    def _note_sent(self, order_id: str) -> None:
        now_ns = time.monotonic_ns()
        recent = {key: sent_ns for key, sent_ns in self._recent_ns.items() if now_ns - sent_ns < RECENT_NS}
        self._recent_ns = {**recent, order_id: now_ns}

    @property
    def recent_orders(self) -> tuple[tuple[str, int], ...]:
        """Orders sent so lately that the venue's lists may not show them yet: client id and monotonic stamp."""
        return tuple(self._recent_ns.items())

    def _pull_quotes(self) -> None:
        """Cancel everything that is not being cancelled: what a quoter does that cannot decide."""
        for level in self._levels:
            for order_id in level.uncancelled():
                try:
                    level.cancel(Cancel(order_id, level.side, DECISION_FAILED, True))
                except Exception:
                    # One order that cannot be cancelled must not keep the others resting; decisions repeat its cancel.
                    logging.getLogger(__name__).exception("cancel failed id=%s", order_id)

    # --- levels ---

    def attach(self, executor: QuoteExecutor) -> None:
        """A level's executor has started; one that nobody waits for any more is told to end."""
        if not (self._is_running and executor.is_active):
            executor.early_stop()
            return
        self._levels.append(executor)
        self.wake("level")

    def detach(self, executor: QuoteExecutor) -> None:
        """A level's executor has ended and none of its orders can fill any more."""
        if executor in self._levels:
            self._levels.remove(executor)
        self._level_asked_ns.pop((executor.side, executor.layer), None)
        self.wake("level")
        self._end_log_when_idle()

    def _placeable_sides(self, now_ns: int, is_ready: bool) -> set[Side]:
        """Sides with a level that takes orders; asks Hummingbot for an executor where one is missing."""
        there = {(level.side, level.layer) for level in self._levels if level.takes_orders}
        if is_ready and self.settings.sends_orders:
            params = self._host.params()
            wanted = {*range(params.layers.layer_count)}
            if params.pricing.points_distance_bps is not None:
                wanted.add(POINTS_LAYER)
            for key in sorted({(side, layer) for side in Side for layer in wanted} - there):
                asked = self._level_asked_ns.get(key)
                if asked is None or now_ns - asked > LEVEL_RETRY_NS:
                    self._level_asked_ns[key] = now_ns
                    self._host.create_level(self._level_action(*key))
            for level in self._executors():
                if level.layer not in wanted and level.takes_orders and not level.has_open_orders:
                    level.early_stop()  # a reload left it without a layer
        return {side for side, _ in there}

    def _executors(self) -> list[QuoteExecutor]:
        return [level for level in self._levels if isinstance(level, QuoteExecutor)]

    def _level_action(self, side: Side, layer: int) -> CreateExecutorAction:
        params = self._host.params()
        mid = self._connector.book_state(self.settings.trading_pair)
        config = QuoteConfig(
            timestamp=time.time(),
            connector_name=self.settings.connector_name,
            trading_pair=self.settings.trading_pair,
            side=TradeType.BUY if side is Side.BUY else TradeType.SELL,
            amount=params.order_size_base,
            # Hummingbot wants a price on every limit config; the prices that are sent come from decisions.
            price=mid.bid if mid is not None and mid.bid else Decimal(1),
            position_action=PositionAction.OPEN,
            execution_strategy=ExecutionStrategy.LIMIT_MAKER,
            leverage=self.settings.leverage,
            level_id=f"{side}_{'points' if layer == POINTS_LAYER else layer}",
        ).bind(self, layer)
        return CreateExecutorAction(controller_id=self.settings.controller_id, executor_config=config)

    def _cancel(self, action: Cancel) -> None:
        """Cancel by the level that owns the order; one that none owns is being cancelled by the connector."""
        for level in self._levels:
            if level.owns(action.client_order_id):
                level.cancel(action)

    # --- what became of orders ---

    def on_created(self, order_id: str, quote: Quote) -> None:
        self._history[quote.side] = SideHistory()
        self._order_event("live", order_id, quote, frame_to_wire_ms=self._frame_to_wire_ms(order_id))
        self.wake("order")

    def on_cancel_sent(self, order_id: str, side: Side, reason: str, is_risk: bool) -> None:
        self.health.on_cancel_sent(reason, time.monotonic_ns())
        if reason != CancelReason.RETRY:
            self.cancel_count += 0 if is_risk else 1
            self.risk_cancel_count += 1 if is_risk else 0
        self._log.write("cancel_sent", client_order_id=order_id, side=side, reason=str(reason), is_risk=is_risk)

    def on_traded(self, order_id: str) -> None:
        """An order of ours has traded, in part or whole."""
        self._traded_ids.add(order_id)

    def on_ended(self, order_id: str, quote: Quote, how: str, reason: str | None) -> None:
        """An order is filled, cancelled or rejected on the venue's word."""
        self.presence.ended(time.monotonic_ns(), order_id, how)
        has_traded = order_id in self._traded_ids
        self._traded_ids.discard(order_id)
        if how != "rejected" or has_traded:
            self.ended_count += 1
            self.traded_count += has_traded
        if how == "rejected":
            self.reject_count += 1
            before = self._history[quote.side]
            self._history[quote.side] = SideHistory(before.rejects_in_row + 1, time.monotonic_ns())
        self._frame_ns.pop(order_id, None)
        frame_ns, wire_ns = self._cancel_frame_ns.pop(order_id, None), self._connector.last_cancel_wire_ns(order_id)
        frame_to_wire_ms = None if frame_ns is None or wire_ns is None else (wire_ns - frame_ns) / 1e6
        self._order_event(how, order_id, quote, reason, frame_to_wire_ms)
        self.wake("order")

    # --- account ---

    def _on_fill(self, fill: LedgerFill, position_before: Decimal) -> None:
        self.gate.on_fill(fill, position_before)

    def _on_exit_changed(self, source: str) -> None:
        self.wake(source)
        self._end_log_when_idle()

    def _on_exit_sent(self, order_id: str) -> None:
        self._note_sent(order_id)
        self.books.note_exit(order_id)

    def _on_closing(self, event: str, order_id: str, quote: Quote, reason: str | None) -> None:
        """An order of the start check left, or has ended."""
        if event == "placed":
            self.placed_count += 1
            self._note_sent(order_id)
        self._order_event(event, order_id, quote, reason)

    def _on_booked(self, what: str) -> None:
        self._keep()
        self.wake(what)

    def _position_by_fills(self, now_ns: int) -> Decimal:
        return self.books.position_by_fills(now_ns, lambda: self.health.on_position_mismatch(now_ns))

    @property
    def position(self) -> Decimal | None:
        """Signed position the venue reports, None until the connector is ready."""
        if not self._connector.ready:
            return None
        return market_view.venue_position(self._connector, self.settings.trading_pair)

    def open_orders(self) -> list[OwnOrder]:
        return [*self._level_orders(), *self.exits.open_orders(time.monotonic_ns())]

    # --- log ---

    def _end_log_when_idle(self) -> None:
        if self.is_idle and self._closing is None:
            self.books.stop()
            self._log.write("stopped", **self._account_fields())
            self._keep()
            self._closing = asyncio.get_running_loop().create_task(self._close_log())

    async def _close_log(self) -> None:
        # Waits for the disk, which the event loop must not.
        await asyncio.get_running_loop().run_in_executor(None, self._log.close)

    async def closed(self) -> None:
        """Wait until the log of a stopped quoter is closed; at once while one of its orders may still fill."""
        await self.start_up.closed()
        if self._closing is not None:
            await self._closing

    def _order_event(
        self, event: str, order_id: str, quote: Quote, reason: str | None = None, frame_to_wire_ms: float | None = None
    ) -> None:
        refused_as = self._connector.rejection_kind(order_id) if event == "rejected" else None
        self.health.on_order(event, order_id, time.monotonic_ns(), refused_as)
        self._log.write(
            "order", event=event, client_order_id=order_id, side=quote.side, price=quote.price, size=quote.size,
            is_reduce_only=quote.is_reduce_only, reason=reason, frame_to_wire_ms=frame_to_wire_ms)

    def _frame_to_wire_ms(self, order_id: str) -> float | None:
        """Receipt of the frame that led to an order until its first byte was handed to the socket."""
        frame_ns, wire_ns = self._frame_ns.pop(order_id, None), self._connector.last_order_wire_ns(order_id)
        return None if frame_ns is None or wire_ns is None else (wire_ns - frame_ns) / 1e6

    def _account_fields(self) -> dict[str, Any]:
        return {
            "ledger": self.ledger, "run": self.ledger.since(self.books.started_from), "position": self.position,
            "placed": self.placed_count,
            "cancels": self.cancel_count, "risk_cancels": self.risk_cancel_count, "rejects": self.reject_count,
            "ended": self.ended_count, "traded": self.traded_count,
            "in_band": self.presence.total(time.monotonic_ns()),
        }


def _newest_frame_ns(view: MarketView) -> int:
    """Receipt of the newest book or price frame, monotonic."""
    ages = [age for age in (view.book_age_ms, view.price_age_ms) if age is not None]
    return view.now_ns - int(min(ages, default=0.0) * 1e6)

