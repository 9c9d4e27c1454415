"""A recorded market: neutral arrays, and a market source that lays our orders over them.

The tape never reacts to us, so every rule below errs against our order. Shown prices are truncated **down** to the
display grid on both sides: a shown level ``L`` stands for true prices in [L, L + grid - 1].

An order's **bucket** is its price truncated down to the grid. A resting order fills, always at its own price, when

| | BUY at P | SELL at P |
|---|---|---|
| print at P | by what is left of it behind the lots ahead | the same |
| print through | print price < P: by what is left of the print | print price > P: the same |
| shown book crossed, whole order | best ask shown <= P - grid | best bid shown > P |

Both rows of the crossed book say that the other side stands at least one grid step through our bucket: closer than
that, truncation leaves open whether the true price reached us. The taker side of a print plays no part, because
the tape has none and the inferred one is wrong inside a grid step. One print never fills more than its size over all
our orders; the best-priced are served first, then the oldest.

Taking (GTC, IOC, market) walks the levels shown. A buy pays the top of a shown bucket, or its limit when that is lower;
a sell gets the shown price. What we took is gone until the next frame. Our own resting orders can be taken too, after
the others at the same shown price.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.kernels.ladder import shown_lots
from hummingbot_extensions.sim.market import BookChanged, Fill, MarketEvent, MarketSpec, Placement, Print
from hummingbot_extensions.sim.queue_models import RISK_AVERSE, QueueModel, QueuePlace

Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Ladders:
    """One side of every frame: frame ``i`` holds ``ticks`` and ``lots`` in [offsets[i], offsets[i + 1]), best first."""

    offsets: Int64Array
    ticks: Int64Array
    lots: Int64Array

    def at(self, frame: int) -> tuple[Int64Array, Int64Array]:
        start, stop = self.offsets[frame], self.offsets[frame + 1]
        return self.ticks[start:stop], self.lots[start:stop]

    def best(self) -> Int64Array:
        """Best price of each frame, -1 where the side is empty."""
        best = np.full(len(self.offsets) - 1, -1, np.int64)
        filled = self.offsets[1:] > self.offsets[:-1]
        best[filled] = self.ticks[self.offsets[:-1][filled]]
        return best

    def selected(self, rows: Int64Array) -> Ladders:
        """The ladders of these frames, which must be sorted and named once each."""
        counts = np.diff(self.offsets)
        chosen = np.zeros(len(counts), np.bool_)
        chosen[rows] = True
        levels = np.repeat(chosen, counts)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[rows], dtype=np.int64)])
        return Ladders(offsets, self.ticks[levels], self.lots[levels])


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Frames and prints of one market in venue nanoseconds, ticks and lots, both sorted by time. At least one frame.

    ``trade_is_buy`` is whether the taker bought. ``marks`` are what the venue stated as its mark, in its price's units;
    most recordings have none.
    """

    symbol: str
    frame_ts_ns: Int64Array
    bids: Ladders
    asks: Ladders
    trade_ts_ns: Int64Array
    trade_ticks: Int64Array
    trade_lots: Int64Array
    trade_is_buy: BoolArray
    mark_ts_ns: Int64Array = field(default_factory=lambda: np.zeros(0, np.int64))
    marks: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))

    def __post_init__(self) -> None:
        frames, trades = len(self.frame_ts_ns), len(self.trade_ts_ns)
        if not frames:
            raise ValueError("a tape needs at least one frame")
        for side in (self.bids, self.asks):
            is_whole = len(side.ticks) == len(side.lots) == side.offsets[-1]
            if len(side.offsets) != frames + 1 or not is_whole:
                raise ValueError(f"ladders do not fit {frames} frames")
        if not len(self.trade_ticks) == len(self.trade_lots) == len(self.trade_is_buy) == trades:
            raise ValueError(f"{trades} print times, but other numbers of prices, sizes or sides")
        if len(self.mark_ts_ns) != len(self.marks) or np.any(np.diff(self.mark_ts_ns) < 0):
            raise ValueError("marks must be sorted by time, one for each stamp")
        if np.any(np.diff(self.frame_ts_ns) < 0) or np.any(np.diff(self.trade_ts_ns) < 0):
            raise ValueError("frames and prints must be sorted by time")


