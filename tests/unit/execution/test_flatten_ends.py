"""Closing a strange position at the start, cut short: by the kill switch, by a stop, by a breaker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core.breaker_state import Level
from hummingbot_extensions.execution import stopping
from tests.support import warp
from tests.support.running import until
from tests.unit.execution.test_reports import COMMON, documented_kinds
from tests.unit.execution.trading import FAST, Trading, arm_fault, trading, venue

OUT_OF_REACH: dict[str, Any] = {"startup_policy": "flatten", "flatten_slippage_bps": 0.001, **FAST}
"""Nothing trades at the bound: each closing order rests until it is cancelled."""


def after_a_strange_trade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: Callable[..., Any]
) -> None:
    """Run ``scenario`` with a maker of bots that start on a position which nobody's record explains."""

    async def whole() -> None:
        async with venue() as on:
            async with trading(tmp_path, monkeypatch, on=on, **FAST) as line:
                await line.quoted()
                await line.stop()
                line.by_hand("buy", "0.0050")
            await scenario(lambda **settings: trading(tmp_path, monkeypatch, on=on, **{**OUT_OF_REACH, **settings}))

    warp.run(whole())


async def closing_rests(line: Trading) -> str:
    await until(line.venue_orders, 60.0, line.describe)
    return str(line.venue_orders()[0]["cl_ord_id"])


def test_the_kill_switch_takes_the_closing_order_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cancelled until it is gone, also when the venue swallows the first cancels; the next start goes on."""

    async def scenario(life: Any) -> None:
        async with life() as line:
            await closing_rests(line)
            await arm_fault(line.bench, name="cancel_ignored", count=2)
            await line.switch_off()
            await until(lambda: not line.venue_orders(), 30.0, line.describe)
            await asyncio.sleep(30.0)
            assert not line.venue_orders() and line.connector.in_flight_orders == {}
            line.reload(flatten_slippage_bps=20.0)
            await line.switch_on()
            await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, 60.0, line.describe)
            assert line.quoter.position == 0 == line.quoter.ledger.position

    after_a_strange_trade(tmp_path, monkeypatch, scenario)


def test_every_closing_order_has_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, taken back unfilled, filled: each placed one ends once, and its fill is of an order that was placed."""

    async def scenario(life: Any) -> None:
        async def refuses(bench: Any) -> None:
            await arm_fault(bench, name="order_rejected", message="risk control", count=1)

        async with life(before_start=refuses) as line:
            await closing_rests(line)
            line.reload(flatten_slippage_bps=20.0)
            await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, 60.0, line.describe)
            await line.stop()
            rows = line.events()
        rows = rows[max(index for index, row in enumerate(rows) if row["kind"] == "run"):]
        kinds = documented_kinds()
        assert all(set(row) - COMMON == kinds[row["kind"]] for row in rows)
        orders = [row for row in rows if row["kind"] == "order"]
        told: dict[str, list[str]] = {}
        for row in orders:
            if row["is_reduce_only"]:
                told.setdefault(row["client_order_id"], []).append(row["event"])
        ends = [events[1] for events in told.values()]
        assert all(len(events) == 2 and events[0] == "placed" for events in told.values())
        assert ends[0] == "rejected" and ends[-1] == "filled" and set(ends[1:-1]) == {"canceled"}
        assert [row["reason"] for row in orders if row["event"] == "rejected"] == ["risk control"]
        cancels = [row for row in rows if row["kind"] == "cancel_sent" and row["reason"] == "startup_flatten"]
        assert {row["client_order_id"] for row in cancels} == {
            order_id for order_id, events in told.items() if events[1] == "canceled"}
        assert {row["client_order_id"] for row in rows if row["kind"] == "fill"} <= set(told)
        assert rows[-1]["placed"] == sum(1 for row in orders if row["event"] == "placed")

    after_a_strange_trade(tmp_path, monkeypatch, scenario)


