"""The market of agents: the same to the bit however it is driven, with our orders in its queues."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.sim.agents import DEFAULT_AGENTS, AgentParams
from hummingbot_extensions.sim.generator import DEPTH, generated_tape
from hummingbot_extensions.sim.market import BookChanged, Fill, MarketEvent, Print
from hummingbot_extensions.sim.statistics import (
    BTC_USD,
    FEED_TARGETS,
    START_NS,
    START_PRICE_TICKS,
    TARGETS,
    figures,
    is_within,
    main,
)
from hummingbot_extensions.sim.synthetic import SyntheticMarket

SECOND_NS = 1_000_000_000
GTC, IOC, ALO = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.ALO


def market(seed: int = 1, **params: float) -> SyntheticMarket:
    return SyntheticMarket(BTC_USD, seed, START_NS, START_PRICE_TICKS, replace(DEFAULT_AGENTS, **params))


def test_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    """A minute twice is equal in every event and in the book; another seed is not."""
    runs = []
    for seed in (1, 1, 2):
        source = market(seed)
        runs.append((source.advance(START_NS + 60 * SECOND_NS), source.book(500), source.index()))
    assert runs[0] == runs[1] != runs[2]


def test_events_lie_in_the_interval_asked_for_in_time_order() -> None:
    """(now, to], sorted, and the market then stands at ``to``."""
    source = market()
    source.advance(START_NS + 5 * SECOND_NS)
    events = source.advance(START_NS + 35 * SECOND_NS)
    stamps = [event.ts_ns for event in events]
    assert stamps[0] > START_NS + 5 * SECOND_NS
    assert stamps == sorted(stamps)
    assert stamps[-1] <= source.now_ns == START_NS + 35 * SECOND_NS
    assert {type(event) for event in events} == {BookChanged, Print}


def test_frames_come_on_the_beat_and_only_when_the_book_changed() -> None:
    """Stamps are multiples of 250 ms; with agents that do nothing there are none, until an order of ours."""
    frames = [e for e in market().advance(START_NS + 30 * SECOND_NS) if isinstance(e, BookChanged)]
    assert all((frame.ts_ns - START_NS) % 250_000_000 == 0 for frame in frames)
    still = market(
        value_sigma_bps=0, drift_bps_per_s=0, jump_per_s=0, gap_per_s=0, refresh_per_s=0, taker_groups_per_s=0
    )
    assert still.advance(START_NS + SECOND_NS) == []
    still.place(1, Side.BUY, START_PRICE_TICKS - 50_000, 10, ALO)
    assert still.advance(START_NS + 3 * SECOND_NS) == [BookChanged(START_NS + SECOND_NS + 250_000_000)]


def test_our_order_waits_behind_the_queue_and_fills_in_turn() -> None:
    """Joined at the best bid with makers ahead: what sells print there goes to them first, then to us."""
    source = market(taker_groups_per_s=0)
    bid = source.touch()[0]
    assert bid is not None
    ahead = source.book(1)[0][0][1]
    assert source.place(1, Side.BUY, bid, 100, ALO).resting_lots == 100
    assert source.ahead_lots(1) == ahead
    source.place(2, Side.SELL, bid, ahead - 1, IOC)
    assert [e for e in source.advance(source.now_ns) if isinstance(e, Fill)] == []
    source.place(3, Side.SELL, bid, 41, IOC)
    fills = [e for e in source.advance(source.now_ns) if isinstance(e, Fill)]
    assert fills == [Fill(START_NS, 1, bid, 40, is_maker=True)]
    assert source.cancel(1) == 60


def test_agents_fill_our_orders_and_each_fill_is_a_print() -> None:
    """In ten minutes at the touch, ours trade with the agents at our own price, each time beside an equal print."""
    source = market(seed=3)
    fills: list[Fill] = []
    prints: list[Print] = []
    for order_id in range(1, 1200, 2):
        bid, ask = source.touch()
        assert bid is not None and ask is not None
        placed = {order_id: bid, order_id + 1: ask}
        source.place(order_id, Side.BUY, bid, 5, ALO)
        source.place(order_id + 1, Side.SELL, ask, 5, ALO)
        events = source.advance(source.now_ns + SECOND_NS)
        new = [event for event in events if isinstance(event, Fill)]
        assert all(fill.price_ticks == placed[fill.order_id] and fill.is_maker for fill in new)
        fills += new
        prints += [event for event in events if isinstance(event, Print)]
        source.cancel(order_id)
        source.cancel(order_id + 1)
    assert len(fills) > 20
    printed = {(event.ts_ns, event.price_ticks, event.size_lots) for event in prints}
    assert {(fill.ts_ns, fill.price_ticks, fill.size_lots) for fill in fills} <= printed
    source.invariants()


def test_value_that_passes_our_order_takes_it() -> None:
    """A large ask of ours below the value is eaten by arbitrage at its own price, piece by piece."""
    source = market(taker_groups_per_s=0, value_sigma_bps=2.0)
    ask = source.touch()[1]
    assert ask is not None
    source.place(1, Side.SELL, ask, 100_000, ALO)
    fills: list[MarketEvent] = []
    for _ in range(600):
        fills += [event for event in source.advance(source.now_ns + SECOND_NS) if isinstance(event, Fill)]
    assert fills
    assert {fill.price_ticks for fill in fills if isinstance(fill, Fill)} == {ask}


def test_taking_walks_the_book_and_prints() -> None:
    """A buy through three levels fills level by level, is printed as a buy, and leaves a hole until makers return."""
    source = market(taker_groups_per_s=0)
    levels = source.book(3)[1]
    placement = source.place(1, Side.BUY, None, sum(lots for _, lots in levels), IOC)
    per_level: dict[int, int] = {}
    for fill in placement.fills:
        assert (fill.order_id, fill.is_maker, fill.ts_ns) == (1, False, START_NS)
        per_level[fill.price_ticks] = per_level.get(fill.price_ticks, 0) + fill.size_lots
    assert per_level == dict(levels)
    assert source.touch()[1] > levels[-1][0]
    prints = [event for event in source.advance(source.now_ns) if isinstance(event, Print)]
    assert [(p.price_ticks, p.size_lots, p.is_buyer_taker) for p in prints] == [
        (fill.price_ticks, fill.size_lots, True) for fill in placement.fills
    ]
    assert source.last_ticks() == levels[-1][0]
    source.advance(source.now_ns + SECOND_NS)
    assert source.touch()[1] <= levels[-1][0] + 1_000


def test_value_and_takers_do_not_depend_on_our_orders() -> None:
    """The index path is the same with a large order of ours in the way."""
    alone, shared = market(5), market(5)
    shared.place(1, Side.SELL, START_PRICE_TICKS + 20, 1_000_000, ALO)
    for now_ns in range(START_NS + SECOND_NS, START_NS + 60 * SECOND_NS, SECOND_NS):
        alone.advance(now_ns)
        shared.advance(now_ns)
        assert alone.index() == shared.index()
    shared.invariants()


def test_a_wall_of_ours_holds_makers_back() -> None:
    """While a huge ask of ours rests at the touch, no bid stands at or above it."""
    source = market(seed=7)
    ask = source.touch()[1]
    assert ask is not None
    source.place(1, Side.SELL, ask, 10**9, ALO)
    for _ in range(120):
        source.advance(source.now_ns + SECOND_NS)
        bid = source.touch()[0]
        assert bid is not None and bid < ask
    source.invariants()


def test_misuse_is_refused() -> None:
    """Going back in time, an agent's id and a price of nothing raise."""
    source = market()
    source.advance(START_NS + SECOND_NS)
    with pytest.raises(ValueError, match="time goes forward"):
        source.advance(START_NS)
    with pytest.raises(ValueError, match="not negative"):
        source.place(-1, Side.BUY, None, 1, IOC)
    with pytest.raises(ValueError, match="must be positive"):
        SyntheticMarket(BTC_USD, 1, START_NS, 0)
    assert source.cancel(-1) is None
    assert not source.is_over


