"""A closed market of seeded agents with exact price-time priority; our orders rest in the very same queues.

Order at one instant: takers of that millisecond, then the agents' step (value, arbitrage, makers), then the frame.
Takers of (t, t + step] are drawn at t, so how time is sliced changes nothing: ``advance(a); advance(b)`` gives what
``advance(b)`` gives. Value, takers and makers draw from three generators of their own: the value's path and what takers
want are the same whatever we do, makers answer to the book that we share with them.

Agents' orders reach the book one by one: a step has about six of them, for which single calls cost 1.3 us and a batch
of arrays 26 us. Batches are for whole flows (``sim.known_truth``).
"""

from __future__ import annotations

from collections import deque
from math import exp
from random import Random

from hummingbot_extensions.core.types import Side, TimeInForce
from hummingbot_extensions.kernels.fifo import Int64Array
from hummingbot_extensions.sim.agents import DEFAULT_AGENTS, AgentParams
from hummingbot_extensions.sim.makers import GONE, MakerSide
from hummingbot_extensions.sim.market import (
    BookChanged,
    Fill,
    MarketEvent,
    MarketSpec,
    Placement,
    Print,
)
from hummingbot_extensions.sim.matching import Execution, FifoBook
from hummingbot_extensions.sim.value_path import ValuePath

MS_NS = 1_000_000


