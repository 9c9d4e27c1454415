"""When our orders on a tape fill, condition by condition and side by side."""

from __future__ import annotations

import pytest

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import BookChanged, Fill, Placement, Print
from tests.support.tapes import BEAT_NS, START_NS, Frame, Trader, tape_of

CALM: Frame = ([(10_000, 300), (9_990, 200)], [(10_020, 300), (10_030, 200)])
"""True bid in 10000 to 10009, true ask in 10020 to 10029."""


def fills(trader: Trader) -> list[tuple[int, int, int]]:
    """(order, ticks, lots) of the maker fills so far."""
    return [(e.order_id, e.price_ticks, e.size_lots) for e in trader.events if isinstance(e, Fill) and e.is_maker]


@pytest.mark.parametrize(("side", "ticks"), [(Side.BUY, 10_000), (Side.SELL, 10_020)])
def test_print_at_our_price_first_eats_everything_ahead(side: Side, ticks: int) -> None:
    """Of 350 lots printed at our price, 300 shown ahead of us take their share before us."""
    trader = Trader(tape_of([CALM] * 4, [(1.5, ticks, 299), (1.6, ticks, 1), (1.7, ticks, 50)]))
    order_id = trader.rest(side, ticks, 80)
    trader.run(1.65)
    assert fills(trader) == []
    trader.run(2)
    assert fills(trader) == [(order_id, ticks, 50)]
    assert trader.market.ahead_lots(order_id) == 0
    assert trader.market.cancel(order_id) == 30


@pytest.mark.parametrize(("side", "ticks", "through"), [(Side.BUY, 10_000, 9_999), (Side.SELL, 10_020, 10_021)])
def test_print_through_our_price_fills_up_to_its_size(side: Side, ticks: int, through: int) -> None:
    """A print one tick beyond us leaves no queue in front, but gives no more than it traded."""
    trader = Trader(tape_of([CALM] * 4, [(1.5, through, 30), (1.6, through, 100)]))
    order_id = trader.rest(side, ticks, 80)
    trader.run(1.55)
    assert fills(trader) == [(order_id, ticks, 30)]
    trader.run(2)
    assert fills(trader)[1:] == [(order_id, ticks, 50)]
    assert trader.market.cancel(order_id) is None


@pytest.mark.parametrize(("side", "ticks", "before"), [(Side.BUY, 10_000, 10_001), (Side.SELL, 10_020, 10_019)])
def test_print_short_of_our_price_does_nothing(side: Side, ticks: int, before: int) -> None:
    """A print one tick on the market's side of us neither fills nor moves the queue, inside our bucket or not."""
    trader = Trader(tape_of([CALM] * 4, [(1.5, before, 10_000)]))
    order_id = trader.rest(side, ticks, 80)
    trader.run(3)
    assert fills(trader) == [] and trader.market.ahead_lots(order_id) == 300


def test_shown_ask_fills_a_bid_only_a_whole_step_below_it() -> None:
    """Ask shown at 9990 may truly be 9999: a bid at 9999 waits, a bid at 10000 is filled whole at its own price."""
    near: Frame = ([(9_980, 10)], [(9_990, 10)])
    for ticks, expected in ((9_999, []), (10_000, [(1, 10_000, 80)])):
        trader = Trader(tape_of([CALM, CALM, near]))
        trader.rest(Side.BUY, ticks, 80)
        trader.run(2)
        assert fills(trader) == expected


def test_shown_bid_fills_an_ask_as_soon_as_it_stands_above_it() -> None:
    """Bid shown at 10030 is truly at least that: an ask at 10029 is through, one at 10030 is not."""
    near: Frame = ([(10_030, 10)], [(10_040, 10)])
    for ticks, expected in ((10_030, []), (10_029, [(1, 10_029, 80)])):
        trader = Trader(tape_of([CALM, CALM, near]))
        trader.rest(Side.SELL, ticks, 80)
        trader.run(2)
        assert fills(trader) == expected


def test_a_side_that_vanishes_crosses_nothing() -> None:
    """A frame without asks, or without bids, says nothing about our orders on the other side."""
    trader = Trader(tape_of([CALM, (CALM[0], []), ([], CALM[1])]))
    trader.rest(Side.BUY, 10_000, 80)
    trader.rest(Side.SELL, 10_020, 80)
    trader.run(2)
    assert fills(trader) == []


def test_book_crossed_fill_bears_the_stamp_of_its_frame() -> None:
    """The fill comes with the frame that shows it, after that frame's event."""
    trader = Trader(tape_of([CALM, CALM, ([(9_900, 10)], [(9_910, 10)])]))
    order_id = trader.rest(Side.BUY, 10_000, 5)
    at_ns = START_NS + 2 * BEAT_NS
    assert trader.run(3)[-2:] == [BookChanged(at_ns), Fill(at_ns, order_id, 10_000, 5, is_maker=True)]


