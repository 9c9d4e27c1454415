"""Every protocol sample: its envelope, paths, frames and numbers, held against the emulator or plain arithmetic."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "emulator"))

from scripted_client import served  # noqa: E402  the emulator tests' own client, found by path

from hummingbot_extensions.emulator.server import build_app  # noqa: E402
from hummingbot_extensions.sim import margin  # noqa: E402

FILES = sorted((HERE / "standx").glob("*.json"))
MONEY = Decimal("0.000000001")


def sample(name: str) -> Any:
    return json.loads((HERE / "standx" / f"{name}.json").read_text())


def within(value: Any, wanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Every object inside ``value`` that has all the members wanted."""
    if isinstance(value, dict):
        if wanted <= set(value):
            yield value
        for member in value.values():
            yield from within(member, wanted)
    elif isinstance(value, list):
        for member in value:
            yield from within(member, wanted)


def test_all_samples_are_here() -> None:
    """The samples of the protocol's table, but for the one that is a market recording."""
    assert len(FILES) == 44


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_sample_says_where_it_comes_from(path: Path) -> None:
    """A sample is one JSON object that says what it is, how well it is known, and holds something else too."""
    content = json.loads(path.read_text())
    assert content["meta"]["what"] and content["meta"]["provenance"] and len(content) > 1


async def test_every_request_has_its_endpoint() -> None:
    """Each method and path of any sample is served, and none of its sibling paths is made up."""
    async with served(wired=False) as client:
        routes = {
            (route.method, route.resource.canonical)
            for route in build_app(client.handle.exchange).router.routes()
            if route.resource is not None
        }
        seen = set()
        for path in FILES:
            for request in within(json.loads(path.read_text()), frozenset({"method", "url"})):
                seen.add((request["method"], urlsplit(request["url"]).path))
        assert seen and seen <= routes, seen - routes


def client_frames() -> list[Any]:
    """Frames that samples send on ws-stream; tokens are placeholders, so auth is left to the emulator's own tests."""
    frames = []
    for path in FILES:
        if path.stem.startswith("ws_stream"):
            for step in within(json.loads(path.read_text()), frozenset({"dir", "json"})):
                if step["dir"] == "c2s" and "auth" not in step["json"]:
                    frames.append(pytest.param(step["json"], id=f"{path.stem}-{len(frames)}"))
    return frames


@pytest.mark.parametrize("frame", client_frames())
async def test_client_frames_are_understood(frame: Any) -> None:
    """Each subscription of a sample is taken without an error frame; one of BTC-USD where it names another market."""
    async with served() as client:
        for body in frame.values():
            if "symbol" in body:
                body["symbol"] = "BTC-USD"
        await client.stream.send(frame)
        await client.stream.send("sync")
        await client.stream.until(lambda socket: any("code" in answer for answer in socket.frames))
        assert [answer for answer in client.stream.frames if "code" in answer] == [
            {"code": 400, "message": "invalid request payload"}
        ]


def test_positions_add_up() -> None:
    """The open position of the sample follows the formulas to its last digit."""
    (row,) = sample("rest_query_positions")["open_long"]["body"]
    qty, mark, value = Decimal(row["qty"]), Decimal(row["mark_price"]), Decimal(row["entry_value"])
    held, maint = Decimal(row["holding_margin"]), Decimal(row["maint_margin"])
    mmr = maint / Decimal(row["position_value"])
    assert Decimal(row["position_value"]) == abs(qty) * mark
    assert Decimal(row["initial_margin"]) == margin.initial_margin(value, int(row["leverage"]))
    assert Decimal(row["upnl"]) == margin.unrealized_pnl(qty, value, mark)
    assert Decimal(row["liq_price"]) == margin.liquidation_price(qty, value, held, mmr, 2)
    assert Decimal(row["bankruptcy_price"]) == margin.bankruptcy_price(qty, value, held, Decimal("0.0004"), 2)
    ratio = margin.margin_ratio(held, Decimal(row["upnl"]), maint)
    shown = Decimal(row["mmr"])
    assert ratio is not None and abs(ratio - shown) < Decimal("0.000001")


def test_balances_add_up() -> None:
    """Each balance of the samples follows the document's sums."""
    rows = [row for row in within(sample("rest_query_balance"), frozenset({"cross_available"})) if row["cross_balance"]]
    assert rows
    for row in rows:
        money = {name: Decimal(text) for name, text in row.items()}
        available = money["cross_balance"] - money["cross_margin"] - money["locked"] + money["cross_upnl"]
        assert money["cross_available"] == available.quantize(Decimal("0.001"), ROUND_HALF_EVEN)
        assert money["balance"] == money["cross_balance"] + money["isolated_balance"]
        assert money["upnl"] == money["cross_upnl"] + money["isolated_upnl"]
        # The sample of the venue's documents is itself off by 0.00000008 here, and only here.
        assert abs(money["equity"] - money["balance"] - money["upnl"]) < Decimal("1e-7")


def test_trades_add_up() -> None:
    """Value is price times size; the fee is the maker's or the taker's share of it; the sample's PnL is before fees."""
    rows = list(within(sample("rest_query_trades"), frozenset({"fee_qty", "value"})))
    assert rows
    for row in rows:
        value = Decimal(row["price"]) * Decimal(row["qty"])
        assert Decimal(row["value"]) == value
        assert Decimal(row["fee_qty"]) / value in (Decimal("0.0001"), Decimal("0.0004"))
    assert Decimal(rows[0]["pnl"]) == (Decimal("121900") - Decimal("121737.96")) * Decimal("0.01")


def test_orders_lock_what_the_formula_says() -> None:
    """The reducing order of the sample locks 1.05 taker fees of its value and no margin."""
    row = sample("rest_query_order")["response"]["body"]
    value = Decimal(row["price"]) * Decimal(row["qty"])
    lock = margin.order_lock(Decimal(0), value, int(row["leverage"]), Decimal("0.0004"))
    assert Decimal(row["avail_locked"]) == lock.quantize(MONEY)


def test_price_frames_hold_the_exact_touch() -> None:
    """In each price frame that states a spread, bid is below ask and a stated mid lies on or between them."""
    rows = [row for row in within(sample("ws_stream_price"), frozenset({"spread", "mid_price"})) if row["mid_price"]]
    assert rows
    for row in rows:
        bid, ask = map(Decimal, row["spread"])
        assert bid < ask and bid <= Decimal(row["mid_price"]) <= ask


def test_candles_are_columns_of_one_length() -> None:
    """A kline answer has as many values in every column, lows at most highs."""
    body = sample("rest_kline")["history"]["response"]["body"]
    assert len({len(body[name]) for name in "tohlcv"}) == 1
    assert all(low <= high for low, high in zip(body["l"], body["h"], strict=True))
