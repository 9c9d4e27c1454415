"""Signatures that StandX asks for: Ed25519 over request bodies, wallet signatures over the sign-in message. Pure.

Checked against vectors that did not come from this code (tests/wire/standx/sign_vector.json and the two login samples).
No function here puts key material into an exception text.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

import base58
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGN_VERSION = "v1"
_SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class BadKey(ValueError):
    """Key text that cannot be used; the message says why and never shows the text."""


def decode_ed25519_seed(text: str) -> bytes:
    """The 32-byte seed in a base58 key of 32 bytes (seed) or 64 bytes (seed and public key); BadKey otherwise.

    A 64-byte key whose second half is not the public key of its first half is refused: one of them is mistyped.
    """
    try:
        raw = base58.b58decode(text.strip().encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        raise BadKey("is not base58 text") from None
    if len(raw) not in (32, 64):
        raise BadKey(f"decodes to {len(raw)} bytes instead of 32 or 64")
    seed = raw[:32]
    if len(raw) == 64 and raw[32:] != _public_bytes(Ed25519PrivateKey.from_private_bytes(seed)):
        raise BadKey("has a public half that does not belong to its private half")
    return seed


def _public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@dataclass(frozen=True, slots=True)
class RequestSigner:
    """Signs request bodies with the key whose public half was the ``requestId`` of the login."""

    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> RequestSigner:
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def generated(cls) -> RequestSigner:
        """A signer with a fresh random key, for wallet logins."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def public_base58(self) -> str:
        """Base58 of the 32-byte public key: the ``requestId`` of a login."""
        return base58.b58encode(_public_bytes(self._key)).decode("ascii")

    def headers(self, payload: str, request_id: str, timestamp_ms: int) -> dict[str, str]:
        """The four signing headers for ``payload``, which must be sent byte for byte as it was signed."""
        message = f"{SIGN_VERSION},{request_id},{timestamp_ms},{payload}"
        return {
            "x-request-sign-version": SIGN_VERSION,
            "x-request-id": request_id,
            "x-request-timestamp": str(timestamp_ms),
            "x-request-signature": base64.b64encode(self._key.sign(message.encode("utf-8"))).decode("ascii"),
        }


def evm_address(private_key: str) -> str:
    """Checksummed address of an EVM private key (hex, 0x optional); BadKey when it is not one."""
    return str(_evm_account(private_key).address)


def evm_login_signature(private_key: str, message: str) -> str:
    """EIP-191 personal_sign of the sign-in message: 65 bytes in hex with the 0x that the venue insists on."""
    from eth_account.messages import encode_defunct

    signed = _evm_account(private_key).sign_message(encode_defunct(text=message))
    return "0x" + bytes(signed.signature).hex()


def _evm_account(private_key: str):  # type: ignore[no-untyped-def]  # eth-account is untyped here
    from eth_account import Account

    text = private_key.strip().removeprefix("0x")
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise BadKey("is not hexadecimal text") from None
    if len(raw) != 32:
        raise BadKey(f"decodes to {len(raw)} bytes instead of 32")
    if not 0 < int.from_bytes(raw, "big") < _SECP256K1_ORDER:
        raise BadKey("is not a valid secp256k1 private key")
    return Account.from_key(raw)


def solana_address(secret: str) -> str:
    """Base58 address of a Solana key (base58, 32 or 64 bytes)."""
    return RequestSigner.from_seed(decode_ed25519_seed(secret)).public_base58


def solana_login_signature(secret: str, claims: dict[str, object]) -> str:
    """Base64 of the JSON object that a Solana wallet returns for the sign-in: claims, signed bytes, public key.

    ``claims`` is the decoded payload of ``signedData``; its ``message`` is what is signed.
    """
    key = Ed25519PrivateKey.from_private_bytes(decode_ed25519_seed(secret))
    message = str(claims["message"]).encode("utf-8")
    answer = {
        "input": claims,
        "output": {
            "signedMessage": list(message),
            "signature": list(key.sign(message)),
            "account": {"publicKey": list(_public_bytes(key))},
        },
    }
    return base64.b64encode(json.dumps(answer, separators=(",", ":")).encode("utf-8")).decode("ascii")


def jwt_claims(token: str) -> dict[str, object]:
    """Claims in the middle part of a JWT, not verified; BadKey when the text is no JWT."""
    parts = token.strip().split(".")
    if len(parts) != 3:
        raise BadKey("is not a JWT (three parts joined by dots)")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, UnicodeDecodeError):
        raise BadKey("is not a JWT: its middle part cannot be read") from None
    if not isinstance(claims, dict):
        raise BadKey("is not a JWT: its middle part is no object")
    return claims
