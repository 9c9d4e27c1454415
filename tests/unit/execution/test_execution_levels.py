"""Levels under the real orchestrator: what becomes of orders, fills and stops, seen at the venue and in the holds."""

from __future__ import annotations

import logging
from decimal import Decimal
from pathlib import Path

import pytest
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import StopExecutorAction
from hummingbot.strategy_v2.models.executors import CloseType

from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import OrderOutcome, Side
from hummingbot_extensions.core.view import OrderState
from hummingbot_extensions.emulator import control
from tests.support.running import Bench, until
from tests.unit.execution.trading import CONTROLLER, FAST, Trading, arm_fault, trading

NEARER = {"order_distance_bps": 4.0, "cancel_distance_bps": 2.0, "skew_linear_on": False, "rebalance_distance_bps": 5.0}
"""With these the quotes of the preset, 6 bps away, are too far and are replaced without risk."""


def held(line: Trading) -> dict[str, Decimal]:
    """Executed size by client id over every executor that ended as a hold; an id that comes twice fails."""
    found: dict[str, Decimal] = {}
    for executor in line.executors:
        for order in executor.get_custom_info()["held_position_orders"]:
            assert order["client_order_id"] not in found
            found[order["client_order_id"]] = Decimal(order["executed_amount_base"])
    return found


async def stop_level(line: Trading, side: Side) -> None:
    line.strategy.executor_orchestrator.execute_action(StopExecutorAction(
        controller_id=CONTROLLER, executor_id=line.level(side).config.id, keep_position=True))


async def test_a_replacement_rests_before_the_old_order_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a re-quote both orders of a level are tracked, and the venue's log shows no gap on either side."""
    async with trading(tmp_path, monkeypatch, emulator={"cancel_delay_ms": 200.0}, **FAST) as line:
        await line.quoted()
        before = {order.client_order_id for order in line.quoter.open_orders()}
        most = {Side.BUY: 0, Side.SELL: 0}

        def replaced() -> bool:
            for side in Side:
                most[side] = max(most[side], sum(1 for o in line.level(side).open_orders() if o.has_rested))
            return not before & line.bench.open_ids and len(line.bench.open_ids) == 2

        line.reload(**NEARER)
        await until(replaced, 5.0, line.describe)
        assert most == {Side.BUY: 2, Side.SELL: 2}
        for side in Side:
            rows = sorted((row for row in line_log(line) if row["side"] == side), key=lambda row: row["start_ms"])
            assert len(rows) == 2 and rows[1]["start_ms"] < rows[0]["end_ms"]
        assert len(line.executors) == 2


def line_log(line: Trading) -> list[dict[str, float | str]]:
    return control.order_log(line.bench.handle.exchange, line.bench.user)


async def test_fills_before_and_after_a_requote_are_held_exactly_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of one order and half of its replacement end in one hold whose size is the venue's position."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        line.hit(Side.BUY, 8)
        await until(lambda: line.quoter.ledger.fills == 1, what=line.describe)
        first = line.bench.account()["open_orders"]
        line.reload(**NEARER)
        await until(lambda: len(line.venue_orders(Side.BUY)) == 1 and line.venue_orders(Side.BUY)[0] not in first
                    and line.venue_orders(Side.BUY)[0]["price"] == "99960.00", 5.0, line.describe)
        line.hit(Side.BUY, 5)
        await until(lambda: line.quoter.ledger.fills == 2, what=line.describe)
        await until(lambda: line.quoter.position == Decimal("0.0013"), what="position frame")
        await line.stop()
        assert line.quoter.ledger.position == Decimal("0.0013")
    positions = MarketsRecorder.get_instance().get_all_positions()
    assert [(p.side, p.amount) for p in positions] == [("BUY", Decimal("0.0013"))]


async def test_a_full_fill_ends_the_level_as_a_hold_and_a_new_one_quotes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filled level is a POSITION_HOLD, its side is quoted again, the other side's order never moved."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        filled, ask = line.level(Side.BUY), line.venue_orders(Side.SELL)[0]["cl_ord_id"]
        line.hit(Side.BUY, 20)
        await until(lambda: filled.is_closed, what=line.describe)
        await until(lambda: line.venue_orders(Side.BUY), 2.0, line.describe)
        assert filled.close_type is CloseType.POSITION_HOLD
        assert line.level(Side.BUY) is not filled and len(line.executors) == 3
        assert [row["cl_ord_id"] for row in line.venue_orders(Side.SELL)] == [ask]
        assert list(held(line).values()) == [Decimal("0.002")]
        await until(lambda: [p.amount for p in line.controller.positions_held] == [Decimal("0.002")], 2.0, "the hold")


