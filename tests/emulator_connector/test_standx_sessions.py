"""Logins over a long run: renewed in time, renewed again after trouble, and dead in the middle, in time that leaps."""

from __future__ import annotations

import asyncio
import logging
import time
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS

from hummingbot_extensions.core.types import OrderOutcome, Side
from tests.support import warp
from tests.support.driven_market import MID_TICKS
from tests.support.running import PAIR, Bench, bench, near_price, until

WALLET = {
    "standx_perpetual_login": "evm_wallet", "standx_perpetual_secret": "0x" + "11" * 32,
    "standx_perpetual_request_key": "",
}  # fmt: skip
TOKEN_S = 1_200


def said(caplog: pytest.LogCaptureFixture, level: int, *words: str) -> list[str]:
    lines = [record.getMessage() for record in caplog.records if record.levelno == level]
    return [line for line in lines if all(word in line for word in words)]


def owner(b: Bench) -> Any:
    """The account of the wallet that the connector logs in with."""
    return next(a for user, a in b.handle.exchange.venue.accounts.items() if user != b.user)


def resting(b: Bench) -> set[str]:
    return {order.client_id for order in owner(b).live.values()}


async def rest(b: Bench, side: str, bps: int) -> str:
    order_id = b.place(side, "0.01", near_price(b.connector, side, Decimal(bps)))
    await until(lambda: order_id in resting(b), 5.0, "resting")
    await until(lambda: b.connector.order_outcome(order_id) is OrderOutcome.ACCEPTED, 5.0)
    return order_id


def logged_in_with(b: Bench) -> list[str]:
    """Tokens of the link of each private socket."""
    data_source = b.connector._user_stream_tracker.data_source
    links = [life.link for life in (data_source.life, b.connector._order_entry.life)]
    return [link.session.token if link is not None else "" for link in links]


def test_short_tokens_are_renewed_and_nothing_is_refused() -> None:
    """A16: 20-minute tokens over three renewals: no 401, no refused order, both sockets logged in with the new one."""

    async def scenario() -> None:
        async with bench(keys=WALLET, faults=[{"name": "token_short", "lifetime_s": TOKEN_S}]) as b:
            exchange = b.handle.exchange
            tokens = [b.connector._auth.current.token]
            orders = 0
            began = time.monotonic()
            while len(tokens) < 4 or time.monotonic() - began < 2 * TOKEN_S:
                order_id = await rest(b, "buy", 5)
                orders += 1
                b.connector.cancel(PAIR, order_id)
                await until(lambda known=order_id: known not in resting(b), 5.0, "cancelled")
                await asyncio.sleep(30.0)
                assert b.connector.ready and b.connector.private_stream_age_ms() is not None
                if b.connector._auth.current.token != tokens[-1]:
                    tokens.append(b.connector._auth.current.token)
                    await until(lambda: set(logged_in_with(b)) == {tokens[-1]}, 30.0, "sockets logged in again")
            assert exchange.counters.bad_tokens == 0 and exchange.counters.bad_signatures == 0
            assert not b.watched.failures and owner(b).log.placed == orders
            assert exchange.counters.requests["POST /v1/offchain/login"] == len(tokens) >= 4

    warp.run(scenario())


