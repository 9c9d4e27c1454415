"""N16: what is switched off decides nothing, whatever its other parameters say, over generated paths of a market.

Made from the specs of the parameters: one that is added and not told apart here fails the first test by its name.
"""

from __future__ import annotations

import random
from enum import StrEnum
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from market_path import Step, Walk, path
from optional_features import (
    ALWAYS,
    ELSEWHERE,
    FEATURES,
    POSITION_MODE,
    all_specs,
    decision_specs,
    placed,
    random_value,
)

from hummingbot_extensions.core.canonical import to_plain
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import OwnParam
from hummingbot_extensions.core.spec import replaced

SPECS = decision_specs()
DECIDING = sorted(name for name, one in FEATURES.items() if set(one.off) <= set(SPECS))
"""Features that a decision could know of."""
CAN_BE_ON = [name for name in DECIDING if FEATURES[name].on]
SEEDS = st.integers(0, 2**32)
AS_FOUND = settings(phases=(Phase.explicit, Phase.reuse, Phase.generate))
"""Seeds do not shrink to anything simpler; the failure names the parameter instead."""


def typed(values: dict[str, Any]) -> dict[str, Any]:
    """Plain words as the members of the enums that the parameters hold."""
    kinds = {name: type(SPECS[name].default) for name in values}
    return {name: kinds[name](value) if issubclass(kinds[name], StrEnum) else value for name, value in values.items()}


def with_random(params: QuoteParams, names: set[str], rng: random.Random) -> QuoteParams:
    values = {name: random_value(SPECS[name], rng) for name in sorted(names - {"own_params"})}
    if "own_params" in names:
        values["own_params"] = tuple(
            OwnParam(name, rng.uniform(-3.0, 9.0)) for name in ("distance_bps", "lean_frac", "after_fill_bps"))
    return replaced(params, **values)


def some_on(rng: random.Random, most: int) -> QuoteParams:
    """The defaults with up to ``most`` features on, half of them at random values of their own parameters."""
    params = QuoteParams()
    for name in rng.sample(CAN_BE_ON, rng.randint(0, most)):
        params = replaced(params, **typed(FEATURES[name].on))
        if rng.random() < 0.5:
            params = with_random(params, {each for each in FEATURES[name].about if rng.random() < 0.5}, rng)
    return params


def values_of(params: QuoteParams) -> dict[str, Any]:
    """Every parameter by name, enums as plain words."""
    found: dict[str, Any] = {}

    def collect(plain: Any) -> None:
        for name, value in plain.items():
            if isinstance(value, dict):
                collect(value)
            else:
                found[name] = value

    collect(to_plain(params))
    return found


def idle(params: QuoteParams) -> set[str]:
    """Parameters that can mean nothing now: whatever they belong to is off."""
    values = values_of(params)
    used: set[str] = set()
    free: set[str] = set()
    for name in DECIDING:
        one = FEATURES[name]
        is_off = all(values[key] == value for key, value in one.off.items())
        (free if is_off else used).update(one.about)
    return (free - used) & set(SPECS)


def first_difference(one: QuoteParams, other: QuoteParams, steps: list[Step]) -> int | None:
    """Number of the first decision that is not the same to the byte."""
    pairs = zip(Walk(one).trace(steps), Walk(other).trace(steps), strict=True)
    return next((at for at, (text, other_text) in enumerate(pairs) if text != other_text), None)


def check(base: QuoteParams, steps: list[Step], rng: random.Random) -> None:
    names = idle(base)
    varied = with_random(base, names, rng)
    if first_difference(base, varied, steps) is None:
        return
    holders = (
        varied, varied.pricing, varied.layers, varied.skew, varied.volatility, varied.drift, varied.shock,
        varied.market_guard,
    )  # fmt: skip
    said = {name: next(getattr(each, name) for each in holders if hasattr(each, name)) for name in sorted(names)}
    guilty = {
        name: value for name, value in said.items()
        if first_difference(base, replaced(base, **{name: value}), steps) is not None
    }  # fmt: skip
    raise AssertionError(f"what is off decides: {guilty or said}")


def test_every_parameter_is_always_in_force_or_belongs_to_what_can_be_off() -> None:
    """A new parameter has to be put into ``optional_features``: under ALWAYS, or with the switch that it hangs on."""
    known = placed()
    assert set(all_specs()) - set(known) == set(), "say in optional_features.py what switches these off"
    assert set(known) - set(all_specs()) == POSITION_MODE, "no such parameter any more"
    assert {name for name, where in known.items() if "ALWAYS" in where and len(where) > 1} == set()


@pytest.mark.parametrize("name", sorted(set(FEATURES) - {"band", "barriers"}))
def test_everything_optional_is_off_where_nothing_is_said(name: str) -> None:
    """The defaults of the core are the off positions; the band is the one feature that they have."""
    for key, value in FEATURES[name].off.items():
        assert all_specs()[key].default == value, key


@AS_FOUND
@given(SEEDS, SEEDS)
def test_with_everything_off_no_other_parameter_counts(market_seed: int, values_seed: int) -> None:
    """All parameters of all features at random, every switch off: the decisions of the defaults, to the byte."""
    check(QuoteParams(), path(market_seed), random.Random(values_seed))


@AS_FOUND
@given(SEEDS, SEEDS)
def test_what_is_off_decides_nothing_beside_what_is_on(market_seed: int, values_seed: int) -> None:
    """Up to four features on at random values, the parameters of all others at random: the decisions do not change."""
    rng = random.Random(values_seed)
    check(some_on(rng, 4), path(market_seed), rng)


@cache
def steps_of(seed: int) -> list[Step]:
    return path(seed)


@pytest.mark.parametrize("name", CAN_BE_ON)
def test_what_is_on_is_seen(name: str) -> None:
    """The other half: each switch, and each of its parameters, changes a decision on some of these paths. Paths on
    which nothing could be seen would make the tests above pass whatever the code does.
    """
    one = FEATURES[name]
    on = replaced(QuoteParams(), **typed(one.on))
    off = replaced(on, **typed(one.off))
    assert any(first_difference(on, off, steps_of(seed)) is not None for seed in range(60)), "the switch"
    for key in sorted(set(one.about) - ELSEWHERE):
        rng = random.Random(key)
        assert any(
            first_difference(with_random(on, {key}, rng), on, steps_of(seed % 60)) is not None for seed in range(240)
        ), key


def test_nobody_is_left_out() -> None:
    """What cannot be on here is what decisions do not read."""
    unread = {key for name in set(DECIDING) - set(CAN_BE_ON) for key in (*FEATURES[name].off, *FEATURES[name].about)}
    assert unread & set(SPECS) == {
        "min_turn_interval_ms", "taker_fee_bps"}
    assert {name for one in FEATURES.values() for name in one.about} & ALWAYS == set()
