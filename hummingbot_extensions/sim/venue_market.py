"""One market inside the venue: its source, mark, funding, logs, trading halts, and the lattice it takes orders on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from hummingbot_extensions.core.rounding import from_units
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.funding import HOUR_NS
from hummingbot_extensions.sim.gateway import Lattice
from hummingbot_extensions.sim.mark import FundingModel, MarkModel, MarkRule, impact_price, premium_frac
from hummingbot_extensions.sim.market import Fill, MarketEvent, MarketSource, MarketSpec, Placement
from hummingbot_extensions.sim.order_log import AliveLog, MarkLog


@dataclass(slots=True)
class VenueMarket:
    """A source in venue time. While halted the source stands still; afterwards it runs late by the halt's length."""

    source: MarketSource
    mark: MarkModel
    lattice: Lattice
    funding: FundingModel = field(default_factory=FundingModel)
    marks: MarkLog = field(default_factory=MarkLog)
    alive: AliveLog = field(default_factory=AliveLog)
    book_changed_ns: int | None = None
    late_ns: int = 0
    """Venue time less the source's time."""
    is_halted: bool = False

    @property
    def spec(self) -> MarketSpec:
        return self.source.spec

    @property
    def is_mid(self) -> bool:
        return self.mark.rule is MarkRule.MID

    @property
    def mark_ticks(self) -> int | None:
        return self.marks.ticks[-1] if self.marks.ticks else None

    @property
    def mark_price(self) -> Decimal | None:
        """Mark, or the last price before there is one."""
        ticks = self.mark_ticks
        if ticks is None:
            ticks = self.source.last_ticks()
        return from_units(ticks, self.spec.price_decimals) if ticks is not None else None

    @property
    def index_ticks(self) -> float | None:
        index = self.source.index()
        return index * 10**self.spec.price_decimals if index is not None else None

    # Time

    def advance(self, now_ns: int) -> list[MarketEvent]:
        """What the source reports up to now, in venue time. Halted, it hands over only what is left from before."""
        events = self.source.advance(self.source.now_ns if self.is_halted else now_ns - self.late_ns)
        if not self.late_ns:
            return events
        return [replace(event, ts_ns=event.ts_ns + self.late_ns) for event in events]

    def place(self, order_id: int, side: Side, price_ticks: int | None, lots: int, tif: TimeInForce) -> Placement:
        """Give an order to the source; its fills carry venue time."""
        placement = self.source.place(order_id, side, price_ticks, lots, tif)
        if not self.late_ns:
            return placement
        fills: tuple[Fill, ...] = tuple(replace(fill, ts_ns=fill.ts_ns + self.late_ns) for fill in placement.fills)
        return replace(placement, fills=fills)

    def halt(self) -> None:
        self.is_halted = True

    def resume(self, now_ns: int) -> None:
        self.is_halted = False
        self.late_ns = now_ns - self.source.now_ns

    # Prices

    def update_mark(self, now_ns: int, next_funding_ns: int) -> bool:
        """Note a new mark; whether it moved. A mid changes only with a book frame and takes the frame's own time."""
        at_ns = self.book_changed_ns if self.is_mid and self.marks.ticks else now_ns
        if at_ns is None or self.is_halted:
            return False
        ticks = self.mark.mark_ticks(
            now_ns,
            self.source.touch(),
            self.source.last_ticks(),
            self.index_ticks,
            float(self.funding.rate()),
            (next_funding_ns - now_ns) / HOUR_NS,
        )
        return ticks is not None and self.marks.add(at_ns, ticks)

    def sample_premium(self, depth: int) -> None:
        """Add one sample of the premium index to the running hour; none while halted or without an index."""
        index, spec = self.index_ticks, self.spec
        if index is None or self.is_halted:
            return
        bids, asks = self.source.book(depth)
        units = (10.0**-spec.price_decimals, 10.0**-spec.size_decimals)
        notional = self.funding.impact_notional
        bid, ask = impact_price(bids, notional, *units), impact_price(asks, notional, *units)
        self.funding.sample(premium_frac(bid, ask, index))


def new_market(source: MarketSource, rule: MarkRule) -> VenueMarket:
    """A market as it opens, on its spec's own lattice."""
    lattice = Lattice(source.spec.price_decimals, source.spec.size_decimals)
    return VenueMarket(source, MarkModel(rule), lattice)
