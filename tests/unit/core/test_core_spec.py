"""What a parameter is stands at its field: text, unit, bounds and section, for every parameter of the core."""

from __future__ import annotations

import dataclasses
import re
import typing
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import NoneType, SimpleNamespace

import pytest

from hummingbot_extensions.core import spec
from hummingbot_extensions.core.gate_params import GateParams
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import OwnParam, PricingParams
from hummingbot_extensions.core.skew import SkewParams
from hummingbot_extensions.core.startup import StartupParams

KINDS = (QuoteParams, StartupParams, GateParams)
EVERY = [one for kind in KINDS for one in spec.specs(kind)]
SECTIONS = {
    "quote", "layers", "skew", "volatility", "guards", "position", "limits", "execution", "feed", "breakers", "startup",
    "leader",
}
SUFFIXES = ("_bps", "_ms", "_s", "_base", "_quote", "_frac", "_ticks")
UNITS = re.compile(
    r"\b(bps|ms|seconds|base units|quote units|fraction|factor|count|ticks|number|exponent|part|levels|cancels|"
    r"layers|times|orders|rejections|failures|answers|pauses|twice|scale)\b"
)
"""Words that say what a figure is counted in, where its name does not."""


@dataclass(frozen=True)
class Silent:
    """A field that nobody described."""

    some_bps: float = 1.0


@dataclass(frozen=True)
class Twice:
    """A field with the name of one in its section."""

    skew_push_bps: float = spec.param(1.0, "Another one, bps.", "skew")
    skew: SkewParams = spec.section(SkewParams)


def kind_of(one: spec.Spec) -> typing.Any:
    """Type of the value when it is set."""
    kinds = [kind for kind in typing.get_args(one.type) if kind is not NoneType] if one.default is None else [one.type]
    return kinds[0]


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_n7_n8_a_parameter_says_what_it_is(one: spec.Spec) -> None:
    """A sentence, a unit in name or text, a known section, and a default within bounds that its type can hold."""
    assert len(one.text) > 10 and one.text[0].isupper() and one.text.endswith("."), one.text
    assert one.group in SECTIONS
    kind = kind_of(one)
    is_figure = isinstance(kind, type) and issubclass(kind, (int, float, Decimal)) and kind is not bool
    if is_figure:
        assert one.name.endswith(SUFFIXES) or UNITS.search(one.text), one.text
        assert one.bounds, "a figure needs bounds"
    else:
        assert not one.bounds
    if kind is bool:
        assert one.default is False, "what is optional is off in the core"
    if one.name.endswith("_on"):
        assert kind is bool
    if is_figure and one.default is not None:
        value = float(one.default)
        tests = {"gt": value > one.bounds.get("gt", 0), "ge": value >= one.bounds.get("ge", 0),
                 "lt": value < one.bounds.get("lt", 0), "le": value <= one.bounds.get("le", 0)}  # fmt: skip
        assert all(tests[name] for name in one.bounds)
    if isinstance(one.default, Enum):
        assert one.default.value == str(one.default.value)


def test_a_name_means_one_thing() -> None:
    """A name that two sets of parameters share is the same field, word for word."""
    by_name: dict[str, spec.Spec] = {}
    for one in EVERY:
        assert by_name.setdefault(one.name, one) == one


def test_every_field_of_the_core_is_a_parameter_a_section_or_derived() -> None:
    """Nothing is left that a configuration file could not set, but what follows from another field."""
    derived = {
        field.name for kind in KINDS for field in dataclasses.fields(kind)
        if not field.metadata and field.default is dataclasses.MISSING
    }  # fmt: skip
    assert derived == {"position_cap_base"}


def test_a_field_without_a_text_and_a_name_used_twice_are_refused() -> None:
    """Both would be a mistake in the code, found when it is loaded."""

    with pytest.raises(TypeError, match="Silent.some_bps"):
        spec.specs(Silent)
    with pytest.raises(TypeError, match="two parameters named skew_push_bps"):
        spec.specs(Twice)


def test_built_takes_each_value_by_its_name_and_a_table_as_a_mapping() -> None:
    """The flat object becomes the frozen one with its sections; own numbers keep their order."""
    flat = {one.name: one.default for one in spec.specs(QuoteParams)}
    assert spec.built(QuoteParams, SimpleNamespace(**flat)) == QuoteParams()
    flat |= {"own_params": {"lean": 0.5, "after": 2.0}, "skew_push_bps": 7.0, "layer_count": 4}
    built = spec.built(QuoteParams, SimpleNamespace(**flat))
    assert built.pricing.own_params == (OwnParam("lean", 0.5), OwnParam("after", 2.0))
    assert (built.skew.skew_push_bps, built.layers.layer_count) == (7.0, 4)


def test_replaced_reaches_into_sections_and_knows_its_names() -> None:
    """By name, whatever section; a name that is none is an error."""
    changed = spec.replaced(QuoteParams(), order_distance_bps=5.0, stale_book_ms=900.0)
    assert changed.pricing == PricingParams(order_distance_bps=5.0) and changed.stale_book_ms == 900.0
    with pytest.raises(TypeError, match="no such parameter: distance"):
        spec.replaced(QuoteParams(), distance=5.0)
