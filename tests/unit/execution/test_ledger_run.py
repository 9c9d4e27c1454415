"""A whole bot's ledger: fills with their mark, markouts in time, the split, exit cost, and the trade log of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core import markout
from hummingbot_extensions.core.ledger import FeeOverride
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import bookkeeping, snapshot, state_file
from hummingbot_extensions.execution.status import custom_info, lines, status_of
from hummingbot_extensions.monitoring.trade_log import TradeLog, lines_of
from tests.support import warp
from tests.support.running import until
from tests.unit.execution.trading import FAST, trading, venue


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """In virtual time."""
    warp.run(scenario)


def test_a_fill_is_marked_split_and_marked_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spread is the distance of the quote, markouts come in time (two of the four here), the parts sum to the net."""
    monkeypatch.setattr(markout, "HORIZONS_S", (1, 5))
    monkeypatch.setattr(bookkeeping, "PNL_ROW_EVERY_NS", 1_000_000_000)

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            line.hit(Side.BUY, 5)
            await until(lambda: line.quoter.ledger.fills == 1, 5.0, line.describe)
            await until(lambda: line.quoter.books.mean_markouts()[-1].fills == 1, 20.0, "the markouts")
            status = status_of(line.quoter, "", 0)
            split, info = status.split, custom_info(status)
            assert split.net_complete and info["net_complete"] and split.exit_cost_quote == 0
            parts = (split.spread_quote, split.inventory_quote, split.rebates_quote, split.fees_quote)
            spread, inventory, rebates, fees = parts
            assert None not in parts and spread + inventory + rebates - fees == split.net_quote  # type: ignore[operator]
            assert Decimal("0.02") < split.spread_quote < Decimal("0.04")  # type: ignore[operator]
            assert info["pnl"]["spread"] == pytest.approx(float(spread), abs=1e-6)  # type: ignore[arg-type]
            assert 5 < info["markout_bps"]["5"] < 7
            text = "\n".join(lines(status, "mm"))
            assert "from spread 0.0" in text and "over the last 1 fills" in text
            await line.stop()
            fill, marks = line.events("fill")[0], line.events("markout")
            assert [row["horizon_s"] for row in marks] == [1, 5] and {row["trade_id"] for row in marks} == {
                fill["fill"]["trade_id"]}
            for row in marks:
                assert row["t_ns"] - fill["fill"]["exchange_ts_ns"] == pytest.approx(row["horizon_s"] * 1e9, abs=2e9)
                gain = (Decimal(row["mark"]) / Decimal(fill["fill"]["price"]) - 1) * 10_000
                assert row["bps"] == pytest.approx(float(gain))
            assert abs(Decimal(fill["fill"]["mark"]) - 100_000) < 10 and fill["bid"] is not None
            last = line.events("pnl")[-1]
            assert len(line.events("pnl")) >= 3 and Decimal(last["position"]) == Decimal("0.0005")
            stopped = line.events("stopped")[-1]["ledger"]
            assert Decimal(last["split"]["fees_quote"]) == Decimal(stopped["fees_paid_quote"])
            printed = list(lines_of(line.events(), TradeLog()))
            whats = [text.split(" | ")[1] for text in printed[1:]]
            assert whats[0] == "START" and whats[-1] == "STOP" and whats.count("FILL") == 1
            assert {"PLACE_BID", "PLACE_ASK", "CANCEL"} < set(whats)

    run(scenario())


def test_what_the_run_does_not_live_to_see_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop a moment after a fill leaves four markouts, none of them invented."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            line.hit(Side.SELL, 5)
            await until(lambda: line.quoter.ledger.fills == 1, 5.0, line.describe)
            await line.stop()
            rows = line.events("markout")
            assert [row["horizon_s"] for row in rows] == [1, 5, 30, 300]
            assert rows[-1]["bps"] is None and rows[-1]["mark"] is None

    run(scenario())


