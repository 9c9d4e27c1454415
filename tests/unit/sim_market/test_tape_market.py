"""Time, views and construction of a market on a tape."""

from __future__ import annotations

import numpy as np
import pytest

from hummingbot_extensions.core.types import Side
from hummingbot_extensions.sim.generator import generated_tape
from hummingbot_extensions.sim.market import BookChanged, Print
from hummingbot_extensions.sim.tape import Tape, TapeMarket, inferred_buys
from hummingbot_extensions.sim.tape_files import load_standx_parquet
from tests.support.tapes import BEAT_NS, BTC, START_NS, Frame, Trader, ladders, recorded_tapes, tape_of

CALM: Frame = ([(10_000, 300), (9_990, 200)], [(10_020, 300), (10_030, 200)])
LOCKED: Frame = ([(10_000, 300)], [(10_000, 100)])


def test_every_frame_is_reported_once_changed_or_not() -> None:
    """Three equal frames give the two events after the start, each with its own stamp."""
    assert Trader(tape_of([CALM] * 3)).run(9) == [BookChanged(START_NS + BEAT_NS), BookChanged(START_NS + 2 * BEAT_NS)]


def test_a_print_comes_before_the_frame_of_its_stamp() -> None:
    """The frame already shows what the print left, so it must not be judged after it."""
    events = Trader(tape_of([CALM] * 2, [(1, 10_000, 5)])).run(1)
    at_ns = START_NS + BEAT_NS
    assert events == [Print(at_ns, 10_000, 5, is_buyer_taker=False), BookChanged(at_ns)]


def test_own_orders_make_no_frame() -> None:
    """Placing and cancelling during a hole must not let the feed look alive."""
    trader = Trader(tape_of([CALM] * 2))
    order_id = trader.rest(Side.BUY, 9_990, 5)
    trader.market.cancel(order_id)
    assert trader.run(0.9) == []


def test_holes_stay_holes_and_the_end_never_raises() -> None:
    """Between two frames nothing happens; past the last one the market stands still and says so."""
    trader = Trader(tape_of([CALM] * 3))
    assert trader.run(0.99) == [] and not trader.market.is_over
    trader.run(2)
    assert trader.market.is_over
    assert trader.run(10_000) == [] and trader.market.now_ns == START_NS + 10_000 * BEAT_NS


def test_time_does_not_go_back() -> None:
    """An earlier instant is refused."""
    with pytest.raises(ValueError, match="cannot go back"):
        Trader(tape_of([CALM])).market.advance(START_NS - 1)


def test_book_shows_ours_at_their_true_price() -> None:
    """Others stand at shown prices, ours between them, sorted best first and cut to the depth."""
    trader = Trader(tape_of([CALM]))
    trader.rest(Side.BUY, 10_005, 7)
    trader.rest(Side.BUY, 9_990, 1)
    trader.rest(Side.SELL, 10_033, 9)
    assert trader.market.book(9) == (
        [(10_005, 7), (10_000, 300), (9_990, 201)],
        [(10_020, 300), (10_030, 200), (10_033, 9)],
    )
    assert trader.market.book(1) == ([(10_005, 7)], [(10_020, 300)])


def test_touch_keeps_the_ask_a_tick_above_the_bid() -> None:
    """A locked display gives a touch of one tick, an open one the shown prices, ours count."""
    assert Trader(tape_of([LOCKED])).market.touch() == (10_000, 10_001)
    trader = Trader(tape_of([CALM]))
    assert trader.market.touch() == (10_000, 10_020)
    trader.rest(Side.SELL, 10_012, 1)
    trader.rest(Side.BUY, 10_011, 1)
    assert trader.market.touch() == (10_011, 10_012)


def test_index_is_the_recorded_mid_whatever_we_do() -> None:
    """Our orders and our taking leave it alone; a one-sided frame has none."""
    trader = Trader(tape_of([CALM, ([(10_000, 1)], [])]))
    assert trader.market.index() == pytest.approx(100.10)
    trader.rest(Side.SELL, 10_012, 1)
    assert trader.market.index() == pytest.approx(100.10)
    trader.run(1)
    assert trader.market.index() is None
    assert trader.market.touch() == (10_000, 10_012)


def test_taker_side_is_read_from_the_book_before_the_print() -> None:
    """At or below the bid shown before: a sell; above: a buy. The frame of the same stamp does not count."""
    frames = np.array([100, 200], np.int64)
    best = np.array([50, 60], np.int64)
    stamps, ticks = np.array([150, 150, 200, 201, 50], np.int64), np.array([50, 51, 55, 55, 1], np.int64)
    assert inferred_buys(frames, best, stamps, ticks).tolist() == [False, True, True, False, True]


