"""What a person, a dashboard and a later reader are told: status text, custom info, time accounts, the event log."""

from __future__ import annotations

import asyncio
import json
import re
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core.canonical import digest, from_plain
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import bookkeeping
from hummingbot_extensions.execution.presence import Presence
from hummingbot_extensions.execution.status import lines, status_of
from tests.support.running import until
from tests.unit.execution.trading import FAST, Trading, arm_fault, clear_faults, trading

EVENT_LOG_DOC = Path(__file__).resolve().parents[3] / "docs" / "event-log.md"
COMMON = {"v", "t_ns", "kind"}
OWNERS = {"Quoter", "QuoteExecutor", "OrderExecutor", "ExecutorBase", "ControllerBase", "RunnableBase"}


def documented_kinds() -> dict[str, set[str]]:
    """Fields by kind, from the table in the documentation."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|$", EVENT_LOG_DOC.read_text(), re.MULTILINE)
    return {kind: set(re.findall(r"`(\w+)`", fields)) for kind, fields in rows if "`" in fields}


def check_info(line: Trading) -> dict[str, Any]:
    """The custom info, which must be small and plain JSON."""
    info: dict[str, Any] = line.controller.get_custom_info()
    assert len(json.dumps(info, allow_nan=False)) < 1536
    return info


def status_text(line: Trading) -> str:
    text = line.strategy.format_status()
    assert "nan" not in text.lower()
    return str(text)


async def test_status_and_custom_info_in_every_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flat, long, hard-stopped, feed dead and stopped: the right words, plain JSON under 1.5 KB, never NaN."""
    async with trading(tmp_path, monkeypatch, stale_book_ms=1500, hard_stop_recovery="wait", **FAST) as line:
        check_info(line)
        await line.quoted()
        await until(lambda: check_info(line)["ask"]["state"] == "live", 2.0, line.describe)
        assert check_info(line)["inventory_base"] == 0
        flat = status_text(line)
        assert "quoting" in flat and "0.002 @ 99940.00  live" in flat and "inventory 0.000000" in flat

        line.hit(Side.BUY, 5)
        await until(lambda: line.quoter.position == Decimal("0.0005") and line.quoter.ledger.fills == 1, 3.0)
        assert "inventory 0.000500" in status_text(line) and "fills 1" in status_text(line)
        assert check_info(line)["net_pnl_quote"] != 0

        monkeypatch.setattr(bookkeeping, "POSITION_SETTLE_NS", 300_000_000)
        line.by_hand("buy", "0.0300")
        await until(lambda: not line.venue_orders(), 5.0, line.describe)
        hard = {"price": None, "size": None, "state": "silent", "silence": "hard_stop"}
        await until(lambda: check_info(line)["bid"] == hard == check_info(line)["ask"], 3.0, line.describe)
        stopped_hard = status_text(line)
        assert "bid  silent  (hard_stop)" in stopped_hard and "ask  silent  (hard_stop)" in stopped_hard

        await arm_fault(line.bench, name="silence")
        await until(lambda: check_info(line)["bid"]["silence"] == "stale_book", 5.0, line.describe)
        assert "bid  silent  (stale_book)" in status_text(line)
        await clear_faults(line.bench)
        await line.switch_off()
        assert check_info(line)["mode"] == "stopped" and "stopped" in status_text(line)


