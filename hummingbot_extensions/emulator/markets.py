"""The markets that an emulator runs on: synthetic agents, a recorded tape, or ready ones from the config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.sim.agents import DEFAULT_AGENTS
from hummingbot_extensions.sim.display import shown_grid_ticks
from hummingbot_extensions.sim.latency import LatencyModel
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.market import MarketSource, MarketSpec
from hummingbot_extensions.sim.queue_models import queue_model
from hummingbot_extensions.sim.synthetic import SyntheticMarket
from hummingbot_extensions.sim.tape import Tape, TapeMarket
from hummingbot_extensions.sim.tape_files import TapeUnreadable
from hummingbot_extensions.sim.tape_folder import first_stamp_ns, load_tape, recorded_feed_delay

SYNTHETIC = "synthetic"
SYNTHETIC_START_NS = 1_767_657_600_000_000_000
"""2026-01-06T00:00:00Z, seen by clients only under manual time."""
AGENTS_PRICE = Decimal(93_760)
"""Price at which the agents' sizes were set; other markets get the same sizes in money."""


@dataclass(frozen=True, slots=True)
class Markets:
    """Markets by symbol, how their marks are made, and whether each of their frames is shown (a tape) or a beat."""

    markets: Mapping[str, MarketSource]
    mark_rules: Mapping[str, MarkRule]
    shows_every_frame: bool
    feed_delay: LatencyModel | None = None
    """How late the tape's own frames were, where the config asks for it."""


def _spec(
    base: str, price_decimals: int, size_decimals: int, grid_ticks: int, min_lots: int, max_leverage: int
) -> MarketSpec:
    """A market with BTC's published limits, which are all that is published."""
    lots = 10**size_decimals
    return MarketSpec(
        symbol=f"{base}-USD",
        base=base,
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        display_grid_ticks=grid_ticks,
        min_size_lots=min_lots,
        max_size_lots=100 * lots,
        max_position_lots=1_000 * lots,
        max_open_orders=100,
        maker_fee=Decimal("0.0001"),
        taker_fee=Decimal("0.0004"),
        max_leverage=max_leverage,
        default_leverage=10,
        price_cap_frac=Decimal("0.3"),
        price_floor_frac=Decimal("0.3"),
    )


SPECS = {
    spec.symbol: (spec, price)
    for spec, price in (
        (_spec("BTC", 2, 4, 100, 1, 40), AGENTS_PRICE),
        (_spec("ETH", 2, 3, 100, 1, 40), Decimal(3_200)),
        (_spec("HYPE", 3, 2, 10, 10, 20), Decimal("59.560")),
        (_spec("XAG", 2, 3, 1, 1, 20), Decimal("57.35")),
    )
}
"""Lattices as the protocol document knows them, with a start price for the synthetic market. Grids, the leverage of
ETH and XAG and all size limits but BTC's are assumptions."""


def build_markets(config: EmulatorConfig) -> Markets:
    """Markets as the config asks for them; CannotServe names what is missing."""
    if config.markets is not None:
        return Markets(config.markets, config.mark_rules or {}, config.show_every_frame)
    if config.symbol not in SPECS:
        raise CannotServe(f"--symbol {config.symbol}: must be one of {', '.join(SPECS)}")
    spec, price = SPECS[config.symbol]
    if config.recorded_delays and config.sampled_delays:
        raise CannotServe("--recorded-delays: does not go with --sampled-delays; choose one")
    if config.market == SYNTHETIC:
        if config.recorded_delays:
            raise CannotServe("--recorded-delays needs --market FOLDER with a recorded tape")
        if config.tape_start is not None or config.tape_minutes is not None:
            raise CannotServe("--tape-start and --minutes need --market FOLDER with a recorded tape")
        ticks = int(price.scaleb(spec.price_decimals))
        agents = replace(DEFAULT_AGENTS, size_factor=float(AGENTS_PRICE / price))
        synthetic = SyntheticMarket(spec, config.seed, SYNTHETIC_START_NS, ticks, agents)
        return Markets({spec.symbol: synthetic}, {}, False)
    tape, feed_delay = _load(config, spec)
    try:
        queue = queue_model(config.queue_model)
    except ValueError as error:
        raise CannotServe(f"--queue-model {config.queue_model}: {error}") from None
    taped = TapeMarket(tape, replace(spec, display_grid_ticks=shown_grid_ticks(tape)), queue=queue)
    return Markets({spec.symbol: taped}, {spec.symbol: MarkRule.MID}, True, feed_delay)


def _load(config: EmulatorConfig, spec: MarketSpec) -> tuple[Tape, LatencyModel | None]:
    """The tape of the window, and its own delays when asked for."""
    start_ns = _parsed_start(config.tape_start) if config.tape_start is not None else None
    try:
        end_ns = None
        if config.tape_minutes is not None:
            if start_ns is None:
                start_ns = first_stamp_ns(config.market, spec.symbol)
            end_ns = start_ns + int(config.tape_minutes * 60e9)
        tape = load_tape(Path(config.market), spec.symbol, spec, start_ns, end_ns).tape
        if not config.recorded_delays:
            return tape, None
        return tape, recorded_feed_delay(Path(config.market), spec.symbol, start_ns, end_ns)
    except TapeUnreadable as error:
        raise CannotServe(f"--market {config.market}: {error}") from None


def _parsed_start(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CannotServe(f"--tape-start {text}: not a time such as 2026-01-06T01:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000
