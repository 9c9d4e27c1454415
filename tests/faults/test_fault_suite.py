"""Every fault of the emulator's catalogue meets the whole bot in the middle of trading; afterwards its books and the
venue's are equal, and at no moment was a limit broken.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hummingbot_extensions.emulator.faults.catalogue import CATALOGUE
from tests.faults.fault_cases import CASES, Case
from tests.faults.meeting import complaints
from tests.support.whole_bot import Result

IDS = [pytest.param(fault.name, case, id=f"{fault.name}-{case.id}")
       for fault in CATALOGUE for case in CASES.get(fault.name, ())]  # fmt: skip


@pytest.mark.parametrize("name", [fault.name for fault in CATALOGUE])
def test_a_fault_has_its_cases(name: str) -> None:
    """A fault that is new in the catalogue is put to the bot too."""
    assert CASES.get(name), f"{name} has no case in fault_cases.py"


@pytest.mark.parametrize(("name", "case"), IDS)
def test_books_agree_after(name: str, case: Case, meeting: Callable[[str, Case], Result]) -> None:
    """Orders, fills, position and balance are the venue's; no limit was broken, nothing leaked, no ERROR unheard of."""
    found = complaints(case, meeting(name, case))
    assert not found, "\n".join(found)
