"""What Hummingbot reads from the connector's utils: domains, keys, fees, feeds."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_utils as utils
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from pydantic import SecretStr

DOMAINS = ("standx_perpetual", "standx_perpetual_emulator")


@pytest.mark.parametrize("domain", DOMAINS)
def test_three_connect_fields_per_domain(domain: str) -> None:
    """login is plain, secret and request_key are secret; all three are connect keys and prompted."""
    keys = AllConnectorSettings.get_connector_config_keys(domain)
    fields = {name: field for name, field in type(keys).model_fields.items() if name != "connector"}
    assert set(fields) == {f"{domain}_{suffix}" for suffix in ("login", "secret", "request_key")}
    assert all(field.json_schema_extra["is_connect_key"] for field in fields.values())
    secret = {name for name, field in fields.items() if field.annotation is SecretStr}
    assert secret == {f"{domain}_secret", f"{domain}_request_key"}


@pytest.mark.parametrize("domain", DOMAINS)
def test_keys_reach_the_constructor_under_the_parents_names(domain: str) -> None:
    """Hummingbot's own way of building a connector gives an instance of the right domain with the right fees."""
    settings = AllConnectorSettings.get_connector_settings()[domain]
    given = {f"{domain}_{suffix}": suffix for suffix in ("login", "secret", "request_key")}

    async def build() -> None:
        from hummingbot.client.config.config_helpers import get_connector_class

        parameters = settings.conn_init_parameters(trading_pairs=["BTC-DUSD"], trading_required=False, api_keys=given)
        connector = get_connector_class(domain)(**parameters)
        assert connector.name == connector.domain == domain
        assert connector._keys == ("login", "secret", "request_key")
        assert connector.trade_fee_schema().maker_percent_fee_decimal == Decimal("0.0001")

    asyncio.run(build())


def test_feeds_of_both_domains_are_registered() -> None:
    """Candles are there for every domain; registering again is harmless."""
    utils.register_feeds()
    assert set(DOMAINS) <= set(CandlesFactory._candles_map)


def test_a_failing_registration_does_not_stop_hummingbot(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a feed cannot be registered, utils still imports: a warning, no exception."""
    from hummingbot_extensions import compat

    def fail(*_: object) -> None:
        raise RuntimeError("upstream changed")

    monkeypatch.setattr(compat, "register_candles", fail)
    utils.register_feeds()
