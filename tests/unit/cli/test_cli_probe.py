"""``hbx probe``: what it measures against an emulator, what it refuses, and that it leaves no order behind."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hummingbot_extensions.cli import probing
from hummingbot_extensions.cli.output import ExitCode, Failure
from hummingbot_extensions.cli.probe import lines, percentiles
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.emulator import control
from hummingbot_extensions.emulator.config import EmulatorConfig
from hummingbot_extensions.emulator.server import Handle, run_emulator
from tests.support import warp
from tests.support.lively_market import LivelyMarket
from tests.support.running import DOMAIN, PAIR, SYMBOL, emulator_url

Hbx = Callable[..., Any]
COMMAND = [sys.executable, "-m", "hummingbot_extensions.cli.main", "probe"]
ORDER_MS, CANCEL_MS = 300.0, 150.0


@asynccontextmanager
async def venue(**changes: Any) -> AsyncIterator[Handle]:
    market = LivelyMarket(seed=1)
    market.is_calm = True
    config = EmulatorConfig(
        markets={SYMBOL: market}, order_delay_ms=ORDER_MS, cancel_delay_ms=CANCEL_MS, rate_limits=False, **changes)
    async with run_emulator(config) as handle, emulator_url(handle.url):
        yield handle


def plan(handle: Handle, count: int, **changes: Any) -> probing.Plan:
    login = handle.credentials
    assert login is not None
    keys = {"login": "web_token", "secret": login.secret, "request_key": login.request_key}
    settings: dict[str, Any] = {"trading_pair": PAIR, "side": Side.BUY, "away_bps": 500.0, "size": None, "pause_s": 0.1}
    return probing.Plan(domain=DOMAIN, keys=keys, count=count, **{**settings, **changes})


def open_orders(handle: Handle) -> list[Any]:
    return list(control.account(handle.exchange, handle.credentials.user)["open_orders"])


@pytest.mark.parametrize("side", list(Side))
def test_every_leg_is_measured_as_long_as_the_venue_takes(side: Side) -> None:
    """An order rests after its delay of 300 ms, a cancel is through after its 150; nothing is left."""

    async def scenario() -> None:
        async with venue() as handle:
            found = await probing.probe(plan(handle, 5, side=side), lambda _: None)
            assert found.round_trips == 5 and not found.failures and not found.may_rest and not found.filled
            assert not open_orders(handle)
            assert {leg: len(samples) for leg, samples in found.legs.items()} == dict.fromkeys(probing.LEGS, 5)
            assert all(ORDER_MS <= ms < ORDER_MS + 60 for ms in found.legs["live"]), found.legs
            assert all(CANCEL_MS <= ms < CANCEL_MS + 60 for ms in found.legs["canceled"]), found.legs
            assert max(found.legs["ack"]) < ORDER_MS and max(found.legs["cancel_ack"]) < CANCEL_MS

    warp.run(scenario())


def test_a_refused_order_is_a_failure_and_the_next_one_goes_on() -> None:
    """The venue's word stands in the report; the legs hold what was measured alone."""

    async def scenario() -> None:
        async with venue() as handle:
            handle.exchange.arm({"name": "order_rejected", "count": 1})
            found = await probing.probe(plan(handle, 3), lambda _: None)
            assert found.round_trips == 3 and len(found.failures) == 1 and not found.may_rest
            assert len(found.legs["live"]) == len(found.legs["canceled"]) == 2

    warp.run(scenario())


