"""Private payloads of StandX as frozen values, and wire bodies. Lenient about number types, strict about meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from hummingbot_extensions.connector.errors import NotFound, PostOnlyRejected, Rejected, Transient
from hummingbot_extensions.core.margin import PositionFigures
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.feeds.standx import decimal_or_none, parse_time_ns


class OrderStatus(StrEnum):
    """Order states of the wire; UNKNOWN for anything else (the raw text is kept beside it)."""

    OPEN = "open"
    CANCELED = "canceled"
    FILLED = "filled"
    REJECTED = "rejected"
    UNTRIGGERED = "untriggered"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        return self in (OrderStatus.CANCELED, OrderStatus.FILLED, OrderStatus.REJECTED)


_STATUS_BY_TEXT = {
    "open": OrderStatus.OPEN,
    "new": OrderStatus.OPEN,  # in the documents' lists, for orders that query_order shows as open
    "canceled": OrderStatus.CANCELED,
    "cancelled": OrderStatus.CANCELED,
    "filled": OrderStatus.FILLED,
    "rejected": OrderStatus.REJECTED,
    "untriggered": OrderStatus.UNTRIGGERED,
}


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order as the venue tells it; ``filled_size`` is cumulative."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    size: Decimal
    filled_size: Decimal
    status: OrderStatus
    raw_status: str
    reduce_only: bool
    updated_ts_ns: int | None
    price: Decimal | None = None
    created_ts_ns: int | None = None

    @property
    def remaining(self) -> Decimal:
        """What may still fill, base units."""
        return max(Decimal(0), self.size - self.filled_size)


@dataclass(frozen=True, slots=True)
class FillRow:
    """One own fill. ``fee`` is positive when paid and None when the wire does not say (the trade channel need not)."""

    trade_id: int
    order_id: int
    symbol: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal | None
    fee_asset: str | None
    exchange_ts_ns: int | None


@dataclass(frozen=True, slots=True)
class PositionRow:
    """Net position of a symbol, signed, long positive. Members that the position channel lacks are None."""

    symbol: str
    size: Decimal
    entry_price: Decimal
    leverage: Decimal | None
    unrealized_pnl: Decimal | None
    updated_ts_ns: int | None = None
    figures: PositionFigures | None = None
    """Margin and the distance to liquidation; None in frames of the channel, which lack them."""


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """Funds of one asset: all of it, and what new orders may use (never below zero)."""

    asset: str
    total: Decimal
    available: Decimal
    cross_balance: Decimal | None = None
    """Cross wallet without unrealised PnL."""


@dataclass(frozen=True, slots=True)
class SymbolInfo:
    """A market's lattice, limits and fees. None where the venue states nothing usable. Fees are fractions, positive
    paid.
    """

    symbol: str
    base: str
    quote: str
    price_tick: Decimal
    size_step: Decimal
    min_size: Decimal
    max_size: Decimal | None
    max_position: Decimal | None
    max_open_orders: int | None
    price_cap_frac: Decimal | None
    price_floor_frac: Decimal | None
    maker_fee: Decimal
    taker_fee: Decimal
    max_leverage: int | None
    is_trading: bool

    @property
    def trading_pair(self) -> str:
        return f"{self.base}-{self.quote}"


@dataclass(frozen=True, slots=True)
class FundingRow:
    """One funding payment: positive received, negative paid, in the margin asset. Later payments have larger ids."""

    row_id: int
    symbol: str
    amount: Decimal
    exchange_ts_ns: int


@dataclass(frozen=True, slots=True)
class CommandReply:
    """One ws-api frame: ``is_final`` is False for the gateway's "accepted", which decides nothing."""

    request_id: str
    code: int
    message: str
    is_final: bool

    @property
    def is_success(self) -> bool:
        return self.code in (0, 200)


def parse_symbol_info(row: Mapping[str, Any]) -> SymbolInfo:
    """Sample: tests/wire/standx/rest_query_symbol_info.json. Raises ValueError or KeyError when a needed member is
    missing.
    """
    return SymbolInfo(
        symbol=str(row["symbol"]),
        base=str(row["base_asset"]),
        quote=str(row["quote_asset"]),
        price_tick=_step(row["price_tick_decimals"]),
        size_step=_step(row["qty_tick_decimals"]),
        min_size=_needed(row, "min_order_qty"),
        max_size=_positive(row.get("max_order_qty")),
        max_position=_positive(row.get("max_position_size")),
        max_open_orders=_int_or_none(row.get("max_open_orders")),
        price_cap_frac=_positive(row.get("price_cap_ratio")),
        price_floor_frac=_positive(row.get("price_floor_ratio")),
        maker_fee=_needed(row, "maker_fee"),
        taker_fee=_needed(row, "taker_fee"),
        max_leverage=_int_or_none(row.get("max_leverage")),
        is_trading=bool(row.get("enabled", True)) and str(row.get("status", "trading")) == "trading",
    )


