"""One line of what ``hbx doctor`` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One finding: ``state`` is ok, warn or fail; ``fix`` is empty when ok."""

    check: str
    state: str
    finding: str
    fix: str = ""
