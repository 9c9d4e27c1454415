"""What a restart goes on from: the account to the last unit, limits, hard stop; and what it does about a strange
position.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hummingbot.strategy_v2.models.base import RunnableStatus

from hummingbot_extensions.core.ledger import Ledger
from hummingbot_extensions.core.silence import Silence
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.execution import snapshot, state_file
from hummingbot_extensions.sim.venue_values import FundingRow
from tests.support import warp
from tests.support.running import PAIR, SYMBOL, until
from tests.unit.execution.trading import CONTROLLER, FAST, Trading, arm_fault, clear_faults, trading, venue


class Lives:
    """Bots that follow each other in one workspace, on one venue."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: Any) -> None:
        self._arguments = (tmp_path, monkeypatch)
        self._on = on

    def life(self, script_settings: dict[str, Any] | None = None, **controller: Any) -> Any:
        return trading(*self._arguments, on=self._on, script_settings=script_settings, **{**FAST, **controller})

    @property
    def exchange(self) -> Any:
        return self._on[0].exchange

    @property
    def user(self) -> str:
        return str(self._on[0].credentials.user)

    def pay(self, amount: Decimal) -> None:
        """The venue books a funding payment, positive received."""
        account, venue_ns = self.exchange.venue.accounts[self.user], self.exchange.venue.now_ns
        number = len(account.funding) + 1
        account.pay_funding(FundingRow(id=number, user=self.user, symbol=SYMBOL, amount=amount, rate=Decimal(0),
                                       ts_ns=venue_ns))

    def venue_fills(self) -> list[Any]:
        """Fills of the account as the venue has them, oldest first."""
        return list(self.exchange.venue.accounts[self.user].trades)


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: Any) -> None:
    async def whole() -> None:
        async with venue() as on:
            await scenario(Lives(tmp_path, monkeypatch, on))

    coroutine: Coroutine[Any, Any, None] = whole()
    warp.run(coroutine)


async def filled(line: Trading, side: Side, lots: int, position: str) -> None:
    line.hit(side, lots)
    await until(lambda: line.quoter.ledger.position == Decimal(position), 20.0, line.describe)


async def on_disk(line: Trading) -> None:
    assert await line.controller.desk._writer.flush()


def without_times(ledger: Ledger) -> Ledger:
    return replace(ledger, opened_ns=Decimal(0), held_base_s=Decimal(0))


def test_a_killed_bot_goes_on_as_if_it_had_never_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """H9: fills before, unsaved and while dead are in the account once, with their own times; the rest goes on."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            await filled(line, Side.BUY, 5, "0.0005")
            await on_disk(line)
            # This fill is booked, but the process dies before the disk has it.
            monkeypatch.setattr(line.controller.desk, "_keep", lambda: None)
            line.quoter.books._on_change = lambda what: None
            await filled(line, Side.SELL, 2, "0.0003")
            before = line.quoter.ledger
            resting = line.venue_orders()
            line.is_crashed = True
        # Dead: one more of the orders that rest is hit.
        assert len(resting) == 2
        line.hit(Side.BUY, 4)
        await asyncio.sleep(1.0)
        async with lives.life() as line:
            await line.quoted()
            ledger = line.quoter.ledger
            assert ledger.position == Decimal("0.0007") == line.quoter.position
            assert (before.fills, ledger.fills) == (2, 3)
            rows = lives.venue_fills()
            whole = Ledger()
            for booked, row in zip(line.quoter.books.book.booked, rows, strict=True):
                assert booked.exchange_ts_ns // 1000 == (row.ts_ns + lives.exchange.offset_ns) // 1000
                assert booked.is_fee_final
                whole = whole.after(_entry(row))
            assert without_times(whole) == without_times(ledger)
            assert {row["cl_ord_id"] for row in line.venue_orders()}.isdisjoint(row["cl_ord_id"] for row in resting)
            await filled(line, Side.SELL, 7, "0")
            await line.stop()
            last = line.events("stopped")[-1]
            assert last["ledger"]["fills"] == 4 and last["run"]["fills"] == 3
            history = [row for row in line.events("fill") if row["source"] == "history"]
            assert len(history) == 2 and all(row["fill"]["exchange_ts_ns"] < row["t_ns"] for row in history)
            net = line.quoter.ledger.net_pnl_quote(None)
            start, now = lives.exchange.venue.accounts[lives.user].start_balance, lives.exchange.venue.accounts[
                lives.user].balance
            assert net == now - start

    run(tmp_path, monkeypatch, scenario)


def _entry(row: Any) -> Any:
    from hummingbot_extensions.core.ledger import LedgerFill

    return LedgerFill("x", row.side, row.price, row.size, row.fee, True, row.ts_ns)


def test_a_hard_stop_outlives_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart inside the cooldown does not end the stop, and does not begin its cooldown anew either."""

    async def scenario(lives: Lives) -> None:
        async with lives.life(hard_stop_cooldown_s=120.0) as line:
            await line.quoted()
            line.by_hand("buy", "0.0210")
            await until(lambda: line.quoter.hard_stop_since_ns is not None, 20.0, line.describe)
            began_s = time.time()
            await on_disk(line)
            line.by_hand("sell", "0.0210")
            await until(lambda: line.quoter.position == 0, 20.0, line.describe)
            await asyncio.sleep(10.0)
            line.is_crashed = True
        async with lives.life(hard_stop_cooldown_s=120.0) as line:
            await until(lambda: line.quoter.decision and line.quoter.decision.bid_silence is Silence.HARD_STOP, 40.0,
                        line.describe)
            assert not line.venue_orders()
            await until(lambda: line.venue_orders(), 200.0, line.describe)
            assert 118.0 < time.time() - began_s < 135.0

    run(tmp_path, monkeypatch, scenario)


