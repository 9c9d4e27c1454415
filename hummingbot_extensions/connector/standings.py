"""How each market stands by what the venue last said of it. Seconds are monotonic arguments; nothing reads a clock."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.types import MarketStanding


@dataclass(frozen=True, slots=True)
class Lattice:
    """Steps of price and size that orders must lie on."""

    tick: Decimal
    step: Decimal

    def holds(self, price: Decimal | None, size: Decimal) -> bool:
        """Whether an order of this price (None: a market order) and size lies on it."""
        return not size % self.step and (price is None or not price.is_finite() or not price % self.tick)


@dataclass(slots=True)
class _Market:
    is_trading: bool
    lattice: Lattice
    said_s: float
    is_changing: bool = False
    is_listed: bool = True


class Standings:
    """Standing by trading pair. A market that nobody has asked about for ``stale_after_s`` stands UNKNOWN."""

    def __init__(self, stale_after_s: float) -> None:
        self._stale_after_s = stale_after_s
        self._markets: dict[str, _Market] = {}

    def note(self, trading_pair: str, is_trading: bool, lattice: Lattice, now_s: float) -> Lattice | None:
        """Take over the venue's word; the lattice from before when it was another one."""
        known = self._markets.get(trading_pair)
        if known is None:
            self._markets[trading_pair] = _Market(is_trading, lattice, now_s)
            return None
        before = known.lattice if known.lattice != lattice else None
        known.is_trading, known.lattice, known.said_s, known.is_listed = is_trading, lattice, now_s, True
        known.is_changing = known.is_changing or before is not None
        return before

    def note_unlisted(self, listed: set[str]) -> None:
        """The venue's list is complete: markets outside ``listed`` are not known any more."""
        for trading_pair, market in self._markets.items():
            market.is_listed = trading_pair in listed

    def settle(self, trading_pair: str) -> None:
        """Nothing from before the change of rules is left."""
        if trading_pair in self._markets:
            self._markets[trading_pair].is_changing = False

    def lattice(self, trading_pair: str) -> Lattice | None:
        """The present lattice; None for a market that we never heard of."""
        market = self._markets.get(trading_pair)
        return None if market is None else market.lattice

    def standing(self, trading_pair: str, now_s: float) -> MarketStanding:
        market = self._markets.get(trading_pair)
        if market is None or not market.is_listed or now_s - market.said_s > self._stale_after_s:
            return MarketStanding.UNKNOWN
        if not market.is_trading:
            return MarketStanding.HALTED
        return MarketStanding.RULES_CHANGING if market.is_changing else MarketStanding.TRADING
