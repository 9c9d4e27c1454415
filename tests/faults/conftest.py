"""The meetings of a session run side by side: they are sure of their outcome, only the machine has to be busy."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from tests.faults.fault_cases import Case
from tests.faults.meeting import meet
from tests.support.whole_bot import Result

PROCESSES = 2


@pytest.fixture(scope="session")
def meeting(request: pytest.FixtureRequest) -> Iterator[Callable[[str, Case], Result]]:
    """Result of a case; all that were selected are begun with the first that is asked for."""
    asked = [item.callspec.params for item in request.session.items
             if isinstance(item, pytest.Function) and "meeting" in item.fixturenames]  # fmt: skip
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        begun: dict[tuple[str, str], Future[Result]] = {}
        for params in asked:
            key = params["name"], params["case"]
            begun[key[0], key[1].id] = pool.submit(meet, *key)
        yield lambda name, case: begun[name, case.id].result()
        for future in begun.values():
            future.cancel()
