"""StandX wire objects from venue values. Pure; no clock, no sockets. Requests are in ``standx_requests``.

``offset_ns`` is added to venue time to give the time that clients see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator.candles import Candle
from hummingbot_extensions.sim.display import displayed
from hummingbot_extensions.sim.gateway import Lattice
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.venue_values import (
    BalanceView,
    BookUpdate,
    FundingRow,
    OrderView,
    PositionView,
    PriceUpdate,
    PrintUpdate,
    Trade,
)

ASSET = "DUSD"
SYMBOL_BORN = "2025-07-10T05:15:32.089568Z"
SHOWN_LEVELS = 50

Wire = dict[str, Any]


# Numbers and times


def plain(value: Decimal) -> str:
    """Decimal text without exponent or trailing zeros.

    >>> plain(Decimal("90566.00")), plain(Decimal("0E-9"))
    ('90566', '0')
    """
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(value: Decimal) -> str:
    """Decimal text with the digits that the arithmetic gave."""
    return format(value, "f")


def money(value: Decimal) -> str:
    """Nine decimals, or a bare 0."""
    return format(value.quantize(Decimal("0.000000001"), ROUND_HALF_EVEN), "f") if value else "0"


def units(count: int, decimals: int) -> str:
    """Text of ``count`` steps of 10**-decimals, with all places: the fast way for books.

    >>> units(937724, 1), units(-5, 2), units(7, 0)
    ('93772.4', '-0.05', '7')
    """
    if decimals <= 0:
        return str(count * 10**-decimals)
    sign = "-" if count < 0 else ""
    whole, rest = divmod(abs(count), 10**decimals)
    return f"{sign}{whole}.{rest:0{decimals}d}"


def iso(ts_ns: int, digits: int = 6) -> str:
    """UTC time with ``digits`` decimals of the second (0 leaves them out).

    >>> iso(1754883325559151000)
    '2025-08-11T03:35:25.559151Z'
    """
    seconds, rest = divmod(ts_ns, 1_000_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:09d}"[: 20 + digits] + "Z" if digits else f"{text}Z"


# Private values


def order_object(order: OrderView, spec: MarketSpec, offset_ns: int, digits: int = 6) -> Wire:
    """The full order object; ``digits`` is 9 on the order channel."""
    average = order.fill_avg_price.quantize(Decimal(1).scaleb(-spec.price_decimals), ROUND_HALF_EVEN)
    return {
        "avail_locked": money(order.avail_locked),
        "cl_ord_id": order.client_id,
        "closed_block": -1,
        "created_at": iso(order.created_ns + offset_ns, digits),
        "created_block": -1,
        "fill_avg_price": exact(average) if order.filled else "0",
        "fill_qty": exact(order.filled) if order.filled else "0",
        "id": order.id,
        "leverage": str(order.leverage),
        "liq_id": order.liq_id,
        "margin": money(order.margin),
        "order_type": str(order.kind),
        "payload": _trigger(order),
        "position_id": order.position_id,
        "price": exact(order.price),
        "qty": exact(order.size),
        "reduce_only": order.reduce_only,
        "remark": "",
        "side": str(order.side),
        "source": str(order.source),
        "status": str(order.status),
        "symbol": order.symbol,
        "time_in_force": str(order.tif),
        "updated_at": iso(order.updated_ns + offset_ns, digits),
        "user": order.user,
    }


def _trigger(order: OrderView) -> Wire | None:
    """What a take-profit or stop-loss order waits for; the venue's own form is not known."""
    if order.trigger_price is None:
        return None
    return {"parent_order_id": order.parent_id, "trigger_price": exact(order.trigger_price), "trigger_by": "mark"}


def trade_object(trade: Trade, offset_ns: int) -> Wire:
    """A row of query_trades."""
    at = iso(trade.ts_ns + offset_ns)
    return {
        "created_at": at,
        "fee_asset": ASSET,
        "fee_qty": exact(trade.fee),
        "id": trade.id,
        "order_id": trade.order_id,
        "pnl": exact(trade.pnl) if trade.pnl else "0",
        "price": plain(trade.price),
        "qty": plain(trade.size),
        "side": str(trade.side),
        "symbol": trade.symbol,
        "updated_at": at,
        "user": trade.user,
        "value": exact(trade.value),
    }


def trade_frame(trade: Trade, offset_ns: int) -> Wire:
    """Payload of the trade channel: without fee, value and pnl."""
    row = trade_object(trade, offset_ns)
    return {name: row[name] for name in ("id", "order_id", "side", "symbol", "price", "qty", "created_at")}


