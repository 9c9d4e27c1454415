"""Keys, logins, domains, secrets, candles and rates of the StandX connector against the emulator over real sockets."""

from __future__ import annotations

import asyncio
import logging
import time
from decimal import Decimal

import base58
import pytest
from hummingbot.connector.derivative.standx_perpetual import (
    standx_perpetual_candles as candles,
)
from hummingbot.connector.derivative.standx_perpetual import (
    standx_perpetual_constants as CONSTANTS,
)
from hummingbot.connector.derivative.standx_perpetual import (
    standx_perpetual_web_utils as web,
)
from hummingbot.core.web_assistant.connections.data_types import RESTMethod
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig

from hummingbot_extensions.connector.errors import Misconfigured, Rejected
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.server import run_emulator
from tests.support.driven_market import MID_TICKS, DrivenMarket
from tests.support.running import DOMAIN, PAIR, SYMBOL, bench, connector_for, emulator_url, near_price, running, until

pytestmark = pytest.mark.asyncio
EVM_KEY = "0x" + "11" * 32
SOLANA_KEY = base58.b58encode(b"\x07" * 32).decode()


@pytest.mark.parametrize(("login", "secret"), [("evm_wallet", EVM_KEY), ("solana_wallet", SOLANA_KEY)])
async def test_wallet_login_trades(login: str, secret: str) -> None:
    """A15: a wallet signs in, gets a token bound to a fresh request key, and places an order that rests."""
    keys = {
        "standx_perpetual_login": login, "standx_perpetual_secret": secret, "standx_perpetual_request_key": "",
    }  # fmt: skip
    async with bench(keys=keys) as b:
        order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await until(lambda: b.watched.created)
        chain = "bsc_" if login == "evm_wallet" else "solana_"
        user = next(user for user in b.handle.exchange.venue.accounts if user.startswith(chain) and user != b.user)
        assert any(order.client_id == order_id for order in b.handle.exchange.venue.accounts[user].live.values())
        assert b.handle.exchange.counters.bad_signatures == 0


async def test_one_altered_byte_is_refused() -> None:
    """A15: the venue refuses a body that differs from the signed one, and the complaint names the field."""
    async with bench() as b:
        sign = b.connector._auth.signed_headers
        b.connector._auth.signed_headers = lambda payload: sign(payload.replace("0.01", "0.02"))
        b.connector._order_entry.connected.clear()
        order_id = b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(5)))
        await until(lambda: b.watched.failures)
        assert "standx_perpetual_emulator_request_key" in b.connector.rejection_reason(order_id)
        assert b.account()["orders_placed"] == 0 and b.handle.exchange.counters.bad_signatures == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"standx_perpetual_secret": "not-a-token"}, "standx_perpetual_emulator_secret: the access token is not a JWT"),
        (
            {"standx_perpetual_request_key": "0OIl"},
            "standx_perpetual_emulator_request_key: the request-signing key is not base58",
        ),
        ({"standx_perpetual_request_key": "abc"}, "decodes to 3 bytes instead of 32 or 64"),
        ({"standx_perpetual_request_key": ""}, "standx_perpetual_emulator_request_key: is empty"),
        ({"standx_perpetual_login": "magic"}, "standx_perpetual_emulator_login: is not one of web_token"),
        ({"standx_perpetual_login": "evm_wallet"}, "the wallet key is not hexadecimal text"),
    ],
)
async def test_wrong_keys_give_one_clear_line(changes: dict[str, str], expected: str) -> None:
    """`hbot connect` awaits _update_balances and shows the text: it names the field, the fix, and never the secret."""
    async with run_emulator(EmulatorConfig(markets={SYMBOL: DrivenMarket()})) as handle, emulator_url(handle.url):
        connector = connector_for(handle.credentials, trading_pairs=[], **changes)
        with pytest.raises(Misconfigured) as caught:
            await connector._update_balances()
        text = str(caught.value)
        assert expected in text and "\n" not in text
        for secret in (
            handle.credentials.secret,
            handle.credentials.request_key,
            changes.get("standx_perpetual_secret"),
        ):
            assert not secret or secret not in text


