"""Two processes on one leaping clock: the venue here, a bot over there that may be killed at any moment.

The two take turns. Whoever has the turn runs until it would have to wait; then the other one runs. Only when both wait,
and no byte is under way, the clock leaps to the nearer of their timers. So a run of two processes takes no longer than
their work, comes out the same on a loaded machine, and a SIGKILL falls where it was aimed.

The leader owns the clock. A follower that dies closes its end of the control socket, and the leader goes on alone.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import socket
import struct
import time
from typing import Any

from tests.support import warp

_TURN = struct.Struct("<qq")
"""Leader to follower: wall and monotonic nanoseconds of this turn."""
_IDLE = struct.Struct("<qq")
"""Follower to leader: monotonic nanoseconds of its next timer, or _NEVER, and of its present."""
_MOMENT_NS = 1_000
"""What a turn of a loop takes: code that waits until some time has passed must not wait for ever."""
_NEVER = 2**62
START_NS = 1_800_000_300 * 10**9
"""Five minutes after a full hour, and on a whole second as bots' clocks tick: equal runs are equal."""
_BEGIN_NS = 1_000_000_000_000_000
_WORKER_WAIT_S = 0.005
_HANG_S = 90.0
"""Real seconds after which a follower that does not give its turn back is taken for hung."""


def _drained(selector: Any) -> Any:
    """What is ready now, with one more chance for bytes that the kernel is just handing over."""
    ready = selectors.DefaultSelector.select(selector, 0)
    if ready:
        return ready
    os.sched_yield()
    return selectors.DefaultSelector.select(selector, 0)


class _LeadingSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    def __init__(self, clock: warp.WarpClock) -> None:
        super().__init__()
        self._clock = clock
        self.busy_workers = 0
        self.follower: socket.socket | None = None
        self.follower_pid: int | None = None
        self.turns = 0
        self.hung = 0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if timeout == 0:
            self._clock.passed_ns += _MOMENT_NS
        if ready or timeout == 0:
            return ready
        if self.busy_workers:
            return super().select(_WORKER_WAIT_S)
        now_ns = self._clock.monotonic_ns()
        own_ns = _NEVER if timeout is None else now_ns + max(_MOMENT_NS, int(timeout * 1e9))
        while self.follower is not None:
            their_ns = self._turn_of_follower()
            ready = _drained(self)
            if ready or self.follower is None:
                return ready
            if own_ns <= their_ns:
                break
            self._leap_to(their_ns)
        if own_ns == _NEVER:
            # Nothing here will ever happen by itself: a follower has died, or the test waits for a thread.
            return super().select(_WORKER_WAIT_S)
        self._leap_to(own_ns)
        return ready

    def _leap_to(self, mono_ns: int) -> None:
        self._clock.passed_ns += max(0, mono_ns - self._clock.monotonic_ns())

    def _turn_of_follower(self) -> int:
        """Let the follower run until it waits; its next timer, _NEVER when there is none or it has died."""
        assert self.follower is not None
        self.turns += 1
        try:
            self.follower.sendall(_TURN.pack(self._clock.time_ns(), self._clock.monotonic_ns()))
            answer = self.follower.recv(_IDLE.size, socket.MSG_WAITALL)
        except TimeoutError:
            # It loops without ever waiting: let it say where, if it listens, and end it.
            self.hung += 1
            if self.follower_pid is not None:
                os.kill(self.follower_pid, signal.SIGUSR2)
                time.sleep(1.0)
                os.kill(self.follower_pid, signal.SIGKILL)
            answer = b""
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        if len(answer) < _IDLE.size:
            self.follower.close()
            self.follower = None
            return _NEVER
        due_ns, now_ns = _IDLE.unpack(answer)
        self._leap_to(now_ns)
        # A timer that is due already must still move time on, or both would wait for each other.
        return max(due_ns, self._clock.monotonic_ns() + _MOMENT_NS)


class LeadingLoop(warp.WarpLoop):
    """The loop of the process that owns the clock; without a follower it is an ordinary warp loop."""

    def __init__(self, wall_ns: int) -> None:
        self.clock = warp.WarpClock(wall_ns)
        self.clock._mono_ns = _BEGIN_NS
        self._warp_selector = _LeadingSelector(self.clock)  # type: ignore[assignment]
        asyncio.SelectorEventLoop.__init__(self, self._warp_selector)

    def lead(self, control: socket.socket, pid: int | None = None) -> None:
        """Take the process at the other end of ``control`` along from the next wait on.

        One that keeps its turn for a minute and a half of real time gets SIGUSR2 and SIGKILL, if its pid is known.
        """
        control.settimeout(_HANG_S)
        self._warp_selector.follower_pid = pid  # type: ignore[attr-defined]
        self._warp_selector.follower = control  # type: ignore[attr-defined]

    @property
    def hung(self) -> int:
        """Followers that had to be ended because they never waited."""
        return self._warp_selector.hung  # type: ignore[attr-defined,no-any-return]

    @property
    def has_follower(self) -> bool:
        return self._warp_selector.follower is not None  # type: ignore[attr-defined]


def run(main: Any, wall_ns: int = START_NS) -> Any:
    """What ``main`` returns, run on a leading loop of its own that begins at ``wall_ns`` of Unix time."""
    loop = LeadingLoop(wall_ns)
    with warp._clocks_of(loop.clock), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


class _FollowingSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    def __init__(self, clock: warp.WarpClock, control: socket.socket) -> None:
        super().__init__()
        self._clock = clock
        self._control = control
        self.busy_workers = 0
        self.waits = 0
        """How often this process ran until it had to wait."""

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if timeout == 0:
            self._clock.passed_ns += _MOMENT_NS
        if ready or timeout == 0:
            return ready
        if self.busy_workers:
            return super().select(_WORKER_WAIT_S)
        self.waits += 1
        due_ns = _NEVER if timeout is None else self._clock.monotonic_ns() + int(timeout * 1e9)
        while True:
            self._control.sendall(_IDLE.pack(due_ns, self._clock.monotonic_ns()))
            self.await_turn()
            ready = super().select(0)
            if ready or self._clock.monotonic_ns() >= due_ns:
                return ready

    def await_turn(self) -> None:
        turn = self._control.recv(_TURN.size, socket.MSG_WAITALL)
        if len(turn) < _TURN.size:
            os._exit(70)  # the leader is gone, and with it this process's clock
        wall_ns, mono_ns = _TURN.unpack(turn)
        self._clock.passed_ns, self._clock._wall_ns, self._clock._mono_ns = 0, wall_ns, mono_ns


def follow() -> None:
    """Give this process clocks that will follow a leader's; to be called before anything is imported that keeps one."""
    for name, following in warp._FOLLOWING.items():
        setattr(time, name, following)


class FollowingLoop(warp.WarpLoop):
    """The loop of a process that follows the leader's clock; from its making on, the clocks of the process do."""

    def __init__(self, control: socket.socket) -> None:
        self.clock = warp.WarpClock()
        self._warp_selector = _FollowingSelector(self.clock, control)  # type: ignore[assignment]
        asyncio.SelectorEventLoop.__init__(self, self._warp_selector)
        self._warp_selector.await_turn()  # type: ignore[attr-defined]
        follow()
        warp._running.append(self.clock)

    @property
    def waits(self) -> int:
        return self._warp_selector.waits  # type: ignore[attr-defined,no-any-return]
