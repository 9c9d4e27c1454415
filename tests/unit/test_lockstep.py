"""Two processes on one leaping clock."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import lockstep

REPOSITORY = Path(__file__).resolve().parents[2]
FOLLOWER = """
import asyncio, socket, sys, time
from tests.support import lockstep
loop = lockstep.FollowingLoop(socket.socket(fileno=int(sys.argv[1])))
async def main():
    began = time.monotonic_ns()
    while time.monotonic_ns() == began:
        await asyncio.sleep(0)  # a turn of the loop takes a moment, or this would hold the leader up for ever
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    while True:
        await asyncio.sleep(60.0)
        writer.write(f"{time.monotonic():.3f}\\n".encode())
        await writer.drain()
        if (await reader.readline()) != b"on\\n":
            break
asyncio.set_event_loop(loop)
loop.run_until_complete(main())
"""


@contextmanager
def follower(port: int) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    mine, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOWER, str(theirs.fileno()), str(port)], cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, pass_fds=[theirs.fileno()])
    theirs.close()
    try:
        yield process, mine
    finally:
        mine.close()
        process.kill()
        process.wait()


async def _talk(words: int) -> tuple[list[float], float, int]:
    """What a follower said at its minutes, how long it lived and how it ended.

    It ends by itself after ``words`` words; when that is negative it is killed after as many.
    """
    told: list[float] = []
    apart: list[float] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while line := await reader.readline():
                told.append(float(line))
                apart.append(abs(time.monotonic() - told[-1]))
                if len(told) == words:
                    break
                if words > 0 or len(told) < -words:
                    writer.write(b"on\n")
                    await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, lockstep.LeadingLoop)
    with follower(server.sockets[0].getsockname()[1]) as (process, control):
        loop.lead(control)
        began = time.monotonic()
        while loop.has_follower:
            await asyncio.sleep(1.0)
            if words < 0 and len(told) == -words:
                os.kill(process.pid, signal.SIGKILL)
        code = process.wait(240)
        passed = time.monotonic() - began
    server.close()
    await server.wait_closed()
    assert max(apart) < 0.001, "the two clocks differ"
    return told, passed, code


def test_minutes_of_two_processes_pass_at_once_on_one_clock() -> None:
    """Ten minutes of waiting on both sides take no ten minutes, and both read the same time at every word."""
    real_s = time.perf_counter()
    told, passed_s, code = lockstep.run(_talk(10))
    assert code == 0
    assert [round(b - a) for a, b in zip(told, told[1:], strict=False)] == [60] * 9
    assert 600 <= passed_s < 605
    assert time.perf_counter() - real_s < 60


def test_the_leader_goes_on_alone_when_its_follower_is_killed() -> None:
    """A follower that dies by SIGKILL neither holds the clock up nor ends the leader."""
    told, passed_s, code = lockstep.run(_talk(-2))
    assert code == -signal.SIGKILL
    assert len(told) == 2
    assert passed_s >= 120
