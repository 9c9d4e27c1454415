"""Market maker for perpetuals whose programs pay for time in a band around mark: one quote a side, post-only."""

from __future__ import annotations

import difflib
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import MarketDict, PositionMode
from hummingbot.strategy_v2.controllers import controller_base
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction
from hummingbot.strategy_v2.utils.common import parse_enum_value
from pydantic import ConfigDict, Field, field_validator, model_validator

from hummingbot_extensions.core.breaker_state import Level
from hummingbot_extensions.core.params import HardStopRecovery, QuoteParams
from hummingbot_extensions.core.startup import StartupParams, StartupPolicy
from hummingbot_extensions.execution import desk


def _field(default: Any, description: str, prompt: str | None = None, is_updatable: bool = True, **bounds: Any) -> Any:
    extra = {"prompt": prompt or f"{description} ", "prompt_on_new": prompt is not None, "is_updatable": is_updatable}
    return Field(default, description=description, json_schema_extra=extra, **bounds)


LIMITS = (
    "order_size_base", "resume_limit_base", "soft_limit_base", "hard_stop_base", "net_max_base", "worst_case_frac",
)


class PerpMarketMakerConfig(controller_base.ControllerConfigBase):
    """Configuration of one market. Distances in bps of the mark, sizes in base units of the market's coin."""

    model_config = ConfigDict(validate_default=True, arbitrary_types_allowed=True)

    controller_name: str = "perp_market_maker"
    controller_type: str = "market_making"
    connector_name: str = _field(
        "standx_perpetual", "Connector to quote on.", "Connector (standx_perpetual): ", is_updatable=False)
    trading_pair: str = _field("BTC-DUSD", "Trading pair.", "Trading pair (BTC-DUSD): ", is_updatable=False)
    armed: bool = _field(
        False, "Orders leave for a live venue only when true; emulator and paper domains ignore it.",
        "Send real orders? (true/false): ", is_updatable=False)
    leverage: int = _field(1, "Account leverage for this market; 1 means none.", is_updatable=False, ge=1, le=10)
    position_mode: PositionMode = _field("ONEWAY", "Position mode; only ONEWAY is supported.", is_updatable=False)

    order_size_base: Decimal = _field(
        Decimal("0.002"), "Size of each quote, base units.", "Size of each quote in base units: ", gt=0)
    order_distance_bps: float = _field(
        6.0, "Distance of a new quote from mark, bps.", "Distance from mark in bps: ", gt=0, le=500)
    cancel_distance_bps: float = _field(
        2.0, "A quote nearer to mark than this is cancelled at once, bps.", ge=0, le=500)
    rebalance_distance_bps: float = _field(
        9.0, "A quote farther from mark than this is replaced, bps.", gt=0, le=500)
    band_bps: float = _field(10.0, "Half-width of the paying band around mark, bps.", gt=0, le=500)
    band_margin_bps: float = _field(0.5, "Quotes stay this far inside the band's edge, bps.", ge=0, le=100)

    resume_limit_base: Decimal = _field(
        Decimal("0.006"), "A hard stop ends under this absolute position, base units.", gt=0)
    soft_limit_base: Decimal = _field(
        Decimal("0.01"), "From this absolute position on only the reducing side is quoted, base units.",
        "Soft position limit in base units: ", gt=0)
    hard_stop_base: Decimal = _field(
        Decimal("0.02"), "At this absolute position everything is cancelled, base units.",
        "Hard stop in base units: ", gt=0)
    net_max_base: Decimal = _field(
        Decimal("0.05"), "Absolute position cap, base units.", "Absolute position cap in base units: ", gt=0)
    worst_case_frac: Decimal = _field(
        Decimal("0.5"), "Part of the cap that all orders together may reach if every one filled.", gt=0, le=1)
    hard_stop_cooldown_s: float = _field(30.0, "A hard stop lasts at least this long, seconds.", ge=0, le=86_400)
    hard_stop_recovery: HardStopRecovery = _field(
        # The plain word: `hbot create` writes defaults to YAML as they stand and cannot write an enum's member.
        "maker", "After a hard stop: maker (reduce-only quotes) or wait (for a person).")

    startup_policy: StartupPolicy = _field(
        # The plain word, as above.
        "adopt", "A position at the start that the bot's own record does not explain: adopt, flatten or refuse.")
    flatten_slippage_bps: float = _field(
        20.0, "Closing orders of startup_policy flatten trade no farther from mark than this, bps.", gt=0, le=500)

    stale_book_ms: float = _field(2000.0, "Quotes are pulled when the book is older, ms.", gt=0, le=60_000)
    stale_mark_ms: float = _field(10_000.0, "Quotes are pulled when the mark is older, ms.", gt=0, le=120_000)
    stale_private_ms: float = _field(
        30_000.0, "Quotes are pulled when the account stream showed no life for longer, ms.", gt=0, le=300_000)
    max_mark_mid_divergence_bps: float = _field(
        50.0, "Quotes are pulled when mark and mid are farther apart, bps.", gt=0, le=1000)
    min_dwell_ms: float = _field(3000.0, "A quote is not replaced younger than this, risk apart, ms.", ge=0, le=60_000)
    side_throttle_ms: float = _field(500.0, "Least time between two placements on a side, ms.", ge=0, le=60_000)
    cancel_retry_ms: float = _field(3000.0, "An unanswered cancel is sent again after this, ms.", ge=500, le=60_000)
    cancel_budget_per_min: int = _field(10, "Most cancels a minute that are not for risk.", ge=1, le=600)
    basis_halflife_s: float = _field(
        15.0, "Half-life of the average mark-to-mid basis, seconds.", gt=0, le=3600)

    breaker_level: Level = _field(
        # The plain word, as above.
        "normal", "Level held by hand: normal, degraded, pause, cancel_only or stop; breakers may be stricter.")
    breaker_release: int = _field(0, "Change this number to end a stop that the breakers have set.", ge=0)
    reject_limit: int = _field(
        5, "So many rejections within reject_window_s pause quoting; post-only ones do not count.", ge=2, le=50)
    reject_window_s: float = _field(300.0, "Rejections are counted over this time, seconds.", gt=0, le=3600)
    reject_cooldown_s: float = _field(
        60.0, "First pause after too many rejections, seconds; doubles up to eightfold.", ge=5, le=3600)
    latency_degraded_ms: float = _field(
        1200.0, "Three orders in a row acknowledged later than this: fewer requests, ms.", gt=0, le=60_000)
    latency_pause_ms: float = _field(
        2000.0, "Three orders in a row acknowledged later than this: quotes are pulled, ms.", gt=0, le=60_000)
    throttle_limit: int = _field(3, "So many 429 answers within 10 s pull the quotes.", ge=1, le=50)
    venue_cooldown_s: float = _field(
        30.0, "First pause after slow answers or 429, seconds; doubles up to eightfold.", ge=5, le=3600)
    error_degraded_frac: float = _field(
        0.15, "Part of a minute's requests that must fail for fewer to be sent.", gt=0, le=1)
    failure_limit: int = _field(
        3, "So many failures in a row (unknown orders, unanswered cancels, foreign positions) lead to safe mode.",
        ge=2, le=50)
    stop_after_trips: int = _field(
        6, "So many pauses for rejections or failures within an hour stop quoting until a person looks.", ge=2, le=100)

    @model_validator(mode="before")
    @classmethod
    def refuse_unknown_keys(cls, values: Any) -> Any:
        """A misspelled key is an error that names the key meant."""
        for key in values if isinstance(values, dict) else ():
            if key not in cls.model_fields:
                near = difflib.get_close_matches(key, cls.model_fields, n=1)
                hint = f"did you mean {near[0]!r}?" if near else "remove it"
                raise ValueError(f"{key}: unknown key, {hint}")
        return values

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

    @model_validator(mode="after")
    def require_limits_when_armed(self) -> PerpMarketMakerConfig:
        """Real orders need limits that somebody wrote down; a cut file must not trade on defaults."""
        missing = [name for name in LIMITS if name not in self.model_fields_set]
        if self.armed and missing:
            raise ValueError(f"{', '.join(missing)}: must be in the file when armed is true, set them as in the preset")
        return self

    @model_validator(mode="after")
    def check_rules_between_fields(self) -> PerpMarketMakerConfig:
        problems = self.params().problems()
        if problems:
            raise ValueError("; ".join(f"{field}: {text}" for field, text in problems))
        return self

    def params(self) -> QuoteParams:
        """The frozen parameters that a decision takes."""
        return QuoteParams(**{name: getattr(self, name) for name in QuoteParams.__dataclass_fields__})

    def update_markets(self, markets: MarketDict) -> MarketDict:
        return markets.add_or_update(self.connector_name, self.trading_pair)


