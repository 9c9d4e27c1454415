"""What an emulator is started with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from hummingbot_extensions.core.programs import ProgramRules
from hummingbot_extensions.sim.latency import NS_PER_MS, ConstantLatency, Delays, recorded_like, recorded_stream_like
from hummingbot_extensions.sim.mark import MarkRule
from hummingbot_extensions.sim.market import MarketSource
from hummingbot_extensions.sim.venue import VenueParams


class CannotServe(Exception):
    """The emulator cannot start; the text is one line with the fix."""


@dataclass(frozen=True, slots=True)
class EmulatorConfig:
    """One StandX emulator. Delays are milliseconds of venue time; wall time where said so."""

    market: str = "synthetic"
    """``synthetic``, or the folder of a recorded tape."""
    symbol: str = "BTC-USD"
    seed: int = 1
    port: int = 0
    """0 takes any free port."""
    speed: float = 1.0
    """Seconds of venue time per second of wall time."""
    manual: bool = False
    """Time moves only through the control API, venue time is shown as it is, and equal runs give equal bytes."""
    tape_start: str | None = None
    """ISO time in the tape at which to begin; None: at its first frame."""
    tape_minutes: float | None = None
    order_delay_ms: float = 50.0
    """From acceptance at the gateway to execution in the market."""
    cancel_delay_ms: float = 50.0
    feed_delay_ms: float = 0.0
    """Added to every frame that leaves on a WebSocket."""
    sampled_delays: bool = False
    """Draw all three delays from the quantiles of 73 recorded hours instead, by seed."""
    recorded_delays: bool = False
    """Frames are as late as the tape's own were, instead of ``feed_delay_ms``; orders and cancels keep theirs."""
    queue_model: str = "risk_averse"
    """How our orders wait on a tape: a name of ``sim.queue_models.QUEUE_MODELS``."""
    balance: Decimal = Decimal(10_000)
    """Of ``demo`` and of each wallet at its first login."""
    cash: Decimal = Decimal(1_000)
    """In the cash wallet of each account, from which transfer_to_perps moves."""
    rate_limits: bool = True
    max_sockets: int = 10
    max_new_sockets_per_minute: int = 30
    two_frames: bool = True
    """ws-api answers a command with accepted and terminal frame; False: terminal only, as in early 2026."""
    shuffle_private: bool = True
    """Frames of one event leave in random order between the private channels."""
    shuffle_levels: bool = False
    full_trade_frames: bool = False
    """Own trade frames carry fee, value and pnl as in REST."""
    flat_position_rows: bool = False
    """query_positions lists a flat position with qty 0 instead of leaving it out."""
    query_order_lag_ms: float = 0.0
    """query_order answers 404 for this long after an order began to exist."""
    stale_open_orders_ms: float = 0.0
    """query_open_orders goes on listing a cancelled order for this long."""
    refuse_repeated_request_ids: bool = False
    max_connection_s: float = 86_400.0
    """Venue time after which a WebSocket is closed."""
    ping_every_s: float = 10.0
    """Wall time, as the next one."""
    pong_timeout_s: float = 300.0
    token_lifetime_s: int = 30 * 86_400
    """Of the web token of ``demo``, wall time."""
    programs: Sequence[ProgramRules] = ()
    """Reward programs that accounts are scored by; the first that pays Maker Hours answers /api/maker/uptime."""
    faults: Sequence[Mapping[str, Any]] = ()
    """Faults that are on from the start, as the control API takes them."""
    markets: Mapping[str, MarketSource] | None = None
    """Ready markets by symbol, instead of ``market``: for tests and for a feed inside the process."""
    mark_rules: Mapping[str, MarkRule] | None = None
    """With ``markets``: symbols whose mark is not the median of three."""
    venue: VenueParams | None = None
    """With ``markets``: other beats than the venue's own."""
    state: Path | None = None
    """File in which accounts, orders and the market survive a restart."""
    show_every_frame: bool = False
    """With ``markets``: send each frame that the market delivers, not a 250 ms beat."""

    def delays(self) -> Delays:
        """The three ways as models: constant, or sampled."""
        if self.sampled_delays:
            return Delays(recorded_stream_like(self.seed), recorded_like(self.seed + 1), recorded_like(self.seed + 2))
        ways = (self.feed_delay_ms, self.order_delay_ms, self.cancel_delay_ms)
        return Delays(*(ConstantLatency(int(way_ms * NS_PER_MS)) for way_ms in ways))
