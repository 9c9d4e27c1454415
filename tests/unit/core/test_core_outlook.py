"""What is worked out for a decision: every signal that a term or a pricer may read, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from core_builders import D, account, params, view

from hummingbot_extensions.core.decision import Signals
from hummingbot_extensions.core.market_guard import GuardState
from hummingbot_extensions.core.outlook import outlook
from hummingbot_extensions.core.pricing import Anchor

SIZED = view(bid_size=D(3), ask_size=D(1), touch_bid=D("100"), touch_ask=D("102"))


@pytest.mark.parametrize(
    ("changes", "micro", "imbalance_frac"),
    [
        ({}, None, None),
        ({"skew_imbalance_on": True}, None, 0.5),
        ({"mode": "simple", "anchor": Anchor.MICRO}, 101.5, None),
        ({"mode": "tests.support.own_pricer:leaning"}, 101.5, None),
        ({"volatile_mode": "tests.support.own_pricer:leaning"}, 101.5, None),
        ({"volatile_mode": "simple", "anchor": Anchor.MID}, None, None),
    ],
)
def test_signals_that_nothing_reads_are_not_worked_out(
    changes: dict[str, Any], micro: float | None, imbalance_frac: float | None
) -> None:
    """Three on the bid against one on the ask; an own pricer may read the microprice whatever the anchor is."""
    found = outlook(101.0, D(0), False, SIZED, account(), Signals(), GuardState(), params(**changes))
    assert (found.prices.micro, found.skew.imbalance_frac) == (micro, imbalance_frac)
