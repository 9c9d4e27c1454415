"""Figures of a generated market beside those of the recorded one: ``python -m hummingbot_extensions.sim.statistics``.

Targets are the published figures of 73 recorded hours of StandX BTC-USD (January 2026). Rare things vary between
samples of ten hours: ``--seeds`` shows by how much.
"""

from __future__ import annotations

import argparse
import sys
import time
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from hummingbot_extensions.sim.generator import Feed, generated_tape, received, recorded_traits
from hummingbot_extensions.sim.market import MarketSpec
from hummingbot_extensions.sim.tape import Ladders, Tape

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
START_NS = 1_767_657_600 * NS_PER_S
START_PRICE_TICKS = 9_377_000
FEED_ALIVE_NS = 2 * NS_PER_S
"""A move is counted only where a frame stands at most this far before the end of its window."""

TARGETS: dict[str, float] = {
    "frames_per_s": 3.5,  # 2.9 over all time, of which 18 % are holes
    "locked_frac": 0.46,
    "spread_bps_p50": 0.0107,
    "spread_bps_p90": 0.28,
    "spread_bps_p99": 1.5,
    "prints_per_hour": 6300.0,
    "print_size_base_p50": 0.001,
    "print_size_base_p99": 0.1,
    "prints_per_stamp_max": 58.0,
    "move_1s_bps_p99": 1.4,
    "move_5s_bps_p99": 3.9,
    "move_30s_bps_p99": 11.3,
    "move_60s_bps_p99": 16.3,
    "moves_5s_above_5bps_frac": 0.007,
    "depth_base_p05": 0.56,
    "depth_base_p50": 3.9,
    "depth_base_p95": 8.8,
    "reach_bps_p50": 3.0,
}
FEED_TARGETS: dict[str, float] = {
    "hole_s_p50": 6.65,
    "hole_every_s": 36.2,
    "hole_frac": 0.183,
    "delay_ms_p50": 384.0,
    "delay_ms_p90": 573.0,
    "delay_ms_p99": 1540.0,
}
"""Of the collector: silences over 5 s (their median length, distance and share of the time) and its lateness."""
HOLE_S = 5.0
MAXIMA = frozenset({"prints_per_stamp_max"})
TOLERANCE_FRAC = 0.10
BTC_USD = MarketSpec(
    symbol="BTC-USD",
    base="BTC",
    price_decimals=2,
    size_decimals=4,
    display_grid_ticks=10,
    min_size_lots=1,
    max_size_lots=1_000_000,
    max_position_lots=10_000_000,
    max_open_orders=100,
    maker_fee=Decimal("0.0001"),
    taker_fee=Decimal("0.0004"),
    max_leverage=40,
    default_leverage=10,
    price_cap_frac=Decimal("0.3"),
    price_floor_frac=Decimal("0.3"),
)

FloatArray = npt.NDArray[np.float64]


def figures(tape: Tape, spec: MarketSpec) -> dict[str, float]:
    """Every figure named in ``TARGETS``, of any tape whose frames all have both sides. Empty samples give NaN."""
    bid, ask = tape.bids.best().astype(np.float64), tape.asks.best().astype(np.float64)
    spread_bps = (ask - bid) / bid * 1e4
    lots_per_base = 10.0**spec.size_decimals
    depth_base = np.concatenate([_depth_lots(tape.bids), _depth_lots(tape.asks)]) / lots_per_base
    reach_bps = np.concatenate([(bid - _last_ticks(tape.bids)) / bid, (_last_ticks(tape.asks) - ask) / ask]) * 1e4
    span_s = (tape.frame_ts_ns[-1] - tape.frame_ts_ns[0]) / NS_PER_S
    sizes_base = tape.trade_lots / lots_per_base
    _, per_stamp = np.unique(tape.trade_ts_ns, return_counts=True)
    moves = {horizon_s: move_sizes_bps(tape.frame_ts_ns, (bid + ask) / 2, horizon_s) for horizon_s in (1, 5, 30, 60)}
    found = {
        "frames_per_s": len(tape.frame_ts_ns) / span_s if span_s else float("nan"),
        "locked_frac": float(np.mean(bid == ask)),
        **{f"spread_bps_p{q}": _quantile(spread_bps, q) for q in (50, 90, 99)},
        "prints_per_hour": len(tape.trade_ts_ns) / span_s * 3600 if span_s else float("nan"),
        **{f"print_size_base_p{q}": _quantile(sizes_base, q) for q in (50, 99)},
        "prints_per_stamp_max": float(per_stamp.max()) if len(per_stamp) else float("nan"),
        **{f"move_{horizon_s}s_bps_p99": _quantile(sizes, 99) for horizon_s, sizes in moves.items()},
        "moves_5s_above_5bps_frac": float(np.mean(moves[5] > 5.0)) if len(moves[5]) else float("nan"),
        **{f"depth_base_p{q:02d}": _quantile(depth_base, q) for q in (5, 50, 95)},
        "reach_bps_p50": _quantile(reach_bps, 50),
    }
    return {name: found[name] for name in TARGETS}