class PerpMarketMaker(controller_base.ControllerBase):
    """Hands the config to a desk, which quotes on events; Hummingbot's own one-second loop has nothing to decide."""

    def __init__(self, config: PerpMarketMakerConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.config: PerpMarketMakerConfig = config
        self.desk = desk.Desk(self)
        self._given = set(config.model_fields_set)

    def params(self) -> QuoteParams:
        return self.desk.params_of(self.config)

    def startup_params(self) -> StartupParams:
        return StartupParams(self.config.startup_policy, self.config.flatten_slippage_bps)

    def create_level(self, action: CreateExecutorAction) -> None:
        self.actions_queue.put_nowait([action])

    def start(self) -> None:
        super().start()
        self.desk.start()

    def stop(self) -> None:
        self.desk.stop()
        super().stop()

    def update_config(self, new_config: PerpMarketMakerConfig) -> None:
        """Take over what may change live. A file that lost a line is refused: its default must not replace a limit."""
        gone = self._given - new_config.model_fields_set
        if gone:
            raise ValueError(f"{', '.join(sorted(gone))}: gone from the file, put the line back")
        before = self.config
        super().update_config(new_config)
        self.desk.fixed_differ(self.config, new_config)
        self._given = set(new_config.model_fields_set)
        self.desk.config_changed(before, self.config)

    async def update_processed_data(self) -> None:
        """Nothing to prepare: views are taken at each decision."""

    def determine_executor_actions(self) -> list[ExecutorAction]:
        return []

    def to_format_status(self) -> list[str]:
        return self.desk.status_lines()

    def net_pnl_quote(self) -> float | None:
        """Result in quote units, which drawdown limits are held against; None while it is not known."""
        return self.desk.net_pnl_quote()

    def get_custom_info(self) -> dict[str, Any]:
        return self.desk.custom_info()
