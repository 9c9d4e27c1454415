"""A seeded market with an account in it, walked through by decisions as the shell asks for them.

Whatever a decision reads from outside is on the way: signals, funding, refusals, fills, a market that halts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from core_builders import NOW, view

from hummingbot_extensions.core import drift
from hummingbot_extensions.core.breaker_state import Health
from hummingbot_extensions.core.canonical import digest
from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import Cancel, Decision, DecisionState
from hummingbot_extensions.core.drift import FlowState
from hummingbot_extensions.core.exits import ExitHold, Slice, next_slice
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quote import POINTS_LAYER
from hummingbot_extensions.core.types import MarketStanding, Side
from hummingbot_extensions.core.view import AccountView, MarketView, OrderState, OthersBook, OwnOrder, SideHistory

D = Decimal
CENT = D("0.01")
QUEUE_GAPS = (D("0.5"), D(20), D(60), D(90))
"""How far behind the touch the book level may stand that is counted as the last near one."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens before one decision, the same for every configuration that walks the path."""

    market: MarketView
    trades: tuple[tuple[Side, float], ...]
    filled: tuple[Side, ...]
    fee_frac: float
    is_refused: bool
    is_lost: bool
    free_quote: Decimal
    gaps: tuple[Decimal, Decimal]
    by_hand: Decimal
    """Position that the owner adds without the bot."""
    is_answered: bool
    """Whether the venue has answered by now what was sent before."""