class SyntheticMarket:
    """``MarketSource`` of synthetic agents.

    ``start_price_ticks`` is the latent value at ``start_ns``. Our own taking prints like anybody's, and fills of our
    orders that rest are reported, by the next ``advance``, with the time at which they happened.
    """

    def __init__(
        self,
        spec: MarketSpec,
        seed: int,
        start_ns: int,
        start_price_ticks: int,
        params: AgentParams = DEFAULT_AGENTS,
        book: FifoBook | None = None,
    ) -> None:
        """``book`` is an empty one that also does something of its own, such as noting the orders it is given."""
        if start_price_ticks <= 0:
            raise ValueError(f"start price must be positive, got {start_price_ticks} ticks")
        self.spec = spec
        self.params = params
        self.now_ns = start_ns
        self._taker_rng = Random(f"takers {seed}")
        self._maker_rng = Random(f"makers {seed}")
        self._path = ValuePath(params, Random(f"value {seed}"), start_price_ticks)
        self._bps_ticks = start_price_ticks * 1e-4
        self._lots_per_base = 10.0**spec.size_decimals
        self._quote_per_tick = 10.0**-spec.price_decimals
        self._makers = {
            side: MakerSide(side, params, self._maker_rng, self._bps_ticks, self._lots_per_base) for side in Side
        }
        self._book = FifoBook() if book is None else book
        self._slots: dict[int, tuple[MakerSide, int]] = {}
        self._next_agent_id = -1
        self._start_ns = start_ns
        self._next_step_ns = start_ns + params.step_ns
        self._takers: deque[tuple[int, Side, list[int]]] = deque()
        self._pending: list[MarketEvent] = []
        self._last_ticks: int | None = None
        self._agents_act()
        self._draw_takers(start_ns)
        self._shown_version = self._book.version

    # The protocol

    def advance(self, to_ns: int) -> list[MarketEvent]:
        if to_ns < self.now_ns:
            raise ValueError(f"time goes forward: {to_ns} is before {self.now_ns}")
        while True:
            taker_ns = self._takers[0][0] if self._takers else self._next_step_ns + 1
            due_ns = min(taker_ns, self._next_step_ns)
            if due_ns > to_ns:
                break
            self.now_ns = due_ns
            if taker_ns <= self._next_step_ns:
                _, side, sizes = self._takers.popleft()
                for lots in sizes:
                    self._agent_takes(side, None, lots)
            else:
                self._step()
        self.now_ns = to_ns
        events, self._pending = self._pending, []
        return events

    def place(self, order_id: int, side: Side, price_ticks: int | None, size_lots: int, tif: TimeInForce) -> Placement:
        if order_id < 0:
            raise ValueError(f"order ids of callers are not negative, got {order_id}")
        execution = self._execute(order_id, side, price_ticks, size_lots, tif)
        fills = tuple(
            Fill(self.now_ns, order_id, match.price_ticks, match.size_lots, is_maker=False)
            for match in execution.matches
        )
        return Placement(fills, execution.resting_lots, execution.would_cross)

    def cancel(self, order_id: int) -> int | None:
        return self._book.cancel(order_id) if order_id >= 0 else None

    def book(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return self._book.levels(Side.BUY, depth), self._book.levels(Side.SELL, depth)

    def shown(self, depth: int) -> dict[Side, tuple[Int64Array, Int64Array]]:
        """(ticks, lots) a side as the venue shows them: truncated down to the display grid, at most ``depth``."""
        return {side: self._book.shown(side, self.spec.display_grid_ticks, depth) for side in Side}

    def touch(self) -> tuple[int | None, int | None]:
        return self._book.best_ticks(Side.BUY), self._book.best_ticks(Side.SELL)

    def last_ticks(self) -> int | None:
        return self._last_ticks

    def index(self) -> float | None:
        return self._path.value_ticks * self._quote_per_tick

    @property
    def is_over(self) -> bool:
        return False

    def ahead_lots(self, order_id: int) -> int:
        """True lots in front of a resting order at its price: what queue models guess. KeyError if it rests no more."""
        return self._book.ahead_lots(order_id)

    def invariants(self) -> None:
        """Raise AssertionError when book and makers disagree."""
        self._book.invariants()
        for order_id, (makers, slot) in self._slots.items():
            if makers.ids[slot] != order_id or self._book.resting(order_id) is None:
                raise AssertionError(f"slot {slot} of {makers.side} lost its order {order_id}")

    # Agents

    def _step(self) -> None:
        self._path.step()
        self._agents_act()
        self._draw_takers(self.now_ns)
        self._next_step_ns += self.params.step_ns
        if (self.now_ns - self._start_ns) % self.params.frame_ns == 0 and self._book.version != self._shown_version:
            self._shown_version = self._book.version
            self._pending.append(BookChanged(self.now_ns))

    def _agents_act(self) -> None:
        """Makers withdraw what is misplaced, arbitrage eats what the value has passed, makers place anew."""
        best = {Side.BUY: self._path.best_bid_ticks, Side.SELL: self._path.best_ask_ticks}
        to_place = {side: makers.misplaced(best[side]) for side, makers in self._makers.items()}
        for side, slot in self._refreshed():
            self._makers[side].offsets[slot] = self._makers[side].drawn_offset(slot)
            if slot not in to_place[side]:
                to_place[side].append(slot)
        for side, slots in to_place.items():
            for slot in slots:
                self._withdraw(self._makers[side], slot)
        self._arbitrage()
        depth = self._path.depth
        for side, slots in to_place.items():
            makers = self._makers[side]
            opposite = self._book.best_ticks(side.opposite)
            for slot in slots:
                lots = makers.drawn_lots(slot, depth)
                price = makers.price_ticks(slot, best[side])
                if opposite is not None and (price - opposite) * side.sign >= 0:
                    # A resting order of ours stands in the way: post-only makers queue up in front of it.
                    price = opposite - side.sign
                if price > 0:
                    self._make(makers, slot, price, lots)

    def _refreshed(self) -> list[tuple[Side, int]]:
        rng = self._maker_rng
        expected = self.params.refresh_per_s * self.params.step_ns / 1e9
        slots = []
        for _ in range(_poisson(rng, expected)):
            side = Side.BUY if rng.random() < 0.5 else Side.SELL
            slots.append((side, rng.randrange(len(self._makers[side].ids))))
        return slots

    def _withdraw(self, makers: MakerSide, slot: int) -> None:
        order_id = makers.ids[slot]
        if order_id != GONE:
            self._book.cancel(order_id)
            del self._slots[order_id]
            makers.ids[slot] = GONE

    def _make(self, makers: MakerSide, slot: int, price_ticks: int, lots: int) -> None:
        order_id = self._next_agent_id
        self._next_agent_id -= 1
        execution = self._book.place(order_id, makers.side, price_ticks, lots, TimeInForce.ALO)
        if execution.resting_lots:
            makers.ids[slot] = order_id
            makers.prices[slot] = price_ticks
            self._slots[order_id] = (makers, slot)

    def _arbitrage(self) -> None:
        params, rng = self.params, self._taker_rng
        # Drawn whether or not there is something to take, so that our orders do not shift the takers' draws.
        acts = rng.random() < params.arbitrage_per_s * params.step_ns / 1e9
        lots = self._lots(params.arbitrage_median_base, 1.0, params.order_max_base)
        if acts:
            edge_ticks = params.arbitrage_edge_bps * self._bps_ticks
            self._agent_takes(Side.BUY, int(self._path.value_ticks - edge_ticks), lots)
            self._agent_takes(Side.SELL, int(self._path.value_ticks + edge_ticks) + 1, lots)

    def _draw_takers(self, from_ns: int) -> None:
        """Queue the groups of takers that arrive in (from, from + step], in time order."""
        params, rng = self.params, self._taker_rng
        activity = self._path.volatility**params.taker_volatility_exponent
        count = _poisson(rng, params.taker_groups_per_s * activity * params.step_ns / 1e9)
        away = self._path.value_ticks - self._path.touch_ticks
        groups = []
        for _ in range(count):
            at_ns = from_ns + MS_NS * rng.randint(1, params.step_ns // MS_NS)
            is_informed = rng.random() < params.taker_informed_frac
            is_buy = away > 0 if is_informed else rng.random() < 0.5
            number = min(params.taker_burst_max, int((1.0 - rng.random()) ** (-1.0 / params.taker_burst_exponent)))
            sizes = [
                self._lots(params.taker_median_base, params.taker_log_sd, params.taker_max_base) for _ in range(number)
            ]
            groups.append((at_ns, Side.BUY if is_buy else Side.SELL, sizes))
        groups.sort(key=lambda group: group[0])
        self._takers.extend(groups)

    def _lots(self, median_base: float, log_sd: float, max_base: float) -> int:
        base = min(max_base, median_base * exp(log_sd * self._taker_rng.gauss(0.0, 1.0)))
        return max(1, round(base * self.params.size_factor * self._lots_per_base))

    def _agent_takes(self, side: Side, limit_ticks: int | None, lots: int) -> None:
        self._execute(self._next_agent_id, side, limit_ticks, lots, TimeInForce.IOC)
        self._next_agent_id -= 1

    # Matching

    def _execute(
        self, order_id: int, side: Side, price_ticks: int | None, lots: int, tif: TimeInForce
    ) -> Execution:
        """Give an order to the book and note prints, our makers' fills and the agents' orders that are gone."""
        execution = self._book.place(order_id, side, price_ticks, lots, tif)
        for match in execution.matches:
            self._last_ticks = match.price_ticks
            self._pending.append(Print(self.now_ns, match.price_ticks, match.size_lots, side is Side.BUY))
            if match.maker_id >= 0:
                self._pending.append(
                    Fill(self.now_ns, match.maker_id, match.price_ticks, match.size_lots, is_maker=True)
                )
            elif not match.maker_left_lots:
                makers, slot = self._slots.pop(match.maker_id)
                makers.ids[slot] = GONE
        return execution


def _poisson(rng: Random, mean: float) -> int:
    """Poisson draw by Knuth's product of uniforms; meant for means of a few."""
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
