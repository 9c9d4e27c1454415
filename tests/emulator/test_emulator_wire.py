"""What the emulator sends and accepts, held against every protocol sample that it covers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from scripted_client import order_body, served
from scripted_market import MS, SECOND, Outside, ScriptedMarket, quiet_book

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.emulator import standx_requests as requests
from hummingbot_extensions.emulator import standx_wire as wire
from hummingbot_extensions.sim.venue_values import BookUpdate
from tests.support.fifo_market import BTC, START_NS

SAMPLES = Path(__file__).parents[1] / "wire" / "standx"
DECIMAL = re.compile(r"-?\d+(\.\d+)?")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def assert_like(actual: Any, expected: Any, where: str = "", extra: frozenset[str] = frozenset()) -> None:
    """Same members, same JSON types, same text form (decimal, time, other); null passes for a nullable decimal."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), where
        assert set(actual) - extra == set(expected) - extra, (where, set(actual) ^ set(expected))
        for name in set(expected) & set(actual):
            assert_like(actual[name], expected[name], f"{where}.{name}", extra)
    elif isinstance(expected, list):
        assert isinstance(actual, list), where
        if expected and actual:
            for row in actual:
                assert_like(row, expected[0], f"{where}[]", extra)
    elif isinstance(expected, str) and DECIMAL.fullmatch(expected):
        assert actual is None or (isinstance(actual, str) and DECIMAL.fullmatch(actual)), (where, actual)
    elif isinstance(expected, str) and TIME.fullmatch(expected):
        assert isinstance(actual, str) and TIME.fullmatch(actual), (where, actual)
        assert (len(actual) > 27) == (len(expected) > 27), (where, "nanoseconds or not")
    elif expected is not None:
        assert type(actual) is type(expected), (where, actual, expected)


async def traded() -> dict[str, Any]:
    """Answers and frames of a session in which everything happened once."""
    script = [Outside(900 * MS, Side.SELL, None, 30, TimeInForce.IOC)]
    answers: dict[str, Any] = {}
    async with served(script, manual=True, rate_limits=False, full_trade_frames=False) as client:
        for channel in ("price", "depth_book", "public_trade"):
            await client.subscribe(channel)
        await client.order("buy", "0.0050", "99999.99", cl_ord_id="a")
        await client.order("sell", "0.0500", "100500.00", "gtc", cl_ord_id="b")
        await client.step(3_000)
        for path in (
            "query_order?cl_ord_id=a",
            "query_open_orders",
            "query_orders",
            "query_trades",
            "query_positions",
            "query_position_config?symbol=BTC-USD",
            "query_balance",
            "query_symbol_info",
            "query_market_overview",
            "query_symbol_market?symbol=BTC-USD",
            "query_symbol_price?symbol=BTC-USD",
            "query_depth_book?symbol=BTC-USD",
            "query_recent_trades?symbol=BTC-USD",
            "query_funding_rates?symbol=BTC-USD",
            "kline/time",
            "kline/history?symbol=BTC-USD&from=1767664800&to=1767664803&resolution=3S",
            "maker/uptime",
        ):
            answers[path.partition("?")[0]] = await client.ok(f"/api/{path}")
        answers["region"] = await client.ok("/v1/region")
        async with client.http.get("/api/health") as health:
            answers["health"] = await health.text()
        answers["frames"] = client.stream.frames
    return answers


@pytest.mark.asyncio
async def test_rest_answers_have_the_samples_form() -> None:
    """Every covered REST answer has the members and types of its sample."""
    got = await traded()
    market = sample("rest_query_symbol_market")
    live_numbers = {name: market["response_live_partial"]["body"][name] for name in ("volume_24h", "high_price_24h")}
    live_numbers |= {"low_price_24h": 1.0, "bid1": "1", "ask1": "1", "open_interest_notional": "1"}
    expected = {
        "query_order": sample("rest_query_order")["response"]["body"],
        "query_open_orders": sample("rest_query_open_orders")["response_live"]["body"],
        "query_orders": sample("rest_query_orders")["response_live"]["body"],
        "query_trades": sample("rest_query_trades")["response"]["body"] | {"code": 0, "message": "success"},
        "query_positions": [sample("rest_query_positions")["open_long"]["body"][0] | {"required_margin": "1"}],
        "query_position_config": sample("rest_query_position_config")["response_live_2026_07"]["body"],
        "query_balance": sample("rest_query_balance")["response_live"]["body"],
        "query_symbol_info": sample("rest_query_symbol_info")["response_live_btc"]["body"],
        "query_symbol_market": market["response_docs"]["body"] | live_numbers | {"volume_quote_24h": 1.0},
        "query_symbol_price": sample("rest_query_symbol_price")["response"]["body"],
        "query_depth_book": sample("rest_query_depth_book")["response_docs"]["body"],
        "query_recent_trades": sample("rest_query_recent_trades")["response"]["body"],
        "query_funding_rates": sample("rest_query_funding_rates")["response_live"]["body"],
        "kline/time": sample("rest_kline")["time"]["response"]["body"],
        "kline/history": sample("rest_kline")["history"]["response"]["body"],
        "maker/uptime": sample("rest_maker_uptime")["response"]["body"],
        "region": sample("rest_health_region")["region"]["response"]["body"],
    }
    for name, body in expected.items():
        assert_like(got[name], body, name)
    overview = sample("rest_query_market_overview")["response"]["body"]
    assert_like(got["query_market_overview"], overview, "overview", frozenset({"open_price_24h"}))
    assert got["health"] == sample("rest_health_region")["health"]["response"]["text"]
    assert got["query_positions"][0]["qty"] == "0.0030"


