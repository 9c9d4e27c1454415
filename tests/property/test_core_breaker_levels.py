"""What the breakers keep whatever happens: no flapping, no level for ever but the stop, no cancel for risk held up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from core_builders import NOW, SECOND, account, order, params, view
from hypothesis import example, given
from hypothesis import strategies as st

from hummingbot_extensions.core.breaker_state import Level
from hummingbot_extensions.core.breakers import DEGRADED_HOLD_S, SAFE_HOLD_S
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import Cancel, DecisionState, Place
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, OrderState, OwnOrder
from hummingbot_extensions.execution.health import HealthLog

EVENTS = ("nothing", "rejected", "throttled", "failed", "worked", "slow", "quick", "mismatch")
KINDS = st.sampled_from(EVENTS)
WITHOUT_BREAKERS = params(latency_degraded_ms=1e8, latency_pause_ms=2e8)
"""For a line of which nothing else is known: orders that wait would trip one all the same."""
STEPS = st.lists(st.tuples(KINDS, st.integers(1, 6), st.integers(50, 20_000)), max_size=25)
"""(what happened, how often at once, milliseconds until then)"""


class Line:
    """Decisions one after the other on a health log that events are told to."""

    def __init__(self, **changes: Any) -> None:
        self.params = params(**changes)
        self.log = HealthLog()
        self.state = DecisionState()
        self.now_ns = NOW
        self.throttled = 0
        self.levels: list[tuple[int, Level]] = []
        self._count = 0

    def tell(self, event: str, times: int) -> None:
        for _ in range(times):
            self._count += 1
            name = f"o{self._count}"
            if event == "rejected":
                self.log.on_order("rejected", name, self.now_ns)
            elif event == "throttled":
                self.throttled += 1
            elif event == "failed":
                self.log.on_cancel_sent("retry", self.now_ns)
            elif event == "worked":
                self.log.on_order("canceled", name, self.now_ns)
            elif event == "mismatch":
                self.log.on_position_mismatch(self.now_ns)
            elif event in ("slow", "quick"):
                self.log.on_order("placed", name, self.now_ns - (3000 if event == "slow" else 30) * 1_000_000)
                self.log.on_order("live", name, self.now_ns)

    def decide(self, held: AccountView | None = None) -> Any:
        seen = held if held is not None else account()
        seen = replace(seen, health=self.log.health(self.now_ns, seen.orders, self.throttled))
        market = view(now_ns=self.now_ns, price_frame_ns=self.now_ns)
        decision = decide(DecisionInputs(market, seen, self.params, self.state))
        self.state = decision.state
        self.levels.append((self.now_ns, decision.state.breaker.level))
        return decision

    def wait(self, ms: float) -> None:
        """Pass time with a decision every quarter of a second, as the heartbeat makes them."""
        ends_ns = self.now_ns + int(ms * 1e6)
        while self.now_ns < ends_ns:
            self.now_ns = min(ends_ns, self.now_ns + SECOND // 4)
            self.decide()


def stays(levels: list[tuple[int, Level]]) -> list[tuple[Level, float]]:
    """(level, seconds) of every finished stay, in order."""
    found: list[tuple[Level, float]] = []
    since_ns, level = levels[0]
    for now_ns, now in levels:
        if now is not level:
            found.append((level, (now_ns - since_ns) / SECOND))
            since_ns, level = now_ns, now
    return found


@given(STEPS)
def test_no_level_flaps(steps: list[tuple[str, int, int]]) -> None:
    """A stay in which nothing is placed lasts its cooldown unless it gets stricter; between normal and degraded there
    is a minute.
    """
    line = Line()
    line.decide()
    for event, times, ms in steps:
        line.tell(event, times)
        line.wait(ms)
    blocked = [(now_ns, Level.PAUSE if not level.may_quote else level) for now_ns, level in line.levels]
    least = {Level.PAUSE: min(SAFE_HOLD_S, line.params.venue_cooldown_s), Level.NORMAL: 0.0}
    for level, seconds in stays(blocked):
        if level in least:
            assert seconds >= least[level] - 0.25
    merged = [(now_ns, level if level is Level.NORMAL else Level.DEGRADED) for now_ns, level in line.levels]
    for level, seconds in stays(merged):
        if level is Level.DEGRADED:
            assert seconds >= DEGRADED_HOLD_S - 0.25


@given(STEPS)
def test_every_level_but_stop_ends_by_itself(steps: list[tuple[str, int, int]]) -> None:
    """After the last event, with nothing resting and positions agreed, it is back to normal within the longest pause
    and its minute; a stop stays.
    """
    line = Line()
    for event, times, ms in steps:
        line.tell(event, times)
        line.wait(ms)
    is_stopped = line.state.breaker.stop_since_ns is not None
    line.now_ns += int((8 * line.params.reject_cooldown_s + 2) * SECOND)
    line.wait(8_000)
    line.now_ns += int((DEGRADED_HOLD_S + 60) * SECOND)
    line.decide()
    line.now_ns += int((DEGRADED_HOLD_S + 60) * SECOND)
    decision = line.decide()
    assert decision.state.breaker.level is (Level.STOP if is_stopped else Level.NORMAL)
    assert any(isinstance(action, Place) for action in decision.actions) is not is_stopped


ORDERS = st.lists(
    st.builds(
        lambda side, bps, state, age_ms: (side, bps, state, age_ms),
        st.sampled_from(list(Side)), st.integers(-5, 40),
        st.sampled_from([OrderState.LIVE, OrderState.PLACING, OrderState.UNKNOWN, OrderState.CANCELLING]),
        st.integers(0, 100_000),
    ), max_size=6)  # fmt: skip


def own(line: Line, rows: list[tuple[Side, int, OrderState, int]]) -> tuple[OwnOrder, ...]:
    orders = []
    for number, (side, bps, state, age_ms) in enumerate(rows):
        price = (Decimal(100_000) * (1 - Decimal(side.sign * bps) / 10_000)).quantize(Decimal("0.01"))
        placed_ns = line.now_ns - age_ms * 1_000_000
        sent_ns = line.now_ns if state is OrderState.CANCELLING else None
        orders.append(order(side, str(price), f"own{number}", state=state, placed_ns=placed_ns,
                            has_rested=state is not OrderState.PLACING, cancel_sent_ns=sent_ns))
    return tuple(orders)


@given(STEPS, ORDERS, st.lists(st.integers(0, 59), max_size=30))
@example([("slow", 1, 50)], [(Side.BUY, bps, OrderState.PLACING, 2000) for bps in (0, 0, 2)], [])
def test_cancels_for_risk_are_never_held_up(
    steps: list[tuple[str, int, int]], rows: list[tuple[Side, int, OrderState, int]], spent: list[int]
) -> None:
    """Whatever the level: the risk cancels of a line without breakers leave at once, all orders once quoting is
    halted, and nothing is placed then.
    """
    line = Line()
    for event, times, ms in steps:
        line.tell(event, times)
        line.wait(ms)
    before = replace(line.state, cancels_ns=tuple(sorted(line.now_ns - second * SECOND for second in spent)))
    held = account(*own(line, rows))
    line.state = before
    with_breakers = line.decide(held)
    calm = decide(DecisionInputs(view(now_ns=line.now_ns, price_frame_ns=line.now_ns), held, WITHOUT_BREAKERS,
                                 replace(before, breaker=DecisionState().breaker)))  # fmt: skip
    due = {a.client_order_id for a in calm.actions if isinstance(a, Cancel) and a.is_risk}
    sent = {a.client_order_id for a in with_breakers.actions if isinstance(a, Cancel)}
    assert due <= sent
    if not with_breakers.state.breaker.level.may_quote:
        assert not any(isinstance(action, Place) for action in with_breakers.actions)
        assert sent == {o.client_order_id for o in held.orders if o.state is not OrderState.CANCELLING}


@given(st.lists(st.tuples(st.sampled_from(["rejected", "worked"]), st.integers(100, 100_000)), max_size=25))
def test_the_reject_breaker_is_exactly_five_within_the_window(steps: list[tuple[str, int]]) -> None:
    """It trips at the fifth rejection within 300 s of those since the last pause, and never otherwise."""
    line = Line(stop_after_trips=100)
    seen: list[int] = []
    line.decide()
    for event, ms in steps:
        was = line.state.breaker.rejects
        line.wait(ms)
        assert line.state.breaker.rejects is was, "tripped by rejections that a pause has paid for"
        line.tell(event, 1)
        if event == "rejected":
            seen.append(line.now_ns)
        counted = [at for at in seen if at >= line.now_ns - 300 * SECOND and (was is None or at >= was.until_ns)]
        line.decide()
        is_paused = was is not None and line.now_ns < was.until_ns
        assert (line.state.breaker.rejects is not was) is (not is_paused and len(counted) >= 5)