async def test_the_seconds_of_each_side_sum_to_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second since the start is quoted or silent under one reason, on both sides, through silences and fills."""
    began = time.monotonic_ns()
    async with trading(tmp_path, monkeypatch, stale_book_ms=1500, **FAST) as line:
        await line.quoted()
        line.hit(Side.SELL, 20)
        await arm_fault(line.bench, name="silence")
        await until(lambda: not line.venue_orders(), 5.0, line.describe)
        await clear_faults(line.bench)
        await line.quoted()
        now_ns = time.monotonic_ns()
        spans = {side: sum(line.quoter.presence.spent_s(now_ns, side).values()) for side in Side}
        whole = line.quoter.presence.total(now_ns).span_ns / 1e9
        assert spans[Side.BUY] == pytest.approx(whole, abs=1e-6) == pytest.approx(spans[Side.SELL], abs=1e-6)
        assert 0 < whole <= (now_ns - began) / 1e9
        assert {"quoted", "stale_book"} <= set(line.quoter.presence.spent_s(now_ns, Side.BUY))


def test_presence_counts_to_the_nanosecond() -> None:
    """A hand-made run: one second starting, two failed, three stopped."""
    presence = Presence(0)
    presence.rest(1_000_000_000, "decision_failed")
    presence.rest(3_000_000_000, "stopped")
    assert presence.spent_s(6_000_000_000, Side.BUY) == {"starting": 1.0, "decision_failed": 2.0, "stopped": 3.0}
    assert presence.total(6_000_000_000).two_sided_ns == 0


async def test_every_row_is_as_documented_and_every_decision_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with fills, re-quotes, a rejection, a foreign trade and a reload: fields and hashes all hold."""
    monkeypatch.setattr(bookkeeping, "POSITION_SETTLE_NS", 300_000_000)
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        line.hit(Side.BUY, 5)
        await until(lambda: line.quoter.ledger.fills == 1, 3.0)
        await arm_fault(line.bench, name="order_rejected", message="alo order rejected")
        line.reload(order_distance_bps=4.0, cancel_distance_bps=2.0, rebalance_distance_bps=5.0)
        await until(lambda: {row["price"] for row in line.venue_orders()} == {"99960.00", "100040.00"}, 8.0,
                    line.describe)
        line.by_hand("sell", "0.0010")
        await until(lambda: line.quoter.ledger.position == Decimal("-0.0005"), 5.0, "the foreign trade taken")
        await line.stop()
        rows = line.events()
    documented = documented_kinds()
    always = {"run", "startup", "config", "decision", "order", "cancel_sent", "fill", "markout", "position_adjusted",
              "pnl", "stopped"}  # fmt: skip
    assert always == {row["kind"] for row in rows} - {"fee"}
    sometimes = {"dropped", "fee", "funding", "breaker", "leftover", "gate", "exit", "exit_hold",
                 "margin", "profile"}  # fmt: skip
    assert always == set(documented) - sometimes
    for row in rows:
        assert set(row) - COMMON == documented[row["kind"]], row["kind"]
    decisions = [row for row in rows if row["kind"] == "decision"]
    assert [row["n"] for row in decisions] == list(range(1, len(decisions) + 1)) and len(decisions) >= 6
    for row in decisions:
        inputs = from_plain(DecisionInputs, row["inputs"])
        assert digest(decide(inputs)) == row["hash"]
    stopped = rows[-1]
    assert stopped["kind"] == "stopped" and stopped["ledger"]["fills"] == 1 and stopped["rejects"] == 1
    placed = [row["client_order_id"] for row in rows if row["kind"] == "order" and row["event"] == "placed"]
    ended = [row["client_order_id"] for row in rows
             if row["kind"] == "order" and row["event"] in ("filled", "canceled", "rejected")]
    assert sorted(placed) == sorted(ended) and len(set(placed)) == stopped["placed"]


async def test_orders_that_a_frame_led_to_carry_their_latency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Re-quotes woken by frames have a positive time from frame to wire on their live row; others have none."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        for level in list(line.executors):
            level.early_stop()
        await line.quoted()
        await asyncio.sleep(0.3)
        await line.stop()
        rows = line.events("order")
    for row in rows:
        latency = row["frame_to_wire_ms"]
        assert latency is None or (row["event"] == "live" and 0 < latency < 5000)


async def test_nothing_of_ours_outlives_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Hummingbot's stop no heartbeat, executor loop or log thread is left, and the venue holds no order."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        await line.stop()
        assert line.venue_orders() == [] and line.quoter.is_idle and not line.log_threads

        def ours() -> list[str]:
            names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks() if not task.done()]
            return [name for name in names if name.split(".")[0] in OWNERS]

        await until(lambda: not ours(), 3.0, lambda: str(ours()))


async def test_status_tells_how_the_inventory_is_traded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """H12, H13: turnover, maker part, holding time and the part of orders that traded, against the venue's trades."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        empty = line.controller.get_custom_info()["activity"]
        assert empty == {"turnover_quote": 0.0, "maker_frac": None, "fill_frac": None, "holding_s": None}
        line.hit(Side.BUY, 5)
        await until(lambda: line.quoter.ledger.fills == 1, 5.0, line.describe)
        await line.switch_off()
        await until(lambda: not line.venue_orders() and line.quoter.ended_count == 2, 5.0, line.describe)
        trades = line.bench.handle.exchange.venue.accounts[line.bench.user].trades
        value = sum(float(trade.value) for trade in trades)
        assert (line.quoter.traded_count, line.quoter.ended_count) == (1, 2)
        status = status_of(line.quoter, "", 0)
        assert status.activity.turnover_quote == pytest.approx(value) and status.activity.maker_frac == 1.0
        assert status.activity.fill_frac == 0.5 and 0 < (status.activity.holding_s or 0) < 60
        assert "orders that traded 50.0 %" in "\n".join(lines(status, "mm"))
