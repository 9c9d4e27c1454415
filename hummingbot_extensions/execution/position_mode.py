"""`execution: position`: each quote of the decision becomes a position executor with triple barriers.

The same decision as in the other mode; a placement creates an executor, a cancel stops one. Live, the executors are the
contained ones; under Hummingbot's backtester, which simulates nothing else, they are simulated as stock ones.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import OrderType, PriceType, TradeType
from hummingbot.strategy_v2.executors.position_executor.data_types import TrailingStop, TripleBarrierConfig
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction, StopExecutorAction

from hummingbot_extensions import compat
from hummingbot_extensions.core.breaker_state import Health
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import Cancel, Decision, DecisionState, Place
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.rounding import round_size_down
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.spec import param
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketRules, MarketView, OrderState, OwnOrder, SideHistory
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.contained.position import ContainedPositionConfig

UNSEEN_NS = 5_000_000_000
"""An executor that Hummingbot was asked for and that its reports do not show by then was never created."""

UNLIMITED_BASE = Decimal(10) ** 50
"""From here on a largest order is Hummingbot's word for none, 1E56 by default."""
SIMULATED_TURNS = 200
"""Most decisions on one candle: layers are replaced one by one, and each replacement is answered with a cancel."""


@dataclass(frozen=True, slots=True)
class Barriers:
    """Where a position that an entry has made is closed; distances in bps of its entry price, None: not at all."""

    stop_loss_bps: float | None = param(
        None, "Execution position: a loss of this closes a position at market, bps of its entry.", "barriers", gt=0
    )
    take_profit_bps: float | None = param(
        None, "Execution position: a profit of this closes a position, bps of its entry.", "barriers", gt=0
    )
    time_limit_s: int | None = param(
        None, "Execution position: closed at market so long after the executor began, seconds.", "barriers", gt=0
    )
    trailing_activation_bps: float | None = param(
        None, "Execution position: profit from which a trailing stop follows, bps; with trailing_delta_bps.",
        "barriers", gt=0,
    )  # fmt: skip
    trailing_delta_bps: float | None = param(
        None, "Execution position: how far behind the best profit the trailing stop stands, bps.", "barriers", gt=0
    )
    is_take_profit_maker: bool = param(
        True, "Execution position: the take profit rests as a limit order; false: taken at market once it is reached.",
        "barriers",
    )  # fmt: skip

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong and the fix) for every broken rule; empty when all hold."""
        distances = ("stop_loss_bps", "take_profit_bps", "trailing_activation_bps", "trailing_delta_bps")
        found = [
            (name, f"{value:g} is not above 0. Leave it empty for no such barrier")
            for name in (*distances, "time_limit_s")
            if (value := getattr(self, name)) is not None and not value > 0
        ]
        if (self.trailing_activation_bps is None) is not (self.trailing_delta_bps is None):
            found.append(("trailing_delta_bps", "a trailing stop needs both its activation and its delta. Set both"))
        if all(getattr(self, name) is None for name in ("stop_loss_bps", "time_limit_s")):
            found.append((
                "stop_loss_bps", "without a stop loss or a time limit a losing position is never closed. Set one"))
        return found

    def config(self) -> TripleBarrierConfig:
        """Hummingbot's form, in fractions of the entry price; entries are post-only."""
        trailing = None
        activation, delta = _frac(self.trailing_activation_bps), _frac(self.trailing_delta_bps)
        if activation is not None and delta is not None:
            trailing = TrailingStop(activation_price=activation, trailing_delta=delta)
        return TripleBarrierConfig(
            stop_loss=_frac(self.stop_loss_bps),
            take_profit=_frac(self.take_profit_bps),
            time_limit=self.time_limit_s,
            trailing_stop=trailing,
            open_order_type=OrderType.LIMIT_MAKER,
            take_profit_order_type=OrderType.LIMIT if self.is_take_profit_maker else OrderType.MARKET,
        )


def _frac(bps: float | None) -> Decimal | None:
    return None if bps is None else Decimal(repr(bps)) / 10_000


