"""Keys and pairs that the venue refuses: said once, nothing placed, quiet until it is over. Real sockets."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import base58
import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_constants as CONSTANTS
from hummingbot.core.data_type.common import PositionAction

from hummingbot_extensions.connector.errors import Misconfigured
from hummingbot_extensions.core.types import OrderOutcome
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.faults import HttpFault
from hummingbot_extensions.emulator.server import Handle, run_emulator
from tests.support.driven_market import DrivenMarket
from tests.support.running import PAIR, SYMBOL, bench, connector_for, emulator_url, near_price, running, until

pytestmark = pytest.mark.asyncio
FOREIGN_KEY = base58.b58encode(b"\x21" * 32).decode()
PROOF = "POST /api/cancel_order"
KEY_FIELD, TOKEN_FIELD = "standx_perpetual_emulator_request_key", "standx_perpetual_emulator_secret"


@asynccontextmanager
async def venue(**changes: Any) -> AsyncIterator[Handle]:
    config = EmulatorConfig(markets={SYMBOL: DrivenMarket()}, **changes)
    async with run_emulator(config) as handle, emulator_url(handle.url):
        yield handle


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= level and "clock" not in record.name.lower()
    ]


async def test_connect_refuses_a_foreign_request_key() -> None:
    """`hbot connect` awaits _update_balances: the key of another token is named with the fix, and no order was made."""
    async with venue() as handle:
        connector = connector_for(handle.credentials, trading_pairs=[], standx_perpetual_request_key=FOREIGN_KEY)
        with pytest.raises(Misconfigured, match=rf"^{KEY_FIELD}: .*invalid body signature.*created together") as caught:
            await connector._update_balances()
        assert caught.value.field == KEY_FIELD and FOREIGN_KEY not in str(caught.value)
        assert connector.get_all_balances() == {}
        asked = handle.exchange.counters.requests[PROOF]
        for _ in range(20):
            with pytest.raises(Misconfigured):
                await connector._update_balances()
        assert handle.exchange.counters.requests[PROOF] == asked <= 2


async def test_a_good_key_is_proven_once_per_login() -> None:
    """The proof touches nothing and is sent once; a keyless instance never sends one."""
    async with venue() as handle:
        connector = connector_for(handle.credentials, trading_pairs=[])
        for _ in range(5):
            await connector._update_balances()
        assert handle.exchange.counters.requests[PROOF] == 1
        assert handle.exchange.counters.bad_signatures == 0 and connector.get_balance("DUSD") == 10_000
        connector._auth.forget_session()
        await connector._update_balances()
        assert handle.exchange.counters.requests[PROOF] == 2
        async with running(connector_for(None, trading_required=False), is_ready=True):
            pass
        assert handle.exchange.counters.requests[PROOF] == 2


async def test_a_proof_without_an_answer_stops_nobody() -> None:
    """A 502 on the proof is not the key's fault: balances come in, and the proof is made up for later."""
    async with venue() as handle:
        handle.exchange.faults.http = HttpFault(502, 1, "/api/cancel_order", is_after=False)
        connector = connector_for(handle.credentials, trading_pairs=[])
        await connector._update_balances()
        assert connector.get_balance("DUSD") == 10_000 and connector._auth.problem is None
        connector._next_proof_mono_s = 0.0
        await connector._update_balances()
        assert handle.exchange.counters.requests[PROOF] == 2
        await connector._update_balances()
        assert handle.exchange.counters.requests[PROOF] == 2


async def test_a_clock_that_is_off_is_no_wrong_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """`hbot connect` on a machine two minutes slow: the venue's clock is asked before the key is blamed."""
    async with venue() as handle:
        connector = connector_for(handle.credentials, trading_pairs=[])
        clock = connector._time_synchronizer
        monkeypatch.setattr(
            connector._auth, "_now_s", lambda: clock.time() if clock._time_offset_ms else time.time() - 120
        )
        await connector._update_balances()
        assert handle.exchange.counters.requests[PROOF] == 2
        assert connector._auth.problem is None and connector.get_balance("DUSD") == 10_000


