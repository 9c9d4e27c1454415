"""One place for what a parameter is: default, bounds, description and group stand beside the field that uses it."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any


def param(default: Any, text: str, group: str = "", prompt: str = "", **bounds: float) -> Any:
    """A dataclass field that a configuration file may set.

    ``text`` says what it is and its unit; ``bounds`` are gt, ge, lt, le; ``prompt`` is asked on a new configuration;
    ``group`` is the section it may stand under in a file, by default that of its class.
    """
    metadata = {"text": text, "group": group, "prompt": prompt, "bounds": bounds}
    return dataclasses.field(default=default, metadata=metadata)


def param_table(item: Callable[[str, Any], Any], value: Any, text: str, group: str = "") -> Any:
    """A dataclass field that holds a tuple of ``item(name, value)``; a file writes it as a mapping."""
    about = {"text": text, "group": group, "table": (item, dict[str, value])}
    return dataclasses.field(default=(), metadata=about)


def section(kind: Any) -> Any:
    """A dataclass field that holds parameters of another class; they are set under their own names."""
    return dataclasses.field(default_factory=kind, metadata={"section": kind})


@dataclass(frozen=True, slots=True)
class Spec:
    """One parameter as a configuration file sees it."""

    name: str
    type: Any
    default: Any
    text: str
    group: str
    prompt: str
    bounds: dict[str, float]


@cache
def specs(kind: type) -> tuple[Spec, ...]:
    """Every parameter of ``kind`` and of its sections, in the order in which they are written; names are unique.

    A field without a default is not one: it follows from others.
    """
    found = tuple(_specs(kind, ""))
    names = [spec.name for spec in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise TypeError(f"{kind.__name__} has two parameters named {', '.join(sorted(twice))}")
    return found


def _specs(kind: type, group: str) -> Iterator[Spec]:
    hints = typing.get_type_hints(kind)
    for one in dataclasses.fields(kind):
        inner = one.metadata.get("section")
        if inner is not None:
            yield from _specs(inner, one.name)
        elif one.default is not dataclasses.MISSING:
            about = one.metadata
            if "text" not in about:
                raise TypeError(f"{kind.__name__}.{one.name}: give it a text with param(...)")
            table = about.get("table")
            yield Spec(
                one.name, hints[one.name] if table is None else table[1], one.default if table is None else {},
                about["text"], about["group"] or group, about.get("prompt", ""), about.get("bounds", {}),
            )  # fmt: skip


def built(kind: type, values: Any) -> Any:
    """An instance of ``kind``, its sections included, from an object with an attribute for every parameter."""
    arguments: dict[str, Any] = {}
    for one in dataclasses.fields(kind):
        inner, table = one.metadata.get("section"), one.metadata.get("table")
        if inner is not None:
            arguments[one.name] = built(inner, values)
        elif table is not None:
            arguments[one.name] = tuple(table[0](*pair) for pair in getattr(values, one.name).items())
        else:
            arguments[one.name] = getattr(values, one.name)
    return kind(**arguments)


def replaced(params: Any, **changes: Any) -> Any:
    """``params`` with other values, given by name whatever section they stand in; TypeError for an unknown name."""
    unknown = set(changes) - {spec.name for spec in specs(params.__class__)}
    if unknown:
        raise TypeError(f"no such parameter: {', '.join(sorted(unknown))}")
    return _replaced(params, changes)


def _replaced(params: Any, changes: dict[str, Any]) -> Any:
    own: dict[str, Any] = {}
    for one in dataclasses.fields(params):
        if one.metadata.get("section") is not None:
            own[one.name] = _replaced(getattr(params, one.name), changes)
        elif one.name in changes:
            own[one.name] = changes[one.name]
    return dataclasses.replace(params, **own)
