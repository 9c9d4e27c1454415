"""The controller's file: every preset loads, a mistake is refused with the fix, nothing is lost on the way."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbot.core.data_type.common import MarketDict, PositionMode
from hummingbot.strategy_v2.controllers.controller_base import ControllerConfigBase
from pydantic import ValidationError

from controllers.market_making.perp_market_maker import PerpMarketMaker, PerpMarketMakerConfig
from hummingbot_extensions.cli import parameters
from hummingbot_extensions.core import spec
from hummingbot_extensions.core.view import MarketRules
from hummingbot_extensions.execution import config as market_maker
from hummingbot_extensions.execution import findings

ROOT = Path(__file__).resolve().parents[3]
PRESETS = sorted((ROOT / "conf" / "controllers").glob("*.yml"))
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
    "T1": ({"cancel_distance_bps": 6}, "(trap T1)"),
    "T2": ({"rebalance_distance_bps": 9.9}, "(trap T2)"),
    "T3": ({"hard_stop_base": "0.007"}, "(trap T3)"),
    "T4": ({"order_size_base": "0.02"}, "(trap T4)"),
    "T21 count": ({"layer_count": 18, "order_size_base": "0.0005", "max_open_orders": 30}, "36 orders are wanted"),
    "T21 value": (
        {"layer_count": 18, "size_by": "notional", "layer_notional_quote": 21, "max_resting_quote": 180},
        "all orders are worth 756, over 180"),
    "T21 size": ({"layer_count": 18, "order_size_base": "0.003"}, "(trap T21)"),
    "T32": ({"net_max_base": "0.03"}, "(trap T32)"),
    "start offset": ({"start_offset_bps": 0}, "start_offset_bps"),
    "multiplier": ({"spacing_multiplier": 1}, "spacing_multiplier"),
    "pinning never left": ({"pinning_enter_frac": 0.3}, "0 < leave < enter < 1 of the soft limit"),
    "mode without sigma": ({"mode": "adaptive"}, "sigma_on: mode adaptive needs sigma"),
    "volatile mode without range": (
        {"volatile_mode": "simple", "volatility_on": False}, "volatile_mode: follows the range of the mid"),
    "volatile mode with sigma alone": (
        {"volatile_mode": "simple", "volatility_on": False, "sigma_on": True}, "volatile_mode: follows the range"),
    "shrinking without range": (
        {"shrink_from_bps": 1, "shrink_until_bps": 2, "volatility_on": False, "sigma_on": True},
        "shrink_from_bps: follows"),
    "no leader": ({"anchor": "external"}, "anchor: external needs another venue's price"),
    "no leader to follow": ({"skew_leader_on": True}, "skew_leader_on: needs another venue's price"),
    "half a leader": ({"leader_connector": "binance_perpetual"}, "leader_trading_pair: is left out"),
    "a leader that is no pair": (
        {"leader_connector": "binance_perpetual", "leader_trading_pair": "BTCUSDT"}, "write it as BASE-QUOTE"),
    "its own leader": (
        {"leader_connector": "standx_perpetual", "leader_trading_pair": "BTC-DUSD"}, "is the market that is quoted"),
    "a leader in position mode": (
        {"skew_leader_on": True, "leader_connector": "binance_perpetual", "leader_trading_pair": "BTC-USDT",
         "execution": "position"}, "skew_leader_on: needs execution: quote"),
    "points among the mode's own": ({"points_distance_bps": 9}, "points_distance_bps"),
    "points in position mode": ({"points_distance_bps": 25, "execution": "position"}, "points_distance_bps"),
    "book guard in position mode": (
        {"guard_action": "pull", "execution": "position", "stop_loss_bps": 50}, "guard_action: needs execution: quote"),
    "equity": ({"size_by": "equity"}, "layer_equity_frac"),
    "low balance": ({"low_balance_quote": 0}, "low_balance_quote"),
    "margin in position mode": (
        {"execution": "position", "margin_ratio_stop": 2}, "margin_ratio_stop: needs execution: quote"),
    "distance in position mode": (
        {"execution": "position", "liquidation_distance_stop_frac": 0.1}, "backtest of position mode knows no margin"),
    "side cap": ({"side_notional_cap_quote": 0}, "side_notional_cap_quote"),
    "no such pricer": ({"mode": "uptimes"}, "mode: uptimes is no pricer"),
    "own pricer missing": ({"mode": "no_such_module:f"}, "no_such_module cannot be imported"),
    "infinite distance": ({"avellaneda_per_sigma": float("inf")}, "avellaneda_per_sigma"),
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
    assert fixed == {
        "connector_name", "trading_pair", "armed", "leverage", "execution", "position_mode", "leader_connector",
        "leader_trading_pair",
    }  # fmt: skip


def test_a_leader_on_the_same_connector_is_subscribed_to_and_one_elsewhere_is_not() -> None:
    """The connector that trades brings its other market; a leader elsewhere must not keep the bot from being ready."""
    leader = {"leader_trading_pair": "ETH-DUSD", "skew_leader_on": True}
    same = PerpMarketMakerConfig(id="x", leader_connector="standx_perpetual", **leader)
    assert same.update_markets(MarketDict({})) == {"standx_perpetual": {"BTC-DUSD", "ETH-DUSD"}}
    other = PerpMarketMakerConfig(id="x", leader_connector="binance_perpetual", **leader)
    assert other.update_markets(MarketDict({})) == {"standx_perpetual": {"BTC-DUSD"}}
    assert PerpMarketMakerConfig(id="x", leader_connector="", leader_trading_pair="").leader_connector is None


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

def test_n7_n14_the_reference_is_what_the_code_says() -> None:
    """docs/parameters.md is as `hbx parameters --write` makes it, and names every field of a file but Hummingbot's."""
    fields = parameters.described()
    assert (ROOT / "docs" / "parameters.md").read_text() == parameters.document(fields)
    names = {field["name"] for field in fields}
    assert names == set(PerpMarketMakerConfig.model_fields) - set(ControllerConfigBase.model_fields)
    assert {field["section"] for field in fields} == set(parameters.TITLES)
    by_name = {field["name"]: field for field in fields}
    assert (by_name["cancel_distance_bps"]["default"], by_name["skew_linear_on"]["default"]) == ("4", "true")
    assert by_name["max_order_size_base"]["default"] == "none"
    assert by_name["size_by"]["bounds"] == "base, notional, equity"
    assert by_name["leverage"]["bounds"] == "from 1 to 10" and by_name["leverage"]["at_start"]


