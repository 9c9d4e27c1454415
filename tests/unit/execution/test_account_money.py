"""What the account's money does to a running bot: nearness to liquidation, sizes by equity, a low balance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core.money import EQUITY_STEP_FRAC
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator import exchange as exchange_module
from hummingbot_extensions.emulator.exchange import ReplyTo
from hummingbot_extensions.emulator.identity import Client
from hummingbot_extensions.sim.venue_values import NewOrder, OrderKind, TimeInForce
from tests.support import warp
from tests.support.lively_market import LivelyMarket
from tests.support.running import SYMBOL, Bench
from tests.unit.execution import trading as line_of
from tests.unit.execution.trading import FAST, Trading, arm_fault, clear_faults, trading, until

D = Decimal
TICKS_A_BP = 1000
QUIET = {**FAST, "volatility_on": False, "skew_linear_on": False, "latency_degraded_ms": 50_000,
         "latency_pause_ms": 60_000}  # fmt: skip
ROOM = {"soft_limit_base": "0.3", "resume_limit_base": "0.2", "hard_stop_base": "0.4", "net_max_base": "1",
        "order_size_base": "0.002", "startup_policy": "adopt", "leverage": 10}  # fmt: skip
"""0.1 held of 1500: at leverage 10 a liquidation 14 % away and a margin 12 times what the venue asks."""
LIMITS = {
    "distance": {"liquidation_distance_stop_frac": "0.13", "liquidation_distance_shrink_frac": "0.137"},
    "ratio": {"margin_ratio_stop": "11.2", "margin_ratio_shrink": "11.85"},
}


@pytest.fixture(autouse=True)
def market(monkeypatch: pytest.MonkeyPatch) -> LivelyMarket:
    """A market whose feed lives while its price stands still."""
    calm = LivelyMarket(seed=1)
    calm.is_calm = True
    monkeypatch.setattr(line_of, "DrivenMarket", lambda **_: calm)
    # The venue's beat between due events; its 10 ms would make most of the work of an idle minute.
    monkeypatch.setattr(exchange_module, "PACE_S", 0.05)
    return calm


def taken(side: Side) -> Callable[[Bench], Any]:
    """Before the bot starts the account's owner trades 0.1 at the market."""

    async def trade(b: Bench) -> None:
        client = Client(b.user, "")
        order = NewOrder(SYMBOL, side, OrderKind.MARKET, D("0.1"), None, TimeInForce.IOC, reduce_only=False)
        assert b.handle.exchange.submit(client, order, ReplyTo(client.user, None, "by-hand")) is None
        await until(lambda: b.account()["positions"], 5.0, "the position")

    return trade


def sizes(line: Trading, side: Side) -> list[Decimal]:
    return [D(row["qty"]) for row in line.venue_orders(side)]


def both(line: Trading, size: str) -> bool:
    """Whether two orders of a size rest on each side."""
    return sizes(line, Side.BUY) == sizes(line, Side.SELL) == [D(size)] * 2


def margin_over_maintenance(line: Trading) -> Decimal:
    (row,) = line.bench.account()["positions"]
    return D(row["mmr"])


async def moved(market: LivelyMarket, bps: float, until_true: Callable[[], bool], most: int, what: Any) -> int:
    """Move the market a little every half second until something is true; how many moves it took."""
    for count in range(most):
        if until_true():
            return count
        market.jump(round(bps * TICKS_A_BP))
        await asyncio.sleep(0.5)
    raise AssertionError(what() if callable(what) else what)


