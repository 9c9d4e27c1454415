"""Own fills as values, each counted once by the venue's trade id, whichever way and however often it comes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from hummingbot_extensions.core.types import Side


@dataclass(frozen=True, slots=True)
class OwnFill:
    """One fill of an order with our owner tag, of this process or of an earlier one.

    ``fee`` is positive when paid, in the margin asset; None when the venue has not said and the order is not known well
    enough to estimate it. ``is_fee_exact`` is True only for the venue's own figure. ``is_maker`` is None while unknown.
    ``exchange_ts_ns`` is the venue's stamp, None when the frame had none.
    """

    trade_id: str
    client_order_id: str
    exchange_order_id: str
    trading_pair: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal | None
    is_fee_exact: bool
    is_maker: bool | None
    exchange_ts_ns: int | None


class News(Enum):
    """What a fill that came in tells us."""

    NEW = "new"
    FEE = "fee"
    """Known already, but only now with the venue's own fee."""
    NONE = "none"


class FillBook:
    """Which trade ids have been seen, and which of them still have an estimated fee. Bounded; nothing reads a clock.

    When the oldest ids have been dropped for room, a fill no younger than the last dropped one counts as known: a fill
    may never be counted twice, and one that old has been counted long ago.
    """

    def __init__(self, max_fills: int = 50_000) -> None:
        self._seen: OrderedDict[str, int | None] = OrderedDict()
        self._estimated: OrderedDict[str, OwnFill] = OrderedDict()
        self._exact_fees: OrderedDict[str, Decimal] = OrderedDict()
        self._max_fills = max_fills
        self._dropped_ts_ns: int | None = None

    def take(self, fill: OwnFill) -> News:
        """Note a fill; NEW exactly once for each trade id, FEE at most once, afterwards."""
        if fill.trade_id not in self._seen:
            if self._is_older_than_memory(fill):
                return News.NONE
            self._seen[fill.trade_id] = fill.exchange_ts_ns
            self._keep(fill)
            self._make_room()
            return News.NEW
        if fill.is_fee_exact and fill.trade_id in self._estimated:
            self._keep(fill)
            return News.FEE
        return News.NONE

    def exact_fee(self, trade_id: str) -> Decimal | None:
        """The venue's fee of a fill, positive paid; None while only estimated, or forgotten."""
        return self._exact_fees.get(trade_id)

    @property
    def oldest_estimated_ts_ns(self) -> int | None:
        """Venue stamp of the oldest fill that waits for its exact fee; None when none does."""
        stamps = [fill.exchange_ts_ns for fill in self._estimated.values() if fill.exchange_ts_ns is not None]
        return min(stamps, default=None)

    def __len__(self) -> int:
        return len(self._seen)

    def _keep(self, fill: OwnFill) -> None:
        if fill.is_fee_exact and fill.fee is not None:
            self._estimated.pop(fill.trade_id, None)
            self._exact_fees[fill.trade_id] = fill.fee
        else:
            self._estimated[fill.trade_id] = fill

    def _is_older_than_memory(self, fill: OwnFill) -> bool:
        stamp = fill.exchange_ts_ns
        return self._dropped_ts_ns is not None and stamp is not None and stamp <= self._dropped_ts_ns

    def _make_room(self) -> None:
        while len(self._seen) > self._max_fills:
            trade_id, stamp = self._seen.popitem(last=False)
            self._exact_fees.pop(trade_id, None)
            self._estimated.pop(trade_id, None)
            if stamp is not None:
                self._dropped_ts_ns = max(stamp, self._dropped_ts_ns or stamp)

