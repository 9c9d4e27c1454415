"""Orders that a run before this one left behind, on the emulator: cleared away before anything may be placed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.standx_perpetual.standx_perpetual_leftovers import LeftoverOrder
from hummingbot.core.data_type.in_flight_order import OrderState

from hummingbot_extensions.connector.errors import Transient
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.exchange import ReplyTo
from hummingbot_extensions.emulator.server import Handle, run_emulator
from hummingbot_extensions.sim.venue_values import NewOrder, OrderKind
from tests.support import warp
from tests.support.driven_market import MID_TICKS, DrivenMarket
from tests.support.running import PAIR, SYMBOL, Bench, Watched, connector_for, emulator_url, running, until


@dataclass
class Venue:
    """An emulator without a bot yet: what an earlier run left there is put in by hand."""

    handle: Handle
    market: DrivenMarket

    def leave(self, client_order_id: str, side: Side = Side.BUY, price: str = "99950", size: str = "0.01") -> None:
        """An order as another process of the same account sent it."""
        exchange = self.handle.exchange
        client = exchange.identity.client(self.handle.credentials.secret, exchange.wall_s())
        order = NewOrder(
            symbol=SYMBOL, side=side, kind=OrderKind.LIMIT, size=Decimal(size), price=Decimal(price),
            tif=TimeInForce.GTC, reduce_only=False, client_id=client_order_id,
        )  # fmt: skip
        assert exchange.submit(client, order, ReplyTo(client.user, None, "left")) is None

    @property
    def open_ids(self) -> set[str]:
        exchange = self.handle.exchange
        account = exchange.venue.accounts[self.handle.credentials.user]
        return {order.client_id for order in account.live.values() if order.shown_ns is not None}

    def bench(self, watched: Watched) -> Bench:
        return Bench(self.handle, self.market, watched)


@asynccontextmanager
async def venue(**config: Any) -> AsyncIterator[Venue]:
    market = DrivenMarket()
    settings = {"order_delay_ms": 5.0, "cancel_delay_ms": 5.0, "rate_limits": False, **config}
    async with (
        run_emulator(EmulatorConfig(markets={SYMBOL: market}, **settings)) as handle,
        emulator_url(handle.url),
    ):
        yield Venue(handle, market)


def _connector(v: Venue, **changes: Any) -> Any:
    return connector_for(v.handle.credentials, **changes)


async def _passed(seconds: float) -> None:
    await asyncio.sleep(seconds)


def test_leftovers_are_cancelled_before_the_connector_is_ready() -> None:
    """G18: three own orders of a dead run are gone, with one batch request, before ready; manual ones and another
    bot's stay (X18, X19).
    """

    async def scenario() -> None:
        async with venue() as v:
            connector = _connector(v)
            tag = connector.owner_tag
            for number in range(3):
                v.leave(f"{tag}B{number}", price=f"{99950 - number}")
            v.leave("manual-1", price="99940")
            v.leave("hxother-B1", price="99941")
            await until(lambda: len(v.open_ids) == 5, what="left behind")
            seen_ready_with: list[set[str]] = []
            async with running(connector, is_ready=False) as watched:
                await until(lambda: connector.leftover_orders(PAIR), what="found")
                assert connector.leftover_orders(PAIR)[0] == LeftoverOrder(
                    f"{tag}B0", PAIR, Side.BUY, Decimal("99950.00"), Decimal("0.0100"), False
                )
                assert connector.status_dict["own_leftovers_settled"] is False and not connector.ready
                await until(lambda: connector.ready, 30.0, lambda: str(connector.status_dict))
                seen_ready_with.append(v.open_ids)
                assert not connector.leftover_orders(PAIR)
                assert await v.bench(watched).rest()
            assert seen_ready_with == [{"manual-1", "hxother-B1"}]
            assert v.handle.exchange.counters.requests["POST /api/cancel_orders"] == 1

    warp.run(scenario())


def test_an_order_that_appears_late_is_still_found() -> None:
    """An order of the dead run that reaches the market 6 s after the start is cancelled, and the connector is ready
    only after that.
    """

    async def scenario() -> None:
        async with venue() as v:
            connector = _connector(v)
            v.leave(f"{connector.owner_tag}old", price="99950")
            await until(lambda: v.open_ids)
            v.handle.exchange.arm({"name": "order_late", "ms": 6_000})
            v.leave(f"{connector.owner_tag}late", price="99949")
            began_s = time.monotonic()
            async with running(connector, is_ready=False):
                await until(lambda: connector.ready, 40.0, lambda: str(connector.status_dict))
                assert time.monotonic() - began_s >= CONSTANTS.NOT_FOUND_BELIEVED_AFTER_S
                assert not v.open_ids

    warp.run(scenario())


def test_a_clean_account_is_not_held_up() -> None:
    """Without an own order of the last ten minutes the first clean list is enough."""

    async def scenario() -> None:
        async with venue() as v:
            connector = _connector(v)
            began_s = time.monotonic()
            async with running(connector):
                assert time.monotonic() - began_s < 5

    warp.run(scenario())


def test_stale_lists_and_missing_queries_do_not_fool_the_sweep() -> None:
    """Cancelled orders listed as open for 15 s, query_order not knowing new ones for 3 s: swept once, then ready."""

    async def scenario() -> None:
        async with venue(stale_open_orders_ms=15_000.0, query_order_lag_ms=3_000.0) as v:
            connector = _connector(v)
            v.leave(f"{connector.owner_tag}B1")
            await until(lambda: v.open_ids)
            async with running(connector, is_ready=False):
                await until(lambda: connector.ready, 60.0, lambda: str(connector.status_dict))
                assert not v.open_ids
                assert v.handle.exchange.counters.requests["POST /api/cancel_orders"] <= 2

    warp.run(scenario())


def test_a_cancel_that_is_ignored_is_repeated_and_holds_the_start() -> None:
    """The venue swallows the first cancel: the order stays exposure and keeps the connector from being ready until it
    is gone.
    """

    async def scenario() -> None:
        async with venue() as v:
            connector = _connector(v)
            v.leave(f"{connector.owner_tag}B1")
            await until(lambda: v.open_ids)
            v.handle.exchange.arm({"name": "cancel_ignored", "count": 2})
            async with running(connector, is_ready=False):
                await until(lambda: connector.leftover_orders(PAIR))
                while v.open_ids:
                    assert not connector.ready
                    await asyncio.sleep(0.01)
                await until(lambda: connector.ready, 30.0)

    warp.run(scenario())


def _stored(connector: Any, client_order_id: str, exchange_order_id: str | None, filled: str = "0") -> dict[str, Any]:
    return {
        "client_order_id": client_order_id, "exchange_order_id": exchange_order_id, "trading_pair": PAIR,
        "order_type": "LIMIT_MAKER", "trade_type": "BUY", "price": "99950", "amount": "0.01",
        "executed_amount_base": filled, "executed_amount_quote": "0", "last_state": str(OrderState.OPEN.value),
        "leverage": "1", "position": "OPEN", "creation_timestamp": time.time() - 5,
        "last_update_timestamp": time.time() - 5, "order_fills": {},
    }  # fmt: skip


@pytest.mark.parametrize("restored_after_s", [0.0, 3.0, 20.0])
def test_restored_orders_end_in_hummingbot_and_their_fills_are_booked(restored_after_s: float) -> None:
    """Hummingbot restores its stored orders after the clock has started: one that filled while nobody watched ends
    filled, one that rests is cancelled; both with their events, whenever the restore comes.
    """

    async def scenario() -> None:
        async with venue() as v:
            connector = _connector(v)
            tag = connector.owner_tag
            v.leave(f"{tag}fills", price="99999.96")
            v.leave(f"{tag}rests", price="99900")
            await until(lambda: len(v.open_ids) == 2)
            v.market.outside(Side.SELL, MID_TICKS - 4, 100, TimeInForce.IOC)
            await until(lambda: len(v.open_ids) == 1, what="filled while dead")
            ids = {row["cl_ord_id"]: str(row["id"]) for row in v.bench(None).account()["open_orders"]}  # type: ignore[arg-type]
            fills: list[Any] = []
            connector.add_fill_listener(PAIR, fills.append)
            async with running(connector, is_ready=False) as watched:
                await _passed(restored_after_s)
                connector.restore_tracking_states(
                    json.loads(json.dumps({
                        f"{tag}fills": _stored(connector, f"{tag}fills", None),
                        f"{tag}rests": _stored(connector, f"{tag}rests", ids[f"{tag}rests"]),
                        "manual": _stored(connector, "manual", "77"),
                    }))
                )  # fmt: skip
                assert connector.status_dict["own_leftovers_settled"] is False
                assert "manual" not in connector.in_flight_orders
                assert {left.client_order_id for left in connector.leftover_orders(PAIR)} >= {f"{tag}rests"}
                await until(lambda: connector.ready, 60.0, lambda: str(connector.status_dict))
                assert not v.open_ids and not connector.in_flight_orders and not connector.leftover_orders(PAIR)
                assert [event.order_id for event in watched.cancels] == [f"{tag}rests"]
                assert [(event.order_id, event.amount) for event in watched.fills] == [(f"{tag}fills", Decimal("0.01"))]
                assert not connector.has_unknown_orders and not watched.failures
            assert [(fill.client_order_id, fill.size) for fill in fills] == [(f"{tag}fills", Decimal("0.0100"))]

    warp.run(scenario())


def test_fills_of_a_leftover_are_told_once() -> None:
    """A leftover that has filled in part: its fill reaches the listener once, with the venue's fee, although Hummingbot
    never knew the order.
    """

    async def scenario() -> None:
        async with venue() as v:
            connector = _connector(v)
            v.leave(f"{connector.owner_tag}part", price="99999.96", size="0.05")
            await until(lambda: v.open_ids)
            v.market.outside(Side.SELL, MID_TICKS - 4, 200, TimeInForce.IOC)
            await until(lambda: v.handle.exchange.venue.accounts[v.handle.credentials.user].trades)
            fills: list[Any] = []
            connector.add_fill_listener(PAIR, fills.append)
            async with running(connector, is_ready=False):
                await until(lambda: connector.ready, 60.0)
                await _passed(60)
            (fill,) = fills
            assert (fill.size, fill.is_fee_exact, fill.is_maker) == (Decimal("0.0200"), True, True)
            assert fill.fee == v.handle.exchange.venue.accounts[v.handle.credentials.user].fees_paid

    warp.run(scenario())


def test_an_orphan_that_appears_while_trading_is_swept() -> None:
    """G9: an own order that nobody tracks turns up in a later list: cancelled within a poll, own quotes untouched."""

    async def scenario() -> None:
        async with venue() as v:
            connector = _connector(v)
            async with running(connector) as watched:
                await _passed(12)
                b = v.bench(watched)
                mine = await b.rest()
                v.leave(f"{connector.owner_tag}ghost", price="99930")
                v.leave("manual-1", price="99940")
                await until(lambda: len(v.open_ids) == 3)
                await until(lambda: len(v.open_ids) == 2, 20.0, "ghost cancelled")
                assert v.open_ids == {mine, "manual-1"} and connector.ready

    warp.run(scenario())


def test_two_connectors_of_one_process_do_not_sweep_each_other() -> None:
    """What another connector of this process tracks is no leftover, although the tag is the same."""

    async def scenario() -> None:
        async with venue() as v, running(_connector(v)) as first, running(_connector(v)) as second:
            mine = [await v.bench(first).rest("buy", bps="5"), await v.bench(second).rest("buy", bps="6")]
            await _passed(40)
            assert v.open_ids == set(mine)

    warp.run(scenario())


def test_what_a_stopped_network_left_unfinished_is_taken_up_again() -> None:
    """K12: a leftover that was followed and an order whose cancel was lost when the network stopped are both cancelled
    once it starts again, in the same process.
    """

    async def scenario() -> None:
        async with venue() as v:
            connector = _connector(v)
            async with running(connector) as watched:
                mine = await v.bench(watched).rest()
                v.handle.exchange.arm({"name": "cancel_ignored", "count": 1_000})
                v.leave(f"{connector.owner_tag}ghost", price="99930")
                connector.cancel(PAIR, mine)
                await until(lambda: connector.leftover_orders(PAIR), 30.0, "ghost found")
                await _passed(3)
            assert len(v.open_ids) == 2
            v.handle.exchange.faults.disarm("cancel_ignored", None)
            async with running(connector, is_ready=False) as again:
                await until(lambda: not v.open_ids, 30.0, lambda: f"left {v.open_ids}")
                await until(lambda: connector.ready, 30.0, lambda: str(connector.status_dict))
                assert not connector.in_flight_orders and not connector.leftover_orders(PAIR)
                assert [event.order_id for event in again.cancels] == [mine]

    warp.run(scenario())


def test_an_own_order_whose_row_cannot_be_read_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """G18, a stop's last word: an own order that the list shows damaged is asked for by itself; when that cannot be
    read either, nothing is said to be gone.
    """

    async def scenario() -> None:
        async with venue() as v:
            connector = _connector(v)
            async with running(connector):
                real, damaged = connector._private, {CONSTANTS.QUERY_OPEN_ORDERS_PATH}

                async def private(path: str, *args: Any, **kwargs: Any) -> Any:
                    reply = await real(path, *args, **kwargs)
                    for row in [reply, *reply.get("result", [])] if path in damaged else ():
                        if str(row.get("cl_ord_id", "")).startswith(connector.owner_tag):
                            row["qty"] = "much"
                    return reply

                monkeypatch.setattr(connector, "_private", private)
                v.handle.exchange.arm({"name": "cancel_ignored", "count": 1_000})
                v.leave(f"{connector.owner_tag}ghost", price="99930")
                v.leave("manual-1", price="99940")
                await until(lambda: len(v.open_ids) == 2)
                assert [left.client_order_id for left in (await connector.own_orders_at_venue()).open] == [
                    f"{connector.owner_tag}ghost"
                ]
                damaged.add(CONSTANTS.QUERY_ORDER_PATH)
                with pytest.raises(Transient):
                    await connector.own_orders_at_venue()
                damaged.clear()
                v.handle.exchange.faults.disarm("cancel_ignored", None)
                await until(lambda: v.open_ids == {"manual-1"}, 30.0, "cancelled")

    warp.run(scenario())
