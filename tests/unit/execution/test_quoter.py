"""The quoter's life in a real strategy: when it decides, when it refuses, how it is stopped, restarted and reloaded."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hummingbot.strategy_v2.models.base import RunnableStatus

from controllers.market_making.perp_market_maker import PerpMarketMakerConfig
from hummingbot_extensions.core.decide import decide
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import bookkeeping
from hummingbot_extensions.execution import quoter as quoter_module
from hummingbot_extensions.execution.quote_executor import QuoteExecutor
from tests.support.running import until
from tests.unit.execution.trading import CONTROLLER, FAST, arm_fault, clear_faults, trading


async def test_many_wake_ups_in_one_turn_are_one_decision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand wake-ups before the loop turns lead to one decision, which names what woke it."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        calls: list[Any] = []

        def counted(inputs: Any) -> Any:
            calls.append(inputs)
            return decide(inputs)

        monkeypatch.setattr(quoter_module, "decide", counted)
        for _ in range(1000):
            line.quoter.wake("frame")
        assert calls == []
        await asyncio.sleep(0)
        assert len(calls) == 1


async def test_a_silent_feed_pulls_quotes_by_the_heartbeat_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no frame of any kind coming in, nothing rests soon after the book's allowed age; quoting resumes with it."""
    async with trading(tmp_path, monkeypatch, stale_book_ms=1500, **FAST) as line:
        await line.quoted()
        began = time.monotonic()
        await arm_fault(line.bench, name="silence")
        await until(lambda: not line.venue_orders(), 5.0, line.describe)
        assert time.monotonic() - began < 3.5
        assert line.quoter.decision.bid_silence is Silence.STALE_BOOK
        assert "stale_book" in "\n".join(line.controller.to_format_status())
        await clear_faults(line.bench)
        await line.quoted()


async def test_a_failing_decision_pulls_quotes_and_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception in a decision cancels what rests, is logged once, is not counted as quoting, and ends by itself."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()

        def broken(_: Any) -> Any:
            raise ArithmeticError("a decision that fails")

        with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
            patch.setattr(quoter_module, "decide", broken)
            await until(lambda: not line.venue_orders() and line.quoter._failures > 3, 5.0, line.describe)
            assert line.quoter.presence.spent_s(time.monotonic_ns(), Side.BUY)["decision_failed"] > 0
            assert "decision_failed" in "\n".join(line.controller.to_format_status())
        failed = [record for record in caplog.records if "decision failed" in record.getMessage()]
        assert len(failed) == 1
        await line.quoted()
        assert line.controller.desk.custom_info()["bid"]["silence"] is None


async def test_orders_that_cannot_be_read_are_pulled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When our own orders cannot even be listed, they are cancelled from memory instead of being left to rest."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()

        def broken(_: Any) -> Any:
            raise LookupError("the connector cannot say")

        with monkeypatch.context() as patch:
            patch.setattr(QuoteExecutor, "open_orders", broken)
            await until(lambda: not line.venue_orders(), 5.0, line.describe)
        await line.quoted()


