"""Keys as they are entered: bad ones are refused before they are stored, stored ones never stop a command."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import base58
import pytest
from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger
from hummingbot.client.config.config_helpers import ClientConfigAdapter, ConfigValidationError
from hummingbot.client.config.security import Security
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_utils as utils
from pydantic import ValidationError

MAPS = {
    "standx_perpetual": utils.StandxPerpetualConfigMap,
    "standx_perpetual_emulator": utils.StandxPerpetualEmulatorConfigMap,
}
SEED = base58.b58encode(b"\x07" * 32).decode()
EVM = "0x" + "11" * 32


def token(expires_in_s: float) -> str:
    parts = [{"alg": "HS256"}, {"exp": int(time.time() + expires_in_s)}]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "c2lnbmF0dXJlLXRoYXQtc3RheXMtc2VjcmV0"])


def entered(domain: str, login: str, secret: str, request_key: str) -> Any:
    """Enter the fields as `hbot connect` does: one after the other on a model without values."""
    adapter = ClientConfigAdapter(MAPS[domain].model_construct())
    for suffix, value in (("login", login), ("secret", secret), ("request_key", request_key)):
        setattr(adapter, f"{domain}_{suffix}", value)
    return adapter


@pytest.mark.parametrize("domain", MAPS)
@pytest.mark.parametrize(
    ("login", "secret", "request_key"),
    [
        ("web_token", token(3600), SEED),
        (" web_token ", f"\n{token(3600)} ", f" {SEED}\n"),
        ("evm_wallet", EVM, ""),
        ("evm_wallet", EVM.removeprefix("0x"), SEED),
        ("solana_wallet", SEED, ""),
    ],
)
def test_good_keys_are_taken(domain: str, login: str, secret: str, request_key: str) -> None:
    """What the venue's page or a wallet gives is taken, spaces around it dropped."""
    adapter = entered(domain, login, secret, request_key)
    assert getattr(adapter, f"{domain}_login") == login.strip()
    assert getattr(adapter, f"{domain}_secret").get_secret_value() == secret.strip()
    assert getattr(adapter, f"{domain}_request_key").get_secret_value() == request_key.strip()


@pytest.mark.parametrize("domain", MAPS)
@pytest.mark.parametrize(
    ("login", "secret", "request_key", "told"),
    [
        ("magic", token(3600), SEED, "_login: is not one of web_token, evm_wallet, solana_wallet"),
        ("", token(3600), SEED, "_login: is not one of"),
        ("web_token", "", SEED, "_secret: is empty"),
        ("web_token", "hush-hush-4711", SEED, "_secret: the access token is not a JWT"),
        ("web_token", token(-3600), SEED, "_secret: the access token expired on 20"),
        ("web_token", token(3600), "", "_request_key: is empty, but a web token needs its request-signing key"),
        ("web_token", token(3600), "0OIl-hush-4711", "_request_key: the request-signing key is not base58"),
        ("web_token", token(3600), "abcdefgh", "decodes to 6 bytes instead of 32 or 64"),
        ("evm_wallet", "hush-hush-4711", "", "_secret: the wallet key is not hexadecimal"),
        ("evm_wallet", "11" * 31, "", "decodes to 31 bytes instead of 32"),
        ("evm_wallet", "0x" + "00" * 32, "", "is not a valid secp256k1 private key"),
        ("solana_wallet", EVM, "", "_secret: the wallet key is not base58"),
        ("solana_wallet", SEED, "0OIl-hush-4711", "_request_key: the request-signing key is not base58"),
    ],
)
def test_bad_keys_are_refused_in_one_line(domain: str, login: str, secret: str, request_key: str, told: str) -> None:
    """`hbot connect` prints the text: one line with the domain's own field and a fix, and nothing that was entered."""
    with pytest.raises(ConfigValidationError) as caught:
        entered(domain, login, secret, request_key)
    text = str(caught.value)
    assert told in text and text.startswith(f"{domain}_") and "\n" not in text
    for value in (secret, request_key):
        assert not value or value not in text


def test_the_model_itself_does_not_show_what_was_entered() -> None:
    """Whoever prints pydantic's own error, its repr or its details finds no key in it."""
    keys = utils.StandxPerpetualConfigMap.model_construct()
    for name, value in (
        ("standx_perpetual_secret", "hush-hush-4711"),
        ("standx_perpetual_request_key", "hush-{}-0815"),
        ("standx_perpetual_login", "hush-login"),
    ):
        with pytest.raises(ValidationError) as caught:
            setattr(keys, name, value)
        shown = f"{caught.value} {caught.value!r} {caught.value.errors()}"
        assert "hush" not in shown and name in shown
    with pytest.raises(ValidationError) as caught:
        utils.StandxPerpetualConfigMap.model_validate({"standx_perpetual_secret": ["hush"], "connector": "x"})
    assert "hush" not in str(caught.value)


@pytest.fixture
def key_store(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Hummingbot's own key store in an empty folder."""
    from hummingbot.client.config import config_crypt, config_helpers, security

    monkeypatch.setattr(config_helpers, "CONNECTORS_CONF_DIR_PATH", tmp_path)
    monkeypatch.setattr(config_crypt, "PASSWORD_VERIFICATION_PATH", tmp_path / ".password_verification")
    monkeypatch.setattr(security, "PASSWORD_VERIFICATION_PATH", tmp_path / ".password_verification")
    before = AllConnectorSettings.get_connector_config_keys("standx_perpetual")
    manager = ETHKeyFileSecretManger("password")
    config_crypt.store_password_verification(manager)
    try:
        assert Security.login(manager)
        yield manager
    finally:
        AllConnectorSettings.update_connector_config_keys(before)
        Security.secrets_manager = None
        Security._secure_configs.clear()


def test_a_stored_token_that_has_expired_stops_no_command(key_store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command logs in and decrypts all stores: an expired token in one must load, and be replaceable."""
    short_lived = token(60)
    adapter = entered("standx_perpetual", "web_token", short_lived, SEED)
    Security.update_secure_config(adapter)
    now_s = time.time()
    monkeypatch.setattr(utils.time, "time", lambda: now_s + 3600)
    assert Security.login(key_store)
    stored = Security.decrypted_value("standx_perpetual")
    assert stored.standx_perpetual_secret == adapter.standx_perpetual_secret
    assert Security.api_keys("standx_perpetual")["standx_perpetual_request_key"] == SEED
    with pytest.raises(ConfigValidationError, match="expired"):
        stored.standx_perpetual_secret = short_lived
    monkeypatch.undo()
    stored.standx_perpetual_secret = token(7200)
