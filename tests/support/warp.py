"""An event loop whose time leaps: when nothing is ready, the clock moves to the next timer instead of waiting for it.

Sockets on loopback, emulator and bot run as they are; hours of market pass in seconds, and a loaded machine changes no
outcome. ``time.time``, ``time.monotonic`` and ``time.perf_counter`` (and their ``_ns`` forms) follow the loop while it
runs. Code takes no time at all here: what must be measured in real time does not belong on this loop.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_NAMES = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
_REAL = {name: getattr(time, name) for name in _NAMES}
_WORKER_WAIT_S = 0.01
_LEAST_LEAP_NS = 1_000
_NAP_AFTER_NS, _NAP_S = 50_000_000, 0.00005
"""So much time may leap by without a sign from any socket before the kernel gets a real moment: on a loaded machine it
hands loopback traffic on later, and a whole connect timeout must not pass before the first byte does.
"""


class WarpClock:
    """Nanoseconds since the loop began, added to the wall and monotonic clocks of that moment."""

    def __init__(self, wall_ns: int | None = None) -> None:
        """``wall_ns`` is the wall clock's time at the start: for runs that must be equal; None: now."""
        self.passed_ns = 0
        self._wall_ns = _REAL["time_ns"]() if wall_ns is None else wall_ns
        self._mono_ns = _REAL["monotonic_ns"]() if wall_ns is None else 0

    def time_ns(self) -> int:
        return self._wall_ns + self.passed_ns

    def monotonic_ns(self) -> int:
        return self._mono_ns + self.passed_ns

    def time(self) -> float:
        return self.time_ns() / 1e9

    def monotonic(self) -> float:
        return self.monotonic_ns() / 1e9

    perf_counter, perf_counter_ns = monotonic, monotonic_ns

    def jump_wall(self, by_s: float) -> None:
        """What a clock does that is set by hand or by NTP: the wall jumps, monotonic time does not."""
        self._wall_ns += int(by_s * 1e9)


class _WarpSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Waits for sockets only as long as something real is under way; otherwise lets the clock leap."""

    def __init__(self, clock: WarpClock) -> None:
        super().__init__()
        self._clock = clock
        self._heard_ns = 0
        self.busy_workers = 0

    def select(self, timeout: float | None = None) -> Any:
        ready = self._ready()
        if timeout == 0:
            # A turn of the loop takes a moment: code that waits until some time has passed must not wait for ever.
            self._clock.passed_ns += _LEAST_LEAP_NS
        if ready or timeout == 0:
            return ready
        # Bytes on loopback are normally there when the write returns; give the kernel one chance more.
        os.sched_yield()
        ready = self._ready()
        if not ready and self._clock.passed_ns - self._heard_ns > _NAP_AFTER_NS:
            time.sleep(_NAP_S)
            self._heard_ns = self._clock.passed_ns
            ready = self._ready()
        if ready:
            return ready
        if timeout is None or self.busy_workers:
            return super().select(_WORKER_WAIT_S)
        self._clock.passed_ns += max(_LEAST_LEAP_NS, int(timeout * 1e9))
        return ready

    def _ready(self) -> Any:
        ready = super().select(0)
        if ready:
            self._heard_ns = self._clock.passed_ns
        return ready


class WarpLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on a clock that leaps. Work in threads is waited for in real time."""

    def __init__(self, wall_ns: int | None = None) -> None:
        self.clock = WarpClock(wall_ns)
        self._warp_selector = _WarpSelector(self.clock)
        super().__init__(self._warp_selector)

    def time(self) -> float:
        return self.clock.monotonic()

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._warp_selector.busy_workers += 1
        future.add_done_callback(self._worker_done)
        return future

    def _worker_done(self, _: asyncio.Future[Any]) -> None:
        self._warp_selector.busy_workers -= 1


_running: list[WarpClock] = []


def _following(name: str) -> Callable[[], Any]:
    """``time.<name>`` of whichever warp clock runs at the call; real time outside. Code that keeps it may go on."""
    real = _REAL[name]
    return lambda: getattr(_running[-1], name)() if _running else real()


_FOLLOWING = {name: _following(name) for name in _NAMES}


@contextmanager
def _clocks_of(clock: WarpClock) -> Iterator[None]:
    # Not the clock's own methods: a module imported during one run may keep what it finds for the runs to come.
    before = {name: getattr(time, name) for name in _NAMES}
    _running.append(clock)
    for name, following in _FOLLOWING.items():
        setattr(time, name, following)
    try:
        yield
    finally:
        for name, found in before.items():
            setattr(time, name, found)
        _running.remove(clock)


def run(main: Coroutine[Any, Any, T], wall_ns: int | None = None) -> T:
    """What ``main`` returns, run on a loop of its own whose time leaps. Nothing that it started may outlive it."""
    loop = WarpLoop(wall_ns)
    with _clocks_of(loop.clock), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


def clock() -> WarpClock:
    """The clock of the running warp loop."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, WarpLoop):
        raise RuntimeError("not on a warp loop")
    return loop.clock
