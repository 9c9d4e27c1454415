"""The state of an emulator in a file: written whole and at once, read back by a restart that goes on where it was.

In the file: the venue (accounts, orders, positions, ids, queued commands, the market's journal), cash wallets, and
which tokens were issued or revoked. Not in it: open sockets and the answers they waited for, armed faults, and the
prints behind candles and 24 h figures.

Bringing a market back takes as long as running it again. At speed 1 the venue then catches up with the time it was off,
as a venue goes on while a bot is away, up to an hour of it; longer absences, and any other speed, continue at the
instant that was saved.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.sim.venue import Venue

logger = logging.getLogger(__name__)

VERSION = 1
SAVE_EVERY_S = 3.0
MAX_SHARE = 0.05
"""Part of the time that saving may take: a large state is saved less often."""
MAX_CATCH_UP_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Saved:
    """A state as read: the venue's part as it is, the rest parsed."""

    offset_ns: int
    venue: dict[str, Any]
    identity: dict[str, Any]
    cash: dict[str, Decimal]

    def offset_after(self, wall_ns: int, speed: float, is_manual: bool) -> int:
        """What is added to venue time from now on, so that what was off for long goes on where it stopped."""
        if is_manual:
            return self.offset_ns
        missed_ns = wall_ns - self.offset_ns - int(self.venue["now_ns"])
        return self.offset_ns if speed == 1.0 and missed_ns <= MAX_CATCH_UP_NS else self.offset_ns + max(0, missed_ns)


def market_name(config: EmulatorConfig) -> dict[str, Any]:
    """What a state must agree with to be continued."""
    return {
        "market": config.market,
        "symbol": config.symbol,
        "seed": config.seed,
        "tape_start": config.tape_start,
        "tape_minutes": config.tape_minutes,
    }


def state_of(exchange: Exchange) -> dict[str, Any]:
    """Everything that a restart needs, as JSON holds it."""
    return {
        "version": VERSION,
        "emulator": "standx",
        "of": market_name(exchange.config),
        "offset_ns": exchange.true_offset_ns,
        "identity": exchange.identity.to_plain(),
        "cash": {user: str(amount) for user, amount in exchange.cash.items()},
        "venue": exchange.venue.to_plain(),
    }


def read_state(path: Path, config: EmulatorConfig) -> Saved | None:
    """The saved state; None without a file. CannotServe says in one line what is wrong with it and what to do."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from None
    try:
        plain = json.loads(text)
        version, of = plain["version"], plain["of"]
    except (ValueError, KeyError, TypeError):
        raise _damaged(path, "not a saved state") from None
    if version != VERSION:
        raise _damaged(path, f"version {version}, expected {VERSION}")
    if of != market_name(config):
        raise CannotServe(f"--state {path}: saved of {of}; start with the same options, or name another file")
    try:
        cash = {user: Decimal(amount) for user, amount in plain["cash"].items()}
        int(plain["venue"]["now_ns"])
        return Saved(int(plain["offset_ns"]), plain["venue"], plain["identity"], cash)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise _damaged(path, f"{type(error).__name__} {error}") from None


def restored_venue(path: Path, saved: Saved, *markets: Any) -> Venue:
    """The venue of a saved state over fresh ``markets`` (as ``Venue`` takes them); CannotServe when it does not fit."""
    try:
        return Venue.from_plain(saved.venue, *markets)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, ArithmeticError) as error:
        raise _damaged(path, f"{type(error).__name__} {error}") from None


def restore_rest(exchange: Exchange, path: Path, saved: Saved) -> None:
    """Give a new exchange the parts of a state beside its venue; CannotServe when they do not fit."""
    try:
        exchange.identity.restore(saved.identity)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__} {error}") from None
    exchange.cash = dict(saved.cash)


def _damaged(path: Path, why: str) -> CannotServe:
    why = " ".join(why.split())[:200]
    return CannotServe(f"--state {path}: damaged ({why}); move it away to start afresh")


def write_state(exchange: Exchange, path: Path) -> None:
    """Put the state at ``path`` at once, on the disk and readable by the owner alone; CannotServe names the path."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    text = json.dumps(state_of(exchange), separators=(",", ":"))
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        raise CannotServe(f"--state {path}: cannot write: {error.strerror}; choose a folder that is yours") from None


async def keep_state(exchange: Exchange, path: Path) -> None:
    """Write the state every few seconds until cancelled; a disk that is full is said once and tried again."""
    is_failing = False
    while True:
        began_s = time.monotonic()
        try:
            write_state(exchange, path)
            is_failing = False
        except CannotServe as error:
            if not is_failing:
                logger.error("state not saved: %s", error)
            is_failing = True
        took_s = time.monotonic() - began_s
        await asyncio.sleep(max(SAVE_EVERY_S, took_s / MAX_SHARE))
