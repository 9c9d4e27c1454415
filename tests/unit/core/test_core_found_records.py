"""Faults in reading records and marks; each test failed before its fix."""

from __future__ import annotations

import pytest
from core_builders import (
    view,
)

from hummingbot_extensions.core.canonical import from_plain, to_plain
from hummingbot_extensions.core.uptime import QuoteInterval, in_band
from hummingbot_extensions.core.view import MarketView


@pytest.mark.parametrize("broken", [{"now_ns": None}, {"bid": "abc"}, {"rules": 3}])
def test_a_record_that_does_not_fit_is_a_value_error(broken: dict[str, object]) -> None:
    """A damaged log line is refused in one way, so that a reader can skip it."""
    plain = to_plain(view())
    assert isinstance(plain, dict)
    with pytest.raises(ValueError, match=r".+"):
        from_plain(MarketView, {**plain, **broken})  # type: ignore[dict-item]


def test_a_record_with_a_missing_field_is_a_value_error_that_names_it() -> None:
    """A line written by another version says which field is missing."""
    plain = to_plain(view())
    assert isinstance(plain, dict)
    del plain["grid"]
    with pytest.raises(ValueError, match="grid"):
        from_plain(MarketView, plain)


@pytest.mark.parametrize("mark", [0.0, float("nan"), -1.0])
def test_time_under_a_mark_that_is_no_price_is_not_in_band(mark: float) -> None:
    """NaN compares false with everything: it must not count as earned."""
    quote = QuoteInterval(True, 100.0, 1.0, 0, 10)
    assert in_band([quote], [(0, mark), (5, 100.0)], [(0, 10)], 0, 10).bid_ns == 5
