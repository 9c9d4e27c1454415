"""What our bot's event log says about the orders of one decision."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def event_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a log; the last line may be half written while its bot runs."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def frame_bursts(rows: Iterable[dict[str, Any]]) -> list[list[float]]:
    """For each decision that a frame led to, ms from the frame to the first byte of every order that it sent."""
    bursts: list[list[str]] = []
    wire_ms: dict[str, float] = {}
    for row in rows:
        if row["kind"] == "decision":
            bursts.append([])
        elif row["kind"] == "order" and row["event"] == "placed" and bursts:
            bursts[-1].append(row["client_order_id"])
        elif row["kind"] == "order" and row["event"] == "live" and row["frame_to_wire_ms"] is not None:
            wire_ms[row["client_order_id"]] = row["frame_to_wire_ms"]
    found = ([wire_ms[order_id] for order_id in burst if order_id in wire_ms] for burst in bursts)
    return [burst for burst in found if burst]
