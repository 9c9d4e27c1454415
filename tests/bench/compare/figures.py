"""Samples of one bot, and the table of all of them beside the bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles

Samples = Sequence[float]


@dataclass(slots=True)
class Figures:
    """What one bot showed. Times in ms; memory in MB; CPU as a fraction of a core."""

    name: str
    order_ms: list[float] = field(default_factory=list)
    """From the frame that put a quote out to the first byte of the order that answers it."""
    last_order_ms: list[float] = field(default_factory=list)
    """With many layers: the same of the last order that the frame led to."""
    cancel_ms: list[float] = field(default_factory=list)
    """From that frame to the first byte of the cancel of the quote."""
    stop_ms: list[float] = field(default_factory=list)
    """From the stop of an executor to its end."""
    empty_ms: list[float] = field(default_factory=list)
    """How long a side stood empty over each re-quote, at the venue."""
    tight_empty_ms: list[float] = field(default_factory=list)
    """The same with a cap under which two orders of a side do not fit."""
    off_frac: float = 0.0
    """Share of frames at which a resting quote was out of the rule."""
    lags_ms: list[float] = field(default_factory=list)
    longest_ms: float = 0.0
    longest_cpu_ms: float = 0.0
    longest_name: str = ""
    longest_ours_ms: float = 0.0
    longest_ours_cpu_ms: float = 0.0
    longest_ours_name: str = ""
    gc_ms: float = 0.0
    frames_per_s: float = 0.0
    memory_mb: float = 0.0
    cpu_frac: float = 0.0


def percentile(samples: Samples, percent: int) -> float:
    """Percentile between samples; of one sample it is that one. ValueError without any."""
    if not samples:
        raise ValueError("no samples")
    if len(samples) == 1:
        return samples[0]
    return quantiles(samples, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: samples of each way, and what ours must keep."""

    what: str
    ours: Samples
    stock: Samples | None
    fastest: Samples | None
    unit: str
    bar: str = ""
    is_held: Callable[[Samples], bool] | None = None

    @property
    def verdict(self) -> str:
        if self.is_held is None:
            return ""
        if not self.ours:
            return "NO SAMPLES"
        return "held" if self.is_held(self.ours) else "MISSED"

    def line(self) -> str:
        cells = [_cell(samples, self.unit) for samples in (self.ours, self.stock, self.fastest)]
        return (f"{self.what:<48} {cells[0]:>25} {cells[1]:>25} {cells[2]:>25} {self._ratio():>8}  "
                f"{self.bar:<27} {self.verdict}").rstrip()

    def _ratio(self) -> str:
        if not self.ours or not self.stock or percentile(self.ours, 50) <= 0:
            return ""
        return f"{percentile(self.stock, 50) / percentile(self.ours, 50):,.1f} x"


HEAD = (f"{'p50 / p99 (count)':<48} {'ours':>25} {'stock':>25} {'stock, all at 0.1 s':>25} {'ratio':>8}  "
        f"{'bar':<27} verdict")


def _cell(samples: Samples | None, unit: str) -> str:
    if samples is None:
        return "-"
    if not samples:
        return "none"
    if len(samples) == 1:
        return f"{samples[0]:,.1f} {unit}"
    return f"{percentile(samples, 50):,.1f} / {percentile(samples, 99):,.1f} {unit} ({len(samples)})"


def rows(
    ours: Figures, stock: Figures, fastest: Figures | None, bare: Figures, layered: Figures | None, latency_ms: float
) -> list[Row]:
    """The table. ``latency_ms`` is the venue's: from acceptance to execution of an order and of a cancel."""
    stop_bar, empty_bar = latency_ms + 200, 2 * latency_ms + 10

    def of(what: Callable[[Figures], Samples], figures: Figures | None) -> Samples | None:
        return None if figures is None else what(figures)

    def row(
        what: str, get: Callable[[Figures], Samples], unit: str, bar: str = "",
        is_held: Callable[[Samples], bool] | None = None,
    ) -> Row:
        return Row(what, get(ours), get(stock), of(get, fastest), unit, bar, is_held)

    found = [
        row("book frame -> first order on the socket, 1 level", lambda f: f.order_ms, "ms",
            "p50 <= 3 ms, p99 <= 10 ms", lambda s: percentile(s, 50) <= 3 and percentile(s, 99) <= 10)]
    if layered is not None:
        found += [
            Row("  the same, first of 18 + 18 layers", layered.order_ms, None, None, "ms"),
            Row("  last of the orders that the frame led to", layered.last_order_ms, None, None, "ms"),
        ]
    found += [
        row("book frame -> cancel of that quote on the socket", lambda f: f.cancel_ms, "ms"),
        row("executor stop -> slot free", lambda f: f.stop_ms, "ms", f"p99 <= {latency_ms:g} + 200 ms",
            lambda s: percentile(s, 99) <= stop_bar),
        row("side empty over a re-quote, two orders fit", lambda f: f.empty_ms, "ms", "always 0",
            lambda s: max(s) == 0),
        Row("side empty over a re-quote, cap for one order", ours.tight_empty_ms, None, None, "ms",
            f"p99 <= 2 x {latency_ms:g} + 10 ms", lambda s: percentile(s, 99) <= empty_bar),
        row("memory over bare Hummingbot", lambda f: [f.memory_mb - bare.memory_mb], "MB", "<= 100 MB",
            lambda s: s[0] <= 100),
        row("CPU over bare Hummingbot", lambda f: [100 * (f.cpu_frac - bare.cpu_frac)], "% core", "<= 20 % of a core",
            lambda s: s[0] <= 20),
        Row("longest callback of ours", [ours.longest_ours_ms], None, None, "ms", "<= 20 ms", lambda s: s[0] <= 20),
        row("longest callback, whoever's", lambda f: [f.longest_ms], "ms"),
        row("event loop late by", lambda f: f.lags_ms, "ms"),
        row("event loop late by, most", lambda f: [max(f.lags_ms, default=0.0)], "ms"),
    ]
    return found
