"""Twenty minutes of the bot's time with a fault in each: nothing is left over, nothing grows with what it trades."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill9 import lives
from tests.soak import run, trend
from tests.support import lockstep

pytestmark = [pytest.mark.hummingbot, pytest.mark.timeout(600)]

HOURS = 1 / 3
PER_ORDER = 0.2
"""A container that keeps a fifth of an entry for every order keeps something that it should not."""
BOUNDED = {
    "._client_ids": 20_000,
    "._gone._ids": 5_000,
    "._commands": 5_000,
    "._exact_fees": 20_000,
    "._outcomes._records": 5_000,
    ".standings._record._closed": 20_000,  # orders of the running hour, folded into its score at the full hour
    "._fill_book._seen": 50_000,
    ".booked": 5_000,
    # Marks of the last minutes, which markouts are taken from: cut back at twice what is needed.
    "._series._times_ns": 8_200,
    "._series._marks": 8_200,
    # Hummingbot's own position hold keeps the id of every order that filled, for as long as it runs.
    ".positions_held[][].order_ids": 1_000_000,
}
"""Ends of paths that may grow up to a bound of their own, and that bound."""
KEPT = {
    "Command", "CommandReply", "OrderRecord", "QuoteInterval", "BookedFill",  # in the containers above
    "OrderFilledEvent", "TradeFillOrderDetails", "AddedToCostTradeFee", "DeductedFromReturnsTradeFee", "TokenAmount",
    # by Hummingbot itself, one of each for every fill, for as long as a connector lives
    "Event", "deque", "list", "dict", "tuple", "OrderedDict", "set", "cell", "function", "method", "Context",
}
"""Types whose objects may become more with the orders, because something that is named here holds them."""


def _bound(path: str) -> int:
    """Most entries that the container at ``path`` may come to hold; 0 for one that has no business growing."""
    return next((bound for end, bound in BOUNDED.items() if path.rstrip("[]").endswith(end)), 0)


def test_twenty_minutes_of_faults_leave_nothing_behind(tmp_path: Path) -> None:
    """Handles, threads and tasks stand still, no container grows with the orders, and all books agree at the end."""
    with lives.nest(tmp_path, run.WALLET) as nest:
        soak = lockstep.run(run.run(nest, HOURS, seed=2, sample_s=60.0, say=lambda line: None))
    assert soak.orders > 100, "the market was not traded in"
    assert soak.fills > 30, "nobody traded with the bot"
    assert sum(soak.faults.values()) >= 15
    assert not soak.problems, "\n".join(soak.problems)
    assert soak.unknown == 0
    assert len(soak.rows) >= 15
    for name, slack in (("handles", 6), ("threads", 2), ("tasks", 12)):
        t = trend.trend(soak.rows, name)
        assert t.last <= t.first + slack, f"{name} grew: {t}"
    grown = trend.growing(soak.rows, "containers", PER_ORDER * soak.orders * (1 - trend.WARM_UP_FRAC))
    assert not [t for t in grown if t.most > _bound(t.name)], "containers grow with the orders"
    grown = trend.growing(soak.rows, "types", PER_ORDER * soak.orders * (1 - trend.WARM_UP_FRAC))
    assert {t.name for t in grown} <= KEPT, [t for t in grown if t.name not in KEPT]


def test_a_container_that_grows_is_seen() -> None:
    """The check above fails on a leak: an entry for every order, sampled as a bot's is."""
    rows = [{"s": 60.0 * n, "containers": {"Quoter.leak": 10 * n, "Quoter.steady": 7}} for n in range(20)]
    assert [(t.name, round(t.per_hour)) for t in trend.growing(rows, "containers", 50.0)] == [("Quoter.leak", 600)]


def test_the_slope_is_the_straight_line_through_the_samples() -> None:
    """Noise around a line does not hide it."""
    points = [(float(n), 3.0 * n + (1 if n % 2 else -1)) for n in range(200)]
    assert abs(trend.slope(points) - 3.0) < 0.01
    assert trend.slope([(1.0, 5.0)]) == 0.0
