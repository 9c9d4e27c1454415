"""The market maker on a connector of nobody's: it boots, quotes, follows fills and leaves nothing at a stop."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hummingbot.core.data_type.common import OrderType, PositionMode, TradeType
from hummingbot.core.data_type.in_flight_order import OrderState
from hummingbot.core.data_type.in_flight_order import PerpetualDerivativeInFlightOrder as TrackedOrder

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import OrderState as Held
from hummingbot_extensions.core.view import OwnOrder
from hummingbot_extensions.execution import market_view, stopping
from tests.contract.foreign.bot import Bot, bot
from tests.contract.foreign.small_venue import SmallVenue
from tests.contract.foreign.stub_perpetual import PAIR, StubPerpetualDerivative
from tests.support import warp
from tests.support.running import until


def stub_bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **controller: Any) -> Any:
    venue = SmallVenue()
    return bot(tmp_path, monkeypatch, StubPerpetualDerivative(venue), venue, PAIR, **controller)


def test_it_quotes_follows_fills_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One post-only order a side around the mark; a fill moves the position; after the stop nothing rests."""

    async def life() -> None:
        async with stub_bot(tmp_path, monkeypatch) as line:
            await line.quoted()
            prices = {order.side: order.price for order in line.venue.resting}
            assert all(order.is_post_only for order in line.venue.resting)
            assert prices["BUY"] < line.venue.mark < prices["SELL"]
            line.venue.fill("BUY", "0.1", time.time())
            await until(lambda: line.quoter.ledger.position == Decimal("0.1"), 10.0, line.describe)
            assert line.quoter.position == Decimal("0.1")
            assert line.quoter.ledger.fees_quote == line.venue.trades[0].fee
            await line.quoted()
            line.venue.fill("SELL", "0.1", time.time())
            await until(lambda: line.quoter.ledger.position == 0, 10.0, line.describe)
            await line.quoted()
            await line.strategy.on_stop()
            assert line.venue.resting == []

    warp.run(life())


def exposure(line: Bot) -> list[OwnOrder]:
    """Every order that a decision counts: those of the levels, and those that nobody owns."""
    return [*line.quoter.open_orders(), *market_view.leftovers(line.connector, PAIR, time.monotonic_ns())]


async def exposed(line: Bot, side: Side) -> None:
    """Wait until orders of ``side`` count as exposure though no level owns one."""
    await until(
        lambda: [o for o in line.connector.leftover_orders(PAIR) if o.side is side]
        and not [o for o in line.quoter.open_orders() if o.side is side], 20.0, line.describe)


def test_an_order_that_times_out_but_rests_counts_until_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hummingbot calls it failed; it counts as exposure, is cancelled, and only then is its side quoted again."""

    async def life() -> None:
        venue = SmallVenue()
        connector = StubPerpetualDerivative(venue)
        most = 0

        def watch(order: Any, trade: Any) -> None:
            nonlocal most
            most = max(most, sum(o.side == "BUY" for o in venue.resting), sum(o.side == "SELL" for o in venue.resting))

        connector.faults = [(TimeoutError(), True), (TimeoutError(), True)]
        venue.tell = watch
        async with bot(tmp_path, monkeypatch, connector, venue, PAIR) as line:
            await until(lambda: len(venue.orders) == 2, 20.0, line.describe)
            first = list(venue.orders)
            await exposed(line, Side.BUY)
            held = market_view.leftovers(connector, PAIR, time.monotonic_ns())
            assert {(o.client_order_id, o.size, o.state) for o in held} == {
                (key, Decimal("0.1"), Held.UNKNOWN) for key in first}
            venue.tell = lambda order, trade: (watch(order, trade), connector._told(order, trade))
            await line.quoted()
            assert [venue.orders[key].state for key in first] == ["CANCELED", "CANCELED"]
            assert connector.leftover_orders(PAIR) == []
            assert most == 1

    warp.run(life())


def test_a_fill_of_an_order_that_timed_out_is_booked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an order of unknown outcome trades reaches the ledger with its own price and fee."""

    async def life() -> None:
        venue = SmallVenue()
        connector = StubPerpetualDerivative(venue)
        connector.faults = [(TimeoutError(), True)]
        async with bot(tmp_path, monkeypatch, connector, venue, PAIR) as line:
            await until(lambda: connector.leftover_orders(PAIR), 20.0, line.describe)
            order = next(o for o in connector.leftover_orders(PAIR))
            trade = venue.fill(order.side.name, "0.04", time.time())
            await until(lambda: line.quoter.ledger.fills == 1, 20.0, line.describe)
            assert line.quoter.ledger.position == venue.position
            assert line.quoter.ledger.fees_quote == trade.fee
            await line.quoted()

    warp.run(life())


