"""The controller's configuration as Hummingbot and its dashboards see it: flat fields, made from the parameters' specs.

A file may write the fields flat or under the sections that docs/parameters.md shows; either way every field is checked
against its bounds, unknown keys are refused, and the rules between fields hold before anything is quoted.
"""

from __future__ import annotations

import difflib
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from hummingbot.core.data_type.common import MarketDict, PositionMode
from hummingbot.strategy_v2.controllers.controller_base import ControllerConfigBase
from hummingbot.strategy_v2.utils.common import parse_enum_value
from pydantic import ConfigDict, Field, create_model, field_validator, model_validator
from pydantic.fields import FieldInfo

from hummingbot_extensions.core import spec
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.startup import StartupParams
from hummingbot_extensions.execution import desk, findings
from hummingbot_extensions.execution.position_mode import Barriers

PARAMETERS = (QuoteParams, StartupParams, GateParams, Barriers)
RECOMMENDED: dict[str, Any] = {"cancel_distance_bps": 4.0, "skew_linear_on": True, "volatility_on": True}
"""Defaults of the configuration that differ from the core's, where what is optional is off: what docs/quoting-study.md
found for StandX's uptime program."""
MARKET = "symbols"
"""Section of the fields that say what is quoted, and with whose money."""
LIMITS = (
    "order_size_base", "resume_limit_base", "soft_limit_base", "hard_stop_base", "net_max_base", "worst_case_frac",
)


class Execution(StrEnum):
    """What becomes of a quote that is wanted."""

    QUOTE = "quote"
    POSITION = "position"


def fixed(default: Any, text: str, prompt: str | None = None, **bounds: Any) -> Any:
    """A field that only a start reads."""
    extra = {"prompt": prompt or f"{text} ", "prompt_on_new": prompt is not None, "is_updatable": False,
             "section": MARKET}
    return Field(default, description=text, json_schema_extra=extra, **bounds)


def _field(one: spec.Spec) -> tuple[Any, FieldInfo]:
    # The plain word for an enum: `hbot create` writes defaults to YAML as they stand and cannot write its member.
    default = RECOMMENDED.get(one.name, one.default)
    default = default.value if isinstance(default, Enum) else default
    extra = {
        "prompt": one.prompt or f"{one.text} ", "prompt_on_new": bool(one.prompt), "is_updatable": True,
        "section": one.group}
    return one.type, Field(default, description=one.text, json_schema_extra=extra, **one.bounds)


def sections() -> dict[str, set[str]]:
    """Names of the fields that may stand under each section of a file."""
    found: dict[str, set[str]] = {MARKET: set(_Market.__annotations__) - {"model_config"}}
    for kind in PARAMETERS:
        for one in spec.specs(kind):
            found.setdefault(one.group, set()).add(one.name)
    return found


