"""StandX perpetuals as a Hummingbot derivative connector: wiring of properties, networks and public data.

Orders are in standx_perpetual_order_flow, the account in standx_perpetual_account_sync.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hummingbot import prefix_path
from hummingbot.connector.constants import s_decimal_NaN
from hummingbot.core.api_throttler.data_types import RateLimit
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.data_type.funding_info import FundingInfoUpdate
from hummingbot.core.data_type.trade_fee import TradeFeeBase
from hummingbot.core.network_iterator import NetworkStatus
from hummingbot.core.utils.estimate_fee import build_perpetual_trade_fee
from hummingbot.core.web_assistant.connections.data_types import RESTMethod
from hummingbot.core.web_assistant.web_assistants_factory import WebAssistantsFactory

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.errors import ConnectorError, Misconfigured, NotFound
from hummingbot_extensions.connector.market_state import MarketState
from hummingbot_extensions.connector.outcomes import OutcomeBook
from hummingbot_extensions.connector.owned_tasks import Debounced, OwnedTasks
from hummingbot_extensions.connector.owner_tag import owner_tag
from hummingbot_extensions.core.types import BookState, PriceState

from . import (
    standx_perpetual_constants as CONSTANTS,
)
from . import (
    standx_perpetual_utils as utils,
)
from . import (
    standx_perpetual_web_utils as web_utils,
)
from .standx_perpetual_api_order_book_data_source import StandxPerpetualAPIOrderBookDataSource
from .standx_perpetual_auth import StandxPerpetualAuth
from .standx_perpetual_margin import StandxMargin
from .standx_perpetual_order_entry import OrderEntryStream
from .standx_perpetual_parse import overview_prices, parse_funding_row, rows_of
from .standx_perpetual_sockets import Sockets
from .standx_perpetual_user_stream_data_source import StandxPerpetualUserStreamDataSource

utils.register_feeds()


class StandxPerpetualDerivative(StandxMargin):
    """One account on StandX, live or on the local emulator, one-way positions in cross margin."""

    web_utils = web_utils
    # Bulk polling costs four requests, so the REST picture may be taken far more often than upstream's 120 s.
    LONG_POLL_INTERVAL = 15.0

    def __init__(
        self,
        standx_perpetual_login: str = "",
        standx_perpetual_secret: str = "",
        standx_perpetual_request_key: str = "",
        trading_pairs: list[str] | None = None,
        trading_required: bool = True,
        domain: str = CONSTANTS.DEFAULT_DOMAIN,
        balance_asset_limit: dict[str, dict[str, Decimal]] | None = None,
        rate_limits_share_pct: Decimal = Decimal(100),
    ) -> None:
        self._keys = (standx_perpetual_login, standx_perpetual_secret, standx_perpetual_request_key)
        self._trading_pairs = trading_pairs if trading_pairs is not None else []
        self._trading_required = trading_required
        self._domain = domain
        self._market = MarketState()
        self._outcomes = OutcomeBook()
        self._symbols = {}
        self._tasks = OwnedTasks(domain)
        self._resolvers = {}
        self._proven_session = None
        self._proof_backoff = Backoff(1.0, CONSTANTS.KEY_RETRY_MAX_S)
        self._next_proof_mono_s = 0.0
        self._balance_refresh = Debounced(
            self._refresh_balances_quietly, CONSTANTS.BALANCE_DEBOUNCE_S, self._tasks, "balances"
        )
        self._fill_check = Debounced(self._refresh_missing_fills, CONSTANTS.ORDER_FRAME_GRACE_S, self._tasks, "fills")
        self._bootstrap = Debounced(self._read_account, 0.0, self._tasks, "bootstrap")
        self._sockets = Sockets()
        self._is_account_read = False
        self._private_losses = 0
        self._was_reached = False
        self._prepare_upkeep()
        self._prepare_market_watch()
        self._prepare_margin()
        self._owner_tag = owner_tag(str(prefix_path()))
        super().__init__(balance_asset_limit, rate_limits_share_pct)
        self._auth.use_login_call(self._login_request)
        self._auth.use_key_listener(self._on_keys_changed)
        self._auth.use_doubt_listener(self._on_doubted_signature)
        self._order_entry = OrderEntryStream(
            self._web_assistants_factory,
            self._auth,
            domain,
            self._sockets,
            self._on_command_reply,
            self._on_command_lost,
            self.logger(),
        )
        self._auth.use_token_listener(self._on_new_token)

    # --- properties that Hummingbot asks for -------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._domain

    @property
    def domain(self) -> str:
        return self._domain

    @property
    def authenticator(self) -> StandxPerpetualAuth:
        login, secret, request_key = self._keys
        return StandxPerpetualAuth(login, secret, request_key, self._domain, now_s=self._venue_time_s)

    @property
    def rate_limits_rules(self) -> list[RateLimit]:
        return CONSTANTS.RATE_LIMITS

    @property
    def client_order_id_max_length(self) -> int:
        return CONSTANTS.MAX_CLIENT_ORDER_ID_LENGTH

    @property
    def client_order_id_prefix(self) -> str:
        return self._owner_tag

    @property
    def trading_rules_request_path(self) -> str:
        return CONSTANTS.SYMBOL_INFO_PATH

    @property
    def trading_pairs_request_path(self) -> str:
        return CONSTANTS.SYMBOL_INFO_PATH

    @property
    def check_network_request_path(self) -> str:
        return CONSTANTS.KLINE_TIME_PATH

    @property
    def trading_pairs(self) -> list[str]:
        return self._trading_pairs

    @property
    def is_cancel_request_in_exchange_synchronous(self) -> bool:
        return False

    @property
    def is_trading_required(self) -> bool:
        return self._trading_required

    @property
    def funding_fee_poll_interval(self) -> int:
        return 120

    @property
    def status_dict(self) -> dict[str, bool]:
        """As upstream, and while the venue refuses our keys an entry that keeps the connector from being ready."""
        status = dict(super().status_dict)
        if self._auth.problem is not None:
            status["keys_accepted"] = False
        return status

    def supported_order_types(self) -> list[OrderType]:
        return [OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET]

    def supported_position_modes(self) -> list[PositionMode]:
        return [PositionMode.ONEWAY]

    def get_buy_collateral_token(self, trading_pair: str) -> str:
        return str(trading_pair.split("-")[1])

    def get_sell_collateral_token(self, trading_pair: str) -> str:
        return str(trading_pair.split("-")[1])

    def _is_request_exception_related_to_time_synchronizer(self, request_exception: Exception) -> bool:
        return False

    def _is_order_not_found_during_status_update_error(self, status_update_exception: Exception) -> bool:
        return isinstance(status_update_exception, NotFound)

    def _is_order_not_found_during_cancelation_error(self, cancelation_exception: Exception) -> bool:
        return isinstance(cancelation_exception, NotFound)

    # --- what the strategy side asks ---------------------------------------------------------------------------------

    @property
    def owner_tag(self) -> str:
        """Prefix of our client order ids; orders without it are not ours and never touched."""
        return self._owner_tag

    def add_book_listener(self, trading_pair: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` synchronously after each applied book and each price frame; returns what removes it."""
        return self._market.listeners.add(trading_pair, callback)

    def book_state(self, trading_pair: str) -> BookState | None:
        """Best levels as shown, None before the first book."""
        return self._market.book(trading_pair)

    def price_state(self, trading_pair: str) -> PriceState | None:
        """Mark, index and exact touch as last stated, None before the first."""
        return self._market.price(trading_pair)

    def private_stream_age_ms(self) -> float | None:
        """Milliseconds since the last sign of life of the private stream; None while it is not logged in.

        None, too, until the account has been read after a login: what happened before it comes by no frame.
        """
        source: StandxPerpetualUserStreamDataSource = self._user_stream_tracker.data_source
        return source.age_ms if self._is_account_read else None

    @property
    def skipped_public_frames(self) -> Mapping[str, int]:
        """How many public frames were refused, by reason (crossed, empty_side, not_finite, malformed)."""
        return dict(self._market.skipped)

    # --- factories ---------------------------------------------------------------------------------------------------

    def _create_web_assistants_factory(self) -> WebAssistantsFactory:
        return web_utils.build_api_factory(throttler=self._throttler, domain=self._domain, auth=self._auth)

    def _create_order_book_data_source(self) -> StandxPerpetualAPIOrderBookDataSource:
        return StandxPerpetualAPIOrderBookDataSource(
            self._trading_pairs, self, self._web_assistants_factory, self._domain, self._market, self._sockets,
            self._on_public_stream, self._on_stamp,
        )  # fmt: skip

    def _create_user_stream_data_source(self) -> StandxPerpetualUserStreamDataSource:
        return StandxPerpetualUserStreamDataSource(
            self._auth, self._web_assistants_factory, self._domain, self._sockets, self._on_private_stream,
            self._on_private_stream_lost, self._on_private_frame, self._beat_symbol,
        )  # fmt: skip

    # --- the streams -------------------------------------------------------------------------------------------------

    def _on_public_stream(self, is_beside: bool) -> None:
        """Prices come every 3 s: after a loss they are asked for, so that nobody waits for the beat."""
        if not is_beside:
            self._tasks.spawn(self._refresh_prices(), "prices")

    async def _refresh_prices(self) -> None:
        for trading_pair in tuple(self._trading_pairs):
            try:
                await self._orderbook_ds.refresh_prices(trading_pair)
            except ConnectorError as problem:
                self.logger().debug(f"prices not fetched pair={trading_pair} cause={problem}")

    async def _beat_symbol(self) -> str | None:
        """The market whose prices are the private socket's heartbeat; None when we have none."""
        for trading_pair in self._trading_pairs:
            if trading_pair not in self._unknown_pairs:
                return await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        return None

    def _on_private_stream(self, is_beside: bool) -> None:
        """What a socket brought beside a living one missed nothing; the account is read all the same."""
        if not is_beside:
            self._private_losses += 1
            self._is_account_read = False
        self._bootstrap.request()

    def _on_private_stream_lost(self) -> None:
        """Let everybody decide again at once: nothing may rest unwatched."""
        self._private_losses += 1
        self._is_account_read = False
        self._market.listeners.notify_all()

    async def _login_request(self, path: str, params: Mapping[str, str], body: Mapping[str, Any]) -> Any:
        return await web_utils.request_json(
            self._web_assistants_factory, path, self._domain, method=RESTMethod.POST, params=params, body=body
        )

    # --- life --------------------------------------------------------------------------------------------------------

    async def start_network(self) -> None:
        """Start Hummingbot's loops and our own: order entry socket, funding rates, first prices."""
        if self.is_trading_required and self._auth.has_keys:
            # A clock that is off and bad keys are then known, and said once, before any loop starts to sign.
            await self._update_time_synchronizer()
            await self._refresh_balances_quietly()
        await super().start_network()
        if self.is_trading_required:
            self._tasks.spawn(self._order_entry.run(), "order-entry")
            self._loops.spawn(self._keep_session(), "session")
        if self._trading_pairs:
            self._tasks.spawn(self._poll_funding(), "funding")
            self._loops.spawn(self._watch_markets(), "markets")

    async def stop_network(self) -> None:
        """Stop everything that ``start_network`` started, and everything that ran for single orders."""
        if self._funding_fee_polling_task is not None:
            # Upstream leaves this one running.
            self._funding_fee_polling_task.cancel()
            self._funding_fee_polling_task = None
        await super().stop_network()
        await self._loops.stop()
        await self._tasks.stop()

    def _on_keys_changed(self, problem: Misconfigured | None) -> None:
        """One line when our keys are refused, with what they can no longer cancel; one when they are taken again."""
        if problem is None:
            self.logger().info(f"keys accepted again domain={self._domain}")
            return
        resting = ", ".join(self.own_open_order_ids()) or "none known"
        self.logger().error(
            f"keys refused domain={self._domain}: {problem} No new order is sent. "
            f"Own orders that may still rest at StandX: {resting}"
        )

    async def _status_polling_loop_fetch_updates(self) -> None:
        """As upstream; refused keys have been announced and are asked about again by the next polls."""
        try:
            await super()._status_polling_loop_fetch_updates()
        except Misconfigured as problem:
            self.logger().debug(f"account not polled cause={problem}")

    async def _update_funding_payment(self, trading_pair: str, fire_event_on_new: bool) -> bool:
        """As upstream, but not while our keys or the pair are known to be wrong."""
        if self._auth.problem is not None or trading_pair in self._unknown_pairs:
            return False
        return bool(await super()._update_funding_payment(trading_pair, fire_event_on_new))

    async def _read_account(self) -> None:
        """The private stream sends no snapshot: read positions, balances and orders after each (re)connect.

        Until that is done nobody may take the account's picture for whole, so it is tried until it is, and from the
        start when the stream was lost meanwhile.
        """
        backoff = Backoff(0.25, CONSTANTS.WS_RECONNECT_MAX_S)
        losses = self._private_losses
        steps = [self._update_positions, self._update_balances, self._read_orders]
        while steps:
            try:
                await steps[0]()
            except Misconfigured as problem:
                self.logger().debug(f"account not read step={steps[0].__name__} cause={problem}")
                await asyncio.sleep(max(backoff.next_s(), self._auth.retry_in_s))
            except ConnectorError as problem:
                self.logger().warning(f"account not read step={steps[0].__name__} cause={problem}")
                await asyncio.sleep(backoff.next_s())
            except Exception:  # noqa: BLE001  without this reading the bot would stand still until the next login
                self.logger().exception(f"account not read step={steps[0].__name__}")
                await asyncio.sleep(backoff.next_s())
            else:
                del steps[0]
            if losses != self._private_losses:
                # The next login has this read again; before it there is nothing to be whole.
                return
        self._is_account_read = self._user_stream_tracker.data_source.is_authenticated
        self._market.listeners.notify_all()

    async def _init_funding_info(self) -> None:
        """As upstream, but one market without an answer must not keep the others from their updates."""
        for trading_pair in tuple(self._trading_pairs):
            try:
                info = await self._orderbook_ds.get_funding_info(trading_pair)
            except Misconfigured as problem:
                self.logger().debug(f"funding not fetched pair={trading_pair} cause={problem}")
            except (ConnectorError, KeyError) as problem:
                self.logger().warning(f"funding not fetched pair={trading_pair} cause={problem}, trying again")
            else:
                self._perpetual_trading.initialize_funding_info(info)

    async def _poll_funding(self) -> None:
        """The rate is not on the stream: ask for it every minute."""
        while True:
            for trading_pair in tuple(self._trading_pairs):
                try:
                    info = await self._orderbook_ds.get_funding_info(trading_pair)
                    await self._orderbook_ds.refresh_prices(trading_pair)
                except (ConnectorError, KeyError) as problem:
                    self.logger().debug(f"funding not fetched pair={trading_pair} cause={problem}")
                    continue
                if trading_pair not in self._perpetual_trading.funding_info:
                    # Upstream asks once and never again when that fails.
                    self._perpetual_trading.initialize_funding_info(info)
                self._perpetual_trading.funding_info_stream.put_nowait(
                    FundingInfoUpdate(
                        trading_pair, info.index_price, info.mark_price, info.next_funding_utc_timestamp, info.rate
                    )
                )
            known = self._perpetual_trading.funding_info
            is_complete = all(pair in known or pair in self._unknown_pairs for pair in self._trading_pairs)
            await asyncio.sleep(CONSTANTS.FUNDING_POLL_S if is_complete else 1.0)

    # --- public REST -------------------------------------------------------------------------------------------------

    async def _public(self, path: str, **params: Any) -> Any:
        return await web_utils.request_json(self._web_assistants_factory, path, self._domain, params=params or None)

    async def check_network(self) -> NetworkStatus:
        """As upstream until it is reached for the first time; from then on connected.

        Hummingbot stops everything when a check fails and asks again 10 s later, although every loop of ours waits for
        the venue by itself and is back sooner; ``ready`` and the ages say how things stand.
        """
        if self._was_reached:
            return NetworkStatus.CONNECTED
        status = await super().check_network()
        self._was_reached = status is NetworkStatus.CONNECTED
        return status

    async def _make_network_check_request(self) -> None:
        await self._public(CONSTANTS.KLINE_TIME_PATH)

    async def _make_trading_rules_request(self) -> Any:
        return await self._public(CONSTANTS.SYMBOL_INFO_PATH)

    async def _make_trading_pairs_request(self) -> Any:
        return await self._public(CONSTANTS.SYMBOL_INFO_PATH)

    async def _get_last_traded_price(self, trading_pair: str) -> float:
        """Sample: tests/wire/standx/rest_query_symbol_price.json; last may be null in a quiet market."""
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        reply = await self._public(CONSTANTS.SYMBOL_PRICE_PATH, symbol=symbol)
        for name in ("last_price", "mid_price", "mark_price"):
            if reply.get(name) is not None:
                return float(reply[name])
        raise ConnectorError(f"{symbol}: the venue states no price")

    async def get_all_pairs_prices(self) -> dict[str, Decimal]:
        """Price of every market by trading pair, for the rate source."""
        symbol_map = await self.trading_pair_symbol_map()
        reply = await self._public(CONSTANTS.MARKET_OVERVIEW_PATH)
        return {symbol_map[symbol]: price for symbol, price in overview_prices(reply) if symbol in symbol_map}

    # --- fees, leverage, funding -------------------------------------------------------------------------------------

    async def _update_trading_fees(self) -> None:
        """Fees come with the symbol list; it is read here only when nobody did before."""
        if not self._symbols:
            self._initialize_trading_pair_symbols_from_exchange_info(await self._make_trading_pairs_request())

    def _get_fee(
        self, base_currency: str, quote_currency: str, order_type: OrderType, order_side: TradeType,
        position_action: PositionAction, amount: Decimal, price: Decimal = s_decimal_NaN, is_maker: bool | None = None,
    ) -> TradeFeeBase:  # fmt: skip
        maker = is_maker if is_maker is not None else order_type is OrderType.LIMIT_MAKER
        info = self._symbols.get(f"{base_currency}-{quote_currency}")
        if info is None:
            return build_perpetual_trade_fee(
                self.name, maker, position_action, base_currency, quote_currency, order_type, order_side, amount, price
            )
        return TradeFeeBase.new_perpetual_fee(
            fee_schema=self.trade_fee_schema(),
            position_action=position_action,
            percent=info.maker_fee if maker else info.taker_fee,
            percent_token=info.quote,
        )

    async def _trading_pair_position_mode_set(self, mode: PositionMode, trading_pair: str) -> tuple[bool, str]:
        if mode is PositionMode.ONEWAY:
            return True, ""
        return False, "StandX has one net position per market: only ONEWAY is supported."

    async def _fetch_last_fee_payment(self, trading_pair: str) -> tuple[float, Decimal, Decimal]:
        """Newest funding payment (sample tests/wire/standx/rest_query_funding_history.json), positive received.

        The row has no rate: the market's last known hourly rate is given, -1 when there is none.
        """
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        try:
            reply = await self._private(CONSTANTS.QUERY_FUNDING_HISTORY_PATH, params={"symbol": symbol, "limit": 1})
        except NotFound:
            reply = []
        rows = [parse_funding_row(row) for row in rows_of(reply)[0]]
        if not rows:
            return 0, Decimal(-1), Decimal(-1)
        newest = max(rows, key=lambda row: row.exchange_ts_ns)
        info = self._perpetual_trading.funding_info.get(trading_pair)
        rate = info.rate if info is not None else Decimal(-1)
        return newest.exchange_ts_ns // 10**9, rate, newest.amount
