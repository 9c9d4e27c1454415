"""The venue in time: cutting the walk changes nothing, logs score by hand-worked figures, books always add up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_market import MS, SECOND, Outside
from venue_driver import USER, Driver

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.core.uptime import alive_spans, band_depth, in_band
from hummingbot_extensions.sim.order_log import AliveLog
from hummingbot_extensions.sim.program_record import market_record
from hummingbot_extensions.sim.venue import VenueParams
from hummingbot_extensions.sim.venue_values import BookUpdate, NewOrder, OrderKind, PriceUpdate, Terminal
from tests.support.fifo_market import START_NS

TAKERS = [
    Outside(t * 137 * MS, (Side.BUY, Side.SELL)[t % 2], None, 500 + 300 * t, TimeInForce.IOC) for t in range(1, 30)
]


def run(cuts: list[int]) -> list[object]:
    """Events of a fixed session of 5 s advanced in pieces that end at ``cuts`` milliseconds, too."""
    drive = Driver(TAKERS, balance="100000")
    plan = {200: ("buy", "0.3", "99999.96"), 400: ("sell", "0.2", "100000.03"), 2_310: ("buy", "0.1", "99999.97")}
    for at_ms in sorted({*cuts, *plan, 5_000}):
        drive.to(at_ms / 1000)
        if at_ms in plan:
            drive.submit(*plan[at_ms])
    return list(drive.events)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 4_999), max_size=12))
def test_cutting_the_walk_changes_nothing(cuts: list[int]) -> None:
    """The same commands at the same times give the same events, however often the venue is advanced between them."""
    assert run(cuts) == run([])


def test_delayed_commands_run_at_their_time() -> None:
    """A queued order meets the market as it stands when its delay is over, and says so with that time."""
    drive = Driver([Outside(30 * MS, Side.BUY, 10_000_001, 100)])
    order = NewOrder(
        "BTC-USD", Side.SELL, OrderKind.LIMIT, Decimal("0.1"), Decimal("100000.01"), TimeInForce.ALO, False
    )
    drive.venue.submit(USER, order, 47 * MS, "late")
    events = drive.to(1.0)
    terminal = next(event for event in events if isinstance(event, Terminal))
    assert terminal.ts_ns == START_NS + 47 * MS
    assert terminal.refusal is not None and terminal.refusal.message == "alo order rejected"


def test_time_never_goes_back() -> None:
    """Advancing to the past is an error, not a silent no-op."""
    drive = Driver()
    drive.to(1.0)
    with pytest.raises(ValueError, match="cannot go back"):
        drive.to(0.5)


def test_beats() -> None:
    """A changed book is shown at most every 250 ms, an unchanged one not at all, prices every 3 s."""
    drive = Driver([Outside(t * 100 * MS, Side.BUY, 9_000_000 + t, 1) for t in range(1, 11)])
    events = drive.to(7.0)
    books = [(event.ts_ns - START_NS) // MS for event in events if isinstance(event, BookUpdate)]
    prices = [(event.ts_ns - START_NS) // MS for event in events if isinstance(event, PriceUpdate)]
    assert books == [250, 500, 750, 1000]
    assert prices == [3000, 6000]


def test_every_frame_of_a_tape_is_shown() -> None:
    """With no beat each frame of the market is shown with its own time, changed or not."""
    drive = Driver(params=VenueParams(book_every_ns=0), heartbeat_ns=310 * MS)
    events = drive.to(1.0)
    assert [(event.ts_ns - START_NS) // MS for event in events if isinstance(event, BookUpdate)] == [310, 620, 930]


def test_in_band_by_hand() -> None:
    """Bid from 1 s, ask from 2 s to 4 s, feed alive from 0.25 s to 5 s: two-sided 2 s of 4.75 s, strictly of 5 s."""
    drive = Driver(heartbeat_ns=250 * MS)
    drive.to(1.0)
    drive.place("buy", "0.01", "99950")
    drive.to(2.0)
    ask = drive.place("sell", "0.01", "100050")
    drive.place("sell", "0.01", "100200")
    drive.to(4.0)
    drive.cancel(ask)
    drive.to(5.0)
    record = market_record(drive.venue, USER, "BTC-USD", START_NS, drive.venue.now_ns)
    found = in_band(record.quotes, record.marks, record.alive, record.start_ns, record.end_ns, 10.0)
    assert (found.bid_ns, found.ask_ns, found.two_sided_ns) == (4 * SECOND, 2 * SECOND, 2 * SECOND)
    assert found.alive_ns == 4_750 * MS
    assert found.two_sided_frac == pytest.approx(2 / 4.75)
    assert found.strict_frac == pytest.approx(2 / 5)
    assert drive.account.log.cancels(START_NS, drive.venue.now_ns) == 1


def test_log_has_a_row_per_size() -> None:
    """A partial fill ends the row and begins one with the size that is left."""
    drive = Driver([Outside(SECOND, Side.SELL, None, 30, TimeInForce.IOC)])
    drive.place("buy", "0.01", "99999.99")
    drive.to(2.0)
    rows = [(row.size_lots, (row.start_ns - START_NS) // MS, row.end_ns) for row in drive.account.log.rows]
    assert rows == [(100, 0, START_NS + SECOND), (70, 1000, None)]


def test_qualifying_size_is_the_smaller_side() -> None:
    """Sizes in the band add up per side, and the smaller side counts."""
    drive = Driver(balance="1000000")
    drive.place("buy", "1", "99950")
    drive.place("buy", "0.5", "99900.00")
    drive.place("buy", "5", "99899.99")
    drive.place("sell", "2", "100050")
    drive.to(1.0)
    record = market_record(drive.venue, USER, "BTC-USD", START_NS, drive.venue.now_ns)
    steps = band_depth(record.quotes, record.marks, record.alive, record.start_ns, record.end_ns, 10.0)
    assert (steps[-1].bid_base, steps[-1].ask_base) == (pytest.approx(1.5), pytest.approx(2.0))


def test_a_record_tells_own_cancels_from_other_ends() -> None:
    """Of the intervals of a cancelled, a partly filled and then cancelled, and a filled order two end by own cancel."""
    drive = Driver([Outside(SECOND, Side.SELL, None, 130, TimeInForce.IOC)], balance="1000000")
    drive.place("buy", "0.01", "99999.99")
    partly = drive.place("buy", "0.02", "99999.98")
    gone = drive.place("buy", "0.01", "99950")
    drive.to(2.0)
    for order_id in (partly, gone):
        drive.cancel(order_id)
    drive.to(3.0)
    record = market_record(drive.venue, USER, "BTC-USD", START_NS, drive.venue.now_ns, 7)
    assert [(quote.size, quote.is_cancelled) for quote in record.quotes] == [
        (pytest.approx(0.01), False),
        (pytest.approx(0.02), False),
        (pytest.approx(0.01), True),
        (pytest.approx(0.017), True),
    ]
    assert record.quotes[1].order_id == record.quotes[3].order_id == partly
    assert record.quotes[1].end_ns == record.quotes[3].start_ns
    assert record.utc_offset_ns == 7


@given(st.lists(st.integers(0, 30), max_size=30), st.integers(0, 20), st.integers(0, 20))
def test_alive_runs_equal_alive_spans(times: list[int], start: int, length: int) -> None:
    """Folding frames into runs loses nothing against core.uptime.alive_spans."""
    stamps = [time * 400 * MS for time in sorted(times)]
    log = AliveLog()
    for stamp in stamps:
        log.frame(stamp)
    window = (start * 400 * MS, (start + length) * 400 * MS)
    seen = [stamp for stamp in stamps if stamp <= window[1]]
    folded = AliveLog()
    for stamp in seen:
        folded.frame(stamp)
    assert folded.spans(*window) == alive_spans(seen, *window)


SIDES = st.sampled_from(["buy", "sell"])
ACTIONS = st.one_of(
    st.tuples(
        st.just("limit"), SIDES, st.integers(1, 4_000), st.integers(-40, 40), st.sampled_from(["gtc", "ioc", "alo"])
    ),
    st.tuples(st.just("market"), SIDES, st.integers(1, 4_000), st.booleans()),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("wait"), st.integers(1, 400)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, max_size=25))
def test_books_always_add_up(actions: list[tuple[object, ...]]) -> None:
    """After any sequence of orders, cancels and waits: balances, positions and locks are consistent."""
    drive = Driver(TAKERS, balance="50000")
    at_ms = 0
    for action in actions:
        match action:
            case ("limit", side, lots, ticks, tif):
                price = Decimal(10_000_000 + int(str(ticks))).scaleb(-2)
                drive.submit(str(side), str(Decimal(int(str(lots))).scaleb(-4)), str(price), str(tif))
            case ("market", side, lots, reduce_only):
                size = str(Decimal(int(str(lots))).scaleb(-4))
                drive.submit(str(side), size, None, "ioc", reduce_only=bool(reduce_only))
            case ("cancel", number):
                known = list(drive.account.orders)
                if known:
                    drive.cancel(known[int(str(number)) % len(known)])
            case ("wait", wait_ms):
                at_ms += int(str(wait_ms))
        drive.to(at_ms / 1000)
        assert drive.account.locked(drive.venue.specs) >= 0
        assert all(order.left_lots > 0 for order in drive.account.live.values())
