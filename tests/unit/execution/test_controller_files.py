"""Controller files of a running bot: each speaks for its own controller, and is read whatever the wall clock does."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hummingbot.strategy_v2.models.base import RunnableStatus

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution.script_memory import Memory, Peak
from tests.support import warp
from tests.support.running import until
from tests.unit.execution.trading import CONTROLLER, FAST, Trading, trading, venue


def second_file(line: Trading, **changes: Any) -> None:
    """A second controller file, a copy of the first with ``changes``, that the running bot reads as well."""
    content = yaml.safe_load((line.conf / f"{CONTROLLER}.yml").read_text())
    (line.conf / "second.yml").write_text(yaml.safe_dump({**content, **changes}))
    line.strategy.config.controllers_config.append("second.yml")


@pytest.mark.parametrize("pair", ["ETH-DUSD", "BTC-DUSD"])
def test_a_second_file_with_the_id_of_a_running_controller_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, pair: str
) -> None:
    """A copied file whose id was not changed: sizes and limits of another coin do not reach the first market."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            controller = line.controller
            with caplog.at_level(logging.WARNING):
                second_file(line, trading_pair=pair, order_size_base="0.005", net_max_base="5")
                await until(lambda: "second.yml refused" in caplog.text, 5.0, "the refusal")
            assert controller.config.order_size_base == Decimal("0.002")
            assert controller.config.net_max_base == Decimal("0.05")
            line.reload(order_size_base="0.003")
            await until(lambda: controller.config.order_size_base == Decimal("0.003"), 5.0, "the own file")
            line.strategy.add_controller(controller.config.model_copy(update={"trading_pair": pair}))
            assert line.controller is controller and "same id" in caplog.text

    warp.run(scenario())


def test_a_file_moved_to_another_market_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The pair cannot change live, so the sizes that were written for the new one must not be taken either."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            with caplog.at_level(logging.WARNING):
                line.reload(trading_pair="ETH-DUSD", order_size_base="0.005")
                await until(lambda: "mm.yml refused" in caplog.text, 5.0, "the refusal")
            assert line.controller.config.order_size_base == Decimal("0.002")
            assert "runs BTC-DUSD on standx_perpetual_emulator" in caplog.text

    warp.run(scenario())


def test_a_file_that_disarms_a_running_bot_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """``armed`` and ``leverage`` do not change live: it is said once, with what stops it now; the rest is taken."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, armed=True, **FAST) as line:
            await line.quoted()
            with caplog.at_level(logging.WARNING):
                line.reload(armed=False, order_size_base="0.003")
                await until(lambda: line.controller.config.order_size_base == Decimal("0.003"), 5.0, "the reload")
                await asyncio.sleep(5.0)
            said = [record.getMessage() for record in caplog.records if "armed is False" in record.getMessage()]
            assert len(said) == 1 and "set manual_kill_switch to true" in said[0]
            assert line.controller.config.armed is True

    warp.run(scenario())


def test_the_kill_switch_is_read_after_the_wall_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour back by hand or by NTP: the file is still read every few seconds."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            warp.clock().jump_wall(-3600.0)
            # The tick that was under way still bears the old time.
            await asyncio.sleep(1.0)
            await line.switch_off()
            await until(lambda: not line.venue_orders(), 10.0, line.describe)

    warp.run(scenario())


def test_a_controller_that_was_never_let_run_still_states_what_its_position_is_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Off from the start with a position: its result is known, else the global drawdown limit would be blind."""

    async def scenario() -> None:
        async with venue() as on:
            async with trading(tmp_path, monkeypatch, on=on, **FAST) as line:
                await line.quoted()
                line.hit(Side.BUY, 5)
                await until(lambda: line.quoter.ledger.position == Decimal("0.0005"), 20.0, line.describe)
                await line.stop()
            async with trading(tmp_path, monkeypatch, on=on, manual_kill_switch=True, **FAST) as line:
                await until(lambda: line.controller.status is RunnableStatus.TERMINATED, 10.0, "the kill switch")
                ledger, mark = line.quoter.ledger, line.quoter.books.mark()
                assert ledger.position == Decimal("0.0005") and mark is not None
                net = ledger.net_pnl_quote(mark)
                assert net is not None
                assert line.strategy._pnl_quote(CONTROLLER) == round(net, 6)

    warp.run(scenario())


def test_releasing_one_controller_keeps_the_peaks_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who looked at one loss has not looked at another."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            strategy = line.strategy
            began_ns = line.controller.desk.began_ns
            strategy.controllers["other"] = SimpleNamespace(desk=SimpleNamespace(began_ns=5))
            strategy._memory = Memory(
                (Peak(CONTROLLER, began_ns, Decimal(3)), Peak("other", 5, Decimal(7))), Decimal(9))
            strategy._release(CONTROLLER)
            assert [strategy._remembered_peak(key) for key in (CONTROLLER, "other", "")] == [None, Decimal(7), None]
            del strategy.controllers["other"]

    warp.run(scenario())
