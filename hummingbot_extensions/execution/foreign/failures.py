"""What a failed order tells: refused on the venue's word, answered in words we cannot read, or of unknown outcome.

Hummingbot calls an order failed for all three and hands over only a type's name and a text. The text is read for two
things of fixed form: the status that Hummingbot's own REST code writes into it, and a venue's error code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from hummingbot_extensions.connector.errors import (
    ConnectorError,
    Misconfigured,
    NotFound,
    PostOnlyRejected,
    Rejected,
    Throttled,
)

_STATUS = re.compile(r"HTTP status is (\d{3})")
_CODE = re.compile(r'"code"\s*:\s*"?(-?\d+)')
POST_ONLY_CODES = {"binance_perpetual": frozenset({"-5022"})}
"""Codes by which a venue refuses a post-only order that would take, by connector. Elsewhere it is one refusal more."""
THROTTLED_STATUSES = frozenset({418, 429})
LOGIN_STATUSES = frozenset({401, 403})
TIMEOUT_STATUS = 408


class Verdict(Enum):
    """How much the failure of a request says."""

    REFUSED = "refused"
    """The venue's word: the request had no effect."""
    ANSWERED = "answered"
    """The connector read a reply, or refused by itself before sending. Believed once the venue does not know it."""
    UNKNOWN = "unknown"
    """Timeout, dropped connection, 5xx, unreadable reply: it may have taken effect."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request. ``kind`` is what the breakers count it as: an unknown outcome counts as a failure."""

    verdict: Verdict
    kind: type[ConnectorError]
    reason: str


def failure(connector_name: str, error_type: str | None, message: str | None) -> Failure:
    """Reading of an error's type name and text; no type means that the venue itself calls the order failed.

    >>> failure("x", "OSError", "Error executing request POST u. HTTP status is 400. Error: no").verdict.value
    'refused'
    >>> failure("x", "TimeoutError", "").verdict.value
    'unknown'
    """
    reason = message or error_type or "refused by the venue"
    if error_type is None:
        return Failure(Verdict.REFUSED, Rejected, reason)
    status = _STATUS.search(reason)
    if error_type == "OSError" and status is not None:
        return _by_status(connector_name, int(status.group(1)), reason)
    if error_type in ("OSError", "ValueError"):
        return Failure(Verdict.ANSWERED, _refusal_kind(connector_name, reason), reason)
    return Failure(Verdict.UNKNOWN, NotFound, reason)


def _by_status(connector_name: str, status: int, reason: str) -> Failure:
    if status in THROTTLED_STATUSES:
        return Failure(Verdict.REFUSED, Throttled, reason)
    if status in LOGIN_STATUSES:
        return Failure(Verdict.REFUSED, Misconfigured, reason)
    if status == TIMEOUT_STATUS or not 400 <= status < 500:
        return Failure(Verdict.UNKNOWN, NotFound, reason)
    return Failure(Verdict.REFUSED, _refusal_kind(connector_name, reason), reason)


def _refusal_kind(connector_name: str, reason: str) -> type[ConnectorError]:
    code = _CODE.search(reason)
    known = POST_ONLY_CODES.get(connector_name, frozenset())
    return PostOnlyRejected if code is not None and code.group(1) in known else Rejected
