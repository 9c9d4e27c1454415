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

    async def funding_payments_after(
        self, trading_pair: str, last_id: int | None, since_s: float
    ) -> list[FundingRow]:
        """Own funding payments after the one with ``last_id``, oldest first, amounts positive received.

        Where no payment is known, ``last_id`` None, those after ``since_s`` (Unix seconds). All pages are read (sample
        tests/wire/standx/rest_query_funding_history.json). Transient when a row cannot be read: a payment must not be
        left out without a word.
        """
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        params: dict[str, Any] = {"symbol": symbol, "limit": CONSTANTS.PAGE_LIMIT}
        if last_id is None:
            start = datetime.fromtimestamp(max(since_s, 0.0), UTC)
            params["start"] = start.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        found: dict[int, FundingRow] = {}
        while True:
            try:
                rows, _ = rows_of(await self._private(CONSTANTS.QUERY_FUNDING_HISTORY_PATH, params=params))
            except NotFound:
                rows = []
            try:
                fresh = {row.row_id: row for row in map(parse_funding_row, rows) if row.row_id not in found}
            except (KeyError, ValueError, TypeError) as problem:
                raise Transient(f"funding row cannot be read ({type(problem).__name__})") from problem
            found.update(fresh)
            if not fresh or len(rows) < CONSTANTS.PAGE_LIMIT or (last_id is not None and min(fresh) <= last_id):
                break
            params["last_id"] = min(fresh)
        if last_id is None:
            wanted = [row for row in found.values() if row.exchange_ts_ns > since_s * 1e9]
        else:
            wanted = [row for row in found.values() if row.row_id > last_id]
        return sorted(wanted, key=lambda row: row.row_id)
