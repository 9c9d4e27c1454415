"""The emulator over its real markets: synthetic agents, and a recorded tape where one is at hand."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from scripted_client import Wired, seed_of

from hummingbot_extensions.emulator.config import CannotServe, EmulatorConfig
from hummingbot_extensions.emulator.markets import SPECS, build_markets
from hummingbot_extensions.emulator.server import build_exchange, run_emulator
from hummingbot_extensions.sim.mark import MarkRule

ROOT = Path(__file__).parents[2]
TAPES = Path(os.environ.get("HBX_TAPE_DIR", ROOT.parent / "shared" / "data")) / "standx"
TAPES = TAPES if TAPES.is_dir() else TAPES.parent
HAS_TAPE = any(TAPES.glob("orderbook_BTC-USD_2026-01-06_01.parquet"))
tape = pytest.mark.skipif(not HAS_TAPE, reason=f"no recorded hour 2026-01-06T01 in {TAPES}; set HBX_TAPE_DIR")


async def quoted(config: EmulatorConfig, seconds: int) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """Frames, account and score of a bot that joins both sides 3 bps from the mark every ten seconds."""
    async with run_emulator(config) as handle, aiohttp.ClientSession(handle.url) as http:
        client = Wired(handle, http, handle.credentials.secret, seed_of(handle.credentials.request_key))
        await client.connect()
        for channel in ("price", "depth_book", "public_trade"):
            await client.subscribe(channel)
        for number in range(seconds // 10):
            market = await client.ok("/api/query_symbol_price?symbol=BTC-USD")
            mark = Decimal(market["mark_price"])
            await client.post("/api/cancel_orders", {"cl_ord_id_list": [f"b{number - 1}", f"a{number - 1}"]})
            for side, name, factor in (("buy", "b", "0.9997"), ("sell", "a", "1.0003")):
                price = (mark * Decimal(factor)).quantize(Decimal("0.01"))
                status, body = await client.order(side, "0.0100", str(price), cl_ord_id=f"{name}{number}")
                assert status == 200, body
            await client.step(10_000)
        handle.exchange.venue.invariants()
        found = client.stream.texts, await client.control("accounts/demo"), await client.control("accounts/demo/score")
        await client.stream.close()
        await client.api.close()
        return found


async def test_synthetic_market_trades_and_repeats() -> None:
    """Over synthetic agents a quoting client is two-sided nearly all the time, and runs repeat exactly."""
    config = EmulatorConfig(manual=True, seed=7, rate_limits=False, balance=Decimal(100_000))
    frames, account, score = await quoted(config, 120)
    assert score["two_sided_frac"] > 0.95
    assert any('"channel":"depth_book"' in text for text in frames)
    assert any('"channel":"public_trade"' in text for text in frames)
    assert account["orders_placed"] == 24
    _, repeated, same = await quoted(config, 120)
    assert (repeated, same) == (account, score)


@tape
async def test_tape_is_shown_as_recorded() -> None:
    """Over a tape each frame is shown with its own time on the tape's grid, and a quoting client is scored on it."""
    config = EmulatorConfig(
        market=str(TAPES),
        tape_start="2026-01-06T01:10",
        tape_minutes=5,
        manual=True,
        rate_limits=False,
        balance=Decimal(100_000),
    )
    frames, account, score = await quoted(config, 120)
    assert any('"channel":"depth_book"' in text for text in frames)
    assert account["orders_placed"] == 24
    assert 0 < score["alive_s"] <= score["span_s"] == 120.0
    assert score["two_sided_frac"] > 0.8


@tape
async def test_tape_frames_keep_their_times() -> None:
    """Frames leave with the stamps of the recording, in milliseconds, none lost and none made up."""
    start = "2026-01-06T01:10"
    config = EmulatorConfig(market=str(TAPES), tape_start=start, tape_minutes=1, manual=True)
    exchange = build_exchange(config)
    source = exchange.venue.market("BTC-USD")
    stamps = source.tape.frame_ts_ns.tolist()[1:]  # type: ignore[attr-defined]
    assert exchange.venue.specs["BTC-USD"].display_grid_ticks == 10
    assert build_markets(config).mark_rules == {"BTC-USD": MarkRule.MID}
    shown = []
    events = exchange.venue.advance(exchange.venue.now_ns + 90_000_000_000)
    shown = [event.ts_ns for event in events if type(event).__name__ == "BookUpdate"]
    assert shown == stamps
    assert exchange.venue.is_over


@pytest.mark.parametrize("symbol", SPECS)
async def test_every_symbol_has_a_synthetic_market(symbol: str) -> None:
    """Each known symbol starts with a two-sided book around its price and a mark."""
    exchange = build_exchange(EmulatorConfig(symbol=symbol, manual=True))
    update = exchange.venue.price_update(symbol)
    assert update.bid_ticks and update.ask_ticks and update.mark_ticks
    events = exchange.venue.advance(exchange.venue.now_ns + 60_000_000_000)
    assert any(type(event).__name__ == "PrintUpdate" for event in events)


async def test_sampled_delays_hold_orders_back_as_drawn() -> None:
    """An order is executed after the delay that the seed draws for its instant, not after the constant one."""
    config = EmulatorConfig(manual=True, sampled_delays=True, order_delay_ms=1.0, seed=4)
    async with run_emulator(config) as handle, aiohttp.ClientSession(handle.url) as http:
        client = Wired(handle, http, handle.credentials.secret, seed_of(handle.credentials.request_key))
        venue = handle.exchange.venue
        due_ms = config.delays().order.delay_ns(venue.now_ns) / 1e6
        assert due_ms > 150
        status, _ = await client.order("buy", "0.0100", "90000.00", cl_ord_id="late")
        assert status == 200
        await client.step(int(due_ms) - 60)
        assert not (await client.control("accounts/demo"))["open_orders"]
        await client.step(120)
        assert len((await client.control("accounts/demo"))["open_orders"]) == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"symbol": "NO-USD"}, "--symbol NO-USD: must be one of BTC-USD"),
        ({"tape_start": "2026-01-06"}, "--tape-start and --minutes need --market FOLDER"),
        ({"market": ".", "tape_start": "noon"}, "--tape-start noon: not a time"),
        ({"market": str(ROOT / "tests")}, "--market .*: .*orderbook_BTC-USD"),
        pytest.param(
            {"market": str(TAPES), "queue_model": "hopeful"}, "--queue-model hopeful: .*risk_averse", marks=tape
        ),
    ],
)
def test_what_cannot_be_served_is_said(change: dict[str, Any], text: str) -> None:
    """A wrong symbol, start or folder is refused in one line that names the option."""
    with pytest.raises(CannotServe, match=text):
        build_markets(EmulatorConfig(**change))
