"""The shown book without our own orders in it: best prices and depth of others."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from hummingbot_extensions.core.pricers.joining import best_of_others
from hummingbot_extensions.core.rounding import round_passive
from hummingbot_extensions.core.types import BookState, Side
from hummingbot_extensions.core.view import OthersBook, OwnOrder


def others_book(book: BookState, orders: Iterable[OwnOrder], tick: Decimal, depth_bps: float) -> OthersBook:
    """What ``book`` holds beside ``orders``, its depth up to ``depth_bps`` from the mid of others.

    From one frame alone: an exact touch comes in another one and may still be that of an order of ours that has gone.
    """
    mine: dict[Side, list[tuple[Decimal, Decimal]]] = {side: [] for side in Side}
    for order in orders:
        mine[order.side].append((order.price, order.size))
    bid = best_of_others(Side.BUY, book.bids, mine[Side.BUY], book.grid, tick, None)
    ask = best_of_others(Side.SELL, book.asks, mine[Side.SELL], book.grid, tick, None)
    if bid is None or ask is None:
        return OthersBook(bid, ask)
    mid = (bid + ask) / 2
    return OthersBook(
        bid, ask, others_depth_quote(book.bids, mine[Side.BUY], book.grid, mid, depth_bps),
        others_depth_quote(book.asks, mine[Side.SELL], book.grid, mid, depth_bps),
    )  # fmt: skip


def others_depth_quote(
    levels: Iterable[tuple[Decimal, Decimal]], own: Iterable[tuple[Decimal, Decimal]], grid: Decimal, mid: Decimal,
    within_bps: float,
) -> Decimal:  # fmt: skip
    """What others hold on one side of the shown book no farther than ``within_bps`` from ``mid``, in quote units.

    ``levels`` are (price, size), best first, on a ``grid`` that truncates both sides down; ``own`` are price and size
    of our orders there. Where the book is shown less deep it is what is shown.

    >>> ten = Decimal(10)
    >>> book = [(Decimal(100), ten), (Decimal(99), ten), (Decimal(90), ten)]
    >>> others_depth_quote(book, [(Decimal("99.5"), Decimal(4))], Decimal(1), Decimal("100.5"), 200.0)
    Decimal('1594')
    """
    mine: dict[Decimal, Decimal] = {}
    for price, size in own:
        shown = round_passive(price, grid, is_bid=True)
        mine[shown] = mine.get(shown, Decimal(0)) + size
    reach = mid * Decimal(repr(within_bps)) / 10_000
    total = Decimal(0)
    for price, size in levels:
        if abs(price - mid) > reach:
            break
        total += price * max(Decimal(0), size - mine.get(price, Decimal(0)))
    return total
