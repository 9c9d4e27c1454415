"""What a controller keeps across restarts: its account book, its hard stop, and whose they are."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import hummingbot

from hummingbot_extensions.core.account_book import AccountBook
from hummingbot_extensions.core.canonical import Plain, from_plain, to_plain
from hummingbot_extensions.core.decision import DecisionState
from hummingbot_extensions.execution import state_file

VERSION = 1


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


class Refused(ValueError):
    """The state on disk must not be gone on from, and says what to do."""


def folder() -> Path:
    """Where states live in the workspace."""
    return Path(hummingbot.prefix_path()) / "data" / "state"


def path_of(controller_id: str) -> Path:
    return folder() / f"controller-{quote(controller_id, safe='')}.json"


def content_of(snapshot: Snapshot) -> Plain:
    return to_plain(snapshot)


def loaded(path: Path, scope: Scope) -> Snapshot | None:
    """The snapshot at ``path``, None when there is none; a damaged one is set aside and announced.

    Refused when it belongs to another controller or market or was written by a newer version: going on without it would
    forget limits, going on from it would use another account's.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        snapshot = from_plain(Snapshot, state_file.decoded(data, VERSION))
        problems = snapshot.book.problems()
        if problems:
            raise state_file.Damaged("; ".join(problems))
    except state_file.NewerVersion as newer:
        raise Refused(
            f"state: {path} was written by a newer version (state {newer.version}, this one reads {VERSION}); "
            "install that version again, or move the file away to start without its ledger and limits") from None
    except (state_file.Damaged, ValueError) as damage:
        aside = state_file.set_aside(path)
        logging.getLogger(__name__).error(
            "state damaged path=%s cause=%s: kept as %s. Ledger, hard stop and missed fills start anew; the start-up "
            "policy decides about the position", path, damage, aside.name)
        return None
    if snapshot.scope != scope:
        was = snapshot.scope
        raise Refused(
            f"state: {path} belongs to {was.controller_id}, {was.trading_pair} on {was.connector_name}, not to "
            f"{scope.controller_id}, {scope.trading_pair} on {scope.connector_name}; give this controller another id, "
            "or move the file away to start without its ledger and limits")
    return snapshot


def wall_ns(mono_ns: int | None) -> int | None:
    """Unix time of a monotonic stamp of this process."""
    return None if mono_ns is None else time.time_ns() - (time.monotonic_ns() - mono_ns)


def resumed_state(hard_stop_since_ns: int | None) -> DecisionState:
    """State that a decision goes on from, with a hard stop that lasts on as if the process had never ended.

    Checks for its end start anew. A stop that seems to begin in the future, because the clock was set back, begins now.
    """
    if hard_stop_since_ns is None:
        return DecisionState()
    elapsed_ns = max(0, time.time_ns() - hard_stop_since_ns)
    return DecisionState(hard_stop_since_ns=time.monotonic_ns() - elapsed_ns)
