"""The quoting rules of the oldest design, to the letter: the reference that every figure stands beside.

Loop of 100 ms; mid as anchor; 7 bps, linear push and pull; cancel under 5 bps or within the first three levels, replace
beyond 10 bps; all cancelled while the mid ranged over 5 bps within 5 s; one order a side, a new one only when none is
left, at most one each 2 s; soft and hard limits. Left out, because it gives no figure for it or would only hurt it:
volatility widening (largest widening not stated), breakeven reversion, the REST poll (it knows its orders as fast as
the order stream tells).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.pricing import distance_bps
from hummingbot_extensions.core.rounding import round_passive
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.sim.statistics import BTC_USD
from hummingbot_extensions.sim.venue_values import (
    BookUpdate,
    OrderStatus,
    OrderUpdate,
    PositionUpdate,
    Terminal,
    VenueEvent,
)
from tests.bench.in_band.line import CancelRequest, PlaceRequest, Request, best_shown

ORDER_BPS, CANCEL_BPS, REBALANCE_BPS = 7.0, 5.0, 10.0
PUSH_BPS, PULL_BPS = 6.0, 4.5
QUEUE_LEVELS = 3
VOLATILITY_BPS, VOLATILITY_NS = 5.0, 5_000_000_000
THROTTLE_NS = 2_000_000_000
SIZE = Decimal("0.02")
MAX_POSITION, HARD_STOP, RESUME = Decimal("0.01"), Decimal("0.007"), Decimal("0.0045")
COOLDOWN_NS, RESUME_CHECKS = 30_000_000_000, 3
TICK = Decimal(1).scaleb(-BTC_USD.price_decimals)


@dataclass(slots=True)
class _Sent:
    client_id: str
    side: Side
    price: Decimal
    is_cancelling: bool = False


class Seed000Bot:
    """One order a side by those rules."""

    beat_ns = 100_000_000

    def __init__(self, position: Decimal) -> None:
        self.ended: dict[str, str] = {}
        self._position = position
        self._book: BookUpdate | None = None
        self._mids: deque[tuple[int, float]] = deque()
        self._sent: dict[Side, _Sent] = {}
        self._placed_ns: dict[Side, int] = {}
        self._stopped_ns: int | None = None
        self._checks = 0
        self._count = 0
        self._ticked_ns = 0

    def heard(self, now_ns: int, event: VenueEvent) -> None:
        if isinstance(event, BookUpdate):
            self._book = event
        elif isinstance(event, PositionUpdate):
            self._position = event.position.size
        elif isinstance(event, OrderUpdate):
            status = event.order.status
            if status is OrderStatus.FILLED:
                self.ended[event.order.client_id] = "filled"
            if status in (OrderStatus.FILLED, OrderStatus.CANCELED):
                self._forget(event.order.client_id)
        elif isinstance(event, Terminal) and event.refusal is not None and isinstance(event.tag, str):
            self.ended[event.tag] = f"rejected_{event.refusal.reason}"
            self._forget(event.tag)

    def _forget(self, client_id: str) -> None:
        self._sent = {side: sent for side, sent in self._sent.items() if sent.client_id != client_id}

    def turn(self, now_ns: int) -> list[Request]:
        # The loop polls: what arrives in between waits for its next tick.
        if now_ns - self._ticked_ns < self.beat_ns or self._book is None:
            return []
        self._ticked_ns = now_ns
        if self._is_stopped(now_ns):
            return self._cancel_all("hard_stop")
        bid, ask = best_shown(self._book)
        if bid is None or ask is None:
            return []
        mid = (float(bid) + float(ask)) / 2
        if self._volatility_bps(now_ns, mid) > VOLATILITY_BPS:
            return self._cancel_all("volatility")
        requests: list[Request] = []
        for side in (Side.BUY, Side.SELL):
            sent = self._sent.get(side)
            if sent is not None:
                reason = None if sent.is_cancelling else self._fault(sent, mid)
                if reason is not None:
                    requests.append(self._cancel(sent, reason))
            elif self._may_place(now_ns, side):
                requests.append(self._place(now_ns, side, mid, bid, ask))
        return requests

    def _is_stopped(self, now_ns: int) -> bool:
        if abs(self._position) >= HARD_STOP:
            self._stopped_ns = now_ns if self._stopped_ns is None else self._stopped_ns
        if self._stopped_ns is None:
            return False
        self._checks = self._checks + 1 if abs(self._position) < RESUME else 0
        if self._checks >= RESUME_CHECKS and now_ns - self._stopped_ns > COOLDOWN_NS:
            self._stopped_ns, self._checks = None, 0
        return self._stopped_ns is not None

    def _volatility_bps(self, now_ns: int, mid: float) -> float:
        """Range of the mid over the window, which the design leaves open how to measure."""
        self._mids.append((now_ns, mid))
        while now_ns - self._mids[0][0] > VOLATILITY_NS:
            self._mids.popleft()
        prices = [price for _, price in self._mids]
        return (max(prices) - min(prices)) / mid * 1e4

    def _fault(self, sent: _Sent, mid: float) -> str | None:
        away = distance_bps(sent.side, float(sent.price), mid)
        if away < CANCEL_BPS:
            return "too_near"
        if away > REBALANCE_BPS:
            return "too_far"
        levels = [] if self._book is None else self._book.bids if sent.side is Side.BUY else self._book.asks
        ticks = int(sent.price / TICK)
        better = sum(1 for price, _ in levels if (price - ticks) * sent.side.sign > 0)
        return "queue_position" if better < QUEUE_LEVELS else None

    def _may_place(self, now_ns: int, side: Side) -> bool:
        if now_ns - self._placed_ns.get(side, -THROTTLE_NS) < THROTTLE_NS:
            return False
        return self._position * side.sign < MAX_POSITION

    def _place(self, now_ns: int, side: Side, mid: float, bid: Decimal, ask: Decimal) -> PlaceRequest:
        adding = max(-1.0, min(1.0, float(self._position / MAX_POSITION))) * side.sign
        away = ORDER_BPS + adding * (PUSH_BPS if adding > 0 else PULL_BPS)
        price = round_passive(Decimal(repr(mid * (1 - side.sign * away / 1e4))), TICK, side is Side.BUY)
        price = min(price, ask - TICK) if side is Side.BUY else max(price, bid + TICK)
        self._count += 1
        self._placed_ns[side] = now_ns
        sent = self._sent[side] = _Sent(f"s{self._count}", side, price)
        return PlaceRequest(sent.client_id, side, price, SIZE, False)

    def _cancel(self, sent: _Sent, reason: str) -> CancelRequest:
        sent.is_cancelling = True
        self.ended[sent.client_id] = reason
        # Counted as this project counts: a cancel for distance is one that a slow reader could have left out.
        return CancelRequest(sent.client_id, reason, is_risk=reason != "too_far")

    def _cancel_all(self, reason: str) -> list[Request]:
        return [self._cancel(sent, reason) for sent in self._sent.values() if not sent.is_cancelling]
