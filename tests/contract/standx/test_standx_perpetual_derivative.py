"""Hummingbot's own derivative contract suite on the StandX connector.

Overridden, and nothing else: the four create-reply tests (StandX returns no id there: the order frame brings it),
and the two position-mode tests (one-way only). The mock of the balances names a token per row, so that the inherited
test can speak of two assets; the venue's own single object is tested in tests/unit/standx.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any
from unittest.mock import AsyncMock

from aioresponses import aioresponses
from aioresponses.core import RequestCall
from hummingbot.connector.derivative.standx_perpetual import (
    standx_perpetual_constants as CONSTANTS,
)
from hummingbot.connector.derivative.standx_perpetual import (
    standx_perpetual_signing as signing,
)
from hummingbot.connector.derivative.standx_perpetual import (
    standx_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.standx_perpetual.standx_perpetual_derivative import StandxPerpetualDerivative
from hummingbot.connector.test_support.perpetual_derivative_test import AbstractPerpetualDerivativeTests
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder
from hummingbot.core.data_type.trade_fee import AddedToCostTradeFee, TokenAmount, TradeFeeBase

from hummingbot_extensions.core.types import OrderOutcome, PriceState

SEED = bytes(range(32))


def _token(expires_s: int = 4102444800) -> str:
    """A JWT of the venue's outer shape; 2100 is far enough."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'HS256'})}.{part({'exp': expires_s})}.c2ln"


def _url(path: str) -> str:
    return web_utils.rest_url(path)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(_url(path)) + r"(\?.*)?$")


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


