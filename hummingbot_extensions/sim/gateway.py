"""The venue's gateway: everything that is checked before an order may enter the market. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.rounding import from_units, to_units
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.account import Account, Order
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.venue_values import (
    NewOrder,
    OrderKind,
    OrderStatus,
    Reason,
    ReduceOnlyRule,
    Refusal,
)


@dataclass(frozen=True, slots=True)
class Lattice:
    """Decimals in which a market takes prices and sizes now: those of its spec, or coarser."""

    price_decimals: int
    size_decimals: int

    def price_step_ticks(self, spec: MarketSpec) -> int:
        """Step of allowed prices in ticks of the spec."""
        return int(10 ** (spec.price_decimals - self.price_decimals))

    def size_step_lots(self, spec: MarketSpec) -> int:
        """Step of allowed sizes in lots of the spec."""
        return int(10 ** (spec.size_decimals - self.size_decimals))


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices that checks refer to, in ticks; None where the market has none."""

    mark: int | None
    bid: int | None
    ask: int | None


def checked_order(
    account: Account,
    spec: MarketSpec,
    request: NewOrder,
    prices: Prices,
    available: Decimal,
    order_id: int,
    now_ns: int,
    lattice: Lattice,
    reduce_only_rule: ReduceOnlyRule = ReduceOnlyRule.REJECT,
) -> Order | Refusal:
    """The order as the account would hold it, or the first rule that it breaks. Changes nothing."""
    size_lots = _on_lattice(request.size, lattice.size_decimals, spec.size_decimals)
    if size_lots is None:
        return Refusal(Reason.SIZE_TICK, f"qty: not follow qty tick {from_units(1, lattice.size_decimals)}")
    if not spec.min_size_lots <= size_lots <= spec.max_size_lots:
        low = from_units(spec.min_size_lots, spec.size_decimals)
        high = from_units(spec.max_size_lots, spec.size_decimals)
        return Refusal(Reason.SIZE_LIMITS, f"qty: must be {low} to {high}")
    price_ticks = _price_ticks(spec, request, prices, lattice)
    if isinstance(price_ticks, Refusal):
        return price_ticks
    triggers = _triggers(spec, request, price_ticks, lattice)
    if isinstance(triggers, Refusal):
        return triggers
    if request.reduce_only and reduce_only_rule is ReduceOnlyRule.CLIP:
        size_lots = min(size_lots, max(1, account.reducible_lots(request.symbol, request.side)))
    refusal = _against_account(account, spec, request, size_lots)
    if refusal is not None:
        return refusal
    order = Order(
        id=order_id,
        symbol=request.symbol,
        client_id=request.client_id if request.client_id is not None else made_client_id(order_id),
        side=request.side,
        kind=request.kind,
        tif=request.tif,
        price_ticks=price_ticks,
        size_lots=size_lots,
        reduce_only=request.reduce_only,
        leverage=account.leverage[request.symbol],
        margin=margin.ZERO,
        position_id=account.positions[request.symbol].id,
        created_ns=now_ns,
        updated_ns=now_ns,
        tp_ticks=triggers[0],
        sl_ticks=triggers[1],
    )
    return _with_margin(account, spec, order, available)


def made_client_id(order_id: int) -> str:
    """Client id that the venue gives to an order which came without one, or which it made itself."""
    return f"01EMU{order_id:021d}"


def _price_ticks(spec: MarketSpec, request: NewOrder, prices: Prices, lattice: Lattice) -> int | Refusal:
    if request.kind is OrderKind.MARKET:
        if request.tif is TimeInForce.ALO:
            return Refusal(Reason.TIME_IN_FORCE, "time_in_force: a market order cannot be alo")
        touch = prices.ask if request.side is Side.BUY else prices.bid
        reference = touch if touch is not None else prices.mark
        return reference if reference is not None else Refusal(Reason.PRICE_BAND, "price: market has no price yet")
    if request.price is None:
        return Refusal(Reason.PRICE_MISSING, "price: required for a limit order")
    ticks = _on_lattice(request.price, lattice.price_decimals, spec.price_decimals)
    if ticks is None:
        return _off_tick("price", lattice)
    if prices.mark is not None:
        cap, floor = prices.mark * (1 + spec.price_cap_frac), prices.mark * (1 - spec.price_floor_frac)
        if request.side is Side.BUY and ticks > cap:
            return Refusal(Reason.PRICE_BAND, "price: above the price cap")
        if request.side is Side.SELL and ticks < floor:
            return Refusal(Reason.PRICE_BAND, "price: below the price floor")
    return ticks


