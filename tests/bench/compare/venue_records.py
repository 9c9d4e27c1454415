"""What the emulator's own record of an account's orders says about re-quotes; no word of the bot is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Requote:
    """An order that its account cancelled, and for how long nothing of the account stood on that side then."""

    side: str
    ended_ms: float
    empty_ms: float


def requotes(rows: Sequence[dict[str, Any]], since_ms: float, until_ms: float, now_ms: float) -> list[Requote]:
    """Re-quotes of [since, until) in venue time, one for each cancelled order.

    ``rows`` is what the control API lists under ``orders``, taken at ``now_ms``. A side that is empty still counts as
    empty until then. Orders that a fill ended are no re-quotes.
    """
    return [Requote(row["side"], row["end_ms"], _empty_ms(rows, row["side"], row["end_ms"], now_ms))
            for row in rows if row["is_cancelled"] and since_ms <= row["end_ms"] < until_ms]


def _empty_ms(rows: Sequence[dict[str, Any]], side: str, from_ms: float, now_ms: float) -> float:
    others = [row for row in rows
              if row["side"] == side and (row["end_ms"] is None or row["end_ms"] > from_ms)]
    if any(row["start_ms"] <= from_ms for row in others):
        return 0.0
    return min((row["start_ms"] for row in others), default=now_ms) - from_ms