def test_cancels_of_others_never_bring_us_forward() -> None:
    """The level shrinks and vanishes, and still all 300 lots shown at placement are ahead."""
    thin: Frame = ([(10_000, 1), (9_990, 200)], CALM[1])
    gone: Frame = ([(9_990, 200)], CALM[1])
    trader = Trader(tape_of([CALM, thin, gone, CALM]))
    order_id = trader.rest(Side.BUY, 10_000, 5)
    for beat in (1, 2, 3):
        trader.run(beat)
        assert trader.market.ahead_lots(order_id) == 300


def test_a_level_that_grows_stands_behind_us() -> None:
    """What joins a level already shown joins behind."""
    trader = Trader(tape_of([CALM, ([(10_000, 9_000)], CALM[1])]))
    order_id = trader.rest(Side.BUY, 10_000, 5)
    trader.run(1)
    assert trader.market.ahead_lots(order_id) == 300


@pytest.mark.parametrize(("side", "ticks"), [(Side.BUY, 9_955), (Side.SELL, 10_075)])
def test_unseen_level_has_the_background_ahead_until_it_is_shown(side: Side, ticks: int) -> None:
    """50 lots by assumption; then the first frame that shows the bucket puts all it shows ahead, later ones nothing."""
    bucket = ticks - ticks % 10
    deep: Frame = (
        ([*CALM[0], (bucket, 700)], CALM[1]) if side is Side.BUY else (CALM[0], [*CALM[1], (bucket, 700)])
    )
    deeper: Frame = (
        ([*CALM[0], (bucket, 900)], CALM[1]) if side is Side.BUY else (CALM[0], [*CALM[1], (bucket, 900)])
    )
    trader = Trader(tape_of([CALM, CALM, deep, deeper]))
    order_id = trader.rest(side, ticks, 5)
    seen = []
    for beat in (0, 1, 2, 3):
        trader.run(beat)
        seen.append(trader.market.ahead_lots(order_id))
    assert seen == [50, 50, 700, 700]


def test_queue_is_that_of_the_display_bucket() -> None:
    """At 10007 the lots shown at 10000 are ahead, since they may stand at 10007 or better."""
    trader = Trader(tape_of([CALM]))
    assert trader.market.ahead_lots(trader.rest(Side.BUY, 10_007, 5)) == 300


def test_partial_fill_keeps_its_place() -> None:
    """After a partial fill the next print at our price reaches us at once."""
    trader = Trader(tape_of([CALM] * 4, [(1.5, 10_000, 310), (2.5, 10_000, 7)]))
    order_id = trader.rest(Side.BUY, 10_000, 80)
    trader.run(3)
    assert fills(trader) == [(order_id, 10_000, 10), (order_id, 10_000, 7)]


def test_one_print_is_shared_best_price_first_then_oldest() -> None:
    """60 lots through three of our orders: the best has 20, the older of the two equal ones 30, the last 10."""
    trader = Trader(tape_of([CALM] * 3, [(1.5, 9_970, 60)]))
    older, younger = trader.rest(Side.BUY, 9_990, 30), trader.rest(Side.BUY, 9_990, 30)
    best = trader.rest(Side.BUY, 10_000, 20)
    trader.run(2)
    assert fills(trader) == [(best, 10_000, 20), (older, 9_990, 30), (younger, 9_990, 10)]


def test_our_younger_order_waits_behind_our_older_one() -> None:
    """At one price what the older order takes of a print does not reach the younger."""
    trader = Trader(tape_of([CALM] * 3, [(1.5, 10_000, 345)]))
    older, younger = trader.rest(Side.BUY, 10_000, 30), trader.rest(Side.BUY, 10_000, 30)
    trader.run(2)
    assert fills(trader) == [(older, 10_000, 30), (younger, 10_000, 15)]


@pytest.mark.parametrize(
    ("side", "ticks", "crosses"),
    [
        (Side.BUY, 10_019, False),
        (Side.BUY, 10_020, True),
        (Side.SELL, 10_010, False),
        (Side.SELL, 10_009, True),
        (Side.SELL, 10_000, True),
    ],
)
def test_post_only_is_refused_wherever_the_true_touch_may_be(side: Side, ticks: int, crosses: bool) -> None:
    """The true ask may be the shown one, the true bid up to nine ticks above the shown one."""
    _, placement = Trader(tape_of([CALM])).place(side, ticks, 5)
    assert placement == (Placement((), 0, would_cross=True) if crosses else Placement((), 5))


@pytest.mark.parametrize(("ticks", "crosses"), [(10_008, True), (10_009, False)])
def test_in_a_locked_book_the_true_bid_is_a_tick_below_the_bucket_end(ticks: int, crosses: bool) -> None:
    """Bid and ask both shown at 10000: the true ask is at most 10009, so the true bid at most 10008."""
    trader = Trader(tape_of([([(10_000, 5)], [(10_000, 5)])]))
    assert trader.place(Side.SELL, ticks, 5)[1].would_cross is crosses


@pytest.mark.parametrize(("ticks", "crosses"), [(10_009, True), (10_010, False)])
def test_without_asks_the_true_bid_may_be_anywhere_in_its_bucket(ticks: int, crosses: bool) -> None:
    """A post-only sell over a one-sided book stays out of the bid's bucket; a buy meets nothing."""
    trader = Trader(tape_of([(CALM[0], [])]))
    assert trader.place(Side.SELL, ticks, 5)[1].would_cross is crosses
    assert not Trader(tape_of([(CALM[0], [])])).place(Side.BUY, 20_000, 5)[1].would_cross


