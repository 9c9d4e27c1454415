"""Saved state: a restarted emulator goes on with the same accounts, orders, ids and market."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from scripted_client import Wired, seed_of

from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.emulator.server import build_exchange, run_emulator
from hummingbot_extensions.emulator.state import read_state

ROOT = Path(__file__).parents[2]


def config(path: Path | None, **more: Any) -> EmulatorConfig:
    options = {"manual": True, "seed": 3, "rate_limits": False, "balance": Decimal(100_000)} | more
    return EmulatorConfig(state=path, **options)


async def hold(path: Path | None, cut_after: int | None) -> list[Any]:
    """What REST and control answer after two minutes of quoting, with a restart after so many rounds."""
    rounds = [range(12)] if cut_after is None else [range(cut_after), range(cut_after, 12)]
    for some in rounds:
        async with run_emulator(config(path)) as handle, aiohttp.ClientSession(handle.url) as http:
            client = Wired(handle, http, handle.credentials.secret, seed_of(handle.credentials.request_key))
            for number in some:
                mark = Decimal((await client.ok("/api/query_symbol_price?symbol=BTC-USD"))["mark_price"])
                for side, factor in (("buy", "0.99995"), ("sell", "1.00005")):
                    price = str((mark * Decimal(factor)).quantize(Decimal("0.01")))
                    assert (await client.order(side, "0.0100", price, cl_ord_id=f"{side}{number}"))[0] == 200
                await client.step(10_000)
            handle.exchange.venue.invariants()
            paths = ("query_open_orders", "query_orders", "query_trades", "query_positions", "query_balance")
            found = [await client.ok(f"/api/{path}") for path in paths]
            found.append(await client.ok("/api/query_depth_book?symbol=BTC-USD"))
            found.append(await client.control("accounts/demo"))
    return found


async def test_restart_changes_nothing(tmp_path: Path) -> None:
    """Orders, fills, money, ids and the market are to the byte those of a run that was never stopped."""
    whole = await hold(None, None)
    assert len(whole[2]["result"]) > 3 and whole[0]["result"]
    assert await hold(tmp_path / "state.json", 7) == whole


async def test_wallets_and_revocations_survive(tmp_path: Path) -> None:
    """Cash, and that a token was revoked, are known after the restart; the file is private."""
    path = tmp_path / "state.json"
    async with run_emulator(config(path)) as handle, aiohttp.ClientSession(handle.url) as http:
        client = Wired(handle, http, handle.credentials.secret, seed_of(handle.credentials.request_key))
        assert (await client.post("/api/transfer_to_perps", {"amount": "400.5", "token": "DUSD"}))[0] == 200
        await client.control("faults", {"name": "token_revoked"})
        assert (await client.get("/api/query_balance"))[0] == 401
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert handle.credentials.secret not in path.read_text()
    async with run_emulator(config(path)) as again, aiohttp.ClientSession(again.url) as http:
        client = Wired(again, http, handle.credentials.secret, seed_of(handle.credentials.request_key))
        assert (await client.get("/api/query_balance"))[0] == 401
        client.token = again.credentials.secret
        assert (await client.ok("/api/query_balance"))["balance"] == "100400.5"
        status, body = await client.post("/api/transfer_to_perps", {"amount": "600", "token": "DUSD"})
        assert (status, body["message"]) == (400, "balance not enough")
        assert (await client.post("/api/transfer_to_spot", {"amount": "400.5", "token": "DUSD"}))[0] == 200
        again.exchange.venue.invariants()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"version":1', '"version":7', 1),
        lambda text: text.replace('"balance":"100000"', '"balance":"100001"', 1),
        lambda text: text.replace('"accounts"', '"acounts"', 1),
        lambda text: text.replace('"seen":[[', '"seen":[[1,', 1),
        lambda text: text.replace('"nonces":0', '"nones":0', 1),
        lambda text: text.replace('"offset_ns":0', '"offset_ns":null', 1),
    ],
)
async def test_damaged_file_is_one_clear_line(tmp_path: Path, damage: Any) -> None:
    """A file that does not hold together stops the start with its name and the fix, and stays as it was."""
    path = tmp_path / "state.json"
    async with run_emulator(config(path)) as handle:
        await handle.exchange.step(5_000_000_000)
    text = damage(path.read_text())
    assert text != path.read_text()
    path.write_text(text)
    with pytest.raises(CannotServe, match=r"^--state .*state\.json: damaged \(.*\); move it away") as refused:
        build_exchange(config(path))
    assert "\n" not in str(refused.value) and path.read_text() == text


async def test_other_market_is_refused(tmp_path: Path) -> None:
    """A state is continued only with the options it was made with."""
    path = tmp_path / "state.json"
    async with run_emulator(config(path)):
        pass
    with pytest.raises(CannotServe, match="saved of .*same options"):
        build_exchange(config(path, seed=4))
    with pytest.raises(CannotServe, match="cannot write"):
        async with run_emulator(config(tmp_path / "nowhere" / "state.json")):
            pass


def test_time_that_was_missed(tmp_path: Path) -> None:
    """Minutes away are caught up with at speed 1; after hours, at another speed and by hand it goes on where it was."""
    path, minute = tmp_path / "state.json", 60_000_000_000
    plain = {
        "version": 1,
        "of": {"market": "synthetic", "symbol": "BTC-USD", "seed": 3, "tape_start": None, "tape_minutes": None},
        "offset_ns": 1_000 * minute,
        "identity": {},
        "cash": {},
        "venue": {"now_ns": 50 * minute},
    }
    path.write_text(json.dumps(plain))
    saved = read_state(path, config(path))
    assert saved is not None
    assert saved.offset_after(1_060 * minute, 1.0, False) == 1_000 * minute
    assert saved.offset_after(2_050 * minute, 1.0, False) == 2_000 * minute
    assert saved.offset_after(1_060 * minute, 5.0, False) == 1_010 * minute
    assert saved.offset_after(2_050 * minute, 0.0, True) == 1_000 * minute


def test_command_survives_a_kill(tmp_path: Path) -> None:
    """Killed without warning, the command loses at most what happened since its last save; SIGTERM loses nothing."""
    path, code = tmp_path / "state.json", "from hummingbot_extensions.cli.emulate import app; app()"

    def run(number: int) -> tuple[subprocess.Popen[str], str]:
        ready = tmp_path / f"ready-{number}.json"
        options = ["--port", "0", "--state", str(path), "--ready-file", str(ready)]
        command = [sys.executable, "-c", code, "standx", *options]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 240
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        return process, json.loads(ready.read_text())["url"]

    seen = []
    for number, how in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGTERM)):
        process, url = run(number)
        try:
            with urllib.request.urlopen(f"{url}/_control/state", timeout=240) as answer:
                seen.append(json.load(answer))
        finally:
            os.kill(process.pid, how)
            process.wait(240)
    assert process.returncode == 0
    assert len({state["offset_ms"] for state in seen}) == 1
    assert [state["market_ms"] for state in seen] == sorted(state["market_ms"] for state in seen)
    assert json.loads(path.read_text())["venue"]["now_ns"] // 1_000_000 >= seen[-1]["market_ms"]
