"""A scripted market whose mark is whatever the test says, for scenarios worked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from scripted_market import MS, Outside, ScriptedMarket
from venue_driver import Driver

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.account import Account
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.venue import DEFAULT_PARAMS, VenueParams
from hummingbot_extensions.sim.venue_values import NewOrder, OrderKind, VenueEvent
from tests.support.fifo_market import BTC, START_NS


class SteeredMarket(ScriptedMarket):
    """The mid rule makes the index the mark; ``price`` sets it. A frame every 50 ms carries it to the venue."""

    def __init__(self, script: Sequence[Outside], price: float, **market: Any) -> None:
        self.price = price
        super().__init__(script, heartbeat_ns=50 * MS, **market)

    def index(self) -> float | None:
        return self.price


class Steered(Driver):
    """A driver whose mark stands where ``mark`` puts it."""

    source: SteeredMarket

    def __init__(
        self,
        levels: Sequence[tuple[Side, str, int]],
        balance: str,
        price: float = 100_000.0,
        params: VenueParams = DEFAULT_PARAMS,
        **market: Any,
    ) -> None:
        """``levels`` are the outside orders at the start: side, price, lots."""
        decimals = market.get("spec", BTC).price_decimals
        book = [Outside(0, side, int(Decimal(at).scaleb(decimals)), lots) for side, at, lots in levels]
        super().__init__((), balance, book, params, {"BTC-USD": MarkRule.MID}, price=price, **market)

    @staticmethod
    def make_source(script: Sequence[Outside], **market: Any) -> ScriptedMarket:
        return SteeredMarket(script, **market)

    def mark(self, price: str) -> list[VenueEvent]:
        """Put the mark there and let the venue notice: what it did."""
        self.source.price = float(price)
        return self.wait(0.1)

    def wait(self, seconds: float) -> list[VenueEvent]:
        return self.to((self.venue.now_ns - START_NS) / 1e9 + seconds)

    def stranger(self, balance: str, side: str, size: str, price: str | None = None) -> Account:
        """Another account that trades once: at market, or by a limit order that stays."""
        user = f"bsc_0x{len(self.venue.accounts)}"
        account = self.venue.open_account(user, Decimal(balance))
        kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
        tif = TimeInForce.IOC if price is None else TimeInForce.GTC
        limit = None if price is None else Decimal(price)
        order = NewOrder("BTC-USD", Side(side), kind, Decimal(size), limit, tif, False)
        self.venue.submit(user, order, 0)
        self.events += self.venue.advance(self.venue.now_ns)
        return account
