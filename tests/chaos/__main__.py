"""``python -m tests.chaos --seeds 1:2000 --jobs 2``: play schedules by seed, shrink what fails, print a summary.

``--bugs`` puts every bug of ``tests/chaos/bugs.py`` into the bot instead, and prints which seed and rule caught it.
"""

from __future__ import annotations

import argparse
import sys

from tests.chaos.bugs import BUGS, SEEDS, hunt
from tests.chaos.machine import Summary, shrink
from tests.chaos.many import outcomes, quieten, side_by_side

MOST_SHRUNK = 5


def hunt_all(jobs: int) -> int:
    """Print what caught each bug; 1 when one got away."""
    missed = 0
    for catch in side_by_side(hunt, BUGS, jobs):
        missed += catch.seed is None
        found = f"NOT CAUGHT in {len(SEEDS)} seeds" if catch.seed is None else f"seed {catch.seed}, rule {catch.rule}"
        print(f"{catch.bug}: {BUGS[catch.bug].meaning} -> {found}", flush=True)
    print(f"bugs {len(BUGS)}, caught {len(BUGS) - missed}")
    return 1 if missed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", default="1:200", help="first:last, both played")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--bugs", action="store_true")
    options = parser.parse_args()
    if options.bugs:
        return hunt_all(options.jobs)
    first, _, last = options.seeds.partition(":")
    seeds = range(int(first), int(last or first) + 1)
    summary = Summary()
    quieten()
    for outcome in outcomes(seeds, options.jobs):
        summary.add(outcome)
        if outcome.complaints:
            print(f"seed {outcome.seed} FAILED", *outcome.complaints[:4], sep="\n  ", flush=True)
        elif summary.schedules % 100 == 0:
            print(f"{summary.schedules} of {len(seeds)}, failures {len(summary.failures)}", flush=True)
    if not options.no_shrink:
        for outcome in summary.failures[:MOST_SHRUNK]:
            small = shrink(outcome)
            print(f"seed {outcome.seed}, {len(outcome.steps)} steps shrunk to {len(small.steps)}:", small.literal(),
                  *small.complaints[:3], sep="\n", flush=True)  # fmt: skip
    print(*summary.lines(), sep="\n")
    if summary.failures:
        print("failing seeds:", *[outcome.seed for outcome in summary.failures])
    return 1 if summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
