"""What a script keeps across restarts: from which peak a loss is counted, and who was stopped for one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from hummingbot_extensions.core.canonical import Plain, from_plain, to_plain
from hummingbot_extensions.execution import snapshot, state_file

VERSION = 1


@dataclass(frozen=True, slots=True)
class Peak:
    """Highest net PnL of one controller since its account began at ``began_ns`` (Unix nanoseconds), quote units.

    None when no limit of its own needed it.
    """

    controller_id: str
    began_ns: int
    peak_quote: Decimal | None


@dataclass(frozen=True, slots=True)
class Memory:
    """State of a script. ``global_peak_quote`` is the highest sum over exactly the controllers in ``peaks``."""

    peaks: tuple[Peak, ...] = ()
    global_peak_quote: Decimal | None = None
    drawn_down: tuple[str, ...] = ()
    """Controllers that a drawdown limit has stopped, until a person releases them."""


def path() -> Path:
    return snapshot.folder() / "script.json"


def content_of(memory: Memory) -> Plain:
    return to_plain(memory)


def loaded() -> Memory:
    """The memory on disk, an empty one when there is none; a damaged one is set aside and announced."""
    found = state_file.restored(
        path(), VERSION, lambda content: from_plain(Memory, content), "its drawdown peaks",
        "Drawdown is counted from the result at this start")
    return Memory() if found is None else found