async def test_expired_token_says_when() -> None:
    """An expired token names its expiry and where to get a new one, before anything is sent."""
    config = EmulatorConfig(markets={SYMBOL: DrivenMarket()}, token_lifetime_s=-3600)
    async with run_emulator(config) as handle, emulator_url(handle.url):
        connector = connector_for(handle.credentials, trading_pairs=[])
        moment = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 3600))
        with pytest.raises(Misconfigured, match=f"expired on {moment}.*Create a new one"):
            await connector._update_balances()
        assert "GET /api/query_balance" not in handle.exchange.counters.requests


async def test_revoked_token_names_the_field() -> None:
    """A token that the venue refuses gives the 401 line; nothing else leaks."""
    async with run_emulator(EmulatorConfig(markets={SYMBOL: DrivenMarket()})) as handle, emulator_url(handle.url):
        handle.exchange.identity.revoke(handle.credentials.user)
        connector = connector_for(handle.credentials, trading_pairs=[])
        with pytest.raises(Misconfigured, match=r"standx_perpetual_emulator_secret: .*HTTP 401"):
            await connector._update_balances()


async def test_unknown_pair_is_named_with_the_right_one(caplog: pytest.LogCaptureFixture) -> None:
    """BTC-USD is the venue's symbol, the pair is BTC-DUSD: the error says so."""
    async with run_emulator(EmulatorConfig(markets={SYMBOL: DrivenMarket()})) as handle, emulator_url(handle.url):
        connector = connector_for(handle.credentials, trading_pairs=["BTC-USD"])
        with caplog.at_level(logging.ERROR):
            await connector._initialize_trading_pair_symbol_map()
        assert any("StandX has no market BTC-USD. Use BTC-DUSD." in record.getMessage() for record in caplog.records)


async def test_domains_never_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    """A33: the address comes from the environment; live credentials cannot go to the emulator nor the other way
    round.
    """
    async with run_emulator(EmulatorConfig(markets={SYMBOL: DrivenMarket()})) as handle, emulator_url(handle.url):
        live = connector_for(handle.credentials, domain=CONSTANTS.DEFAULT_DOMAIN)
        emulated = connector_for(handle.credentials)
        assert web.rest_url("/api/x", live.domain).startswith("https://perps.standx.com/")
        assert web.rest_url("/api/x", emulated.domain) == handle.url + "/api/x"
        assert web.ws_url("/ws-api/v1", emulated.domain) == handle.url.replace("http", "ws") + "/ws-api/v1"
        from hummingbot.core.web_assistant.connections.data_types import RESTRequest

        crossed = RESTRequest(RESTMethod.GET, url="https://perps.standx.com/api/query_balance", is_auth_required=True)
        with pytest.raises(Misconfigured):
            await emulated._auth.rest_authenticate(crossed)
        crossed = RESTRequest(RESTMethod.GET, url=handle.url + "/api/query_balance", is_auth_required=True)
        with pytest.raises(Misconfigured):
            await live._auth.rest_authenticate(crossed)
        for bad in ("https://127.0.0.1:1", "http://perps.standx.com:80", "http://10.0.0.1:80", "http://127.0.0.1", "x"):
            monkeypatch.setenv(CONSTANTS.EMULATOR_URL_ENV, bad)
            with pytest.raises(Misconfigured, match=CONSTANTS.EMULATOR_URL_ENV):
                web.rest_url("/api/x", DOMAIN)


