"""Hummingbot's database under a bot of ours: quick commits, and no position that does not exist."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.model.position import Position
from sqlalchemy import text

from tests.support import warp
from tests.unit.execution.trading import CONTROLLER, DOMAIN, FAST, PAIR, trading, venue


def row(controller_id: str, side: str) -> Position:
    return Position(
        id=str(uuid.uuid4()), controller_id=controller_id, connector_name=DOMAIN, side=side, trading_pair=PAIR,
        timestamp=1, volume_traded_quote=1, amount=1, breakeven_price=1, unrealized_pnl_quote=0, realized_pnl_quote=0,
        cum_fees_quote=0)


def test_a_start_forgets_stored_positions_of_its_own_and_commits_to_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap 16: both sides of a flip survive in Hummingbot's table; a start holds neither, others' rows stay."""

    async def scenario() -> None:
        async with venue() as on:
            async with trading(tmp_path, monkeypatch, on=on, **FAST) as line:
                await line.quoted()
                recorder = MarketsRecorder.get_instance()
                for phantom in (row(CONTROLLER, "BUY"), row(CONTROLLER, "SELL"), row("somebody", "BUY")):
                    recorder.store_position(phantom)
                await line.stop()
            async with trading(tmp_path, monkeypatch, on=on, **FAST) as line:
                recorder = MarketsRecorder.get_instance()
                assert line.strategy.executor_orchestrator.positions_held[CONTROLLER] == []
                assert [one.controller_id for one in recorder.get_all_positions()] == ["somebody"]
                with recorder.sql_manager.engine.connect() as connection:
                    assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
                    assert connection.execute(text("PRAGMA synchronous")).scalar() == 1
                await line.quoted()

    warp.run(scenario())
