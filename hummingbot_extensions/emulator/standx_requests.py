"""Values from StandX request objects. Pure; a bad member is refused by name, unknown members are let through."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.venue_values import CancelOrders, NewOrder, OrderKind

MAX_CLIENT_ID = 64
MAX_BATCH = 500
I64_MAX = 2**63 - 1

_DECIMAL = re.compile(r"\d{1,20}(\.\d{1,20})?")
_SIGNED = re.compile(r"-?\d{1,20}(\.\d{1,20})?")


class BadRequest(Exception):
    """A request that the venue refuses; the text names the field."""


def parse_iso(text: str, field: str) -> int:
    """Nanoseconds of an ISO time; BadRequest names ``field``. A time without zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{field}: not an ISO 8601 time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name}: required string")
    return value


def _decimal(body: Mapping[str, Any], name: str) -> Decimal:
    value = body.get(name)
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise BadRequest(f"{name}: must be a decimal as a JSON string")
    number = Decimal(value)
    if number <= 0:
        raise BadRequest(f"{name}: must be positive")
    return number


def _choice(body: Mapping[str, Any], name: str, allowed: Sequence[str]) -> str:
    value = body.get(name)
    if value not in allowed:
        raise BadRequest(f"{name}: must be one of {', '.join(allowed)}")
    return str(value)


def _client_id(value: Any, name: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_CLIENT_ID or not value.isprintable():
        raise BadRequest(f"{name}: must be a string of 1 to {MAX_CLIENT_ID} printable characters")
    return value


def integer(body: Mapping[str, Any], name: str) -> int:
    """Member ``name`` as a JSON integer; BadRequest otherwise."""
    return _integer(body.get(name), name)


def _integer(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > I64_MAX:
        raise BadRequest(f"{name}: must be a JSON integer")
    return value


def new_order(body: Mapping[str, Any]) -> NewOrder:
    """Order from a new_order body or order:new params; BadRequest names the first bad field."""
    symbol = _text(body, "symbol")
    side = Side(_choice(body, "side", ["buy", "sell"]))
    kind = OrderKind(_choice(body, "order_type", ["limit", "market"]))
    size = _decimal(body, "qty")
    if kind is OrderKind.MARKET and body.get("time_in_force") is None:
        tif = TimeInForce.IOC
    else:
        tif = TimeInForce(_choice(body, "time_in_force", ["gtc", "ioc", "alo"]))
    if not isinstance(body.get("reduce_only"), bool):
        raise BadRequest("reduce_only: required boolean")
    if body.get("stop_price") is not None:
        raise BadRequest("stop_price: stop orders are not offered by this emulator")
    client_id = body.get("cl_ord_id")
    mode = body.get("margin_mode")
    return NewOrder(
        symbol=symbol,
        side=side,
        kind=kind,
        size=size,
        price=_decimal(body, "price") if kind is OrderKind.LIMIT else None,
        tif=tif,
        reduce_only=body["reduce_only"],
        client_id=_client_id(client_id, "cl_ord_id") if client_id is not None else None,
        leverage=integer(body, "leverage") if body.get("leverage") is not None else None,
        margin_mode=_choice(body, "margin_mode", ["cross", "isolated"]) if mode is not None else None,
        tp_price=_decimal(body, "tp_price") if body.get("tp_price") is not None else None,
        sl_price=_decimal(body, "sl_price") if body.get("sl_price") is not None else None,
    )


def signed_amount(body: Mapping[str, Any], name: str) -> Decimal:
    """Member ``name`` as a decimal that may be negative; BadRequest otherwise."""
    value = body.get(name)
    if not isinstance(value, str) or not _SIGNED.fullmatch(value):
        raise BadRequest(f"{name}: must be a decimal as a JSON string")
    return Decimal(value)


def amount(body: Mapping[str, Any], name: str) -> Decimal:
    """Member ``name`` as a positive decimal; BadRequest otherwise."""
    return _decimal(body, name)


def cancel_order(body: Mapping[str, Any]) -> CancelOrders:
    """Cancel from a cancel_order body or order:cancel params; the venue id wins when both are given."""
    if body.get("order_id") is not None:
        return CancelOrders(order_ids=(integer(body, "order_id"),))
    if body.get("cl_ord_id") is not None:
        return CancelOrders(client_ids=(_client_id(body["cl_ord_id"], "cl_ord_id"),))
    raise BadRequest("order_id: order_id or cl_ord_id is required")


def cancel_orders(body: Mapping[str, Any]) -> CancelOrders:
    """Batch cancel from a cancel_orders body."""
    ids, client_ids = body.get("order_id_list"), body.get("cl_ord_id_list")
    if ids is None and client_ids is None:
        raise BadRequest("order_id_list: order_id_list or cl_ord_id_list is required")
    for name, value in (("order_id_list", ids), ("cl_ord_id_list", client_ids)):
        if value is not None and (not isinstance(value, list) or len(value) > MAX_BATCH):
            raise BadRequest(f"{name}: must be a list of at most {MAX_BATCH}")
    return CancelOrders(
        order_ids=tuple(_integer(value, "order_id_list") for value in ids or ()),
        client_ids=tuple(_client_id(value, "cl_ord_id_list") for value in client_ids or ()),
        is_batch=True,
    )