@pytest.mark.parametrize(("limit", "side"), [("distance", Side.BUY), ("ratio", Side.SELL)])
def test_i12_quotes_shrink_then_only_reduce_long_before_maintenance_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, market: LivelyMarket, limit: str, side: Side
) -> None:
    """The mark is pushed against the position until nothing may be added, further, and back."""

    async def scenario() -> None:
        against = -3 * side.sign
        async with trading(
            tmp_path, monkeypatch, emulator={"balance": D(1500)}, before_start=taken(side), **QUIET, **ROOM,
            **LIMITS[limit],
        ) as line:
            await line.quoted()
            assert sizes(line, side) == sizes(line, side.opposite) == [D("0.002")]
            guard = line.quoter.gate
            seen = []

            def is_at(frac: str) -> bool:
                now = (str(guard.guard.left_frac), tuple(sizes(line, side)))
                if not seen or seen[-1] != now:
                    seen.append(now)
                return guard.guard.left_frac == D(frac)

            await moved(market, against, lambda: is_at("0.5"), 140, lambda: f"{guard.guard} {seen}")
            await until(lambda: sizes(line, side) == [D("0.001")], 5.0, line.describe)
            assert sizes(line, side.opposite) == [D("0.002")]
            await moved(market, against, lambda: is_at("0"), 140, lambda: f"{guard.guard} {seen}")
            await until(lambda: not line.venue_orders(side), 5.0, line.describe)
            await until(lambda: sizes(line, side.opposite) == [D("0.002")], 5.0, line.describe)
            assert "margin: 0% of the cap left" in "\n".join(line.controller.to_format_status())
            assert margin_over_maintenance(line) > 9
            for _ in range(15):
                market.jump(round(against * TICKS_A_BP))
                await asyncio.sleep(0.5)
                assert not line.venue_orders(side)
            await until(lambda: [row["reduce_only"] for row in line.venue_orders(side.opposite)] == [True], 5.0)
            await moved(market, -against, lambda: is_at("1"), 280, lambda: f"{guard.guard} {seen}")
            assert "margin:" not in "\n".join(line.controller.to_format_status())
            # An order of three quarters serves its layer until it is replaced for another reason.
            await moved(market, -against, lambda: sizes(line, side) == [D("0.002")], 10, line.describe)
            await until(lambda: sizes(line, side.opposite) == [D("0.002")], 5.0, line.describe)
            await line.stop()
            lefts = [row["left_frac"] for row in line.events("margin")]
            down, up = lefts[:4], lefts[4:]
            assert down == ["0.75", "0.5", "0.25", "0"] and up == sorted(up) and up[-1] == "1" and len(up) <= 4
            reason = "liquidation_near" if limit == "distance" else "margin_ratio_low"
            assert {row["reason"] for row in line.events("margin")[:4]} == {reason}

    warp.run(scenario())


def test_i12_figures_that_the_venue_does_not_tell_let_nothing_be_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions cannot be read any more: within a minute only the reducing side rests, and both when they can again."""

    async def scenario() -> None:
        async with trading(
            tmp_path, monkeypatch, emulator={"balance": D(5000)}, before_start=taken(Side.BUY), **QUIET, **ROOM,
            **LIMITS["ratio"],
        ) as line:
            await line.quoted()
            await arm_fault(line.bench, name="http_status", status=502, seconds=3600, endpoint="/api/query_positions")
            await until(lambda: not line.venue_orders(Side.BUY), 75.0, line.describe)
            assert sizes(line, Side.SELL) == [D("0.002")]
            assert line.quoter.decision is not None and line.quoter.decision.bid_silence == "margin_unknown"
            await clear_faults(line.bench)
            await line.quoted()

    warp.run(scenario())


def test_i12_a_fill_asks_for_the_figures_anew_and_does_not_pull_what_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, market: LivelyMarket
) -> None:
    """From flat: the first fill's figures are there within seconds, and the other orders have rested through it."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **QUIET, **{**ROOM, "leverage": 1}, **LIMITS["ratio"]) as line:
            await line.quoted()
            (ask,) = line.venue_orders(Side.SELL)
            market.hit(Side.BUY, 20, int(D(line.venue_orders(Side.BUY)[0]["price"]) * 100))
            await until(lambda: line.quoter.position == D("0.002"), 5.0, line.describe)
            await until(lambda: line.connector.account_figures(line_of.PAIR).margin.margin_ratio, 3.0, line.describe)
            await line.quoted()
            assert ask["id"] in {row["id"] for row in line.venue_orders(Side.SELL)}
            assert line.quoter.gate.guard.left_frac == 1
            figures = line.connector.account_figures(line_of.PAIR)
            (row,) = line.bench.account()["positions"]
            assert abs(figures.margin.margin_ratio / D(row["mmr"]) - 1) < D("1e-4")
            # 10,000 behind a position of 200: no price ends it.
            assert row["liq_price"] is None and figures.margin.liquidation_price == 0
            assert figures.equity_quote == D(line.bench.account()["equity"])

    warp.run(scenario())


BY_EQUITY = {**QUIET, "size_by": "equity", "layer_equity_frac": "0.02", "layer_count": 2, "first_spacing_bps": 0.5}


