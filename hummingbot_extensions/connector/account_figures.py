"""What a venue last said of the account's money: too old, or of another position, is as good as unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from hummingbot_extensions.core.margin import AccountFigures, PositionFigures, margin_view


class AccountFigureBook:
    """Figures of one account. Times are monotonic seconds of when they were asked for."""

    def __init__(self, stale_s: float) -> None:
        """After ``stale_s`` a figure counts as not known."""
        self._stale_s = stale_s
        self._equity_quote: Decimal | None = None
        self._cross_balance_quote: Decimal | None = None
        self._balance_s: float | None = None
        self._positions: Mapping[str, PositionFigures] = {}
        self._unread: frozenset[str] = frozenset()
        self._positions_s: float | None = None

    def note_balance(self, equity_quote: Decimal | None, cross_balance_quote: Decimal | None, asked_s: float) -> None:
        self._equity_quote, self._cross_balance_quote, self._balance_s = equity_quote, cross_balance_quote, asked_s

    def note_positions(
        self, positions: Mapping[str, PositionFigures], unread: frozenset[str], asked_s: float
    ) -> None:
        """The whole list, by symbol; ``unread`` names those whose rows made no sense."""
        self._positions, self._unread, self._positions_s = positions, unread, asked_s

    def figures(self, symbol: str, position: Decimal, mark: Decimal | None, now_s: float) -> AccountFigures:
        """Figures as of now. Those of margin are unknown while the list shows another position than ``position``."""
        has_balance, has_positions = self._is_fresh(self._balance_s, now_s), self._is_fresh(self._positions_s, now_s)
        equity = self._equity_quote if has_balance else None
        if not has_positions or self._unread or not self.is_of(symbol, position):
            return AccountFigures(equity)
        cross = self._cross_balance_quote if has_balance else None
        return AccountFigures(equity, margin_view(symbol, self._positions, cross, mark))

    def is_of(self, symbol: str, position: Decimal) -> bool:
        """Whether the list shows ``position``."""
        known = self._positions.get(symbol)
        return (known.size if known is not None else Decimal(0)) == position

    def _is_fresh(self, asked_s: float | None, now_s: float) -> bool:
        return asked_s is not None and now_s - asked_s <= self._stale_s