@pytest.mark.parametrize("kind", ["foreign key", "revoked token", "expired token"])
async def test_started_with_bad_keys_it_says_so_once(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Started past `hbx`, a bot with bad keys writes one ERROR line, hardly anything else, and places nothing."""
    changes = {"standx_perpetual_request_key": FOREIGN_KEY} if kind == "foreign key" else {}
    async with venue(token_lifetime_s=-60 if kind == "expired token" else 604_800) as handle:
        if kind == "revoked token":
            handle.exchange.identity.revoke(handle.credentials.user)
        with caplog.at_level(logging.INFO):
            async with running(connector_for(handle.credentials, **changes), is_ready=False) as watched:
                connector = watched.connector
                await until(lambda: len(connector.order_books) == 1 and connector.trading_rules, what="public data")
                before = sum(handle.exchange.counters.requests.values())
                await asyncio.sleep(2.5)
                assert not connector.ready and connector.status_dict["keys_accepted"] is False
                order_id = connector.buy(
                    PAIR, Decimal("0.01"), price=Decimal(60_000), position_action=PositionAction.OPEN
                )
                await until(lambda: watched.failures)
                field = KEY_FIELD if kind == "foreign key" else TOKEN_FIELD
                assert connector.rejection_reason(order_id).startswith(field)
                assert sum(handle.exchange.counters.requests.values()) - before < 25
        errors = lines(caplog, logging.ERROR)
        assert len(errors) == 1 and field in errors[0]
        assert len(lines(caplog)) < 25, lines(caplog)
        assert handle.exchange.counters.requests["POST /api/new_order"] == 0
        assert sum(handle.exchange.counters.order_rejections.values()) == 0


async def test_a_signature_refused_over_the_socket_names_the_key(caplog: pytest.LogCaptureFixture) -> None:
    """A 403 as the final frame of an order is the key's problem with field and fix; no further order is sent."""
    async with bench() as b:
        sign = b.connector._auth.signed_headers
        b.connector._auth.signed_headers = lambda payload: sign(payload + " ")
        with caplog.at_level(logging.INFO):
            first = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
            await until(lambda: b.watched.failures)
            assert b.connector.rejection_reason(first).startswith(KEY_FIELD)
            assert b.handle.exchange.counters.bad_signatures == 1 and not b.connector.ready
            for _ in range(5):
                b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
            await until(lambda: len(b.watched.failures) == 6)
            assert b.handle.exchange.counters.bad_signatures == 1 and b.account()["orders_placed"] == 0
            # The venue's clock is asked before the key is blamed.
            await until(lambda: lines(caplog, logging.ERROR), what="the announcement")
        assert len([line for line in lines(caplog, logging.ERROR) if KEY_FIELD in line]) == 1
        assert not [line for line in lines(caplog, logging.WARNING) if KEY_FIELD not in line]


async def test_a_token_that_dies_mid_run_lists_what_may_rest(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A17: placing stops, one ERROR line names the own orders at the venue; when the token is taken again, one line."""
    monkeypatch.setattr(CONSTANTS, "KEY_RETRY_MIN_S", 0.6)
    monkeypatch.setattr(CONSTANTS, "KEY_RETRY_MAX_S", 0.6)
    async with bench() as b:
        ids = [await b.rest("buy"), await b.rest("sell")]
        identity = b.handle.exchange.identity
        revoked = dict(identity._revoked_up_to)
        with caplog.at_level(logging.INFO):
            identity.revoke(b.user)
            for socket in [*b.handle.exchange.streams, *b.handle.exchange.api_sockets]:
                socket.drop()
            await until(lambda: b.connector._auth.problem is not None, what="the refusal")
            placed = b.account()["orders_placed"]
            b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(9)))
            await until(lambda: b.watched.failures)
            assert not b.connector.ready and b.account()["orders_placed"] == placed
            await b.connector.cancel_all(1)
            assert {b.connector.order_outcome(order_id) for order_id in ids} == {OrderOutcome.ACCEPTED}
            errors = lines(caplog, logging.ERROR)
            assert len(errors) == 1 and TOKEN_FIELD in errors[0] and all(order_id in errors[0] for order_id in ids)
            identity._revoked_up_to.clear()
            identity._revoked_up_to.update(revoked)
            await until(lambda: b.connector.ready, 15.0, lambda: str(b.connector.status_dict))
            await until(lambda: not b.open_ids, 15.0, "the wanted cancels to go through after all")
        assert len([line for line in lines(caplog) if "keys accepted again" in line]) == 1
        assert len(lines(caplog, logging.ERROR)) == 1


async def test_an_unknown_pair_is_named_once_and_starves_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """One ERROR line with the field and the markets there are; the right pair beside it gets its book and prices."""
    async with venue() as handle:
        with caplog.at_level(logging.INFO):
            connector = connector_for(handle.credentials, trading_pairs=[PAIR, "FOO-DUSD"])
            async with running(connector, is_ready=False):
                await until(lambda: connector.book_state(PAIR) and connector.price_state(PAIR), what="the right pair")
                await until(lambda: connector.private_stream_age_ms() is not None, what="the private stream")
                await asyncio.sleep(2.0)
                assert not connector.ready
        named = [line for line in lines(caplog) if "FOO-DUSD" in line]
        assert named == [f"trading_pair: StandX has no market FOO-DUSD. Use one of {PAIR}."], named
        assert handle.exchange.counters.requests["GET /api/query_symbol_market"] < 6
