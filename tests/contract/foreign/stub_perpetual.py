"""A perpetual connector of nobody's, on Hummingbot's own base classes, for one market of ``SmallVenue``."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from bidict import bidict
from hummingbot.connector.derivative.position import Position
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, PositionSide, TradeType
from hummingbot.core.data_type.funding_info import FundingInfo, FundingInfoUpdate
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.order_book_message import OrderBookMessage, OrderBookMessageType
from hummingbot.core.data_type.perpetual_api_order_book_data_source import PerpetualAPIOrderBookDataSource
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase, TradeFeeSchema
from hummingbot.core.data_type.user_stream_tracker_data_source import UserStreamTrackerDataSource
from hummingbot.core.web_assistant.auth import AuthBase
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory

from tests.contract.foreign.small_venue import STEP, TICK, Refused, SmallVenue, VenueOrder, VenueTrade

NAME, PAIR, SYMBOL = "stub_perpetual", "ETH-USDC", "ETHUSDC"
STATES = {
    "NEW": OrderState.OPEN, "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED, "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
}
WIRE_S = 0.02
BEAT_S = 0.1


async def _server_time(**_: Any) -> float:
    return time.time() * 1e3


class StubBooks(PerpetualAPIOrderBookDataSource):
    """Book and mark of the venue, told every tenth of a second while ``is_fed``."""

    def __init__(self, venue: SmallVenue) -> None:
        super().__init__([PAIR])
        self.venue = venue
        self.is_fed = True
        self._uid = 1

    async def get_last_traded_prices(self, trading_pairs: list[str], domain: str | None = None) -> dict[str, float]:
        return dict.fromkeys(trading_pairs, float(self.venue.mark))

    async def get_funding_info(self, trading_pair: str) -> FundingInfo:
        return FundingInfo(trading_pair, self.venue.mark, self.venue.mark, int(time.time()) + 3600, Decimal("0.0001"))

    def _message(self, kind: OrderBookMessageType) -> OrderBookMessage:
        self._uid += 1
        content = {
            "trading_pair": PAIR, "update_id": self._uid, "bids": [(self.venue.bid, Decimal(5))],
            "asks": [(self.venue.ask, Decimal(5))]}
        return OrderBookMessage(kind, content, timestamp=time.time())

    async def _order_book_snapshot(self, trading_pair: str) -> OrderBookMessage:
        return self._message(OrderBookMessageType.SNAPSHOT)

    async def listen_for_subscriptions(self) -> None:
        while True:
            if self.is_fed:
                for key in (self._snapshot_messages_queue_key, self._funding_info_messages_queue_key):
                    self._message_queue[key].put_nowait({})
            await asyncio.sleep(BEAT_S)

    async def _parse_order_book_snapshot_message(
        self, raw_message: dict[str, Any], message_queue: asyncio.Queue[Any]
    ) -> None:
        message_queue.put_nowait(self._message(OrderBookMessageType.SNAPSHOT))

    async def _parse_funding_info_message(
        self, raw_message: dict[str, Any], message_queue: asyncio.Queue[Any]
    ) -> None:
        # The index moves a little with each message, as it does on a venue.
        message_queue.put_nowait(FundingInfoUpdate(
            PAIR, self.venue.mark + Decimal(self._uid) / 10**6, self.venue.mark, int(time.time()) + 3600,
            Decimal("0.0001")))

    async def subscribe_to_trading_pair(self, trading_pair: str) -> bool:
        return True

    async def unsubscribe_from_trading_pair(self, trading_pair: str) -> bool:
        return True


class StubAccount(UserStreamTrackerDataSource):
    """The account stream: one frame for each change, silent otherwise, gone while not ``is_up``."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: asyncio.Queue[Any] = asyncio.Queue()
        self.is_up = True
        self.newest_s = 0.0

    @property
    def last_recv_time(self) -> float:
        return self.newest_s if self.is_up else 0.0

    async def listen_for_user_stream(self, output: asyncio.Queue[Any]) -> None:
        self.newest_s = time.time()
        while True:
            frame = await self.frames.get()
            self.newest_s = time.time()
            output.put_nowait(frame)


class StubAuth(AuthBase):
    async def rest_authenticate(self, request: Any) -> Any:
        return request

    async def ws_authenticate(self, request: Any) -> Any:
        return request