@pytest.mark.parametrize("is_crashed", [True, False])
def test_a_closing_that_was_cut_short_goes_on_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_crashed: bool
) -> None:
    """The position was taken over to be closed: being in the record by then does not make it one to quote with."""

    async def scenario(life: Any) -> None:
        async with life() as line:
            await closing_rests(line)
            assert await line.controller.desk._writer.flush()
            line.is_crashed = is_crashed
        async with life(flatten_slippage_bps=20.0) as line:
            await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, 60.0, line.describe)
            assert line.quoter.position == 0 == line.quoter.ledger.position
            await line.stop()
            assert [row["verdict"] for row in line.events("startup")][-1] == "flatten"
            assert len(line.events("position_adjusted")) == 1

    after_a_strange_trade(tmp_path, monkeypatch, scenario)


@pytest.mark.parametrize("policy", ["adopt", "refuse"])
def test_a_person_who_changes_the_policy_takes_a_closing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """Cut short and started with another policy: the position is in the record, and the bot goes on with it."""

    async def scenario(life: Any) -> None:
        async with life() as line:
            await closing_rests(line)
        for _ in range(2):
            async with life(startup_policy=policy) as line:
                await until(lambda: line.quoter.start_up.hold is None, 60.0, line.describe)
                assert line.quoter.position == Decimal("0.005") == line.quoter.ledger.position

    after_a_strange_trade(tmp_path, monkeypatch, scenario)


def test_a_stop_asks_the_venue_for_the_closing_order_by_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue's list trails by seconds: it does not show the order, and swallows cancels, so the stop says so."""
    seen: list[stopping.Outcome] = []

    async def scenario(life: Any) -> None:
        async with life() as line:
            order_id = await closing_rests(line)
            real = line.connector._fetch_open_orders

            async def trailing() -> dict[str, Any]:
                await real()
                return {}

            monkeypatch.setattr(line.connector, "_fetch_open_orders", trailing)
            monkeypatch.setattr(stopping, "announce", seen.append)
            await arm_fault(line.bench, name="cancel_ignored", count=100_000)
            await line.stop()
            assert [row["cl_ord_id"] for row in line.venue_orders()] == [order_id]
            assert [one.client_order_id for one in seen[-1].may_rest] == [order_id]

    after_a_strange_trade(tmp_path, monkeypatch, scenario)


def test_a_reply_that_cannot_be_read_delays_the_start_and_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Two replies that cannot be read before the position is known: said once, tried again, closed and quoted."""
    faults = 3

    async def scenario(life: Any) -> None:
        async def unreadable(line: Any) -> None:
            real = line.connector.own_fills_since

            async def reading(*words: Any, **named: Any) -> Any:
                nonlocal faults
                faults -= 1
                if faults in (0, 1):
                    raise KeyError("fee_asset")
                return await real(*words, **named)

            monkeypatch.setattr(line.connector, "own_fills_since", reading)

        async with life(before_start=unreadable, flatten_slippage_bps=20.0) as line:
            await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, 90.0, line.describe)
            assert faults < 0 and line.quoter.position == 0 == line.quoter.ledger.position

    after_a_strange_trade(tmp_path, monkeypatch, scenario)
    assert len([r for r in caplog.records if "start-up check failed" in r.getMessage()]) == 1


@pytest.mark.parametrize("level", [Level.CANCEL_ONLY, Level.STOP])
def test_no_closing_order_leaves_at_a_level_that_places_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: Level
) -> None:
    """A level set by hand, or a stop that lasts over the restart, is above the start-up policy."""

    async def scenario(life: Any) -> None:
        async with life(flatten_slippage_bps=20.0, breaker_level=level.value) as line:
            await until(lambda: "not closed" in line.quoter.start_up.note, 60.0, line.describe)
            await asyncio.sleep(30.0)
            assert line.quoter.position == Decimal("0.005") and not line.venue_orders()
            assert "the breaker level lets nothing be placed" in line.quoter.start_up.note
            line.reload(breaker_level="normal")
            await until(lambda: line.quoter.position == 0, 60.0, line.describe)

    after_a_strange_trade(tmp_path, monkeypatch, scenario)