def flattened(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` with the fields of every section moved to the top; ValueError for a field that is not of its section
    or stands twice.
    """
    flat: dict[str, Any] = {}
    known = sections()
    for key, value in values.items():
        inner = {key: value}
        if key in known and isinstance(value, dict):
            for name in value:
                if name not in known[key]:
                    raise ValueError(f"{key}.{name}: unknown key, {_hint(name, known[key])}")
            inner = value
        for name, item in inner.items():
            if name in flat:
                raise ValueError(f"{name}: stands twice, remove one")
            flat[name] = item
    return flat


def _hint(key: str, names: Any) -> str:
    near = difflib.get_close_matches(key, names, n=1)
    return f"did you mean {near[0]!r}?" if near else "remove it"


class _Market(ControllerConfigBase):
    """What belongs to the market and the bot rather than to a decision."""

    model_config = ConfigDict(validate_default=True, arbitrary_types_allowed=True, allow_inf_nan=False)

    connector_name: str = fixed(
        "standx_perpetual", "Connector to quote on.", "Connector (standx_perpetual): ")
    trading_pair: str = fixed("BTC-DUSD", "Trading pair.", "Trading pair (BTC-DUSD): ")
    armed: bool = fixed(
        False, "Orders leave for a live venue only when true; emulator and paper domains ignore it.",
        "Send real orders? (true/false): ")
    leverage: int = fixed(1, "Account leverage for this market; 1 means none.", ge=1, le=10)
    execution: Execution = fixed(
        "quote", "quote: long-lived quotes, woken by events; position: a position executor with barriers per quote.")
    leader_connector: str | None = fixed(
        None, "Connector of another venue whose price skew_leader_on and anchor external follow; left out: none.")
    leader_trading_pair: str | None = fixed(None, "Its trading pair there; left out: none.")
    position_mode: PositionMode = fixed("ONEWAY", "Position mode; only ONEWAY is supported.")

    @model_validator(mode="before")
    @classmethod
    def refuse_unknown_keys(cls, values: Any) -> Any:
        """Sections are opened; a misspelled key is an error that names the key meant."""
        if not isinstance(values, dict):
            return values
        flat = flattened(values)
        for key in flat:
            if key not in cls.model_fields:
                raise ValueError(f"{key}: unknown key, {_hint(key, [*cls.model_fields, *sections()])}")
        return flat

    @field_validator("position_mode", mode="before")
    @classmethod
    def parse_position_mode(cls, value: Any) -> PositionMode:
        mode = parse_enum_value(PositionMode, value, "position_mode")
        if mode is not PositionMode.ONEWAY:
            raise ValueError("position_mode: only ONEWAY is supported, set it to ONEWAY")
        return mode

    @field_validator("id")
    @classmethod
    def require_id(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("id: must not be empty, use the file name without .yml")
        # State and event log are named after it.
        if len(value) > 100 or value.startswith(".") or not value.isprintable() or {"/", "\\"} & set(value):
            raise ValueError(
                f"id: {value[:40]!r} cannot name a folder; use up to 100 letters, digits, - and _, or the file name "
                "without .yml")
        return value

    @field_validator("connector_name")
    @classmethod
    def refuse_spot_paper(cls, value: str) -> str:
        return desk.checked_connector_name(value)

    @field_validator("leader_connector", "leader_trading_pair", mode="before")
    @classmethod
    def parse_nothing(cls, value: Any) -> Any:
        """An empty text is what `hbot create` gives for nothing."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("leader_trading_pair")
    @classmethod
    def require_pair(cls, value: str | None) -> str | None:
        if value is not None and (len(value.split("-")) != 2 or not all(value.split("-"))):
            raise ValueError(f"leader_trading_pair: {value!r} is no pair, write it as BASE-QUOTE")
        return value

    @model_validator(mode="after")
    def require_limits_when_armed(self) -> _Market:
        """Real orders need limits that somebody wrote down; a cut file must not trade on defaults."""
        missing = [name for name in LIMITS if name not in self.model_fields_set]
        if self.armed and missing:
            raise ValueError(f"{', '.join(missing)}: must be in the file when armed is true, set them as in the preset")
        return self

    @model_validator(mode="after")
    def check_rules_between_fields(self) -> _Market:
        problems = findings.refusals(self.params(), self.gate_params(), self.leverage)
        if self.execution is Execution.POSITION:
            problems = [*problems, *self.barriers().problems(), *findings.unsimulated(self.gate_params())]
            if self.params().pricing.points_distance_bps is not None:
                text = "needs execution: quote, whose orders rest as long as they should. Leave it out"
                problems.append(("points_distance_bps", text))
            if self.params().market_guard.is_on:
                text = "needs execution: quote: take profits that rest would pass for orders of others. Set it to off"
                problems.append(("guard_action", text))
        problems = [*problems, *self._leader_problems()]
        if problems:
            raise ValueError("; ".join(f"{field}: {text}" for field, text in problems))
        return self

    def _leader_problems(self) -> list[tuple[str, str]]:
        """What is wrong with the leader: half named, this market itself, or asked for and not named."""
        params = self.params()
        leader = self.leader_connector, self.leader_trading_pair
        if (leader[0] is None) != (leader[1] is None):
            field = "leader_connector" if leader[0] is None else "leader_trading_pair"
            return [(field, "is left out and the other is not. Set both or neither")]
        if leader == (self.connector_name, self.trading_pair):
            return [("leader_trading_pair", "is the market that is quoted. Name another market, or leave both out")]
        if not params.needs_leader:
            return []
        field, what = ("skew_leader_on", "") if params.skew.skew_leader_on else ("anchor", "external ")
        if self.execution is Execution.POSITION:
            return [(field, f"{what}needs execution: quote, since a backtest knows no other market. Turn it off")]
        if leader[0] is None:
            return [(field, f"{what}needs another venue's price. Set leader_connector and leader_trading_pair")]
        return []

    def params(self) -> QuoteParams:
        """The frozen parameters that a decision takes."""
        return spec.built(QuoteParams, self)

    def startup_params(self) -> StartupParams:
        return spec.built(StartupParams, self)

    @property
    def position_cap_base(self) -> Decimal:
        """The cap that the gate holds, whatever pricing and worst case come to."""
        return self.params().net_max_base

    def gate_params(self) -> GateParams:
        return spec.built(GateParams, self)

    def barriers(self) -> Barriers:
        return spec.built(Barriers, self)

    def update_markets(self, markets: MarketDict) -> MarketDict:
        markets = markets.add_or_update(self.connector_name, self.trading_pair)
        if self.leader_connector == self.connector_name and self.leader_trading_pair is not None:
            # The connector subscribes to it with its own market; a leader elsewhere is read without keys.
            markets = markets.add_or_update(self.connector_name, self.leader_trading_pair)
        return markets


MarketMakerConfig: Any = create_model(
    "MarketMakerConfig", __base__=_Market, __module__=__name__,
    **{one.name: _field(one) for kind in PARAMETERS for one in spec.specs(kind)})
"""The market's fields and every parameter; sizes in base units of the market's coin, distances in bps of the mark."""

