"""Every preset as shipped, on the emulator with the account it is made for: all its orders rest, then none remains."""

from __future__ import annotations

import logging
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from controllers.market_making.perp_market_maker import PerpMarketMakerConfig
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import findings
from tests.support import warp
from tests.unit.execution import trading as line_of
from tests.unit.execution.trading import trading, until

FOLDER = Path(__file__).resolve().parents[3] / "conf" / "controllers"
ACCOUNTS = {
    "standx_btc_uptime": 10_000, "standx_btc_rebate": 10_000, "grid_18_layers": 1_000, "grid_round7": 5_000,
    "avellaneda": 1_000, "adaptive": 10_000, "conservative_200usd": 200,
}
"""DUSD in the account that each preset's comment names."""


def test_each_preset_has_an_account() -> None:
    """A new preset is booted too, and its comment names its market and its account."""
    assert {path.stem for path in FOLDER.glob("*.yml")} == set(ACCOUNTS)
    for name, quote in ACCOUNTS.items():
        text = " ".join((FOLDER / f"{name}.yml").read_text().replace("#", " ").split())
        assert "StandX BTC" in text and "BTC around 90,000 DUSD" in text
        assert f"{quote:,} DUSD" in text, name


@pytest.mark.parametrize("name", ACCOUNTS)
def test_n10_a_preset_has_every_limit_written_down_and_no_trap(name: str) -> None:
    """It would still be taken when armed, and costs nothing that features.md warns of."""
    content = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    assert content["armed"] is False
    config = PerpMarketMakerConfig(**{**content, "armed": True})
    assert findings.warnings(config.params()) == []


@pytest.mark.parametrize("name", ACCOUNTS)
def test_n10_f1_a_preset_boots_and_all_its_layers_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """As many orders a side as it says, of the sizes that the venue takes, within its account; after the stop none."""
    monkeypatch.setattr(line_of, "PRESET", FOLDER / f"{name}.yml")
    count = PerpMarketMakerConfig(**yaml.safe_load((FOLDER / f"{name}.yml").read_text())).layer_count

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, emulator={"balance": Decimal(ACCOUNTS[name])}) as line:

            def resting() -> Counter[str]:
                return Counter(row["side"] for row in line.venue_orders())

            await until(lambda: resting() == {Side.BUY: count, Side.SELL: count}, 120.0, line.describe)
            prices = {(row["side"], row["price"]) for row in line.venue_orders()}
            assert len(prices) == 2 * count
            await line.stop()
            assert line.venue_orders() == []

    with caplog.at_level(logging.WARNING):
        warp.run(scenario())
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [text for text in said if "config " in text or "gate" in text] == []
