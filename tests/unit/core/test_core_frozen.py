"""Quick frozen dataclasses are frozen dataclasses."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from hummingbot_extensions.core.frozen import quick


@dataclass(frozen=True, slots=True)
class Plain:
    one: int
    two: tuple[str, ...] = ()
    three: float | None = None

    @property
    def twice(self) -> int:
        return self.one * 2


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    one: int
    two: tuple[str, ...] = ()
    three: float | None = None

    @property
    def twice(self) -> int:
        return self.one * 2


def test_a_quick_value_is_what_a_plain_one_is() -> None:
    """Fields, defaults, text, equality, hash, replacing, pickling, methods."""
    for value, plain in ((Quick(1), Plain(1)), (Quick(2, ("a",), three=0.5), Plain(2, ("a",), three=0.5))):
        assert type(value) is Quick
        assert (value.one, value.two, value.three, value.twice) == (plain.one, plain.two, plain.three, plain.twice)
        assert repr(value) == repr(plain).replace("Plain", "Quick") and hash(value) == hash(plain)
        assert pickle.loads(pickle.dumps(value)) == value != replace(value, one=9) == Quick(9, value.two, value.three)


def test_nothing_can_be_set_afterwards() -> None:
    value = Quick(1)
    for name in ("one", "four"):
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            setattr(value, name, 2)
    with pytest.raises(FrozenInstanceError):
        del value.one  # type: ignore[misc]
    assert value == Quick(1)


def test_wrong_arguments_are_refused_as_ever() -> None:
    for call in (lambda: Quick(), lambda: Quick(1, (), None, 4), lambda: Quick(1, four=2), lambda: Quick(1, one=2)):
        with pytest.raises(TypeError, match=r"Quick.__init__\(\)"):
            call()


def test_classes_that_do_more_than_take_their_fields_are_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Made:
        one: list[int] = field(default_factory=list)

    @dataclass(frozen=True, slots=True)
    class Checked:
        one: int

        def __post_init__(self) -> None:
            raise ValueError

    @dataclass(frozen=True)
    class Open:
        one: int

    @dataclass(frozen=True, slots=True)
    class Heir(Plain):
        four: int = 4

    for kind in (Made, Checked, Open, Heir):
        with pytest.raises(TypeError, match=kind.__name__):
            quick(kind)
