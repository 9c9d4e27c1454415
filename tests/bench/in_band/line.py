"""One bot at one simulated venue, with a delay on each way and no sockets: an exact walk through time.

What the venue says reaches the bot late by the feed's delay, what the bot asks reaches the venue late by the order's or
the cancel's. Everything that arrives at one instant becomes one turn of the bot, as one turn of an event loop does.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from hummingbot_extensions.core.types import BookState, Side, TimeInForce
from hummingbot_extensions.sim.latency import BAR_DELAYS, Delays
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.queue_models import RISK_AVERSE
from hummingbot_extensions.sim.statistics import BTC_USD
from hummingbot_extensions.sim.tape import Tape, TapeMarket
from hummingbot_extensions.sim.venue import Venue, VenueParams
from hummingbot_extensions.sim.venue_values import (
    BookUpdate,
    CancelOrders,
    NewOrder,
    OrderKind,
    PrintUpdate,
    Refusal,
    Terminal,
    VenueEvent,
)

USER = "maker"
SYMBOL = BTC_USD.symbol
BALANCE = Decimal(10_000)
BOOK_DEPTH = 20


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """A post-only order that sets out now."""

    client_id: str
    side: Side
    price: Decimal
    size: Decimal
    is_reduce_only: bool


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """A cancel that sets out now. ``is_risk`` and ``reason`` are the bot's own words, for the counts."""

    client_id: str
    reason: str
    is_risk: bool
    is_retry: bool = False


Request = PlaceRequest | CancelRequest


class Bot(Protocol):
    """What quotes. ``heard`` takes in one message, ``turn`` answers all that came at one instant, or a beat."""

    beat_ns: int

    def heard(self, now_ns: int, event: VenueEvent) -> None: ...

    def turn(self, now_ns: int) -> list[Request]: ...


