"""Silent sockets, scheduled replacement and random drops of the three StandX sockets, in time that leaps."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator.exchange import Exchange
from hummingbot_extensions.emulator.standx_ws import StreamSession
from tests.support import warp
from tests.support.driven_market import MID_TICKS, DrivenMarket
from tests.support.running import PAIR, SYMBOL, Bench, bench, pulse, until

PUBLIC = {("depth_book", SYMBOL), ("price", SYMBOL), ("public_trade", SYMBOL)}
PRIVATE = {"order", "position", "balance", "trade"}


def streams(exchange: Exchange, is_private: bool) -> list[StreamSession]:
    return [stream for stream in exchange.streams if bool(stream._private) == is_private]


def has_exact_subscriptions(exchange: Exchange) -> bool:
    """Whether there is one socket of each kind and each has what it needs, once."""
    public, private = streams(exchange, False), streams(exchange, True)
    return (
        [stream._public for stream in public] == [PUBLIC]
        and [(stream._private, stream._public) for stream in private] == [(PRIVATE, {("price", SYMBOL)})]
        and len(exchange.api_sockets) == 1
    )


def is_serving(b: Bench) -> bool:
    connector = b.connector
    book = connector.book_state(PAIR)
    return (
        connector.ready
        and connector._order_entry.is_usable
        and connector.private_stream_age_ms() is not None
        and time.monotonic_ns() - book.received_mono_ns < 2e9
    )


async def pulsing(scenario: Callable[[Bench], Any], **config: Any) -> None:
    async with bench(**config) as b:
        task = asyncio.create_task(pulse(b.market))
        try:
            await scenario(b)
        finally:
            task.cancel()


@pytest.mark.parametrize("is_private", [False, True])
def test_a_silent_stream_is_noticed_within_its_limit(is_private: bool) -> None:
    """A23: open but without data: its age says so, the limit ends it, a new socket serves and pings do not help."""

    async def scenario(b: Bench) -> None:
        exchange = b.handle.exchange
        await until(lambda: has_exact_subscriptions(exchange))
        await asyncio.sleep(30)
        (before,) = streams(exchange, is_private)
        b.connector.add_book_listener(PAIR, lambda: None)
        began = time.monotonic()
        silent = Silenced(before)
        limit_s = CONSTANTS.WS_PRIVATE_IDLE_S if is_private else CONSTANTS.WS_PUBLIC_IDLE_S
        worst_ms = 0.0

        def age_ms() -> float | None:
            if is_private:
                return b.connector.private_stream_age_ms()
            return (time.monotonic_ns() - b.connector.book_state(PAIR).received_mono_ns) / 1e6

        while streams(exchange, is_private) in ([before], []):
            age = age_ms()
            worst_ms = max(worst_ms, age if age is not None else float("inf"))
            assert time.monotonic() - began < limit_s + CONSTANTS.PRICE_BEAT_S + 1, "not noticed"
            await asyncio.sleep(0.05)
        assert silent.lost > 0 and worst_ms >= (limit_s - CONSTANTS.PRICE_BEAT_S - 1) * 1000
        assert time.monotonic() - began >= limit_s - CONSTANTS.PRICE_BEAT_S
        await until(lambda: is_serving(b) and has_exact_subscriptions(exchange), 3.0, "serving again")

    warp.run(pulsing(scenario))


class Silenced:
    """A session of the emulator that stays open and sends nothing; pings go on."""

    def __init__(self, session: Any) -> None:
        self.lost = 0
        session.send_text = self._lose

    def _lose(self, *args: Any) -> None:
        self.lost += 1


def test_a_silent_order_entry_socket_is_replaced_and_loses_no_order() -> None:
    """A23: a command that gets no answer ends the socket in 5 s; the order that it placed is found, not doubled."""

    async def scenario(b: Bench) -> None:
        exchange = b.handle.exchange
        (before,) = exchange.api_sockets
        Silenced(before)
        order_id = b.place("buy", "0.01", b.connector.price_state(PAIR).touch_bid - 50)
        began = time.monotonic()
        await until(lambda: exchange.api_sockets not in ([before], []), 10.0, "a new order entry socket")
        assert time.monotonic() - began <= CONSTANTS.WS_ORDER_ENTRY_IDLE_S + 1
        await until(lambda: order_id in {e.order_id for e in b.watched.created}, 5.0, "created")
        assert b.open_ids == {order_id} and not b.watched.failures
        other = await b.rest("sell")
        assert b.open_ids == {order_id, other}

    warp.run(pulsing(scenario))


def test_quotes_stay_when_nothing_happens() -> None:
    """A quiet account and a book that stands still for ten minutes replace no socket."""

    async def scenario() -> None:
        async with bench() as b:
            await until(lambda: has_exact_subscriptions(b.handle.exchange))
            before = [*b.handle.exchange.streams, *b.handle.exchange.api_sockets]
            for _ in range(600):
                await asyncio.sleep(1.0)
                assert b.connector.private_stream_age_ms() < 6_100
            assert [*b.handle.exchange.streams, *b.handle.exchange.api_sockets] == before

    warp.run(scenario())


def test_sockets_are_replaced_before_the_venue_closes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A23, a day in six minutes, twice: each socket is replaced beside the living one, never two at once; readiness has
    no gap, no print is lost or doubled, and the venue never has to close one.
    """
    day_s, scale = 360.0, 240
    closed: list[str] = []
    monkeypatch.setattr(StreamSession, "close_with", lambda self, code, reason=b"": closed.append(f"{code} {reason!r}"))
    for name in ("PUBLIC_S", "PRIVATE_S", "ORDER_ENTRY_S", "JITTER_S"):
        monkeypatch.setattr(CONSTANTS, f"WS_ROTATE_{name}", getattr(CONSTANTS, f"WS_ROTATE_{name}") / scale)

    async def scenario(b: Bench) -> None:
        exchange, connector = b.handle.exchange, b.connector
        source = connector._orderbook_ds
        lives = [source.life, connector._user_stream_tracker.data_source.life, connector._order_entry.life]
        printed: list[Decimal] = []
        seen: list[Decimal] = []
        parse = source._parse_trade_message

        async def noted(raw_message: Any, message_queue: Any) -> None:
            seen.extend(trade.size for trade in raw_message.trades)
            await parse(raw_message, message_queue)

        source._parse_trade_message = noted
        fills = 0
        sockets: set[Any] = set()
        end = time.monotonic() + 2 * day_s
        while time.monotonic() < end:
            assert is_serving(b), (connector.status_dict, connector.private_stream_age_ms())
            now = [*exchange.streams, *exchange.api_sockets]
            sockets |= set(now)
            assert len(now) <= 4, "two sockets replaced at once"
            if any(life._rotation.locked() for life in lives) and fills < 100:
                # While two sockets carry the same, an order is placed and filled again and again.
                order_id = b.place("buy", "0.02", Decimal("99999.96"))
                await until(lambda known=order_id: known in b.open_ids, 5.0, "resting")
                b.market.outside(Side.SELL, MID_TICKS - 4, 200, TimeInForce.IOC)
                await until(lambda known=order_id: b.order(known).is_filled, 5.0, "filled")
                fills += 1
            else:
                lots = len(printed) % 50 + 1
                printed.append(Decimal(lots).scaleb(-4))
                b.market.outside(Side.SELL, MID_TICKS - 5, lots, TimeInForce.IOC)
            await asyncio.sleep(0.5)
        await asyncio.sleep(1)
        small = [size for size in seen if size <= Decimal("0.005")]
        assert [life.rotations for life in lives] >= [2, 2, 2] and not closed
        assert len(sockets) == 3 + sum(life.rotations for life in lives)
        assert fills >= 6 and len(b.watched.fills) == fills and small == printed
        await until(lambda: has_exact_subscriptions(exchange), 20.0, "old sockets closed")
        print(f"\nsockets replaced: {len(sockets) - 3}, prints: {len(printed)}, fills in overlaps: {fills}")

    # So deep that each sale meets one order and makes one print.
    warp.run(pulsing(scenario, market=DrivenMarket(lots=100_000_000), max_connection_s=day_s))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_hundred_random_drops_converge(seed: int) -> None:
    """A24, H11: drops of one, two or all sockets, again in the middle of the reconnect, upgrades refused in between."""
    rng = random.Random(seed)

    async def scenario(b: Bench) -> None:
        exchange = b.handle.exchange
        kept = [await b.rest("buy"), await b.rest("sell")]
        for _ in range(100):
            alive = [*exchange.streams, *exchange.api_sockets]
            for session in rng.sample(alive, k=min(len(alive), rng.randint(1, 3))):
                session.drop()
            if rng.random() < 0.3:
                exchange.arm({"name": "socket_refused", "seconds": rng.uniform(0.1, 3.0)})
            # From the middle of an upgrade to long after the login.
            await asyncio.sleep(rng.choice([0.0, 0.001, 0.05, 0.3, 1.0, 4.0]) * rng.random())
        await until(lambda: is_serving(b), 10.0, lambda: str(b.connector.status_dict))
        await until(lambda: has_exact_subscriptions(exchange), 10.0, "exact subscriptions")
        assert b.open_ids == set(kept) and not b.watched.cancels and not b.watched.failures
        order = await b.rest("buy", "0.02", "7")
        assert order in b.open_ids

    warp.run(pulsing(scenario))


def test_an_outage_is_not_hammered() -> None:
    """A24: without upgrades all sockets together try at most once a second, and are back within 3 s."""

    async def scenario(b: Bench) -> None:
        exchange, turns = b.handle.exchange, b.connector._sockets.turns
        await asyncio.sleep(10)
        before = turns.attempts
        exchange.arm({"name": "socket_refused"})
        for session in [*exchange.streams, *exchange.api_sockets]:
            session.drop()
        await asyncio.sleep(900)
        tried = turns.attempts - before
        assert 900 / 2.1 <= tried <= 900 / 1.0, tried
        exchange.faults.disarm("socket_refused")
        began = time.monotonic()
        await until(lambda: is_serving(b), 5.0, "serving again")
        print(f"\nattempts in 15 minutes of refusals: {tried}, serving again after {time.monotonic() - began:.2f} s")
        assert time.monotonic() - began <= 3.0

    warp.run(pulsing(scenario))
