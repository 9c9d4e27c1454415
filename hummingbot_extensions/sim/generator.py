"""Tapes made by our own synthetic market, in the form in which a recorded one is read.

What the market does comes from its agents; what a collector makes of it (holes, delay, a book truncated to a grid that
locks it) are switches of the feed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import numpy as np

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.sim.agents import DEFAULT_AGENTS, AgentParams
from hummingbot_extensions.sim.latency import LatencyModel, arrivals_ns, recorded_stream_like
from hummingbot_extensions.sim.market import BookChanged, MarketSpec, Print
from hummingbot_extensions.sim.synthetic import SyntheticMarket
from hummingbot_extensions.sim.tape import BoolArray, Int64Array, Ladders, Tape

DEPTH = 20
"""Levels a side of a frame, as the recording has."""
NS_PER_S = 1_000_000_000
HOLE_SPREAD_FRAC = 0.04
PERIOD_SPREAD_FRAC = 0.01
"""Both around the middle; the recording's collector reconnected like a clock (5th to 95th percentile 6.3 to 7 s)."""


@dataclass(frozen=True, slots=True)
class FeedTraits:
    """What stands between a market and its tape.

    ``hole_every_s`` apart (begin to begin) nothing is received for ``hole_s``, neither frames nor prints; 0 is no
    holes. ``delay`` None receives at venue time. ``is_locked`` truncates the shown book to the market's display grid,
    which locks it about half of the time; off, the exact book is shown. ``has_bursts`` lets takers come in groups, up
    to some dozens of prints with one millisecond's stamp; off, each comes alone.
    """

    hole_every_s: float = 0.0
    hole_s: float = 6.7
    delay: LatencyModel | None = None
    is_locked: bool = True
    has_bursts: bool = True

    def __post_init__(self) -> None:
        if self.hole_every_s and not 0.0 < self.hole_s < self.hole_every_s / 2:
            raise ValueError(f"holes of {self.hole_s} s do not fit one every {self.hole_every_s} s")


CLEAN_FEED = FeedTraits()


def recorded_traits(seed: int) -> FeedTraits:
    """The feed as it was recorded: some 6.7 s between two frames every 36 s, late by 384 ms at the median."""
    return FeedTraits(hole_every_s=36.2, hole_s=6.5, delay=recorded_stream_like(seed))


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """A tape, and when each of its frames and prints was received."""

    tape: Tape
    frame_received_ns: Int64Array
    trade_received_ns: Int64Array


def generated_feed(
    spec: MarketSpec,
    seed: int,
    start_ns: int,
    duration_ns: int,
    start_price_ticks: int,
    params: AgentParams = DEFAULT_AGENTS,
    traits: FeedTraits = CLEAN_FEED,
) -> Feed:
    """What a collector would have recorded of a synthetic market. Same arguments, same bytes.

    The first frame stands at ``start_ns``. Taker sides are the true ones.
    """
    if not traits.is_locked:
        spec = replace(spec, display_grid_ticks=1)
    if not traits.has_bursts:
        params = replace(params, taker_burst_max=1)
    return received(
        recorded_tape(SyntheticMarket(spec, seed, start_ns, start_price_ticks, params), duration_ns), seed, traits
    )


def received(tape: Tape, seed: int, traits: FeedTraits) -> Feed:
    """The tape as it comes through holes and delay; the other traits belong to the making of it."""
    if traits.hole_every_s:
        tape = with_holes(tape, seed, traits.hole_every_s, traits.hole_s)
    if traits.delay is None:
        return Feed(tape, tape.frame_ts_ns, tape.trade_ts_ns)
    return Feed(tape, arrivals_ns(tape.frame_ts_ns, traits.delay), arrivals_ns(tape.trade_ts_ns, traits.delay))


def generated_tape(
    spec: MarketSpec,
    seed: int,
    start_ns: int,
    duration_ns: int,
    start_price_ticks: int,
    params: AgentParams = DEFAULT_AGENTS,
) -> Tape:
    """The tape of ``generated_feed`` over a clean feed: books truncated to the grid, every print."""
    return generated_feed(spec, seed, start_ns, duration_ns, start_price_ticks, params).tape


def recorded_tape(market: SyntheticMarket, duration_ns: int) -> Tape:
    """Every frame and print of the market from now on, which is advanced by ``duration_ns``."""
    start_ns, frame_ns = market.now_ns, market.params.frame_ns
    stamps = [start_ns]
    frames = [market.shown(DEPTH)]
    prints: list[Print] = []
    for now_ns in range(start_ns + frame_ns, start_ns + duration_ns + 1, frame_ns):
        for event in market.advance(now_ns):
            if isinstance(event, Print):
                prints.append(event)
            elif isinstance(event, BookChanged):
                stamps.append(event.ts_ns)
                frames.append(market.shown(DEPTH))
    return Tape(
        market.spec.symbol,
        np.array(stamps, np.int64),
        _ladders([shown[Side.BUY] for shown in frames]),
        _ladders([shown[Side.SELL] for shown in frames]),
        np.array([event.ts_ns for event in prints], np.int64),
        np.array([event.price_ticks for event in prints], np.int64),
        np.array([event.size_lots for event in prints], np.int64),
        np.array([event.is_buyer_taker for event in prints], np.bool_),
    )


def with_holes(tape: Tape, seed: int, every_s: float, hole_s: float) -> Tape:
    """The tape without what fell into the holes; the first frame always stays."""
    rng = Random(f"holes {seed}")
    starts, ends = [], []
    at_ns = int(tape.frame_ts_ns[0]) + round(rng.random() * every_s * NS_PER_S)
    while at_ns < tape.frame_ts_ns[-1]:
        starts.append(at_ns)
        ends.append(at_ns + round(_around(rng, hole_s, HOLE_SPREAD_FRAC) * NS_PER_S))
        at_ns += round(_around(rng, every_s, PERIOD_SPREAD_FRAC) * NS_PER_S)
    frames = ~_inside(tape.frame_ts_ns, starts, ends)
    frames[0] = True
    rows = np.flatnonzero(frames)
    heard = ~_inside(tape.trade_ts_ns, starts, ends)
    return Tape(
        tape.symbol, tape.frame_ts_ns[rows], tape.bids.selected(rows), tape.asks.selected(rows),
        tape.trade_ts_ns[heard], tape.trade_ticks[heard], tape.trade_lots[heard], tape.trade_is_buy[heard],
    )  # fmt: skip


def _around(rng: Random, middle: float, spread_frac: float) -> float:
    return middle * (1.0 + spread_frac * (2.0 * rng.random() - 1.0))


def _inside(ts_ns: Int64Array, starts: list[int], ends: list[int]) -> BoolArray:
    """Whether each stamp lies in one of the intervals (start, end], which are sorted and do not overlap."""
    last = np.searchsorted(np.array(starts, np.int64), ts_ns, side="left") - 1
    until = np.array([*ends, -1], np.int64)[last]  # before the first interval: the -1 at the end
    return np.asarray(ts_ns <= until, dtype=np.bool_)


def _ladders(sides: list[tuple[Int64Array, Int64Array]]) -> Ladders:
    offsets = np.zeros(len(sides) + 1, np.int64)
    np.cumsum([len(ticks) for ticks, _ in sides], out=offsets[1:])
    return Ladders(
        offsets, np.concatenate([ticks for ticks, _ in sides]), np.concatenate([lots for _, lots in sides])
    )
