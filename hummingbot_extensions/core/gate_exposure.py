"""What of ours may still fill, counted once a turn for the gate."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.gate_arithmetic import UP, ZERO, is_amount
from hummingbot_extensions.core.gate_state import AccountTotals
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketView


@dataclass(frozen=True, slots=True)
class SideLoad:
    """Own orders of one side that may still fill, unsigned: sizes in base, value in quote units."""

    plain_base: Decimal = ZERO
    """Of orders that are not reduce-only."""
    reduce_only_base: Decimal = ZERO
    value_quote: Decimal = ZERO

    @property
    def total_base(self) -> Decimal:
        return UP.add(self.plain_base, self.reduce_only_base)

    def plus(self, price: Decimal, size: Decimal, is_reduce_only: bool) -> SideLoad:
        value = UP.fma(price, size, self.value_quote)
        if is_reduce_only:
            return SideLoad(self.plain_base, UP.add(self.reduce_only_base, size), value)
        return SideLoad(UP.add(self.plain_base, size), self.reduce_only_base, value)

    def worst_base(self, forward: Decimal) -> Decimal:
        """How far the position may get in the direction of this side, at least 0, from ``forward`` in that direction.

        Reduce-only orders may fill first, so what a position leaves to close makes no room for plain orders on the
        side that closes it.
        """
        return UP.add(self.plain_base, max(ZERO, UP.add(forward, self.reduce_only_base)))


@dataclass(frozen=True, slots=True)
class Exposure:
    """Own orders of a market that may still fill: placing, live, cancelling and unknown ones alike."""

    buys: SideLoad = SideLoad()
    sells: SideLoad = SideLoad()
    count: int = 0
    reduce_only_count: int = 0
    margin_taken_quote: Decimal = ZERO
    """Of orders added since the account was read: the venue's figure of free margin does not know them yet."""
    is_readable: bool = True
    """False when an order's price or size is no positive number; it is counted, but with nothing."""

    @staticmethod
    def of(account: AccountView) -> Exposure:
        """Exposure of the account's orders."""
        plain = {Side.BUY: ZERO, Side.SELL: ZERO}
        reduce_only, value = dict(plain), dict(plain)
        add, fma = UP.add, UP.fma
        reduce_only_count, is_readable = 0, True
        for order in account.orders:
            side, price, size = order.side, order.price, order.size
            if order.is_reduce_only:
                reduce_only_count += 1
            if not (is_amount(size) and is_amount(price) and size > 0 and price > 0):
                is_readable = False
                continue
            value[side] = fma(price, size, value[side])
            base = reduce_only if order.is_reduce_only else plain
            base[side] = add(base[side], size)
        return Exposure(
            SideLoad(plain[Side.BUY], reduce_only[Side.BUY], value[Side.BUY]),
            SideLoad(plain[Side.SELL], reduce_only[Side.SELL], value[Side.SELL]),
            len(account.orders), reduce_only_count, is_readable=is_readable)

    @property
    def value_quote(self) -> Decimal:
        return UP.add(self.buys.value_quote, self.sells.value_quote)

    def on(self, side: Side) -> SideLoad:
        return self.buys if side is Side.BUY else self.sells

    def plus(
        self, side: Side, price: Decimal, size: Decimal, is_reduce_only: bool, margin_quote: Decimal = ZERO
    ) -> Exposure:
        """Exposure with one more order, whose margin the account's figures do not hold yet."""
        load = self.on(side).plus(price, size, is_reduce_only)
        is_buy = side is Side.BUY
        return Exposure(
            load if is_buy else self.buys,
            self.sells if is_buy else load,
            self.count + 1,
            self.reduce_only_count + is_reduce_only,
            UP.add(self.margin_taken_quote, margin_quote) if margin_quote else self.margin_taken_quote,
            self.is_readable,
        )

    def after(self, quote: Quote, account: AccountView) -> Exposure:
        """Exposure once ``quote``, which the gate let pass, has been sent."""
        ahead = position_ahead(quote.side, account)
        closable = ZERO if ahead is None else ahead[1]
        margin = margin_quote(self.on(quote.side), quote.price, quote.size, closable, account.leverage)
        return self.plus(
            quote.side, quote.price, quote.size, quote.is_reduce_only, ZERO if quote.is_reduce_only else margin)


def position_ahead(side: Side, account: AccountView) -> tuple[Decimal, Decimal] | None:
    """(position in the direction of ``side``, size that ``side`` closes); None when the position is unknown.

    Of the position that the venue says and the one that our fills make each is taken from the worse for it: the
    direction from the larger, what can be closed, which is at least 0, from the smaller.
    """
    venue, by_fills = account.position, account.position_by_fills
    if by_fills is None:
        by_fills = venue
    if venue is None or by_fills is None or not (is_amount(venue) and is_amount(by_fills)):
        return None
    low, high = (venue, by_fills) if venue <= by_fills else (by_fills, venue)
    if side is Side.BUY:
        return high, max(ZERO, high.copy_negate())
    return low.copy_negate(), max(ZERO, low)


def margin_quote(load: SideLoad, price: Decimal, size: Decimal, closable: Decimal, leverage: int) -> Decimal:
    """Margin that one more plain order takes: for the part of it that opens once the others on its side filled."""
    beyond = UP.subtract(UP.add(load.total_base, size), closable)
    opening = max(ZERO, min(size, beyond))
    return UP.divide(UP.multiply(opening, price), Decimal(leverage))


def market_totals(view: MarketView, account: AccountView, exposure: Exposure | None = None) -> AccountTotals | None:
    """One market's part in the account's totals; None unless position, orders and mark are known."""
    exposure = exposure or Exposure.of(account)
    long, short = position_ahead(Side.BUY, account), position_ahead(Side.SELL, account)
    mark = view.mark
    if long is None or short is None or not exposure.is_readable:
        return None
    if mark is None or not is_amount(mark) or mark <= 0:
        return None
    return AccountTotals(
        exposure.count,
        UP.multiply(exposure.buys.worst_base(long[0]), mark),
        UP.multiply(exposure.sells.worst_base(short[0]), mark),
    )
