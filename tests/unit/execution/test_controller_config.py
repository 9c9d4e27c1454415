"""The controller's file: every preset loads, a mistake is refused with the fix, nothing is lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbot.core.data_type.common import MarketDict, PositionMode
from hummingbot.strategy_v2.controllers.controller_base import ControllerConfigBase
from pydantic import ValidationError

from controllers.market_making.perp_market_maker import PerpMarketMaker, PerpMarketMakerConfig

PRESETS = sorted((Path(__file__).resolve().parents[3] / "conf" / "controllers").glob("*.yml"))
BASE: dict[str, Any] = {"id": "x"}
MISTAKES = {
    "misspelled key": ({"order_distanc_bps": 5}, "did you mean 'order_distance_bps'?"),
    "foreign key": ({"zzz_top": 1}, "zzz_top: unknown key, remove it"),
    "empty id": ({"id": " "}, "use the file name without .yml"),
    "id of another folder": ({"id": "../../x"}, "cannot name a folder"),
    "id of this folder": ({"id": ".."}, "cannot name a folder"),
    "id with an end of line": ({"id": "a\nb"}, "cannot name a folder"),
    "id too long for a file": ({"id": "x" * 300}, "cannot name a folder"),
    "spot paper": ({"connector_name": "standx_perpetual_paper_trade"}, "use standx_perpetual_emulator"),
    "hedge mode": ({"position_mode": "HEDGE"}, "set it to ONEWAY"),
    "cancel above distance": ({"cancel_distance_bps": 6.5}, "cancel_distance_bps"),
    "rebalance below distance": ({"rebalance_distance_bps": 5}, "rebalance_distance_bps"),
    "out of band": ({"rebalance_distance_bps": 9.9}, "9.5 or less"),
    "unreachable soft limit": ({"soft_limit_base": "0.03"}, "reduce-only tier could never be reached"),
    "unreachable hard stop": ({"net_max_base": "0.03"}, "hard stop could never be reached"),
    "one fill trips": ({"order_size_base": "0.02"}, "one fill would trip the hard stop"),
    "zero size": ({"order_size_base": 0}, "order_size_base"),
    "not a number": ({"order_distance_bps": float("nan")}, "order_distance_bps"),
    "infinite size": ({"order_size_base": "Infinity"}, "order_size_base"),
}


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_shipped_preset_loads_disarmed_and_as_its_own_file(path: Path) -> None:
    """It is valid, sends nothing as shipped, stays in one-way mode, and loading what it dumps changes nothing."""
    content = yaml.safe_load(path.read_text())
    config = PerpMarketMakerConfig(**content)
    assert config.id == path.stem and config.armed is False and config.position_mode is PositionMode.ONEWAY
    assert config.get_controller_class() is PerpMarketMaker
    assert PerpMarketMakerConfig(**config.model_dump()) == config
    assert config.update_markets(MarketDict({})) == {config.connector_name: {config.trading_pair}}


def test_there_are_presets() -> None:
    """The parametrised test above had something to load."""
    assert PRESETS


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_refused_in_words_that_mend_it(case: str) -> None:
    """The message names the field or the fix."""
    changes, words = MISTAKES[case]
    with pytest.raises(ValidationError) as caught:
        PerpMarketMakerConfig(**{**BASE, **changes})
    assert words in str(caught.value)


def test_what_a_start_fixes_is_not_updatable() -> None:
    """Connector, pair, arming, leverage, execution and mode cannot change under a running bot; all else can."""
    own = set(PerpMarketMakerConfig.model_fields) - set(ControllerConfigBase.model_fields)
    fixed = {name for name in own if not PerpMarketMakerConfig.model_fields[name].json_schema_extra["is_updatable"]}
    assert fixed == {"connector_name", "trading_pair", "armed", "leverage", "execution", "position_mode"}


def test_n1_a_file_may_be_written_in_sections() -> None:
    """The same fields under quote, position and execution; a foreign field, section or a double one is refused."""
    written = {"id": "x", "quote": {"order_distance_bps": 5}, "position": {"soft_limit_base": "0.011"}}
    config = PerpMarketMakerConfig(**written)
    assert config == PerpMarketMakerConfig(id="x", order_distance_bps=5, soft_limit_base="0.011")
    assert {"order_distance_bps", "soft_limit_base"} <= config.model_fields_set
    for mistake, words in (
        ({"quote": {"order_distnace_bps": 5}}, "quote.order_distnace_bps: unknown key, did you mean"),
        ({"quote": {"soft_limit_base": 1}}, "quote.soft_limit_base: unknown key"),
        ({"quotes": {"order_distance_bps": 5}}, "quotes: unknown key, did you mean 'quote'"),
        ({"quote": {"order_distance_bps": 5}, "order_distance_bps": 5}, "stands twice"),
    ):
        with pytest.raises(ValidationError) as caught:
            PerpMarketMakerConfig(id="x", **mistake)
        assert words in str(caught.value)
