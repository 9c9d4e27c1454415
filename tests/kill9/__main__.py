"""``python -m tests.kill9 --points all``: kill bots everywhere, let the next one clear up, and audit what is left."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.kill9 import case, lives, plan
from tests.kill9.case import Case, Outcome
from tests.support import lockstep


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--points", default="all", help="all, quick, random, flatten, bugs, or a point's name (with --hit)")
    parser.add_argument("--hit", type=int, default=1, help="passage at which a named point kills")
    parser.add_argument("--stop-after", type=float, default=None, help="seconds after which the bot is told to stop")
    parser.add_argument("--random", type=int, default=60, help="moments by chance beside the named points")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=None, help="folder that keeps the workspace of the last case")
    words = parser.parse_args()
    cases = _cases(words)
    began, outcomes = time.perf_counter(), []
    with tempfile.TemporaryDirectory(prefix="hbx-kill9-") as folder, lives.nest(words.keep or Path(folder)) as nest:
        for number, one in enumerate(cases, 1):
            outcome = lockstep.run(case.run(one, nest))
            outcomes.append(outcome)
            print(_line(number, outcome), flush=True)
            for problem in outcome.problems:
                print(f"       {problem}", flush=True)
    print(_totals(outcomes, time.perf_counter() - began))
    return 0 if all(outcome.is_as_expected for outcome in outcomes) else 1


def _cases(words: argparse.Namespace) -> Sequence[Case]:
    if words.points == "quick":
        return plan.QUICK
    if words.points == "random":
        return list(plan.at_random(words.random, words.seed))
    if words.points == "flatten":
        return list(plan.flattening())
    if words.points == "bugs":
        return list(plan.sabotaged())
    if words.points == "all":
        return [*plan.named(), *plan.at_random(words.random, words.seed), *plan.sabotaged()]
    return [Case((case.Kill(words.points, words.hit, words.stop_after),), seed=words.seed)]


def _line(number: int, outcome: Outcome) -> str:
    verdict = "ok" if outcome.is_as_expected else "FAIL"
    if outcome.case.bug:
        verdict += ", the bug was found" if outcome.problems else ", the bug was not found"
    if not outcome.reached:
        verdict += " point not reached"
    settle = "never" if outcome.settle_s is None else f"{outcome.settle_s:.1f} s"
    return (f"{number:4d}  {str(outcome.case):64s} orders {outcome.orders:3d}  fills {outcome.fills:3d}  "
            f"while dead {outcome.fills_while_dead:2d}  resting {outcome.resting_at_death}  quoted after {settle:7s} "
            f"{verdict}")


def _totals(outcomes: Sequence[Outcome], wall_s: float) -> str:
    bugs = [outcome for outcome in outcomes if outcome.case.bug]
    outcomes = [outcome for outcome in outcomes if not outcome.case.bug]
    kinds = Counter(problem.split(":")[0] for outcome in outcomes for problem in outcome.problems)
    points = {kill.point for outcome in outcomes for kill in outcome.case.kills if outcome.reached}
    settled = sorted(outcome.settle_s for outcome in outcomes if outcome.settle_s is not None)
    rows = [
        "",
        f"kills        {sum(len(o.case.kills) for o in outcomes if o.reached)} at {len(points)} points, "
        f"in {len(outcomes)} cases; {sum(not o.reached for o in outcomes)} not reached",
        f"orders       {sum(o.orders for o in outcomes)}, fills {sum(o.fills for o in outcomes)}, "
        f"of them {sum(o.fills_while_dead for o in outcomes)} while no bot lived",
        f"resting      {sum(o.resting_at_death for o in outcomes)} orders when their bot was killed",
        "quoted again " + (f"after {settled[len(settled) // 2]:.1f} s in the middle, {settled[-1]:.1f} s at most"
                           if settled else "never"),
        "found        " + (", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) or "nothing"),
        f"failed       {sum(bool(o.problems) for o in outcomes)} of {len(outcomes)} cases",
        f"bugs         {sum(outcome.is_as_expected for outcome in bugs)} of {len(bugs)} planted ones found",
        f"took         {wall_s:.0f} s",
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
