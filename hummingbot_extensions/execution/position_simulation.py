"""`execution: position` in Hummingbot's backtester, which simulates nothing else: decisions on candles, done at once.

The gate judges every entry here too; there is one account, of one market.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import PriceType, TradeType
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction, StopExecutorAction

from hummingbot_extensions import compat
from hummingbot_extensions.core import gate
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import Cancel, Decision, DecisionState, Place
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import AccountTotals, GateState, after_fill, after_placed, utc_day
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.rounding import round_size_down
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketRules, MarketView, OrderState, OwnOrder
from hummingbot_extensions.execution.contained.position import ContainedPositionConfig
from hummingbot_extensions.execution.position_mode import Barriers, Taken, position_config, room_for_entries, surplus

UNLIMITED_BASE = Decimal(10) ** 50
"""From here on a largest order is Hummingbot's word for none, 1E56 by default."""
NO_OTHER_MARKET = AccountTotals(0, Decimal(0), Decimal(0))
TURNS = 200
"""Most decisions on one candle: layers are replaced one by one, and each replacement is answered with a cancel."""


@dataclass(slots=True)
class _Entry:
    """One executor: its entry as an order of ours, and what it has made of it."""

    side: Side
    price: Decimal
    size: Decimal
    created_ns: int
    left: Decimal
    position: Decimal = Decimal(0)
    """Open part of the position it has made, unsigned."""
    is_settled: bool = False
    """Whether it was asked for before this decision."""
    is_stopped: bool = False


def begun(config: Any, provider: Any) -> PositionSimulation | None:
    """The simulation of a controller of ``config`` in Hummingbot's backtester; None live, where a desk trades.

    With one there is no desk: nothing is sent, booked or kept.
    """
    if not compat.is_backtest(provider):
        return None
    return PositionSimulation(config.id, config.connector_name, config.trading_pair, config.leverage)


