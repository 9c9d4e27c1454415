"""A parsed rule file to ``ProgramRules``: every field must be there, null where unknown, and nothing else may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from math import isfinite
from typing import TypeVar

from hummingbot_extensions.core.programs import (
    Cadence,
    CountedBy,
    FeeTier,
    FlickerRules,
    HourColour,
    HourTier,
    MakerHoursRules,
    PointsBand,
    PointsRules,
    ProgramFileError,
    ProgramMarket,
    ProgramRules,
)

SCHEMA = 1
"""Of rule files; raised when a field changes its meaning."""
HOUR_S = 3600
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class _Fields:
    """One mapping of the file, read field by field so that an error names the dotted path; ``done`` ends it."""

    def __init__(self, value: object, path: str = "") -> None:
        self._path = path
        if not isinstance(value, Mapping):
            raise ProgramFileError(path or "file", "must be a mapping of fields")
        self._left: dict[str, object] = {str(key): item for key, item in value.items()}

    def path(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def value(self, name: str) -> object:
        if name not in self._left:
            raise ProgramFileError(self.path(name), "is missing; write null if the figure is not known")
        return self._left.pop(name)

    def part(self, name: str) -> object | None:
        """A section of the program; None when the program has no such part."""
        return self._left.pop(name, None)

    def text(self, name: str) -> str:
        value = self.value(name)
        if not isinstance(value, str) or not value:
            raise ProgramFileError(self.path(name), "must be a text")
        return value

    def maybe_number(self, name: str, low: float = 0.0, high: float = 1e12, is_open: bool = True) -> float | None:
        """Number above ``low`` (at or above it unless ``is_open``) and at most ``high``; None for null."""
        value = self.value(name)
        if value is None:
            return None
        span = f"must be a number {'above' if is_open else 'of at least'} {low:g} and at most {high:g}"
        if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
            raise ProgramFileError(self.path(name), f"{span}, or null")
        if value > high or value < low or (is_open and value == low):
            raise ProgramFileError(self.path(name), f"{span}, not {value}")
        return float(value)

    def number(self, name: str, low: float = 0.0, high: float = 1e12, is_open: bool = True) -> float:
        value = self.maybe_number(name, low, high, is_open)
        if value is None:
            raise ProgramFileError(self.path(name), "must be a number; set the whole list to null if it is not known")
        return value

    def maybe_flag(self, name: str) -> bool | None:
        value = self.value(name)
        if value is not None and not isinstance(value, bool):
            raise ProgramFileError(self.path(name), f"must be true, false or null; not {value!r}")
        return value

    def maybe_choice(self, name: str, kind: type[E]) -> E | None:
        value = self.value(name)
        if value is None:
            return None
        words = [str(member) for member in kind]
        if value not in words:
            raise ProgramFileError(self.path(name), f"must be one of {', '.join(words)}, or null; not {value!r}")
        return kind(str(value))

    def maybe_rows(self, name: str, row: Callable[[_Fields], T]) -> tuple[T, ...] | None:
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            raise ProgramFileError(self.path(name), "must be a list with at least one row, or null")
        rows = []
        for number, item in enumerate(value):
            fields = _Fields(item, f"{self.path(name)}[{number}]")
            rows.append(row(fields))
            fields.done()
        return tuple(rows)

    def done(self) -> None:
        if self._left:
            name = min(self._left)
            raise ProgramFileError(self.path(name), "is not a field of rule files; remove it or correct its name")


def program_rules(file: object) -> ProgramRules:
    """The rules in a parsed file; ``ProgramFileError`` names the field that is wrong and what to write."""
    fields = _Fields(file)
    schema = fields.value("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise ProgramFileError("schema", f"must be {SCHEMA}, the only one that this version reads; not {schema!r}")
    reference = fields.value("reference")
    if reference not in ("mark", None):
        raise ProgramFileError("reference", f"must be mark, or null; not {reference!r}")
    maker_hours, points = fields.part("maker_hours"), fields.part("points")
    fee_tiers = fields.maybe_rows("fee_tiers", _fee_tier)
    _must_rise([tier.above_hours for tier in fee_tiers or ()], "fee_tiers", "above_hours")
    flicker = fields.part("flicker")
    rules = ProgramRules(
        name=fields.text("program"),
        venue=fields.text("venue"),
        cadence=fields.maybe_choice("cadence", Cadence),
        reference=None if reference is None else "mark",
        maker_hours=None if maker_hours is None else _maker_hours(_Fields(maker_hours, "maker_hours")),
        points=None if points is None else _points(_Fields(points, "points")),
        fee_tiers=fee_tiers,
        flicker=None if flicker is None else _flicker(_Fields(flicker, "flicker")),
    )
    fields.done()
    if rules.maker_hours is None and rules.points is None:
        raise ProgramFileError("maker_hours", "or points must be there: a program scores at least one of them")
    return rules


def _maker_hours(fields: _Fields) -> MakerHoursRules:
    markets = fields.value("markets")
    colours = fields.maybe_rows("colours", _colour) or ()
    _must_rise([-colour.above_hours for colour in colours], fields.path("colours"), "above_hours", "fall")
    rules = MakerHoursRules(
        band_bps=fields.maybe_number("band_bps"),
        markets=_markets(markets, fields.path("markets")),
        counted_by=fields.maybe_choice("counted_by", CountedBy),
        sample_every_s=fields.maybe_number("sample_every_s", high=HOUR_S),
        tiers=fields.maybe_rows("tiers", _hour_tier),
        max_per_hour=fields.maybe_number("max_per_hour"),
        symbols_add_up=fields.maybe_flag("symbols_add_up"),
        colours=colours,
        further_terms=_further_terms(fields),
    )
    if rules.sample_every_s is not None and HOUR_S % rules.sample_every_s:
        raise ProgramFileError(fields.path("sample_every_s"), f"must divide {HOUR_S}, such as 60 or 180")
    fields.done()
    return rules


def _markets(value: object, path: str) -> dict[str, ProgramMarket]:
    if not isinstance(value, Mapping):
        raise ProgramFileError(path, "must be a mapping of symbols, such as BTC-USD, to cap_base and divisor_base")
    found = {}
    for symbol, terms in value.items():
        fields = _Fields(terms, f"{path}.{symbol}")
        found[str(symbol)] = ProgramMarket(fields.maybe_number("cap_base"), fields.maybe_number("divisor_base"))
        fields.done()
    return found


def _further_terms(fields: _Fields) -> tuple[str, ...]:
    terms = fields.part("further_terms")
    if terms is None:
        return ()
    if not isinstance(terms, Mapping):
        raise ProgramFileError(fields.path("further_terms"), "must be a mapping of names to null")
    for name, value in terms.items():
        if value is not None:
            path = f"{fields.path('further_terms')}.{name}"
            raise ProgramFileError(path, "must be null: this version cannot score with a figure for it")
    return tuple(sorted(str(name) for name in terms))


def _hour_tier(fields: _Fields) -> HourTier:
    return HourTier(
        fields.text("name"),
        fields.number("share_frac", high=1.0),
        fields.number("minutes", high=60.0),
        fields.number("multiplier"),
    )


def _colour(fields: _Fields) -> HourColour:
    return HourColour(fields.text("name"), fields.number("above_hours", is_open=False), fields.text("wire_tier"))


def _fee_tier(fields: _Fields) -> FeeTier:
    return FeeTier(
        fields.text("name"),
        fields.number("above_hours"),
        fields.number("taker_fee_bps", low=-100.0, high=100.0),
        fields.number("maker_fee_bps", low=-100.0, high=100.0),
    )


def _points(fields: _Fields) -> PointsRules:
    rules = PointsRules(
        fields.maybe_number("dwell_s", is_open=False),
        fields.maybe_number("points_per_usd_day"),
        fields.maybe_rows("bands", lambda row: PointsBand(row.number("to_bps"), row.number("share_frac", high=1.0))),
    )
    _must_rise([band.to_bps for band in rules.bands or ()], fields.path("bands"), "to_bps")
    fields.done()
    return rules


def _flicker(fields: _Fields) -> FlickerRules:
    rules = FlickerRules(fields.maybe_number("short_life_s"))
    fields.done()
    return rules


def _must_rise(values: Sequence[float], path: str, name: str, word: str = "rise") -> None:
    if any(left >= right for left, right in zip(values, values[1:], strict=False)):
        raise ProgramFileError(path, f"rows must be in order: {name} has to {word} from row to row")
