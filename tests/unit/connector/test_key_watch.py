"""Standing of a key, and tasks that end with their owner."""

from __future__ import annotations

import asyncio

import pytest

from hummingbot_extensions.connector.errors import Misconfigured
from hummingbot_extensions.connector.key_watch import KeyWatch
from hummingbot_extensions.connector.owned_tasks import OwnedTasks

PROBLEM = Misconfigured("a_secret", "is refused", "Make a new one.")


def test_a_refusal_is_told_once_and_its_end_once() -> None:
    """However often the key is refused and taken, only the changes are told."""
    told: list[Misconfigured | None] = []
    watch = KeyWatch(told.append, 5.0, 60.0, lambda: 0.0)
    for _ in range(3):
        watch.accepted()
    for _ in range(5):
        watch.refused(PROBLEM)
    for _ in range(3):
        watch.accepted()
    assert told == [PROBLEM, None] and watch.problem is None


def test_the_gate_opens_ever_more_seldom_for_one_caller() -> None:
    """While refused the gate raises the problem; in an hour some forty callers get through, then all."""
    now_s = 0.0
    watch = KeyWatch(lambda problem: None, 5.0, 120.0, lambda: now_s)
    watch.gate()
    watch.refused(PROBLEM)
    passed = 0
    for _ in range(36_000):
        now_s += 0.1
        try:
            watch.gate()
        except Misconfigured as problem:
            assert problem is PROBLEM and watch.retry_in_s > 0
        else:
            passed += 1
            watch.refused(PROBLEM)
            with pytest.raises(Misconfigured):
                watch.gate()
    assert 30 <= passed <= 70
    watch.accepted()
    watch.gate()
    assert watch.retry_in_s == 0


def test_tasks_started_by_ending_tasks_end_too() -> None:
    """A socket's end spawns look-ups for its orders: after ``stop`` none of them is left on the loop."""

    async def scene() -> int:
        tasks = OwnedTasks("test")

        async def parent() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                tasks.spawn(asyncio.Event().wait(), "child")

        tasks.spawn(parent(), "parent")
        await asyncio.sleep(0)
        await tasks.stop()
        return tasks.count

    assert asyncio.run(scene()) == 0


def test_stopping_after_a_task_has_just_ended_returns() -> None:
    """A task that is done but not yet forgotten must not keep ``stop`` from returning."""

    async def scene() -> None:
        tasks = OwnedTasks("test")
        ended = tasks.spawn(asyncio.sleep(0), "short")
        while not ended.done():  # noqa: ASYNC110  the moment before the callbacks of its end is wanted
            await asyncio.sleep(0)
        await asyncio.wait_for(tasks.stop(), 1.0)

    asyncio.run(scene())
