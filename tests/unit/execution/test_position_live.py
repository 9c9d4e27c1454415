"""`execution: position` live: executors with barriers under the quoter's own gate, ledger, start check and breakers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType

from hummingbot_extensions.core.canonical import digest, from_plain
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.execution import arming
from hummingbot_extensions.execution.position_executor import EntryExecutor
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import until
from tests.unit.execution.test_reports import COMMON, documented_kinds
from tests.unit.execution.trading import (
    CONTROLLER,
    FAST,
    Trading,
    arm_fault,
    clear_faults,
    trading,
    venue,
)

D = Decimal
POSITION: dict[str, Any] = {
    "execution": "position", "stop_loss_bps": 50, "take_profit_bps": 10, "time_limit_s": 3600, "volatility_on": False,
    "skew_linear_on": False, "order_size_base": 0.002, **FAST,
}  # fmt: skip


def play(scenario: Callable[[], Any]) -> None:
    warp.run(scenario())


@asynccontextmanager
async def live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: Any = None, **changes: Any
) -> AsyncIterator[Trading]:
    async with AsyncExitStack() as stack:
        on = on or await stack.enter_async_context(venue())
        settings = {**POSITION, **changes}
        yield await stack.enter_async_context(trading(tmp_path, monkeypatch, on=on, **settings))


def executors(line: Trading, side: Side | None = None) -> list[EntryExecutor]:
    found: list[Any] = line.executors
    assert all(type(one) is EntryExecutor for one in found)
    wanted = TradeType.BUY if side is Side.BUY else TradeType.SELL
    return [one for one in found if one.is_active and (side is None or one.config.side is wanted)]


async def quoted(line: Trading) -> None:
    await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, 60.0, line.describe)


async def at(line: Trading, position: str) -> None:
    quoter = line.quoter
    await until(lambda: quoter.position == D(position) == quoter.ledger.position, 60.0, line.describe)


def stored() -> list[Any]:
    return [row for row in MarketsRecorder.get_instance().get_all_executors() if row.controller_id == CONTROLLER]


def test_an_entry_fills_and_its_take_profit_closes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides rest 6 bps away; a filled one gets a reduce-only take profit 10 bps on and is not quoted meanwhile."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as line:
            await quoted(line)
            prices = {row["side"]: row["price"] for row in line.venue_orders()}
            assert prices == {"buy": "99940.00", "sell": "100060.00"}
            (bought,) = executors(line, Side.BUY)
            line.hit(Side.BUY, 20)
            await at(line, "0.0020")
            await until(lambda: len(line.venue_orders(Side.SELL)) == 2, 30.0, line.describe)
            assert {row["price"] for row in line.venue_orders(Side.SELL)} == {"100060.00", "100039.94"}
            await asyncio.sleep(10.0)
            assert not line.venue_orders(Side.BUY) and executors(line, Side.BUY) == [bought]
            assert "a level of buy holds a position" in "\n".join(line.controller.to_format_status())
            line.hit(Side.SELL, 20)
            line.bench.market.outside(Side.BUY, MID_TICKS + 3_994, 2000, TimeInForce.IOC)
            await until(lambda: bought.close_type is CloseType.TAKE_PROFIT, 60.0, line.describe)
            await at(line, "0")
            await quoted(line)
            assert line.controller.net_pnl_quote() > 0
            await line.stop()
            assert line.venue_orders() == []
        rows = stored()
        assert {row.type for row in rows} == {"position_executor"}
        closed = {row.id: row for row in rows}[bought.config.id]
        assert closed.close_type is CloseType.TAKE_PROFIT and closed.net_pnl_quote > 0
        assert all(row.status is RunnableStatus.TERMINATED for row in rows)

    play(scenario)


def test_everything_is_booked_and_every_row_is_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry, take profit, stop loss: ledger, fees and orders are those of the venue; decisions can be made again."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch, stop_loss_bps=20) as line:
            await quoted(line)
            line.hit(Side.BUY, 20)
            await at(line, "0.0020")
            await until(lambda: any(row["reduce_only"] for row in line.venue_orders()), 30.0, line.describe)
            market = line.bench.market
            market.outside(Side.SELL, MID_TICKS - 40_000, 200_000, TimeInForce.IOC)
            market.outside(Side.BUY, MID_TICKS - 30_000, 10_000)
            await at(line, "0")
            account = line.bench.handle.exchange.venue.accounts[line.bench.user]
            ledger = line.quoter.ledger
            assert ledger.fills == len(account.trades) >= 2
            assert ledger.fees_paid_quote == sum(trade.fee for trade in account.trades) > 0
            await line.stop()
            rows = line.events()
        kinds = documented_kinds()
        assert all(set(row) - COMMON == kinds[row["kind"]] for row in rows)
        fills = [row for row in rows if row["kind"] == "fill"]
        assert [row["fill"]["is_exit"] for row in fills if row["fill"]["side"] == "sell"][-1] is True
        assert fills[0]["fill"]["is_exit"] is False
        orders = [row for row in rows if row["kind"] == "order"]
        placed = [row["client_order_id"] for row in orders if row["event"] == "placed"]
        ended = [row["client_order_id"] for row in orders if row["event"] in ("filled", "canceled", "rejected")]
        assert sorted(placed) == sorted(ended) and len(set(placed)) == rows[-1]["placed"]
        assert {row["client_order_id"] for row in fills} <= set(placed)
        assert {row["is_reduce_only"] for row in orders} == {True, False}
        decisions = [row for row in rows if row["kind"] == "decision"]
        assert decisions
        for row in decisions:
            assert digest(decide(from_plain(DecisionInputs, row["inputs"]))) == row["hash"]

    play(scenario)


def test_a_stop_of_the_bot_closes_what_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Partly filled: the stop takes the rest of the entry back, sells what was bought and stores the executor."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as line:
            await quoted(line)
            line.hit(Side.BUY, 8)
            await at(line, "0.0008")
            await line.stop()
            assert line.venue_orders() == []
            assert line.connector.account_positions == {}
            assert D(line.events("stopped")[-1]["ledger"]["position"]) == 0
        rows = stored()
        assert {row.close_type for row in rows} == {CloseType.EARLY_STOP} and len(rows) == 2
        (traded,) = [row for row in rows if row.filled_amount_quote > 0]
        assert traded.custom_info["position_base"] == "0.0000" and traded.net_pnl_quote != 0

    play(scenario)


def test_a_cancel_takes_the_rest_back_and_leaves_what_filled_to_its_barriers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partly filled, and then at a level that quotes nothing: nothing is sold at market, the take profit stays."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as line:
            await quoted(line)
            (bought,) = executors(line, Side.BUY)
            line.hit(Side.BUY, 8)
            await at(line, "0.0008")
            line.reload(breaker_level="pause")
            await until(lambda: not [row for row in line.venue_orders() if not row["reduce_only"]], 30.0, line.describe)
            await asyncio.sleep(10.0)
            assert line.quoter.position == D("0.0008") and bought.is_active
            assert [(row["side"], row["qty"]) for row in line.venue_orders()] == [("sell", "0.0008")]
            assert executors(line) == [bought]

    play(scenario)


def test_entries_follow_a_change_of_distance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too far by the new parameters: the replacement is created first, then the old executor is ended."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as line:
            await quoted(line)
            before = executors(line)
            line.reload(order_distance_bps=4.0, cancel_distance_bps=2.0, rebalance_distance_bps=5.0)
            await until(lambda: sorted(row["price"] for row in line.venue_orders()) == ["100040.00", "99960.00"],
                        60.0, line.describe)
            await until(lambda: all(one.close_type is CloseType.EARLY_STOP for one in before), 10.0, line.describe)
            assert line.quoter.ledger.fills == 0
            await line.stop()
            assert [row["reason"] for row in line.events("cancel_sent")][:2] == ["too_far"] * 2

    play(scenario)


def test_entries_are_taken_back_while_a_feed_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hummingbot asks the controller nothing then (trap 14): the quoter decides by itself, and quotes again after."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as line:
            await quoted(line)
            await arm_fault(line.bench, name="silence")
            await until(lambda: not line.venue_orders(), 30.0, line.describe)
            await clear_faults(line.bench)
            await quoted(line)
            assert line.quoter.ledger.fills == 0

    play(scenario)


def test_a_disarmed_one_decides_and_creates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dry levels show what would rest; no executor is asked for."""

    async def scenario() -> None:
        monkeypatch.setattr(arming, "may_send", lambda name, armed: False)
        async with live(tmp_path, monkeypatch) as line:
            await until(lambda: len(line.quoter.open_orders()) == 2, 30.0, line.describe)
            await asyncio.sleep(5.0)
            assert line.executors == [] and not line.venue_orders()

    play(scenario)