def test_n7_defaults_are_those_of_the_study_and_the_core_else() -> None:
    """One table says where a file's defaults differ from the core's, in which everything optional is off."""
    config = PerpMarketMakerConfig(id="x")
    core = {one.name: one.default for kind in market_maker.PARAMETERS for one in spec.specs(kind)}
    differing = {name: getattr(config, name) for name, default in core.items() if getattr(config, name) != default}
    assert differing == market_maker.RECOMMENDED
    study = {
        "order_distance_bps": 6, "cancel_distance_bps": 4, "rebalance_distance_bps": 9, "skew_push_bps": 6,
        "skew_pull_bps": 4.5, "skew_dead_frac": 0.05, "least_distance_bps": 1.5, "requote_room_bps": 1.5,
        "volatility_window_s": 5, "volatility_pause_bps": 6, "volatility_resume_frac": 0.5, "volatility_calm_s": 2,
        "volatility_widen_from_frac": 0.7, "volatility_widen_bps": 1.5,
    }  # fmt: skip
    assert {name: getattr(config, name) for name in study} == study
    preset = PerpMarketMakerConfig(**yaml.safe_load((ROOT / "conf/controllers/standx_btc_uptime.yml").read_text()))
    assert preset.params() == config.params() and preset.gate_params() == config.gate_params()


