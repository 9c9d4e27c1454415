"""Flicker: orders placed only to be cancelled at once. SIP-5A penalises it without a figure; this is our yardstick."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hummingbot_extensions.core.maker_hours import HOUR_NS, SECOND_NS
from hummingbot_extensions.core.points import rests
from hummingbot_extensions.core.programs import FlickerRules
from hummingbot_extensions.core.uptime import QuoteInterval


@dataclass(frozen=True, slots=True)
class FlickerScore:
    """Short cycles among the orders of a span: orders that their owner cancelled within the short life.

    Orders that were filled, or that still rest, are never short cycles, and neither is a re-quote after a longer rest.
    """

    orders: int
    short_cancels: int
    span_ns: int

    @property
    def score(self) -> float | None:
        """Short cycles per order, 0 (steady) to 1 (nothing but flicker); one more never lowers it. None without orders.
        """
        return self.short_cancels / self.orders if self.orders else None

    @property
    def short_cancels_per_hour(self) -> float | None:
        return self.short_cancels * HOUR_NS / self.span_ns if self.span_ns else None


def flicker(
    quotes: Iterable[QuoteInterval], start_ns: int, end_ns: int, rules: FlickerRules
) -> FlickerScore | None:
    """Flicker of the orders that rested in [start, end); None when the short life is not known.

    An order's life counts whole, also what lies before the span; a cancel after the span does not count in it. Exactly
    the short life is not short.
    """
    if rules.short_life_s is None:
        return None
    short_ns = rules.short_life_s * SECOND_NS
    orders = short = 0
    for rest in rests(quotes):
        first, last = rest[0], rest[-1]
        if first.start_ns >= end_ns or last.end_ns <= start_ns:
            continue
        orders += 1
        if last.is_cancelled and last.end_ns < end_ns and last.end_ns - first.start_ns < short_ns:
            short += 1
    return FlickerScore(orders, short, max(0, end_ns - start_ns))