def position_frame(position: PositionView, spec: MarketSpec, offset_ns: int) -> Wire:
    """Payload of the position channel; a closed position has qty 0 and status closed."""
    is_open = bool(position.size)
    entry = position.entry_price.quantize(Decimal(1).scaleb(-spec.price_decimals), ROUND_HALF_EVEN)
    return {
        "created_at": iso(position.created_ns + offset_ns),
        "entry_price": exact(entry) if is_open else "0",
        "entry_value": exact(position.entry_value) if is_open else "0",
        "id": position.id,
        "initial_margin": money(position.initial_margin),
        "leverage": str(position.leverage),
        "margin_asset": ASSET,
        "margin_mode": str(position.margin_mode),
        "qty": exact(position.size) if is_open else "0",
        "realized_pnl": plain(position.realized_pnl),
        "status": "open" if is_open else "closed",
        "symbol": position.symbol,
        "updated_at": iso(position.updated_ns + offset_ns),
        "user": position.user,
    }


def position_object(position: PositionView, spec: MarketSpec, offset_ns: int) -> Wire:
    """A row of query_positions."""
    row = position_frame(position, spec, offset_ns)
    row |= {
        "bankruptcy_price": exact(position.bankruptcy_price) if position.bankruptcy_price is not None else "0",
        "holding_margin": money(position.holding_margin),
        "liq_price": exact(position.liq_price) if position.liq_price is not None else None,
        "maint_margin": exact(position.maint_margin) if position.maint_margin else "0",
        "mark_price": exact(position.mark) if position.mark is not None else None,
        "mmr": exact(position.margin_ratio) if position.margin_ratio is not None else None,
        "position_value": exact(position.position_value) if position.position_value else "0",
        "required_margin": money(position.initial_margin),
        "status": "open",
        "time": iso(position.now_ns + offset_ns),
        "upnl": exact(position.upnl) if position.upnl else "0",
    }
    return row


def balance_object(balance: BalanceView) -> Wire:
    """Answer of query_balance; what is available is given at three decimals, as the venue does."""
    available = balance.available.quantize(Decimal("0.001"), ROUND_HALF_EVEN)
    return {
        "isolated_balance": exact(balance.isolated_balance),
        "isolated_upnl": exact(balance.isolated_upnl),
        "cross_balance": exact(balance.cross_balance),
        "cross_margin": exact(balance.cross_margin),
        "cross_upnl": exact(balance.cross_upnl),
        "locked": format(balance.locked.quantize(Decimal("0.000000001")), "f"),
        "cross_available": exact(available),
        "balance": exact(balance.balance),
        "upnl": exact(balance.upnl),
        "equity": exact(balance.equity),
        "pnl_freeze": exact(balance.pnl_24h),
        "pnl_24h": exact(balance.pnl_24h),
    }


def balance_frame(balance: BalanceView, offset_ns: int) -> Wire:
    """Payload of the balance channel: a wallet record, neither equity nor what is available."""
    return {
        "account_type": "perps",
        "created_at": iso(balance.created_ns + offset_ns),
        "free": exact(balance.cross_balance - balance.cross_margin - balance.locked),
        "id": balance.user,
        "inbound": "0",
        "is_enabled": True,
        "kind": "user",
        "last_tx": "",
        "last_tx_updated_at": 0,
        "locked": format(balance.locked.quantize(Decimal("0.000000001")), "f"),
        "occupied": "0",
        "outbound": "0",
        "ref_id": 0,
        "token": ASSET,
        "total": exact(balance.balance),
        "updated_at": iso(balance.now_ns + offset_ns),
        "version": 0,
        "wallet_id": balance.user,
    }


def funding_object(row: FundingRow, offset_ns: int) -> Wire:
    """A row of query_funding_history in its live form."""
    at = iso(row.ts_ns + offset_ns)
    return {
        "asset": ASSET,
        "created_at": at,
        "id": row.id,
        "qty": exact(row.amount),
        "symbol": row.symbol,
        "txn_type": "funding_fee",
        "updated_at": at,
        "user": row.user,
    }


def page(rows: Sequence[Wire], total: int) -> Wire:
    """The list wrapper of private queries."""
    return {"code": 0, "message": "success", "page_size": len(rows), "result": list(rows), "total": total}


# Public values


def symbol_info(spec: MarketSpec, lattice: Lattice, is_halted: bool) -> Wire:
    """A row of query_symbol_info, live form with status; what stands there during a halt is our word."""
    depth_ticks = []
    step = 10 ** (spec.price_decimals - lattice.price_decimals)
    while step <= spec.display_grid_ticks:
        depth_ticks.append(plain(from_units(step, spec.price_decimals)))
        step *= 10
    return {
        "base_asset": spec.base,
        "base_decimals": 9,
        "created_at": SYMBOL_BORN,
        "def_leverage": str(spec.default_leverage),
        "depth_ticks": ",".join(depth_ticks),
        "enabled": True,
        "maker_fee": plain(spec.maker_fee),
        "max_leverage": str(spec.max_leverage),
        "max_open_orders": str(spec.max_open_orders),
        "max_order_qty": plain(from_units(spec.max_size_lots, spec.size_decimals)),
        "max_position_size": plain(from_units(spec.max_position_lots, spec.size_decimals)),
        "min_order_qty": plain(from_units(spec.min_size_lots, spec.size_decimals)),
        "price_cap_ratio": plain(spec.price_cap_frac),
        "price_floor_ratio": plain(spec.price_floor_frac),
        "price_tick_decimals": lattice.price_decimals,
        "qty_tick_decimals": lattice.size_decimals,
        "quote_asset": ASSET,
        "quote_decimals": 9,
        "symbol": spec.symbol,
        "taker_fee": plain(spec.taker_fee),
        "updated_at": SYMBOL_BORN,
        "status": "halted" if is_halted else "trading",
    }


