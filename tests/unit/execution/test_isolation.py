"""D17, N16: three markets in one bot. Whatever happens to one, the orders of the other two stay the very same ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hummingbot.strategy_v2.models.base import RunnableStatus
from three_markets import COINS, PRICE, ThreeMarkets, three_markets, until
from trading import arm_fault, clear_faults

from hummingbot_extensions.core.types import Side

WRONG = "ETH"
OTHERS = [coin for coin in COINS if coin != WRONG]


async def halt(line: ThreeMarkets) -> None:
    await arm_fault(line.bench, name="trading_halt", symbol=f"{WRONG}-USD", seconds=600)


async def resume(line: ThreeMarkets) -> None:
    await clear_faults(line.bench)


async def silence(line: ThreeMarkets) -> None:
    line.markets[WRONG].is_silent = True


async def speak(line: ThreeMarkets) -> None:
    line.markets[WRONG].is_silent = False


def fail(*_: Any) -> Any:
    raise ZeroDivisionError("planted")


async def break_decisions(line: ThreeMarkets) -> None:
    line.quoter(WRONG)._host.params = fail  # type: ignore[method-assign]


async def mend_decisions(line: ThreeMarkets) -> None:
    del line.quoter(WRONG)._host.params


async def hard_stop(line: ThreeMarkets) -> None:
    line.by_hand(WRONG, Side.BUY, "0.0300")


async def close_by_hand(line: ThreeMarkets) -> None:
    await until(lambda: not line.orders(WRONG, Side.BUY), 5.0, "the adding side pulled")
    line.by_hand(WRONG, Side.SELL, str(line.position(WRONG)))


async def switch_off(line: ThreeMarkets) -> None:
    line.reload(WRONG, manual_kill_switch=True)
    await until(lambda: line.controller(WRONG).status is RunnableStatus.TERMINATED, 10.0, "the kill switch")


async def switch_on(line: ThreeMarkets) -> None:
    line.reload(WRONG, manual_kill_switch=False)


Act = Callable[[ThreeMarkets], Awaitable[None]]
FAULTS: dict[str, tuple[Act, Act, bool]] = {
    "halted": (halt, resume, False),
    "its book is silent": (silence, speak, True),
    "its decisions raise": (break_decisions, mend_decisions, True),
    "hard stop": (hard_stop, close_by_hand, False),
    "switched off": (switch_off, switch_on, True),
}
"""What happens, what ends it, and whether it takes every order of that market away."""
ACCOUNT_LIMITS = {"max_net_account_quote": 9000, "max_open_orders_account": 50}
"""Wide enough for everything here: they read all three markets, and must not stop one for what they cannot read."""


@pytest.mark.parametrize("fault", FAULTS)
async def test_d17_a_fault_in_one_market_touches_no_order_of_the_others(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other two keep the orders that they had, are asked as before, and are quoted on both sides all the time; the
    one comes back by itself once its fault is over.
    """
    begin, end, is_pulled = FAULTS[fault]
    async with three_markets(tmp_path, monkeypatch, hard_stop_cooldown_s=1, **ACCOUNT_LIMITS) as line:
        before = {coin: line.ids(coin) for coin in COINS}
        placed = {coin: line.quoter(coin).placed_count for coin in OTHERS}
        await begin(line)
        if is_pulled:
            await until(lambda: not line.ids(WRONG), 10.0, "the one market's orders pulled")
        else:
            await until(
                lambda: line.quoter(WRONG).decision.bid_silence is not None, 60.0, "the one market's bid silent")
        for _ in range(20):
            await asyncio.sleep(0.5)
            for coin in OTHERS:
                assert line.ids(coin) == before[coin], coin
                decision = line.quoter(coin).decision
                assert decision.bid_silence is None and decision.ask_silence is None
        await end(line)
        if fault == "hard stop":
            await until(lambda: line.quoter(WRONG)._state.hard_stop_since_ns is None, 60.0, "the hard stop over")
        await until(
            lambda: {row["side"] for row in line.orders(WRONG)} == {"buy", "sell"}, 60.0, "the one market quoted again")
        assert {coin: line.quoter(coin).placed_count for coin in OTHERS} == placed
        assert {coin: line.ids(coin) for coin in OTHERS} == {coin: before[coin] for coin in OTHERS}


async def test_n16_a_market_that_is_off_from_the_start_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits of the account read it as holding nothing; once it is let go it quotes like the others."""
    async with three_markets(tmp_path, monkeypatch, off=WRONG, **ACCOUNT_LIMITS) as line:
        assert not line.orders(WRONG) and line.controller(WRONG).status is not RunnableStatus.RUNNING
        before = {coin: line.ids(coin) for coin in OTHERS}
        await switch_on(line)
        await line.quoted()
        assert {coin: line.ids(coin) for coin in OTHERS} == before


@pytest.mark.parametrize(("text", "words"), [
    ("order_size_base: -1\n", "Missing controller_type"), ("id: [\n", "while parsing a flow node"),
    ("", "no fields in it. Put them back"), ("just words\n", "no fields in it. Put them back"),
])  # fmt: skip
async def test_d17_a_broken_file_of_one_market_is_refused_and_the_others_still_reload(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All three keep quoting as they did; a good edit of another one comes into force beside the broken file."""
    async with three_markets(tmp_path, monkeypatch) as line:
        before = {coin: line.ids(coin) for coin in COINS}
        line.write(WRONG, text)
        await asyncio.sleep(5.0)
        assert {coin: line.ids(coin) for coin in COINS} == before
        said = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
        assert len(said) == 1 and said[0].startswith("mm_eth.yml refused") and words in said[0]
        other = OTHERS[1]  # read after the broken one
        line.reload(other, order_size_base="0.001")
        await until(
            lambda: [row["qty"] for row in line.orders(other)] == ["0.0010"] * 2, 20.0,
            lambda: f"the other market in its new size: {line.orders(other)}")
        for coin in (WRONG, OTHERS[0]):
            assert line.ids(coin) == before[coin]


async def test_d17_limits_of_the_account_hold_over_all_markets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for 700 in one direction and 200 wanted by each market, a position of 300 in one of them is made room
    for by the others' bids; no ask is given up, and once the position is gone all quote again.
    """
    limit = Decimal(700)

    def worst(side: Side) -> Decimal:
        return sum((
            line.position(coin) * side.sign
            + sum((Decimal(row["qty"]) - Decimal(row["fill_qty"]) for row in line.orders(coin, side)), Decimal(0))
            for coin in COINS), Decimal(0)) * PRICE

    async with three_markets(tmp_path, monkeypatch, max_net_account_quote=float(limit)) as line:
        assert worst(Side.BUY) <= limit * Decimal("1.001")
        line.by_hand(OTHERS[0], Side.BUY, "0.0030")
        await until(lambda: line.position(OTHERS[0]) == Decimal("0.003"), 5.0, "the fill")
        await until(lambda: worst(Side.BUY) <= limit, 10.0, lambda: f"within the limit: {worst(Side.BUY)}")
        for _ in range(20):
            await asyncio.sleep(0.25)
            assert worst(Side.BUY) <= limit
            assert all(line.orders(coin, Side.SELL) for coin in COINS)
        line.by_hand(OTHERS[0], Side.SELL, "0.0030")
        await line.quoted()