def inferred_buys(
    frame_ts_ns: Int64Array,
    best_bid_ticks: Int64Array,
    trade_ts_ns: Int64Array,
    trade_ticks: Int64Array,
    best_ask_ticks: Int64Array | None = None,
    grid_ticks: int = 1,
) -> BoolArray:
    """Whether each print's taker bought, read from the book shown before the print (-1 for an empty side).

    A shown price stands for a whole step of the display grid, so the print's own step is compared, not its price:

    | step of the print | taker |
    |---|---|
    | above the bid's, and not below the ask's | bought |
    | below the ask's, and not above the bid's | sold |
    | between the two | bought when nearer to the ask |
    | the bid's and the ask's at once (locked) | by the tick rule: bought when the price last moved up, sold when down |

    Without ``best_ask_ticks`` everything above the bid's step was bought. A print before the first frame, or with no
    bid shown, counts as bought. On generated tapes, whose takers are known, nine in ten prints come out right; with
    exact prices against truncated ones it would be six, and 93 % buys.
    """
    frame = np.searchsorted(frame_ts_ns, trade_ts_ns, side="left") - 1
    bid = np.where(frame >= 0, best_bid_ticks[np.maximum(frame, 0)], -1)
    step = trade_ticks - trade_ticks % grid_ticks
    if best_ask_ticks is None:
        return np.asarray(step > bid, dtype=np.bool_)
    ask = np.where(frame >= 0, best_ask_ticks[np.maximum(frame, 0)], -1)
    is_between = (step > bid) & (step < ask) & (bid >= 0)
    bought = np.where(is_between, 2 * trade_ticks >= bid + ask + grid_ticks, step > bid)
    is_locked = (step == bid) & (step == ask)
    return np.asarray(np.where(is_locked, _last_moved_up(trade_ticks), bought), dtype=np.bool_)


def _last_moved_up(ticks: Int64Array) -> BoolArray:
    """Whether the last change of price up to each print was a rise; True before any."""
    change = np.diff(ticks, prepend=ticks[:1])
    last = np.maximum.accumulate(np.where(change != 0, np.arange(len(ticks)), 0)) if len(ticks) else ticks
    return np.asarray(change[last] >= 0, dtype=np.bool_)


@dataclass(slots=True)
class _Resting:
    order_id: int
    side: Side
    price_ticks: int
    bucket_ticks: int
    left_lots: int
    place: QueuePlace


@dataclass(frozen=True, slots=True)
class _Offer:
    """Something that an incoming order could take; ``own`` is None for lots of the tape."""

    shown_ticks: int
    price_ticks: int
    lots: int
    own: _Resting | None = None


