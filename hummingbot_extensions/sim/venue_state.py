"""Everything a venue knows as plain JSON, and back: accounts, orders, positions, logs, queued commands, ids, clock.

Markets come back in one of two ways. A source with ``to_plain`` and ``restore`` (``sim.journal``) stands again exactly
where it stood, and the venue goes on as if nothing had happened. Any other source starts afresh: venue time goes on,
the market runs late by the difference, and resting orders are given to it anew, behind everything at their price; one
that would now cross is cancelled without a word.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeVar, cast

from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.types import TimeInForce
from hummingbot_extensions.sim.account import Account, Order, Position
from hummingbot_extensions.sim.gateway import Lattice
from hummingbot_extensions.sim.house import House
from hummingbot_extensions.sim.market import MarketSource
from hummingbot_extensions.sim.order_log import OrderLog, RestingRow
from hummingbot_extensions.sim.venue_market import VenueMarket
from hummingbot_extensions.sim.venue_values import CancelOrders, FundingRow, MarginMode, OrderStatus, Trade

VERSION = 1
T = TypeVar("T")
State = dict[str, Any]


class Restorable(Protocol):
    """A market source that can be put back exactly."""

    def to_plain(self) -> State: ...

    def restore(self, plain: State) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Placing:
    """An accepted order on its way to the market."""

    user: str
    order_id: int
    tag: object


@dataclasses.dataclass(frozen=True, slots=True)
class Cancelling:
    """An accepted cancel on its way to the market."""

    user: str
    request: CancelOrders
    tag: object


Command = tuple[int, int, Placing | Cancelling]
"""Due time, running number, what to do."""


def _rows(kind: type[T], plain: Sequence[Any]) -> list[T]:
    return [from_plain(kind, row) for row in plain]


def account_state(account: Account) -> State:
    log = account.log
    return {
        "user": account.user,
        "start_balance": str(account.start_balance),
        "created_ns": account.created_ns,
        "balance": str(account.balance),
        "orders": [to_plain(order) for order in account.orders.values()],
        "live": list(account.live),
        "positions": [to_plain(position) for position in account.positions.values()],
        "leverage": dict(account.leverage),
        "margin_mode": {symbol: str(mode) for symbol, mode in account.margin_mode.items()},
        "trades": [to_plain(trade) for trade in account.trades],
        "funding": [to_plain(row) for row in account.funding],
        "fees_paid": str(account.fees_paid),
        "realized_pnl": str(account.realized_pnl),
        "forfeited": str(account.forfeited),
        "day_from": account.day_from,
        "day_pnl": str(account.day_pnl),
        "log_rows": [to_plain(row) for row in log.rows],
        "placed": log.placed,
        "cancel_times_ns": list(log.cancel_times_ns),
    }


def account_of(state: State) -> Account:
    orders = {order.id: order for order in _rows(Order, state["orders"])}
    log = OrderLog(_rows(RestingRow, state["log_rows"]), state["placed"], list(state["cancel_times_ns"]))
    log.reopen()
    return Account(
        user=state["user"],
        start_balance=Decimal(state["start_balance"]),
        created_ns=state["created_ns"],
        balance=Decimal(state["balance"]),
        orders=orders,
        live={order_id: orders[order_id] for order_id in state["live"]},
        by_client_id={order.client_id: order.id for order in orders.values()},
        positions={position.symbol: position for position in _rows(Position, state["positions"])},
        leverage=dict(state["leverage"]),
        margin_mode={symbol: MarginMode(mode) for symbol, mode in state["margin_mode"].items()},
        trades=_rows(Trade, state["trades"]),
        funding=_rows(FundingRow, state["funding"]),
        fees_paid=Decimal(state["fees_paid"]),
        realized_pnl=Decimal(state["realized_pnl"]),
        forfeited=Decimal(state["forfeited"]),
        log=log,
        day_from=state["day_from"],
        day_pnl=Decimal(state["day_pnl"]),
    )


def house_state(house: House) -> State:
    return {
        "vault": account_state(house.vault),
        "deposits": str(house.deposits),
        "fees": str(house.fees),
        "funding": str(house.funding),
        "outside_cash": str(house.outside_cash),
        "outside_lots": dict(house.outside_lots),
    }


def house_of(state: State) -> House:
    return House(
        vault=account_of(state["vault"]),
        deposits=Decimal(state["deposits"]),
        fees=Decimal(state["fees"]),
        funding=Decimal(state["funding"]),
        outside_cash=Decimal(state["outside_cash"]),
        outside_lots=dict(state["outside_lots"]),
    )


def _restorable(source: MarketSource) -> Restorable | None:
    """The source, if it or what it wraps can be put back. Asked by name: wrappers hand such calls through."""
    return cast(Restorable, source) if hasattr(source, "to_plain") and hasattr(source, "restore") else None


def market_state(market: VenueMarket) -> State:
    source = _restorable(market.source)
    return {
        "source": source.to_plain() if source is not None else None,
        "lattice": [market.lattice.price_decimals, market.lattice.size_decimals],
        "basis": market.mark.to_plain(),
        "funding": market.funding.to_plain(),
        "mark_times_ns": list(market.marks.times_ns),
        "mark_ticks": list(market.marks.ticks),
        "alive_runs": [list(run) for run in market.alive.runs],
        "book_changed_ns": market.book_changed_ns,
        "late_ns": market.late_ns,
        "is_halted": market.is_halted,
    }


def restore_market(market: VenueMarket, state: State, now_ns: int) -> bool:
    """Put a new market into a saved state; False when its source starts afresh and needs its orders again."""
    market.lattice = Lattice(*state["lattice"])
    market.mark.restore(state["basis"])
    market.funding.restore(state["funding"])
    market.marks.times_ns[:] = state["mark_times_ns"]
    market.marks.ticks[:] = state["mark_ticks"]
    market.alive.runs[:] = [list(run) for run in state["alive_runs"]]
    market.book_changed_ns = state["book_changed_ns"]
    market.is_halted = state["is_halted"]
    market.late_ns = state["late_ns"]
    source = _restorable(market.source)
    if state["source"] is not None and source is not None:
        source.restore(state["source"])
        return True
    market.late_ns = now_ns - market.source.now_ns
    return False


def plant(market: VenueMarket, account: Account, now_ns: int) -> None:
    """Give an account's resting orders to a market that does not know them."""
    for order in list(account.live.values()):
        if order.symbol != market.spec.symbol or order.status is not OrderStatus.OPEN:
            continue
        if market.place(order.id, order.side, order.price_ticks, order.left_lots, TimeInForce.ALO).would_cross:
            account.close(order, OrderStatus.CANCELED, now_ns)


def command_state(command: Command) -> list[Any]:
    """A queued command. Of its tag only plain values are kept: a socket that waited for the answer is gone."""
    due_ns, number, what = command
    tag = what.tag if isinstance(what.tag, str | int) else None
    if isinstance(what, Placing):
        return [due_ns, number, what.user, tag, what.order_id]
    request = what.request
    return [due_ns, number, what.user, tag, list(request.order_ids), list(request.client_ids), request.is_batch]


def command_of(state: Sequence[Any]) -> Command:
    due_ns, number, user, tag, *what = state
    if len(what) == 1:
        return due_ns, number, Placing(user, what[0], tag)
    order_ids, client_ids, is_batch = what
    return due_ns, number, Cancelling(user, CancelOrders(tuple(order_ids), tuple(client_ids), is_batch), tag)
