"""A fault and a whole bot: trading, the fault in the middle of it, trading on, and rest."""

from __future__ import annotations

import re

from tests.faults.fault_cases import Case
from tests.support.whole_bot import WALLET, Result, WholeBot, run_whole_bot

SETTINGS = {"min_dwell_ms": 500.0, "cancel_budget_per_min": 60}


def meet(name: str, case: Case) -> Result:
    """What a run shows in which the fault ``name`` is on for a while, as ``case`` says."""

    async def scenario(bot: WholeBot) -> None:
        await bot.trade_s(4.0, every_s=2.0)
        for fault in case.with_faults:
            bot.arm(**fault)
        armed = bot.arm(name=name, **case.params)
        step_s = case.hold_s / (len(case.jumps) + 1)
        for ticks in case.jumps:
            await bot.trade_s(step_s, every_s=2.0)
            bot.market.jump(ticks)
        await bot.trade_s(step_s, every_s=2.0)
        if case.must_meet and not armed.met:
            bot.watch.broken("vacuous", f"{name} was on for {case.hold_s:g} s and met nobody")
        bot.clear()
        await bot.trade_s(4.0, every_s=2.0)
        if case.must_settle:
            await bot.settle(case.must_quote)

    return run_whole_bot(scenario, keys=WALLET if case.is_wallet else None, **SETTINGS)


def complaints(case: Case, result: Result) -> list[str]:
    """What is wrong with a result: broken rules, and log lines at ERROR that the case does not expect."""
    found = [str(violation) for violation in result.violations]
    found += [f"ERROR line: {line}" for line in result.errors
              if not any(re.search(pattern, line) for pattern in case.errors)]  # fmt: skip
    return found if result.fills else [*found, "nothing was traded"]
