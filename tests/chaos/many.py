"""Many schedules on the cores there are. Apart from the command, whose module a fresh process cannot import."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from tests.chaos.machine import Outcome, play

S, T = TypeVar("S"), TypeVar("T")


def quieten() -> None:
    """Keep the bot's own lines off the screen: what matters of them is in the outcomes."""
    root = logging.getLogger()
    root.handlers.clear()
    root.addHandler(logging.NullHandler())


def side_by_side(call: Callable[[S], T], items: Iterable[S], jobs: int) -> Iterator[T]:
    """``call`` of each item, in their order, in ``jobs`` processes."""
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=quieten) as pool:
        yield from pool.map(call, items)


def outcomes(seeds: Iterable[int], jobs: int) -> Iterator[Outcome]:
    """Outcome of each seed, in their order."""
    return side_by_side(play, seeds, jobs)
