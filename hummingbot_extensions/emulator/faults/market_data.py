"""Faults of what is shown of a market, and fills that it reports in parts. The venue itself keeps the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator.faults.board import FaultBoard
from hummingbot_extensions.emulator.faults.values import Whom
from hummingbot_extensions.sim.market import Fill, MarketEvent, MarketSource, MarketSpec, Placement
from hummingbot_extensions.sim.venue_values import BookUpdate, PriceUpdate

Levels = tuple[tuple[int, int], ...]
BOOK_NAMES = ("book_frozen", "book_locked", "book_crossed", "book_one_sided", "book_empty")
PRICE_NAMES = (*BOOK_NAMES, "mark_jump", "mark_null")


def shown_book(board: FaultBoard, update: BookUpdate, grid_ticks: int) -> BookUpdate:
    """The book as the faults show it."""
    if not board.any_of(*BOOK_NAMES):
        return update
    now_ns, whom = update.ts_ns, Whom(symbol=update.symbol)
    frozen = board.take("book_frozen", now_ns, whom)
    if frozen is not None:
        kept = frozen.memory.setdefault(update.symbol, update)
        assert isinstance(kept, BookUpdate)
        update = replace(kept, ts_ns=now_ns)
    bids, asks = update.bids, update.asks
    if bids and asks and board.take("book_locked", now_ns, whom) is not None:
        asks = _moved(asks, bids[0][0] - asks[0][0])
    crossed = board.take("book_crossed", now_ns, whom)
    if bids and asks and crossed is not None:
        by_ticks = max(2 * grid_ticks, round(crossed.number("bps") * 1e-4 * asks[0][0]))
        bids = _moved(bids, asks[0][0] + by_ticks - bids[0][0])
    one_sided = board.take("book_one_sided", now_ns, whom)
    if one_sided is not None:
        bids, asks = ((), asks) if one_sided.text("missing") == "bid" else (bids, ())
    if board.take("book_empty", now_ns, whom) is not None:
        bids = asks = ()
    return replace(update, bids=bids, asks=asks)


def shown_price(board: FaultBoard, update: PriceUpdate, grid_ticks: int) -> PriceUpdate:
    """Mark and touch as the faults show them."""
    if not board.any_of(*PRICE_NAMES):
        return update
    now_ns, whom = update.ts_ns, Whom(symbol=update.symbol)
    if board.any_of(*BOOK_NAMES):
        bids = ((update.bid_ticks, 1),) if update.bid_ticks is not None else ()
        asks = ((update.ask_ticks, 1),) if update.ask_ticks is not None else ()
        if not board.active("book_frozen", now_ns, whom):
            book = shown_book(board, BookUpdate(now_ns, update.symbol, bids, asks), grid_ticks)
            update = replace(
                update,
                bid_ticks=book.bids[0][0] if book.bids else None,
                ask_ticks=book.asks[0][0] if book.asks else None,
            )
    jump = board.take("mark_jump", now_ns, whom)
    if jump is not None and update.mark_ticks is not None:
        update = replace(update, mark_ticks=round(update.mark_ticks * (1 + jump.number("bps") * 1e-4)))
    if board.take("mark_null", now_ns, whom) is not None:
        update = replace(update, mark_ticks=None)
    return update


def _moved(levels: Levels, by_ticks: int) -> Levels:
    return tuple((ticks + by_ticks, lots) for ticks, lots in levels)


class TappedMarket:
    """A market whose fills come in two equal parts while ``trade_split`` is on; anything else is the market's own."""

    def __init__(self, source: MarketSource, symbol: str, board: FaultBoard) -> None:
        self.source = source
        self._symbol = symbol
        self._board = board

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    @property
    def spec(self) -> MarketSpec:
        return self.source.spec

    @spec.setter
    def spec(self, spec: MarketSpec) -> None:
        self.source.spec = spec

    @property
    def now_ns(self) -> int:
        return self.source.now_ns

    def advance(self, to_ns: int) -> list[MarketEvent]:
        events = self.source.advance(to_ns)
        if not self._board.any_of("trade_split"):
            return events
        return [part for event in events for part in (self._parts(event) if isinstance(event, Fill) else (event,))]

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Placement:
        placement = self.source.place(order_id, side, price_ticks, size_lots, tif)
        if not self._board.any_of("trade_split"):
            return placement
        return replace(placement, fills=tuple(part for fill in placement.fills for part in self._parts(fill)))

    def _parts(self, fill: Fill) -> list[Fill]:
        if fill.size_lots < 2 or self._board.take("trade_split", fill.ts_ns, Whom(symbol=self._symbol)) is None:
            return [fill]
        half, odd = divmod(fill.size_lots, 2)
        parts = [replace(fill, size_lots=half)] * 2
        return parts if not odd else [*parts, replace(fill, size_lots=1)]
