"""The queue models, condition by condition."""

from __future__ import annotations

from math import ceil, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import Fill
from hummingbot_extensions.sim.queue_models import (
    QUEUE_MODELS,
    LogQueue,
    PowerQueue,
    QueuePlace,
    RiskAverseQueue,
    queue_model,
)
from hummingbot_extensions.sim.tape import TapeMarket
from tests.support.tapes import BEAT_NS, BTC, START_NS, tape_of

QUEUE = RiskAverseQueue()


def test_shown_level_stands_ahead_whole() -> None:
    """Everything shown at placement is in front; a level shown as empty has nothing in front."""
    assert QUEUE.at_placement(300, 50).ahead_lots == 300
    assert QUEUE.at_placement(0, 50).ahead_lots == 0


def test_unseen_level_has_the_background_ahead_until_first_shown() -> None:
    """The guess is replaced by the first frame that shows the level, and by that one only."""
    place = QUEUE.at_placement(None, 50)
    assert place.ahead_lots == QUEUE.on_frame(place, None).ahead_lots == 50
    seen = QUEUE.on_frame(place, 400)
    assert seen == QueuePlace(400, 400, 0, has_been_shown=True)
    assert QUEUE.on_frame(seen, 900).ahead_lots == 400


def test_shrinking_level_does_not_help() -> None:
    """Others' cancels are taken to be behind us, and so is a level that vanishes and returns."""
    place = QUEUE.at_placement(300, 50)
    for shown in (100, None, 10):
        place = QUEUE.on_frame(place, shown)
    assert (place.ahead_lots, place.shown_lots) == (300, 10)


def test_print_eats_what_is_ahead_and_the_rest_reaches_us() -> None:
    """300 ahead: prints of 200 and 150 leave nothing ahead and give us 50."""
    place, ours = QUEUE.on_print(QUEUE.at_placement(300, 50), 200)
    assert (place.ahead_lots, ours) == (100, 0)
    place, ours = QUEUE.on_print(place, 150)
    assert (place.ahead_lots, place.traded_lots, ours) == (0, 350, 50)
    assert QUEUE.on_frame(place, 300).traded_lots == 0


PROBABLE = [PowerQueue(), LogQueue()]


def test_models_are_chosen_by_name() -> None:
    """Three names, each its own model; another name says what there is."""
    assert list(QUEUE_MODELS) == ["risk_averse", "power", "log"]
    assert all(queue_model(name).name == name for name in QUEUE_MODELS)
    with pytest.raises(ValueError, match="risk_averse, power, log"):
        queue_model("fifo")
    with pytest.raises(ValueError, match="exponent"):
        PowerQueue(exponent=0)


@pytest.mark.parametrize(
    ("model", "share"),
    [(PowerQueue(), 0.9), (PowerQueue(exponent=1.0), 0.75), (LogQueue(), log(301) / (log(301) + log(101)))],
)
def test_cancels_fall_ahead_by_the_models_share(model, share: float) -> None:
    """300 ahead and 100 behind, 100 cancelled: power 2 takes 9/10 from ahead, power 1 3/4, log by logarithms."""
    place = model.on_frame(model.at_placement(300, 50), 400)
    assert (place.ahead_lots, place.shown_lots) == (300, 400)
    place = model.on_frame(place, 300)
    assert place.ahead_lots - place.advance_lots == pytest.approx(300 - 100 * share)
    assert place.ahead_lots == ceil(300 - 100 * share)


@pytest.mark.parametrize("model", PROBABLE)
def test_what_traded_is_not_taken_for_cancelled(model) -> None:
    """A level that shrank by what printed there lost nothing else: 300 ahead, 120 printed, 180 left ahead."""
    place = model.on_frame(model.at_placement(300, 50), 400)
    place, ours = model.on_print(place, 120)
    assert (place.ahead_lots, ours) == (180, 0)
    assert model.on_frame(place, 280).ahead_lots == 180


