"""What ``hbx doctor`` says of controller files: warnings of their settings, and what a foreign connector cannot do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hummingbot.core.data_type.common import OrderType, PositionMode

from hummingbot_extensions.cli.doctor_settings import connector_rows, settings_rows
from hummingbot_extensions.execution import market_view
from hummingbot_extensions.execution.foreign import fitting
from tests.contract.foreign.small_venue import SmallVenue
from tests.contract.foreign.stub_perpetual import StubPerpetualDerivative
from tests.unit.execution.trading import PRESET

REPO = Path(__file__).resolve().parents[3]


def stub_rows(**changes: Any) -> list[Any]:
    async def life() -> list[Any]:
        connector = StubPerpetualDerivative(SmallVenue())
        for name, value in changes.items():
            setattr(connector, name, value)
        return list(connector_rows("stub_perpetual", connector))

    return asyncio.run(life())


def test_a_foreign_connector_has_a_row_for_each_weakness() -> None:
    """The same words as the warning at the start, one row each."""
    rows = stub_rows()
    assert [row.finding.partition(": ")[0] for row in rows] == [what for what, _ in fitting.WEAKER]
    assert {row.state for row in rows} == {"warn"} and all(row.fix for row in rows)
    assert stub_rows(real_time_balance_update=False)[-1].finding.startswith(fitting.NO_LIVE_BALANCE[0])


@pytest.mark.parametrize(("changes", "told"), [
    ({"order_types": [OrderType.LIMIT, OrderType.MARKET]}, "LIMIT_MAKER"),
    ({"position_modes": [PositionMode.HEDGE]}, "one-way"),
])
def test_a_dangerous_connector_fails(changes: dict[str, Any], told: str) -> None:
    """What the controller would refuse at the start, before it."""
    (row,) = stub_rows(**changes)
    assert row.state == "fail" and told in row.finding and row.fix


def test_ours_has_no_row_and_a_broken_one_of_ours_fails() -> None:
    assert list(connector_rows("x", SimpleNamespace(**dict.fromkeys(market_view.REQUIRED)))) == []
    (row,) = connector_rows("x", SimpleNamespace(**dict.fromkeys(market_view.REQUIRED[1:])))
    assert row.state == "fail" and market_view.REQUIRED[0] in row.finding


def test_the_files_of_a_workspace_are_read_as_a_bot_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A costly setting warns, an unknown key fails, a connector of Hummingbot's own is looked at, ours is fine."""
    preset = yaml.safe_load(PRESET.read_text())
    folder = tmp_path / "conf" / "controllers"
    folder.mkdir(parents=True)
    for name, changes in {
        "calm": {"hard_stop_recovery": "maker"},
        "costly": {"hard_stop_recovery": "wait"},
        "wrong": {"nonsense": 1},
        "other": {"connector_name": "binance_perpetual", "trading_pair": "ETH-USDC"},
        "nobody": {"connector_name": "no_perpetual"},
    }.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump({**preset, "id": name, **changes}))
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    rows = settings_rows(tmp_path, [f"{name}.yml" for name in ("calm", "costly", "wrong", "other", "nobody")])
    by_check = {row.check: row for row in rows}
    assert by_check["calm.yml"].state == "ok"
    assert by_check["costly.yml"].state == "warn" and "trap T5" in by_check["costly.yml"].finding
    assert by_check["wrong.yml"].state == "fail" and "nonsense" in by_check["wrong.yml"].finding
    assert by_check["no_perpetual"].state == "fail"
    assert sum(row.check == "binance_perpetual" for row in rows) >= len(fitting.WEAKER)
    assert all(row.fix for row in rows if row.state != "ok")
    assert settings_rows(tmp_path, []) == []


def test_files_that_cannot_be_read_are_one_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    (row,) = settings_rows(tmp_path, ["gone.yml"])
    assert row.state == "fail" and "gone.yml" in row.finding
