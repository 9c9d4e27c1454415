"""K3: a move of a tenth pulls the quotes at once, and stops until a person looks once mid and mark both show it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from core_builders import ASK_KEPT, BID_KEPT, NOW, SECOND, account, cancels, decided, params, places, view

from hummingbot_extensions.core.breaker_state import Cause, Level
from hummingbot_extensions.core.decision import Decision, DecisionState
from hummingbot_extensions.core.shock import UNSHAKEN, Extremes
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.view import AccountView

ON = {"shock_on": True, "max_mark_mid_divergence_bps": 1000.0}
START = 100_000.0
KEPT = {BID_KEPT.client_order_id, ASK_KEPT.client_order_id}


class Path:
    """Decisions one after the other on prices that a test gives; ``decision`` is the last one."""

    def __init__(self, **changes: object) -> None:
        self.changes = {**ON, **changes}
        self.state = DecisionState()
        self.now_ns = NOW
        self.decision: Decision | None = None

    def at(
        self, after_s: float, mid: float | None, mark: float | None = None, held: AccountView | None = None
    ) -> Decision:
        """Decide ``after_s`` later; without a mid the book is empty, without a mark it stands where the mid does."""
        self.now_ns += round(after_s * SECOND)
        stated = mid if mark is None else mark
        price = None if mid is None else Decimal(str(round(mid, 2)))
        seen = view(
            now_ns=self.now_ns, price_frame_ns=self.now_ns, bid=price, ask=None if price is None else price,
            mark=None if stated is None else Decimal(str(round(stated, 2))))
        self.decision = decided(seen, held or account(), params(**self.changes), self.state)
        self.state = self.decision.state
        return self.decision

    @property
    def stop(self) -> bool:
        return self.state.breaker.level is Level.STOP


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("frac", "is_stopped"), [(0.1, True), (0.2, True), (0.0999, False)])
def test_a_move_of_a_tenth_of_both_stops_and_less_does_not(sign: int, frac: float, is_stopped: bool) -> None:
    """From one frame to the next: everything is cancelled with the decision that sees it, and nothing is placed."""
    path = Path()
    path.at(0, START)
    moved = path.at(0.25, START * (1 + sign * frac), held=account(BID_KEPT, ASK_KEPT))
    assert path.stop is is_stopped
    if is_stopped:
        assert path.state.breaker.cause is Cause.SHOCK and moved.bid_silence is Silence.BREAKER_STOP
        assert {each.client_order_id for each in cancels(moved)} == KEPT
        assert all(each.is_risk for each in cancels(moved)) and not places(moved)


@pytest.mark.parametrize("gap_s", [0.25, 3.0, 50.0, 4000.0])
def test_the_first_frame_after_any_silence_is_held_against_the_last_one_before_it(gap_s: float) -> None:
    """Nobody saw the price in between: it may have moved in the last second of the gap."""
    path = Path()
    path.at(0, START)
    path.at(gap_s, START * 0.9)
    assert path.stop


def test_a_move_that_takes_longer_than_the_window_is_no_shock() -> None:
    """A tenth in two minutes, seen every quarter of a second; the same in fifty seconds is one."""
    for seconds, is_stopped in ((120.0, False), (50.0, True)):
        path = Path()
        steps = round(seconds * 4)
        for step in range(steps + 1):
            path.at(0.25, START * (1 - 0.1001 * step / steps))
        assert path.stop is is_stopped


def test_the_stop_lasts_until_a_person_and_then_quotes_where_the_market_is() -> None:
    """No calm ends it; a changed ``breaker_release`` does, and the move that led to it is not counted again."""
    path = Path()
    path.at(0, START)
    path.at(0.25, START * 0.85)
    for _ in range(40):
        path.at(600.0, START * 0.85)
        assert path.stop
    path.changes["breaker_release"] = 1
    assert len(places(path.at(0.25, START * 0.85))) == 2 and path.state.breaker.level is Level.NORMAL
    path.at(0.25, START * 0.7)
    assert path.stop


@pytest.mark.parametrize("wrong", ["mid", "mark"])
@pytest.mark.parametrize("frac", [-0.5, -0.1, 0.1, 20.0])
def test_one_wrong_price_pulls_the_quotes_and_latches_nothing(wrong: str, frac: float) -> None:
    """For a frame or for an hour: quotes are gone while it lasts, and back with the first right frame."""
    for seconds in (0.25, 3600.0):
        path = Path()
        path.at(0, START)
        prices = {"mid": START, "mark": START, wrong: START * (1 + frac)}
        pulled = path.at(0.25, prices["mid"], prices["mark"], held=account(BID_KEPT, ASK_KEPT))
        assert {each.client_order_id for each in cancels(pulled)} == KEPT and not places(pulled)
        path.at(seconds, prices["mid"], prices["mark"])
        assert not path.stop and path.state.shock.is_suspected
        assert len(places(path.at(0.25, START))) == 2 and path.state.breaker.level is Level.NORMAL
        assert not places(path.at(600.0, START * 0.89)) and path.stop, "a real one afterwards is still seen"


def test_the_wrong_frame_is_no_reference_for_the_right_one_after_it() -> None:
    """Back from a price that was never real is no move either."""
    path = Path()
    path.at(0, START)
    path.at(0.25, START * 1.5, START)
    path.at(0.25, START)
    assert not path.stop and not path.state.shock.is_suspected


def test_a_mark_that_follows_slowly_confirms_though_it_never_moves_a_tenth_within_the_window() -> None:
    """The mid falls at once, the mark over ten minutes: references wait for it, half the way is enough."""
    path = Path()
    path.at(0, START)
    for step in range(600):
        mark = START * (1 - 0.0001 * step)
        path.at(1.0, START * 0.9, mark)
        assert path.stop is (mark <= START * 0.95)
        if path.stop:
            break
        assert not places(path.decision) and path.decision.bid_silence is not None
    assert path.stop


def test_prices_that_move_a_tenth_apart_do_not_confirm_each_other() -> None:
    """One up, one down is a contradiction, not a market."""
    path = Path()
    path.at(0, START)
    path.at(0.25, START * 1.1, START * 0.9)
    assert not path.stop and not places(path.decision)


def test_a_book_that_empties_in_the_crash_does_not_hide_it() -> None:
    """The mid's last word counts when the mark comes in."""
    path = Path()
    path.at(0, START)
    path.at(0.25, START * 0.88, START)
    path.at(0.25, None, START * 0.88)
    assert path.stop


def test_a_suspicion_says_so() -> None:
    """Where no other guard is as narrow, the silence has the name of this one."""
    path = Path(shock_frac=0.02)
    path.at(0, START)
    pulled = path.at(0.25, START * 1.02, START)
    assert (pulled.bid_silence, pulled.ask_silence) == (Silence.SHOCK, Silence.SHOCK)


def test_off_keeps_nothing_and_does_nothing() -> None:
    """The default: halving the price leaves no trace in the guard's state."""
    path = Path(shock_on=False)
    path.at(0, START)
    path.at(0.25, START / 2)
    assert path.state.shock is UNSHAKEN and not path.stop and path.state.shock.mid == Extremes()
