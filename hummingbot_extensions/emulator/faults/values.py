"""Faults as values: what a fault is called and takes, to whom it applies, and one that is armed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

SECOND_NS = 1_000_000_000
MAX_SECONDS = 10_000_000.0

Value = float | str


class BadFault(Exception):
    """A fault that cannot be armed; the text names the member and what it must be."""


class Effect(StrEnum):
    """Where a fault takes hold."""

    HTTP = "HTTP"
    SOCKET = "sockets"
    FRAME = "frames"
    OUTCOME = "order outcomes"
    ACCOUNT = "account data"
    MARKET = "market data"
    ACCESS = "access and time"


class Scope(StrEnum):
    """What a fault may be narrowed to; without it, it applies to all."""

    ACCOUNT = "account"
    SOCKET = "socket"
    CHANNEL = "channel"
    SYMBOL = "symbol"
    ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: a number within bounds in ``unit``, or one of ``choices``; text if it has neither."""

    name: str
    meaning: str
    default: Value
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    is_whole: bool = False

    def parsed(self, value: object) -> Value:
        """``value`` as this parameter takes it; BadFault otherwise."""
        if self.choices:
            if value not in self.choices:
                raise BadFault(f"{self.name}: must be one of {', '.join(self.choices)}")
            return str(value)
        if self.low is None or self.high is None:
            if not isinstance(value, str) or not 1 <= len(value) <= 200:
                raise BadFault(f"{self.name}: must be a text of 1 to 200 characters")
            return value
        return number(self.name, value, self.low, self.high, self.is_whole)

    @property
    def bounds(self) -> str:
        """What may stand here, in words."""
        if self.choices:
            return " or ".join(f"`{choice}`" for choice in self.choices)
        if self.low is None or self.high is None:
            return "text"
        kind = "whole " if self.is_whole else ""
        return f"{kind}{self.low:g} to {self.high:g}{f' {self.unit}' if self.unit else ''}"


@dataclass(frozen=True, slots=True)
class Fault:
    """An entry of the catalogue. ``is_once`` is the default: one use; else it holds until it is taken off."""

    name: str
    effect: Effect
    meaning: str
    params: tuple[Param, ...] = ()
    scopes: tuple[Scope, ...] = ()
    is_once: bool = False
    is_act: bool = False
    """Done at the moment it is armed (or repeatedly, with ``every_s``); it meets nobody later."""


@dataclass(frozen=True, slots=True)
class Whom:
    """Who meets a fault just now; None where the question does not apply."""

    account: str | None = None
    socket: str | None = None
    channel: str | None = None
    symbol: str | None = None
    endpoint: str | None = None


@dataclass(slots=True)
class Armed:
    """A fault that is on: its values, to whom it applies, and how long. Times are venue nanoseconds."""

    id: int
    fault: Fault
    values: Mapping[str, Value]
    scope: Mapping[Scope, str]
    left: int | None
    """Uses left; None: any number."""
    from_ns: int
    until_ns: int | None
    every_ns: int | None
    probability: float
    draw: Random
    met: int = 0
    """How often it has taken hold."""
    memory: dict[str, object] = field(default_factory=dict)
    """What an effect keeps from one use to the next."""

    def holds(self, now_ns: int) -> bool:
        return self.from_ns <= now_ns and not self.is_over(now_ns)

    def is_over(self, now_ns: int) -> bool:
        return self.left == 0 or (self.until_ns is not None and now_ns >= self.until_ns)

    def concerns(self, whom: Whom) -> bool:
        """Whether everything that it is narrowed to is what stands before it."""
        return all(getattr(whom, scope.value) == wanted for scope, wanted in self.scope.items())

    def use(self) -> None:
        self.met += 1
        if self.left is not None:
            self.left -= 1

    def number(self, name: str) -> float:
        value = self.values[name]
        assert not isinstance(value, str)
        return value

    def whole(self, name: str) -> int:
        return int(self.number(name))

    def text(self, name: str) -> str:
        return str(self.values[name])

    def as_json(self, now_ns: int) -> dict[str, object]:
        return {
            "id": self.id,
            "name": self.fault.name,
            "values": dict(self.values),
            "scope": {str(scope): wanted for scope, wanted in self.scope.items()},
            "left": self.left,
            "starts_in_s": max(0, self.from_ns - now_ns) / SECOND_NS,
            "ends_in_s": None if self.until_ns is None else max(0, self.until_ns - now_ns) / SECOND_NS,
            "every_s": None if self.every_ns is None else self.every_ns / SECOND_NS,
            "probability": self.probability,
            "met": self.met,
        }


@dataclass(slots=True)
class HttpFault:
    """For code inside the process: the next ``left`` requests to ``path`` (None: any) are answered with ``status``."""

    status: int
    left: int
    path: str | None
    is_after: bool


def number(name: str, value: object, low: float, high: float, is_whole: bool = False) -> float:
    """``value`` as a number in [low, high]; BadFault otherwise."""
    what = "a whole number" if is_whole else "a number"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or (is_whole and value != int(value)):  # type: ignore[operator, arg-type]
        raise BadFault(f"{name}: must be {what} from {low:g} to {high:g}")
    return float(value)  # type: ignore[arg-type]
