"""Latest book and price states by trading pair, and who wants to know of changes."""

from __future__ import annotations

from collections import Counter

from hummingbot_extensions.connector.book_hook import BookListeners
from hummingbot_extensions.core.types import BookState, PriceState
from hummingbot_extensions.feeds.standx import BookFrame, SkippedFrame

LATEST_FRAME_NS = 8_000_000_000
"""A price frame later than this is taken for lost; less than the age at which quotes are pulled for a stale mark."""


class MarketState:
    """States as last received; ``skipped`` counts public frames that were refused, by reason."""

    def __init__(self) -> None:
        self.listeners = BookListeners()
        self.skipped: Counter[str] = Counter()
        self._books: dict[str, BookState] = {}
        self._prices: dict[str, PriceState] = {}
        self._is_stamp_known: dict[str, bool] = {}

    def book(self, trading_pair: str) -> BookState | None:
        """Best levels as shown, None before the first book."""
        return self._books.get(trading_pair)

    def price(self, trading_pair: str) -> PriceState | None:
        """Prices as stated, None before the first."""
        return self._prices.get(trading_pair)

    def on_book(self, trading_pair: str, frame: BookFrame | None) -> None:
        """A book was applied: remember its state and tell the listeners."""
        if frame is not None:
            self._books[trading_pair] = frame.state
        self.listeners.notify(trading_pair)

    def on_price(self, trading_pair: str, state: PriceState) -> None:
        """Prices came in: remember them and tell the listeners. An older exchange stamp than the known one is
        ignored, unless the known price came in so long ago that nothing can still be on its way from before it: then
        it is the stamp of the known one that was wrong.
        """
        known = self._prices.get(trading_pair)
        stamp = state.exchange_ts_ns
        is_comparable = self._is_stamp_known.pop(trading_pair, True)
        if known is not None and state.received_mono_ns - known.received_mono_ns > LATEST_FRAME_NS:
            is_comparable = False
        if is_comparable and known is not None and stamp is not None and stamp < (known.exchange_ts_ns or 0):
            return
        self._prices[trading_pair] = state
        self.listeners.notify(trading_pair)

    def forget_stamps(self) -> None:
        """The venue's clock has leapt: the next prices count whatever their stamp says."""
        self._is_stamp_known = dict.fromkeys(self._prices, False)

    def on_skipped(self, frame: SkippedFrame) -> None:
        """Count a frame that was not used."""
        self.skipped[frame.reason.value] += 1