async def test_a_position_on_its_way_is_waited_for_and_a_foreign_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Own fills never count as a mismatch; a trade that is not ours is, after the settling time, and is said once."""
    monkeypatch.setattr(bookkeeping, "POSITION_SETTLE_NS", 500_000_000)
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        line.hit(Side.BUY, 5)
        await until(lambda: line.quoter.position == Decimal("0.0005"), 3.0, "the position after our fill")
        await asyncio.sleep(0.8)
        with caplog.at_level(logging.WARNING):
            line.by_hand("sell", "0.0020")
            await until(lambda: line.quoter.position == Decimal("-0.0015"), 3.0, "the position after a foreign trade")
            assert line.quoter.ledger.position == Decimal("0.0005")
            await until(lambda: line.quoter.ledger.position == Decimal("-0.0015"), 3.0, "the venue's position taken")
        assert line.quoter.ledger.fills == 1
        await line.stop()
        rows = line.events("position_adjusted")
        assert [(Decimal(row["venue"]), Decimal(row["by_fills"])) for row in rows] == [
            (Decimal("-0.0015"), Decimal("0.0005"))]
        assert sum("position differs" in record.getMessage() for record in caplog.records) == 1


async def test_disarmed_on_a_live_venue_sends_nothing_and_says_what_it_would_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No order call at all over many decisions; status, custom info and event log carry the quotes it would show."""
    calls: list[str] = []
    async with trading(tmp_path, monkeypatch, connector_name="standx_perpetual", **FAST) as line:
        for name in ("buy", "sell", "cancel", "cancel_many", "_submit"):
            monkeypatch.setattr(line.connector, name, lambda *_, call=name, **__: calls.append(call))
        await until(lambda: line.quoter.placed_count == 2, 5.0, line.describe)
        line.reload(order_distance_bps=4.0, cancel_distance_bps=2.0, rebalance_distance_bps=5.0)
        await until(lambda: line.quoter.placed_count == 4, 5.0, line.describe)
        for _ in range(50):
            line.quoter.wake("frame")
            await asyncio.sleep(0.005)
        info = line.controller.get_custom_info()
        assert info["mode"] == "disarmed" and info["bid"]["price"] == 99960.0 and info["in_band_frac"] in (0.0, None)
        assert "armed: false" in "\n".join(line.controller.to_format_status())
        assert line.executors == []
        await line.stop()
        assert calls == [] and line.bench.account()["orders_placed"] == 0
        assert line.events("run")[0]["sends_orders"] is False
        actions = [action["_"] for row in line.events("decision") for action in row["actions"]]
        assert actions.count("Place") == 4 and actions.count("Cancel") == 2
        assert "disarmed" in line.quoter.presence.spent_s(time.monotonic_ns(), Side.SELL)
        # What the log says of its orders adds up like a live run's.
        told = [row["event"] for row in line.events("order")]
        assert told.count("placed") == 4 and told.count("canceled") == 4


async def test_an_armed_live_venue_is_sent_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``armed: true`` opens the gate that the emulator's own domain does not have."""
    async with trading(tmp_path, monkeypatch, connector_name="standx_perpetual", armed=True, **FAST) as line:
        await line.quoted()
        assert line.controller.get_custom_info()["mode"] == "quoting"


async def test_kill_switch_cancels_all_and_its_release_quotes_again_on_one_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Off: nothing rests, the net result stays known. On again: a new log, and the result goes on from where it was."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        line.hit(Side.BUY, 5)
        await until(lambda: line.quoter.ledger.fills == 1 and line.quoter.position == Decimal("0.0005"), 3.0)
        await asyncio.sleep(0.05)
        net = line.controller.get_custom_info()["net_pnl_quote"]
        assert net is not None and net != 0
        first = line.quoter
        await line.switch_off()
        await until(lambda: not line.venue_orders() and first.is_idle, 5.0, line.describe)
        stopped = line.controller.get_custom_info()
        assert stopped["mode"] == "stopped" and stopped["net_pnl_quote"] == pytest.approx(net, abs=1e-4)
        await line.switch_on()
        await line.quoted()
        assert line.quoter is not first
        assert line.quoter.ledger == first.ledger and line.quoter.ledger.position == Decimal("0.0005")
        await line.stop()
        assert len(list(line.log_folder.glob("*.jsonl"))) == 2


async def test_hot_reload_swaps_parameters_and_keeps_the_old_ones_on_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good file is in force within a reload; a bad one changes and stops nothing; what is fixed stays."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        line.reload(order_distance_bps=7.5, rebalance_distance_bps=9.5, leverage=3)
        await until(lambda: line.controller.params().order_distance_bps == 7.5, 5.0, "the reload")
        assert line.controller.config.leverage == 1
        for bad in ({"order_distance_bps": 11.0}, {"order_distanc_bps": 5.0}, {"order_size_base": "much"}):
            content = line.conf / "mm.yml"
            good = content.read_text()
            line.reload(**bad)
            ticks = line.strategy._reloaded_at
            await until(lambda seen=ticks: line.strategy._reloaded_at > seen, 5.0, "the next reload")
            assert line.controller.params().order_distance_bps == 7.5
            content.write_text(good)
        await line.quoted()
        await line.stop()
        rows = line.events("config")
        assert [row["changed"] for row in rows] == [["order_distance_bps", "rebalance_distance_bps"]]
        assert rows[0]["config_hash"] != line.events("run")[0]["config_hash"]