def test_n1_every_section_loads_with_its_own_fields_alone() -> None:
    """A file with all fields under their sections is the flat one; another section does not take them."""
    flat = {name: value for name, value in PerpMarketMakerConfig(id="x").model_dump(mode="json").items()
            if name not in ControllerConfigBase.model_fields}
    known = market_maker.sections()
    nested: dict[str, Any] = {section: {} for section in known}
    for name, value in flat.items():
        nested[next(section for section, names in known.items() if name in names)][name] = value
    assert PerpMarketMakerConfig(id="x", **nested) == PerpMarketMakerConfig(id="x", **flat)
    assert set(known) == set(parameters.TITLES)
    for section, names in known.items():
        foreign = next(name for name in flat if name not in names)
        with pytest.raises(ValidationError, match=f"{section}.{foreign}: unknown key"):
            PerpMarketMakerConfig(id="x", **{section: {foreign: flat[foreign]}})


OPTIONAL = {
    "exit_slice_base": 0.001, "maker_fee_bps": -0.5, "taker_fee_bps": 4, "max_live_age_s": 60, "min_distance_bps": 1,
    "fee_buffer_bps": 0.5, "pinning_enter_frac": 0.5, "volatile_mode": "simple", "max_spacing_bps": 25,
    "layer_notional_quote": 200, "layer_equity_frac": 0.02, "max_order_size_base": 0.04, "shrink_from_bps": 2,
    "shrink_until_bps": 5, "max_open_orders": 20, "max_open_orders_account": 40, "max_net_quote": 5000,
    "max_net_account_quote": 6000, "max_resting_quote": 2000, "max_side_resting_quote": 1000,
    "side_notional_cap_quote": 900, "low_balance_quote": 1000, "liquidation_distance_stop_frac": 0.1,
    "liquidation_distance_shrink_frac": 0.2, "margin_ratio_stop": 1.5, "margin_ratio_shrink": 3,
    "min_available_quote": 0, "daily_orders": 5000, "daily_turnover_quote": 100000,
    "daily_added_base": 5, "stop_loss_bps": 50, "take_profit_bps": 30, "time_limit_s": 600,
    "trailing_activation_bps": 20, "trailing_delta_bps": 5,
    "points_distance_bps": 25, "leader_connector": "binance_perpetual", "leader_trading_pair": "BTC-USDT",
}  # fmt: skip
"""A legal value of everything that is off while it is None."""


def test_what_is_off_can_be_set_as_yaml_and_hbot_create_give_it() -> None:
    """A number, a quoted number and null mean the same in a file; text is what `hbot create --set` gives."""
    off = {name for name, field in PerpMarketMakerConfig.model_fields.items()
           if field.default is None and name not in ControllerConfigBase.model_fields}
    assert off == set(OPTIONAL)
    config = PerpMarketMakerConfig(id="x", **yaml.safe_load(yaml.safe_dump(OPTIONAL)))
    assert PerpMarketMakerConfig(id="x", **{name: str(value) for name, value in OPTIONAL.items()}) == config
    for name, value in OPTIONAL.items():
        taken = getattr(config, name)
        assert (taken if isinstance(taken, str) else float(taken)) == value
        assert getattr(PerpMarketMakerConfig(id="x", **{name: None}), name) is None
    assert PerpMarketMakerConfig(**yaml.safe_load(yaml.safe_dump(config.model_dump(mode="json")))) == config


def test_hbot_create_makes_a_file_that_loads() -> None:
    """What Hummingbot's own template writes for this controller can be written as YAML and read again."""
    from hummingbot.cli.strategy_configs import template_config_data

    names = {"controller_name": "perp_market_maker", "controller_type": "market_making"}
    data, _ = template_config_data(PerpMarketMakerConfig, names)
    read = yaml.safe_load(yaml.safe_dump({**data, "id": "made"}))
    asked = {name: PerpMarketMakerConfig.model_fields[name].default for name, value in read.items() if value is None}
    assert PerpMarketMakerConfig(**{**read, **asked}).params() == PerpMarketMakerConfig(id="made").params()


