"""Book events for Hummingbot, which has none: an order book that tells listeners about every applied snapshot.

The book's methods are called inside Hummingbot's tracker, where one exception freezes the book for five seconds, so a
listener that fails is logged (once per streak) and never heard above.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from hummingbot.core.data_type.order_book import OrderBook

_logger = logging.getLogger(__name__)
Callback = Callable[[], None]


class BookListeners:
    """Callbacks by trading pair; they outlive the books that they watch."""

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Callback]] = {}
        self._failing: set[Callback] = set()

    def add(self, trading_pair: str, callback: Callback) -> Callback:
        """Call ``callback`` on every event of the pair; returns what removes it (harmless when called twice)."""
        callbacks = self._callbacks.setdefault(trading_pair, [])
        callbacks.append(callback)

        def remove() -> None:
            if callback in callbacks:
                callbacks.remove(callback)
            self._failing.discard(callback)

        return remove

    def notify(self, trading_pair: str) -> None:
        """Call every listener of the pair, in the order of adding. Never raises."""
        for callback in tuple(self._callbacks.get(trading_pair, ())):
            try:
                callback()
            except Exception:
                if callback not in self._failing:
                    self._failing.add(callback)
                    _logger.exception(
                        "book listener failed pair=%s (further failures in a row are not logged)", trading_pair
                    )
            else:
                self._failing.discard(callback)

    def notify_all(self) -> None:
        """Call every listener of every pair. Never raises."""
        for trading_pair in tuple(self._callbacks):
            self.notify(trading_pair)


class ListenedOrderBook(OrderBook):  # type: ignore[misc]  # Hummingbot's compiled class is untyped
    """Hummingbot's order book; calls ``on_applied(frame)`` after each snapshot.

    ``frame`` is what the message carried under "frame", None when it carried nothing.
    """

    def __init__(self, on_applied: Callable[[Any], None] | None = None) -> None:
        super().__init__()
        self._on_applied = on_applied
        self._frame: Any = None

    def bind(self, on_applied: Callable[[Any], None]) -> None:
        """Set what is told about snapshots."""
        self._on_applied = on_applied

    def restore_from_snapshot_and_diffs(self, snapshot: Any, diffs: list[Any]) -> None:
        """Apply a snapshot message, then tell. The base calls ``apply_snapshot`` from here."""
        self._frame = snapshot.content.get("frame")
        try:
            super().restore_from_snapshot_and_diffs(snapshot, diffs)
        finally:
            self._frame = None

    def apply_snapshot(self, bids: list[Any], asks: list[Any], update_id: int) -> None:
        """Replace the whole book, then tell. Never raises because of a listener."""
        super().apply_snapshot(bids, asks, update_id)
        if self._on_applied is None:
            return
        try:
            self._on_applied(self._frame)
        except Exception:
            _logger.exception("book hook failed")
