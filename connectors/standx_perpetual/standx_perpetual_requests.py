"""Private REST requests of one account: within the venue's limits, renewed logins, repeated only where that is safe."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Any

from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.core.web_assistant.connections.data_types import RESTMethod

from hummingbot_extensions.connector.backoff import Backoff
from hummingbot_extensions.connector.errors import Misconfigured, NotFound, Rejected, Throttled, Transient
from hummingbot_extensions.connector.token_bucket import TokenBucket, shared_bucket

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_web_utils as web
from .standx_perpetual_auth import StandxPerpetualAuth

RETRIES = 3
RETRY_MIN_S, RETRY_MAX_S = 0.1, 0.5
THROTTLED_FOR_S = 1.0
"""How long nothing is sent after a 429 without a Retry-After: a full burst has refilled by then."""
CREDITS_SPARED_FRAC = 0.05
"""Of the venue's burst and rate, left unused: requests may arrive closer together than they were sent."""
IP_REQUESTS_PER_S = 38
"""Private REST requests of all connectors of this process; the venue allows an IP 50 requests of any kind a second."""
CANCEL_WAIT_P99_S = 0.1
"""A single cancel waits no longer than this for its credits, however many placements queue: it goes first, and the
credits of one request refill in 47 ms.
"""


class StandxRequests(PerpetualDerivativePyBase):  # type: ignore[misc]
    """The part of the connector that asks the venue; the derivative supplies the attributes declared here."""

    _domain: str
    _keys: tuple[str, str, str]
    _bucket: TokenBucket
    _auth: StandxPerpetualAuth

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        secret = hashlib.sha256(self._keys[1].encode()).hexdigest()
        share_frac = float(args[1]) / 100 if len(args) > 1 else 1.0
        used = (1 - CREDITS_SPARED_FRAC) * share_frac
        capacity = max(CONSTANTS.CREDITS_PER_REQUEST, CONSTANTS.CREDITS_CAPACITY * used)
        # One account, one bucket: the venue counts what all connectors of the account send.
        self._bucket = shared_bucket(
            self._domain, secret, lambda: TokenBucket(capacity, CONSTANTS.CREDITS_PER_S * used)
        )
        self._ip_bucket = shared_bucket(
            self._domain, "ip", lambda: TokenBucket(IP_REQUESTS_PER_S * share_frac, IP_REQUESTS_PER_S * share_frac)
        )
        super().__init__(*args, **kwargs)

    @property
    def throttled_count(self) -> int:
        """How often the venue has answered this connector that it asks too much (429), on any way."""
        return web.throttled_count(self._web_assistants_factory)

    async def _private(self, path: str, is_paid: bool = False, **request: Any) -> Any:
        """A private REST request, made again up to three times where nothing can have been changed by it: a read that
        failed, a connection that was never made, a refusal for too many requests. What may have been taken (a write
        without an answer) is Unknown and never sent again: whether the venue takes a client id twice is not published.

        While the token is known to be refused, nothing is sent but a rare attempt to find out whether it still is.
        """
        began_s = time.monotonic()
        backoff = Backoff(RETRY_MIN_S, RETRY_MAX_S)
        is_urgent = path in (CONSTANTS.CANCEL_ORDER_PATH, CONSTANTS.CANCEL_ORDERS_PATH)
        for attempt in range(RETRIES + 1):
            try:
                return await self._private_once(path, is_paid and attempt == 0, is_urgent, **request)
            except Transient as problem:
                if isinstance(problem, Throttled):
                    for bucket in (self._bucket, self._ip_bucket):
                        bucket.penalise(problem.retry_after_s or THROTTLED_FOR_S)
                if attempt == RETRIES or time.monotonic() - began_s > CONSTANTS.REQUEST_TIMEOUT_S / 2:
                    raise
                self.logger().debug(f"request made again path={path} cause={problem}")
                if not isinstance(problem, Throttled):
                    await asyncio.sleep(backoff.next_s())
        raise AssertionError("unreachable")

    async def _private_once(
        self, path: str, is_paid: bool, is_urgent: bool, on_wire: Callable[[int], None] | None = None, **request: Any
    ) -> Any:
        """One private REST request; a refused token of a wallet login is renewed once. ``on_wire`` gets
        ``time.monotonic_ns()`` of the moment before it is made; when it raises, nothing is sent.
        """
        self._auth.token_watch.gate()
        if not is_paid:
            await self._bucket.acquire(CONSTANTS.CREDITS_PER_REQUEST, is_urgent)
        await self._ip_bucket.acquire(1, is_urgent)
        is_signed = request.get("method") is RESTMethod.POST
        for is_last in (False, True):
            session = self._auth.current
            if on_wire is not None:
                on_wire(time.monotonic_ns())
            try:
                reply = await web.request_json(
                    self._web_assistants_factory, path, self._domain, is_auth_required=True, **request
                )
                self._keys_taken(is_signed)
                return reply
            except Rejected as error:
                if error.code == 401 and not is_last and self._auth.is_renewable:
                    self._auth.forget_session(session)
                    continue
                if isinstance(error, NotFound):
                    self._keys_taken(is_signed)
                explained = self._auth.explained(error)
                raise explained from (None if isinstance(explained, Misconfigured) else error)
        raise AssertionError("unreachable")

    def _keys_taken(self, is_signed: bool) -> None:
        """The venue answered on the matter of a request, so it took the token, and the signature if there was one."""
        self._auth.token_watch.accepted()
        if is_signed:
            self._auth.signing_watch.accepted()
