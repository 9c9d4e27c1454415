"""Faults of private channels: trade, order and position frames that are repeated, late, wrong or out of turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hummingbot_extensions.emulator.faults.board import FaultBoard
from hummingbot_extensions.emulator.faults.values import Whom

MS = 1_000_000
NAMES = (
    "trade_duplicate",
    "trade_zero_qty",
    "trade_before_order",
    "trade_after_order",
    "position_wrong",
    "position_late",
)
FIRST_UNREAL_TRADE_ID = 99_000_000_001


@dataclass(frozen=True, slots=True)
class AccountFrame:
    """Payload for one account's channel, ``extra_ns`` later than what happened."""

    user: str
    channel: str
    data: dict[str, Any]
    extra_ns: int = 0


def distorted(board: FaultBoard, now_ns: int, frames: list[AccountFrame]) -> list[AccountFrame]:
    """The frames of one instant as the faults leave them."""
    if not board.any_of(*NAMES):
        return frames
    found = [made for frame in frames for made in _made(board, now_ns, frame)]
    if any(board.take("trade_before_order", now_ns, _whom(frame)) for frame in frames if frame.channel == "trade"):
        found.sort(key=lambda frame: frame.channel != "trade")
    return found


def _whom(frame: AccountFrame) -> Whom:
    return Whom(account=frame.user, symbol=frame.data.get("symbol"))


def _made(board: FaultBoard, now_ns: int, frame: AccountFrame) -> Iterator[AccountFrame]:
    whom, data, extra_ns = _whom(frame), frame.data, frame.extra_ns
    if frame.channel == "trade":
        late = board.take("trade_after_order", now_ns, whom)
        extra_ns += int(late.number("ms") * MS) if late is not None else 0
        yield AccountFrame(frame.user, "trade", data, extra_ns)
        again = board.take("trade_duplicate", now_ns, whom)
        if again is not None:
            yield AccountFrame(frame.user, "trade", data, extra_ns + int(again.number("ms") * MS))
        zero = board.take("trade_zero_qty", now_ns, whom)
        if zero is not None:
            empty = data | {"id": FIRST_UNREAL_TRADE_ID + zero.met, "qty": "0"}
            yield AccountFrame(frame.user, "trade", empty, extra_ns)
    elif frame.channel == "position":
        wrong = board.take("position_wrong", now_ns, whom)
        if wrong is not None:
            qty = Decimal(data["qty"]) + Decimal(repr(wrong.number("add_base")))
            data = data | {"qty": format(qty, "f")}
        late = board.take("position_late", now_ns, whom)
        extra_ns += int(late.number("ms") * MS) if late is not None else 0
        yield AccountFrame(frame.user, "position", data, extra_ns)
    else:
        yield frame
