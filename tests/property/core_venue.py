"""A small venue that answers late, out of order or not at all, and what a bot knows of it, to drive decisions with.

What is true (``position``, ``_Order.left``) and what the bot was told (``told_*``) are kept apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from core_builders import NOW, SECOND, params, view

from hummingbot_extensions.core.decide import DecisionInputs, decide
from hummingbot_extensions.core.decision import Cancel, Decision, DecisionState, Place
from hummingbot_extensions.core.params import QuoteParams
from hummingbot_extensions.core.quote import POINTS_LAYER
from hummingbot_extensions.core.types import Side
from hummingbot_extensions.core.view import AccountView, MarketView, OrderState, OwnOrder, SideHistory

D = Decimal


@dataclass(slots=True)
class _Order:
    """One order: ``left`` is what the venue may still fill, ``told_left`` what the bot thinks is left."""

    side: Side
    price: Decimal
    left: Decimal
    told_left: Decimal
    is_reduce_only: bool
    placed_ns: int
    is_open: bool = True
    state: OrderState = OrderState.PLACING
    cancel_sent_ns: int | None = None
    is_risk_cancel: bool = False
    is_points: bool = False


class World:
    """One market, one account, one bot. Every method is one event; ``decide`` is one wake-up of the bot."""

    def __init__(self, config: QuoteParams | None = None, position: str = "0", grid: str = "0.01",
                 margin: str = "10000") -> None:
        self.params = config or params()
        self.position = D(position)
        self.told_position = self.position
        self.by_fills = self.position
        self.mid = D("100000.00")
        self.basis_bps = 0.0
        self.grid = D(grid)
        self.margin = D(margin)
        self.now_ns = NOW
        self.orders: dict[str, _Order] = {}
        self.state = DecisionState()
        self.history = {side: SideHistory() for side in Side}
        self.budgeted_cancels_ns: list[int] = []
        self.is_ready = True
        self.book_age_ms = 10.0
        self.decision: Decision | None = None
        self.hard_stops: list[tuple[int, bool]] = []
        self._next = 1

    # --- the bot ---

    @property
    def true_bid(self) -> Decimal:
        return self.mid - D("0.01")

    @property
    def true_ask(self) -> Decimal:
        return self.mid + D("0.01")

    def view(self) -> MarketView:
        """Book truncated down to the display grid on both sides; a fresh mark at the basis."""
        mark = (self.mid * D(repr(1.0 + self.basis_bps / 1e4))).quantize(D("0.01"))
        return view(
            now_ns=self.now_ns, bid=self._shown(self.true_bid), ask=self._shown(self.true_ask), grid=self.grid,
            mark=mark, price_frame_ns=self.now_ns, book_age_ms=self.book_age_ms, is_connector_ready=self.is_ready)

    def account(self) -> AccountView:
        known = [(order_id, order) for order_id, order in self.orders.items() if order.told_left > 0]
        locked = sum((order.left * order.price for order in self.orders.values()
                      if order.is_open and not order.is_reduce_only), D(0))
        return AccountView(
            position=self.told_position, position_by_fills=self.by_fills, available_quote=self.margin - locked,
            leverage=1, orders=tuple(OwnOrder(
                order_id, order.side, order.price, order.told_left, order.state, order.is_reduce_only, order.placed_ns,
                True, order.cancel_sent_ns, order.is_risk_cancel, order.is_points) for order_id, order in known),
            bid_history=self.history[Side.BUY], ask_history=self.history[Side.SELL])

    def decide(self) -> Decision:
        """One decision, carried out, with everything checked that must hold after any decision."""
        market = self.view()
        decision = decide(DecisionInputs(market, self.account(), self.params, self.state))
        self.state = decision.state
        self.decision = decision
        self.hard_stops.append((self.now_ns, self.state.hard_stop_since_ns is not None))
        for ladder in decision.ladders:
            towards = [tick * ladder.side.sign for tick in ladder.ticks]
            assert all(nearer > farther for nearer, farther in zip(towards, towards[1:], strict=False)), ladder
        has_placed = False
        for action in decision.actions:
            if isinstance(action, Cancel):
                assert not has_placed, "a cancel after a place"
                self._cancelled(action)
            else:
                has_placed = True
                self._placed(action, market)
        if self.state.hard_stop_since_ns is not None:
            plain = [order for order in self.orders.values() if order.told_left > 0 and not order.is_reduce_only]
            assert all(order.cancel_sent_ns is not None for order in plain), "a plain order rests on in a hard stop"
        self.check()
        return decision

    def _cancelled(self, action: Cancel) -> None:
        order = self.orders[action.client_order_id]
        is_retry = action.reason == "retry"
        assert order.cancel_sent_ns is None or is_retry, "cancelled twice"
        if not action.is_risk and not is_retry:
            self.budgeted_cancels_ns.append(self.now_ns)
            dwell_ms = self.params.min_dwell_ms
            if order.is_points:
                dwell_ms = max(dwell_ms, self.params.pricing.points_dwell_ms)
            assert self.now_ns - order.placed_ns >= dwell_ms * 1e6, "cancelled before its dwell"
        order.cancel_sent_ns = self.now_ns
        order.is_risk_cancel = action.is_risk
        if order.state is not OrderState.UNKNOWN:
            order.state = OrderState.CANCELLING

    def _placed(self, action: Place, market: MarketView) -> None:
        quote, rules = action.quote, market.rules
        assert quote.price % rules.tick == 0 and quote.size % rules.step == 0
        assert quote.size >= rules.min_size and quote.size * quote.price >= rules.min_notional
        if quote.side is Side.BUY:
            assert quote.price < self.true_ask
        else:
            assert quote.price > self.true_bid
        terms = quote.breakdown
        if not (self.params.skew.skew_linear_on or self.params.skew.skew_shift_on):
            assert self.params.pricing.base_distance_bps(self.params.pricing.mode) - 1e-6 <= terms.distance_bps
        away = (1.0 - float(quote.price) / terms.mark) * 1e4 * quote.side.sign
        is_points = quote.layer == POINTS_LAYER
        if is_points:
            assert away >= self.params.pricing.points_distance_bps - 1e-6
        elif self.params.pricing.mode == "uptime":
            assert away <= self.params.band_bps - self.params.band_margin_bps
        order_id = f"o{self._next}"
        self._next += 1
        self.orders[order_id] = _Order(
            quote.side, quote.price, quote.size, quote.size, quote.is_reduce_only, self.now_ns,
            is_points=is_points)

    # --- what must hold at any time ---

    def check(self) -> None:
        """No subset of the open orders may fill past the cap, no side is worth more than its own, and no window holds
        more cancels than the budget.
        """
        cap = self.params.worst_case_cap_base
        start = abs(self.position)
        for side in Side:
            plain = sum((order.left for order in self.orders.values()
                         if order.is_open and order.side is side and not order.is_reduce_only), D(0))
            if plain:
                assert self.position * side.sign + plain <= max(cap, start), (side, self.position, plain)
            cap_quote = self.params.layers.side_notional_cap_quote
            worth = sum((order.told_left * order.price for order in self.orders.values()
                         if order.side is side and not order.is_reduce_only), D(0))
            assert cap_quote is None or worth <= cap_quote, (side, worth)
        recent = [at for at in self.budgeted_cancels_ns if self.now_ns - at < 60 * SECOND]
        assert len(recent) <= self.params.cancel_budget_per_min
        for side in Side:
            mine = [order for order in self.orders.values()
                    if order.side is side and order.told_left > 0 and order.cancel_sent_ns is None]
            has_points = self.params.pricing.points_distance_bps is not None
            assert len(mine) <= 2 * (self.params.layers.layer_count + has_points)

    # --- the venue and the way to it; ``which`` picks one of the orders the event can happen to ---

    def _pick(self, which: int, states: tuple[OrderState, ...], is_open: bool | None = None) -> str | None:
        fitting = [order_id for order_id, order in self.orders.items()
                   if order.state in states and (is_open is None or order.is_open is is_open)]
        return fitting[which % len(fitting)] if fitting else None

    def accept(self, which: int) -> None:
        """The venue says that an order rests."""
        order_id = self._pick(which, (OrderState.PLACING, OrderState.UNKNOWN), True)
        if order_id is not None:
            order = self.orders[order_id]
            order.state = OrderState.LIVE if order.cancel_sent_ns is None else OrderState.CANCELLING
            self.history[order.side] = SideHistory()

    def reject(self, which: int) -> None:
        """The venue refuses an order that did not fill."""
        order_id = self._pick(which, (OrderState.PLACING,), True)
        if order_id is not None and self.orders[order_id].left == self.orders[order_id].told_left:
            side = self.orders.pop(order_id).side
            self.history[side] = SideHistory(self.history[side].rejects_in_row + 1, self.now_ns)

    def lose(self, which: int) -> None:
        """The answer to a place does not arrive in time."""
        order_id = self._pick(which, (OrderState.PLACING,))
        if order_id is not None:
            self.orders[order_id].state = OrderState.UNKNOWN

    def fill(self, which: int, part: int) -> None:
        """The venue fills a quarter, a half, three quarters or all of an order; nobody is told yet."""
        fitting = [order for order in self.orders.values() if order.is_open]
        if not fitting:
            return
        order = fitting[which % len(fitting)]
        size = order.left if part == 3 else (order.left * (part + 1) / 4).quantize(D("0.0001"), ROUND_FLOOR)
        if order.is_reduce_only:
            if self.position * order.side.sign >= 0:
                order.is_open = False  # the venue cancels what no longer reduces
                return
            size = min(size, abs(self.position))
        order.left -= size
        self.position += size * order.side.sign
        if order.left == 0:
            order.is_open = False

    def tell_fills(self) -> None:
        """All fills so far reach the bot; what filled completely has ended."""
        for order_id, order in list(self.orders.items()):
            size = order.told_left - order.left
            self.by_fills += size * order.side.sign
            order.told_left = order.left
            if order.left == 0:
                del self.orders[order_id]

    def tell_position(self) -> None:
        """A position frame reaches the bot."""
        self.told_position = self.position

    def cancel_at_venue(self, which: int) -> None:
        """A cancel arrives at the venue, nobody is told yet; from here on the order cannot fill."""
        fitting = [order for order in self.orders.values() if order.cancel_sent_ns is not None and order.is_open]
        if fitting:
            fitting[which % len(fitting)].is_open = False

    def confirm(self, which: int) -> None:
        """The bot is told that an order ended, after every fill it had."""
        fitting = [order_id for order_id, order in self.orders.items() if not order.is_open]
        if fitting:
            self.tell_fills()
            self.orders.pop(fitting[which % len(fitting)], None)

    def move(self, bps: float, elapsed_ms: int) -> None:
        """The market moves while time passes; fills are events of their own."""
        self.now_ns += elapsed_ms * 1_000_000
        self.mid = (self.mid * D(repr(1.0 + bps / 1e4))).quantize(D("0.01"))

    def drift(self, bps: float) -> None:
        """The market moves slowly enough for dwell and throttle to pass."""
        self.move(bps, 4000)

    def settle(self) -> None:
        """Everything that is under way arrives: a venue and a connection in good health."""
        for order in self.orders.values():
            if order.cancel_sent_ns is not None:
                order.is_open = False
        self.tell_fills()
        self.tell_position()
        self.by_fills = self.position
        for order_id, order in list(self.orders.items()):
            if not order.is_open:
                del self.orders[order_id]
            elif order.state in (OrderState.PLACING, OrderState.UNKNOWN):
                order.state = OrderState.LIVE
                self.history[order.side] = SideHistory()

    def _shown(self, price: Decimal) -> Decimal:
        return (price / self.grid).to_integral_value(ROUND_FLOOR) * self.grid


def variant(**changes: object) -> QuoteParams:
    """Parameters that pass their own rules."""
    changed = params(**changes)
    assert changed.problems() == []
    return changed
