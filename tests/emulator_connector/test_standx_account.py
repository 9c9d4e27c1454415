"""Account, streams and market data of the StandX connector against the emulator over real sockets."""

from __future__ import annotations

import asyncio
import random
import time
from decimal import Decimal

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionSide
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import MarketEvent

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.venue_values import FundingRow
from tests.support.driven_market import MID_TICKS, DrivenMarket
from tests.support.running import PAIR, SYMBOL, bench, connector_for, running, until

pytestmark = pytest.mark.asyncio


async def test_position_follows_random_fills() -> None:
    """A5: after 25 random market orders position and entry price equal the venue's, by frame and again by REST."""
    rng = random.Random(5)
    async with bench() as b:
        for _ in range(25):
            done = len(b.watched.fills)
            b.place(rng.choice(("buy", "sell")), str(Decimal(rng.randrange(1, 30)) / 1000), None, OrderType.MARKET)
            await until(lambda done=done: len(b.watched.fills) > done)

        def is_equal() -> bool:
            theirs = b.account()["positions"][0]
            ours = b.connector.account_positions.get(PAIR)
            if ours is None:
                return Decimal(theirs["qty"]) == 0
            return (ours.amount, ours.entry_price) == (Decimal(theirs["qty"]), Decimal(theirs["entry_price"]))

        await until(is_equal, what="position equal, seed 5")
        await b.connector._update_positions()
        assert is_equal()
        signed = sum(fill.amount if fill.trade_type.name == "BUY" else -fill.amount for fill in b.watched.fills)
        assert signed == Decimal(b.account()["positions"][0]["qty"])
        assert len({fill.exchange_trade_id for fill in b.watched.fills}) == b.account()["fills"]


async def test_flat_position_rows_are_removed() -> None:
    """A row with size 0 is no position."""
    async with bench(flat_position_rows=True) as b:
        b.place("sell", "0.03", None, OrderType.MARKET)
        await until(lambda: b.connector.account_positions)
        assert b.connector.account_positions[PAIR].position_side is PositionSide.SHORT
        assert b.connector.account_positions[PAIR].amount == Decimal("-0.03")
        b.place("buy", "0.03", None, OrderType.MARKET, PositionAction.CLOSE)
        await until(lambda: not b.connector.account_positions)
        await b.connector._update_positions()
        assert not b.connector.account_positions


async def test_margin_of_an_order_lowers_what_is_available() -> None:
    """A7: a resting order locks margin, its cancel frees it, equity stays."""
    async with bench() as b:
        total = b.connector.get_balance("DUSD")
        order_id = await b.rest("buy", "0.1")
        await until(lambda: b.connector.get_available_balance("DUSD") < total - 500)
        assert b.connector.get_balance("DUSD") == total
        assert abs(b.connector.get_available_balance("DUSD") - Decimal(b.account()["available"])) < Decimal("0.001")
        b.connector.cancel(PAIR, order_id)
        await until(lambda: b.connector.get_available_balance("DUSD") == total)


async def test_rest_snapshot_equals_the_venues_book() -> None:
    """A6: the REST book is the venue's shown book, sorted."""
    async with bench() as b:
        message = await b.connector._orderbook_ds._order_book_snapshot(PAIR)
        update = b.handle.exchange.venue.book_update(SYMBOL)
        shown = b.handle.exchange.public_data(update)
        assert {price for price, _ in message.content["bids"]} == {Decimal(price) for price, _ in shown["bids"]}
        bids = [price for price, _ in message.content["bids"]]
        asks = [price for price, _ in message.content["asks"]]
        assert bids == sorted(bids, reverse=True) and asks == sorted(asks)


async def test_book_equals_the_venue_after_many_updates() -> None:
    """A18: ten thousand random orders of others later, every shown level is in Hummingbot's book, and no other."""
    rng = random.Random(18)
    async with bench(shuffle_levels=True) as b:
        seen = []
        remove = b.connector.add_book_listener(PAIR, lambda: seen.append(b.connector.book_state(PAIR)))
        for _ in range(20):
            for _ in range(500):
                side = rng.choice((Side.BUY, Side.SELL))
                if rng.random() < 0.1:
                    b.market.outside(side, None, rng.randrange(1, 500))
                else:
                    b.market.outside(side, MID_TICKS - side.sign * rng.randrange(-20, 400), rng.randrange(1, 500))
            count = len(seen)
            await until(lambda count=count: len(seen) > count)

        def is_equal() -> bool:
            shown = b.handle.exchange.public_data(b.handle.exchange.venue.book_update(SYMBOL))
            book = b.connector.get_order_book(PAIR)
            ours = (
                {(row.price, row.amount) for row in book.bid_entries()},
                {(r.price, r.amount) for r in book.ask_entries()},
            )
            theirs = tuple({(float(price), float(size)) for price, size in shown[side]} for side in ("bids", "asks"))
            return ours == theirs

        await until(is_equal, what="book equal, seed 18")
        remove()
        count = len(seen)
        b.market.outside(Side.BUY, MID_TICKS - 100, 3)
        await until(is_equal)
        assert len(seen) == count


