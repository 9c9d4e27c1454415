"""Positions of the StandX connector when frames lie, lag or get lost: equal to the venue's within seconds."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.connector.derivative.standx_perpetual.standx_perpetual_positions import (
    OTHERS_SETTLE_S,
    POSITION_SETTLE_S,
)
from hummingbot.core.data_type.common import OrderType, PositionAction

from tests.support import warp
from tests.support.running import PAIR, Bench, bench, connector_for, running, until

ROUND_TRIP_S = 1.0
POLL_S = 15.0


def _ours(b: Bench) -> Decimal:
    position = b.connector.account_positions.get(PAIR)
    return Decimal(0) if position is None else position.amount


def _theirs(b: Bench) -> Decimal:
    return Decimal(b.account()["positions"][0]["qty"])


async def _trade(b: Bench, rng: random.Random, times: int) -> None:
    for _ in range(times):
        before = b.account()["fills"]
        b.place(rng.choice(("buy", "sell")), str(Decimal(rng.randrange(1, 30)) / 1000), None, OrderType.MARKET)
        await until(lambda before=before: b.account()["fills"] > before)


@pytest.mark.parametrize(
    ("faults", "within_s"),
    [
        ([{"name": "position_wrong", "add_base": 0.5}], POSITION_SETTLE_S + ROUND_TRIP_S),
        ([{"name": "position_late", "ms": 5_000}], POSITION_SETTLE_S + ROUND_TRIP_S),
        ([{"name": "frame_drop", "channel": "position"}], POSITION_SETTLE_S + ROUND_TRIP_S),
        ([{"name": "frame_drop", "channel": "trade"}], POSITION_SETTLE_S + ROUND_TRIP_S),
        (
            [{"name": "frame_drop", "channel": "position"}, {"name": "frame_drop", "channel": "trade"}],
            POSITION_SETTLE_S + ROUND_TRIP_S + 1.0,
        ),
        ([{"name": "frame_corrupt", "channel": "position", "how": "nan"}], POSITION_SETTLE_S + ROUND_TRIP_S),
        ([{"name": "frame_drop", "socket": "stream"}], POLL_S + POSITION_SETTLE_S + ROUND_TRIP_S),
    ],
    ids=["wrong", "late", "no position frames", "no trade frames", "neither", "damaged", "no private frames"],
)
def test_position_equals_the_venues_within_seconds(faults: list[dict[str, Any]], within_s: float) -> None:
    """A25, H4: after the last fill, and for good afterwards, with the fault still on."""

    async def scenario() -> None:
        rng = random.Random(25)
        async with bench() as b:
            await _trade(b, rng, 2)
            for fault in faults:
                b.handle.exchange.arm(fault)
            await _trade(b, rng, 5)
            last_s = time.monotonic()
            await asyncio.sleep(within_s)
            assert _ours(b) == _theirs(b), "seed 25"
            while time.monotonic() - last_s < 20:
                assert _ours(b) == _theirs(b)
                await asyncio.sleep(0.05)
            assert not b.connector.is_position_in_doubt(PAIR)
            assert b.connector.position_bounds(PAIR) == (_theirs(b), _theirs(b))

    warp.run(scenario())


def test_a_wrong_frame_is_said_once_with_both_figures(caplog: pytest.LogCaptureFixture) -> None:
    """H4: drift is alarmed with what frames and list say, once, and said again when it is over."""

    async def scenario() -> None:
        async with bench() as b:
            b.place("buy", "0.01", None, OrderType.MARKET)
            await until(lambda: _ours(b) == Decimal("0.01"))
            await asyncio.sleep(5)  # no poll is near that would correct it first
            b.handle.exchange.arm({"name": "position_wrong", "add_base": 0.5})
            b.place("buy", "0.01", None, OrderType.MARKET)
            await until(lambda: _ours(b) == Decimal("0.52"), what="the wrong frame is shown")
            assert b.connector.is_position_in_doubt(PAIR)
            assert b.connector.position_bounds(PAIR) == (Decimal("0.02"), Decimal("0.52"))
            await until(lambda: _ours(b) == Decimal("0.02"), POSITION_SETTLE_S + ROUND_TRIP_S)
            await asyncio.sleep(20)

    with caplog.at_level(logging.INFO):
        warp.run(scenario())
    lines = [r.getMessage() for r in caplog.records if "position_mismatch" in r.getMessage()]
    assert len(lines) == 1 and "frames=0.52" in lines[0] and "list=0.02" in lines[0], lines
    assert not [r for r in caplog.records if "somebody else" in r.getMessage()]


def test_a_manual_trade_is_adopted_and_announced_once(caplog: pytest.LogCaptureFixture) -> None:
    """Another client of the account trades: the position follows at once, and one line says by how much."""

    async def scenario() -> None:
        async with bench() as b:
            b.place("buy", "0.01", None, OrderType.MARKET)
            await until(lambda: _ours(b) == Decimal("0.01"))
            manual = connector_for(b.handle.credentials)
            manual._owner_tag = "hxmanual-"
            async with running(manual) as other:
                other.connector.sell(
                    PAIR, Decimal("0.03"), OrderType.MARKET, Decimal("NaN"), position_action=PositionAction.OPEN
                )
                await until(lambda: _ours(b) == Decimal("-0.02"), POSITION_SETTLE_S)
                caplog.clear()
            await until(lambda: not b.connector.is_position_in_doubt(PAIR), 2 * OTHERS_SETTLE_S + 2)
            await asyncio.sleep(20)
            assert _ours(b) == _theirs(b) == Decimal("-0.02")

    with caplog.at_level(logging.INFO):
        warp.run(scenario())
    lines = [r.getMessage() for r in caplog.records if "position changed by somebody else" in r.getMessage()]
    assert len(lines) == 1 and "by=-0.03" in lines[0] and "position=-0.02" in lines[0], lines
    assert not [r for r in caplog.records if "position_mismatch" in r.getMessage()]


def test_a_position_from_before_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """What the account held when we came, and fills from before, are the base: no line about somebody else."""

    async def scenario() -> None:
        async with bench() as b:
            b.place("buy", "0.01", None, OrderType.MARKET)
            await until(lambda: _ours(b) == Decimal("0.01"))
            async with running(connector_for(b.handle.credentials)) as again:
                await asyncio.sleep(40)
                assert again.connector.account_positions[PAIR].amount == Decimal("0.01")
                assert not again.connector.is_position_in_doubt(PAIR)

    with caplog.at_level(logging.INFO):
        warp.run(scenario())
    assert not [r for r in caplog.records if "somebody else" in r.getMessage()]
