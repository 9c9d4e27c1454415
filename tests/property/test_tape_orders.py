"""Whatever orders arrive whenever: a tape conserves lots, respects limits, and ignores how time is sliced."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.generator import generated_tape
from hummingbot_extensions.sim.market import Fill, MarketEvent, Placement, Print
from hummingbot_extensions.sim.queue_models import QUEUE_MODELS, QueueModel
from hummingbot_extensions.sim.tape import Tape, TapeMarket
from tests.support.tapes import BTC, MS, START_NS

PRICE_TICKS = 9_300_000


@dataclass(frozen=True, slots=True)
class Step:
    """After ``wait_ms``: cancel order ``cancels``, or place one ``offset_ticks`` behind the other side's touch."""

    wait_ms: int
    side: Side
    offset_ticks: int
    lots: int
    tif: TimeInForce
    is_market: bool
    cancels: int | None


steps = st.builds(
    Step,
    st.integers(0, 3_000),
    st.sampled_from(Side),
    st.integers(-60, 200),
    st.integers(1, 30_000),
    st.sampled_from(TimeInForce),
    st.booleans(),
    st.none() | st.integers(0, 5),
)
plans = st.lists(steps, min_size=1, max_size=12)


@cache
def tape() -> Tape:
    """Forty seconds as a collector would have recorded them of our own market."""
    return generated_tape(BTC, 11, START_NS, 40_000 * MS, PRICE_TICKS)


models = st.sampled_from(list(QUEUE_MODELS.values()))


def taped(model: QueueModel) -> TapeMarket:
    return TapeMarket(tape(), BTC, queue=model)


@dataclass(slots=True)
class Run:
    """What became of a plan: everything reported, each placement, lots cancelled and limits by order id."""

    events: list[MarketEvent]
    placements: dict[int, Placement]
    cancelled: Counter[int]
    sizes: dict[int, int]
    limits: dict[int, tuple[Side, int | None]]
    books: list[object]


def run(market: TapeMarket, plan: list[Step], slice_ms: int | None) -> Run:
    done = Run([], {}, Counter(), {}, {}, [])

    def go(to_ns: int) -> None:
        while slice_ms is not None and market.now_ns + slice_ms * MS < to_ns:
            done.events += market.advance(market.now_ns + slice_ms * MS)
        done.events += market.advance(to_ns)

    for order_id, step in enumerate(plan):
        go(market.now_ns + step.wait_ms * MS)
        if step.cancels is not None:
            done.cancelled[step.cancels] += market.cancel(step.cancels) or 0
            continue
        bid, ask = market.touch()
        reference = ask if step.side is Side.BUY else bid
        if reference is None:
            continue
        is_market = step.is_market and step.tif is not TimeInForce.ALO
        limit = None if is_market else reference - step.side.sign * step.offset_ticks
        done.limits[order_id], done.sizes[order_id] = (step.side, limit), step.lots
        done.placements[order_id] = market.place(order_id, step.side, limit, step.lots, step.tif)
        done.books.append(market.book(30))
    go(market.now_ns + 5_000 * MS)
    done.books.append((market.book(30), market.touch(), market.last_ticks(), market.index()))
    return done


def all_fills(done: Run) -> list[Fill]:
    taken = [fill for placement in done.placements.values() for fill in placement.fills]
    return taken + [event for event in done.events if isinstance(event, Fill)]


@given(plans, models)
@settings(max_examples=100)
def test_lots_are_conserved_and_limits_kept(plan: list[Step], model: QueueModel) -> None:
    """Size = filled + cancelled + resting for each order, nothing fills past its limit, events come in time order."""
    market = taped(model)
    done = run(market, plan, None)
    filled: Counter[int] = Counter()
    for fill in all_fills(done):
        filled[fill.order_id] += fill.size_lots
        side, limit = done.limits[fill.order_id]
        assert fill.size_lots > 0
        assert limit is None or (limit - fill.price_ticks) * side.sign >= 0, "worse than the limit"
        assert not fill.is_maker or fill.price_ticks == limit, "a maker gets its own price"
    for order_id, placement in done.placements.items():
        taken = sum(fill.size_lots for fill in placement.fills)
        assert not (placement.would_cross and (placement.fills or placement.resting_lots))
        rests = market.cancel(order_id) or 0
        total = filled[order_id] + done.cancelled[order_id] + rests
        if placement.resting_lots:
            assert taken + placement.resting_lots == total == done.sizes[order_id]
        else:
            assert total == taken <= done.sizes[order_id]
    assert [event.ts_ns for event in done.events] == sorted(event.ts_ns for event in done.events)


@given(plans, st.integers(1, 900), models)
@settings(max_examples=40)
def test_slicing_time_changes_nothing(plan: list[Step], slice_ms: int, model: QueueModel) -> None:
    """One advance or hundreds of small ones: same events, same books, to the lot."""
    assert run(taped(model), plan, None) == run(taped(model), plan, slice_ms)


@given(plans, models)
@settings(max_examples=60)
def test_prints_of_a_tape_fill_us_by_no_more_than_their_size(plan: list[Step], model: QueueModel) -> None:
    """Between two frames our maker fills at one instant never exceed what printed there."""
    market = taped(model)
    done = run(market, plan, None)
    frames = set(tape().frame_ts_ns.tolist())
    printed: Counter[int] = Counter()
    filled: Counter[int] = Counter()
    for event in done.events:
        if isinstance(event, Print):
            printed[event.ts_ns] += event.size_lots
        elif isinstance(event, Fill) and event.ts_ns not in frames:
            filled[event.ts_ns] += event.size_lots
    assert all(lots <= printed[at_ns] for at_ns, lots in filled.items())