def move_sizes_bps(ts_ns: npt.NDArray[np.int64], mid: FloatArray, horizon_s: int) -> FloatArray:
    """Unsigned move of the mid over the horizon from each frame, where the feed was alive at its end."""
    ends_ns = ts_ns + horizon_s * NS_PER_S
    last = np.searchsorted(ts_ns, ends_ns, side="right") - 1
    is_known = (ends_ns - ts_ns[last] <= FEED_ALIVE_NS) & (ends_ns <= ts_ns[-1])
    return np.asarray(np.abs(mid[last] / mid - 1.0)[is_known] * 1e4, dtype=np.float64)


def _quantile(values: FloatArray, percent: int) -> float:
    return float(np.quantile(values, percent / 100)) if len(values) else float("nan")


def _depth_lots(side: Ladders) -> FloatArray:
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(side.lots)])
    return np.asarray(sums[side.offsets[1:]] - sums[side.offsets[:-1]], dtype=np.float64)


def _last_ticks(side: Ladders) -> FloatArray:
    return np.asarray(side.ticks[side.offsets[1:] - 1], dtype=np.float64)


def feed_figures(feed: Feed) -> dict[str, float]:
    """Every figure named in ``FEED_TARGETS``, of a feed; NaN where it has no holes."""
    stamps = feed.tape.frame_ts_ns
    gaps_s = np.diff(stamps) / NS_PER_S
    holes = np.flatnonzero(gaps_s > HOLE_S)
    span_s = (stamps[-1] - stamps[0]) / NS_PER_S
    delay_ms = (feed.frame_received_ns - stamps) / NS_PER_MS
    found = {
        "hole_s_p50": _quantile(gaps_s[holes], 50),
        "hole_every_s": _quantile(np.diff(stamps[holes]) / NS_PER_S, 50),
        "hole_frac": float(gaps_s[holes].sum() / span_s) if span_s else float("nan"),
        **{f"delay_ms_p{q}": _quantile(delay_ms, q) for q in (50, 90, 99)},
    }
    return {name: found[name] for name in FEED_TARGETS}


def is_within(name: str, value: float) -> bool | None:
    """Whether a figure is near enough to its target; None for a maximum, which no sample can be held to."""
    if name in MAXIMA:
        return None
    target = TARGETS[name] if name in TARGETS else FEED_TARGETS[name]
    return bool(abs(value / target - 1.0) <= TOLERANCE_FRAC)


VERDICTS = {True: "pass", False: "FAIL", None: "-"}


def _table(title: str, targets: dict[str, float], rows: list[dict[str, float]]) -> bool:
    """Print recorded, generated (mean over the seeds), ratio, verdict and each seed; whether every verdict passed."""
    sys.stdout.write(f"{title:28}{'recorded':>12}{'generated':>12}{'ratio':>8}{'':>6}   per seed\n")
    passed = True
    for name, target in targets.items():
        values = [row[name] for row in rows]
        mean = sum(values) / len(values)
        verdict = is_within(name, mean)
        passed &= verdict is not False
        each = " ".join(f"{value:.4g}" for value in values)
        sys.stdout.write(f"{name:28}{target:12.4g}{mean:12.4g}{mean / target:8.2f}{VERDICTS[verdict]:>6}   {each}\n")
    return passed


def main(arguments: list[str] | None = None) -> int:
    """Generate, measure, print; 0 when every figure lies within 10 % of the recorded one, else 1."""
    parser = argparse.ArgumentParser(description="Figures of the synthetic market beside the recorded ones.")
    parser.add_argument("--hours", type=float, default=10.0, help="market time per seed")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds, each a market of its own")
    options = parser.parse_args(arguments)
    rows, feeds, frames, prints = [], [], 0, 0
    begun = time.perf_counter()
    for seed in range(options.seed, options.seed + options.seeds):
        duration_ns = round(options.hours * 3600 * NS_PER_S)
        tape = generated_tape(BTC_USD, seed, START_NS, duration_ns, START_PRICE_TICKS)
        rows.append(figures(tape, BTC_USD))
        feeds.append(feed_figures(received(tape, seed, recorded_traits(seed))))
        frames, prints = frames + len(tape.frame_ts_ns), prints + len(tape.trade_ts_ns)
    spent_s = time.perf_counter() - begun
    passed = _table("market", TARGETS, rows)
    passed &= _table("feed, switched on", FEED_TARGETS, feeds)
    market_s = options.hours * 3600 * options.seeds
    sys.stdout.write(
        f"{market_s:.0f} s of market in {spent_s:.1f} s: {market_s / spent_s:.0f} times real time, "
        f"{(frames + prints) / spent_s:.0f} events a second, books shown included\n"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