def _off_tick(field: str, lattice: Lattice) -> Refusal:
    return Refusal(Reason.PRICE_TICK, f"{field}: not follow price tick {from_units(1, lattice.price_decimals)}")


def _triggers(
    spec: MarketSpec, request: NewOrder, price_ticks: int, lattice: Lattice
) -> tuple[int | None, int | None] | Refusal:
    """Trigger marks in ticks: profit beyond the order's price, loss before it. Only opening orders have them."""
    found: list[int | None] = []
    for field, price, beyond in (("tp_price", request.tp_price, 1), ("sl_price", request.sl_price, -1)):
        ticks = None
        if price is not None:
            if request.reduce_only:
                return Refusal(Reason.TRIGGER_PRICE, f"{field}: not allowed on a reduce_only order")
            ticks = _on_lattice(price, lattice.price_decimals, spec.price_decimals)
            if ticks is None:
                return _off_tick(field, lattice)
            if (ticks - price_ticks) * request.side.sign * beyond <= 0:
                where = "above" if request.side.sign * beyond > 0 else "below"
                return Refusal(Reason.TRIGGER_PRICE, f"{field}: must be {where} the price")
        found.append(ticks)
    return found[0], found[1]


def _against_account(account: Account, spec: MarketSpec, request: NewOrder, lots: int) -> Refusal | None:
    symbol = spec.symbol
    if request.leverage is not None and request.leverage != account.leverage[symbol]:
        return Refusal(Reason.LEVERAGE, f"leverage: must equal the position's {account.leverage[symbol]}")
    mode = account.margin_mode[symbol]
    if request.margin_mode is not None and request.margin_mode != mode:
        return Refusal(Reason.MARGIN_MODE, f"margin_mode: must equal the position's {mode}")
    known = account.by_client_id.get(request.client_id) if request.client_id is not None else None
    if known is not None and known in account.live:
        return Refusal(Reason.DUPLICATE_CLIENT_ID, "cl_ord_id: duplicate of an open order")
    live = [order for order in account.live.values() if order.symbol == symbol]
    if len(live) >= spec.max_open_orders:
        return Refusal(Reason.OPEN_ORDERS, f"max_open_orders: {spec.max_open_orders} orders are open")
    if request.reduce_only and lots > account.reducible_lots(symbol, request.side):
        return Refusal(Reason.REDUCE_ONLY, "reduce_only: qty exceeds what the position leaves to reduce")
    adding = sum(
        order.left_lots for order in live if order.side is request.side and order.status is not OrderStatus.UNTRIGGERED
    )
    worst = account.position_lots(symbol) * request.side.sign + adding + lots
    if not request.reduce_only and worst > spec.max_position_lots:
        return Refusal(Reason.POSITION_LIMIT, "qty: max_position_size exceeded")
    return None


def _with_margin(account: Account, spec: MarketSpec, order: Order, available: Decimal) -> Order | Refusal:
    opening_lots = account.opening_lots(order.symbol, order.side)
    queued = sum(opening_lots.values())
    waiting = sum(account.live[order_id].left_lots for order_id in opening_lots)
    held = max(0, -account.position_lots(order.symbol) * order.side.sign)
    opening = order.size_lots - min(order.size_lots, held - (waiting - queued))
    if account.order_lock(spec, order, opening) > available:
        return Refusal(Reason.BALANCE, "balance not enough")
    value = from_units(order.price_ticks, spec.price_decimals) * from_units(opening, spec.size_decimals)
    order.margin = margin.round_up_money(value / order.leverage)
    return order


def _on_lattice(value: Decimal, decimals: int, unit_decimals: int) -> int | None:
    """Units of 10**-``unit_decimals`` in ``value``; None when it is no multiple of 10**-``decimals``."""
    try:
        return to_units(value, decimals) * int(10 ** (unit_decimals - decimals))
    except ValueError:
        return None
