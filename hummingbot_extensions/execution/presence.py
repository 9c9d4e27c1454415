"""How long we were in band and why we were not, measured by the bot itself from what it knows to rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from hummingbot_extensions.core.decision import Decision
from hummingbot_extensions.core.own_record import Resting
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.pricing import distance_bps
from hummingbot_extensions.core.standing import ProgramStanding, Standings
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.uptime import BandMeter, InBand
from hummingbot_extensions.core.view import MarketView, OrderState, OwnOrder

QUOTED = "quoted"
DISARMED = "disarmed"
STOPPED = "stopped"
DECISION_FAILED = "decision_failed"
SCORED_EVERY_NS = 1_000_000_000
"""Programs are scored no oftener: dashboards ask as often as they like."""
SCORE_PAUSE = 100
"""A score stands for so many times what it cost: an hour of many orders must not keep the loop from quoting."""


class Presence:
    """Time in band against the venue's own mark, and the time each side spent quoted or silent under each reason.

    The bot's own figure: an order counts from the venue's word that it rests to the venue's word that it ended. The
    times of one side sum to the whole. The venue's log is the truth that the demo and the reports compare it with.
    """

    def __init__(self, start_ns: int, standings: Standings | None = None) -> None:
        """``standings`` score the same orders by the reward programs."""
        self.standings = standings
        self._scored: tuple[ProgramStanding, ...] = ()
        self._score_due_ns = start_ns
        self._meter = BandMeter(start_ns)
        self._frame_ns = start_ns
        self._noted_ns = start_ns
        self._since_ns = start_ns
        self._doing: dict[Side, str] = {Side.BUY: "starting", Side.SELL: "starting"}
        self._spent_ns: dict[tuple[Side, str], int] = {}

    def note(
        self, now_ns: int, view: MarketView, decision: Decision, orders: Iterable[OwnOrder], params: QuoteParams,
        is_sending: bool, refused: Callable[[Side], str | None] = lambda side: None,
    ) -> None:
        """Take in one decision and the orders it saw; a bot that does not send earns nothing.

        ``refused`` says why the gate kept a side from being quoted.
        """
        mark = _known_mark(view, params)
        resting = [order for order in orders if is_sending and order.has_rested
                   and order.state in (OrderState.LIVE, OrderState.CANCELLING)]
        in_band = {
            side: mark is not None and any(
                order.side is side and abs(distance_bps(side, float(order.price), mark)) <= params.band_bps
                for order in resting)
            for side in Side
        }
        frame_ns = None if view.book_age_ms is None else now_ns - int(view.book_age_ms * 1e6)
        if frame_ns is not None and frame_ns > self._frame_ns:
            self._frame_ns = frame_ns
            self._meter.frame(max(frame_ns, self._noted_ns))
            if self.standings is not None:
                self.standings.frame(frame_ns)
        if self.standings is not None:
            self.standings.state(now_ns, mark, [
                Resting(order.client_order_id, order.side is Side.BUY, float(order.price), float(order.size))
                for order in resting])
        self._noted_ns = now_ns
        self._meter.state(now_ns, in_band[Side.BUY], in_band[Side.SELL])
        self._spend(now_ns)
        for side in Side:
            silence = decision.silence(side)
            kept_back = refused(side) if not any(order.side is side for order in resting) else None
            said = silence.value if silence is not None else kept_back
            self._doing[side] = str(said) if said is not None else QUOTED if is_sending else DISARMED

    def ended(self, now_ns: int, order_id: str, how: str) -> None:
        """An order of ours ended on the venue's word: ``how`` is filled, canceled or rejected."""
        if self.standings is not None:
            self.standings.ended(now_ns, order_id, is_cancelled=how == "canceled")

    def rest(self, now_ns: int, why: str) -> None:
        """Nothing is earned from here on: what rests is being cancelled, and nobody decides."""
        if self.standings is not None:
            self.standings.pulled(now_ns)
        self._meter.state(now_ns, False, False)
        self._spend(now_ns)
        self._doing = {Side.BUY: why, Side.SELL: why}

    def total(self, now_ns: int) -> InBand:
        return self._meter.total(now_ns)

    def programs(self, now_ns: int) -> tuple[ProgramStanding, ...]:
        """Where each reward program stands, normally at most a second old; empty where the venue has none."""
        if self.standings is not None and now_ns >= self._score_due_ns:
            began_ns = time.perf_counter_ns()
            self._scored = self.standings.standings(now_ns)
            cost_ns = time.perf_counter_ns() - began_ns
            self._score_due_ns = now_ns + max(SCORED_EVERY_NS, SCORE_PAUSE * cost_ns)
        return self._scored

    def spent_s(self, now_ns: int, side: Side) -> dict[str, float]:
        """Seconds that ``side`` was quoted or silent under each reason; they sum to the whole time."""
        self._spend(now_ns)
        return {what: spent / 1e9 for (of, what), spent in self._spent_ns.items() if of is side}

    def _spend(self, now_ns: int) -> None:
        for side, what in self._doing.items():
            self._spent_ns[side, what] = self._spent_ns.get((side, what), 0) + now_ns - self._since_ns
        self._since_ns = now_ns


def _known_mark(view: MarketView, params: QuoteParams) -> float | None:
    """The venue's mark as its last frame said, which programs measure from; None when that frame is too old."""
    is_fresh = view.price_age_ms is not None and view.price_age_ms <= params.stale_mark_ms
    return float(view.mark) if view.mark is not None and is_fresh else None