def parse_order(row: Mapping[str, Any]) -> OrderRow:
    """Sample: tests/wire/standx/rest_query_order.json, ws_stream_order.json. Raises on a missing or unreadable
    member.
    """
    raw_status = str(row["status"])
    return OrderRow(
        order_id=_whole(row["id"]),
        client_order_id=str(row.get("cl_ord_id") or ""),
        symbol=str(row["symbol"]),
        side=Side(row["side"]),
        size=_needed(row, "qty"),
        filled_size=Decimal(0) if row.get("fill_qty") is None else _needed(row, "fill_qty"),
        status=_STATUS_BY_TEXT.get(raw_status.lower(), OrderStatus.UNKNOWN),
        raw_status=raw_status,
        reduce_only=bool(row.get("reduce_only", False)),
        updated_ts_ns=parse_time_ns(row.get("updated_at")),
        price=decimal_or_none(row.get("price")) if row.get("order_type") != "market" else None,
        created_ts_ns=parse_time_ns(row.get("created_at")),
    )


def parse_fill(row: Mapping[str, Any]) -> FillRow:
    """Sample: tests/wire/standx/rest_query_trades.json, ws_stream_trade.json. Raises on a missing or unreadable
    member.
    """
    return FillRow(
        trade_id=_whole(row["id"]),
        order_id=_whole(row["order_id"]),
        symbol=str(row["symbol"]),
        side=Side(row["side"]),
        price=_needed(row, "price"),
        size=_needed(row, "qty"),
        fee=decimal_or_none(row.get("fee_qty")),
        fee_asset=str(row["fee_asset"]) if row.get("fee_asset") else None,
        exchange_ts_ns=parse_time_ns(row.get("created_at") or row.get("time")),
    )


def parse_position(row: Mapping[str, Any]) -> PositionRow:
    """Sample: tests/wire/standx/rest_query_positions.json, ws_stream_position.json."""
    size = _needed(row, "qty")
    entry_price = _needed(row, "entry_price") if size else Decimal(0)
    return PositionRow(
        symbol=str(row["symbol"]),
        size=size,
        entry_price=entry_price,
        leverage=decimal_or_none(row.get("leverage")),
        unrealized_pnl=decimal_or_none(row.get("upnl")),
        updated_ts_ns=parse_time_ns(row.get("updated_at")),
        figures=_position_figures(row, size, entry_price) if size else None,
    )


def _position_figures(row: Mapping[str, Any], size: Decimal, entry_price: Decimal) -> PositionFigures | None:
    """``mmr`` is the margin ratio; it and ``liq_price`` may be null or absent. None without the members of a list."""
    mode = row.get("margin_mode")
    if mode not in ("cross", "isolated") or "maint_margin" not in row:
        return None
    return PositionFigures(
        size=size,
        entry_price=entry_price,
        is_cross=mode == "cross",
        mark=_positive(row.get("mark_price")),
        maintenance_quote=_positive(row.get("maint_margin")),
        margin_quote=decimal_or_none(row.get("holding_margin")),
        upnl_quote=decimal_or_none(row.get("upnl")),
        ratio=decimal_or_none(row.get("mmr")),
        liquidation_price=decimal_or_none(row.get("liq_price")),
    )


def parse_balances(reply: Any, margin_asset: str) -> tuple[BalanceRow, ...]:
    """Sample: tests/wire/standx/rest_query_balance.json: one object for the margin account.

    A list of such objects, each naming its ``token``, is read as well. Total is equity, available the cross margin that
    is free, at least 0.
    """
    rows = reply if isinstance(reply, list) else [reply]
    return tuple(
        BalanceRow(
            asset=str(row.get("token") or margin_asset),
            total=_needed(row, "equity"),
            available=max(Decimal(0), _needed(row, "cross_available")),
            cross_balance=decimal_or_none(row.get("cross_balance")),
        )
        for row in rows
    )


