"""What a controller keeps across restarts: its account book, its stops, and whose they are."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hummingbot

from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.attribution import of_unsplit
from hummingbot_extensions.core.breaker_state import BreakerState, Cause, LastingStop
from hummingbot_extensions.core.canonical import Plain, from_plain, to_plain
from hummingbot_extensions.core.decision import DecisionState
from hummingbot_extensions.core.gate_state import GateState
from hummingbot_extensions.core.ledger import Ledger
from hummingbot_extensions.execution import state_file
from hummingbot_extensions.execution.state_file import Refused

VERSION = 4
"""1 had neither ``stop`` nor ``is_closing``; 2 kept the entry price instead of a ledger in double entry; 3 knew of no
stop but the one by trips.
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a state is about. Two states of different scope have nothing to do with each other."""

    controller_id: str
    connector_name: str
    trading_pair: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of one controller at ``saved_ns``. All stamps are Unix nanoseconds."""

    scope: Scope
    owner_tag: str
    """Prefix of the client order ids that were sent; empty when the connector has none."""
    config_hash: str
    saved_ns: int
    book: AccountBook
    hard_stop_since_ns: int | None
    policy: str
    """Last decision of the start-up policy, in words; empty when there was none to take."""
    stop: LastingStop = LastingStop()
    """The breakers' stop, with Unix stamps."""
    is_closing: bool = False
    """Whether a start took a position over to close it, and has not closed it yet."""
    gate: GateState = GateState()
    """What was used of the day's budgets."""


def folder() -> Path:
    """Where states live in the workspace."""
    return Path(hummingbot.prefix_path()) / state_file.FOLDER


def path_of(controller_id: str) -> Path:
    return folder() / f"controller-{quote(controller_id, safe='')}.json"


def content_of(snapshot: Snapshot) -> Plain:
    return to_plain(snapshot)


def loaded(path: Path, scope: Scope) -> Snapshot | None:
    """The snapshot at ``path``, None when there is none; a damaged one is set aside and announced.

    Refused when it belongs to another controller or market or was written by a newer version: going on without it would
    forget limits, going on from it would use another account's.
    """
    snapshot = state_file.restored(
        path, VERSION, _read, "its ledger and limits",
        "Ledger, hard stop and missed fills start anew; the start-up policy decides about the position")
    if snapshot is None:
        return None
    if snapshot.scope != scope:
        was = snapshot.scope
        raise Refused(
            f"state: {path} belongs to {was.controller_id}, {was.trading_pair} on {was.connector_name}, not to "
            f"{scope.controller_id}, {scope.trading_pair} on {scope.connector_name}; give this controller another id, "
            "or move the file away to start without its ledger and limits")
    return snapshot


def _read(content: Any) -> Snapshot:
    if isinstance(content, dict):
        content.setdefault("stop", to_plain(LastingStop()))
        if isinstance(content["stop"], dict):
            content["stop"].setdefault("stop_cause", Cause.TRIPS.value)
        content.setdefault("is_closing", False)
        content.setdefault("gate", to_plain(GateState()))
        book = content.get("book")
        if isinstance(book, dict) and "attribution" not in book:
            book["ledger"] = double_entry(book["ledger"], book["booked"])
            book["attribution"] = to_plain(of_unsplit(from_plain(Ledger, book["ledger"])))
        if isinstance(book, dict):
            book.setdefault("funding_id", None)
    snapshot = from_plain(Snapshot, content)
    problems = [*snapshot.book.problems(), *snapshot.gate.problems()]
    if problems:
        raise state_file.Damaged("; ".join(problems))
    return snapshot


def double_entry(single: Any, booked: Any) -> Plain:
    """Plain ledger of a version that kept an average entry price: the same account, with its balances.

    Which fees were rebates is read from the fills that are remembered; what the others sum to counts by its sign.
    """
    try:
        fees, realized, funding, position, entry_price = (Decimal(single[name]) for name in (
            "fees_paid_quote", "realized_quote", "funding_quote", "position", "entry_price"))
        known = [Decimal(fill["fee_quote"]) for fill in booked if fill["fee_quote"] is not None]
    except (ArithmeticError, KeyError, TypeError) as error:
        raise state_file.Damaged(f"its ledger cannot be read ({type(error).__name__})") from error
    rebates = -sum((fee for fee in (*known, fees - sum(known)) if fee < 0), Decimal(0))
    cost = entry_price * position
    plain: dict[str, Plain] = {name: value for name, value in single.items() if name != "entry_price"}
    return {
        **plain, "cost_quote": str(cost), "cash_quote": str(realized + funding - fees - cost),
        "rebates_quote": str(rebates), "deposits_quote": "0", "adjustments_quote": "0",
    }


def wall_ns(mono_ns: int | None) -> int | None:
    """Unix time of a monotonic stamp of this process."""
    return None if mono_ns is None else time.time_ns() - (time.monotonic_ns() - mono_ns)


def wall_stop(stop: LastingStop) -> LastingStop:
    """``stop`` with Unix instead of monotonic stamps."""
    serious = tuple(at for at in map(wall_ns, stop.serious_ns) if at is not None)
    return replace(stop, stop_since_ns=wall_ns(stop.stop_since_ns), serious_ns=serious)


def resumed_state(kept: Snapshot | None) -> DecisionState:
    """State that a decision goes on from, with stops that last on as if the process had never ended.

    Checks for the end of a hard stop start anew. What seems to have begun in the future, because the clock was set
    back, begins now.
    """
    if kept is None:
        return DecisionState()
    stop = kept.stop
    breaker = BreakerState(
        stop_since_ns=_mono_ns(stop.stop_since_ns), stop_release=stop.stop_release,
        serious_ns=tuple(at for at in map(_mono_ns, stop.serious_ns) if at is not None), stop_cause=stop.stop_cause)
    return DecisionState(hard_stop_since_ns=_mono_ns(kept.hard_stop_since_ns), breaker=breaker)


def _mono_ns(unix_ns: int | None) -> int | None:
    """Monotonic stamp in this process of a Unix time; negative for one before the machine started."""
    return None if unix_ns is None else time.monotonic_ns() - max(0, time.time_ns() - unix_ns)
