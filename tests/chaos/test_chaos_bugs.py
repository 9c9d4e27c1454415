"""The rules can break: bugs put into the bot on purpose are caught. ``python -m tests.chaos --bugs`` tries them all."""

from __future__ import annotations

import pytest

from tests.chaos.bugs import BUGS
from tests.chaos.machine import play
from tests.chaos.steps import schedule

QUICK = {"fills_not_deduplicated": "ledger", "fees_doubled": "ledger", "missed_fills_not_read": ""}
"""Bugs that the first seed catches, and the rule that must break; "" where it may be one of several."""


@pytest.mark.parametrize(("name", "rule"), QUICK.items())
def test_a_planted_bug_is_caught_and_a_sound_bot_is_not(name: str, rule: str) -> None:
    """The same schedule without the bug breaks nothing."""
    chosen = BUGS[name]
    steps = schedule(1, chosen.relevant)
    broken = play(1, steps, bug=chosen.planted(), is_large=True)
    assert broken.rules and (not rule or rule in broken.rules), broken.complaints
    assert not play(1, steps, is_large=True).complaints


def test_there_are_bugs_enough_and_each_has_its_faults() -> None:
    assert len(BUGS) >= 15
    for bug in BUGS.values():
        assert schedule(1, bug.relevant), bug.name