def test_a_tape_that_does_not_fit_together_is_refused() -> None:
    """No frames, ladders of other lengths, print columns of other lengths, or time running back."""
    good = tape_of([CALM] * 2)
    none = np.zeros(0, np.int64)
    flags = np.zeros(0, np.bool_)
    with pytest.raises(ValueError, match="at least one frame"):
        Tape("X", none, ladders([]), ladders([]), none, none, none, flags)
    with pytest.raises(ValueError, match="do not fit"):
        Tape("X", good.frame_ts_ns, ladders([CALM[0]]), good.asks, none, none, none, flags)
    with pytest.raises(ValueError, match="other numbers"):
        Tape("X", good.frame_ts_ns, good.bids, good.asks, none, good.frame_ts_ns, none, flags)
    with pytest.raises(ValueError, match="sorted by time"):
        Tape("X", good.frame_ts_ns[::-1], good.bids, good.asks, none, none, none, flags)
    with pytest.raises(ValueError, match="background_lots"):
        TapeMarket(good, BTC, background_lots=-1)


def test_prints_before_the_start_are_history() -> None:
    """A print at or before the first frame is the last price at the start and never reported."""
    trader = Trader(tape_of([CALM] * 2, [(-1, 10_007, 3), (0.5, 10_000, 1)]))
    assert trader.market.last_ticks() == 10_007
    assert [event.price_ticks for event in trader.run(1) if isinstance(event, Print)] == [10_000]


def test_taker_sides_are_read_by_display_steps() -> None:
    """In the bid's step a sell though above the shown price, in the ask's a buy, between them the nearer side."""
    frames, bids, asks = np.array([100], np.int64), np.array([50], np.int64), np.array([90], np.int64)
    ticks = np.array([45, 50, 59, 60, 74, 75, 89, 90, 99, 120], np.int64)
    stamps = np.full(len(ticks), 150, np.int64)
    buys = inferred_buys(frames, bids, stamps, ticks, asks, grid_ticks=10)
    assert buys.tolist() == [False, False, False, False, False, True, True, True, True, True]


def test_taker_sides_in_a_locked_book_follow_the_last_move() -> None:
    """Bid and ask share a step: up is a buy, down a sell, unchanged as before; without a move before, a buy."""
    frames, best = np.array([100], np.int64), np.array([50], np.int64)
    ticks = np.array([53, 53, 54, 54, 53, 53, 57], np.int64)
    stamps = np.full(len(ticks), 150, np.int64)
    buys = inferred_buys(frames, best, stamps, ticks, best, grid_ticks=10)
    assert buys.tolist() == [True, True, True, True, False, False, True]
    none = np.zeros(0, np.int64)
    assert inferred_buys(frames, best, none, none, best, 10).tolist() == []


def test_one_sided_books_still_tell_the_taker() -> None:
    """With no ask shown only what lies above the bid's step is a buy; with no bid everything is."""
    frames, side, empty = np.array([100], np.int64), np.array([50], np.int64), np.array([-1], np.int64)
    stamps, ticks = np.full(2, 150, np.int64), np.array([55, 65], np.int64)
    assert inferred_buys(frames, side, stamps, ticks, empty, 10).tolist() == [False, True]
    assert inferred_buys(frames, empty, stamps, ticks, side, 10).tolist() == [True, True]


def test_inferred_sides_are_mostly_the_true_ones() -> None:
    """On a generated half hour at least 85 % are right and the share of buys is within 5 points of the truth."""
    tape = generated_tape(BTC, 4, START_NS, 1_800 * 1_000_000_000, 9_300_000)
    buys = inferred_buys(
        tape.frame_ts_ns, tape.bids.best(), tape.trade_ts_ns, tape.trade_ticks, tape.asks.best(), BTC.display_grid_ticks
    )
    assert (buys == tape.trade_is_buy).mean() > 0.85
    assert abs(buys.mean() - tape.trade_is_buy.mean()) < 0.05


@pytest.mark.tape
def test_recorded_sides_are_balanced() -> None:
    """Over the recording's quiet hour neither side takes more than 60 % (72 % were buys when prices were compared)."""
    folder = recorded_tapes()
    path = sorted(folder.glob("orderbook_BTC-USD_*.parquet"))[0]
    start_ns = int(np.datetime64(f"{path.stem[-13:-3]}T{path.stem[-2:]}", "ns").astype(np.int64))
    pytest.importorskip("pyarrow")
    tape = load_standx_parquet(folder, "BTC-USD", BTC, start_ns, start_ns + 3_600 * 1_000_000_000).tape
    assert 0.4 < tape.trade_is_buy.mean() < 0.6
