"""Measures a bot from inside its process, the same way whichever way of quoting runs there: copied into its workspace.

Every second and every re-quote becomes a JSON line of ``bench.jsonl`` in the workspace. Nothing here belongs to a way
of quoting: the loop is timed below asyncio, quotes are seen in Hummingbot's orders, frames in the connector's hook.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from hummingbot.core.data_type.common import TradeType
from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import MarketEvent
from hummingbot.strategy_v2.executors.executor_base import ExecutorBase
from hummingbot.strategy_v2.models.executor_actions import StopExecutorAction
from probe_names import RULE_VARIABLE, SAMPLES, STOPS_FLAG  # beside it in the workspace

STOP_EVERY_S = 1.0
LAG_BEAT_S = 0.02
NAMED_FROM_NS = 2_000_000
OURS = ("hummingbot_extensions", "standx_perpetual", "perp_market_maker")


class Recorder:
    """Rows with the wall clock, kept until ``flush``: no file is touched between a frame and its order."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def write(self, kind: str, **fields: Any) -> None:
        self._rows.append({"kind": kind, "t_s": time.time(), **fields})

    def flush(self) -> None:
        with Path(SAMPLES).open("a") as file:
            file.write("".join(json.dumps(row) + "\n" for row in self._rows))
        self._rows = []