@pytest.mark.parametrize(
    "wrong",
    [{"step_ns": 0}, {"frame_ns": 300_000_000}, {"step_ns": 1_500, "frame_ns": 3_000}, {"arbitrage_edge_bps": 0.1}],
)
def test_senseless_agents_are_refused(wrong: dict[str, float]) -> None:
    """Beats that do not fit and arbitrage that would eat ordinary makers."""
    with pytest.raises(ValueError, match="must"):
        AgentParams(**wrong)


def test_market_of_few_ticks_works() -> None:
    """At a price of 40 ticks, where one bp is far below a tick, the book stays sane."""
    source = SyntheticMarket(BTC_USD, 1, START_NS, 40)
    for _ in range(60):
        source.advance(source.now_ns + SECOND_NS)
        source.invariants()
        bid, ask = source.touch()
        assert bid is not None and ask is not None and 1 <= bid < ask


def test_generated_tape_shows_the_market_truncated() -> None:
    """Frames strictly in time, at most twenty levels on the grid, sorted, never crossed, prints of the market."""
    tape = generated_tape(BTC_USD, 1, START_NS, 60 * SECOND_NS, START_PRICE_TICKS)
    source = market(1)
    events = source.advance(START_NS + 60 * SECOND_NS)
    assert tape.frame_ts_ns.tolist()[1:] == [e.ts_ns for e in events if isinstance(e, BookChanged)]
    assert tape.trade_ts_ns.tolist() == [e.ts_ns for e in events if isinstance(e, Print)]
    assert tape.trade_is_buy.tolist() == [e.is_buyer_taker for e in events if isinstance(e, Print)]
    for frame in range(len(tape.frame_ts_ns)):
        bids, asks = tape.bids.at(frame)[0].tolist(), tape.asks.at(frame)[0].tolist()
        assert len(bids) == len(asks) == DEPTH
        assert all(ticks % 10 == 0 for ticks in bids + asks)
        assert all(a > b for a, b in pairwise(bids)) and all(a < b for a, b in pairwise(asks))
        assert bids[0] <= asks[0]