def test_the_tiers_hold_for_positions_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the soft limit on nothing is added, and nothing enters to reduce: that is the barriers' part."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch, soft_limit_base=0.0019, resume_limit_base=0.0010) as line:
            await quoted(line)
            line.hit(Side.BUY, 20)
            await at(line, "0.0020")
            await until(lambda: line.quoter.decision.bid_silence is Silence.SOFT_LIMIT, 30.0, line.describe)
            await asyncio.sleep(5.0)
            assert not line.venue_orders(Side.BUY)
            assert all(row["price"] in ("100060.00", "100039.94") for row in line.venue_orders(Side.SELL))

    play(scenario)


def test_levels_that_hold_a_position_are_not_quoted_and_make_no_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three layers, one filled: two bids rest on, also through a re-quote; a calm minute writes no decision."""

    async def scenario() -> None:
        layers = {"layer_count": 3, "order_size_base": 0.001, "first_spacing_bps": 1.0, "take_profit_bps": 100}
        async with live(tmp_path, monkeypatch, **layers) as line:
            await until(lambda: len(line.venue_orders()) == 6, 60.0, line.describe)
            line.hit(Side.BUY, 10)
            await at(line, "0.0010")
            await until(lambda: len(line.venue_orders(Side.BUY)) == 2, 10.0, line.describe)
            await asyncio.sleep(5.0)
            before = line.quoter._decision_count
            await asyncio.sleep(60.0)
            assert line.quoter._decision_count == before
            assert len(line.venue_orders(Side.BUY)) == 2 and len(executors(line, Side.BUY)) == 3
            line.reload(order_distance_bps=4.0, cancel_distance_bps=2.0, rebalance_distance_bps=5.0)
            await until(lambda: max(D(row["price"]) for row in line.venue_orders(Side.BUY)) == D("99960"), 30.0,
                        line.describe)
            await until(lambda: len(line.venue_orders(Side.BUY)) == 2, 10.0, line.describe)
            assert len(executors(line, Side.BUY)) == 3 and line.quoter.position == D("0.001")

    play(scenario)


# --- what it had not: gate, start check, breakers, verified stop ---


def test_the_gate_refuses_an_executor_before_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three orders a day: the fourth gets no executor, the refusal is told; a larger budget lets it come."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch, daily_orders=3) as line:
            await quoted(line)
            line.reload(order_distance_bps=4.0, cancel_distance_bps=2.0, rebalance_distance_bps=5.0)
            await until(lambda: line.quoter.gate.refused_count > 0, 30.0, line.describe)
            await asyncio.sleep(5.0)
            assert line.quoter.placed_count == 3 and len(line.venue_orders()) == 2
            line.reload(daily_orders=1000)
            await until(lambda: sorted(row["price"] for row in line.venue_orders()) == ["100040.00", "99960.00"],
                        60.0, line.describe)
            await line.stop()
            assert {row["reason"] for row in line.events("gate")} == {"gate_daily_orders"}

    play(scenario)


@pytest.mark.parametrize("policy", ["refuse", "flatten", "adopt"])
def test_a_strange_position_is_judged_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """H6 in this mode: nothing is entered before the policy is applied."""

    async def scenario() -> None:
        async with venue() as on:
            async with live(tmp_path, monkeypatch, on=on) as line:
                await quoted(line)
                await line.stop()
                line.by_hand("buy", "0.0050")
            async with live(tmp_path, monkeypatch, on=on, startup_policy=policy) as line:
                if policy == "refuse":
                    await until(lambda: line.quoter.start_up.hold is Silence.STARTUP_REFUSED, 60.0, line.describe)
                    await asyncio.sleep(10.0)
                    assert line.executors == [] and line.quoter.position == D("0.005")
                    return
                await quoted(line)
                assert line.quoter.position == (0 if policy == "flatten" else D("0.005")) == line.quoter.ledger.position

    play(scenario)


def test_refused_entries_and_closes_trip_the_breaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """K14 in this mode: five rejections pause it, four do not; nothing is entered while it pauses."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch, reject_limit=5, reject_window_s=300) as line:
            await quoted(line)
            await arm_fault(line.bench, name="order_rejected", message="risk control", count=5)
            line.reload(order_distance_bps=4.0, cancel_distance_bps=2.0, rebalance_distance_bps=5.0)
            await until(lambda: line.quoter.decision.bid_silence is Silence.BREAKER_PAUSE, 60.0, line.describe)
            assert line.quoter.reject_count == 5
            await until(lambda: not line.venue_orders(), 10.0, line.describe)

    play(scenario)


