"""Frozen values to plain JSON and back, and a digest that is equal exactly when the values are."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
import typing
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]


def to_plain(value: Any) -> Plain:
    """JSON-able form of a frozen value: decimals as strings, enums as their values, unions of dataclasses tagged."""
    if value is None or isinstance(value, (bool, int, str)) and not isinstance(value, Enum):
        return value
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no JSON form")
        return value
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields: dict[str, Plain] = {"_": type(value).__name__}
        for field in dataclasses.fields(value):
            fields[field.name] = to_plain(getattr(value, field.name))
        return fields
    raise TypeError(f"{type(value).__name__} has no plain form")


def canonical_json(value: Any) -> str:
    """One JSON text per value: sorted keys, no spaces, shortest exact floats."""
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def from_plain(kind: type[T], plain: Plain) -> T:
    """The value of type ``kind`` that ``to_plain`` gave as ``plain``; ValueError names what does not fit."""
    return typing.cast(T, _decode(kind, plain))


def _decode(kind: Any, plain: Plain) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(kind), plain)
    if origin is tuple:
        if not isinstance(plain, list):
            raise ValueError(f"expected a list, got {plain!r}")
        kinds = typing.get_args(kind)
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            return tuple(_decode(kinds[0], item) for item in plain)
        if len(kinds) != len(plain):
            raise ValueError(f"expected {len(kinds)} items, got {len(plain)}")
        return tuple(_decode(one, item) for one, item in zip(kinds, plain, strict=True))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(plain, dict) or plain.get("_") != kind.__name__:
            raise ValueError(f"expected a {kind.__name__}, got {plain!r}")
        return _decode_fields(kind, plain)
    if kind is Decimal and isinstance(plain, str):
        try:
            return Decimal(plain)
        except InvalidOperation as error:
            raise ValueError(f"{plain!r} is not a decimal") from error
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    if kind is float and isinstance(plain, (int, float)) and not isinstance(plain, bool):
        return float(plain)
    if isinstance(kind, type) and isinstance(plain, kind):
        return plain
    raise ValueError(f"{plain!r} is not a {kind}")


def _decode_fields(kind: type, plain: dict[str, Plain]) -> Any:
    hints = _hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    missing = [name for name in names if name not in plain]
    if missing:
        raise ValueError(f"a {kind.__name__} lacks {', '.join(missing)}")
    return kind(**{name: _decode(hints[name], plain[name]) for name in names})


def _decode_union(kinds: tuple[Any, ...], plain: Plain) -> Any:
    if plain is None and type(None) in kinds:
        return None
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _decode(kind, plain)
        except ValueError:
            continue
    raise ValueError(f"{plain!r} fits none of {kinds}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