def test_a_renewal_that_fails_is_tried_again_and_alarmed_before_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """A16: logins refused for a while: one WARNING, one ERROR when the expiry is near, the old token serves meanwhile,
    and the first login that works ends it.
    """

    async def scenario() -> None:
        async with bench(keys=WALLET, faults=[{"name": "token_short", "lifetime_s": TOKEN_S}]) as b:
            first = b.connector._auth.current.token
            with caplog.at_level(logging.INFO):
                b.handle.exchange.arm({"name": "login_refused", "status": 503})
                await asyncio.sleep(TOKEN_S / 2 + 60)
                tried = b.handle.exchange.counters.requests["POST /v1/offchain/login"]
                assert len(said(caplog, logging.WARNING, "login not renewed")) == 1
                assert not said(caplog, logging.ERROR)
                order_id = await rest(b, "buy", 5)
                await asyncio.sleep(TOKEN_S / 2 - 120)
                assert len(said(caplog, logging.ERROR, "login not renewed", "expires_in_s")) == 1
                assert b.connector._auth.current.token == first and b.connector.ready
                assert b.handle.exchange.counters.bad_tokens == 0
                assert b.handle.exchange.counters.requests["POST /v1/offchain/prepare-signin"] - tried < 40
                b.handle.exchange.faults.disarm("login_refused")
                await until(lambda: b.connector._auth.current.token != first, 61.0, "renewed")
            await asyncio.sleep(120)
            assert b.handle.exchange.counters.bad_tokens == 0 and resting(b) == {order_id}
            assert len(said(caplog, logging.ERROR)) == 1

    warp.run(scenario())


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_revoked_wallet_token_is_replaced_within_five_seconds(
    is_busy: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A17: the venue drops the token, whether we trade or not: a new login within 5 s, sockets back, orders tracked,
    nothing doubled, no blame.
    """

    async def scenario() -> None:
        async with bench(keys=WALLET) as b:
            exchange = b.handle.exchange
            kept = {await rest(b, "buy", 5), await rest(b, "sell", 5)}
            await asyncio.sleep(30)
            first, placed = b.connector._auth.current.token, owner(b).log.placed
            with caplog.at_level(logging.INFO):
                exchange.arm({"name": "token_revoked"})
                began = time.monotonic()
                if is_busy:
                    for session in [*exchange.streams, *exchange.api_sockets]:
                        session.drop()
                    b.market.outside(Side.BUY, MID_TICKS - 205, 1)
                await until(lambda: (session := b.connector._auth.current) and session.token != first, 10.0, "login")
                new_after_s = time.monotonic() - began
                await until(lambda: set(logged_in_with(b)) == {b.connector._auth.current.token}, 30.0, "sockets back")
                await until(lambda: b.connector.private_stream_age_ms() is not None, 3.0, "private stream")
                await asyncio.sleep(20)
            assert new_after_s <= 5.0 and b.connector._auth.problem is None and b.connector.ready
            assert resting(b) == kept and set(b.connector.in_flight_orders) == kept and owner(b).log.placed == placed
            assert exchange.counters.requests["POST /v1/offchain/login"] == 2
            assert not said(caplog, logging.ERROR)
            print(f"\nlogged in again {new_after_s:.2f} s after the revocation, busy={is_busy}")
            b.connector.cancel(PAIR, min(kept))
            await until(lambda: len(resting(b)) == 1, 5.0, "cancelled")

    warp.run(scenario())


def test_a_revoked_web_token_stops_alarms_and_recovers(caplog: pytest.LogCaptureFixture) -> None:
    """A17: nobody can renew it: not ready within 5 s, one ERROR with what rests, nothing placed, exposure kept; taken
    again, it goes on by itself.
    """

    async def scenario() -> None:
        async with bench() as b:
            ids = {await b.rest("buy"), await b.rest("sell")}
            await asyncio.sleep(30)
            identity = b.handle.exchange.identity
            revoked, placed = dict(identity._revoked_up_to), b.account()["orders_placed"]
            with caplog.at_level(logging.INFO):
                identity.revoke(b.user)
                began = time.monotonic()
                await until(lambda: b.connector.status_dict.get("keys_accepted") is False, 10.0, "the refusal")
                assert time.monotonic() - began <= 5.0
                for _ in range(5):
                    b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(9)))
                await until(lambda: len(b.watched.failures) == 5)
                await asyncio.sleep(600)
                errors = said(caplog, logging.ERROR)
                assert len(errors) == 1 and all(order_id in errors[0] for order_id in ids), errors
                assert b.account()["orders_placed"] == placed and set(b.connector.in_flight_orders) == ids
                assert not b.connector.ready
                identity._revoked_up_to.clear()
                identity._revoked_up_to.update(revoked)
                await until(lambda: b.connector.ready, CONSTANTS.KEY_RETRY_MAX_S + 10, "ready again")
                await until(lambda: b.connector.private_stream_age_ms() is not None, CONSTANTS.KEY_RETRY_MAX_S + 10)
            assert len(said(caplog, logging.INFO, "keys accepted again")) == 1
            assert b.open_ids == ids == set(b.connector.in_flight_orders)

    warp.run(scenario())
