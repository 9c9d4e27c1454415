"""Inside a bot: every few minutes of its clock, how much of everything there is. Counts; it changes nothing."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOTS = (
    "StandxPerpetualDerivative", "Quoter", "V2PerpMarketMaking", "ExecutorOrchestrator", "MarketsRecorder", "EventLog",
    "RateOracle", "HummingbotApplication", "PerpMarketMaker", "Desk",
)  # fmt: skip
"""Classes whose instances live as long as the bot."""
OURS = ("hummingbot", "controllers", "scripts")
CONTAINERS = (dict, list, set, deque)
DEPTH = 6


def install(loop: Any, output: str, every_s: float) -> None:
    """Append a row to ``output`` every ``every_s`` seconds, from a minute after the start on."""
    path = Path(output)

    def sample() -> None:
        row = json.dumps(snapshot())
        with path.open("a") as sink:
            sink.write(row + "\n")
        loop.call_later(every_s, sample)

    loop.call_later(60.0, sample)


def snapshot() -> dict[str, Any]:
    """One row: seconds, RSS in KB, handles, threads, tasks, lengths of long-lived containers, objects by type."""
    gc.collect()
    objects = gc.get_objects()
    status = Path("/proc/self/status").read_text()
    tasks = Counter(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())
    return {
        "s": time.monotonic(),
        "rss_kb": int(status.split("VmRSS:")[1].split()[0]),
        "handles": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "tasks": sum(tasks.values()),
        "task_kinds": dict(tasks),
        "containers": containers([o for o in objects if type(o).__name__ in ROOTS]),
        "types": dict(Counter(type(o).__name__ for o in objects).most_common(400)),
    }


def containers(roots: list[Any]) -> dict[str, int]:
    """Lengths of the containers that can be reached from ``roots`` by attributes, by path; empty ones apart."""
    found: dict[str, int] = {}
    # A root is walked under its own name alone, however else it can be reached.
    seen = {id(root) for root in roots}
    for root in roots:
        seen.discard(id(root))
        _walk(root, type(root).__name__, DEPTH, found, seen)
    return {path: size for path, size in found.items() if size}


def _walk(value: Any, path: str, depth: int, found: dict[str, int], seen: set[int]) -> None:
    if id(value) in seen or depth == 0:
        return
    seen.add(id(value))
    if isinstance(value, deque) and value.maxlen is not None:
        return  # bounded by its own nature
    if isinstance(value, CONTAINERS):
        found[path] = found.get(path, 0) + len(value)
        inner = list(value.values()) if isinstance(value, dict) else list(value)
        for one in inner[:200]:
            if isinstance(one, CONTAINERS) or _is_ours(one):
                _walk(one, f"{path}[]", depth - 1, found, seen)
    elif _is_ours(value):
        for name, one in _attributes(value):
            if isinstance(one, CONTAINERS) or _is_ours(one):
                _walk(one, f"{path}.{name}", depth - 1, found, seen)


def _is_ours(value: Any) -> bool:
    return not isinstance(value, type) and type(value).__module__.startswith(OURS)


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    yield from list(getattr(value, "__dict__", {}).items())
    for kind in type(value).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if isinstance(name, str) and hasattr(value, name):
                yield name, getattr(value, name)
