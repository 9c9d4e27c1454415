"""Own fills: booked once by trade id, whichever way they come, whether Hummingbot still knows the order or not.

A trade row names its order by the venue's id alone. Which client id that is, and so whether the fill is ours, is learnt
from every order row that passes, and asked for where none has.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import PositionAction
from hummingbot.core.data_type.in_flight_order import InFlightOrder, TradeUpdate
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase

from hummingbot_extensions.connector.errors import Misconfigured, NotFound, Rejected, Transient, Unknown
from hummingbot_extensions.connector.listeners import PairListeners
from hummingbot_extensions.connector.own_fills import FillBook, News, OwnFill
from hummingbot_extensions.connector.owned_tasks import Debounced

from . import standx_perpetual_constants as CONSTANTS
from .standx_perpetual_cancelling import StandxCancelling
from .standx_perpetual_parse import FillRow, OrderRow, parse_fill, parse_order, rows_of

RECOVERABLE = (Transient, Unknown, Misconfigured, Rejected)
FILL_MARGIN_S = 120.0
"""How far before the last complete reading the next one starts: lists trail behind, and clocks differ."""
_MAX_UNPLACED = 2_000
_MAX_CLIENT_IDS = 20_000
_OWNER_PAGES = 10
_UNPLACED_FOR_S = 60.0
_FEE_WANTED_FOR_S = 3_600.0


class StandxFills(StandxCancelling):
    """The part of the connector that knows what our orders have filled."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._fill_book = FillBook()
        self._fill_listeners: PairListeners[OwnFill] = PairListeners("fill")
        self._fee_listeners: PairListeners[OwnFill] = PairListeners("fee")
        self._client_ids: OrderedDict[int, str] = OrderedDict()
        self._unplaced: OrderedDict[int, tuple[FillRow, float]] = OrderedDict()
        self._fills_read_s: float | None = None
        """Venue time of the last complete reading."""
        self._born_mono_s = time.monotonic()
        self._placing = Debounced(self._place_unplaced, CONSTANTS.ORDER_FRAME_GRACE_S, self._tasks, "fill-owners")
        super().__init__(*args, **kwargs)

    # --- what the strategy side asks ---------------------------------------------------------------------------------

    def add_fill_listener(self, trading_pair: str, callback: Callable[[OwnFill], None]) -> Callable[[], None]:
        """Call ``callback`` synchronously with every fill of an order that carries our owner tag, once for each trade
        id in the life of this connector; returns what removes it.

        Fills come by stream or REST, in any order, also for orders that Hummingbot has forgotten or never knew (of a
        run before this one): a ledger that outlives the process must know its own trade ids and leave out those that it
        has booked. A fill of no size is never told. The fee may be an estimate (``is_fee_exact`` False) or None.
        """
        return self._fill_listeners.add(trading_pair, callback)

    def add_fee_listener(self, trading_pair: str, callback: Callable[[OwnFill], None]) -> Callable[[], None]:
        """Call ``callback`` once for each fill whose fee had been estimated or unknown, with the same fill and the
        venue's own fee in it; returns what removes it. A fill that came with its exact fee is told once only, as fill.
        """
        return self._fee_listeners.add(trading_pair, callback)

    def exact_fee(self, trade_id: str) -> Decimal | None:
        """Fee of a fill on the venue's word, positive paid, in the margin asset; None while only estimated."""
        return self._fill_book.exact_fee(trade_id)

    async def own_fills_since(
        self, trading_pair: str, since_s: float, known_trade_ids: Collection[str] = frozenset()
    ) -> list[OwnFill]:
        """Every fill of our orders (by owner tag, also of runs before this one) with an exchange time of ``since_s``
        (Unix seconds) or later, oldest first, without those in ``known_trade_ids``. Fees are the venue's own.

        All pages are read. Transient, Unknown, Misconfigured or Rejected when the list, or the owner of a fill in it,
        could not be learnt: then nothing is known, and the call must be made again. The venue's list trails behind by
        seconds: what happened just now comes by ``add_fill_listener``, possibly with a trade id given here as well.
        """
        fills = await self._query_fills(trading_pair, since_s, is_strict=True)
        wanted = [fill for fill in fills if str(fill.trade_id) not in known_trade_ids and fill.size > 0]
        await self._learn_owners(trading_pair, wanted)
        own = []
        for fill in wanted:
            client_order_id = self._owner_of(fill.order_id)
            if client_order_id is None:
                raise Transient(f"the order of fill {fill.trade_id} is not known to the venue yet")
            if self._is_ours(client_order_id):
                own.append(self._own_fill(client_order_id, trading_pair, fill))
        return own

    # --- from the stream and from lists ------------------------------------------------------------------------------

    def _apply_fill(self, fill: FillRow) -> None:
        """Book a fill of one of our orders once; one whose order we do not know waits until that is found out."""
        if not fill.size > 0:
            self.logger().debug(f"fill without a size ignored trade={fill.trade_id}")
            return
        client_order_id = self._owner_of(fill.order_id)
        if client_order_id is None:
            self._unplaced.setdefault(fill.trade_id, (fill, time.monotonic()))
            while len(self._unplaced) > _MAX_UNPLACED:
                self._unplaced.popitem(last=False)
            self._placing.request()
        elif self._is_ours(client_order_id):
            self._book_fill(client_order_id, fill)

    def _is_ours(self, client_order_id: str) -> bool:
        return client_order_id.startswith(self.owner_tag) or self._tracked(client_order_id) is not None

    def _owner_of(self, order_id: int) -> str | None:
        """Client id of a venue's order, "" for one without; None when we have not met it."""
        known = self._client_ids.get(order_id)
        if known is not None:
            return known
        order = self._order_tracker.all_fillable_orders_by_exchange_order_id.get(str(order_id))
        return None if order is None else str(order.client_order_id)

    def _learn_owner(self, row: OrderRow) -> None:
        """Remember whose order a row is, and book what has waited for that."""
        self._client_ids[row.order_id] = row.client_order_id
        while len(self._client_ids) > _MAX_CLIENT_IDS:
            self._client_ids.popitem(last=False)
        waiting = [fill for fill, _ in self._unplaced.values() if fill.order_id == row.order_id]
        for fill in waiting:
            del self._unplaced[fill.trade_id]
            self._apply_fill(fill)

    def _book_fill(self, client_order_id: str, fill: FillRow) -> None:
        order = self._tracked(client_order_id)
        trading_pair = order.trading_pair if order is not None else self._pair_or_none(fill.symbol)
        if trading_pair is None:
            return
        own = self._own_fill(client_order_id, trading_pair, fill)
        news = self._fill_book.take(own)
        if order is not None:
            self._book_in_tracker(order, fill, own, news)
        elif news is News.NEW:
            self.logger().info(
                f"fill of an order that is no longer tracked id={client_order_id} trade={own.trade_id} "
                f"side={own.side.value} size={own.size} price={own.price}"
            )
        if news is News.NEW:
            self._on_own_fill(own)
            self._fill_listeners.notify(trading_pair, own)
        elif news is News.FEE:
            self.logger().debug(f"fee corrected id={client_order_id} trade={own.trade_id} fee={own.fee}")
            self._fee_listeners.notify(trading_pair, own)

    def _book_in_tracker(self, order: InFlightOrder, fill: FillRow, own: OwnFill, news: News) -> None:
        if order.exchange_order_id is None:
            order.update_exchange_order_id(str(fill.order_id))
        if own.trade_id not in order.order_fills:
            self._order_tracker.process_trade_update(self._trade_update(order, fill))
        elif news is News.FEE:
            order.order_fills[own.trade_id] = self._trade_update(order, fill)

    def _on_own_fill(self, fill: OwnFill) -> None:
        """For the part that watches the position."""

    def _pair_or_none(self, symbol: str) -> str | None:
        for trading_pair, info in self._symbols.items():
            if info.symbol == symbol:
                return trading_pair
        return None

    # --- values ------------------------------------------------------------------------------------------------------

    def _own_fill(self, client_order_id: str, trading_pair: str, fill: FillRow) -> OwnFill:
        order = self._tracked(client_order_id)
        fee = fill.fee
        if fee is None and order is not None:
            fee = fill.price * fill.size * self._fee_frac(order)
        return OwnFill(
            trade_id=str(fill.trade_id),
            client_order_id=client_order_id,
            exchange_order_id=str(fill.order_id),
            trading_pair=trading_pair,
            side=fill.side,
            price=fill.price,
            size=fill.size,
            fee=fee,
            is_fee_exact=fill.fee is not None,
            is_maker=self._is_maker(order, trading_pair, fill),
            exchange_ts_ns=fill.exchange_ts_ns,
        )

    def _is_maker(self, order: InFlightOrder | None, trading_pair: str, fill: FillRow) -> bool | None:
        """By the kind of order where that decides, else by the exact fee where it is one of the two rates."""
        if order is not None and order.order_type.name in ("LIMIT_MAKER", "MARKET"):
            return bool(order.order_type.name == "LIMIT_MAKER")
        info = self._symbols.get(trading_pair)
        value = fill.price * fill.size
        if info is None or fill.fee is None or not value or info.maker_fee == info.taker_fee:
            return None
        frac = fill.fee / value
        near = abs(info.taker_fee - info.maker_fee) / 10
        if abs(frac - info.maker_fee) <= near:
            return True
        return False if abs(frac - info.taker_fee) <= near else None

    def _trade_update(self, order: InFlightOrder, fill: FillRow) -> TradeUpdate:
        asset = fill.fee_asset or order.quote_asset
        fee = fill.fee
        if fee is None:
            fee = fill.price * fill.size * self._fee_frac(order)
        return TradeUpdate(
            trade_id=str(fill.trade_id),
            client_order_id=order.client_order_id,
            exchange_order_id=str(fill.order_id),
            trading_pair=order.trading_pair,
            fill_timestamp=self.current_timestamp if fill.exchange_ts_ns is None else fill.exchange_ts_ns / 1e9,
            fill_price=fill.price,
            fill_base_amount=fill.size,
            fill_quote_amount=fill.size * fill.price,
            fee=TradeFeeBase.new_perpetual_fee(
                fee_schema=self.trade_fee_schema(),
                position_action=order.position if order.position is PositionAction.CLOSE else PositionAction.OPEN,
                percent_token=asset,
                flat_fees=[TokenAmount(amount=fee, token=asset)],
            ),
        )

    def _fee_frac(self, order: InFlightOrder) -> Decimal:
        """The symbol's maker or taker rate, by what the order was when it was sent."""
        record = self._outcomes.get(order.client_order_id)
        is_taker = (
            record.is_taker if record is not None and record.is_taker is not None else order.order_type.name == "MARKET"
        )
        info = self._symbols.get(order.trading_pair)
        if info is not None:
            return info.taker_fee if is_taker else info.maker_fee
        schema = self.trade_fee_schema()
        return schema.taker_percent_fee_decimal if is_taker else schema.maker_percent_fee_decimal

    # --- by REST -----------------------------------------------------------------------------------------------------

    async def _read_fills(self, orders: Iterable[InFlightOrder] = ()) -> None:
        """One paged query per pair: all fills since the last complete reading, and those of ``orders``."""
        began_s = self._venue_time_s()
        listed = [pair for pair in self._trading_pairs if pair in self._symbols]
        since_by_pair = dict.fromkeys(listed, self._unread_since_s(began_s) - FILL_MARGIN_S)
        estimated_ns = self._fill_book.oldest_estimated_ts_ns
        if estimated_ns is not None:
            oldest_s = max(estimated_ns / 1e9, began_s - _FEE_WANTED_FOR_S)
            since_by_pair = {pair: min(since, oldest_s) for pair, since in since_by_pair.items()}
        await self._read_fills_since(self._with_orders(since_by_pair, orders))
        if listed:
            self._fills_read_s = began_s

    def _unread_since_s(self, now_s: float) -> float:
        """Venue time from which on fills may not have been read: at first our own birth, which no list can tell."""
        if self._fills_read_s is None:
            return now_s - (time.monotonic() - self._born_mono_s)
        return min(self._fills_read_s, now_s)

    async def _fetch_fills(self, orders: Iterable[InFlightOrder]) -> None:
        """One paged query per pair for the fills of ``orders`` (sample tests/wire/standx/rest_query_trades.json)."""
        await self._read_fills_since(self._with_orders({}, orders))

    def _with_orders(self, since_by_pair: dict[str, float], orders: Iterable[InFlightOrder]) -> dict[str, float]:
        for order in orders:
            since_s = self._born_at_venue_s(order) - FILL_MARGIN_S
            since_by_pair[order.trading_pair] = min(since_by_pair.get(order.trading_pair, since_s), since_s)
        return since_by_pair

    def _born_at_venue_s(self, order: InFlightOrder) -> float:
        """Venue time at which an order cannot have existed yet: Hummingbot's own stamp is the local wall clock's, which
        may be off by any amount.
        """
        now_s = self._venue_time_s()
        record = self._outcomes.get(order.client_order_id)
        if record is not None and record.created_ts_ns is not None:
            return min(record.created_ts_ns / 1e9, now_s)
        if record is not None and record.sent_mono_ns is not None:
            return now_s - (time.monotonic_ns() - record.sent_mono_ns) / 1e9
        return min(order.creation_timestamp, now_s)

    def _venue_time_s(self) -> float:
        """For the part that keeps the venue's clock; seconds since the epoch."""
        raise NotImplementedError

    async def _read_fills_since(self, since_by_pair: Mapping[str, float]) -> None:
        for trading_pair, since_s in since_by_pair.items():
            for fill in await self._query_fills(trading_pair, since_s):
                self._apply_fill(fill)

    async def _query_fills(self, trading_pair: str, since_s: float, is_strict: bool = False) -> list[FillRow]:
        """Fills of the account since ``since_s``, oldest first, all pages (backwards by id). A row that cannot be read
        is skipped, or with ``is_strict`` raised as Transient.
        """
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        params: dict[str, Any] = {"symbol": symbol, "limit": CONSTANTS.PAGE_LIMIT}
        if since_s > 0:
            params["start"] = datetime.fromtimestamp(since_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        fills: dict[int, FillRow] = {}
        while True:
            rows, _ = rows_of(await self._private(CONSTANTS.QUERY_TRADES_PATH, params=params))
            page = [self._fill_or_none(row) for row in rows]
            if is_strict and None in page:
                raise Transient(f"{page.count(None)} fills of {trading_pair} cannot be read")
            fresh = [fill for fill in page if fill is not None and fill.trade_id not in fills]
            fills.update((fill.trade_id, fill) for fill in fresh)
            if len(rows) < CONSTANTS.PAGE_LIMIT or not fresh:
                return sorted(fills.values(), key=lambda fill: fill.trade_id)
            params["last_id"] = min(fill.trade_id for fill in fresh)

    def _fill_or_none(self, row: Mapping[str, Any]) -> FillRow | None:
        try:
            return parse_fill(row)
        except (KeyError, ValueError, TypeError):
            self.logger().warning("a fill in a REST reply cannot be read and is skipped")
            return None

    async def _refresh_missing_fills(self) -> None:
        orders = [order for order in self._order_tracker.active_orders.values() if order.exchange_order_id is not None]
        if orders:
            try:
                await self._fetch_fills(orders)
            except RECOVERABLE as problem:
                self.logger().debug(f"fills not fetched cause={problem}")

    async def _all_trade_updates_for_order(self, order: InFlightOrder) -> list[TradeUpdate]:
        if order.exchange_order_id is None:
            return []
        fills = await self._query_fills(order.trading_pair, self._born_at_venue_s(order) - FILL_MARGIN_S)
        return [
            self._trade_update(order, fill)
            for fill in fills
            if str(fill.order_id) == order.exchange_order_id and fill.size > 0
        ]

    # --- whose order is it? ------------------------------------------------------------------------------------------

    async def _place_unplaced(self) -> None:
        """Ask for the orders of fills that we cannot place, until they are known or have been for a minute."""
        wait_s = 0.25
        while self._unplaced:
            for order_id in {fill.order_id for fill, _ in self._unplaced.values()}:
                try:
                    self._learn_owner(await self._query_order_by_id(order_id))
                except RECOVERABLE as problem:
                    self.logger().debug(f"order of a fill not found order={order_id} cause={problem}")
            for trade_id, (fill, since_mono_s) in list(self._unplaced.items()):
                if time.monotonic() - since_mono_s > _UNPLACED_FOR_S:
                    del self._unplaced[trade_id]
                    self.logger().warning(
                        f"fill left out, the venue does not know its order trade={trade_id} order={fill.order_id}"
                    )
            if self._unplaced:
                await asyncio.sleep(wait_s)
                wait_s = min(5.0, wait_s * 2)

    async def _query_order_by_id(self, order_id: int) -> OrderRow:
        reply = await self._private(CONSTANTS.QUERY_ORDER_PATH, params={"order_id": order_id})
        try:
            return parse_order(reply)
        except (KeyError, ValueError, TypeError) as problem:
            raise Transient(f"order reply cannot be read ({type(problem).__name__})") from problem

    async def _learn_owners(self, trading_pair: str, fills: Iterable[FillRow]) -> None:
        """Learn whose orders the fills belong to: from the list of orders where there are many, else one by one.

        An order that the venue does not know any more, of a fill long past, counts as nobody's.
        """
        missing = {fill.order_id for fill in fills if self._owner_of(fill.order_id) is None}
        if len(missing) > _OWNER_PAGES:
            await self._learn_owners_from_list(trading_pair, min(missing))
            missing = {order_id for order_id in missing if self._owner_of(order_id) is None}
        newest_ns = {fill.order_id: fill.exchange_ts_ns or 0 for fill in fills}
        for order_id in sorted(missing):
            try:
                self._learn_owner(await self._query_order_by_id(order_id))
            except NotFound:
                if self._venue_time_s() - newest_ns[order_id] / 1e9 < CONSTANTS.NOT_FOUND_BELIEVED_AFTER_S * 2:
                    raise Transient(f"order {order_id} of a recent fill is not listed yet") from None
                self.logger().warning(f"the venue does not know the order of a fill any more order={order_id}")
                self._client_ids[order_id] = ""

    async def _learn_owners_from_list(self, trading_pair: str, oldest_id: int) -> None:
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        params: dict[str, Any] = {"symbol": symbol, "limit": CONSTANTS.PAGE_LIMIT}
        for _ in range(_OWNER_PAGES):
            rows, _ = rows_of(await self._private(CONSTANTS.QUERY_ORDERS_PATH, params=params))
            orders = [order for order in map(self._order_or_none, rows) if order is not None]
            for order in orders:
                self._learn_owner(order)
            lowest = min((order.order_id for order in orders), default=0)
            if len(rows) < CONSTANTS.PAGE_LIMIT or lowest <= oldest_id or lowest == params.get("last_id"):
                return
            params["last_id"] = lowest

    def _order_or_none(self, row: Mapping[str, Any]) -> OrderRow | None:
        try:
            return parse_order(row)
        except (KeyError, ValueError, TypeError):
            self.logger().warning("an order in a REST reply cannot be read and is skipped")
            return None