@dataclass(frozen=True, slots=True)
class PositionSettings:
    """What does not change while a controller lives."""

    controller_id: str
    connector_name: str
    trading_pair: str
    leverage: int
    sends_orders: bool
    """Whether executors are asked for at all; a disarmed bot decides and shows."""


@dataclass(slots=True)
class _Entry:
    """One executor: its entry as an order of ours, and what it has made of it."""

    side: Side
    price: Decimal
    size: Decimal
    created_ns: int
    left: Decimal
    is_seen: bool = False
    position: Decimal = Decimal(0)
    """Open part of the position it has made, unsigned."""
    stop_sent_ns: int | None = None
    is_risk_stop: bool = False


class PositionMode:
    """Decides over executors instead of orders; one object for a controller's life."""

    def __init__(self, settings: PositionSettings) -> None:
        self.settings = settings
        self.decision: Decision | None = None
        self.note: str | None = None
        """Why a quote that was decided on has no executor, None when each has."""
        self._state = DecisionState()
        self._entries: dict[str, _Entry] = {}

    def determine_actions(
        self, params: QuoteParams, barriers: Barriers, provider: Any, executors: Iterable[Any], equity_quote: Decimal,
        position_by_fills: Callable[[], Decimal | None] | None = None, health: Health | None = None,
        hold: Silence | None = None,
    ) -> list[ExecutorAction]:  # fmt: skip
        """Executors to create and to stop now, for a controller's ``determine_executor_actions``.

        ``executors`` are Hummingbot's reports on the controller's own; ``equity_quote`` is the money that a simulation
        has. Live, ``position_by_fills``, ``health`` and ``hold`` are the quoter's, where there is one.
        """
        if compat.is_backtest(provider):
            return self._simulated_actions(params, barriers, provider, executors, equity_quote)
        connector, now_ns = provider.get_connector(self.settings.connector_name), time.monotonic_ns()
        self._look(executors, now_ns)
        view = market_view.market_view(connector, self.settings.trading_pair, now_ns)
        if view is None:
            return []
        account = market_view.account_view(
            connector, self.settings.trading_pair, self.settings.leverage,
            self._position(connector, position_by_fills), self._orders(),
            {side: SideHistory() for side in Side}, set(Side), health or Health(), hold)
        self._decide(view, account, params)
        if not self.settings.sends_orders:
            return []
        return self._actions(barriers, now_ns, provider.time(), self._may_rest(connector, params))

    def _decide(self, view: MarketView, account: AccountView, params: QuoteParams) -> None:
        self.decision = decide(DecisionInputs(view, account, params, self._state))
        self._state = self.decision.state

    # --- what stands ---

    def _look(self, executors: Iterable[Any], now_ns: int) -> None:
        """Take over what Hummingbot reports of our executors; those that ended or never came are forgotten."""
        for info in executors:
            if info.type != "position_executor" or info.trading_pair != self.settings.trading_pair:
                continue
            if info.status == RunnableStatus.TERMINATED:
                self._entries.pop(info.id, None)
                continue
            entry = self._entries.get(info.id)
            if entry is None:
                side = Side.BUY if info.config.side is TradeType.BUY else Side.SELL
                entry = self._entries[info.id] = _Entry(
                    side, info.config.entry_price, info.config.amount, now_ns, info.config.amount)
            entry.is_seen = True
            has_filled = info.filled_amount_quote > 0
            # A simulation fills at once and completely, and does not say what is left.
            entry.left = info.custom_info.get("entry_left_base", Decimal(0) if has_filled else entry.size)
            entry.position = info.custom_info.get("position_base", entry.size if has_filled else Decimal(0))
            if info.status == RunnableStatus.SHUTTING_DOWN and entry.stop_sent_ns is None:
                entry.stop_sent_ns = now_ns
        for executor_id, entry in list(self._entries.items()):
            if not entry.is_seen and now_ns - entry.created_ns > UNSEEN_NS:
                del self._entries[executor_id]
                logging.getLogger(__name__).warning("executor never came id=%s side=%s", executor_id, entry.side)

    def _orders(self) -> list[OwnOrder]:
        """Entries that may still fill, as the decision sees orders; one that is being stopped is being cancelled."""
        return [
            OwnOrder(
                client_order_id=executor_id, side=entry.side, price=entry.price, size=entry.left,
                state=(OrderState.CANCELLING if entry.stop_sent_ns is not None
                       else OrderState.LIVE if entry.is_seen else OrderState.PLACING),
                is_reduce_only=False, placed_ns=entry.created_ns, cancel_sent_ns=entry.stop_sent_ns,
                is_risk_cancel=entry.is_risk_stop)
            for executor_id, entry in self._entries.items() if entry.left > 0
        ]  # fmt: skip

    def _position(self, connector: Any, by_fills: Callable[[], Decimal | None] | None) -> Decimal | None:
        if by_fills is not None:
            return by_fills()
        return market_view.venue_position(connector, self.settings.trading_pair) if connector.ready else None

    def _may_rest(self, connector: Any, params: QuoteParams) -> Callable[[], bool]:
        """The watch that each executor keeps: Hummingbot asks controllers nothing while a feed is dead."""

        def fit() -> bool:
            view = market_view.market_view(connector, self.settings.trading_pair, time.monotonic_ns())
            return bool(
                view is not None
                and view.is_connector_ready
                and view.book_age_ms is not None
                and view.book_age_ms <= params.stale_book_ms
                and view.price_age_ms is not None
                and view.price_age_ms <= params.stale_mark_ms
                and view.private_age_ms is not None
                and view.private_age_ms <= params.stale_private_ms
            )

        return fit

    # --- what to do ---

    def _actions(
        self, barriers: Barriers, now_ns: int, timestamp: float, may_rest: Callable[[], bool] | None
    ) -> list[ExecutorAction]:
        """What the last decision comes to."""
        decision, self.note = self.decision, None
        if decision is None:
            return []
        allowed = {side: self._allowed(side, decision) for side in Side}
        actions: list[ExecutorAction] = []
        for action in decision.actions:
            if isinstance(action, Cancel):
                stop = self._stop(action, now_ns)
                actions.extend([stop] if stop is not None else [])
            elif action.quote.is_reduce_only:
                self.note = "the barriers of the open positions reduce"
            elif allowed[action.quote.side] > 0:
                allowed[action.quote.side] -= 1
                actions.append(self._create(action.quote, barriers, now_ns, timestamp, may_rest))
            else:
                self.note = f"a level of {action.quote.side} holds a position"
        return [*actions, *self._surplus_stops(decision, now_ns)]

    def _allowed(self, side: Side, decision: Decision) -> int:
        """How many of the placements on ``side`` may have an executor, so that no more levels are taken than wanted.

        The decision sees no order for a level that holds a position, and asks for one each time.
        """
        own = [entry for entry in self._entries.values() if entry.side is side and entry.stop_sent_ns is None]
        held = sum(1 for entry in own if entry.position > 0)
        wanted = sum(len(ladder) for ladder in decision.ladders if ladder.side is side)
        places = sum(1 for action in decision.actions if isinstance(action, Place) and action.quote.side is side)
        # What is placed beyond the held levels replaces something; what is missing may come in any case.
        return max(places - held, wanted - len(own), 0)

    def _surplus_stops(self, decision: Decision, now_ns: int) -> list[ExecutorAction]:
        """Stops of entries beyond the levels that are wanted, farthest from where one is wanted first.

        A decision keeps an outdated order while layers are missing, and those of held positions always are.
        """
        stops: list[ExecutorAction] = []
        for ladder in decision.ladders:
            own = {key: entry for key, entry in self._entries.items()
                   if entry.side is ladder.side and entry.stop_sent_ns is None}
            if not all(entry.is_seen for entry in own.values()):
                continue
            prices = [ladder.price(index) for index in range(len(ladder))]
            live = [key for key, entry in own.items() if entry.position == 0]
            live.sort(key=lambda key: min(abs(self._entries[key].price - price) for price in prices), reverse=True)
            for key in live[: max(0, len(own) - len(ladder))]:
                self._entries[key].stop_sent_ns = now_ns
                stops.append(StopExecutorAction(
                    controller_id=self.settings.controller_id, executor_id=key, keep_position=False))
        return stops

    def _stop(self, action: Cancel, now_ns: int) -> StopExecutorAction | None:
        """Stop an executor once: it goes on by itself. One that holds a position is stopped for risk alone."""
        entry = self._entries.get(action.client_order_id)
        if entry is None or entry.stop_sent_ns is not None or (entry.position > 0 and not action.is_risk):
            return None
        entry.stop_sent_ns, entry.is_risk_stop = now_ns, action.is_risk
        return StopExecutorAction(
            controller_id=self.settings.controller_id, executor_id=action.client_order_id, keep_position=False)

    def _create(
        self, quote: Quote, barriers: Barriers, now_ns: int, timestamp: float, may_rest: Callable[[], bool] | None
    ) -> CreateExecutorAction:
        config = ContainedPositionConfig(
            timestamp=timestamp,
            connector_name=self.settings.connector_name,
            trading_pair=self.settings.trading_pair,
            side=TradeType.BUY if quote.side is Side.BUY else TradeType.SELL,
            entry_price=quote.price,
            amount=quote.size,
            triple_barrier_config=barriers.config(),
            leverage=self.settings.leverage,
            level_id=f"{quote.side}_{quote.layer}",
        )
        if may_rest is not None:
            config.bind(may_rest)
        self._entries[config.id] = _Entry(quote.side, quote.price, quote.size, now_ns, quote.size)
        return CreateExecutorAction(controller_id=self.settings.controller_id, executor_config=config)

    # --- a simulation, in which everything is done at once ---

    def _simulated_actions(
        self, params: QuoteParams, barriers: Barriers, provider: Any, executors: Iterable[Any], equity_quote: Decimal
    ) -> list[ExecutorAction]:
        """Actions of one candle. A replacement and the stop of what it replaces would be a candle apart otherwise."""
        now_ns = int(provider.time() * 1e9)
        self._look(executors, now_ns)
        view = self._simulated_view(provider, now_ns)
        actions: list[ExecutorAction] = []
        if view is None:
            return actions
        for _ in range(SIMULATED_TURNS):
            self._decide(view, self._simulated_account(view, equity_quote), params)
            found = self._actions(barriers, now_ns, provider.time(), None)
            actions.extend(found)
            if not found:
                break
            for entry in self._entries.values():
                entry.is_seen = True
            self._entries = {key: entry for key, entry in self._entries.items() if entry.stop_sent_ns is None}
        return actions

    def _simulated_view(self, provider: Any, now_ns: int) -> MarketView | None:
        """A candle's close as mark and as a book one tick wide: a simulation knows no more than that."""
        name, pair = self.settings.connector_name, self.settings.trading_pair
        rule, close = provider.get_trading_rules(name, pair), provider.get_price_by_type(name, pair, PriceType.MidPrice)
        tick = rule.min_price_increment
        if not close.is_finite() or close <= tick or tick <= 0:
            return None
        bid = round_size_down(close, tick)
        return MarketView(
            now_ns=now_ns, bid=bid, ask=bid + tick, grid=tick, mark=close, price_frame_ns=now_ns, book_age_ms=0.0,
            price_age_ms=0.0, private_age_ms=0.0, is_connector_ready=True,
            rules=MarketRules(
                tick=tick, step=rule.min_base_amount_increment, min_size=rule.min_order_size,
                max_size=rule.max_order_size if rule.max_order_size < UNLIMITED_BASE else None,
                min_notional=rule.min_notional_size,
            ),
        )  # fmt: skip

    def _simulated_account(self, view: MarketView, equity_quote: Decimal) -> AccountView:
        """Positions of the executors that have filled; margin is what they and resting entries leave of the equity."""
        position = sum((entry.position * entry.side.sign for entry in self._entries.values()), Decimal(0))
        bound = sum((entry.position + entry.left for entry in self._entries.values()), Decimal(0))
        mark = view.mark if view.mark is not None else Decimal(0)
        return AccountView(
            position=position, position_by_fills=position,
            available_quote=equity_quote - bound * mark / self.settings.leverage, leverage=self.settings.leverage,
            orders=tuple(self._orders()))