def test_d18_an_own_pricer_is_named_by_its_path_with_its_numbers() -> None:
    """It is loaded and tried when the file is read; its numbers reach it by name."""
    own = {"mode": "tests.support.own_pricer:leaning", "own_params": {"distance_bps": 7, "lean_frac": 0.25}}
    params = PerpMarketMakerConfig(id="x", **own).params()
    assert params.pricing.mode == own["mode"] and params.pricing.own("lean_frac", 0.0) == 0.25
    for own_params in ({"distance_bps": "far"}, {"distance_bps": float("inf")}, ["distance_bps"]):
        with pytest.raises(ValidationError, match="own_params"):
            PerpMarketMakerConfig(id="x", own_params=own_params)


def test_all_mistakes_are_named_at_once() -> None:
    """Nothing is lost: broken rules of several sections stand in one message."""
    with pytest.raises(ValidationError) as caught:
        PerpMarketMakerConfig(
            id="x", cancel_distance_bps=7, volatility_calm_s=9, margin_ratio_shrink=2, momentum_threshold_frac=0.002)
    for field in ("cancel_distance_bps", "volatility_calm_s", "margin_ratio_shrink", "momentum_threshold_frac"):
        assert f"{field}: " in str(caught.value)


@pytest.mark.parametrize(("changes", "trap"), [
    ({"anchor": "mid"}, "T10"),
    ({"mode": "rebate"}, "T28"),
    ({"mode": "rebate", "cancel_distance_bps": 0, "queue_position_limit": 3}, "T28"),
    ({"mode": "avellaneda", "sigma_on": True, "avellaneda_inventory_bps": 10}, "T33"),
    ({"hard_stop_recovery": "wait"}, "T5"),
    ({"layer_count": 24}, "T32"),
    ({"points_distance_bps": 25, "points_size_frac": 15}, "T32"),
])  # fmt: skip
def test_what_is_allowed_and_costs_is_named(changes: dict[str, Any], trap: str) -> None:
    """The file is taken; the trap is a warning of its own, and the defaults have none."""
    assert [each.trap for each in findings.warnings(PerpMarketMakerConfig(id="x", **changes).params())] == [trap]
    assert findings.warnings(PerpMarketMakerConfig(id="x").params()) == []


def test_a_cap_that_cuts_is_named_before_it_trades() -> None:
    """Two orders of 0.002 a side at 100,000 are worth 400."""
    rules = MarketRules(Decimal("0.01"), Decimal("0.0001"), Decimal("0.0001"), None, Decimal(10))
    said = {}
    for cap in (9, 300, 500):
        config = PerpMarketMakerConfig(id="x", layer_count=2, order_size_base="0.002", side_notional_cap_quote=cap)
        said[cap] = [(found.trap, found.field, found.text) for found in findings.market_findings(
            config.params(), config.gate_params(), 1, Decimal(100_000), rules, Decimal(10_000))]
    assert [trap[:2] for trap in said[9] + said[300]] == [("T32", "side_notional_cap_quote")] * 2
    assert "nothing is quoted" in said[9][0][2] and "the deepest never rest" in said[300][0][2] and said[500] == []


def test_an_order_for_points_that_could_not_rest_is_named() -> None:
    """Too small for the venue; or with margin for the mode alone."""
    rules = MarketRules(Decimal("0.01"), Decimal("0.0001"), Decimal("0.001"), None, Decimal(10))

    def said(frac: float, free: int) -> list[tuple[str, str]]:
        config = PerpMarketMakerConfig(id="x", points_distance_bps=25, points_size_frac=frac)
        return [(found.trap, found.field) for found in findings.market_findings(
            config.params(), config.gate_params(), 1, Decimal(100_000), rules, Decimal(free))]

    assert said(1.0, 10_000) == []
    assert said(0.4, 10_000) == [("T27", "points_size_frac")]
    assert said(1.0, 300) == [("T26", "order_size_base")]


def test_a_gate_that_does_not_bear_the_order_for_points_is_refused() -> None:
    """Two of the mode and two for points are four."""
    with pytest.raises(ValidationError, match="4 orders are wanted"):
        PerpMarketMakerConfig(id="x", points_distance_bps=25, max_open_orders=3)
