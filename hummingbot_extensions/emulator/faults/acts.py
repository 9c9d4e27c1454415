"""Faults that are done rather than met: sockets cut or closed, tokens revoked, time that leaps, halts, a new tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hummingbot_extensions.emulator.faults.values import SECOND_NS, Armed, BadFault, Scope, Whom

if TYPE_CHECKING:
    from hummingbot_extensions.emulator.exchange import Exchange
    from hummingbot_extensions.emulator.session import Session


def run(exchange: Exchange) -> None:
    """Do what is due, and halt or resume markets as the board now says."""
    for armed in exchange.faults.due_acts(exchange.venue.now_ns):
        if armed.draw.random() < armed.probability:
            armed.memory["affected"] = _ACTS[armed.fault.name](exchange, armed)
    venue = exchange.venue
    for symbol in venue.specs:
        halt = exchange.faults.active("trading_halt", venue.now_ns, Whom(symbol=symbol))
        if halt is not None and not venue.is_halted(symbol):
            halt.met += 1
            venue.halt(symbol)
        elif halt is None and venue.is_halted(symbol):
            venue.resume(symbol)


def check(exchange: Exchange, request: Mapping[str, Any]) -> None:
    """Raise BadFault for what only this venue can know to be impossible."""
    specs = exchange.venue.specs
    symbol, decimals = request.get("symbol"), request.get("price_tick_decimals")
    if symbol is not None and symbol not in specs:
        raise BadFault(f"symbol: must be one of {', '.join(specs)}")
    finest = min(spec.price_decimals for name, spec in specs.items() if symbol in (None, name))
    if isinstance(decimals, int) and decimals > finest:
        raise BadFault(f"price_tick_decimals: must be at most {finest}, the market's own lattice")


def _chosen(exchange: Exchange, armed: Armed) -> list[Session]:
    return [session for session in exchange.sessions() if armed.concerns(session.whom(""))]


def _drop(exchange: Exchange, armed: Armed) -> int:
    chosen = _chosen(exchange, armed)
    for session in chosen:
        session.drop()
    return len(chosen)


def _close(exchange: Exchange, armed: Armed) -> int:
    chosen = _chosen(exchange, armed)
    for session in chosen:
        session.close_with(armed.whole("code"), b"closed by the venue")
    return len(chosen)


def _revoke(exchange: Exchange, armed: Armed) -> int:
    named = armed.scope.get(Scope.ACCOUNT)
    users = [user for user in exchange.venue.accounts if named in (None, user)]
    for user in users:
        exchange.identity.revoke(user)
    return len(users)


def _jump(exchange: Exchange, armed: Armed) -> int:
    exchange.clock.step(int(armed.number("by_s") * SECOND_NS))
    return 1


def _change_tick(exchange: Exchange, armed: Armed) -> int:
    named = armed.scope.get(Scope.SYMBOL)
    symbols = [symbol for symbol in exchange.venue.specs if named in (None, symbol)]
    for symbol in symbols:
        exchange.venue.set_tick(symbol, armed.whole("price_tick_decimals"))
    return len(symbols)


_ACTS: dict[str, Callable[[Exchange, Armed], int]] = {
    "socket_drop": _drop,
    "socket_close": _close,
    "token_revoked": _revoke,
    "time_jump": _jump,
    "tick_change": _change_tick,
}
