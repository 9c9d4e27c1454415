"""Hummingbot's position executor without the faults that were reproduced on it; its closing orders are reduce-only."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import OrderType, PositionAction, PriceType, TradeType
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig
from hummingbot.strategy_v2.executors.position_executor.position_executor import PositionExecutor
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType, TrackedOrder

from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.contained.accountable import LOOP_S, Accountable, Sent

NETTED_AFTER_NS = 2_000_000_000
"""How long the venue's position must be smaller than what is to be closed before it counts as netted away: position
frames trail behind fills.
"""


class ContainedPositionConfig(PositionExecutorConfig):
    """A stock position config, in every report and database too, that our executor carries out."""

    @property
    def may_rest(self) -> bool:
        """Whether the entry may be sent, and rest."""
        return True


class ContainedPositionExecutor(Accountable, PositionExecutor):  # type: ignore[misc]
    """Triple barriers on whatever part of the entry has filled; its closing orders can only reduce.

    A part that fills of other executors have netted away at the venue cannot be closed any more. It ends as a position
    hold, in which Hummingbot nets the same fills.
    """

    def __init__(
        self, strategy: Any, config: PositionExecutorConfig, update_interval: float = 1.0, max_retries: int = 10
    ) -> None:
        self._begin()
        self._take_base = Decimal(0)
        self._short_since_ns: int | None = None
        super().__init__(strategy, config, LOOP_S, max_retries)

    # --- amounts ---

    @property
    def open_filled_amount(self) -> Decimal:
        return self.traded(is_closing=False)[0]

    @property
    def close_filled_amount(self) -> Decimal:
        return self.traded(is_closing=True)[0]

    @property
    def close_filled_amount_quote(self) -> Decimal:
        return self.traded(is_closing=True)[1]

    @property
    def close_position_action(self) -> PositionAction:
        """Always reduce-only: a close that comes too late must not open the other side."""
        return PositionAction.CLOSE

    @property
    def entry_price(self) -> Decimal:
        """Average of what filled; before that the price asked for, not through the touch for a post-only entry."""
        base, quote = self.traded(is_closing=False)
        if base > 0:
            return quote / base
        price = Decimal(self.config.entry_price)
        if self.config.triple_barrier_config.open_order_type is not OrderType.LIMIT_MAKER:
            return price
        is_buy = self.config.side is TradeType.BUY
        touch = self._finite_price(PriceType.BestBid if is_buy else PriceType.BestAsk)
        if touch is None:
            return price
        return min(price, touch) if is_buy else max(price, touch)

    @property
    def close_price(self) -> Decimal:
        """Price at which the whole is closed: what was closed at its own price, the rest at the market's."""
        opened = self.open_filled_amount
        closed, quote = self.traded(is_closing=True)
        market = self.current_market_price
        rest = opened - closed
        if rest <= 0 or not market.is_finite():
            return quote / closed if closed > 0 else self.entry_price
        return (quote + rest * market) / opened

    def get_custom_info(self) -> dict[str, Any]:
        """Stock, with what is open of the position, unsigned base units."""
        return {**super().get_custom_info(), "position_base": self.amount_to_close}

    def _finite_price(self, kind: PriceType) -> Decimal | None:
        price = Decimal(self.get_price(self.config.connector_name, self.config.trading_pair, kind))
        return price if price.is_finite() and price > 0 else None

    def _room(self) -> Decimal:
        """How much of the venue's position lies on this executor's side, unsigned: no close can reduce more."""
        connector = self.connectors[self.config.connector_name]
        position = market_view.venue_position(connector, self.config.trading_pair)
        return max(Decimal(0), position if self.config.side is TradeType.BUY else -position)

    # --- the loop ---

    def _advance(self) -> None:
        if self.status == RunnableStatus.RUNNING:
            self.control_open_order()
            self.control_barriers()
        elif self.status == RunnableStatus.SHUTTING_DOWN:
            self._wind_down()

    def control_open_order(self) -> None:
        """Stock, but an entry that filled in part is not asked for again, and a refused one not before its pause.

        An entry that may not rest now is taken back; the position that it has made keeps its barriers.
        """
        if not getattr(self.config, "may_rest", True):
            self.cancel_open_order()
        elif self.open_filled_amount == 0 and (self._open_order is not None or not self.is_paced):
            super().control_open_order()

    def place_open_order(self) -> None:
        super().place_open_order()
        self._note(self._open_order, is_closing=False)

    def control_barriers(self) -> None:
        """Barriers hold from the first fill that the venue would let us close."""
        rules = self.trading_rules
        touch = self._finite_price(PriceType.BestBid if self.config.side is TradeType.BUY else PriceType.BestAsk)
        is_closable = (
            self.open_filled_amount >= rules.min_order_size and self.open_filled_amount_quote >= rules.min_notional_size
        )
        if is_closable and touch is not None:
            for control in (self.control_stop_loss, self.control_trailing_stop, self.control_take_profit):
                control()
                if self.status != RunnableStatus.RUNNING:
                    return
        self.control_time_limit()

    def control_take_profit(self) -> None:
        """A resting take profit covers all that has filled; one that more fills have outgrown makes room for a new."""
        barriers = self.config.triple_barrier_config
        if not barriers.take_profit or not barriers.take_profit_order_type.is_limit_type():
            super().control_take_profit()
            return
        resting = self._take_profit_limit_order
        is_near = self._is_within_activation_bounds(
            self.take_profit_price, self.close_order_side, barriers.take_profit_order_type
        )
        if resting is not None:
            if not is_near or self.amount_to_close + resting.executed_amount_base > self._take_base:
                self.cancel_take_profit()
        elif is_near and not self.is_paced and self.amount_to_close <= self._room():
            self.place_take_profit_limit_order()

    def place_take_profit_limit_order(self) -> None:
        self._take_base = self.amount_to_close
        super().place_take_profit_limit_order()
        self._note(self._take_profit_limit_order, is_closing=True)

    def cancel_open_order(self) -> None:
        if self._open_order is not None:
            self._ask_cancel(self._sent[self._open_order.order_id])

    def cancel_take_profit(self) -> None:
        if self._take_profit_limit_order is not None:
            self._ask_cancel(self._sent[self._take_profit_limit_order.order_id])

    # --- the end ---

    def early_stop(self, keep_position: bool | None = False) -> None:
        """Cancel at once, close or keep what filled, end on the venue's word. A stop under way goes on as it is."""
        if self.status in (RunnableStatus.TERMINATED, RunnableStatus.SHUTTING_DOWN):
            return
        self._shut_down(CloseType.POSITION_HOLD if keep_position else CloseType.EARLY_STOP)

    def place_close_order_and_cancel_open_orders(self, close_type: CloseType, price: Decimal = Decimal("NaN")) -> None:
        """A barrier was met."""
        self._shut_down(close_type)

    def _shut_down(self, close_type: CloseType) -> None:
        self.close_type = close_type
        self.close_timestamp = self._strategy.current_timestamp
        self._status = RunnableStatus.SHUTTING_DOWN
        self._wind_down()

    def _wind_down(self) -> None:
        """Cancel what rests, then close what filled, then end; each step waits for the venue's word on the last."""
        for sent in self.open_sent:
            if self._close_order is None or sent.tracked is not self._close_order:
                self._ask_cancel(sent)
        if self.open_sent:
            return
        left, least = self.amount_to_close, self.trading_rules.min_order_size
        if self.close_type is CloseType.POSITION_HOLD or left < least:
            self._finish()
            return
        room = self._room()
        if room < left:
            now_ns = time.monotonic_ns()
            self._short_since_ns = self._short_since_ns if self._short_since_ns is not None else now_ns
            if now_ns - self._short_since_ns < NETTED_AFTER_NS:
                return
        if min(left, room) < least:
            self._finish()
        elif not self.is_paced:
            self._short_since_ns = None
            self._close_order = TrackedOrder(
                order_id=self.place_order(
                    connector_name=self.config.connector_name,
                    trading_pair=self.config.trading_pair,
                    order_type=OrderType.MARKET,
                    amount=min(left, room),
                    side=self.close_order_side,
                    position_action=self.close_position_action,
                )
            )
            self._note(self._close_order, is_closing=True)

    def _finish(self) -> None:
        """End; what filled and was not closed goes to the position hold with every order that had a part in it."""
        if self.amount_to_close != 0:
            self.close_type = CloseType.POSITION_HOLD
            self._held_position_orders = self._filled_orders()
        elif self.close_type is CloseType.POSITION_HOLD:
            self.close_type = CloseType.EARLY_STOP
        self.stop()

    def evaluate_max_retries(self) -> None:
        """Too many refusals end it, but what filled is held and not forgotten."""
        if self._current_retries <= self._max_retries or self.status == RunnableStatus.TERMINATED:
            return
        self._shut_down(CloseType.POSITION_HOLD if self.open_filled_amount > 0 else CloseType.FAILED)

    # --- order events ---

    def process_order_filled_event(self, _: int, market: Any, event: Any) -> None:
        if self._take_note(event.order_id) is not None:
            self._advance()

    def process_order_completed_event(self, _: int, market: Any, event: Any) -> None:
        sent = self._take_end(event.order_id)
        if sent is None:
            return
        if sent.tracked is self._take_profit_limit_order:
            self._close_order = self._take_profit_limit_order
            if self.status == RunnableStatus.RUNNING:
                self._shut_down(CloseType.TAKE_PROFIT)
        self._advance()

    def _dropped(self, sent: Sent, is_refused: bool) -> None:
        self._failed_orders.append(sent.tracked)
        if sent.tracked is self._take_profit_limit_order:
            self._take_profit_limit_order = None
        else:
            self._current_retries += is_refused
        if sent.tracked is self._close_order:
            self._close_order = None
        if sent.tracked is self._open_order and sent.executed_base == 0:
            self._open_order = None
        self._advance()
