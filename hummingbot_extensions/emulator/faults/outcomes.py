"""Faults of order outcomes: what becomes of a command, and what is said about it on ws-api."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hummingbot_extensions.emulator.faults.board import FaultBoard
from hummingbot_extensions.emulator.faults.values import Whom

MS = 1_000_000
SUCCESS: dict[str, Any] = {"code": 0, "message": "success"}


@dataclass(frozen=True, slots=True)
class Diverted:
    """A command that does not reach the market; ``answer`` is its final word, None for none."""

    answer: dict[str, Any] | None


def diverted_order(board: FaultBoard, now_ns: int, whom: Whom) -> Diverted | None:
    """What happens to an order instead of going to the market, if anything."""
    armed = board.take("order_rejected", now_ns, whom)
    if armed is not None:
        return Diverted({"code": 400, "message": armed.text("message")})
    if board.take("order_lost", now_ns, whom) is not None:
        return Diverted(None)
    return None


def diverted_cancel(board: FaultBoard, now_ns: int, whom: Whom) -> Diverted | None:
    """What happens to a cancel instead of being done, if anything."""
    armed = board.take("cancel_ignored", now_ns, whom)
    if armed is None:
        return None
    return Diverted(SUCCESS if armed.text("terminal") == "success" else None)


def late_ns(board: FaultBoard, name: str, now_ns: int, whom: Whom) -> int:
    """Venue time by which this command comes later."""
    armed = board.take(name, now_ns, whom)
    return int(armed.number("ms") * MS) if armed is not None else 0


def accepted_frame(board: FaultBoard, now_ns: int, whom: Whom) -> int | None:
    """By how much the accepted frame comes late, 0 if in time; None when it does not come."""
    if board.take("accepted_missing", now_ns, whom) is not None:
        return None
    return late_ns(board, "accepted_late", now_ns, whom)


def terminal_frames(
    board: FaultBoard, now_ns: int, whom: Whom, answer: dict[str, Any], request_id: str
) -> list[tuple[dict[str, Any], int]]:
    """(frame, how late) of everything that is said at the end of a command."""
    if board.take("terminal_missing", now_ns, whom) is not None:
        return []
    if answer["code"] == 0:
        rejection = board.take("terminal_false_rejection", now_ns, whom)
        if rejection is not None:
            answer = {"code": 400, "message": rejection.text("message")}
    elif board.take("terminal_false_success", now_ns, whom) is not None:
        answer = SUCCESS
    late = late_ns(board, "terminal_late", now_ns, whom)
    frame = answer | {"request_id": request_id}
    frames = [(frame, late)]
    again = board.take("terminal_duplicate", now_ns, whom)
    if again is not None:
        frames.append((frame, late + int(again.number("ms") * MS)))
    if board.take("terminal_unknown_request", now_ns, whom) is not None:
        stranger = {"code": 400, "message": "alo order rejected", "request_id": f"unknown-{request_id}"}
        frames.append((stranger, late))
    return frames
