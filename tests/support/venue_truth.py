"""What must hold between a whole bot and its venue, judged from the venue's own books: at every moment, and at rest.

Shared by the fault suite, the chaos machine and long runs. A ``Watch`` looks over the venue's shoulder: at every order
that begins to rest, at every fill, and four times a second. ``differences`` says what is not equal between the two once
nothing is under way any more.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp.web

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator.faults.values import Effect, Scope
from hummingbot_extensions.sim.account import Account, Order
from hummingbot_extensions.sim.order_log import OrderLog
from hummingbot_extensions.sim.venue_values import OrderStatus, Trade
from tests.support.running import PAIR, SYMBOL

REACTION_S = 1.0
"""Beat of the quoter, one round trip, and a turn of the loop."""
CANCEL_DEADLINE_S = 12.0
"""A cancel over a way that works: its deadline at the connector, and one repetition."""
FOREIGN_GRACE_S = 20.0
"""Time for the bot to learn of a trade that it did not make."""
NOT_FOUND_BELIEVED_S = 10.0
"""Age of a placement from which the connector believes that the venue does not know it."""
PRICE_ENDPOINT = "/api/query_symbol_price"
PUBLIC_CHANNELS = ("depth_book", "price", "public_trade")
_SHOWN = re.compile(r'"channel":"(depth_book|price)"')


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: its name, and what was seen."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


HUNG_UP = ("aiohttp.server", "ClientConnectionResetError")
"""What the emulator's server says when the bot has cut a connection on which it was just answering."""


