"""What a stop believes: old answers do not ripen, a fault of ours is not the venue's word, a disk decides nothing."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Collection
from pathlib import Path

import hummingbot
import pytest

from hummingbot_extensions.connector.errors import Transient
from hummingbot_extensions.connector.leftovers import VenueWord
from hummingbot_extensions.execution import stopping
from hummingbot_extensions.execution.stopping import Asked, MayRest, Outcome
from tests.support import warp


class Venue:
    """Gives its answers one after the other, the last one for ever; an exception is raised."""

    def __init__(self, *answers: VenueWord | Exception) -> None:
        self._answers = list(answers)

    async def own_orders_at_venue(self, doubtful: Collection[str] = ()) -> VenueWord:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def cancel_at_venue(self, client_order_ids: Collection[str]) -> None: ...

    def own_open_order_ids(self) -> tuple[str, ...]:
        return ()


def outcome_of(*venues: Venue, recent: str | None = None) -> Outcome:
    async def scenario() -> Outcome:
        sent = () if recent is None else ((recent, time.monotonic_ns()),)
        return await stopping.verified_stop([Asked(f"v{n}", one, sent) for n, one in enumerate(venues)])

    return warp.run(scenario())


def test_an_order_that_was_too_young_to_be_seen_is_not_gone_because_the_venue_then_fell_silent() -> None:
    """One answer that does not know an order sent just now, then an outage to the deadline: it may rest."""
    outcome = outcome_of(Venue(VenueWord((), ("hbx-1",)), Transient("away")), recent="hbx-1")
    assert not outcome.is_verified and outcome.may_rest == (MayRest("v0", "hbx-1", None, None, None),)


def test_an_order_that_the_venue_never_shows_is_believed_gone_by_its_own_later_word() -> None:
    """The venue answers to the end and never knows it."""
    assert outcome_of(Venue(VenueWord((), ("hbx-1",))), recent="hbx-1") == Outcome()


def test_a_fault_of_ours_is_an_unverified_stop_and_the_other_venue_is_still_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An answer that cannot be read at all ends as unanswered, with the stack in the log."""
    with caplog.at_level(logging.ERROR):
        outcome = outcome_of(Venue(KeyError("symbol")), Venue(VenueWord((), ())))
    assert outcome == Outcome((), ("v0",)) and "stop not verified connector=v0" in caplog.text


def test_a_stop_can_be_told_without_a_terminal_and_without_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a closed stderr nor a folder that refuses keeps the stop from going on to its end."""
    monkeypatch.setattr(hummingbot, "_prefix_path", str(tmp_path))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with caplog.at_level(logging.ERROR), open(os.devnull, "w") as closed:
        closed.close()
        monkeypatch.setattr(sys, "stderr", closed)
        stopping.announce(Outcome((MayRest("v", "hbx-1", None, None, None),)))
        stopping.announce(Outcome())
    assert "v hbx-1" in caplog.text and "cannot be written path=" in caplog.text
