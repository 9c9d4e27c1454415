"""Funding payments of the past: Hummingbot asks for the newest one alone, and says nothing of those made while it was
off.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hummingbot_extensions.connector.errors import NotFound, Transient

from . import standx_perpetual_constants as CONSTANTS
from .standx_perpetual_leftovers import StandxLeftovers
from .standx_perpetual_parse import FundingRow, parse_funding_row, rows_of


class StandxFundingHistory(StandxLeftovers):
    """The part of the connector that can tell of payments made while nobody listened."""

    async def funding_payments_since(self, trading_pair: str, since_s: float) -> list[FundingRow]:
        """Own funding payments after ``since_s`` (Unix seconds), oldest first, amounts positive received.

        All pages are read (sample tests/wire/standx/rest_query_funding_history.json). Transient when a row cannot be
        read: a payment must not be left out without a word.
        """
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        start = datetime.fromtimestamp(max(since_s, 0.0), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        params: dict[str, Any] = {"symbol": symbol, "start": start, "limit": CONSTANTS.PAGE_LIMIT}
        found: dict[int, FundingRow] = {}
        while True:
            try:
                rows, _ = rows_of(await self._private(CONSTANTS.QUERY_FUNDING_HISTORY_PATH, params=params))
            except NotFound:
                rows = []
            try:
                fresh = {int(row["id"]): parse_funding_row(row) for row in rows if int(row["id"]) not in found}
            except (KeyError, ValueError, TypeError) as problem:
                raise Transient(f"funding row cannot be read ({type(problem).__name__})") from problem
            found.update(fresh)
            if not fresh or len(rows) < CONSTANTS.PAGE_LIMIT:
                wanted = [row for row in found.values() if row.exchange_ts_ns > since_s * 1e9]
                return sorted(wanted, key=lambda row: row.exchange_ts_ns)
            params["last_id"] = min(fresh)