def test_a_kill_switch_holds_the_position_and_a_restart_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped by hand with a position: it is kept, booked, and the next start goes on with it without a policy."""

    async def scenario() -> None:
        async with venue() as on:
            async with live(tmp_path, monkeypatch, on=on) as line:
                await quoted(line)
                line.hit(Side.BUY, 20)
                await at(line, "0.0020")
                await line.switch_off()
                await until(lambda: not line.venue_orders(), 10.0, line.describe)
                assert line.quoter.position == D("0.0020")
            async with live(tmp_path, monkeypatch, on=on, startup_policy="refuse") as line:
                await quoted(line)
                assert line.quoter.position == D("0.0020") == line.quoter.ledger.position

    play(scenario)


def test_a_killed_bot_leaves_nothing_to_its_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders of executors that died are cancelled as leftovers; a fill that was missed is booked."""

    async def scenario() -> None:
        async with venue() as on:
            async with live(tmp_path, monkeypatch, on=on) as line:
                await quoted(line)
                assert await line.controller.desk._writer.flush()
                old = {row["cl_ord_id"] for row in line.venue_orders()}
                line.hit(Side.BUY, 20)
                line.is_crashed = True
            async with live(tmp_path, monkeypatch, on=on, startup_policy="refuse") as line:
                await quoted(line)
                assert not old & {row["cl_ord_id"] for row in line.venue_orders()}
                assert line.quoter.position == D("0.0020") == line.quoter.ledger.position

    play(scenario)


def test_an_executor_that_never_comes_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hummingbot may lose a request: the level is free again after 5 s, and a late executor sends nothing."""

    async def scenario() -> None:
        async with live(tmp_path, monkeypatch) as line:
            await quoted(line)
            lost: list[Any] = []
            with monkeypatch.context() as patch:
                patch.setattr(line.controller, "create_level", lost.append)
                line.reload(order_distance_bps=4.0, cancel_distance_bps=2.0, rebalance_distance_bps=5.0)
                await until(lambda: len(lost) >= 4, 60.0, line.describe)
            prices = ["100040.00", "99960.00"]
            await until(lambda: sorted(row["price"] for row in line.venue_orders()) == prices, 60.0, line.describe)
            line.controller.create_level(lost[0])
            await asyncio.sleep(5.0)
            assert sorted(row["price"] for row in line.venue_orders()) == prices

    play(scenario)