@pytest.mark.asyncio
async def test_stream_frames_have_the_samples_form() -> None:
    """Every covered channel's frame has the envelope, members and types of its sample; seq counts by one from 1."""
    frames = (await traded())["frames"]
    by_channel: dict[str, Any] = {}
    for frame in frames:
        by_channel.setdefault(frame["channel"], frame)
    expected = {
        "auth": sample("ws_stream_auth")["frames"][1]["json"],
        "price": sample("ws_stream_price")["docs_frame"],
        "public_trade": sample("ws_stream_public_trade")["frame_best_guess"],
        "order": sample("ws_stream_order")["docs_filled_market"],
        "position": sample("ws_stream_position")["docs_frame"],
        "balance": sample("ws_stream_balance")["frame"],
        "trade": sample("ws_stream_trade")["live_minimum"],
    }
    for channel, frame in expected.items():
        assert_like(by_channel[channel], frame, channel)
    depth = sample("ws_stream_depth_book")["docs_frame"]
    assert_like(by_channel["depth_book"], depth, "depth_book", frozenset({"time"}))
    assert isinstance(by_channel["depth_book"]["data"]["time"], int)
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))


@pytest.mark.asyncio
async def test_full_trade_frames_are_the_rest_row() -> None:
    """With the switch, the trade channel carries what query_trades answers."""
    async with served(full_trade_frames=True) as client:
        await client.order("buy", "0.001", None, "ioc")
        (frame,) = await client.stream.until(lambda socket: socket.of("trade"))
        assert_like(frame, sample("ws_stream_trade")["full_guess"]["data"])
        assert frame == (await client.ok("/api/query_trades"))["result"][0]


@pytest.mark.asyncio
async def test_ws_api_frames_are_the_samples() -> None:
    """Login, accepted, success and rejection frames equal the samples' but for the request id."""
    async with served() as client:
        login = sample("ws_api_login")["frames"][1]["json"]
        assert client.api.answers("login") == [login | {"request_id": "login"}]
        flow = sample("ws_api_order_new")
        good = await client.api_outcome("order:new", order_body("buy", "0.001", "99990"), "good")
        assert good == [step["json"] | {"request_id": "good"} for step in flow["accepted_then_success"][1:]]
        cross = await client.api_outcome("order:new", order_body("buy", "0.001", "100001"), "cross")
        assert cross == [step["json"] | {"request_id": "cross"} for step in flow["alo_would_cross"][1:]]
        closed = sample("ws_api_order_cancel")["order_filled_meanwhile"]
        order_id = client.stream.of("order")[0]["id"]
        await client.api_outcome("order:cancel", {"order_id": order_id}, "first")
        again = await client.api_outcome("order:cancel", {"order_id": order_id}, "again")
        assert again == [step["json"] | {"request_id": "again"} for step in closed[1:]]


@pytest.mark.asyncio
async def test_stream_errors() -> None:
    """Unknown requests get the captured 400 and keep the socket; private channels need auth; a bad token is refused."""
    async with served(wired=False) as client, client.http.ws_connect("/ws-stream/v1") as socket:
        for text in ("x", "[]", '{"method":"subscribe"}', '{"subscribe":{"channel":"nope","symbol":"BTC-USD"}}'):
            await socket.send_str(text)
            answer = await socket.receive_json(timeout=5)
            assert answer == sample("rest_errors")["ws_stream"][0]["body"]
        await socket.send_json({"subscribe": {"channel": "order"}})
        assert (await socket.receive_json(timeout=5)) == {"code": 401, "message": "unauthorized"}
        await socket.send_json({"subscribe": {"channel": "price", "symbol": "NONE-USD"}})
        assert (await socket.receive_json(timeout=5))["message"] == "symbol: unknown symbol NONE-USD"
        await socket.send_json({"auth": {"token": "bad", "streams": []}})
        assert_like(await socket.receive_json(timeout=5), sample("ws_stream_auth")["failure_inferred"])


@pytest.mark.asyncio
async def test_kline_channel() -> None:
    """Candles come with the sample's members: prices as text, volumes as numbers, once a print made them."""
    script = [Outside(100 * MS, Side.SELL, None, 30, TimeInForce.IOC), Outside(4 * SECOND, Side.BUY, None, 10)]
    async with served(script, manual=True) as client:
        await client.stream.send({"subscribe": {"channel": "kline", "symbol": "BTC-USD", "interval": "1"}})
        await client.stream.send("sync")
        await client.stream.until(lambda socket: any("code" in frame for frame in socket.frames))
        await client.step(6_000)
        frames = [frame for frame in client.stream.frames if frame.get("channel") == "kline"]
        assert_like(frames[0], sample("ws_stream_kline")["frames"][1]["json"])
        assert [frame["data"][0]["volume"] for frame in frames] == [0.003, 0.004]
        assert frames[1]["data"][0]["high"] == "100000.05"


