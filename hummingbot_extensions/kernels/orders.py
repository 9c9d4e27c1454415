"""Our orders of one side in ticks and lots: the typed entry, and the only importer of the compiled loop and its twin.

``HBX_PURE_PYTHON=1`` forces the twin; without a compiled extension the twin serves as well, only slower. ``sign`` is +1
for bids and -1 for asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hummingbot_extensions.kernels import _orders_py
from hummingbot_extensions.kernels.loading import loaded

_impl, IS_COMPILED = loaded("hummingbot_extensions.kernels._orders", _orders_py)


def ranked(
    sign: int, prices: Sequence[Decimal], sizes: Sequence[Decimal], placed_ns: Sequence[int], tick: float, step: float
) -> tuple[list[int], list[int], list[int]]:
    """(index of each order, its price in ticks, its size in lots), nearest to the market first.

    Of orders at one price the one placed first is nearer. Ticks and lots are the nearest where a changed lattice left
    an order off it, the even one of two. ValueError for what cannot be: unequal lengths, a unit that is not positive
    and finite, 2**53 ticks or lots.
    >>> ranked(1, [Decimal("99.98"), Decimal("99.99")], [Decimal(2), Decimal(1)], [7, 8], 0.01, 0.5)
    ([1, 0], [9999, 9998], [2, 4])
    """
    found: tuple[list[int], list[int], list[int]] = _impl.ranked(sign, prices, sizes, placed_ns, tick, step)
    return found
