"""The executor of one entry in `execution: position`, live: one order in, then its barriers.

The quoter decides about the entry as it does about an order of a level; a cancel takes back what of it still rests, and
what has filled is the barriers' part. An entry is asked for once: what the venue refuses is paced by the decision.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Protocol

from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.strategy_v2.models.base import RunnableStatus
from pydantic import PrivateAttr

from hummingbot_extensions.core.decision import Cancel, CancelReason
from hummingbot_extensions.core.quote import PriceBreakdown, Quote
from hummingbot_extensions.core.types import OrderOutcome, Side
from hummingbot_extensions.core.view import OrderState, OwnOrder
from hummingbot_extensions.execution.contained.accountable import Sent
from hummingbot_extensions.execution.contained.position import ContainedPositionConfig, ContainedPositionExecutor
from hummingbot_extensions.execution.position_mode import Taken

LEVEL_ENDS, BARRIER = "level_ends", "barrier"
"""Why a cancel leaves that no decision asked for: Hummingbot stops the executor, or a barrier needs the room."""


class EntryConfig(ContainedPositionConfig):
    """Config of one entry. The level rides along unserialised; databases see a plain position executor."""

    _level: PositionLevel | None = PrivateAttr(default=None)

    def on(self, level: PositionLevel) -> EntryConfig:
        self._level = level
        return self

    @property
    def level(self) -> PositionLevel:
        if self._level is None:
            raise RuntimeError("an EntryConfig without its level cannot be executed")
        return self._level

    @property
    def may_rest(self) -> bool:
        return self.level.may_rest


class EntryExecutor(ContainedPositionExecutor):
    """Tells its level what becomes of each order; ends when its entry has, unless that made a position."""

    def __init__(self, strategy: Any, config: EntryConfig, update_interval: float = 1.0, max_retries: int = 10) -> None:
        super().__init__(strategy, config, update_interval, max_retries)
        self._level = config.level

    async def on_start(self) -> None:
        """Report for duty. Free margin is part of every decision."""
        self._level.attach(self)

    async def validate_sufficient_balance(self) -> None:
        """Judged with the decision, and again by the gate."""

    def place_order(self, *given: Any, **named: Any) -> str:
        order_id = str(super().place_order(*given, **named))
        price = Decimal(named.get("price", "NaN"))
        self._level.on_sent(
            order_id, Side.BUY if named["side"] is TradeType.BUY else Side.SELL, named["amount"],
            price if price.is_finite() else self.current_market_price,
            named["position_action"] is PositionAction.CLOSE, named["order_type"] is OrderType.MARKET)
        return order_id

    @property
    def has_filled(self) -> bool:
        return self.open_filled_amount > 0

    def take_back(self) -> None:
        """Let the entry rest no longer; without a fill that ends the executor."""
        if not self._sent:
            self.early_stop()
        else:
            self.cancel_open_order()

    def _end_without_position(self) -> None:
        """End once the entry is over and has made nothing that the barriers could close; less is held."""
        if self.status != RunnableStatus.RUNNING or self.open_sent or not self._sent:
            return
        rules = self.trading_rules
        is_closable = (
            self.open_filled_amount >= rules.min_order_size and self.open_filled_amount_quote >= rules.min_notional_size
        )
        if not is_closable:
            self.early_stop(keep_position=self.has_filled)

    # --- what becomes of orders ---

    def _ask_cancel(self, sent: Sent) -> None:
        before_ns = sent.cancel_sent_ns
        super()._ask_cancel(sent)
        if sent.cancel_sent_ns != before_ns:
            self._level.on_cancel_asked(sent.tracked.order_id, is_retry=before_ns is not None)

    def _take_end(self, order_id: str, is_refused: bool = False, is_dropped: bool = False) -> Sent | None:
        sent = super()._take_end(order_id, is_refused, is_dropped)
        if sent is not None:
            self._level.on_ended(order_id, "rejected" if is_refused else "canceled" if is_dropped else "filled")
            if self.status == RunnableStatus.TERMINATED:
                self._leave()
        return sent

    def _dropped(self, sent: Sent, is_refused: bool) -> None:
        super()._dropped(sent, is_refused)
        self._end_without_position()

    def process_order_created_event(self, _: int, market: Any, event: Any) -> None:
        super().process_order_created_event(_, market, event)
        if event.order_id in self._sent:
            self._level.on_created(event.order_id)

    def process_order_filled_event(self, _: int, market: Any, event: Any) -> None:
        super().process_order_filled_event(_, market, event)
        if event.order_id in self._sent:
            self._level.on_traded(event.order_id)

    # --- the end ---

    def stop(self) -> None:
        super().stop()
        self._leave()

    def _leave(self) -> None:
        """Leave the level once none of its orders can fill any more: a forced stop does not wait for the venue."""
        if not self.open_sent:
            super().unregister_events()
            self._level.detach()

    def unregister_events(self) -> None:
        """Done when it leaves: until then its orders may still end."""


class PositionAccount(Protocol):
    """Who keeps count of what became of a level's orders."""

    is_running: bool

    def outcome(self, order_id: str) -> OrderOutcome: ...

    def on_sent(self, order_id: str, quote: Quote, is_exit: bool, frame_ns: int | None) -> None: ...

    def on_live(self, order_id: str, quote: Quote) -> None: ...

    def on_traded(self, order_id: str) -> None: ...

    def on_over(self, order_id: str, quote: Quote, how: str) -> None: ...

    def on_cancel_sent(self, order_id: str, side: Side, reason: str, is_risk: bool) -> None: ...

    def on_changed(self) -> None: ...

    def detach_level(self, level: PositionLevel) -> None: ...


