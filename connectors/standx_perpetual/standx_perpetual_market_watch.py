"""Markets as the venue lists them: symbols, trading rules, and how each stands, read anew every few seconds."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

from bidict import bidict
from hummingbot.connector.trading_rule import TradingRule

from hummingbot_extensions.connector.errors import (
    ConnectorError,
    Misconfigured,
    PostOnlyRejected,
    Rejected,
    RuleBroken,
    Transient,
)
from hummingbot_extensions.connector.standings import Lattice, Standings
from hummingbot_extensions.core.types import MarketStanding, Side

from . import standx_perpetual_constants as CONSTANTS
from .standx_perpetual_parse import SymbolInfo, parse_symbol_info, rows_of
from .standx_perpetual_upkeep import StandxUpkeep


class StandxMarketWatch(StandxUpkeep):
    """The part of the connector that knows the markets."""

    _trading_pairs: list[str]
    _unknown_pairs: set[str]

    def _prepare_market_watch(self) -> None:
        """Make what Hummingbot's constructor needs already; called before it."""
        self._unknown_pairs = set()
        self._unreadable_symbols: set[str] = set()
        self._standings = Standings(CONSTANTS.STANDING_STALE_S)
        self._shown_standings: dict[str, MarketStanding] = {}
        self._is_market_doubted = asyncio.Event()

    def market_standing(self, trading_pair: str) -> MarketStanding:
        """Whether the market takes orders now."""
        return self._standings.standing(trading_pair, time.monotonic())

    # --- watching ----------------------------------------------------------------------------------------------------

    async def _watch_markets(self) -> None:
        """Read the list every 5 s, every second while one of our markets does not trade, and when one is in doubt."""
        while True:
            try:
                await self._read_markets()
            except ConnectorError as problem:
                self.logger().debug(f"markets not read cause={problem}")
            self._show_standings()
            is_calm = all(
                self.market_standing(pair) is MarketStanding.TRADING
                for pair in self._trading_pairs
                if pair not in self._unknown_pairs
            )
            try:
                await asyncio.wait_for(
                    self._is_market_doubted.wait(), CONSTANTS.MARKETS_POLL_S if is_calm else CONSTANTS.HALTED_POLL_S
                )
            except TimeoutError:
                continue
            # Several refusals at once are one doubt.
            await asyncio.sleep(CONSTANTS.MARKETS_DOUBT_S)
            self._is_market_doubted.clear()

    async def _read_markets(self) -> None:
        reply = await self._make_trading_rules_request()
        rules = await self._format_trading_rules(reply)
        if not rules:
            raise Transient("the list of markets is empty or cannot be read")
        # In one turn of the event loop: nobody may see the new rules and the old standing.
        self._trading_rules.update({rule.trading_pair: rule for rule in rules})
        self._initialize_trading_pair_symbols_from_exchange_info(reply)

    def _update_order_after_failure(self, order_id: str, trading_pair: str, exception: Exception | None = None) -> None:
        """As before; a refusal that is not about taking may mean that the market stands otherwise than we think."""
        if isinstance(exception, Rejected) and not isinstance(exception, PostOnlyRejected):
            self._is_market_doubted.set()
        super()._update_order_after_failure(order_id, trading_pair, exception)

    def _check_rules(
        self, order_id: str, trading_pair: str, side: Side, size: Decimal, price: Decimal | None, is_reducing: bool
    ) -> None:
        if self.market_standing(trading_pair) is MarketStanding.HALTED:
            raise RuleBroken("market", f"{trading_pair} is halted")
        super()._check_rules(order_id, trading_pair, side, size, price, is_reducing)

    def _show_standings(self) -> None:
        """Say what has changed, and let everybody decide again."""
        for trading_pair in self._trading_pairs:
            now = self.market_standing(trading_pair)
            before = self._shown_standings.get(trading_pair, MarketStanding.TRADING)
            if now is before or trading_pair in self._unknown_pairs:
                continue
            self._shown_standings[trading_pair] = now
            log = self.logger().info if now is MarketStanding.TRADING else self.logger().warning
            log(f"market stands otherwise pair={trading_pair} standing={now} before={before}")
            self._market.listeners.notify(trading_pair)

    async def _settle_rules(self, trading_pair: str) -> None:
        """End the pause once nothing of ours lies beside the new lattice, or after the longest time allowed."""
        deadline_s = time.monotonic() + CONSTANTS.RULES_PAUSE_MAX_S
        while True:
            # First the strategy's turn, which cancels.
            await asyncio.sleep(CONSTANTS.RULES_PAUSE_MIN_S)
            left = self._off_lattice(trading_pair)
            if not left or time.monotonic() >= deadline_s:
                break
        if left:
            self.logger().warning(f"orders beside the new rules still rest pair={trading_pair} ids={', '.join(left)}")
        self._standings.settle(trading_pair)
        self._show_standings()

    def _off_lattice(self, trading_pair: str) -> list[str]:
        """Client ids of our open orders whose price or remaining size the present rules would refuse."""
        lattice = self._standings.lattice(trading_pair)
        if lattice is None:
            return []
        return [
            order_id
            for order_id, order in self.in_flight_orders.items()
            if order.trading_pair == trading_pair
            and not order.is_done
            and not lattice.holds(order.price, order.amount - order.executed_amount_base)
        ]

    # --- lists and rules ---------------------------------------------------------------------------------------------

    def _infos(self, exchange_info: Any) -> list[SymbolInfo]:
        """Markets of a reply that can be read and that we may have to do with: those that trade, and our own while they
        stand still.
        """
        infos = []
        for row in rows_of(exchange_info)[0]:
            try:
                info = parse_symbol_info(row)
            except (KeyError, ValueError, TypeError):
                if row.get("symbol") not in self._unreadable_symbols:
                    self._unreadable_symbols.add(str(row.get("symbol")))
                    self.logger().error(
                        f"Error parsing the trading pair rule {row.get('symbol')}. Skipping.", exc_info=True
                    )
                continue
            is_ours = info.trading_pair in self._symbols or info.trading_pair in self._trading_pairs
            if info.is_trading or (is_ours and row.get("enabled", True)):
                infos.append(info)
        return infos

    def _initialize_trading_pair_symbols_from_exchange_info(self, exchange_info: Any) -> None:
        """Symbols are <BASE>-USD, but all is quoted and settled in DUSD: BTC-USD becomes the pair BTC-DUSD."""
        mapping: bidict[str, str] = bidict()
        for info in self._infos(exchange_info):
            if info.trading_pair not in mapping.inverse:
                mapping[info.symbol] = info.trading_pair
                self._symbols[info.trading_pair] = info
                self._note_market(info)
        self._standings.note_unlisted(set(mapping.values()))
        self._set_trading_pair_symbol_map(mapping)
        for trading_pair in self._trading_pairs:
            if trading_pair in mapping.inverse:
                self._unknown_pairs.discard(trading_pair)
            else:
                self._note_unknown_pair(trading_pair)

    def _note_market(self, info: SymbolInfo) -> None:
        """Take over how a market stands; other steps than before begin a pause."""
        pair, lattice = info.trading_pair, Lattice(info.price_tick, info.size_step)
        before = self._standings.note(pair, info.is_trading, lattice, time.monotonic())
        if before is None:
            return
        self.logger().warning(
            f"trading rules changed pair={pair} tick={before.tick}->{lattice.tick} step={before.step}->{lattice.step}"
        )
        if pair in self._trading_pairs and self._loops.count:
            self._show_standings()
            self._loops.spawn(self._settle_rules(pair), f"rules-{pair}")
        else:
            self._standings.settle(pair)

    def _note_unknown_pair(self, trading_pair: str) -> Misconfigured:
        """The error that names a pair which StandX does not list, and what to use; logged once."""
        pairs = sorted(self._symbols)
        base = trading_pair.split("-")[0]
        hint = [pair for pair in pairs if pair.split("-")[0] == base]
        fix = f"Use {', '.join(hint)}." if hint else f"Use one of {', '.join(pairs)}."
        problem = Misconfigured("trading_pair", f"StandX has no market {trading_pair}", fix)
        if trading_pair not in self._unknown_pairs:
            self._unknown_pairs.add(trading_pair)
            self.logger().error(str(problem))
        return problem

    async def exchange_symbol_associated_to_pair(self, trading_pair: str) -> str:
        """The venue's symbol; Misconfigured for a pair that it does not list, Transient before its list was read."""
        try:
            return str(await super().exchange_symbol_associated_to_pair(trading_pair=trading_pair))
        except KeyError:
            if self.trading_pair_symbol_map_ready():
                raise self._note_unknown_pair(trading_pair) from None
            raise Transient(f"{trading_pair}: the list of markets has not been read yet") from None

    async def _format_trading_rules(self, exchange_info_dict: Any) -> list[TradingRule]:
        """Rules of every market that trades, and of ours that stand still; what cannot be read is skipped."""
        rules = []
        for info in self._infos(exchange_info_dict):
            limits = {} if info.max_size is None else {"max_order_size": info.max_size}
            rules.append(
                TradingRule(
                    trading_pair=info.trading_pair,
                    min_order_size=info.min_size,
                    min_price_increment=info.price_tick,
                    min_base_amount_increment=info.size_step,
                    buy_order_collateral_token=info.quote,
                    sell_order_collateral_token=info.quote,
                    **limits,
                )
            )
        return rules
