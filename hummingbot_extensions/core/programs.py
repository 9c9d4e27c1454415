"""Rules of a venue's maker program as frozen values. The figures come from versioned files, never from here.

None in any field means that nobody knows the figure; a part that is None does not exist in the program. What needs an
unknown is unknown itself: null in every report, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Cadence(StrEnum):
    """Period after which a program starts counting anew."""

    DAY = "day"
    MONTH = "month"


class CountedBy(StrEnum):
    """How the size that was held for a share of the hour is found."""

    SAMPLES = "samples"
    """From values recorded at irregular moments, as the venue does: the ceil(share x n)-th largest of n."""
    MINUTES = "minutes"
    """From the exact time: the largest size that rested for at least so many minutes."""


@dataclass(frozen=True, slots=True)
class ProgramMarket:
    """Terms of one market, in base units."""

    cap_base: float | None
    """Size that counts per side."""
    divisor_base: float | None
    """Size that earns a whole hour at multiplier 1."""


@dataclass(frozen=True, slots=True)
class HourTier:
    """Pays ``multiplier`` x X / divisor, X being the size held in ``share_frac`` of the samples, or for ``minutes``."""

    name: str
    share_frac: float
    minutes: float
    multiplier: float


@dataclass(frozen=True, slots=True)
class HourColour:
    """How the venue's page shows an hour above so many Maker Hours, and the word that its API uses."""

    name: str
    above_hours: float
    wire_tier: str


@dataclass(frozen=True, slots=True)
class MakerHoursRules:
    """Hours earned with size on both sides inside the band, bucketed by the hour of UTC."""

    band_bps: float | None
    markets: Mapping[str, ProgramMarket]
    """Markets of the program; one that is not listed earns nothing known."""
    counted_by: CountedBy | None
    sample_every_s: float | None
    """One sample at a random moment of each such span; divides the hour."""
    tiers: tuple[HourTier, ...] | None
    max_per_hour: float | None
    symbols_add_up: bool | None
    """Whether hours of several markets count together for the fee tiers."""
    colours: tuple[HourColour, ...]
    """Highest first; below all of them the hour is grey."""
    further_terms: tuple[str, ...]
    """Terms that the venue has named without a figure. While there is one, Maker Hours are unknown."""


@dataclass(frozen=True, slots=True)
class PointsBand:
    """Share of a full point for an order at most ``to_bps`` from the reference, beyond the band before."""

    to_bps: float
    share_frac: float


@dataclass(frozen=True, slots=True)
class PointsRules:
    """Points for resting orders, each side alone."""

    dwell_s: float | None
    """An order counts, from its first instant, once it has rested longer than this."""
    points_per_usd_day: float | None
    bands: tuple[PointsBand, ...] | None
    """Nearest first; beyond the last nothing is earned."""


@dataclass(frozen=True, slots=True)
class FeeTier:
    """Fees from a period's Maker Hours on, when they are above ``above_hours``. A negative fee is a rebate."""

    name: str
    above_hours: float
    taker_fee_bps: float
    maker_fee_bps: float


@dataclass(frozen=True, slots=True)
class FlickerRules:
    """Our own yardstick for short-cycle cancels; no venue has published one."""

    short_life_s: float | None
    """An order that its owner cancels sooner than this is a short cycle."""


@dataclass(frozen=True, slots=True)
class ProgramRules:
    """One edition of one program."""

    name: str
    venue: str
    cadence: Cadence | None
    reference: str | None
    """Price that distances are measured from; ``mark`` is the only one that scoring knows."""
    maker_hours: MakerHoursRules | None
    points: PointsRules | None
    fee_tiers: tuple[FeeTier, ...] | None
    """Lowest first. None: unknown, or not part of the program."""
    flicker: FlickerRules | None


class ProgramFileError(ValueError):
    """A rule file that cannot be used: ``field`` is the dotted path in the file, ``fix`` says what to write there."""

    def __init__(self, field: str, fix: str) -> None:
        super().__init__(f"{field}: {fix}")
        self.field = field
        self.fix = fix