class PositionLevel:
    """One level from the decision on it until its executor has ended, as the quoter sees levels."""

    takes_orders = False
    """Each carries the one quote that it was made for."""

    def __init__(self, quote: Quote, account: PositionAccount, frame_ns: int | None) -> None:
        self.side = quote.side
        self.layer = quote.layer
        self.asked_ns = time.monotonic_ns()
        self.key = ""
        """Id of the executor; the entry goes by it until it has an order."""
        self._quote = quote
        self._account = account
        self._frame_ns = frame_ns
        self._executor: EntryExecutor | None = None
        self._entry_id: str | None = None
        self._orders: dict[str, Quote] = {}
        self._created: set[str] = set()
        self._is_entry_over = False
        self._cancel: Cancel | None = None
        self._cancel_sent_ns: int | None = None

    # --- the quoter's side ---

    @property
    def may_rest(self) -> bool:
        """Whether the entry may be sent, and rest."""
        return self._cancel is None and not self._is_entry_over

    @property
    def taken(self) -> Taken:
        is_settled = self._entry_id in self._created or self.is_held
        return Taken(self.key, self.side, self._quote.price, self.is_held, is_settled)

    @property
    def is_awaited(self) -> bool:
        """Whether its executor has not come yet."""
        return self._executor is None

    @property
    def is_held(self) -> bool:
        """Whether the entry has made a position; until the executor has ended."""
        return self._executor is not None and self._executor.has_filled

    @property
    def is_going(self) -> bool:
        """Whether the entry is being taken back, or is over, and has made no position."""
        return not (self.may_rest or self.is_held)

    def place(self, quote: Quote) -> str:
        raise RuntimeError("a level of position mode carries the quote that it was made for")

    def cancel(self, action: Cancel) -> None:
        """Take back what of the entry still rests; it counts until the venue has confirmed."""
        if self._is_entry_over:
            return
        self._cancel, self._cancel_sent_ns = action, time.monotonic_ns()
        if self._executor is not None:
            self._executor.take_back()

    def owns(self, client_order_id: str) -> bool:
        return client_order_id in (self.key, self._entry_id)

    def uncancelled(self) -> list[str]:
        return [] if self._cancel is not None or self._is_entry_over else [self._entry_id or self.key]

    def open_orders(self) -> Iterable[OwnOrder]:
        """The entry, as far as it may still fill."""
        left = self._quote.size
        if self._executor is not None:
            left -= self._executor.open_filled_amount
        if self._is_entry_over or left <= 0:
            return []
        return [OwnOrder(
            client_order_id=self._entry_id or self.key, side=self.side, price=self._quote.price, size=left,
            state=self._state(), is_reduce_only=False, placed_ns=self.asked_ns,
            has_rested=self._entry_id in self._created, cancel_sent_ns=self._cancel_sent_ns,
            is_risk_cancel=self._cancel is not None and self._cancel.is_risk)]

    def closing_orders(self) -> list[OwnOrder]:
        """Orders that close what the entry has made; they reduce, and the barriers decide about them."""
        if self._executor is None:
            return []
        found = []
        for sent in self._executor.open_sent:
            quote = self._orders[sent.tracked.order_id]
            left = quote.size - sent.executed_base
            if sent.is_closing and left > 0:
                is_live = sent.tracked.order_id in self._created
                found.append(OwnOrder(
                    client_order_id=sent.tracked.order_id, side=quote.side, price=quote.price, size=left,
                    state=OrderState.LIVE if is_live else OrderState.PLACING, is_reduce_only=True,
                    placed_ns=sent.sent_ns, has_rested=is_live, cancel_sent_ns=sent.cancel_sent_ns))
        return found

    def _state(self) -> OrderState:
        if self._entry_id is not None and self._account.outcome(self._entry_id) is OrderOutcome.UNKNOWN:
            return OrderState.UNKNOWN
        if self._cancel is not None:
            return OrderState.CANCELLING
        return OrderState.LIVE if self._entry_id in self._created else OrderState.PLACING

    # --- the executor's side ---

    def attach(self, executor: EntryExecutor) -> None:
        """The executor has started; one that is not wanted any more is told to end."""
        self._executor = executor
        if not (self.may_rest and self._account.is_running):
            executor.early_stop()
        self._account.on_changed()

    def detach(self) -> None:
        self._is_entry_over = True
        self._account.detach_level(self)

    def on_sent(
        self, order_id: str, side: Side, size: Decimal, price: Decimal, is_closing: bool, is_market: bool
    ) -> None:
        quote = Quote(side, price, size, is_closing, PriceBreakdown(self._quote.breakdown.mark, ()), self.layer)
        if not is_closing:
            self._entry_id = order_id
            self._quote = quote = Quote(side, price, size, False, self._quote.breakdown, self.layer)
        self._orders[order_id] = quote
        self._account.on_sent(order_id, quote, is_closing and is_market, None if is_closing else self._frame_ns)

    def on_created(self, order_id: str) -> None:
        self._created.add(order_id)
        self._account.on_live(order_id, self._orders[order_id])

    def on_traded(self, order_id: str) -> None:
        self._account.on_traded(order_id)

    def on_ended(self, order_id: str, how: str) -> None:
        self._is_entry_over |= order_id == self._entry_id
        self._account.on_over(order_id, self._orders[order_id], how)

    def on_cancel_asked(self, order_id: str, is_retry: bool) -> None:
        is_entry = order_id == self._entry_id
        by_decision = self._cancel if is_entry else None
        reason = by_decision.reason if by_decision is not None else LEVEL_ENDS if is_entry else BARRIER
        self._account.on_cancel_sent(
            order_id, self._orders[order_id].side, CancelReason.RETRY if is_retry else reason,
            by_decision is not None and by_decision.is_risk)
