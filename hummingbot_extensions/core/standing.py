"""How the bot itself stands in each reward program: this hour, the points of this run and the month so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum

from hummingbot_extensions.core.flicker import FlickerScore
from hummingbot_extensions.core.maker_hours import HOUR_NS, SECOND_NS, HourScore, hour_of
from hummingbot_extensions.core.maker_month import MonthOutlook, month_outlook
from hummingbot_extensions.core.own_record import OwnRecord, Resting, band_edges_bps
from hummingbot_extensions.core.program_score import program_score
from hummingbot_extensions.core.programs import Cadence, ProgramRules

FOLD_AFTER_NS = 60 * SECOND_NS
"""An hour is folded this long after its end, when the dwell of what rested over the hour is known."""
KEPT_HOURS = 31 * 24
SAMPLE_SEED = 1
"""Draws the sample moments; the emulator's default, so that both look at the same ones."""


@dataclass(frozen=True, slots=True)
class ProgramStanding:
    """One program, by our own record. None: nobody knows, and ``unknown`` names the rule file's field; never 0."""

    program: str
    hour: HourScore | None
    """The running hour; None for a program without Maker Hours."""
    points: float | None
    """Of this run, all hours. None too for a program that pays none, see ``has_points``."""
    hour_points: float | None
    band_points: dict[float, float] | None
    """``points`` by band: what was earned up to so many bps, beyond the band before."""
    flicker: FlickerScore | None
    """Of the running hour."""
    month: MonthOutlook | None
    """From the hours of this run alone; the others of the month are ``unscored_hours``."""
    unknown: tuple[str, ...]
    has_points: bool


@dataclass(slots=True)
class _Folded:
    hours: list[HourScore] = field(default_factory=list)
    points: list[tuple[float, ...] | None] = field(default_factory=list)
    """Of each band."""


class Standings:
    """Our record of one market and the programs that score it. Hours that are over are folded into their scores."""

    def __init__(self, rules: Sequence[ProgramRules], symbol: str, start_ns: int, utc_offset_ns: int) -> None:
        """``utc_offset_ns`` is added to the caller's times to get UTC."""
        self.rules = tuple(rules)
        self._record = OwnRecord(symbol, start_ns, utc_offset_ns, band_edges_bps(rules))
        self._from_ns = start_ns
        self._folded = {program.name: _Folded() for program in self.rules}

    def frame(self, at_ns: int) -> None:
        """A feed frame came in."""
        self._record.frame(at_ns)

    def state(self, at_ns: int, mark: float | None, resting: Iterable[Resting]) -> None:
        """From ``at_ns`` on these orders rest and the venue's mark stands here."""
        self._record.state(at_ns, mark, resting)
        while at_ns >= self._hour_end_ns(self._from_ns) + FOLD_AFTER_NS:
            self._fold(at_ns)

    def pulled(self, at_ns: int) -> None:
        """Nothing is earned from here on, whatever still rests until it is cancelled."""
        self._record.pulled(at_ns)

    def ended(self, at_ns: int, order_id: str, is_cancelled: bool) -> None:
        """An order rests no longer; ``is_cancelled`` when it ended because we asked."""
        self._record.ended(at_ns, order_id, is_cancelled)

    def standings(self, now_ns: int) -> tuple[ProgramStanding, ...]:
        """Where each program stands now, in the order of the rules."""
        return tuple(self._standing(program, now_ns) for program in self.rules)

    @property
    def kept(self) -> int:
        """Values held for the running hour."""
        return self._record.kept

    def _standing(self, rules: ProgramRules, now_ns: int) -> ProgramStanding:
        folded = self._folded[rules.name]
        scores = [
            program_score(rules, self._record.record(*span, now_ns), SAMPLE_SEED) for span in self._open_spans(now_ns)]
        last = scores[-1]
        hours = [*folded.hours, *(hour for score in scores for hour in score.hours)]
        is_monthly = rules.cadence is Cadence.MONTH and bool(hours)
        now_utc_ns = now_ns + self._record.utc_offset_ns
        earned = _band_totals([*folded.points, *(score.band_points for score in scores)])
        bands = rules.points.bands if rules.points is not None else None
        return ProgramStanding(
            program=rules.name,
            hour=last.hours[-1] if last.hours else None,
            points=None if earned is None else fsum(earned),
            hour_points=last.points,
            band_points=None if earned is None or bands is None else {
                band.to_bps: each for band, each in zip(bands, earned, strict=True)},
            flicker=last.flicker,
            month=month_outlook(rules, {self._record.symbol: hours}, now_utc_ns) if is_monthly else None,
            unknown=last.unknown,
            has_points=rules.points is not None,
        )

    def _open_spans(self, now_ns: int) -> list[tuple[int, int]]:
        """What is not folded, cut at the hours."""
        spans = [(self._from_ns, min(self._hour_end_ns(self._from_ns), now_ns))]
        while spans[-1][1] < now_ns:
            spans.append((spans[-1][1], min(self._hour_end_ns(spans[-1][1]), now_ns)))
        return spans

    def _fold(self, now_ns: int) -> None:
        end_ns = self._hour_end_ns(self._from_ns)
        record = self._record.record(self._from_ns, end_ns, now_ns)
        for program in self.rules:
            score, folded = program_score(program, record, SAMPLE_SEED), self._folded[program.name]
            folded.hours = [*folded.hours, *score.hours][-KEPT_HOURS:]
            folded.points = [_band_totals([*folded.points, score.band_points])]
        self._record.forget(end_ns)
        self._from_ns = end_ns

    def _hour_end_ns(self, at_ns: int) -> int:
        offset_ns = self._record.utc_offset_ns
        return hour_of(at_ns + offset_ns) + HOUR_NS - offset_ns


def _band_totals(values: Sequence[tuple[float, ...] | None]) -> tuple[float, ...] | None:
    """Sum of each band over all ``values``; None while one of them is not known."""
    known = [value for value in values if value is not None]
    return tuple(fsum(band) for band in zip(*known, strict=True)) if values and len(known) == len(values) else None
