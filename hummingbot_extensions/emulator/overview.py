"""What there is to see of a running emulator: accounts and books, as JSON and as a plain page."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import Any

from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.emulator.exchange import Exchange

LEVELS = 10
STYLE = "body{font:14px monospace;margin:2em}table{border-collapse:collapse}td,th{padding:2px 10px;text-align:right}"


def account_names(exchange: Exchange) -> dict[str, str]:
    """Users by the name under which the control API knows them."""
    return exchange.aliases | {user: user for user in exchange.venue.accounts if user not in exchange.aliases.values()}


def account(exchange: Exchange, user: str) -> dict[str, Any]:
    """Money, positions, orders and counts of one account; ``net_pnl`` is the change of equity since its start."""
    venue = exchange.venue
    holder, balance = venue.accounts[user], venue.balance(user)
    positions = [
        wire.position_object(venue.position(user, symbol), venue.specs[symbol], exchange.offset_ns)
        for symbol, position in holder.positions.items()
        if position.updated_ns
    ]
    live = [venue.order_view(user, order) for order in holder.live.values() if order.shown_ns is not None]
    funding = sum((row.amount for row in holder.funding), Decimal(0))
    return {
        "user": user,
        "start_balance": wire.exact(holder.start_balance),
        "balance": wire.exact(balance.balance),
        "equity": wire.exact(balance.equity),
        "available": wire.exact(balance.available),
        "realized_pnl": wire.exact(holder.realized_pnl),
        "unrealized_pnl": wire.exact(balance.upnl),
        "fees_paid": wire.exact(holder.fees_paid),
        "funding": wire.exact(funding),
        "net_pnl": wire.exact(balance.equity - holder.start_balance),
        "positions": positions,
        "open_orders": [wire.order_object(view, venue.specs[view.symbol], exchange.offset_ns) for view in live],
        "fills": len(holder.trades),
        "maker_fills": sum(1 for trade in holder.trades if trade.is_maker),
        "orders_placed": holder.log.placed,
        "orders_cancelled": len(holder.log.cancel_times_ns),
    }


def book(exchange: Exchange, symbol: str) -> dict[str, Any]:
    """Prices and the first levels of one market, the venue's own truth at full precision."""
    venue, spec = exchange.venue, exchange.venue.specs[symbol]
    price = wire.price_frame(venue.price_update(symbol), spec, exchange.offset_ns)
    update = venue.book_update(symbol)
    rows = {
        name: [
            [wire.units(ticks, spec.price_decimals), wire.units(lots, spec.size_decimals)]
            for ticks, lots in levels[:LEVELS]
        ]
        for name, levels in (("bids", update.bids), ("asks", update.asks))
    }
    shown = ("mark_price", "index_price", "last_price", "mid_price", "spread", "time")
    return {name: price[name] for name in shown} | rows


def overview(exchange: Exchange) -> dict[str, Any]:
    """All accounts by name and all books by symbol."""
    now_ns = exchange.venue.now_ns
    return {
        "time": wire.iso(now_ns + exchange.offset_ns, 3),
        "speed": exchange.clock.speed,
        "sockets": {"stream": len(exchange.streams), "api": len(exchange.api_sockets)},
        "accounts": {name: account(exchange, user) for name, user in account_names(exchange).items()},
        "books": {symbol: book(exchange, symbol) for symbol in exchange.venue.specs},
        "faults": [armed.as_json(now_ns) for armed in exchange.faults.armed()],
    }


def page(seen: dict[str, Any]) -> str:
    """The overview as HTML, with links to everything else."""
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>StandX emulator</title><style>{STYLE}</style>',
        f"<h1>StandX emulator</h1><p>{seen['time']}, speed {seen['speed']:g}, sockets {seen['sockets']['stream']} "
        f"stream and {seen['sockets']['api']} api. JSON: "
        '<a href="/_control/overview">overview</a>, <a href="/_control/state">state</a>, '
        '<a href="/_control/faults">faults</a></p>',
    ]
    for name, row in seen["accounts"].items():
        parts.append(_account_html(name, row))
    for symbol, row in seen["books"].items():
        parts.append(_book_html(symbol, row))
    armed = [[fault["name"], fault["values"], fault["left"]] for fault in seen["faults"]]
    parts.append("<h2>Faults now</h2>" + (_table(["name", "values", "left"], armed) if armed else "<p>none</p>"))
    return "\n".join([*parts, "</html>"])


def _account_html(name: str, row: dict[str, Any]) -> str:
    shown, link = escape(name), f"/_control/accounts/{escape(name)}"
    money = ("balance", "equity", "available", "net_pnl", "realized_pnl", "unrealized_pnl", "fees_paid", "funding")
    counts = ("orders_placed", "orders_cancelled", "fills", "maker_fills")
    positions = [[p[n] for n in ("symbol", "qty", "entry_price", "upnl", "liq_price")] for p in row["positions"]]
    orders = [
        [o[n] for n in ("id", "cl_ord_id", "symbol", "side", "price", "qty", "fill_qty")] for o in row["open_orders"]
    ]
    return (
        f'<h2>{shown}</h2><p><a href="{link}">account</a>, <a href="{link}/score">time in band</a>, '
        f'<a href="{link}/orders">order log</a></p>'
        + _table([*money, *counts], [[row[n] for n in (*money, *counts)]])
        + (_table(["symbol", "qty", "entry", "upnl", "liquidation"], positions) if positions else "")
        + (_table(["id", "client id", "symbol", "side", "price", "qty", "filled"], orders) if orders else "")
    )


def _book_html(symbol: str, row: dict[str, Any]) -> str:
    depth = max(len(row["bids"]), len(row["asks"]))
    none = ["", ""]
    rows = [
        [*(row["bids"][n] if n < len(row["bids"]) else none), *(row["asks"][n] if n < len(row["asks"]) else none)]
        for n in range(depth)
    ]
    return (
        f'<h2>{escape(symbol)}</h2><p>mark {row["mark_price"]}, index {row["index_price"]}, last {row["last_price"]}; '
        f'<a href="/api/query_symbol_market?symbol={escape(symbol)}">market</a>, '
        f'<a href="/api/query_depth_book?symbol={escape(symbol)}">book as shown</a></p>'
        + _table(["bid", "qty", "ask", "qty"], rows)
    )


def _table(head: list[str], rows: list[list[Any]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"
