"""Reads a run's event log back: the newest state for a panel, counts and rates for a report."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class RunSummary:
    """What one run did, folded event by event. Counts since its start; decimals as the strings they were logged as."""

    controller_id: str = ""
    config_hash: str = ""
    orders: Counter[str] = field(default_factory=Counter)
    """Orders by what became of them: placed, live, filled, canceled, rejected."""
    cancels: int = 0
    risk_cancels: int = 0
    cancel_reasons: Counter[str] = field(default_factory=Counter)
    silences: dict[str, str | None] = field(default_factory=dict)
    fills: list[dict[str, Any]] = field(default_factory=list)
    stopped: dict[str, Any] | None = None
    unreadable_lines: int = 0

    @property
    def unsettled_orders(self) -> int:
        """Orders placed whose ending was never learnt."""
        ended = self.orders["filled"] + self.orders["canceled"] + self.orders["rejected"]
        return self.orders["placed"] - ended

    def take(self, event: dict[str, Any]) -> None:
        """Fold in one event."""
        kind = event["kind"]
        if kind == "run":
            self.controller_id, self.config_hash = event["controller_id"], event["config_hash"]
        elif kind == "decision":
            self.silences = {side: _silence(event, side) for side in ("bid", "ask")}
        elif kind == "order":
            self.orders[event["event"]] += 1
        elif kind == "cancel_sent":
            self.cancel_reasons[event["reason"]] += 1
            if event["reason"] != "retry":
                self.risk_cancels += 1 if event["is_risk"] else 0
                self.cancels += 0 if event["is_risk"] else 1
        elif kind == "fill":
            self.fills.append({"t_ns": event["t_ns"], **event["fill"]})
        elif kind == "stopped":
            self.stopped = event


def _silence(event: dict[str, Any], side: str) -> str | None:
    """Why a side is silent, with what the pricer said about it; logs of before that was written lack it."""
    reason, detail = event[f"{side}_silence"], event.get(f"{side}_detail")
    return f"{reason} ({detail})" if reason and detail else reason


class RunLog:
    """Follows one event log file as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.summary = RunSummary()
        self._offset = 0

    def catch_up(self) -> RunSummary:
        """Summary up to the last whole line; a line cut short by a crash is counted, not raised."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole, _, _ = text.rpartition(b"\n")
        self._offset += len(whole) + (1 if whole else 0)
        for line in whole.splitlines():
            if not line.strip():
                continue
            try:
                self.summary.take(json.loads(line))
            except (ValueError, KeyError):
                self.summary.unreadable_lines += 1
        return self.summary


def newest_log(workspace: Path, controller_id: str) -> Path | None:
    """The event log of the controller's latest start in a workspace, None before its first."""
    files = sorted((workspace / "logs" / "events" / controller_id).glob("*.jsonl"))
    return files[-1] if files else None
