"""Tokens, signatures over REST, rate limits and sockets: what keeps a client out."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_account import Account
from eth_account.messages import encode_defunct
from scripted_client import Client, order_body, served

from hummingbot_extensions.emulator import signatures
from hummingbot_extensions.emulator.limits import Limits, TokenBucket

FORBIDDEN = {"code": 403, "message": "invalid body signature"}


@pytest.mark.asyncio
async def test_rest_signature_is_over_the_raw_body() -> None:
    """The same JSON with other blanks is another body: 403, nothing placed, counted."""
    async with served(wired=False) as client:
        body = order_body("buy", "0.001", "99990")
        headers = {"Authorization": f"Bearer {client.token}"} | client.signed(json.dumps(body))
        compact = json.dumps(body, separators=(",", ":"))
        async with client.http.post("/api/new_order", data=compact, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (403, FORBIDDEN)
        state = await client.control("state")
        assert state["counters"]["rejected_signatures"] == 1
        assert (await client.control("accounts/demo"))["orders_placed"] == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["version", "id", "timestamp", "signature"])
async def test_missing_signing_header_is_named(name: str) -> None:
    """A trading request without one of the signing headers is refused with that header's name."""
    async with served(wired=False) as client:
        raw = json.dumps(order_body("buy", "0.001", "99990"))
        header = {"version": "x-request-sign-version"}.get(name, f"x-request-{name}")
        headers = {"Authorization": f"Bearer {client.token}"} | client.signed(raw)
        del headers[header]
        async with client.http.post("/api/new_order", data=raw, headers=headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["message"] == f"{header}: header missing"


@pytest.mark.asyncio
async def test_old_and_repeated_requests() -> None:
    """A stamp more than 30 s off is refused; a repeated id only with the switch."""
    async with served(wired=False, refuse_repeated_request_ids=True) as client:
        raw = json.dumps(order_body("buy", "0.001", "99990"))
        key = Ed25519PrivateKey.from_private_bytes(signatures.base58_decode(client.handle.credentials.request_key))

        async def send(stamp: int, request_id: str) -> int:
            signature = base64.b64encode(key.sign(f"v1,{request_id},{stamp},{raw}".encode())).decode()
            headers = {
                "Authorization": f"Bearer {client.token}",
                "x-request-sign-version": "v1",
                "x-request-id": request_id,
                "x-request-timestamp": str(stamp),
                "x-request-signature": signature,
            }
            async with client.http.post("/api/new_order", data=raw, headers=headers) as answer:
                return answer.status

        now_ms = int(time.time() * 1000)
        assert await send(now_ms - 31_000, "old") == 403
        assert await send(now_ms + 31_000, "early") == 403
        assert await send(now_ms, "once") == 200
        assert await send(now_ms, "once") == 403


@pytest.mark.asyncio
async def test_tokens_are_needed() -> None:
    """Private endpoints answer 401 without a valid token; public ones need none; the wrong host key signs nothing."""
    async with served(wired=False) as client:
        good = client.token
        for client.token in ("", "x.y.z", good[:-3] + "AAA"):
            status, body = await client.get("/api/query_balance")
            assert (status, body["code"]) == (401, 401)
        assert (await client.get("/api/query_symbol_info"))[0] == 200
        stranger = Client(client.handle, client.http, good, b"\1" * 32)
        assert await stranger.order("buy", "0.001", "99990") == (403, FORBIDDEN)


@pytest.mark.asyncio
@pytest.mark.parametrize("chain", ["bsc", "solana"])
async def test_wallet_login(chain: str) -> None:
    """A wallet signs in, gets an account with the start balance, and trades with its request key."""
    async with served(wired=False) as demo:
        seed = bytes(range(32))
        request_id = signatures.public_key_base58(seed)
        wallet = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
        evm = Account.from_key(b"\x11" * 32)
        public = wallet.public_key().public_bytes_raw()
        address = evm.address if chain == "bsc" else signatures.base58_encode(public)
        prepare = {"address": address, "requestId": request_id}
        async with demo.http.post(f"/v1/offchain/prepare-signin?chain={chain}", json=prepare) as answer:
            signed_data = (await answer.json())["signedData"]
        middle = signed_data.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        assert claims["exp"] - claims["iat"] == 180
        async with demo.http.get("/v1/offchain/certs") as answer:
            jwk = (await answer.json())["keys"][0]
        assert signatures.sign_in_claims(jwk, signed_data, time.time()) == claims
        message = claims["message"]
        if chain == "bsc":
            signature = "0x" + bytes(evm.sign_message(encode_defunct(text=message)).signature).hex()
        else:
            output = {
                "signedMessage": list(message.encode()),
                "signature": list(wallet.sign(message.encode())),
                "account": {"publicKey": list(public)},
            }
            signature = base64.b64encode(json.dumps({"input": claims, "output": output}).encode()).decode()
        body: dict[str, Any] = {"signature": signature, "signedData": signed_data, "expiresSeconds": 600}
        async with demo.http.post(f"/v1/offchain/login?chain={chain}", json=body) as answer:
            reply = await answer.json()
        assert set(reply) == {"token", "address", "alias", "chain", "perpsAlpha"}
        client = Client(demo.handle, demo.http, reply["token"], seed)
        assert (await client.ok("/api/query_balance"))["balance"] == "100000"
        assert (await client.order("buy", "0.001", "99990", cl_ord_id="w"))[0] == 200
        row = (await client.ok("/api/query_open_orders"))["result"]
        assert [order["user"] for order in row] == [f"{chain}_{address}"]
        assert (await demo.ok("/api/query_open_orders"))["result"] == []
        async with demo.http.post(f"/v1/offchain/login?chain={chain}", json=body | {"signature": "0x00"}) as answer:
            assert answer.status == 401


@pytest.mark.asyncio
async def test_address_credits_run_out_at_twenty() -> None:
    """A burst of private requests passes about twenty times, then 429 with its body, and recovers with time."""
    async with served(wired=False) as client:
        answers = await asyncio.gather(*(client.get("/api/query_balance") for _ in range(45)))
        passed = [status for status, _ in answers].count(200)
        assert 20 <= passed <= 30
        assert (429, {"code": 429, "message": "too many requests"}) in answers
        assert (await client.control("state"))["counters"]["too_many_requests"] == 45 - passed
        deadline = time.monotonic() + 5
        while (await client.get("/api/query_balance"))[0] == 429:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


def test_buckets_to_the_credit() -> None:
    """20 requests of 45 from 900, the 21st only after 45 ms; 50 a second per IP."""
    bucket = TokenBucket(900.0, 1000.0)
    assert [bucket.take(45.0, 10.0) for _ in range(21)] == [True] * 20 + [False]
    assert not bucket.take(45.0, 10.044)
    assert bucket.take(45.0, 10.0451)
    limits = Limits(True, 10, 30)
    assert sum(limits.take_ip(5.0) for _ in range(60)) == 50
    assert limits.take_ip(5.03) and not limits.take_ip(5.03)


def test_socket_limits() -> None:
    """Ten at once and thirty new ones a minute."""
    limits = Limits(True, 10, 30)
    assert [limits.open_socket(0.0) for _ in range(11)] == [True] * 10 + [False]
    for _ in range(20):
        limits.close_socket()
        assert limits.open_socket(1.0)
    limits.close_socket()
    assert not limits.open_socket(59.9)
    assert limits.open_socket(60.0)


@pytest.mark.asyncio
async def test_eleventh_socket_is_refused() -> None:
    """The socket beyond the limit gets 429 at its upgrade, and one that closed makes room."""
    async with served(max_sockets=2) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.http.ws_connect("/ws-stream/v1")
        assert refused.value.status == 429
        await client.api.close()
        deadline = time.monotonic() + 5
        while (await client.control("state"))["sockets"]["api"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        async with client.http.ws_connect("/ws-stream/v1") as socket:
            assert not socket.closed


@pytest.mark.asyncio
async def test_bad_queries_are_named() -> None:
    """Query members are checked and named; unknown paths are 404 JSON."""
    async with served(wired=False, rate_limits=False) as client:
        for path, field in (
            ("/api/query_order", "order_id"),
            ("/api/query_order?order_id=x", "order_id"),
            ("/api/query_symbol_price", "symbol"),
            ("/api/query_symbol_price?symbol=NO-USD", "symbol"),
            ("/api/query_trades?start=yesterday", "start"),
            ("/api/kline/history?symbol=BTC-USD&from=1&to=2&resolution=7", "resolution"),
            ("/api/kline/history?symbol=BTC-USD&to=2&resolution=1", "from"),
            ("/api/query_open_orders?limit=0", "limit"),
        ):
            status, body = await client.get(path)
            assert (status, body["message"].partition(":")[0]) == (400, field), path
        assert (await client.get("/api/nothing"))[0] == 404


@pytest.mark.asyncio
async def test_never_funded_account() -> None:
    """An account without funds has no balance record, as on the venue."""
    async with served(wired=False, balance=Decimal(0)) as client:
        assert await client.get("/api/query_balance") == (404, {"code": 404, "message": "user balance not found"})


@pytest.mark.asyncio
async def test_silent_client_is_told_and_dropped() -> None:
    """A client that answers no ping gets the 408 frame and the connection ends; so does one that is too old."""
    async with (
        served(wired=False, ping_every_s=0.02, pong_timeout_s=0.1) as client,
        client.http.ws_connect("/ws-stream/v1", autoping=False) as socket,
    ):
        while (message := await socket.receive(timeout=5)).type is aiohttp.WSMsgType.PING:
            pass
        assert json.loads(message.data)["code"] == 408
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    async with (
        served(wired=False, max_connection_s=0.05) as client,
        client.http.ws_connect("/ws-api/v1") as socket,
    ):
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
