"""What the venue itself says may still fill of ours: the word on which a stop is believed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from hummingbot_extensions.connector.errors import NotFound
from hummingbot_extensions.connector.leftovers import LeftoverOrder, VenueWord

from .standx_perpetual_funding_history import StandxFundingHistory
from .standx_perpetual_parse import OrderRow


class StandxStopCheck(StandxFundingHistory):
    """The part of the connector that asks instead of believing."""

    async def own_orders_at_venue(self, doubtful: Collection[str] = ()) -> VenueWord:
        """Orders with our owner tag that may still fill, asked now; Transient or another error when not all was told.

        The list of open orders trails by seconds either way: an order it shows is asked for by its own query, and so is
        every one of ``doubtful``, client ids sent so lately that the list may not show them yet.
        """
        listed = {key: row for key, row in (await self._fetch_open_orders()).items() if key.startswith(self.owner_tag)}
        rows = await asyncio.gather(*(self._row_or_none(key) for key in sorted({*listed, *doubtful})))
        told = dict(zip(sorted({*listed, *doubtful}), rows, strict=True))
        still_open: list[LeftoverOrder] = []
        for key, row in told.items():
            seen = row if row is not None else listed.get(key)
            if seen is not None and not seen.status.is_final:
                trading_pair = self._pair_or_none(seen.symbol) or seen.symbol
                still_open.append(
                    LeftoverOrder(key, trading_pair, seen.side, seen.price, seen.remaining, seen.reduce_only)
                )
        unseen = tuple(key for key, row in told.items() if row is None and key not in listed)
        return VenueWord(tuple(still_open), unseen)

    async def cancel_at_venue(self, client_order_ids: Collection[str]) -> None:
        """Ask the venue to cancel orders of ours, whether anybody here still knows them or not."""
        if client_order_ids:
            await self._cancel_batch(sorted(client_order_ids))

    async def _row_or_none(self, client_order_id: str) -> OrderRow | None:
        try:
            return await self._query_order(client_order_id)
        except NotFound:
            return None
