"""Private payloads and public frames against the wire samples."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.connector.derivative.standx_perpetual import standx_perpetual_parse as parse
from hypothesis import given
from hypothesis import strategies as st

from hummingbot_extensions.connector.errors import NotFound, PostOnlyRejected, Rejected
from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.feeds import standx as feed

Sample = Callable[[str], Any]


def test_symbol_info_samples(sample: Sample) -> None:
    """Documented and live rows give lattice, limits and fees; unknown members are None, not 0."""
    rows = sample("rest_query_symbol_info")
    info = parse.parse_symbol_info(rows["response_live_btc"]["body"][0])
    assert (info.trading_pair, info.price_tick, info.size_step) == ("BTC-DUSD", Decimal("0.01"), Decimal("0.0001"))
    assert (info.maker_fee, info.taker_fee, info.max_leverage) == (Decimal("0.0001"), Decimal("0.0004"), 40)
    hype = parse.parse_symbol_info(rows["response_live_hype_partial"]["body"][0])
    assert hype.max_size is None and hype.min_size == Decimal("0.1") and hype.is_trading


def test_order_samples(sample: Sample) -> None:
    """Every order frame of the samples parses; a partial fill is an open order with a filled size."""
    frames = sample("ws_stream_order")
    rows = {name: parse.parse_order(frame["data"]) for name, frame in frames.items() if "data" in frame}
    assert rows["open"].status is parse.OrderStatus.OPEN and rows["open"].order_id == 11545819148
    assert (rows["partial_inferred"].status, rows["partial_inferred"].filled_size) == (
        parse.OrderStatus.OPEN,
        Decimal("0.0004"),
    )
    assert rows["filled"].status.is_final and rows["canceled_after_partial_inferred"].filled_size == Decimal("0.0004")
    odd = parse.parse_order({**frames["open"]["data"], "status": "suspended"})
    assert (odd.status, odd.raw_status) == (parse.OrderStatus.UNKNOWN, "suspended")


def test_fill_samples(sample: Sample) -> None:
    """The live minimum has no fee, which is None and not 0; the REST row has one, positive when paid."""
    frames = sample("ws_stream_trade")
    assert parse.parse_fill(frames["live_minimum"]["data"]).fee is None
    fill = parse.parse_fill(sample("rest_query_trades")["response"]["body"]["result"][0])
    assert (fill.trade_id, fill.fee, fill.side) == (409870, Decimal("0.121900"), Side.SELL)
    assert fill.exchange_ts_ns == 1754883379352620000


def test_position_and_balance_samples(sample: Sample) -> None:
    """Sizes are signed, missing members are None, available is never negative."""
    short = parse.parse_position(sample("ws_stream_position")["live_short_fixture"]["data"])
    assert (short.size, short.unrealized_pnl, short.leverage) == (Decimal("-0.116"), None, None)
    body = sample("rest_query_balance")["response"]["body"]
    (row,) = parse.parse_balances(body, "DUSD")
    assert (row.asset, row.total, row.available) == ("DUSD", Decimal("1100028.707476657"), Decimal("1085746.571"))
    assert parse.parse_balances({**body, "cross_available": "-3"}, "DUSD")[0].available == 0
    wallet = parse.parse_wallet_frame(sample("ws_stream_balance")["frame"]["data"])
    assert wallet.asset == "DUSD"


def test_margin_figures_of_the_position_samples(sample: Sample) -> None:
    """Stated ones as they are, null ones None; a frame of the channel, a flat row and an unknown mode have none."""
    rows = sample("rest_query_positions")
    long = parse.parse_position(rows["open_long"]["body"][0]).figures
    assert long is not None and not long.is_cross
    assert (long.liquidation_price, long.margin_quote) == (Decimal("112373.50"), Decimal("11443.3682400"))
    assert (long.mark, long.maintenance_quote) == (Decimal("121715.05"), Decimal("2860.30367500"))
    assert long.ratio == Decimal("3.993223845366698695025800014") and long.upnl_quote == Decimal("-21.53540")
    raw = rows["short_shape_inferred"]["body"][0]
    short = parse.parse_position({**raw, "margin_mode": "cross", "mmr": None}).figures
    assert short is not None and short.is_cross and short.liquidation_price is None and short.ratio is None
    assert parse.parse_position({**raw, "margin_mode": "portfolio"}).figures is None
    assert parse.parse_position(rows["flat_row"]["body"][0]).figures is None
    assert parse.parse_position(sample("ws_stream_position")["live_short_fixture"]["data"]).figures is None
    (balance,) = parse.parse_balances(sample("rest_query_balance")["response"]["body"], "DUSD")
    assert balance.cross_balance == Decimal("1088575.259316737")


def test_funding_samples(sample: Sample) -> None:
    """Live rows: sign kept, time from created_at when transact_time is absent."""
    rows = sample("rest_query_funding_history")
    live = [parse.parse_funding_row(row) for row in rows["response_live"]["body"]]
    assert [row.amount for row in live] == [Decimal("0.000074457"), Decimal("-0.000119095")]
    assert live[0].exchange_ts_ns == 1785121200254907000
    assert live[0].row_id == 530060896 > live[1].row_id


def test_command_replies(sample: Sample) -> None:
    """Accepted decides nothing, success and rejection are final; a frame without request id is no reply."""
    frames = sample("ws_api_order_new")
    kinds = [parse.parse_command_reply(f["json"]) for f in frames["accepted_then_success"] if f["dir"] == "s2c"]
    assert [(reply.is_final, reply.is_success) for reply in kinds] == [(False, True), (True, True)]
    refused = [parse.parse_command_reply(f["json"]) for f in frames["alo_would_cross"] if f["dir"] == "s2c"][-1]
    assert refused.is_final and isinstance(parse.refusal(refused.code, refused.message), PostOnlyRejected)
    assert isinstance(parse.refusal(400, "order already closed"), NotFound)
    assert type(parse.refusal(400, "balance not enough")) is Rejected
    assert parse.parse_command_reply({"code": 408, "message": "x"}) is None


def test_order_payload_is_what_live_clients_send() -> None:
    """Strings for decimals, no exponent, no price for a market order, nothing beyond the protocol."""
    body = parse.order_payload("BTC-USD", Side.SELL, Decimal("1E-4"), Decimal("78012.45"), TimeInForce.ALO, False, "id")
    assert body == {
        "symbol": "BTC-USD", "side": "sell", "order_type": "limit", "qty": "0.0001", "price": "78012.45",
        "time_in_force": "alo", "reduce_only": False, "cl_ord_id": "id",
    }  # fmt: skip
    market = parse.order_payload("BTC-USD", Side.BUY, Decimal("1"), None, TimeInForce.IOC, True, "id")
    assert market["order_type"] == "market" and "price" not in market and market["reduce_only"] is True


def test_book_samples(sample: Sample) -> None:
    """Unsorted levels come out sorted; a locked book is a book; the grid is read off the prices."""
    frames = sample("ws_stream_depth_book")
    docs = feed.parse_frame(frames["docs_frame"], 7)
    assert isinstance(docs, feed.BookFrame)
    assert (docs.state.bid, docs.state.ask, docs.state.grid) == (
        Decimal("121884.52"),
        Decimal("121896.02"),
        Decimal("0.01"),
    )
    body = {"asks": [["100.5", "2"], ["100", "1"]], "bids": [["99", "3"], ["100", "1"]], "time": 1767664805028}
    coarse = feed.parse_book(body, "BTC-USD", 7)
    assert (coarse.state.grid, coarse.state.exchange_ts_ns, coarse.state.received_mono_ns) == (
        Decimal("0.1"), 1767664805028000000, 7,
    )  # fmt: skip
    assert coarse.is_locked and coarse.bids[0] == (Decimal(100), Decimal(1))


def test_price_and_trade_samples(sample: Sample) -> None:
    """The touch of the price channel keeps full precision; a REST quiet market gives None, never 0."""
    price = feed.parse_frame(sample("ws_stream_price")["docs_frame"], 1)
    assert (price.state.touch_bid, price.state.mark) == (Decimal("121897.95"), Decimal("121897.56"))
    quiet = feed.parse_price(sample("rest_query_symbol_price")["response_quiet_market"]["body"], "BTC-USD", 1)
    assert quiet.state.touch_bid is None and quiet.state.last is None and quiet.state.mark is not None
    trades = sample("ws_stream_public_trade")
    for name in ("frame_best_guess", "rest_like_variant"):
        (trade,) = feed.parse_frame(trades[name], 1).trades
        assert (trade.taker_side, trade.size) == (Side.SELL, Decimal("0.0042"))


@pytest.mark.parametrize(
    ("bids", "asks", "reason"),
    [
        ([["2", "1"]], [["1", "1"]], feed.SkipReason.CROSSED),
        ([], [["1", "1"]], feed.SkipReason.EMPTY_SIDE),
        ([["1", "0"]], [["2", "1"]], feed.SkipReason.EMPTY_SIDE),
        ([["NaN", "1"]], [["2", "1"]], feed.SkipReason.NOT_FINITE),
        ([["1", "Infinity"]], [["2", "1"]], feed.SkipReason.NOT_FINITE),
        ([["1", "-1"]], [["2", "1"]], feed.SkipReason.NOT_FINITE),
        ([["x", "1"]], [["2", "1"]], feed.SkipReason.MALFORMED),
        ([["1"]], [["2", "1"]], feed.SkipReason.MALFORMED),
        (None, [["2", "1"]], feed.SkipReason.MALFORMED),
    ],
)
def test_bad_books_are_skipped_with_their_reason(bids: Any, asks: Any, reason: feed.SkipReason) -> None:
    """Nothing that is not a proper book reaches a strategy."""
    frame = {"channel": "depth_book", "symbol": "BTC-USD", "data": {"bids": bids, "asks": asks}}
    assert feed.parse_frame(frame, 1) == feed.SkippedFrame(reason, "BTC-USD")


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["channel", "data", "symbol", "bids", "asks", "price", "qty", "time", "spread"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_json, st.sampled_from(["depth_book", "price", "public_trade", "order"]))
def test_no_frame_makes_the_parser_raise(body: Any, channel: str) -> None:
    """Any JSON gives a value or a skip; what passes is finite, two-sided and not crossed."""
    frame = feed.parse_frame({"channel": channel, "symbol": "BTC-USD", "data": body}, 1)
    if isinstance(frame, feed.BookFrame):
        assert frame.bids[0][0] <= frame.asks[0][0]
        assert all(level[0].is_finite() and level[1] > 0 for level in (*frame.bids, *frame.asks))
