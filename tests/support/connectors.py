"""Our connectors inside the installed Hummingbot, for tests: found and registered without touching an installed
file.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

CONNECTORS = Path(__file__).resolve().parents[2] / "connectors"


def register(name: str) -> ModuleType:
    """Make ``hummingbot.connector.derivative.<name>`` importable from the checkout and known to Hummingbot; its utils.

    The running name is the one that Hummingbot uses, so that there is one set of classes.
    """
    from hummingbot.client.settings import AllConnectorSettings, ConnectorSetting, ConnectorType
    from hummingbot.connector import derivative

    folder = str(CONNECTORS)
    if folder not in derivative.__path__:
        derivative.__path__.append(folder)
    settings = AllConnectorSettings.get_connector_settings()
    utils = importlib.import_module(f"hummingbot.connector.derivative.{name}.{name}_utils")
    domains = {name: (utils.EXAMPLE_PAIR, utils.DEFAULT_FEES, utils.KEYS, None)}
    for domain in utils.OTHER_DOMAINS:
        domains[domain] = (
            utils.OTHER_DOMAINS_EXAMPLE_PAIR[domain],
            utils.OTHER_DOMAINS_DEFAULT_FEES[domain],
            utils.OTHER_DOMAINS_KEYS[domain],
            utils.OTHER_DOMAINS_PARAMETER[domain],
        )
    for domain, (pair, fees, keys, parameter) in domains.items():
        settings[domain] = ConnectorSetting(
            name=domain,
            type=ConnectorType.Derivative,
            centralised=utils.CENTRALIZED,
            example_pair=pair,
            use_ethereum_wallet=False,
            trade_fee_schema=fees,
            config_keys=keys,
            is_sub_domain=parameter is not None,
            parent_name=name if parameter is not None else None,
            domain_parameter=parameter,
            use_eth_gas_lookup=False,
        )
    return utils
