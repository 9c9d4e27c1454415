"""What the emulator costs: a process under load, order round trips, the venue's own steps. A script; prints figures.

python tests/bench/bench_emulator.py
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parents[1] / "emulator"))

from scripted_client import order_body, served
from scripted_market import MS, SECOND, Outside, ScriptedMarket, quiet_book

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.venue import Venue
from tests.support.fifo_market import START_NS

ROUNDS = 300
ROOT = Path(__file__).parents[2]
ACCOUNTS = 10
ORDERS_PER_S = 200
LOAD_S = 10.0
BAR_FRAC = 0.5
TAKERS = [Outside(t * 100 * MS, (Side.BUY, Side.SELL)[t % 2], None, 1, TimeInForce.IOC) for t in range(1, 6_000)]


def line(what: str, samples_s: list[float]) -> str:
    worst = quantiles(samples_s, n=100)[98]
    return f"{what:<46} p50 {median(samples_s) * 1e3:7.2f} ms   p99 {worst * 1e3:7.2f} ms   n {len(samples_s)}"


async def round_trips() -> None:
    """Place and cancel over REST (ACK) and over ws-api (terminal frame), with no configured delay."""
    rest: list[float] = []
    api: list[float] = []
    async with served(rate_limits=False, balance=Decimal(10_000_000)) as client:
        for number in range(ROUNDS):
            began = time.perf_counter()
            await client.order("buy", "0.001", "99990", cl_ord_id=f"r{number}")
            rest.append(time.perf_counter() - began)
            await client.post("/api/cancel_order", {"cl_ord_id": f"r{number}"})
        for number in range(ROUNDS):
            began = time.perf_counter()
            await client.api_outcome(
                "order:new", order_body("buy", "0.001", "99990", cl_ord_id=f"w{number}"), f"n{number}"
            )
            api.append(time.perf_counter() - began)
            await client.api_outcome("order:cancel", {"cl_ord_id": f"w{number}"}, f"c{number}")
            client.api.texts.clear()
            client.stream.texts.clear()
    print(line("REST new_order, request to ACK", rest))
    print(line("ws-api order:new, send to terminal frame", api))


def venue_minutes(minutes: int = 10) -> None:
    """Venue time per wall second with ten prints a second, a mark every 50 ms and a book every 250 ms."""
    venue = Venue({"BTC-USD": ScriptedMarket([*quiet_book(lots=1_000_000), *TAKERS])})
    began = time.perf_counter()
    events = venue.advance(START_NS + minutes * 60 * SECOND)
    spent_s = time.perf_counter() - began
    print(
        f"venue: {minutes * 60 / spent_s:,.0f} venue s per s, {len(events):,} events in {spent_s:.2f} s"
    )


async def idle_cost(seconds: float = 5.0) -> None:
    """CPU of serving both sockets with all channels at speed 1."""
    async with served(TAKERS) as client:
        for channel in ("price", "depth_book", "public_trade"):
            await client.subscribe(channel)
        before = time.process_time()
        await asyncio.sleep(seconds)
        used = (time.process_time() - before) / seconds
    print(f"serving at speed 1, client included: {used:.1%} of a core, {json.dumps(len(client.stream.texts))} frames")


class Trader:
    """One account on both sockets: quotes and cancels at a steady rate and counts what it hears."""

    def __init__(self, http: aiohttp.ClientSession, number: int) -> None:
        self.http = http
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([number + 1]) * 32)
        self.frames = self.books = 0
        self.sent: dict[str, float] = {}
        self.took_s: list[float] = []
        self.refused = 0

    async def login(self) -> None:
        public = self.key.public_key().public_bytes_raw()
        address = base58(public)
        asked = {"address": address, "requestId": address}
        async with self.http.post("/v1/offchain/prepare-signin?chain=solana", json=asked) as answer:
            signed = (await answer.json())["signedData"]
        claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "==="))
        message = claims["message"].encode()
        output = {
            "signedMessage": list(message),
            "signature": list(self.key.sign(message)),
            "account": {"publicKey": list(public)},
        }
        packed = base64.b64encode(json.dumps({"input": claims, "output": output}).encode()).decode()
        body = {"signature": packed, "signedData": signed, "expiresSeconds": 3600}
        async with self.http.post("/v1/offchain/login?chain=solana", json=body) as answer:
            self.token = (await answer.json())["token"]
        self.stream = await self.http.ws_connect("/ws-stream/v1")
        self.api = await self.http.ws_connect("/ws-api/v1")
        channels = [{"channel": name} for name in ("order", "trade", "position", "balance")]
        await self.stream.send_json({"auth": {"token": self.token, "streams": channels}})
        for channel in ("depth_book", "price"):
            await self.stream.send_json({"subscribe": {"channel": channel, "symbol": "BTC-USD"}})
        await self.command("auth:login", {"token": self.token})

    async def command(self, method: str, params: dict[str, Any]) -> None:
        text, request_id = json.dumps(params), str(uuid.uuid4())
        stamp = str(int(time.time() * 1000))
        signature = base64.b64encode(self.key.sign(f"v1,{request_id},{stamp},{text}".encode())).decode()
        header = {"x-request-id": request_id, "x-request-timestamp": stamp, "x-request-signature": signature}
        frame = {"session_id": "bench", "request_id": request_id, "method": method, "params": text, "header": header}
        self.sent[request_id] = time.perf_counter()
        await self.api.send_json(frame)

    async def hear(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            self.frames += 1
            if message.data.startswith('{"seq"'):
                self.books += '"channel":"depth_book"' in message.data[:60]
                continue
            answer = json.loads(message.data)
            if answer.get("status") != "accepted":
                self.took_s.append(time.perf_counter() - self.sent.pop(answer["request_id"]))
                self.refused += answer["code"] != 0

    async def trade(self, per_s: float, until: float) -> int:
        """Place ``per_s`` orders a second, and cancel each a second later; how many were placed."""
        began, placed = time.perf_counter(), 0
        resting: list[str] = []
        while time.perf_counter() < until:
            name = f"o{placed}"
            body = order_body("buy", "0.0001", "80000.00", cl_ord_id=name)
            await self.command("order:new", body)
            resting.append(name)
            if len(resting) > per_s:
                await self.command("order:cancel", {"cl_ord_id": resting.pop(0)})
            placed += 1
            await asyncio.sleep(max(0.0, began + placed / per_s - time.perf_counter()))
        return placed


def base58(raw: bytes) -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return text


@contextmanager
def emulator_process() -> Any:
    """(url, pid) of an emulator in a process of its own, on the synthetic market."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        code = "from hummingbot_extensions.cli.emulate import app; app()"
        command = [sys.executable, "-c", code, "standx", "--port", "0", "--no-rate-limits", "--ready-file", str(ready)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the emulator did not start")
                time.sleep(0.05)
            yield json.loads(ready.read_text())["url"], process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def under_load() -> None:
    """CPU of an emulator process that serves ten trading accounts: 200 orders a second and their cancels."""
    with emulator_process() as (url, pid):
        async with aiohttp.ClientSession(url) as http:
            traders = [Trader(http, number) for number in range(ACCOUNTS)]
            for trader in traders:
                await trader.login()
            readers = [asyncio.create_task(t.hear(socket)) for t in traders for socket in (t.stream, t.api)]
            await asyncio.sleep(1.0)
            heard, books, used, began = sum(t.frames for t in traders), sum(t.books for t in traders), cpu_s(pid), 0.0
            began = time.perf_counter()
            share = ORDERS_PER_S / ACCOUNTS
            placed = sum(await asyncio.gather(*(t.trade(share, began + LOAD_S) for t in traders)))
            spent_s = time.perf_counter() - began
            share_frac = (cpu_s(pid) - used) / spent_s
            heard, books = sum(t.frames for t in traders) - heard, sum(t.books for t in traders) - books
            await asyncio.sleep(0.5)
            took = sorted(second for t in traders for second in t.took_s)
            refused = sum(t.refused for t in traders)
            for trader in traders:
                await trader.stream.close()
                await trader.api.close()
            await asyncio.gather(*readers)
    verdict = "within" if share_frac <= BAR_FRAC else "ABOVE"
    print(
        f"emulator process, {ACCOUNTS} accounts: {placed / spent_s:.0f} orders/s and their cancels, "
        f"{books / spent_s:.0f} book frames/s, {heard / spent_s:.0f} frames/s in all: {share_frac:.0%} of a core, "
        f"{verdict} the bar of {BAR_FRAC:.0%} (200 orders/s, 40 frames/s); {refused} refused"
    )
    print(line("  command to terminal frame, 50 ms of it the venue's delay", took))


if __name__ == "__main__":
    asyncio.run(under_load())
    asyncio.run(round_trips())
    venue_minutes()
    asyncio.run(idle_cost())
