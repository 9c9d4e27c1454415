"""What Hummingbot reads about the connector in every process: keys, fees, domains; and where feeds are registered.

Errors here would hide the connector or break every command, so nothing heavy is imported and registration never raises.
"""

from __future__ import annotations

import logging
import time
from decimal import Decimal
from functools import partial
from typing import Any, Self

from hummingbot.client.config.config_data_types import BaseConnectorConfigMap
from hummingbot.core.data_type.trade_fee import TradeFeeSchema
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

CENTRALIZED = True
EXAMPLE_PAIR = "BTC-DUSD"
# Verified on all symbols, 2026-08-21: makers pay 1 bp, takers 4 bp.
DEFAULT_FEES = TradeFeeSchema(
    maker_percent_fee_decimal=Decimal("0.0001"),
    taker_percent_fee_decimal=Decimal("0.0004"),
)

_LOGIN_PROMPT = "How do you log in to {title}? (web_token, evm_wallet, solana_wallet) "
_SECRET_PROMPT = "Enter the {title} access token (web_token) or the wallet's private key "
_REQUEST_KEY_PROMPT = "Enter the {title} request-signing key in base58 (wallet logins may leave it empty) "


def _extra(prompt: str, title: str, is_secure: bool) -> dict[str, object]:
    return {"prompt": prompt.format(title=title), "is_secure": is_secure, "is_connect_key": True, "prompt_on_new": True}


class _CheckedKeys(BaseConnectorConfigMap):  # type: ignore[misc]
    """Keys that are looked at when they are entered, so that bad ones are never stored over good ones.

    Reading a stored file assigns each secret too, after decrypting it. That first assignment is not checked: a token
    that has expired since would stop every command of Hummingbot, the one that replaces it included. Using it is
    refused by the connector instead. ``secret`` and ``request_key`` are checked against the ``login`` known at that
    time: enter the fields in their order.
    """

    _awaits_decryption: set[str] = PrivateAttr(default_factory=set)

    @classmethod
    def model_validate(cls, obj: Any, **kwargs: Any) -> Self:
        """The stored keys as read from their file, secrets still encrypted."""
        stored: Self = super().model_validate(obj, **kwargs)
        stored._awaits_decryption = {
            name for name, field in cls.model_fields.items() if field.annotation is SecretStr
        }
        return stored

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field; ValidationError with one line that names field and fix, and never shows what was entered."""
        if name in self._awaits_decryption:
            self._awaits_decryption.discard(name)
        elif name.startswith(f"{self.connector}_"):
            value = self._checked(name, value)
        super().__setattr__(name, value)

    def _checked(self, name: str, value: Any) -> Any:
        from hummingbot_extensions.connector.errors import Misconfigured

        from . import standx_perpetual_keys as keys

        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        suffix = name.removeprefix(f"{self.connector}_")
        login = str(getattr(self, keys.field_name(self.connector, "login"), keys.WEB_TOKEN))
        try:
            keys.check_entry(self.connector, suffix, text.strip(), login, time.time())
        except Misconfigured as problem:
            # The text goes in as a value, so that braces in it are not taken for a template.
            error = PydanticCustomError("standx_key", "{problem}", {"problem": str(problem)})
            details = [InitErrorDetails(type=error, loc=(name,), input=None)]
            raise ValidationError.from_exception_data(type(self).__name__, details, hide_input=True) from None
        return text.strip() if isinstance(value, str) else value


class StandxPerpetualConfigMap(_CheckedKeys):
    """Keys of the live venue."""

    connector: str = "standx_perpetual"
    standx_perpetual_login: str = Field(
        default="web_token", json_schema_extra=_extra(_LOGIN_PROMPT, "StandX", is_secure=False)
    )
    standx_perpetual_secret: SecretStr = Field(
        default=..., json_schema_extra=_extra(_SECRET_PROMPT, "StandX", is_secure=True)
    )
    standx_perpetual_request_key: SecretStr = Field(
        default=SecretStr(""), json_schema_extra=_extra(_REQUEST_KEY_PROMPT, "StandX", is_secure=True)
    )
    model_config = ConfigDict(title="standx_perpetual", hide_input_in_errors=True)


class StandxPerpetualEmulatorConfigMap(_CheckedKeys):
    """Keys of the local emulator, whose address is in HBX_STANDX_EMULATOR_URL."""

    connector: str = "standx_perpetual_emulator"
    standx_perpetual_emulator_login: str = Field(
        default="web_token", json_schema_extra=_extra(_LOGIN_PROMPT, "the StandX emulator", is_secure=False)
    )
    standx_perpetual_emulator_secret: SecretStr = Field(
        default=..., json_schema_extra=_extra(_SECRET_PROMPT, "StandX emulator", is_secure=True)
    )
    standx_perpetual_emulator_request_key: SecretStr = Field(
        default=SecretStr(""), json_schema_extra=_extra(_REQUEST_KEY_PROMPT, "StandX emulator", is_secure=True)
    )
    model_config = ConfigDict(title="standx_perpetual_emulator", hide_input_in_errors=True)


KEYS = StandxPerpetualConfigMap.model_construct()

OTHER_DOMAINS = ["standx_perpetual_emulator"]
OTHER_DOMAINS_PARAMETER = {"standx_perpetual_emulator": "standx_perpetual_emulator"}
OTHER_DOMAINS_EXAMPLE_PAIR = {"standx_perpetual_emulator": EXAMPLE_PAIR}
OTHER_DOMAINS_DEFAULT_FEES = {"standx_perpetual_emulator": DEFAULT_FEES}
OTHER_DOMAINS_KEYS = {"standx_perpetual_emulator": StandxPerpetualEmulatorConfigMap.model_construct()}


def register_feeds() -> None:
    """Register candles feeds and rate sources of both domains; a failure is logged and never stops Hummingbot."""
    try:
        from hummingbot_extensions import compat

        from . import standx_perpetual_candles as candles

        for domain, feed in candles.FEEDS.items():
            compat.register_candles(domain, feed)
            compat.register_rate_source(domain, partial(candles.rate_source, domain))
    except Exception:
        logging.getLogger(__name__).warning("StandX candles and rates are not available", exc_info=True)


register_feeds()
