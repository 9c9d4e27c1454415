"""Edits of a running bot's file: a good one takes effect, a bad one changes nothing, and both are said in words."""

from __future__ import annotations

import logging
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from controllers.market_making.perp_market_maker import PerpMarketMakerConfig
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution.desk import config_hash
from tests.support import warp
from tests.unit.execution import trading as line_of
from tests.unit.execution.trading import CONTROLLER, FAST, Trading, trading, until

GRID = Path(__file__).resolve().parents[3] / "conf" / "controllers" / "grid_round7.yml"
PATIENT = {
    **FAST, "latency_degraded_ms": 50_000, "latency_pause_ms": 60_000, "stale_book_ms": 30_000,
    "volatility_pause_bps": 1000,
}  # fmt: skip
"""A busy machine answers late: that must not pull the quotes whose stay is looked at."""
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "misspelled": ({"skew_pull_bp": 3}, "skew_pull_bp: unknown key, did you mean 'skew_pull_bps'?"),
    "out of bounds": ({"layer_count": 0}, "layer_count"),
    "rule of a section": ({"volatility_calm_s": 9}, "volatility_calm_s"),
    "limit of the gate": ({"margin_ratio_shrink": 2}, "Set margin_ratio_stop too"),
    "own pricer that is not there": ({"mode": "no_such_module:priced"}, "no_such_module cannot be imported"),
    "set that breaks its limit": ({"max_open_orders": 1}, "2 orders are wanted, over 1"),
    "not a number": ({"maker_fee_bps": "cheap"}, "maker_fee_bps"),
}


def resting(line: Trading) -> Counter[str]:
    return Counter(row["side"] for row in line.venue_orders())


def said(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if words in record.getMessage()]


def test_n5_fewer_layers_rest_within_one_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """24 layers become 18: the six deepest of each side go, the others are the orders that rested before."""
    monkeypatch.setattr(line_of, "PRESET", GRID)

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **PATIENT) as line:
            await until(lambda: resting(line) == {Side.BUY: 24, Side.SELL: 24}, 60.0, line.describe)
            await until(lambda: [o.state for o in line.quoter.open_orders()] == ["live"] * 48, 10.0, line.describe)
            before = {row["id"]: row for row in line.venue_orders()}
            line.reload(layer_count=18)
            await until(lambda: resting(line) == {Side.BUY: 18, Side.SELL: 18}, 10.0, line.describe)
            kept = [row for row in line.venue_orders() if row["id"] in before]
            assert len(kept) == 36
            deepest = min(Decimal(row["price"]) for row in kept if row["side"] == Side.BUY)
            gone = [row for key, row in before.items() if key not in {each["id"] for each in kept}]
            assert len(gone) == 12
            assert all(Decimal(row["price"]) < deepest for row in gone if row["side"] == Side.BUY)

    warp.run(scenario())


