"""Reduce-only orders of the StandX connector: clipped to what is left to reduce, never a flip."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal

import pytest
from hummingbot.core.data_type.common import OrderType, PositionAction
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.connector.reducing import reducible
from hummingbot_extensions.core.types import OrderOutcome, Side
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import bench, near_price, until

CLOSE = PositionAction.CLOSE
SIZES = st.integers(0, 400).map(lambda lots: Decimal(lots) / 100)


@given(st.integers(-400, 400), st.integers(0, 50), st.lists(SIZES, max_size=4), st.sampled_from(list(Side)))
def test_nothing_certain_is_ever_passed_through_zero(low: int, width: int, pending: list[Decimal], side: Side) -> None:
    """Wherever the position lies between the bounds, all that may fill leaves it on its side of zero; nothing more
    would.
    """
    step = Decimal("0.05")
    bounds = (Decimal(low) / 100, Decimal(low + width) / 100)
    size = reducible(bounds, side, pending, step)
    assert size >= 0 and size % step == 0
    if size:
        total = size + sum(pending)
        for position in bounds:
            after = position + side.sign * total
            assert after * position >= 0 and abs(after) < abs(position)
        nearest = min(abs(bound) for bound in bounds)
        assert total + step > nearest


def test_a_close_is_clipped_to_the_position_and_to_what_others_reduce() -> None:
    """A12: 0.05 long, a close of 0.03 rests: a market close of 1.0 sends 0.02 and the venue refuses nothing."""

    async def scenario() -> None:
        async with bench() as b:
            b.place("buy", "0.05", None, OrderType.MARKET)
            await until(lambda: b.connector.account_positions)
            b.place("sell", "0.03", near_price(b.connector, "sell", Decimal(20)), action=CLOSE)
            await until(lambda: b.open_ids)
            order_id = b.place("sell", "1", None, OrderType.MARKET, CLOSE)
            await until(lambda: len(b.watched.fills) == 2)
            assert b.watched.fills[1].amount == Decimal("0.02") and b.order(order_id).is_filled
            nothing = b.place("sell", "0.01", None, OrderType.MARKET, CLOSE)
            await until(lambda: b.connector.order_outcome(nothing) is OrderOutcome.REJECTED)
            assert b.connector.rejection_reason(nothing).startswith("reduce only: nothing left to reduce")
            wrong_way = b.place("buy", "0.01", None, OrderType.MARKET, CLOSE)
            await until(lambda: b.connector.order_outcome(wrong_way) is OrderOutcome.REJECTED)
            assert b.handle.exchange.counters.order_rejections == {}

    warp.run(scenario())


@pytest.mark.parametrize("seed", range(6))
def test_racing_closes_never_flip_the_position(seed: int) -> None:
    """X5: makers that fill at any moment, closes of any size in between: the position never passes through zero."""

    async def scenario() -> None:
        rng = random.Random(seed)
        async with bench(order_delay_ms=rng.choice((5.0, 80.0, 400.0))) as b:
            side, back = rng.choice((("buy", "sell"), ("sell", "buy")))
            sign = 1 if side == "buy" else -1
            b.place(side, "0.1", None, OrderType.MARKET)
            await until(lambda: b.connector.account_positions)
            signs: set[int] = set()
            for _ in range(25):
                action = rng.random()
                if action < 0.45:
                    size = str(Decimal(rng.randrange(1, 120)) / 1000)
                    b.place(back, size, None, OrderType.MARKET, CLOSE)
                elif action < 0.8:
                    size = str(Decimal(rng.randrange(1, 60)) / 1000)
                    b.place(back, size, near_price(b.connector, back, Decimal("-0.005")), action=CLOSE)
                else:
                    taker = Side.BUY if back == "sell" else Side.SELL
                    b.market.outside(taker, MID_TICKS + 3 * taker.sign, rng.randrange(1, 400))
                for _ in range(rng.randrange(1, 6)):
                    await asyncio.sleep(rng.choice((0.0, 0.01, 0.1)))
                    signs.add(int(Decimal(b.account()["positions"][0]["qty"]).compare(0)))
            await asyncio.sleep(5)
            signs.add(int(Decimal(b.account()["positions"][0]["qty"]).compare(0)))
            assert signs <= {sign, 0}, f"seed {seed}"

    warp.run(scenario())
