"""Signatures and logins against the published vectors, both ways."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.emulator import signatures
from hummingbot_extensions.emulator.identity import Chain, Identity
from hummingbot_extensions.emulator.signatures import BadToken

SAMPLES = Path(__file__).parents[1] / "wire" / "standx"
SIGNED_AT_S = 1_760_291_300


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


VECTORS = sample("sign_vector")
KEY = VECTORS["public_key_base58_requestId"]


def verdict(vector: dict[str, str], **changed: Any) -> bool:
    """Verdict on a vector with members replaced."""
    fields = {
        "version": vector["x-request-sign-version"],
        "request_id": vector["x-request-id"],
        "timestamp": vector["x-request-timestamp"],
        "body": vector["payload"].encode(),
        "signature": vector["signature_base64"],
    } | changed
    return signatures.is_body_signed(KEY, **fields)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: str(vector["name"]))
def test_vectors_verify_and_every_altered_byte_is_rejected(vector: dict[str, str]) -> None:
    """Each vector verifies; with any single byte of its body or signature altered it does not."""
    assert verdict(vector)
    body = vector["payload"].encode()
    for position in range(len(body)):
        altered = body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
        assert not verdict(vector, body=altered), position
    assert not verdict(vector, body=body + b" ")
    raw = base64.b64decode(vector["signature_base64"])
    for position in range(len(raw)):
        altered = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        assert not verdict(vector, signature=base64.b64encode(altered).decode()), position
    assert not verdict(vector, signature="no base64!")
    assert not verdict(vector, timestamp=str(int(vector["x-request-timestamp"]) + 1))
    assert not verdict(vector, request_id=vector["x-request-id"] + "0")
    assert not verdict(vector, version="v2")


def test_key_forms_of_the_vectors() -> None:
    """Seed, its base58 and the public base58 of the vectors agree."""
    seed = bytes.fromhex(VECTORS["private_seed_hex"])
    assert signatures.base58_decode(VECTORS["private_seed_base58"]) == seed[1:] or (
        signatures.base58_encode(seed) == VECTORS["private_seed_base58"]
    )
    assert signatures.public_key_base58(seed) == KEY
    assert (
        signatures.base58_decode(VECTORS["private_key64_base58_seed_plus_pub"])[-32:].hex()
        == (VECTORS["public_key_hex"])
    )
    assert signatures.is_request_key(KEY)
    assert not signatures.is_request_key("3f2b6c1e-8a54-4d0e-9c7b-5a1d2e3f4a5b")


@given(st.binary(max_size=70))
def test_base58_round_trip(data: bytes) -> None:
    """Decoding undoes encoding, leading zeros included."""
    assert signatures.base58_decode(signatures.base58_encode(data)) == data


def test_sign_in_vector() -> None:
    """The sample's sign-in data verifies under the sample's key, until it expires, and with no byte altered."""
    entry = sample("auth_prepare_signin")
    token, jwk = entry["response"]["signedData"], entry["sample_signing_jwk_local_only"]
    assert signatures.sign_in_claims(jwk, token, SIGNED_AT_S) == entry["signedData_payload"]
    with pytest.raises(BadToken, match="expired"):
        signatures.sign_in_claims(jwk, token, 1_760_291_384)
    for position in range(0, len(token), 7):
        letter = "A" if token[position] != "A" else "Q"
        with pytest.raises(BadToken):
            signatures.sign_in_claims(jwk, token[:position] + letter + token[position + 1 :], SIGNED_AT_S)


def test_evm_vector() -> None:
    """The sample's EIP-191 signature is by the sample's wallet, needs its 0x, and fits no other message."""
    entry = sample("auth_login_evm")
    message, signature, address = (
        entry["message_signed"],
        entry["request"]["body"]["signature"],
        entry["wallet_address"],
    )
    assert signatures.is_evm_login(message, signature, address)
    assert signatures.is_evm_login(message, signature, address.lower())
    assert not signatures.is_evm_login(message + " ", signature, address)
    assert not signatures.is_evm_login(message, signature[2:], address)
    assert not signatures.is_evm_login(message, signature[:-2] + "05", address)
    assert not signatures.is_evm_login(message, signature, "0x" + "1" * 40)


def test_solana_vector() -> None:
    """The sample's sign-in object is by the sample's wallet and fits no other message or address."""
    entry = sample("auth_login_solana")
    message = entry["signature_object_before_base64"]["input"]["message"]
    signature, address = entry["request"]["body"]["signature"], entry["wallet_address"]
    assert signatures.is_solana_login(message, signature, address)
    assert not signatures.is_solana_login(message + " ", signature, address)
    assert not signatures.is_solana_login(message, signature, KEY)
    assert not signatures.is_solana_login(message, "e30=", address)


def test_access_token_of_the_sample_has_the_same_form() -> None:
    """Our tokens are three base64url parts with the header and claims that the sample's token has, at least."""
    token = sample("auth_login_evm")["response"]["token"]
    ours = Identity(1).demo(SIGNED_AT_S, 604_800).secret
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    our_header, our_claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in ours.split(".")[:2])
    assert our_header == header
    assert set(claims) <= set(our_claims)


def test_tokens_live_and_die() -> None:
    """A token holds until its expiry or revocation; a forged, foreign or altered one never does."""
    identity = Identity(1)
    demo = identity.demo(1_000.0, 60)
    client = identity.client(demo.secret, 1_059.0)
    assert client.user == demo.user
    assert client.request_key == signatures.public_key_base58(signatures.base58_decode(demo.request_key))
    with pytest.raises(BadToken, match="expired"):
        identity.client(demo.secret, 1_060.0)
    with pytest.raises(BadToken, match="invalid"):
        Identity(2).client(demo.secret, 1_000.0)
    head, claims, signature = demo.secret.split(".")
    with pytest.raises(BadToken, match="invalid"):
        identity.client(f"{head}.{claims}x.{signature}", 1_000.0)
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    with pytest.raises(BadToken, match="invalid"):
        identity.client(f"{none}.{claims}.", 1_000.0)
    identity.revoke(demo.user)
    with pytest.raises(BadToken, match="revoked"):
        identity.client(demo.secret, 1_000.0)
    assert identity.client(identity.demo(1_000.0, 60).secret, 1_000.0).user == demo.user


def test_credentials_do_not_show_themselves() -> None:
    """Neither token nor key stands in the text form of credentials."""
    demo = Identity(1).demo(1_000.0, 60)
    assert demo.secret not in f"{demo!r} {demo}"
    assert demo.request_key not in f"{demo!r} {demo}"


def test_login_needs_the_right_chain() -> None:
    """Sign-in data prepared for one chain does not log in on the other."""
    identity = Identity(1)
    signed = identity.prepare_sign_in(Chain.BSC, "0x" + "1" * 40, KEY, 1_000.0)
    with pytest.raises(BadToken, match="chain"):
        identity.login(Chain.SOLANA, "e30=", signed, 60, 1_001.0)
