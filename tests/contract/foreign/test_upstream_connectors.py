"""Hummingbot's own perpetual connectors have what the members are made of."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from pathlib import Path
from typing import Any

import pytest
from hummingbot.connector import derivative
from hummingbot.connector.derivative.grvt_perpetual.grvt_perpetual_derivative import GrvtPerpetualDerivative
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase

from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.foreign import fitting, upstream
from tests.support import warp

OURS = ("standx_perpetual", "extended_perpetual")
NAMES = sorted(
    path.name for path in Path(derivative.__path__[0]).iterdir()
    if path.name.endswith("_perpetual") and path.name not in OURS)
NEEDS_MORE = {"dydx_v4_perpetual": "v4_proto"}
"""Connectors that import a package which Hummingbot does not bring."""
ON_INSTANCES = ("_order_tracker", "_user_stream_tracker", "_time_synchronizer")


@pytest.mark.parametrize("name", NAMES)
def test_each_has_what_the_members_are_made_of(name: str) -> None:
    """Built on Hummingbot's base classes, which set the rest up on each instance."""
    if name in NEEDS_MORE and importlib.util.find_spec(NEEDS_MORE[name]) is None:
        pytest.skip(f"{NEEDS_MORE[name]} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(f"hummingbot.connector.derivative.{name}.{name}_derivative")
    kind: Any = getattr(module, "".join(part.capitalize() for part in name.split("_")) + "Derivative")
    assert issubclass(kind, PerpetualDerivativePyBase)
    assert [member for member in upstream.NEEDED if member not in ON_INSTANCES and not hasattr(kind, member)] == []


def test_grvt_can_be_quoted() -> None:
    """No danger, and every member given."""

    async def life() -> None:
        connector = GrvtPerpetualDerivative(
            grvt_perpetual_api_key="key", grvt_perpetual_private_key="0x" + "1" * 64,
            grvt_perpetual_trading_account_id="1", trading_pairs=["ETH-USDT"])
        assert fitting.dangers(connector) == []
        fitting.fit(connector, market_view.REQUIRED)
        assert market_view.missing_members(connector) == []

    warp.run(life())