async def test_no_secret_in_any_log(caplog: pytest.LogCaptureFixture) -> None:
    """B16: at DEBUG, through trading, refusals, drops and a revoked token, no log line and no exception holds a
    secret.
    """
    with caplog.at_level(logging.DEBUG):
        for name in ("aiohttp", "asyncio", "hummingbot"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        async with bench() as b:
            secrets = [b.handle.credentials.secret, b.handle.credentials.request_key]
            secrets.append(b.handle.credentials.secret.split(".")[2])
            await b.rest()
            b.place("buy", "0.01", near_price(b.connector, "buy", Decimal(-3)))
            await until(lambda: b.watched.failures)
            for session in [*b.handle.exchange.streams, *b.handle.exchange.api_sockets]:
                session.drop()
            b.handle.exchange.identity.revoke(b.user)
            with pytest.raises((Misconfigured, Rejected)) as caught:
                await b.connector._update_balances()
            await until(lambda: any("down" in record.getMessage() for record in caplog.records))
            await b.connector.cancel_all(2)
            shown = repr(b.connector._auth.__dict__.get("_session")) + str(caught.value) + repr(b.handle.credentials)
        logs = "\n".join(caplog.handler.format(record) for record in caplog.records) + shown
        assert len(caplog.records) > 8
        for secret in secrets:
            assert secret not in logs


async def test_candles_of_the_emulator_fill_a_feed() -> None:
    """A37: the feed of the emulator's domain gets ready from the emulator's klines, oldest first, in seconds."""
    market = DrivenMarket()
    async with (
        run_emulator(EmulatorConfig(markets={SYMBOL: market}, rate_limits=False)) as handle,
        emulator_url(handle.url),
    ):
        feed = CandlesFactory.get_candle(
            CandlesConfig(connector=DOMAIN, trading_pair=PAIR, interval="1m", max_records=1)
        )
        await feed.start_network()
        try:
            market.outside(Side.BUY, None, 10)
            await until(lambda: feed.ready, 15.0, "candles")
            row = feed.candles_df.iloc[-1]
            assert row["timestamp"] % 60 == 0 and abs(row["timestamp"] - time.time()) < 120
            assert abs(row["close"] - MID_TICKS / 100) < 10 and row["volume"] > 0
            assert await feed.check_network()
        finally:
            await feed.stop_network()
            await asyncio.sleep(0)


async def test_rates_value_a_balance_in_dollars() -> None:
    """A38: the rate source of the domain, selected by config, values DUSD and the markets with no other network."""
    from hummingbot.client.config import client_config_map as config
    from hummingbot.core.rate_oracle.rate_oracle import RateOracle

    from hummingbot_extensions import compat

    for name in candles.FEEDS:
        compat.register_rate_source(name, lambda name=name: candles.rate_source(name))
    async with bench() as b:
        before = RateOracle.get_instance().source
        try:
            loaded = config.ClientConfigMap(rate_oracle_source={"name": DOMAIN})
            assert loaded.rate_oracle_source.name == DOMAIN
            oracle = RateOracle.get_instance()
            assert oracle.source.name == DOMAIN
            assert await oracle.get_rate("DUSD") == 1
            value = await oracle.get_value(b.connector.get_balance("DUSD"), "DUSD")
            assert value == Decimal(b.account()["equity"])
            prices = await oracle.source.get_prices("USD")
            assert abs(prices["BTC-USD"] - MID_TICKS // 100) < 10 and prices[PAIR] == prices["BTC-USD"]
        finally:
            RateOracle.get_instance().source = before


async def test_order_rules_survive_without_a_running_clock() -> None:
    """`hbot connect` and the API build a connector that never starts: rules, balances and positions still work."""
    async with run_emulator(EmulatorConfig(markets={SYMBOL: DrivenMarket()})) as handle, emulator_url(handle.url):
        connector = connector_for(handle.credentials, trading_pairs=[])
        await connector._initialize_trading_pair_symbol_map()
        await connector._update_trading_rules()
        await connector._update_balances()
        await connector._update_positions()
        assert connector.trading_rules[PAIR].min_price_increment == Decimal("0.01")
        assert connector.get_balance("DUSD") == 10_000
        async with running(connector_for(handle.credentials), is_ready=True) as watched:
            assert watched.connector.ready