class TapeMarket:
    """``MarketSource`` over a tape. Starts standing at its first frame; see the module for when our orders fill."""

    def __init__(
        self,
        tape: Tape,
        spec: MarketSpec,
        background_lots: int = 2_000,
        queue: QueueModel = RISK_AVERSE,
    ) -> None:
        """``background_lots`` stand ahead of an order at a level not shown; 0.2 BTC is the recording's mean level."""
        if background_lots < 0:
            raise ValueError(f"background_lots must not be negative, got {background_lots}")
        self.spec = spec
        self.tape = tape
        self.background_lots = background_lots
        self._queue = queue
        self._frame_ts: list[int] = tape.frame_ts_ns.tolist()
        self._trade_ts: list[int] = tape.trade_ts_ns.tolist()
        self._mark_ts: list[int] = tape.mark_ts_ns.tolist()
        self._best = {Side.BUY: tape.bids.best().tolist(), Side.SELL: tape.asks.best().tolist()}
        self._frame = 0
        self.now_ns: int = self._frame_ts[0]
        self._trade = int(np.searchsorted(tape.trade_ts_ns, self.now_ns, side="right"))
        self._last: int | None = int(tape.trade_ticks[self._trade - 1]) if self._trade else None
        self._orders: dict[int, _Resting] = {}
        self._taken: dict[tuple[Side, int], int] = {}
        self._pending: list[MarketEvent] = []

    # Time

    def advance(self, to_ns: int) -> list[MarketEvent]:
        if to_ns < self.now_ns:
            raise ValueError(f"a tape cannot go back from {self.now_ns} to {to_ns}")
        frames, trades = self._frame_ts, self._trade_ts
        while True:
            frame_ns = frames[self._frame + 1] if self._frame + 1 < len(frames) else math.inf
            trade_ns = trades[self._trade] if self._trade < len(trades) else math.inf
            if min(frame_ns, trade_ns) > to_ns:
                break
            # A print and a frame with one stamp: the frame already shows what the print left.
            if trade_ns <= frame_ns:
                self._on_print()
            else:
                self._on_frame()
        self.now_ns = to_ns
        events, self._pending = self._pending, []
        return events

    def _on_print(self) -> None:
        at, tape = self._trade, self.tape
        self._trade += 1
        ts_ns, price, lots = self._trade_ts[at], int(tape.trade_ticks[at]), int(tape.trade_lots[at])
        self._last = price
        self._pending.append(Print(ts_ns, price, lots, bool(tape.trade_is_buy[at])))
        left = lots
        for order in self._by_priority(self._orders.values()):
            through = (order.price_ticks - price) * order.side.sign
            if through < 0:
                continue
            reach = left
            if through == 0:
                order.place, reach = self._queue.on_print(order.place, left)
            size = min(reach, order.left_lots)
            if size:
                self._fill_resting(order, ts_ns, size)
                left -= size

    def _on_frame(self) -> None:
        self._frame += 1
        ts_ns = self._frame_ts[self._frame]
        self._taken.clear()
        self._pending.append(BookChanged(ts_ns))
        if not self._orders:
            return
        bid, ask = self._best[Side.BUY][self._frame], self._best[Side.SELL][self._frame]
        for order in self._by_priority(self._orders.values()):
            if order.side is Side.BUY:
                is_crossed = 0 <= ask <= order.price_ticks - self.spec.display_grid_ticks
            else:
                is_crossed = bid > order.price_ticks
            if is_crossed:
                self._fill_resting(order, ts_ns, order.left_lots)
        for side in (Side.BUY, Side.SELL):
            orders = [order for order in self._orders.values() if order.side is side]
            for order, shown in zip(orders, self._shown_lots(side, orders), strict=True):
                order.place = self._queue.on_frame(order.place, shown)

    def _shown_lots(self, side: Side, orders: list[_Resting]) -> list[int | None]:
        """Lots of others that the frame shows in each order's bucket, None where it shows no such level.

        A level that was shown in the order's life and would be if it still had lots has 0, not None.
        """
        if not orders:
            return []
        ticks, lots = self._ladders(side).at(self._frame)
        found = shown_lots(ticks, lots, np.array([order.bucket_ticks for order in orders], np.int64)).tolist()
        last = int(ticks[-1]) if len(ticks) else None
        return [
            value if value >= 0
            else 0 if order.place.has_been_shown and last is not None and (order.bucket_ticks - last) * side.sign > 0
            else None
            for order, value in zip(orders, found, strict=True)
        ]  # fmt: skip

    def _fill_resting(self, order: _Resting, ts_ns: int, lots: int) -> None:
        order.left_lots -= lots
        if not order.left_lots:
            del self._orders[order.order_id]
        self._pending.append(Fill(ts_ns, order.order_id, order.price_ticks, lots, is_maker=True))

    # Orders

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Placement:
        if size_lots <= 0:
            raise ValueError(f"size must be at least one lot, got {size_lots}")
        if order_id in self._orders:
            raise ValueError(f"order {order_id} rests already")
        if tif is TimeInForce.ALO:
            if price_ticks is None:
                raise ValueError("a post-only order needs a price")
            if self._may_cross(side, price_ticks):
                return Placement((), 0, would_cross=True)
            self._rest(order_id, side, price_ticks, size_lots)
            return Placement((), size_lots)
        fills, left = self._take(order_id, side, price_ticks, size_lots)
        if price_ticks is None or tif is TimeInForce.IOC or not left:
            return Placement(fills, 0)
        self._rest(order_id, side, price_ticks, left)
        return Placement(fills, left)

    def _may_cross(self, side: Side, price_ticks: int) -> bool:
        """Whether the true touch, somewhere in the shown buckets, could be taken at this price."""
        own = [order.price_ticks for order in self._orders.values() if order.side is side.opposite]
        if any((price_ticks - price) * side.sign >= 0 for price in own):
            return True
        bid, ask, grid = self._shown_best(Side.BUY), self._shown_best(Side.SELL), self.spec.display_grid_ticks
        if side is Side.BUY:
            return ask is not None and price_ticks >= ask
        if bid is None:
            return False
        # The true bid ends its bucket at the latest, and stays a tick below the true ask, which ends its own.
        highest_bid = bid + grid - 1 if ask is None else min(bid + grid - 1, max(ask + grid - 2, bid))
        return price_ticks <= highest_bid

    def _rest(self, order_id: int, side: Side, price_ticks: int, lots: int) -> None:
        bucket = price_ticks - price_ticks % self.spec.display_grid_ticks
        order = _Resting(order_id, side, price_ticks, bucket, lots, self._queue.at_placement(None, 0))
        order.place = self._queue.at_placement(self._shown_lots(side, [order])[0], self.background_lots)
        self._orders[order_id] = order

    def _take(self, order_id: int, side: Side, limit_ticks: int | None, size_lots: int) -> tuple[tuple[Fill, ...], int]:
        fills: list[Fill] = []
        left = size_lots
        for offer in list(self._offers(side, limit_ticks)):
            if not left:
                break
            size = min(left, offer.lots)
            left -= size
            self._last = offer.price_ticks
            self._pending.append(Print(self.now_ns, offer.price_ticks, size, side is Side.BUY))
            if offer.own is not None:
                self._fill_resting(offer.own, self.now_ns, size)
            else:
                key = (side.opposite, offer.shown_ticks)
                self._taken[key] = self._taken.get(key, 0) + size
            fills.append(Fill(self.now_ns, order_id, offer.price_ticks, size, is_maker=False))
        return tuple(fills), left

    def _offers(self, side: Side, limit_ticks: int | None) -> Iterator[_Offer]:
        """What an order of ``side`` can take within its limit, best first."""
        offers = []
        for ticks, lots in self._others(side.opposite):
            if limit_ticks is not None and (limit_ticks - ticks) * side.sign < 0:
                continue
            price = ticks
            if side is Side.BUY:
                price += self.spec.display_grid_ticks - 1
                price = price if limit_ticks is None else min(price, limit_ticks)
            offers.append(_Offer(ticks, price, lots))
        offers.extend(
            _Offer(order.price_ticks, order.price_ticks, order.left_lots, order)
            for order in self._orders.values()
            if order.side is side.opposite
            and (limit_ticks is None or (limit_ticks - order.price_ticks) * side.sign >= 0)
        )
        yield from sorted(offers, key=lambda offer: (side.sign * offer.shown_ticks, offer.own is not None))

    def cancel(self, order_id: int) -> int | None:
        order = self._orders.pop(order_id, None)
        return None if order is None else order.left_lots

    def ahead_lots(self, order_id: int) -> int:
        """Lots in front of a resting order. KeyError when it does not rest."""
        return self._orders[order_id].place.ahead_lots

    @staticmethod
    def _by_priority(orders: Iterable[_Resting]) -> list[_Resting]:
        """Best price first on each side, then the oldest."""
        return sorted(orders, key=lambda order: (order.side, -order.side.sign * order.price_ticks))

    # Views

    def _ladders(self, side: Side) -> Ladders:
        return self.tape.bids if side is Side.BUY else self.tape.asks

    def _others(self, side: Side) -> list[tuple[int, int]]:
        """Shown levels of others, best first, without what we took since the frame."""
        ticks, lots = self._ladders(side).at(self._frame)
        levels = zip(ticks.tolist(), lots.tolist(), strict=True)
        if not self._taken:
            return list(levels)
        left = ((price, size - self._taken.get((side, price), 0)) for price, size in levels)
        return [(price, size) for price, size in left if size > 0]

    def _shown_best(self, side: Side) -> int | None:
        if self._taken:
            others = self._others(side)
            return others[0][0] if others else None
        best: int = self._best[side][self._frame]
        return best if best >= 0 else None

    def book(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Others at their shown prices, our own orders at their true ones."""
        return self._merged(Side.BUY, depth), self._merged(Side.SELL, depth)

    def _merged(self, side: Side, depth: int) -> list[tuple[int, int]]:
        levels = dict(self._others(side))
        for order in self._orders.values():
            if order.side is side:
                levels[order.price_ticks] = levels.get(order.price_ticks, 0) + order.left_lots
        return sorted(levels.items(), reverse=side is Side.BUY)[:depth]

    def touch(self) -> tuple[int | None, int | None]:
        """Best bid and ask, ours included; the ask at least a tick above the bid, as the tape lacks the true touch."""
        own_bids = [order.price_ticks for order in self._orders.values() if order.side is Side.BUY]
        own_asks = [order.price_ticks for order in self._orders.values() if order.side is Side.SELL]
        shown_bid, shown_ask = self._shown_best(Side.BUY), self._shown_best(Side.SELL)
        bid = max((price for price in (shown_bid, *own_bids) if price is not None), default=None)
        ask = min((price for price in (shown_ask, *own_asks) if price is not None), default=None)
        if bid is not None and ask is not None:
            ask = max(ask, bid + 1)
        return bid, ask

    def last_ticks(self) -> int | None:
        return self._last

    def index(self) -> float | None:
        """The newest recorded mark; before one, or without any, the frame's mid without our orders, None when a side is
        empty. ``MarkRule.MID`` makes the mark of it.
        """
        newest = bisect_right(self._mark_ts, self.now_ns) - 1
        if newest >= 0:
            return float(self.tape.marks[newest])
        bid, ask = self._best[Side.BUY][self._frame], self._best[Side.SELL][self._frame]
        return float((bid + ask) / 2 * 10.0**-self.spec.price_decimals) if bid >= 0 and ask >= 0 else None

    @property
    def is_over(self) -> bool:
        return self._frame + 1 >= len(self._frame_ts)
