"""``python -m tests.soak --hours 24``: a day of trading with a fault every minute, and what the bot holds over it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.kill9 import lives
from tests.soak import run, trend
from tests.support import lockstep

FIGURES = ("rss_kb", "handles", "threads", "tasks")
LEAST_GROWTH = {"containers": 20.0, "types": 500.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="of the venue's time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=float, default=600.0, help="seconds of the venue's time between samples")
    parser.add_argument("--keep", type=Path, default=None, help="folder that keeps the workspace")
    words = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="hbx-soak-") as folder,
        lives.nest(words.keep or Path(folder), run.WALLET) as nest,
    ):
        soak = lockstep.run(run.run(nest, words.hours, words.seed, words.sample, lambda line: print(line, flush=True)))
    print("\n".join(report(soak)))
    return 1 if soak.problems else 0


def report(soak: run.Soak) -> list[str]:
    """Figures and their slopes per hour over the last two thirds, totals, and what does not agree at the end."""
    lines = [f"samples      {len(soak.rows)}"]
    if len(soak.rows) >= 3:
        for name in FIGURES:
            t = trend.trend(soak.rows, name)
            lines.append(f"{name:12s} {t.first:.0f} -> {t.last:.0f}, most {t.most:.0f}, {t.per_hour:+.2f} an hour")
        for group, least in LEAST_GROWTH.items():
            grown = trend.growing(soak.rows, group, least)
            lines.append(f"{group:12s} " + (f"{len(grown)} grew by {least:.0f} or more" if grown else
                                            f"none grew by {least:.0f} or more"))
            lines += [f"    {t.name[-96:]:96s} {t.first:.0f} -> {t.last:.0f}, {t.per_hour:+.1f} an hour"
                      for t in grown[:25]]
    per_hour = soak.wall_s / soak.hours if soak.hours else 0.0
    return [
        *lines,
        f"orders       {soak.orders}, fills {soak.fills}, of unknown outcome at the end {soak.unknown}",
        f"faults       {sum(soak.faults.values())} of {len(soak.faults)} kinds",
        f"silent       {soak.silent_minutes} minutes ended without an order at the venue, "
        f"the breaker was released {soak.releases} times",
        f"errors       {sum(soak.errors.values())} lines at ERROR",
        *(f"    {count:5d}  {words}" for words, count in soak.errors.most_common(12)),
        f"wall         {soak.wall_s:.0f} s, {per_hour:.0f} s an hour of the venue",
        *(f"PROBLEM      {problem}" for problem in soak.problems),
    ]


if __name__ == "__main__":
    sys.exit(main())