async def test_a_file_that_lost_a_limit_or_changed_its_id_is_refused_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A cut file never trades on defaults, a new id never starts a second bot, broken YAML never stops the clock."""
    async with trading(tmp_path, monkeypatch, **FAST) as line:
        await line.quoted()
        content = line.conf / f"{CONTROLLER}.yml"
        good = content.read_text()
        before = line.controller.params()
        cut = "".join(row for row in good.splitlines(True) if not row.startswith(("soft_limit_base", "net_max_base")))
        with caplog.at_level(logging.INFO):
            for bad, said in (
                (cut, "net_max_base, soft_limit_base: gone from the file"),
                (good.replace(f"id: {CONTROLLER}", "id: second"), "id: second was not running at the start"),
                (good + "order_size_base: [", "refused, the running config stays"),
            ):
                content.write_text(bad)
                caplog.clear()
                for _ in range(2):
                    seen = line.strategy._reloaded_at
                    await until(lambda s=seen: line.strategy._reloaded_at > s, 5.0, "a reload")
                warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
                assert len([text for text in warnings if said in text]) == 1, warnings
                assert line.controller.params() == before
                assert list(line.strategy.controllers) == [CONTROLLER]
            content.write_text(good)
            await until(lambda: any("accepted again" in r.getMessage() for r in caplog.records), 5.0, "the good file")
        await line.quoted()


def test_an_armed_config_needs_its_limits_written_down() -> None:
    """Every limit that a file leaves out is named; a disarmed one may rely on defaults."""
    PerpMarketMakerConfig(id="x")
    with pytest.raises(ValueError, match="soft_limit_base, hard_stop_base, net_max_base, worst_case_frac: must be in"):
        PerpMarketMakerConfig(id="x", armed=True, order_size_base="0.002", resume_limit_base="0.006")


async def test_a_connector_that_cannot_be_quoted_is_refused_at_once_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The controller is not made, one line says why, and the strategy's clock goes on."""
    monkeypatch.setattr("hummingbot_extensions.execution.market_view.REQUIRED", ("book_state", "a_member_it_lacks"))
    with caplog.at_level(logging.ERROR):
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            before = line.strategy.current_timestamp
            await until(lambda: line.strategy.current_timestamp > before + 0.3, 3.0, "the clock")
            assert line.strategy.controllers == {}
    assert any("it lacks a_member_it_lacks" in record.getMessage() for record in caplog.records)


async def test_a_drawdown_limit_reads_the_net_result_through_a_kill_switch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profit above the limit is no loss after an off and on; a net loss beyond it stops the controller for good."""
    limits = {"max_controller_drawdown_quote": Decimal("0.02")}
    async with trading(tmp_path, monkeypatch, script_settings=limits, **FAST) as line:
        await line.quoted()
        line.hit(Side.BUY, 5)
        await until(lambda: (line.controller.get_custom_info()["net_pnl_quote"] or 0) > 0.02, 3.0, line.describe)
        await until(lambda: line.strategy._peak_quote.get(CONTROLLER, 0) > Decimal("0.02"), 3.0, "the peak noted")
        await line.switch_off()
        await asyncio.sleep(0.3)
        await line.switch_on()
        await line.quoted()
        await asyncio.sleep(0.3)
        assert line.controller.status is RunnableStatus.RUNNING
        books = line.quoter.books
        books.book = replace(books.book, ledger=replace(books.ledger, fees_paid_quote=Decimal("0.05")))
        await until(lambda: line.controller.status is RunnableStatus.TERMINATED, 3.0, "the drawdown stop")
        await until(lambda: not line.venue_orders(), 5.0, line.describe)
        await asyncio.sleep(0.3)
        assert line.controller.status is RunnableStatus.TERMINATED