@pytest.mark.real_clock
async def test_event_latency(capsys: pytest.CaptureFixture[str]) -> None:
    """A19: a fill at the venue reaches Hummingbot's listeners; the time that it took is printed, not judged."""
    async with bench() as b:
        await b.rest("buy", "0.5", "-0.005")  # inside the spread: first in the queue
        at, sent_ns = [], []
        send = b.handle.exchange._send_private

        def stamped(frames: list[tuple[str, str, object]], ts_ns: int) -> None:
            if any(channel == "trade" for _, channel, _ in frames):
                sent_ns.append(time.monotonic_ns())
            send(frames, ts_ns)

        b.handle.exchange._send_private = stamped
        forwarder = EventForwarder(lambda _: at.append(time.monotonic_ns()))  # listeners are held weakly
        b.connector.add_listener(MarketEvent.OrderFilled, forwarder)
        for _ in range(10):
            count = len(b.watched.fills)
            b.market.outside(Side.SELL, None, 100)
            await until(lambda count=count: len(b.watched.fills) > count)
        took_ms = sorted(round((end - start) / 1e6, 2) for start, end in zip(sent_ns, at, strict=True))
        with capsys.disabled():
            print(f"\nfill at the venue -> Hummingbot event, ms: {took_ms}")
        assert len(b.watched.fills) == 10


async def test_locked_frames_pass_and_crossed_ones_are_counted() -> None:
    """A30: a locked shown book is applied; crossed, one-sided and NaN frames change nothing and are counted."""
    async with bench(DrivenMarket(half_spread_ticks=5)) as b:
        source = b.connector._orderbook_ds
        best = MID_TICKS + 5
        b.market.outside(Side.BUY, best - 4, 50)  # one grid step holds both sides now
        await until(lambda: (s := b.connector.book_state(PAIR)) and s.bid == s.ask, what="locked")
        book = b.connector.get_order_book(PAIR)
        assert book.get_price(True) == book.get_price(False)
        before = b.connector.book_state(PAIR)
        for bids, asks in ((["2", "1"], ["1", "1"]), (None, ["1", "1"]), (["NaN", "1"], ["3", "1"])):
            data = {"symbol": SYMBOL, "bids": [bids] if bids else [], "asks": [asks]}
            source.on_frame({"channel": "depth_book", "symbol": SYMBOL, "data": data}, time.monotonic_ns())
        source.on_frame("garbage", time.monotonic_ns())
        assert b.connector.skipped_public_frames == {"crossed": 1, "empty_side": 1, "not_finite": 1, "malformed": 1}
        assert b.connector.book_state(PAIR).bid == before.bid
        b.market.outside(Side.BUY, MID_TICKS - 300, 1)
        await until(lambda: b.connector.book_state(PAIR).received_mono_ns > before.received_mono_ns, what="still alive")


async def test_a_failing_listener_does_not_stop_the_book() -> None:
    """A listener that raises is never heard above: later frames still arrive, for it and for the others."""
    async with bench() as b:
        calls = []

        def fail() -> None:
            calls.append("bad")
            raise ValueError("from a listener")

        b.connector.add_book_listener(PAIR, fail)
        b.connector.add_book_listener(PAIR, lambda: calls.append("good"))
        for level in range(3):
            count = len(calls)
            b.market.outside(Side.BUY, MID_TICKS - 500 - level, 1)
            await until(lambda count=count: len(calls) >= count + 2)
        assert calls.count("bad") == calls.count("good")