class LoopWatch:
    """Times every callback of the event loop, and how late a steady beat comes."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._lags_ms: list[float] = []
        self._longest: dict[str, tuple[int, int, str]] = {}
        self._gc_ns = self._gc_began_ns = 0
        self._second = int(time.monotonic())
        self.frames = self.off_frames = 0

    def start(self) -> None:
        run = asyncio.Handle._run
        watch = self

        def timed(handle: Any) -> None:
            began_ns, cpu_ns = time.perf_counter_ns(), time.thread_time_ns()
            run(handle)
            spent_ns = time.perf_counter_ns() - began_ns
            if spent_ns >= NAMED_FROM_NS:
                watch._note(handle, spent_ns, time.thread_time_ns() - cpu_ns)

        asyncio.Handle._run = timed  # type: ignore[method-assign,assignment]
        gc.callbacks.append(self._on_gc)
        self._beat(asyncio.get_running_loop().time())

    def _note(self, handle: Any, spent_ns: int, cpu_ns: int) -> None:
        name, is_ours = _named(getattr(handle, "_callback", None))
        for key in ("any", "ours") if is_ours else ("any",):
            if spent_ns > self._longest.get(key, (0, 0, ""))[0]:
                self._longest[key] = (spent_ns, cpu_ns, name)

    def _on_gc(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._gc_began_ns = time.perf_counter_ns()
        else:
            self._gc_ns = max(self._gc_ns, time.perf_counter_ns() - self._gc_began_ns)

    def _beat(self, due_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._lags_ms.append((loop.time() - due_s) * 1e3)
        if int(loop.time()) != self._second:
            self._second = int(loop.time())
            self._write()
        next_s = loop.time() + LAG_BEAT_S
        loop.call_at(next_s, self._beat, next_s)

    def _write(self) -> None:
        longest = {key: {"ms": spent / 1e6, "cpu_ms": cpu / 1e6, "name": name}
                   for key, (spent, cpu, name) in self._longest.items()}
        self._recorder.write(
            "second", lags_ms=[round(lag, 3) for lag in self._lags_ms], longest=longest, gc_ms=self._gc_ns / 1e6,
            frames=self.frames, off_frames=self.off_frames)
        self._recorder.flush()
        self._lags_ms, self._longest, self._gc_ns, self.frames, self.off_frames = [], {}, 0, 0, 0


def _named(callback: Any) -> tuple[str, bool]:
    """Name of a callback, and whether code of ours is what the loop called or what it awaits."""
    owner = getattr(callback, "__self__", None)
    codes: list[Any] = _awaited(owner.get_coro()) if isinstance(owner, asyncio.Task) else []
    function = getattr(callback, "__func__", callback)
    if hasattr(function, "__code__"):
        codes.append(function.__code__)
    if not codes:
        return repr(callback)[:80], False
    name = " > ".join(f"{Path(code.co_filename).stem}.{code.co_name}" for code in codes)
    return name, any(word in code.co_filename for code in codes for word in OURS)


def _awaited(coro: Any) -> list[Any]:
    """Code objects of a coroutine and of what it awaits, outermost first."""
    codes = []
    while coro is not None and len(codes) < 12:
        code = getattr(coro, "cr_code", None) or getattr(coro, "ag_code", None) or getattr(coro, "gi_code", None)
        if code is None:
            break
        codes.append(code)
        coro = getattr(coro, "cr_await", None) or getattr(coro, "ag_await", None)
    return codes


class QuoteWatch:
    """From the frame that put a quote out of its rule to the bytes that answer it.

    The rule is the one that both ways follow: a quote stands ``half_spread_bps`` from the mid that Hummingbot shows and
    is replaced once it is ``tolerance_bps`` off. Stamps are the connector's: frame received, first byte to the socket.
    """

    def __init__(self, recorder: Recorder, loop_watch: LoopWatch, connector: Any, pair: str, rule: Any) -> None:
        self._recorder = recorder
        self._loop_watch = loop_watch
        self._connector = connector
        self._pair = pair
        self._half_spread_bps = float(rule["half_spread_bps"])
        self._tolerance_bps = float(rule["tolerance_bps"])
        self._newest: dict[TradeType, Any] = {}
        self._out_ns: dict[str, int] = {}
        self._side_out_ns: dict[TradeType, int] = {}
        self._seen: set[str] = set()
        self._forwarders: list[SourceInfoEventForwarder] = []

    def start(self) -> None:
        self._connector.add_book_listener(self._pair, self._on_frame)
        for event, call in (
            (MarketEvent.BuyOrderCreated, self._on_created), (MarketEvent.SellOrderCreated, self._on_created),
            (MarketEvent.OrderCancelled, self._on_cancelled),
        ):
            forwarder = SourceInfoEventForwarder(call)
            self._forwarders.append(forwarder)  # listeners are held weakly
            self._connector.add_listener(event, forwarder)

    def _on_frame(self) -> None:
        self._loop_watch.frames += 1
        self._note_orders()
        book = self._connector.book_state(self._pair)
        if book is None or book.bid is None or book.ask is None:
            return
        mid = (book.bid + book.ask) / 2
        self._loop_watch.off_frames += any(self._off_bps(order, mid) > self._tolerance_bps for order in self._live())
        for order in self._connector.in_flight_orders.values():
            if order.client_order_id not in self._out_ns and self._off_bps(order, mid) > self._tolerance_bps:
                self._out_ns[order.client_order_id] = book.received_mono_ns
                if order is self._newest.get(order.trade_type):
                    self._side_out_ns.setdefault(order.trade_type, book.received_mono_ns)

    def _live(self) -> list[Any]:
        """Orders that the venue has taken and that have not ended."""
        return [order for order in self._connector.in_flight_orders.values() if order.is_open]

    def _off_bps(self, order: Any, mid: Decimal) -> float:
        """How far an order stands from where the rule wants it; a filled position's exits are not the rule's."""
        away_bps = float(1 - order.price / mid) * 1e4 * (1 if order.trade_type is TradeType.BUY else -1)
        off_bps = abs(away_bps - self._half_spread_bps)
        return off_bps if off_bps < 10 * self._half_spread_bps else 0.0

    def _note_orders(self) -> None:
        for order in self._connector.in_flight_orders.values():
            wire_ns = self._connector.last_order_wire_ns(order.client_order_id)
            if wire_ns is None or order.client_order_id in self._seen:
                continue
            self._seen.add(order.client_order_id)
            self._newest[order.trade_type] = order
            out_ns = self._side_out_ns.pop(order.trade_type, None)
            if out_ns is not None and wire_ns > out_ns:
                self._recorder.write(
                    "order", side=order.trade_type.name, frame_ns=out_ns, ms=(wire_ns - out_ns) / 1e6)

    def _on_created(self, _tag: int, _connector: Any, _event: Any) -> None:
        self._note_orders()

    def _on_cancelled(self, _tag: int, _connector: Any, event: Any) -> None:
        wire_ns, out_ns = self._connector.last_cancel_wire_ns(event.order_id), self._out_ns.pop(event.order_id, None)
        if wire_ns is not None and out_ns is not None and wire_ns > out_ns:
            self._recorder.write("cancel", ms=(wire_ns - out_ns) / 1e6)


class StopWatch:
    """From the stop of an executor to its end, which is when Hummingbot has nothing of it left in the market."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._asked_ns: dict[str, int] = {}
        self._orchestrator: Any = None
        self._next_s = 0.0
        self._turn = 0

    def start(self, orchestrator: Any) -> None:
        self._orchestrator = orchestrator
        stop_executor, end = orchestrator.stop_executor, ExecutorBase.stop
        watch = self

        def asked(action: Any) -> None:
            watch._asked_ns.setdefault(action.executor_id, time.monotonic_ns())
            stop_executor(action)

        def ended(executor: Any) -> None:
            end(executor)
            since_ns = watch._asked_ns.pop(executor.config.id, None)
            if since_ns is not None:
                watch._recorder.write("stop", ms=(time.monotonic_ns() - since_ns) / 1e6)

        orchestrator.stop_executor = asked
        ExecutorBase.stop = ended

    def tick(self) -> None:
        """Stop the next executor, while the benchmark asks for it."""
        if time.monotonic() < self._next_s or not os.path.exists(STOPS_FLAG):
            return
        self._next_s = time.monotonic() + STOP_EVERY_S
        running = [(controller_id, executor)
                   for controller_id, executors in self._orchestrator.active_executors.items()
                   for executor in executors if executor.is_active]
        if not running:
            return
        controller_id, executor = running[self._turn % len(running)]
        self._turn += 1
        self._orchestrator.execute_action(
            StopExecutorAction(controller_id=controller_id, executor_id=executor.config.id))


class Probe:
    """The three watches of one bot; a script of the benchmark starts it and lets it tick."""

    def __init__(self, strategy: Any) -> None:
        rule = json.loads(os.environ[RULE_VARIABLE])
        recorder = Recorder()
        self._loop = LoopWatch(recorder)
        connector = strategy.connectors[rule["connector"]]
        self._quotes = QuoteWatch(recorder, self._loop, connector, rule["pair"], rule)
        self._stops = StopWatch(recorder)
        self._loop.start()
        self._quotes.start()
        self._stops.start(strategy.executor_orchestrator)

    def tick(self) -> None:
        self._stops.tick()