class StandxPerpetualDerivativeTests(AbstractPerpetualDerivativeTests.PerpetualDerivativeTests):
    __test__ = True

    def _expected_initial_status_dict(self) -> dict[str, bool]:
        return {**super()._expected_initial_status_dict(), "own_leftovers_settled": False}

    @property
    def client_order_id_prefix(self) -> str:
        """Stored orders are taken back only with our owner tag."""
        return str(self.exchange.owner_tag)

    # --- addresses ---------------------------------------------------------------------------------------------------

    @property
    def all_symbols_url(self) -> str:
        return _url(CONSTANTS.SYMBOL_INFO_PATH)

    @property
    def latest_prices_url(self) -> str:
        return f"{_url(CONSTANTS.SYMBOL_PRICE_PATH)}?symbol={self.exchange_trading_pair}"

    @property
    def network_status_url(self) -> str:
        return _url(CONSTANTS.KLINE_TIME_PATH)

    @property
    def trading_rules_url(self) -> str:
        return self.all_symbols_url

    @property
    def order_creation_url(self) -> str:
        return _url(CONSTANTS.NEW_ORDER_PATH)

    @property
    def balance_url(self) -> str:
        return _url(CONSTANTS.QUERY_BALANCE_PATH)

    @property
    def funding_info_url(self) -> str:
        return f"{_url(CONSTANTS.SYMBOL_MARKET_PATH)}?symbol={self.exchange_trading_pair}"

    @property
    def funding_payment_url(self) -> re.Pattern[str]:
        return _pattern(CONSTANTS.QUERY_FUNDING_HISTORY_PATH)

    # --- replies -----------------------------------------------------------------------------------------------------

    def _symbol_row(self, **changes: Any) -> dict[str, Any]:
        return {
            "base_asset": self.base_asset, "quote_asset": self.quote_asset, "symbol": self.exchange_trading_pair,
            "base_decimals": 9, "quote_decimals": 9, "def_leverage": "10", "max_leverage": "40",
            "depth_ticks": "0.01,0.1,1", "enabled": True, "status": "trading", "maker_fee": "0.0001",
            "taker_fee": "0.0004", "max_open_orders": "100", "max_order_qty": "100", "max_position_size": "1000",
            "min_order_qty": "0.0001", "price_cap_ratio": "0.3", "price_floor_ratio": "0.3",
            "price_tick_decimals": 2, "qty_tick_decimals": 4, **changes,
        }  # fmt: skip

    @property
    def all_symbols_request_mock_response(self) -> Any:
        return [self._symbol_row()]

    @property
    def all_symbols_including_invalid_pair_mock_response(self) -> tuple[str, Any]:
        closed = self._symbol_row(base_asset="INVALID", quote_asset="PAIR", symbol="INVALID-USD", status="halted")
        return "INVALID-PAIR", [self._symbol_row(), closed]

    @property
    def latest_prices_request_mock_response(self) -> Any:
        return {"symbol": self.exchange_trading_pair, "last_price": str(self.expected_latest_price), "mark_price": "1"}

    @property
    def network_status_request_successful_mock_response(self) -> Any:
        return 1640780000

    @property
    def trading_rules_request_mock_response(self) -> Any:
        return [self._symbol_row()]

    @property
    def trading_rules_request_erroneous_mock_response(self) -> Any:
        row = self._symbol_row()
        del row["price_tick_decimals"]
        return [row]

    @property
    def order_creation_request_successful_mock_response(self) -> Any:
        return {"code": 0, "message": "success", "request_id": "8679b60a-c3cb-47aa-b45f-e1381cb0982f"}

    def _balance_row(self, token: str, equity: str, available: str) -> dict[str, Any]:
        return {"token": token, "equity": equity, "cross_available": available, "locked": "0"}

    @property
    def balance_request_mock_response_for_base_and_quote(self) -> Any:
        return [self._balance_row(self.base_asset, "15", "10"), self._balance_row(self.quote_asset, "2000", "2000")]

    @property
    def balance_request_mock_response_only_base(self) -> Any:
        return [self._balance_row(self.base_asset, "15", "10")]

    @property
    def balance_event_websocket_update(self) -> Any:
        return {
            "seq": 37, "channel": "balance",
            "data": {"account_type": "perps", "token": self.base_asset, "free": "10", "total": "15", "locked": "5"},
        }  # fmt: skip

    @property
    def funding_info_mock_response(self) -> Any:
        return {
            "symbol": self.exchange_trading_pair, "index_price": "1", "mark_price": "2", "funding_rate": "3",
            "next_funding_time": "2022-07-06T09:17:33Z", "last_price": "1",
        }  # fmt: skip

    @property
    def empty_funding_payment_mock_response(self) -> Any:
        return []

    @property
    def funding_payment_mock_response(self) -> Any:
        return [{
            "asset": self.quote_asset, "created_at": "2022-07-06T12:20:53.254907Z", "id": 530060896, "qty": "200",
            "symbol": self.exchange_trading_pair, "txn_type": "funding_fee",
        }]  # fmt: skip

    @property
    def target_funding_payment_funding_rate(self) -> Decimal:
        """The row states no rate and the test knows no market: unknown is -1 by Hummingbot's convention."""
        return Decimal(-1)

    # --- expectations ------------------------------------------------------------------------------------------------

    @property
    def expected_latest_price(self) -> float:
        return 9999.9

    @property
    def expected_supported_order_types(self) -> list[OrderType]:
        return [OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET]

    @property
    def expected_supported_position_modes(self) -> list[PositionMode]:
        return [PositionMode.ONEWAY]

    @property
    def expected_trading_rule(self) -> TradingRule:
        return TradingRule(
            self.trading_pair, min_order_size=Decimal("0.0001"), max_order_size=Decimal(100),
            min_price_increment=Decimal("0.01"), min_base_amount_increment=Decimal("0.0001"),
            buy_order_collateral_token=self.quote_asset, sell_order_collateral_token=self.quote_asset,
        )  # fmt: skip

    @property
    def expected_logged_error_for_erroneous_trading_rule(self) -> str:
        return f"Error parsing the trading pair rule {self.exchange_trading_pair}. Skipping."

    @property
    def expected_exchange_order_id(self) -> str:
        return "2424844"

    @property
    def is_order_fill_http_update_included_in_status_update(self) -> bool:
        return True

    @property
    def is_order_fill_http_update_executed_during_websocket_order_event_processing(self) -> bool:
        return False

    @property
    def expected_partial_fill_price(self) -> Decimal:
        return Decimal(10500)

    @property
    def expected_partial_fill_amount(self) -> Decimal:
        return Decimal("0.5")

    @property
    def expected_fill_fee(self) -> TradeFeeBase:
        return AddedToCostTradeFee(
            percent_token=self.quote_asset, flat_fees=[TokenAmount(token=self.quote_asset, amount=Decimal(1))]
        )

    @property
    def expected_fill_trade_id(self) -> str:
        return "409870"

    # --- instance ----------------------------------------------------------------------------------------------------

    def exchange_symbol_for_tokens(self, base_token: str, quote_token: str) -> str:
        return f"{base_token}-USD"

    def create_exchange_instance(self) -> StandxPerpetualDerivative:
        return StandxPerpetualDerivative(
            standx_perpetual_login="web_token",
            standx_perpetual_secret=_token(),
            standx_perpetual_request_key=signing.base58.b58encode(SEED).decode(),
            trading_pairs=[self.trading_pair],
        )

    # --- what was sent -----------------------------------------------------------------------------------------------

    def validate_auth_credentials_present(self, request_call: RequestCall) -> None:
        headers = request_call.kwargs["headers"]
        self.assertEqual(f"Bearer {_token()}", headers["Authorization"])
        if request_call.kwargs.get("data") is not None:
            body = request_call.kwargs["data"]
            signer = signing.RequestSigner.from_seed(SEED)
            expected = signer.headers(body, headers["x-request-id"], int(headers["x-request-timestamp"]))
            for name, value in expected.items():
                self.assertEqual(value, headers[name])

    def validate_order_creation_request(self, order: InFlightOrder, request_call: RequestCall) -> None:
        body = json.loads(request_call.kwargs["data"])
        self.assertEqual(self.exchange_trading_pair, body["symbol"])
        self.assertEqual("buy" if order.trade_type is TradeType.BUY else "sell", body["side"])
        self.assertEqual("limit", body["order_type"])
        self.assertEqual("gtc", body["time_in_force"])
        self.assertEqual(Decimal(100), Decimal(body["qty"]))
        self.assertEqual(Decimal(10000), Decimal(body["price"]))
        self.assertIs(order.position is PositionAction.CLOSE, body["reduce_only"])
        self.assertEqual(order.client_order_id, body["cl_ord_id"])
        self.assertIn("x-session-id", request_call.kwargs["headers"])

    def validate_order_cancelation_request(self, order: InFlightOrder, request_call: RequestCall) -> None:
        self.assertEqual({"cl_ord_id": order.client_order_id}, json.loads(request_call.kwargs["data"]))

    def validate_order_status_request(self, order: InFlightOrder, request_call: RequestCall) -> None:
        self.assertEqual({"cl_ord_id": order.client_order_id}, request_call.kwargs["params"])

    def validate_trades_request(self, order: InFlightOrder, request_call: RequestCall) -> None:
        self.assertEqual(self.exchange_trading_pair, request_call.kwargs["params"]["symbol"])

    # --- replies for one order ---------------------------------------------------------------------------------------

    def _order_row(self, order: InFlightOrder, status: str, filled: str = "0") -> dict[str, Any]:
        return {
            "id": int(order.exchange_order_id or self.expected_exchange_order_id), "cl_ord_id": order.client_order_id,
            "symbol": self.exchange_trading_pair, "side": order.trade_type.name.lower(), "order_type": "limit",
            "qty": str(order.amount), "price": str(order.price), "fill_qty": filled,
            "fill_avg_price": str(order.price), "status": status, "reduce_only": False, "time_in_force": "gtc",
            "created_at": "2021-12-29T12:13:20.000000Z", "updated_at": "2021-12-29T12:13:20.000000Z",
        }  # fmt: skip

    def _trade_row(self, order: InFlightOrder, price: Decimal, size: Decimal) -> dict[str, Any]:
        return {
            "id": int(self.expected_fill_trade_id), "order_id": int(order.exchange_order_id or 0),
            "symbol": self.exchange_trading_pair, "side": order.trade_type.name.lower(), "price": str(price),
            "qty": str(size), "value": str(price * size), "fee_qty": "1", "fee_asset": self.quote_asset,
            "created_at": "2021-12-29T12:13:20.000000Z",
        }  # fmt: skip

    def _answer_status(
        self, mock_api: aioresponses, callback: Callable[..., None], row: dict[str, Any] | None, is_listed: bool = False
    ) -> re.Pattern[str]:
        listed = [row] if is_listed and row is not None else []
        listing = {"code": 0, "message": "success", "result": listed, "page_size": len(listed), "total": len(listed)}
        mock_api.get(_pattern(CONSTANTS.QUERY_OPEN_ORDERS_PATH), body=json.dumps(listing))
        query = _pattern(CONSTANTS.QUERY_ORDER_PATH)
        if row is None:
            body = json.dumps({"code": 404, "message": "order not found"})
            mock_api.get(query, status=404, body=body, callback=callback, repeat=True)
        else:
            mock_api.get(query, body=json.dumps(row), callback=callback, repeat=True)
        return query

    def configure_successful_cancelation_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> str:
        url = _url(CONSTANTS.CANCEL_ORDER_PATH)
        mock_api.post(url, body=json.dumps(self.order_creation_request_successful_mock_response), callback=callback)
        return url

    def configure_erroneous_cancelation_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> str:
        url = _url(CONSTANTS.CANCEL_ORDER_PATH)
        mock_api.post(url, status=400, body=json.dumps({"code": 400, "message": "bad request"}), callback=callback)
        return url

    def configure_order_not_found_error_cancelation_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> str:
        url = _url(CONSTANTS.CANCEL_ORDER_PATH)
        mock_api.post(url, status=404, body=json.dumps({"code": 404, "message": "order not found"}), callback=callback)
        return url

    def configure_one_successful_one_erroneous_cancel_all_response(
        self, successful_order: InFlightOrder, erroneous_order: InFlightOrder, mock_api: aioresponses
    ) -> list[str]:
        return [
            self.configure_successful_cancelation_response(successful_order, mock_api),
            self.configure_erroneous_cancelation_response(erroneous_order, mock_api),
        ]

    def configure_completely_filled_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> list[Any]:
        return [self._answer_status(mock_api, callback, self._order_row(order, "filled", str(order.amount)))]

    def configure_canceled_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> list[Any]:
        return [self._answer_status(mock_api, callback, self._order_row(order, "canceled"))]

    def configure_open_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> list[Any]:
        return [self._answer_status(mock_api, callback, self._order_row(order, "open"))]

    def configure_http_error_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> Any:
        return self._answer_status(mock_api, callback, None)

    def configure_partially_filled_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> Any:
        row = self._order_row(order, "open", str(self.expected_partial_fill_amount))
        return self._answer_status(mock_api, callback, row, is_listed=True)

    def configure_order_not_found_error_order_status_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> list[Any]:
        return [self._answer_status(mock_api, callback, None)]

    def _answer_trades(
        self, mock_api: aioresponses, callback: Callable[..., None] | None, rows: list[dict[str, Any]]
    ) -> re.Pattern[str]:
        url = _pattern(CONSTANTS.QUERY_TRADES_PATH)
        body = json.dumps({"page_size": len(rows), "result": rows, "total": len(rows)})
        mock_api.get(url, body=body, callback=callback, repeat=True)
        return url

    def configure_partial_fill_trade_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> Any:
        row = self._trade_row(order, self.expected_partial_fill_price, self.expected_partial_fill_amount)
        return self._answer_trades(mock_api, callback, [row])

    def configure_full_fill_trade_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> Any:
        return self._answer_trades(mock_api, callback, [self._trade_row(order, order.price, order.amount)])

    def configure_erroneous_http_fill_trade_response(
        self, order: InFlightOrder, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> Any:
        url = _pattern(CONSTANTS.QUERY_TRADES_PATH)
        mock_api.get(url, status=400, callback=callback, repeat=True)
        return url

    # --- private frames ----------------------------------------------------------------------------------------------

    def order_event_for_new_order_websocket_update(self, order: InFlightOrder) -> Any:
        return {"seq": 35, "channel": "order", "data": self._order_row(order, "open")}

    def order_event_for_canceled_order_websocket_update(self, order: InFlightOrder) -> Any:
        return {"seq": 35, "channel": "order", "data": self._order_row(order, "canceled")}

    def order_event_for_full_fill_websocket_update(self, order: InFlightOrder) -> Any:
        return {"seq": 35, "channel": "order", "data": self._order_row(order, "filled", str(order.amount))}

    def trade_event_for_full_fill_websocket_update(self, order: InFlightOrder) -> Any:
        return {"seq": 34, "channel": "trade", "data": self._trade_row(order, order.price, order.amount)}

    def position_event_for_full_fill_websocket_update(self, order: InFlightOrder, unrealized_pnl: float) -> Any:
        """The channel carries no unrealised PnL: it follows from the last mark, which is set here to give the
        target.
        """
        size = -order.amount if order.trade_type is TradeType.SELL else order.amount
        mark = order.price + Decimal(str(unrealized_pnl)) / size
        self.exchange._market.on_price(self.trading_pair, PriceState(mark, None, None, None, None, None, 0))
        self.exchange._initialize_trading_pair_symbols_from_exchange_info([self._symbol_row()])
        return {
            "seq": 36, "channel": "position",
            "data": {
                "id": 15, "symbol": self.exchange_trading_pair, "qty": str(size), "entry_price": str(order.price),
                "leverage": str(order.leverage), "status": "open", "realized_pnl": "0",
            },
        }  # fmt: skip

    def funding_info_event_for_websocket_update(self) -> Any:
        return {
            "seq": 13, "channel": "price", "symbol": self.exchange_trading_pair,
            "data": {"symbol": self.exchange_trading_pair, "index_price": "10", "mark_price": "20"},
        }  # fmt: skip

    # --- leverage and mode -------------------------------------------------------------------------------------------

    def configure_successful_set_position_mode(self, position_mode: PositionMode, mock_api: aioresponses,
                                               callback: Callable[..., None] | None = _nothing) -> None:  # fmt: skip
        """Nothing is sent for a mode: StandX has one net position per market."""

    def configure_failed_set_position_mode(
        self, position_mode: PositionMode, mock_api: aioresponses, callback: Callable[..., None] | None = _nothing
    ) -> tuple[str, str]:
        return "", "StandX has one net position per market: only ONEWAY is supported."

    def configure_successful_set_leverage(self, leverage: int, mock_api: aioresponses,
                                          callback: Callable[..., None] | None = _nothing) -> str:  # fmt: skip
        url = _url(CONSTANTS.CHANGE_LEVERAGE_PATH)
        mock_api.post(url, body=json.dumps(self.order_creation_request_successful_mock_response), callback=callback)
        return url

    def configure_failed_set_leverage(self, leverage: int, mock_api: aioresponses,
                                      callback: Callable[..., None] | None = _nothing) -> tuple[str, str]:  # fmt: skip
        url, message = _url(CONSTANTS.CHANGE_LEVERAGE_PATH), "leverage out of range"
        mock_api.post(url, status=400, body=json.dumps({"code": 400, "message": message}), callback=callback)
        return url, message

    # --- overridden: no id in a create reply -------------------------------------------------------------------------

    def _create_and_announce(self, mock_api: aioresponses, place: Callable[[], str], leverage: int) -> InFlightOrder:
        """Place by REST, check the request, then let the order frame bring the id."""
        self._simulate_trading_rules_initialized()
        self.exchange._set_current_timestamp(1640780000)
        self.exchange._perpetual_trading.set_leverage(self.trading_pair, leverage)
        sent = asyncio.Event()
        body = json.dumps(self.order_creation_request_successful_mock_response)
        mock_api.post(self.order_creation_url, body=body, callback=lambda *args, **kwargs: sent.set())
        order_id = place()
        self.async_run_with_timeout(sent.wait())
        request = self._all_executed_requests(mock_api, self.order_creation_url)[0]
        self.validate_auth_credentials_present(request)
        order = self.exchange.in_flight_orders[order_id]
        self.validate_order_creation_request(order=order, request_call=request)
        self.assertIsNone(order.exchange_order_id)
        self.assertEqual(OrderOutcome.PENDING, self.exchange.order_outcome(order_id))

        queue = AsyncMock()
        frame = {"seq": 35, "channel": "order", "data": self._order_row(order, "open")}
        queue.get.side_effect = [frame, asyncio.CancelledError]
        self.exchange._user_stream_tracker._user_stream = queue
        with suppress(asyncio.CancelledError):
            self.async_run_with_timeout(self.exchange._user_stream_event_listener())
        self.assertEqual(OrderOutcome.ACCEPTED, self.exchange.order_outcome(order_id))
        return order

    def _assert_created(self, order: InFlightOrder, event: Any, leverage: int, action: PositionAction) -> None:
        self.assertEqual(self.exchange.current_timestamp, event.timestamp)
        self.assertEqual(self.trading_pair, event.trading_pair)
        self.assertEqual(OrderType.LIMIT, event.type)
        self.assertEqual(Decimal(100), event.amount)
        self.assertEqual(Decimal(10000), event.price)
        self.assertEqual(order.client_order_id, event.order_id)
        self.assertEqual(self.expected_exchange_order_id, event.exchange_order_id)
        self.assertEqual(leverage, event.leverage)
        self.assertEqual(action.value, event.position)
        self.assertTrue(
            self.is_logged(
                "INFO",
                f"Created {OrderType.LIMIT.name} {order.trade_type.name} order {order.client_order_id} for "
                f"{Decimal('100.000000')} to {action.name} a {self.trading_pair} position "
                f"at {Decimal('10000.0000')}.",
            )
        )

    @aioresponses()
    def test_create_buy_limit_order_successfully(self, mock_api: aioresponses) -> None:
        """A buy is sent signed, stays pending without an id, and is created once the order frame brings the id."""
        order = self._create_and_announce(mock_api, self.place_buy_order, 2)
        self._assert_created(order, self.buy_order_created_logger.event_log[0], 2, PositionAction.OPEN)

    @aioresponses()
    def test_create_sell_limit_order_successfully(self, mock_api: aioresponses) -> None:
        """The same for a sell."""
        order = self._create_and_announce(mock_api, self.place_sell_order, 3)
        self._assert_created(order, self.sell_order_created_logger.event_log[0], 3, PositionAction.OPEN)

    @aioresponses()
    def test_create_order_to_close_short_position(self, mock_api: aioresponses) -> None:
        """Closing a short sends a reduce-only buy."""
        order = self._create_and_announce(
            mock_api, lambda: self.place_buy_order(position_action=PositionAction.CLOSE), 4
        )
        self._assert_created(order, self.buy_order_created_logger.event_log[0], 4, PositionAction.CLOSE)

    @aioresponses()
    def test_create_order_to_close_long_position(self, mock_api: aioresponses) -> None:
        """Closing a long sends a reduce-only sell."""
        order = self._create_and_announce(
            mock_api, lambda: self.place_sell_order(position_action=PositionAction.CLOSE), 5
        )
        self._assert_created(order, self.sell_order_created_logger.event_log[0], 5, PositionAction.CLOSE)

    # --- overridden: one-way only ------------------------------------------------------------------------------------

    def test_set_position_mode_success(self) -> None:  # type: ignore[override]
        """One-way is what the venue has: setting it succeeds without a request."""
        self.exchange.set_position_mode(PositionMode.ONEWAY)
        self.async_run_with_timeout(asyncio.sleep(0.01))
        self.assertTrue(self.is_logged("INFO", f"Position mode switched to {PositionMode.ONEWAY}."))
        self.assertEqual(PositionMode.ONEWAY, self.exchange.position_mode)

    def test_set_position_mode_failure(self) -> None:  # type: ignore[override]
        """Hedge mode is refused with a log line and leaves one-way in place."""
        self.exchange.set_position_mode(PositionMode.HEDGE)
        self.assertTrue(self.is_logged("ERROR", f"Position mode {PositionMode.HEDGE} is not supported. Mode not set."))
        self.assertEqual(PositionMode.ONEWAY, self.exchange.position_mode)

    def test_get_buy_and_sell_collateral_tokens(self) -> None:
        """Both sides are collateralised in the quote token."""
        self._simulate_trading_rules_initialized()
        self.assertEqual(self.quote_asset, self.exchange.get_buy_collateral_token(self.trading_pair))
        self.assertEqual(self.quote_asset, self.exchange.get_sell_collateral_token(self.trading_pair))
