"""Bugs put into a bot on purpose, to see that the audit finds them: a check that never fails proves nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

CONNECTOR = "hummingbot.connector.derivative.standx_perpetual.standx_perpetual_"


def plant(_: Any, bug: str) -> None:
    """Put ``bug`` into this process."""
    BUGS[bug][0]()


def _no_sweep() -> None:
    """Orders of former lives are left where they are, and quoting begins at once."""
    leftovers = importlib.import_module(CONNECTOR + "leftovers").StandxLeftovers

    async def settle(self: Any) -> None:
        self._is_settled = True

    leftovers._settle = settle
    leftovers._note_listed = lambda self, listed: None


def _forgetful() -> None:
    """The state on disk is not read."""
    snapshot = importlib.import_module("hummingbot_extensions.execution.snapshot")
    snapshot.loaded = lambda path, scope: None


def _books_twice() -> None:
    """A fill that was booked before is booked again."""
    book = importlib.import_module("hummingbot_extensions.core.account_book").AccountBook
    book.known = lambda self, trade_id: None
    book.problems = lambda self: []


def _ends_hard_stop() -> None:
    """A restart forgets that there was a hard stop."""
    decision = importlib.import_module("hummingbot_extensions.core.decision")
    snapshot = importlib.import_module("hummingbot_extensions.execution.snapshot")
    snapshot.resumed_state = lambda hard_stop_since_ns: decision.DecisionState()


BUGS: dict[str, tuple[Callable[[], None], str]] = {
    "no_sweep": (_no_sweep, "orphan"),
    "forgetful": (_forgetful, "ledger"),
    "books_twice": (_books_twice, "ledger"),
    "ends_hard_stop": (_ends_hard_stop, "hard stop"),
}
"""Each bug, and the word with which the audit must begin to speak of it."""