@pytest.mark.parametrize("residue", ["0.0080", "-0.0080"])
def test_adopt_takes_a_strange_position_over_and_its_limits_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, residue: str
) -> None:
    """H6: announced, in the ledger at the mark, worth nothing yet; the soft limit counts it from the first quote."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            await line.stop()
            line.by_hand("buy" if residue[0] != "-" else "sell", "0.0120")
        with caplog.at_level(logging.WARNING):
            async with lives.life(startup_policy="adopt") as line:
                await until(lambda: line.venue_orders(), 40.0, line.describe)
                position = Decimal("0.012") if residue[0] != "-" else Decimal("-0.012")
                assert line.quoter.ledger.position == position == line.quoter.position
                assert abs(line.quoter.ledger.net_pnl_quote(Decimal("100000"))) < Decimal("1")  # type: ignore[arg-type]
                # Above the soft limit of 0.01: only the reducing side.
                await asyncio.sleep(5.0)
                assert {row["side"] for row in line.venue_orders()} == {"sell" if position > 0 else "buy"}
                await line.stop()
                row = line.events("startup")[-1]
                assert (row["verdict"], row["expected"], Decimal(row["venue"])) == ("adopt", "0", position)
                assert row["is_continued"] is True
        assert any("taken over" in record.getMessage() for record in caplog.records)

    run(tmp_path, monkeypatch, scenario)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_flatten_closes_it_before_the_first_quote_and_says_what_it_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    """H6: zero at the venue, reduce-only orders alone, the cost is what the account lost, then quoting."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            await line.stop()
        line.by_hand(side, "0.0050")
        await asyncio.sleep(1.0)
        balance = lives.exchange.venue.accounts[lives.user].balance
        async with lives.life(startup_policy="flatten") as line:
            await line.quoted()
            assert line.quoter.position == 0 == line.quoter.ledger.position
            net = line.quoter.ledger.net_pnl_quote(None)
            await line.stop()
            row = line.events("startup")[-1]
            assert row["verdict"] == "flatten" and Decimal(row["cost_quote"]) == -net > 0  # type: ignore[operator]
            began_ns = line.events("run")[-1]["t_ns"]
            orders = [order for order in line.events("order") if order["t_ns"] > began_ns]
            first_ns = next(order["t_ns"] for order in orders if not order["is_reduce_only"])
            assert began_ns < row["t_ns"] < first_ns
            assert [(order["event"], order["reason"]) for order in orders if order["is_reduce_only"]] == [
                ("placed", "startup_flatten"), ("filled", None)]
        # Of the account: what closing traded away from the entry, and its fee.
        assert lives.exchange.venue.accounts[lives.user].balance < balance

    run(tmp_path, monkeypatch, scenario)


def test_flatten_out_of_reach_stays_silent_with_the_reason_and_goes_on_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing trades beyond the slippage bound; a raised bound is taken without a restart."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            await line.stop()
        line.by_hand("buy", "0.0050")
        with caplog.at_level(logging.ERROR):
            async with lives.life(startup_policy="flatten", flatten_slippage_bps=0.001) as line:
                await until(lambda: "not closed" in line.quoter.start_up.note, 60.0, line.describe)
                assert line.quoter.decision.bid_silence is Silence.STARTUP_FLATTEN
                assert "Raise flatten_slippage_bps" in "\n".join(line.controller.to_format_status())
                await asyncio.sleep(30.0)
                assert all(row["reduce_only"] for row in line.venue_orders())
                assert line.quoter.position == Decimal("0.005")
                line.reload(flatten_slippage_bps=20.0)
                await line_quoted(line)
                assert line.quoter.position == 0
        assert len([r for r in caplog.records if "start-up flatten" in r.getMessage()]) == 1

    run(tmp_path, monkeypatch, scenario)


