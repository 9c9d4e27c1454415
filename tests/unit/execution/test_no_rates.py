"""A workspace whose rate source does not know the venue's coin: nothing fails, and nothing is made up."""

from __future__ import annotations

import logging
from decimal import Decimal
from pathlib import Path

import pytest
from hummingbot.core.rate_oracle.rate_oracle import RateOracle

from hummingbot_extensions.core.types import Side
from tests.support import warp
from tests.support.running import until
from tests.unit.execution.trading import FAST, trading


def test_fills_without_a_rate_are_booked_and_stored_without_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Hummingbot states fees in the coin as well; a root that ``hbx init`` did not make lacks the rate for it."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            oracle = RateOracle.get_instance()
            monkeypatch.setattr(oracle, "_prices", {})
            # As Hummingbot's connector manager does, which this rig has none of.
            oracle.register_connector(line.connector)
            await line.quoted()
            with caplog.at_level(logging.ERROR):
                for side, lots, position in ((Side.BUY, 5, "0.0005"), (Side.SELL, 20, "-0.0015")):
                    line.hit(side, lots)
                    await until(lambda p=position: line.quoter.ledger.position == Decimal(p), 10.0, line.describe)
                await line.quoted()
                await line.stop()
            oracle.unregister_connector(line.connector.name)
            assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []

    warp.run(scenario())
