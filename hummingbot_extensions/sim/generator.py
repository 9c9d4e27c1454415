"""Tapes made by our own synthetic market, in the form in which a recorded one is read."""

from __future__ import annotations

from itertools import chain

import numpy as np

from hummingbot_extensions.sim.agents import DEFAULT_AGENTS, AgentParams
from hummingbot_extensions.sim.display import displayed
from hummingbot_extensions.sim.market import BookChanged, MarketSpec, Print
from hummingbot_extensions.sim.synthetic import SyntheticMarket
from hummingbot_extensions.sim.tape import Int64Array, Ladders, Tape

DEPTH = 20
"""Levels a side of a frame, as the recording has."""
SEARCHED_LEVELS = 400
"""Exact levels looked at to find ``DEPTH`` shown ones."""


def generated_tape(
    spec: MarketSpec,
    seed: int,
    start_ns: int,
    duration_ns: int,
    start_price_ticks: int,
    params: AgentParams = DEFAULT_AGENTS,
) -> Tape:
    """What a collector would have recorded of a synthetic market: books truncated to the grid, every print.

    The first frame stands at ``start_ns``. Taker sides are the true ones.
    """
    market = SyntheticMarket(spec, seed, start_ns, start_price_ticks, params)
    stamps = [start_ns]
    frames = [_shown(market)]
    prints: list[Print] = []
    for now_ns in range(start_ns + params.frame_ns, start_ns + duration_ns + 1, params.frame_ns):
        for event in market.advance(now_ns):
            if isinstance(event, Print):
                prints.append(event)
            elif isinstance(event, BookChanged):
                stamps.append(event.ts_ns)
                frames.append(_shown(market))
    return Tape(
        spec.symbol,
        np.array(stamps, np.int64),
        _ladders([bids for bids, _ in frames]),
        _ladders([asks for _, asks in frames]),
        np.array([event.ts_ns for event in prints], np.int64),
        np.array([event.price_ticks for event in prints], np.int64),
        np.array([event.size_lots for event in prints], np.int64),
        np.array([event.is_buyer_taker for event in prints], np.bool_),
    )


Levels = list[tuple[int, int]]


def _shown(market: SyntheticMarket) -> tuple[Levels, Levels]:
    bids, asks = market.book(SEARCHED_LEVELS)
    grid = market.spec.display_grid_ticks
    return displayed(bids, grid, DEPTH), displayed(asks, grid, DEPTH)


def _ladders(sides: list[Levels]) -> Ladders:
    counts = np.array([len(levels) for levels in sides], np.int64)
    offsets: Int64Array = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    levels = np.array(list(chain.from_iterable(sides)), np.int64).reshape(-1, 2)
    return Ladders(offsets, levels[:, 0].copy(), levels[:, 1].copy())