async def test_a_stop_cancels_waits_for_the_venue_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a fill the level ends EARLY_STOP only once the venue has taken the order off; a new one follows."""
    async with trading(tmp_path, monkeypatch, emulator={"cancel_delay_ms": 300.0}, **FAST) as line:
        await line.quoted()
        level = line.level(Side.BUY)
        order_id = line.venue_orders(Side.BUY)[0]["cl_ord_id"]
        await stop_level(line, Side.BUY)
        assert level.status is RunnableStatus.SHUTTING_DOWN
        assert [order.state for order in level.open_orders()] == [OrderState.CANCELLING]
        await until(lambda: level.is_closed, what=line.describe)
        assert order_id not in line.bench.open_ids and level.close_type is CloseType.EARLY_STOP
        await until(lambda: line.venue_orders(Side.BUY), 3.0, line.describe)


async def test_a_stop_after_a_partial_fill_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A level stopped with half its order filled ends POSITION_HOLD with that half."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        level = line.level(Side.SELL)
        line.hit(Side.SELL, 8)
        await until(lambda: line.quoter.ledger.fills == 1, what=line.describe)
        await stop_level(line, Side.SELL)
        await until(lambda: level.is_closed, what=line.describe)
        assert level.close_type is CloseType.POSITION_HOLD
        assert [o["executed_amount_base"] for o in level.get_custom_info()["held_position_orders"]] == ["0.0008"]


async def test_a_lost_cancel_is_sent_again_while_a_level_winds_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first cancel never left: the next one reaches the connector within seconds, and counts as a retry."""
    monkeypatch.setattr("hummingbot_extensions.execution.quote_executor.SHUTDOWN_CANCEL_RETRY_NS", 300_000_000)
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        level, order_id = line.level(Side.BUY), line.venue_orders(Side.BUY)[0]["cl_ord_id"]
        send, asked = line.connector.cancel, []

        def lossy(trading_pair: str, client_order_id: str) -> str:
            asked.append(client_order_id)
            return client_order_id if len(asked) == 1 else send(trading_pair, client_order_id)

        monkeypatch.setattr(line.connector, "cancel", lossy)
        cancels = line.quoter.cancel_count
        await stop_level(line, Side.BUY)
        await until(lambda: level.is_closed, 5.0, lambda: f"asked {asked} {line.describe()}")
        assert asked == [order_id, order_id] and order_id not in line.bench.open_ids
        assert line.quoter.cancel_count == cancels + 1
        await line.stop()
        reasons = [row["reason"] for row in line.events("cancel_sent") if row["client_order_id"] == order_id]
        assert reasons == ["level_ends", "retry"]


async def test_a_stop_before_the_venue_has_answered_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped while both places are on their way: both orders are gone at the venue when the levels have ended."""
    async with trading(tmp_path, monkeypatch, emulator={"order_delay_ms": 400.0}, **FAST) as line:
        await until(lambda: line.bench.account()["orders_placed"] == 2 or len(line.quoter.open_orders()) == 2, 5.0)
        assert {order.state for order in line.quoter.open_orders()} == {OrderState.PLACING}
        levels = line.executors
        await line.stop()
        assert all(level.close_type is CloseType.EARLY_STOP for level in levels)
        assert line.bench.open_ids == set() and line.bench.account()["orders_placed"] == 2


async def test_a_forced_stop_keeps_counting_what_may_still_fill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a forced stop the order counts until the venue says it is gone, and a fill meanwhile is in the ledger."""
    async with trading(tmp_path, monkeypatch, emulator={"cancel_delay_ms": 1500.0}, **FAST) as line:
        await line.quoted()
        level, order_id = line.level(Side.BUY), line.venue_orders(Side.BUY)[0]["cl_ord_id"]

        def is_counted() -> bool:
            return order_id in {order.client_order_id for order in line.quoter.open_orders()}

        level.force_stop_with_position_hold()
        assert level.is_closed and level.close_type is CloseType.FAILED and is_counted()
        line.hit(Side.BUY, 5)
        await until(lambda: line.quoter.ledger.position == Decimal("0.0005"), 3.0, "the fill after the forced stop")
        assert is_counted()
        await until(lambda: not is_counted(), 5.0, line.describe)
        assert order_id not in line.bench.open_ids
        await line.stop()
        assert line.quoter.is_idle
        ended = [row["event"] for row in line.events("order") if row["client_order_id"] == order_id]
        assert ended == ["placed", "live", "canceled"]


