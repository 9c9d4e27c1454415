"""The running venue behind the sockets: clock, pacing, counters, and the way from venue events to sessions."""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hummingbot_extensions.core.maker_hours import HourScore
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.candles import PRINTS, RESOLUTIONS_S, Tape
from hummingbot_extensions.emulator.clock import ManualClock, VenueClock
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.faults import FaultBoard, acts, outcomes
from hummingbot_extensions.emulator.faults.account_frames import AccountFrame, distorted
from hummingbot_extensions.emulator.faults.market_data import shown_book, shown_price
from hummingbot_extensions.emulator.faults.values import Armed, Whom
from hummingbot_extensions.emulator.identity import Client, Identity
from hummingbot_extensions.emulator.limits import Limits
from hummingbot_extensions.emulator.standx_requests import BadRequest
from hummingbot_extensions.sim.venue import Venue
from hummingbot_extensions.sim.venue_values import (
    Accepted,
    BalanceUpdate,
    BookUpdate,
    CancelOrders,
    FillUpdate,
    NewOrder,
    OrderUpdate,
    PositionUpdate,
    PriceUpdate,
    PrintUpdate,
    Reason,
    Refusal,
    Terminal,
    VenueEvent,
)

if TYPE_CHECKING:
    from hummingbot_extensions.emulator.session import Session
    from hummingbot_extensions.emulator.standx_ws import ApiSession, StreamSession

