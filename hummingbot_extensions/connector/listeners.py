"""Callbacks by trading pair that take a value. A failure is said each time: its news is lost to that listener."""

from __future__ import annotations

import logging
from collections.abc import Callable

_logger = logging.getLogger(__name__)


class PairListeners[Value]:
    """Who wants to hear of what happens on a pair. ``name`` says of what, in the log."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._callbacks: dict[str, list[Callable[[Value], None]]] = {}

    def add(self, trading_pair: str, callback: Callable[[Value], None]) -> Callable[[], None]:
        """Call ``callback`` with each value of the pair; returns what removes it (harmless when called twice)."""
        callbacks = self._callbacks.setdefault(trading_pair, [])
        callbacks.append(callback)

        def remove() -> None:
            if callback in callbacks:
                callbacks.remove(callback)

        return remove

    def notify(self, trading_pair: str, value: Value) -> None:
        """Tell every listener of the pair, in the order of adding. Never raises."""
        for callback in tuple(self._callbacks.get(trading_pair, ())):
            try:
                callback(value)
            except Exception:
                _logger.exception("%s listener failed pair=%s value=%r", self._name, trading_pair, value)
