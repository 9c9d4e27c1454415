"""Places in the life of a bot where it can kill itself, wrapped around the running code from outside.

Every wrapped place counts its passages. A bot with a plan sends itself SIGKILL at the n-th passage of one of them: no
handler runs, nothing is flushed, what stands in the kernel's socket buffers leaves as it would after a crash.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONNECTOR = "hummingbot.connector.derivative.standx_perpetual.standx_perpetual_"

BY_CALL: dict[str, tuple[str, str]] = {
    "order_decided": ("hummingbot_extensions.execution.quote_executor:QuoteExecutor", "place"),
    "create_scheduled": (CONNECTOR + "order_flow:StandxOrderFlow", "buy"),
    "create_scheduled_sell": (CONNECTOR + "order_flow:StandxOrderFlow", "sell"),
    "tracked": ("hummingbot.connector.client_order_tracker:ClientOrderTracker", "start_tracking_order"),
    "signed": (CONNECTOR + "auth:StandxPerpetualAuth", "signed_headers"),
    "order_frame": (CONNECTOR + "account_sync:StandxAccountSync", "_on_order_frame"),
    "fill_frame": (CONNECTOR + "account_sync:StandxAccountSync", "_on_trade_frame"),
    "position_frame": (CONNECTOR + "account_sync:StandxAccountSync", "_on_position_frame"),
    "db_created": ("hummingbot.connector.markets_recorder:MarketsRecorder", "_did_create_order"),
    "db_fill": ("hummingbot.connector.markets_recorder:MarketsRecorder", "_did_fill_order"),
    "db_cancelled": ("hummingbot.connector.markets_recorder:MarketsRecorder", "_did_cancel_order"),
    "db_completed": ("hummingbot.connector.markets_recorder:MarketsRecorder", "_did_complete_order"),
    "db_states": ("hummingbot.connector.markets_recorder:MarketsRecorder", "save_market_states"),
    "live": ("hummingbot_extensions.execution.quote_executor:QuoteExecutor", "process_order_created_event"),
    "fill_event": ("hummingbot_extensions.execution.quote_executor:QuoteExecutor", "process_order_filled_event"),
    "completion": ("hummingbot_extensions.execution.quote_executor:QuoteExecutor", "process_order_completed_event"),
    "cancelled_event": ("hummingbot_extensions.execution.quote_executor:QuoteExecutor",
                        "process_order_canceled_event"),
    "ledger_booking": ("hummingbot_extensions.core.ledger:Ledger", "after"),
    "cancel_decided": ("hummingbot_extensions.execution.quote_executor:QuoteExecutor", "cancel"),
    "stop_loop": ("hummingbot.client.hummingbot_application:HummingbotApplication", "stop_loop"),
    "script_stop": ("hummingbot_extensions.execution.controllers_script:ControllersScript", "on_stop"),
    "executor_stop": ("hummingbot_extensions.execution.quote_executor:QuoteExecutor", "early_stop"),
    "cancel_all": ("hummingbot.connector.exchange_py_base:ExchangePyBase", "cancel_all"),
    "open_orders_listed": (CONNECTOR + "account_sync:StandxAccountSync", "_fetch_open_orders"),
    "snapshot_write": ("hummingbot_extensions.execution.state_writer:StateWriter", "_write"),
    "flatten": ("hummingbot_extensions.execution.startup:StartUp", "_flatten"),
    "flatten_close": ("hummingbot_extensions.execution.startup:StartUp", "_close"),
    "states_restored": ("hummingbot.connector.markets_recorder:MarketsRecorder", "restore_market_states"),
}
"""Points before and after a call, in Hummingbot, in the connector and in the strategy's side."""

_CURRENT: Counter[str] = Counter()


class Plan:
    """Counts passages and ends the process at the planned one."""

    def __init__(self, kill: dict[str, Any] | None, hits_path: Path) -> None:
        self._point = kill["point"] if kill else None
        self._at = int(kill["hit"]) if kill else 0
        self._counts_from = "stop_loop.before" if kill and kill["in_stop"] else None
        self._hits: Counter[str] = Counter()
        self._path = hits_path

    def wants(self, point: str) -> bool:
        """Whether the next passage of ``point`` is the one."""
        return self._counts_from is None and point == self._point and self._hits[point] + 1 >= self._at

    def passed(self, point: str) -> None:
        if point == self._counts_from:
            self._counts_from = None
            self._hits.clear()
        self._hits[point] += 1
        if self._counts_from is None and point == self._point and self._hits[point] >= self._at:
            self.die()

    def die(self) -> None:
        self.note()
        os.kill(os.getpid(), signal.SIGKILL)

    def note(self) -> None:
        """Write down what was passed how often, for whoever plans the next death."""
        self._path.write_text(json.dumps(self._hits))


def install(kill: dict[str, Any] | None, hits_path: Path, loop: Any) -> Plan:
    """Wrap every point; one that the code no longer has is an error, not a silence."""
    plan = Plan(kill, hits_path)
    for point, (owner, attribute) in BY_CALL.items():
        _around(plan, point, _resolved(owner), attribute)
    _around_commits(plan)
    _around_wire(plan)
    _around_answers(plan)
    _around_decisions(plan)
    _around_files(plan)
    _at_waits(plan, kill, loop)
    import atexit

    atexit.register(plan.note)
    return plan


def _resolved(owner: str) -> Any:
    module, name = owner.split(":")
    return getattr(importlib.import_module(module), name)