class ErrorLines(logging.Handler):
    """Every log line at ERROR or above that the bot is to answer for."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f" | {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
            if (record.name, type(record.exc_info[1]).__name__) == HUNG_UP:
                return
        self.lines.append(text)


@dataclass
class Watch:
    """Looks on. ``own`` tells our client ids; ``violations`` collects each broken rule once."""

    exchange: Any
    user: str
    connector: Any
    quoter: Callable[[], Any]
    params: Any
    """The limits that hold, a ``QuoteParams``."""
    violations: list[Violation] = field(default_factory=list)
    placed: Counter[str] = field(default_factory=Counter)
    """Client ids that the bot asked Hummingbot for."""
    placed_s: dict[str, float] = field(default_factory=dict)
    cancel_asked_s: dict[str, float] = field(default_factory=dict)
    shown_s: dict[str, float] = field(default_factory=dict)
    """Monotonic time at which the newest sound frame of a channel was written to a socket."""
    foreign: list[tuple[float, Decimal]] = field(default_factory=list)
    """(monotonic time, size) of what other clients of the account traded."""
    by_hand: list[str] = field(default_factory=list)
    """Client ids of orders that somebody rests by hand and nobody but the venue may end."""
    rests_since_s: dict[str, float] = field(default_factory=dict)
    unsound_s: float = float("-inf")
    """When the way of orders and of the account's news was last disturbed by a fault."""
    _seen: set[tuple[str, str]] = field(default_factory=set)

    @property
    def account(self) -> Account:
        return self.exchange.venue.accounts[self.user]  # type: ignore[no-any-return]

    def is_own(self, order: Order) -> bool:
        return order.client_id.startswith(self.connector.owner_tag)

    def resting(self) -> list[Order]:
        """Our orders that may fill at the venue at this moment."""
        return [o for o in self.account.live.values() if o.status is OrderStatus.OPEN and self.is_own(o)]

    def own_trades(self) -> list[Trade]:
        orders = self.account.orders
        return [trade for trade in self.account.trades if self.is_own(orders[trade.order_id])]

    @property
    def position(self) -> Decimal:
        return from_units(self.account.position_lots(SYMBOL), self.exchange.venue.specs[SYMBOL].size_decimals)

    def broken(self, rule: str, what: str, key: str = "") -> None:
        if (rule, key) not in self._seen:
            self._seen.add((rule, key))
            self.violations.append(Violation(rule, f"{what} at {time.monotonic():.2f} s"))

    # --- at every change of the venue's books ---

    def on_change(self) -> None:
        """Caps and doubles, at the moment at which an order begins to rest or fills."""
        now_s, params = time.monotonic(), self.params
        position = self.position
        foreign = sum((size for at_s, size in self.foreign if now_s - at_s < FOREIGN_GRACE_S), Decimal(0))
        if abs(position) > params.net_max_base:
            self.broken("cap", f"position {position} beyond {params.net_max_base}")
        resting = self.resting()
        decimals = self.exchange.venue.specs[SYMBOL].size_decimals
        for side in Side:
            mine = [order for order in resting if order.side is side]
            adding = sum((from_units(o.left_lots, decimals) for o in mine
                          if not o.reduce_only and not self._is_back_from_the_dead(o)), Decimal(0))  # fmt: skip
            worst = position * side.sign + adding
            if mine and worst > params.worst_case_cap_base + foreign:
                self.broken("worst_case", f"{side} could reach {worst} of {params.worst_case_cap_base}", str(side))
            kept = [order for order in mine if order.client_id not in self.cancel_asked_s]
            if len(kept) > 2:
                self.broken("double", f"{len(kept)} {side} orders rest: {[o.client_id for o in kept]}", str(side))
            # One that filled in part is replaced by a whole one, which may stand beside it for a moment.
            prices = Counter(order.price_ticks for order in kept if not order.filled_lots)
            if prices and max(prices.values()) > 1:
                self.broken("double", f"two {side} orders at one price: {[o.client_id for o in kept]}", str(side))
        for order in resting:
            self.rests_since_s.setdefault(order.client_id, now_s)
            if order.client_id not in self.placed:
                self.broken("orphan", f"{order.client_id} rests and nobody here asked for it", order.client_id)

    def _is_back_from_the_dead(self, order: Order) -> bool:
        """Whether an order reached the market after the venue's word that there is none is believed.

        Its place may have been taken by then. It is cancelled as soon as it shows, which ``on_beat`` sees to, and the
        absolute cap holds with it.
        """
        placed_s, now_s = self.placed_s.get(order.client_id), time.monotonic()
        since_s = self.rests_since_s.get(order.client_id, now_s)
        is_late = placed_s is not None and since_s - placed_s >= NOT_FOUND_BELIEVED_S
        return is_late and now_s - since_s < CANCEL_DEADLINE_S

    # --- four times a second ---

    def on_beat(self) -> None:
        """Nothing rests on stale data, and a cancel that can get through is done."""
        now_s, params = time.monotonic(), self.params
        if self._is_way_disturbed():
            self.unsound_s = now_s
        limits = {"depth_book": params.stale_book_ms / 1e3, "price": params.stale_mark_ms / 1e3}
        for channel, limit_s in limits.items():
            shown_s = self.shown_s.get(channel)
            if shown_s is None or now_s - shown_s <= limit_s + REACTION_S:
                continue
            for order in self.resting():
                if order.client_id not in self.cancel_asked_s:
                    self.broken("stale", f"{order.client_id} rests, last sound {channel} {now_s - shown_s:.2f} s ago",
                                channel)
        for order in self.resting():
            asked_s = self.cancel_asked_s.get(order.client_id)
            if asked_s is None:
                continue
            # An order may reach the market long after its cancel was first asked for.
            since_s = max(asked_s, self.unsound_s, self.rests_since_s.get(order.client_id, now_s))
            if now_s - since_s > CANCEL_DEADLINE_S:
                self.broken("cancel", f"{order.client_id} still rests {now_s - asked_s:.1f} s after its cancel",
                            order.client_id)

    def _is_way_disturbed(self) -> bool:
        now_ns = self.exchange.venue.now_ns
        for armed in self.exchange.faults.armed():
            if armed.is_over(now_ns) or armed.fault.effect is Effect.MARKET:
                continue
            if armed.fault.effect is Effect.FRAME and armed.scope.get(Scope.CHANNEL) in PUBLIC_CHANNELS:
                continue
            return True
        return False

    # --- taps ---

    def on_frame(self, text: str) -> None:
        """A frame is written to a socket of the bot: note when a sound one last was."""
        found = _SHOWN.search(text, 0, 80)
        if found is None:
            return
        try:
            data = json.loads(text)["data"]
            if found.group(1) == "depth_book":
                bids = [float(row[0]) for row in data["bids"]]
                asks = [float(row[0]) for row in data["asks"]]
                if not max(bids) <= min(asks):
                    return
            elif not float(data["mark_price"]) > 0:
                return
        except (ValueError, TypeError, KeyError, IndexError):
            return
        self.shown_s[found.group(1)] = time.monotonic()

    def on_price_asked(self, mark_ticks: int | None) -> None:
        """A price is put into a REST answer; on a way that a fault of HTTP disturbs it may get lost."""
        now_ns = self.exchange.venue.now_ns
        is_lossy = any(armed.fault.effect is Effect.HTTP and not armed.is_over(now_ns)
                       and armed.scope.get(Scope.ENDPOINT) in (None, PRICE_ENDPOINT)
                       for armed in self.exchange.faults.armed())  # fmt: skip
        if mark_ticks is not None and not is_lossy:
            self.shown_s["price"] = time.monotonic()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look on for the time of the block."""
        rested, apply_fill, send_str = OrderLog.rested, Account.apply_fill, aiohttp.web.WebSocketResponse.send_str
        price = self.exchange.price
        names = ("buy", "sell", "cancel", "_submit", "cancel_many")
        before = {name: getattr(self.connector, name) for name in names}
        watch = self

        def watched_rested(log: OrderLog, *args: Any, **kwargs: Any) -> None:
            rested(log, *args, **kwargs)
            if log is watch.account.log:
                watch.on_change()

        def watched_fill(account: Account, *args: Any, **kwargs: Any) -> Trade:
            trade = apply_fill(account, *args, **kwargs)
            if account is watch.account:
                watch.on_change()
            return trade

        async def watched_send(socket: Any, data: str, *args: Any, **kwargs: Any) -> None:
            await send_str(socket, data, *args, **kwargs)
            watch.on_frame(data)

        def watched_price(symbol: str) -> Any:
            found = price(symbol)
            watch.on_price_asked(found.mark_ticks)
            return found

        def placing(name: str) -> Callable[..., str]:
            def call(*args: Any, **kwargs: Any) -> str:
                order_id = str(before[name](*args, **kwargs))
                watch.placed[order_id] += 1
                watch.placed_s.setdefault(order_id, time.monotonic())
                return order_id

            return call

        def asked(order_id: str) -> None:
            watch.cancel_asked_s.setdefault(order_id, time.monotonic())

        def cancel(pair: str, order_id: str, *args: Any, **kwargs: Any) -> Any:
            asked(order_id)
            return before["cancel"](pair, order_id, *args, **kwargs)

        def submit(kind: Any, order_id: str, *args: Any, **kwargs: Any) -> Any:
            if kind.name == "CANCEL":
                asked(order_id)
            return before["_submit"](kind, order_id, *args, **kwargs)

        def cancel_many(order_ids: Any, *args: Any, **kwargs: Any) -> Any:
            order_ids = list(order_ids)
            for order_id in order_ids:
                asked(order_id)
            return before["cancel_many"](order_ids, *args, **kwargs)

        OrderLog.rested, Account.apply_fill = watched_rested, watched_fill  # type: ignore[method-assign]
        aiohttp.web.WebSocketResponse.send_str = watched_send  # type: ignore[method-assign]
        self.exchange.price = watched_price
        for name, call in (("buy", placing("buy")), ("sell", placing("sell")), ("cancel", cancel),
                           ("_submit", submit), ("cancel_many", cancel_many)):  # fmt: skip
            setattr(self.connector, name, call)
        try:
            yield
        finally:
            OrderLog.rested, Account.apply_fill = rested, apply_fill  # type: ignore[method-assign]
            aiohttp.web.WebSocketResponse.send_str = send_str  # type: ignore[method-assign]
            del self.exchange.price
            for name in names:
                delattr(self.connector, name)

    # --- at rest ---

    def differences(self, must_quote: bool = True) -> list[Violation]:
        """What the bot and the venue disagree about now. Empty once everything under way has arrived."""
        return [*self._orders(must_quote), *self._fills(), *self._money()]

    def _orders(self, must_quote: bool) -> Iterator[Violation]:
        live = [order for order in self.account.live.values() if self.is_own(order)]
        venue = {order.client_id for order in live}
        bot = {order.client_order_id: str(order.state) for order in self.quoter().open_orders()}
        if venue != set(bot):
            yield Violation("orders", f"venue {sorted(venue)} bot {bot}")
        tracked = {key for key, order in self.connector.in_flight_orders.items() if not order.is_done}
        if venue != tracked:
            yield Violation("orders", f"venue {sorted(venue)} Hummingbot {sorted(tracked)}")
        unasked = venue - set(self.placed)
        if unasked:
            yield Violation("orphan", f"{sorted(unasked)}")
        if self.connector.has_unknown_orders:
            yield Violation("unknown", "an order's outcome is still unknown")
        for name in ("_resolvers",):
            if getattr(self.connector, name, None):
                yield Violation("unknown", f"still asking about {sorted(getattr(self.connector, name))}")
        for client_id, count in Counter(o.client_id for o in self.account.orders.values()).items():
            if count > 1 and client_id.startswith(self.connector.owner_tag):
                yield Violation("double", f"{client_id} was sent {count} times")
        for client_id in self.by_hand:
            order = self.account.orders[self.account.by_client_id[client_id]]
            if order.status is OrderStatus.CANCELED and not self._has_tick_changed():
                yield Violation("foreign", f"{client_id} was rested by hand and somebody cancelled it")
        if must_quote and not venue:
            decision = self.quoter().decision
            silences = (decision.bid_silence, decision.ask_silence) if decision is not None else None
            yield Violation("quoting", f"no order rests: {silences} ready {self.connector.status_dict}")

    def _has_tick_changed(self) -> bool:
        venue = self.exchange.venue
        return bool(venue.lattice(SYMBOL).price_decimals != venue.specs[SYMBOL].price_decimals)

    def _fills(self) -> Iterator[Violation]:
        trades, ledger = self.own_trades(), self.quoter().ledger
        size = sum((trade.size * trade.side.sign for trade in trades), Decimal(0))
        fees = sum((trade.fee for trade in trades), Decimal(0))
        # A trade made elsewhere is taken into the ledger's position once it is announced, without being a fill.
        is_position_right = ledger.position == size or (bool(self.foreign) and ledger.position == self.position)
        if (ledger.fills, ledger.fees_quote) != (len(trades), fees) or not is_position_right:
            told = (ledger.fills, str(ledger.position), str(ledger.fees_quote))
            yield Violation("ledger", f"venue {(len(trades), str(size), str(fees))} bot {told} (fills, position, fees)")

    def _money(self) -> Iterator[Violation]:
        position = sum((row.amount for row in self.connector.account_positions.values()
                        if row.trading_pair == PAIR), Decimal(0))  # fmt: skip
        if position != self.position:
            yield Violation("position", f"venue {self.position} bot {position}")
        balance = self.exchange.venue.balance(self.user)
        # A calm market's mark still drifts by funding between two looks.
        tolerance = Decimal("0.001") + abs(self.position) * 5
        for name, venue, bot in (
            ("equity", balance.equity, self.connector.get_balance("DUSD")),
            ("available", balance.available, self.connector.get_available_balance("DUSD")),
        ):  # fmt: skip
            if not abs(venue - bot) <= tolerance:
                yield Violation("balance", f"{name} venue {venue} bot {bot}")