def parse_wallet_frame(row: Mapping[str, Any]) -> BalanceRow:
    """Sample: tests/wire/standx/ws_stream_balance.json: a wallet record, which is neither equity nor free margin."""
    return BalanceRow(str(row["token"]), _needed(row, "total"), max(Decimal(0), _needed(row, "free")))


def parse_funding_row(row: Mapping[str, Any]) -> FundingRow:
    """Sample: tests/wire/standx/rest_query_funding_history.json."""
    moment = parse_time_ns(row.get("transact_time")) or parse_time_ns(row.get("created_at"))
    if moment is None:
        raise ValueError("funding row without a time")
    return FundingRow(int(row["id"]), str(row["symbol"]), _needed(row, "qty"), moment)


def parse_command_reply(frame: Any) -> CommandReply | None:
    """Sample: tests/wire/standx/ws_api_order_new.json. None for a frame that answers no request."""
    if not isinstance(frame, dict) or not frame.get("request_id") or not isinstance(frame.get("code"), int):
        return None
    is_accepted = frame["code"] in (0, 200) and "accepted" in (frame.get("status"), frame.get("message"))
    text = str(frame.get("message") or frame.get("status") or "")
    return CommandReply(str(frame["request_id"]), frame["code"], text, not is_accepted)


def refusal(code: int, text: str) -> Rejected:
    """The typed error for a venue's refusal. The venue gives code 400 to nearly all, so its fixed texts tell them
    apart.
    """
    kind = {"alo order rejected": PostOnlyRejected, "order not found": NotFound, "order already closed": NotFound}
    return kind.get(text.strip().lower(), NotFound if code == 404 else Rejected)(code, text)


def rows_of(reply: Any) -> tuple[list[Mapping[str, Any]], int | None]:
    """Rows and the stated total of a list reply, which is a bare array or an object with ``result`` and ``total``.

    Transient for anything else: a reply without a list does not say that there is nothing.
    """
    rows, total = reply, None
    if isinstance(reply, dict) and "result" in reply:
        rows, total = reply["result"] or [], _int_or_none(reply.get("total"))
    if not isinstance(rows, list) or (isinstance(reply, dict) and not isinstance(reply["result"], list | None)):
        raise Transient("a list reply without a list")
    return [row for row in rows if isinstance(row, dict)], total


def order_payload(
    symbol: str,
    side: Side,
    size: Decimal,
    price: Decimal | None,
    time_in_force: TimeInForce,
    reduce_only: bool,
    client_order_id: str,
) -> dict[str, Any]:
    """Body of new_order; ``price`` None is a market order. Sample: tests/wire/standx/rest_new_order.json."""
    body: dict[str, Any] = {
        "symbol": symbol,
        "side": side.value,
        "order_type": "market" if price is None else "limit",
        "qty": f"{size:f}",
        "time_in_force": time_in_force.value,
        "reduce_only": reduce_only,
        "cl_ord_id": client_order_id,
    }
    if price is not None:
        body["price"] = f"{price:f}"
    return body


def overview_prices(reply: Any) -> Iterator[tuple[str, Decimal]]:
    """(symbol, price) of every symbol in query_market_overview: last, else mark."""
    for row in reply.get("symbols", []) if isinstance(reply, dict) else []:
        price = decimal_or_none(row.get("last_price")) or decimal_or_none(row.get("mark_price"))
        if row.get("symbol") and price is not None and price > 0:
            yield str(row["symbol"]), price


def _needed(row: Mapping[str, Any], name: str) -> Decimal:
    value = decimal_or_none(row[name])
    if value is None:
        raise ValueError(f"{name} is not a finite number")
    return value


def _whole(value: object) -> int:
    """An id or a count; ValueError for what is none, infinities among it."""
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("not a whole number")
    if not isinstance(value, int | float | str):
        raise TypeError("not a number")
    number = int(value)
    if abs(number) >= 10**30:
        raise ValueError("not an id or a count")
    return number


def _step(decimals: object) -> Decimal:
    """The step of a lattice with so many decimals."""
    count = _whole(decimals)
    if abs(count) > 30:
        raise ValueError("no market has so many decimals")
    return Decimal(1).scaleb(-count)


def _positive(value: object) -> Decimal | None:
    number = decimal_or_none(value)
    return number if number is not None and number > 0 else None


def _int_or_none(value: object) -> int | None:
    number = decimal_or_none(value)
    return None if number is None else int(number)
