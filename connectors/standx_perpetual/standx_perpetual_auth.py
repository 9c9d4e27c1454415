"""Who we are to StandX: an access token for the sockets and private REST, a request key for signed bodies.

Keys are read lazily: public-data instances are built with "" for every key. Every complaint is one line that names the
field and the fix, and never shows what the field holds.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hummingbot.core.web_assistant.auth import AuthBase
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, RESTRequest, WSRequest

from hummingbot_extensions.connector.errors import Misconfigured, Rejected, Transient
from hummingbot_extensions.connector.key_watch import KeyWatch

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_signing as signing
from . import standx_perpetual_web_utils as web
from .standx_perpetual_keys import (
    EVM_WALLET,
    SOLANA_WALLET,
    WEB_TOKEN,
    check_login,
    check_request_key,
    check_secret,
    field_name,
)

LoginCall = Callable[[str, Mapping[str, str], Mapping[str, Any]], Awaitable[Any]]
"""POST of a body to a login path with query parameters; gives the decoded reply."""


@dataclass(frozen=True, slots=True)
class Session:
    """A token that the venue accepts, the signer whose key it is bound to, and its expiry in seconds since the
    epoch.
    """

    token: str = field(repr=False)
    signer: signing.RequestSigner = field(repr=False)
    expires_s: float | None
    made_mono_s: float = field(default_factory=time.monotonic)


class StandxPerpetualAuth(AuthBase):
    """Signs requests and keeps a session. ``now_s`` gives the venue's wall clock in seconds."""

    def __init__(
        self,
        login: str,
        secret: str,
        request_key: str,
        domain: str,
        login_call: LoginCall | None = None,
        now_s: Callable[[], float] = lambda: time.time(),
    ) -> None:
        self._login = login
        self._secret = secret
        self._request_key = request_key
        self._domain = domain
        self._login_call = login_call
        self._now_s = now_s
        self._session: Session | None = None
        self._own_signer: signing.RequestSigner | None = None
        self._lock = asyncio.Lock()
        self._signing_turn = asyncio.Lock()
        self._on_keys_changed: Callable[[Misconfigured | None], None] = lambda problem: None
        self._on_doubted_signature: Callable[[], bool] = lambda: False
        self._on_new_token: Callable[[], None] = lambda: None
        self._last_token = ""
        waits = (CONSTANTS.KEY_RETRY_MIN_S, CONSTANTS.KEY_RETRY_MAX_S)
        self.token_watch = KeyWatch(lambda problem: self._on_keys_changed(problem), *waits)
        """Standing of the access token, without which nothing private works."""
        self.signing_watch = KeyWatch(lambda problem: self._on_keys_changed(problem), *waits)
        """Standing of the request-signing key, without which reading works and orders do not."""
        self.rest_session_id: str = str(uuid.uuid4())
        """``session_id`` of our ws-api connection; REST orders name it so that their outcome comes to that socket."""

    def use_login_call(self, login_call: LoginCall) -> None:
        """Set how wallet logins reach the venue."""
        self._login_call = login_call

    def use_key_listener(self, on_keys_changed: Callable[[Misconfigured | None], None]) -> None:
        """Set who hears of keys that are refused, and with None of keys that are taken again."""
        self._on_keys_changed = on_keys_changed

    def use_doubt_listener(self, on_doubted_signature: Callable[[], bool]) -> None:
        """Set who finds out about a refused signature; it returns whether it does so now."""
        self._on_doubted_signature = on_doubted_signature

    def use_token_listener(self, on_new_token: Callable[[], None]) -> None:
        """Set who hears of a token that takes the place of another: sockets are logged in with the old one."""
        self._on_new_token = on_new_token

    @property
    def has_keys(self) -> bool:
        """False for the keyless instances that read public data only."""
        return bool(self._secret.strip())

    @property
    def problem(self) -> Misconfigured | None:
        """Why our keys are refused at present; None while they are not."""
        return self.token_watch.problem or self.signing_watch.problem

    @property
    def retry_in_s(self) -> float:
        """How long to leave the venue alone because of refused keys, in seconds."""
        return self.token_watch.retry_in_s

    @property
    def is_renewable(self) -> bool:
        """True when a new token can be had without the user: wallet logins, not web tokens."""
        return self._login in (EVM_WALLET, SOLANA_WALLET)

    @property
    def current(self) -> Session | None:
        """The session in use; None before the first and after a refusal."""
        return self._session

    def forget_session(self, session: Session | None = None) -> None:
        """Make the next use log in again (wallets): the venue has refused the token.

        With ``session``, only when that one is still in use: several requests may have been refused with one token.
        """
        if session is None or session is self._session:
            self._session = None

    async def session(self) -> Session:
        """A session that has not expired, made when there is none; Misconfigured when the keys cannot give one.

        Renewal ahead of expiry is ``renew``'s business: whoever needs a session never waits for that.
        """
        current = self._session
        if current is not None and self._remaining_s(current) > 0:
            return current
        async with self._lock:
            if self._session is None or self._remaining_s(self._session) <= 0:
                self._adopt(await self._announced(self._new_session()))
            assert self._session is not None
            return self._session

    async def renew(self) -> None:
        """Put a new session in the place of the present one, which stays in use until then and when that fails."""
        async with self._lock:
            self._adopt(await self._announced(self._new_session()))

    def _adopt(self, session: Session) -> None:
        self._session = session
        before, self._last_token = self._last_token, session.token
        if before and before != session.token:
            self._on_new_token()

    async def _announced(self, made: Awaitable[Session]) -> Session:
        try:
            return await made
        except Misconfigured as problem:
            if self.has_keys and (self._session is None or self._remaining_s(self._session) <= 0):
                self.token_watch.refused(problem)
            raise

    @property
    def renewal_in_s(self) -> float | None:
        """Seconds until the session should be renewed, at most 0 when it is due; None while there is none to renew."""
        session = self._session
        if session is None or session.expires_s is None or not self.is_renewable:
            return None
        return self._remaining_s(session) - self.renewal_lead_s

    @property
    def renewal_lead_s(self) -> float:
        """How long before its expiry a session is renewed."""
        return min(CONSTANTS.TOKEN_REFRESH_BEFORE_S, self._lifetime_s / 2)

    @property
    def expires_in_s(self) -> float | None:
        """Seconds until the session expires; None while there is none, or it never does."""
        session = self._session
        return None if session is None or session.expires_s is None else self._remaining_s(session)

    def _remaining_s(self, session: Session) -> float:
        return math.inf if session.expires_s is None else session.expires_s - self._now_s()

    _lifetime_s: float = CONSTANTS.TOKEN_LIFETIME_S

    async def _new_session(self) -> Session:
        check_login(self._domain, self._login)
        expires_s = check_secret(self._domain, self._login, self._secret, self._now_s())
        if self._login == WEB_TOKEN:
            return Session(self._secret.strip(), self._signer(), expires_s)
        return await self._wallet_session()

    async def _wallet_session(self) -> Session:
        if self._login_call is None:
            raise RuntimeError("no way to reach the login endpoint was given")
        signer = self._signer()
        is_evm = self._login == EVM_WALLET
        chain = {"chain": "bsc" if is_evm else "solana"}
        address = signing.evm_address(self._secret) if is_evm else signing.solana_address(self._secret)
        try:
            prepared = await self._login_call(
                CONSTANTS.PREPARE_SIGNIN_PATH, chain, {"address": address, "requestId": signer.public_base58}
            )
            signed_data = str(prepared["signedData"])
            claims = signing.jwt_claims(signed_data)
            if claims.get("address") != address or claims.get("requestId") != signer.public_base58:
                raise Rejected(0, "the sign-in text is for another wallet or request key")
            message = str(claims["message"])
            signature = (
                signing.evm_login_signature(self._secret, message)
                if is_evm
                else signing.solana_login_signature(self._secret, claims)
            )
            body = {"signature": signature, "signedData": signed_data, "expiresSeconds": CONSTANTS.TOKEN_LIFETIME_S}
            reply = await self._login_call(CONSTANTS.LOGIN_PATH, chain, body)
            token = str(reply["token"])
            expires = signing.jwt_claims(token).get("exp")
        except (Rejected, KeyError, TypeError, signing.BadKey) as problem:
            text = problem.text if isinstance(problem, Rejected) else "unreadable answer"
            raise Misconfigured(
                self._field("secret"),
                f"StandX refused the wallet login ({self._scrubbed(text)})",
                "Check that the wallet is the one used on standx.com.",
            ) from None
        expires_s = float(expires) if isinstance(expires, int | float) else None
        self._lifetime_s = CONSTANTS.TOKEN_LIFETIME_S if expires_s is None else max(1.0, expires_s - self._now_s())
        return Session(token, signer, expires_s)

    def _signer(self) -> signing.RequestSigner:
        """The signer of the given request key; for a wallet login without one, a key of our own.

        Every token of this process is bound to the same key, so that what is signed while a token is renewed is valid
        with the old one and with the new one.
        """
        if self._own_signer is None:
            seed = check_request_key(self._domain, self._login, self._request_key)
            made = signing.RequestSigner
            self._own_signer = made.generated() if seed is None else made.from_seed(seed)
        return self._own_signer

    def explained(self, error: Rejected) -> Exception:
        """The error itself, or for a refused token or signature the Misconfigured that tells what to do about it.

        The key's watch notes a refusal, so that it is announced once and not asked about without end. A signature
        carries a time: whether a clock or the key is wrong is found out by whoever ``use_doubt_listener`` named, else
        the second refusal in a row convicts the key.
        """
        if error.code == 401 and self._is_old_wallet_token():
            self.forget_session(self._session)
            return Transient("the access token was refused, logging in again")
        if error.code == 401:
            problem = Misconfigured(
                self._field("secret"),
                "StandX does not accept the access token (HTTP 401)",
                f"Create a new one at {CONSTANTS.WEB_TOKEN_PAGE} and connect again.",
            )
            self.token_watch.refused(problem)
            return problem
        if error.code == 403:
            problem = Misconfigured(
                self._field("request_key"),
                f"StandX refused the request (HTTP 403: {self._scrubbed(error.text)})",
                "Use the request-signing key that was created together with the token, with the Trade permission.",
            )
            is_again = self.signing_watch.problem is not None
            self.signing_watch.suspected(problem)
            if not self._on_doubted_signature() and is_again:
                self.signing_watch.confirmed()
            return problem
        return error

    def _is_old_wallet_token(self) -> bool:
        """Whether a refused token may have been good once, and another can be had."""
        if not self.is_renewable:
            return False
        return self._session is None or time.monotonic() - self._session.made_mono_s > CONSTANTS.TOKEN_FRESH_S

    def _scrubbed(self, text: str) -> str:
        """Venue text without anything that we were given as a secret."""
        for secret in (self._secret, self._request_key):
            if secret.strip():
                text = text.replace(secret.strip(), "***")
        return text[:200]

    def _field(self, suffix: str) -> str:
        return field_name(self._domain, suffix)

    async def signed_headers(self, payload: str) -> dict[str, str]:
        """Signing headers for ``payload``. One signature per turn of the event loop, so that a burst never stalls
        it.
        """
        session = await self.session()
        async with self._signing_turn:
            headers = session.signer.headers(payload, str(uuid.uuid4()), int(self._now_s() * 1000))
            await asyncio.sleep(0)
        return headers

    async def rest_authenticate(self, request: RESTRequest) -> RESTRequest:
        """Add the token, and for POST the signature over the exact body. Refuses to send to another domain's host."""
        if not web.is_own_address(str(request.url), self._domain):
            raise Misconfigured("domain", "a private request was about to leave the domain", "Report this as a bug.")
        session = await self.session()
        headers = dict(request.headers or {})
        headers["Authorization"] = f"Bearer {session.token}"
        if request.method is RESTMethod.POST:
            headers.update(await self.signed_headers(request.data or ""))
        request.headers = headers
        return request

    async def ws_authenticate(self, request: WSRequest) -> WSRequest:
        """Nothing to add: both sockets take the token in their first frame."""
        return request