def _ticks(value: int | None, spec: MarketSpec) -> str | None:
    return plain(from_units(value, spec.price_decimals)) if value is not None else None


def prices(update: PriceUpdate, spec: MarketSpec) -> Wire:
    """Members common to all price answers; unknown ones are null."""
    mid = None
    if update.bid_ticks is not None and update.ask_ticks is not None:
        mid = exact(from_units((update.bid_ticks + update.ask_ticks) * 5, spec.price_decimals + 1))
    index = None
    if update.index_ticks is not None:
        index = f"{update.index_ticks / 10**spec.price_decimals:.{spec.price_decimals + 4}f}"
    mark = exact(from_units(update.mark_ticks, spec.price_decimals)) if update.mark_ticks is not None else None
    return {
        "base": spec.base,
        "index_price": index,
        "last_price": _ticks(update.last_ticks, spec),
        "mark_price": mark,
        "mid_price": mid,
        "quote": ASSET,
        "symbol": spec.symbol,
    }


def price_frame(update: PriceUpdate, spec: MarketSpec, offset_ns: int) -> Wire:
    """Payload of the price channel; ``spread`` is the exact touch."""
    spread = [_ticks(update.bid_ticks, spec), _ticks(update.ask_ticks, spec)]
    return prices(update, spec) | {"spread": spread, "time": iso(update.ts_ns + offset_ns, 9)}


def symbol_price(update: PriceUpdate, spec: MarketSpec, offset_ns: int) -> Wire:
    """Answer of query_symbol_price."""
    return prices(update, spec) | {
        "spread_ask": _ticks(update.ask_ticks, spec),
        "spread_bid": _ticks(update.bid_ticks, spec),
        "time": iso(update.ts_ns + offset_ns),
    }


def _shown_side(levels: Sequence[tuple[int, int]], spec: MarketSpec) -> list[list[str]]:
    grid = spec.display_grid_ticks
    zeros = len(str(grid)) - 1
    step, decimals = (grid, spec.price_decimals - zeros) if grid == 10**zeros else (1, spec.price_decimals)
    return [
        [units(t // step, decimals), units(q, spec.size_decimals)] for t, q in displayed(levels, grid, SHOWN_LEVELS)
    ]


def depth_book(update: BookUpdate, spec: MarketSpec) -> Wire:
    """The shown book: both sides truncated down to the display grid, so that best bid may equal best ask."""
    return {"asks": _shown_side(update.asks, spec), "bids": _shown_side(update.bids, spec), "symbol": spec.symbol}


def depth_frame(update: BookUpdate, spec: MarketSpec, offset_ns: int) -> Wire:
    """Payload of the depth_book channel, with venue time in milliseconds."""
    return depth_book(update, spec) | {"time": (update.ts_ns + offset_ns) // 1_000_000}


def public_trade_frame(update: PrintUpdate, spec: MarketSpec, offset_ns: int) -> Wire:
    """Payload of the public_trade channel; ``side`` is the taker's."""
    return {
        "symbol": spec.symbol,
        "price": plain(from_units(update.price_ticks, spec.price_decimals)),
        "qty": plain(from_units(update.size_lots, spec.size_decimals)),
        "side": str(Side.BUY if update.is_buyer_taker else Side.SELL),
        "time": (update.ts_ns + offset_ns) // 1_000_000,
    }


def recent_trade(update: PrintUpdate, spec: MarketSpec, offset_ns: int) -> Wire:
    """A row of query_recent_trades."""
    price = from_units(update.price_ticks, spec.price_decimals)
    size = from_units(update.size_lots, spec.size_decimals)
    return {
        "is_buyer_taker": update.is_buyer_taker,
        "price": plain(price),
        "qty": plain(size),
        "quote_qty": plain(price * size),
        "symbol": spec.symbol,
        "time": iso(update.ts_ns + offset_ns),
    }


def kline_object(candle: Candle, spec: MarketSpec) -> Wire:
    """A row of the kline channel: prices as text, volumes as numbers, time in seconds."""
    texts = {name: units(getattr(candle, name), spec.price_decimals) for name in ("open", "high", "low", "close")}
    return (
        {"time": candle.start_s}
        | texts
        | {
            "volume": float(units(candle.volume, spec.size_decimals)),
            "volume_quote": float(units(candle.turnover, spec.price_decimals + spec.size_decimals)),
        }
    )


def compact(value: Any) -> str:
    """JSON text without blanks, as it goes out on a socket."""
    return json.dumps(value, separators=(",", ":"))