async def test_fills_while_the_private_stream_is_down_come_once() -> None:
    """Fills that happen without a private stream appear exactly once after the reconnect, and the position is right."""
    async with bench() as b:
        first = await b.rest("buy", "0.01", "0")
        second = await b.rest("buy", "0.02", "1")
        b.handle.exchange.faults.silent_until_ns = b.handle.exchange.venue.now_ns + 1_000_000_000
        b.market.outside(Side.SELL, MID_TICKS - 1100, 3_000_000)
        await until(lambda: not b.open_ids)
        for session in list(b.handle.exchange.streams):
            session.drop()
        await until(lambda: len(b.watched.events(MarketEvent.BuyOrderCompleted)) == 2, what="both completed")
        amounts = {fill.order_id: fill.amount for fill in b.watched.fills}
        assert amounts == {first: Decimal("0.01"), second: Decimal("0.02")}
        assert len(b.watched.fills) == 2
        await until(lambda: PAIR in b.connector.account_positions)
        assert b.connector.account_positions[PAIR].amount == Decimal("0.03")
        await b.connector._update_order_status()
        assert len(b.watched.fills) == 2


async def test_fee_is_estimated_then_corrected_once() -> None:
    """The trade frame has no fee: maker rate first, the venue's figure after the next poll, never a second fill."""
    async with bench() as b:
        order_id = await b.rest("buy", "0.01", "0")
        b.market.outside(Side.SELL, MID_TICKS - 5, 200_000, TimeInForce.IOC)
        await until(lambda: b.watched.fills)
        fill = b.watched.fills[0]
        estimated = fill.trade_fee.flat_fees[0].amount
        assert estimated == fill.price * fill.amount * Decimal("0.0001")
        await b.connector._update_order_status()
        exact = b.connector.exact_fee(fill.exchange_trade_id)
        assert exact == Decimal(b.account()["fees_paid"])
        assert b.order(order_id).order_fills[fill.exchange_trade_id].fee.flat_fees[0].amount == exact
        assert len(b.watched.fills) == 1


async def test_private_stream_age_on_a_quiet_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings keep the age small although no data comes; without a login there is no age."""
    monkeypatch.setattr(CONSTANTS, "WS_HEARTBEAT_S", 0.2)
    async with bench() as b:
        await until(lambda: b.connector._bootstrap.is_idle)
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            assert b.connector.private_stream_age_ms() < 600
            await asyncio.sleep(0.05)
        b.connector._user_stream_tracker.data_source.is_authenticated = False
        assert b.connector.private_stream_age_ms() is None


async def test_funding_payments_are_read_over_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven payments in pages of two: after any of them those that came later, and by time where none is known."""
    monkeypatch.setattr(CONSTANTS, "PAGE_LIMIT", 2)
    async with bench() as b:
        venue = b.handle.exchange.venue
        began_ns, account = venue.now_ns, venue.accounts[b.user]
        for number in range(1, 8):
            account.pay_funding(FundingRow(
                id=10 * number, user=b.user, symbol=SYMBOL, amount=Decimal(number), rate=Decimal(0),
                ts_ns=began_ns + number * 1_000_000_000))
        rows = await b.connector.funding_payments_after(PAIR, None, 0.0)
        assert [(row.row_id, row.amount) for row in rows] == [(10 * number, Decimal(number)) for number in range(1, 8)]
        for known, newest in enumerate(rows, start=1):
            for last_id, since_s in ((newest.row_id, 0.0), (None, newest.exchange_ts_ns / 1e9 + 0.5)):
                assert await b.connector.funding_payments_after(PAIR, last_id, since_s) == rows[known:]


async def test_prices_come_from_stream_and_rest() -> None:
    """Mark, index and the exact touch are there from the start, with full tick precision."""
    async with bench() as b:
        state = await until(lambda: b.connector.price_state(PAIR))
        assert (state.touch_bid, state.touch_ask) == (Decimal("99999.95"), Decimal("100000.05"))
        assert state.mark is not None and state.index is not None
        assert b.connector.book_state(PAIR).grid == Decimal("0.1")
        assert b.connector.get_funding_info(PAIR).next_funding_utc_timestamp > time.time()
        price = await b.connector._get_last_traded_price(PAIR)
        assert 99_000 < price < 101_000


async def test_public_instance_needs_no_keys() -> None:
    """An instance with empty keys serves rules, books and prices; private calls say what is missing."""
    async with bench() as b:
        keyless = connector_for(None, trading_required=False)
        async with running(keyless) as public:
            assert public.connector.trading_rules == {} or PAIR in public.connector.trading_rules
            assert await public.connector._get_last_traded_price(PAIR) > 0
            with pytest.raises(Exception, match="standx_perpetual_emulator_secret: is empty"):
                await public.connector._update_balances()
        assert b.connector.ready


async def test_stop_leaves_nothing_running() -> None:
    """After stop_network no task of ours and no socket at the venue is left."""
    async with bench() as b:
        await b.rest()
        exchange = b.handle.exchange
    await until(lambda: not exchange.streams and not exchange.api_sockets)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, left