def test_an_order_that_never_arrived_is_let_go_after_the_venue_has_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A placement that broke off before the venue: exposure for ten seconds, then its side is quoted."""

    async def life() -> None:
        venue = SmallVenue()
        connector = StubPerpetualDerivative(venue)
        connector.faults = [(ConnectionResetError(), False), (ConnectionResetError(), False)]
        async with bot(tmp_path, monkeypatch, connector, venue, PAIR) as line:
            await exposed(line, Side.BUY)
            began_s = time.monotonic()
            await line.quoted()
            assert time.monotonic() - began_s > 8.0

    warp.run(life())


def test_nothing_is_placed_beside_an_order_that_the_venue_says_nothing_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer for forty seconds: what may rest counts all the while, and the stop lists it as not verified."""

    async def life() -> None:
        venue = SmallVenue()
        connector = StubPerpetualDerivative(venue)
        connector.faults = [(TimeoutError(), True), (TimeoutError(), True)]
        async with bot(tmp_path, monkeypatch, connector, venue, PAIR) as line:
            await until(lambda: len(venue.orders) == 2, 20.0, line.describe)
            connector.is_silent = True
            began_s = time.monotonic()
            await until(lambda: time.monotonic() - began_s > 40, 60.0)
            assert len(venue.orders) == 2
            assert len(connector.leftover_orders(PAIR)) == 2
            await line.strategy.on_stop()
            assert set(venue.orders) <= set(stopping.note_path().read_text().replace('"', " ").split())

    warp.run(life())


def test_a_placement_without_any_word_stays_exposure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither created, filled, cancelled nor failed: first placing, then unknown, and never doubled."""

    async def life() -> None:
        venue = SmallVenue()
        connector = StubPerpetualDerivative(venue)
        connector.is_hung = True
        async with bot(tmp_path, monkeypatch, connector, venue, PAIR) as line:
            venue.tell = lambda order, trade: None
            await until(lambda: len(connector.in_flight_orders) == 2, 20.0, line.describe)
            connector.is_silent = True
            assert {o.state for o in line.quoter.open_orders()} == {Held.PLACING}
            await until(lambda: [o.state for o in exposure(line)] == [Held.UNKNOWN] * 2, 20.0, line.describe)
            began_s = time.monotonic()
            await until(lambda: time.monotonic() - began_s > 20, 40.0)
            assert len(connector.placements) == 2
            assert [(o.size, o.state) for o in exposure(line)] == [(Decimal("0.1"), Held.UNKNOWN)] * 2

    warp.run(life())


def test_orders_of_a_killed_run_are_cancelled_before_the_market_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hummingbot restores them as open orders that nobody owns: they count, and are cancelled."""

    async def life() -> None:
        venue = SmallVenue()
        connector = StubPerpetualDerivative(venue)
        venue.place("old", "BUY", Decimal("2999.00"), Decimal("0.3"), True, False)
        old = TrackedOrder(
            "old", PAIR, OrderType.LIMIT_MAKER, TradeType.BUY, Decimal("0.3"), 1.0, Decimal("2999.00"), "1000",
            OrderState.OPEN)
        connector.restore_tracking_states({"old": old.to_json()})
        connector.is_silent = True
        async with bot(tmp_path, monkeypatch, connector, venue, PAIR) as line:
            held = market_view.leftovers(connector, PAIR, time.monotonic_ns())
            assert [(o.size, o.state) for o in held] == [(Decimal("0.3"), Held.CANCELLING)]
            connector.is_silent = False
            await line.quoted()
            assert venue.orders["old"].state == "CANCELED"
            assert connector.leftover_orders(PAIR) == []

    warp.run(life())


def test_a_book_that_stands_still_pulls_the_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feed stops: within the stale limit nothing rests; it comes back by itself."""

    async def life() -> None:
        async with stub_bot(tmp_path, monkeypatch) as line:
            await line.quoted()
            line.connector.books.is_fed = False
            began_s = time.monotonic()
            await until(lambda: not line.venue.resting, 10.0, line.describe)
            assert time.monotonic() - began_s < 4.0
            line.connector.books.is_fed = True
            await line.quoted()

    warp.run(life())


def test_a_quiet_account_stream_does_not_end_quoting_and_a_dead_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """90 s without a frame, the position is asked for instead; a stream that is gone pulls the quotes."""

    async def life() -> None:
        async with stub_bot(tmp_path, monkeypatch) as line:
            await line.quoted()
            placed = len(line.venue.orders)
            began_s = time.monotonic()
            await until(lambda: time.monotonic() - began_s > 90, 120.0)
            assert len(line.venue.resting) == 2 and len(line.venue.orders) == placed
            line.connector.is_silent = True
            await until(lambda: line.connector.private_stream_age_ms() > 30_000, 60.0)
            line.connector.is_silent = False
            await line.quoted()
            line.connector.account.is_up = False
            await until(lambda: not line.venue.resting, 10.0, line.describe)

    warp.run(life())


def test_a_hedged_account_is_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two positions at once: limits would not hold for either, so the standing is unknown and nothing rests."""

    async def life() -> None:
        async with stub_bot(tmp_path, monkeypatch) as line:
            await line.quoted()
            line.connector._perpetual_trading.set_position_mode(PositionMode.HEDGE)
            await until(lambda: not line.venue.resting, 10.0, line.describe)

    warp.run(life())
