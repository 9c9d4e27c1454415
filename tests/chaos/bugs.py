"""Bugs that a bot like this one is likely to have, put into it on purpose: each must break a rule under some seed.

A bug that no seed finds is a rule that is missing. Every patch is made on a class or module for the time of one run.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.core.data_type.in_flight_order import OrderState as TrackedState

from hummingbot_extensions.connector.errors import Rejected
from hummingbot_extensions.connector.own_fills import FillBook, News
from hummingbot_extensions.core import risk
from hummingbot_extensions.core.decision import CancelReason
from hummingbot_extensions.core.view import OrderState
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.bookkeeping import Bookkeeper
from hummingbot_extensions.execution.quote_executor import QuoteExecutor
from tests.chaos.machine import Outcome, play
from tests.chaos.steps import schedule
from tests.support.running import derivative_class

SEEDS = range(1, 41)
"""Tried one after the other for each bug."""
Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Bug:
    """``relevant`` names the faults and kinds of step that its schedules are made of."""

    name: str
    meaning: str
    relevant: tuple[str, ...]
    patch: Patch

    @contextmanager
    def planted(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            self.patch(patch)
            yield


@dataclass(frozen=True)
class Catch:
    """The first seed that caught a bug, None when none did."""

    bug: str
    seed: int | None
    rule: str


BUGS: dict[str, Bug] = {}


def bug(meaning: str, *relevant: str) -> Callable[[Patch], Patch]:
    def keep(patch: Patch) -> Patch:
        BUGS[patch.__name__] = Bug(patch.__name__, meaning, relevant, patch)
        return patch

    return keep


def hunt(name: str) -> Catch:
    """Play schedules of what the bug concerns to a bot with it, until one breaks a rule."""
    chosen = BUGS[name]
    for seed in SEEDS:
        outcome: Outcome = play(seed, schedule(seed, chosen.relevant), bug=chosen.planted(), is_large=True)
        if outcome.complaints:
            return Catch(name, seed, outcome.rules[0])
    return Catch(name, None, "")


def _flow() -> Any:
    return derivative_class()


def _module(name: str) -> Any:
    return importlib.import_module(f"hummingbot.connector.derivative.standx_perpetual.standx_perpetual_{name}")


# --- fills ---


@bug("a fill counts as often as it is told", "trade_duplicate", "frame_duplicate", "outage")
def fills_not_deduplicated(patch: pytest.MonkeyPatch) -> None:
    take, count = Bookkeeper._take, iter(range(10**9))
    patch.setattr(FillBook, "take", lambda self, fill: News.NEW)
    patch.setattr(Bookkeeper, "_take",
                  lambda self, fill: take(self, replace(fill, trade_id=f"{fill.trade_id}-{next(count)}")))  # fmt: skip


@bug("fills that the stream lost are never asked for", "frame_drop", "outage", "hit")
def missed_fills_not_read(patch: pytest.MonkeyPatch) -> None:
    async def none(self: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return []

    patch.setattr(_flow(), "_query_fills", none)


@bug("the fee of a fill is taken twice", "hit")
def fees_doubled(patch: pytest.MonkeyPatch) -> None:
    take = Bookkeeper._take
    patch.setattr(Bookkeeper, "_take", lambda self, fill: take(
        self, replace(fill, fee=None if fill.fee is None else fill.fee * 2)))  # fmt: skip
    patch.setattr(Bookkeeper, "_on_fee", lambda self, fill: None)


# --- outcomes ---


@bug("an order of unknown outcome is taken for rejected",
     "http_short_body", "http_not_json", "socket_refused", "socket_drop", "hit")
def unknown_is_rejected(patch: pytest.MonkeyPatch) -> None:
    def refused(self: Any, order: Any, cause: str) -> None:
        self._update_order_after_failure(order.client_order_id, order.trading_pair, Rejected(400, cause))

    patch.setattr(_flow(), "_on_unknown", refused)


@bug("an order of unknown outcome is sent again", "terminal_missing", "socket_drop", "outage", "http_timeout")
def resubmitted_after_timeout(patch: pytest.MonkeyPatch) -> None:
    submit, on_unknown = _flow()._submit, _flow()._on_unknown
    bodies: dict[str, tuple[Any, ...]] = {}

    async def remembering(self: Any, kind: Any, order_id: str, *args: Any, **kwargs: Any) -> Any:
        if kind.name == "PLACE":
            bodies[order_id] = args
        return await submit(self, kind, order_id, *args, **kwargs)

    def again(self: Any, order: Any, cause: str) -> None:
        on_unknown(self, order, cause)
        kind = _module("order_entry").CommandKind.PLACE
        self._tasks.spawn(submit(self, kind, order.client_order_id, *bodies[order.client_order_id]), "again")

    patch.setattr(_flow(), "_submit", remembering)
    patch.setattr(_flow(), "_on_unknown", again)


@bug("a cancel that was accepted is taken for done", "cancel_ignored", "cancel_late", "hit", "market")
def accepted_cancel_is_final(patch: pytest.MonkeyPatch) -> None:
    execute = _flow()._execute_order_cancel

    async def final(self: Any, order: Any) -> str | None:
        taken: str | None = await execute(self, order)
        if taken is not None:
            self._push(order, TrackedState.CANCELED, order.exchange_order_id)
        return taken

    patch.setattr(_flow(), "_execute_order_cancel", final)


@bug("the first 404 of an order's query is believed", "query_order_404", "order_late", "terminal_missing", "outage")
def not_found_believed_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_flow(), "_is_not_found_believed", lambda self, order: True)


@bug("a cancel that was lost is not sent again", "cancel_ignored", "cancel_late", "terminal_missing")
def cancel_not_repeated(patch: pytest.MonkeyPatch) -> None:
    cancel = QuoteExecutor.cancel

    async def nothing(self: Any, client_order_id: str) -> None:
        return None

    patch.setattr(_flow(), "_cancel_again", nothing)
    patch.setattr(QuoteExecutor, "cancel", lambda self, action: (
        None if action.reason == CancelReason.RETRY else cancel(self, action)))  # fmt: skip


@bug("an order that was given up and rests after all is left alone", "terminal_false_rejection", "order_late", "hit")
def sweep_missing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_flow(), "_note_listed", lambda self, listed: None)
    patch.setattr(_flow(), "_revive", lambda self, order, exchange_order_id: None)


@bug("the sweep takes every order for its own", "manual_order")
def owner_tag_ignored(patch: pytest.MonkeyPatch) -> None:
    fetch = _flow()._fetch_open_orders

    async def greedy(self: Any) -> Any:
        listed = await fetch(self)
        await self.cancel_at_venue([key for key in listed if not key.startswith(self.owner_tag)])
        return listed

    patch.setattr(_flow(), "_fetch_open_orders", greedy)


# --- exposure ---


@bug("orders that the venue has not confirmed do not count as exposure", "order_late", "hit", "market")
def unconfirmed_not_counted(patch: pytest.MonkeyPatch) -> None:
    open_orders, silent = QuoteExecutor.open_orders, (OrderState.UNKNOWN, OrderState.PLACING)
    patch.setattr(QuoteExecutor, "open_orders", lambda self: [
        order for order in open_orders(self) if order.state not in silent])  # fmt: skip


@bug("orders that are being cancelled do not count as exposure", "cancel_late", "cancel_ignored", "market", "hit")
def cancelling_not_counted(patch: pytest.MonkeyPatch) -> None:
    worst_case = risk.worst_case
    patch.setattr(risk, "worst_case", lambda side, position, orders: worst_case(
        side, position, [order for order in orders if order.state is not OrderState.CANCELLING]))  # fmt: skip


@bug("the cap on the worst case is not kept", "hit", "market")
def cap_ignored(patch: pytest.MonkeyPatch) -> None:
    for module in (risk, importlib.import_module("hummingbot_extensions.core.reconcile")):
        patch.setattr(module, "room", lambda side, position, orders, cap: Decimal(1))
    quoting = importlib.import_module("hummingbot_extensions.core.quoting")
    ladder = quoting.side_ladder

    def unlimited(side: Any, outlook: Any, *args: Any) -> Any:
        return ladder(side, dataclasses.replace(outlook, position=Decimal(0)), *args)

    patch.setattr(importlib.import_module("hummingbot_extensions.core.decide"), "side_ladder", unlimited)


@bug("position is what frames say, and never asked for", "position_wrong", "frame_drop", "silence")
def position_from_frames_only(patch: pytest.MonkeyPatch) -> None:
    update = _flow()._update_positions
    begun: set[int] = set()

    async def once(self: Any) -> None:
        if id(self) not in begun:
            begun.add(id(self))
            await update(self)

    patch.setattr(_flow(), "_update_positions", once)


@bug("free margin is taken for all of the equity", "hit")
def balance_wrong(patch: pytest.MonkeyPatch) -> None:
    update = _flow()._update_balances

    async def generous(self: Any) -> None:
        await update(self)
        self._account_available_balances.update(self._account_balances)

    patch.setattr(_flow(), "_update_balances", generous)


# --- data ---


def _view_with(patch: pytest.MonkeyPatch, **changes: Any) -> None:
    view = market_view.market_view

    def changed(*args: Any, **kwargs: Any) -> Any:
        found = view(*args, **kwargs)
        return found if found is None else replace(found, **changes)

    patch.setattr(market_view, "market_view", changed)


@bug("the age of the book is not looked at", "silence", "frame_drop", "outage", "socket_refused", "frame_truncate")
def stale_book_ignored(patch: pytest.MonkeyPatch) -> None:
    _view_with(patch, book_age_ms=0.0, is_connector_ready=True, private_age_ms=0.0)


@bug("the age of the mark is not looked at", "silence")
def stale_mark_ignored(patch: pytest.MonkeyPatch) -> None:
    _view_with(patch, price_age_ms=0.0)


@bug("the budget for cancels holds back those for risk too", "outage", "silence", "book_empty", "book_crossed", "hit")
def budget_blocks_risk_cancels(patch: pytest.MonkeyPatch) -> None:
    cancel = QuoteExecutor.cancel
    sent: deque[float] = deque(maxlen=3)

    def budgeted(self: Any, action: Any) -> None:
        now_s = time.monotonic()
        if len(sent) == sent.maxlen and 0 <= now_s - sent[0] < 60.0:
            return
        sent.append(now_s)
        cancel(self, action)

    patch.setattr(QuoteExecutor, "cancel", budgeted)


# --- life ---


@bug("a level that is told to stop does not cancel", "kill", "hit")
def stop_without_cancel(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(QuoteExecutor, "_wind_down", lambda self: self._finish())


@bug("every answer to a command leaves a task behind", "hit", "market")
def tasks_left_behind(patch: pytest.MonkeyPatch) -> None:
    on_reply = _flow()._on_command_reply

    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    def leaking(self: Any, command: Any, reply: Any) -> None:
        self._tasks.spawn(wait_for_ever(), "left-behind")
        on_reply(self, command, reply)

    patch.setattr(_flow(), "_on_command_reply", leaking)
