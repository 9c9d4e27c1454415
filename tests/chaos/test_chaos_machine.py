"""Two hundred schedules of misfortune, and the machine itself: equal seeds, the whole catalogue, shrinking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hummingbot_extensions.emulator.faults import FaultBoard
from hummingbot_extensions.emulator.faults.catalogue import CATALOGUE
from tests.chaos.machine import Outcome, Summary, shrink, shrunk
from tests.chaos.many import outcomes
from tests.chaos.steps import KINDS, Schedule, Step, faults_of, schedule
from tests.support.fifo_market import BTC

SEEDS = range(1, 201)
JOBS = 2


@pytest.mark.timeout(1200)
def test_two_hundred_schedules_break_no_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """Random faults, trades, outages, clock jumps, reloads and kill switches: afterwards the books agree."""
    summary = Summary()
    for outcome in outcomes(SEEDS, JOBS):
        summary.add(outcome)
    with capsys.disabled():
        print("", *summary.lines(), sep="\n")
    if summary.failures:
        seeds = [outcome.seed for outcome in summary.failures]
        small = shrink(summary.failures[0])
        raise AssertionError(f"seeds {seeds}; the first, shrunk:\n{small.literal()}\n" + "\n".join(small.complaints))
    assert summary.fills > len(SEEDS), "hardly anything was traded"


def test_equal_seeds_give_equal_schedules() -> None:
    assert [schedule(seed) for seed in SEEDS] == [schedule(seed) for seed in SEEDS]


def test_the_seeds_use_every_fault_and_every_kind_of_step() -> None:
    """What no schedule contains is not tested."""
    steps = [step for seed in SEEDS for step in schedule(seed)]
    assert set(faults_of(steps)) == {fault.name for fault in CATALOGUE}
    assert {step.kind for step in steps} == {kind for kind, _ in KINDS}


@pytest.mark.parametrize("first", [1, 501, 1001, 1501])
def test_every_fault_of_a_schedule_can_be_armed(first: int) -> None:
    """A request that the venue refuses would end a schedule before it began."""
    board = FaultBoard(1)
    for seed in range(first, first + 500):
        for step in schedule(seed):
            if step.kind == "fault":
                board.arm(step.args, 0)
                assert int(step.args.get("price_tick_decimals", 0)) <= BTC.price_decimals, step


def outcome_of(steps: Schedule) -> Outcome:
    return Outcome(1, steps, ("ledger: wrong",), 1, 1.0, 0.1)


def test_a_failure_is_shrunk_to_the_steps_that_cause_it() -> None:
    """Of nine steps only two together fail: those two are left, without waits and needless parameters."""
    guilty = (
        Step("fault", 2.0, {"name": "frame_drop", "channel": "trade", "seconds": 3.0, "probability": 0.5}),
        Step("outage", 1.0, {"seconds": 2.0}),
    )
    noise = schedule(7)[:3]
    steps = (*noise, guilty[0], *noise, guilty[1], *noise[:1])

    def still_fails(tried: Schedule) -> Outcome | None:
        drops = any(step.kind == "fault" and step.args.get("channel") == "trade" for step in tried)
        return outcome_of(tried) if drops and any(step.kind == "outage" for step in tried) else None

    small = shrunk(outcome_of(steps), still_fails)
    wanted = Step("fault", 0.0, {"name": "frame_drop", "channel": "trade", "seconds": 3.0})
    assert small.steps == (wanted, replace(guilty[1], wait_s=0.0))


def test_a_failure_prints_as_python_that_plays_it_again() -> None:
    """What is printed compiles and holds the same steps."""
    outcome = outcome_of(schedule(3))
    played: list[Schedule] = []
    code = outcome.literal().replace("from tests.chaos.machine import Step, play", "")
    exec(code, {"Step": Step, "play": lambda seed, steps: played.append(steps)})
    assert played == [outcome.steps]
