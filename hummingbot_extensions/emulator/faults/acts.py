"""Faults that are done at once: sockets cut or closed, tokens revoked, time that leaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hummingbot_extensions.emulator.faults.values import SECOND_NS, Armed, Scope

if TYPE_CHECKING:
    from hummingbot_extensions.emulator.exchange import Exchange
    from hummingbot_extensions.emulator.session import Session


def perform(exchange: Exchange, armed: Armed) -> None:
    """Do an act; how much it concerned is kept as ``affected``."""
    if armed.draw.random() < armed.probability:
        armed.memory["affected"] = _ACTS[armed.fault.name](exchange, armed)


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


_ACTS: dict[str, Callable[[Exchange, Armed], int]] = {
    "socket_drop": _drop,
    "socket_close": _close,
    "token_revoked": _revoke,
    "time_jump": _jump,
}
