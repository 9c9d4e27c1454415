"""Public stream: full books as snapshots, stated prices, public trades; funding by REST.

StandX sends complete books only, and half of them are locked, which a Hummingbot diff would truncate: no diff is ever
made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from hummingbot.core.data_type.common import TradeType
from hummingbot.core.data_type.funding_info import FundingInfo, FundingInfoUpdate
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType
from hummingbot.core.data_type.perpetual_api_order_book_data_source import PerpetualAPIOrderBookDataSource
from hummingbot.core.web_assistant.connections.data_types import WSJSONRequest
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory
from hummingbot.core.web_assistant.ws_assistant import WSAssistant

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.book_hook import ListenedOrderBook
from hummingbot_extensions.connector.errors import ConnectorError, Misconfigured, Transient
from hummingbot_extensions.connector.latency import Leg
from hummingbot_extensions.connector.market_state import MarketState
from hummingbot_extensions.connector.stream_life import StreamLife
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.feeds.standx import (
    BookFrame,
    PriceFrame,
    SkippedFrame,
    SkipReason,
    TradesFrame,
    decimal_or_none,
    parse_book,
    parse_frame,
    parse_price,
    parse_time_ns,
)

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_web_utils as web
from .standx_perpetual_sockets import SocketLink, Sockets

if TYPE_CHECKING:
    from .standx_perpetual_derivative import StandxPerpetualDerivative

PUBLIC_CHANNELS = ("depth_book", "price", "public_trade")


class PublicLink(SocketLink):
    """One public socket, subscribed to all channels of ``pairs``."""

    def __init__(self, ws: WSAssistant, on_frame: Callable[[PublicLink, Any], None]) -> None:
        super().__init__(ws, on_frame)
        self.pairs: set[str] = set()

    def idle_cause(self, now_s: float) -> str | None:
        if not self.pairs or now_s - self.last_frame_ns / 1e9 <= CONSTANTS.WS_PUBLIC_IDLE_S:
            return None
        return f"open, but without a data frame for {CONSTANTS.WS_PUBLIC_IDLE_S:g} s"


class StandxPerpetualAPIOrderBookDataSource(PerpetualAPIOrderBookDataSource):  # type: ignore[misc]
    """Feeds Hummingbot's order book tracker and our market state.

    ``on_connected(is_beside)`` hears of each socket that serves, ``is_beside`` when another was alive;
    ``on_stamp(leg, exchange_ts_ns, received_mono_ns)`` of each frame's times.
    """

    def __init__(
        self,
        trading_pairs: list[str],
        connector: StandxPerpetualDerivative,
        api_factory: WebAssistantsFactory,
        domain: str,
        market: MarketState,
        sockets: Sockets,
        on_connected: Callable[[bool], None],
        on_stamp: Callable[[Leg, int | None, int], None],
    ) -> None:
        super().__init__(trading_pairs)
        self._connector = connector
        self._api_factory = api_factory
        self._domain = domain
        self._market = market
        self._pair_by_symbol: dict[str, str] = {}
        self._last_update_id = 0
        self._order_book_create_function = ListenedOrderBook
        self._sockets = sockets
        self._on_connected = on_connected
        self._on_stamp = on_stamp
        self.life: StreamLife[PublicLink] | None = None
        """The stream while it is listened to."""
        self.connections = 0
        """How often the public socket was established."""

    async def get_last_traded_prices(self, trading_pairs: list[str], domain: str | None = None) -> dict[str, float]:
        return await self._connector.get_last_traded_prices(trading_pairs=trading_pairs)

    async def get_new_order_book(self, trading_pair: str) -> OrderBook:
        """A book with the REST snapshot that tells our listeners about every later one.

        Hummingbot asks once and its tracker dies of an exception, so this asks until the venue answers.
        """
        backoff = Backoff(CONSTANTS.WS_RECONNECT_MIN_S, CONSTANTS.WS_RECONNECT_MAX_S)
        last_problem = ""
        while True:
            try:
                snapshot = await self._order_book_snapshot(trading_pair)
                break
            except Misconfigured:
                # The connector has named the pair and the fix; only a new listing can help now.
                await self._sleep(CONSTANTS.UNKNOWN_PAIR_RETRY_S)
            except ConnectorError as problem:
                if str(problem) != last_problem:
                    last_problem = str(problem)
                    self.logger().warning(f"first book not fetched pair={trading_pair} cause={problem}")
                await self._sleep(backoff.next_s())
        book = self.order_book_create_function()
        if isinstance(book, ListenedOrderBook):
            book.bind(partial(self._market.on_book, trading_pair))
        book.restore_from_snapshot_and_diffs(snapshot, [])
        return book

    async def get_funding_info(self, trading_pair: str) -> FundingInfo:
        """Sample: tests/wire/standx/rest_query_symbol_market.json; the rate is per hour."""
        symbol = await self._connector.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        reply = await web.request_json(
            self._api_factory, CONSTANTS.SYMBOL_MARKET_PATH, self._domain, params={"symbol": symbol}
        )
        frame = parse_price(reply, symbol, time.monotonic_ns())
        if isinstance(frame, PriceFrame):
            self._market.on_price(trading_pair, frame.state)
        rate = decimal_or_none(reply.get("funding_rate"))
        next_ns = parse_time_ns(reply.get("next_funding_time"))
        index, mark = decimal_or_none(reply.get("index_price")), decimal_or_none(reply.get("mark_price"))
        if rate is None or next_ns is None or index is None or mark is None:
            raise Transient(f"{symbol}: the venue states no complete funding information")
        return FundingInfo(trading_pair, index, mark, next_ns // 10**9, rate)

    async def refresh_prices(self, trading_pair: str) -> None:
        """Ask for the stated prices by REST (sample tests/wire/standx/rest_query_symbol_price.json)."""
        symbol = await self._connector.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        reply = await web.request_json(
            self._api_factory, CONSTANTS.SYMBOL_PRICE_PATH, self._domain, params={"symbol": symbol}
        )
        frame = parse_price(reply, symbol, time.monotonic_ns())
        if isinstance(frame, PriceFrame):
            self._market.on_price(trading_pair, frame.state)

    async def listen_for_subscriptions(self) -> None:
        """Connect, subscribe, dispatch; again after every loss, until cancelled."""
        self.life = self._sockets.life(
            f"public stream domain={self._domain}",
            self._open,
            self._up,
            self._down,
            CONSTANTS.WS_ROTATE_PUBLIC_S,
            self.logger(),
        )
        await self.life.run()

    async def _open(self) -> PublicLink:
        ws, _ = await web.connected_websocket(self._api_factory, CONSTANTS.WS_STREAM_PATH, self._domain)
        link = PublicLink(ws, self._take)
        try:
            await self._subscribe_missing(link)
        except BaseException:
            await link.close()
            raise
        return link

    async def _up(self, link: PublicLink, is_beside: bool) -> None:
        self._ws_assistant = link.ws
        self.connections += 1
        # A pair may have come while the socket was being opened.
        await self._subscribe_missing(link)
        self._on_connected(is_beside)

    def _down(self) -> None:
        self._ws_assistant = None

    def _take(self, link: PublicLink, data: Any) -> None:
        if self.life is None or self.life.is_news(link, data):
            self.on_frame(data, link.last_frame_ns)

    async def _subscribe_missing(self, link: PublicLink) -> None:
        for trading_pair in self._trading_pairs:
            if trading_pair in link.pairs:
                continue
            try:
                await self._send_subscriptions(link.ws, trading_pair, "subscribe")
            except Misconfigured as problem:
                # One wrong pair must not keep the others from their books.
                self.logger().debug(f"not subscribed pair={trading_pair} cause={problem}")
            else:
                link.pairs.add(trading_pair)

    async def _send_subscriptions(self, ws: WSAssistant, trading_pair: str, verb: str) -> None:
        symbol = await self._connector.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        self._pair_by_symbol[symbol] = trading_pair
        for channel in PUBLIC_CHANNELS:
            await ws.send(WSJSONRequest(payload={verb: {"channel": channel, "symbol": symbol}}))

    async def subscribe_to_trading_pair(self, trading_pair: str) -> bool:
        """Add a pair to the running stream; False when there is none."""
        link = self.life.link if self.life is not None else None
        if link is None:
            return False
        if trading_pair not in link.pairs:
            await self._send_subscriptions(link.ws, trading_pair, "subscribe")
            link.pairs.add(trading_pair)
        self.add_trading_pair(trading_pair)
        return True

    async def unsubscribe_from_trading_pair(self, trading_pair: str) -> bool:
        """Take a pair off the running stream; False when there is none."""
        link = self.life.link if self.life is not None else None
        if link is None:
            return False
        await self._send_subscriptions(link.ws, trading_pair, "unsubscribe")
        link.pairs.discard(trading_pair)
        self.remove_trading_pair(trading_pair)
        return True

    def on_frame(self, data: Any, received_mono_ns: int) -> None:
        """Hand one public frame on: prices at once, books and trades through Hummingbot's queues."""
        if isinstance(data, dict) and data.get("code") == 408:
            raise ConnectionError(str(data.get("message")))
        frame = parse_frame(data, received_mono_ns)
        if isinstance(frame, SkippedFrame):
            if frame.reason is not SkipReason.OTHER_CHANNEL:
                self._market.on_skipped(frame)
            return
        trading_pair = self._pair_by_symbol.get(frame.symbol)
        if trading_pair is None:
            return
        if isinstance(frame, TradesFrame):
            self._on_stamp(Leg.TRADE, frame.trades[-1].exchange_ts_ns, received_mono_ns)
        else:
            leg = Leg.BOOK if isinstance(frame, BookFrame) else Leg.PRICE
            self._on_stamp(leg, frame.state.exchange_ts_ns, received_mono_ns)
        if isinstance(frame, BookFrame):
            self._message_queue[self._snapshot_messages_queue_key].put_nowait(frame)
        elif isinstance(frame, TradesFrame):
            self._message_queue[self._trade_messages_queue_key].put_nowait(frame)
        else:
            self._message_queue[self._funding_info_messages_queue_key].put_nowait(frame)
            self._market.on_price(trading_pair, frame.state)

    def _channel_originating_message(self, event_message: Any) -> str:
        """Queue key of a raw frame, "" when it belongs to none."""
        channel = event_message.get("channel") if isinstance(event_message, dict) else None
        return {
            "depth_book": self._snapshot_messages_queue_key,
            "public_trade": self._trade_messages_queue_key,
            "price": self._funding_info_messages_queue_key,
        }.get(str(channel), "")

    async def _parse_order_book_snapshot_message(
        self, raw_message: BookFrame, message_queue: asyncio.Queue[Any]
    ) -> None:
        trading_pair = self._pair_by_symbol.get(raw_message.symbol)
        if trading_pair is not None:
            message_queue.put_nowait(self._snapshot_message(trading_pair, raw_message))

    async def _parse_order_book_diff_message(self, raw_message: Any, message_queue: asyncio.Queue[Any]) -> None:
        """StandX has no diffs; nothing is ever put into that queue."""

    async def _parse_trade_message(self, raw_message: TradesFrame, message_queue: asyncio.Queue[Any]) -> None:
        trading_pair = self._pair_by_symbol.get(raw_message.symbol)
        if trading_pair is None:
            return
        for trade in raw_message.trades:
            side = trade.taker_side or self._side_by_book(trading_pair, trade.price)
            trade_type = TradeType.BUY if side is Side.BUY else TradeType.SELL
            seconds = time.time() if trade.exchange_ts_ns is None else trade.exchange_ts_ns / 1e9
            content = {
                "trading_pair": trading_pair,
                "trade_type": float(trade_type.value),
                "trade_id": self._next_update_id(),
                "price": float(trade.price),
                "amount": float(trade.size),
            }
            message_queue.put_nowait(OrderBookMessage(OrderBookMessageType.TRADE, content, timestamp=seconds))

    async def _parse_funding_info_message(self, raw_message: Any, message_queue: asyncio.Queue[Any]) -> None:
        """A price frame updates mark and index; the rate comes by REST (the stream does not carry it)."""
        frame = raw_message if isinstance(raw_message, PriceFrame) else parse_frame(raw_message, time.monotonic_ns())
        if not isinstance(frame, PriceFrame):
            return
        trading_pair = self._pair_by_symbol.get(frame.symbol)
        if trading_pair is None:
            trading_pair = await self._connector.trading_pair_associated_to_exchange_symbol(symbol=frame.symbol)
        message_queue.put_nowait(
            FundingInfoUpdate(trading_pair, index_price=frame.state.index, mark_price=frame.state.mark)
        )

    async def _order_book_snapshot(self, trading_pair: str) -> OrderBookMessage:
        """Sample: tests/wire/standx/rest_query_depth_book.json."""
        symbol = await self._connector.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        self._pair_by_symbol[symbol] = trading_pair
        reply = await web.request_json(
            self._api_factory, CONSTANTS.DEPTH_BOOK_PATH, self._domain, params={"symbol": symbol}
        )
        frame = parse_book(reply, symbol, time.monotonic_ns())
        if not isinstance(frame, BookFrame):
            reason = frame.reason.value if isinstance(frame, SkippedFrame) else "unreadable"
            raise Transient(f"{symbol}: no usable book ({reason})")
        return self._snapshot_message(trading_pair, frame)

    def _snapshot_message(self, trading_pair: str, frame: BookFrame) -> OrderBookMessage:
        stamp = frame.state.exchange_ts_ns
        content = {
            "trading_pair": trading_pair,
            "update_id": self._next_update_id(),
            "bids": frame.bids,
            "asks": frame.asks,
            "frame": frame,
        }
        seconds = time.time() if stamp is None else stamp / 1e9
        return OrderBookMessage(OrderBookMessageType.SNAPSHOT, content, timestamp=seconds)

    def _next_update_id(self) -> int:
        """Strictly growing over reconnects, which the wire's own counter is not."""
        self._last_update_id = max(self._last_update_id + 1, time.time_ns())
        return self._last_update_id

    def _side_by_book(self, trading_pair: str, price: Decimal) -> Side:
        book = self._market.book(trading_pair)
        if book is None or book.bid is None or book.ask is None:
            return Side.BUY
        return Side.BUY if price * 2 >= book.bid + book.ask else Side.SELL
