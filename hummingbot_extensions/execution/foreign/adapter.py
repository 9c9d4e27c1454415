"""The members that quoting needs, over a connector that is not of this bundle."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import PositionMode
from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import MarketEvent

from hummingbot_extensions.connector.book_hook import BookListeners
from hummingbot_extensions.connector.errors import ConnectorError, Transient
from hummingbot_extensions.connector.leftovers import LeftoverOrder, VenueWord
from hummingbot_extensions.connector.listeners import PairListeners
from hummingbot_extensions.connector.own_fills import OwnFill
from hummingbot_extensions.connector.owned_tasks import OwnedTasks
from hummingbot_extensions.core.margin import AccountFigures
from hummingbot_extensions.core.types import BookState, MarketStanding, OrderOutcome, PriceState
from hummingbot_extensions.execution.foreign import upstream
from hummingbot_extensions.execution.foreign.fills import FillMemory, own_fill
from hummingbot_extensions.execution.foreign.orders import ASK_S, ForeignOrders, Seen, leftover
from hummingbot_extensions.execution.foreign.watch import AccountWatch, BookWatch, PriceWatch

BEAT_S = 0.02
"""Books, marks and the account stream are looked at so often; an age is at most so much too old."""
TEND_S = 3.0
"""Suspect and inherited orders are asked about and cancelled so often."""
QUIET_MS = 8_000.0
"""After so long without a frame of the account stream the venue is asked for the position instead."""


class ForeignConnector:
    """Stands beside one connector and makes of its public state what ours state themselves.

    It looks and asks while somebody listens to a book. All ages are of the local monotonic clock.
    """

    def __init__(self, connector: Any) -> None:
        upstream.check(connector)
        self._connector = connector
        self._orders = ForeignOrders(connector, self._on_throttled)
        self.throttled_count = 0
        """Of the start; orders that are refused for too many requests are counted on the connector itself."""
        self._books: dict[str, BookWatch] = {}
        self._prices: dict[str, PriceWatch] = {}
        self._account = AccountWatch()
        self._listeners = BookListeners()
        self._fill_listeners: PairListeners[OwnFill] = PairListeners("fill")
        self._fee_listeners: PairListeners[OwnFill] = PairListeners("fee")
        self._fills = FillMemory()
        self._tasks = OwnedTasks(f"foreign {connector.name}")
        self._running: list[asyncio.Task[Any]] = []
        self._listening: set[object] = set()
        self._filled = SourceInfoEventForwarder(self._on_filled)
        connector.add_listener(MarketEvent.OrderFilled, self._filled)

    # --- market ---

    def add_book_listener(self, trading_pair: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` when best prices or mark of the pair have changed; returns what removes it."""
        self._watch(trading_pair)
        remove, token = self._listeners.add(trading_pair, callback), object()
        self._listening.add(token)
        if not self._running:
            self._running = [
                self._tasks.spawn(self._beat(), "beat"),
                self._tasks.spawn(self._repeat(self._ask_for_the_account, "account"), "account"),
                self._tasks.spawn(self._repeat(self._orders.tend, "orders"), "orders"),
            ]

        def removed() -> None:
            remove()
            self._listening.discard(token)
            if not self._listening:
                for task in self._running:
                    task.cancel()
                self._running = []

        return removed

    def book_state(self, trading_pair: str) -> BookState | None:
        """Best levels; None while there are none or their age is not known."""
        rule, watch = self._connector.trading_rules.get(trading_pair), self._books.get(trading_pair)
        return None if rule is None or watch is None else watch.state(Decimal(rule.min_price_increment))

    def price_state(self, trading_pair: str) -> PriceState | None:
        """Mark and index; None while there are none or their age is not known."""
        watch = self._prices.get(trading_pair)
        return None if watch is None else watch.state()

    def market_standing(self, trading_pair: str) -> MarketStanding:
        """TRADING while the venue's rules list the pair, read every 30 minutes, and the account nets its positions."""
        is_one_way = self._connector.position_mode is PositionMode.ONEWAY
        is_listed = trading_pair in self._connector.trading_rules
        return MarketStanding.TRADING if is_listed and is_one_way else MarketStanding.UNKNOWN

    def venue_time_ns(self) -> int:
        """Unix time by the venue's clock, as far as Hummingbot asks for it."""
        return int(upstream.venue_time_s(self._connector) * 1e9)

    # --- orders ---

    def order_outcome(self, client_order_id: str) -> OrderOutcome:
        """What is known of an order; UNKNOWN counts as exposure."""
        return self._orders.outcome(client_order_id)

    def rejection_reason(self, client_order_id: str) -> str | None:
        """Words of an order's failure, None when there were none."""
        return self._orders.rejection_reason(client_order_id)

    def rejection_kind(self, client_order_id: str) -> type[ConnectorError]:
        """What an order's failure counts as."""
        return self._orders.rejection_kind(client_order_id)

    def last_order_wire_ns(self, client_order_id: str) -> int | None:
        """None: Hummingbot does not stamp what it sends."""
        return None

    def last_cancel_wire_ns(self, client_order_id: str) -> int | None:
        """None: Hummingbot does not stamp what it sends."""
        return None

    def leftover_orders(self, trading_pair: str) -> list[LeftoverOrder]:
        """Orders of the pair that may fill and that no level owns."""
        return self._orders.leftovers(trading_pair)

    # --- account ---

    def private_stream_age_ms(self) -> float | None:
        """Milliseconds since the account was last heard of; None while its stream is not connected."""
        return self._account.age_ms(time.monotonic_ns())

    def add_fill_listener(self, trading_pair: str, callback: Callable[[OwnFill], None]) -> Callable[[], None]:
        """Call ``callback`` with each own fill of the pair, once; returns what removes it."""
        return self._fill_listeners.add(trading_pair, callback)

    def add_fee_listener(self, trading_pair: str, callback: Callable[[OwnFill], None]) -> Callable[[], None]:
        """Accepted and never called: Hummingbot tells a fee once, with its fill."""
        return self._fee_listeners.add(trading_pair, callback)

    def account_figures(self, trading_pair: str) -> AccountFigures:
        """Nothing: Hummingbot's balance is equity on some connectors and the wallet on others, and none tells how far
        liquidation is.
        """
        return AccountFigures()

    async def own_fills_since(self, trading_pair: str, since_s: float, known: Collection[str]) -> list[OwnFill]:
        """Fills of orders that Hummingbot still knows, from that Unix second on. Raises Transient without an answer.

        Fills of an earlier run are found only for orders that it had stored and restored.
        """
        try:
            await self._orders.read_fills(trading_pair)
        except Exception as error:
            raise Transient(f"fills not read: {error!r}") from error
        return [fill for fill in self._fills.since(trading_pair, since_s) if fill.trade_id not in known]

    # --- the end of a stop ---

    async def own_orders_at_venue(self, client_order_ids: tuple[str, ...]) -> VenueWord:
        """The venue's word on every order that may rest, each asked for by itself. Raises Transient without one."""
        words = await self._orders.words(client_order_ids)
        for key, (_order, seen) in words.items():
            if seen in (Seen.SILENT, Seen.ANSWERED):
                raise Transient(f"no word of the venue on order {key}")
        return VenueWord(
            tuple(leftover(order) for order, seen in words.values() if seen is Seen.OPEN and order is not None),
            tuple(key for key, (_order, seen) in words.items() if seen is Seen.ABSENT))

    async def cancel_at_venue(self, client_order_ids: list[str]) -> None:
        """Ask the venue to cancel these orders; what goes wrong shows when it is asked again."""
        orders = upstream.fillable_orders(self._connector)
        await asyncio.gather(*(self._orders.cancel(orders[key]) for key in client_order_ids if key in orders))

    def own_open_order_ids(self) -> list[str]:
        """Client ids of everything that may rest as far as is known without asking."""
        return self._orders.open_ids()

    # --- looking and asking ---

    def _watch(self, trading_pair: str) -> None:
        self._books.setdefault(trading_pair, BookWatch())
        self._prices.setdefault(trading_pair, PriceWatch())

    def look(self, now_ns: int) -> None:
        """Look at everything that is watched, and tell the listeners of what has changed."""
        self._account.look(upstream.user_stream_stamp(self._connector), now_ns)
        for trading_pair, watch in self._books.items():
            has_moved = watch.look(self._connector.order_books.get(trading_pair), now_ns)
            if self._prices[trading_pair].look(self._funding_info(trading_pair), now_ns) or has_moved:
                self._listeners.notify(trading_pair)

    def _funding_info(self, trading_pair: str) -> Any | None:
        try:
            return self._connector.get_funding_info(trading_pair)
        except KeyError:
            return None

    async def _beat(self) -> None:
        is_said = False
        while True:
            try:
                self.look(time.monotonic_ns())
                is_said = False
            except Exception:
                # A look that fails leaves the ages growing, which pulls the quotes.
                if not is_said:
                    is_said = True
                    logging.getLogger(__name__).exception("look failed connector=%s", self._connector.name)
            await asyncio.sleep(BEAT_S)

    async def _repeat(self, ask: Callable[[], Awaitable[None]], what: str) -> None:
        is_said = False
        while True:
            try:
                await ask()
                is_said = False
            except Exception:
                # Without answers ages grow and orders stay counted; the first failure in a row is enough to be read.
                if not is_said:
                    is_said = True
                    logging.getLogger(__name__).warning(
                        "%s not asked for connector=%s: trying again", what, self._connector.name, exc_info=True)
            await asyncio.sleep(TEND_S)

    async def _ask_for_the_account(self) -> None:
        """Read the position when the stream is quiet: an answer shows that nothing was missed."""
        now_ns = time.monotonic_ns()
        age_ms = self._account.age_ms(now_ns)
        if self._account.is_connected and (age_ms is None or age_ms >= QUIET_MS):
            await asyncio.wait_for(upstream.refresh_positions(self._connector), ASK_S)
            self._account.answered(now_ns)

    def _on_throttled(self) -> None:
        # The quoter reads a number, which stands on the connector itself.
        self._connector.throttled_count += 1

    def _on_filled(self, _tag: int, _caller: Any, event: Any) -> None:
        order = upstream.fetch_order(self._connector, event.order_id)
        fill = self._fills.added(own_fill(event, order, upstream.venue_time_s(self._connector)))
        if fill is not None:
            self._fill_listeners.notify(fill.trading_pair, fill)