def test_f9_equity_doubles_and_sizes_double_and_small_moves_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 % of 10,000, then of 20,000; then five minutes of deposits and withdrawals of 4 % without one cancel."""

    async def scenario() -> None:
        async with trading(
            tmp_path, monkeypatch, emulator={"balance": D(10_000), "cash": D(50_000)}, **BY_EQUITY,
            **{**ROOM, "leverage": 1},
        ) as line:
            exchange, user = line.bench.handle.exchange, line.bench.user
            await until(lambda: both(line, "0.002"), 20.0, line.describe)
            assert exchange.move_cash(user, D(10_000)) is None
            await until(lambda: both(line, "0.004"), 30.0, line.describe)
            await until(lambda: all(order.state == "live" for order in line.quoter.open_orders()), 5.0, line.describe)
            before, placed = line.quoter.cancel_count + line.quoter.risk_cancel_count, line.quoter.placed_count
            step = 20_000 * EQUITY_STEP_FRAC * D("0.8")
            for turn in range(60):
                assert exchange.move_cash(user, step if turn % 2 else -step) is None
                await asyncio.sleep(5.0)
            assert line.quoter.cancel_count + line.quoter.risk_cancel_count == before
            assert line.quoter.placed_count == placed
            assert exchange.move_cash(user, D(-10_000)) is None
            await until(lambda: both(line, "0.002"), 30.0, line.describe)

    warp.run(scenario())


def test_f9_an_equity_that_is_not_told_silences_the_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Balances cannot be read any more: within a minute nothing rests, and the side says why; then it comes back."""

    async def scenario() -> None:
        async with trading(tmp_path, monkeypatch, **BY_EQUITY, **{**ROOM, "leverage": 1}) as line:
            await until(lambda: len(line.venue_orders()) == 4, 20.0, line.describe)
            await arm_fault(line.bench, name="http_status", status=502, seconds=3600, endpoint="/api/query_balance")
            await until(lambda: not line.venue_orders(), 75.0, line.describe)
            decision = line.quoter.decision
            assert decision is not None and decision.bid_silence == decision.ask_silence == "equity_unknown"
            await clear_faults(line.bench)
            await until(lambda: len(line.venue_orders()) == 4, 60.0, line.describe)

    warp.run(scenario())


def test_f16_a_low_balance_makes_quotes_wider_and_smaller_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Money leaves and returns: both profiles rest at the venue, the change is said and recorded, and does not flap."""
    settings = {"low_balance_quote": 5000, "low_balance_widen_bps": 2, "low_balance_size_frac": 0.5}

    def resting(line: Trading, size: str, bps: int) -> bool:
        rows = {row["side"]: row for row in line.venue_orders()}
        return len(line.venue_orders()) == 2 and all(
            D(row["qty"]) == D(size) and abs(abs(D(row["price"]) - 100_000) - bps * 10) < 2 for row in rows.values())

    async def scenario() -> None:
        async with trading(
            tmp_path, monkeypatch, emulator={"balance": D(10_000), "cash": D(50_000)}, **QUIET, **settings,
            **{**ROOM, "leverage": 1},
        ) as line:
            exchange, user = line.bench.handle.exchange, line.bench.user
            await until(lambda: resting(line, "0.002", 6), 20.0, line.describe)
            assert exchange.move_cash(user, D(-5001)) is None
            await until(lambda: resting(line, "0.001", 8), 20.0, line.describe)
            assert "profile low_balance" in "\n".join(line.controller.to_format_status())
            assert line.controller.get_custom_info()["profile"] == "low_balance"
            cancels = line.quoter.cancel_count
            for turn in range(24):
                assert exchange.move_cash(user, D(100 if turn % 2 == 0 else -100)) is None
                await asyncio.sleep(5.0)
            assert resting(line, "0.001", 8) and line.quoter.cancel_count == cancels
            assert exchange.move_cash(user, D(5001)) is None
            await until(lambda: resting(line, "0.002", 6), 30.0, line.describe)
            assert line.controller.get_custom_info()["profile"] == "normal"
            assert line.quoter.risk_cancel_count == 0
            await line.stop()
            assert [row["profile"] for row in line.events("profile")] == ["low_balance", "normal"]

    warp.run(scenario())
