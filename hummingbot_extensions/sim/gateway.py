"""The venue's gateway: everything that is checked before an order may enter the market. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hummingbot_extensions.core.rounding import from_units, to_units
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim import margin
from hummingbot_extensions.sim.account import Account, Order
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.venue_values import NewOrder, OrderKind, Reason, Refusal


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
) -> Order | Refusal:
    """The order as the account would hold it, or the first rule that it breaks. Changes nothing."""
    size_lots = _on_lattice(request.size, spec.size_decimals)
    if size_lots is None:
        return Refusal(Reason.SIZE_TICK, f"qty: not follow qty tick {from_units(1, spec.size_decimals)}")
    if not spec.min_size_lots <= size_lots <= spec.max_size_lots:
        low = from_units(spec.min_size_lots, spec.size_decimals)
        high = from_units(spec.max_size_lots, spec.size_decimals)
        return Refusal(Reason.SIZE_LIMITS, f"qty: must be {low} to {high}")
    price_ticks = _price_ticks(spec, request, prices)
    if isinstance(price_ticks, Refusal):
        return price_ticks
    refusal = _against_account(account, spec, request, size_lots)
    if refusal is not None:
        return refusal
    order = Order(
        id=order_id,
        symbol=request.symbol,
        client_id=request.client_id if request.client_id is not None else f"01EMU{order_id:021d}",
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
    )
    return _with_margin(account, spec, order, available)


def _price_ticks(spec: MarketSpec, request: NewOrder, prices: Prices) -> int | Refusal:
    if request.kind is OrderKind.MARKET:
        if request.tif is TimeInForce.ALO:
            return Refusal(Reason.TIME_IN_FORCE, "time_in_force: a market order cannot be alo")
        touch = prices.ask if request.side is Side.BUY else prices.bid
        reference = touch if touch is not None else prices.mark
        return reference if reference is not None else Refusal(Reason.PRICE_BAND, "price: market has no price yet")
    if request.price is None:
        return Refusal(Reason.PRICE_MISSING, "price: required for a limit order")
    ticks = _on_lattice(request.price, spec.price_decimals)
    if ticks is None:
        return Refusal(Reason.PRICE_TICK, f"price: not follow price tick {from_units(1, spec.price_decimals)}")
    if prices.mark is not None:
        cap, floor = prices.mark * (1 + spec.price_cap_frac), prices.mark * (1 - spec.price_floor_frac)
        if request.side is Side.BUY and ticks > cap:
            return Refusal(Reason.PRICE_BAND, "price: above the price cap")
        if request.side is Side.SELL and ticks < floor:
            return Refusal(Reason.PRICE_BAND, "price: below the price floor")
    return ticks


def _against_account(account: Account, spec: MarketSpec, request: NewOrder, lots: int) -> Refusal | None:
    symbol = spec.symbol
    if request.leverage is not None and request.leverage != account.leverage[symbol]:
        return Refusal(Reason.LEVERAGE, f"leverage: must equal the position's {account.leverage[symbol]}")
    if request.margin_mode is not None and request.margin_mode != "cross":
        return Refusal(Reason.MARGIN_MODE, "margin_mode: must equal the position's cross")
    known = account.by_client_id.get(request.client_id) if request.client_id is not None else None
    if known is not None and known in account.live:
        return Refusal(Reason.DUPLICATE_CLIENT_ID, "cl_ord_id: duplicate of an open order")
    live = [order for order in account.live.values() if order.symbol == symbol]
    if len(live) >= spec.max_open_orders:
        return Refusal(Reason.OPEN_ORDERS, f"max_open_orders: {spec.max_open_orders} orders are open")
    if request.reduce_only and lots > account.reducible_lots(symbol, request.side):
        return Refusal(Reason.REDUCE_ONLY, "reduce_only: qty exceeds what the position leaves to reduce")
    adding = sum(order.left_lots for order in live if order.side is request.side)
    worst = account.position_lots(symbol) * request.side.sign + adding + lots
    if not request.reduce_only and worst > spec.max_position_lots:
        return Refusal(Reason.POSITION_LIMIT, "qty: max_position_size exceeded")
    return None


def _with_margin(account: Account, spec: MarketSpec, order: Order, available: Decimal) -> Order | Refusal:
    queued = sum(account.opening_lots(order.symbol, order.side).values())
    waiting = sum(
        live.left_lots for live in account.live.values() if live.symbol == order.symbol and live.side is order.side
    )
    held = max(0, -account.position_lots(order.symbol) * order.side.sign)
    opening = order.size_lots - min(order.size_lots, held - (waiting - queued))
    if account.order_lock(spec, order, opening) > available:
        return Refusal(Reason.BALANCE, "balance not enough")
    value = from_units(order.price_ticks, spec.price_decimals) * from_units(opening, spec.size_decimals)
    order.margin = margin.round_up_money(value / order.leverage)
    return order


def _on_lattice(value: Decimal, decimals: int) -> int | None:
    try:
        return to_units(value, decimals)
    except ValueError:
        return None
