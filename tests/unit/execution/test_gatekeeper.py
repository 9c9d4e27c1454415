"""The second gate in a running bot: whatever pricing says no order passes a limit, and budgets outlive a restart."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core.gate_state import AccountTotals
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import gatekeeper
from tests.support import warp
from tests.support.running import pulse, until
from tests.unit.execution.trading import FAST, Trading, trading, venue

D = Decimal
MAD_LOTS = 800
"""0.08 BTC, over the preset's cap of 0.05."""


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    warp.run(scenario())


def mad(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pricer and a risk rule gone mad together: enormous orders, and every room is boundless."""
    quoting = importlib.import_module("hummingbot_extensions.core.quoting")
    reconcile = importlib.import_module("hummingbot_extensions.core.reconcile")
    monkeypatch.setattr(quoting, "shape", lambda *_: ((0,), (MAD_LOTS,), (0.0,)))
    monkeypatch.setattr(reconcile, "room", lambda *_: D(1000))


def refusals(line: Trading) -> set[str]:
    return {row["reason"] for row in line.events("gate")}


def test_i17_a_mad_pricer_cannot_break_the_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders of 0.08 against a cap of 0.05: none is sent, the side says why, and the log has it once a side."""

    async def scenario() -> None:
        mad(monkeypatch)
        async with trading(tmp_path, monkeypatch, **FAST, leverage=10) as line:
            await until(lambda: line.quoter and line.quoter.gate.refused_count > 4, what=line.describe)
            assert line.venue_orders() == [] and line.quoter.placed_count == 0
            assert line.bench.account()["orders_placed"] == 0
            spent = line.quoter.presence.spent_s
            await until(lambda: spent(line.quoter.last_turn_ns, Side.BUY).get("gate_position_cap", 0) > 1)
            await line.stop()
            assert refusals(line) == {"gate_position_cap"} and len(line.events("gate")) == 2

    run(scenario)


def test_i16_a_limit_lowered_by_a_reload_pulls_what_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides rest at 200 quote each; at most 100 a side from now on: both go at once, and return with the limit."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            beat = asyncio.create_task(pulse(line.bench.market))
            before = line.quoter.placed_count
            line.reload(max_side_resting_quote=100)
            await until(lambda: not line.venue_orders(), what=line.describe)
            await asyncio.sleep(3.0)
            assert line.venue_orders() == [] and line.quoter.placed_count == before
            line.reload(max_side_resting_quote=100_000)
            await line.quoted()
            beat.cancel()
            await line.stop()
            assert {row["reason"] for row in line.events("cancel_sent")} >= {"gate_max_side_resting"}

    run(scenario)


def test_i18_a_days_budget_is_kept_over_a_restart_and_spares_what_reduces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three orders a day: two at the start, one after a fill; a new start places none that adds, but reduces a long."""

    async def scenario() -> None:
        async with venue() as on:
            settings = {**FAST, "daily_orders": 3, "soft_limit_base": "0.0015", "resume_limit_base": "0.001"}
            async with trading(tmp_path, monkeypatch, on=on, **settings) as line:
                await line.quoted()
                line.hit(Side.BUY, 20)
                await until(lambda: line.quoter.position == D("0.002"), what=line.describe)
                await until(lambda: [row["reduce_only"] for row in line.venue_orders(Side.SELL)] == [True],
                            what=line.describe)
                orders_today = line.quoter.gate.state.orders
                await line.stop()
            assert orders_today >= 3
            async with trading(tmp_path, monkeypatch, on=on, **settings) as line:
                await until(lambda: line.venue_orders(Side.SELL), 60.0, line.describe)
                assert line.quoter.gate.state.orders > orders_today
                assert line.venue_orders(Side.BUY) == []
                line.hit(Side.SELL, 20)
                await until(lambda: line.quoter.position == 0, what=line.describe)
                await until(lambda: line.quoter.gate.refused(Side.BUY) is not None, what=line.describe)
                await asyncio.sleep(3.0)
                assert line.venue_orders() == []
                await line.stop()
                assert "gate_daily_orders" in refusals(line)

    run(scenario)


def test_i10_what_other_markets_may_become_counts_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account may become 500 long over all markets, another market 400: a bid of 200 does not fit, an ask does."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST, max_net_account_quote=500) as line:
            await line.quoted()
            totals = gatekeeper._TOTALS[line.quoter.settings.connector_name]
            monkeypatch.setitem(totals, "another", AccountTotals(2, D(400), D(0)))
            await until(lambda: not line.venue_orders(Side.BUY), what=line.describe)
            assert len(line.venue_orders(Side.SELL)) == 1
            own = totals["mm"]
            assert own is not None and own.open_orders == 1 and own.short_quote > 190
            await line.stop()
            assert "mm" not in totals, "a stopped market no longer counts"

    run(scenario)
