"""What an own pricer is told of our fills, in the whole bot."""

from __future__ import annotations

from pathlib import Path

import pytest
from trading import FAST, trading, until

from hummingbot_extensions.core.types import Side


async def test_a_pricer_sees_where_we_were_filled_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample of docs/own-pricer.md stands back on the side that was just filled, once it is told."""
    config = {"mode": "tests.support.own_pricer:leaning", "own_params": {"after_fill_bps": 3.0, "lean_frac": 0.0},
              "skew_linear_on": False, "volatility_on": False, **FAST}
    async with trading(tmp_path, monkeypatch, **config) as line:
        await line.quoted()
        for side in (Side.BUY, Side.SELL):
            line.hit(side, 20)
            await until(lambda side=side: line.quoter.books.last_fill_side is side, 10.0, "the fill")
            if side is Side.BUY:
                await until(
                    lambda: [q.breakdown.term("after_fill") for q in line.quoter.decision.quotes
                             if q.side is Side.BUY] == [3.0], 10.0, "the bid stands back")
        await until(
            lambda: all(not q.breakdown.term("after_fill") for q in line.quoter.decision.quotes), 10.0,
            "flat again, nobody stands back")
