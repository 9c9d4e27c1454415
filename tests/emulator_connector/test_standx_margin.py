"""A11: leverage and margin mode are what was asked for, or nothing is quoted."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from hummingbot_extensions.sim.venue_values import Reason, Refusal
from tests.support import warp
from tests.support.running import PAIR, SYMBOL, Bench, bench, until


def theirs(b: Bench) -> int:
    return int(b.handle.exchange.venue.accounts[b.user].leverage[SYMBOL])


def test_a_leverage_that_could_not_be_set_at_the_start_is_set_before_the_connector_is_ready() -> None:
    """The venue answers 502 to the first attempts: the default of 10 would stay in force while 1 is reckoned with."""

    async def scenario() -> None:
        async with bench() as b:
            assert theirs(b) == 10
            fault = {"name": "http_status", "status": 502, "endpoint": "/api/change_leverage", "count": 3}
            b.handle.exchange.arm(fault)
            b.connector.set_leverage(PAIR, 1)
            await until(lambda: b.connector.status_dict.get("leverage_settled") is False, what="not ready")
            await until(lambda: b.connector.ready, 60.0, "ready")
            assert theirs(b) == 1

    warp.run(scenario())


def test_a_leverage_that_somebody_else_changes_is_put_right(caplog: pytest.LogCaptureFixture) -> None:
    """Within a minute and a poll, with one warning that names both figures."""

    async def scenario() -> None:
        async with bench() as b:
            b.connector.set_leverage(PAIR, 2)
            await until(lambda: b.connector.status_dict.get("leverage_settled"), 30.0, "settled")
            caplog.clear()
            assert b.handle.exchange.venue.set_leverage(b.user, SYMBOL, 20) is None
            await until(lambda: theirs(b) == 2, 80.0, "put right")
            await until(lambda: b.connector.ready, 30.0, "ready")

    with caplog.at_level(logging.WARNING):
        warp.run(scenario())
    lines = [line for line in caplog.messages if "margin settings differ" in line]
    assert len(lines) == 1 and "leverage=20" in lines[0] and "wanted=2" in lines[0]


def test_a_leverage_that_the_venue_refuses_keeps_the_bot_silent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not ready, one ERROR with the venue's words and the fix, and ready again once the venue gives way."""

    async def scenario() -> None:
        async with bench() as b:
            venue = b.handle.exchange.venue
            real = venue.set_leverage

            def refuses(*_: Any) -> Refusal:
                return Refusal(Reason.LEVERAGE, "leverage: close the position first")

            monkeypatch.setattr(type(venue), "set_leverage", refuses)
            b.connector.set_leverage(PAIR, 3)
            await until(lambda: any("close the position first" in line for line in caplog.messages), 30.0, "said")
            assert not b.connector.ready and not b.connector.status_dict["leverage_settled"]
            monkeypatch.setattr(type(venue), "set_leverage", lambda _, *args: real(*args))
            await until(lambda: b.connector.ready, 40.0, "ready")
            assert theirs(b) == 3

    with caplog.at_level(logging.INFO):
        warp.run(scenario())
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1 and "leverage is 10" in errors[0] and "3 and cross are wanted" in errors[0]
