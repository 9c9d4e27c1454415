"""What must hold of the exact book and the synthetic market for any orders and any slicing of time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.market import Fill, MarketEvent, Print
from hummingbot_extensions.sim.matching import FifoBook
from hummingbot_extensions.sim.statistics import BTC_USD, START_NS, START_PRICE_TICKS
from hummingbot_extensions.sim.synthetic import SyntheticMarket

PRICE = st.one_of(st.none(), st.integers(95, 105))
ORDER = st.tuples(st.sampled_from(Side), PRICE, st.integers(1, 50), st.sampled_from(TimeInForce))
ACTION = st.one_of(ORDER, st.integers(0, 40))
MS_NS = 1_000_000


@given(st.lists(ACTION, max_size=60))
def test_lots_are_conserved_and_no_order_trades_beyond_its_limit(actions) -> None:
    """Every lot given is matched, resting, cancelled or discarded; prices suit both sides; the older goes first."""
    book = FifoBook()
    given_lots: dict[int, int] = {}
    matched: dict[int, int] = {}
    gone: dict[int, int] = {}
    limits: dict[int, tuple[Side, int | None]] = {}
    for order_id, action in enumerate(actions):
        if isinstance(action, int):
            left = book.cancel(action)
            if left is not None:
                gone[action] = left
            continue
        side, price, lots, tif = action
        if price is None and tif is TimeInForce.ALO:
            continue
        best = book.best_ticks(side.opposite)
        execution = book.place(order_id, side, price, lots, tif)
        given_lots[order_id], limits[order_id] = lots, (side, price)
        crosses = best is not None and (price is None or (price - best) * side.sign >= 0)
        assert execution.would_cross == (tif is TimeInForce.ALO and crosses)
        assert bool(execution.matches) == (crosses and not execution.would_cross)
        for match in execution.matches:
            maker_side, maker_price = limits[match.maker_id]
            assert maker_side is side.opposite and match.price_ticks == maker_price
            assert price is None or (price - match.price_ticks) * side.sign >= 0
            matched[match.maker_id] = matched.get(match.maker_id, 0) + match.size_lots
        matched[order_id] = execution.matched_lots
        gone[order_id] = lots - execution.matched_lots - execution.resting_lots
        book.invariants()
    resting = book.total_lots(Side.BUY) + book.total_lots(Side.SELL)
    assert sum(given_lots.values()) == sum(matched.values()) + sum(gone.values()) + resting
    for order_id, lots in given_lots.items():
        entry = book.resting(order_id)
        assert lots == matched[order_id] + gone[order_id] + (entry[2] if entry else 0)


OFFSET = st.one_of(st.none(), st.integers(-3_000, 3_000))
STEP = st.tuples(
    st.integers(0, 700),
    st.sampled_from(Side),
    OFFSET,
    st.integers(1, 3_000),
    st.sampled_from(TimeInForce),
    st.booleans(),
)


def driven(seed: int, steps, cuts: list[int]) -> list[object]:
    """Everything seen of a market under the same orders, with each wait cut at ``cuts`` (ms after its begin)."""
    source = SyntheticMarket(BTC_USD, seed, START_NS, START_PRICE_TICKS)
    seen: list[object] = []
    for order_id, (wait_ms, side, offset, lots, tif, cancels) in enumerate(steps):
        until_ns = source.now_ns + wait_ms * MS_NS
        events: list[MarketEvent] = []
        for cut in sorted(cuts):
            if source.now_ns < START_NS + cut * MS_NS < until_ns:
                events += source.advance(START_NS + cut * MS_NS)
        events += source.advance(until_ns)
        seen.append(events)
        if offset is None and tif is TimeInForce.ALO:
            continue
        price = None if offset is None else START_PRICE_TICKS + offset
        placement = source.place(order_id, side, price, lots, tif)
        seen.append(placement)
        if cancels:
            seen.append(source.cancel(order_id))
    seen.append(source.advance(source.now_ns + 1_000 * MS_NS))
    seen.append((source.book(1_000), source.last_ticks(), source.index()))
    source.invariants()
    return seen


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.lists(STEP, max_size=8), st.lists(st.integers(0, 4_000), max_size=12))
def test_slicing_time_changes_nothing(seed, steps, cuts) -> None:
    """The same orders at the same times give the same events to the bit, in however many calls time is advanced."""
    assert driven(seed, steps, cuts) == driven(seed, steps, [])


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.lists(STEP, max_size=12))
def test_our_orders_never_do_worse_than_their_limit_nor_fill_more_than_their_size(seed, steps) -> None:
    """Takers' fills within the limit, makers' at it; every lot of ours ends filled, cancelled, resting or discarded."""
    source = SyntheticMarket(BTC_USD, seed, START_NS, START_PRICE_TICKS)
    left: dict[int, int] = {}
    limits: dict[int, tuple[Side, int | None]] = {}

    def book_fill(fill: Fill) -> None:
        side, price = limits[fill.order_id]
        if fill.is_maker:
            assert fill.price_ticks == price
        else:
            assert price is None or (price - fill.price_ticks) * side.sign >= 0
        left[fill.order_id] -= fill.size_lots
        assert fill.size_lots > 0 and left[fill.order_id] >= 0

    for order_id, (wait_ms, side, offset, lots, tif, _cancels) in enumerate(steps):
        for event in source.advance(source.now_ns + wait_ms * MS_NS):
            if isinstance(event, Fill):
                book_fill(event)
        if offset is None and tif is TimeInForce.ALO:
            continue
        price = None if offset is None else START_PRICE_TICKS + offset
        limits[order_id], left[order_id] = (side, price), lots
        placement = source.place(order_id, side, price, lots, tif)
        for fill in placement.fills:
            book_fill(fill)
        if placement.resting_lots:
            assert left[order_id] == placement.resting_lots
        events = source.advance(source.now_ns)
        printed = sum(event.size_lots for event in events if isinstance(event, Print))
        assert printed == sum(fill.size_lots for fill in placement.fills)
        for event in events:
            if isinstance(event, Fill):
                book_fill(event)
        if not placement.resting_lots:
            left[order_id] = 0
    for order_id, lots in left.items():
        assert (source.cancel(order_id) or 0) == lots
