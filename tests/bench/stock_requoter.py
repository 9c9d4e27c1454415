"""Re-quoting as Hummingbot's own controllers do it: stop the executor, create another, on the one-second loops.

Copied into a workspace by the bench. The book listener only measures: it notes the first frame that put a quote out of
its distances, and when the cancel and the order that answer it were handed to the socket, a line each is written. The
controller's interval is drawn anew around its second each time: the emulator's marks come on a beat, to which an even
loop would stay in one phase for a whole run.
"""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

from hummingbot.core.data_type.common import MarketDict, PositionAction, TradeType
from hummingbot.strategy_v2.controllers import controller_base
from hummingbot.strategy_v2.executors.order_executor.data_types import ExecutionStrategy, OrderExecutorConfig
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction, StopExecutorAction


class StockRequoterConfig(controller_base.ControllerConfigBase):
    """One quote a side; distances in bps of the mark."""

    controller_name: str = "stock_requoter"
    controller_type: str = "market_making"
    connector_name: str = "standx_perpetual_emulator"
    trading_pair: str = "BTC-DUSD"
    order_size_base: Decimal = Decimal("0.002")
    order_distance_bps: float = 6.0
    cancel_distance_bps: float = 5.0
    rebalance_distance_bps: float = 7.0
    samples_path: str = ""

    def update_markets(self, markets: MarketDict) -> MarketDict:
        return markets.add_or_update(self.connector_name, self.trading_pair)


class StockRequoter(controller_base.ControllerBase):
    """Stops what is out of its distances and creates anew, in Hummingbot's own loop and executors."""

    def __init__(self, config: StockRequoterConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._prices: dict[TradeType, Decimal] = {}
        self._out_since_ns: dict[TradeType, int] = {}
        self._seen: set[str] = set()
        self._uncancelled: dict[str, TradeType] = {}
        self._is_listening = False
        self._draw = random.Random(1)

    @property
    def _connector(self) -> Any:
        return self.market_data_provider.connectors[self.config.connector_name]

    def _distance_bps(self, side: TradeType, price: Decimal, mark: Decimal) -> float:
        return float(1 - price / mark) * 1e4 * (1 if side is TradeType.BUY else -1)

    def _is_out(self, side: TradeType, mark: Decimal) -> bool:
        away = self._distance_bps(side, self._prices[side], mark)
        return not self.config.cancel_distance_bps <= away <= self.config.rebalance_distance_bps

    def _on_frame(self) -> None:
        state = self._connector.price_state(self.config.trading_pair)
        if state is None or state.mark is None:
            return
        for side in self._prices:
            if side not in self._out_since_ns and self._is_out(side, state.mark):
                self._out_since_ns[side] = state.received_mono_ns
        self._note_cancels()
        for order in self._connector.in_flight_orders.values():
            wire_ns = self._connector.last_order_wire_ns(order.client_order_id)
            if wire_ns is None or order.client_order_id in self._seen:
                continue
            self._seen.add(order.client_order_id)
            self._uncancelled[order.client_order_id] = order.trade_type
            since_ns = self._out_since_ns.pop(order.trade_type, None)
            if since_ns is not None and wire_ns > since_ns:
                self._write("jump_to_wire_ms", wire_ns - since_ns)

    def _note_cancels(self) -> None:
        """Cancels that went to the socket since the last look, from the frame that put their quote out."""
        for order_id, side in list(self._uncancelled.items()):
            wire_ns, since_ns = self._connector.last_cancel_wire_ns(order_id), self._out_since_ns.get(side)
            if wire_ns is None:
                continue
            del self._uncancelled[order_id]
            if since_ns is not None and wire_ns > since_ns:
                self._write("jump_to_cancel_ms", wire_ns - since_ns)

    def _write(self, what: str, spent_ns: int) -> None:
        with Path(self.config.samples_path).open("a") as file:
            file.write(json.dumps({what: spent_ns / 1e6}) + "\n")

    async def update_processed_data(self) -> None:
        if not self._is_listening:
            self._is_listening = True
            self._connector.add_book_listener(self.config.trading_pair, self._on_frame)

    def determine_executor_actions(self) -> list[ExecutorAction]:
        self.update_interval = self._draw.uniform(0.7, 1.3)
        state = self._connector.price_state(self.config.trading_pair)
        if state is None or state.mark is None:
            return []
        actions: list[ExecutorAction] = []
        for side in (TradeType.BUY, TradeType.SELL):
            active = [e for e in self.executors_info if e.is_active and e.config.side is side]
            if active and side in self._prices and not self._is_out(side, state.mark):
                continue
            actions += [StopExecutorAction(controller_id=self.config.id, executor_id=e.id) for e in active]
            actions.append(self._creation(side, state.mark))
        return actions

    def _creation(self, side: TradeType, mark: Decimal) -> CreateExecutorAction:
        sign = 1 if side is TradeType.BUY else -1
        price = mark * (1 - sign * Decimal(str(self.config.order_distance_bps)) / 10_000)
        self._prices[side] = price = self._connector.quantize_order_price(self.config.trading_pair, price)
        return CreateExecutorAction(controller_id=self.config.id, executor_config=OrderExecutorConfig(
            timestamp=self.market_data_provider.time(), connector_name=self.config.connector_name,
            trading_pair=self.config.trading_pair, side=side, amount=self.config.order_size_base, price=price,
            position_action=PositionAction.OPEN, execution_strategy=ExecutionStrategy.LIMIT_MAKER, leverage=1))