def _around(plan: Plan, point: str, owner: Any, attribute: str) -> None:
    call = getattr(owner, attribute)
    if inspect.iscoroutinefunction(call):

        @functools.wraps(call)
        async def wrapped_async(*args: Any, **kwargs: Any) -> Any:
            plan.passed(f"{point}.before")
            _CURRENT[point] += 1
            try:
                result = await call(*args, **kwargs)
            finally:
                _CURRENT[point] -= 1
            plan.passed(f"{point}.after")
            return result

        setattr(owner, attribute, wrapped_async)
        return

    @functools.wraps(call)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        plan.passed(f"{point}.before")
        _CURRENT[point] += 1
        try:
            result = call(*args, **kwargs)
        finally:
            _CURRENT[point] -= 1
        plan.passed(f"{point}.after")
        return result

    setattr(owner, attribute, wrapped)


def _around_commits(plan: Plan) -> None:
    """Between what a recorder's method put into the session and its commit, and right after that."""
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    def note(moment: str) -> None:
        for point in ("db_created", "db_fill", "db_cancelled", "db_completed"):
            if _CURRENT[point]:
                plan.passed(f"{point}.{moment}")

    event.listen(Session, "before_commit", lambda session: note("uncommitted"))
    event.listen(Session, "after_commit", lambda session: note("committed"))


def _around_wire(plan: Plan) -> None:
    """Before, in the middle of and after the bytes of an order or a cancel, on the socket and over REST."""
    from hummingbot.core.web_assistant.ws_assistant import WSAssistant

    web = importlib.import_module(CONNECTOR + "web_utils")
    send = WSAssistant.send
    kinds = {'"order:new"': "order_wire", '"order:cancel"': "cancel_wire"}
    halving: list[str] = []

    async def sent(self: Any, request: Any) -> None:
        payload = getattr(request, "payload", "")
        point = next((name for key, name in kinds.items() if isinstance(payload, str) and key in payload), None)
        if point is None:
            await send(self, request)
            return
        plan.passed(f"{point}.before")
        if plan.wants(f"{point}.half"):
            halving.append(point)
        else:
            plan.passed(f"{point}.half")
        await send(self, request)
        plan.passed(f"{point}.after")

    WSAssistant.send = sent
    write = asyncio.selector_events._SelectorSocketTransport.write  # type: ignore[attr-defined]

    def written(self: Any, data: Any) -> None:
        if halving:
            # Half of a frame leaves, then the process is gone: the venue sees a socket that ends in mid-frame.
            self._sock.send(bytes(data)[: len(data) // 2])
            plan.passed(f"{halving[0]}.half")
        write(self, data)

    asyncio.selector_events._SelectorSocketTransport.write = written  # type: ignore[attr-defined]
    request_json = web.request_json

    async def requested(factory: Any, path: str, *args: Any, **kwargs: Any) -> Any:
        point = f"rest{path.replace('/', '_')}"
        plan.passed(f"{point}.before")
        reply = await request_json(factory, path, *args, **kwargs)
        plan.passed(f"{point}.after")
        return reply

    web.request_json = requested


def _around_answers(plan: Plan) -> None:
    """Before and after the two answers to a command are taken in."""
    entry = importlib.import_module(CONNECTOR + "order_entry")
    deliver = entry.OrderEntryStream._deliver

    def delivered(self: Any, command: Any, reply: Any) -> None:
        what = "order" if command.kind is entry.CommandKind.PLACE else "cancel"
        point = f"{what}_{'final' if reply.is_final else 'accepted'}"
        plan.passed(f"{point}.before")
        deliver(self, command, reply)
        plan.passed(f"{point}.after")

    entry.OrderEntryStream._deliver = delivered


def _around_decisions(plan: Plan) -> None:
    """The decision that begins a hard stop, and the one that ends it, before anything of them is done."""
    quoter = importlib.import_module("hummingbot_extensions.execution.quoter")
    decide = quoter.decide

    def decided(inputs: Any) -> Any:
        decision = decide(inputs)
        was, now = _is_hard_stopped(inputs.state), _is_hard_stopped(decision.state)
        if now and not was:
            plan.passed("hard_stop_entered")
        if now and was:
            plan.passed("hard_stopped")
        if was and not now:
            plan.passed("hard_stop_left")
        return decision

    quoter.decide = decided


def _is_hard_stopped(state: Any) -> bool:
    return state.hard_stop_since_ns is not None


def _around_files(plan: Plan) -> None:
    """Around the rename that makes a snapshot valid, in the middle of its bytes, and around its flush to disk."""
    replace, fsync = os.replace, os.fsync

    def is_ours(path: Any) -> bool:
        return f"{os.sep}data{os.sep}" in os.path.abspath(os.fspath(path)) and "bot" not in Path(path).parent.name

    def replaced(src: Any, dst: Any, **kwargs: Any) -> None:
        if is_ours(dst):
            plan.passed("snapshot_rename.before")
        replace(src, dst, **kwargs)
        if is_ours(dst):
            plan.passed("snapshot_rename.after")

    def flushed(fd: int) -> None:
        if is_ours(os.readlink(f"/proc/self/fd/{fd}")):
            plan.passed("snapshot_flush.before")
            if plan.wants("snapshot_half"):
                os.ftruncate(fd, os.fstat(fd).st_size // 2)
            plan.passed("snapshot_half")
        fsync(fd)

    os.replace, os.fsync = replaced, flushed  # type: ignore[assignment]


def _at_waits(plan: Plan, kill: dict[str, Any] | None, loop: Any) -> None:
    """``wait``: the n-th time that the whole bot waits, wherever that is."""
    if not kill or kill["point"] != "wait":
        return
    selector = loop._warp_selector
    await_turn: Callable[[], None] = selector.await_turn

    def counted() -> None:
        if selector.waits >= int(kill["hit"]):
            plan.die()
        await_turn()

    selector.await_turn = counted