@pytest.mark.parametrize("model", PROBABLE)
def test_more_cannot_be_cancelled_behind_than_stands_there(model) -> None:
    """Nobody behind: every cancel was ahead. A level that empties leaves nothing ahead, one out of sight all of it."""
    place = model.at_placement(300, 50)
    assert model.on_frame(place, 290).ahead_lots == 290
    assert model.on_frame(place, 0).ahead_lots == 0
    assert model.on_frame(place, None).ahead_lots == 300


@pytest.mark.parametrize("model", PROBABLE)
def test_fractions_of_lots_add_up(model) -> None:
    """A hundred cancels of one lot each move us as far as their shares add up to, though none is a whole lot."""
    place = model.on_frame(model.at_placement(100, 50), 1_100)
    for shown in range(1_099, 999, -1):
        place = model.on_frame(place, shown)
    ahead = place.ahead_lots - place.advance_lots
    assert 0 <= place.advance_lots < 1
    # Power: one in a hundred of a hundred, a lot in all; log: two in five.
    assert 100 - ahead == pytest.approx(1.0, rel=0.1) if isinstance(model, PowerQueue) else 35 < 100 - ahead < 45


@pytest.mark.parametrize("model", PROBABLE)
def test_unseen_level_has_the_background_ahead(model) -> None:
    """As with the risk-averse queue: the guess, until the first frame that shows the level puts all of it ahead."""
    place = model.at_placement(None, 50)
    assert model.on_frame(place, None).ahead_lots == 50
    assert model.on_frame(place, 400).ahead_lots == 400


STEP = st.one_of(
    st.tuples(st.just("frame"), st.none() | st.integers(0, 500)), st.tuples(st.just("print"), st.integers(1, 200))
)


@given(st.none() | st.integers(0, 500), st.lists(STEP, max_size=30))
def test_no_model_is_behind_the_risk_averse_one(shown, steps) -> None:
    """Whatever happens, the probability models stand at or before it, never before the front, and gain no print."""
    for model in PROBABLE:
        careful, place = QUEUE.at_placement(shown, 50), model.at_placement(shown, 50)
        for what, lots in steps:
            if what == "frame":
                careful, place = QUEUE.on_frame(careful, lots), model.on_frame(place, lots)
            else:
                careful, none_ours = QUEUE.on_print(careful, lots)
                place, ours = model.on_print(place, lots)
                assert none_ours <= ours <= lots
            assert 0 <= place.ahead_lots <= careful.ahead_lots
            assert 0 <= place.advance_lots < 1


@pytest.mark.parametrize("model", QUEUE_MODELS.values())
def test_partial_fill_leaves_the_rest_at_the_same_place(model) -> None:
    """An order of 100 behind 300, met by a print of 330, has 70 left with nothing ahead; the next print is ours."""
    calm = ([(10_000, 300), (9_990, 200)], [(10_020, 300)])
    market = TapeMarket(tape_of([calm] * 4, [(1.5, 10_000, 330), (1.6, 10_000, 7)]), BTC, queue=model)
    market.place(1, Side.BUY, 10_000, 100, TimeInForce.ALO)
    fills = [e for e in market.advance(START_NS + 2 * BEAT_NS) if isinstance(e, Fill)]
    assert [fill.size_lots for fill in fills] == [30, 7]
    assert market.ahead_lots(1) == 0 and market.cancel(1) == 63


def test_a_level_that_empties_inside_the_window_frees_the_queue() -> None:
    """The bucket is gone while worse ones are shown: empty. Behind the last one shown it is only out of sight."""
    begin = ([(10_000, 300), (9_990, 200), (9_980, 100)], [(10_020, 300)])
    gone = ([(10_000, 300), (9_980, 100)], [(10_020, 300)])
    hidden = ([(10_000, 300)], [(10_020, 300)])
    for frame, ahead in ((gone, 0), (hidden, 200)):
        market = TapeMarket(tape_of([begin, frame]), BTC, queue=PowerQueue())
        market.place(1, Side.BUY, 9_990, 5, TimeInForce.ALO)
        market.advance(START_NS + BEAT_NS)
        assert market.ahead_lots(1) == ahead
