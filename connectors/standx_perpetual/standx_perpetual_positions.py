"""Positions: frames are fast, the venue's list decides, our own fills say when it has to be asked."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from hummingbot.connector.derivative.position import Position
from hummingbot.core.data_type.common import PositionSide

from hummingbot_extensions.connector.account_figures import AccountFigureBook
from hummingbot_extensions.connector.own_fills import OwnFill
from hummingbot_extensions.connector.owned_tasks import Debounced
from hummingbot_extensions.connector.position_watch import PositionWatch, Verdict
from hummingbot_extensions.core.margin import AccountFigures, PositionFigures

from . import standx_perpetual_constants as CONSTANTS
from .standx_perpetual_fills import RECOVERABLE
from .standx_perpetual_parse import PositionRow, parse_position, rows_of
from .standx_perpetual_stop_check import StandxStopCheck

POSITION_SETTLE_S = 1.0
"""How long frames and fills may contradict each other before the venue's list is asked. The position is right within
this and a round trip of a wrong, late or lost frame, and within a poll (LONG_POLL_INTERVAL) when all frames are lost.
"""
FIGURES_STALE_S = 45.0
"""Equity and margin figures that are older count as not known: three polls have gone by."""
OTHERS_SETTLE_S = 6.0
"""How long a difference that our fills do not explain must stand before it is called somebody else's trade: the list of
fills trails behind by seconds.
"""


class StandxPositions(StandxStopCheck):
    """The part of the connector that keeps positions true."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._position_watches: dict[str, PositionWatch] = {}
        self._position_stamps: dict[str, int] = {}
        self._doubt_since_s: dict[str, float] = {}
        self._watching_since_ns: int | None = None
        self._figures = AccountFigureBook(FIGURES_STALE_S)
        self._figures_check = Debounced(
            self._read_figures, CONSTANTS.BALANCE_DEBOUNCE_S, self._tasks, "account-figures")
        self._position_check = Debounced(self._check_positions, POSITION_SETTLE_S, self._tasks, "positions")
        super().__init__(*args, **kwargs)

    # --- what the strategy side asks ---------------------------------------------------------------------------------

    def position_bounds(self, trading_pair: str) -> tuple[Decimal, Decimal]:
        """The signed position lies between these as far as known: equal unless frames, list and fills disagree."""
        watch = self._position_watches.get(trading_pair)
        return watch.bounds if watch is not None else (Decimal(0), Decimal(0))

    def is_position_in_doubt(self, trading_pair: str) -> bool:
        """True while the last word on the position is not what our own fills make of it."""
        watch = self._position_watches.get(trading_pair)
        return watch is not None and watch.others is not None and not watch.is_consistent

    def _position_bounds_or_none(self, trading_pair: str) -> tuple[Decimal, Decimal] | None:
        watch = self._position_watches.get(trading_pair)
        return None if watch is None or watch.others is None else watch.bounds

    def account_figures(self, trading_pair: str) -> AccountFigures:
        """Equity, and how far the account is from liquidation, as last read by REST and moved along with the mark.

        A position that is not the one of the list is read anew; until then its figures are not known.
        """
        info = self._symbols.get(trading_pair)
        if info is None:
            return AccountFigures()
        symbol = info.symbol
        watch = self._position_watches.get(trading_pair)
        position = watch.shown if watch is not None else Decimal(0)
        if not self._figures.is_of(symbol, position):
            self._figures_check.request()
        state = self.price_state(trading_pair)
        return self._figures.figures(symbol, position, state.mark if state is not None else None, time.monotonic())

    async def _read_figures(self) -> None:
        try:
            await self._update_positions()
            await self._update_balances()
        except RECOVERABLE as problem:
            self.logger().debug(f"account figures not read cause={problem}")

    # --- news --------------------------------------------------------------------------------------------------------

    def _watch_of(self, trading_pair: str) -> PositionWatch:
        return self._position_watches.setdefault(trading_pair, PositionWatch())

    def _on_own_fill(self, fill: OwnFill) -> None:
        stamp = fill.exchange_ts_ns
        if self._watching_since_ns is None or (stamp is not None and stamp <= self._watching_since_ns):
            # Of before the first list: it is in the base already.
            return
        self._watch_of(fill.trading_pair).on_fill(fill.side.sign * fill.size)
        self._compare_soon(fill.trading_pair)

    def _on_position_row(self, row: PositionRow, trading_pair: str | None) -> None:
        """A frame; one that is older than what we know is left alone."""
        if trading_pair is None:
            return
        stamp = row.updated_ts_ns
        if stamp is not None:
            if stamp < self._position_stamps.get(trading_pair, 0):
                return
            self._position_stamps[trading_pair] = stamp
        self._watch_of(trading_pair).on_frame(row.size)
        self._apply_position(row, trading_pair)
        self._compare_soon(trading_pair)

    def _compare_soon(self, trading_pair: str) -> None:
        if self._watch_of(trading_pair).is_consistent:
            self._doubt_since_s.pop(trading_pair, None)
        else:
            self._doubt_since_s.setdefault(trading_pair, time.monotonic())
            self._position_check.request()

    async def _check_positions(self) -> None:
        if all(watch.is_consistent for watch in self._position_watches.values()):
            return
        if not any(self._has_lasted(trading_pair) for trading_pair in self._doubt_since_s):
            # Asked for by an earlier contradiction that has resolved itself: give this one its time.
            self._position_check.request()
            return
        try:
            await self._update_positions()
            if any(not watch.is_consistent for watch in self._position_watches.values()):
                await self._read_fills()
                await self._update_positions()
        except RECOVERABLE as problem:
            self.logger().debug(f"positions not checked cause={problem}")
        self._adopt_what_others_did()
        if any(not watch.is_consistent for watch in self._position_watches.values()):
            self._position_check.request()

    def _adopt_what_others_did(self) -> None:
        for trading_pair, watch in self._position_watches.items():
            difference = watch.unexplained(time.monotonic(), OTHERS_SETTLE_S)
            if difference is not None:
                self.logger().warning(
                    f"position changed by somebody else pair={trading_pair} by={difference} position={watch.shown}"
                )

    # --- by REST -----------------------------------------------------------------------------------------------------

    async def _update_positions(self) -> None:
        """All positions (sample tests/wire/standx/rest_query_positions.json); rows that are zero or gone are
        removed.
        """
        began_ns = int(self._venue_time_s() * 1e9)
        asked_s = time.monotonic()
        rows, _ = rows_of(await self._private(CONSTANTS.QUERY_POSITIONS_PATH))
        symbol_map = await self.trading_pair_symbol_map()
        seen: set[str] = set()
        unread: set[str] = set()
        figures: dict[str, PositionFigures] = {}
        without_figures: set[str] = set()
        for raw in rows:
            trading_pair = symbol_map.get(str(raw.get("symbol")))
            try:
                row = parse_position(raw)
            except (KeyError, ValueError, TypeError):
                self.logger().warning("a position in a REST reply cannot be read and is skipped")
                without_figures.add(str(raw.get("symbol")))
                if trading_pair is not None:
                    unread.add(trading_pair)
                continue
            if row.figures is not None:
                figures[row.symbol] = row.figures
            elif row.size:
                without_figures.add(row.symbol)
            if trading_pair is not None:
                seen.add(trading_pair)
                self._take_listed(trading_pair, row.size)
                self._position_stamps[trading_pair] = max(
                    row.updated_ts_ns or 0, self._position_stamps.get(trading_pair, 0)
                )
                self._apply_position(row, trading_pair)
        self._figures.note_positions(figures, frozenset(without_figures), asked_s)
        gone = {*self.account_positions, *self._position_watches, *self._trading_pairs} - seen - unread
        for trading_pair in gone:
            self._take_listed(trading_pair, Decimal(0))
            self._perpetual_trading.remove_position(trading_pair)
        if self._watching_since_ns is None:
            self._watching_since_ns = began_ns

    def _take_listed(self, trading_pair: str, size: Decimal) -> None:
        watch = self._watch_of(trading_pair)
        before = watch.shown
        verdict = watch.on_list(size)
        # A frame that is still on its way is no mismatch.
        has_lasted = self._has_lasted(trading_pair)
        if verdict is Verdict.UNEXPLAINED:
            self._doubt_since_s.setdefault(trading_pair, time.monotonic())
        else:
            self._doubt_since_s.pop(trading_pair, None)
        if verdict is Verdict.FRAME_WRONG and has_lasted and not watch.is_shown_wrong:
            watch.is_shown_wrong = True
            self.logger().warning(
                f"position_mismatch pair={trading_pair} frames={before} list={size}, taking the list's figure"
            )
        elif verdict is Verdict.AGREED and watch.is_shown_wrong:
            watch.is_shown_wrong = False
            self.logger().info(f"position agrees again pair={trading_pair} position={size}")
        elif verdict is Verdict.UNEXPLAINED:
            self._position_check.request()

    def _has_lasted(self, trading_pair: str) -> bool:
        since_s = self._doubt_since_s.get(trading_pair)
        return since_s is not None and time.monotonic() - since_s >= POSITION_SETTLE_S * 0.5

    def _apply_position(self, row: PositionRow, trading_pair: str | None) -> None:
        if trading_pair is None:
            return
        side = PositionSide.LONG if row.size > 0 else PositionSide.SHORT
        key = self._perpetual_trading.position_key(trading_pair, side)
        if row.size == 0:
            self._perpetual_trading.remove_position(key)
            return
        pnl = row.unrealized_pnl
        if pnl is None:
            state = self.price_state(trading_pair)
            known = self.account_positions.get(key)
            if state is not None and state.mark is not None:
                pnl = (state.mark - row.entry_price) * row.size
            else:
                pnl = known.unrealized_pnl if known is not None else Decimal(0)
        leverage = row.leverage if row.leverage is not None else Decimal(self.get_leverage(trading_pair))
        self._perpetual_trading.set_position(
            key, Position(trading_pair, side, pnl, row.entry_price, row.size, leverage)
        )
