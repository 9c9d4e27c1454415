"""Check of the signing headers that trading requests carry, over REST and ws-api alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.emulator.identity import Client
from hummingbot_extensions.emulator.signatures import is_body_signed

TOLERANCE_MS = 30_000
NAMES = ("x-request-sign-version", "x-request-id", "x-request-timestamp", "x-request-signature")


class SignatureRefused(Exception):
    """The request is not signed as it must be; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check_signature(exchange: Exchange, client: Client, headers: Mapping[str, Any], body: bytes) -> str:
    """Request id of a well-signed request; SignatureRefused names the bad header, or says the signature is wrong."""
    values = [headers.get(name) for name in NAMES]
    for name, value in zip(NAMES, values, strict=True):
        if not isinstance(value, str) or not value:
            raise SignatureRefused(400, f"{name}: header missing")
    version, request_id, timestamp, signature = (str(value) for value in values)
    if version != "v1":
        raise SignatureRefused(400, "x-request-sign-version: must be v1")
    if not timestamp.isdecimal():
        raise SignatureRefused(400, "x-request-timestamp: must be Unix milliseconds")
    if not is_body_signed(client.request_key, version, request_id, timestamp, body, signature):
        raise SignatureRefused(403, "invalid body signature")
    if abs(exchange.wall_s() * 1000 - int(timestamp)) > TOLERANCE_MS:
        raise SignatureRefused(403, "x-request-timestamp: more than 30 s from server time")
    if not exchange.is_new_request_id(request_id):
        raise SignatureRefused(403, "x-request-id: repeated within 60 s")
    return request_id
