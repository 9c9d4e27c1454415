"""The account of a bot on a machine whose wall clock is wrong: what happened when is told by the venue's clock."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from hummingbot_extensions.core.types import Side
from tests.support import warp
from tests.support.running import until
from tests.unit.execution.trading import FAST, trading, venue

OFF_S = [3600.0, -3600.0]
"""How far the local clock is ahead."""


@pytest.mark.parametrize("ahead_s", OFF_S)
def test_a_fill_of_the_first_hour_is_booked_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    """Killed before it was told, an hour fast or slow: it is ours and in time, not a strange position."""

    async def scenario() -> None:
        async with venue(faults=[{"name": "clock_offset", "ms": -ahead_s * 1000}]) as on:
            async with trading(tmp_path, monkeypatch, on=on, **FAST) as line:
                await line.quoted()
                began_ns = line.quoter.books.book.began_ns
                assert abs(began_ns - line.connector.venue_time_ns()) < 60e9
                assert await line.controller.desk._writer.flush()
                line.is_crashed = True
            line.hit(Side.BUY, 5)
            await asyncio.sleep(1.0)
            async with trading(tmp_path, monkeypatch, on=on, **FAST) as line:
                await line.quoted()
                assert line.quoter.ledger.position == Decimal("0.0005") == line.quoter.position
                assert line.quoter.ledger.fills == 1
                await line.stop()
                assert [row["verdict"] for row in line.events("startup")] == ["continue", "continue"]
                # The killed bot may have heard of it as well, too late for the disk: the test's process lives on.
                assert line.events("fill")[-1]["source"] == "history"
                assert line.events("position_adjusted") == []

    warp.run(scenario())


@pytest.mark.parametrize("ahead_s", OFF_S)
def test_a_fill_after_an_adoption_does_not_take_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    """Bought by hand and adopted; our own purchase half a minute later is one more, whatever the local clock says."""

    async def scenario() -> None:
        async with (
            venue(faults=[{"name": "clock_offset", "ms": -ahead_s * 1000}]) as on,
            trading(tmp_path, monkeypatch, on=on, **FAST) as line,
        ):
            await line.quoted()
            line.by_hand("buy", "0.0050")
            await until(lambda: line.quoter.ledger.position == Decimal("0.005"), 30.0, line.describe)
            await asyncio.sleep(30.0)
            line.hit(Side.BUY, 5)
            await until(lambda: line.quoter.ledger.fills == 1, 20.0, line.describe)
            assert line.quoter.ledger.position == Decimal("0.0055")
            await asyncio.sleep(20.0)
            assert line.quoter.ledger.position == Decimal("0.0055") == line.quoter.position
            await line.stop()
            assert len(line.events("position_adjusted")) == 1
            assert [row["source"] for row in line.events("fill")] == ["live"]

    warp.run(scenario())
