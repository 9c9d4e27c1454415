"""What every order has to be, whatever it does to the position: legal at the venue, near the mark, and passive."""

from __future__ import annotations

from decimal import Decimal

from hummingbot_extensions.core.gate_arithmetic import DOWN, UP, is_amount
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.gate_state import GateReason, Refusal
from hummingbot_extensions.core.quote import Quote
from hummingbot_extensions.core.types import MarketStanding, Side
from hummingbot_extensions.core.view import MarketView


def unsound(quote: Quote, view: MarketView, params: GateParams) -> Refusal | None:
    """Why no limit at all would let this order pass: its own numbers, the venue's lattice, the market's prices."""
    if not isinstance(quote, Quote) or not isinstance(quote.side, Side) or not isinstance(quote.is_reduce_only, bool):
        return GateReason.MALFORMED, f"no order: {quote!r}"
    price, size = quote.price, quote.size
    if not (is_amount(price) and is_amount(size)):
        return GateReason.MALFORMED, f"price {price!r}, size {size!r}"
    if not (price > 0 and size > 0):
        return GateReason.NOT_POSITIVE, f"price {price}, size {size}"
    if not (is_amount(params.position_cap_base) and params.position_cap_base > 0):
        return GateReason.LIMITS_UNREADABLE, f"position_cap_base {params.position_cap_base}"
    if not 0 < params.max_price_deviation_frac < 1:
        return GateReason.LIMITS_UNREADABLE, f"max_price_deviation_frac {params.max_price_deviation_frac}"
    if view.standing is not MarketStanding.TRADING:
        return GateReason.MARKET_NOT_TRADING, f"the market is {view.standing}"
    return _off_lattice(price, size, view) or _off_market(quote.side, price, view, params)


def far_off(price: Decimal, mark: Decimal, params: GateParams) -> Refusal | None:
    """Why a price is too far from the mark, on either side of it."""
    low, high = price_bounds(mark, params)
    if low <= price <= high:
        return None
    return GateReason.PRICE_DEVIATION, f"price {price} is farther than {params.max_price_deviation_frac} from {mark}"


def price_bounds(mark: Decimal, params: GateParams) -> tuple[Decimal, Decimal]:
    """Lowest and highest price that is near enough to the mark."""
    reach = DOWN.multiply(params.max_price_deviation_frac, mark)
    return UP.subtract(mark, reach), DOWN.add(mark, reach)


def readable_mark(view: MarketView) -> Decimal | None:
    """The mark, None unless it is a positive number."""
    mark = view.mark
    return mark if mark is not None and is_amount(mark) and mark > 0 else None


def _off_lattice(price: Decimal, size: Decimal, view: MarketView) -> Refusal | None:
    rules = view.rules
    tick, step = rules.tick, rules.step
    if not (is_amount(tick) and is_amount(step) and tick > 0 and step > 0):
        return GateReason.RULES_UNREADABLE, f"tick {tick}, step {step}"
    if UP.remainder(price, tick) != 0:
        return GateReason.OFF_TICK, f"price {price} is no multiple of {tick}"
    if UP.remainder(size, step) != 0:
        return GateReason.OFF_STEP, f"size {size} is no multiple of {step}"
    if not size >= rules.min_size:
        return GateReason.MIN_SIZE, f"size {size} is under the venue's {rules.min_size}"
    if rules.max_size is not None and not size <= rules.max_size:
        return GateReason.VENUE_MAX_SIZE, f"size {size} is over the venue's {rules.max_size}"
    if not UP.multiply(price, size) >= rules.min_notional:
        return GateReason.MIN_NOTIONAL, f"{size} at {price} is worth less than the venue's {rules.min_notional}"
    return None


def _off_market(side: Side, price: Decimal, view: MarketView, params: GateParams) -> Refusal | None:
    mark, bid, ask, grid = readable_mark(view), view.bid, view.ask, view.grid
    if mark is None:
        return GateReason.NO_MARK, f"mark {view.mark}"
    if bid is None or ask is None or not (is_amount(bid) and is_amount(ask) and bid > 0 and ask > 0):
        return GateReason.NO_BOOK, f"bid {bid}, ask {ask}"
    if not (is_amount(grid) and grid > 0):
        return GateReason.NO_BOOK, f"display grid {grid}"
    if bid > ask:
        return GateReason.CROSSED_BOOK, f"bid {bid} above ask {ask}"
    deviation = far_off(price, mark, params)
    if deviation is not None:
        return deviation
    # Both sides are shown truncated down: the true ask is not below the shown one, the true bid may stand almost a
    # grid step above.
    if side is Side.BUY:
        is_passive, best = price < ask, ask
    else:
        is_passive, best = price >= UP.add(bid, max(grid, view.rules.tick)), bid
    return None if is_passive else (GateReason.CROSSES, f"{side} at {price} could take what stands at {best}")