def path(seed: int, length: int = 10) -> list[Step]:
    """Steps of 1 ms to some seconds around 100,000; two thirds of the paths are calm, the others leap and halt."""
    rng = random.Random(seed)
    is_wild = rng.random() < 1 / 3
    now_ns, mid, steps = NOW, 100_000.0, []
    grid = rng.choice((CENT, D(1), D(10)))
    basis = rng.uniform(-3.0, 3.0)
    for _ in range(length):
        now_ns += int(rng.choice((1, 40, 250, 250, 1000, 4000, 9000)) * 1e6)
        mid *= 1.0 + rng.gauss(0.0, 6.0 if is_wild else 1.5) / 1e4
        half = rng.choice((0.01, 0.5, 5.0, 20.0))
        bid, ask = (D(repr(mid + away)).quantize(CENT) for away in (-half, half))
        shown = {side: price // grid * grid for side, price in ((Side.BUY, bid), (Side.SELL, ask))}
        has_mark = not is_wild or rng.random() < 0.95
        market = view(
            now_ns=now_ns, bid=shown[Side.BUY], ask=shown[Side.SELL], grid=grid, touch_bid=bid, touch_ask=ask,
            mark=D(repr(mid * (1.0 + basis / 1e4))).quantize(CENT) if has_mark else None, price_frame_ns=now_ns,
            bid_size=D(rng.randint(1, 50)) / 10, ask_size=D(rng.randint(1, 50)) / 10,
            others_bid=None if rng.random() < 0.2 else bid - rng.randint(0, 5) * CENT,
            others_ask=None if rng.random() < 0.2 else ask + rng.randint(0, 5) * CENT,
            others_book=OthersBook(
                shown[Side.BUY], None if int(bid) % 11 == 0 else ask, D(int(bid) % 7 * 40_000),
                D(int(ask) % 5 * 40_000)),
            funding_rate_frac=rng.choice((None, rng.uniform(-0.002, 0.002))),
            leader=mid * 1.2 * rng.uniform(0.9995, 1.0005), leader_age_ms=rng.uniform(0.0, 300.0),
            standing=MarketStanding.HALTED if is_wild and rng.random() < 0.05 else MarketStanding.TRADING,
            book_age_ms=rng.choice((10.0, 10.0, 300.0, 2500.0)) if is_wild else 10.0,
        )
        steps.append(Step(
            market, tuple((rng.choice(list(Side)), rng.uniform(100.0, 90_000.0)) for _ in range(rng.randint(0, 2))),
            tuple(side for side in Side if rng.random() < 0.2), rng.choice((-0.0001, 0.0001)), rng.random() < 0.05,
            rng.random() < 0.03, D(rng.choice((10_000, 10_000, 600))),
            (rng.choice(QUEUE_GAPS), rng.choice(QUEUE_GAPS)),
            D(rng.choice((0, 0, 0, 0, 0, 0, 30, -30, 70, -70, 230, -230))) / 10_000, rng.random() < 0.85,
        ))
    return steps


class Walk:
    """One configuration on its way along a path: it places, is filled, and is told of it at the next step."""

    def __init__(self, params: QuoteParams) -> None:
        self.params = params
        self.state = DecisionState()
        self.flow = FlowState()
        self.position = D(0)
        self.entry: Decimal | None = None
        self.last_fill: Side | None = None
        self.orders: dict[str, OwnOrder] = {}
        self.histories = {side: SideHistory() for side in Side}
        self.rejects_ns: tuple[int, ...] = ()
        self._next = 1

    def trace(self, steps: list[Step]) -> Iterator[str]:
        """What is decided at every step, the slice that leads out of a stop included, and at the end a digest.

        The texts are exact to the last digit of every number, and faster made than digests.
        """
        for step in steps:
            decision, found = self._decided(step)
            yield f"{decision!r} {found!r}"
        yield digest(decision)

    def _decided(self, step: Step) -> tuple[Decision, Slice | ExitHold]:
        params, market = self.params, step.market
        now_ns = market.now_ns
        if step.is_answered:
            self._answer(step, now_ns)
        self._add(step.by_hand, market)
        for side in step.filled:
            self._fill(side)
        for side, value_quote in step.trades:
            self.flow = drift.after_trade(self.flow, now_ns, side, value_quote, params.drift)
        is_counted = params.queue_position_limit > 0
        market = replace(
            market,
            flow_frac=drift.flow_frac(self.flow, now_ns, params.drift) if params.skew.skew_flow_on else None,
            bid_queue=market.bid - step.gaps[0] if is_counted and market.bid is not None else None,
            ask_queue=market.ask + step.gaps[1] if is_counted and market.ask is not None else None,
        )
        if not params.pricing.needs_others:
            market = replace(market, others_bid=None, others_ask=None)
        if not params.market_guard.is_on:
            market = replace(market, others_book=None)
        own_fee = params.maker_fee_bps
        account = AccountView(
            self.position, self.position, step.free_quote, 1, tuple(self.orders.values()),
            self.histories[Side.BUY], self.histories[Side.SELL], health=Health(rejects_ns=self.rejects_ns),
            entry_price=self.entry, maker_fee_frac=step.fee_frac if own_fee is None else float(own_fee) / 1e4,
            last_fill_side=self.last_fill, equity_quote=step.free_quote if params.needs_equity else None)
        decision = decide(DecisionInputs(market, account, params, self.state))
        self.state = decision.state
        for action in decision.actions:
            if isinstance(action, Cancel):
                order = self.orders[action.client_order_id]
                self.orders[action.client_order_id] = replace(
                    order, state=OrderState.CANCELLING, cancel_sent_ns=now_ns, is_risk_cancel=action.is_risk)
            else:
                name, quote = f"o{self._next}", action.quote
                self._next += 1
                self.orders[name] = OwnOrder(
                    name, quote.side, quote.price, quote.size, OrderState.PLACING, quote.is_reduce_only, now_ns,
                    is_points=quote.layer == POINTS_LAYER)
        stopped_ns = decision.state.hard_stop_since_ns
        return decision, next_slice(market, account, stopped_ns, params.exit_params())

    def _answer(self, step: Step, now_ns: int) -> None:
        """The venue's word on everything that was sent so far."""
        for name, order in list(self.orders.items()):
            if order.state is OrderState.CANCELLING:
                del self.orders[name]
            elif order.state is OrderState.PLACING and step.is_refused:
                del self.orders[name]
                before = self.histories[order.side].rejects_in_row
                self.histories[order.side] = SideHistory(before + 1, now_ns)
                self.rejects_ns = (*self.rejects_ns, now_ns)
            elif order.state is OrderState.PLACING and step.is_lost:
                self.orders[name] = replace(order, state=OrderState.UNKNOWN)
            elif order.state in (OrderState.PLACING, OrderState.UNKNOWN):
                self.orders[name] = replace(order, state=OrderState.LIVE)
                self.histories[order.side] = SideHistory()

    def _fill(self, side: Side) -> None:
        """The nearest order of a side fills."""
        mine = [order for order in self.orders.values() if order.side is side and order.state is OrderState.LIVE]
        if mine:
            order = max(mine, key=lambda each: each.price * side.sign)
            del self.orders[order.client_order_id]
            self.entry, self.last_fill = order.price, side
            self.position += order.size * side.sign

    def _add(self, size: Decimal, market: MarketView) -> None:
        self.position += size
        if size:
            self.entry = market.bid
