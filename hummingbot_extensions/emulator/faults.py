"""Faults that a test can order from a running emulator: a first few, the full catalogue is a later issue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class HttpFault:
    """Answers the next ``left`` requests to ``path`` (None: any but control) with ``status``.

    ``is_after`` lets the request take effect first, which is how an order's outcome becomes unknown.
    """

    status: int
    left: int
    path: str | None
    is_after: bool


@dataclass(slots=True)
class Faults:
    """Faults now in force. Venue times are nanoseconds."""

    silent_until_ns: int = 0
    """Frames that would leave on a WebSocket before this venue time are lost."""
    reject_next: int = 0
    """That many next orders are acknowledged and then refused with ``reject_message``, without reaching the market."""
    reject_message: str = "rejected by fault"
    http: HttpFault | None = None

    def take_rejection(self) -> str | None:
        if not self.reject_next:
            return None
        self.reject_next -= 1
        return self.reject_message

    def take_http(self, path: str) -> HttpFault | None:
        """The fault that this request meets, used up by one."""
        fault = self.http
        if fault is None or (fault.path is not None and fault.path != path):
            return None
        fault.left -= 1
        if fault.left <= 0:
            self.http = None
        return fault
