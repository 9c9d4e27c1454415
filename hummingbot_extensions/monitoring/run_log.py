"""Reads a run's event log back: the newest state for a panel, counts and rates for a report."""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hummingbot_extensions.monitoring.event_log import parts


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
    """Follows one event log as it grows, over all its rotations."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.summary = RunSummary()
        self._offset = 0
        self._inode: int | None = None
        """Of the file that was read last, up to ``_offset``."""

    def catch_up(self) -> RunSummary:
        """Summary up to the last whole line; a line cut short by a crash is counted, not raised."""
        with contextlib.ExitStack() as opened:
            for inode, file in self._unread(opened):
                self._inode, self._offset = inode, file.tell() + self._take(file.read())
        return self.summary

    def _unread(self, opened: contextlib.ExitStack) -> list[tuple[int, io.BufferedReader]]:
        """Files from the one that was read last on, oldest first, by their inodes; it stands where reading ended.

        Nothing where files were renamed during the look: the next look finds them.
        """
        unread: list[tuple[int, io.BufferedReader]] = []
        listed = _inodes(self.path)
        for part, inode in reversed(listed):
            try:
                file = opened.enter_context(part.open("rb"))
            except FileNotFoundError:
                return []
            unread.insert(0, (inode, file))
            if inode == self._inode:
                file.seek(self._offset)
                break
        return unread if listed == _inodes(self.path) else []

    def _take(self, text: bytes) -> int:
        """Fold in the whole lines of ``text``; how many bytes they are."""
        end = text.rfind(b"\n") + 1
        for line in text[:end].splitlines():
            if not line.strip():
                continue
            try:
                self.summary.take(json.loads(line))
            except (ValueError, KeyError):
                self.summary.unreadable_lines += 1
        return end


def _inodes(path: Path) -> list[tuple[Path, int]]:
    """The files of a run with their inodes, oldest first; none while one is being renamed."""
    try:
        return [(part, part.stat().st_ino) for part in parts(path)]
    except FileNotFoundError:
        return []


def newest_log(workspace: Path, controller_id: str) -> Path | None:
    """The event log of the controller's latest start in a workspace, None before its first."""
    files = sorted((workspace / "logs" / "events" / controller_id).glob("*.jsonl"))
    return files[-1] if files else None