def test_generated_hour_resembles_the_recording() -> None:
    """Half an hour stays within a factor of two of what describes the market's shape; volatility varies by the hour."""
    found = figures(generated_tape(BTC_USD, 2, START_NS, 1800 * SECOND_NS, START_PRICE_TICKS), BTC_USD)
    for name in (
        "frames_per_s", "locked_frac", "spread_bps_p90", "prints_per_hour", "print_size_base_p50",
        "print_size_base_p99", "move_1s_bps_p99", "move_5s_bps_p99", "depth_base_p50", "reach_bps_p50",
    ):  # fmt: skip
        assert TARGETS[name] / 2 < found[name] < TARGETS[name] * 2, (name, found[name])


def test_statistics_command_prints_every_figure_and_judges(capsys: pytest.CaptureFixture[str]) -> None:
    """One line per target and the speed, even for a tape too short to hold a 60 s move, which cannot pass."""
    assert main(["--hours", "0.01", "--seeds", "2"]) == 1
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines[:-1]]
    assert names == ["market", *TARGETS, "feed,", *FEED_TARGETS]
    assert next(line for line in lines if line.startswith("move_60s")).split()[4] == "FAIL"
    assert "times real time" in lines[-1]


def test_figures_are_judged_within_a_tenth() -> None:
    """Nine per cent off passes, eleven fails, nothing measured fails, and a maximum is not judged."""
    assert [is_within("locked_frac", 0.46 * ratio) for ratio in (1.09, 0.91, 1.11, 0.89)] == [True, True, False, False]
    assert is_within("delay_ms_p50", 384.0) is True
    assert is_within("depth_base_p50", float("nan")) is False
    assert is_within("prints_per_stamp_max", 1_000.0) is None
