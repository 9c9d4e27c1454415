"""Leverage and margin mode: set once, read back from the venue, and put right when they are not what was asked for.

Hummingbot sets leverage fire-and-forget, before the network is up. A request that fails there would leave the venue's
own default in force, while every margin figure of the bot is of the one that was wanted.
"""

from __future__ import annotations

import time
from decimal import Decimal, InvalidOperation
from typing import Any

from hummingbot.core.web_assistant.connections.data_types import RESTMethod

from hummingbot_extensions.connector.errors import ConnectorError, Rejected, Transient
from hummingbot_extensions.connector.owned_tasks import Debounced

from . import standx_perpetual_constants as CONSTANTS
from .standx_perpetual_market_watch import StandxMarketWatch

MARGIN_MODE = "cross"
"""The mode that free margin and liquidation are computed for here."""
CHECK_AGAIN_S = 60.0
"""How often settings that were right are read again: another client of the account may change them."""


class StandxMargin(StandxMarketWatch):
    """The part of the connector that holds leverage and margin mode to what was asked for."""

    def _prepare_margin(self) -> None:
        """Make what Hummingbot's constructor needs already; called before it."""
        self._wanted_leverage: dict[str, int] = {}
        self._margin_read_at_s: dict[str, float] = {}
        """Markets whose settings are right, with the monotonic time at which they were last read."""
        self._margin_complaints: dict[str, str] = {}
        self._margin_check = Debounced(self._settle_margin, 0.0, self._tasks, "margin")

    @property
    def status_dict(self) -> dict[str, bool]:
        """As upstream, with an entry that keeps the connector from being ready while a leverage is not as wanted."""
        status = dict(super().status_dict)
        if self.is_trading_required and self._wanted_leverage:
            status["leverage_settled"] = all(pair in self._margin_read_at_s for pair in self._wanted_leverage)
        return status

    async def _set_trading_pair_leverage(self, trading_pair: str, leverage: int) -> tuple[bool, str]:
        """Ask for a leverage (sample tests/wire/standx/rest_margin_ops.json). Whether the venue has it is read back."""
        self._wanted_leverage[trading_pair] = int(leverage)
        self._margin_read_at_s.pop(trading_pair, None)
        try:
            await self._change_leverage(trading_pair, int(leverage))
        except Rejected as refused:
            return False, refused.text
        except ConnectorError as problem:
            return False, str(problem)
        finally:
            self._margin_check.request()
        return True, ""

    async def _status_polling_loop_fetch_updates(self) -> None:
        """As upstream, and the margin settings where a look at them is due."""
        await super()._status_polling_loop_fetch_updates()
        await self._settle_margin()

    async def _settle_margin(self) -> None:
        """Read the settings of every market whose leverage was asked for, where that is due, and mend what is wrong."""
        for trading_pair, leverage in tuple(self._wanted_leverage.items()):
            read_at_s = self._margin_read_at_s.get(trading_pair)
            if read_at_s is not None and time.monotonic() - read_at_s < CHECK_AGAIN_S:
                continue
            try:
                problem = await self._margin_problem(trading_pair, leverage)
            except (ConnectorError, KeyError) as failure:
                # What was right a minute ago is not wrong because the venue does not answer.
                self.logger().debug(f"margin settings not read pair={trading_pair} cause={failure}")
                continue
            self._note_margin(trading_pair, problem)

    async def _margin_problem(self, trading_pair: str, leverage: int) -> str:
        """What is wrong after an attempt to mend it, in words; empty when nothing is."""
        found = await self._margin_settings(trading_pair)
        if found == (leverage, MARGIN_MODE):
            return ""
        self.logger().warning(
            f"margin settings differ pair={trading_pair} leverage={found[0]} mode={found[1]} "
            f"wanted={leverage} {MARGIN_MODE}, changing them"
        )
        refusals = []
        try:
            if found[1] != MARGIN_MODE:
                await self._change_margin_mode(trading_pair)
            if found[0] != leverage:
                await self._change_leverage(trading_pair, leverage)
        except Rejected as refused:
            refusals.append(f"StandX refuses the change: {refused.text}")
        found = await self._margin_settings(trading_pair)
        if found == (leverage, MARGIN_MODE):
            return ""
        return "; ".join([f"leverage is {found[0]} and margin mode {found[1]} at StandX", *refusals])

    def _note_margin(self, trading_pair: str, problem: str) -> None:
        if not problem:
            self._margin_read_at_s[trading_pair] = time.monotonic()
            if self._margin_complaints.pop(trading_pair, None) is not None:
                self.logger().info(f"margin settings are right pair={trading_pair}")
            return
        self._margin_read_at_s.pop(trading_pair, None)
        if self._margin_complaints.get(trading_pair) != problem:
            self._margin_complaints[trading_pair] = problem
            self.logger().error(
                f"{trading_pair}: {problem}; {self._wanted_leverage[trading_pair]} and {MARGIN_MODE} are wanted. "
                "Nothing is quoted. Close position and orders of this market, or set leverage in the controller's "
                "file to the venue's"
            )

    async def _margin_settings(self, trading_pair: str) -> tuple[int, str]:
        """Leverage and margin mode in force (sample tests/wire/standx/rest_query_position_config.json)."""
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        reply: Any = await self._private(CONSTANTS.QUERY_POSITION_CONFIG_PATH, params={"symbol": symbol})
        try:
            # An integer in the documents, a string on the wire.
            return int(Decimal(str(reply["leverage"]))), str(reply["margin_mode"])
        except (KeyError, TypeError, ValueError, InvalidOperation) as problem:
            raise Transient(f"margin settings cannot be read ({type(problem).__name__})") from problem

    async def _change_leverage(self, trading_pair: str, leverage: int) -> None:
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        body = {"symbol": symbol, "leverage": leverage}
        await self._private(CONSTANTS.CHANGE_LEVERAGE_PATH, method=RESTMethod.POST, body=body)

    async def _change_margin_mode(self, trading_pair: str) -> None:
        symbol = await self.exchange_symbol_associated_to_pair(trading_pair=trading_pair)
        body = {"symbol": symbol, "margin_mode": MARGIN_MODE}
        await self._private(CONSTANTS.CHANGE_MARGIN_MODE_PATH, method=RESTMethod.POST, body=body)
