"""The risk-averse queue, condition by condition."""

from __future__ import annotations

from hummingbot_extensions.sim.queue_models import QueuePlace, RiskAverseQueue

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
