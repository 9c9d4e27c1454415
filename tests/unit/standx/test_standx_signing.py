"""Signatures against vectors that did not come from this code."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import base58
import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_signing as signing


def test_body_signatures_match_the_vectors(sample: Callable[[str], Any]) -> None:
    """Every vector: same public key, same base64 signature for the same id, time and payload."""
    vectors = sample("sign_vector")
    found = 0
    for vector in vectors["vectors"]:
        seed = signing.decode_ed25519_seed(vectors["private_seed_base58"])
        assert seed == signing.decode_ed25519_seed(vectors["private_key64_base58_seed_plus_pub"])
        signer = signing.RequestSigner.from_seed(seed)
        headers = signer.headers(vector["payload"], vector["x-request-id"], int(vector["x-request-timestamp"]))
        assert headers["x-request-signature"] == vector["signature_base64"]
        assert signer.public_base58 == "FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF"
        found += 1
    assert found >= 6


def test_evm_login_matches_the_sample(sample: Callable[[str], Any]) -> None:
    """EIP-191 signature and checksummed address of the throw-away wallet."""
    login = sample("auth_login_evm")
    key = login["wallet_private_key_hex_throwaway"]
    assert signing.evm_address(key) == login["wallet_address"]
    assert signing.evm_login_signature(key, login["message_signed"]) == login["request"]["body"]["signature"]
    assert signing.jwt_claims(login["request"]["body"]["signedData"])["message"] == login["message_signed"]


def test_solana_login_matches_the_sample(sample: Callable[[str], Any]) -> None:
    """The object before base64 is the sample's, byte for byte of the signature."""
    login = sample("auth_login_solana")
    expected = login["signature_object_before_base64"]
    secret = login["wallet_secret_key64_base58"]
    assert signing.solana_address(secret) == login["wallet_address"]
    answer = json.loads(base64.b64decode(signing.solana_login_signature(secret, expected["input"])))
    assert answer == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0OIl", "not base58"),
        ("", "0 bytes"),
        (base58.b58encode(b"x" * 31).decode(), "31 bytes"),
        (base58.b58encode(b"x" * 64).decode(), "public half"),
        ("ключ", "not base58"),
    ],
)
def test_bad_request_keys_say_why_and_not_what(text: str, problem: str) -> None:
    """The message names the problem and never the text."""
    with pytest.raises(signing.BadKey, match=problem) as caught:
        signing.decode_ed25519_seed(text)
    assert not text or text not in str(caught.value)


def test_both_key_lengths_give_the_same_signer() -> None:
    """32-byte seed and 64-byte seed with public key are the same key."""
    seed = bytes(range(32))
    public = base58.b58decode(signing.RequestSigner.from_seed(seed).public_base58)
    for raw in (seed, seed + public):
        assert signing.decode_ed25519_seed(base58.b58encode(raw).decode()) == seed


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "a.!!!.c", "a." + base64.b64encode(b"[1]").decode() + ".c"])
def test_bad_tokens_are_refused(text: str) -> None:
    """What is no JWT raises BadKey, nothing else."""
    with pytest.raises(signing.BadKey, match="not a JWT"):
        signing.jwt_claims(text)


def test_signer_hides_its_key() -> None:
    """repr of a signer shows no key."""
    assert repr(signing.RequestSigner.generated()) == "RequestSigner()"