def test_n5_n6_a_good_edit_is_in_force_and_said_with_old_and_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Fields of every section change live, None ones too; log and event log say what they were and are."""
    changes = {
        "skew_push_bps": 5, "volatility_pause_bps": 8, "max_resting_quote": "900", "own_params": {"lean": 0.5},
        "momentum_alpha": 0.1, "hard_stop_recovery": "wait",
    }  # fmt: skip

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **PATIENT) as line:
            await line.quoted()
            with caplog.at_level(logging.INFO):
                line.reload(**changes)
                await until(lambda: line.controller.config.skew_push_bps == 5, 5.0, "the reload")
            params = line.quoter.decision and line.controller.params()
            assert params is not None
            assert (params.skew.skew_push_bps, params.volatility.volatility_pause_bps) == (5, 8)
            assert line.controller.gate_params().max_resting_quote == Decimal(900)
            assert params.pricing.own("lean", 0.0) == 0.5 and params.drift.momentum_alpha == 0.1
            await line.stop()
            (row,) = line.events("config")
            assert ["skew_push_bps", "6.0", "5.0"] in row["moves"]
            assert ["max_resting_quote", "None", "900"] in row["moves"]
            assert ["hard_stop_recovery", "maker", "wait"] in row["moves"]
            assert sorted(row["changed"]) == sorted(changes)
            assert row["config_hash"] != line.events("run")[0]["config_hash"]

    warp.run(scenario())
    (text,) = said(caplog, "config reloaded")
    assert "skew_push_bps=6.0->5.0" in text and "max_resting_quote=None->900" in text
    assert len(said(caplog, "trap T5")) == 1


def test_n5_a_bad_edit_leaves_orders_and_configuration_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each mistake is refused in words that mend it; the same orders go on resting under the old values."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **PATIENT) as line:
            await line.quoted()
            config, orders = line.controller.config.model_dump(), {row["id"] for row in line.venue_orders()}
            content = (line.conf / f"{CONTROLLER}.yml").read_text()
            for name, (changes, words) in BAD.items():
                with caplog.at_level(logging.WARNING):
                    line.reload(**changes)
                    await until(lambda words=words: said(caplog, words) != [], 5.0, name)
                assert all("refused, the running config stays" in text for text in said(caplog, words)), name
                assert line.controller.config.model_dump() == config, name
                (line.conf / f"{CONTROLLER}.yml").write_text(content)
                assert {row["id"] for row in line.venue_orders()} == orders, name
            await line.stop()
            assert line.events("config") == []

    warp.run(scenario())


def test_n5_what_a_start_fixes_is_answered_in_a_section_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Leverage stays until a restart, and that is said; the rest of the edit is taken."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **PATIENT) as line:
            await line.quoted()
            with caplog.at_level(logging.WARNING):
                line.reload(leverage=3, least_distance_bps=2)
                await until(lambda: line.controller.config.least_distance_bps == 2, 5.0, "the reload")
            assert line.controller.config.leverage == 1
            assert len(said(caplog, "leverage is 3 in the file and stays 1 until a restart")) == 1

    warp.run(scenario())


@pytest.mark.parametrize(("changes", "words"), [
    pytest.param({"layer_count": 3, "size_decay": "0.1", "order_size_base": "0.002"},
                 ["2 of 3 layers are as large as the venue asks", "(trap T27)"], id="T27"),
    pytest.param({"max_resting_quote": "180"}, ["max_resting_quote: all orders are worth", "(trap T21)"], id="T21"),
    pytest.param({"order_size_base": "0.3", "soft_limit_base": "1", "hard_stop_base": "2", "net_max_base": "5"},
                 ["the largest order needs", "(trap T26)"], id="T26"),
])  # fmt: skip
def test_what_the_market_shows_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, changes: dict[str, Any],
    words: list[str],
) -> None:
    """Price, least sizes and free margin are known only in the market: each trap there is a warning with its name."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **PATIENT, **changes) as line:
            await until(lambda: said(caplog, words[-1]) != [], 10.0, "the warning")
            line.reload(skew_push_bps=5)
            await until(lambda: line.controller.config.skew_push_bps == 5, 5.0, "the reload")

    with caplog.at_level(logging.WARNING):
        warp.run(scenario())
    texts = said(caplog, words[0])
    assert len(texts) == 1 and all(word in texts[0] for word in words)


def test_n11_the_whole_configuration_in_force_is_logged_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every field with its value, those that the file leaves out too."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **PATIENT) as line:
            await line.quoted()
            fields = type(line.controller.config).model_fields
            (text,) = said(caplog, "config in force")
            assert [name for name in fields if f" {name}=" not in text] == []
            assert "order_size_base=0.002" in text and "max_open_orders=None" in text

    with caplog.at_level(logging.INFO):
        warp.run(scenario())


def test_n12_every_value_is_in_the_hash() -> None:
    """Parameters, limits of the gate and what a start fixes: another value gives another hash."""
    base: dict[str, Any] = {"id": "x"}
    changed = [
        {"order_distance_bps": 5}, {"max_open_orders": 9}, {"startup_policy": "refuse"}, {"leverage": 2},
        {"own_params": {"a": 1}}, {"trading_pair": "ETH-DUSD"},
    ]  # fmt: skip
    hashes = {config_hash(PerpMarketMakerConfig(**{**base, **changes})) for changes in ({}, *changed)}
    assert len(hashes) == len(changed) + 1
    assert config_hash(PerpMarketMakerConfig(**base)) == config_hash(PerpMarketMakerConfig(**base))