async def line_quoted(line: Trading) -> None:
    await until(lambda: {row["side"] for row in line.venue_orders()} == {"buy", "sell"}, 60.0, line.describe)


def test_refuse_quotes_nothing_until_a_person_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """H6: both sides silent under one reason with figures and fix; closed by hand it goes on by itself."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            await filled(line, Side.BUY, 5, "0.0005")
            await line.stop()
        line.by_hand("buy", "0.0050")
        with caplog.at_level(logging.ERROR):
            async with lives.life(startup_policy="refuse") as line:
                await until(lambda: line.quoter.start_up.hold is Silence.STARTUP_REFUSED, 60.0, line.describe)
                await asyncio.sleep(30.0)
                assert not line.venue_orders()
                assert line.controller.get_custom_info()["bid"]["silence"] == "startup_refused"
                shown = "\n".join(line.controller.to_format_status())
                assert "position 0.0055 at the venue, 0.0005 expected" in shown and "set startup_policy to" in shown
                line.by_hand("sell", "0.0050")
                await line_quoted(line)
                assert line.quoter.ledger.position == Decimal("0.0005") == line.quoter.position
                await line.stop()
                assert [row["verdict"] for row in line.events("startup")][-2:] == ["refuse", "continue"]
        assert len([r for r in caplog.records if "start refused" in r.getMessage()]) == 1

    run(tmp_path, monkeypatch, scenario)


def test_a_reloaded_policy_releases_a_refused_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fix that the refusal names works while the bot runs."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            await line.stop()
        line.by_hand("buy", "0.0050")
        async with lives.life(startup_policy="refuse") as line:
            await until(lambda: line.quoter.start_up.hold is Silence.STARTUP_REFUSED, 60.0, line.describe)
            line.reload(startup_policy="adopt")
            await line_quoted(line)
            assert line.quoter.ledger.position == Decimal("0.005")

    run(tmp_path, monkeypatch, scenario)


def test_a_drawdown_is_counted_from_the_peak_before_the_restart_and_its_stop_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The peak of the first life stops the second; the third does not quote until a person releases it."""
    limits = {"max_controller_drawdown_quote": Decimal("0.05")}

    def lose(line: Trading, fees: str) -> None:
        books = line.quoter.books
        books.book = replace(books.book, ledger=replace(books.ledger, fees_paid_quote=Decimal(fees)))
        books._on_change("fee")

    async def scenario(lives: Lives) -> None:
        async with lives.life(limits) as line:
            await line.quoted()
            lose(line, "-1.00")
            await until(lambda: line.strategy._peak_quote.get(CONTROLLER) == 1, 20.0, "the peak")
            lose(line, "-0.96")
            await asyncio.sleep(1.0)
            assert line.controller.status is RunnableStatus.RUNNING
            await line.stop()
        async with lives.life(limits) as line:
            await line.quoted()
            lose(line, "-0.94")
            await until(lambda: line.controller.status is RunnableStatus.TERMINATED, 20.0, "the drawdown stop")
            await until(lambda: not line.venue_orders(), 20.0, line.describe)
            assert await line.strategy._writer.flush()
            line.is_crashed = True
        with caplog.at_level(logging.WARNING):
            async with lives.life(limits) as line:
                await asyncio.sleep(60.0)
                assert not line.venue_orders() and line.controller.status is RunnableStatus.TERMINATED
                assert any("drawdown limit was reached before the restart" in r.getMessage() for r in caplog.records)
                line.reload(manual_kill_switch=True)
                await until(lambda: not line.strategy._drawn_down, 20.0, "the release")
                line.reload(manual_kill_switch=False)
                await line_quoted(line)
                assert line.strategy._peak_quote.get(CONTROLLER) == Decimal("0.94")

    run(tmp_path, monkeypatch, scenario)


