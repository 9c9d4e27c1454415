"""Halts and changed ticks in the middle of a run: the whole bot on the emulator, in time that leaps."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.core.types import MarketStanding
from hummingbot_extensions.sim.venue_values import Reason
from tests.support import warp
from tests.support.running import PAIR, SYMBOL, bench, pulse, until
from tests.unit.execution.trading import FAST, Trading, trading

CONSTANTS = importlib.import_module("hummingbot.connector.derivative.standx_perpetual.standx_perpetual_constants")


@asynccontextmanager
async def moving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **emulator: Any) -> AsyncIterator[Trading]:
    """The bot on a market whose book is shown anew every quarter of a second."""

    async with trading(tmp_path, monkeypatch, emulator=emulator, **FAST) as line:
        task = asyncio.create_task(pulse(line.bench.market))
        try:
            yield line
        finally:
            task.cancel()


def rejections(line: Trading) -> dict[str, int]:
    return dict(line.bench.handle.exchange.counters.order_rejections)


def sent_orders(line: Trading) -> int:
    requests = line.bench.handle.exchange.counters.requests
    return requests["ws-api order:new"] + requests["POST /api/new_order"]


def silences(line: Trading) -> set[Any]:
    decision = line.quoter.decision
    return {decision.bid_silence, decision.ask_silence}


@pytest.mark.parametrize("decimals", [1, 0])
def test_a_coarser_tick_is_one_pause_and_no_refusal_after_it(
    decimals: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A9: noticed within the poll, one pause, off-tick orders gone, quotes back on the new tick, nothing refused for
    its tick once the rules were read.
    """

    async def scenario() -> None:
        async with moving(tmp_path, monkeypatch) as line:
            await line.quoted()
            exchange, connector = line.bench.handle.exchange, line.connector
            before = rejections(line)
            exchange.arm({"name": "tick_change", "symbol": SYMBOL, "price_tick_decimals": decimals})
            began, pauses, was = time.monotonic(), 0, MarketStanding.TRADING
            tick = Decimal(1).scaleb(-decimals)
            read_after_s = None
            while time.monotonic() - began < 60:
                now = connector.market_standing(PAIR)
                pauses += now is MarketStanding.RULES_CHANGING and was is not now
                was = now
                if read_after_s is None and connector.trading_rules[PAIR].min_price_increment == tick:
                    read_after_s = time.monotonic() - began
                    at_read = rejections(line)
                    assert silences(line) <= {None, "rules_changing"} or now is MarketStanding.RULES_CHANGING
                await asyncio.sleep(0.02)
            assert read_after_s is not None and read_after_s <= CONSTANTS.MARKETS_POLL_S + 0.5
            assert pauses == 1 and rejections(line) == at_read
            assert sum(at_read.values()) - sum(before.values()) <= 2
            await line.quoted()
            assert all(Decimal(row["price"]) % tick == 0 for row in line.venue_orders())
            print(f"\nnew tick read after {read_after_s:.2f} s, refused before that: "
                  f"{sum(at_read.values()) - sum(before.values())}")

    warp.run(scenario())


