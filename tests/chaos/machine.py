"""The chaos machine: schedules of misfortune by seed, played to a whole bot, shrunk when one of them breaks a rule."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator.faults.values import BadFault
from tests.chaos.steps import Schedule, Step, faults_of, schedule
from tests.faults.fault_cases import CASES
from tests.support import warp
from tests.support.whole_bot import WALLET, WholeBot, run_whole_bot

SETTINGS = {"min_dwell_ms": 500.0, "cancel_budget_per_min": 60}
LARGE = {"order_size_base": 0.008, "worst_case_frac": 0.4}
"""Every third seed: a quote, its replacement and a fill together would pass the cap on the worst case."""
BEFORE_S, AFTER_S = 3.0, 4.0
SHRINK_RUNS = 60
ALWAYS_ALLOWED: dict[str, tuple[str, ...]] = {
    fault: tuple({pattern for case in cases for pattern in case.errors}) for fault, cases in CASES.items()
}
"""ERROR lines that are right beside a fault, as the fault suite states them."""


@dataclass(frozen=True)
class Outcome:
    """What became of one schedule; ``complaints`` empty when every rule held."""

    seed: int
    steps: Schedule
    complaints: tuple[str, ...]
    fills: int
    venue_s: float
    wall_s: float

    @property
    def rules(self) -> list[str]:
        """Names of the rules that broke, in the order in which they did."""
        return list(dict.fromkeys(text.split(":", 1)[0] for text in self.complaints))

    def literal(self) -> str:
        """Python that plays the schedule again."""
        steps = "".join(f"    {step!r},\n" for step in self.steps)
        return f"from tests.chaos.machine import Step, play\nprint(play({self.seed}, (\n{steps})))"


def play(
    seed: int, steps: Sequence[Step] | None = None, bug: AbstractContextManager[Any] | None = None,
    is_large: bool | None = None,
) -> Outcome:  # fmt: skip
    """Play the schedule of ``seed``, or ``steps`` on its market, to a fresh bot; with ``bug`` in the bot.

    ``is_large`` says whether its quotes come near the cap; None leaves that to the seed.
    """
    large = seed % 3 == 0 if is_large is None else is_large
    chosen = schedule(seed) if steps is None else tuple(steps)
    with bug if bug is not None else nullcontext():
        result = run_whole_bot(_scenario(chosen), seed, keys=WALLET, **SETTINGS, **(LARGE if large else {}))
    allowed = {pattern for name in faults_of(chosen) for pattern in ALWAYS_ALLOWED.get(name, ())}
    complaints = [str(violation) for violation in result.violations]
    complaints += [f"ERROR line: {line[:300]}" for line in result.errors
                   if not any(re.search(pattern, line) for pattern in allowed)]  # fmt: skip
    return Outcome(seed, chosen, tuple(complaints), result.fills, result.venue_s, result.wall_s)


def _scenario(steps: Schedule) -> Callable[[WholeBot], Any]:
    async def scenario(bot: WholeBot) -> None:
        await bot.trade_s(BEFORE_S, every_s=1.5)
        for step in steps:
            await _do(bot, step)
            await bot.trade_s(step.wait_s, every_s=2.5)
        bot.clear()
        bot.line.reload(manual_kill_switch=False)
        await bot.trade_s(AFTER_S, every_s=2.0)
        await bot.settle()

    return scenario


async def _do(bot: WholeBot, step: Step) -> None:
    args: dict[str, Any] = step.args
    if step.kind == "fault":
        try:
            bot.arm(**args)
        except BadFault as error:
            raise ValueError(f"{step}: {error}") from error
    elif step.kind == "clear":
        bot.clear()
    elif step.kind == "hit":
        bot.hit(Side(args["side"]), args["lots"])
    elif step.kind == "market":
        bot.market.jump(args["ticks"])
    elif step.kind == "manual_trade":
        bot.manual_trade(Side(args["side"]), args["lots"])
    elif step.kind == "manual_order":
        bot.manual_order(Side(args["side"]))
    elif step.kind == "outage":
        bot.outage(args["seconds"])
    elif step.kind == "wall_jump":
        warp.clock().jump_wall(args["by_s"])
    elif step.kind == "reload":
        bot.line.reload(**args)
    elif step.kind == "kill":
        bot.line.reload(manual_kill_switch=True)
        await bot.pass_s(args["seconds"])
        bot.line.reload(manual_kill_switch=False)
    else:
        raise ValueError(f"unknown step {step}")


# --- shrinking ---


def shrunk(outcome: Outcome, still_fails: Callable[[Schedule], Outcome | None]) -> Outcome:
    """The shortest failing schedule found: delta debugging over the steps, then smaller waits and fewer parameters.

    ``still_fails`` plays steps and gives the outcome when it breaks the same rule, None when not.
    """
    best, runs = outcome, 0

    def attempt(steps: Schedule) -> bool:
        nonlocal best, runs
        if runs >= SHRINK_RUNS:
            return False
        runs += 1
        found = still_fails(steps)
        if found is None:
            return False
        best = found
        return True

    size = max(1, len(best.steps) // 2)
    while size >= 1 and best.steps:
        start, is_smaller = 0, False
        while start < len(best.steps):
            if attempt(best.steps[:start] + best.steps[start + size:]):
                is_smaller = True
            else:
                start += size
        if not is_smaller or size > len(best.steps):
            size //= 2
    for position in range(len(best.steps)):
        for name in (None, *best.steps[position].args):
            simpler = _without(best.steps[position], name)
            if simpler is not None:
                attempt((*best.steps[:position], simpler, *best.steps[position + 1:]))
    return best


def _without(step: Step, name: str | None) -> Step | None:
    """The step without its wait (None) or without one parameter of its fault; None when that cannot be left out."""
    if name is None:
        return replace(step, wait_s=0.0) if step.wait_s else None
    if step.kind != "fault" or name in ("name", "seconds", "count"):
        return None
    return replace(step, args={key: value for key, value in step.args.items() if key != name})


def shrink(outcome: Outcome) -> Outcome:
    """``shrunk`` by playing again; a failure counts when its first broken rule is the same."""
    rule = outcome.rules[0]

    def still_fails(steps: Schedule) -> Outcome | None:
        found = play(outcome.seed, steps)
        return found if rule in found.rules else None

    return shrunk(outcome, still_fails)


# --- many ---


@dataclass
class Summary:
    """What many schedules came to."""

    schedules: int = 0
    steps: int = 0
    fills: int = 0
    venue_s: float = 0.0
    began_s: float = field(default_factory=time.perf_counter)
    faults: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    failures: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.schedules += 1
        self.steps += len(outcome.steps)
        self.fills += outcome.fills
        self.venue_s += outcome.venue_s
        self.faults.update(faults_of(outcome.steps))
        self.kinds.update(step.kind for step in outcome.steps)
        if outcome.complaints:
            self.failures.append(outcome)

    def lines(self) -> list[str]:
        wall_s = time.perf_counter() - self.began_s
        named = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        kinds = ", ".join(f"{name} {count}" for name, count in self.kinds.most_common())
        return [
            f"schedules {self.schedules}, steps {self.steps} ({kinds})",
            f"fills {self.fills}, virtual hours {self.venue_s / 3600:.1f}, wall {wall_s:.0f} s",
            f"faults by name ({len(self.faults)}): {named}",
            f"failures {len(self.failures)}",
        ]
