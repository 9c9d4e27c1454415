"""The quoter of `execution: position`: what it decides on becomes position executors instead of orders of levels.

Gate, ledger, start-up check, breakers, event log and the way back from a hard stop are the quoter's own.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol

from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction

from hummingbot_extensions.core.decision import Action, Cancel, CancelReason, Decision, Place
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.types import OrderOutcome, Side
from hummingbot_extensions.core.view import OwnOrder
from hummingbot_extensions.execution.position_executor import EntryConfig, PositionLevel
from hummingbot_extensions.execution.position_mode import (
    REDUCED_BY_BARRIERS,
    Barriers,
    holds_a_position,
    position_config,
    room_for_entries,
    surplus,
)
from hummingbot_extensions.execution.quoter import Host, Quoter

UNSEEN_NS = 5_000_000_000
"""An executor that Hummingbot was asked for and that has not come by then was never created."""


class PositionHost(Host, Protocol):
    """The controller as this quoter sees it."""

    def barriers(self) -> Barriers: ...


class PositionQuoter(Quoter):
    """Each placement asks for an executor, a cancel takes its entry back, and levels that hold a position wait."""

    _host: PositionHost

    def start(self) -> None:
        if not self.settings.sends_orders:
            raise RuntimeError("a bot that sends nothing asks for no executors; its levels are dry ones")
        super().start()

    @property
    def _taken(self) -> list[PositionLevel]:
        """Levels that hold a position or whose entry may rest; one that is being taken back is none."""
        return [level for level in self._levels if isinstance(level, PositionLevel) and not level.is_going]

    def _placeable_sides(self, now_ns: int, is_ready: bool) -> set[Side]:
        """Sides with a level that does not hold a position."""
        self._forget_unseen(now_ns)
        count = self._host.params().layers.layer_count
        held = {side: sum(1 for level in self._taken if level.side is side and level.is_held) for side in Side}
        self.notes = tuple(holds_a_position(side) for side in Side if held[side])
        return {side for side in Side if held[side] < count}

    def _forget_unseen(self, now_ns: int) -> None:
        for level in list(self._levels):
            if isinstance(level, PositionLevel) and level.is_awaited and now_ns - level.asked_ns > UNSEEN_NS:
                logging.getLogger(__name__).warning("executor never came id=%s side=%s", level.key, level.side)
                level.detach()

    def _plan(self, decision: Decision) -> tuple[Action, ...]:
        """Cancels, with those of entries beyond the levels that are wanted, and the placements that there is room for.

        The decision asks again each time for a level that holds a position; that is no news.
        """
        taken = [level.taken for level in self._taken]
        room = {side: room_for_entries(side, decision, taken) for side in Side}
        plan: list[Action] = [action for action in decision.actions if isinstance(action, Cancel)]
        going = {action.client_order_id for action in plan if isinstance(action, Cancel)}
        beyond = set(surplus(decision, taken))
        plan.extend(
            Cancel(level.key, level.side, CancelReason.REPLACED, False) for level in self._taken
            if level.key in beyond and not any(level.owns(order_id) for order_id in going))
        for action in decision.actions:
            if not isinstance(action, Place):
                continue
            if action.quote.is_reduce_only:
                self.notes = (REDUCED_BY_BARRIERS,)
            elif room[action.quote.side] > 0:
                room[action.quote.side] -= 1
                plan.append(action)
        return tuple(plan)

    def _place(self, action: Place, frame_ns: int | None) -> None:
        settings, quote = self.settings, action.quote
        level = PositionLevel(quote, self, frame_ns)
        config = position_config(
            EntryConfig, quote, self._host.barriers(), settings.connector_name, settings.trading_pair,
            settings.leverage, time.time())
        level.key = config.on(level).id
        self._levels.append(level)
        self._host.create_level(CreateExecutorAction(controller_id=settings.controller_id, executor_config=config))

    def open_orders(self) -> list[OwnOrder]:
        """With the orders that close positions: slices must leave room for them."""
        closing = [order for level in self._levels if isinstance(level, PositionLevel)
                   for order in level.closing_orders()]
        return [*super().open_orders(), *closing]

    # --- what levels tell ---

    def outcome(self, order_id: str) -> OrderOutcome:
        return self._connector.order_outcome(order_id)

    def on_sent(self, order_id: str, quote: Quote, is_exit: bool, frame_ns: int | None) -> None:
        """An order has left. ``is_exit``: it takes, so that what its fills pay against the mark is exit cost."""
        self.placed_count += 1
        self._note_sent(order_id)
        if is_exit:
            self.books.note_exit(order_id)
        if frame_ns is not None:
            self._frame_ns[order_id] = frame_ns
        self._order_event("placed", order_id, quote)

    def on_live(self, order_id: str, quote: Quote) -> None:
        if quote.is_reduce_only:
            self._order_event("live", order_id, quote)
        else:
            self.on_created(order_id, quote)

    def on_over(self, order_id: str, quote: Quote, how: str) -> None:
        """An order has ended; refused closing orders hold no entries back, the executor paces them."""
        reason = self._connector.rejection_reason(order_id) if how == "rejected" else None
        before = self._history[quote.side]
        self.on_ended(order_id, quote, how, reason)
        if quote.is_reduce_only:
            self._history[quote.side] = before

    def on_changed(self) -> None:
        self.wake("level")

    def detach_level(self, level: PositionLevel) -> None:
        """A level's executor has ended, and none of its orders can fill any more."""
        if level in self._levels:
            self._levels.remove(level)
        self.wake("level")
        self._end_log_when_idle()