def test_another_size_step_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A9: the same for the step of sizes: rules read, one pause, sizes on the new step."""

    async def scenario() -> None:
        async with moving(tmp_path, monkeypatch) as line:
            await line.quoted()
            line.bench.handle.exchange.venue.set_tick(SYMBOL, 2, 3)
            await until(lambda: line.connector.trading_rules[PAIR].min_base_amount_increment == Decimal("0.001"), 6.0)
            await until(lambda: line.connector.market_standing(PAIR) is MarketStanding.TRADING, 11.0)
            before = rejections(line)
            await asyncio.sleep(20)
            await line.quoted()
            assert rejections(line) == before
            assert all(Decimal(row["qty"]) % Decimal("0.001") == 0 for row in line.venue_orders())

    warp.run(scenario())


def test_a_halt_pulls_quotes_sends_nothing_and_ends_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A34: within 5.5 s of the halt nothing rests and nothing is sent; within 2 s of its end both sides are quoted."""

    async def scenario() -> None:
        async with moving(tmp_path, monkeypatch) as line:
            await line.quoted()
            exchange, connector = line.bench.handle.exchange, line.connector
            for _ in range(2):
                exchange.arm({"name": "trading_halt", "symbol": SYMBOL})
                began = time.monotonic()
                await until(lambda: not line.venue_orders(), CONSTANTS.MARKETS_POLL_S + 0.5, line.describe)
                pulled_after_s = time.monotonic() - began
                assert connector.market_standing(PAIR) is MarketStanding.HALTED and silences(line) == {"halted"}
                sent = sent_orders(line)
                # Hummingbot's own reading of the rules, every half hour, must not lose the market.
                await connector._update_trading_rules()
                await asyncio.sleep(60)
                assert silences(line) == {"halted"} and PAIR in connector.trading_rules and connector.ready
                assert sent_orders(line) == sent
                exchange.faults.disarm("trading_halt")
                exchange.catch_up()
                began = time.monotonic()
                await line.quoted()
                resumed_after_s = time.monotonic() - began
                assert resumed_after_s <= CONSTANTS.HALTED_POLL_S + 1.0
                assert rejections(line).get(str(Reason.HALTED), 0) <= 3
                print(f"\npulled {pulled_after_s:.2f} s after the halt, quoted {resumed_after_s:.2f} s after its end")
                await asyncio.sleep(7.3)

    warp.run(scenario())


def test_a_refusal_shows_the_halt_at_once() -> None:
    """A34: an order refused in a halt has the list read at once, not at the next poll; the next one is not sent."""

    async def scenario() -> None:
        async with bench() as b:
            await asyncio.sleep(CONSTANTS.MARKETS_POLL_S * 1.1)
            b.handle.exchange.arm({"name": "trading_halt", "symbol": SYMBOL})
            price = b.connector.price_state(PAIR).touch_bid - 10
            began = time.monotonic()
            b.place("buy", "0.01", price)
            await until(lambda: b.connector.market_standing(PAIR) is MarketStanding.HALTED, 4.0)
            assert time.monotonic() - began < 1.0
            refused = sum(b.handle.exchange.counters.order_rejections.values())
            order_id = b.place("buy", "0.01", price)
            await until(lambda: len(b.watched.failures) == 2)
            assert b.connector.rejection_reason(order_id).startswith("market: ")
            assert sum(b.handle.exchange.counters.order_rejections.values()) == refused == 1

    warp.run(scenario())


def test_started_in_a_halt_it_waits_and_then_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A34: the market is there, with its rules, and is quoted when the halt ends."""

    async def scenario() -> None:
        halt = {"name": "trading_halt", "symbol": SYMBOL}
        async with moving(tmp_path, monkeypatch, faults=[halt]) as line:
            await asyncio.sleep(30)
            assert line.connector.market_standing(PAIR) is MarketStanding.HALTED and not line.venue_orders()
            assert PAIR in line.connector.trading_rules and not line.connector._unknown_pairs
            line.bench.handle.exchange.faults.disarm("trading_halt")
            await line.quoted()

    warp.run(scenario())


def test_a_list_that_cannot_be_read_is_unknown_in_the_end() -> None:
    """Nobody knows whether a market trades that has not been listed for a minute; a list that comes back ends it."""

    async def scenario() -> None:
        async with bench() as b:
            path = CONSTANTS.SYMBOL_INFO_PATH
            b.handle.exchange.arm({"name": "http_status", "status": 502, "endpoint": path, "count": 100_000})
            await asyncio.sleep(CONSTANTS.STANDING_STALE_S - 10)
            assert b.connector.market_standing(PAIR) is MarketStanding.TRADING
            await asyncio.sleep(20)
            assert b.connector.market_standing(PAIR) is MarketStanding.UNKNOWN
            b.handle.exchange.faults.disarm("http_status")
            await until(lambda: b.connector.market_standing(PAIR) is MarketStanding.TRADING, 2.0)
            assert b.connector.ready

    warp.run(scenario())