def test_an_order_that_cannot_be_cancelled_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the venue ignores every cancel its id is reported as one that may rest, which it does."""
    monkeypatch.setattr(probing, "CLEAN_UP_TIMEOUT_S", 20.0)

    async def scenario() -> None:
        async with venue() as handle:
            handle.exchange.arm({"name": "cancel_ignored", "count": 100_000, "terminal": "none"})
            found = await probing.probe(plan(handle, 1), lambda _: None)
            assert found.may_rest == [row["cl_ord_id"] for row in open_orders(handle)]
            assert len(found.may_rest) == 1 and found.failures

    warp.run(scenario())


def test_a_size_that_the_market_does_not_take_is_refused_before_anything_is_sent() -> None:
    """The message says what the market takes."""

    async def scenario() -> None:
        async with venue() as handle:
            with pytest.raises(Failure, match="multiples of 0.0001"):
                await probing.probe(plan(handle, 1, size=Decimal("0.00015")), lambda _: None)
            assert not handle.exchange.counters.requests["ws-api order:new"]

    warp.run(scenario())


async def test_ctrl_c_ends_it_clean(tmp_path: Path) -> None:
    """Interrupted in the middle, twice: a report all the same, exit code 0, no order at the venue."""
    async with venue() as handle:
        keys = tmp_path / "keys.json"
        login = handle.credentials
        keys.write_text(json.dumps({"login": "web_token", "secret": login.secret, "request_key": login.request_key}))
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "--n", "1000", "--url", handle.url, "--keys", str(keys), "--json", "--pause-s", "0",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        while not open_orders(handle):
            assert process.returncode is None, (await process.communicate())[1]
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        told = json.loads(out)
        assert process.returncode == (0 if told["round_trips"] else 1), err
        assert told["interrupted"] and told["may_rest"] == [] and not open_orders(handle)
        assert login.secret not in out.decode() + err.decode()


def test_alone_it_starts_an_emulator_of_its_own() -> None:
    """No option is needed; the report is one JSON object with every leg."""
    done = subprocess.run([*COMMAND, "--n", "2", "--json"], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["round_trips"] == 2 and {leg: row["n"] for leg, row in told["ms"].items()} == dict.fromkeys(
        probing.LEGS, 2)


@pytest.mark.parametrize(("words", "said"), [
    (["--live"], "needs --size and --keys"),
    (["--live", "--size", "0.001"], "needs --size and --keys"),
    (["--live", "--size", "0.001", "--keys", "-", "--away-bps", "60"], "too near for a live probe"),
    (["--live", "--url", "http://127.0.0.1:1"], "contradict"),
    (["--url", "http://127.0.0.1:1"], "needs the login"),
    (["--keys", "x.json"], "say which venue"),
    (["--size", "NaN"], "not a size above 0"),
    (["--size", "-1"], "not a size above 0"),
    (["--side", "both"], "give buy or sell"),
])
def test_what_does_not_fit_together_is_refused_with_the_fix(hbx: Hbx, words: list[str], said: str) -> None:
    """Before any venue is spoken to."""
    result = hbx("probe", *words)
    failure = result.exception
    assert isinstance(failure, Failure) and failure.code is ExitCode.CONFIG_ERROR
    assert said in f"{failure.what} {failure.fix}"


def test_damaged_keys_are_refused_without_showing_them(hbx: Hbx, tmp_path: Path) -> None:
    """The message names the members that are needed."""
    path = tmp_path / "keys.json"
    path.write_text('{"login": "web_token", "secret": "very-secret"')
    failure = hbx("probe", "--url", "http://127.0.0.1:1", "--keys", str(path)).exception
    assert isinstance(failure, Failure) and "very-secret" not in f"{failure.what} {failure.fix}"


def test_percentiles_say_nothing_about_nothing() -> None:
    """None instead of 0; one sample is all of its own percentiles; the lines show a dash."""
    assert percentiles([]) == {"n": 0, "p50": None, "p95": None, "p99": None, "max": None}
    assert percentiles([5.0])["p99"] == 5.0
    hundred = percentiles([float(n) for n in range(1, 102)])
    assert hundred == {"n": 101, "p50": 51.0, "p95": 96.0, "p99": 100.0, "max": 101.0}
    record = {"venue": "v", "market": "m", "size": "1", "away_bps": 500.0, "round_trips": 0, "wanted": 1,
              "failures": ["x: refused"], "filled": ["f"], "may_rest": ["r"], "interrupted": True,
              "ms": {leg: percentiles([]) for leg in probing.LEGS}}  # fmt: skip
    text = "\n".join(lines(record))
    assert "FAILED  x: refused" in text and "FILLED  f" in text and "MAY REST  r" in text and "every order" not in text