def test_a_flatten_is_exit_cost_and_a_missed_fill_has_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The position is closed at the start: what that pays against the mark is cost, not a bad spread.

    The leftovers of a killed bot are in the trade log, and a fill of one of them leaves the split unknown.
    """

    async def scenario() -> None:
        async with venue() as on:
            async with trading(tmp_path, monkeypatch, on=on, **FAST) as line:
                await line.quoted()
                line.is_crashed = True
                resting = line.venue_orders()
            line.hit(Side.BUY, 10)
            line.by_hand("buy", "0.0030")
            await asyncio.sleep(1.0)
            async with trading(tmp_path, monkeypatch, on=on, startup_policy="flatten", **FAST) as line:
                await line.quoted()
                split = line.quoter.books.book.split(line.quoter.books.mark())
                await line.stop()
                exits = [row["fill"] for row in line.events("fill") if row["fill"]["is_exit"]]
                assert exits and {fill["side"] for fill in exits} == {"sell"}
                cost = sum((Decimal(fill["mark"]) - Decimal(fill["price"])) * Decimal(fill["size"]) for fill in exits)
                assert split.exit_cost_quote == cost > 0
                missed = [row for row in line.events("fill") if row["source"] == "history"]
                assert len(missed) == 1 and missed[0]["fill"]["mark"] is None and missed[0]["bid"] is None
                assert split.unmarked_fills == 1 and split.spread_quote is None and not split.net_complete
                assert split.net_quote is not None and split.trading_quote is not None
                printed = list(lines_of(line.events(), TradeLog()))
                swept = [text for text in printed if " | REST_GATE_CANCEL | " in text]
                assert {text.split("order_id=")[1].split(" ")[0] for text in swept} <= {
                    row["cl_ord_id"] for row in resting} and swept

    run(scenario())


def test_an_override_wins_over_the_venues_fee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """N13: null is the venue's 1 bps; -1 bps makes a rebate of a maker fill, and the venue's word changes nothing."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **FAST) as line:
            await line.quoted()
            line.hit(Side.BUY, 5)
            await until(lambda: line.quoter.ledger.fills == 1, 5.0, line.describe)
            await until(lambda: line.quoter.books.book.final_ids, 20.0, "the venue's own fee")
            paid = line.quoter.ledger.fees_quote
            assert paid is not None and paid > 0 == line.quoter.ledger.rebates_quote
            line.quoter.books._fees = FeeOverride(maker_bps=Decimal(-1))
            await line.quoted()
            line.hit(Side.SELL, 5)
            await until(lambda: line.quoter.ledger.fills == 2, 5.0, line.describe)
            await until(lambda: len(line.quoter.books.book.final_ids) == 2, 20.0, "the venue's own fee again")
            assert line.quoter.ledger.rebates_quote == pytest.approx(paid, rel=Decimal("0.01"))
            await line.stop()

    run(scenario())


OF_VERSION_2 = """
{"_":"Snapshot","scope":{"_":"Scope","controller_id":"mm","connector_name":"standx_perpetual_emulator","trading_pair":
"BTC-DUSD"},"owner_tag":"hx1234-","config_hash":"abc","saved_ns":99,"book":{"_":"AccountBook","began_ns":1,"ledger":{
"_":"Ledger","position":"1.5","entry_price":"101","realized_quote":"4.5","fees_paid_quote":"0.04","missing_fees":0,
"funding_quote":"-0.3","fills":3,"maker_volume_quote":"459.0","taker_volume_quote":"0","unknown_volume_quote":"0",
"opened_ns":"2.333333333333333333333333333","closed_base":"1.5","held_base_s":"2.500000000000000000E-9"},"booked":[
{"_":"BookedFill","trade_id":"1","exchange_ts_ns":2,"fee_quote":"-0.02","is_fee_final":true},
{"_":"BookedFill","trade_id":"2","exchange_ts_ns":3,"fee_quote":"0.05","is_fee_final":true},
{"_":"BookedFill","trade_id":"3","exchange_ts_ns":4,"fee_quote":"0.01","is_fee_final":true}],"forgotten_ns":-1,
"funding_ns":9000000000,"adoptions":[]},"hard_stop_since_ns":5,"policy":"continue","stop":{"_":"LastingStop",
"stop_since_ns":null,"stop_release":0,"serious_ns":[]},"is_closing":false}
"""
"""What version 2 wrote after buying 2 at 100 for a rebate, buying 1 at 103, selling 1.5 at 104, and paying funding."""
SCOPE = snapshot.Scope("mm", "standx_perpetual_emulator", "BTC-DUSD")


def test_a_state_of_the_version_before_goes_on_to_the_last_unit(tmp_path: Path) -> None:
    """Position, profit, fees, rebates and funding as they were; what its fills were made of is unknown, not 0."""
    path = tmp_path / "state.json"
    state_file.write(path, state_file.encoded(json.loads(OF_VERSION_2.replace("\n", "")), 2))
    kept = snapshot.loaded(path, SCOPE)
    assert kept is not None and kept.book.problems() == [] and kept.hard_stop_since_ns == 5
    ledger, split = kept.book.ledger, kept.book.split(Decimal(110))
    assert (ledger.position, ledger.entry_price, ledger.realized_quote) == (Decimal("1.5"), 101, Decimal("4.5"))
    assert sum(ledger.balances.values()) == 0 and ledger.wallet_quote == Decimal("4.16")
    assert (split.fees_quote, split.rebates_quote) == (Decimal("0.06"), Decimal("0.02"))
    assert split.net_quote == Decimal("17.66") and split.trading_quote == 18
    assert split.spread_quote is None and split.unmarked_fills == 3 and not split.net_complete
    state_file.write(path, state_file.encoded(snapshot.content_of(kept), snapshot.VERSION))
    assert snapshot.loaded(path, SCOPE) == kept


@pytest.mark.parametrize("damage", ['"entry_price":"101",', '"fees_paid_quote":"0.04",', '"position":"1.5",'])
def test_an_old_state_that_lacks_a_figure_is_damage(tmp_path: Path, damage: str) -> None:
    """Set aside like any other state that cannot be read; nothing is assumed."""
    path = tmp_path / "state.json"
    text = OF_VERSION_2.replace("\n", "").replace(damage, "")
    state_file.write(path, state_file.encoded(json.loads(text), 2))
    assert snapshot.loaded(path, SCOPE) is None and list(tmp_path.glob("state.json.damaged-*"))