def test_post_only_does_not_take_our_own_order_either() -> None:
    """An ask of ours inside the spread stops a post-only bid at its price."""
    trader = Trader(tape_of([CALM]))
    trader.rest(Side.SELL, 10_015, 5)
    assert trader.place(Side.BUY, 10_015, 5)[1].would_cross
    assert not trader.place(Side.BUY, 10_014, 5)[1].would_cross


def test_buying_pays_the_top_of_each_bucket_and_never_above_its_limit() -> None:
    """A market buy pays 10029 and 10039; with a limit of 10034 the second level costs 10034."""
    for limit, second in ((None, 10_039), (10_034, 10_034)):
        _, placement = Trader(tape_of([CALM])).place(Side.BUY, limit, 400, TimeInForce.IOC)
        assert [(f.price_ticks, f.size_lots, f.is_maker) for f in placement.fills] == [
            (10_029, 300, False),
            (second, 100, False),
        ]
        assert placement.resting_lots == 0


def test_selling_gets_the_shown_price() -> None:
    """The lowest true price of a bid bucket is the shown one; below the limit nothing is sold."""
    _, placement = Trader(tape_of([CALM])).place(Side.SELL, 9_995, 400, TimeInForce.IOC)
    assert [(f.price_ticks, f.size_lots) for f in placement.fills] == [(10_000, 300)]
    assert placement.resting_lots == 0


def test_limit_order_takes_what_is_shown_and_rests_the_rest() -> None:
    """A GTC buy into 300 lots rests what is left at its limit, and then stands in our book."""
    trader = Trader(tape_of([CALM] * 2))
    order_id, placement = trader.place(Side.BUY, 10_022, 500, TimeInForce.GTC)
    assert [(f.price_ticks, f.size_lots) for f in placement.fills] == [(10_022, 300)]
    assert placement.resting_lots == 200
    assert trader.market.book(1)[0] == [(10_022, 200)]
    assert trader.market.cancel(order_id) == 200


def test_what_we_took_is_gone_until_the_next_frame() -> None:
    """A second taker finds the next level, one after the next frame the first again."""
    trader = Trader(tape_of([CALM] * 2))
    prices = []
    for _ in range(2):
        _, placement = trader.place(Side.BUY, None, 300, TimeInForce.IOC)
        prices += [(f.price_ticks, f.size_lots) for f in placement.fills]
    assert trader.market.touch() == (10_000, None) and trader.market.book(5)[1] == []
    assert prices == [(10_029, 300), (10_039, 200)]
    trader.run(1)
    assert trader.market.touch() == (10_000, 10_020)
    _, placement = trader.place(Side.BUY, None, 1, TimeInForce.IOC)
    assert placement.fills[0].price_ticks == 10_029


def test_our_taking_prints_and_moves_the_last_price() -> None:
    """Public prints of our own taking come with the next advance, without a frame of their own."""
    trader = Trader(tape_of([CALM] * 2))
    trader.place(Side.SELL, None, 7, TimeInForce.IOC)
    assert trader.market.last_ticks() == 10_000
    assert trader.run(0) == [Print(START_NS, 10_000, 7, is_buyer_taker=False)]


def test_taking_our_own_order_fills_both() -> None:
    """Our ask inside the spread is the best offer: the buy takes it at its price, the rest from the book."""
    trader = Trader(tape_of([CALM]))
    ask = trader.rest(Side.SELL, 10_015, 5)
    taker, placement = trader.place(Side.BUY, None, 8, TimeInForce.IOC)
    assert [(f.order_id, f.price_ticks, f.size_lots) for f in placement.fills] == [
        (taker, 10_015, 5),
        (taker, 10_029, 3),
    ]
    trader.run(0)
    assert fills(trader) == [(ask, 10_015, 5)]


def test_our_own_order_is_taken_after_the_others_of_its_level() -> None:
    """The bid of ours at the shown 10000 came last: a sell of 302 takes the 300 of others before 2 of ours."""
    trader = Trader(tape_of([CALM]))
    bid = trader.rest(Side.BUY, 10_000, 5)
    _, placement = trader.place(Side.SELL, None, 302, TimeInForce.IOC)
    assert [(f.price_ticks, f.size_lots) for f in placement.fills] == [(10_000, 300), (10_000, 2)]
    trader.run(0)
    assert fills(trader) == [(bid, 10_000, 2)]


@pytest.mark.parametrize(
    ("ticks", "lots", "tif"),
    [(10_000, 0, TimeInForce.ALO), (None, 5, TimeInForce.ALO), (10_000, -1, TimeInForce.GTC)],
)
def test_orders_that_make_no_sense_raise(ticks: int | None, lots: int, tif: TimeInForce) -> None:
    """No lots, negative lots, a post-only order without a price."""
    with pytest.raises(ValueError):
        Trader(tape_of([CALM])).place(Side.BUY, ticks, lots, tif)
