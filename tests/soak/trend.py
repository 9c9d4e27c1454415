"""How figures of a long run grow: straight lines by least squares over its last two thirds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WARM_UP_FRAC = 1 / 3


@dataclass(frozen=True, slots=True)
class Trend:
    """One figure: where it was after the warm-up, where it ended, its most, and its slope per hour."""

    name: str
    first: float
    last: float
    most: float
    per_hour: float


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least-squares slope of y over x; 0 for fewer than two distinct x.

    >>> slope([(0, 1), (1, 3), (2, 5)])
    2.0
    """
    n = len(points)
    if n < 2:
        return 0.0
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def settled(rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The last two thirds of the samples."""
    return rows[int(len(rows) * WARM_UP_FRAC) :]


def trend(rows: Sequence[Mapping[str, Any]], name: str, group: str | None = None) -> Trend:
    """Trend of a figure over the settled rows; one of a ``group`` (containers, types) counts 0 where it is missing."""
    points = [(float(row["s"]) / 3600, float((row[group] if group else row).get(name, 0))) for row in settled(rows)]
    sizes = [y for _, y in points]
    return Trend(name, sizes[0], sizes[-1], max(sizes), slope(points))


def growing(rows: Sequence[Mapping[str, Any]], group: str, least: float) -> list[Trend]:
    """Figures of a group that ended ``least`` or more above their beginning, fastest first."""
    names = {name for row in settled(rows) for name in row[group]}
    found = [trend(rows, name, group) for name in names]
    return sorted((t for t in found if t.last - t.first >= least), key=lambda t: -t.per_hour)
