"""Rules between parameters: each trap of the documents is refused by name, with the fix."""

from __future__ import annotations

import pytest
from core_builders import D, params


def test_the_preset_breaks_no_rule() -> None:
    """The parameters that all tests start from hold every rule."""
    assert params().problems() == []


@pytest.mark.parametrize(("changes", "field"), [
    pytest.param({"cancel_distance_bps": 6.0}, "cancel_distance_bps", id="T1-cancel-not-below-order"),
    pytest.param({"cancel_distance_bps": 7.5}, "cancel_distance_bps", id="T1-cancel-above-order"),
    pytest.param({"rebalance_distance_bps": 6.0}, "rebalance_distance_bps", id="T2-rebalance-not-above-order"),
    pytest.param({"rebalance_distance_bps": 9.6}, "rebalance_distance_bps", id="T2-rebalance-outside-band"),
    pytest.param({"hard_stop_base": D("0.007"), "resume_limit_base": D("0.003")}, "hard_stop_base",
                 id="T3-hard-stop-below-soft-limit"),
    pytest.param({"resume_limit_base": D("0.01")}, "resume_limit_base", id="T3-resume-not-below-soft"),
    pytest.param({"order_size_base": D("0.02")}, "order_size_base", id="T4-one-fill-trips-the-hard-stop"),
    pytest.param({"worst_case_frac": D("0.3")}, "hard_stop_base", id="T32-hard-stop-beyond-worst-case"),
    pytest.param({"net_max_base": D("0.0399")}, "hard_stop_base", id="T32-cap-below-hard-stop"),
    pytest.param({"order_distance_bps": float("nan")}, "cancel_distance_bps", id="nan"),
])
def test_a_broken_rule_names_its_field_and_a_fix(changes: dict[str, object], field: str) -> None:
    """The text holds the number that is wrong and what to do."""
    problems = dict(params(**changes).problems())
    assert field in problems
    assert any(word in problems[field] for word in ("Lower", "Raise", "Set", "raise"))


@pytest.mark.parametrize("changes", [
    {"rebalance_distance_bps": 9.5}, {"hard_stop_base": D("0.025")}, {"order_size_base": D("0.0199")},
    {"cancel_distance_bps": 5.99},
])
def test_the_edge_of_a_rule_is_allowed(changes: dict[str, object]) -> None:
    """Equality where the rule says at most, the last value below where it says less."""
    assert params(**changes).problems() == []


def test_cap_is_a_part_of_net_max() -> None:
    """Half of 0.05 is 0.025."""
    assert params().worst_case_cap_base == D("0.025")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"cadence_ms": 1000.0, "stale_book_ms": 1000.0}, []),
        ({"cadence_ms": 1000.0, "stale_book_ms": 999.0}, ["cadence_ms"]),
        ({"cadence_ms": 600.0, "min_turn_interval_ms": 500.0, "stale_mark_ms": 1000.0}, ["cadence_ms"]),
        ({"cadence_ms": 500.0, "stale_private_ms": 400.0}, ["cadence_ms"]),
    ],
)
def test_g24_a_beat_slower_than_an_age_that_it_has_to_notice_is_refused(
    changes: dict[str, float], fields: list[str]
) -> None:
    assert [field for field, _ in params(**changes).problems()] == fields
