"""Signatures of StandX, verified for real: body (Ed25519), access token (HS256), sign-in data (ES256), wallets.

Written from the protocol document, section 2. Pure: keys, bytes and seconds in, verdicts out. No exception text or
value here ever contains a private key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class BadToken(Exception):
    """A token or signed document that does not verify; the text says why and may be shown to the client."""


def base58_encode(data: bytes) -> str:
    """Base58 text (Bitcoin alphabet) of ``data``.

    >>> base58_encode(bytes.fromhex("0000ff"))
    '115Q'
    """
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_decode(text: str) -> bytes:
    """Bytes of a base58 text; ValueError for a character outside the alphabet.

    >>> base58_decode("115Q").hex()
    '0000ff'
    """
    number = 0
    for character in text:
        digit = ALPHABET.find(character)
        if digit < 0:
            raise ValueError("not base58")
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


# Body signature


def public_key_base58(seed: bytes) -> str:
    """Base58 public key, StandX's requestId, of a 32-byte Ed25519 seed."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return base58_encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw))


def is_request_key(text: str) -> bool:
    """Whether ``text`` is the base58 of a 32-byte public key."""
    try:
        return len(base58_decode(text)) == 32
    except ValueError:
        return False


def is_body_signed(
    request_key: str, version: str, request_id: str, timestamp: str, body: bytes, signature: str
) -> bool:
    """Whether ``signature`` (base64) is the request key's over version, id, timestamp and the raw body."""
    try:
        raw = base64.b64decode(signature, validate=True)
        key = Ed25519PublicKey.from_public_bytes(base58_decode(request_key))
        key.verify(raw, f"{version},{request_id},{timestamp},".encode() + body)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


# JSON web tokens


def _segment(value: Mapping[str, Any]) -> str:
    return _unpadded(json.dumps(value, separators=(",", ":")).encode())


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _padded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _split(token: str, algorithm: str) -> tuple[bytes, bytes, dict[str, Any]]:
    """(signed part, signature, claims) of a compact JWT made with ``algorithm``."""
    parts = token.split(".")
    if len(parts) != 3:
        raise BadToken("invalid token")
    try:
        header, claims = json.loads(_padded(parts[0])), json.loads(_padded(parts[1]))
        signature = _padded(parts[2])
    except (ValueError, binascii.Error):
        raise BadToken("invalid token") from None
    if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != algorithm:
        raise BadToken("invalid token")
    return f"{parts[0]}.{parts[1]}".encode(), signature, claims


def _not_expired(claims: Mapping[str, Any], now_s: float) -> None:
    expires = claims.get("exp")
    if not isinstance(expires, int) or isinstance(expires, bool):
        raise BadToken("invalid token")
    if now_s >= expires:
        raise BadToken("token expired")


def make_access_token(secret: bytes, claims: Mapping[str, Any]) -> str:
    """HS256 token over ``claims``."""
    signed = f"{_segment({'alg': 'HS256', 'typ': 'JWT'})}.{_segment(claims)}"
    return f"{signed}.{_unpadded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def access_claims(secret: bytes, token: str, now_s: float) -> dict[str, Any]:
    """Claims of a valid, unexpired HS256 token; BadToken otherwise."""
    signed, signature, claims = _split(token, "HS256")
    if not hmac.compare_digest(hmac.new(secret, signed, hashlib.sha256).digest(), signature):
        raise BadToken("invalid token")
    _not_expired(claims, now_s)
    return claims


class SignInKey:
    """The venue's P-256 key over sign-in data, made from a seed so that a restarted emulator still knows its own."""

    def __init__(self, seed: bytes) -> None:
        scalar = int.from_bytes(hashlib.sha512(b"sign-in key" + seed).digest(), "big") % (P256_ORDER - 1) + 1
        self._key = ec.derive_private_key(scalar, ec.SECP256R1())

    def jwk(self) -> dict[str, str]:
        """Public half as a JSON web key."""
        numbers = self._key.public_key().public_numbers()
        x, y = (_unpadded(value.to_bytes(32, "big")) for value in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "emulator", "x": x, "y": y}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """ES256 token over ``claims``, the same every time for the same claims."""
        signed = f"{_segment({'alg': 'ES256', 'typ': 'JWT'})}.{_segment(claims)}"
        der = self._key.sign(signed.encode(), ec.ECDSA(SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(der)
        return f"{signed}.{_unpadded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def sign_in_claims(jwk: Mapping[str, str], token: str, now_s: float) -> dict[str, Any]:
    """Claims of valid, unexpired ES256 sign-in data under a public JSON web key; BadToken otherwise."""
    signed, signature, claims = _split(token, "ES256")
    if len(signature) != 64:
        raise BadToken("invalid signedData")
    x, y = (int.from_bytes(_padded(jwk[name]), "big") for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        key.verify(der, signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise BadToken("invalid signedData") from None
    _not_expired(claims, now_s)
    return claims


# Wallets


def is_evm_login(message: str, signature: str, address: str) -> bool:
    """Whether ``signature`` (0x hex, EIP-191 personal sign) over ``message`` is by ``address``."""
    from eth_account import Account
    from eth_account.messages import encode_defunct
    from eth_keys.exceptions import BadSignature

    if not signature.startswith("0x") or len(signature) != 132:
        return False
    try:
        signer = Account.recover_message(encode_defunct(text=message), signature=bytes.fromhex(signature[2:]))
    except (ValueError, BadSignature):
        return False
    return bool(str(signer).lower() == address.lower())


def is_solana_login(message: str, signature: str, address: str) -> bool:
    """Whether ``signature`` (base64 of the sign-in object) carries the wallet's Ed25519 signature over ``message``.

    The account's public key must be the wallet address, and the signed message must be exactly ``message``.
    """
    try:
        output = json.loads(base64.b64decode(signature, validate=True))["output"]
        signed = bytes(output["signedMessage"])
        public = bytes(output["account"]["publicKey"])
        if signed != message.encode() or base58_encode(public) != address:
            return False
        Ed25519PublicKey.from_public_bytes(public).verify(bytes(output["signature"]), signed)
    except (InvalidSignature, ValueError, KeyError, TypeError, binascii.Error):
        return False
    return True
