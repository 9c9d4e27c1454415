"""What a usable set of keys looks like, checked without the venue: when keys are entered, and again when they are used.

Every complaint is a Misconfigured that names the field and the fix, and never shows what the field holds.
"""

from __future__ import annotations

from datetime import UTC, datetime

from hummingbot_extensions.connector.errors import Misconfigured

from . import standx_perpetual_constants as CONSTANTS
from . import standx_perpetual_signing as signing

WEB_TOKEN, EVM_WALLET, SOLANA_WALLET = "web_token", "evm_wallet", "solana_wallet"
LOGINS = (WEB_TOKEN, EVM_WALLET, SOLANA_WALLET)

_NEW_TOKEN = f"Create a new one at {CONSTANTS.WEB_TOKEN_PAGE} and connect again."


def field_name(domain: str, suffix: str) -> str:
    """The config field as the user knows it: domain fields carry the domain's name."""
    return f"{domain}_{suffix}"


def check_login(domain: str, login: str) -> None:
    """Misconfigured unless ``login`` is one of the three ways to log in."""
    if login not in LOGINS:
        raise Misconfigured(
            field_name(domain, "login"), "is not one of " + ", ".join(LOGINS), "Connect again and choose one."
        )


def check_secret(domain: str, login: str, secret: str, now_s: float) -> float | None:
    """Expiry in seconds since the epoch of a web token that is still valid, None when it states none or for a wallet.

    Misconfigured for an empty field, a text that is no JWT, an expired token, or no key of the wallet's kind.
    """
    field = field_name(domain, "secret")
    if not secret.strip():
        raise Misconfigured(field, "is empty", f"Run: hbot connect {domain}")
    if login == WEB_TOKEN:
        return _token_expiry_s(field, secret, now_s)
    is_evm = login == EVM_WALLET
    try:
        signing.evm_address(secret) if is_evm else signing.solana_address(secret)
    except signing.BadKey as problem:
        kind = "hex" if is_evm else "base58"
        raise Misconfigured(
            field, f"the wallet key {problem}", f"Paste the {kind} private key of the wallet."
        ) from None
    return None


def _token_expiry_s(field: str, secret: str, now_s: float) -> float | None:
    try:
        claims = signing.jwt_claims(secret)
    except signing.BadKey as problem:
        raise Misconfigured(field, f"the access token {problem}", _NEW_TOKEN) from None
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or isinstance(expires, bool):
        return None
    if expires <= now_s:
        try:
            moment = datetime.fromtimestamp(expires, UTC).strftime("on %Y-%m-%d %H:%M UTC")
        except (ValueError, OverflowError, OSError):
            moment = "long ago"
        raise Misconfigured(field, f"the access token expired {moment}", _NEW_TOKEN)
    return float(expires)


def check_request_key(domain: str, login: str, request_key: str) -> bytes | None:
    """The seed of the request-signing key; None when a wallet login leaves it empty and gets a fresh one.

    Misconfigured when a web token lacks it, or when the text is no Ed25519 key.
    """
    field = field_name(domain, "request_key")
    if not request_key.strip():
        if login == WEB_TOKEN:
            raise Misconfigured(field, "is empty, but a web token needs its request-signing key", _NEW_TOKEN)
        return None
    try:
        return signing.decode_ed25519_seed(request_key)
    except signing.BadKey as problem:
        raise Misconfigured(
            field,
            f"the request-signing key {problem}",
            f"Paste the base58 key shown at {CONSTANTS.WEB_TOKEN_PAGE}.",
        ) from None


def check_entry(domain: str, suffix: str, text: str, login: str, now_s: float) -> None:
    """Misconfigured when ``text`` cannot be what the field ``suffix`` asks for under the way to log in ``login``."""
    if suffix == "login":
        check_login(domain, text)
    elif suffix == "secret":
        check_secret(domain, login, text, now_s)
    elif suffix == "request_key":
        check_request_key(domain, login, text)