@pytest.mark.asyncio
async def test_subscribe_requests_of_the_sample_are_accepted() -> None:
    """Each request of the subscription sample is understood; after unsubscribe its channel falls silent."""
    script = [Outside(n * 250 * MS, Side.BUY, 9_000_000 + n, 5) for n in range(1, 40)]
    async with served(script, manual=True) as client:
        for entry in sample("ws_stream_subscribe")["frames"]:
            await client.stream.send(entry["json"])
        await client.step(500)
        await client.step(3_000)
        assert not [frame for frame in client.stream.frames if "code" in frame]
        assert not client.stream.of("depth_book")[1:]


def test_docs_order_bodies_are_understood() -> None:
    """Every order body of the samples parses, take-profit and stop-loss prices included."""
    entry = sample("rest_new_order")
    assert requests.new_order(json.loads(entry["request"]["raw_body"])).size == wire.Decimal("0.1")
    for variant in entry["variants"]:
        order = requests.new_order(variant["body"])
        assert order.reduce_only is variant["body"]["reduce_only"]
        assert (order.tp_price is not None) == ("tp_price" in variant["body"])
    for name, parse in (("rest_cancel_order", requests.cancel_order), ("rest_cancel_orders", requests.cancel_orders)):
        for request in sample(name)["requests"]:
            parsed = parse(request["body"])
            assert parsed.order_ids or parsed.client_ids


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"qty": 0.1}, "qty"),
        ({"qty": "1e3"}, "qty"),
        ({"qty": "-1"}, "qty"),
        ({"qty": "0"}, "qty"),
        ({"qty": "NaN"}, "qty"),
        ({"price": None}, "price"),
        ({"price": 100}, "price"),
        ({"side": "BUY"}, "side"),
        ({"order_type": "stop"}, "order_type"),
        ({"time_in_force": "fok"}, "time_in_force"),
        ({"time_in_force": None}, "time_in_force"),
        ({"reduce_only": "false"}, "reduce_only"),
        ({"reduce_only": None}, "reduce_only"),
        ({"symbol": 1}, "symbol"),
        ({"cl_ord_id": ""}, "cl_ord_id"),
        ({"cl_ord_id": "x" * 65}, "cl_ord_id"),
        ({"cl_ord_id": "a\nb"}, "cl_ord_id"),
        ({"leverage": "10"}, "leverage"),
        ({"leverage": True}, "leverage"),
        ({"margin_mode": "portfolio"}, "margin_mode"),
        ({"sl_price": 1}, "sl_price"),
    ],
)
def test_bad_order_members_are_named(change: dict[str, Any], field: str) -> None:
    """A member of the wrong type or value is refused with its own name."""
    with pytest.raises(requests.BadRequest, match=f"^{field}: "):
        requests.new_order(order_body("buy", "0.1", "50000") | change)


@pytest.mark.parametrize("body", [{}, {"order_id": "7"}, {"order_id": 1.0}, {"order_id": True}, {"order_id": 2**63}])
def test_cancel_needs_an_integer(body: dict[str, Any]) -> None:
    """order_id is a 64-bit integer or the cancel is refused."""
    with pytest.raises(requests.BadRequest, match="^order_id: "):
        requests.cancel_order(body)


def test_shown_book_is_truncated_down_on_both_sides() -> None:
    """Bid 99999.95 and ask 100000.05 show as 99999.9 and 100000.0; levels of one bucket add up."""
    bids = ((9_999_995, 10), (9_999_991, 5), (9_999_989, 7))
    asks = ((10_000_005, 3), (10_000_009, 4), (10_000_010, 1))
    shown = wire.depth_book(BookUpdate(START_NS, "BTC-USD", bids, asks), BTC)
    assert shown["bids"] == [["99999.9", "0.0015"], ["99999.8", "0.0007"]]
    assert shown["asks"] == [["100000.0", "0.0007"], ["100000.1", "0.0001"]]


@pytest.mark.asyncio
async def test_shuffled_levels_hold_the_same_book() -> None:
    """With the switch levels come unsorted, and they are the same levels."""
    market = ScriptedMarket([*quiet_book(), Outside(SECOND, Side.BUY, 9_000_000, 5)])
    async with served(scripted=market, manual=True, shuffle_levels=True) as client:
        await client.subscribe("depth_book")
        await client.stream.send("sync")  # answered when all before it has been read
        await client.stream.until(lambda socket: any("code" in frame for frame in socket.frames))
        await client.step(1_500)
        book = client.stream.of("depth_book")[-1]
        plain = await client.ok("/api/query_depth_book?symbol=BTC-USD")
        assert book["bids"] != plain["bids"]
        assert sorted(book["bids"]) == sorted(plain["bids"]) and sorted(book["asks"]) == sorted(plain["asks"])
