"""What a controller keeps across restarts: its account book, its stops, and whose they are."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hummingbot

from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.breaker_state import BreakerState, LastingStop
from hummingbot_extensions.core.canonical import Plain, from_plain, to_plain
from hummingbot_extensions.core.decision import DecisionState
from hummingbot_extensions.execution import state_file
from hummingbot_extensions.execution.state_file import Refused

VERSION = 2
"""1 had neither ``stop`` nor ``is_closing``."""


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
        content.setdefault("is_closing", False)
    snapshot = from_plain(Snapshot, content)
    problems = snapshot.book.problems()
    if problems:
        raise state_file.Damaged("; ".join(problems))
    return snapshot


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
        serious_ns=tuple(at for at in map(_mono_ns, stop.serious_ns) if at is not None))
    return DecisionState(hard_stop_since_ns=_mono_ns(kept.hard_stop_since_ns), breaker=breaker)


def _mono_ns(unix_ns: int | None) -> int | None:
    """Monotonic stamp in this process of a Unix time; negative for one before the machine started."""
    return None if unix_ns is None else time.monotonic_ns() - max(0, time.time_ns() - unix_ns)
