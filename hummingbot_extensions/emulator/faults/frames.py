"""Faults of outgoing WebSocket frames: from the frame that should leave to those that do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from hummingbot_extensions.emulator.faults.board import FaultBoard
from hummingbot_extensions.emulator.faults.values import Whom

MS = 1_000_000
NAMES = (
    "frame_drop",
    "frame_numbers",
    "frame_corrupt",
    "frame_truncate",
    "frame_delay",
    "frame_duplicate",
    "frame_unknown",
)
UNKNOWN_FRAME = '{"channel":"notice","data":{"kind":"unknown to this protocol"}}'
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_NEVER_NUMBERS = frozenset({"cl_ord_id", "request_id", "message", "msg", "user", "symbol", "time"})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frame on its way out; ``extra_ns`` comes on top of the delay that every frame has."""

    text: str
    channel: str = ""
    symbol: str | None = None
    extra_ns: int = 0


def shaped(board: FaultBoard, now_ns: int, whom: Whom, frame: Outgoing) -> list[Outgoing]:
    """What leaves instead of ``frame``; itself when no fault concerns it."""
    if not board.any_of(*NAMES):
        return [frame]
    if board.take("frame_drop", now_ns, whom) is not None:
        return []
    if board.take("frame_numbers", now_ns, whom) is not None:
        frame = replace(frame, text=_dumped(_as_numbers(json.loads(frame.text))))
    corrupt = board.take("frame_corrupt", now_ns, whom)
    if corrupt is not None:
        frame = replace(frame, text=_corrupted(frame.text, corrupt.text("how")))
    truncate = board.take("frame_truncate", now_ns, whom)
    if truncate is not None:
        frame = replace(frame, text=frame.text[: int(len(frame.text) * truncate.number("keep_frac"))])
    delay = board.take("frame_delay", now_ns, whom)
    if delay is not None:
        late_ms = delay.number("ms") + delay.draw.random() * delay.number("jitter_ms")
        frame = replace(frame, extra_ns=frame.extra_ns + int(late_ms * MS))
    frames = [frame]
    again = board.take("frame_duplicate", now_ns, whom)
    if again is not None:
        apart_ns = int(again.number("ms") * MS)
        copies = range(1, again.whole("copies") + 1)
        frames += [replace(frame, extra_ns=frame.extra_ns + copy * apart_ns) for copy in copies]
    if board.take("frame_unknown", now_ns, whom) is not None:
        frames.append(replace(frame, text=UNKNOWN_FRAME))
    return frames


def _dumped(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _as_numbers(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _as_numbers(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_as_numbers(member, name) for member in value]
    if isinstance(value, str) and name not in _NEVER_NUMBERS and _DECIMAL.fullmatch(value):
        return float(value)
    return value


def _corrupted(text: str, how: str) -> str:
    if how == "garbage":
        return "\x00upstream connect error or disconnect"
    frame = json.loads(text)
    if how == "null_data":
        frame["data"] = None
    elif how == "nan":
        frame = _with_nan(frame)
    else:
        inner = frame.get("data")
        members = inner if isinstance(inner, dict) else frame
        members.pop(max(members), None)
    return _dumped(frame)


def _with_nan(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _with_nan(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_nan(member, name) for member in value]
    if isinstance(value, str) and name not in _NEVER_NUMBERS and _DECIMAL.fullmatch(value):
        return "NaN"
    return value