def test_an_unknown_result_is_neither_a_loss_nor_a_peak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a fee is missing nobody may be stopped for a figure that is not known."""
    limits = {"max_controller_drawdown_quote": Decimal("0.05"), "max_global_drawdown_quote": Decimal("0.05")}

    async def scenario(lives: Lives) -> None:
        async with lives.life(limits) as line:
            await line.quoted()
            books = line.quoter.books
            books.book = replace(books.book, ledger=replace(books.ledger, fees_paid_quote=Decimal("-1")))
            await until(lambda: line.strategy._peak_quote.get(CONTROLLER) == 1, 20.0, "the peak")
            books.book = replace(books.book, ledger=replace(books.ledger, missing_fees=1))
            assert line.controller.get_custom_info()["net_pnl_quote"] is None
            await asyncio.sleep(5.0)
            assert line.controller.status is RunnableStatus.RUNNING

    run(tmp_path, monkeypatch, scenario)


def test_payments_that_hummingbot_passes_over_are_booked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells of the newest alone: three between two looks, as after a jump of the venue's clock, are all ours."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            await line.connector._update_funding_payment(PAIR, False)
            for amount in ("-0.25", "0.0625", "-0.5"):
                lives.exchange.venue.advance(lives.exchange.venue.now_ns + 2_000_000_000)
                lives.pay(Decimal(amount))
            await line.connector._update_funding_payment(PAIR, True)
            await until(lambda: line.quoter.ledger.funding_quote == Decimal("-0.6875"), what=line.describe)
            await line.stop()

    run(tmp_path, monkeypatch, scenario)


@pytest.mark.parametrize("ahead_ms", [120_000, -120_000])
def test_a_payment_that_the_venue_stamps_anew_is_booked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_ms: int
) -> None:
    """A venue clock that leaps and comes back: by its id each payment counts once, whatever its time is by then."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            await line.connector._update_funding_payment(PAIR, False)
            await asyncio.sleep(2.0)
            lives.pay(Decimal("-0.25"))
            await line.connector._update_funding_payment(PAIR, True)
            await until(lambda: line.quoter.ledger.funding_quote == Decimal("-0.25"), what=line.describe)
            for total, paid in (("-0.25", None), ("-0.3125", "-0.0625"), ("-0.4375", "-0.125")):
                if paid is None:
                    await arm_fault(line.bench, name="clock_offset", ms=ahead_ms)
                else:
                    lives.pay(Decimal(paid))
                await asyncio.sleep(2.0)
                await line.connector._update_funding_payment(PAIR, True)
                await line.quoter.books.catch_up()
                assert line.quoter.ledger.funding_quote == Decimal(total)
                if paid is not None:
                    await clear_faults(line.bench)
            await line.stop()
            assert line.quoter.ledger.funding_quote == Decimal("-0.4375")

    run(tmp_path, monkeypatch, scenario)


@pytest.mark.parametrize("amount", ["-0.0625", "0.0625"])
def test_funding_is_in_the_net_result_with_its_sign_also_when_nobody_listened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amount: str
) -> None:
    """A10: a payment received adds, one paid subtracts, once each; one made while the bot was off is fetched."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            # Two rounds: the first only tells Hummingbot where the payments stand.
            await line.connector._update_funding_payment(PAIR, False)
            await asyncio.sleep(2.0)
            lives.pay(Decimal(amount))
            for _ in range(2):
                await line.connector._update_funding_payment(PAIR, True)
            await until(lambda: line.quoter.ledger.funding_quote == Decimal(amount), what=line.describe)
            assert line.quoter.ledger.net_pnl_quote(None) == Decimal(amount)
            await asyncio.sleep(2.0)
            await on_disk(line)
            line.is_crashed = True
        lives.pay(Decimal(amount))
        await asyncio.sleep(2.0)
        async with lives.life() as line:
            await line.quoted()
            assert line.quoter.ledger.funding_quote == 2 * Decimal(amount)
            await line.connector._update_funding_payment(PAIR, True)
            await asyncio.sleep(2.0)
            lives.pay(Decimal(amount))
            await line.stop()
            assert line.quoter.ledger.funding_quote == 3 * Decimal(amount)
            assert [Decimal(row["amount_quote"]) for row in line.events("funding")] == [Decimal(amount)] * 3

    run(tmp_path, monkeypatch, scenario)


def test_the_state_of_another_market_keeps_the_controller_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The line that refuses it names the fix; the bot's clock goes on."""

    async def scenario(lives: Lives) -> None:
        async with lives.life() as line:
            await line.quoted()
            await line.stop()
        path = snapshot.path_of(CONTROLLER)
        kept = snapshot.loaded(path, snapshot.Scope(CONTROLLER, "standx_perpetual_emulator", "BTC-DUSD"))
        assert kept is not None
        strange = replace(kept, scope=replace(kept.scope, trading_pair="ETH-DUSD"))
        state_file.write(
            path, state_file.encoded(snapshot.content_of(strange), snapshot.VERSION))
        with caplog.at_level(logging.ERROR):
            async with lives.life() as line:
                assert line.strategy.controllers == {}
        assert any("give this controller another id" in str(r.getMessage()) for r in caplog.records)

    run(tmp_path, monkeypatch, scenario)