class PositionSimulation:
    """Decides over executors instead of orders; one object for a backtest."""

    def __init__(self, controller_id: str, connector_name: str, trading_pair: str, leverage: int) -> None:
        self.decision: Decision | None = None
        self._controller_id = controller_id
        self._connector_name = connector_name
        self._pair = trading_pair
        self._leverage = leverage
        self._state = DecisionState()
        self._gate_state = GateState()
        self._entries: dict[str, _Entry] = {}

    def determine_actions(
        self, params: QuoteParams, gate_params: GateParams, barriers: Barriers, provider: Any,
        executors: Iterable[Any], equity_quote: Decimal,
    ) -> list[ExecutorAction]:  # fmt: skip
        """Executors to create and to stop on this candle, for a controller's ``determine_executor_actions``.

        ``executors`` are Hummingbot's reports on the controller's own; ``equity_quote`` is the money of the account. A
        replacement and the stop of what it replaces would be a candle apart if one decision were all.
        """
        now_ns = int(provider.time() * 1e9)
        self._look(executors, now_ns)
        view = self._view(provider, now_ns)
        actions: list[ExecutorAction] = []
        if view is None:
            return actions
        for _ in range(TURNS):
            account = self._account(view, equity_quote)
            decision = decide(DecisionInputs(view, account, params, self._state))
            self.decision, self._state = decision, decision.state
            passed = self._passed(decision, view, account, gate_params)
            found = self._actions(decision, passed, barriers, provider.time())
            actions.extend(found)
            if not found:
                break
            self._entries = {key: entry for key, entry in self._entries.items() if not entry.is_stopped}
            for entry in self._entries.values():
                entry.is_settled = True
        return actions

    def _look(self, executors: Iterable[Any], now_ns: int) -> None:
        """Take over what Hummingbot reports of our executors; those that ended are forgotten."""
        for info in executors:
            if info.type != "position_executor" or info.trading_pair != self._pair:
                continue
            if info.status == RunnableStatus.TERMINATED:
                self._entries.pop(info.id, None)
                continue
            entry = self._entries.get(info.id)
            if entry is None:
                side = Side.BUY if info.config.side is TradeType.BUY else Side.SELL
                entry = self._entries[info.id] = _Entry(
                    side, info.config.entry_price, info.config.amount, now_ns, info.config.amount)
            entry.is_settled = True
            # A simulation fills at once and completely.
            if info.filled_amount_quote > 0 and entry.left > 0:
                self._gate_state = after_fill(
                    self._gate_state, entry.side, entry.price, entry.size, self._position(), utc_day(now_ns))
                entry.left, entry.position = Decimal(0), entry.size

    def _passed(
        self, decision: Decision, view: MarketView, account: AccountView, gate_params: GateParams
    ) -> list[Quote]:
        """Quotes of new entries that there is room for and that the gate lets pass."""
        wanted = []
        allowed = {side: room_for_entries(side, decision, self._taken()) for side in Side}
        for action in decision.actions:
            if isinstance(action, Place) and not action.quote.is_reduce_only and allowed[action.quote.side] > 0:
                allowed[action.quote.side] -= 1
                wanted.append(action.quote)
        day = utc_day(view.now_ns)
        verdicts = gate.check_all(wanted, view, account, gate_params, self._gate_state, day, NO_OTHER_MARKET)
        passed = [quote for quote, verdict in zip(wanted, verdicts, strict=True) if verdict.allowed]
        for _ in passed:
            self._gate_state = after_placed(self._gate_state, day)
        return passed

    def _actions(
        self, decision: Decision, passed: list[Quote], barriers: Barriers, timestamp: float
    ) -> list[ExecutorAction]:
        """What a decision comes to."""
        actions: list[ExecutorAction] = []
        for action in decision.actions:
            if isinstance(action, Cancel):
                entry = self._entries.get(action.client_order_id)
                if entry is not None and not entry.is_stopped and (entry.position == 0 or action.is_risk):
                    actions.append(self._stop(action.client_order_id))
        actions.extend(self._create(quote, barriers, timestamp) for quote in passed)
        return [*actions, *(self._stop(key) for key in surplus(decision, self._taken()))]

    def _taken(self) -> list[Taken]:
        return [
            Taken(key, entry.side, entry.price, entry.position > 0, entry.is_settled)
            for key, entry in self._entries.items() if not entry.is_stopped
        ]  # fmt: skip

    def _stop(self, key: str) -> StopExecutorAction:
        self._entries[key].is_stopped = True
        return StopExecutorAction(controller_id=self._controller_id, executor_id=key, keep_position=False)

    def _create(self, quote: Quote, barriers: Barriers, timestamp: float) -> CreateExecutorAction:
        config = position_config(
            ContainedPositionConfig, quote, barriers, self._connector_name, self._pair, self._leverage, timestamp)
        self._entries[config.id] = _Entry(quote.side, quote.price, quote.size, int(timestamp * 1e9), quote.size)
        return CreateExecutorAction(controller_id=self._controller_id, executor_config=config)

    def _view(self, provider: Any, now_ns: int) -> MarketView | None:
        """A candle's close as mark and as a book one tick wide: a simulation knows no more than that."""
        name, pair = self._connector_name, self._pair
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

    def _account(self, view: MarketView, equity_quote: Decimal) -> AccountView:
        """Positions of the executors that have filled; margin is what they and resting entries leave of the equity."""
        bound = sum((entry.position + entry.left for entry in self._entries.values()), Decimal(0))
        mark = view.mark if view.mark is not None else Decimal(0)
        return AccountView(
            position=self._position(), position_by_fills=self._position(),
            available_quote=equity_quote - bound * mark / self._leverage, leverage=self._leverage,
            equity_quote=equity_quote,
            orders=tuple(
                OwnOrder(key, entry.side, entry.price, entry.left, OrderState.LIVE, False, entry.created_ns)
                for key, entry in self._entries.items() if entry.left > 0))

    def _position(self) -> Decimal:
        return sum((entry.position * entry.side.sign for entry in self._entries.values()), Decimal(0))