class FrozenPosition(TapeMarket):
    """A tape on which orders rest as ever but never fill: for figures at a position that stays as it is."""

    def _fill_resting(self, order: object, ts_ns: int, lots: int) -> None:
        """Nothing trades with us."""

    def book(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Others alone: an order that the market has run through would show a crossed book, which no venue does."""
        return self._others(Side.BUY)[:depth], self._others(Side.SELL)[:depth]


def tape_venue(tape: Tape, has_fills: bool, leverage: int, position: Decimal = Decimal(0)) -> Venue:
    """A venue on the tape, mark = mid, every frame shown, queue model risk-averse; the account holds ``position``."""
    kind = TapeMarket if has_fills else FrozenPosition
    market = kind(tape, BTC_USD, queue=RISK_AVERSE)
    params = VenueParams(book_every_ns=0, book_depth=BOOK_DEPTH)
    venue = Venue({SYMBOL: market}, params, {SYMBOL: MarkRule.MID})
    venue.open_account(USER, BALANCE)
    venue.set_leverage(USER, SYMBOL, leverage)
    if position:
        side = Side.BUY if position > 0 else Side.SELL
        order = NewOrder(SYMBOL, side, OrderKind.MARKET, abs(position), None, TimeInForce.IOC, False)
        venue.submit(USER, order, 0)
        venue.advance(venue.now_ns)
        if venue.position(USER, SYMBOL).size != position:
            raise RuntimeError(f"the first frame holds too little to open a position of {position}")
    return venue


class Line:
    """The way between a bot and the venue. ``cancels`` are all that were sent, with the time they set out."""

    def __init__(self, venue: Venue, bot: Bot, delays: Delays = BAR_DELAYS) -> None:
        self.venue = venue
        self.cancels: list[tuple[int, CancelRequest]] = []
        self._bot = bot
        self._delays = delays
        self._waiting: list[tuple[int, int, VenueEvent | Request | None]] = []
        self._number = 0

    def run(self, end_ns: int) -> None:
        """Let the bot trade until ``end_ns`` of venue time."""
        start_ns = self.venue.now_ns
        # What a client reads when it starts: prices and its own account.
        self._tell(self.venue.price_update(SYMBOL))
        self._tell(self.venue.book_update(SYMBOL))
        self._push(start_ns + self._bot.beat_ns, None)
        # Further than this in one go, and something could arrive before what is already being looked at.
        reach_ns = max(1, self._delays.feed.delay_ns(start_ns) - 2 * self.venue.params.step_ns)
        while True:
            at_ns = self._waiting[0][0]
            to_ns = min(at_ns, end_ns, self.venue.now_ns + reach_ns)
            for event in self.venue.advance(to_ns):
                self._tell(event)
            if to_ns == end_ns:
                return
            if self._waiting[0][0] == to_ns:
                self._arrived(to_ns)

    def _tell(self, event: VenueEvent) -> None:
        if isinstance(event, PrintUpdate):
            return
        sent_ns = event.ts_ns
        at_ns = max(sent_ns + self._delays.feed.delay_ns(sent_ns), self.venue.now_ns)
        self._push(at_ns, event)

    def _push(self, at_ns: int, message: VenueEvent | Request | None) -> None:
        self._number += 1
        heapq.heappush(self._waiting, (at_ns, self._number, message))

    def _arrived(self, now_ns: int) -> None:
        is_woken = False
        while self._waiting and self._waiting[0][0] == now_ns:
            message = heapq.heappop(self._waiting)[2]
            if message is None:
                self._push(now_ns + self._bot.beat_ns, None)
                is_woken = True
            elif isinstance(message, PlaceRequest | CancelRequest):
                self._at_venue(now_ns, message)
            else:
                self._bot.heard(now_ns, message)
                is_woken = True
        if not is_woken:
            return
        for request in self._bot.turn(now_ns):
            delay = self._delays.order if isinstance(request, PlaceRequest) else self._delays.cancel
            self._push(now_ns + delay.delay_ns(now_ns, self._number), request)
            if isinstance(request, CancelRequest):
                self.cancels.append((now_ns, request))

    def _at_venue(self, now_ns: int, request: Request) -> None:
        if isinstance(request, CancelRequest):
            self.venue.cancel(USER, CancelOrders(client_ids=(request.client_id,)), 0)
            return
        order = NewOrder(
            SYMBOL, request.side, OrderKind.LIMIT, request.size, request.price, TimeInForce.ALO,
            request.is_reduce_only, client_id=request.client_id)
        answer = self.venue.submit(USER, order, 0, tag=request.client_id)
        if isinstance(answer, Refusal):
            self._tell(Terminal(now_ns, USER, request.client_id, answer))


def best_shown(book: BookUpdate) -> tuple[Decimal | None, Decimal | None]:
    """Best bid and ask as the feed shows them, truncated down to the display grid on both sides."""
    grid = BTC_USD.display_grid_ticks

    def shown(levels: tuple[tuple[int, int], ...]) -> Decimal | None:
        return Decimal(levels[0][0] - levels[0][0] % grid).scaleb(-BTC_USD.price_decimals) if levels else None

    return shown(book.bids), shown(book.asks)


def book_shown(book: BookUpdate, received_mono_ns: int) -> BookState:
    """Every level as the feed shows it: truncated down to the display grid on both sides."""
    grid, unit = BTC_USD.display_grid_ticks, Decimal(1).scaleb(-BTC_USD.price_decimals)

    def shown(levels: tuple[tuple[int, int], ...]) -> tuple[tuple[Decimal, Decimal], ...]:
        sizes: dict[int, int] = {}
        for ticks, lots in levels:
            sizes[ticks - ticks % grid] = sizes.get(ticks - ticks % grid, 0) + lots
        return tuple((ticks * unit, Decimal(lots).scaleb(-BTC_USD.size_decimals)) for ticks, lots in sizes.items())

    bids, asks = shown(book.bids), shown(book.asks)
    return BookState(
        bids[0][0] if bids else None, asks[0][0] if asks else None, grid * unit, None, received_mono_ns, bids, asks)
