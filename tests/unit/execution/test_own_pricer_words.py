"""What an own pricer says when it has no price reaches everybody who asks why a side is silent."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.monitoring import run_log, trade_log
from tests.support.running import until
from tests.unit.execution.trading import CONTROLLER, FAST, trading

PRICER = '''
from hummingbot_extensions.core.pricing import Gap, NoPrice, SidePrice


def shy(side, inputs, params):
    """Sells only; buys in calm markets of a hundred, as the trial is."""
    if side == "buy" and inputs.mark > 1000:
        return NoPrice(Gap.PRICER_DECLINED, "too dear |\\n to buy")
    return SidePrice.of(("own", 6.0))
'''
WORDS = "pricer_declined: too dear | to buy"


async def test_status_dashboards_and_logs_carry_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D18: the silence stays one of a closed set; beside it stands what the pricer said, on its side alone."""
    (tmp_path / "shy_pricer.py").write_text(PRICER)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    async with trading(tmp_path, monkeypatch, mode="shy_pricer:shy", **FAST) as line:
        await until(lambda: {row["side"] for row in line.venue_orders()} == {"sell"}, 15.0, line.describe)
        assert line.quoter.decision is not None and line.quoter.decision.bid_silence is Silence.NO_PRICE
        info = line.controller.get_custom_info()
        assert (info["bid"]["silence"], info["bid"]["detail"]) == ("no_price", WORDS) and "detail" not in info["ask"]
        assert f"bid  silent  (no_price: {WORDS})" in line.strategy.format_status()
        await line.stop()
        path = run_log.newest_log(tmp_path, CONTROLLER)
        assert path is not None
        said = [(row["bid_silence"], row["bid_detail"], row["ask_detail"]) for row in line.events("decision")]
    assert ("no_price", WORDS, "") in said
    assert run_log.RunLog(path).catch_up().silences["bid"] == f"no_price ({WORDS})"
    rows = list(trade_log.lines_of(trade_log.events_of(path.read_bytes()), trade_log.TradeLog(is_detailed=True)))
    assert any("SILENT" in row and "reason=no_price | detail=pricer_declined: too dear to buy" in row for row in rows)