async def test_a_post_only_refusal_backs_off_and_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The refused side waits and is quoted again by the same level; nothing is logged at ERROR."""
    async def refuse(bench: Bench) -> None:
        await arm_fault(bench, name="order_rejected", message="alo order rejected")

    with caplog.at_level(logging.ERROR):
        async with trading(tmp_path, monkeypatch, before_start=refuse, **FAST) as line:
            await until(lambda: line.quoter.reject_count == 1, 5.0, line.describe)
            await until(lambda: Silence.REJECT_BACKOFF in
                        {line.quoter.decision.bid_silence, line.quoter.decision.ask_silence}, 2.0, line.describe)
            await line.quoted()
            assert len(line.executors) == 2 and all(level.is_active for level in line.executors)
            await line.stop()
            rejected = [row for row in line.events("order") if row["event"] == "rejected"]
            assert [row["reason"] for row in rejected] == ["alo order rejected"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_an_unknown_order_holds_its_side_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the answer lost the side stays silent under unknown_order and the size counts, until the venue is asked."""
    async def lose(bench: Bench) -> None:
        bench.connector._order_entry.connected.clear()  # so that orders go by REST
        await arm_fault(bench, name="http_status", status=502, endpoint="/api/new_order", when="after")

    async with trading(tmp_path, monkeypatch, before_start=lose, emulator={"order_delay_ms": 1000.0}, **FAST) as line:
        def unknown() -> list[object]:
            return [o for o in line.quoter.open_orders() if o.state is OrderState.UNKNOWN]

        await until(unknown, 5.0, line.describe)
        side, size = unknown()[0].side, unknown()[0].size  # type: ignore[attr-defined]
        assert size == Decimal("0.002")
        await until(lambda: line.quoter.decision.silence(side) is Silence.UNKNOWN_ORDER, 1.0, line.describe)
        assert len([o for o in line.quoter.open_orders() if o.side is side]) == 1
        await until(lambda: not unknown(), 10.0, line.describe)
        await line.quoted()
        assert len(line.venue_orders(side)) == 1
        assert line.connector.order_outcome(line.venue_orders(side)[0]["cl_ord_id"]) is OrderOutcome.ACCEPTED


async def test_a_level_that_nobody_waits_for_ends_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A level that starts after its quoter has stopped, or was stopped before it started, holds nothing open."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        stopped_early, late = line.quoter._level_action(Side.SELL, 0), line.quoter._level_action(Side.BUY, 0)
        orchestrator = line.strategy.executor_orchestrator
        orchestrator.execute_action(stopped_early)
        line.executors[-1].early_stop()
        first = line.quoter
        await line.switch_off()
        await until(lambda: first.is_idle, 5.0, line.describe)
        orchestrator.execute_action(late)
        await until(lambda: line.executors[-1].is_closed, 2.0, "the late level to end")
        assert first.is_idle
        await line.switch_on()
        await line.quoted()
        assert line.quoter is not first
        await line.stop()
        assert [row["kind"] for row in line.events() if row["kind"] in ("run", "stopped")] == ["run", "stopped"] * 2


async def test_a_fill_that_is_told_after_the_cancel_of_a_stopped_level_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trade frame comes after the order's last frame: the level ends as a hold, the ledger has the fill."""
    async with trading(tmp_path, monkeypatch, emulator={"cancel_delay_ms": 300.0}, **FAST) as line:
        await line.quoted()
        level = line.level(Side.BUY)
        await arm_fault(line.bench, name="frame_delay", channel="trade", ms=900)
        await stop_level(line, Side.BUY)
        line.hit(Side.BUY, 5)
        await until(lambda: level.is_closed, 8.0, line.describe)
        await until(lambda: line.quoter.ledger.fills == 1, 5.0, "the fill in the ledger")
        assert level.close_type is CloseType.POSITION_HOLD