MS = 1_000_000
PACE_S = 0.01
SLICE_NS = 250 * MS
BUSY_S = 0.005
CHANNELS = {BookUpdate: "depth_book", PrintUpdate: "public_trade", PriceUpdate: "price"}


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where the terminal frame of a request goes: one ws-api socket, or whichever holds this session id by then."""

    user: str
    session_id: str | None
    request_id: str
    socket: ApiSession | None = None


@dataclass(slots=True)
class Counters:
    """What the emulator has seen, for tests and the control page."""

    requests: Counter[str] = field(default_factory=Counter)
    bad_tokens: int = 0
    bad_signatures: int = 0
    too_many_requests: int = 0
    order_rejections: Counter[str] = field(default_factory=Counter)
    frames_sent: int = 0


class Exchange:
    """One venue, its clock and everything connected to it. All methods run on one event loop."""

    def __init__(
        self, config: EmulatorConfig, venue: Venue, clock: VenueClock, offset_ns: int, faults: FaultBoard
    ) -> None:
        """``offset_ns`` is what clients' time is ahead of venue time."""
        self.config = config
        self.delays = config.delays()
        self.venue = venue
        self.clock = clock
        self.true_offset_ns = offset_ns
        self.identity = Identity(config.seed)
        self.limits = Limits(config.rate_limits, config.max_sockets, config.max_new_sockets_per_minute)
        self.faults = faults
        self.counters = Counters()
        self.tapes = {symbol: Tape(offset_ns) for symbol in venue.specs}
        self.streams: list[StreamSession] = []
        self.api_sockets: list[ApiSession] = []
        self.api_sessions: dict[str, ApiSession] = {}
        self.books: dict[str, BookUpdate] = {}
        self.aliases: dict[str, str] = {}
        self.hour_scores: dict[tuple[str, str, int], HourScore] = {}
        """Maker Hours of hours that are over, by user, market and start in UTC."""
        self.cash: dict[str, Decimal] = {}
        """Money in the cash wallet of each account, DUSD; it is no margin."""
        self._diverted: list[tuple[int, int, ReplyTo, wire.Wire]] = []
        self._diverted_count = 0
        self._cancelled_ns: dict[str, int] = {}
        self._random = random.Random(config.seed)
        self._wake = asyncio.Event()
        self._request_ids: dict[str, float] = {}

    # Time

    @property
    def offset_ns(self) -> int:
        """What is added to venue time on the wire: the true offset, and that of a clock that is off."""
        return self.true_offset_ns + self._clock_error_ns()

    def wall_s(self) -> float:
        """Seconds of the venue's wall clock, for tokens and request stamps."""
        return time.time() + self._clock_error_ns() / 1e9

    def _clock_error_ns(self) -> int:
        armed = self.faults.active("clock_offset", self.venue.now_ns)
        return int(armed.number("ms") * MS) if armed is not None else 0

    def catch_up(self) -> bool:
        """Bring the venue towards its clock and tell everyone what happened; False when time ran out before.

        It stops after a few milliseconds of work, so that a venue that cannot keep its speed still answers: it then
        runs slower than asked, and the control API says how far it is behind.
        """
        busy_since = time.monotonic()
        while True:
            target_ns = self.clock.venue_ns()
            self.advance_to(min(target_ns, self.venue.now_ns + SLICE_NS))
            if self.venue.now_ns >= target_ns:
                return True
            if time.monotonic() - busy_since > BUSY_S:
                return False

    def advance_to(self, venue_ns: int) -> None:
        if venue_ns > self.venue.now_ns or self._has_due():
            self._publish(self.venue.advance(max(venue_ns, self.venue.now_ns)))
        acts.run(self)
        self.flush()

    def _has_due(self) -> bool:
        due_ns = self.venue.next_due_ns()
        return due_ns is not None and due_ns <= self.venue.now_ns

    def flush(self) -> None:
        """Answer what a fault kept from the market, and hand over every frame whose time has come."""
        while self._diverted and self._diverted[0][0] <= self.venue.now_ns:
            due_ns, _, reply, answer = heapq.heappop(self._diverted)
            self._reply(reply, answer, due_ns)
        for session in self.sessions():
            session.flush(self.venue.now_ns)

    def sessions(self) -> list[Session]:
        return [*self.streams, *self.api_sockets]

    async def pace(self) -> None:
        """Keep the venue at its clock until cancelled; nothing to do under manual time."""
        if isinstance(self.clock, ManualClock):
            return
        while True:
            if not self.catch_up():
                await asyncio.sleep(0)
                continue
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), self._pause_s())
            except TimeoutError:
                continue

    def _pause_s(self) -> float:
        due = [self.venue.next_due_ns(), *(session.next_due_ns() for session in self.sessions())]
        ahead = [ns - self.clock.venue_ns() for ns in due if ns is not None]
        soonest_s = min(ahead) / 1e9 / self.clock.speed if ahead else PACE_S
        return min(PACE_S, max(0.0, soonest_s))

    async def step(self, delta_ns: int) -> None:
        """Manual time only: move the venue and wait until every socket has taken its frames."""
        if not isinstance(self.clock, ManualClock):
            raise BadRequest("step: only in manual mode")
        self.clock.step(delta_ns)
        while self.venue.now_ns < self.clock.venue_ns():
            self.advance_to(min(self.clock.venue_ns(), self.venue.now_ns + SLICE_NS))
            for session in self.sessions():
                await session.drained()

    # Accounts and requests

    def enter(self, token: str) -> Client:
        """Client of a token, with an account made at first sight; BadToken otherwise."""
        client = self.identity.client(token, self.wall_s())
        self.open_account(client.user)
        return client

    def open_account(self, user: str) -> None:
        """Wallets of a user at first sight; nothing when there are."""
        self.venue.open_account(user, self.config.balance)
        self.cash.setdefault(user, self.config.cash)

    def move_cash(self, user: str, amount: Decimal) -> Refusal | None:
        """Move DUSD from the cash wallet to margin, or back when negative. What margin holds back stays."""
        available = self.cash[user] if amount > 0 else self.venue.balance(user).available
        if abs(amount) > available:
            return Refusal(Reason.BALANCE, "balance not enough")
        account = self.venue.accounts[user]
        self.cash[user] -= amount
        account.balance += amount
        account.start_balance += amount
        self.venue.house.deposits += amount
        self._publish([BalanceUpdate(self.venue.now_ns, self.venue.balance(user))])
        return None

    def is_new_request_id(self, request_id: str) -> bool:
        """Whether this id has not been used within 60 s; always True unless the config asks for the check."""
        if not self.config.refuse_repeated_request_ids:
            return True
        now_s = self.wall_s()
        self._request_ids = {key: at for key, at in self._request_ids.items() if at > now_s - 60.0}
        if request_id in self._request_ids:
            return False
        self._request_ids[request_id] = now_s
        return True

    def submit(self, client: Client, order: NewOrder, reply: ReplyTo) -> Refusal | None:
        """Give an order to the gateway; its final word goes to ``reply`` later."""
        self.catch_up()
        now_ns, whom = self.venue.now_ns, Whom(account=client.user, symbol=order.symbol)
        delay_ns = self.delays.order.delay_ns(now_ns)
        short = self.faults.active("balance_after_cancel", now_ns, whom)
        if short is not None and now_ns < self._cancelled_ns.get(client.user, -(2**63)) + short.number("ms") * MS:
            short.use()
            self.counters.order_rejections["fault"] += 1
            return Refusal(Reason.BALANCE, "balance not enough")
        diverted = outcomes.diverted_order(self.faults, now_ns, whom)
        if diverted is not None:
            self.counters.order_rejections["fault"] += 1
            self._divert(diverted, reply, now_ns + delay_ns)
            return None
        delay_ns += outcomes.late_ns(self.faults, "order_late", now_ns, whom)
        result = self.venue.submit(client.user, order, delay_ns, reply)
        if isinstance(result, Accepted):
            self._wake.set()
            return None
        self.counters.order_rejections[str(result.reason)] += 1
        return result

    def cancel(self, client: Client, request: CancelOrders, reply: ReplyTo) -> None:
        """Queue a cancel; its final word goes to ``reply`` later."""
        self.catch_up()
        now_ns, whom = self.venue.now_ns, Whom(account=client.user)
        delay_ns = self.delays.cancel.delay_ns(now_ns)
        self._cancelled_ns[client.user] = now_ns + delay_ns
        diverted = outcomes.diverted_cancel(self.faults, now_ns, whom)
        if diverted is not None:
            self._divert(diverted, reply, now_ns + delay_ns)
            return
        delay_ns += outcomes.late_ns(self.faults, "cancel_late", now_ns, whom)
        self.venue.cancel(client.user, request, delay_ns, reply)
        self._wake.set()

    def _divert(self, diverted: outcomes.Diverted, reply: ReplyTo, due_ns: int) -> None:
        if diverted.answer is not None:
            self._diverted_count += 1
            heapq.heappush(self._diverted, (due_ns, self._diverted_count, reply, diverted.answer))

    def arm(self, request: Mapping[str, Any]) -> Armed:
        """Switch a fault on, with account names as the control API knows them; BadFault names what is wrong."""
        account = request.get("account")
        if isinstance(account, str):
            request = dict(request) | {"account": self.aliases.get(account, account)}
        self.faults.prune(self.venue.now_ns)
        acts.check(self, request)
        armed = self.faults.arm(request, self.venue.now_ns)
        acts.run(self)
        self.catch_up()
        return armed

    # Events

    def _publish(self, events: list[VenueEvent]) -> None:
        """Turn events into frames, in their order; private frames of one instant may swap between channels."""
        together: list[tuple[str, str, Any]] = []
        together_ns = 0
        for event in events:
            private = self._private_frame(event)
            if together and (private is None or event.ts_ns != together_ns):
                self._send_private(together, together_ns)
                together = []
            if private is not None:
                together.append(private)
                together_ns = event.ts_ns
            elif isinstance(event, Terminal):
                self._finish(event)
            elif isinstance(event, BookUpdate | PrintUpdate | PriceUpdate):
                self._send_public(event)
        if together:
            self._send_private(together, together_ns)

    def _private_frame(self, event: VenueEvent) -> tuple[str, str, Any] | None:
        """(user, channel, payload) of an account event; None for any other."""
        if isinstance(event, OrderUpdate):
            spec = self.venue.specs[event.order.symbol]
            return event.order.user, "order", wire.order_object(event.order, spec, self.offset_ns, 9)
        if isinstance(event, FillUpdate):
            make = wire.trade_object if self.config.full_trade_frames else wire.trade_frame
            return event.trade.user, "trade", make(event.trade, self.offset_ns)
        if isinstance(event, PositionUpdate):
            spec = self.venue.specs[event.position.symbol]
            return event.position.user, "position", wire.position_frame(event.position, spec, self.offset_ns)
        if isinstance(event, BalanceUpdate):
            return event.balance.user, "balance", wire.balance_frame(event.balance, self.offset_ns)
        return None

    def _send_public(self, event: BookUpdate | PrintUpdate | PriceUpdate) -> None:
        if isinstance(event, BookUpdate):
            self.books[event.symbol] = event
        elif isinstance(event, PrintUpdate):
            self.tapes[event.symbol].add(event)
        else:
            for stream in self.streams:
                stream.send_klines(event.symbol, event.ts_ns)
        channel = CHANNELS[type(event)]
        streams = [stream for stream in self.streams if stream.wants(channel, event.symbol)]
        if streams:
            text = wire.compact(self.public_data(event))
            for stream in streams:
                stream.send_enveloped(channel, event.symbol, text, event.ts_ns)

    def book(self, symbol: str) -> BookUpdate:
        """The book of now as faults show it."""
        return shown_book(self.faults, self.venue.book_update(symbol), self.venue.specs[symbol].display_grid_ticks)

    def price(self, symbol: str) -> PriceUpdate:
        """Mark and touch of now as faults show them."""
        return shown_price(self.faults, self.venue.price_update(symbol), self.venue.specs[symbol].display_grid_ticks)

    def public_data(self, event: BookUpdate | PrintUpdate | PriceUpdate) -> wire.Wire:
        """Payload of a public event, as faults show it."""
        spec = self.venue.specs[event.symbol]
        if isinstance(event, BookUpdate):
            event = shown_book(self.faults, event, spec.display_grid_ticks)
            data = wire.depth_frame(event, spec, self.offset_ns)
            unsorted = self.faults.take("book_unsorted", event.ts_ns, Whom(symbol=event.symbol))
            if self.config.shuffle_levels or unsorted is not None:
                self._random.shuffle(data["bids"])
                self._random.shuffle(data["asks"])
            return data
        if isinstance(event, PrintUpdate):
            return wire.public_trade_frame(event, spec, self.offset_ns)
        event = shown_price(self.faults, event, spec.display_grid_ticks)
        return wire.price_frame(event, spec, self.offset_ns)

    def running_candle(self, symbol: str, interval: str) -> list[wire.Wire]:
        """Payload of the kline channel: the candle that now runs, if it has a print."""
        now_s = (self.venue.now_ns + self.true_offset_ns) // 1_000_000_000
        if interval == PRINTS:
            found = self.tapes[symbol].candles(0, now_s, interval, 1)
        else:
            start_s = now_s - now_s % RESOLUTIONS_S[interval]
            found = self.tapes[symbol].candles(start_s, now_s, interval, None)
        return [wire.kline_object(candle, self.venue.specs[symbol]) for candle in found]

    def _send_private(self, frames: list[tuple[str, str, Any]], ts_ns: int) -> None:
        ordered = self._interleaved(frames) if self.config.shuffle_private else frames
        for frame in distorted(self.faults, self.venue.now_ns, [AccountFrame(*frame) for frame in ordered]):
            text = wire.compact(frame.data)
            for stream in self.streams:
                stream.send_private(frame.user, frame.channel, frame.data.get("symbol"), text, ts_ns, frame.extra_ns)

    def _interleaved(self, frames: list[tuple[str, str, Any]]) -> list[tuple[str, str, Any]]:
        """The frames with the channels of an account in random order, each channel's own order kept."""
        by_user: dict[str, dict[str, deque[Any]]] = {}
        for user, channel, data in frames:
            by_user.setdefault(user, {}).setdefault(channel, deque()).append(data)
        order: list[tuple[str, str, Any]] = []
        for user, channels in by_user.items():
            while waiting := [channel for channel, queue in channels.items() if queue]:
                channel = self._random.choice(waiting)
                order.append((user, channel, channels[channel].popleft()))
        return order

    def _finish(self, event: Terminal) -> None:
        if event.refusal is not None:
            self.counters.order_rejections[str(event.refusal.reason)] += 1
        if not isinstance(event.tag, ReplyTo):
            return
        if event.refusal is None:
            answer: wire.Wire = {"code": 0, "message": "success"}
        else:
            answer = {"code": event.refusal.code, "message": event.refusal.message}
        self._reply(event.tag, answer, event.ts_ns)

    def _reply(self, reply: ReplyTo, answer: wire.Wire, ts_ns: int) -> None:
        socket = reply.socket
        if socket is None and reply.session_id is not None:
            socket = self.api_sessions.get(reply.session_id)
            if socket is not None and (socket.client is None or socket.client.user != reply.user):
                return
        if socket is None:
            return
        whom = Whom(account=reply.user, socket="api")
        for frame, late_ns in outcomes.terminal_frames(self.faults, self.venue.now_ns, whom, answer, reply.request_id):
            socket.send(frame, ts_ns, "terminal", late_ns)
