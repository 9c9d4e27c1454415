"""Who a client is: wallet logins, access tokens bound to a request key, and the web token of ``demo``.

All keys come from the emulator's seed, so credentials survive a restart with the same seed. They open nothing but an
emulator on this machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from hummingbot_extensions.emulator import signatures
from hummingbot_extensions.emulator.signatures import BadToken

SIGN_IN_LIFETIME_S = 180
MAX_EXPIRES_S = 366 * 86_400


class Chain(StrEnum):
    BSC = "bsc"
    SOLANA = "solana"

    @property
    def chain_id(self) -> int:
        return 56 if self is Chain.BSC else 1

    @property
    def wallet_kind(self) -> str:
        return "Ethereum" if self is Chain.BSC else "Solana"


@dataclass(frozen=True, slots=True)
class Client:
    """Holder of a valid token: the account, and the base58 public key that signs its bodies."""

    user: str
    request_key: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a bot needs for the web-token login. ``request_key`` is the base58 private seed."""

    user: str
    secret: str
    request_key: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"

    def as_json(self) -> dict[str, str]:
        return {"login": "web_token", "secret": self.secret, "request_key": self.request_key}


class Identity:
    """Issues and checks tokens. Seconds are wall-clock arguments."""

    def __init__(self, seed: int) -> None:
        root = hashlib.sha256(f"standx emulator {seed}".encode()).digest()
        self._root = root
        self._secret = hashlib.sha256(b"access tokens" + root).digest()
        self._sign_in = signatures.SignInKey(root)
        self._issued: dict[str, int] = {}
        self._revoked_up_to: dict[str, int] = {}
        self._nonces = 0

    def certs(self) -> dict[str, Any]:
        """JSON web key set that verifies sign-in data."""
        return {"keys": [self._sign_in.jwk()]}

    def demo(self, now_s: float, lifetime_s: int) -> Credentials:
        """Credentials of the account ``demo``, as a user would take them from the venue's web page."""
        seed = hashlib.sha256(b"demo request key" + self._root).digest()
        address = "0x" + hashlib.sha256(b"demo address" + self._root).hexdigest()[:40]
        user = f"{Chain.BSC}_{address}"
        token = self._issue(user, address, Chain.BSC, signatures.public_key_base58(seed), now_s, lifetime_s)
        return Credentials(user, token, signatures.base58_encode(seed))

    def client(self, token: str, now_s: float) -> Client:
        """Holder of an access token; BadToken when it is malformed, forged, expired or revoked."""
        claims = signatures.access_claims(self._secret, token, now_s)
        user = f"{claims['chain']}_{claims['address']}"
        if claims["jti"] <= self._revoked_up_to.get(user, 0):
            raise BadToken("token revoked")
        return Client(user, claims["requestId"])

    def to_plain(self) -> dict[str, Any]:
        """How many tokens were issued and revoked; no key and no token."""
        return {"issued": dict(self._issued), "revoked": dict(self._revoked_up_to), "nonces": self._nonces}

    def restore(self, plain: dict[str, Any]) -> None:
        """Go on from ``to_plain``, so that what was revoked stays so."""
        self._issued = {user: int(count) for user, count in plain["issued"].items()}
        self._revoked_up_to = {user: int(count) for user, count in plain["revoked"].items()}
        self._nonces = int(plain["nonces"])

    def revoke(self, user: str) -> None:
        """Every token of this account issued so far stops being valid."""
        self._revoked_up_to[user] = self._issued.get(user, 0)

    def prepare_sign_in(self, chain: Chain, address: str, request_id: str, now_s: float) -> str:
        """Sign-in data (ES256) for a wallet; valid three minutes."""
        self._nonces += 1
        nonce = hashlib.sha256(b"nonce" + self._root + str(self._nonces).encode()).hexdigest()[:17]
        issued = datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        statement = f"Sign in with {chain.wallet_kind} to access more StandX features."
        message = (
            f"standx.com wants you to sign in with your {chain.wallet_kind} account:\n{address}\n\n{statement}\n\n"
            f"URI: https://standx.com\nVersion: 1\nChain ID: {chain.chain_id}\nNonce: {nonce}\n"
            f"Issued At: {issued}\nRequest ID: {request_id}"
        )
        claims = {
            "domain": "standx.com",
            "uri": "https://standx.com",
            "statement": statement,
            "version": "1",
            "chainId": chain.chain_id,
            "nonce": nonce,
            "address": address,
            "requestId": request_id,
            "issuedAt": issued,
            "message": message,
            "exp": int(now_s) + SIGN_IN_LIFETIME_S,
            "iat": int(now_s),
        }
        return self._sign_in.sign(claims)

    def login(self, chain: Chain, signature: str, signed_data: str, expires_s: int, now_s: float) -> tuple[str, str]:
        """(token, wallet address) for a signed sign-in message; BadToken when anything does not verify."""
        claims = signatures.sign_in_claims(self._sign_in.jwk(), signed_data, now_s)
        address, message = str(claims["address"]), str(claims["message"])
        if claims["chainId"] != chain.chain_id:
            raise BadToken("chain does not match signedData")
        is_signed = signatures.is_evm_login if chain is Chain.BSC else signatures.is_solana_login
        if not is_signed(message, signature, address):
            raise BadToken("invalid signature")
        user = f"{chain}_{address}"
        return self._issue(user, address, chain, str(claims["requestId"]), now_s, expires_s), address

    def _issue(self, user: str, address: str, chain: Chain, request_key: str, now_s: float, lifetime_s: int) -> str:
        self._issued[user] = self._issued.get(user, 0) + 1
        claims = {
            "address": address,
            "chain": str(chain),
            "requestId": request_key,
            "jti": self._issued[user],
            "iat": int(now_s),
            "exp": int(now_s) + lifetime_s,
        }
        return signatures.make_access_token(self._secret, claims)
