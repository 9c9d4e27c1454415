"""A bot that is killed anywhere leaves nothing that the next one does not put in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kill9 import case, lives, plan
from tests.kill9.case import Case
from tests.support import lockstep

pytestmark = pytest.mark.hummingbot


@pytest.fixture(scope="module")
def nest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lives.Nest]:
    with lives.nest(Path(tmp_path_factory.mktemp("nest"))) as found:
        yield found


@pytest.mark.parametrize("one", plan.QUICK, ids=str)
def test_a_killed_bot_leaves_nothing_that_its_successor_does_not_clear(nest: lives.Nest, one: Case) -> None:
    """No orphan, no double, true position, the venue's own ledger, nothing open in the database, exit 0."""
    outcome = lockstep.run(case.run(one, nest))
    assert outcome.reached, f"{one} did not die: it passed {sorted(outcome.passed)}"
    assert not outcome.problems, "\n".join(outcome.problems)
    assert outcome.orders > 4, "the market was not traded in"


@pytest.mark.parametrize("one", list(plan.sabotaged())[:2], ids=str)
def test_the_audit_finds_a_planted_bug(nest: lives.Nest, one: Case) -> None:
    """A successor that does not sweep, or forgets its ledger, is found out; the rest are played in ``make proof``."""
    outcome = lockstep.run(case.run(one, nest))
    assert outcome.is_as_expected, f"{one}: {outcome.problems}"