class StubPerpetualDerivative(PerpetualDerivativePyBase):
    """Speaks to the venue by calls; ``faults`` are raised by the next placements, before or after they took effect."""

    web_utils = SimpleNamespace(get_current_server_time=_server_time)
    order_types = [OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET]
    position_modes = [PositionMode.ONEWAY]

    def __init__(self, venue: SmallVenue) -> None:
        self.venue = venue
        self.account = StubAccount()
        self.books = StubBooks(venue)
        self.faults: list[tuple[Exception, bool]] = []
        """What placements raise next, and whether the venue takes the order all the same."""
        self.is_silent = False
        """The venue answers no question about an order."""
        self.is_hung = False
        """A placement that the venue took is never answered."""
        self.placements: list[str] = []
        venue.tell = self._told
        super().__init__()

    def _told(self, order: VenueOrder, trade: VenueTrade | None) -> None:
        if self.account.is_up:
            self.account.frames.put_nowait((order, order.state, trade, self.venue.position))

    name = NAME
    domain = NAME
    authenticator = StubAuth()
    rate_limits_rules = [RateLimit("all", 1000, 1)]
    client_order_id_max_length = 32
    client_order_id_prefix = "stub"
    trading_rules_request_path = trading_pairs_request_path = check_network_request_path = "all"
    trading_pairs = property(lambda self: [PAIR])
    is_cancel_request_in_exchange_synchronous = False
    is_trading_required = True
    funding_fee_poll_interval = 600

    def supported_order_types(self) -> list[OrderType]:
        return self.order_types

    def supported_position_modes(self) -> list[PositionMode]:
        return self.position_modes

    def get_buy_collateral_token(self, trading_pair: str) -> str:
        return "USDC"

    get_sell_collateral_token = get_buy_collateral_token

    def _create_web_assistants_factory(self) -> WebAssistantsFactory:
        return WebAssistantsFactory(throttler=self._throttler)

    def _create_order_book_data_source(self) -> StubBooks:
        return self.books

    def _create_user_stream_data_source(self) -> StubAccount:
        return self.account

    def _is_request_exception_related_to_time_synchronizer(self, request_exception: Exception) -> bool:
        return False

    def _is_order_not_found_during_status_update_error(self, status_update_exception: Exception) -> bool:
        return isinstance(status_update_exception, Refused)

    def _is_order_not_found_during_cancelation_error(self, cancelation_exception: Exception) -> bool:
        return isinstance(cancelation_exception, Refused)

    async def _make_network_check_request(self) -> None:
        return None

    async def _make_trading_rules_request(self) -> Any:
        return {}

    _make_trading_pairs_request = _make_trading_rules_request

    def _initialize_trading_pair_symbols_from_exchange_info(self, exchange_info: Any) -> None:
        self._set_trading_pair_symbol_map(bidict({SYMBOL: PAIR}))

    async def _format_trading_rules(self, exchange_info_dict: Any) -> list[TradingRule]:
        return [TradingRule(
            PAIR, min_order_size=STEP, min_price_increment=TICK, min_base_amount_increment=STEP,
            min_notional_size=Decimal(1), buy_order_collateral_token="USDC", sell_order_collateral_token="USDC")]

    async def _place_order(
        self, order_id: str, trading_pair: str, amount: Decimal, trade_type: TradeType, order_type: OrderType,
        price: Decimal, position_action: PositionAction = PositionAction.NIL, **kwargs: Any,
    ) -> tuple[str, float]:
        self.placements.append(order_id)
        await asyncio.sleep(WIRE_S)
        fault, is_taken = self.faults.pop(0) if self.faults else (None, True)
        if is_taken:
            order = self.venue.place(
                order_id, trade_type.name, price, amount, order_type is OrderType.LIMIT_MAKER,
                position_action is PositionAction.CLOSE)
        if fault is not None:
            raise fault
        if self.is_hung:
            await asyncio.Event().wait()
        return str(order.order_id), time.time()

    async def _place_cancel(self, order_id: str, tracked_order: InFlightOrder) -> bool:
        await asyncio.sleep(WIRE_S)
        if self.is_silent:
            raise ConnectionError("no answer")
        self.venue.cancel(order_id)
        return True

    async def _request_order_status(self, tracked_order: InFlightOrder) -> OrderUpdate:
        await asyncio.sleep(WIRE_S)
        if self.is_silent:
            raise ConnectionError("no answer")
        order = self.venue.orders.get(tracked_order.client_order_id)
        if order is None:
            raise Refused("unknown order")
        return OrderUpdate(PAIR, time.time(), STATES[order.state], order.client_id, str(order.order_id))

    async def _all_trade_updates_for_order(self, order: InFlightOrder) -> list[TradeUpdate]:
        await asyncio.sleep(WIRE_S)
        return [self._trade_update(trade) for trade in self.venue.trades
                if trade.order.client_id == order.client_order_id]

    def _trade_update(self, trade: VenueTrade) -> TradeUpdate:
        fee = TradeFeeBase.new_perpetual_fee(
            TradeFeeSchema(), PositionAction.OPEN, flat_fees=[TokenAmount("USDC", trade.fee)])
        return TradeUpdate(
            str(trade.trade_id), trade.order.client_id, str(trade.order.order_id), PAIR, trade.at_s, trade.price,
            trade.size, trade.price * trade.size, fee)

    async def _user_stream_event_listener(self) -> None:
        async for order, state, trade, position in self._iter_user_event_queue():
            if trade is not None:
                self._order_tracker.process_trade_update(self._trade_update(trade))
                self._set_position(position)
            self._order_tracker.process_order_update(
                OrderUpdate(PAIR, time.time(), STATES[state], order.client_id, str(order.order_id)))

    def _set_position(self, amount: Decimal) -> None:
        if amount:
            side = PositionSide.LONG if amount > 0 else PositionSide.SHORT
            # Without a sign, as some of Hummingbot's connectors keep it.
            self._perpetual_trading.set_position(
                PAIR, Position(PAIR, side, Decimal(0), self.venue.mark, abs(amount), Decimal(1)))
        else:
            self._perpetual_trading.remove_position(PAIR)

    async def _update_positions(self) -> None:
        await asyncio.sleep(WIRE_S)
        if self.is_silent:
            raise ConnectionError("no answer")
        self._set_position(self.venue.position)

    async def _update_balances(self) -> None:
        self._account_balances["USDC"] = self._account_available_balances["USDC"] = self.venue.balance

    async def _update_trading_fees(self) -> None:
        return None

    def _get_fee(self, *arguments: Any, **named: Any) -> TradeFeeBase:
        return TradeFeeBase.new_perpetual_fee(TradeFeeSchema(), PositionAction.OPEN)

    async def _trading_pair_position_mode_set(self, mode: PositionMode, trading_pair: str) -> tuple[bool, str]:
        return True, ""

    async def _set_trading_pair_leverage(self, trading_pair: str, leverage: int) -> tuple[bool, str]:
        return True, ""

    async def _fetch_last_fee_payment(self, trading_pair: str) -> tuple[float, Decimal, Decimal]:
        return 0, Decimal(-1), Decimal(-1)

    async def _get_last_traded_price(self, trading_pair: str) -> float:
        return float(self.venue.mark)
