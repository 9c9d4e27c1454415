"""What a run was worth: exact time in band from the venue's own log, and where the rest of it went."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hummingbot_extensions.core.uptime import DepthStep, InBand, band_depth, in_band_of
from hummingbot_extensions.sim.order_log import RestingRow
from hummingbot_extensions.sim.program_record import market_record
from hummingbot_extensions.sim.statistics import NS_PER_S
from hummingbot_extensions.sim.venue import Venue
from hummingbot_extensions.sim.venue_values import Trade
from tests.bench.in_band.line import SYMBOL, USER, CancelRequest, Line

BAND_BPS = 10.0
WARM_UP_NS = 10 * NS_PER_S
"""Start of each run that is not scored: a bot that quotes all day does not start every hour."""
MARKOUT_NS = 30 * NS_PER_S
"""Fills are judged by the mark this long after them; those too near the end of a run are left out."""


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one run, or the sum of several. Times in nanoseconds, money in the quote asset.

    ``losses_ns`` says why time was not two-sided: ``drifted`` while an order rested outside the band, else how the
    side's last order ended. Where both sides lacked, each reason has half. The reasons add up to the loss.
    """

    two_sided_ns: int = 0
    alive_ns: int = 0
    span_ns: int = 0
    cancels: int = 0
    risk_cancels: int = 0
    fills: int = 0
    pnl_quote: float = 0.0
    markout_bps: float = 0.0
    """Sum over the fills of what each gained in 30 s against the mark, before fees."""
    losses_ns: Mapping[str, float] = field(default_factory=dict)
    cancels_by_reason: Mapping[str, int] = field(default_factory=dict)

    @property
    def in_band(self) -> float:
        """Share of the time the feed was alive."""
        return self.two_sided_ns / self.alive_ns

    @property
    def strict(self) -> float:
        """Share of all time, unknown time not earned."""
        return self.two_sided_ns / self.span_ns

    @property
    def cancels_per_min(self) -> float:
        return self.cancels / (self.span_ns / (60 * NS_PER_S))

    @property
    def risk_cancels_per_min(self) -> float:
        return self.risk_cancels / (self.span_ns / (60 * NS_PER_S))

    @property
    def fills_per_hour(self) -> float:
        return self.fills / (self.span_ns / (3600 * NS_PER_S))

    @property
    def markout_per_fill(self) -> float | None:
        """Mean gain of a fill in 30 s in bps, before fees; None without any."""
        return self.markout_bps / self.fills if self.fills else None

    @property
    def pnl_per_hour(self) -> float:
        return self.pnl_quote / (self.span_ns / (3600 * NS_PER_S))


def total(scores: Iterable[Score]) -> Score:
    """Sums over several runs."""
    parts = list(scores)
    losses: Counter[str] = Counter()
    cancels: Counter[str] = Counter()
    for part in parts:
        losses.update(part.losses_ns)  # type: ignore[arg-type]
        cancels.update(part.cancels_by_reason)
    return Score(
        *(sum(getattr(part, name) for part in parts) for name in (
            "two_sided_ns", "alive_ns", "span_ns", "cancels", "risk_cancels", "fills", "pnl_quote", "markout_bps")),
        losses_ns=losses, cancels_by_reason=cancels)


def scored(line: Line, ended: Mapping[str, str], start_ns: int, end_ns: int, start_equity: float) -> Score:
    """Score of a run over [start, end); ``ended`` is how the bot's orders ended, by client id."""
    venue = line.venue
    record = market_record(venue, USER, SYMBOL, start_ns, end_ns)
    steps = band_depth(record.quotes, record.marks, record.alive, start_ns, end_ns, BAND_BPS)
    found: InBand = in_band_of(steps, start_ns, end_ns)
    sent = [request for at_ns, request in line.cancels if start_ns <= at_ns < end_ns and not request.is_retry]
    losses = _losses(venue, steps, ended)
    missing = found.alive_ns - found.two_sided_ns
    if abs(sum(losses.values()) - missing) > 1.0:
        raise AssertionError(f"reasons add up to {sum(losses.values())} ns of {missing} ns lost")
    trades = [trade for trade in venue.accounts[USER].trades if start_ns <= trade.ts_ns < end_ns - MARKOUT_NS]
    return Score(
        found.two_sided_ns, found.alive_ns, found.span_ns,
        sum(not request.is_risk for request in sent), sum(request.is_risk for request in sent),
        len(trades), float(venue.balance(USER).equity) - start_equity,
        sum(_markout_bps(venue, trade) for trade in trades),
        losses, Counter(_label(request) for request in sent))


def _markout_bps(venue: Venue, trade: Trade) -> float:
    """Gain of a fill in bps by the mark that stands ``MARKOUT_NS`` later."""
    log, price = venue.marks(SYMBOL), float(trade.price)
    at = bisect_right(log.times_ns, trade.ts_ns + MARKOUT_NS) - 1
    mark = log.ticks[at] * 10.0**-venue.specs[SYMBOL].price_decimals
    return (mark / price - 1.0) * 1e4 * trade.side.sign


def _label(request: CancelRequest) -> str:
    return f"{request.reason}{' (risk)' if request.is_risk else ''}"


def _losses(venue: Venue, steps: Sequence[DepthStep], ended: Mapping[str, str]) -> Counter[str]:
    account = venue.accounts[USER]
    sides = {is_bid: [row for row in account.log.rows if row.is_bid is is_bid] for is_bid in (True, False)}
    starts = {is_bid: [row.start_ns for row in rows] for is_bid, rows in sides.items()}
    losses: Counter[str] = Counter()
    for step in steps:
        lacking = [is_bid for is_bid, size in ((True, step.bid_base), (False, step.ask_base)) if not size]
        if not step.is_known or not lacking:
            continue
        for is_bid in lacking:
            # Rests change nothing within a step, except among orders outside the band.
            for from_ns, to_ns in _pieces(step, sides[is_bid]):
                seen = sides[is_bid][: bisect_right(starts[is_bid], from_ns)]
                why = _why(venue, seen, from_ns, ended)
                losses[why] += (to_ns - from_ns) / len(lacking)  # type: ignore[assignment]
    return losses


def _pieces(step: DepthStep, rows: Sequence[RestingRow]) -> list[tuple[int, int]]:
    """The step cut where an order of the side began or ended."""
    inside = {step.start_ns, step.end_ns}
    for row in rows:
        inside.update(at for at in (row.start_ns, row.end_ns) if at is not None and step.start_ns < at < step.end_ns)
    edges = sorted(inside)
    return list(zip(edges[:-1], edges[1:], strict=True))


def _why(venue: Venue, seen: Sequence[RestingRow], at_ns: int, ended: Mapping[str, str]) -> str:
    if any(row.end_ns is None or row.end_ns > at_ns for row in seen[-8:]):
        return "drifted"
    if not seen:
        return "start"
    last = max(seen[-8:], key=lambda row: row.end_ns or 0)
    client_id = venue.accounts[USER].orders[last.order_id].client_id
    return ended.get(client_id, "venue")
