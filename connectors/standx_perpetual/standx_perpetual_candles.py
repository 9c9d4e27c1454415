"""Candles and rates of StandX for Hummingbot's feeds. The kline channel is undocumented, so candles come by REST
polling.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from hummingbot.core.network_iterator import NetworkStatus
from hummingbot.core.rate_oracle.sources.rate_source_base import RateSourceBase
from hummingbot.core.utils import async_ttl_cache
from hummingbot.data_feed.candles_feed.candles_base import CandlesBase

from hummingbot_extensions.connector.errors import ConnectorError

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_web_utils as web

if TYPE_CHECKING:
    from .standx_perpetual_derivative import StandxPerpetualDerivative

_RESOLUTIONS = {"1m": "1", "5m": "5", "15m": "15", "1h": "60", "1d": "1D", "1w": "1W", "1M": "1M"}
_MAX_CANDLES = 500
_POLL_S = 1.0


class StandxPerpetualCandles(CandlesBase):  # type: ignore[misc]
    """Candles of one market from GET /api/kline/history (sample tests/wire/standx/rest_kline.json), polled every
    second.
    """

    domain = CONSTANTS.DEFAULT_DOMAIN
    _logger: logging.Logger | None = None

    @classmethod
    def logger(cls) -> logging.Logger:
        if cls._logger is None:
            cls._logger = logging.getLogger(__name__)
        return cls._logger

    @property
    def name(self) -> str:
        return f"{self.domain}_{self._trading_pair}"

    @property
    def rest_url(self) -> str:
        return web.rest_url("", self.domain)

    @property
    def wss_url(self) -> str:
        return web.ws_url(CONSTANTS.WS_STREAM_PATH, self.domain)

    @property
    def health_check_url(self) -> str:
        return web.rest_url(CONSTANTS.KLINE_TIME_PATH, self.domain)

    @property
    def candles_url(self) -> str:
        return web.rest_url(CONSTANTS.KLINE_HISTORY_PATH, self.domain)

    @property
    def candles_endpoint(self) -> str:
        return CONSTANTS.KLINE_HISTORY_PATH

    @property
    def candles_max_result_per_rest_request(self) -> int:
        return _MAX_CANDLES

    @property
    def rate_limits(self) -> list[Any]:
        return CONSTANTS.RATE_LIMITS

    @property
    def intervals(self) -> dict[str, str]:
        return _RESOLUTIONS

    async def check_network(self) -> NetworkStatus:
        try:
            await web.request_json(self._api_factory, CONSTANTS.KLINE_TIME_PATH, self.domain)
        except ConnectorError:
            return NetworkStatus.NOT_CONNECTED
        return NetworkStatus.CONNECTED

    def get_exchange_trading_pair(self, trading_pair: str) -> str:
        return f"{trading_pair.split('-')[0]}-USD"

    def _get_rest_candles_params(
        self, start_time: int | None = None, end_time: int | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        return {
            "symbol": self._ex_trading_pair,
            "resolution": _RESOLUTIONS[self.interval],
            "from": int(start_time or 0),
            "to": int(end_time if end_time is not None else self._time()),
        }

    def _parse_rest_candles(self, data: Any, end_time: int | None = None) -> list[list[float]]:
        """Rows oldest first: time in seconds, prices, base volume; what the venue does not state is 0, as upstream
        does.
        """
        if not isinstance(data, dict) or data.get("s") != "ok":
            return []
        columns = (data["t"], data["o"], data["h"], data["l"], data["c"], data["v"])
        rows = [[float(value) for value in row] for row in zip(*columns, strict=True)]
        rows.sort(key=lambda row: row[0])
        return [[*row, row[4] * row[5], 0.0, 0.0, 0.0] for row in rows if end_time is None or row[0] <= end_time]

    async def listen_for_subscriptions(self) -> None:
        """Poll the newest candles into the deque; every failure is logged once per streak."""
        is_failing = False
        while True:
            try:
                await self._refresh()
                is_failing = False
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001  the poll outlives every failure
                if not is_failing:
                    self.logger().exception("candles not fetched pair=%s", self._trading_pair)
                is_failing = True
            await self._sleep(_POLL_S)

    async def _refresh(self) -> None:
        now_s = self._round_timestamp_to_interval_multiple(int(self._time()))
        count = self.max_records if len(self._candles) < self.max_records else 2
        rows = await self.fetch_candles(end_time=now_s, limit=min(_MAX_CANDLES, count + 1))
        if not len(rows):
            return
        merged = {int(row[0]): row for row in self._candles}
        merged.update({int(row[0]): row for row in rows})
        self._candles = deque((np.asarray(merged[key]) for key in sorted(merged)), maxlen=self.max_records)
        self._ws_candle_available.set()


class StandxPerpetualEmulatorCandles(StandxPerpetualCandles):
    """Candles of the local emulator."""

    domain = CONSTANTS.EMULATOR_DOMAIN


FEEDS: dict[str, type[StandxPerpetualCandles]] = {
    CONSTANTS.DEFAULT_DOMAIN: StandxPerpetualCandles,
    CONSTANTS.EMULATOR_DOMAIN: StandxPerpetualEmulatorCandles,
}


class StandxPerpetualRateSource(RateSourceBase):  # type: ignore[misc]
    """Prices of all StandX markets, and DUSD at one dollar, so that balances are valued with no other network."""

    def __init__(self, domain: str) -> None:
        super().__init__()
        self._domain = domain
        self._connector: StandxPerpetualDerivative | None = None

    @property
    def name(self) -> str:
        return self._domain

    @async_ttl_cache(ttl=30, maxsize=1)  # type: ignore[untyped-decorator]
    async def get_prices(self, quote_token: str | None = None) -> dict[str, Decimal]:
        """Prices by pair. DUSD, USD and USDT are taken at par here; without the venue only the par rates remain."""
        prices = {f"{CONSTANTS.MARGIN_ASSET}-{quote}": Decimal(1) for quote in ("USD", "USDT", "USDC")}
        try:
            for trading_pair, price in (await self._source().get_all_pairs_prices()).items():
                prices[trading_pair] = price
                prices[f"{trading_pair.split('-')[0]}-USD"] = price
        except ConnectorError as problem:
            self.logger().warning(f"StandX prices not fetched domain={self._domain} cause={problem}")
        return prices

    def _source(self) -> StandxPerpetualDerivative:
        if self._connector is None:
            from .standx_perpetual_derivative import StandxPerpetualDerivative

            self._connector = StandxPerpetualDerivative(trading_pairs=[], trading_required=False, domain=self._domain)
        return self._connector


def rate_source(domain: str) -> StandxPerpetualRateSource:
    """The rate source of a domain."""
    return StandxPerpetualRateSource(domain)
